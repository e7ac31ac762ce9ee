//! OpenAI's chat completions: a request's body, a whole answer, and a streamed one.

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};

use serde_json::{Map, Value, json};

use crate::{
    bindings::{
        exports::openclaw::provider::chat::{
            Ask, AssistantPart, Event, FinishReason, Message, Prompt, ReplyStart, Request, Response, ResponseFormat,
            Tool, ToolCall, ToolCallDelta, ToolChoice, UserPart,
        },
        openclaw::provider::types::{Error, ErrorKind, ErrorOrigin, GatewayReport, MediaSource, Usage},
    },
    error,
    http::sent,
};

/// There is no gateway that could report.
pub(crate) const NO_REPORT: GatewayReport =
    GatewayReport { trace_id: None, provider: None, cache_status: None, retry_attempts: None, used_target: None };

/// The body of a request. Sampling settings that are absent are left to the model.
pub(crate) fn body(request: &Request, stream: bool) -> Result<String, Error> {
    let mut body = match &request.ask {
        Ask::Prompt(prompt) => from_prompt(prompt)?,
        Ask::OpenaiJson(json) => parsed(json, "the body")?,
        // What `body` gave, or what the host made of it.
        Ask::FinishedJson(json) => return Ok(json.clone()),
    };
    body["stream"] = stream.into();
    if stream {
        body["stream_options"] = json!({"include_usage": true});
    }
    Ok(body.to_string())
}

fn from_prompt(request: &Prompt) -> Result<Value, Error> {
    let messages = request.messages.iter().map(message).collect::<Result<Vec<_>, _>>()?;
    let mut body = json!({"model": request.model, "messages": messages});
    let mut set = |name: &str, value: Value| {
        if !value.is_null() {
            body[name] = value;
        }
    };
    if !request.tools.is_empty() {
        set("tools", request.tools.iter().map(tool).collect::<Result<Vec<_>, _>>()?.into());
    }
    set(
        "tool_choice",
        match &request.tool_choice {
            None => Value::Null,
            Some(ToolChoice::Auto) => "auto".into(),
            Some(ToolChoice::None) => "none".into(),
            Some(ToolChoice::Required) => "required".into(),
            Some(ToolChoice::Named(name)) => json!({"type": "function", "function": {"name": name}}),
        },
    );
    set(
        "response_format",
        match &request.response_format {
            None => Value::Null,
            Some(ResponseFormat::Text) => json!({"type": "text"}),
            Some(ResponseFormat::JsonObject) => json!({"type": "json_object"}),
            Some(ResponseFormat::JsonSchema(schema)) => {
                json!({"type": "json_schema", "json_schema": parsed(schema, "the response format's schema")?})
            }
        },
    );
    set("parallel_tool_calls", request.parallel_tool_calls.into());
    set("max_completion_tokens", request.max_output_tokens.into());
    set("temperature", request.temperature.into());
    set("top_p", request.top_p.into());
    set("seed", request.seed.into());
    set("reasoning_effort", request.reasoning_effort.clone().into());
    if !request.stop.is_empty() {
        set("stop", request.stop.clone().into());
    }
    if let Some(extra) = &request.extra_json {
        let Value::Object(extra) = parsed(extra, "extra-json")? else { return Err(invalid("extra-json")) };
        extra.into_iter().for_each(|(name, value)| body[name] = value);
    }
    Ok(body)
}

fn message(message: &Message) -> Result<Value, Error> {
    Ok(match message {
        Message::System(told) => json!({"role": "system", "content": ([&*told.stable, &*told.volatile].concat())}),
        Message::ToolResult(result) => {
            json!({"role": "tool", "tool_call_id": result.call_id, "content": content(&result.content)?})
        }
        Message::User(parts) => json!({"role": "user", "content": content(parts)?}),
        Message::Assistant(parts) => {
            let (mut text, mut calls) = (String::new(), Vec::new());
            for part in parts {
                match part {
                    AssistantPart::Text(piece) | AssistantPart::Refusal(piece) => text.push_str(piece),
                    AssistantPart::ToolCall(call) => calls.push(json!({
                        "id": call.id, "type": "function",
                        "function": {"name": call.name, "arguments": call.arguments_json},
                    })),
                    // The chat completions API does not take these back.
                    AssistantPart::Thinking(_) | AssistantPart::Image(_) | AssistantPart::Other(_) => {}
                }
            }
            let mut message = json!({"role": "assistant", "content": text});
            if !calls.is_empty() {
                message["tool_calls"] = calls.into();
            }
            message
        }
    })
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
        UserPart::Other(json) => parsed(json, "a part of a message"),
        UserPart::Image(MediaSource::Inline(_)) | UserPart::Document(_) | UserPart::Audio(_) => Err(error(
            ErrorKind::Unsupported,
            ErrorOrigin::Plugin,
            "This provider takes texts, and images by URL, alone",
            "Give an image's URL.",
        )),
    }
}

fn tool(tool: &Tool) -> Result<Value, Error> {
    let parameters = parsed(&tool.parameters_schema_json, "a tool's schema")?;
    let mut function = json!({"name": tool.name, "parameters": parameters});
    if let Some(description) = &tool.description {
        function["description"] = description.clone().into();
    }
    if let Some(strict) = tool.strict {
        function["strict"] = strict.into();
    }
    Ok(json!({"type": "function", "function": function}))
}

