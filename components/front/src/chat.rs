//! Chat completions on OpenAI's wire: the request's body, a whole answer, and the chunks of a streamed one.
//!
//! A body goes to the provider unchanged, with all its members: this module does not decide what a model can do. It
//! refuses only fields whose result no answer could return.
//!
//! Source: OpenAI's API reference, "Create chat completion"; for `reasoning_content` DeepSeek's, and for
//! `reasoning_details` and `images` OpenRouter's, which have no counterpart there.

#![allow(clippy::indexing_slicing, reason = "only JSON is indexed, by name: what is absent reads as null")]

use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::mem;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use crate::bindings::openclaw::provider::chat::{Ask, AssistantPart, Event, FinishReason, Request, Response, Thinking};
use crate::bindings::openclaw::provider::types::{MediaSource, Usage};
use crate::failure::Failure;
use crate::fields;

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
    let mut fields = fields::object(body)?;
    refuse_unanswerable(&fields)?;
    let stream = fields::flag(&mut fields, "stream")?.unwrap_or(false);
    let include_usage = fields.shift_remove("stream_options").is_some_and(|options| options["include_usage"] == true);
    if fields.get("model").and_then(Value::as_str).is_none_or(|model| model.trim().is_empty()) {
        return Err(Failure::invalid_field("model", "must name a model"));
    }
    if fields.get("messages").and_then(Value::as_array).is_none_or(Vec::is_empty) {
        return Err(Failure::invalid_field("messages", "must be a list of messages"));
    }
    let request = Request { ask: Ask::OpenaiJson(Value::Object(fields).to_string()), prompt_cache: None };
    Ok(Call { request, stream, include_usage })
}

/// What an answer could not bring back.
fn refuse_unanswerable(fields: &Map<String, Value>) -> Result<(), Box<Failure>> {
    let get = |name: &str| fields.get(name).filter(|value| !value.is_null());
    if get("n").is_some_and(|count| count.as_f64() != Some(1.0)) {
        return Err(Failure::invalid_field("n", "can only be 1 here: ask several times"));
    }
    if get("logprobs").is_some_and(|wanted| *wanted != false) {
        return Err(Failure::invalid_field("logprobs", "cannot be had here"));
    }
    if get("audio").is_some() {
        return Err(Failure::invalid_field("audio", "cannot be had here"));
    }
    let tools = get("tools").and_then(Value::as_array).into_iter().flatten();
    if tools.into_iter().any(|tool| tool["type"] == "custom") {
        return Err(Failure::invalid_field("tools", "must be functions: a call of a custom tool cannot be passed on"));
    }
    Ok(())
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
                let signature = thinking.signature.as_ref();
                message.reasoning_details.extend(signature.map(|signature| detail(&thinking.text, signature)));
            }
            AssistantPart::ToolCall(call) => message.tool_calls.push(CallDelta {
                index: None,
                id: Some(call.id),
                r#type: Some("function"),
                function: FunctionDelta { name: Some(call.name), arguments: call.arguments_json },
                extra_content: extra_content(call.signature),
            }),
            AssistantPart::Image(image) => message.images.push(image_part(image)),
            AssistantPart::Refusal(text) => message.refusal.get_or_insert_default().push_str(&text),
            AssistantPart::Other(part) => message.other(&part),
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

/// Puts `"hook_results"`, as Portkey calls the results of its guardrails, at the end of an object: on one line, since a line
/// break would end an event. In JSON none stands within a text.
fn add_guardrails(object: &mut Vec<u8>, results: Option<&str>) {
    let Some(results) = results.and_then(|results| serde_json::from_str::<&RawValue>(results).ok()) else { return };
    if object.pop() == Some(b'}') {
        object.extend_from_slice(b",\"hook_results\":");
        object.extend(results.get().bytes().filter(|byte| !b"\r\n".contains(byte)));
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
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    images: Vec<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    annotations: Vec<Value>,
    /// Parts that OpenAI has no place for, as Portkey calls them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    content_blocks: Vec<Value>,
}

impl Delta {
    /// A part of an answer, as JSON.
    fn other(&mut self, part: &str) {
        if fields::has_too_many_members(part.as_bytes()) {
            return;
        }
        let Ok(part) = serde_json::from_str::<Value>(part) else { return };
        let place = if part["type"] == "url_citation" { &mut self.annotations } else { &mut self.content_blocks };
        place.push(part);
    }
}

fn image_part(image: MediaSource) -> Value {
    let url = match image {
        MediaSource::Url(url) => url,
        MediaSource::Inline(media) => format!("data:{};base64,{}", media.media_type, STANDARD.encode(media.data)),
    };
    json!({"type": "image_url", "image_url": {"url": url}})
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
fn detail(text: &str, signature: &str) -> Value {
    json!({"type": "reasoning.text", "text": text, "signature": signature})
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

    /// They stand in each chunk: no longer than any real one is.
    fn name(&mut self, id: &str, model: &str) {
        let [id, model] = [id, model].map(|name| name.chars().take(256).collect::<String>());
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
                Event::Image(image) => (Delta { images: [image_part(image)].into(), ..Delta::default() }, None),
                Event::Refusal(text) => (Delta { refusal: Some(text), ..Delta::default() }, None),
                Event::Other(part) => {
                    let mut delta = Delta::default();
                    delta.other(&part);
                    (delta, None)
                }
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
        let mut delta = Delta { reasoning_content: Some(thinking.text), ..Delta::default() };
        if let Some(signature) = thinking.signature {
            let mut detail = detail(&mem::take(&mut self.reasoning), &signature);
            // The official clients join what has one number.
            detail["index"] = self.signed.into();
            self.signed += 1;
            delta.reasoning_details.push(detail);
        }
        delta
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
mod tests;
