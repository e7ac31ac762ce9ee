//! The options of the configuration that the passes need, as they travel in `connection.options-json`.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::bindings::exports::openclaw::provider::chat::PromptCache;
use crate::bindings::exports::openclaw::provider::onboarding::{Finding, Severity};
use crate::config;
use crate::json::{Json, Object};
use crate::model_traits::{self, Protocol};

/// The plugin's options that do not become headers. `attribution` is for the host: whether the ids of an agent's call
/// are sent.
pub(crate) const NAMES: [&str; 4] = ["promptCache", "modelFamilies", "protocol", "attribution"];

/// The settings of all models.
#[derive(Debug, Default)]
pub(crate) struct Options<'a> {
    pub(crate) prompt_cache: Option<PromptCache>,
    /// Of all models, whatever is known of them.
    pub(crate) protocol: Option<Protocol>,
    /// Ids that say nothing, and the model behind each.
    families: Object<'a>,
    models: Vec<Object<'a>>,
    /// Of models that name none.
    pub(crate) max_tokens: Option<u32>,
}

/// The settings of one model, as OpenClaw's `models[]` and `models[].compat` have them.
#[derive(Debug, Default)]
pub(crate) struct Model<'a> {
    pub(crate) max_tokens: Option<u32>,
    pub(crate) limit_field: Option<Cow<'a, str>>,
    pub(crate) cache_format: Option<Cow<'a, str>>,
    pub(crate) supports_effort: Option<bool>,
    pub(crate) supports_tools: Option<bool>,
    pub(crate) supports_temperature: Option<bool>,
}

/// What `resolve-connection` makes of the provider's entry and the plugin's options.
pub(crate) fn shown(provider: &Object<'_>, options: &Object<'_>, findings: &mut Vec<Finding>) -> String {
    let mut shown = Object::default();
    let mut wrong = |name: &str, message: &str| {
        findings.push(config::finding(Severity::Error, &format!("{}.{name}", config::OPTIONS), message));
    };
    match options.get("promptCache") {
        Some(word) if word.string().is_none_or(|word| prompt_cache(&word).is_none()) => {
            wrong("promptCache", "This option must be none, short or long.");
        }
        word => shown.set_some("promptCache", word.cloned()),
    }
    match options.get("protocol") {
        Some(word) if protocol(word).is_none() => wrong("protocol", "This option must be chat or responses."),
        word => shown.set_some("protocol", word.cloned()),
    }
    if options.get("attribution").is_some_and(|is_on| is_on.bool().is_none()) {
        wrong("attribution", "This option must be true or false.");
    }
    if let Some(families) = options.get("modelFamilies") {
        for (id, model) in families.members().iter() {
            if model.string().and_then(|model| model_traits::of(&model)).is_none() {
                let message =
                    format!("{id} must stand for the id of a model that is known, such as claude-sonnet-4-5.");
                wrong("modelFamilies", &message);
            }
        }
        if !families.is_object() {
            wrong("modelFamilies", "This option must be an object of model ids.");
        }
        shown.set("modelFamilies", families.clone());
    }
    shown.set_some("maxTokens", provider.get("maxTokens").cloned());
    let entries = provider.list("models");
    let told = entries.iter().filter_map(|entry| {
        let (id, entry) = (config::model_id(entry)?, entry.object()?);
        let mut told = Object::default();
        for name in ["maxTokens", "compat"] {
            told.set_some(name, entry.get(name).cloned());
        }
        if told.is_empty() {
            return None;
        }
        told.set("id", id);
        Some(told.into())
    });
    let told: Vec<Json<'_>> = told.collect();
    if !told.is_empty() {
        shown.set("models", told);
    }
    shown.to_json()
}

impl<'a> Options<'a> {
    /// Reads them. A value that cannot be read is left out, because `lint` has reported it.
    pub(crate) fn read(json: &'a str) -> Self {
        let Some(mut root) = Object::parse_opening(json, &["models", "compat"]) else { return Self::default() };
        Self {
            prompt_cache: root.get("promptCache").and_then(Json::string).and_then(|word| prompt_cache(&word)),
            protocol: root.get("protocol").and_then(protocol),
            families: root.take_object("modelFamilies"),
            max_tokens: limit(&root),
            models: root
                .take("models")
                .and_then(Json::into_list)
                .map(|models| models.into_iter().filter_map(Json::into_object).collect())
                .unwrap_or_default(),
        }
    }

    /// The model that the user names for this id.
    pub(crate) fn family(&self, id: &str) -> Option<Cow<'a, str>> {
        self.families.get(id).and_then(Json::string)
    }

    pub(crate) fn of_model(&self, id: &str) -> Model<'a> {
        let is_this = |model: &&Object<'_>| model.text("id") == id.trim();
        let Some(model) = self.models.iter().find(is_this) else { return Model::default() };
        let compat = model.object("compat");
        let text = |name| compat.get(name).and_then(Json::string);
        let flag = |name| compat.get(name).and_then(Json::bool);
        Model {
            max_tokens: limit(model),
            limit_field: text("maxTokensField"),
            cache_format: text("cacheControlFormat"),
            supports_effort: flag("supportsReasoningEffort"),
            supports_tools: flag("supportsTools"),
            supports_temperature: flag("supportsTemperature"),
        }
    }
}

/// A value of the option `promptCache`.
pub(crate) fn prompt_cache(word: &str) -> Option<PromptCache> {
    match word {
        "none" => Some(PromptCache::None),
        "short" => Some(PromptCache::Short),
        "long" => Some(PromptCache::Long),
        _ => None,
    }
}

fn protocol(word: &Json<'_>) -> Option<Protocol> {
    match &*word.string()? {
        "chat" => Some(Protocol::Chat),
        "responses" => Some(Protocol::Responses),
        _ => None,
    }
}

fn limit(object: &Object<'_>) -> Option<u32> {
    u32::try_from(object.get("maxTokens")?.whole()?).ok().filter(|&limit| limit > 0)
}
