//! Writes a finished chat body as a body of the Responses API, for the models that speak no other. It is the last pass:
//! what the passes before it decided stays, and only its names and places change. Members that no pass knows go along,
//! as in a chat. Source: OpenAI's API reference, "Create a model response", and its client for Node, 6.49.

use alloc::vec::Vec;

use super::body::{Body, each, parts};
use super::cache::MARK;
use super::media::as_url;
use super::targets::Targets;
use crate::json::{Json, Object};
use crate::model_traits::Thinking;
use crate::signature::{CALL, ITEM};

/// What comes back encrypted where nothing is stored, and goes along with the next request.
const ENCRYPTED: &str = "reasoning.encrypted_content";

/// The least limit that OpenAI takes here: "Expected a value >= 16".
const LEAST: u32 = 16;

pub(super) fn body<'a>(body: Body<'a>, targets: &Targets) -> Object<'a> {
    let Body { members, messages, tools, stream, .. } = body;
    let mut input = Vec::with_capacity(messages.len());
    messages.into_iter().for_each(|message| items(message, &mut input));
    let mut input = Some(Json::List(input));
    let mut out = Object::default();
    let (mut reasoning, mut text) = (Object::default(), Object::default());
    for (name, value) in members {
        match &*name {
            "messages" => input.take().into_iter().for_each(|input| out.add("input".into(), input)),
            _ if value.is_null() => {}
            "tools" | "stream" => {}
            // Parameters that it does not know.
            "stop" | "seed" | "logit_bias" | "logprobs" | "presence_penalty" | "frequency_penalty" | "prediction"
            | "modalities" => {}
            // It makes one answer, and knows no number of them.
            "n" if value.whole() == Some(1) => {}
            "max_tokens" | "max_completion_tokens" => {
                let is_too_small = value.whole().is_some_and(|limit| limit < LEAST.into());
                out.add("max_output_tokens".into(), if is_too_small { LEAST.into() } else { value });
            }
            "reasoning_effort" => {
                // Asked to reason, it shows what it may show of it.
                if !value.is("none") {
                    reasoning.set("summary", "auto");
                }
                reasoning.set("effort", value);
            }
            "verbosity" => text.set("verbosity", value),
            "response_format" => text.set("format", flattened(value)),
            "tool_choice" => out.add(name, flattened(value)),
            // Usage comes unasked.
            "stream_options" => {
                let mut options = value.into_members();
                options.remove("include_usage");
                if !options.is_empty() {
                    out.add(name, options.into());
                }
            }
            // There may be any number of them, as of those above.
            _ => out.add(name, value),
        }
    }
    out.unify();
    let tools: Vec<_> = tools.into_iter().map(tool).collect();
    if !tools.is_empty() {
        out.set("tools", tools);
    }
    // What the host says in this API's own form wins.
    for (name, mut made) in [("reasoning", reasoning), ("text", text)] {
        made.extend(out.take_object(name));
        out.remove(name);
        if !made.is_empty() {
            out.set(name, made);
        }
    }
    // As in a chat, nothing is kept: the history is the host's.
    if out.get("store").is_none() {
        out.set("store", false);
    }
    // Models that do not reason refuse it.
    if out.get("include").is_none() && !targets.any(|target| target.thinking == Thinking::None) {
        out.set("include", Json::List(alloc::vec![ENCRYPTED.into()]));
    }
    if stream {
        out.set("stream", true);
    }
    out
}

/// A tool. One that does not say so is not strict, as in a chat.
fn tool(tool: Object<'_>) -> Json<'_> {
    let is_function = tool.is("type", "function");
    let mut tool = flat(tool);
    // The grammar of a custom one, and where who searches is.
    for name in ["format", "user_location"] {
        let inner = tool.take(name).map(flattened);
        tool.set_some(name, inner);
    }
    if is_function && tool.get("strict").is_none() {
        tool.set("strict", false);
    }
    tool.into()
}

fn flattened(value: Json<'_>) -> Json<'_> {
    if value.is_object() { flat(value.into_members()).into() } else { value }
}

/// What a chat has in a member that is named after the type stands beside the type here.
fn flat(mut object: Object<'_>) -> Object<'_> {
    object.remove(MARK);
    let kind = object.text("type").into_owned();
    if let Some(inner) = object.take(&kind) {
        object.remove(&kind);
        object.extend(inner.into_members());
    }
    object
}

/// The items of one message.
fn items<'a>(mut message: Object<'a>, out: &mut Vec<Json<'a>>) {
    match &*message.text("role") {
        "assistant" => turn(message, out),
        "tool" => out.push(
            [
                ("type", "function_call_output".into()),
                ("call_id", message.take("tool_call_id").unwrap_or("".into())),
                ("output", content(&mut message)),
            ]
            .into(),
        ),
        _ => {
            let role = message.take("role").unwrap_or("user".into());
            out.push(said_by(role, content(&mut message)));
        }
    }
}

/// The content of what is told to the model.
fn content<'a>(message: &mut Object<'a>) -> Json<'a> {
    match message.take("content") {
        Some(content) if content.is_nested() => each(content.into_items(), &mut |it| Some(part(it))).into(),
        content => content.unwrap_or("".into()),
    }
}

