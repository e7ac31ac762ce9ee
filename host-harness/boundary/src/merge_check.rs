//! Whether what a plugin made of the configuration still sends the key, and no other secret, only to where the user
//! wants it. `checkMerge` in `openclaw/src/merge-check.js` is the same for OpenClaw.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::{
    Error, Result,
    aliases::{Names, canonical, is_of_provider},
    excerpt::{entries, excerpt, model_id, models, trimmed},
    model_name::split_profile,
    origin::Origin,
    references::{is_reference, references},
    secret_json,
};

/// Most entries for one plugin or provider: each is a spelling of its name, and all of them are joined.
pub const SPELLINGS: usize = 16;

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

/// Whether the configuration that a plugin wrote still sends the key, and no other secret, where the user wants it.
///
/// # Errors
/// `invalid-config` if its base URLs, settings for requests, headers, options, references, default models or
/// members that a plugin does not write differ from the user's, or are missing.
pub fn check(config: &Value, merged: &Value, owner: &Owner<'_>, choices: &Choices<'_>) -> Result<()> {
    let id = owner.id;
    let refuse = |what: &str| {
        Err(Error::new(format!("the plugin `{id}` wrote {what} into the configuration, which is the user's choice")))
    };

    if let Some((name, why)) = conflict(config, id, owner.default_base_url) {
        return Err(Error::new(format!("`models.providers.{}` {why}", name.trim())));
    }
    let [own, theirs] = [config, merged].map(|config| excerpt(config, id));
    let mut known: BTreeSet<_> = secret_json::all_names(&own).into_iter().collect();
    known.extend(choices.api_key_reference.iter().flat_map(|reference| references(reference)));
    known.extend(owner.key_variables.iter().map(|&name| name.to_owned()));
    let written = secret_json::all_names(&theirs);
    if let Some(name) = written.iter().find(|&name| !known.contains(name)) {
        return refuse(&format!("the reference ${{{name}}}"));
    }

    // A reference is shown, or sent, where it stands: it stays in its place.
    let mut places = Places::default();
    let [key, base_url] = ["apiKey", "baseUrl"].map(|name| places.of(&["models", "providers", "*", name]));
    let [had, has] = [&own, &theirs].map(|part| places.referring(part));
    let chosen = choices.base_url.unwrap_or_default().trim();
    let mut keys: Vec<_> = choices.api_key_reference.iter().map(|key| key.trim().to_owned()).collect();
    keys.extend(owner.key_variables.iter().map(|name| format!("${{{name}}}")));
    let may_refer =
        |(place, text): &(usize, String)| *place == key && keys.contains(text) || *place == base_url && text == chosen;
    if let Some((place, _)) = has.difference(&had).find(|place| !may_refer(place)) {
        return refuse(&format!("a reference at `{}`", places.path(*place)));
    }

    let [had, mode] = [config, merged].map(|config| config.pointer("/models/mode").unwrap_or(&Value::Null));
    if !same(had, mode) && (is_filled(had) || mode != "merge") {
        return refuse("`models.mode`");
    }

    let (had, has) = (entries(config, id), entries(merged, id));
    // OpenClaw reads no other spelling beside the exact one.
    if had != has && has.iter().any(|(name, _)| *name != id) {
        return refuse("an entry under another name than its own");
    }
    let [before, after] = [had, has].map(|all| all.into_iter().map(|(_, entry)| entry).collect::<Vec<_>>());
    if !before.is_empty() && after.is_empty() {
        return refuse("no entry of its own");
    }
    if let Some(lost) = lost(&before, &after) {
        return refuse(&lost);
    }
    let mut members = after.iter().filter_map(|entry| entry.as_object()).flatten();
    if let Some((name, _)) =
        members.find(|&(name, value)| !WRITTEN.contains(&name.as_str()) && !is_users(&before, name, value))
    {
        return refuse(&format!("`{name}`"));
    }
    if let Some(change) = change_of(&models(config, id), &models(merged, id), id) {
        return refuse(&change);
    }
    let [had, has] = [config, merged].map(|config| config.pointer("/agents/defaults").unwrap_or(&Value::Null));
    if !is_own_model(had.get("model"), has.get("model"), id) {
        return refuse("the default model");
    }
    if !are_own_models(had.get("models"), has.get("models"), merged, id) {
        return refuse("another model of the agents");
    }
    // Each under its own spelling: OpenClaw reads one alone.
    let (had, has) = (options(config, id), options(merged, id));
    if after.len().max(had.len()).max(has.len()) > SPELLINGS {
        return Err(Error::new(format!("more than {SPELLINGS} entries are spellings of `{id}`")));
    }
    if had != has {
        return refuse("an option");
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

/// Why the spellings of a provider's name in `config` cannot be read as one entry: with which of them, and the reason.
/// What is kept for one server would go to another, or by another way than it is meant to.
pub fn conflict<'a>(config: &'a Value, id: &str, default_base_url: &str) -> Option<(&'a str, String)> {
    let all = entries(config, id);
    if let Some(&(name, _)) = all.get(SPELLINGS) {
        return Some((
            name,
            format!("is another of over {SPELLINGS} spellings of the same provider: leave one of them"),
        ));
    }
    let place = |entry: &'a Value| entry.get("baseUrl")?.as_str().map(str::trim).filter(|url| !url.is_empty());
    let first = place(all.first()?.1).unwrap_or(default_base_url);
    let elsewhere = all.iter().find(|(_, entry)| place(entry).is_some_and(|url| !same_place(first, url)));
    let request = |entry: &'a Value| entry.get("request").filter(|request| !request.is_null());
    let other_request = || {
        let first = all.iter().find_map(|(_, entry)| request(entry))?;
        all.iter().find(|(_, entry)| request(entry).is_some_and(|other| other != first))
    };
    let conflict = |(name, _): &(&'a str, &Value), member: &str| {
        (*name, format!("is another spelling of the same provider, with another `{member}`: leave one of them"))
    };
    elsewhere
        .map(|entry| conflict(entry, "baseUrl"))
        .or_else(|| other_request().map(|entry| conflict(entry, "request")))
}

/// What the user has and the plugin left out or replaced: a member of the entry that it may not write, or a header. All
/// spellings are read as one entry.
fn lost(before: &[&Value], after: &[&Value]) -> Option<String> {
    // A key that is a number is none.
    let is_key = |name: &str, value: &Value| name != "apiKey" || !(value.is_number() || value.is_boolean());
    let [had, has] = [before, after].map(|entries| as_one(entries.iter().copied(), &is_key));
    for (&name, had) in had.iter().filter(|(name, _)| !WRITTEN.contains(name)) {
        let Some(&has) = has.get(name) else { return Some(format!("an entry without `{name}`")) };
        let is_another_key = name == "apiKey" && has.as_str().is_some_and(is_reference);
        if name != "headers" && !is_another_key && !same(had, has) {
            return Some(format!("another `{name}`"));
        }
    }
    let [had, has] = [before, after].map(headers);
    let is_kept = |name: &str| had.get(name).zip(has.get(name)).is_some_and(|(had, has)| same(had, has));
    let other = had.keys().chain(has.keys()).find(|name| !is_kept(name));
    other.map(|name| format!("other `headers`, by `{name}`"))
}

/// Their headers as they are read, by names in small letters: of several the last counts, and the first entry's go over
/// those of the others. One without a value is none.
fn headers<'a>(entries: &[&'a Value]) -> BTreeMap<String, &'a Value> {
    let tables = entries.iter().rev().filter_map(|entry| entry.get("headers")?.as_object()).flatten();
    let mut all: BTreeMap<_, _> = tables.map(|(name, value)| (name.trim().to_ascii_lowercase(), value)).collect();
    all.retain(|_, value| is_filled(value));
    all
}

