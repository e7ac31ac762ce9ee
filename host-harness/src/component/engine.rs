//! The wasmtime engine of a process, and one instance of a component for one call. Owns isolation and limits; `plugin`
//! and `provider` own the calls.

use std::{sync::Arc, time::Duration};

use sha2::{Digest, Sha256};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wasmtime::{
    Enabled, InstanceAllocationStrategy, PoolingAllocationConfig, Store, StoreContextMut, Trap,
    component::{Component, ComponentExportIndex, Instance, InstancePre, Linker, Resource, ResourceTable, TypedFunc},
};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use super::{
    cache::{Cache, hex},
    interfaces::{AUDIO, CHAT, EMBEDDINGS, PRICES, full_name},
};
use crate::{
    error::{Error, Result},
    limits::{Clock, Limits, MemoryLeft},
    network::{
        egress::Egress,
        wasi_error::body_error_code,
        wasi_hooks::{Hooks, Refusals},
    },
    types::{self, Connection, ErrorKind},
    wit::{audio, chat, embeddings, images, models, onboarding, prices},
};

/// How often a component that computes gives way to its time limit and to other tasks.
const TICK: Duration = Duration::from_millis(10);

/// Requests, bodies, headers and the like that one instance may hold. Each is memory of the host's.
const HANDLES: usize = 1000;

/// Core instances, and tables, that one instance of a component may consist of. Ours takes three and two.
const PARTS: u32 = 16;

/// Memories that one instance of a component may have: one for each component that it is composed of.
const MEMORIES: u32 = 4;

/// Bytes of a memory, or of a table, that are wiped for the next instance instead of being given back to the system, if
/// they were used.
const RESIDENT: usize = 512 << 10;

/// Runs components. One for a process, since compiled code and limits belong to it; cheap to clone.
///
/// ```no_run
/// # async fn run() -> Result<(), host_harness::Error> {
/// let engine = host_harness::Engine::new(host_harness::Limits::default())?;
/// let plugin = host_harness::Plugin::load(&engine, "portkey_provider.wasm").await?;
/// println!("{}", plugin.descriptor().label);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Engine {
    wasmtime: wasmtime::Engine,
    linker: Arc<Linker<State>>,
    cache: Option<Cache>,
    /// A permit for each instance that may live.
    instances: Arc<Semaphore>,
    pub(crate) limits: Limits,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("limits", &self.limits).field("cache", &self.cache).finish_non_exhaustive()
    }
}

impl Engine {
    /// An engine that keeps compiled components in the user's cache folder.
    ///
    /// # Errors
    /// Where this processor or system cannot run WebAssembly, or [`Limits::instances`] is 0.
    pub fn new(limits: Limits) -> Result<Self> {
        if limits.instances == 0 {
            return Err(Error::config("`Limits::instances` is 0, so every call would wait in vain"));
        }
        let unusable = |error: wasmtime::Error| {
            Error::host(ErrorKind::Unsupported, "this system cannot run WebAssembly").source(error)
        };
        let limits = limits.countable();
        let wasmtime = wasmtime(&limits).map_err(unusable)?;

        let weak = wasmtime.weak();
        std::thread::Builder::new()
            .name("wasm-ticker".into())
            .spawn(move || {
                while let Some(engine) = weak.upgrade() {
                    engine.increment_epoch();
                    drop(engine);
                    std::thread::sleep(TICK);
                }
            })
            .map_err(|error| Error::host(ErrorKind::Other, "could not start a thread").source(error))?;

        let linker = Arc::new(linker(&wasmtime).map_err(unusable)?);
        let instances = Arc::new(Semaphore::new(limits.instances as usize));
        Ok(Self { linker, wasmtime, cache: Cache::open(), instances, limits })
    }

    /// For a call that is to be over within `whole`, where that is said.
    pub(crate) fn clock(&self, whole: Option<Duration>) -> Clock {
        Clock::start(self.limits.call, whole)
    }

    /// How many instances of components live: one for each call under way and each reply that is not over. A number
    /// for the metrics of an embedder.
    pub fn instances(&self) -> usize {
        (self.limits.instances as usize).saturating_sub(self.instances.available_permits())
    }

