//! Sets the markers of the prompt cache, so that the next turn costs less.
//!
//! Anthropic caches the text before a marker (at most four markers) for five minutes or an hour; a marker in a later
//! request finds a cached prefix that ends up to twenty blocks before it. Source: Anthropic's documentation, "Prompt
//! caching". Which places reach it through the gateway: `docs/portkey.md`, "Prompt cache".

use alloc::format;
use alloc::vec::Vec;

use super::body::{Body, each, is_system, list, parts};
use super::targets::Targets;
use crate::bindings::exports::openclaw::provider::chat::PromptCache;
use crate::json::{Json, Object};
use crate::model_traits::{Family, MAX, Route, Traits};
use crate::options::Model;
use crate::text::fnv;

pub(super) const MARK: &str = "cache_control";

/// Sets the markers: at the last tool, at the stable half of the system text, and at the newest two places in the
/// conversation. The older of the two is where the previous request ended. The default is `short`.
pub(super) fn prompt(body: &mut Body<'_>, targets: &Targets, own: &Model<'_>, asked: Option<PromptCache>) {
    if targets.has(&[Family::Gpt]) {
        key(body, targets, asked);
    }
    let is_named = own.cache_format.as_deref() == Some("anthropic");
    // Those who do not know the targets leave it be, unless the user says which model it is, or asks for it.
    let takes = is_named
        || targets.all(|target| target.takes_markers())
        || (!targets.is_complete() && asked.is_some() && targets.any(|target| target.takes_markers()));
    // OpenRouter and Alibaba take them in texts alone, and what is told beforehand comes behind the tools.
    let in_texts_alone = targets.goes(Route::OpenRouter) || targets.has(&[Family::Qwen]);
    let in_texts = in_texts_alone || targets.goes(Route::Bedrock);
    let mut marks = marks(body);
    // "A maximum of 4 blocks with cache_control may be provided" (docker/docker-agent#3689). Ours, where they are sent, say more
    // than the first or the last four of a host's.
    if marks > 4 && targets.has(&[Family::Claude]) {
        strip(body);
        marks = 0;
    }
    let has_marks = marks > 0;
    if !takes {
        // OpenAI, Groq and Cerebras refuse unknown members, and others pass over them. OpenRouter has a use for them with
        // Gemini and GPT-5.6 too (its documentation, "Prompt Caching").
        let means_nothing = |target: &Traits| match target.route {
            Route::Strict => true,
            Route::OpenRouter => false,
            _ => !matches!(target.family, Family::Claude | Family::Qwen | Family::Nova | Family::MiniMax),
        };
        if has_marks && targets.all(means_nothing) {
            strip(body);
        } else if has_marks && (targets.goes(Route::Bedrock) || targets.goes(Route::Vertex)) {
            move_out_of_results(body, in_texts);
        }
        return;
    }
    if has_marks {
        return move_out_of_results(body, in_texts);
    }
    if asked.is_none() && is_small(body) {
        return;
    }
    let long = match asked.unwrap_or(PromptCache::Short) {
        PromptCache::None => return,
        PromptCache::Short => false,
        // Alibaba knows five minutes ("Context Cache").
        PromptCache::Long => !targets.has(&[Family::Qwen]),
    };
    if let Some(tool) = body.tools.last_mut().filter(|_| !in_texts_alone) {
        mark(tool, long);
    }
    if let Some(system) = body.messages.iter_mut().find(|message| is_system(message)) {
        // Of two parts the second changes from turn to turn.
        let halves = parts(system, "content").is_some_and(|parts| parts.len() == 2);
        mark_text(system, "content", long, if halves { 1 } else { usize::MAX });
    }
    let places: Vec<usize> = (0..body.messages.len())
        .rev()
        .filter(|&at| body.messages.get(at).is_some_and(|message| is_place(message, in_texts)))
        .take(2)
        .collect();
    let is_call = |at: &usize| body.messages.get(*at).is_some_and(|message| message.is("role", "assistant"));
    // The gateway keeps an hour on an assistant's parts and, in older versions, makes five minutes of it elsewhere: a
    // longer time after a shorter one is refused.
    let long = long && !places.iter().any(is_call);
    for at in places {
        if let Some(message) = body.messages.get_mut(at) {
            mark_place(message, long, in_texts);
        }
    }
}

/// Whether a request is too small to be cached: no tools, and less than Anthropic's minimum of 1,024 tokens of at least
/// a byte each.
fn is_small(body: &Body<'_>) -> bool {
    let texts = body.messages.iter().map(|message| message.text("content").len());
    body.tools.is_empty() && texts.sum::<usize>() < 1_024
}

/// Where a marker in a conversation reaches the provider. Not in a tool result: the gateway would put it inside
/// `tool_result.content`, which Anthropic refuses ("cache_control may not be specified within `tool_result.content`").
/// Bedrock's calls lose it, and OpenRouter takes it in texts alone (earendil-works/pi#584, NousResearch/hermes-agent#2391).
fn is_place(message: &Object<'_>, in_texts: bool) -> bool {
    if message.is("role", "user") {
        return has_text(message, "content");
    }
    message.is("role", "assistant")
        && if in_texts { has_text(message, blocks(message)) } else { message.get("tool_calls").is_some() }
}

