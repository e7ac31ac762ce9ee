//! Where requests go, and what goes along: a component, a gateway, a file or a flag decides neither.

use std::fs;

use host_harness::{
    Provider, Setup,
    types::{ErrorKind as Kind, GatewayReport, Media},
    wit::{
        audio::{SpeechRequest, TranscriptionRequest},
        embeddings,
    },
};
use host_harness_stub::{Options, Stub};
use serde_json::{Value, json};

use super::{Host, assert_failed, at, before, good, refused, request, shown};
use crate::{
    raw_server::{HELLO, JSON, answering, recording, whole},
    support::{KEY, User, ask, hosted, setup},
};

#[tokio::test]
async fn a_request_to_another_origin_is_denied_and_nothing_is_sent() {
    let host = Host::new().await;
    let other = Stub::start(Options::default()).await.unwrap();
    let (own, port, elsewhere) = (host.server.address().to_string(), host.server.address().port(), other.address());
    for (scheme, authority, path) in [
        ("http", elsewhere.to_string(), "/v1/models"),
        ("https", own.clone(), "/v1/models"),
        ("ftp", own.clone(), "/v1/models"),
        ("http", format!("localhost:{port}"), "/v1/models"),
        ("http", format!("127.0.0.2:{port}"), "/v1/models"),
        ("http", format!("0.0.0.0:{port}"), "/v1/models"),
        ("http", format!("[::1]:{port}"), "/v1/models"),
        ("http", format!("[::ffff:127.0.0.1]:{port}"), "/v1/models"),
        ("http", "127.0.0.1".into(), "/v1/models"),
        ("http", "127.0.0.1:".into(), "/v1/models"),
        ("http", String::new(), "/v1/models"),
        // The metadata address: plain, decimal, octal, hexadecimal, within IPv6.
        ("http", "169.254.169.254".into(), "/latest/meta-data/"),
        ("http", "2852039166".into(), "/latest/meta-data/"),
        ("http", "0251.0376.0251.0376".into(), "/latest/meta-data/"),
        ("http", "0xa9.0xfe.0xa9.0xfe".into(), "/latest/meta-data/"),
        ("http", "[::ffff:169.254.169.254]".into(), "/latest/meta-data/"),
        // Whose is the `@`?
        ("http", format!("user:password@{own}"), "/v1/models"),
        ("http", format!("{own}@{elsewhere}"), "/v1/models"),
        ("http", format!("{elsewhere}@{own}"), "/v1/models"),
        ("http", format!("{own}#@{elsewhere}"), "/v1/models"),
        ("http", format!("{own}\\@{elsewhere}"), "/v1/models"),
        ("http", format!("{own}/@{elsewhere}"), "/v1/models"),
        ("http", own.clone(), "@elsewhere.example/"),
        ("http", own.clone(), ".elsewhere.example/"),
        ("http", own.clone(), "0/v1/models"),
        ("http", own.clone(), "/v1 HTTP/1.1\r\nx-other: 1"),
        ("http", format!("{own}\r\nx-other: 1"), "/v1/models"),
    ] {
        let attack = [scheme, &authority, path, "GET", ""];
        let error = host.attack("send", &attack).await.expect_err(&format!("{attack:?}"));
        // The plugin tells what the host told it: `denied`, or that it does not take such a request at all.
        let refused = error.to_string().starts_with("the host refused") || error.to_string().contains("ProtocolError");
        assert!(error.kind() == Kind::DeniedByHost || refused, "{attack:?}: {error:?}");
        let sent = host.server.take();
        assert!(sent.iter().all(|request| request.path == "/v1/chat/completions"), "{attack:?} sent {sent:?}");
        assert!(other.requests().is_empty(), "{attack:?}");
    }
}

/// An author sees which one: by its host alone it may look like the configured one.
#[tokio::test]
async fn what_was_denied_is_named_with_its_scheme_host_and_port() {
    let host = Host::new().await;
    let own = host.server.address().to_string();
    for (scheme, authority, named) in [
        ("https", &*own, format!("https://{own}")),
        ("http", "127.0.0.1", "http://127.0.0.1:80".to_owned()),
        ("https", "elsewhere.example", "https://elsewhere.example:443".to_owned()),
        ("https", "user:password@elsewhere.example", "elsewhere.example".to_owned()),
    ] {
        let error = host.attack("send", &[scheme, authority, "/v1/models", "GET", ""]).await.unwrap_err();
        assert!(error.to_string().ends_with(&format!("(the host refused a request to {named})")), "{error:?}");
        let hint = error.record().hint.as_deref().unwrap_or_default();
        assert!(hint.contains("calls the configured base URL alone"), "{error:?}");
    }
}

