//! Providers with APIs of their own, behind a gateway: Anthropic's Messages API, Bedrock's Converse and Gemini's
//! `generateContent`, whole and streamed. Each first refuses what the real one does (`super::strict`).
//!
//! What is said is computed from the request, as in `super::computed`: see [`super::computed::steps`] for the calls.

use axum::body::Body;
use axum::response::Response;
use serde_json::{Value, json};

use super::cache::Accounted;
use super::computed::{example, list, steps, text_of};
use super::respond::response;
use super::strict::family::{Family, Thinking};
use super::strict::{REDACTED, Signature, anthropic, bedrock, gemini};
use super::translate::set;

/// What is said to one request.
struct Said {
    model: String,
    thinking: Option<Thought>,
    text: String,
    calls: Vec<Call>,
    usage: Accounted,
}

enum Thought {
    /// Its text; empty where it is not shown.
    Shown(String),
    Redacted,
}

struct Call {
    id: String,
    name: String,
    arguments: Value,
}

/// What was asked, in any of the three languages.
#[derive(Default)]
struct Asked {
    /// The text of the last message of the user.
    said: String,
    /// What tools gave since then.
    results: Vec<String>,
    turns: usize,
    /// Name and schema.
    tools: Vec<(String, Value)>,
}

impl Asked {
    fn user(&mut self, text: &str) {
        if !self.results.is_empty() {
            self.results.clear();
            self.said.clear();
        }
        text.clone_into(&mut self.said);
    }
}

impl Said {
    fn to(model: &str, asked: &Asked, thinks: Option<&Family>, usage: Accounted) -> Self {
        let names: Vec<&str> = asked.tools.iter().map(|(name, _)| name.as_str()).collect();
        let call = |(index, at): (usize, usize)| {
            let (name, schema) = asked.tools.get(at)?;
            let id = format!("toolu_{}_{index}", asked.turns);
            Some(Call { id, name: name.clone(), arguments: example(schema, "value", 0) })
        };
        let calls: Vec<Call> =
            steps(&names, &asked.said, asked.results.len()).into_iter().enumerate().filter_map(call).collect();
        let text = match (asked.results.last(), asked.said.split_once("Reply with exactly ")) {
            _ if !calls.is_empty() => String::new(),
            (Some(result), _) => format!("The tool said: {result}"),
            (None, Some((_, exact))) => exact.trim().into(),
            (None, None) => format!("Hello, this is {model}. You said: \"{}\".", asked.said),
        };
        let thinking = thinks.map(|family| match family.thinking {
            _ if asked.said.contains("redacted thinking") => Thought::Redacted,
            // docs.claude.com, "Adaptive thinking": `display` is "omitted" by default from Opus 4.7 on.
            Thinking::Effort => Thought::Shown(String::new()),
            _ => Thought::Shown(format!("I read: {} And {} results.", asked.said, asked.results.len())),
        });
        Self { model: model.into(), thinking, text, calls, usage }
    }

    fn output(&self) -> u64 {
        5 + self.text.split_whitespace().count() as u64
    }
}

fn json_response(status: u16, body: &Value) -> Response {
    response(status, "application/json", Body::from(body.to_string()))
}

/// A request of Anthropic's Messages API, or one for Claude on Bedrock in that form.
fn asked_of_claude(body: &Value) -> Asked {
    let mut asked = Asked::default();
    for message in list(&body["messages"]) {
        asked.turns += 1;
        if message["role"] == "assistant" {
            continue;
        }
        if let Some(text) = message["content"].as_str() {
            asked.user(text);
        }
        for block in list(&message["content"]) {
            match block["type"].as_str() {
                Some("tool_result") => asked.results.push(text_of(&block["content"])),
                Some("text") => asked.user(block["text"].as_str().unwrap_or_default()),
                _ => {}
            }
        }
    }
    let tool = |tool: &Value| Some((tool["name"].as_str()?.to_owned(), tool["input_schema"].clone()));
    asked.tools = list(&body["tools"]).filter_map(tool).collect();
    asked
}

