//! A response's body on its way to the guest: masked, counted, and not waited for without end.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use boundary::mask::MaskedBody;
use bytes::Bytes;
use http_body::{Body, Frame};
use hyper::body::Incoming;
use tokio::{
    sync::OwnedSemaphorePermit,
    time::{Instant, Sleep},
};
use wasmtime_wasi_http::Error as WasiError;

use super::wasi_error::wasi_error;

pub(super) struct ResponseBody {
    incoming: Incoming,
    is_http2: bool,
    masked: MaskedBody,
    left: u64,
    idle: Duration,
    timer: Pin<Box<Sleep>>,
    /// Counts as an open request until the body is gone.
    _permit: OwnedSemaphorePermit,
}

impl ResponseBody {
    /// `left` bytes are taken of it, and `idle` is waited for each piece.
    pub(super) fn new(
        incoming: Incoming,
        is_http2: bool,
        masked: MaskedBody,
        left: u64,
        idle: Duration,
        permit: OwnedSemaphorePermit,
    ) -> Self {
        let timer = Box::pin(tokio::time::sleep(idle));
        Self { incoming, is_http2, masked, left, idle, timer, _permit: permit }
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = WasiError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, WasiError>>> {
        loop {
            let Poll::Ready(frame) = Pin::new(&mut self.incoming).poll_frame(cx) else {
                ready!(self.timer.as_mut().poll(cx));
                return Poll::Ready(Some(Err(WasiError::ConnectionReadTimeout)));
            };
            let deadline = Instant::now() + self.idle;
            self.timer.as_mut().reset(deadline);
            let piece = match frame {
                // hyper takes a stream that is reset without an error for one that is whole.
                None if self.is_http2 && !self.incoming.is_end_stream() => {
                    return Poll::Ready(Some(Err(WasiError::HttpResponseIncomplete)));
                }
                None => {
                    let rest = self.masked.finish();
                    return Poll::Ready((!rest.is_empty()).then_some(Ok(Frame::data(rest))));
                }
                Some(Err(error)) => return Poll::Ready(Some(Err(wasi_error(&error, self.masked.mask())))),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => data,
                    // Trailers: no provider needs them, and the mask does not read them.
                    Err(_) => continue,
                },
            };
            self.left = match self.left.checked_sub(piece.len() as u64) {
                Some(left) => left,
                None => return Poll::Ready(Some(Err(WasiError::HttpResponseBodySize(None)))),
            };
            let is_last = self.incoming.is_end_stream();
            let safe = if is_last { self.masked.last(piece) } else { self.masked.push(piece) };
            if !safe.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(safe))));
            }
        }
    }
}
