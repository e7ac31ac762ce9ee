//! A provider component, compiled and linked, and its pure calls: who it is, and how it is set up.

use std::{collections::BTreeMap, fmt, sync::Arc};

use secrecy::SecretString;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use wasmtime::Store;

use crate::{
    bindings::{Provider as Guest, ProviderPre},
    cache::hex,
    credentials::{Environment, Held},
    egress::Egress,
    engine::{Engine, State},
    error::{Error, Result},
    provider::Provider,
    types::ErrorKind,
    validate,
    view::View,
    wit::onboarding::{Choices, Descriptor, Finding},
};

/// A loaded component. Cheap to clone: it is compiled once.
#[derive(Clone)]
pub struct Plugin(Arc<Loaded>);

struct Loaded {
    engine: Engine,
    pre: ProviderPre<State>,
    descriptor: Descriptor,
    digest: String,
}

impl fmt::Debug for Plugin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plugin").field("id", &self.0.descriptor.id).field("digest", &self.0.digest).finish()
    }
}

impl Plugin {
    pub(crate) async fn new(engine: &Engine, wasm: &[u8]) -> Result<Self> {
        let unusable = |error: wasmtime::Error| Error::config(format!("{error:#}"));
        let component = engine.compile(wasm).await.map_err(unusable)?;
        let pre = engine.link(&component).map_err(unusable)?;
        let (mut store, guest) = engine.instantiate(&pre, None).await?;
        let describe = guest.openclaw_provider_onboarding().call_describe(&mut store);
        let descriptor = within(engine.limits.call, describe).await?;
        let findings = validate::descriptor(&descriptor);
        if !findings.is_empty() {
            return Err(Error::config(findings.join("; ")));
        }
        let digest = hex(&Sha256::digest(wasm));
        Ok(Self(Arc::new(Loaded { engine: engine.clone(), pre, descriptor, digest })))
    }

    /// Who the provider is, which credentials it declares, what it defaults to.
    pub fn descriptor(&self) -> &Descriptor {
        &self.0.descriptor
    }

    /// SHA-256 of the component's file, in hexadecimal.
    pub fn digest(&self) -> &str {
        &self.0.digest
    }

    /// `config` with this provider merged in. See the WIT, `onboarding.apply-provider-config`.
    ///
    /// # Errors
    /// Where the configuration holds a value that cannot be merged with, or the plugin writes outside its part.
    pub async fn apply_provider_config(&self, config: &Value, choices: &Choices) -> Result<Value> {
        self.merge(config, choices, false).await
    }

    /// The same, and the provider's model becomes the default model where none is chosen yet.
    ///
    /// # Errors
    /// As for [`Plugin::apply_provider_config`].
    pub async fn apply_config(&self, config: &Value, choices: &Choices) -> Result<Value> {
        self.merge(config, choices, true).await
    }

    async fn merge(&self, config: &Value, choices: &Choices, as_default: bool) -> Result<Value> {
        let id = &self.descriptor().id;
        let view = View::of(config, id);
        let (mut store, guest) = self.instantiate(None).await?;
        let onboarding = guest.openclaw_provider_onboarding();
        let json = view.json();
        let answer = if as_default {
            self.within_limit(onboarding.call_apply_config(&mut store, &json, choices)).await?
        } else {
            self.within_limit(onboarding.call_apply_provider_config(&mut store, &json, choices)).await?
        };
        let merged = view.merge_back(config, id, &answer?)?;
        view.check(config, &merged, self.descriptor(), choices)?;
        Ok(merged)
    }

    /// What is wrong or doubtful in `config`, as far as this provider is concerned.
    ///
    /// # Errors
    /// Where the plugin fails.
    pub async fn lint(&self, config: &Value) -> Result<Vec<Finding>> {
        let view = View::of(config, &self.descriptor().id);
        let (mut store, guest) = self.instantiate(None).await?;
        self.within_limit(guest.openclaw_provider_onboarding().call_lint(&mut store, &view.json())).await
    }

    /// The plugin, ready to call with what `setup` holds. No network yet.
    ///
    /// # Errors
    /// A missing credential, a wrong configuration, a base URL that may not be called.
    pub async fn connect(&self, setup: Setup) -> Result<Provider> {
        Provider::new(self.clone(), setup).await
    }

    pub(crate) async fn instantiate(&self, egress: Option<Arc<Egress>>) -> Result<(Store<State>, Guest)> {
        self.0.engine.instantiate(&self.0.pre, egress).await
    }

    pub(crate) async fn within_limit<T>(&self, call: impl Future<Output = wasmtime::Result<T>>) -> Result<T> {
        within(self.0.engine.limits.call, call).await
    }

    pub(crate) fn limits(&self) -> &crate::Limits {
        &self.0.engine.limits
    }
}

