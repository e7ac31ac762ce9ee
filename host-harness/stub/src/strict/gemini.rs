//! What Gemini's `generateContent` refuses.

use std::collections::HashSet;

use serde_json::Value;

use super::Signature;
use super::anthropic::list;
use super::family::{Family, Thinking};

/// Checks a request for `model`; the error is the message of a 400 INVALID_ARGUMENT.
pub(crate) fn check(model: &str, body: &Value) -> Result<(), String> {
    let family = Family::of(model);
    // Gemini 2.5 knows a budget alone: ai.google.dev "Gemini thinking", and many who quote the refusal.
    let config = &body["generationConfig"];
    let level = config["thinkingConfig"].get("thinkingLevel");
    if level.is_some() && family.is_some_and(|family| family.thinking == Thinking::Budget) {
        return Err("Thinking level is not supported for this model.".into());
    }
    if config.get("stopSequences").is_some_and(|stop| !stop.is_array()) {
        return Err("Invalid value at 'generation_config.stop_sequences' (TYPE_STRING)".into());
    }
    // BerriAI/litellm#18921
    if list(&config["stopSequences"]).count() > 5 {
        return Err(
            "* GenerateContentRequest.generation_config.stop_sequences: the number of stop_sequences must not exceed 5."
                .into(),
        );
    }
    // googleapis/python-genai#867 and symfony/ai#803; since Gemini 3 both go together (ai.google.dev "Structured outputs").
    let is_before_3 = family.is_none_or(|family| family.thinking != Thinking::Always);
    if is_before_3 && config.get("responseMimeType").is_some() && list(&body["tools"]).next().is_some() {
        return Err("Function calling with a response mime type: 'application/json' is unsupported".into());
    }
    if config["responseSchema"].is_object() {
        schema(&config["responseSchema"], "generation_config.response_schema")?;
    }
    // lbjlaq/Antigravity-Manager#2241; since Gemini 3 they go together (ai.google.dev "Combine built-in tools and function calling").
    let is_declared = |tool: &&Value| tool.get("functionDeclarations").is_some();
    let own = list(&body["tools"]).find(|tool| !is_declared(tool)).and_then(Value::as_object);
    if let Some((own, _)) = own.and_then(|own| own.iter().next())
        && is_before_3
        && list(&body["tools"]).any(|tool| is_declared(&tool))
    {
        return Err(format!("Built-in tools ({{{own}}}) and Function Calling cannot be combined in the same request."));
    }
    for tool in list(&body["tools"]) {
        // google-gemini/gemini-cli#19083
        if list(&tool["functionDeclarations"]).count() > 512 {
            return Err("The GenerateContentRequest proto is invalid:\n  * tools[0].function_declarations: [FIELD_INVALID] At most 512 function declarations can be specified.".into());
        }
        let mut names = HashSet::new();
        for (at, declared) in list(&tool["functionDeclarations"]).enumerate() {
            // rikkahub/rikkahub#1311
            if declared["name"].as_str().is_some_and(|name| !names.insert(name)) {
                return Err(format!("Duplicate function declaration found: {}", declared["name"]));
            }
            let is_of_it = |byte: u8| byte.is_ascii_alphanumeric() || b"_.:-".contains(&byte);
            let name = declared["name"].as_str().unwrap_or_default();
            let is_begun = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
            if !is_begun || name.len() > 64 || !name.bytes().all(is_of_it) {
                return Err(format!(
                    "* GenerateContentRequest.tools[0].function_declarations[{at}].name: Invalid function name. Must start with a letter or an underscore. Must be alphameric (a-z, A-Z, 0-9), underscores (_), dots (.), colons (:), or dashes (-), with a maximum length of 64."
                ));
            }
            if declared["parameters"]["properties"].as_object().is_some_and(serde_json::Map::is_empty) {
                return Err(format!(
                    "* GenerateContentRequest.tools[0].function_declarations[{at}].parameters.properties: should be non-empty for OBJECT type"
                ));
            }
            if declared["parameters"].is_object() {
                schema(&declared["parameters"], &format!("tools[0].function_declarations[{at}].parameters"))?;
            }
        }
    }
    turns(body)?;
    media(body)?;
    if family.is_some_and(|family| family.thinking == Thinking::Always) {
        thought_signatures(body)?;
    }
    Ok(())
}

