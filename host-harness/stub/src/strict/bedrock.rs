//! What Bedrock's Converse API refuses for Claude and Nova: its own rules of form, and those of the model behind it.

use serde_json::{Map, Value, json};

use super::anthropic::{self, list};
use super::is_name;

/// Checks a request for `model`; the error is the message of a 400.
pub(crate) fn check(model: &str, body: &Value) -> Result<(), String> {
    form(body)?;
    if is_nova(model) {
        return nova(body);
    }
    // vectorize-io/hindsight#3300 (Haiku 4.5) and presenton/presenton#939 (Sonnet 5): others take it.
    if body["additionalModelRequestFields"]["output_config"].get("format").is_some() {
        return Err(
            "The model returned the following errors: output_config.format: Extra inputs are not permitted".into()
        );
    }
    anthropic::check(&as_messages(model, body))
        .map_err(|message| format!("The model returned the following errors: {message}"))
}

/// The formats that there are. Source: AWS' API reference, `ImageBlock`, `VideoBlock` and `DocumentBlock`.
const FORMATS: [(&str, &[&str]); 3] = [
    ("image", &["png", "jpeg", "gif", "webp"]),
    ("video", &["mkv", "mov", "mp4", "webm", "flv", "mpeg", "mpg", "wmv", "three_gp"]),
    ("document", &["pdf", "csv", "doc", "docx", "xls", "xlsx", "html", "txt", "md"]),
];

/// Sources: AWS' API reference of Converse (`ContentBlock`, `ToolResultContentBlock`), and the refusals that users quote:
/// strands-agents/harness-sdk#3677 (nothing before a cache point), anomalyco/opencode#36517 (one after reasoning),
/// anomalyco/opencode#48750 (names in the history), BerriAI/litellm#36499 (a document alone).
fn form(body: &Value) -> Result<(), String> {
    let messages: Vec<&Value> = list(&body["messages"]).collect();
    if messages.first().is_some_and(|message| message["role"] != "user") {
        return Err("A conversation must start with a user message. Try again with a conversation that starts with a user message.".into());
    }
    let mut before = "";
    let mut has_calls = false;
    for (at, message) in messages.iter().enumerate() {
        let role = message["role"].as_str().unwrap_or_default();
        if role == before {
            return Err("A conversation must alternate between user and assistant roles. Make sure the conversation alternates between user and assistant roles and try again.".into());
        }
        before = role;
        let blocks: Vec<&Value> = list(&message["content"]).collect();
        if blocks.is_empty() {
            return Err(format!(
                "The content field in the Message object at messages.{at} is empty. Add a ContentBlock object to the content field and try again."
            ));
        }
        let has = |kind: &str| blocks.iter().any(|block| block.get(kind).is_some());
        if has("document") && !has("text") {
            return Err(
                "A text block must be included when using documents. Add a text block and retry your request.".into()
            );
        }
        for (index, block) in blocks.iter().enumerate() {
            if block["text"].as_str().is_some_and(|text| text.trim().is_empty()) {
                return Err(format!(
                    "The text field in the ContentBlock object at messages.{at}.content.{index} is blank. Add text to the text field, and try again."
                ));
            }
            let path = format!("messages.{}.member.content.{}.member", at + 1, index + 1);
            if block.get("toolUse").is_some() && !is_name(&block["toolUse"]["name"], 64) {
                return Err(format!(
                    "1 validation error detected: Value {} at '{path}.toolUse.name' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_-]+",
                    block["toolUse"]["name"]
                ));
            }
            for (kind, known) in FORMATS {
                let format = block[kind]["format"].as_str().filter(|format| !known.contains(format));
                if let Some(format) = format {
                    return Err(format!(
                        "1 validation error detected: Value '{format}' at '{path}.{kind}.format' failed to satisfy constraint: Member must satisfy enum value set: [{}]",
                        known.join(", ")
                    ));
                }
            }
            if block.get("cachePoint").is_some() {
                match index.checked_sub(1).and_then(|index| blocks.get(index)) {
                    None => return Err("There is nothing available to cache.".into()),
                    Some(block) if block.get("reasoningContent").is_some() => {
                        return Err("Cache point cannot be inserted after reasoning block. Please remove the invalid cache point and try again.".into());
                    }
                    Some(_) => {}
                }
            }
            has_calls |= block.get("toolUse").is_some() || block.get("toolResult").is_some();
            if list(&block["toolResult"]["content"]).any(|inner| inner.get("cachePoint").is_some()) {
                return Err(format!(
                    "Malformed input request: #/messages/{at}/content/{index}/toolResult/content: extraneous key [cachePoint] is not permitted, please reformat your input and try again."
                ));
            }
        }
    }
    let has_tools = list(&body["toolConfig"]["tools"]).next().is_some();
    if has_calls && !has_tools {
        return Err("The toolConfig field must be defined when using toolUse and toolResult content blocks.".into());
    }
    for tool in list(&body["toolConfig"]["tools"]) {
        if let Some(spec) = tool.get("toolSpec") {
            if !is_name(&spec["name"], 64) {
                return Err(format!(
                    "1 validation error detected: Value {} at 'toolConfig.tools.1.member.toolSpec.name' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_-]+",
                    spec["name"]
                ));
            }
            if !spec["inputSchema"]["json"].is_object() {
                return Err("The value at toolConfig.tools.toolSpec.inputSchema.json is empty. Provide a JSON object and try again.".into());
            }
            if spec["description"].as_str().is_some_and(str::is_empty) {
                return Err("1 validation error detected: Value at 'toolConfig.tools.1.member.toolSpec.description' failed to satisfy constraint: Member must have length greater than or equal to 1".into());
            }
        }
    }
    Ok(())
}