/// A call's answer, unless it takes longer than `limit`, traps, or uses more than it may.
pub(crate) async fn within<T>(
    limit: std::time::Duration,
    call: impl Future<Output = wasmtime::Result<T>>,
) -> Result<T> {
    match tokio::time::timeout(limit, call).await {
        Ok(answer) => answer.map_err(failed),
        Err(_) => {
            Err(Error::host(ErrorKind::Timeout, format!("the call took longer than {} seconds", limit.as_secs_f32()))
                .hint("The host ended it. Raise the limit if the model needs more time."))
        }
    }
}

/// The component failed in a way that its interface has no word for.
fn failed(error: wasmtime::Error) -> Error {
    let reason = error.root_cause().to_string();
    let reason = reason.lines().next().unwrap_or("no reason given");
    Error::host(ErrorKind::Other, format!("the plugin failed: {reason}"))
        .hint("This is a fault of the plugin, or a limit of the host that it ran into; other calls are not affected.")
        .source(error)
}

/// What a host knows before a plugin is called: the configuration, and where secrets are found.
///
/// ```
/// use host_harness::{Environment, Setup};
///
/// let setup = Setup::new(serde_json::json!({}))
///     .base_url("http://127.0.0.1:8787/v1")
///     .header("x-portkey-trace-id", "trace-1")
///     .environment(Environment::process());
/// # let _ = setup;
/// ```
pub struct Setup {
    pub(crate) config: Value,
    base_url: Option<String>,
    headers: Vec<(String, String)>,
    given: BTreeMap<String, SecretString>,
    pub(crate) environment: Environment,
}

impl fmt::Debug for Setup {
    /// Names alone: the configuration and the headers may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Setup")
            .field("base_url", &self.base_url)
            .field("headers", &self.headers.iter().map(|(name, _)| name).collect::<Vec<_>>())
            .field("given", &self.given.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

impl Setup {
    /// From a configuration of OpenClaw's form; an empty object is one.
    pub fn new(config: Value) -> Self {
        Self { config, base_url: None, headers: Vec::new(), given: BTreeMap::new(), environment: Environment::empty() }
    }

    /// The same with another configuration.
    pub fn config(mut self, config: Value) -> Self {
        self.config = config;
        self
    }

    /// Calls this base URL instead of the configured one.
    pub fn base_url(mut self, base_url: impl Into<String>) -> Self {
        self.base_url = Some(base_url.into());
        self
    }

    /// Sends this header with each request. A `${NAME}` in it is resolved, and kept from the plugin.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Holds this secret for the credential `id`, whatever else may be found for it.
    pub fn secret(mut self, id: impl Into<String>, secret: impl Into<SecretString>) -> Self {
        self.given.insert(id.into(), secret.into());
        self
    }

    /// Where environment variables are looked up. Without this: nowhere.
    pub fn environment(mut self, environment: Environment) -> Self {
        self.environment = environment;
        self
    }

    /// The secrets held for `descriptor`, and where they were found.
    ///
    /// # Errors
    /// Where a secret cannot be one.
    pub fn held(&self, descriptor: &Descriptor) -> Result<Held> {
        Held::find(descriptor, &self.given, &self.environment, &self.config)
    }

    /// Puts what was given beside the configuration into it, and the provider's entry under its proper name.
    pub(crate) fn settle(&mut self, descriptor: &Descriptor) -> Result<()> {
        let providers = self
            .config
            .as_object_mut()
            .map(|config| config.entry("models").or_insert_with(|| json!({})))
            .and_then(Value::as_object_mut)
            .map(|models| models.entry("providers").or_insert_with(|| json!({})))
            .and_then(Value::as_object_mut)
            .ok_or_else(|| Error::config("`models.providers` of the configuration is not an object"))?;
        let own = providers.keys().find(|name| name.trim().eq_ignore_ascii_case(&descriptor.id)).cloned();
        let entry = own.and_then(|name| providers.shift_remove(&name)).unwrap_or_else(|| json!({}));
        let mut entry = match entry {
            Value::Object(entry) => entry,
            _ => return Err(Error::config(format!("`models.providers.{}` is not an object", descriptor.id))),
        };
        if let Some(base_url) = self.base_url.take() {
            entry.insert("baseUrl".into(), base_url.into());
        }
        if !self.headers.is_empty() {
            let headers = entry.entry("headers").or_insert_with(|| Value::Object(Map::new()));
            let headers = headers.as_object_mut().ok_or_else(|| {
                Error::config(format!("`models.providers.{}.headers` is not an object", descriptor.id))
            })?;
            for (name, value) in self.headers.drain(..) {
                headers.retain(|other, _| !other.eq_ignore_ascii_case(&name));
                headers.insert(name, value.into());
            }
        }
        providers.insert(descriptor.id.clone(), Value::Object(entry));
        Ok(())
    }
}