    /// From the cache where it is there: that takes less than a millisecond, and a third of one more on a thread of its own.
    /// Else beside the calls: it may take seconds, and a component that the compiler cannot stand must not end the host.
    pub(crate) async fn compile(&self, wasm: &[u8]) -> Result<Compiled> {
        let unusable = |error: wasmtime::Error| {
            Error::config(format!("it does not compile: {error:#}")).hint(
                "The file is damaged, or made for another kind of host: build it again, or take it from its release.",
            )
        };
        if wasm.len() as u64 > self.limits.component {
            return Err(Error::config(format!("it is larger than {} bytes", self.limits.component)));
        }
        refuse_others(wasm)?;
        let digest = hex(&Sha256::digest(wasm));
        if let Some(component) = self.cache.as_ref().and_then(|cache| cache.load(&self.wasmtime, &digest)) {
            return Ok(Compiled { component, digest });
        }
        let (engine, cache, wasm) = (self.wasmtime.clone(), self.cache.clone(), wasm.to_vec());
        let compiling = tokio::task::spawn_blocking(move || {
            let component = Component::new(&engine, &wasm)?;
            if let Some(cache) = cache {
                cache.keep(&component, &digest);
            }
            Ok(Compiled { component, digest })
        });
        match tokio::time::timeout(self.limits.compile, compiling).await {
            Ok(compiled) => compiled.map_err(|error| unusable(error.into()))?.map_err(unusable),
            Err(_) => {
                let limit = self.limits.compile.as_secs_f32();
                Err(Error::host(ErrorKind::Timeout, format!("the component took longer than {limit} s to compile"))
                    .hint("A provider compiles in seconds: this is not one, or the machine is very busy."))
            }
        }
    }

    pub(crate) fn link(&self, component: &Component) -> wasmtime::Result<Linked> {
        let pre = self.linker.instantiate_pre(component)?;
        Ok(Linked(Arc::new(Parts {
            onboarding: onboarding::GuestIndices::new(&pre)?,
            models: models::GuestIndices::new(&pre)?,
            chat: chat::GuestIndices::new(&pre)?,
            complete: complete(pre.component())?,
            images: images::GuestIndices::new(&pre)?,
            embeddings: optional(&pre, EMBEDDINGS, embeddings::GuestIndices::new)?,
            audio: optional(&pre, AUDIO, audio::GuestIndices::new)?,
            prices: optional(&pre, PRICES, prices::GuestIndices::new)?,
            pre,
        })))
    }

    /// The user's cache folder, where there is one.
    pub(crate) fn cache(&self) -> Option<&Cache> {
        self.cache.as_ref()
    }

    /// A new instance, for one call and no other: what one call leaves behind, no other sees. To start it may already
    /// run code of the component, and so is bounded as a call is.
    pub(crate) async fn instantiate(&self, linked: &Linked, egress: Option<Arc<Egress>>, clock: Clock) -> Result<Live> {
        let permit = within(clock, async { Ok(Arc::clone(&self.instances).acquire_owned().await?) });
        let permit = permit.await.map_err(|error| match error.kind() {
            ErrorKind::Timeout => {
                let most = self.limits.instances;
                Error::host(ErrorKind::Timeout, format!("none of the {most} instances became free in time"))
                    .hint("Make fewer calls at once, end the streams that are open, or raise `Limits::instances`.")
            }
            _ => error,
        })?;
        let mut http = WasiHttpCtx::new();
        http.set_field_size_limit(self.limits.response_head.saturating_mul(2));
        let mut table = ResourceTable::new();
        table.set_max_capacity(HANDLES);
        let refused = Refusals::default();
        let hooks = Hooks::new(egress, &self.limits, refused.clone());
        let state = State { table, http, hooks, memory: MemoryLeft(self.limits.memory) };
        let mut store = Store::new(&self.wasmtime, state);
        store.limiter(|state| &mut state.memory);
        // What it hands over is copied, and can be many times what is in its memory: strings may overlap.
        store.set_hostcall_fuel(self.limits.memory);
        // A component that computes yields at each tick, so that tokio's timers bound it as they bound its waiting.
        store.set_epoch_deadline(1);
        store.epoch_deadline_async_yield_and_update(1);
        let instance = within(clock, linked.0.pre.instantiate_async(&mut store)).await?;
        Ok(Live { store, instance, linked: linked.clone(), refused, _permit: permit })
    }
}

/// Refuses what does not begin as a component does: wasmtime's parser would describe it byte by byte.
fn refuse_others(wasm: &[u8]) -> Result<()> {
    match wasm.get(..8) {
        Some([0, b'a', b's', b'm', _, _, 1, 0]) => Ok(()),
        Some([0, b'a', b's', b'm', ..]) => {
            Err(Error::config("it is a core WebAssembly module, not a component: build it for wasm32-wasip2")
                .hint("docs/write-a-provider.md shows how a provider is built."))
        }
        _ => Err(Error::config("it is not a WebAssembly file").hint("Name the `.wasm` file of a provider.")),
    }
}

