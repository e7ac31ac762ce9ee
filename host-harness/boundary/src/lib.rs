//! The boundary between a host and a provider component, as policy alone: where a component may call ([`origin`]), what of the
//! configuration it sees and may change ([`view`]), what is a secret ([`secret_names`]), what `${NAME}` refers to
//! ([`references`]), how secrets are masked in what comes back ([`redact`]), and how `openclaw.json` is read and edited without
//! losing a comment ([`json5`], [`edit`]).
//!
//! It reads no file, opens no connection and knows neither wasmtime nor a provider: each of these is a function of its
//! arguments, tested and fuzzed as such. `openclaw/src` keeps the same rules in JavaScript, and the tests of both read
//! `tests/fixtures/boundary`.

pub mod edit;
mod error;
pub mod inline;
pub mod json5;
pub mod origin;
pub mod redact;
pub mod references;
pub mod secret_names;
pub mod view;

pub use error::{Error, Result};
