//! The part of the plugin that runs for each event of a stream. It is a separate crate because cargo sets optimisation
//! per crate, not per function: this one is optimised for speed, the rest for size (`profile.component`).

#![cfg_attr(target_family = "wasm", no_std)]

extern crate alloc;

pub mod json;
pub mod pattern;
pub mod sse;
