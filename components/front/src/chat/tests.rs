use super::*;
use crate::bindings::openclaw::provider::chat::{ReplyStart, ToolCall, ToolCallDelta};
use crate::bindings::openclaw::provider::types::GatewayReport;
use alloc::vec;

fn call(body: &Value) -> Result<Call, Box<Failure>> {
    read(body.to_string().as_bytes())
}

#[test]
fn a_body_goes_along_as_it_is() {
    let body = json!({
        "model": "m",
        "messages": [
            {"role": "developer", "content": [{"type": "text", "text": "long", "cache_control": {"type": "ephemeral"}}]},
            {"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "x", "format": "wav"}}]},
            {"role": "assistant", "content": null, "reasoning_details": [{"type": "reasoning.text", "text": "hm", "signature": "s"}],
             "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}, "extra_content": {"signature": "t"}}]},
        ],
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {"z": 1, "a": 2}}}],
        "max_tokens": 7, "seed": 9_007_199_254_740_993_i64, "new": [1],
    });
    let mut asked = body.clone();
    asked["stream"] = true.into();
    asked["stream_options"] = json!({"include_usage": true});
    let call = call(&asked).unwrap();
    assert_eq!((call.request.ask, call.stream, call.include_usage), (Ask::OpenaiJson(body.to_string()), true, true));
}

/// A provider with a long one would make the gateway send it with each piece.
#[test]
fn a_long_id_or_model_is_not_repeated_in_each_chunk() {
    let start = ReplyStart { id: "i".repeat(100_000), model: "m".repeat(100_000) };
    let mut out = Vec::new();
    Chunks::new(0, false).push(vec![Event::Start(start), Event::Text("a".to_owned())], &mut out);
    assert!(out.len() < 2_000, "{}", out.len());
}

#[test]
fn a_part_of_more_members_than_anyone_means_is_left_out() {
    let part = |count| {
        let members: Map<String, Value> = (0..count).map(|member: u32| (member.to_string(), json!(0))).collect();
        let mut delta = Delta::default();
        delta.other(&Value::Object(members).to_string());
        delta.content_blocks.len()
    };
    assert_eq!([part(2_048), part(2_049)], [1, 0]);
}

#[test]
fn what_is_wrong_is_named() {
    let hello = json!([{"role": "user", "content": "hello"}]);
    for (body, param) in [
        (json!({"messages": hello}), "model"),
        (json!({"model": " ", "messages": hello}), "model"),
        (json!({"model": "m"}), "messages"),
        (json!({"model": "m", "messages": []}), "messages"),
        (json!({"model": "m", "messages": hello, "n": 2}), "n"),
        (json!({"model": "m", "messages": hello, "logprobs": true}), "logprobs"),
        (json!({"model": "m", "messages": hello, "audio": {}}), "audio"),
        (json!({"model": "m", "messages": hello, "tools": [{"type": "custom"}]}), "tools"),
        (json!({"model": "m", "messages": hello, "stream": "yes"}), "stream"),
    ] {
        let failure = call(&body).unwrap_err();
        assert_eq!((failure.status, failure.param.as_deref()), (400, Some(param)), "{body}");
    }
    for body in [&b""[..], b"[]", b"{", b"\xff", &[b'['; 100_000]] {
        assert_eq!(read(body).unwrap_err().status, 400);
    }
}

fn used() -> Usage {
    Usage {
        input_tokens: 5,
        output_tokens: 3,
        cache_read_tokens: Some(2),
        cache_write_tokens: None,
        reasoning_tokens: Some(1),
    }
}

