//! Tools: which are offered, by which names, in which form, and the choice among them.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::body::{Body, Renamed, first, is_empty, is_forced, list, objects, remove, take_first};
use super::cache::MARK;
use super::reasoning;
use super::schema::{self, Form};
use super::targets::Targets;
use crate::json::{Json, Object, firsts};
use crate::model_traits::{Family, Protocol, Route, Traits};
use crate::options::Model;
use crate::prompt::typed;
use crate::tool_calls::LONGEST_NAME;

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
        if is_tool {
            body.tools.push(tool);
        }
    }
}

const WEB_SEARCH: &str = "web_search";

/// A tool is a function with the schema of an object: one without parameters takes none. Where the model takes no tools,
/// none are offered. An empty list of them is refused by OpenAI, DeepSeek, Google and Bedrock, and so is a choice among
/// none.
pub(super) fn tools(body: &mut Body<'_>, targets: &Targets, own: &Model<'_>) {
    // What none of them knows is refused, and the whole request with it: OpenAI has its own tools by its Responses API alone, as
    // the search among tools, without which all are loaded. Anthropic's have names, Mistral's nothing but the type, and DeepSeek
    // has none ("unknown variant `namespace`, expected `function`": BerriAI/litellm#30722).
    let is_own_api = |target: &Traits| matches!(target.route, Route::Direct | Route::Vertex);
    let is_claude = |target: &Traits| target.family == Family::Claude && is_own_api(target);
    let (has_claude, is_anthropic, is_openai) = (targets.any(is_claude), targets.all(is_claude), targets.has_openai());
    let is_chat = body.protocol == Protocol::Chat;
    let is_mistral = targets.has(&[Family::Mistral]);
    let is_deepseek = targets.has(&[Family::DeepSeek]) && !targets.goes(Route::OpenRouter);
    if !targets.is_unknown() {
        body.tools.retain(|tool| match &*tool.text("type") {
            "function" | "custom" => true,
            "" => first(tool, &["function", "custom", "name"]).is_some(),
            kind if !is_chat => kind == "namespace" || !tool.has("name"),
            reasoning::SEARCH => false,
            _ if is_deepseek || is_mistral && tool.iter().count() > 1 => false,
            kind => !is_openai && (!has_claude || tool.has("name") || is_anthropic && kind == WEB_SEARCH),
        });
    }
    choice(body, targets);
    // Where no call is wanted Bedrock and Z.AI know no word for that. Bedrock wants the tools of past calls all the same.
    let is_unwanted =
        targets.any(|it| it.route == Route::Bedrock || it.is_zai()) && body.members.is("tool_choice", "none");
    let has_called = || body.messages.iter().any(|message| !message.get("tool_calls").is_none_or(is_empty));
    if own.supports_tools == Some(false) || is_unwanted && !(targets.goes(Route::Bedrock) && has_called()) {
        body.tools.clear();
    }
    if is_unwanted || body.tools.is_empty() {
        remove(&mut body.members, &["tool_choice", "parallel_tool_calls"]);
    }
    if body.tools.is_empty() {
        return body.members.remove("tools");
    }
    let mut room = schema::ROOM;
    let (form, names) = (Form::of(targets), Names::of(targets));
    let refuses_strict = targets
        .any(|target| matches!(target.family, Family::Command | Family::Claude) && target.route != Route::OpenRouter);
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
            remove(&mut options, &[MARK, "type"]);
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
                *tool = typed("custom", flat.into());
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
                let own = take_first(&mut flat, &["input_schema", "inputSchema"]);
                flat.set_some("parameters", own);
                remove(&mut flat, &["type", MARK, "input_schema", "inputSchema"]);
                flat
            }
            None => continue,
        };
        // The gateway looks for it one level up.
        if let Some(mark) = function.take(MARK) {
            tool.set(MARK, mark);
            function.remove(MARK);
        }
        // MCP has a title and more, which Mistral refuses too (its `openapi-public-doc.yaml`).
        if is_openai || is_mistral {
            function.retain(&|name| matches!(name, "name" | "description" | "parameters" | "strict" | "defer_loading"));
        }
        if !is_searched {
            function.remove("defer_loading");
        }
        // Bedrock refuses an empty one, and Mistral `null`.
        if function.text("description").is_empty() {
            function.remove("description");
        }
        if tool.get("type").is_none() {
            tool.set("type", "function");
        }
        // Cohere: "unknown field: parameter 'strict' is not a valid field" (OpenRouterTeam/openrouter-examples#71), and so
        // Databricks for Claude (databricks/databricks-ai-bridge#269). Claude wants the schema closed then (vercel/ai#20681), and
        // the gateway opens it (2.2.3).
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
    let mut tool = typed(WEB_SEARCH, own.into());
    tool.set_some(MARK, given.take(MARK));
    tool
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

