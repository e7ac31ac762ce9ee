//! The keys of OpenClaw's file on the way to the provider's entry and in it: which are obeyed here, which are refused, and
//! which this host leaves to OpenClaw.

use boundary::edit::INCLUDE;
use serde_json::{Map, Value};

use super::{
    secrets::{MOST_REFUSED, check_followed, check_parts},
    value_shapes::{OF_ENTRY, OF_FILE, at, wrong_shapes},
};
use crate::{error::Error, nearest::nearest};

/// What this host does about a key of OpenClaw's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Does {
    /// Does as it says.
    Obeys,
    /// Refuses every command that sends or writes: to go without it would lead elsewhere, or be unsafe.
    Refuses(&'static str),
    /// Refuses them where it is `true`.
    RefusesTrue(&'static str),
    /// Leaves it to OpenClaw: `doctor` says so.
    Leaves(&'static str),
}

/// Keys of one place with which the same is done.
type Keys = (Does, &'static [&'static str]);

use Does::{Leaves, Obeys, Refuses, RefusesTrue};

/// OpenClaw's keys: by the place that they stand in below `models.providers.<id>`, and by what is done about them. A key
/// that is not here is refused, as in OpenClaw: a `baseURL` that is not read would send the key elsewhere.
const KEYS: &[(&str, &[Keys])] = &[
    (
        "",
        &[
            (Obeys, &["baseUrl", "apiKey", "auth", "headers", "timeoutSeconds", "request", "models", "maxTokens"]),
            (Leaves(FORM), &["api"]),
            (Leaves("the key is sent in the provider's own header"), &["authHeader"]),
            (Leaves(ORDINARY), &["contextWindow", "contextTokens"]),
            (Leaves(FOR_PLUGINS), &["params"]),
            (Leaves("the base URL says where to call"), &["region"]),
            (Leaves("it is for local model servers"), &["injectNumCtxForOpenAICompat"]),
            (Leaves(NO_AGENTS), &["agentRuntime"]),
            (
                Refuses("it is a program to start, and this host starts none: start it yourself, and remove it here"),
                &["localService"],
            ),
        ],
    ),
    ("request", &[(Obeys, &["headers", "auth", "proxy", "tls", "allowPrivateNetwork"])]),
    ("request.auth", &[(Obeys, &["mode", "token", "headerName", "value", "prefix"])]),
    (
        "request.proxy",
        &[(Obeys, &["mode", "url"]), (Refuses("settings for TLS to a proxy are not supported"), &["tls"])],
    ),
    (
        "request.tls",
        &[
            (Obeys, &["ca", "cert", "key", "serverName"]),
            (Refuses("give `key` unencrypted, by a reference"), &["passphrase"]),
            (
                RefusesTrue(
                    "it would hand the key to anybody: give the certificate authority as `ca` instead, in PEM form",
                ),
                &["insecureSkipVerify"],
            ),
        ],
    ),
    (
        "models[]",
        &[
            (Obeys, &["id", "headers", "baseUrl", "name", "cost", "maxTokens", "compat"]),
            (Leaves(FORM), &["api"]),
            (
                Leaves(ORDINARY),
                &["reasoning", "input", "contextWindow", "contextTokens", "thinkingLevelMap", "mediaInput"],
            ),
            (Leaves(FOR_PLUGINS), &["params"]),
            (Leaves(NO_AGENTS), &["agentRuntime"]),
            (Leaves("OpenClaw's own mark"), &["metadataSource"]),
        ],
    ),
    (
        "models[].cost",
        &[
            (Obeys, &["input", "output", "cacheRead", "cacheWrite"]),
            (Leaves("prices that depend on the length of a prompt are OpenClaw's to reckon with"), &["tieredPricing"]),
        ],
    ),
];

/// Why another `api` means nothing here. A request has another form than its author wanted, so `lint` says so too.
pub(crate) const FORM: &str = "this host asks in the plugin's own form";

/// What a list of models says of each is of no interest to somebody who looks for what was ignored.
const ORDINARY: &str = "OpenClaw's knowledge of the model";

const FOR_PLUGINS: &str = "they are for OpenClaw's plugins";
const NO_AGENTS: &str = "this host runs no agents";

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
        for (right, wrong, hint) in [
            ("models", &["model", "providers"][..], "Providers are at `models.providers`."),
            ("plugins", &["plugin"], "Options are at `plugins.entries`."),
            ("agents", &["agent"], "The default model is at `agents.defaults.model`."),
        ] {
            if name != right && (plain == right || wrong.contains(&&*plain)) {
                refuse(name.clone(), hint);
            }
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
    refused.extend(wrong_shapes(OF_FILE, config, ""));
    refused
}

/// Names that others are mistaken for.
const NAMED: &[(&str, &[&str])] = &[
    ("plugins.entries.*", &["config"]),
    ("agents", &["defaults", "entries", "list"]),
    ("agents.defaults", &["model", "models", "params"]),
    ("agents.entries.*", &["model", "models", "params"]),
];

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
    checked.refused.extend(wrong_shapes(OF_ENTRY, entry, path));
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

impl Checked {
    fn keys(&mut self, fields: &Map<String, Value>, keys: &[Keys], path: &str, form: &str) {
        for (name, value) in fields {
            if self.refused.len() >= MOST_REFUSED {
                return;
            }
            let path = format!("{path}.{name}");
            let Some((does, _)) = keys.iter().find(|(_, known)| known.contains(&&**name)) else {
                let hint = match nearest(name, keys.iter().flat_map(|(_, known)| *known).copied()) {
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
                Leaves(why) if *why == FORM && value == form => {}
                Leaves(why) => self.left.push(Left { path, why }),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

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
        let used = KEYS.iter().flat_map(|(place, rows)| {
            rows.iter().map(move |(does, names)| {
                let dot = if place.is_empty() { "" } else { "." };
                let keys = names.iter().map(|name| format!("`{place}{dot}{name}`")).collect::<Vec<_>>().join(", ");
                match does {
                    Obeys => format!("| {keys} | obeyed |"),
                    Refuses(why) => format!("| {keys} | refused: {why} |"),
                    RefusesTrue(why) => format!("| {keys} | refused where true: {why} |"),
                    Leaves(why) => format!("| {keys} | not ours: {why} |"),
                }
            })
        });
        assert_eq!(documented, used.collect::<Vec<_>>());
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
}
