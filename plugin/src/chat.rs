//! Chat completions: the request's body, and a whole answer. A streamed answer is in [`crate::stream`].

use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::base64;
use crate::bindings::exports::openclaw::provider::chat::{
    AssistantPart, FinishReason, Message, Request, Response, ResponseFormat, Thinking, ToolCall, ToolChoice, UserPart,
};
use crate::bindings::openclaw::provider::types::{Error, ErrorKind, ErrorOrigin, MediaSource, Usage};
use crate::error::{self, Result};
use crate::json::{self, Object, Writer, comma, key, push_string, put};
use crate::report::Head;
use crate::wire;

/// The body of a request for a whole answer, or for a streamed one.
pub fn body(request: &Request, stream: bool) -> Result<Vec<u8>> {
    let extra = extra_members(request.extra_json.as_deref())?;
    if extra.get("stream").is_some() {
        return Err(error::invalid_request("extra-json must not hold stream: call complete or stream instead"));
    }
    let mut body = Writer::new(extra);
    body.text("model", &request.model);
    if let Some(out) = body.field("messages") {
        put(out, "[");
        for message in &request.messages {
            comma(out);
            push_message(out, message)?;
        }
        put(out, "]");
    }
    push_tools(&mut body, request)?;
    if let Some(format) = &request.response_format {
        match format {
            ResponseFormat::Text => body.raw("response_format", r#"{"type":"text"}"#),
            ResponseFormat::JsonObject => body.raw("response_format", r#"{"type":"json_object"}"#),
            ResponseFormat::JsonSchema(schema) => {
                let schema = object_text(schema, "The JSON schema of the response format")?;
                body.raw("response_format", &format!(r#"{{"type":"json_schema","json_schema":{schema}}}"#));
            }
        }
    }
    if let Some(limit) = request.max_output_tokens {
        body.number(max_tokens_field(&request.model), limit.into());
    }
    for (name, value) in [("temperature", request.temperature), ("top_p", request.top_p)] {
        if let Some(value) = value
            && let Some(out) = body.field(name)
        {
            json::push_decimal(out, value)
                .ok_or_else(|| error::invalid_request(&format!("{name} must be a number of at least 0")))?;
        }
    }
    if !request.stop.is_empty()
        && let Some(out) = body.field("stop")
    {
        put(out, "[");
        for text in &request.stop {
            comma(out);
            push_string(out, text);
        }
        put(out, "]");
    }
    if let Some(seed) = request.seed {
        body.raw("seed", &seed.to_string());
    }
    if let Some(effort) = &request.reasoning_effort {
        body.text("reasoning_effort", effort);
    }
    if stream {
        body.raw("stream", "true");
        body.raw("stream_options", r#"{"include_usage":true}"#);
    }
    Ok(body.finish())
}

/// The members of an `extra-json`.
pub(crate) fn extra_members(extra: Option<&str>) -> Result<Object<'_>> {
    match extra.filter(|extra| !extra.trim().is_empty()) {
        None => Ok(Object::default()),
        Some(extra) => Object::parse(extra).map_err(|_| error::invalid_request("extra-json is not a JSON object")),
    }
}

/// `text`, which must be a JSON object.
fn object_text<'t>(text: &'t str, what: &str) -> Result<&'t str> {
    match Object::parse(text) {
        Ok(_) => Ok(text.trim()),
        Err(_) => Err(error::invalid_request(&format!("{what} is not a JSON object"))),
    }
}

/// OpenAI's reasoning models refuse `max_tokens`; every other provider behind the gateway knows it, while some do not
/// map the newer name. Source: OpenAI's API reference; gateway 1.15.2, `src/providers/*/chatComplete.ts`.
fn max_tokens_field(model: &str) -> &'static str {
    let name = model.rsplit('/').next().unwrap_or(model);
    let starts_with_number = |rest: Option<&str>, least: u32| {
        rest.and_then(|rest| rest.split(|character: char| !character.is_ascii_digit()).next()?.parse::<u32>().ok())
            .is_some_and(|number| number >= least)
    };
    if starts_with_number(name.strip_prefix('o'), 1) || starts_with_number(name.strip_prefix("gpt-"), 5) {
        "max_completion_tokens"
    } else {
        "max_tokens"
    }
}

fn push_tools(body: &mut Writer<'_>, request: &Request) -> Result<()> {
    if !request.tools.is_empty()
        && let Some(out) = body.field("tools")
    {
        put(out, "[");
        for tool in &request.tools {
            comma(out);
            put(out, r#"{"type":"function","function":{"#);
            push_text_member(out, "name", &tool.name);
            if let Some(description) = &tool.description {
                push_text_member(out, "description", description);
            }
            key(out, "parameters");
            let schema =
                object_text(&tool.parameters_schema_json, &format!("The parameter schema of the tool {}", tool.name))?;
            put(out, schema);
            if let Some(strict) = tool.strict {
                key(out, "strict");
                put(out, if strict { "true" } else { "false" });
            }
            put(out, r"}}");
        }
        put(out, "]");
    }
    match &request.tool_choice {
        None => {}
        Some(ToolChoice::Auto) => body.text("tool_choice", "auto"),
        Some(ToolChoice::None) => body.text("tool_choice", "none"),
        Some(ToolChoice::Required) => body.text("tool_choice", "required"),
        Some(ToolChoice::Named(name)) => {
            if let Some(out) = body.field("tool_choice") {
                put(out, r#"{"type":"function","function":{"#);
                push_text_member(out, "name", name);
                put(out, r"}}");
            }
        }
    }
    if let Some(parallel) = request.parallel_tool_calls {
        body.raw("parallel_tool_calls", if parallel { "true" } else { "false" });
    }
    Ok(())
}

fn push_text_member(out: &mut Vec<u8>, name: &str, text: &str) {
    key(out, name);
    push_string(out, text);
}

fn push_message(out: &mut Vec<u8>, message: &Message) -> Result<()> {
    put(out, "{");
    match message {
        Message::System(text) => {
            push_text_member(out, "role", "system");
            push_text_member(out, "content", text);
        }
        Message::User(parts) => {
            push_text_member(out, "role", "user");
            match parts.as_slice() {
                [UserPart::Text(text)] => push_text_member(out, "content", text),
                parts => push_user_parts(out, parts)?,
            }
        }
        Message::Assistant(parts) => push_assistant(out, parts),
        Message::ToolResult(result) => {
            push_text_member(out, "role", "tool");
            push_text_member(out, "tool_call_id", &result.call_id);
            push_text_member(out, "content", &result.text);
        }
    }
    put(out, "}");
    Ok(())
}

fn push_user_parts(out: &mut Vec<u8>, parts: &[UserPart]) -> Result<()> {
    key(out, "content");
    put(out, "[");
    for part in parts {
        comma(out);
        match part {
            UserPart::Text(text) => {
                put(out, r#"{"type":"text","text":"#);
                push_string(out, text);
                put(out, "}");
            }
            UserPart::Image(source) => {
                put(out, r#"{"type":"image_url","image_url":{"url":"#);
                match source {
                    MediaSource::Url(url) => push_string(out, url),
                    MediaSource::Inline(media) => push_data_url(out, &media.media_type, &media.data)?,
                }
                put(out, r"}}");
            }
        }
    }
    put(out, "]");
    Ok(())
}

/// `"data:image/png;base64,..."`, encoded where it is to stand: an image is copied once.
fn push_data_url(out: &mut Vec<u8>, media_type: &str, data: &[u8]) -> Result<()> {
    if !media_type.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/+-.".contains(&byte)) {
        return Err(error::invalid_request("The media type of an image is malformed"));
    }
    put(out, "\"data:");
    put(out, media_type);
    put(out, ";base64,");
    base64::encode(out, data);
    put(out, "\"");
    Ok(())
}

/// An assistant's turn. Reasoning goes back only where a signature makes it of use, in Portkey's `content_blocks`,
/// which the gateway prefers over `content` for Anthropic and Bedrock (gateway 1.15.2); signatures come from those
/// providers alone, so no other one is sent the field.
fn push_assistant(out: &mut Vec<u8>, parts: &[AssistantPart]) {
    push_text_member(out, "role", "assistant");
    let calls = parts.iter().filter_map(|part| match part {
        AssistantPart::ToolCall(call) => Some(call),
        _ => None,
    });
    let mut text = String::new();
    let mut is_signed = false;
    for part in parts {
        match part {
            AssistantPart::Text(part) => text.push_str(part),
            AssistantPart::Thinking(thinking) => is_signed |= thinking.signature.is_some(),
            AssistantPart::ToolCall(_) => {}
        }
    }
    if text.is_empty() && calls.clone().next().is_some() {
        key(out, "content");
        put(out, "null");
    } else {
        push_text_member(out, "content", &text);
    }
    if is_signed {
        key(out, "content_blocks");
        put(out, "[");
        for part in parts {
            push_block(out, part);
        }
        put(out, "]");
    }
    if calls.clone().next().is_some() {
        key(out, "tool_calls");
        put(out, "[");
        for call in calls {
            push_tool_call(out, call);
        }
        put(out, "]");
    }
}

fn push_block(out: &mut Vec<u8>, part: &AssistantPart) {
    match part {
        AssistantPart::Text(text) if !text.is_empty() => {
            comma(out);
            put(out, "{");
            push_text_member(out, "type", "text");
            push_text_member(out, "text", text);
            put(out, "}");
        }
        AssistantPart::Thinking(Thinking { text, signature: Some(signature) }) => {
            comma(out);
            put(out, "{");
            if let Some(data) = signature.strip_prefix(REDACTED) {
                push_text_member(out, "type", "redacted_thinking");
                push_text_member(out, "data", data);
            } else {
                push_text_member(out, "type", "thinking");
                push_text_member(out, "thinking", text);
                push_text_member(out, "signature", signature);
            }
            put(out, "}");
        }
        _ => {}
    }
}

fn push_tool_call(out: &mut Vec<u8>, call: &ToolCall) {
    comma(out);
    put(out, "{");
    push_text_member(out, "id", &call.id);
    push_text_member(out, "type", "function");
    let google = call.signature.as_deref().and_then(|signature| signature.strip_prefix(GOOGLE));
    if let Some(signature) = google {
        key(out, "extra_content");
        put(out, r#"{"google":{"thought_signature":"#);
        push_string(out, signature);
        put(out, "}}");
    }
    key(out, "function");
    put(out, "{");
    push_text_member(out, "name", &call.name);
    // No arguments at all are an empty object to a provider that parses them.
    push_text_member(out, "arguments", if call.arguments_json.trim().is_empty() { "{}" } else { &call.arguments_json });
    if let (None, Some(signature)) = (google, &call.signature) {
        push_text_member(out, "thought_signature", signature);
    }
    put(out, "}}");
}

/// Marks a signature that is the whole of a reasoning block that the provider encrypted.
const REDACTED: &str = "redacted_thinking:";
/// Marks a signature that came, and so goes back, in `extra_content`, as Google's own OpenAI endpoint has it. Without
/// the mark it is Portkey's `function.thought_signature`.
const GOOGLE: &str = "extra_content.google:";

/// The reasoning in one of Portkey's content blocks.
pub(crate) fn block_thinking(block: wire::Block<'_>) -> Option<Thinking> {
    let signature = match wire::present(block.data) {
        Some(data) => Some(format!("{REDACTED}{data}")),
        None => wire::present(block.signature),
    };
    let text = block.thinking.into_owned();
    (!text.is_empty() || signature.is_some()).then_some(Thinking { text, signature })
}

/// The signature of a tool call, from either place.
pub(crate) fn call_signature(call: &wire::ToolCall<'_>) -> Option<String> {
    if !call.signature.is_empty() {
        return Some(call.signature.clone().into_owned());
    }
    (!call.google_signature.is_empty()).then(|| format!("{GOOGLE}{}", call.google_signature))
}

/// Why the answer ended. Besides OpenAI's words these are Anthropic's and Google's own, which the gateway passes on
/// in strict mode off or in older versions. `has_calls`: some providers end a turn of tool calls with `stop`.
pub(crate) fn finish_reason(reason: &str, has_calls: bool) -> FinishReason {
    match reason.to_ascii_lowercase().as_str() {
        "tool_calls" | "tool_use" | "function_call" => FinishReason::ToolCalls,
        "stop" | "end_turn" | "stop_sequence" | "" if has_calls => FinishReason::ToolCalls,
        "stop" | "end_turn" | "stop_sequence" | "" => FinishReason::Stop,
        "length" | "max_tokens" => FinishReason::Length,
        "content_filter" | "safety" | "refusal" => FinishReason::ContentFilter,
        _ => FinishReason::Other(reason.to_owned()),
    }
}

/// A failure of the model provider that stands where the finish reason should: `overloaded_error`. Source: gateway
/// 1.15.2, provider `anthropic`, events of type `error`.
pub(crate) fn failed_finish(reason: &str, head: &Head) -> Option<Box<Error>> {
    if !reason.ends_with("_error") {
        return None;
    }
    let kind = match reason {
        "overloaded_error" | "api_error" => ErrorKind::Overloaded,
        "rate_limit_error" => ErrorKind::RateLimited,
        "authentication_error" => ErrorKind::Unauthorized,
        "permission_error" => ErrorKind::Forbidden,
        "not_found_error" => ErrorKind::NotFound,
        "invalid_request_error" => ErrorKind::InvalidRequest,
        "timeout_error" => ErrorKind::Timeout,
        _ => ErrorKind::Other,
    };
    let message = format!("The model provider broke off with {reason}");
    let mut error = error::answered(kind, ErrorOrigin::Upstream, &message, head);
    error.code = Some(reason.to_owned());
    Some(error)
}

/// Tokens in the WIT's terms.
///
/// OpenAI's `prompt_tokens` holds the cached ones. Anthropic's through the gateway does not: it stands beside
/// `cache_read_input_tokens` and `cache_creation_input_tokens`, and `total_tokens`, where there is one, adds up all
/// (gateway 1.15.2, provider `anthropic`). So the total tells which it is; without one the gateway's own is assumed.
pub(crate) fn usage(usage: &wire::Usage) -> Usage {
    let (prompt, output) = (usage.prompt.unwrap_or(0), usage.completion.unwrap_or(0));
    let apart = usage.cache_read.unwrap_or(0).saturating_add(usage.cache_creation.unwrap_or(0));
    let holds_cached = usage.total == Some(prompt.saturating_add(output)) && prompt >= apart;
    Usage {
        input_tokens: if holds_cached { prompt } else { prompt.saturating_add(apart) },
        output_tokens: output,
        cache_read_tokens: usage.cache_read.or(usage.cached),
        cache_write_tokens: usage.cache_creation,
        reasoning_tokens: usage.reasoning,
    }
}

/// A whole answer.
pub fn response(head: &Head, body: &[u8]) -> Result<Response> {
    let malformed = || error::malformed(head, "The answer is no chat completion", body);
    let completion = wire::Completion::parse(body).map_err(|_| malformed())?;
    let choices = match completion.choices {
        Some(choices) if !completion.has_error => choices,
        _ => return Err(malformed()),
    };
    let at = choices.iter().position(|choice| choice.index == Some(0)).unwrap_or(0);
    let choice = choices.into_iter().nth(at).ok_or_else(malformed)?;
    if let Some(error) = failed_finish(&choice.finish_reason, head) {
        return Err(error);
    }
    let content = content(choice.message);
    let has_calls = content.iter().any(|part| matches!(part, AssistantPart::ToolCall(_)));
    Ok(Response {
        id: completion.id.into_owned(),
        model: completion.model.into_owned(),
        finish_reason: finish_reason(&choice.finish_reason, has_calls),
        content,
        usage: completion.usage.as_ref().map(usage),
        guardrails_json: completion.hook_results.map(ToOwned::to_owned),
        report: head.report(),
    })
}

/// Reasoning, text and calls. Where the blocks hold the same text as `content`, their order is kept.
fn content(message: wire::Message<'_>) -> Vec<AssistantPart> {
    let mut parts = Vec::new();
    let block_text: String = message.content_blocks.iter().map(|block| &*block.text).collect();
    let blocks_hold_text = !block_text.is_empty() && block_text == *message.content;
    let mut has_thinking = false;
    for block in message.content_blocks {
        if !block.text.is_empty() && blocks_hold_text {
            parts.push(AssistantPart::Text(block.text.into_owned()));
        } else if let Some(thinking) = block_thinking(block) {
            has_thinking = true;
            parts.push(AssistantPart::Thinking(thinking));
        }
    }
    if !has_thinking && let Some(text) = wire::present(message.reasoning) {
        parts.insert(0, AssistantPart::Thinking(Thinking { text, signature: None }));
    }
    if !blocks_hold_text && let Some(text) = wire::present(message.content) {
        parts.push(AssistantPart::Text(text));
    }
    parts.extend(wire::present(message.refusal).map(AssistantPart::Text));
    for (at, call) in message.tool_calls.into_iter().enumerate() {
        parts.push(AssistantPart::ToolCall(ToolCall {
            signature: call_signature(&call),
            id: wire::present(call.id).unwrap_or_else(|| call_id(at)),
            name: call.name.into_owned(),
            arguments_json: call.arguments.into_owned(),
        }));
    }
    parts
}

/// An id for a call whose provider gave none: the result must name one.
pub(crate) fn call_id(at: usize) -> String {
    format!("call_{at}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bindings::exports::openclaw::provider::chat::{Tool, ToolResult};
    use crate::bindings::openclaw::provider::types::Media;
    use alloc::vec;
    use serde_json::{Value, json};

    fn request(messages: Vec<Message>) -> Request {
        Request {
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

    fn sent(request: &Request) -> Value {
        serde_json::from_slice(&body(request, false).unwrap()).unwrap()
    }

    fn messages(messages: Vec<Message>) -> Value {
        sent(&request(messages))["messages"].take()
    }

    #[test]
    fn a_plain_request_holds_model_and_messages() {
        let plain = request(vec![Message::User(vec![UserPart::Text("hi \"you\"\n".into())])]);
        assert_eq!(
            body(&plain, false).unwrap(),
            br#"{"model":"m","messages":[{"role":"user","content":"hi \"you\"\n"}]}"#
        );
        let stream: Value = serde_json::from_slice(&body(&plain, true).unwrap()).unwrap();
        assert_eq!((&stream["stream"], &stream["stream_options"]), (&json!(true), &json!({"include_usage": true})));
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
            Message::System("s".into()),
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
            Message::ToolResult(ToolResult { call_id: "c1".into(), text: "42".into() }),
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
                    "function": {"name": "f", "arguments": "{\"a\":1}", "thought_signature": "sig"}}]},
                {"role": "assistant", "content": null, "tool_calls": [{"id": "c1", "type": "function",
                    "extra_content": {"google": {"thought_signature": "g"}}, "function": function}]},
                {"role": "assistant", "content": ""},
                {"role": "tool", "tool_call_id": "c1", "content": "42"},
            ])
        );
    }

    #[test]
    fn reasoning_goes_back_only_with_a_signature() {
        let thinking = |text: &str, signature: Option<&str>| {
            AssistantPart::Thinking(Thinking { text: text.into(), signature: signature.map(Into::into) })
        };
        let unsigned = messages(vec![Message::Assistant(vec![thinking("hm", None), AssistantPart::Text("t".into())])]);
        assert_eq!(unsigned, json!([{"role": "assistant", "content": "t"}]));
        let signed = messages(vec![Message::Assistant(vec![
            thinking("hm", Some("sig")),
            thinking("", Some("redacted_thinking:abc")),
            AssistantPart::Text("t".into()),
        ])]);
        assert_eq!(
            signed,
            json!([{"role": "assistant", "content": "t", "content_blocks": [
                {"type": "thinking", "thinking": "hm", "signature": "sig"},
                {"type": "redacted_thinking", "data": "abc"},
                {"type": "text", "text": "t"},
            ]}])
        );
    }

    #[test]
    fn every_option() {
        let all = Request {
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
        let text = String::from_utf8(body(&all, false).unwrap()).unwrap();
        assert!(text.contains("\"seed\":9e99") && text.contains("\"temperature\":0.7,"), "{text}");
        let got: Value = serde_json::from_str(&text.replace("9e99", "9")).unwrap();
        assert_eq!(
            got,
            json!({"model": "m", "messages": [],
                "tools": [{"type": "function", "function": {"name": "f", "description": "d", "parameters": {"type": "object"}, "strict": true}},
                    {"type": "function", "function": {"name": "g", "parameters": {}}}],
                "tool_choice": {"type": "function", "function": {"name": "f"}}, "parallel_tool_calls": false,
                "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {}}},
                "max_tokens": 16, "temperature": 0.7, "top_p": 0.95, "stop": ["a", "b"], "reasoning_effort": "low", "seed": 9, "new": [1]})
        );
        for (choice, text) in
            [(ToolChoice::Auto, "auto"), (ToolChoice::None, "none"), (ToolChoice::Required, "required")]
        {
            assert_eq!(sent(&Request { tool_choice: Some(choice), ..request(Vec::new()) })["tool_choice"], text);
        }
        for (format, text) in [(ResponseFormat::Text, "text"), (ResponseFormat::JsonObject, "json_object")] {
            assert_eq!(
                sent(&Request { response_format: Some(format), ..request(Vec::new()) })["response_format"],
                json!({"type": text})
            );
        }
    }

    #[test]
    fn what_cannot_be_sent_is_refused() {
        let bad = [
            Request { extra_json: Some("[]".into()), ..request(Vec::new()) },
            Request { extra_json: Some(r#"{"stream":true}"#.into()), ..request(Vec::new()) },
            Request { temperature: Some(-1.0), ..request(Vec::new()) },
            Request { top_p: Some(f32::NAN), ..request(Vec::new()) },
            Request { response_format: Some(ResponseFormat::JsonSchema("x".into())), ..request(Vec::new()) },
            Request {
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
            let error = body(&request, false).unwrap_err();
            assert_eq!((error.kind, error.request_sent), (ErrorKind::InvalidRequest, false), "{}", error.message);
        }
    }

    #[test]
    fn the_limit_is_named_as_the_model_knows_it() {
        for model in ["o1", "@openai/o3-mini", "gpt-5", "@azure/gpt-5.2-codex", "gpt-10"] {
            assert_eq!(max_tokens_field(model), "max_completion_tokens", "{model}");
        }
        for model in ["gpt-4o", "@anthropic/claude-sonnet-4-5", "@x/org/o", "openai-5", "gpt-oss", "@o1/llama"] {
            assert_eq!(max_tokens_field(model), "max_tokens", "{model}");
        }
    }

    fn answer(body: &str) -> Result<Response> {
        response(&Head { status: 200, headers: Vec::new() }, body.as_bytes())
    }

    #[test]
    fn a_whole_answer() {
        let got = answer(
            r#"{"id":"c","model":"m","object":"chat.completion","choices":[{"index":1,"message":{"content":"no"}},{"index":0,"message":{"role":"assistant",
            "content":"hi","refusal":null,"reasoning_content":"hm","tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{\"a\": 1}"}},
            {"type":"function","function":{"name":"g","arguments":{"b":2},"thought_signature":"s"}}]},"finish_reason":"tool_calls"}],
            "usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15,"prompt_tokens_details":{"cached_tokens":4},"completion_tokens_details":{"reasoning_tokens":2}},
            "hook_results":{"before_request_hooks":[]}}"#,
        )
        .unwrap();
        let call = |id: &str, name: &str, arguments: &str, signature: Option<&str>| {
            AssistantPart::ToolCall(ToolCall {
                id: id.into(),
                name: name.into(),
                arguments_json: arguments.into(),
                signature: signature.map(Into::into),
            })
        };
        assert_eq!(
            got.content,
            [
                AssistantPart::Thinking(Thinking { text: "hm".into(), signature: None }),
                AssistantPart::Text("hi".into()),
                call("c1", "f", "{\"a\": 1}", None),
                call("call_1", "g", "{\"b\":2}", Some("s")),
            ]
        );
        assert_eq!((got.id.as_str(), got.model.as_str(), got.finish_reason), ("c", "m", FinishReason::ToolCalls));
        let usage = got.usage.unwrap();
        assert_eq!(
            (usage.input_tokens, usage.output_tokens, usage.cache_read_tokens, usage.reasoning_tokens),
            (10, 5, Some(4), Some(2))
        );
        assert_eq!(got.guardrails_json.as_deref(), Some(r#"{"before_request_hooks":[]}"#));
    }

    #[test]
    fn blocks_keep_their_order() {
        let blocks = r#"{"choices":[{"message":{"content":"ab","content_blocks":[{"type":"thinking","thinking":"1","signature":"s"},{"type":"text","text":"a"},
            {"type":"redacted_thinking","data":"d"},{"type":"text","text":"b"}]},"finish_reason":"end_turn"}]}"#;
        let thinking = |text: &str, signature: &str| {
            AssistantPart::Thinking(Thinking { text: text.into(), signature: Some(signature.into()) })
        };
        let text = |text: &str| AssistantPart::Text(text.into());
        assert_eq!(
            answer(blocks).unwrap().content,
            [thinking("1", "s"), text("a"), thinking("", "redacted_thinking:d"), text("b")]
        );
        let other = blocks.replace(r#""content":"ab""#, r#""content":"other""#);
        assert_eq!(
            answer(&other).unwrap().content,
            [thinking("1", "s"), thinking("", "redacted_thinking:d"), text("other")]
        );
    }

    #[test]
    fn reasoning_that_comes_twice_counts_once() {
        let both = r#"{"choices":[{"message":{"content":"x","reasoning_content":"r","content_blocks":[{"type":"thinking","thinking":"r","signature":"s"}]}}]}"#;
        let thinking = Thinking { text: "r".into(), signature: Some("s".into()) };
        assert_eq!(answer(both).unwrap().content, [AssistantPart::Thinking(thinking), AssistantPart::Text("x".into())]);
    }

    #[test]
    fn answers_of_every_odd_kind() {
        let content = |message: &str| {
            answer(&format!(r#"{{"choices":[{{"message":{message}}}],"usage":null}}"#)).unwrap().content
        };
        let text = |text: &str| vec![AssistantPart::Text(text.into())];
        assert_eq!(content(r#"{"content":null,"refusal":"no"}"#), text("no"));
        assert_eq!(content(r#"{"content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}"#), text("ab"));
        assert_eq!(content("null"), []);
        assert_eq!(content(r#"{"content":"","tool_calls":null,"content_blocks":null}"#), []);
        assert_eq!(
            content(r#"{"reasoning":"r","reasoning_content":"r","content":"x"}"#),
            [AssistantPart::Thinking(Thinking { text: "r".into(), signature: None }), AssistantPart::Text("x".into())]
        );
    }

    #[test]
    fn finish_reasons() {
        for (reason, has_calls, expected) in [
            ("stop", false, FinishReason::Stop),
            ("end_turn", false, FinishReason::Stop),
            ("STOP", false, FinishReason::Stop),
            ("", false, FinishReason::Stop),
            ("stop", true, FinishReason::ToolCalls),
            ("tool_use", false, FinishReason::ToolCalls),
            ("function_call", false, FinishReason::ToolCalls),
            ("length", true, FinishReason::Length),
            ("MAX_TOKENS", false, FinishReason::Length),
            ("content_filter", false, FinishReason::ContentFilter),
            ("SAFETY", false, FinishReason::ContentFilter),
            ("eos", false, FinishReason::Other("eos".into())),
        ] {
            assert_eq!(finish_reason(reason, has_calls), expected, "{reason}");
        }
        let failed = answer(r#"{"choices":[{"message":{},"finish_reason":"overloaded_error"}]}"#).unwrap_err();
        assert_eq!((failed.kind, failed.origin), (ErrorKind::Overloaded, ErrorOrigin::Upstream));
    }

    #[test]
    fn usage_holds_all_input_tokens_whoever_counts() {
        let usage = |json: &str| {
            let usage =
                answer(&format!(r#"{{"choices":[{{"message":{{}}}}],"usage":{json}}}"#)).unwrap().usage.unwrap();
            (usage.input_tokens, usage.output_tokens, usage.cache_read_tokens, usage.cache_write_tokens)
        };
        // OpenAI: the cached tokens are part of the prompt's.
        assert_eq!(
            usage(
                r#"{"prompt_tokens":100,"completion_tokens":5,"total_tokens":105,"prompt_tokens_details":{"cached_tokens":64}}"#
            ),
            (100, 5, Some(64), None)
        );
        // Anthropic through the gateway: they stand apart, and the total says so.
        assert_eq!(
            usage(
                r#"{"prompt_tokens":10,"completion_tokens":5,"total_tokens":115,"cache_read_input_tokens":70,"cache_creation_input_tokens":30}"#
            ),
            (110, 5, Some(70), Some(30))
        );
        assert_eq!(
            usage(r#"{"prompt_tokens":1000,"completion_tokens":5,"total_tokens":1075,"cache_read_input_tokens":70}"#),
            (1070, 5, Some(70), None)
        );
        // The same without a total, as older gateways stream it.
        assert_eq!(
            usage(
                r#"{"completion_tokens":5,"prompt_tokens":10,"cache_read_input_tokens":70,"cache_creation_input_tokens":0}"#
            ),
            (80, 5, Some(70), Some(0))
        );
        // Bedrock: in both places, and part of the prompt's.
        assert_eq!(
            usage(
                r#"{"prompt_tokens":110,"completion_tokens":5,"total_tokens":115,"cache_read_input_tokens":100,"prompt_tokens_details":{"cached_tokens":100}}"#
            ),
            (110, 5, Some(100), None)
        );
        // From the gateway's cache.
        assert_eq!(usage(r#"{"completion_tokens":7}"#), (0, 7, None, None));
        assert_eq!(
            usage(r#"{"prompt_tokens":null,"completion_tokens":3.0,"prompt_tokens_details":null}"#),
            (0, 3, None, None)
        );
    }

    #[test]
    fn what_is_no_answer() {
        for (body, kind) in [
            ("", ErrorKind::Protocol),
            ("null", ErrorKind::Protocol),
            ("{}", ErrorKind::Protocol),
            (r#"{"choices":[]}"#, ErrorKind::Protocol),
            (r#"{"choices":[{}]"#, ErrorKind::Protocol),
            ("data: {}", ErrorKind::Protocol),
            ("<html></html>", ErrorKind::InvalidConfig),
            (r#"{"status":"failure","message":"Invalid config passed"}"#, ErrorKind::InvalidConfig),
            (r#"{"error":{"message":"x","type":"hooks_failed"},"choices":[{}]}"#, ErrorKind::ContentBlocked),
        ] {
            assert_eq!(answer(body).unwrap_err().kind, kind, "{body}");
        }
    }
}
