//! Answers of OpenAI's Responses API, as the chunks of a chat: what they add to an answer goes the way of all others, by
//! the same rules. A whole answer is read as the event that ends a stream, when nothing has come before it.
//!
//! Source: OpenAI's API reference, "Streaming events", and its client for Node, 6.49; gateway 1.15.2, whose cache sends a
//! reasoning item without the pieces before it, and 2.2.3, which numbers a call and the text beside it alike.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::json::{Json, Object};
use crate::parts::MAX_CALLS;
use crate::signature::ITEM;
use crate::wire::{self, Block, Choice, Completion, Image, Message, Spelled, ToolCall};

/// Whether it is an event, or a whole answer, of the Responses API.
pub(crate) fn is_its(root: &Object<'_>) -> bool {
    root.iter().any(|(name, value)| match &**name {
        "object" => value.is("response"),
        "type" => value.text().starts_with("response."),
        _ => false,
    })
}

/// What has come of an answer.
#[derive(Debug, Default)]
pub(crate) struct Items {
    /// The numbers of items of which pieces came: what tells of them at their end holds the same once more.
    begun: Vec<u64>,
    /// How much was said, as [`weight`] has it.
    weight: usize,
    /// Whether anything came.
    is_any: bool,
}

impl Items {
    /// The chunks that an event stands for.
    pub(crate) fn chunks<'a>(&mut self, mut event: Object<'a>) -> Vec<Completion<'a>> {
        let kind = event.text("type");
        let Some(kind) = kind.strip_prefix("response.") else { return self.answer(event, "") };
        if let Some(answer) = event.take("response").and_then(Json::into_object) {
            return self.answer(answer, kind);
        }
        if let Some(error) = event.take("error") {
            return failed(Some(error));
        }
        let at = event.get("output_index").and_then(Json::count).unwrap_or(0);
        let item = event.take("item").and_then(Json::into_object);
        let delta = event.get("delta").map(Spelled::read).unwrap_or_default();
        let mut is_piece = !delta.text.is_empty();
        let message = match (kind, item) {
            ("output_text.delta", _) => Message { content: delta, ..Message::default() },
            ("refusal.delta", _) => Message { refusal: delta.text, ..Message::default() },
            ("reasoning_summary_text.delta" | "reasoning_text.delta", _) => {
                Message { reasoning: delta, ..Message::default() }
            }
            ("reasoning_summary_part.added", _) if self.begun.contains(&at) => {
                Message { reasoning: Spelled::of(BETWEEN.into()), ..Message::default() }
            }
            ("function_call_arguments.delta", _) => {
                calling(ToolCall { index: Some(at), arguments: delta, ..ToolCall::default() })
            }
            ("output_item.added", Some(item)) if item.is("type", "function_call") => {
                is_piece = !item.text("arguments").is_empty();
                called(at, &item)
            }
            ("output_item.done", Some(item)) => self.item(at, item),
            // The rest says once more what was said, or that something goes on.
            _ => return Vec::new(),
        };
        // Most pieces are of the item before.
        if is_piece && !self.begun.iter().rev().any(|&known| known == at) {
            self.begun.push(at);
        }
        alloc::vec![self.heard(message)]
    }

    /// Whether there are more than an answer may have.
    pub(crate) fn are_too_many(&self) -> bool {
        self.begun.len() > MAX_CALLS
    }

    /// A chunk with this message.
    fn heard<'a>(&mut self, message: Message<'a>) -> Completion<'a> {
        self.is_any = true;
        let blocks = message.content_blocks.iter().map(|block| block.text.len() + block.refusal.len());
        let arguments = message.tool_calls.iter().map(|call| call.arguments.text.len());
        self.weight += message.content.text.len() + message.refusal.len() + blocks.chain(arguments).sum::<usize>();
        chunk(Choice { delta: Some(message), ..Choice::default() })
    }

    /// An item that is whole: what of it has not come yet, and what comes with its end alone.
    fn item<'a>(&self, at: u64, item: Object<'a>) -> Message<'a> {
        let is_new = !self.begun.contains(&at);
        let mut message = Message::default();
        match &*item.text("type") {
            "message" => {
                for mut part in parts(&item, "content") {
                    for cited in part.take("annotations").and_then(Json::into_list).unwrap_or_default() {
                        message.others.extend(cited.object().map(|cited| wire::typed(&cited, "citation")));
                    }
                    let mut block = Block::read(part);
                    if !is_new {
                        (block.text, block.refusal) = Default::default();
                    }
                    message.content_blocks.push(block);
                }
            }
            "reasoning" => {
                let text = if is_new { thoughts(&item) } else { String::new() };
                let thinking = Spelled::of(text.into());
                // Without what is encrypted it cannot be sent back: nothing is stored.
                let is_sealed = item.get("encrypted_content").is_some();
                let signature =
                    if is_sealed { format!("{ITEM}{}", Json::from(item).compact()).into() } else { Cow::default() };
                message.content_blocks.push(Block { thinking, signature, ..Block::default() });
            }
            "function_call" if is_new => return called(at, &item),
            "function_call" => {}
            "image_generation_call" if item.get("result").is_some() => {
                message.images.push(Image { base64: item.text("result"), ..Image::default() });
            }
            _ => message.others.push(item.to_json()),
        }
        message
    }

    /// An answer as it stands; at its end with all of its items.
    fn answer<'a>(&mut self, mut answer: Object<'a>, kind: &str) -> Vec<Completion<'a>> {
        if let Some(error) = answer.take("error") {
            return failed(Some(error));
        }
        let said = answer.text("status");
        let status = if said.is_empty() { kind } else { &*said };
        let output = answer.take("output").and_then(Json::into_list).unwrap_or_default();
        let output: Vec<Object<'a>> = output.into_iter().filter_map(Json::into_object).collect();
        let mut first = chunk(Choice::default());
        (first.id, first.model) = (answer.text("id"), answer.text("model"));
        let mut chunks = alloc::vec![first];
        let reason = match status {
            "completed" => "stop".into(),
            "incomplete" => {
                let details = answer.get("incomplete_details").and_then(Json::object).unwrap_or_default();
                Some(details.text("reason")).filter(|reason| !reason.is_empty()).unwrap_or("incomplete".into())
            }
            "failed" | "cancelled" => {
                return failed(None);
            }
            _ => return chunks,
        };
        // Less came than the answer holds: it has no end, then.
        let is_cut = self.is_any && output.iter().map(weight).sum::<usize>() > self.weight;
        let finish_reason = if is_cut { Cow::default() } else { reason };
        // The answer came without pieces.
        if !self.is_any {
            for (at, item) in output.into_iter().enumerate() {
                let message = self.item(at as u64, item);
                chunks.push(self.heard(message));
            }
        }
        let usage = answer.take("usage").and_then(Json::into_object);
        chunks.push(Completion { usage, ..chunk(Choice { finish_reason, ..Choice::default() }) });
        chunks
    }
}

