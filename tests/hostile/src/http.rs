//! Attacks through `wasi:http`. Most of them bypass the client, which would prevent them.

use alloc::{
    format,
    string::{String, ToString},
    vec,
    vec::Vec,
};

use openclaw_provider_guest::{
    bindings::{
        openclaw::provider::types::{Error, ErrorKind},
        wasi::http::{
            outgoing_handler,
            types::{
                ErrorCode, Fields, FutureIncomingResponse, IncomingBody, IncomingResponse, Method, OutgoingBody,
                OutgoingRequest, RequestOptions, Scheme,
            },
        },
        wasi::io::{
            poll::{Pollable, poll},
            streams::OutputStream,
        },
    },
    http::{Failure, dispatch},
};

use crate::failure;

fn refused(what: &str) -> Error {
    failure(ErrorKind::InvalidRequest, format!("the host refused the {what}"))
}

fn failed(code: ErrorCode) -> Error {
    let kind = match code {
        ErrorCode::HttpRequestDenied | ErrorCode::DestinationIpProhibited => ErrorKind::DeniedByHost,
        _ => ErrorKind::Transport,
    };
    failure(kind, format!("{code:?}"))
}

fn request(scheme: &str, authority: &str, path: &str, fields: Fields) -> Result<OutgoingRequest, Error> {
    let scheme = match scheme {
        "http" => Scheme::Http,
        "https" => Scheme::Https,
        other => Scheme::Other(other.to_string()),
    };
    let request = OutgoingRequest::new(fields);
    request.set_scheme(Some(&scheme)).map_err(|()| refused("scheme"))?;
    request.set_authority(Some(authority)).map_err(|()| refused("authority"))?;
    request.set_path_with_query(Some(path)).map_err(|()| refused("path"))?;
    Ok(request)
}

fn post(base_url: &str) -> Result<OutgoingRequest, Error> {
    let (scheme, rest) = base_url.split_once("://").unwrap_or_default();
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let request = request(scheme, authority, &format!("/{path}/chat/completions"), Fields::new())?;
    request.set_method(&Method::Post).map_err(|()| refused("method"))?;
    Ok(request)
}

fn wait(future: &FutureIncomingResponse) -> Result<IncomingResponse, Error> {
    loop {
        match future.get() {
            Some(Ok(answer)) => return answer.map_err(failed),
            Some(Err(())) => return Err(refused("answer")),
            None => future.subscribe().block(),
        }
    }
}

fn lines(fields: &Fields) -> String {
    let line = |(name, value): (String, Vec<u8>)| format!("{name}: {}\n", String::from_utf8_lossy(&value));
    fields.entries().into_iter().map(line).collect()
}

/// Sends scheme, authority, path, method and body, which `parameters` begin with, with the headers that follow, each
/// `name: value`. `read` gets the request's own headers and the answer.
fn sent<T>(
    parameters: &[String],
    read: impl FnOnce(&Fields, IncomingResponse) -> Result<T, Error>,
) -> Result<T, Error> {
    let [scheme, authority, path, method, body, headers @ ..] = parameters else { return Err(refused("parameters")) };
    let fields = Fields::new();
    for header in headers {
        let (name, value) = header.split_once(": ").unwrap_or((header, ""));
        fields.append(name, value.as_bytes()).map_err(|error| refused(&format!("header {name}: {error:?}")))?;
    }
    let request = request(scheme, authority, path, fields)?;
    let method = match &**method {
        "GET" => Method::Get,
        "POST" => Method::Post,
        "CONNECT" => Method::Connect,
        "TRACE" => Method::Trace,
        other => Method::Other(other.to_string()),
    };
    request.set_method(&method).map_err(|()| refused("method"))?;
    let own = request.headers();
    let (response, _unfinished) = dispatch(request, None, body.as_bytes()).map_err(|failure| match failure {
        Failure::Request(code) => failed(code),
        other => refused(&format!("{other:?}")),
    })?;
    read(&own, response)
}

