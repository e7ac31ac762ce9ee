//! The bindings that `wit-bindgen` generates from `../../wit`. They also compile natively, where calling an import
//! panics; only `http` and `routes` do that.

#![allow(missing_docs, reason = "the WIT is the documentation")]
#![allow(clippy::all, unreachable_pub, unused_macros, missing_debug_implementations, reason = "generated")]
#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "generated")]

wit_bindgen::generate!({
    path: ["../../wit", "../wit"],
    world: "openclaw:gateway/front",
    generate_all,
    additional_derives: [PartialEq],
    additional_derives_ignore: ["stream-error"],
    default_bindings_module: "crate::bindings",
});

#[cfg(target_family = "wasm")]
use crate::Front;
#[cfg(target_family = "wasm")]
export!(Front);
