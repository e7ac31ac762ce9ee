//! What Anthropic's Messages API refuses, in its own words. A source stands beside each rule: "docs" are those at
//! docs.claude.com, an issue is one in which users quote the refusal.

use std::collections::HashSet;

use serde_json::Value;

use super::family::{Family, Thinking};
use super::{Signature, is_given, is_name};

/// Checks a request; the error is the message of a 400.
pub(crate) fn check(body: &Value) -> Result<(), String> {
    let model = body["model"].as_str().unwrap_or_default();
    let family = Family::of(model);
    limit(body, model, family)?;
    tools(body)?;
    messages(body)?;
    pairs(body)?;
    markers(body)?;
    texts(body)?;
    if let Some(family) = family {
        prefill(body, family)?;
        thinking(body, family)?;
        sampling(body, family)?;
    }
    format(&body["output_config"]["format"]["schema"], model, family)?;
    signatures(body)?;
    loops(body)
}

/// "max_tokens" is required (docs, "Create a Message"). Above the limit: anthropics/claude-code#24451.
fn limit(body: &Value, model: &str, family: Option<&Family>) -> Result<(), String> {
    let Some(limit) = body["max_tokens"].as_u64() else { return Err("max_tokens: Field required".into()) };
    match family {
        Some(family) if limit > family.output => Err(format!(
            "max_tokens: {limit} > {}, which is the maximum allowed number of output tokens for {model}",
            family.output
        )),
        _ => Ok(()),
    }
}

/// Sources: docs, "Create a Message" (a list of stop sequences); BerriAI/litellm#3286 (blank ones),
/// odysseus-dev/odysseus#1615 (the range of a temperature), BerriAI/litellm#10106 (an address for a user), crewAIInc/crewAI#4413 (white space at the end of what is put
/// into the model's mouth).
fn texts(body: &Value) -> Result<(), String> {
    let stop = &body["stop_sequences"];
    if !stop.is_null() && !stop.is_array() {
        return Err("stop_sequences: Input should be a valid list".into());
    }
    if list(stop).any(|stop| stop.as_str().is_some_and(|stop| stop.trim().is_empty())) {
        return Err("stop_sequences: each stop sequence must contain non-whitespace".into());
    }
    if body["metadata"]["user_id"].as_str().is_some_and(|user| user.contains('@')) {
        return Err(
            "metadata.user_id: user_id appears to contain an email address. Please send a uuid or hash value instead."
                .into(),
        );
    }
    if body["temperature"].as_f64().is_some_and(|value| value > 1.0) {
        return Err("temperature: range: 0..1".into());
    }
    let Some(last) = list(&body["messages"]).last().filter(|message| message["role"] == "assistant") else {
        return Ok(());
    };
    let text = last["content"].as_str().or_else(|| list(&last["content"]).last()?["text"].as_str());
    if text.is_some_and(|text| text.ends_with(char::is_whitespace)) {
        return Err("messages: final assistant content cannot end with trailing whitespace".into());
    }
    Ok(())
}

/// Since 4.6 no model goes on with what was put into its mouth: langchain-ai/deepagents#1585, vercel/ai#12296.
fn prefill(body: &Value, family: &Family) -> Result<(), String> {
    let is_new = matches!(family.thinking, Thinking::Either | Thinking::Effort);
    if is_new && list(&body["messages"]).last().is_some_and(|message| message["role"] == "assistant") {
        return Err(
            "This model does not support assistant message prefill. The conversation must end with a user message."
                .into(),
        );
    }
    Ok(())
}

/// Its own tools, by how their types begin (docs, "Tool reference").
const OWN_TOOLS: [&str; 9] = [
    "bash_", "text_editor_", "computer_", "web_search_", "web_fetch_", "code_execution_", "memory_", "tool_search_",
    "mcp_toolset",
];

