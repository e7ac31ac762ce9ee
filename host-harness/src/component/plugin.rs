//! A provider component, compiled and linked, and its calls without network: its description and its setup.

use std::{fmt, path::Path, sync::Arc, time::Duration};

use boundary::{aliases, excerpt, merge_check, model_name::split_profile, view::View};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use super::{
    cache::Cache,
    descriptor,
    engine::{Compiled, Engine, Linked, Live, within},
    interfaces::Interfaces,
};
use crate::{
    configuration::setup::Setup,
    error::{Error, Result},
    file::read_file,
    limits::Clock,
    network::egress::Egress,
    types::{Connection, ErrorKind},
    wit::{
        audio,
        onboarding::{Choices, Descriptor, Finding},
    },
};

/// A loaded component. Cheap to clone: it is compiled once.
#[derive(Clone)]
pub struct Plugin(Arc<Loaded>);

struct Loaded {
    engine: Engine,
    linked: Linked,
    descriptor: Descriptor,
    /// Those of a connection that nothing is configured for, once they were needed.
    headers: OnceCell<Vec<(String, String)>>,
    digest: String,
}

impl fmt::Debug for Plugin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plugin").field("id", &self.0.descriptor.id).field("digest", &self.0.digest).finish()
    }
}

const HINT: &str = "`host-harness validate` says what is wrong with a component.";

impl Plugin {
    /// Loads a component from a file.
    ///
    /// # Errors
    /// Where the file cannot be read or is larger than it may be, is no component, does not export the provider world of
    /// this version, or imports more than `wasi:http` and `wasi:io`: `invalid-config`, with what to do.
    pub async fn load(engine: &Engine, path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let wasm = read_file(path, engine.limits.component).map_err(|error| {
            Error::config(format!("cannot read the component `{}`: {error}", path.display()))
                .hint("Build it with `make component`, take it from a release, or name another file.")
        })?;
        Self::from_bytes(engine, &wasm).await.map_err(|error| match error.kind() {
            ErrorKind::InvalidConfig => {
                Error::config(format!("`{}` is not a provider this host can run: {error}", path.display()))
                    .hint(error.record().hint.as_deref().unwrap_or(HINT))
            }
            _ => error,
        })
    }

    /// Loads a component from memory.
    pub async fn from_bytes(engine: &Engine, wasm: &[u8]) -> Result<Self> {
        let compiled = engine.compile(wasm).await?;
        Self::of(engine, compiled).await
    }

    pub(crate) async fn of(engine: &Engine, compiled: Compiled) -> Result<Self> {
        let linked = engine.link(&compiled.component).map_err(|error| {
            // The linker names one thing that it lacks, in its own words.
            let findings = Interfaces::of(&compiled.component).findings;
            if findings.is_empty() {
                return Error::config(format!("{error:#}"));
            }
            Error::config(findings.join("; ")).hint(
                "A provider is built for wasm32-wasip2 against wit/ of this version, and without what asks for more, such as \
                 Rust's std: see docs/write-a-provider.md.",
            )
        })?;
        let mut live = engine.instantiate(&linked, None, engine.clock(None)).await?;
        // One of other types is refused now and not at a call.
        live.models().and(live.chat().map(drop)).and(live.images().map(drop))?;
        if linked.0.embeddings.is_some() {
            live.embeddings()?;
        }
        if linked.0.audio.is_some() {
            live.audio()?;
        }
        if linked.0.prices.is_some() {
            live.prices()?;
        }
        let onboarding = live.onboarding()?;
        let descriptor = within(engine.clock(None), onboarding.call_describe(&mut live.store)).await;
        let descriptor = descriptor.map_err(|error| error.told_of("onboarding.describe"))?;
        let findings = descriptor::refused(&descriptor);
        if !findings.is_empty() {
            return Err(Error::config(findings.join("; ")));
        }
        Ok(Self(Arc::new(Loaded {
            engine: engine.clone(),
            linked,
            descriptor,
            headers: OnceCell::new(),
            digest: compiled.digest,
        })))
    }

