//! The keys of `models.providers.<id>`: which are obeyed here, which are refused, and which this host ignores. Owns
//! that table, and merges the headers from all places where OpenClaw takes them.

use std::{collections::HashSet, mem};

use boundary::{edit::INCLUDE, references::shorthand};
use serde_json::{Map, Value, json};

use super::secrets::{MOST_REFUSED, check_followed, check_parts};
use crate::{
    error::{Error, Result, shortened},
    nearest::nearest,
};

/// What this host does about a key of OpenClaw's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Does {
    /// Does as it says.
    Obeys,
    /// Refuses every command that sends or writes: to go without it would lead elsewhere, or be unsafe.
    Refuses(&'static str),
    /// Refuses them where it is `true`.
    RefusesTrue(&'static str),
    /// Leaves it to OpenClaw: `doctor` says so.
    Leaves(&'static str),
}

use Does::{Leaves, Obeys, Refuses, RefusesTrue};

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
            ("models", Obeys),
            ("api", Leaves(FORM)),
            ("authHeader", Leaves("the key is sent in the provider's own header")),
            ("maxTokens", Obeys),
            ("contextWindow", Leaves(ORDINARY)),
            ("contextTokens", Leaves(ORDINARY)),
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
        &[("headers", Obeys), ("auth", Obeys), ("proxy", Obeys), ("tls", Obeys), ("allowPrivateNetwork", Obeys)],
    ),
    ("request.auth", &[("mode", Obeys), ("token", Obeys), ("headerName", Obeys), ("value", Obeys), ("prefix", Obeys)]),
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
            ("id", Obeys),
            ("headers", Obeys),
            ("baseUrl", Obeys),
            ("name", Obeys),
            ("api", Leaves(FORM)),
            ("reasoning", Leaves(ORDINARY)),
            ("input", Leaves(ORDINARY)),
            ("cost", Obeys),
            ("contextWindow", Leaves(ORDINARY)),
            ("contextTokens", Leaves(ORDINARY)),
            ("maxTokens", Obeys),
            ("thinkingLevelMap", Leaves(ORDINARY)),
            ("params", Leaves("they are for OpenClaw's plugins")),
            ("agentRuntime", Leaves("this host runs no agents")),
            ("compat", Obeys),
            ("mediaInput", Leaves(ORDINARY)),
            ("metadataSource", Leaves("OpenClaw's own mark")),
        ],
    ),
    (
        "models[].cost",
        &[
            ("input", Obeys),
            ("output", Obeys),
            ("cacheRead", Obeys),
            ("cacheWrite", Obeys),
            ("tieredPricing", Leaves("prices that depend on the length of a prompt are OpenClaw's to reckon with")),
        ],
    ),
];

/// What a value must be, by its place below `models.providers.<id>`, where nobody else checks it: one of another shape
/// would be read as if it were not there, or makes OpenClaw refuse the whole file.
const SHAPES: &[(&str, Shape)] = &[
    ("models", Shape::Objects),
    ("api", Shape::OneOf(FORMS)),
    ("authHeader", Shape::Bool),
    ("maxTokens", Shape::Count),
    ("contextWindow", Shape::AboveZero),
    ("contextTokens", Shape::Count),
    ("params", Shape::Object),
    ("region", Shape::Filled),
    ("injectNumCtxForOpenAICompat", Shape::Bool),
    ("agentRuntime", Shape::Object),
    ("request.allowPrivateNetwork", Shape::Bool),
    ("request.auth.prefix", Shape::Text),
    ("request.tls.insecureSkipVerify", Shape::Bool),
    ("models[].id", Shape::Text),
    ("models[].name", Shape::Text),
    ("models[].api", Shape::OneOf(FORMS)),
    ("models[].headers", Shape::Object),
    ("models[].headers.*", Shape::Text),
    ("models[].baseUrl", Shape::Filled),
    ("models[].reasoning", Shape::Bool),
    ("models[].input", Shape::SomeOf(&["text", "image", "video", "audio"])),
    ("models[].cost", Shape::Object),
    ("models[].cost.input", Shape::Price),
    ("models[].cost.output", Shape::Price),
    ("models[].cost.cacheRead", Shape::Price),
    ("models[].cost.cacheWrite", Shape::Price),
    ("models[].contextWindow", Shape::AboveZero),
    ("models[].contextTokens", Shape::Count),
    ("models[].maxTokens", Shape::Count),
    ("models[].thinkingLevelMap", Shape::Object),
    ("models[].params", Shape::Object),
    ("models[].agentRuntime", Shape::Object),
    ("models[].compat", Shape::Object),
    ("models[].compat.supportsReasoningEffort", Shape::Bool),
    ("models[].compat.supportsTemperature", Shape::Bool),
    ("models[].compat.supportsTools", Shape::Bool),
    ("models[].compat.maxTokensField", Shape::OneOf(&["max_completion_tokens", "max_tokens"])),
    ("models[].compat.cacheControlFormat", Shape::OneOf(&["anthropic"])),
    ("models[].mediaInput", Shape::Object),
];