/// `input_schema` is required (docs, "Tool use"), and no union: anthropics/claude-code#5319, code-yeongyu/senpi#1947 (Bedrock);
/// names: modelcontextprotocol/modelcontextprotocol#1345, onyx-dot-app/onyx#9229.
fn tools(body: &Value) -> Result<(), String> {
    let mut names = HashSet::new();
    for (at, tool) in list(&body["tools"]).enumerate() {
        if tool["name"].as_str().is_some_and(|name| !names.insert(name)) {
            return Err("tools: Tool names must be unique.".into());
        }
        if let Some(kind) = tool.get("type").filter(|kind| *kind != "custom") {
            if kind.as_str().is_some_and(|kind| OWN_TOOLS.iter().any(|own| kind.starts_with(own))) {
                search(tool, &format!("tools.{at}"))?;
                continue;
            }
            return Err(format!(
                "tools.{at}: Input tag {kind} found using 'type' does not match any of the expected tags"
            ));
        }
        if !is_name(&tool["name"], 128) {
            return Err(format!("tools.{at}.custom.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'"));
        }
        if !tool["input_schema"].is_object() {
            return Err(format!("tools.{at}.custom.input_schema: Field required"));
        }
        if tool["input_schema"]["type"] != "object" {
            return Err(format!("tools.{at}.custom.input_schema.type: Input should be 'object'"));
        }
        if tool["strict"] == true {
            closed(&tool["input_schema"], &format!("tools.{at}.custom"))?;
        }
        if ["oneOf", "allOf", "anyOf"].iter().any(|name| tool["input_schema"].get(name).is_some()) {
            return Err(format!(
                "tools.{at}.custom.input_schema: input_schema does not support oneOf, allOf, or anyOf at the top level"
            ));
        }
    }
    if body["tool_choice"]["type"] == "tool" && !body["tool_choice"]["name"].is_string() {
        return Err("tool_choice.tool.name: Field required".into());
    }
    Ok(())
}

/// The bounds of its search on the web (docs, "Web search tool"; microsoft/vscode#314275 for the two lists).
fn search(tool: &Value, path: &str) -> Result<(), String> {
    if !tool["type"].as_str().is_some_and(|kind| kind.starts_with("web_search_")) {
        return Ok(());
    }
    const KNOWN: [&str; 7] =
        ["type", "name", "max_uses", "allowed_domains", "blocked_domains", "user_location", "cache_control"];
    let unknown = tool.as_object().into_iter().flatten().find(|(name, _)| !KNOWN.contains(&name.as_str()));
    if let Some((name, _)) = unknown {
        return Err(format!("{path}.{name}: Extra inputs are not permitted"));
    }
    if is_given(tool, "allowed_domains") && is_given(tool, "blocked_domains") {
        return Err(format!("{path}: Only one of allowed_domains and blocked_domains can be specified"));
    }
    if is_given(tool, "max_uses") && tool["max_uses"].as_u64().is_none_or(|uses| uses == 0) {
        return Err(format!("{path}.max_uses: Input should be greater than 0"));
    }
    if is_given(tool, "user_location") && tool["user_location"]["type"] != "approximate" {
        return Err(format!("{path}.user_location.type: Input should be 'approximate'"));
    }
    Ok(())
}

/// A schema for the answer is taken by models since 4.5. Sources: docs, "Structured outputs";
/// egonSchiele/agency-lang#487 (one that refers to itself).
fn format(schema: &Value, model: &str, family: Option<&Family>) -> Result<(), String> {
    if schema.is_null() {
        return Ok(());
    }
    let is_old = |family: &Family| family.output < 64_000 || ["claude-3-7", "claude-sonnet-4"].contains(&family.name);
    if family.is_some_and(is_old) {
        return Err(format!("'{model}' does not support output format."));
    }
    let definitions = DEFINITIONS.into_iter().filter_map(|(place, _)| schema[place].as_object());
    for (name, definition) in definitions.flatten() {
        if leads_to(definition, name, schema, 32) {
            return Err(format!(
                "Circular reference detected in schema definitions: {name} -> {name}. Self-referencing or mutually-referencing definitions are not supported."
            ));
        }
    }
    closed(schema, "output_config.format.schema")
}

