//! What `wit-bindgen` makes of `../..`, the interface between a host and a provider. These are a provider's domain types:
//! it needs no second set.
//!
//! They compile natively too, for tests, where calling an import panics.

#![allow(missing_docs, reason = "the WIT is the documentation; wasi's own items have some without")]
#![allow(clippy::all, unreachable_pub, unused_macros, missing_debug_implementations, reason = "generated")]
#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "generated")]

wit_bindgen::generate!({
    path: "..",
    world: "provider",
    generate_all,
    additional_derives: [PartialEq],
    additional_derives_ignore: ["stream-error"],
    pub_export_macro: true,
    default_bindings_module: "openclaw_provider_guest::bindings",
});
