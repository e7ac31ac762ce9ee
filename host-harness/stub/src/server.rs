//! The server: accepts, records and routes requests, and answers or acts out a fault. Each endpoint has a module of its
//! name.

use std::collections::{HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, DefaultBodyLimit, Request, State};
use axum::response::Response;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::cache::{Accounted, PromptCache};
use super::connection::{Accepting, Connection};
use super::faults::{self, Effect, Fault};
use super::respond::{Refusal, bare, response, set, text_response};
use super::strict;
use super::strict::family::{Family, Maker};
use super::translate::Sent;
use super::wire::{self, Reasoning, Wire};
use super::{Credential, Options, Recorded, Role, audio, chat, embeddings, images, models, native, prices, responses};

/// Below a base URL: see [`images::file`].
const FILES: &str = "images/files/";
/// The record forgets its oldest requests when their bodies are more than this together.
const MAX_RECORDED_BYTES: usize = 256 << 20;

/// What every request shares.
pub(super) struct Server {
    options: Options,
    address: SocketAddr,
    recorded: Mutex<VecDeque<Recorded>>,
    of_prices: Mutex<VecDeque<Recorded>>,
    /// Hashes of requests that the pretended cache has seen.
    cached: Mutex<HashSet<u64>>,
    prompts: Mutex<PromptCache>,
    started: Instant,
    answered: AtomicU64,
    flaky: AtomicU64,
    abandoned: Arc<AtomicU64>,
}

