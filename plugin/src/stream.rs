//! The reply to a request for a stream, in any form: bytes in, events out. `events` reads them, and a whole document, and
//! `http` delivers the bytes.

pub(crate) mod events;
pub(crate) mod said;

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::mem;

use events::Events;

use crate::bindings::exports::openclaw::provider::chat::Event;
use crate::bindings::openclaw::provider::types::Error;
use crate::error::Result;
use crate::report::Head;
use crate::sse;

/// A reply that is being read.
#[derive(Debug)]
pub struct Reply {
    form: Form,
    events: Events,
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

impl Reply {
    /// A reply whose head is there.
    #[inline(never)]
    pub fn new(head: Head) -> Self {
        Self { form: Form::Unknown(Vec::new()), events: Events::new(head) }
    }

    /// The same to a request that offered tools: a call that stands in the text is one then, in more forms.
    #[must_use]
    pub fn offers_tools(mut self, offers_tools: bool) -> Self {
        self.events.offers_tools(offers_tools);
        self
    }

    /// What is ready: events, an error after them, or an empty list at the end. `None`: more bytes are needed.
    pub fn take(&mut self) -> Option<Result<Vec<Event>>> {
        self.events.take()
    }

    /// Whether no more bytes are of use.
    pub fn is_over(&self) -> bool {
        self.events.is_closed()
    }

    /// Whether the body is known to be a stream of events, and not one document.
    pub(crate) fn is_stream(&self) -> bool {
        matches!(self.form, Form::Events)
    }

    /// The error that a document turned out to be.
    pub(crate) fn refusal(&mut self) -> Option<Box<Error>> {
        self.events.refusal()
    }

    /// Reads a piece of the body.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.events.is_closed() {
            return;
        }
        match &mut self.form {
            Form::Events => self.events.push(bytes),
            Form::Document(document) => {
                document.extend_from_slice(bytes);
                if document.len() > sse::MAX_EVENT {
                    self.events.too_large("The answer");
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
                        self.events.push(&text);
                    }
                }
            }
        }
    }

    /// The body is over, or broke off with an error.
    pub fn close(&mut self, broken: Option<Box<Error>>) {
        if self.events.is_closed() {
            return;
        }
        match (&mut self.form, broken) {
            (Form::Document(document), None) => self.events.document(&mem::take(document)),
            (_, broken) => self.events.close(broken),
        }
    }
}

#[cfg(test)]
mod tests;
