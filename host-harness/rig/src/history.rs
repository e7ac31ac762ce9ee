//! A conversation in rig's terms, as a component takes it.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use host_harness::{
    types::{Media, MediaSource},
    wit::chat::{self, AssistantPart, Thinking, UserPart},
};
use rig_core::{
    error::EncodeError,
    message::{
        AssistantContent, Audio, Document, DocumentSourceKind as Source, Image, ImageDetail, Message, MimeType,
        ToolCall, ToolResult, ToolResultContent, UserContent, Video,
    },
};
use serde_json::{Value, json};

use crate::error::no_place;

/// The members of a provider item, which is what a block keeps of the component's own.
pub(crate) const SIGNATURE: &str = "signature";
pub(crate) const MEDIA_TYPE: &str = "media_type";
/// The `type` of the item of a refusal, which is a text to rig.
pub(crate) const REFUSAL: &str = "refusal";

pub(crate) fn messages(history: &[Message]) -> Result<Vec<chat::Message>, EncodeError> {
    let mut messages = Vec::with_capacity(history.len());
    for message in history {
        match message {
            Message::System { content } => messages.push(chat::Message::system(content)),
            Message::User { content } => user(content, &mut messages)?,
            Message::Assistant(turn) => {
                let parts = turn.content.iter().map(assistant_part).collect::<Result<_, _>>()?;
                messages.push(chat::Message::Assistant(parts));
            }
        }
    }
    Ok(messages)
}

/// Results of tools are a user's words to rig, and messages of their own here.
fn user(content: &[UserContent], messages: &mut Vec<chat::Message>) -> Result<(), EncodeError> {
    let mut parts = Vec::new();
    let end = |parts: &mut Vec<UserPart>, messages: &mut Vec<chat::Message>| {
        if !parts.is_empty() {
            messages.push(chat::Message::User(std::mem::take(parts)));
        }
    };
    for part in content {
        match part {
            UserContent::ToolResult(result) => {
                end(&mut parts, messages);
                messages.push(chat::Message::ToolResult(tool_result(result)?));
            }
            UserContent::Text(text) => parts.push(UserPart::Text(text.text.clone())),
            UserContent::Image(image) => parts.push(image_part(image)?),
            UserContent::Audio(audio) => parts.push(UserPart::Audio(audio_media(audio)?)),
            UserContent::Video(video) => parts.push(video_part(video)?),
            UserContent::Document(document) => parts.push(document_part(document)?),
        }
    }
    end(&mut parts, messages);
    Ok(())
}

/// The words that rig has for a result that says nothing.
const FAILED: &str = "[tool error] ";

/// That a tool failed has no field, so it is said. The tool's name is that of the call with this id.
fn tool_result(result: &ToolResult) -> Result<chat::ToolResult, EncodeError> {
    let part = |part: &ToolResultContent| match part {
        ToolResultContent::Text(text) => Ok(UserPart::Text(text.text.clone())),
        ToolResultContent::Json { value } => Ok(UserPart::Text(value.to_string())),
        ToolResultContent::Image(image) => image_part(image),
    };
    let mut content: Vec<UserPart> = result.content.iter().map(part).collect::<Result<_, _>>()?;
    if result.is_error {
        match content.first_mut() {
            Some(UserPart::Text(text)) if text.starts_with(FAILED) => {}
            Some(UserPart::Text(text)) => text.insert_str(0, FAILED),
            _ => content.insert(0, UserPart::Text(FAILED.trim_end().to_owned())),
        }
    }
    Ok(chat::ToolResult { call_id: result.call.wire().into_owned(), content })
}

fn assistant_part(block: &AssistantContent) -> Result<AssistantPart, EncodeError> {
    // Only of a block that is still what the model said.
    let item = block.native_item();
    let of_item = |name: &str| item.and_then(|item| item.get(name)?.as_str()).map(str::to_owned);
    Ok(match block {
        AssistantContent::Text(text) if of_item("type").as_deref() == Some(REFUSAL) => {
            AssistantPart::Refusal(text.text.clone())
        }
        AssistantContent::Text(text) => AssistantPart::Text(text.text.clone()),
        AssistantContent::Reasoning(reasoning) => {
            AssistantPart::Thinking(Thinking { text: reasoning.text.clone(), signature: of_item(SIGNATURE) })
        }
        AssistantContent::ToolCall(call) => AssistantPart::ToolCall(tool_call(call, of_item(SIGNATURE))),
        AssistantContent::Image(image) => AssistantPart::Image(image_source(image, of_item(MEDIA_TYPE))?),
        AssistantContent::Opaque(opaque) => AssistantPart::Other(opaque.item.to_string()),
        _ => return Err(no_place("a part of an answer of a kind that is newer than this library", "leave it out")),
    })
}

