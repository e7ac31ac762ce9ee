//! The fields of the gateway's answers: their names and places. The code that uses them says what they mean.
//!
//! Answers are read leniently on purpose, because some hundred providers are behind the gateway: `null`, a missing
//! field, or a field of another shape loses that field, but never the answer. Only a failure must not be overlooked.

mod images;
mod root;
mod vectors;

use alloc::borrow::{Cow, ToOwned};
use alloc::string::String;
use alloc::vec::Vec;

pub(crate) use images::{Image, Images};
use images::{images, within};
use root::{MAX_DEPTH, Result, is_failure, is_of_responses};
pub(crate) use root::{first, from_python, is_failed, last_event, objects, parted, root, unquoted};
pub(crate) use vectors::{Vector, Vectors};

use crate::bindings::exports::openclaw::provider::chat::FinishReason;
use crate::finish::finish_reason;
use crate::json::{Json, Object};
use crate::{finish, signature};

/// A text, read leniently, and where it is a string, how the answer spells it, in its quotes.
#[derive(Debug, Default)]
pub(crate) struct Spelled<'a> {
    pub(crate) text: Cow<'a, str>,
    json: Option<&'a str>,
}

impl<'a> Spelled<'a> {
    /// A text that no answer spells.
    pub(crate) fn of(text: Cow<'a, str>) -> Self {
        Self { text, json: None }
    }

    pub(crate) fn read(value: &Json<'a>) -> Self {
        // One content part in place of a list of them.
        let text = if value.is_object() { value.members().text("text") } else { value.text() };
        Self { text, json: value.spelled() }
    }
}

/// Each object of a list; one object alone counts as a list of it, and what is no object is left out. For Google the
/// gateway writes a `null` for each part behind a tool call that is none (gateway 1.15.2, streams).
#[inline(never)]
fn each<'a>(json: Json<'a>, read: &mut dyn FnMut(Object<'a>)) {
    if json.is_object() {
        json.into_object().filter(|object| !object.is_empty()).map(read);
        return;
    }
    json.into_items().into_iter().filter_map(Json::into_object).for_each(read);
}

/// The providers whose streams end with what was used, without a place for a reason: iFlytek's chunks have a `sid`, and those
/// of Claude at Snowflake no date.
pub(crate) const UNREASONED: &str = "iflytek|snowflake";

/// The gateway's name for the provider whose streams have no finish reason.
pub(crate) const WORKERS_AI: &str = "workers-ai";

/// A whole chat completion or one chunk of it: they differ in `message` and `delta` alone.
#[derive(Debug, Default)]
pub(crate) struct Completion<'a> {
    pub(crate) id: Cow<'a, str>,
    pub(crate) model: Cow<'a, str>,
    pub(crate) provider: Cow<'a, str>,
    /// Empty where there is none.
    pub(crate) choices: Vec<Choice<'a>>,
    /// Whether there is a list of choices at all.
    pub(crate) has_choices: bool,
    /// One that stands beside the choices.
    pub(crate) finish_reason: Cow<'a, str>,
    pub(crate) usage: Option<Object<'a>>,
    pub(crate) hook_results: Option<Json<'a>>,
    /// Sources that stand beside the choices (Perplexity).
    pub(crate) citations: Vec<Json<'a>>,
    /// What a failure says of itself, in whatever place.
    pub(crate) error: Option<Json<'a>>,
    /// Whether the whole is marked as a failure, with or without an `error`.
    pub(crate) is_failure: bool,
    /// An event or an answer of the Responses API, which is yet to be read.
    pub(crate) response: Option<Object<'a>>,
}

