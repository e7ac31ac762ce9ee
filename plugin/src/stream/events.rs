//! Reads a chat that is streamed as events: bytes in, the WIT's events out. `calls` says which call a piece belongs to, and
//! `end` what counts as an end.

use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::mem;

use crate::bindings::exports::openclaw::provider::chat::{Event, ReplyStart, Thinking, ToolCallDelta};
use crate::bindings::openclaw::provider::types::{Error, ErrorKind, ErrorOrigin};
use crate::error;
use crate::json::{self, lossy};
use crate::parts::MAX_CALLS;
use crate::pattern::{Field, Pattern};
use crate::signature::{self, Details};
use crate::stream::state::State;
use crate::text::present;
use crate::tool_calls::{Call, piece};
use crate::{guardrails, images, parts, sse, usage, wire};

/// The field of an event that holds a text and nothing else.
fn field_of(event: &Event) -> Option<Field> {
    match event {
        Event::Text(_) => Some(Field::Text),
        Event::Thinking(Thinking { signature: None, .. }) => Some(Field::Thinking),
        Event::ToolCall(ToolCallDelta { index, id: None, name: None, signature: None, .. }) => {
            Some(Field::Arguments(*index))
        }
        _ => None,
    }
}

/// The event with a text in this field.
fn event_of(field: Field, text: String) -> Event {
    match field {
        Field::Text => Event::Text(text),
        Field::Thinking => Event::Thinking(Thinking { text, signature: None }),
        Field::Arguments(index) => piece(index, text, None),
    }
}

/// Whether the last chunk in a text is not whole.
pub(super) fn is_cut_off(text: &str) -> bool {
    let last = wire::objects(text).and_then(|chunks| chunks.last().copied()).unwrap_or(text);
    wire::Completion::parse(last).is_err()
}

pub(super) fn is_done(text: &str) -> bool {
    text.trim().trim_matches(['"', '[', ']', '<', '>']).eq_ignore_ascii_case("DONE")
}

/// Whether an event keeps the connection alive and says nothing: a comment that a proxy made an event of
/// (`: OPENROUTER PROCESSING`), `ping`, `[HEARTBEAT]`, an empty text.
fn is_idle(text: &str) -> bool {
    let mut word = text.as_bytes();
    while let [b'[' | b'"' | b':', rest @ ..] | [rest @ .., b']' | b'"' | b'.'] = word {
        word = rest;
    }
    let is_one_of = |idle: &[&str]| idle.iter().any(|idle| word.eq_ignore_ascii_case(idle.as_bytes()));
    text.starts_with(':')
        || word.iter().all(|byte| *byte <= b' ')
        || is_one_of(&["null", "ping", "pong", "heartbeat", "keepalive", "keep-alive"])
}

impl State {
    pub(super) fn is_closed(&self) -> bool {
        self.is_over || self.failure.is_some()
    }

    /// There is more of it than is read.
    pub(super) fn too_large(&mut self, what: &str) {
        let what = format!("{what} is larger than {} MiB", sse::MAX_EVENT >> 20);
        self.fail(error::protocol(&self.head, &what, b"..."));
    }

    /// The body is one document: nothing in it comes in pieces, unless it is several objects.
    pub(super) fn document(&mut self, text: &str) {
        (self.is_document, self.tags.is_whole) = (true, true);
        (self.said.growing.is_over, self.thought.growing.is_over) = (true, true);
        self.chunk_now(text, true);
        self.release();
        if !self.is_closed() {
            if !self.is_whole {
                self.quote = text.into();
            }
            self.end(false);
        }
        // Of a document that failed nothing was told yet.
        if self.failure.is_some() {
            self.events.clear();
        }
        self.is_over = self.failure.is_none();
    }

    /// What came before a failure is told before it.
    pub(super) fn fail(&mut self, error: Box<Error>) {
        if self.failure.is_none() {
            self.unhold();
        }
        self.failure.get_or_insert(error);
    }

