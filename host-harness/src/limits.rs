//! How much a plugin may use. Owns the numbers and their defaults; the engine, the calls and the egress enforce them.

use std::time::Duration;

/// What one call may use. Each default is generous for real work and deadly for none: an embedder with many calls at
/// once lowers `memory`.
///
/// ```
/// let limits = host_harness::Limits { memory: 64 << 20, ..Default::default() };
/// assert_eq!(limits.concurrent_requests, 8);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Linear memory and tables of one instance, in bytes. Default: 512 MiB, enough for four large images in and out.
    pub memory: usize,
    /// Wall-clock time of one call, and of opening a stream. Default: 10 minutes, as image models take minutes.
    pub call: Duration,
    /// Wall-clock time between two batches of a stream. Default: 5 minutes.
    pub stream_idle: Duration,
    /// Time for a connection to stand, name lookup included, TLS not. Default: 10 seconds.
    pub connect: Duration,
    /// Body of one HTTP response, in bytes. Default: 256 MiB.
    pub response_body: u64,
    /// Head of one HTTP response, in bytes. Default: 64 KiB.
    pub response_head: usize,
    /// HTTP requests that one call may have open at once. Default: 8.
    pub concurrent_requests: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory: 512 << 20,
            call: Duration::from_secs(600),
            stream_idle: Duration::from_secs(300),
            connect: Duration::from_secs(10),
            response_body: 256 << 20,
            response_head: 64 << 10,
            concurrent_requests: 8,
        }
    }
}