fn thinks<'f>(model: &str, body: &Value) -> Option<&'f Family> {
    Family::of(model).filter(|family| family.is_thinking(body))
}

/// `POST /v1/messages`, with the beta that its header asks for. In the body it is refused (MiXaiLL76/auto_ai_router#116); the
/// rules read it there all the same.
pub(super) fn messages(mut body: Value, beta: Option<&str>, account: impl FnOnce(&Value) -> Accounted) -> Response {
    let unknown = body.get("anthropic_beta").map(|_| "anthropic_beta: Extra inputs are not permitted".to_owned());
    if let Some(beta) = beta {
        set(&mut body, "anthropic_beta", beta);
    }
    let body = &body;
    if let Err(message) = unknown.map_or_else(|| anthropic::check(body), Err) {
        return json_response(
            400,
            &json!({"type": "error", "error": {"type": "invalid_request_error", "message": message}}),
        );
    }
    let model = body["model"].as_str().unwrap_or_default();
    let said = Said::to(model, &asked_of_claude(body), thinks(model, body), account(body));
    let mut blocks = Vec::new();
    match &said.thinking {
        None => {}
        Some(Thought::Shown(text)) => {
            let signature = Signature::of(&format!("{}{text}", anthropic::prefix(body)));
            blocks.push(json!({"type": "thinking", "thinking": text, "signature": signature}));
        }
        Some(Thought::Redacted) => blocks.push(json!({"type": "redacted_thinking", "data": REDACTED})),
    }
    if !said.text.is_empty() {
        blocks.push(json!({"type": "text", "text": said.text}));
    }
    for call in &said.calls {
        blocks.push(json!({"type": "tool_use", "id": call.id, "name": call.name, "input": call.arguments}));
    }
    let usage = json!({
        "input_tokens": said.usage.uncached,
        "cache_read_input_tokens": said.usage.read,
        "cache_creation_input_tokens": said.usage.written + said.usage.written_long,
        "output_tokens": said.output(),
    });
    let stop = if said.calls.is_empty() { "end_turn" } else { "tool_use" };
    let mut message = json!({
        "id": "msg_1", "type": "message", "role": "assistant", "model": said.model, "content": blocks,
        "stop_reason": stop, "stop_sequence": null, "usage": usage,
    });
    if body["stream"] != true {
        return json_response(200, &message);
    }
    let mut events = Vec::new();
    let mut event = |name: &str, mut data: Value| {
        data["type"] = name.into();
        events.push(format!("event: {name}\ndata: {data}\n\n"));
    };
    message["content"] = json!([]);
    message["stop_reason"] = Value::Null;
    message["usage"]["output_tokens"] = 1.into();
    event("message_start", json!({"message": message}));
    for (index, block) in blocks.iter().enumerate() {
        let delta =
            |kind: &str, name: &str, value: &Value| json!({"index": index, "delta": {"type": kind, (name): value}});
        let start = |block: Value| json!({"index": index, "content_block": block});
        match block["type"].as_str() {
            Some("thinking") => {
                event("content_block_start", start(json!({"type": "thinking", "thinking": "", "signature": ""})));
                if block["thinking"] != "" {
                    event("content_block_delta", delta("thinking_delta", "thinking", &block["thinking"]));
                }
                event("content_block_delta", delta("signature_delta", "signature", &block["signature"]));
            }
            Some("text") => {
                event("content_block_start", start(json!({"type": "text", "text": ""})));
                event("content_block_delta", delta("text_delta", "text", &block["text"]));
            }
            Some("tool_use") => {
                let call = json!({"type": "tool_use", "id": block["id"], "name": block["name"], "input": {}});
                event("content_block_start", start(call));
                let input = block["input"].to_string().into();
                event("content_block_delta", delta("input_json_delta", "partial_json", &input));
            }
            _ => event("content_block_start", start(block.clone())),
        }
        event("content_block_stop", json!({"index": index}));
    }
    event(
        "message_delta",
        json!({"delta": {"stop_reason": stop, "stop_sequence": null}, "usage": {"output_tokens": said.output()}}),
    );
    event("message_stop", json!({}));
    response(200, "text/event-stream", Body::from(events.concat()))
}