    pub(super) fn event(&mut self, event: sse::Event<'_>) {
        let data = event.data;
        if self.failure.is_some() || data.is_empty() && !event.is_error {
            return;
        }
        if !event.is_error
            && let Some((field, text)) = self.last.as_ref().and_then(|last| last.read(data))
        {
            let mut event = event_of(field, text);
            // A piece of arguments may be of a call of its own: then it is read below.
            let goes_on = match &mut event {
                Event::ToolCall(piece) => self.calls.goes_on(piece.index, &piece.arguments_fragment),
                Event::Text(text) => text.len() < images::DRAWN && self.said.is_more(text),
                Event::Thinking(piece) => self.thought.is_more(&piece.text),
                _ => true,
            };
            if goes_on {
                return self.events.push(event);
            }
        }
        self.last = None;
        if event.is_error {
            self.release();
        }
        // Some proxies say so twice.
        let mut data = data.trim_ascii_start();
        while let Some(value) = data.strip_prefix(b"data:") {
            data = value.trim_ascii_start();
        }
        let read = lossy(data);
        let text = read.trim();
        if is_done(text) && !event.is_error {
            if self.after_done.is_none() {
                self.release();
                self.after_done = Some(0);
                self.end(true);
            }
            return;
        }
        if event.is_error && self.after_done.is_none() {
            return self.fail(error::in_event(&self.head, text.as_bytes()));
        }
        if !text.starts_with('{') && is_idle(text) {
            return;
        }
        self.chunk(text);
    }

    /// Reads a chunk. One that ends within a character waits for the next.
    fn chunk(&mut self, text: &str) {
        let Some(held) = self.half.take() else { return self.chunk_now(text, false) };
        let (held, text) = json::joined(&held, text);
        self.chunk_now(&held, true);
        if self.failure.is_none() {
            self.chunk_now(&text, false);
        }
    }

    /// Nothing follows that a chunk could wait for.
    pub(super) fn release(&mut self) {
        if let Some(held) = self.half.take() {
            self.chunk_now(&held, true);
        }
        self.unhold();
    }

    /// Tells what was held of the reasoning and of the text.
    fn unhold(&mut self) {
        if let Some(text) = self.thought.growing.release() {
            self.thinking(Thinking { text, signature: None }, self.reasoning.flatten());
        }
        if let Some(text) = self.said.growing.release() {
            self.text(text, false, &[]);
        }
    }

    fn chunk_now(&mut self, text: &str, is_last: bool) {
        let mut read = wire::Completion::parse(text);
        if read.is_err() || text.starts_with('[') {
            if let Some(chunks) = wire::objects(text) {
                let are_several = chunks.len() > 1;
                if are_several && self.is_document {
                    // These are pieces after all.
                    (self.said.growing.is_over, self.thought.growing.is_over) = (false, false);
                }
                for chunk in chunks {
                    if self.failure.is_none() {
                        self.chunk(chunk);
                    }
                }
                // None of several is the whole.
                if are_several {
                    self.has_pieces |= mem::take(&mut self.is_whole);
                }
                return;
            }
            if let Some(text) = wire::unquoted(text).or_else(|| wire::from_python(text)) {
                return self.chunk(&text);
            }
        }
        let Ok(chunk) = &mut read else {
            if self.after_done.is_some() {
                return;
            }
            if self.is_document {
                let cut = || error::truncated(&self.head, error::REASON);
                let error = if self.is_started { cut() } else { error::no_completion(&self.head, text.as_bytes()) };
                return self.fail(error);
            }
            let error = self.unread("An event of the stream is not the JSON of a chunk", text.as_bytes());
            return self.fail(error);
        };
        if !is_last && json::cut(text).is_some() {
            (self.half, self.last) = (Some(text.to_owned()), None);
            return;
        }
        self.read(chunk, text);
    }

    /// What was read from this text: a chunk, or what stands for some.
    fn read(&mut self, chunk: &mut wire::Completion<'_>, text: &str) {
        let ready = self.events.len();
        if let Some(results) = &chunk.hook_results {
            let told = if self.is_started { &mut self.events } else { &mut self.results };
            told.push(Event::GuardrailsJson(results.to_json()));
            let is_failure = chunk.is_failure || chunk.error.is_some();
            if self.head.status == 200
                && !(self.is_document && is_failure)
                && let Some(denied) = guardrails::denied_by(results, self.after_done.is_some())
            {
                return self.fail(error::soft_deny(&self.head, &denied));
            }
        }
        if self.after_done.is_some() {
            return;
        }
        if let Some(response) = chunk.response.take() {
            let chunks = self.items.chunks(response);
            // It says itself whether it is whole.
            self.has_pieces = true;
            if self.items.are_too_many() {
                return self.fail(parts::too_many(&self.head, "items"));
            }
            for mut chunk in chunks {
                if self.failure.is_none() {
                    self.completion(&mut chunk, text, None);
                }
            }
            return;
        }
        self.completion(chunk, text, Some(ready));
    }