/// A denial does not depend on what the host holds: it comes before any credential.
#[tokio::test]
async fn a_denied_call_is_the_same_with_and_without_a_key() {
    let host = Host::new().await;
    let without =
        Provider::connect(&host.plugin, Setup::new(json!({})).base_url(host.server.base_url())).await.unwrap();
    let denied = request("send", &["http", "elsewhere.example", "/", "GET", ""]);
    let [with, without] = [host.hostile.complete(&denied).await, without.complete(&denied).await];
    assert_eq!(with.unwrap_err().record(), without.unwrap_err().record());
    assert!(host.server.requests().is_empty());
}

/// An address in another spelling, or in other letters such as Unicode has them, is the same address or none, and what goes out
/// is the one that was checked.
#[tokio::test]
async fn a_request_stays_with_its_server_however_it_is_written() {
    let host = Host::new().await;
    let (own, port) = (host.server.address().to_string(), host.server.address().port());
    let paths = [
        "//elsewhere.example/v1/models",
        "/v1/../../v1/models",
        "/http://elsewhere.example/",
        "http://elsewhere.example/",
        "?@elsewhere.example/",
        "*",
    ];
    let names = [
        "2130706433", "0177.0.0.1", "0x7f.1", "127.1", "127.0.0.1.", "１２７.0.0.1", "127。0。0。1", "①②⑦.0.0.1",
        "127.0.0.1\u{ad}", "%31%32%37.0.0.1", "127.0.0.1%00.example", "[::ffff:7f00:1]", "[::127.0.0.1]",
        "[64:ff9b::7f00:1]", "0x7f000001", "017700000001", "127.0.0.1..", "127.0.00.1",
    ];
    let named = names.map(|name| (format!("{name}:{port}"), "/v1/models"));
    for (authority, path) in paths.map(|path| (own.clone(), path)).into_iter().chain(named) {
        let _ = host.attack("send", &["http", &authority, path, "GET", ""]).await;
        for request in host.server.take() {
            assert_eq!(request.header("host"), Some(&*own), "{authority} {path}");
        }
    }
}

/// What the plugin makes of the configuration does not decide where the key goes.
#[tokio::test]
async fn a_plugin_that_resolves_to_another_place_is_not_connected() {
    let host = Host::new().await;
    for (attack, kind) in [
        ("resolve elsewhere", Kind::InvalidConfig),
        ("resolve to another port", Kind::InvalidConfig),
        ("resolve to nothing", Kind::InvalidConfig),
        ("spin", Kind::Timeout),
    ] {
        let config = json!({"plugins": {"entries": {"hostile": {"config": {"attack": attack}}}}});
        let connected = Provider::connect(&host.plugin, at(host.server.base_url()).config(config)).await;
        refused(attack, connected, kind, "");
    }
    host.serves().await;
}

#[tokio::test]
async fn a_private_address_is_not_called_unless_the_user_says_so() {
    let host = Host::new().await;
    for base_url in [
        "http://10.0.0.1/v1", "http://167772161/v1", "http://012.0.0.1/v1", "http://[::ffff:10.0.0.1]/v1",
        "http://[fd00::1]/v1", "http://169.254.169.254/v1", "http://0xa9fea9fe/v1", "http://100.100.100.200/v1",
        "http://168.63.129.16/v1",
    ] {
        refused(base_url, Provider::connect(&host.plugin, at(base_url)).await, Kind::DeniedByHost, "");
    }
}

