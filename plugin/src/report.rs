//! Reads the head of an answer: what the gateway reports about a call.
//!
//! Source of the header names: Portkey docs, "Response headers"; gateway 1.15.2.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

use openclaw_provider_guest::http;

use crate::bindings::openclaw::provider::types::GatewayReport;

/// Status and headers of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// HTTP status.
    pub status: u16,
    /// Names in lower case, and values.
    pub headers: Vec<(String, String)>,
}

impl Head {
    /// The first value of a header, trimmed; none where it is empty. `name` is in lower case.
    pub fn get(&self, name: &str) -> Option<&str> {
        http::header(&self.headers, name)
    }

    /// Whether the answer is one to go on with: 200, or 246, Portkey's "guardrails failed but were not to deny".
    pub fn is_success(&self) -> bool {
        matches!(self.status, 200 | 201 | 202 | 203 | 246)
    }

    /// Whether the body is one document rather than a stream of events.
    pub fn is_document(&self) -> bool {
        self.get("content-type").is_some_and(|kind| kind.contains("json") || kind.contains("html"))
    }

    /// Whether the gateway routed the request to a model provider. Its own refusals carry none of these headers.
    pub fn is_routed(&self) -> bool {
        self.get("x-portkey-last-used-option-index").is_some() || self.get("x-portkey-provider").is_some()
    }

    /// What the gateway reports.
    pub fn report(&self) -> GatewayReport {
        let text = |name| self.get(name).map(ToOwned::to_owned);
        GatewayReport {
            trace_id: text("x-portkey-trace-id"),
            provider: text("x-portkey-provider"),
            cache_status: text("x-portkey-cache-status"),
            retry_attempts: self.get("x-portkey-retry-attempt-count").and_then(|count| count.parse().ok()),
            used_target: text("x-portkey-last-used-option-index"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_what_is_there() {
        let headers = [
            ("x-portkey-trace-id", ""),
            ("x-portkey-provider", "openai"),
            ("x-portkey-cache-status", "DISABLED"),
            ("x-portkey-retry-attempt-count", "-1"),
            ("x-portkey-last-used-option-index", "config.targets[1]"),
        ];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let report = Head { status: 200, headers }.report();
        assert_eq!(report.trace_id, None, "the open-source gateway echoes an absent trace id as an empty one");
        assert_eq!(report.provider.as_deref(), Some("openai"));
        assert_eq!(report.cache_status.as_deref(), Some("DISABLED"));
        assert_eq!(report.retry_attempts, Some(-1));
        assert_eq!(report.used_target.as_deref(), Some("config.targets[1]"));
        assert_eq!(Head::default().report(), Head::default().report());
    }
}
