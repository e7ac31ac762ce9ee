//! Chat completions on OpenAI's wire: the request's body, a whole answer, and the chunks of a streamed one.
//!
//! A field that the provider's interface knows is read and checked. One that it does not know, or a value that it
//! cannot express, goes along as it is (`chat.request.extra-json`), inside of a message with all messages, inside of a
//! tool with all tools: what a model can do is not decided here. Refused is only what no answer could bring back.
//!
//! Source: OpenAI's API reference, "Create chat completion"; for `reasoning_content` DeepSeek's, and for
//! `reasoning_details` OpenRouter's, which have no counterpart there.

#![allow(clippy::indexing_slicing, reason = "only JSON is indexed, by name: what is absent reads as null")]

use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use crate::bindings::openclaw::provider::chat::{
    AssistantPart, Event, FinishReason, Message, Request, Response, ResponseFormat, Thinking, Tool, ToolCall,
    ToolChoice, ToolResult, UserPart,
};
use crate::bindings::openclaw::provider::types::{Media, MediaSource, Usage};
use crate::failure::Failure;

/// A request for a completion.
#[derive(Debug)]
pub struct Call {
    /// For the provider.
    pub request: Request,
    /// Whether the answer is to be streamed.
    pub stream: bool,
    /// Whether a stream ends with a chunk that tells of usage.
    pub include_usage: bool,
}

/// Reads the body of a request.
pub fn read(body: &[u8]) -> Result<Call, Box<Failure>> {
    let mut fields = object(body)?;
    let mut take = |name: &str| fields.shift_remove(name).filter(|value| !value.is_null());
    let stream = flag("stream", take("stream"))?.unwrap_or(false);
    let include_usage = take("stream_options").is_some_and(|options| options["include_usage"] == true);
    refuse_unanswerable(&mut take)?;
    let model = match take("model") {
        Some(Value::String(model)) if !model.trim().is_empty() => model,
        _ => return Err(Failure::invalid_field("model", "must name a model")),
    };
    let messages = match take("messages") {
        Some(Value::Array(messages)) if !messages.is_empty() => messages,
        _ => return Err(Failure::invalid_field("messages", "must be a list of messages")),
    };
    let tools = match take("tools") {
        None => Vec::new(),
        Some(Value::Array(tools)) => tools,
        Some(_) => return Err(Failure::invalid_field("tools", "must be a list")),
    };
    let functions = tools.iter().map(tool).collect::<Option<_>>().ok_or_else(|| {
        Failure::invalid_field("tools", "must be a list of functions: other tools cannot be passed on")
    })?;
    let parallel_tool_calls = flag("parallel_tool_calls", take("parallel_tool_calls"))?;
    let newer_limit = number("max_completion_tokens", take("max_completion_tokens"), Value::as_u64)?;
    let older_limit = number("max_tokens", take("max_tokens"), Value::as_u64)?;
    let temperature = number("temperature", take("temperature"), Value::as_f64)?;
    let top_p = number("top_p", take("top_p"), Value::as_f64)?;
    let seed = number("seed", take("seed"), Value::as_i64)?;
    let mut request = Request {
        model,
        messages: Vec::new(),
        tools: Vec::new(),
        tool_choice: None,
        parallel_tool_calls,
        response_format: None,
        max_output_tokens: newer_limit.or(older_limit).map(|limit| u32::try_from(limit).unwrap_or(u32::MAX)),
        temperature: temperature.map(|number| number as f32),
        top_p: top_p.map(|number| number as f32),
        stop: Vec::new(),
        seed,
        reasoning_effort: None,
        extra_json: None,
    };
    // What cannot be expressed is put back, to go along as it is.
    let mut put = |name: &str, value: Value| drop(fields.insert(name.to_owned(), value));
    match messages.iter().map(message).collect::<Option<Vec<_>>>() {
        // How a signature goes back the provider alone knows: it outweighs what is beside it.
        Some(turns) if turns.iter().any(is_signed) || messages.iter().all(is_read) => request.messages = turns,
        _ => put("messages", Value::Array(messages)),
    }
    if tools.iter().all(is_read) {
        request.tools = functions;
    } else {
        put("tools", Value::Array(tools));
    }
    for (name, read) in TYPED {
        let Some(value) = fields.shift_remove(*name).filter(|value| !value.is_null()) else { continue };
        if !read(&value, &mut request) {
            fields.insert((*name).to_owned(), value);
        }
    }
    if !fields.is_empty() {
        request.extra_json = Some(Value::Object(fields).to_string());
    }
    Ok(Call { request, stream, include_usage })
}

/// The members of a JSON object, in their order.
pub(crate) fn object(body: &[u8]) -> Result<Map<String, Value>, Box<Failure>> {
    serde_json::from_slice(body).map_err(|error| Failure::invalid(format!("The body is not a JSON object: {error}")))
}

