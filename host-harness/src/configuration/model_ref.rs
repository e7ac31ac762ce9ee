//! Resolves a model name in OpenClaw's configuration: `provider/model` in any letter case and with spaces, an alias, or
//! either with a `@profile` at its end.

use std::collections::HashSet;

use boundary::{model_name::split_profile, references::references};
use serde_json::Value;

use super::{
    agent::sole_agent,
    credentials::KeyNames,
    environment::{Environment, References},
};
use crate::{
    error::{Error, Result},
    wit::onboarding::Descriptor,
};

/// A model as the configuration names it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ModelRef {
    /// In lower case.
    pub provider: String,
    /// As the provider knows it.
    pub model: String,
    /// The `@profile` of OpenClaw's own credentials behind it, which is OpenClaw's to know.
    pub profile: Option<String>,
}

/// The model that the configuration makes the default one, whatever its provider: the only agent's own `model`, else
/// `agents.defaults.model`, else the first of the first provider that lists any. `None` where it names none.
///
/// # Errors
/// Where it refers to a variable that is not set.
pub fn primary_model(config: &Value, environment: &Environment) -> Result<Option<ModelRef>> {
    if let Some((_, model)) = default_model(config, environment)? {
        return Ok(model);
    }
    let first = |(provider, entry): (&String, &Value)| {
        let model = id_of(entry.get("models")?.as_array()?.first()?)?;
        Some(ModelRef { provider: provider.trim().to_lowercase(), model: model.to_owned(), profile: None })
    };
    Ok(config.pointer("/models/providers").and_then(Value::as_object).and_then(|all| all.iter().find_map(first)))
}

/// The model of one provider that the configuration chooses.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChosenModel {
    /// As the provider knows it.
    pub id: String,
    /// What chose it.
    pub source: ModelSource,
    /// Where the configuration names a default model, unless it is another provider's: `agents.defaults.model`, or the only
    /// agent's own, such as `agents.entries.main.model`.
    pub named_at: Option<String>,
}

impl ChosenModel {
    /// Where the configuration names a default model without a provider, which is none of this one's. Another provider's may
    /// be meant.
    pub fn beside_default(&self) -> Option<&str> {
        self.named_at.as_deref().filter(|_| self.source != ModelSource::AgentsDefault)
    }
}

/// What chooses a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ModelSource {
    /// The default model of the configuration: [`ChosenModel::named_at`] says where.
    AgentsDefault,
    /// It is the first that the provider's entry lists.
    FirstListed,
    /// It is the provider's own default.
    ProviderDefault,
}

/// The model of this provider that the configuration chooses: the default one of all, if it is the provider's own; else the
/// first of those that the provider's entry lists, else the provider's own default.
///
/// # Errors
/// Where the configuration refers to a variable that is not set, or to the key, or the default model is neither a text nor an
/// object.
pub fn chosen_model(config: &Value, environment: &Environment, descriptor: &Descriptor) -> Result<ChosenModel> {
    if let Some(DefaultName { path, name, .. }) = default_name(config)?
        && let Some(key) = KeyNames::new(descriptor, References::new(environment, config)).among(&references(name))
    {
        return Err(Error::at(&path, format!("refers to {key}, and the key is no part of a model's name")));
    }
    let named_at = match default_model(config, environment)? {
        Some((named, Some(model))) if model.provider.eq_ignore_ascii_case(&descriptor.id) => {
            return Ok(ChosenModel { id: model.model, source: ModelSource::AgentsDefault, named_at: Some(named.path) });
        }
        Some((named, None)) => Some(named.path),
        _ => None,
    };
    let listed = boundary::excerpt::models(config, &descriptor.id).into_iter().find_map(id_of);
    let (id, source) = match listed {
        Some(id) => (id.to_owned(), ModelSource::FirstListed),
        None => (descriptor.default_model.id.clone(), ModelSource::ProviderDefault),
    };
    Ok(ChosenModel { id, source, named_at })
}