impl<'a> Completion<'a> {
    pub(crate) fn parse(text: &'a str) -> Result<Self> {
        let mut read = Self::default();
        let mut root = root(text)?;
        if is_of_responses(&root) {
            read.hook_results = root.take("hook_results");
            read.response = Some(root);
            return Ok(read);
        }
        for (name, value) in root {
            match &*name {
                _ if value.is_null() => {}
                "id" => read.id = value.text(),
                "model" => read.model = value.text(),
                "provider" => read.provider = value.text(),
                "sid" => read.provider = UNREASONED.into(),
                "created" if value.is_blank() => read.provider = UNREASONED.into(),
                "choices" => {
                    read.has_choices = value.is_nested();
                    // Most have one, which is large.
                    read.choices.reserve_exact(1);
                    each(value, &mut |choice| read.choices.push(Choice::read(choice)));
                }
                "usage" => read.usage = value.into_object().or(read.usage),
                "finish_reason" => read.finish_reason = reason(&value),
                // Groq says there too why a stream stopped early.
                "x_groq" => {
                    let mut groq = value.into_members();
                    read.usage = read.usage.or_else(|| groq.take("usage")?.into_object());
                    read.error = groq.take("error").filter(|error| !error.is_blank());
                }
                "hook_results" => read.hook_results = Some(value),
                // Of Perplexity the second holds the titles too, and will replace the first.
                "citations" if !read.citations.is_empty() => {}
                "citations" | "search_results" | "web_search" => read.citations = value.into_items(),
                _ => read.is_failure |= is_failure(&name, &value),
            }
        }
        for choice in &mut read.choices {
            read.error = read.error.or_else(|| choice.error.take());
            read.usage = read.usage.or_else(|| choice.usage.take());
        }
        Ok(read)
    }
}

#[derive(Debug, Default)]
pub(crate) struct Choice<'a> {
    pub(crate) index: Option<u64>,
    pub(crate) message: Option<Message<'a>>,
    pub(crate) delta: Option<Message<'a>>,
    pub(crate) finish_reason: Cow<'a, str>,
    /// Whether there is a place for it.
    pub(crate) has_reason: bool,
    /// Moonshot's place for it.
    pub(crate) usage: Option<Object<'a>>,
    pub(crate) error: Option<Json<'a>>,
}

impl<'a> Choice<'a> {
    fn read(choice: Object<'a>) -> Self {
        let mut read = Self::default();
        let (mut text, mut native) = (None, Cow::default());
        for (name, value) in choice {
            read.has_reason |= name == "finish_reason";
            match &*name {
                _ if value.is_null() => {}
                "index" => read.index = value.count(),
                "message" => read.message = message(value),
                "delta" => read.delta = message(value),
                // Of Google's own endpoint the second may be the one that says it.
                "finish_reason" | "finishReason" if read.finish_reason.is_empty() => {
                    read.finish_reason = reason(&value)
                }
                // OpenRouter's second word for it: `stop` may hide a failure, a filter or a limit.
                "native_finish_reason" => native = reason(&value),
                "usage" => read.usage = value.into_object().filter(|usage| !usage.is_empty()),
                "error" if !value.is_blank() => read.error = Some(value),
                // Of the completions that came before chats, and of MiniMax'.
                "text" => text = Some(value),
                "messages" => text = value.into_items().pop().and_then(|last| last.into_object()?.take("text")),
                _ => {}
            }
        }
        if !native.is_empty()
            && matches!(&*read.finish_reason, "stop" | "tool_calls")
            && (finish::is_failure(&native)
                || matches!(finish_reason(&native, false), FinishReason::Length | FinishReason::ContentFilter))
        {
            read.finish_reason = native;
        }
        if read.message.is_none() && read.delta.is_none() {
            read.message = text.and_then(message);
        }
        for message in [&mut read.message, &mut read.delta].into_iter().flatten() {
            read.error = read.error.or_else(|| message.error.take());
            if message.is_spoken && read.finish_reason.is_empty() {
                read.finish_reason = "stop".into();
            }
        }
        read
    }
}

/// No provider has a longer reason, in bytes.
const LONGEST_REASON: usize = 256;

/// Why an answer ended, as a text. SGLang has an object here too, and DashScope the text `null`; watsonx says of each
/// piece that it is not the last. `false` and 0 are none either.
pub(crate) fn reason<'a>(value: &Json<'a>) -> Cow<'a, str> {
    let text = if value.is_object() { value.members().text("type") } else { value.text() };
    if matches!(text.trim(), "null" | "none" | "None" | "not_finished" | "false" | "0" | "") {
        return Cow::default();
    }
    // It is looked at again with each that follows.
    if text.len() > LONGEST_REASON { text.chars().take(LONGEST_REASON).collect::<String>().into() } else { text }
}

