//! The one module that touches `wasi:http`.

use alloc::{format, string::String, vec::Vec};

use serde_json::Value;

use crate::{
    bindings::{
        openclaw::provider::types::{Connection, Error, ErrorKind, ErrorOrigin},
        wasi::{
            http::{
                outgoing_handler,
                types::{
                    ErrorCode, Fields, IncomingBody, IncomingResponse, Method, OutgoingBody, OutgoingRequest, Scheme,
                },
            },
            io::streams::{InputStream, StreamError},
        },
    },
    error,
};

/// Most bytes of a whole answer.
const LIMIT: usize = 16 << 20;

/// An answer that is a success. Its parts are dropped in their order: a stream before the body that it belongs to.
pub(crate) struct Answer {
    stream: InputStream,
    _body: IncomingBody,
    response: IncomingResponse,
}

impl Answer {
    /// The next piece; `None` at the end.
    pub(crate) fn read(&self) -> Result<Option<Vec<u8>>, Error> {
        match self.stream.blocking_read(64 << 10) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(StreamError::Closed) => Ok(None),
            Err(_) => Err(sent(ErrorKind::Transport, ErrorOrigin::Network, "The connection broke", "Try again.")),
        }
    }

    /// The whole of it.
    pub(crate) fn json(&self) -> Result<Value, Error> {
        let bytes = self.whole()?;
        serde_json::from_slice(&bytes).map_err(|_| {
            sent(ErrorKind::Protocol, ErrorOrigin::Upstream, "The answer is not JSON", "Check the base URL.")
        })
    }

    fn whole(&self) -> Result<Vec<u8>, Error> {
        let mut whole = Vec::new();
        while let Some(bytes) = self.read()? {
            whole.extend_from_slice(&bytes);
            if whole.len() > LIMIT {
                return Err(sent(
                    ErrorKind::Protocol,
                    ErrorOrigin::Upstream,
                    "The answer is too large",
                    "Ask for less.",
                ));
            }
        }
        Ok(whole)
    }
}

/// Sends a request, a POST where it has a body, and waits for the head of its answer, which must be a success.
///
/// The key is not here: the host attaches it.
pub(crate) fn send(connection: &Connection, path: &str, body: Option<&[u8]>) -> Result<Answer, Error> {
    let (scheme, rest) = connection.base_url.split_once("://").unwrap_or(("https", &connection.base_url));
    let (authority, base) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let mut headers: Vec<(String, Vec<u8>)> =
        connection.headers.iter().map(|(name, value)| (name.clone(), value.clone().into_bytes())).collect();
    if let Some(body) = body {
        headers.push(("content-type".into(), b"application/json".to_vec()));
        headers.push(("content-length".into(), format!("{}", body.len()).into_bytes()));
    }

    let unfit = |()| refused("The host refused the base URL");
    let fields = Fields::from_list(&headers).map_err(|_| refused("The host refused a header"))?;
    let request = OutgoingRequest::new(fields);
    request.set_method(if body.is_some() { &Method::Post } else { &Method::Get }).map_err(unfit)?;
    request.set_scheme(Some(if scheme == "http" { &Scheme::Http } else { &Scheme::Https })).map_err(unfit)?;
    request.set_authority(Some(authority)).map_err(unfit)?;
    request.set_path_with_query(Some(&format!("{base}{path}"))).map_err(unfit)?;

    let outgoing = request.body().map_err(unfit)?;
    let future = outgoing_handler::handle(request, None).map_err(|code| failed(&code))?;
    // Where a write fails, the reason is in the answer: so that is asked for all the same.
    if write(&outgoing, body.unwrap_or_default()).is_ok() {
        let _ = OutgoingBody::finish(outgoing, None);
    }
    future.subscribe().block();
    let answer = future.get().and_then(Result::ok).ok_or_else(|| refused("The host lost the answer"))?;
    let response = answer.map_err(|code| failed(&code))?;
    let body = response.consume().map_err(unfit)?;
    let answer = Answer { stream: body.stream().map_err(unfit)?, _body: body, response };
    match answer.response.status() {
        200..300 => Ok(answer),
        status => Err(refusal(status, &answer.whole().unwrap_or_default())),
    }
}

fn write(body: &OutgoingBody, bytes: &[u8]) -> Result<(), StreamError> {
    let stream = body.write().map_err(|()| StreamError::Closed)?;
    bytes.chunks(4096).try_for_each(|piece| stream.blocking_write_and_flush(piece))
}

/// What the endpoint says of a request that it refuses: `{"error": {"message", "code"}}`.
fn refusal(status: u16, body: &[u8]) -> Error {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let (kind, hint) = match status {
        401 => (ErrorKind::Unauthorized, "Check OPENAI_API_KEY."),
        403 => (ErrorKind::Forbidden, "The key may not do this."),
        404 => (ErrorKind::NotFound, "Check the model and the base URL."),
        429 => (ErrorKind::RateLimited, "Wait, and try again."),
        400..500 => (ErrorKind::InvalidRequest, "Mend the request."),
        500.. => (ErrorKind::Overloaded, "Try again later."),
        _ => (ErrorKind::Protocol, "Check the base URL: an API does not redirect."),
    };
    let said = [&body["error"]["message"], &body["message"]].into_iter().find_map(Value::as_str);
    let message = said.map_or_else(|| format!("The endpoint answered {status}"), Into::into);
    Error {
        status: Some(status),
        code: body["error"]["code"].as_str().map(Into::into),
        ..sent(kind, ErrorOrigin::Upstream, &message, hint)
    }
}

fn failed(code: &ErrorCode) -> Error {
    match code {
        ErrorCode::HttpRequestDenied | ErrorCode::DestinationIpProhibited => error(
            ErrorKind::DeniedByHost,
            ErrorOrigin::Host,
            "The host's policy refused the request",
            "Allow the endpoint in the host's policy.",
        ),
        ErrorCode::ConnectionTimeout | ErrorCode::HttpResponseTimeout | ErrorCode::ConnectionReadTimeout => {
            sent(ErrorKind::Timeout, ErrorOrigin::Network, "The endpoint took too long", "Try again.")
        }
        code => sent(
            ErrorKind::Transport,
            ErrorOrigin::Network,
            &format!("The endpoint cannot be reached: {code:?}"),
            "Check the base URL.",
        ),
    }
}

fn refused(message: &str) -> Error {
    error(ErrorKind::InvalidConfig, ErrorOrigin::Host, message, "Check the base URL and the headers.")
}

/// An error after which the request may have left.
pub(crate) fn sent(kind: ErrorKind, origin: ErrorOrigin, message: &str, hint: &str) -> Error {
    Error { request_sent: true, ..error(kind, origin, message, hint) }
}