    /// A chunk as it was read, from this text. The next may be known by it where it is told how many events were ready.
    fn completion(&mut self, chunk: &mut wire::Completion<'_>, text: &str, ready: Option<usize>) {
        if let Some(said) = &chunk.error {
            return self.fail(parts::told(&self.head, said));
        }
        if chunk.is_failure {
            return self.fail(error::malformed(&self.head, "The answer is an error", text.as_bytes()));
        }
        if chunk.choices.is_empty() {
            if let Some(error) = error::in_words(&self.head, text.as_bytes()) {
                return self.fail(error);
            }
            if self.foreign.is_none() && !self.is_started {
                self.foreign = error::foreign(text);
            }
        }
        self.has_reasons |= chunk.choices.iter().any(|choice| choice.has_reason);
        if let Some(usage) = chunk.usage.as_ref().and_then(usage::usage) {
            self.usage = Some(self.usage.map_or(usage, |before| usage::merged(before, usage)));
        }
        if !chunk.citations.is_empty() {
            self.citations = chunk.citations.iter().filter_map(parts::citation).collect();
        }
        self.has_choices |= chunk.has_choices;
        // Azure's first chunk holds what its filters say of the prompt, and neither of the two.
        if !chunk.choices.is_empty() && !mem::replace(&mut self.is_started, true) {
            if chunk.model.starts_with("@cf/") {
                self.provider = wire::WORKERS_AI.into();
            }
            self.quote = Vec::new();
            let (id, model) = (mem::take(&mut chunk.id).into_owned(), mem::take(&mut chunk.model).into_owned());
            self.events.push(Event::Start(ReplyStart { id, model }));
            self.events.append(&mut self.results);
        }
        if self.provider.is_empty() {
            self.provider = mem::take(&mut chunk.provider).into_owned();
        }
        let spelled = match chunk.choices.as_slice() {
            [wire::Choice { delta: Some(delta), .. }] => delta.spelled(),
            _ => None,
        };
        // One answer was asked for; a second can only come from extra fields.
        let ours = self.choice.or_else(|| {
            let indexes = || chunk.choices.iter().map(|choice| choice.index.unwrap_or(0));
            indexes().find(|index| *index == 0).or_else(|| indexes().next())
        });
        self.choice = ours;
        let is_numbered = chunk.choices.iter().any(|choice| choice.index.is_some() && choice.index == ours);
        for (at, choice) in chunk.choices.iter_mut().enumerate() {
            if choice.index.map_or(at == 0 && !is_numbered, |index| ours == Some(index)) {
                self.choice(choice);
            }
        }
        if self.reason.is_empty() {
            self.ended(mem::take(&mut chunk.finish_reason));
        }
        if !self.tags.is_open()
            && let (Some(spelled), Some([event])) = (spelled, ready.and_then(|ready| self.events.get(ready..)))
        {
            self.last = field_of(event).and_then(|field| Pattern::new(text.as_bytes(), spelled, field));
        }
    }