#[test]
fn a_whole_answer() {
    let report =
        GatewayReport { trace_id: None, provider: None, cache_status: None, retry_attempts: None, used_target: None };
    let response = Response {
        id: "id".into(),
        model: "m".into(),
        content: vec![
            AssistantPart::Thinking(Thinking { text: "hm".into(), signature: Some("s".into()) }),
            AssistantPart::Text("a\"".into()),
            AssistantPart::Text("b".into()),
            AssistantPart::ToolCall(ToolCall {
                id: "c1".into(),
                name: "f".into(),
                arguments_json: "{}".into(),
                signature: None,
            }),
        ],
        finish_reason: FinishReason::ToolCalls,
        usage: Some(used()),
        guardrails_json: Some(r#"{"before":[]}"#.into()),
        report,
    };
    let json: Value = serde_json::from_slice(&answer(response, 7)).unwrap();
    assert_eq!(
        json,
        json!({
            "id": "id", "object": "chat.completion", "created": 7, "model": "m",
            "choices": [{"index": 0, "logprobs": null, "finish_reason": "tool_calls", "message": {
                "role": "assistant", "content": "a\"b", "reasoning_content": "hm",
                "reasoning_details": [{"type": "reasoning.text", "text": "hm", "signature": "s"}],
                "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
            }}],
            "usage": {
                "prompt_tokens": 5, "completion_tokens": 3, "total_tokens": 8,
                "prompt_tokens_details": {"cached_tokens": 2, "cache_write_tokens": 0},
                "completion_tokens_details": {"reasoning_tokens": 1},
            },
            "hook_results": {"before": []},
        })
    );
}

/// The JSON of each chunk.
fn chunks(events: Vec<Event>, include_usage: bool) -> Vec<Value> {
    let mut out = Vec::new();
    let mut chunks = Chunks::new(7, include_usage);
    chunks.push(events, &mut out);
    chunks.end(&mut out);
    let text = String::from_utf8(out).unwrap();
    let events = text.strip_suffix("\n\n").unwrap().split("\n\n");
    events.map(|event| serde_json::from_str(event.strip_prefix("data: ").unwrap()).unwrap()).collect()
}

fn all_events() -> Vec<Event> {
    let call = |id: Option<&str>, name: Option<&str>, fragment: &str| {
        Event::ToolCall(ToolCallDelta {
            index: 0,
            id: id.map(Into::into),
            name: name.map(Into::into),
            arguments_fragment: fragment.into(),
            signature: None,
        })
    };
    vec![
        Event::Start(ReplyStart { id: "id".into(), model: "m".into() }),
        Event::Thinking(Thinking { text: "h".into(), signature: None }),
        Event::Thinking(Thinking { text: "m".into(), signature: Some("s".into()) }),
        Event::Text("two\nlines".into()),
        call(Some("c1"), Some("f"), ""),
        call(None, None, "{}"),
        Event::GuardrailsJson(r#"{"before":[]}"#.into()),
        Event::Finish(FinishReason::ToolCalls),
        Event::Usage(used()),
    ]
}

#[test]
fn chunks_of_a_stream() {
    let chunks = chunks(all_events(), true);
    let deltas: Vec<&Value> = chunks.iter().map(|chunk| &chunk["choices"][0]["delta"]).collect();
    assert_eq!(*deltas[0], json!({"role": "assistant", "content": ""}));
    assert_eq!(*deltas[1], json!({"reasoning_content": "h"}));
    let detail = json!({"type": "reasoning.text", "text": "hm", "signature": "s", "index": 0});
    assert_eq!(deltas[2]["reasoning_details"], json!([detail]));
    assert_eq!(*deltas[3], json!({"content": "two\nlines"}));
    assert_eq!(
        *deltas[4],
        json!({"tool_calls": [{"index": 0, "id": "c1", "type": "function", "function": {"name": "f", "arguments": ""}}]})
    );
    assert_eq!(*deltas[5], json!({"tool_calls": [{"index": 0, "function": {"arguments": "{}"}}]}));
    assert_eq!(chunks[6]["choices"][0], json!({"index": 0, "delta": {}, "finish_reason": "tool_calls"}));
    assert_eq!(chunks[6]["hook_results"], json!({"before": []}));
    assert_eq!((&chunks[7]["choices"], &chunks[7]["usage"]["total_tokens"]), (&json!([]), &json!(8)));
    for chunk in &chunks {
        assert_eq!((&chunk["id"], &chunk["model"], &chunk["created"]), (&json!("id"), &json!("m"), &json!(7)));
        assert_eq!(chunk["object"], "chat.completion.chunk");
    }
    assert!(chunks[..7].iter().all(|chunk| chunk["usage"].is_null() && chunk.get("usage").is_some()));
}

#[test]
fn usage_comes_where_it_was_asked_for() {
    let chunks = chunks(all_events(), false);
    assert_eq!(chunks.len(), 7);
    assert!(chunks.iter().all(|chunk| chunk.get("usage").is_none()));
}

#[test]
fn each_signed_piece_of_reasoning_has_a_number() {
    let signed = |text: &str| Event::Thinking(Thinking { text: text.into(), signature: Some("s".into()) });
    let chunks = chunks(vec![signed("a"), signed("b")], false);
    let details: Vec<_> = chunks.iter().map(|chunk| &chunk["choices"][0]["delta"]["reasoning_details"][0]).collect();
    let numbered: Vec<_> = details.iter().map(|detail| (&detail["text"], &detail["index"])).collect();
    assert_eq!(numbered, [(&json!("a"), &json!(0)), (&json!("b"), &json!(1))]);
}

/// JSON may have line breaks between its parts, and an event may not.
#[test]
fn results_of_guardrails_end_no_event() {
    for broken in ["{\n\n\"a\":\r\n\r\n1}", "\n\n{\"a\": 1\r\r}\n\n"] {
        let results = || Some(Event::GuardrailsJson(broken.into()));
        let chunks = chunks(results().into_iter().chain([Event::Text("b".into())]).collect(), false);
        assert_eq!((&chunks[0]["hook_results"], chunks.len()), (&json!({"a": 1}), 1));
    }
}

/// What this thread has asked the allocator for, in bytes: copies count, time does not.
struct Counting;

std::thread_local! {
    static ALLOCATED: core::cell::Cell<usize> = const { core::cell::Cell::new(0) };
}

// SAFETY: all of it is the system's allocator's work.
unsafe impl std::alloc::GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: std::alloc::Layout) -> *mut u8 {
        ALLOCATED.set(ALLOCATED.get() + layout.size());
        // SAFETY: as above.
        unsafe { std::alloc::System.alloc(layout) }
    }

    unsafe fn dealloc(&self, start: *mut u8, layout: std::alloc::Layout) {
        // SAFETY: as above.
        unsafe { std::alloc::System.dealloc(start, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// A provider hands over what it likes, in any order.
#[test]
fn whatever_a_provider_hands_over_is_an_event_a_line() {
    let evil = "}\r\n\r\ndata: [DONE]\n\n\0\u{2028}\u{1b}\"]}";
    let told = || evil.to_owned();
    let deep = "[".repeat(100_000);
    let call = |index| ToolCallDelta {
        index,
        id: Some(told()),
        name: Some(told()),
        arguments_fragment: told(),
        signature: Some(told()),
    };
    let all = || {
        let mut events = vec![
            Event::Finish(FinishReason::Other(told())),
            Event::Text(told()),
            Event::Start(ReplyStart { id: told(), model: told() }),
            Event::Refusal(told()),
            Event::ToolCall(call(u32::MAX)),
            Event::ToolCall(call(0)),
            Event::Thinking(Thinking { text: told(), signature: Some(told()) }),
            Event::Image(MediaSource::Url(told())),
            Event::Start(ReplyStart { id: String::new(), model: "}}}".into() }),
            Event::Finish(FinishReason::Stop),
            Event::Text(String::new()),
        ];
        for odd in [evil, "", "{", "{}{}", "{} \n {}", "nul", "[\r\n]", "\"\n\"", "{\"a\":\n1}", &deep] {
            events.push(Event::Other(odd.into()));
            events.push(Event::GuardrailsJson(odd.into()));
        }
        events
    };
    for include_usage in [false, true] {
        let (mut chunks, mut out) = (Chunks::new(u64::MAX, include_usage), Vec::new());
        chunks.push(all(), &mut out);
        chunks.push(all(), &mut out);
        chunks.end(&mut out);
        let text = String::from_utf8(out).unwrap();
        let lines: Vec<&str> = text.split_terminator("\n\n").collect();
        assert!(lines.len() >= 22, "{text}");
        for line in lines {
            let json = line.strip_prefix("data: ").unwrap();
            let chunk: Value = serde_json::from_str(json).unwrap_or_else(|error| panic!("{error}: {json}"));
            assert!(!json.contains(['\n', '\r']) && chunk["object"] == "chat.completion.chunk", "{json}");
        }
    }
}

/// A model can think for as long as it likes before it signs.
#[test]
fn twice_as_much_reasoning_costs_about_twice_as_much() {
    let cost = |count: usize| {
        let thought = || Event::Thinking(Thinking { text: "0123456789".into(), signature: None });
        let (events, before) = ((0..count).map(|_| thought()).collect(), ALLOCATED.get());
        Chunks::new(7, false).push(events, &mut Vec::new());
        ALLOCATED.get() - before
    };
    let (once, twice) = (cost(1000), cost(2000));
    assert!(twice < once * 5 / 2, "{once} bytes, and {twice}");
}

#[test]
fn no_results_of_guardrails_are_lost() {
    let results = |number: u8| Event::GuardrailsJson(json!({"number": number}).to_string());
    for include_usage in [false, true] {
        let start = Event::Start(ReplyStart { id: "id".into(), model: "m".into() });
        let events =
            [results(1), results(2), start, Event::Finish(FinishReason::Stop), Event::Usage(used()), results(3)];
        let chunks = chunks(events.into(), include_usage);
        let held: Vec<_> = chunks.iter().map(|chunk| (&chunk["hook_results"]["number"], &chunk["choices"])).collect();
        assert_eq!(held[0], (&json!(1), &json!([])), "one does not take the place of another");
        assert_eq!((held[1].0, held[2].0), (&json!(2), &Value::Null));
        assert_eq!(held[3..], [(&json!(3), &json!([]))]);
        assert_eq!(chunks[3]["usage"]["total_tokens"].as_u64(), include_usage.then_some(8));
    }
}

#[test]
fn an_error_in_a_stream_is_one_event() {
    let event = String::from_utf8(error_event(&Failure::new(502, "truncated", "It\nbroke"))).unwrap();
    let json: Value = serde_json::from_str(event.strip_prefix("data: ").unwrap()).unwrap();
    assert_eq!(event.matches('\n').count(), 2, "an event is one line");
    assert_eq!((&json["error"]["code"], &json["error"]["message"]), (&json!("truncated"), &json!("It\nbroke")));
}
