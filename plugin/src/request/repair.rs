//! Repairs a damaged history, so that it does not end a session: changes what the gateway or a provider would refuse, and
//! loses nothing that was said.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::body::{Body, IDS, REASONING, calls, each, first, is_empty, list, parts, says_something, take_first};
use super::cache::MARK;
use super::spelling::{blocks, with_data};
use super::targets::Targets;
use super::tools::{Names, fit_name, rename, takes_custom};
use crate::json::{Json, Object};
use crate::model_traits::{Family, Protocol, Route};
use crate::prompt::turn;
use crate::text::hash_of;

/// Functions as they were called before there were tools: most models know them no more, and the gateway drops them for
/// Claude and Gemini. The results come in the order of the calls, and get their ids from them.
///
/// Nor do they know the roles of others: LangChain's `human` and `ai`, Google's `model`.
pub(super) fn functions(body: &mut Body<'_>, targets: &Targets) {
    let functions = body.members.take_list("functions");
    body.members.remove("functions");
    for function in functions.into_iter().filter_map(Json::into_object) {
        body.tools.push([("function", function.into())].into());
    }
    if let Some(choice) = body.members.take("function_call")
        && body.members.get("tool_choice").is_none()
    {
        body.members.set("tool_choice", choice);
    }
    body.members.remove("function_call");
    // Anthropic's, Bedrock's and Vercel's place for what is told beforehand, which the gateway reads for nobody.
    if !targets.is_unknown() {
        if let Some(told) = body.members.take("system") {
            body.messages.insert(0, turn("system", told));
        }
        body.members.remove("system");
    }
    for message in &mut body.messages {
        let role = message.text("role").to_ascii_lowercase();
        let role = match &*role {
            "function" => "tool",
            _ if targets.is_unknown() => "",
            "system" | "developer" | "assistant" | "tool" => &*role,
            "ai" | "model" => "assistant",
            _ => "user",
        };
        if !role.is_empty() && !message.is("role", role) {
            message.set("role", String::from(role));
        }
        if let Some(function) = message.take("function_call")
            && message.get("tool_calls").is_none_or(is_empty)
        {
            message.set("tool_calls", Json::List(alloc::vec![[("function", function)].into()]));
        }
        message.remove("function_call");
    }
}

/// Calls and results among the parts of a content, as Anthropic's API has them, LiteLLM's users (BerriAI/litellm#7099),
/// LangChain and Vercel's SDK, become those of chat completions: the gateway drops them.
pub(super) fn blocks_of_tools(body: &mut Body<'_>) {
    // Whether it is a result, or a call. What others than the model say may be a list of functions.
    let of_tool = |message: &Object<'_>, part: &Object<'_>| match &*part.text("type") {
        "tool_result" | "tool-result" => Some(true),
        "tool_use" | "tool-call" | "tool_call" | "function" if message.is("role", "assistant") => Some(false),
        _ => None,
    };
    let has_blocks = |message: &Object<'_>| {
        message.get("content").is_some_and(Json::is_nested)
            && parts(message, "content").is_some_and(|all| all.iter().any(|part| of_tool(message, part).is_some()))
    };
    if !body.messages.iter().any(has_blocks) {
        return;
    }
    let mut out = Vec::with_capacity(body.messages.len());
    for mut message in core::mem::take(&mut body.messages) {
        let Some(all) = parts(&message, "content").filter(|_| has_blocks(&message)) else {
            out.push(message);
            continue;
        };
        let (mut calls, mut rest) = (Vec::new(), Vec::new());
        let before = out.len();
        for mut part in all {
            let Some(is_result) = of_tool(&message, &part) else {
                rest.push(part);
                continue;
            };
            let id = take_first(&mut part, &IDS).unwrap_or("".into());
            if is_result {
                // As Vercel's SDK has it since 5.
                let mut typed = part.object("output");
                if typed.has("type") {
                    part.set_some("output", typed.take("value"));
                }
                let content = take_first(&mut part, &["content", "result", "output"]);
                let mut result = turn("tool", content.unwrap_or(Json::NULL));
                result.set("tool_call_id", id);
                out.push(result);
            } else {
                part.extend(part.object("function"));
                let name = take_first(&mut part, &["name", "toolName"]);
                let function = function_of(name, take_first(&mut part, &["input", "arguments", "args"]));
                calls.push(Json::from([("id", id), ("function", function.into())]));
            }
        }
        // openai-python writes `null` where there are none.
        if !calls.is_empty() && message.get("tool_calls").is_none_or(is_empty) {
            message.set("tool_calls", calls);
        }
        let has_calls = !message.get("tool_calls").is_none_or(is_empty);
        if has_calls || !rest.is_empty() {
            message.set("content", list(rest));
            // Results come behind their calls, and what a user says behind the results.
            out.insert(if has_calls { before } else { out.len() }, message);
        }
    }
    body.messages = out;
}

