//! The gateway that every arm calls: small, fast, and in a process of its own, so that it shares no runtime with what is
//! measured. What it answers stands in the model's name, `kind-number`.

use std::{
    convert::Infallible,
    io::{BufRead, BufReader},
    net::{Ipv4Addr, SocketAddr},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use anyhow::Context;
use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::{
    body::{Frame, Incoming},
    server::conn::{http1, http2},
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{CertificateParams, KeyPair};
use serde::{Deserialize, Serialize};
use tokio::net::{TcpListener, TcpSocket};
use tokio_rustls::{TlsAcceptor, rustls};

use crate::portkey_gateway::UPSTREAM_KEY;

/// The key of all calls. A request without it is refused: the credential boundary is on in every bench.
pub(crate) const KEY: &str = "pk-bench-3f9a1c5e7b2d";

/// What each reply to a chat says.
pub(crate) const TEXT: &str = "The answer is forty-two.";

/// The text of one event of a stream.
pub(crate) fn piece(number: usize) -> String {
    format!("word {number} ")
}

/// The same as one of so many pieces of a tool call's arguments, which are JSON.
pub(crate) fn argument(number: usize, count: usize) -> String {
    let [begin, end] = [if number == 0 { "[" } else { "," }, if number + 1 == count { "]" } else { "" }];
    format!("{begin}\"word {number}\"{end}")
}

/// The bytes of an image of this size, which only look like one at the start.
pub(crate) fn image(size: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let noise = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    });
    b"\x89PNG\r\n\x1a\n".iter().copied().chain(noise.flatten()).take(size).collect()
}

/// Room for all that connect at once. Where there is none, a client's system waits a second before it asks again.
fn listen() -> anyhow::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
    Ok(socket.listen(4096)?)
}

type Answer = Response<UnsyncBoxBody<Bytes, Infallible>>;

/// Where the gateway listens.
#[derive(Serialize, Deserialize)]
pub(crate) struct Addresses {
    /// Base URL, HTTP/1.1.
    pub(crate) http: String,
    /// Base URL, HTTP/2 over TLS.
    pub(crate) https: String,
    /// Who vouches for it, in PEM form.
    pub(crate) authority: String,
}

/// The gateway in a process of its own, which ends with this.
pub(crate) struct Process {
    child: Child,
    pub(crate) addresses: Addresses,
}

impl Process {
    pub(crate) fn start() -> anyhow::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?).arg("serve").stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().context("no standard output")?).read_line(&mut line)?;
        Ok(Self { addresses: serde_json::from_str(&line)?, child })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Serves until the process is killed; the addresses are the first line on standard output.
pub(crate) async fn serve() -> anyhow::Result<()> {
    crate::alone::raise_open_files()?;
    let key = KeyPair::generate()?;
    let certificate = CertificateParams::new(vec!["localhost".to_owned()])?.self_signed(&key)?;
    let mut tls = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key.into())?;
    tls.alpn_protocols = vec![b"h2".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(tls));
    let (plain, secure) = (listen()?, listen()?);
    let addresses = Addresses {
        http: format!("http://{}/v1", plain.local_addr()?),
        https: format!("https://localhost:{}/v1", secure.local_addr()?.port()),
        authority: certificate.pem(),
    };
    println!("{}", serde_json::to_string(&addresses)?);

    let gateway = Arc::new(Gateway::default());
    let service = |gateway: &Arc<Gateway>| {
        let gateway = Arc::clone(gateway);
        hyper::service::service_fn(move |request| {
            let gateway = Arc::clone(&gateway);
            async move { Ok::<_, Infallible>(gateway.answer(request).await) }
        })
    };
    loop {
        tokio::select! {
            accepted = plain.accept() => {
                let connection = accepted?.0;
                connection.set_nodelay(true)?;
                gateway.http.fetch_add(1, Ordering::Relaxed);
                let service = service(&gateway);
                tokio::spawn(async move { http1::Builder::new().max_headers(1000).serve_connection(TokioIo::new(connection), service).await });
            }
            accepted = secure.accept() => {
                let connection = accepted?.0;
                gateway.https.fetch_add(1, Ordering::Relaxed);
                let (service, acceptor) = (service(&gateway), acceptor.clone());
                tokio::spawn(async move {
                    let connection = acceptor.accept(connection).await?;
                    let connection = TokioIo::new(connection);
                    http2::Builder::new(TokioExecutor::new()).serve_connection(connection, service).await?;
                    anyhow::Ok(())
                });
            }
        }
    }
}

