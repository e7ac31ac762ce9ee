//! The bindings that `wit-bindgen` generates from `wit/`, the interface between a host and a provider. Use them as
//! your domain types; a provider needs no second set.
//!
//! They compile natively too, for tests, where calling an import panics.

#![allow(missing_docs, reason = "the WIT is the documentation; wasi's own items have some without")]
#![allow(clippy::all, unreachable_pub, unused_macros, missing_debug_implementations, reason = "generated")]
#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "generated")]

wit_bindgen::generate!({
    path: ".",
    world: "provider",
    generate_all,
    additional_derives: [PartialEq],
    additional_derives_ignore: ["stream-error"],
    pub_export_macro: true,
    default_bindings_module: "openclaw_provider_guest::bindings",
});

/// The interfaces that a provider may leave out.
pub mod optional {
    pub use audio_world::exports::openclaw::provider::audio;
    pub use embeddings_world::exports::openclaw::provider::embeddings;
    pub use prices_world::exports::openclaw::provider::prices;

    #[doc(hidden)]
    pub mod embeddings_world {
        wit_bindgen::generate!({
            path: ".",
            inline: "package openclaw:guest; world embeddings { export openclaw:provider/embeddings@0.2.0; }",
            world: "openclaw:guest/embeddings",
            with: { "openclaw:provider/types@0.2.0": crate::bindings::openclaw::provider::types },
            additional_derives: [PartialEq],
            pub_export_macro: true,
            export_macro_name: "export_embeddings",
            default_bindings_module: "openclaw_provider_guest::bindings::optional::embeddings_world",
        });
    }

    #[doc(hidden)]
    pub mod audio_world {
        wit_bindgen::generate!({
            path: ".",
            inline: "package openclaw:guest; world audio { export openclaw:provider/audio@0.2.0; }",
            world: "openclaw:guest/audio",
            with: { "openclaw:provider/types@0.2.0": crate::bindings::openclaw::provider::types },
            additional_derives: [PartialEq],
            pub_export_macro: true,
            export_macro_name: "export_audio",
            default_bindings_module: "openclaw_provider_guest::bindings::optional::audio_world",
        });
    }
    #[doc(hidden)]
    pub mod prices_world {
        wit_bindgen::generate!({
            path: ".",
            inline: "package openclaw:guest; world prices { export openclaw:provider/prices@0.2.0; }",
            world: "openclaw:guest/prices",
            with: { "openclaw:provider/types@0.2.0": crate::bindings::openclaw::provider::types },
            additional_derives: [PartialEq],
            pub_export_macro: true,
            export_macro_name: "export_prices",
            default_bindings_module: "openclaw_provider_guest::bindings::optional::prices_world",
        });
    }
}
