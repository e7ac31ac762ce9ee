//! What is known about models without a request: one table, by families. Every pass over a request uses it, and so do
//! hosts. Unknown facts are absent, because a guess would be sent to somebody.
//!
//! Sources of the numbers: the model pages of Anthropic, OpenAI, Google, xAI, DeepSeek, Moonshot, Z.AI, Mistral and
//! Alibaba, as OpenClaw 2026.9.6 carries them in its catalogs and in `docs/providers`; of what each takes in a request,
//! `docs/portkey.md`, "Models".

use alloc::borrow::ToOwned;
use alloc::string::String;

use crate::bindings::exports::openclaw::provider::models;

/// A line of models that take the same form of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    Claude,
    /// OpenAI's, the o-series among them.
    Gpt,
    Gemini,
    DeepSeek,
    Kimi,
    Glm,
    Qwen,
    Grok,
    Mistral,
    Llama,
    MiniMax,
    MiMo,
    Nova,
    Command,
    Sonar,
    Gemma,
    GptOss,
}

/// Their names, in that order.
const NAMES: [&str; 17] = [
    "claude", "gpt", "gemini", "deepseek", "kimi", "glm", "qwen", "grok", "mistral", "llama", "minimax", "mimo",
    "nova", "command", "sonar", "gemma", "gpt-oss",
];

/// Who serves a model, as far as its id tells: it decides what of a request is kept on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// The maker's own API, or a slug that says nothing else.
    Direct,
    /// Groq and Cerebras, which refuse what they do not know (janhq/jan#8136, Kilo-Org/kilocode#10375).
    Strict,
    Bedrock,
    Vertex,
    OpenRouter,
    /// An endpoint in the form of OpenAI's that serves models of others: Databricks, Azure, a proxy.
    Other,
}

/// How a model is asked to reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Thinking {
    /// It does not, or its API has no say in it.
    None,
    /// `reasoning_effort`.
    Effort,
    /// `thinking` with a budget of tokens, and no effort beside it: Claude from 3.7 to 4.5, Gemini 2.5.
    Budget,
    /// `thinking` that is adaptive, with an effort beside it: Claude since 4.6. Gateway 1.15.2 reads the one, 2.x the
    /// other.
    Adaptive,
    /// `reasoning`, an object with an effort: OpenRouter's own form.
    Object,
}

/// The API through which a model is reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// Chat completions, which almost all models speak.
    #[default]
    Chat,
    /// OpenAI's Responses API.
    Responses,
}

/// What is known of one model.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Traits {
    pub(crate) family: Family,
    pub(crate) route: Route,
    /// All tokens of a request and its answer; 0 where they are not known.
    pub(crate) context_tokens: u32,
    /// Most tokens of an answer; 0 where they are not known.
    pub(crate) max_output_tokens: u32,
    pub(crate) images: bool,
    pub(crate) thinking: Thinking,
    /// The words of [`EFFORTS`] that an effort may be, a bit for each: [`NONE`] and the others. 0: they are not known.
    pub(crate) efforts: u8,
    /// Whether it thinks unless it is told not to, which gateway 1.15.2 does not pass on.
    pub(crate) always_thinks: bool,
    /// What it refuses whatever the value: [`STOP`] and the other bits.
    pub(crate) refuses: u8,
    /// The one API that its maker has for it, where that is not chat completions.
    protocol: Protocol,
}

/// `stop`.
pub(crate) const STOP: u8 = 1;
/// `parallel_tool_calls`.
pub(crate) const PARALLEL: u8 = 2;
/// The two penalties.
pub(crate) const PENALTIES: u8 = 4;
/// `temperature` and `top_p`.
pub(crate) const SAMPLING: u8 = 8;
/// What not all of OpenAI's kind know.
pub(crate) const EXTRAS: u8 = 16;
/// A schema for the answer, which Claude takes since 4.5 (Anthropic's documentation, "Structured outputs"; Opus 4.1 did in a
/// beta alone).
pub(crate) const SCHEMA: u8 = 32;
/// `verbosity`: models before GPT-5, and those of Codex and ChatGPT (enricoros/big-AGI#947).
pub(crate) const VERBOSITY: u8 = 64;
/// What it thought before, once what it was told beforehand has changed ("The block is bound to a different conversation":
/// Anthropic's documentation, "Preserved thinking").
pub(crate) const BOUND: u8 = 128;

/// A line of the table: models whose name begins with `prefix`. The longer prefix comes first.
struct Row {
    prefix: &'static str,
    /// With the maker's own API for a route.
    traits: Traits,
}

impl Row {
    /// A model that speaks only the Responses API.
    const fn by_responses(mut self) -> Self {
        self.traits.protocol = Protocol::Responses;
        self
    }

    /// A model that refuses these, beside what its family does.
    const fn refusing(mut self, more: u8) -> Self {
        self.traits.refuses |= more;
        self
    }

    /// OpenAI's older ones of the o-series take `stop` (OpenAI's API reference: "not supported with latest reasoning models").
    const fn taking_stop(mut self) -> Self {
        self.traits.refuses = PARALLEL | VERBOSITY;
        self
    }