/// The forms of a request that OpenClaw knows.
const FORMS: &[&str] = &[
    "openai-completions", "openai-responses", "openai-chatgpt-responses", "anthropic-messages", "google-generative-ai",
    "google-vertex", "github-copilot", "bedrock-converse-stream", "ollama", "pi-messages", "azure-openai-responses",
];

/// Why another `api` means nothing here. A request has another form than its author wanted, so `lint` says so too.
pub(crate) const FORM: &str = "this host asks in the plugin's own form";

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
    let mut refused = Vec::new();
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
        if plain == "agent" || (plain == "agents" && name != "agents") {
            refuse(name.clone(), "The default model is at `agents.defaults.model`.");
        }
    }
    // Of other keys there, only OpenClaw knows which it has.
    for (place, known) in NAMED {
        for (path, value) in at(place, config, "") {
            for name in value.as_object().into_iter().flat_map(Map::keys).filter(|name| !known.contains(&name.as_str()))
            {
                if let Some(near) = nearest(name, known.iter().copied()) {
                    refuse(format!("{path}.{name}"), &format!("Did you mean `{near}`?"));
                }
            }
        }
    }
    for (path, value) in
        ["agents.defaults.model", "agents.entries.*.model"].iter().flat_map(|place| at(place, config, ""))
    {
        let known = ["primary", "fallbacks"];
        let names = value.as_object().into_iter().flat_map(Map::keys);
        for name in names.filter(|name| !known.contains(&name.as_str())).take(MOST_REFUSED) {
            refuse(format!("{path}.{name}"), "The model is its `primary`.");
        }
    }
    let names = models.into_iter().flat_map(Map::keys).filter(|name| !MODELS.contains(&name.as_str()));
    for name in names.take(MOST_REFUSED) {
        refuse(format!("models.{name}"), "Providers are at `models.providers`.");
    }
    refused.extend(wrong_shapes(SHAPES_ON_THE_WAY, config, ""));
    refused
}

/// Names that others are mistaken for.
const NAMED: &[(&str, &[&str])] = &[
    ("plugins.entries.*", &["config"]),
    ("agents", &["defaults", "entries", "list"]),
    ("agents.defaults", &["model", "models", "params"]),
    ("agents.entries.*", &["model", "models", "params"]),
];

/// As [`SHAPES`], by the place in the file.
const SHAPES_ON_THE_WAY: &[(&str, Shape)] = &[
    ("models.mode", Shape::OneOf(&["merge", "replace"])),
    ("agents", Shape::Object),
    ("agents.defaults", Shape::Object),
    ("agents.defaults.models", Shape::Object),
    ("agents.defaults.models.*", Shape::Object),
    ("agents.defaults.params", Shape::Object),
    ("agents.entries", Shape::Object),
    ("agents.list", Shape::List),
    ("plugins", Shape::Object),
    ("plugins.entries", Shape::Object),
    ("env", Shape::Object),
    ("env.vars", Shape::Object),
    ("env.vars.*", Shape::Text),
    ("env.shellEnv", Shape::Object),
    ("secrets", Shape::Object),
    ("secrets.providers", Shape::Object),
    ("secrets.providers.*", Shape::Object),
];

