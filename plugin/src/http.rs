//! The one module that touches `wasi:http`: it sends a [`Call`] and its body, and reads the answer. It knows nothing
//! of what is in either.

use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::bindings::openclaw::provider::types::{Error, ErrorKind, ErrorOrigin};
use crate::bindings::wasi::http::outgoing_handler;
use crate::bindings::wasi::http::types::{
    ErrorCode, Fields, FutureIncomingResponse, HeaderError, IncomingBody, IncomingResponse, Method, OutgoingBody,
    OutgoingRequest, RequestOptions, Scheme, http_error_code,
};
use crate::bindings::wasi::io::poll::{Pollable, poll};
use crate::bindings::wasi::io::streams::{InputStream, StreamError};
use crate::call::{Call, Timeouts};
use crate::error::{self, Result};
use crate::report::Head;

/// Most bytes taken in one read.
const READ: u64 = 64 * 1024;

/// Most bytes of an answer that tells of a failure.
const MAX_FAILURE: usize = 256 * 1024;

/// An answer whose head is there.
pub(crate) struct Answer {
    pub(crate) head: Head,
    pub(crate) body: Body,
}

impl Answer {
    /// How many bytes its body has; 0 where it does not say.
    pub(crate) fn announced(&self) -> usize {
        self.head.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0)
    }
}

/// The body of an answer. The order of the fields is the order they are dropped in: a parent must outlive its child,
/// or the host traps.
pub(crate) struct Body {
    stream: InputStream,
    _body: IncomingBody,
    _response: IncomingResponse,
    _unfinished: Option<OutgoingBody>,
}

impl core::fmt::Debug for Body {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.write_str("Body")
    }
}

impl Body {
    /// The next piece; `None` at the end.
    pub(crate) fn read(&self) -> Result<Option<Vec<u8>>> {
        loop {
            match self.stream.blocking_read(READ) {
                Ok(bytes) if bytes.is_empty() => {}
                Ok(bytes) => return Ok(Some(bytes)),
                Err(StreamError::Closed) => return Ok(None),
                Err(StreamError::LastOperationFailed(failure)) => {
                    let code = http_error_code(&failure).unwrap_or(ErrorCode::ConnectionTerminated);
                    let mut error = failed(code);
                    error.request_sent = true;
                    return Err(error);
                }
            }
        }
    }
}

/// Sends a request and reads the whole of its answer, which must be a success of at most `limit` bytes.
pub(crate) fn fetch(call: Call, body: &[u8], limit: usize) -> Result<(Head, Vec<u8>)> {
    let answer = open(call, body)?;
    let bytes = whole(&answer, limit)?;
    Ok((answer.head, bytes))
}

/// Sends a request and waits for the head of its answer, which must be a success.
pub(crate) fn open(call: Call, body: &[u8]) -> Result<Answer> {
    let answer = send(call, body)?;
    if answer.head.is_success() {
        return Ok(answer);
    }
    let mut said = Vec::new();
    // What has come of a failure's text is worth more than how its connection ended.
    while said.len() < MAX_FAILURE
        && let Ok(Some(bytes)) = answer.body.read()
    {
        said.extend_from_slice(&bytes);
    }
    Err(error::from_response(&answer.head, &said))
}

/// The whole body of an answer.
pub(crate) fn whole(answer: &Answer, limit: usize) -> Result<Vec<u8>> {
    let mut whole = Vec::new();
    each(answer, limit, |piece| {
        if whole.is_empty() {
            whole = piece;
            whole.reserve_exact(answer.announced().min(limit).saturating_sub(whole.len()));
        } else {
            whole.extend_from_slice(&piece);
        }
    })?;
    Ok(whole)
}

/// Each piece of the body of an answer.
pub(crate) fn each(answer: &Answer, limit: usize, mut read: impl FnMut(Vec<u8>)) -> Result<()> {
    let mut length = 0;
    while let Some(piece) = answer.body.read()? {
        length += piece.len();
        if length > limit {
            let message = format!("The answer is larger than {} MiB", limit >> 20);
            return Err(error::answered(ErrorKind::Protocol, ErrorOrigin::Gateway, &message, &answer.head));
        }
        read(piece);
    }
    Ok(())
}