/// Answers made before, so that making them is in nobody's time.
#[derive(Default)]
struct Gateway {
    /// Connections taken so far.
    http: AtomicUsize,
    https: AtomicUsize,
    made: std::sync::Mutex<std::collections::HashMap<String, Bytes>>,
}

impl Gateway {
    async fn answer(&self, request: Request<Incoming>) -> Answer {
        let has = |name: &str, key: &str| request.headers().get(name).is_some_and(|value| value == key);
        // The second is what Portkey sends, where it stands between.
        if !has("x-portkey-api-key", KEY) && !has("authorization", &format!("Bearer {UPSTREAM_KEY}")) {
            return whole(StatusCode::UNAUTHORIZED, "application/json", r#"{"error":{"message":"no key"}}"#.into());
        }
        let Ok(body) = request.into_body().collect().await else {
            return whole(StatusCode::BAD_REQUEST, "text/plain", Bytes::new());
        };
        let body = body.to_bytes();
        let model = model(&body).unwrap_or_default();
        let (kind, number) = model.split_once('-').unwrap_or((model, "0"));
        let number = number.parse().unwrap_or(0);
        match kind {
            "connections" => {
                let count = |counter: &AtomicUsize| counter.load(Ordering::Relaxed);
                let counts = serde_json::json!({"http": count(&self.http), "https": count(&self.https)});
                whole(StatusCode::OK, "application/json", counts.to_string().into())
            }
            "image" => whole(StatusCode::OK, "application/json", self.made(model, || image_json(number))),
            "calls" | "blocks" => {
                let event = self.made(model, || (one_event(kind, number) + &end()).into());
                streamed(stream::iter([event]))
            }
            "stream" | "call" | "unlike" => {
                let made = |at| match kind {
                    "call" => call_chunk(at, number),
                    // Each has a number and a time of its own.
                    "unlike" => chunk(at, at),
                    _ => chunk(at, 1),
                };
                let events = self.made(model, || (0..number).map(made).chain([end()]).collect::<String>().into());
                // As large as what a fast server's socket would give at once.
                let size = 16 << 10;
                let pieces =
                    (0..events.len()).step_by(size).map(move |at| events.slice(at..(at + size).min(events.len())));
                streamed(stream::iter(pieces.collect::<Vec<_>>()))
            }
            "paced" => streamed(stream::iter(0..=number).then(move |at| async move {
                tokio::time::sleep(Duration::from_millis(50)).await;
                if at < number { chunk(at, 1).into() } else { end().into() }
            })),
            "open" => streamed(stream::iter([Bytes::from(chunk(0, 1))]).chain(stream::pending())),
            _ => whole(StatusCode::OK, "application/json", self.made("chat", chat_json)),
        }
    }

    fn made(&self, name: &str, make: impl FnOnce() -> Bytes) -> Bytes {
        let mut made = self.made.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        made.entry(name.to_owned()).or_insert_with(make).clone()
    }
}

/// The model that is asked for, found without reading the whole: a gateway's time is not what is measured.
fn model(body: &[u8]) -> Option<&str> {
    let name = b"\"model\":\"";
    let from = memchr::memmem::find(body, name)? + name.len();
    let rest = body.get(from..)?;
    let to = memchr::memchr(b'"', rest)?;
    std::str::from_utf8(rest.get(..to)?).ok()?.strip_prefix("@bench/")
}

fn whole(status: StatusCode, media_type: &'static str, body: Bytes) -> Answer {
    answer(status, media_type, Full::new(body).boxed_unsync())
}

fn streamed(pieces: impl futures_util::Stream<Item = Bytes> + Send + 'static) -> Answer {
    let body = StreamBody::new(pieces.map(|piece| Ok(Frame::data(piece))));
    answer(StatusCode::OK, "text/event-stream", body.boxed_unsync())
}

fn answer(status: StatusCode, media_type: &'static str, body: UnsyncBoxBody<Bytes, Infallible>) -> Answer {
    let mut answer = Response::new(body);
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, media_type),
        (header::HeaderName::from_static("x-portkey-trace-id"), "5d9ef1b0-trace"),
        (header::HeaderName::from_static("x-portkey-provider"), "bench"),
    ] {
        headers.insert(name, header::HeaderValue::from_static(value));
    }
    answer
}