/// What below `path` has another shape than `shapes` say.
fn wrong_shapes(shapes: &[(&str, Shape)], value: &Value, path: &str) -> Vec<Error> {
    let wrong = |(place, shape): &(&str, Shape)| {
        let refusal = |(path, value): (String, &Value)| {
            let (wanted, hint) = shape.refuses(value)?;
            Some(Error::at(path, format!("must be {wanted}")).hint(hint))
        };
        at(place, value, path).into_iter().filter_map(refusal).take(MOST_REFUSED).collect::<Vec<_>>()
    };
    shapes.iter().flat_map(wrong).take(MOST_REFUSED).collect()
}

/// What a look at all keys of the provider's entry finds.
#[derive(Debug, Default)]
pub(crate) struct Checked {
    /// What is left to OpenClaw.
    pub(crate) left: Vec<Left>,
    /// What is none of OpenClaw's keys, or is refused: an error each, with its name.
    pub(crate) refused: Vec<Error>,
}

/// Whether each key of `entry` is one of OpenClaw's, and may be there; for a plugin that asks in this `form`.
pub(crate) fn check(entry: &Value, path: &str, form: &str) -> Checked {
    let mut checked = Checked::default();
    checked.refused.extend(wrong_shapes(SHAPES, entry, path));
    for (place, keys) in KEYS {
        for (path, value) in at(place, entry, path) {
            // A value of another type is for whoever reads it to refuse.
            if let Some(fields) = value.as_object() {
                checked.keys(fields, keys, &path, form);
            }
        }
    }
    for name in ["headers", "request"] {
        if let Some(value) = entry.get(name) {
            check_followed(value, &mut format!("{path}.{name}"), &mut checked.refused);
        }
    }
    // Which of its sources are followed is for whoever needs it: the key may be found elsewhere.
    let of_key = entry.get("apiKey").map_or(Ok(()), |key| check_parts(key, &format!("{path}.apiKey")));
    checked.refused.extend(of_key.err());
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

/// What is at `place` of the entry, each with its path.
fn at<'v>(place: &str, entry: &'v Value, path: &str) -> Vec<(String, &'v Value)> {
    let steps = place.split('.').filter(|step| !step.is_empty());
    steps.fold(vec![(path.to_owned(), entry)], |found, step| {
        found.into_iter().flat_map(|(path, value)| inside(&path, value, step)).collect()
    })
}

/// What `step` leads to from `value`, with its path: `models[]` to each item of a list, `*` to each member, another to one.
fn inside<'v>(path: &str, value: &'v Value, step: &str) -> Vec<(String, &'v Value)> {
    let path = shortened(path);
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match (step.strip_suffix("[]"), value) {
        (Some(name), _) => match value.get(name) {
            Some(Value::Array(items)) => {
                items.iter().enumerate().map(|(at, item)| (format!("{}[{at}]", below(name)), item)).collect()
            }
            _ => Vec::new(),
        },
        (None, Value::Object(members)) if step == "*" => {
            members.iter().map(|(name, value)| (below(name), value)).collect()
        }
        (None, _) => value.get(step).map(|inner| (below(step), inner)).into_iter().collect(),
    }
}

/// The hint where nothing is to be done but what OpenClaw wants as well.
const REFUSED_TOO: &str = "OpenClaw refuses it too.";

#[derive(Clone, Copy, Debug)]
enum Shape {
    List,
    Objects,
    Object,
    Bool,
    Count,
    AboveZero,
    Price,
    Text,
    Filled,
    OneOf(&'static [&'static str]),
    SomeOf(&'static [&'static str]),
}

