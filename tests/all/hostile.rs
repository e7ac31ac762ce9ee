//! Plugins that attack their host. Each attack fails with an error that a caller can act on, none gets at the key, and
//! the same engine serves other calls during and after it.
//!
//! The attacks are those of `tests/hostile`, a component that does what its request says. Components of other shapes
//! (more imports, another version, a start function) are made here from the WIT.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
    time::Duration,
};

use host_harness::{
    Engine, Error, Limits, Plugin, Provider, Result, Setup,
    types::{ErrorKind as Kind, ErrorOrigin as Origin},
    validate,
    wit::{
        chat::{Event, Prompt},
        onboarding::Choices,
    },
};
use host_harness_stub::{Options, Stub};
use serde_json::json;
use tokio::{io::AsyncWriteExt, net::TcpListener};
use wit_component::{ComponentEncoder, StringEncoding, dummy_module, embed_component_metadata};
use wit_parser::{LiftLowerAbi, ManglingAndAbi, Resolve};

use crate::raw_server::{EVENTS, answering, request_of, serving, whole};
use crate::support::{Cli, KEY, ask, component, hosted, plugin_with, root, setup, text};

/// The hostile component, built from the sources as they are. Not where `make build` puts ours: a command line that is
/// given no plugin would find two.
pub(crate) fn hostile() -> &'static [u8] {
    static HOSTILE: OnceLock<Vec<u8>> = OnceLock::new();
    HOSTILE.get_or_init(|| {
        let status = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "-p", "hostile", "--target", "wasm32-wasip2", "--release"])
            .current_dir(root())
            .status()
            .unwrap();
        assert!(status.success(), "the hostile component does not build");
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
        std::fs::read(target.join("wasm32-wasip2/release/hostile.wasm")).unwrap()
    })
}

/// Limits that end an attack soon, and are wide enough for an honest call on a busy machine.
pub(crate) fn tight() -> Limits {
    Limits {
        memory: 32 << 20,
        call: Duration::from_secs(2),
        stream_idle: Duration::from_secs(2),
        response_body: 1 << 20,
        ..Limits::default()
    }
}

pub(crate) async fn load(engine: &Engine, wasm: &[u8]) -> Result<Plugin> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plugin.wasm");
    std::fs::write(&path, wasm).unwrap();
    Plugin::load(engine, path).await
}

/// One engine with the hostile plugin and an honest one, both before the same server.
pub(crate) struct Host {
    pub(crate) server: Stub,
    pub(crate) plugin: Plugin,
    pub(crate) hostile: Provider,
    pub(crate) honest: Provider,
}

impl Host {
    pub(crate) async fn new() -> Self {
        Self::with(tight()).await
    }

    pub(crate) async fn with(limits: Limits) -> Self {
        let engine = Engine::new(limits).unwrap();
        let server = Stub::start(Options { token_delay: Duration::ZERO, ..Options::default() }).await.unwrap();
        let plugin = load(&engine, hostile()).await.unwrap();
        let hostile = Provider::connect(&plugin, at(server.base_url())).await.unwrap();
        let honest = Plugin::load(&engine, component()).await.unwrap();
        let honest = Provider::connect(&honest, setup(server.base_url())).await.unwrap();
        Self { server, plugin, hostile, honest }
    }

    /// What the attack gave, without the key in any form of it, and with an honest call after it.
    pub(crate) async fn attack(&self, attack: &str, parameters: &[&str]) -> Result<String> {
        let outcome = self.hostile.complete(&request(attack, parameters)).await;
        assert!(!format!("{outcome:?}").contains(KEY), "{attack} {parameters:?} shows the key: {outcome:?}");
        self.serves().await;
        outcome.map(|response| text(&response))
    }

    pub(crate) async fn serves(&self) {
        let answer = self.honest.complete(&ask("gpt", "Reply with exactly OK.")).await.unwrap();
        assert_eq!(text(&answer), "OK.");
    }

    /// The hostile plugin before a listener that reads no request, and answers none.
    async fn silent(&self) -> (TcpListener, Provider) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}/v1", listener.local_addr().unwrap());
        (listener, Provider::connect(&self.plugin, at(base_url)).await.unwrap())
    }

    /// Parameters that send a request to this host's own server.
    pub(crate) fn exchange<'a>(&self, address: &'a str, headers: &[&'a str]) -> Vec<&'a str> {
        [&["http", address, "/v1/chat/completions", "POST", ECHO], headers].concat()
    }
}

/// Makes the stand-in answer with the headers that it got.
const ECHO: &str = r#"{"model":"fault/echo-headers","messages":[{"role":"user","content":"hello"}]}"#;

pub(crate) fn at(base_url: impl Into<String>) -> Setup {
    Setup::new(json!({})).base_url(base_url).secret("hostile-key", KEY)
}

