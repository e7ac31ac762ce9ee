//! Generates answers of chats: good ones, in the styles of real providers and proxies, and broken ones. The right
//! result is known without the decoder: it is the text that the answer was made from.
//!
//! Bytes choose the form of an answer: the same bytes give the same answer, and after the last byte the plainest choice
//! is taken. So a fuzzer can generate answers, and a test library can shrink them.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test's own: it fails by panicking"
)]

mod responses;

pub use responses::{broken_response, good_response};
use serde_json::{Value, json};

/// What bytes choose.
#[derive(Debug)]
pub struct Choices<'b>(&'b [u8]);

impl<'b> Choices<'b> {
    /// Choices that `bytes` make.
    pub fn new(bytes: &'b [u8]) -> Self {
        Self(bytes)
    }

    /// A number below `limit`.
    fn below(&mut self, limit: usize) -> usize {
        let [first, second, rest @ ..] = self.0 else { return 0 };
        self.0 = rest;
        usize::from(u16::from_le_bytes([*first, *second])) % limit.max(1)
    }

    fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    /// Places to cut a body at.
    fn cuts(&mut self, body: &[u8]) -> Vec<usize> {
        (0..self.below(6)).map(|_| self.below(body.len().max(1))).collect()
    }

    fn yes(&mut self) -> bool {
        self.below(2) == 1
    }
}

/// An answer, in no provider's terms. What a decoder made of one is put in the same terms, and compared.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// The reasoning.
    pub thinking: String,
    /// The field that the reasoning came in.
    pub field: Option<String>,
    /// What the model says.
    pub text: String,
    /// What it says that it will not do.
    pub refusal: String,
    /// Id, name and arguments; the id is none where the provider gives none.
    pub calls: Vec<(Option<String>, String, String)>,
    /// An image's bytes.
    pub image: Option<Vec<u8>>,
    /// `stop`, `length`, `tool_calls` or `content_filter`.
    pub finish: String,
    /// Input, output, and read from a cache.
    pub usage: Option<(u64, u64, Option<u64>)>,
}

impl Answer {
    /// Whether `got` is this answer. An id that was not given is whatever the decoder makes up.
    pub fn is(&self, got: &Self) -> bool {
        let mut got = got.clone();
        for (call, known) in got.calls.iter_mut().zip(&self.calls) {
            if known.0.is_none() && call.0.as_deref().is_some_and(|id| !id.is_empty()) {
                call.0 = None;
            }
        }
        *self == got
    }
}

const TEXTS: [&str; 8] =
    ["Hello", "héllo wörld", "a\nb \"c\" \\d", "data: {\"x\":1}\n\n", "😀 [DONE]", "error", "}{", "\u{feff} \u{2028}x"];
const ARGUMENTS: [&str; 6] = [
    "{}", "{\"command\": \"ls\"}", "{\"a\":{\"b\":[1,2,\"}\"]}}", "{\"q\":\"é😀\\n\\\"{\"}", "{ \"x\" : -1.5e3 }",
    "{\"a\":[]}",
];
const NAMES: [&str; 3] = ["f", "get_weather", "bash"];
/// The smallest PNG that a decoder knows by its first bytes.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n0";
const PNG_URL: &str = "data:image/png;base64,iVBORw0KGgow";

/// A body, and what it is.
#[derive(Clone, Debug)]
pub struct Made {
    /// What it was made by, for a message and a table.
    pub kind: &'static str,
    /// All bytes.
    pub body: Vec<u8>,
    /// Where the body is cut into pieces on its way.
    pub cuts: Vec<usize>,
    /// Whether its connection breaks, and does not end in order.
    pub is_broken: bool,
    /// Good: the answer. Broken: words that the error must hold.
    pub right: Result<Answer, &'static str>,
    /// Whether it is spelled as OpenAI itself spells it, so that OpenAI's own client must read it.
    pub is_plain: bool,
}

impl Made {
    /// One that is broken, in a way that is yet to be chosen.
    fn broken() -> Self {
        Self { kind: "", body: Vec::new(), cuts: Vec::new(), is_broken: false, right: Err(""), is_plain: false }
    }

