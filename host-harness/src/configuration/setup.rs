//! What a host knows before it calls a plugin: the configuration, its overrides, and where to find secrets.

use std::{collections::BTreeMap, fmt, sync::Arc};

use boundary::{
    merge::{SPELLINGS, conflict},
    origin::Origin,
    references::{is_reference, references},
    view::{entries, models},
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value, json};

use super::{
    call_options::{CallOptions, put},
    credentials::{Credentials, Kept, KeyNames},
    entry,
    environment::{Environment, References},
    known_keys::{self, Checked, FORM, Left},
    model_ref::{default_name, id_of},
    secrets::MOST_REFUSED,
};
use crate::{
    error::{Error, Result},
    wit::onboarding::{Descriptor, Finding, Severity},
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
    base_url: Option<String>,
    headers: Vec<(String, String)>,
    pub(crate) options: Map<String, Value>,
    given: BTreeMap<String, SecretString>,
    pub(crate) environment: Environment,
    pub(crate) keyring: Option<Arc<Kept>>,
    /// Whether a variable may name the base URL.
    is_from_env: bool,
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

    /// The same, and what a call brings along. The headers `outdone` are what its options say.
    pub(crate) fn with(mut self, call: CallOptions, outdone: &[String]) -> Self {
        self.headers.retain(|(name, _)| !outdone.iter().any(|outdone| outdone.eq_ignore_ascii_case(name.trim())));
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

    fn key_names<'a>(&'a self, descriptor: &'a Descriptor) -> KeyNames<'a> {
        KeyNames::new(descriptor, self.references())
    }

    /// What this host would refuse, and what is doubtful. What can be settled is settled, as for a call.
    pub(crate) fn findings(&mut self, descriptor: &Descriptor, outdone: &[String]) -> Vec<Finding> {
        let Checked { left, mut refused } = self.checked(descriptor);
        let mut of_models = Vec::new();
        let keys = self.key_names(descriptor);
        for (path, row) in self.models_with_url(descriptor) {
            match row["baseUrl"].as_str().map(|url| resolved_url(&keys, &path, url)) {
                Some(Ok(url)) => of_models.push((path, url)),
                Some(Err(error)) if refused.len() < MOST_REFUSED => refused.push(error),
                _ => {}
            }
        }
        let missing = missing(&self.config, &descriptor.id);
        refused.extend(default_name(&self.config).err());
        refused.extend(self.settle_options(descriptor).err());
        let mut settled = self.clone();
        match settled.settle_entry(descriptor, outdone, None) {
            Ok(()) => *self = settled,
            // What the plugin then finds is in the entry as it is written.
            Err(error) => refused.push(error),
        }
        // The plugin reads no reference: of one that is set nowhere, it would say that it is no URL. Of the place that it
        // gets instead it has nothing to say.
        let base_url = self.base_url_of(descriptor);
        self.write_base_url(descriptor, base_url.as_deref().unwrap_or("http://127.0.0.1/v1"));
        refused.extend(base_url.err());
        let mut findings: Vec<_> = refused.iter().map(Finding::from).collect();
        findings.extend(self.in_the_clear(descriptor, of_models));
        let of_form = left.into_iter().filter(|left| left.why == FORM);
        findings.extend(of_form.map(|Left { path, why }| {
            let message = format!("This changes nothing: {why}. Remove it, or write {}.", descriptor.api);
            Finding { severity: Severity::Warning, path, message }
        }));
        findings.extend(missing);
        findings
    }

    /// The models with a base URL of their own, each with its place under the name that the provider has there.
    fn models_with_url(&self, descriptor: &Descriptor) -> Vec<(String, &Value)> {
        let mut found = Vec::new();
        for (name, entry) in entries(&self.config, &descriptor.id) {
            let rows = entry.get("models").and_then(Value::as_array).into_iter().flatten().enumerate();
            let rows = rows.filter(|(_, row)| row.get("baseUrl").is_some_and(|url| !url.is_null()));
            found.extend(rows.map(|(at, row)| (format!("models.providers.{}.models[{at}].baseUrl", name.trim()), row)));
        }
        found
    }

    /// Base URLs that the key would go to for everybody on the way to read, also of these of models.
    fn in_the_clear(&self, descriptor: &Descriptor, of_models: Vec<(String, String)>) -> Vec<Finding> {
        let main =
            self.base_url_of(descriptor).ok().map(|url| (format!("models.providers.{}.baseUrl", descriptor.id), url));
        let all = main.into_iter().chain(of_models);
        let allow_private = self.allows_private_networks(descriptor);
        let is_open = |url: &str| url.parse::<Origin>().is_ok_and(|origin| origin.is_in_the_clear(allow_private));
        let message = "Plain http over a public network: whoever is on the way can read the key. Use https.";
        all.filter(|(_, url)| is_open(url))
            .map(|(path, _)| Finding { severity: Severity::Warning, path, message: message.into() })
            .collect()
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

    /// The values of the provider's entry that are left to OpenClaw.
    ///
    /// # Errors
    /// Where the entry holds what is none of OpenClaw's keys, or one that is refused: with its name.
    pub fn left_to_openclaw(&self, descriptor: &Descriptor) -> Result<Vec<Left>> {
        let Checked { left, refused } = self.checked(descriptor);
        refused.into_iter().next().map_or(Ok(left), Err)
    }

    fn checked(&self, descriptor: &Descriptor) -> Checked {
        let mut all = Checked { refused: known_keys::check_way(&self.config), ..Checked::default() };
        if let Some((name, why)) = conflict(&self.config, &descriptor.id, &descriptor.default_base_url) {
            all.refused.push(Error::at(format!("models.providers.{}", name.trim()), why));
        }
        for (name, entry) in entries(&self.config, &descriptor.id) {
            let checked = known_keys::check(entry, &format!("models.providers.{}", name.trim()), &descriptor.api);
            all.left.extend(checked.left);
            all.refused.extend(checked.refused);
        }
        all
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
        joined
    }

    /// Puts what was given beside the configuration into it, and the provider's entry under its proper name, with all
    /// headers in one place: also those of `model`, one of the entry's. Headers of the names `outdone` are dropped where
    /// they come from the configuration: the options given say what they say.
    pub(crate) fn settle(&mut self, descriptor: &Descriptor, outdone: &[String], model: Option<&Value>) -> Result<()> {
        self.left_to_openclaw(descriptor)?;
        self.settle_options(descriptor)?;
        self.settle_entry(descriptor, outdone, model)
    }

    fn settle_entry(&mut self, descriptor: &Descriptor, outdone: &[String], model: Option<&Value>) -> Result<()> {
        let of_env = || self.environment.get(&format!("{}_BASE_URL", descriptor.id.to_uppercase().replace('-', "_")));
        let given = self.base_url.clone().or_else(|| of_env().filter(|url| self.is_from_env && !url.trim().is_empty()));
        if given.as_ref().is_some_and(|base_url| base_url.trim().is_empty()) {
            return Err(Error::config("the base URL that was given is empty").hint("Give one, or none at all."));
        }
        // A model's own is resolved while its place is known.
        let of_model = |model: &Value| {
            let is_it = |(_, row): &(String, &Value)| id_of(row) == id_of(model);
            let (path, row) = self.models_with_url(descriptor).into_iter().find(is_it)?;
            let resolved = row["baseUrl"]
                .as_str()
                .map(|url| resolved_url(&self.key_names(descriptor), &path, url).map(Value::from));
            Some(resolved.unwrap_or_else(|| Ok(row["baseUrl"].clone())))
        };
        let base_url = match given {
            Some(given) => Some(Value::from(given)),
            None => model.and_then(of_model).transpose()?,
        };
        // More are refused.
        let own = entries(&self.config, &descriptor.id);
        let own: Vec<_> = own.iter().take(SPELLINGS).map(|(name, _)| (*name).to_owned()).collect();
        let providers = self
            .config
            .as_object_mut()
            .map(|config| config.entry("models").or_insert_with(|| json!({})))
            .and_then(Value::as_object_mut)
            .map(|models| models.entry("providers").or_insert_with(|| json!({})))
            .and_then(Value::as_object_mut)
            .ok_or_else(|| Error::at("models.providers", "is not an object"))?;
        let path = format!("models.providers.{}", descriptor.id);
        let mut entry = Map::new();
        for name in own {
            match providers.shift_remove(&name) {
                Some(Value::Object(more)) => entry::join(&mut entry, more),
                _ => return Err(Error::at(format!("models.providers.{}", name.trim()), "is not an object")),
            }
        }
        if let Some(base_url) = base_url {
            entry.insert("baseUrl".into(), base_url);
        }
        let mut headers = entry::headers(&entry, model, &path)?;
        headers.retain(|name, _| !outdone.iter().any(|outdone| outdone.eq_ignore_ascii_case(name.trim())));
        // One that is no table stays, for the plugin to say so.
        if !headers.is_empty() || entry.get("headers").is_some_and(Value::is_object) {
            entry.insert("headers".into(), headers.into());
        }
        if !self.headers.is_empty() {
            let headers = entry.entry("headers").or_insert_with(|| Value::Object(Map::new()));
            let headers =
                headers.as_object_mut().ok_or_else(|| Error::at(format!("{path}.headers"), "is not an object"))?;
            for (name, value) in self.headers.drain(..) {
                headers.retain(|other, _| !other.eq_ignore_ascii_case(&name));
                headers.insert(name, value.into());
            }
        }
        providers.insert(descriptor.id.clone(), Value::Object(entry));
        Ok(())
    }

    /// The options under any spelling of the plugin's name, which OpenClaw reads in any letter case.
    fn fold_options(&mut self, id: &str) -> Result<()> {
        let entries = self.config.pointer_mut("/plugins/entries").and_then(Value::as_object_mut);
        let Some(entries) = entries else { return Ok(()) };
        let is_other = |name: &&String| *name != id && name.trim().eq_ignore_ascii_case(id);
        let others: Vec<_> = entries.keys().filter(is_other).cloned().collect();
        for name in others {
            let config =
                entries.get_mut(&name).and_then(Value::as_object_mut).and_then(|other| other.shift_remove("config"));
            match config {
                None | Some(Value::Null) => {}
                Some(Value::Object(more)) => {
                    // What is wrong with that of the exact name, the plugin says.
                    if let Some(own) = object_in(entries, id).and_then(|own| object_in(own, "config")) {
                        entry::fill(own, more);
                    }
                }
                Some(_) => {
                    return Err(Error::at(format!("plugins.entries.{}.config", name.trim()), "is not an object"));
                }
            }
        }
        Ok(())
    }

    fn settle_options(&mut self, descriptor: &Descriptor) -> Result<()> {
        self.fold_options(&descriptor.id)?;
        let path = format!("plugins.entries.{}.config", descriptor.id);
        if !self.options.is_empty() {
            let config = ["plugins", "entries", &descriptor.id, "config"]
                .into_iter()
                .fold(self.config.as_object_mut(), |parent, name| object_in(parent?, name))
                .ok_or_else(|| Error::at(path.as_str(), "is not an object of objects"))?;
            std::mem::take(&mut self.options).into_iter().for_each(|(name, value)| put(config, name, value));
        }
        let options = self.config.pointer(&format!("/plugins/entries/{}/config", descriptor.id));
        match options.and_then(|options| self.key_names(descriptor).among_options(options)) {
            None => Ok(()),
            Some(name) => Err(Error::at(path, format!("refers to {name}, and the key goes into no option"))
                .hint("Remove it there: the host sends the key by itself.")),
        }
    }
}

/// The base URL at `path`, with what it refers to. The plugin sees it, and so does whoever reads an error.
fn resolved_url(keys: &KeyNames<'_>, path: &str, url: &str) -> Result<String> {
    if let Some(name) = keys.among(&references(url)) {
        return Err(Error::at(path, format!("refers to {name}, and the key goes into no URL"))
            .hint("Write the gateway's URL there: the host sends the key by itself."));
    }
    let resolved = keys.references.resolve(url.trim());
    Ok(resolved.map_err(|error| error.placed_at(path))?.expose_secret().to_owned())
}

/// What OpenClaw refuses the whole file for, and this host does without. Source: OpenClaw 2026.9.6, which knows these of
/// its own providers.
fn missing(config: &Value, id: &str) -> Vec<Finding> {
    let finding = |path, what: &str| {
        let message = format!("{what}{}", Setup::LACKING);
        Finding { severity: Severity::Warning, path, message }
    };
    let entries: Vec<_> = entries(config, id).into_iter().filter(|(_, entry)| entry.is_object()).collect();
    let is_blank = |value: &Value| value.as_str().is_some_and(|text| text.trim().is_empty());
    let lacks =
        |key: &&str| !entries.is_empty() && entries.iter().all(|(_, entry)| entry.get(key).is_none_or(is_blank));
    let keys = ["baseUrl", "models"].into_iter().filter(lacks);
    let mut nameless = entries.iter().flat_map(|(name, entry)| {
        let rows = entry.get("models").and_then(Value::as_array).into_iter().flatten().enumerate();
        let nameless = rows.filter(|(_, row)| row.is_object() && row.get("name").is_none());
        nameless.map(|(at, _)| (name.trim(), at))
    });
    let keys = keys.map(|key| format!("models.providers.{id}.{key}"));
    let named = nameless.by_ref().take(MOST_REFUSED);
    let named = named.map(|(name, at)| format!("models.providers.{name}.models[{at}].name"));
    let mut found: Vec<_> = keys.chain(named).map(|path| finding(path, "")).collect();
    let more = nameless.count();
    if more > 0 {
        found.push(finding(format!("models.providers.{id}.models"), &format!("{more} more rows have no `name`. ")));
    }
    found
}

/// The object of this name, which is made where there is none.
fn object_in<'v>(parent: &'v mut Map<String, Value>, name: &str) -> Option<&'v mut Map<String, Value>> {
    let value = parent.entry(name).or_insert(Value::Null);
    if value.is_null() {
        *value = json!({});
    }
    value.as_object_mut()
}

