//! Resolves a model name in OpenClaw's configuration: `provider/model` in any letter case and with spaces, an alias, or
//! either with a `@profile` at its end.

use serde_json::{Map, Value};

use super::environment::{Environment, resolve};
use crate::{
    error::{Error, Result},
    wit::{chat::Prompt, onboarding::Descriptor},
};

/// A model as the configuration names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelRef {
    /// In lower case.
    pub provider: String,
    /// As the provider knows it.
    pub model: String,
    /// The `@profile` of OpenClaw's own credentials behind it, which is OpenClaw's to know.
    pub profile: Option<String>,
}

/// The model that the configuration makes the default one, whatever its provider: `agents.defaults.model`, else the first
/// of the first provider that lists any. `None` where it names none.
///
/// # Errors
/// Where it refers to a variable that is not set.
pub fn primary_model(config: &Value, environment: &Environment) -> Result<Option<ModelRef>> {
    if let Some(default) = default_model(config, environment)? {
        return Ok(default);
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
    /// Whether `agents.defaults.model` names a model, and none of this provider's.
    pub is_beside_default: bool,
}

/// What chooses a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ModelSource {
    /// `agents.defaults.model` of the configuration.
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
/// Where the configuration refers to a variable that is not set, or the default model is neither a text nor an object.
pub fn chosen_model(config: &Value, environment: &Environment, descriptor: &Descriptor) -> Result<ChosenModel> {
    let wrong = |path| Error::at(path, "must be a text, such as `provider/model`").hint("OpenClaw refuses it too.");
    let is_text = |value: Option<&Value>| value.is_none_or(|value| value.is_null() || value.is_string());
    match config.pointer("/agents/defaults/model") {
        Some(Value::Object(model)) if is_text(model.get("primary")) => {}
        Some(Value::Object(_)) => return Err(wrong("agents.defaults.model.primary")),
        chosen if is_text(chosen) => {}
        _ => return Err(wrong("agents.defaults.model")),
    }
    let default = default_model(config, environment)?;
    let is_beside_default = match default {
        Some(Some(ModelRef { provider, model, .. })) if provider.eq_ignore_ascii_case(&descriptor.id) => {
            return Ok(ChosenModel { id: model, source: ModelSource::AgentsDefault, is_beside_default: false });
        }
        default => default.is_some(),
    };
    let listed = boundary::view::models(config, &descriptor.id).into_iter().find_map(id_of);
    let (id, source) = match listed {
        Some(id) => (id.to_owned(), ModelSource::FirstListed),
        None => (descriptor.default_model.id.clone(), ModelSource::ProviderDefault),
    };
    Ok(ChosenModel { id, source, is_beside_default })
}

/// What `agents.defaults.model` names; the inner `None` for a name without a provider that is no alias.
fn default_model(config: &Value, environment: &Environment) -> Result<Option<Option<ModelRef>>> {
    let chosen = config.pointer("/agents/defaults/model");
    let primary = chosen.and_then(|model| model.as_str().or_else(|| model.get("primary")?.as_str()));
    let Some(primary) = primary.map(str::trim).filter(|primary| !primary.is_empty()) else { return Ok(None) };
    let resolved = resolve(primary, environment, config)?;
    Ok(Some(named_model(config, secrecy::ExposeSecret::expose_secret(&resolved))))
}

/// The id of a row of `models[]`.
fn id_of(model: &Value) -> Option<&str> {
    model.get("id")?.as_str().map(str::trim).filter(|id| !id.is_empty())
}

/// The model that `name` means. `None` for a name without a provider that is no alias.
pub fn named_model(config: &Value, name: &str) -> Option<ModelRef> {
    let (name, profile) = split_profile(name.trim());
    let with_profile = |found| ModelRef { profile: profile.map(str::to_owned), ..found };
    let aliased = |name: &str, provider: Option<&str>| {
        let models = config.pointer("/agents/defaults/models").and_then(Value::as_object)?;
        // Of several of one alias the last counts.
        models.iter().rev().find_map(|(reference, entry)| {
            let alias = entry.get("alias")?.as_str()?.trim();
            let found = split(reference)?;
            let is_of = provider.is_none_or(|provider| provider.trim().eq_ignore_ascii_case(&found.provider));
            (is_of && !alias.is_empty() && alias.eq_ignore_ascii_case(name)).then_some(found)
        })
    };
    if let Some(found) = aliased(name, None) {
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

/// What `agents.defaults` says of requests to a model: its `params`, and over them those of the model.
pub fn model_params(config: &Value, provider: &str, model: &str) -> Map<String, Value> {
    let defaults = config.pointer("/agents/defaults");
    let of_all = defaults.and_then(|defaults| defaults.get("params")?.as_object());
    let models = defaults.and_then(|defaults| defaults.get("models")?.as_object());
    let is_it = |reference: &str| {
        split(reference).is_some_and(|found| found.provider.eq_ignore_ascii_case(provider) && found.model == model)
    };
    let own = models.into_iter().flatten().find(|(reference, _)| is_it(reference));
    let own = own.and_then(|(_, entry)| entry.get("params")?.as_object());
    let pairs = of_all.into_iter().chain(own).flatten();
    pairs.map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// `prompt` with `params` in it, and the names of those that are left to OpenClaw. What the prompt says itself stays.
pub fn with_params(mut prompt: Prompt, params: &Map<String, Value>) -> (Prompt, Vec<String>) {
    let mut left = Vec::new();
    let mut body = Map::new();
    for (name, value) in params {
        match &**name {
            "temperature" => prompt.temperature = prompt.temperature.or(value.as_f64().map(narrow)),
            "topP" | "top_p" => prompt.top_p = prompt.top_p.or(value.as_f64().map(narrow)),
            "maxTokens" | "max_tokens" | "maxCompletionTokens" | "max_completion_tokens" => {
                let most = value.as_u64().and_then(|most| u32::try_from(most).ok());
                prompt.max_output_tokens = prompt.max_output_tokens.or(most);
            }
            "seed" => prompt.seed = prompt.seed.or(value.as_i64()),
            "stop" if prompt.stop.is_empty() => {
                let one = value.as_str().map(|stop| vec![stop.to_owned()]);
                let all = || Some(value.as_array()?.iter().filter_map(Value::as_str).map(str::to_owned).collect());
                prompt.stop = one.or_else(all).unwrap_or_default();
            }
            "parallelToolCalls" | "parallel_tool_calls" => {
                prompt.parallel_tool_calls = prompt.parallel_tool_calls.or(value.as_bool());
            }
            "extra_body" | "extraBody" => {
                if let Some(fields) = value.as_object() {
                    body.extend(fields.iter().map(|(name, value)| (name.clone(), value.clone())));
                }
            }
            _ => left.push(name.clone()),
        }
    }
    if !body.is_empty() && prompt.extra_json.is_none() {
        prompt.extra_json = Some(Value::Object(body).to_string());
    }
    (prompt, left)
}

#[allow(clippy::cast_possible_truncation, reason = "settings of a model have a few digits")]
fn narrow(number: f64) -> f32 {
    number as f32
}

fn split(reference: &str) -> Option<ModelRef> {
    let (provider, model) = reference.trim().split_once('/')?;
    let (provider, model) = (provider.trim().to_lowercase(), model.trim().to_owned());
    (!provider.is_empty() && !model.is_empty()).then_some(ModelRef { provider, model, profile: None })
}

/// `provider/model@profile` as two. A date or a quantization behind an `@` is part of the model's name.
fn split_profile(name: &str) -> (&str, Option<&str>) {
    let from = name.rfind('/').map_or(0, |slash| slash + 1);
    let at = |from: usize| name.get(from..).and_then(|rest| rest.find('@')).map(|at| at + from);
    let Some(mut sign) = at(from).filter(|&sign| sign > 0) else { return (name, None) };
    for is_version in [is_date, is_quantization] {
        let suffix = name.get(sign + 1..).unwrap_or_default();
        if is_version(suffix.split('@').next().unwrap_or_default()) {
            match at(sign + 1) {
                Some(next) => sign = next,
                None => return (name, None),
            }
        }
    }
    let (model, profile) =
        (name.get(..sign).unwrap_or_default().trim(), name.get(sign + 1..).unwrap_or_default().trim());
    // A provider's slug begins with the same sign: `portkey/@openai` is a model of that name.
    if model.is_empty() || profile.is_empty() || model.ends_with('/') { (name, None) } else { (model, Some(profile)) }
}

fn is_date(suffix: &str) -> bool {
    suffix.len() == 8 && suffix.bytes().all(|byte| byte.is_ascii_digit())
}

/// `q4_k_m`, `iq3_xxs`, `8bit`.
fn is_quantization(suffix: &str) -> bool {
    let suffix = suffix.to_ascii_lowercase();
    if let Some(bits) = suffix.strip_suffix("bit") {
        return !bits.is_empty() && bits.bytes().all(|byte| byte.is_ascii_digit());
    }
    let Some(rest) = suffix.strip_prefix('i').unwrap_or(&suffix).strip_prefix('q') else { return false };
    let mut parts = rest.split('_');
    parts.next().is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))
        && parts.all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::credentials::tests::descriptor;
    use super::*;

    /// Each was held against OpenClaw 2026.9.6.
    #[test]
    fn a_name_means_what_it_means_in_openclaw() {
        let config = json!({
            "models": {"providers": {"Portkey": {"models": [{"id": "listed"}]}}},
            "agents": {"defaults": {"models": {
                "portkey/@openai/gpt-5": {"alias": "Smart"}, "PortKey / m ": {"alias": "two words"},
                "portkey/x": {"alias": "listed"}, "openai/gpt": {"alias": "other"}, "portkey/none": {}}}},
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
            ("portkey/@slug", Some("@slug")),
            ("smart", Some("@openai/gpt-5")),
            ("SMART@work", Some("@openai/gpt-5")),
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
        let environment = Environment::from_fn(|name| (name == "M").then(|| "m".to_owned()));
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
        let is = |id: &str, source, is_beside_default| Ok(ChosenModel { id: id.into(), source, is_beside_default });
        let listed = || json!([{"id": " first "}, {"id": "second"}]);
        assert_eq!(chosen(json!("acme/second"), listed()), is("second", AgentsDefault, false));
        assert_eq!(chosen(json!("acme/third"), listed()), is("third", AgentsDefault, false));
        let default = descriptor().default_model.id;
        for (other, is_beside) in [
            (json!("openai/gpt-5"), true),
            (json!("second"), true),
            (json!("acme/"), true),
            (json!("/second"), true),
            // What names no model is no choice.
            (json!(" "), false),
            (json!({"primary": "", "fallbacks": []}), false),
            (Value::Null, false),
        ] {
            assert_eq!(chosen(other.clone(), listed()), is("first", FirstListed, is_beside), "{other}");
            assert_eq!(chosen(other.clone(), json!([{"id": " "}, "x", {"id": "n"}])), is("n", FirstListed, is_beside));
            assert_eq!(chosen(other, json!([])), is(&default, ProviderDefault, is_beside));
        }
        for (model, path) in
            [(json!(5), "`agents.defaults.model`"), (json!({"primary": 5}), "agents.defaults.model.primary")]
        {
            assert!(chosen(model, listed()).unwrap_err().contains(path));
        }
    }

    #[test]
    fn the_models_own_params_go_over_those_of_all() {
        let config = json!({"agents": {"defaults": {"params": {"temperature": 1, "topP": 0.5},
            "models": {"Portkey/m": {"params": {"temperature": 0}}, "portkey/n": {}}}}});
        assert_eq!(Value::from(model_params(&config, "portkey", "m")), json!({"temperature": 0, "topP": 0.5}));
        assert_eq!(Value::from(model_params(&config, "portkey", "n")), json!({"temperature": 1, "topP": 0.5}));
        let params = json!({"temperature": 0.5, "topP": 1, "maxTokens": 7, "seed": 3, "stop": ["a"], "extra_body": {"x": 1}, "fastMode": true});
        let asked = Prompt { max_output_tokens: Some(9), ..Prompt::new("m", []) };
        let (request, left) = with_params(asked, params.as_object().unwrap());
        assert_eq!((request.temperature, request.top_p, request.max_output_tokens), (Some(0.5), Some(1.0), Some(9)));
        assert_eq!(
            (request.seed, &*request.stop, request.extra_json.as_deref()),
            (Some(3), &["a".to_owned()][..], Some("{\"x\":1}"))
        );
        assert_eq!(left, ["fastMode"]);
    }
}
