//! What chat completions refuse: at OpenAI itself, and at DeepSeek, Kimi and OpenRouter, which speak the same.

use serde_json::Value;

use super::anthropic::list;
use super::family::{Family, Maker, Thinking};
use super::{Refused, forces_a_call, is_given, is_name, is_routed};

/// Checks a request. Models of other makers, and those that are not known, are held to what all have in common.
pub(crate) fn check(body: &Value) -> Result<(), Refused> {
    let family = Family::of(body["model"].as_str().unwrap_or_default());
    pairs(body)?;
    match family.map(|family| (family, family.maker)) {
        Some((family, Maker::OpenAi)) if !is_routed(body) => {
            parameters(body, family)?;
            members(body, family)
        }
        Some((family, Maker::DeepSeek | Maker::Moonshot)) => {
            thinking_comes_back(body, family)?;
            while_thinking(body, family)
        }
        _ => Ok(()),
    }
}

/// Calls and results go together: OpenAI's words, which DeepSeek, Kimi and DashScope share.
fn pairs(body: &Value) -> Result<(), Refused> {
    let mut open: Vec<&str> = Vec::new();
    let missing = |at: usize, ids: &[&str]| {
        let message = format!(
            "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. The following tool_call_ids did not have response messages: {}",
            ids.join(", ")
        );
        Err(Refused::new(message, format!("messages.[{at}].role"), ""))
    };
    for (at, message) in list(&body["messages"]).enumerate() {
        if message["role"] == "tool" {
            let id = message["tool_call_id"].as_str().unwrap_or_default();
            let Some(index) = open.iter().position(|open| *open == id) else {
                let text = "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.";
                return Err(Refused::new(text, format!("messages.[{at}].role"), ""));
            };
            open.remove(index);
        } else {
            if !open.is_empty() {
                return missing(at, &open);
            }
            open = list(&message["tool_calls"]).filter_map(|call| call["id"].as_str()).collect();
        }
        let is_optional =
            ["tool_calls", "function_call", "refusal", "audio"].iter().any(|name| !message[*name].is_null());
        match &message["content"] {
            Value::Null if !is_optional => {
                let text = "Invalid value for 'content': expected a string, got null.";
                return Err(Refused::new(text, format!("messages.[{at}].content"), ""));
            }
            Value::Array(parts) if parts.is_empty() => {
                let text = format!(
                    "Invalid 'messages[{at}].content': empty array. Expected an array with minimum length 1, but got an empty array instead."
                );
                return Err(Refused::new(text, format!("messages[{at}].content"), "empty_array"));
            }
            _ => {}
        }
        for (index, call) in list(&message["tool_calls"]).enumerate() {
            if call["type"] != "custom" && !call["function"]["arguments"].is_string() {
                return Err(Refused::missing(format!("messages[{at}].tool_calls[{index}].function.arguments")));
            }
        }
    }
    let count = list(&body["messages"]).count();
    if open.is_empty() { Ok(()) } else { missing(count, &open) }
}

