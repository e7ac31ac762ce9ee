//! What `wit-bindgen` makes of `../../wit`.

#![allow(missing_docs, reason = "the WIT is the documentation")]
#![allow(clippy::all, unreachable_pub, unused_macros, missing_debug_implementations, reason = "generated")]
#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "generated")]

wit_bindgen::generate!({
    path: ["../../wit", "../wit"],
    world: "openclaw:gateway/filler",
    generate_all,
    default_bindings_module: "crate::bindings",
});

use crate::Filler;
export!(Filler);
