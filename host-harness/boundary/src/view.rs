//! Which parts of the host's configuration a plugin sees. A plugin merges its own entry into the configuration, so it
//! must see that entry. The host keeps everything else, and every secret, and puts it back afterwards.
//!
//! For a literal secret in the plugin's own part, the plugin gets a `${NAME}` reference that the host made up. The
//! plugin keeps references as they are, so the host can put the secret back. In JSON only the secret itself is
//! replaced, so that the plugin sees the rest: routes, retries, guardrails.

use std::{
    collections::{BTreeMap, BTreeSet},
    convert::Infallible,
    fmt, iter,
};

use secrecy::SecretString;
use serde_json::{Map, Value};

use crate::{
    Error, Result,
    inline::{self, Concealer, Named, Resolver, Unresolved, is_bare_reference},
    origin::Origin,
    references::{is_reference, references},
    secret_names::names_a_secret,
};

/// Every placeholder begins with this, or with a longer form if the user's own text holds it.
const MARK: &str = "SEALED_";

/// How much a plugin may add to what it was shown, in bytes.
const ADDED: usize = 1 << 20;

/// The part of a configuration that the plugin of one provider sees.
pub struct View {
    document: Value,
    /// The hidden values, in order.
    sealed: Vec<Sealed>,
    /// The text in every placeholder, and nowhere else.
    mark: String,
    /// Headers with placeholders, for calls.
    fills: Vec<Fill>,
}

/// The owner of a part of a configuration, as the plugin's descriptor says.
#[derive(Clone, Debug)]
pub struct Owner<'a> {
    /// The provider's id, the name of its entry.
    pub id: &'a str,
    /// Where it is called unless the configuration says otherwise.
    pub default_base_url: &'a str,
    /// The environment variables that may hold its credentials.
    pub key_variables: Vec<&'a str>,
}

/// What the user chose for a merge.
#[derive(Clone, Copy, Debug, Default)]
pub struct Choices<'a> {
    /// Where to call.
    pub base_url: Option<&'a str>,
    /// What is written instead of a key, such as `${PORTKEY_API_KEY}`.
    pub api_key_reference: Option<&'a str>,
}

/// A value of the configuration, and what the plugin sees instead.
struct Sealed {
    shown: Value,
    value: Value,
    /// Whether only a part of it is hidden. Then it may be put back wherever that part would be hidden again.
    is_inline: bool,
}

/// A header's value with a placeholder, as the plugin sees it, and as it is sent.
struct Fill {
    shown: Value,
    text: SecretString,
    /// The parts of it that are masked in answers.
    secrets: Vec<SecretString>,
}

/// The sections that a plugin may read and write; `*` stands for its own id, in any case.
const SHARED: [&[&str]; 5] = [
    &["models", "mode"],
    &["models", "providers", "*"],
    &["agents", "defaults", "model"],
    &["agents", "defaults", "models"],
    &["plugins", "entries", "*", "config"],
];

impl fmt::Debug for View {
    /// What the plugin sees, and no more.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("View").field("document", &self.document).finish_non_exhaustive()
    }
}

impl View {
    /// What the plugin `id` sees of `config` when it merges or checks: references stay as the user wrote them.
    pub fn of(config: &Value, id: &str) -> Self {
        let Ok(view) = Self::seal(config, id, None::<&Unresolved>);
        view
    }

    /// The same for calls: the values of references within JSON and in options are resolved here, and hidden as
    /// secrets.
    ///
    /// # Errors
    /// If a reference is set nowhere, or has a source that this host does not read.
    pub fn for_calls<R: Resolver>(config: &Value, id: &str, resolver: &R) -> Result<Self, R::Error> {
        Self::seal(config, id, Some(resolver))
    }

    fn seal<R: Resolver>(config: &Value, id: &str, resolver: Option<&R>) -> Result<Self, R::Error> {
        let mut document = excerpt(config, id);
        let text = document.to_string();
        let mut mark = MARK.to_owned();
        while text.contains(&mark) {
            mark.insert(0, '_');
        }
        let mut sealer = Sealer { mark: &mark, count: 0, sealed: Vec::new(), fills: Vec::new(), resolver };
        for provider in own_entries(&mut document, &["models", "providers"], id) {
            let name = format!("models.providers.{id}");
            try_each_secret(provider, |header, value| sealer.provider(&name, header, value))?;
        }
        for value in held_of_agents(&mut document) {
            sealer.provider("", None, value)?;
        }
        for plugin in own_entries(&mut document, &["plugins", "entries"], id) {
            for (name, value) in plugin.get_mut("config").and_then(Value::as_object_mut).into_iter().flatten() {
                sealer.option(&format!("plugins.entries.{id}.config.{name}"), name, value)?;
            }
        }
        let Sealer { sealed, fills, .. } = sealer;
        Ok(Self { document, sealed, mark, fills })
    }

