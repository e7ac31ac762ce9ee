//! Chat completions: the request's body, and a whole answer. A streamed answer is in [`crate::stream`].

use alloc::borrow::{Cow, ToOwned};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::bindings::exports::openclaw::provider::chat::{
    AssistantPart, FinishReason, Message, Request, Response, ResponseFormat, Thinking, Tool, ToolCall, ToolChoice,
    UserPart,
};
use crate::bindings::openclaw::provider::types::{Media, MediaSource, Usage};
use crate::error::{self, Result};
use crate::json::{Json, Object};
use crate::report::Head;
use crate::wire::{self, present};
use base64_simd::STANDARD;

/// The body of a request for a whole answer, or for a streamed one.
pub fn body(request: &Request, stream: bool) -> Result<Vec<u8>> {
    let extra = extra_members(request.extra_json.as_deref())?;
    if extra.has("stream") {
        return Err(error::invalid_request("extra-json must not hold stream: call complete or stream instead"));
    }
    let max_tokens = if wants_completion_tokens(&request.model) { "max_completion_tokens" } else { "max_tokens" };
    // A limit in the extras wins, by whichever name: providers refuse both at once.
    let is_limited = extra.has("max_tokens") || extra.has("max_completion_tokens");
    let limit = request.max_output_tokens.filter(|_| !is_limited);
    let mut body = Object::default();
    body.set("model", &*request.model);
    body.set("messages", request.messages.iter().map(turn).collect::<Result<Vec<_>>>()?);
    if !request.tools.is_empty() {
        body.set("tools", request.tools.iter().map(tool).collect::<Result<Vec<_>>>()?);
    }
    body.set_some("tool_choice", request.tool_choice.as_ref().map(tool_choice));
    body.set_some("parallel_tool_calls", request.parallel_tool_calls);
    body.set_some("response_format", request.response_format.as_ref().map(response_format).transpose()?);
    body.set_some(max_tokens, limit);
    body.set_some("temperature", checked("temperature", request.temperature)?);
    body.set_some("top_p", checked("top_p", request.top_p)?);
    if !request.stop.is_empty() {
        body.set("stop", request.stop.iter().map(|stop| stop.as_str().into()).collect::<Vec<_>>());
    }
    body.set_some("seed", request.seed);
    body.set_some("reasoning_effort", request.reasoning_effort.as_deref());
    if stream {
        body.set("stream", true);
        body.set("stream_options", [("include_usage", true.into())]);
    }
    body.extend(extra);
    Ok(body.to_json().into_bytes())
}

/// The members of an `extra-json`.
pub(crate) fn extra_members(extra: Option<&str>) -> Result<Object<'_>> {
    match extra.filter(|extra| !extra.trim().is_empty()) {
        None => Ok(Object::default()),
        Some(extra) => Object::parse(extra).ok_or_else(|| error::invalid_request("extra-json is not a JSON object")),
    }
}

/// `text`, which must be a JSON object.
fn schema<'t>(text: &'t str, what: &str) -> Result<Json<'t>> {
    Json::parse(text)
        .ok()
        .filter(Json::is_object)
        .ok_or_else(|| error::invalid_request(&format!("{what} is not a JSON object")))
}

/// OpenAI's reasoning models refuse `max_tokens`; every other provider behind the gateway knows it, while some do not
/// map the newer name. Source: OpenAI's API reference; gateway 1.15.2, `src/providers/*/chatComplete.ts`.
fn wants_completion_tokens(model: &str) -> bool {
    let name = model.rsplit('/').next().unwrap_or(model);
    let starts_with_number = |rest: Option<&str>, least: u32| {
        rest.and_then(|rest| rest.split(|character: char| !character.is_ascii_digit()).next()?.parse::<u32>().ok())
            .is_some_and(|number| number >= least)
    };
    starts_with_number(name.strip_prefix('o'), 1) || starts_with_number(name.strip_prefix("gpt-"), 5)
}

fn checked(name: &str, value: Option<f32>) -> Result<Option<f32>> {
    match value {
        Some(value) if !(0.0..1e9).contains(&value) => {
            Err(error::invalid_request(&format!("{name} must be a number of at least 0")))
        }
        value => Ok(value),
    }
}

