//! The tokens that a call used, in the words of every provider.

use alloc::string::String;

use crate::bindings::openclaw::provider::types::Usage;
use crate::json::Object;

/// Tokens in the WIT's terms; `None` where nothing is counted.
///
/// OpenAI's `prompt_tokens` holds the cached ones. Anthropic's through the gateway does not: it stands beside
/// `cache_read_input_tokens` and `cache_creation_input_tokens`, and `total_tokens`, where there is one, adds up all
/// (gateway 1.15.2, provider `anthropic`). So the total tells which it is; without one the gateway's own is assumed.
pub(crate) fn usage(usage: &Object<'_>) -> Option<Usage> {
    // Cohere's stand one level down.
    let inner = ["tokens", "billed_units"].iter().find_map(|name| usage.get(name)?.object());
    let usage = in_snake_case(inner.unwrap_or_else(|| usage.clone()));
    let count = |names: &[&str]| names.iter().find_map(|name| usage.get(name)?.count());
    let detail = |lists: &[&str], names: &[&str]| {
        lists.iter().find_map(|list| {
            let details = in_snake_case(usage.get(list)?.object()?);
            names.iter().find_map(|name| details.get(name)?.count())
        })
    };
    const OF_PROMPT: &[&str] = &["prompt_tokens_details", "input_tokens_details"];
    // Images have other names for the same. The last of each are Google's own.
    let prompt = count(&["prompt_tokens", "input_tokens", "prompt_token_count"]);
    let output = count(&["completion_tokens", "output_tokens", "candidates_token_count"]);
    // In order: Moonshot, Mistral, DeepSeek, Vercel, Google. Some fill one and leave another at 0.
    const CACHED: [&str; 5] = [
        "cached_tokens", "num_cached_tokens", "prompt_cache_hit_tokens", "cached_input_tokens",
        "cached_content_token_count",
    ];
    let cached = CACHED.iter().map(|name| count(&[name])).fold(detail(OF_PROMPT, &["cached_tokens"]), Option::max);
    // OpenRouter's and Qwen's, which are part of the prompt's.
    let written = detail(OF_PROMPT, &["cache_write_tokens", "cache_creation_tokens", "cache_creation_input_tokens"]);
    let reasoning = detail(&["completion_tokens_details", "output_tokens_details"], &["reasoning_tokens"])
        .or_else(|| count(&["reasoning_tokens", "thoughts_token_count"]));
    let cache_read = count(&["cache_read_input_tokens"]);
    // Anthropic's newer form has a count for each lifetime.
    let by_lifetime = usage.object("cache_creation");
    let by_lifetime = by_lifetime.iter().filter_map(|(_, count)| count.count()).reduce(u64::saturating_add);
    let cache_creation = count(&["cache_creation_input_tokens", "cache_write_input_tokens"]).max(by_lifetime);
    let total = count(&["total_tokens", "total_token_count"]);
    prompt.or(output).or(total)?;
    let (prompt, output) = (prompt.unwrap_or(0), output.unwrap_or(0));
    let apart = cache_read.unwrap_or(0).saturating_add(cache_creation.unwrap_or(0));
    // Google's reasoning stands beside the output, and the total tells (gateway 1.15.2). Its own endpoint does not count it
    // apart.
    let beside = total.unwrap_or(0).saturating_sub(prompt.saturating_add(output).saturating_add(apart));
    let is_cached = beside == cached.unwrap_or(0).saturating_add(written.unwrap_or(0));
    let uncounted = if is_cached || prompt == 0 || output == 0 { 0 } else { beside };
    let reasoning_beside = reasoning.map_or(uncounted, |reasoning| if reasoning <= beside { reasoning } else { 0 });
    let holds_cached = total == Some(prompt.saturating_add(output)) && prompt >= apart;
    Some(Usage {
        input_tokens: if holds_cached { prompt } else { prompt.saturating_add(apart) },
        output_tokens: output.saturating_add(reasoning_beside),
        cache_read_tokens: cache_read.max(cached),
        cache_write_tokens: cache_creation.max(written),
        reasoning_tokens: reasoning,
    })
}

/// With the names as most write them: some have `promptTokens`, or `PromptTokens`.
fn in_snake_case(members: Object<'_>) -> Object<'_> {
    if !members.iter().any(|(name, _)| name.bytes().any(|byte| byte.is_ascii_uppercase())) {
        return members;
    }
    let mut out = Object::default();
    for (name, value) in members {
        let mut spelled = String::new();
        for letter in name.chars() {
            if letter.is_ascii_uppercase() && !spelled.is_empty() {
                spelled.push('_');
            }
            spelled.push(letter.to_ascii_lowercase());
        }
        out.add(spelled.into(), value);
    }
    out
}

/// What was counted in two chunks: the later counts, where it counts at all.
pub(crate) fn merged(before: Usage, now: Usage) -> Usage {
    let last = |before, now| if now > 0 { now } else { before };
    Usage {
        input_tokens: last(before.input_tokens, now.input_tokens),
        output_tokens: last(before.output_tokens, now.output_tokens),
        cache_read_tokens: before.cache_read_tokens.max(now.cache_read_tokens),
        cache_write_tokens: before.cache_write_tokens.max(now.cache_write_tokens),
        reasoning_tokens: before.reasoning_tokens.max(now.reasoning_tokens),
    }
}
