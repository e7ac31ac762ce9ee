//! The keys of `models.providers.<id>`: which are obeyed here, which are refused, and which this host ignores. Owns
//! that table, and merges the headers from all places where OpenClaw takes them.

use std::{collections::HashSet, mem};

use boundary::{edit::INCLUDE, references::shorthand};
use serde_json::{Map, Value, json};

use super::secrets::check_followed;
use crate::error::{Error, Result};

/// What this host does about a key of OpenClaw's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Does {
    /// Does as it says.
    Obeys,
    /// Does as it says, where the value has this shape, and refuses another.
    ObeysA(Shape),
    /// Refuses every command that sends or writes: to go without it would lead elsewhere, or be unsafe.
    Refuses(&'static str),
    /// Refuses them where it is `true`.
    RefusesTrue(&'static str),
    /// Leaves it to OpenClaw: `doctor` says so.
    Leaves(&'static str),
}

use Does::{Leaves, Obeys, ObeysA, Refuses, RefusesTrue};

/// OpenClaw's keys, by the place that they stand in below `models.providers.<id>`. What is not here is refused, as
/// OpenClaw does: a `baseURL` that is not read would send the key elsewhere.
pub(crate) const KEYS: &[(&str, &[(&str, Does)])] = &[
    (
        "",
        &[
            ("baseUrl", Obeys),
            ("apiKey", Obeys),
            ("auth", Obeys),
            ("headers", Obeys),
            ("timeoutSeconds", Obeys),
            ("request", Obeys),
            ("models", ObeysA(Shape::Objects)),
            ("api", Leaves(FORM)),
            ("authHeader", Leaves("the key is sent in the provider's own header")),
            ("maxTokens", ObeysA(Shape::Count)),
            ("params", Leaves("they are for OpenClaw's plugins")),
            ("region", Leaves("the base URL says where to call")),
            ("injectNumCtxForOpenAICompat", Leaves("it is for local model servers")),
            ("agentRuntime", Leaves("this host runs no agents")),
            (
                "localService",
                Refuses("it is a program to start, and this host starts none: start it yourself, and remove it here"),
            ),
        ],
    ),
    (
        "request",
        &[
            ("headers", Obeys),
            ("auth", Obeys),
            ("proxy", Obeys),
            ("tls", Obeys),
            ("allowPrivateNetwork", ObeysA(Shape::Bool)),
        ],
    ),
    (
        "request.auth",
        &[("mode", Obeys), ("token", Obeys), ("headerName", Obeys), ("value", Obeys), ("prefix", ObeysA(Shape::Text))],
    ),
    (
        "request.proxy",
        &[("mode", Obeys), ("url", Obeys), ("tls", Refuses("settings for TLS to a proxy are not supported"))],
    ),
    (
        "request.tls",
        &[
            ("ca", Obeys),
            ("cert", Obeys),
            ("key", Obeys),
            ("serverName", Obeys),
            ("passphrase", Refuses("give `key` unencrypted, by a reference")),
            (
                "insecureSkipVerify",
                RefusesTrue(
                    "it would hand the key to anybody: give the certificate authority as `ca` instead, in PEM form",
                ),
            ),
        ],
    ),
    (
        "models[]",
        &[
            ("id", ObeysA(Shape::Text)),
            ("headers", ObeysA(Shape::Object)),
            ("baseUrl", ObeysA(Shape::Filled)),
            ("name", Obeys),
            ("api", Leaves(FORM)),
            ("reasoning", Leaves(ORDINARY)),
            ("input", Leaves(ORDINARY)),
            ("cost", ObeysA(Shape::Object)),
            ("contextWindow", Leaves(ORDINARY)),
            ("contextTokens", Leaves(ORDINARY)),
            ("maxTokens", ObeysA(Shape::Count)),
            ("thinkingLevelMap", Leaves(ORDINARY)),
            ("params", Leaves("they are for OpenClaw's plugins")),
            ("agentRuntime", Leaves("this host runs no agents")),
            ("compat", ObeysA(Shape::Object)),
            ("mediaInput", Leaves(ORDINARY)),
            ("metadataSource", Leaves("OpenClaw's own mark")),
        ],
    ),
    (
        "models[].cost",
        &[
            ("input", ObeysA(Shape::Price)),
            ("output", ObeysA(Shape::Price)),
            ("cacheRead", ObeysA(Shape::Price)),
            ("cacheWrite", ObeysA(Shape::Price)),
            ("tieredPricing", Leaves("prices that depend on the length of a prompt are OpenClaw's to reckon with")),
        ],
    ),
];

/// Why another `api` means nothing here. A request has another form than its author wanted, so `lint` says so too.
pub(crate) const FORM: &str = "this host asks in the form of openai-completions";

/// What a list of models says of each is of no interest to somebody who looks for what was ignored.
const ORDINARY: &str = "OpenClaw's knowledge of the model";

/// A value of the provider's entry that is left to OpenClaw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// Where it stands.
    pub path: String,
    /// Why it is not obeyed here.
    pub why: &'static str,
}

/// Whether the way to the provider's entry is what it seems: a `model` or a `Providers` that nobody reads would leave the
/// entry out, and the key would go to the provider's own service.
///
/// Gives an error for each name that is not, with the right one.
pub(crate) fn check_way(config: &Value) -> Vec<Error> {
    const MODELS: [&str; 3] = ["mode", "providers", "catalogRefresh"];
    let (mut refused, mut wrong_shapes) = (Vec::new(), Vec::new());
    let mut refuse = |path: String, hint: &str| {
        refused.push(Error::at(path, "is none of OpenClaw's keys").hint(format!("{hint} OpenClaw refuses it too.")));
    };
    let root = config.as_object();
    let models = config.get("models").and_then(Value::as_object);
    for name in root.into_iter().flat_map(Map::keys) {
        let plain = name.to_ascii_lowercase();
        if name.starts_with('$') && name != "$schema" {
            refuse(name.clone(), "Write it as `$include`, or remove it.");
        }
        if plain == "model" || plain == "providers" || (plain == "models" && name != "models") {
            refuse(name.clone(), "Providers are at `models.providers`.");
        }
        if plain == "plugin" || (plain == "plugins" && name != "plugins") {
            refuse(name.clone(), "Options are at `plugins.entries`.");
        }
    }
    let plugins = config.pointer("/plugins/entries").and_then(Value::as_object);
    for (plugin, entry) in plugins.into_iter().flatten() {
        let is_near = |name: &&String| *name != "config" && nearest(name, ["config"]).is_some();
        for name in entry.as_object().into_iter().flat_map(Map::keys).filter(is_near) {
            refuse(format!("plugins.entries.{plugin}.{name}"), "Did you mean `config`?");
        }
    }
    for path in ["agents", "agents.defaults", "agents.entries", "env", "env.vars", "secrets", "secrets.providers"] {
        let value = path.split('.').try_fold(config, |value, step| value.get(step)).filter(|value| !value.is_null());
        // One of another kind would be read as if nothing were in it.
        if value.is_some_and(|value| !value.is_object()) {
            wrong_shapes.push(Error::at(path, "must be an object").hint(REFUSED_TOO));
        }
    }
    if config.pointer("/agents/list").is_some_and(|list| !list.is_null() && !list.is_array()) {
        wrong_shapes.push(Error::at("agents.list", "must be a list").hint(REFUSED_TOO));
    }
    for name in models.into_iter().flat_map(Map::keys).filter(|name| !MODELS.contains(&name.as_str())) {
        refuse(format!("models.{name}"), "Providers are at `models.providers`.");
    }
    refused.extend(wrong_shapes);
    refused
}

/// The one of `known` that `name` was probably meant to be: at most one letter in three is another.
pub fn nearest<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let plain = |name: &str| name.replace(['_', '-'], "").to_ascii_lowercase();
    let name = plain(name);
    let length = name.chars().count();
    let near = known.into_iter().filter_map(|known| {
        let (letters, most) = (plain(known), known.len() / 3);
        // As far apart as they differ in length, at least: a gateway names models as long as it likes.
        let is_as_long = letters.chars().count().abs_diff(length) <= most;
        is_as_long.then(|| (strsim::osa_distance(&letters, &name), known))
    });
    near.filter(|(distance, known)| distance * 3 <= known.len())
        .min_by_key(|(distance, _)| *distance)
        .map(|near| near.1)
}

