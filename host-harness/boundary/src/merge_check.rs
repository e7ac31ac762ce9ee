//! Whether what a plugin made of the configuration only adds its own: where it is called, its key's reference, its models.
//! What the user has stays as it is written, but that spellings of the provider may become one entry, and rows of one id one
//! row. So the key, and every other secret, still go only to where the user wants them. `checkMerge` in
//! `openclaw/src/merge-check.js` is the same for OpenClaw.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::{
    Error, Result,
    aliases::{Names, Taken, is_of_provider},
    excerpt::{entries, model_id, trimmed},
    model_name::split_profile,
    origin::Origin,
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

/// Whether the configuration that a plugin wrote is the user's, with what the plugin may add to it.
///
/// # Errors
/// `invalid-config` if anything that the user wrote is missing or different, or if what was added is not the plugin's to
/// write: a reference but for its key, another place to call, a setting, a name that another model goes by.
pub fn check(config: &Value, merged: &Value, owner: &Owner<'_>, choices: &Choices<'_>) -> Result<()> {
    if let Some((name, why)) = conflict(config, owner.id, owner.default_base_url) {
        return Err(Error::new(format!("`models.providers.{}` {why}", name.trim())));
    }
    let (had, has) = (entries(config, owner.id), entries(merged, owner.id));
    let stays =
        had.len() == has.len() && had.iter().zip(&has).all(|(had, has)| had.0 == has.0 && is_as_written(had.1, has.1));
    let of = |path: &str| [config, merged].map(|config| config.pointer(path).unwrap_or(&Value::Null));
    let [[had_mode, mode], [had_model, model], [had_models, models]] =
        ["/models/mode", "/agents/defaults/model", "/agents/defaults/models"].map(of);
    let change = if !same(had_mode, mode) && (is_filled(had_mode) || mode != "merge") {
        Some("`models.mode`".to_owned())
    } else if options(config, owner.id) != options(merged, owner.id) {
        Some("an option".to_owned())
    } else {
        let is_settled = stays && choices.base_url.is_none_or(|url| url.trim().is_empty());
        let taken = &Taken::of(config, owner.id);
        let change = if is_settled { None } else { change_of_entry(&had, &has, owner, choices, taken) };
        change
            .or_else(|| change_of_default(had_model, model, owner.id))
            .or_else(|| change_of_models(had_models, models, merged, owner.id, taken))
    };
    let Some(change) = change else { return Ok(()) };
    Err(Error::new(format!(
        "the plugin `{}` wrote {change} into the configuration, which is the user's choice",
        owner.id
    )))
}

/// What the plugin may not have written in its entry.
fn change_of_entry(
    had: &[(&str, &Value)],
    has: &[(&str, &Value)],
    owner: &Owner<'_>,
    choices: &Choices<'_>,
    taken: &Taken,
) -> Option<String> {
    let entry = match has {
        [] if had.is_empty() => return None,
        [] => return Some("no entry of its own".to_owned()),
        [(name, entry)] if *name == owner.id => entry,
        _ => return Some("an entry under another name than its own".to_owned()),
    };
    let before: Option<Vec<_>> = had.iter().map(|(_, entry)| entry.as_object()).collect();
    let (Some(before), Some(has)) = (before, entry.as_object()) else { return Some("another entry".to_owned()) };
    let had = &as_one(&before);

    let chosen = choices.base_url.map(str::trim).filter(|url| !url.is_empty());
    let url = |entry: &Map<String, Value>| match entry.get("baseUrl").filter(|url| is_filled(url)) {
        Some(Value::String(url)) => url.trim().to_owned(),
        Some(other) => other.to_string(),
        None => owner.default_base_url.to_owned(),
    };
    let (was, is) = (url(had), url(has));
    let is_theirs = is == was || chosen == Some(&is) || !refers(&Value::from(&*is));
    if !is_theirs || !same_place(chosen.unwrap_or(&was), &is) {
        return Some("another `baseUrl`".to_owned());
    }
    let is_own_key = |key: &str| {
        choices.api_key_reference.is_some_and(|reference| reference.trim() == key)
            || owner.key_variables.iter().any(|name| key == format!("${{{name}}}"))
    };
    for name in had.keys().chain(has.keys()).filter(|name| *name != "baseUrl") {
        let [was, is] = [had, has].map(|entry| entry.get(name).filter(|value| is_filled(value)));
        let may_be = match (&**name, was, is) {
            (_, None, None) => true,
            ("headers", None | Some(Value::Object(_)), None | Some(Value::Object(_))) => {
                let is_users = |(name, value): (&String, &Value)| {
                    before.iter().any(|entry| entry.get("headers").and_then(|all| all.get(name)) == Some(value))
                };
                headers(&before) == headers(&[has]) && is.and_then(Value::as_object).into_iter().flatten().all(is_users)
            }
            (_, Some(was), Some(is)) if same(was, is) => true,
            ("api" | "name", _, Some(text)) => text.is_string() && !refers(text),
            // A key that is a number is none.
            ("apiKey", None | Some(Value::Number(_) | Value::Bool(_)), is) => {
                is.is_none_or(|key| key.as_str().is_some_and(|key| is_own_key(key.trim())))
            }
            ("models", None | Some(Value::Array(_)), Some(Value::Array(rows))) => {
                let was = was.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
                let change = change_of_rows(was, rows, owner.id, taken);
                if change.is_some() && change_of_rows(&joined(was), rows, owner.id, taken).is_some() {
                    return change;
                }
                true
            }
            _ => false,
        };
        if !may_be {
            return Some(match is {
                Some(_) => format!("another `{name}`"),
                None => format!("an entry without `{name}`"),
            });
        }
    }
    None
}

