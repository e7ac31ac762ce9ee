//! What does not depend on the machine, each against `tests/budgets.json`, which a change must edit to exceed:
//! `make budgets` writes it anew.
//!
//! Instructions are wasmtime's fuel: what the component executes for a call whose answers are always the same.

use std::{fs, future, io::Write, path::PathBuf, sync::Arc};

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use host_harness::{
    Engine, Limits, Provider,
    bench::Guest,
    types::Connection,
    validate,
    wit::{
        chat::{Message, Prompt as Chat, Tool},
        images,
    },
};
use http::{HeaderName, Request, Response, header};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use serde::{Deserialize, Serialize};
use wasmtime::{
    Store,
    component::{Component, Linker, ResourceTable},
};
use wasmtime_wasi_http::{
    Error as WasiError, RequestOptions, WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks, WasiHttpView,
};

use crate::{
    fault_server::{FaultServer, bytes},
    faults, http2_faults,
    support::{self, ask, component, root},
    tls::Authority,
};

/// At most these.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Budgets {
    component_bytes: usize,
    component_gzip_bytes: usize,
    /// No others.
    imports: Vec<String>,
    instructions: Instructions,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Instructions {
    describe: u64,
    chat: u64,
    /// 100 messages, 16 tools.
    long_chat: u64,
    /// A stream of 1,000 events that differ in their text alone.
    stream: u64,
    /// The same of pieces of a tool call's arguments, which hold escapes.
    call_stream: u64,
    /// A stream of text, where no two events are alike.
    unlike_stream: u64,
    /// An image of 1 MiB.
    image: u64,
}

impl Budgets {
    fn path() -> PathBuf {
        root().join("tests/budgets.json")
    }

    async fn measured() -> Self {
        let wasm = fs::read(component()).unwrap();
        let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
        gzip.write_all(&wasm).unwrap();
        Self {
            component_bytes: wasm.len(),
            component_gzip_bytes: gzip.finish().unwrap().len(),
            imports: validate(&Engine::new(Limits::default()).unwrap(), &wasm, None).await.imports,
            instructions: instructions(&wasm).await,
        }
    }

    /// The figures by name.
    fn figures(&self) -> serde_json::Map<String, serde_json::Value> {
        let serde_json::Value::Object(mut all) = serde_json::to_value(self).unwrap() else { unreachable!() };
        let Some(serde_json::Value::Object(instructions)) = all.remove("instructions") else { unreachable!() };
        all.remove("imports");
        all.extend(instructions);
        all
    }
}

#[tokio::test]
async fn the_component_keeps_to_its_budgets() {
    let measured = Budgets::measured().await;
    if std::env::var_os("UPDATE_BUDGETS").is_some() {
        let json = serde_json::to_string_pretty(&measured).unwrap();
        return fs::write(Budgets::path(), json + "\n").unwrap();
    }
    let budgets: Budgets = serde_json::from_slice(&fs::read(Budgets::path()).unwrap()).unwrap();
    let wanted = |import: &&String| !budgets.imports.contains(import);
    assert_eq!(measured.imports.iter().find(wanted), None, "a new import: `make budgets`, if it is meant");
    let budgeted = budgets.figures();
    for (name, value) in measured.figures() {
        let (value, budget) = (value.as_u64().unwrap(), budgeted[&name].as_u64().unwrap());
        // As much as another build of the same sources may differ by.
        let most = budget + budget / 100;
        assert!(value <= most, "{name} is {value}, over its budget of {budget}: `make budgets`, if that is meant");
    }
}

async fn chats(provider: &Provider, numbers: impl Iterator<Item = usize>) {
    for number in numbers {
        provider.complete(&ask(&number.to_string(), "hello")).await.unwrap();
    }
}

#[tokio::test]
async fn a_thousand_calls_in_a_row_take_one_connection() {
    let server = FaultServer::http1(|_| vec![bytes(faults::whole())]).await;
    let provider = support::provider(&server.base_url).await;
    chats(&provider, 0..1000).await;
    assert_eq!((server.requests(), server.connections()), (1000, 1));
}