/// The arguments of past calls are the JSON of an object. Some were cut off, by a limit or an abort, and the gateway
/// answers 500 to those for Claude, Gemini and Bedrock (1.15.2 and 2.2.3: `JSON.parse`): the text stays, inside of one.
pub(super) fn arguments(body: &mut Body<'_>, targets: &Targets) {
    let keeps_custom = body.protocol == Protocol::Chat && takes_custom(targets);
    let names = Names::of(targets);
    let renamed = &body.renamed;
    for message in &mut body.messages {
        calls(message, &mut |mut call| {
            if !keeps_custom && let Some(mut custom) = call.take("custom").and_then(Json::into_object) {
                call.remove("custom");
                call.remove("type");
                let input = Object::from([("input", custom.take("input").unwrap_or("".into()))]).to_json();
                call.set("function", function_of(custom.take("name"), Some(input.into())));
            }
            rename(&mut call, renamed);
            whole_call(call, names)
        });
    }
}

/// What is called, and with what.
fn function_of<'a>(name: Option<Json<'a>>, arguments: Option<Json<'a>>) -> Object<'a> {
    let mut function = Object::from([("name", name.unwrap_or("".into()))]);
    function.set_some("arguments", arguments);
    function
}

/// A call with an object for arguments; none where nothing is called.
fn whole_call(mut call: Object<'_>, names: Option<Names>) -> Option<Object<'_>> {
    let mut function = call.take("function").and_then(Json::into_object);
    // LangChain's own are on one level.
    if function.is_none() && call.has("name") {
        function = Some(function_of(call.take("name"), take_first(&mut call, &["arguments", "args", "input"])));
        call.retain(&|name| name == "id");
    }
    // A provider's own, as Codex writes its shell's; but a custom tool's, whom OpenAI knows.
    let kind = call.text("type").into_owned();
    if function.is_none() && !matches!(&*kind, "" | "function" | "custom") {
        let mut rest = core::mem::take(&mut call);
        call.set_some("id", rest.take("id"));
        rest.retain(&|name| !matches!(name, "id" | "type"));
        function = Some(function_of(Some(kind.into()), Some(rest.into())));
    }
    let Some(mut function) = function else { return Some(call).filter(|call| call.is("type", "custom")) };
    function.get("name")?;
    // Some are numbers.
    if call.get("id").is_some_and(|id| id.scalar().is_some()) {
        call.set("id", call.text("id").into_owned());
    }
    // As Continue and LlamaIndex write it (continuedev/continue#5091): all refuse one that is empty.
    if function.is("name", "") {
        function.set("name", "unknown");
    }
    // Models call what nobody offered, such as `browser.tabs.open`, and each later turn is refused (anomalyco/opencode#48750).
    if let Some(name) = names.and_then(|names| names.fit(&function.text("name"))) {
        function.set("name", name);
    }
    if let Some(arguments) = whole(function.get("arguments")) {
        function.set("arguments", arguments);
    }
    call.set("function", function);
    if call.get("type").is_none() {
        call.set("type", "function");
    }
    // A stream's, and LiteLLM's own.
    call.retain(&|name| !matches!(name, "index" | "provider_specific_fields"));
    Some(call)
}

/// Arguments that take the place of those that are none.
fn whole(arguments: Option<&Json<'_>>) -> Option<String> {
    let Some(arguments) = arguments else { return Some("{}".into()) };
    // Some hosts keep the object itself.
    let Some(text) = arguments.string() else {
        let json = arguments.compact();
        return Some(if arguments.is_object() { json } else { raw(json.into()) });
    };
    let trimmed = text.trim();
    if trimmed.is_empty() || trimmed == "null" {
        return Some("{}".into());
    }
    if Json::parse(trimmed).is_ok_and(|json| json.is_object()) { None } else { Some(raw(text.clone())) }
}

fn raw(text: Cow<'_, str>) -> String {
    Object::from([("raw", Json::Text(text))]).to_json()
}

/// What clients keep in a message beside what is said: LiteLLM its own fields (BerriAI/litellm#25595 and #20334), hosts what
/// they like (odysseus-dev/odysseus#167, ServiceStack/llms#17). OpenAI, Groq, Cerebras and Mistral refuse each member that
/// they do not know (BerriAI/litellm#30882), all but OpenAI those of an answer too, Mistral a name where no tool has it
/// (Gage-Technologies/mistral-go#2), Grok one where no user has it (BerriAI/litellm#9720, microsoft/autogen#4715), and OpenAI one
/// with a space in it (langchain-ai/langchain#35054), and labels of what is
/// not stored (QwenLM/qwen-code#243; behind LiteLLM too: langchain-ai/langchain-litellm#8), as Mistral does
/// (OpenHands/OpenHands-CLI#83).
pub(super) fn members(body: &mut Body<'_>, targets: &Targets) {
    const KNOWN: [&str; 4] = ["role", "content", "tool_calls", "tool_call_id"];
    let [is_mistral, is_grok] = [Family::Mistral, Family::Grok].map(|family| targets.has(&[family]));
    let takes_answers = !is_mistral && !targets.any(|target| target.route == Route::Strict);
    let takes_all = takes_answers && !targets.has_openai();
    let is_stored = !is_mistral && body.members.get("store").and_then(Json::bool) == Some(true);
    if !takes_all && !is_stored && body.protocol == Protocol::Chat {
        body.members.remove("metadata");
    }
    // "user_id appears to contain an email address. Please send a uuid or hash value instead." (BerriAI/litellm#10106)
    let user = body.members.text("user").into_owned();
    if targets.has(&[Family::Claude]) && user.contains('@') {
        body.members.set("user", format!("user-{:016x}", hash_of(&user)));
    }
    for message in &mut body.messages {
        let is_of = |next: char| !next.is_whitespace() && !"<|\\/>".contains(next);
        if !takes_all && let Some(name) = fit_name(&message.text("name"), is_of, 64) {
            message.set("name", name);
        }
        let takes_name = (!is_mistral || message.is("role", "tool"))
            && (!is_grok || message.is("role", "user"))
            && !message.is("name", "");
        message.retain(&|name| match name {
            "provider_specific_fields" => false,
            "name" => takes_name,
            "refusal" | "audio" => takes_answers,
            "prefix" => is_mistral || takes_all,
            name => takes_all || KNOWN.contains(&name) || REASONING.contains(&name),
        });
        // LangChain keeps in a text what the Responses API says of it.
        if !takes_all && let Some(Json::List(_)) = message.get("content") {
            let all = each(message.take_list("content"), &mut |mut part| {
                if let Json::Object(part) = &mut part
                    && part.is("type", "text")
                {
                    part.retain(&|name| matches!(name, "type" | "text" | MARK | "prompt_cache_breakpoint"));
                }
                Some(part)
            });
            message.set("content", all);
        }
    }
}

/// No message without a content, no image without data. OpenClaw's own client says the same in their place.
pub(super) fn contents(body: &mut Body<'_>, targets: &Targets) {
    let is_from_web_alone = targets.all(|it| matches!(it.family, Family::Claude | Family::Gpt | Family::Gemini));
    for message in &mut body.messages {
        // None but OpenAI knows a refusal apart from what is said, and the texts among the blocks are said there too.
        if message.get("content").is_none() {
            let said = first(message, &["refusal", "content_blocks"]).map(Json::text).filter(|said| !said.is_empty());
            message.set_some("content", said.map(Json::Text));
            message.remove("refusal");
        }
        let is_text = |content: &Json<'_>| matches!(content, Json::Text(_)) || content.spelled().is_some();
        if let Some(content) = message.get("content").filter(|content| is_text(content)) {
            // Anthropic refuses white space beside a call too.
            let text = content.text();
            if !text.is_empty() && text.trim().is_empty() {
                if message.is("role", "tool") {
                    message.set("content", "(no output)");
                } else if message.has("tool_calls") {
                    message.set("content", Json::NULL);
                }
            }
            continue;
        }
        if message.is("role", "assistant") {
            blocks(message);
        }
        // A part alone, and what a tool gave as it was.
        let odd = message.get("content").filter(|content| content.is_object() || content.scalar().is_some()).cloned();
        if let Some(odd) = odd {
            let is_part = odd.object().is_some_and(|part| part.get("type").is_some());
            message.set("content", if is_part { Json::List(alloc::vec![odd]) } else { odd.compact().into() });
        }
        if let Some(parts) = message.get("content").filter(|content| !content.is_object()).and_then(Json::list) {
            let parts = with_data(parts, is_from_web_alone);
            // rig writes an empty list beside a call, which OpenAI refuses.
            let is_silent = parts.is_empty() && message.has("tool_calls");
            message.set("content", if is_silent { Json::NULL } else { Json::List(parts) });
        }
        if message.get("content").is_none_or(is_empty) && message.is("role", "tool") {
            message.set("content", "(no output)");
        }
    }
    // Anthropic and Bedrock refuse a message in which nothing is said, and nobody misses it.
    let last = body.messages.len().saturating_sub(1);
    let mut at = 0;
    body.messages.retain(|message| {
        let is_last = at == last;
        at += 1;
        is_last && !message.is("role", "assistant") || message.is("role", "tool") || says_something(message)
    });
}