fn tool(tool: &Tool) -> Result<Json<'_>> {
    let what = format!("The parameter schema of the tool {}", tool.name);
    let parameters = schema(&tool.parameters_schema_json, &what)?;
    let mut function = Object::default();
    function.set("name", &*tool.name);
    function.set_some("description", tool.description.as_deref());
    function.set("parameters", parameters);
    function.set_some("strict", tool.strict);
    Ok([("type", "function".into()), ("function", function.into())].into())
}

fn tool_choice(choice: &ToolChoice) -> Json<'_> {
    match choice {
        ToolChoice::Auto => "auto".into(),
        ToolChoice::None => "none".into(),
        ToolChoice::Required => "required".into(),
        ToolChoice::Named(name) => {
            [("type", "function".into()), ("function", [("name", name.as_str().into())].into())].into()
        }
    }
}

fn response_format(format: &ResponseFormat) -> Result<Json<'_>> {
    Ok(match format {
        ResponseFormat::Text => [("type", "text".into())].into(),
        ResponseFormat::JsonObject => [("type", "json_object".into())].into(),
        ResponseFormat::JsonSchema(text) => {
            let schema = schema(text, "The JSON schema of the response format")?;
            [("type", "json_schema".into()), ("json_schema", schema)].into()
        }
    })
}

fn turn(message: &Message) -> Result<Json<'_>> {
    Ok(match message {
        Message::System(text) => [("role", "system".into()), ("content", text.as_str().into())].into(),
        Message::User(parts) => {
            let content = match parts.as_slice() {
                [UserPart::Text(text)] => text.as_str().into(),
                parts => parts.iter().map(user_part).collect::<Result<Vec<_>>>()?.into(),
            };
            [("role", "user".into()), ("content", content)].into()
        }
        Message::Assistant(parts) => assistant(parts),
        Message::ToolResult(result) => [
            ("role", "tool".into()),
            ("tool_call_id", result.call_id.as_str().into()),
            ("content", result.text.as_str().into()),
        ]
        .into(),
    })
}

fn user_part(part: &UserPart) -> Result<Json<'_>> {
    Ok(match part {
        UserPart::Text(text) => text_part(text),
        UserPart::Image(source) => {
            let url = match source {
                MediaSource::Url(url) => url.as_str().into(),
                MediaSource::Inline(media) => data_url(media)?.into(),
            };
            [("type", "image_url".into()), ("image_url", [("url", url)].into())].into()
        }
    })
}

fn text_part(text: &str) -> Json<'_> {
    [("type", "text".into()), ("text", text.into())].into()
}

fn data_url(media: &Media) -> Result<String> {
    if !media.media_type.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/+-.".contains(&byte)) {
        return Err(error::invalid_request("The media type of an image is malformed"));
    }
    let mut url = format!("data:{};base64,", media.media_type);
    STANDARD.encode_append(&media.data, &mut url);
    Ok(url)
}

/// An assistant's turn. Reasoning goes back only where a signature makes it of use, in Portkey's `content_blocks`,
/// which the gateway prefers over `content` for Anthropic and Bedrock (gateway 1.15.2); signatures come from those
/// providers alone, so no other one is sent the field.
fn assistant(parts: &[AssistantPart]) -> Json<'_> {
    let mut text = String::new();
    let mut blocks = Vec::new();
    let mut tool_calls = Vec::new();
    let mut is_signed = false;
    for part in parts {
        match part {
            AssistantPart::Text(part) => {
                text.push_str(part);
                if !part.is_empty() {
                    blocks.push(text_part(part));
                }
            }
            AssistantPart::Thinking(Thinking { signature: None, .. }) => {}
            AssistantPart::Thinking(Thinking { text, signature: Some(signature) }) => {
                is_signed = true;
                blocks.push(match signature.strip_prefix(REDACTED) {
                    Some(data) => [("type", "redacted_thinking".into()), ("data", data.into())].into(),
                    None => [
                        ("type", "thinking".into()),
                        ("thinking", text.as_str().into()),
                        ("signature", signature.as_str().into()),
                    ]
                    .into(),
                });
            }
            AssistantPart::ToolCall(call) => tool_calls.push(past_call(call)),
        }
    }
    let has_content = !text.is_empty() || tool_calls.is_empty();
    let mut turn = Object::from([("role", "assistant".into())]);
    turn.set("content", if has_content { text.into() } else { Json::NULL });
    if is_signed {
        turn.set("content_blocks", blocks);
    }
    if !tool_calls.is_empty() {
        turn.set("tool_calls", tool_calls);
    }
    turn.into()
}