/// The spellings of a provider as one entry, as its plugin may join them: what the first does not say the others do.
fn as_one(entries: &[&Map<String, Value>]) -> Map<String, Value> {
    let mut all = Map::new();
    for (name, value) in entries.iter().copied().flatten().filter(|(_, value)| is_filled(value)) {
        match (all.get_mut(name), value) {
            (Some(Value::Array(rows)), Value::Array(more)) if name == "models" => rows.extend(more.iter().cloned()),
            (Some(_), _) => {}
            (None, _) => drop(all.insert(name.clone(), value.clone())),
        }
    }
    all
}

/// Their headers as they are read, by names in small letters: of several the last counts, and the first entry's go over
/// those of the others. One without a value is none.
fn headers<'a>(entries: &[&'a Map<String, Value>]) -> BTreeMap<String, &'a Value> {
    let tables = entries.iter().rev().filter_map(|entry| entry.get("headers")?.as_object()).flatten();
    let mut all: BTreeMap<_, _> = tables.map(|(name, value)| (name.trim().to_ascii_lowercase(), value)).collect();
    all.retain(|_, value| is_filled(value));
    all
}

/// The rows of one id as one, in the place of the first: what it does not say the others do.
fn joined(rows: &[Value]) -> Vec<Value> {
    let mut all: Vec<Value> = Vec::new();
    let mut places = BTreeMap::new();
    for row in rows {
        let place = match row.get("id").unwrap_or(row).as_str() {
            Some(id) if !id.trim().is_empty() => *places.entry(trimmed(id)).or_insert(all.len()),
            _ => all.len(),
        };
        match (all.get_mut(place), row) {
            (Some(Value::Object(known)), Value::Object(row)) => {
                for (name, value) in row.iter().filter(|(_, value)| !value.is_null()) {
                    if known.get(name).is_none_or(Value::is_null) {
                        known.insert(name.clone(), value.clone());
                    }
                }
            }
            (Some(known), Value::Object(_)) => known.clone_from(row),
            (Some(_), _) => {}
            (None, row) => all.push(row.clone()),
        }
    }
    all
}

/// The members of a row of models that describe the model, which a plugin may write. The others say how it is called.
const DESCRIBES: &[&str] = &[
    "api", "compat", "contextTokens", "contextWindow", "cost", "input", "maxTokens", "mediaInput", "name", "reasoning",
    "thinkingLevelMap",
];

/// What the plugin may not have written in the list of models. The rows stay in their places, and what is new stands behind
/// them: a model that is in none of them, described and no more.
fn change_of_rows(had: &[Value], has: &[Value], provider: &str, taken: &Taken) -> Option<String> {
    let id = |row: &'_ Value| row.get("id").unwrap_or(row).as_str().unwrap_or_default().to_owned();
    let none = Map::new();
    let mut known = BTreeSet::new();
    for (at, is) in has.iter().enumerate() {
        let named = id(is);
        let model = model_id(&named, provider);
        let is_unknown = known.insert(model.to_owned());
        let (is_new, was) = (at >= had.len(), had.get(at));
        if was.is_some_and(|was| is_as_written(was, is)) {
            continue;
        }
        if is_new && taken.mean_another(model) {
            return Some(format!("a model `{named}`, which names another one"));
        }
        let was = match was {
            None if is_unknown && !named.trim().is_empty() && !refers(is) => &none,
            Some(Value::Object(was)) => was,
            _ => return Some(format!("other settings of the model `{named}`")),
        };
        let is_one = is.as_object().is_some_and(|is| {
            was.keys().chain(is.keys()).all(|name| {
                let [was, is] = [was, is].map(|row| row.get(name).filter(|value| !value.is_null()));
                let describes = DESCRIBES.contains(&&**name) || name == "id" && is_new;
                let stays = was.zip(is).map_or(was == is, |(was, is)| is_as_written(was, is));
                stays || describes && is.is_none_or(|value| !refers(value))
            })
        });
        if !is_one {
            return Some(format!("other settings of the model `{named}`"));
        }
    }
    had.get(has.len()).map(|gone| format!("an entry without the model `{}`", id(gone)))
}

