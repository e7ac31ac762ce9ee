//! Puts what libFuzzer finds to the properties of `../tests/properties`: `targets/` has a program for each.
//!
//! Each input has a budget of time, and some are grown: see [`cost`].
//!
//! `make fuzz` runs each target for some seconds. What it finds, it leaves in `artifacts/`:
//!
//! ```sh
//! cd fuzz
//! cargo run --release --bin stream artifacts/stream-crash-...                       # once more, with a backtrace
//! cargo run --release --bin stream -- -minimize_crash=1 -runs=10000 artifacts/...   # a smaller one
//! ```
//!
//! A find goes into `corpus/` under a name that says what it is, with the change that mends it. The flags in
//! `.cargo/config.toml` are for the compiler that the project builds with; `cargo fuzz`, with a nightly one, works too.

pub mod cost;
