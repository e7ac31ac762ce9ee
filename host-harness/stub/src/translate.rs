//! Translates an OpenAI body for a provider with another API, as the hosted gateway does. Source: the public branch
//! 2.0.0 of Portkey-AI/gateway (version 2.2.3), `src/providers/{anthropic,bedrock,google}/chatComplete.ts`. Later
//! versions keep a marker's lifetime; a request that works with this one works with those too.

mod anthropic;
mod bedrock;
mod gemini;

#[cfg(test)]
mod tests;

use serde_json::{Map, Value, json};

use super::respond::Refusal;
use super::strict;
use super::strict::family::{Family, Maker};

/// The language that a provider speaks, with what it gets.
#[derive(Debug)]
pub(crate) enum Sent {
    Anthropic(Value),
    Bedrock { model: String, body: Value },
    Gemini { model: String, body: Value },
    OpenAi { slug: String, body: Value },
}

impl Sent {
    /// What goes to the provider of `model`: by the slug before it, else by who made it.
    pub(crate) fn of(body: &Value) -> Result<Self, Refusal> {
        let model = body["model"].as_str().unwrap_or_default();
        let (slug, name) = match model.strip_prefix('@').and_then(|model| model.split_once('/')) {
            Some((slug, name)) => (slug, name),
            None => ("", model),
        };
        let maker = Family::of(name).map(|family| family.maker).filter(|_| !name.contains('/'));
        let name = name.to_owned();
        Ok(match maker {
            // Vertex too has the maker in a name.
            Some(Maker::Anthropic)
                if slug.contains("bedrock") || name.contains("anthropic.") && !slug.contains("vertex") =>
            {
                Self::Bedrock { body: bedrock::converse(body).ok_or_else(exception)?, model: name }
            }
            None if strict::bedrock::is_nova(&name) => {
                Self::Bedrock { body: bedrock::converse(body).ok_or_else(exception)?, model: name }
            }
            Some(Maker::Anthropic) => Self::Anthropic(anthropic::messages(&name, body).ok_or_else(exception)?),
            Some(Maker::Google) => {
                Self::Gemini { body: gemini::generate_content(body).ok_or_else(exception)?, model: name }
            }
            _ => {
                let mut body = body.clone();
                if slug.contains("cohere") {
                    bare_messages(&mut body);
                }
                set(&mut body, "model", name);
                Self::OpenAi { slug: slug.to_owned(), body }
            }
        })
    }

    /// What the provider says to it, in the form in which the gateway passes that on.
    pub(crate) fn check(&self) -> Result<(), Refusal> {
        let refused =
            match self {
                Self::Anthropic(body) => strict::anthropic::check(body)
                    .map_err(|message| (message, Some("invalid_request_error"), None, None)),
                Self::Bedrock { model, body } => {
                    strict::bedrock::check(model, body).map_err(|message| (message, None, None, None))
                }
                Self::Gemini { model, body } => strict::gemini::check(model, body)
                    .map_err(|message| (message, Some("INVALID_ARGUMENT"), None, None)),
                Self::OpenAi { slug, body } => strict::chat(slug, body)
                    .map_err(|refused| (refused.message, Some("invalid_request_error"), refused.param, refused.code)),
            };
        refused.map_err(|(message, kind, param, code)| Refusal {
            status: 400,
            body: json!({"error": {"message": message, "type": kind, "param": param, "code": code}}),
        })
    }

    /// The same as Claude gets it, for those that do.
    pub(crate) fn for_claude(&self) -> Option<Value> {
        match self {
            Self::Anthropic(body) => Some(body.clone()),
            Self::Bedrock { model, body } => Some(strict::bedrock::as_messages(model, body)),
            Self::Gemini { .. } | Self::OpenAi { .. } => None,
        }
    }
}

/// What the gateway answers where its own code throws, as on arguments of a call that are no JSON.
fn exception() -> Refusal {
    Refusal { status: 500, body: json!({"status": "failure", "message": "Something went wrong"}) }
}

pub(crate) fn set(body: &mut Value, name: &str, value: impl Into<Value>) {
    if let Some(fields) = body.as_object_mut() {
        fields.insert(name.into(), value.into());
    }
}

fn is_system(message: &Value) -> bool {
    message["role"] == "system" || message["role"] == "developer"
}

/// For Cohere the gateway keeps two members of a message (1.15.2 and 2.2.3, `providers/cohere/chatComplete.ts`).
fn bare_messages(body: &mut Value) {
    for message in body["messages"].as_array_mut().into_iter().flatten() {
        *message = json!({"role": message["role"], "content": message["content"]});
    }
}

/// A marker, without its lifetime.
fn plain_marker(from: &Value) -> Option<Value> {
    from.get("cache_control").filter(|marker| !marker.is_null()).map(|_| json!({"type": "ephemeral"}))
}

/// The arguments of a past call; `None` where they are no JSON, or where nothing is called: it looks into the function.
fn arguments(call: &Value) -> Option<Value> {
    match call.get("function")?["arguments"].as_str() {
        None | Some("") => Some(json!({})),
        Some(text) => serde_json::from_str(text).ok(),
    }
}

/// What Claude gets of a format and an effort; a format without a schema is dropped.
fn output_config(body: &Value) -> Option<Value> {
    let mut config = Map::new();
    if body["response_format"]["type"] == "json_schema" {
        let told = &body["response_format"]["json_schema"];
        config.insert("format".into(), json!({"type": "json_schema", "schema": told.get("schema").unwrap_or(told)}));
    }
    if let Some(effort) = body["reasoning_effort"].as_str() {
        config.insert("effort".into(), effort.into());
    }
    Some(config.into()).filter(|config: &Value| config != &json!({}))
}
