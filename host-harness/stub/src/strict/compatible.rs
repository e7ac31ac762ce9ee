//! What providers refuse that speak OpenAI's language, and are stricter than it.

use serde_json::Value;

use super::anthropic::list;
use super::{Refused, forces_a_call, is_given, is_name, is_routed};

/// Checks a request to the provider of this slug, or of a model that its maker serves. All others are lenient.
pub(crate) fn check(slug: &str, body: &Value) -> Result<(), Refused> {
    let model = body["model"].as_str().unwrap_or_default();
    let name = model.rsplit('/').next().unwrap_or(model);
    let is_of = |names: &[&str]| names.iter().any(|start| name.starts_with(start));
    let format = body["response_format"]["type"].as_str().unwrap_or_default();
    if slug.contains("groq") || slug.contains("cerebras") {
        if slug.contains("groq") {
            groq(name, body)?;
        }
        return only_known(slug, body);
    }
    if is_routed(body) {
        return Ok(());
    }
    if is_of(&["MiniMax"]) {
        return minimax(body);
    }
    if is_of(&["grok"]) {
        return grok(name, body);
    }
    if is_of(&["mistral", "ministral", "magistral", "codestral", "devstral", "pixtral"]) {
        return mistral(body);
    }
    if is_of(&["kimi"]) {
        return kimi(body);
    }
    if is_of(&["deepseek", "qwen"]) {
        parts(name, body)?;
    }
    // inspect_ai#4916 and llm-exe#662 (of UKGovernmentBEIS and llm-exe); browserbase/stagehand#1204 (the word).
    if is_of(&["deepseek"]) {
        // zed-industries/zed#57531; dotted names of MCP at deepseek-v4-pro: Laisky/one-api#346.
        for (at, tool) in list(&body["tools"]).enumerate() {
            // BerriAI/litellm#30722
            if tool["type"] != "function" {
                return refused(format!(
                    "Failed to deserialize the JSON body into the target type: tools[{at}].type: unknown variant `{}`, expected `function`",
                    tool["type"].as_str().unwrap_or_default()
                ));
            }
            super::openai::named(&tool["function"], &format!("tools[{at}].function.name"))?;
        }
        return match format {
            "json_schema" => refused("This response_format type is unavailable now"),
            "json_object" if !says_json(body) => refused(
                "Prompt must contain the word 'json' in some form to use 'response_format' of type 'json_object'.",
            ),
            _ => Ok(()),
        };
    }
    if is_of(&["qwen"]) {
        return qwen(name, body);
    }
    if slug.contains("zai") {
        return zai(body);
    }
    if is_of(&["command-"]) {
        return cohere(body);
    }
    if is_of(&["sonar"]) { sonar(body) } else { Ok(()) }
}

/// Which parts DeepSeek reads, whose flash models see (nesquena/hermes-webui#2297, 1jehuang/jcode#310), and which Qwen does
/// (QwenLM/qwen-code#1888).
fn parts(name: &str, body: &Value) -> Result<(), Refused> {
    let sees = ["deepseek-flash", "deepseek-v4-flash"].iter().any(|start| name.starts_with(start));
    for (at, message) in list(&body["messages"]).enumerate() {
        for kind in list(&message["content"]).map(|part| part["type"].as_str().unwrap_or_default()) {
            let is_seen = kind == "text" || kind == "image_url" && sees;
            if name.starts_with("deepseek") && !is_seen {
                return refused(format!(
                    "Failed to deserialize the JSON body into the target type: messages[{at}]: unknown variant `{kind}`, expected `text` at line 1 column 1"
                ));
            }
            if name.starts_with("qwen") && !["text", "image_url", "video_url", "video", "input_audio"].contains(&kind) {
                return refused(format!(
                    "Invalid value: {kind}. Supported values are: 'text','image_url','video_url' and 'video'."
                ));
            }
        }
    }
    Ok(())
}

fn refused(message: impl Into<String>) -> Result<(), Refused> {
    Err(Refused::from(message.into()))
}

/// Whether the word stands in what is said.
pub(super) fn says_json(body: &Value) -> bool {
    list(&body["messages"]).any(|message| message["content"].to_string().to_ascii_lowercase().contains("json"))
}

