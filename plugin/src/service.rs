//! The calls: each builds a request, sends it, and reads the answer. The modules that it calls own their content, and
//! `http` owns the transport.

use alloc::string::String;
use alloc::vec::Vec;
use core::cell::RefCell;

use openclaw_provider_guest::http::{Body, Request};

use crate::bindings::exports::openclaw::provider as exports;
use crate::bindings::openclaw::provider::types::{Connection, Error, GatewayReport, Media};
use crate::bindings::optional;
use crate::call::{self, JSON};
use crate::error::Result;
use crate::{answer, audio, embeddings, http, images, models, portkey, prices, request, stream};

/// Largest whole answer of chat and of the model listing.
const MAX_ANSWER: usize = 16 * 1024 * 1024;
/// Largest answer that holds images or vectors. 2,048 vectors of 3,072 numbers take 33 MB in base64.
const MAX_LARGE_ANSWER: usize = 64 * 1024 * 1024;

pub(crate) fn models(connection: &Connection) -> Result<Vec<exports::models::Entry>> {
    let mut listing = models::Listing::default();
    while let Some(path) = listing.next_path() {
        let (head, body) = http::fetch(call::get(connection, &path)?, b"", MAX_ANSWER).map_err(models::refused)?;
        listing.push(&head, &body)?;
    }
    Ok(listing.into_entries())
}

pub(crate) fn complete(connection: &Connection, asked: &exports::chat::Request) -> Result<exports::chat::Response> {
    let request = request::body(connection, asked, false)?;
    let call = call::post(connection, request.path, JSON, JSON)?;
    let (head, body) = http::fetch(call, request.json.as_bytes(), MAX_ANSWER)?;
    let mut response = answer::response(head, &body, request.offers_tools)?;
    for part in &mut response.content {
        if let exports::chat::AssistantPart::ToolCall(call) = part {
            request::restore(&mut call.name, &request.renamed);
        }
    }
    Ok(response)
}

pub(crate) fn stream(connection: &Connection, asked: &exports::chat::Request) -> Result<Reply> {
    let body = request::body(connection, asked, true)?;
    let call = call::post(connection, body.path, "text/event-stream", JSON)?;
    let answer = http::open(call, body.json.as_bytes())?;
    let report = answer.head.report();
    let is_document = answer.head.is_document();
    let reply = stream::Reply::new(answer.head).offers_tools(body.offers_tools);
    let mut state = State { reply, body: Some(answer.body), renamed: body.renamed };
    // An error is told at once. Some send events under this media type too: the first byte tells.
    while is_document && state.body.is_some() && !state.reply.is_stream() {
        state.read();
    }
    match state.reply.refusal() {
        Some(error) => Err(error),
        None => Ok(Reply { report, state: RefCell::new(state) }),
    }
}

/// A streamed reply. Dropping it ends its request.
#[derive(Debug)]
pub struct Reply {
    report: GatewayReport,
    state: RefCell<State>,
}

#[derive(Debug)]
struct State {
    reply: stream::Reply,
    /// Gone as soon as the reply is over, and its connection with it.
    body: Option<Body>,
    renamed: request::Renamed,
}

impl State {
    /// Reads a piece of the body.
    fn read(&mut self) {
        match self.body.as_ref().map_or(Ok(None), Body::read) {
            Ok(Some(bytes)) => self.reply.push(&bytes),
            Ok(None) => self.reply.close(None),
            Err(failure) => self.reply.close(Some(http::failed(failure))),
        }
        if self.reply.is_over() {
            self.body = None;
        }
    }
}

impl exports::chat::GuestReply for Reply {
    fn report(&self) -> GatewayReport {
        self.report.clone()
    }

    fn next(&self) -> core::result::Result<Vec<exports::chat::Event>, Error> {
        let mut state = self.state.borrow_mut();
        loop {
            if let Some(taken) = state.reply.take() {
                let mut events = taken.map_err(|error| *error)?;
                for event in &mut events {
                    if let exports::chat::Event::ToolCall(exports::chat::ToolCallDelta { name: Some(name), .. }) = event
                    {
                        request::restore(name, &state.renamed);
                    }
                }
                return Ok(events);
            }
            state.read();
        }
    }
}

pub(crate) fn generate(
    connection: &Connection,
    request: &exports::images::Request,
) -> Result<exports::images::Response> {
    let (model, body) = images::generation(request)?;
    let call = call::post(connection, "/images/generations", JSON, JSON)?;
    draw(call, &body, &model, images::GENERATION_FAILED)
}

pub(crate) fn edit(
    connection: &Connection,
    request: &exports::images::Request,
    inputs: Vec<Media>,
    mask: Option<Media>,
) -> Result<exports::images::Response> {
    let edit = images::edit(connection, request, &inputs, mask.as_ref())?;
    // They are in the body now.
    drop((inputs, mask));
    let call = call::post(&edit.connection, "/images/edits", JSON, &edit.content_type)?;
    draw(call, &edit.body, &edit.model, images::EDIT_FAILED)
}

