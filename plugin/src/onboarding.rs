//! Sets this provider up: merges its entry into the host's configuration, and reads the connection from it.
//!
//! The merge changes only what it must, and keeps everything else, unknown fields too.

use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::bindings::exports::openclaw::provider::onboarding::{Choices, Severity};
use crate::bindings::openclaw::provider::types::{Connection, Error};
use crate::config::{self, PROVIDER, not_an_object};
use crate::error::{self, Result};
use crate::headers::{self, Header};
use crate::json::{Json, Object, firsts};
use crate::lint;
use crate::model_traits;
use crate::portkey;
use crate::prompt::{self, filled};
use crate::url::BaseUrl;

/// The document with this provider merged in; with `primary`, also as the default model where none is chosen.
pub fn apply(document: &str, choices: &Choices, primary: bool) -> Result<String> {
    let mut root = config::parse(document)?;
    let chosen = filled(choices.model.as_deref()).map(|model| model.strip_prefix("portkey/").unwrap_or(model));
    let candidate = filled(chosen).unwrap_or(portkey::MODEL);
    let mut models = open(&root, "models", "models")?;
    if models.get("mode").is_none() {
        models.set("mode", "merge");
    }
    let mut providers = open(&models, "providers", "models.providers")?;
    config::fold(&mut providers)?;
    let provider = open(&providers, portkey::ID, PROVIDER)?;
    providers.set(portkey::ID, merged(provider, choices, candidate)?);
    models.set("providers", providers);
    root.set("models", models);

    let mut agents = open(&root, "agents", "agents")?;
    let mut defaults = open(&agents, "defaults", "agents.defaults")?;
    let reference = format!("{}/{candidate}", portkey::ID);
    let mut models = open(&defaults, "models", "agents.defaults.models")?;
    merge_alias(&mut models, &reference)?;
    defaults.set("models", models);
    if primary {
        merge_primary(&mut defaults, &reference)?;
    }
    agents.set("defaults", defaults);
    root.set("agents", agents);
    Ok(root.to_json())
}

/// The object under `name`, a new one where there is none or `null`.
fn open<'a>(object: &Object<'a>, name: &str, path: &str) -> Result<Object<'a>> {
    object.get(name).map_or_else(|| Some(Object::default()), Json::object).ok_or_else(|| not_an_object(path))
}

/// The text of a member, trimmed; none where it is empty.
fn text(object: &Object<'_>, name: &str) -> Option<String> {
    filled(Some(&object.get(name)?.string()?)).map(ToOwned::to_owned)
}

/// `models.providers.portkey`.
fn merged<'a>(mut provider: Object<'a>, choices: &Choices, candidate: &'a str) -> Result<Object<'a>> {
    let base_url = match filled(choices.base_url.as_deref()) {
        Some(chosen) => BaseUrl::parse(chosen).map(|url| url.text()).map_err(|reason| {
            error::invalid_config(
                &format!("This is no base URL: {reason}"),
                "Give it in full, such as https://api.portkey.ai/v1 or http://localhost:8787/v1.",
            )
        })?,
        None => text(&provider, "baseUrl").unwrap_or_else(|| portkey::BASE_URL.to_owned()),
    };
    provider.set("baseUrl", base_url);
    match text(&provider, "apiKey").or_else(|| filled(choices.api_key_reference.as_deref()).map(ToOwned::to_owned)) {
        Some(key) => provider.set("apiKey", key),
        None => provider.remove("apiKey"),
    }
    provider.set("api", portkey::API);

    let existing = provider.get("models").map_or_else(|| Some(Vec::new()), Json::list).ok_or_else(|| {
        error::invalid_config(
            &format!("{PROVIDER}.models is not a list"),
            "Fix the configuration there: nothing was changed.",
        )
    })?;
    let added = model_entry(candidate);
    let models: Vec<_> = existing.into_iter().chain([added]).map(|model| (config::model_id(&model), model)).collect();
    let firsts = firsts(&models.iter().filter_map(|(id, _)| id.as_deref()).collect::<Vec<_>>());
    let mut is_first = firsts.iter().enumerate().map(|(at, &first)| at == first);
    let models = models.into_iter().filter(|(id, _)| id.is_none() || is_first.next() == Some(true));
    provider.set("models", models.map(|(_, model)| model).collect::<Vec<_>>());
    Ok(provider)
}

