//! The gateway's answers, read straight from the bytes: which fields there are, and where. What they mean is said
//! where they are used.
//!
//! They are read leniently on purpose. Behind the gateway stand some hundred providers, and `null`, a missing field
//! or a number in place of a text must not lose an answer.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

use crate::reader::{Kind, Malformed, Reader};

type Text<'a> = Cow<'a, str>;

/// The text, where it is not empty.
pub(crate) fn present(text: Text<'_>) -> Option<String> {
    if text.is_empty() { None } else { Some(text.into_owned()) }
}

/// Reads one JSON object, all of `bytes`.
fn document<'a>(
    bytes: &'a [u8],
    member: impl FnMut(&str, &mut Reader<'a>) -> Result<(), Malformed>,
) -> Result<(), Malformed> {
    let mut reader = Reader::from_bytes(bytes)?;
    if reader.kind()? != Kind::Object {
        return Err(Malformed { at: 0 });
    }
    reader.members(member)?;
    reader.end()
}

/// Elements of a list, each read by `element`.
fn list<'a, T>(
    reader: &mut Reader<'a>,
    element: impl Fn(&mut Reader<'a>) -> Result<T, Malformed>,
) -> Result<Vec<T>, Malformed> {
    let mut items = Vec::new();
    reader.elements(|reader| {
        items.push(element(reader)?);
        Ok(())
    })?;
    Ok(items)
}

/// A whole chat completion or one chunk of it: they differ in `message` and `delta` alone.
#[derive(Debug, Default)]
pub(crate) struct Completion<'a> {
    pub(crate) id: Text<'a>,
    pub(crate) model: Text<'a>,
    pub(crate) choices: Option<Vec<Choice<'a>>>,
    pub(crate) usage: Option<Usage>,
    pub(crate) hook_results: Option<&'a str>,
    pub(crate) has_error: bool,
}

impl<'a> Completion<'a> {
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let mut it = Self::default();
        document(bytes, |name, value| {
            match name {
                "id" => value.text_into(&mut it.id)?,
                "model" => value.text_into(&mut it.model)?,
                "choices" if value.kind()? == Kind::Array => it.choices = Some(list(value, Choice::read)?),
                "usage" if value.kind()? == Kind::Object => it.usage = Some(Usage::read(value)?),
                "hook_results" => it.hook_results = value.present()?,
                "error" => it.has_error = value.present()?.is_some(),
                _ => value.skip()?,
            }
            Ok(())
        })?;
        Ok(it)
    }
}

#[derive(Debug, Default)]
pub(crate) struct Choice<'a> {
    pub(crate) index: Option<u64>,
    pub(crate) message: Message<'a>,
    pub(crate) finish_reason: Text<'a>,
}

impl<'a> Choice<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        let mut it = Self::default();
        reader.members(|name, value| {
            match name {
                "index" => it.index = value.count()?,
                "message" | "delta" => it.message.read(value)?,
                "finish_reason" => value.text_into(&mut it.finish_reason)?,
                _ => value.skip()?,
            }
            Ok(())
        })?;
        Ok(it)
    }
}

#[derive(Debug, Default)]
pub(crate) struct Message<'a> {
    pub(crate) content: Text<'a>,
    pub(crate) refusal: Text<'a>,
    /// `reasoning_content` or `reasoning`, which some providers send both.
    pub(crate) reasoning: Text<'a>,
    pub(crate) content_blocks: Vec<Block<'a>>,
    pub(crate) tool_calls: Vec<ToolCall<'a>>,
}

impl<'a> Message<'a> {
    fn read(&mut self, reader: &mut Reader<'a>) -> Result<(), Malformed> {
        reader.members(|name, value| {
            match name {
                "content" => value.text_into(&mut self.content)?,
                "refusal" => value.text_into(&mut self.refusal)?,
                "reasoning_content" | "reasoning" => {
                    let text = value.text()?;
                    if !text.is_empty() {
                        self.reasoning = text;
                    }
                }
                "content_blocks" => self.content_blocks = list(value, Block::read)?,
                "tool_calls" => self.tool_calls = list(value, ToolCall::read)?,
                _ => value.skip()?,
            }
            Ok(())
        })
    }
}

/// One block of Portkey's `content_blocks`, sent with `x-portkey-strict-open-ai-compliance: false`. In a stream the
/// fields stand one level down, in `delta`, and the type is left out. Source: gateway 1.15.2, provider `anthropic`.
#[derive(Debug, Default)]
pub(crate) struct Block<'a> {
    pub(crate) text: Text<'a>,
    pub(crate) thinking: Text<'a>,
    pub(crate) signature: Text<'a>,
    /// Reasoning that the provider encrypted.
    pub(crate) data: Text<'a>,
}

