//! Refuses what the real providers refuse, so that a request that no provider would take fails here too. A check reads
//! a body in the provider's own form; `super::portkey` knows to which provider a gateway would send it, and in what
//! form.
//!
//! Only refusals that somebody has seen are here, with the provider's words. For a model that the table ([`family`])
//! does not know, only its provider's general rules apply.

pub(super) mod anthropic;
pub(super) mod bedrock;
pub(super) mod compatible;
pub(super) mod family;
pub(super) mod gemini;
pub(super) mod openai;
pub(super) mod responses;

#[cfg(test)]
mod tests;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::respond::{Refusal, bare};

/// Checks a chat completion for the provider of this slug.
pub(super) fn chat(slug: &str, body: &Value) -> Result<(), Refused> {
    openai::check(body)?;
    compatible::check(slug, body)
}

/// Whether the model's id names its maker, as OpenRouter's do, which makes of a request what the maker takes.
pub(super) fn is_routed(body: &Value) -> bool {
    bare(body["model"].as_str().unwrap_or_default()).contains('/')
}

/// Whether the model has to call a tool, in the words of chat completions.
fn forces_a_call(body: &Value) -> bool {
    body["tool_choice"].is_object() || body["tool_choice"] == "required"
}

/// Whether there is such a member, `null` being none.
fn is_given(body: &Value, name: &str) -> bool {
    body.get(name).is_some_and(|value| !value.is_null())
}

/// Whether this is a name of letters, digits, `_` and `-`, and of at most so many.
fn is_name(name: &Value, most: usize) -> bool {
    let is_of_it = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    name.as_str().is_some_and(|name| !name.is_empty() && name.len() <= most && name.bytes().all(is_of_it))
}

/// Thinking that is not shown, as the stand-in gives it.
pub(super) const REDACTED: &str = "cmVkYWN0ZWQgYnkgdGhlIHN0YW5kLWlu";

/// A refusal in OpenAI's terms: what the others lack is absent there.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) message: String,
    pub(super) param: Option<String>,
    pub(super) code: Option<&'static str>,
}

impl Refused {
    pub(super) fn new(message: impl Into<String>, param: impl Into<String>, code: &'static str) -> Self {
        let code = Some(code).filter(|code| !code.is_empty());
        Self { message: message.into(), param: Some(param.into()).filter(|param: &String| !param.is_empty()), code }
    }

    /// For lack of the member at this path.
    pub(super) fn missing(path: impl Into<String>) -> Self {
        let path = path.into();
        Self::new(format!("Missing required parameter: '{path}'."), path, "missing_required_parameter")
    }
}

impl From<String> for Refused {
    fn from(message: String) -> Self {
        Self { message, param: None, code: None }
    }
}

impl From<Refused> for Refusal {
    fn from(Refused { message, param, code }: Refused) -> Self {
        let body =
            json!({"error": {"message": message, "type": "invalid_request_error", "param": param, "code": code}});
        Self { status: 400, body }
    }
}

/// What a signature says of a text.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Signature {
    Good,
    /// The stand-in's own, but of another text.
    OfOtherText,
    Unknown,
}

impl Signature {
    const MARK: &'static str = "stand-in:";

    /// The stand-in's signature under `text`.
    pub(super) fn of(text: &str) -> String {
        let digest = Sha256::digest(text.as_bytes());
        BASE64.encode([Self::MARK.as_bytes(), digest.as_slice()].concat())
    }

    /// Whether `signature` is the one of `text`. Where thinking is not shown, that of the empty text is.
    pub(super) fn read(signature: &str, text: &str) -> Self {
        if signature == Self::of(text) {
            return Self::Good;
        }
        match BASE64.decode(signature) {
            Ok(bytes) if bytes.starts_with(Self::MARK.as_bytes()) => Self::OfOtherText,
            _ => Self::Unknown,
        }
    }
}