/// Where the configuration names its default model, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DefaultName<'c> {
    /// `agents.defaults.model`, or the only agent's own, such as `agents.entries.main.model`.
    pub path: String,
    /// As it stands there: it may be an alias, or hold variables.
    pub name: &'c str,
    /// Whether it is the only agent's own, which goes over that of `agents.defaults`.
    pub is_agents_own: bool,
}

/// The model that the only agent names, else that of `agents.defaults`.
///
/// # Errors
/// Where either is neither a text nor an object.
pub fn default_name(config: &Value) -> Result<Option<DefaultName<'_>>> {
    let mut named = None;
    for (path, model, is_agents_own) in default_models(config) {
        let name = primary_of(&path, model)?;
        // The first that names one counts, but none may be what OpenClaw would refuse.
        if named.is_none() {
            named = name.map(|name| DefaultName { path, name, is_agents_own });
        }
    }
    Ok(named)
}

/// Where the configuration names models to turn to when the default one fails, which is left to OpenClaw.
pub fn fallbacks(config: &Value) -> Vec<String> {
    let are_there = |model: &Value| model.get("fallbacks").and_then(Value::as_array).is_some_and(|all| !all.is_empty());
    let with_some = default_models(config).filter(|(_, model, _)| are_there(model));
    with_some.map(|(path, ..)| format!("{path}.fallbacks")).collect()
}

/// The only agent's own `model`, and then that of `agents.defaults`: where it stands, and whether it is the agent's.
fn default_models(config: &Value) -> impl Iterator<Item = (String, &Value, bool)> {
    let own =
        sole_agent(config).and_then(|agent| Some((format!("{}.model", agent.path), agent.entry.get("model")?, true)));
    let of_all =
        config.pointer("/agents/defaults/model").map(|model| ("agents.defaults.model".to_owned(), model, false));
    own.into_iter().chain(of_all)
}

/// The default model. `None` beside its name where that has no provider and is no alias.
fn default_model<'c>(
    config: &'c Value,
    environment: &Environment,
) -> Result<Option<(DefaultName<'c>, Option<ModelRef>)>> {
    let Some(named) = default_name(config)? else { return Ok(None) };
    let resolved = References::new(environment, config).resolve(named.name);
    let resolved = resolved.map_err(|error| error.placed_at(&named.path))?;
    let model = named_model(config, secrecy::ExposeSecret::expose_secret(&resolved));
    Ok(Some((named, model)))
}

/// The name in the `model` of one agent, or of all: a text, or the `primary` of an object. `None` where it is blank.
fn primary_of<'c>(path: &str, model: &'c Value) -> Result<Option<&'c str>> {
    let (path, name) = match model {
        Value::Object(model) => (format!("{path}.primary"), model.get("primary")),
        other => (path.to_owned(), Some(other)),
    };
    let Some(name) = name else { return Ok(None) };
    match name {
        Value::String(name) => Ok(Some(name.trim()).filter(|name| !name.is_empty())),
        _ => Err(Error::at(&path, "must be a text, such as `provider/model`").hint("OpenClaw refuses it too.")),
    }
}

/// What the configuration says of models: of those of all agents, and then of the only agent's own.
fn configured_models(config: &Value) -> Vec<(&String, &Value)> {
    let of_all = config.pointer("/agents/defaults/models").and_then(Value::as_object);
    let own = sole_agent(config).and_then(|agent| agent.entry.get("models")?.as_object());
    of_all.into_iter().chain(own).flatten().collect()
}

/// The id of a row of `models[]`.
pub(super) fn id_of(model: &Value) -> Option<&str> {
    model.get("id")?.as_str().map(str::trim).filter(|id| !id.is_empty())
}

