//! What a host knows before it calls a plugin: the configuration, its overrides, and where to find secrets.

use std::{collections::BTreeMap, fmt, sync::Arc};

use boundary::{
    excerpt::{entries, model_id, models},
    references::{is_reference, references},
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value, json};

use super::{
    call_options::{CallOptions, put},
    credentials::{Credentials, Kept, KeyNames},
    entry,
    environment::{Environment, References},
};
use crate::{
    error::{Error, Result},
    wit::onboarding::Descriptor,
};

/// What a host knows before a plugin is called: the configuration, and where secrets are found.
///
/// ```
/// use host_harness::{Environment, Setup};
///
/// let setup = Setup::default()
///     .base_url("http://127.0.0.1:8787/v1")
///     .header("x-portkey-trace-id", "trace-1")
///     .environment(Environment::process());
/// # let _ = setup;
/// ```
#[derive(Clone)]
pub struct Setup {
    pub(crate) config: Value,
    pub(super) base_url: Option<String>,
    pub(super) headers: Vec<(String, String)>,
    pub(crate) options: Map<String, Value>,
    given: BTreeMap<String, SecretString>,
    pub(crate) environment: Environment,
    pub(crate) keyring: Option<Arc<Kept>>,
    /// Whether a variable may name the base URL.
    pub(super) is_from_env: bool,
    /// Whether prices are kept on disk.
    pub(crate) keeps_prices: bool,
}

