//! What OpenAI's Responses API refuses, in its words. Sources: OpenAI's API reference and its client for Node 6.49 for
//! the members; the refusals as users report them (aaif-goose/goose#2564, openai/openai-agents-js#546, vercel/ai#13239).

use serde_json::Value;

use super::anthropic::list;
use super::family::{Family, Thinking};
use super::openai::{self, known, named, texts, verbosity};
use super::{Refused, Signature, is_given};
use crate::respond::bare;

/// Whether OpenAI has a model in this API alone.
pub(crate) fn is_only(model: &str) -> bool {
    let model = bare(model);
    let is_openais = ["gpt-", "o1", "o3", "o4", "codex-"].iter().any(|start| model.starts_with(start));
    model.starts_with("computer-use")
        || is_openais && ["codex", "-pro", "deep-research"].iter().any(|word| model.contains(word))
}

/// OpenAI's words on chat completions for such a model.
pub(crate) const ONLY: &str = "This model is only supported in v1/responses and not in v1/chat/completions.";

const TOP: &[&str] = &[
    "background", "context_management", "conversation", "include", "input", "instructions", "max_output_tokens",
    "max_tool_calls", "metadata", "model", "moderation", "parallel_tool_calls", "previous_response_id", "prompt",
    "prompt_cache_key", "prompt_cache_options", "prompt_cache_retention", "reasoning", "safety_identifier",
    "service_tier", "store", "stream", "stream_options", "temperature", "text", "tool_choice", "tools", "top_logprobs",
    "top_p", "truncation", "user",
];

