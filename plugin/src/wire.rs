//! The JSON that goes to the gateway and comes from it: which fields there are, and where. What they mean is said
//! where they are used.
//!
//! Answers are read leniently on purpose. Behind the gateway stand some hundred providers, and `null`, a missing field
//! or a number in place of a text must not lose an answer.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::{fmt, ops, str};

use serde::de::{Deserializer, Error as _, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Error, Map, Value};

/// An object, its members in their order: that of a schema's properties counts to a model.
pub(crate) type Object = Map<String, Value>;

/// The JSON of `own` with the members of `extra`, which win.
pub(crate) fn merged(own: &impl Serialize, extra: &Object) -> Result<String, Error> {
    let own = serde_json::to_string(own)?;
    if extra.is_empty() {
        return Ok(own);
    }
    let mut members: Object = serde_json::from_str(&own)?;
    members.extend(extra.clone());
    serde_json::to_string(&members)
}

/// The body of a chat completion.
#[derive(Debug, Serialize)]
pub(crate) struct ChatRequest<'r> {
    pub(crate) model: &'r str,
    pub(crate) messages: Vec<Turn<'r>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) tools: Vec<Tool<'r>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tool_choice: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) parallel_tool_calls: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) response_format: Option<Format<'r>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max_completion_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) temperature: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) top_p: Option<f32>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    pub(crate) stop: &'r [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) seed: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reasoning_effort: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) stream: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) stream_options: Option<Value>,
}

#[derive(Debug, Serialize)]
#[serde(tag = "role", rename_all = "lowercase")]
pub(crate) enum Turn<'r> {
    System {
        content: &'r str,
    },
    User {
        content: Content<'r>,
    },
    Assistant {
        content: Option<String>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        content_blocks: Vec<Part<'r>>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        tool_calls: Vec<Call<'r>>,
    },
    Tool {
        tool_call_id: &'r str,
        content: &'r str,
    },
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Content<'r> {
    Text(&'r str),
    Parts(Vec<Part<'r>>),
}

/// A part of a user's content, or one of Portkey's `content_blocks`.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Part<'r> {
    Text { text: &'r str },
    ImageUrl { image_url: ImageUrl<'r> },
    Thinking { thinking: &'r str, signature: &'r str },
    RedactedThinking { data: &'r str },
}

#[derive(Debug, Serialize)]
pub(crate) struct ImageUrl<'r> {
    pub(crate) url: Cow<'r, str>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Call<'r> {
    pub(crate) id: &'r str,
    pub(crate) r#type: &'static str,
    pub(crate) function: CalledFunction<'r>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) extra_content: Option<Value>,
}

#[derive(Debug, Serialize)]
pub(crate) struct CalledFunction<'r> {
    pub(crate) name: &'r str,
    pub(crate) arguments: &'r str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) thought_signature: Option<&'r str>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Tool<'r> {
    pub(crate) r#type: &'static str,
    pub(crate) function: Function<'r>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Function<'r> {
    pub(crate) name: &'r str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<&'r str>,
    pub(crate) parameters: &'r RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) strict: Option<bool>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Format<'r> {
    pub(crate) r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) json_schema: Option<&'r RawValue>,
}

/// The body of an image generation.
#[derive(Debug, Serialize)]
pub(crate) struct ImageRequest<'r> {
    pub(crate) model: &'r str,
    pub(crate) prompt: &'r str,
    pub(crate) n: u32,
    pub(crate) size: &'r str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) quality: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) background: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) output_format: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) response_format: Option<&'static str>,
}

/// The JSON of a value, on one line.
pub(crate) fn json(value: &Value) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// Reads an answer, all of `bytes`.
pub(crate) fn parse<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, Error> {
    let text = str::from_utf8(bytes).map_err(Error::custom)?;
    // RFC 8259 allows to ignore a byte order mark.
    serde_json::from_str(text.strip_prefix('\u{feff}').unwrap_or(text))
}

/// A text, read leniently: see [`text`]. It is borrowed where it holds no escape.
#[derive(Debug, Default)]
pub(crate) struct Text<'a>(Cow<'a, str>);

impl<'a> Text<'a> {
    fn read(json: &'a str) -> Result<Self, Error> {
        if json.starts_with('"') {
            return serde_json::Deserializer::from_str(json).deserialize_bytes(TextVisitor);
        }
        Ok(Self(Cow::Owned(text(serde_json::from_str(json).ok().as_ref()))))
    }

    /// The text, where it is not empty.
    pub(crate) fn present(self) -> Option<String> {
        if self.is_empty() { None } else { Some(self.into_owned()) }
    }

    pub(crate) fn into_owned(self) -> String {
        self.0.into_owned()
    }
}

impl ops::Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::read(<&RawValue>::deserialize(deserializer)?.get()).map_err(D::Error::custom)
    }
}