    /// A model that thinks unasked.
    const fn thinking(mut self) -> Self {
        self.traits.always_thinks = true;
        self
    }
}

/// The words that OpenAI's and other APIs have for an effort, the weakest first.
pub(crate) const EFFORTS: [&str; 7] = ["none", "minimal", "low", "medium", "high", "xhigh", "max"];
pub(crate) const NONE: u8 = 1;
const MINIMAL: u8 = 2;
const LOW: u8 = 4;
/// "Supported values are: 'medium'" (egoist/chatwise-releases#1257, Laisky/one-api#266).
const MEDIUM: u8 = 8;
const HIGH: u8 = 16;
pub(crate) const XHIGH: u8 = 32;
pub(crate) const MAX: u8 = 64;
const LOW_HIGH: u8 = LOW | MEDIUM | HIGH;
const TO_XHIGH: u8 = LOW_HIGH | XHIGH;
const TO_MAX: u8 = TO_XHIGH | MAX;
const MINIMAL_HIGH: u8 = MINIMAL | LOW_HIGH;

#[rustfmt::skip]
const ROWS: &[Row] = {
    use Family as F;
    use Thinking::{Adaptive, Budget, Effort, None as No};
    const fn row(
        prefix: &'static str, family: Family, context_tokens: u32, max_output_tokens: u32, images: bool, thinking: Thinking,
        efforts: u8,
    ) -> Row {
        let refuses = match (family, prefix.as_bytes()) {
            // Whether it reasons at a call or not.
            (Family::Gpt, [b'g', b'p', b't', b'-', b'5' | b'6', ..]) if efforts != 0 => STOP,
            (Family::Gpt, _) if efforts != 0 => STOP | VERBOSITY,
            // A number to come says more or less.
            (Family::Gpt, b"gpt-") => 0,
            (Family::Gpt, _) => VERBOSITY,
            (Family::Grok, _) => PENALTIES,
            _ => 0,
        };
        Row { prefix, traits: Traits { family, route: Route::Direct, context_tokens, max_output_tokens, images, thinking, efforts, always_thinks: false, refuses, protocol: Protocol::Chat } }
    }
    &[
    // Anthropic's names since 4: `claude-LINE-MAJOR-MINOR`. The version decides how it reasons: see `claude`.
    // "Forced tool use returns an error" and "Thinking can't be disabled": Anthropic's pages on Opus 5.5, Sonnet 5.5 and Fable 5.1.
    row("claude-opus-5.5", F::Claude, 1_000_000, 128_000, true, Adaptive, TO_MAX).thinking().refusing(BOUND),
    row("claude-sonnet-5.5", F::Claude, 1_000_000, 128_000, true, Adaptive, TO_MAX).thinking().refusing(BOUND),
    row("claude-opus-5", F::Claude, 1_000_000, 128_000, true, Adaptive, TO_MAX),
    row("claude-sonnet-5", F::Claude, 1_000_000, 128_000, true, Adaptive, TO_MAX),
    row("claude-haiku-5", F::Claude, 1_000_000, 128_000, true, Adaptive, TO_MAX).refusing(BOUND),
    row("claude-fable", F::Claude, 1_000_000, 128_000, true, Adaptive, TO_MAX).thinking().refusing(BOUND),
    row("claude-mythos", F::Claude, 1_000_000, 128_000, true, Adaptive, TO_MAX).thinking().refusing(BOUND),
    row("claude-opus-4.8", F::Claude, 1_000_000, 128_000, true, Adaptive, TO_MAX),
    row("claude-opus-4.7", F::Claude, 1_000_000, 128_000, true, Adaptive, TO_MAX),
    row("claude-opus-4.6", F::Claude, 1_000_000, 128_000, true, Adaptive, LOW_HIGH | MAX),
    row("claude-sonnet-4.6", F::Claude, 1_000_000, 128_000, true, Adaptive, LOW_HIGH | MAX),
    row("claude-opus-4.5", F::Claude, 200_000, 64_000, true, Budget, LOW_HIGH),
    row("claude-sonnet-4.5", F::Claude, 200_000, 64_000, true, Budget, LOW_HIGH),
    row("claude-sonnet-4.0", F::Claude, 200_000, 64_000, true, Budget, LOW_HIGH).refusing(SCHEMA),
    row("claude-haiku-4.5", F::Claude, 200_000, 64_000, true, Budget, LOW_HIGH),
    row("claude-opus-4.1", F::Claude, 200_000, 32_000, true, Budget, LOW_HIGH).refusing(SCHEMA),
    row("claude-opus-4.0", F::Claude, 200_000, 32_000, true, Budget, LOW_HIGH).refusing(SCHEMA),
    // Versions to come take no budget, and more is not known of them.
    row("claude-sonnet-4.", F::Claude, 0, 0, true, No, 0),
    row("claude-opus-4.", F::Claude, 0, 0, true, No, 0),
    row("claude-sonnet-4", F::Claude, 200_000, 64_000, true, Budget, LOW_HIGH).refusing(SCHEMA),
    row("claude-opus-4", F::Claude, 200_000, 32_000, true, Budget, LOW_HIGH).refusing(SCHEMA),
    row("claude-3.7-sonnet", F::Claude, 200_000, 64_000, true, Budget, LOW_HIGH).refusing(SCHEMA),
    row("claude-3.5", F::Claude, 200_000, 8_192, true, No, 0),
    row("claude-3", F::Claude, 200_000, 4_096, true, No, 0),
    row("claude", F::Claude, 0, 0, true, No, 0),

    row("gpt-oss", F::GptOss, 131_072, 0, false, Effort, LOW_HIGH),
    row("gpt-6.2-astra", F::Gpt, 1_050_000, 128_000, true, Effort, TO_MAX),
    row("gpt-6-astra", F::Gpt, 1_050_000, 128_000, true, Effort, TO_MAX),
    row("gpt-6", F::Gpt, 1_050_000, 128_000, true, Effort, NONE | TO_MAX),
    row("gpt-5.6", F::Gpt, 1_050_000, 128_000, true, Effort, NONE | TO_MAX),
    // By the Responses API alone: OpenAI's model pages ("Responses API only"), the models that its client for Node 6.49 has
    // for responses and not for chats (`ResponsesModel`), its cookbook's guide to GPT-5-Codex, and Azure's table of models.
    row("gpt-5.5-pro", F::Gpt, 1_050_000, 128_000, true, Effort, MEDIUM | HIGH | XHIGH).by_responses(),
    row("gpt-5.4-pro", F::Gpt, 1_050_000, 128_000, true, Effort, MEDIUM | HIGH | XHIGH).by_responses(),
    row("gpt-5.3-codex", F::Gpt, 400_000, 128_000, true, Effort, TO_XHIGH).by_responses(),
    row("gpt-5.2-codex", F::Gpt, 400_000, 128_000, true, Effort, TO_XHIGH).by_responses().refusing(VERBOSITY),
    row("gpt-5.2-pro", F::Gpt, 400_000, 128_000, true, Effort, MEDIUM | HIGH | XHIGH).by_responses(),
    row("gpt-5.1-codex-max", F::Gpt, 400_000, 128_000, true, Effort, TO_XHIGH).by_responses().refusing(VERBOSITY),
    row("gpt-5.1-codex", F::Gpt, 400_000, 128_000, true, Effort, LOW_HIGH).by_responses().refusing(VERBOSITY),
    row("gpt-5-codex", F::Gpt, 400_000, 128_000, true, Effort, LOW_HIGH).by_responses().refusing(VERBOSITY),
    row("gpt-5-pro", F::Gpt, 400_000, 272_000, true, Effort, HIGH).by_responses(),
    row("o1-pro", F::Gpt, 200_000, 100_000, true, Effort, LOW_HIGH).by_responses().refusing(PARALLEL),
    row("o3-pro", F::Gpt, 200_000, 100_000, true, Effort, LOW_HIGH).by_responses().refusing(PARALLEL),
    row("o3-deep-research", F::Gpt, 200_000, 100_000, true, Effort, MEDIUM).by_responses().refusing(PARALLEL),
    row("o4-mini-deep-research", F::Gpt, 200_000, 100_000, true, Effort, MEDIUM).by_responses().refusing(PARALLEL),
    row("codex-mini", F::Gpt, 200_000, 100_000, true, Effort, LOW_HIGH).by_responses().refusing(PARALLEL),
    row("computer-use-preview", F::Gpt, 8_192, 1_024, true, No, 0).by_responses(),
    row("gpt-5.5", F::Gpt, 1_050_000, 128_000, true, Effort, NONE | TO_XHIGH),
    row("gpt-5.4-mini", F::Gpt, 400_000, 128_000, true, Effort, NONE | TO_XHIGH),
    row("gpt-5.4-nano", F::Gpt, 400_000, 128_000, true, Effort, NONE | TO_XHIGH),
    row("gpt-5.4", F::Gpt, 1_050_000, 128_000, true, Effort, NONE | TO_XHIGH),
    row("gpt-5.3-chat", F::Gpt, 128_000, 16_384, true, Effort, MEDIUM).refusing(VERBOSITY),
    row("gpt-5.2-chat", F::Gpt, 128_000, 16_384, true, Effort, MEDIUM).refusing(VERBOSITY),
    row("gpt-5.1-chat", F::Gpt, 128_000, 16_384, true, Effort, MEDIUM).refusing(VERBOSITY),
    row("gpt-5.3", F::Gpt, 400_000, 128_000, true, Effort, TO_XHIGH),
    row("gpt-5.2", F::Gpt, 400_000, 128_000, true, Effort, NONE | TO_XHIGH),
    row("gpt-5.1", F::Gpt, 400_000, 128_000, true, Effort, NONE | LOW_HIGH),
    row("gpt-5-chat", F::Gpt, 128_000, 16_384, true, No, 0),
    row("gpt-5", F::Gpt, 400_000, 128_000, true, Effort, MINIMAL_HIGH),
    row("gpt-4.1", F::Gpt, 1_047_576, 32_768, true, No, 0),
    // They hear, as those to come may.
    row("gpt-4o-audio", F::Gpt, 0, 0, false, No, 0),
    row("gpt-4o-mini-audio", F::Gpt, 0, 0, false, No, 0),
    row("gpt-4o", F::Gpt, 128_000, 16_384, true, No, 0),
    row("gpt-4-turbo", F::Gpt, 128_000, 4_096, true, No, 0),
    row("gpt-4", F::Gpt, 8_192, 8_192, false, No, 0),
    row("gpt-3.5-turbo", F::Gpt, 16_385, 4_096, false, No, 0),
    row("gpt-", F::Gpt, 0, 0, true, No, 0),
    row("chatgpt-", F::Gpt, 128_000, 16_384, true, No, 0),
    row("o3-mini", F::Gpt, 200_000, 100_000, false, Effort, LOW_HIGH).taking_stop(),
    row("o1", F::Gpt, 200_000, 100_000, true, Effort, LOW_HIGH).taking_stop(),
    row("o3", F::Gpt, 200_000, 100_000, true, Effort, LOW_HIGH).refusing(PARALLEL),
    row("o4-mini", F::Gpt, 200_000, 100_000, true, Effort, LOW_HIGH).refusing(PARALLEL),

    // UKGovernmentBEIS/inspect_ai#5192: no "minimal".
    row("gemini-3.7", F::Gemini, 1_048_576, 65_536, true, Effort, LOW_HIGH),
    row("gemini-3.8", F::Gemini, 1_048_576, 65_536, true, Effort, LOW_HIGH),
    row("gemini-3-pro", F::Gemini, 1_048_576, 65_536, true, Effort, LOW | HIGH),
    row("gemini-3.1-pro", F::Gemini, 1_048_576, 65_536, true, Effort, LOW_HIGH),
    row("gemini-3", F::Gemini, 1_048_576, 65_536, true, Effort, MINIMAL_HIGH),
    // It draws, does not reason, and writes less than the others. How much is not known.
    row("gemini-2.5-flash-image", F::Gemini, 0, 0, true, No, 0),
    // An effort becomes a level in gateway 1.15.2, which these refuse ("Thinking level is not supported"); a budget works.
    row("gemini-2.5-pro", F::Gemini, 1_048_576, 65_536, true, Budget, MINIMAL_HIGH),
    row("gemini-2.5", F::Gemini, 1_048_576, 65_536, true, Budget, NONE | MINIMAL_HIGH),
    row("gemini", F::Gemini, 0, 0, true, No, 0),
    row("gemma", F::Gemma, 0, 0, false, No, 0),

    row("deepseek-flash", F::DeepSeek, 1_000_000, 384_000, true, Effort, HIGH | MAX).thinking(),
    row("deepseek-v4-pro", F::DeepSeek, 1_000_000, 384_000, false, Effort, HIGH | MAX).thinking(),
    row("deepseek-v4", F::DeepSeek, 1_000_000, 384_000, true, Effort, HIGH | MAX).thinking(),
    // Other names of V4 Flash (api-docs.deepseek.com, "Models & Pricing").
    row("deepseek-reasoner", F::DeepSeek, 1_000_000, 384_000, false, No, 0).thinking(),
    row("deepseek-chat", F::DeepSeek, 1_000_000, 384_000, false, No, 0),
    row("deepseek", F::DeepSeek, 0, 0, false, No, 0),

    row("kimi-k3", F::Kimi, 1_048_576, 1_048_576, true, Effort, LOW | HIGH | MAX).thinking().refusing(SAMPLING),
    row("kimi-k2.", F::Kimi, 262_144, 262_144, true, No, 0).thinking().refusing(SAMPLING),
    row("kimi-k2-thinking", F::Kimi, 262_144, 262_144, false, No, 0).thinking(),
    row("kimi-k2", F::Kimi, 262_144, 262_144, false, No, 0),
    row("kimi", F::Kimi, 0, 0, true, No, 0),
    row("moonshot", F::Kimi, 0, 0, false, No, 0),

    row("glm-5.3-flash", F::Glm, 1_048_576, 0, true, Effort, LOW | HIGH | MAX),
    row("glm-5.3", F::Glm, 1_048_576, 0, false, Effort, LOW | HIGH | MAX),
    row("glm-5.2", F::Glm, 1_000_000, 0, false, Effort, HIGH | MAX),
    row("glm-5v", F::Glm, 202_752, 0, true, No, 0),
    row("glm-5", F::Glm, 202_752, 0, false, No, 0),
    row("glm-4.7", F::Glm, 202_752, 0, false, No, 0),
    row("glm", F::Glm, 0, 0, false, No, 0),
    row("zai-glm", F::Glm, 0, 0, false, No, 0),

    row("qwen3-coder-plus", F::Qwen, 1_000_000, 0, false, No, 0),
    row("qwen3-max", F::Qwen, 262_144, 0, false, No, 0),
    row("qwen3.7-max", F::Qwen, 1_000_000, 0, false, No, 0).thinking(),
    // Alibaba's "OpenAI-compatible chat" and its page on Qwen4-Max; QwenLM/qwen-code#8472.
    row("qwen4", F::Qwen, 1_000_000, 0, true, Effort, MINIMAL | NONE | TO_MAX).thinking(),
    row("qwen3.8", F::Qwen, 1_000_000, 0, true, Effort, NONE | TO_MAX).thinking(),
    row("qwen3.", F::Qwen, 1_000_000, 0, true, No, 0).thinking(),
    row("qwen", F::Qwen, 0, 0, false, No, 0),
    row("qwq", F::Qwen, 131_072, 0, false, No, 0),

    row("grok-4.3", F::Grok, 1_000_000, 64_000, true, Effort, LOW_HIGH).refusing(STOP),
    row("grok-4.1", F::Grok, 2_000_000, 30_000, true, No, 0).refusing(STOP),
    row("grok-4.20", F::Grok, 1_000_000, 30_000, true, No, 0).refusing(STOP),
    row("grok-4.", F::Grok, 500_000, 64_000, true, Effort, LOW_HIGH).refusing(STOP),
    row("grok-4", F::Grok, 256_000, 0, true, No, 0).refusing(STOP),
    row("grok-3-mini", F::Grok, 131_072, 0, false, Effort, LOW | HIGH).refusing(STOP),
    row("grok-3", F::Grok, 131_072, 0, false, No, 0),
    row("grok-code", F::Grok, 256_000, 0, true, No, 0).refusing(STOP),
    row("grok", F::Grok, 0, 0, true, No, 0),

    // docs.mistral.ai "Mistral Large 4": thinking is part of the answer's limit.
    row("mistral-large-4", F::Mistral, 1_048_576, 262_144, true, Effort, NONE | HIGH),
    // An answer has no limit of its own: with its prompt it must fit the context (Mistral's reference of `max_tokens`).
    row("mistral-large", F::Mistral, 262_144, 0, true, No, 0),
    row("mistral-medium-3.5", F::Mistral, 262_144, 0, true, Effort, NONE | HIGH),
    row("mistral-small", F::Mistral, 262_144, 0, true, Effort, NONE | HIGH),
    row("codestral", F::Mistral, 128_000, 0, false, No, 0),
    row("devstral-small", F::Mistral, 262_144, 0, true, No, 0),
    row("devstral", F::Mistral, 262_144, 0, false, No, 0),
    row("mistral", F::Mistral, 0, 0, false, No, 0),
    row("ministral", F::Mistral, 0, 0, false, No, 0),
    row("magistral", F::Mistral, 0, 0, false, No, 0),
    row("mixtral", F::Mistral, 0, 0, false, No, 0),
    row("pixtral", F::Mistral, 128_000, 0, true, No, 0),

    row("llama-4", F::Llama, 0, 0, true, No, 0),
    row("llama", F::Llama, 0, 0, false, No, 0),
    row("meta-llama", F::Llama, 0, 0, false, No, 0),

    row("minimax-m3", F::MiniMax, 1_000_000, 0, true, No, 0),
    row("minimax-m2", F::MiniMax, 204_800, 0, false, No, 0),
    row("minimax", F::MiniMax, 0, 0, false, No, 0),
    row("mimo", F::MiMo, 0, 0, false, No, 0),
    row("nova", F::Nova, 0, 0, true, No, 0),
    row("command", F::Command, 0, 0, false, No, 0),
    row("sonar", F::Sonar, 0, 0, true, No, 0),
    ]
};

