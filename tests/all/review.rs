//! The second hostile review: what the first one did not try. `tests/hostile/review/README.md` lists each attempt with its
//! result. Here are a component that attacks the Rust host, a gateway that attacks a good component, and files and
//! variables that attack the program.

use std::{
    fs,
    net::SocketAddr,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use host_harness::{Engine, Limits, Plugin, Provider, Setup, types::ErrorKind as Kind};
use serde_json::{Value, json};

#[cfg(unix)]
use crate::terminal::Terminal;
use crate::{
    hostile::{Host, assert_failed, assert_timeout, at, describing, hostile, load, request, shown, tight},
    raw_server::{EVENTS, HELLO, JSON, answering, recording, responding, whole},
    support::{Cli, KEY, User, ask, component, events, setup, text},
};

// A component, in its instance

/// Its own memory is not all that it can fill: the host keeps what it has handed over and not sent.
#[tokio::test]
async fn what_a_component_leaves_with_the_host_is_bounded() {
    let host = Host::new().await;
    assert_failed("pollables", host.attack("pollables", &["100000"]).await, "table");
    assert_eq!(host.attack("pollables", &["10"]).await.unwrap(), "10");
    // To copy them takes a while.
    let engine = Engine::new(Limits { call: Duration::from_secs(60), ..tight() }).unwrap();
    let hostile = load(&engine, hostile()).await.unwrap();
    let hostile = Provider::connect(&hostile, at(host.server.base_url())).await.unwrap();
    let unsent = async |count: &str| hostile.complete(&request("unsent", &[count])).await;
    let written: usize = text(&unsent("300").await.unwrap()).parse().unwrap();
    assert!((1..tight().memory).contains(&written), "{written} bytes that were never sent are kept");
    assert_failed("unsent", unsent("1000").await, "table");
}

/// It computes nothing: it waits for what is there, or asks for what is refused.
#[tokio::test]
async fn a_component_that_only_calls_the_host_without_end_is_ended() {
    let host = Host::new().await;
    for parameter in ["0", "1"] {
        let busy = request("busy", &[parameter]);
        let (outcome, ()) = tokio::join!(host.hostile.complete(&busy), host.serves());
        assert_timeout("busy", outcome);
        host.serves().await;
    }
    // Each request is a task of the runtime, refused or not: a call beside it on the same thread may come late.
    assert_timeout("nagging", host.hostile.complete(&request("nagging", &[])).await);
    host.serves().await;
    assert!(host.server.requests().iter().all(|request| request.header("x-hostile-key").is_none()));
}

#[tokio::test]
async fn handles_that_were_never_given_are_none_and_nothing_is_taken_twice() {
    let host = Host::new().await;
    for kind in ["pollable", "fields", "response", "future", "request"] {
        assert_failed(kind, host.attack("forged", &[kind]).await, "");
    }
    host.server.clear();
    assert_eq!(host.attack("again", &[]).await.unwrap(), "[false, false, false, false, false, false]");
    let sent = host.server.take();
    assert_eq!((sent[0].header("x-late"), sent[0].header("x-hostile-key")), (None, Some(KEY)));
}

/// Headers that mean something to servers and proxies on the way do not change where a request goes, whose it is, or how
/// many there are.
#[tokio::test]
async fn headers_that_steer_servers_change_neither_the_place_nor_the_key() {
    let host = Host::new().await;
    let own = host.server.address().to_string();
    for header in [
        "expect: 100-continue",
        "trailer: x-hostile-key",
        "cookie: a=b",
        "x-http-method-override: DELETE",
        "x-forwarded-host: elsewhere.example",
        "forwarded: host=elsewhere.example",
        "alt-used: elsewhere.example",
        "x-original-url: /admin",
        "content-encoding: gzip",
        "x-hostile-key-2: mine",
        "x-hostile_key: mine",
        "sec-fetch-site: same-origin",
        "te: trailers",
    ] {
        host.server.clear();
        let outcome = host.attack("send", &host.exchange(&own, &[header])).await;
        // The stand-in of the honest call, which follows, is asked too.
        let sent = host.server.take();
        for request in &sent {
            assert_eq!(request.header("host"), Some(&*own), "{header}: {outcome:?}");
            assert!(request.header("x-hostile-key").is_none_or(|key| key == KEY), "{header}");
        }
        assert!(sent.len() <= 2, "{header}: {sent:?}");
    }
    for header in [":authority: elsewhere.example", ":path: /admin", "x\u{a0}y: 1", "x-\u{130}: 1"] {
        let error = host.attack("send", &host.exchange(&own, &[header])).await.expect_err(header);
        assert!(error.to_string().starts_with("the host refused the header"), "{header}: {error}");
    }
}

/// Other letters for the same address, such as Unicode has them, lead to the same server or nowhere.
#[tokio::test]
async fn an_address_in_other_letters_is_the_same_or_none() {
    let host = Host::new().await;
    let port = host.server.address().port();
    for name in [
        "１２７.0.0.1", "127。0。0。1", "①②⑦.0.0.1", "127.0.0.1\u{ad}", "%31%32%37.0.0.1", "127.0.0.1%00.example",
        "[::ffff:7f00:1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]", "0x7f000001", "017700000001", "127.0.0.1..",
        "127.0.00.1",
    ] {
        host.server.clear();
        let authority = format!("{name}:{port}");
        let _ = host.hostile.complete(&request("send", &["http", &authority, "/v1/models", "GET", ""])).await;
        for request in host.server.take() {
            assert_eq!(request.header("host"), Some(&*host.server.address().to_string()), "{name}");
        }
    }
    host.serves().await;
}

/// Two connections of one plugin to one server, at the same time: neither takes the other's pooled connection's key.
#[tokio::test]
async fn two_keys_for_one_server_do_not_mix() {
    let host = Host::new().await;
    let connect = async |key: &str| {
        let setup = Setup::new(json!({})).base_url(host.server.base_url()).secret("hostile-key", key);
        Provider::connect(&host.plugin, setup).await.unwrap()
    };
    let (one, two) = (connect("key-of-the-first").await, connect("key-of-the-second").await);
    let own = host.server.address().to_string();
    host.server.clear();
    for _ in 0..10 {
        let mark = |mark: &'static str| request("send", &host.exchange(&own, &[mark]));
        let (first, second) = (mark("x-mark: first"), mark("x-mark: second"));
        let (first, second) = tokio::join!(one.complete(&first), two.complete(&second));
        // Each masks its own key alone: the other's must not be there to be seen.
        assert!(!text(&first.unwrap()).contains("second") && !text(&second.unwrap()).contains("first"));
    }
    let sent = host.server.take();
    assert_eq!(sent.len(), 20);
    for request in sent {
        let expected = format!("key-of-the-{}", request.header("x-mark").unwrap());
        assert_eq!(request.header("x-hostile-key"), Some(&*expected));
    }
}

/// It names the program's own flags, as those of its key.
#[test]
fn a_component_takes_none_of_the_programs_own_flags() {
    let cli = Cli::new();
    let plugin = cli.folder.path().join("hostile-provider.wasm");
    fs::write(&plugin, describing("own flag")).unwrap();
    let plugin = plugin.to_str().unwrap();
    let ran = cli.run(&["models", "--plugin", plugin, "--base-url", "http://127.0.0.1:9/v1", "--help"]).ok();
    assert!(ran.out.contains("Call this base URL instead"), "{ran:?}");
    let ran = cli.run(&["models", "--plugin", plugin, "--base-url", "ftp://127.0.0.1:9/v1"]);
    assert!(ran.err.contains("must be http or https"), "the flag is the program's own: {ran:?}");
}

/// It says that its key is in a variable that means something to the program: then the key given as a flag would be where
/// files are kept, or a proxy whose name is looked up.
#[test]
fn a_key_given_as_a_flag_is_no_folder_and_no_proxy() {
    for how in ["home", "proxy"] {
        let cli = Cli::new();
        let plugin = cli.folder.path().join("hostile-provider.wasm");
        fs::write(&plugin, describing(how)).unwrap();
        let arguments = [
            "chat",
            "hello",
            "--no-stream",
            "--plugin",
            plugin.to_str().unwrap(),
            "--base-url",
            "http://gateway.invalid/v1",
        ];
        let ran = cli.run(&[&arguments[..], &["--hostile-key", KEY]].concat());
        assert!(ran.code != 0 && !format!("{ran:?}").contains(KEY), "{how}: {ran:?}");
        assert!(!ran.err.contains("proxy"), "{how}: {ran:?}");
        let names = fs::read_dir(cli.folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
        assert!(names.into_iter().all(|name| name != KEY), "{how}: the key is the name of a folder");
    }
}

// A gateway, before a good component

fn failing(status: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    whole(&format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\n"), body)
}

fn sse(events: &[&str]) -> Vec<u8> {
    let events: String = events.iter().map(|event| format!("data: {event}\n\n")).collect();
    format!("{EVENTS}{events}data: [DONE]\n\n").into_bytes()
}

/// A good component in a host with tight limits.
pub(crate) async fn good() -> Plugin {
    Plugin::load(&Engine::new(tight()).unwrap(), component()).await.unwrap()
}

/// The same before this server.
pub(crate) async fn before(plugin: &Plugin, server: SocketAddr) -> Provider {
    Provider::connect(plugin, setup(format!("http://{server}/v1"))).await.unwrap()
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
        (
            "results of guardrails nested deep",
            sse(&[&format!(r#"{{"hook_results":{},"choices":[]}}"#, deep(100_000)), HELLO]),
        ),
        (
            "a content block nested deep",
            sse(&[&with(&format!(r#","content_blocks":[{{"type":"x","y":{}}}]"#, deep(100_000)))]),
        ),
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
        (
            "bytes that are no UTF-8",
            whole(JSON, [&HELLO.as_bytes()[..60], b"\xff\xfe\xc0\xaf", &HELLO.as_bytes()[60..]].concat()),
        ),
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

/// Frames that two readers would take for two things.
#[tokio::test]
async fn an_answer_that_can_be_read_in_two_ways_is_read_in_one_or_refused() {
    let plugin = good().await;
    let chunked = format!("{JSON}transfer-encoding: chunked\r\n\r\n");
    let chunk = |size: &str| format!("{chunked}{size}\r\n{HELLO}\r\n0\r\n\r\n").into_bytes();
    let size = format!("{:x}", HELLO.len());
    for (name, answer, is_read) in [
        ("a good one", chunk(&size), true),
        ("a size in capitals with zeros", chunk(&format!("000{}", size.to_uppercase())), true),
        ("a size with a plus", chunk(&format!("+{size}")), false),
        ("a size with 0x", chunk(&format!("0x{size}")), false),
        ("a negative size", chunk("-1"), false),
        ("a size that overflows", chunk("ffffffffffffffffff"), false),
        ("an extension of 100 kB", chunk(&format!("{size};x={}", "y".repeat(100_000))), false),
        ("a line feed alone behind the size", format!("{chunked}{size}\n{HELLO}\r\n0\r\n\r\n").into_bytes(), false),
        (
            "a transfer coding that is not chunked",
            format!("{JSON}transfer-encoding: gzip, chunked\r\n\r\n{size}\r\n{HELLO}\r\n0\r\n\r\n").into_bytes(),
            false,
        ),
        (
            "two lengths",
            format!("{JSON}content-length: 5\r\ncontent-length: {}\r\n\r\n{HELLO}", HELLO.len()).into(),
            false,
        ),
        ("a length with a plus", format!("{JSON}content-length: +{}\r\n\r\n{HELLO}", HELLO.len()).into(), false),
        ("a colon after a space", format!("{JSON}content-length : {}\r\n\r\n{HELLO}", HELLO.len()).into(), false),
        ("500 headers", whole(&format!("{JSON}{}", "x-a: b\r\n".repeat(500)), HELLO), false),
        ("a header of 100 kB", whole(&format!("{JSON}x-a: {}\r\n", "b".repeat(100_000)), HELLO), false),
        ("no body by its status", whole("HTTP/1.1 204 x\r\ncontent-type: application/json\r\n", HELLO), false),
        ("a switch of protocols", b"HTTP/1.1 101 x\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n".to_vec(), false),
    ] {
        let provider = before(&plugin, answering(answer).await).await;
        let outcome = provider.complete(&ask("m", "hello")).await;
        assert_eq!(outcome.is_ok(), is_read, "{name}: {outcome:?}");
        if let Err(error) = outcome {
            assert!(!error.to_string().contains("the plugin failed"), "{name}: {error}");
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
        assert!(answer.is_ok_and(|answer| text(&answer) == "hello"));
    }
}

/// The mask reads bytes, and the component what they mean: of its errors the host reads that too.
#[tokio::test]
async fn a_key_in_any_letters_of_json_is_masked_in_an_error() {
    let plugin = good().await;
    let spelled: String = KEY.bytes().map(|byte| format!("\\u{byte:04x}")).collect();
    let mixed: String = KEY
        .chars()
        .enumerate()
        .map(|(at, letter)| if at % 2 == 0 { format!("\\u{:04X}", u32::from(letter)) } else { letter.into() })
        .collect();
    for (name, error) in [
        ("the message", json!({"error": {"message": "HERE"}})),
        ("the code", json!({"error": {"message": "x", "code": "HERE"}})),
        ("the type", json!({"error": {"message": "x", "type": "HERE"}})),
        ("the parameter", json!({"error": {"message": "x", "param": "HERE"}})),
        ("a text alone", json!("HERE")),
        ("a status", json!({"status": "failure", "message": "HERE"})),
        (
            "a guardrail",
            json!({"error": {"message": "x"}, "hook_results": {"before_request_hooks": [{"id": "HERE", "verdict": false, "checks": [{"id": "HERE", "error": {"message": "HERE"}}]}]}}),
        ),
    ] {
        for (how, key) in [("as it is", KEY), ("spelled", &spelled), ("mixed", &mixed)] {
            for status in ["400 x", "401 x", "446 x", "500 x", "200 OK"] {
                let body = error.to_string().replace("HERE", &format!("a {key} b"));
                let provider = before(&plugin, answering(failing(status, body)).await).await;
                let error = provider.complete(&ask("m", "hello")).await.expect_err(name);
                assert!(!shown(&error).contains(KEY), "{name} {how} {status}: {error:?}");
            }
        }
    }
    // In the head: on one line, on two as old servers write it, in a trailer, in an extension of a chunk.
    let (start, end) = KEY.split_at(9);
    for (name, answer) in [
        ("a header", failing(&format!("500 {KEY}\r\nx-portkey-trace-id: {KEY}\r\nx-portkey-provider: {KEY}"), "{}")),
        ("a folded header", failing(&format!("500 x\r\nx-portkey-trace-id: {start}\r\n {end}"), "{}")),
        ("a trailer", format!("HTTP/1.1 500 x\r\ntransfer-encoding: chunked\r\ntrailer: x-portkey-trace-id\r\n\r\n2;{KEY}\r\n{{}}\r\n0\r\nx-portkey-trace-id: {KEY}\r\n\r\n").into()),
        ("an early hint", [format!("HTTP/1.1 103 x\r\nx-portkey-trace-id: {KEY}\r\n\r\n").into_bytes(), failing("500 x", "{}")].concat()),
    ] {
        let provider = before(&plugin, answering(answer).await).await;
        let error = provider.complete(&ask("m", "hello")).await.expect_err(name);
        assert!(!shown(&error).contains(KEY) && !shown(&error).contains(end), "{name}: {error:?}");
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

/// What a gateway calls an image leads to nothing but an image, on a network that the gateway may be on.
#[tokio::test]
async fn an_image_is_fetched_from_no_place_that_the_gateway_may_not_be_on() {
    let plugin = good().await;
    let (server, heads) = recording(whole("HTTP/1.1 200 OK\r\n", b"\x89PNG")).await;
    let provider = before(&plugin, server).await;
    let port = server.port();
    let places = [
        "http://169.254.169.254/latest/meta-data/".to_owned(),
        "http://[::ffff:169.254.169.254]/".into(),
        "http://[::ffff:a9fe:a9fe]/".into(),
        "http://[64:ff9b::a9fe:a9fe]/".into(),
        "http://[2002:a9fe:a9fe::]/".into(),
        "http://2852039166/".into(),
        "http://0xa9fea9fe/".into(),
        "http://0251.0376.0251.0376/".into(),
        "http://169.254.43518/".into(),
        "http://１６９.254.169.254/".into(),
        "http://169。254。169。254/".into(),
        "http://[fe80::1]/".into(),
        "http://[fd00:ec2::254]/".into(),
        "http://192.168.0.1/".into(),
        "http://100.100.100.200/".into(),
        "http://0.0.0.0/".into(),
        format!("http://0.0.0.0:{port}/"),
        format!("http://[::]:{port}/"),
        format!("http://user:hunter22@127.0.0.1:{port}/"),
        "file:///etc/passwd".into(),
        "gopher://127.0.0.1/".into(),
        "javascript:alert(1)".into(),
        "//127.0.0.1/".into(),
        String::new(),
    ];
    for place in places {
        let error = provider.download(&place).await.expect_err(&place);
        assert!(!shown(&error).contains("hunter22"), "{error:?}");
        let redirect = format!("HTTP/1.1 302 x\r\nlocation: {place}\r\ncontent-length: 0\r\n\r\n");
        let (redirecting, _) = recording(redirect.into_bytes()).await;
        let error = provider.download(&format!("http://{redirecting}/")).await.expect_err(&place);
        assert!(!shown(&error).contains("hunter22"), "{error:?}");
    }
    // `//127.0.0.1/` and nothing at all are places on the redirecting server: never on this one.
    assert!(heads.lock().unwrap().is_empty());
    for (name, data) in [
        ("SVG", &b"<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>"[..]),
        ("SVG with a declaration", b"<?xml version='1.0'?><svg onload='1'/>"),
        ("HTML", b"<!doctype html><img>"),
        ("PDF", b"%PDF-1.7"),
        ("a script that says GIF", b"#!/bin/sh\n# GIF89a"),
        ("an image behind a line", b"\n\x89PNG\r\n\x1a\n"),
    ] {
        let server = answering(whole("HTTP/1.1 200 OK\r\ncontent-type: image/png\r\n", data)).await;
        let error = provider.download(&format!("http://{server}/a.png")).await.expect_err(name);
        assert!(error.to_string().contains("not an image"), "{name}: {error}");
    }
}

// Files, variables and proxies, before the program

/// A folder that somebody else filled, such as a repository: nothing in it is read because one works there.
#[test]
fn a_folder_that_one_works_in_says_nothing() {
    let user = User::new();
    let folder = user.cli.folder.path().join("cloned");
    fs::create_dir_all(folder.join(".openclaw")).unwrap();
    let elsewhere = "http://127.0.0.1:9/v1";
    let config = json!({"models": {"providers": {"portkey": {"baseUrl": elsewhere, "apiKey": "theirs"}}}}).to_string();
    for (name, text) in [
        (
            ".env",
            format!(
                "PORTKEY_BASE_URL={elsewhere}\nPORTKEY_API_KEY=theirs\nHTTP_PROXY={elsewhere}\nALL_PROXY={elsewhere}\n"
            ),
        ),
        ("openclaw.json", config.clone()),
        ("clawdbot.json", config.clone()),
        (".openclaw/openclaw.json", config.clone()),
        (".openclaw/.env", format!("PORTKEY_BASE_URL={elsewhere}\n")),
    ] {
        fs::write(folder.join(name), text).unwrap();
    }
    component();
    fs::write(folder.join("portkey_provider.wasm"), hostile()).unwrap();
    fs::write(folder.join("gateway.wasm"), hostile()).unwrap();
    for arguments in [&["models"][..], &["chat", "hello"], &["doctor"]] {
        let output = user.cli.command(arguments).current_dir(&folder).output().unwrap();
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(
            output.status.success() && !said.contains("127.0.0.1:9") && !said.contains("Hostile"),
            "{arguments:?}: {said}"
        );
    }
    assert!(user.stub.requests().len() >= 3);
}

/// What lies where `onboard` writes: whose it is, it is afterwards.
#[test]
#[cfg(unix)]
fn onboard_writes_through_no_link_and_over_nothing_of_others() {
    use std::os::unix::fs::symlink;
    const OLD: &str = "{ /* mine */ }";
    let user = User::new();
    let folder = user.cli.folder.path().join(".openclaw");
    let config = folder.join("openclaw.json");
    let victim = user.cli.folder.path().join("victim");
    let onboard = || user.cli.run(&["onboard", "--yes", "--model", "@openai/gpt-5-mini"]);
    let fresh = || {
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir(&folder).unwrap();
        fs::write(&config, OLD).unwrap();
        fs::write(&victim, "precious").unwrap();
    };
    let is_whole = || assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");

    fresh();
    symlink(&victim, folder.join("openclaw.json.bak-1")).unwrap();
    fs::create_dir(folder.join("openclaw.json.bak-2")).unwrap();
    onboard().ok();
    is_whole();
    assert_eq!(fs::read_to_string(folder.join("openclaw.json.bak-3")).unwrap(), OLD, "beside what was there");

    fresh();
    fs::remove_file(&victim).unwrap();
    fs::hard_link(&config, &victim).unwrap();
    onboard().ok();
    assert_eq!(fs::read_to_string(&victim).unwrap(), OLD, "another name of the old file");

    let lock = folder.join(".openclaw.json.host-lock");
    fresh();
    symlink(&victim, &lock).unwrap();
    let ran = onboard();
    assert_eq!((ran.code, fs::read_to_string(&config).unwrap().as_str()), (4, OLD), "{ran:?}");
    is_whole();
    fresh();
    fs::create_dir(&lock).unwrap();
    assert_eq!((onboard().code, fs::read_to_string(&config).unwrap().as_str()), (4, OLD));
    fresh();
    assert!(std::process::Command::new("mkfifo").arg(&lock).status().unwrap().success());
    let ran = onboard();
    assert!(ran.code == 4 && ran.err.contains("others can open"), "{ran:?}");

    fresh();
    fs::remove_file(&config).unwrap();
    symlink("openclaw.json", &config).unwrap();
    let ran = onboard();
    assert!(ran.code == 4 && config.is_symlink(), "a link to itself: {ran:?}");
}

/// What an error repeats of a file is its place, and not its text: it may be another's file, or a secret.
#[test]
#[cfg(unix)]
fn no_error_shows_what_is_in_a_file_that_is_not_a_configuration() {
    use std::os::unix::fs::symlink;
    let user = User::new();
    let folder = user.cli.folder.path().join(".openclaw");
    fs::create_dir(&folder).unwrap();
    let secret = user.cli.folder.path().join("secret");
    for text in [
        "hunter22:x:0:0\n", "{\"key\": hunter22}", "[hunter22", "{\"a\": 'hunter22\n'}", "\"hunter22", "{hunter22",
        "hunter22",
    ] {
        fs::write(&secret, text).unwrap();
        let ran = user.cli.run(&["models", "--config", secret.to_str().unwrap()]);
        assert!(ran.code != 0 && !format!("{ran:?}").contains("hunter22"), "{text}: {ran:?}");
        let link = folder.join("linked.json");
        let _ = fs::remove_file(&link);
        symlink(&secret, &link).unwrap();
        for include in [
            secret.to_str().unwrap(),
            "../secret",
            "./../.openclaw/../secret",
            "linked.json",
            "/proc/self/environ",
            "/dev/zero",
        ] {
            fs::write(folder.join("openclaw.json"), json!({"$include": include}).to_string()).unwrap();
            let ran = user.cli.run(&["models"]);
            assert!(ran.code != 0, "{include}: {ran:?}");
            assert!(
                !format!("{ran:?}").contains("hunter22") && !format!("{ran:?}").contains(KEY),
                "{include}: {ran:?}"
            );
        }
    }
    assert!(user.stub.requests().is_empty());
}

/// Links that lie where images are written to.
#[test]
#[cfg(unix)]
fn an_image_is_written_through_no_link() {
    use std::os::unix::fs::symlink;
    let user = User::new();
    let out = user.cli.folder.path().join("out");
    let victim = user.cli.folder.path().join("victim");
    fs::create_dir(&out).unwrap();
    fs::write(&victim, "precious").unwrap();
    symlink(&victim, out.join("image-1.png")).unwrap();
    symlink(out.join("nothing"), out.join("image-2.png")).unwrap();
    symlink(&victim, user.cli.folder.path().join("named.png")).unwrap();
    for arguments in [
        &["image", "a ship", "--output", "out"][..],
        &["image", "a ship", "--output", "out", "--force"],
        &["image", "a ship", "--output", "named.png", "--force"],
    ] {
        user.cli.run(arguments).ok();
        assert_eq!(fs::read_to_string(&victim).unwrap(), "precious", "{arguments:?}");
    }
    assert!(!out.join("nothing").exists());
    assert!(fs::read(out.join("image-3.png")).unwrap().starts_with(b"\x89PNG"), "beside what was there");
}

/// Variables that make other programs tell what they send.
#[test]
fn no_variable_makes_the_program_tell_the_key() {
    let user = User::new();
    let written = user.cli.folder.path().join("keys.log");
    component();
    for (name, value) in [
        ("RUST_LOG", "trace"),
        ("RUST_LOG", "hyper=trace,h2=trace,rustls=trace,hyper_util=trace"),
        ("SSLKEYLOGFILE", written.to_str().unwrap()),
        ("WASMTIME_LOG", "trace"),
        ("RUST_BACKTRACE", "full"),
        ("NODE_DEBUG", "http"),
    ] {
        for arguments in
            [&["chat", "hello", "-vv"][..], &["chat", "hello", "-vv", "--model", "fault/500"], &["models", "-vv"]]
        {
            let output = user.cli.command(arguments).env(name, value).output().unwrap();
            let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
            assert!(!said.contains(KEY), "{name} {arguments:?}: {said}");
        }
    }
    assert!(!written.exists());
}

/// A proxy that answers as it likes gets no key and shows no password, and what it says goes nowhere.
#[tokio::test]
async fn a_proxy_that_answers_otherwise_gets_and_shows_nothing() {
    let plugin = good().await;
    for (name, answer) in [
        (
            "a password is asked for",
            "HTTP/1.1 407 x\r\nproxy-authenticate: Basic\r\ncontent-length: 0\r\n\r\n".to_owned(),
        ),
        ("a redirect", "HTTP/1.1 302 x\r\nlocation: http://127.0.0.1:9/\r\ncontent-length: 0\r\n\r\n".into()),
        ("an answer of its own", String::from_utf8(whole(JSON, HELLO)).unwrap().replace("200 OK", "403 OK")),
        ("its own password", "HTTP/1.1 403 dXNlcjpodW50ZXIyMg==\r\nx-echo: user:hunter22\r\n\r\nuser:hunter22".into()),
        ("half a head", "HTTP/1.1 200 OK\r\nx-a: ".into()),
        ("a head without end", format!("HTTP/1.1 200 OK\r\n{}", "x-a: b\r\n".repeat(10_000))),
        ("no HTTP", "SSH-2.0-x\r\n\r\n".into()),
    ] {
        let (proxy, heads) = recording(answer.into_bytes()).await;
        let request = json!({"proxy": {"mode": "explicit-proxy", "url": format!("http://user:hunter22@{proxy}")}});
        let config = json!({"models": {"providers": {"portkey": {"request": request}}}});
        let provider = Provider::connect(&plugin, setup("https://gateway.test/v1").config(config)).await.unwrap();
        let error = provider.complete(&ask("m", "hello")).await.expect_err(name);
        let shown = shown(&error);
        assert!(
            !shown.contains("hunter22") && !shown.contains("dXNlcjpodW50ZXIyMg") && !shown.contains(KEY),
            "{name}: {shown}"
        );
        let heads = heads.lock().unwrap();
        assert!(
            heads.iter().all(|head| head.starts_with("CONNECT gateway.test:443 ") && !head.contains(KEY)),
            "{name}: {heads:?}"
        );
    }
}

/// A body that names two models is one of the first for some readers and of the last for others. A model has a key and a
/// place of its own: both go by the same reading.
#[tokio::test]
async fn a_body_that_names_two_models_goes_where_its_model_goes() {
    let host = Host::new().await;
    let (server, heads) = recording(whole(JSON, HELLO)).await;
    let own = json!({"id": "special", "name": "s", "baseUrl": format!("http://{server}/v1")});
    let entry = json!({"baseUrl": host.server.base_url(), "models": [own]});
    let config = json!({"models": {"providers": {"portkey": entry}}});
    let with_key = Setup::new(config).secret("portkey-api-key", KEY);
    let provider = Provider::connect(&good().await, with_key).await.unwrap();
    for names in [
        r#""model":"special","model":"usual""#,
        r#""model":"usual","model":"special""#,
        r#""model":"usual","mod\u0065l":"special""#,
    ] {
        let body = format!(r#"{{{names},"messages":[{{"role":"user","content":"hello"}}]}}"#);
        let request = host_harness::wit::chat::Request::openai(body);
        let sent: Value = match provider.body(&request).await {
            Ok(sent) => serde_json::from_str(&sent).unwrap(),
            Err(_) => continue,
        };
        host.server.clear();
        heads.lock().unwrap().clear();
        let outcome = provider.complete(&request).await;
        let is_special = !heads.lock().unwrap().is_empty();
        assert_eq!(is_special, sent["model"] == "special", "{names}: {sent} {outcome:?}");
    }
}

/// Markdown that costs a careless reader the square of its length, or its stack. A terminal's test waits for a minute.
#[test]
#[cfg(unix)]
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
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (server, _) = runtime.block_on(recording(answer));
    component();
    let cli = Cli::new().env("PORTKEY_API_KEY", KEY).env("PORTKEY_BASE_URL", format!("http://{server}/v1"));
    let mut terminal = Terminal::start(cli.command(&["chat", "hello"]));
    let code = terminal.end();
    assert!(code == 0 && terminal.screen().contains("the very end"), "{code}: {}", terminal.screen());
}