/// What an answer could not bring back.
fn refuse_unanswerable(take: &mut impl FnMut(&str) -> Option<Value>) -> Result<(), Box<Failure>> {
    if take("n").is_some_and(|count| count.as_f64() != Some(1.0)) {
        return Err(Failure::invalid_field("n", "can only be 1 here: ask several times"));
    }
    if take("logprobs").is_some_and(|wanted| wanted != false) {
        return Err(Failure::invalid_field("logprobs", "cannot be had here"));
    }
    if take("audio").is_some() {
        return Err(Failure::invalid_field("audio", "cannot be had here"));
    }
    if take("functions").is_some() {
        return Err(Failure::invalid_field("functions", "is out of date: use tools"));
    }
    Ok(())
}

pub(crate) fn flag(name: &str, value: Option<Value>) -> Result<Option<bool>, Box<Failure>> {
    let flag = value.map(|value| value.as_bool().ok_or_else(|| Failure::invalid_field(name, "must be true or false")));
    flag.transpose()
}

pub(crate) fn number<T>(
    name: &str,
    value: Option<Value>,
    read: impl Fn(&Value) -> Option<T>,
) -> Result<Option<T>, Box<Failure>> {
    let Some(value) = value else { return Ok(None) };
    // JSON does not tell 1.0 from 1.
    let value = match value.as_f64() {
        Some(number) if value.is_f64() && number == number as i64 as f64 => Value::from(number as i64),
        _ => value,
    };
    read(&value).map(Some).ok_or_else(|| Failure::invalid_field(name, "must be a number in its range"))
}