/// A component, compiled.
pub(crate) struct Compiled {
    pub(crate) component: Component,
    /// SHA-256 of its file, in hexadecimal.
    pub(crate) digest: String,
}

/// A component, ready to be started: what it imports is linked, and what it exports is found.
#[derive(Clone)]
pub(crate) struct Linked(pub(super) Arc<Parts>);

pub(super) struct Parts {
    pre: InstancePre<State>,
    onboarding: onboarding::GuestIndices,
    models: models::GuestIndices,
    chat: chat::GuestIndices,
    complete: ComponentExportIndex,
    images: images::GuestIndices,
    pub(super) embeddings: Option<embeddings::GuestIndices>,
    pub(super) audio: Option<audio::GuestIndices>,
    pub(super) prices: Option<prices::GuestIndices>,
}

/// A whole reply. See the WIT, `chat.complete`.
pub(crate) type Complete<'a> =
    TypedFunc<(&'a Connection, &'a chat::Request), (std::result::Result<chat::Response, types::Error>,)>;

/// Where that function is.
fn complete(component: &Component) -> wasmtime::Result<ComponentExportIndex> {
    let chat = component.get_export_index(None, full_name(CHAT));
    let complete = chat.and_then(|chat| component.get_export_index(Some(&chat), "complete"));
    complete.ok_or_else(|| wasmtime::format_err!("it does not export {} complete", full_name(CHAT)))
}

/// The functions of an interface that a component may leave out.
fn optional<I>(
    pre: &InstancePre<State>,
    interface: &str,
    indices: impl FnOnce(&InstancePre<State>) -> wasmtime::Result<I>,
) -> wasmtime::Result<Option<I>> {
    pre.component().get_export_index(None, full_name(interface)).map(|_| indices(pre)).transpose()
}

/// An instance, for one call. Its functions are looked up and their types compared as they are needed: for all of them
/// that takes longer than to start the instance.
pub(crate) struct Live {
    pub(crate) store: Store<State>,
    instance: Instance,
    linked: Linked,
    pub(crate) refused: Refusals,
    /// Dropped last, when there is room again.
    _permit: OwnedSemaphorePermit,
}

impl Live {
    pub(crate) fn onboarding(&mut self) -> Result<onboarding::Guest> {
        self.linked.0.onboarding.load(&mut self.store, &self.instance).map_err(failed)
    }

    pub(crate) fn models(&mut self) -> Result<models::Guest> {
        self.linked.0.models.load(&mut self.store, &self.instance).map_err(failed)
    }

    pub(crate) fn chat(&mut self) -> Result<chat::Guest> {
        self.linked.0.chat.load(&mut self.store, &self.instance).map_err(failed)
    }

    /// The one function of [`chat`](Self::chat) that a call for a whole reply needs: to compare the types of all five takes
    /// longer than to start the instance.
    pub(crate) fn complete<'a>(&mut self) -> Result<Complete<'a>> {
        self.instance.get_typed_func(&mut self.store, self.linked.0.complete).map_err(failed)
    }

    pub(crate) fn images(&mut self) -> Result<images::Guest> {
        self.linked.0.images.load(&mut self.store, &self.instance).map_err(failed)
    }

    pub(crate) fn embeddings(&mut self) -> Result<embeddings::Guest> {
        let indices = self.linked.0.embeddings.as_ref().ok_or_else(|| not_exported(EMBEDDINGS))?;
        indices.load(&mut self.store, &self.instance).map_err(failed)
    }

    pub(crate) fn audio(&mut self) -> Result<audio::Guest> {
        let indices = self.linked.0.audio.as_ref().ok_or_else(|| not_exported(AUDIO))?;
        indices.load(&mut self.store, &self.instance).map_err(failed)
    }

    pub(crate) fn prices(&mut self) -> Result<prices::Guest> {
        let indices = self.linked.0.prices.as_ref().ok_or_else(|| not_exported(PRICES))?;
        indices.load(&mut self.store, &self.instance).map_err(failed)
    }
}

/// A call of an interface that the component leaves out.
fn not_exported(interface: &str) -> Error {
    Error::host(ErrorKind::Unsupported, format!("the provider does not export {}", full_name(interface)))
        .hint("This plugin cannot do that: use another one for it.")
}

