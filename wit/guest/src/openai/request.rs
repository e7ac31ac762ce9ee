//! The body of a chat request. In this form the interface itself may have it, as `ask.openai-json`.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::{Map, Value, json};

use crate::bindings::exports::openclaw::provider::chat::{
    Ask, AssistantPart, Message, Prompt, Request, ResponseFormat, Tool, ToolChoice, UserPart,
};
use crate::bindings::openclaw::provider::types::{Error, ErrorKind, ErrorOrigin, MediaSource};
use crate::error;

/// The body of a request, streamed or whole, as JSON. Settings that are absent are left to the model. It takes texts, and
/// images by URL: for another part of a message it fails with [`ErrorKind::Unsupported`].
pub fn body(request: &Request, stream: bool) -> Result<String, Error> {
    let mut body = match &request.ask {
        Ask::Prompt(prompt) => from_prompt(prompt)?,
        Ask::OpenaiJson(json) => object(json, "The body")?,
        // The same as `body` gave, or what the host made of it.
        Ask::FinishedJson(json) => return Ok(json.clone()),
    };
    body.insert("stream".to_owned(), stream.into());
    if stream {
        body.insert("stream_options".to_owned(), json!({"include_usage": true}));
    }
    Ok(Value::from(body).to_string())
}

fn from_prompt(prompt: &Prompt) -> Result<Map<String, Value>, Error> {
    let messages = prompt.messages.iter().map(message).collect::<Result<Vec<_>, _>>()?;
    let tools = prompt.tools.iter().map(tool).collect::<Result<Vec<_>, _>>()?;
    let format = match &prompt.response_format {
        None => Value::Null,
        Some(ResponseFormat::Text) => json!({"type": "text"}),
        Some(ResponseFormat::JsonObject) => json!({"type": "json_object"}),
        Some(ResponseFormat::JsonSchema(schema)) => {
            json!({"type": "json_schema", "json_schema": parsed(schema, "The response format's schema")?})
        }
    };
    let choice = prompt.tool_choice.as_ref().map(|choice| match choice {
        ToolChoice::Auto => "auto".into(),
        ToolChoice::None => "none".into(),
        ToolChoice::Required => "required".into(),
        ToolChoice::Named(name) => json!({"type": "function", "function": {"name": name}}),
    });
    let mut body = Map::new();
    for (name, value) in [
        ("model", prompt.model.clone().into()),
        ("messages", messages.into()),
        ("tools", if tools.is_empty() { Value::Null } else { tools.into() }),
        ("tool_choice", choice.into()),
        ("response_format", format),
        ("parallel_tool_calls", prompt.parallel_tool_calls.into()),
        ("max_completion_tokens", prompt.max_output_tokens.into()),
        ("temperature", prompt.temperature.into()),
        ("top_p", prompt.top_p.into()),
        ("seed", prompt.seed.into()),
        ("reasoning_effort", prompt.reasoning_effort.clone().into()),
        ("stop", if prompt.stop.is_empty() { Value::Null } else { prompt.stop.clone().into() }),
    ] {
        if !value.is_null() {
            body.insert(name.to_owned(), value);
        }
    }
    if let Some(extra) = &prompt.extra_json {
        body.extend(object(extra, "extra-json")?);
    }
    Ok(body)
}

fn message(message: &Message) -> Result<Value, Error> {
    Ok(match message {
        Message::System(told) => json!({"role": "system", "content": format!("{}{}", told.stable, told.volatile)}),
        Message::ToolResult(result) => {
            json!({"role": "tool", "tool_call_id": result.call_id, "content": content(&result.content)?})
        }
        Message::User(parts) => json!({"role": "user", "content": content(parts)?}),
        Message::Assistant(parts) => assistant(parts),
    })
}

fn assistant(parts: &[AssistantPart]) -> Value {
    let (mut text, mut calls) = (String::new(), Vec::new());
    for part in parts {
        match part {
            AssistantPart::Text(piece) | AssistantPart::Refusal(piece) => text.push_str(piece),
            AssistantPart::ToolCall(call) => calls.push(json!({
                "id": call.id, "type": "function",
                "function": {"name": call.name, "arguments": call.arguments_json},
            })),
            // The API does not take these back.
            AssistantPart::Thinking(_) | AssistantPart::Image(_) | AssistantPart::Other(_) => {}
        }
    }
    if calls.is_empty() {
        return json!({"role": "assistant", "content": text});
    }
    json!({"role": "assistant", "content": text, "tool_calls": calls})
}

fn content(parts: &[UserPart]) -> Result<Value, Error> {
    match parts {
        [UserPart::Text(text)] => Ok(text.clone().into()),
        parts => parts.iter().map(user_part).collect(),
    }
}

fn user_part(part: &UserPart) -> Result<Value, Error> {
    match part {
        UserPart::Text(text) => Ok(json!({"type": "text", "text": text})),
        UserPart::Image(MediaSource::Url(url)) => Ok(json!({"type": "image_url", "image_url": {"url": url}})),
        UserPart::Other(json) => parsed(json, "A part of a message"),
        UserPart::Image(MediaSource::Inline(_)) | UserPart::Document(_) | UserPart::Audio(_) => Err(error(
            ErrorKind::Unsupported,
            ErrorOrigin::Plugin,
            "This provider takes texts, and images by URL, alone",
            "Give an image's URL.",
        )),
    }
}

