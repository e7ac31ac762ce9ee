//! Onboarding: how the component merges itself into a configuration, and where the host finds the key.

use serde_json::{Value, json};

use super::{
    Check,
    fixture::{Fixture, Flaw, KEY, Verdict, at, ensure, equal, no_choices, no_request, refused_as},
};
use host_harness::{Provider, Setup, types::ErrorKind, wit::onboarding::Choices};

#[rustfmt::skip]
pub(super) const CHECKS: &[Check] = &[
    Check { id: "O1", title: "an existing base URL stays, trimmed; blank or absent, it is the default", run: |fixture| Box::pin(base_url(fixture)) },
    Check { id: "O2", title: "the api is the provider's own, whatever was there", run: |fixture| Box::pin(api(fixture)) },
    Check { id: "O3", title: "a key string stays, trimmed; a blank one and a number go", run: |fixture| Box::pin(api_key(fixture)) },
    Check { id: "O3", title: "a reference to the key is written as chosen, where there is no key yet", run: |fixture| Box::pin(key_reference(fixture)) },
    Check { id: "O4", title: "existing models come first, the default only where it is absent", run: |fixture| Box::pin(models_kept(fixture)) },
    Check { id: "O5", title: "without models there is the default one, as described", run: |fixture| Box::pin(default_model(fixture)) },
    Check { id: "O6", title: "models of the same id become one, which says what all say, and the first wins", run: |fixture| Box::pin(duplicates(fixture)) },
    Check { id: "O7", title: "other providers stay; the own id in other case becomes the proper one", run: |fixture| Box::pin(provider_keys(fixture)) },
    Check { id: "O8", title: "models.mode stays; absent, it is merge", run: |fixture| Box::pin(mode(fixture)) },
    Check { id: "O9", title: "an alias stays; absent, there is one for the model", run: |fixture| Box::pin(alias(fixture)) },
    Check { id: "O10", title: "apply-provider-config leaves the default model alone", run: |fixture| Box::pin(primary_left_alone(fixture)) },
    Check { id: "O10", title: "apply-config sets the default model where there is none, and keeps fallbacks", run: |fixture| Box::pin(primary_set(fixture)) },
    Check { id: "O10", title: "apply-config keeps the default model that there is, and fallbacks", run: |fixture| Box::pin(primary_kept(fixture)) },
    Check { id: "O10", title: "a chosen model is added, and becomes the default where there is none", run: |fixture| Box::pin(chosen_model(fixture)) },
    Check { id: "O11", title: "all else in the configuration stays as it is", run: |fixture| Box::pin(all_else(fixture)) },
    Check { id: "O11", title: "what cannot be merged with is refused, not replaced", run: |fixture| Box::pin(unmergeable(fixture)) },
    Check { id: "O13", title: "a chosen base URL is trimmed, loses trailing slashes, and wins", run: |fixture| Box::pin(chosen_base_url(fixture)) },
    Check { id: "O14", title: "the key is found where it was given, in the environment, in the configuration", run: |fixture| Box::pin(key_sources(fixture)) },
    Check { id: "O14", title: "given wins over the environment, that over the configuration", run: |fixture| Box::pin(key_precedence(fixture)) },
    Check { id: "O14", title: "without a key there is an error, and no request", run: |fixture| Box::pin(no_key(fixture)) },
    Check { id: "M1", title: "merging again changes nothing, and the same gives the same", run: |fixture| Box::pin(idempotent(fixture)) },
];

async fn base_url(fixture: &Fixture) -> Verdict {
    let default = fixture.descriptor().default_base_url.as_str();
    for (entry, expected) in [
        (json!({"baseUrl": " http://127.0.0.1:8787/v1\t"}), "http://127.0.0.1:8787/v1"),
        (json!({"baseUrl": "   "}), default),
        (json!({}), default),
    ] {
        let merged = fixture.merge(entry.clone()).await?;
        equal(&format!("baseUrl after {entry}"), fixture.own(&merged, "baseUrl"), expected)?;
    }
    Ok(())
}

async fn api(fixture: &Fixture) -> Verdict {
    for entry in [json!({}), json!({"api": "anthropic-messages"})] {
        let merged = fixture.merge(entry.clone()).await?;
        equal(&format!("api after {entry}"), fixture.own(&merged, "api"), fixture.descriptor().api.as_str())?;
    }
    Ok(())
}

