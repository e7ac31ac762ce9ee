//! A streamed chat completion: bytes in, events out. It owns what must be remembered between two chunks and what
//! counts as an end; where the bytes come from is `http`'s.

use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::mem;

use crate::bindings::exports::openclaw::provider::chat::{
    AssistantPart, Event, FinishReason, ReplyStart, Response, Thinking, ToolCallDelta,
};
use crate::bindings::openclaw::provider::types::{Error, ErrorKind, ErrorOrigin, Usage};
use crate::error::{self, Result};
use crate::json::{Nesting, lossy};
use crate::pattern::{Field, Pattern};
use crate::report::Head;
use crate::signature::{self, Details};
use crate::wire::{self, present};
use crate::{answer, guardrails, sse};

/// Most bytes that are read after `[DONE]` in wait of late guardrail results. There is no clock to wait by: the
/// host's limit between two pieces ends a stream that is held open.
const MAX_AFTER_DONE: usize = 1024 * 1024;

/// Most tool calls in one answer: for each piece the call that it belongs to is looked for.
pub(crate) const MAX_CALLS: usize = 4096;

/// So much of a body is kept to be quoted, in bytes.
const QUOTED: usize = 4096;

/// A reply that is being read.
#[derive(Debug)]
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

#[derive(Debug, Default)]
struct State {
    head: Head,
    /// The start of the body, until the answer has started: to be quoted where nothing in it is understood.
    quote: Vec<u8>,
    /// Ready to be taken.
    events: Vec<Event>,
    is_started: bool,
    /// Whether there was a list of choices, be it an empty one.
    has_choices: bool,
    /// The provider, as a chunk names it.
    provider: String,
    /// Whether the model is one of Workers AI.
    is_workers_ai: bool,
    /// The number of the choice that is read.
    choice: Option<u64>,
    /// Why the answer ended, in the provider's words: the last that came.
    reason: String,
    /// A reason that means a failure.
    failed: Option<Box<Error>>,
    /// What came last: some gateways repeat it, growing, in each chunk, and some send it in parts.
    usage: Option<Usage>,
    calls: Vec<Call>,
    /// How many of the calls were announced.
    announced: u32,
    /// The call whose arguments may be to come.
    waiting: Option<usize>,
    /// Whether a piece of reasoning is on its way, and the field that it comes in.
    reasoning: Option<Option<&'static str>>,
    details: Details,
    /// Details that belong to calls, by their ids.
    encrypted: Vec<(String, String)>,
    citations: Vec<String>,
    /// Of the last chunk, where a text was its only event.
    last: Option<Pattern>,
    after_done: Option<usize>,
    is_over: bool,
    /// Comes after the events that came before it.
    failure: Option<Box<Error>>,
}

/// A tool call under way.
#[derive(Debug, Default)]
struct Call {
    /// The provider's number for it.
    index: Option<u64>,
    id: Option<String>,
    name: String,
    arguments: Nesting,
    /// Its number in our events, once it was announced.
    number: Option<u32>,
    /// What came before its name.
    held: String,
    signature: Option<String>,
    /// A call of a provider's own tool, as its block began.
    server: Option<String>,
}

impl Reply {
    /// A reply whose head is there.
    #[inline(never)]
    pub fn new(head: Head) -> Self {
        Self {
            form: Form::Unknown(Vec::new()),
            sse: sse::Decoder::default(),
            state: State { head, ..State::default() },
        }
    }

    /// A reply that came in one piece, as some providers answer a request for a stream.
    #[inline(never)]
    pub fn whole(response: Response) -> Self {
        let mut events = Vec::new();
        events.push(Event::Start(ReplyStart { id: response.id, model: response.model }));
        let mut index = 0;
        for part in response.content {
            events.push(match part {
                AssistantPart::Text(text) => Event::Text(text),
                AssistantPart::Thinking(thinking) => Event::Thinking(thinking),
                AssistantPart::Image(image) => Event::Image(image),
                AssistantPart::Refusal(text) => Event::Refusal(text),
                AssistantPart::Other(part) => Event::Other(part),
                AssistantPart::ToolCall(call) => {
                    index += 1;
                    Event::ToolCall(ToolCallDelta {
                        index: index - 1,
                        id: Some(call.id),
                        name: Some(call.name),
                        arguments_fragment: call.arguments_json,
                        signature: call.signature,
                    })
                }
            });
        }
        events.push(Event::Finish(response.finish_reason));
        events.extend(response.usage.map(Event::Usage));
        events.extend(response.guardrails_json.map(Event::GuardrailsJson));
        let state = State { events, is_over: true, ..State::default() };
        Self { form: Form::Events, sse: sse::Decoder::default(), state }
    }

    /// What is ready: events, an error after them, or an empty list at the end. `None`: more bytes are needed.
    pub fn take(&mut self) -> Option<Result<Vec<Event>>> {
        if !self.state.events.is_empty() {
            return Some(Ok(mem::take(&mut self.state.events)));
        }
        if let Some(error) = self.state.failure.take() {
            self.state.is_over = true;
            return Some(Err(error));
        }
        self.state.is_over.then(|| Ok(Vec::new()))
    }

    /// Whether no more bytes are of use.
    pub fn is_over(&self) -> bool {
        self.state.is_closed()
    }

    /// Whether the body is known to be a stream of events, and not one document.
    pub(crate) fn is_stream(&self) -> bool {
        matches!(self.form, Form::Events)
    }

    /// The error that a document turned out to be.
    pub(crate) fn refusal(&mut self) -> Option<Box<Error>> {
        self.state.failure.take_if(|_| self.state.events.is_empty())
    }

    /// Reads a piece of the body.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.state.is_closed() {
            return;
        }
        match &mut self.form {
            Form::Events => self.push_events(bytes),
            Form::Document(document) => {
                document.extend_from_slice(bytes);
                if document.len() > sse::MAX_EVENT {
                    let what = format!("The answer is larger than {} MiB", sse::MAX_EVENT >> 20);
                    self.state.fail(error::protocol(&self.state.head, &what, b"..."));
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
                    Some(0xef) if text.len() < 3 => {}
                    Some(b'{' | b'[' | b'<' | b'"') => self.form = Form::Document(text),
                    Some(_) => {
                        self.form = Form::Events;
                        self.push_events(&text);
                    }
                }
            }
        }
    }

    fn push_events(&mut self, bytes: &[u8]) {
        let Self { sse, state, .. } = self;
        if let Some(read) = &mut state.after_done {
            *read += bytes.len();
        }
        if !state.is_started && state.quote.len() < QUOTED {
            state.quote.extend_from_slice(bytes.get(..QUOTED).unwrap_or(bytes));
        }
        if sse.push(bytes, &mut |event| state.event(event)).is_err() {
            let what = format!("An event of the stream is larger than {} MiB", sse::MAX_EVENT >> 20);
            state.fail(error::protocol(&state.head, &what, b"..."));
        }
        state.is_over |= state.after_done.is_some_and(|read| read > MAX_AFTER_DONE);
    }

    /// The body is over, or broke off with an error.
    pub fn close(&mut self, broken: Option<Box<Error>>) {
        if self.state.is_closed() {
            return;
        }
        if let (Form::Document(document), None) = (&mut self.form, &broken) {
            let document = mem::take(document);
            match answer::response(&self.state.head, &document) {
                Ok(response) => *self = Self::whole(response),
                Err(error) => self.state.fail(error),
            }
            return;
        }
        let Self { sse, state, .. } = self;
        let mut is_cut = false;
        if broken.is_none() {
            let _ = sse.finish(&mut |event| {
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
        if state.is_closed() {
            return;
        }
        if state.after_done.is_some() {
            state.is_over = true;
            return;
        }
        match broken {
            None if is_cut => state.fail(truncated(&state.head)),
            None => state.end(false),
            Some(mut error) => {
                if error.kind == ErrorKind::Transport {
                    error.kind = ErrorKind::Truncated;
                }
                state.fail(error);
            }
        }
        state.is_over |= state.failure.is_none();
    }
}

/// The whole answer in a body that is a stream, though none was asked for.
pub(crate) fn joined(head: &Head, body: &[u8]) -> Result<Response> {
    let mut reply = Reply::new(head.clone());
    reply.form = Form::Events;
    reply.push(body);
    reply.close(None);
    match reply.state.failure.take() {
        Some(error) => Err(error),
        None => Ok(answer::join(mem::take(&mut reply.state.events), head.report())),
    }
}

pub(crate) fn truncated(head: &Head) -> Box<Error> {
    let message = "The stream ended without a finish reason: what arrived is not the whole answer";
    let error = error::answered(ErrorKind::Truncated, ErrorOrigin::Gateway, message, head);
    let hint = "Try again. A gateway ends a stream in this way when the model provider's connection breaks.";
    error::with_hint(error, hint)
}

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
        Field::Arguments(index) => {
            Event::ToolCall(ToolCallDelta { index, id: None, name: None, arguments_fragment: text, signature: None })
        }
    }
}

/// Whether the last chunk in a text is not whole.
fn is_cut_off(text: &str) -> bool {
    let last = wire::objects(text).and_then(|chunks| chunks.last().copied()).unwrap_or(text);
    wire::Completion::parse(last).is_err()
}

fn is_done(text: &str) -> bool {
    text.trim().trim_matches(['"', '[', ']']).eq_ignore_ascii_case("DONE")
}

