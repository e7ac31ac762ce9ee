//! The calls: each puts a request together, sends it, and reads the answer. What goes into either is the business of
//! the modules it calls; how it travels is `http`'s.

use alloc::vec::Vec;
use core::cell::RefCell;

use crate::bindings::exports::openclaw::provider as exports;
use crate::bindings::openclaw::provider::types::{Connection, GatewayReport, Media};
use openclaw_provider_guest::http::{Body, Request};

use crate::call::{self, Accept};
use crate::error::Result;
use crate::{answer, http, images, inline, models, request, stream};

/// Largest whole answer of chat and of the model listing.
const MAX_ANSWER: usize = 16 * 1024 * 1024;
/// Largest answer that holds images.
const MAX_IMAGES_ANSWER: usize = 64 * 1024 * 1024;

const COMPLETIONS: &str = "/chat/completions";
const JSON: &str = "application/json";

pub(crate) fn models(connection: &Connection) -> Result<Vec<exports::models::Entry>> {
    let mut listing = models::Listing::default();
    while let Some(path) = listing.next_path() {
        let (head, body) = http::fetch(call::get(connection, &path)?, b"", MAX_ANSWER).map_err(models::refused)?;
        listing.push(&head, &body)?;
    }
    Ok(listing.into_entries())
}

pub(crate) fn complete(connection: &Connection, asked: &exports::chat::Request) -> Result<exports::chat::Response> {
    let body = request::body(connection, asked, false)?;
    let call = call::post(connection, COMPLETIONS, Accept::Json, JSON)?;
    let (head, body) = http::fetch(call, body.as_bytes(), MAX_ANSWER)?;
    answer::response(&head, &body)
}

pub(crate) fn stream(connection: &Connection, asked: &exports::chat::Request) -> Result<Reply> {
    let body = request::body(connection, asked, true)?;
    let call = call::post(connection, COMPLETIONS, Accept::Events, JSON)?;
    let answer = http::open(call, body.as_bytes())?;
    let report = answer.head.report();
    let is_document = answer.head.is_document();
    let mut state = State { reply: stream::Reply::new(answer.head), body: Some(answer.body) };
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

impl Reply {
    pub(crate) fn report(&self) -> GatewayReport {
        self.report.clone()
    }

    pub(crate) fn next(&self) -> Result<Vec<exports::chat::Event>> {
        let mut state = self.state.borrow_mut();
        loop {
            if let Some(taken) = state.reply.take() {
                return taken;
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
    let call = call::post(connection, "/images/generations", Accept::Json, JSON)?;
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
    let call = call::post(&edit.connection, "/images/edits", Accept::Json, &edit.content_type)?;
    draw(call, &edit.body, &edit.model, images::EDIT_FAILED)
}

fn draw(call: Request, body: &[u8], model: &str, failed: &str) -> Result<exports::images::Response> {
    let draw = || {
        let answer = http::open(call, body)?;
        let mut drawn = inline::Answer::new(answer.announced().min(MAX_IMAGES_ANSWER));
        http::each(&answer, MAX_IMAGES_ANSWER, |piece| drawn.push(&piece))?;
        images::response(&answer.head, drawn, model)
    };
    draw().map_err(|error| images::failed(failed, error))
}