fn send(call: Call, body: &[u8]) -> Result<Answer> {
    let headers: Vec<(String, Vec<u8>)> =
        call.headers.into_iter().map(|(name, value)| (name, value.into_bytes())).collect();
    let fields = Fields::from_list(&headers).map_err(refused_header)?;
    let request = OutgoingRequest::new(fields);
    let unfit = |()| error::invalid_config("The host refused the base URL", "Check the base URL.");
    request.set_method(if call.post { &Method::Post } else { &Method::Get }).map_err(unfit)?;
    request.set_scheme(Some(if call.https { &Scheme::Https } else { &Scheme::Http })).map_err(unfit)?;
    request.set_authority(Some(&call.authority)).map_err(unfit)?;
    request.set_path_with_query(Some(&call.path)).map_err(unfit)?;
    let outgoing = request.body().map_err(|()| broken("The host gave no body to write to"))?;
    let future = outgoing_handler::handle(request, options(&call.timeouts)).map_err(failed)?;
    let answered = future.subscribe();
    // A host may accept a request and refuse it later: then writing fails, and the reason is in the answer alone. So
    // a body that could not be written stays unfinished for as long as the answer is read: to drop it is to abort.
    let unfinished = match write(&outgoing, body, &answered) {
        Ok(()) => {
            let _ = OutgoingBody::finish(outgoing, None);
            None
        }
        Err(_) => Some(outgoing),
    };
    let response = wait(&future, &answered).map_err(failed)?;
    let head = head(&response);
    let body = response.consume().map_err(|()| broken("The host gave no body to read from"))?;
    let stream = body.stream().map_err(|()| broken("The host gave no body to read from"))?;
    Ok(Answer { head, body: Body { stream, _body: body, _response: response, _unfinished: unfinished } })
}

/// The limits, where there are any: each thing that is said to the host costs.
fn options(timeouts: &Timeouts) -> Option<RequestOptions> {
    if *timeouts == Timeouts::default() {
        return None;
    }
    let options = RequestOptions::new();
    let nanoseconds = |limit: Option<u64>| limit.map(|milliseconds| milliseconds.saturating_mul(1_000_000));
    // A host that does not support a limit says so, and has its own.
    let _ = options.set_connect_timeout(nanoseconds(timeouts.connect_ms));
    let _ = options.set_first_byte_timeout(nanoseconds(timeouts.first_byte_ms));
    let _ = options.set_between_bytes_timeout(nanoseconds(timeouts.idle_ms));
    Some(options)
}

/// Writes all of `bytes`, in pieces as large as the host takes, until they are on their way or the answer is there:
/// a gateway may refuse a large body before it has read it.
fn write(body: &OutgoingBody, bytes: &[u8], answered: &Pollable) -> core::result::Result<(), StreamError> {
    if bytes.is_empty() {
        return Ok(());
    }
    let stream = body.write().map_err(|()| StreamError::Closed)?;
    // A pollable is the stream's child, and is gone before it.
    let ready = || if poll(&[&stream.subscribe(), answered]).contains(&0) { Ok(()) } else { Err(StreamError::Closed) };
    let mut rest = bytes;
    while !rest.is_empty() {
        let room = usize::try_from(stream.check_write()?).unwrap_or(usize::MAX);
        if room == 0 {
            ready()?;
            continue;
        }
        let (now, later) = rest.split_at(room.min(rest.len()));
        stream.write(now)?;
        rest = later;
    }
    // What is not flushed yet when the stream is dropped, a host may lose.
    stream.flush()?;
    ready()
}

fn wait(future: &FutureIncomingResponse, answered: &Pollable) -> core::result::Result<IncomingResponse, ErrorCode> {
    loop {
        answered.block();
        match future.get() {
            Some(Ok(answer)) => return answer,
            // It was taken before, which this function alone does.
            Some(Err(())) => return Err(ErrorCode::InternalError(None)),
            None => {}
        }
    }
}

fn head(response: &IncomingResponse) -> Head {
    let headers = response.headers().entries();
    let text = |value: Vec<u8>| {
        String::from_utf8(value).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
    };
    Head {
        status: response.status(),
        headers: headers.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), text(value))).collect(),
    }
}

fn broken(message: &str) -> Box<Error> {
    error::new(ErrorKind::Other, ErrorOrigin::Host, message, false)
}

fn refused_header(error: HeaderError) -> Box<Error> {
    let (kind, origin, message) = match error {
        HeaderError::Forbidden => {
            (ErrorKind::DeniedByHost, ErrorOrigin::Host, "The host does not allow one of the headers")
        }
        HeaderError::InvalidSyntax | HeaderError::Immutable => {
            (ErrorKind::InvalidConfig, ErrorOrigin::Plugin, "One of the headers is malformed")
        }
    };
    error::with_hint(
        error::new(kind, origin, message, false),
        "Check the headers of the configuration, and those added for this call.",
    )
}