/// Checks a request.
pub(crate) fn check(body: &Value) -> Result<(), Refused> {
    if body.get("messages").is_some() {
        let text = "Unsupported parameter: 'messages'. In the Responses API, this parameter has moved to 'input'. Try again with the new parameter.";
        return Err(Refused::new(text, "messages", "unsupported_parameter"));
    }
    known(body, TOP, "")?;
    openai::key(body)?;
    if let Some(limit) = body["max_output_tokens"].as_u64().filter(|limit| *limit < 16) {
        let text = format!(
            "Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 16, but got {limit} instead."
        );
        return Err(Refused::new(text, "max_output_tokens", "integer_below_min_value"));
    }
    let family = Family::of(body["model"].as_str().unwrap_or_default());
    if family.is_some_and(|family| family.thinking == Thinking::None) {
        if list(&body["include"]).any(|what| what == "reasoning.encrypted_content") {
            return Err(Refused::new("Encrypted content is not supported with this model.", "include", ""));
        }
        if body["reasoning"].get("effort").is_some() {
            let text = "Unsupported parameter: 'reasoning.effort' is not supported with this model.";
            return Err(Refused::new(text, "reasoning.effort", "unsupported_parameter"));
        }
    }
    known(&body["reasoning"], &["effort", "summary", "generate_summary", "context", "mode"], "reasoning")?;
    known(&body["text"], &["format", "verbosity"], "text")?;
    verbosity(&body["text"]["verbosity"], body, "text.verbosity")?;
    known(&body["text"]["format"], &["type", "name", "schema", "strict", "description"], "text.format")?;
    if body["text"]["format"]["type"] == "json_schema" {
        texts(&body["text"]["format"], "text.format", &["name"])?;
        named(&body["text"]["format"], "text.format.name")?;
    }
    if body["text"]["format"]["type"] == "json_object"
        && !body["input"].to_string().to_ascii_lowercase().contains("json")
    {
        let text = "Response input messages must contain the word 'json' in some form to use 'text.format' of type 'json_object'.";
        return Err(Refused::new(text, "input", ""));
    }
    searched(body)?;
    for (at, tool) in list(&body["tools"]).enumerate().filter(|(_, tool)| tool["type"] == "function") {
        let path = format!("tools[{at}]");
        texts(tool, &path, &["name"])?;
        named(tool, &format!("{path}.name"))?;
        known(tool, &["type", "name", "description", "parameters", "strict", "defer_loading"], &path)?;
        if tool["strict"] == true && tool["parameters"]["additionalProperties"] != false {
            let text = format!(
                "Invalid schema for function '{}': In context=(), 'additionalProperties' is required to be supplied and to be false.",
                tool["name"].as_str().unwrap_or_default()
            );
            return Err(Refused::new(text, format!("{path}.parameters"), "invalid_function_parameters"));
        }
    }
    for (at, tool) in list(&body["tools"]).enumerate().filter(|(_, tool)| tool["type"] == "custom") {
        let path = format!("tools[{at}]");
        texts(tool, &path, &["name"])?;
        known(tool, &["type", "name", "description", "format"], &path)?;
        let (format, path) = (&tool["format"], format!("{path}.format"));
        known(format, &["type", "syntax", "definition"], &path)?;
        if format["type"] == "grammar" {
            texts(format, &path, &["syntax", "definition"])?;
        }
    }
    if body["tool_choice"]["type"] == "function" || body["tool_choice"]["type"] == "custom" {
        texts(&body["tool_choice"], "tool_choice", &["name"])?;
        known(&body["tool_choice"], &["type", "name"], "tool_choice")?;
    }
    if body["input"].is_string() {
        return Ok(());
    }
    let is_stored = body["store"] != false;
    let items: Vec<&Value> = list(&body["input"]).collect();
    // What was called before then is stored.
    let goes_on = is_given(body, "previous_response_id") || is_given(body, "conversation");
    let mut open: Vec<&str> = Vec::new();
    for (at, item) in items.iter().enumerate() {
        let path = format!("input[{at}]");
        match item["type"].as_str().unwrap_or("message") {
            "message" => message(item, &path)?,
            "function_call" => {
                texts(item, &path, &["call_id", "name", "arguments"])?;
                named(item, &format!("{path}.name"))?;
                known(item, &["type", "id", "call_id", "name", "arguments", "status", "namespace"], &path)?;
                open.extend(item["call_id"].as_str());
            }
            "function_call_output" => {
                texts(item, &path, &["call_id"])?;
                known(item, &["type", "id", "call_id", "output", "status"], &path)?;
                parts(&item["output"], &format!("{path}.output"), INPUT)?;
                let id = item["call_id"].as_str().unwrap_or_default();
                let Some(index) = open.iter().position(|open| *open == id) else {
                    if goes_on {
                        continue;
                    }
                    let text = format!("No tool call found for function call output with call_id {id}.");
                    return Err(Refused::new(text, "input", ""));
                };
                open.remove(index);
            }
            "reasoning" => {
                known(item, &["type", "id", "summary", "content", "encrypted_content", "status"], &path)?;
                if !item["summary"].is_array() {
                    return Err(Refused::missing(format!("{path}.summary")));
                }
                reasoning(item, items.get(at + 1).copied(), is_stored)?;
            }
            own if OWN.contains(&own) => {}
            other => {
                let text = format!("Invalid value: '{other}'.");
                return Err(Refused::new(text, path, "invalid_value"));
            }
        }
    }
    match open.first() {
        Some(id) => Err(Refused::new(format!("No tool output found for function call {id}."), "input", "")),
        None => Ok(()),
    }
}

/// Kinds of tools, and the search among those that are not loaded at first: pydantic/pydantic-ai#6080 and #5230 quote the words.
/// Source of the kinds: OpenAI's API reference.
fn searched(body: &Value) -> Result<(), Refused> {
    const KINDS: &[&str] = &[
        "function", "custom", "web_search", "web_search_preview", "file_search", "code_interpreter", "computer",
        "computer_use_preview", "image_generation", "mcp", "local_shell", "shell", "apply_patch", "namespace",
        "tool_search",
    ];
    for (at, tool) in list(&body["tools"]).enumerate() {
        let kind = tool["type"].as_str().unwrap_or_default();
        if !KINDS.contains(&kind) {
            return Err(Refused::new(
                format!("Invalid value: '{kind}'."),
                format!("tools[{at}].type"),
                "invalid_value",
            ));
        }
    }
    let search = list(&body["tools"]).find(|tool| tool["type"] == "tool_search");
    let is_deferred = list(&body["tools"]).any(|tool| tool["defer_loading"] == true || tool["type"] == "namespace");
    let text = match search {
        None if is_deferred => "Invalid Value: tools.defer_loading. Deferred tools require tools.tool_search.",
        Some(search) if !is_deferred && search["execution"] != "client" => {
            "Invalid Value: 'tools.tool_search'. tools.tool_search requires at least one deferred tool."
        }
        _ => return Ok(()),
    };
    Err(Refused::new(text, "tools", "invalid_value"))
}