/// Fields that are typed where the interface can express their value: `false` where it cannot.
type Typed = (&'static str, fn(&Value, &mut Request) -> bool);

const TYPED: &[Typed] = &[
    ("tool_choice", |value, request| {
        request.tool_choice = match (value.as_str(), value["function"]["name"].as_str()) {
            (Some("auto"), _) => Some(ToolChoice::Auto),
            (Some("none"), _) => Some(ToolChoice::None),
            (Some("required"), _) => Some(ToolChoice::Required),
            (None, Some(name)) if value["type"] == "function" => Some(ToolChoice::Named(name.to_owned())),
            _ => None,
        };
        request.tool_choice.is_some()
    }),
    ("response_format", |value, request| {
        request.response_format = match value["type"].as_str() {
            Some("text") => Some(ResponseFormat::Text),
            Some("json_object") => Some(ResponseFormat::JsonObject),
            Some("json_schema") => Some(ResponseFormat::JsonSchema(value["json_schema"].to_string())),
            _ => None,
        };
        request.response_format.is_some()
    }),
    ("stop", |value, request| {
        let texts = match value {
            Value::Array(texts) => texts.iter().map(|text| text.as_str().map(ToOwned::to_owned)).collect(),
            value => value.as_str().map(|text| [text.to_owned()].into()),
        };
        texts.map(|texts| request.stop = texts).is_some()
    }),
    ("reasoning_effort", |value, request| {
        request.reasoning_effort = value.as_str().map(ToOwned::to_owned);
        request.reasoning_effort.is_some()
    }),
];

/// Whether a message or a tool says nothing but what is read below, told by the names in it. What answers and the official
/// clients add to a message may be left out when it comes back.
fn is_read(value: &Value) -> bool {
    match value {
        Value::Array(values) => values.iter().all(is_read),
        Value::Object(members) => members.iter().all(|(name, value)| match name.as_str() {
            _ if value.is_null() => true,
            // Left out, or read, whatever is in it.
            "annotations" | "index" | "parsed" | "parsed_arguments" | "parameters" => true,
            "role" | "content" | "type" | "text" | "image_url" | "url" | "detail" | "reasoning_content"
            | "reasoning_details" | "signature" | "tool_calls" | "tool_call_id" | "id" | "function" | "name"
            | "arguments" | "extra_content" | "description" | "strict" => is_read(value),
            _ => false,
        }),
        _ => true,
    }
}

fn is_signed(message: &Message) -> bool {
    let Message::Assistant(parts) = message else { return false };
    parts.iter().any(|part| match part {
        AssistantPart::Text(_) => false,
        AssistantPart::Thinking(thinking) => thinking.signature.is_some(),
        AssistantPart::ToolCall(call) => call.signature.is_some(),
    })
}

fn tool(tool: &Value) -> Option<Tool> {
    let function = tool["function"].as_object().filter(|_| tool["type"] == "function")?;
    let text = |name| function.get(name).and_then(Value::as_str).map(ToOwned::to_owned);
    Some(Tool {
        name: text("name")?,
        description: text("description"),
        // A function without parameters has an empty list of them.
        parameters_schema_json: match function.get("parameters").filter(|schema| !schema.is_null()) {
            Some(schema) => schema.to_string(),
            None => r#"{"type":"object","properties":{}}"#.to_owned(),
        },
        strict: function.get("strict").and_then(Value::as_bool),
    })
}

/// One turn, where the interface can express it.
fn message(message: &Value) -> Option<Message> {
    // Who speaks is told apart by some models; the interface cannot say it.
    if message.get("name").is_some_and(|name| !name.is_null()) {
        return None;
    }
    let content = message.get("content").filter(|content| !content.is_null());
    Some(match message["role"].as_str()? {
        "system" => Message::System(text(content?)?),
        "user" => Message::User(parts(content?, user_part)?),
        "assistant" => Message::Assistant(assistant(message, content)?),
        "tool" => Message::ToolResult(ToolResult {
            call_id: message["tool_call_id"].as_str()?.to_owned(),
            text: text(content?)?,
        }),
        _ => return None,
    })
}

/// The text of a content that is nothing but text.
fn text(content: &Value) -> Option<String> {
    let texts = parts(content, |part| part["text"].as_str().filter(|_| part["type"] == "text").map(ToOwned::to_owned))?;
    Some(texts.concat())
}

/// The parts of a content; a bare text is one part.
fn parts<T>(content: &Value, read: impl Fn(&Value) -> Option<T>) -> Option<Vec<T>> {
    match content {
        Value::String(text) => Some([read(&json!({"type": "text", "text": text}))?].into()),
        Value::Array(parts) => parts.iter().map(read).collect(),
        _ => None,
    }
}

fn user_part(part: &Value) -> Option<UserPart> {
    match part["type"].as_str()? {
        "text" => Some(UserPart::Text(part["text"].as_str()?.to_owned())),
        "image_url" => {
            let image = &part["image_url"];
            let url = image["url"].as_str()?;
            // `detail` has no place in the interface, and `auto` is what its absence means.
            let is_plain = image["detail"].is_null() || image["detail"] == "auto";
            is_plain.then(|| UserPart::Image(inline(url).unwrap_or_else(|| MediaSource::Url(url.to_owned()))))
        }
        _ => None,
    }
}

/// The bytes of `data:image/png;base64,...`.
fn inline(url: &str) -> Option<MediaSource> {
    let (media_type, data) = url.strip_prefix("data:")?.split_once(";base64,")?;
    Some(MediaSource::Inline(Media { media_type: media_type.to_owned(), data: STANDARD.decode(data).ok()? }))
}

fn assistant(message: &Value, content: Option<&Value>) -> Option<Vec<AssistantPart>> {
    let mut all = Vec::new();
    for detail in message["reasoning_details"].as_array().into_iter().flatten() {
        let text = |name: &str| detail[name].as_str().map(ToOwned::to_owned);
        let thinking = Thinking { text: text("text").unwrap_or_default(), signature: text("signature") };
        all.push(AssistantPart::Thinking(thinking));
    }
    // Where there are details, the same stands in them.
    if let Some(text) = message["reasoning_content"].as_str().filter(|_| all.is_empty()) {
        all.push(AssistantPart::Thinking(Thinking { text: text.to_owned(), signature: None }));
    }
    if let Some(content) = content {
        all.push(AssistantPart::Text(text(content)?));
    }
    for call in message["tool_calls"].as_array().into_iter().flatten() {
        let function = call["function"].as_object().filter(|_| call["type"] == "function")?;
        let text = |name| function.get(name).and_then(Value::as_str).map(ToOwned::to_owned);
        all.push(AssistantPart::ToolCall(ToolCall {
            id: call["id"].as_str()?.to_owned(),
            name: text("name")?,
            arguments_json: text("arguments").unwrap_or_default(),
            signature: call["extra_content"]["signature"].as_str().map(ToOwned::to_owned),
        }));
    }
    Some(all)
}

/// A whole answer, as JSON.
pub fn answer(response: Response, created: u64) -> Vec<u8> {
    let mut message = Delta { role: Some("assistant"), ..Delta::default() };
    let mut content: Option<String> = None;
    let mut reasoning: Option<String> = None;
    for part in response.content {
        match part {
            AssistantPart::Text(text) => content.get_or_insert_default().push_str(&text),
            AssistantPart::Thinking(thinking) => {
                reasoning.get_or_insert_default().push_str(&thinking.text);
                message.reasoning_details.extend(details(&thinking));
            }
            AssistantPart::ToolCall(call) => message.tool_calls.push(CallDelta {
                index: None,
                id: Some(call.id),
                r#type: Some("function"),
                function: FunctionDelta { name: Some(call.name), arguments: call.arguments_json },
                extra_content: extra_content(call.signature),
            }),
        }
    }
    if content.is_none() && message.tool_calls.is_empty() {
        content = Some(String::new());
    }
    message.content = Some(content);
    message.reasoning_content = reasoning;
    let completion = json!({
        "id": response.id,
        "object": "chat.completion",
        "created": created,
        "model": response.model,
        "choices": [{"index": 0, "message": message, "logprobs": null, "finish_reason": finish_reason(&response.finish_reason)}],
        "usage": response.usage.as_ref().map(usage),
    });
    let mut bytes = completion.to_string().into_bytes();
    add_guardrails(&mut bytes, response.guardrails_json.as_deref());
    bytes
}

/// Puts `"hook_results"`, as Portkey calls the results of its guardrails, at the end of an object.
fn add_guardrails(object: &mut Vec<u8>, results: Option<&str>) {
    let Some(results) = results.and_then(|results| serde_json::from_str::<&RawValue>(results).ok()) else { return };
    if object.pop() == Some(b'}') {
        object.extend_from_slice(b",\"hook_results\":");
        object.extend_from_slice(results.get().as_bytes());
        object.push(b'}');
    }
}

fn finish_reason(reason: &FinishReason) -> &str {
    match reason {
        FinishReason::Stop => "stop",
        FinishReason::Length => "length",
        FinishReason::ToolCalls => "tool_calls",
        FinishReason::ContentFilter => "content_filter",
        FinishReason::Other(reason) => reason,
    }
}

fn usage(usage: &Usage) -> Value {
    json!({
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens.saturating_add(usage.output_tokens),
        "prompt_tokens_details": {
            "cached_tokens": usage.cache_read_tokens.unwrap_or(0),
            "cache_write_tokens": usage.cache_write_tokens.unwrap_or(0),
        },
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning_tokens.unwrap_or(0)},
    })
}

