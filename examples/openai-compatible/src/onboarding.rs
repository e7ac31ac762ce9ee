//! Who this provider is, and its entry in the host's configuration.

use alloc::{
    format,
    string::{String, ToString},
    vec,
    vec::Vec,
};

use serde_json::{Map, Value, json};

use crate::{
    bindings::{
        exports::openclaw::provider::onboarding::{Choices, Credential, Descriptor, Finding, Model, Service, Severity},
        openclaw::provider::types::{Connection, Error, ErrorKind, ErrorOrigin},
    },
    error,
};

const ID: &str = "openai-compatible";
const BASE_URL: &str = "https://api.openai.com/v1";
const MODEL: &str = "gpt-5-mini";
const KEY: &str = "openai-api-key";

pub(crate) fn descriptor() -> Descriptor {
    Descriptor {
        id: ID.into(),
        label: "OpenAI-compatible API".into(),
        docs_url: "https://platform.openai.com/docs/api-reference/chat".into(),
        default_base_url: BASE_URL.into(),
        api: "openai-completions".into(),
        default_model: Model {
            id: MODEL.into(),
            name: "GPT-5 mini".into(),
            context_tokens: Some(400_000),
            max_output_tokens: Some(128_000),
            image_input: true,
            reasoning: true,
        },
        images: None,
        credentials: vec![Credential {
            id: KEY.into(),
            label: "OpenAI API key".into(),
            required: true,
            env_vars: vec!["OPENAI_API_KEY".into()],
            cli_flag: Some("--openai-api-key".into()),
            help_url: Some("https://platform.openai.com/api-keys".into()),
            header: "authorization".into(),
            prefix: "Bearer ".into(),
        }],
        services: vec![Service {
            label: "OpenAI".into(),
            base_url: BASE_URL.into(),
            keys_from: "https://platform.openai.com/api-keys".into(),
        }],
    }
}

/// The configuration with this provider merged in; with `primary`, also as the default model where none is chosen.
pub(crate) fn apply(config: &str, choices: &Choices, primary: bool) -> Result<String, Error> {
    let mut config: Value = serde_json::from_str(config).map_err(|_| wrong("the configuration", "JSON"))?;
    let model = filled(choices.model.as_deref()).unwrap_or(MODEL);
    let model = model.strip_prefix(ID).and_then(|rest| rest.strip_prefix('/')).unwrap_or(model);

    let models = object(&mut config, "models")?;
    default(models, "mode", "merge");
    let entry = entry(object_in(models, "providers", "models.providers")?)?;
    merge_entry(entry, choices, model)?;

    let defaults = object_in(object(&mut config, "agents")?, "defaults", "agents.defaults")?;
    let reference = format!("{ID}/{model}");
    let aliases = object_in(defaults, "models", "agents.defaults.models")?;
    default(object_in(aliases, &reference, "agents.defaults.models")?, "alias", "OpenAI");
    if primary && text(defaults, "model").is_none() {
        default(object_in(defaults, "model", "agents.defaults.model")?, "primary", &reference);
    }
    Ok(config.to_string())
}

/// The provider's entry, whatever case its name is written in.
fn entry(providers: &mut Map<String, Value>) -> Result<&mut Map<String, Value>, Error> {
    let name = providers.keys().find(|name| name.trim().eq_ignore_ascii_case(ID)).cloned();
    let entry = name.and_then(|name| providers.shift_remove(&name)).unwrap_or_default();
    providers.insert(ID.into(), entry);
    object_in(providers, ID, &format!("models.providers.{ID}"))
}

fn merge_entry(entry: &mut Map<String, Value>, choices: &Choices, model: &str) -> Result<(), Error> {
    let base_url = match filled(choices.base_url.as_deref()) {
        Some(chosen) => chosen.trim_end_matches('/').to_string(),
        None => text(entry, "baseUrl").unwrap_or(BASE_URL).to_string(),
    };
    let key = text(entry, "apiKey").or(filled(choices.api_key_reference.as_deref())).map(Value::from);
    entry.insert("baseUrl".into(), base_url.into());
    match key {
        Some(key) => entry.insert("apiKey".into(), key),
        None => entry.shift_remove("apiKey"),
    };
    entry.insert("api".into(), "openai-completions".into());

    let known = match entry.get("models") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(models)) => models.clone(),
        Some(_) => return Err(wrong(&of_entry("models"), "a list")),
    };
    let mut models: Vec<Value> = Vec::new();
    for model in known.into_iter().chain([described(), described_as(model)]) {
        if !models.iter().any(|other| other["id"].is_string() && other["id"] == model["id"]) {
            models.push(model);
        }
    }
    entry.insert("models".into(), models.into());
    Ok(())
}

