//! Stands in for the optional interfaces that a provider does not export: every call returns the error `unsupported`.
//! The front imports all interfaces, and so serves a provider that leaves some out.

#![cfg(target_family = "wasm")]
#![no_std]

extern crate alloc;
extern crate component_runtime as _;

pub mod bindings;

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use bindings::exports::openclaw::provider::{audio, embeddings};
use bindings::openclaw::provider::types::{Connection, Error, ErrorKind, ErrorOrigin, GatewayReport};

/// The component.
#[derive(Debug)]
pub struct Filler;

fn unsupported(interface: &str) -> Error {
    Error {
        kind: ErrorKind::Unsupported,
        origin: ErrorOrigin::Host,
        message: format!("The provider behind this gateway does not export openclaw:provider/{interface}"),
        hint: Some("Use another provider for it.".to_owned()),
        status: None,
        code: None,
        retry_after_ms: None,
        trace_id: None,
        request_sent: false,
    }
}

impl embeddings::Guest for Filler {
    fn default_model() -> String {
        String::new()
    }

    fn embed(_: Connection, _: embeddings::Request) -> Result<embeddings::Response, Error> {
        Err(unsupported("embeddings"))
    }
}

impl audio::Guest for Filler {
    type Speech = NoSpeech;

    fn describe() -> audio::Defaults {
        let none = String::new;
        audio::Defaults { speech_model: none(), voice: none(), format: none(), transcription_model: none() }
    }

    fn speak(_: Connection, _: audio::SpeechRequest) -> Result<audio::Speech, Error> {
        Err(unsupported("audio"))
    }

    fn transcribe(_: Connection, _: audio::TranscriptionRequest) -> Result<audio::Transcript, Error> {
        Err(unsupported("audio"))
    }
}

/// Speech that nobody has: there is no way to make one.
#[derive(Debug)]
pub enum NoSpeech {}

impl audio::GuestSpeech for NoSpeech {
    fn media_type(&self) -> String {
        match *self {}
    }

    fn report(&self) -> GatewayReport {
        match *self {}
    }

    fn next(&self) -> Result<Vec<u8>, Error> {
        match *self {}
    }
}
