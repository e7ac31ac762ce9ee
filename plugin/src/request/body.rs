//! A body that is being made to fit, and what each pass asks of its messages and their parts.

use alloc::string::String;
use alloc::vec::Vec;

use crate::error::{self, Result};
use crate::json::{Json, Object};
use crate::model_traits::Protocol;
use crate::prompt::typed;

/// A body that is being made to fit: its messages and tools, and all of its other members.
#[derive(Debug, Default)]
pub(super) struct Body<'a> {
    pub(super) members: Object<'a>,
    pub(super) messages: Vec<Object<'a>>,
    pub(super) tools: Vec<Object<'a>>,
    /// Whether it is for a stream.
    pub(super) stream: bool,
    /// Whether nobody said how long the answer may be.
    pub(super) has_default_limit: bool,
    pub(super) protocol: Protocol,
    pub(super) renamed: Renamed,
}

/// Tools that go by other names: as they are sent, and the host's.
pub(crate) type Renamed = Vec<(String, String)>;

impl<'a> Body<'a> {
    pub(super) fn new(mut members: Object<'a>, stream: bool) -> Result<Self> {
        let messages = objects(&mut members, "messages")?;
        let tools = objects(&mut members, "tools")?;
        Ok(Self { members, messages, tools, stream, ..Self::default() })
    }

    pub(super) fn into_json(self) -> String {
        let Self { mut members, messages, tools, stream, .. } = self;
        members.set("messages", list(messages));
        if !tools.is_empty() {
            members.set("tools", list(tools));
        }
        if stream {
            members.set("stream", true);
            if members.get("stream_options").is_none() {
                members.set("stream_options", [("include_usage", true.into())]);
            }
        } else {
            members.remove("stream");
            members.remove("stream_options");
        }
        members.to_json()
    }
}

/// Takes out a list of objects. What is `null` in it is left out; an empty list stays as it is.
pub(super) fn objects<'a>(members: &mut Object<'a>, name: &str) -> Result<Vec<Object<'a>>> {
    let is_empty = |json: &Json<'_>| matches!(json, Json::List(items) if items.is_empty());
    if members.get(name).is_none_or(is_empty) {
        return Ok(Vec::new());
    }
    let wrong = || error::invalid_request(&["The member ", name, " of the request is not a list of objects"].concat());
    let items = members.take_list(name);
    let mut read = Vec::with_capacity(items.len());
    for item in items {
        if !item.is_null() {
            read.push(item.into_object().ok_or_else(wrong)?);
        }
    }
    if read.is_empty() { Err(wrong()) } else { Ok(read) }
}

/// Whether it is an empty list.
pub(super) fn is_empty(json: &Json<'_>) -> bool {
    match json {
        Json::List(items) => items.is_empty(),
        _ => json.raw().and_then(|raw| raw.strip_prefix('[')).is_some_and(|rest| rest.trim_start() == "]"),
    }
}

/// Changes the items of a list, and leaves out those of which nothing is left. Not generic, so that it is compiled once.
pub(super) fn each<'a>(items: Vec<Json<'a>>, change: &mut dyn FnMut(Json<'a>) -> Option<Json<'a>>) -> Vec<Json<'a>> {
    let mut out = Vec::with_capacity(items.len());
    for item in items {
        if let Some(item) = change(item) {
            out.push(item);
        }
    }
    out
}

/// The first of these members that is there.
pub(super) fn first<'o, 'a>(object: &'o Object<'a>, names: &[&str]) -> Option<&'o Json<'a>> {
    names.iter().find_map(|name| object.get(name))
}

/// Takes it out.
pub(super) fn take_first<'a>(object: &mut Object<'a>, names: &[&str]) -> Option<Json<'a>> {
    names.iter().find_map(|name| object.take(name))
}

/// Takes out all of these members.
pub(super) fn remove(object: &mut Object<'_>, names: &[&str]) {
    names.iter().for_each(|name| object.remove(name));
}

/// Whether a `tool_choice` makes the model call a tool.
pub(super) fn is_forced(choice: &Json<'_>) -> bool {
    choice.is_object() || choice.is("required")
}

/// Whether a message tells the model beforehand.
pub(super) fn is_system(message: &Object<'_>) -> bool {
    message.is("role", "system") || message.is("role", "developer")
}

/// The parts of a message's content; a text is one part. None where there is no content.
pub(super) fn parts<'a>(message: &Object<'a>, name: &str) -> Option<Vec<Object<'a>>> {
    let content = message.get(name)?;
    let of_text = |json: &Json<'a>| Some(text_part(Json::Text(json.string()?)));
    if let Some(part) = of_text(content) {
        return Some(alloc::vec![part]);
    }
    let mut parts = Vec::new();
    for part in content.list()? {
        // LangChain writes a bare text among them.
        parts.push(of_text(&part).or_else(|| part.into_object())?);
    }
    Some(parts)
}

pub(super) fn text_part(text: Json<'_>) -> Object<'_> {
    typed("text", text)
}

pub(super) fn list<'a>(objects: Vec<Object<'a>>) -> Json<'a> {
    objects.into_iter().map(Json::from).collect::<Vec<_>>().into()
}

/// Changes the calls of one turn, and leaves out those of which nothing is left.
pub(super) fn calls<'a>(message: &mut Object<'a>, change: &mut dyn FnMut(Object<'a>) -> Option<Object<'a>>) {
    let calls = match message.take("tool_calls") {
        // Some hosts keep one alone.
        Some(alone) if alone.is_object() => alloc::vec![alone],
        calls => calls.map(Json::into_items).unwrap_or_default(),
    };
    let calls = each(calls, &mut |call| change(call.into_object()?).map(Json::from));
    if calls.is_empty() { message.remove("tool_calls") } else { message.set("tool_calls", calls) }
}

/// Where a result, or a call, has the call's id: in chat completions, at Anthropic, in Vercel's SDK, and where no member says
/// more.
pub(super) const IDS: [&str; 4] = ["tool_call_id", "tool_use_id", "toolCallId", "id"];

/// Whether a message holds anything that a provider would miss.
pub(super) fn says_something(message: &Object<'_>) -> bool {
    let is_said = |json: &Json<'_>| match json {
        Json::List(parts) => !parts.is_empty(),
        json => json.string().is_none_or(|text| !text.trim().is_empty()),
    };
    ["content", "tool_calls", "content_blocks", "refusal", "audio"]
        .iter()
        .any(|&name| message.get(name).is_some_and(is_said))
}

/// The members of a message in which reasoning comes, and goes back.
pub(super) const REASONING: [&str; 5] =
    ["content_blocks", "thinking_blocks", "reasoning_details", "reasoning_content", "reasoning"];
