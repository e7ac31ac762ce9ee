//! Runs a provider plugin, a WebAssembly component of the world `openclaw:provider/provider`, without handing it keys.
//!
//! Load a [`Plugin`] into an [`Engine`]; connect it with a [`Setup`] to get a [`Provider`]; call the provider. The
//! plugin says which credentials it needs ([`wit::onboarding::Credential`]). The host finds them and attaches them only
//! to requests for the configured [`Origin`]. The plugin sees no secret, in no header, body, error or log.
//!
//! This crate knows no particular provider, and has no command line: the program `host-harness` is the package
//! `host-harness-cli`, the suite for providers is `host-harness-check`, and the stand-in gateway `host-harness-stub`;
//! `host-harness-rig` makes models of the agent library rig of a [`Provider`].
//! The feature `keyring` reads keys from the system's keyring.
//!
//! ```no_run
//! use host_harness::{Engine, Environment, Event, Limits, Plugin, Prompt, Provider, Setup};
//!
//! # async fn run() -> Result<(), host_harness::Error> {
//! // Once for a process: the engine, and a plugin compiled or taken from the cache. `Provider::load` is short for all of it.
//! let plugin = Plugin::load(&Engine::new(Limits::default())?, "portkey_provider.wasm").await?;
//!
//! // The configuration says where to call; the key is found in the environment, and stays in the host.
//! let config = serde_json::json!({"models": {"providers": {"portkey": {"timeoutSeconds": 60}}}});
//! let provider = Provider::connect(&plugin, Setup::new(config).environment(Environment::process())).await?;
//!
//! // Each call runs in an instance of its own.
//! let mut reply = provider.stream(Prompt::user("@openai/gpt-5-mini", "Tell me of ships")).await?;
//! while let Some(events) = reply.next().await? {
//!     for event in events {
//!         if let Event::Text(text) = event {
//!             print!("{text}");
//!         }
//!     }
//! }
//! # Ok(()) }
//! ```

/// The Rust blocks of these pages compile as they stand.
#[cfg(doctest)]
mod pages {
    #[doc = include_str!("../../README.md")]
    mod readme {}
    #[doc = include_str!("../../docs/embed.md")]
    mod embed {}
}

#[doc(hidden)]
pub mod bench;
mod calls;
mod component;
mod configuration;
mod error;
mod file;
mod image_kind;
mod limits;
mod nearest;
mod network;
pub mod types;
pub mod wit;

pub use boundary::origin::Origin;
pub use calls::{
    provider::Provider,
    reply::{Joined, Reply},
    speech::Speech,
    tool_loop::{Conversation, StopReason, Stopped, ToolError, ToolLimits},
};
pub use component::{
    engine::Engine,
    interfaces::WIT_VERSION,
    plugin::Plugin,
    validate::{Validation, validate},
};
#[cfg(feature = "keyring")]
pub use configuration::keyring::Keyring;
pub use configuration::{
    call_options::CallOptions,
    config::ConfigFile,
    credentials::Credentials,
    environment::{CredentialSource, Environment},
    setup::Setup,
};
pub use error::{Error, Result};
pub use limits::Limits;
pub use types::{ErrorKind, ErrorOrigin, Media};
pub use wit::chat::{Event, Message, Prompt, PromptCache, Request, Response, Tool, ToolCall};

/// OpenClaw's configuration file: where it is, what was written, and which model and which of its settings it names.
pub mod openclaw {
    pub use crate::configuration::{
        includes::Included,
        known_keys::Left,
        locations::Locations,
        model_params::{model_params, with_params},
        model_ref::{
            ChosenModel, DefaultName, ModelRef, ModelSource, chosen_model, default_name, fallbacks, own_model,
            primary_model,
        },
        write::Update,
    };
}

/// What a command line needs beside the calls, such as this project's: files that a user names, words that a user
/// misspells, and a check of the way to the gateway. A program that only makes calls needs none of it.
pub mod command_line {
    pub use boundary::{
        json5,
        references::references,
        secret_json,
        secret_names::{names_a_secret, without_scheme},
    };

    pub use crate::{
        component::validate::manifest_findings,
        configuration::credentials::beside_key,
        file::read_file,
        image_kind::image_kind,
        nearest::nearest,
        network::{destination::Destination, diagnose::Step},
    };
}
