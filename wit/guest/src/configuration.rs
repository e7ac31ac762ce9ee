//! A provider's entry in the host's configuration, OpenClaw's `openclaw.json`. It is the same for every provider,
//! except for what its [`Descriptor`] says. These are pure functions from JSON to JSON. `host-harness check` checks
//! each rule.
//!
//! A merge keeps what the user has. It writes `models.providers.<id>`, `models.mode` if there is none, an alias for the
//! model, and the default model if none is chosen. A second merge changes nothing.

use alloc::borrow::ToOwned;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::{Map, Value, json};

use crate::bindings::exports::openclaw::provider::onboarding::{Choices, Descriptor, Finding, Severity};
use crate::bindings::openclaw::provider::types::{Connection, Error, ErrorKind, ErrorOrigin};
use crate::error;
use crate::url::BaseUrl;

/// For `apply-provider-config`, and with `primary` for `apply-config`: the configuration with the provider merged in.
/// Fails with [`ErrorKind::InvalidConfig`], and the place, where something there is not of the type that it has to be.
pub fn apply(provider: &Descriptor, config: &str, choices: &Choices, primary: bool) -> Result<String, Error> {
    let mut config = parse(config)?;
    let id = &provider.id;
    let model = filled(choices.model.as_deref()).unwrap_or(&provider.default_model.id);
    let model = model.strip_prefix(id.as_str()).and_then(|rest| rest.strip_prefix('/')).unwrap_or(model);

    let models = object(&mut config, "models", "models")?;
    default(models, "mode", "merge");
    let providers = object(models, "providers", "models.providers")?;
    let mut own = fold(provider, providers)?;
    merge(provider, &mut own, choices, model)?;
    providers.insert(id.clone(), own.into());

    let agents = object(&mut config, "agents", "agents")?;
    let defaults = object(agents, "defaults", "agents.defaults")?;
    let reference = format!("{id}/{model}");
    let aliases = object(defaults, "models", "agents.defaults.models")?;
    default(object(aliases, &reference, "agents.defaults.models")?, "alias", provider.label.as_str());
    if primary && text(defaults, "model").is_none() {
        default(object(defaults, "model", "agents.defaults.model")?, "primary", reference);
    }
    Ok(Value::from(config).to_string())
}

/// Merges into the provider's own entry.
fn merge(provider: &Descriptor, entry: &mut Map<String, Value>, choices: &Choices, model: &str) -> Result<(), Error> {
    let base_url = match filled(choices.base_url.as_deref()) {
        Some(chosen) => chosen.trim_end_matches('/'),
        None => text(entry, "baseUrl").unwrap_or(&provider.default_base_url),
    };
    let base_url = base_url.to_owned();
    let key = text(entry, "apiKey").or(filled(choices.api_key_reference.as_deref())).map(Value::from);
    entry.insert("baseUrl".to_owned(), base_url.into());
    match key {
        Some(key) => entry.insert("apiKey".to_owned(), key),
        None => entry.shift_remove("apiKey"),
    };
    entry.insert("api".to_owned(), provider.api.clone().into());

    let known = match entry.get("models") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(models)) => models.clone(),
        Some(_) => return Err(wrong(&path(provider, ".models"), "a list")),
    };
    let own = [model_entry(provider, &provider.default_model.id), model_entry(provider, model)];
    let mut models: Vec<Value> = Vec::new();
    // Of each id its row: what the first does not say the user's others do.
    let mut places = BTreeMap::new();
    let rows = known.into_iter().map(|row| (row, true)).chain(own.into_iter().map(|row| (row, false)));
    for (row, is_users) in rows {
        let id = row.get("id").and_then(Value::as_str).map(ToOwned::to_owned);
        let at = id.map_or(models.len(), |id| *places.entry(id).or_insert(models.len()));
        match (models.get_mut(at), row) {
            (None, row) => models.push(row),
            (Some(Value::Object(known)), Value::Object(row)) if is_users => {
                row.into_iter().for_each(|(name, value)| default(known, &name, value));
            }
            _ => {}
        }
    }
    entry.insert("models".to_owned(), models.into());
    Ok(())
}

