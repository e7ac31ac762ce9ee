//! The interfaces of the WIT, as Rust types and calls, generated from `wit/`. What they share is in [`crate::types`].
//!
//! A debug print of a generated record names its fields as the WIT does, `tool-choice`: the generator has no other way.
//!
//! The folder is a copy of the project's, so that a package of this crate holds it. A test, `xtask/tests/wit.rs`, compares
//! the two.

pub use generated::exports::openclaw::provider::{audio, chat, embeddings, images, models, onboarding, prices};

/// Only the exports: the imports, `wasi:http` and `wasi:io`, have their own implementations.
mod generated {
    #![allow(missing_docs, unreachable_pub, reason = "the WIT documents each item; bindgen carries over only some")]

    wasmtime::component::bindgen!({
        path: "wit",
        interfaces: "
            export openclaw:provider/onboarding@0.2.0;
            export openclaw:provider/models@0.2.0;
            export openclaw:provider/chat@0.2.0;
            export openclaw:provider/images@0.2.0;
            export openclaw:provider/embeddings@0.2.0;
            export openclaw:provider/audio@0.2.0;
            export openclaw:provider/prices@0.2.0;
        ",
        exports: { default: async },
        with: { "openclaw:provider/types@0.2.0": crate::types },
        additional_derives: [PartialEq],
    });
}
