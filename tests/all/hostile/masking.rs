//! Nobody learns the key, or another secret: not by an answer that repeats it, an error, a log, or how an answer comes.

use std::{fs, net::SocketAddr, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use futures_util::StreamExt as _;
use host_harness::{Engine, Limits, Plugin, Provider, types::ErrorKind as Kind};
use host_harness_rig::{completion, record};
use rig_agent::prelude::AgentBuilder;
use serde_json::json;
use tokio::io::AsyncWriteExt;

use super::{
    ECHO, Host, Http2, at, basic, before, describing, echo, failing, good, hostile, load, refused, request, shown,
    tight,
};
use crate::{
    fault_server::{FaultServer, Step, bytes, frame},
    http2_faults::answer,
    raw_server::{HELLO, JSON, answering, recording, request_of, serving, whole},
    support::{Cli, KEY, User, ask, component, setup, start},
    tls::Authority,
};

#[tokio::test]
async fn an_answer_that_repeats_the_key_is_masked_wherever_it_stands() {
    let host = Host::new().await;
    let address = echo().await;
    let hostile = Provider::connect(&host.plugin, at(format!("http://{address}/v1"))).await.unwrap();
    let own = address.to_string();
    let seen = hostile.complete(&request("send", &host.exchange(&own, &[]))).await.unwrap().text();
    let mask = "*".repeat(KEY.len());
    assert!(seen.contains("authorization: Basic") && !seen.contains(&basic(KEY)[16..24]), "{seen}");
    for expected in [format!("x-echo: a{mask}b"), format!("set-cookie: {mask}\n"), format!("echoed {mask}")] {
        assert!(seen.contains(&expected), "{expected} is not in {seen}");
    }
    assert!(!seen.contains(KEY), "{seen}");
}

/// The whole of its memory, after the request that the key went along with.
#[tokio::test]
async fn the_key_is_not_in_its_memory() {
    let host = Host::new().await;
    let own = host.server.address().to_string();
    let exchange = host.exchange(&own, &[]);
    let found = async |first: &str, second: &str| {
        let parameters = [&[first, second], &exchange[..]].concat();
        host.attack("memory", &parameters).await.unwrap().parse::<usize>().unwrap()
    };
    let (first, second) = KEY.split_at(8);
    assert_eq!(found(first, second).await, 0);
    assert_ne!(found("x-hostile", "-key").await, 0, "what the server repeats is found");
    assert!(host.server.requests().iter().any(|request| request.header("x-hostile-key") == Some(KEY)));
}

#[tokio::test]
async fn an_error_text_that_holds_the_key_is_masked() {
    let host = Host::new().await;
    // As if it had got at it.
    let error = host.attack("error", &["it is ", KEY, "!"]).await.unwrap_err();
    assert_eq!(error.to_string(), format!("it is {}!", "*".repeat(KEY.len())));
}

/// What is hidden within JSON goes out in the whole that it was hidden in, to the server that is configured.
#[tokio::test]
async fn what_is_hidden_within_json_is_sent_in_no_other_place() {
    const INLINE: &str = "sk-inline-4b1d77";
    let host = Host::new().await;
    let own = host.server.address().to_string();
    let config = |attack: &str| json!({"plugins": {"entries": {"hostile": {"config": {"attack": attack, "config": {"api_key": INLINE}}}}}});
    let connect =
        async |attack: &str| Provider::connect(&host.plugin, at(host.server.base_url()).config(config(attack))).await;
    for attack in ["resolve moves a secret", "resolve takes a part"] {
        let error = refused(attack, connect(attack).await, Kind::InvalidConfig, "");
        assert!(!shown(&error).contains(INLINE), "{attack}");
    }
    let provider = connect("resolve takes it all").await.unwrap();
    let whole = r#"{"api_key": "SEALED_1"}"#;
    let send = async |path: &str, body: &str, header: &str| {
        host.server.clear();
        let outcome = provider.complete(&request("send", &["http", &own, path, "POST", body, header])).await;
        assert!(!format!("{outcome:?}").contains(INLINE), "{outcome:?}");
        (outcome, host.server.take())
    };
    let (outcome, sent) = send("/v1/chat/completions", ECHO, &format!("x-plain: {whole}")).await;
    assert!(outcome.is_ok(), "{outcome:?}");
    assert_eq!(sent[0].header("x-plain"), Some(&*format!(r#"{{"api_key":"{INLINE}"}}"#)));
    for header in [
        "x-other: SEALED_1",
        "x-plain: SEALED_1",
        "x-plain: aSEALED_1b",
        &format!("x-other: {whole}"),
        "x-plain: {\"api_key\": \"SEALED_1\" }",
    ] {
        let (outcome, sent) = send("/v1/chat/completions", ECHO, header).await;
        assert_eq!(outcome.expect_err(header).kind(), Kind::DeniedByHost, "{header}");
        assert!(sent.is_empty(), "{header}");
    }
    // Elsewhere it is text.
    let body = ECHO.replace("hello", "SEALED_1");
    let (_, sent) = send("/v1/chat/completions?SEALED_1", &body, "x-own: 1").await;
    assert!(!format!("{sent:?}").contains(INLINE) && sent[0].path.contains("SEALED_1"), "{sent:?}");
    // Nor is it in its memory.
    let header = format!("x-plain: {whole}");
    let (first, second) = INLINE.split_at(8);
    let parameters = [&[first, second], &host.exchange(&own, &[&header])[..]].concat();
    let found = provider.complete(&request("memory", &parameters)).await.unwrap();
    assert_eq!(found.text(), "0");
    host.serves().await;
}

/// A secret in two parts is found in neither.
#[tokio::test]
async fn an_answer_in_parts_is_not_asked_for() {
    let host = Host::new().await;
    let own = host.server.address().to_string();
    for name in ["range", "Range", "RANGE", "if-range"] {
        let header = format!("{name}: bytes=0-9");
        let error = host.attack("send", &host.exchange(&own, &[&header])).await.expect_err(name);
        assert!(error.to_string().starts_with("the host refused the header"), "{name}: {error:?}");
    }
}

/// A value of the environment is a value, whatever stands in it.
#[tokio::test]
async fn a_secret_adds_nothing_to_the_json_or_the_head_that_it_stands_in() {
    let host = Host::new().await;
    let honest = Plugin::load(&Engine::new(tight()).unwrap(), component()).await.unwrap();
    let connect = async |value: &'static str| {
        let config = json!({"plugins": {"entries": {"portkey": {"config": {
            "config": "{\"api_key\": \"${SECRET}\", \"retry\": {\"attempts\": 1}}",
            "traceId": "t-${SECRET}",
        }}}}});
        let environment = host_harness::Environment::from_iter([("SECRET", value)]);
        Provider::connect(&honest, setup(host.server.base_url()).config(config).environment(environment)).await
    };
    let value = r#"x","custom_host":"http://evil.example","y":"\"#;
    connect(value).await.unwrap().complete(&ask("gpt", "hello")).await.unwrap();
    let sent = host.server.take();
    let sent: serde_json::Value = serde_json::from_str(sent[0].header("x-portkey-config").unwrap()).unwrap();
    assert_eq!(sent, json!({"api_key": value, "retry": {"attempts": 1}}));
    for value in ["a\r\nx-evil: 1", "a\nb", "a\0b"] {
        let error = connect(value).await.expect_err("a line break in a header");
        assert_eq!(error.kind(), Kind::InvalidConfig, "{error:?}");
        assert!(!shown(&error).contains("x-evil"), "{error:?}");
    }
    assert!(host.server.take().is_empty());
}

/// What a coding hides, the mask does not find.
#[tokio::test]
async fn an_answer_in_a_coding_is_refused_whatever_its_name() {
    let host = Host::new().await;
    for coding in
        ["gzip", "br", "zstd", "x-own", "", "identity, gzip", "gzip\r\ncontent-encoding: identity", "aes128gcm"]
    {
        let server =
            answering(format!("HTTP/1.1 200 OK\r\ncontent-encoding: {coding}\r\ncontent-length: 2\r\n\r\n{{}}")).await;
        let hostile = Provider::connect(&host.plugin, at(format!("http://{server}/v1"))).await.unwrap();
        let own = server.to_string();
        let error = hostile.complete(&request("send", &host.exchange(&own, &[]))).await.expect_err(coding);
        assert!(error.to_string().contains("HttpResponseContentCoding"), "{coding}: {error}");
    }
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

/// Variables that make other programs tell what they send.
#[test]
fn no_variable_makes_the_program_tell_the_key() {
    let user = User::new();
    let written = user.cli.folder.path().join("keys.log");
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
            let said = user.cli.run_with(name, value, arguments).said();
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

/// The errors of rig carry ours as JSON, and agents hand them on as reports: no form of the key gets into any of them.
#[tokio::test]
async fn an_error_of_rigs_holds_no_secret_whatever_a_gateway_says() {
    let plugin = good().await;
    let escaped: String = KEY.chars().map(|letter| format!("\\u{:04x}", u32::from(letter))).collect();
    let within = KEY.replace('/', "\\\\/");
    for status in ["400 x", "401 x", "429 x\r\nretry-after: 99999999999999999999", "500 x\r\nretry-after: -1", "200 OK"]
    {
        for place in [
            r#"{"error":{"message":"HERE","code":"HERE","type":"HERE","param":"HERE"}}"#,
            r#"{"error":{"message":"{\"kind\":\"other\",\"message\":\"HERE\"}"}}"#,
            r#"{"status":"failure","message":"HERE"}"#,
            r#"{"object":"response","status":"failed","error":{"code":"HERE","message":"HERE"}}"#,
            r#""HERE""#,
            "HERE",
        ] {
            for key in [KEY, &escaped, &within, &STANDARD.encode(KEY)] {
                let head =
                    format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\nx-portkey-trace-id: {KEY}\r\n");
                let server = FaultServer::always(&head, place.replace("HERE", &format!("a {key} b"))).await;
                let provider = Provider::connect(&plugin, setup(&*server.base_url)).await.unwrap();
                let model = completion(&provider, "m");
                let streamed = model.stream("hello").unwrap().next().await.unwrap().map(drop).unwrap_err();
                let whole = model.call("hello").await.map(drop).unwrap_err();
                let agent = AgentBuilder::new(model).build().prompt("hello").run().await.map(drop).unwrap_err();
                let told = [&whole, &streamed].map(|error| error.provider_response_body());
                let mut said = format!("{whole} {whole:?} {streamed} {streamed:?} {agent} {agent:?} {told:?}");
                said += agent.provider_response_body().unwrap();
                let mut cause = std::error::Error::source(&agent);
                while let Some(error) = cause {
                    said += &format!("{error} {error:?}");
                    cause = error.source();
                }
                let told = record(agent.provider_response_body()).unwrap();
                said += &format!("{told:?} {}", serde_json::to_string(&told).unwrap());
                for form in [KEY, &escaped, &STANDARD.encode(KEY)] {
                    assert!(!said.contains(form), "{status} {place} {key}: {said}");
                }
            }
        }
    }
}

const OCTETS: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/octet-stream\r\nconnection: close\r\n";
const CHUNKS: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n";

/// A server that gives back the path that it is asked for, in pieces, with a pause between them.
async fn repeating(pieces: fn(&str) -> Vec<String>) -> SocketAddr {
    serving(move |mut client| async move {
        let (head, _) = request_of(&mut client).await.unwrap();
        for piece in pieces(head.split(' ').nth(1).unwrap()) {
            client.write_all(piece.as_bytes()).await.unwrap();
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    })
    .await
}

/// A component has a server repeat a guess. If the host held back what may be the start of the key, and nothing else, each letter
/// could be guessed by itself.
#[tokio::test]
async fn how_an_answer_comes_tells_nothing_of_the_key() {
    let engine = Engine::new(Limits { call: Duration::from_secs(60), ..tight() }).unwrap();
    let plugin = load(&engine, hostile()).await.unwrap();
    let encoded = STANDARD.encode(KEY);
    type Pieces = fn(&str) -> Vec<String>;
    for (name, pieces) in [
        ("whole", (|path| vec![format!("{OCTETS}content-length: {}\r\n\r\n{path}", path.len())]) as Pieces),
        ("in a chunk", |path| vec![format!("{CHUNKS}{:x}\r\n{path}\r\n", path.len()), "0\r\n\r\n".into()]),
        ("and on", |path| vec![format!("{CHUNKS}{:x}\r\n{path}\r\n", path.len()), "4\r\nmore\r\n0\r\n\r\n".into()]),
        ("and a line on", |path| {
            vec![format!("{CHUNKS}{:x}\r\n{path}\r\n", path.len()), "4\r\n\nmor\r\n0\r\n\r\n".into()]
        }),
        ("in a line of its own", |path| {
            vec![format!("{CHUNKS}{:x}\r\n{path}\n\r\n", path.len() + 1), "4\r\nmore\r\n0\r\n\r\n".into()]
        }),
    ] {
        let server = repeating(pieces).await;
        let provider = Provider::connect(&plugin, at(format!("http://{server}/v1"))).await.unwrap();
        let seen = async |guess: &str| {
            let path = format!("/{}{guess}", "x".repeat(500));
            let asked = request("pieces", &["http", &server.to_string(), &path, "GET", ""]);
            provider.complete(&asked).await.unwrap().text()
        };
        for secret in [KEY, &encoded] {
            for length in [1, 2, secret.len() / 2, secret.len() - 3] {
                let (right, wrong) = (&secret[..length], "q".repeat(length));
                assert_eq!(seen(right).await, seen(&wrong).await, "{name}: {right}");
            }
        }
    }
}

/// The letters of a text, each apart.
fn spelled(text: &str) -> String {
    text.chars().flat_map(|letter| [letter, ' ']).collect()
}

/// Not what it tells its caller, which is masked, but what it is told: spelled, so that no mask finds it there.
#[tokio::test]
async fn what_no_mask_reads_is_told_to_no_component() {
    let host = Host::new().await;
    let encoded = STANDARD.encode(format!(":{KEY}"));
    for head in [
        format!("200 OK\r\ncontent-encoding: {KEY}"),
        format!("200 OK\r\ncontent-encoding: gzip, {KEY}"),
        format!("200 OK\r\ncontent-encoding: {encoded}"),
        format!("200 OK\r\ntransfer-encoding: {KEY}"),
        format!("200 OK\r\ntransfer-encoding: {KEY}, chunked"),
        format!("200 {KEY}"),
        format!("200 OK\r\n{}: 1", KEY.to_uppercase()),
        format!("200 OK\r\nx-{KEY}-x: {KEY}"),
        format!("200 OK\r\nlocation: http://{KEY}.example/{KEY}"),
        format!("{KEY} OK"),
        format!("103 Early\r\nlink: {KEY}\r\n\r\nHTTP/1.1 200 OK"),
    ] {
        let server = answering(whole(&format!("HTTP/1.1 {head}\r\n"), "x")).await;
        let provider = Provider::connect(&host.plugin, at(format!("http://{server}/v1"))).await.unwrap();
        let asked = request("spell", &["http", &server.to_string(), "/v1/x", "GET", ""]);
        let seen = provider.complete(&asked).await.unwrap().text();
        for secret in [KEY, encoded.trim_end_matches('=')] {
            assert!(!seen.to_lowercase().contains(&spelled(secret).to_lowercase()), "{head}: {seen}");
        }
        assert!(seen.len() > 20, "{head}: it sees something: {seen}");
    }
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    for body in [
        format!("1;{KEY}\r\nx\r\n0\r\n\r\n"),
        format!("1\r\nx\r\n0\r\nx-t: {KEY}\r\n{KEY}: x\r\n\r\n"),
        format!("{KEY}\r\n"),
    ] {
        let server = answering(format!("{chunked}{body}")).await;
        let provider = Provider::connect(&host.plugin, at(format!("http://{server}/v1"))).await.unwrap();
        let asked = request("spell", &["http", &server.to_string(), "/v1/x", "GET", ""]);
        let seen = provider.complete(&asked).await.unwrap().text();
        assert!(!seen.contains(&spelled(KEY)), "{body}: {seen}");
    }
    host.serves().await;
}

/// A connection's end over HTTP/2 may come with a text for debugging.
fn farewell(text: &str) -> Vec<u8> {
    frame::frame(7, 0, 0, &[&[0; 4][..], &frame::INTERNAL_ERROR.to_be_bytes(), text.as_bytes()].concat())
}

/// Where a server of HTTP/2 can say something, beside a body.
const SAYING: &[Http2] = &[
    ("a farewell", |_| vec![bytes(farewell(KEY)), Step::Close]),
    ("a farewell in the middle", |stream| {
        vec![
            bytes([frame::head(stream, "application/json", &[]), frame::data(stream, b"{"), farewell(KEY)].concat()),
            Step::Close,
        ]
    }),
    ("a header", |stream| {
        vec![bytes([frame::head(stream, "application/json", &[("x-said", KEY)]), frame::last(stream, b"{}")].concat())]
    }),
    ("a header's name", |stream| {
        vec![bytes([frame::head(stream, "application/json", &[(KEY, "x")]), frame::last(stream, b"{}")].concat())]
    }),
    ("a coding", |stream| {
        vec![bytes(frame::head(stream, "application/json", &[("content-encoding", KEY)])), Step::Stall]
    }),
    ("a trailer", |stream| {
        let (head, mut trailers) =
            (frame::head(stream, "application/json", &[]), frame::head(stream, KEY, &[("x-said", KEY)]));
        trailers[4] |= 1;
        trailers.remove(9);
        let length = u32::try_from(trailers.len() - 9).unwrap().to_be_bytes();
        trailers[..3].copy_from_slice(&length[1..]);
        vec![bytes([head, frame::data(stream, b"{}"), trailers].concat())]
    }),
    ("a ping", |stream| vec![bytes(frame::frame(6, 0, 0, &KEY.as_bytes()[..8])), bytes(answer(stream))]),
    ("a frame that nobody knows", |stream| {
        vec![bytes(frame::frame(0xfe, 0, 0, KEY.as_bytes())), bytes(answer(stream))]
    }),
];

#[tokio::test]
async fn what_a_server_of_http2_says_beside_a_body_is_told_to_no_component() {
    let engine = Engine::new(Limits { call: Duration::from_secs(20), ..tight() }).unwrap();
    let plugin = load(&engine, hostile()).await.unwrap();
    for (name, script) in SAYING {
        let authority = Authority::new();
        let server = FaultServer::http2(&authority, |_, stream| script(stream)).await;
        let tls = json!({"models": {"providers": {"hostile": {"request": {"tls": {"ca": authority.pem}}}}}});
        let provider = Provider::connect(&plugin, at(&server.base_url).config(tls)).await.unwrap();
        let place = server.base_url.trim_start_matches("https://").trim_end_matches("/v1");
        let outcome = provider.complete(&request("spell", &["https", place, "/v1/x", "POST", "{}"])).await;
        let seen = outcome.unwrap().text();
        assert!(seen.len() > 20 && !seen.contains(&spelled(KEY)), "{name}: {seen}");
    }
}

/// However much is logged.
#[test]
fn what_a_server_of_http2_says_is_in_no_log() {
    for (name, script) in SAYING {
        let authority = Authority::new();
        let server = start(FaultServer::http2(&authority, |_, stream| script(stream)));
        let cli = Cli::before(&server.base_url);
        let file = cli.folder.path().join("authority.pem");
        fs::write(&file, &authority.pem).unwrap();
        let cli = cli.env("SSL_CERT_FILE", file.display().to_string());
        for (level, flag) in [
            ("error", "-v"),
            ("error", "-vv"),
            ("trace", "--no-stream"),
            ("h2::proto=trace", "--no-stream"),
            ("error,h2=trace,h2::proto::connection=debug", "--no-stream"),
        ] {
            let said = cli.run_with("HOST_HARNESS_LOG", level, &["chat", "hello", "--timeout", "20", flag]).said();
            assert!(!said.contains(KEY), "{name}, {level} {flag}: {said}");
            assert!(level != "trace" || said.contains("TRACE"), "{name}: {said}");
        }
    }
}

/// A proxy's password is in no log, whatever the proxy answers.
#[test]
fn a_proxys_password_is_in_no_log() {
    let password = "hunter22-of-the-proxy";
    let encoded = STANDARD.encode(format!("user:{password}"));
    for head in [
        "200 OK".to_owned(),
        "103 Early\r\nlink: x\r\n\r\nHTTP/1.1 200 OK".to_owned(),
        "200 OK\r\ncontent-length: 5".to_owned(),
        "200 OK\r\ntransfer-encoding: chunked".to_owned(),
        format!("407 {password}\r\nproxy-authenticate: Basic realm=\"{encoded}\""),
        format!("500 {encoded}\r\nx-said: {password}"),
        format!("301 x\r\nlocation: http://user:{password}@127.0.0.1:1/"),
        password.to_string(),
    ] {
        let proxy = start(FaultServer::http1(move |_| vec![bytes(format!("HTTP/1.1 {head}\r\n\r\n")), Step::Close]));
        let place = proxy.base_url.trim_start_matches("http://").trim_end_matches("/v1").to_owned();
        for scheme in ["http", "socks5h"] {
            let cli = Cli::before("http://gateway.test/v1");
            let cli =
                cli.env("HTTP_PROXY", format!("{scheme}://user:{password}@{place}")).env("HOST_HARNESS_LOG", "trace");
            let ran = cli.run(&["chat", "hello", "--timeout", "5"]);
            assert_ne!(ran.code, 0, "{ran:?}");
            for secret in [password, &encoded, KEY] {
                assert!(!ran.said().contains(secret), "{scheme}: {ran:?}");
            }
        }
    }
}
