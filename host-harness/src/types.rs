//! What every capability shares, `openclaw:provider/types` of the WIT: where to call, how a call fails, what it cost.
//!
//! What a host keeps or passes on, an error and what a call cost, serialises, with the names that its fields have here.
//!
//! Written by hand where all else is generated, so that a new kind of error breaks nobody's `match`, a debug print is in
//! Rust's spelling, and what is not known has a default. A type that is not the WIT's is found when a component is loaded.

use std::fmt;

use serde::{Deserialize, Serialize};
use wasmtime::component::{ComponentType, Lift, Lower};

pub use crate::error::kind::{Error, ErrorKind, ErrorOrigin};

/// Tokens that one call used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(record)]
pub struct Usage {
    /// All input tokens, those read from and written to a cache included.
    #[component(name = "input-tokens")]
    pub input_tokens: u64,
    /// All output tokens, reasoning included.
    #[component(name = "output-tokens")]
    pub output_tokens: u64,
    /// Part of `input_tokens` that came from the model provider's prompt cache.
    #[component(name = "cache-read-tokens")]
    pub cache_read_tokens: Option<u64>,
    /// Part of `input_tokens` that was written to the model provider's prompt cache.
    #[component(name = "cache-write-tokens")]
    pub cache_write_tokens: Option<u64>,
    /// Part of `output_tokens` spent on reasoning.
    #[component(name = "reasoning-tokens")]
    pub reasoning_tokens: Option<u64>,
}

/// What the gateway says it did with one call. A field that it did not report is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(record)]
pub struct GatewayReport {
    /// The id by which the gateway's logs know this call.
    #[component(name = "trace-id")]
    pub trace_id: Option<String>,
    /// The model provider that answered.
    pub provider: Option<String>,
    /// The gateway's own cache, in its own words: `HIT`, `MISS`, `DISABLED`, ...
    #[component(name = "cache-status")]
    pub cache_status: Option<String>,
    /// Retries made by the gateway; -1 where all of them were used up in vain.
    #[component(name = "retry-attempts")]
    pub retry_attempts: Option<i32>,
    /// Which target of a routing configuration answered, such as `config.targets[1]`.
    #[component(name = "used-target")]
    pub used_target: Option<String>,
}

/// Bytes and their media type, such as `image/png`.
#[derive(Clone, PartialEq, Eq, ComponentType, Lift, Lower)]
#[component(record)]
pub struct Media {
    /// Such as `image/png`.
    #[component(name = "media-type")]
    pub media_type: String,
    /// All of it.
    pub data: Vec<u8>,
}

impl fmt::Debug for Media {
    /// Without the bytes, which may be millions.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let data = format_args!("[{} bytes]", self.data.len());
        f.debug_struct("Media").field("media_type", &self.media_type).field("data", &data).finish()
    }
}

/// Media carried inline, or where to find it.
#[derive(Clone, Debug, PartialEq, Eq, ComponentType, Lift, Lower)]
#[component(variant)]
pub enum MediaSource {
    /// The bytes.
    #[component(name = "inline")]
    Inline(Media),
    /// Where they are.
    #[component(name = "url")]
    Url(String),
}

/// Where and how to call: what a plugin made of the configuration. It holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, ComponentType, Lift, Lower)]
#[component(record)]
pub struct Connection {
    /// Absolute, without a trailing slash: `https://api.portkey.ai/v1`.
    #[component(name = "base-url")]
    pub base_url: String,
    /// Headers for each request, in order: those that the host attaches are not among them.
    pub headers: Vec<(String, String)>,
    /// Ids of the credentials that the host holds and attaches at its own boundary.
    pub credentials: Vec<String>,
    /// Limit for the connection to stand, in milliseconds.
    #[component(name = "connect-timeout-ms")]
    pub connect_timeout_ms: Option<u64>,
    /// Limit from the request to the head of the answer, in milliseconds.
    #[component(name = "first-byte-timeout-ms")]
    pub first_byte_timeout_ms: Option<u64>,
    /// Limit between two pieces of the answer's body, in milliseconds.
    #[component(name = "idle-timeout-ms")]
    pub idle_timeout_ms: Option<u64>,
    /// What else the plugin needs of the configuration for its calls, as a JSON object in its own terms.
    #[component(name = "options-json")]
    pub options_json: String,
}