/// Their members as those of one: of several with a name the first counts that has a value, and is one.
fn as_one<'a>(
    objects: impl Iterator<Item = &'a Value>,
    is_one: &dyn Fn(&str, &Value) -> bool,
) -> BTreeMap<&'a str, &'a Value> {
    let mut all = BTreeMap::new();
    for (name, value) in objects.filter_map(Value::as_object).flatten() {
        if is_filled(value) && is_one(name, value) {
            all.entry(name.as_str()).or_insert(value);
        }
    }
    all
}

/// The members of its entry that a plugin may write. The others include programs that OpenClaw starts (`localService`)
/// and runs agents with (`agentRuntime`).
const WRITTEN: &[&str] = &["api", "baseUrl", "models", "name"];

/// The same of a model there.
const WRITTEN_OF_MODELS: &[&str] = &[
    "api", "compat", "contextTokens", "contextWindow", "cost", "id", "input", "maxTokens", "mediaInput", "name",
    "reasoning", "thinkingLevelMap",
];

/// Of each id its rows: the id as it is written, and the members that only the user may write, all that do not describe the
/// model.
fn rows<'a>(models: &[&'a Value], provider: &str) -> BTreeMap<&'a str, Vec<BTreeMap<&'a str, &'a Value>>> {
    let mut all: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for &model in models {
        let id = model.get("id").unwrap_or(model);
        let members = model.as_object().into_iter().flatten().map(|(name, value)| (name.as_str(), value));
        let own = members.filter(|(name, value)| !value.is_null() && !WRITTEN_OF_MODELS.contains(name));
        all.entry(id.as_str().map(|id| model_id(id, provider)).unwrap_or_default())
            .or_default()
            .push(own.chain([("id", id)]).collect());
    }
    all
}

