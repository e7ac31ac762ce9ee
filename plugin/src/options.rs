//! The options of the configuration that the passes of a request need, as they travel in `connection.options-json`.

use alloc::borrow::Cow;
use alloc::vec::Vec;

use crate::bindings::exports::openclaw::provider::chat::PromptCache;
use crate::json::{Json, Object};
use crate::model_traits::Protocol;

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

/// A value of the option `protocol`.
pub(crate) fn protocol(word: &Json<'_>) -> Option<Protocol> {
    match &*word.string()? {
        "chat" => Some(Protocol::Chat),
        "responses" => Some(Protocol::Responses),
        _ => None,
    }
}

fn limit(object: &Object<'_>) -> Option<u32> {
    u32::try_from(object.get("maxTokens")?.whole()?).ok().filter(|&limit| limit > 0)
}