async fn api_key(fixture: &Fixture) -> Verdict {
    let old = format!("{KEY}-old");
    let by_reference = json!({"source": "env", "provider": "default", "id": "OPENCLAW_CHECK_KEY"});
    for (what, before, after) in [
        ("a key in white space", json!(format!("  {old}  ")), json!(old)),
        ("a reference", json!(" ${OPENCLAW_CHECK_KEY} "), json!("${OPENCLAW_CHECK_KEY}")),
        ("a reference as an object", by_reference.clone(), by_reference),
        ("a blank text", json!("  "), Value::Null),
        ("a number", json!(7), Value::Null),
    ] {
        let merged = fixture.merge(json!({"apiKey": before})).await?;
        equal(&format!("apiKey after {what}"), fixture.own(&merged, "apiKey"), after)?;
    }
    Ok(())
}

async fn key_reference(fixture: &Fixture) -> Verdict {
    let choices = Choices { api_key_reference: Some("${OPENCLAW_CHECK_KEY}".into()), ..no_choices() };
    let merged = fixture.plugin.apply_provider_config(&json!({}), &choices).await?;
    equal("apiKey", fixture.own(&merged, "apiKey"), "${OPENCLAW_CHECK_KEY}")
}

/// The ids of the models in the provider's entry.
fn model_ids(fixture: &Fixture, config: &Value) -> Value {
    let models = fixture.own(config, "models");
    models.as_array().into_iter().flatten().map(|model| at(model, &["id"])).collect()
}

async fn models_kept(fixture: &Fixture) -> Verdict {
    let default = &fixture.descriptor().default_model.id;
    let custom = json!({"id": "custom-model", "name": "Custom", "contextWindow": 1000, "unknown": {"kept": [1]}});
    let merged = fixture.merge(json!({"models": [custom]})).await?;
    equal("model ids", model_ids(fixture, &merged), json!(["custom-model", default]))?;
    equal("the existing model", fixture.own(&merged, "models").get(0).cloned(), custom)?;

    let both = json!([{"id": default, "name": "Mine"}, {"id": "custom-model"}]);
    let merged = fixture.merge(json!({"models": both})).await?;
    equal("models that hold the default already", fixture.own(&merged, "models"), both)
}

async fn default_model(fixture: &Fixture) -> Verdict {
    let described = &fixture.descriptor().default_model;
    for entry in [json!({}), json!({"models": []})] {
        let merged = fixture.merge(entry.clone()).await?;
        equal(&format!("model ids after {entry}"), model_ids(fixture, &merged), json!([described.id]))?;
        let model = fixture.own(&merged, "models").get(0).cloned().unwrap_or_default();
        equal("the model's name", at(&model, &["name"]), described.name.as_str())?;
        equal("the model's reasoning", at(&model, &["reasoning"]), described.reasoning)?;
        equal("the model's contextWindow", at(&model, &["contextWindow"]), described.context_tokens)?;
        equal("the model's maxTokens", at(&model, &["maxTokens"]), described.max_output_tokens)?;
        let input = if described.image_input { json!(["text", "image"]) } else { json!(["text"]) };
        equal("the model's input", at(&model, &["input"]), input)?;
    }
    Ok(())
}

async fn duplicates(fixture: &Fixture) -> Verdict {
    let default = &fixture.descriptor().default_model.id;
    let (first, mine) = (json!({"id": "m", "name": "First"}), json!({"id": default, "name": "Mine"}));
    let second = json!({"id": "m", "name": "Second", "headers": {"x-own": "kept"}});
    let joined = json!({"id": "m", "name": "First", "headers": {"x-own": "kept"}});
    let entry = json!({"models": [first, second, mine, {"id": default, "name": "Again"}]});
    let merged = fixture.merge(entry).await?;
    equal("models", fixture.own(&merged, "models"), json!([joined, mine]))
}