/// Whether a model is one of Amazon's own.
pub(crate) fn is_nova(model: &str) -> bool {
    model.contains("amazon.nova")
}

/// Of a schema it takes three members at the top, and no others. Sources: AWS' "Using tools with Amazon Nova", and
/// zed-industries/zed#28521, which quotes the words.
fn nova(body: &Value) -> Result<(), String> {
    for (at, tool) in list(&body["toolConfig"]["tools"]).enumerate() {
        let mut names = tool["toolSpec"]["inputSchema"]["json"].as_object().into_iter().flatten().map(|(name, _)| name);
        if let Some(name) = names.find(|name| !["type", "properties", "required"].contains(&name.as_str())) {
            return Err(format!(
                "The model returned the following errors: Malformed input request: #/toolConfig/tools/{at}/toolSpec/inputSchema/json: extraneous key [{name}] is not permitted, please reformat your input and try again."
            ));
        }
    }
    Ok(())
}

/// The same as a body of the Messages API, which is what Claude gets in the end.
pub(crate) fn as_messages(model: &str, body: &Value) -> Value {
    let mut all = body["additionalModelRequestFields"].as_object().cloned().unwrap_or_default();
    all.insert("model".into(), model.into());
    let limits = &body["inferenceConfig"];
    for (from, to) in [
        ("maxTokens", "max_tokens"),
        ("temperature", "temperature"),
        ("topP", "top_p"),
        ("stopSequences", "stop_sequences"),
    ] {
        if let Some(value) = limits.get(from) {
            all.insert(to.into(), value.clone());
        }
    }
    let message =
        |message: &Value| json!({"role": message["role"], "content": with_markers(&message["content"], block)});
    all.insert("messages".into(), list(&body["messages"]).map(message).collect());
    all.insert("system".into(), with_markers(&body["system"], block));
    all.insert("tools".into(), with_markers(&body["toolConfig"]["tools"], |tool| {
        let spec = &tool["toolSpec"];
        json!({"name": spec["name"], "description": spec["description"], "input_schema": spec["inputSchema"]["json"]})
    }));
    let choice = &body["toolConfig"]["toolChoice"];
    if choice.get("any").is_some() {
        all.insert("tool_choice".into(), json!({"type": "any"}));
    } else if choice.get("tool").is_some() {
        all.insert("tool_choice".into(), json!({"type": "tool", "name": choice["tool"]["name"]}));
    }
    Value::Object(all)
}

/// Items with the cache point that follows an item as a marker on it.
fn with_markers(items: &Value, item: impl Fn(&Value) -> Value) -> Value {
    let mut all: Vec<Value> = Vec::new();
    for this in list(items) {
        match (this.get("cachePoint"), all.last_mut()) {
            (None, _) => all.push(item(this)),
            (Some(_), Some(Value::Object(last))) => {
                last.insert("cache_control".into(), json!({"type": "ephemeral"}));
            }
            (Some(_), _) => {}
        }
    }
    all.into()
}

fn block(block: &Value) -> Value {
    let (kind, value) = block
        .as_object()
        .and_then(|fields| fields.iter().next())
        .map_or(("", &Value::Null), |(kind, value)| (kind.as_str(), value));
    match kind {
        "text" => json!({"type": "text", "text": value}),
        "toolUse" => {
            json!({"type": "tool_use", "id": value["toolUseId"], "name": value["name"], "input": value["input"]})
        }
        "toolResult" => {
            json!({"type": "tool_result", "tool_use_id": value["toolUseId"], "content": with_markers(&value["content"], self::block)})
        }
        "reasoningContent" => match value.get("redactedContent") {
            Some(data) => json!({"type": "redacted_thinking", "data": data}),
            None => {
                let mut thinking = Map::from_iter([
                    ("type".to_owned(), Value::from("thinking")),
                    ("thinking".to_owned(), value["reasoningText"]["text"].clone()),
                ]);
                if let Some(signature) = value["reasoningText"].get("signature") {
                    thinking.insert("signature".into(), signature.clone());
                }
                thinking.into()
            }
        },
        "image" => {
            json!({"type": "image", "source": {"type": "base64", "media_type": format!("image/{}", value["format"].as_str().unwrap_or_default()), "data": value["source"]["bytes"]}})
        }
        "document" => {
            json!({"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": value["source"]["bytes"]}})
        }
        other => json!({"type": other}),
    }
}
