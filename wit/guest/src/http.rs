//! A client over `wasi:http`. It sends a [`Request`] and reads its [`Response`], and does not know their content.
//!
//! Its rules:
//!
//! - A request with a body has a `content-length`: without it the host sends the body in chunks, in more writes.
//! - A small body goes out in one call to the host. While it writes a larger one it looks for the answer: a service may
//!   refuse that before it has read it.
//! - If a body cannot be written it still asks for the answer: a host that refuses a request says why only there.
//! - An answer with a `content-length` is read no further than that.
//! - A stream is dropped before its body, and a body before its response: the other way round is a trap.
//! - A [`Failure`] says correctly whether the request may have left.
//!
//! The host attaches the credentials, and masks them in the answer: nothing here masks a byte.

mod failure;

pub use failure::Failure;

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::{fmt, mem};

use crate::bindings::openclaw::provider::types::{Connection, Error, ErrorKind, ErrorOrigin};
use crate::bindings::wasi::http::outgoing_handler;
pub use crate::bindings::wasi::http::types::{ErrorCode, HeaderError, Method};
use crate::bindings::wasi::http::types::{
    Fields, FutureIncomingResponse, IncomingBody, IncomingResponse, OutgoingBody, OutgoingRequest, RequestOptions,
    Scheme, http_error_code,
};
use crate::bindings::wasi::io::poll::{Pollable, poll};
use crate::bindings::wasi::io::streams::{InputStream, StreamError};
use crate::error;
use crate::url::BaseUrl;

/// Most bytes taken in one read.
const READ: u64 = 64 * 1024;

/// Most bytes that `blocking-write-and-flush` takes.
const SMALL: usize = 4096;

/// A request, all but its body.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// GET, POST, ...
    pub method: Method,
    /// Whether the scheme is `https`.
    pub https: bool,
    /// Host and port.
    pub authority: String,
    /// Path and query.
    pub path: String,
    /// Names in lower case, and values. [`Request::send`] sets `content-length`.
    pub headers: Vec<(String, String)>,
    /// How long to wait.
    pub timeouts: Timeouts,
}

/// Limits in milliseconds. Where there is none, the host's own counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Timeouts {
    /// Until the connection is established.
    pub connect_ms: Option<u64>,
    /// From the request to the head of the answer.
    pub first_byte_ms: Option<u64>,
    /// Between two pieces of the answer's body.
    pub idle_ms: Option<u64>,
}

impl From<&Connection> for Timeouts {
    #[inline]
    fn from(connection: &Connection) -> Self {
        Self {
            connect_ms: connection.connect_timeout_ms,
            first_byte_ms: connection.first_byte_timeout_ms,
            idle_ms: connection.idle_timeout_ms,
        }
    }
}

impl Request {
    /// A request to `path`, which begins with a slash, below the connection's base URL, with the connection's headers
    /// and limits. Fails with [`ErrorKind::InvalidConfig`] where the base URL is none.
    #[inline]
    pub fn new(method: Method, connection: &Connection, path: &str) -> Result<Self, Error> {
        let url = BaseUrl::parse(&connection.base_url).map_err(|reason| {
            error(
                ErrorKind::InvalidConfig,
                ErrorOrigin::Plugin,
                &format!("This is no base URL: {reason}"),
                "Give it in full, such as https://api.example.com/v1.",
            )
        })?;
        let headers = connection.headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.clone()));
        Ok(Self {
            method,
            https: url.https,
            authority: url.authority,
            path: url.path + path,
            headers: headers.collect(),
            timeouts: Timeouts::from(connection),
        })
    }

    /// The same with one more header. `name` is in lower case.
    #[must_use]
    #[inline]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sends the request with this body, and waits for the head of the answer, whatever its status.
    #[inline]
    pub fn send(self, body: &[u8]) -> Result<Response, Failure> {
        let options = options(&self.timeouts);
        let (response, unfinished) = dispatch(self.outgoing(body.len())?, options, body)?;
        let headers = response.headers().entries();
        let body = response.consume().map_err(|()| Failure::Host("The host gave no body to read from"))?;
        let stream = body.stream().map_err(|()| Failure::Host("The host gave no body to read from"))?;
        Ok(Response {
            status: response.status(),
            headers: headers.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), text(value))).collect(),
            body: Body { stream, _body: body, _response: response, _unfinished: unfinished },
        })
    }

    /// The host's own form of the request, with the length of its body.
    #[inline]
    fn outgoing(mut self, length: usize) -> Result<OutgoingRequest, Failure> {
        if self.method != Method::Get {
            set_length(&mut self.headers, length);
        }
        let headers: Vec<(String, Vec<u8>)> =
            self.headers.into_iter().map(|(name, value)| (name, value.into_bytes())).collect();
        let request = OutgoingRequest::new(Fields::from_list(&headers).map_err(Failure::Header)?);
        let unfit = |()| Failure::Url;
        request.set_method(&self.method).map_err(unfit)?;
        request.set_scheme(Some(if self.https { &Scheme::Https } else { &Scheme::Http })).map_err(unfit)?;
        request.set_authority(Some(&self.authority)).map_err(unfit)?;
        request.set_path_with_query(Some(&self.path)).map_err(unfit)?;
        Ok(request)
    }
}