/// A message, or a piece of one.
#[derive(Debug, Default, Serialize)]
struct Delta {
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'static str>,
    /// `None`: absent. `Some(None)`: null.
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_content: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reasoning_details: Vec<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<CallDelta>,
}

#[derive(Debug, Serialize)]
struct CallDelta {
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    r#type: Option<&'static str>,
    function: FunctionDelta,
    #[serde(skip_serializing_if = "Option::is_none")]
    extra_content: Option<Value>,
}

#[derive(Debug, Serialize)]
struct FunctionDelta {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    arguments: String,
}

/// Reasoning that is of use to the model later: the one with a signature.
fn details(thinking: &Thinking) -> Option<Value> {
    let signature = thinking.signature.as_ref()?;
    Some(json!({"type": "reasoning.text", "text": thinking.text, "signature": signature}))
}

/// Where the signature of a call stands. Clients send a message back with all that is in it.
fn extra_content(signature: Option<String>) -> Option<Value> {
    signature.map(|signature| json!({"signature": signature}))
}

/// Writes a streamed answer, event by event.
#[derive(Debug, Default)]
pub struct Chunks {
    created: u64,
    include_usage: bool,
    /// All of a chunk up to the choices.
    start: String,
    /// Told at the end. The official clients take the usage of the last chunk, even where it has none.
    usage: Option<Usage>,
    /// Results that go along with the next chunk.
    guardrails: Option<String>,
    /// Reasoning since the last signature: a signature is for all of it.
    reasoning: String,
    /// How many pieces of reasoning had one.
    signed: u32,
}

impl Chunks {
    /// A stream that starts at this time, in seconds since 1970.
    pub fn new(created: u64, include_usage: bool) -> Self {
        let mut chunks = Self { created, include_usage, ..Self::default() };
        chunks.name("", "");
        chunks
    }

    fn name(&mut self, id: &str, model: &str) {
        let head =
            json!({"id": id, "object": "chat.completion.chunk", "created": self.created, "model": model}).to_string();
        self.start = format!("{},\"choices\":[", head.trim_end_matches('}'));
    }

    /// The events that these events of the provider make.
    pub fn push(&mut self, events: Vec<Event>, out: &mut Vec<u8>) {
        for event in events {
            let (delta, finish) = match event {
                Event::Start(start) => {
                    self.name(&start.id, &start.model);
                    (Delta { role: Some("assistant"), content: Some(Some(String::new())), ..Delta::default() }, None)
                }
                Event::Text(text) => (Delta { content: Some(Some(text)), ..Delta::default() }, None),
                Event::Thinking(thinking) => (self.thinking(thinking), None),
                Event::ToolCall(call) => {
                    let delta = CallDelta {
                        index: Some(call.index),
                        r#type: call.id.is_some().then_some("function"),
                        id: call.id,
                        function: FunctionDelta { name: call.name, arguments: call.arguments_fragment },
                        extra_content: extra_content(call.signature),
                    };
                    (Delta { tool_calls: [delta].into(), ..Delta::default() }, None)
                }
                Event::Finish(reason) => (Delta::default(), Some(reason)),
                Event::Usage(used) => {
                    self.usage = Some(used).filter(|_| self.include_usage);
                    continue;
                }
                Event::GuardrailsJson(results) => {
                    if self.guardrails.is_some() {
                        self.chunk("", "null", out);
                    }
                    self.guardrails = Some(results);
                    continue;
                }
            };
            let delta = serde_json::to_string(&delta).unwrap_or_default();
            let finish = json!(finish.as_ref().map(finish_reason));
            self.chunk(&format!("{{\"index\":0,\"delta\":{delta},\"finish_reason\":{finish}}}"), "null", out);
        }
    }

