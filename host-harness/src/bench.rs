//! What `benches/` and the tests' budgets measure from within: parts of a call that no embedder makes alone. Not for
//! use, and free to change.

use wasmtime::{
    Store,
    component::{Component, Linker},
};

use crate::{
    calls::provider::Provider,
    component::{
        engine::{Engine, Live},
        plugin::Plugin,
    },
    error::Result,
    wit::{chat, images, models, onboarding},
};

/// An instance in an engine of the caller's own, to count what it executes.
#[allow(missing_debug_implementations, missing_docs, reason = "for the tests' budgets")]
pub struct Guest {
    pub onboarding: onboarding::Guest,
    pub models: models::Guest,
    pub chat: chat::Guest,
    pub images: images::Guest,
}

impl Guest {
    /// Starts it.
    pub async fn instantiate_async<T: Send + 'static>(
        store: &mut Store<T>,
        component: &Component,
        linker: &Linker<T>,
    ) -> wasmtime::Result<Self> {
        let pre = linker.instantiate_pre(component)?;
        let instance = pre.instantiate_async(&mut *store).await?;
        Ok(Self {
            onboarding: onboarding::GuestIndices::new(&pre)?.load(&mut *store, &instance)?,
            models: models::GuestIndices::new(&pre)?.load(&mut *store, &instance)?,
            chat: chat::GuestIndices::new(&pre)?.load(&mut *store, &instance)?,
            images: images::GuestIndices::new(&pre)?.load(&mut *store, &instance)?,
        })
    }
}

/// Compiles a component, or takes it from the cache. What it gives is loaded until it is dropped.
pub async fn compile(engine: &Engine, wasm: &[u8]) -> Result<impl Sized> {
    engine.compile(wasm).await
}

/// Starts an instance and drops it.
pub async fn instantiate(plugin: &Plugin) -> Result<()> {
    plugin.start(None, plugin.clock(None)).await.map(drop)
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