/// The author's own goes: a host refuses a second one, and says of no header which it refused.
#[inline]
fn set_length(headers: &mut Vec<(String, String)>, length: usize) {
    headers.retain(|(name, _)| name != "content-length");
    headers.push(("content-length".to_owned(), length.to_string()));
}

#[inline]
fn text(value: Vec<u8>) -> String {
    String::from_utf8(value).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// Sends a request that [`Request`] cannot describe: another scheme, headers that are no text. Also gives the request's
/// body where it could not be written to its end: to drop that is to abort the request, so keep it while you read.
#[inline]
pub fn dispatch(
    request: OutgoingRequest,
    options: Option<RequestOptions>,
    body: &[u8],
) -> Result<(IncomingResponse, Option<OutgoingBody>), Failure> {
    let outgoing = request.body().map_err(|()| Failure::Host("The host gave no body to write to"))?;
    let future = outgoing_handler::handle(request, options).map_err(Failure::Request)?;
    let answered = future.subscribe();
    // A host may accept a request and refuse it later: then writing fails, and the reason is in the answer alone.
    let unfinished = match write(&outgoing, body, &answered) {
        Ok(()) => {
            // Why it failed, the answer tells too. To drop that takes 1 kB of code.
            mem::forget(OutgoingBody::finish(outgoing, None));
            None
        }
        Err(_) => Some(outgoing),
    };
    let response = wait(&future, &answered).map_err(Failure::Request)?;
    Ok((response, unfinished))
}

/// The limits, where there are any: each thing that is said to the host costs.
#[inline]
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

/// Writes all of `bytes`, in pieces as large as the host takes, until they are on their way or the answer is there.
#[inline]
fn write(body: &OutgoingBody, bytes: &[u8], answered: &Pollable) -> Result<(), StreamError> {
    if bytes.is_empty() {
        return Ok(());
    }
    let stream = body.write().map_err(|()| StreamError::Closed)?;
    if bytes.len() <= SMALL {
        return stream.blocking_write_and_flush(bytes);
    }
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

#[inline]
fn wait(future: &FutureIncomingResponse, answered: &Pollable) -> Result<IncomingResponse, ErrorCode> {
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

/// An answer whose head is there.
#[derive(Debug)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// Names in lower case, and values.
    pub headers: Vec<(String, String)>,
    /// The body, which is read as it comes. Dropping it ends the request.
    pub body: Body,
}

/// The body of an answer. The order of the fields is the order they are dropped in: a parent must outlive its child,
/// or the host traps.
pub struct Body {
    stream: InputStream,
    _body: IncomingBody,
    _response: IncomingResponse,
    _unfinished: Option<OutgoingBody>,
}

impl fmt::Debug for Body {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Body")
    }
}

impl Body {
    /// The next piece, up to 64 KiB, as soon as there is one; `None` at the end.
    #[inline]
    pub fn read(&self) -> Result<Option<Vec<u8>>, Failure> {
        loop {
            match self.stream.blocking_read(READ) {
                Ok(bytes) if bytes.is_empty() => {}
                Ok(bytes) => return Ok(Some(bytes)),
                Err(StreamError::Closed) => return Ok(None),
                Err(StreamError::LastOperationFailed(failure)) => {
                    let code = http_error_code(&failure).unwrap_or(ErrorCode::ConnectionTerminated);
                    return Err(Failure::Response(code));
                }
            }
        }
    }

    /// Hands each piece to `read`, of a body of which so many bytes were [`announced`]. Fails with [`Failure::TooLarge`]
    /// after more than `limit` bytes.
    #[inline]
    pub fn each(&self, announced: usize, limit: usize, mut read: impl FnMut(Vec<u8>)) -> Result<(), Failure> {
        let mut length = 0;
        while let Some(piece) = self.read()? {
            length += piece.len();
            if length > limit {
                return Err(Failure::TooLarge(limit));
            }
            read(piece);
            // To ask for the end too would be one more wait.
            if length == announced {
                break;
            }
        }
        Ok(())
    }

    /// All of it, of which so many bytes were [`announced`]. Fails with [`Failure::TooLarge`] after more than `limit` bytes.
    #[inline]
    pub fn whole(&self, announced: usize, limit: usize) -> Result<Vec<u8>, Failure> {
        let mut whole = Vec::new();
        self.each(announced, limit, |piece| {
            if whole.is_empty() {
                whole = piece;
                whole.reserve_exact(announced.min(limit).saturating_sub(whole.len()));
            } else {
                whole.extend_from_slice(&piece);
            }
        })?;
        Ok(whole)
    }

    /// The first `limit` bytes or some more, or what has come of them: for the text of a refusal, which is worth more
    /// than how its connection ended.
    #[inline]
    pub fn beginning(&self, limit: usize) -> Vec<u8> {
        let mut said = Vec::new();
        while said.len() < limit
            && let Ok(Some(bytes)) = self.read()
        {
            said.extend_from_slice(&bytes);
        }
        said
    }
}

/// The first value of a header, trimmed; `None` where it is empty. `name` is in lower case.
#[inline]
pub fn header<'h>(headers: &'h [(String, String)], name: &str) -> Option<&'h str> {
    let (_, value) = headers.iter().find(|(key, _)| key == name)?;
    Some(value.trim()).filter(|value| !value.is_empty())
}

