//! Attacks on every host of ours, by topic: a component, a gateway, a caller, a file or a variable that does what it
//! should not. Each ends in an error that a caller can act on, none gets at the key, and other calls go on during and after
//! it. `tests/hostile/review/README.md` lists them all, with results.
//!
//! A component attacks as its request says: it is `tests/hostile`. Components of other shapes (more imports, another
//! version, a start function) are made in `loading` from the WIT.

mod answers;
mod configuration;
mod egress;
mod files;
mod frames;
mod limits;
mod loading;
mod masking;
mod programs;

use std::{net::SocketAddr, path::PathBuf, process::Command, sync::OnceLock, time::Duration};

use host_harness::{
    Engine, Error, Limits, Plugin, Provider, Result, Setup,
    types::{ErrorKind as Kind, ErrorOrigin as Origin},
    wit::{audio::SpeechRequest, chat::Prompt},
};
use host_harness_stub::{Options, Stub};
use serde_json::json;
use tokio::{io::AsyncWriteExt, net::TcpListener};

use crate::{
    fault_server::Script,
    raw_server::{request_of, serving, whole},
    support::{KEY, ask, component, root, setup},
};

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
        outcome.map(|response| response.text())
    }

    pub(crate) async fn serves(&self) {
        let answer = self.honest.complete(&ask("gpt", "Reply with exactly OK.")).await.unwrap();
        assert_eq!(answer.text(), "OK.");
    }

    /// The hostile plugin before a listener that reads no request, and answers none.
    pub(crate) async fn silent(&self) -> (TcpListener, Provider) {
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
pub(crate) const ECHO: &str = r#"{"model":"fault/echo-headers","messages":[{"role":"user","content":"hello"}]}"#;

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

/// As the password of a user.
pub(crate) fn basic(key: &str) -> String {
    use base64::{Engine, prelude::BASE64_STANDARD};
    format!("Basic {}", BASE64_STANDARD.encode(format!("user:{key}")))
}

/// A server that answers with what it was sent, wherever an answer can hold it.
pub(crate) async fn echo() -> SocketAddr {
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

/// The hostile component, with `describe` doing this.
pub(crate) fn describing(how: &str) -> Vec<u8> {
    let mut wasm = hostile().to_vec();
    let start = wasm.windows(9).position(|found| found == b"describe:").unwrap();
    wasm[start..start + 32].copy_from_slice(format!("{:32}", format!("describe:{how}")).as_bytes());
    wasm
}

pub(crate) fn failing(status: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    whole(&format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\n"), body)
}

/// A good component in a host with tight limits but of time: no test waits for the end of that.
pub(crate) async fn good() -> Plugin {
    let limits = Limits { call: Duration::from_secs(30), stream_idle: Duration::from_secs(30), ..tight() };
    Plugin::load(&Engine::new(limits).unwrap(), component()).await.unwrap()
}

/// The same before this server.
pub(crate) async fn before(plugin: &Plugin, server: SocketAddr) -> Provider {
    Provider::connect(plugin, setup(format!("http://{server}/v1"))).await.unwrap()
}

pub(crate) fn say(attack: &str) -> SpeechRequest {
    SpeechRequest { model: Some(attack.into()), ..SpeechRequest::new("x") }
}

type Http2 = (&'static str, fn(u32) -> Script);
