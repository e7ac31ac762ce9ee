//! What is kept of a stream between two chunks.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use crate::bindings::exports::openclaw::provider::chat::Event;
use crate::bindings::openclaw::provider::types::{Error, Usage};
use crate::pattern::Pattern;
use crate::report::Head;
use crate::responses::Items;
use crate::signature::Details;
use crate::stream::said::{Heard, Said};
use crate::tags::Tags;
use crate::tool_calls::Calls;

/// A stream that is being read.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(super) head: Head,
    pub(super) offers_tools: bool,
    /// The start of the body, until the answer has started. It is quoted if nothing in the body is understood.
    pub(super) quote: Vec<u8>,
    /// Events that are ready.
    pub(super) events: Vec<Event>,
    pub(super) is_started: bool,
    /// Results of guardrails that came before the start, which is told first.
    pub(super) results: Vec<Event>,
    /// Whether the body is one document; and whether it holds a message that is whole.
    pub(super) is_document: bool,
    pub(super) is_whole: bool,
    /// Whether there was a list of choices, even an empty one.
    pub(super) has_choices: bool,
    /// Whose API an event without choices is in the form of.
    pub(super) foreign: Option<&'static str>,
    /// The provider, as a chunk names it.
    pub(super) provider: String,
    /// The number of the choice that is read.
    pub(super) choice: Option<u64>,
    /// Whether a piece said something.
    pub(super) has_pieces: bool,
    /// Whether there was a call that is no function's.
    pub(super) has_other_call: bool,
    /// Whether a choice had a place for a reason.
    pub(super) has_reasons: bool,
    /// Why the answer ended, in the provider's words. The last reason counts.
    pub(super) reason: String,
    /// A reason that means a failure.
    pub(super) failed: Option<Box<Error>>,
    /// The last one. Some gateways repeat it, growing, in each chunk, and some send it in parts.
    pub(super) usage: Option<Usage>,
    pub(super) calls: Calls,
    /// The call whose arguments may still arrive.
    pub(super) waiting: Option<usize>,
    /// Whether a piece of reasoning is being read, and its field.
    pub(super) reasoning: Option<Option<&'static str>>,
    pub(super) details: Details,
    pub(super) tags: Tags,
    pub(super) said: Said,
    /// The same of reasoning that does not stand in the text.
    pub(super) thought: Said,
    /// What came in the text before anything of it was said: reasoning, and its tags.
    pub(super) tagged: Heard,
    /// What was said last: a tag's length of it, or some more.
    pub(super) said_last: String,
    /// Details that belong to calls, by the hashes of their ids.
    pub(super) encrypted: Vec<(u64, String)>,
    pub(super) citations: Vec<String>,
    /// What has come of an answer of the Responses API.
    pub(super) items: Items,
    /// A chunk that ends within a character, between the halves of a surrogate pair.
    pub(super) half: Option<String>,
    /// The pattern of the last chunk, if a text was its only event.
    pub(super) last: Option<Pattern>,
    pub(super) after_done: Option<usize>,
    pub(super) is_over: bool,
    /// The error, delivered after the events before it.
    pub(super) failure: Option<Box<Error>>,
}