/// Where the gateway reads an assistant's words.
fn blocks(message: &Object<'_>) -> &'static str {
    if message.get("content_blocks").is_some() { "content_blocks" } else { "content" }
}

fn has_text(message: &Object<'_>, name: &str) -> bool {
    parts(message, name).is_some_and(|parts| parts.iter().any(is_text))
}

fn is_text(part: &Object<'_>) -> bool {
    part.is("type", "text") && !part.text("text").is_empty()
}

/// How many markers are in this member of a message, where it is a list.
pub(super) fn in_list(message: &Object<'_>, name: &str) -> usize {
    let items = message.get(name).filter(|json| json.is_nested() && !json.is_object()).and_then(Json::list);
    items.map_or(0, |items| items.iter().filter(|item| is_marked(item)).count())
}

fn is_marked(item: &Json<'_>) -> bool {
    item.object().is_some_and(|item| item.get(MARK).is_some())
}

fn mark_place(message: &mut Object<'_>, long: bool, in_texts: bool) {
    if message.is("role", "user") {
        return mark_text(message, "content", long, usize::MAX);
    }
    if in_texts {
        return mark_text(message, blocks(message), long, usize::MAX);
    }
    let Some(Json::List(mut calls)) = message.take("tool_calls") else { return };
    if let Some(mut call) = calls.pop().and_then(Json::into_object) {
        mark(&mut call, long);
        calls.push(call.into());
    }
    message.set("tool_calls", calls);
}

/// Marks the last text among the `first` parts at the start.
fn mark_text(message: &mut Object<'_>, name: &'static str, long: bool, first: usize) {
    let Some(mut all) = parts(message, name) else { return };
    let at = all.get(..first.min(all.len())).and_then(|first| first.iter().rposition(is_text));
    if let Some(part) = at.and_then(|at| all.get_mut(at)) {
        mark(part, long);
        message.set(name, list(all));
    }
}

fn mark(object: &mut Object<'_>, long: bool) {
    let mut control = Object::from([("type", "ephemeral".into())]);
    if long {
        control.set("ttl", "1h");
    }
    object.set(MARK, control);
}

/// How many markers a host has set.
fn marks(body: &Body<'_>) -> usize {
    let own = |object: &Object<'_>| usize::from(object.get(MARK).is_some());
    let in_message =
        |message: &Object<'_>| own(message) + in_list(message, blocks(message)) + in_list(message, "tool_calls");
    body.tools.iter().map(own).chain(body.messages.iter().map(in_message)).sum()
}

fn strip(body: &mut Body<'_>) {
    body.tools.iter_mut().for_each(|tool| tool.remove(MARK));
    for message in &mut body.messages {
        unmark(message);
    }
}

/// Takes the markers out of a message; whether there were any.
fn unmark(message: &mut Object<'_>) -> bool {
    let mut had = message.has(MARK);
    message.remove(MARK);
    for name in ["content", "content_blocks", "tool_calls"] {
        if in_list(message, name) > 0 {
            let all = each(message.take_list(name), &mut |item| {
                let Some(mut object) = item.object() else { return Some(item) };
                object.remove(MARK);
                Some(object.into())
            });
            message.set(name, all);
            had = true;
        }
    }
    had
}

/// Moves a marker that a host set on a tool result to the nearest place before it that reaches the provider.
fn move_out_of_results(body: &mut Body<'_>, in_texts: bool) {
    let mut moved = false;
    for message in body.messages.iter_mut().rev() {
        if message.is("role", "tool") {
            moved |= unmark(message);
        } else if moved && is_place(message, in_texts) {
            mark_place(message, false, in_texts);
            moved = false;
        }
    }
}

/// Sets a cache key for OpenAI, which caches prompts by itself. The key sends requests with the same beginning to one
/// machine; the beginning of the system text distinguishes agents. Source: OpenAI's documentation, "Prompt caching".
fn key(body: &mut Body<'_>, targets: &Targets, asked: Option<PromptCache>) {
    if !targets.all(|target| target.family == Family::Gpt && target.route != Route::OpenRouter)
        || asked == Some(PromptCache::None)
    {
        return;
    }
    // It takes 64 characters (earendil-works/pi#4719, theopenco/llmgateway#3110).
    let own = body.members.text("prompt_cache_key");
    let told = || body.messages.iter().find(|message| is_system(message));
    let beginning =
        || parts(told()?, "content").map(|parts| parts.first().map(|it| it.text("text")).unwrap_or_default());
    let text = if own.is_empty() { beginning() } else { Some(own).filter(|own| own.len() > 64) };
    if let Some(text) = text {
        // FNV-1a, 64 bits.
        let hash = text.bytes().take(1024).fold(0xcbf2_9ce4_8422_2325, fnv);
        body.members.set("prompt_cache_key", format!("agent-{hash:016x}"));
    }
    // OpenAI's models since GPT-4.1 can keep prompts for a day. For GPT-5.6 and later the member is deprecated.
    let can_be_long = targets.all(|target| target.context_tokens >= 400_000 && target.efforts & MAX == 0);
    if asked == Some(PromptCache::Long) && can_be_long && body.members.get("prompt_cache_retention").is_none() {
        body.members.set("prompt_cache_retention", "24h");
    }
}