/// Gives all that can be seen of the request and the answer.
pub(crate) fn exchange(parameters: &[String]) -> Result<String, Error> {
    sent(parameters, |own, response| {
        let mut seen = format!("{}{}\n{}", lines(own), response.status(), lines(&response.headers()));
        let incoming = response.consume().map_err(|()| refused("body"))?;
        let stream = incoming.stream().map_err(|()| refused("body"))?;
        let mut bytes = Vec::new();
        while let Ok(piece) = stream.blocking_read(1 << 16) {
            bytes.extend_from_slice(&piece);
        }
        seen.push_str(&String::from_utf8_lossy(&bytes));
        drop(stream);
        let trailers = IncomingBody::finish(incoming);
        trailers.subscribe().block();
        if let Some(Ok(Ok(Some(fields)))) = trailers.get() {
            seen.push_str(&lines(&fields));
        }
        Ok(seen)
    })
}

/// The same, or what the host said instead, each letter apart: in that no mask finds a secret.
pub(crate) fn spelled(parameters: &[String]) -> String {
    let seen = exchange(parameters).unwrap_or_else(|error| error.message);
    seen.chars().flat_map(|letter| [letter, ' ']).collect()
}

/// In what pieces the body of the answer comes: how long each is.
pub(crate) fn pieces(parameters: &[String]) -> Result<String, Error> {
    sent(parameters, |_, response| {
        let incoming = response.consume().map_err(|()| refused("body"))?;
        let stream = incoming.stream().map_err(|()| refused("body"))?;
        let mut lengths = Vec::new();
        while let Ok(piece) = stream.blocking_read(1 << 16) {
            lengths.push(piece.len());
        }
        Ok(format!("{lengths:?}"))
    })
}

/// Opens `count` requests, then waits until the host has ended all but `left` of them, and tells how.
pub(crate) fn many(base_url: &str, count: usize, left: usize) -> Result<String, Error> {
    let mut open = Vec::new();
    for _ in 0..count {
        let request = post(base_url)?;
        let body = request.body().map_err(|()| refused("body"))?;
        let future = outgoing_handler::handle(request, None).map_err(failed)?;
        open.push((future.subscribe(), future, body));
    }
    let mut refused = 0;
    while open.len() > left {
        let mut ready = poll(&open.iter().map(|(pollable, ..)| pollable).collect::<Vec<_>>());
        ready.sort_unstable();
        for at in ready.into_iter().rev() {
            let (_, future, _) = open.swap_remove(at as usize);
            refused += usize::from(matches!(future.get(), Some(Ok(Err(ErrorCode::ConnectionLimitReached)))));
        }
    }
    Ok(format!("{} open, {refused} refused", open.len()))
}

/// Writes a body for as long as the host takes it.
pub(crate) fn endless_body(base_url: &str) -> Result<String, Error> {
    let request = post(base_url)?;
    let options = RequestOptions::new();
    // As long as can be said: the host has its own limits.
    let _ = options.set_first_byte_timeout(Some(u64::MAX));
    let _ = options.set_between_bytes_timeout(Some(u64::MAX));
    let body = request.body().map_err(|()| refused("body"))?;
    let future = outgoing_handler::handle(request, Some(options)).map_err(failed)?;
    let stream = body.write().map_err(|()| refused("body"))?;
    while stream.blocking_write_and_flush(&[b'x'; 4096]).is_ok() {}
    wait(&future).map(|response| response.status().to_string())
}

