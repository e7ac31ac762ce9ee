//! What Gemini's `generateContent` refuses.

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
    turns(body)?;
    if family.is_some_and(|family| family.thinking == Thinking::Always) {
        thought_signatures(body)?;
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