/// What all instances share. Memory for them is reserved once and used again, which is worth a half of what it costs to
/// start one; where a system has no room for that, each instance asks for its own.
fn wasmtime(limits: &Limits) -> wasmtime::Result<wasmtime::Engine> {
    let mut config = wasmtime::Config::new();
    // Neither is in use, and each costs every instance a little.
    config.epoch_interruption(true).concurrency_support(false);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(limits.instances)
        .total_stacks(limits.instances)
        // So that no component takes what others are to run in.
        .max_core_instances_per_component(PARTS)
        .total_core_instances(limits.instances.saturating_mul(PARTS))
        .max_tables_per_module(PARTS)
        .max_tables_per_component(PARTS)
        .total_tables(limits.instances.saturating_mul(PARTS))
        .max_memories_per_module(MEMORIES)
        .max_memories_per_component(MEMORIES)
        .total_memories(limits.instances.saturating_mul(MEMORIES))
        .linear_memory_keep_resident(RESIDENT)
        .table_keep_resident(RESIDENT)
        .pagemap_scan(Enabled::Auto);
    config.allocation_strategy(pool);
    wasmtime::Engine::new(&config).or_else(|error| {
        tracing::debug!(%error, "no room for a pool of instances");
        wasmtime::Engine::new(config.allocation_strategy(InstanceAllocationStrategy::OnDemand))
    })
}

/// A call's answer, unless it takes longer than it may, traps, or uses more than it may.
pub(crate) async fn within<T>(clock: Clock, call: impl Future<Output = wasmtime::Result<T>>) -> Result<T> {
    let (limit, left) = clock.limit();
    match tokio::time::timeout(left, call).await {
        Ok(answer) => answer.map_err(failed),
        Err(_) => Err(Error::host(ErrorKind::Timeout, format!("the call took longer than {} s", limit.as_secs_f32()))
            .hint("The host ended it. Raise the limit if the model needs more time.")),
    }
}

/// The component failed in a way that its interface has no word for.
fn failed(error: wasmtime::Error) -> Error {
    if is_out_of_memory(&error) {
        return Error::host(ErrorKind::Other, "the system gives the plugin no memory to run in")
            .hint("A memory of the plugin takes 4 GiB of address space, though little of it is used: raise the limit (ulimit -v), or free memory.")
            .source(error);
    }
    // Its stack is for the plugin's author: where the component has names, those of the functions that ran.
    tracing::debug!("the plugin failed: {error:?}");
    let cause = error.root_cause().to_string();
    let reason = match error.downcast_ref() {
        // All that is left of a panic without Rust's std.
        Some(Trap::UnreachableCodeReached) => "it panicked, or came to an `unreachable` instruction",
        _ => cause.lines().next().unwrap_or("no reason given"),
    };
    Error::host(ErrorKind::Other, format!("the plugin failed: {reason}"))
        .hint("This is a fault of the plugin, or a limit of the host that it ran into; other calls are not affected.")
        .source(error)
}

/// Whether the host itself was refused memory or addresses: no fault of the plugin's.
fn is_out_of_memory(error: &wasmtime::Error) -> bool {
    error.chain().any(|cause| {
        #[cfg(unix)]
        if cause.downcast_ref() == Some(&rustix::io::Errno::NOMEM) {
            return true;
        }
        cause.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::OutOfMemory)
    })
}

/// `wasi:http` and `wasi:io`, and nothing else: what is not here, no component can ask for.
fn linker(engine: &wasmtime::Engine) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi_io::add_to_linker_async(&mut linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
    // In the place of its own, which has no answer. The version is that of its WIT.
    linker.allow_shadowing(true);
    linker.instance("wasi:http/types@0.2.12")?.func_wrap(
        "http-error-code",
        |store: StoreContextMut<'_, State>, (error,): (Resource<wasmtime::Error>,)| {
            Ok((body_error_code(store.data().table.get(&error)?),))
        },
    )?;
    Ok(linker)
}

/// What belongs to one instance.
pub(crate) struct State {
    table: ResourceTable,
    http: WasiHttpCtx,
    hooks: Hooks,
    memory: MemoryLeft,
}

impl wasmtime_wasi_io::IoView for State {
    fn table(&mut self) -> &mut ResourceTable {
        &mut self.table
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { ctx: &mut self.http, table: &mut self.table, hooks: &mut self.hooks }
    }
}
