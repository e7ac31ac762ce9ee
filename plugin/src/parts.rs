//! The meaning of the parts of an answer, whole or streamed.

use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::mem;

use crate::bindings::exports::openclaw::provider::chat::{
    AssistantPart, Event, FinishReason, Response, Thinking, ToolCall,
};
use crate::bindings::openclaw::provider::types::{Error, GatewayReport, Media, MediaSource};
use crate::error::{self, Result};
use crate::json::{Json, Object};
use crate::report::Head;
use crate::text::present;
use crate::wire;
use crate::{base64, images, signature};

/// The reasoning in one of Portkey's content blocks.
pub(crate) fn block_thinking(block: &mut wire::Block<'_>) -> Option<Thinking> {
    let signature = match present(mem::take(&mut block.data)) {
        Some(data) => Some([block.form, signature::REDACTED, &data].concat()),
        None => present(mem::take(&mut block.signature)).map(|signature| [block.form, &signature].concat()),
    };
    let text = mem::take(&mut block.thinking.text).into_owned();
    (!text.is_empty() || signature.is_some()).then_some(Thinking { text, signature })
}

/// The image in a part of an answer.
pub(crate) fn picture(head: &Head, image: &wire::Image<'_>) -> Result<MediaSource> {
    if let Some(error) = error::refused_image(&image.reason, head) {
        return Err(error);
    }
    let base64 = if image.url.starts_with("data:") { &image.url } else { &image.base64 };
    if base64.is_empty() {
        return Ok(MediaSource::Url(image.url.clone().into_owned()));
    }
    let data = base64::decoded(base64.as_bytes())
        .map_err(|_| error::protocol(head, "An image in the answer is not base64", b"..."))?;
    images::check(head, &data)?;
    let named =
        base64.strip_prefix("data:").and_then(|rest| rest.split([';', ',']).next()).filter(|kind| kind.contains('/'));
    let media_type = images::sniff(&data).map(|(kind, _)| kind).or(named).unwrap_or("image/png").to_owned();
    Ok(MediaSource::Inline(Media { media_type, data }))
}

/// Sources that a provider lists beside its answer, each as OpenAI has it.
pub(crate) fn citation(source: &Json<'_>) -> Option<String> {
    let cited = match source.object() {
        Some(object) if object.get("type").is_some() => return Some(object.to_json()),
        Some(object) => object,
        None => [("url", Json::Text(source.string()?))].into(),
    };
    Some(Object::from([("type", "url_citation".into()), ("url_citation", cited.into())]).to_json())
}

/// Whether a text that ends with this tag ends with a call in a model's own form, whose provider should have read it: Kimi's
/// `<|tool_calls_section_end|>` or a part of it, DeepSeek's `<｜tool▁calls▁end｜>` and `</｜DSML｜function_calls>`, and Gemma's
/// `<tool_call|>`, or what follows it (openclaw#60465). Words such as `</tool_call>` are a call's only where tools were offered: OpenClaw takes
/// them out of the text, and calls nothing (2026.9.6).
pub(crate) fn ends_call(tag: &str, offers_tools: bool) -> bool {
    let tag = tag.replace('｜', "|").replace('▁', "_");
    let tag = tag.trim_end();
    let ends = |ends: &[&str]| ends.iter().any(|end| tag.ends_with(end));
    let is_cut = |tag: &str| tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"<|_".contains(&byte));
    tag.starts_with("<|tool_call") && (ends(&["_end|>"]) || is_cut(tag))
        || tag.starts_with("</|DSML|") && tag.ends_with('>')
        || ["<tool_call|>", "<|tool_response>"].contains(&tag)
        || offers_tools
            && tag.starts_with("</")
            && ends(&["tool_call>", "tool_calls>", "function_call>", "function_calls>"])
}

/// Whether a text, where tools were offered, begins as a call in a model's own form: of Mistral, gpt-oss (Rapid-MLX#444),
/// Llama, Nemotron and Granite, or in mere JSON. OpenClaw reads `to=NAME code`.
pub(crate) fn begins_call(start: &str) -> bool {
    let forms = [
        "[TOOL_CALLS]", "<|channel|>commentary to=", "commentary to=functions.", "<|python_tag|>", "<TOOLCALL>",
        "<|tool_call|>",
    ];
    let start = start.trim_start();
    let start = start.strip_prefix("<|start|>assistant").unwrap_or(start);
    forms.iter().any(|form| start.starts_with(form)) && !start.contains(" code") || is_bare_call(start)
}

