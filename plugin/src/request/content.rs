//! Messages in the form and the order that each provider takes: one system message, names of tool results, turns.

use alloc::string::String;
use alloc::vec::Vec;

use super::body::{Body, each, first, is_system, list, parts, text_part};
use super::cache::{MARK, in_list};
use super::pairs;
use super::targets::Targets;
use crate::json::{Json, Object, last_of_each};
use crate::model_traits::{Family, Protocol, Route, Thinking, Traits};
use crate::prompt::{turn, typed};
use crate::tool_calls::LONGEST_NAME;

/// Moves images, files, audio and films in tool results, in what is told beforehand, and those that a model made, into a
/// user's message after them. OpenAI and Gemini take only texts there, and the gateway drops images of results for Bedrock,
/// hands files, and images of the model's, to Anthropic as they are, and spoils a system message with an image for it
/// (1.15.2 and 2.2.3). OpenClaw's own client does the same for results. The Responses API takes images and files there, but
/// for the model's.
///
/// What is left and is no text is said in one, or the whole session would be refused: providers have their own parts, such as
/// Anthropic's of a search, which Anthropic alone takes back, and hosts theirs.
pub(super) fn tool_images(body: &mut Body<'_>, targets: &Targets) {
    let is_claude = targets.all(|target| target.family == Family::Claude && target.route == Route::Direct);
    let is_known = !targets.is_unknown();
    let is_shown =
        |message: &Object<'_>| !message.is("role", "user") && matches!(message.get("content"), Some(Json::List(_)));
    if !body.messages.iter().any(is_shown) {
        return;
    }
    let is_chat = body.protocol == Protocol::Chat;
    let mut out = Vec::with_capacity(body.messages.len() + 1);
    let mut shown: Vec<Json<'_>> = Vec::new();
    for mut message in core::mem::take(&mut body.messages) {
        if !message.is("role", "tool") {
            show(&mut out, &mut shown);
        }
        if is_shown(&message) {
            let (is_own, tells) = (message.is("role", "assistant"), is_system(&message));
            let is_image = |part: &Json<'_>| {
                part.object().is_some_and(|part| match &*part.text("type") {
                    "image_url" | "file" => is_chat || is_own,
                    kind => matches!(kind, "input_audio" | "video_url" | "audio_url" | "audio"),
                })
            };
            let all = message.take_list("content");
            let (images, rest): (Vec<_>, Vec<_>) = all.into_iter().partition(is_image);
            let texts =
                each(rest, &mut |part| if is_known { said(part, is_own, is_claude && !tells) } else { Some(part) });
            let says_nothing = texts.is_empty();
            message.set("content", if says_nothing { Json::NULL } else { texts.into() });
            if !images.is_empty() {
                let are_images = images.iter().all(|part| part.object().is_some_and(|it| it.is("type", "image_url")));
                let (one, some) = if are_images { ("image", "Image") } else { ("file", "File") };
                if says_nothing {
                    message.set("content", ["(see attached ", one, ")"].concat());
                }
                let whose = match &*message.text("role") {
                    "tool" => "tool result",
                    "assistant" => "the assistant's answer",
                    _ => "the instructions",
                };
                shown.push(text_part([some, "(s) from ", whose, ":"].concat().into()).into());
                shown.extend(images);
            }
        }
        out.push(message);
    }
    show(&mut out, &mut shown);
    body.messages = out;
}

