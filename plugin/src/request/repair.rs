//! Repairs a damaged history, so that it does not end a session: changes what the gateway or a provider would refuse,
//! names of tools among them, and loses nothing that was said.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::body::{Body, REASONING, Renamed, calls, is_forced, list, objects, parts, says_something, text_part};
use super::cache::MARK;
use super::media::{as_url, is_address, is_seen};
use super::reasoning;
use super::schema::{self, Form};
use super::targets::Targets;
use crate::json::{Json, Object, firsts};
use crate::model_traits::{Family, Protocol, Route, Traits};
use crate::options::Model;
use crate::text::hash_of;
use crate::tool_calls::LONGEST_NAME;

/// Functions as they were called before there were tools: most models know them no more, and the gateway drops them for
/// Claude and Gemini. The results come in the order of the calls, and get their ids from them.
///
/// Nor do they know the roles of others: LangChain's `human` and `ai`, Google's `model`.
pub(super) fn functions(body: &mut Body<'_>, targets: &Targets) {
    let functions = body.members.take_list("functions");
    body.members.remove("functions");
    body.tools.extend(
        functions.into_iter().filter_map(Json::into_object).map(|function| [("function", function.into())].into()),
    );
    if let Some(choice) = body.members.take("function_call")
        && body.members.get("tool_choice").is_none()
    {
        let named = choice.is_object().then(|| [("type", "function".into()), ("function", choice.clone())].into());
        body.members.set("tool_choice", named.unwrap_or(choice));
    }
    body.members.remove("function_call");
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

/// A search on the web is a tool, but for OpenAI's models that do nothing else ("Unknown parameter: 'web_search_options'":
/// BerriAI/litellm#12311).
pub(super) fn web_search(body: &mut Body<'_>, targets: &Targets) {
    let is_tool = targets.all(|it| {
        matches!((it.family, it.route), (Family::Gpt | Family::Claude, Route::Direct) | (Family::Claude, Route::Vertex))
    });
    if (is_tool || targets.has_openai())
        && !body.members.text("model").contains("-search")
        && let Some(options) = body.members.take("web_search_options")
    {
        body.members.remove("web_search_options");
        let mut tool = options.into_members();
        tool.set("type", WEB_SEARCH);
        body.tools.extend(Some(tool).filter(|_| is_tool));
    }
}

const WEB_SEARCH: &str = "web_search";

/// Calls and results among the parts of a content, as Anthropic's API has them, LiteLLM's users (BerriAI/litellm#7099) and
/// Vercel's SDK, become those of chat completions: the gateway drops them.
pub(super) fn blocks_of_tools(body: &mut Body<'_>) {
    let is_result = |part: &Object<'_>| matches!(&*part.text("type"), "tool_result" | "tool-result");
    let is_call = |part: &Object<'_>| matches!(&*part.text("type"), "tool_use" | "tool-call" | "function");
    let is_block = |part: &Object<'_>| is_result(part) || is_call(part);
    let first =
        |part: &mut Object<'_>, names: &[&str]| names.iter().find_map(|name| part.take(name)).map(|it| it.owned());
    let has_blocks = |message: &Object<'_>| {
        message.get("content").is_some_and(Json::is_nested)
            && parts(message, "content").is_some_and(|all| all.iter().any(is_block))
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
        for mut part in all {
            if !is_block(&part) {
                rest.push(part);
                continue;
            }
            let id = first(&mut part, &["tool_use_id", "toolCallId", "id"]).unwrap_or("".into());
            if is_result(&part) {
                let mut result = Object::from([("role", "tool".into()), ("tool_call_id", id)]);
                let said = first(&mut part, &["content", "result", "output"]);
                result.set_some("content", said.map(|said| said.members().take("value").unwrap_or(said)));
                out.push(result);
            } else {
                part.extend(part.object("function"));
                let name = first(&mut part, &["name", "toolName"]).unwrap_or("".into());
                let mut function = Object::from([("name", name)]);
                function.set_some("arguments", first(&mut part, &["input", "arguments", "args"]));
                calls.push(Json::from([("id", id), ("function", function.into())]));
            }
        }
        // openai-python writes `null` where there are none.
        if !calls.is_empty() && message.get("tool_calls").is_none_or(is_empty) {
            message.set("tool_calls", calls);
        }
        if !rest.is_empty() || message.get("tool_calls").is_some() {
            message.set("content", list(rest));
            out.push(message);
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
        spell(message, "tool_call_id");
        calls(message, &mut |mut call| {
            if !keeps_custom && let Some(mut custom) = call.take("custom").and_then(Json::into_object) {
                call.remove("custom");
                call.remove("type");
                let input = Object::from([("input", custom.take("input").unwrap_or("".into()))]).to_json();
                call.set("function", [("name", custom.take("name").unwrap_or("".into())), ("arguments", input.into())]);
            }
            rename(&mut call, renamed);
            whole_call(call, names)
        });
    }
}

/// The names of tools that who may answer takes: of letters, digits, `_` and `-` alone.
#[derive(Clone, Copy)]
struct Names {
    longest: usize,
    is_gemini: bool,
}

/// Functions of which the gateway makes Google's own tools (1.15.2 and 2.2.3), in one spelling.
const GOOGLES: [&str; 4] = ["googlesearch", "googlesearchretrieval", "computeruse", "googlemaps"];

impl Names {
    /// None where nobody knows.
    fn of(targets: &Targets) -> Option<Self> {
        let is_claude = targets.are(Family::Claude) && !targets.goes(Route::Bedrock);
        let longest = if is_claude { 128 } else { 64 };
        (!targets.known().is_empty()).then_some(Self { longest, is_gemini: targets.has(&[Family::Gemini]) })
    }

    fn is_googles(self, name: &str) -> bool {
        self.is_gemini && GOOGLES.contains(&&*name.replace('_', "").to_ascii_lowercase())
    }

    /// Whether it is one of Google's, which has settings for parameters, and none of the host's.
    fn is_no_schema(self, function: &Object<'_>) -> bool {
        self.is_googles(&function.text("name")) && !function.object("parameters").has("properties")
    }

    /// One that fits; none where it does already. Gemini and Kimi want a letter first (MoonshotAI/kimi-cli#2531).
    fn fit(self, name: &str) -> Option<String> {
        if name.starts_with(|first: char| first.is_ascii_alphabetic()) && !self.is_googles(name) {
            return fit_name(name, is_plain, self.longest);
        }
        let name = ["own_", name].concat();
        Some(fit_name(&name, is_plain, self.longest).unwrap_or(name))
    }
}

/// What is called of a tool.
fn called<'a>(tool: &Object<'a>) -> Option<Object<'a>> {
    ["function", "custom"].iter().find_map(|kind| tool.get(kind)?.object())
}