/// Where definitions may be (docs, "Structured outputs", "JSON Schema limitations"), and how they are referred to.
const DEFINITIONS: [(&str, &str); 2] = [("$defs", "#/$defs/"), ("definitions", "#/definitions/")];

/// Whether a schema refers to a definition, or to one that does.
fn leads_to(schema: &Value, name: &str, root: &Value, depth: usize) -> bool {
    let named = |(place, prefix)| Some((place, schema["$ref"].as_str()?.strip_prefix(prefix)?));
    if let Some((place, named)) = DEFINITIONS.into_iter().find_map(named) {
        return named == name || depth > 0 && leads_to(&root[place][named], name, root, depth - 1);
    }
    let members = schema.as_object().into_iter().flatten().map(|(_, value)| value);
    members.chain(list(schema)).any(|inner| leads_to(inner, name, root, depth))
}

/// What constrains an answer is closed, and has no bounds. Sources: veryfront/veryfront-code#3918, BerriAI/litellm#35808,
/// vercel/ai#20681 (of strict tools), laravel/ai#715 (bounds).
fn closed(schema: &Value, path: &str) -> Result<(), String> {
    let is_object = schema["type"] == "object" || list(&schema["type"]).any(|kind| kind == "object");
    if is_object && schema["additionalProperties"] != false {
        return Err(format!("{path}: For 'object' type, 'additionalProperties' must be explicitly set to false"));
    }
    const BOUNDS: [&str; 8] = [
        "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength",
        "maxItems",
    ];
    let kind = schema["type"].as_str().unwrap_or_default();
    if let Some(name) = BOUNDS.iter().find(|name| schema[**name].is_number()) {
        return Err(format!("{path}: For '{kind}' type, property '{name}' is not supported"));
    }
    if schema["minItems"].as_u64().is_some_and(|least| least > 1) {
        return Err(format!("{path}: For 'array' type, 'minItems' values other than 0 or 1 are not supported"));
    }
    let members = schema.as_object().into_iter().flatten().map(|(_, value)| value);
    members.chain(list(schema)).try_for_each(|inner| closed(inner, path))
}

/// Roles and emptiness. Sources: anthropics/claude-code#59812 (empty), #23440 (blank), and the "all messages must have
/// non-empty content" of many; members that it does not know: "Extra inputs are not permitted".
fn messages(body: &Value) -> Result<(), String> {
    if list(&body["messages"]).next().is_none() {
        return Err("messages: at least one message is required".into());
    }
    let last = list(&body["messages"]).count() - 1;
    for (at, message) in list(&body["messages"]).enumerate() {
        let role = message["role"].as_str().unwrap_or_default();
        if !matches!(role, "user" | "assistant") {
            return Err(format!("messages.{at}.role: Input should be 'user' or 'assistant'"));
        }
        let unknown =
            message.as_object().into_iter().flatten().find(|(name, _)| !["role", "content"].contains(&name.as_str()));
        if let Some((name, _)) = unknown {
            return Err(format!("messages.{at}.{name}: Extra inputs are not permitted"));
        }
        let is_empty = match &message["content"] {
            Value::String(text) => text.is_empty(),
            Value::Array(blocks) => blocks.is_empty(),
            Value::Null => return Err(format!("messages.{at}.content: Field required")),
            _ => return Err(format!("messages.{at}.content: Input should be a valid list")),
        };
        if is_empty && !(role == "assistant" && at == last) {
            return Err(format!(
                "messages.{at}: all messages must have non-empty content except for the optional final assistant message"
            ));
        }
        for (index, block) in list(&message["content"]).enumerate() {
            block_is_sound(block, &format!("messages.{at}.content.{index}"))?;
        }
    }
    for (at, block) in list(&body["system"]).enumerate() {
        text_is_sound(block, "system", &format!("system.{at}"))?;
    }
    Ok(())
}