/// A change of the models that the plugin may not make: a model is missing, or a member that only the user may write
/// differs. The rows of an id stay, or become one that says what they say together: what the first does not say the others
/// do. Of a model that is new there is one, without such members.
fn change_of(before: &[&Value], after: &[&Value], id: &str) -> Option<String> {
    let (had, has) = (rows(before, id), rows(after, id));
    for (id, rows) in &has {
        let is_one = |row: &BTreeMap<_, _>| match had.get(id) {
            Some(were) => *row == were.iter().rev().flatten().map(|(&name, &value)| (name, value)).collect(),
            None => row.len() == 1,
        };
        if had.get(id) != Some(rows) && !matches!(&rows[..], [row] if is_one(row)) {
            return Some(format!("other settings of the model `{id}`"));
        }
    }
    let gone = had.keys().find(|id| !id.is_empty() && !has.contains_key(*id));
    gone.map(|id| format!("an entry without the model `{id}`"))
}

/// Whether it has a value.
pub(crate) fn is_filled(value: &Value) -> bool {
    !value.is_null() && value.as_str().is_none_or(|text| !text.trim().is_empty())
}

/// Whether they are equal, apart from white space around a text.
fn same(one: &Value, other: &Value) -> bool {
    match (one.as_str(), other.as_str()) {
        (Some(one), Some(other)) => trimmed(one) == trimmed(other),
        _ => one == other,
    }
}