async fn provider_keys(fixture: &Fixture) -> Verdict {
    let other = json!({"baseUrl": "https://other.example/v1", "apiKey": "${OTHER_KEY}", "models": [{"id": "o"}]});
    for variant in [fixture.id().to_uppercase(), format!(" {} ", fixture.id())] {
        let config = json!({"models": {"providers": {
            "other": other,
            variant.as_str(): {"baseUrl": "http://127.0.0.1:8787/v1", "unknown": "kept"},
        }}});
        let merged = fixture.plugin.apply_provider_config(&config, &no_choices()).await?;
        equal("the other provider", at(&merged, &["models", "providers", "other"]), other.clone())?;
        equal(&format!("baseUrl from `{variant}`"), fixture.own(&merged, "baseUrl"), "http://127.0.0.1:8787/v1")?;
        equal(&format!("an unknown field from `{variant}`"), fixture.own(&merged, "unknown"), "kept")?;
        if variant != fixture.id() {
            equal(&format!("`{variant}` itself"), at(&merged, &["models", "providers", &variant]), Value::Null)?;
        }
        // With two base URLs a host would refuse it: the headers of one would go to the other.
        let mine = "http://127.0.0.1:8787/v1";
        let config = json!({"models": {"providers": {
            variant.as_str(): {"baseUrl": mine, "apiKey": "${THEIRS}"},
            fixture.id(): {"baseUrl": mine, "apiKey": "${MINE}", "models": [{"id": "mine"}]},
        }}});
        let merged = fixture.plugin.apply_provider_config(&config, &no_choices()).await?;
        equal(&format!("baseUrl beside `{variant}`"), fixture.own(&merged, "baseUrl"), mine)?;
        equal(&format!("apiKey beside `{variant}`"), fixture.own(&merged, "apiKey"), "${MINE}")?;
        let ids = model_ids(fixture, &merged);
        equal(&format!("the first model beside `{variant}`"), ids.get(0).cloned(), json!("mine"))?;
    }
    Ok(())
}

async fn mode(fixture: &Fixture) -> Verdict {
    for (config, expected) in [(json!({}), "merge"), (json!({"models": {"mode": "replace"}}), "replace")] {
        let merged = fixture.plugin.apply_provider_config(&config, &no_choices()).await?;
        equal(&format!("models.mode after {config}"), at(&merged, &["models", "mode"]), expected)?;
    }
    Ok(())
}

async fn alias(fixture: &Fixture) -> Verdict {
    let reference = fixture.default_reference();
    let path = ["agents", "defaults", "models", &reference, "alias"];
    let merged = fixture.merge(json!({})).await?;
    let alias = at(&merged, &path);
    ensure(alias.as_str().is_some_and(|alias| !alias.is_empty()), || {
        format!("alias of `{reference}`: expected a text, got {alias}")
    })?;
    let config = json!({"agents": {"defaults": {"models": {&reference: {"alias": "Mine", "params": {"a": 1}}}}}});
    let merged = fixture.plugin.apply_provider_config(&config, &no_choices()).await?;
    let entry = at(&merged, &["agents", "defaults", "models", &reference]);
    equal("an entry that has an alias", entry, json!({"alias": "Mine", "params": {"a": 1}}))
}

/// A configuration whose default model is this.
fn with_default(model: Value) -> Value {
    json!({"agents": {"defaults": {"model": model}}})
}

fn default_in(config: &Value) -> Value {
    at(config, &["agents", "defaults", "model"])
}

async fn primary_left_alone(fixture: &Fixture) -> Verdict {
    let merged = fixture.merge(json!({})).await?;
    equal("the default model", default_in(&merged), Value::Null)?;
    for model in [json!("other/m"), json!({"primary": "other/m"}), json!({"fallbacks": ["other/n"]})] {
        let merged = fixture.plugin.apply_provider_config(&with_default(model.clone()), &no_choices()).await?;
        equal("the default model", default_in(&merged), model)?;
    }
    Ok(())
}

async fn primary_set(fixture: &Fixture) -> Verdict {
    let reference = fixture.default_reference();
    let merged = fixture.plugin.apply_config(&json!({}), &no_choices()).await?;
    equal("the primary model", at(&default_in(&merged), &["primary"]), reference.as_str())?;
    let before = with_default(json!({"fallbacks": ["other/m", "other/n"]}));
    let merged = fixture.plugin.apply_config(&before, &no_choices()).await?;
    let expected = json!({"fallbacks": ["other/m", "other/n"], "primary": reference});
    equal("a default model with nothing but fallbacks", default_in(&merged), expected)
}

async fn primary_kept(fixture: &Fixture) -> Verdict {
    for model in [json!("other/m"), json!({"primary": "other/m", "fallbacks": ["other/n"], "unknown": 1})] {
        let merged = fixture.plugin.apply_config(&with_default(model.clone()), &no_choices()).await?;
        equal("the default model", default_in(&merged), model)?;
    }
    Ok(())
}

