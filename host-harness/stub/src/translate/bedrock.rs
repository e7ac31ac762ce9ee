//! For Bedrock: an OpenAI body as its `converse`.

use serde_json::{Value, json};

use super::{arguments, is_system, output_config, plain_marker, set};
use crate::computed::list;

/// The body; `None` where the gateway throws.
pub(super) fn converse(body: &Value) -> Option<Value> {
    let is_claude = body["model"].as_str().is_some_and(|model| model.contains("anthropic"));
    let texts = |content: &Value| -> Vec<Value> {
        match content {
            Value::Array(parts) => parts
                .iter()
                .filter(|part| part["type"] == "text")
                .flat_map(|part| [Some(json!({"text": part["text"]})), point(part)])
                .flatten()
                .collect(),
            content => vec![json!({"text": content.as_str().unwrap_or_default()})],
        }
    };
    let mut all: Vec<Value> = Vec::new();
    for message in list(&body["messages"]).filter(|message| !is_system(message)) {
        let role = if message["role"] == "assistant" { "assistant" } else { "user" };
        let mut blocks = Vec::new();
        if message["role"] == "tool" {
            let mut content = texts(&message["content"]);
            if content.first().is_none_or(|first| first["text"] == "") {
                content.clear();
            }
            blocks.push(json!({"toolResult": {"toolUseId": message["tool_call_id"], "content": content}}));
        } else {
            let content =
                message.get("content_blocks").filter(|blocks| !blocks.is_null()).unwrap_or(&message["content"]);
            // It looks for the data of each image, and throws where there are none (1.15.2 and 2.2.3).
            if list(content).filter_map(|part| part["image_url"]["url"].as_str()).any(|url| !url.contains(";base64,")) {
                return None;
            }
            match content {
                Value::String(text) if !text.trim().is_empty() => blocks.push(json!({"text": text})),
                content => blocks.extend(list(content).flat_map(|part| [converse_part(part), point(part)]).flatten()),
            }
            for call in list(&message["tool_calls"]) {
                let input = arguments(call)?;
                blocks.push(
                    json!({"toolUse": {"name": call["function"]["name"], "input": input, "toolUseId": call["id"]}}),
                );
            }
        }
        match all.last_mut() {
            Some(last) if role == "user" && last["role"] == "user" => {
                if let Some(content) = last["content"].as_array_mut() {
                    content.extend(blocks);
                }
            }
            _ => all.push(json!({"role": role, "content": blocks})),
        }
    }
    let system: Vec<Value> = list(&body["messages"])
        .filter(|message| is_system(message))
        .flat_map(|message| texts(&message["content"]))
        .collect();
    let mut out = json!({"messages": all, "inferenceConfig": {}, "additionalModelRequestFields": {}});
    if !system.is_empty() {
        set(&mut out, "system", system);
    }
    let tools: Vec<Value> = list(&body["tools"])
        .filter(|tool| tool.get("function").is_some())
        .flat_map(|tool| {
            let function = &tool["function"];
            let mut spec = json!({"name": function["name"], "inputSchema": {"json": function["parameters"]}});
            if let Some(description) = function.get("description") {
                set(&mut spec, "description", description.clone());
            }
            [Some(json!({"toolSpec": spec})), point(tool)]
        })
        .flatten()
        .collect();
    if !tools.is_empty() {
        let mut config = json!({"tools": tools});
        match &body["tool_choice"] {
            Value::Object(choice) => {
                let name = choice.get("function")?["name"].clone();
                set(&mut config, "toolChoice", json!({"tool": {"name": name}}));
            }
            choice if choice == "required" => set(&mut config, "toolChoice", json!({"any": {}})),
            choice if choice == "auto" => set(&mut config, "toolChoice", json!({"auto": {}})),
            _ => {}
        }
        set(&mut out, "toolConfig", config);
    }
    if let Some(limits) = out["inferenceConfig"].as_object_mut() {
        for (from, to) in [
            ("max_completion_tokens", "maxTokens"),
            ("max_tokens", "maxTokens"),
            ("temperature", "temperature"),
            ("top_p", "topP"),
            ("stop", "stopSequences"),
        ] {
            if let Some(value) = body.get(from).filter(|value| !value.is_null()) {
                limits.insert(to.into(), value.clone());
            }
        }
    }
    if let Some(fields) = out["additionalModelRequestFields"].as_object_mut() {
        fields.extend(body.get("thinking").map(|thinking| ("thinking".into(), thinking.clone())));
        fields.extend(output_config(body).filter(|_| is_claude).map(|config| ("output_config".into(), config)));
    }
    Some(out)
}

fn point(from: &Value) -> Option<Value> {
    plain_marker(from).map(|_| json!({"cachePoint": {"type": "default"}}))
}

fn converse_part(part: &Value) -> Option<Value> {
    match part["type"].as_str() {
        Some("text") => Some(json!({"text": part["text"].as_str().unwrap_or_default()})),
        Some("thinking") => {
            let text = json!({"text": part["thinking"], "signature": part["signature"]});
            Some(json!({"reasoningContent": {"reasoningText": text}}))
        }
        Some("redacted_thinking") => Some(json!({"reasoningContent": {"redactedContent": part["data"]}})),
        Some("image_url") => {
            let data = part["image_url"]["url"].as_str()?.strip_prefix("data:")?;
            let (media_type, bytes) = data.split_once(";base64,")?;
            Some(media(media_type, json!({"bytes": bytes})))
        }
        Some("file") => {
            let file = &part["file"];
            let mut source = json!({});
            if let Some(bytes) = file["file_data"].as_str() {
                set(&mut source, "bytes", bytes);
            }
            if let Some(uri) = file["file_url"].as_str() {
                set(&mut source, "s3Location", json!({"uri": uri}));
            }
            Some(media(file["mime_type"].as_str().unwrap_or("application/pdf"), source))
        }
        _ => None,
    }
}

/// An image, a video or a document, by the types that it knows (1.15.2, `imagesMimeTypes` and `videoMimeTypes`).
fn media(media_type: &str, source: Value) -> Value {
    let (of, format) = media_type.split_once('/').unwrap_or_default();
    let kind = match of {
        "image" if matches!(format, "jpeg" | "png" | "bmp" | "tiff" | "webp") => "image",
        "video" if format != "quicktime" => "video",
        _ => "document",
    };
    json!({(kind): {"format": format, "source": source}})
}