fn tool(tool: &Tool) -> Result<Value, Error> {
    let mut function = Map::new();
    function.insert("name".to_owned(), tool.name.clone().into());
    function.insert("parameters".to_owned(), parsed(&tool.parameters_schema_json, "A tool's schema")?);
    function.extend(tool.description.iter().map(|text| ("description".to_owned(), text.clone().into())));
    function.extend(tool.strict.iter().map(|strict| ("strict".to_owned(), (*strict).into())));
    Ok(json!({"type": "function", "function": function}))
}

fn object(json: &str, what: &str) -> Result<Map<String, Value>, Error> {
    serde_json::from_str(json).map_err(|_| invalid(what, "a JSON object"))
}

fn parsed(json: &str, what: &str) -> Result<Value, Error> {
    serde_json::from_str(json).map_err(|_| invalid(what, "JSON"))
}

fn invalid(what: &str, expected: &str) -> Error {
    let message = format!("{what} is not {expected}");
    error(ErrorKind::InvalidRequest, ErrorOrigin::Plugin, &message, "Correct the request.")
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;
    use crate::bindings::exports::openclaw::provider::chat::{Document, Instructions, ToolCall, ToolResult};

    fn prompt() -> Prompt {
        Prompt {
            model: "m".into(),
            messages: Vec::new(),
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

    fn written(ask: Ask, stream: bool) -> Result<Value, Error> {
        let body = body(&Request { ask, prompt_cache: None }, stream)?;
        Ok(serde_json::from_str(&body).unwrap())
    }

    #[test]
    fn a_conversation_with_everything() {
        let call = ToolCall { id: "c".into(), name: "f".into(), arguments_json: "{}".into(), signature: None };
        let url = MediaSource::Url("https://h/i.png".into());
        let told = Instructions { stable: "Be ".into(), volatile: "brief".into() };
        let result = ToolResult { call_id: "c".into(), content: vec![UserPart::Text("9".into())] };
        let body = written(
            Ask::Prompt(Prompt {
                messages: vec![
                    Message::System(told),
                    Message::User(vec![UserPart::Text("see".into()), UserPart::Image(url)]),
                    Message::Assistant(vec![AssistantPart::Text("so".into()), AssistantPart::ToolCall(call)]),
                    Message::ToolResult(result),
                ],
                tools: vec![Tool {
                    name: "f".into(),
                    description: Some("does".into()),
                    parameters_schema_json: "{}".into(),
                    strict: Some(true),
                }],
                tool_choice: Some(ToolChoice::Named("f".into())),
                response_format: Some(ResponseFormat::JsonObject),
                max_output_tokens: Some(7),
                stop: vec!["end".into()],
                extra_json: Some(r#"{"seed":3,"own":1}"#.into()),
                seed: Some(2),
                ..prompt()
            }),
            true,
        );
        let function = json!({"name": "f", "arguments": "{}"});
        let expected = json!({
            "model": "m",
            "messages": [
                {"role": "system", "content": "Be brief"},
                {"role": "user", "content": [
                    {"type": "text", "text": "see"}, {"type": "image_url", "image_url": {"url": "https://h/i.png"}},
                ]},
                {"role": "assistant", "content": "so", "tool_calls": [{"id": "c", "type": "function", "function": function}]},
                {"role": "tool", "tool_call_id": "c", "content": "9"},
            ],
            "tools": [{"type": "function", "function": {"name": "f", "parameters": {}, "description": "does", "strict": true}}],
            "tool_choice": {"type": "function", "function": {"name": "f"}},
            "response_format": {"type": "json_object"},
            "max_completion_tokens": 7,
            "seed": 3,
            "stop": ["end"],
            "own": 1,
            "stream": true,
            "stream_options": {"include_usage": true},
        });
        assert_eq!(body.unwrap(), expected);
    }

    #[test]
    fn what_is_absent_is_not_sent() {
        let expected = json!({"model": "m", "messages": [], "stream": false});
        assert_eq!(written(Ask::Prompt(prompt()), false).unwrap(), expected);
    }

    #[test]
    fn a_finished_body_goes_as_it_is() {
        let request = Request { ask: Ask::FinishedJson("{ }".into()), prompt_cache: None };
        assert_eq!(body(&request, true).unwrap(), "{ }");
        assert_eq!(written(Ask::OpenaiJson(r#"{"a":1}"#.into()), false).unwrap(), json!({"a": 1, "stream": false}));
    }

    #[test]
    fn what_cannot_be_sent_is_named() {
        let document = Document { source: MediaSource::Url("https://h/a.pdf".into()), name: None };
        let document = Prompt { messages: vec![Message::User(vec![UserPart::Document(document)])], ..prompt() };
        assert_eq!(written(Ask::Prompt(document), false).unwrap_err().kind, ErrorKind::Unsupported);
        for (ask, message) in [
            (Ask::OpenaiJson("[]".into()), "The body is not a JSON object"),
            (Ask::Prompt(Prompt { extra_json: Some("1".into()), ..prompt() }), "extra-json is not a JSON object"),
        ] {
            let error = written(ask, false).unwrap_err();
            assert_eq!((error.kind, error.message.as_str()), (ErrorKind::InvalidRequest, message));
        }
    }
}