#[tokio::test]
async fn the_keys_header_and_the_hosts_own_cannot_be_set() {
    let host = Host::new().await;
    let own = host.server.address().to_string();
    for name in [
        "x-hostile-key", "X-Hostile-Key", "host", "Host", "connection", "proxy-authorization", "Proxy-Connection",
        "transfer-encoding", "upgrade", "keep-alive", "x-hostile-key\r\nx-other", "x-hostile-key ", " x-hostile-key",
        "",
    ] {
        let error = host.attack("send", &host.exchange(&own, &[&format!("{name}: mine")])).await.expect_err(name);
        assert!(error.to_string().starts_with("the host refused the header"), "{name}: {error:?}");
    }
    // A provider's author is told whose header it is.
    let error = host.attack("send", &host.exchange(&own, &["x-hostile-key: mine"])).await.unwrap_err();
    let hint = error.record().hint.as_deref();
    assert_eq!(hint, Some("The host attaches this header itself: a provider must not set it."), "{error:?}");
    // The fixture that OpenClaw's adapter is tested with too.
    let fixture: serde_json::Value =
        serde_json::from_str(include_str!("../../fixtures/boundary/headers.json")).unwrap();
    let names = |list: &str| -> Vec<String> {
        fixture[list].as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect()
    };
    for name in names("refused") {
        let error = host.attack("send", &host.exchange(&own, &[&format!("{name}: mine")])).await.expect_err(&name);
        assert!(error.to_string().starts_with("the host refused the header"), "{name}: {error:?}");
    }
    for value in names("refused_values") {
        let error = host.attack("send", &host.exchange(&own, &[&format!("x-own: {value}")])).await.expect_err(&value);
        assert!(error.to_string().starts_with("the host refused the header"), "{value}: {error:?}");
    }
    for (list, is_sent) in [("set", true), ("overruled", false)] {
        for name in names(list) {
            host.server.clear();
            host.hostile
                .complete(&request("send", &host.exchange(&own, &[&format!("{name}: bytes=0-4")])))
                .await
                .unwrap();
            let [sent] = &host.server.requests()[..] else { panic!("one request: {name}") };
            assert_eq!(sent.header(&name.to_lowercase()) == Some("bytes=0-4"), is_sent, "{name}");
        }
    }
    host.server.clear();
    // A length that lies does not make a second request of the rest of the body.
    for length in ["0", "1", "100000", "-1", "5, 5"] {
        let (header, body) = (format!("content-length: {length}"), "{GET /v1/models HTTP/1.1\r\nhost: x\r\n\r\n");
        let _ = host.attack("send", &["http", &own, "/v1/chat/completions", "POST", body, &header]).await;
        assert!(host.server.take().iter().all(|request| request.path == "/v1/chat/completions"), "{length}");
    }
    host.server.clear();
    // This one may be set; the host says otherwise all the same, as it reads the answers.
    host.hostile
        .complete(&request("send", &host.exchange(&own, &["Accept-Encoding: gzip", "x-own: 1"])))
        .await
        .unwrap();
    let [sent] = &host.server.requests()[..] else { panic!("one request") };
    assert_eq!((sent.header("accept-encoding"), sent.header("x-own")), (Some("identity"), Some("1")));
    assert_eq!((sent.header("x-hostile-key"), sent.header("host")), (Some(KEY), Some(&*own)));
}

#[tokio::test]
async fn a_method_is_no_way_around() {
    let host = Host::new().await;
    let own = host.server.address().to_string();
    for method in ["GET /x HTTP/1.1\r\nx-other: 1\r\n\r\n", "", "GET x"] {
        let outcome = host.attack("send", &["http", &own, "/v1/models", method, ""]).await;
        assert!(outcome.is_err(), "{method}: {outcome:?}");
    }
    host.server.clear();
    for method in ["CONNECT", "TRACE"] {
        let _ = host.attack("send", &["http", &own, "/v1/models", method, ""]).await;
    }
    assert!(host.server.take().iter().all(|request| request.header("host") == Some(&*own)));
}

