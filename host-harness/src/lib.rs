//! Runs a provider plugin, a WebAssembly component of the world `openclaw:provider/provider`, without handing it keys.
//!
//! A [`Plugin`] is loaded into an [`Engine`]; a plugin and a [`Setup`] make a [`Provider`]; a provider makes calls. The plugin
//! says which credentials it needs ([`wit::onboarding::Credential`]); the host finds them and attaches them to requests
//! for the configured [`Origin`] alone. Neither a header, a body, an error nor a log shows a secret to the plugin.
//!
//! This crate knows nothing of any one provider. The feature `cli`, on by default, is the program `host-harness`; it brings the
//! feature `testing` along, which is the suite (`check`) and the stand-in gateway (`stub`).
//!
//! ```no_run
//! use host_harness::{
//!     Engine, Environment, Limits, Plugin, Provider, Setup,
//!     wit::chat::{Event, Message, Prompt},
//! };
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
//! let request = Prompt::new("@openai/gpt-5-mini", [Message::user("Tell me of ships")]);
//! let mut reply = provider.stream(&request).await?;
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
mod bindings;
mod cache;
mod call_options;
#[cfg(feature = "testing")]
pub mod check;
mod config;
mod credentials;
mod destination;
mod diagnose;
mod dotenv;
mod edit;
mod egress;
mod engine;
mod entry;
mod error;
mod file;
mod includes;
mod inline;
mod json5;
mod keyring;
mod limits;
mod locations;
mod lock;
mod model_ref;
mod openai;
mod origin;
mod pieces;
mod plugin;
#[cfg(test)]
mod properties;
mod provider;
mod proxy;
mod redact;
mod references;
mod reply;
mod request;
mod secret_names;
mod secrets;
mod setup;
mod speech;
#[cfg(feature = "testing")]
pub mod stub;
mod tool_loop;
mod transport;
pub mod types;
mod validate;
mod view;

pub use call_options::CallOptions;
pub use config::{ConfigFile, Update};
pub use credentials::{Environment, Held, Source};
pub use destination::Destination;
pub use diagnose::Step;
pub use engine::Engine;
pub use entry::{Left, nearest};
pub use error::{Error, Result};
pub use file::{image_kind, read_file};
pub use includes::Included;
pub use keyring::Keyring;
pub use limits::Limits;
pub use locations::Locations;
pub use model_ref::{ModelRef, model_params, named_model, own_model, primary_model, with_params};
pub use origin::Origin;
pub use plugin::Plugin;
pub use provider::Provider;
pub use reply::{Joined, Reply};
pub use secret_names::names_a_secret;
pub use setup::Setup;
pub use speech::Speech;
pub use tool_loop::{Conversation, StopReason, Stopped, ToolError, ToolLimits};
pub use types::{ErrorKind, ErrorOrigin};
pub use validate::{Validation, WIT_VERSION, manifest_findings, validate};

/// The interfaces of the WIT, as Rust types.
pub mod wit {
    pub use crate::bindings::exports::openclaw::provider::{audio, chat, embeddings, images, models, onboarding};
}