/// A message, or its text alone.
fn message(value: Json<'_>) -> Option<Message<'_>> {
    if value.is_nested() {
        return value.into_object().map(Message::read);
    }
    Some(Message { content: Spelled::read(&value), ..Message::default() })
}

#[derive(Debug, Default)]
pub(crate) struct Message<'a> {
    pub(crate) content: Spelled<'a>,
    pub(crate) refusal: Cow<'a, str>,
    /// Whether the content is reasoning, by Google's mark.
    pub(crate) is_thought: bool,
    /// Some providers send it under two names.
    pub(crate) reasoning: Spelled<'a>,
    /// The name of the field that `reasoning` came in, where it is one that goes back.
    pub(crate) reasoning_field: Option<&'static str>,
    /// The same reasoning as OpenRouter has it, with what must go back.
    pub(crate) reasoning_details: Vec<Object<'a>>,
    pub(crate) content_blocks: Vec<Block<'a>>,
    pub(crate) tool_calls: Vec<ToolCall<'a>>,
    pub(crate) images: Vec<Image<'a>>,
    /// Citations and what else there is beside the text, as JSON objects.
    pub(crate) others: Vec<String>,
    /// Whether it says when what was spoken expires, and no more: the end of gpt-4o-audio's streams.
    pub(crate) is_spoken: bool,
    /// It belongs to the choice. Here it stands where the provider failed: see [`crate::stream`].
    pub(crate) finish_reason: Cow<'a, str>,
    pub(crate) error: Option<Json<'a>>,
}

