//! For Gemini: an OpenAI body as its `generateContent`.

use serde_json::{Map, Value, json};

use super::{arguments, is_system, set};
use crate::computed::list;

/// The body; `None` where the gateway throws.
pub(super) fn generate_content(body: &Value) -> Option<Value> {
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