pub(crate) fn request(attack: &str, parameters: &[&str]) -> Prompt {
    Prompt { stop: parameters.iter().map(|&parameter| parameter.to_owned()).collect(), ..ask(attack, "") }
}

/// What a caller sees of an error, all of it.
pub(crate) fn shown(error: &Error) -> String {
    let mut shown = format!("{error} {error:?}");
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        shown.push_str(&error.to_string());
        cause = error.source();
    }
    shown
}

/// The host's own refusal, without the key in it.
pub(crate) fn refused(attack: &str, outcome: Result<impl std::fmt::Debug>, kind: Kind, because: &str) -> Error {
    let error = outcome.expect_err(attack);
    assert_eq!((error.kind(), error.origin()), (kind, Origin::Host), "{attack}: {error:?}");
    assert!(error.to_string().contains(because), "{attack}: {error}");
    assert!(!shown(&error).contains(KEY), "{attack}: {error:?}");
    error
}

/// The host's own report that the plugin failed.
pub(crate) fn assert_failed(attack: &str, outcome: Result<impl std::fmt::Debug>, because: &str) {
    let error = refused(attack, outcome, Kind::Other, because);
    assert!(error.to_string().starts_with("the plugin failed: "), "{attack}: {error}");
}

pub(crate) fn assert_timeout(attack: &str, outcome: Result<impl std::fmt::Debug>) {
    refused(attack, outcome, Kind::Timeout, "");
}

// Where it may call

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