/// Takes a string as bytes: half of a surrogate pair, which JavaScript writes, must not lose an answer.
struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a string")
    }

    fn visit_borrowed_bytes<E>(self, bytes: &'de [u8]) -> Result<Self::Value, E> {
        Ok(Text(String::from_utf8_lossy(bytes)))
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Self::Value, E> {
        Ok(Text(Cow::Owned(String::from_utf8_lossy(bytes).into_owned())))
    }
}

/// A value as a text, leniently: numbers and booleans as they are spelled, of an array of content parts
/// (`{"type":"text","text":...}`) the texts, joined, and the empty text for anything else.
pub(crate) fn text(value: Option<&Value>) -> String {
    match value {
        Some(Value::String(text)) => text.clone(),
        Some(value @ (Value::Number(_) | Value::Bool(_))) => json(value),
        Some(Value::Array(parts)) => parts.iter().filter_map(|part| part.get("text")?.as_str()).collect(),
        _ => String::new(),
    }
}

/// A value as a count, leniently: a fraction is cut off, digits may stand in a string.
pub(crate) fn count(value: &Value) -> Option<u64> {
    match value {
        Value::String(text) => text.parse().ok(),
        _ => value.as_u64().or_else(|| Some(value.as_f64().filter(|count| (0.0..1e18).contains(count))? as u64)),
    }
}

/// A whole chat completion or one chunk of it: they differ in `message` and `delta` alone.
#[derive(Debug, Deserialize)]
pub(crate) struct Completion<'a> {
    #[serde(default, borrow)]
    pub(crate) id: Text<'a>,
    #[serde(default)]
    pub(crate) model: Text<'a>,
    pub(crate) choices: Option<Vec<Choice<'a>>>,
    pub(crate) usage: Option<Value>,
    pub(crate) hook_results: Option<&'a RawValue>,
    pub(crate) error: Option<&'a RawValue>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Choice<'a> {
    #[serde(default)]
    pub(crate) index: Value,
    #[serde(borrow)]
    pub(crate) message: Option<Message<'a>>,
    pub(crate) delta: Option<Message<'a>>,
    #[serde(default)]
    pub(crate) finish_reason: Text<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Message<'a> {
    #[serde(borrow)]
    pub(crate) content: Text<'a>,
    pub(crate) refusal: Text<'a>,
    /// Some providers send both of these.
    pub(crate) reasoning_content: Text<'a>,
    pub(crate) reasoning: Text<'a>,
    pub(crate) content_blocks: Option<Vec<Block<'a>>>,
    pub(crate) tool_calls: Option<Vec<ToolCall<'a>>>,
}

/// One block of Portkey's `content_blocks`, sent with `x-portkey-strict-open-ai-compliance: false`. In a stream the
/// fields stand one level down, in `delta`, and the type is left out. Source: gateway 1.15.2, provider `anthropic`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Block<'a> {
    #[serde(borrow)]
    pub(crate) text: Text<'a>,
    pub(crate) thinking: Text<'a>,
    pub(crate) signature: Text<'a>,
    /// Reasoning that the provider encrypted.
    pub(crate) data: Text<'a>,
    pub(crate) delta: Option<&'a RawValue>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ToolCall<'a> {
    pub(crate) index: Value,
    #[serde(borrow)]
    pub(crate) id: Text<'a>,
    pub(crate) function: Option<CallFunction<'a>>,
    /// Google's signature stands in `google.thought_signature`.
    pub(crate) extra_content: Value,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct CallFunction<'a> {
    #[serde(borrow)]
    pub(crate) name: Text<'a>,
    #[serde(deserialize_with = "arguments")]
    pub(crate) arguments: Text<'a>,
    /// Portkey's own.
    pub(crate) thought_signature: Text<'a>,
}

/// A text, but of some providers the object itself, as its JSON.
fn arguments<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Text<'de>, D::Error> {
    match <&RawValue>::deserialize(deserializer)?.get() {
        json if json.starts_with(['{', '[']) => Ok(Text(Cow::Borrowed(json))),
        json => Text::read(json).map_err(D::Error::custom),
    }
}

/// An answer to an image request.
#[derive(Debug, Deserialize)]
pub(crate) struct Images<'a> {
    #[serde(borrow)]
    pub(crate) data: Option<Vec<Image<'a>>>,
    pub(crate) usage: Option<Value>,
    #[serde(default)]
    pub(crate) model: Text<'a>,
    pub(crate) error: Option<&'a RawValue>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Image<'a> {
    #[serde(borrow)]
    pub(crate) b64_json: Text<'a>,
    pub(crate) url: Text<'a>,
    pub(crate) revised_prompt: Text<'a>,
}

