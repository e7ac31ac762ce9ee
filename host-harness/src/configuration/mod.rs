//! What the user configures: OpenClaw's file (`config`, `includes`, `known_keys`, `value_shapes`, `entry`, `agent`, `model_ref`, `model_params`), where it is (`locations`),
//! variables (`environment`, `dotenv`), how either is written (`write`, `lock`), secrets (`secrets`, `credentials`,
//! `keyring`), and what overrides any of it (`setup`, `overrides`, `call_options`), and what is wrong with it (`findings`).

pub(crate) mod agent;
pub(crate) mod call_options;
pub(crate) mod config;
pub(crate) mod credentials;
pub(crate) mod dotenv;
pub(crate) mod entry;
pub(crate) mod environment;
mod findings;
pub(crate) mod includes;
#[cfg(feature = "keyring")]
pub(crate) mod keyring;
pub(crate) mod known_keys;
pub(crate) mod locations;
pub(crate) mod lock;
pub(crate) mod model_params;
pub(crate) mod model_ref;
mod overrides;
pub(crate) mod secrets;
pub(crate) mod setup;
pub(crate) mod value_shapes;
pub(crate) mod write;