/// What is known of the model with this id, in any of its spellings: `@slug/name`, OpenRouter's `maker/name`, Bedrock's
/// `us.anthropic.name-v1:0` and its ARNs, Vertex's `anthropic.name@date`.
pub(crate) fn of(id: &str) -> Option<Traits> {
    let id = id.trim().to_ascii_lowercase();
    let (slug, path) = match id.strip_prefix('@').and_then(|id| id.split_once('/')) {
        Some((slug, path)) => (slug, path),
        None => ("", &*id),
    };
    let last = path.rsplit('/').next().unwrap_or(path);
    let (maker, name) = bare(last.strip_prefix("ft:").unwrap_or(last));
    let name = line_first(dotted(name));
    // Most rows begin or end in another letter.
    let letters = name.as_bytes();
    let is_alike = |prefix: &[u8]| {
        prefix.first() == letters.first() && prefix.last() == letters.get(prefix.len().saturating_sub(1))
    };
    let row = ROWS.iter().find(|row| is_alike(row.prefix.as_bytes()) && begins(&name, row.prefix))?;
    let known = row.traits;
    let route = match route(slug, path, maker, last) {
        // An endpoint of OpenAI's kind, with a model of another maker behind it.
        Route::Direct if slug == "openai" && known.family != Family::Gpt => Route::Other,
        // Alibaba's own names have no maker before them.
        Route::Direct if known.family == Family::Qwen && path.contains('/') => Route::Other,
        route => route,
    };
    // How it is asked to reason is the route's where that one has a form of its own.
    // Elsewhere Qwen is told whether to think by an effort, and to call a tool all the same.
    let is_told = known.always_thinks && known.family == Family::Qwen && route == Route::Other;
    let thinking = match (route, known.thinking) {
        (_, Thinking::None) if !is_told => Thinking::None,
        (Route::OpenRouter, _) => Thinking::Object,
        (Route::Other, _) => Thinking::Effort,
        (_, thinking) => thinking,
    };
    let refuses = known.refuses | if route == Route::Strict { EXTRAS } else { 0 };
    // A deployment at Azure keeps this name where the model became one that sees.
    let images = known.images || route == Route::Other && row.prefix == "gpt-4";
    Some(Traits { route, thinking, refuses, images, always_thinks: known.always_thinks && !is_told, ..known })
}