    /// Cuts a document before its end.
    fn cut_document(&mut self, choices: &mut Choices<'_>, kind: &'static str) {
        let end = self.body.iter().rposition(|byte| *byte == b'}').unwrap_or(0);
        self.body.truncate(choices.below(end));
        self.kind = kind;
    }
}

/// A good answer in some dress.
pub fn good(choices: &mut Choices<'_>, is_streamed: bool) -> Made {
    let (answer, mut dress) = answer(choices);
    dress.framing = framing(choices);
    if dress.is_openais {
        dress.framing = Framing { line: "\n", data: "data: ", done: "data: [DONE]", ..Framing::default() };
    }
    let (kind, body) = if is_streamed {
        ("dressed, streamed", frame(&chunks(choices, &answer, &dress), &dress.framing, true))
    } else {
        ("dressed, whole", document(choices, whole(&answer, &dress)))
    };
    let cuts = choices.cuts(&body);
    let is_plain = dress.is_plain(is_streamed) && answer.finish == dress.reason;
    Made { kind, body, cuts, is_broken: false, right: Ok(answer), is_plain }
}

/// How an answer is spelled.
#[derive(Debug, Default)]
struct Dress {
    framing: Framing,
    reason: String,
    /// The field of the reasoning, or the name of its tags in the text.
    field: &'static str,
    /// How calls are told apart.
    calls: usize,
    usage: usize,
    cached: usize,
    index: Option<u64>,
    /// What stands beside the fields that count; or the text grows.
    noise: usize,
    early_stops: bool,
    is_openais: bool,
}

impl Dress {
    fn is_tagged(&self) -> bool {
        self.field.starts_with('t')
    }

    /// The arguments of a call: some models write them as a text once more, and some write words behind them.
    fn written(&self, arguments: &str) -> String {
        match self.calls {
            12 => Value::from(arguments).to_string(),
            13 => format!("{arguments}Done."),
            _ => arguments.to_owned(),
        }
    }

    /// The text, with the reasoning in it where that is its place.
    fn content(&self, answer: &Answer) -> String {
        if !self.is_tagged() || answer.thinking.is_empty() {
            return answer.text.clone();
        }
        format!("<{0}>\n{1}\n</{0}>\n\n{2}", self.field, answer.thinking, answer.text)
    }

    fn is_plain(&self, is_streamed: bool) -> bool {
        let is_framed = ["data: ", "data:", "id: 4\ndata: "].contains(&self.framing.data)
            && !self.framing.is_single
            && !self.framing.is_bare
            && self.framing.line != "\r"
            && !self.framing.head.contains('\u{feff}')
            && self.framing.done == "data: [DONE]";
        // To JavaScript an empty object as `error` is one.
        self.calls == 0
            && !self.is_tagged()
            && !matches!(self.noise, 2 | 5 | GROWS)
            && self.usage < 2
            && !self.early_stops
            && self.index != Some(1)
            && (is_framed || !is_streamed)
    }
}

#[derive(Debug, Default)]
struct Framing {
    line: &'static str,
    head: &'static str,
    data: &'static str,
    between: &'static str,
    /// A single line end, and no blank line, between two events.
    is_single: bool,
    is_bare: bool,
    /// What stands behind a bare event.
    behind: &'static str,
    done: &'static str,
    last: bool,
}

/// The ways of telling calls apart.
const CALLS: usize = 15;

