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
use crate::stream::said::Heard;
use crate::text::hash_of;
use crate::wire::{self, Block, Choice, Completion, Image, Message, Spelled, ToolCall};

/// What has come of an answer.
#[derive(Debug, Default)]
pub(crate) struct Items {
    /// Items of which pieces came, in the order of their places: what tells of them at their end holds the same once more, and
    /// maybe more.
    begun: Vec<Begun>,
    /// Calls whose number another has: the ids of the item and of the call, as hashes, since any number of long ones may be
    /// looked for, and that number. Their own are from [`MOVED`] on.
    moved: Vec<([u64; 2], u64)>,
    /// How much was said, as [`weight`] has it.
    weight: usize,
    /// Whether anything came.
    pub(crate) is_any: bool,
    /// Whether the end of an item is not how it began.
    is_changed: bool,
}

/// What is said piece by piece: the number of its item, of its part there, and the member that holds it in the end. Some
/// servers number a text and the call beside it alike (gateway 2.0.0 and 2.2.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    item: u64,
    part: u64,
    member: &'static str,
}

/// What pieces came of.
#[derive(Clone, Copy, Debug, Default)]
struct Begun {
    at: Place,
    heard: Heard,
    /// Whether the id of a call came, and its name. vLLM's streams of gpt-oss have another id at the end.
    is_named: [bool; 2],
}

/// The events at the end of a text, the members that hold all of it, and the events of its pieces.
const ENDS: [(&str, &str, &str); 3] = [
    ("output_text.done", "text", "output_text.delta"),
    ("refusal.done", "refusal", "refusal.delta"),
    (ARGUMENTS_DONE, ARGUMENTS, "function_call_arguments.delta"),
];

const ARGUMENTS_DONE: &str = "function_call_arguments.done";

const ARGUMENTS: &str = "arguments";

/// The first number of calls that were moved, above those that any answer has.
const MOVED: u64 = 1 << 32;