    /// As the plugin takes it.
    pub fn json(&self) -> String {
        self.document.to_string()
    }

    /// The text in every placeholder in headers; empty if there is none.
    pub fn mark(&self) -> &str {
        if self.fills.is_empty() { "" } else { &self.mark }
    }

    /// Whether the text holds a placeholder, or a copy of one.
    pub fn is_marked(&self, text: &str) -> bool {
        text.contains(&self.mark)
    }

    /// The value that stands for `text`, a whole secret.
    pub fn unseal(&self, text: &str) -> Option<&Value> {
        self.sealed.iter().find(|sealed| sealed.shown == text).map(|sealed| &sealed.value)
    }

    /// What is sent instead of `text`, a header's value that the plugin made from a placeholder. `None` if it does not
    /// hold the whole placeholder.
    pub fn fill(&self, text: &str) -> Option<&SecretString> {
        let json = inline::parse(text);
        let is_shown = |shown: &Value| match shown {
            Value::String(shown) => shown.trim() == text.trim() || json.is_some() && inline::parse(shown) == json,
            shown => json.as_ref() == Some(shown),
        };
        self.fills.iter().find(|fill| is_shown(&fill.shown)).map(|fill| &fill.text)
    }

    /// What is hidden in headers, for the mask.
    pub fn secrets(&self) -> impl Iterator<Item = &SecretString> {
        self.fills.iter().flat_map(|fill| &fill.secrets)
    }

    /// The header values that hold a reference, ours or the user's, of the plugin's own entry.
    pub fn referring_headers(&self, id: &str) -> Vec<(String, String)> {
        let headers = self.document.pointer(&format!("/models/providers/{id}/headers")).and_then(Value::as_object);
        let text = |(name, value): (&String, &Value)| Some((name.clone(), value.as_str()?.to_owned()));
        headers.into_iter().flatten().filter_map(text).filter(|(_, value)| is_reference(value)).collect()
    }

    /// Puts hidden values back where the next view would hide them again, and nowhere else.
    fn put_back(&self, value: &mut Value, named: bool) {
        let Some(sealed) = self.sealed.iter().find(|sealed| sealed.shown == *value) else { return };
        let is_hidden_again = if sealed.is_inline {
            Concealer { mark: &self.mark, count: 0, references: false }.hides_in(&sealed.value, named)
        } else {
            named || !sealed.value.is_string()
        };
        if is_hidden_again {
            *value = sealed.value.clone();
        }
    }

    /// `config` with the plugin's changed part put back.
    ///
    /// # Errors
    /// `invalid-config` if the plugin's answer is not an object, is far larger than what it was shown, or holds
    /// anything outside its part.
    pub fn merge_back(&self, config: &Value, id: &str, answer: &str) -> Result<Value> {
        if answer.len() > self.json().len() + ADDED {
            return Err(Error::new(format!("the plugin's configuration is over {ADDED} bytes larger than it was")));
        }
        let mut answer: Value = serde_json::from_str(answer)
            .map_err(|error| Error::new(format!("the plugin's configuration is not JSON: {error}")))?;
        if !answer.is_object() {
            return Err(Error::new("the plugin's configuration is not an object"));
        }
        let known: BTreeSet<_> = names(&self.document).collect();
        if let Some(name) = names(&answer).find(|name| UNSAFE.contains(name) && !known.contains(name)) {
            return Err(Error::new(format!("the plugin `{id}` wrote the member `{name}`")));
        }
        // Only where the next view would seal it again.
        for provider in own_entries(&mut answer, &["models", "providers"], id) {
            let Ok(()) = try_each_secret(provider, |header, value| {
                self.put_back(value, header.is_none_or(names_a_secret));
                Ok::<_, Infallible>(())
            });
        }
        held_of_agents(&mut answer).for_each(|value| self.put_back(value, true));
        for plugin in own_entries(&mut answer, &["plugins", "entries"], id) {
            for (name, value) in plugin.get_mut("config").and_then(Value::as_object_mut).into_iter().flatten() {
                self.put_back(value, names_a_secret(name));
            }
        }
        let mut merged = config.clone();
        for path in SHARED {
            replace(&mut merged, &answer, path, id);
        }
        // What a plugin wrote elsewhere must not get lost silently: refuse it.
        if excerpt(&answer, id) != answer {
            return Err(Error::new(format!("the plugin `{id}` wrote outside its part of the configuration")));
        }
        if answer.to_string().contains(&self.mark) {
            return Err(Error::new(format!("the plugin `{id}` moved a secret to where it does not belong")));
        }
        Ok(merged)
    }