/// What a look at all keys of the provider's entry finds.
#[derive(Debug, Default)]
pub(crate) struct Checked {
    /// What is left to OpenClaw.
    pub(crate) left: Vec<Left>,
    /// What is none of OpenClaw's keys, or is refused: an error each, with its name.
    pub(crate) refused: Vec<Error>,
}

/// Whether each key of `entry` is one of OpenClaw's, and may be there.
pub(crate) fn check(entry: &Value, path: &str) -> Checked {
    let mut checked = Checked::default();
    for (place, keys) in KEYS {
        let mut found = vec![(path.to_owned(), entry)];
        for step in place.split('.').filter(|step| !step.is_empty()) {
            found = found.into_iter().flat_map(|(path, value)| inside(&path, value, step)).collect();
        }
        for (path, value) in found {
            // A value of another type is for whoever reads it to refuse.
            if let Some(fields) = value.as_object() {
                checked.keys(fields, keys, &path);
            }
        }
    }
    for name in ["headers", "request"] {
        if let Some(value) = entry.get(name) {
            check_followed(value, &mut format!("{path}.{name}"), &mut checked.refused);
        }
    }
    match entry.get("auth") {
        None | Some(Value::Null) => {}
        Some(auth) if auth == "api-key" => {}
        Some(_) => {
            let error = Error::at(format!("{path}.auth"), "is not `api-key`: no other way to sign in is supported");
            checked.refused.push(error.hint("Remove it: the key is found without it."));
        }
    }
    checked
}