fn part(part: Json<'_>) -> Json<'_> {
    let Some(mut part) = part.into_object() else { return Json::NULL };
    match &*part.text("type") {
        "text" => [("type", "input_text".into()), ("text", Json::Text(part.text("text")))].into(),
        "image_url" => {
            let image = part.take("image_url").unwrap_or(Json::NULL);
            let (url, detail) = match image.object() {
                Some(mut image) => (image.take("url"), image.take("detail")),
                None => (Some(image), None),
            };
            let mut image = Object::from([("type", "input_image".into())]);
            image.set_some("image_url", url);
            image.set("detail", detail.unwrap_or("auto".into()));
            image.into()
        }
        "file" => {
            let mut file = flat(part);
            file.set("type", "input_file");
            let data = file.take("file_data").and_then(|data| data.string());
            file.set_some("file_data", data.map(|data| Json::Text(as_url(data, &file.text("mime_type")))));
            file.remove("mime_type");
            if file.text("file_data").starts_with("http") {
                file.set_some("file_url", file.get("file_data").cloned());
                file.remove("file_data");
            }
            file.into()
        }
        _ => {
            part.remove(MARK);
            part.into()
        }
    }
}

/// A turn of the model's own: its reasoning, its words and its calls, in their order where it is known.
fn turn<'a>(mut message: Object<'a>, out: &mut Vec<Json<'a>>) {
    let calls = message.take_list("tool_calls");
    let mut calls = calls.into_iter().filter_map(Json::into_object).map(call);
    // Reasoning is refused without what it led to: "provided without its required following item".
    let mut reasoning = Vec::new();
    let mut push = |item: Option<Json<'a>>, reasoning: &mut Vec<Json<'a>>| {
        if let Some(item) = item {
            out.append(reasoning);
            out.push(item);
        }
    };
    match parts(&message, "content_blocks") {
        Some(blocks) => {
            for block in blocks {
                match &*block.text("type") {
                    "text" => push(said(&block, "text"), &mut reasoning),
                    "thinking" => {
                        let signature = block.text("signature");
                        let item = signature.strip_prefix(ITEM).and_then(Object::parse);
                        // Whoever answered signed it: an item of another kind would be instructions, or results of tools.
                        if let Some(mut item) = item.filter(|item| item.is("type", "reasoning")) {
                            item.unify();
                            reasoning.push(Json::from(item).owned());
                        }
                    }
                    CALL => push(calls.next(), &mut reasoning),
                    _ => {}
                }
            }
        }
        None => ["content", "refusal"].iter().for_each(|name| push(said(&message, name), &mut reasoning)),
    }
    calls.for_each(|call| push(Some(call), &mut reasoning));
}

fn said<'a>(object: &Object<'a>, name: &str) -> Option<Json<'a>> {
    let text = object.text(name);
    let is_said = !text.trim().is_empty();
    is_said.then(|| said_by("assistant".into(), Json::Text(text)))
}

fn said_by<'a>(role: Json<'a>, content: Json<'a>) -> Json<'a> {
    [("type", "message".into()), ("role", role), ("content", content)].into()
}

/// A past call. Its own id stays away: OpenAI would look for what it stored under it.
fn call(mut call: Object<'_>) -> Json<'_> {
    let Some(mut function) = call.take("function").and_then(Json::into_object) else { return call.into() };
    let mut item = Object::from([("type", "function_call".into())]);
    item.set_some("call_id", call.take("id"));
    item.set_some("name", function.take("name"));
    item.set_some("arguments", function.take("arguments"));
    item.into()
}
