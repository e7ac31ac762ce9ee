//! What `benches/` and the tests' budgets measure from within: parts of a call that no embedder makes alone. Not for
//! use, and free to change.

pub use crate::bindings::Provider as Guest;
use crate::{Engine, Plugin, Provider, bindings::exports::openclaw::provider::chat, engine::Live, error::Result};

/// Compiles a component, or takes it from the cache. What it gives is loaded until it is dropped.
pub async fn compile(engine: &Engine, wasm: &[u8]) -> Result<impl Sized> {
    engine.compile(wasm).await
}

/// Starts an instance and drops it.
pub async fn instantiate(plugin: &Plugin) -> Result<()> {
    plugin.instantiate(None).await.map(drop)
}

/// One instance for many calls, which the host never does: what is left of a call when it starts none.
#[allow(missing_debug_implementations, reason = "for benches")]
pub struct Warm {
    provider: Provider,
    live: Live,
    chat: chat::Guest,
    calls: usize,
}

impl Warm {
    /// An instance.
    pub async fn new(provider: &Provider) -> Result<Self> {
        let mut live = provider.instantiate().await?;
        Ok(Self { provider: provider.clone(), chat: live.chat()?, live, calls: 0 })
    }

    /// A whole reply.
    pub async fn complete(&mut self, request: &chat::Request) -> Result<chat::Response> {
        // wasmtime-wasi-http 48 keeps the options of each request, of which an instance may hold a thousand.
        self.calls += 1;
        if self.calls.is_multiple_of(500) {
            self.live = self.provider.instantiate().await?;
            self.chat = self.live.chat()?;
        }
        let call = self.chat.call_complete(&mut self.live.store, self.provider.connection(), request);
        self.provider.called(call).await
    }
}
