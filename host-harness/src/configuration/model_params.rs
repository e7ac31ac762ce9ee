//! The settings of requests to a model: `params` of OpenClaw's agents, and what of them a prompt takes.

use serde_json::{Map, Value};

use super::{agent::sole_agent, model_ref::split};
use crate::wit::chat::Prompt;

/// What the configuration says of requests to a model: `agents.defaults.params`, over them those of the model, and over
/// these what the only agent says, in the same order for the model, and of all.
pub fn model_params(config: &Value, provider: &str, model: &str) -> Map<String, Value> {
    let params_in = |owner: &Map<String, Value>| Some(owner.get("params")?.as_object()?.clone());
    let params_of_model = |owner: &Map<String, Value>| {
        let is_it = |reference: &str| {
            split(reference).is_some_and(|found| found.provider.eq_ignore_ascii_case(provider) && found.model == model)
        };
        let models = owner.get("models")?.as_object()?;
        let (_, entry) = models.iter().find(|(reference, _)| is_it(reference))?;
        params_in(entry.as_object()?)
    };
    let defaults = config.pointer("/agents/defaults").and_then(Value::as_object);
    let agent = sole_agent(config).map(|agent| agent.entry);
    let [of_all, of_the_model] = [defaults.and_then(params_in), defaults.and_then(params_of_model)];
    let [own_of_the_model, own] = [agent.and_then(params_of_model), agent.and_then(params_in)];
    [of_all, of_the_model, own_of_the_model, own].into_iter().flatten().flatten().collect()
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

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