    /// Whether the configuration that a plugin wrote still sends the key, and no other secret, where the user wants it.
    ///
    /// # Errors
    /// `invalid-config` if its base URLs, settings for requests, headers, options, references, default models or
    /// members that a plugin does not write differ from the user's, or are missing.
    pub fn check(config: &Value, merged: &Value, owner: &Owner<'_>, choices: &Choices<'_>) -> Result<()> {
        let id = owner.id;
        let refuse = |what: &str| {
            Err(Error::new(format!(
                "the plugin `{id}` wrote {what} into the configuration, which is the user's choice"
            )))
        };

        let [own, theirs] = [config, merged].map(|config| excerpt(config, id));
        let mut known = inline::all_references(&own);
        known.extend(choices.api_key_reference.iter().flat_map(|reference| references(reference)));
        known.extend(owner.key_variables.iter().map(|&name| name.to_owned()));
        let written = inline::all_references(&theirs);
        if let Some(name) = written.iter().find(|&name| !known.contains(name)) {
            return refuse(&format!("the reference ${{{name}}}"));
        }

        // A reference is shown, or sent, where it stands: it stays in its place.
        let places = |part| {
            let mut all = BTreeSet::new();
            referring(part, "", &mut all);
            all
        };
        let (had, chosen) = (places(&own), choices.base_url.unwrap_or_default().trim());
        let mut keys: Vec<_> = choices.api_key_reference.iter().map(|key| key.trim().to_owned()).collect();
        keys.extend(owner.key_variables.iter().map(|name| format!("${{{name}}}")));
        let may_refer = |path: &str, text: &String| {
            path == "/models/providers/*/apiKey" && keys.contains(text)
                || path == "/models/providers/*/baseUrl" && text == chosen
        };
        let moved = places(&theirs).into_iter().find(|place| !had.contains(place) && !may_refer(&place.0, &place.1));
        if let Some((path, _)) = moved {
            return refuse(&format!("a reference at `{path}`"));
        }

        let [had, mode] = [config, merged].map(|config| config.pointer("/models/mode").unwrap_or(&Value::Null));
        if !same(had, mode) && (is_filled(had) || mode != "merge") {
            return refuse("`models.mode`");
        }

        let values = |config| entries(config, id).into_iter().map(|(_, entry)| entry).collect::<Vec<_>>();
        let (before, after) = (values(config), values(merged));
        if let Some(had) = before.first() {
            let Some(has) = after.first() else { return refuse("no entry of its own") };
            let is_kept = |name: &str, value: &Value| {
                !is_filled(value)
                    || WRITTEN.contains(&name)
                    || has.get(name).is_some()
                    || name == "apiKey" && !value.is_string()
            };
            if let Some((name, _)) = had.as_object().into_iter().flatten().find(|(name, value)| !is_kept(name, value)) {
                return refuse(&format!("an entry without `{name}`"));
            }
        }
        let mut members = after.iter().filter_map(|entry| entry.as_object()).flatten();
        if let Some((name, _)) =
            members.find(|&(name, value)| !WRITTEN.contains(&name.as_str()) && !is_users(&before, name, value))
        {
            return refuse(&format!("`{name}`"));
        }
        if let Some(change) = change_of(&models(&before), &models(&after)) {
            return refuse(&change);
        }
        let [had, has] = [config, merged].map(|config| config.pointer("/agents/defaults").unwrap_or(&Value::Null));
        if !is_own_model(had.get("model"), has.get("model"), id) {
            return refuse("the default model");
        }
        if !are_own_models(had.get("models"), has.get("models"), id) {
            return refuse("another model of the agents");
        }
        let (had, options) = (options(config, id), options(merged, id));
        let holds = |value: &&Value| value.as_object().is_some_and(|options| !options.is_empty());
        let are_gone = had.iter().any(holds) && !options.iter().any(holds);
        if are_gone || !options.iter().all(|value| had.contains(value)) {
            return refuse("an option");
        }
        let mut settings: Vec<_> = before.iter().map(|entry| entry.get("request")).collect();
        if settings.is_empty() {
            settings.push(None);
        }
        if !after.iter().all(|entry| settings.contains(&entry.get("request"))) {
            return refuse("`request`");
        }

        let given = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let base_url = |entry: &&Value| match entry.get("baseUrl")? {
            Value::String(text) => given(text),
            Value::Null => None,
            other => Some(other.to_string()),
        };
        let default = || owner.default_base_url.to_owned();
        // Of several entries the first is called.
        let chosen = choices.base_url.and_then(given);
        let first = chosen.unwrap_or_else(|| before.first().and_then(base_url).unwrap_or_else(default));
        let mut wanted = vec![first];
        for (at, entry) in after.iter().enumerate() {
            let url = base_url(entry).unwrap_or_else(default);
            if !wanted.iter().any(|wanted| same_place(wanted, &url)) {
                return refuse("another `baseUrl`");
            }
            if at == 0 {
                wanted.extend(before.iter().filter_map(base_url));
            }
        }
        Ok(())
    }
}