/// Its name, on either level: the Responses API and Anthropic have it on the upper.
fn name_of<'a>(tool: &Object<'a>) -> Option<Cow<'a, str>> {
    Some(called(tool).as_ref().unwrap_or(tool).get("name")?.text())
}

/// Most tools that go by another name.
const MAX_RENAMED: usize = 512;
/// So often names are numbered.
const ROUNDS: usize = 4;

/// MCP's names may have dots in them, and servers have spaces (openai/codex#8174, github/copilot-cli#2581): almost all
/// refuse those, so such tools go by other names, as their past calls do.
pub(super) fn tool_names(body: &mut Body<'_>, targets: &Targets) {
    let Some(fitting) = Names::of(targets) else { return };
    let mut names: Vec<(String, String)> = Vec::with_capacity(body.tools.len());
    for tool in &body.tools {
        let Some(named) = called(tool) else { continue };
        let own = String::from(&*named.text("name"));
        let fit = fitting.fit(&own).filter(|_| tool.has("function") && !fitting.is_no_schema(&named));
        names.push((fit.unwrap_or_else(|| own.clone()), own));
    }
    // Where two would go by one name, one that has to go by another is numbered: long names may begin alike, and others be no
    // letters at all. Some tool may have the numbered name too: each round has its own numbers.
    let all = names.len();
    for round in 0..ROUNDS {
        let firsts = firsts(&names.iter().map(|(name, _)| &**name).collect::<Vec<_>>());
        for (at, first) in firsts.into_iter().enumerate().filter(|(at, first)| at != first) {
            let is_renamed = |at: &usize| names.get(*at).is_some_and(|(name, own)| name != own);
            if let Some((name, _)) = [at, first].into_iter().find(is_renamed).and_then(|at| names.get_mut(at)) {
                name.truncate(fitting.longest - 8);
                name.push_str(&format!("_{}", at + round * all));
            }
        }
    }
    // Of two alike the first is offered: all but OpenAI refuse both ("Tool names must be unique").
    let firsts = firsts(&names.iter().map(|(_, own)| &**own).collect::<Vec<_>>());
    let mut places = firsts.iter().enumerate();
    body.tools.retain(|tool| called(tool).is_none() || places.next().is_some_and(|(at, &first)| at == first));
    names.retain(|(name, own)| name != own);
    // Each call is looked for among them, and gets its name again.
    if names.is_empty() || names.len() > MAX_RENAMED || names.iter().any(|(_, own)| own.len() > LONGEST_NAME) {
        return;
    }
    body.renamed = names;
    let renamed = &body.renamed;
    body.tools.iter_mut().for_each(|tool| rename(tool, renamed));
    if let Some(mut choice) = body.members.get("tool_choice").and_then(Json::object) {
        rename(&mut choice, renamed);
        if let Some(mut allowed) = choice.get("allowed_tools").and_then(Json::object) {
            let mut tools = objects(&mut allowed, "tools").unwrap_or_default();
            tools.iter_mut().for_each(|tool| rename(tool, renamed));
            allowed.set("tools", list(tools));
            choice.set("allowed_tools", allowed);
        }
        body.members.set("tool_choice", choice);
    }
}

