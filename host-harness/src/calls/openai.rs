//! Converts messages from and to the form of OpenAI's chat completions API. Owns only that form; the plugin knows what
//! a provider does with a message.
//!
//! Source: OpenAI's API reference, "Create chat completion", `messages`. That form has no field for reasoning: it is
//! written as `content_blocks`, as gateways and plugins of this world do.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};

use crate::{
    error::{Error, Result},
    types::{ErrorKind, Media, MediaSource},
    wit::chat::{AssistantPart, Document, Instructions, Message, Thinking, ToolCall, ToolResult, UserPart},
};

impl Message {
    /// A message of a history in OpenAI's form: `{"role": "user", "content": "Hello"}`.
    ///
    /// ```
    /// use host_harness::Message;
    ///
    /// let history = serde_json::json!([
    ///     {"role": "system", "content": "Be brief."},
    ///     {"role": "user", "content": "Hello"},
    /// ]);
    /// let messages = Message::history_from_openai(&history)?;
    /// assert_eq!(messages, [Message::system("Be brief."), Message::user("Hello")]);
    /// assert_eq!(Message::history_to_openai(&messages), history);
    /// # Ok::<_, host_harness::Error>(())
    /// ```
    ///
    /// # Errors
    /// Where it is none, or holds what a [`Message`] has no place for: with the name of that. Such a history can be sent as
    /// it is, with [`Request::openai`](crate::wit::chat::Request::openai).
    pub fn from_openai(message: &Value) -> Result<Self> {
        let members = message.as_object().ok_or_else(|| wrong("a message is not an object"))?;
        let mut members = Members(members.clone());
        let message = match members.text("role")?.as_deref() {
            Some("system" | "developer") => Self::System(instructions(members.take("content"))?),
            Some("user") => Self::User(user_parts(members.take("content"))?),
            Some("assistant") => Self::Assistant(assistant_parts(&mut members)?),
            Some("tool") => Self::ToolResult(ToolResult {
                call_id: members.text("tool_call_id")?.ok_or_else(|| wrong("a result has no `tool_call_id`"))?,
                content: user_parts(members.take("content"))?,
            }),
            Some(role) => return Err(wrong(&format!("there is no role `{role:.64}`"))),
            None => return Err(wrong("a message has no `role`")),
        };
        members.end().map(|()| message)
    }

    /// The same for a whole history, an array.
    pub fn history_from_openai(history: &Value) -> Result<Vec<Self>> {
        let messages = history.as_array().ok_or_else(|| wrong("it is not an array"))?;
        let numbered = messages.iter().enumerate();
        let read = |(number, message)| {
            let at = |error: Error| Error::host(error.kind(), format!("messages[{number}]: {error}")).hint(HINT);
            Self::from_openai(message).map_err(at)
        };
        numbered.map(read).collect()
    }

    /// The message in OpenAI's form. Of an answer, citations and results of a provider's own tools are left out: no request
    /// may hold them.
    pub fn to_openai(&self) -> Value {
        match self {
            Self::System(Instructions { stable, volatile }) => {
                let content = match (stable.is_empty(), volatile.is_empty()) {
                    (_, true) => stable.as_str().into(),
                    (true, false) => volatile.as_str().into(),
                    (false, false) => json!([text_part(stable), text_part(volatile)]),
                };
                json!({"role": "system", "content": content})
            }
            Self::User(parts) => json!({"role": "user", "content": content(parts)}),
            Self::Assistant(parts) => assistant(parts),
            Self::ToolResult(ToolResult { call_id, content: parts }) => {
                json!({"role": "tool", "tool_call_id": call_id, "content": content(parts)})
            }
        }
    }

    /// The same for a whole history, an array.
    pub fn history_to_openai<'m>(history: impl IntoIterator<Item = &'m Self>) -> Value {
        history.into_iter().map(Self::to_openai).collect()
    }
}

const HINT: &str = "Send a body of that form as it is, with Request::openai.";