impl Shape {
    /// What `value` should be, where it is something else, and what to do about it.
    fn refuses(self, value: &Value) -> Option<(String, &'static str)> {
        let is_one_of = |value: &Value, all: &[&str]| value.as_str().is_some_and(|text| all.contains(&text));
        let is_above = |least: f64| value.as_f64().is_some_and(|number| number > least);
        let is_it = match self {
            Self::List => value.is_array(),
            Self::Objects => value.as_array().is_some_and(|all| all.iter().all(Value::is_object)),
            Self::Object => value.is_object(),
            Self::Bool => value.is_boolean(),
            Self::Count => is_above(0.0) && value.as_f64().is_some_and(|number| number.fract() == 0.0),
            Self::AboveZero => is_above(0.0),
            Self::Price => value.as_f64().is_some_and(|number| number >= 0.0),
            Self::Text => value.is_string(),
            Self::Filled => value.as_str().is_some_and(|text| !text.trim().is_empty()),
            Self::OneOf(all) => is_one_of(value, all),
            Self::SomeOf(all) => value.as_array().is_some_and(|items| items.iter().all(|item| is_one_of(item, all))),
        };
        if is_it {
            return None;
        }
        let wanted = match self {
            Self::List => "a list",
            Self::Objects => "a list of objects",
            Self::Object => "an object",
            Self::Bool => "true or false",
            Self::Count => "a whole number above 0",
            Self::AboveZero => "a number above 0",
            Self::Price => "a number of 0 or more",
            Self::Text => "a text",
            Self::Filled => "a text that is not empty",
            Self::OneOf(all) => &all.join(" or "),
            Self::SomeOf(all) => &format!("a list of {}", all.join(" or ")),
        };
        // OpenClaw takes some that mean nothing here.
        let hint = match (self, value) {
            (Self::Count, Value::Number(_)) if is_above(0.0) => "Write a whole number.",
            (Self::Price, Value::Number(_)) => "Correct it, or leave it out.",
            (Self::Filled, Value::String(text)) if !text.is_empty() => "Leave it out, or say which.",
            _ => REFUSED_TOO,
        };
        Some((wanted.to_owned(), hint))
    }
}

