//! The routes: each reads a request, calls the provider, and writes its answer.

use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use once_cell::race::OnceBox;
use serde_json::{Value, json};

use crate::access::{self, Caller};
use crate::bindings::openclaw::provider::types::Connection;
use crate::bindings::openclaw::provider::{
    audio as provider_audio, chat as provider_chat, embeddings as provider_embeddings, images as provider_images,
    models, onboarding,
};
use crate::bindings::wasi::clocks::wall_clock;
use crate::bindings::wasi::config::store;
use crate::bindings::wasi::http::types::Method;
use crate::failure::{Failure, request_id};
use crate::http::{Answer, Request};
use crate::settings::Settings;
use crate::{audio, chat, embeddings, images};

/// What is the same for every request.
struct Setup {
    settings: Settings,
    connection: Connection,
}

/// Made once an instance: the configuration does not change while one lives.
fn setup() -> Result<&'static Setup, Box<Failure>> {
    static SETUP: OnceBox<Result<Setup, Box<Failure>>> = OnceBox::new();
    SETUP.get_or_init(|| Box::new(configure())).as_ref().map_err(Clone::clone)
}

fn configure() -> Result<Setup, Box<Failure>> {
    let wrong = |what: String| Failure::new(503, "not_configured", format!("The gateway is not configured: {what}"));
    let pairs = store::get_all().map_err(|_| wrong("its host's wasi:config/store failed".to_owned()))?;
    let settings = Settings::read(&pairs).map_err(wrong)?;
    let descriptor = onboarding::describe();
    let document = settings.document(&descriptor.id);
    let connection = onboarding::resolve_connection(&document, &settings.held(&descriptor));
    let connection = connection.map_err(|error| wrong(Failure::from(error).message))?;
    Ok(Setup { settings, connection })
}

/// Answers a request.
pub(crate) fn serve(request: Request, answer: Answer) {
    match route(&request).and_then(|handler| handler(&request)) {
        Ok(Response::Stream(stream)) => stream.send(answer),
        Ok(Response::Speech(speech)) => send_speech(&speech, answer),
        Ok(Response::Whole(whole)) => {
            let mut headers = [("content-type", whole.media_type.to_owned())].to_vec();
            headers.extend(request_id(whole.trace_id.as_deref()));
            answer.send(200, headers, &whole.body);
        }
        Err(failure) => {
            let mut headers = failure.headers();
            headers.push(("content-type", "application/json".to_owned()));
            answer.send(failure.status, headers, failure.body().to_string().as_bytes());
        }
    }
    request.discard();
}

type Handler = fn(&Request) -> Result<Response, Box<Failure>>;

fn route(request: &Request) -> Result<Handler, Box<Failure>> {
    let (handler, is_post): (Handler, bool) = match request.path.as_str() {
        "/healthz" => (health, false),
        "/v1/models" => (list, false),
        "/v1/chat/completions" => (complete, true),
        "/v1/images/generations" => (generate, true),
        "/v1/images/edits" => (edit, true),
        "/v1/embeddings" => (embed, true),
        "/v1/audio/speech" => (speak, true),
        "/v1/audio/transcriptions" => (transcribe, true),
        path => {
            let message = format!("There is nothing at {path}; chats go to /v1/chat/completions");
            return Err(Failure::new(404, "not_found", message));
        }
    };
    let allowed = match &request.method {
        Method::Post => is_post,
        Method::Get | Method::Head => !is_post,
        _ => false,
    };
    if allowed {
        return Ok(handler);
    }
    let method = if is_post { "POST" } else { "GET" };
    Err(Failure::new(405, "method_not_allowed", format!("{} takes {method} alone", request.path)))
}

/// The setup, where the caller may call.
fn admitted(request: &Request) -> Result<&'static Setup, Box<Failure>> {
    let setup = setup()?;
    let authority = if setup.settings.allows_loopback { request.authority() } else { None };
    let caller = Caller {
        authorization: request.header("authorization"),
        authority: authority.as_deref(),
        origin: request.header("origin"),
        fetch_site: request.header("sec-fetch-site"),
    };
    access::check(&setup.settings, caller)?;
    Ok(setup)
}

/// An answer in one piece.
struct Whole {
    media_type: &'static str,
    body: Vec<u8>,
    trace_id: Option<String>,
}

fn whole(body: Vec<u8>, trace_id: Option<String>) -> Response {
    Response::Whole(Whole { media_type: "application/json", body, trace_id })
}

fn json(body: &Value) -> Response {
    whole(body.to_string().into_bytes(), None)
}

/// Says whether this instance could serve: it calls nobody, so that a check each second costs nothing.
fn health(_: &Request) -> Result<Response, Box<Failure>> {
    setup().map(|_| json(&json!({"status": "ok"})))
}

fn list(request: &Request) -> Result<Response, Box<Failure>> {
    let setup = admitted(request)?;
    let entries = models::list(&setup.connection)?;
    let data: Vec<Value> = entries
        .into_iter()
        .map(|entry| {
            let owner = entry.provider.unwrap_or_default();
            json!({"id": entry.id, "object": "model", "created": 0, "owned_by": owner})
        })
        .collect();
    Ok(json(&json!({"object": "list", "data": data})))
}

enum Response {
    Whole(Whole),
    Stream(Stream),
    Speech(provider_audio::Speech),
}