/// What the plugin may not have written as the agents' default model: it may be the plugin's where there was none.
fn change_of_default(had: &Value, has: &Value, id: &str) -> Option<String> {
    let primary =
        |model: &'_ Value| if model.is_object() { model.get("primary").cloned() } else { Some(model.clone()) };
    let others = |model: &Value| {
        let mut others = model.as_object().cloned().unwrap_or_default();
        others.shift_remove("primary");
        others
    };
    let (was, is) = (primary(had), primary(has));
    let may_be = || {
        let name = is.as_ref().and_then(Value::as_str).filter(|name| is_own_model(name, id));
        !was.as_ref().is_some_and(is_filled) && name.is_some() && others(had) == others(has)
    };
    (had != has && !may_be()).then(|| "the default model".to_owned())
}

/// The model in the name of one of this provider.
fn own_model<'a>(name: &'a str, id: &str) -> &'a str {
    name.split_once('/').map_or(name, |(_, model)| model_id(model, id))
}

/// Whether it is a model of this provider, and no more: a profile behind the name is one of the user's keys.
fn is_own_model(name: &str, id: &str) -> bool {
    // `provider/*` allows all of its models.
    let is_one = !trimmed(name).ends_with('*') && split_profile(name).1.is_none();
    is_of_provider(name, id) && is_one && !refers(&Value::from(name))
}

/// What the plugin may not have written among the agents' models: it may add one of its own behind the others, and an alias
/// where there is none, by which no other model goes. Of two of one alias, and of two spellings of a model, OpenClaw takes
/// the last.
fn change_of_models(had: &Value, has: &Value, merged: &Value, id: &str, taken: &Taken) -> Option<String> {
    if is_as_written(had, has) {
        return None;
    }
    let empty = Map::new();
    let had = if had.is_null() { Some(&empty) } else { had.as_object() };
    let names = Names::of(merged, id);
    let own = had.into_iter().flatten().map(|(name, _)| name).filter(|name| is_of_provider(name, id));
    let known: BTreeSet<_> = own.map(|name| own_model(name, id)).collect();
    let may_be = |(name, is): (&String, &Value)| {
        let was = had.and_then(|had| had.get(name));
        let (is_there, was) = (was.is_some(), was.filter(|was| !was.is_null()));
        let Some(settings) = is.as_object() else { return was == Some(is) };
        let had = was.map_or(Some(&empty), Value::as_object);
        let is_own = had.is_some_and(|had| {
            had.iter().all(|(name, was)| settings.get(name) == Some(was) || name == "alias" && !is_filled(was))
                && settings.keys().all(|name| name == "alias" || had.contains_key(name))
        });
        let alias = settings.get("alias").filter(|alias| is_filled(alias));
        let is_free = || alias.is_none_or(|alias| alias.as_str().is_some_and(|alias| names.are_only(alias, name)));
        let is_new = || {
            is_own_model(name, id) && !taken.mean_another(own_model(name, id)) && !known.contains(own_model(name, id))
        };
        let is_known = || if is_there { is_of_provider(name, id) } else { is_new() };
        was == Some(is) || is_own && is_known() && is_free() && !alias.is_some_and(refers)
    };
    let stays = had.zip(has.as_object()).is_some_and(|(had, has)| had.keys().eq(has.keys().take(had.len())));
    let may_be = stays && has.as_object().into_iter().flatten().all(may_be);
    (!may_be).then(|| "another model of the agents".to_owned())
}

/// Whether a text in it refers to a secret.
fn refers(value: &Value) -> bool {
    !secret_json::all_names(value).is_empty()
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

/// Whether it has a value.
pub(crate) fn is_filled(value: &Value) -> bool {
    !value.is_null() && value.as_str().is_none_or(|text| !text.trim().is_empty())
}

/// Whether they are equal, apart from white space around a text.
fn same(one: &Value, other: &Value) -> bool {
    match (one.as_str(), other.as_str()) {
        (Some(one), Some(other)) => trimmed(one) == trimmed(other),
        _ => is_as_written(one, other),
    }
}

/// Whether they are equal, the order of members included: of a header in two letter cases the last is sent.
fn is_as_written(one: &Value, other: &Value) -> bool {
    let [one, other] = [one, other].map(Value::to_string);
    one == other
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

/// Whether both name the same origin, or are the same text: a base URL may be a reference.
fn same_place(one: &str, other: &str) -> bool {
    one == other || matches!((one.parse::<Origin>(), other.parse::<Origin>()), (Ok(one), Ok(other)) if one == other)
}