    /// Who the provider is, which credentials it declares, what it defaults to.
    pub fn descriptor(&self) -> &Descriptor {
        &self.0.descriptor
    }

    /// Whether it makes vectors of texts: the interface `embeddings` of the WIT, which a provider may leave out.
    pub fn has_embeddings(&self) -> bool {
        self.0.linked.0.embeddings.is_some()
    }

    /// Whether it speaks and transcribes: the interface `audio` of the WIT, which a provider may leave out.
    pub fn has_audio(&self) -> bool {
        self.0.linked.0.audio.is_some()
    }

    /// Whether it can tell what models cost: the interface `prices` of the WIT, which a provider may leave out.
    pub fn has_prices(&self) -> bool {
        self.0.linked.0.prices.is_some()
    }

    /// The model that makes vectors where a request names none.
    /// `unsupported` where the plugin exports no `embeddings`.
    pub async fn embedding_model(&self) -> Result<String> {
        let mut live = self.instantiate().await?;
        let embeddings = live.embeddings()?;
        self.within_limit(embeddings.call_default_model(&mut live.store)).await
    }

    /// The models, the voice and the format of speech and transcripts where a request names none.
    /// `unsupported` where the plugin exports no `audio`.
    pub async fn audio_defaults(&self) -> Result<audio::Defaults> {
        let mut live = self.instantiate().await?;
        let audio = live.audio()?;
        self.within_limit(audio.call_describe(&mut live.store)).await
    }

    /// SHA-256 of the component's file, in hexadecimal.
    pub fn digest(&self) -> &str {
        &self.0.digest
    }