#[tokio::test]
async fn over_http2_a_hundred_calls_at_once_take_one_connection() {
    let authority = Authority::new();
    let server = FaultServer::http2(&authority, |_, stream| vec![bytes(http2_faults::answer(stream))]).await;
    let provider =
        Provider::connect(&support::plugin().await, http2_faults::trusting(&authority, &server)).await.unwrap();
    chats(&provider, 0..1).await;
    let calls = (0..100).map(|number| {
        let provider = provider.clone();
        tokio::spawn(async move { chats(&provider, number..number + 1).await })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await.unwrap();
    }
    assert_eq!((server.requests(), server.connections()), (101, 1));
}

/// An instance whose every request is answered in the same way, without a network.
pub struct Answering {
    table: ResourceTable,
    http: WasiHttpCtx,
    hooks: Always,
}

struct Always {
    media_type: &'static str,
    pieces: Arc<[Bytes]>,
}

impl wasmtime_wasi_io::IoView for Answering {
    fn table(&mut self) -> &mut ResourceTable {
        &mut self.table
    }
}

impl WasiHttpView for Answering {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { ctx: &mut self.http, table: &mut self.table, hooks: &mut self.hooks }
    }
}

type Done = Box<dyn Future<Output = Result<(), WasiError>> + Send>;

impl WasiHttpHooks for Always {
    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        _: Option<RequestOptions>,
        _: Done,
    ) -> Box<dyn Future<Output = Result<(Response<WasiBody>, Done), WasiError>> + Send> {
        let (media_type, pieces) = (self.media_type, Arc::clone(&self.pieces));
        Box::new(async move {
            request.into_body().collect().await?;
            let frames: Vec<_> = pieces.iter().cloned().map(Frame::data).map(Ok).collect();
            let response = Response::builder()
                .header(header::CONTENT_TYPE, media_type)
                .header(HeaderName::from_static("x-portkey-trace-id"), "trace")
                .body(StreamBody::new(futures_util::stream::iter(frames)).boxed_unsync())
                .unwrap();
            Ok((response, Box::new(future::ready(Ok(()))) as Done))
        })
    }
}

const JSON: &str = r#"{"id":"c1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"The answer is forty-two."},"finish_reason":"stop"}],"usage":{"prompt_tokens":12,"completion_tokens":7,"total_tokens":19}}"#;

/// Instances whose instructions are counted.
pub struct Counting {
    engine: wasmtime::Engine,
    component: Component,
    linker: Linker<Answering>,
}

impl Counting {
    pub fn new(wasm: &[u8]) -> Self {
        let engine = wasmtime::Engine::new(wasmtime::Config::new().consume_fuel(true)).unwrap();
        let component = Component::new(&engine, wasm).unwrap();
        let mut linker = Linker::new(&engine);
        wasmtime_wasi_io::add_to_linker_async(&mut linker).unwrap();
        wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker).unwrap();
        Self { engine, component, linker }
    }

    /// An instance whose requests are answered with these pieces.
    pub async fn start(&self, media_type: &'static str, pieces: Vec<Bytes>) -> (Store<Answering>, Guest) {
        let hooks = Always { media_type, pieces: pieces.into() };
        let state = Answering { table: ResourceTable::new(), http: WasiHttpCtx::new(), hooks };
        let mut store = Store::new(&self.engine, state);
        store.set_fuel(u64::MAX).unwrap();
        let guest = Guest::instantiate_async(&mut store, &self.component, &self.linker).await.unwrap();
        (store, guest)
    }
}

/// The instructions of an instance so far.
pub fn used(store: &Store<Answering>) -> u64 {
    u64::MAX - store.get_fuel().unwrap()
}

pub fn connection() -> Connection {
    Connection {
        base_url: "http://127.0.0.1:8787/v1".into(),
        headers: Vec::new(),
        credentials: vec!["portkey-api-key".into()],
        connect_timeout_ms: None,
        first_byte_timeout_ms: None,
        idle_timeout_ms: None,
        options_json: "{}".into(),
    }
}

