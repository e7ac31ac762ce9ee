//! The kinds of errors and who made them, and the record that holds both: `error` of the WIT's `types`. Which failure of a
//! provider is of which kind, the plugin's `error/classify.rs` says.

use std::fmt;

use serde::{Deserialize, Serialize};
use wasmtime::component::{ComponentType, Lift, Lower};

/// What went wrong, coarse: what a program acts on. A provider's own detail is in [`Error::code`].
///
/// ```
/// use host_harness::ErrorKind;
///
/// fn may_help_later(kind: ErrorKind) -> bool {
///     match kind {
///         ErrorKind::RateLimited | ErrorKind::Overloaded | ErrorKind::Timeout => true,
///         // There may be more kinds one day.
///         _ => false,
///     }
/// }
/// assert!(may_help_later(ErrorKind::Overloaded));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(enum)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The host holds no value for a credential that the call needs. Nothing was sent.
    #[component(name = "missing-credential")]
    MissingCredential,
    /// A credential was refused (usually HTTP 401).
    #[component(name = "unauthorized")]
    Unauthorized,
    /// The credential is good but may not do this (usually HTTP 403).
    #[component(name = "forbidden")]
    Forbidden,
    /// A budget or quota is used up: waiting does not help.
    #[component(name = "quota-exceeded")]
    QuotaExceeded,
    /// Too many requests for now (HTTP 429): see [`Error::retry_after_ms`].
    #[component(name = "rate-limited")]
    RateLimited,
    /// A guardrail or a content filter refused the request or the answer.
    #[component(name = "content-blocked")]
    ContentBlocked,
    /// No such model, route or resource (usually HTTP 404).
    #[component(name = "not-found")]
    NotFound,
    /// The request itself is wrong: a field, a size, a combination.
    #[component(name = "invalid-request")]
    InvalidRequest,
    /// The host's configuration, or the gateway's, is wrong.
    #[component(name = "invalid-config")]
    InvalidConfig,
    /// The provider or the model cannot do this at all.
    #[component(name = "unsupported")]
    Unsupported,
    /// The service failed or is overloaded (5xx): trying later may help.
    #[component(name = "overloaded")]
    Overloaded,
    /// A time limit passed.
    #[component(name = "timeout")]
    Timeout,
    /// The host's policy refused the request. Nothing was sent.
    #[component(name = "denied-by-host")]
    DeniedByHost,
    /// The network failed: name lookup, connection, TLS, or a connection that broke.
    #[component(name = "transport")]
    Transport,
    /// The answer is not what the protocol allows: not JSON, a wrong shape, HTML.
    #[component(name = "protocol")]
    Protocol,
    /// A streamed answer stopped before its end. What arrived so far is not the whole.
    #[component(name = "truncated")]
    Truncated,
    /// None of the above.
    #[component(name = "other")]
    #[serde(other)]
    Other,
}

impl ErrorKind {
    /// Its name in JSON, in logs and in metrics: `rate_limited`.
    pub fn name(self) -> &'static str {
        match self {
            Self::MissingCredential => "missing_credential",
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::QuotaExceeded => "quota_exceeded",
            Self::RateLimited => "rate_limited",
            Self::ContentBlocked => "content_blocked",
            Self::NotFound => "not_found",
            Self::InvalidRequest => "invalid_request",
            Self::InvalidConfig => "invalid_config",
            Self::Unsupported => "unsupported",
            Self::Overloaded => "overloaded",
            Self::Timeout => "timeout",
            Self::DeniedByHost => "denied_by_host",
            Self::Transport => "transport",
            Self::Protocol => "protocol",
            Self::Truncated => "truncated",
            Self::Other => "other",
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Who refused or failed: "is this 401 the gateway's or the model provider's?"
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(enum)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
#[non_exhaustive]
pub enum ErrorOrigin {
    /// The plugin, before anything was sent.
    #[component(name = "plugin")]
    Plugin,
    /// The host: its policy or its limits.
    #[component(name = "host")]
    Host,
    /// What lies between the host and the gateway.
    #[component(name = "network")]
    Network,
    /// The gateway itself.
    #[component(name = "gateway")]
    Gateway,
    /// The model provider behind the gateway.
    #[component(name = "upstream")]
    Upstream,
}

impl ErrorOrigin {
    /// Its name in JSON, in logs and in metrics: `upstream`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plugin => "plugin",
            Self::Host => "host",
            Self::Network => "network",
            Self::Gateway => "gateway",
            Self::Upstream => "upstream",
        }
    }
}

impl fmt::Display for ErrorOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A failed call.
#[derive(Clone, Debug, PartialEq, Eq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(record)]
pub struct Error {
    /// What went wrong.
    pub kind: ErrorKind,
    /// Who refused or failed.
    pub origin: ErrorOrigin,
    /// One sentence for a person. Never holds a secret.
    pub message: String,
    /// What to do about it, in one sentence.
    pub hint: Option<String>,
    /// HTTP status of the answer, if there was one.
    pub status: Option<u16>,
    /// The provider's or the gateway's own code, verbatim.
    pub code: Option<String>,
    /// How long the service asked to wait, in milliseconds.
    #[component(name = "retry-after-ms")]
    pub retry_after_ms: Option<u64>,
    /// The id by which the gateway's logs know this call.
    #[component(name = "trace-id")]
    pub trace_id: Option<String>,
    /// Whether request bytes may have left the host: a fact for accounting, not a retry policy.
    #[component(name = "request-sent")]
    pub request_sent: bool,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}
