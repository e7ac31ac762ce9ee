//! Generated from `wit/`: the types and the calls of a provider component. Nothing is written by hand here;
//! what the interfaces share is in [`crate::types`].
//!
//! Only the exports are generated. The imports, `wasi:http` and `wasi:io`, have their own implementations.

#![allow(missing_docs, reason = "the WIT documents each item; bindgen carries over only some")]

wasmtime::component::bindgen!({
    path: "../wit",
    interfaces: "
        export openclaw:provider/onboarding@0.2.0;
        export openclaw:provider/models@0.2.0;
        export openclaw:provider/chat@0.2.0;
        export openclaw:provider/images@0.2.0;
        export openclaw:provider/embeddings@0.2.0;
        export openclaw:provider/audio@0.2.0;
    ",
    exports: { default: async },
    with: { "openclaw:provider/types@0.2.0": crate::types },
    additional_derives: [PartialEq],
});