/// What is said in a part that is not the user's; none where it says nothing to another model.
fn said<'a>(part: Json<'a>, is_own: bool, is_claude: bool) -> Option<Json<'a>> {
    let Some(object) = part.object() else { return Some(part) };
    // What a model summed up stands in `content` (Anthropic's compaction).
    let text = first(&object, if is_own { &["text", "content"] } else { &["text"] });
    let (kind, text) = (object.text("type"), text.map(Json::text).unwrap_or_default());
    match &*kind {
        "text" | "image_url" | "file" => Some(part),
        // Anthropic's own.
        "search_result" | "tool_reference" | "compaction" if is_claude => Some(part),
        _ if is_claude && (kind.ends_with("tool_use") || kind.ends_with("tool_result")) => Some(part),
        _ if is_own && text.is_empty() => None,
        _ => {
            let mut rest = object.clone();
            let mark = rest.take(MARK);
            let is_text = !text.is_empty() && (is_own || rest.iter().count() == 2);
            let mut said = text_part(if is_text { Json::Text(text) } else { rest.to_json().into() });
            said.set_some(MARK, mark);
            Some(said.into())
        }
    }
}

fn show<'a>(out: &mut Vec<Object<'a>>, shown: &mut Vec<Json<'a>>) {
    if !shown.is_empty() {
        out.push(turn("user", core::mem::take(shown).into()));
    }
}

/// Gives each tool result the name that its call goes by: Gemini identifies results by it, and without one the gateway makes
/// up a name (1.15.2 and 2.2.3).
pub(super) fn tool_names(body: &mut Body<'_>, targets: &Targets) {
    if !targets.has(&[Family::Gemini]) {
        return;
    }
    let numbers = pairs::numbers_of(&pairs::ids_of(&body.messages));
    let mut names = alloc::vec![None; numbers.len()];
    let mut numbers = numbers.into_iter();
    for message in &mut body.messages {
        if message.is("role", "tool") {
            let known = numbers.next().and_then(|number| names.get(number)?.clone());
            message.set_some("name", known.map(Json::Text));
        } else if let Some(Json::List(calls)) = message.get("tool_calls") {
            // Ids may come again: the last counts.
            for (call, number) in calls.iter().zip(&mut numbers) {
                let name = call.object().and_then(|call| Some(call.get("function")?.object()?.text("name")));
                if let Some(known) = names.get_mut(number) {
                    // Any number of results may get it.
                    *known = name.filter(|name| name.len() <= LONGEST_NAME).or(known.take());
                }
            }
        }
    }
}

/// Joins system messages into one text for models that take one: for Gemini the gateway keeps only the first message and its
/// first part (1.15.2 and 2.2.3), Perplexity wants them first (edenai/edenai-apis#144), and MiniMax and Qwen refuse a second
/// ("invalid chat setting (2013)": openclaw/openclaw#19386; "System message must be at the beginning": anomalyco/opencode#15059).
/// Models that cache parts of a prompt separately keep the parts. Only OpenAI knows `developer`.
pub(super) fn system(body: &mut Body<'_>, targets: &Targets) {
    let is_one_text = targets.has(&[Family::Gemini, Family::Sonar]);
    let keeps_parts = targets.all(|target| target.takes_markers() || target.route == Route::OpenRouter)
        || !is_one_text && body.messages.iter().any(|message| is_system(message) && in_list(message, "content") > 0);
    let knows_developer = !targets.all(|target| target.family != Family::Gpt);
    for message in body.messages.iter_mut().filter(|message| is_system(message)) {
        if !knows_developer && message.is("role", "developer") {
            message.set("role", "system");
        }
        if !keeps_parts && let Some(text) = joined(message) {
            message.set("content", text);
        }
    }
    if is_one_text || targets.has(&[Family::MiniMax, Family::Qwen]) {
        // It has to be the first message of all.
        let (mut told, rest): (Vec<_>, Vec<_>) = core::mem::take(&mut body.messages).into_iter().partition(is_system);
        if told.len() > 1 {
            let mut text = String::new();
            told.iter().for_each(|message| add(&mut text, "\n\n", &message.text("content")));
            told.clear();
            told.push(turn("system", text.into()));
        }
        told.extend(rest);
        body.messages = told;
    }
}

