//! Signatures: opaque text that goes back to the model with a piece of reasoning or a call. From it the request can tell
//! who sent it, and so in which field it goes back:
//!
//! - `redacted_thinking:DATA`: Claude's reasoning, encrypted;
//! - `thinking_blocks:` before either of Claude's: LiteLLM's list of that name;
//! - `reasoning_details:[...]`: OpenRouter's list of that name;
//! - `reasoning_item:{...}`: an item of the Responses API, as it came;
//! - `reasoning_content`, `reasoning`: reasoning without a signature, in the field of that name;
//! - for a call, `extra_content.google:SIGNATURE`: Google's, where it stands as its own OpenAI endpoint has it, or
//!   `extra_content.vertex:SIGNATURE`; and a JSON object: the item of `reasoning_details` that belongs to the call;
//! - anything else: Claude's signature, and for a call Portkey's `function.thought_signature`, each as it came.

use alloc::borrow::{Cow, ToOwned};
use alloc::string::String;
use alloc::vec::Vec;
use core::mem;

use crate::json::{Json, Object};
use crate::text::{hash_of, present};

/// Marks a signature that is the whole of a reasoning block that the provider encrypted.
pub(crate) const REDACTED: &str = "redacted_thinking:";
/// Marks one of Claude's that came, and so goes back, in LiteLLM's `thinking_blocks`.
pub(crate) const BLOCKS: &str = "thinking_blocks:";
/// Marks a signature that is a list of reasoning details.
pub(crate) const DETAILS: &str = "reasoning_details:";
/// Marks a signature that is an item of the Responses API.
pub(crate) const ITEM: &str = "reasoning_item:";
/// Marks a call's signature that came, and so goes back, in `extra_content`; the member there follows.
pub(crate) const EXTRA: &str = "extra_content.";

/// The members of `extra_content` that hold one.
pub(crate) const EXTRAS: [&str; 2] = ["google", "vertex"];

/// The type of a part of a past turn that stands for the next of its calls: reasoning may follow a call.
pub(crate) const CALL: &str = "tool_call";

/// The type of a detail that is encrypted.
pub(crate) const ENCRYPTED: &str = "reasoning.encrypted";

/// How far back the start of a detail, or the call of one, is looked for.
pub(crate) const RECENT: usize = 16;

/// Most members of a detail: one has a handful.
const MAX_MEMBERS: usize = 64;

/// Most details in one answer.
const MAX_DETAILS: usize = 1024;

/// The signature in a call's `extra_content`: Google's, under its own name or that of Vertex.
pub(crate) fn of_extra(extra: Object<'_>) -> Option<String> {
    extra.into_iter().filter(|(name, _)| EXTRAS.contains(&&**name)).find_map(|(name, value)| {
        let signature = present(value.object()?.text("thought_signature"))?;
        Some([EXTRA, &name, ":", &signature].concat())
    })
}

/// The signature of a tool call: Portkey's own, or Google's.
pub(crate) fn of_call(own: Cow<'_, str>, extra: String) -> Option<String> {
    present(own).or(Some(extra).filter(|extra| !extra.is_empty()))
}

/// What is left of a call that has no name: a provider's own tool, which it has called already.
pub(crate) fn nameless(id: &str, arguments: &str) -> Option<String> {
    if id.is_empty() && arguments.trim().is_empty() {
        return None;
    }
    let call = Object::from([("type", "server_tool_use".into()), ("id", id.into()), ("input", arguments.into())]);
    Some(call.to_json())
}

/// A call of a provider's own tool, once its input is there.
pub(crate) fn with_input(block: &str, input: &str) -> String {
    let Some(mut call) = Object::parse(block).filter(|_| !input.is_empty()) else { return block.to_owned() };
    match Json::parse(input) {
        Ok(json) => call.set("input", json),
        Err(_) => call.set("input", input),
    }
    call.to_json()
}

/// OpenRouter's `reasoning_details`, as far as they have come.
#[derive(Debug, Default)]
pub(crate) struct Details(Vec<Object<'static>>);

impl Details {
    pub(crate) fn from(details: &[Object<'_>]) -> Self {
        let mut read = Self::default();
        details.iter().for_each(|detail| read.push(detail));
        read
    }

    /// Adds a detail, or a piece of one.
    pub(crate) fn push(&mut self, detail: &Object<'_>) {
        let recent = self.0.len().saturating_sub(RECENT);
        let (index, kind) = (detail.get("index").and_then(Json::scalar), detail.text("type"));
        let is_same = |known: &&mut Object<'static>| {
            index.is_some()
                && known.get("index").and_then(Json::scalar) == index
                && known.get("type").map_or(kind.is_empty(), |known| known.is(&kind))
        };
        let known = self.0.get_mut(recent..).unwrap_or_default().iter_mut().rev().find(is_same);
        let Some(known) = known else {
            let mut owned = Object::default();
            for (name, value) in detail.iter().take(MAX_MEMBERS) {
                owned.set(String::from(&**name), value.owned());
            }
            if self.0.len() < MAX_DETAILS {
                self.0.push(owned);
            }
            return;
        };
        for (name, value) in detail.iter().take(MAX_MEMBERS).filter(|(_, value)| !value.is_null()) {
            if !known.has(name) && known.iter().count() >= MAX_MEMBERS {
                continue;
            }
            let joined = match (&**name, value.string()) {
                ("text" | "summary" | "data", Some(piece)) => {
                    // It is not copied: there may be any number of pieces.
                    let mut text = match known.take(name) {
                        Some(Json::Text(text)) => text.into_owned(),
                        other => other.and_then(|text| text.string()).unwrap_or_default().into_owned(),
                    };
                    text.push_str(&piece);
                    text.into()
                }
                _ => value.owned(),
            };
            known.set(String::from(&**name), joined);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The reasoning in them, for a provider that sends it nowhere else.
    pub(crate) fn text(&self) -> Option<String> {
        let of =
            |detail: &Object<'static>| Some(detail.get("text").or_else(|| detail.get("summary"))?.text().into_owned());
        Some(self.0.iter().filter_map(of).collect()).filter(|text: &String| !text.is_empty())
    }

    /// Takes out the encrypted details that belong to calls with these ids, each with a hash of its id, in the order of
    /// the calls: one for each call.
    pub(crate) fn of_calls<'a>(&mut self, ids: impl Iterator<Item = &'a str>) -> Vec<(u64, String)> {
        let encrypted = self.0.iter_mut().filter(|detail| detail.is("type", ENCRYPTED));
        let own = encrypted.filter_map(|detail| Some((hash_of(&present(detail.text("id"))?), detail)));
        let mut own: Vec<(u64, &mut Object<'static>)> = own.collect();
        let take = |id| {
            let hash = hash_of(id);
            let at = own.iter().position(|(of, detail)| *of == hash && !detail.is_empty())?;
            Some((hash, mem::take(own.get_mut(at)?.1).to_json()))
        };
        let details = ids.filter_map(take).collect();
        self.0.retain(|detail| !detail.is_empty());
        details
    }

    /// All of them as a signature; they are gone then.
    pub(crate) fn signature(&mut self) -> Option<String> {
        if self.0.is_empty() {
            return None;
        }
        let details: Vec<Json<'_>> = self.0.drain(..).map(Json::from).collect();
        Some([DETAILS, &Json::from(details).to_json()].concat())
    }
}