/// A part of OpenAPI's schemas alone: ai.google.dev "Schema". The refusals are quoted in ahmadrosid/nakama#292 and
/// pizza-bot-app/pizza-bot#62 (unknown names), weave-os/router#65 (an enum of numbers), google-gemini/gemini-cli#3178 (a format),
/// iBUHub/AIStudioToAPI#154 (required), cline/cline#7339 (items), WordPress/ai-provider-for-google#33 (types), crmne/ruby_llm#61
/// (nothing in it).
fn schema(schema: &Value, path: &str) -> Result<(), String> {
    const KNOWN: &[&str] = &[
        "type", "format", "title", "description", "nullable", "enum", "maxItems", "minItems", "properties", "required",
        "minProperties", "maxProperties", "minLength", "maxLength", "pattern", "example", "anyOf", "propertyOrdering",
        "default", "items", "minimum", "maximum",
    ];
    let Some(members) = schema.as_object() else {
        return Err(format!(
            "Invalid value at '{path}' (type.googleapis.com/google.ai.generativelanguage.v1beta.Schema)"
        ));
    };
    if let Some(name) = members.keys().find(|name| !KNOWN.contains(&name.as_str())) {
        return Err(format!("Invalid JSON payload received. Unknown name \"{name}\" at '{path}': Cannot find field."));
    }
    if schema["type"].is_array() {
        return Err(format!("Invalid value at '{path}.type': Proto field is not repeating, cannot start list."));
    }
    if let Some((at, wrong)) = list(&schema["enum"]).enumerate().find(|(_, value)| !value.is_string()) {
        return Err(format!("Invalid value at '{path}.enum[{at}]' (TYPE_STRING), {wrong}"));
    }
    let is_string = schema["type"] == "string";
    if is_string && schema["format"].as_str().is_some_and(|format| !["enum", "date-time"].contains(&format)) {
        return Err(format!(
            "* GenerateContentRequest.{path}.format: only 'enum' and 'date-time' are supported for STRING type"
        ));
    }
    if schema["type"] == "array" && !schema["items"].is_object() {
        return Err(format!("* GenerateContentRequest.{path}.items: missing field."));
    }
    for (at, name) in list(&schema["required"]).enumerate() {
        if schema["properties"].get(name.as_str().unwrap_or_default()).is_none() {
            return Err(format!("* GenerateContentRequest.{path}.required[{at}]: property is not defined"));
        }
    }
    for (name, inner) in schema["properties"].as_object().into_iter().flatten() {
        self::schema(inner, &format!("{path}.properties[{name}]"))?;
    }
    for (at, inner) in list(&schema["anyOf"]).enumerate() {
        self::schema(inner, &format!("{path}.any_of[{at}]"))?;
    }
    if schema["items"].is_object() { self::schema(&schema["items"], &format!("{path}.items")) } else { Ok(()) }
}

/// Of images it takes these (ai.google.dev "Image understanding"): Mai-with-u/MaiBot#1435 (a GIF) and
/// google-gemini/gemini-cli#3054 (an SVG).
fn media(body: &Value) -> Result<(), String> {
    const IMAGES: [&str; 5] = ["png", "jpeg", "webp", "heic", "heif"];
    let parts = list(&body["contents"]).flat_map(|turn| list(&turn["parts"]));
    for kind in parts.filter_map(|part| part["inlineData"]["mimeType"].as_str()) {
        if kind.strip_prefix("image/").is_some_and(|kind| !IMAGES.contains(&kind)) {
            return Err(format!("Unsupported MIME type: {kind}"));
        }
    }
    Ok(())
}

/// Sources: ai.google.dev "Function calling"; the refusals are quoted in many trackers ("Please ensure that …").
fn turns(body: &Value) -> Result<(), String> {
    let turns: Vec<&Value> = list(&body["contents"]).collect();
    if turns.is_empty() {
        return Err("* GenerateContentRequest.contents: contents is not specified".into());
    }
    let mut calls_before = 0;
    for (at, turn) in turns.iter().enumerate() {
        let parts: Vec<&Value> = list(&turn["parts"]).collect();
        // the-open-agent/openagent#1666
        if !["user", "model", "function"].iter().any(|role| turn["role"] == *role) {
            return Err("Please use a valid role: user, model.".into());
        }
        if parts.is_empty() {
            return Err(format!("* GenerateContentRequest.contents[{at}].parts: contents.parts must not be empty."));
        }
        let count = |name: &str| parts.iter().filter(|part| part.get(name).is_some()).count();
        let (calls, results) = (count("functionCall"), count("functionResponse"));
        if calls > 0 && at.checked_sub(1).and_then(|at| turns.get(at)).is_none_or(|before| before["role"] == "model") {
            return Err("Please ensure that function call turn comes immediately after a user turn or after a function response turn.".into());
        }
        if results != calls_before {
            return Err("Please ensure that the number of function response parts is equal to the number of function call parts of the function call turn.".into());
        }
        if let Some(part) = parts.iter().find(|part| part["functionResponse"]["name"] == "") {
            return Err(format!(
                "* GenerateContentRequest.contents[{at}].parts.function_response.name: Name cannot be empty. {part}"
            ));
        }
        calls_before = calls;
    }
    if calls_before > 0 {
        return Err("Please ensure that the number of function response parts is equal to the number of function call parts of the function call turn.".into());
    }
    Ok(())
}

/// The first call of each step since the user last spoke keeps its signature: ai.google.dev "Thought signatures"
/// (thClaws/thClaws#65, langgenius/dify-official-plugins#2088). Google names two stand-ins for those of other models.
fn thought_signatures(body: &Value) -> Result<(), String> {
    let turns: Vec<&Value> = list(&body["contents"]).collect();
    let asks = |turn: &&Value| turn["role"] == "user" && list(&turn["parts"]).any(|part| part.get("text").is_some());
    let from = turns.iter().rposition(asks).unwrap_or(0);
    for (at, turn) in turns.iter().enumerate().skip(from) {
        let Some(part) = list(&turn["parts"]).find(|part| part.get("functionCall").is_some()) else { continue };
        let name = part["functionCall"]["name"].as_str().unwrap_or_default();
        match part["thoughtSignature"].as_str() {
            Some("skip_thought_signature_validator" | "context_engineering_is_the_way_to_go") => {}
            Some(signature) if Signature::read(signature, name) == Signature::Good => {}
            Some(_) => return Err("Corrupted thought signature.".into()),
            None => {
                return Err(format!(
                    "Function call is missing a thought_signature in functionCall parts. This is required for tools to work correctly, and missing thought_signature may lead to degraded model performance. Additional data, function call `default_api:{name}` , position {}. Please refer to https://ai.google.dev/gemini-api/docs/thought-signatures for more details.",
                    at + 1
                ));
            }
        }
    }
    Ok(())
}