/// The same for hosts: all absent where nothing is known.
pub(crate) fn shown(id: &str) -> models::Traits {
    of(id).map_or_else(models::Traits::default, |known| known.shown())
}

/// Some put the version before the line: `claude-4.5-sonnet`, as Anthropic itself did before 4.
fn line_first(name: String) -> String {
    let split = name.strip_prefix("claude-").and_then(|rest| rest.split_once('-'));
    let (version, line) = split.unwrap_or_default();
    match version.as_bytes().first() {
        Some(b'4'..=b'9') => ["claude-", line.split('-').next().unwrap_or(line), "-", version].concat(),
        _ => name,
    }
}

/// A prefix ends where a word or a number does: `o1` is no beginning of `o10`, and `gpt-5` none of `gpt-50`.
fn begins(name: &str, prefix: &str) -> bool {
    let Some(rest) = name.strip_prefix(prefix) else { return false };
    let starts = |is: fn(&char) -> bool| rest.chars().next().is_some_and(|next| is(&next));
    let splits_number = prefix.ends_with(|last: char| last.is_ascii_digit()) && starts(char::is_ascii_digit);
    let splits_word = prefix.starts_with('o') && starts(char::is_ascii_alphabetic);
    !splits_number && !splits_word
}

/// The maker that Bedrock and Vertex put before a name, and the name.
fn bare(last: &str) -> (&str, &str) {
    const MAKERS: [&str; 14] = [
        "anthropic", "google", "mistralai", "amazon", "meta", "mistral", "deepseek", "qwen", "openai", "moonshot",
        "moonshotai", "zai", "cohere", "minimax",
    ];
    let mut rest = last;
    while let Some((word, after)) = rest.split_once('.') {
        if MAKERS.contains(&word) {
            return (word, after);
        }
        // A region: `us`, `eu`, `apac`, `global`, `us-gov`.
        if word.len() > 6 || word.bytes().any(|byte| byte.is_ascii_digit()) {
            break;
        }
        rest = after;
    }
    ("", last)
}