impl<'a> Message<'a> {
    fn read(message: Object<'a>) -> Self {
        let mut read = Self::default();
        let (mut parts, mut calls, mut listed, mut function_call) = (Vec::new(), Vec::new(), Vec::new(), None);
        let mut by_rank: [Spelled<'a>; 3] = Default::default();
        let mut shown = String::new();
        for (name, value) in message {
            let [content, short, other] = &mut by_rank;
            match &*name {
                _ if value.is_null() => {}
                "content" => {
                    // Of several the last counts.
                    parts.clear();
                    read.content = Spelled::read(&value);
                    if value.is_nested() {
                        calls.clear();
                        each(value.clone(), &mut |part| match &*part.text("type") {
                            "tool_use" => calls.push(ToolCall::read(part)),
                            _ => parts.push(Block::read(part)),
                        });
                    }
                    // What is thought may be spelled as what is said.
                    if parts.iter().any(|part| !part.thinking.text.is_empty()) {
                        read.content = Spelled::of(parts.iter().map(|part| &*part.text).collect::<String>().into());
                    }
                    // An answer in JSON that was read before it was sent (Workers AI).
                    let of_block = ["type", "text", "delta", "tool_use_id"];
                    let is_json = |value: &Json<'_>| {
                        value
                            .object()
                            .is_some_and(|json| !json.is_empty() && !of_block.iter().any(|name| json.has(name)))
                    };
                    let are_json = |all: Vec<Json<'_>>| !all.is_empty() && all.iter().all(is_json);
                    let is_known = |part: &Block<'_>| part.image.is_some() || !part.thinking.text.is_empty();
                    if read.content.text.is_empty()
                        && (is_json(&value) || value.list().is_some_and(are_json))
                        && !parts.iter().any(is_known)
                    {
                        read.content.text = value.to_json().into();
                        parts.clear();
                    }
                }
                // Snowflake's calls, whole or in pieces. Its texts are in `content` too.
                "content_list" => each(value, &mut |part| {
                    if matches!(&*part.text("type"), "" | "tool_use") {
                        listed.push(ToolCall::read(part));
                    }
                }),
                "refusal" => read.refusal = value.string().unwrap_or_default(),
                "reasoning_content" => *content = Spelled::read(&value),
                "reasoning" => *short = Spelled::read(&value),
                "thinking" | "reasoning_text" | "thinking_content" => *other = Spelled::read(&value),
                // Some of them are the answer (openclaw#69538).
                "reasoning_details" => each(value, &mut |detail| match &*detail.text("type") {
                    "response.output_text" | "response.text" => shown += &detail.text("text"),
                    _ => read.reasoning_details.push(detail),
                }),
                "content_blocks" => each(value, &mut |block| read.content_blocks.push(Block::read(block))),
                "thinking_blocks" => each(value, &mut |block| {
                    read.content_blocks.push(Block { form: signature::BLOCKS, ..Block::read(block) })
                }),
                "tool_calls" => each(value, &mut |call| read.tool_calls.push(ToolCall::read(call))),
                "function_call" => function_call = value.into_object(),
                "images" | "image" => read.images = images(value),
                // Of gateways before Gemini.
                "multi_mod_content" | "parts" | "image_urls" => {
                    within(name == "image_urls", value, MAX_DEPTH, &mut read.images)
                }
                "annotations" | "citations" => each(value, &mut |part| read.others.push(typed(&part, "citation"))),
                // Snowflake's is there and empty.
                "audio" if !value.is_blank() => {
                    let audio = value.into_members();
                    read.is_spoken = audio.iter().map(|(name, _)| name).eq(["expires_at"]);
                    read.others.push(typed(&audio, "audio"));
                }
                "finish_reason" => read.finish_reason = reason(&value),
                "extra_content" => {
                    let google = value.object().and_then(|extra| extra.get("google")?.object()).unwrap_or_default();
                    read.is_thought = google.get("thought").and_then(Json::bool) == Some(true);
                }
                "error" if !value.is_blank() => read.error = Some(value),
                _ => {}
            }
        }
        if read.content.text.is_empty() && !shown.is_empty() {
            read.content = Spelled::of(shown.into());
        }
        let names = [Some("reasoning_content"), Some("reasoning"), None];
        if let Some((text, name)) = by_rank.into_iter().zip(names).find(|(text, _)| !text.text.is_empty()) {
            read.reasoning = text;
            read.reasoning_field = name;
        }
        if !read.refusal.is_empty() && parts.iter().map(|part| &*part.refusal).collect::<String>() == read.refusal {
            read.refusal = Cow::default();
        }
        // Of Claude at Vertex (gateway 1.15.2), and of Mistral, the blocks are in `content` itself.
        if read.content_blocks.iter().all(|block| block.form == signature::BLOCKS) {
            // Of LiteLLM those that are reasoning are there already.
            let has_reasoning = !read.content_blocks.is_empty();
            parts.retain(|part| !has_reasoning || part.thinking.text.is_empty() && part.data.is_empty());
            // Texts alone are one text.
            if read.content.text.is_empty() || !parts.iter().all(Block::is_text) {
                read.content_blocks.append(&mut parts);
            }
        }
        // The older form of one call; some send both.
        if read.tool_calls.is_empty() {
            calls.append(&mut listed);
            calls.extend(function_call.filter(|call| !call.is_empty()).map(ToolCall::function_call));
            read.tool_calls = calls;
        }
        read
    }

    /// The first text of a delta, as the answer spells it. Where a delta gives one event that holds a text, it is this
    /// one: each that is not empty gives an event, but for reasoning where a block has some.
    pub(crate) fn spelled(&self) -> Option<&'a str> {
        // Details are joined from chunk to chunk.
        if self.content_blocks.len() > 1 || !self.reasoning_details.is_empty() {
            return None;
        }
        let thinking = self.content_blocks.first().map(|block| &block.thinking);
        let arguments = self.tool_calls.first().map(|call| &call.arguments);
        let texts = [Some(&self.content), thinking, Some(&self.reasoning), arguments];
        texts.into_iter().flatten().find(|spelled| !spelled.text.is_empty())?.json
    }
}

/// An object that has a `type`, as JSON: `kind` where it has none.
pub(crate) fn typed(object: &Object<'_>, kind: &str) -> String {
    if !object.text("type").is_empty() {
        return object.to_json();
    }
    let mut others = object.clone();
    others.remove("type");
    let mut named = Object::from([("type", Json::from(kind))]);
    named.extend(others);
    named.to_json()
}