fn answer(choices: &mut Choices<'_>) -> (Answer, Dress) {
    let mut answer = Answer::default();
    // Some are spelled as OpenAI itself spells them.
    let mut dress = Dress { is_openais: choices.below(4) == 1, ..Dress::default() };
    let kind = choices.below(8);
    if kind != 1 {
        answer.text = choices.one(&TEXTS).repeat(1 + choices.below(3));
    }
    if choices.below(3) == 1 {
        answer.thinking = choices.one(&TEXTS).to_owned();
        dress.field = choices.one(&["reasoning_content", "reasoning", "both", "think", "thought"]);
        if dress.is_tagged() {
            answer.thinking.truncate(answer.thinking.trim_ascii_end().len());
        } else {
            answer.field = Some(if dress.field == "reasoning" { "reasoning" } else { "reasoning_content" }.to_owned());
        }
    }
    dress.calls = if dress.is_openais { 0 } else { choices.below(CALLS) };
    match kind {
        2 | 3 => {
            // The older form has one.
            let count = if dress.calls == 8 { 1 } else { 1 + choices.below(3) };
            for number in 0..count {
                let id = (!matches!(dress.calls, 3 | 4 | 8)).then(|| format!("call-{number}"));
                answer.calls.push((id, choices.one(&NAMES).to_owned(), choices.one(&ARGUMENTS).to_owned()));
            }
        }
        4 => answer.image = Some(PNG.to_vec()),
        5 => {
            answer.text.clear();
            answer.refusal = choices.one(&TEXTS).to_owned();
        }
        _ => {}
    }
    let (finish, reasons): (_, &[&str]) = match choices.below(6) {
        _ if !answer.calls.is_empty() => {
            ("tool_calls", &["tool_calls", "stop", "tool_use", "function_call", "TOOL_CALL"])
        }
        4 => ("length", &["length", "max_tokens", "MAX_TOKENS", "model_context_window_exceeded"]),
        5 => ("content_filter", &["content_filter", "SAFETY", "sensitive", "content_filtered", "guardrail_intervened"]),
        _ => ("stop", &["stop", "end_turn", "STOP", "eos", "COMPLETE", "stop_sequence"]),
    };
    answer.finish = finish.to_owned();
    dress.reason = if dress.is_openais { reasons[0] } else { choices.one(reasons) }.to_owned();
    if choices.yes() {
        let cached = [None, Some(1280)][choices.below(2)];
        answer.usage = Some((2000 + choices.below(9) as u64, 1 + choices.below(9) as u64, cached));
        (dress.usage, dress.cached) = (choices.below(5), choices.below(3));
    }
    dress.index = Some(0);
    if dress.is_openais {
        (dress.usage, dress.cached) = (0, 0);
    } else {
        dress.index = choices.one(&[Some(0), None, Some(1)]);
        dress.noise = choices.below(8);
        dress.early_stops = dress.reason != "stop" && choices.below(5) == 1;
    }
    (answer, dress)
}

fn framing(choices: &mut Choices<'_>) -> Framing {
    let mut framing = Framing {
        line: choices.one(&["\n", "\r\n", "\r"]),
        head: choices.one(&["", "\u{feff}", "\n\n", ": hello\n\n", "\u{feff}\n", "retry: 3000\n\n"]),
        data: choices
            .one(&["data: ", "data:", " data: ", "data:  ", "event: message\ndata: ", "id: 4\ndata: ", "data: data: "]),
        between: choices.one(&["", ": keep-alive\n\n", "\n", "event: ping\ndata: {\"type\":\"ping\"}\n\n", " \n"]),
        is_single: choices.below(5) == 1,
        is_bare: choices.below(8) == 1,
        behind: choices.one(&["\n", "\n", "", " ", ",\n"]),
        done: choices.one(&["data: [DONE]", "data: [DONE] ", "data:[DONE]", "", "data: \"[DONE]\"", "data: [done]"]),
        last: choices.yes(),
    };
    if framing.is_single && framing.data == "data: data: " {
        framing.data = "data: ";
    }
    framing
}

/// In each piece all of the text so far.
const GROWS: usize = 7;

fn grow(pieces: &mut [String]) {
    for at in 1..pieces.len() {
        pieces[at] = format!("{}{}", pieces[at - 1], pieces[at]);
    }
}

/// What stands beside the fields that count, and costs nothing.
fn noise(dress: &Dress, message: &mut Value, choice: &mut Value, root: &mut Value) {
    match dress.noise {
        1 => {
            message["refusal"] = message.get("refusal").cloned().unwrap_or_default();
            message["function_call"] = message.get("function_call").cloned().unwrap_or_default();
            root["error"] = Value::Null;
            choice["logprobs"] = Value::Null;
        }
        2 => {
            message["content_blocks"] = json!("");
            message["annotations"] = json!({});
            root["error"] = json!({});
        }
        3 => {
            root["base_resp"] = json!({"status_code": 0, "status_msg": "success"});
            choice["content_filter_results"] = json!({"hate": {"filtered": false, "severity": "safe"}});
        }
        4 => {
            root["hook_results"] = json!({"before_request_hooks": [{"verdict": true, "id": "x", "checks": []}]});
            message["audio"] = Value::Null;
        }
        5 => {
            root["error"] = json!({"message": "", "type": "", "code": null});
            root["created"] = json!("x");
            root["usage"] = root.get("usage").cloned().unwrap_or_else(|| json!([]));
        }
        6 => {
            message["images"] = message.get("images").cloned().unwrap_or_else(|| json!([]));
            message["reasoning_details"] = json!("");
            choice["usage"] = choice.get("usage").cloned().unwrap_or_else(|| json!({}));
        }
        _ => {}
    }
}

