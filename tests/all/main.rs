//! Tests across the pieces: the built component in the real host, before the stand-in and before the real Portkey
//! gateway. One binary, so that wasmtime is linked once. Nothing here is skipped because something is missing.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, helpers included"
)]
#![allow(unreachable_pub, reason = "a test binary has no outside")]

mod audio;
mod budgets;
mod chat_command;
mod cli;
mod component;
mod config_file;
mod defaults;
mod docs;
mod doctor;
mod embedder;
mod embeddings;
mod examples;
mod fault_server;
mod faults;
mod gateway;
mod growth;
mod hosted_errors;
mod hostile;
mod house;
mod http2_faults;
mod image_command;
#[cfg(target_os = "linux")]
mod keyring;
mod links;
mod lint_command;
mod live;
mod look;
mod models_command;
mod onboarding;
mod openclaw_config;
mod portkey_gateway;
mod prices;
mod providers;
mod raw_server;
mod recording;
mod reliability;
mod requests;
mod responses;
mod rig;
mod second_provider;
mod secrets;
mod session;
mod soak;
mod steering;
mod support;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod system_calls;
mod terminal;
mod tls;
#[cfg(target_os = "linux")]
mod tool_command;
mod transport;
mod versions;
mod wizard;