/// A model as a host's configuration describes it. Of another than the default one, nothing but its name is known.
fn model_entry(provider: &Descriptor, id: &str) -> Value {
    let model = &provider.default_model;
    if id != model.id {
        return json!({"id": id, "name": id, "reasoning": false, "input": ["text"]});
    }
    let input: &[&str] = if model.image_input { &["text", "image"] } else { &["text"] };
    let mut entry = json!({"id": model.id, "name": model.name, "reasoning": model.reasoning, "input": input});
    if let Some(entry) = entry.as_object_mut() {
        let limits = [("contextWindow", model.context_tokens), ("maxTokens", model.max_output_tokens)];
        entry.extend(limits.into_iter().filter_map(|(name, limit)| Some((name.to_owned(), limit?.into()))));
    }
    entry
}

/// For `lint`: an error where no connection comes of the configuration, whatever the host holds.
pub fn lint(provider: &Descriptor, config: &str) -> Vec<Finding> {
    let wrong =
        |error: Error| Finding { severity: Severity::Error, path: path(provider, ".baseUrl"), message: error.message };
    let url = entry(provider, config).and_then(|entry| base_url(provider, &entry));
    url.err().map(wrong).into_iter().collect()
}

/// For `resolve-connection`: the base URL and the headers that the configuration holds. Headers with a `${NAME}` are left
/// out: the host fills them in. Fails with [`ErrorKind::MissingCredential`] where the host holds none that is required.
pub fn resolve(provider: &Descriptor, config: &str, held: &[String]) -> Result<Connection, Error> {
    let entry = entry(provider, config)?;
    let base_url = base_url(provider, &entry)?;
    if let Some(missing) = provider.credentials.iter().find(|known| known.required && !held.contains(&known.id)) {
        let ways = missing.env_vars.iter().map(|name| format!("set {name}"));
        let ways = ways.chain(missing.cli_flag.iter().map(|flag| format!("give {flag}")));
        let hint = format!("For a key, {}.", ways.collect::<Vec<_>>().join(" or "));
        let message = format!("{} missing", missing.label);
        return Err(error(ErrorKind::MissingCredential, ErrorOrigin::Plugin, &message, &hint));
    }
    let headers = entry.get("headers").and_then(Value::as_object);
    let plain = |(name, value): (&String, &Value)| Some((name.to_ascii_lowercase(), value.as_str()?.to_owned()));
    Ok(Connection {
        base_url,
        headers: headers.into_iter().flatten().filter_map(plain).filter(|(_, value)| !value.contains("${")).collect(),
        credentials: held.to_vec(),
        connect_timeout_ms: None,
        first_byte_timeout_ms: None,
        idle_timeout_ms: None,
        options_json: "{}".to_owned(),
    })
}

fn base_url(provider: &Descriptor, entry: &Map<String, Value>) -> Result<String, Error> {
    let url = BaseUrl::parse(text(entry, "baseUrl").unwrap_or(&provider.default_base_url));
    url.map(|url| url.text()).map_err(|reason| {
        let message = format!("{} is no base URL: {reason}", path(provider, ".baseUrl"));
        error(ErrorKind::InvalidConfig, ErrorOrigin::Plugin, &message, "Give it in full, from https:// on.")
    })
}

/// The provider's entry, to be read; empty where there is none.
fn entry(provider: &Descriptor, config: &str) -> Result<Map<String, Value>, Error> {
    let mut config = parse(config)?;
    let providers = config.get_mut("models").and_then(|models| models.get_mut("providers")?.as_object_mut());
    providers.map_or(Ok(Map::new()), |providers| fold(provider, providers))
}

/// Takes out the provider's entries, whose names may differ from its id in case and white space, and makes one of them.
/// Of two values for one setting that of the exact id wins; lists of models and tables of headers are joined.
fn fold(provider: &Descriptor, providers: &mut Map<String, Value>) -> Result<Map<String, Value>, Error> {
    let mut entries = Vec::new();
    providers.retain(|name, entry| {
        let is_own = name.trim().eq_ignore_ascii_case(&provider.id);
        if is_own {
            entries.push((name.clone(), entry.take()));
        }
        !is_own
    });
    entries.sort_by_key(|(name, _)| *name != provider.id);
    let mut folded = Map::new();
    for (name, entry) in entries {
        match entry {
            Value::Null => {}
            Value::Object(entry) => join(&mut folded, entry),
            _ => return Err(wrong(&format!("models.providers.{name}"), "an object")),
        }
    }
    Ok(folded)
}

