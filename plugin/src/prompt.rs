//! Writes a prompt as the body of OpenAI's chat completions API. From there it is treated like a body that a host
//! wrote.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

use crate::bindings::exports::openclaw::provider::chat::{
    AssistantPart, Document, Instructions, Message, Prompt, ResponseFormat, Thinking, Tool, ToolCall, ToolChoice,
    ToolResult, UserPart,
};
use crate::bindings::openclaw::provider::types::{Media, MediaSource};
use crate::error::{self, Result};
use crate::json::{Json, Object};
use crate::signature::CALL;
use crate::text::filled;
use base64_simd::STANDARD;

/// The prompt as a body, its extra fields included. Whether it is for a stream is not said in it yet.
pub(crate) fn body(request: &Prompt) -> Result<Object<'_>> {
    let extra = extra_members(request.extra_json.as_deref())?;
    if extra.has("stream") {
        return Err(error::invalid_request("extra-json must not hold stream: call complete or stream instead"));
    }
    // A limit in the extras wins, by whichever name: providers refuse both at once. Which name goes is a pass's to know.
    let is_limited = extra.has("max_tokens") || extra.has("max_completion_tokens");
    let limit = request.max_output_tokens.filter(|_| !is_limited);
    let mut body = Object::default();
    body.set("model", &*request.model);
    body.set("messages", each(&request.messages, message)?);
    if !request.tools.is_empty() {
        body.set("tools", each(&request.tools, tool)?);
    }
    body.set_some("tool_choice", request.tool_choice.as_ref().map(tool_choice));
    body.set_some("parallel_tool_calls", request.parallel_tool_calls);
    body.set_some("response_format", request.response_format.as_ref().map(response_format).transpose()?);
    body.set_some("max_tokens", limit);
    body.set_some("temperature", checked("temperature", request.temperature)?);
    body.set_some("top_p", checked("top_p", request.top_p)?);
    if !request.stop.is_empty() {
        body.set("stop", request.stop.iter().map(|stop| stop.as_str().into()).collect::<Vec<_>>());
    }
    body.set_some("seed", request.seed);
    body.set_some("reasoning_effort", request.reasoning_effort.as_deref());
    body.extend(extra);
    Ok(body)
}

/// All of them as JSON.
fn each<'i, T>(items: &'i [T], write: fn(&'i T) -> Result<Json<'i>>) -> Result<Vec<Json<'i>>> {
    let mut written = Vec::with_capacity(items.len());
    for item in items {
        written.push(write(item)?);
    }
    Ok(written)
}

/// The members of an `extra-json`.
pub(crate) fn extra_members(extra: Option<&str>) -> Result<Object<'_>> {
    match extra.filter(|extra| !extra.trim().is_empty()) {
        None => Ok(Object::default()),
        Some(extra) => Object::parse(extra).ok_or_else(|| error::invalid_request("extra-json is not a JSON object")),
    }
}

/// A model's name without what stands before it: `@provider/`, or its maker.
pub(crate) fn bare(model: &str) -> &str {
    model.rsplit('/').next().unwrap_or(model)
}

/// Whether a model's own name begins as a slug does: Workers AI and Hugging Face have such names. Source: gateway 2.2.3.
pub(crate) fn is_like_slug(model: &str) -> bool {
    model.starts_with("@cf/") || model.starts_with("@hf/")
}

/// Slug and bare model of `@slug/model`.
pub(crate) fn split_slug(model: &str) -> Option<(&str, &str)> {
    if !model.starts_with('@') || is_like_slug(model) {
        return None;
    }
    model.split_once('/').filter(|(slug, bare)| slug.len() > 1 && !bare.is_empty())
}

/// The model of a request that may name none: the one in the extras, the one that is named, or this provider's own choice.
pub(crate) fn model(extra: &Object<'_>, named: Option<&str>, default: &str) -> String {
    let of_extra = extra.get("model").and_then(Json::string);
    let named = of_extra.or_else(|| filled(named).map(Into::into));
    named.unwrap_or(Cow::Borrowed(default)).into_owned()
}

