//! For Anthropic: an OpenAI body as its `messages`.

use serde_json::{Map, Value, json};

use super::{arguments, is_system, output_config, plain_marker, set};
use crate::computed::list;

/// The body; `None` where the gateway throws.
pub(super) fn messages(model: &str, body: &Value) -> Option<Value> {
    let mut out = Map::from_iter([("model".to_owned(), Value::from(model))]);
    let mut all = Vec::new();
    for message in list(&body["messages"]).filter(|message| !is_system(message)) {
        all.push(match message["role"].as_str() {
            Some("assistant") => assistant(message)?,
            Some("tool") => {
                let mut result = json!({"type": "tool_result", "tool_use_id": message["tool_call_id"]});
                if let Some(content) = message.get("content") {
                    set(&mut result, "content", content.clone());
                }
                json!({"role": "user", "content": [result]})
            }
            role => json!({"role": role, "content": user(&message["content"])}),
        });
    }
    out.insert("messages".into(), all.into());
    let mut system = Vec::new();
    for message in list(&body["messages"]).filter(|message| is_system(message)) {
        match &message["content"] {
            Value::String(text) => {
                system.push(with_marker(json!({"type": "text", "text": text}), plain_marker(message)))
            }
            // Nothing of it is kept where the first part is no text (1.15.2 and 2.2.3).
            parts if parts[0]["text"].as_str().is_some_and(|text| !text.is_empty()) => system.extend(
                list(parts).map(|part| with_marker(json!({"type": "text", "text": part["text"]}), plain_marker(part))),
            ),
            _ => {}
        }
    }
    out.insert("system".into(), system.into());
    if body.get("tools").is_some() {
        let tool = |tool: &Value| {
            // A tool of another kind: its name becomes the type, and its type the name (1.15.2 and 2.2.3).
            if let (None, Some(kind)) = (tool.get("function"), tool["type"].as_str()) {
                let mut made = tool[kind].as_object().cloned().unwrap_or_default();
                let name = made.get("name").cloned().unwrap_or_default();
                made.extend([("name".into(), kind.into()), ("type".into(), name)]);
                return Value::from(made);
            }
            let schema = &tool["function"]["parameters"];
            let or = |name: &str, default: Value| schema.get(name).cloned().unwrap_or(default);
            let mut made = json!({
                "name": tool["function"]["name"],
                "description": tool["function"]["description"].as_str().unwrap_or_default(),
                "input_schema": {
                    "type": or("type", "object".into()),
                    "properties": or("properties", json!({})),
                    "required": or("required", json!([])),
                    "$defs": or("$defs", json!({})),
                },
            });
            // 2.2.3 hands it on, without the member of the schema that it demands.
            let strict = tool["function"].get("strict");
            strict.into_iter().for_each(|strict| set(&mut made, "strict", strict.clone()));
            with_marker(made, plain_marker(tool))
        };
        out.insert("tools".into(), list(&body["tools"]).map(tool).collect());
    }
    match &body["tool_choice"] {
        Value::String(choice) => {
            let kind = if choice == "required" { "any" } else { choice };
            out.insert("tool_choice".into(), json!({"type": kind}));
        }
        // It looks into the function, and throws where there is none.
        Value::Object(choice) => {
            let name = choice.get("function")?["name"].clone();
            out.insert("tool_choice".into(), json!({"type": "tool", "name": name}));
        }
        _ => {}
    }
    for (from, to) in [
        ("max_tokens", "max_tokens"),
        ("max_completion_tokens", "max_tokens"),
        ("temperature", "temperature"),
        ("top_p", "top_p"),
        ("stop", "stop_sequences"),
        ("stream", "stream"),
        ("thinking", "thinking"),
        // A header there (1.15.2 and 2.2.3).
        ("anthropic_beta", "anthropic_beta"),
    ] {
        if let Some(value) = body.get(from).filter(|value| !value.is_null()) {
            out.insert(to.into(), value.clone());
        }
    }
    if body["user"].is_string() {
        out.insert("metadata".into(), json!({"user_id": body["user"]}));
    }
    if body["reasoning_effort"].is_string() {
        out.insert("thinking".into(), json!({"type": "adaptive"}));
    }
    if let Some(config) = output_config(body) {
        out.insert("output_config".into(), config);
    }
    Some(out.into())
}

fn with_marker(mut block: Value, marker: Option<Value>) -> Value {
    if let Some(marker) = marker {
        set(&mut block, "cache_control", marker);
    }
    block
}

fn assistant(message: &Value) -> Option<Value> {
    let content = message.get("content_blocks").filter(|blocks| !blocks.is_null()).unwrap_or(&message["content"]);
    let mut blocks: Vec<Value> = match content {
        Value::String(text) if !text.is_empty() => vec![json!({"type": "text", "text": text})],
        blocks => list(blocks).filter(|block| block["type"] != "tool_use").cloned().collect(),
    };
    for call in list(&message["tool_calls"]) {
        let made =
            json!({"type": "tool_use", "name": call["function"]["name"], "id": call["id"], "input": arguments(call)?});
        blocks.push(with_marker(made, call.get("cache_control").filter(|marker| !marker.is_null()).cloned()));
    }
    Some(json!({"role": "assistant", "content": blocks}))
}

fn user(content: &Value) -> Value {
    let Value::Array(parts) = content else { return content.clone() };
    let part = |part: &Value| match part["type"].as_str() {
        Some("text") => Some(with_marker(json!({"type": "text", "text": part["text"]}), plain_marker(part))),
        Some("image_url") => {
            let url = part["image_url"]["url"].as_str().filter(|url| !url.is_empty())?;
            let Some(data) = url.strip_prefix("data:") else {
                return Some(json!({"type": "image", "source": {"type": "url", "url": url}}));
            };
            // With parameters in it the whole part is left out (1.15.2 and 2.2.3).
            let (media_type, rest) = data.split_once(';').filter(|(_, rest)| !rest.contains(';'))?;
            let data = rest.split(',').nth(1).filter(|data| !data.is_empty())?;
            let kind = if media_type == "application/pdf" { "document" } else { "image" };
            let made = json!({"type": kind, "source": {"type": "base64", "media_type": media_type, "data": data}});
            Some(with_marker(made, plain_marker(part)))
        }
        Some("file") => {
            let file = &part["file"];
            let source = if let Some(url) = file["file_url"].as_str() {
                json!({"type": "url", "url": url})
            } else if let Some(id) = file["file_id"].as_str() {
                // The hosted gateway's (Portkey's documentation, "Anthropic", "Files"): 1.15.2 leaves it out.
                json!({"type": "file", "file_id": id})
            } else {
                let media_type = file["mime_type"].as_str().unwrap_or("application/pdf");
                let kind = if media_type == "text/plain" { "text" } else { "base64" };
                json!({"type": kind, "media_type": media_type, "data": file["file_data"].as_str()?})
            };
            Some(json!({"type": "document", "source": source}))
        }
        _ => None,
    };
    parts.iter().filter_map(part).collect()
}