impl From<&Error> for Finding {
    /// The message without the place, and what to do.
    fn from(error: &Error) -> Self {
        let path = error.path().unwrap_or_default();
        let message = error.to_string();
        let named = [format!("`{path}` "), format!("{path}: ")];
        let why = named.iter().find_map(|named| message.strip_prefix(named)).unwrap_or(&message);
        let hint = error.record().hint.as_ref().map(|hint| format!(" {hint}")).unwrap_or_default();
        Self { severity: Severity::Error, path: path.into(), message: format!("{why}.{hint}") }
    }
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

    fn settled_entry(providers: Value) -> Result<Value> {
        let mut setup = Setup::new(json!({"models": {"providers": providers}}));
        setup.settle(&descriptor(), &[], None)?;
        let providers = setup.config["models"]["providers"].take();
        assert_eq!(providers.as_object().unwrap().len(), 1, "{providers}");
        Ok(providers["acme"].clone())
    }

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

    /// As the plugin reads them: a proxy that only one of them names is one that requests go through.
    #[test]
    fn all_spellings_of_the_provider_are_one_entry() {
        let proxy = json!({"proxy": {"mode": "explicit-proxy", "url": "http://proxy.test:3128"}});
        let entry = settled_entry(json!({
            "ACME": {"request": proxy, "headers": {"a": "1", "B": "1", "c": "1"}, "models": [{"id": "one"}], "timeoutSeconds": 1},
            " Acme": {"maxTokens": 7, "timeoutSeconds": 3},
            "acme": {"headers": {"b": "2", "c": "2"}, "models": [{"id": "two"}]},
        }));
        let expected = json!({
            "headers": {"a": "1", "b": "2", "c": "2"}, "models": [{"id": "two"}, {"id": "one"}],
            "timeoutSeconds": 1, "request": proxy, "maxTokens": 7,
        });
        assert_eq!(entry.unwrap(), expected);
        let wrong = settled_entry(json!({"acme": {}, "Acme": 3})).unwrap_err().to_string();
        assert!(wrong.contains("models.providers.Acme"), "{wrong}");
        // Of two ways to make connections none is passed over.
        let error =
            settled_entry(json!({"Acme": {"request": proxy}, "acme": {"request": {"allowPrivateNetwork": true}}}));
        let error = error.unwrap_err().to_string();
        assert!(error.contains("models.providers.Acme") && error.contains("another `request`"), "{error}");
        assert!(settled_entry(json!({"Acme": {"request": proxy}, "acme": {"request": proxy}})).is_ok());
    }