/// The default model, as a host's configuration describes it.
fn described() -> Value {
    let model = descriptor().default_model;
    json!({
        "id": model.id, "name": model.name, "reasoning": model.reasoning, "input": ["text", "image"],
        "contextWindow": model.context_tokens, "maxTokens": model.max_output_tokens,
    })
}

fn described_as(id: &str) -> Value {
    if id == MODEL { described() } else { json!({"id": id, "name": id, "reasoning": false, "input": ["text"]}) }
}

pub(crate) fn lint(config: &str) -> Vec<Finding> {
    match base_url(config) {
        Ok(_) => Vec::new(),
        Err(error) => vec![Finding { severity: Severity::Error, path: of_entry("baseUrl"), message: error.message }],
    }
}

/// The connection that the configuration describes. Headers that the host fills in are left to it.
pub(crate) fn resolve(config: &str, held: &[String]) -> Result<Connection, Error> {
    let base_url = base_url(config)?;
    if !held.iter().any(|id| id == KEY) {
        return Err(error(
            ErrorKind::MissingCredential,
            ErrorOrigin::Plugin,
            "OpenAI API key missing",
            "Set OPENAI_API_KEY, or give --openai-api-key.",
        ));
    }
    let config: Value = serde_json::from_str(config).unwrap_or_default();
    let headers = config["models"]["providers"][ID]["headers"].as_object();
    let plain = |(name, value): (&String, &Value)| Some((name.to_ascii_lowercase(), value.as_str()?.to_string()));
    Ok(Connection {
        base_url,
        headers: headers.into_iter().flatten().filter_map(plain).filter(|(_, value)| !value.contains("${")).collect(),
        credentials: vec![KEY.into()],
        connect_timeout_ms: None,
        first_byte_timeout_ms: None,
        idle_timeout_ms: None,
        options_json: "{}".into(),
    })
}

fn base_url(config: &str) -> Result<String, Error> {
    let config: Value = serde_json::from_str(config).map_err(|_| wrong("the configuration", "JSON"))?;
    let configured = config["models"]["providers"][ID]["baseUrl"].as_str();
    let url = filled(configured).unwrap_or(BASE_URL).trim_end_matches('/');
    if url.starts_with("https://") || url.starts_with("http://") {
        Ok(url.into())
    } else {
        Err(wrong(&of_entry("baseUrl"), "an http or https URL"))
    }
}

/// Where a key of the provider's entry stands.
fn of_entry(key: &str) -> String {
    format!("models.providers.{ID}.{key}")
}

fn wrong(what: &str, expected: &str) -> Error {
    let message = format!("{what} is not {expected}");
    error(ErrorKind::InvalidConfig, ErrorOrigin::Plugin, &message, "Mend it there: nothing was changed.")
}

fn object<'a>(value: &'a mut Value, name: &str) -> Result<&'a mut Map<String, Value>, Error> {
    object_in(value.as_object_mut().ok_or_else(|| wrong("the configuration", "an object"))?, name, name)
}

/// The object under `name`, made where there is none.
fn object_in<'a>(
    fields: &'a mut Map<String, Value>,
    name: &str,
    path: &str,
) -> Result<&'a mut Map<String, Value>, Error> {
    let value = fields.entry(name).or_insert(Value::Null);
    if value.is_null() {
        *value = json!({});
    }
    value.as_object_mut().ok_or_else(|| wrong(path, "an object"))
}

fn default(fields: &mut Map<String, Value>, name: &str, value: &str) {
    if fields.get(name).is_none_or(Value::is_null) {
        fields.insert(name.into(), value.into());
    }
}

fn text<'a>(fields: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    filled(fields.get(name)?.as_str())
}

fn filled(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}
