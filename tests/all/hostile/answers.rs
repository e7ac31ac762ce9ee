//! Gateways that answer as they like: each call ends in the answer, or in words.

use std::{
    fs,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use host_harness::{
    Engine, Limits, Provider,
    types::{ErrorKind as Kind, Media},
    wit::{
        audio::{SpeechRequest, TranscriptionRequest},
        embeddings,
    },
};
use serde_json::json;

use super::{Host, before, failing, good, load, shown, tight};
use crate::{
    fault_server::{FaultServer, Step, bytes},
    raw_server::{EVENTS, HELLO, JSON, answering, recording, responding, whole},
    support::{Cli, KEY, ask, audio_of, component, events, setup, start},
    terminal::Terminal,
};

fn sse(events: &[&str]) -> Vec<u8> {
    let events: String = events.iter().map(|event| format!("data: {event}\n\n")).collect();
    format!("{EVENTS}{events}data: [DONE]\n\n").into_bytes()
}

/// What no JSON needs, no number holds and no text may be: the component says what is wrong, or passes it by. It neither
/// traps nor hangs, and no error of it holds the key.
#[tokio::test]
async fn an_answer_of_any_content_ends_the_call_in_words() {
    let plugin = good().await;
    let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let with = |member: &str| {
        format!(r#"{{"id":"c","model":"m","choices":[{{"delta":{{"content":"x"{member}}},"finish_reason":"stop"}}]}}"#)
    };
    let usage = |number: &str| {
        format!(
            r#"{{"choices":[{{"message":{{"content":"x"}},"finish_reason":"stop"}}],"usage":{{"prompt_tokens":{number},"completion_tokens":{number}}}}}"#
        )
    };
    let call = |index: &str| {
        with(&format!(r#","tool_calls":[{{"index":{index},"id":"a","function":{{"name":"f","arguments":"{{}}"}}}}]"#))
    };
    let answers: Vec<(&str, Vec<u8>)> = vec![
        ("an answer nested 200,000 deep", whole(JSON, deep(200_000))),
        ("a member nested 200,000 deep", whole(JSON, format!(r#"{{"x":{},"choices":[]}}"#, deep(200_000)))),
        ("objects nested 100,000 deep", whole(JSON, format!("{}1{}", r#"{"a":"#.repeat(100_000), "}".repeat(100_000)))),
        ("an event nested 200,000 deep", sse(&[&with(&format!(r#","x":{}"#, deep(200_000)))])),
        ("guardrails nested deep", sse(&[&format!(r#"{{"hook_results":{},"choices":[]}}"#, deep(100_000)), HELLO])),
        ("a block nested deep", sse(&[&with(&format!(r#","content_blocks":[{{"type":"x","y":{}}}]"#, deep(100_000)))])),
        ("only opening brackets", whole(JSON, "[".repeat(900_000))),
        ("only quotes", whole(JSON, "\"".repeat(900_000))),
        ("only backslashes in a text", whole(JSON, format!("\"{}", "\\".repeat(900_000)))),
        ("usage of 1e400", whole(JSON, usage("1e400"))),
        ("usage of 2^64", whole(JSON, usage("18446744073709551616"))),
        ("usage of -1", whole(JSON, usage("-1"))),
        ("usage of 9007199254740993", whole(JSON, usage("9007199254740993"))),
        ("usage of 0.5", whole(JSON, usage("0.5"))),
        ("usage with a number of 100,000 digits", whole(JSON, usage(&"9".repeat(100_000)))),
        ("a tool call of index 4294967295", sse(&[&call("4294967295")])),
        ("a tool call of index 1e18", sse(&[&call("1e18")])),
        ("a tool call of index -1", sse(&[&call("-1")])),
        ("a tool call of index \"0\"", sse(&[&call("\"0\"")])),
        ("half a surrogate", sse(&[&with(r#","reasoning_content":"\ud800""#)])),
        ("surrogates in wrong order", sse(&[&with(r#","reasoning_content":"\udc00\ud800""#)])),
        ("no UTF-8", whole(JSON, [&HELLO.as_bytes()[..60], b"\xff\xfe\xc0\xaf", &HELLO.as_bytes()[60..]].concat())),
        ("a byte order mark", whole(JSON, format!("\u{feff}{HELLO}"))),
        ("UTF-16", whole(JSON, HELLO.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>())),
        (
            "members of JavaScript",
            whole(JSON, HELLO.replacen('{', r#"{"__proto__":{"content":"x"},"constructor":1,"#, 1)),
        ),
        ("an event without end", format!("{EVENTS}data: {}", "x".repeat(2 << 20)).into_bytes()),
        ("a name of an event without end", format!("{EVENTS}{}", "x".repeat(2 << 20)).into_bytes()),
        ("comments alone", format!("{EVENTS}{}", ":\n\n".repeat(100_000)).into_bytes()),
        ("a wait of 1e30 seconds", failing("429 x\r\nretry-after: 1e30", "{}")),
        ("a wait of 2^64 seconds", failing("429 x\r\nretry-after: 18446744073709551616", "{}")),
        ("a wait of -1 seconds", failing("429 x\r\nretry-after: -1", "{}")),
        ("a wait until the year 9999", failing("429 x\r\nretry-after: Fri, 31 Dec 9999 23:59:59 GMT", "{}")),
        ("an error nested deep", failing("500 x", format!(r#"{{"error":{}}}"#, deep(200_000)))),
        ("an error of a MB", failing("500 x", format!(r#"{{"error":{{"message":"{}"}}}}"#, "x".repeat(900_000)))),
    ];
    for (name, answer) in answers {
        let provider = before(&plugin, answering(answer).await).await;
        for outcome in [
            provider.complete(&ask("m", "hello")).await.map(drop),
            events(&provider, &ask("m", "hello")).await.map(drop),
            provider.models().await.map(drop),
            provider.generate(&host_harness::wit::images::Request::new("a ship")).await.map(drop),
        ] {
            let Err(error) = outcome else { continue };
            assert!(!error.to_string().contains("the plugin failed"), "{name}: {error}");
            assert!(error.kind() != Kind::Timeout && !shown(&error).contains(KEY), "{name}: {error}");
            assert!(error.to_string().len() < 10_000, "{name}: {} bytes of error", error.to_string().len());
        }
    }
}

/// What browsers do with headers, and proxies with statuses, a host does not.
#[tokio::test]
async fn an_answer_asks_for_nothing_more_and_leaves_nothing_behind() {
    let plugin = good().await;
    for (name, head) in [
        ("a cookie", "200 OK\r\nset-cookie: a=b; Path=/"),
        ("another service", "200 OK\r\nalt-svc: h2=\"elsewhere.example:443\"; ma=99999"),
        ("a refresh", "200 OK\r\nrefresh: 0; url=http://127.0.0.1:9/"),
        ("a link", "200 OK\r\nlink: <http://127.0.0.1:9/>; rel=preload"),
        ("strict transport", "200 OK\r\nstrict-transport-security: max-age=99999"),
        ("a password", "401 x\r\nwww-authenticate: Basic realm=x"),
        ("a password for the proxy", "407 x\r\nproxy-authenticate: Basic realm=x"),
        ("a ticket", "401 x\r\nwww-authenticate: Negotiate YII="),
        ("the wrong place", "421 Misdirected Request"),
        ("too early", "425 Too Early"),
        ("no reuse", "408 Request Timeout\r\nconnection: close"),
        ("multiple choices", "300 x\r\nlocation: http://127.0.0.1:9/"),
        ("another proxy", "305 x\r\nlocation: http://127.0.0.1:9/"),
        ("not modified", "304 x\r\netag: \"a\""),
    ] {
        let (server, heads) =
            recording(whole(&format!("HTTP/1.1 {head}\r\ncontent-type: application/json\r\n"), HELLO)).await;
        let provider = before(&plugin, server).await;
        let first = provider.complete(&ask("m", "hello")).await;
        assert_eq!(heads.lock().unwrap().len(), 1, "{name} is asked for once: {first:?}");
        let _ = provider.complete(&ask("m", "hello")).await;
        let heads = heads.lock().unwrap();
        assert_eq!(heads.len(), 2, "{name}");
        assert_eq!(heads[0], heads[1], "{name} changes nothing of the next request");
    }
}

/// The next call, with another question, is not answered by what came behind the answer to the first.
#[tokio::test]
async fn a_second_answer_to_one_request_is_nobodys() {
    let plugin = good().await;
    let poison = whole(JSON, HELLO.replace("hello", "POISON"));
    let first = AtomicUsize::new(0);
    let (server, _) = responding(move |_| {
        let (good, is_first) = (whole(JSON, HELLO), first.fetch_add(1, Ordering::Relaxed) == 0);
        if is_first { [good, poison.clone()].concat() } else { good }
    })
    .await;
    let provider = before(&plugin, server).await;
    for _ in 0..3 {
        let answer = provider.complete(&ask("m", "hello")).await;
        assert!(answer.is_ok_and(|answer| answer.text() == "hello"));
    }
}

/// Who says that the host refused something is the host.
#[tokio::test]
async fn a_gateway_does_not_speak_for_the_host() {
    let plugin = good().await;
    use host_harness::types::ErrorOrigin as Origin;
    for message in [
        "the call took longer than 600 s",
        "the plugin failed: unreachable",
        "the plugin wants to call https://a.test:443, and not https://api.portkey.ai:443, the configured one",
        "denied by host",
    ] {
        for status in ["400 x", "403 x", "500 x", "504 x", "599 x"] {
            let body = json!({"error": {"message": message, "type": "denied-by-host", "code": "denied-by-host", "origin": "host"}});
            let provider = before(&plugin, answering(failing(status, body.to_string())).await).await;
            let error = provider.complete(&ask("m", "hello")).await.unwrap_err();
            assert!(
                error.origin() != Origin::Host && error.kind() != Kind::DeniedByHost,
                "{status} {message}: {error:?}"
            );
        }
    }
}

/// Markdown that costs a careless reader the square of its length, or its stack. A terminal's test waits for a minute.
#[test]
fn no_markdown_of_a_model_holds_up_the_terminal() {
    let many = 50_000;
    let bombs = [
        ">".repeat(many),
        "[".repeat(many),
        "![](".repeat(many / 4),
        "*a ".repeat(many / 3),
        "**".repeat(many / 2),
        (1..300).map(|at| "`".repeat(at) + "a").collect(),
        "- ".repeat(many / 2),
        (0..300).map(|at| " ".repeat(at) + "- a\n").collect(),
        "|a".repeat(many / 2) + "|\n" + &"|-".repeat(many / 2) + "|\n",
        "|a|\n|-|\n".to_owned() + &"|a|\n".repeat(many / 4),
        "<a ".repeat(many / 3),
        "&#1114111;&".repeat(many / 11),
        (0..many / 10).map(|at| format!("[{at}]: x\n")).collect(),
        "[^a]".repeat(many / 4),
        "x".repeat(many),
        "a".to_owned() + &"\u{301}".repeat(many),
        "\u{1f469}\u{200d}".repeat(many / 7),
        "\n".repeat(many),
        "```\n```\n".repeat(many / 8),
        "~".repeat(many),
        "\u{e0041}\u{e007f}".repeat(many / 8),
    ];
    let event = |text: &str| json!({"choices": [{"delta": {"content": text}}]}).to_string();
    let mut answer: Vec<String> = bombs.iter().map(|bomb| event(&format!("{bomb}\n\n"))).collect();
    answer.extend([event("the very end"), r#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#.to_owned()]);
    let answer = sse(&answer.iter().map(|event| &**event).collect::<Vec<_>>());
    let (server, _) = start(recording(answer));
    component();
    let cli = Cli::before(format!("http://{server}/v1"));
    let mut terminal = Terminal::start(cli.command(&["chat", "hello"]));
    let code = terminal.end();
    assert!(code == 0 && terminal.screen().contains("the very end"), "{code}: {}", terminal.screen());
}

/// A gateway that gives vectors of any form: those of all texts, in their order and of numbers, or an error in words.
#[tokio::test]
async fn vectors_of_any_form_are_those_of_the_texts_or_none() {
    let plugin = good().await;
    let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    let two = |first: &str, second: &str| format!(r#"{{"data":[{{{first}}},{{{second}}}],"model":"{KEY}"}}"#);
    let ordered = |first: &str| two(&format!(r#""index":{first},"embedding":[1]"#), r#""index":1,"embedding":[2]"#);
    for (name, body, is_good) in [
        ("in order", ordered("0"), true),
        ("an index below", ordered("-1"), false),
        ("an index beyond", ordered("4294967296"), false),
        ("an index of 2^64", ordered("18446744073709551616"), false),
        ("an index of 1e300", ordered("1e300"), false),
        ("an index that others have", ordered("1"), false),
        ("a vector of lists", two(r#""embedding":[[1],[1]]"#, r#""embedding":[1]"#), false),
        ("a vector nested deep", two(&format!(r#""embedding":{deep}"#), r#""embedding":[1]"#), false),
        ("a vector that is an object", two(r#""embedding":{"0":1}"#, r#""embedding":[1]"#), false),
        ("a vector that is null", two(r#""embedding":null"#, r#""embedding":[1]"#), false),
        ("half a number in base64", two(r#""embedding":"AAAA""#, r#""embedding":"AAAA""#), false),
        ("no base64", two(r#""embedding":"no base64!""#, r#""embedding":[1]"#), false),
        ("vectors of two lengths", two(r#""embedding":[1,2]"#, r#""embedding":[1]"#), false),
        ("no number in base64", two(r#""embedding":"AADAfw==""#, r#""embedding":"AADAfw==""#), false),
        ("more than a number", two(r#""embedding":[1e39]"#, r#""embedding":[1]"#), false),
        ("a digit without end", two(&format!(r#""embedding":[{}]"#, "9".repeat(100_000)), r#""embedding":[1]"#), false),
        ("a bomb in base64", two(&format!(r#""embedding":"{}""#, "A".repeat(1 << 19)), r#""embedding":[1]"#), false),
        ("a hundred thousand vectors", format!(r#"{{"data":[{}{{}}]}}"#, "{},".repeat(100_000)), false),
        ("a list in a list", format!(r#"{{"data":[{deep}]}}"#), false),
        ("data twice", format!(r#"{{"data":[],"data":{}}}"#, r#"[{"embedding":[1]},{"embedding":[2]}]"#), true),
        ("more than a body may be", two(&format!(r#""x":"{}""#, "x".repeat(2 << 20)), ""), false),
    ] {
        let (server, _) = recording(whole(JSON, &body)).await;
        let outcome = before(&plugin, server).await.embed(&embeddings::Request::new(["a", "b"])).await;
        assert!(!format!("{outcome:?}").contains(KEY), "{name}");
        match outcome {
            // An index that is none may be passed by.
            Ok(response) => assert_eq!(response.vectors, [[1.0], [2.0]], "{name}"),
            Err(error) => assert!(!is_good && !error.to_string().contains("the plugin failed"), "{name}: {error}"),
        }
    }
}

/// Speech that is none, stops early or has no end is an error in words, and a transcript is a text.
#[tokio::test]
async fn speech_and_transcripts_of_any_form_end_the_call_in_words() {
    let plugin = good().await;
    let audio = |head: &str| format!("HTTP/1.1 200 OK\r\ncontent-type: audio/mpeg\r\n{head}");
    let page = "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n";
    for (name, answer, bytes) in [
        ("as it should be", whole(&audio(""), b"ID3"), Some(3)),
        ("a page", whole(page, "<script>"), None),
        ("an error under a success", whole(JSON, format!(r#"{{"error":{{"message":"{KEY}"}}}}"#)), None),
        ("less than said", format!("{}content-length: 100\r\nconnection: close\r\n\r\nID3", audio("")).into(), None),
        (
            "no last chunk",
            format!("{}transfer-encoding: chunked\r\n\r\n3\r\nID3\r\n", audio("connection: close\r\n")).into(),
            None,
        ),
        ("more than a body may be", whole(&audio(""), vec![0; 2 << 20]), None),
        ("a coding", whole(&audio("content-encoding: gzip\r\n"), b"ID3"), None),
        (
            "a part",
            whole("HTTP/1.1 206 Partial Content\r\ncontent-type: audio/mpeg\r\ncontent-range: bytes 0-2/9\r\n", b"ID3"),
            None,
        ),
        ("nothing", whole(&audio(""), b""), None),
        ("the key as its kind", whole(&format!("HTTP/1.1 200 OK\r\ncontent-type: audio/{KEY}\r\n"), b"ID3"), Some(3)),
    ] {
        let closes = String::from_utf8_lossy(&answer).contains("connection: close");
        let server = if closes { answering(answer).await } else { recording(answer).await.0 };
        let spoken = before(&plugin, server).await.speak(&SpeechRequest::new("x")).await;
        assert!(!format!("{spoken:?}").contains(KEY), "{name}: {spoken:?}");
        match (async { audio_of(&mut spoken?).await }.await, bytes) {
            (Ok(read), Some(bytes)) => assert_eq!(read.len(), bytes, "{name}"),
            (Err(error), None) => {
                assert!(
                    !shown(&error).contains(KEY) && !error.to_string().contains("the plugin failed"),
                    "{name}: {error}"
                );
            }
            (other, _) => panic!("{name}: {other:?}"),
        }
    }
    let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    for (name, answer, text) in [
        ("the key", whole(JSON, format!(r#"{{"text":"it is {KEY}"}}"#)), Some("it is ***")),
        ("half a surrogate", whole(JSON, r#"{"text":"a\ud800b"}"#), Some("a\u{fffd}b")),
        ("text twice", whole(JSON, r#"{"text":"a","text":"b"}"#), Some("")),
        ("a text that is a list", whole(JSON, r#"{"text":["a"]}"#), None),
        ("nested deep", whole(JSON, format!(r#"{{"text":"a","words":{deep}}}"#)), Some("a")),
        ("all nested deep", whole(JSON, &deep), None),
        ("no JSON", whole(JSON, "{\"text\":\"a"), None),
        ("a page", whole(page, "<html>"), None),
        ("no UTF-8", whole("HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n", b"a\xff"), Some("a\u{fffd}")),
    ] {
        let (server, heads) = recording(answer).await;
        let recorded = TranscriptionRequest::new(Media::new("", *b"RIFF\0\0\0\0WAVE"));
        let heard = before(&plugin, server).await.transcribe(&recorded).await;
        assert_eq!(heads.lock().unwrap().len(), 1, "{name}");
        match (heard, text) {
            (Ok(heard), Some(text)) => {
                assert!(heard.text.contains(text) && !heard.text.contains(KEY), "{name}: {heard:?}")
            }
            (Err(error), None) => assert!(!error.to_string().contains("the plugin failed"), "{name}: {error}"),
            (other, _) => panic!("{name}: {other:?}"),
        }
    }
}

/// Whatever a price list says: there is a sound price or none, nobody else is asked, and no long list is waited for.
#[tokio::test]
async fn a_price_list_of_any_content_gives_a_price_or_none() {
    let plugin = good().await;
    let (other, others) = recording(whole(JSON, HELLO)).await;
    let entry = |input: &str, more: &str| {
        let rates = format!(r#""request_token":{{"price":{input}}},"response_token":{{"price":0.0001}}"#);
        format!(r#"{{"pay_as_you_go":{{{rates}{more}}}}}"#)
    };
    let json = |body: &str| vec![bytes(whole(JSON, body))];
    let deep = format!("{}1{}", "[".repeat(200_000), "]".repeat(200_000));
    let many = (0..5_000).map(|at| format!(r#""unit-{at}":{{"price":0}}"#)).collect::<Vec<_>>().join(",");
    let head = |head: &str| vec![bytes(whole(&format!("HTTP/1.1 {head}\r\n"), entry("0.0001", "")))];
    for (name, script, is_price) in [
        ("a good one", json(&entry("0.0001", "")), true),
        ("nested deep", json(&entry("0.0001", &format!(r#","x":{deep}"#))), false),
        ("a price nested deep", json(&entry(&deep, "")), false),
        ("many units", json(&entry("0.0001", &format!(r#","additional_units":{{{many}}}"#))), true),
        ("a number of 100,000 digits", json(&entry(&"9".repeat(100_000), "")), false),
        ("the least there is", json(&entry("5e-324", "")), true),
        ("a price twice", json(&entry(r#"0.0001,"price":-1"#, "")), false),
        ("rates twice", json(&entry("-1", r#","request_token":{"price":0.0001}"#)), true),
        ("larger than an entry", json(&entry("0.0001", &format!(r#","x":"{}""#, "x".repeat(300 << 10)))), false),
        ("a list of entries", json(&format!("[{}]", entry("0.0001", ""))), false),
        ("half a surrogate", json(&entry("0.0001", r#","\ud800":"\udfff""#)), false),
        ("events", vec![bytes(whole("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n", "data: {}\n\n"))], false),
        ("a coding", head("200 OK\r\ncontent-encoding: gzip"), false),
        ("a redirect", head(&format!("302 Found\r\nlocation: http://{other}/v1/models")), false),
        ("a permanent one", head(&format!("308 x\r\nlocation: http://{other}/v1/models")), false),
        ("who are you", head("401 x\r\nwww-authenticate: Basic realm=x"), false),
        ("through a proxy", head("407 x\r\nproxy-authenticate: Basic realm=x"), false),
        ("misdirected", head("421 x"), false),
        ("half of it", vec![bytes(format!("{JSON}content-length: 900\r\n\r\n{{\"pay_as")), Step::Close], false),
        ("without end", vec![bytes(format!("{JSON}\r\n")), Step::Endless(b" ".repeat(1 << 16))], false),
        ("a head without end", vec![bytes("HTTP/1.1 200 OK\r\nx: "), Step::Endless(b"x".repeat(1 << 16))], false),
        ("nothing", vec![Step::Stall], false),
    ] {
        let server = FaultServer::http1(move |_| script.clone()).await;
        let provider = Provider::connect(&plugin, setup(&*server.base_url)).await.unwrap();
        let price = provider.price_of("@openai/gpt-5").await;
        assert_eq!(price.is_some(), is_price, "{name}: {price:?}");
        assert_eq!(server.requests(), 1, "{name}");
    }
    assert!(others.lock().unwrap().is_empty());

    let late = FaultServer::http1(move |_| {
        vec![Step::Pause(Duration::from_millis(700)), bytes(whole(JSON, r#"{"pay_as_you_go":{}}"#))]
    });
    let late = late.await;
    let plugin = load(&Engine::new(tight()).unwrap(), &fs::read(component()).unwrap()).await.unwrap();
    let provider = Provider::connect(&plugin, setup(&*late.base_url)).await.unwrap();
    let prices = provider.price_of_each((0..64).map(|at| format!("@openai/m-{at}"))).await;
    assert_eq!(prices, [None; 64]);
    assert!(late.requests() < 40, "as long as one call may take, and no more are asked for: {}", late.requests());
}

/// An answer of the Responses API is what no reader wants: it ends the call in words, and nothing of it is lost unsaid.
#[tokio::test]
async fn an_answer_of_the_responses_api_of_any_content_ends_the_call_in_words() {
    let plugin = good().await;
    let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    let event = |kind: &str, more: &str| format!("data: {{\"type\":\"response.{kind}\"{more}}}\n\n");
    let item = |item: &str| event("output_item.done", &format!(r#","output_index":0,"item":{{{item}}}"#));
    let piece = event("output_text.delta", r#","output_index":0,"delta":"good""#);
    let end = event("completed", r#","response":{"object":"response","status":"completed","model":"m","output":[]}"#);
    let ends = |before: String| before + &end;
    let goes_on = |before: String| before + &piece + &end;
    let behind = |last: String| piece.clone() + &last;
    let at = |index: &str| event("output_text.delta", &format!(r#","output_index":{index},"delta":"good""#));
    let called = |index: usize| {
        let item = format!(r#","output_index":{index},"item":{{"type":"function_call","call_id":"c","name":"f"}}"#);
        event("output_item.added", &item)
    };
    let chat = "data: {\"id\":\"c\",\"choices\":[{\"delta\":{\"content\":\"good\"},\"finish_reason\":\"stop\"}]}\n\n";
    for (name, events, is_good) in [
        ("a good one", format!("{piece}{end}"), true),
        ("an index of 2^64", ends(at("18446744073709551616")), true),
        ("an index below zero", ends(at("-1")), true),
        ("an index that is a list", ends(at("[1]")), true),
        ("an event nested deep", goes_on(event("x", &format!(r#","y":{deep}"#))), false),
        ("an item nested deep", format!("{piece}{}{end}", item(&format!(r#""type":"x","y":{deep}"#))), false),
        ("a delta nested deep", ends(event("output_text.delta", &format!(r#","delta":{deep}"#))), false),
        ("reasoning without an end of its text", goes_on(item(r#""type":"reasoning","encrypted_content":7"#)), true),
        (
            "reasoning of a megabyte",
            goes_on(item(&format!(r#""type":"reasoning","encrypted_content":"{}""#, "x".repeat(900 << 10)))),
            true,
        ),
        ("an item without a type", goes_on(item("")), true),
        ("an item that is a list", goes_on(event("output_item.done", r#","item":[]"#)), true),
        ("a call without a name", ends(item(r#""type":"function_call","call_id":"c","arguments":"{}""#)), false),
        ("calls of one id", format!("{}{}{end}", called(0), called(1)), false),
        ("more items than an answer may hold", ends((0..5_000).map(called).collect::<String>()), false),
        (
            "arguments before their call",
            ends(event("function_call_arguments.delta", r#","output_index":3,"delta":"{}""#)),
            false,
        ),
        ("a chat after it", format!("{piece}{chat}{end}"), false),
        ("it after a chat", format!("{chat}{piece}{end}"), false),
        ("two ends", format!("{piece}{end}{end}"), true),
        ("words after the end", format!("{piece}{end}{piece}"), false),
        ("no end", piece.clone(), false),
        ("an end alone that is a list", event("completed", r#","response":[]"#), false),
        (
            "an end that holds more than came",
            behind(event(
                "completed",
                r#","response":{"status":"completed","output":[{"type":"message","content":[{"type":"output_text","text":"good and more"}]}]}"#,
            )),
            false,
        ),
        ("an unknown status", behind(event("completed", r#","response":{"status":"done","output":[]}"#)), false),
        ("an error that is nothing", behind(event("failed", r#","response":{"status":"failed","error":{}}"#)), false),
        ("a kind of 100 kB", goes_on(event(&"x".repeat(100_000), "")), true),
        ("half a surrogate", ends(event("output_text.delta", r#","delta":"\ud800""#)), false),
        (
            "members of JavaScript",
            goes_on(event("output_item.done", r#","item":{"type":"__proto__","__proto__":{"x":1}}"#)),
            true,
        ),
        ("a web search of its own", goes_on(item(r#""type":"web_search_call","action":{"query":"x"}"#)), true),
        ("an image that is none", goes_on(item(r#""type":"image_generation_call","result":"%%%""#)), false),
        (
            "usage that is no number",
            behind(event(
                "completed",
                r#","response":{"status":"completed","output":[],"usage":{"input_tokens":"x","output_tokens":1e400}}"#,
            )),
            true,
        ),
    ] {
        let body = format!("{EVENTS}{events}data: [DONE]\n\n");
        let server = FaultServer::http1(move |_| vec![bytes(&body), Step::Close]).await;
        let provider = Provider::connect(&plugin, setup(&*server.base_url)).await.unwrap();
        let told = crate::support::streamed(&provider, &ask("gpt-5.3-codex", "hello")).await;
        match &told {
            Ok(reply) if is_good => assert_eq!(reply.text(), "good", "{name}"),
            Ok(_) => {}
            Err(error) => {
                assert!(!is_good, "{name}: {error:?}");
                assert!(
                    !error.to_string().contains("the plugin failed") && !shown(error).contains(KEY),
                    "{name}: {error}"
                );
            }
        }
    }
}

/// However many images an answer holds, or names: so many are fetched and written, and the rest is told of.
#[tokio::test(flavor = "multi_thread")]
async fn images_without_number_are_neither_fetched_nor_written() {
    let (images, fetched) =
        recording(whole("HTTP/1.1 200 OK\r\ncontent-type: image/png\r\n", b"\x89PNG\r\n\x1a\n")).await;
    let inline = STANDARD.encode(b"\x89PNG\r\n\x1a\n");
    let place = |number: usize| format!("http://{images}/{number}.png");
    let answer = |count: usize, is_chat: bool, is_url: bool| {
        let url = |number| if is_url { place(number) } else { format!("data:image/png;base64,{inline}") };
        let drawn = |number| if is_url { json!({"url": place(number)}) } else { json!({"b64_json": inline}) };
        let said = |number| json!({"type": "image_url", "image_url": {"url": url(number)}});
        if !is_chat {
            return json!({"created": 1, "data": (0..count).map(drawn).collect::<Vec<_>>()}).to_string();
        }
        let message = json!({"role": "assistant", "content": "x", "images": (0..count).map(said).collect::<Vec<_>>()});
        json!({"id": "c", "model": "m", "choices": [{"message": message, "finish_reason": "stop"}]}).to_string()
    };
    for (count, is_chat, is_url) in
        [(32, false, true), (2000, false, true), (2000, true, true), (2000, false, false), (2000, true, false)]
    {
        let (gateway, _) = recording(whole(JSON, answer(count, is_chat, is_url))).await;
        let cli = Cli::before(format!("http://{gateway}/v1"));
        fetched.lock().unwrap().clear();
        let ran = cli.run(if is_chat { &["chat", "a ship", "--no-stream"][..] } else { &["image", "a ship"] });
        let written = fs::read_dir(cli.folder.path()).unwrap().flatten();
        let written = written.filter(|entry| entry.file_name().to_string_lossy().starts_with("image-")).count();
        assert_eq!(written, 32, "{count} {is_chat} {is_url}: {ran:?}");
        assert_eq!(fetched.lock().unwrap().len(), if is_url { 32 } else { 0 }, "{count} {is_chat} {is_url}");
        assert!(fetched.lock().unwrap().iter().all(|head| !head.contains(KEY)));
        assert_eq!(ran.err.contains(&format!("{} images more", count - 32)), count > 32, "{ran:?}");
        assert_eq!(ran.code == 0, count == 32, "{ran:?}");
    }
}

/// Each would take as long as a call may, and an answer names 32 of them.
#[tokio::test(flavor = "multi_thread")]
async fn images_that_never_come_are_waited_for_once() {
    let (silent, asked) = recording(Vec::new()).await;
    let inline = STANDARD.encode(b"\x89PNG\r\n\x1a\n");
    let mut drawn: Vec<_> = (0..8).map(|number| json!({"url": format!("http://{silent}/{number}.png")})).collect();
    drawn.push(json!({"b64_json": inline}));
    let answer = json!({"created": 1, "data": drawn}).to_string();
    let (gateway, _) = recording(whole(JSON, answer)).await;
    let cli = Cli::before(format!("http://{gateway}/v1"));
    let ran = cli.run(&["image", "a ship", "--timeout", "2"]);
    assert_eq!((ran.code, asked.lock().unwrap().len()), (6, 1), "{ran:?}");
    assert_eq!(ran.err.matches("those before it took too long").count(), 7, "{ran:?}");
    assert!(cli.folder.path().join("image-9.png").exists(), "what is in the answer is written: {ran:?}");
}

/// Each may be as large as a body.
#[tokio::test(flavor = "multi_thread")]
async fn images_that_are_too_large_together_are_not_all_fetched() {
    let large = [b"\x89PNG\r\n\x1a\n".to_vec(), vec![0; 130 << 20]].concat();
    let (images, fetched) = recording(whole("HTTP/1.1 200 OK\r\ncontent-type: image/png\r\n", large)).await;
    let mut drawn: Vec<_> = (0..4).map(|number| json!({"url": format!("http://{images}/{number}.png")})).collect();
    drawn.push(json!({"b64_json": STANDARD.encode(b"\x89PNG\r\n\x1a\n")}));
    let (gateway, _) = recording(whole(JSON, json!({"created": 1, "data": drawn}).to_string())).await;
    let cli = Cli::before(format!("http://{gateway}/v1"));
    let ran = cli.run(&["image", "a ship"]);
    assert_eq!((ran.code, fetched.lock().unwrap().len()), (6, 2), "{ran:?}");
    assert_eq!(ran.err.matches("those before it are too large together").count(), 2, "{ran:?}");
    assert!(cli.folder.path().join("image-5.png").exists(), "what is in the answer is written: {ran:?}");
}

/// Times to wait of nothing, and of all that there are.
#[tokio::test]
async fn odd_times_to_wait_end_in_words() {
    let host = Host::new().await;
    let (none, ever) = ("0", u64::MAX.to_string());
    for times in [[none; 3], ["1"; 3], [&*ever; 3], [none, &ever, &ever], [&ever, none, &ever], [&ever, &ever, none]] {
        let outcome = host.attack("hurried", &times).await;
        match outcome {
            Ok(status) => assert_eq!(status, "400", "what the stand-in says of such a body: {times:?}"),
            Err(error) => assert!(!error.to_string().contains("the plugin failed"), "{times:?}: {error}"),
        }
    }
}

/// A gateway that always has one more page of models.
#[tokio::test]
async fn a_catalog_of_pages_without_end_ends() {
    let page = AtomicUsize::new(0);
    let (server, _) = responding(move |_| {
        let id = format!("@a/m{}", page.fetch_add(1, Ordering::Relaxed));
        whole(JSON, json!({"total": u64::MAX, "has_more": true, "data": [{"id": id, "slug": "m"}]}).to_string())
    })
    .await;
    let engine = Engine::new(Limits { call: Duration::from_secs(60), ..tight() }).unwrap();
    let plugin = load(&engine, &fs::read(crate::support::component()).unwrap()).await.unwrap();
    let models = before(&plugin, server).await.models().await.unwrap();
    assert!((1..=1000).contains(&models.len()), "{}", models.len());
}