fn wrong(why: &str) -> Error {
    Error::host(ErrorKind::InvalidRequest, format!("the history is not in OpenAI's form: {why}")).hint(HINT)
}

/// The members that were not read yet: what is left in the end would be lost without a word.
struct Members(Map<String, Value>);

impl Members {
    fn take(&mut self, name: &str) -> Value {
        self.0.remove(name).unwrap_or_default()
    }

    fn text(&mut self, name: &str) -> Result<Option<String>> {
        match self.take(name) {
            Value::Null => Ok(None),
            Value::String(text) => Ok(Some(text)),
            _ => Err(wrong(&format!("`{name}` is not a text"))),
        }
    }

    fn list(&mut self, name: &str) -> Result<Vec<Value>> {
        match self.take(name) {
            Value::Null => Ok(Vec::new()),
            Value::Array(items) => Ok(items),
            _ => Err(wrong(&format!("`{name}` is not an array"))),
        }
    }

    fn object(&mut self, name: &str) -> Result<Self> {
        match self.take(name) {
            Value::Null => Ok(Self(Map::new())),
            Value::Object(members) => Ok(Self(members)),
            _ => Err(wrong(&format!("`{name}` is not an object"))),
        }
    }

    fn end(self) -> Result<()> {
        let is_empty = |value: &Value| match value {
            Value::Null => true,
            Value::Array(items) => items.is_empty(),
            _ => false,
        };
        match self.0.iter().find(|(_, value)| !is_empty(value)) {
            Some((name, _)) => Err(wrong(&format!("a message has no place for `{name:.64}`"))),
            None => Ok(()),
        }
    }
}

/// Two texts are what [`Message::to_openai`] writes: what stays the same, and what changes from turn to turn.
fn instructions(content: Value) -> Result<Instructions> {
    let mut texts = Vec::new();
    for part in user_parts(content)? {
        match part {
            UserPart::Text(text) => texts.push(text),
            _ => return Err(wrong("instructions hold more than text")),
        }
    }
    let volatile = if texts.len() == 2 { texts.pop() } else { None };
    Ok(Instructions { stable: texts.join("\n"), volatile: volatile.unwrap_or_default() })
}

fn user_parts(content: Value) -> Result<Vec<UserPart>> {
    match content {
        Value::Null => Ok(Vec::new()),
        Value::String(text) => Ok(vec![UserPart::Text(text)]),
        Value::Array(parts) => parts.into_iter().map(user_part).collect(),
        _ => Err(wrong("`content` is neither a text nor an array")),
    }
}

fn user_part(part: Value) -> Result<UserPart> {
    if !part.is_object() {
        return Err(wrong("a part of a message is not an object"));
    }
    let known = known_part(&part);
    // One that says more than a part of its type can goes along as it is.
    Ok(match known {
        Some(known) if user_part_json(&known) == part => known,
        _ => UserPart::Other(part.to_string()),
    })
}

fn known_part(part: &Value) -> Option<UserPart> {
    let text = |pointer| part.pointer(pointer)?.as_str();
    Some(match text("/type")? {
        "text" => UserPart::Text(text("/text")?.to_owned()),
        "image_url" => UserPart::Image(source(text("/image_url/url")?)),
        "file" => UserPart::Document(Document {
            source: source(text("/file/file_data")?),
            name: text("/file/filename").map(str::to_owned),
        }),
        "input_audio" => {
            let format = text("/input_audio/format")?;
            let subtype = if format == "mp3" { "mpeg" } else { format };
            let data = STANDARD.decode(text("/input_audio/data")?).ok()?;
            UserPart::Audio(Media { media_type: format!("audio/{subtype}"), data })
        }
        _ => return None,
    })
}

/// The bytes of a data URL; any other URL stays one.
fn source(url: &str) -> MediaSource {
    let inline = || {
        let (media_type, data) = url.strip_prefix("data:")?.split_once(";base64,")?;
        Some(Media { media_type: media_type.to_owned(), data: STANDARD.decode(data).ok()? })
    };
    inline().map_or_else(|| MediaSource::Url(url.to_owned()), MediaSource::Inline)
}

