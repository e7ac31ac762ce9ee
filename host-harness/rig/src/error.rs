//! A failed call as rig's error.

use host_harness::{Error, types, types::ErrorKind};
use http::{HeaderMap, HeaderValue, StatusCode, header::RETRY_AFTER};
use rig_core::{
    ProviderResponseError,
    error::{EncodeError, ProviderError, retryable_status},
};

/// The error of the library that rig's holds, with its kind and its hint.
///
/// Rig hands an agent's errors on as a report, in which no source of theirs can be found any more. The body of an answer
/// stays: here it is the record, as JSON. So this takes what `provider_response_body` gives, which rig's `ProviderError`
/// has, its `ErrorReport`, and the `PromptError` of an agent. `None` where the failure is rig's own.
///
/// ```
/// use host_harness::ErrorKind;
/// use rig_core::error::ProviderError;
///
/// fn is_used_up(error: &ProviderError) -> bool {
///     let record = host_harness_rig::record(error.provider_response_body());
///     record.is_some_and(|record| record.kind == ErrorKind::QuotaExceeded)
/// }
/// ```
pub fn record(body: Option<&str>) -> Option<types::Error> {
    serde_json::from_str(body?).ok()
}

pub(crate) fn provider_error(error: Error) -> ProviderError {
    let record = error.record();
    let body = match serde_json::to_string(record) {
        Ok(body) => body,
        Err(error) => return error.into(),
    };
    let (kind, may_help) = (record.kind, may_help_later(record.kind));
    // Where there is a status rig goes by it: a 429 of a budget that is used up would be tried again and again.
    let told = record.status.filter(|&status| retryable_status(Some(status)) == may_help);
    let mut response = ProviderResponseError::without_status(body)
        .with_status(told.and_then(|status| StatusCode::from_u16(status).ok()))
        .with_code(Some(record.code.clone().unwrap_or_else(|| kind.name().to_owned())))
        .with_provider_request_id(record.trace_id.clone())
        .with_transient(Some(may_help))
        .with_refusal(kind == ErrorKind::ContentBlocked);
    if let Some(wait) = record.retry_after_ms {
        let seconds = HeaderValue::from(wait.div_ceil(1000));
        response = response.with_headers(Some(HeaderMap::from_iter([(RETRY_AFTER, seconds)])));
    }
    match kind {
        ErrorKind::Unauthorized | ErrorKind::Forbidden => ProviderError::InvalidAuthentication(response),
        _ => ProviderError::ProviderResponse(response),
    }
}

/// Whether the same call may go well at another time.
fn may_help_later(kind: ErrorKind) -> bool {
    use ErrorKind::{Overloaded, RateLimited, Timeout, Transport, Truncated};
    matches!(kind, RateLimited | Overloaded | Timeout | Transport | Truncated)
}

/// What the interface of components has no place for.
pub(crate) fn no_place(what: &str, instead: &str) -> EncodeError {
    EncodeError::request(format!("{what} cannot be sent: {instead}"))
}