/// Sources: OpenAI's API reference and "Reasoning models"; anomalyco/opencode#4451 (efforts), umputun/tg-spam#304 (an effort
/// for a model without).
fn parameters(body: &Value, family: &Family) -> Result<(), Refused> {
    let reasons = family.thinking != Thinking::None;
    let given = |name| is_given(body, name);
    if given("max_tokens") && given("max_completion_tokens") {
        let text = "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.";
        return Err(Refused::new(text, "max_tokens", "invalid_parameter_combination"));
    }
    if reasons && given("max_tokens") {
        let text = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.";
        return Err(Refused::new(text, "max_tokens", "unsupported_parameter"));
    }
    // Recorded of GPT-4o by 0xPlaygrounds/rig.
    if let Some(value) = body["temperature"].as_f64().filter(|value| *value > 2.0) {
        let text = format!(
            "Invalid 'temperature': decimal above maximum value. Expected a value <= 2, but got {value:.1} instead."
        );
        return Err(Refused::new(text, "temperature", "decimal_above_max_value"));
    }
    for name in ["max_tokens", "max_completion_tokens"] {
        if let Some(limit) = body[name].as_u64().filter(|limit| *limit > family.output) {
            let text = format!(
                "{name} is too large: {limit}. This model supports at most {} completion tokens, whereas you provided {limit}.",
                family.output
            );
            return Err(Refused::new(text, name, "invalid_value"));
        }
    }
    if let Some(effort) = body.get("reasoning_effort").filter(|effort| !effort.is_null()) {
        if !reasons {
            return Err(Refused::new("Unrecognized request argument supplied: reasoning_effort", "", ""));
        }
        if !effort.as_str().is_some_and(|effort| family.efforts.contains(&effort)) {
            let known: Vec<String> = family.efforts.iter().map(|effort| format!("'{effort}'")).collect();
            let text = format!(
                "Unsupported value: 'reasoning_effort' does not support {effort} with this model. Supported values are: {}.",
                known.join(", ")
            );
            return Err(Refused::new(text, "reasoning_effort", "unsupported_value"));
        }
    }
    // BerriAI/litellm#34569 and pipecat-ai/pipecat#4043.
    let (newest, new) = (["gpt-5-6", "gpt-6"].contains(&family.name), ["gpt-5-4", "gpt-5-5"].contains(&family.name));
    let is_none = body["reasoning_effort"] == "none";
    if list(&body["tools"]).next().is_some() && !is_none && (newest || new && given("reasoning_effort")) {
        let text = format!(
            "Function tools with reasoning_effort are not supported for {} in /v1/chat/completions. To use function tools, use /v1/responses or set reasoning_effort to 'none'.",
            body["model"].as_str().unwrap_or_default()
        );
        return Err(Refused::new(text, "reasoning_effort", ""));
    }
    // From 5.1 on a model may not reason at all, and then takes them.
    if reasons && !family.efforts.contains(&"none") {
        for name in ["temperature", "top_p"] {
            if let Some(value) = body[name].as_f64().filter(|value| (value - 1.0).abs() > f64::EPSILON) {
                let text = format!(
                    "Unsupported value: '{name}' does not support {value} with this model. Only the default (1) value is supported."
                );
                return Err(Refused::new(text, name, "unsupported_value"));
            }
        }
    }
    // huggingface/smolagents#1671 and #1895, crewAIInc/crewAI#2738.
    if reasons && !["o1", "o3-mini"].contains(&family.name) && given("stop") {
        let text = "Unsupported parameter: 'stop' is not supported with this model.";
        return Err(Refused::new(text, "stop", "unsupported_parameter"));
    }
    // BerriAI/litellm#21576, tried by calls.
    if family.name.starts_with("gpt-5") || family.name.starts_with("gpt-6") {
        if let Some(name) = ["logit_bias", "prediction"].into_iter().find(|name| given(name)) {
            let text = format!("Unsupported parameter: '{name}' is not supported with this model.");
            return Err(Refused::new(text, name, "unsupported_parameter"));
        }
        if let Some(name) = ["modalities", "audio"].into_iter().find(|name| given(name)) {
            return Err(Refused::new(format!("Unknown parameter: '{name}'."), name, "unknown_parameter"));
        }
    }
    // QwenLM/Qwen-Agent#228, continuedev/continue#2461.
    let stops = list(&body["stop"]).count();
    if stops > 4 {
        let text = format!(
            "Invalid 'stop': array too long. Expected an array with maximum length 4, but got an array with length {stops} instead."
        );
        return Err(Refused::new(text, "stop", "array_above_max_length"));
    }
    key(body)?;
    // run-llama/llama_index#20865, langchain-ai/langgraph-supervisor-py#125.
    if ["o1", "o3", "o3-mini", "o4-mini"].contains(&family.name) && given("parallel_tool_calls") {
        let text = "Unsupported parameter: 'parallel_tool_calls' is not supported with this model.";
        return Err(Refused::new(text, "parallel_tool_calls", "unsupported_parameter"));
    }
    // QwenLM/qwen-code#243, tmc/langchaingo#1484.
    if given("metadata") && body["store"] != true {
        let text = "The 'metadata' parameter is only allowed when 'store' is enabled.";
        return Err(Refused::new(text, "metadata", ""));
    }
    verbosity(&body["verbosity"], body, "verbosity")?;
    choice(&body["tool_choice"])?;
    // langchain-ai/langchain#15125 and ultimatejimmy/xray.koplugin#33
    if body["response_format"]["type"] == "json_object" && !super::compatible::says_json(body) {
        let text =
            "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.";
        return Err(Refused::new(text, "messages", ""));
    }
    response_format(&body["response_format"])
}

/// theopenco/llmgateway#3110 and earendil-works/pi#4719.
pub(super) fn key(body: &Value) -> Result<(), Refused> {
    let length = body["prompt_cache_key"].as_str().map_or(0, |key| key.chars().count());
    if length <= 64 {
        return Ok(());
    }
    let text = format!(
        "Invalid 'prompt_cache_key': string too long. Expected a string with maximum length 64, but got a string with length {length} instead."
    );
    Err(Refused::new(text, "prompt_cache_key", "string_above_max_length"))
}