/// A failure below HTTP.
pub(crate) fn failed(code: ErrorCode) -> Box<Error> {
    use ErrorCode as C;
    use ErrorKind as K;
    use ErrorOrigin::{Gateway, Host, Network, Plugin};

    const NAME: &str = "Check the host name in the base URL, and the network.";
    const REACH: &str = "Check that the gateway runs at the base URL, and that the network allows the connection.";
    const TLS: &str =
        "Check that the base URL's https is right, and that the gateway's certificate is one the host trusts.";
    const SLOW: &str = "Try again, or raise the limit: timeoutSeconds in the provider's configuration.";
    const AGAIN: &str = "Try again.";
    const ALLOW: &str = "Allow the gateway's host in the agent host's network policy.";

    let (kind, origin, sent, message, hint) = match &code {
        C::HttpRequestDenied => (K::DeniedByHost, Host, false, "The host's policy refused the request", ALLOW),
        C::DestinationIpProhibited => {
            (K::DeniedByHost, Host, false, "The host's policy refused the gateway's address", ALLOW)
        }
        C::DnsTimeout => (K::Timeout, Network, false, "The name lookup of the gateway took too long", NAME),
        C::DnsError(_) => (K::Transport, Network, false, "The name of the gateway could not be looked up", NAME),
        C::DestinationNotFound => (K::Transport, Network, false, "The gateway was not found", NAME),
        C::DestinationUnavailable | C::DestinationIpUnroutable => {
            (K::Transport, Network, false, "The gateway cannot be reached", REACH)
        }
        C::ConnectionRefused => (K::Transport, Network, false, "The gateway refused the connection", REACH),
        C::ConnectionLimitReached => (K::Transport, Host, false, "The host has too many connections open", AGAIN),
        C::ConnectionTimeout => (K::Timeout, Network, false, "The connection to the gateway took too long", REACH),
        C::ConnectionReadTimeout | C::HttpResponseTimeout => {
            (K::Timeout, Network, true, "The gateway took too long to answer", SLOW)
        }
        C::ConnectionWriteTimeout => (K::Timeout, Network, true, "The gateway took too long to read the request", SLOW),
        C::ConnectionTerminated | C::HttpResponseIncomplete => {
            (K::Transport, Network, true, "The connection to the gateway broke", AGAIN)
        }
        C::TlsProtocolError | C::TlsAlertReceived(_) => {
            (K::Transport, Network, false, "The TLS connection to the gateway failed", TLS)
        }
        C::TlsCertificateError => (K::Transport, Network, false, "The gateway's TLS certificate is not trusted", TLS),
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
        C::HttpRequestHeaderSectionSize(_) | C::HttpRequestHeaderSize(_) => (
            K::InvalidConfig,
            Host,
            false,
            "The host refuses headers this large",
            "Shorten the metadata or the inline config, or use a config id.",
        ),
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
        | C::HttpProtocolError => (
            K::Protocol,
            Gateway,
            true,
            "The answer is not proper HTTP",
            "Check that the base URL is a Portkey gateway's.",
        ),
        C::LoopDetected => (
            K::InvalidConfig,
            Network,
            true,
            "The request goes round in a loop",
            "Check the proxies between the host and the gateway.",
        ),
        C::ConfigurationError => {
            (K::InvalidConfig, Host, false, "The host's own configuration is wrong", "See the host's log.")
        }
        C::InternalError(_) => {
            (K::Transport, Host, true, "The host failed to make the request", "Check the host's proxy and network.")
        }
    };
    let mut error = error::with_hint(error::new(kind, origin, message, sent), hint);
    if let C::InternalError(Some(detail)) = &code {
        error.message = error::one_line(&format!("{message}: {detail}"), 512);
    }
    if let C::DnsError(payload) = &code {
        error.code = payload.rcode.as_deref().map(ToOwned::to_owned);
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_below_http() {
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
            (C::HttpResponseBodySize(None), ErrorKind::Protocol, ErrorOrigin::Host, true),
            (C::InternalError(Some("why\nnot".into())), ErrorKind::Transport, ErrorOrigin::Host, true),
        ] {
            let error = failed(code);
            assert_eq!((error.kind, error.origin, error.request_sent), (kind, origin, sent), "{}", error.message);
            assert!(error.hint.is_some() && error.status.is_none() && !error.message.contains('\n'));
        }
        let payload =
            crate::bindings::wasi::http::types::DnsErrorPayload { rcode: Some("NXDOMAIN".into()), info_code: None };
        let error = failed(C::DnsError(payload));
        assert_eq!((error.kind, error.code.as_deref()), (ErrorKind::Transport, Some("NXDOMAIN")));
        assert_eq!(refused_header(HeaderError::Forbidden).kind, ErrorKind::DeniedByHost);
    }
}