async fn chosen_model(fixture: &Fixture) -> Verdict {
    let choices = Choices { model: Some("chosen-model".into()), ..no_choices() };
    let holds_it = |merged: &Value| {
        let ids = model_ids(fixture, merged);
        let holds = ids.as_array().is_some_and(|ids| ids.iter().any(|id| id == "chosen-model"));
        ensure(holds, || format!("model ids: expected `chosen-model` among them, got {ids}"))
    };
    let merged = fixture.plugin.apply_config(&json!({}), &choices).await?;
    holds_it(&merged)?;
    equal("the primary model", at(&default_in(&merged), &["primary"]), format!("{}/chosen-model", fixture.id()))?;
    let merged = fixture.plugin.apply_config(&with_default(json!({"primary": "other/m"})), &choices).await?;
    holds_it(&merged)?;
    equal("the primary model that there was", at(&default_in(&merged), &["primary"]), "other/m")
}

/// A configuration with much in it that is none of the component's business, or its own but unknown to it.
fn lived_in(fixture: &Fixture) -> Value {
    json!({
        "$schema": "https://example.com/schema.json",
        "gateway": {"port": 18789, "auth": {"token": "gateway-token"}},
        "env": {"OTHER_KEY": "other"},
        "models": {
            "mode": "merge",
            "unknown": {"kept": true},
            "providers": {
                "other": {"baseUrl": "https://other.example/v1", "apiKey": "${OTHER_KEY}", "models": [{"id": "o"}]},
                fixture.id(): {
                    "baseUrl": "http://127.0.0.1:8787/v1",
                    "apiKey": format!("{KEY}-literal"),
                    "headers": {"X-Trace": "t", "Authorization": format!("Bearer {KEY}-upstream"), "X-Ref": "${REF}"},
                    "timeoutSeconds": 30,
                    "request": {"proxy": {"url": "http://proxy.example"}},
                    "unknown": [1, 12345678901234567890_u64, 0.1, null, "ü"],
                    "models": [{"id": "custom-model", "name": "Custom"}],
                },
            },
        },
        "agents": {
            "list": [{"id": "main"}],
            "defaults": {
                "workspace": "~/work",
                "model": {"primary": "other/o", "fallbacks": ["other/p"]},
                "models": {"other/o": {"alias": "O"}},
            },
        },
        "plugins": {"allow": ["x"], "entries": {
            "x": {"enabled": false},
            fixture.id(): {"enabled": true},
        }},
    })
}

async fn all_else(fixture: &Fixture) -> Verdict {
    let before = lived_in(fixture);
    let mut after = fixture.plugin.apply_config(&before, &no_choices()).await?;
    // What the merge may add, and what it does add is checked by other cases.
    let added = |config: &mut Value, path: &str, name: &str| {
        if let Some(fields) = config.pointer_mut(path).and_then(Value::as_object_mut) {
            fields.shift_remove(name);
        }
    };
    let entry = format!("/models/providers/{}", fixture.id());
    added(&mut after, "/agents/defaults/models", &fixture.default_reference());
    added(&mut after, &entry, "api");
    let mut expected = before;
    for config in [&mut after, &mut expected] {
        added(config, &entry, "models");
    }
    for (section, expected) in expected.as_object().into_iter().flatten() {
        equal(&format!("the section `{section}`"), at(&after, &[section]), expected.clone())?;
    }
    equal("the configuration", after, expected)
}

async fn unmergeable(fixture: &Fixture) -> Verdict {
    for config in [
        json!({"models": "not an object"}),
        fixture.config(json!("not an object")),
        fixture.config(json!({"models": {"not": "a list"}})),
        json!({"agents": {"defaults": {"models": 7}}}),
    ] {
        let what = format!("merging with {config}");
        refused_as(&what, fixture.plugin.apply_config(&config, &no_choices()).await, ErrorKind::InvalidConfig)?;
    }
    Ok(())
}

async fn chosen_base_url(fixture: &Fixture) -> Verdict {
    let choices = Choices { base_url: Some("  http://127.0.0.1:9999/v1// ".into()), ..no_choices() };
    for entry in [json!({}), json!({"baseUrl": "http://127.0.0.1:8787/v1"})] {
        let merged = fixture.plugin.apply_provider_config(&fixture.config(entry), &choices).await?;
        equal("baseUrl", fixture.own(&merged, "baseUrl"), "http://127.0.0.1:9999/v1")?;
    }
    Ok(())
}