impl fmt::Debug for Setup {
    /// Names alone: the configuration and the headers may hold secrets, and so may a base URL that is yet to be checked.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Setup")
            .field("headers", &self.headers.iter().map(|(name, _)| name).collect::<Vec<_>>())
            .field("options", &self.options.keys().collect::<Vec<_>>())
            .field("given", &self.given.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

/// Without a configuration, an environment or a secret: give it what the calls need.
impl Default for Setup {
    fn default() -> Self {
        Self::new(json!({}))
    }
}

impl Setup {
    /// How a finding ends that is about what the file alone lacks: what goes over the file does not mend it, and an OpenClaw
    /// that is asked says it too.
    pub const LACKING: &str = "OpenClaw refuses the file without it, unless the provider is one of its own.";

    /// From a configuration of OpenClaw's form; an empty object is one, and [`Setup::default`] has it.
    pub fn new(config: Value) -> Self {
        Self {
            config,
            base_url: None,
            headers: Vec::new(),
            options: Map::new(),
            given: BTreeMap::new(),
            environment: Environment::empty(),
            keyring: None,
            is_from_env: false,
            keeps_prices: false,
        }
    }

    /// From the environment variables of this process alone: the key in the one that the provider says, and the base URL,
    /// where it is not the provider's own, in one that begins with the provider's id, such as `PORTKEY_BASE_URL`.
    ///
    /// ```no_run
    /// # async fn run() -> Result<(), host_harness::Error> {
    /// use host_harness::{Provider, Setup};
    ///
    /// let provider = Provider::load("portkey_provider.wasm", Setup::from_env()).await?;
    /// # Ok(()) }
    /// ```
    pub fn from_env() -> Self {
        Self { is_from_env: true, ..Self::new(json!({})).environment(Environment::process()) }
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

    /// Sets this option of the plugin's own, `plugins.entries.<id>.config.<name>`, over what the configuration says, be it
    /// there or as a header. An object adds to one that is there. By convention `traceId` is the trace id of each request,
    /// `metadata` what is logged with it, and `config` the gateway's own configuration for it.
    ///
    /// ```
    /// use host_harness::Setup;
    ///
    /// let setup = Setup::default().option("traceId", "trace-1").option("metadata", serde_json::json!({"team": "a"}));
    /// # let _ = setup;
    /// ```
    pub fn option(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        put(&mut self.options, name.into(), value.into());
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

    /// Where secrets are looked up that are found nowhere else. Without this: nowhere.
    #[cfg(feature = "keyring")]
    pub fn keyring(mut self, keyring: super::keyring::Keyring) -> Self {
        self.keyring = Some(Arc::new(move |provider, credential| keyring.get(provider, credential)));
        self
    }

    /// Keeps prices that were told for a day in the user's cache folder, for processes to come: origins, names of models,
    /// numbers and digests of headers. Without this they are kept in memory.
    pub fn keep_prices(mut self) -> Self {
        self.keeps_prices = true;
        self
    }

    /// The same with these options and no others.
    pub(crate) fn options_alone(self, options: Map<String, Value>) -> Self {
        Self { options, ..self }
    }

    /// The same, and what a call brings along. The headers `overridden` are what its options say.
    pub(crate) fn with(mut self, call: CallOptions, overridden: &[String]) -> Self {
        self.headers
            .retain(|(name, _)| !overridden.iter().any(|overridden| overridden.eq_ignore_ascii_case(name.trim())));
        self.headers.extend(call.headers);
        call.options.into_iter().for_each(|(name, value)| put(&mut self.options, name, value));
        self
    }

    /// The secrets held for `descriptor`, and where they were found.
    ///
    /// # Errors
    /// Where a secret cannot be one.
    pub fn credentials(&self, descriptor: &Descriptor) -> Result<Credentials> {
        Credentials::find(descriptor, &self.given, &self.environment, &self.config, self.keyring.as_deref())
    }

    /// What the configuration's texts may refer to: for one use of it.
    pub(crate) fn references(&self) -> References<'_> {
        References::new(&self.environment, &self.config)
    }

    pub(super) fn key_names<'a>(&'a self, descriptor: &'a Descriptor) -> KeyNames<'a> {
        KeyNames::new(descriptor, self.references())
    }

    /// `request.allowPrivateNetwork` of the provider's entry.
    pub(crate) fn allows_private_networks(&self, descriptor: &Descriptor) -> bool {
        let allowed = self.config.pointer(&format!("/models/providers/{}/request/allowPrivateNetwork", descriptor.id));
        allowed.and_then(Value::as_bool).unwrap_or(false)
    }

    /// Where the user says that calls go: the configuration, else the plugin's own default.
    ///
    /// # Errors
    /// Where it refers to what is set nowhere.
    pub(crate) fn base_url_of(&self, descriptor: &Descriptor) -> Result<String> {
        match self.config.pointer(&base_url_pointer(descriptor)).and_then(written_url) {
            None => Ok(descriptor.default_base_url.clone()),
            Some(url) => {
                let path = format!("models.providers.{}.baseUrl", descriptor.id);
                resolved_url(&self.key_names(descriptor), &path, url)
            }
        }
    }

    /// Writes `base_url` where a reference stands for it: the plugin must see where it calls.
    pub(crate) fn write_base_url(&mut self, descriptor: &Descriptor, base_url: &str) {
        let written = self.config.pointer_mut(&base_url_pointer(descriptor));
        if let Some(written) = written.filter(|written| written_url(written).is_some_and(is_reference)) {
            *written = base_url.into();
        }
    }

    /// The models of the provider's entry by id. Of several of one id the first counts, and what it does not say the others
    /// do, also of its `cost`: as OpenClaw joins them.
    pub(crate) fn models(&self, descriptor: &Descriptor) -> Map<String, Value> {
        let mut joined = Map::new();
        for model in models(&self.config, &descriptor.id).into_iter().filter_map(Value::as_object) {
            let Some(id) = model.get("id").and_then(Value::as_str) else { continue };
            if let Some(known) = joined.entry(id.trim()).or_insert_with(|| json!({})).as_object_mut() {
                entry::fill(known, model.clone());
                if let (Some(Value::Object(known)), Some(Value::Object(cost))) =
                    (known.get_mut("cost"), model.get("cost"))
                {
                    entry::fill(known, cost.clone());
                }
            }
        }
        // A row that is spelled with the provider's name is also that of the id itself, where no other is.
        let is_spelled = |(id, _): &(&String, &Value)| model_id(id, &descriptor.id) != *id;
        let spelled: Vec<_> = joined.iter().filter(is_spelled).map(|(id, row)| (id.clone(), row.clone())).collect();
        for (id, row) in spelled {
            joined.entry(model_id(&id, &descriptor.id)).or_insert(row);
        }
        joined
    }

    /// The models with a base URL of their own, each with its place under the name that the provider has there.
    pub(super) fn models_with_url(&self, descriptor: &Descriptor) -> Vec<(String, &Value)> {
        let mut found = Vec::new();
        for (name, entry) in entries(&self.config, &descriptor.id) {
            let rows = entry.get("models").and_then(Value::as_array).into_iter().flatten().enumerate();
            let rows = rows.filter(|(_, row)| row.get("baseUrl").is_some_and(|url| !url.is_null()));
            found.extend(rows.map(|(at, row)| (format!("models.providers.{}.models[{at}].baseUrl", name.trim()), row)));
        }
        found
    }
}

/// The base URL at `path`, with what it refers to. The plugin sees it, and so does whoever reads an error.
pub(super) fn resolved_url(keys: &KeyNames<'_>, path: &str, url: &str) -> Result<String> {
    if let Some(name) = keys.among(&references(url)) {
        return Err(Error::at(path, format!("refers to {name}, and the key goes into no URL"))
            .hint("Write the gateway's URL there: the host sends the key by itself."));
    }
    let resolved = keys.references.resolve(url.trim());
    Ok(resolved.map_err(|error| error.placed_at(path))?.expose_secret().to_owned())
}

fn base_url_pointer(descriptor: &Descriptor) -> String {
    format!("/models/providers/{}/baseUrl", descriptor.id)
}

fn written_url(configured: &Value) -> Option<&str> {
    configured.as_str().map(str::trim).filter(|url| !url.is_empty())
}

#[cfg(test)]
mod tests {
    use super::super::credentials::tests::descriptor;
    use super::*;

    #[test]
    fn of_a_model_that_is_listed_twice_the_first_row_counts_and_the_others_fill_it() {
        let setup = Setup::new(json!({"models": {"providers": {
            "Acme": {"models": [{"id": " m", "cost": {"input": 9, "output": 2}, "name": "last"}]},
            "acme": {"models": [{"id": "m", "headers": null}, {"id": "n"}, "m", {"id": 3},
                {"id": "m ", "headers": {"a": "1"}, "cost": {"input": 1}}]},
        }}}));
        let models = Value::from(setup.models(&descriptor()));
        assert_eq!(models["m"]["headers"], json!({"a": "1"}));
        assert_eq!(models["m"]["cost"], json!({"input": 1, "output": 2}));
        assert_eq!((&models["m"]["name"], models.as_object().unwrap().len()), (&json!("last"), 2));
    }

    #[test]
    fn a_row_with_the_providers_name_is_also_the_models_where_no_other_is() {
        let rows = json!([{"id": "acme/m", "name": "1"}, {"id": "Acme/ n", "name": "2"}, {"id": "n", "name": "3"}, {"id": "@x/m", "name": "4"}]);
        let setup = Setup::new(json!({"models": {"providers": {"acme": {"models": rows}}}}));
        let models = setup.models(&descriptor());
        let mut names: Vec<_> = models.iter().map(|(id, row)| (id.as_str(), row["name"].as_str().unwrap())).collect();
        names.sort_unstable();
        assert_eq!(names, [("@x/m", "4"), ("Acme/ n", "2"), ("acme/m", "1"), ("m", "1"), ("n", "3")]);
    }
}