/// Adds the members that are missing. A `null` counts as missing.
fn join(into: &mut Map<String, Value>, entry: Map<String, Value>) {
    for (name, value) in entry {
        match (into.get_mut(&name), value) {
            (Some(Value::Array(all)), Value::Array(more)) if name == "models" => all.extend(more),
            (Some(Value::Object(all)), Value::Object(more)) if name == "headers" => join(all, more),
            (Some(known), value) if known.is_null() => *known = value,
            (Some(_), _) => {}
            (None, value) => {
                into.insert(name, value);
            }
        }
    }
}

/// Where a part of the provider's entry stands.
fn path(provider: &Descriptor, part: &str) -> String {
    format!("models.providers.{}{part}", provider.id)
}

fn parse(config: &str) -> Result<Map<String, Value>, Error> {
    serde_json::from_str(config).map_err(|_| wrong("the configuration", "a JSON object"))
}

fn wrong(what: &str, expected: &str) -> Error {
    let message = format!("{what} is not {expected}");
    error(ErrorKind::InvalidConfig, ErrorOrigin::Plugin, &message, "Correct it there: nothing was changed.")
}

/// The object under `name`, made where there is none.
fn object<'a>(fields: &'a mut Map<String, Value>, name: &str, path: &str) -> Result<&'a mut Map<String, Value>, Error> {
    let value = fields.entry(name).or_insert(Value::Null);
    if value.is_null() {
        *value = json!({});
    }
    value.as_object_mut().ok_or_else(|| wrong(path, "an object"))
}

fn default(fields: &mut Map<String, Value>, name: &str, value: impl Into<Value>) {
    if fields.get(name).is_none_or(Value::is_null) {
        fields.insert(name.to_owned(), value.into());
    }
}

fn text<'a>(fields: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    filled(fields.get(name)?.as_str())
}