/// An entry for a model. What is not known of one is left out, for the host to default.
fn model_entry(id: &str) -> Json<'_> {
    let known = model_traits::shown(id);
    let mut input = alloc::vec!["text".into()];
    // A model that takes no images says so itself, while a host that thinks so would drop them in silence.
    if known.image_input != Some(false) {
        input.push("image".into());
    }
    let mut entry = Object::from([
        ("id", id.into()),
        ("name", if id == portkey::MODEL { portkey::MODEL_NAME } else { id }.into()),
        ("reasoning", known.reasoning.unwrap_or(false).into()),
        ("input", input.into()),
        ("cost", ["input", "output", "cacheRead", "cacheWrite"].map(|kind| (kind, 0u32.into())).into()),
    ]);
    entry.set_some("contextWindow", known.context_tokens);
    entry.set_some("maxTokens", known.max_output_tokens);
    entry.into()
}

/// `agents.defaults.models.<reference>.alias`. Another model that goes by that name already keeps it to itself.
fn merge_alias(models: &mut Object<'_>, reference: &str) -> Result<()> {
    let is_alias = |name: &str| name.trim().eq_ignore_ascii_case(portkey::ALIAS);
    let has_alias = |entry: &Json<'_>| Some(is_alias(&entry.object()?.get("alias")?.string()?));
    let goes_by_it = |name: &str, entry| is_alias(prompt::bare(name)) || has_alias(entry) == Some(true);
    let is_taken = models.iter().any(|(name, entry)| goes_by_it(name, entry));
    let mut entry = open(models, reference, &format!("agents.defaults.models.{reference}"))?;
    if !is_taken && entry.get("alias").is_none() {
        entry.set("alias", portkey::ALIAS);
    }
    models.set(reference.to_owned(), entry);
    Ok(())
}

/// `agents.defaults.model`: a text, or an object with `primary` and `fallbacks`.
fn merge_primary(defaults: &mut Object<'_>, reference: &str) -> Result<()> {
    if let Some(model) = defaults.get("model").and_then(Json::string) {
        if !model.trim().is_empty() {
            return Ok(());
        }
        defaults.remove("model");
    }
    let mut model = open(defaults, "model", "agents.defaults.model")?;
    if text(&model, "primary").is_none() {
        model.set("primary", reference.to_owned());
    }
    defaults.set("model", model);
    Ok(())
}

/// The connection that the document describes.
pub fn resolve(document: &str, held: &[String]) -> Result<Connection> {
    let settings = config::read(document)?;
    let findings = lint::settings_findings(&settings);
    if let Some(finding) = findings.into_iter().find(|finding| finding.severity == Severity::Error) {
        return Err(refusal(&finding.path, &finding.message));
    }
    if !held.iter().any(|id| id == portkey::CREDENTIAL) {
        return Err(error::missing_credential());
    }
    let own = settings.headers.iter().filter(|header| !header.is_reference() && !headers::is_credential(&header.name));
    let mut headers: Vec<_> = own.map(Header::on_wire).collect();
    // As Portkey's own SDKs send it: with `true`, its default, reasoning is paid for and thrown away.
    if !settings.headers.iter().any(|header| header.name == portkey::COMPLIANCE_HEADER) {
        headers.push((portkey::COMPLIANCE_HEADER.to_owned(), "false".to_owned()));
    }
    Ok(Connection {
        base_url: settings.base_url.map_or_else(|| portkey::BASE_URL.to_owned(), |url| url.text()),
        headers,
        credentials: alloc::vec![portkey::CREDENTIAL.to_owned()],
        connect_timeout_ms: None,
        first_byte_timeout_ms: settings.timeout_ms,
        idle_timeout_ms: settings.timeout_ms,
        options_json: settings.options_json,
    })
}