/// `POST /model/{model}/converse` and `converse-stream`.
pub(super) fn converse(model: &str, body: &Value, stream: bool, account: impl FnOnce(&Value) -> Accounted) -> Response {
    if let Err(message) = bedrock::check(model, body) {
        return json_response(400, &json!({"message": message}));
    }
    let claude = bedrock::as_messages(model, body);
    let said = Said::to(model, &asked_of_claude(&claude), thinks(model, &claude), account(&claude));
    let usage = json!({
        "inputTokens": said.usage.uncached,
        "outputTokens": said.output(),
        "cacheReadInputTokens": said.usage.read,
        "cacheWriteInputTokens": said.usage.written + said.usage.written_long,
        "totalTokens": said.usage.total() + said.output(),
    });
    let stop = if said.calls.is_empty() { "end_turn" } else { "tool_use" };
    let mut blocks = Vec::new();
    match &said.thinking {
        None => {}
        Some(Thought::Shown(text)) => {
            let signature = Signature::of(&format!("{}{text}", anthropic::prefix(&claude)));
            let text = json!({"text": text, "signature": signature});
            blocks.push(json!({"reasoningContent": {"reasoningText": text}}));
        }
        Some(Thought::Redacted) => blocks.push(json!({"reasoningContent": {"redactedContent": REDACTED}})),
    }
    if !said.text.is_empty() {
        blocks.push(json!({"text": said.text}));
    }
    for call in &said.calls {
        blocks.push(json!({"toolUse": {"toolUseId": call.id, "name": call.name, "input": call.arguments}}));
    }
    if !stream {
        return json_response(
            200,
            &json!({
                "output": {"message": {"role": "assistant", "content": blocks}}, "stopReason": stop, "usage": usage,
                "metrics": {"latencyMs": 1},
            }),
        );
    }
    let mut out = aws_event("messageStart", &json!({"role": "assistant"}));
    for (index, block) in blocks.iter().enumerate() {
        let mut delta = |delta: Value| {
            out.extend(aws_event("contentBlockDelta", &json!({"contentBlockIndex": index, "delta": delta})))
        };
        if let Some(text) = block.get("text") {
            delta(json!({"text": text}));
        } else if let Some(reasoning) = block.get("reasoningContent") {
            match reasoning.get("redactedContent") {
                Some(data) => delta(json!({"reasoningContent": {"redactedContent": data}})),
                None => {
                    if reasoning["reasoningText"]["text"] != "" {
                        delta(json!({"reasoningContent": {"text": reasoning["reasoningText"]["text"]}}));
                    }
                    delta(json!({"reasoningContent": {"signature": reasoning["reasoningText"]["signature"]}}));
                }
            }
        } else {
            let call = &block["toolUse"];
            let start = json!({"toolUse": {"toolUseId": call["toolUseId"], "name": call["name"]}});
            out.extend(aws_event("contentBlockStart", &json!({"contentBlockIndex": index, "start": start})));
            let input = json!({"toolUse": {"input": call["input"].to_string()}});
            out.extend(aws_event("contentBlockDelta", &json!({"contentBlockIndex": index, "delta": input})));
        }
        out.extend(aws_event("contentBlockStop", &json!({"contentBlockIndex": index})));
    }
    out.extend(aws_event("messageStop", &json!({"stopReason": stop})));
    out.extend(aws_event("metadata", &json!({"usage": usage, "metrics": {"latencyMs": 1}})));
    response(200, "application/vnd.amazon.eventstream", Body::from(out))
}

