//! Generated from `wit/`: the types and the calls of a provider component. Nothing is written by hand here.
//!
//! Only the exports are generated. The imports, `wasi:http` and `wasi:io`, have their own implementations.

#![allow(missing_docs, reason = "the WIT documents each item; bindgen carries over only some")]

wasmtime::component::bindgen!({
    path: "../wit",
    inline: "
        package openclaw:host@0.1.0;
        world provider {
            export openclaw:provider/onboarding@0.2.0;
            export openclaw:provider/models@0.2.0;
            export openclaw:provider/chat@0.2.0;
            export openclaw:provider/images@0.2.0;
        }
    ",
    world: "openclaw:host/provider",
    exports: { default: async },
    additional_derives: [PartialEq],
});
