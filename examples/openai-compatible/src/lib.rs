//! A provider for any endpoint that speaks OpenAI's chat completions: chat whole and streamed, and the list of models.
//! It makes no images. `docs/write-a-provider.md` builds it step by step.
//!
//! This file holds the exports; `onboarding` and `chat` are plain functions, and only `http` does I/O.

#![cfg_attr(target_family = "wasm", no_std)]
#![allow(clippy::indexing_slicing, reason = "of JSON alone, where what is missing is null")]

extern crate alloc;

mod bindings;
mod chat;
mod http;
mod onboarding;
#[cfg(target_family = "wasm")]
#[path = "../../../plugin/src/runtime.rs"]
mod runtime;

use alloc::{string::String, vec::Vec};
use core::cell::RefCell;

use bindings::{
    exports::openclaw::provider as exports,
    openclaw::provider::types::{Connection, Error, ErrorKind, ErrorOrigin, GatewayReport, Media},
};
use serde_json::Value;

struct Provider;

impl exports::onboarding::Guest for Provider {
    fn describe() -> exports::onboarding::Descriptor {
        onboarding::descriptor()
    }

    fn apply_provider_config(config_json: String, choices: exports::onboarding::Choices) -> Result<String, Error> {
        onboarding::apply(&config_json, &choices, false)
    }

    fn apply_config(config_json: String, choices: exports::onboarding::Choices) -> Result<String, Error> {
        onboarding::apply(&config_json, &choices, true)
    }

    fn lint(config_json: String) -> Vec<exports::onboarding::Finding> {
        onboarding::lint(&config_json)
    }

    fn resolve_connection(config_json: String, held_credentials: Vec<String>) -> Result<Connection, Error> {
        onboarding::resolve(&config_json, &held_credentials)
    }
}

impl exports::models::Guest for Provider {
    fn traits_of(_: String) -> exports::models::Traits {
        // Which models the endpoint serves is not known here.
        exports::models::Traits {
            family: None,
            context_tokens: None,
            max_output_tokens: None,
            image_input: None,
            document_input: None,
            audio_input: None,
            reasoning: None,
            reasoning_efforts: Vec::new(),
            prompt_cache: None,
            limit_field: None,
            thinking_format: None,
        }
    }

    fn list(connection: Connection) -> Result<Vec<exports::models::Entry>, Error> {
        let listing = http::send(&connection, "/models", None)?.json()?;
        let entries = listing["data"].as_array().into_iter().flatten();
        let entry = |entry: &Value| {
            let provider = entry["owned_by"].as_str().map(Into::into);
            Some(exports::models::Entry { id: entry["id"].as_str()?.into(), provider })
        };
        Ok(entries.filter_map(entry).collect())
    }
}

impl exports::chat::Guest for Provider {
    type Reply = Reply;

    fn body(_: Connection, request: exports::chat::Request) -> Result<String, Error> {
        chat::body(&request, true)
    }

    fn complete(connection: Connection, request: exports::chat::Request) -> Result<exports::chat::Response, Error> {
        let body = chat::body(&request, false)?;
        chat::response(&http::send(&connection, "/chat/completions", Some(body.as_bytes()))?.json()?)
    }

    fn stream(connection: Connection, request: exports::chat::Request) -> Result<exports::chat::Reply, Error> {
        let body = chat::body(&request, true)?;
        let answer = http::send(&connection, "/chat/completions", Some(body.as_bytes()))?;
        let state = State { answer: Some(answer), events: chat::Events::default() };
        Ok(exports::chat::Reply::new(Reply(RefCell::new(state))))
    }
}

/// A streamed reply. Dropping it ends its request.
struct Reply(RefCell<State>);

struct State {
    /// Gone once the reply is over.
    answer: Option<http::Answer>,
    events: chat::Events,
}

impl exports::chat::GuestReply for Reply {
    fn report(&self) -> GatewayReport {
        chat::NO_REPORT
    }

    fn next(&self) -> Result<Vec<exports::chat::Event>, Error> {
        let mut state = self.0.borrow_mut();
        loop {
            let Some(answer) = &state.answer else { return Ok(Vec::new()) };
            let piece = answer.read();
            let events = match piece {
                Ok(Some(bytes)) => state.events.push(&bytes),
                Ok(None) => state.events.close().map(|()| Vec::new()),
                Err(error) => Err(error),
            };
            if events.is_err() || state.events.is_over() {
                state.answer = None;
            }
            match events {
                Ok(events) if events.is_empty() => {}
                events => return events,
            }
        }
    }
}

impl exports::images::Guest for Provider {
    fn generate(_: Connection, _: exports::images::Request) -> Result<exports::images::Response, Error> {
        Err(no_images())
    }

    fn edit(
        _: Connection,
        _: exports::images::Request,
        _: Vec<Media>,
        _: Option<Media>,
    ) -> Result<exports::images::Response, Error> {
        Err(no_images())
    }
}

fn no_images() -> Error {
    error(ErrorKind::Unsupported, ErrorOrigin::Plugin, "This provider makes no images", "Use another provider.")
}

/// An error before anything was sent.
fn error(kind: ErrorKind, origin: ErrorOrigin, message: &str, hint: &str) -> Error {
    Error {
        kind,
        origin,
        message: message.into(),
        hint: Some(hint.into()),
        status: None,
        code: None,
        retry_after_ms: None,
        trace_id: None,
        request_sent: false,
    }
}