/// A name with its version spelled as `4.5`, whichever way it was: `claude-sonnet-4-5-20250929`, `claude-3-5-sonnet`,
/// `claude-sonnet-4.5`. A date is no version.
fn dotted(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut is_after_number = false;
    for word in name.split_inclusive('-') {
        let number = word.strip_suffix('-').unwrap_or(word);
        let digits = number.bytes().take_while(u8::is_ascii_digit).count();
        let is_number = matches!(digits, 1 | 2);
        let rest = number.as_bytes().get(digits);
        if is_after_number && is_number && matches!(rest, None | Some(b':' | b'@')) {
            out.pop();
            out.push('.');
        }
        out.push_str(word);
        is_after_number = is_number && rest.is_none();
    }
    out
}

fn route(slug: &str, path: &str, maker: &str, last: &str) -> Route {
    let says = |word: &str| slug.contains(word);
    if path.starts_with("arn:") {
        return Route::Bedrock;
    }
    if says("openrouter")
        || path.starts_with("openrouter/")
        || (slug.is_empty() && path.split('/').count() == 2 && !path.starts_with("models/"))
    {
        return Route::OpenRouter;
    }
    if says("groq") || says("cerebras") {
        return Route::Strict;
    }
    if says("vertex") || (maker == "anthropic" && last.contains('@')) {
        return Route::Vertex;
    }
    if says("bedrock") || says("aws") || !maker.is_empty() {
        return Route::Bedrock;
    }
    if ["azure", "databricks", "snowflake", "cortex", "copilot", "github", "litellm", "vercel"]
        .iter()
        .any(|word| says(word))
    {
        return Route::Other;
    }
    Route::Direct
}