impl State {
    fn is_closed(&self) -> bool {
        self.is_over || self.failure.is_some()
    }

    fn fail(&mut self, error: Box<Error>) {
        self.failure.get_or_insert(error);
    }

    fn event(&mut self, event: sse::Event<'_>) {
        let data = event.data;
        if self.failure.is_some() || data.is_empty() && !event.is_error {
            return;
        }
        if !event.is_error
            && let Some((field, text)) = self.last.as_ref().and_then(|last| last.read(data))
        {
            let event = event_of(field, text);
            // A piece of arguments may be of a call of its own: then it is read below.
            let goes_on = match &event {
                Event::ToolCall(piece) => self.goes_on(piece),
                _ => true,
            };
            if goes_on {
                return self.events.push(event);
            }
        }
        self.last = None;
        let text = lossy(data);
        // Some proxies say so twice.
        let mut text = text.trim();
        while let Some(value) = text.strip_prefix("data:") {
            text = value;
        }
        let text = text.trim_start();
        if is_done(text) && !event.is_error {
            if self.after_done.is_none() {
                self.after_done = Some(0);
                self.end(true);
            }
            return;
        }
        if event.is_error && self.after_done.is_none() {
            return self.fail(error::in_event(&self.head, text.as_bytes()));
        }
        if matches!(text, "" | "null") {
            return;
        }
        self.chunk(text);
    }

    /// Whether a piece of arguments belongs to its call still. If so, it is counted.
    fn goes_on(&mut self, piece: &ToolCallDelta) -> bool {
        let call = self.calls.iter_mut().rev().find(|call| call.number == Some(piece.index));
        let Some(call) = call.filter(|call| !call.arguments.is_closed) else { return false };
        call.arguments.push(piece.arguments_fragment.as_bytes());
        true
    }

