//! A streamed chat completion: bytes in, events out. It owns what must be remembered between two chunks and what
//! counts as an end; where the bytes come from is `http`'s.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::mem;

use crate::answer;
use crate::bindings::exports::openclaw::provider::chat::{
    AssistantPart, Event, ReplyStart, Response, Thinking, ToolCallDelta,
};
use crate::bindings::openclaw::provider::types::{Error, ErrorKind, ErrorOrigin, Usage};
use crate::error::{self, Result};
use crate::pattern::Pattern;
use crate::report::Head;
use crate::sse;
use crate::wire::{self, present};

/// Most bytes that are read after `[DONE]` in wait of late guardrail results. There is no clock to wait by: the
/// host's limit between two pieces ends a stream that is held open.
const MAX_AFTER_DONE: usize = 1024 * 1024;

/// A reply that is being read.
#[derive(Debug)]
pub struct Reply {
    sse: sse::Decoder,
    state: State,
}

#[derive(Debug, Default)]
struct State {
    head: Head,
    /// Ready to be taken.
    events: Vec<Event>,
    is_started: bool,
    has_finished: bool,
    /// The last that came: some gateways repeat it, growing, in each chunk.
    usage: Option<Usage>,
    calls: Vec<Call>,
    /// Of the last chunk, where a text was its only event.
    last: Option<Pattern>,
    after_done: Option<usize>,
    is_over: bool,
    /// Comes after the events that came before it.
    failure: Option<Box<Error>>,
}

/// A tool call under way. Its place in the list is its index in our events.
#[derive(Debug)]
struct Call {
    index: Option<u64>,
    id: Option<String>,
}

impl Reply {
    /// A reply whose head is there.
    pub fn new(head: Head) -> Self {
        Self { sse: sse::Decoder::default(), state: State { head, ..State::default() } }
    }

    /// A reply that came in one piece, as some providers answer a request for a stream.
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
        Self { sse: sse::Decoder::default(), state: State { events, is_over: true, ..State::default() } }
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

    /// Reads a piece of the body.
    pub fn push(&mut self, bytes: &[u8]) {
        let Self { sse, state } = self;
        if state.is_closed() {
            return;
        }
        if let Some(read) = &mut state.after_done {
            *read += bytes.len();
        }
        if sse.push(bytes, |data| state.event(data)).is_err() {
            let what = format!("An event of the stream is larger than {} MiB", sse::MAX_EVENT >> 20);
            state.fail(error::protocol(&state.head, &what, b"..."));
        }
        state.is_over |= state.after_done.is_some_and(|read| read > MAX_AFTER_DONE);
    }

    /// The body is over, or broke off with an error.
    pub fn close(&mut self, broken: Option<Box<Error>>) {
        let Self { sse, state } = self;
        if state.is_closed() {
            return;
        }
        if broken.is_none() {
            // An event that does not parse here is one that was cut off.
            let _ = sse.finish(|data| {
                if data == b"[DONE]" || wire::Completion::parse(data).is_ok() {
                    state.event(data);
                }
            });
        }
        if state.is_closed() {
            return;
        }
        if state.after_done.is_some() || state.has_finished {
            state.usage_event();
            state.is_over = true;
            return;
        }
        state.fail(match broken {
            Some(error) if error.kind != ErrorKind::Transport => error,
            Some(mut error) => {
                error.kind = ErrorKind::Truncated;
                error
            }
            None => truncated(&state.head),
        });
    }
}

fn truncated(head: &Head) -> Box<Error> {
    let message = "The stream ended without a finish reason: what arrived is not the whole answer";
    let error = error::answered(ErrorKind::Truncated, ErrorOrigin::Gateway, message, head);
    let hint = "Try again. A gateway ends a stream in this way when the model provider's connection breaks.";
    error::with_hint(error, hint)
}

impl State {
    fn is_closed(&self) -> bool {
        self.is_over || self.failure.is_some()
    }

    fn fail(&mut self, error: Box<Error>) {
        self.failure.get_or_insert(error);
    }