/// The model that `name` means. `None` for a name without a provider that is no alias.
fn named_model(config: &Value, name: &str) -> Option<ModelRef> {
    let whole = name.trim();
    let (name, profile) = split_profile(whole);
    let with_profile = |found| ModelRef { profile: profile.map(str::to_owned), ..found };
    let aliased = |name: &str, provider: Option<&str>| {
        let (mut known, wanted) = (HashSet::new(), name.to_lowercase());
        // Of several of one alias the last counts, and of several of one model.
        configured_models(config).into_iter().rev().find_map(|(reference, entry)| {
            let alias = entry.get("alias")?.as_str().unwrap_or_default().trim();
            let found = split(reference)?;
            if !known.insert(found.clone()) {
                return None;
            }
            let is_of = provider.is_none_or(|provider| provider.trim().eq_ignore_ascii_case(&found.provider));
            (is_of && !alias.is_empty() && alias.to_lowercase() == wanted).then_some(found)
        })
    };
    // An alias may hold an `@` of its own.
    if let Some(found) = aliased(whole, None) {
        return Some(found);
    }
    if profile.is_some()
        && let Some(found) = aliased(name, None)
    {
        return Some(with_profile(found));
    }
    let found = split(name)?;
    let is_listed = || {
        let entry = config.pointer("/models/providers")?.as_object()?.iter();
        let (_, entry) = entry.into_iter().find(|(id, _)| id.trim().eq_ignore_ascii_case(&found.provider))?;
        let models = entry.get("models")?.as_array()?;
        models.iter().find(|model| model.get("id").and_then(Value::as_str).map(str::trim) == Some(&*found.model))
    };
    let alias = if is_listed().is_some() { None } else { aliased(&found.model, Some(&found.provider)) };
    Some(with_profile(alias.unwrap_or(found)))
}

/// The provider's own model that `name` means, or `name` itself: ids of models may hold anything.
pub fn own_model(config: &Value, descriptor: &Descriptor, name: &str) -> String {
    match named_model(config, name) {
        Some(found) if found.provider.eq_ignore_ascii_case(&descriptor.id) => found.model,
        _ => name.trim().to_owned(),
    }
}