/// Groq and Cerebras refuse each member that they do not know, and take reasoning back as `reasoning`. Sources:
/// janhq/jan#8136 and Kilo-Org/kilocode#10375 (`reasoning_content`), musistudio/claude-code-router#193 (`cache_control`),
/// sipeed/picoclaw#1196 (`prompt_cache_key`), fanenr/chatbot#21 (`store`); console.groq.com "OpenAI compatibility"
/// (`logprobs` and the like).
fn only_known(slug: &str, body: &Value) -> Result<(), Refused> {
    const REFUSED: [&str; 7] =
        ["store", "metadata", "prompt_cache_key", "logprobs", "top_logprobs", "logit_bias", "reasoning"];
    const MESSAGE: [&str; 6] = ["role", "content", "name", "tool_calls", "tool_call_id", "reasoning"];
    if let Some(name) = REFUSED.iter().find(|name| is_given(body, name)) {
        return refused(format!("property '{name}' is unsupported"));
    }
    for (at, message) in list(&body["messages"]).enumerate() {
        let role = message["role"].as_str().unwrap_or_default();
        let names = message.as_object().into_iter().flatten().map(|(name, _)| name.as_str());
        let in_parts = list(&message["content"]).flat_map(|part| part.as_object().into_iter().flatten());
        let marked = in_parts.map(|(name, _)| name.as_str()).filter(|name| *name == "cache_control");
        if let Some(name) = names.filter(|name| !MESSAGE.contains(name)).chain(marked).next() {
            return refused(if slug.contains("groq") {
                format!(
                    "'messages.{at}' : for 'role:{role}' the following must be satisfied[('messages.{at}' : property '{name}' is unsupported)]"
                )
            } else {
                format!("messages.{at}.{role}.{name}: property 'messages.{at}.{role}.{name}' is unsupported")
            });
        }
    }
    Ok(())
}

/// Sources: gsd-build/gsd-2#4376 (the number of tools), TypeWhisper/typewhisper-win#26 (a schema for Llama), vercel/ai#10023 and
/// agno-agi/agno#1065 (a format beside tools), langchain-ai/langchain#23629 and BerriAI/litellm#4804 (and in a stream),
/// iamsrikanthnani/pluely#242 and earendil-works/pi#1745 (an effort).
fn groq(name: &str, body: &Value) -> Result<(), Refused> {
    let (has_tools, format) = (list(&body["tools"]).next().is_some(), body["response_format"]["type"].as_str());
    if list(&body["tools"]).count() > 128 {
        return refused("'tools' : maximum number of items is 128");
    }
    if format == Some("json_schema") && name.starts_with("llama-3") {
        return refused("The model only supports response formats: [json text].");
    }
    if format.is_some_and(|format| format != "text") {
        if has_tools {
            return refused("json mode cannot be combined with tool/function calling");
        }
        if body["stream"] == true {
            return refused("response_format` does not support streaming");
        }
    }
    match body["reasoning_effort"].as_str() {
        None | Some("low" | "medium" | "high") if name.starts_with("gpt-oss") => Ok(()),
        None | Some("none" | "default") if name.starts_with("qwen") => Ok(()),
        None => Ok(()),
        Some(_) if name.starts_with("qwen") => refused("`reasoning_effort` must be one of `none` or `default`"),
        Some(_) => refused("`reasoning_effort` is not supported with this model"),
    }
}

/// One text is told beforehand, and first of all: openclaw/openclaw#19386 and can1357/oh-my-pi#954 (two),
/// BigPizzaV3/CodexPlusPlus#410 (later on). A function has parameters: QwenLM/qwen-code#11834. How it may think:
/// CherryHQ/cherry-studio#16431.
fn minimax(body: &Value) -> Result<(), Refused> {
    let kind = body["thinking"]["type"].as_str();
    if let Some(kind) = kind.filter(|kind| !["adaptive", "disabled"].contains(kind)) {
        return refused(format!(
            "invalid params, invalid thinking.type: \"{kind}\" (allowed: adaptive, disabled) (2013)"
        ));
    }
    let is_system = |message: &Value| message["role"] == "system";
    match list(&body["messages"]).skip(1).position(is_system) {
        None => {}
        Some(0) => return refused("invalid params, invalid chat setting (2013)"),
        Some(_) => return refused("invalid params, chat content has invalid message role: system (2013)"),
    }
    if list(&body["tools"])
        .any(|tool| tool["function"]["name"].is_string() && !tool["function"]["parameters"].is_object())
    {
        return refused("invalid params, function parameters is empty (2013)");
    }
    Ok(())
}