/// `text`, which must be a JSON object.
fn schema<'t>(text: &'t str, what: &str) -> Result<Json<'t>> {
    Json::parse(text)
        .ok()
        .filter(Json::is_object)
        .ok_or_else(|| error::invalid_request(&[what, " is not a JSON object"].concat()))
}

fn checked(name: &str, value: Option<f32>) -> Result<Option<f32>> {
    match value {
        Some(value) if !(0.0..1e9).contains(&value) => {
            Err(error::invalid_request(&[name, " must be a number of at least 0"].concat()))
        }
        value => Ok(value),
    }
}

fn tool(tool: &Tool) -> Result<Json<'_>> {
    let what = ["The parameter schema of the tool ", &tool.name].concat();
    let parameters = schema(&tool.parameters_schema_json, &what)?;
    let mut function = Object::default();
    function.set("name", &*tool.name);
    function.set_some("description", tool.description.as_deref());
    function.set("parameters", parameters);
    function.set_some("strict", tool.strict);
    Ok(typed("function", function.into()).into())
}

fn tool_choice(choice: &ToolChoice) -> Json<'_> {
    match choice {
        ToolChoice::Auto => "auto".into(),
        ToolChoice::None => "none".into(),
        ToolChoice::Required => "required".into(),
        ToolChoice::Named(name) => typed("function", [("name", name.as_str().into())].into()).into(),
    }
}

fn response_format(format: &ResponseFormat) -> Result<Json<'_>> {
    Ok(match format {
        ResponseFormat::Text => [("type", "text".into())].into(),
        ResponseFormat::JsonObject => [("type", "json_object".into())].into(),
        ResponseFormat::JsonSchema(text) => {
            let schema = schema(text, "The JSON schema of the response format")?;
            typed("json_schema", schema).into()
        }
    })
}

/// A message with this content alone.
pub(crate) fn turn<'a>(role: &'static str, content: Json<'a>) -> Object<'a> {
    Object::from([("role", role.into()), ("content", content)])
}

fn message(message: &Message) -> Result<Json<'_>> {
    Ok(match message {
        Message::System(instructions) => turn("system", instructions_content(instructions)).into(),
        Message::User(parts) => turn("user", content(parts)?).into(),
        Message::Assistant(parts) => assistant(parts)?,
        Message::ToolResult(ToolResult { call_id, content: parts }) => {
            let mut result = turn("tool", content(parts)?);
            result.set("tool_call_id", call_id.as_str());
            result.into()
        }
    })
}

/// One text, or two parts where the second half changes from turn to turn.
fn instructions_content(Instructions { stable, volatile }: &Instructions) -> Json<'_> {
    match (stable.is_empty(), volatile.is_empty()) {
        (_, true) => stable.as_str().into(),
        (true, false) => volatile.as_str().into(),
        (false, false) => alloc::vec![text_part(stable), text_part(volatile)].into(),
    }
}

fn content(parts: &[UserPart]) -> Result<Json<'_>> {
    Ok(match parts {
        [UserPart::Text(text)] => text.as_str().into(),
        parts => each(parts, user_part)?.into(),
    })
}

fn user_part(part: &UserPart) -> Result<Json<'_>> {
    Ok(match part {
        UserPart::Text(text) => text_part(text),
        UserPart::Image(source) => image_part(source)?,
        UserPart::Document(document) => document_part(document)?,
        UserPart::Audio(Media { media_type, data }) => {
            // OpenAI names the format and no media type. Source: API reference, "input_audio".
            let subtype = media_type.rsplit('/').next().unwrap_or_default().trim_start_matches("x-");
            let format = if subtype == "mpeg" { "mp3" } else { subtype };
            let audio = [("data", STANDARD.encode_to_string(data).into()), ("format", format.into())];
            typed("input_audio", audio.into()).into()
        }
        UserPart::Other(json) => schema(json, "A part of a message")?,
    })
}

/// What holds the rest in a member that is named after its type, as most do.
pub(crate) fn typed<'a>(kind: &'static str, held: Json<'a>) -> Object<'a> {
    Object::from([("type", kind.into()), (kind, held)])
}