impl Items {
    /// The chunks that an event stands for.
    pub(crate) fn chunks<'a>(&mut self, mut event: Object<'a>) -> Vec<Completion<'a>> {
        let kind = event.text("type");
        let Some(mut kind) = kind.strip_prefix("response.") else { return self.answer(event, "") };
        let answer = event.take("response").and_then(Json::into_object);
        // Some end with the name of the event alone.
        if let Some(answer) = answer.or_else(|| (kind == "completed").then(Object::default)) {
            return self.answer(answer, kind);
        }
        if let Some(error) = event.take("error") {
            return failed(Some(error));
        }
        let number = |name| event.get(name).and_then(Json::count).unwrap_or(0);
        let of_kind = ENDS.iter().find(|(end, _, piece)| *end == kind || *piece == kind);
        let item = event.get("item").and_then(Json::object);
        let is_call = kind == ARGUMENTS_DONE || item.as_ref().is_some_and(|item| item.is("type", "function_call"));
        let of_item = if is_call { ARGUMENTS } else { "" };
        let member = of_kind.map_or(of_item, |(_, member, _)| member);
        // Arguments have no parts, whatever is said.
        let part = if member == ARGUMENTS { 0 } else { number("content_index") };
        let ids = match &item {
            Some(item) => [item.text("id"), item.text("call_id")],
            None => [event.text("item_id"), Cow::default()],
        };
        let mut at = Place { item: number("output_index"), part, member };
        // What has no id is of the last call with its number.
        let is_last = member == ARGUMENTS && ids.iter().all(|id| id.is_empty());
        let ids = ids.map(|id| hash_of(&id));
        let is_its = |(known, number): &([u64; 2], u64)| {
            let has_same = || ids.iter().zip(known).any(|(id, known)| *id != 0 && id == known);
            if is_last { *number == at.item } else { has_same() }
        };
        if let Some(moved) = self.moved.iter().rposition(is_its) {
            at.item = MOVED + moved as u64;
        }
        if kind == "output_item.added" && is_call {
            if self.begun(at).is_some() {
                at.item = MOVED + self.moved.len() as u64;
                self.moved.push((ids, number("output_index")));
            }
            self.begin(at);
        }
        let mut delta = event.get("delta").map(Spelled::read).unwrap_or_default();
        if let Some((_, member, piece)) = of_kind.filter(|(end, ..)| *end == kind && !is_call) {
            // Some send the end alone.
            let Some(rest) = self.rest(at, event.get(member)) else { return Vec::new() };
            (kind, delta) = (piece, Spelled::of(rest));
        }
        let mut said = delta.text.clone();
        let message = match (kind, item) {
            ("output_text.delta", _) => Message { content: delta, ..Message::default() },
            ("refusal.delta", _) => Message { refusal: delta.text, ..Message::default() },
            ("reasoning_summary_text.delta" | "reasoning_text.delta", _) => {
                Message { reasoning: delta, ..Message::default() }
            }
            ("reasoning_summary_part.added", _) if self.is_begun(at.item, &[""]) => {
                Message { reasoning: Spelled::of(BETWEEN.into()), ..Message::default() }
            }
            ("function_call_arguments.delta", _) => calling(piece(at.item, delta)),
            // It may be the first that has the name.
            (ARGUMENTS_DONE, _) => {
                self.begin(at);
                self.call(at.item, &event)
            }
            ("output_item.added", Some(item)) if is_call => {
                let mut message = self.call(at.item, &item);
                // It is yet to come (BerriAI/litellm#4537).
                if let Some(call) = message.tool_calls.first_mut().filter(|call| call.arguments.text == "{}") {
                    call.arguments = Spelled::default();
                }
                message
            }
            ("output_item.done", Some(item)) => self.item(at.item, item),
            // The rest says once more what was said, or that something goes on.
            _ => return Vec::new(),
        };
        if is_call {
            said = message.tool_calls.first().map(|call| call.arguments.text.clone()).unwrap_or_default();
        }
        if !said.is_empty() {
            self.begin(at);
            if let Some(begun) = self.begun(at) {
                begun.heard.add(&said);
            }
        }
        alloc::vec![self.heard(message)]
    }

    /// Makes room for what is there, if no piece of it came yet.
    fn begin(&mut self, at: Place) {
        if let Err(free) = self.search(at) {
            self.begun.insert(free, Begun { at, ..Begun::default() });
        }
    }

    /// What is there, if pieces of it came.
    fn begun(&mut self, at: Place) -> Option<&mut Begun> {
        let found = self.search(at).ok()?;
        self.begun.get_mut(found)
    }

    /// Where what is there stands among all that was begun, or where it would.
    fn search(&self, at: Place) -> Result<usize, usize> {
        self.begun.binary_search_by(|known| known.at.cmp(&at))
    }

    /// Whether pieces of the item with this number came, for one of these members; the empty one is reasoning.
    fn is_begun(&self, item: u64, members: &[&str]) -> bool {
        let first = self.begun.partition_point(|known| known.at.item < item);
        let mut of_item = self.begun.iter().skip(first).take_while(|known| known.at.item == item);
        of_item.any(|known| members.contains(&known.at.member))
    }

    /// What of a text, as it is at its end, has not come. `None` for nothing, and where it began in another way.
    fn rest<'a>(&mut self, at: Place, text: Option<&Json<'a>>) -> Option<Cow<'a, str>> {
        // The end of a text that there is none of says nothing.
        let text = Some(spelled(text?).text).filter(|text| !text.is_empty())?;
        let Some(begun) = self.begun(at).map(|begun| *begun) else {
            // Some number the part in the one event and not in the other.
            let all = Heard::of(&text);
            let is_it = |known: &Begun| (known.heard, known.at.item, known.at.member) == (all, at.item, at.member);
            return if self.begun.iter().any(is_it) { None } else { Some(Cow::Owned(text.into_owned())) };
        };
        let rest = begun.heard.rest(&text);
        // LM Studio's end of a call holds no arguments, whatever came (pi#917).
        self.is_changed |= rest.is_none() && (at.member != ARGUMENTS || text != "{}");
        let rest = rest.filter(|rest| !rest.is_empty())?;
        Some(Cow::Owned(rest.to_string()))
    }

    /// Whether more was begun than an answer may have.
    pub(crate) fn are_too_many(&self) -> bool {
        self.begun.len() > MAX_CALLS
    }

    /// A chunk with this message.
    fn heard<'a>(&mut self, message: Message<'a>) -> Completion<'a> {
        self.is_any = true;
        let blocks = message.content_blocks.iter().map(|block| block.text.len() + block.refusal.len());
        let arguments = message.tool_calls.iter().map(|call| call.arguments.text.len());
        let images = message.images.iter().map(|image| image.base64.len());
        let others = blocks.chain(arguments).chain(images).sum::<usize>();
        self.weight += message.content.text.len() + message.refusal.len() + others;
        chunk(Choice { delta: Some(message), ..Choice::default() })
    }

    /// An item that is whole: what of it has not come yet, and what comes with its end alone.
    fn item<'a>(&mut self, at: u64, item: Object<'a>) -> Message<'a> {
        let mut message = Message::default();
        match &*item.text("type") {
            "message" => {
                let is_new = !self.is_begun(at, &["text", "refusal"]);
                for mut part in parts(&item, "content") {
                    for cited in part.take_list("annotations") {
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
                let text = if self.is_begun(at, &[""]) { String::new() } else { thoughts(&item) };
                let thinking = Spelled::of(text.into());
                // Without what is encrypted it cannot be sent back: nothing is stored.
                let is_sealed = item.get("encrypted_content").is_some();
                let signature =
                    if is_sealed { format!("{ITEM}{}", Json::from(item).compact()).into() } else { Cow::default() };
                message.content_blocks.push(Block { thinking, signature, ..Block::default() });
            }
            "function_call" => return self.call(at, &item),
            "image_generation_call" if item.get("result").is_some() => {
                message.images.push(Image { base64: item.text("result"), ..Image::default() });
            }
            _ => message.others.push(item.to_json()),
        }
        message
    }

    /// What of a call has not come yet.
    fn call<'a>(&mut self, number: u64, item: &Object<'a>) -> Message<'a> {
        let at = Place { item: number, part: 0, member: ARGUMENTS };
        let rest = self.rest(at, item.get(ARGUMENTS)).unwrap_or_default();
        let (id, name) = (item.text("call_id"), item.text("name"));
        let mut call = ToolCall { id, name, ..piece(number, Spelled::of(rest)) };
        if let Some(begun) = self.begun(at) {
            for (is_named, name) in begun.is_named.iter_mut().zip([&mut call.id, &mut call.name]) {
                if *is_named {
                    *name = Cow::default();
                }
                *is_named |= !name.is_empty();
            }
        }
        calling(call)
    }

    /// An answer as it stands; at its end with all of its items.
    fn answer<'a>(&mut self, mut answer: Object<'a>, kind: &str) -> Vec<Completion<'a>> {
        if let Some(error) = answer.take("error") {
            return failed(Some(error));
        }
        let said = answer.text("status");
        let status = if said.is_empty() { kind } else { &*said };
        let output = answer.take_list("output");
        let mut output: Vec<Object<'a>> = output.into_iter().filter_map(Json::into_object).collect();
        // What OpenAI's clients make of the items, some servers send in their place.
        if let Some(text) = answer.take("output_text").filter(|_| output.is_empty()) {
            output.push([("type", "message".into()), ("content", text)].into());
        }
        let mut first = chunk(Choice::default());
        (first.id, first.model) = (answer.text("id"), answer.text("model"));
        let mut chunks = alloc::vec![first];
        let reason = match status {
            "completed" | "done" | "" => "stop".into(),
            "incomplete" => {
                let details = answer.object("incomplete_details");
                let reason = details.get("reason").map(wire::reason).unwrap_or_default();
                if reason.is_empty() { "incomplete".into() } else { reason }
            }
            "failed" | "cancelled" => {
                return failed(None);
            }
            "queued" if kind.is_empty() => {
                return failed(Some("The answer is only queued: it is made in the background".into()));
            }
            _ => return chunks,
        };
        let held = output.iter().map(weight).sum::<usize>();
        // The answer came without pieces, or some of it did (opencode#44893): a call tells its rest, a text all or nothing.
        let (is_new, is_less) = (!self.is_any, held > self.weight);
        for (at, item) in (0..).zip(output) {
            let is_call = item.is("type", "function_call");
            let is_left = || is_call || item.is("type", "message") && !self.is_begun(at, &["text", "refusal"]);
            // Each is looked for among what began.
            if is_new || is_less && at < MAX_CALLS as u64 && is_left() {
                let message = self.item(at, item);
                chunks.push(self.heard(message));
            }
        }
        // Less came than the answer holds, or a part of it twice: it has no end, then.
        let is_cut = self.is_changed || is_less && held != self.weight;
        let finish_reason = if is_cut { Cow::default() } else { reason };
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

/// A piece of the arguments of the call with this number.
fn piece(at: u64, arguments: Spelled<'_>) -> ToolCall<'_> {
    ToolCall { index: Some(at), arguments, ..ToolCall::default() }
}

/// A text, or of arguments the object itself, as its JSON.
fn spelled<'a>(value: &Json<'a>) -> Spelled<'a> {
    if value.is_object() { Spelled::of(value.to_json().into()) } else { Spelled::read(value) }
}

fn parts<'a>(item: &Object<'a>, name: &str) -> Vec<Object<'a>> {
    if let Some(text) = item.get(name).and_then(Json::string) {
        return alloc::vec![[("text", Json::Text(text))].into()];
    }
    let parts = item.list(name);
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

/// How many bytes of words, arguments and images an item holds.
fn weight(item: &Object<'_>) -> usize {
    match &*item.text("type") {
        "message" => {
            parts(item, "content").iter().map(|part| part.text("text").len() + part.text("refusal").len()).sum()
        }
        "function_call" => item.text("arguments").len(),
        "image_generation_call" => item.text("result").len(),
        _ => 0,
    }
}
