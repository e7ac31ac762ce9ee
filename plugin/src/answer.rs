//! Reads a complete chat answer, one that was not streamed as events.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::mem;

use crate::bindings::exports::openclaw::provider::chat::{AssistantPart, FinishReason, Response, Thinking, ToolCall};
use crate::error::{self, Result};
use crate::json::{Json, Nesting, lossy};
use crate::parts::{
    MAX_CALLS, block_thinking, call_id, citation, finish_reason, is_whole, no_call, picture, told, too_many,
};
use crate::report::Head;
use crate::signature::{self, Details};
use crate::stream::events;
use crate::tags::Tags;
use crate::tool_calls::parted;
use crate::wire::{self, present};
use crate::{guardrails, usage};

/// Reads a whole answer. Some providers send a stream anyway: the first byte shows it.
pub fn response(head: &Head, body: &[u8]) -> Result<Response> {
    let malformed = || error::no_completion(head, body);
    let text = lossy(body);
    let text = text.trim_start();
    match text.as_bytes().first() {
        Some(b'{' | b'[' | b'<') | None => {}
        Some(_) => match wire::unquoted(text) {
            Some(inner) => return response(head, inner.as_bytes()),
            None => return events::joined(head, body),
        },
    }
    let read = wire::Completion::parse(text);
    if (read.is_err() || text.starts_with('['))
        && let Some(chunks) = wire::objects(text)
    {
        return events::joined(head, chunks.join("\n").as_bytes());
    }
    if read.is_err()
        && let Some(text) = wire::without_nan(text)
    {
        return response(head, text.as_bytes());
    }
    let completion = read.map_err(|_| malformed())?;
    if completion.response.is_some() {
        return events::whole(head, completion, text);
    }
    if let Some(said) = &completion.error {
        return Err(told(head, said));
    }
    if completion.is_failure {
        return Err(malformed());
    }
    if let Some(denied) = completion.hook_results.as_ref().and_then(|results| guardrails::denied_by(results, false))
        && head.status == 200
    {
        return Err(error::soft_deny(head, &denied));
    }
    // Copilot's text and its calls are choices of one number. A call may be several.
    let is_merged = |call: &wire::ToolCall<'_>| parted(Nesting::default(), &call.arguments.text).is_some();
    if let [first, rest @ ..] = &completion.choices[..]
        && (first.index.is_some() && rest.iter().any(|choice| choice.index == first.index)
            || first.message.iter().flat_map(|message| &message.tool_calls).any(is_merged))
    {
        return events::whole(head, completion, text);
    }
    let choices = completion.choices;
    let at = choices.iter().position(|choice| choice.index == Some(0)).unwrap_or(0);
    let Some(mut choice) = choices.into_iter().nth(at) else {
        let words = error::in_words(head, body);
        return Err(words.unwrap_or_else(|| {
            if completion.has_choices { error::no_choice(head, &completion.provider, body) } else { malformed() }
        }));
    };
    if choice.finish_reason.is_empty() {
        choice.finish_reason = completion.finish_reason;
    }
    if let Some(error) = error::failed_finish(&choice.finish_reason, head) {
        return Err(error);
    }
    let is_piece = choice.message.is_none();
    let message = choice.message.or(choice.delta).unwrap_or_default();
    let has_other_calls = message.tool_calls.iter().any(|call| call.other.is_some());
    let mut content = content(head, message)?;
    if choice.finish_reason.is_empty() {
        if content.is_empty() {
            return Err(malformed());
        }
        // A piece of a stream, and not its last.
        if is_piece {
            return Err(events::truncated(head));
        }
    }
    let (has_calls, is_cut) = calls(&content);
    let finish_reason = finish_reason(&choice.finish_reason, has_calls);
    if is_cut && is_whole(&choice.finish_reason) {
        return Err(events::truncated(head));
    }
    if finish_reason == FinishReason::ToolCalls && !has_calls && !has_other_calls {
        return Err(no_call(head, body));
    }
    content.extend(completion.citations.iter().filter_map(citation).map(AssistantPart::Other));
    Ok(Response {
        id: completion.id.into_owned(),
        model: completion.model.into_owned(),
        finish_reason,
        content,
        usage: completion.usage.as_ref().and_then(usage::usage),
        guardrails_json: completion.hook_results.as_ref().map(Json::to_json),
        report: head.report(),
    })
}

/// Whether there are tool calls, and whether the arguments of one are cut off.
fn calls(content: &[AssistantPart]) -> (bool, bool) {
    let (mut has_calls, mut is_cut) = (false, false);
    for part in content {
        if let AssistantPart::ToolCall(call) = part {
            has_calls = true;
            is_cut |= nesting(&call.arguments_json).is_open();
        }
    }
    (has_calls, is_cut)
}

