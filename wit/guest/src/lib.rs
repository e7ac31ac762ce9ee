//! What every provider component needs and no provider should write again.
//!
//! - [`bindings`]: the interface of `wit/` as Rust types and traits. Implement the traits, then [`export!`] the type;
//!   where it makes vectors or speech or knows prices, also [`export_embeddings!`], [`export_audio!`] and
//!   [`export_prices!`].
//! - [`http`]: a client over `wasi:http` that gets the details right that are easy to get wrong.
//! - `configuration`: the merge into the host's configuration, by the rules that each provider has to keep.
//! - `openai`: the chat completions API that most services speak. These two need the feature `json`, a default one.
//! - [`sse`]: the lines of a streamed answer.
//! - [`url`]: which base URLs can be called.
//! - On WebAssembly also the runtime: an allocator, a panic handler, and the function by which the host passes memory.
//!   A component without the standard library imports nothing but `wasi:http` and `wasi:io`, which is all that a host
//!   grants it. So begin with `#![no_std]`; no build script and no linker argument is needed.
//!
//! Small functions are marked `#[inline]` so that they are compiled with the component, and as small or fast as it is.
//!
//! The crate knows no provider: no header, path or error of any service is in it. `docs/write-a-provider.md` leads from
//! an empty folder to a provider, and `examples/openai-compatible` is one.

#![cfg_attr(target_family = "wasm", no_std)]

extern crate alloc;
extern crate component_runtime as _;

pub mod bindings;
#[cfg(feature = "json")]
pub mod configuration;
mod defaults;
pub mod http;
#[cfg(feature = "json")]
pub mod openai;
pub mod sse;
pub mod url;

use alloc::borrow::ToOwned;
use alloc::string::String;

use bindings::openclaw::provider::types::{Error, ErrorKind, ErrorOrigin};
pub use bindings::{
    export,
    optional::{audio_world::export_audio, embeddings_world::export_embeddings, prices_world::export_prices},
};

/// An error before anything was sent: a sentence for a person, and what to do about it.
///
/// ```
/// use openclaw_provider_guest::{bindings::openclaw::provider::types::{ErrorKind, ErrorOrigin}, error};
///
/// let error = error(ErrorKind::Unsupported, ErrorOrigin::Plugin, "This makes no images", "Ask for words.");
/// assert!(!error.request_sent);
/// ```
#[inline]
pub fn error(kind: ErrorKind, origin: ErrorOrigin, message: &str, hint: &str) -> Error {
    Error {
        kind,
        origin,
        message: message.to_owned(),
        hint: Some(hint.to_owned()),
        status: None,
        code: None,
        retry_after_ms: None,
        trace_id: None,
        request_sent: false,
    }
}

/// The text on one line, without control characters, cut between two characters at `limit` bytes: words from elsewhere
/// that go into an error's message.
///
/// ```
/// assert_eq!(openclaw_provider_guest::one_line("why\n\t not? never", 8), "why not? …");
/// ```
#[inline]
pub fn one_line(text: &str, limit: usize) -> String {
    let mut out = String::new();
    let is_gap = |character: char| character.is_control() || character.is_whitespace();
    for word in text.split(is_gap).filter(|word| !word.is_empty()) {
        if !out.is_empty() {
            out.push(' ');
        }
        for character in word.chars() {
            if out.len() + character.len_utf8() > limit {
                out.push('…');
                return out;
            }
            out.push(character);
        }
    }
    out
}
