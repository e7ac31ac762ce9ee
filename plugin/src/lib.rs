//! The Portkey AI gateway as a model provider: the component of `../wit`.
//!
//! This file holds only the exports. Everything specific to Portkey is plain functions over bytes, in the modules
//! below; they also compile natively, for their tests. Only `http` sends, and `service` alone calls it and reads the answers.

#![cfg_attr(target_family = "wasm", no_std)]

extern crate alloc;

pub mod answer;
pub mod audio;
mod base64;
pub mod call;
mod config;
pub mod embeddings;
pub mod error;
mod finish;
pub mod form;
mod guardrails;
pub mod headers;
mod http;
mod image_size;
pub mod images;
pub mod lint;
pub mod model_traits;
pub mod models;
pub mod multipart;
mod nearest;
pub mod onboarding;
mod options;
mod parts;
pub mod portkey;
pub mod prices;
pub mod prompt;
pub mod report;
pub mod request;
mod responses;
mod service;
mod signature;
pub mod stream;
mod tags;
mod text;
mod tool_calls;
mod usage;
mod wire;

pub use openclaw_provider_guest::{bindings, url};
pub use portkey_hot::sse;
use portkey_hot::{json, pattern};

use alloc::string::String;
use alloc::vec::Vec;

use bindings::exports::openclaw::provider as exports;
use bindings::openclaw::provider::types::{Connection, Error, Media};
use bindings::optional;

/// The component.
#[derive(Debug)]
pub struct Provider;

#[cfg(target_family = "wasm")]
openclaw_provider_guest::export!(Provider);
#[cfg(target_family = "wasm")]
openclaw_provider_guest::export_embeddings!(Provider);
#[cfg(target_family = "wasm")]
openclaw_provider_guest::export_audio!(Provider);
#[cfg(target_family = "wasm")]
openclaw_provider_guest::export_prices!(Provider);

impl exports::onboarding::Guest for Provider {
    fn describe() -> exports::onboarding::Descriptor {
        portkey::descriptor()
    }

    fn apply_provider_config(config_json: String, choices: exports::onboarding::Choices) -> Result<String, Error> {
        onboarding::apply(&config_json, &choices, false).map_err(|error| *error)
    }

    fn apply_config(config_json: String, choices: exports::onboarding::Choices) -> Result<String, Error> {
        onboarding::apply(&config_json, &choices, true).map_err(|error| *error)
    }

    fn lint(config_json: String) -> Vec<exports::onboarding::Finding> {
        lint::document(&config_json)
    }

    fn resolve_connection(config_json: String, held_credentials: Vec<String>) -> Result<Connection, Error> {
        onboarding::resolve(&config_json, &held_credentials).map_err(|error| *error)
    }
}

impl exports::models::Guest for Provider {
    fn traits_of(id: String) -> exports::models::Traits {
        model_traits::shown(&id)
    }

    fn list(connection: Connection) -> Result<Vec<exports::models::Entry>, Error> {
        service::models(&connection).map_err(|error| *error)
    }
}

impl exports::chat::Guest for Provider {
    type Reply = service::Reply;

    fn body(connection: Connection, request: exports::chat::Request) -> Result<String, Error> {
        request::body(&connection, &request, true).map(|body| body.json).map_err(|error| *error)
    }

    fn complete(connection: Connection, request: exports::chat::Request) -> Result<exports::chat::Response, Error> {
        service::complete(&connection, &request).map_err(|error| *error)
    }

    fn stream(connection: Connection, request: exports::chat::Request) -> Result<exports::chat::Reply, Error> {
        service::stream(&connection, &request).map(exports::chat::Reply::new).map_err(|error| *error)
    }
}

impl exports::images::Guest for Provider {
    fn generate(connection: Connection, request: exports::images::Request) -> Result<exports::images::Response, Error> {
        service::generate(&connection, &request).map_err(|error| *error)
    }

    fn edit(
        connection: Connection,
        request: exports::images::Request,
        inputs: Vec<Media>,
        mask: Option<Media>,
    ) -> Result<exports::images::Response, Error> {
        service::edit(&connection, &request, inputs, mask).map_err(|error| *error)
    }
}

impl optional::embeddings::Guest for Provider {
    fn default_model() -> String {
        portkey::EMBEDDING_MODEL.into()
    }

    fn embed(
        connection: Connection,
        request: optional::embeddings::Request,
    ) -> Result<optional::embeddings::Response, Error> {
        service::embed(&connection, &request).map_err(|error| *error)
    }
}

impl optional::prices::Guest for Provider {
    fn price_of(
        connection: Connection,
        id: String,
        provider: Option<String>,
    ) -> Result<Option<optional::prices::Price>, Error> {
        service::price(&connection, &id, provider.as_deref()).map_err(|error| *error)
    }
}

impl optional::audio::Guest for Provider {
    type Speech = service::Speech;

    fn describe() -> optional::audio::Defaults {
        audio::defaults()
    }

    fn speak(
        connection: Connection,
        request: optional::audio::SpeechRequest,
    ) -> Result<optional::audio::Speech, Error> {
        service::speak(&connection, &request).map(optional::audio::Speech::new).map_err(|error| *error)
    }

    fn transcribe(
        connection: Connection,
        request: optional::audio::TranscriptionRequest,
    ) -> Result<optional::audio::Transcript, Error> {
        service::transcribe(&connection, request).map_err(|error| *error)
    }
}
