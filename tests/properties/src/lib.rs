//! What must hold for any input, as functions of bytes. `fuzz/targets` feeds them what libFuzzer finds, and the tests here what
//! is in `fuzz/corpus` and what proptest makes up, without a fuzzer.

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