fn past_call(call: &ToolCall) -> Json<'_> {
    let signature = call.signature.as_deref();
    let google = signature.and_then(|signature| signature.strip_prefix(GOOGLE));
    // No arguments at all are an empty object to a provider that parses them.
    let arguments = if call.arguments_json.trim().is_empty() { "{}" } else { &call.arguments_json };
    let mut function = Object::from([("name", call.name.as_str().into()), ("arguments", arguments.into())]);
    function.set_some("thought_signature", signature.filter(|_| google.is_none()));
    let mut json =
        Object::from([("id", call.id.as_str().into()), ("type", "function".into()), ("function", function.into())]);
    json.set_some(
        "extra_content",
        google.map(|signature| [("google", [("thought_signature", signature.into())].into())]),
    );
    json.into()
}

/// Marks a signature that is the whole of a reasoning block that the provider encrypted.
const REDACTED: &str = "redacted_thinking:";
/// Marks a signature that came, and so goes back, in `extra_content`, as Google's own OpenAI endpoint has it. Without
/// the mark it is Portkey's `function.thought_signature`.
const GOOGLE: &str = "extra_content.google:";

/// The reasoning in one of Portkey's content blocks.
pub(crate) fn block_thinking(block: wire::Block<'_>) -> Option<Thinking> {
    let signature = match present(block.data) {
        Some(data) => Some(format!("{REDACTED}{data}")),
        None => present(block.signature),
    };
    let text = block.thinking.text.into_owned();
    (!text.is_empty() || signature.is_some()).then_some(Thinking { text, signature })
}

/// The signature of a tool call: Portkey's own, or Google's.
pub(crate) fn call_signature(own: Cow<'_, str>, google: Cow<'_, str>) -> Option<String> {
    present(own).or_else(|| Some(format!("{GOOGLE}{}", present(google)?)))
}

/// Why the answer ended. Besides OpenAI's words these are the providers' own, which the gateway passes on where strict
/// compliance is off; what they stand for is as it translates them where it is on, but for failures (gateway 1.15.2).
/// `has_calls`: some providers end a turn of tool calls with `stop`.
pub(crate) fn finish_reason(reason: &str, has_calls: bool) -> FinishReason {
    match reason.to_ascii_lowercase().as_str() {
        "tool_calls" | "tool_use" | "tool_call" | "function_call" => FinishReason::ToolCalls,
        ""
        | "stop"
        | "end_turn"
        | "stop_sequence"
        | "stop_criteria_met"
        | "complete"
        | "eos"
        | "finished"
        | "other"
        | "finish_reason_unspecified"
        | "pause_turn"
        | "rag_query_when_rag_disabled"
        | "recitation" => {
            if has_calls {
                FinishReason::ToolCalls
            } else {
                FinishReason::Stop
            }
        }
        "length" | "max_tokens" | "model_length" => FinishReason::Length,
        "content_filter"
        | "content_filtered"
        | "guardrail_intervened"
        | "refusal"
        | "safety"
        | "image_safety"
        | "blocklist"
        | "language"
        | "prohibited_content"
        | "spii" => FinishReason::ContentFilter,
        _ => FinishReason::Other(reason.to_owned()),
    }
}