/// Asks with these times to wait, in nanoseconds: for a connection, for the first byte, between two of them.
pub(crate) fn hurried(base_url: &str, parameters: &[String]) -> Result<String, Error> {
    let request = post(base_url)?;
    let options = RequestOptions::new();
    let mut times = parameters.iter().map(|time| time.parse().ok());
    let _ = options.set_connect_timeout(times.next().flatten());
    let _ = options.set_first_byte_timeout(times.next().flatten());
    let _ = options.set_between_bytes_timeout(times.next().flatten());
    let (response, _unfinished) =
        dispatch(request, Some(options), b"{}").map_err(|failure| refused(&format!("{failure:?}")))?;
    let incoming = response.consume().map_err(|()| refused("body"))?;
    let stream = incoming.stream().map_err(|()| refused("body"))?;
    while stream.blocking_read(1 << 16).is_ok() {}
    Ok(response.status().to_string())
}

/// Drops a body while its stream is in use.
pub(crate) fn orphan(base_url: &str) -> Result<String, Error> {
    let request = post(base_url)?;
    let body = request.body().map_err(|()| refused("body"))?;
    let stream = body.write().map_err(|()| refused("body"))?;
    drop(body);
    Ok(format!("{:?}", stream.check_write()))
}

/// Writes a MiB into each of `count` requests, and sends none.
pub(crate) fn unsent(base_url: &str, count: usize) -> Result<String, Error> {
    let mut kept = Vec::new();
    let mut written = 0;
    for _ in 0..count {
        let request = post(base_url)?;
        let body = request.body().map_err(|()| refused("body"))?;
        let stream = body.write().map_err(|()| refused("body"))?;
        let piece = vec![b'x'; stream.check_write().map_or(0, |room| room.min(1 << 20) as usize)];
        if stream.write(&piece).is_err() {
            break;
        }
        written += piece.len();
        // In the order that they may be dropped in.
        kept.push((stream, body, request));
    }
    Ok(written.to_string())
}

/// What can be written at once.
fn ready() -> Result<(OutgoingRequest, OutgoingBody, OutputStream, Pollable), Error> {
    let request = OutgoingRequest::new(Fields::new());
    let body = request.body().map_err(|()| refused("body"))?;
    let stream = body.write().map_err(|()| refused("body"))?;
    let pollable = stream.subscribe();
    Ok((request, body, stream, pollable))
}

/// Keeps `count` things to wait for.
pub(crate) fn pollables(count: usize) -> Result<String, Error> {
    let (_request, _body, stream, _pollable) = ready()?;
    let kept: Vec<_> = (0..count).map(|_| stream.subscribe()).collect();
    Ok(kept.len().to_string())
}

/// Waits without end for what is there, one by one or all at once.
pub(crate) fn busy(all: bool) -> Result<String, Error> {
    let (_request, _body, _stream, pollable) = ready()?;
    loop {
        if all {
            poll(&[&pollable]);
        } else {
            pollable.block();
        }
    }
}

/// Asks without end for what the host refuses.
pub(crate) fn nagging(base_url: &str) -> Result<String, Error> {
    loop {
        let elsewhere = base_url.replace("http://", "https://");
        let _ = outgoing_handler::handle(post(&elsewhere)?, None);
    }
}

/// Uses handles that are not its own: numbers that it was never given.
pub(crate) fn forged(kind: &str) -> String {
    // SAFETY: that a handle is its own is what the host has to check.
    unsafe {
        match kind {
            "pollable" => Pollable::from_handle(77).ready().to_string(),
            "fields" => format!("{:?}", Fields::from_handle(77).entries()),
            "response" => IncomingResponse::from_handle(77).status().to_string(),
            "future" => format!("{:?}", FutureIncomingResponse::from_handle(77).get().is_some()),
            _ => format!("{:?}", outgoing_handler::handle(OutgoingRequest::from_handle(77), None).is_ok()),
        }
    }
}