/// Gives the function in it its other name.
fn rename(object: &mut Object<'_>, renamed: &Renamed) {
    let function = object.get("function").filter(|_| !renamed.is_empty());
    let Some(mut function) = function.and_then(Json::object) else { return };
    if let Some((name, _)) = renamed.iter().find(|(_, own)| function.is("name", own)) {
        function.set("name", name.clone());
        object.set("function", function);
    }
}

/// Whether custom tools, which take a text, may be offered: nobody but OpenAI has them. The gateway hands them to Anthropic in
/// a form that is refused, leaves them out for Bedrock and Google, and answers 500 to a past call of one (1.15.2 and 2.2.3).
fn takes_custom(targets: &Targets) -> bool {
    targets.is_unknown() || targets.are(Family::Gpt)
}

/// Whether a name of a function may have this in it, and one of a schema.
pub(super) fn is_plain(next: char) -> bool {
    next.is_ascii_alphanumeric() || matches!(next, '_' | '-')
}

/// A name of these characters alone, and no longer than this; none where it is such a name.
pub(super) fn fit_name(name: &str, is_of: fn(char) -> bool, longest: usize) -> Option<String> {
    if name.len() <= longest && name.chars().all(is_of) {
        return None;
    }
    Some(name.chars().map(|next| if is_of(next) { next } else { '_' }).take(longest).collect())
}

/// Makes a text of an id that is a number.
fn spell(object: &mut Object<'_>, name: &'static str) {
    if object.get(name).is_some_and(|id| id.scalar().is_some()) {
        object.set(name, object.text(name).into_owned());
    }
}