pub(super) fn split(reference: &str) -> Option<ModelRef> {
    let (provider, model) = reference.trim().split_once('/')?;
    let (provider, model) = (provider.trim().to_lowercase(), model.trim().to_owned());
    (!provider.is_empty() && !model.is_empty()).then_some(ModelRef { provider, model, profile: None })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::{credentials::tests::descriptor, model_params::model_params};
    use super::*;

    /// Each was held against OpenClaw 2026.9.6.
    #[test]
    fn a_name_means_what_it_means_in_openclaw() {
        let config = json!({
            "models": {"providers": {"Portkey": {"models": [{"id": "listed"}]}}},
            "agents": {"defaults": {"models": {
                "portkey/@openai/gpt-5": {"alias": "Smart"}, "PortKey / m ": {"alias": "two words"},
                "portkey/x": {"alias": "listed"}, "openai/gpt": {"alias": "other"}, "portkey/none": {},
                "portkey/at": {"alias": "a@b"}, "portkey/fast": {"alias": "быстро"}}}},
        });
        for (name, expected) in [
            ("portkey/@openai/gpt-5-mini", Some("@openai/gpt-5-mini")),
            ("Portkey/@openai/gpt-5-mini", Some("@openai/gpt-5-mini")),
            (" PORTKEY / @openai/gpt-5-mini ", Some("@openai/gpt-5-mini")),
            ("portkey/@openai/gpt-5@work", Some("@openai/gpt-5")),
            ("portkey/m@20250929", Some("m@20250929")),
            ("portkey/m@20250929@work", Some("m@20250929")),
            ("portkey/m@q4_k_m", Some("m@q4_k_m")),
            ("portkey/m@8bit@work", Some("m@8bit")),
            // A profile behind no model.
            ("portkey/@slug", None),
            ("smart", Some("@openai/gpt-5")),
            ("SMART@work", Some("@openai/gpt-5")),
            ("a@b", Some("at")),
            ("БЫСТРО", Some("fast")),
            ("Two Words", Some("m")),
            ("portkey/smart", Some("@openai/gpt-5")),
            ("portkey/two words", Some("m")),
            ("portkey/other", Some("other")),
            ("bare", None),
            ("/m", None),
            ("portkey/", None),
        ] {
            let found = named_model(&config, name);
            assert_eq!(found.as_ref().map(|found| &*found.model), expected, "{name:?}: {found:?}");
            assert!(found.is_none_or(|found| found.provider == "portkey"), "{name:?}");
        }
        assert_eq!(named_model(&config, "other").unwrap().provider, "openai");
    }

    #[test]
    fn the_primary_model_is_a_text_or_in_an_object_or_the_first_that_is_listed() {
        let environment = Environment::from_iter([("M", "m")]);
        let primary = |config: Value| {
            primary_model(&config, &environment).unwrap().map(|found| format!("{}/{}", found.provider, found.model))
        };
        let defaults = |model: Value| json!({"agents": {"defaults": {"model": model}}});
        assert_eq!(primary(defaults(json!("A/b"))).as_deref(), Some("a/b"));
        assert_eq!(primary(defaults(json!({"primary": " a/${M} ", "fallbacks": ["c/d"]}))).as_deref(), Some("a/m"));
        assert_eq!(primary(defaults(json!({"fallbacks": ["c/d"]}))), None);
        let listed =
            json!({"models": {"providers": {"x": {"models": []}, "Y": {"models": [{"id": "one"}, {"id": "two"}]}}}});
        assert_eq!(primary(listed).as_deref(), Some("y/one"));
        assert!(primary_model(&defaults(json!("a/${NO}")), &environment).is_err());
    }

    /// Not the provider's default, which nobody chose.
    #[test]
    fn the_providers_first_model_is_asked_where_the_default_one_is_not_its_own() {
        use ModelSource::{AgentsDefault, FirstListed, ProviderDefault};
        let chosen = |model: Value, models: Value| {
            let config = json!({"models": {"providers": {"Acme": {"models": models}}}, "agents": {"defaults": {"model": model}}});
            chosen_model(&config, &Environment::empty(), &descriptor()).map_err(|error| error.to_string())
        };
        let is = |id: &str, source, is_beside_default| {
            let is_named = is_beside_default || source == AgentsDefault;
            let named_at = is_named.then(|| "agents.defaults.model".to_owned());
            let chosen = ChosenModel { id: id.into(), source, named_at };
            assert_eq!(chosen.beside_default(), is_beside_default.then_some("agents.defaults.model"));
            Ok(chosen)
        };
        let listed = || json!([{"id": " first "}, {"id": "second"}]);
        assert_eq!(chosen(json!("acme/second"), listed()), is("second", AgentsDefault, false));
        assert_eq!(chosen(json!("acme/third"), listed()), is("third", AgentsDefault, false));
        let default = descriptor().default_model.id;
        for (other, is_beside) in [
            (json!("openai/gpt-5"), false),
            (json!("second"), true),
            (json!("acme/"), true),
            (json!("/second"), true),
            // What names no model is no choice.
            (json!(" "), false),
            (json!({"primary": "", "fallbacks": []}), false),
        ] {
            assert_eq!(chosen(other.clone(), listed()), is("first", FirstListed, is_beside), "{other}");
            assert_eq!(chosen(other.clone(), json!([{"id": " "}, "x", {"id": "n"}])), is("n", FirstListed, is_beside));
            assert_eq!(chosen(other, json!([])), is(&default, ProviderDefault, is_beside));
        }
        for (model, path) in [
            (json!(5), "`agents.defaults.model`"),
            (json!(null), "`agents.defaults.model`"),
            (json!({"primary": 5}), "agents.defaults.model.primary"),
            (json!({"primary": null}), "agents.defaults.model.primary"),
        ] {
            assert!(chosen(model, listed()).unwrap_err().contains(path));
        }
        // The key is sent to no server as a model's name, by its own variable or by another.
        for name in ["ACME_KEY", "BY_WAY"] {
            let environment = Environment::from_iter([("ACME_KEY", "k-secret-1")]);
            let config = json!({
                "env": {"BY_WAY": "${ACME_KEY}"},
                "agents": {"defaults": {"model": format!("acme/${{{name}}}")}}
            });
            let error = chosen_model(&config, &environment, &descriptor()).unwrap_err().to_string();
            assert!(error.contains(&format!("refers to {name}, and the key is no part")), "{error}");
        }
    }

    /// Each was compared with OpenClaw 2026.9.6.
    #[test]
    fn the_only_agents_own_settings_go_over_those_of_all() {
        let read = |agents: Value| {
            let config = json!({"models": {"providers": {"acme": {"models": [{"id": "listed"}]}}}, "agents": agents});
            let chosen = chosen_model(&config, &Environment::empty(), &descriptor());
            let params = Value::from(model_params(&config, "acme", "own"));
            chosen
                .map(|chosen| (chosen.id, chosen.named_at.unwrap_or_default(), params))
                .map_err(|error| error.to_string())
        };
        let all = || {
            json!({"model": "acme/all", "params": {"temperature": 1, "topP": 1, "seed": 1, "maxTokens": 1},
            "models": {"acme/own": {"alias": "mine", "params": {"topP": 2, "seed": 2, "maxTokens": 2}}, "acme/o": {"alias": "yours"}}})
        };
        let of_all = || json!({"temperature": 1, "topP": 2, "seed": 2, "maxTokens": 2});
        let agent = |model: Value| {
            json!({"id": "a", "model": model, "params": {"maxTokens": 4},
            "models": {"ACME/own": {"alias": "Ours", "params": {"seed": 3, "maxTokens": 3}}, "acme/o": {"alias": ""}}})
        };
        let own = || json!({"temperature": 1, "topP": 2, "seed": 3, "maxTokens": 4});
        let is = |id: &str, at: &str, params: Value| Ok((id.to_owned(), at.to_owned(), params));

        for model in [json!("acme/own"), json!({"primary": " acme/own ", "fallbacks": ["acme/x"]}), json!("ours")] {
            let agents = json!({"defaults": all(), "entries": {"main": agent(model.clone())}});
            assert_eq!(read(agents), is("own", "agents.entries.main.model", own()));
            let agents = json!({"defaults": all(), "list": [agent(model)]});
            assert_eq!(read(agents), is("own", "agents.list[0].model", own()));
        }
        // An alias that the agent gives its model, or takes away, goes over that of all.
        for gone in ["mine", "yours"] {
            let agents = json!({"defaults": all(), "entries": {"main": agent(gone.into())}});
            assert_eq!(read(agents), is("listed", "agents.entries.main.model", own()));
        }
        for none in [json!(" "), json!({"fallbacks": ["acme/x"]})] {
            let agents = json!({"defaults": all(), "entries": {"main": agent(none)}});
            assert_eq!(read(agents), is("all", "agents.defaults.model", own()));
        }
        // Its place is told as it stands, whatever is beside it.
        let agents = json!({"defaults": all(), "list": ["no agent", agent("acme/own".into())]});
        assert_eq!(read(agents), is("own", "agents.list[1].model", own()));
        // Of several only OpenClaw knows which is meant; and `list` is none beside `entries`.
        let two = json!({"defaults": all(), "entries": {"a": agent("acme/own".into()), "b": {}}});
        assert_eq!(read(two), is("all", "agents.defaults.model", of_all()));
        let both = json!({"defaults": all(), "entries": {}, "list": [agent("acme/own".into())]});
        assert_eq!(read(both), is("all", "agents.defaults.model", of_all()));
        for (model, path) in [(json!(5), "agents.entries.main.model"), (json!({"primary": 5}), "main.model.primary")] {
            let agents = json!({"defaults": all(), "entries": {"main": agent(model)}});
            assert!(read(agents).unwrap_err().contains(path));
        }
    }
}