/// Items of OpenAI's own tools, and what a model summed up.
const OWN: &[&str] = &[
    "additional_tools", "code_interpreter_call", "compaction", "custom_tool_call", "custom_tool_call_output",
    "file_search_call", "image_generation_call", "item_reference", "mcp_call", "mcp_list_tools", "tool_search_call",
    "tool_search_output", "web_search_call",
];

const INPUT: &[&str] = &["input_text", "input_image", "input_file"];

fn message(item: &Value, path: &str) -> Result<(), Refused> {
    known(item, &["type", "role", "content", "phase", "id", "status"], path)?;
    let kinds = match item["role"].as_str() {
        Some("assistant") => &["output_text", "refusal"],
        Some("user" | "system" | "developer") => INPUT,
        _ => {
            let text = format!(
                "Invalid value: {}. Supported values are: 'assistant', 'system', 'developer', and 'user'.",
                item["role"]
            );
            return Err(Refused::new(text, format!("{path}.role"), "invalid_value"));
        }
    };
    parts(&item["content"], &format!("{path}.content"), kinds)
}

/// A text, or parts of these types.
fn parts(content: &Value, path: &str, kinds: &[&str]) -> Result<(), Refused> {
    if !content.is_string() && !content.is_array() {
        return Err(Refused::missing(path));
    }
    for (at, part) in list(content).enumerate() {
        let path = format!("{path}[{at}]");
        let kind = part["type"].as_str().unwrap_or_default();
        if !kinds.contains(&kind) {
            let kinds: Vec<String> = kinds.iter().map(|kind| format!("'{kind}'")).collect();
            let text = format!("Invalid value: '{kind}'. Supported values are: {}.", kinds.join(", "));
            return Err(Refused::new(text, path, "invalid_value"));
        }
        match kind {
            "input_image" => known(part, &["type", "image_url", "file_id", "detail"], &path)?,
            "input_file" => known(part, &["type", "filename", "file_data", "file_id", "file_url"], &path)?,
            _ => {
                known(part, &["type", "text", "annotations", "logprobs", "refusal", "prompt_cache_breakpoint"], &path)?
            }
        }
    }
    Ok(())
}

fn reasoning(item: &Value, next: Option<&Value>, is_stored: bool) -> Result<(), Refused> {
    let id = item["id"].as_str().unwrap_or_default();
    let leads_on = next.is_some_and(|next| match next["type"].as_str().unwrap_or("message") {
        "message" => next["role"] == "assistant",
        kind => kind.ends_with("_call") || kind == "reasoning",
    });
    if !leads_on {
        let text = format!("Item '{id}' of type 'reasoning' was provided without its required following item.");
        return Err(Refused::new(text, "input", ""));
    }
    let Some(sealed) = item["encrypted_content"].as_str() else {
        let text = format!(
            "Item with id '{id}' not found. Items are not persisted when `store` is set to false. Try again with `store` set to true, or remove this item from your input."
        );
        return if is_stored { Ok(()) } else { Err(Refused::new(text, "input", "")) };
    };
    let summary: Vec<&str> = list(&item["summary"]).filter_map(|part| part["text"].as_str()).collect();
    match Signature::read(sealed, &format!("{id}{}", summary.concat())) {
        Signature::Good => Ok(()),
        _ => {
            let text = format!("The encrypted content for item {id} could not be verified.");
            Err(Refused::new(text, "", "invalid_encrypted_content"))
        }
    }
}