impl<'a> Block<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        let mut it = Self::default();
        reader.members(|name, value| match name {
            "delta" => value.members(|name, value| it.field(name, value)),
            _ => it.field(name, value),
        })?;
        Ok(it)
    }

    fn field(&mut self, name: &str, value: &mut Reader<'a>) -> Result<(), Malformed> {
        match name {
            "text" => value.text_into(&mut self.text)?,
            "thinking" => value.text_into(&mut self.thinking)?,
            "signature" => value.text_into(&mut self.signature)?,
            "data" => value.text_into(&mut self.data)?,
            _ => value.skip()?,
        }
        Ok(())
    }
}

#[derive(Debug, Default)]
pub(crate) struct ToolCall<'a> {
    pub(crate) index: Option<u64>,
    pub(crate) id: Text<'a>,
    pub(crate) name: Text<'a>,
    /// A text, but of some providers the object itself, as its JSON.
    pub(crate) arguments: Text<'a>,
    /// Portkey's `function.thought_signature`.
    pub(crate) signature: Text<'a>,
    /// Google's `extra_content.google.thought_signature`.
    pub(crate) google_signature: Text<'a>,
}

impl<'a> ToolCall<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        let mut it = Self::default();
        reader.members(|name, value| {
            match name {
                "index" => it.index = value.count()?,
                "id" => value.text_into(&mut it.id)?,
                "function" => value.members(|name, value| it.function(name, value))?,
                "extra_content" => value.members(|name, value| match name {
                    "google" => value.members(|name, value| match name {
                        "thought_signature" => value.text().map(|text| it.google_signature = text),
                        _ => value.skip(),
                    }),
                    _ => value.skip(),
                })?,
                _ => value.skip()?,
            }
            Ok(())
        })?;
        Ok(it)
    }

    fn function(&mut self, name: &str, value: &mut Reader<'a>) -> Result<(), Malformed> {
        match name {
            "name" => value.text_into(&mut self.name)?,
            "arguments" => {
                self.arguments = match value.kind()? {
                    Kind::Object | Kind::Array => Cow::Borrowed(value.raw()?),
                    _ => value.text()?,
                }
            }
            "thought_signature" => value.text_into(&mut self.signature)?,
            _ => value.skip()?,
        }
        Ok(())
    }
}

/// Tokens, as chat and as images report them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    /// `prompt_tokens`, of images `input_tokens`.
    pub(crate) prompt: Option<u64>,
    /// `completion_tokens`, of images `output_tokens`.
    pub(crate) completion: Option<u64>,
    pub(crate) total: Option<u64>,
    pub(crate) cache_read: Option<u64>,
    pub(crate) cache_creation: Option<u64>,
    /// `prompt_tokens_details.cached_tokens`.
    pub(crate) cached: Option<u64>,
    /// `completion_tokens_details.reasoning_tokens`.
    pub(crate) reasoning: Option<u64>,
}

impl Usage {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let mut it = Self::default();
        reader.members(|name, value| {
            match name {
                "prompt_tokens" | "input_tokens" => it.prompt = value.count()?.or(it.prompt),
                "completion_tokens" | "output_tokens" => it.completion = value.count()?.or(it.completion),
                "total_tokens" => it.total = value.count()?,
                "cache_read_input_tokens" => it.cache_read = value.count()?,
                "cache_creation_input_tokens" => it.cache_creation = value.count()?,
                "prompt_tokens_details"
                | "input_tokens_details"
                | "completion_tokens_details"
                | "output_tokens_details" => {
                    value.members(|name, value| {
                        match name {
                            "cached_tokens" => it.cached = value.count()?,
                            "reasoning_tokens" => it.reasoning = value.count()?,
                            _ => value.skip()?,
                        }
                        Ok(())
                    })?;
                }
                _ => value.skip()?,
            }
            Ok(())
        })?;
        Ok(it)
    }
}

/// An answer to an image request.
#[derive(Debug, Default)]
pub(crate) struct Images<'a> {
    pub(crate) data: Option<Vec<Image<'a>>>,
    pub(crate) usage: Option<Usage>,
    pub(crate) model: Text<'a>,
    pub(crate) has_error: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Image<'a> {
    pub(crate) b64_json: Text<'a>,
    pub(crate) url: Text<'a>,
    pub(crate) revised_prompt: Text<'a>,
}

impl<'a> Images<'a> {
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let mut it = Self::default();
        document(bytes, |name, value| {
            match name {
                "data" if value.kind()? == Kind::Array => it.data = Some(list(value, Image::read)?),
                "usage" if value.kind()? == Kind::Object => it.usage = Some(Usage::read(value)?),
                "model" => value.text_into(&mut it.model)?,
                "error" => it.has_error = value.present()?.is_some(),
                _ => value.skip()?,
            }
            Ok(())
        })?;
        Ok(it)
    }
}

