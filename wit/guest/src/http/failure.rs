//! Why a request failed, and the error that says so to the host.

use alloc::format;

use crate::bindings::openclaw::provider::types::{Error, ErrorKind, ErrorOrigin};
use crate::bindings::wasi::http::types::{ErrorCode, HeaderError};
use crate::one_line;

/// Longest message of a failure, in bytes.
const MAX_MESSAGE: usize = 512;

/// Why there is no answer, or no whole one. [`Failure::into_error`] puts it in words.
#[derive(Debug)]
pub enum Failure {
    /// The host refused a header. Nothing was sent.
    Header(HeaderError),
    /// The host refused the method, the authority or the path. Nothing was sent.
    Url,
    /// The host did not do what `wasi:http` says. Nothing was sent.
    Host(&'static str),
    /// No head of an answer came.
    Request(ErrorCode),
    /// The answer's body broke off.
    Response(ErrorCode),
    /// The answer's body is larger than so many bytes, which the caller gave as its limit.
    TooLarge(usize),
}

impl Failure {
    /// The error for the host, in one sentence about the `service`, such as `gateway` or `endpoint`, with a hint.
    #[inline]
    pub fn into_error(self, service: &str) -> Error {
        const HEADERS: &str = "Check the headers of the configuration, and those added for this call.";
        let (kind, origin, request_sent, message, hint) = match &self {
            Self::Header(HeaderError::Forbidden) => {
                let message = "The host does not allow one of the headers";
                (ErrorKind::DeniedByHost, ErrorOrigin::Host, false, message, HEADERS)
            }
            Self::Header(HeaderError::InvalidSyntax | HeaderError::Immutable) => {
                let message = "One of the headers is malformed";
                (ErrorKind::InvalidConfig, ErrorOrigin::Plugin, false, message, HEADERS)
            }
            Self::Url => {
                let message = "The host refused the base URL";
                (ErrorKind::InvalidConfig, ErrorOrigin::Plugin, false, message, "Check the base URL.")
            }
            Self::Host(message) => (ErrorKind::Other, ErrorOrigin::Host, false, *message, ""),
            Self::Request(code) => told(code),
            Self::Response(code) => {
                let (kind, origin, _, message, hint) = told(code);
                (kind, origin, true, message, hint)
            }
            Self::TooLarge(_) => {
                (ErrorKind::Protocol, ErrorOrigin::Upstream, true, "The answer is larger than", "Ask for less.")
            }
        };
        let mut message = message.replace('@', service);
        let mut code = None;
        match self {
            Self::TooLarge(limit) => message = format!("{message} {} MiB", limit >> 20),
            Self::Request(ErrorCode::InternalError(Some(detail)))
            | Self::Response(ErrorCode::InternalError(Some(detail))) => {
                message = one_line(&format!("{message}: {detail}"), MAX_MESSAGE);
            }
            Self::Request(ErrorCode::DnsError(payload)) => code = payload.rcode,
            _ => {}
        }
        Error {
            kind,
            origin,
            message,
            hint: Some(hint.replace('@', service)).filter(|hint| !hint.is_empty()),
            status: None,
            code,
            retry_after_ms: None,
            trace_id: None,
            request_sent,
        }
    }
}

/// A failure below HTTP: its kind, its origin, whether the request may have left, a message and a hint. In these, `@` is
/// the service.
#[inline]
fn told(code: &ErrorCode) -> (ErrorKind, ErrorOrigin, bool, &'static str, &'static str) {
    use ErrorCode as C;
    use ErrorKind as K;
    use ErrorOrigin::{Host, Network, Plugin, Upstream};

    const NAME: &str = "Check the host name in the base URL, and the network.";
    const REACH: &str = "Check that the @ runs at the base URL, and that the network allows the connection.";
    const TLS: &str = "Check that the base URL's https is right, and that the @'s certificate is one the host trusts.";
    const SLOW: &str = "Try again, or raise the limit: timeoutSeconds in the provider's configuration.";
    const AGAIN: &str = "Try again.";
    const ALLOW: &str = "Allow the @'s host in the agent host's network policy.";

    match code {
        C::HttpRequestDenied => (K::DeniedByHost, Host, false, "The host's policy refused the request", ALLOW),
        C::DestinationIpProhibited => {
            (K::DeniedByHost, Host, false, "The host's policy refused the @'s address", ALLOW)
        }
        C::DnsTimeout => (K::Timeout, Network, false, "The name lookup of the @ took too long", NAME),
        C::DnsError(_) => (K::Transport, Network, false, "The name of the @ could not be looked up", NAME),
        C::DestinationNotFound => (K::Transport, Network, false, "The @ was not found", NAME),
        C::DestinationUnavailable | C::DestinationIpUnroutable => {
            (K::Transport, Network, false, "The @ cannot be reached", REACH)
        }
        C::ConnectionRefused => (K::Transport, Network, false, "The @ refused the connection", REACH),
        C::ConnectionLimitReached => (K::Transport, Host, false, "The host has too many connections open", AGAIN),
        C::ConnectionTimeout => (K::Timeout, Network, false, "The connection to the @ took too long", REACH),
        C::ConnectionReadTimeout | C::HttpResponseTimeout => {
            (K::Timeout, Network, true, "The @ took too long to answer", SLOW)
        }
        C::ConnectionWriteTimeout => (K::Timeout, Network, true, "The @ took too long to read the request", SLOW),
        C::ConnectionTerminated | C::HttpResponseIncomplete => {
            (K::Transport, Network, true, "The connection to the @ broke", AGAIN)
        }
        C::TlsProtocolError | C::TlsAlertReceived(_) => {
            (K::Transport, Network, false, "The TLS connection to the @ failed", TLS)
        }
        C::TlsCertificateError => (K::Transport, Network, false, "The @'s TLS certificate is not trusted", TLS),
        C::HttpRequestLengthRequired
        | C::HttpRequestMethodInvalid
        | C::HttpRequestUriInvalid
        | C::HttpRequestUriTooLong
        | C::HttpRequestTrailerSectionSize(_)
        | C::HttpRequestTrailerSize(_) => (
            K::InvalidConfig,
            Plugin,
            false,
            "The host could not send the request as it is",
            "Check the base URL and the headers.",
        ),
        C::HttpRequestHeaderSectionSize(_) | C::HttpRequestHeaderSize(_) => {
            (K::InvalidConfig, Host, false, "The host refuses headers this large", "Send shorter headers.")
        }
        C::HttpRequestBodySize(_) => {
            (K::Protocol, Host, false, "The host refuses a request this large", "Send less, or raise the host's limit.")
        }
        C::HttpResponseBodySize(_) => (
            K::Protocol,
            Host,
            true,
            "The answer is larger than the host allows",
            "Ask for less, or raise the host's limit.",
        ),
        C::HttpResponseHeaderSectionSize(_)
        | C::HttpResponseHeaderSize(_)
        | C::HttpResponseTrailerSectionSize(_)
        | C::HttpResponseTrailerSize(_)
        | C::HttpResponseTransferCoding(_)
        | C::HttpResponseContentCoding(_)
        | C::HttpUpgradeFailed
        | C::HttpProtocolError => {
            (K::Protocol, Upstream, true, "The answer is not proper HTTP", "Check that the base URL is the @'s.")
        }
        C::LoopDetected => (
            K::InvalidConfig,
            Network,
            true,
            "The request goes round in a loop",
            "Check the proxies between the host and the @.",
        ),
        C::ConfigurationError => {
            (K::InvalidConfig, Host, false, "The host's own configuration is wrong", "See the host's log.")
        }
        C::InternalError(_) => {
            (K::Transport, Host, true, "The host failed to make the request", "Check the host's proxy and network.")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bindings::wasi::http::types::DnsErrorPayload;

    #[test]
    fn failures_in_words() {
        use ErrorCode as C;
        for (code, kind, origin, sent) in [
            (C::HttpRequestDenied, ErrorKind::DeniedByHost, ErrorOrigin::Host, false),
            (C::DestinationIpProhibited, ErrorKind::DeniedByHost, ErrorOrigin::Host, false),
            (C::ConnectionRefused, ErrorKind::Transport, ErrorOrigin::Network, false),
            (C::ConnectionTimeout, ErrorKind::Timeout, ErrorOrigin::Network, false),
            (C::ConnectionReadTimeout, ErrorKind::Timeout, ErrorOrigin::Network, true),
            (C::HttpResponseTimeout, ErrorKind::Timeout, ErrorOrigin::Network, true),
            (C::ConnectionTerminated, ErrorKind::Transport, ErrorOrigin::Network, true),
            (C::TlsCertificateError, ErrorKind::Transport, ErrorOrigin::Network, false),
            (C::HttpProtocolError, ErrorKind::Protocol, ErrorOrigin::Upstream, true),
            (C::HttpResponseBodySize(None), ErrorKind::Protocol, ErrorOrigin::Host, true),
            (C::InternalError(Some("why\nnot".into())), ErrorKind::Transport, ErrorOrigin::Host, true),
        ] {
            let error = Failure::Request(code.clone()).into_error("endpoint");
            assert_eq!((error.kind, error.origin, error.request_sent), (kind, origin, sent), "{}", error.message);
            let hint = error.hint.unwrap();
            assert!(error.status.is_none() && !error.message.contains(['\n', '@']) && !hint.contains('@'), "{hint}");
            assert!(Failure::Response(code).into_error("endpoint").request_sent, "an answer had begun");
        }
        let error = Failure::Request(C::ConnectionRefused).into_error("endpoint");
        assert_eq!(error.message, "The endpoint refused the connection");
        assert!(error.hint.unwrap().starts_with("Check that the endpoint runs"));
        let payload = DnsErrorPayload { rcode: Some("NXDOMAIN".into()), info_code: None };
        let error = Failure::Request(C::DnsError(payload)).into_error("endpoint");
        assert_eq!(error.code.as_deref(), Some("NXDOMAIN"));
        assert_eq!(Failure::Header(HeaderError::Forbidden).into_error("x").kind, ErrorKind::DeniedByHost);
        assert_eq!(Failure::Header(HeaderError::InvalidSyntax).into_error("x").kind, ErrorKind::InvalidConfig);
        let error = Failure::TooLarge(3 << 20).into_error("x");
        assert_eq!((error.message.as_str(), error.request_sent), ("The answer is larger than 3 MiB", true));
        assert!(!Failure::Host("x").into_error("x").request_sent && !Failure::Url.into_error("x").request_sent);
    }
}
