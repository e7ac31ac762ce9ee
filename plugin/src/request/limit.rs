//! The limit for an answer, reasoning included.

use super::body::{Body, first, remove};
use super::targets::Targets;
use crate::options::{Model, Options};

/// The limit if the provider requires one, and neither the request nor the configuration sets it.
const DEFAULT: u32 = 16_384;
/// The same for an answer in one piece, which a connection has to wait for.
const DEFAULT_WHOLE: u32 = 8_192;

const MAX_TOKENS: &str = "max_tokens";
const MAX_COMPLETION_TOKENS: &str = "max_completion_tokens";
/// Then names of the Responses API, Vercel's SDK before 5, Gemini, Hugging Face and Ollama, where the model is known: the
/// gateway leaves them out (1.15.2), and OpenAI refuses them.
const NAMES: [&str; 7] = [
    MAX_TOKENS, MAX_COMPLETION_TOKENS, "max_output_tokens", "maxTokens", "maxOutputTokens", "max_new_tokens",
    "num_predict",
];

fn names(targets: &Targets) -> &'static [&'static str] {
    if targets.known().is_empty() { &NAMES[..2] } else { &NAMES }
}

/// Sets the limit if it is required (Anthropic: `max_tokens: Field required`), lowers it to what the models can write,
/// and chooses its name: OpenAI's reasoning models refuse `max_tokens`. The gateway maps the newer name for all but a
/// few providers, and for those it leaves the limit out (1.15.2).
pub(super) fn output(body: &mut Body<'_>, targets: &Targets, own: &Model<'_>, options: &Options<'_>) {
    let names = names(targets);
    // To some clients -1 is no limit. Of two the smaller holds.
    for name in names {
        if body.members.get(name).is_none_or(|limit| limit.number().is_some_and(|limit| limit < 0.0)) {
            body.members.remove(name);
        }
    }
    let asked = names.iter().filter_map(|&name| body.members.get(name)?.count()).min();
    let is_named = first(&body.members, names).is_some();
    if is_named && asked.is_none() {
        // No number: the provider's to refuse.
        return;
    }
    let demanded = targets.any(|target| target.needs_limit());
    let moderate = if body.stream { DEFAULT } else { DEFAULT_WHOLE };
    let told = asked.map(|asked| u32::try_from(asked).unwrap_or(u32::MAX)).or(own.max_tokens).or(options.max_tokens);
    body.has_default_limit = told.is_none();
    // What is to be said comes on top of a host's own budget.
    let budget = body.members.get("thinking").and_then(|thinking| thinking.object()?.get("budget_tokens")?.whole());
    let moderate = moderate.saturating_add(budget.and_then(|budget| u32::try_from(budget).ok()).unwrap_or(0));
    let Some(limit) = told.or(demanded.then_some(moderate)) else { return };
    let most = |target: &crate::model_traits::Traits| Some(target.max_output_tokens).filter(|&most| most > 0);
    let limit = targets.known().iter().filter_map(most).fold(limit, u32::min);
    set(body, targets, own, limit);
}

/// Sets it under only this name.
pub(super) fn set(body: &mut Body<'_>, targets: &Targets, own: &Model<'_>, limit: u32) {
    let names = names(targets);
    let name = match own.limit_field.as_deref() {
        Some("max_tokens") => MAX_TOKENS,
        Some("max_completion_tokens") => MAX_COMPLETION_TOKENS,
        _ if targets.all(|target| !target.takes_completion_tokens()) => MAX_TOKENS,
        _ if !targets.known().is_empty() => MAX_COMPLETION_TOKENS,
        // Nothing is known: as the host says.
        _ => names.iter().copied().find(|&name| body.members.get(name).is_some()).unwrap_or(MAX_TOKENS),
    };
    remove(&mut body.members, names);
    body.members.set(name, limit);
}

/// The limit that is set, else the moderate one.
pub(super) fn of(body: &Body<'_>) -> u32 {
    first(&body.members, &NAMES).and_then(|set| u32::try_from(set.whole()?).ok()).unwrap_or(DEFAULT)
}