/// What each of the calls executes.
async fn instructions(wasm: &[u8]) -> Instructions {
    let counting = Counting::new(wasm);
    let start = async |media_type, pieces| counting.start(media_type, pieces).await;
    let connection = connection();

    let describe = {
        let (mut store, guest) = start("", Vec::new()).await;
        guest.onboarding.call_describe(&mut store).await.unwrap();
        used(&store)
    };
    let chat = async |messages, tools| {
        let (mut store, guest) = start("application/json", vec![JSON.into()]).await;
        let chat = &guest.chat;
        chat.call_complete(&mut store, &connection, &conversation(messages, tools).into()).await.unwrap().unwrap();
        used(&store)
    };
    let stream = async |delta: &str, answer: fn(usize) -> usize| {
        let event = |number: usize| {
            let answer = answer(number);
            format!(
                r#"data: {{"id":"c{answer}","object":"chat.completion.chunk","created":{answer},"model":"m","choices":[{{"index":0,"delta":{delta},"finish_reason":null}}]}}"#
            ) + "\n\n"
        };
        // A call's pieces need a call.
        let call = r#"data: {"id":"c1","model":"m","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"i","function":{"name":"f","arguments":"["}}]}}]}"#;
        let end = r#"data: {"id":"c1","choices":[{"index":0,"delta":{},"finish_reason":"length"}]}"#;
        // As they come from a model that writes fast: a few in each piece.
        let mut pieces: Vec<Bytes> =
            (0..1000).step_by(10).map(|first| (first..first + 10).map(event).collect::<String>().into()).collect();
        pieces.insert(0, format!("{call}\n\n").into());
        pieces.push(format!("{end}\n\ndata: [DONE]\n\n").into());
        let (mut store, guest) = start("text/event-stream", pieces).await;
        let chat = &guest.chat;
        let reply = chat.call_stream(&mut store, &connection, &conversation(1, 0).into()).await.unwrap().unwrap();
        let mut events = 0;
        loop {
            match chat.reply().call_next(&mut store, reply).await.unwrap().unwrap().len() {
                0 => break,
                more => events += more,
            }
        }
        assert!(events > 1000, "{events} events");
        used(&store)
    };
    let image = {
        let encoded = "iVBORw0KGgo".to_owned() + &"QUJD".repeat((1 << 20) / 3) + "A";
        let json = Bytes::from(format!(r#"{{"created":1,"data":[{{"b64_json":"{encoded}"}}]}}"#));
        let pieces = (0..json.len()).step_by(16 << 10).map(|at| json.slice(at..json.len().min(at + (16 << 10))));
        let (mut store, guest) = start("application/json", pieces.collect()).await;
        let request = images::Request::new("a lighthouse");
        let images = &guest.images;
        images.call_generate(&mut store, &connection, &request).await.unwrap().unwrap();
        used(&store)
    };
    let text = r#"{"content":"some words "}"#;
    Instructions {
        describe,
        chat: chat(1, 0).await,
        long_chat: chat(100, 16).await,
        stream: stream(text, |_| 1).await,
        call_stream: stream(r#"{"tool_calls":[{"index":0,"function":{"arguments":"\"some words\","}}]}"#, |_| 1).await,
        unlike_stream: stream(text, |number| number).await,
        image,
    }
}

pub fn conversation(messages: usize, tools: usize) -> Chat {
    let text = "Tell me, in one sentence, what the answer to the great question is, and why.";
    let tool = |number| Tool {
        name: format!("tool_{number}"),
        description: Some("Tells something of a city".into()),
        parameters_schema_json: r#"{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}"#
            .into(),
        strict: None,
    };
    let messages = (0..messages).map(|_| Message::user(text));
    Chat { tools: (0..tools).map(tool).collect(), ..Chat::new("@openai/gpt-5-mini", messages) }
}
