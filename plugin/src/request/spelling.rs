//! Parts of a content as chat completions spell them.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

use super::body::{first, is_empty, list, parts, text_part};
use super::cache::MARK;
use super::media::{as_url, is_address, is_seen};
use crate::json::{Json, Object};
use crate::prompt::typed;

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
        "input_file" | "document" | "document_url" | "file_url" | "file" | "" | "resource" | "resource_link" => "file",
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
    let nested = ["image_url", "file_url"].iter().find_map(|name| all.get(name)?.object()?.get("url")?.string());
    let found = nested.or_else(|| {
        find(&["image_url", "file_url", "document_url", "url", "data", "base64", "file_data", "image", "blob"])
    });
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
    let title = find(&["filename", "document_name", "file_name", "title", "name", "uri"]).map(Json::Text);
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
    typed(name, inner.into())
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
pub(super) fn blocks(message: &mut Object<'_>) {
    let is_thought =
        |part: &Object<'_>| matches!(&*part.text("type"), "thinking" | "redacted_thinking" | "reasoning" | "think");
    let Some(parts) = parts(message, "content").filter(|parts| parts.iter().any(is_thought)) else { return };
    let (mut blocks, mut texts) = (Vec::new(), Vec::new());
    for mut part in parts {
        if !is_thought(&part) {
            texts.push(Json::from(part.clone()));
        } else if part.is("type", "reasoning") || part.is("type", "think") {
            let said = first(&part, &["text", "reasoning", "think", "summary"]);
            let text = said.map(Json::text).unwrap_or_default().into_owned();
            part = typed("thinking", text.into());
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
pub(super) fn with_data(parts: Vec<Json<'_>>, is_from_web_alone: bool) -> Vec<Json<'_>> {
    let mut out = Vec::with_capacity(parts.len());
    for part in parts {
        // LangChain takes a text alone for a part, which only it does.
        if let Some(text) = part.string() {
            show(text_part(Json::Text(text)), &mut out, is_from_web_alone);
        } else if !part.is_object() {
            if !part.is_null() {
                out.push(text_part(part.compact().into()).into());
            }
        } else if let Some(object) = part.into_object() {
            for block in in_blocks(&object).unwrap_or_else(|| alloc::vec![object]) {
                show(block, &mut out, is_from_web_alone);
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
        if let Some(odd) = object.get("text").filter(|text| text.string().is_none()) {
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
    if let Some(name) = name {
        out.push(text_part(name).into());
    }
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