fn draw(call: Request, body: &[u8], model: &str, failed: &str) -> Result<exports::images::Response> {
    let draw = || {
        let answer = http::open(call::routed(call, model, portkey::IMAGE_MODEL), body)?;
        let mut drawn = images::Answer::new(answer.announced().min(MAX_LARGE_ANSWER));
        http::each(&answer, MAX_LARGE_ANSWER, |piece| drawn.push(&piece))?;
        images::response(&answer.head, drawn, model)
    };
    draw().map_err(|error| images::failed(failed, error))
}

pub(crate) fn embed(
    connection: &Connection,
    request: &optional::embeddings::Request,
) -> Result<optional::embeddings::Response> {
    let (model, body) = embeddings::request(request)?;
    let call = call::routed(call::post(connection, "/embeddings", JSON, JSON)?, &model, portkey::EMBEDDING_MODEL);
    let (head, body) = http::fetch(call, body.as_bytes(), MAX_LARGE_ANSWER)?;
    embeddings::response(&head, &body, request.texts.len(), &model)
}

pub(crate) fn price(
    connection: &Connection,
    id: &str,
    provider: Option<&str>,
) -> Result<Option<optional::prices::Price>> {
    let Some(asked) = prices::Asked::of(connection, id, provider) else { return Ok(None) };
    let ask = |model: &str| match http::fetch(asked.call(connection, model)?, b"", prices::MAX_ANSWER) {
        Ok((_, body)) => Ok(prices::price(&body)),
        // Another kind of gateway, or another edition, or a model that the list does not hold.
        Err(error) if prices::is_none(&error) => Ok(None),
        Err(error) => Err(error),
    };
    if let Some(price) = ask(&asked.model)? {
        return Ok(Some(price));
    }
    // Where the price depends on how much is asked, it is told only where it does not differ.
    let Some([below, above]) = asked.tiers() else { return Ok(None) };
    let price = ask(&below)?;
    Ok(if price.is_some() && price == ask(&above)? { price } else { None })
}

pub(crate) fn transcribe(
    connection: &Connection,
    request: optional::audio::TranscriptionRequest,
) -> Result<optional::audio::Transcript> {
    let form = audio::transcription(connection, &request)?;
    // It is in the body now.
    drop(request);
    let call = call::post(&form.connection, "/audio/transcriptions", JSON, &form.content_type)?;
    let call = call::routed(call, &form.model, portkey::TRANSCRIPTION_MODEL);
    let (head, body) = http::fetch(call, &form.body, MAX_ANSWER)?;
    audio::transcript(&head, &body)
}

pub(crate) fn speak(connection: &Connection, request: &optional::audio::SpeechRequest) -> Result<Speech> {
    let (model, body) = audio::speech(request)?;
    let call = call::routed(call::post(connection, "/audio/speech", "*/*", JSON)?, &model, portkey::SPEECH_MODEL);
    let answer = http::open(call, body.as_bytes())?;
    // Some say in words that they failed, with a status of success.
    let first = answer.body.read().map_err(http::failed)?.unwrap_or_default();
    match audio::media_type(&answer.head, &first) {
        Some(media_type) if !first.is_empty() => {
            let state = Spoken { first: Some(first), body: Some(answer.body) };
            Ok(Speech { media_type, report: answer.head.report(), state: RefCell::new(state) })
        }
        _ => {
            let rest = http::whole(&answer, MAX_ANSWER)?;
            Err(audio::no_audio(&answer.head, &[first, rest].concat()))
        }
    }
}

/// Speech, as it is made. Dropping it ends its request.
#[derive(Debug)]
pub struct Speech {
    media_type: String,
    report: GatewayReport,
    state: RefCell<Spoken>,
}

#[derive(Debug)]
struct Spoken {
    /// What was read to see that it is audio, until it is handed on.
    first: Option<Vec<u8>>,
    /// Gone as soon as the speech is over, and its connection with it.
    body: Option<Body>,
}

impl optional::audio::GuestSpeech for Speech {
    fn media_type(&self) -> String {
        self.media_type.clone()
    }

    fn report(&self) -> GatewayReport {
        self.report.clone()
    }

    fn next(&self) -> core::result::Result<Vec<u8>, Error> {
        let mut state = self.state.borrow_mut();
        if let Some(first) = state.first.take() {
            return Ok(first);
        }
        let read = state.body.as_ref().map_or(Ok(None), Body::read);
        if !matches!(read, Ok(Some(_))) {
            state.body = None;
        }
        read.map(Option::unwrap_or_default).map_err(|failure| *http::failed(failure))
    }
}
