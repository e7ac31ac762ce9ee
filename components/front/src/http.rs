//! The only module that touches `wasi:http`: it reads a request and writes its answer. It does not know their content.
//!
//! A call across the boundary is expensive, and one that waits most of all. So headers travel as one list, a body with
//! a `content-length` is read no further than that, and an answer has a `content-length`.
//!
//! The host holds an instance while a body is read. So a body is read only after its caller was accepted, and a caller
//! who stops sending is dropped.

use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::cell::Cell;

use crate::bindings::wasi::clocks::monotonic_clock;
use crate::bindings::wasi::http::types::{
    Fields, IncomingRequest, Method, OutgoingBody, OutgoingResponse, ResponseOutparam,
};
use crate::bindings::wasi::io::poll::poll;
use crate::bindings::wasi::io::streams::{InputStream, OutputStream, StreamError};
use crate::failure::Failure;

/// Most bytes taken in one read.
const READ: u64 = 256 * 1024;
/// A second in nanoseconds.
const SECOND: u64 = 1_000_000_000;
/// Longest wait for the next bytes of a body.
const MAX_SILENCE: u64 = 30 * SECOND;
/// Most bytes that are read of a request that was answered without them, and the longest time for all and for the next.
const MAX_DISCARDED: usize = 1024 * 1024;
const MAX_DISCARDING: u64 = SECOND / 4;
const MAX_PAUSE: u64 = SECOND / 20;

/// A request whose head is there.
pub(crate) struct Request {
    pub(crate) method: Method,
    /// Without the query.
    pub(crate) path: String,
    headers: Vec<(String, Vec<u8>)>,
    request: IncomingRequest,
    /// Whether the body was asked for. preview2-shim 0.17.9 traps where it is asked for again.
    is_read: Cell<bool>,
}

impl Request {
    pub(crate) fn new(request: IncomingRequest) -> Self {
        let mut path = request.path_with_query().unwrap_or_default();
        path.truncate(path.find('?').unwrap_or(path.len()));
        let headers = request.headers().entries();
        Self { method: request.method(), path, headers, request, is_read: Cell::new(false) }
    }

    /// Host and port that the request was sent to, in the client's own words.
    pub(crate) fn authority(&self) -> Option<String> {
        self.request.authority()
    }

    /// The first value of a header. `name` is in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&[u8]> {
        let (_, value) = self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name))?;
        Some(value)
    }

    /// The whole body, at most `limit` bytes. Once.
    pub(crate) fn body(&self, limit: usize) -> Result<Vec<u8>, Box<Failure>> {
        let announced = self.header("content-length").and_then(|length| str::from_utf8(length).ok()?.parse().ok());
        let too_large = || {
            let message = format!("The request is larger than {} MiB", limit >> 20);
            Failure::new(413, "request_too_large", message)
        };
        let broken = || Failure::invalid("The request broke off");
        if announced.is_some_and(|length: usize| length > limit) {
            return Err(too_large());
        }
        self.is_read.set(true);
        let incoming = self.request.consume().map_err(|()| broken())?;
        let stream = incoming.stream().map_err(|()| broken())?;
        let mut whole = Vec::new();
        while announced != Some(whole.len()) {
            match next(&stream, MAX_SILENCE) {
                Ok(Some(bytes)) if whole.len() + bytes.len() > limit => return Err(too_large()),
                Ok(Some(bytes)) if whole.is_empty() => {
                    whole = bytes;
                    whole.reserve_exact(announced.unwrap_or(0).saturating_sub(whole.len()));
                }
                Ok(Some(bytes)) => whole.extend_from_slice(&bytes),
                Ok(None) => {
                    let message =
                        format!("The request stopped: no byte of it came in {} seconds", MAX_SILENCE / SECOND);
                    return Err(Failure::new(408, "request_timeout", message));
                }
                Err(StreamError::Closed) => break,
                Err(StreamError::LastOperationFailed(_)) => return Err(broken()),
            }
        }
        Ok(whole)
    }

    /// Reads a small body that nobody asked for, once the answer is sent. A host that stops reading before the request is
    /// over closes the connection, and a client that is still writing then may never see the answer. It takes no longer
    /// than a client needs that writes at once: whoever does not has the answer, and loses the connection.
    pub(crate) fn discard(self) {
        let is_bare = matches!(self.method, Method::Get | Method::Head) && self.header("content-length").is_none();
        if is_bare || self.is_read.get() {
            return;
        }
        let Ok(incoming) = self.request.consume() else { return };
        let Ok(stream) = incoming.stream() else { return };
        let end = monotonic_clock::now() + MAX_DISCARDING;
        let mut read = 0;
        while read < MAX_DISCARDED
            && let now = monotonic_clock::now()
            && now < end
            && let Ok(Some(bytes)) = next(&stream, MAX_PAUSE.min(end - now))
        {
            read += bytes.len();
        }
    }
}