/// What stands between two parts of a summary.
const BETWEEN: &str = "\n\n";

/// A failure, in its own words where it has some.
fn failed(error: Option<Json<'_>>) -> Vec<Completion<'_>> {
    alloc::vec![Completion { error, is_failure: true, ..Completion::default() }]
}

fn chunk(choice: Choice<'_>) -> Completion<'_> {
    Completion { choices: alloc::vec![choice], has_choices: true, ..Completion::default() }
}

fn calling(call: ToolCall<'_>) -> Message<'_> {
    Message { tool_calls: alloc::vec![call], ..Message::default() }
}

fn called<'a>(at: u64, item: &Object<'a>) -> Message<'a> {
    let arguments = item.get("arguments").map(Spelled::read).unwrap_or_default();
    calling(ToolCall {
        index: Some(at),
        id: item.text("call_id"),
        name: item.text("name"),
        arguments,
        ..ToolCall::default()
    })
}

fn parts<'a>(item: &Object<'a>, name: &str) -> Vec<Object<'a>> {
    let parts = item.get(name).and_then(Json::list).unwrap_or_default();
    parts.into_iter().filter_map(Json::into_object).collect()
}

/// The reasoning of an item: what may be shown of it, else all.
fn thoughts(item: &Object<'_>) -> String {
    let of = |name: &str| {
        let texts: Vec<String> = parts(item, name).iter().map(|part| part.text("text").to_string()).collect();
        Some(texts.join(BETWEEN)).filter(|text| !text.is_empty())
    };
    of("summary").or_else(|| of("content")).unwrap_or_default()
}

/// How many bytes of words and arguments an item holds.
fn weight(item: &Object<'_>) -> usize {
    match &*item.text("type") {
        "message" => {
            parts(item, "content").iter().map(|part| part.text("text").len() + part.text("refusal").len()).sum()
        }
        "function_call" => item.text("arguments").len(),
        _ => 0,
    }
}