/// GPT-5 and later say more or less as asked, but for those that are Codex' or ChatGPT's: google-deepmind/concordia#164
/// (GPT-4o), openai/codex#9035 and #19188; which, enricoros/big-AGI#947, and justrach/codegraff2#75 for GPT-5.3-Codex.
pub(super) fn verbosity(asked: &Value, body: &Value, path: &str) -> Result<(), Refused> {
    let model = super::bare(body["model"].as_str().unwrap_or_default());
    let is_told = ["gpt-5", "gpt-6"].iter().any(|start| model.starts_with(start));
    let is_older = model.contains("codex") && !model.starts_with("gpt-5.3-codex") || model.contains("-chat");
    if asked.is_null() || asked == "medium" || is_told && !is_older {
        return Ok(());
    }
    let asked = asked.as_str().unwrap_or_default();
    let of = if path == "verbosity" {
        format!("'{path}' does not support '{asked}' with this model.")
    } else {
        format!("'{asked}' is not supported with the '{model}' model.")
    };
    let text = format!("Unsupported value: {of} Supported values are: 'medium'.");
    Err(Refused::new(text, path, "unsupported_value"))
}

/// Source: OpenAI's API reference, "tool_choice".
fn choice(choice: &Value) -> Result<(), Refused> {
    let kind = choice.as_str().or_else(|| choice["type"].as_str());
    match kind {
        None if choice.is_null() => Ok(()),
        Some("none" | "auto" | "required") if choice.is_string() => Ok(()),
        Some(kind @ ("function" | "custom")) if choice[kind]["name"].is_string() => Ok(()),
        Some("allowed_tools") if choice["allowed_tools"]["tools"].is_array() => Ok(()),
        Some(kind @ ("function" | "custom" | "allowed_tools")) => Err(Refused::missing(format!("tool_choice.{kind}"))),
        _ => {
            let text = format!(
                "Invalid value: '{}'. Supported values are: 'none', 'auto', and 'required'.",
                kind.unwrap_or_default()
            );
            Err(Refused::new(text, "tool_choice", "invalid_value"))
        }
    }
}

/// Source: OpenAI's API reference, "response_format".
fn response_format(format: &Value) -> Result<(), Refused> {
    match format["type"].as_str() {
        _ if format.is_null() => Ok(()),
        Some("text" | "json_object") => Ok(()),
        // neuron-core/neuron-ai#32
        Some("json_schema") if format["json_schema"]["name"].is_string() => {
            named(&format["json_schema"], "response_format.json_schema.name")
        }
        Some("json_schema") => Err(Refused::missing("response_format.json_schema.name")),
        other => {
            let text = format!(
                "Invalid value: '{}'. Supported values are: 'json_object', 'json_schema', and 'text'.",
                other.unwrap_or_default()
            );
            Err(Refused::new(text, "response_format.type", "invalid_value"))
        }
    }
}

