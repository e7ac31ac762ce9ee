//! What must hold for any input, as functions of bytes. `targets/` feeds them what libFuzzer finds, and the tests of
//! `../plugin` and `../host-harness` what is in `corpus/` and what proptest makes up, without a fuzzer.
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

pub mod answers;
pub mod cost;
pub mod host;
pub mod plugin;

// The host's own source, in small: wasmtime takes ten minutes to build with counters, and nothing here runs it. The
// WIT's types are the component's instead.
use portkey_provider::bindings::openclaw::provider::types;
mod wit {
    pub(crate) use portkey_provider::bindings::exports::openclaw::provider::onboarding;
}

#[allow(dead_code)]
#[path = "../../host-harness/src/config.rs"]
mod config;
#[allow(dead_code)]
#[path = "../../host-harness/src/credentials.rs"]
mod credentials;
#[allow(dead_code)]
#[path = "../../host-harness/src/dotenv.rs"]
mod dotenv;
#[path = "../../host-harness/src/edit.rs"]
mod edit;
#[allow(dead_code)]
#[path = "../../host-harness/src/error.rs"]
mod error;
#[allow(dead_code)]
#[path = "../../host-harness/src/file.rs"]
mod file;
#[allow(dead_code)]
#[path = "../../host-harness/src/includes.rs"]
mod includes;
#[allow(dead_code)]
#[path = "../../host-harness/src/inline.rs"]
mod inline;
#[allow(dead_code)]
#[path = "../../host-harness/src/json5.rs"]
mod json5;
/// There is none: nothing here asks for a key.
#[allow(dead_code)]
mod keyring {
    #[derive(Debug)]
    pub struct Keyring;

    impl Keyring {
        pub(crate) fn get(&self, _: &str, _: &str) -> Option<secrecy::SecretString> {
            None
        }
    }
}
#[allow(dead_code)]
#[path = "../../host-harness/src/locations.rs"]
mod locations;
#[allow(dead_code)]
#[path = "../../host-harness/src/lock.rs"]
mod lock;
#[allow(dead_code)]
#[path = "../../host-harness/src/origin.rs"]
mod origin;
#[allow(dead_code)]
#[path = "../../host-harness/src/redact.rs"]
mod redact;
#[allow(dead_code)]
#[path = "../../host-harness/src/references.rs"]
mod references;
#[allow(dead_code)]
#[path = "../../host-harness/src/secret_names.rs"]
mod secret_names;
#[allow(dead_code)]
#[path = "../../host-harness/src/secrets.rs"]
mod secrets;
#[allow(dead_code)]
#[path = "../../host-harness/src/view.rs"]
mod view;