/// A call with an object for arguments; none where nothing is called.
fn whole_call(mut call: Object<'_>, names: Option<Names>) -> Option<Object<'_>> {
    let mut function = call.take("function").and_then(Json::into_object);
    // LangChain's own are on one level.
    if function.is_none() && call.has("name") {
        let mut flat = Object::from([("name", call.take("name").unwrap_or("".into()))]);
        flat.set_some("arguments", ["arguments", "args", "input"].iter().find_map(|name| call.take(name)));
        call.retain(&|name| name == "id");
        function = Some(flat);
    }
    // A provider's own, as Codex writes its shell's; but a custom tool's, whom OpenAI knows.
    let kind = call.text("type").into_owned();
    if function.is_none() && !matches!(&*kind, "" | "function" | "custom") {
        let mut rest = core::mem::take(&mut call);
        call.set_some("id", rest.take("id"));
        rest.retain(&|name| !matches!(name, "id" | "type"));
        function = Some([("name", kind.into()), ("arguments", rest.into())].into());
    }
    let Some(mut function) = function else { return Some(call).filter(|call| call.is("type", "custom")) };
    function.get("name")?;
    spell(&mut call, "id");
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

/// A search on the web as Claude's gateway has it, with the bounds that Claude knows. OpenAI has some of them one level down.
fn of_search(mut given: Object<'_>) -> Object<'_> {
    let mut own = Object::from([("name", "web_search_20250305".into())]);
    let filters = given.take_object("filters");
    given.extend(filters);
    // "Only one of" the two lists (microsoft/vscode#314275): who is not allowed is blocked.
    let mut some = |name| given.take(name).filter(|bound| !is_empty(bound));
    let (allowed, blocked) = (some("allowed_domains"), some("blocked_domains"));
    own.set_some("blocked_domains", blocked.filter(|_| allowed.is_none()));
    own.set_some("allowed_domains", allowed);
    own.set_some("max_uses", some("max_uses"));
    let mut place = given.take_object("user_location");
    let nearby = place.take_object("approximate");
    place.remove("approximate");
    place.extend(nearby);
    if !place.is_empty() {
        place.set("type", "approximate");
        own.set("user_location", place);
    }
    let mut tool = Object::from([("type", WEB_SEARCH.into()), (WEB_SEARCH, own.into())]);
    tool.set_some(MARK, given.take(MARK));
    tool
}

/// A tool is a function with the schema of an object: one without parameters takes none. Where the model takes no tools,
/// none are offered. An empty list of them is refused by OpenAI, DeepSeek, Google and Bedrock, and so is a choice among
/// none.
pub(super) fn tools(body: &mut Body<'_>, targets: &Targets, own: &Model<'_>) {
    // What none of them knows is refused, and the whole request with it: OpenAI has its own tools by its Responses API alone, as
    // the search among tools, without which all are loaded. Anthropic's have names.
    let is_own_api = |target: &Traits| matches!(target.route, Route::Direct | Route::Vertex);
    let is_claude = |target: &Traits| target.family == Family::Claude && is_own_api(target);
    let (has_claude, is_anthropic, is_openai) = (targets.any(is_claude), targets.all(is_claude), targets.has_openai());
    let is_chat = body.protocol == Protocol::Chat;
    if !targets.is_unknown() {
        body.tools.retain(|tool| match &*tool.text("type") {
            "function" | "custom" => true,
            "" => ["function", "custom", "name"].iter().any(|name| tool.has(name)),
            kind if !is_chat => kind == "namespace" || !tool.has("name"),
            reasoning::SEARCH => false,
            kind => !is_openai && (!has_claude || tool.has("name") || is_anthropic && kind == WEB_SEARCH),
        });
    }
    choice(body, targets);
    // Where no call is wanted Bedrock and Z.AI know no word for that. Bedrock wants the tools of past calls all the same.
    let is_unwanted =
        targets.any(|it| it.route == Route::Bedrock || is_zai(it)) && body.members.is("tool_choice", "none");
    let has_called = || body.messages.iter().any(|message| !message.get("tool_calls").is_none_or(is_empty));
    if own.supports_tools == Some(false) || is_unwanted && !(targets.goes(Route::Bedrock) && has_called()) {
        body.tools.clear();
    }
    if is_unwanted || body.tools.is_empty() {
        ["tool_choice", "parallel_tool_calls"].iter().for_each(|name| body.members.remove(name));
    }
    if body.tools.is_empty() {
        return body.members.remove("tools");
    }
    let mut room = schema::ROOM;
    let (form, names) = (Form::of(targets), Names::of(targets));
    let refuses_strict = targets.any(|target| {
        matches!(target.family, Family::Command | Family::Claude)
            && !matches!(target.route, Route::OpenRouter | Route::Other)
    });
    let takes_custom = takes_custom(targets);
    // OpenAI's, and Anthropic's. Without one nothing is found.
    let is_searched = body.tools.iter().any(|tool| tool.text("type").starts_with(reasoning::SEARCH));
    for tool in &mut body.tools {
        // Anthropic's own tools, in the form of which the gateway makes theirs (1.15.2 and 2.2.3).
        let kind = tool.text("type").into_owned();
        if is_anthropic && kind == WEB_SEARCH && !tool.has("name") && !tool.has(WEB_SEARCH) {
            *tool = of_search(core::mem::take(tool));
            continue;
        }
        if is_anthropic && !matches!(&*kind, "" | "function" | "custom") && tool.has("name") {
            let mut options = core::mem::take(tool);
            let name = options.text("name").into_owned();
            tool.set_some(MARK, options.take(MARK));
            options.remove(MARK);
            options.remove("type");
            options.set("name", kind);
            tool.set("type", name.clone());
            tool.set(name, options);
            continue;
        }
        if tool.is("type", "custom") {
            // Anthropic's word for a function.
            if tool.has("input_schema") {
                tool.remove("type");
            } else if !takes_custom {
                *tool = of_custom(core::mem::take(tool));
            } else if !tool.has("custom") {
                // As the Responses API has it, one level up.
                let mut flat = core::mem::take(tool);
                flat.remove("type");
                let grammar = flat.get("format").and_then(Json::object).filter(|it| it.has("syntax"));
                if let Some(mut grammar) = grammar {
                    grammar.remove("type");
                    flat.set("format", [("type", "grammar".into()), ("grammar", grammar.into())]);
                }
                *tool = [("type", "custom".into()), ("custom", flat.into())].into();
            }
        }
        if tool.get("type").is_some_and(|kind| !kind.is("function")) {
            continue;
        }
        let mut function = match tool.take("function").and_then(Json::into_object) {
            Some(function) => function,
            // As the Responses API has it, one level up.
            None if tool.has("name") => {
                let mut flat = core::mem::take(tool);
                tool.set_some(MARK, flat.take(MARK));
                // Anthropic's name for them, and that of MCP.
                for name in ["input_schema", "inputSchema"] {
                    flat.set_some("parameters", flat.clone().take(name));
                }
                ["type", MARK, "input_schema", "inputSchema"].iter().for_each(|name| flat.remove(name));
                flat
            }
            None => continue,
        };
        // The gateway looks for it one level up.
        if let Some(mark) = function.take(MARK) {
            tool.set(MARK, mark);
            function.remove(MARK);
        }
        // MCP has a title and more.
        if is_openai {
            function.retain(&|name| matches!(name, "name" | "description" | "parameters" | "strict" | "defer_loading"));
        }
        if !is_searched {
            function.remove("defer_loading");
        }
        // Bedrock refuses an empty one.
        if function.is("description", "") {
            function.remove("description");
        }
        if tool.get("type").is_none() {
            tool.set("type", "function");
        }
        // Cohere: "unknown field: parameter 'strict' is not a valid field" (OpenRouterTeam/openrouter-examples#71). Claude
        // wants the schema closed then (vercel/ai#20681), and the gateway opens it (2.2.3).
        if refuses_strict {
            function.remove("strict");
        }
        if !names.is_some_and(|names| names.is_no_schema(&function)) {
            let parameters = schema::parameters(function.take("parameters"), form, &mut room);
            function.remove("parameters");
            function.set_some("parameters", parameters);
        }
        tool.set("function", function);
    }
}

/// A custom tool as a function of one text.
fn of_custom(mut tool: Object<'_>) -> Object<'_> {
    let mut out = Object::default();
    out.set_some(MARK, tool.take(MARK));
    let mut custom = tool.take("custom").and_then(Json::into_object).unwrap_or(tool);
    let mut input = Object::from([("type", "string".into())]);
    if let Some(format) =
        custom.take("format").filter(|format| !format.object().is_some_and(|it| it.is("type", "text")))
    {
        input.set("description", ["In this format: ", &format.compact()].concat());
    }
    let parameters = [
        ("type", "object".into()),
        ("properties", [("input", input.into())].into()),
        ("required", Json::List(alloc::vec!["input".into()])),
    ];
    let mut function = Object::from([("parameters", parameters.into())]);
    ["name", "description"].iter().for_each(|name| function.set_some(name, custom.take(name)));
    out.set("function", function);
    out
}

/// "Tool choice must be auto": vectorize-io/hindsight#4246.
fn is_zai(target: &Traits) -> bool {
    target.family == Family::Glm && target.route == Route::Direct
}

/// A choice in Anthropic's form, or in that of the Responses API, becomes one of chat completions. Models that always think
/// refuse to be made to call a tool, and choose by themselves ("Thinking mode does not support this tool_choice":
/// deepseek-ai/DeepSeek-V3#1376, can1357/oh-my-pi#1077 for Kimi, QwenLM/qwen-code#7659).
fn choice(body: &mut Body<'_>, targets: &Targets) {
    let Some(mut choice) = body.members.take("tool_choice") else { return };
    let mut named = choice.members();
    // Anthropic's has it there.
    if named.get("disable_parallel_tool_use").and_then(Json::bool) == Some(true) {
        body.members.set("parallel_tool_calls", false);
    }
    if named.has("disable_parallel_tool_use") {
        named.remove("disable_parallel_tool_use");
        choice = named.clone().into();
    }
    if !takes_custom(targets)
        && let Some(custom) = named.take("custom")
    {
        named = Object::from([("function", custom)]);
    }
    // The Responses API has it on one level.
    if named.is("type", "allowed_tools") && named.get("allowed_tools").is_none() {
        named.remove("type");
        named = Object::from([("type", "allowed_tools".into()), ("allowed_tools", named.into())]);
        choice = named.clone().into();
    }
    // Only OpenAI knows a choice among some of the tools: to others the rest is not offered.
    if let Some(mut allowed) = named.take("allowed_tools").and_then(Json::into_object)
        && !targets.are(Family::Gpt)
    {
        let some = allowed.take_list("tools");
        // OpenAI takes as many.
        let some: Vec<_> = some.iter().take(128).filter_map(|tool| name_of(&tool.object()?)).collect();
        body.tools.retain(|tool| name_of(tool).is_none_or(|name| some.contains(&name)));
        choice = Json::Text(allowed.text("mode"));
        named = Object::default();
    }
    let kind = if choice.is_object() { named.text("type") } else { choice.text() };
    // Some say the name alone.
    let is_offered = || body.tools.iter().any(|tool| name_of(tool).is_some_and(|name| name == kind));
    let choice = if let Some(name) = name_of(&named).or_else(|| Some(kind.clone()).filter(|_| is_offered())) {
        let kind = if kind == "custom" && takes_custom(targets) { "custom" } else { "function" };
        [("type", kind.into()), (kind, [("name", Json::Text(name))].into())].into()
    } else if kind.is_empty() {
        return;
    } else if kind == "any" {
        "required".into()
    } else if matches!(&*kind, "none" | "auto") || named.iter().count() == 1 {
        Json::Text(kind)
    } else {
        choice
    };
    let is_refused =
        is_forced(&choice) && targets.any(|target| target.always_thinks) || !choice.is("none") && targets.any(is_zai);
    let choice = if is_refused { "auto".into() } else { choice };
    body.members.set("tool_choice", choice);
}

/// What clients keep in a message beside what is said: LiteLLM its own fields (BerriAI/litellm#25595 and #20334), hosts what
/// they like (odysseus-dev/odysseus#167, ServiceStack/llms#17). OpenAI, Groq, Cerebras and Mistral refuse each member that
/// they do not know (BerriAI/litellm#30882), all but OpenAI those of an answer too, Mistral a name where no tool has it
/// (Gage-Technologies/mistral-go#2), and OpenAI one with a space in it (langchain-ai/langchain#35054), and labels of what is
/// not stored (QwenLM/qwen-code#243; behind LiteLLM too: langchain-ai/langchain-litellm#8), as Mistral does
/// (OpenHands/OpenHands-CLI#83).
pub(super) fn members(body: &mut Body<'_>, targets: &Targets) {
    const KNOWN: [&str; 4] = ["role", "content", "tool_calls", "tool_call_id"];
    let is_mistral = targets.has(&[Family::Mistral]);
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
        let takes_name = (!is_mistral || message.is("role", "tool")) && !message.is("name", "");
        message.retain(&|name| match name {
            "provider_specific_fields" => false,
            "name" => takes_name,
            "refusal" | "audio" => takes_answers,
            "prefix" => is_mistral || takes_all,
            name => takes_all || KNOWN.contains(&name) || REASONING.contains(&name),
        });
        // LangChain keeps in a text what the Responses API says of it.
        if !takes_all && let Some(Json::List(_)) = message.get("content") {
            let all = message.take_list("content").into_iter().map(|part| match part {
                Json::Object(mut part) if part.is("type", "text") => {
                    part.retain(&|name| matches!(name, "type" | "text" | MARK | "prompt_cache_breakpoint"));
                    part.into()
                }
                part => part,
            });
            message.set("content", all.collect::<Vec<_>>());
        }
    }
}

/// No message without a content, no image without data, no empty list of calls. OpenClaw's own client says the same in the
/// place of the first two.
pub(super) fn contents(body: &mut Body<'_>, targets: &Targets) {
    let is_from_web_alone = targets.all(|it| matches!(it.family, Family::Claude | Family::Gpt | Family::Gemini));
    for message in &mut body.messages {
        if message.get("tool_calls").is_none_or(is_empty) {
            message.remove("tool_calls");
        }
        // None but OpenAI knows a refusal apart from what is said, and the texts among the blocks are said there too.
        if message.get("content").is_none() {
            let texts = || {
                let all = parts(message, "content_blocks")?.into_iter().filter(|part| part.is("type", "text"));
                Some(list(all.collect())).filter(|all| !is_empty(all))
            };
            let said = message.get("refusal").cloned().or_else(texts);
            message.remove("refusal");
            message.set_some("content", said);
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

/// Whether it is an empty list.
fn is_empty(json: &Json<'_>) -> bool {
    match json {
        Json::List(items) => items.is_empty(),
        _ => json.raw().and_then(|raw| raw.strip_prefix('[')).is_some_and(|rest| rest.trim_start() == "]"),
    }
}

/// A part as chat completions spell it: they refuse all others. Some hosts write the parts of the Responses API, of
/// Anthropic, of LangChain or of Vercel's SDK, and some no type, as Gemini's have none.
fn of_chat(mut part: Object<'_>) -> Object<'_> {
    // What a tool gave has members of any name: of those without a type only what is nothing else is a part.
    let is_alone = |names: &[&str]| part.iter().all(|(name, value)| value.is_null() || names.contains(&&**name));
    let is_data = is_alone(&["inline_data", "inlineData", "data", "mimeType", "mime_type", "media_type", "mediaType"]);
    let of_member = UNTYPED.iter().find(|(name, members)| {
        let held = part.get(name).and_then(Json::object).unwrap_or_default();
        is_alone(&[name]) && members.iter().any(|member| held.get(member).is_some())
    });
    if part.text("type").is_empty()
        && let Some((name, _)) = of_member
    {
        part.set("type", *name);
    }
    let kind = part.text("type").into_owned();
    let mut name = match &*kind {
        "input_text" | "output_text" | "refusal" => {
            let text = part.take("text").or_else(|| part.take("refusal"));
            return text_part(text.unwrap_or("".into()));
        }
        "input_image" | "image" => "image_url",
        "input_file" | "document" | "file" | "" | "resource" | "resource_link" => "file",
        _ => return part,
    };
    // Where it is, or what is in it, stands on one of two levels.
    let levels = ["source", "resource", "file", "inline_data", "inlineData"];
    let mut all = levels.iter().find_map(|name| part.get(name)?.object()).unwrap_or_default();
    let is_text = all.is("type", "text");
    // LangChain's place for a name.
    all.extend(part.object("metadata"));
    all.extend(part.clone());
    let find = |names: &[&str]| names.iter().find_map(|name| all.get(name)?.string());
    let nested = all.get("image_url").and_then(|url| url.object()?.get("url")?.string());
    let found =
        nested.or_else(|| find(&["image_url", "file_url", "url", "data", "base64", "file_data", "image", "blob"]));
    let kind_of_data = find(&["media_type", "mime_type", "mimeType", "mediaType"]);
    let url = match found {
        Some(text) if is_text => return text_part(Json::Text(text)),
        found => found.map(|data| as_url(data, kind_of_data.as_deref().unwrap_or_default())),
    };
    let data = url.as_deref().and_then(|url| url.strip_prefix("data:"));
    // What a tool gave, in a list, or MCP's.
    if matches!(&*kind, "" | "resource" | "resource_link") {
        let has_data = match &*kind {
            "resource" => all.get("blob").is_some(),
            kind => kind.is_empty() && is_data && data.is_some(),
        };
        let text = find(&["text"]).filter(|text| !text.is_empty() || !has_data);
        if text.is_some() || !has_data {
            part.remove(MARK);
            return text_part(Json::Text(text.unwrap_or_else(|| part.to_json().into())));
        }
    }
    let is_elsewhere = url.as_deref().is_some_and(is_address);
    // Gemini wants to be told what is elsewhere.
    let told = kind_of_data.as_deref().filter(|_| is_elsewhere && name == "file");
    let mut inner = Object::default();
    inner.set_some("mime_type", told.map(|kind| Json::from(String::from(kind))));
    // A model that sees takes an image as an image alone. Only as a file it may lie in S3.
    let is_on_web = url.as_deref().is_some_and(|url| url.starts_with("http"));
    if data.or(told.filter(|_| is_on_web)).is_some_and(is_seen) {
        name = "image_url";
    }
    let title = find(&["filename", "title", "name", "uri"]).map(Json::Text);
    if name == "image_url" {
        let Some(url) = url else { return part };
        inner.set("url", Json::Text(url));
        inner.set_some("detail", all.get("detail").cloned());
        inner.set_some("filename", title);
    } else if part.has("file") || url.is_none() && !all.has("file_id") {
        return part;
    } else {
        inner.set_some(if is_elsewhere { "file_url" } else { "file_data" }, url.map(Json::Text));
        inner.set_some("filename", title);
        inner.set_some("file_id", all.get("file_id").cloned());
    }
    [("type", name.into()), (name, inner.into())].into()
}

/// What parts without a type have: their one member, and what says in it where the thing is.
const UNTYPED: [(&str, &[&str]); 3] =
    [("image_url", &["url"]), ("file", &["file_data", "file_id", "file_url"]), ("input_audio", &["data"])];

/// Anthropic's document in blocks stands for them, its title first.
fn in_blocks<'a>(part: &Object<'a>) -> Option<Vec<Object<'a>>> {
    let source = part.get("source").filter(|_| part.is("type", "document"))?.object()?;
    let mut blocks = parts(&source, "content")?;
    if let Some(title) = part.get("title") {
        blocks.insert(0, text_part(title.clone()));
    }
    if let Some(last) = blocks.last_mut() {
        last.set_some(MARK, part.get(MARK).cloned());
    }
    Some(blocks)
}

/// Reasoning among the parts of a turn of the model's own, as LangChain, LibreChat and Mistral have it, goes to the blocks, from where
/// it goes back in the form that the model takes: none takes it as a part.
fn blocks(message: &mut Object<'_>) {
    let is_thought =
        |part: &Object<'_>| matches!(&*part.text("type"), "thinking" | "redacted_thinking" | "reasoning" | "think");
    let Some(parts) = parts(message, "content").filter(|parts| parts.iter().any(is_thought)) else { return };
    let (mut blocks, mut texts) = (Vec::new(), Vec::new());
    for mut part in parts {
        if !is_thought(&part) {
            texts.push(Json::from(part.clone()));
        } else if part.is("type", "reasoning") || part.is("type", "think") {
            let said = ["text", "reasoning", "think", "summary"].iter().find_map(|name| part.get(name));
            let text = said.map(|said| said.text().into_owned()).unwrap_or_default();
            part = Object::from([("type", "thinking".into()), ("thinking", text.into())]);
        } else if let Some(text) = part.get("thinking").filter(|text| text.is_nested()).map(Json::text) {
            part.set("thinking", Json::Text(text));
        }
        blocks.push(part);
    }
    if message.get("content_blocks").is_none_or(is_empty) {
        message.set("content_blocks", list(blocks));
    }
    message.set("content", texts);
}

/// The parts without texts that are empty, which Anthropic and Bedrock refuse, and without images that have nothing in
/// them, or that who may answer takes from the web alone: a text says so.
fn with_data(parts: Vec<Json<'_>>, is_from_web_alone: bool) -> Vec<Json<'_>> {
    let mut out = Vec::with_capacity(parts.len());
    for part in parts {
        // LangChain takes a text alone for a part, which only it does.
        if let Some(text) = part.string() {
            show(text_part(Json::Text(text)), &mut out, is_from_web_alone);
        } else if !part.is_object() {
            let said = Some(part).filter(|part| !part.is_null()).map(|part| text_part(part.compact().into()).into());
            out.extend(said);
        } else if let Some(object) = part.into_object() {
            match in_blocks(&object) {
                Some(blocks) => blocks.into_iter().for_each(|block| show(block, &mut out, is_from_web_alone)),
                None => show(object, &mut out, is_from_web_alone),
            }
        }
    }
    out
}

/// One of them. An image that came as a file is told by its name before it.
fn show<'a>(mut object: Object<'a>, out: &mut Vec<Json<'a>>, is_from_web_alone: bool) {
    let mark = object.take(MARK);
    let mut object = of_chat(object);
    object.set_some(MARK, mark);
    if object.is("type", "text") {
        // The Assistants API has an object there.
        if let Some(odd) = object.get("text").filter(|text| text.string().is_none() && !text.is_null()) {
            let value = odd.object().and_then(|odd| odd.get("value")?.string()).map(Cow::into_owned);
            object.set("text", value.unwrap_or_else(|| odd.compact()));
        }
        if object.text("text").trim().is_empty() {
            return;
        }
    }
    if !object.is("type", "image_url") {
        return out.push(object.into());
    }
    // A text alone is its URL, which OpenAI refuses.
    let mut image = match object.take("image_url") {
        Some(url) if url.string().is_some() => Object::from([("url", url)]),
        image => image.and_then(Json::into_object).unwrap_or_default(),
    };
    let name = image.take("filename").filter(|name| !name.text().trim().is_empty());
    image.remove("filename");
    out.extend(name.map(|name| text_part(name).into()));
    let url = as_url(image.take("url").and_then(|url| url.string()).unwrap_or_default(), "");
    let has_data =
        !url.strip_prefix("data:").map_or(&*url, |url| url.split_once(',').unwrap_or_default().1).trim().is_empty();
    object = if !has_data {
        text_part("(image without data)".into())
    } else if is_from_web_alone && is_address(&url) && !["http", "gs:", "s3:"].iter().any(|it| url.starts_with(it)) {
        // "Only base64, http or https URLs are supported": agentscope-ai/QwenPaw#1114.
        text_part(["(image that cannot be had: ", &url, ")"].concat().into())
    } else {
        image.set("url", Json::Text(url));
        object.set("image_url", image);
        object
    };
    out.push(object.into());
}