    #[test]
    fn options_are_read_under_any_spelling_of_the_plugins_name() {
        let mut setup = Setup::new(json!({"plugins": {"entries": {
            "ACME": {"enabled": true, "config": {"traceId": "t", "spanId": "1"}}, " Acme": {},
            "acme": {"config": {"spanId": "2"}}, "other": {"config": {"traceId": "o"}}}}}));
        setup.settle(&descriptor(), &[], None).unwrap();
        assert_eq!(setup.config["plugins"]["entries"]["acme"]["config"], json!({"spanId": "2", "traceId": "t"}));
        // Nothing that stands under the exact name keeps no option under another from counting.
        for exact in [json!(null), json!({}), json!({"config": null}), json!({"config": {"traceId": null}})] {
            let entries = json!({"acme": &exact, "Acme": {"config": {"traceId": "t"}}});
            let mut setup = Setup::new(json!({"plugins": {"entries": entries}})).option("spanId", "1");
            setup.settle(&descriptor(), &[], None).unwrap();
            let config = &setup.config["plugins"]["entries"]["acme"]["config"];
            assert_eq!(config, &json!({"traceId": "t", "spanId": "1"}), "{exact}");
        }
        let mut setup = Setup::new(json!({"plugins": {"entries": {"acme": {"config": null}}}})).option("spanId", "1");
        setup.settle(&descriptor(), &[], None).unwrap();
        assert_eq!(setup.config["plugins"]["entries"]["acme"]["config"], json!({"spanId": "1"}));
        let mut setup = Setup::new(json!({"plugins": {"entries": {"Acme": {"config": {"traceId": "${ACME_KEY}"}}}}}));
        assert!(
            setup.settle(&descriptor(), &[], None).unwrap_err().to_string().contains("the key goes into no option")
        );
        let mut setup = Setup::new(json!({"plugins": {"entries": {"Acme": {"config": []}}}}));
        assert!(
            setup.settle(&descriptor(), &[], None).unwrap_err().to_string().contains("plugins.entries.Acme.config")
        );
    }

