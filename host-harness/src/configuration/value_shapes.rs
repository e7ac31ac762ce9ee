//! What a value of OpenClaw's file must be, by its place: a text, a number above 0, one of these words.

use serde_json::Value;

use super::secrets::MOST_REFUSED;
use crate::error::{Error, shortened};

/// What a value must be, by its place below `models.providers.<id>`, where nobody else checks it: one of another shape
/// would be read as if it were not there, or makes OpenClaw refuse the whole file.
pub(super) const OF_ENTRY: &[Shapes] = &[
    ("", Shape::Objects, &["models"]),
    ("", Shape::OneOf(FORMS), &["api"]),
    ("", Shape::Bool, &["authHeader", "injectNumCtxForOpenAICompat"]),
    ("", Shape::Count, &["maxTokens", "contextTokens"]),
    ("", Shape::AboveZero, &["contextWindow"]),
    ("", Shape::Object, &["params", "agentRuntime"]),
    ("", Shape::Filled, &["region"]),
    ("request", Shape::Bool, &["allowPrivateNetwork", "tls.insecureSkipVerify"]),
    ("request", Shape::Text, &["auth.prefix"]),
    ("models[]", Shape::Text, &["id", "name", "headers.*"]),
    ("models[]", Shape::OneOf(FORMS), &["api"]),
    ("models[]", Shape::Bool, &["reasoning"]),
    ("models[]", Shape::Count, &["maxTokens", "contextTokens"]),
    ("models[]", Shape::AboveZero, &["contextWindow"]),
    (
        "models[]",
        Shape::Object,
        &["headers", "cost", "thinkingLevelMap", "params", "agentRuntime", "compat", "mediaInput"],
    ),
    ("models[]", Shape::Filled, &["baseUrl"]),
    ("models[]", Shape::SomeOf(&["text", "image", "video", "audio"]), &["input"]),
    ("models[].cost", Shape::Price, &["input", "output", "cacheRead", "cacheWrite"]),
    ("models[].compat", Shape::Bool, &["supportsReasoningEffort", "supportsTemperature", "supportsTools"]),
    ("models[].compat", Shape::OneOf(&["max_completion_tokens", "max_tokens"]), &["maxTokensField"]),
    ("models[].compat", Shape::OneOf(&["anthropic"]), &["cacheControlFormat"]),
];

/// A place, and what the values of these names in it must be.
pub(super) type Shapes = (&'static str, Shape, &'static [&'static str]);

/// The forms of a request that OpenClaw knows.
const FORMS: &[&str] = &[
    "openai-completions", "openai-responses", "openai-chatgpt-responses", "anthropic-messages", "google-generative-ai",
    "google-vertex", "github-copilot", "bedrock-converse-stream", "ollama", "pi-messages", "azure-openai-responses",
];

/// As [`OF_ENTRY`], by the place in the file.
pub(super) const OF_FILE: &[Shapes] = &[
    ("models", Shape::OneOf(&["merge", "replace"]), &["mode"]),
    ("", Shape::Object, &["agents", "plugins", "plugins.entries", "env", "secrets"]),
    ("agents", Shape::Object, &["defaults", "defaults.models", "defaults.models.*", "defaults.params", "entries"]),
    ("agents", Shape::List, &["list"]),
    ("env", Shape::Object, &["vars", "shellEnv"]),
    ("env", Shape::Text, &["vars.*"]),
    ("secrets", Shape::Object, &["providers", "providers.*"]),
];

/// What below `path` has another shape than `shapes` say.
pub(super) fn wrong_shapes(shapes: &[Shapes], value: &Value, path: &str) -> Vec<Error> {
    let mut wrong = Vec::new();
    for (place, shape, names) in shapes {
        for name in *names {
            for (path, value) in at(&format!("{place}.{name}"), value, path) {
                if wrong.len() == MOST_REFUSED {
                    return wrong;
                }
                if let Some((wanted, hint)) = shape.refuses(value) {
                    wrong.push(Error::at(path, format!("must be {wanted}")).hint(hint));
                }
            }
        }
    }
    wrong
}

/// What is at `place` of the entry, each with its path.
pub(super) fn at<'v>(place: &str, entry: &'v Value, path: &str) -> Vec<(String, &'v Value)> {
    let steps = place.split('.').filter(|step| !step.is_empty());
    steps.fold(vec![(path.to_owned(), entry)], |found, step| {
        found.into_iter().flat_map(|(path, value)| inside(&path, value, step)).collect()
    })
}

/// What `step` leads to from `value`, with its path: `models[]` to each item of a list, `*` to each member, another to one.
fn inside<'v>(path: &str, value: &'v Value, step: &str) -> Vec<(String, &'v Value)> {
    let path = shortened(path);
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match (step.strip_suffix("[]"), value) {
        (Some(name), _) => match value.get(name) {
            Some(Value::Array(items)) => {
                items.iter().enumerate().map(|(at, item)| (format!("{}[{at}]", below(name)), item)).collect()
            }
            _ => Vec::new(),
        },
        (None, Value::Object(members)) if step == "*" => {
            members.iter().map(|(name, value)| (below(name), value)).collect()
        }
        (None, _) => value.get(step).map(|inner| (below(step), inner)).into_iter().collect(),
    }
}