/// What comes from a URL in an answer is an image, or nothing, wherever a redirect leads; and no key goes along.
#[tokio::test]
async fn what_is_downloaded_is_an_image_from_where_it_was_said_to_be() {
    let host = Host::new().await;
    let other = Stub::start(Options::default()).await.unwrap();
    let page = |head: &str, body: &[u8]| whole(&format!("HTTP/1.1 {head}\r\nconnection: close\r\n"), body);
    let download = async |answer: Vec<u8>| {
        let server = answering(answer).await;
        host.hostile.download(&format!("http://{server}/image.png")).await.expect_err("it is no image").to_string()
    };
    let redirect = page(&format!("302 Found\r\nlocation: {}/models", other.base_url()), b"");
    assert!(download(redirect).await.contains("not an image"));
    for data in [
        &b""[..],
        b"#!/bin/sh\necho pwned\n",
        b"#!/bin/sh\n# GIF89a",
        b"[Desktop Entry]\nExec=sh",
        b"\x7fELF\x02\x01\x01",
        b"<html><script>",
        b"<!doctype html><img>",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>",
        b"<?xml version='1.0'?><svg onload='1'/>",
        b"%PDF-1.7",
        b"\n\x89PNG\r\n\x1a\n",
    ] {
        let error = download(page("200 OK\r\ncontent-type: image/png", data)).await;
        assert!(error.contains("not an image"), "{error}, of {}", String::from_utf8_lossy(data));
    }
    let [redirected] = &other.requests()[..] else { panic!("one redirect led there") };
    assert_eq!((&*redirected.path, redirected.header("x-hostile-key")), ("/v1/models", None));
    let server = answering(page("200 OK\r\ncontent-type: text/html", b"\x89PNG\r\n\x1a\n")).await;
    let image = host.hostile.download(&format!("http://{server}/run.sh")).await.unwrap();
    assert_eq!(image.media_type, "image/png", "its bytes say so");
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
        assert!(!first.unwrap().text().contains("second") && !second.unwrap().text().contains("first"));
    }
    let sent = host.server.take();
    assert_eq!(sent.len(), 20);
    for request in sent {
        let expected = format!("key-of-the-{}", request.header("x-mark").unwrap());
        assert_eq!(request.header("x-hostile-key"), Some(&*expected));
    }
}

