use super::*;
use crate::answer;
use crate::bindings::exports::openclaw::provider::chat::{
    AssistantPart, FinishReason, ReplyStart, Response, Thinking, ToolCall, ToolCallDelta,
};
use crate::bindings::openclaw::provider::types::{ErrorKind, ErrorOrigin, Media, MediaSource, Usage};
use crate::error;
use crate::json::Json;
use alloc::{format, vec};

fn head() -> Head {
    Head { status: 200, headers: vec![("x-portkey-trace-id".to_owned(), "t".to_owned())] }
}

/// All events of a stream that comes in these pieces, and the error at its end.
fn read(pieces: &[&[u8]], broken: Option<Box<Error>>) -> (Vec<Event>, Option<Box<Error>>) {
    let mut reply = Reply::new(head());
    for piece in pieces {
        reply.push(piece);
    }
    reply.close(broken);
    let mut events = Vec::new();
    loop {
        match reply.take().expect("a closed reply needs no more bytes") {
            Ok(batch) if batch.is_empty() => return (events, None),
            Ok(batch) => events.extend(batch),
            Err(error) => {
                assert_eq!(reply.take(), Some(Ok(Vec::new())), "nothing comes after an error");
                return (events, Some(error));
            }
        }
    }
}

fn stream(chunks: &[&str]) -> String {
    chunks.iter().map(|chunk| format!("data: {chunk}\n\n")).collect()
}

fn events(chunks: &[&str]) -> Vec<Event> {
    let (events, error) = read(&[stream(chunks).as_bytes()], None);
    assert_eq!(error, None);
    events
}

