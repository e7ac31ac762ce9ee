//! The pool of connections to a provider's origin. How many there may be is in `limits.rs`, with how many instances the
//! engine keeps.

use http::uri::Authority;
use hyper_util::{
    client::legacy::Client,
    rt::{TokioExecutor, TokioTimer},
};
use wasmtime_wasi_http::WasiBody;

use super::{destination::Destination, transport::Connector};
use crate::limits::Limits;

/// The pool of TCP and TLS connections to one origin. All calls share it, whatever their own options.
pub(crate) struct Pool {
    pub(crate) destination: Destination,
    /// The origin's, as it stands in a URI.
    pub(super) authority: Option<Authority>,
    pub(super) client: Client<Connector, WasiBody>,
}

impl Pool {
    /// Without a connection yet.
    pub(crate) fn new(destination: Destination, limits: &Limits) -> Self {
        let connector = destination.transport.connector(destination.networks, limits.connect);
        let client = Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .http1_max_buf_size(limits.response_head.max(8192))
            .http2_max_header_list_size(u32::try_from(limits.response_head).unwrap_or(u32::MAX))
            // All calls share one connection of HTTP/2: one that died in silence would take each of them along.
            .http2_keep_alive_interval(limits.connect)
            .http2_keep_alive_timeout(limits.connect)
            .build(connector);
        Self { authority: destination.origin.authority().parse().ok(), destination, client }
    }
}