/// Names with a special meaning in JavaScript code that copies objects carelessly, as OpenClaw does with this file.
/// `$include` would include another file the next time.
const UNSAFE: [&str; 4] = ["__proto__", "constructor", "prototype", "$include"];

/// The members of its entry that a plugin may write. The others include programs that OpenClaw starts (`localService`)
/// and runs agents with (`agentRuntime`).
const WRITTEN: &[&str] = &["api", "baseUrl", "models", "name", "request"];

/// The same of a model there.
const WRITTEN_OF_MODELS: &[&str] = &[
    "api",
    "compat",
    "contextTokens",
    "contextWindow",
    "cost",
    "id",
    "input",
    "maxTokens",
    "mediaInput",
    "name",
    "reasoning",
    "thinkingLevelMap",
];

/// The names of all members.
fn names(value: &Value) -> Box<dyn Iterator<Item = &str> + '_> {
    match value {
        Value::Array(items) => Box::new(items.iter().flat_map(names)),
        Value::Object(members) => {
            Box::new(members.iter().flat_map(|(name, value)| iter::once(&**name).chain(names(value))))
        }
        _ => Box::new(iter::empty()),
    }
}

/// The models of these entries.
fn models<'a>(entries: &[&'a Value]) -> Vec<&'a Value> {
    entries.iter().filter_map(|entry| entry.get("models")?.as_array()).flatten().collect()
}

/// The members of a model that only the user may write: all that do not describe it.
fn users_own(model: &Value) -> BTreeMap<&str, &Value> {
    let members = model.as_object().into_iter().flatten().map(|(name, value)| (name.as_str(), value));
    members.filter(|(name, value)| is_filled(value) && !WRITTEN_OF_MODELS.contains(name)).collect()
}

/// A change of the models that the plugin may not make: a model is missing, or a member that only the user may write
/// differs. Of several with the same id the first counts, and the others may be removed.
fn change_of(before: &[&Value], after: &[&Value]) -> Option<String> {
    let id = |model: &Value| model.get("id").unwrap_or(model).as_str().map(str::trim).unwrap_or_default().to_owned();
    let mut left: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for model in before {
        left.entry(id(model)).or_default().push(users_own(model));
    }
    let mut gone: BTreeSet<_> = left.keys().filter(|id| !id.is_empty()).cloned().collect();
    let mut left: BTreeMap<_, _> = left.into_iter().map(|(id, models)| (id, models.into_iter())).collect();
    for model in after {
        let id = id(model);
        let had = left.get_mut(&id).and_then(Iterator::next).unwrap_or_default();
        let has = users_own(model);
        let is_same = |name: &str| matches!((had.get(name), has.get(name)), (Some(had), Some(has)) if same(had, has));
        if let Some(name) = had.keys().chain(has.keys()).find(|name| !is_same(name)) {
            return Some(format!("`models.{name}`"));
        }
        gone.remove(&id);
    }
    gone.first().map(|id| format!("an entry without the model `{id}`"))
}

/// Whether it has a value.
fn is_filled(value: &Value) -> bool {
    !value.is_null() && value.as_str().is_none_or(|text| !text.trim().is_empty())
}

/// Whether they are equal, apart from white space around a text.
fn same(one: &Value, other: &Value) -> bool {
    match (one.as_str(), other.as_str()) {
        (Some(one), Some(other)) => one.trim() == other.trim(),
        _ => one == other,
    }
}

/// The options of the plugin, if it has any.
fn options<'a>(config: &'a Value, id: &str) -> Vec<&'a Value> {
    let plugins = config.pointer("/plugins/entries").and_then(Value::as_object).into_iter().flatten();
    plugins
        .filter(|(name, _)| name.trim().eq_ignore_ascii_case(id))
        .filter_map(|(_, plugin)| plugin.get("config"))
        .collect()
}

/// Whether `before` holds this member, or each of these headers, apart from white space around a text. References to a
/// key are checked separately.
fn is_users(before: &[&Value], name: &str, value: &Value) -> bool {
    if before.iter().filter_map(|entry| entry.get(name)).any(|known| same(known, value)) {
        return true;
    }
    match value {
        Value::String(key) => name == "apiKey" && is_reference(key),
        Value::Object(headers) if name == "headers" => headers.iter().all(|(header, text)| {
            before.iter().filter_map(|entry| entry.get(name)?.get(header)).any(|known| same(known, text))
        }),
        _ => false,
    }
}