/// The next bytes of a body; none where they do not come for so many nanoseconds.
fn next(stream: &InputStream, patience: u64) -> Result<Option<Vec<u8>>, StreamError> {
    let mut bytes = stream.read(READ)?;
    if bytes.is_empty() {
        let ready = stream.subscribe();
        let late = monotonic_clock::subscribe_duration(patience);
        while bytes.is_empty() {
            if !poll(&[&ready, &late]).contains(&0) {
                return Ok(None);
            }
            bytes = stream.read(READ)?;
        }
    }
    Ok(Some(bytes))
}

/// An answer that is yet to be given.
pub(crate) struct Answer(ResponseOutparam);

impl Answer {
    pub(crate) fn new(outparam: ResponseOutparam) -> Self {
        Self(outparam)
    }

    /// The whole answer. A caller that is gone is nobody's failure.
    pub(crate) fn send(self, status: u16, headers: Vec<(&'static str, String)>, body: &[u8]) {
        let mut headers = headers;
        headers.push(("content-length", body.len().to_string()));
        if let Some(stream) = self.open(status, headers) {
            let _ = stream.write(body);
            stream.finish();
        }
    }

    /// The head of an answer whose body is written as it comes.
    pub(crate) fn open(self, status: u16, headers: Vec<(&'static str, String)>) -> Option<Body> {
        let headers: Vec<(String, Vec<u8>)> =
            headers.into_iter().map(|(name, value)| (name.to_owned(), value.into_bytes())).collect();
        // A value that the host refuses, such as a trace id with a line break, costs the headers and not the answer.
        let fields = Fields::from_list(&headers).unwrap_or_else(|_| Fields::new());
        let response = OutgoingResponse::new(fields);
        if status != 200 {
            let _ = response.set_status_code(status);
        }
        let body = response.body().ok()?;
        ResponseOutparam::set(self.0, Ok(response));
        let stream = body.write().ok()?;
        Some(Body { stream, body })
    }
}

/// The body of an answer. The order of the fields is the order they are dropped in.
pub(crate) struct Body {
    stream: OutputStream,
    body: OutgoingBody,
}

impl Body {
    /// Hands over all of `bytes`, and does not wait until they have left: the next wait, for more to write or for the
    /// next request, lets the host send them. Fails where the caller is gone.
    pub(crate) fn write(&self, bytes: &[u8]) -> Result<(), StreamError> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let room = usize::try_from(self.stream.check_write()?).unwrap_or(usize::MAX);
            if room == 0 {
                self.stream.subscribe().block();
                continue;
            }
            let (now, later) = rest.split_at(room.min(rest.len()));
            self.stream.write(now)?;
            rest = later;
        }
        Ok(())
    }

    /// Sees to it that what was written leaves now.
    pub(crate) fn flush(&self) -> Result<(), StreamError> {
        self.stream.flush()
    }

    pub(crate) fn finish(self) {
        let Self { stream, body } = self;
        drop(stream);
        let _ = OutgoingBody::finish(body, None);
    }
}
