//! The policy at the boundary between a host and a provider component: where a component may call ([`origin`]), which
//! part of the configuration is its own ([`excerpt`]), what it sees of that ([`view`]) and may change ([`merge_check`],
//! [`aliases`], [`model_name`]), which values are secret ([`secret_names`]), how
//! `${NAME}` is spelled ([`references`]), how secrets are masked in responses ([`mask`]), and how `openclaw.json` is
//! read and edited without losing a comment ([`json5`], [`edit`]).
//!
//! Everything here is a pure function: no files, no connections, no wasmtime, no particular provider. `openclaw/src`
//! has the same rules in JavaScript, and the tests of both read `tests/fixtures/boundary`.

pub mod aliases;
pub mod edit;
mod error;
pub mod excerpt;
pub mod json5;
pub mod mask;
pub mod merge_check;
pub mod model_name;
pub mod origin;
pub mod references;
pub mod secret_json;
pub mod secret_names;
pub mod view;

pub use error::{Error, Result};
