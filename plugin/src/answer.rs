//! A whole answer of a chat. A streamed one is in [`crate::stream`], which reads its parts as they are read here.

use alloc::borrow::{Cow, ToOwned};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::bindings::exports::openclaw::provider::chat::{AssistantPart, FinishReason, Response, Thinking, ToolCall};
use crate::bindings::openclaw::provider::types::Usage;
use crate::error::{self, Result};
use crate::json::{Json, Object};
use crate::report::Head;
use crate::wire::{self, present};

/// Marks a signature that is the whole of a reasoning block that the provider encrypted.
pub(crate) const REDACTED: &str = "redacted_thinking:";
/// Marks a signature that came, and so goes back, in `extra_content`, as Google's own OpenAI endpoint has it. Without
/// the mark it is Portkey's `function.thought_signature`.
pub(crate) const GOOGLE: &str = "extra_content.google:";

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
    use crate::bindings::openclaw::provider::types::{ErrorKind, ErrorOrigin};
    use alloc::vec;

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