fn chat_json() -> Bytes {
    format!(
        r#"{{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"bench","choices":[{{"index":0,"message":{{"role":"assistant","content":"{TEXT}","refusal":null}},"logprobs":null,"finish_reason":"stop"}}],"usage":{{"prompt_tokens":12,"completion_tokens":7,"total_tokens":19}}}}"#
    )
    .into()
}

fn image_json(size: usize) -> Bytes {
    let encoded = BASE64_STANDARD.encode(image(size));
    format!(r#"{{"created":1,"data":[{{"b64_json":"{encoded}"}}],"usage":{{"input_tokens":5,"output_tokens":9,"total_tokens":14}}}}"#)
        .into()
}

/// One of the answer with this number, which is its time too.
fn chunk(number: usize, answer: usize) -> String {
    chunk_of(&format!(r#"{{"content":"{}"}}"#, piece(number)), number, answer)
}

fn call_chunk(number: usize, count: usize) -> String {
    let arguments = serde_json::json!(argument(number, count));
    let [id, name] = if number == 0 { [r#""id":"call_1","type":"function","#, r#""name":"look","#] } else { [""; 2] };
    let delta = format!(r#"{{"tool_calls":[{{"index":0,{id}"function":{{{name}"arguments":{arguments}}}}}]}}"#);
    chunk_of(&delta, number, 1)
}

/// So many tool calls, or content blocks, in one event.
fn one_event(kind: &str, count: usize) -> String {
    let call = |at| {
        let arguments = serde_json::json!(argument(0, 1));
        format!(
            r#"{{"index":{at},"id":"call_{at}","type":"function","function":{{"name":"look","arguments":{arguments}}}}}"#
        )
    };
    let block = |at| format!(r#"{{"index":{at},"type":"thinking","delta":{{"thinking":"{}"}}}}"#, piece(at));
    let (name, item): (_, &dyn Fn(usize) -> String) =
        if kind == "calls" { ("tool_calls", &call) } else { ("content_blocks", &block) };
    let items = (0..count).map(item).collect::<Vec<_>>().join(",");
    chunk_of(&format!(r#"{{"{name}":[{items}]}}"#), 0, 1)
}

/// As OpenAI's are, with noise at the end that hides how long the text is.
fn chunk_of(delta: &str, number: usize, answer: usize) -> String {
    let noise = "jx0Kq7fVb2".get(..number % 10).unwrap_or_default();
    format!(
        r#"data: {{"id":"chatcmpl-{answer}","object":"chat.completion.chunk","created":{answer},"model":"bench","service_tier":"default","system_fingerprint":"fp_29330a9688","choices":[{{"index":0,"delta":{delta},"logprobs":null,"finish_reason":null}}],"obfuscation":"{noise}"}}

"#
    )
}

fn end() -> String {
    r#"data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"bench","choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":12,"completion_tokens":7,"total_tokens":19}}

data: [DONE]

"#
    .to_owned()
}