fn block_is_sound(block: &Value, path: &str) -> Result<(), String> {
    match block["type"].as_str() {
        Some("text") => text_is_sound(block, "messages", path),
        // farion1231/cc-switch#1181
        Some("tool_use") if !is_name(&block["id"], usize::MAX) => {
            Err(format!("{path}.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'"))
        }
        // openclaw/openclaw#7974 (the length)
        Some("tool_use") if !is_name(&block["name"], 200) => {
            Err(format!("{path}.tool_use.name: String should match pattern '^[a-zA-Z0-9_-]{{1,200}}$'"))
        }
        Some("tool_use") if !block["input"].is_object() => {
            Err(format!("{path}.tool_use.input: Input should be a valid dictionary"))
        }
        Some("tool_result") => {
            for (at, inner) in list(&block["content"]).enumerate() {
                block_is_sound(inner, &format!("{path}.tool_result.content.{at}"))?;
            }
            match &block["content"] {
                Value::Null if block.get("content").is_some() => {
                    Err(format!("{path}.tool_result.content: Input should be a valid string"))
                }
                _ => Ok(()),
            }
        }
        Some("image" | "document") if block["source"]["type"] == "base64" => {
            let known: &[&str] = match block["type"].as_str() {
                Some("image") => &["image/jpeg", "image/png", "image/gif", "image/webp"],
                _ => &["application/pdf"],
            };
            if !block["source"]["media_type"].as_str().is_some_and(|kind| known.contains(&kind)) {
                let kind = block["type"].as_str().unwrap_or_default();
                return Err(format!(
                    "{path}.{kind}.source.base64.media_type: Input should be '{}'",
                    known.join("', '")
                ));
            }
            let data = block["source"]["data"].as_str().unwrap_or_default();
            // anthropics/claude-code#15746
            let is = MAGIC.iter().find(|(start, _)| data.starts_with(start)).map(|(_, kind)| *kind);
            if is.is_some_and(|is| block["source"]["media_type"] != is) {
                return Err(format!(
                    "{path}.image.source.base64.data: Image does not match the provided media type {}",
                    block["source"]["media_type"].as_str().unwrap_or_default()
                ));
            }
            if data.is_empty() { Err(format!("{path}.image.source.base64.data: Field required")) } else { Ok(()) }
        }
        Some("thinking" | "redacted_thinking" | "tool_use" | "image" | "document") => Ok(()),
        // Its own tools, and what they gave (docs, "Tool reference", "Search results").
        Some("search_result" | "tool_reference" | "server_tool_use" | "mcp_tool_use" | "compaction") => Ok(()),
        Some(kind) if kind.ends_with("_tool_result") => Ok(()),
        _ => Err(format!(
            "{path}: Input tag '{}' found using 'type' does not match any of the expected tags",
            block["type"].as_str().unwrap_or_default()
        )),
    }
}

/// The first bytes of files in base64.
const MAGIC: [(&str, &str); 4] =
    [("JVBERi0", "application/pdf"), ("iVBORw0", "image/png"), ("/9j/", "image/jpeg"), ("R0lGOD", "image/gif")];

/// A marker on an empty text: anthropics/claude-code#62379.
fn text_is_sound(block: &Value, of: &str, path: &str) -> Result<(), String> {
    match block["text"].as_str() {
        Some("") if block.get("cache_control").is_some() => {
            Err(format!("{path}: cache_control cannot be set for empty text blocks"))
        }
        Some("") => Err(format!("{of}: text content blocks must be non-empty")),
        Some(text) if text.trim().is_empty() => {
            Err(format!("{of}: text content blocks must contain non-whitespace text"))
        }
        Some(_) => Ok(()),
        None => Err(format!("{path}.text.text: Field required")),
    }
}