/// An answer may come with what says something of it, and goes back without.
fn assistant_parts(members: &mut Members) -> Result<Vec<AssistantPart>> {
    let mut parts = Vec::new();
    for field in ["reasoning_content", "reasoning"] {
        if let Some(text) = members.text(field)?.filter(|text| !text.is_empty()) {
            parts.push(AssistantPart::Thinking(Thinking { text, signature: Some(field.to_owned()) }));
        }
    }
    let blocks = members.list("content_blocks")?;
    let has_text = blocks.iter().any(|block| block.get("type").is_some_and(|kind| kind == "text"));
    for block in blocks {
        let Value::Object(block) = block else { return Err(wrong("a content block is not an object")) };
        let mut block = Members(block);
        parts.push(match block.text("type")?.as_deref() {
            Some("thinking") => AssistantPart::Thinking(Thinking {
                text: block.text("thinking")?.unwrap_or_default(),
                signature: block.text("signature")?,
            }),
            Some("text") => AssistantPart::Text(block.text("text")?.unwrap_or_default()),
            kind => {
                return Err(wrong(&format!(
                    "a message has no place for the content block `{:.64}`",
                    kind.unwrap_or_default()
                )));
            }
        });
        block.end()?;
    }
    for part in user_parts(members.take("content"))? {
        match part {
            // The blocks hold it too, in its place.
            UserPart::Text(text) if has_text || text.is_empty() => drop(text),
            UserPart::Text(text) => parts.push(AssistantPart::Text(text)),
            UserPart::Image(image) => parts.push(AssistantPart::Image(image)),
            UserPart::Other(part) => parts.push(refusal(&part)?),
            _ => return Err(wrong("an answer holds a part that is neither text nor an image")),
        }
    }
    parts.extend(members.text("refusal")?.map(AssistantPart::Refusal));
    for call in members.list("tool_calls")? {
        let Value::Object(call) = call else { return Err(wrong("a tool call is not an object")) };
        parts.push(AssistantPart::ToolCall(tool_call(Members(call))?));
    }
    // Citations.
    members.take("annotations");
    Ok(parts)
}

fn refusal(part: &str) -> Result<AssistantPart> {
    let part: Value = serde_json::from_str(part).unwrap_or_default();
    match part.get("refusal").and_then(Value::as_str) {
        Some(text) => Ok(AssistantPart::Refusal(text.to_owned())),
        None => Err(wrong("an answer holds a part that is neither text nor an image")),
    }
}

fn tool_call(mut call: Members) -> Result<ToolCall> {
    let (mut function, mut extra) = (call.object("function")?, call.object("extra_content")?);
    if call.text("type")?.is_some_and(|kind| kind != "function") {
        return Err(wrong("a tool call is none of a function"));
    }
    let read = ToolCall {
        id: call.text("id")?.ok_or_else(|| wrong("a tool call has no `id`"))?,
        name: function.text("name")?.ok_or_else(|| wrong("a tool call has no name"))?,
        arguments_json: function.text("arguments")?.unwrap_or_default(),
        signature: extra.text("signature")?,
    };
    // Beside its place in a stream.
    call.take("index");
    [call, function, extra].into_iter().try_for_each(Members::end)?;
    Ok(read)
}

fn text_part(text: &str) -> Value {
    json!({"type": "text", "text": text})
}

fn content(parts: &[UserPart]) -> Value {
    match parts {
        [UserPart::Text(text)] => text.as_str().into(),
        parts => parts.iter().map(user_part_json).collect(),
    }
}