/// Changes the headers of a request after the host has them, and takes twice what is there once.
pub(crate) fn again(base_url: &str) -> Result<String, Error> {
    let request = post(base_url)?;
    let headers = request.headers();
    let set = headers.append("x-late", b"1").is_ok() || headers.set("x-late", &[b"1".to_vec()]).is_ok();
    let body = request.body().map_err(|()| refused("body"))?;
    let (two, stream) = (request.body().is_ok(), body.write().map_err(|()| refused("body"))?);
    let two_streams = body.write().is_ok();
    let future = outgoing_handler::handle(request, None).map_err(failed)?;
    let late = headers.append("x-hostile-key", b"mine").is_ok() || headers.delete("x-hostile-key").is_ok();
    drop(stream);
    let _ = OutgoingBody::finish(body, None);
    let response = wait(&future)?;
    let taken = future.get().is_some_and(|answer| answer.is_ok());
    let _content = response.consume().map_err(|()| refused("body"))?;
    let consumed = response.consume().is_ok();
    Ok(format!("{:?}", [set, two, two_streams, late, taken, consumed]))
}

/// Makes `count` sets of fields and keeps them.
pub(crate) fn fields(count: usize) -> String {
    (0..count).map(|_| Fields::new()).collect::<Vec<_>>().len().to_string()
}

/// Waits for an answer that does not come, beside what is there, `count` times anew, and lets go of it each time.
pub(crate) fn forgetful(base_url: &str, count: usize) -> Result<String, Error> {
    let (_request, _body, _stream, there) = ready()?;
    let request = post(base_url)?;
    let _unfinished = request.body().map_err(|()| refused("body"))?;
    let open = outgoing_handler::handle(request, None).map_err(failed)?;
    let there_alone = (0..count).all(|_| poll(&[&open.subscribe(), &there]) == [1] && !open.subscribe().ready());
    Ok(there_alone.to_string())
}

/// Waits once for the same thing, named `count` times.
pub(crate) fn crowd(count: usize) -> Result<String, Error> {
    let (_request, _body, _stream, there) = ready()?;
    Ok(poll(&vec![&there; count]).len().to_string())
}

/// Sends the headers of an answer as those of a request, which may hold what no component may set.
pub(crate) fn copied(base_url: &str) -> Result<String, Error> {
    let send = |fields: Fields| {
        let to = post(base_url)?;
        let request = OutgoingRequest::new(fields);
        let _ = request.set_method(&Method::Get);
        let _ = request.set_scheme(to.scheme().as_ref());
        let _ = request.set_authority(to.authority().as_deref());
        let _ = request.set_path_with_query(to.path_with_query().as_deref());
        wait(&outgoing_handler::handle(request, None).map_err(failed)?)
    };
    let told = send(Fields::new())?.headers();
    let copy = told.clone();
    // Of a body, which this request has not.
    let _ = copy.delete("content-length");
    let late = copy.append("host", b"elsewhere.example").is_ok() || copy.set("range", &[b"bytes=0-4".to_vec()]).is_ok();
    let answer = send(copy)?;
    Ok(format!("{late} {} {}", told.append("x-late", b"1").is_ok(), answer.status()))
}

/// Copies headers as often as told, and adds to each copy as much as one may hold.
pub(crate) fn copies(count: usize) -> Result<String, Error> {
    let mut fields = Fields::new();
    for at in 0..count {
        fields = fields.clone();
        fields
            .append(&format!("x-{at}"), &vec![b'x'; 30_000])
            .map_err(|error| refused(&format!("header: {error:?}")))?;
    }
    Ok(fields.entries().len().to_string())
}

/// Goes on with a body that is finished, and finishes one whose stream is still in use.
pub(crate) fn late_body(base_url: &str) -> Result<String, Error> {
    let request = post(base_url)?;
    let body = request.body().map_err(|()| refused("body"))?;
    let stream = body.write().map_err(|()| refused("body"))?;
    let _ = stream.blocking_write_and_flush(b"in time");
    let future = outgoing_handler::handle(request, None).map_err(failed)?;
    let finished = OutgoingBody::finish(body, None).is_ok();
    let late = stream.blocking_write_and_flush(b", and late").is_ok();
    drop(stream);
    Ok(format!("{finished} {late} {}", wait(&future).map_or_else(|error| error.message, |it| it.status().to_string())))
}