impl Checked {
    fn keys(&mut self, fields: &Map<String, Value>, keys: &[(&str, Does)], path: &str, form: &str) {
        for (name, value) in fields {
            if self.refused.len() >= MOST_REFUSED {
                return;
            }
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
            match does {
                _ if value.is_null() => {
                    let error = Error::at(path, "is null").hint("Leave it out: OpenClaw refuses it.");
                    let is_said = self.refused.iter().any(|known| known.path() == error.path());
                    self.refused.extend(Some(error).filter(|_| !is_said));
                }
                Obeys => {}
                RefusesTrue(_) if value != true => {}
                Refuses(why) | RefusesTrue(why) => {
                    let hint = "Without it the request would not be the one that the configuration means.";
                    self.refused.push(Error::at(path, format!("is not supported: {why}")).hint(hint));
                }
                Leaves(why) if *why == ORDINARY => {}
                Leaves(_) if *known == "api" && value == form => {}
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

    fn check(entry: &Value, path: &str) -> Checked {
        super::check(entry, path, "openai-completions")
    }

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
                    Obeys => format!("| `{key}` | obeyed |"),
                    Refuses(why) => format!("| `{key}` | refused: {why} |"),
                    RefusesTrue(why) => format!("| `{key}` | refused where true: {why} |"),
                    Leaves(why) => format!("| `{key}` | not ours: {why} |"),
                }
            })
        });
        assert_eq!(documented, used.collect::<Vec<_>>());
    }

    fn object(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    /// Each would be compared with all before it, and hold its place.
    #[test]
    fn of_much_that_is_wrong_the_first_is_named() {
        let row = json!({"id": "a", "name": null, "x": 1});
        let (rows, name) = (vec![row; 100_000], "x".repeat(1 << 20));
        let refused = check(&json!({"models": rows, "headers": {name.clone(): {"source": "no"}}}), &name).refused;
        assert!((1..=2 * MOST_REFUSED).contains(&refused.len()), "{}", refused.len());
        assert!(refused.iter().all(|error| error.to_string().len() < 1000));
        // And once.
        assert_eq!(check(&json!({"models": [{"id": "a", "name": null}]}), &name).refused.len(), 1);
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
            (json!({"headers": null}), "models.providers.x.headers` is null"),
            (json!({"models": [{"id": "a", "cost": null}]}), "models[0].cost` must be an object"),
            (json!({"authHeader": "yes"}), "authHeader` must be true or false"),
            (json!({"api": "openai"}), "api` must be openai-completions or "),
            (json!({"params": []}), "params` must be an object"),
            (json!({"models": [{"id": "a", "name": 5}]}), "models[0].name` must be a text"),
            (json!({"models": [{"id": "a", "reasoning": "high"}]}), "reasoning` must be true or false"),
            (
                json!({"models": [{"id": "a", "input": "text"}]}),
                "input` must be a list of text or image or video or audio",
            ),
            (json!({"models": [{"id": "a", "input": ["text", "pdf"]}]}), "models[0].input"),
            (json!({"models": [{"id": "a", "contextWindow": "200k"}]}), "contextWindow` must be a number above 0"),
            (json!({"models": [{"id": "a", "compat": {"supportsTools": "no"}}]}), "compat.supportsTools"),
            (json!({"models": [{"id": "a", "compat": {"maxTokensField": "tokens"}}]}), "compat.maxTokensField"),
            (
                json!({"apiKey": {"source": "env", "id": "A"}}),
                "apiKey` is a reference to a secret without a `provider`",
            ),
            (
                json!({"headers": {"a": {"source": "file", "provider": "F", "id": "value"}}}),
                "headers.a` names the provider `F`",
            ),
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
            (json!({"env": {"vars": {"PORT": 8080}}}), "`env.vars.PORT` must be a text"),
            (json!({"env": {"shellEnv": true}}), "`env.shellEnv` must be an object"),
            (json!({"agents": null}), "`agents` must be an object"),
            (json!({"plugins": null}), "`plugins` must be an object"),
            (json!({"agent": {"model": "a/b"}}), "`agent`"),
            (json!({"agents": {"default": {"model": "a/b"}}}), "`agents.default`"),
            (json!({"agents": {"defaults": {"modell": "a/b"}}}), "`agents.defaults.modell`"),
            (json!({"agents": {"defaults": {"model": {"id": "a/b"}}}}), "`agents.defaults.model.id`"),
            (json!({"agents": {"entries": {"main": {"model": {"name": "a/b"}}}}}), "`agents.entries.main.model.name`"),
            (json!({"agents": {"defaults": {"models": {"a/b": "fast"}}}}), "`agents.defaults.models.a/b`"),
            (json!({"agents": {"defaults": {"params": 5}}}), "`agents.defaults.params`"),
            (json!({"models": {"mode": "append"}}), "`models.mode` must be merge or replace"),
            (json!({"secrets": {"providers": {"f": 5}}}), "`secrets.providers.f`"),
        ] {
            let refused = check_way(&config);
            assert!(refused.len() == 1 && refused[0].to_string().contains(why), "{config}: {refused:?}");
        }
        let good = json!({"$schema": "x", "models": {"mode": "merge", "providers": {}}, "gateway": {}, "env": {"vars": {"A": ""}},
            "agents": {"defaults": {"model": {"primary": "a/b", "fallbacks": []}, "imageModel": "a/b", "modelPolicy": {}, "models": {"a/b": {}}},
                "entries": {"main": {"model": "a/b", "name": "A"}}, "ownership": {}}, "plugins": {"entries": {"a": {"enabled": true}}}});
        assert!(check_way(&good).is_empty());
    }

    #[test]
    fn what_is_left_to_openclaw_is_named() {
        let entry = json!({"api": "openai-completions", "region": "eu", "auth": "api-key",
            "models": [{"id": "a", "name": "A", "input": ["text"], "api": "ollama"}]});
        let left: Vec<_> = check(&entry, "p").left.into_iter().map(|left| left.path).collect();
        assert_eq!(left, ["p.region", "p.models[0].api"]);
        // As `onboard` writes it for a plugin of another API.
        assert!(super::check(&json!({"api": "ollama"}), "p", "ollama").left.is_empty());
    }

    #[test]
    fn headers_come_from_every_place_and_the_last_counts() {
        let entry = json!({"headers": {"A": "1", "b": "1", "Authorization": "x", "t": "$TEAM"},
            "request": {"headers": {"a": "3"}, "auth": {"mode": "header", "headerName": "X-Pass", "value": {"source": "env", "provider": "default", "id": "P"}, "prefix": "p "}}});
        let model = json!({"headers": {"B": "2", "a": "2"}});
        let all = headers(&object(entry), Some(&model), "p").unwrap();
        let passed = json!({"prefix": "p", "secret": {"source": "env", "provider": "default", "id": "P"}, "path": "p.request.auth.value"});
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