    /// By the place in the file, and not in the list of all spellings.
    #[test]
    fn a_models_base_url_in_the_clear_is_found_where_it_is_written() {
        let open = "http://gateway.example/v1";
        let mut setup = Setup::new(json!({"models": {"providers": {
            "Acme": {"models": [{"id": "a", "baseUrl": open}, {"id": "b"}, {"id": "c", "baseUrl": open}]},
            "acme": {"baseUrl": "https://gateway.example/v1", "models": [
                {"id": "d"}, {"id": "e", "baseUrl": open}, {"id": "f", "baseUrl": "http://${HERE}/v1"}
            ]},
        }}, "env": {"vars": {"HERE": "127.0.0.1"}}}));
        let findings = setup.findings(&descriptor(), &[]);
        let paths: Vec<_> =
            findings.iter().map(|finding| &*finding.path).filter(|path| path.ends_with("Url")).collect();
        let at = |name: &str, row: usize| format!("models.providers.{name}.models[{row}].baseUrl");
        assert_eq!(paths, [at("acme", 1), at("Acme", 0), at("Acme", 2)]);
    }

    /// With the key it would go to the provider's own service.
    #[test]
    fn a_base_url_that_is_given_and_empty_is_refused() {
        for given in ["", " \n"] {
            let config = json!({"models": {"providers": {"acme": {"baseUrl": "https://mine.test/v1"}}}});
            let mut setup = Setup::new(config).base_url(given);
            assert!(
                setup
                    .settle(&descriptor(), &[], None)
                    .unwrap_err()
                    .to_string()
                    .contains("base URL that was given is empty")
            );
        }
    }

