//! Failures as the official OpenAI clients read them: the status chooses the exception, the body fills it.
//!
//! Source: openai-node 6 and openai-python 2, their `error` and `_exceptions` modules and their retry rules.

use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::{Value, json};

use crate::bindings::openclaw::provider::types::{Error, ErrorKind, ErrorOrigin};

/// A request that is not answered as it should be.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// HTTP status, 400 or above.
    pub status: u16,
    /// One or two sentences for a person.
    pub message: String,
    /// OpenAI's `code`, or the provider's own.
    pub code: String,
    /// The field of the request that is wrong.
    pub param: Option<String>,
    /// Who refused or failed, where it was not this component.
    pub origin: Option<&'static str>,
    /// How long the service asked to wait, in milliseconds.
    pub retry_after_ms: Option<u64>,
    /// The id by which the gateway's logs know the call.
    pub trace_id: Option<String>,
    /// Whether a client may send the same again by itself. The official clients do so on 408, 409, 429 and 5xx unless
    /// told not to.
    pub may_retry: bool,
}

impl Failure {
    /// One that this component makes; sending the same again does not help.
    pub fn new(status: u16, code: &str, message: impl Into<String>) -> Box<Self> {
        Box::new(Self {
            status,
            message: message.into(),
            code: code.to_owned(),
            param: None,
            origin: None,
            retry_after_ms: None,
            trace_id: None,
            may_retry: false,
        })
    }

    /// A request that is wrong in itself.
    pub fn invalid(message: impl Into<String>) -> Box<Self> {
        Self::new(400, "invalid_request", message)
    }

    /// A request with one field that is wrong.
    pub fn invalid_field(field: &str, message: &str) -> Box<Self> {
        Box::new(Self { param: Some(field.to_owned()), ..*Self::invalid(format!("{field} {message}")) })
    }

    /// OpenAI's word for this sort of failure.
    fn kind(&self) -> &'static str {
        match self.status {
            401 => "authentication_error",
            403 => "permission_error",
            429 => "rate_limit_error",
            400..500 => "invalid_request_error",
            _ => "server_error",
        }
    }

    /// The JSON of `{"error": ...}`.
    pub fn body(&self) -> Value {
        json!({"error": {
            "message": self.message,
            "type": self.kind(),
            "param": self.param,
            "code": self.code,
            "origin": self.origin,
        }})
    }

    /// Headers beside those of the body.
    pub fn headers(&self) -> Vec<(&'static str, String)> {
        let mut headers = Vec::new();
        if let Some(milliseconds) = self.retry_after_ms {
            headers.push(("retry-after", milliseconds.div_ceil(1000).to_string()));
            headers.push(("retry-after-ms", milliseconds.to_string()));
        }
        headers.extend(request_id(self.trace_id.as_deref()));
        if !self.may_retry {
            headers.push(("x-should-retry", "false".to_owned()));
        }
        if self.status == 401 {
            headers.push(("www-authenticate", "Bearer".to_owned()));
        }
        headers
    }
}

/// What the official clients call the id of a request.
pub fn request_id(trace_id: Option<&str>) -> Option<(&'static str, String)> {
    let is_visible = |id: &&str| id.bytes().all(|byte| byte.is_ascii_graphic());
    trace_id.filter(is_visible).map(|id| ("x-request-id", id.to_owned()))
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        use ErrorKind as K;
        let (status, code) = match error.kind {
            K::MissingCredential => (500, "missing_credential"),
            K::Unauthorized => (401, "unauthorized"),
            K::Forbidden => (403, "forbidden"),
            K::QuotaExceeded => (429, "quota_exceeded"),
            K::RateLimited => (429, "rate_limited"),
            K::ContentBlocked => (400, "content_blocked"),
            K::NotFound => (404, "not_found"),
            K::InvalidRequest => (400, "invalid_request"),
            K::InvalidConfig => (500, "invalid_config"),
            K::Unsupported => (400, "unsupported"),
            K::Overloaded => (503, "overloaded"),
            K::Timeout => (504, "timeout"),
            K::DeniedByHost => (500, "denied_by_host"),
            K::Transport => (502, "transport"),
            K::Protocol => (502, "protocol"),
            K::Truncated => (502, "truncated"),
            K::Other => (500, "other"),
        };
        let origin = match error.origin {
            ErrorOrigin::Plugin => "plugin",
            ErrorOrigin::Host => "host",
            ErrorOrigin::Network => "network",
            ErrorOrigin::Gateway => "gateway",
            ErrorOrigin::Upstream => "upstream",
        };
        let message = match error.hint {
            Some(hint) if error.message.ends_with(['.', '!', '?', '…']) => format!("{} {hint}", error.message),
            Some(hint) => format!("{}. {hint}", error.message),
            None => error.message,
        };
        Self {
            // The service's own status says more than the kind, unless it said success or sent us elsewhere.
            status: error.status.filter(|status| (400..600).contains(status)).unwrap_or(status),
            message,
            code: error.code.unwrap_or_else(|| code.to_owned()),
            param: None,
            origin: Some(origin),
            retry_after_ms: error.retry_after_ms,
            trace_id: error.trace_id,
            // Where the answer was lost on its way, the call may have been made, and billed.
            may_retry: matches!(error.kind, K::RateLimited | K::Overloaded)
                || !error.request_sent && matches!(error.kind, K::Transport | K::Timeout),
        }
    }
}