/// The hint where nothing is to be done but what OpenClaw wants as well.
pub(super) const REFUSED_TOO: &str = "OpenClaw refuses it too.";

#[derive(Clone, Copy, Debug)]
pub(super) enum Shape {
    List,
    Objects,
    Object,
    Bool,
    Count,
    AboveZero,
    Price,
    Text,
    Filled,
    OneOf(&'static [&'static str]),
    SomeOf(&'static [&'static str]),
}

impl Shape {
    /// What `value` should be, where it is something else, and what to do about it.
    fn refuses(self, value: &Value) -> Option<(String, &'static str)> {
        let is_one_of = |value: &Value, all: &[&str]| value.as_str().is_some_and(|text| all.contains(&text));
        let are_all = |is_it: &dyn Fn(&Value) -> bool| value.as_array().is_some_and(|items| items.iter().all(is_it));
        let is_number = |is_it: fn(f64) -> bool| value.as_f64().is_some_and(is_it);
        let (is_it, wanted, names): (_, _, &[&str]) = match self {
            Self::List => (value.is_array(), "a list", &[]),
            Self::Objects => (are_all(&Value::is_object), "a list of objects", &[]),
            Self::Object => (value.is_object(), "an object", &[]),
            Self::Bool => (value.is_boolean(), "true or false", &[]),
            Self::Count => (is_number(|n| n > 0.0 && n.fract() == 0.0), "a whole number above 0", &[]),
            Self::AboveZero => (is_number(|n| n > 0.0), "a number above 0", &[]),
            Self::Price => (is_number(|n| n >= 0.0), "a number of 0 or more", &[]),
            Self::Text => (value.is_string(), "a text", &[]),
            Self::Filled => {
                (value.as_str().is_some_and(|text| !text.trim().is_empty()), "a text that is not empty", &[])
            }
            Self::OneOf(all) => (is_one_of(value, all), "", all),
            Self::SomeOf(all) => (are_all(&|item| is_one_of(item, all)), "a list of ", all),
        };
        if is_it {
            return None;
        }
        // OpenClaw takes some that mean nothing here.
        let hint = match (self, value) {
            (Self::Count, Value::Number(_)) if is_number(|n| n > 0.0) => "Write a whole number.",
            (Self::Price, Value::Number(_)) => "Correct it, or leave it out.",
            (Self::Filled, Value::String(text)) if !text.is_empty() => "Leave it out, or say which.",
            _ => REFUSED_TOO,
        };
        Some((format!("{wanted}{}", names.join(" or ")), hint))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_openclaw_takes_is_not_said_to_be_refused_there() {
        for (model, hint) in [
            (json!({"maxTokens": 0.5}), "Write a whole number."),
            (json!({"maxTokens": 2.5}), "Write a whole number."),
            (json!({"maxTokens": 0}), REFUSED_TOO),
            (json!({"maxTokens": "5"}), REFUSED_TOO),
            (json!({"cost": {"output": -1}}), "Correct it, or leave it out."),
            (json!({"cost": {"output": "1"}}), REFUSED_TOO),
            (json!({"baseUrl": " "}), "Leave it out, or say which."),
            (json!({"baseUrl": ""}), REFUSED_TOO),
            (json!({"baseUrl": 5}), REFUSED_TOO),
        ] {
            let refused = wrong_shapes(OF_ENTRY, &json!({"models": [model]}), "models.providers.x");
            let hints: Vec<_> = refused.iter().filter_map(|error| error.record().hint.as_deref()).collect();
            assert_eq!(hints, [hint], "{model}");
        }
    }
}