/// A conversation begins with the user's words at Claude, Gemini, Perplexity and Bedrock, GLM and Qwen want some of theirs in it ("The
/// messages parameter is illegal": openclaw/openclaw#73688; "do not contain elements with the role of user":
/// agentscope-ai/agentscope-java#613), and since Claude 4.6 it ends with them ("This model does not support assistant message prefill"), as it always does at Mistral and Perplexity, and where an
/// older Claude thinks ("You cannot pre-fill responses when thinking is enabled": Anthropic's documentation): a history
/// that was cut off gets some. Of a prompt that is a system text alone the last becomes the user's.
pub(super) fn turns(body: &mut Body<'_>, targets: &Targets) {
    let said = |text: &'static str| turn("user", text.into());
    let is_own = |message: Option<&Object<'_>>| message.is_some_and(|message| message.is("role", "assistant"));
    if is_own(body.messages.iter().rfind(|message| !is_system(message))) {
        let thinks = body.members.get("thinking").is_some_and(|it| !it.members().is("type", "disabled"));
        let ends_with_the_users = |target: &Traits| match target.family {
            Family::Claude => thinks || target.thinking == Thinking::Adaptive,
            family => matches!(family, Family::Mistral | Family::Sonar),
        };
        if targets.any(ends_with_the_users) {
            body.messages.push(said("(go on)"));
        } else if targets.has(&[Family::Claude])
            && let Some(last) = body.messages.iter_mut().rfind(|message| !is_system(message))
        {
            // It takes what it thought only where it thinks.
            last.remove("content_blocks");
            let mut said = parts(last, "content").unwrap_or_default();
            // "final assistant content cannot end with trailing whitespace"
            if let Some(mut end) = said.pop() {
                let text = String::from(end.text("text").trim_end());
                if said.is_empty() {
                    last.set("content", text);
                } else {
                    end.set("text", text);
                    said.push(end);
                    last.set("content", list(said));
                }
            }
        }
    }
    if !targets.has(&[Family::Claude, Family::Gemini, Family::Sonar, Family::Glm, Family::Qwen])
        && !targets.goes(Route::Bedrock)
    {
        return;
    }
    match body.messages.iter().position(|message| !is_system(message)) {
        Some(at) if is_own(body.messages.get(at)) => body.messages.insert(at, said("(the conversation goes on)")),
        Some(_) => {}
        None => body.messages.iter_mut().rev().take(1).for_each(|last| last.set("role", "user")),
    }
}

/// Between results and the user's next words Mistral and Perplexity want an answer ("Unexpected role 'user' after role
/// 'tool'": onyx-dot-app/onyx#6458): OpenClaw's own client has this one. Perplexity and Bedrock want the user and the model to
/// take turns ("should alternate": perplexityai/api-discussion#265); the gateway sees to the user's for Bedrock.
pub(super) fn order(body: &mut Body<'_>, targets: &Targets) {
    let is_sonar = targets.has(&[Family::Sonar]);
    let wants_answers = targets.has(&[Family::Sonar, Family::Mistral]);
    let takes_turns = is_sonar || targets.goes(Route::Bedrock);
    if !wants_answers && !takes_turns {
        return;
    }
    let mut out: Vec<Object<'_>> = Vec::with_capacity(body.messages.len());
    for mut message in core::mem::take(&mut body.messages) {
        let before = out.last_mut();
        let is_both =
            |role: &str| before.as_ref().is_some_and(|before| before.is("role", role)) && message.is("role", role);
        if (takes_turns && is_both("assistant") || is_sonar && is_both("user"))
            && let Some(before) = before
        {
            let [first, then] =
                [&mut *before, &mut message].map(|of| of.take("content_blocks").and_then(Json::into_list));
            let (mut all, more) = (taken(before), taken(&mut message));
            if first.is_some() || then.is_some() {
                let [mut blocks, then] =
                    [(first, &all), (then, &more)].map(|(blocks, content)| blocks.unwrap_or_else(|| content.clone()));
                blocks.extend(then);
                message.set("content_blocks", blocks);
            }
            all.extend(more);
            message.set("content", all);
            *before = message;
            continue;
        }
        if wants_answers && message.is("role", "user") && before.is_some_and(|before| before.is("role", "tool")) {
            out.push(turn("assistant", "I have processed the tool results.".into()));
        }
        out.push(message);
    }
    body.messages = out;
}