/// What `step` leads to from `value`, with its path: `models[]` to each item of a list, another to one value.
fn inside<'v>(path: &str, value: &'v Value, step: &str) -> Vec<(String, &'v Value)> {
    let (name, is_list) = step.strip_suffix("[]").map_or((step, false), |name| (name, true));
    let path = format!("{path}.{name}");
    match value.get(name) {
        Some(Value::Array(items)) if is_list => {
            items.iter().enumerate().map(|(at, item)| (format!("{path}[{at}]"), item)).collect()
        }
        Some(inner) if !is_list => vec![(path, inner)],
        _ => Vec::new(),
    }
}

/// The hint where nothing is to be done but what OpenClaw wants as well.
const REFUSED_TOO: &str = "OpenClaw refuses it too.";

/// What a value must be where nobody else checks it: one of another shape would be read as if it were not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Objects,
    Object,
    Bool,
    Count,
    Price,
    Text,
    Filled,
}

impl Shape {
    /// What `value` should be, where it is something else, and what to do about it.
    fn refuses(self, value: &Value) -> Option<(&'static str, &'static str)> {
        let (is_it, wanted) = match self {
            Self::Objects => {
                (value.as_array().is_some_and(|all| all.iter().all(Value::is_object)), "a list of objects")
            }
            Self::Object => (value.is_object(), "an object"),
            Self::Bool => (value.is_boolean(), "true or false"),
            Self::Count => {
                (value.as_f64().is_some_and(|number| number >= 1.0 && number.fract() == 0.0), "a whole number above 0")
            }
            Self::Price => (value.as_f64().is_some_and(|number| number >= 0.0), "a number of 0 or more"),
            Self::Text => (value.is_string(), "a text"),
            Self::Filled => (value.as_str().is_some_and(|text| !text.trim().is_empty()), "a text that is not empty"),
        };
        // OpenClaw takes some that mean nothing here.
        let hint = match (self, value) {
            (Self::Count, Value::Number(number)) if number.as_f64().is_some_and(|number| number > 0.0) => {
                "Write a whole number."
            }
            (Self::Price, Value::Number(_)) => "Correct it, or leave it out.",
            (Self::Filled, Value::String(text)) if !text.is_empty() => "Leave it out, or say which.",
            _ => REFUSED_TOO,
        };
        (!is_it && !value.is_null()).then_some((wanted, hint))
    }
}