/// Whether a model's name, `provider/model`, begins with this provider.
fn is_of_provider(name: &str, id: &str) -> bool {
    name.split_once('/').is_some_and(|(provider, _)| provider.trim().eq_ignore_ascii_case(id))
}

/// Whether the agents' default model is the user's, or one of this provider.
fn is_own_model(had: Option<&Value>, has: Option<&Value>, id: &str) -> bool {
    let Some(has) = has else { return true };
    let primary = |model: &Value| match model {
        Value::Object(members) => members.get("primary").cloned(),
        other => Some(other.clone()),
    };
    let now = primary(has);
    let is_own = now.as_ref().and_then(Value::as_str).is_some_and(|name| is_of_provider(name, id));
    let mut others = has.as_object().into_iter().flatten().filter(|(name, _)| *name != "primary");
    Some(has) == had
        || (is_own || now.is_none() || now == had.and_then(primary))
            && others.all(|(name, value)| had.and_then(|had| had.get(name)) == Some(value))
}

/// Whether the agents' models are the user's, except aliases of this provider's models that are not names of other
/// models.
fn are_own_models(had: Option<&Value>, has: Option<&Value>, id: &str) -> bool {
    if had == has {
        return true;
    }
    let (nothing, empty) = (Value::Object(Map::new()), Map::new());
    let (Some(had), Some(has)) = (had.unwrap_or(&nothing).as_object(), has.unwrap_or(&nothing).as_object()) else {
        return false;
    };
    let settings = |model: Option<&Value>| {
        let mut settings = model.and_then(Value::as_object).unwrap_or(&empty).clone();
        settings.shift_remove("alias");
        settings
    };
    let alias = |model: Option<&Value>| model.and_then(|model| model.get("alias")).cloned().unwrap_or_default();
    let named = |text: &str| text.trim().to_lowercase();
    // The models that go by a name.
    let mut by_name: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for (reference, model) in has {
        let (_, model_id) = reference.split_once('/').unwrap_or_default();
        let last = reference.rsplit('/').next().unwrap_or_default();
        for name in [reference, model_id, last, alias(Some(model)).as_str().unwrap_or_default()] {
            by_name.entry(named(name)).or_default().insert(reference);
        }
    }
    had.keys().chain(has.keys()).all(|name| {
        let (before, now) = (had.get(name), has.get(name));
        let (was, is) = (alias(before), alias(now));
        let is_its_own = |alias: &str| by_name.get(&named(alias)).is_some_and(|models| models.len() == 1);
        let is_free = !is_filled(&is) || same(&was, &is) || is.as_str().is_some_and(is_its_own);
        before == now || is_of_provider(name, id) && is_free && settings(before) == settings(now)
    })
}

/// The part of `config` that the plugin `id` may read and write.
fn excerpt(config: &Value, id: &str) -> Value {
    let mut part = Value::Object(Map::new());
    for path in SHARED {
        copy(config, &mut part, path, id);
    }
    part
}

/// Each text with a reference, and its path. Positions in lists and the spelling of the id do not count.
fn referring(value: &Value, path: &str, all: &mut BTreeSet<(String, String)>) {
    match value {
        Value::String(text) if !inline::all_references(value).is_empty() => {
            all.insert((path.to_owned(), text.trim().to_owned()));
        }
        Value::Array(items) => items.iter().for_each(|item| referring(item, &format!("{path}/[]"), all)),
        Value::Object(members) if inline::object_reference(value).is_some() => {
            all.insert((path.to_owned(), Value::from(members.clone()).to_string()));
        }
        Value::Object(members) => {
            let is_own = ["/models/providers", "/plugins/entries"].contains(&path);
            for (name, value) in members {
                referring(value, &format!("{path}/{}", if is_own { "*" } else { name }), all);
            }
        }
        _ => {}
    }
}

/// Whether both name the same origin, or are the same text: a base URL may be a reference.
fn same_place(one: &str, other: &str) -> bool {
    one == other || matches!((one.parse::<Origin>(), other.parse::<Origin>()), (Ok(one), Ok(other)) if one == other)
}

/// The entries of the provider `id` and their names, in any letter case. The one that is spelled as `id` comes first,
/// because it wins.
pub fn entries<'a>(config: &'a Value, id: &str) -> Vec<(&'a str, &'a Value)> {
    let providers = config.pointer("/models/providers").and_then(Value::as_object);
    let all = providers.into_iter().flatten().map(|(name, entry)| (name.as_str(), entry));
    let mut own: Vec<_> = all.filter(|(name, _)| name.trim().eq_ignore_ascii_case(id)).collect();
    own.sort_by_key(|(name, _)| *name != id);
    own
}