/// A failure, in any of the shapes that [`crate::error`] tells apart.
#[derive(Debug, Default)]
pub(crate) struct Failure {
    /// `error`, unless it is `null`, `false` or empty.
    pub(crate) error: Option<Detail>,
    /// `data` of the control plane's failures: `{"success":false,"data":{...}}`.
    pub(crate) data: Option<Detail>,
    /// `message` or `detail`.
    pub(crate) message: String,
    pub(crate) html_message: String,
    /// The first of `errors`.
    pub(crate) first: String,
    pub(crate) provider: String,
    /// `"status":"failure"` or `"success":false`.
    pub(crate) is_failure: bool,
}

/// The `error` or `data` inside of a failure.
#[derive(Debug, Default)]
pub(crate) struct Detail {
    pub(crate) message: String,
    pub(crate) kind: String,
    pub(crate) code: String,
}

impl Failure {
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let root: Value = parse(bytes)?;
        let root = root.as_object().ok_or_else(|| Error::custom("no object"))?;
        let text = |name| text(root.get(name));
        Ok(Self {
            error: root.get("error").and_then(Detail::read),
            data: root.get("data").filter(|data| data.is_object()).and_then(Detail::read),
            message: Some(text("message")).filter(|message| !message.is_empty()).unwrap_or_else(|| text("detail")),
            html_message: text("html-message"),
            first: self::text(root.get("errors").and_then(|errors| errors.get(0))),
            provider: text("provider"),
            is_failure: text("status") == "failure" || text("success") == "false",
        })
    }
}

impl Detail {
    fn read(value: &Value) -> Option<Self> {
        match value {
            Value::String(message) if !message.is_empty() => Some(Self { message: message.clone(), ..Self::default() }),
            Value::Object(object) if !object.is_empty() => Some(Self {
                message: text(object.get("message")),
                kind: text(object.get("type")),
                code: text(object.get("code").or_else(|| object.get("errorCode"))),
            }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn texts_are_lenient() {
        for (json, expected) in [
            (r#""plain""#, "plain"),
            (r#""a\n""#, "a\n"),
            (r#""\n""#, "\n"),
            ("null", ""),
            ("7", "7"),
            ("true", "true"),
            (r#"{"a":[1]}"#, ""),
            (r#"[{"type":"text","text":"a"},{"type":"image"},3,{"text":{"x":1}},{"type":"text","text":"b"}]"#, "ab"),
            (r#""\ud83d\ude00""#, "😀"),
            (r#""x\ud800""#, "x\u{fffd}\u{fffd}\u{fffd}"),
            (r#""\ud800\u0041""#, "\u{fffd}\u{fffd}\u{fffd}A"),
            (r#""\udc00x""#, "\u{fffd}\u{fffd}\u{fffd}x"),
        ] {
            assert_eq!(&*parse::<Text<'_>>(json.as_bytes()).unwrap(), expected, "{json}");
        }
        assert!(matches!(parse(br#""x""#), Ok(Text(Cow::Borrowed("x")))));
    }

    #[test]
    fn counts_are_lenient() {
        for (value, expected) in [
            (json!(3), Some(3)),
            (json!(3.7), Some(3)),
            (json!(-3), None),
            (json!(null), None),
            (json!("5"), Some(5)),
            (json!("x"), None),
            (json!({}), None),
            (json!([1]), None),
            (json!(1e20), None),
        ] {
            assert_eq!(count(&value), expected, "{value}");
        }
    }

    #[test]
    fn bytes_must_be_utf8_and_may_start_with_its_mark() {
        assert!(parse::<Text<'_>>(b"\"\xff\"").is_err());
        assert!(parse::<Value>(b"\xef\xbb\xbf{}").is_ok());
    }

    #[test]
    fn depth_costs_no_stack() {
        let deep = "[".repeat(100_000) + &"]".repeat(100_000);
        let tool_call = |arguments: &str| {
            parse::<CallFunction<'_>>(alloc::format!(r#"{{"arguments":{arguments},"x":{arguments}}}"#).as_bytes())
                .map(|function| function.arguments.len())
                .ok()
        };
        assert_eq!(tool_call(&deep), Some(200_000));
        assert_eq!(tool_call(&deep[1..]), None);
        assert!(Failure::parse(alloc::format!(r#"{{"error":{deep}}}"#).as_bytes()).is_err(), "refused, not read");
    }

    #[test]
    fn extra_members_win() {
        let extra = serde_json::from_str(r#"{"b":{"z":9e99,"a":[1]},"_":null}"#).unwrap();
        let merged = merged(&json!({"a": 0.7, "b": 1}), &extra).unwrap();
        assert_eq!(merged, r#"{"a":0.7,"b":{"z":9e+99,"a":[1]},"_":null}"#);
    }
}