/// What is said beside a call the gateway leaves out for Gemini (1.15.2): it becomes a turn of its own before the call, and
/// the gateway makes one of both.
pub(super) fn beside_calls(body: &mut Body<'_>, targets: &Targets) {
    if !targets.all(|target| target.family == Family::Gemini && target.route != Route::OpenRouter) {
        return;
    }
    let mut out = Vec::with_capacity(body.messages.len());
    for mut message in core::mem::take(&mut body.messages) {
        if message.has("tool_calls")
            && let Some(said) = message.take("content").filter(|said| !said.is(""))
        {
            out.push(turn("assistant", said));
        }
        out.push(message);
    }
    body.messages = out;
}

/// The gateway keeps no call and no id of a result for Cohere (1.15.2 and 2.2.3): what was called, and what came of it, is
/// said in words, or each turn after a call is refused.
pub(super) fn told_calls(body: &mut Body<'_>, targets: &Targets) {
    if !targets.any(|target| target.family == Family::Command && target.route == Route::Direct) {
        return;
    }
    for message in &mut body.messages {
        if message.is("role", "tool") {
            let text = ["Result of ", &message.text("tool_call_id"), ": ", &message.text("content")].concat();
            *message = turn("user", text.into());
        } else if let Some(calls) = message.take("tool_calls").and_then(Json::into_list) {
            let mut text = message.text("content").into_owned();
            for call in calls.into_iter().filter_map(Json::into_object) {
                let function = call.object("function");
                let [id, name, arguments] = [call.text("id"), function.text("name"), function.text("arguments")];
                let told = ["(call ", &id, " ", &name, " ", &arguments, ")"].concat();
                // It is not copied: there may be any number of calls.
                add(&mut text, "\n", &told);
            }
            message.remove("tool_calls");
            message.set("content", text);
        }
    }
}

/// The parts of a content, which is no longer there.
fn taken<'a>(message: &mut Object<'a>) -> Vec<Json<'a>> {
    match message.take("content") {
        Some(text) if text.is("") => Vec::new(),
        Some(text) if text.string().is_some() => alloc::vec![text_part(text).into()],
        content => content.and_then(Json::into_list).unwrap_or_default(),
    }
}

/// Bedrock refuses calls in a history where no tools are offered ("The toolConfig field must be defined"): those that were
/// called are offered, since what is said of them stays.
pub(super) fn past_tools(body: &mut Body<'_>, targets: &Targets) {
    if !body.tools.is_empty() || !targets.goes(Route::Bedrock) {
        return;
    }
    let mut names = Vec::new();
    for message in &body.messages {
        for call in message.list("tool_calls").into_iter().filter_map(Json::into_object) {
            names.push(call.object("function").text("name"));
        }
    }
    last_of_each(&mut names, |name| name);
    body.tools.extend(names.into_iter().map(|name| {
        let parameters = Object::from([("type", "object".into()), ("properties", Object::default().into())]);
        let function = [("name", Json::Text(name)), ("parameters", parameters.into())];
        typed("function", function.into())
    }));
}

/// The parts of a content as one text, if all of them are texts; a line each, as OpenClaw's own client has it.
fn joined(message: &Object<'_>) -> Option<String> {
    let Some(Json::List(_)) = message.get("content") else { return None };
    let parts = parts(message, "content")?;
    let mut text = String::new();
    for part in &parts {
        add(&mut text, "\n", &part.get("text").filter(|_| part.is("type", "text"))?.string()?);
    }
    Some(text)
}

/// Adds to a text, with this between if it does not end so already.
fn add(text: &mut String, between: &str, more: &str) {
    text.push_str(if text.is_empty() || text.ends_with(between) { "" } else { between });
    text.push_str(more);
}