/// Settings that a plugin does not need and that may hold secrets.
const HELD: [&str; 4] = ["apiKey", "localService", "params", "request"];

/// Visits each place of a provider's entry that may hold a secret, with the name if it is a header: the key, the
/// headers, the settings.
fn try_each_secret<E>(
    provider: &mut Value,
    mut visit: impl FnMut(Option<&str>, &mut Value) -> Result<(), E>,
) -> Result<(), E> {
    for (name, value) in provider.as_object_mut().into_iter().flatten() {
        match (&**name, value) {
            (name, value) if HELD.contains(&name) => visit(None, value)?,
            ("headers", Value::Object(headers)) => {
                headers.iter_mut().try_for_each(|(name, value)| visit(Some(name), value))?;
            }
            // A plugin reads the ids of the models, and these of none.
            ("models", Value::Array(models)) => {
                models.iter_mut().flat_map(held_of_model).try_for_each(|value| visit(None, value))?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// The settings of a model that may hold a secret.
fn held_of_model(model: &mut Value) -> impl Iterator<Item = &mut Value> {
    let members = model.as_object_mut().into_iter().flatten();
    members.filter(|(name, _)| *name == "headers" || HELD.contains(&name.as_str())).map(|(_, value)| value)
}

/// The same of all models that agents know, of whatever provider.
fn held_of_agents(document: &mut Value) -> impl Iterator<Item = &mut Value> {
    let models = document.pointer_mut("/agents/defaults/models").and_then(Value::as_object_mut);
    models.into_iter().flatten().flat_map(|(_, model)| held_of_model(model))
}

/// Hides what is, or may be, a secret.
struct Sealer<'a, R> {
    mark: &'a str,
    count: usize,
    sealed: Vec<Sealed>,
    fills: Vec<Fill>,
    /// Present for calls.
    resolver: Option<&'a R>,
}

impl<R: Resolver> Sealer<'_, R> {
    /// A value of the provider's entry, `models.providers.<id>`: of a header of this name, or the key or settings.
    fn provider(&mut self, entry: &str, header: Option<&str>, value: &mut Value) -> Result<(), R::Error> {
        let named = header.is_none_or(names_a_secret);
        let is_whole = match value {
            Value::String(text) => named && !text.trim().is_empty() && !is_bare_reference(text),
            // Nothing that could be sent, where it is no key: the host says so.
            Value::Object(_) | Value::Array(_) => true,
            // The plugin may say what is wrong with it.
            _ => false,
        };
        if is_whole {
            self.whole(value, false);
            return Ok(());
        }
        let (Some(name), Value::String(text)) = (header, &*value) else { return Ok(()) };
        if inline::parse(text).is_some() || !is_reference(text) {
            return self.inline(&format!("{entry}.headers.{name}"), value, false);
        }
        // The plugin leaves it to the host; what stands around the reference may be a secret too.
        if inline::is_broken(text) {
            self.whole(value, true);
        }
        Ok(())
    }

    /// An option of the plugin's own.
    fn option(&mut self, place: &str, name: &str, value: &mut Value) -> Result<(), R::Error> {
        match value {
            // Until it is resolved it is no JSON, and the plugin leaves a reference to the host.
            Value::String(text) if self.resolver.is_none() && inline::is_broken(text) && is_reference(text) => {
                self.whole(value, true);
                Ok(())
            }
            _ => self.inline(place, value, names_a_secret(name)),
        }
    }

    /// Replaces all of it by a reference of ours, which the plugin keeps as it is and sends nowhere.
    fn whole(&mut self, value: &mut Value, is_inline: bool) {
        // Trimmed here, as the plugin would: it cannot trim what it does not see.
        let secret = match value.take() {
            Value::String(text) => Value::String(text.trim().to_owned()),
            other => other,
        };
        *value = Value::String(format!("${{{}{}}}", self.mark, self.sealed.len()));
        self.sealed.push(Sealed { shown: value.clone(), value: secret, is_inline });
    }

    /// Hides only the secrets in it, so that the plugin can use the rest.
    fn inline(&mut self, place: &str, value: &mut Value, named: bool) -> Result<(), R::Error> {
        let original = value.clone();
        let mut concealer = Concealer { mark: self.mark, count: self.count, references: self.resolver.is_some() };
        if !concealer.conceal_inline(value, named) {
            return Ok(());
        }
        self.count = concealer.count;
        if let Some(resolver) = self.resolver {
            let named = if named { Named::Secret } else { Named::No };
            let text = inline::header(&original, place, resolver)?;
            let secrets = inline::secrets(&original, named, place, resolver)?;
            self.fills.push(Fill { shown: value.clone(), text, secrets });
        }
        self.sealed.push(Sealed { shown: value.clone(), value: original, is_inline: true });
        Ok(())
    }
}

/// The names that `step` stands for in `fields`.
fn matching(fields: &Map<String, Value>, step: &str, id: &str) -> Vec<String> {
    let matches = |name: &&String| if step == "*" { name.trim().eq_ignore_ascii_case(id) } else { *name == step };
    fields.keys().filter(matches).cloned().collect()
}

fn own_entries<'a>(document: &'a mut Value, path: &[&str], id: &str) -> Vec<&'a mut Value> {
    let mut place = document;
    for step in path {
        match place.get_mut(*step) {
            Some(next) => place = next,
            None => return Vec::new(),
        }
    }
    let Some(fields) = place.as_object_mut() else { return Vec::new() };
    fields.iter_mut().filter(|(name, _)| name.trim().eq_ignore_ascii_case(id)).map(|(_, value)| value).collect()
}