fn usage(answer: &Answer, dress: &Dress) -> Option<Value> {
    let (input, output, cached) = answer.usage?;
    let mut usage = json!({"prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output});
    if let Some(cached) = cached {
        match dress.cached {
            0 => usage["prompt_tokens_details"] = json!({"cached_tokens": cached}),
            1 => usage["cached_tokens"] = json!(cached),
            _ => usage["prompt_cache_hit_tokens"] = json!(cached),
        }
    }
    Some(usage)
}

fn reasoning(message: &mut Value, field: &str, text: &str) {
    for name in ["reasoning_content", "reasoning"] {
        if field == name || field == "both" {
            message[name] = text.into();
        }
    }
}

fn whole(answer: &Answer, dress: &Dress) -> Value {
    let mut message = json!({"role": "assistant", "content": dress.content(answer)});
    if !answer.thinking.is_empty() {
        reasoning(&mut message, dress.field, &answer.thinking);
    }
    if !answer.refusal.is_empty() {
        message["refusal"] = answer.refusal.as_str().into();
    }
    if answer.image.is_some() {
        message["images"] = json!([{"type": "image_url", "image_url": {"url": PNG_URL}}]);
    }
    let function = |name: &str, arguments: &str| match dress.calls {
        // Only what is spelled as a decoder writes it again can be compared.
        5 if arguments == "{}" => json!({"name": name, "arguments": {}}),
        _ => json!({"name": name, "arguments": dress.written(arguments)}),
    };
    let calls: Vec<Value> = answer
        .calls
        .iter()
        .map(|(id, name, arguments)| {
            let mut call = json!({"type": "function", "function": function(name, arguments)});
            if let Some(id) = id {
                call["id"] = id.as_str().into();
            }
            call
        })
        .collect();
    match (&answer.calls[..], dress.calls) {
        ([], _) => {}
        ([(_, name, arguments)], 8) => message["function_call"] = function(name, arguments),
        ([_], 7) => message["tool_calls"] = calls[0].clone(),
        _ => message["tool_calls"] = calls.into(),
    }
    let mut choice = json!({"finish_reason": dress.reason});
    if let Some(index) = dress.index {
        choice["index"] = index.into();
    }
    let mut root = json!({"id": "c", "object": "chat.completion", "created": 1, "model": "m"});
    match (usage(answer, dress), dress.usage) {
        (Some(usage), 2) => choice["usage"] = usage,
        (Some(usage), _) => root["usage"] = usage,
        (None, _) => {}
    }
    noise(dress, &mut message, &mut choice, &mut root);
    choice["message"] = message;
    root["choices"] = json!([choice]);
    root
}

/// A document with white space as some write it.
fn document(choices: &mut Choices<'_>, root: Value) -> Vec<u8> {
    let head = choices.one(&["", "\u{feff}", "\n\n\n", " \r\n", "\u{feff} "]);
    let body = if choices.yes() { serde_json::to_string_pretty(&root).unwrap_or_default() } else { root.to_string() };
    format!("{head}{body}{}", choices.one(&["", "\n", "\r\n\r\n"])).into_bytes()
}

/// `text` in pieces, at the ends of characters.
fn pieces(choices: &mut Choices<'_>, text: &str) -> Vec<String> {
    let mut pieces = vec![String::new()];
    for character in text.chars() {
        if choices.below(4) == 1 {
            pieces.push(String::new());
        }
        if let Some(last) = pieces.last_mut() {
            last.push(character);
        }
    }
    // Of those that are not empty, a longer second piece that begins as the first would be all of the text so far, as some
    // servers say it. A short first one may be chance.
    let at = usize::from(pieces[0].is_empty());
    while let [first, second, ..] = &pieces[at..]
        && (first.starts_with('{') || first.len() > 3)
        && second.len() > first.len()
        && second.starts_with(first.as_str())
    {
        let second = pieces.remove(at + 1);
        pieces[at].push_str(&second);
    }
    pieces
}

fn chunks(choices: &mut Choices<'_>, answer: &Answer, dress: &Dress) -> Vec<Value> {
    let mut deltas = vec![json!({"role": "assistant", "content": ""})];
    if !answer.thinking.is_empty() && !dress.is_tagged() {
        for piece in pieces(choices, &answer.thinking) {
            let mut delta = json!({});
            reasoning(&mut delta, dress.field, &piece);
            deltas.push(delta);
        }
    }
    let mut texts = pieces(choices, &dress.content(answer));
    // Less may be chance unless it grows once more, and so may a little more whose first letter comes again behind it.
    let is_repeated = |last: usize| {
        let next = texts.get(last + 1).and_then(|next| next.chars().next());
        texts[..=last].concat().len() < 16 && next == texts[0].chars().next()
    };
    let grows = || texts[0].len() > 3 && !is_repeated(0) || texts.len() > 2 && !is_repeated(1);
    if dress.noise == GROWS && texts[0].contains(char::is_alphabetic) && grows() {
        grow(&mut texts);
    }
    deltas.extend(texts.iter().map(|piece| json!({"content": piece})));
    if !answer.refusal.is_empty() {
        deltas.extend(pieces(choices, &answer.refusal).iter().map(|piece| json!({"refusal": piece})));
    }
    if answer.image.is_some() {
        deltas.push(json!({"images": [{"type": "image_url", "image_url": {"url": PNG_URL}}]}));
    }
    deltas.extend(call_pieces(choices, answer, dress));
    let mut chunks: Vec<Value> = Vec::new();
    if choices.below(6) == 1 {
        chunks.push(json!({"choices": [], "id": "", "model": "", "prompt_filter_results": [{"prompt_index": 0}]}));
    }
    deltas.push(json!({}));
    let last = deltas.len() - 1;
    for (at, mut delta) in deltas.into_iter().enumerate() {
        let mut choice = json!({"finish_reason": null});
        if at == last {
            choice["finish_reason"] = dress.reason.as_str().into();
        } else if dress.early_stops && at > 0 {
            choice["finish_reason"] = "stop".into();
        }
        if let Some(index) = dress.index {
            choice["index"] = index.into();
        }
        let mut root = json!({"id": "c", "object": "chat.completion.chunk", "created": at / 3, "model": "m"});
        match (usage(answer, dress), dress.usage) {
            (Some(usage), 1) if at == last => root["usage"] = usage,
            (Some(usage), 2) if at == last => choice["usage"] = usage,
            (Some(usage), 3) if at == last => root["x_groq"] = json!({"usage": usage}),
            // In each chunk, growing.
            (Some(mut usage), 4) => {
                if at < last {
                    usage["completion_tokens"] = 0.into();
                }
                root["usage"] = usage;
            }
            _ => {}
        }
        noise(dress, &mut delta, &mut choice, &mut root);
        choice["delta"] = delta;
        root["choices"] = json!([choice]);
        chunks.push(root);
    }
    if dress.usage == 0
        && let Some(usage) = usage(answer, dress)
    {
        chunks.push(json!({"id": "c", "choices": [], "usage": usage}));
    }
    chunks
}

fn call_pieces(choices: &mut Choices<'_>, answer: &Answer, dress: &Dress) -> Vec<Value> {
    let mut deltas = Vec::new();
    let mut numbers = 0;
    for (number, (id, name, arguments)) in answer.calls.iter().enumerate() {
        let mut arguments = pieces(choices, &dress.written(arguments));
        if dress.calls == 14 {
            grow(&mut arguments);
        }
        let mut begun = json!({"type": "function", "function": {"name": name, "arguments": arguments[0]}});
        if let Some(id) = id {
            begun["id"] = id.as_str().into();
        }
        let mut more: Vec<Value> =
            arguments[1..].iter().map(|piece| json!({"function": {"arguments": piece}})).collect();
        let mut all = |name: &str, value: Value| {
            begun[name] = value.clone();
            more.iter_mut().for_each(|piece| piece[name] = value.clone());
        };
        match dress.calls {
            // OpenAI's, and what differs in the arguments alone.
            0 | 12..=14 => all("index", number.into()),
            // Each has the number 0 and an id of its own.
            1 => all("index", 0.into()),
            // No number.
            2 => {}
            // No id, and each has the number 0.
            3 => all("index", 0.into()),
            // Neither.
            4 => {}
            // Blank ids behind the first.
            5 => {
                all("index", number.into());
                more.iter_mut().for_each(|piece| piece["id"] = " ".into());
            }
            // Id and name in each piece.
            6 => {
                all("index", (number + 1).into());
                for piece in &mut more {
                    piece["id"] = begun["id"].clone();
                    piece["function"]["name"] = name.as_str().into();
                }
            }
            // Each piece has a number of its own.
            9 => {
                begun["index"] = numbers.into();
                for piece in &mut more {
                    numbers += 1;
                    piece["index"] = numbers.into();
                }
                numbers += 1;
            }
            // Each piece has the number 0, and an id of its own and the name.
            10 => {
                all("index", 0.into());
                for (at, piece) in more.iter_mut().enumerate() {
                    piece["id"] = format!("piece-{number}-{at}").into();
                    piece["function"]["name"] = name.as_str().into();
                }
            }
            // The empty input of Claude's first event stands before the arguments.
            11 => {
                all("index", number.into());
                more.insert(0, json!({"index": number, "function": {"arguments": arguments[0]}}));
                begun["function"]["arguments"] = "{}".into();
            }
            // The name comes late, and in place of a list is an object.
            7 => {
                all("index", number.into());
                if let Some(function) = begun["function"].as_object_mut() {
                    function.remove("name");
                }
                more.insert(0, json!({"index": number, "function": {"name": name, "arguments": ""}}));
            }
            _ => {
                deltas.push(json!({"function_call": begun["function"]}));
                deltas.extend(more.iter().map(|piece| json!({"function_call": piece["function"]})));
                continue;
            }
        }
        for piece in [begun].into_iter().chain(more) {
            deltas.push(json!({"tool_calls": if dress.calls == 7 { piece } else { json!([piece]) }}));
        }
    }
    deltas
}

fn frame(chunks: &[Value], framing: &Framing, is_whole: bool) -> Vec<u8> {
    let events: Vec<String> = chunks.iter().map(Value::to_string).collect();
    frame_events(&events, framing, is_whole)
}

/// An event that starts with `!` stands as it is.
fn frame_events(events: &[String], framing: &Framing, is_whole: bool) -> Vec<u8> {
    let end = if framing.is_single { "\n" } else { "\n\n" };
    let mut text = framing.head.to_owned();
    for event in events {
        match event.strip_prefix('!') {
            Some(raw) => text.push_str(&format!("\n{raw}\n\n")),
            None if framing.is_bare => text.push_str(&format!("{event}{}", framing.behind)),
            None => text.push_str(&format!("{}{event}{end}", framing.data)),
        }
        if !framing.is_single && !framing.is_bare {
            text.push_str(framing.between);
        }
    }
    if is_whole {
        text.push_str(framing.done);
        text.push_str(if framing.last { "" } else { end });
    }
    text.replace('\n', framing.line).into_bytes()
}

/// Words that an error must hold. No text of a good answer holds them.
pub const WORDS: &str = "Qengine went awayQ";

/// Errors as events of a stream: a name, and the event as it stands on the wire, `W` for the words.
pub const ERRORS: [(&str, &str); 32] = [
    ("error object", r#"{"error":{"message":"W","type":"server_error","code":500}}"#),
    ("error text", r#"{"error":"W"}"#),
    ("error beside choices", r#"{"choices":[{"index":0,"delta":{"content":"x"}}],"error":{"message":"W"}}"#),
    (
        "error in a choice",
        r#"{"choices":[{"index":0,"delta":{},"finish_reason":"error","error":{"code":502,"message":"W"}}]}"#,
    ),
    ("error in a delta", r#"{"choices":[{"index":0,"delta":{"error":{"message":"W"}}}]}"#),
    ("error list", r#"[{"error":{"code":400,"message":"W","status":"INVALID_ARGUMENT"}}]"#),
    ("error with details", r#"{"error":{"message":{"detail":[{"loc":["body",7],"msg":"W"}]}}}"#),
    ("event named error", "!event: error\ndata: {\"type\":\"error\",\"code\":\"E\",\"message\":\"W\"}"),
    ("event named error, plain", "!event: error\ndata: W"),
    ("field named error", "!error: {\"code\":500,\"message\":\"W\",\"type\":\"server_error\"}"),
    ("bare error", "!{\"error\":{\"message\":\"W\"}}"),
    ("bare error on lines", "!{\n  \"error\": {\n    \"message\": \"W\"\n  }\n}"),
    ("base_resp", r#"{"choices":null,"base_resp":{"status_code":1008,"status_msg":"W"}}"#),
    ("message alone", r#"{"message":"W","code":500}"#),
    ("msg alone", r#"{"code":401,"msg":"W"}"#),
    ("detail alone", r#"{"detail":"W"}"#),
    ("problem", r#"{"type":"about:blank","title":"Oh","status":503,"detail":"W"}"#),
    ("success false", r#"{"success":false,"errors":[{"code":7,"message":"W"}],"result":null}"#),
    ("status failure", r#"{"status":"failure","message":"W"}"#),
    ("object error", r#"{"object":"error","message":"W","type":"BadRequestError","code":400}"#),
    ("type error", r#"{"type":"error","error":{"type":"overloaded_error","message":"W"}}"#),
    ("html message", r#"{"html-message":"W"}"#),
    ("raw", r#"{"error":{"message":"Provider returned error","metadata":{"raw":"{\"error\":{\"message\":\"W\"}}"}}}"#),
    (
        "soft deny",
        r#"{"hook_results":{"before_request_hooks":[{"verdict":false,"deny":true,"checks":[{"id":"c","verdict":false,"data":{"explanation":"W"}}]}]}}"#,
    ),
    ("plain text", "W"),
    ("Groq's error", r#"{"choices":[{"index":0,"delta":{}}],"x_groq":{"id":"r","error":"W"}}"#),
    ("exception by name", r#"{"throttlingException":{"message":"W"}}"#),
    ("error two levels down", r#"{"Response":{"Error":{"Code":"AuthFailure","Message":"W"},"RequestId":"r"}}"#),
    ("bare error list", "![{\"error\":{\"code\":429,\"message\":\"W\"}}]"),
    ("error in a text", r#""{\"error\":{\"message\":\"W\"}}""#),
    ("field of another name", r#"{"ErrorMsg":{"Msg":"W","Code":4001}}"#),
    ("error code and text", r#"{"error_code":336003,"error_msg":"W"}"#),
];

/// Finish reasons that mean a failure.
pub const FAILURES: [&str; 19] = [
    "error",
    "abort",
    "aborted",
    "cancelled",
    "insufficient_system_resource",
    "MALFORMED_FUNCTION_CALL",
    "UNEXPECTED_TOOL_CALL",
    "function_call_filter: MALFORMED_FUNCTION_CALL",
    "malformed_tool_use",
    "network_error",
    "TIMEOUT",
    "overloaded_error",
    "server_error",
    "ERROR",
    "failed",
    "TOO_MANY_TOOL_CALLS",
    "engine_error",
    "connection_reset",
    "terminated",
];

/// A good answer with one thing broken.
pub fn broken(choices: &mut Choices<'_>, is_streamed: bool) -> Made {
    if is_streamed { broken_stream(choices) } else { broken_document(choices) }
}

fn broken_stream(choices: &mut Choices<'_>) -> Made {
    let (answer, dress) = answer(choices);
    let mut framing = framing(choices);
    let mut chunks = chunks(choices, &answer, &dress);
    let mut made = Made::broken();
    match choices.below(6) {
        0 | 1 => {
            let (kind, event) = choices.one(&ERRORS);
            // What is no JSON is no line of JSON.
            framing.is_bare &= event.starts_with('{');
            framing.is_single &= !event.starts_with('!') && event != "W";
            let mut events: Vec<String> = chunks.iter().map(Value::to_string).collect();
            // First, in the middle, and behind the finish reason.
            let at = [0, choices.below(events.len() + 1), events.len()][choices.below(3)];
            events.insert(at, event.replace('W', WORDS));
            made.body = frame_events(&events, &framing, true);
            (made.kind, made.right) = (kind, Err(WORDS));
        }
        2 => {
            let reason = choices.one(&FAILURES);
            let count = chunks.len();
            let with_choices: Vec<usize> = (0..count).filter(|at| chunks[*at]["choices"][0].is_object()).collect();
            let at = with_choices[choices.below(with_choices.len())];
            chunks[at]["choices"][0]["finish_reason"] = reason.into();
            made.body = frame(&chunks, &framing, true);
            (made.kind, made.right) = ("failed finish", Err(reason));
        }
        3 => {
            // Without any reason, ended in whatever way. What says nothing is none.
            let none = [Value::Null, json!(""), json!(false), json!(0), json!([]), json!({})];
            let none = &none[choices.below(none.len())];
            for chunk in &mut chunks {
                if chunk["choices"][0].is_object() {
                    chunk["choices"][0]["finish_reason"] = none.clone();
                }
            }
            made.body = frame(&chunks, &framing, true);
            made.kind = "no finish reason";
        }
        4 => {
            made.body = frame(&chunks, &framing, true);
            let end = made.body.len();
            // Where the end of it begins.
            let tail = framing.done.trim();
            let done =
                made.body.windows(tail.len().max(1)).rposition(|bytes| !tail.is_empty() && bytes == tail.as_bytes());
            made.body.truncate(choices.below(done.unwrap_or(end)));
            (made.kind, made.is_broken) = ("connection broken", true);
        }
        _ => {
            // The first chunk with a choice holds no reason yet.
            for chunk in &mut chunks {
                if dress.early_stops
                    && chunk["choices"][0].is_object()
                    && chunk["choices"][0]["finish_reason"] == "stop"
                {
                    chunk["choices"][0]["finish_reason"] = Value::Null;
                }
            }
            let last = chunks.iter().rposition(|chunk| chunk["choices"][0]["finish_reason"].is_string()).unwrap_or(0);
            framing.last = true;
            let before = frame(&chunks[..last], &framing, false).len();
            made.body = frame(&chunks, &framing, true);
            made.body.truncate(choices.below(before + 1));
            made.kind = "cut before the finish reason";
        }
    }
    made.cuts = choices.cuts(&made.body);
    made
}

fn broken_document(choices: &mut Choices<'_>) -> Made {
    let (answer, dress) = answer(choices);
    let mut root = whole(&answer, &dress);
    let mut made = Made::broken();
    match choices.below(6) {
        0 | 1 => {
            let (kind, event) = choices.one(&ERRORS);
            let words = event.replace('W', WORDS);
            let error: Option<Value> = serde_json::from_str(&words).ok();
            // Alone, or beside the good answer.
            let beside = error.as_ref().and_then(Value::as_object).filter(|error| {
                ["error", "hook_results", "html-message"].iter().any(|name| error.contains_key(*name))
                    && !error.contains_key("choices")
            });
            made.body = match beside {
                Some(error) if choices.yes() => {
                    for (name, value) in error {
                        root[name] = value.clone();
                    }
                    document(choices, root)
                }
                _ => match words.strip_prefix('!') {
                    Some(raw) => format!("{raw}\n\n").into_bytes(),
                    None => words.into_bytes(),
                },
            };
            (made.kind, made.right) = (kind, Err(WORDS));
            // It says that it is denied beside an answer alone.
            if kind == "soft deny" && beside.is_none() {
                made.right = Err("");
            }
        }
        2 => {
            let reason = choices.one(&FAILURES);
            root["choices"][0]["finish_reason"] = reason.into();
            (made.kind, made.right) = ("failed finish", Err(reason));
            made.body = document(choices, root);
        }
        3 => {
            let none = [
                json!([]),
                Value::Null,
                json!([{"message": {}}]),
                json!([{"message": {"content": ""}, "finish_reason": null}]),
                json!({}),
            ];
            root["choices"] = none[choices.below(none.len())].clone();
            made.kind = "no answer in it";
            made.body = document(choices, root);
        }
        4 => {
            made.kind = "page or text";
            made.body = choices
                .one(&[
                    "<html><head><title>502 Bad Gateway</title></head></html>",
                    "upstream connect error",
                    "",
                    " ",
                    "OK",
                    "null",
                    "<!doctype html>",
                ])
                .into();
        }
        _ => {
            made.body = document(choices, root);
            made.cut_document(choices, "document cut");
        }
    }
    made
}