/// Every call has its result in the next message, and no result is without its call. Sources: aliasrobotics/cai#182;
/// "unexpected `tool_use_id`" is quoted in many histories that were cut.
fn pairs(body: &Value) -> Result<(), String> {
    let messages: Vec<&Value> = list(&body["messages"]).collect();
    // Consecutive messages of a role count as one (docs, "Create a Message").
    let mut turns: Vec<(usize, &str, Vec<&Value>)> = Vec::new();
    for (at, message) in messages.iter().enumerate() {
        let role = message["role"].as_str().unwrap_or_default();
        let blocks = list(&message["content"]);
        match turns.last_mut() {
            Some((_, before, all)) if *before == role => all.extend(blocks),
            _ => turns.push((at, role, blocks.collect())),
        }
    }
    let mut open: Vec<&str> = Vec::new();
    let mut asked_at = 0;
    let missing = |at: usize, ids: &[&str]| {
        Err(format!(
            "messages.{at}: `tool_use` ids were found without `tool_result` blocks immediately after: {}. Each `tool_use` block must have a corresponding `tool_result` block in the next message.",
            ids.join(", ")
        ))
    };
    for (at, _, blocks) in &turns {
        // Its own tools have results of other types.
        let results = blocks.iter().filter(|block| block["type"] == "tool_result");
        let results: Vec<&str> = results.filter_map(|block| block["tool_use_id"].as_str()).collect();
        if let Some((index, id)) = results.iter().enumerate().find(|(_, id)| !open.contains(id)) {
            return Err(format!(
                "messages.{at}.content.{index}: unexpected `tool_use_id` found in `tool_result` blocks: {id}. Each `tool_result` block must have a corresponding `tool_use` block in the previous message."
            ));
        }
        open.retain(|id| !results.contains(id));
        if !open.is_empty() {
            return missing(asked_at, &open);
        }
        open = blocks
            .iter()
            .filter(|block| block["type"] == "tool_use")
            .filter_map(|block| block["id"].as_str())
            .collect();
        asked_at = *at;
    }
    if open.is_empty() { Ok(()) } else { missing(asked_at, &open) }
}

/// At most four (tghamm/Anthropic.SDK#50), none that lives longer after one that lives shorter
/// (cnighswonger/claude-code-cache-fix#44), none on thinking (docs, "Prompt caching", "What cannot be cached"), none inside
/// of a tool result (langchain-ai/langchain#34920, maximhq/bifrost's test of its conversion).
fn markers(body: &Value) -> Result<(), String> {
    let marked = marked(body);
    if marked.len() > 4 {
        return Err(format!("A maximum of 4 blocks with cache_control may be provided. Found {}.", marked.len()));
    }
    let mut has_short = false;
    for (path, block) in marked {
        if matches!(block["type"].as_str(), Some("thinking" | "redacted_thinking")) {
            return Err(format!("{path}.cache_control: Extra inputs are not permitted"));
        }
        if path.contains(".tool_result.content.") {
            return Err(format!(
                "{path}.cache_control: cache_control may not be specified within `tool_result.content`. Instead, place it directly on `tool_result`"
            ));
        }
        match (block["cache_control"]["type"].as_str(), block["cache_control"]["ttl"].as_str()) {
            (Some("ephemeral"), Some("1h")) if has_short => {
                return Err(format!(
                    "{path}.cache_control.ttl: a ttl='1h' cache_control block must not come after a ttl='5m' cache_control block. Note that blocks are processed in the following order: `tools`, `system`, `messages`."
                ));
            }
            (Some("ephemeral"), Some("1h")) => {}
            (Some("ephemeral"), None | Some("5m")) => has_short = true,
            _ => return Err(format!("{path}.cache_control: Input should be 'ephemeral' with a ttl of '5m' or '1h'")),
        }
    }
    Ok(())
}