fn user_part_json(part: &UserPart) -> Value {
    match part {
        UserPart::Text(text) => text_part(text),
        UserPart::Image(source) => image_part(source),
        UserPart::Document(Document { source, name: Some(name) }) => {
            json!({"type": "file", "file": {"filename": name, "file_data": source.to_url()}})
        }
        UserPart::Document(Document { source, name: None }) => {
            json!({"type": "file", "file": {"file_data": source.to_url()}})
        }
        UserPart::Audio(Media { media_type, data }) => {
            // OpenAI names the format and no media type.
            let subtype = media_type.rsplit('/').next().unwrap_or_default().trim_start_matches("x-");
            let format = if subtype == "mpeg" { "mp3" } else { subtype };
            json!({"type": "input_audio", "input_audio": {"data": STANDARD.encode(data), "format": format}})
        }
        // One that is none is for the plugin to refuse.
        UserPart::Other(part) => serde_json::from_str(part).unwrap_or_else(|_| part.as_str().into()),
    }
}

fn image_part(source: &MediaSource) -> Value {
    json!({"type": "image_url", "image_url": {"url": source.to_url()}})
}

impl MediaSource {
    /// Where it is; what is inline becomes a `data:` URL.
    ///
    /// ```
    /// use host_harness::types::{Media, MediaSource};
    ///
    /// let inline = MediaSource::from(Media::new("image/png", [1, 2, 3]));
    /// assert_eq!(inline.to_url(), "data:image/png;base64,AQID");
    /// ```
    pub fn to_url(&self) -> String {
        match self {
            Self::Url(url) => url.clone(),
            Self::Inline(Media { media_type, data }) => format!("data:{media_type};base64,{}", STANDARD.encode(data)),
        }
    }
}

