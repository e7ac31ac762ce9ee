//! The reply to a request for a stream, in any form: bytes in, events out. `events` reads each, and a whole document, and
//! `http` delivers the bytes.

mod calls;
mod end;
pub(crate) mod events;
pub(crate) mod said;
mod state;

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::mem;

use events::{is_cut_off, is_done};
use state::State;

use crate::bindings::exports::openclaw::provider::chat::{Event, Response};
use crate::bindings::openclaw::provider::types::{Error, ErrorKind};
use crate::error::{self, Result};
use crate::json::lossy;
use crate::report::Head;
use crate::{parts, sse, wire};

/// How many bytes to read after `[DONE]` at most, for late guardrail results. The component has no clock: the host's
/// limit between two pieces ends a stream that stays open.
const MAX_AFTER_DONE: usize = 1024 * 1024;

/// How many bytes of a body are kept for a quote in an error.
const QUOTED: usize = 4096;

/// A reply that is being read.
#[derive(Debug, Default)]
pub struct Reply {
    form: Form,
    sse: sse::Decoder,
    state: State,
}

/// What the body is. The first byte tells, not the media type.
#[derive(Debug)]
enum Form {
    /// White space alone has come.
    Unknown(Vec<u8>),
    /// One JSON document, or a web page.
    Document(Vec<u8>),
    Events,
}

impl Default for Form {
    fn default() -> Self {
        Self::Unknown(Vec::new())
    }
}

impl Reply {
    /// A reply whose head is there.
    #[inline(never)]
    pub fn new(head: Head) -> Self {
        // It is large: nothing is moved.
        let mut new = Self::default();
        new.state.head = head;
        new
    }

    /// The same to a request that offered tools: a call that stands in the text is one then, in more forms.
    #[must_use]
    pub fn offers_tools(mut self, offers_tools: bool) -> Self {
        self.state.offers_tools = offers_tools;
        self
    }

    /// What is ready: events, an error after them, or an empty list at the end. `None`: more bytes are needed.
    pub fn take(&mut self) -> Option<Result<Vec<Event>>> {
        let state = &mut self.state;
        state.note_end();
        if !state.events.is_empty() {
            return Some(Ok(mem::take(&mut state.events)));
        }
        if let Some(error) = state.failure.take() {
            state.is_over = true;
            return Some(Err(error));
        }
        state.is_over.then(|| Ok(Vec::new()))
    }

    /// Whether no more bytes are of use.
    pub fn is_over(&self) -> bool {
        self.state.is_closed()
    }

    /// Whether the body is known to be a stream of events, and not one document.
    pub(crate) fn is_stream(&self) -> bool {
        matches!(self.form, Form::Events)
    }

    /// The error, if nothing came before it.
    pub(crate) fn refusal(&mut self) -> Option<Box<Error>> {
        self.state.failure.take_if(|_| self.state.events.is_empty())
    }

    /// Reads a piece of the body.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.is_over() {
            return;
        }
        match &mut self.form {
            Form::Events => self.events(bytes),
            Form::Document(document) => {
                document.extend_from_slice(bytes);
                if document.len() > sse::MAX_EVENT {
                    self.state.too_large("The answer");
                }
            }
            Form::Unknown(start) => {
                start.extend_from_slice(bytes);
                // Of endless white space, byte order marks among it, only the last is kept.
                let mut text = start.trim_ascii_start();
                while let Some(rest) = text.strip_prefix(b"\xef\xbb\xbf") {
                    text = rest.trim_ascii_start();
                }
                let text = text.to_vec();
                match text.first() {
                    None => *start = text,
                    // The rest of a byte order mark is to come.
                    Some(0xef) if text.len() < 3 => *start = text,
                    Some(b'{' | b'[' | b'<' | b'"') => self.form = Form::Document(text),
                    Some(_) => {
                        self.form = Form::Events;
                        self.events(&text);
                    }
                }
            }
        }
    }

    /// Reads a piece of a stream of events.
    fn events(&mut self, bytes: &[u8]) {
        let state = &mut self.state;
        if let Some(read) = &mut state.after_done {
            *read += bytes.len();
        }
        if !state.is_started && state.quote.len() < QUOTED {
            state.quote.extend_from_slice(bytes.get(..QUOTED).unwrap_or(bytes));
        }
        if self.sse.push(bytes, &mut |event| state.event(event)).is_err() {
            state.too_large("An event of the stream");
        }
        state.is_over |= state.after_done.is_some_and(|read| read > MAX_AFTER_DONE);
        self.explain();
    }

    /// The body is over, or broke off with an error.
    pub fn close(&mut self, broken: Option<Box<Error>>) {
        if self.is_over() {
            return;
        }
        if let (Form::Document(document), None) = (&mut self.form, &broken) {
            let document = mem::take(document);
            return self.document(&document);
        }
        let state = &mut self.state;
        let mut is_cut = false;
        if broken.is_none() {
            let _ = self.sse.finish(&mut |event| {
                let text = lossy(event.data);
                let text = text.trim();
                // JSON that does not parse here was cut off.
                if !event.is_error && text.starts_with(['{', '[']) && !is_done(text) && is_cut_off(text) {
                    is_cut = !"[DONE]".starts_with(text);
                } else {
                    state.event(event);
                }
            });
        }
        state.release();
        if state.is_closed() {
            return;
        }
        if state.after_done.is_some() {
            state.is_over = true;
            return;
        }
        match broken {
            None if is_cut => state.fail(error::truncated(&state.head, error::REASON)),
            None => state.end(false),
            Some(mut error) => {
                if error.kind == ErrorKind::Transport {
                    error.kind = ErrorKind::Truncated;
                }
                state.fail(error);
            }
        }
        state.is_over |= state.failure.is_none();
        self.explain();
    }

    /// Reads a body that is one document. Some are a stream all the same.
    pub(crate) fn document(&mut self, body: &[u8]) {
        let text = lossy(body);
        let text = text.trim();
        if text.is_empty() || text.starts_with(['{', '[', '<']) {
            return self.state.document(text);
        }
        if let Some(inner) = wire::unquoted(text) {
            return self.document(inner.as_bytes());
        }
        self.form = Form::Events;
        self.events(body);
        self.close(None);
    }

    /// All of it, once it is read.
    pub(crate) fn response(&mut self) -> Result<Response> {
        match self.state.failure.take() {
            Some(error) => Err(error),
            None => Ok(parts::join(mem::take(&mut self.state.events), self.state.head.report())),
        }
    }

    /// Adds what stands behind the last event of a stream that was cut: it may say why.
    fn explain(&mut self) {
        let words = self.sse.words().trim_ascii();
        let is_cut = |error: &mut Box<Error>| !words.is_empty() && error.kind == ErrorKind::Truncated;
        if let Some(cut) = self.state.failure.take_if(is_cut) {
            self.state.fail(error::cut_with(&cut, &self.state.head, words));
        }
    }
}

#[cfg(test)]
mod tests;