/// No member that OpenAI does not know. Seen refused in so many words: `messages[0].id`, `messages[2].tool_calls[0].index`,
/// `messages[1].content[1].file.data`, `messages[0].content[0].cache_control`; that last one is passed over in a system
/// message to the models before GPT-5.
fn members(body: &Value, family: &Family) -> Result<(), Refused> {
    const TOP: &[&str] = &[
        "model", "messages", "functions", "function_call", "max_tokens", "max_completion_tokens", "temperature",
        "top_p", "n", "stream", "stop", "presence_penalty", "frequency_penalty", "logit_bias", "user", "seed", "tools",
        "tool_choice", "response_format", "logprobs", "top_logprobs", "stream_options", "service_tier",
        "parallel_tool_calls", "store", "metadata", "modalities", "audio", "prediction", "reasoning_effort",
        "web_search_options", "prompt_cache_key", "prompt_cache_options", "prompt_cache_retention",
        "safety_identifier", "verbosity", "moderation",
    ];
    const PARTS: &[&str] = &["text", "image_url", "input_audio", "refusal", "audio", "file"];
    // OpenAI's own clients put `parsed` into a message and leave a stream's `index` in a call, and their users and tool
    // loops send both back (openai-node, `ChatCompletionStreamingRunner`; openai-python, `get_final_completion`).
    const MESSAGE: &[&str] = &[
        "role", "content", "name", "refusal", "audio", "tool_calls", "function_call", "tool_call_id", "annotations",
        "parsed",
    ];
    if let Some((name, _)) = unknown(body, TOP) {
        return Err(Refused::new(format!("Unrecognized request argument supplied: {name}"), "", ""));
    }
    full(&body["tools"], "tools")?;
    // keinsaasforever/better-chatbot#197 and anomalyco/opencode#4909.
    let count = list(&body["tools"]).count();
    if count > 128 {
        let text = format!(
            "Invalid 'tools': array too long. Expected an array with maximum length 128, but got an array with length {count} instead."
        );
        return Err(Refused::new(text, "tools", "array_above_max_length"));
    }
    for (at, message) in list(&body["messages"]).enumerate() {
        let path = format!("messages[{at}]");
        known(message, MESSAGE, &path)?;
        // agno-agi/agno#1770 and many; OpenAI's API reference, "messages".
        let role = message["role"].as_str().unwrap_or_default();
        if !["system", "developer", "user", "assistant", "tool", "function"].contains(&role) {
            let text = format!(
                "Invalid value: '{role}'. Supported values are: 'system', 'assistant', 'user', 'function', 'tool', and 'developer'."
            );
            return Err(Refused::new(text, format!("{path}.role"), "invalid_value"));
        }
        // langchain-ai/langchain#35054, danny-avila/LibreChat#1075.
        let is_refused = |name: &str| name.contains(|next: char| next.is_whitespace() || "<|\\/>".contains(next));
        if message["name"].as_str().is_some_and(|name| name.is_empty() || is_refused(name)) {
            let text = format!(
                "Invalid '{path}.name': string does not match pattern. Expected a string that matches the pattern '^[^\\s<|\\\\/>]+$'."
            );
            return Err(Refused::new(text, format!("{path}.name"), "invalid_value"));
        }
        full(&message["tool_calls"], &format!("{path}.tool_calls"))?;
        // OpenHands/OpenHands#7700 and openai/openai-node#1030 (of a tool's and the model's).
        if message["role"] != "user" && list(&message["content"]).any(|part| part["type"] == "image_url") {
            let text = format!(
                "Invalid 'messages[{at}]'. Image URLs are only allowed for messages with role 'user', but this message with role {} contains an image URL.",
                message["role"]
            );
            return Err(Refused::new(text, path, "invalid_value"));
        }
        // Source: OpenAI's API reference, the content of each kind of message.
        let told = ["system", "developer", "tool"].iter().any(|role| message["role"] == *role);
        if let Some(part) = list(&message["content"]).find(|part| told && !part.is_string() && part["type"] != "text") {
            let kind = part["type"].as_str().unwrap_or_default();
            let text = format!("Invalid value: '{kind}'. Supported values are: 'text'.");
            return Err(Refused::new(text, path, "invalid_value"));
        }
        let is_lenient = message["role"] == "system" && family.thinking == Thinking::None;
        for (index, part) in list(&message["content"]).enumerate().filter(|_| !is_lenient) {
            let path = format!("{path}.content[{index}]");
            if part.is_string() {
                let text = format!("Invalid type for '{path}': expected an object, but got a string instead.");
                return Err(Refused::new(text, path, "invalid_type"));
            }
            let kind = part["type"].as_str().unwrap_or_default();
            if !PARTS.contains(&kind) {
                let text = format!(
                    "Invalid value: '{kind}'. Supported values are: 'text', 'image_url', 'input_audio', 'refusal', 'audio', and 'file'."
                );
                return Err(Refused::new(text, format!("{path}.type"), "invalid_value"));
            }
            // Recorded of GPT-5 Mini by pydantic/pydantic-ai.
            if kind == "input_audio" && !body["model"].as_str().is_some_and(|model| model.contains("-audio")) {
                let path = format!("messages[{at}]");
                let text =
                    format!("Invalid '{path}'. Content blocks are expected to be either text or image_url type.");
                return Err(Refused::new(text, path, "invalid_value"));
            }
            known(
                part,
                &["type", "text", "image_url", "input_audio", "file", "refusal", "prompt_cache_breakpoint"],
                &path,
            )?;
            known(&part["image_url"], &["url", "detail"], &format!("{path}.image_url"))?;
            known(&part["file"], &["file_data", "file_id", "filename"], &format!("{path}.file"))?;
            // Without a name it takes the data for none: openai/openai-agents-python#1513, langchain-ai/langchainjs#9512.
            let file = &part["file"];
            // trpc-group/trpc-agent-go#1816, and OpenAI's documentation, "File inputs".
            let kind = file["file_data"].as_str().and_then(|url| url.strip_prefix("data:")?.split(';').next());
            if let Some(kind) = kind.filter(|kind| *kind != "application/pdf") {
                let text = format!(
                    "Invalid file data: '{path}.file.file_data'. Expected a base64-encoded data URL with an application/pdf MIME type (e.g. 'data:application/pdf;base64,SGVsbG8sIFdvcmxkIQ=='), but got unsupported MIME type '{kind}'."
                );
                return Err(Refused::new(text, format!("{path}.file.file_data"), "invalid_value"));
            }
            if part["type"] == "file" && !file["filename"].is_string() && !file["file_id"].is_string() {
                return Err(Refused::missing(format!("{path}.file.file_id")));
            }
        }
        for (index, call) in list(&message["tool_calls"]).enumerate() {
            let path = format!("{path}.tool_calls[{index}]");
            known(call, &["id", "type", "function", "custom", "index"], &path)?;
            known(&call["function"], &["name", "arguments"], &format!("{path}.function"))?;
            // continuedev/continue#5091 and #9784.
            if call["function"]["name"] == "" {
                let name = format!("{path}.function.name");
                let text = format!(
                    "Invalid '{name}': empty string. Expected a string with minimum length 1, but got an empty string instead."
                );
                return Err(Refused::new(text, name, "empty_string"));
            }
            named(&call["function"], &format!("{path}.function.name"))?;
        }
    }
    // BerriAI/litellm#12311 and cpbotha/obsidian-ai-chat-as-md#5.
    if is_given(body, "web_search_options") && !body["model"].as_str().is_some_and(|model| model.contains("-search")) {
        let text = "Unknown parameter: 'web_search_options'.";
        return Err(Refused::new(text, "web_search_options", "unknown_parameter"));
    }
    for (at, tool) in list(&body["tools"]).enumerate() {
        let path = format!("tools[{at}]");
        // langchain-ai/langchain-litellm#197, sipeed/picoclaw#2951.
        if let Some(kind) = tool["type"].as_str().filter(|kind| !["function", "custom"].contains(kind)) {
            let text = format!("Invalid value: '{kind}'. Supported values are: 'function' and 'custom'.");
            return Err(Refused::new(text, format!("{path}.type"), "invalid_value"));
        }
        known(tool, &["type", "function", "custom"], &path)?;
        // Source: OpenAI's API reference, "tools", as for the grammar of a custom one.
        let kind = if tool["type"] == "custom" { "custom" } else { "function" };
        texts(&tool[kind], &format!("{path}.{kind}"), &["name"])?;
        // Older ones pass over what they do not know here: Arize-ai/openinference recorded it of GPT-4o Mini.
        if family.thinking != Thinking::None {
            known(&tool["function"], &["name", "description", "parameters", "strict"], &format!("{path}.function"))?;
        }
        known(&tool["custom"], &["name", "description", "format"], &format!("{path}.custom"))?;
        let (format, path_of) = (&tool["custom"]["format"], format!("{path}.custom.format"));
        known(format, &["type", "grammar"], &path_of)?;
        if format["type"] == "grammar" {
            texts(&format["grammar"], &format!("{path_of}.grammar"), &["syntax", "definition"])?;
        }
        schema(&tool["function"], &path)?;
        named(&tool["function"], &format!("{path}.function.name"))?;
    }
    Ok(())
}