    /// The data of one event.
    fn event(&mut self, data: &[u8]) {
        if self.failure.is_some() || data.is_empty() {
            return;
        }
        let last = self.last.take();
        if data == b"[DONE]" {
            // It is an end by itself: Workers AI's streams never have a reason (gateway 1.15.2).
            if !self.is_started {
                return self.fail(truncated(&self.head));
            }
            self.after_done = self.after_done.or(Some(0));
            return self.usage_event();
        }
        if let Some(event) = last.as_ref().and_then(|last| last.event(data)) {
            self.events.push(event);
            self.last = last;
            return;
        }
        let ready = self.events.len();
        let Ok(chunk) = wire::Completion::parse(data) else {
            if self.after_done.is_some() {
                return;
            }
            let error = error::protocol(&self.head, "An event of the stream is not the JSON of a chunk", data);
            return self.fail(error);
        };
        if let Some(results) = chunk.hook_results {
            self.events.push(Event::GuardrailsJson(results));
        }
        if self.after_done.is_some() {
            return;
        }
        if (chunk.has_error || chunk.choices.is_none())
            && let Some(error) = error::in_success(&self.head, data)
        {
            return self.fail(error);
        }
        self.usage = chunk.usage.as_ref().map(answer::usage).or(self.usage);
        let Some(choices) = chunk.choices else { return };
        // Azure's first chunk holds what its filters say of the prompt, and neither of the two.
        if !choices.is_empty() && !mem::replace(&mut self.is_started, true) {
            let (id, model) = (chunk.id.into_owned(), chunk.model.into_owned());
            self.events.push(Event::Start(ReplyStart { id, model }));
        }
        let spelled = match choices.as_slice() {
            [wire::Choice { delta: Some(delta), .. }] => delta.spelled(),
            _ => None,
        };
        // One answer was asked for; a second can only come from extra fields.
        for choice in choices.into_iter().filter(|choice| choice.index.unwrap_or(0) == 0) {
            self.choice(choice);
        }
        if let (Some(spelled), Some([event])) = (spelled, self.events.get(ready..)) {
            self.last = Pattern::new(data, spelled, event);
        }
    }

    fn choice(&mut self, choice: wire::Choice<'_>) {
        let delta = choice.delta.or(choice.message).unwrap_or_default();
        let is_misplaced = choice.finish_reason.is_empty() && !delta.finish_reason.is_empty() && !self.has_finished;
        self.delta(delta);
        // All that the gateway says where Bedrock breaks off (gateway 1.15.2, provider `bedrock`). `[DONE]` follows.
        if is_misplaced {
            let mut error = truncated(&self.head);
            error.origin = ErrorOrigin::Upstream;
            return self.fail(error);
        }
        if let Some(error) = error::failed_finish(&choice.finish_reason, &self.head) {
            return self.fail(error);
        }
        if !choice.finish_reason.is_empty() && !mem::replace(&mut self.has_finished, true) {
            let reason = answer::finish_reason(&choice.finish_reason, !self.calls.is_empty());
            self.events.push(Event::Finish(reason));
        }
    }

    fn delta(&mut self, delta: wire::Message<'_>) {
        let mut has_thinking = false;
        // The text of the blocks comes in `content` too.
        for block in delta.content_blocks {
            if let Some(thinking) = answer::block_thinking(block) {
                has_thinking = true;
                self.events.push(Event::Thinking(thinking));
            }
        }
        if !has_thinking && let Some(text) = present(delta.reasoning.text) {
            self.events.push(Event::Thinking(Thinking { text, signature: None }));
        }
        self.events.extend(present(delta.content.text).map(Event::Text));
        self.events.extend(present(delta.refusal).map(Event::Text));
        for call in delta.tool_calls {
            self.tool_call(call);
        }
    }