/// Fails unless a call with `setup` brings this key to a gateway.
async fn arrives(fixture: &Fixture, what: &str, setup: Setup, key: &str) -> Verdict {
    let credential = fixture.credential()?;
    let gateway = host_harness_stub::Stub::start(host_harness_stub::Options::default()).await?;
    let provider = Provider::connect(&fixture.plugin, setup.base_url(gateway.base_url())).await;
    let provider = provider.map_err(|error| Flaw::Failed(format!("{what}: expected a connection, got: {error}")))?;
    provider.models().await?;
    let request = gateway.requests().into_iter().next();
    let got = request.as_ref().and_then(|request| request.header(&credential.header));
    equal(&format!("{what}: the header {}", credential.header), got, Fixture::header_value(credential, key))
}

async fn key_sources(fixture: &Fixture) -> Verdict {
    let credential = fixture.credential()?;
    let key = format!("{KEY}-found");
    let own = |api_key: Value| fixture.config(json!({"apiKey": api_key}));
    let elsewhere = [("OPENCLAW_CHECK_KEY", key.as_str())];
    let given = fixture.setup_without_key(json!({}), &[]).secret(&credential.id, key.clone());
    arrives(fixture, "given", given, &key).await?;
    for variable in &credential.env_vars {
        let setup = fixture.setup_without_key(json!({}), &[(variable, &key)]);
        arrives(fixture, &format!("environment variable {variable}"), setup, &key).await?;
        let setup = fixture.setup_without_key(json!({"env": {variable: key}}), &[]);
        arrives(fixture, &format!("env.{variable} of the configuration"), setup, &key).await?;
    }
    for (what, config) in [
        ("apiKey, literally", own(json!(format!(" {key} ")))),
        ("apiKey, as a reference", own(json!("${OPENCLAW_CHECK_KEY}"))),
        (
            "apiKey, as a reference object",
            own(json!({"source": "env", "provider": "default", "id": "OPENCLAW_CHECK_KEY"})),
        ),
    ] {
        arrives(fixture, what, fixture.setup_without_key(config, &elsewhere), &key).await?;
    }
    Ok(())
}

async fn key_precedence(fixture: &Fixture) -> Verdict {
    let credential = fixture.credential()?;
    let [given, environment, configured] = ["given", "environment", "configured"].map(|end| format!("{KEY}-{end}"));
    let config = || fixture.config(json!({"apiKey": configured}));
    let variables: Vec<(&str, &str)> =
        credential.env_vars.first().map(|variable| (variable.as_str(), environment.as_str())).into_iter().collect();
    let all = fixture.setup_without_key(config(), &variables).secret(&credential.id, given.clone());
    arrives(fixture, "given, environment and configuration", all, &given).await?;
    if !variables.is_empty() {
        let setup = fixture.setup_without_key(config(), &variables);
        arrives(fixture, "environment and configuration", setup, &environment).await?;
    }
    Ok(())
}

async fn no_key(fixture: &Fixture) -> Verdict {
    let credential = fixture.credential()?;
    if !credential.required {
        return Err(Flaw::NotApplicable(format!("the credential `{}` is not required", credential.id)));
    }
    let gateway = fixture.gateway().await?;
    for (what, entry) in [
        ("no apiKey", json!({})),
        ("a blank apiKey", json!({"apiKey": " "})),
        ("a reference to nothing", json!({"apiKey": "${OPENCLAW_CHECK_UNSET}"})),
    ] {
        let setup = fixture.setup_without_key(fixture.config(entry), &[]).base_url(gateway.base_url());
        refused_as(what, Provider::connect(&fixture.plugin, setup).await, ErrorKind::MissingCredential)?;
    }
    no_request(&gateway)
}

async fn idempotent(fixture: &Fixture) -> Verdict {
    let choices = Choices {
        base_url: Some("http://127.0.0.1:9999/v1/".into()),
        model: Some("chosen-model".into()),
        api_key_reference: Some("${OPENCLAW_CHECK_KEY}".into()),
    };
    for config in [json!({}), lived_in(fixture), fixture.config(json!({"models": [{"id": "m"}, {"id": "m"}]}))] {
        for choices in [&no_choices(), &choices] {
            let once = fixture.plugin.apply_config(&config, choices).await?;
            equal("the same merge again", fixture.plugin.apply_config(&config, choices).await?, once.clone())?;
            equal("apply-config of its result", fixture.plugin.apply_config(&once, choices).await?, once.clone())?;
            let after = fixture.plugin.apply_provider_config(&once, choices).await?;
            equal("apply-provider-config of the result", after, once)?;
        }
    }
    Ok(())
}
