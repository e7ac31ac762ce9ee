//! Converts between the two copies of `wasi:http`'s plain types: the imported ones and the exported ones. They are the
//! same WIT, but two types in Rust.

use alloc::string::String;

use crate::bindings::exports::wasi::http::types as ours;
use crate::bindings::wasi::http::types as hosts;
use crate::store::settings;

pub(crate) fn method(method: &ours::Method) -> hosts::Method {
    use {hosts::Method as Host, ours::Method as Own};
    match method {
        Own::Get => Host::Get,
        Own::Head => Host::Head,
        Own::Post => Host::Post,
        Own::Put => Host::Put,
        Own::Delete => Host::Delete,
        Own::Connect => Host::Connect,
        Own::Options => Host::Options,
        Own::Trace => Host::Trace,
        Own::Patch => Host::Patch,
        Own::Other(name) => Host::Other(name.clone()),
    }
}

pub(crate) fn scheme(scheme: &ours::Scheme) -> hosts::Scheme {
    match scheme {
        ours::Scheme::Http => hosts::Scheme::Http,
        ours::Scheme::Https => hosts::Scheme::Https,
        ours::Scheme::Other(name) => hosts::Scheme::Other(name.clone()),
    }
}

pub(crate) fn header_error(error: hosts::HeaderError) -> ours::HeaderError {
    match error {
        hosts::HeaderError::InvalidSyntax => ours::HeaderError::InvalidSyntax,
        hosts::HeaderError::Forbidden => ours::HeaderError::Forbidden,
        hosts::HeaderError::Immutable => ours::HeaderError::Immutable,
    }
}

fn field_size(payload: hosts::FieldSizePayload) -> ours::FieldSizePayload {
    ours::FieldSizePayload { field_name: words(payload.field_name), field_size: payload.field_size }
}

/// Words of the host's, which may be a server's, without the secrets: a provider tells its callers of them.
fn words(text: Option<String>) -> Option<String> {
    text.map(|text| settings().masked(text))
}

macro_rules! same {
    ($error:expr; plain: $($plain:ident)*; holding: $($holding:ident)*; saying: $($saying:ident)*; $($rest:tt)*) => {
        match $error {
            $(hosts::ErrorCode::$plain => ours::ErrorCode::$plain,)*
            $(hosts::ErrorCode::$holding(value) => ours::ErrorCode::$holding(value),)*
            $(hosts::ErrorCode::$saying(text) => ours::ErrorCode::$saying(words(text)),)*
            $($rest)*
        }
    };
}

pub(crate) fn error_code(error: hosts::ErrorCode) -> ours::ErrorCode {
    use {hosts::ErrorCode as Host, ours::ErrorCode as Own};
    same! { error;
        plain: DnsTimeout DestinationNotFound DestinationUnavailable DestinationIpProhibited DestinationIpUnroutable
            ConnectionRefused ConnectionTerminated ConnectionTimeout ConnectionReadTimeout ConnectionWriteTimeout
            ConnectionLimitReached TlsProtocolError TlsCertificateError HttpRequestDenied HttpRequestLengthRequired
            HttpRequestMethodInvalid HttpRequestUriInvalid HttpRequestUriTooLong HttpResponseIncomplete
            HttpResponseTimeout HttpUpgradeFailed HttpProtocolError LoopDetected ConfigurationError;
        holding: HttpRequestBodySize HttpRequestHeaderSectionSize HttpRequestTrailerSectionSize
            HttpResponseHeaderSectionSize HttpResponseBodySize HttpResponseTrailerSectionSize;
        saying: HttpResponseTransferCoding HttpResponseContentCoding InternalError;
        Host::DnsError(payload) => {
            Own::DnsError(ours::DnsErrorPayload { rcode: words(payload.rcode), info_code: payload.info_code })
        }
        Host::TlsAlertReceived(payload) => Own::TlsAlertReceived(ours::TlsAlertReceivedPayload {
            alert_id: payload.alert_id,
            alert_message: words(payload.alert_message),
        }),
        Host::HttpRequestHeaderSize(payload) => Own::HttpRequestHeaderSize(payload.map(field_size)),
        Host::HttpRequestTrailerSize(payload) => Own::HttpRequestTrailerSize(field_size(payload)),
        Host::HttpResponseHeaderSize(payload) => Own::HttpResponseHeaderSize(field_size(payload)),
        Host::HttpResponseTrailerSize(payload) => Own::HttpResponseTrailerSize(field_size(payload)),
    }
}