/// How many bytes the body has by these headers; 0 where they do not say, or mean the bytes before a host decoded them.
#[inline]
pub fn announced(headers: &[(String, String)]) -> usize {
    if header(headers, "content-encoding").is_some() {
        return 0;
    }
    header(headers, "content-length").and_then(|length| length.parse().ok()).unwrap_or(0)
}

impl Response {
    /// Whether the status is 2xx.
    #[inline]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The first value of a header, trimmed; `None` where it is empty. `name` is in lower case.
    #[inline]
    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }

    /// The whole body. Fails with [`Failure::TooLarge`] after more than `limit` bytes.
    #[inline]
    pub fn whole(&self, limit: usize) -> Result<Vec<u8>, Failure> {
        self.body.whole(announced(&self.headers), limit)
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    #[test]
    fn a_request_says_its_length_once() {
        let mut headers = vec![("content-length".to_owned(), "7".to_owned()), ("a".to_owned(), "b".to_owned())];
        set_length(&mut headers, 5);
        assert_eq!(headers, [("a".to_owned(), "b".to_owned()), ("content-length".to_owned(), "5".to_owned())]);
    }

    #[test]
    fn a_request_is_as_the_connection_says() {
        let connection = Connection {
            base_url: "http://localhost:8787/v1/".into(),
            headers: vec![("X-Own".into(), "1".into())],
            credentials: Vec::new(),
            connect_timeout_ms: Some(1),
            first_byte_timeout_ms: None,
            idle_timeout_ms: Some(3),
            options_json: "{}".into(),
        };
        let request =
            Request::new(Method::Post, &connection, "/chat?a=1").unwrap().header("content-type", "text/plain");
        let expected = Request {
            method: Method::Post,
            https: false,
            authority: "localhost:8787".into(),
            path: "/v1/chat?a=1".into(),
            headers: vec![("x-own".into(), "1".into()), ("content-type".into(), "text/plain".into())],
            timeouts: Timeouts { connect_ms: Some(1), first_byte_ms: None, idle_ms: Some(3) },
        };
        assert_eq!(request, expected);
        let error = Request::new(Method::Get, &Connection { base_url: "/v1".into(), ..connection }, "/").unwrap_err();
        assert_eq!((error.kind, error.request_sent), (ErrorKind::InvalidConfig, false));
    }
}