/// The options of the plugin, by the names of their entries, where it has any.
fn options<'a>(config: &'a Value, id: &str) -> BTreeMap<&'a str, &'a Value> {
    let plugins = config.pointer("/plugins/entries").and_then(Value::as_object).into_iter().flatten();
    plugins
        .filter(|(name, _)| name.trim().eq_ignore_ascii_case(id))
        .filter_map(|(name, plugin)| Some((name.as_str(), plugin.get("config")?)))
        .filter(|(_, config)| is_filled(config) && config.as_object().is_none_or(|options| !options.is_empty()))
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

/// Whether the agents' default model is the user's, or one of this provider with the same key: a profile behind the name
/// says which, and another model needs none.
fn is_own_model(had: Option<&Value>, has: Option<&Value>, id: &str) -> bool {
    let Some(has) = has else { return true };
    let primary = |model: &Value| match model {
        Value::Object(members) => members.get("primary").cloned(),
        other => Some(other.clone()),
    };
    let now = primary(has);
    let was = had.and_then(primary);
    let was = was.as_ref().and_then(Value::as_str).filter(|name| is_of_provider(name, id)).unwrap_or_default();
    let has_same_key = |name: &str| {
        let ((had, had_key), (has, key)) = (split_profile(was), split_profile(name));
        key == had_key || key.is_none() && canonical(has) != canonical(had)
    };
    let is_own =
        now.as_ref().and_then(Value::as_str).is_some_and(|name| is_of_provider(name, id) && has_same_key(name));
    let mut others = has.as_object().into_iter().flatten().filter(|(name, _)| *name != "primary");
    Some(has) == had
        || (is_own || now.is_none() || now == had.and_then(primary))
            && others.all(|(name, value)| had.and_then(|had| had.get(name)) == Some(value))
}

/// Whether the agents' models are the user's, except aliases of this provider's models that are not names of other
/// models.
fn are_own_models(had: Option<&Value>, has: Option<&Value>, merged: &Value, id: &str) -> bool {
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
    let names = Names::of(merged, id);
    had.keys().chain(has.keys()).all(|name| {
        let (before, now) = (had.get(name), has.get(name));
        let (was, is) = (alias(before), alias(now));
        let is_free =
            !is_filled(&is) || same(&was, &is) || is.as_str().is_some_and(|alias| names.are_only(alias, name));
        let is_known = before.is_some() || split_profile(name).1.is_none();
        before == now || is_of_provider(name, id) && is_known && is_free && settings(before) == settings(now)
    })
}

/// The places in a configuration, each by a number: written out, a long name would be there once more for all below it.
/// Positions in lists and the spelling of the id do not count.
#[derive(Default)]
struct Places<'a> {
    numbers: BTreeMap<(usize, &'a str), usize>,
    /// What each is below, and its name. The top is none of them, and has the number 0.
    steps: Vec<(usize, &'a str)>,
}

impl<'a> Places<'a> {
    fn below(&mut self, place: usize, name: &'a str) -> usize {
        *self.numbers.entry((place, name)).or_insert_with(|| {
            self.steps.push((place, name));
            self.steps.len()
        })
    }

    fn of(&mut self, path: &[&'a str]) -> usize {
        path.iter().fold(0, |place, name| self.below(place, name))
    }

    fn path(&self, mut place: usize) -> String {
        let mut names = Vec::new();
        while let Some(&(above, name)) = place.checked_sub(1).and_then(|at| self.steps.get(at)) {
            names.push(name);
            place = above;
        }
        names.iter().rev().flat_map(|name| ["/", name]).collect()
    }

    /// Each text with a reference, and its place.
    fn referring(&mut self, config: &'a Value) -> BTreeSet<(usize, String)> {
        let owns = ["models/providers", "plugins/entries"].map(|path| self.of(&path.split('/').collect::<Vec<_>>()));
        let mut all = BTreeSet::new();
        let mut left = vec![(0, config)];
        while let Some((place, value)) = left.pop() {
            match value {
                Value::String(text) if !secret_json::all_names(value).is_empty() => {
                    all.insert((place, text.trim().to_owned()));
                }
                Value::Array(items) => {
                    let inner = self.below(place, "[]");
                    left.extend(items.iter().map(|item| (inner, item)));
                }
                Value::Object(members) if secret_json::object_reference(value).is_some() => {
                    all.insert((place, Value::from(members.clone()).to_string()));
                }
                Value::Object(members) => {
                    let is_own = owns.contains(&place);
                    left.extend(members.iter().map(|(name, value)| {
                        let name = if is_own { "*" } else { name };
                        (self.below(place, name), value)
                    }));
                }
                _ => {}
            }
        }
        all
    }
}

/// Whether both name the same origin, or are the same text: a base URL may be a reference.
fn same_place(one: &str, other: &str) -> bool {
    one == other || matches!((one.parse::<Origin>(), other.parse::<Origin>()), (Ok(one), Ok(other)) if one == other)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// As large as a plugin's answer may be: written out, the places would be gigabytes.
    #[test]
    fn references_below_a_long_name_are_refused() {
        let entry = |models: Value| json!({"models": {"providers": {"p": {"models": models}}}});
        let owner = Owner { id: "p", default_base_url: "https://a.example", key_variables: vec!["KEY"] };
        let references: Map<_, _> = (0..12_000).map(|at| (at.to_string(), json!("${KEY}"))).collect();
        let merged = entry(json!([{"id": "m", "compat": {"x".repeat(500_000): references}}]));
        let refused = check(&entry(json!([{"id": "m"}])), &merged, &owner, &Choices::default()).unwrap_err();
        assert!(
            refused.to_string().contains("a reference at `/models/providers/*/models/[]/compat/xxx"),
            "{refused:.200}"
        );
        check(&merged, &merged, &owner, &Choices::default()).unwrap();
    }
}