/// Sources: vectorize-io/hindsight#4246 (the choice), openclaw/openclaw#73688 and anomalyco/opencode#2557 (nothing of the user's),
/// theopenco/llmgateway#3268 (the range of a temperature).
fn zai(body: &Value) -> Result<(), Refused> {
    if is_given(body, "tool_choice") && body["tool_choice"] != "auto" {
        return refused("Tool choice must be auto");
    }
    if body["temperature"].as_f64().is_some_and(|value| value > 1.0) {
        return refused("The temperature parameter is illegal.：限制数值范围[0,1]");
    }
    if !has_user(body) {
        return refused("The messages parameter is illegal. Please check the documentation.");
    }
    Ok(())
}

fn has_user(body: &Value) -> bool {
    list(&body["messages"]).any(|message| message["role"] == "user")
}

/// Sources: n8n-io/n8n#14581 and miaoxworld/NativeTavern#83 (penalties, of all models), BerriAI/litellm#12635 (`stop`, which
/// Grok 3 takes), lobehub/lobehub#8379 (an effort for Grok 4), BerriAI/litellm#9720 and microsoft/autogen#4715 (names).
fn grok(name: &str, body: &Value) -> Result<(), Refused> {
    if list(&body["messages"]).any(|message| message["role"] != "user" && is_given(message, "name")) {
        return refused("Only messages of role 'user' can have a name.");
    }
    let is_mini = name.starts_with("grok-3-mini");
    let takes_stop = name.starts_with("grok-3") && !is_mini;
    let takes_effort = is_mini || !["grok-3", "grok-4", "grok-code"].iter().any(|start| name.starts_with(start));
    let asks = ["grok-4.3", "grok-4.5", "grok-4.6"].iter().any(|start| name.starts_with(start));
    for (member, argument, takes) in [
        ("presence_penalty", "presencePenalty", false),
        ("frequency_penalty", "frequencyPenalty", false),
        ("stop", "stop", takes_stop),
        ("reasoning_effort", "reasoningEffort", takes_effort || asks),
    ] {
        if !takes && is_given(body, member) {
            return refused(format!("Argument not supported on this model: {argument}"));
        }
    }
    Ok(())
}

/// Sources: onyx-dot-app/onyx#6458 and BerriAI/litellm#17761 (order), 0xPlaygrounds/rig#1130 (the end), earendil-works/pi's
/// `requiresMistralToolIds` (ids), BerriAI/litellm#30882, charmbracelet/crush#1590 and Gage-Technologies/mistral-go#2 (members of
/// a message; a tool's has a name), OpenHands/OpenHands-CLI#83 (metadata); for the members of parts and of tools Mistral's own
/// `openapi-public-doc.yaml`, in which no object may have others.
fn mistral(body: &Value) -> Result<(), Refused> {
    const MESSAGE: [&str; 5] = ["role", "content", "tool_calls", "tool_call_id", "prefix"];
    for (at, tool) in list(&body["tools"]).enumerate() {
        let path = format!("body.tools.{at}");
        let own = ["type", "tool_configuration", "library_ids"];
        extra(tool, if tool["type"] == "function" { &["type", "function"] } else { &own }, &path)?;
        extra(&tool["function"], &["name", "description", "strict", "parameters"], &format!("{path}.function"))?;
        if tool["function"].get("description").is_some_and(|said| !said.is_string()) {
            return refused(format!("Input should be a valid string: {path}.function.description"));
        }
    }
    if is_given(body, "metadata") {
        return refused("Extra inputs are not permitted: body.metadata");
    }
    let mut before = "";
    for (at, message) in list(&body["messages"]).enumerate() {
        let role = message["role"].as_str().unwrap_or_default();
        let mut names = message.as_object().into_iter().flatten().map(|(name, _)| name.as_str());
        if let Some(name) = names.find(|name| !MESSAGE.contains(name) && (*name, role) != ("name", "tool")) {
            return refused(format!("Extra inputs are not permitted: body.messages.{at}.{role}.{name}"));
        }
        for (index, part) in list(&message["content"]).enumerate() {
            let path = format!("body.messages.{at}.{role}.content.{index}");
            let kind = part["type"].as_str().unwrap_or_default();
            match kind {
                "text" => extra(part, &["type", "text"], &path)?,
                "image_url" => {
                    extra(part, &["type", "image_url"], &path)?;
                    extra(&part["image_url"], &["url", "detail"], &path)?;
                }
                // 0xPlaygrounds/rig#2331 and danny-avila/LibreChat#12144: a PDF is one.
                "document_url" => extra(part, &["type", "document_url", "document_name"], &path)?,
                "file" => extra(part, &["type", "file_id"], &format!("{path}.file"))?,
                "thinking" if part["thinking"].is_array() => {
                    extra(part, &["type", "thinking", "signature", "closed"], &path)?;
                }
                "thinking" => return refused(format!("Input should be a valid list: {path}.thinking.thinking")),
                "input_audio" if part["input_audio"].is_string() => {}
                "input_audio" => return refused(format!("Input should be a valid string: {path}.input_audio")),
                _ => {
                    return refused(format!(
                        "Input tag '{kind}' found using 'type' does not match any of the expected tags: {path}"
                    ));
                }
            }
        }
        if before == "tool" && role == "user" {
            return refused("Unexpected role 'user' after role 'tool'");
        }
        before = role;
        let ids = list(&message["tool_calls"]).map(|call| &call["id"]).chain(message.get("tool_call_id"));
        let is_id = |id: &str| id.len() == 9 && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if let Some(id) = ids.filter_map(Value::as_str).find(|id| !is_id(id)) {
            return refused(format!("Function call id was {id} but must be a-z, A-Z, 0-9, with a length of 9."));
        }
    }
    if before == "assistant" {
        return refused(
            "Expected last role User or Tool (or Assistant with prefix True) for serving but got assistant",
        );
    }
    Ok(())
}

