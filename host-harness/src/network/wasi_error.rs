//! The WIT's words for what went wrong on the network.

use std::{error::Error as StdError, io};

use boundary::mask::Mask;
use wasmtime_wasi_http::{Error as WasiError, p2::bindings::http::types::ErrorCode};

use super::transport::{ProxyFailed, Unresolved};

/// The WIT's word for what went wrong, found along the chain of causes. What a server says as it ends a connection of HTTP/2 is
/// among them.
pub(super) fn wasi_error(error: &(dyn StdError + 'static), mask: &Mask) -> WasiError {
    tracing::debug!(error = %mask.text(&chain(error)), "a request failed");
    let mut cause = Some(error);
    let mut found = WasiError::ConnectionTerminated;
    while let Some(error) = cause {
        if let Some(unresolved) = error.downcast_ref::<Unresolved>() {
            return match unresolved {
                Unresolved::Prohibited => WasiError::DestinationIpProhibited,
                Unresolved::NotFound(_) => WasiError::DnsError { rcode: None, info_code: None },
            };
        }
        if error.is::<ProxyFailed>() {
            return WasiError::InternalError(Some(mask.text(&chain(error)).into_owned()));
        }
        if let Some(tls) = error.downcast_ref::<rustls::Error>() {
            return match tls {
                rustls::Error::InvalidCertificate(_) => WasiError::TlsCertificateError,
                rustls::Error::AlertReceived(alert) => WasiError::TlsAlertReceived {
                    alert_id: Some(u8::from(*alert)),
                    alert_message: Some(format!("{alert:?}")),
                },
                _ => WasiError::TlsProtocolError,
            };
        }
        if let Some(io) = error.downcast_ref::<io::Error>() {
            found = match io.kind() {
                io::ErrorKind::ConnectionRefused => WasiError::ConnectionRefused,
                io::ErrorKind::TimedOut => WasiError::ConnectionTimeout,
                io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
                    WasiError::DestinationIpUnroutable
                }
                // What hyper says of chunks that are none.
                io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => WasiError::HttpProtocolError,
                _ => found,
            };
            // `io::Error::source` skips the error that it wraps.
            if let Some(inner) = io.get_ref() {
                cause = Some(inner);
                continue;
            }
        }
        // What the other side got wrong; what it sent or did is a broken connection.
        if error.downcast_ref::<h2::Error>().is_some_and(h2::Error::is_library) {
            return WasiError::HttpProtocolError;
        }
        if let Some(hyper) = error.downcast_ref::<hyper::Error>() {
            if hyper.is_parse_too_large() {
                return WasiError::HttpResponseHeaderSectionSize(None);
            }
            if hyper.is_parse() {
                return WasiError::HttpProtocolError;
            }
        }
        cause = error.source();
    }
    found
}

/// An error with all its causes.
pub(crate) fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// What a guest is told of an error in a response's body, should it ask. `wasmtime-wasi-http` 48 looks for another type
/// than it puts there, and so has no answer.
pub(crate) fn body_error_code(error: &wasmtime::Error) -> Option<ErrorCode> {
    Some(match error.downcast_ref::<WasiError>()? {
        WasiError::ConnectionReadTimeout => ErrorCode::ConnectionReadTimeout,
        WasiError::HttpResponseBodySize(size) => ErrorCode::HttpResponseBodySize(*size),
        WasiError::HttpResponseIncomplete => ErrorCode::HttpResponseIncomplete,
        WasiError::HttpProtocolError => ErrorCode::HttpProtocolError,
        WasiError::TlsProtocolError => ErrorCode::TlsProtocolError,
        _ => ErrorCode::ConnectionTerminated,
    })
}