/// An address in another spelling is the same address, and what goes out is the one that was checked.
#[tokio::test]
async fn a_request_stays_with_its_server_however_it_is_written() {
    let host = Host::new().await;
    let own = host.server.address();
    let port = own.port();
    let name = |authority: &str| format!("{authority}:{port}");
    for (authority, path) in [
        (own.to_string(), "//elsewhere.example/v1/models"),
        (own.to_string(), "/v1/../../v1/models"),
        (own.to_string(), "/http://elsewhere.example/"),
        (own.to_string(), "http://elsewhere.example/"),
        (own.to_string(), "?@elsewhere.example/"),
        (own.to_string(), "*"),
        (name("2130706433"), "/v1/models"),
        (name("0177.0.0.1"), "/v1/models"),
        (name("0x7f.1"), "/v1/models"),
        (name("127.1"), "/v1/models"),
        (name("127.0.0.1."), "/v1/models"),
    ] {
        let _ = host.attack("send", &["http", &authority, path, "GET", ""]).await;
        for request in host.server.take() {
            assert_eq!(request.header("host"), Some(&*own.to_string()), "{authority} {path}");
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

/// A call's own limit holds from where the plugin is asked what its options mean.
#[tokio::test]
async fn options_of_a_call_take_no_longer_than_the_call_may() {
    use host_harness::CallOptions;
    let host = Host::new().await;
    let call = || CallOptions::new().time_limit(Duration::from_millis(150));
    for call in [call().option("attack", "spin"), call().header("x-attack", "a").option("attack", "spin")] {
        refused("it spins", host.hostile.with(call).await, Kind::Timeout, "took longer than 0.15 s");
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

// What it may send

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
    let fixture: serde_json::Value = serde_json::from_str(include_str!("../fixtures/boundary/headers.json")).unwrap();
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

// Whether it sees the key

/// As the password of a user.
fn basic(key: &str) -> String {
    use base64::{Engine, prelude::BASE64_STANDARD};
    format!("Basic {}", BASE64_STANDARD.encode(format!("user:{key}")))
}

/// A server that answers with what it was sent, wherever an answer can hold it.
async fn echo() -> SocketAddr {
    serving(async |mut client| {
        let Some((head, _)) = request_of(&mut client).await else { return };
        let key = head.lines().find_map(|line| line.strip_prefix("x-hostile-key: ")).unwrap();
        let (first, second) = key.split_at(key.len() / 2);
        let answer = format!(
            "HTTP/1.1 103 {key}\r\nlink: {key}\r\n\r\n\
             HTTP/1.1 200 {key}\r\nx-echo: a{key}b\r\nset-cookie: {key}\r\nset-cookie: {key}{key}\r\n\
             x-{key}: name\r\nauthorization: {}\r\ntransfer-encoding: chunked\r\ntrailer: x-trailer\r\n\r\n\
             7\r\nechoed \r\n{:x}\r\n{first}\r\n",
            basic(key),
            first.len()
        );
        client.write_all(answer.as_bytes()).await.unwrap();
        client.flush().await.unwrap();
        tokio::time::sleep(Duration::from_millis(20)).await;
        let rest = format!("{:x}\r\n{second}\r\n0\r\nx-trailer: {key}\r\n\r\n", second.len());
        let _ = client.write_all(rest.as_bytes()).await;
    })
    .await
}

#[tokio::test]
async fn an_answer_that_repeats_the_key_is_masked_wherever_it_stands() {
    let host = Host::new().await;
    let address = echo().await;
    let hostile = Provider::connect(&host.plugin, at(format!("http://{address}/v1"))).await.unwrap();
    let parameters = host.exchange(&address.to_string(), &[]).into_iter().map(str::to_owned).collect();
    let seen = hostile.complete(&Prompt { stop: parameters, ..ask("send", "") }).await.unwrap();
    let seen = text(&seen);
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

// How much it may use

#[tokio::test]
async fn a_call_that_computes_or_waits_forever_ends_and_holds_up_no_other() {
    let host = Host::new().await;
    let (listener, silent) = host.silent().await;
    let authority = listener.local_addr().unwrap().to_string();
    for (provider, attack, parameters) in [
        (&host.hostile, "spin", vec![]),
        (&silent, "send", host.exchange(&authority, &[])),
        (&silent, "endless body", vec![]),
    ] {
        let request = request(attack, &parameters);
        let mut attacking = std::pin::pin!(provider.complete(&request));
        // One thread for both, and the honest call is answered while the other still runs.
        tokio::select! {
            biased;
            outcome = &mut attacking => panic!("{attack} ended first: {outcome:?}"),
            () = host.serves() => {}
        }
        assert_timeout(attack, attacking.await);
        host.serves().await;
    }
}

#[tokio::test]
async fn a_call_that_uses_too_much_or_traps_fails_alone() {
    let host = Host::new().await;
    for (attack, parameter, because) in [
        ("trap", "", "unreachable"),
        ("recurse", "", "out of bounds"),
        ("allocate", "4294967295", ""),
        ("allocate", "67108864", "more memory"),
        ("large", "67108864", "more memory"),
        ("aliased", "1024", "fuel allocated for hostcalls"),
        ("fields", "1000000", "table"),
        ("orphan", "", "children"),
    ] {
        assert_failed(attack, host.attack(attack, &[parameter]).await, because);
    }
    // The same, within the limits.
    for (attack, parameter) in [("allocate", "1048576"), ("large", "1048576"), ("aliased", "1"), ("fields", "10")] {
        host.attack(attack, &[parameter]).await.expect(attack);
    }
    assert_failed("lists", host.hostile.models().await, "fuel allocated for hostcalls");
    assert_failed("lists", host.plugin.lint(&json!({})).await, "fuel allocated for hostcalls");
    host.serves().await;
}

#[tokio::test]
async fn no_more_requests_are_open_at_once_than_the_limit_says() {
    let host = Host::new().await;
    let (_listener, silent) = host.silent().await;
    let told = text(&silent.complete(&request("many", &["100", "8"])).await.unwrap());
    assert_eq!(told, "8 open, 92 refused");
    assert_failed("many", silent.complete(&request("many", &["10000", "8"])).await, "table");
    host.serves().await;
}

#[tokio::test]
async fn a_stream_that_turns_bad_ends_in_an_error() {
    let host = Host::new().await;
    assert_failed("trap at once", host.hostile.stream(&ask("trap at once", "")).await, "unreachable");
    let (_listener, silent) = host.silent().await;
    for attack in ["trap midway", "aliased midway", "spin midway", "wait midway"] {
        let mut reply = silent.stream(&ask(attack, "")).await.unwrap();
        assert_eq!(reply.next().await.unwrap(), Some(vec![Event::Text("and on".into())]), "{attack}");
        let outcome = reply.next().await;
        match attack {
            "trap midway" => assert_failed(attack, outcome, "unreachable"),
            "aliased midway" => assert_failed(attack, outcome, "fuel allocated for hostcalls"),
            _ => assert_timeout(attack, outcome),
        }
        assert_eq!(reply.next().await.unwrap(), None, "after {attack} there is nothing more to come");
        host.serves().await;
    }
}

/// The plugin's own code does not run when a reply is dropped: it could take its time.
#[tokio::test]
async fn a_stream_without_end_is_dropped_without_waiting() {
    let host = Host::new().await;
    let mut reply = host.hostile.stream(&ask("on and on", "")).await.unwrap();
    for _ in 0..1000 {
        assert!(reply.next().await.unwrap().is_some());
    }
    drop(reply);
    host.serves().await;
}

/// Neither its idle time nor its size would end it in a lifetime.
#[tokio::test]
async fn a_stream_that_goes_on_for_ever_is_ended() {
    let stream = Duration::from_millis(500);
    let engine = Engine::new(Limits { stream, ..tight() }).unwrap();
    // A server that always has one more word.
    let server = serving(async |mut client| {
        client.write_all(EVENTS.as_bytes()).await.unwrap();
        let word = json!({"id": "1", "model": "m", "choices": [{"index": 0, "delta": {"content": "on "}}]});
        while client.write_all(format!("data: {word}\n\n").as_bytes()).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    let base_url = format!("http://{}/v1", server.await);
    let hostile = Provider::connect(&load(&engine, hostile()).await.unwrap(), at(&base_url)).await.unwrap();
    let honest = Plugin::load(&engine, component()).await.unwrap();
    let honest = Provider::connect(&honest, setup(&base_url)).await.unwrap();
    // A plugin that invents events is as bad: it does not even wait.
    for (name, provider) in [("server", honest), ("on and on", hostile)] {
        let mut reply = provider.stream(&ask(name, "")).await.unwrap();
        let mut batches = 0;
        let error = loop {
            match reply.next().await {
                Ok(Some(_)) => batches += 1,
                Ok(None) => panic!("{name} ended by itself"),
                Err(error) => break error,
            }
        };
        assert!(batches > 1, "{name}");
        refused(name, Err::<(), _>(error), Kind::Timeout, "as a whole");
        assert_eq!(reply.next().await.unwrap(), None, "{name}");
    }
}

// What it says of itself

/// The hostile component, with `describe` doing this.
pub(crate) fn describing(how: &str) -> Vec<u8> {
    let mut wasm = hostile().to_vec();
    let start = wasm.windows(9).position(|found| found == b"describe:").unwrap();
    wasm[start..start + 32].copy_from_slice(format!("{:32}", format!("describe:{how}")).as_bytes());
    wasm
}

/// Whoever checks a component of their own hears so soon, and may wait longer or less long.
#[test]
fn a_component_that_hangs_is_found_out_by_those_who_look_at_it() {
    let cli = Cli::new();
    std::fs::write(cli.folder.path().join("spin.wasm"), describing("spin")).unwrap();
    let found = cli.run(&["validate", "spin.wasm", "--timeout", "1"]);
    assert_eq!(found.code, 1, "{found:?}");
    assert!(found.out.contains("it does not load: the call took longer than 1 s"), "{found:?}");
    let checked = cli.run(&["check", "spin.wasm", "--timeout", "1"]);
    assert_eq!(checked.code, 6, "{checked:?}");
    assert!(checked.err.contains("the call took longer than 1 s"), "{checked:?}");
    for command in ["validate", "check"] {
        let help = cli.run(&[command, "--help"]).ok();
        assert!(help.out.contains("[default: 10]"), "{help:?}");
    }
}

#[tokio::test]
async fn a_plugin_that_says_nonsense_of_itself_is_not_loaded() {
    let engine = Engine::new(tight()).unwrap();
    for (how, kind, because) in [
        ("id with a path", Kind::InvalidConfig, "lower-case letters"),
        ("empty id", Kind::InvalidConfig, "lower-case letters"),
        ("long id", Kind::InvalidConfig, "lower-case letters"),
        ("base url", Kind::InvalidConfig, "default base URL"),
        ("service", Kind::InvalidConfig, "one of its services"),
        ("no header", Kind::InvalidConfig, "header"),
        ("host", Kind::InvalidConfig, "header"),
        ("transfer-encoding", Kind::InvalidConfig, "header"),
        ("content-length", Kind::InvalidConfig, "header"),
        ("same header", Kind::InvalidConfig, "header"),
        ("prefix", Kind::InvalidConfig, "header"),
        ("many", Kind::InvalidConfig, "credentials"),
        ("flag", Kind::InvalidConfig, "a flag that can be none"),
        ("variable", Kind::InvalidConfig, "a variable that can be none"),
        ("label", Kind::InvalidConfig, "control characters"),
        ("aliased", Kind::Other, "fuel allocated for hostcalls"),
        ("trap", Kind::Other, "unreachable"),
        ("spin", Kind::Timeout, "took longer"),
    ] {
        let error = refused(how, load(&engine, &describing(how)).await, kind, because);
        assert!(error.to_string().len() < 500, "{how}: the error is short enough to read");
    }
    load(&engine, &describing("as it should be")).await.unwrap();
}

// What it makes of the configuration

#[tokio::test]
async fn a_merge_that_reaches_beyond_the_plugins_part_is_refused() {
    let host = Host::new().await;
    let config = |attack: &str| {
        json!({
            "gateway": {"token": "users-own"},
            "env": {"OTHER_SECRET": "s"},
            "models": {"providers": {"hostile": {
                "attack": attack,
                "baseUrl": "https://chosen.example/v1",
                "apiKey": KEY,
            }}},
        })
    };
    let none = || Choices { base_url: None, model: None, api_key_reference: None };
    let merge = async |attack: &str, choices: Choices| host.plugin.apply_config(&config(attack), &choices).await;
    for (attack, kind, because) in [
        ("write elsewhere", Kind::InvalidConfig, "outside its part"),
        ("other provider", Kind::InvalidConfig, "outside its part"),
        ("nested deep", Kind::InvalidConfig, "not JSON"),
        ("nested large", Kind::InvalidConfig, "larger"),
        ("not json", Kind::InvalidConfig, "not JSON"),
        ("call elsewhere", Kind::InvalidConfig, "baseUrl"),
        ("open the network", Kind::InvalidConfig, "request"),
        ("refer to a secret", Kind::InvalidConfig, "OTHER_SECRET"),
        ("move a secret", Kind::InvalidConfig, "secret"),
        ("move a secret to a header", Kind::InvalidConfig, "secret"),
        ("trap", Kind::Other, "unreachable"),
        ("spin", Kind::Timeout, "took longer"),
    ] {
        refused(attack, merge(attack, none()).await, kind, because);
    }
    assert_eq!(merge("none", none()).await.unwrap(), config("none"));
    // The user may say what the plugin may not.
    let chosen = Choices { base_url: Some("https://elsewhere.example/v1".into()), ..none() };
    let merged = merge("call elsewhere", chosen).await.unwrap();
    assert_eq!(merged["models"]["providers"]["hostile"]["baseUrl"], "https://elsewhere.example/v1");
    host.serves().await;
}

/// References in other forms than the plain one, and what is hidden put elsewhere.
#[tokio::test]
async fn a_merge_gets_at_no_secret_by_writing_it_otherwise() {
    let host = Host::new().await;
    let config = json!({
        "env": {"OTHER_SECRET": "s"},
        "models": {"providers": {"hostile": {
            "attack": "edit",
            "baseUrl": "https://chosen.example/v1",
            "headers": {"x-config": "{\"api_key\":\"sk-literal-1\"}", "x-own-key": "sk-literal-2"},
        }}},
        "plugins": {"entries": {"hostile": {"config": {"virtualKey": "sk-literal-3"}}}},
    });
    let merge = async |edit: String| {
        let choices = Choices { base_url: None, model: Some(edit), api_key_reference: None };
        host.plugin.apply_config(&config, &choices).await
    };
    assert_eq!(merge("nothing -> nothing".into()).await.unwrap(), config);
    let entry = r#""attack":"edit""#;
    for (old, new, because) in [
        (entry, r#""attack":"edit","apiKey":{"source":"env","id":"OTHER_SECRET"}"#, "OTHER_SECRET"),
        (entry, r#""attack":"edit","apiKey":{"source":"exec","provider":"vault","id":"THEIRS"}"#, "THEIRS"),
        (r#""headers":{"#, r#""headers":{"x-a":"{\"k\":\"\\u0024{OTHER_SECRET}\"}","#, "OTHER_SECRET"),
        (r#""headers":{"#, r#""headers":{"x-a":"{\"api_key\":\"x${OTHER_SECRET}\"}","#, "OTHER_SECRET"),
        (r#""headers":{"#, r#""headers":{"x-a":"{\"in\":\"{\\\"k\\\":\\\"${OTHER_SECRET}\\\"}\"}","#, "OTHER_SECRET"),
        (r#""virtualKey":"#, r#""config":{"a":[{"source":"env","id":"OTHER_SECRET"}]},"virtualKey":"#, "OTHER_SECRET"),
        (r#""virtualKey":"#, r#""config":"${OTHER_SECRET}","virtualKey":"#, "OTHER_SECRET"),
        // What is hidden, elsewhere: alone, in a name, in a place where the next look would see it.
        (r#""headers":{"#, r#""headers":{"x-a":"SEALED_1","#, "secret"),
        (r#""headers":{"#, r#""headers":{"x-SEALED_1":"","#, "secret"),
        (r#""headers":{"#, r#""headers":{"x-a":"{\"k\":\"SEALED_1\"}","#, "secret"),
        (r#""headers":{"#, r#""headers":{"x-a":"SEALED_2","#, "secret"),
        (r#""virtualKey":"#, r#""traceId":"SEALED_2","virtualKey":"#, "secret"),
        (r#""virtualKey":"#, r#""traceId":"${SEALED_1}","virtualKey":"#, "secret"),
        (entry, r#""attack":"edit","name":"SEALED_1""#, "secret"),
    ] {
        let error = refused(new, merge(format!("{old} -> {new}")).await, Kind::InvalidConfig, because);
        assert!(!shown(&error).contains("sk-literal"), "{new}: {error:?}");
    }
    host.serves().await;
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
    let exchange = host.exchange(&own, &[&header]).into_iter().map(str::to_owned);
    let (first, second) = INLINE.split_at(8);
    let parameters = [first, second].into_iter().map(str::to_owned).chain(exchange).collect();
    let found = provider.complete(&Prompt { stop: parameters, ..ask("memory", "") }).await.unwrap();
    assert_eq!(text(&found), "0");
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
        let environment = host_harness::Environment::from_fn(move |name| (name == "SECRET").then(|| value.to_owned()));
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
        let parameters = host.exchange(&server.to_string(), &[]).into_iter().map(str::to_owned).collect();
        let error = hostile.complete(&Prompt { stop: parameters, ..ask("send", "") }).await.expect_err(coding);
        assert!(error.to_string().contains("HttpResponseContentCoding"), "{coding}: {error}");
    }
}

/// What comes from a URL in an answer is an image, or nothing, wherever a redirect leads; and no key goes along.
#[tokio::test]
async fn what_is_downloaded_is_an_image_from_where_it_was_said_to_be() {
    let host = Host::new().await;
    let other = Stub::start(Options::default()).await.unwrap();
    let page = |head: &str, body: &[u8]| whole(&format!("HTTP/1.1 {head}\r\nconnection: close\r\n"), body);
    for (answer, because) in [
        (page("200 OK\r\ncontent-type: image/png", b"#!/bin/sh\necho pwned\n"), "not an image"),
        (page("200 OK\r\ncontent-type: image/png", b"[Desktop Entry]\nExec=sh"), "not an image"),
        (page("200 OK\r\ncontent-type: image/png", b"<html><script>"), "not an image"),
        (page("200 OK\r\ncontent-type: image/png", b"\x7fELF\x02\x01\x01"), "not an image"),
        (page("200 OK\r\ncontent-type: image/png", b""), "not an image"),
        (page(&format!("302 Found\r\nlocation: {}/models", other.base_url()), b""), "not an image"),
        (page("302 Found\r\nlocation: file:///etc/passwd", b""), "scheme"),
    ] {
        let server = answering(answer).await;
        let error = host.hostile.download(&format!("http://{server}/image.png")).await.expect_err(because);
        assert!(error.to_string().contains(because), "{because}: {error}");
    }
    let [redirected] = &other.requests()[..] else { panic!("one redirect led there") };
    assert_eq!((&*redirected.path, redirected.header("x-hostile-key")), ("/v1/models", None));
    let server = answering(page("200 OK\r\ncontent-type: text/html", b"\x89PNG\r\n\x1a\n")).await;
    let image = host.hostile.download(&format!("http://{server}/run.sh")).await.unwrap();
    assert_eq!(image.media_type, "image/png", "its bytes say so");
}

/// Names that a shell, a desktop or another program reads.
#[test]
fn a_plugin_has_no_say_in_the_names_of_files() {
    let cli = Cli::new();
    let plugin = cli.folder.path().join("hostile-provider.wasm");
    std::fs::write(&plugin, hostile()).unwrap();
    let png = "GIF89a";
    let names = [".bashrc", "x.desktop", "../up", "/tmp/abs", "a\u{1b}]0;t\u{7}.png", "", "CON", "x.png"];
    let prompt: Vec<_> = names.iter().map(|name| format!("{name}<{png}")).chain(["run.sh<#!/bin/sh".into()]).collect();
    let prompt = prompt.join("\n");
    let arguments = [
        "image",
        &prompt,
        "--output",
        "out",
        "--plugin",
        plugin.to_str().unwrap(),
        "--base-url",
        "http://127.0.0.1:9/v1",
    ];
    let ran = cli.run(&arguments).ok();
    let mut written: Vec<_> = std::fs::read_dir(cli.folder.path().join("out"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    written.sort();
    let mut expected: Vec<_> = (1..=names.len()).map(|number| format!("image-{number}.gif")).collect();
    expected.push(format!("image-{}.bin", names.len() + 1));
    expected.sort();
    assert_eq!(written, expected, "{ran:?}");
    assert!(!std::path::Path::new("/tmp/abs").exists() && !cli.folder.path().join("up").exists());
}

/// Values that go along in the environment are for one process: not for those that it starts, nor for a later one.
#[test]
fn arguments_are_not_taken_from_an_environment_that_is_for_another() {
    let cli = Cli::new().env("HOST_HARNESS_HIDDEN", "1 1").env("HOST_HARNESS_HIDDEN_0", "no header: at all");
    let ran = cli.run(&["stub", "--faults", "--require", "x-own: 1"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let shown = cli.run(&["models", "--header", "***"]);
    assert!(shown.err.contains("invalid value for '--header") && !shown.err.contains("at all"), "{shown:?}");
}

// Components of other shapes

/// A component of `world`, which may use `openclaw:provider`, whose functions all trap. `extra` goes into its module.
fn shaped(version: &str, world: &str, extra: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    let folder = tempfile::tempdir().unwrap();
    copy(&root().join("wit"), folder.path(), version);
    resolve.push_dir(folder.path()).unwrap();
    let package = resolve.push_str("attack.wit", &format!("package openclaw:attack;\n{world}")).unwrap();
    let world = resolve.select_world(&[package], Some("attack")).unwrap();
    let module = dummy_module(&resolve, world, ManglingAndAbi::Legacy(LiftLowerAbi::Sync));
    let text = wasmprinter::print_bytes(module).unwrap();
    let (text, end) = text.rsplit_once(')').unwrap();
    let mut module = wat::parse_str(format!("{text}{extra}){end}")).unwrap();
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false).unwrap();
    ComponentEncoder::default().module(&module).unwrap().encode().unwrap()
}

/// The WIT, with another version in place of ours.
fn copy(from: &Path, to: &Path, version: &str) {
    for entry in std::fs::read_dir(from).unwrap() {
        let (from, to) = (entry.as_ref().unwrap().path(), to.join(entry.unwrap().file_name()));
        if from.is_dir() {
            std::fs::create_dir(&to).unwrap();
            copy(&from, &to, version);
        } else {
            let text = std::fs::read_to_string(from).unwrap();
            std::fs::write(to, text.replace("openclaw:provider@0.2.0", &format!("openclaw:provider@{version}")))
                .unwrap();
        }
    }
}

fn provider_world(version: &str, more: &str) -> String {
    // Without `wasi:http`, all of whose functions a component made of the WIT would ask for, the clocks among them.
    let exports = ["onboarding", "models", "chat", "images"];
    let exports = exports.map(|name| format!("export openclaw:provider/{name}@{version};"));
    format!("world attack {{ {more} {} }}", exports.concat())
}

#[tokio::test]
async fn a_component_that_asks_for_more_than_the_world_gives_is_refused() {
    let engine = Engine::new(tight()).unwrap();
    for (package, interface, function) in [
        ("wasi:cli@0.2.6", "environment", "get-environment: func() -> list<tuple<string, string>>;"),
        ("wasi:cli@0.2.6", "stdout", "get: func() -> u32;"),
        ("wasi:filesystem@0.2.6", "preopens", "get-directories: func() -> list<u32>;"),
        ("wasi:sockets@0.2.6", "instance-network", "instance-network: func() -> u32;"),
        ("wasi:random@0.2.6", "random", "get-random-u64: func() -> u64;"),
        ("wasi:random@0.2.6", "insecure-seed", "insecure-seed: func() -> tuple<u64, u64>;"),
        ("wasi:keyvalue@0.2.6", "store", "open: func() -> u32;"),
        ("openclaw:secrets@0.1.0", "secrets", "get: func(name: string) -> string;"),
    ] {
        let (name, version) = package.split_once('@').unwrap();
        let import = format!("{name}/{interface}@{version}");
        let world = provider_world("0.2.0", &format!("import {import};"))
            + &format!("\npackage {package} {{ interface {interface} {{ {function} }} }}");
        let wasm = shaped("0.2.0", &world, "");
        let error = refused(&import, load(&engine, &wasm).await, Kind::InvalidConfig, "");
        let asked = format!("it imports {import}: a provider gets wasi:http and wasi:io, and nothing else");
        assert!(error.to_string().ends_with(&asked), "{error}");
        assert!(error.record().hint.as_ref().unwrap().contains("docs/write-a-provider.md"), "{error:?}");
        let found = validate(&engine, &wasm, None).await;
        assert!(found.findings.iter().any(|finding| finding.contains(&import)), "{import}: {found:?}");
    }
}

#[tokio::test]
async fn a_component_of_another_version_or_world_is_refused() {
    let engine = Engine::new(tight()).unwrap();
    for version in ["0.1.0", "0.3.0", "1.0.0"] {
        let wasm = shaped(version, &provider_world(version, ""), "");
        refused(version, load(&engine, &wasm).await, Kind::InvalidConfig, "");
        let found = validate(&engine, &wasm, None).await;
        assert!(found.findings.iter().any(|finding| finding.contains(version)), "{version}: {found:?}");
    }
    let other = shaped("0.2.0", "world attack { export run: func(); }", "");
    let error = load(&engine, &other).await.unwrap_err();
    assert!(error.to_string().contains("openclaw:provider/"), "{error}");
    // A patch release of ours loads; it traps as soon as it is asked who it is.
    let patch = load(&engine, &shaped("0.2.7", &provider_world("0.2.7", ""), "")).await.unwrap_err();
    assert!(patch.to_string().contains("unreachable"), "{patch}");
}

/// Those who hold instances keep others waiting, and not for longer than a call may take.
#[tokio::test]
async fn no_more_instances_live_at_once_than_the_limit_says() {
    let stub = hosted().await;
    let limits = Limits { instances: 1, call: Duration::from_secs(3), ..Limits::default() };
    let provider = Provider::connect(&plugin_with(limits).await, setup(stub.base_url())).await.unwrap();
    let hello = ask("@openai/gpt-5-mini", "hello");
    let reply = provider.stream(&hello).await.unwrap();
    assert_timeout("no instance is free", provider.complete(&hello).await);
    drop(reply);
    provider.complete(&hello).await.unwrap();
}

/// Before any function is called: an instance already runs code and takes memory.
#[tokio::test]
async fn a_component_that_attacks_as_it_starts_is_refused() {
    let engine = Engine::new(tight()).unwrap();
    let start = |body: &str| format!("(func $start {body}) (start $start)");
    for (extra, kind, because) in [
        (start("(loop br 0)"), Kind::Timeout, "took longer"),
        (start("unreachable"), Kind::Other, "unreachable"),
        (start("call $start"), Kind::Other, "call stack exhausted"),
        ("(memory 1000)".into(), Kind::Other, "more memory"),
        ("(memory 300) (memory 300)".into(), Kind::Other, "more memory"),
        // These are more than one component may take of what all share.
        ("(table 10000000 funcref)".into(), Kind::InvalidConfig, "table"),
        ("(table 1 funcref)".repeat(17), Kind::InvalidConfig, "tables"),
        ("(memory 1)".repeat(5), Kind::InvalidConfig, "memories"),
    ] {
        let loaded = load(&engine, &shaped("0.2.0", &provider_world("0.2.0", ""), &extra)).await;
        refused(&extra, loaded, kind, because);
    }
    load(&engine, hostile()).await.unwrap();
}

/// The hostile component, with something in it that no cache has seen: a section that is nobody's.
fn uncompiled() -> Vec<u8> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let content = [&b"\x03now"[..], &now.as_nanos().to_le_bytes()].concat();
    [hostile(), &[0, u8::try_from(content.len()).unwrap()], &content].concat()
}

/// Compiling takes as long as a component makes it take.
#[test]
fn a_component_is_compiled_beside_the_calls() {
    let runtime = tokio::runtime::Builder::new_current_thread().max_blocking_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        let host = Host::new().await;
        let engine = Engine::new(tight()).unwrap();
        // The one thread on which it could be compiled has other work.
        let (release, released) = std::sync::mpsc::channel::<()>();
        let busy = tokio::task::spawn_blocking(move || released.recv());
        let wasm = uncompiled();
        let mut loading = std::pin::pin!(load(&engine, &wasm));
        tokio::select! {
            biased;
            _ = &mut loading => panic!("it was compiled on the thread of the calls"),
            () = host.serves() => {}
        }
        release.send(()).unwrap();
        busy.await.unwrap().unwrap();
        loading.await.unwrap();
    });
}

/// Nothing can interrupt a compiler: the caller and all others go on without it.
#[test]
fn a_component_that_takes_too_long_to_compile_is_given_up() {
    let runtime = tokio::runtime::Builder::new_current_thread().max_blocking_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        let host = Host::new().await;
        let engine = Engine::new(Limits { compile: Duration::from_millis(50), ..tight() }).unwrap();
        // The one thread on which it could be compiled does not get to it.
        let (release, released) = std::sync::mpsc::channel::<()>();
        let busy = tokio::task::spawn_blocking(move || released.recv());
        refused("uncompiled", load(&engine, &uncompiled()).await, Kind::Timeout, "to compile");
        host.serves().await;
        release.send(()).unwrap();
        busy.await.unwrap().unwrap();
    });
}

#[tokio::test]
async fn a_component_that_is_too_large_is_not_compiled() {
    let size = hostile().len() as u64;
    let engine = Engine::new(Limits { component: size - 1, ..tight() }).unwrap();
    refused("a large component", load(&engine, hostile()).await, Kind::InvalidConfig, "it is larger than");
    let found = validate(&engine, hostile(), None).await;
    assert!(found.findings[0].contains("larger"), "{found:?}");
    load(&Engine::new(Limits { component: size, ..tight() }).unwrap(), hostile()).await.unwrap();
}

#[tokio::test]
async fn what_is_no_whole_component_is_refused_whatever_it_is() {
    let engine = Engine::new(tight()).unwrap();
    let whole = hostile();
    let mut files: Vec<Vec<u8>> = (0..16).map(|part| whole[..whole.len() * part / 16].to_vec()).collect();
    // Bytes of no meaning, the same on each run, with and without a component's first eight.
    let mut state = 1_u32;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    })
    .take(4096)
    .collect();
    files.push([&whole[..8], &noise].concat());
    files.push(noise);
    for file in files {
        refused("a damaged file", load(&engine, &file).await, Kind::InvalidConfig, "");
    }
    load(&engine, whole).await.unwrap();
}