/// One block of Portkey's `content_blocks`, sent with `x-portkey-strict-open-ai-compliance: false`, or a content part. In
/// a stream the fields stand one level down, in `delta`, and the type is left out. Source: gateway 1.15.2, provider
/// `anthropic`.
#[derive(Debug, Default)]
pub(crate) struct Block<'a> {
    pub(crate) text: Cow<'a, str>,
    pub(crate) thinking: Spelled<'a>,
    pub(crate) signature: Cow<'a, str>,
    /// Marks its signature, where that goes back in a form of its own.
    pub(crate) form: &'static str,
    /// Reasoning that the provider encrypted.
    pub(crate) data: Cow<'a, str>,
    pub(crate) refusal: Cow<'a, str>,
    pub(crate) image: Option<Image<'a>>,
    /// Anything else, as a JSON object with a type: a citation, or what a provider's own tool gave.
    pub(crate) others: Vec<String>,
    /// A call of a provider's own tool, whose arguments are to come.
    pub(crate) server_call: Option<Object<'a>>,
}

impl<'a> Block<'a> {
    pub(crate) fn read(mut block: Object<'a>) -> Self {
        let block = block.take("delta").map_or(block, |delta| delta.into_members());
        let mut read = Self::default();
        let kind = block.text("type");
        match &*kind {
            "" | "text" | "thinking" | "redacted_thinking" | "output_text" | "reasoning" | "reasoning_text" => {}
            "refusal" => {
                read.refusal = block.text("refusal");
                return read;
            }
            _ => {
                read.image =
                    Some(block.clone().into()).filter(|_| kind.contains("image")).as_ref().and_then(Image::read);
                if read.image.is_none() {
                    read.others.push(block.to_json());
                }
                return read;
            }
        }
        let mut is_known = false;
        for (name, value) in block.iter() {
            match &**name {
                _ if value.is_null() => {}
                "text" | "content" if matches!(&*kind, "thinking" | "reasoning" | "reasoning_text") => {
                    read.thinking = Spelled::read(value)
                }
                // An object in the style of OpenAI's assistants.
                "text" if value.is_object() => read.text = value.members().text("value"),
                "text" => read.text = value.text(),
                "thinking" | "reasoning" | "summary" => read.thinking = Spelled::read(value),
                "signature" => read.signature = value.text(),
                "data" => read.data = value.text(),
                "citation" | "citations" => {
                    each(value.clone(), &mut |citation| read.others.push(typed(&citation, "citation")));
                }
                _ => continue,
            }
            is_known = true;
        }
        if !is_known && kind.is_empty() {
            read.image = Image::read(&block.clone().into());
            if block.get("tool_use_id").is_some() {
                read.others.push(typed(&block, "web_search_tool_result"));
            } else if read.image.is_none() && block.get("name").is_some() {
                read.server_call = Some(block);
            }
        }
        read
    }

    /// Whether it is reasoning.
    pub(crate) fn is_thinking(&self) -> bool {
        [&self.thinking.text, &self.signature, &self.data].iter().any(|text| !text.is_empty())
    }

    /// Whether it is a text and nothing else.
    pub(crate) fn is_text(&self) -> bool {
        !self.is_thinking()
            && self.refusal.is_empty()
            && self.image.is_none()
            && self.others.is_empty()
            && self.server_call.is_none()
    }
}

#[derive(Debug, Default)]
pub(crate) struct ToolCall<'a> {
    pub(crate) index: Option<u64>,
    /// Without white space around it: some send a blank one.
    pub(crate) id: Cow<'a, str>,
    pub(crate) name: Cow<'a, str>,
    /// A text, but of some providers the object itself, as its JSON.
    pub(crate) arguments: Spelled<'a>,
    /// Portkey's own signature.
    pub(crate) thought_signature: Cow<'a, str>,
    /// Google's, marked.
    pub(crate) extra_signature: String,
    /// What is no function's call, as its JSON.
    pub(crate) other: Option<String>,
}

/// How the id of a call begins that Anthropic made itself.
pub(crate) const CALLED: &str = "srvtoolu_";

impl<'a> ToolCall<'a> {
    /// The number of a call in its older form, which has none.
    pub(crate) const FUNCTION_CALL: u64 = u64::MAX;