impl Traits {
    /// The API through which it is reached. OpenRouter serves all of its models through chat completions.
    pub(crate) fn protocol(&self) -> Protocol {
        if self.route == Route::OpenRouter { Protocol::Chat } else { self.protocol }
    }

    /// Whether it is GLM at its maker. "Tool choice must be auto": vectorize-io/hindsight#4246.
    pub(crate) fn is_zai(&self) -> bool {
        self.family == Family::Glm && self.route == Route::Direct
    }

    /// Whether its API refuses a request that does not limit the answer.
    pub(crate) fn needs_limit(&self) -> bool {
        self.family == Family::Claude && self.route != Route::Other
    }

    /// OpenAI's reasoning models refuse `max_tokens`, and its others take both. Source: OpenAI's API reference. For
    /// OpenRouter the gateway leaves the newer name out (1.15.2).
    pub(crate) fn takes_completion_tokens(&self) -> bool {
        self.family == Family::Gpt && self.route != Route::OpenRouter
    }

    /// Whether markers in a request decide what of it is kept for the next one, and reach the model. Vertex strips them
    /// (gateway 1.15.2 and 2.2.3).
    pub(crate) fn takes_markers(&self) -> bool {
        self.family == Family::Claude && matches!(self.route, Route::Direct | Route::Bedrock | Route::OpenRouter)
    }