/// Every block with a marker, in the order in which the API reads them.
pub(super) fn marked(body: &Value) -> Vec<(String, &Value)> {
    let mut all: Vec<(String, &Value)> = Vec::new();
    all.extend(list(&body["tools"]).enumerate().map(|(at, tool)| (format!("tools.{at}"), tool)));
    all.extend(list(&body["system"]).enumerate().map(|(at, block)| (format!("system.{at}"), block)));
    for (at, message) in list(&body["messages"]).enumerate() {
        for (index, block) in list(&message["content"]).enumerate() {
            let path = format!("messages.{at}.content.{index}");
            let inner = list(&block["content"]).enumerate();
            all.extend(inner.map(|(at, inner)| (format!("{path}.tool_result.content.{at}"), inner)));
            all.push((path, block));
        }
    }
    all.retain(|(_, block)| block.get("cache_control").is_some_and(|marker| !marker.is_null()));
    all
}

/// Sources: docs, "Extended thinking" (minimum, below the limit) and "Adaptive thinking"; vellum-ai/vellum-assistant#37276 and
/// handochan/aelix-ai#258 for what a generation does not take; liuw1535/antigravity2api-nodejs#149 for the budget.
fn thinking(body: &Value, family: &Family) -> Result<(), String> {
    let thinking = &body["thinking"];
    // danny-avila/LibreChat#13704, and UKGovernmentBEIS/inspect_ai#5176 for the choice; docs, "What's new in Claude Sonnet 5.5".
    let is_high = ["xhigh", "max"].iter().any(|effort| body["output_config"]["effort"] == *effort);
    let is_sonnet = family.name == "claude-sonnet-5-5";
    if is_sonnet || ["claude-opus-5-5", "claude-fable-5-1", "claude-fable-5"].contains(&family.name) {
        if thinking["type"] == "disabled" {
            let instead = if is_sonnet {
                "To turn thinking off on this model, send \"thinking\": {\"type\": \"between_tools\"}."
            } else {
                "Thinking defaults to adaptive mode when not specified."
            };
            return Err(format!("\"thinking.type.disabled\" is not supported for this model. {instead}"));
        }
        if matches!(body["tool_choice"]["type"].as_str(), Some("any" | "tool")) {
            return Err("tool_choice: type \"tool\" and \"any\" are not supported for this model".into());
        }
    }
    // elgorro/aiquila#410 and docs, "Troubleshooting thinking", for Opus 5 and Haiku 5.5.
    if is_high && matches!(family.name, "claude-opus-5" | "claude-haiku-5-5") && thinking["type"] == "disabled" {
        return Err("\"thinking.type.disabled\" is not supported with this effort.".into());
    }
    // Wei-Shaw/sub2api#6677
    if thinking.get("block_binding").is_some() && !body["anthropic_beta"].to_string().contains(BINDING) {
        let kind = thinking["type"].as_str().unwrap_or_default();
        return Err(format!("thinking.{kind}.block_binding: Extra inputs are not permitted"));
    }
    match thinking["type"].as_str() {
        None | Some("disabled") => {}
        Some("between_tools") if is_sonnet && !is_high => {}
        Some("adaptive") => {
            if !matches!(family.thinking, Thinking::Either | Thinking::Effort) {
                return Err("adaptive thinking is not supported on this model".into());
            }
        }
        Some("enabled") => {
            if family.thinking == Thinking::Effort {
                return Err("\"thinking.type.enabled\" is not supported for this model. Use \"thinking.type.adaptive\" and \"output_config.effort\" to control thinking behavior.".into());
            }
            if family.thinking == Thinking::None {
                return Err("thinking is not supported on this model".into());
            }
            match thinking["budget_tokens"].as_u64() {
                None => return Err("thinking.enabled.budget_tokens: Field required".into()),
                Some(budget) if budget < 1024 => {
                    return Err("thinking.enabled.budget_tokens: Input should be greater than or equal to 1024".into());
                }
                Some(budget) if body["max_tokens"].as_u64().is_some_and(|limit| limit <= budget) => {
                    return Err("`max_tokens` must be greater than `thinking.budget_tokens`. Please consult our documentation at https://docs.claude.com/en/docs/build-with-claude/extended-thinking#max-tokens-and-context-window-size".into());
                }
                Some(_) => {}
            }
        }
        Some(_) => return Err("thinking: Input tag found using 'type' does not match any of the expected tags".into()),
    }
    match &body["output_config"]["effort"] {
        Value::Null => {}
        _ if family.efforts.is_empty() => return Err("This model does not support the effort parameter.".into()),
        effort if !effort.as_str().is_some_and(|effort| family.efforts.contains(&effort)) => {
            let known: Vec<String> = family.efforts.iter().map(|effort| format!("'{effort}'")).collect();
            return Err(format!("output_config.effort: Input should be {}", known.join(", ")));
        }
        _ => {}
    }
    Ok(())
}

