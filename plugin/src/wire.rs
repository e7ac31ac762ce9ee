//! The fields of the answers that come from the gateway: which there are, and where. What they mean is said where they
//! are used.
//!
//! Answers are read leniently on purpose. Behind the gateway stand some hundred providers, and `null`, a missing field
//! or a number in place of a text must not lose an answer.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

use crate::json::{Json, Object, utf8};

/// The answer is no JSON, or a list or an object is missing in it where one must be.
#[derive(Debug)]
pub(crate) struct Misshapen;

type Result<T> = core::result::Result<T, Misshapen>;

/// The text, where it is not empty.
pub(crate) fn present(text: Cow<'_, str>) -> Option<String> {
    if text.is_empty() { None } else { Some(text.into_owned()) }
}

/// A text, read leniently, and where it is a string, how the answer spells it, in its quotes.
#[derive(Debug, Default)]
pub(crate) struct Spelled<'a> {
    pub(crate) text: Cow<'a, str>,
    json: Option<&'a str>,
}

impl<'a> Spelled<'a> {
    fn read(parent: &Object<'a>, name: &str) -> Self {
        let read = |value: &Json<'a>| Self { text: value.text(), json: value.spelled() };
        parent.get(name).map(read).unwrap_or_default()
    }
}

/// The lists and objects of an answer that [`object`] and [`objects`] ask for.
const OPENED: [&str; 7] = ["choices", "content_blocks", "data", "delta", "function", "message", "tool_calls"];

fn root<'a>(body: &'a [u8], opened: &[&str]) -> Result<Object<'a>> {
    utf8(body).and_then(|text| Object::parse_opening(text, opened)).ok_or(Misshapen)
}

fn object<'a>(parent: &mut Object<'a>, name: &str) -> Result<Option<Object<'a>>> {
    parent.take(name).map(|json| json.into_object().ok_or(Misshapen)).transpose()
}

/// A list of objects. What is `null` in it is left out: for Google the gateway writes one for each part behind a tool call
/// that is none (gateway 1.15.2, streams).
fn objects<'a>(parent: &mut Object<'a>, name: &str) -> Result<Option<Vec<Object<'a>>>> {
    let Some(json) = parent.take(name) else { return Ok(None) };
    let items = json.into_list().ok_or(Misshapen)?.into_iter().filter(|item| !item.is_null());
    items.map(Json::into_object).collect::<Option<_>>().ok_or(Misshapen).map(Some)
}

/// A whole chat completion or one chunk of it: they differ in `message` and `delta` alone.
#[derive(Debug)]
pub(crate) struct Completion<'a> {
    pub(crate) id: Cow<'a, str>,
    pub(crate) model: Cow<'a, str>,
    pub(crate) choices: Option<Vec<Choice<'a>>>,
    pub(crate) usage: Option<Object<'a>>,
    pub(crate) hook_results: Option<String>,
    pub(crate) has_error: bool,
}

impl<'a> Completion<'a> {
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self> {
        let mut root = root(bytes, &OPENED)?;
        let choices = objects(&mut root, "choices")?;
        Ok(Self {
            id: root.text("id"),
            model: root.text("model"),
            choices: choices.map(|choices| choices.into_iter().map(Choice::read).collect()).transpose()?,
            usage: root.get("usage").and_then(Json::object),
            hook_results: root.get("hook_results").map(Json::to_json),
            has_error: root.get("error").is_some(),
        })
    }
}

#[derive(Debug)]
pub(crate) struct Choice<'a> {
    pub(crate) index: Option<u64>,
    pub(crate) message: Option<Message<'a>>,
    pub(crate) delta: Option<Message<'a>>,
    pub(crate) finish_reason: Cow<'a, str>,
}

impl<'a> Choice<'a> {
    fn read(mut choice: Object<'a>) -> Result<Self> {
        let mut message = |name| object(&mut choice, name)?.map(Message::read).transpose();
        let (message, delta) = (message("message")?, message("delta")?);
        Ok(Self {
            index: choice.get("index").and_then(Json::count),
            message,
            delta,
            finish_reason: choice.text("finish_reason"),
        })
    }
}

#[derive(Debug, Default)]
pub(crate) struct Message<'a> {
    pub(crate) content: Spelled<'a>,
    pub(crate) refusal: Cow<'a, str>,
    /// `reasoning_content` or `reasoning`; some providers send both.
    pub(crate) reasoning: Spelled<'a>,
    pub(crate) content_blocks: Vec<Block<'a>>,
    pub(crate) tool_calls: Vec<ToolCall<'a>>,
    /// It belongs to the choice. Here it stands where the provider failed: see [`crate::stream`].
    pub(crate) finish_reason: Cow<'a, str>,
}