impl<'a> Image<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        let mut it = Self::default();
        reader.members(|name, value| {
            match name {
                "b64_json" => value.text_into(&mut it.b64_json)?,
                "url" => value.text_into(&mut it.url)?,
                "revised_prompt" => value.text_into(&mut it.revised_prompt)?,
                _ => value.skip()?,
            }
            Ok(())
        })?;
        Ok(it)
    }
}

/// A page of the model listing.
#[derive(Debug, Default)]
pub(crate) struct Listing<'a> {
    pub(crate) data: Option<Vec<Item<'a>>>,
    pub(crate) total: Option<u64>,
    pub(crate) provider: Text<'a>,
    pub(crate) has_error: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Item<'a> {
    pub(crate) id: Text<'a>,
    /// Only the hosted catalog has it.
    pub(crate) slug: Text<'a>,
    pub(crate) owned_by: Text<'a>,
}

impl<'a> Listing<'a> {
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::from_bytes(bytes)?;
        let mut it = Self::default();
        // Together's own list is a bare array.
        if reader.kind()? == Kind::Array {
            it.data = Some(list(&mut reader, Item::read)?);
            reader.end()?;
            return Ok(it);
        }
        document(bytes, |name, value| {
            match name {
                "data" if value.kind()? == Kind::Array => it.data = Some(list(value, Item::read)?),
                "total" => it.total = value.count()?,
                "provider" => value.text_into(&mut it.provider)?,
                "error" => it.has_error = value.present()?.is_some(),
                _ => value.skip()?,
            }
            Ok(())
        })?;
        Ok(it)
    }
}

impl<'a> Item<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        let mut it = Self::default();
        reader.members(|name, value| {
            match name {
                "id" => value.text_into(&mut it.id)?,
                "slug" => value.text_into(&mut it.slug)?,
                "owned_by" => value.text_into(&mut it.owned_by)?,
                _ => value.skip()?,
            }
            Ok(())
        })?;
        Ok(it)
    }
}

/// A failure, in any of the shapes that [`crate::error`] tells apart.
#[derive(Debug, Default)]
pub(crate) struct Failure<'a> {
    /// `error`, unless it is `null`, `false` or empty.
    pub(crate) error: Option<Detail<'a>>,
    /// `data` of the control plane's failures: `{"success":false,"data":{...}}`.
    pub(crate) data: Option<Detail<'a>>,
    /// `message` or `detail`.
    pub(crate) message: Text<'a>,
    pub(crate) html_message: Text<'a>,
    /// The first of `errors`.
    pub(crate) first: Text<'a>,
    pub(crate) provider: Text<'a>,
    /// `"status":"failure"` or `"success":false`.
    pub(crate) is_failure: bool,
}

/// The `error` or `data` inside of a failure.
#[derive(Debug, Default)]
pub(crate) struct Detail<'a> {
    pub(crate) message: Text<'a>,
    pub(crate) kind: Text<'a>,
    pub(crate) code: Text<'a>,
}

impl<'a> Failure<'a> {
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let mut it = Self::default();
        document(bytes, |name, value| {
            match name {
                "error" => it.error = Detail::read(value)?,
                "data" if value.kind()? == Kind::Object => it.data = Detail::read(value)?,
                "message" | "detail" => value.text_into(&mut it.message)?,
                "html-message" => value.text_into(&mut it.html_message)?,
                "errors" => {
                    let texts = list(value, Reader::text)?;
                    it.first = texts.into_iter().next().unwrap_or_default();
                }
                "provider" => value.text_into(&mut it.provider)?,
                "status" => it.is_failure |= value.text()? == "failure",
                "success" => it.is_failure |= value.raw()? == "false",
                _ => value.skip()?,
            }
            Ok(())
        })?;
        Ok(it)
    }
}

impl<'a> Detail<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Option<Self>, Malformed> {
        let mut it = Self::default();
        match reader.kind()? {
            Kind::Text => it.message = reader.text()?,
            Kind::Object => {
                let mut is_empty = true;
                reader.members(|name, value| {
                    is_empty = false;
                    match name {
                        "message" => value.text_into(&mut it.message)?,
                        "type" => value.text_into(&mut it.kind)?,
                        "code" | "errorCode" => value.text_into(&mut it.code)?,
                        _ => value.skip()?,
                    }
                    Ok(())
                })?;
                return Ok(if is_empty { None } else { Some(it) });
            }
            _ => {
                reader.skip()?;
                return Ok(None);
            }
        }
        Ok(if it.message.is_empty() { None } else { Some(it) })
    }
}