    /// Whether the API wants reasoning back in `reasoning_content`, in tool loops at least.
    pub(crate) fn wants_reasoning_content(&self) -> bool {
        use Family as F;
        matches!(self.family, F::DeepSeek | F::Kimi | F::Glm | F::Qwen | F::MiMo | F::MiniMax)
    }

    /// Whether it is known how it is asked to reason.
    pub(crate) fn reasons(&self) -> bool {
        self.efforts != 0
    }

    fn efforts(&self) -> impl Iterator<Item = &'static str> {
        EFFORTS.into_iter().enumerate().filter(|(at, _)| self.efforts >> at & 1 == 1).map(|(_, word)| word)
    }

    /// Reasoning, as a host shows it.
    fn can_reason(&self) -> bool {
        self.thinking != Thinking::None || self.wants_reasoning_content()
    }

    /// The same for hosts.
    fn shown(&self) -> models::Traits {
        let known = |number| Some(number).filter(|&number: &u32| number > 0);
        models::Traits {
            family: NAMES.get(self.family as usize).map(|&name| name.to_owned()),
            context_tokens: known(self.context_tokens),
            max_output_tokens: known(self.max_output_tokens),
            // A row without numbers stands for models that are not told apart.
            image_input: (self.context_tokens > 0).then_some(self.images),
            document_input: match self.family {
                Family::Claude | Family::Gemini => Some(true),
                _ => None,
            },
            audio_input: match self.family {
                Family::Claude => Some(false),
                Family::Gemini => Some(true),
                _ => None,
            },
            reasoning: (self.context_tokens > 0).then(|| self.can_reason()),
            reasoning_efforts: self.efforts().map(ToOwned::to_owned).collect(),
            prompt_cache: Some(match self.family {
                _ if self.takes_markers() => models::PromptCache::Markers,
                Family::Gpt => models::PromptCache::Key,
                _ => models::PromptCache::Automatic,
            }),
            limit_field: Some(if self.takes_completion_tokens() {
                models::LimitField::MaxCompletionTokens
            } else {
                models::LimitField::MaxTokens
            }),
            thinking_format: match self.thinking {
                Thinking::None => None,
                Thinking::Effort | Thinking::Adaptive => Some(models::ThinkingFormat::Effort),
                Thinking::Budget => Some(models::ThinkingFormat::Budget),
                Thinking::Object => Some(models::ThinkingFormat::Object),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_model_is_described_as_the_table_has_it() {
        let (model, known) = (crate::portkey::descriptor().default_model, shown(crate::portkey::MODEL));
        assert_eq!(
            (model.context_tokens, model.max_output_tokens, Some(model.image_input), Some(model.reasoning)),
            (known.context_tokens, known.max_output_tokens, known.image_input, known.reasoning)
        );
    }

    #[test]
    fn a_model_is_known_in_all_its_spellings() {
        use Family as F;
        use Route as R;
        use Thinking as T;
        for (id, family, route, output, thinking) in [
            ("@anthropic/claude-sonnet-4-5", F::Claude, R::Direct, 64_000, T::Budget),
            ("claude-sonnet-4-5-20250929", F::Claude, R::Direct, 64_000, T::Budget),
            ("@my-team/claude-sonnet-4.5", F::Claude, R::Direct, 64_000, T::Budget),
            ("@bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0", F::Claude, R::Bedrock, 64_000, T::Budget),
            ("anthropic.claude-3-5-sonnet-20240620-v1:0", F::Claude, R::Bedrock, 8_192, T::None),
            ("@x/global.anthropic.claude-opus-4-6-v1", F::Claude, R::Bedrock, 128_000, T::Adaptive),
            (
                "arn:aws:bedrock:us-east-1:1:inference-profile/us.anthropic.claude-opus-4-1-20250805-v1:0",
                F::Claude,
                R::Bedrock,
                32_000,
                T::Budget,
            ),
            ("@vertex-ai/anthropic.claude-opus-4-6@20260101", F::Claude, R::Vertex, 128_000, T::Adaptive),
            ("@x/anthropic.claude-sonnet-4@20250514", F::Claude, R::Vertex, 64_000, T::Budget),
            ("@openrouter/anthropic/claude-sonnet-4.6", F::Claude, R::OpenRouter, 128_000, T::Object),
            ("anthropic/claude-opus-4.8", F::Claude, R::OpenRouter, 128_000, T::Object),
            ("@databricks/claude-sonnet-4", F::Claude, R::Other, 64_000, T::Effort),
            ("claude-opus-4-20250514", F::Claude, R::Direct, 32_000, T::Budget),
            ("claude-3-7-sonnet-latest", F::Claude, R::Direct, 64_000, T::Budget),
            ("claude-3-haiku-20240307", F::Claude, R::Direct, 4_096, T::None),
            ("claude-opus-5-5", F::Claude, R::Direct, 128_000, T::Adaptive),
            ("us.anthropic.claude-haiku-5-5-v1:0", F::Claude, R::Bedrock, 128_000, T::Adaptive),
            ("@dashscope/qwen4-max", F::Qwen, R::Direct, 0, T::Effort),
            ("@alibaba/qwen3.8-max-preview", F::Qwen, R::Direct, 0, T::Effort),
            ("@dashscope/qwen3.6-plus", F::Qwen, R::Direct, 0, T::None),
            ("claude-4-sonnet-20250514", F::Claude, R::Direct, 64_000, T::Budget),
            ("claude-4-5-haiku", F::Claude, R::Direct, 64_000, T::Budget),
            ("@x/claude-4.8-opus", F::Claude, R::Direct, 128_000, T::Adaptive),
            ("@snowflake/claude-4-sonnet", F::Claude, R::Other, 64_000, T::Effort),
            ("openrouter/anthropic/claude-sonnet-4.5", F::Claude, R::OpenRouter, 64_000, T::Object),
            ("claude-opus-4-1-20250805", F::Claude, R::Direct, 32_000, T::Budget),
            // What is to come.
            ("claude-sonnet-4-9", F::Claude, R::Direct, 0, T::None),
            ("claude-opus-4-10", F::Claude, R::Direct, 0, T::None),
            ("claude-opus-6", F::Claude, R::Direct, 0, T::None),
            ("ft:o4-mini-2025-04-16:org::x", F::Gpt, R::Direct, 100_000, T::Effort),
            ("@vertex-ai/google.gemini-2.5-pro", F::Gemini, R::Vertex, 65_536, T::Budget),
            ("CLAUDE-OPUS-4-8", F::Claude, R::Direct, 128_000, T::Adaptive),
            ("@openai/gpt-5-mini", F::Gpt, R::Direct, 128_000, T::Effort),
            ("gpt-5.2-2025-12-11", F::Gpt, R::Direct, 128_000, T::Effort),
            ("@azure/gpt-4o", F::Gpt, R::Other, 16_384, T::None),
            ("o3", F::Gpt, R::Direct, 100_000, T::Effort),
            ("@openai/o4-mini-2025-04-16", F::Gpt, R::Direct, 100_000, T::Effort),
            ("openai/gpt-oss-120b", F::GptOss, R::OpenRouter, 0, T::Object),
            ("@google/gemini-2.5-flash-image", F::Gemini, R::Direct, 0, T::None),
            ("@gemini/gemini-2.5-flash", F::Gemini, R::Direct, 65_536, T::Budget),
            ("models/gemini-3-flash-preview", F::Gemini, R::Direct, 65_536, T::Effort),
            ("@deepseek/deepseek-v4-pro", F::DeepSeek, R::Direct, 384_000, T::Effort),
            ("@moonshot/kimi-k2.7-code", F::Kimi, R::Direct, 262_144, T::None),
            ("@zai/glm-5.3", F::Glm, R::Direct, 0, T::Effort),
            ("@mistral/mistral-large-4-0", F::Mistral, R::Direct, 262_144, T::Effort),
            ("us.amazon.nova-pro-v1:0", F::Nova, R::Bedrock, 0, T::None),
            ("@bedrock/us.meta.llama3-3-70b-instruct-v1:0", F::Llama, R::Bedrock, 0, T::None),
            ("@x/mistral-large-latest", F::Mistral, R::Direct, 0, T::None),
            ("@groq/llama-3.3-70b-versatile", F::Llama, R::Strict, 0, T::None),
            ("@cerebras/zai-glm-4.7", F::Glm, R::Strict, 0, T::None),
            ("@xai/grok-4-1-fast-reasoning", F::Grok, R::Direct, 30_000, T::None),
        ] {
            let Some(traits) = of(id) else { panic!("{id} is unknown") };
            let got = (traits.family, traits.route, traits.max_output_tokens, traits.thinking);
            assert_eq!(got, (family, route, output, thinking), "{id}");
        }
    }

    #[test]
    fn what_is_not_known_is_not_guessed() {
        for id in
            ["", "@team/prod", "o10", "opus", "o1x", "my-claude", "@x/", "databricks-claude-sonnet-4", "omni", "pc-1"]
        {
            assert!(of(id).is_none(), "{id}");
        }
    }

    #[test]
    fn the_longer_prefix_comes_first() {
        for (at, row) in ROWS.iter().enumerate() {
            let hidden = ROWS.get(..at).unwrap().iter().find(|earlier| begins(row.prefix, earlier.prefix));
            assert!(hidden.is_none(), "{} is never reached", row.prefix);
        }
    }
}
