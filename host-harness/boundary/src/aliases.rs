//! Aliases of models: an alias that a plugin gives one of its models must not be a name of another. `aliases.js` in
//! `openclaw/src` is the same for OpenClaw.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::{
    excerpt::{model_id, trimmed},
    merge_check::is_filled,
    model_name::split_profile,
};

/// Whether a model's name, `provider/model`, begins with this provider.
pub(crate) fn is_of_provider(name: &str, id: &str) -> bool {
    name.split_once('/').is_some_and(|(provider, _)| trimmed(provider).eq_ignore_ascii_case(id))
}

/// The models that a configuration names, and the aliases of those that have one: those of all agents and of each, their
/// default models and fallbacks, and those that the providers list. An agent may have moved an alias among the models of
/// this provider: those of single agents do not count.
fn known_models<'a>(config: &'a Value, id: &str) -> Vec<(String, Option<&'a str>)> {
    let members = |path: &str| config.pointer(path).and_then(Value::as_object).into_iter().flatten();
    let list = config.pointer("/agents/list").and_then(Value::as_array).into_iter().flatten();
    let agents = list.chain(members("/agents/entries").map(|(_, agent)| agent));
    let defaults = config.pointer("/agents/defaults").into_iter().map(|agent| (agent, true));
    let mut known = Vec::new();
    for (agent, is_default) in defaults.chain(agents.map(|agent| (agent, false))) {
        let counts = |name: &str| is_default || !is_of_provider(name, id);
        let models = agent.get("models").and_then(Value::as_object).into_iter().flatten();
        let models = models.filter(|(name, _)| counts(name));
        known.extend(models.map(|(name, model)| (canonical(name), model.get("alias").and_then(Value::as_str))));
        let model = agent.get("model").unwrap_or(&Value::Null);
        let fallbacks = model.get("fallbacks").and_then(Value::as_array).into_iter().flatten();
        let named = [Some(model), model.get("primary")].into_iter().flatten().chain(fallbacks);
        let named = named.filter_map(Value::as_str).filter(|name| counts(name));
        known.extend(named.map(|name| (canonical(name), None)));
    }
    for (provider, entry) in members("/models/providers") {
        // Once: there may be any number of spaces, and of models.
        let provider = trimmed(provider);
        let listed = entry.get("models").and_then(Value::as_array).into_iter().flatten();
        let ids = listed.filter_map(|model| model.get("id")?.as_str());
        known.extend(ids.map(|model| (canonical(&format!("{provider}/{model}")), None)));
    }
    known
}

/// One spelling for the name of a model.
fn canonical(reference: &str) -> String {
    match reference.split_once('/') {
        Some((provider, model)) => format!("{}/{}", trimmed(provider).to_lowercase(), trimmed(model)),
        None => trimmed(reference).to_owned(),
    }
}

/// All that a model goes by without an alias, in lower case.
fn names_of(reference: &str) -> [String; 3] {
    let (_, model) = reference.split_once('/').unwrap_or(("", reference));
    let last = reference.rsplit('/').next().unwrap_or_default();
    [reference, model, last].map(str::to_lowercase)
}

/// Takes out each alias that a plugin gave one of its models in `merged`, and that another model goes by in what the plugin
/// was not shown: without it, nothing changes for that model.
pub fn leave_out_taken_aliases(config: &Value, merged: &mut Value, id: &str) {
    let names = Names::of(merged, id);
    let had = config.pointer("/agents/defaults/models");
    let models = merged.pointer_mut("/agents/defaults/models").and_then(Value::as_object_mut);
    for (name, model) in models.into_iter().flatten().filter(|(name, _)| is_of_provider(name, id)) {
        let has_one = had.and_then(|had| had.get(name)?.get("alias")).is_some_and(is_filled);
        let is_taken = |alias: &Value| alias.as_str().is_some_and(|alias| !names.are_only(alias, name));
        if !has_one && model.get("alias").is_some_and(is_taken) {
            model.as_object_mut().map(|model| model.shift_remove("alias"));
        }
    }
}

/// The models that go by a name, in lower case.
pub(crate) struct Names(BTreeMap<String, BTreeSet<String>>);

impl Names {
    pub(crate) fn of(config: &Value, id: &str) -> Self {
        let mut names: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (reference, alias) in known_models(config, id) {
            for name in names_of(&reference).into_iter().chain(alias.map(named)) {
                names.entry(name).or_default().insert(reference.clone());
            }
        }
        Self(names)
    }

    /// Whether no other model than `reference`, whose alias it is, goes by `alias`. What reads as the name of another model is
    /// none, wherever that may be named.
    pub(crate) fn are_only(&self, alias: &str, reference: &str) -> bool {
        self.0.get(&named(alias)).is_some_and(|models| models.len() == 1)
            && (!alias.contains('/') || names_of(&canonical(reference)).contains(&named(alias)))
    }
}

/// The names that say no provider, which a new model of this provider would change the meaning of: those of models, and
/// aliases, each with the model that it means where that is this provider's.
pub(crate) struct Taken(BTreeMap<String, Option<String>>);

impl Taken {
    pub(crate) fn of(config: &Value, id: &str) -> Self {
        let mut all = BTreeMap::new();
        for (reference, alias) in known_models(config, id) {
            if !reference.contains('/') {
                all.insert(named(split_profile(&reference).0), None);
            }
            if let Some(alias) = alias.filter(|alias| !alias.contains('/')) {
                let own = reference.split_once('/').filter(|_| is_of_provider(&reference, id));
                all.entry(named(alias)).or_insert_with(|| own.map(|(_, model)| named(model_id(model, id))));
            }
        }
        Self(all)
    }

    /// Whether this model of the provider goes by what means another one.
    pub(crate) fn mean_another(&self, model: &str) -> bool {
        self.0.get(&named(model)).is_some_and(|own| own.as_ref() != Some(&named(model)))
    }
}

fn named(text: &str) -> String {
    trimmed(text).to_lowercase()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// OpenClaw's adapter reads the same file.
    #[test]
    fn an_alias_that_another_model_goes_by_is_left_out() {
        let fixture: Value =
            serde_json::from_str(include_str!("../../../tests/fixtures/boundary/aliases.json")).unwrap();
        let (id, model) = (fixture["id"].as_str().unwrap(), fixture["model"].as_str().unwrap());
        for case in fixture["cases"].as_array().unwrap() {
            let config = &case["config"];
            let mut expected = config.clone();
            let models = ["agents", "defaults", "models"].into_iter().fold(&mut expected, |value, step| {
                if value.get(step).is_none() {
                    value[step] = json!({});
                }
                &mut value[step]
            });
            models[model] = json!({"params": {"seed": 1}});
            let mut merged = expected.clone();
            merged["agents"]["defaults"]["models"][model]["alias"] = fixture["alias"].clone();
            if case["kept"] == true {
                expected = merged.clone();
            }
            leave_out_taken_aliases(config, &mut merged, id);
            assert_eq!(merged, expected, "{case}");
        }
    }
}