struct Stream {
    reply: provider_chat::Reply,
    /// What came first. It is waited for, so that a call which fails at once is answered with its status.
    first: Vec<provider_chat::Event>,
    trace_id: Option<String>,
    chunks: chat::Chunks,
}

fn complete(request: &Request) -> Result<Response, Box<Failure>> {
    let setup = admitted(request)?;
    let call = chat::read(&json_body(request, setup)?)?;
    if !call.stream {
        let mut response = provider_chat::complete(&setup.connection, &call.request)?;
        let trace_id = response.report.trace_id.take();
        return Ok(whole(chat::answer(response, now()), trace_id));
    }
    let reply = provider_chat::stream(&setup.connection, &call.request)?;
    let trace_id = reply.report().trace_id;
    let first = reply.next()?;
    Ok(Response::Stream(Stream { reply, first, trace_id, chunks: chat::Chunks::new(now(), call.include_usage) }))
}

impl Stream {
    /// Each batch of events goes out before the next is waited for.
    fn send(mut self, answer: Answer) {
        let mut headers = [("content-type", "text/event-stream; charset=utf-8"), ("cache-control", "no-cache")]
            .map(|(name, value)| (name, value.to_owned()))
            .to_vec();
        headers.extend(request_id(self.trace_id.as_deref()));
        let Some(body) = answer.open(200, headers) else { return };
        let mut next = Ok(self.first);
        loop {
            let mut out = Vec::new();
            let is_over = match next {
                Ok(events) if events.is_empty() => {
                    self.chunks.end(&mut out);
                    out.extend_from_slice(chat::DONE);
                    true
                }
                Ok(events) => {
                    self.chunks.push(events, &mut out);
                    false
                }
                Err(error) => {
                    self.chunks.end(&mut out);
                    out.extend(chat::error_event(&Failure::from(error)));
                    true
                }
            };
            // A caller that is gone ends the provider's request too: the reply is dropped.
            if body.write(&out).and_then(|()| body.flush()).is_err() {
                return;
            }
            if is_over {
                return body.finish();
            }
            next = self.reply.next();
        }
    }
}

fn generate(request: &Request) -> Result<Response, Box<Failure>> {
    let setup = admitted(request)?;
    let call = images::generation(&json_body(request, setup)?)?;
    Ok(drawn(provider_images::generate(&setup.connection, &call)?))
}

fn edit(request: &Request) -> Result<Response, Box<Failure>> {
    let setup = admitted(request)?;
    let content_type = request.header("content-type").unwrap_or_default();
    let images::Edit { request: call, inputs, mask } =
        images::edit(content_type, &request.body(setup.settings.max_request)?)?;
    Ok(drawn(provider_images::edit(&setup.connection, &call, &inputs, mask.as_ref())?))
}

fn drawn(mut response: provider_images::Response) -> Response {
    let trace_id = response.report.trace_id.take();
    whole(images::answer(response, now()), trace_id)
}

fn embed(request: &Request) -> Result<Response, Box<Failure>> {
    let setup = admitted(request)?;
    let call = embeddings::read(&json_body(request, setup)?)?;
    let mut response = provider_embeddings::embed(&setup.connection, &call.request)?;
    let trace_id = response.report.trace_id.take();
    Ok(whole(embeddings::answer(&response, call.base64), trace_id))
}

fn transcribe(request: &Request) -> Result<Response, Box<Failure>> {
    let setup = admitted(request)?;
    let content_type = request.header("content-type").unwrap_or_default();
    let call = audio::transcription(content_type, &request.body(setup.settings.max_request)?)?;
    let mut transcript = provider_audio::transcribe(&setup.connection, &call.request)?;
    let trace_id = transcript.report.trace_id.take();
    let (media_type, body) = audio::answer(transcript, call.is_plain);
    Ok(Response::Whole(Whole { media_type, body, trace_id }))
}

fn speak(request: &Request) -> Result<Response, Box<Failure>> {
    let setup = admitted(request)?;
    let call = audio::speech(&json_body(request, setup)?)?;
    Ok(Response::Speech(provider_audio::speak(&setup.connection, &call)?))
}

/// Each piece goes out before the next is waited for. Speech that breaks off leaves its answer without an end, which a caller
/// sees.
fn send_speech(speech: &provider_audio::Speech, answer: Answer) {
    let mut headers = [("content-type", speech.media_type())].to_vec();
    headers.extend(request_id(speech.report().trace_id.as_deref()));
    let Some(body) = answer.open(200, headers) else { return };
    loop {
        match speech.next() {
            Ok(bytes) if bytes.is_empty() => return body.finish(),
            // A caller that is gone ends the provider's request too: the speech is dropped.
            Ok(bytes) if body.write(&bytes).and_then(|()| body.flush()).is_ok() => {}
            _ => return,
        }
    }
}

fn json_body(request: &Request, setup: &Setup) -> Result<Vec<u8>, Box<Failure>> {
    let is_json =
        request.header("content-type").is_some_and(|kind| kind.to_ascii_lowercase().starts_with(b"application/json"));
    if !is_json {
        return Err(Failure::new(415, "unsupported_media_type", "The body must be application/json"));
    }
    request.body(setup.settings.max_request)
}

/// Seconds since 1970.
fn now() -> u64 {
    wall_clock::now().seconds
}