/// Tokens in the WIT's terms.
///
/// OpenAI's `prompt_tokens` holds the cached ones. Anthropic's through the gateway does not: it stands beside
/// `cache_read_input_tokens` and `cache_creation_input_tokens`, and `total_tokens`, where there is one, adds up all
/// (gateway 1.15.2, provider `anthropic`). So the total tells which it is; without one the gateway's own is assumed.
pub(crate) fn usage(usage: &Object<'_>) -> Usage {
    let count = |name| usage.get(name).and_then(Json::count);
    let detail = |of, name| usage.get(of).and_then(|details| details.object()?.get(name)?.count());
    // Images have other names for the same.
    let prompt = count("prompt_tokens").or_else(|| count("input_tokens")).unwrap_or(0);
    let output = count("completion_tokens").or_else(|| count("output_tokens")).unwrap_or(0);
    let cached =
        detail("prompt_tokens_details", "cached_tokens").or_else(|| detail("input_tokens_details", "cached_tokens"));
    let reasoning = detail("completion_tokens_details", "reasoning_tokens")
        .or_else(|| detail("output_tokens_details", "reasoning_tokens"));
    let cache_read = count("cache_read_input_tokens");
    let cache_creation = count("cache_creation_input_tokens");
    let apart = cache_read.unwrap_or(0).saturating_add(cache_creation.unwrap_or(0));
    // Google's reasoning stands beside the output, and the total tells (gateway 1.15.2).
    let beside = count("total_tokens").unwrap_or(0).saturating_sub(prompt.saturating_add(output).saturating_add(apart));
    let reasoning_beside = reasoning.filter(|reasoning| *reasoning <= beside).unwrap_or(0);
    let holds_cached = count("total_tokens") == Some(prompt.saturating_add(output)) && prompt >= apart;
    Usage {
        input_tokens: if holds_cached { prompt } else { prompt.saturating_add(apart) },
        output_tokens: output.saturating_add(reasoning_beside),
        cache_read_tokens: cache_read.or(cached),
        cache_write_tokens: cache_creation,
        reasoning_tokens: reasoning,
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
    if let Some(error) = error::failed_finish(&choice.finish_reason, head) {
        return Err(error);
    }
    let content = content(choice.message.or(choice.delta).unwrap_or_default());
    let has_calls = content.iter().any(|part| matches!(part, AssistantPart::ToolCall(_)));
    Ok(Response {
        id: completion.id.into_owned(),
        model: completion.model.into_owned(),
        finish_reason: finish_reason(&choice.finish_reason, has_calls),
        content,
        usage: completion.usage.as_ref().map(usage),
        guardrails_json: completion.hook_results,
        report: head.report(),
    })
}

/// Reasoning, text and calls. Where the blocks hold the same text as `content`, their order is kept.
fn content(message: wire::Message<'_>) -> Vec<AssistantPart> {
    let mut parts = Vec::new();
    let blocks = message.content_blocks;
    let block_text: String = blocks.iter().map(|block| &*block.text).collect();
    // Bedrock's texts are joined by line breaks in `content` (gateway 1.15.2).
    let letters = |text: &str| text.replace('\n', "");
    let blocks_hold_text = !block_text.is_empty() && letters(&block_text) == letters(&message.content.text);
    let mut has_thinking = false;
    for block in blocks {
        if !block.text.is_empty() && blocks_hold_text {
            parts.push(AssistantPart::Text(block.text.into_owned()));
        } else if let Some(thinking) = block_thinking(block) {
            has_thinking = true;
            parts.push(AssistantPart::Thinking(thinking));
        }
    }
    if !has_thinking && let Some(text) = present(message.reasoning.text) {
        parts.insert(0, AssistantPart::Thinking(Thinking { text, signature: None }));
    }
    if !blocks_hold_text && let Some(text) = present(message.content.text) {
        parts.push(AssistantPart::Text(text));
    }
    parts.extend(present(message.refusal).map(AssistantPart::Text));
    for (at, call) in message.tool_calls.into_iter().enumerate() {
        parts.push(AssistantPart::ToolCall(ToolCall {
            id: present(call.id).unwrap_or_else(|| call_id(at)),
            name: call.name.into_owned(),
            arguments_json: call.arguments.text.into_owned(),
            signature: call_signature(call.thought_signature, call.google_signature),
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
    use crate::bindings::exports::openclaw::provider::chat::ToolResult;
    use crate::bindings::openclaw::provider::types::{ErrorKind, ErrorOrigin};
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
            assert!(wants_completion_tokens(model), "{model}");
        }
        for model in ["gpt-4o", "@anthropic/claude-sonnet-4-5", "@x/org/o", "openai-5", "gpt-oss", "@o1/llama"] {
            assert!(!wants_completion_tokens(model), "{model}");
        }
        let limited = |extra: &str| {
            let plain = request(vec![Message::User(vec![UserPart::Text("hi".into())])]);
            let sent = sent(&Request { max_output_tokens: Some(7), extra_json: Some(extra.to_owned()), ..plain });
            [sent["max_tokens"].as_u64(), sent["max_completion_tokens"].as_u64()]
        };
        assert_eq!(limited("{}"), [Some(7), None]);
        assert_eq!(limited(r#"{"max_tokens":5}"#), [Some(5), None]);
        assert_eq!(limited(r#"{"max_completion_tokens":5}"#), [None, Some(5)]);
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
    fn blocks_keep_their_order_where_the_gateway_joins_their_texts() {
        let blocks = r#"[{"type":"thinking","thinking":"1","signature":"s"},{"type":"text","text":"a"},{"type":"text","text":"b\nc"}]"#;
        let expected = [
            AssistantPart::Thinking(Thinking { text: "1".into(), signature: Some("s".into()) }),
            AssistantPart::Text("a".into()),
            AssistantPart::Text("b\nc".into()),
        ];
        for message in [
            // Bedrock's.
            format!(r#"{{"content":"a\nb\nc","content_blocks":{blocks}}}"#),
            // Vertex': Claude's own list, also where it shows nothing of its reasoning.
            format!(r#"{{"content":{blocks},"tool_calls":null}}"#),
        ] {
            let got = answer(&format!(r#"{{"choices":[{{"message":{message},"finish_reason":"stop"}}]}}"#)).unwrap();
            assert_eq!(got.content, expected, "{message}");
        }
        let unseen = r#"{"choices":[{"message":{"content":[{"type":"thinking","thinking":"","signature":"s"},{"type":"text","text":"x"}]}}]}"#;
        let thinking = Thinking { text: String::new(), signature: Some("s".into()) };
        assert_eq!(
            answer(unseen).unwrap().content,
            [AssistantPart::Thinking(thinking), AssistantPart::Text("x".into())]
        );
        // Mistral's reasoning is a list once more.
        let mistral = r#"{"choices":[{"message":{"content":[{"type":"thinking","thinking":[{"type":"text","text":"hm"}]},{"type":"text","text":"x"}]}}]}"#;
        let thinking = Thinking { text: "hm".into(), signature: None };
        assert_eq!(
            answer(mistral).unwrap().content,
            [AssistantPart::Thinking(thinking), AssistantPart::Text("x".into())]
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
            ("eos", false, FinishReason::Stop),
            ("COMPLETE", false, FinishReason::Stop),
            ("pause_turn", true, FinishReason::ToolCalls),
            ("TOOL_CALL", false, FinishReason::ToolCalls),
            ("model_length", false, FinishReason::Length),
            ("guardrail_intervened", false, FinishReason::ContentFilter),
            ("PROHIBITED_CONTENT", false, FinishReason::ContentFilter),
            ("MALFORMED_FUNCTION_CALL", false, FinishReason::Other("MALFORMED_FUNCTION_CALL".into())),
            ("TIMEOUT", false, FinishReason::Other("TIMEOUT".into())),
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
        // Google: the reasoning stands beside the output. OpenAI: it is part of it.
        let reasoning = |total: u64| {
            usage(&format!(
                r#"{{"prompt_tokens":10,"completion_tokens":200,"total_tokens":{total},"completion_tokens_details":{{"reasoning_tokens":100}}}}"#
            ))
        };
        assert_eq!(reasoning(310), (10, 300, None, None));
        assert_eq!(reasoning(210), (10, 200, None, None));
        assert_eq!(
            usage(
                r#"{"prompt_tokens":10,"completion_tokens":200,"total_tokens":1210,"cache_read_input_tokens":1000,"completion_tokens_details":{"reasoning_tokens":100}}"#
            ),
            (1010, 200, Some(1000), None)
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