    fn choice(&mut self, choice: &mut wire::Choice<'_>) {
        // LocalAI's up to 3.0: its last text is no answer.
        if let Some(delta) = &choice.delta
            && !choice.finish_reason.is_empty()
            && delta.content.text.starts_with("Internal error: rpc error")
        {
            return self.fail(error::in_event(&self.head, delta.content.text.as_bytes()));
        }
        // Some have both.
        let mut message = choice.message.take();
        let mut is_said = false;
        if self.is_document
            && !self.has_pieces
            && let Some(mut message) = message.take()
        {
            // They stand in order: a number that all have says nothing.
            message.tool_calls.iter_mut().zip(0..).for_each(|(call, at)| call.index = Some(at));
            is_said = self.delta(&mut message);
            self.is_whole |= is_said;
        }
        let delta = choice.delta.as_mut().filter(|_| !is_said);
        let is_misplaced = choice.finish_reason.is_empty()
            && self.reason.is_empty()
            && delta.as_ref().is_some_and(|delta| !delta.finish_reason.is_empty());
        self.has_pieces |= delta.is_some_and(|delta| self.delta(delta));
        if let Some(mut message) = message {
            if self.has_pieces {
                self.unhold();
                // What has come in pieces some send as a whole once more (MiniMax), and some with the rest of it.
                let heard = if self.said.all.length == 0 { self.tagged } else { self.said.all };
                let rest = heard.rest(&message.content.text).unwrap_or_default();
                self.text(rest.to_owned(), false, &message.tool_calls);
                if self.calls.list.is_empty() && !message.tool_calls.is_empty() {
                    self.end_texts(&message.tool_calls);
                    message.tool_calls.into_iter().for_each(|call| self.tool_call(call));
                }
            } else {
                self.delta(&mut message);
            }
        }
        // All that the gateway says where Bedrock breaks off (gateway 1.15.2, provider `bedrock`). `[DONE]` follows.
        if is_misplaced {
            let mut error = error::truncated(&self.head, error::REASON);
            error.origin = ErrorOrigin::Upstream;
            return self.fail(error);
        }
        self.ended(mem::take(&mut choice.finish_reason));
    }

    /// Reads a delta or a message. Says whether there was anything in it: some of that is told later.
    fn delta(&mut self, delta: &mut wire::Message<'_>) -> bool {
        let before = (self.events.len(), self.calls.list.len());
        let says_more = !delta.content.text.is_empty() || !delta.reasoning_details.is_empty();
        self.settle(delta.tool_calls.first_mut());
        for detail in &delta.reasoning_details {
            let id = detail.text("id");
            let is_its = |call: &&Call| call.number.is_some() && call.id.as_deref() == Some(&*id);
            let known = self.calls.list.iter().rev().take(signature::RECENT).find(is_its);
            match known.and_then(|call| call.number).filter(|_| detail.text("type") == signature::ENCRYPTED) {
                Some(index) => self.events.push(piece(index, String::new(), Some(detail.to_json()))),
                None => self.details.push(detail),
            }
        }
        if !delta.content_blocks.iter().any(wire::Block::is_thinking) {
            let mut reasoning = present(mem::take(&mut delta.reasoning.text));
            if reasoning.is_none() && !delta.reasoning_details.is_empty() {
                reasoning = Details::from(&delta.reasoning_details).text();
            }
            if let Some(text) = reasoning {
                self.thinking(Thinking { text, signature: None }, delta.reasoning_field);
            }
        }
        // The text of the blocks comes in `content` too: then the blocks have the order. Bedrock's texts are joined there by
        // line breaks (gateway 1.15.2).
        let of_blocks: String = delta.content_blocks.iter().map(|block| &*block.text).collect();
        let letters = |text: &str| text.replace('\n', "");
        let content = mem::take(&mut delta.content.text).into_owned();
        let are_texts = !of_blocks.is_empty() && (content.is_empty() || letters(&of_blocks) == letters(&content));
        for mut block in mem::take(&mut delta.content_blocks) {
            if are_texts {
                self.text(mem::take(&mut block.text).into_owned(), false, &delta.tool_calls);
            }
            if let Some(thinking) = parts::block_thinking(&mut block) {
                self.thinking(thinking, delta.reasoning_field);
            }
            if !block.is_text() {
                self.end_texts(&delta.tool_calls);
            }
            self.events.extend(present(block.refusal).map(Event::Refusal));
            if let Some(image) = block.image {
                self.image(&image);
            }
            if let Some(call) = block.server_call {
                self.calls.push(Call { server: Some(wire::typed(&call, "server_tool_use")), ..Call::default() });
            }
            self.events.extend(block.others.into_iter().map(Event::Other));
        }
        if !are_texts {
            self.text(content, delta.is_thought, &delta.tool_calls);
        }
        let has_others = !delta.images.is_empty() || !delta.others.is_empty();
        if has_others || !delta.refusal.is_empty() || !delta.tool_calls.is_empty() {
            self.end_texts(&delta.tool_calls);
        }
        self.events.extend(present(mem::take(&mut delta.refusal)).map(Event::Refusal));
        delta.images.iter().for_each(|image| self.image(image));
        let are_several = delta.tool_calls.len() > 1;
        for (at, mut call) in mem::take(&mut delta.tool_calls).into_iter().enumerate() {
            // The rest of them would be looked at in vain.
            if self.failure.is_some() {
                break;
            }
            // Pieces of several without a number: their places tell.
            call.index = call.index.or(are_several.then_some(at as u64));
            self.tool_call(call);
        }
        self.events.extend(delta.others.drain(..).map(Event::Other));
        says_more || before != (self.events.len(), self.calls.list.len())
    }