fn text_part(text: &str) -> Json<'_> {
    typed("text", text.into()).into()
}

fn image_part(source: &MediaSource) -> Result<Json<'_>> {
    Ok(typed("image_url", [("url", url(source)?)].into()).into())
}

/// OpenAI's `file`. What each provider takes in its place is the passes' to know.
fn document_part(Document { source, name }: &Document) -> Result<Json<'_>> {
    let mut file = Object::default();
    file.set_some("filename", name.as_deref());
    file.set("file_data", url(source)?);
    Ok(typed("file", file.into()).into())
}

fn url(source: &MediaSource) -> Result<Json<'_>> {
    Ok(match source {
        MediaSource::Url(url) => url.as_str().into(),
        MediaSource::Inline(media) => data_url(media)?.into(),
    })
}

fn data_url(media: &Media) -> Result<String> {
    if !media.media_type.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/+-.".contains(&byte)) {
        return Err(error::invalid_request("The media type of an image or a file is malformed"));
    }
    let mut url = ["data:", &media.media_type, ";base64,"].concat();
    STANDARD.encode_append(&media.data, &mut url);
    Ok(url)
}

/// An assistant's turn. Where there was reasoning, `content_blocks` hold all of it in its order, with signatures as this
/// component gave them: [`crate::request`] makes of them what the model takes back.
fn assistant(parts: &[AssistantPart]) -> Result<Json<'_>> {
    let mut content: Vec<Json<'_>> = Vec::new();
    let mut blocks = Vec::new();
    let mut tool_calls = Vec::new();
    let mut said = String::new();
    for part in parts {
        match part {
            AssistantPart::Text(text) | AssistantPart::Refusal(text) if text.is_empty() => {}
            AssistantPart::Text(text) | AssistantPart::Refusal(text) => {
                said.push_str(text);
                content.push(text_part(text));
                blocks.push(text_part(text));
            }
            AssistantPart::Image(image) => content.push(image_part(image)?),
            AssistantPart::Thinking(thinking) => blocks.push(block(thinking)),
            AssistantPart::ToolCall(call) => {
                tool_calls.push(past_call(call));
                // Its place.
                blocks.push([("type", CALL.into())].into());
            }
            // A citation or the result of a provider's own tool is no part that a request may hold.
            AssistantPart::Other(_) => {}
        }
    }
    let content = match parts {
        [AssistantPart::Text(text)] => text.as_str().into(),
        _ if content.is_empty() && !tool_calls.is_empty() => Json::NULL,
        _ if parts.iter().any(|part| matches!(part, AssistantPart::Image(_))) => content.into(),
        _ => said.into(),
    };
    let mut turn = turn("assistant", content);
    if parts.iter().any(|part| matches!(part, AssistantPart::Thinking(_))) {
        turn.set("content_blocks", blocks);
    }
    if !tool_calls.is_empty() {
        turn.set("tool_calls", tool_calls);
    }
    Ok(turn.into())
}

fn block(Thinking { text, signature }: &Thinking) -> Json<'_> {
    let mut block = typed("thinking", text.as_str().into());
    block.set_some("signature", signature.as_deref());
    block.into()
}