fn extra(value: &Value, known: &[&str], path: &str) -> Result<(), Refused> {
    let mut names = value.as_object().into_iter().flatten().map(|(name, _)| name.as_str());
    match names.find(|name| !known.contains(name)) {
        Some(name) => refused(format!("Extra inputs are not permitted: {path}.{name}")),
        None => Ok(()),
    }
}

/// Sources: MoonshotAI/kimi-cli#1773 and #2531 (names); MoonshotAI/kimi-code#2661, and nicobailon/pi-subagents#126 and
/// openclaw/openclaw#113130 for what is within; farion1231/cc-switch#5125, CommandCodeAI/command-code#566 and
/// lidge-jun/opencodex#2673 (references), pydantic/logfire#2191 (a property of that name); OpenHands/software-agent-sdk#3155 and
/// platform.kimi.ai "Use the Kimi Vision Model" (an image by its address).
fn kimi(body: &Value) -> Result<(), Refused> {
    let parts = list(&body["messages"]).flat_map(|message| list(&message["content"]));
    let urls = parts.filter_map(|part| part["image_url"]["url"].as_str().or(part["image_url"].as_str()));
    if let Some(url) = urls.into_iter().find(|url| url.starts_with("http")) {
        return refused(format!("Invalid request: unsupported image url: {url}"));
    }
    let is_begun = |name: &str| name.starts_with(|first: char| first.is_ascii_alphabetic());
    for function in list(&body["tools"]).map(|tool| &tool["function"]) {
        let name = &function["name"];
        if !(name.is_null() || is_name(name, 64) && name.as_str().is_some_and(is_begun)) {
            return refused(
                "Invalid request: function name is invalid, must start with a letter and can contain letters, numbers, underscores, and dashes",
            );
        }
        let parameters = &function["parameters"];
        if let Some(wrong) = wrong_reference(parameters, parameters, "") {
            let wrong = wrong.trim_start_matches('.');
            return refused(format!(
                "tools.function.parameters is not a valid moonshot flavored json schema, details: <At path '{wrong}>"
            ));
        }
    }
    let found = list(&body["tools"]).find_map(|tool| untyped_union(&tool["function"]["parameters"], ""));
    found.map_or(Ok(()), |path| {
        let path = path.strip_prefix('.').unwrap_or("root");
        refused(format!(
            "tools.function.parameters is not a valid moonshot flavored json schema, details: <At path '{path}': when using anyOf, type should be defined in anyOf items instead of the parent schema>"
        ))
    })
}

/// Where a reference leads elsewhere than to a definition, or has a type beside it, and what is wrong with it.
fn wrong_reference(schema: &Value, root: &Value, path: &str) -> Option<String> {
    if let Some(reference) = schema.get("$ref") {
        let Some(reference) = reference.as_str() else { return Some(format!("{path}.$ref': $ref must be a string")) };
        let Some(name) = reference.strip_prefix("#/$defs/") else {
            return Some(format!("{path}.$ref': references must start with #/$defs/"));
        };
        if root["$defs"].get(name).is_none() {
            return Some(format!("{path}.$ref': $defs not found for reference: {reference}"));
        }
        if schema.get("type").is_some() {
            return Some(format!(
                "{path}': when using $ref, type should be defined in the referenced schema instead of the parent schema"
            ));
        }
    }
    let members = schema.as_object().into_iter().flatten().map(|(name, value)| (name.clone(), value));
    let items = schema.as_array().into_iter().flatten().enumerate().map(|(at, value)| (at.to_string(), value));
    members.chain(items).find_map(|(name, value)| wrong_reference(value, root, &format!("{path}.{name}")))
}

