//! The part of the plugin that runs for each event of a stream. A crate of its own because cargo can set how a crate is
//! optimised, and not a function: this one for speed, all the rest for size (`profile.component`).

#![cfg_attr(target_family = "wasm", no_std)]

extern crate alloc;

pub mod json;
pub mod pattern;
pub mod sse;