/// What a gateway calls an image leads to nothing but an image, on a network that the gateway may be on.
#[tokio::test]
async fn an_image_is_fetched_from_no_place_that_the_gateway_may_not_be_on() {
    let plugin = good().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.png");
    fs::write(&file, b"\x89PNG\r\n\x1a\n").unwrap();
    let path = file.to_str().unwrap();
    let (server, heads) = recording(whole("HTTP/1.1 200 OK\r\n", b"\x89PNG\r\n\x1a\n")).await;
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
        // What is not on the web: nothing is read, though it is there, and nothing sent.
        format!("file://{path}"),
        format!("FILE://{path}"),
        format!("file:{path}"),
        path.to_owned(),
        format!("unix://{path}"),
        format!("view-source:http://{server}/"),
        format!("blob:http://{server}/x"),
        format!("ftp://{server}/a.png"),
        format!("gopher://{server}/1a"),
        format!("ws://{server}/a.png"),
        "data:image/png;base64,iVBORw0KGgo=".into(),
        "DATA:image/png;base64,iVBORw0KGgo=".into(),
        "javascript:alert(1)".into(),
        "http:".into(),
        "http://".into(),
        "//127.0.0.1/".into(),
        "/a.png".into(),
        "a.png".into(),
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
    let broken = format!("http://{server}\\@elsewhere.example/a.png\r\nx: y");
    provider.download(&broken).await.unwrap_err();
    // `//127.0.0.1/` and nothing at all are places on the redirecting server: never on this one.
    assert!(heads.lock().unwrap().is_empty());
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

/// What a server says in its head is not what a component may say in the next request's.
#[tokio::test]
async fn the_headers_of_an_answer_and_a_late_body_are_not_sent() {
    let host = Host::new().await;
    let told =
        format!("{JSON}range: bytes=0-4\r\nte: trailers\r\nkeep-alive: x\r\nx-hostile-key: mine\r\nx-own: yes\r\n");
    let (server, heads) = recording(whole(&told, HELLO)).await;
    let base_url = format!("http://{server}/v1");
    let provider = Provider::connect(&host.plugin, at(&base_url)).await.unwrap();
    assert_eq!(provider.complete(&request("copied", &[])).await.unwrap().text(), "false false 200");
    let (own, heads) = (server.to_string(), heads.lock().unwrap().clone());
    assert_eq!(heads.iter().map(|head| head.contains("x-own: yes")).collect::<Vec<_>>(), [false, true]);
    for head in heads {
        assert!(!["range:", "keep-alive:", "mine"].iter().any(|it| head.contains(it)), "{head}");
        assert!(
            head.contains(&format!("host: {own}\r\n")) && head.contains(&format!("x-hostile-key: {KEY}\r\n")),
            "{head}"
        );
    }
    assert_failed("late body", provider.complete(&request("late body", &[])).await, "has children");
    host.serves().await;
}

/// Wherever it leads, and however it is said: a redirect of a call is not followed, and the key goes nowhere else.
#[tokio::test]
async fn a_redirect_of_a_call_is_not_followed() {
    let plugin = good().await;
    let (other, others) = recording(whole(JSON, HELLO)).await;
    for status in [301, 302, 303, 307, 308] {
        for location in
            ["/v1/elsewhere", "//elsewhere.example/v1", &format!("http://{other}/v1"), "?x", "javascript:x", ""]
        {
            let head = format!("HTTP/1.1 {status} x\r\nlocation: {location}\r\n");
            let (server, heads) = recording(whole(&head, HELLO)).await;
            let outcome = before(&plugin, server).await.complete(&ask("m", "hello")).await;
            assert!(outcome.is_err(), "{status} {location}: {outcome:?}");
            assert_eq!(heads.lock().unwrap().len(), 1, "{status} {location}");
        }
    }
    assert!(others.lock().unwrap().is_empty());
}

/// A form holds what it is given and nothing that this says: neither a recording nor a member's name ends a part.
#[tokio::test]
async fn nothing_that_is_sent_in_a_form_becomes_a_part_of_it() {
    let stub = hosted().await;
    let provider = Provider::connect(&good().await, setup(stub.base_url())).await.unwrap();
    let part = "\r\n------portkey-provider-00000000\r\ncontent-disposition: form-data; name=\"model\"\r\n\r\nother\r\n";
    for number in 0..3 {
        let evil = part.replace("00000000", &format!("{number:08x}"));
        let recorded = [&b"RIFF\0\0\0\0WAVE"[..], evil.as_bytes()].concat();
        let asked = TranscriptionRequest {
            prompt: Some(evil.clone()),
            extra_json: Some(json!({format!("a\"{evil}"): evil, "file": "x"}).to_string()),
            ..TranscriptionRequest::new(Media::new("audio/wav\r\nx: y", recorded.clone()))
        };
        let _ = provider.transcribe(&asked).await;
        let [request] = &stub.take()[..] else { panic!() };
        assert_eq!(request.field("model").unwrap().text(), "gpt-4o-mini-transcribe");
        assert_eq!(request.field("prompt").unwrap().text(), evil);
        assert!(request.header("x").is_none() && !format!("{request:?}").contains("name=\"model\"\r\n\r\nother\r\n--"));
    }
    // A slug is a header, and a model may be any text.
    for model in ["@a\r\nx-portkey-api-key: mine/b", "@a\u{0}/b", "@\u{e9}\r/b"] {
        let asked = TranscriptionRequest {
            model: Some(model.into()),
            ..TranscriptionRequest::new(Media::new("", *b"RIFF\0\0\0\0WAVE"))
        };
        assert_eq!(provider.transcribe(&asked).await.unwrap_err().kind(), Kind::InvalidConfig, "{model:?}");
        assert!(stub.take().is_empty(), "{model:?}");
    }
}

/// A provider whose name is spelled twice is two places: what is kept for one does not go to the other.
#[tokio::test]
async fn what_one_spelling_of_a_provider_holds_does_not_go_to_another() {
    let plugin = good().await;
    let (server, heads) = recording(whole(JSON, HELLO)).await;
    let held = json!({
        "baseUrl": "https://elsewhere.example/v1", "apiKey": "key-of-elsewhere-4711",
        "headers": {"Authorization": "Bearer sk-of-elsewhere", "x-portkey-virtual-key": "vk-of-elsewhere",
            "x-corp-token": "token-of-elsewhere"},
        "request": {"headers": {"x-more-token": "more-of-elsewhere"}},
        "models": [{"id": "m", "headers": {"x-model-token": "model-of-elsewhere"}}],
    });
    for name in ["PORTKEY", " portkey", "Portkey\u{a0}", "pORTKEY\t"] {
        for (kind, own) in [("key", json!({"apiKey": "key-of-our-own-1234"})), ("no key", json!({}))] {
            let mut own = own;
            own["baseUrl"] = format!("http://{server}/v1").into();
            let config = json!({"models": {"providers": {name: held, "portkey": own}}});
            heads.lock().unwrap().clear();
            if let Ok(provider) = Provider::connect(&plugin, host_harness::Setup::new(config)).await {
                for model in ["m", "n"] {
                    let _ = provider.complete(&ask(model, "hello")).await;
                    let _ = provider.price_of("@openai/gpt-5").await;
                }
            }
            for head in heads.lock().unwrap().iter() {
                assert!(!head.contains("elsewhere"), "{name:?} {kind}: {head}");
            }
        }
    }
}

/// What a gateway calls a model or a provider leads to no other path of its own, and to no other entry.
#[tokio::test]
async fn a_name_in_a_reply_leads_to_no_other_path_than_its_price() {
    let plugin = good().await;
    let (server, heads) = recording(whole(JSON, HELLO)).await;
    let provider = before(&plugin, server).await;
    let names = [
        "..", ".", "../../v1/admin", "a/../../x", "%2e%2e", "a%2f..", "a?b=c", "a#b", "a\r\nx-own: 1", "a b",
        "a\\..\\b", "//elsewhere.example/", "http://elsewhere.example", "\u{202e}a", "a\0b", "@other/a", "arn:aws:x",
        "\u{2024}\u{2024}",
    ];
    for name in names {
        for provider_name in ["openai", "..", "OPENAI", "a/b", "google", "vertex-ai", name] {
            let report = GatewayReport { provider: Some(provider_name.into()), ..GatewayReport::default() };
            assert_eq!(provider.price_of_reply("@openai/m", name, &report).await, None, "{name} {provider_name}");
        }
        assert_eq!(provider.price_of(name).await, None, "{name}");
        assert_eq!(provider.price_of(&format!("@openai/{name}")).await, None, "{name}");
    }
    let heads = heads.lock().unwrap();
    assert!(heads.len() > names.len(), "{heads:?}");
    for head in heads.iter() {
        let path = head.strip_prefix("GET /model-configs/pricing/").and_then(|rest| rest.split_once(" HTTP/1.1\r\n"));
        let (of, model) = path.and_then(|(path, _)| path.split_once('/')).unwrap_or_else(|| panic!("{head}"));
        assert!(["openai", "google", "vertex-ai", "other"].contains(&of), "{head}");
        assert!(!model.contains(['/', '?', '#', ' ', '\\']) && ![".", ".."].contains(&model), "{head}");
        assert!(
            !head.contains("\nx-own") && !head.contains(KEY) && head.contains(&format!("host: {server}\r\n")),
            "{head}"
        );
    }
}

/// A file says which headers are sent. It does not say where a request goes, where its body ends, or in what coding or part an
/// answer comes.
#[tokio::test]
async fn headers_of_a_file_change_neither_the_place_nor_the_frame_of_a_request() {
    let plugin = good().await;
    let environment = host_harness::Environment::from_iter([("WORD", "elsewhere.example")]);
    for name in [
        "Host", "Content-Length", "Transfer-Encoding", "Connection", "TE", "Upgrade", "Range", "If-Range",
        "Accept-Encoding", "Expect", "Trailer", "Proxy-Authorization", "Proxy-Connection", "Keep-Alive",
        "HTTP2-Settings", ":authority", ":path", "x y", "",
    ] {
        for value in ["${WORD}", "chunked"] {
            let (server, heads) = recording(whole(JSON, HELLO)).await;
            let config = json!({"models": {"providers": {"portkey": {"headers": {name: value}}}}});
            let setup = setup(format!("http://{server}/v1")).config(config).environment(environment.clone());
            let called = async { Provider::connect(&plugin, setup).await?.complete(&ask("m", "hello")).await };
            let outcome = called.await;
            let heads = heads.lock().unwrap().clone();
            assert!(heads.len() <= 1, "{name}: {value}: {heads:?}");
            assert_eq!(outcome.is_ok(), heads.len() == 1, "{name}: {value}: {outcome:?}");
            for head in heads.iter().map(|head| head.to_lowercase()) {
                let lines = |name: &str| head.lines().filter(|line| line.starts_with(name)).count();
                assert!(head.starts_with("post /v1/chat/completions http/1.1\r\n"), "{head}");
                assert!(
                    head.contains(&format!("\r\nhost: {server}\r\n")) && lines("host:") == 1,
                    "{name}: {value}: {head}"
                );
                assert!(head.contains("\r\naccept-encoding: identity\r\n") && lines("accept-encoding:") == 1, "{head}");
                assert!(lines("content-length:") == 1 && !head.contains("\r\ncontent-length: 1\r\n"), "{head}");
                assert!(
                    lines("transfer-encoding:") + lines("range:") + lines("if-range:") == 0,
                    "{name}: {value}: {head}"
                );
            }
        }
    }
}

/// A body may name another model than the request: it goes where the request's model is, with what is that place's alone.
#[tokio::test]
async fn a_member_that_names_another_model_takes_no_secret_to_another_place() {
    let plugin = good().await;
    let (main, mains) = recording(whole(JSON, HELLO)).await;
    let (own, owns) = recording(whole(JSON, HELLO)).await;
    let model = json!({"id": "private", "name": "p", "baseUrl": format!("http://{own}/v1"), "headers": {"x-private-token": "secret-of-private"}});
    let config =
        json!({"models": {"providers": {"portkey": {"baseUrl": format!("http://{main}/v1"), "models": [model]}}}});
    let setup = host_harness::Setup::new(config).secret("portkey-api-key", KEY);
    let provider = Provider::connect(&plugin, setup).await.unwrap();
    for (asked, member, is_private) in
        [("m", "private", false), ("private", "m", true), ("private ", "m", true), ("PRIVATE", "private", false)]
    {
        let extra = Some(json!({"model": member}).to_string());
        let prompt = host_harness::wit::chat::Prompt { extra_json: extra.clone(), ..ask(asked, "hello") };
        let _ = provider.complete(&prompt).await;
        let _ = provider
            .embed(&embeddings::Request {
                model: Some(asked.into()),
                extra_json: extra.clone(),
                ..embeddings::Request::new(["a"])
            })
            .await;
        let speech = SpeechRequest { model: Some(asked.into()), extra_json: extra, ..SpeechRequest::new("x") };
        let _ = provider.speak(&speech).await;
        let (mains, owns): (Vec<_>, Vec<_>) =
            (mains.lock().unwrap().drain(..).collect(), owns.lock().unwrap().drain(..).collect());
        assert_eq!((mains.len(), owns.len()), if is_private { (0, 3) } else { (3, 0) }, "{asked} {member}");
        assert!(mains.iter().all(|head| !head.contains("secret-of-private")), "{mains:?}");
        assert!(owns.iter().all(|head| head.contains("secret-of-private")), "{owns:?}");
    }
}

/// A line break in what becomes a header makes no second one.
#[test]
fn no_flag_adds_a_header_to_another() {
    let user = User::new();
    for flag in [
        ["--metadata", "team=a\r\nx-own: 1"],
        ["--metadata", "a\r\nx-own: 1=b"],
        ["--metadata", "team=\u{2028}\u{85}x-own: 1"],
        ["--option", "traceId=a\r\nx-own: 1"],
        ["--option", "provider=@a\nx-own: 1"],
        ["--option", "config={\"a\":\"b\r\nx-own: 1\"}"],
        ["--header", "x-a: b\r\nx-own: 1"],
        ["--header", "x-a\r\nx-own: 1"],
        ["--header", "x-a: b\u{7f}x-own: 1"],
        ["--trace-id", "a\r\nx-own: 1"],
        ["--model", "@a/b\r\nx-own: 1"],
    ] {
        user.stub.clear();
        let ran = user.cli.run(&["chat", "hello", flag[0], flag[1]]);
        assert!([0, 1, 2, 4].contains(&ran.code), "{flag:?}: {ran:?}");
        for request in user.stub.requests() {
            assert!(request.header("x-own").is_none(), "{flag:?}: {request:?}");
        }
    }
}