    #[test]
    fn an_option_may_refer_to_a_variable_but_not_to_the_key() {
        let settled = |options: Value| {
            let mut setup = Setup::new(json!({
                "env": {"BY_WAY": "x-${OWN_KEY}"},
                "models": {"providers": {"acme": {"apiKey": "$OWN_KEY", "models": []}}},
                "plugins": {"entries": {"acme": {"config": options}}},
            }));
            setup.settle(&descriptor(), &[], None)?;
            Ok::<_, Error>(setup.config["plugins"]["entries"]["acme"]["config"].take())
        };
        // It stays as it is written: what it stands for is filled in where the request goes out.
        let options = json!({"a": "${TEAM}", "metadata": {"team": "x-${TEAM}"}, "list": ["$${ACME_KEY}"], "n": 1});
        assert_eq!(settled(options.clone()).unwrap(), options);
        // A gateway of one's own may take the key of the service behind it.
        let options =
            json!({"config": {"provider": "openai", "api_key": "${OWN_KEY}"}, "inline": "{\"apiKey\": \"${BY_WAY}\"}"});
        assert_eq!(settled(options.clone()).unwrap(), options);
        for name in ["OWN_KEY", "BY_WAY"] {
            let error = settled(json!({"metadata": {"team": format!("${{{name}}}")}})).unwrap_err().to_string();
            assert!(error.contains(&format!("{name}, and the key goes into no option")), "{error}");
        }
        for options in [
            json!({"api_key": "${ACME_KEY}"}),
            json!({"a": "${ACME_KEY}"}),
            json!({"a": [{"b": "x-${ACME_KEY}"}]}),
            json!({"a": "{\"b\": \"${ACME_KEY}\"}"}),
            json!({"a": {"source": "env", "provider": "default", "id": "ACME_KEY"}}),
        ] {
            let error = settled(options).unwrap_err().to_string();
            assert!(error.contains("ACME_KEY, and the key goes into no option"), "{error}");
        }
    }