/// A choice in Anthropic's form, or in that of the Responses API, becomes one of chat completions. Models that always think
/// refuse to be made to call a tool, and choose by themselves ("Thinking mode does not support this tool_choice":
/// deepseek-ai/DeepSeek-V3#1376, can1357/oh-my-pi#1077 for Kimi, QwenLM/qwen-code#7659).
fn choice(body: &mut Body<'_>, targets: &Targets) {
    let Some(mut choice) = body.members.take("tool_choice") else { return };
    let mut named = choice.members();
    // Anthropic's has it there.
    if let Some(is_off) = named.take("disable_parallel_tool_use") {
        if is_off.bool() == Some(true) {
            body.members.set("parallel_tool_calls", false);
        }
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
        named = typed("allowed_tools", named.into());
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
        typed(kind, [("name", Json::Text(name))].into()).into()
    } else if kind.is_empty() {
        return;
    } else if kind == "any" {
        "required".into()
    } else if matches!(&*kind, "none" | "auto") || named.iter().count() == 1 {
        Json::Text(kind)
    } else {
        choice
    };
    // They take it where they are told not to think, of Claude those that always do refuse that too.
    let thinks = |target: &Traits| {
        let is_off = match target.family {
            Family::Claude => false,
            Family::Qwen => body.members.get("enable_thinking").and_then(Json::bool) == Some(false),
            _ => body.members.object("thinking").is("type", "disabled"),
        };
        target.always_thinks && !is_off
    };
    let is_refused = is_forced(&choice) && targets.any(thinks) || !choice.is("none") && targets.any(Traits::is_zai);
    let choice = if is_refused { "auto".into() } else { choice };
    body.members.set("tool_choice", choice);
}

/// What is called of a tool.
fn called<'a>(tool: &Object<'a>) -> Option<Object<'a>> {
    first(tool, &["function", "custom"])?.object()
}

/// Its name, on either level: the Responses API and Anthropic have it on the upper.
fn name_of<'a>(tool: &Object<'a>) -> Option<Cow<'a, str>> {
    Some(called(tool).as_ref().unwrap_or(tool).get("name")?.text())
}

/// The names of tools that who may answer takes: of letters, digits, `_` and `-` alone.
#[derive(Clone, Copy)]
pub(super) struct Names {
    longest: usize,
    is_gemini: bool,
}

impl Names {
    /// None where nobody knows.
    pub(super) fn of(targets: &Targets) -> Option<Self> {
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
    pub(super) fn fit(self, name: &str) -> Option<String> {
        if name.starts_with(|first: char| first.is_ascii_alphabetic()) && !self.is_googles(name) {
            return fit_name(name, is_plain, self.longest);
        }
        let name = ["own_", name].concat();
        Some(fit_name(&name, is_plain, self.longest).unwrap_or(name))
    }
}

/// Functions of which the gateway makes Google's own tools (1.15.2 and 2.2.3), in one spelling.
const GOOGLES: [&str; 4] = ["googlesearch", "googlesearchretrieval", "computeruse", "googlemaps"];

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
        let firsts = firsts_of(&names, false);
        for (at, first) in firsts.into_iter().enumerate().filter(|(at, first)| at != first) {
            let is_renamed = |at: &usize| names.get(*at).is_some_and(|(name, own)| name != own);
            if let Some((name, _)) = [at, first].into_iter().find(is_renamed).and_then(|at| names.get_mut(at)) {
                name.truncate(fitting.longest - 8);
                name.push_str(&format!("_{}", at + round * all));
            }
        }
    }
    // Of two alike the first is offered: all but OpenAI refuse both ("Tool names must be unique").
    let firsts = firsts_of(&names, true);
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

fn firsts_of(names: &Renamed, is_own: bool) -> Vec<usize> {
    firsts(&names.iter().map(|(name, own)| if is_own { &**own } else { &**name }).collect::<Vec<_>>())
}

/// Gives the function in it its other name.
pub(super) fn rename(object: &mut Object<'_>, renamed: &Renamed) {
    let function = object.get("function").filter(|_| !renamed.is_empty());
    let Some(mut function) = function.and_then(Json::object) else { return };
    if let Some((name, _)) = renamed.iter().find(|(_, own)| function.is("name", own)) {
        function.set("name", name.clone());
        object.set("function", function);
    }
}

/// Whether custom tools, which take a text, may be offered: nobody but OpenAI has them. The gateway hands them to Anthropic in
/// a form that is refused, leaves them out for Bedrock and Google, and answers 500 to a past call of one (1.15.2 and 2.2.3).
pub(super) fn takes_custom(targets: &Targets) -> bool {
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