/// Where a type stands beside a union.
fn untyped_union(schema: &Value, path: &str) -> Option<String> {
    if schema["anyOf"].is_array() && schema.get("type").is_some() {
        return Some(path.to_owned());
    }
    let members = schema.as_object().into_iter().flatten().map(|(name, value)| (name.clone(), value));
    let items = schema.as_array().into_iter().flatten().enumerate().map(|(at, value)| (at.to_string(), value));
    members.chain(items).find_map(|(name, value)| untyped_union(value, &format!("{path}.{name}")))
}

/// Source: OpenRouterTeam/openrouter-examples#71. The gateway hands tools on as they are (1.15.2).
fn cohere(body: &Value) -> Result<(), Refused> {
    if list(&body["tools"]).any(|tool| tool["function"].get("strict").is_some()) {
        return refused("unknown field: parameter 'strict' is not a valid field.");
    }
    // docs.cohere.com "Chat": the id is required, and so are calls or a content (langchain-ai/langchain-cohere#15).
    if list(&body["messages"]).any(|message| message["role"] == "tool" && message["tool_call_id"].is_null()) {
        return refused("invalid request: tool_call_id is required in a tool message");
    }
    if list(&body["messages"]).any(|message| message["content"].is_null() && message["tool_calls"].is_null()) {
        return refused("invalid request: all elements in history must have a message.");
    }
    // docs.cohere.com "Structured outputs": an object, with a schema or without, and not beside tools.
    match body["response_format"]["type"].as_str() {
        Some("json_schema") => refused("invalid request: response_format.type must be one of: text, json_object"),
        Some("json_object") if list(&body["tools"]).next().is_some() => {
            refused("invalid request: response_format is not supported with tools")
        }
        _ => Ok(()),
    }
}

/// Sources: agentscope-ai/agentscope-java#613 (nothing of the user's), can1357/oh-my-pi#958 and anomalyco/opencode#15059 (what is told
/// later, since 3.5), QwenLM/qwen-code#7659 (a forced call: it thinks by itself since then), QuantumNous/new-api#1109 and
/// langchain4j/langchain4j#3974 (thinking in one piece, of the first Qwen3).
fn qwen(name: &str, body: &Value) -> Result<(), Refused> {
    if !has_user(body) {
        return refused(
            "<400> InternalError.Algo.InvalidParameter: The input messages do not contain elements with the role of user",
        );
    }
    let is_first = |rest: &str| rest.starts_with(|next: char| next.is_ascii_digit()) && !rest.contains("-2507");
    let thinks = name.strip_prefix("qwen3-").is_some_and(is_first) && body["enable_thinking"] != false;
    if thinks && body["stream"] != true {
        return refused("parameter.enable_thinking must be set to false for non-streaming calls");
    }
    if !name.starts_with("qwen3.") {
        return Ok(());
    }
    if list(&body["messages"]).skip(1).any(|message| message["role"] == "system") {
        return refused("System message must be at the beginning.");
    }
    if body["enable_thinking"] != false && forces_a_call(body) {
        return refused("The tool_choice parameter does not support being set to required or object in thinking mode");
    }
    Ok(())
}

/// Sources: perplexityai/api-discussion#265, anomalyco/opencode#9416, edenai/edenai-apis#144 (system messages first),
/// serac-labs/serac#53 (the words).
fn sonar(body: &Value) -> Result<(), Refused> {
    // 567-labs/instructor#1005
    if body["response_format"]["type"] == "json_object" {
        return refused("[\"At body -> response_format -> ResponseFormatText -> type: Input should be 'text'\"]");
    }
    let roles = list(&body["messages"]).map(|message| message["role"].as_str().unwrap_or_default());
    let mut before = "assistant";
    for role in roles.skip_while(|role| *role == "system") {
        let is_own = role == "assistant";
        if role == "system" || is_own == (before == "assistant") && !(role == "tool" && before == "tool") {
            return refused(
                "After the (optional) system message(s), user or tool message(s) should alternate with assistant message(s).",
            );
        }
        before = role;
    }
    if before == "assistant" { refused("Last message must have role `user` or `tool`.") } else { Ok(()) }
}