/// Copies the values at `path` into the same place of `to`. A value of another type than an object on the way is
/// copied as it is, so that the plugin can say what is wrong with it.
fn copy(from: &Value, to: &mut Value, path: &[&str], id: &str) {
    let (Some((step, rest)), Some(fields)) = (path.split_first(), from.as_object()) else {
        *to = from.clone();
        return;
    };
    for name in matching(fields, step, id) {
        let (Some(value), Some(to)) = (fields.get(&name), to.as_object_mut()) else { continue };
        copy(value, to.entry(name).or_insert_with(|| Value::Object(Map::new())), rest, id);
    }
}

/// Makes the values at `path` of `to` those of `from`: changed, added and removed ones.
fn replace(to: &mut Value, from: &Value, path: &[&str], id: &str) {
    let Some((step, rest)) = path.split_first() else {
        *to = from.clone();
        return;
    };
    let empty = Map::new();
    let source = from.as_object().unwrap_or(&empty);
    let Some(fields) = to.as_object_mut() else { return };
    let names = matching(source, step, id);
    if rest.is_empty() {
        for gone in matching(fields, step, id).iter().filter(|name| !names.contains(name)) {
            fields.shift_remove(gone);
        }
    }
    for name in names {
        let Some(value) = source.get(&name) else { continue };
        let place = fields.entry(name).or_insert_with(|| Value::Object(Map::new()));
        replace(place, value, rest, id);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn config() -> Value {
        json!({
            "gateway": {"token": "gateway-token"},
            "env": {"PORTKEY_API_KEY": "env-key"},
            "models": {
                "mode": "merge",
                "providers": {
                    "other": {"apiKey": "other-key"},
                    "Portkey": {
                        "apiKey": "  old-key ",
                        "baseUrl": "https://api.portkey.ai/v1",
                        "headers": {"Authorization": "Bearer sk-1", "x-portkey-trace-id": "t", "x-a": "${A}"},
                        "request": {"proxy": {"url": "http://user:pw@proxy"}},
                    },
                },
            },
            "agents": {"defaults": {"model": "x", "workspace": "~/work"}, "list": []},
            "plugins": {"entries": {"portkey": {"enabled": true, "config": {"traceId": "t"}}}},
        })
    }

    #[test]
    fn a_plugin_sees_its_own_part_and_no_secret() {
        let seen = View::of(&config(), "portkey").json();
        for hidden in ["gateway-token", "env-key", "other", "old-key", "sk-1", "user:pw", "workspace", "enabled"] {
            assert!(!seen.contains(hidden), "{hidden} in {seen}");
        }
        for shown in ["https://api.portkey.ai/v1", "x-portkey-trace-id", "${A}", "\"mode\":\"merge\"", "traceId"] {
            assert!(seen.contains(shown), "{shown} not in {seen}");
        }
    }

    fn edited(mut document: Value, edits: &Value) -> Value {
        for edit in edits.as_array().into_iter().flatten() {
            let pointer = edit.get("set").or_else(|| edit.get("remove")).and_then(Value::as_str).unwrap();
            let mut steps: Vec<_> = pointer.split('/').skip(1).map(|step| step.replace("~1", "/")).collect();
            let Some(last) = steps.pop() else {
                document = edit["to"].clone();
                continue;
            };
            let place = steps.iter().fold(&mut document, |place, step| match place {
                Value::Array(items) => &mut items[step.parse::<usize>().unwrap()],
                place => &mut place[step],
            });
            match (place, edit.get("to")) {
                (Value::Array(items), Some(to)) if last.parse() == Ok(items.len()) => items.push(to.clone()),
                (Value::Array(items), Some(to)) => items[last.parse::<usize>().unwrap()] = to.clone(),
                (place, Some(to)) => place[last] = to.clone(),
                (place, None) => drop(place.as_object_mut().unwrap().shift_remove(&last)),
            }
        }
        document
    }

    #[test]
    fn of_what_a_plugin_makes_of_the_configuration_only_its_own_part_is_taken() {
        let fixture: Value =
            serde_json::from_str(include_str!("../../../tests/fixtures/boundary/merges.json")).unwrap();
        let texts = |list: &Value| -> Vec<String> {
            list.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
        };
        let (id, hidden) = (fixture["id"].as_str().unwrap(), texts(&fixture["hidden"]));
        let seen = View::of(&fixture["config"], id).json();
        assert!(hidden.iter().all(|text| !seen.contains(text)), "{seen}");
        assert!(texts(&fixture["shown"]).iter().all(|text| seen.contains(text)), "{seen}");
        let variables = texts(&fixture["env_vars"]);
        let owner = Owner {
            id,
            default_base_url: fixture["default_base_url"].as_str().unwrap(),
            key_variables: variables.iter().map(String::as_str).collect(),
        };
        for case in fixture["cases"].as_array().unwrap() {
            let config = case.get("config").unwrap_or(&fixture["config"]);
            let choice = |name: &str| case["choices"][name].as_str();
            let choices = Choices { base_url: choice("base_url"), api_key_reference: choice("api_key_reference") };
            let view = View::of(config, id);
            let mut document = edited(view.document.clone(), &case["edits"]);
            for moved in case["edits_move"].as_array().into_iter().flatten() {
                let name = |at: usize| moved[at].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
                let providers = document["models"]["providers"].as_object_mut().unwrap();
                let entry = providers.shift_remove(&name(0)).unwrap();
                providers.insert(name(1), entry);
            }
            if let Some(length) = case["grow"].as_u64() {
                document["models"]["providers"][id]["name"] = "x".repeat(usize::try_from(length).unwrap()).into();
            }
            let answer = case["answer"].as_str().map_or_else(|| document.to_string(), str::to_owned);
            let outcome = view.merge_back(config, id, &answer).and_then(|merged| {
                View::check(config, &merged, &owner, &choices)?;
                Ok(merged)
            });
            assert_eq!(outcome.is_err(), case["refused"].as_bool().unwrap(), "{case}: {outcome:?}");
            match outcome {
                Ok(merged) => {
                    assert!(!merged.to_string().contains(&view.mark), "{case}: {merged}");
                    assert_eq!(edited(merged.clone(), &case["edits"]), merged, "{case}");
                    let is_left_alone = ["edits", "edits_move", "answer"].iter().all(|name| case.get(*name).is_none());
                    assert!(!is_left_alone || merged == *config, "{case}: {merged}");
                }
                Err(error) => {
                    let error = format!("{error} {error:?}");
                    assert!(hidden.iter().all(|text| !error.contains(text)), "{case}: {error}");
                }
            }
        }
    }

    #[test]
    fn what_a_plugin_leaves_alone_comes_back_as_it_was() {
        let view = View::of(&config(), "portkey");
        let mut expected = config();
        expected["models"]["providers"]["Portkey"]["apiKey"] = json!("old-key");
        assert_eq!(view.merge_back(&config(), "portkey", &view.json()).unwrap(), expected);
    }

    #[test]
    fn changes_additions_and_removals_are_laid_back() {
        let view = View::of(&config(), "portkey");
        let mut answer: Value = serde_json::from_str(&view.json()).unwrap();
        let entry = answer["models"]["providers"].as_object_mut().unwrap().remove("Portkey").unwrap();
        answer["models"]["providers"]["portkey"] = entry;
        answer["models"]["mode"] = json!("replace");
        answer["agents"]["defaults"]["models"] = json!({"portkey/m": {}});
        let merged = view.merge_back(&config(), "portkey", &answer.to_string()).unwrap();
        assert_eq!(merged["models"]["providers"]["portkey"]["apiKey"], "old-key");
        assert!(merged["models"]["providers"].get("Portkey").is_none());
        assert_eq!(merged["models"]["providers"]["other"]["apiKey"], "other-key");
        assert_eq!(merged["agents"]["defaults"]["workspace"], "~/work");
        assert_eq!(merged["agents"]["defaults"]["models"], json!({"portkey/m": {}}));
    }

    #[test]
    fn a_plugin_that_writes_elsewhere_is_refused() {
        let view = View::of(&config(), "portkey");
        for (pointer, value) in [("gateway", json!({"token": ""})), ("models", json!({"providers": {"other": {}}}))] {
            let mut answer: Value = serde_json::from_str(&view.json()).unwrap();
            answer[pointer] = value;
            assert!(view.merge_back(&config(), "portkey", &answer.to_string()).is_err(), "{pointer}");
        }
    }
}