    /// One piece of one call. OpenAI numbers calls; some providers leave the number out, or give each call the number
    /// 0 and an id of its own (gateway issues 1275 and 1537). So a new id is a new call, and a piece with neither
    /// number nor id belongs to the last.
    fn tool_call(&mut self, call: wire::ToolCall<'_>) {
        let signature = answer::call_signature(call.thought_signature, call.google_signature);
        let id = present(call.id);
        let number = call.index;
        let known = match (&id, number) {
            (Some(id), index) => self.calls.iter().rposition(|known| {
                known.id.as_ref() == Some(id) || (known.id.is_none() && index.is_some() && known.index == index)
            }),
            (None, Some(index)) => self.calls.iter().rposition(|known| known.index == Some(index)),
            (None, None) => self.calls.len().checked_sub(1),
        };
        let arguments_fragment = call.arguments.text.into_owned();
        let (index, first) = match known {
            Some(at) => (at, None),
            None => {
                let at = self.calls.len();
                let name = call.name.into_owned();
                self.calls.push(Call { index: number, id: id.clone() });
                (at, Some((id.unwrap_or_else(|| answer::call_id(at)), name)))
            }
        };
        if first.is_none() && arguments_fragment.is_empty() && signature.is_none() {
            return;
        }
        let (id, name) = first.unzip();
        let index = u32::try_from(index).unwrap_or(u32::MAX);
        self.events.push(Event::ToolCall(ToolCallDelta { index, id, name, arguments_fragment, signature }));
    }

    /// Usage goes out once, with the end: before that a gateway may still correct it.
    fn usage_event(&mut self) {
        if let Some(usage) = self.usage.take() {
            self.events.push(Event::Usage(usage));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bindings::exports::openclaw::provider::chat::FinishReason;
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
        chunks.extend([STOP.to_owned(), DONE.to_owned()]);
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
        let expected = [start(), text("Hé"), text("llo"), text("!"), Event::Finish(FinishReason::Stop), used(3, 4)];
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
        // Workers AI gives no reason.
        assert_eq!(events(&[&answer, DONE]), [start(), text("The answer is")]);

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
            (r#""\\","refusal":"\"""#, vec![text("\\"), text("\"")]),
            (r#""x\ud800""#, vec![text("x\u{fffd}")]),
            (r#""é\n""#, vec![text("é\n")]),
            (r#""""#, vec![]),
            ("null", vec![]),
            ("7", vec![text("7")]),
            (r#""b","content":"c""#, vec![text("c")]),
            (r#""b","refusal":"c""#, vec![text("b"), text("c")]),
            (r#""","refusal":"c""#, vec![text("c")]),
            (r#""b","reasoning":"c""#, vec![thinking("c", None), text("b")]),
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
        // What is no JSON, and no UTF-8, is none here either.
        for second in
            [&b"\"\x01\""[..], b"\"\xff\"", b"\"a\"b\"", b"\"a\\\"", b"\"\\n\x01\"", b"\"\\n\xff\"", b"\"\\x\""]
        {
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
        for delta in [&reasoning as &dyn Fn(&str) -> String, &block] {
            let deltas = [r#""a""#, r#""b""#, r#""\n""#, r#""c""#].map(delta);
            let expected = ["a", "b", "\n", "c"].map(|text| thinking(text, None));
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
            [thinking("a", None), thinking("b", None)]
        );
        assert_eq!(
            of_deltas(&[r#"{"reasoning_content":"a","reasoning":"a","reasoning_details":[{"text":"a"}]}"#]),
            [thinking("a", None)]
        );
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
        assert_eq!(read(&[complete.as_bytes()], broken(ErrorKind::Transport)).1, None, "the answer is whole");
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

    #[test]
    fn an_event_that_is_no_json_is_quoted_in_short() {
        let (_, error) =
            read(&[format!("data: oops {}\n\n", "x".repeat(500)).as_bytes(), stream(&[STOP, DONE]).as_bytes()], None);
        let error = error.unwrap();
        assert_eq!(error.kind, ErrorKind::Protocol);
        assert!(error.message.contains("oops xxx") && error.message.len() < 200, "{}", error.message);
        assert_eq!(read(&[b"data: \xff\n\n"], None).1.unwrap().kind, ErrorKind::Protocol);
    }

    #[test]
    fn chunks_that_say_nothing_are_passed_over() {
        assert_eq!(
            events(&[
                "{}",
                r#"{"choices":null}"#,
                "",
                r#"{"choices":[{"index":1,"delta":{"content":"second"}}]}"#,
                STOP
            ])
            .len(),
            2
        );
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
            thinking("r", None),
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