/// The name of a function: openai/codex#8174, modelcontextprotocol/csharp-sdk#679.
pub(super) fn named(function: &Value, path: &str) -> Result<(), Refused> {
    if function["name"].is_null() || is_name(&function["name"], 64) {
        return Ok(());
    }
    let text = format!(
        "Invalid '{path}': string does not match pattern. Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'."
    );
    Err(Refused::new(text, path, "invalid_value"))
}

/// Where there is a list, there is something in it: openai/openai-node#1341 quotes the words. DeepSeek has the same rule for
/// tools (runebookai/tome#87).
fn full(list: &Value, path: &str) -> Result<(), Refused> {
    if list.as_array().is_some_and(Vec::is_empty) {
        let text = format!(
            "Invalid '{path}': empty array. Expected an array with minimum length 1, but got an empty array instead."
        );
        return Err(Refused::new(text, path, "empty_array"));
    }
    Ok(())
}

/// The schema of a function's parameters is an object's, and says which properties it has. OpenAI's own words.
fn schema(function: &Value, path: &str) -> Result<(), Refused> {
    let parameters = &function["parameters"];
    let wrong = match parameters.as_object() {
        None => return Ok(()),
        Some(_) if parameters["type"] != "object" => "schema must be a JSON Schema of 'type: \"object\"'",
        Some(given)
            if !["properties", "anyOf", "oneOf", "allOf", "$ref"].iter().any(|name| given.contains_key(*name)) =>
        {
            "In context=(), object schema missing properties."
        }
        // nspady/google-calendar-mcp#39, langchain-ai/langchainjs#9804.
        Some(given) if ["oneOf", "anyOf", "allOf", "enum", "not"].iter().any(|name| given.contains_key(*name)) => {
            "schema must have type 'object' and not have 'oneOf'/'anyOf'/'allOf'/'enum'/'not' at the top level."
        }
        Some(_) => return Ok(()),
    };
    let text = format!("Invalid schema for function '{}': {wrong}", function["name"].as_str().unwrap_or_default());
    Err(Refused::new(text, format!("{path}.function.parameters"), "invalid_function_parameters"))
}