impl<'a> Message<'a> {
    fn read(mut message: Object<'a>) -> Result<Self> {
        let (blocks, calls) = (objects(&mut message, "content_blocks")?, objects(&mut message, "tool_calls")?);
        let mut content_blocks: Vec<_> = blocks.into_iter().flatten().map(Block::read).collect();
        // Of Claude at Vertex (gateway 1.15.2), and of Mistral, the blocks are in `content` itself.
        if content_blocks.is_empty()
            && let Some(parts) = message.get("content").and_then(Json::list)
        {
            content_blocks = parts.into_iter().filter_map(Json::into_object).map(Block::read).collect();
            // Texts alone are one text.
            if !content_blocks.iter().any(Block::is_reasoning) {
                content_blocks.clear();
            }
        }
        let reasoning = Spelled::read(&message, "reasoning_content");
        Ok(Self {
            content: Spelled::read(&message, "content"),
            refusal: message.text("refusal"),
            reasoning: if reasoning.text.is_empty() { Spelled::read(&message, "reasoning") } else { reasoning },
            content_blocks,
            tool_calls: calls.into_iter().flatten().map(ToolCall::read).collect::<Result<_>>()?,
            finish_reason: message.text("finish_reason"),
        })
    }

    /// The first text of a delta, as the answer spells it. Where a delta gives one event that holds a text, it is this
    /// one: each that is not empty gives an event, but for reasoning where a block has some.
    pub(crate) fn spelled(&self) -> Option<&'a str> {
        if self.content_blocks.len() > 1 {
            return None;
        }
        let thinking = self.content_blocks.first().map(|block| &block.thinking);
        let arguments = self.tool_calls.first().map(|call| &call.arguments);
        let texts = [Some(&self.content), thinking, Some(&self.reasoning), arguments];
        texts.into_iter().flatten().find(|spelled| !spelled.text.is_empty())?.json
    }
}

/// One block of Portkey's `content_blocks`, sent with `x-portkey-strict-open-ai-compliance: false`. In a stream the
/// fields stand one level down, in `delta`, and the type is left out. Source: gateway 1.15.2, provider `anthropic`.
#[derive(Debug)]
pub(crate) struct Block<'a> {
    pub(crate) text: Cow<'a, str>,
    pub(crate) thinking: Spelled<'a>,
    pub(crate) signature: Cow<'a, str>,
    /// Reasoning that the provider encrypted.
    pub(crate) data: Cow<'a, str>,
}

impl<'a> Block<'a> {
    fn read(mut block: Object<'a>) -> Self {
        let block = block.take("delta").map_or(block, |delta| delta.into_object().unwrap_or_default());
        Self {
            text: block.text("text"),
            thinking: Spelled::read(&block, "thinking"),
            signature: block.text("signature"),
            data: block.text("data"),
        }
    }

    fn is_reasoning(&self) -> bool {
        [&self.thinking.text, &self.signature, &self.data].into_iter().any(|text| !text.is_empty())
    }
}

#[derive(Debug)]
pub(crate) struct ToolCall<'a> {
    pub(crate) index: Option<u64>,
    pub(crate) id: Cow<'a, str>,
    pub(crate) name: Cow<'a, str>,
    /// A text, but of some providers the object itself, as its JSON.
    pub(crate) arguments: Spelled<'a>,
    /// Portkey's own signature.
    pub(crate) thought_signature: Cow<'a, str>,
    /// Google's.
    pub(crate) google_signature: Cow<'a, str>,
}

impl<'a> ToolCall<'a> {
    fn read(mut call: Object<'a>) -> Result<Self> {
        let function = object(&mut call, "function")?.unwrap_or_default();
        let google = call.get("extra_content").and_then(|extra| extra.object()?.get("google")?.object());
        Ok(Self {
            index: call.get("index").and_then(Json::count),
            id: call.text("id"),
            name: function.text("name"),
            arguments: match function.get("arguments") {
                Some(json) if json.is_nested() => Spelled { text: Cow::Owned(json.to_json()), json: None },
                _ => Spelled::read(&function, "arguments"),
            },
            thought_signature: function.text("thought_signature"),
            google_signature: google.unwrap_or_default().text("thought_signature"),
        })
    }
}

/// An answer to an image request.
#[derive(Debug)]
pub(crate) struct Images<'a> {
    pub(crate) data: Option<Vec<Image<'a>>>,
    pub(crate) usage: Option<Object<'a>>,
    pub(crate) model: Cow<'a, str>,
    pub(crate) has_error: bool,
}

