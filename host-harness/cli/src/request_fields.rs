//! Fields of a request's body, as a user of the command line sets them: by a flag of their own, or by `--set NAME=JSON`.

use host_harness::command_line::nearest;
use serde_json::Value;

use super::output;

/// The flags of `chat` that set fields of a request, and the names that people give these.
const FIELDS: [(&str, &[&str]); 11] = [
    ("--temperature", &["temperature"]),
    ("--top-p", &["top_p", "topP"]),
    ("--stop", &["stop"]),
    ("--seed", &["seed"]),
    ("--max-output-tokens", &["max_tokens", "maxTokens", "max_completion_tokens", "max_output_tokens"]),
    ("--reasoning-effort", &["reasoning_effort", "reasoningEffort"]),
    ("--tools", &["tools"]),
    ("--schema", &["response_format"]),
    ("--model", &["model"]),
    ("--system", &["system"]),
    (
        "--set",
        &["frequency_penalty", "presence_penalty", "logit_bias", "parallel_tool_calls", "tool_choice", "top_k", "user"],
    ),
];

/// The flag of `chat` that sets this field of a request.
pub(crate) fn flag_of_field(name: &str) -> Option<String> {
    let (flag, _) = FIELDS.iter().find(|(_, names)| names.contains(&name))?;
    Some(if *flag == "--set" { format!("--set {name}=JSON") } else { (*flag).to_owned() })
}

/// Warns of a field that is none that is known, and near to one that is: gateways drop it without a word.
pub(crate) fn doubt_fields(fields: &[(String, Value)]) {
    for (name, _) in fields {
        let known = || FIELDS.iter().flat_map(|(_, names)| *names).copied();
        if let Some(meant) = nearest(name, known()).filter(|_| !known().any(|field| field == name)) {
            output::warn(&format!("--set {name}: did you mean {meant}? It is sent as it stands."));
        }
    }
}

/// Words for how much to reason that one model or another knows.
const EFFORTS: [&str; 10] = ["none", "off", "minimal", "low", "medium", "high", "xhigh", "max", "adaptive", "auto"];

/// Warns of an effort that is none of these, and near to one of them: some models take it for a high one.
pub(crate) fn doubt_effort(effort: Option<&str>) {
    let unknown = effort.filter(|effort| !EFFORTS.contains(&effort.trim().to_ascii_lowercase().as_str()));
    if let Some((effort, meant)) = unknown.and_then(|effort| Some((effort, nearest(effort, EFFORTS)?))) {
        output::warn(&format!("--reasoning-effort {effort}: did you mean {meant}? It is taken as it stands."));
    }
}

/// `NAME=JSON`: a field of a request's body.
pub(crate) fn field(text: &str) -> Result<(String, Value), String> {
    let (name, json) = text.split_once('=').ok_or("it is NAME=JSON, such as temperature=0.2")?;
    let name = name.trim();
    if name.is_empty() || name == "stream" || name == "messages" || name == "model" {
        return Err(format!("`{name}` is no field to set: the prompt, --model and --no-stream say it"));
    }
    let value = serde_json::from_str(json).map_err(|error| {
        format!("the value of {name} is not JSON ({error}): a text stands in quotes, {name}='\"...\"'")
    })?;
    Ok((name.to_owned(), value))
}
