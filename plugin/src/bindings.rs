//! What `wit-bindgen` makes of `../wit`. The interface's types are this crate's domain types: there is no second set.
//!
//! It also compiles natively, where calling an import panics; only `http` does that.

#![allow(missing_docs, reason = "the WIT is the documentation; wasi's own items have some without")]
#![allow(clippy::all, unreachable_pub, unused_macros, missing_debug_implementations, reason = "generated")]
#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "generated")]

wit_bindgen::generate!({
    path: "../wit",
    world: "full-provider",
    generate_all,
    additional_derives: [PartialEq],
    additional_derives_ignore: ["stream-error"],
    default_bindings_module: "crate::bindings",
});

#[cfg(target_family = "wasm")]
use crate::Provider;
#[cfg(target_family = "wasm")]
export!(Provider);