impl Checked {
    fn keys(&mut self, fields: &Map<String, Value>, keys: &[(&str, Does)], path: &str) {
        for (name, value) in fields {
            let path = format!("{path}.{name}");
            let Some((known, does)) = keys.iter().find(|(known, _)| known == name) else {
                let hint = match nearest(name, keys.iter().map(|(known, _)| *known)) {
                    Some(near) => format!("Did you mean `{near}`?"),
                    None => "Remove it, or correct its name: OpenClaw refuses it too.".to_owned(),
                };
                let what = if name == INCLUDE { "could not be followed" } else { "is none of OpenClaw's keys" };
                self.refused.push(Error::at(path, what).hint(hint));
                continue;
            };
            let shape = match does {
                ObeysA(shape) => Some(*shape),
                RefusesTrue(_) => Some(Shape::Bool),
                Obeys | Refuses(_) | Leaves(_) => None,
            };
            if let Some((wanted, hint)) = shape.and_then(|shape| shape.refuses(value)) {
                self.refused.push(Error::at(path, format!("must be {wanted}")).hint(hint));
                continue;
            }
            match does {
                _ if value.is_null() => {}
                Obeys | ObeysA(_) => {}
                RefusesTrue(_) if value != true => {}
                Refuses(why) | RefusesTrue(why) => {
                    let hint = "Without it the request would not be the one that the configuration means.";
                    self.refused.push(Error::at(path, format!("is not supported: {why}")).hint(hint));
                }
                Leaves(why) if *why == ORDINARY => {}
                // The one form that there is.
                Leaves(_) if *known == "api" && value == "openai-completions" => {}
                Leaves(why) => self.left.push(Left { path, why }),
            }
        }
    }
}

/// Adds what another spelling of the provider's name says to its entry, as a plugin reads the two: models and headers are
/// joined, and of every other setting the first value counts.
pub(crate) fn join(entry: &mut Map<String, Value>, mut more: Map<String, Value>) {
    if let (Some(Value::Array(all)), Some(Value::Array(more))) = (entry.get_mut("models"), more.get_mut("models")) {
        all.append(more);
    }
    if let (Some(Value::Object(all)), Some(Value::Object(more))) = (entry.get_mut("headers"), more.get_mut("headers")) {
        *all = last_of_each(mem::take(more).into_iter().chain(mem::take(all)).collect());
    }
    fill(entry, more);
}

/// Adds what is said elsewhere of the same thing: the first value of a name counts, and `null` is none.
pub(crate) fn fill(known: &mut Map<String, Value>, more: Map<String, Value>) {
    for (name, value) in more {
        if let None | Some(Value::Null) = known.get(&name) {
            known.insert(name, value);
        }
    }
}

/// The headers of an entry: its own, over these the model's, and over these those of `request`. As OpenClaw does it,
/// `request.auth` is a header that goes over all of them.
pub(crate) fn headers(entry: &Map<String, Value>, model: Option<&Value>, path: &str) -> Result<Map<String, Value>> {
    let mut all = Vec::new();
    let request = entry.get("request");
    let places = [
        ("headers", entry.get("headers")),
        ("models[].headers", model.and_then(|model| model.get("headers"))),
        ("request.headers", request.and_then(|request| request.get("headers"))),
    ];
    for (place, table) in places {
        match table {
            None | Some(Value::Null) => {}
            Some(Value::Object(table)) => {
                for (name, value) in table {
                    all.push((name.clone(), checked_header(value, &format!("{path}.{place}.{name}"))?));
                }
            }
            // What is wrong with the entry's own, the plugin says.
            Some(_) if place == "headers" => return Ok(Map::new()),
            Some(_) => return Err(Error::at(format!("{path}.{place}"), "is not an object of names and values")),
        }
    }
    if let Some((name, header)) =
        auth(request.and_then(|request| request.get("auth")), &format!("{path}.request.auth"))?
    {
        all.extend([("authorization".to_owned(), Value::Null), (name, header)]);
    }
    Ok(last_of_each(all))
}

/// Of the headers of each name, in any letters, the last; null says that there is none.
fn last_of_each(mut all: Vec<(String, Value)>) -> Map<String, Value> {
    let mut seen = HashSet::new();
    all.reverse();
    all.retain(|(name, _)| seen.insert(name.trim().to_ascii_lowercase()));
    all.into_iter().rev().filter(|(_, value)| !value.is_null()).collect()
}