/// What goes with thinking (docs, "Extended thinking", "Feature compatibility"; MartialBE/one-hub#529), and what newer models
/// take no more: "`temperature` is deprecated for this model." from Opus 4.7 on, not both from 4.5 on.
fn sampling(body: &Value, family: &Family) -> Result<(), String> {
    let (temperature, top_p) = (body["temperature"].as_f64(), body["top_p"].as_f64().filter(|value| *value >= 0.0));
    if family.thinking == Thinking::Effort {
        for (name, value) in [("temperature", temperature), ("top_p", top_p)] {
            if value.is_some() {
                return Err(format!("`{name}` is deprecated for this model."));
            }
        }
    }
    let is_new = matches!(family.thinking, Thinking::Either) || family.output == 64_000;
    if is_new && temperature.is_some() && top_p.is_some() {
        return Err("`temperature` and `top_p` cannot both be specified for this model. Please use only one.".into());
    }
    if family.is_thinking(body) {
        if temperature.is_some_and(|value| (value - 1.0).abs() > f64::EPSILON) {
            return Err("`temperature` may only be set to 1 when thinking is enabled. Please consult our documentation at https://docs.claude.com/en/docs/build-with-claude/extended-thinking#important-considerations-when-using-extended-thinking".into());
        }
        if top_p.is_some_and(|value| value < 0.95) {
            return Err("`top_p` must be greater than or equal to 0.95 or unset when thinking is enabled.".into());
        }
        if matches!(body["tool_choice"]["type"].as_str(), Some("any" | "tool")) {
            return Err("Thinking may not be enabled when tool_choice forces tool use.".into());
        }
    }
    Ok(())
}

/// The beta in which a request says what becomes of thinking that is bound to another beginning (docs, "Prefix checks").
const BINDING: &str = "thinking-binding-controls-2026-08-01";