    /// This provider's entries under `models.providers` of `config`, and the names that they are written with: any case is
    /// taken for the provider's id. Of several the first wins.
    pub fn entries<'a>(&self, config: &'a Value) -> Vec<(&'a str, &'a Value)> {
        excerpt::entries(config, &self.descriptor().id)
    }

    /// `config` with this provider merged in. See the WIT, `onboarding.apply-provider-config`.
    ///
    /// # Errors
    /// Where the configuration holds a value that cannot be merged with, or the plugin writes outside its part.
    pub async fn apply_provider_config(&self, config: &Value, choices: &Choices) -> Result<Value> {
        self.merge(config, choices, false).await
    }

    /// The same, and the provider's model becomes the default model where none is chosen yet.
    pub async fn apply_config(&self, config: &Value, choices: &Choices) -> Result<Value> {
        self.merge(config, choices, true).await
    }

    async fn merge(&self, config: &Value, choices: &Choices, as_default: bool) -> Result<Value> {
        let id = &self.descriptor().id;
        let view = View::of(config, id);
        let mut live = self.instantiate().await?;
        let onboarding = live.onboarding()?;
        let json = view.json();
        let answer = if as_default {
            self.within_limit(onboarding.call_apply_config(&mut live.store, &json, choices)).await?
        } else {
            self.within_limit(onboarding.call_apply_provider_config(&mut live.store, &json, choices)).await?
        };
        let mut merged = view.merge_back(config, id, &answer?)?;
        aliases::leave_out_taken_aliases(config, &mut merged, id);
        let [had, has] = [config, &merged].map(|config| config.pointer("/agents/defaults"));
        let named = choices.model.as_ref().map(|model| format!("{id}/{model}")).filter(|_| had != has);
        if let Some((asked, Some(profile))) = named.as_deref().map(split_profile) {
            return Err(Error::config(format!(
                "OpenClaw takes `@{profile}` at the end of a model's name for a profile, and asks for `{asked}`"
            ))
            .hint("Write the whole name into `agents.defaults.models` with an `alias`, and name that as the default model."));
        }
        let descriptor = self.descriptor();
        let owner = merge_check::Owner {
            id,
            default_base_url: &descriptor.default_base_url,
            key_variables: descriptor
                .credentials
                .iter()
                .flat_map(|credential| &credential.env_vars)
                .map(|name| &**name)
                .collect(),
        };
        let chosen = merge_check::Choices {
            base_url: choices.base_url.as_deref(),
            api_key_reference: choices.api_key_reference.as_deref(),
        };
        merge_check::check(config, &merged, &owner, &chosen)?;
        Ok(merged)
    }

    /// What is wrong or doubtful in `config`, as far as this provider is concerned.
    pub async fn lint(&self, config: &Value) -> Result<Vec<Finding>> {
        let view = View::of(config, &self.descriptor().id);
        let mut live = self.instantiate().await?;
        let onboarding = live.onboarding()?;
        self.within_limit(onboarding.call_lint(&mut live.store, &view.json())).await
    }

    /// All that is wrong or doubtful in the configuration and in what was given beside it, as far as this provider is concerned:
    /// what this host would refuse, and what the plugin finds. Nothing is called.
    pub async fn lint_setup(&self, mut setup: Setup) -> Result<Vec<Finding>> {
        // Of an option that is wrong, the plugin finds more below.
        let overridden = self.headers_of(&setup, self.clock(None)).await.unwrap_or_default();
        let mut findings = setup.findings(self.descriptor(), &overridden);
        findings.extend(self.lint(&setup.config).await?);
        Ok(findings)
    }

    /// The names of the headers that the options given in `setup` become. Only the plugin knows.
    pub(crate) async fn headers_of(&self, setup: &Setup, clock: Clock) -> Result<Vec<String>> {
        if setup.options.is_empty() {
            return Ok(Vec::new());
        }
        let id = &self.descriptor().id;
        let with = json!({"plugins": {"entries": {(id): {"config": setup.options}}}});
        let with = self.headers(&View::for_calls(&with, id, &setup.references())?.json(), clock).await?;
        let without = self.0.headers.get_or_try_init(|| self.headers("{}", clock)).await?;
        Ok(with.into_iter().filter(|header| !without.contains(header)).map(|(name, _)| name).collect())
    }

    /// The headers that the plugin makes of a configuration, with every credential held.
    async fn headers(&self, config: &str, clock: Clock) -> Result<Vec<(String, String)>> {
        let held: Vec<String> = self.descriptor().credentials.iter().map(|credential| credential.id.clone()).collect();
        Ok(self.resolve(config, &held, clock).await?.headers)
    }

    /// The connection that a configuration describes. See the WIT, `onboarding.resolve-connection`.
    pub(crate) async fn resolve(&self, config: &str, held: &[String], clock: Clock) -> Result<Connection> {
        let mut live = self.start(None, clock).await?;
        let onboarding = live.onboarding()?;
        Ok(within(clock, onboarding.call_resolve_connection(&mut live.store, config, held)).await??)
    }

    /// For a pure call: without a way out.
    async fn instantiate(&self) -> Result<Live> {
        self.start(None, self.clock(None)).await
    }

    pub(crate) async fn start(&self, egress: Option<Arc<Egress>>, clock: Clock) -> Result<Live> {
        self.0.engine.instantiate(&self.0.linked, egress, clock).await
    }

    async fn within_limit<T>(&self, call: impl Future<Output = wasmtime::Result<T>>) -> Result<T> {
        within(self.clock(None), call).await
    }

    /// For a call that is to be over within `whole`, where that is said.
    pub(crate) fn clock(&self, whole: Option<Duration>) -> Clock {
        self.0.engine.clock(whole)
    }

    /// The user's cache folder, where there is one.
    pub(crate) fn cache(&self) -> Option<&Cache> {
        self.0.engine.cache()
    }

    pub(crate) fn limits(&self) -> &crate::limits::Limits {
        &self.0.engine.limits
    }
}