    /// What is still held when no more events come: the results of guardrails over the answer come after all of it.
    pub fn end(&mut self, out: &mut Vec<u8>) {
        let used = self.usage.take();
        if used.is_some() || self.guardrails.is_some() {
            self.chunk("", &json!(used.as_ref().map(usage)).to_string(), out);
        }
    }

    fn thinking(&mut self, thinking: Thinking) -> Delta {
        self.reasoning.push_str(&thinking.text);
        let whole = Thinking { text: self.reasoning.clone(), signature: thinking.signature };
        let mut reasoning_details: Vec<Value> = details(&whole).into_iter().collect();
        for detail in &mut reasoning_details {
            // The official clients join what has one number.
            detail["index"] = self.signed.into();
            self.signed += 1;
            self.reasoning.clear();
        }
        Delta { reasoning_content: Some(thinking.text), reasoning_details, ..Delta::default() }
    }

    fn chunk(&mut self, choice: &str, usage: &str, out: &mut Vec<u8>) {
        out.extend_from_slice(b"data: ");
        let mut chunk = format!("{}{choice}]", self.start);
        if self.include_usage {
            chunk.push_str(",\"usage\":");
            chunk.push_str(usage);
        }
        chunk.push('}');
        let mut chunk = chunk.into_bytes();
        add_guardrails(&mut chunk, self.guardrails.take().as_deref());
        out.extend_from_slice(&chunk);
        out.extend_from_slice(b"\n\n");
    }
}

/// The event that ends a whole stream.
pub const DONE: &[u8] = b"data: [DONE]\n\n";