    /// A gateway of one's own takes any key, such as the word `portkey`, or another service's.
    #[test]
    fn a_key_that_stands_in_other_variables_too_is_refused_in_none() {
        let environment = Environment::from_fn(|name| match name {
            "ACME_KEY" | "OPENAI_API_KEY" => Some("gateway".to_owned()),
            "URL" => Some("http://gateway:8787/v1".to_owned()),
            "M" => Some("acme/@gateway/m".to_owned()),
            // It goes over that of the block.
            "BY_WAY" => Some("plain".to_owned()),
            _ => None,
        });
        let config = json!({
            "agents": {"defaults": {"model": "${M}"}},
            "env": {"BY_WAY": "${ACME_KEY}"},
            "models": {"providers": {"acme": {"baseUrl": "${URL}", "models": []}}},
            "plugins": {"entries": {"acme": {"config": {"config": {"api_key": "${OPENAI_API_KEY}"}, "a": "${BY_WAY}"}}}},
        });
        let chosen = super::super::model_ref::chosen_model(&config, &environment, &descriptor()).unwrap();
        assert_eq!(chosen.id, "@gateway/m");
        let mut setup = Setup::new(config).environment(environment);
        setup.settle(&descriptor(), &[], None).unwrap();
        assert_eq!(setup.base_url_of(&descriptor()).unwrap(), "http://gateway:8787/v1");
    }

    /// Where each is looked for among all the others, this takes minutes.
    #[test]
    fn many_references_are_compared_with_many_in_one_pass() {
        let many = |letter: char| (0..300_000).map(|at| format!("${{{letter}{at}}}")).collect::<String>();
        let rows: Vec<_> = (0..2_000).map(|at| json!({"id": at.to_string(), "baseUrl": "http://${HERE}/v1"})).collect();
        let mut setup = Setup::new(json!({
            "env": {"HERE": "127.0.0.1"},
            "models": {"providers": {"acme": {"apiKey": many('A'), "models": rows}}},
            "plugins": {"entries": {"acme": {"config": {"a": many('B')}}}},
        }));
        let descriptor = descriptor();
        assert!(setup.settle_options(&descriptor).is_ok());
        let keys = setup.key_names(&descriptor);
        for (path, row) in setup.models_with_url(&descriptor) {
            assert_eq!(resolved_url(&keys, &path, row["baseUrl"].as_str().unwrap()).unwrap(), "http://127.0.0.1/v1");
        }
    }

    #[test]
    fn no_base_url_refers_to_the_key() {
        // By its own variable, by the one that `apiKey` names, by what these refer to, and by others that refer to one of them.
        for (url, name) in [
            ("${ACME_KEY}", "ACME_KEY"),
            ("https://acme.example/${ACME_KEY}/v1", "ACME_KEY"),
            ("https://acme.example/${OWN_KEY}/v1", "OWN_KEY"),
            ("https://acme.example/${BY_WAY}/v1", "BY_WAY"),
            ("https://acme.example/${OF_HEADER}/v1", "OF_HEADER"),
            ("https://acme.example/${BEHIND_IT}/v1", "BEHIND_IT"),
        ] {
            let rows = json!([{"id": "a", "name": "A", "baseUrl": url}]);
            for mut entry in
                [json!({"baseUrl": url, "models": []}), json!({"baseUrl": "https://acme.example", "models": rows})]
            {
                match name {
                    "OWN_KEY" => entry["apiKey"] = "${OWN_KEY}".into(),
                    "OF_HEADER" => entry["headers"] = json!({"X-Acme-Key": "${OF_HEADER}"}),
                    "BEHIND_IT" => entry["apiKey"] = "${BEFORE_IT}".into(),
                    _ => {}
                }
                let environment = Environment::from_fn(move |set| match set {
                    "ACME_KEY" => Some("k-secret-1".to_owned()),
                    "OWN_KEY" => Some("k-secret-2".to_owned()),
                    "BEHIND_IT" => Some("k-secret-3".to_owned()),
                    _ => None,
                });
                let env = json!({"vars": {"BY_WAY": "${NEXT}", "NEXT": "x-${ACME_KEY}", "BEFORE_IT": "${BEHIND_IT}"}});
                let mut setup =
                    Setup::new(json!({"env": env, "models": {"providers": {"acme": entry}}})).environment(environment);
                let found = format!("{:?}", setup.findings(&descriptor(), &[]));
                assert!(
                    found.contains(&format!("{name}, and the key goes into no URL")) && !found.contains("k-secret"),
                    "{found}"
                );
            }
        }
    }
}
