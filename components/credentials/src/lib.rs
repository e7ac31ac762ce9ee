//! The component that stands between a provider and the network. It takes the provider's requests as `wasi:http` does,
//! and adds the secrets to those that go to the configured origin, the only one that is called: so no other component of a
//! composition ever holds one. `../README.md` says how it is configured.
//!
//! What it never does: follow a redirect, send anything to another scheme, host or port, or let a secret out through
//! anything that the provider or the front can read.

#![cfg_attr(target_family = "wasm", no_std)]

extern crate alloc;
extern crate component_runtime as _;

#[cfg(target_family = "wasm")]
mod bindings;
#[cfg(target_family = "wasm")]
mod convert;
#[cfg(target_family = "wasm")]
mod http;
pub mod origin;
pub mod settings;
#[cfg(target_family = "wasm")]
mod store;