/// `$NAME` is written out, for those who look for `${NAME}`.
fn checked_header(value: &Value, path: &str) -> Result<Value> {
    match value {
        Value::String(text) => Ok(shorthand(text).map_or_else(|| value.clone(), |name| format!("${{{name}}}").into())),
        Value::Object(_) => Ok(secret_header("", value, path)),
        _ => Err(Error::at(path, "must be a text, or a reference to a secret").hint(REFUSED_TOO)),
    }
}

/// A header whose value is a secret of `value`'s form behind `prefix`. A plugin never sees an object there, and so only
/// this host reads it.
fn secret_header(prefix: &str, value: &Value, path: &str) -> Value {
    json!({"prefix": prefix, "secret": value, "path": path})
}

/// The parts of what [`secret_header`] made.
pub(crate) fn read_secret_header(header: &Map<String, Value>) -> Option<(&str, &Value, &str)> {
    Some((header.get("prefix")?.as_str()?, header.get("secret")?, header.get("path")?.as_str()?))
}

/// `request.auth`: a header's name and value.
fn auth(auth: Option<&Value>, path: &str) -> Result<Option<(String, Value)>> {
    let auth = match auth {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Object(auth)) => auth,
        Some(_) => return Err(Error::at(path, "must be an object")),
    };
    let is_filled = |value: &&Value| !value.is_null() && value.as_str().is_none_or(|text| !text.trim().is_empty());
    let needed =
        |name: &str| auth.get(name).filter(is_filled).ok_or_else(|| Error::at(format!("{path}.{name}"), "is missing"));
    let only = |names: &[&str]| match auth.keys().find(|name| *name != "mode" && !names.contains(&name.as_str())) {
        None => Ok(()),
        Some(name) => Err(Error::at(format!("{path}.{name}"), "does not belong to this mode")),
    };
    match auth.get("mode").and_then(Value::as_str).unwrap_or_default() {
        "provider-default" => only(&[]).map(|()| None),
        "authorization-bearer" => {
            only(&["token"])?;
            let token = secret_header("Bearer ", needed("token")?, &format!("{path}.token"));
            Ok(Some(("authorization".into(), token)))
        }
        "header" => {
            only(&["headerName", "value", "prefix"])?;
            let wrong = || Error::at(format!("{path}.headerName"), "must be a text");
            let name = needed("headerName")?.as_str().ok_or_else(wrong)?.trim().to_owned();
            let prefix = auth.get("prefix").and_then(Value::as_str).unwrap_or_default().trim();
            Ok(Some((name, secret_header(prefix, needed("value")?, &format!("{path}.value")))))
        }
        other => Err(Error::at(format!("{path}.mode"), format!("is `{other}`, which is unknown"))
            .hint("Use provider-default, authorization-bearer with a token, or header with a headerName and a value.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `docs/configuration.md` says of each key what is done about it, and of no other.
    #[test]
    fn the_documented_table_is_the_one_that_is_used() {
        let document = include_str!("../../../docs/configuration.md");
        let (_, section) = document.split_once("## OpenClaw's keys").unwrap();
        let (table, _) = section.split_once("Elsewhere in the file").unwrap();
        let documented: Vec<_> = table.lines().filter(|line| line.starts_with("| `")).collect();
        let used = KEYS.iter().flat_map(|(place, keys)| {
            keys.iter().map(move |(name, does)| {
                let key = if place.is_empty() { (*name).to_owned() } else { format!("{place}.{name}") };
                match does {
                    Obeys | ObeysA(_) => format!("| `{key}` | obeyed |"),
                    Refuses(why) => format!("| `{key}` | refused: {why} |"),
                    RefusesTrue(why) => format!("| `{key}` | refused where true: {why} |"),
                    Leaves(why) => format!("| `{key}` | not ours: {why} |"),
                }
            })
        });
        assert_eq!(documented, used.collect::<Vec<_>>());
    }

    #[test]
    fn the_nearest_name_is_found_among_any() {
        let long = "gpt-5-mini".repeat(100_000);
        for (name, known, expected) in [
            ("gpt5_mini", &["gpt-5-mini", "gpt-5-nano"][..], Some("gpt-5-mini")),
            ("gtp-5-mini", &["gpt-5-mini"], Some("gpt-5-mini")),
            ("gpt-5", &["claude", ""], None),
            // Whoever makes a list of names makes them as long as they like, and so does whoever writes a file.
            ("gpt-5-mini", &[&long, "gpt-5-minx"], Some("gpt-5-minx")),
            (&long, &["gpt-5-mini"], None),
        ] {
            assert_eq!(nearest(name, known.iter().copied()), expected);
        }
    }

    fn object(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn a_key_that_openclaw_does_not_know_is_refused_by_name() {
        for (entry, why) in [
            (json!({"baseURL": "http://x"}), "models.providers.x.baseURL"),
            (json!({"base_url": "http://x"}), "base_url"),
            (json!({"request": {"proxi": {}}}), "request.proxi"),
            (json!({"request": {"tls": {"passphrase": "x"}}}), "request.tls.passphrase"),
            (json!({"request": {"proxy": {"tls": {}}}}), "request.proxy.tls"),
            (json!({"models": [{"id": "a"}, {"id": "b", "header": {}}]}), "models[1].header"),
            (json!({"localService": {"command": "x"}}), "localService"),
            (json!({"models": {"a": {"baseUrl": "http://x"}}}), ".models` must be a list of objects"),
            (json!({"models": ["a"]}), "models"),
            (json!({"models": [{"id": "a", "maxTokens": "5"}]}), "models[0].maxTokens` must be a whole number above 0"),
            (json!({"models": [{"id": "a", "maxTokens": 0}]}), "models[0].maxTokens"),
            (json!({"models": [{"id": "a", "maxTokens": 7.5}]}), "models[0].maxTokens"),
            (json!({"models": [{"id": 5}]}), "models[0].id` must be a text"),
            (json!({"models": [{"id": "a", "headers": []}]}), "models[0].headers"),
            (json!({"models": [{"id": "a", "cost": 3}]}), "models[0].cost"),
            (json!({"models": [{"id": "a", "cost": {"input": "1"}}]}), "models[0].cost.input` must be a number"),
            (json!({"models": [{"id": "a", "cost": {"inputs": 1}}]}), "models[0].cost.inputs"),
            // It would lead to the provider's own service, whatever the entry says.
            (json!({"models": [{"id": "a", "baseUrl": " "}]}), "models[0].baseUrl` must be a text that is not empty"),
            (json!({"models": [{"id": "a", "compat": "x"}]}), "models[0].compat"),
            (json!({"maxTokens": "5"}), "maxTokens"),
            (
                json!({"request": {"allowPrivateNetwork": "false"}}),
                "request.allowPrivateNetwork` must be true or false",
            ),
            (json!({"request": {"tls": {"insecureSkipVerify": "true"}}}), "request.tls.insecureSkipVerify"),
            (json!({"request": {"auth": {"mode": "header", "headerName": "a", "value": "v", "prefix": 5}}}), "prefix"),
            (json!({"auth": "oauth"}), ".auth"),
            (
                json!({"headers": {"x": {"source": "exec", "provider": "v", "id": "i"}}}),
                "headers.x` is a reference of the source `exec`",
            ),
            (json!({"request": {"tls": {"key": {"source": "store", "provider": "v", "id": "I"}}}}), "request.tls.key"),
        ] {
            let refused = check(&entry, "models.providers.x").refused;
            assert!(refused.len() == 1 && refused[0].to_string().contains(why), "{entry}: {refused:?}");
            assert!(refused[0].path().is_some_and(|path| path.starts_with("models.providers.x.")), "{refused:?}");
        }
        let refused =
            check(&json!({"base_url": "", "request": {"proxi": {}, "tls": {"passphrase": "x"}}}), "x").refused;
        let paths: Vec<_> = refused.iter().filter_map(Error::path).collect();
        assert_eq!(paths, ["x.base_url", "x.request.proxi", "x.request.tls.passphrase"], "all of it at once");
        assert_eq!(refused[0].record().hint.as_deref(), Some("Did you mean `baseUrl`?"));
    }

    #[test]
    fn what_openclaw_takes_is_not_said_to_be_refused_there() {
        for (model, hint) in [
            (json!({"maxTokens": 0.5}), "Write a whole number."),
            (json!({"maxTokens": 2.5}), "Write a whole number."),
            (json!({"maxTokens": 0}), REFUSED_TOO),
            (json!({"maxTokens": "5"}), REFUSED_TOO),
            (json!({"cost": {"output": -1}}), "Correct it, or leave it out."),
            (json!({"cost": {"output": "1"}}), REFUSED_TOO),
            (json!({"baseUrl": " "}), "Leave it out, or say which."),
            (json!({"baseUrl": ""}), REFUSED_TOO),
            (json!({"baseUrl": 5}), REFUSED_TOO),
        ] {
            let refused = check(&json!({"models": [model]}), "models.providers.x").refused;
            let hints: Vec<_> = refused.iter().filter_map(|error| error.record().hint.as_deref()).collect();
            assert_eq!(hints, [hint], "{model}");
        }
    }

    #[test]
    fn a_way_that_leads_nowhere_is_refused_by_name() {
        for (config, why) in [
            (json!({"model": {"providers": {}}}), "`model`"),
            (json!({"Models": {}}), "`Models`"),
            (json!({"providers": {}}), "`providers`"),
            (json!({"models": {"provider": {}}}), "`models.provider`"),
            (json!({"models": {"$Include": "x"}}), "`models.$Include`"),
            (json!({"$import": "x"}), "`$import`"),
            (json!({"agents": [{"id": "main"}]}), "`agents` must be an object"),
            (json!({"agents": {"defaults": []}}), "`agents.defaults`"),
            (json!({"env": {"vars": ["A=b"]}}), "`env.vars`"),
        ] {
            let refused = check_way(&config);
            assert!(refused.len() == 1 && refused[0].to_string().contains(why), "{config}: {refused:?}");
        }
        let good = json!({"$schema": "x", "models": {"mode": "merge", "providers": {}}, "gateway": {}});
        assert!(check_way(&good).is_empty());
    }

    #[test]
    fn what_is_left_to_openclaw_is_named() {
        let entry = json!({"api": "openai-completions", "region": "eu", "auth": "api-key", "params": null,
            "models": [{"id": "a", "name": "A", "input": ["text"], "api": "ollama"}]});
        let left: Vec<_> = check(&entry, "p").left.into_iter().map(|left| left.path).collect();
        assert_eq!(left, ["p.region", "p.models[0].api"]);
    }

    #[test]
    fn headers_come_from_every_place_and_the_last_counts() {
        let entry = json!({"headers": {"A": "1", "b": "1", "Authorization": "x", "t": "$TEAM"},
            "request": {"headers": {"a": "3"}, "auth": {"mode": "header", "headerName": "X-Pass", "value": {"source": "env", "id": "P"}, "prefix": "p "}}});
        let model = json!({"headers": {"B": "2", "a": "2"}});
        let all = headers(&object(entry), Some(&model), "p").unwrap();
        let passed = json!({"prefix": "p", "secret": {"source": "env", "id": "P"}, "path": "p.request.auth.value"});
        assert_eq!(Value::from(all), json!({"t": "${TEAM}", "B": "2", "a": "3", "X-Pass": passed}));
    }

    #[test]
    fn a_way_to_sign_in_that_is_not_understood_is_refused() {
        for (auth, why) in [
            (json!("x"), "must be an object"),
            (json!({"mode": "basic"}), "`basic`"),
            (json!({}), "mode"),
            (json!({"mode": "authorization-bearer"}), "token` is missing"),
            (json!({"mode": "authorization-bearer", "token": " "}), "token` is missing"),
            (json!({"mode": "header", "value": "x"}), "headerName` is missing"),
            (json!({"mode": "header", "headerName": "x", "value": "x", "token": "y"}), "token` does not belong"),
        ] {
            let error = headers(&object(json!({"request": {"auth": auth}})), None, "p").unwrap_err().to_string();
            assert!(error.contains(why), "{auth}: {error}");
        }
    }
}