/// The event that ends a stream which failed: the official clients raise it.
pub fn error_event(failure: &Failure) -> Vec<u8> {
    format!("data: {}\n\n", failure.body()).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bindings::openclaw::provider::chat::{ReplyStart, ToolCallDelta};
    use crate::bindings::openclaw::provider::types::GatewayReport;
    use alloc::vec;

    fn call(body: &Value) -> Result<Call, Box<Failure>> {
        read(body.to_string().as_bytes())
    }

    fn request(mut body: Value) -> Request {
        let fields = body.as_object_mut().unwrap();
        fields.entry("model").or_insert("m".into());
        fields.entry("messages").or_insert(json!([{"role": "user", "content": "hello"}]));
        call(&body).unwrap().request
    }

    fn extra(request: &Request) -> Value {
        request.extra_json.as_deref().map_or(Value::Null, |extra| serde_json::from_str(extra).unwrap())
    }

    #[test]
    fn what_the_interface_knows_is_typed() {
        let request = request(json!({
            "messages": [
                {"role": "system", "content": "be brief"},
                {"role": "user", "content": [
                    {"type": "text", "text": "what is this?"},
                    {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo=", "detail": "auto"}},
                    {"type": "image_url", "image_url": {"url": "https://images.example/cat.jpg"}},
                ]},
                {"role": "assistant", "content": null, "reasoning_details": [{"type": "reasoning.text", "text": "hm", "signature": "s"}],
                 "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}, "extra_content": {"signature": "t"}}]},
                {"role": "tool", "tool_call_id": "c1", "content": [{"type": "text", "text": "ra"}, {"type": "text", "text": "in"}]},
            ],
            "tools": [{"type": "function", "function": {"name": "f", "parameters": {"z": 1, "a": 2}, "strict": true}}],
            "tool_choice": {"type": "function", "function": {"name": "f"}},
            "response_format": {"type": "json_schema", "json_schema": {"name": "n"}},
            "max_tokens": 7, "max_completion_tokens": 9, "temperature": 0.7, "top_p": 0.5, "stop": "END", "seed": -1,
            "reasoning_effort": "low", "parallel_tool_calls": false, "stream": true, "stream_options": {"include_usage": true},
            "n": 1, "user": null,
        }));
        let png = Media { media_type: "image/png".into(), data: b"\x89PNG\r\n\x1a\n".to_vec() };
        assert_eq!(
            request.messages,
            [
                Message::System("be brief".into()),
                Message::User(vec![
                    UserPart::Text("what is this?".into()),
                    UserPart::Image(MediaSource::Inline(png)),
                    UserPart::Image(MediaSource::Url("https://images.example/cat.jpg".into())),
                ]),
                Message::Assistant(vec![
                    AssistantPart::Thinking(Thinking { text: "hm".into(), signature: Some("s".into()) }),
                    AssistantPart::ToolCall(ToolCall {
                        id: "c1".into(),
                        name: "f".into(),
                        arguments_json: "{}".into(),
                        signature: Some("t".into()),
                    }),
                ]),
                Message::ToolResult(ToolResult { call_id: "c1".into(), text: "rain".into() }),
            ]
        );
        assert_eq!(request.tools[0].parameters_schema_json, r#"{"z":1,"a":2}"#, "the order counts to a model");
        assert_eq!(request.tool_choice, Some(ToolChoice::Named("f".into())));
        assert_eq!(request.response_format, Some(ResponseFormat::JsonSchema(r#"{"name":"n"}"#.into())));
        assert_eq!((request.max_output_tokens, request.seed), (Some(9), Some(-1)));
        assert_eq!((request.temperature, request.top_p), (Some(0.7), Some(0.5)));
        assert_eq!((request.stop, request.reasoning_effort), (vec!["END".to_owned()], Some("low".to_owned())));
        assert_eq!((request.parallel_tool_calls, request.extra_json), (Some(false), Some(r#"{"user":null}"#.into())));
    }

    #[test]
    fn what_it_cannot_express_goes_along_as_it_is() {
        let messages = json!([
            {"role": "developer", "content": "be brief"},
            {"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "x", "format": "wav"}}]},
        ]);
        let allowed = json!({"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": []}});
        let request = request(json!({
            "messages": messages, "tool_choice": allowed, "response_format": {"type": "grammar"}, "logit_bias": {"50256": -100},
            "metadata": {"a": "b"}, "stop": [1],
        }));
        assert!(request.messages.is_empty() && request.tool_choice.is_none() && request.response_format.is_none());
        assert_eq!(
            extra(&request),
            json!({
                "messages": messages, "tool_choice": allowed, "response_format": {"type": "grammar"},
                "logit_bias": {"50256": -100}, "metadata": {"a": "b"}, "stop": [1],
            })
        );
    }

    /// A call whose function and whose self hold more than the interface knows.
    fn called(call: Value, function: Value) -> Value {
        let mut all = json!({"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}});
        all["function"].as_object_mut().unwrap().extend(function.as_object().unwrap().clone());
        all.as_object_mut().unwrap().extend(call.as_object().unwrap().clone());
        json!({"role": "assistant", "content": null, "tool_calls": [all]})
    }

    #[test]
    fn what_it_cannot_express_inside_of_a_message_takes_all_of_them_along() {
        let cached = json!([{"type": "text", "text": "long", "cache_control": {"type": "ephemeral"}}]);
        for message in [
            json!({"role": "system", "content": cached}),
            json!({"role": "user", "content": cached}),
            json!({"role": "tool", "tool_call_id": "c1", "content": cached}),
            json!({"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://x.example/1", "format": "png"}}]}),
            json!({"role": "assistant", "content": null, "refusal": "I cannot"}),
            json!({"role": "assistant", "content": null, "audio": {"id": "a1"}}),
            json!({"role": "assistant", "content": null, "function_call": {"name": "f", "arguments": "{}"}}),
            json!({"role": "assistant", "content": "x", "prefix": true}),
            json!({"role": "assistant", "content": "x", "content_blocks": [{"type": "thinking", "thinking": "t", "signature": "s"}]}),
            json!({"role": "assistant", "content": "x", "reasoning_details": [{"type": "reasoning.encrypted", "data": "e", "id": "r"}]}),
            called(json!({"extra_content": {"google": {"thought_signature": "s"}}}), json!({})),
            called(json!({}), json!({"thought_signature": "s"})),
            called(json!({}), json!({"arguments": {"a": 1}})),
        ] {
            let messages = json!([{"role": "user", "content": "hello"}, message]);
            let request = request(json!({"messages": messages}));
            assert_eq!((request.messages.len(), &extra(&request)["messages"]), (0, &messages));
        }
    }

    #[test]
    fn what_answers_and_clients_add_to_a_message_may_come_back() {
        let added = json!({
            "role": "assistant", "content": "x", "refusal": null, "audio": null, "function_call": null, "tool_calls": null,
            "annotations": [{"type": "url_citation", "url_citation": {"start_index": 0}}], "parsed": {"x": 1},
        });
        let call = called(json!({"index": 0}), json!({"parsed_arguments": {"a": 1}}));
        let reasoned = json!({"role": "assistant", "content": "x", "reasoning_content": "hm"});
        let request = request(json!({"messages": [added, call, reasoned]}));
        assert_eq!((request.messages.len(), &request.extra_json), (3, &None));
        let thinking = AssistantPart::Thinking(Thinking { text: "hm".into(), signature: None });
        assert_eq!(request.messages[2], Message::Assistant(vec![thinking, AssistantPart::Text("x".into())]));
    }

    #[test]
    fn a_signature_goes_back_whatever_is_beside_it() {
        let cached = json!({"role": "user", "content": [{"type": "text", "text": "hello", "cache_control": {}}]});
        let details = json!([{"type": "reasoning.text", "text": "hm", "signature": "s"}]);
        for signed in [
            json!({"role": "assistant", "content": "x", "reasoning_details": details}),
            called(json!({"extra_content": {"signature": "s"}}), json!({})),
        ] {
            let request = request(json!({"messages": [cached, signed]}));
            assert_eq!((request.messages.len(), &request.extra_json), (2, &None), "{signed}");
        }
    }

    #[test]
    fn what_it_cannot_express_in_a_tool_takes_all_of_them_along() {
        let plain =
            json!({"type": "function", "function": {"name": "f", "description": null, "parameters": {"any": 1}}});
        let mut cached = plain.clone();
        cached["cache_control"] = json!({"type": "ephemeral"});
        let mut more = plain.clone();
        more["function"]["input_examples"] = json!([{}]);
        for tool in [cached, more] {
            let tools = json!([plain, tool]);
            let request = request(json!({"tools": tools}));
            assert_eq!((request.tools.len(), extra(&request)), (0, json!({"tools": tools})));
        }
        assert_eq!(request(json!({"tools": [plain]})).extra_json, None);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let hello = json!([{"role": "user", "content": "hello"}]);
        for (body, param) in [
            (json!({"messages": hello}), "model"),
            (json!({"model": " ", "messages": hello}), "model"),
            (json!({"model": "m"}), "messages"),
            (json!({"model": "m", "messages": []}), "messages"),
            (json!({"model": "m", "messages": hello, "n": 2}), "n"),
            (json!({"model": "m", "messages": hello, "logprobs": true}), "logprobs"),
            (json!({"model": "m", "messages": hello, "audio": {}}), "audio"),
            (json!({"model": "m", "messages": hello, "functions": []}), "functions"),
            (json!({"model": "m", "messages": hello, "tools": [{"type": "custom"}]}), "tools"),
            (json!({"model": "m", "messages": hello, "stream": "yes"}), "stream"),
            (json!({"model": "m", "messages": hello, "temperature": "hot"}), "temperature"),
            (json!({"model": "m", "messages": hello, "max_tokens": -1}), "max_tokens"),
        ] {
            let failure = call(&body).unwrap_err();
            assert_eq!((failure.status, failure.param.as_deref()), (400, Some(param)), "{body}");
        }
        for body in [&b""[..], b"[]", b"{", b"\xff", &[b'['; 100_000]] {
            assert_eq!(read(body).unwrap_err().status, 400);
        }
    }

    #[test]
    fn one_and_one_point_zero_are_the_same_number() {
        let whole = request(json!({"n": 1.0, "max_tokens": 100.0, "seed": -3.0, "temperature": 1}));
        assert_eq!((whole.max_output_tokens, whole.seed, whole.temperature), (Some(100), Some(-3), Some(1.0)));
        let exact = request(json!({"seed": 9_007_199_254_740_993_i64}));
        assert_eq!(exact.seed, Some(9_007_199_254_740_993), "and no number is read as its neighbour");
        let body = json!({"model": "m", "messages": [{"role": "user", "content": "hello"}], "max_tokens": 1.5});
        assert_eq!(call(&body).unwrap_err().param.as_deref(), Some("max_tokens"));
    }

    fn used() -> Usage {
        Usage {
            input_tokens: 5,
            output_tokens: 3,
            cache_read_tokens: Some(2),
            cache_write_tokens: None,
            reasoning_tokens: Some(1),
        }
    }

    #[test]
    fn a_whole_answer() {
        let report = GatewayReport {
            trace_id: None,
            provider: None,
            cache_status: None,
            retry_attempts: None,
            used_target: None,
        };
        let response = Response {
            id: "id".into(),
            model: "m".into(),
            content: vec![
                AssistantPart::Thinking(Thinking { text: "hm".into(), signature: Some("s".into()) }),
                AssistantPart::Text("a\"".into()),
                AssistantPart::Text("b".into()),
                AssistantPart::ToolCall(ToolCall {
                    id: "c1".into(),
                    name: "f".into(),
                    arguments_json: "{}".into(),
                    signature: None,
                }),
            ],
            finish_reason: FinishReason::ToolCalls,
            usage: Some(used()),
            guardrails_json: Some(r#"{"before":[]}"#.into()),
            report,
        };
        let json: Value = serde_json::from_slice(&answer(response, 7)).unwrap();
        assert_eq!(
            json,
            json!({
                "id": "id", "object": "chat.completion", "created": 7, "model": "m",
                "choices": [{"index": 0, "logprobs": null, "finish_reason": "tool_calls", "message": {
                    "role": "assistant", "content": "a\"b", "reasoning_content": "hm",
                    "reasoning_details": [{"type": "reasoning.text", "text": "hm", "signature": "s"}],
                    "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
                }}],
                "usage": {
                    "prompt_tokens": 5, "completion_tokens": 3, "total_tokens": 8,
                    "prompt_tokens_details": {"cached_tokens": 2, "cache_write_tokens": 0},
                    "completion_tokens_details": {"reasoning_tokens": 1},
                },
                "hook_results": {"before": []},
            })
        );
    }

    /// The JSON of each chunk.
    fn chunks(events: Vec<Event>, include_usage: bool) -> Vec<Value> {
        let mut out = Vec::new();
        let mut chunks = Chunks::new(7, include_usage);
        chunks.push(events, &mut out);
        chunks.end(&mut out);
        let text = String::from_utf8(out).unwrap();
        let events = text.strip_suffix("\n\n").unwrap().split("\n\n");
        events.map(|event| serde_json::from_str(event.strip_prefix("data: ").unwrap()).unwrap()).collect()
    }

    fn all_events() -> Vec<Event> {
        let call = |id: Option<&str>, name: Option<&str>, fragment: &str| {
            Event::ToolCall(ToolCallDelta {
                index: 0,
                id: id.map(Into::into),
                name: name.map(Into::into),
                arguments_fragment: fragment.into(),
                signature: None,
            })
        };
        vec![
            Event::Start(ReplyStart { id: "id".into(), model: "m".into() }),
            Event::Thinking(Thinking { text: "h".into(), signature: None }),
            Event::Thinking(Thinking { text: "m".into(), signature: Some("s".into()) }),
            Event::Text("two\nlines".into()),
            call(Some("c1"), Some("f"), ""),
            call(None, None, "{}"),
            Event::GuardrailsJson(r#"{"before":[]}"#.into()),
            Event::Finish(FinishReason::ToolCalls),
            Event::Usage(used()),
        ]
    }

    #[test]
    fn chunks_of_a_stream() {
        let chunks = chunks(all_events(), true);
        let deltas: Vec<&Value> = chunks.iter().map(|chunk| &chunk["choices"][0]["delta"]).collect();
        assert_eq!(*deltas[0], json!({"role": "assistant", "content": ""}));
        assert_eq!(*deltas[1], json!({"reasoning_content": "h"}));
        let detail = json!({"type": "reasoning.text", "text": "hm", "signature": "s", "index": 0});
        assert_eq!(deltas[2]["reasoning_details"], json!([detail]));
        assert_eq!(*deltas[3], json!({"content": "two\nlines"}));
        assert_eq!(
            *deltas[4],
            json!({"tool_calls": [{"index": 0, "id": "c1", "type": "function", "function": {"name": "f", "arguments": ""}}]})
        );
        assert_eq!(*deltas[5], json!({"tool_calls": [{"index": 0, "function": {"arguments": "{}"}}]}));
        assert_eq!(chunks[6]["choices"][0], json!({"index": 0, "delta": {}, "finish_reason": "tool_calls"}));
        assert_eq!(chunks[6]["hook_results"], json!({"before": []}));
        assert_eq!((&chunks[7]["choices"], &chunks[7]["usage"]["total_tokens"]), (&json!([]), &json!(8)));
        for chunk in &chunks {
            assert_eq!((&chunk["id"], &chunk["model"], &chunk["created"]), (&json!("id"), &json!("m"), &json!(7)));
            assert_eq!(chunk["object"], "chat.completion.chunk");
        }
        assert!(chunks[..7].iter().all(|chunk| chunk["usage"].is_null() && chunk.get("usage").is_some()));
    }

    #[test]
    fn usage_comes_where_it_was_asked_for() {
        let chunks = chunks(all_events(), false);
        assert_eq!(chunks.len(), 7);
        assert!(chunks.iter().all(|chunk| chunk.get("usage").is_none()));
    }

    #[test]
    fn each_signed_piece_of_reasoning_has_a_number() {
        let signed = |text: &str| Event::Thinking(Thinking { text: text.into(), signature: Some("s".into()) });
        let chunks = chunks(vec![signed("a"), signed("b")], false);
        let details: Vec<_> =
            chunks.iter().map(|chunk| &chunk["choices"][0]["delta"]["reasoning_details"][0]).collect();
        let numbered: Vec<_> = details.iter().map(|detail| (&detail["text"], &detail["index"])).collect();
        assert_eq!(numbered, [(&json!("a"), &json!(0)), (&json!("b"), &json!(1))]);
    }

    #[test]
    fn no_results_of_guardrails_are_lost() {
        let results = |number: u8| Event::GuardrailsJson(json!({"number": number}).to_string());
        for include_usage in [false, true] {
            let start = Event::Start(ReplyStart { id: "id".into(), model: "m".into() });
            let events =
                [results(1), results(2), start, Event::Finish(FinishReason::Stop), Event::Usage(used()), results(3)];
            let chunks = chunks(events.into(), include_usage);
            let held: Vec<_> =
                chunks.iter().map(|chunk| (&chunk["hook_results"]["number"], &chunk["choices"])).collect();
            assert_eq!(held[0], (&json!(1), &json!([])), "one does not take the place of another");
            assert_eq!((held[1].0, held[2].0), (&json!(2), &Value::Null));
            assert_eq!(held[3..], [(&json!(3), &json!([]))]);
            assert_eq!(chunks[3]["usage"]["total_tokens"].as_u64(), include_usage.then_some(8));
        }
    }

    #[test]
    fn an_error_in_a_stream_is_one_event() {
        let event = String::from_utf8(error_event(&Failure::new(502, "truncated", "It\nbroke"))).unwrap();
        let json: Value = serde_json::from_str(event.strip_prefix("data: ").unwrap()).unwrap();
        assert_eq!(event.matches('\n').count(), 2, "an event is one line");
        assert_eq!((&json["error"]["code"], &json["error"]["message"]), (&json!("truncated"), &json!("It\nbroke")));
    }
}