/// An endpoint's answer where the request went well.
enum Answer {
    Json(Value),
    Events(Vec<Value>),
    /// Events of the Responses API, which have no `[DONE]` behind them.
    Responses(Vec<Value>),
    /// A content type and a body.
    Raw(&'static str, Vec<u8>),
    /// A content type, and a body that comes in these pieces.
    Pieces(&'static str, Vec<Vec<u8>>),
    /// All of it, by a provider that speaks another language.
    Native(Response),
}

async fn answer(
    State(server): State<Arc<Server>>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    request: Request,
) -> Response {
    match Recorded::read(request, connection.number).await {
        Ok(request) => {
            server.record(&request);
            server.answer(&request, connection).await
        }
        Err(refusal) => refusal.response(),
    }
}

impl Server {
    pub(super) fn new(options: Options, address: SocketAddr) -> Self {
        Self {
            options,
            address,
            recorded: Mutex::default(),
            of_prices: Mutex::default(),
            cached: Mutex::default(),
            prompts: Mutex::default(),
            started: Instant::now(),
            answered: AtomicU64::new(0),
            flaky: AtomicU64::new(0),
            abandoned: Arc::default(),
        }
    }

    pub(super) async fn serve(self: Arc<Self>, listener: TcpListener) -> io::Result<()> {
        // `Recorded::read` has a limit of its own.
        let app = Router::new().fallback(answer).layer(DefaultBodyLimit::disable()).with_state(self);
        let app = app.into_make_service_with_connect_info::<Connection>();
        axum::serve(Accepting::new(listener), app).await
    }

    pub(super) fn requests(&self) -> Vec<Recorded> {
        lock(&self.recorded).iter().cloned().collect()
    }

    pub(super) fn take(&self) -> Vec<Recorded> {
        std::mem::take(&mut *lock(&self.recorded)).into()
    }

    pub(super) fn take_of_prices(&self) -> Vec<Recorded> {
        std::mem::take(&mut *lock(&self.of_prices)).into()
    }

    pub(super) fn abandoned(&self) -> u64 {
        self.abandoned.load(Ordering::Relaxed)
    }

    fn record(&self, request: &Recorded) {
        let is_of_prices = self.is_of_prices(request);
        let mut recorded = lock(if is_of_prices { &self.of_prices } else { &self.recorded });
        recorded.push_back(request.clone());
        let mut bytes: usize = recorded.iter().map(|request| request.body.len()).sum();
        while recorded.len() > self.options.record || bytes > MAX_RECORDED_BYTES {
            let Some(oldest) = recorded.pop_front() else { break };
            bytes -= oldest.body.len();
        }
    }

    async fn answer(&self, request: &Recorded, connection: Connection) -> Response {
        let fault = match self.fault_for(request) {
            Ok(fault) => fault,
            Err(refusal) => return refusal.response(),
        };
        let number = self.answered.fetch_add(1, Ordering::Relaxed) + 1;
        let usual = |status, wire: &Wire, text| {
            let answer = self.endpoint(request, number, text, wire);
            self.write(status, answer, wire, connection)
        };
        let mut routed = true;
        let mut response = match fault.map(|fault| &fault.effect) {
            Some(Effect::Fixed { status, body, routed: by_provider }) => {
                routed = *by_provider;
                text_response(*status, body)
            }
            Some(Effect::Written { status, wire }) => usual(*status, wire, None),
            Some(Effect::Redirect { status }) => self.redirect(*status, request),
            Some(Effect::Silence) => std::future::pending().await,
            Some(Effect::EchoHeaders { as_error: false }) => usual(200, &Wire::PLAIN, Some(headers_of(request))),
            Some(Effect::EchoHeaders { as_error: true }) => {
                Refusal::invalid(&headers_of(request), "headers").status(401).response()
            }
            Some(Effect::TwiceThenFine(_)) | None => usual(200, &Wire::PLAIN, None),
        };
        let headers = response.headers_mut();
        if self.options.role == Role::Hosted && routed && request.path.contains("/v1/") {
            self.routing_headers(request, number).iter().for_each(|(name, value)| set(headers, name, value));
        }
        fault.iter().flat_map(|fault| fault.headers).for_each(|(name, value)| set(headers, name, value));
        response
    }

    /// The fault to play: for a request without the key, the one that says so.
    fn fault_for(&self, request: &Recorded) -> Result<Option<&'static Fault>, Refusal> {
        if !self.admits(request) {
            let hosted = self.options.role == Role::Hosted;
            return Ok(faults::find(if hosted { "invalid-key" } else { "401" }));
        }
        let by_model = || Some(bare(&request.model()?).strip_prefix("fault/")?.to_owned());
        let Some(name) = request.header("x-stub-fault").map(str::to_owned).or_else(by_model) else {
            return Ok(None);
        };
        match faults::find(&name) {
            None => Err(Refusal::invalid(&format!("There is no fault '{name}'."), "model")),
            Some(Fault { effect: Effect::TwiceThenFine(name), .. }) => {
                let fails = self.flaky.fetch_add(1, Ordering::Relaxed) % 3 < 2;
                Ok(faults::find(name).filter(|_| fails))
            }
            fault => Ok(fault),
        }
    }

    /// What the endpoint of the request says; `text` stands for what a chat would say.
    fn endpoint(&self, request: &Recorded, number: u64, text: Option<String>, wire: &Wire) -> Result<Answer, Refusal> {
        let path = request.path.split('?').next().unwrap_or_default();
        if self.is_of_prices(request)
            && let Some(asked) = path.strip_prefix(prices::PATH)
        {
            return prices::find(asked).map(Answer::Json);
        }
        let Some((prefix, endpoint)) = path.split_once("/v1/") else {
            let hello = (path == "/").then(|| Answer::Raw("text/plain", b"The stand-in gateway says hello.\n".into()));
            return hello.ok_or(Refusal { status: 404, body: json!({"message": "Not Found", "ok": false}) });
        };
        let files = format!("http://{}{prefix}/v1/{FILES}", self.address);
        match (request.method.as_str(), endpoint) {
            ("POST", "chat/completions") => self.chat(request, number, text, wire),
            ("POST", "responses") => response_to(request, number, text, wire),
            ("POST", "images/generations") => images::generate(request, &files).map(Answer::Json),
            ("POST", "images/edits") => images::edit(request, &files).map(Answer::Json),
            ("POST", "embeddings") => embeddings::create(request).map(Answer::Json),
            ("POST", "audio/speech") => {
                audio::speak(request).map(|(media_type, pieces)| Answer::Pieces(media_type, pieces))
            }
            ("POST", "audio/transcriptions") => audio::transcribe(request).map(|written| match written {
                audio::Written::Json(answer) => Answer::Json(answer),
                audio::Written::Text(text) => Answer::Raw("text/plain; charset=utf-8", text.into()),
            }),
            ("GET", "models") => Ok(Answer::Json(models::list(request, self.options.role))),
            ("POST", _) if self.options.role == Role::Upstream => {
                let unknown = || Refusal::not_found(&format!("Invalid URL (POST {path})"));
                self.native(request, endpoint).map(Answer::Native).ok_or_else(unknown)
            }
            (method, _) => {
                let file = endpoint.strip_prefix(FILES).filter(|_| method == "GET").and_then(images::file);
                file.map(|png| Answer::Raw("image/png", png))
                    .ok_or_else(|| Refusal::not_found(&format!("Invalid URL ({method} {path})")))
            }
        }
    }

    /// A chat, at a provider that speaks OpenAI's language or at the gateway, which speaks it for the others.
    fn chat(&self, request: &Recorded, number: u64, text: Option<String>, wire: &Wire) -> Result<Answer, Refusal> {
        let body = request.json();
        let model = body["model"].as_str().unwrap_or_default();
        if strict::responses::is_only(model) {
            return Err(Refusal::invalid(strict::responses::ONLY, "model").status(404));
        }
        let family = Family::of(model);
        let mut wire = *wire;
        let (mut accounted, mut prefix) = (None, String::new());
        if self.options.role == Role::Hosted {
            let sent = Sent::of(&body)?;
            sent.check()?;
            let for_claude = sent.for_claude();
            prefix = for_claude.as_ref().map(strict::anthropic::prefix).unwrap_or_default();
            accounted = for_claude.map(|body| self.account(&body));
            if wire.reasoning == Reasoning::AsAsked {
                wire.reasoning =
                    shown(family, &body, request.header("x-portkey-strict-open-ai-compliance") == Some("false"));
            }
        } else {
            strict::chat("", &body).map_err(Refusal::from)?;
            if wire.reasoning == Reasoning::AsAsked {
                wire.reasoning = shown(family, &body, false);
            }
        }
        let mut reply = chat::Reply::to(&body, number, text, &wire)?;
        reply.prefix = prefix;
        if let Some(accounted) = accounted {
            reply.account(&accounted);
        }
        Ok(if body["stream"] == true && !wire.never_streams {
            Answer::Events(reply.chunks(body["stream_options"]["include_usage"] == true, &wire))
        } else {
            Answer::Json(reply.whole())
        })
    }

    /// A provider that speaks a language of its own, as a gateway's upstream; `None` where this is no path of one.
    fn native(&self, request: &Recorded, endpoint: &str) -> Option<Response> {
        let account = |body: &Value| self.account(body);
        if endpoint == "messages" {
            return Some(native::messages(request.json(), request.header("anthropic-beta"), account));
        }
        if let Some((model, method)) = endpoint.strip_prefix("model/").and_then(|rest| rest.rsplit_once('/')) {
            let model = model.replace("%3A", ":");
            return match method {
                "converse" => Some(native::converse(&model, &request.json(), false, account)),
                "converse-stream" => Some(native::converse(&model, &request.json(), true, account)),
                _ => None,
            };
        }
        let (model, method) = endpoint.strip_prefix("v1beta/models/")?.rsplit_once(':')?;
        match method {
            "generateContent" => Some(native::generate_content(model, &request.json(), false)),
            "streamGenerateContent" => Some(native::generate_content(model, &request.json(), true)),
            _ => None,
        }
    }

    fn account(&self, body: &Value) -> Accounted {
        lock(&self.prompts).account(body, self.started.elapsed())
    }

    /// Whether it asks for a price, which the hosted gateway alone serves.
    fn is_of_prices(&self, request: &Recorded) -> bool {
        self.options.role == Role::Hosted && request.method == "GET" && request.path.starts_with(prices::PATH)
    }

    /// Images that were asked for by URL need no key, as at OpenAI; nor do prices and the greeting.
    fn admits(&self, request: &Recorded) -> bool {
        let open = request.path == "/" || request.path.contains(&format!("/v1/{FILES}")) || self.is_of_prices(request);
        let Some(Credential { header, value }) = self.options.require.as_ref().filter(|_| !open) else { return true };
        request.header(&header.to_ascii_lowercase()) == Some(value)
    }

    fn write(&self, status: u16, answer: Result<Answer, Refusal>, wire: &Wire, connection: Connection) -> Response {
        let (content_type, steps) = match answer {
            Err(refusal) => return refusal.response(),
            Ok(Answer::Native(response)) => return response,
            Ok(Answer::Raw(content_type, bytes)) => return response(status, content_type, Body::from(bytes)),
            Ok(Answer::Pieces(content_type, pieces)) => (content_type, wire.pieces(pieces, self.options.token_delay)),
            Ok(Answer::Json(value)) => ("application/json", wire.whole(value)),
            Ok(Answer::Events(chunks)) => ("text/event-stream", wire.events(&chunks, self.options.token_delay)),
            Ok(Answer::Responses(events)) => {
                let wire = Wire { done: false, ..*wire };
                ("text/event-stream", wire.events(&events, self.options.token_delay))
            }
        };
        response(status, content_type, wire::body(steps, connection, Arc::clone(&self.abandoned)))
    }

    fn redirect(&self, status: u16, request: &Recorded) -> Response {
        let elsewhere = || format!("http://localhost:{}{}", self.address.port(), request.path);
        let asked = request.header("x-stub-location").map(str::to_owned);
        let location = asked.or_else(|| self.options.redirect.clone()).unwrap_or_else(elsewhere);
        let mut response = text_response(status, "");
        set(response.headers_mut(), "location", &location);
        response
    }

    /// What the hosted gateway tells about a routed request.
    fn routing_headers(&self, request: &Recorded, number: u64) -> [(&'static str, String); 5] {
        let trace = request.header("x-portkey-trace-id").map(str::to_owned);
        let parent = || Some(request.header("traceparent")?.split('-').nth(1)?.to_owned());
        let model = request.model().unwrap_or_default();
        let slug = model.strip_prefix('@').and_then(|model| model.split_once('/')).map(|(slug, _)| slug);
        let provider = request.header("x-portkey-provider").or(slug).unwrap_or("openai");
        [
            (
                "x-portkey-trace-id",
                trace.or_else(parent).unwrap_or_else(|| format!("00000000-0000-4000-8000-{number:012x}")),
            ),
            ("x-portkey-provider", provider.trim_start_matches('@').to_owned()),
            ("x-portkey-cache-status", self.cache_status(request).to_owned()),
            ("x-portkey-retry-attempt-count", "0".to_owned()),
            ("x-portkey-last-used-option-index", "config".to_owned()),
        ]
    }

    /// As if there were a cache, for requests that name a cache namespace or a configuration with a cache.
    fn cache_status(&self, request: &Recorded) -> &'static str {
        let namespace = request.header("x-portkey-cache-namespace");
        let config = request.header("x-portkey-config").unwrap_or_default();
        if request.header("x-portkey-cache-force-refresh") == Some("true") {
            return "REFRESH";
        }
        if namespace.is_none() && !config.contains("\"cache\"") {
            return "DISABLED";
        }
        let mut hasher = DefaultHasher::new();
        (namespace, &request.path, &request.body).hash(&mut hasher);
        let mut cached = lock(&self.cached);
        if cached.len() > 1000 {
            cached.clear();
        }
        if cached.insert(hasher.finish()) { "MISS" } else { "HIT" }
    }
}

/// An answer of the Responses API, whose models all reason.
fn response_to(request: &Recorded, number: u64, text: Option<String>, wire: &Wire) -> Result<Answer, Refusal> {
    let body = request.json();
    strict::responses::check(&body).map_err(Refusal::from)?;
    let usual = Wire { reasoning: Reasoning::Content, ..*wire };
    let reply = chat::Reply::to(&responses::chat(&body), number, text, &usual)?;
    let answer = responses::answer(&reply.whole(), &body);
    if body["stream"] != true || wire.never_streams {
        return Ok(Answer::Json(answer));
    }
    let mut events = responses::events(&answer);
    if !wire.finish {
        events.pop();
    }
    Ok(Answer::Responses(events))
}

/// How the reasoning of a model shows, at its provider or at the gateway without strict OpenAI compliance (`in_blocks`).
fn shown(family: Option<&Family>, body: &Value, in_blocks: bool) -> Reasoning {
    let Some(family) = family else { return Reasoning::AsAsked };
    let is_asked = family.is_thinking(body) || body["reasoning_effort"].as_str().is_some_and(|effort| effort != "none");
    match family.maker {
        Maker::OpenAi => Reasoning::AsAsked,
        Maker::DeepSeek | Maker::Moonshot | Maker::Anthropic if strict::is_routed(body) && is_asked => {
            Reasoning::Details
        }
        Maker::DeepSeek | Maker::Moonshot => Reasoning::Content,
        Maker::Anthropic | Maker::Google if in_blocks && is_asked => {
            Reasoning::Blocks { signed: family.maker == Maker::Anthropic }
        }
        Maker::Anthropic | Maker::Google => Reasoning::Hidden,
    }
}

fn headers_of(request: &Recorded) -> String {
    request.headers.iter().map(|(name, value)| format!("{name}: {value}\n")).collect()
}

/// Locks, also after a panic of another holder: what is kept here is whole at any time.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