impl<'a> Images<'a> {
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self> {
        let mut root = root(bytes, &OPENED)?;
        Ok(Self {
            data: objects(&mut root, "data")?.map(|images| images.into_iter().map(Image::read).collect()),
            usage: root.get("usage").and_then(Json::object),
            model: root.text("model"),
            has_error: root.get("error").is_some(),
        })
    }
}

#[derive(Debug)]
pub(crate) struct Image<'a> {
    pub(crate) b64_json: Cow<'a, str>,
    pub(crate) url: Cow<'a, str>,
    pub(crate) revised_prompt: Cow<'a, str>,
}

impl<'a> Image<'a> {
    fn read(image: Object<'a>) -> Self {
        Self { b64_json: image.text("b64_json"), url: image.text("url"), revised_prompt: image.text("revised_prompt") }
    }
}

/// A failure, in any of the shapes that [`crate::error`] tells apart.
#[derive(Debug)]
pub(crate) struct Failure<'a> {
    /// `error`, unless it is `null`, `false` or empty.
    pub(crate) error: Option<Detail<'a>>,
    /// `data` of the control plane's failures: `{"success":false,"data":{...}}`.
    pub(crate) data: Option<Detail<'a>>,
    /// `message` or `detail`.
    pub(crate) message: Cow<'a, str>,
    pub(crate) html_message: Cow<'a, str>,
    /// The first of `errors`.
    pub(crate) first: Cow<'a, str>,
    pub(crate) provider: Cow<'a, str>,
    /// `"status":"failure"` or `"success":false`.
    pub(crate) is_failure: bool,
}

/// The `error` or `data` inside of a failure.
#[derive(Debug, Default)]
pub(crate) struct Detail<'a> {
    pub(crate) message: Cow<'a, str>,
    pub(crate) kind: Cow<'a, str>,
    pub(crate) code: Cow<'a, str>,
}

impl<'a> Failure<'a> {
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self> {
        let root = root(bytes, &[])?;
        let message = root.text("message");
        Ok(Self {
            error: root.get("error").and_then(Detail::read),
            data: root.get("data").filter(|data| data.is_nested()).and_then(Detail::read),
            message: if message.is_empty() { root.text("detail") } else { message },
            html_message: root.text("html-message"),
            first: root.get("errors").and_then(|errors| Some(errors.list()?.first()?.text())).unwrap_or_default(),
            provider: root.text("provider"),
            is_failure: root.text("status") == "failure" || root.text("success") == "false",
        })
    }
}

impl<'a> Detail<'a> {
    fn read(value: &Json<'a>) -> Option<Self> {
        if let Some(message) = value.string() {
            return Some(Self { message, ..Self::default() }).filter(|detail| !detail.message.is_empty());
        }
        let object = value.object().filter(|object| !object.is_empty())?;
        let code = if object.get("code").is_some() { "code" } else { "errorCode" };
        Some(Self { message: object.text("message"), kind: object.text("type"), code: object.text(code) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn depth_costs_no_stack() {
        let deep = "[".repeat(100_000) + &"]".repeat(100_000);
        let arguments = |arguments: &str| {
            let json = format!(r#"{{"function":{{"arguments":{arguments},"x":{arguments}}}}}"#);
            Object::parse(&json).map(|call| ToolCall::read(call).unwrap().arguments.text.len())
        };
        assert_eq!(arguments(&deep), Some(200_000));
        assert_eq!(arguments(&deep[1..]), None);
        let failure = format!(r#"{{"error":{deep},"message":"m"}}"#);
        assert_eq!(Failure::parse(failure.as_bytes()).unwrap().message, "m");
    }

    #[test]
    fn what_must_be_a_list_or_an_object_is_one() {
        for json in [
            r#"[]"#,
            r#"{"choices":{}}"#,
            r#"{"choices":[{"message":"m"}]}"#,
            r#"{"choices":[{"delta":[]}]}"#,
            r#"{"choices":[{"delta":{"content_blocks":3}}]}"#,
            r#"{"choices":[{"delta":{"tool_calls":[3]}}]}"#,
            r#"{"choices":[{"delta":{"tool_calls":[{"function":"f"}]}}]}"#,
        ] {
            assert!(Completion::parse(json.as_bytes()).is_err(), "{json}");
        }
        assert!(Completion::parse(br#"{"choices":[{"delta":{"tool_calls":[{"function":null}]}}]}"#).is_ok());
        assert!(Images::parse(br#"{"data":[7]}"#).is_err());
    }
}