    fn chunk(&mut self, text: &str) {
        let ready = self.events.len();
        let read = wire::Completion::parse(text);
        if read.is_err() || text.starts_with('[') {
            if let Some(chunks) = wire::objects(text) {
                return chunks.into_iter().for_each(|chunk| {
                    if self.failure.is_none() {
                        self.chunk(chunk);
                    }
                });
            }
            if let Some(text) = wire::unquoted(text) {
                return self.chunk(&text);
            }
        }
        let Ok(chunk) = read else {
            if self.after_done.is_some() {
                return;
            }
            let what = "An event of the stream is not the JSON of a chunk";
            let error = error::in_words(&self.head, text.as_bytes());
            return self.fail(error.unwrap_or_else(|| error::protocol(&self.head, what, text.as_bytes())));
        };
        if let Some(results) = &chunk.hook_results {
            self.events.push(Event::GuardrailsJson(results.to_json()));
            if self.head.status == 200
                && let Some(denied) = guardrails::denied_by(results, self.after_done.is_some())
            {
                return self.fail(error::soft_deny(&self.head, &denied));
            }
        }
        if self.after_done.is_some() {
            return;
        }
        if let Some(said) = &chunk.error {
            let body = format!(r#"{{"error":{}}}"#, said.to_json());
            return self.fail(error::from_response(&self.head, body.as_bytes()));
        }
        if chunk.is_failure {
            return self.fail(error::malformed(&self.head, "The stream ended with an error", text.as_bytes()));
        }
        if chunk.choices.is_empty()
            && let Some(error) = error::in_words(&self.head, text.as_bytes())
        {
            return self.fail(error);
        }
        if let Some(usage) = chunk.usage.as_ref().and_then(answer::usage) {
            self.usage = Some(self.usage.map_or(usage, |before| answer::merged(before, usage)));
        }
        if !chunk.citations.is_empty() {
            self.citations = chunk.citations.iter().filter_map(answer::citation).collect();
        }
        self.has_choices |= chunk.has_choices;
        // Azure's first chunk holds what its filters say of the prompt, and neither of the two.
        if !chunk.choices.is_empty() && !mem::replace(&mut self.is_started, true) {
            self.is_workers_ai = chunk.model.starts_with("@cf/");
            self.quote = Vec::new();
            let (id, model) = (chunk.id.into_owned(), chunk.model.into_owned());
            self.events.push(Event::Start(ReplyStart { id, model }));
        }
        if self.provider.is_empty() {
            self.provider = chunk.provider.into_owned();
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
        for choice in chunk.choices.into_iter().filter(|choice| choice.index.or(ours) == ours) {
            self.choice(choice);
        }
        if let (Some(spelled), Some([event])) = (spelled, self.events.get(ready..)) {
            self.last = field_of(event).and_then(|field| Pattern::new(text.as_bytes(), spelled, field));
        }
    }

    fn choice(&mut self, choice: wire::Choice<'_>) {
        let delta = choice.delta.or(choice.message).unwrap_or_default();
        let is_misplaced = choice.finish_reason.is_empty() && !delta.finish_reason.is_empty() && self.reason.is_empty();
        self.delta(delta);
        // All that the gateway says where Bedrock breaks off (gateway 1.15.2, provider `bedrock`). `[DONE]` follows.
        if is_misplaced {
            let mut error = truncated(&self.head);
            error.origin = ErrorOrigin::Upstream;
            return self.fail(error);
        }
        if !choice.finish_reason.is_empty() {
            // The words of it may follow.
            self.failed = self.failed.take().or_else(|| error::failed_finish(&choice.finish_reason, &self.head));
            self.reason = choice.finish_reason.into_owned();
        }
    }

    fn delta(&mut self, mut delta: wire::Message<'_>) {
        let mut has_thinking = false;
        self.settle(delta.tool_calls.first());
        for detail in &delta.reasoning_details {
            let id = detail.text("id");
            let known = self.calls.iter().rev().take(signature::RECENT).find(|call| call.id.as_deref() == Some(&*id));
            match known.and_then(|call| call.number).filter(|_| detail.text("type") == signature::ENCRYPTED) {
                Some(index) => self.events.push(piece(index, String::new(), Some(detail.to_json()))),
                None => self.details.push(detail),
            }
        }
        // The text of the blocks comes in `content` too.
        let has_text = !delta.content.text.is_empty();
        let mut texts = String::new();
        for mut block in mem::take(&mut delta.content_blocks) {
            if let Some(thinking) = answer::block_thinking(&mut block) {
                has_thinking = true;
                // What is signed needs no name of a field.
                self.reasoning = thinking.signature.is_none().then_some(delta.reasoning_field);
                self.events.push(Event::Thinking(thinking));
            }
            if !has_text {
                texts.push_str(&block.text);
            }
            if let Some(image) = block.image {
                delta.images.push(image);
            }
            if !block.refusal.is_empty() {
                delta.refusal = block.refusal;
            }
            if let Some(call) = block.server_call {
                self.calls.push(Call { server: Some(wire::typed(&call, "server_tool_use")), ..Call::default() });
            }
            delta.others.append(&mut block.others);
        }
        if !has_thinking {
            let mut reasoning = present(delta.reasoning.text);
            if reasoning.is_none() && !delta.reasoning_details.is_empty() {
                reasoning = Details::from(&delta.reasoning_details).text();
            }
            if let Some(text) = reasoning {
                self.reasoning = Some(delta.reasoning_field);
                self.events.push(Event::Thinking(Thinking { text, signature: None }));
            }
        }
        let text = if has_text { present(delta.content.text) } else { Some(texts).filter(|text| !text.is_empty()) };
        let has_more =
            text.is_some() || !delta.refusal.is_empty() || !delta.images.is_empty() || !delta.tool_calls.is_empty();
        if has_more {
            self.end_reasoning(&delta.tool_calls);
        }
        self.events.extend(text.map(Event::Text));
        self.events.extend(present(delta.refusal).map(Event::Refusal));
        for image in &delta.images {
            match answer::picture(&self.head, image) {
                Ok(image) => self.events.push(Event::Image(image)),
                Err(error) => return self.fail(error),
            }
        }
        let are_several = delta.tool_calls.len() > 1;
        for (at, mut call) in delta.tool_calls.into_iter().enumerate() {
            // The rest of them would be looked at in vain.
            if self.failure.is_some() {
                return;
            }
            // Pieces of several without a number: their places tell.
            call.index = call.index.or(are_several.then_some(at as u64));
            self.tool_call(call);
        }
        self.events.extend(delta.others.into_iter().map(Event::Other));
    }

    /// A piece of reasoning is over, since these calls or something else follows: what must go back with it.
    fn end_reasoning(&mut self, calls: &[wire::ToolCall<'_>]) {
        for call in calls.iter().take(MAX_CALLS) {
            let own = self.details.of_call(&call.id);
            self.encrypted.extend(own.map(|detail| (call.id.clone().into_owned(), detail)));
        }
        let field = self.reasoning.take().flatten();
        if let Some(signature) = self.details.signature().or_else(|| field.map(ToOwned::to_owned)) {
            self.events.push(Event::Thinking(Thinking { text: String::new(), signature: Some(signature) }));
        }
    }

    /// One piece of one call.
    fn tool_call(&mut self, call: wire::ToolCall<'_>) {
        if let Some(other) = call.other {
            return self.events.push(Event::Other(other));
        }
        self.settle(Some(&call));
        let at = self.place(&call).unwrap_or(self.calls.len());
        if at >= MAX_CALLS {
            let what = format!("The answer holds more than {MAX_CALLS} tool calls");
            return self.fail(error::protocol(&self.head, &what, b"..."));
        }
        if at == self.calls.len() {
            self.calls.push(Call { index: call.index, ..Call::default() });
        }
        let Some(known) = self.calls.get_mut(at) else { return };
        let mut signature = signature::of_call(call.thought_signature, call.google_signature);
        let mut fragment = call.arguments.text.into_owned();
        // Some repeat a call once it is there.
        if known.arguments.is_closed && known.number.is_some() && !fragment.trim().is_empty() {
            return;
        }
        known.arguments.push(fragment.as_bytes());
        known.id = known.id.take().or_else(|| present(call.id));
        if known.name.is_empty() {
            known.name = call.name.into_owned();
        }
        if let Some(index) = known.number {
            if !fragment.is_empty() || signature.is_some() {
                self.events.push(piece(index, fragment, signature));
            }
            return;
        }
        known.held.push_str(&mem::take(&mut fragment));
        known.signature = signature.take().or(known.signature.take());
        if known.held == "{}" {
            self.waiting = Some(at);
        } else if !known.name.is_empty() {
            self.announce(at);
        }
    }

    /// A call that began with empty arguments is what it seems, unless its next piece begins them: some write the empty
    /// input of Claude's first event (BerriAI/litellm#4537).
    fn settle(&mut self, next: Option<&wire::ToolCall<'_>>) {
        let Some(at) = self.waiting.take() else { return };
        let Some(known) = self.calls.get_mut(at) else { return };
        let goes_on = |next: &&wire::ToolCall<'_>| {
            let has_its_id = next.id.is_empty() || known.id.as_deref() == Some(&*next.id);
            next.name.is_empty() && has_its_id && next.index == known.index
        };
        match next.filter(goes_on).map(|next| next.arguments.text.trim_start()) {
            Some("") => return self.waiting = Some(at),
            Some(arguments) if arguments.starts_with('{') => (known.held, known.arguments) = Default::default(),
            _ => {}
        }
        self.announce(at);
    }

    /// The first event of a call.
    fn announce(&mut self, at: usize) {
        let Some(known) = self.calls.get_mut(at).filter(|known| !known.name.is_empty()) else { return };
        let index = self.announced;
        self.announced += 1;
        known.number = Some(index);
        let id = known.id.clone().unwrap_or_else(|| answer::call_id(index as usize));
        let own = self.encrypted.iter().position(|(of, _)| *of == id).map(|at| self.encrypted.swap_remove(at).1);
        self.events.push(Event::ToolCall(ToolCallDelta {
            index,
            id: Some(id),
            name: Some(known.name.clone()),
            arguments_fragment: mem::take(&mut known.held),
            signature: known.signature.take().or(own),
        }));
    }

    /// Which call a piece belongs to; `None` where it begins one.
    ///
    /// OpenAI numbers calls, and names each in its first piece. Some providers leave the number out, give each call the
    /// number 0 (gateway issues 1275 and 1537), or each piece another, leave the id out, send another with each piece, give
    /// the same to all, or say the name late or each time. So a piece that has no name goes on with a call, and one that has a name begins
    /// one, unless the call that it seems to be of waits for its name or is the same and not at its end.
    fn place(&self, call: &wire::ToolCall<'_>) -> Option<usize> {
        let id = Some(&*call.id).filter(|id| !id.is_empty());
        let has_name = !call.name.is_empty();
        let last = self.calls.len().checked_sub(1);
        // A provider's own tool gets a number that it shares with a call, or none.
        if let Some(known) = self.calls.last()
            && known.server.is_some()
            && !has_name
            && id.is_none()
            && !known.arguments.is_closed
        {
            return last;
        }
        let by = |is_it: &dyn Fn(&Call) -> bool| self.calls.iter().rposition(is_it);
        let has_id = |known: &Call| id.is_some() && known.id.as_deref() == id;
        let has_index = |known: &Call| call.index.is_some() && known.index == call.index;
        let at = by(&|known| has_id(known) && has_index(known))
            .or_else(|| by(&has_id))
            .or_else(|| call.index.and_then(|_| by(&has_index)))
            .or_else(|| last.filter(|_| call.index.is_none() || (id.is_none() && !has_name && self.is_last_open())))?;
        let known = self.calls.get(at)?;
        let is_closed = known.arguments.is_closed;
        let goes_on = if has_id(known) {
            // One id for all calls.
            let is_other = call.index.is_some() && known.index.is_some() && !has_index(known);
            !(has_name && is_closed && (is_other || known.name != call.name))
        } else if !has_name {
            if is_closed && !call.arguments.text.trim().is_empty() {
                // It can only be of a call without a name.
                return last.filter(|&at| {
                    self.calls.get(at).is_some_and(|last| last.name.is_empty() && !last.arguments.is_closed)
                });
            }
            id.is_none() || call.index.is_some() || !is_closed
        } else if known.name.is_empty() {
            known.server.is_none() && (id.is_none() || known.id.is_none())
        } else {
            // The same name once more, and an id that was not there before, or arguments that go on.
            let goes_on = has_index(known) && !call.arguments.text.is_empty();
            known.name == call.name && !is_closed && (id.is_none() || known.id.is_none() || goes_on)
        };
        goes_on.then_some(at)
    }

    fn is_last_open(&self) -> bool {
        self.calls.last().is_some_and(|last| !last.arguments.is_closed)
    }

    /// The stream is over, in order: by `[DONE]`, or by the end of the body. It is an answer if all of it was
    /// understood as one.
    fn end(&mut self, is_done: bool) {
        if let Some(error) = self.failed.take() {
            return self.fail(error);
        }
        if !self.is_started {
            let error = self.nothing(is_done);
            return self.fail(error);
        }
        self.settle(None);
        // Workers AI's streams never have a reason (gateway 1.15.2).
        let is_workers_ai = self.is_workers_ai
            || self.provider == WORKERS_AI
            || self.head.get("x-portkey-provider") == Some(WORKERS_AI);
        let is_cut = self.calls.iter().any(|call| call.number.is_some() && call.arguments.is_open());
        if self.reason.is_empty() && !(is_done && is_workers_ai) || is_cut && answer::is_stop(&self.reason) {
            return self.fail(truncated(&self.head));
        }
        let reason = answer::finish_reason(&self.reason, self.announced > 0);
        if reason == FinishReason::ToolCalls && self.announced == 0 {
            let what = "The model calls a tool, and the answer does not say which";
            return self.fail(error::protocol(&self.head, what, self.reason.as_bytes()));
        }
        self.end_reasoning(&[]);
        for call in self.calls.drain(..).filter(|call| call.number.is_none()) {
            let other = call.server.map(|block| signature::with_input(&block, &call.held));
            let other = other.or_else(|| signature::nameless(call.id.as_deref().unwrap_or_default(), &call.held));
            self.events.extend(other.map(Event::Other));
        }
        self.events.extend(mem::take(&mut self.citations).into_iter().map(Event::Other));
        self.events.push(Event::Finish(reason));
        // Usage goes out once, with the end: before that a gateway may still correct it.
        self.events.extend(self.usage.take().map(Event::Usage));
    }

    /// The error of a body in which no choice came.
    fn nothing(&self, is_done: bool) -> Box<Error> {
        if self.has_choices {
            return error::no_choice(&self.head, &self.provider, &self.quote);
        }
        let start = self.quote.trim_ascii();
        let is_events = [&b"data"[..], b"event", b"id", b"retry", b":"].iter().any(|field| start.starts_with(field));
        // It may be cut anywhere.
        if is_done || is_events || b"data".starts_with(start) && !(start.is_empty() && self.head.is_document()) {
            return truncated(&self.head);
        }
        error::malformed(&self.head, "The answer is no stream of events", start)
    }
}

/// The gateway's name for the provider whose streams have no finish reason.
const WORKERS_AI: &str = "workers-ai";

/// More of the call with this number.
fn piece(index: u32, arguments_fragment: String, signature: Option<String>) -> Event {
    Event::ToolCall(ToolCallDelta { index, id: None, name: None, arguments_fragment, signature })
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    fn head() -> Head {
        Head { status: 200, headers: vec![("x-portkey-trace-id".to_owned(), "t".to_owned())] }
    }

    /// All events of a stream that comes in these pieces, and the error at its end.
    fn read(pieces: &[&[u8]], broken: Option<Box<Error>>) -> (Vec<Event>, Option<Box<Error>>) {
        let mut reply = Reply::new(head());
        for piece in pieces {
            reply.push(piece);
        }
        reply.close(broken);
        let mut events = Vec::new();
        loop {
            match reply.take().expect("a closed reply needs no more bytes") {
                Ok(batch) if batch.is_empty() => return (events, None),
                Ok(batch) => events.extend(batch),
                Err(error) => {
                    assert_eq!(reply.take(), Some(Ok(Vec::new())), "nothing comes after an error");
                    return (events, Some(error));
                }
            }
        }
    }

    fn stream(chunks: &[&str]) -> String {
        chunks.iter().map(|chunk| format!("data: {chunk}\n\n")).collect()
    }

    fn events(chunks: &[&str]) -> Vec<Event> {
        let (events, error) = read(&[stream(chunks).as_bytes()], None);
        assert_eq!(error, None);
        events
    }

    /// A chunk with this delta.
    fn delta(delta: &str) -> String {
        format!(r#"{{"id":"c","model":"m","choices":[{{"index":0,"delta":{delta},"finish_reason":null}}]}}"#)
    }

    const STOP: &str = r#"{"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#;
    const DONE: &str = "[DONE]";

    fn start() -> Event {
        Event::Start(ReplyStart { id: "c".into(), model: "m".into() })
    }

    fn text(text: &str) -> Event {
        Event::Text(text.into())
    }

    fn refusal(text: &str) -> Event {
        Event::Refusal(text.into())
    }

    fn thinking(text: &str, signature: Option<&str>) -> Event {
        Event::Thinking(Thinking { text: text.into(), signature: signature.map(Into::into) })
    }

    fn call(index: u32, first: Option<(&str, &str)>, arguments: &str) -> Event {
        let (id, name) = first.map(|(id, name)| (id.to_owned(), name.to_owned())).unzip();
        Event::ToolCall(ToolCallDelta { index, id, name, arguments_fragment: arguments.into(), signature: None })
    }

    fn used(input_tokens: u64, output_tokens: u64) -> Event {
        Event::Usage(Usage {
            input_tokens,
            output_tokens,
            cache_read_tokens: None,
            cache_write_tokens: None,
            reasoning_tokens: None,
        })
    }

    /// The events after the start, of deltas before a proper end.
    fn of_deltas(deltas: &[&str]) -> Vec<Event> {
        let mut chunks: Vec<String> = deltas.iter().map(|json| delta(json)).collect();
        // With another reason a call that is open is a cut.
        chunks.extend([STOP.replace("stop", "length"), DONE.to_owned()]);
        let mut events = events(&chunks.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(events.remove(0), start());
        assert!(matches!(events.pop(), Some(Event::Finish(_))));
        events
    }

    #[test]
    fn text_start_finish_and_usage() {
        let chunks = [
            &delta(r#"{"role":"assistant","content":""}"#),
            &delta(r#"{"content":"Hé"}"#),
            &delta(r#"{"content":"llo","refusal":"!"}"#),
            STOP,
            r#"{"id":"c","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7}}"#,
            DONE,
        ];
        let expected = [start(), text("Hé"), text("llo"), refusal("!"), Event::Finish(FinishReason::Stop), used(3, 4)];
        assert_eq!(events(&chunks), expected);
        // Whatever the split.
        let bytes = stream(&chunks).replace('\n', "\r\n").into_bytes();
        for at in 0..bytes.len() {
            assert_eq!(read(&[&bytes[..at], &bytes[at..]], None), (expected.to_vec(), None), "split at {at}");
        }
    }

    /// Of gateway 1.15.2, as it wrote them for providers that failed, or spoke in an odd way.
    #[test]
    fn what_the_gateway_makes_of_odd_streams() {
        let answer = delta(r#"{"content":"The answer is"}"#);
        let bedrock_failed = r#"{"id":"c","model":"m","provider":"bedrock","choices":[{"index":0,"delta":{"role":"assistant","finish_reason":"stop"}}]}"#;
        let (given, error) = read(&[stream(&[&answer, bedrock_failed, DONE]).as_bytes()], None);
        let error = error.unwrap();
        assert_eq!(given, [start(), text("The answer is")]);
        assert_eq!((error.kind, error.origin), (ErrorKind::Truncated, ErrorOrigin::Upstream));

        let (given, error) = read(&[stream(&[DONE]).as_bytes()], None);
        assert_eq!((given, error.unwrap().kind), (vec![], ErrorKind::Truncated));
        // Workers AI gives no reason; for all others it is a cut.
        let workers_ai = answer.replacen('{', r#"{"provider":"workers-ai","#, 1);
        let finish = Event::Finish(FinishReason::Stop);
        assert_eq!(events(&[&workers_ai, DONE]), [start(), text("The answer is"), finish]);
        assert_eq!(read(&[stream(&[&answer, DONE]).as_bytes()], None).1.unwrap().kind, ErrorKind::Truncated);

        let google = r#"{"tool_calls":[{"index":0,"id":"i","function":{"name":"n","arguments":"{}"}},null]}"#;
        assert_eq!(of_deltas(&[google]), [call(0, Some(("i", "n")), "{}")]);

        let azure = r#"{"choices":[],"created":0,"id":"","model":"","prompt_filter_results":[{"prompt_index":0}]}"#;
        let finish = Event::Finish(FinishReason::Stop);
        assert_eq!(events(&[azure, &answer, STOP, DONE]), [start(), text("The answer is"), finish]);
    }

    /// A chunk like the one before is not read as JSON; one that only seems so is.
    #[test]
    fn chunks_that_differ_in_their_text_alone() {
        let content = |json: &str| delta(&format!(r#"{{"content":{json}}}"#));
        for (second, expected) in [
            (r#""b""#, vec![text("b")]),
            (r#""h\u00e9""#, vec![text("hé")]),
            (r#""\"\\""#, vec![text("\"\\")]),
            (r#""\\","refusal":"\"""#, vec![text("\\"), refusal("\"")]),
            (r#""x\ud800""#, vec![text("x\u{fffd}")]),
            (r#""é\n""#, vec![text("é\n")]),
            (r#""""#, vec![]),
            ("null", vec![]),
            ("7", vec![text("7")]),
            (r#""b","content":"c""#, vec![text("c")]),
            (r#""b","refusal":"c""#, vec![text("b"), refusal("c")]),
            (r#""","refusal":"c""#, vec![refusal("c")]),
            (r#""b","reasoning":"c""#, vec![thinking("c", None), thinking("", Some("reasoning")), text("b")]),
            (
                r#""b","tool_calls":[{"index":0,"id":"i","function":{"name":"n"}}]"#,
                vec![text("b"), call(0, Some(("i", "n")), "")],
            ),
        ] {
            let chunks = [&content(r#""-""#), &content(r#""a""#), &content(second), &content(r#""a""#), STOP, DONE];
            let expected = [vec![start(), text("-"), text("a")], expected, vec![text("a")]].concat();
            let mut events = events(&chunks);
            assert!(matches!(events.pop(), Some(Event::Finish(_))));
            assert_eq!(events, expected, "{second}");
        }
        // A time that changes, and what is none.
        for (created, is_json) in [
            ("2", true),
            ("0", true),
            ("17", true),
            ("null", true),
            ("-1", true),
            ("1.5", true),
            ("01", false),
            ("", false),
        ] {
            let timed = |text: &str, created: &str| {
                delta(&format!(r#"{{"content":"{text}"}}"#)).replacen('{', &format!(r#"{{"created":{created},"#), 1)
            };
            let (given, error) = read(
                &[stream(&[&timed("a", "1"), &timed("b", "1"), &timed("c", created), &timed("d", "1"), STOP, DONE])
                    .as_bytes()],
                None,
            );
            assert_eq!(
                (given.contains(&text("c")), given.contains(&text("d")), error.is_none()),
                (is_json, is_json, is_json),
                "{created}"
            );
        }
        // OpenAI's noise at the end, and what looks like it.
        let noisy = |json: &str, noise: &str| content(json).replace("}]}", &format!(r#"}}],"obfuscation":{noise}}}"#));
        let chunks = [&noisy(r#""a""#, r#""x""#), &noisy(r#""b""#, r#""y z""#), &noisy(r#""c""#, r#""""#)];
        let [text_b, text_c] = [text("b"), text("c")];
        assert_eq!(events(&[chunks[0], chunks[1], chunks[2], STOP, DONE])[1..4], [text("a"), text_b, text_c]);
        let chunks = [chunks[0], chunks[0], &noisy(r#""b""#, r#""\"}""#), &noisy(r#""c""#, r#""","error":"no""#)];
        let (given, error) = read(&[stream(&chunks.map(String::as_str)).as_bytes()], None);
        assert_eq!((given, error.unwrap().message.as_str()), (vec![start(), text("a"), text("a"), text("b")], "no"));
        for noise in [r#""\x""#, r#""\u12""#, "\"\\n\u{1}\"", "\"\u{1}\""] {
            let chunks = [&*noisy(r#""a""#, r#""x""#), &noisy(r#""a""#, r#""x""#), &noisy(r#""b""#, noise)];
            let (events, error) = read(&[stream(&chunks).as_bytes()], None);
            let expected = (vec![start(), text("a"), text("a")], ErrorKind::Protocol);
            assert_eq!((events, error.unwrap().kind), expected, "{noise}");
        }
        // What is no JSON is none here either.
        for second in [&b"\"\x01\""[..], b"\"a\"b\"", b"\"a\\\"", b"\"\\n\x01\"", b"\"\\x\""] {
            let bytes = stream(&[&content(r#""a""#), &content(r#""a""#)]).into_bytes();
            let third = stream(&[&content("?")]).into_bytes();
            let at = third.iter().position(|&byte| byte == b'?').unwrap();
            let (events, error) = read(&[&bytes, &third[..at], second, &third[at + 1..]], None);
            assert_eq!((events, error.unwrap().kind), (vec![start(), text("a"), text("a")], ErrorKind::Protocol));
        }
        // Usage that comes with text counts each time, and a guardrail's result is given each time.
        let with = |more: &str| content(r#""a""#).replacen('{', &format!("{{{more},"), 1);
        let usage = with(r#""usage":{"prompt_tokens":3,"completion_tokens":4}"#);
        let other = with(r#""usage":{"prompt_tokens":5,"completion_tokens":6}"#);
        let chunks = [&usage, &usage, &other, &usage, &usage, STOP, DONE];
        assert_eq!(events(&chunks).last(), Some(&used(3, 4)));
        let hooks = with(r#""hook_results":{"a":1}"#);
        let results = events(&[&hooks, &hooks, &hooks, STOP, DONE]);
        assert_eq!(results.iter().filter(|event| matches!(event, Event::GuardrailsJson(_))).count(), 3);
    }

    #[test]
    fn chunks_that_differ_in_a_piece_of_reasoning_or_arguments_alone() {
        let reasoning = |text: &str| format!(r#"{{"content":"","reasoning_content":{text}}}"#);
        let block = |text: &str| format!(r#"{{"reasoning":"r","content_blocks":[{{"delta":{{"thinking":{text}}}}}]}}"#);
        for (field, delta) in [("reasoning_content", &reasoning as &dyn Fn(&str) -> String), ("reasoning", &block)] {
            let deltas = [r#""a""#, r#""b""#, r#""\n""#, r#""c""#].map(delta);
            let mut expected = ["a", "b", "\n", "c"].map(|text| thinking(text, None)).to_vec();
            expected.push(thinking("", Some(field)));
            assert_eq!(of_deltas(&deltas.each_ref().map(String::as_str)), expected);
        }
        let first = r#"{"tool_calls":[{"index":1,"id":"i","function":{"name":"n","arguments":"{"}}]}"#;
        let other = r#"{"tool_calls":[{"index":0,"id":"j","function":{"name":"n","arguments":"{"}}]}"#;
        let piece = |text: &str| format!(r#"{{"tool_calls":[{{"index":1,"function":{{"arguments":{text}}}}}]}}"#);
        let [a, b, none, number] = [r#""a""#, r#""\"b\"""#, r#""""#, "7"].map(piece);
        let deltas = [first, &a, &a, &b, &none, &a, &number, &a, other, &a, &a].map(|delta: &str| delta);
        let expected = [
            call(0, Some(("i", "n")), "{"),
            call(0, None, "a"),
            call(0, None, "a"),
            call(0, None, "\"b\""),
            call(0, None, "a"),
            call(0, None, "7"),
            call(0, None, "a"),
            call(1, Some(("j", "n")), "{"),
            call(0, None, "a"),
            call(0, None, "a"),
        ];
        assert_eq!(of_deltas(&deltas), expected);
        // Without a number and an id a piece is of the last call, whichever that is.
        let piece = r#"{"tool_calls":[{"function":{"arguments":"a"}}]}"#;
        let pieces = of_deltas(&[first, piece, piece, other, piece, piece]);
        assert_eq!(pieces[1..3], [call(0, None, "a"), call(0, None, "a")]);
        assert_eq!(pieces[4..], [call(1, None, "a"), call(1, None, "a")]);
    }

    /// Whatever the chunks are like, they give what they give where one without effect stands between them.
    #[test]
    fn chunks_that_are_alike_in_other_ways() {
        let chunk = |delta: &str| format!(r#"{{"choices":[{{"delta":{delta}}}]}}"#);
        let calls = r#"{"tool_calls":[{"index":0,"id":"i","function":{"name":"n"}},{"index":1,"id":"j","function":{"name":"n"}}]}"#;
        for delta in [
            r#"{"content":?}"#,
            r#"{"content":?,"refusal":"c"}"#,
            r#"{"content":?,"reasoning":"c"}"#,
            r#"{"content":"c","reasoning":?}"#,
            r#"{"reasoning_content":?,"reasoning":"a"}"#,
            r#"{"reasoning_content":"a","reasoning":?}"#,
            r#"{"reasoning_content":"","reasoning":?}"#,
            r#"{"reasoning_content":7,"reasoning":?}"#,
            r#"{"content_blocks":[{"delta":{"thinking":?,"signature":"s"}}]}"#,
            r#"{"content_blocks":[{"delta":{"thinking":"a","signature":?}}]}"#,
            r#"{"reasoning":?,"content_blocks":[{"delta":{"thinking":"a"}}]}"#,
            r#"{"reasoning":"a","content_blocks":[{"delta":{"thinking":?}}]}"#,
            r#"{"reasoning":?,"content_blocks":[{"delta":{"thinking":7}}]}"#,
            r#"{"reasoning":?,"content_blocks":[{"delta":{"thinking":""}},{"delta":{"thinking":"a"}}]}"#,
            r#"{"content_blocks":[{"delta":{"thinking":?}},{"delta":{"thinking":""}}]}"#,
            r#"{"tool_calls":[{"index":0,"function":{"arguments":?}}]}"#,
            r#"{"tool_calls":[{"index":0,"function":{"arguments":?,"thought_signature":"s"}}]}"#,
            r#"{"tool_calls":[{"index":0,"function":{"arguments":?}},{"index":1,"function":{"arguments":""}}]}"#,
            r#"{"tool_calls":[{"index":0,"function":{"arguments":""}},{"index":1,"function":{"arguments":?}}]}"#,
            r#"{"content":7,"refusal":"","reasoning":?}"#,
            r#"{"content":[{"text":"a"}],"reasoning_content":?,"content_blocks":[{"delta":{"data":""}}]}"#,
            r#"{"content":?}},{"delta":{"refusal":"a"}"#,
            r#"{"content":?},"index":1},{"delta":{"content":"a"}"#,
            r#"{"content":"a"}},{"index":1,"delta":{"content":?}"#,
        ] {
            let texts = [r#""a""#, r#""a""#, r#""b\n""#, r#""""#, r#""b""#, "7", r#""b""#];
            let mut chunks = vec![chunk(calls)];
            chunks.extend(texts.map(|text| chunk(&delta.replace('?', text))));
            chunks.extend([STOP.to_owned(), DONE.to_owned()]);
            let chunks: Vec<&str> = chunks.iter().map(String::as_str).collect();
            let apart: Vec<&str> = chunks.iter().flat_map(|chunk| [*chunk, r#"{"choices":[]}"#]).collect();
            assert_eq!(events(&chunks), events(&apart), "{delta}");
        }
    }

    #[test]
    fn events_come_with_the_bytes_that_complete_them() {
        let mut reply = Reply::new(head());
        assert_eq!(reply.take(), None);
        reply.push(b"data: ");
        assert_eq!(reply.take(), None);
        reply.push(
            format!("{}\n\n: hi\n\ndata: {}\n\n", delta(r#"{"content":"a"}"#), delta(r#"{"content":"b"}"#)).as_bytes(),
        );
        assert_eq!(reply.take(), Some(Ok(vec![start(), text("a"), text("b")])), "one batch a read");
        assert_eq!(reply.take(), None);
    }

    #[test]
    fn reasoning_in_each_of_its_forms() {
        assert_eq!(
            of_deltas(&[r#"{"reasoning_content":"a"}"#, r#"{"reasoning":"b"}"#]),
            [thinking("a", None), thinking("b", None), thinking("", Some("reasoning"))]
        );
        assert_eq!(
            of_deltas(&[r#"{"reasoning_content":"a","reasoning":"a"}"#, r#"{"content":"x"}"#, r#"{"reasoning":"b"}"#]),
            [
                thinking("a", None),
                thinking("", Some("reasoning_content")),
                text("x"),
                thinking("b", None),
                thinking("", Some("reasoning")),
            ]
        );
        // OpenRouter's details, in pieces; those that are encrypted may belong to a call.
        let piece = |text: &str| {
            format!(
                r#"{{"reasoning":"{text}","reasoning_details":[{{"type":"reasoning.text","text":"{text}","index":0}}]}}"#
            )
        };
        let own = r#"{"type":"reasoning.encrypted","data":"SIG","id":"a"}"#;
        let called = format!(
            r#"{{"reasoning_details":[{own}],"tool_calls":[{{"index":0,"id":"a","function":{{"name":"f","arguments":"{{}}"}}}}]}}"#
        );
        let mut with_own = call(0, Some(("a", "f")), "{}");
        if let Event::ToolCall(delta) = &mut with_own {
            delta.signature = Some(own.into());
        }
        let details = r#"reasoning_details:[{"type":"reasoning.text","text":"hm","index":0}]"#;
        assert_eq!(
            of_deltas(&[&piece("h"), &piece("m"), &called]),
            [thinking("h", None), thinking("m", None), thinking("", Some(details)), with_own]
        );
        let late = format!(r#"{{"reasoning_details":[{own}]}}"#);
        let calls = r#"{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}}]}"#;
        let Some(Event::ToolCall(delta)) = of_deltas(&[calls, &late]).pop() else { panic!("a call") };
        assert_eq!((delta.index, delta.signature.as_deref()), (0, Some(own)));
        // Portkey's blocks: the text comes in `content` as well, the start of a block is empty.
        assert_eq!(
            of_deltas(&[
                r#"{"content_blocks":[{"index":0,"delta":{"thinking":"","signature":""}}]}"#,
                r#"{"content_blocks":[{"index":0,"delta":{"thinking":"hm"}}]}"#,
                r#"{"content_blocks":[{"index":0,"delta":{"signature":"s"}}]}"#,
                r#"{"content_blocks":[{"index":1,"delta":{"data":"d"}}]}"#,
                r#"{"content":"x","content_blocks":[{"index":2,"delta":{"text":"x"}}]}"#,
            ]),
            [thinking("hm", None), thinking("", Some("s")), thinking("", Some("redacted_thinking:d")), text("x")]
        );
    }

    #[test]
    fn tool_calls_interleave_by_index() {
        assert_eq!(
            of_deltas(&[
                r#"{"tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"f","arguments":""}}]}"#,
                r#"{"tool_calls":[{"index":1,"id":"b","type":"function","function":{"name":"g","arguments":"{"}}]}"#,
                r#"{"tool_calls":[{"index":0,"function":{"arguments":"{}"}},{"index":1,"function":{"arguments":"}"}}]}"#,
                r#"{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":null}}]}"#,
            ]),
            [call(0, Some(("a", "f")), ""), call(1, Some(("b", "g")), "{"), call(0, None, "{}"), call(1, None, "}")]
        );
    }

    #[test]
    fn tool_calls_without_or_with_wrong_numbers() {
        let expected = [call(0, Some(("a", "f")), "{}"), call(1, Some(("b", "g")), "{"), call(1, None, "}")];
        assert_eq!(
            of_deltas(&[
                r#"{"tool_calls":[{"id":"a","function":{"name":"f","arguments":"{}"}},{"id":"b","function":{"name":"g","arguments":"{"}}]}"#,
                r#"{"tool_calls":[{"function":{"arguments":"}"}}]}"#,
            ]),
            expected
        );
        // Each call has the number 0.
        assert_eq!(
            of_deltas(&[
                r#"{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":{}}}]}"#,
                r#"{"tool_calls":[{"index":0,"id":"b","function":{"name":"g","arguments":"{"}}]}"#,
                r#"{"tool_calls":[{"index":0,"function":{"arguments":"}"}}]}"#,
            ]),
            expected
        );
        // Numbers from 1, and no id at all.
        assert_eq!(
            of_deltas(&[r#"{"tool_calls":[{"index":1,"function":{"name":"f","arguments":"{}"}}]}"#]),
            [call(0, Some(("call_0", "f")), "{}")]
        );
    }

    #[test]
    fn thought_signatures() {
        let of = |json: &str| match of_deltas(&[json]).pop() {
            Some(Event::ToolCall(delta)) => delta.signature,
            _ => None,
        };
        assert_eq!(
            of(r#"{"tool_calls":[{"id":"a","function":{"name":"f","thought_signature":"s"}}]}"#).as_deref(),
            Some("s")
        );
        assert_eq!(
            of(r#"{"tool_calls":[{"id":"a","function":{"name":"f"},"extra_content":{"google":{"thought_signature":"s"}}}]}"#).as_deref(),
            Some("extra_content.google:s")
        );
    }

    #[test]
    fn a_turn_of_tool_calls_that_stops_waits_for_their_results() {
        let events = events(&[
            &delta(r#"{"tool_calls":[{"id":"a","function":{"name":"f","arguments":"{}"}}]}"#),
            STOP,
            STOP,
            DONE,
        ]);
        assert_eq!(events.last(), Some(&Event::Finish(FinishReason::ToolCalls)));
        assert_eq!(
            events.iter().filter(|event| matches!(event, Event::Finish(_))).count(),
            1,
            "a repeated reason counts once"
        );
    }

    #[test]
    fn the_last_usage_counts_and_comes_once() {
        let with_usage = |usage: &str| {
            format!(r#"{{"id":"c","model":"m","choices":[{{"delta":{{}},"finish_reason":"stop"}}],"usage":{usage}}}"#)
        };
        let one = with_usage(r#"{"prompt_tokens":1,"completion_tokens":1}"#);
        let two = with_usage(r#"{"prompt_tokens":1,"completion_tokens":2}"#);
        let finish = Event::Finish(FinishReason::Stop);
        assert_eq!(events(&[&one, &two, &with_usage("null"), DONE]), [start(), finish.clone(), used(1, 2)]);
        assert_eq!(events(&[&one]), [start(), finish.clone(), used(1, 1)], "a stream without [DONE] too");
        // In parts, and with a count that is none.
        let (first, last) = (r#"{"prompt_tokens":3,"total_tokens":3}"#, r#"{"completion_tokens":2}"#);
        assert_eq!(events(&[&with_usage(first), &with_usage(last)]), [start(), finish.clone(), used(3, 2)]);
        let huge = format!(r#"{{"prompt_tokens":{},"completion_tokens":1}}"#, u64::MAX);
        assert_eq!(events(&[&with_usage(&huge)]), [start(), finish.clone(), used(u64::MAX, 1)]);
        let cached = r#"{"choices":[],"usage":{"completion_tokens":7}}"#;
        assert_eq!(events(&[&with_usage("null"), cached, DONE]), [start(), finish, used(0, 7)]);
    }

    #[test]
    fn guardrail_results_first_and_after_the_end() {
        let hooks = r#"{"hook_results":{"a": 1}}"#;
        let results = Event::GuardrailsJson(r#"{"a": 1}"#.into());
        let got = events(&[hooks, &delta(r#"{"content":"x"}"#), STOP, DONE, hooks]);
        assert_eq!(got, [results.clone(), start(), text("x"), Event::Finish(FinishReason::Stop), results.clone()]);
        // Cut off before its blank line.
        let (got, error) = read(&[stream(&[&delta("{}"), STOP, DONE]).as_bytes(), b"data: ", hooks.as_bytes()], None);
        assert_eq!((got.last(), error), (Some(&results), None));
    }

    #[test]
    fn nothing_but_guardrail_results_counts_after_the_end() {
        let got = events(&[
            &delta("{}"),
            STOP,
            DONE,
            &delta(r#"{"content":"late"}"#),
            "not json",
            r#"{"error":{"message":"late"}}"#,
        ]);
        assert_eq!(got, [start(), Event::Finish(FinishReason::Stop)]);
    }

    #[test]
    fn the_wait_after_the_end_is_bounded() {
        let mut reply = Reply::new(head());
        reply.push(stream(&[&delta("{}"), STOP, DONE]).as_bytes());
        reply.take();
        let comment = vec![b':'; 1024];
        let mut reads = 0;
        while !reply.is_over() {
            reply.push(&comment);
            reply.push(b"\n");
            reads += 1;
            assert!(reads < 2000);
        }
        assert_eq!(reply.take(), Some(Ok(Vec::new())));
    }

    #[test]
    fn a_stream_that_stops_early_is_truncated() {
        let chunk = delta(r#"{"content":"x"}"#);
        for end in ["", "data: {\"id\":\"c\",\"cho", ": bye\n\n"] {
            let (got, error) = read(&[stream(&[&chunk]).as_bytes(), end.as_bytes()], None);
            let error = error.unwrap();
            assert_eq!(got, [start(), text("x")], "what came before counts");
            assert_eq!(
                (error.kind, error.origin, error.trace_id.as_deref()),
                (ErrorKind::Truncated, ErrorOrigin::Gateway, Some("t")),
                "{end}"
            );
        }
        assert_eq!(read(&[], None).1.unwrap().kind, ErrorKind::Truncated);
    }

    #[test]
    fn a_connection_that_breaks() {
        let broken = |kind| Some(error::new(kind, ErrorOrigin::Network, "x", true));
        let chunk = stream(&[&delta(r#"{"content":"x"}"#)]);
        let error = read(&[chunk.as_bytes()], broken(ErrorKind::Transport)).1.unwrap();
        assert_eq!((error.kind, error.origin), (ErrorKind::Truncated, ErrorOrigin::Network));
        assert_eq!(read(&[chunk.as_bytes()], broken(ErrorKind::Timeout)).1.unwrap().kind, ErrorKind::Timeout);
        let complete = stream(&[&delta("{}"), STOP]);
        let error = read(&[complete.as_bytes()], broken(ErrorKind::Transport)).1.unwrap();
        assert_eq!(error.kind, ErrorKind::Truncated, "the reason may be an early one");
        let done = stream(&[&delta("{}"), STOP, DONE]);
        assert_eq!(read(&[done.as_bytes()], broken(ErrorKind::Transport)).1, None, "the answer is whole");
    }

    #[test]
    fn an_error_event_midway() {
        let (got, error) = read(
            &[stream(&[
                &delta(r#"{"content":"x"}"#),
                r#"{"error":{"message":"openai error: boom","type":"server_error"},"provider":"openai"}"#,
                DONE,
            ])
            .as_bytes()],
            None,
        );
        let error = error.unwrap();
        assert_eq!(got, [start(), text("x")]);
        assert_eq!((error.origin, error.message.as_str()), (ErrorOrigin::Upstream, "openai error: boom"));
        let (_, error) =
            read(&[stream(&[r#"{"status":"failure","message":"Invalid config passed"}"#]).as_bytes()], None);
        assert_eq!(error.unwrap().kind, ErrorKind::InvalidConfig);
        let overloaded = r#"{"choices":[{"finish_reason":"overloaded_error","delta":{"content":""}}]}"#;
        let (_, error) = read(&[stream(&[overloaded, DONE]).as_bytes()], None);
        assert_eq!(error.unwrap().kind, ErrorKind::Overloaded);
    }

    /// Streams of public bug reports that seemed a success, each named by its report.
    #[test]
    fn errors_that_seemed_a_success() {
        let hello = format!("data: {}\n\n", delta(r#"{"content":"Hel"}"#));
        let done = "data: [DONE]\n\n";
        let choice = |choice: &str| format!("data: {{\"choices\":[{{\"index\":0,\"delta\":{{}},{choice}}}]}}\n\n");
        let blocked = "data: {\"choices\":[],\"provider\":\"google\"}\n\n".to_owned();
        for (report, rest, kind, words) in [
            (
                "llama.cpp#16109",
                r#"error: {"code":500,"message":"the request exceeds the available context size","type":"server_error"}"#.to_owned() + "\n\n",
                ErrorKind::InvalidRequest,
                "context size",
            ),
            (
                "openai-python#2487",
                "event: error\ndata: {\"type\":\"error\",\"code\":\"ERR_X\",\"message\":\"engine went away\"}\n\n".to_owned(),
                ErrorKind::Other,
                "engine went away",
            ),
            (
                "bifrost#7249",
                r#"data: {"choices":null,"base_resp":{"status_code":1008,"status_msg":"insufficient balance"}}"#.to_owned() + "\n\n",
                ErrorKind::QuotaExceeded,
                "insufficient balance",
            ),
            ("vllm#57082", choice(r#""finish_reason":"abort""#), ErrorKind::Truncated, "abort"),
            (
                "genkit#6259",
                choice(r#""finish_reason":"error","error":{"code":502,"message":"Provider disconnected"}"#),
                ErrorKind::Overloaded,
                "Provider disconnected",
            ),
            (
                "a reason, and its words after it",
                choice(r#""finish_reason":"error""#) + "data: {\"error\":{\"message\":\"why\"}}\n\n",
                ErrorKind::Other,
                "why",
            ),
            ("DeepSeek", choice(r#""finish_reason":"insufficient_system_resource""#), ErrorKind::Overloaded, "insufficient"),
            ("Groq", choice(r#""finish_reason":"stop"}],"x_groq":{"id":"r","error":"over capacity"},"x":[{"y":0"#), ErrorKind::Overloaded, "over capacity"),
            ("Bedrock", "data: {\"throttlingException\":{\"message\":\"Too many tokens, please wait\"}}\n\n".into(), ErrorKind::RateLimited, "Too many tokens"),
            ("Hunyuan", "data: {\"Choices\":[],\"ErrorMsg\":{\"Msg\":\"server busy\",\"Code\":4001}}\n\n".into(), ErrorKind::Other, "server busy"),
            ("a list without data:", "[{\"error\":{\"code\":429,\"message\":\"Resource exhausted\"}}]\n".into(), ErrorKind::RateLimited, "Resource exhausted"),
            ("a proxy's page", "\n<html>\n<head><title>502 Bad Gateway</title></head>\n\n".into(), ErrorKind::Other, "502 Bad Gateway"),
            ("an error within a text", "data: \"{\\\"error\\\":\\\"boom\\\"}\"\n\n".into(), ErrorKind::Other, "boom"),
            ("an error without words", "event: error\ndata: {}\n\n".into(), ErrorKind::Other, "has no words {}"),
            ("a model taken away", choice(r#""finish_reason":"modelUnloaded""#), ErrorKind::Overloaded, "modelUnloaded"),
            ("a later stop mends nothing", choice(r#""finish_reason":"error""#) + &choice(r#""finish_reason":"stop""#), ErrorKind::Overloaded, "error"),
        ] {
            // A page that comes first is one of the gateway's address.
            let first = ["", hello.as_str()].into_iter().skip(usize::from(rest.contains('<')));
            for before in first {
                let (_, error) = read(&[before.as_bytes(), rest.as_bytes(), done.as_bytes()], None);
                let error = error.unwrap_or_else(|| panic!("{report}: a success"));
                assert_eq!(error.kind, kind, "{report}: {}", error.message);
                assert!(error.message.contains(words), "{report}: {}", error.message);
            }
        }
        let bare = r#"{"error":{"code":400,"message":"request exceeds the available context size"}}"#;
        let error = read(&[bare.as_bytes()], None).1.unwrap();
        assert_eq!(error.message, "request exceeds the available context size", "lemonade#2826");
        assert!(error.hint.unwrap().contains("context"));
        let (_, error) = read(&[blocked.as_bytes(), done.as_bytes()], None);
        assert_eq!(error.unwrap().kind, ErrorKind::ContentBlocked, "Google's blocked prompt");
        let hooks = r#"{"hook_results":{"before_request_hooks":[{"verdict":false,"deny":true,"checks":[{"id":"default.contains","verdict":false,"data":{"explanation":"a bomb"}}]}]}}"#;
        let (given, error) = read(&[stream(&[hooks, &delta(r#"{"content":"denied"}"#), STOP, DONE]).as_bytes()], None);
        assert_eq!(
            (given.len(), error.unwrap().message.as_str()),
            (1, "A guardrail denied this: default.contains: a bomb")
        );
        let (_, error) = read(&[b"Internal Server Error"], None);
        assert!(error.unwrap().message.contains("Internal Server Error"));
    }

    /// Calls of public bug reports. A piece is `index/id/name/arguments`, `-` where there is none.
    #[test]
    fn calls_by_what_is_there() {
        let piece = |piece: &str| {
            let [index, id, name, arguments] = piece.splitn(4, '/').collect::<Vec<_>>()[..] else { panic!("{piece}") };
            let field = |name: &str, value: &str, quote: &str| match value {
                "-" => String::new(),
                _ => format!("\"{name}\":{quote}{}{quote},", value.replace('"', "\\\"")),
            };
            let function = field("name", name, "\"") + &field("arguments", arguments, "\"");
            let function = function.trim_end_matches(',');
            delta(&format!(
                r#"{{"tool_calls":[{{{}{}"function":{{{function}}}}}]}}"#,
                field("index", index, ""),
                field("id", id, "\"")
            ))
        };
        for (report, pieces, expected) in [
            (
                "vercel/ai#18440",
                &["0/-/f/{\"a\":1}", "0/-/f/{\"a\":2}", "0/-/g/{}"][..],
                &["call_0 f {\"a\":1}", "call_1 f {\"a\":2}", "call_2 g {}"][..],
            ),
            ("vercel/ai#18440, blank ids", &["0/a/f/", "0/ /-/{\"x\":", "0/ /-/1}"], &["a f {\"x\":1}"]),
            (
                "vercel/ai#14722",
                &["0/a/-/{\"command\": ", "0/-/bash/", "0/-/-/\"ls\"}"],
                &["a bash {\"command\": \"ls\"}"],
            ),
            ("another id with each piece", &["0/a/f/{", "0/b/-/\"x\":1", "0/c/-/}"], &["a f {\"x\":1}"]),
            ("one id for all", &["0/i/f/{}", "1/i/g/{}"], &["i f {}", "i g {}"]),
            ("the name each time", &["0/a/f/{", "0/a/f/}", "1/b/f/{}"], &["a f {}", "b f {}"]),
            ("a call once more at the end", &["0/a/f/{", "0/a/-/}", "0/a/f/{}"], &["a f {}"]),
            ("no number", &["-/a/f/{", "-/-/-/}", "-/b/f/{}"], &["a f {}", "b f {}"]),
            ("agno#8880", &["0/a/f/{}", "0/b/g/", "1/-/-/{\"x\":1}"], &["a f {}", "b g {\"x\":1}"]),
            ("another number with each piece", &["0/a/f/", "1/-/-/{\"x\":", "2/-/-/1}"], &["a f {\"x\":1}"]),
            ("LocalAI#9722", &["0/a/f/", "1/a/f/{\"x\":", "2/a/f/1}"], &["a f {\"x\":1}"]),
            ("another id and the name each time", &["0/a/f/", "0/b/f/{\"x\":", "0/c/f/1}"], &["a f {\"x\":1}"]),
            ("one id for all, no number", &["-/i/f/{}", "-/i/g/{}"], &["i f {}", "i g {}"]),
            ("BerriAI/litellm#4537", &["0/a/f/{}", "0/-/-/", "0/-/-/{\"x\":", "0/-/-/1}"], &["a f {\"x\":1}"]),
            ("none", &["0/a/f/{}", "0/-/-/", "1/b/g/{}"], &["a f {}", "b g {}"]),
            ("a number below zero", &["-1/-/-/{}", "0/a/f/{}"], &["a f {}"]),
            (
                "a provider's own tool behind a call",
                &["0/a/f/", "0/-/-/{}", "0/-/-/{\"query\":", "0/-/-/\"x\"}"],
                &["a f {}"],
            ),
        ] {
            let mut chunks: Vec<String> = pieces.iter().map(|text| piece(text)).collect();
            chunks.extend([STOP.to_owned(), DONE.to_owned()]);
            let events = events(&chunks.iter().map(String::as_str).collect::<Vec<_>>());
            let report_of = answer::join(events, head().report());
            let calls = report_of.content.iter().filter_map(|part| match part {
                AssistantPart::ToolCall(call) => Some(format!("{} {} {}", call.id, call.name, call.arguments_json)),
                _ => None,
            });
            assert_eq!(calls.collect::<Vec<_>>(), expected, "{report}");
            assert_eq!(report_of.finish_reason, FinishReason::ToolCalls, "{report}");
        }
        // Two at a time, which only their places tell apart.
        let pairs = [
            r#"{"tool_calls":[{"id":"a","function":{"name":"f"}},{"id":"b","function":{"name":"g"}}]}"#,
            r#"{"tool_calls":[{"function":{"arguments":"{}"}},{"function":{"arguments":"{ }"}}]}"#,
        ];
        let expected =
            [call(0, Some(("a", "f")), ""), call(1, Some(("b", "g")), ""), call(0, None, "{}"), call(1, None, "{ }")];
        assert_eq!(of_deltas(&pairs), expected);
        let older = [r#"{"function_call":{"name":"f","arguments":"{"}}"#, r#"{"function_call":{"arguments":"}"}}"#];
        assert_eq!(of_deltas(&older), [call(0, Some(("call_0", "f")), "{"), call(0, None, "}")], "oh-my-pi#1692");
        // Claude's search: its start comes in the blocks, its input as a call's.
        let search = [
            r#"{"content_blocks":[{"index":0,"delta":{"id":"s","name":"web_search","input":{}}}]}"#,
            r#"{"tool_calls":[{"index":-1,"function":{"arguments":"{\"q\":\"x\"}"}}]}"#,
            r#"{"content_blocks":[{"index":1,"delta":{"tool_use_id":"s","content":[]}}]}"#,
            r#"{"content":"a","content_blocks":[{"index":2,"delta":{"text":"a"}}]}"#,
            r#"{"content_blocks":[{"index":2,"delta":{"citation":{"type":"web_search_result_location"}}}]}"#,
        ];
        let other = |json: &str| Event::Other(json.into());
        assert_eq!(
            of_deltas(&search),
            [
                other(r#"{"type":"web_search_tool_result","tool_use_id":"s","content":[]}"#),
                text("a"),
                other(r#"{"type":"web_search_result_location"}"#),
                other(r#"{"type":"server_tool_use","id":"s","name":"web_search","input":{"q":"x"}}"#),
            ]
        );
    }

    /// The last reason counts, but a later `stop` undoes no calls, and a cut after an early one is a cut.
    #[test]
    fn the_last_word_counts() {
        let stop = |delta: &str| {
            format!(r#"{{"id":"c","model":"m","choices":[{{"index":0,"delta":{delta},"finish_reason":"stop"}}]}}"#)
        };
        let jcode = [
            stop(r#"{"reasoning_content":"hm"}"#),
            stop(r#"{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{\"x\":"}}]}"#),
            stop(r#"{"tool_calls":[{"index":0,"function":{"arguments":"1}"}}]}"#),
            STOP.replace("stop", "tool_calls"),
            DONE.to_owned(),
        ];
        let all: Vec<&str> = jcode.iter().map(String::as_str).collect();
        let expected = [
            start(),
            thinking("hm", None),
            thinking("", Some("reasoning_content")),
            call(0, Some(("a", "f")), "{\"x\":"),
            call(0, None, "1}"),
            Event::Finish(FinishReason::ToolCalls),
        ];
        assert_eq!(events(&all), expected, "jcode#1326");
        assert_eq!(events(&all[..3]), expected, "a clean end after a reason is an end");
        assert_eq!(read(&[stream(&all[..2]).as_bytes()], None).1.unwrap().kind, ErrorKind::Truncated, "an open call");
        for count in 1..4 {
            let broken = error::new(ErrorKind::Transport, ErrorOrigin::Network, "x", true);
            let (_, error) = read(&[stream(&all[..count]).as_bytes()], Some(broken));
            assert_eq!(error.unwrap().kind, ErrorKind::Truncated, "broken behind {count}");
        }
        let again: Vec<&str> = all[..4].iter().copied().chain([STOP, DONE]).collect();
        assert_eq!(events(&again), expected);
        let sensitive = STOP.replace("stop", "sensitive");
        assert_eq!(events(&[STOP, &sensitive]).last(), Some(&Event::Finish(FinishReason::ContentFilter)));
    }

    #[test]
    fn the_first_byte_tells_what_a_body_is() {
        let whole = r#"{"id":"c","model":"m","choices":[{"message":{"content":"hi"},"finish_reason":"stop"}]}"#;
        let chunk = delta(r#"{"content":"hi"}"#);
        let expected = [start(), text("hi"), Event::Finish(FinishReason::Stop)];
        for body in [
            whole.to_owned(),
            format!("\u{feff}\n\n {whole}\n"),
            format!("{chunk}\n{STOP}\n"),
            format!("data: {chunk}\ndata: {STOP}\ndata: [DONE]"),
            format!(": hi\n\n  data: {chunk}\n \ndata:{STOP}\n\ndata: [DONE] \n\n"),
            format!("data: {chunk}\r\rdata: {STOP}"),
            format!("{chunk}{STOP}"),
            format!("[{chunk},\n{STOP}]\n"),
            format!("data: {chunk}{STOP}\n\ndata: DONE\n\n"),
            format!("data: [{chunk},{STOP}]\n\n"),
            serde_json::to_string(whole).unwrap(),
            format!("data: {}\n\ndata: {STOP}\n\n", serde_json::to_string(&chunk).unwrap()),
            format!("data: {chunk}\n\n{}", STOP.replace("finish_reason", "finish_reason\":null,\"finishReason")),
        ] {
            for at in 0..=body.len() {
                let (head, tail) = body.as_bytes().split_at(at);
                assert_eq!(read(&[head, tail], None), (expected.to_vec(), None), "{body:?} split at {at}");
            }
        }
        let page = read(&[b"<html>"], None).1.unwrap();
        assert_eq!(page.kind, ErrorKind::InvalidConfig);
    }

    /// Each piece is looked up among all calls: past a limit that is refused, and does not take long.
    #[test]
    fn an_event_with_very_many_calls_is_refused() {
        let piece = |number: usize| format!(r#"{{"id":"i{number}","function":{{"name":"f","arguments":"{{}}"}}}}"#);
        let calls: Vec<String> = (0..200_000).map(piece).collect();
        let error =
            read(&[stream(&[&delta(&format!(r#"{{"tool_calls":[{}]}}"#, calls.join(",")))]).as_bytes()], None).1;
        assert_eq!(error.unwrap().kind, ErrorKind::Protocol);
    }

    #[test]
    fn an_event_that_is_no_json_is_quoted_in_short() {
        let (_, error) =
            read(&[format!("data: oops {}\n\n", "x".repeat(500)).as_bytes(), stream(&[STOP, DONE]).as_bytes()], None);
        let error = error.unwrap();
        assert_eq!(error.kind, ErrorKind::Protocol);
        assert!(error.message.contains("oops xxx") && error.message.len() < 200, "{}", error.message);
        assert_eq!(read(&[b"data: \xff\n\n"], None).1.unwrap().kind, ErrorKind::Protocol);
        // What is no UTF-8 is replaced, alike or not.
        let chunk = stream(&[&delta(r#"{"content":"a?b"}"#)]).into_bytes();
        let wrong: Vec<u8> = chunk.iter().map(|&byte| if byte == b'?' { 0xff } else { byte }).collect();
        let (got, error) = read(&[&chunk, &chunk, &wrong, &wrong, stream(&[STOP, DONE]).as_bytes()], None);
        assert_eq!(error, None);
        assert_eq!(got[1..5], [text("a?b"), text("a?b"), text("a\u{fffd}b"), text("a\u{fffd}b")]);
    }

    #[test]
    fn chunks_that_say_nothing_are_passed_over() {
        assert_eq!(
            events(&[
                "{}",
                r#"{"choices":null}"#,
                "",
                r#"{"choices":[{"index":1,"delta":{"content":"second"}},{"index":0,"delta":{}}]}"#,
                r#"{"choices":[{"index":1,"delta":{"content":"second"}}]}"#,
                STOP
            ])
            .len(),
            2
        );
        let lone = r#"{"id":"c","model":"m","choices":[{"index":1,"delta":{"content":"a"},"finish_reason":"stop"}]}"#;
        assert_eq!(events(&[lone, DONE]), [start(), text("a"), Event::Finish(FinishReason::Stop)]);
    }

    #[test]
    fn an_endless_event_is_an_error() {
        let mut reply = Reply::new(head());
        let piece = vec![b'x'; 1 << 20];
        while !reply.is_over() {
            reply.push(&piece);
        }
        assert!(matches!(reply.take(), Some(Err(error)) if error.kind == ErrorKind::Protocol));
    }

    #[test]
    fn a_plain_answer_becomes_its_events() {
        let body = br#"{"id":"c","model":"m","choices":[{"message":{"content":"hi","reasoning":"r","tool_calls":[{"id":"a","function":{"name":"f","arguments":"{}"}}]},
            "finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":2},"hook_results":{}}"#;
        let mut reply = Reply::whole(answer::response(&head(), body).unwrap());
        assert!(reply.is_over());
        let expected = vec![
            start(),
            thinking("r", Some("reasoning")),
            text("hi"),
            call(0, Some(("a", "f")), "{}"),
            Event::Finish(FinishReason::ToolCalls),
            used(1, 2),
            Event::GuardrailsJson("{}".into()),
        ];
        assert_eq!(reply.take(), Some(Ok(expected)));
        assert_eq!(reply.take(), Some(Ok(Vec::new())));
    }
}