fn nesting(arguments: &str) -> Nesting {
    let mut nesting = Nesting::default();
    nesting.push(arguments.as_bytes());
    nesting
}

/// Reasoning, text, tool calls and other parts. If the blocks hold the same text as `content`, their order is kept.
fn content(head: &Head, message: wire::Message<'_>) -> Result<Vec<AssistantPart>> {
    let mut parts = Vec::new();
    let blocks = message.content_blocks;
    let block_text: String = blocks.iter().map(|block| &*block.text).collect();
    // Bedrock's texts are joined by line breaks in `content` (gateway 1.15.2).
    let letters = |text: &str| text.replace('\n', "");
    let blocks_hold_text = !block_text.is_empty()
        && (message.content.text.is_empty() || letters(&block_text) == letters(&message.content.text));
    let mut has_thinking = false;
    for mut block in blocks {
        if !block.text.is_empty() && blocks_hold_text {
            parts.push(AssistantPart::Text(mem::take(&mut block.text).into_owned()));
        }
        if let Some(thinking) = block_thinking(&mut block) {
            has_thinking = true;
            parts.push(AssistantPart::Thinking(thinking));
        }
        parts.extend(present(block.refusal).map(AssistantPart::Refusal));
        if let Some(image) = &block.image {
            parts.push(AssistantPart::Image(picture(head, image)?));
        }
        parts.extend(block.server_call.map(|call| AssistantPart::Other(wire::typed(&call, "server_tool_use"))));
        parts.extend(block.others.into_iter().map(AssistantPart::Other));
    }
    let mut details = Details::from(&message.reasoning_details);
    if message.tool_calls.len() > MAX_CALLS {
        return Err(too_many(head, "tool calls"));
    }
    if !has_thinking {
        let text = present(message.reasoning.text).or_else(|| details.text());
        if let Some(text) = text {
            parts.insert(0, AssistantPart::Thinking(Thinking { text, signature: None }));
        }
    }
    if !blocks_hold_text && !message.content.text.is_empty() {
        let mut tags = Tags::default();
        let (mut thought, mut text) = tags.push(message.content.text.into_owned(), message.is_thought);
        let (rest, held) = tags.release();
        thought.push_str(&rest);
        text.push_str(&held);
        if !thought.is_empty() {
            parts.push(AssistantPart::Thinking(Thinking { text: thought, signature: None }));
        }
        if !text.is_empty() {
            parts.push(AssistantPart::Text(text));
        }
    }
    parts.extend(present(message.refusal).map(AssistantPart::Refusal));
    for image in &message.images {
        parts.push(AssistantPart::Image(picture(head, image)?));
    }
    // How far the last call's arguments have come: any number of rests may follow.
    let mut last_nesting = Nesting::default();
    for (at, call) in message.tool_calls.into_iter().enumerate() {
        // The rest of the call before it (sglang#23071).
        if [&call.id, &call.name].into_iter().all(|text| text.is_empty())
            && let Some(AssistantPart::ToolCall(last)) = parts.last_mut()
            && !last_nesting.is_closed
        {
            last_nesting.push(call.arguments.text.as_bytes());
            last.arguments_json.push_str(&call.arguments.text);
            continue;
        }
        let signature = signature::of_call(call.thought_signature, call.extra_signature);
        parts.push(match (call.other, call.name.is_empty()) {
            (Some(other), _) => AssistantPart::Other(other),
            (None, true) => match signature::nameless(&call.id, &call.arguments.text) {
                Some(other) => AssistantPart::Other(other),
                None => continue,
            },
            (None, false) => {
                last_nesting = nesting(&call.arguments.text);
                AssistantPart::ToolCall(ToolCall {
                    signature: signature.or_else(|| details.of_call(&call.id)),
                    id: present(call.id).unwrap_or_else(|| call_id(at)),
                    name: call.name.into_owned(),
                    arguments_json: call.arguments.text.into_owned(),
                })
            }
        });
    }
    parts.extend(message.others.into_iter().map(AssistantPart::Other));
    if let Some(signature) = details.signature().or_else(|| message.reasoning_field.map(ToOwned::to_owned)) {
        let unsigned = parts.iter_mut().rev().find_map(|part| match part {
            AssistantPart::Thinking(thinking) if thinking.signature.is_none() => Some(thinking),
            _ => None,
        });
        match unsigned {
            Some(thinking) => thinking.signature = Some(signature),
            None if has_thinking => {}
            None => {
                parts.insert(0, AssistantPart::Thinking(Thinking { text: String::new(), signature: Some(signature) }))
            }
        }
    }
    Ok(parts)
}

#[cfg(test)]
mod tests;
