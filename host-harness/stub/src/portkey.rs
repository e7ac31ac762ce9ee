//! Translates an OpenAI body for a provider with another API, as the hosted gateway does. Source: the public branch
//! 2.0.0 of Portkey-AI/gateway (version 2.2.3), `src/providers/{anthropic,bedrock,google}/chatComplete.ts`. Later
//! versions keep a marker's lifetime; a request that works with this one works with those too.

use serde_json::{Map, Value, json};

use super::chat::list;
use super::respond::Refusal;
use super::strict::family::{Family, Maker};
use super::strict::{self, anthropic, bedrock, gemini};

/// The language that a provider speaks, with what it gets.
#[derive(Debug)]
pub(crate) enum Sent {
    Anthropic(Value),
    Bedrock { model: String, body: Value },
    Gemini { model: String, body: Value },
    OpenAi { slug: String, body: Value },
}

impl Sent {
    /// What goes to the provider of `model`: by the slug before it, else by who made it.
    pub(crate) fn of(body: &Value) -> Result<Self, Refusal> {
        let model = body["model"].as_str().unwrap_or_default();
        let (slug, name) = match model.strip_prefix('@').and_then(|model| model.split_once('/')) {
            Some((slug, name)) => (slug, name),
            None => ("", model),
        };
        let maker = Family::of(name).map(|family| family.maker).filter(|_| !name.contains('/'));
        let name = name.to_owned();
        Ok(match maker {
            // Vertex too has the maker in a name.
            Some(Maker::Anthropic)
                if slug.contains("bedrock") || name.contains("anthropic.") && !slug.contains("vertex") =>
            {
                Self::Bedrock { body: converse(body).ok_or_else(exception)?, model: name }
            }
            None if bedrock::is_nova(&name) => {
                Self::Bedrock { body: converse(body).ok_or_else(exception)?, model: name }
            }
            Some(Maker::Anthropic) => Self::Anthropic(messages(&name, body).ok_or_else(exception)?),
            Some(Maker::Google) => Self::Gemini { body: generate_content(body).ok_or_else(exception)?, model: name },
            _ => {
                let mut body = body.clone();
                if slug.contains("cohere") {
                    bare_messages(&mut body);
                }
                set(&mut body, "model", name);
                Self::OpenAi { slug: slug.to_owned(), body }
            }
        })
    }

    /// What the provider says to it, in the form in which the gateway passes that on.
    pub(crate) fn check(&self) -> Result<(), Refusal> {
        let refused = match self {
            Self::Anthropic(body) => {
                anthropic::check(body).map_err(|message| (message, Some("invalid_request_error"), None, None))
            }
            Self::Bedrock { model, body } => bedrock::check(model, body).map_err(|message| (message, None, None, None)),
            Self::Gemini { model, body } => {
                gemini::check(model, body).map_err(|message| (message, Some("INVALID_ARGUMENT"), None, None))
            }
            Self::OpenAi { slug, body } => strict::chat(slug, body)
                .map_err(|refused| (refused.message, Some("invalid_request_error"), refused.param, refused.code)),
        };
        refused.map_err(|(message, kind, param, code)| Refusal {
            status: 400,
            body: json!({"error": {"message": message, "type": kind, "param": param, "code": code}}),
        })
    }

    /// The same as Claude gets it, for those that do.
    pub(crate) fn for_claude(&self) -> Option<Value> {
        match self {
            Self::Anthropic(body) => Some(body.clone()),
            Self::Bedrock { model, body } => Some(bedrock::as_messages(model, body)),
            Self::Gemini { .. } | Self::OpenAi { .. } => None,
        }
    }
}

/// What the gateway answers where its own code throws, as on arguments of a call that are no JSON.
fn exception() -> Refusal {
    Refusal { status: 500, body: json!({"status": "failure", "message": "Something went wrong"}) }
}

fn set(body: &mut Value, name: &str, value: impl Into<Value>) {
    if let Some(fields) = body.as_object_mut() {
        fields.insert(name.into(), value.into());
    }
}

fn is_system(message: &Value) -> bool {
    message["role"] == "system" || message["role"] == "developer"
}

/// For Cohere the gateway keeps two members of a message (1.15.2 and 2.2.3, `providers/cohere/chatComplete.ts`).
fn bare_messages(body: &mut Value) {
    for message in body["messages"].as_array_mut().into_iter().flatten() {
        *message = json!({"role": message["role"], "content": message["content"]});
    }
}

/// A marker, without its lifetime.
fn plain_marker(from: &Value) -> Option<Value> {
    from.get("cache_control").filter(|marker| !marker.is_null()).map(|_| json!({"type": "ephemeral"}))
}

