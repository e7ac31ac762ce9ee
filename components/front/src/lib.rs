//! An OpenAI-compatible HTTP endpoint before a provider component: `wasi:http/incoming-handler` out, the provider's
//! interfaces in. `../README.md` says what it serves and how it is configured.
//!
//! The code for OpenAI's wire is plain functions over bytes, which also compile natively, for their tests. Only `http`
//! does I/O, and only `routes` calls the provider. Nothing here is specific to Portkey: any provider of this world
//! works.

#![cfg_attr(target_family = "wasm", no_std)]

extern crate alloc;
extern crate component_runtime as _;

pub mod access;
pub mod audio;
pub mod bindings;
pub mod chat;
pub mod embeddings;
pub mod failure;
mod fields;
mod form;
mod http;
pub mod images;
mod routes;
pub mod settings;

use bindings::exports::wasi::http::incoming_handler::{Guest, IncomingRequest, ResponseOutparam};

/// The component.
#[derive(Debug)]
pub struct Front;

impl Guest for Front {
    fn handle(request: IncomingRequest, answer: ResponseOutparam) {
        routes::serve(http::Request::new(request), http::Answer::new(answer));
    }
}