    /// Reasoning that did not stand in the text.
    fn thinking(&mut self, mut piece: Thinking, field: Option<&'static str>) {
        if piece.signature.is_some() {
            self.unhold();
        } else {
            self.thought.growing.cut(&mut piece.text);
        }
        if piece.signature.is_some() || self.thought.is_new(&piece.text) {
            // What is signed needs no name of a field.
            self.reasoning = piece.signature.is_none().then_some(field);
            self.events.push(Event::Thinking(piece));
        }
    }

    fn image(&mut self, image: &wire::Image<'_>) {
        match parts::picture(&self.head, image) {
            Ok(image) => {
                // Then they were no answer.
                self.tags.take_open();
                self.events.push(Event::Image(image));
            }
            Err(error) => self.fail(error),
        }
    }

    /// A piece of the text, which may hold reasoning. These calls follow.
    fn text(&mut self, mut text: String, is_thought: bool, calls: &[wire::ToolCall<'_>]) {
        self.said.growing.cut(&mut text);
        if text.is_empty() {
            return;
        }
        self.unhold();
        if self.said.all.length == 0 {
            self.tagged.add(&text);
        }
        let (thought, text) = self.tags.push(text, is_thought);
        self.think(thought);
        if !text.is_empty() {
            self.end_reasoning(calls);
        }
        self.say(text);
    }

    /// Reasoning that stood in the text, where it does not stand in a field too.
    fn think(&mut self, text: String) {
        if !text.is_empty() && !matches!(self.reasoning, Some(Some(_))) {
            self.reasoning.get_or_insert(None);
            self.events.push(Event::Thinking(Thinking { text, signature: None }));
        }
    }

    /// Adds to the text, and takes out the images that are drawn in it.
    pub(super) fn say(&mut self, text: String) {
        let mut is_code = self.said.is_code;
        if !self.said.is_new(&text) {
            return;
        }
        let mut rest = &*text;
        while let Some((before, image, behind)) = images::drawn(rest, is_code) {
            self.events.extend(present(before.into()).map(Event::Text));
            self.events.push(Event::Image(image));
            (rest, is_code) = (behind, false);
        }
        self.events.extend(present(rest.into()).map(Event::Text));
    }

    /// Ends the text and the reasoning, because these calls or something else follow.
    pub(super) fn end_texts(&mut self, calls: &[wire::ToolCall<'_>]) {
        self.unhold();
        let (thought, text) = self.tags.release();
        self.think(thought);
        self.end_reasoning(calls);
        self.say(text);
    }

    /// Ends a piece of reasoning, because these calls or something else follow. Returns what must go back with it.
    fn end_reasoning(&mut self, calls: &[wire::ToolCall<'_>]) {
        // Each text of many may come here.
        if !self.details.is_empty() {
            let calls = calls.iter().take(MAX_CALLS.saturating_sub(self.encrypted.len()));
            self.encrypted.extend(self.details.of_calls(calls.map(|call| &*call.id)));
        }
        let field = self.reasoning.take().flatten();
        if let Some(signature) = self.details.signature().or_else(|| field.map(ToOwned::to_owned)) {
            self.events.push(Event::Thinking(Thinking { text: String::new(), signature: Some(signature) }));
        }
    }

    /// The error of what is no chunk. Known words say more than that they are no JSON.
    pub(super) fn unread(&self, what: &str, text: &[u8]) -> Box<Error> {
        // A web page behind the beginning of an answer says nothing of the base URL.
        let odd = match self.is_started {
            true => error::in_words(&self.head, text).unwrap_or_else(|| error::protocol(&self.head, what, text)),
            false => error::malformed(&self.head, what, text),
        };
        if odd.kind != ErrorKind::Protocol || matches!(text, [] | [b'{' | b'[', ..]) {
            return odd;
        }
        let told = error::in_event(&self.head, text);
        if matches!(told.kind, ErrorKind::Protocol | ErrorKind::Other) { odd } else { told }
    }
}