fn with_marker(mut block: Value, marker: Option<Value>) -> Value {
    if let Some(marker) = marker {
        set(&mut block, "cache_control", marker);
    }
    block
}

/// The arguments of a past call; `None` where they are no JSON, or where nothing is called: it looks into the function.
fn arguments(call: &Value) -> Option<Value> {
    match call.get("function")?["arguments"].as_str() {
        None | Some("") => Some(json!({})),
        Some(text) => serde_json::from_str(text).ok(),
    }
}

/// For Anthropic.
fn messages(model: &str, body: &Value) -> Option<Value> {
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

/// What Claude gets of a format and an effort; a format without a schema is dropped.
fn output_config(body: &Value) -> Option<Value> {
    let mut config = Map::new();
    if body["response_format"]["type"] == "json_schema" {
        let told = &body["response_format"]["json_schema"];
        config.insert("format".into(), json!({"type": "json_schema", "schema": told.get("schema").unwrap_or(told)}));
    }
    if let Some(effort) = body["reasoning_effort"].as_str() {
        config.insert("effort".into(), effort.into());
    }
    Some(config.into()).filter(|config: &Value| config != &json!({}))
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

/// For Bedrock.
fn converse(body: &Value) -> Option<Value> {
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

/// Data, or an address with the type that is told, or that its end tells.
fn image(image: &Value) -> Option<Value> {
    let url = image["url"].as_str().filter(|url| !url.is_empty())?;
    if let Some((media_type, data)) = url.strip_prefix("data:").and_then(|data| data.split_once(";base64,")) {
        return Some(json!({"inlineData": {"mimeType": media_type, "data": data}}));
    }
    let ends = [(".png", "image/png"), (".jpg", "image/jpeg"), (".pdf", "application/pdf"), (".mp4", "video/mp4")];
    let end = ends.iter().find(|(end, _)| url.ends_with(end)).map(|(_, kind)| *kind);
    let media_type = image["mime_type"].as_str().or(end);
    Some(json!({"fileData": {"mimeType": media_type, "fileUri": url}}))
}

/// For Gemini.
fn generate_content(body: &Value) -> Option<Value> {
    let mut turns: Vec<Value> = Vec::new();
    for message in list(&body["messages"]).filter(|message| !is_system(message)) {
        let role = match message["role"].as_str().unwrap_or_default() {
            "assistant" => "model",
            "tool" => "function",
            role => role,
        };
        let mut parts = Vec::new();
        if message["role"] == "tool" {
            let name = message["name"].as_str().unwrap_or("gateway-tool-filler-name");
            parts.push(json!({"functionResponse": {"name": name, "response": {"output": message["content"]}}}));
        } else {
            for call in list(&message["tool_calls"]) {
                let mut part = json!({"functionCall": {"name": call["function"]["name"], "args": arguments(call)?}});
                if let Some(signature) = call["function"].get("thought_signature") {
                    set(&mut part, "thoughtSignature", signature.clone());
                }
                parts.push(part);
            }
            match &message["content"] {
                Value::String(text) if parts.is_empty() => parts.push(json!({"text": text})),
                content => parts.extend(list(content).filter_map(|part| match part["type"].as_str() {
                    Some("text") => Some(json!({"text": part["text"]})),
                    Some("image_url") => image(&part["image_url"]),
                    Some("input_audio") => Some(json!({"inlineData": part["input_audio"]})),
                    _ => None,
                })),
            }
        }
        match turns.last_mut() {
            Some(last) if last["role"] == role => {
                if let Some(all) = last["parts"].as_array_mut() {
                    all.extend(parts);
                }
            }
            _ => turns.push(json!({"role": role, "parts": parts})),
        }
    }
    // Others are left out (1.15.2 and 2.2.3), and functions of these names become Google's own tools (`googleTools`).
    let functions = list(&body["tools"]).filter(|tool| tool["type"] == "function").map(|tool| &tool["function"]);
    let is_own = |function: &&Value| GOOGLES.iter().any(|(name, _)| function["name"] == *name);
    let (own, functions): (Vec<&Value>, Vec<&Value>) = functions.partition(is_own);
    let declared = functions.into_iter().map(|function| {
        json!({"name": function["name"], "description": function["description"], "parameters": known_to_gateway(&function["parameters"])})
    });
    let declared: Vec<Value> = declared.collect();
    let own = own.into_iter().filter_map(|function| {
        let (_, tool) = GOOGLES.iter().find(|(name, _)| function["name"] == *name)?;
        Some(json!({(*tool): function.get("parameters").unwrap_or(&json!({}))}))
    });
    let mut tools: Vec<Value> = own.collect();
    if !declared.is_empty() {
        tools.push(json!({"functionDeclarations": declared}));
    }
    let mut config =
        body.get("stop").filter(|stop| !stop.is_null()).map_or(json!({}), |stop| json!({"stopSequences": stop}));
    let format = &body["response_format"];
    if format["type"] == "json_object" || format["type"] == "json_schema" {
        set(&mut config, "responseMimeType", "application/json");
    }
    if format["type"] == "json_schema" {
        let told = &format["json_schema"];
        set(&mut config, "responseSchema", known_to_gateway(told.get("schema").unwrap_or(told)));
    }
    let mut out = json!({"contents": turns, "generationConfig": config});
    if body.get("tools").is_some() {
        set(&mut out, "tools", tools);
    }
    Some(out)
}

/// Names of functions, and what of Google's the gateway makes of each.
const GOOGLES: [(&str, &str); 8] = [
    ("googleSearch", "googleSearch"),
    ("google_search", "googleSearch"),
    ("googleSearchRetrieval", "googleSearchRetrieval"),
    ("google_search_retrieval", "googleSearchRetrieval"),
    ("computerUse", "computerUse"),
    ("computer_use", "computerUse"),
    ("googleMaps", "googleMaps"),
    ("google_maps", "googleMaps"),
];

/// A schema without the two members that the gateway takes out for Gemini, where it looks: not within a union.
fn known_to_gateway(schema: &Value) -> Value {
    let Value::Object(members) = schema else { return schema.clone() };
    let kept = members.iter().filter(|(name, _)| !["$schema", "additionalProperties"].contains(&name.as_str()));
    let deeper = |(name, value): (&String, &Value)| {
        let value = match name.as_str() {
            "properties" => value.as_object().map_or(value.clone(), |all| {
                all.iter().map(|(name, value)| (name.clone(), known_to_gateway(value))).collect::<Map<_, _>>().into()
            }),
            "items" => known_to_gateway(value),
            _ => value.clone(),
        };
        (name.clone(), value)
    };
    kept.map(deeper).collect::<Map<_, _>>().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(body: &Value) -> Value {
        Sent::of(body).ok().unwrap().for_claude().unwrap()
    }

    #[test]
    fn markers_are_kept_where_the_gateway_keeps_them() {
        let long = json!({"type": "ephemeral", "ttl": "1h"});
        let plain = json!({"type": "ephemeral"});
        let body = json!({
            "model": "@anthropic/claude-sonnet-4-5",
            "tools": [{"type": "function", "cache_control": long, "function": {"name": "f"}}],
            "messages": [
                {"role": "system", "content": [{"type": "text", "text": "s", "cache_control": long}]},
                {"role": "user", "content": "lost", "cache_control": long},
                {"role": "assistant", "content": null, "tool_calls": [
                    {"id": "1", "type": "function", "cache_control": long, "function": {"name": "f", "arguments": ""}}]},
                {"role": "tool", "tool_call_id": "1", "content": [{"type": "text", "text": "r", "cache_control": long}]},
            ],
        });
        let sent = sent(&body);
        assert_eq!(sent["tools"][0]["cache_control"], plain);
        assert_eq!(sent["system"][0]["cache_control"], plain);
        assert_eq!(sent["messages"][0], json!({"role": "user", "content": "lost"}));
        assert_eq!(sent["messages"][1]["content"][0]["cache_control"], long);
        assert_eq!(sent["messages"][2]["content"][0]["content"][0]["cache_control"], long);
        assert_eq!(sent["tools"][0]["input_schema"]["type"], "object");
    }

    #[test]
    fn what_it_makes_of_tools_of_another_kind_and_of_parts_of_a_system_text() {
        let tool = json!({"type": "custom", "custom": {"name": "f", "description": "d"}});
        let made = json!({"name": "custom", "type": "f", "description": "d"});
        let image = json!({"type": "image_url", "image_url": {"url": "https://a.example/b.png"}});
        let text = json!({"type": "text", "text": "t"});
        let with = |content: Value| {
            sent(
                &json!({"model": "claude-sonnet-4-5", "tools": [tool], "messages": [{"role": "system", "content": content}]}),
            )
        };
        assert_eq!(with(json!([text, image]))["tools"], json!([made]));
        assert_eq!(with(json!([text, image]))["system"], json!([text, {"type": "text", "text": null}]));
        assert_eq!(with(json!([image, text]))["system"], json!([]));
        let call = json!({"id": "1", "type": "custom", "custom": {"name": "f", "input": "a"}});
        let body = json!({"model": "claude-sonnet-4-5", "messages": [{"role": "assistant", "tool_calls": [call]}]});
        assert_eq!(Sent::of(&body).unwrap_err().status, 500);
    }

    #[test]
    fn what_a_format_becomes() {
        let told = json!({"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}});
        let claude = |model: &str, format: &Value| sent(&json!({"model": model, "response_format": format}));
        let format = json!({"type": "json_schema", "schema": {"type": "object"}});
        for model in ["claude-sonnet-4-5", "@bedrock/anthropic.claude-sonnet-4-5-20250929-v1:0"] {
            assert_eq!(claude(model, &told)["output_config"]["format"], format, "{model}");
            assert_eq!(claude(model, &json!({"type": "json_object"}))["output_config"], Value::Null, "{model}");
        }
        let body = json!({"model": "gemini-2.5-pro", "response_format": told});
        let Ok(Sent::Gemini { body, .. }) = Sent::of(&body) else { panic!() };
        let config = json!({"responseMimeType": "application/json", "responseSchema": {"type": "object"}});
        assert_eq!(body["generationConfig"], config);
    }

    #[test]
    fn an_image_from_an_address_breaks_it_for_bedrock() {
        let image =
            |url: &str| json!([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}]);
        let model = "@bedrock/anthropic.claude-sonnet-4-5-20250929-v1:0";
        let sent = |url: &str| Sent::of(&json!({"model": model, "messages": image(url)}));
        assert_eq!(sent("https://a.example/b.png").unwrap_err().status, 500);
        assert!(sent("data:image/png;base64,AA==").is_ok());
    }

    #[test]
    fn files_reach_each_provider_in_its_form() {
        let content = |model: &str, part: Value| {
            let body = json!({"model": model, "max_tokens": 9, "messages": [{"role": "user", "content": [part]}]});
            match Sent::of(&body) {
                Ok(Sent::Anthropic(body)) => body["messages"][0]["content"][0].clone(),
                Ok(Sent::Bedrock { body, .. }) => body["messages"][0]["content"][0].clone(),
                Ok(Sent::Gemini { body, .. }) => body["contents"][0]["parts"][0].clone(),
                _ => panic!("{model}"),
            }
        };
        let file = |file: Value| json!({"type": "file", "file": file});
        let shown = |image: Value| json!({"type": "image_url", "image_url": image});
        let (claude, nova, gemini) =
            ("@anthropic/claude-sonnet-4-5", "@bedrock/us.amazon.nova-pro-v1:0", "@google/gemini-2.5-pro");
        for (model, part, expected) in [
            (
                claude,
                file(json!({"mime_type": "text/plain", "file_data": "a"})),
                json!({"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "a"}}),
            ),
            (
                claude,
                file(json!({"file_url": "https://a.example/b"})),
                json!({"type": "document", "source": {"type": "url", "url": "https://a.example/b"}}),
            ),
            (
                nova,
                file(json!({"file_url": "s3://a/b"})),
                json!({"document": {"format": "pdf", "source": {"s3Location": {"uri": "s3://a/b"}}}}),
            ),
            (
                nova,
                shown(json!({"url": "data:video/mp4;base64,AA=="})),
                json!({"video": {"format": "mp4", "source": {"bytes": "AA=="}}}),
            ),
            (
                nova,
                shown(json!({"url": "data:image/gif;base64,AA=="})),
                json!({"document": {"format": "gif", "source": {"bytes": "AA=="}}}),
            ),
            (
                gemini,
                shown(json!({"url": "https://youtu.be/x", "mime_type": "video/mp4"})),
                json!({"fileData": {"mimeType": "video/mp4", "fileUri": "https://youtu.be/x"}}),
            ),
            (
                gemini,
                shown(json!({"url": "data:image/heic;base64,AA=="})),
                json!({"inlineData": {"mimeType": "image/heic", "data": "AA=="}}),
            ),
        ] {
            assert_eq!(content(model, part.clone()), expected, "{model}: {part}");
        }
    }

    #[test]
    fn cohere_gets_two_members_of_a_message() {
        let call = json!([{"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]);
        let body = json!({"model": "@cohere/command-a", "messages": [
            {"role": "assistant", "content": null, "tool_calls": call}, {"role": "tool", "tool_call_id": "1", "content": "r"}]});
        let Ok(Sent::OpenAi { body, .. }) = Sent::of(&body) else { panic!() };
        let kept = json!([{"role": "assistant", "content": null}, {"role": "tool", "content": "r"}]);
        assert_eq!(body["messages"], kept);
    }

    #[test]
    fn arguments_that_are_cut_break_it() {
        let call = json!({"id": "1", "type": "function", "function": {"name": "f", "arguments": "{\"a\": "}});
        let body = json!({"model": "claude-sonnet-4-5", "messages": [{"role": "assistant", "tool_calls": [call]}]});
        assert_eq!(Sent::of(&body).unwrap_err().status, 500);
    }
}