/// Thinking comes back as it was given: anthropics/claude-code#63284 (changed), "Invalid `signature` in `thinking` block"
/// (one of somebody else).
fn signatures(body: &Value) -> Result<(), String> {
    let prefix = prefix(body);
    let drops = body["thinking"]["block_binding"]["prefix_mismatch_behavior"] == "drop_block";
    for (at, message) in list(&body["messages"]).enumerate() {
        // tailcallhq/forgecode#3071 and anthropics/claude-code#11514.
        let last = list(&message["content"]).last().and_then(|block| block["type"].as_str());
        if let Some(kind @ ("thinking" | "redacted_thinking")) = last {
            return Err(format!("messages.{at}: The final block in an assistant message cannot be `{kind}`."));
        }
        for (index, block) in list(&message["content"]).enumerate() {
            let path = format!("messages.{at}.content.{index}");
            match block["type"].as_str() {
                Some("thinking") => {
                    let Some(signature) = block["signature"].as_str() else {
                        return Err(format!("{path}.thinking.signature: Field required"));
                    };
                    let thought = block["thinking"].as_str().unwrap_or_default();
                    match Signature::read(signature, &format!("{prefix}{thought}")) {
                        Signature::Good => {}
                        // Another model's, which is dropped without an error.
                        _ if !prefix.is_empty() && Signature::read(signature, thought) == Signature::Good => {}
                        Signature::OfOtherText if !prefix.is_empty() && drops => {}
                        Signature::OfOtherText if !prefix.is_empty() => {
                            return Err(format!(
                                "{path}: Invalid `signature` in `thinking` block. The block is bound to a different conversation. Remove the block, or set `thinking.block_binding.prefix_mismatch_behavior` to \"drop_block\"."
                            ));
                        }
                        Signature::OfOtherText => {
                            return Err(format!(
                                "{path}: `thinking` or `redacted_thinking` blocks in the latest assistant message cannot be modified. These blocks must remain as they were in the original response."
                            ));
                        }
                        Signature::Unknown => return Err(format!("{path}: Invalid `signature` in `thinking` block")),
                    }
                }
                Some("redacted_thinking") => match block["data"].as_str() {
                    None => return Err(format!("{path}.redacted_thinking.data: Field required")),
                    Some(super::REDACTED) => {}
                    Some(_) => return Err(format!("{path}: Invalid `data` in `redacted_thinking` block")),
                },
                _ => {}
            }
        }
    }
    Ok(())
}

/// What a block of thinking is bound to, where it is: of all that stands before it, the instructions. Since Claude Fable 5.1
/// (docs, "Preserved thinking"; for accounts since the end of August 2026).
pub(crate) fn prefix(body: &Value) -> String {
    const BOUND: [&str; 4] = ["claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-5-5", "claude-fable-5-1"];
    let family = Family::of(body["model"].as_str().unwrap_or_default());
    if !family.is_some_and(|family| BOUND.contains(&family.name)) {
        return String::new();
    }
    list(&body["system"]).filter_map(|block| block["text"].as_str()).collect()
}

/// With a budget, the turn that waits for results begins with its thinking: OpenRouterTeam/ai-sdk-provider#162,
/// anomalyco/opencode#3077; and so does the last one, which is to go on: Aider-AI/aider#3820. Adaptive thinking does not insist (docs, "Adaptive thinking").
fn loops(body: &Value) -> Result<(), String> {
    let messages: Vec<&Value> = list(&body["messages"]).collect();
    let Some(at) = messages.iter().rposition(|message| message["role"] == "assistant") else { return Ok(()) };
    let Some(message) = messages.get(at) else { return Ok(()) };
    let kinds: Vec<&str> = list(&message["content"]).filter_map(|block| block["type"].as_str()).collect();
    let thinks = |kind: &&str| matches!(*kind, "thinking" | "redacted_thinking");
    let is_last = at + 1 == messages.len();
    if body["thinking"]["type"] == "enabled"
        && (is_last || kinds.contains(&"tool_use"))
        && !kinds.first().is_some_and(thinks)
    {
        let found = kinds.first().copied().unwrap_or("text");
        return Err(format!(
            "messages.{at}.content.0.type: Expected `thinking` or `redacted_thinking`, but found `{found}`. When `thinking` is enabled, a final `assistant` message must start with a thinking block (preceeding the lastmost set of `tool_use` and `tool_result` blocks). We recommend you include thinking blocks from previous turns. To avoid this requirement, disable `thinking`. Please consult our documentation at https://docs.claude.com/en/docs/build-with-claude/extended-thinking"
        ));
    }
    let is_off = matches!(body["thinking"]["type"].as_str(), None | Some("disabled"));
    if is_off && is_last && kinds.iter().any(thinks) {
        // tailcallhq/forgecode#1853
        return Err(format!(
            "messages.{at}.content.0: When thinking is disabled, an `assistant` message in the final position cannot contain `thinking`. To use thinking blocks, enable `thinking` in your request."
        ));
    }
    Ok(())
}

/// The items of a list, or none.
pub(super) fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}
