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
    // OpenClaw takes this for the same, where no row has the id alone.
    assert_eq!(ids(&provider(json!({"models": [{"id": REF}]}))), [REF]);
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
fn o6_duplicates_become_one_that_says_what_all_say_and_the_first_wins() {
    let entry = provider(json!({"models": [
        {"id": portkey::MODEL, "name": "mine"}, {"id": "a", "n": 1, "x": null, "cost": {"input": 1}},
        {"id": " a ", "n": 2, "baseUrl": "http://own/v1", "x": 3, "cost": {"input": 7, "output": 2}}, {"name": "no id"},
        {"id": portkey::MODEL}, {"name": "nor this"}, "b", {"id": "b", "n": 4}, "b", "c", "c",
    ]}));
    assert_eq!(
        entry["models"],
        json!([
            {"id": portkey::MODEL, "name": "mine"},
            {"id": "a", "n": 1, "baseUrl": "http://own/v1", "x": 3, "cost": {"input": 1, "output": 2}},
            {"name": "no id"}, {"name": "nor this"}, {"id": "b", "n": 4}, "c",
        ])
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

/// The host writes what is new behind what is there, and of one header in two letter cases the last is sent.
#[test]
fn of_a_header_in_two_letter_cases_that_of_the_exact_entry_stays() {
    let config = json!({"models": {"providers": {
        "Portkey": {"headers": {"x-portkey-config": "pc-other", "x-b": "1"}}, "portkey": {"headers": {"X-Portkey-Config": "pc-exact"}},
    }}});
    let headers = &merged(&config, &NONE)["models"]["providers"]["portkey"]["headers"];
    assert_eq!(*headers, json!({"x-b": "1", "X-Portkey-Config": "pc-exact"}));
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
    // Under the name that is there, in whatever spelling: another would take its alias away.
    for name in ["Portkey/m", " portkey / m ", "portkey/portkey/m"] {
        let choices = Choices { model: Some("m".into()), ..NONE };
        for (had, has) in
            [(json!({"alias": "fast"}), json!({"alias": "fast"})), (json!({}), json!({"alias": "Portkey"}))]
        {
            let models = json!({"agents": {"defaults": {"models": {name: had}}}});
            assert_eq!(merged(&models, &choices)["agents"]["defaults"]["models"], json!({name: has}));
        }
    }
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