/// As a schema's members begin, without white space.
const SCHEMA: &str = "\"type\":\"obj";

/// Whether a text begins as a call in mere JSON: of Llama behind vLLM without a parser, and of Qwen Coder behind Ollama.
fn is_bare_call(start: &str) -> bool {
    let start: String = start.split_ascii_whitespace().collect();
    let start = start.strip_prefix('[').unwrap_or(&start).strip_prefix('{').unwrap_or_default();
    let start = start.strip_prefix("\"type\":\"function\",").unwrap_or(start);
    let is_name = |name: &str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte));
    let named = start.strip_prefix("\"name\":\"").and_then(|named| named.split_once("\",\""));
    let arguments = match named {
        Some((name, rest)) if is_name(name) => {
            ["arguments\":{", "parameters\":{"].iter().find_map(|member| rest.strip_prefix(member))
        }
        // Some have them first (mudler/LocalAI#10052).
        _ => start.strip_prefix("\"arguments\":{"),
    };
    // A schema is what describes a tool. What may still become one is no call.
    arguments.is_some_and(|arguments| !arguments.starts_with(SCHEMA) && !SCHEMA.starts_with(arguments))
}

/// The events of a stream as the parts of a whole answer, in the order in which they began.
pub(crate) fn join(events: Vec<Event>, report: GatewayReport) -> Response {
    let mut whole = Response {
        id: String::new(),
        model: String::new(),
        content: Vec::new(),
        finish_reason: FinishReason::Stop,
        usage: None,
        guardrails_json: None,
        report,
    };
    // Where in the content each call is.
    let mut calls = Vec::new();
    for event in events {
        let content = &mut whole.content;
        match (event, content.last_mut()) {
            (Event::Start(start), _) => (whole.id, whole.model) = (start.id, start.model),
            (Event::Text(text), Some(AssistantPart::Text(last))) => last.push_str(&text),
            (Event::Text(text), _) => content.push(AssistantPart::Text(text)),
            (Event::Refusal(text), Some(AssistantPart::Refusal(last))) => last.push_str(&text),
            (Event::Refusal(text), _) => content.push(AssistantPart::Refusal(text)),
            // A text with a signature is a block of its own.
            (Event::Thinking(piece), Some(AssistantPart::Thinking(last)))
                if last.signature.is_none() && (piece.text.is_empty() || piece.signature.is_none()) =>
            {
                last.text.push_str(&piece.text);
                last.signature = piece.signature;
            }
            (Event::Thinking(piece), _) => content.push(AssistantPart::Thinking(piece)),
            (Event::Image(image), _) => content.push(AssistantPart::Image(image)),
            (Event::Other(part), _) => content.push(AssistantPart::Other(part)),
            (Event::ToolCall(delta), _) => {
                if let (Some(id), Some(name)) = (delta.id, delta.name) {
                    calls.push(content.len());
                    let (arguments_json, signature) = (delta.arguments_fragment, delta.signature);
                    content.push(AssistantPart::ToolCall(ToolCall { id, name, arguments_json, signature }));
                } else if let Some(AssistantPart::ToolCall(call)) =
                    calls.get(delta.index as usize).and_then(|at| content.get_mut(*at))
                {
                    call.arguments_json.push_str(&delta.arguments_fragment);
                    call.signature = delta.signature.or(call.signature.take());
                }
            }
            (Event::Finish(reason), _) => whole.finish_reason = reason,
            (Event::Usage(usage), _) => whole.usage = Some(usage),
            (Event::GuardrailsJson(results), _) => whole.guardrails_json = Some(results),
        }
    }
    whole
}

/// The most tool calls, or items, in one answer.
pub(crate) const MAX_CALLS: usize = 4096;

/// The error for more than [`MAX_CALLS`].
pub(crate) fn too_many(head: &Head, what: &str) -> Box<Error> {
    error::protocol(head, &format!("The answer holds more than {MAX_CALLS} {what}"), b"...")
}

/// The error for a reason of tool calls without a call.
pub(crate) fn no_call(head: &Head, quote: &[u8]) -> Box<Error> {
    error::protocol(head, "The model calls a tool, and the answer does not say which", quote)
}

/// The error for what an answer says of itself under `error`.
pub(crate) fn told(head: &Head, said: &Json<'_>) -> Box<Error> {
    error::from_response(head, format!(r#"{{"error":{}}}"#, said.to_json()).as_bytes())
}

/// An id for a call whose provider gave none: the result must name one.
pub(crate) fn call_id(at: usize) -> String {
    format!("call_{at}")
}