/// A finding as the error of a call.
pub(crate) fn refusal(path: &str, message: &str) -> Box<Error> {
    error::invalid_config(
        &format!("{path}: {message}"),
        "Fix the configuration there; linting it shows everything that is wrong.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bindings::openclaw::provider::types::ErrorKind;
    use alloc::vec;
    use serde_json::{Value, json};

    const NONE: Choices = Choices { base_url: None, model: None, api_key_reference: None };
    const REF: &str = "portkey/@anthropic/claude-sonnet-4-5";

    fn merged(config: &Value, choices: &Choices) -> Value {
        serde_json::from_str(&apply(&config.to_string(), choices, true).unwrap()).unwrap()
    }

    fn provider(provider: Value) -> Value {
        merged(&json!({"models": {"providers": {"portkey": provider}}}), &NONE)["models"]["providers"]["portkey"].take()
    }

    fn ids(provider: &Value) -> Vec<&str> {
        provider["models"].as_array().unwrap().iter().map(|model| model["id"].as_str().unwrap()).collect()
    }

    #[test]
    fn o1_an_existing_base_url_is_trimmed_and_kept() {
        assert_eq!(provider(json!({"baseUrl": " http://localhost:8787/v1/ "}))["baseUrl"], "http://localhost:8787/v1/");
        for blank in [json!({}), json!({"baseUrl": "  "}), json!({"baseUrl": 7}), json!({"baseUrl": null})] {
            assert_eq!(provider(blank)["baseUrl"], "https://api.portkey.ai/v1");
        }
    }

    #[test]
    fn o2_the_api_is_openai_completions() {
        assert_eq!(provider(json!({"api": "anthropic-messages"}))["api"], "openai-completions");
    }

    #[test]
    fn o3_an_api_key_is_trimmed_and_kept_if_it_is_a_text() {
        assert_eq!(provider(json!({"apiKey": "  old-key  "}))["apiKey"], "old-key");
        for dropped in [json!({"apiKey": " "}), json!({"apiKey": 7}), json!({"apiKey": null})] {
            assert_eq!(provider(dropped).get("apiKey"), None);
        }
        let choices = Choices { api_key_reference: Some("${PORTKEY_API_KEY}".into()), ..NONE };
        let entry = |config| merged(&config, &choices)["models"]["providers"]["portkey"]["apiKey"].take();
        assert_eq!(entry(json!({})), "${PORTKEY_API_KEY}");
        assert_eq!(entry(json!({"models": {"providers": {"portkey": {"apiKey": "mine"}}}})), "mine");
    }

    #[test]
    fn o4_existing_models_come_first() {
        assert_eq!(ids(&provider(json!({"models": [{"id": "custom-model"}]}))), ["custom-model", portkey::MODEL]);
    }

    #[test]
    fn o5_without_models_there_is_the_default() {
        for empty in [json!({}), json!({"models": []}), json!({"models": null})] {
            let entry = provider(empty);
            assert_eq!(
                entry["models"],
                json!([{"id": portkey::MODEL, "name": "Claude Sonnet 4.5", "reasoning": true, "input": ["text", "image"],
                    "cost": {"input": 0, "output": 0, "cacheRead": 0, "cacheWrite": 0}, "contextWindow": 200_000, "maxTokens": 64_000}])
            );
        }
    }

    #[test]
    fn o6_duplicates_collapse_and_the_first_wins() {
        let entry = provider(
            json!({"models": [{"id": portkey::MODEL, "name": "mine"}, {"id": "a", "n": 1}, {"id": " a ", "n": 2}, {"name": "no id"}, {"id": portkey::MODEL}]}),
        );
        assert_eq!(
            entry["models"],
            json!([{"id": portkey::MODEL, "name": "mine"}, {"id": "a", "n": 1}, {"name": "no id"}])
        );
    }

    #[test]
    fn o7_other_keys_stay_and_variants_of_the_id_are_folded() {
        assert_eq!(provider(json!({"timeoutSeconds": 3, "headers": {"a": "b"}}))["headers"], json!({"a": "b"}));
        let config = json!({"models": {"providers": {
            "Portkey": {"baseUrl": "http://first/v1", "models": [{"id": "one"}], "headers": {"a": "1", "b": "1"}, "kept": true},
            "openai": {"x": 1},
            " portkey": {"apiKey": "k"},
            "portkey": {"baseUrl": "http://exact/v1", "models": [{"id": "two"}], "headers": {"a": "2"}},
        }}});
        let merged = merged(&config, &NONE);
        let providers = merged["models"]["providers"].as_object().unwrap();
        assert_eq!(providers.keys().collect::<Vec<_>>(), ["openai", "portkey"]);
        let entry = &providers["portkey"];
        assert_eq!(entry["baseUrl"], "http://exact/v1");
        assert_eq!((&entry["apiKey"], &entry["kept"]), (&json!("k"), &json!(true)));
        assert_eq!(entry["headers"], json!({"a": "2", "b": "1"}));
        assert_eq!(ids(entry), ["two", "one", portkey::MODEL]);
    }

    #[test]
    fn o8_the_mode_stays_or_is_merge() {
        assert_eq!(merged(&json!({}), &NONE)["models"]["mode"], "merge");
        assert_eq!(merged(&json!({"models": {"mode": "replace"}}), &NONE)["models"]["mode"], "replace");
    }

    #[test]
    fn o9_the_alias_is_set_only_if_absent() {
        assert_eq!(merged(&json!({}), &NONE)["agents"]["defaults"]["models"][REF], json!({"alias": "Portkey"}));
        let own = json!({"agents": {"defaults": {"models": {REF: {"alias": "mine", "x": 1}}}}});
        assert_eq!(merged(&own, &NONE)["agents"]["defaults"]["models"][REF], json!({"alias": "mine", "x": 1}));
        for other in [json!({"portkey/other": {"alias": " portkey"}}), json!({"other/PORTKEY": {}})] {
            let taken = json!({"agents": {"defaults": {"models": other}}});
            assert_eq!(merged(&taken, &NONE)["agents"]["defaults"]["models"][REF], json!({}), "{other}");
        }
    }

    #[test]
    fn o10_the_primary_model_is_set_only_if_there_is_none() {
        let model = |config: Value| merged(&config, &NONE)["agents"]["defaults"]["model"].take();
        let defaults = |model: Value| json!({"agents": {"defaults": {"model": model}}});
        assert_eq!(model(json!({})), json!({"primary": REF}));
        assert_eq!(model(defaults(json!("openai/gpt-5"))), "openai/gpt-5");
        assert_eq!(model(defaults(json!(" "))), json!({"primary": REF}));
        assert_eq!(
            model(defaults(json!({"primary": "x/y", "fallbacks": ["z"]}))),
            json!({"primary": "x/y", "fallbacks": ["z"]})
        );
        assert_eq!(model(defaults(json!({"fallbacks": ["z"]}))), json!({"fallbacks": ["z"], "primary": REF}));
        let untouched: Value = serde_json::from_str(&apply("{}", &NONE, false).unwrap()).unwrap();
        assert_eq!(untouched["agents"]["defaults"].get("model"), None);
    }

    #[test]
    fn o11_all_else_keeps_its_value() {
        let config = json!({
            "z": [null, 1.5, -7, u64::MAX, "\u{e9}"], "models": {"providers": {"other": {"n": 0.1}}, "x": [{}]},
            "agents": {"list": [1], "defaults": {"workspace": "w"}}, "a": {"b": true},
        });
        let merged = apply(&config.to_string(), &NONE, true).unwrap();
        let mut left: Value = serde_json::from_str(&merged).unwrap();
        for (path, name) in [
            ("/models/providers", "portkey"),
            ("/models", "mode"),
            ("/agents/defaults", "models"),
            ("/agents/defaults", "model"),
        ] {
            left.pointer_mut(path).unwrap().as_object_mut().unwrap().remove(name).unwrap();
        }
        assert_eq!(left, config);
        assert_eq!(apply(&merged, &NONE, true).unwrap(), merged, "doing it again changes nothing");
    }

    #[test]
    fn o13_a_chosen_base_url_replaces_the_old() {
        let chosen = |url: &str| Choices { base_url: Some(url.into()), ..NONE };
        let config = json!({"models": {"providers": {"portkey": {"baseUrl": "http://old/v1"}}}});
        assert_eq!(
            merged(&config, &chosen(" http://new:8787/v1// "))["models"]["providers"]["portkey"]["baseUrl"],
            "http://new:8787/v1"
        );
        assert_eq!(merged(&config, &chosen(" "))["models"]["providers"]["portkey"]["baseUrl"], "http://old/v1");
        for bad in ["localhost:8787", "ftp://x", "https://u:p@x", "https://", "https://x?y", "https://x#y"] {
            let error = apply("{}", &chosen(bad), true).unwrap_err();
            assert!(error.kind == ErrorKind::InvalidConfig && error.hint.is_some(), "{bad}");
        }
    }

    #[test]
    fn a_chosen_model_is_added_and_becomes_the_candidate() {
        for id in ["@openai/gpt-5", "portkey/@openai/gpt-5"] {
            let choices = Choices { model: Some(id.into()), ..NONE };
            let merged = merged(&json!({}), &choices);
            assert_eq!(ids(&merged["models"]["providers"]["portkey"]), ["@openai/gpt-5"]);
            assert_eq!(merged["agents"]["defaults"]["model"]["primary"], "portkey/@openai/gpt-5");
            assert_eq!(merged["agents"]["defaults"]["models"]["portkey/@openai/gpt-5"]["alias"], "Portkey");
        }
    }

    #[test]
    fn what_stands_in_the_way_is_named() {
        for (config, path) in [
            (json!({"models": []}), "models"),
            (json!({"models": {"providers": "x"}}), "models.providers"),
            (json!({"models": {"providers": {"PortKey": 3}}}), "models.providers.PortKey"),
            (json!({"models": {"providers": {"portkey": {"models": {}}}}}), "models.providers.portkey.models"),
            (json!({"agents": 1}), "agents"),
            (json!({"agents": {"defaults": []}}), "agents.defaults"),
            (json!({"agents": {"defaults": {"models": []}}}), "agents.defaults.models"),
            (
                json!({"agents": {"defaults": {"models": {REF: 1}}}}),
                "agents.defaults.models.portkey/@anthropic/claude-sonnet-4-5",
            ),
            (json!({"agents": {"defaults": {"model": 3}}}), "agents.defaults.model"),
        ] {
            let error = apply(&config.to_string(), &NONE, true).unwrap_err();
            assert_eq!(error.kind, ErrorKind::InvalidConfig);
            assert!(error.message.starts_with(&format!("{path} is not")), "{}", error.message);
        }
    }

    fn held() -> Vec<String> {
        vec![portkey::CREDENTIAL.to_owned(), "another".to_owned()]
    }

    #[test]
    fn i3_i4_the_connection_of_a_configuration() {
        let default = resolve("{}", &held()).unwrap();
        let lenient = ("x-portkey-strict-open-ai-compliance".to_owned(), "false".to_owned());
        assert_eq!((default.base_url.as_str(), &*default.headers), ("https://api.portkey.ai/v1", &[lenient][..]));
        assert_eq!(default.options_json, "{}");
        assert_eq!(default.credentials, ["portkey-api-key"]);
        let config = json!({
            "models": {"providers": {"portkey": {"baseUrl": "http://localhost:8787/v1/", "timeoutSeconds": 9,
                "headers": {"X-Portkey-Trace-Id": "t", "authorization": "Bearer ${KEY}", "x-portkey-api-key": "${PORTKEY_API_KEY}"}}}},
            "plugins": {"entries": {"portkey": {"config": {"metadata": {"_user": "Zoë"}, "traceId": "lost"}}}},
        });
        let connection = resolve(&config.to_string(), &held()).unwrap();
        assert_eq!(connection.base_url, "http://localhost:8787/v1");
        let headers: Vec<(&str, &str)> =
            connection.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(
            headers,
            [
                ("x-portkey-metadata", r#"{"_user":"Zo\u00eb"}"#),
                ("x-portkey-trace-id", "t"),
                ("x-portkey-strict-open-ai-compliance", "false"),
            ]
        );
        assert_eq!((connection.first_byte_timeout_ms, connection.idle_timeout_ms), (Some(9000), Some(9000)));
    }

    #[test]
    fn i7_a_connection_needs_the_key() {
        let error = resolve("{}", &["another".to_owned()]).unwrap_err();
        assert_eq!((error.kind, error.message.as_str()), (ErrorKind::MissingCredential, "Portkey API key missing"));
    }

    #[test]
    fn the_first_error_of_the_lint_refuses_the_connection() {
        let config = json!({"plugins": {"entries": {"portkey": {"config": {"customHost": "http://h/v1/"}}}}});
        let error = resolve(&config.to_string(), &held()).unwrap_err();
        assert_eq!(error.kind, ErrorKind::InvalidConfig);
        assert!(error.message.starts_with("plugins.entries.portkey.config.customHost: "), "{}", error.message);
    }
}