fn unknown<'v>(value: &'v Value, known: &[&str]) -> Option<(&'v String, &'v Value)> {
    value.as_object().into_iter().flatten().find(|(name, _)| !known.contains(&name.as_str()))
}

/// A text in each of these members.
pub(super) fn texts(value: &Value, path: &str, names: &[&str]) -> Result<(), Refused> {
    let Some(name) = names.iter().find(|name| !value[**name].is_string()) else { return Ok(()) };
    Err(Refused::missing(format!("{path}.{name}")))
}

/// Whether all members of `value`, which is at `path`, have these names.
pub(super) fn known(value: &Value, names: &[&str], path: &str) -> Result<(), Refused> {
    let Some((name, _)) = unknown(value, names) else { return Ok(()) };
    let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
    Err(Refused::new(format!("Unknown parameter: '{path}'."), path, "unknown_parameter"))
}

/// Sources: deepseek-ai/DeepSeek-V3#1376 and can1357/oh-my-pi#1077 (a forced call), HKUDS/nanobot#4967 and
/// CherryHQ/cherry-studio#12731 (the one temperature of Kimi, at Moonshot).
fn while_thinking(body: &Value, family: &Family) -> Result<(), Refused> {
    if forces_a_call(body) && family.is_thinking(body) {
        let words = match family.maker {
            Maker::DeepSeek => "Thinking mode does not support this tool_choice",
            _ => "tool_choice 'specified' is incompatible with thinking enabled",
        };
        return Err(Refused::from(words.to_owned()));
    }
    if family.maker == Maker::DeepSeek || family.name == "kimi-k2-thinking" || is_routed(body) {
        return Ok(());
    }
    for (name, only) in [("temperature", 1.0), ("top_p", 0.95)] {
        let is_other = body[name].as_f64().is_some_and(|value| (value - only).abs() > f64::EPSILON);
        if is_other {
            return Err(Refused::from(format!("invalid {name}: only {only} is allowed for this model")));
        }
    }
    Ok(())
}

/// A call of a model that thinks goes back with its thinking. Sources: continuedev/continue#11711 and anomalyco/opencode#16318
/// (Kimi), anomalyco/opencode#24135 and api-docs.deepseek.com "Thinking mode" (DeepSeek V4), earendil-works/pi#987 (Kimi at
/// OpenRouter, where `reasoning` and `reasoning_details` do as well). An empty text does: Lapis0x0/obsidian-yolo#243.
fn thinking_comes_back(body: &Value, family: &Family) -> Result<(), Refused> {
    if !family.is_thinking(body) {
        return Ok(());
    }
    let names: &[&str] =
        if is_routed(body) { &["reasoning_content", "reasoning", "reasoning_details"] } else { &["reasoning_content"] };
    for (at, message) in list(&body["messages"]).enumerate() {
        let calls = list(&message["tool_calls"]).next().is_some();
        if message["role"] != "assistant" || !calls || names.iter().any(|name| !message[*name].is_null()) {
            continue;
        }
        return Err(match family.maker {
            Maker::Moonshot => Refused::from(format!(
                "thinking is enabled but reasoning_content is missing in assistant tool call message at index {at}"
            )),
            _ => Refused::new(
                "The `reasoning_content` in the thinking mode must be passed back to the API.",
                "",
                "invalid_request_error",
            ),
        });
    }
    Ok(())
}