fn tool_call(call: &ToolCall, signature: Option<String>) -> chat::ToolCall {
    let function = &call.function;
    // As the model wrote them, where rig could not read them.
    let arguments_json = function.invalid_arguments.clone().unwrap_or_else(|| function.arguments_value().to_string());
    chat::ToolCall {
        id: call.id.wire().into_owned(),
        name: function.name.as_str().to_owned(),
        arguments_json,
        signature,
    }
}

fn image_part(image: &Image) -> Result<UserPart, EncodeError> {
    let source = image_source(image, None)?;
    // What is the default need not be said.
    let detail = match &image.detail {
        None | Some(ImageDetail::Auto) => return Ok(UserPart::Image(source)),
        Some(ImageDetail::Low) => "low",
        Some(ImageDetail::High) => "high",
    };
    Ok(other(&json!({"type": "image_url", "image_url": {"url": source.to_url(), "detail": detail}})))
}

fn image_source(image: &Image, media_type: Option<String>) -> Result<MediaSource, EncodeError> {
    source("an image", &image.data, media_type.or_else(|| mime(image.media_type.as_ref())))
}

fn audio_media(audio: &Audio) -> Result<Media, EncodeError> {
    media("audio", &audio.data, mime(audio.media_type.as_ref()))
}

/// In the form that the gateways of OpenAI's API have for it.
fn video_part(video: &Video) -> Result<UserPart, EncodeError> {
    if video.additional_params.is_some() {
        return Err(no_place("`additional_params` of a video", "leave them out"));
    }
    let source = source("a video", &video.data, mime(video.media_type.as_ref()))?;
    Ok(other(&json!({"type": "video_url", "video_url": {"url": source.to_url()}})))
}

fn document_part(document: &Document) -> Result<UserPart, EncodeError> {
    let name = document_name(document)?;
    let media_type = mime(document.media_type.as_ref());
    let source = match (&document.data, &name) {
        // What a model reads as a text is one: so are the documents of an agent's context.
        (Source::String(text), None) => return Ok(UserPart::Text(text.clone())),
        (Source::String(text), Some(_)) => {
            MediaSource::Inline(Media::new(media_type.unwrap_or_else(|| "text/plain".to_owned()), text.as_bytes()))
        }
        (Source::FileId(id), None) => return Ok(other(&json!({"type": "file", "file": {"file_id": id}}))),
        (Source::FileId(_), Some(_)) => {
            return Err(no_place("the `title` of a document that is a file id", "leave it out"));
        }
        (data, _) => source("a document", data, media_type)?,
    };
    Ok(UserPart::Document(chat::Document { source, name }))
}

/// The `title` is the name that the model is told.
fn document_name(document: &Document) -> Result<Option<String>, EncodeError> {
    let mut name = None;
    for (param, value) in document.additional_params.iter().filter_map(Value::as_object).flatten() {
        match (param.as_str(), value) {
            ("title", Value::String(title)) => name = Some(title.clone()),
            (param, _) => return Err(no_place(&format!("`{param}` of a document"), "leave it out")),
        }
    }
    Ok(name)
}

fn mime(media_type: Option<&impl MimeType>) -> Option<String> {
    media_type.map(|media_type| media_type.to_mime_type().to_owned())
}

fn source(what: &str, data: &Source, media_type: Option<String>) -> Result<MediaSource, EncodeError> {
    Ok(match data {
        Source::Url(url) => MediaSource::Url(url.clone()),
        data => MediaSource::Inline(media(what, data, media_type)?),
    })
}

fn media(what: &str, data: &Source, media_type: Option<String>) -> Result<Media, EncodeError> {
    let data = match data {
        Source::Raw(data) => data.clone(),
        Source::Base64(text) => {
            let why = |error| no_place(&format!("{what} that is no base64 ({error})"), "give its bytes");
            STANDARD.decode(text).map_err(why)?
        }
        Source::Url(_) => return Err(no_place(&format!("{what} by its URL"), "give its bytes")),
        Source::FileId(_) => return Err(no_place(&format!("{what} by a file id"), "give its bytes")),
        Source::String(_) | Source::Unknown => return Err(no_place(&format!("{what} without bytes"), "give them")),
    };
    let media_type = media_type.ok_or_else(|| no_place(&format!("{what} without a media type"), "say which it is"))?;
    Ok(Media { media_type, data })
}

fn other(part: &Value) -> UserPart {
    UserPart::Other(part.to_string())
}
