use super::*;
use crate::bindings::exports::openclaw::provider::chat::{AssistantPart, FinishReason, Thinking, ToolCall};
use crate::bindings::openclaw::provider::types::{ErrorKind, ErrorOrigin, Media, MediaSource};
use crate::finish::finish_reason;
use alloc::vec;

fn answer(body: &str) -> Result<Response> {
    response(Head { status: 200, headers: Vec::new() }, body.as_bytes(), false)
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
            AssistantPart::Thinking(Thinking { text: "hm".into(), signature: Some("reasoning_content".into()) }),
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
        AssistantPart::Text("ab\nc".into()),
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
    assert_eq!(answer(unseen).unwrap().content, [AssistantPart::Thinking(thinking), AssistantPart::Text("x".into())]);
    // Mistral's reasoning is a list once more.
    let mistral = r#"{"choices":[{"message":{"content":[{"type":"thinking","thinking":[{"type":"text","text":"hm"}]},{"type":"text","text":"x"}]}}]}"#;
    let thinking = Thinking { text: "hm".into(), signature: None };
    assert_eq!(answer(mistral).unwrap().content, [AssistantPart::Thinking(thinking), AssistantPart::Text("x".into())]);
}

#[test]
fn a_signature_is_of_its_own_block_alone() {
    let blocks = r#"[{"type":"thinking","thinking":"a"},{"type":"thinking","thinking":"b","signature":"s"}]"#;
    let got = answer(&format!(r#"{{"choices":[{{"message":{{"content":"x","content_blocks":{blocks}}}}}]}}"#)).unwrap();
    let thinking = |text: &str, signature: Option<&str>| {
        AssistantPart::Thinking(Thinking { text: text.into(), signature: signature.map(Into::into) })
    };
    assert_eq!(got.content, [thinking("a", None), thinking("b", Some("s")), AssistantPart::Text("x".into())]);
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
        let body = format!(r#"{{"choices":[{{"message":{message},"finish_reason":"stop"}}],"usage":null}}"#);
        answer(&body).unwrap().content
    };
    let text = |text: &str| vec![AssistantPart::Text(text.into())];
    let other = |json: &str| AssistantPart::Other(json.into());
    let thinking = |text: &str, signature: Option<&str>| {
        AssistantPart::Thinking(Thinking { text: text.into(), signature: signature.map(Into::into) })
    };
    let png = MediaSource::Inline(Media { media_type: "image/png".into(), data: b"\x89PNG\r\n\x1a\n".to_vec() });
    assert_eq!(content(r#"{"content":null,"refusal":"no"}"#), [AssistantPart::Refusal("no".into())]);
    assert_eq!(content(r#"{"content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}"#), text("ab"));
    assert_eq!(content(r#"{"content":{"type":"text","text":"a"}}"#), text("a"));
    assert_eq!(content(r#"{"content":["a","b"]}"#), text("ab"));
    // As OpenAI's assistants spell a text.
    assert_eq!(content(r#"{"content":[{"type":"text","text":{"value":"ab","annotations":[]}}]}"#), text("ab"));
    assert_eq!(content(r#"{"content":{"name":"n","age":3}}"#), text(r#"{"name":"n","age":3}"#), "Workers AI");
    let list = r#"[{"name":"n","age":3},{"name":"m","age":4}]"#;
    assert_eq!(content(&format!(r#"{{"content":{list}}}"#)), text(list), "the same with a list");
    assert_eq!(content(r#"{"content":{}}"#), []);
    assert_eq!(content(r#"{"content":[{"text":""}]}"#), []);
    let databricks = r#"{"content":[{"type":"reasoning","summary":[{"type":"summary_text","text":"r"}]},{"type":"text","text":"a"}]}"#;
    assert_eq!(content(databricks), [thinking("r", None), AssistantPart::Text("a".into())]);
    for member in ["text", "content", "reasoning"] {
        let part = format!(r#"{{"content":[{{"type":"reasoning","{member}":"r"}},{{"type":"text","text":"a"}}]}}"#);
        assert_eq!(content(&part), [thinking("r", None), AssistantPart::Text("a".into())], "{part}");
    }
    assert_eq!(content("null"), []);
    assert_eq!(content(r#""a""#), text("a"));
    assert_eq!(content(r#"{"content":"","tool_calls":null,"content_blocks":null}"#), []);
    assert_eq!(
        content(r#"{"reasoning":"r","reasoning_content":"r","content":"x"}"#),
        [thinking("r", Some("reasoning_content")), AssistantPart::Text("x".into())]
    );
    // Of LiteLLM.
    let blocks = r#"[{"type":"thinking","thinking":"r","signature":"s"},{"type":"redacted_thinking","data":"d"}]"#;
    assert_eq!(
        content(&format!(r#"{{"content":"x","reasoning_content":"r","thinking_blocks":{blocks}}}"#)),
        [
            thinking("r", Some("thinking_blocks:s")),
            thinking("", Some("thinking_blocks:redacted_thinking:d")),
            AssistantPart::Text("x".into())
        ]
    );
    assert_eq!(
        content(r#"{"content":"x","reasoning_content":"r","thinking_blocks":[]}"#),
        [thinking("r", Some("reasoning_content")), AssistantPart::Text("x".into())]
    );
    // What else `content` holds stays, but for the same blocks.
    let parts = r#"[{"type":"thinking","thinking":"r"},{"type":"text","text":"x"},{"type":"refusal","refusal":"no"}]"#;
    assert_eq!(
        content(&format!(r#"{{"content":{parts},"reasoning_content":"r","thinking_blocks":{blocks}}}"#)),
        [
            thinking("r", Some("thinking_blocks:s")),
            thinking("", Some("thinking_blocks:redacted_thinking:d")),
            AssistantPart::Text("x".into()),
            AssistantPart::Refusal("no".into())
        ]
    );
    for images in [
        r#""images":[{"type":"image_url","image_url":{"url":"data:image/png;base64,iVBORw0KGgo="}}]"#,
        r#""images":{"image_url":"data:image/png;base64,iVBORw0KGgo="}"#,
        r#""images":["data:image/png;base64,iVBORw0KGgo="]"#,
        r#""images":[{"b64_json":"iVBORw0KGgo"}]"#,
        r#""multi_mod_content":[{"text":"a"},{"inline_data":{"mime_type":"image/png","data":"iVBORw0KGgo="}}]"#,
        r#""image_urls":["data:image/png;base64,iVBORw0KGgo="]"#,
        r#""parts":[{"inlineData":{"mimeType":"image/png","data":"iVBORw0KGgo="}}]"#,
        r#""content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,iVBORw0KGgo="}}]"#,
        r#""content_blocks":[{"type":"image_url","image_url":{"url":"data:image/png;base64,iVBORw0KGgo="}}]"#,
        r#""content_blocks":[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"iVBORw0KGgo="}}]"#,
    ] {
        assert_eq!(content(&format!("{{{images}}}")), [AssistantPart::Image(png.clone())], "{images}");
    }
    let url = MediaSource::Url("https://x/y.png".into());
    assert_eq!(content(r#"{"images":[{"url":"https://x/y.png"}]}"#), [AssistantPart::Image(url)]);
    // Nothing comes between a reasoning and what must go back with it, and no refusal is lost.
    let url = AssistantPart::Image(MediaSource::Url("https://x/y.png".into()));
    let (image, named) = (r#"{"type":"image_url","image_url":{"url":"https://x/y.png"}}"#, Some("reasoning_content"));
    assert_eq!(
        content(&format!(r#"{{"reasoning_content":"r","content":[{image},{{"type":"text","text":"t"}}]}}"#)),
        [thinking("r", named), url, AssistantPart::Text("t".into())]
    );
    let found = r#"{"type":"web_search_tool_result","tool_use_id":"s"}"#;
    assert_eq!(
        content(&format!(r#"{{"reasoning_content":"r","content_blocks":[{found},{{"type":"text","text":"t"}}]}}"#)),
        [thinking("r", named), other(found), AssistantPart::Text("t".into())]
    );
    let cited = r#"{"type":"url_citation","url_citation":{"url":"u"}}"#;
    assert_eq!(
        content(&format!(r#"{{"reasoning_content":"r","annotations":[{cited}]}}"#)),
        [thinking("r", named), other(cited)]
    );
    let refused = |text: &str| format!(r#"{{"type":"refusal","refusal":"{text}"}}"#);
    assert_eq!(
        content(&format!(r#"{{"content":[{},{}],"refusal":"c"}}"#, refused("a"), refused("b"))),
        [AssistantPart::Refusal("abc".into())]
    );
    // What stands beside the text, each with its type.
    let cited = r#"{"type":"url_citation","url_citation":{"url":"u"}}"#;
    assert_eq!(
        content(&format!(r#"{{"content":"a","annotations":[{cited}]}}"#)),
        [AssistantPart::Text("a".into()), other(cited)]
    );
    let (call, result) = (
        r#"{"type":"server_tool_use","id":"s","name":"web_search","input":{"q":"x"}}"#,
        r#"{"type":"web_search_tool_result","tool_use_id":"s"}"#,
    );
    assert_eq!(
        content(&format!(
            r#"{{"content":"a","content_blocks":[{call},{result},{{"type":"text","text":"a","citations":[{{"type":"web"}}]}}]}}"#
        )),
        [other(call), other(result), AssistantPart::Text("a".into()), other(r#"{"type":"web"}"#)]
    );
    // Calls without a name are a provider's own.
    assert_eq!(
        content(
            r#"{"content":"a","tool_calls":[{"id":"srvtoolu_1","function":{"arguments":"{}"}},{"type":"custom","custom":{}},{}]}"#
        ),
        [
            AssistantPart::Text("a".into()),
            other(r#"{"type":"custom","custom":{}}"#),
            other(r#"{"type":"server_tool_use","id":"srvtoolu_1","input":"{}"}"#)
        ]
    );
    let calls = |message: &str| {
        let body = format!(r#"{{"choices":[{{"message":{message},"finish_reason":"stop"}}]}}"#);
        let got = answer(&body).unwrap();
        assert_eq!(got.finish_reason, FinishReason::ToolCalls);
        got.content
    };
    let call = |id: &str, signature: Option<&str>| {
        let (name, arguments_json) = ("f".into(), "{}".into());
        AssistantPart::ToolCall(ToolCall { id: id.into(), name, arguments_json, signature: signature.map(Into::into) })
    };
    for message in [
        r#"{"function_call":{"name":"f","arguments":"{}"}}"#,
        r#"{"tool_calls":[{"id":" ","name":" f","arguments":{}}],"function_call":{"name":"f"}}"#,
        r#"{"tool_calls":{"function":{"name":"f","arguments":"{}"}}}"#,
        r#"{"tool_calls":[{"function":{"name":"f","parameters":{}}}]}"#,
        r#"{"tool_calls":[{"function":{"name":"f","parameters":"{}"}}]}"#,
        r#"{"tool_calls":[{"function":{"input":"","name":"f","args":{},"arguments":"{}"}}]}"#,
        r#"{"tool_calls":[{"name":"f","input":"{}"}]}"#,
        r#"{"content":[{"type":"tool_use","name":"f","input":{}}]}"#,
        // In parts, each an entry of its own (sglang#23071).
        r#"{"tool_calls":[{"id":"","function":{"name":"f","arguments":""}},{"id":null,"function":{"name":null,"arguments":"{}"}}]}"#,
        r#"{"tool_calls":[{"function":{"name":"f","arguments":"{"}},{"function":{"name":"null","arguments":"}"}}]}"#,
        r#"{"content":[{"type":"tool_use","id":"z","name":"f","input":{}}],"tool_calls":[{"name":"f","arguments":"{}"}]}"#,
    ] {
        assert_eq!(calls(message), [call("call_0", None)], "{message}");
    }
    // Snowflake's.
    let listed = r#"{"content":"a","content_list":[{"type":"text","text":"a"},{"type":"tool_use","tool_use":{"tool_use_id":"i","name":"f","input":{}}}]}"#;
    assert_eq!(calls(listed), [AssistantPart::Text("a".into()), call("i", None)]);
    let merged = r#"{"content":"a","tool_calls":[{"function":{"name":"f","arguments":"{}{}"}}]}"#;
    assert_eq!(calls(merged), [AssistantPart::Text("a".into()), call("call_0", None)], "one behind the other");
    let twice = r#"{"tool_calls":[{"id":"a","function":{"name":"f","arguments":"\"{\\\"x\\\":1}\""}}]}"#;
    let [AssistantPart::ToolCall(given)] = &calls(twice)[..] else { panic!("a call") };
    assert_eq!(given.arguments_json, r#"{"x":1}"#, "a text once more, and no cut");
    for part in [
        r#"{"type":"refusal","refusal":"No."}"#,
        r#"{"type":"refusal","refusal":"N"},{"type":"refusal","refusal":"o."}"#,
    ] {
        let refused = content(&format!(r#"{{"content":[{part}],"refusal":"No."}}"#));
        assert_eq!(refused, [AssistantPart::Refusal("No.".into())], "once in a part and once beside it");
    }
    // Each entry with a name is a call.
    for (ids, names, index, second) in [
        (["x", "x"], ["f", "g"], "", "x_1"),
        (["x", "x"], ["f", "g"], r#""index":0,"#, "x_1"),
        (["a", "b"], ["f", "f"], r#""index":0,"#, "b"),
    ] {
        let entry = |at: usize, arguments: &str| {
            format!(r#"{{{index}"id":"{}","function":{{"name":"{}","arguments":"{arguments}"}}}}"#, ids[at], names[at])
        };
        let message = format!(r#"{{"tool_calls":[{},{}]}}"#, entry(0, ""), entry(1, r#"{\"a\":1}"#));
        let expected = [0, 1].map(|at| {
            let (name, arguments_json) = (names[at].into(), ["", "{\"a\":1}"][at].into());
            AssistantPart::ToolCall(ToolCall { id: [ids[0], second][at].into(), name, arguments_json, signature: None })
        });
        assert_eq!(calls(&message), expected, "{message}");
    }
    // Of several the last counts.
    let used = |id: &str| format!(r#""content":[{{"type":"tool_use","id":"{id}","name":"f","input":{{}}}}]"#);
    assert_eq!(calls(&format!("{{{},{}}}", used("a"), used("b"))), [call("b", None)]);
    let custom = r#"{"id":"c","type":"custom","custom":{"name":"sql","input":"x"}}"#;
    let body = format!(r#"{{"choices":[{{"message":{{"tool_calls":[{custom}]}},"finish_reason":"tool_calls"}}]}}"#);
    assert_eq!(answer(&body).unwrap().content, [other(custom)], "a call of another kind is one");
    // What OpenRouter wants back.
    let own = r#"{"type":"reasoning.encrypted","id":"a","data":"SIG"}"#;
    let text = r#"{"type":"reasoning.text","text":"r","index":0}"#;
    assert_eq!(
        calls(&format!(
            r#"{{"reasoning":"r","reasoning_details":[{text},{own}],"tool_calls":[{{"id":"a","function":{{"name":"f","arguments":"{{}}"}}}}]}}"#
        )),
        [thinking("r", Some(&format!("reasoning_details:[{text}]"))), call("a", Some(own))]
    );
    assert_eq!(
        content(&format!(r#"{{"reasoning_details":[{text}],"content":"x"}}"#)),
        [thinking("r", Some(&format!("reasoning_details:[{text}]"))), AssistantPart::Text("x".into())]
    );
}

/// What is no success: a part of it says so, or there is nothing in it.
#[test]
fn answers_that_are_failures() {
    let of = |message: &str, reason: &str, more: &str| {
        format!(r#"{{"choices":[{{"message":{message},"finish_reason":{reason}}}]{more}}}"#)
    };
    let hello = r#"{"content":"Hel"}"#;
    let hooks = |more: &str| {
        format!(
            r#","hook_results":{{"before_request_hooks":[{{"verdict":false{more},"checks":[{{"id":"default.contains","verdict":false,"data":{{"explanation":"a bomb"}}}}]}}]}}"#
        )
    };
    for (body, kind, words) in [
        (of(hello, "\"stop\"", r#","error":{"message":"engine","code":500}"#), ErrorKind::Overloaded, "engine"),
        (of(hello, "\"stop\"", r#","error":"engine""#), ErrorKind::Other, "engine"),
        (of(hello, "\"stop\"", &(hooks("") + r#","error":"engine""#)), ErrorKind::Other, "engine"),
        (of(hello, "null", r#","errors":[{"message":"engine"}]"#), ErrorKind::Other, "engine"),
        (of(r#"{"content":"Hel","error":{"message":"engine"}}"#, "null", ""), ErrorKind::Other, "engine"),
        (
            of(hello, r#""error","error":{"code":502,"message":"Provider disconnected"}"#, ""),
            ErrorKind::Overloaded,
            "Provider disconnected",
        ),
        (of(hello, "\"error\"", ""), ErrorKind::Overloaded, "error"),
        (of(hello, "\"abort\"", ""), ErrorKind::Truncated, "abort"),
        (of(hello, r#"{"type":"abort","message":"x"}"#, ""), ErrorKind::Truncated, "abort"),
        (of(hello, "\"insufficient_system_resource\"", ""), ErrorKind::Overloaded, "insufficient_system_resource"),
        (of(hello, "\"out_of_memory\"", ""), ErrorKind::Overloaded, "out_of_memory"),
        (of("{}", "\"MALFORMED_FUNCTION_CALL\"", ""), ErrorKind::Protocol, "MALFORMED_FUNCTION_CALL"),
        (of("{}", "\"UNEXPECTED_TOOL_CALL\"", ""), ErrorKind::Protocol, "UNEXPECTED_TOOL_CALL"),
        (
            of("{}", "\"function_call_filter: MALFORMED_FUNCTION_CALL\"", ""),
            ErrorKind::Protocol,
            "function_call_filter: MALFORMED_FUNCTION_CALL",
        ),
        (of("{}", "\"TIMEOUT\"", ""), ErrorKind::Timeout, "TIMEOUT"),
        (of("{}", "null", ""), ErrorKind::Protocol, "no chat completion"),
        (
            of(hello, "\"stop\"", r#","base_resp":{"status_code":1008,"status_msg":"insufficient balance"}"#),
            ErrorKind::QuotaExceeded,
            "insufficient balance",
        ),
        (of(hello, "\"stop\"", r#","success":false"#), ErrorKind::Other, "success"),
        (of(hello, "\"stop\"", &hooks("")), ErrorKind::ContentBlocked, "default.contains: a bomb"),
        (of(hello, "\"stop\"", &hooks(r#","deny":true"#)), ErrorKind::ContentBlocked, "a bomb"),
        (
            of(r#"{"tool_calls":[{"function":{"name":"f","arguments":"{\"a\":"}}]}"#, "\"stop\"", ""),
            ErrorKind::Truncated,
            "",
        ),
        (
            of(r#"{"tool_calls":[{"function":{"name":"f","arguments":"{\"a\":"}}]}"#, "\"tool_calls\"", ""),
            ErrorKind::Truncated,
            "",
        ),
        (
            of(r#"{"tool_calls":[{"id":"a","function":{"arguments":"{}"}}]}"#, "\"tool_calls\"", ""),
            ErrorKind::Protocol,
            "which",
        ),
        (of(r#"{"images":[{"url":"data:image/png;base64,%"}]}"#, "\"stop\"", ""), ErrorKind::Protocol, "base64"),
        (
            of(r#"{"images":[{"url":"data:image/png;base64,PGh0bWw+PHRpdGxlPk5vPC90aXRsZT4="}]}"#, "\"stop\"", ""),
            ErrorKind::Protocol,
            "is text: <html><title>No</title>",
        ),
        (r#"{"choices":[]}"#.into(), ErrorKind::Protocol, "no choice"),
        (r#"{"choices":[],"promptFeedback":{"blockReason":"SAFETY"}}"#.into(), ErrorKind::ContentBlocked, "SAFETY"),
        (r#"{"choices":[],"provider":"google"}"#.into(), ErrorKind::ContentBlocked, "blocked"),
        (
            r#"{"choices":null,"base_resp":{"status_code":1008,"status_msg":"insufficient balance"}}"#.into(),
            ErrorKind::QuotaExceeded,
            "insufficient balance",
        ),
        (r#"{"code":401,"msg":"no such token"}"#.into(), ErrorKind::Unauthorized, "no such token"),
        (r#"{"detail":"gone"}"#.into(), ErrorKind::Other, "gone"),
        (
            r#"[{"error":{"code":400,"message":"Unknown name","status":"INVALID_ARGUMENT"}}]"#.into(),
            ErrorKind::InvalidRequest,
            "Unknown name",
        ),
        (r#""sorry""#.into(), ErrorKind::Other, "sorry"),
    ] {
        let error = answer(&body).expect_err(&body);
        assert_eq!(error.kind, kind, "{body}: {}", error.message);
        assert!(error.message.contains(words), "{body}: {}", error.message);
    }
    for more in [r#","deny":false"#, r#","async":true"#] {
        assert!(answer(&of(hello, "\"stop\"", &hooks(more))).is_ok(), "{more}");
    }
    for blank in ["null", "{}", "false", "\"\"", "[]", "0", r#"{"message":"","code":null,"type":""}"#] {
        assert!(answer(&of(hello, "\"stop\"", &format!(r#","error":{blank}"#))).is_ok(), "{blank}");
    }
    assert!(answer(&of(hello, "\"stop\"", r#","errors":[],"messages":[]"#)).is_ok());
    assert!(answer(&of(hello, "\"stop\"", r#","error_code":0,"timings":{"a":NaN,"b":"Infinity"}"#)).is_ok());
    assert!(answer(&of(hello, "\"stop\"", r#","base_resp":{"status_code":0,"status_msg":"success"}"#)).is_ok());
    let soft = response(Head { status: 246, headers: Vec::new() }, of(hello, "\"stop\"", &hooks("")).as_bytes(), false);
    assert!(soft.is_ok(), "the guardrail was not to deny");
}

/// A stream, or a line for each chunk, though one document was asked for.
#[test]
fn a_whole_answer_that_comes_as_a_stream() {
    let chunks = [
        r#"{"id":"c","model":"m","choices":[{"delta":{"content":"Hel"}}]}"#,
        r#"{"choices":[{"delta":{"content":"lo"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":2}}"#,
    ];
    for body in [
        format!("data: {}\n\ndata: {}\n\ndata: [DONE]\n\n", chunks[0], chunks[1]),
        chunks.join("\n"),
        format!(": hi\n\ndata: {}\ndata: {}", chunks[0], chunks[1]),
    ] {
        let got = answer(&body).unwrap();
        assert_eq!((got.id.as_str(), got.model.as_str(), got.finish_reason), ("c", "m", FinishReason::Stop));
        assert_eq!((got.content, got.usage.unwrap().output_tokens), (vec![AssistantPart::Text("Hello".into())], 2));
    }
    assert_eq!(answer(&format!("data: {}\n\n", chunks[0])).unwrap_err().kind, ErrorKind::Truncated);
    let error = answer("upstream connect error").unwrap_err();
    assert_eq!(error.kind, ErrorKind::Overloaded);
    assert!(error.message.contains("upstream connect error"));
}

/// Several documents in one body are pieces of a stream: none of them is the whole, and none is lost.
#[test]
fn several_messages_are_pieces() {
    let line = |content: &str| format!(r#"{{"choices":[{{"message":{{"content":"{content}"}}}}]}}"#);
    for body in [format!("{}\n{}", line("a"), line("b")), format!("[{},{}]", line("a"), line("b"))] {
        assert_eq!(answer(&body).unwrap_err().kind, ErrorKind::Truncated, "{body}");
    }
    // The last may end within a character.
    let half = r#"[{"choices":[{"delta":{"content":"a"}}]},{"choices":[{"delta":{"content":"b\ud83d"},"finish_reason":"stop"}]}]"#;
    assert_eq!(answer(half).unwrap().content, [AssistantPart::Text("ab\u{fffd}".into())]);
}

/// A message that says something is an answer without a reason too, also where what it says is told at the end alone.
#[test]
fn a_message_without_a_reason() {
    for message in [
        r#"{"content":"<"}"#,
        r#"{"tool_calls":[{"id":"srvtoolu_1","function":{"arguments":"{\"q\":1}"}}]}"#,
        r#"{"content_blocks":[{"id":"s","name":"web_search"}]}"#,
        r#"{"reasoning_details":[{"type":"reasoning.encrypted","data":"x"}]}"#,
    ] {
        let got = answer(&format!(r#"{{"choices":[{{"message":{message}}}]}}"#));
        assert!(got.is_ok_and(|got| !got.content.is_empty()), "{message}");
    }
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
        ("eot", false, FinishReason::Stop),
        ("moderated", false, FinishReason::ContentFilter),
        ("COMPLETE", false, FinishReason::Stop),
        ("pause_turn", true, FinishReason::ToolCalls),
        ("TOOL_CALL", false, FinishReason::ToolCalls),
        ("model_length", false, FinishReason::Length),
        ("guardrail_intervened", false, FinishReason::ContentFilter),
        ("PROHIBITED_CONTENT", false, FinishReason::ContentFilter),
        ("sensitive", false, FinishReason::ContentFilter),
        ("ERROR_TOXIC", false, FinishReason::ContentFilter),
        ("model_context_window_exceeded", false, FinishReason::Length),
        ("token_limit", false, FinishReason::Length),
        ("ContextWindowExceeded", false, FinishReason::Length),
        ("compaction", false, FinishReason::Stop),
        ("incomplete", false, FinishReason::Length),
        ("ERROR_LIMIT", false, FinishReason::Length),
        ("length_limit", false, FinishReason::Length),
        ("FINISH_REASON_MAX_TOKENS", false, FinishReason::Length),
        ("maxTokens", false, FinishReason::Length),
        // A loop that the server ended: vLLM's word (litellm#27101), and Moonshot's.
        ("repetition", false, FinishReason::Length),
        ("repeat", false, FinishReason::Length),
        ("OUTPUT_BLOCKED", false, FinishReason::ContentFilter),
        ("max-tokens", false, FinishReason::Length),
        ("FINISH_REASON_STOP", false, FinishReason::Stop),
        ("endTurn", false, FinishReason::Stop),
        ("stop_str", true, FinishReason::ToolCalls),
        ("stopped", false, FinishReason::Stop),
        ("success", false, FinishReason::Stop),
        ("<|im_end|>", false, FinishReason::Stop),
        ("tool-calls", false, FinishReason::ToolCalls),
        ("toolUse", false, FinishReason::ToolCalls),
        ("content-filter", false, FinishReason::ContentFilter),
        ("policy_violation", false, FinishReason::ContentFilter),
        ("content_filter: PROHIBITED_CONTENT", false, FinishReason::ContentFilter),
        ("inappropriate_content", false, FinishReason::ContentFilter),
        // The gateway says `stop` for these two, if it translates: Google cut the answer, or does not say why it ended.
        ("RECITATION", false, FinishReason::ContentFilter),
        ("OTHER", false, FinishReason::Other("OTHER".into())),
        ("a word to come", false, FinishReason::Other("a word to come".into())),
    ] {
        assert_eq!(finish_reason(reason, has_calls), expected, "{reason}");
    }
    // OpenRouter's own word may hide the provider's (cherry-studio#16079).
    for (own, native, expected) in [
        ("stop", "refusal", FinishReason::ContentFilter),
        ("stop", "PROHIBITED_CONTENT", FinishReason::ContentFilter),
        ("stop", "MAX_TOKENS", FinishReason::Length),
        ("stop", "end_turn", FinishReason::Stop),
        ("stop", "a word to come", FinishReason::Stop),
        ("length", "STOP", FinishReason::Length),
    ] {
        let body = format!(
            r#"{{"choices":[{{"message":{{"content":"a"}},"finish_reason":"{own}","native_finish_reason":"{native}"}}]}}"#
        );
        assert_eq!(answer(&body).unwrap().finish_reason, expected, "{own}, {native}");
    }
    // Copilot's: a text and its calls, of one number. Of another number is another answer.
    let of = |index: u64| {
        format!(
            r#"{{"choices":[{{"index":0,"message":{{"content":"a"}},"finish_reason":"tool_calls"}},{{"index":{index},"message":{{"tool_calls":[{{"id":"i","function":{{"name":"f","arguments":"{{}}"}}}}]}},"finish_reason":"tool_calls"}}]}}"#
        )
    };
    let both = answer(&of(0)).unwrap();
    assert!(matches!(&both.content[..], [AssistantPart::Text(_), AssistantPart::ToolCall(_)]), "{:?}", both.content);
    assert_eq!(answer(&of(1)).unwrap_err().kind, ErrorKind::Protocol);
    // So is one without a number, behind the first.
    let unnumbered = r#"{"choices":[{"message":{"content":"a"},"finish_reason":"stop"},{"message":{"content":"b"}}]}"#;
    assert_eq!(answer(unnumbered).unwrap().content, [AssistantPart::Text("a".into())]);
    // And one before that with the number 0.
    let both =
        r#"{"choices":[{"message":{"content":"b"}},{"index":0,"message":{"content":"a"},"finish_reason":"stop"}]}"#;
    assert_eq!(answer(both).unwrap().content, [AssistantPart::Text("a".into())]);
    // Some leave out a number that is zero.
    let zero = r#"{"choices":[{"message":{"content":"a"},"finish_reason":"stop"},{"index":1,"message":{"content":"b"},"finish_reason":"stop"}]}"#;
    assert_eq!(answer(zero).unwrap().content, [AssistantPart::Text("a".into())]);
    // Some have the member of a stream too.
    for delta in ["{}", r#"{"content":""}"#, r#"{"content":"a"}"#] {
        let both = format!(r#"{{"choices":[{{"message":{{"content":"a"}},"delta":{delta},"finish_reason":"stop"}}]}}"#);
        assert_eq!(answer(&both).unwrap().content, [AssistantPart::Text("a".into())], "{both}");
    }
    let silent = r#"{"choices":[{"message":{"content":null},"delta":{"content":"a"},"finish_reason":"stop"}]}"#;
    assert_eq!(answer(silent).unwrap().content, [AssistantPart::Text("a".into())]);
    let marked = "{\"choices\":[{\"message\":{\"content\":\"a\"}}]}\n[DONE]";
    assert_eq!(answer(marked).unwrap().content, [AssistantPart::Text("a".into())]);
    let listed = r#"{"choices":[{"message":{"content_list":[{"type":"tool_use","tool_use":{"tool_use_id":"c","name":"f","input":{}}}],"content":[]},"finish_reason":"tool_use"}]}"#;
    assert!(matches!(&answer(listed).unwrap().content[..], [AssistantPart::ToolCall(_)]), "{listed}");
    let older = r#"{"choices":[{"messages":[{"sender_type":"BOT","text":"a"}],"finish_reason":"stop"}],"reply":"a"}"#;
    assert_eq!(answer(older).unwrap().content, [AssistantPart::Text("a".into())], "MiniMax's older form");
    // What is not over has no reason (watsonx).
    let cut =
        "data: {\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":\"not_finished\"}]}\n\ndata: [DONE]\n\n";
    assert_eq!(answer(cut).unwrap_err().kind, ErrorKind::Truncated);
    let root = answer(r#"{"choices":[{"message":{"content":"a"}}],"finish_reason":"length"}"#).unwrap();
    assert_eq!(root.finish_reason, FinishReason::Length);
    let limit = answer(r#"{"choices":[{"message":{"content":"a"},"finish_reason":"ERROR_LIMIT"}]}"#).unwrap();
    assert_eq!(limit.finish_reason, FinishReason::Length);
    let failed = answer(r#"{"choices":[{"message":{},"finish_reason":"overloaded_error"}]}"#).unwrap_err();
    assert_eq!((failed.kind, failed.origin), (ErrorKind::Overloaded, ErrorOrigin::Upstream));
}

#[test]
fn usage_holds_all_input_tokens_whoever_counts() {
    let usage = |json: &str| {
        let usage = answer(&format!(r#"{{"choices":[{{"message":"x"}}],"usage":{json}}}"#)).unwrap().usage.unwrap();
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
    // Anthropic's newer form alone.
    assert_eq!(
        usage(
            r#"{"prompt_tokens":10,"completion_tokens":5,"cache_creation":{"ephemeral_5m_input_tokens":20,"ephemeral_1h_input_tokens":10}}"#
        ),
        (40, 5, None, Some(30))
    );
    assert_eq!(
        usage(
            r#"{"prompt_tokens":10,"completion_tokens":5,"cache_creation_input_tokens":30,"cache_creation":{"ephemeral_5m_input_tokens":30}}"#
        ),
        (40, 5, None, Some(30))
    );
    // Cohere's own.
    let cohere =
        r#"{"billed_units":{"input_tokens":3,"output_tokens":2},"tokens":{"input_tokens":70,"output_tokens":2}}"#;
    assert_eq!(usage(cohere), (70, 2, None, None));
    assert_eq!(usage(r#"{"billed_units":{"input_tokens":3,"output_tokens":2}}"#), (3, 2, None, None));
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
    // Google's own endpoint counts it in the total alone.
    assert_eq!(usage(r#"{"prompt_tokens":10,"completion_tokens":5,"total_tokens":45}"#), (10, 35, None, None));
    let cached =
        r#"{"prompt_tokens":10,"completion_tokens":5,"total_tokens":85,"prompt_tokens_details":{"cached_tokens":70}}"#;
    assert_eq!(usage(cached), (10, 5, Some(70), None), "what is beside them may be something else");
    assert_eq!(usage(r#"{"total_tokens":45}"#), (0, 0, None, None));
    // From the gateway's cache.
    assert_eq!(usage(r#"{"completion_tokens":7}"#), (0, 7, None, None));
    // A place that says nothing hides none that does.
    for cached in [
        r#""cached_tokens":0,"prompt_tokens_details":{"cached_tokens":4}"#,
        r#""cached_tokens":4,"prompt_tokens_details":{"cached_tokens":0}"#,
        r#""num_cached_tokens":4"#,
        r#""cache_read_input_tokens":0,"prompt_cache_hit_tokens":4"#,
    ] {
        let json = format!(r#"{{"prompt_tokens":9,"completion_tokens":1,"total_tokens":10,{cached}}}"#);
        assert_eq!(usage(&json), (9, 1, Some(4), None), "{cached}");
    }
    // In camel case: of Vercel's SDK, Bedrock's Converse and Google.
    for (json, expected) in [
        (r#""promptTokens":9,"completionTokens":1,"totalTokens":10,"cachedInputTokens":4"#, (9, 1, Some(4), None)),
        (r#""PromptTokens":9,"CompletionTokens":1,"promptTokensDetails":{"cachedTokens":4}"#, (9, 1, Some(4), None)),
        (
            r#""inputTokens":2,"outputTokens":1,"totalTokens":10,"cacheReadInputTokens":4,"cacheWriteInputTokens":3"#,
            (9, 1, Some(4), Some(3)),
        ),
        (
            r#""promptTokenCount":9,"candidatesTokenCount":1,"thoughtsTokenCount":5,"totalTokenCount":15,"cachedContentTokenCount":4"#,
            (9, 6, Some(4), None),
        ),
    ] {
        assert_eq!(usage(&format!("{{{json}}}")), expected, "{json}");
    }
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
        ("data: {}", ErrorKind::Truncated),
        (r#"{"message":{"role":"assistant","content":"hi"}}"#, ErrorKind::Protocol),
        (r#"{"choices":[{}],"done":true}"#, ErrorKind::Protocol),
        (r#"{"text":["hi"]}"#, ErrorKind::Protocol),
        ("<html></html>", ErrorKind::InvalidConfig),
        (r#"{"status":"failure","message":"Invalid config passed"}"#, ErrorKind::InvalidConfig),
        (r#"{"error":{"message":"x","type":"hooks_failed"},"choices":[{}]}"#, ErrorKind::ContentBlocked),
    ] {
        assert_eq!(answer(body).unwrap_err().kind, kind, "{body}");
    }
}

/// A base URL, or the provider that the gateway was told of, leads to an API of the provider's own.
#[test]
fn answers_in_the_form_of_another_api() {
    let hello = r#"{"role":"assistant","content":"Hello"}"#;
    let ollama = format!(r#"{{"model":"m","created_at":"2026","message":{hello},"done":"#);
    for (body, api) in [
        (format!("{ollama}true}}"), "Ollama's"),
        (format!("{ollama}false}}\n{ollama}true}}\n"), "Ollama's"),
        (r#"{"model":"m","response":"Hello","done":true}"#.into(), "Ollama's"),
        (r#"{"candidates":[{"content":{"parts":[{"text":"Hello"}]},"finishReason":"STOP"}]}"#.into(), "Google's"),
        (r#"[{"candidates":[{"content":{"parts":[{"text":"Hel"}]}}]},{"candidates":[]}]"#.into(), "Google's"),
        (
            "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"Hello\"}]}}]}\r\n\r\n".into(),
            "Google's",
        ),
        (format!(r#"{{"output":{{"choices":[{{"message":{hello}}}]}},"request_id":"r"}}"#), "DashScope's"),
        (
            r#"{"id":"c","finish_reason":"COMPLETE","message":{"role":"assistant","content":[{"type":"text","text":"Hello"}]}}"#.into(),
            "Cohere's",
        ),
        (
            "event: message-start\ndata: {\"type\":\"message-start\",\"delta\":{}}\n\ndata: {\"type\":\"content-delta\"}\n\n".into(),
            "Cohere's",
        ),
        (
            r#"{"type":"message","role":"assistant","content":[{"type":"text","text":"Hello"}],"stop_reason":"end_turn"}"#.into(),
            "Anthropic's",
        ),
        (
            "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{}}\n\ndata: {\"type\":\"message_stop\"}\n\n".into(),
            "Anthropic's",
        ),
        (r#"{"output":{"message":{"role":"assistant","content":[{"text":"Hi"}]}},"stopReason":"end_turn"}"#.into(), "Bedrock's"),
        (r#"{"generation":"Hello","prompt_token_count":3,"stop_reason":"stop"}"#.into(), "Bedrock's"),
        (r#"{"text":"Hello","generation_id":"g","finish_reason":"COMPLETE"}"#.into(), "Cohere's"),
        (
            r#"{"message":{"role":"assistant","tool_plan":"I","tool_calls":[]},"finish_reason":"TOOL_CALL"}"#.into(),
            "Cohere's",
        ),
        (r#"{"object":"chat.completion","result":"Hello","is_truncated":false}"#.into(), "Baidu's"),
        (format!(r#"{{"Response":{{"RequestId":"r","Choices":[{{"Message":{hello}}}]}}}}"#), "Tencent's"),
        (r#"{"status":"succeeded","output":["Hel","lo"],"urls":{}}"#.into(), "Replicate's"),
        (r#"{"predictions":[{"content":"Hello"}]}"#.into(), "Vertex AI's"),
        (r#"{"event_type":"text-generation","text":"Hel"}"#.to_owned() + "\n{\"event_type\":\"stream-end\"}\n", "Cohere's"),
        (r#"[{"generated_text":"Hello"}]"#.into(), "Hugging Face's"),
        ("data: {\"content\":\"Hel\",\"stop\":false}\n\ndata: {\"content\":\"lo\",\"stop\":true}\n\n".into(), "llama.cpp's"),
        (format!(r#"{{"code":0,"message":"Success","data":{{"choices":[{{"message":{hello}}}]}}}}"#), "another gateway's"),
        (r#"{"result":{"response":"Hello"},"success":true,"errors":[]}"#.into(), "Workers AI's"),
        // What was asked, and what a call takes, is no failure's words.
        (
            r#"{"response_id":"r","text":"hi","generation_id":"g","chat_history":[{"role":"USER","message":"hi"}]}"#.into(),
            "Cohere's",
        ),
        (r#"{"status":"succeeded","output":"x","urls":{},"input":{"message":"hi"}}"#.into(), "Replicate's"),
        (
            "data: {\"type\":\"message_start\",\"message\":{\"role\":\"assistant\",\"content\":[]}}\n\n\
            data: {\"type\":\"content_block_start\",\"content_block\":{\"type\":\"tool_use\",\"input\":{\"message\":\"x\"}}}\n\n"
                .into(),
            "Anthropic's",
        ),
        (
            r#"{"type":"message","stop_reason":"tool_use","content":[{"type":"tool_use","input":{"message":"Deployed"}}]}"#.into(),
            "Anthropic's",
        ),
        (
            r#"{"candidates":[{"content":{"parts":[{"functionCall":{"args":{"message":"Hi","error":"no"}}}]}}]}"#.into(),
            "Google's",
        ),
        (
            r#"{"stopReason":"tool_use","output":{"message":{"role":"assistant","content":[{"toolUse":{"input":{"error":"no"}}}]}}}"#
                .into(),
            "Bedrock's",
        ),
        (
            r#"{"done":true,"message":{"role":"assistant","tool_calls":[{"function":{"arguments":{"message":"Hi"}}}]}}"#.into(),
            "Ollama's",
        ),
        ("data: {\"response\":\"Hel\"}\n\ndata: {\"response\":\"lo\"}\n\ndata: [DONE]\n\n".into(), "Workers AI's"),
    ] {
        let mut reply = crate::stream::Reply::new(Head { status: 200, headers: Vec::new() });
        reply.push(body.as_bytes());
        reply.close(None);
        for error in [answer(&body).unwrap_err(), reply.take().unwrap().unwrap_err()] {
            let expected = format!("The answer is in the form of {api} own API, not of OpenAI's");
            assert_eq!((error.kind, &error.message), (ErrorKind::InvalidConfig, &expected), "{body}");
            assert!(error.hint.unwrap().contains("the option provider"), "{body}");
        }
    }
}
