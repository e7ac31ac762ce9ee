//! Why an answer ended, in the words of all providers.

use alloc::borrow::ToOwned;
use alloc::string::String;

use crate::bindings::exports::openclaw::provider::chat::FinishReason;
use crate::text::{holds, is_among};

/// Why the answer ended. Besides OpenAI's words these are the providers' own, which the gateway passes on where strict
/// compliance is off; what they stand for is as it translates them where it is on (gateway 1.15.2), but for failures, which
/// [`is_failure`] knows, and for two of Google's that it calls `stop`. `has_calls`: some providers end a turn of
/// tool calls with `stop`.
pub(crate) fn finish_reason(reason: &str, has_calls: bool) -> FinishReason {
    match reason {
        "stop" => return ended(has_calls),
        "length" => return FinishReason::Length,
        "tool_calls" => return FinishReason::ToolCalls,
        _ => {}
    }
    let word = alike(reason);
    let is = |words| is_among(&word, words);
    if is("tool_use|tool_call|tool_calls|function_call|function_calls") {
        FinishReason::ToolCalls
    } else if is("refusal|blocklist|language|spii|model_armor")
        || holds(
            &word,
            "filter|guardrail|safety|toxic|moderat|prohibited|sensitive|policy|inappropriate|risk|recitation|blocked",
        )
    {
        FinishReason::ContentFilter
    } else if is("token_limit|time_limit|error_limit|incomplete")
        || word.starts_with("max_")
        || holds(&word, "length|truncat|context|repe")
    {
        FinishReason::Length
    } else if is("|done|normal|completed|complete|success|finish|finished|unspecified|pause_turn|compaction|\
        rag_query_when_rag_disabled")
        // A token that ends a turn among them: `<|im_end|>`.
        || ["stop", "end", "eo", "<"].iter().any(|begins| word.starts_with(begins))
    {
        ended(has_calls)
    } else {
        FinishReason::Other(reason.to_owned())
    }
}

fn ended(has_calls: bool) -> FinishReason {
    if has_calls { FinishReason::ToolCalls } else { FinishReason::Stop }
}

/// A reason in the one spelling: `FINISH_REASON_MAX_TOKENS`, `maxTokens` and `max-tokens` are `max_tokens`.
fn alike(reason: &str) -> String {
    let (mut word, mut was_lower) = (String::new(), false);
    for character in reason.trim().chars() {
        if was_lower && character.is_ascii_uppercase() {
            word.push('_');
        }
        was_lower = character.is_ascii_lowercase();
        word.push(if matches!(character, '-' | ' ') { '_' } else { character.to_ascii_lowercase() });
    }
    word.replace("finish_reason_", "")
}

/// Whether a reason is one of an ordinary end: a call that is open then was cut off. Some servers say `tool_calls` where
/// the limit cut one.
pub(crate) fn is_whole(reason: &str) -> bool {
    matches!(finish_reason(reason, false), FinishReason::Stop | FinishReason::ToolCalls)
}

/// Whether a reason for the end means a failure.
pub(crate) fn is_failure(reason: &str) -> bool {
    // What OpenAI says.
    if matches!(reason, "" | "stop" | "length" | "tool_calls") {
        return false;
    }
    let word = reason.to_ascii_lowercase();
    // Cohere's word for its context's end is no failure.
    let is_filtered = holds(&word, "filter|toxic|safety|moderat|guardrail|error_limit");
    // No filter of contents: Google's own endpoint says so of a call that it cannot read, and why behind a colon.
    holds(&word, "function_call_filter") || !is_filtered && holds(&word, FAILURES)
}

/// Parts of finish reasons that mean a failure. A filter's reasons do not.
const FAILURES: &str = "error|abort|malform|fail|cancel|timeout|timed_out|insufficient|overload|unavailable|exhaust|\
    unexpected|too_many|invalid|interrupt|exception|disconnect|missing|no_image|crash|terminat|reset|unload|memory|quota|\
    rate_limit|expired";
