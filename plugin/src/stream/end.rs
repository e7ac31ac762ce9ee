//! What counts as the end of an answer, and what is wrong with one that has none.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use core::mem;

use super::state::State;
use crate::bindings::exports::openclaw::provider::chat::{Event, FinishReason, Thinking};
use crate::bindings::openclaw::provider::types::Error;
use crate::error;
use crate::finish::{finish_reason, is_whole};
use crate::tool_calls::Call;
use crate::wire::CALLED;
use crate::{parts, signature, wire};

const END_OF_CALL: &str = "the end of a tool call";

/// The longest tag that is known, in bytes, with white space behind it.
const MAX_TAG: usize = 64;

impl State {
    /// Notes how what is said in the events that are ready ends.
    pub(super) fn note_end(&mut self) {
        let last = |text: &str| text.floor_char_boundary(text.len().saturating_sub(MAX_TAG));
        for event in &self.events {
            let (Event::Text(text) | Event::Thinking(Thinking { text, .. })) = event else { continue };
            if self.said_last.len() > 16 * MAX_TAG {
                self.said_last.drain(..last(&self.said_last));
            }
            self.said_last.push_str(text.get(last(text)..).unwrap_or_default());
        }
    }

    /// Why the answer ended, where that is said.
    pub(super) fn ended(&mut self, reason: Cow<'_, str>) {
        let told = |reason: &str| finish_reason(reason, false);
        // A later `stop` undoes no limit and no filter.
        let is_undone = || {
            !self.reason.is_empty()
                && matches!(told(&self.reason), FinishReason::Length | FinishReason::ContentFilter)
                && told(&reason) == FinishReason::Stop
        };
        if reason.is_empty() || is_undone() {
            return;
        }
        // The words of it may follow.
        self.failed = self.failed.take().or_else(|| error::failed_finish(&reason, &self.head));
        self.reason = reason.into_owned();
    }

    /// The stream ended properly, with `[DONE]` or the end of the body. It is an answer if all of it was understood.
    pub(super) fn end(&mut self, is_done: bool) {
        if let Some(error) = self.failed.take() {
            return self.fail(error);
        }
        if !self.is_started {
            let error = self.nothing(is_done);
            return self.fail(error);
        }
        self.settle(None);
        // Streams of these never have a reason (Workers AI: gateway 1.15.2).
        let has_no_reason = || {
            self.provider == wire::WORKERS_AI
                || self.head.get("x-portkey-provider") == Some(wire::WORKERS_AI)
                || self.provider == wire::UNREASONED && !self.has_reasons && self.usage.is_some()
        };
        let is_cut = self.calls.list.iter().any(|call| !call.name.is_empty() && call.arguments.is_open());
        // So does OpenClaw's own client (2026.9.6). A text beside them may be cut, and so may be calls at a mere end.
        let are_whole_calls = || {
            let is_closed = |call: &Call| call.arguments.is_closed;
            self.said.all.length == 0 && self.calls.announced() > 0 && self.calls.list.iter().all(is_closed)
        };
        let has_end = !self.reason.is_empty()
            || self.is_whole
            || is_done && !self.items.is_any && (has_no_reason() || are_whole_calls());
        if !has_end || is_cut && is_whole(&self.reason) {
            let is_empty = self.is_document && !self.has_pieces && !is_cut;
            let lacks = if has_end { END_OF_CALL } else { error::REASON };
            let error = if is_empty {
                error::no_completion(&self.head, &self.quote)
            } else {
                error::truncated(&self.head, lacks)
            };
            return self.fail(error);
        }
        // The piece that names it was lost. A provider's own tool has no number, or one that a call has.
        let is_lost = |call: &&Call| {
            let is_called = call.server.is_some() || call.id.as_deref().is_some_and(|id| id.starts_with(CALLED));
            call.name.is_empty() && !is_called && call.index.is_some() && call.twin.is_none() && !call.held.is_empty()
        };
        if let Some(lost) = self.calls.list.iter().find(is_lost) {
            return self.fail(parts::no_call(&self.head, lost.held.as_bytes()));
        }
        let reason = finish_reason(&self.reason, self.calls.announced() > 0);
        if reason == FinishReason::ToolCalls && self.calls.announced() == 0 && !self.has_other_call {
            return self.fail(parts::no_call(&self.head, self.reason.as_bytes()));
        }
        let open = self.tags.take_open();
        self.end_texts(&[]);
        if reason == FinishReason::Stop && self.said.all.length == 0 {
            self.say(open);
        }
        self.note_end();
        let tag = self.said_last.rfind('<').and_then(|at| self.said_last.get(at..));
        let is_call =
            |tag: &&str| tag.len() <= MAX_TAG && !self.said.is_code && parts::ends_call(tag, self.offers_tools);
        let tag = tag.filter(is_call);
        let begun = || Some(&*self.said.start).filter(|start| self.offers_tools && parts::begins_call(start));
        let call = tag.or_else(begun);
        if let Some(call) = call.filter(|_| reason == FinishReason::Stop) {
            let what = "The model calls a tool in its text, which its provider did not read";
            let hint = "The server that runs the model must read its calls, such as vLLM with --tool-call-parser.";
            let error = error::protocol(&self.head, what, call.as_bytes());
            return self.fail(error::with_hint(error, hint));
        }
        for call in mem::take(&mut self.calls.list).into_iter().filter(|call| call.name.is_empty()) {
            let other = call.server.map(|block| signature::with_input(&block, &call.held));
            let other = other.or_else(|| signature::nameless(call.id.as_deref().unwrap_or_default(), &call.held));
            self.events.extend(other.map(Event::Other));
        }
        self.events.extend(mem::take(&mut self.citations).into_iter().map(Event::Other));
        self.events.push(Event::Finish(reason));
        // Usage goes out once, with the end: before that a gateway may still correct it.
        self.events.extend(self.usage.take().map(Event::Usage));
    }

    /// The error of a body without a choice.
    fn nothing(&self, is_done: bool) -> Box<Error> {
        if self.has_choices {
            return error::no_choice(&self.head, &self.provider, &self.quote);
        }
        if let Some(api) = self.foreign {
            return error::in_form(&self.head, api);
        }
        if self.is_document {
            return error::no_completion(&self.head, &self.quote);
        }
        let start = self.quote.trim_ascii();
        let is_events = [&b"data"[..], b"event", b"id", b"retry", b":"].iter().any(|field| start.starts_with(field));
        // It may be cut anywhere.
        if is_done || is_events || b"data".starts_with(start) && !(start.is_empty() && self.head.is_document()) {
            return error::truncated(&self.head, error::REASON);
        }
        self.unread("The answer is no stream of events", start)
    }
}
