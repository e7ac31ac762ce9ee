//! Properties that must hold for any input, as functions of bytes. `fuzz/targets` runs them on libFuzzer's inputs. The
//! tests here run them on `fuzz/corpus` and proptest's inputs, without a fuzzer.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a property fails by panicking"
)]

pub mod corpus;
pub mod host;
pub mod plugin;