fn past_call(call: &ToolCall) -> Json<'_> {
    let function = [("name", call.name.as_str().into()), ("arguments", call.arguments_json.as_str().into())];
    let mut json =
        Object::from([("id", call.id.as_str().into()), ("type", "function".into()), ("function", function.into())]);
    json.set_some("extra_content", call.signature.as_deref().map(|signature| [("signature", signature.into())]));
    json.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bindings::openclaw::provider::types::ErrorKind;
    use alloc::borrow::ToOwned;
    use alloc::vec;
    use serde_json::{Value, json};

    fn request(messages: Vec<Message>) -> Prompt {
        Prompt {
            model: "m".to_owned(),
            messages,
            tools: Vec::new(),
            tool_choice: None,
            parallel_tool_calls: None,
            response_format: None,
            max_output_tokens: None,
            temperature: None,
            top_p: None,
            stop: Vec::new(),
            seed: None,
            reasoning_effort: None,
            extra_json: None,
        }
    }

    fn sent(request: &Prompt) -> Value {
        serde_json::from_str(&body(request).unwrap().to_json()).unwrap()
    }

    fn messages(messages: Vec<Message>) -> Value {
        sent(&request(messages))["messages"].take()
    }

    #[test]
    fn a_plain_request_holds_model_and_messages() {
        let plain = request(vec![Message::User(vec![UserPart::Text("hi \"you\"\n".into())])]);
        let json = body(&plain).unwrap().to_json();
        assert_eq!(json, r#"{"model":"m","messages":[{"role":"user","content":"hi \"you\"\n"}]}"#);
    }

    #[test]
    fn every_kind_of_message() {
        let image = |source| UserPart::Image(source);
        let call = |signature: Option<&str>| {
            AssistantPart::ToolCall(ToolCall {
                id: "c1".into(),
                name: "f".into(),
                arguments_json: "{\"a\":1}".into(),
                signature: signature.map(Into::into),
            })
        };
        let got = messages(vec![
            Message::System(Instructions { stable: "s".into(), volatile: String::new() }),
            Message::User(vec![
                UserPart::Text("look".into()),
                image(MediaSource::Url("https://x/y.png".into())),
                image(MediaSource::Inline(Media { media_type: "image/png".into(), data: vec![1, 2, 3, 4] })),
            ]),
            Message::User(Vec::new()),
            Message::Assistant(vec![AssistantPart::Text("a".into()), AssistantPart::Text("b".into())]),
            Message::Assistant(vec![call(None)]),
            Message::Assistant(vec![AssistantPart::Text("t".into()), call(Some("sig"))]),
            Message::Assistant(vec![call(Some("extra_content.google:g"))]),
            Message::Assistant(Vec::new()),
            Message::ToolResult(ToolResult { call_id: "c1".into(), content: vec![UserPart::Text("42".into())] }),
        ]);
        let function = json!({"name": "f", "arguments": "{\"a\":1}"});
        assert_eq!(
            got,
            json!([
                {"role": "system", "content": "s"},
                {"role": "user", "content": [
                    {"type": "text", "text": "look"},
                    {"type": "image_url", "image_url": {"url": "https://x/y.png"}},
                    {"type": "image_url", "image_url": {"url": "data:image/png;base64,AQIDBA=="}},
                ]},
                {"role": "user", "content": []},
                {"role": "assistant", "content": "ab"},
                {"role": "assistant", "content": null, "tool_calls": [{"id": "c1", "type": "function", "function": function}]},
                {"role": "assistant", "content": "t", "tool_calls": [{"id": "c1", "type": "function",
                    "function": function, "extra_content": {"signature": "sig"}}]},
                {"role": "assistant", "content": null, "tool_calls": [{"id": "c1", "type": "function",
                    "function": function, "extra_content": {"signature": "extra_content.google:g"}}]},
                {"role": "assistant", "content": ""},
                {"role": "tool", "tool_call_id": "c1", "content": "42"},
            ])
        );
    }

    #[test]
    fn reasoning_stands_in_blocks_in_its_order() {
        let thinking = |text: &str, signature: Option<&str>| {
            AssistantPart::Thinking(Thinking { text: text.into(), signature: signature.map(Into::into) })
        };
        let got = messages(vec![Message::Assistant(vec![
            thinking("hm", Some("sig")),
            AssistantPart::Text("a".into()),
            thinking("", Some("redacted_thinking:abc")),
            thinking("unsigned", None),
            AssistantPart::Text("b".into()),
        ])]);
        assert_eq!(
            got,
            json!([{"role": "assistant", "content": "ab", "content_blocks": [
                {"type": "thinking", "thinking": "hm", "signature": "sig"},
                {"type": "text", "text": "a"},
                {"type": "thinking", "thinking": "", "signature": "redacted_thinking:abc"},
                {"type": "thinking", "thinking": "unsigned"},
                {"type": "text", "text": "b"},
            ]}])
        );
    }

    #[test]
    fn every_option() {
        let all = Prompt {
            tools: vec![
                Tool {
                    name: "f".into(),
                    description: Some("d".into()),
                    parameters_schema_json: " {\"type\":\"object\"} ".into(),
                    strict: Some(true),
                },
                Tool { name: "g".into(), description: None, parameters_schema_json: "{}".into(), strict: None },
            ],
            tool_choice: Some(ToolChoice::Named("f".into())),
            parallel_tool_calls: Some(false),
            response_format: Some(ResponseFormat::JsonSchema(r#"{"name":"n","schema":{}}"#.into())),
            max_output_tokens: Some(16),
            temperature: Some(0.7),
            top_p: Some(0.95),
            stop: vec!["a".into(), "b".into()],
            seed: Some(-3),
            reasoning_effort: Some("low".into()),
            extra_json: Some(r#"{"seed":9e99,"new":[1]}"#.into()),
            ..request(Vec::new())
        };
        let text = body(&all).unwrap().to_json();
        assert!(text.contains("\"temperature\":0.7,"), "{text}");
        let got: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            got,
            json!({"model": "m", "messages": [],
                "tools": [{"type": "function", "function": {"name": "f", "description": "d", "parameters": {"type": "object"}, "strict": true}},
                    {"type": "function", "function": {"name": "g", "parameters": {}}}],
                "tool_choice": {"type": "function", "function": {"name": "f"}}, "parallel_tool_calls": false,
                "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {}}},
                "max_tokens": 16, "temperature": 0.7, "top_p": 0.95, "stop": ["a", "b"], "reasoning_effort": "low", "seed": 9e99, "new": [1]})
        );
        for (choice, text) in
            [(ToolChoice::Auto, "auto"), (ToolChoice::None, "none"), (ToolChoice::Required, "required")]
        {
            assert_eq!(sent(&Prompt { tool_choice: Some(choice), ..request(Vec::new()) })["tool_choice"], text);
        }
        for (format, text) in [(ResponseFormat::Text, "text"), (ResponseFormat::JsonObject, "json_object")] {
            assert_eq!(
                sent(&Prompt { response_format: Some(format), ..request(Vec::new()) })["response_format"],
                json!({"type": text})
            );
        }
    }

    #[test]
    fn what_cannot_be_sent_is_refused() {
        let bad = [
            Prompt { extra_json: Some("[]".into()), ..request(Vec::new()) },
            Prompt { extra_json: Some(r#"{"stream":true}"#.into()), ..request(Vec::new()) },
            Prompt { temperature: Some(-1.0), ..request(Vec::new()) },
            Prompt { top_p: Some(f32::NAN), ..request(Vec::new()) },
            Prompt { response_format: Some(ResponseFormat::JsonSchema("x".into())), ..request(Vec::new()) },
            Prompt {
                tools: vec![Tool {
                    name: "f".into(),
                    description: None,
                    parameters_schema_json: "{".into(),
                    strict: None,
                }],
                ..request(Vec::new())
            },
            request(vec![Message::User(vec![UserPart::Image(MediaSource::Inline(Media {
                media_type: "a\"b".into(),
                data: Vec::new(),
            }))])]),
        ];
        for request in bad {
            let error = body(&request).unwrap_err();
            assert_eq!((error.kind, error.request_sent), (ErrorKind::InvalidRequest, false), "{}", error.message);
        }
    }

    #[test]
    fn a_limit_in_the_extras_wins() {
        let limited = |extra: &str| {
            let plain = request(vec![Message::User(vec![UserPart::Text("hi".into())])]);
            let sent = sent(&Prompt { max_output_tokens: Some(7), extra_json: Some(extra.to_owned()), ..plain });
            [sent["max_tokens"].as_u64(), sent["max_completion_tokens"].as_u64()]
        };
        assert_eq!(limited("{}"), [Some(7), None]);
        assert_eq!(limited(r#"{"max_tokens":5}"#), [Some(5), None]);
        assert_eq!(limited(r#"{"max_completion_tokens":5}"#), [None, Some(5)]);
    }
}