fn parsed(json: &str, what: &str) -> Result<Value, Error> {
    serde_json::from_str(json).map_err(|_| invalid(what))
}

fn invalid(what: &str) -> Error {
    let message = format!("{what} is not the JSON that it should be");
    error(ErrorKind::InvalidRequest, ErrorOrigin::Plugin, &message, "Mend the request.")
}

/// A whole answer.
pub(crate) fn response(body: &Value) -> Result<Response, Error> {
    let choice = &body["choices"][0];
    let Some(message) = choice["message"].as_object() else {
        return Err(sent(
            ErrorKind::Protocol,
            ErrorOrigin::Upstream,
            "The answer holds no message",
            "Check the base URL.",
        ));
    };
    let text = message.get("content").and_then(Value::as_str).filter(|text| !text.is_empty());
    let calls = message.get("tool_calls").and_then(Value::as_array).into_iter().flatten();
    let call = |call: &Value| {
        AssistantPart::ToolCall(ToolCall {
            id: text_of(&call["id"]),
            name: text_of(&call["function"]["name"]),
            arguments_json: text_of(&call["function"]["arguments"]),
            signature: None,
        })
    };
    Ok(Response {
        id: text_of(&body["id"]),
        model: text_of(&body["model"]),
        content: text.map(|text| AssistantPart::Text(text.into())).into_iter().chain(calls.map(call)).collect(),
        finish_reason: finish_reason(choice["finish_reason"].as_str().unwrap_or("unknown")),
        usage: usage(&body["usage"]),
        guardrails_json: None,
        report: NO_REPORT,
    })
}

fn finish_reason(reason: &str) -> FinishReason {
    match reason {
        "stop" => FinishReason::Stop,
        "length" => FinishReason::Length,
        "tool_calls" => FinishReason::ToolCalls,
        "content_filter" => FinishReason::ContentFilter,
        other => FinishReason::Other(other.into()),
    }
}

fn usage(usage: &Value) -> Option<Usage> {
    let number = |pointer: &str| usage.pointer(pointer).and_then(Value::as_u64);
    Some(Usage {
        input_tokens: number("/prompt_tokens")?,
        output_tokens: number("/completion_tokens")?,
        cache_read_tokens: number("/prompt_tokens_details/cached_tokens"),
        cache_write_tokens: None,
        reasoning_tokens: number("/completion_tokens_details/reasoning_tokens"),
    })
}

fn text_of(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_string()
}

/// Reads the events of a streamed answer: lines of `data: JSON`, the last one `data: [DONE]`.
#[derive(Default)]
pub(crate) struct Events {
    /// A line whose end has not come.
    line: Vec<u8>,
    started: bool,
    finished: bool,
    over: bool,
}

impl Events {
    /// The events that `bytes` complete.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<Vec<Event>, Error> {
        let mut events = Vec::new();
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(piece);
            if piece.ends_with(b"\n") {
                let line = core::mem::take(&mut self.line);
                self.line(line.trim_ascii(), &mut events)?;
            }
        }
        Ok(events)
    }

    /// The stream ended. Without its last line, what came is not the whole.
    pub(crate) fn close(&mut self) -> Result<(), Error> {
        self.over = true;
        if self.finished {
            return Ok(());
        }
        Err(sent(ErrorKind::Truncated, ErrorOrigin::Upstream, "The stream stopped before its end", "Try again."))
    }

    pub(crate) fn is_over(&self) -> bool {
        self.over
    }

    fn line(&mut self, line: &[u8], events: &mut Vec<Event>) -> Result<(), Error> {
        let Some(data) = line.strip_prefix(b"data:").map(<[u8]>::trim_ascii) else { return Ok(()) };
        if data == b"[DONE]" {
            (self.finished, self.over) = (true, true);
            return Ok(());
        }
        let chunk: Value = serde_json::from_slice(data).map_err(|_| {
            sent(ErrorKind::Protocol, ErrorOrigin::Upstream, "An event of the stream is not JSON", "Try again.")
        })?;
        if let Some(message) = chunk["error"]["message"].as_str() {
            return Err(sent(ErrorKind::Overloaded, ErrorOrigin::Upstream, message, "Try again."));
        }
        if !self.started {
            self.started = true;
            events.push(Event::Start(ReplyStart { id: text_of(&chunk["id"]), model: text_of(&chunk["model"]) }));
        }
        let choice = &chunk["choices"][0];
        self.delta(choice["delta"].as_object().unwrap_or(&Map::new()), events);
        if let Some(reason) = choice["finish_reason"].as_str() {
            self.finished = true;
            events.push(Event::Finish(finish_reason(reason)));
        }
        events.extend(usage(&chunk["usage"]).map(Event::Usage));
        Ok(())
    }

    fn delta(&self, delta: &Map<String, Value>, events: &mut Vec<Event>) {
        if let Some(text) = delta.get("content").and_then(Value::as_str).filter(|text| !text.is_empty()) {
            events.push(Event::Text(text.into()));
        }
        for call in delta.get("tool_calls").and_then(Value::as_array).into_iter().flatten() {
            events.push(Event::ToolCall(ToolCallDelta {
                index: call["index"].as_u64().and_then(|index| u32::try_from(index).ok()).unwrap_or_default(),
                id: call["id"].as_str().map(Into::into),
                name: call["function"]["name"].as_str().map(Into::into),
                arguments_fragment: text_of(&call["function"]["arguments"]),
                signature: None,
            }));
        }
    }
}