    fn read(mut call: Object<'a>) -> Self {
        let function = call.take("function").or_else(|| call.take("tool_use")).and_then(Json::into_object);
        let mut read = Self::default();
        // Some providers have all of it one level up.
        read.function(&call);
        if let Some(function) = &function {
            read.function(function);
        } else if !matches!(&*call.text("type"), "" | "function") && read.name.is_empty() {
            read.other = Some(call.to_json());
        }
        for (name, value) in call {
            match &*name {
                "index" => read.index = value.count(),
                "id" => read.id = trimmed(value.text()),
                "extra_content" => {
                    read.extra_signature = signature::of_extra(value.members()).unwrap_or_default();
                }
                _ => {}
            }
        }
        if read.id.starts_with(CALLED) {
            read.name = Cow::default();
        }
        read
    }

    fn function_call(function: Object<'a>) -> Self {
        let mut read = Self { index: Some(Self::FUNCTION_CALL), ..Self::default() };
        read.function(&function);
        read
    }

    fn function(&mut self, function: &Object<'a>) {
        for (name, value) in function.iter() {
            match &**name {
                _ if value.is_null() => {}
                // A piece that has none, of a proxy that writes it so (litellm#12513).
                "name" if value.is("null") => {}
                "name" => self.name = trimmed(value.text()),
                "tool_use_id" => self.id = trimmed(value.text()),
                "arguments" | "args" | "input" | "parameters" if value.is_nested() => {
                    self.arguments = Spelled { text: Cow::Owned(value.to_json()), json: None };
                }
                "args" | "input" | "parameters" if !self.arguments.text.is_empty() => {}
                "arguments" | "args" | "input" | "parameters" => {
                    self.arguments = Spelled { text: value.text(), json: value.spelled() }
                }
                "thought_signature" => self.thought_signature = value.text(),
                _ => {}
            }
        }
    }
}

/// A name or an id, without white space around it and without tokens of the model's own behind it: gpt-oss' calls are named
/// `f<|channel|>commentary` by some servers (pydantic-ai#7143).
fn trimmed(text: Cow<'_, str>) -> Cow<'_, str> {
    let own = |text: &str| text.find("<|").unwrap_or(text.len());
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.get(..own(text)).unwrap_or_default().trim()),
        Cow::Owned(text) => Cow::Owned(text.get(..own(&text)).unwrap_or_default().trim().to_owned()),
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
            Object::parse(&json).map(|call| ToolCall::read(call).arguments.text.len())
        };
        assert_eq!(arguments(&deep), Some(200_000));
        assert_eq!(arguments(&deep[1..]), None);
    }

    #[test]
    fn a_field_of_another_shape_costs_that_field_alone() {
        for field in [
            r#""content_blocks":3"#, r#""content_blocks":"""#, r#""content_blocks":{}"#, r#""tool_calls":{}"#,
            r#""tool_calls":"x""#, r#""tool_calls":[3,null,"x"]"#, r#""tool_calls":false"#, r#""reasoning":{}"#,
            r#""reasoning_details":"x""#, r#""images":{}"#, r#""images":[null,3,{}]"#, r#""annotations":{}"#,
            r#""audio":null"#, r#""function_call":"x""#, r#""refusal":[]"#, r#""refusal":false"#, r#""error":{}"#,
        ] {
            for place in ["message", "delta"] {
                let json = format!(
                    r#"{{"choices":[{{"{place}":{{"content":"c",{field}}},"usage":[],"index":"x"}}],"usage":3}}"#
                );
                let read = Completion::parse(&json).unwrap();
                let [choice] = &read.choices[..] else { panic!("{json}") };
                let message = choice.message.as_ref().or(choice.delta.as_ref()).unwrap();
                assert_eq!(message.content.text, "c", "{json}");
                assert!(message.tool_calls.is_empty() && message.images.is_empty() && read.error.is_none(), "{json}");
                assert_eq!(message.refusal, "", "{json}");
            }
        }
        assert!(Completion::parse("[]").is_err() && Completion::parse("{").is_err());
    }
}
