//! The stand-in gateway: an OpenAI-compatible server on the loopback interface, for trying a plugin without a key and
//! for testing one without a network. It plays the hosted Portkey gateway, or the model provider behind a gateway.
//!
//! Replies are computed from the request, so they show what really arrived; a request asks for a fault by name
//! ([`faults()`]). It calls nobody. No answer depends on an earlier request, except the fault `flaky` and the simulated
//! caches. It does not check what only the real service can: slugs and permissions.
//!
//! For models of Anthropic, OpenAI, Google, DeepSeek and Moonshot that it knows, and those of xAI, Mistral, Perplexity and Qwen and at
//! Groq and Cerebras, it refuses what their providers refuse, in their words: a missing output limit, parameters that a model does
//! not take, schemas of tools, thinking and tool calls that do not come back as they must, cache markers in wrong places. The gateway
//! does so with what it would send to the provider.
//!
//! Served under any path that ends in `/v1` and holds no other: `POST chat/completions`, `POST responses`,
//! `POST images/generations`, `POST images/edits`, `POST embeddings`, `POST audio/speech`, `POST audio/transcriptions`, `GET models`, and
//! `GET images/files/…` for images that were asked for by URL. At the root the hosted gateway's price list, which needs no
//! key: `GET /model-configs/pricing/…`. In the role of a provider also Anthropic's `POST messages`, Bedrock's
//! `POST model/…/converse` and Gemini's `POST v1beta/models/…:generateContent`, with their streams.
//!
//! ```
//! use host_harness_stub::{Options, Stub};
//!
//! # async fn example() -> std::io::Result<()> {
//! let stub = Stub::start(Options::default()).await?;
//! println!("listening at {}", stub.base_url());
//! // … requests by a client …
//! for request in stub.requests() {
//!     println!("{} {}", request.method, request.path);
//! }
//! # Ok(()) }
//! ```

#![allow(clippy::indexing_slicing, reason = "only JSON objects are indexed, by name: what is absent reads as null")]

mod audio;
mod cache;
mod chat;
mod computed;
mod connection;
mod embeddings;
mod faults;
mod images;
mod models;
mod native;
mod prices;
mod record;
mod respond;
mod responses;
mod server;
mod strict;
mod translate;
mod wire;

#[cfg(test)]
mod tests;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use std::{fmt, io};

use tokio::sync::oneshot;

pub use self::cache::{Accounted, PromptCache};
pub use self::faults::{Fault, faults};
pub use self::record::{Field, Recorded};
use self::server::Server;

/// The body that Claude gets in the end, as Anthropic's Messages API takes it, of a chat that reached a gateway; `None`
/// where another model is asked or the gateway fails at it. For [`PromptCache::account`].
pub fn for_claude(body: &serde_json::Value) -> Option<serde_json::Value> {
    translate::Sent::of(body).ok()?.for_claude()
}

/// A running stand-in. It has a thread of its own, so it outlives the runtime that started it; when dropped it closes
/// its port and every connection before `drop` returns.
pub struct Stub {
    address: SocketAddr,
    server: Arc<Server>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// How a stand-in behaves.
#[derive(Clone, Debug)]
pub struct Options {
    /// The port on 127.0.0.1; 0 for a free one.
    pub port: u16,
    /// Whom it plays.
    pub role: Role,
    /// Requests without this are answered with 401, in the shape of whom it plays.
    pub require: Option<Credential>,
    /// Between two tokens of a stream.
    pub token_delay: Duration,
    /// Where the fault `redirect` points: an absolute URL. By default `localhost` at this server's port: another
    /// origin, though it leads back here.
    pub redirect: Option<String>,
    /// How many requests are remembered. The oldest are forgotten first.
    pub record: usize,
}

/// Whom a stand-in plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The hosted gateway: model catalog, `x-portkey-*` response headers, its own shape of 401. Unlike the real one it
    /// routes a bare model name too, as for a key with a default configuration, and accepts any slug.
    Hosted,
    /// A model provider, as a gateway's upstream.
    Upstream,
}

/// A header that requests must have. Its value is not shown by `Debug`.
#[derive(Clone)]
pub struct Credential {
    /// The header's name, in any case.
    pub header: String,
    /// The header's whole value.
    pub value: String,
}

impl Stub {
    /// Starts a stand-in on 127.0.0.1.
    ///
    /// # Errors
    /// When the port cannot be bound or a thread cannot be started.
    #[allow(clippy::unused_async, reason = "callers need not know that starting is quick")]
    pub async fn start(options: Options) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, options.port))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let server = Arc::new(Server::new(options, address));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let serving = {
            let _context = runtime.enter();
            Arc::clone(&server).serve(tokio::net::TcpListener::from_std(listener)?)
        };
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new().name("stub".into()).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    _ = serving => {}
                    _ = stopped => {}
                }
            });
            // The runtime ends here, and with it every connection.
        })?;
        Ok(Self { address, server, stop: Some(stop), thread: Some(thread) })
    }

    /// Where a client finds it: `http://127.0.0.1:PORT/v1`.
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What arrived, oldest first, each once its body was read; at most [`Options::record`] requests.
    pub fn requests(&self) -> Vec<Recorded> {
        self.server.requests()
    }

    /// What arrived, and forgets it.
    pub fn take(&self) -> Vec<Recorded> {
        self.server.take()
    }

    /// Forgets what arrived.
    pub fn clear(&self) {
        self.take();
        self.server.take_of_prices();
    }

    /// The requests for prices that arrived, and forgets them. They are not among the others: a client may ask at any time.
    pub fn take_of_prices(&self) -> Vec<Recorded> {
        self.server.take_of_prices()
    }

    /// How many replies their clients did not wait for: the connection was closed while the reply was being written.
    pub fn abandoned(&self) -> u64 {
        self.server.abandoned()
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            port: 0,
            role: Role::Hosted,
            require: None,
            token_delay: Duration::from_millis(30),
            redirect: None,
            record: 1000,
        }
    }
}

impl fmt::Debug for Stub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stub").field("address", &self.address).finish_non_exhaustive()
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential").field("header", &self.header).finish_non_exhaustive()
    }
}
