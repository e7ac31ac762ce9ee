//! Calls and their results, which go together, and the ids by which they do.

use alloc::borrow::Cow;
use alloc::collections::VecDeque;
use alloc::format;
use alloc::vec::Vec;

use super::body::{Body, IDS, calls, first};
use super::targets::Targets;
use crate::json::{Json, Object, firsts};
use crate::model_traits::{Family, Route};
use crate::prompt::turn;

/// Providers refuse a call without its result behind it, and a result without its call before it: the first is told, in
/// the words of OpenClaw's own client, that there is none, and the second becomes a message of the user's. Results without
/// an id come in the order of the calls.
pub(super) fn all(body: &mut Body<'_>, targets: &Targets) {
    let mut texts = ids_of(&body.messages);
    if texts.iter().flatten().any(|id| id.is_empty()) {
        for (at, message) in body.messages.iter_mut().enumerate() {
            let mut index = 0;
            calls(message, &mut |mut call| {
                if call.text("id").is_empty() {
                    call.set("id", format!("call_{at}_{index}"));
                }
                index += 1;
                Some(call)
            });
        }
        texts = ids_of(&body.messages);
    }
    let numbers = numbers_of(&texts);
    if numbers.is_empty() {
        return;
    }
    let mut open = Open { counts: alloc::vec![0; numbers.len()], calls: VecDeque::new() };
    let mut numbers = numbers.into_iter();
    let mut lost: Vec<Object<'_>> = Vec::new();
    let mut out = Vec::with_capacity(body.messages.len());
    for (mut message, ids) in core::mem::take(&mut body.messages).into_iter().zip(texts) {
        let mut named = ids.into_iter().zip(&mut numbers);
        if !message.is("role", "tool") {
            open.close(&mut out);
            out.append(&mut lost);
            for (id, number) in named {
                open.call(id, number);
            }
        } else if let Some((id, _)) =
            named.next().and_then(|(id, number)| open.answer(id, number, first(&message, &IDS[..3]).is_some()))
        {
            message.set("tool_call_id", Json::Text(id));
        } else {
            message.set("role", "user");
            message.remove("tool_call_id");
            message.remove("name");
            lost.push(message);
            continue;
        }
        out.push(message);
    }
    open.close(&mut out);
    out.append(&mut lost);
    body.messages = out;
    fit(body, targets);
}

/// Calls of a turn that have no result yet.
struct Open<'a> {
    /// How many there are of each number.
    counts: Vec<usize>,
    /// The ids and numbers of them, and of those that were answered behind the first.
    calls: VecDeque<(Cow<'a, str>, usize)>,
}

impl<'a> Open<'a> {
    fn call(&mut self, id: Cow<'a, str>, number: usize) {
        if let Some(count) = self.counts.get_mut(number) {
            *count += 1;
            self.calls.push_back((id, number));
        }
    }

    /// The call that a result is for: the one with its id, and without an id the first. It has its result now. An `id`
    /// that no call has is the message's own.
    fn answer(&mut self, id: Cow<'a, str>, number: usize, is_of_call: bool) -> Option<(Cow<'a, str>, usize)> {
        let is_open = is_of_call || self.counts.get(number).is_some_and(|&count| count > 0);
        let (id, number) = if id.is_empty() || !is_open { self.first()? } else { (id, number) };
        let count = self.counts.get_mut(number).filter(|count| **count > 0)?;
        *count -= 1;
        Some((id, number))
    }

    fn first(&mut self) -> Option<(Cow<'a, str>, usize)> {
        while let Some((id, number)) = self.calls.front() {
            if self.counts.get(*number).is_some_and(|&count| count > 0) {
                return Some((id.clone(), *number));
            }
            self.calls.pop_front();
        }
        None
    }

    /// Gives those that are left a result.
    fn close(&mut self, out: &mut Vec<Object<'a>>) {
        while let Some((id, _)) = self.answer(Cow::default(), 0, false) {
            let mut result = turn("tool", "No result provided".into());
            result.set("tool_call_id", Json::Text(id));
            out.push(result);
        }
    }
}

/// The ids of a history, each message's: that of a result, or those of its calls; empty where there is none.
pub(super) fn ids_of<'a>(messages: &[Object<'a>]) -> Vec<Vec<Cow<'a, str>>> {
    let id = |call: &Json<'a>| if let Json::Object(call) = call { call.text("id") } else { Cow::default() };
    let told = |message: &Object<'a>| match message.get("tool_calls") {
        _ if message.is("role", "tool") => alloc::vec![first(message, &IDS).map(Json::text).unwrap_or_default()],
        Some(Json::List(calls)) => calls.iter().map(id).collect(),
        _ => Vec::new(),
    };
    messages.iter().map(told).collect()
}

/// All of them as numbers, the same for the same: a turn may have any number of calls, and its results any order, so they
/// are not looked for one by one.
pub(super) fn numbers_of(ids: &[Vec<Cow<'_, str>>]) -> Vec<usize> {
    firsts(&ids.iter().flatten().map(|id| &**id).collect::<Vec<_>>())
}

/// Ids of calls that the next model's provider refuses, where another model gave them (farion1231/cc-switch#1181): Anthropic
/// and Bedrock take letters, digits, `_` and `-`, OpenAI 40 characters, Mistral nine letters and digits. Such an id becomes
/// its number in the history, which all of them take, and so does each that looks like one of these: no two become one.
fn fit(body: &mut Body<'_>, targets: &Targets) {
    let [is_claude, is_gpt, is_mistral] =
        [Family::Claude, Family::Gpt, Family::Mistral].map(|family| targets.has(&[family]));
    let is_bedrock = targets.goes(Route::Bedrock);
    let is_of = |id: &str, more: &[u8]| id.bytes().all(|byte| byte.is_ascii_alphanumeric() || more.contains(&byte));
    let is_refused = |id: &str| {
        (is_claude || is_bedrock) && !is_of(id, b"_-")
            || is_gpt && id.len() > 40
            || is_mistral && !(id.len() == 9 && is_of(id, b""))
    };
    let texts = ids_of(&body.messages);
    if !texts.iter().flatten().any(|id| is_refused(id)) {
        return;
    }
    let mut numbers = numbers_of(&texts).into_iter();
    let mut rename = |object: &mut Object<'_>, name: &'static str| {
        let id = object.text(name);
        if let Some(number) = numbers.next().filter(|_| is_refused(&id) || id.starts_with(MADE)) {
            object.set(name, format!("{MADE}{number:05}"));
        }
    };
    for message in &mut body.messages {
        if message.is("role", "tool") {
            rename(message, "tool_call_id");
        } else {
            calls(message, &mut |mut call| {
                rename(&mut call, "id");
                Some(call)
            });
        }
    }
}

/// How an id begins that was made for a provider.
const MADE: &str = "made";