fn assistant(parts: &[AssistantPart]) -> Value {
    let (mut content, mut blocks, mut calls) = (Vec::new(), Vec::new(), Vec::new());
    let mut refusal: Option<String> = None;
    for part in parts {
        match part {
            AssistantPart::Text(text) => {
                content.push(text_part(text));
                blocks.push(text_part(text));
            }
            AssistantPart::Image(image) => content.push(image_part(image)),
            AssistantPart::Refusal(text) => refusal.get_or_insert_default().push_str(text),
            AssistantPart::Thinking(Thinking { text, signature }) => {
                let mut block = json!({"type": "thinking", "thinking": text});
                if let (Some(block), Some(signature)) = (block.as_object_mut(), signature) {
                    block.insert("signature".into(), signature.as_str().into());
                }
                blocks.push(block);
            }
            AssistantPart::ToolCall(ToolCall { id, name, arguments_json, signature }) => {
                let function = json!({"name": name, "arguments": arguments_json});
                let mut call = json!({"id": id, "type": "function", "function": function});
                if let (Some(call), Some(signature)) = (call.as_object_mut(), signature) {
                    call.insert("extra_content".into(), json!({"signature": signature}));
                }
                calls.push(call);
            }
            AssistantPart::Other(_) => {}
        }
    }
    let texts: Option<String> = content.iter().map(|part| part.get("text")?.as_str()).collect();
    let content = match texts {
        Some(_) if content.is_empty() => Value::Null,
        Some(text) => text.into(),
        None => content.into(),
    };
    let mut message = Map::from_iter([("role".to_owned(), "assistant".into()), ("content".into(), content)]);
    if let Some(refusal) = refusal {
        message.insert("refusal".into(), refusal.into());
    }
    if parts.iter().any(|part| matches!(part, AssistantPart::Thinking(_))) {
        message.insert("content_blocks".into(), blocks.into());
    }
    if !calls.is_empty() {
        message.insert("tool_calls".into(), calls.into());
    }
    message.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both_ways(history: Value) -> Vec<Message> {
        let read = Message::history_from_openai(&history).unwrap();
        assert_eq!(Message::history_to_openai(&read), history);
        read
    }

    #[test]
    fn a_history_comes_in_and_goes_out_as_it_was() {
        let call = json!({"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{\"a\":1}"}});
        let signed = json!({"id": "c2", "type": "function", "function": {"name": "f", "arguments": ""},
            "extra_content": {"signature": "s"}});
        let messages = both_ways(json!([
            {"role": "system", "content": "Be brief."},
            {"role": "system", "content": [{"type": "text", "text": "Be brief."}, {"type": "text", "text": "It is noon."}]},
            {"role": "user", "content": "Hello"},
            {"role": "user", "content": [
                {"type": "text", "text": "What is this?"},
                {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAEC"}},
                {"type": "image_url", "image_url": {"url": "https://example.com/a.png", "detail": "low"}},
                {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AAEC"}},
                {"type": "file", "file": {"file_id": "file-1"}},
                {"type": "input_audio", "input_audio": {"data": "AAEC", "format": "mp3"}},
                {"type": "text", "text": "kept", "cache_control": {"type": "ephemeral"}},
            ]},
            {"role": "assistant", "content": null, "tool_calls": [call, signed]},
            {"role": "tool", "tool_call_id": "c1", "content": "rain"},
            {"role": "assistant", "content": "It rains.", "content_blocks": [
                {"type": "thinking", "thinking": "hm", "signature": "s"}, {"type": "text", "text": "It rains."}]},
            {"role": "assistant", "content": null, "refusal": "No."},
        ]));
        assert_eq!(messages[2], Message::user("Hello"));
        let Message::User(parts) = &messages[3] else { panic!("{messages:?}") };
        assert_eq!(parts[2], UserPart::Image(MediaSource::Inline(Media::new("image/png", [0, 1, 2]))));
        assert!(matches!(&parts[3], UserPart::Other(part) if part.contains("low")), "{parts:?}");
        assert!(matches!(&parts[6], UserPart::Audio(media) if media.media_type == "audio/mpeg"), "{parts:?}");
        let Message::Assistant(parts) = &messages[6] else { panic!("{messages:?}") };
        assert!(matches!(&parts[..], [AssistantPart::Thinking(_), AssistantPart::Text(_)]), "{parts:?}");
    }

    #[test]
    fn an_answer_as_the_api_gives_it_is_a_message() {
        let answer = json!({"role": "assistant", "content": "Hi", "refusal": null, "annotations": [{"type": "url_citation"}],
            "audio": null, "function_call": null, "tool_calls": [], "reasoning_content": "hm"});
        let read = Message::from_openai(&answer).unwrap();
        let thinking = Thinking { text: "hm".into(), signature: Some("reasoning_content".into()) };
        assert_eq!(read, Message::Assistant(vec![AssistantPart::Thinking(thinking), AssistantPart::Text("Hi".into())]));
    }

    #[test]
    fn what_a_message_has_no_place_for_is_named() {
        for (message, name) in [
            (json!("hello"), "not an object"),
            (json!({"content": "hello"}), "no `role`"),
            (json!({"role": "function", "content": "x"}), "no role `function`"),
            (json!({"role": "user", "content": 1}), "`content`"),
            (json!({"role": "user", "content": "x", "name": "ann"}), "`name`"),
            (json!({"role": "tool", "content": "x"}), "`tool_call_id`"),
            (json!({"role": "assistant", "content": "x", "reasoning_details": [{"type": "x"}]}), "`reasoning_details`"),
            (json!({"role": "assistant", "tool_calls": [{"id": "a", "function": {"arguments": "{}"}}]}), "no name"),
            (
                json!({"role": "assistant", "tool_calls": [{"id": "a", "function": {"name": "f"}, "extra_content": {"google": {}}}]}),
                "`google`",
            ),
            (
                json!({"role": "system", "content": [{"type": "image_url", "image_url": {"url": "u"}}]}),
                "more than text",
            ),
        ] {
            let error = Message::history_from_openai(&json!([message])).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidRequest);
            let text = error.to_string();
            assert!(text.starts_with("messages[0]: ") && text.contains(name), "{text} has no {name}");
            assert!(error.record().hint.as_ref().is_some_and(|hint| hint.contains("Request::openai")));
        }
    }
}