fn filled(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;
    use crate::bindings::exports::openclaw::provider::onboarding::{Credential, Model};

    fn acme() -> Descriptor {
        Descriptor {
            id: "acme".into(),
            label: "Acme".into(),
            docs_url: "https://acme.example/docs".into(),
            default_base_url: "https://acme.example/v1".into(),
            api: "openai-completions".into(),
            default_model: Model {
                id: "anvil".into(),
                name: "Anvil".into(),
                context_tokens: Some(8192),
                max_output_tokens: None,
                image_input: false,
                reasoning: true,
            },
            images: None,
            credentials: vec![Credential {
                id: "acme-key".into(),
                label: "Acme key".into(),
                required: true,
                env_vars: vec!["ACME_KEY".into()],
                cli_flag: Some("--acme-key".into()),
                help_url: None,
                header: "authorization".into(),
                prefix: "Bearer ".into(),
            }],
            services: Vec::new(),
        }
    }

    fn choices() -> Choices {
        Choices { base_url: None, model: None, api_key_reference: None }
    }

    #[test]
    fn what_the_user_has_stays() {
        let config = json!({
            "x": 1,
            "models": {"mode": "replace", "providers": {"ACME": {
                "baseUrl": "http://localhost:1/v1", "apiKey": "${K}", "own": true, "models": [{"id": "mine"}, {"id": "anvil", "a": 1}, {"id": "anvil", "a": 2, "b": 3}],
            }}},
            "agents": {"defaults": {"model": "other/model"}},
        });
        let chosen =
            Choices { model: Some("acme/big".into()), api_key_reference: Some("${OTHER}".into()), ..choices() };
        let merged: Value = serde_json::from_str(&apply(&acme(), &config.to_string(), &chosen, true).unwrap()).unwrap();
        let entry = &merged["models"]["providers"]["acme"];
        assert_eq!(
            (&entry["baseUrl"], &entry["apiKey"], &entry["own"]),
            (&json!("http://localhost:1/v1"), &json!("${K}"), &json!(true))
        );
        let ids: Vec<_> =
            entry["models"].as_array().unwrap().iter().map(|model| model["id"].as_str().unwrap()).collect();
        assert_eq!(ids, ["mine", "anvil", "big"]);
        assert_eq!(entry["models"][1], json!({"id": "anvil", "a": 1, "b": 3}));
        assert_eq!((&merged["x"], &merged["models"]["mode"]), (&json!(1), &json!("replace")));
        assert_eq!(merged["agents"]["defaults"]["model"], "other/model");
        assert_eq!(merged["agents"]["defaults"]["models"]["acme/big"]["alias"], "Acme");
    }

    #[test]
    fn several_spellings_of_the_name_become_one_entry_and_the_exact_one_wins() {
        let config = json!({"models": {"providers": {
            "ACME": {"baseUrl": "http://wrong/v1", "apiKey": "${WRONG}", "timeoutSeconds": 3, "models": [{"id": "theirs"}],
                "headers": {"x-a": "wrong", "x-b": "2"}},
            "other": {"x": 1},
            "acme": {"baseUrl": "http://h/v1", "apiKey": "${K}", "timeoutSeconds": null, "models": [{"id": "mine"}],
                "headers": {"x-a": "1"}},
            " Acme ": null,
        }}})
        .to_string();
        let merged: Value = serde_json::from_str(&apply(&acme(), &config, &choices(), true).unwrap()).unwrap();
        let providers = merged["models"]["providers"].as_object().unwrap();
        assert_eq!(providers.keys().collect::<Vec<_>>(), ["other", "acme"]);
        let entry = &providers["acme"];
        assert_eq!(
            (&entry["baseUrl"], &entry["apiKey"], &entry["timeoutSeconds"], &entry["headers"]),
            (&json!("http://h/v1"), &json!("${K}"), &json!(3), &json!({"x-a": "1", "x-b": "2"}))
        );
        let ids: Vec<_> = entry["models"].as_array().unwrap().iter().map(|model| &model["id"]).collect();
        assert_eq!(ids, ["mine", "theirs", "anvil"]);
        // It is read as it is merged.
        let connection = resolve(&acme(), &config, &["acme-key".to_owned()]).unwrap();
        assert_eq!(connection.base_url, "http://h/v1");
        assert_eq!(connection.headers, [("x-a", "1"), ("x-b", "2")].map(|(name, value)| (name.into(), value.into())));
        let broken = r#"{"models":{"providers":{"Acme":{"baseUrl":"h/v1"}}}}"#;
        assert_eq!(resolve(&acme(), broken, &[]).unwrap_err().kind, ErrorKind::InvalidConfig);
        assert_eq!(lint(&acme(), broken).len(), 1);
    }

    #[test]
    fn what_cannot_be_merged_with_is_named() {
        for (config, place) in [
            ("[]", "the configuration"),
            (r#"{"models":1}"#, "models"),
            (r#"{"models":{"providers":{"acme":[]}}}"#, "models.providers.acme"),
            (r#"{"models":{"providers":{"acme":{},"Acme":[]}}}"#, "models.providers.Acme"),
            (r#"{"models":{"providers":{"acme":{"models":{}}}}}"#, "models.providers.acme.models"),
            (r#"{"agents":{"defaults":{"models":"x"}}}"#, "agents.defaults.models"),
        ] {
            let error = apply(&acme(), config, &choices(), false).unwrap_err();
            assert_eq!(error.kind, ErrorKind::InvalidConfig);
            assert!(error.message.starts_with(&format!("{place} is not ")), "{config}: {}", error.message);
        }
    }

    #[test]
    fn a_connection_needs_a_base_url_and_the_key() {
        let config = r#"{"models":{"providers":{"acme":{"baseUrl":"http://h/v1/","headers":{"X-A":"1","x-b":"${B}","x-c":2}}}}}"#;
        let held = ["acme-key".to_owned()];
        let connection = resolve(&acme(), config, &held).unwrap();
        assert_eq!(connection.base_url, "http://h/v1");
        assert_eq!(connection.headers, [("x-a".to_owned(), "1".to_owned())]);
        assert_eq!(connection.credentials, held);
        let error = resolve(&acme(), config, &[]).unwrap_err();
        assert_eq!((error.kind, error.message.as_str()), (ErrorKind::MissingCredential, "Acme key missing"));
        assert_eq!(error.hint.as_deref(), Some("For a key, set ACME_KEY or give --acme-key."));
        let broken = r#"{"models":{"providers":{"acme":{"baseUrl":"h/v1"}}}}"#;
        assert_eq!(resolve(&acme(), broken, &held).unwrap_err().kind, ErrorKind::InvalidConfig);
        let [finding] = &lint(&acme(), broken)[..] else { panic!("no finding, or several") };
        assert_eq!(finding.path, "models.providers.acme.baseUrl");
        assert!(lint(&acme(), config).is_empty() && lint(&acme(), "{}").is_empty());
    }
}