impl From<Error> for Box<Failure> {
    fn from(error: Error) -> Self {
        Self::new(error.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(kind: ErrorKind, status: Option<u16>) -> Error {
        Error {
            kind,
            origin: ErrorOrigin::Gateway,
            message: "No".to_owned(),
            hint: Some("Ask later.".to_owned()),
            status,
            code: None,
            retry_after_ms: None,
            trace_id: None,
            request_sent: true,
        }
    }

    #[test]
    fn a_rate_limit_keeps_all_that_a_client_acts_on() {
        let mut limit = error(ErrorKind::RateLimited, Some(429));
        limit.code = Some("rate_limit_exceeded".to_owned());
        limit.retry_after_ms = Some(1500);
        limit.trace_id = Some("trace-1".to_owned());
        let failure = Failure::from(limit);
        let headers = failure.headers();
        let header = |name| headers.iter().find(|(key, _)| *key == name).map(|(_, value)| value.as_str());
        assert_eq!(failure.status, 429);
        assert_eq!(header("retry-after"), Some("2"), "whole seconds, rounded up");
        assert_eq!(header("retry-after-ms"), Some("1500"));
        assert_eq!(header("x-request-id"), Some("trace-1"));
        assert_eq!(header("x-should-retry"), None);
        let body = failure.body();
        assert_eq!(body["error"]["type"], "rate_limit_error");
        assert_eq!(body["error"]["code"], "rate_limit_exceeded");
        assert_eq!(body["error"]["message"], "No. Ask later.");
        assert_eq!(body["error"]["origin"], "gateway");
    }

    #[test]
    fn the_status_is_the_services_where_it_failed() {
        for (kind, status, expected) in [
            (ErrorKind::QuotaExceeded, Some(412), 412),
            (ErrorKind::ContentBlocked, Some(446), 446),
            (ErrorKind::Overloaded, Some(200), 503),
            (ErrorKind::InvalidConfig, Some(302), 500),
            (ErrorKind::Truncated, Some(200), 502),
            (ErrorKind::Transport, None, 502),
        ] {
            assert_eq!(Failure::from(error(kind, status)).status, expected, "{kind:?}");
        }
    }

    /// A provider says what it likes.
    #[test]
    fn an_error_of_any_content_is_an_answer() {
        let odd = ["", "a\r\nx-evil: 1", "\0", "\u{1b}[2J", "ü", "\u{2028}", " ", "a\tb", "data: x\n\n"];
        for (at, text) in odd.into_iter().enumerate() {
            for status in [None, Some(0), Some(101), Some(204), Some(399), Some(600), Some(u16::MAX)] {
                let wait = [None, Some(0), Some(u64::MAX)][at % 3];
                let told = || Some(text.to_owned());
                let (message, hint, code, trace_id) = (text.to_owned(), told(), told(), told());
                let said =
                    Error { message, hint, code, trace_id, retry_after_ms: wait, ..error(ErrorKind::Other, status) };
                let failure = Failure::from(said);
                assert_eq!(failure.status, 500);
                for (name, value) in failure.headers() {
                    assert!(value.bytes().all(|byte| byte.is_ascii_graphic()), "{name}: {value:?}");
                }
                let line = alloc::string::String::from_utf8(crate::chat::error_event(&failure)).unwrap();
                assert_eq!(line.matches(['\n', '\r']).count(), 2, "{line:?}");
                let json = line.trim_end().strip_prefix("data: ").unwrap();
                assert_eq!(serde_json::from_str::<Value>(json).unwrap()["error"]["code"], text);
            }
        }
    }

    #[test]
    fn what_may_have_been_billed_is_not_sent_again() {
        for (kind, sent, may_retry) in [
            (ErrorKind::RateLimited, true, true),
            (ErrorKind::Overloaded, true, true),
            (ErrorKind::Transport, false, true),
            (ErrorKind::Transport, true, false),
            (ErrorKind::Timeout, true, false),
            (ErrorKind::Truncated, true, false),
            (ErrorKind::QuotaExceeded, true, false),
            (ErrorKind::InvalidConfig, false, false),
        ] {
            let failure = Failure::from(Error { request_sent: sent, ..error(kind, None) });
            assert_eq!(failure.may_retry, may_retry, "{kind:?}, sent: {sent}");
        }
    }
}