/// A chunk with this delta.
fn delta(delta: &str) -> String {
    format!(r#"{{"id":"c","model":"m","choices":[{{"index":0,"delta":{delta},"finish_reason":null}}]}}"#)
}

const STOP: &str = r#"{"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#;
const DONE: &str = "[DONE]";

fn start() -> Event {
    Event::Start(ReplyStart { id: "c".into(), model: "m".into() })
}

fn text(text: &str) -> Event {
    Event::Text(text.into())
}

fn refusal(text: &str) -> Event {
    Event::Refusal(text.into())
}

fn thinking(text: &str, signature: Option<&str>) -> Event {
    Event::Thinking(Thinking { text: text.into(), signature: signature.map(Into::into) })
}

fn call(index: u32, first: Option<(&str, &str)>, arguments: &str) -> Event {
    let (id, name) = first.map(|(id, name)| (id.to_owned(), name.to_owned())).unzip();
    Event::ToolCall(ToolCallDelta { index, id, name, arguments_fragment: arguments.into(), signature: None })
}

fn used(input_tokens: u64, output_tokens: u64) -> Event {
    Event::Usage(Usage {
        input_tokens,
        output_tokens,
        cache_read_tokens: None,
        cache_write_tokens: None,
        reasoning_tokens: None,
    })
}

/// The events after the start, of deltas before a proper end.
fn of_deltas(deltas: &[&str]) -> Vec<Event> {
    let mut chunks: Vec<String> = deltas.iter().map(|json| delta(json)).collect();
    // With another reason a call that is open is a cut.
    chunks.extend([STOP.replace("stop", "length"), DONE.to_owned()]);
    let mut events = events(&chunks.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(events.remove(0), start());
    assert!(matches!(events.pop(), Some(Event::Finish(_))));
    events
}

#[test]
fn text_start_finish_and_usage() {
    let chunks = [
        &delta(r#"{"role":"assistant","content":""}"#),
        &delta(r#"{"content":"Hé"}"#),
        &delta(r#"{"content":"llo","refusal":"!"}"#),
        STOP,
        r#"{"id":"c","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7}}"#,
        DONE,
    ];
    let expected = [start(), text("Hé"), text("llo"), refusal("!"), Event::Finish(FinishReason::Stop), used(3, 4)];
    assert_eq!(events(&chunks), expected);
    // Whatever the split.
    let bytes = stream(&chunks).replace('\n', "\r\n").into_bytes();
    for at in 0..bytes.len() {
        assert_eq!(read(&[&bytes[..at], &bytes[at..]], None), (expected.to_vec(), None), "split at {at}");
    }
}

/// Of gateway 1.15.2, as it wrote them for providers that failed, or spoke in an odd way.
#[test]
fn what_the_gateway_makes_of_odd_streams() {
    let answer = delta(r#"{"content":"The answer is"}"#);
    let bedrock_failed = r#"{"id":"c","model":"m","provider":"bedrock","choices":[{"index":0,"delta":{"role":"assistant","finish_reason":"stop"}}]}"#;
    let (given, error) = read(&[stream(&[&answer, bedrock_failed, DONE]).as_bytes()], None);
    let error = error.unwrap();
    assert_eq!(given, [start(), text("The answer is")]);
    assert_eq!((error.kind, error.origin), (ErrorKind::Truncated, ErrorOrigin::Upstream));

    let (given, error) = read(&[stream(&[DONE]).as_bytes()], None);
    assert_eq!((given, error.unwrap().kind), (vec![], ErrorKind::Truncated));
    // Workers AI gives no reason; for all others it is a cut.
    let workers_ai = answer.replacen('{', r#"{"provider":"workers-ai","#, 1);
    let finish = Event::Finish(FinishReason::Stop);
    assert_eq!(events(&[&workers_ai, DONE]), [start(), text("The answer is"), finish]);
    assert_eq!(read(&[stream(&[&answer, DONE]).as_bytes()], None).1.unwrap().kind, ErrorKind::Truncated);

    let google = r#"{"tool_calls":[{"index":0,"id":"i","function":{"name":"n","arguments":"{}"}},null]}"#;
    assert_eq!(of_deltas(&[google]), [call(0, Some(("i", "n")), "{}")]);

    let azure = r#"{"choices":[],"created":0,"id":"","model":"","prompt_filter_results":[{"prompt_index":0}]}"#;
    let finish = Event::Finish(FinishReason::Stop);
    assert_eq!(events(&[azure, &answer, STOP, DONE]), [start(), text("The answer is"), finish]);
}

/// A chunk like the one before is not read as JSON; one that only seems so is.
#[test]
fn chunks_that_differ_in_their_text_alone() {
    let content = |json: &str| delta(&format!(r#"{{"content":{json}}}"#));
    for (second, expected) in [
        (r#""b""#, vec![text("b")]),
        (r#""h\u00e9""#, vec![text("hé")]),
        (r#""\"\\""#, vec![text("\"\\")]),
        (r#""\\","refusal":"\"""#, vec![text("\\"), refusal("\"")]),
        (r#""x\ud800""#, vec![text("x\u{fffd}")]),
        (r#""é\n""#, vec![text("é\n")]),
        (r#""""#, vec![]),
        ("null", vec![]),
        ("7", vec![text("7")]),
        (r#""b","content":"c""#, vec![text("c")]),
        (r#""b","refusal":"c""#, vec![text("b"), refusal("c")]),
        (r#""","refusal":"c""#, vec![refusal("c")]),
        (r#""b","reasoning":"c""#, vec![thinking("c", None), thinking("", Some("reasoning")), text("b")]),
        (
            r#""b","tool_calls":[{"index":0,"id":"i","function":{"name":"n"}}]"#,
            vec![text("b"), call(0, Some(("i", "n")), "")],
        ),
    ] {
        let chunks = [&content(r#""-""#), &content(r#""a""#), &content(second), &content(r#""a""#), STOP, DONE];
        let expected = [vec![start(), text("-"), text("a")], expected, vec![text("a")]].concat();
        let mut events = events(&chunks);
        assert!(matches!(events.pop(), Some(Event::Finish(_))));
        assert_eq!(events, expected, "{second}");
    }
    // A time that changes, and what is none.
    for (created, is_json) in [
        ("2", true),
        ("0", true),
        ("17", true),
        ("null", true),
        ("-1", true),
        ("1.5", true),
        ("01", false),
        ("", false),
    ] {
        let timed = |text: &str, created: &str| {
            delta(&format!(r#"{{"content":"{text}"}}"#)).replacen('{', &format!(r#"{{"created":{created},"#), 1)
        };
        let (given, error) = read(
            &[stream(&[&timed("a", "1"), &timed("b", "1"), &timed("c", created), &timed("d", "1"), STOP, DONE])
                .as_bytes()],
            None,
        );
        assert_eq!(
            (given.contains(&text("c")), given.contains(&text("d")), error.is_none()),
            (is_json, is_json, is_json),
            "{created}"
        );
    }
    // An id that changes, and what is none.
    for (id, is_json) in [
        (r#""2""#, true),
        (r#""""#, true),
        (r#""a\"b""#, true),
        (r#""\u00e9 é""#, true),
        ("null", true),
        ("7", true),
        (r#""x","choices":[],"id":"y""#, true),
        (r#""x"#, false),
        ("\"\u{1}\"", false),
        (r#""\x""#, false),
    ] {
        let numbered = |text: &str, id: &str, created: &str| {
            let (content, head) = (content(&format!("\"{text}\"")), format!(r#"{{"id":{id},"created":{created},"#));
            content.replacen('{', &head, 1)
        };
        let [a, b] = ["a", "b"].map(|text| numbered(text, "\"1\"", "1"));
        let chunks = [&*a, &b, &numbered("c", id, "3"), &numbered("d", "\"4\"", "4"), STOP, DONE];
        let (given, error) = read(&[stream(&chunks).as_bytes()], None);
        assert_eq!(
            (given.contains(&text("c")), given.contains(&text("d")), error.is_none()),
            (is_json, is_json, is_json),
            "{id}: {given:?}"
        );
    }
    // OpenAI's noise at the end, and what looks like it.
    let noisy = |json: &str, noise: &str| content(json).replace("}]}", &format!(r#"}}],"obfuscation":{noise}}}"#));
    let chunks = [&noisy(r#""a""#, r#""x""#), &noisy(r#""b""#, r#""y z""#), &noisy(r#""c""#, r#""""#)];
    let [text_b, text_c] = [text("b"), text("c")];
    assert_eq!(events(&[chunks[0], chunks[1], chunks[2], STOP, DONE])[1..4], [text("a"), text_b, text_c]);
    let chunks = [chunks[0], chunks[0], &noisy(r#""b""#, r#""\"}""#), &noisy(r#""c""#, r#""","error":"no""#)];
    let (given, error) = read(&[stream(&chunks.map(String::as_str)).as_bytes()], None);
    assert_eq!((given, error.unwrap().message.as_str()), (vec![start(), text("a"), text("a"), text("b")], "no"));
    for noise in [r#""\x""#, r#""\u12""#, "\"\\n\u{1}\"", "\"\u{1}\""] {
        let chunks = [&*noisy(r#""a""#, r#""x""#), &noisy(r#""a""#, r#""x""#), &noisy(r#""b""#, noise)];
        let (events, error) = read(&[stream(&chunks).as_bytes()], None);
        let expected = (vec![start(), text("a"), text("a")], ErrorKind::Protocol);
        assert_eq!((events, error.unwrap().kind), expected, "{noise}");
    }
    // What is no JSON is none here either.
    for second in [&b"\"\x01\""[..], b"\"a\"b\"", b"\"a\\\"", b"\"\\n\x01\"", b"\"\\x\""] {
        let bytes = stream(&[&content(r#""a""#), &content(r#""a""#)]).into_bytes();
        let third = stream(&[&content("?")]).into_bytes();
        let at = third.iter().position(|&byte| byte == b'?').unwrap();
        let (events, error) = read(&[&bytes, &third[..at], second, &third[at + 1..]], None);
        assert_eq!((events, error.unwrap().kind), (vec![start(), text("a"), text("a")], ErrorKind::Protocol));
    }
    // Usage that comes with text counts each time, and a guardrail's result is given each time.
    let with = |more: &str| content(r#""a""#).replacen('{', &format!("{{{more},"), 1);
    let usage = with(r#""usage":{"prompt_tokens":3,"completion_tokens":4}"#);
    let other = with(r#""usage":{"prompt_tokens":5,"completion_tokens":6}"#);
    let chunks = [&usage, &usage, &other, &usage, &usage, STOP, DONE];
    assert_eq!(events(&chunks).last(), Some(&used(3, 4)));
    let hooks = with(r#""hook_results":{"a":1}"#);
    let results = events(&[&hooks, &hooks, &hooks, STOP, DONE]);
    assert_eq!(results.iter().filter(|event| matches!(event, Event::GuardrailsJson(_))).count(), 3);
}

#[test]
fn chunks_that_differ_in_a_piece_of_reasoning_or_arguments_alone() {
    let reasoning = |text: &str| format!(r#"{{"content":"","reasoning_content":{text}}}"#);
    let block = |text: &str| format!(r#"{{"reasoning":"r","content_blocks":[{{"delta":{{"thinking":{text}}}}}]}}"#);
    for (field, delta) in [("reasoning_content", &reasoning as &dyn Fn(&str) -> String), ("reasoning", &block)] {
        let deltas = [r#""a""#, r#""b""#, r#""\n""#, r#""c""#].map(delta);
        let mut expected = ["a", "b", "\n", "c"].map(|text| thinking(text, None)).to_vec();
        expected.push(thinking("", Some(field)));
        assert_eq!(of_deltas(&deltas.each_ref().map(String::as_str)), expected);
    }
    let first = r#"{"tool_calls":[{"index":1,"id":"i","function":{"name":"n","arguments":"{"}}]}"#;
    let other = r#"{"tool_calls":[{"index":0,"id":"j","function":{"name":"n","arguments":"{"}}]}"#;
    let piece = |text: &str| format!(r#"{{"tool_calls":[{{"index":1,"function":{{"arguments":{text}}}}}]}}"#);
    let [a, b, none, number] = [r#""a""#, r#""\"b\"""#, r#""""#, "7"].map(piece);
    let deltas = [first, &a, &a, &b, &none, &a, &number, &a, other, &a, &a].map(|delta: &str| delta);
    let expected = [
        call(0, Some(("i", "n")), "{"),
        call(0, None, "a"),
        call(0, None, "a"),
        call(0, None, "\"b\""),
        call(0, None, "a"),
        call(0, None, "7"),
        call(0, None, "a"),
        call(1, Some(("j", "n")), "{"),
        call(0, None, "a"),
        call(0, None, "a"),
    ];
    assert_eq!(of_deltas(&deltas), expected);
    // Without a number and an id a piece is of the last call, whichever that is.
    let piece = r#"{"tool_calls":[{"function":{"arguments":"a"}}]}"#;
    let pieces = of_deltas(&[first, piece, piece, other, piece, piece]);
    assert_eq!(pieces[1..3], [call(0, None, "a"), call(0, None, "a")]);
    assert_eq!(pieces[4..], [call(1, None, "a"), call(1, None, "a")]);
}

/// Whatever the chunks are like, they give what they give where one without effect stands between them.
#[test]
fn chunks_that_are_alike_in_other_ways() {
    let chunk = |delta: &str| format!(r#"{{"choices":[{{"delta":{delta}}}]}}"#);
    let calls =
        r#"{"tool_calls":[{"index":0,"id":"i","function":{"name":"n"}},{"index":1,"id":"j","function":{"name":"n"}}]}"#;
    for delta in [
        r#"{"content":?}"#,
        r#"{"content":?,"refusal":"c"}"#,
        r#"{"content":?,"reasoning":"c"}"#,
        r#"{"content":"c","reasoning":?}"#,
        r#"{"reasoning_content":?,"reasoning":"a"}"#,
        r#"{"reasoning_content":"a","reasoning":?}"#,
        r#"{"reasoning_content":"","reasoning":?}"#,
        r#"{"reasoning_content":7,"reasoning":?}"#,
        r#"{"content_blocks":[{"delta":{"thinking":?,"signature":"s"}}]}"#,
        r#"{"content_blocks":[{"delta":{"thinking":"a","signature":?}}]}"#,
        r#"{"reasoning":?,"content_blocks":[{"delta":{"thinking":"a"}}]}"#,
        r#"{"reasoning":"a","content_blocks":[{"delta":{"thinking":?}}]}"#,
        r#"{"reasoning":?,"content_blocks":[{"delta":{"thinking":7}}]}"#,
        r#"{"reasoning":?,"content_blocks":[{"delta":{"thinking":""}},{"delta":{"thinking":"a"}}]}"#,
        r#"{"content_blocks":[{"delta":{"thinking":?}},{"delta":{"thinking":""}}]}"#,
        r#"{"tool_calls":[{"index":0,"function":{"arguments":?}}]}"#,
        r#"{"tool_calls":[{"index":0,"function":{"arguments":?,"thought_signature":"s"}}]}"#,
        r#"{"tool_calls":[{"index":0,"function":{"arguments":?}},{"index":1,"function":{"arguments":""}}]}"#,
        r#"{"tool_calls":[{"index":0,"function":{"arguments":""}},{"index":1,"function":{"arguments":?}}]}"#,
        r#"{"content":7,"refusal":"","reasoning":?}"#,
        r#"{"content":[{"text":"a"}],"reasoning_content":?,"content_blocks":[{"delta":{"data":""}}]}"#,
        r#"{"content":?}},{"delta":{"refusal":"a"}"#,
        r#"{"content":?},"index":1},{"delta":{"content":"a"}"#,
        r#"{"content":"a"}},{"index":1,"delta":{"content":?}"#,
    ] {
        let texts = [r#""a""#, r#""a""#, r#""b\n""#, r#""""#, r#""b""#, "7", r#""b""#];
        let mut chunks = vec![chunk(calls)];
        chunks.extend(texts.map(|text| chunk(&delta.replace('?', text))));
        chunks.extend([STOP.to_owned(), DONE.to_owned()]);
        let chunks: Vec<&str> = chunks.iter().map(String::as_str).collect();
        let apart: Vec<&str> = chunks.iter().flat_map(|chunk| [*chunk, r#"{"choices":[]}"#]).collect();
        assert_eq!(events(&chunks), events(&apart), "{delta}");
    }
}

/// JavaScript cuts texts between the halves of a character beyond the first 65,536, and each half is an escape then.
#[test]
fn a_character_in_two_chunks_is_one() {
    let content = |text: &str| format!(r#"{{"content":"{text}"}}"#);
    let reasoning = |text: &str| format!(r#"{{"reasoning_content":"{text}","reasoning":"{text}"}}"#);
    let piece = |text: &str| format!(r#"{{"tool_calls":[{{"index":0,"function":{{"arguments":"{text}"}}}}]}}"#);
    let refused = |text: &str| format!(r#"{{"refusal":"{text}"}}"#);
    let block = |text: &str| format!(r#"{{"content_blocks":[{{"type":"refusal","refusal":"{text}"}}]}}"#);
    let first = r#"{"tool_calls":[{"index":0,"id":"i","function":{"name":"n","arguments":"{\"q\":\""}}]}"#;
    type Write<'w> = &'w dyn Fn(&str) -> String;
    for (write, begins) in
        [(&content as Write<'_>, "{}"), (&reasoning, "{}"), (&refused, "{}"), (&block, "{}"), (&piece, first)]
    {
        for (texts, expected) in [
            (&[r"\ud83d", r"\ude00"][..], "😀"),
            (&["a", "b", r"c\uD83D", r"\uDE00d", "e"], "abc😀de"),
            (&[r"\ud83d", r"\ude00\ud83d", r"\ude01", "x"], "😀😁x"),
            (&[r"\n\ud83d\ude00", r"\ud83d\ude00"], "\n😀😀"),
            (&["a", r"b\ud83d"], "ab\u{fffd}"),
            (&["a", r"b\ud83d", "c"], "ab\u{fffd}c"),
            (&[r"a\ud83d", r"\ud83d", r"\ude00"], "a\u{fffd}😀"),
            (&["a", r"\ude00b", "c"], "a\u{fffd}bc"),
            (&[r"a\\ud83d", r"\ude00"], "a\\ud83d\u{fffd}"),
        ] {
            let deltas: Vec<String> =
                [begins.to_owned()].into_iter().chain(texts.iter().map(|text| write(text))).collect();
            let read = joined(of_deltas(&deltas.iter().map(String::as_str).collect::<Vec<_>>()));
            let got = match &read.content[..] {
                [
                    AssistantPart::Text(text)
                    | AssistantPart::Refusal(text)
                    | AssistantPart::Thinking(Thinking { text, .. }),
                ] => &**text,
                [AssistantPart::ToolCall(call)] => call.arguments_json.strip_prefix("{\"q\":\"").unwrap(),
                other => panic!("{other:?}"),
            };
            assert_eq!(got, expected, "{texts:?} {}", write(""));
        }
    }
    for kind in ["output_text", "refusal", "reasoning_text"] {
        let piece = |text: &str| response(&format!("{kind}.delta"), &format!(r#","output_index":0,"delta":"{text}""#));
        let (events, _) = read_all(&[begun("created"), piece(r"a\ud83d"), piece(r"\ude00b")]);
        assert!(format!("{events:?}").contains("a😀"), "{events:?}");
    }
    // What comes before an error, and before a cut, is not lost.
    for end in ["event: error\ndata: {\"error\":\"x\"}\n\n", "data: {\"error\":\"x\"}\n\n", ""] {
        let half = stream(&[&delta(&content(r"a\ud83d"))]);
        assert_eq!(read(&[half.as_bytes(), end.as_bytes()], None).0, [start(), text("a\u{fffd}")], "{end}");
    }
}

#[test]
fn events_come_with_the_bytes_that_complete_them() {
    let mut reply = Reply::new(head());
    assert_eq!(reply.take(), None);
    reply.push(b"data: ");
    assert_eq!(reply.take(), None);
    reply.push(
        format!("{}\n\n: hi\n\ndata: {}\n\n", delta(r#"{"content":"a"}"#), delta(r#"{"content":"b"}"#)).as_bytes(),
    );
    assert_eq!(reply.take(), Some(Ok(vec![start(), text("a"), text("b")])), "one batch a read");
    assert_eq!(reply.take(), None);
}

#[test]
fn reasoning_in_each_of_its_forms() {
    assert_eq!(
        of_deltas(&[r#"{"reasoning_content":"a"}"#, r#"{"reasoning":"b"}"#]),
        [thinking("a", None), thinking("b", None), thinking("", Some("reasoning"))]
    );
    assert_eq!(
        of_deltas(&[r#"{"reasoning_content":"a","reasoning":"a"}"#, r#"{"content":"x"}"#, r#"{"reasoning":"b"}"#]),
        [
            thinking("a", None),
            thinking("", Some("reasoning_content")),
            text("x"),
            thinking("b", None),
            thinking("", Some("reasoning")),
        ]
    );
    // OpenRouter's details, in pieces; those that are encrypted may belong to a call.
    let piece = |text: &str| {
        format!(
            r#"{{"reasoning":"{text}","reasoning_details":[{{"type":"reasoning.text","text":"{text}","index":0}}]}}"#
        )
    };
    let own = r#"{"type":"reasoning.encrypted","data":"SIG","id":"a"}"#;
    let called = format!(
        r#"{{"reasoning_details":[{own}],"tool_calls":[{{"index":0,"id":"a","function":{{"name":"f","arguments":"{{}}"}}}}]}}"#
    );
    let mut with_own = call(0, Some(("a", "f")), "{}");
    if let Event::ToolCall(delta) = &mut with_own {
        delta.signature = Some(own.into());
    }
    let details = r#"reasoning_details:[{"type":"reasoning.text","text":"hm","index":0}]"#;
    assert_eq!(
        of_deltas(&[&piece("h"), &piece("m"), &called]),
        [thinking("h", None), thinking("m", None), thinking("", Some(details)), with_own]
    );
    let late = format!(r#"{{"reasoning_details":[{own}]}}"#);
    let calls = r#"{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}}]}"#;
    let Some(Event::ToolCall(delta)) = of_deltas(&[calls, &late]).pop() else { panic!("a call") };
    assert_eq!((delta.index, delta.signature.as_deref()), (0, Some(own)));
    // LiteLLM's: the text comes in `reasoning_content` as well, and the signature goes back where it came from.
    assert_eq!(
        of_deltas(&[
            r#"{"reasoning_content":"h","thinking_blocks":[{"type":"thinking","thinking":"h","signature":null}]}"#,
            r#"{"reasoning_content":"m","thinking_blocks":[{"type":"thinking","thinking":"m"}]}"#,
            r#"{"reasoning_content":"","thinking_blocks":[{"type":"thinking","thinking":"","signature":"s"}]}"#,
            r#"{"thinking_blocks":[{"type":"redacted_thinking","data":"d"}]}"#,
            r#"{"content":"x"}"#,
        ]),
        [
            thinking("h", None),
            thinking("m", None),
            thinking("", Some("thinking_blocks:s")),
            thinking("", Some("thinking_blocks:redacted_thinking:d")),
            text("x")
        ]
    );
    // Portkey's blocks: the text comes in `content` as well, the start of a block is empty.
    assert_eq!(
        of_deltas(&[
            r#"{"content_blocks":[{"index":0,"delta":{"thinking":"","signature":""}}]}"#,
            r#"{"content_blocks":[{"index":0,"delta":{"thinking":"hm"}}]}"#,
            r#"{"content_blocks":[{"index":0,"delta":{"signature":"s"}}]}"#,
            r#"{"content_blocks":[{"index":1,"delta":{"data":"d"}}]}"#,
            r#"{"content":"x","content_blocks":[{"index":2,"delta":{"text":"x"}}]}"#,
        ]),
        [thinking("hm", None), thinking("", Some("s")), thinking("", Some("redacted_thinking:d")), text("x")]
    );
}

/// Google's OpenAI-compatible endpoint writes its thoughts so (`include_thoughts`), marked or not (Vertex leaves the tags
/// out), and so do Qwen, DeepSeek and MiniMax behind a server without a parser of reasoning. However it is cut, and whole.
#[test]
fn reasoning_between_tags() {
    for (content, thought, said) in [
        ("<think>hm</think>Hi", "hm", "Hi"),
        ("<thought>**Plan**\n\nso</thought>Hi", "**Plan**\n\nso", "Hi"),
        ("\n<thinking>\na <b> </th\n</thinking>\n\nHi", "a <b> </th", "Hi"),
        ("<think>a</think>\n<thought>b</thought> Hi ", "ab", "Hi "),
        ("<think>\n\n</think>\n\nHi", "", "Hi"),
        ("<think>hm", "hm", ""),
        ("<think>hm</thi", "hm</thi", ""),
        ("<thought>hm</think>Hi", "hm</think>Hi", ""),
        // Of Magistral, Seed-OSS, MiniMax M3 and Gemma 4.
        ("[THINK]hm[/THINK]Hi", "hm", "Hi"),
        ("<seed:think>hm</seed:think>Hi", "hm", "Hi"),
        ("<mm:think>hm</mm:think>Hi", "hm", "Hi"),
        ("<|channel>thought\nhm\n<channel|>Hi", "hm", "Hi"),
        // Of gpt-oss (ml-explore/mlx-lm#1867), and Kimi-VL.
        ("<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>final<|message|>Hi", "hm", "Hi"),
        ("<|channel|>final<|message|>Hi", "", "<|channel|>final<|message|>Hi"),
        ("◁think▷hm◁/think▷Hi", "hm", "Hi"),
        // It began in the prompt, as with GLM, Qwen and DeepSeek without thoughts.
        ("</think>\n\nHi", "", "Hi"),
        ("\n</think>Hi</think>", "", "Hi</think>"),
        ("</thin", "", "</thin"),
        ("</div>", "", "</div>"),
        ("Use <think>no</think>.", "", "Use <think>no</think>."),
        (" <three> a", "", " <three> a"),
        ("<thi", "", "<thi"),
        (" ", "", " "),
    ] {
        let expected = (thought.to_owned(), said.to_owned());
        let split = |content: Vec<AssistantPart>| {
            let (mut thought, mut said) = (String::new(), String::new());
            for part in content {
                match part {
                    AssistantPart::Thinking(part) if said.is_empty() && part.signature.is_none() => {
                        thought.push_str(&part.text);
                    }
                    AssistantPart::Text(text) => said.push_str(&text),
                    part => panic!("{part:?}"),
                }
            }
            (thought, said)
        };
        let json = |text: &str| serde_json::to_string(&serde_json::json!({ "content": text })).unwrap();
        let letters: Vec<String> = content.chars().map(|letter| json(&letter.to_string())).collect();
        let mut cuts: Vec<Vec<String>> =
            content.char_indices().map(|(at, _)| [&content[..at], &content[at..]].map(json).to_vec()).collect();
        cuts.push(letters);
        for deltas in cuts {
            let events = of_deltas(&deltas.iter().map(String::as_str).collect::<Vec<_>>());
            assert_eq!(split(joined(events).content), expected, "{deltas:?}");
        }
        let whole = format!(r#"{{"choices":[{{"message":{},"finish_reason":"length"}}]}}"#, json(content));
        assert_eq!(split(answer::response(head(), whole.as_bytes(), false).unwrap().content), expected, "{content}");
    }
    // A model that forgets the end of its thoughts may have answered in them: OpenClaw's own client takes them for the
    // answer (openclaw#37696).
    let open = delta(r#"{"content":"<think>Hello"}"#);
    let called = delta(r#"{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}}]}"#);
    let (hello, stop) = (thinking("Hello", None), Event::Finish(FinishReason::Stop));
    assert_eq!(events(&[&open, STOP, DONE])[1..], [hello.clone(), text("Hello"), stop]);
    let length = Event::Finish(FinishReason::Length);
    assert_eq!(events(&[&open, &STOP.replace("stop", "length")])[1..], [hello.clone(), length]);
    let calls = Event::Finish(FinishReason::ToolCalls);
    assert_eq!(events(&[&open, &called, STOP])[1..], [hello, call(0, Some(("a", "f")), "{}"), calls]);
    // Beside an image they are none.
    let image = delta(r#"{"images":[{"url":"https://x/y.png"}]}"#);
    let thoughts = |events: &[Event]| events.iter().filter(|event| matches!(event, Event::Text(_))).count();
    assert_eq!(thoughts(&events(&[&open, &image, STOP, DONE])), 0);
    let whole = r#"{"choices":[{"message":{"content":"<think>hm","images":[{"url":"https://x/y.png"}]},"finish_reason":"stop"}]}"#;
    assert_eq!(thoughts(&read(&[whole.as_bytes()], None).0), 0);
    let mark = r#""extra_content":{"google":{"thought":true}}"#;
    let marked = |text: &str| format!(r#"{{"content":"{text}",{mark}}}"#);
    let called =
        r#"{"content":"</thought>","tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}}]}"#;
    let (done, f) = (r#"{"content":"</thought>Hi"}"#, call(0, Some(("a", "f")), "{}"));
    let again = [&marked("<thought>a"), done, &marked("<thought>b"), r#"{"content":"</thought>!"}"#];
    for (deltas, expected) in [
        (
            &[&*marked("<thought>a"), &marked(" b"), done][..],
            &[thinking("a", None), thinking(" b", None), text("Hi")][..],
        ),
        (
            &[&marked("a"), &marked(" b"), r#"{"content":"Hi"}"#],
            &[thinking("a", None), thinking(" b", None), text("Hi")],
        ),
        (&again, &[thinking("a", None), text("Hi"), thinking("b", None), text("!")]),
        (&[&marked("<thought>a"), called], &[thinking("a", None), f]),
        (
            &[r#"{"reasoning_content":"a"}"#, r#"{"content":"</think>\n\nHi"}"#],
            &[thinking("a", None), thinking("", Some("reasoning_content")), text("Hi")],
        ),
        // In a field too: once is enough, and OpenClaw's own client does not look between the tags then.
        (
            &[
                r#"{"reasoning_content":"a","content":"<think>\na"}"#,
                r#"{"reasoning_content":"b","content":"b"}"#,
                r#"{"content":"\n</think>\n\nHi"}"#,
            ],
            &[thinking("a", None), thinking("b", None), thinking("", Some("reasoning_content")), text("Hi")],
        ),
        (
            &[r#"{"content":[{"type":"reasoning_text","text":"a"},{"type":"text","text":"Hi"}]}"#],
            &[thinking("a", None), text("Hi")],
        ),
        (
            &[r#"{"reasoning":"a","content":"<think>a</think>Hi"}"#],
            &[thinking("a", None), thinking("", Some("reasoning")), text("Hi")],
        ),
    ] {
        assert_eq!(of_deltas(deltas), expected, "{deltas:?}");
    }
    // Without their beginning, which was in the prompt. What was told is told; of a whole answer they are taken out, but not
    // where the text speaks of the tag.
    for (content, thought, said) in [
        ("hm\n</think>\n\nHi", "hm", "Hi"),
        ("hm, a <b>\n\nso</think>\n\nHi\n</think>", "hm, a <b>\n\nso", "Hi\n</think>"),
        ("hm\n[/THINK]Hi", "hm", "Hi"),
        ("It ends with </think>.", "", "It ends with </think>."),
        ("Write <think>\nhm\n</think>\n\nfirst.", "", "Write <think>\nhm\n</think>\n\nfirst."),
        ("So:\n```\n</think>\n```", "", "So:\n```\n</think>\n```"),
    ] {
        let json =
            serde_json::json!({"choices": [{"message": {"content": content}, "finish_reason": "stop"}]}).to_string();
        let parts = answer::response(head(), json.as_bytes(), false).unwrap().content;
        let mut expected = vec![AssistantPart::Text(said.into())];
        if !thought.is_empty() {
            expected.insert(0, AssistantPart::Thinking(Thinking { text: thought.into(), signature: None }));
        }
        assert_eq!(parts, expected);
    }
}

#[test]
fn tool_calls_interleave_by_index() {
    assert_eq!(
        of_deltas(&[
            r#"{"tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"f","arguments":""}}]}"#,
            r#"{"tool_calls":[{"index":1,"id":"b","type":"function","function":{"name":"g","arguments":"{"}}]}"#,
            r#"{"tool_calls":[{"index":0,"function":{"arguments":"{}"}},{"index":1,"function":{"arguments":"}"}}]}"#,
            r#"{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":null}}]}"#,
        ]),
        [call(0, Some(("a", "f")), ""), call(1, Some(("b", "g")), "{"), call(0, None, "{}"), call(1, None, "}")]
    );
}

#[test]
fn tool_calls_without_or_with_wrong_numbers() {
    let expected = [call(0, Some(("a", "f")), "{}"), call(1, Some(("b", "g")), "{"), call(1, None, "}")];
    assert_eq!(
        of_deltas(&[
            r#"{"tool_calls":[{"id":"a","function":{"name":"f","arguments":"{}"}},{"id":"b","function":{"name":"g","arguments":"{"}}]}"#,
            r#"{"tool_calls":[{"function":{"arguments":"}"}}]}"#,
        ]),
        expected
    );
    // Each call has the number 0.
    assert_eq!(
        of_deltas(&[
            r#"{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":{}}}]}"#,
            r#"{"tool_calls":[{"index":0,"id":"b","function":{"name":"g","arguments":"{"}}]}"#,
            r#"{"tool_calls":[{"index":0,"function":{"arguments":"}"}}]}"#,
        ]),
        expected
    );
    // Numbers from 1, and no id at all.
    assert_eq!(
        of_deltas(&[r#"{"tool_calls":[{"index":1,"function":{"name":"f","arguments":"{}"}}]}"#]),
        [call(0, Some(("call_0", "f")), "{}")]
    );
}

#[test]
fn thought_signatures() {
    let of = |json: &str| match of_deltas(&[json]).pop() {
        Some(Event::ToolCall(delta)) => delta.signature,
        _ => None,
    };
    assert_eq!(
        of(r#"{"tool_calls":[{"id":"a","function":{"name":"f","thought_signature":"s"}}]}"#).as_deref(),
        Some("s")
    );
    assert_eq!(
        of(r#"{"tool_calls":[{"id":"a","function":{"name":"f"},"extra_content":{"google":{"thought_signature":"s"}}}]}"#).as_deref(),
        Some("extra_content.google:s")
    );
    assert_eq!(
        of(r#"{"tool_calls":[{"id":"a","function":{"name":"f"},"extra_content":{"x":1,"vertex":{"thought_signature":"s"}}}]}"#).as_deref(),
        Some("extra_content.vertex:s")
    );
}

#[test]
fn a_turn_of_tool_calls_that_stops_waits_for_their_results() {
    let events =
        events(&[&delta(r#"{"tool_calls":[{"id":"a","function":{"name":"f","arguments":"{}"}}]}"#), STOP, STOP, DONE]);
    assert_eq!(events.last(), Some(&Event::Finish(FinishReason::ToolCalls)));
    assert_eq!(
        events.iter().filter(|event| matches!(event, Event::Finish(_))).count(),
        1,
        "a repeated reason counts once"
    );
}

#[test]
fn the_last_usage_counts_and_comes_once() {
    let with_usage = |usage: &str| {
        format!(r#"{{"id":"c","model":"m","choices":[{{"delta":{{}},"finish_reason":"stop"}}],"usage":{usage}}}"#)
    };
    let one = with_usage(r#"{"prompt_tokens":1,"completion_tokens":1}"#);
    let two = with_usage(r#"{"prompt_tokens":1,"completion_tokens":2}"#);
    let finish = Event::Finish(FinishReason::Stop);
    assert_eq!(events(&[&one, &two, &with_usage("null"), DONE]), [start(), finish.clone(), used(1, 2)]);
    assert_eq!(events(&[&one]), [start(), finish.clone(), used(1, 1)], "a stream without [DONE] too");
    // In parts, and with a count that is none.
    let (first, last) = (r#"{"prompt_tokens":3,"total_tokens":3}"#, r#"{"completion_tokens":2}"#);
    assert_eq!(events(&[&with_usage(first), &with_usage(last)]), [start(), finish.clone(), used(3, 2)]);
    let huge = format!(r#"{{"prompt_tokens":{},"completion_tokens":1}}"#, u64::MAX);
    assert_eq!(events(&[&with_usage(&huge)]), [start(), finish.clone(), used(u64::MAX, 1)]);
    let cached = r#"{"choices":[],"usage":{"completion_tokens":7}}"#;
    assert_eq!(events(&[&with_usage("null"), cached, DONE]), [start(), finish, used(0, 7)]);
}

#[test]
fn guardrail_results_behind_the_start_and_after_the_end() {
    let hooks = r#"{"hook_results":{"a": 1}}"#;
    let results = Event::GuardrailsJson(r#"{"a": 1}"#.into());
    let got = events(&[hooks, &delta(r#"{"content":"x"}"#), STOP, DONE, hooks]);
    assert_eq!(got, [start(), results.clone(), text("x"), Event::Finish(FinishReason::Stop), results.clone()]);
    let before = r#"{"hook_results":{"b": 2}}"#;
    let got = events(&[before, hooks, &delta(r#"{"content":"x"}"#), STOP, DONE]);
    assert_eq!(got[..3], [start(), Event::GuardrailsJson(r#"{"b": 2}"#.into()), results.clone()], "none is lost");
    // Cut off before its blank line.
    let (got, error) = read(&[stream(&[&delta("{}"), STOP, DONE]).as_bytes(), b"data: ", hooks.as_bytes()], None);
    assert_eq!((got.last(), error), (Some(&results), None));
}

#[test]
fn nothing_but_guardrail_results_counts_after_the_end() {
    let got = events(&[
        &delta("{}"),
        STOP,
        DONE,
        &delta(r#"{"content":"late"}"#),
        "not json",
        r#"{"error":{"message":"late"}}"#,
    ]);
    assert_eq!(got, [start(), Event::Finish(FinishReason::Stop)]);
}

#[test]
fn the_wait_after_the_end_is_bounded() {
    let mut reply = Reply::new(head());
    reply.push(stream(&[&delta("{}"), STOP, DONE]).as_bytes());
    reply.take();
    let comment = vec![b':'; 1024];
    let mut reads = 0;
    while !reply.is_over() {
        reply.push(&comment);
        reply.push(b"\n");
        reads += 1;
        assert!(reads < 2000);
    }
    assert_eq!(reply.take(), Some(Ok(Vec::new())));
}

#[test]
fn a_stream_that_stops_early_is_truncated() {
    let chunk = delta(r#"{"content":"x"}"#);
    for end in ["", "data: {\"id\":\"c\",\"cho", ": bye\n\n"] {
        let (got, error) = read(&[stream(&[&chunk]).as_bytes(), end.as_bytes()], None);
        let error = error.unwrap();
        assert_eq!(got, [start(), text("x")], "what came before counts");
        assert_eq!(
            (error.kind, error.origin, error.trace_id.as_deref()),
            (ErrorKind::Truncated, ErrorOrigin::Gateway, Some("t")),
            "{end}"
        );
    }
    assert_eq!(read(&[], None).1.unwrap().kind, ErrorKind::Truncated);
    // What says nothing is no reason.
    for reason in ["false", "0", "[]", "{}", "null", r#""""#] {
        let ended = STOP.replace(r#""stop""#, reason);
        let error = read(&[stream(&[&chunk, &ended, DONE]).as_bytes()], None).1.unwrap();
        assert_eq!(error, error::truncated(&head(), error::REASON), "{reason}");
    }
    // Plain words behind the last event, of a proxy or a server, say why. What stood between two events does not.
    for (words, kind, told) in [
        (
            "upstream connect error or disconnect/reset before headers",
            ErrorKind::Truncated,
            "upstream connect error or disconnect/reset before headers",
        ),
        ("Traceback:\nRuntimeError: CUDA error\n", ErrorKind::Truncated, "Traceback: RuntimeError: CUDA error"),
        ("rate limit reached\n\n", ErrorKind::RateLimited, "rate limit reached"),
    ] {
        for end in ["", "\ndata: [DONE]\n\n"] {
            let body = format!("odd\n{}id: 1\n{words}{end}", stream(&[&chunk]));
            let error = read(&[body.as_bytes()], None).1.unwrap();
            let expected = format!("{}: {told}", error::truncated(&head(), error::REASON).message);
            assert_eq!((error.kind, error.message), (kind, expected), "{body:?}");
        }
    }
    // A field that is cut off is no word.
    for field in ["data:", "event:", "id:", "retry:"] {
        for length in 1..=field.len() {
            let body = format!("{}{}", stream(&[&chunk]), &field[..length]);
            let error = read(&[body.as_bytes()], None).1.unwrap();
            assert_eq!(error, error::truncated(&head(), error::REASON), "{body:?}");
        }
    }
}

/// As OpenClaw's own client has it (openclaw#98124): calls that are whole are the end of an answer without a reason, but
/// only where the provider says that this is all, and where there is no text beside them.
#[test]
fn whole_calls_need_no_reason() {
    let called = |arguments: &str| {
        let json = serde_json::to_string(arguments).unwrap();
        delta(&format!(r#"{{"tool_calls":[{{"index":0,"id":"a","function":{{"name":"f","arguments":{json}}}}}]}}"#))
    };
    let whole = called("{\"x\":1}");
    assert_eq!(
        events(&[&delta(r#"{"reasoning_content":"hm"}"#), &whole, DONE])[3..],
        [call(0, Some(("a", "f")), "{\"x\":1}"), Event::Finish(FinishReason::ToolCalls)]
    );
    let item =
        response("output_item.done", r#","item":{"type":"function_call","call_id":"a","name":"f","arguments":"{}"}"#);
    assert_eq!(read_all(&[item, DONE.into()]).1.unwrap().kind, ErrorKind::Truncated, "it has an end of its own");
    let said = delta(r#"{"content":"Let me look."}"#);
    let other = whole.replace("\"index\":0,\"id\":\"a\"", "\"index\":1,\"id\":\"b\"").replace("1}", "");
    for cut in [
        &[&*whole][..],
        &[&said, &whole, DONE],
        &[&called("{\"x\":1"), DONE],
        &[&called(""), DONE],
        &[&whole, &other, DONE],
    ] {
        let error = read(&[stream(cut).as_bytes()], None).1.unwrap();
        assert_eq!(error.kind, ErrorKind::Truncated, "{cut:?}");
    }
}

#[test]
fn a_connection_that_breaks() {
    let broken = |kind| Some(error::new(kind, ErrorOrigin::Network, "x", true));
    let chunk = stream(&[&delta(r#"{"content":"x"}"#)]);
    let error = read(&[chunk.as_bytes()], broken(ErrorKind::Transport)).1.unwrap();
    assert_eq!((error.kind, error.origin), (ErrorKind::Truncated, ErrorOrigin::Network));
    assert_eq!(read(&[chunk.as_bytes()], broken(ErrorKind::Timeout)).1.unwrap().kind, ErrorKind::Timeout);
    let complete = stream(&[&delta("{}"), STOP]);
    let error = read(&[complete.as_bytes()], broken(ErrorKind::Transport)).1.unwrap();
    assert_eq!(error.kind, ErrorKind::Truncated, "the reason may be an early one");
    let done = stream(&[&delta("{}"), STOP, DONE]);
    assert_eq!(read(&[done.as_bytes()], broken(ErrorKind::Transport)).1, None, "the answer is whole");
}

#[test]
fn an_error_event_midway() {
    let (got, error) = read(
        &[stream(&[
            &delta(r#"{"content":"x"}"#),
            r#"{"error":{"message":"openai error: boom","type":"server_error"},"provider":"openai"}"#,
            DONE,
        ])
        .as_bytes()],
        None,
    );
    let error = error.unwrap();
    assert_eq!(got, [start(), text("x")]);
    assert_eq!((error.origin, error.message.as_str()), (ErrorOrigin::Upstream, "openai error: boom"));
    let (_, error) = read(&[stream(&[r#"{"status":"failure","message":"Invalid config passed"}"#]).as_bytes()], None);
    assert_eq!(error.unwrap().kind, ErrorKind::InvalidConfig);
    let overloaded = r#"{"choices":[{"finish_reason":"overloaded_error","delta":{"content":""}}]}"#;
    let (_, error) = read(&[stream(&[overloaded, DONE]).as_bytes()], None);
    assert_eq!(error.unwrap().kind, ErrorKind::Overloaded);
}

/// Streams of public bug reports that seemed a success, each named by its report.
#[test]
fn errors_that_seemed_a_success() {
    let hello = format!("data: {}\n\n", delta(r#"{"content":"Hel"}"#));
    let done = "data: [DONE]\n\n";
    let choice = |choice: &str| format!("data: {{\"choices\":[{{\"index\":0,\"delta\":{{}},{choice}}}]}}\n\n");
    let blocked = "data: {\"choices\":[],\"provider\":\"google\"}\n\n".to_owned();
    for (report, rest, kind, words) in [
        (
            "llama.cpp#16109",
            r#"error: {"code":500,"message":"the request exceeds the available context size","type":"server_error"}"#
                .to_owned()
                + "\n\n",
            ErrorKind::InvalidRequest,
            "context size",
        ),
        (
            "openai-python#2487",
            "event: error\ndata: {\"type\":\"error\",\"code\":\"ERR_X\",\"message\":\"engine went away\"}\n\n"
                .to_owned(),
            ErrorKind::Other,
            "engine went away",
        ),
        (
            "bifrost#7249",
            r#"data: {"choices":null,"base_resp":{"status_code":1008,"status_msg":"insufficient balance"}}"#.to_owned()
                + "\n\n",
            ErrorKind::QuotaExceeded,
            "insufficient balance",
        ),
        ("vllm#57082", choice(r#""finish_reason":"abort""#), ErrorKind::Truncated, "abort"),
        (
            "genkit#6259",
            choice(r#""finish_reason":"error","error":{"code":502,"message":"Provider disconnected"}"#),
            ErrorKind::Overloaded,
            "Provider disconnected",
        ),
        (
            "a reason, and its words after it",
            choice(r#""finish_reason":"error""#) + "data: {\"error\":{\"message\":\"why\"}}\n\n",
            ErrorKind::Other,
            "why",
        ),
        (
            "DeepSeek",
            choice(r#""finish_reason":"insufficient_system_resource""#),
            ErrorKind::Overloaded,
            "insufficient",
        ),
        (
            "Groq",
            choice(r#""finish_reason":"stop"}],"x_groq":{"id":"r","error":"over capacity"},"x":[{"y":0"#),
            ErrorKind::Overloaded,
            "over capacity",
        ),
        (
            "Bedrock",
            "data: {\"throttlingException\":{\"message\":\"Too many tokens, please wait\"}}\n\n".into(),
            ErrorKind::RateLimited,
            "Too many tokens",
        ),
        (
            "Hunyuan",
            "data: {\"Choices\":[],\"ErrorMsg\":{\"Msg\":\"server busy\",\"Code\":4001}}\n\n".into(),
            ErrorKind::Overloaded,
            "server busy",
        ),
        (
            "FastChat",
            "data: {\"text\":\"NETWORK ERROR DUE TO HIGH TRAFFIC\",\"error_code\":50004}\n\n".into(),
            ErrorKind::Overloaded,
            "HIGH TRAFFIC",
        ),
        (
            "text-generation-inference",
            "event:error\ndata:{\"error\":{\"message\":\"Request failed\",\"http_status_code\":500}}\n\n".into(),
            ErrorKind::Overloaded,
            "Request failed",
        ),
        (
            "OpenRouter, with Google's word in a second place",
            choice(r#""finish_reason":"stop","native_finish_reason":"MALFORMED_FUNCTION_CALL""#),
            ErrorKind::Protocol,
            "MALFORMED",
        ),
        // kappa's report of OpenRouter (hax#15), and calls that Google had refused (hermes-agent#83886).
        (
            "OpenRouter, where the provider broke off",
            choice(r#""finish_reason":"stop","native_finish_reason":"network_error""#),
            ErrorKind::Truncated,
            "network_error",
        ),
        (
            "the same behind calls",
            choice(r#""finish_reason":"tool_calls","native_finish_reason":"UNEXPECTED_TOOL_CALL""#),
            ErrorKind::Protocol,
            "UNEXPECTED",
        ),
        (
            "a list without data:",
            "[{\"error\":{\"code\":429,\"message\":\"Resource exhausted\"}}]\n".into(),
            ErrorKind::RateLimited,
            "Resource exhausted",
        ),
        (
            "a proxy's page",
            "\n<html>\n<head><title>502 Bad Gateway</title></head>\n\n".into(),
            ErrorKind::Overloaded,
            "502 Bad Gateway",
        ),
        (
            "an event of plain words",
            "data: rate limit exceeded\n\n".into(),
            ErrorKind::RateLimited,
            "rate limit exceeded",
        ),
        ("an error within a text", "data: \"{\\\"error\\\":\\\"boom\\\"}\"\n\n".into(), ErrorKind::Other, "boom"),
        ("an error without words", "event: error\ndata: {}\n\n".into(), ErrorKind::Other, "has no words {}"),
        (
            "LocalAI 2, whose error is its last text",
            r#"data: {"choices":[{"index":0,"delta":{"content":"Internal error: rpc error: code = Unavailable desc = EOF"},"finish_reason":"stop"}]}"#
                .to_owned()
                + "\n\n",
            ErrorKind::Overloaded,
            "rpc error: code = Unavailable",
        ),
        ("a model taken away", choice(r#""finish_reason":"modelUnloaded""#), ErrorKind::Overloaded, "modelUnloaded"),
        (
            "a later stop mends nothing",
            choice(r#""finish_reason":"error""#) + &choice(r#""finish_reason":"stop""#),
            ErrorKind::Overloaded,
            "error",
        ),
    ] {
        // A page that comes first is one of the gateway's address.
        let first = ["", hello.as_str()].into_iter().skip(usize::from(rest.contains('<')));
        for before in first {
            let (_, error) = read(&[before.as_bytes(), rest.as_bytes(), done.as_bytes()], None);
            let error = error.unwrap_or_else(|| panic!("{report}: a success"));
            assert_eq!(error.kind, kind, "{report}: {}", error.message);
            assert!(error.message.contains(words), "{report}: {}", error.message);
        }
    }
    let bare = r#"{"error":{"code":400,"message":"request exceeds the available context size"}}"#;
    let error = read(&[bare.as_bytes()], None).1.unwrap();
    assert_eq!(error.message, "request exceeds the available context size", "lemonade#2826");
    assert!(error.hint.unwrap().contains("context"));
    let (_, error) = read(&[blocked.as_bytes(), done.as_bytes()], None);
    assert_eq!(error.unwrap().kind, ErrorKind::ContentBlocked, "Google's blocked prompt");
    let hooks = r#"{"hook_results":{"before_request_hooks":[{"verdict":false,"deny":true,"checks":[{"id":"default.contains","verdict":false,"data":{"explanation":"a bomb"}}]}]}}"#;
    let (given, error) = read(&[stream(&[hooks, &delta(r#"{"content":"denied"}"#), STOP, DONE]).as_bytes()], None);
    assert_eq!(
        (given.len(), error.unwrap().message.as_str()),
        (0, "A guardrail denied this: default.contains: a bomb")
    );
    let (_, error) = read(&[b"Internal Server Error"], None);
    assert!(error.unwrap().message.contains("Internal Server Error"));
}

/// Servers keep a connection alive in many ways (opencode#50871, manifest#2053, omlx#1011), write what no line of a stream
/// is, or JSON that is none: no text of the answer may be lost over it.
#[test]
fn what_stands_between_the_chunks() {
    let [a, b] = ["a", "b"].map(|text| delta(&format!(r#"{{"content":"{text}"}}"#)));
    let expected = [start(), text("a"), text("b"), Event::Finish(FinishReason::Stop)];
    let reads = |body: &str| {
        let bytes = body.as_bytes();
        for at in 0..=bytes.len() {
            assert_eq!(read(&[&bytes[..at], &bytes[at..]], None), (expected.to_vec(), None), "{body:?} split at {at}");
        }
    };
    for idle in [
        "data: : keepalive\n\n",
        "data: : OPENROUTER PROCESSING\n\n",
        "data: ping\n\n",
        "data: keep-alive\n\n",
        "data: [HEARTBEAT]\n\n",
        "data: \"\"\n\n",
        "data: \0\n\n",
        "\0\0",
        "\u{feff}",
        "event: ping\ndata: 2025-01-01 00:00:00+00:00\n\n",
        "event: heartbeat\ndata: 1\n\n",
        // mistral.rs tells of the tools that it runs itself, whose arguments are no words of a failure.
        "event: x\ndata: {\"type\":\"agentic_tool_approval_required\",\"tool\":{},\"arguments\":{\"message\":\"hi\"}}\n\n",
        "data: {\"type\":\"agentic_tool_call_progress\",\"data\":{\"arguments\":{\"error\":\"x\"}}}\n\n",
    ] {
        reads(&format!("{idle}data: {a}\n\n{idle}data: {b}\n\n{idle}data: {STOP}\n\n{idle}data: <DONE>\n\n"));
    }
    reads(&format!("\u{1e}{a}\n\u{1e}{b}\n\u{1e}{STOP}\n"));
    reads(&format!(r"data: {a}\n\ndata: {b}\n\ndata: {STOP}\n\ndata: [DONE]\n\n"));
    reads(&format!("data: data: {a}\n\ndata: data:{b}\n\ndata: {STOP}\n\n"));
    reads(&format!("data: {a}\\n\\n\ndata: {b}\\r\\n\ndata: {STOP}\\n\\n\n"));
    let nan = |chunk: &str| chunk.replacen('{', r#"{"a":NaN,"b":[-Infinity, Infinity],"c":"\"NaN-1","d":-1,"#, 1);
    reads(&format!("data: {}\n\ndata: {}\n\ndata: {}\n\n", nan(&a), nan(&b), nan(STOP)));
    // As Python writes it.
    let python = |chunk: &str| chunk.replace('"', "'").replace("null", "None");
    reads(&format!("data: {}\n\ndata: {}\n\ndata: {}\n\n", python(&a), python(&b), python(STOP)));
    let pretty =
        |chunk: &str| serde_json::to_string_pretty(&serde_json::from_str::<serde_json::Value>(chunk).unwrap()).unwrap();
    let bodies = [&*a, &b, STOP].map(pretty);
    reads(&format!("data: {}\n\ndata: {}\n\ndata: {}\n\n", bodies[0], bodies[1], bodies[2]));
    // What is not known to say nothing is not passed over.
    for odd in ["Internal Server Error", "[ERROR] upstream failed", "1", "pinging"] {
        let (_, error) = read(&[format!("data: {a}\n\ndata: {odd}\n\ndata: {STOP}\n\n").as_bytes()], None);
        assert!(error.unwrap().message.contains(odd), "{odd}");
    }
}

/// MiniMax ends a stream with the whole message once more, as did some of Alibaba's.
#[test]
fn a_whole_message_behind_its_pieces_counts_once() {
    let whole = |message: &str| {
        format!(
            r#"{{"id":"c","object":"chat.completion","choices":[{{"index":0,"message":{message},"finish_reason":"stop"}}]}}"#
        )
    };
    let pieces = [delta(r#"{"content":"H"}"#), delta(r#"{"content":"i"}"#), whole(r#"{"content":"Hi"}"#)];
    let finish = Event::Finish(FinishReason::Stop);
    let expected = [start(), text("H"), text("i"), finish.clone()];
    assert_eq!(events(&[&pieces[0], &pieces[1], &pieces[2]]), expected);
    assert_eq!(events(&[&pieces[0], &pieces[1], STOP, &pieces[2], DONE]), expected);
    let called = r#"{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}}]}"#;
    let calls = [call(0, Some(("a", "f")), "{}"), Event::Finish(FinishReason::ToolCalls)];
    assert_eq!(events(&[&delta(called), &whole(called)])[1..], calls);
    // Where it is the only one, or the pieces are messages, it counts.
    assert_eq!(events(&[&delta(r#"{"role":"assistant"}"#), &pieces[2]])[1..], [text("Hi"), finish.clone()]);
    assert_eq!(
        events(&[&whole(r#"{"content":"H"}"#), &whole(r#"{"content":"i"}"#)])[1..],
        [text("H"), text("i"), finish.clone()]
    );
    // Also beside a piece that says nothing.
    for empty in [r#"{}"#, r#""""#, r#"{"role":"assistant"}"#] {
        let both = whole(r#"{"content":"Hi"}"#).replacen(r#""message""#, &format!(r#""delta":{empty},"message""#), 1);
        assert_eq!(events(&[&both, DONE])[1..], [text("Hi"), finish.clone()], "{both}");
        assert_eq!(events(&[&pieces[0], &pieces[1], &both, DONE]), expected, "{both}");
    }
    // What it alone says is not lost.
    let more = events(&[&pieces[0], &whole(r#"{"content":"Hi you"}"#), DONE]);
    assert_eq!(more, [start(), text("H"), text("i you"), finish.clone()]);
    let thought = [thinking("hm", None), thinking("", Some("reasoning_content")), text("Hi"), finish.clone()];
    let more = whole(r#"{"content":"Hi","reasoning_content":"hm"}"#);
    assert_eq!(events(&[&delta(r#"{"reasoning_content":"hm"}"#), &more, DONE])[1..], thought);
    let more = whole(&called.replacen('{', r#"{"content":"H","#, 1));
    let more = events(&[&pieces[0], &more, DONE]);
    assert_eq!(more[1..], [&[text("H")][..], &calls].concat());
    // Thinking is a part of the content, and the white space behind it.
    for (said, known) in [("<think>a</think>\n", &[thinking("a", None)][..]), ("<think>hm", &[thinking("hm", None)])] {
        let piece = delta(&serde_json::json!({ "content": said }).to_string());
        let content =
            |message: &str| whole(&message.replacen('{', &format!(r#"{{"content":{},"#, serde_json::json!(said)), 1));
        let more = events(&[&piece, &delta(called), &content(called), DONE]);
        assert_eq!(more[1..], [known, &calls].concat(), "{said}");
        let more = events(&[&piece, &content(r#"{"role":"assistant"}"#), DONE]);
        let open = said.strip_prefix("<think>").filter(|said| !said.contains('<')).map(text);
        assert_eq!(more[1..], [known, open.as_slice(), core::slice::from_ref(&finish)].concat(), "{said}");
    }
    let said = |text: &str| serde_json::json!({ "content": text }).to_string();
    let all = whole(&said("<think>a</think>\nHi"));
    for before in ["<think>a</think>\n", "<think>a</think>\nHi"] {
        let more = events(&[&delta(&said(before)), &all, DONE]);
        assert_eq!(more[1..], [thinking("a", None), text("Hi"), finish.clone()], "{before}");
    }
}

/// The content of many proxies to Google's models: in a stream one piece holds the image.
#[test]
fn images_that_are_drawn_in_the_text() {
    let png = [b"\x89PNG\r\n\x1a\n", &[7; 1024][..]].concat();
    let url = format!("data:image/png;base64,{}", base64_simd::STANDARD.encode_to_string(&png));
    let image = || Event::Image(MediaSource::Inline(Media { media_type: "image/png".into(), data: png.clone() }));
    let small = &url[..64];
    for (content, expected) in [
        (format!("![image]({url})"), vec![image()]),
        (format!("Here:\n![]({url})\nand ![b]({url})"), vec![text("Here:\n"), image(), text("\nand "), image()]),
        (url.clone(), vec![image()]),
        // Behind what is none, and by any name.
        (format!("![i]({small}) ![b]({url})"), vec![text(&format!("![i]({small}) ")), image()]),
        (format!("A data:image/ URL: ![a[0] b]({url})!"), vec![text("A data:image/ URL: "), image(), text("!")]),
        (format!("```\na\n```\n![b]({url})"), vec![text("```\na\n```\n"), image()]),
        // These are spoken of, or code that was asked for.
        (format!("```md\n![a]({url})\n```"), vec![text(&format!("```md\n![a]({url})\n```"))]),
        (format!("![a](b) [c]({url})"), vec![text(&format!("![a](b) [c]({url})"))]),
        (format!("![image]({small})"), vec![text(&format!("![image]({small})"))]),
        (format!("<img src=\"{url}\">"), vec![text(&format!("<img src=\"{url}\">"))]),
        (format!("![image]({url}*)"), vec![text(&format!("![image]({url}*)"))]),
    ] {
        let piece = delta(&serde_json::json!({ "content": content }).to_string());
        let before = [delta(r#"{"content":"a"}"#), delta(r#"{"content":"b"}"#)];
        let got = events(&[&before[0], &before[1], &piece, STOP, DONE]);
        let expected = [&[text("a"), text("b")][..], &expected[..]].concat();
        // A URL alone is one where nothing is before it.
        assert_eq!(got[1..got.len() - 1], expected[..], "{content:.80}");
        let got =
            answer::response(head(), piece.replace("delta", "message").replace("null", r#""stop""#).as_bytes(), true);
        assert_eq!(got.unwrap().content.len(), expected.len() - 2, "{content:.80}");
    }
}

/// Some gateways say all of a text once more in a piece (ragflow#15286, openclaw#142888), at its end or before. A text that
/// repeats itself stays what it is.
#[test]
fn a_whole_text_behind_its_pieces_counts_once() {
    let told = |texts: &[&str]| {
        let mut chunks: Vec<String> = texts.iter().map(|text| delta(&format!(r#"{{"content":"{text}"}}"#))).collect();
        chunks.extend([STOP.to_owned(), DONE.to_owned()]);
        let events = events(&chunks.iter().map(String::as_str).collect::<Vec<_>>());
        let said = events.into_iter().filter_map(|event| if let Event::Text(text) = event { Some(text) } else { None });
        said.collect::<String>()
    };
    let whole = "How can I help you?";
    assert_eq!(told(&["How can ", "I help", " you?", whole]), whole);
    assert_eq!(told(&["How can ", "I help", " you?", whole, " Say."]), format!("{whole} Say."));
    assert_eq!(told(&["How ", "\\u0063an I help you?", whole]), whole, "not read in the short way");
    for texts in [
        &["ha", "ha", "haha"][..],
        &["========", "========", "================", " Say."],
        &[whole, whole, "!"],
        &["How can ", "I help you?", "How can I help me??"],
        &["How can ", "I help you?", "How can I help you? Say."],
    ] {
        assert_eq!(told(texts), texts.concat());
    }
}

/// Some servers say in each piece all of the text so far (qwen-code#3896, of DashScope), and of the reasoning.
#[test]
fn a_text_that_grows_counts_once() {
    for field in ["content", "reasoning_content"] {
        let told = |texts: &[&str]| {
            let deltas: Vec<String> = texts.iter().map(|text| serde_json::json!({ field: text }).to_string()).collect();
            let events = of_deltas(&deltas.iter().map(String::as_str).collect::<Vec<_>>());
            let said = events.into_iter().map(|event| match event {
                Event::Text(text) => text,
                Event::Thinking(piece) => piece.text,
                event => panic!("{event:?}"),
            });
            said.collect::<String>()
        };
        for growing in [
            &["Here", "Here is", "Here is", "Here is the", "Here is the answer."][..],
            &["根据", "根据当前", "根据当前的时间"],
            &["**Note**", "**Note** a", "**Note** a", "**Note** a b", "**Note** a b"],
            &["Here is", "Here is the", " answer", "Here is the answer"],
            &["I", "I am", "I am here", "I am here", "I am here to"],
            &["A", "A B", "A B C"],
            &["*", "* a", "* a b", "* a b c"],
        ] {
            assert_eq!(told(growing), *growing.last().unwrap(), "{field}");
        }
        if field == "content" {
            let growing = [
                "<think>hm", "<think>hm so", "<think>hm so</think>", "<think>hm so</think>Hi",
                "<think>hm so</think>Hi!",
            ];
            assert_eq!(told(&growing), "hm soHi!", "between tags");
        }
        for texts in [
            &["ha", "haha", " ha"][..],
            &["ха", "хаха", "."],
            &["哈哈", "哈哈哈！"],
            &["{", "{name}}"],
            &["####", "########", "#"],
            &["Here", " is", "Here is", " Here is the"],
            &["1", "11", "111"],
            &["1", "10", "0", "x", "y"],
            &["no", "no way"],
        ] {
            assert_eq!(told(texts), texts.concat(), "{field}");
        }
    }
}

/// What may have grown is told before what follows it.
#[test]
fn what_is_held_keeps_its_place() {
    let events = of_deltas(&[
        r#"{"reasoning_content":"I"}"#,
        r#"{"reasoning_content":"I t"}"#,
        r#"{"content":"A"}"#,
        r#"{"content":"A B"}"#,
        r#"{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}}]}"#,
    ]);
    let field = thinking("", Some("reasoning_content"));
    let expected =
        [thinking("I", None), thinking("I t", None), field, text("A"), text("A B"), call(0, Some(("a", "f")), "{}")];
    assert_eq!(events, expected);
    for (end, kind) in [
        ("", ErrorKind::Truncated),
        (r#"{"error":{"message":"it is overloaded"}}"#, ErrorKind::Overloaded),
        ("no JSON", ErrorKind::Protocol),
    ] {
        let broken = stream(&[&delta(r#"{"content":"A"}"#), &delta(r#"{"content":"A B"}"#), end]);
        let (events, error) = read(&[broken.as_bytes()], None);
        assert_eq!((events, error.unwrap().kind), (vec![start(), text("A"), text("A B")], kind), "{end}");
    }
}

/// gpt-4o-audio's end with when the sound expires, and without a reason (openai-node#1206).
#[test]
fn a_spoken_answer_ends_where_its_sound_does() {
    let spoken = |audio: &str| delta(&format!(r#"{{"audio":{audio}}}"#));
    let (first, last) = (spoken(r#"{"id":"a","data":"QUJD","transcript":"Hi"}"#), spoken(r#"{"expires_at":9}"#));
    for end in [&[&*last, DONE][..], &[&last], &[&last, STOP, DONE]] {
        let given = events(&[&[&*first], end].concat());
        assert_eq!(given.last(), Some(&Event::Finish(FinishReason::Stop)), "{end:?}");
    }
    // Something else may hold it as well.
    let others = [r#"{"data":"QUJD","expires_at":9}"#, r#"["QUJD"]"#, r#""QUJD""#, "9"].map(spoken);
    for cut in others.iter().chain([&first]) {
        assert_eq!(read(&[stream(&[cut, DONE]).as_bytes()], None).1.unwrap().kind, ErrorKind::Truncated, "{cut}");
    }
    // Snowflake has an empty one with each answer.
    assert_eq!(
        of_deltas(&[r#"{"content":"Hi","audio":{"data":"","expires_at":0,"id":"","transcript":""}}"#]),
        [text("Hi")]
    );
}

/// Snowflake's of Claude have no place for a reason, and end with what was used.
#[test]
fn streams_without_a_place_for_a_reason() {
    let said = r#"{"created":0,"id":"c","model":"m","choices":[{"delta":{"content":"Hi","refusal":"","tool_calls":null},"index":0}]}"#;
    let usage = r#"{"id":"c","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4}}"#;
    let whole = [start(), text("Hi"), Event::Finish(FinishReason::Stop), used(3, 4)];
    assert_eq!(events(&[said, usage, DONE]), whole);
    let null = said.replace(r#""index":0"#, r#""index":0,"finish_reason":null"#);
    let dated = said.replace(r#""created":0"#, r#""created":1"#);
    for cut in [&[said, DONE][..], &[said, usage], &[&null, usage, DONE], &[&dated, usage, DONE]] {
        assert_eq!(read(&[stream(cut).as_bytes()], None).1.unwrap().kind, ErrorKind::Truncated, "{cut:?}");
    }
}

/// iFlytek's own (its API's reference, "Spark HTTP"): no reason, and the last has what was used.
#[test]
fn streams_of_spark() {
    let chunk = |more: &str| {
        format!(
            r#"{{"code":0,"message":"Success","sid":"s","id":"c","choices":[{{"delta":{{"role":"assistant","content":"Hi"}},"index":0}}]{more}}}"#
        )
    };
    let last = chunk(r#","usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7}"#);
    let start = Event::Start(ReplyStart { id: "c".into(), model: String::new() });
    let whole = [start.clone(), text("Hi"), text("Hi"), Event::Finish(FinishReason::Stop), used(3, 4)];
    assert_eq!(events(&[&chunk(""), &last, DONE]), whole);
    // One that is cut, and one that failed, with choices and without.
    let refused = last.replace(r#""code":0,"message":"Success""#, r#""code":10019,"message":"content sensitive""#);
    let other = r#"{"code":11200,"message":"AppIdNoAuthError","sid":"s"}"#;
    for (chunks, kind, words) in [
        (&[&*chunk(""), DONE][..], ErrorKind::Truncated, "without a finish reason"),
        (&[&chunk(""), &last], ErrorKind::Truncated, "without a finish reason"),
        (&[&chunk(""), &refused, DONE], ErrorKind::ContentBlocked, "content sensitive"),
        (&[&chunk(""), other, DONE], ErrorKind::Other, "AppIdNoAuthError"),
    ] {
        let error = read(&[stream(chunks).as_bytes()], None).1.unwrap();
        assert!(error.kind == kind && error.message.contains(words), "{error:?}");
    }
    let error = answer::response(head(), refused.replace("delta", "message").as_bytes(), false).unwrap_err();
    assert_eq!((error.kind, &*error.message), (ErrorKind::ContentBlocked, "content sensitive"));
}

/// Some of OpenRouter's details are the answer (openclaw#69538), unless that came.
#[test]
fn details_that_are_the_answer() {
    let details = |text: &str, content: &str| {
        format!(
            r#"{{"content":"{content}","reasoning_details":[{{"type":"reasoning.text","text":"hm"}},{{"type":"response.output_text","text":"{text}"}}]}}"#
        )
    };
    let said = |delta: &str| -> String {
        let of_event = |event| if let Event::Text(text) = event { Some(text) } else { None };
        of_deltas(&[delta]).into_iter().filter_map(of_event).collect()
    };
    assert_eq!([said(&details("Hi", "")), said(&details("Hi", "Hello"))], ["Hi", "Hello"]);
    let whole = format!(r#"{{"choices":[{{"message":{},"finish_reason":"stop"}}]}}"#, details("Hi", ""));
    let content = answer::response(head(), whole.as_bytes(), false).unwrap().content;
    let [AssistantPart::Thinking(thought), AssistantPart::Text(said)] = &content[..] else { panic!("{content:?}") };
    assert_eq!((&*thought.text, &**said), ("hm", "Hi"));
}

/// A proxy may say in words alone why it ends.
#[test]
fn words_behind_a_chunk_and_words_alone() {
    let chunk = delta(r#"{"content":"Hel"}"#);
    for between in ["\n", "\n\n"] {
        let body = format!("data: {chunk}{between}upstream connect error or disconnect/reset before headers\n");
        let error = read(&[body.as_bytes()], None).1.unwrap();
        assert!(error.kind == ErrorKind::Truncated && error.message.contains("upstream connect error"), "{error:?}");
        let body = format!("data: {chunk}{between}event: error\ndata: stream timeout\n\n");
        let (events, error) = read(&[body.as_bytes()], None);
        assert_eq!((events.len(), error.unwrap().kind), (2, ErrorKind::Timeout));
    }
    let said = |body: &str| {
        let streamed = read(&[body.as_bytes()], None).1.unwrap();
        let whole = answer::response(head(), body.as_bytes(), false).unwrap_err();
        assert_eq!((whole.kind, &whole.message), (streamed.kind, &streamed.message));
        streamed
    };
    let error = said("upstream connect error or disconnect/reset before headers");
    assert_eq!(
        (error.kind, &*error.message),
        (ErrorKind::Overloaded, "upstream connect error or disconnect/reset before headers")
    );
    assert_eq!(said("Too many requests, slow down").kind, ErrorKind::RateLimited);
    assert_eq!(said("Hello, I am a proxy").kind, ErrorKind::Protocol);
}

/// Three marks that came before, in whatever pieces.
#[test]
fn code_goes_on_from_piece_to_piece() {
    let data = base64_simd::STANDARD.encode_to_string([&b"\x89PNG\r\n\x1a\n"[..], &[0; 1024]].concat());
    let image = format!("![image](data:image/png;base64,{data})");
    let drawn = |pieces: &[&str]| {
        let pieces = pieces.iter().map(|piece| format!(r#"{{"content":{}}}"#, Json::from(*piece).to_json()));
        let pieces: Vec<String> = pieces.collect();
        let events = of_deltas(&pieces.iter().map(String::as_str).collect::<Vec<_>>());
        events.iter().filter(|event| matches!(event, Event::Image(_))).count()
    };
    for (pieces, images) in [
        (&["So: ", "``", "`md\n", &image, "\n```", &image][..], 1),
        (&["So: ", "```md\n a ```", &image], 1),
        (&["So: `", "a`", &image], 1),
        (&["Four ```", "`md\n", &image], 0),
    ] {
        assert_eq!(drawn(pieces), images, "{:?}", pieces.first());
    }
    let example = |text: &str| {
        let chunk = delta(&format!(r#"{{"content":{}}}"#, Json::from(text).to_json()));
        let mut reply = Reply::new(head()).offers_tools(true);
        reply.push(stream(&[&chunk, STOP, DONE]).as_bytes());
        reply.close(None);
        reply.take();
        reply.take().unwrap().is_ok()
    };
    assert!(
        example("So:\n```xml\n<tool_call>f</tool_call>")
            && !example("So:\n```\n<tool_call>f</tool_call>\n```\n<tool_call>f</tool_call>")
    );
}

/// What is told again begins no reasoning.
#[test]
fn reasoning_behind_the_text_once_more_leaves_nothing() {
    let events = of_deltas(&[
        r#"{"reasoning_content":"I think about "}"#,
        r#"{"reasoning_content":"the answer."}"#,
        r#"{"content":"Hi"}"#,
        r#"{"reasoning_content":"I think about the answer."}"#,
    ]);
    let is_empty = |event: &&Event| matches!(event, Event::Thinking(piece) if piece.text.is_empty());
    assert_eq!(events.iter().filter(is_empty).count(), 1, "{events:?}");
}

/// Of a whole answer each block says its own.
#[test]
fn blocks_of_a_whole_answer_do_not_grow() {
    let blocks = r#"[{"type":"text","text":"Step"},{"type":"text","text":"Steps: one"}]"#;
    for member in ["content", "content_blocks"] {
        let body = format!(r#"{{"choices":[{{"message":{{"{member}":{blocks}}},"finish_reason":"stop"}}]}}"#);
        let whole = answer::response(head(), body.as_bytes(), false).unwrap();
        let said = whole.content.into_iter().map(|part| match part {
            AssistantPart::Text(text) => text,
            part => panic!("{part:?}"),
        });
        assert_eq!(said.collect::<String>(), "StepSteps: one", "{member}");
    }
}

/// A list in the content is the answer only where none of it is a block.
#[test]
fn blocks_without_a_type_are_no_answer_in_json() {
    for (block, is_json) in [
        (r#"{"index":0,"delta":{"signature":"s"}}"#, false),
        (r#"{"index":0,"delta":{"data":"d"}}"#, false),
        (r#"{"index":0,"delta":{"citation":{"url":"u"}}}"#, false),
        (r#"{"tool_use_id":"x"}"#, false),
        (r#"{"delta":{"name":"web_search","id":"srvtoolu_x"}}"#, false),
        (r#"{"name":"Ann","id":1}"#, true),
    ] {
        let events = of_deltas(&[&format!(r#"{{"content":[{block}]}}"#)]);
        assert_eq!(events.iter().any(|event| matches!(event, Event::Text(_))), is_json, "{block}: {events:?}");
    }
}

/// Anthropic has run its own tool already: the answer is there.
#[test]
fn a_servers_call_is_no_missing_call() {
    let call = r#"{"id":"srvtoolu_1","function":{"name":"web_search","arguments":"{}"}}"#;
    let body = format!(
        r#"{{"choices":[{{"message":{{"content":"a","tool_calls":[{call}]}},"finish_reason":"tool_calls"}}]}}"#
    );
    let whole = answer::response(head(), body.as_bytes(), true).unwrap();
    assert_eq!(whole.content.first(), Some(&AssistantPart::Text("a".into())));
}

/// The piece that names it was lost, of the first call or of another. A provider's own tool has a number that a call has,
/// or none.
#[test]
fn a_call_without_a_name_is_no_answer() {
    let named = r#"{"index":0,"id":"a","type":"function","function":{"name":"f","arguments":"{\"x\":1}"}}"#;
    for nameless in [
        r#"{"index":1,"function":{"arguments":"{\"y\":2}"}}"#,
        r#"{"index":1,"id":"b","type":"function","function":{"arguments":"{\"x\":1}"}}"#,
        r#"{"index":1,"id":"b","function":{"name":"","arguments":"{}"}}"#,
    ] {
        for calls in [&[named, nameless][..], &[nameless]] {
            for reason in ["stop", "tool_calls"] {
                let end = STOP.replace("stop", reason);
                let mut chunks: Vec<String> =
                    calls.iter().map(|call| delta(&format!(r#"{{"tool_calls":[{call}]}}"#))).collect();
                chunks.extend([end, DONE.to_owned()]);
                let (_, error) = read_all(&chunks);
                let whole = format!(
                    r#"{{"choices":[{{"message":{{"content":"a","tool_calls":[{}]}},"finish_reason":"{reason}"}}]}}"#,
                    calls.join(",")
                );
                for error in [error, answer::response(head(), whole.as_bytes(), true).err()] {
                    let error = error.unwrap_or_else(|| panic!("{calls:?} {reason}"));
                    assert!(error.message.starts_with("The model calls a tool, and the answer does not"), "{error:?}");
                }
            }
        }
    }
}

/// A model may write any number of calls as one: each of them would have the name.
#[test]
fn a_long_name_is_not_given_to_each_call_that_follows() {
    let arguments = r#"{\"x\":1}{\"x\":2}"#.repeat(500);
    let name = "many_words_".repeat(1_000);
    let call = format!(
        r#"{{"tool_calls":[{{"index":0,"id":"a","function":{{"name":"{name}","arguments":"{arguments}"}}}}]}}"#
    );
    let (events, _) = read(&[stream(&[&delta(&call), STOP, DONE]).as_bytes()], None);
    let names = events.iter().map(|event| match event {
        Event::ToolCall(call) => call.name.as_deref().unwrap_or_default().len(),
        _ => 0,
    });
    assert_eq!(names.sum::<usize>(), name.len());
}

/// Calls of public bug reports. A piece is `index/id/name/arguments`, `-` where there is none.
#[test]
fn calls_by_what_is_there() {
    let piece = |piece: &str| {
        let [index, id, name, arguments] = piece.splitn(4, '/').collect::<Vec<_>>()[..] else { panic!("{piece}") };
        let field = |name: &str, value: &str, quote: &str| match value {
            "-" => String::new(),
            _ => format!("\"{name}\":{quote}{}{quote},", value.replace('"', "\\\"")),
        };
        let function = field("name", name, "\"") + &field("arguments", arguments, "\"");
        let function = function.trim_end_matches(',');
        format!(
            r#"{{"tool_calls":[{{{}{}"function":{{{function}}}}}]}}"#,
            field("index", index, ""),
            field("id", id, "\"")
        )
    };
    for (report, pieces, expected) in [
        (
            "vercel/ai#18440",
            &["0/-/f/{\"a\":1}", "0/-/f/{\"a\":2}", "0/-/g/{}"][..],
            &["call_0 f {\"a\":1}", "call_1 f {\"a\":2}", "call_2 g {}"][..],
        ),
        ("vercel/ai#18440, blank ids", &["0/a/f/", "0/ /-/{\"x\":", "0/ /-/1}"], &["a f {\"x\":1}"]),
        ("vercel/ai#14722", &["0/a/-/{\"command\": ", "0/-/bash/", "0/-/-/\"ls\"}"], &["a bash {\"command\": \"ls\"}"]),
        ("another id with each piece", &["0/a/f/{", "0/b/-/\"x\":1", "0/c/-/}"], &["a f {\"x\":1}"]),
        ("one id for all", &["0/i/f/{}", "1/i/g/{}"], &["i f {}", "i_1 g {}"]),
        ("one id for all, and no arguments", &["0/i/f/", "1/i/g/{}", "2/i/h/"], &["i f ", "i_1 g {}", "i_2 h "]),
        (
            "one id, name and number for all",
            &["0/i/f/{\"x\":1}", "0/i/f/{\"x\":2}", "0/i/f/{\"x\": 2}", "0/i/f/{\"x\":12}"],
            &["i f {\"x\":1}", "i_1 f {\"x\":2}", "i_2 f {\"x\":12}"],
        ),
        (
            "the same in pieces",
            &["0/i/f/", "0/i/-/{\"x\":", "0/i/-/1}", "0/i/f/", "0/i/-/{\"x\":", "0/i/-/2}"],
            &["i f {\"x\":1}", "i_1 f {\"x\":2}"],
        ),
        (
            "a call once more, in pieces",
            &["0/i/f/{\"x\":", "0/i/-/1}", "0/i/f/{", "0/i/-/\"x\": 1", "0/-/-/}", "1/j/f/{\"x\":1}"],
            &["i f {\"x\":1}", "j f {\"x\":1}"],
        ),
        (
            "several of one id once more",
            &[
                "0/i/f/{\"x\":1}", "0/i/f/{\"x\":2}", "0/i/f/{\"x\":1}", "0/i/f/{\"x\":2}", "0/i/f/{\"x\":3}",
                "0/i/f/{}",
            ],
            &["i f {\"x\":1}", "i_1 f {\"x\":2}", "i_2 f {\"x\":3}", "i_3 f {}"],
        ),
        ("no number, one id and name", &["-/i/f/{\"x\":1}", "-/i/f/{\"x\":2}"], &["i f {\"x\":1}", "i_1 f {\"x\":2}"]),
        ("the name each time", &["0/a/f/{", "0/a/f/}", "1/b/f/{}"], &["a f {}", "b f {}"]),
        ("a call once more at the end", &["0/a/f/{", "0/a/-/}", "0/a/f/{}"], &["a f {}"]),
        ("no number", &["-/a/f/{", "-/-/-/}", "-/b/f/{}"], &["a f {}", "b f {}"]),
        ("agno#8880", &["0/a/f/{}", "0/b/g/", "1/-/-/{\"x\":1}"], &["a f {}", "b g {\"x\":1}"]),
        ("another number with each piece", &["0/a/f/", "1/-/-/{\"x\":", "2/-/-/1}"], &["a f {\"x\":1}"]),
        ("LocalAI#9722", &["0/a/f/", "1/a/f/{\"x\":", "2/a/f/1}"], &["a f {\"x\":1}"]),
        ("another id and the name each time", &["0/a/f/", "0/b/f/{\"x\":", "0/c/f/1}"], &["a f {\"x\":1}"]),
        ("one id for all, no number", &["-/i/f/{}", "-/i/g/{}"], &["i f {}", "i_1 g {}"]),
        ("BerriAI/litellm#4537", &["0/a/f/{}", "0/-/-/", "0/-/-/{\"x\":", "0/-/-/1}"], &["a f {\"x\":1}"]),
        ("the same, with the id and the name", &["0/a/f/{}", "0/a/f/{\"x\":", "0/a/f/1}"], &["a f {\"x\":1}"]),
        ("the same twice", &["0/a/f/{}", "0/a/f/{}", "0/b/f/{\"x\":1}"], &["a f {}", "b f {\"x\":1}"]),
        ("none, and no ids", &["0/-/f/{}", "0/-/f/{\"x\":1}"], &["call_0 f {}", "call_1 f {\"x\":1}"]),
        ("none", &["0/a/f/{}", "0/-/-/", "1/b/g/{}"], &["a f {}", "b g {}"]),
        ("a name in pieces", &["0/a/get/-", "0/-/_wea/", "0/-/ther/{", "0/-/-/}"], &["a get_weather {}"]),
        ("the same, each with the id", &["0/a/get/", "0/a/Weather/", "0/a/-/{}"], &["a getWeather {}"]),
        ("the same under two ids", &["0/a/get_/", "0/b/weather/", "0/-/-/{}"], &["a get_weather {}"]),
        ("a name that grows", &["0/a/get/", "0/a/get_weather/", "0/a/get_weather/{}"], &["a get_weather {}"]),
        ("two names, two ids", &["0/a/time/", "0/b/weather/", "0/-/-/{}"], &["a time ", "b weather {}"]),
        ("two names, no ids", &["0/-/time/", "0/-/weather/{}"], &["call_0 time ", "call_1 weather {}"]),
        ("two names, no numbers", &["-/a/time/", "-/b/weather/{}"], &["a time ", "b weather {}"]),
        ("litellm#12513", &["0/a/f/{\"x\":", "0//null/1}"], &["a f {\"x\":1}"]),
        ("none, and a blank", &["0/a/f/{}", "0/-/-/ "], &["a f {}"]),
        // An id that is made is none that another call has.
        (
            "an id like one that was made",
            &["0/i/f/{}", "1/i/g/{}", "2/i_1/h/{}"],
            &["i f {}", "i_1 g {}", "i_1_2 h {}"],
        ),
        ("the same, and none", &["0/-/f/{}", "1/call_0/g/{}"], &["call_0 f {}", "call_0_1 g {}"]),
        ("a number below zero", &["-1/-/-/{}", "0/a/f/{}"], &["a f {}"]),
        // All so far in each piece (hermes-agent#35592, of Qianfan), and all once more (opencodex#361).
        (
            "arguments that grow",
            &["0/a/f/{", "0/-/-/{\"x\": 1", "0/-/-/{\"x\": 12}", "1/b/g/{}"],
            &["a f {\"x\": 12}", "b g {}"],
        ),
        (
            "the same with id and name, and once more",
            &[
                "0/a/f/", "0/a/f/{\"x\"", "0/a/f/{\"x\": 12", "0/a/f/{\"x\": 12", "0/a/f/{\"x\": 12}",
                "0/a/f/{\"x\": 12}",
            ],
            &["a f {\"x\": 12}"],
        ),
        (
            "arguments twice",
            &["0/a/f/", "0/-/-/{\"x\":1}", "0/-/-/{\"x\":1}", "1/b/g/{}"],
            &["a f {\"x\":1}", "b g {}"],
        ),
        ("the same in pieces", &["0/a/f/", "0/-/-/{\"x\":", "0/-/-/1}", "0/-/-/{\"x\":1}"], &["a f {\"x\":1}"]),
        ("the same without a number", &["-/a/f/", "-/-/-/{\"x\":1}", "-/-/-/{\"x\":1}"], &["a f {\"x\":1}"]),
        ("an object in an object", &["0/a/f/{\"x\":", "0/-/-/{\"x", "0/-/-/\":1}}"], &["a f {\"x\":{\"x\":1}}"]),
        // Two objects, one behind the other: each is a call, but for the same once more (litellm#40582).
        ("two calls as one", &["0/a/f/{\"x\":1}{\"x\":2}"], &["a f {\"x\":1}", "call_1 f {\"x\":2}"]),
        (
            "the same in pieces",
            &["0/a/f/", "0/-/-/{\"x\":\"}{\"", "0/-/-/}, {", "0/-/-/\"y\":2}", "1/b/g/{}"],
            &["a f {\"x\":\"}{\"}", "call_1 f {\"y\":2}", "b g {}"],
        ),
        ("one call thrice", &["0/a/f/{\"x\":1}\\n{\"x\": 1}{\"x\":1}"], &["a f {\"x\":1}"]),
        ("openai-agents-js#712", &["0/a/f/{}{\"x\":1}"], &["a f {\"x\":1}"]),
        // JSON as a text once more (vllm#54964), and of it the empty one; a text that is no JSON stays one.
        ("arguments as a text", &[r#"0/a/f/"{\\"x\\":1}""#], &["a f {\"x\":1}"]),
        (
            "the same in pieces",
            &["0/a/f/", r#"0/-/-/ "{"#, r#"0/-/-/\\"x\\"#, r#"0/-/-/":1}"#, r#"0/-/-/" "#, "1/b/g/{}"],
            &["a f {\"x\":1}", "b g {}"],
        ),
        ("the same with a piece of nothing", &[r#"0/a/f/"{"#, "0/-/-/", r#"0/-/-/\\"x\\":1}""#], &["a f {\"x\":1}"]),
        ("the same, and empty", &[r#"0/a/f/"{}""#], &["a f {}"]),
        ("a text", &["0/a/f/", r#"0/-/-/"l"#, r#"0/-/-/s""#], &["a f \"ls\""]),
        // What a model writes behind its arguments (vllm#48975, librefang#2975), but not where they may be misread.
        ("words behind arguments", &["0/a/f/{\"x\":1}Estimating..."], &["a f {\"x\":1}"]),
        (
            "the same in pieces",
            &["0/a/f/", "0/-/-/{\"x\":", "0/-/-/1}\\n\\nNow I", "0/-/-/ search"],
            &["a f {\"x\":1}"],
        ),
        ("a brace too many", &["0/a/f/{\"x\":{}}}"], &["a f {\"x\":{}}"]),
        ("a tag behind arguments", &["0/a/f/{\"x\":1}\\n</tool_call>", "1/b/g/{}"], &["a f {\"x\":1}", "b g {}"]),
        ("quotes that are not escaped", &["0/a/f/{\"x\":\"a \"}\" b\"}"], &["a f {\"x\":\"a \"}\" b\"}"]),
        // A token of the model's own behind the name (pydantic-ai#7143).
        ("gpt-oss", &["0/a/f<|channel|>commentary/{}", "1/b/g<|constrain|>json/"], &["a f {}", "b g "]),
        (
            "a provider's own tool behind a call",
            &["0/a/f/", "0/-/-/{}", "0/-/-/{\"query\":", "0/-/-/\"x\"}"],
            &["a f {}"],
        ),
    ] {
        let mut chunks: Vec<String> = pieces.iter().map(|text| delta(&piece(text))).collect();
        chunks.extend([STOP.to_owned(), DONE.to_owned()]);
        let events = events(&chunks.iter().map(String::as_str).collect::<Vec<_>>());
        let report_of = crate::parts::join(events, head().report());
        let calls = report_of.content.iter().filter_map(|part| match part {
            AssistantPart::ToolCall(call) => Some(format!("{} {} {}", call.id, call.name, call.arguments_json)),
            _ => None,
        });
        assert_eq!(calls.collect::<Vec<_>>(), expected, "{report}");
        assert_eq!(report_of.finish_reason, FinishReason::ToolCalls, "{report}");
        let has_other = report_of.content.iter().any(|part| matches!(part, AssistantPart::Other(_)));
        let is_other = ["a provider's own tool behind a call", "a number below zero"].contains(&report);
        assert_eq!(has_other, is_other, "{report}: {:?}", report_of.content);
    }
    // Long arguments once more, in another spacing; some others of one length; and what comes late for the first.
    let long = |end: &str| format!("{{\"x\":\"{}\",\"y\":{end}}}", "x".repeat(300));
    let first = long("1");
    let (spaced, other) = (first.replace(":", " : ").replace("{", "{\n  "), long("12"));
    let encrypted = r#"{"type":"reasoning.encrypted","id":"i","data":"d"}"#;
    let pieces = [&first, &spaced, &other].map(|arguments| piece(&format!("0/i/f/{arguments}").replace('\n', "\\n")));
    let mut deltas = pieces.to_vec();
    deltas.insert(2, format!(r#"{{"reasoning_details":[{encrypted}]}}"#));
    let got = of_deltas(&deltas.iter().map(String::as_str).collect::<Vec<_>>());
    let signature = Event::ToolCall(ToolCallDelta {
        index: 0,
        id: None,
        name: None,
        arguments_fragment: String::new(),
        signature: Some(encrypted.into()),
    });
    assert_eq!(got, [call(0, Some(("i", "f")), &first), signature, call(1, Some(("i_1", "f")), &other)]);
    // What they differ in may come late.
    let deltas = [&first, &long("2")].map(|arguments| piece(&format!("0/i/f/{arguments}")));
    let got = of_deltas(&deltas.each_ref().map(String::as_str));
    assert_eq!(got, [call(0, Some(("i", "f")), &first), call(1, Some(("i_1", "f")), &long("2"))]);
    // However often: that takes no place.
    let deltas =
        vec![r#"{"tool_calls":[{"index":0,"id":"i","function":{"name":"f","arguments":"{\"x\":1}"}}]}"#; 5_000];
    assert_eq!(of_deltas(&deltas), [call(0, Some(("i", "f")), "{\"x\":1}")]);
    // Two at a time, which only their places tell apart.
    let pairs = [
        r#"{"tool_calls":[{"id":"a","function":{"name":"f"}},{"id":"b","function":{"name":"g"}}]}"#,
        r#"{"tool_calls":[{"function":{"arguments":"{}"}},{"function":{"arguments":"{ }"}}]}"#,
    ];
    let expected =
        [call(0, Some(("a", "f")), ""), call(1, Some(("b", "g")), ""), call(0, None, "{}"), call(1, None, "{ }")];
    assert_eq!(of_deltas(&pairs), expected);
    let older = [r#"{"function_call":{"name":"f","arguments":"{"}}"#, r#"{"function_call":{"arguments":"}"}}"#];
    assert_eq!(of_deltas(&older), [call(0, Some(("call_0", "f")), "{"), call(0, None, "}")], "oh-my-pi#1692");
    let listed = [
        r#"{"type":"text","content":"a","content_list":[{"type":"text","text":"a"}]}"#,
        r#"{"type":"tool_use","content_list":[{"tool_use_id":"i","name":"f"}]}"#,
        r#"{"type":"tool_use","content_list":[{"input":"{\"x\":"}]}"#,
        r#"{"type":"tool_use","content_list":[{"input":"1}"}]}"#,
    ];
    assert_eq!(
        of_deltas(&listed),
        [text("a"), call(0, Some(("i", "f")), ""), call(0, None, "{\"x\":"), call(0, None, "1}")],
        "langchain-snowflake#40"
    );
    // Claude's search: its start comes in the blocks, its input as a call's.
    let search = [
        r#"{"content_blocks":[{"index":0,"delta":{"id":"s","name":"web_search","input":{}}}]}"#,
        r#"{"tool_calls":[{"index":-1,"function":{"arguments":"{\"q\":\"x\"}"}}]}"#,
        r#"{"content_blocks":[{"index":1,"delta":{"tool_use_id":"s","content":[]}}]}"#,
        r#"{"content":"a","content_blocks":[{"index":2,"delta":{"text":"a"}}]}"#,
        r#"{"content_blocks":[{"index":2,"delta":{"citation":{"type":"web_search_result_location"}}}]}"#,
    ];
    let other = |json: &str| Event::Other(json.into());
    assert_eq!(
        of_deltas(&search),
        [
            other(r#"{"type":"web_search_tool_result","tool_use_id":"s","content":[]}"#),
            text("a"),
            other(r#"{"type":"web_search_result_location"}"#),
            other(r#"{"type":"server_tool_use","id":"s","name":"web_search","input":{"q":"x"}}"#),
        ]
    );
    // By its id it was called already, whatever it is named.
    let called = [
        r#"{"tool_calls":[{"index":0,"id":"srvtoolu_1","function":{"name":"web_search","arguments":""}}]}"#,
        r#"{"tool_calls":[{"index":0,"function":{"arguments":"{\"q\":1}"}}]}"#,
        r#"{"content":"a"}"#,
    ];
    let own = r#"{"type":"server_tool_use","id":"srvtoolu_1","input":"{\"q\":1}"}"#;
    assert_eq!(of_deltas(&called), [text("a"), other(own)]);
}

/// The last reason counts, but a later `stop` undoes no calls, and a cut after an early one is a cut.
#[test]
fn the_last_word_counts() {
    let stop = |delta: &str| {
        format!(r#"{{"id":"c","model":"m","choices":[{{"index":0,"delta":{delta},"finish_reason":"stop"}}]}}"#)
    };
    let jcode = [
        stop(r#"{"reasoning_content":"hm"}"#),
        stop(r#"{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{\"x\":"}}]}"#),
        stop(r#"{"tool_calls":[{"index":0,"function":{"arguments":"1}"}}]}"#),
        STOP.replace("stop", "tool_calls"),
        DONE.to_owned(),
    ];
    let all: Vec<&str> = jcode.iter().map(String::as_str).collect();
    let expected = [
        start(),
        thinking("hm", None),
        thinking("", Some("reasoning_content")),
        call(0, Some(("a", "f")), "{\"x\":"),
        call(0, None, "1}"),
        Event::Finish(FinishReason::ToolCalls),
    ];
    assert_eq!(events(&all), expected, "jcode#1326");
    assert_eq!(events(&all[..3]), expected, "a clean end after a reason is an end");
    assert_eq!(read(&[stream(&all[..2]).as_bytes()], None).1.unwrap().kind, ErrorKind::Truncated, "an open call");
    // And where it says so itself. OpenClaw asks again where a stream "ended without" something (2026.9.6).
    let error = read(&[stream(&[all[1], all[3], DONE]).as_bytes()], None).1.unwrap();
    let words = "The stream ended without the end of a tool call: what arrived is not the whole answer";
    assert_eq!((error.kind, error.message.as_str()), (ErrorKind::Truncated, words));
    for count in 1..4 {
        let broken = error::new(ErrorKind::Transport, ErrorOrigin::Network, "x", true);
        let (_, error) = read(&[stream(&all[..count]).as_bytes()], Some(broken));
        assert_eq!(error.unwrap().kind, ErrorKind::Truncated, "broken behind {count}");
    }
    let again: Vec<&str> = all[..4].iter().copied().chain([STOP, DONE]).collect();
    assert_eq!(events(&again), expected);
    // A reason at the root of a chunk counts where no choice has one.
    let a = delta(r#"{"content":"a"}"#);
    for (root, expected) in [
        (r#"{"choices":[],"finish_reason":"length"}"#, FinishReason::Length),
        (r#"{"finish_reason":"stop"}"#, FinishReason::Stop),
        (r#"{"choices":[{"index":0,"delta":{}}],"finish_reason":"length"}"#, FinishReason::Length),
        (
            r#"{"choices":[{"index":0,"delta":{},"finish_reason":"length"}],"finish_reason":"stop"}"#,
            FinishReason::Length,
        ),
    ] {
        assert_eq!(events(&[&a, root, DONE]).last(), Some(&Event::Finish(expected.clone())), "{root}");
        assert_eq!(events(&[&a, root]).last(), Some(&Event::Finish(expected)), "{root}");
    }
    assert_eq!(
        events(&[&a, &STOP.replace("stop", "length"), r#"{"choices":[],"finish_reason":"stop"}"#]).last(),
        Some(&Event::Finish(FinishReason::Length))
    );
    // A later `stop` undoes no limit and no filter.
    for (reason, expected) in [("length", FinishReason::Length), ("content_filter", FinishReason::ContentFilter)] {
        let ended = STOP.replace("stop", reason);
        assert_eq!(events(&[&a, &ended, STOP, DONE]).last(), Some(&Event::Finish(expected.clone())), "{reason}");
        assert_eq!(events(&[&a, STOP, &ended, DONE]).last(), Some(&Event::Finish(expected)), "{reason}");
    }
    let (_, error) = read(&[stream(&[&a, r#"{"choices":[],"finish_reason":"error"}"#, DONE]).as_bytes()], None);
    assert_eq!(error.unwrap().kind, ErrorKind::Overloaded);
    let sensitive = STOP.replace("stop", "sensitive");
    assert_eq!(events(&[STOP, &sensitive]).last(), Some(&Event::Finish(FinishReason::ContentFilter)));
}

#[test]
fn of_white_space_before_a_body_little_is_kept() {
    let mut reply = Reply::new(head());
    // Each piece ends within a byte order mark.
    reply.push(b"\xef");
    for _ in 0..9 {
        reply.push(&[b"\xbb\xbf", "\u{feff} ".repeat(99).as_bytes(), b"\xef"].concat());
        assert!(matches!(&reply.form, Form::Unknown(start) if start.len() < 3), "{:?}", reply.form);
    }
}

#[test]
fn the_first_byte_tells_what_a_body_is() {
    let whole = r#"{"id":"c","model":"m","choices":[{"message":{"content":"hi"},"finish_reason":"stop"}]}"#;
    let chunk = delta(r#"{"content":"hi"}"#);
    let expected = [start(), text("hi"), Event::Finish(FinishReason::Stop)];
    for body in [
        whole.to_owned(),
        format!("\u{feff}\n\n {whole}\n"),
        format!("{chunk}\n{STOP}\n"),
        format!("data: {chunk}\ndata: {STOP}\ndata: [DONE]"),
        format!(": hi\n\n  data: {chunk}\n \ndata:{STOP}\n\ndata: [DONE] \n\n"),
        format!("data: {chunk}\r\rdata: {STOP}"),
        format!("{chunk}{STOP}"),
        format!("[{chunk},\n{STOP}]\n"),
        format!("data: {chunk}{STOP}\n\ndata: DONE\n\n"),
        format!("data: [{chunk},{STOP}]\n\n"),
        serde_json::to_string(whole).unwrap(),
        format!("data: {}\n\ndata: {STOP}\n\n", serde_json::to_string(&chunk).unwrap()),
        format!("data: {chunk}\n\n{}", STOP.replace("finish_reason", "finish_reason\":null,\"finishReason")),
    ] {
        for at in 0..=body.len() {
            let (head, tail) = body.as_bytes().split_at(at);
            assert_eq!(read(&[head, tail], None), (expected.to_vec(), None), "{body:?} split at {at}");
        }
    }
    let page = read(&[b"<html>"], None).1.unwrap();
    assert_eq!(page.kind, ErrorKind::InvalidConfig);
}

/// Each piece is looked up among all calls: past a limit that is refused, and does not take long.
#[test]
fn an_event_with_very_many_calls_is_refused() {
    let piece = |number: usize| format!(r#"{{"id":"i{number}","function":{{"name":"f","arguments":"{{}}"}}}}"#);
    let calls: Vec<String> = (0..200_000).map(piece).collect();
    let error = read(&[stream(&[&delta(&format!(r#"{{"tool_calls":[{}]}}"#, calls.join(",")))]).as_bytes()], None).1;
    assert_eq!(error.unwrap().kind, ErrorKind::Protocol);
}

#[test]
fn an_event_that_is_no_json_is_quoted_in_short() {
    let (_, error) =
        read(&[format!("data: oops {}\n\n", "x".repeat(500)).as_bytes(), stream(&[STOP, DONE]).as_bytes()], None);
    let error = error.unwrap();
    assert_eq!(error.kind, ErrorKind::Protocol);
    assert!(error.message.contains("oops xxx") && error.message.len() < 200, "{}", error.message);
    assert_eq!(read(&[b"data: \xff\n\n"], None).1.unwrap().kind, ErrorKind::Protocol);
    // What is no UTF-8 is replaced, alike or not.
    let chunk = stream(&[&delta(r#"{"content":"a?b"}"#)]).into_bytes();
    let wrong: Vec<u8> = chunk.iter().map(|&byte| if byte == b'?' { 0xff } else { byte }).collect();
    let (got, error) = read(&[&chunk, &chunk, &wrong, &wrong, stream(&[STOP, DONE]).as_bytes()], None);
    assert_eq!(error, None);
    assert_eq!(got[1..5], [text("a?b"), text("a?b"), text("a\u{fffd}b"), text("a\u{fffd}b")]);
}

#[test]
fn chunks_that_say_nothing_are_passed_over() {
    assert_eq!(
        events(&[
            "{}",
            r#"{"choices":null}"#,
            "",
            r#"{"choices":[{"index":1,"delta":{"content":"second"}},{"index":0,"delta":{}}]}"#,
            r#"{"choices":[{"index":1,"delta":{"content":"second"}}]}"#,
            STOP
        ])
        .len(),
        2
    );
    let lone = r#"{"id":"c","model":"m","choices":[{"index":1,"delta":{"content":"a"},"finish_reason":"stop"}]}"#;
    assert_eq!(events(&[lone, DONE]), [start(), text("a"), Event::Finish(FinishReason::Stop)]);
}

#[test]
fn an_endless_event_is_an_error() {
    let mut reply = Reply::new(head());
    let piece = vec![b'x'; 1 << 20];
    while !reply.is_over() {
        reply.push(&piece);
    }
    assert!(matches!(reply.take(), Some(Err(error)) if error.kind == ErrorKind::Protocol));
}

#[test]
fn a_plain_answer_becomes_its_events() {
    let body = br#"{"id":"c","model":"m","choices":[{"message":{"content":"hi","reasoning":"r","tool_calls":[{"id":"a","function":{"name":"f","arguments":"{}"}}]},
        "finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":2},"hook_results":{}}"#;
    let mut reply = Reply::new(head());
    reply.push(body);
    reply.close(None);
    assert!(reply.is_over());
    let expected = vec![
        start(),
        Event::GuardrailsJson("{}".into()),
        thinking("r", None),
        thinking("", Some("reasoning")),
        text("hi"),
        call(0, Some(("a", "f")), "{}"),
        Event::Finish(FinishReason::ToolCalls),
        used(1, 2),
    ];
    assert_eq!(reply.take(), Some(Ok(expected)));
    assert_eq!(reply.take(), Some(Ok(Vec::new())));
}

/// An event of the Responses API.
fn response(kind: &str, more: &str) -> String {
    format!(r#"{{"type":"response.{kind}","sequence_number":1{more}}}"#)
}

const REASONING: &str = r#"{"id":"rs_1","type":"reasoning","summary":[{"type":"summary_text","text":"hm"},{"type":"summary_text","text":"so"}],"encrypted_content":"gAAA"}"#;
const MESSAGE: &str = r#"{"id":"msg_1","type":"message","role":"assistant","status":"completed","content":[{"type":"output_text","text":"Let me \u00e9 see","annotations":[{"type":"url_citation","url":"https://x"}]}]}"#;
const CALL: &str = r#"{"id":"fc_1","type":"function_call","call_id":"call_1","name":"ls","arguments":"{\"p\": 1}"}"#;
const OTHER: &str = r#"{"id":"ws_1","type":"web_search_call","status":"completed"}"#;

/// The answer that all of these are in, with this status.
fn answer_of(status: &str, more: &str) -> String {
    format!(
        r#"{{"id":"resp_1","object":"response","status":"{status}","error":null,"incomplete_details":null,"model":"codex","output":[{REASONING},{OTHER},{MESSAGE},{CALL}],"usage":{{"input_tokens":9,"input_tokens_details":{{"cached_tokens":4}},"output_tokens":5,"output_tokens_details":{{"reasoning_tokens":2}},"total_tokens":14}}{more}}}"#
    )
}

fn begun(status: &str) -> String {
    response(
        status,
        r#","response":{"id":"resp_1","object":"response","status":"in_progress","model":"codex","output":[]}"#,
    )
}

/// The same, as OpenAI streams it.
fn pieces_of() -> Vec<String> {
    let at = |at: usize, more: &str| format!(r#","output_index":{at},"item_id":"i"{more}"#);
    vec![
        begun("created"),
        begun("in_progress"),
        response("output_item.added", &at(0, r#","item":{"id":"rs_1","type":"reasoning","summary":[]}"#)),
        response(
            "reasoning_summary_part.added",
            &at(0, r#","summary_index":0,"part":{"type":"summary_text","text":""}"#),
        ),
        response("reasoning_summary_text.delta", &at(0, r#","summary_index":0,"delta":"h""#)),
        response("reasoning_summary_text.delta", &at(0, r#","summary_index":0,"delta":"m","obfuscation":"xyz""#)),
        response("reasoning_summary_text.done", &at(0, r#","summary_index":0,"text":"hm""#)),
        response(
            "reasoning_summary_part.added",
            &at(0, r#","summary_index":1,"part":{"type":"summary_text","text":""}"#),
        ),
        response("reasoning_summary_text.delta", &at(0, r#","summary_index":1,"delta":"so""#)),
        response("output_item.done", &at(0, &format!(r#","item":{REASONING}"#))),
        response("output_item.added", &at(1, &format!(r#","item":{OTHER}"#))),
        response("web_search_call.searching", &at(1, "")),
        response("output_item.done", &at(1, &format!(r#","item":{OTHER}"#))),
        response(
            "output_item.added",
            &at(2, r#","item":{"id":"msg_1","type":"message","role":"assistant","content":[]}"#),
        ),
        response("content_part.added", &at(2, r#","content_index":0,"part":{"type":"output_text","text":""}"#)),
        response("output_text.delta", &at(2, r#","content_index":0,"delta":"Let me ","logprobs":[]"#)),
        response("output_text.delta", &at(2, r#","content_index":0,"delta":"\u00e9 see""#)),
        response("output_text.done", &at(2, r#","content_index":0,"text":"Let me \u00e9 see""#)),
        response("output_item.done", &at(2, &format!(r#","item":{MESSAGE}"#))),
        response(
            "output_item.added",
            &at(3, r#","item":{"id":"fc_1","type":"function_call","call_id":"call_1","name":"ls","arguments":""}"#),
        ),
        response("function_call_arguments.delta", &at(3, r#","delta":"{\"p\":""#)),
        response("function_call_arguments.delta", &at(3, r#","delta":" 1}""#)),
        response("function_call_arguments.done", &at(3, r#","arguments":"{\"p\": 1}""#)),
        response("output_item.done", &at(3, &format!(r#","item":{CALL}"#))),
        response("completed", &format!(r#","response":{}"#, answer_of("completed", ""))),
    ]
}

/// The one answer that some events are.
fn joined(events: Vec<Event>) -> Response {
    crate::parts::join(events, head().report())
}

fn read_all(chunks: &[String]) -> (Vec<Event>, Option<Box<Error>>) {
    let chunks: Vec<&str> = chunks.iter().map(String::as_str).collect();
    read(&[stream(&chunks).as_bytes()], None)
}

#[test]
fn an_answer_of_the_responses_api_is_the_same_streamed_whole_and_at_its_end_alone() {
    let whole = answer::response(head(), answer_of("completed", "").as_bytes(), false).unwrap();
    assert_eq!((whole.id.as_str(), whole.model.as_str()), ("resp_1", "codex"));
    assert_eq!(whole.finish_reason, FinishReason::ToolCalls);
    assert_eq!(
        whole.usage,
        Some(Usage {
            input_tokens: 9,
            output_tokens: 5,
            cache_read_tokens: Some(4),
            cache_write_tokens: None,
            reasoning_tokens: Some(2)
        })
    );
    let signature = format!("reasoning_item:{REASONING}");
    let [
        AssistantPart::Thinking(thought),
        AssistantPart::Other(other),
        AssistantPart::Text(said),
        AssistantPart::Other(cited),
        AssistantPart::ToolCall(call),
    ] = &whole.content[..]
    else {
        panic!("{:?}", whole.content)
    };
    assert_eq!((thought.text.as_str(), thought.signature.as_ref()), ("hm\n\nso", Some(&signature)));
    assert_eq!((other.as_str(), said.as_str()), (OTHER, "Let me é see"));
    assert!(cited.contains("url_citation"), "{cited}");
    assert_eq!((call.id.as_str(), call.name.as_str(), call.arguments_json.as_str()), ("call_1", "ls", "{\"p\": 1}"));
    // Pieces, the end alone, ends of items without pieces before them (the cache of gateway 1.15.2), and with `[DONE]`.
    let pieces = pieces_of();
    let ends: Vec<String> = pieces.iter().filter(|event| !event.contains(".delta")).cloned().collect();
    let alone: Vec<String> = pieces.last().cloned().into_iter().collect();
    let closed: Vec<String> = pieces.iter().cloned().chain([DONE.to_owned()]).collect();
    for chunks in [pieces, ends, alone, closed] {
        let (events, error) = read_all(&chunks);
        assert_eq!(error, None, "{chunks:?}");
        let parts = joined(events);
        assert_eq!(parts.usage, whole.usage);
        assert_eq!((&parts.content, &parts.finish_reason), (&whole.content, &whole.finish_reason), "{chunks:?}");
    }
}

/// Gateway 2.0.0 (`adapters/responses/streamTransform.ts`) numbers a call and the text beside it alike, and ends a text that
/// there is none of. Others number all of their items 0; and a message may have two texts.
#[test]
fn items_of_one_number_are_told_apart_by_what_they_hold() {
    let at = |more: &str| format!(r#","output_index":0,"item_id":"i"{more}"#);
    let text = |part: u8, text: &str| {
        [
            response("output_text.delta", &at(&format!(r#","content_index":{part},"delta":"{text}""#))),
            response("output_text.done", &at(&format!(r#","content_index":{part},"text":"{text}""#))),
        ]
    };
    let call = [
        response(
            "output_item.added",
            &at(r#","item":{"id":"fc","type":"function_call","call_id":"c","name":"ls","arguments":""}"#),
        ),
        response("function_call_arguments.delta", &at(r#","delta":"{\"p\":""#)),
        response("function_call_arguments.delta", &at(r#","delta":" 1}""#)),
        response("function_call_arguments.done", &at(r#","arguments":"{\"p\": 1}""#)),
    ];
    let whole = [response(
        "output_item.done",
        &at(r#","item":{"id":"fc","type":"function_call","call_id":"c","name":"ls","arguments":"{}"}"#),
    )];
    let said = [response(
        "output_item.done",
        &at(r#","item":{"id":"m","type":"message","content":[{"type":"output_text","text":"Hi"}]}"#),
    )];
    let thought = [response("reasoning_summary_text.delta", &at(r#","summary_index":0,"delta":"hm""#))];
    let empty = [response("output_text.done", &at(r#","content_index":0,"text":"""#))];
    let end = [response("completed", r#","response":{"id":"r","object":"response","status":"completed","output":[]}"#)];
    for (pieces, said, calls) in [
        ([&call[..], &empty].concat(), "", 1),
        ([&text(0, "Hi")[..], &call].concat(), "Hi", 1),
        ([&thought[..], &text(0, "Hi"), &call].concat(), "Hi", 1),
        ([text(0, "one"), text(1, "two")].concat(), "onetwo", 0),
        ([&text(0, "Hi")[..], &whole].concat(), "Hi", 1),
        ([&call[..], &said].concat(), "Hi", 1),
        ([&text(1, "Hi")[..1], &text(0, "Hi")[1..]].concat(), "Hi", 0),
    ] {
        let (events, error) = read_all(&[vec![begun("created")], pieces.clone(), end.to_vec()].concat());
        assert_eq!(error, None, "{pieces:?}");
        let response = joined(events);
        let texts = response.content.iter().filter_map(|part| match part {
            AssistantPart::Text(text) => Some(text.as_str()),
            _ => None,
        });
        assert_eq!(texts.collect::<String>(), said, "{pieces:?}");
        let made = response.content.iter().filter(|part| matches!(part, AssistantPart::ToolCall(_)));
        assert_eq!(made.count(), calls, "{pieces:?}");
    }
}

#[test]
fn an_answer_of_the_responses_api_that_lacks_its_end_is_cut() {
    let pieces = pieces_of();
    for length in 1..pieces.len() {
        let (_, error) = read_all(pieces.get(..length).unwrap());
        assert_eq!(error.map(|error| error.kind), Some(ErrorKind::Truncated), "{length}");
        // Nor does `[DONE]` make a success of it.
        let done: Vec<String> = pieces.iter().take(length).cloned().chain([DONE.to_owned()]).collect();
        assert!(read_all(&done).1.is_some(), "{length}");
    }
    // A piece that is lost shows at the end, and the last one is there once more.
    let all = joined(read_all(&pieces).0).content;
    for (at, lost) in pieces
        .iter()
        .enumerate()
        .filter(|(_, event)| event.contains("output_text.delta") || event.contains("arguments.delta"))
    {
        let rest: Vec<String> =
            pieces.iter().enumerate().filter(|(of, _)| *of != at).map(|(_, event)| event.clone()).collect();
        let (events, error) = read_all(&rest);
        assert!(error.is_some() || joined(events).content == all, "{lost}");
    }
    // Some servers send the end of a text alone, and some do without the item's and with an empty answer.
    let item = r#"{"type":"function_call","call_id":"c","name":"f","arguments":""}"#;
    let added = response("output_item.added", &format!(r#","output_index":1,"item":{item}"#));
    let arguments = |kind: &str, text: &str| {
        response(&format!("function_call_arguments.{kind}"), &format!(r#","output_index":1,{text}"#))
    };
    let ended = response("completed", r#","response":{"object":"response","status":"completed","output":[]}"#);
    let piece = |text: &str| arguments("delta", &format!(r#""delta":"{text}""#));
    let done = |text: &str| arguments("done", &format!(r#""arguments":{text}"#));
    for (pieces, expected) in [
        (vec![done(r#""{\"x\":1}""#)], Some(r#"{"x":1}"#)),
        (vec![done(r#"{"x":1}"#)], Some(r#"{"x":1}"#)),
        (vec![piece(r#"{\"x"#), done(r#""{\"x\":1}""#)], Some(r#"{"x":1}"#)),
        (vec![piece("{}"), done(r#""{}""#)], Some("{}")),
        (vec![piece(r#"{\"x\":1"#), done(r#""{\"y\":1}""#)], None),
        (vec![piece("{}"), done(r#""{""#)], None),
    ] {
        let all = [vec![begun("created"), added.clone()], pieces, vec![ended.clone()]].concat();
        let (events, error) = read_all(&all);
        let content = joined(events).content;
        let Some(expected) = expected else {
            assert!(error.is_some(), "{all:?}");
            continue;
        };
        assert!(
            matches!(&content[..], [AssistantPart::ToolCall(call)] if call.arguments_json == expected),
            "{content:?}"
        );
        assert_eq!(error, None);
    }
    // Or tell all of a call in the answer alone: opencode#44893.
    let whole = |output: &str| {
        response(
            "completed",
            &format!(r#","response":{{"object":"response","status":"completed","output":[{output}]}}"#),
        )
    };
    let call = r#"{"type":"function_call","call_id":"c","name":"f","arguments":"{\"x\":1}"}"#;
    let (said, text) = (
        response("output_text.delta", r#","output_index":0,"content_index":0,"delta":"Hi""#),
        r#"{"type":"message","content":[{"type":"output_text","text":"Hi"}]}"#,
    );
    let thought = response("reasoning_summary_text.delta", r#","output_index":0,"summary_index":0,"delta":"hm""#);
    let reasoning = r#"{"type":"reasoning","summary":[{"type":"summary_text","text":"hm"}]}"#;
    for (pieces, before) in [
        (vec![added.clone()], text),
        (vec![said.clone()], text),
        (vec![said.clone(), added.clone()], text),
        (vec![said.clone(), added.clone(), piece(r#"{\"x"#)], text),
        (vec![thought, added.clone()], reasoning),
    ] {
        let pieces = [vec![begun("created")], pieces, vec![whole(&format!("{before},{call}"))]].concat();
        let (events, error) = read_all(&pieces);
        let content = joined(events).content;
        let is_it = |part: &&AssistantPart| matches!(part, AssistantPart::ToolCall(call) if call.arguments_json == r#"{"x":1}"#);
        let is_whole = content.iter().filter(is_it).count() == 1;
        assert!(is_whole && content.len() <= 2, "{pieces:?} {content:?}");
        assert_eq!(error, None, "{pieces:?}");
    }
    // A call that is told of by its end first, and two of one number.
    let other = r#"{"id":"i","type":"function_call","call_id":"d","name":"g","arguments":""}"#;
    let (call, other) = (
        call.replacen('{', r#"{"id":"h","#, 1),
        response("output_item.added", &format!(r#","output_index":1,"item":{other}"#)),
    );
    let of_other = |kind: &str, text: &str| {
        response(&format!("function_call_arguments.{kind}"), &format!(r#","output_index":1,"item_id":"i",{text}"#))
    };
    let rest = [other, of_other("delta", r#""delta":"{\"y\"""#), of_other("done", r#""arguments":"{\"y\":2}""#)];
    let end = response("output_item.done", &format!(r#","output_index":1,"item":{call}"#));
    let first = vec![added.clone(), done(r#""{\"x\":1}""#)];
    for (pieces, count) in
        [(vec![done(r#""{\"x\":1}""#), end.clone()], 1), (vec![end], 1), ([first, rest.to_vec()].concat(), 2)]
    {
        let (events, error) = read_all(&[vec![begun("created")], pieces.clone(), vec![ended.clone()]].concat());
        assert_eq!(error, None, "{pieces:?}");
        let calls = joined(events).content.into_iter().map(|part| match part {
            AssistantPart::ToolCall(call) => format!("{} {} {}", call.id, call.name, call.arguments_json),
            part => panic!("{part:?}"),
        });
        let expected = [r#"c f {"x":1}"#, r#"d g {"y":2}"#];
        assert_eq!(calls.collect::<Vec<_>>(), expected[..count], "{pieces:?}");
    }
    // What is told of by its end alone, whichever that is; an item's content that is a text; and arguments that begin as `{}`.
    let of = |kind: &str, more: &str| response(kind, &format!(r#","output_index":0{more}"#));
    let open = r#","item":{"type":"function_call","call_id":"c","name":"f","arguments":"{}"}"#;
    let bare = r#"{"type":"message","content":"Hi"}"#;
    let part = r#","part":{"type":"output_text","text":"Hi"}"#;
    let x = r#","delta":"{\"x\":1}""#;
    let hi = AssistantPart::Text("Hi".into());
    let f = AssistantPart::ToolCall(ToolCall {
        id: "c".into(),
        name: "f".into(),
        arguments_json: r#"{"x":1}"#.into(),
        signature: None,
    });
    for (pieces, end, expected) in [
        (vec![of("output_text.delta", r#","delta":"Hi""#), of("content_part.done", part)], &ended, vec![hi.clone()]),
        (vec![of("output_text.delta", r#","delta":"Hi""#)], &response("completed", ""), vec![hi.clone()]),
        (vec![], &whole(bare), vec![hi.clone()]),
        (vec![], &whole("").replace(r#""output":[]"#, r#""output_text":"Hi""#), vec![hi.clone()]),
        (vec![], &whole("").replace(r#""output":[]"#, r#""output_text":"Hi","output":[]"#), vec![hi.clone()]),
        (vec![], &whole(bare).replace(r#""status":"completed","#, ""), vec![hi]),
        (vec![of("output_item.added", open), of("function_call_arguments.delta", x)], &ended, vec![f]),
    ] {
        let (events, error) = read_all(&[vec![begun("created")], pieces.clone(), vec![end.clone()]].concat());
        assert_eq!((joined(events).content, error), (expected, None), "{pieces:?} {end}");
    }
    // A text that began is not gone on with.
    let (_, error) = read_all(&[begun("created"), said, whole(&text.replace("Hi", "Hi there"))]);
    assert_eq!(error.map(|error| error.kind), Some(ErrorKind::Truncated));
    for (kind, name) in [("output_text", "text"), ("refusal", "refusal")] {
        let done = response(&format!("{kind}.done"), &format!(r#","output_index":0,"{name}":"Hi""#));
        let (events, error) = read_all(&[begun("created"), done, ended.clone()]);
        assert!(format!("{events:?}").contains("\"Hi\"") && error.is_none(), "{events:?}");
    }
    let unfinished = answer::response(head(), answer_of("in_progress", "").as_bytes(), false);
    assert_eq!(unfinished.unwrap_err().kind, ErrorKind::Truncated);
}

/// vLLM's stream of gpt-oss gives a call another id at its end, and no item's id there. Others lack more of it.
#[test]
fn a_call_is_one_whatever_its_end_names() {
    let item = |names: &str, arguments: &str| format!(r#"{{"type":"function_call"{names},"arguments":"{arguments}"}}"#);
    let at = |kind: &str, more: &str| response(kind, &format!(r#","output_index":0,{more}"#));
    let (all, name, id) = (r#","call_id":"c","name":"f""#, r#","name":"f""#, r#","call_id":"c""#);
    let (other, x) = (r#","call_id":"d","name":"f""#, r#"{\"x\":1}"#);
    let call =
        |id: &str| ToolCall { id: id.into(), name: "f".into(), arguments_json: r#"{"x":1}"#.into(), signature: None };
    for (added, done, expected) in [
        (all, other, "c"),
        (all, name, "c"),
        (all, id, "c"),
        (name, all, "call_0"),
        (name, name, "call_0"),
        (id, all, "c"),
        (id, other, "c"),
        ("", all, "c"),
    ] {
        let added = at("output_item.added", &format!(r#""item":{}"#, item(added, "")));
        let piece = at("function_call_arguments.delta", &format!(r#""delta":"{x}""#));
        let ends = at("output_item.done", &format!(r#""item":{}"#, item(done, x)));
        for output in ["", &item(other, x)] {
            let end = format!(r#","response":{{"object":"response","status":"completed","output":[{output}]}}"#);
            let chunks = [begun("created"), added.clone(), piece.clone(), ends.clone(), ends.clone()];
            let (events, error) = read_all(&[&chunks[..], &[response("completed", &end)]].concat());
            assert_eq!(
                (joined(events).content, error),
                (vec![AssistantPart::ToolCall(call(expected))], None),
                "{chunks:?}"
            );
        }
        // The end alone tells the arguments.
        let end = response("completed", r#","response":{"object":"response","status":"completed","output":[]}"#);
        let (events, error) = read_all(&[begun("created"), added, ends.clone(), ends, end]);
        assert_eq!((joined(events).content, error), (vec![AssistantPart::ToolCall(call(expected))], None), "{done}");
    }
}

/// Two that are alike but for their names, where what begins the second is lost; and an image that its own end lacks.
#[test]
fn what_the_answer_holds_is_not_lost_on_the_way() {
    let call = |id: &str, name: &str| {
        format!(r#"{{"type":"function_call","id":"i{id}","call_id":"{id}","name":"{name}","arguments":"{{}}"}}"#)
    };
    let (f, g) = (call("a", "f"), call("b", "g"));
    let piece = |at: u8, id: &str| {
        let piece = format!(r#","output_index":{at},"item_id":"i{id}","delta":"{{}}""#);
        response("function_call_arguments.delta", &piece)
    };
    let done = |at: u8, item: &str| response("output_item.done", &format!(r#","output_index":{at},"item":{item}"#));
    let ended = |items: &str| {
        response(
            "completed",
            &format!(r#","response":{{"object":"response","status":"completed","output":[{items}]}}"#),
        )
    };
    let added = response("output_item.added", &format!(r#","output_index":0,"item":{f}"#));
    let both = [added, piece(0, "a"), done(0, &f), piece(1, "b"), done(1, &g), ended(&format!("{f},{g}"))];
    let (events, error) = read_all(&both);
    assert_eq!(error, None);
    let names = joined(events).content.into_iter().map(|part| match part {
        AssistantPart::ToolCall(call) => call.name,
        part => panic!("{part:?}"),
    });
    assert_eq!(names.collect::<Vec<_>>(), ["f", "g"]);
    let text = r#"{"type":"message","content":[{"type":"output_text","text":"a"}]}"#;
    let image = r#"{"type":"image_generation_call","status":"completed","result":"iVBORw0KGgow"}"#;
    let end = ended(&format!("{image},{text}"));
    let (events, error) = read_all(&[done(0, image), done(1, text), end.clone()]);
    assert_eq!((joined(events).content.len(), error), (2, None));
    assert_eq!(read_all(&[done(1, text), end]).1.map(|error| error.kind), Some(ErrorKind::Truncated));
}

/// Calls of one number, of which one or both have no id of an item.
#[test]
fn calls_of_one_number_are_told_apart() {
    let at = |kind: &str, number: u8, more: &str| response(kind, &format!(r#","output_index":{number}{more}"#));
    let item = |id: &str, names: &str, arguments: &str| {
        format!(r#","item":{{"type":"function_call"{id}{names},"arguments":"{arguments}"}}"#)
    };
    // `NAME` stands for its name.
    let call = |number: u8, name: &str, id: &str, added: &str, done: &str| {
        let [id, added, done] = [id, added, done].map(|names| names.replace("NAME", name));
        let (own, whole) = (id.replace("id", "item_id"), format!(r#"{{\"{name}\":1}}"#));
        [
            at("output_item.added", number, &item(&id, &added, "")),
            at("function_call_arguments.delta", number, &format!(r#"{own},"delta":"{{\"{name}""#)),
            at("function_call_arguments.delta", number, &format!(r#"{own},"delta":"\":1}}""#)),
            at("function_call_arguments.done", number, &format!(r#"{own},"arguments":"{whole}""#)),
            at("output_item.done", number, &item("", &done, &whole)),
        ]
    };
    let text = [
        at("output_text.delta", 0, r#","delta":"Hi""#),
        at("output_text.done", 0, r#","text":"Hi""#),
        at(
            "output_item.done",
            0,
            r#","item":{"id":"m","type":"message","content":[{"type":"output_text","text":"Hi"}]}"#,
        ),
    ];
    let end = response("completed", r#","response":{"object":"response","status":"completed","output":[]}"#);
    let (all, call_id, name) = (r#","call_id":"NAME","name":"NAME""#, r#","call_id":"NAME""#, r#","name":"NAME""#);
    for id in ["", r#","id":"i_NAME""#] {
        for (added, done) in [(all, all), (all, call_id), (all, name), (all, ""), (name, name), (name, "")] {
            let calls = ["a", "b", "c"].map(|name| call(0, name, id, added, done)).concat();
            let calls = [calls, call(1, "d", "", added, done).to_vec()].concat();
            let chunks = [&[begun("created")], &calls[..], &text, core::slice::from_ref(&end)].concat();
            let (events, error) = read_all(&chunks);
            let parts = joined(events).content.into_iter().map(|part| match part {
                AssistantPart::ToolCall(call) => format!("{} {}", call.name, call.arguments_json),
                AssistantPart::Text(text) => text,
                part => panic!("{part:?}"),
            });
            let mut parts: Vec<String> = parts.collect();
            parts.sort();
            assert_eq!(
                (parts, error),
                (
                    ["Hi", r#"a {"a":1}"#, r#"b {"b":1}"#, r#"c {"c":1}"#, r#"d {"d":1}"#].map(String::from).to_vec(),
                    None
                ),
                "{chunks:?}"
            );
        }
    }
}

/// OpenAI's end of the arguments has the name, and some have it there alone.
#[test]
fn the_end_of_arguments_may_be_the_first_to_name_a_call() {
    let at = |kind: &str, more: &str| response(kind, &format!(r#","output_index":0,{more}"#));
    let end = response("completed", r#","response":{"object":"response","status":"completed","output":[]}"#);
    let added = at("output_item.added", r#""item":{"id":"i","type":"function_call","call_id":"c","arguments":""}"#);
    let piece = at("function_call_arguments.delta", r#""item_id":"i","delta":"{\"x\":1}""#);
    let done = at("function_call_arguments.done", r#""item_id":"i","name":"f","arguments":"{\"x\":1}""#);
    let item = at(
        "output_item.done",
        r#""item":{"id":"i","type":"function_call","call_id":"c","name":"f","arguments":"{\"x\":1}"}"#,
    );
    for (id, pieces) in [
        ("c", vec![added.clone(), piece, done.clone()]),
        ("c", vec![added.clone(), done.clone()]),
        ("call_0", vec![done.clone(), item.clone()]),
        // LM Studio's end of an item holds none (pi#917).
        ("c", vec![added, done, item.replace(r#"{\"x\":1}"#, "{}")]),
    ] {
        let chunks = [vec![begun("created")], pieces, vec![end.clone()]].concat();
        let (events, error) = read_all(&chunks);
        let call = ToolCall { id: id.into(), name: "f".into(), arguments_json: r#"{"x":1}"#.into(), signature: None };
        assert_eq!((joined(events).content, error), (vec![AssistantPart::ToolCall(call)], None), "{chunks:?}");
    }
}

/// A call that the provider did not read is no answer; one that it speaks of is.
#[test]
fn a_call_in_a_models_own_form_is_no_text() {
    let kimi = r#"<|tool_calls_section_begin|><|tool_call_begin|>functions.f:0<|tool_call_argument_begin|>{"x":1}<|tool_call_end|><|tool_calls_section_end|>"#;
    let deepseek =
        "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>f<｜tool▁sep｜>{}<｜tool▁call▁end｜><｜tool▁calls▁end｜>\n";
    let dsml = "<｜DSML｜function_calls>\n<｜DSML｜invoke name=\"f\">\n</｜DSML｜invoke>\n</｜DSML｜function_calls>";
    // It ended early, and so did the provider's reader of calls.
    let cut = "<|tool_calls_section_begin|><|tool_call_begin|>functions.f:0<|tool_call_argument_begin|>{}<|tool_call_end|><|tool_calls_sec";
    let gemma = "<|tool_call>call:f{x:1}<tool_call|>";
    // Some agents teach a model these, and read them themselves: then they offer no tools. OpenClaw would take them out of
    // the text, and call nothing.
    let hermes = "<tool_call>\n{\"name\":\"f\",\"arguments\":{}}\n</tool_call>";
    let qwen = "<tool_call>\n<function=f>\n<parameter=x>\n1\n</parameter>\n</function>\n</tool_call>\n";
    let minimax = "<minimax:tool_call>\n<invoke name=\"f\">\n</invoke>\n</minimax:tool_call>";
    let jamba = "<tool_calls>[{\"name\":\"f\",\"arguments\":{}}]</tool_calls>";
    let claude = "<function_calls>\n<invoke name=\"f\">\n</invoke>\n</function_calls>";
    let grok = "<xai:function_call name=\"f\">\n<parameter name=\"x\">1</parameter>\n</xai:function_call>";
    let answered = "<|tool_call>call:f{x:1}<tool_call|><|tool_response>";
    let certain = [kimi, deepseek, dsml, cut, gemma, answered].map(|own| (own, false));
    let offered = [hermes, qwen, minimax, jamba, claude, grok].map(|own| (own, true));
    for (own, needs_offer) in certain.into_iter().chain(offered) {
        for field in ["content", "reasoning_content"] {
            for said in [own.to_owned(), format!("Let me look. {own}")] {
                let of = |text: &str| crate::json::Object::from([(field, text.into())]).to_json();
                let mut letters: Vec<String> =
                    said.chars().map(|letter| delta(&of(letter.encode_utf8(&mut [0; 4])))).collect();
                letters.push(STOP.to_owned());
                let letters: Vec<&str> = letters.iter().map(String::as_str).collect();
                for offers_tools in [false, true] {
                    let mut reply = Reply::new(head()).offers_tools(offers_tools);
                    reply.push(stream(&letters).as_bytes());
                    reply.close(None);
                    assert!(reply.take().unwrap().is_ok(), "its pieces");
                    assert_eq!(reply.take().unwrap().is_ok(), needs_offer && !offers_tools, "{said}");
                }
                let read = |body: &str, offers_tools| answer::response(head(), body.as_bytes(), offers_tools);
                let whole = format!(r#"{{"choices":[{{"message":{},"finish_reason":"stop"}}]}}"#, of(&said));
                let error = read(&whole, true).unwrap_err();
                assert_eq!(error.kind, ErrorKind::Protocol, "{said}");
                assert!(error.message.contains("calls a tool in its text"), "{}", error.message);
                assert_eq!(read(&whole, false).is_ok(), needs_offer, "{said}");
                // The call came, as it should.
                let called = whole.replacen(
                    "\"}",
                    r#"","tool_calls":[{"id":"c","function":{"name":"f","arguments":"{}"}}]}"#,
                    1,
                );
                assert!(read(&called, true).is_ok(), "{called}");
                let cut = whole.replace("\"stop\"", "\"length\"");
                assert!(read(&cut, true).is_ok(), "{cut}");
                let quoted = whole.replace(&of(&said), &of(&format!("It is `{own}`.")));
                assert!(read(&quoted, true).is_ok(), "{quoted}");
            }
        }
    }
}

/// Some forms of calls are known by how a text begins; only where tools were offered, and not where OpenClaw reads them.
#[test]
fn a_text_that_begins_as_a_call_is_none() {
    let ended = |text: &str, offers_tools: bool| {
        let json = |text: &str| serde_json::to_string(&serde_json::json!({ "content": text })).unwrap();
        let whole = format!(r#"{{"choices":[{{"message":{},"finish_reason":"stop"}}]}}"#, json(text));
        let mut letters: Vec<String> = text.chars().map(|letter| delta(&json(&letter.to_string()))).collect();
        letters.push(STOP.to_owned());
        let mut reply = Reply::new(head()).offers_tools(offers_tools);
        reply.push(stream(&letters.iter().map(String::as_str).collect::<Vec<_>>()).as_bytes());
        reply.close(None);
        assert!(reply.take().unwrap().is_ok(), "its pieces");
        let streamed = reply.take().unwrap().is_ok();
        assert_eq!(answer::response(head(), whole.as_bytes(), offers_tools).is_ok(), streamed, "{text}");
        streamed
    };
    for own in [
        "[TOOL_CALLS]f[ARGS]{\"x\":1}",
        "\n[TOOL_CALLS] [{\"name\": \"f\", \"arguments\": {}}]",
        "<|channel|>commentary to=functions.f <|constrain|>json<|message|>{\"x\":1}",
        "<|start|>assistant<|channel|>commentary to=functions.f <|constrain|>json<|message|>{\"x\":1}<|call|>",
        "commentary to=functions.f json{\"x\":1}",
        "<|python_tag|>{\"name\":\"f\",\"parameters\":{}}",
        "<TOOLCALL>[{\"name\":\"f\",\"arguments\":{}}]</TOOLCALL>",
        "<|tool_call|>[{\"name\":\"f\",\"arguments\":{}}]",
        // Of Llama behind vLLM without a parser, and Qwen Coder behind Ollama and MLX (omlx#2565, openclaw#122224).
        "{\"name\": \"get_weather\", \"parameters\": {\"city\": \"Paris\"}}",
        "{\"type\": \"function\", \"name\": \"f\", \"parameters\": {}}; {\"name\": \"g\", \"parameters\": {}}",
        "{\n  \"name\": \"f\",\n  \"arguments\": {\n    \"x\": 1\n  }\n}",
        "[{\"name\": \"f\", \"arguments\": {}}]",
        "{\"arguments\": {\"message\": \"Hello!\"}, \"name\": \"f\"}",
        "{\"type\": \"function\", \"name\": \"get_current_weather\", \"parameters\": {\"city\": \"Paris\"}}",
        "{\"name\": \"mcp__playwright__browser_take_screenshot\", \"arguments\": {\"x\": 1}}",
    ] {
        assert!(!ended(own, true) && ended(own, false), "{own}");
        assert!(ended(&format!("It begins with {own}"), true), "{own}");
    }
    for read in [
        "<function=f>{}</function>",
        "commentary to=f code{\"x\":1}",
        "[f]\n{\"x\":1}\n[/f]",
        "[TOOL",
        "commentary",
        // An answer in JSON, and a tool that was asked for.
        "{\"name\": \"Ann\", \"age\": 3}",
        "{\"name\": \"Ann?\", \"arguments\": {}}",
        "{\"name\": \"f\", \"arguments\": []}",
        "{\"name\": \"f\", \"parameters\": {\"type\": \"object\", \"properties\": {}}}",
        "{\"name\": \"get_the_weather_of_tomorrow\", \"parameters\": {\"type\": \"object\", \"properties\": {}}}",
        "{\"name\": \"f\", \"parameters\": {\"type\": \"o",
        "{\"arguments\": {\"type\": \"object\", \"properties\": {}}, \"name\": \"f\"}",
        "[{\"x\": 1}]",
    ] {
        assert!(ended(read, true), "{read}");
    }
}

#[test]
fn an_answer_of_the_responses_api_says_how_it_ended() {
    let ended = |kind: &str, status: &str, more: &str| {
        let answer = format!(
            r#","response":{{"id":"r","object":"response","status":"{status}","model":"m","output":[]{more}}}"#
        );
        let piece = response("output_text.delta", r#","output_index":0,"delta":"a""#);
        read_all(&[begun("created"), piece, response(kind, &answer)])
    };
    for (reason, expected) in [
        (r#","incomplete_details":{"reason":"max_output_tokens"}"#, FinishReason::Length),
        (r#","incomplete_details":{"reason":"content_filter"}"#, FinishReason::ContentFilter),
        ("", FinishReason::Length),
    ] {
        let (events, error) = ended("incomplete", "incomplete", reason);
        assert_eq!(error, None);
        assert!(events.contains(&Event::Finish(expected)), "{events:?}");
    }
    let (_, error) = ended("failed", "failed", r#","error":{"code":"rate_limit_exceeded","message":"Slow down."}"#);
    let error = error.unwrap();
    assert_eq!((error.kind, error.message.as_str()), (ErrorKind::RateLimited, "Slow down."));
    assert!(ended("failed", "failed", r#","error":null"#).1.is_some());
    assert!(ended("cancelled", "cancelled", "").1.is_some());
    for said in [
        r#"{"type":"error","code":"server_error","message":"It broke.","param":null,"sequence_number":3}"#,
        r#"{"type":"error","error":{"type":"server_error","message":"It broke."}}"#,
        r#"{"type":"response.error","error":{"message":"It broke."}}"#,
    ] {
        let (_, error) = read_all(&[begun("created"), said.to_owned()]);
        assert_eq!(error.map(|error| error.message).as_deref(), Some("It broke."), "{said}");
    }
    // What is made in the background is not there yet.
    let later = r#"{"id":"r","object":"response","status":"queued","background":true,"output":[]}"#;
    let error = answer::response(head(), later.as_bytes(), false).unwrap_err();
    assert_eq!(error.message, "The answer is only queued: it is made in the background");
    assert_eq!(read_all(&[begun("queued"), begun("created")]).1.unwrap().kind, ErrorKind::Truncated);
    let failed = r#"{"id":"r","object":"response","status":"failed","output":[],"error":{"code":"server_error","message":"It broke."}}"#;
    assert_eq!(answer::response(head(), failed.as_bytes(), false).unwrap_err().message, "It broke.");
    let (events, error) = read_all(&[
        begun("created"),
        response("refusal.delta", r#","output_index":0,"delta":"No""#),
        response("refusal.delta", r#","output_index":0,"delta":".""#),
        response(
            "output_item.done",
            r#","output_index":0,"item":{"type":"message","content":[{"type":"refusal","refusal":"No."}]}"#,
        ),
        response(
            "completed",
            r#","response":{"status":"completed","output":[{"type":"message","content":[{"type":"refusal","refusal":"No."}]}]}"#,
        ),
    ]);
    assert_eq!(error, None);
    assert_eq!(joined(events).content, [AssistantPart::Refusal("No.".into())]);
}

#[test]
fn items_without_end_are_refused() {
    let begun = |at: usize| response("output_text.delta", &format!(r#","output_index":{at},"delta":"a""#));
    let chunks: Vec<String> = (0..5000).map(begun).collect();
    let (_, error) = read_all(&chunks);
    assert!(error.unwrap().message.contains("more than 4096 items"));
}