/// An event of AWS' binary stream. Source: Smithy, "Amazon Event Stream Specification".
fn aws_event(kind: &str, payload: &Value) -> Vec<u8> {
    let payload = payload.to_string();
    let word = |number: usize| u32::try_from(number).unwrap_or(u32::MAX).to_be_bytes();
    let mut headers = Vec::new();
    for (name, value) in [(":event-type", kind), (":content-type", "application/json"), (":message-type", "event")] {
        headers.push(u8::try_from(name.len()).unwrap_or(u8::MAX));
        headers.extend(name.as_bytes());
        headers.push(7);
        headers.extend(u16::try_from(value.len()).unwrap_or(u16::MAX).to_be_bytes());
        headers.extend(value.as_bytes());
    }
    let mut message = [word(16 + headers.len() + payload.len()), word(headers.len())].concat();
    message.extend(crc32fast::hash(&message).to_be_bytes());
    message.extend(headers);
    message.extend(payload.as_bytes());
    message.extend(crc32fast::hash(&message).to_be_bytes());
    message
}

/// `POST /v1beta/models/{model}:generateContent` and `:streamGenerateContent`.
pub(super) fn generate_content(model: &str, body: &Value, stream: bool) -> Response {
    if let Err(message) = gemini::check(model, body) {
        return json_response(400, &json!({"error": {"code": 400, "message": message, "status": "INVALID_ARGUMENT"}}));
    }
    let mut asked = Asked::default();
    for turn in list(&body["contents"]) {
        asked.turns += 1;
        for part in list(&turn["parts"]).filter(|_| turn["role"] != "model") {
            if let Some(result) = part.get("functionResponse") {
                let output = &result["response"]["output"];
                asked.results.push(format!("{}: {}", result["name"].as_str().unwrap_or_default(), text_of(output)));
            } else if let Some(text) = part["text"].as_str() {
                asked.user(text);
            }
        }
    }
    let tool = |tool: &Value| Some((tool["name"].as_str()?.to_owned(), tool["parameters"].clone()));
    asked.tools = list(&body["tools"])
        .flat_map(|tools| {
            let declared = tools.get("functionDeclarations").or_else(|| tools.get("function_declarations"));
            list(declared.unwrap_or(&Value::Null)).filter_map(tool).collect::<Vec<_>>()
        })
        .collect();
    let family = Family::of(model);
    let config = &body["generationConfig"];
    let is_asked = config.get("thinkingConfig").or_else(|| config.get("thinking_config")).is_some();
    let thinks = family.filter(|family| family.thinking == Thinking::Always || is_asked);
    let said = Said::to(model, &asked, thinks, Accounted::default());
    let mut parts = Vec::new();
    if let Some(Thought::Shown(text)) = &said.thinking {
        parts.push(json!({"text": text, "thought": true}));
    }
    if !said.text.is_empty() {
        parts.push(json!({"text": said.text}));
    }
    for (index, call) in said.calls.iter().enumerate() {
        let mut part = json!({"functionCall": {"name": call.name, "args": call.arguments}});
        // ai.google.dev, "Thought signatures": the first of parallel calls has one.
        if index == 0 && said.thinking.is_some() {
            part["thoughtSignature"] = Signature::of(&call.name).into();
        }
        parts.push(part);
    }
    let usage = json!({
        "promptTokenCount": 10, "candidatesTokenCount": said.output(), "thoughtsTokenCount": 3,
        "totalTokenCount": 13 + said.output(),
    });
    let answer = |parts: &[Value]| {
        json!({
            "candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": "STOP", "index": 0}],
            "usageMetadata": usage,
            "modelVersion": said.model,
        })
    };
    if !stream {
        return json_response(200, &answer(&parts));
    }
    // A part an event, and a reason in the last alone.
    let last = parts.len().saturating_sub(1);
    let event = |(at, part): (usize, &Value)| {
        let mut event = answer(std::slice::from_ref(part));
        if at < last
            && let Some(candidate) = event["candidates"][0].as_object_mut()
        {
            candidate.remove("finishReason");
        }
        format!("data: {event}\r\n\r\n")
    };
    response(200, "text/event-stream", Body::from(parts.iter().enumerate().map(event).collect::<String>()))
}
