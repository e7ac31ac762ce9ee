//! What the providers require for a model, by its id. This table is the stand-in's own and shares nothing with a
//! plugin's, so that it reveals a mistake there.

/// Who made a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Maker {
    Anthropic,
    OpenAi,
    Google,
    DeepSeek,
    Moonshot,
}

/// How a model is asked to think.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Thinking {
    /// It cannot.
    None,
    /// A budget of tokens.
    Budget,
    /// A budget, or as it sees fit by an effort.
    Either,
    /// By an effort alone.
    Effort,
    /// Always, unless it is switched off.
    Always,
}

/// One row of the table.
#[derive(Debug)]
pub(crate) struct Family {
    /// The id holds this, in lower case and with `-` for `.`.
    pub(crate) name: &'static str,
    pub(crate) maker: Maker,
    /// Most tokens of an answer.
    pub(crate) output: u64,
    pub(crate) thinking: Thinking,
    pub(crate) efforts: &'static [&'static str],
    /// Fewest tokens of a prefix that is cached; 0 where markers mean nothing.
    pub(crate) cached_from: u64,
}

const fn claude(name: &'static str, output: u64, thinking: Thinking, cached_from: u64) -> Family {
    let efforts: &[&str] = match thinking {
        Thinking::Either => &["low", "medium", "high", "max"],
        Thinking::Effort => &["low", "medium", "high", "xhigh", "max"],
        _ => &[],
    };
    Family { name, maker: Maker::Anthropic, output, thinking, efforts, cached_from }
}

const fn gpt(name: &'static str, output: u64, efforts: &'static [&'static str]) -> Family {
    let thinking = if efforts.is_empty() { Thinking::None } else { Thinking::Effort };
    Family { name, maker: Maker::OpenAi, output, thinking, efforts, cached_from: 0 }
}

const fn other(name: &'static str, maker: Maker, output: u64, thinking: Thinking) -> Family {
    Family { name, maker, output, thinking, efforts: &[], cached_from: 0 }
}

/// The first row that fits holds. Sources: docs.claude.com "Models overview", "Prompt caching" (minimum lengths) and "Adaptive
/// thinking"; efforts and refusals as measured in handochan/aelix-ai#258 and anomalyco/opencode#4451; OpenAI's pages of
/// its models; api-docs.deepseek.com "Thinking mode"; platform.moonshot.ai "Use Kimi K2 thinking".
const FAMILIES: &[Family] = &[
    claude("claude-3-haiku", 4096, Thinking::None, 2048),
    claude("claude-3-opus", 4096, Thinking::None, 1024),
    claude("claude-3-5-haiku", 8192, Thinking::None, 2048),
    claude("claude-3-5", 8192, Thinking::None, 1024),
    claude("claude-3-7", 64_000, Thinking::Budget, 1024),
    claude("opus-4-5", 64_000, Thinking::Budget, 4096),
    claude("haiku-4-5", 64_000, Thinking::Budget, 4096),
    claude("sonnet-4-5", 64_000, Thinking::Budget, 1024),
    claude("opus-4-6", 128_000, Thinking::Either, 4096),
    claude("sonnet-4-6", 128_000, Thinking::Either, 1024),
    claude("opus-4-7", 128_000, Thinking::Effort, 4096),
    claude("opus-4-8", 128_000, Thinking::Effort, 4096),
    claude("claude-opus-5-5", 128_000, Thinking::Effort, 512),
    claude("claude-haiku-5-5", 128_000, Thinking::Effort, 512),
    claude("claude-sonnet-5-5", 128_000, Thinking::Effort, 512),
    claude("claude-opus-5", 128_000, Thinking::Effort, 512),
    claude("claude-sonnet-5", 128_000, Thinking::Effort, 1024),
    claude("claude-fable-5-1", 128_000, Thinking::Effort, 4096),
    claude("claude-fable-5", 128_000, Thinking::Effort, 4096),
    claude("claude-opus-4", 32_000, Thinking::Budget, 1024),
    claude("claude-sonnet-4", 64_000, Thinking::Budget, 1024),
    gpt("gpt-6-astra", 128_000, &["low", "medium", "high", "xhigh"]),
    gpt("gpt-6-2-astra", 128_000, &["low", "medium", "high", "xhigh"]),
    gpt("gpt-6", 128_000, &["none", "low", "medium", "high", "xhigh", "max"]),
    gpt("gpt-5-6", 128_000, &["none", "low", "medium", "high", "xhigh", "max"]),
    gpt("gpt-5-5", 128_000, &["none", "low", "medium", "high", "xhigh"]),
    gpt("gpt-5-4", 128_000, &["none", "low", "medium", "high", "xhigh"]),
    gpt("gpt-5-1", 128_000, &["none", "low", "medium", "high"]),
    gpt("gpt-5-2", 128_000, &["none", "low", "medium", "high", "xhigh"]),
    gpt("gpt-5", 128_000, &["minimal", "low", "medium", "high"]),
    gpt("gpt-4o", 16_384, &[]),
    gpt("gpt-4-1", 32_768, &[]),
    gpt("o1", 100_000, &["low", "medium", "high"]),
    gpt("o3-mini", 100_000, &["low", "medium", "high"]),
    gpt("o3", 100_000, &["low", "medium", "high"]),
    gpt("o4-mini", 100_000, &["low", "medium", "high"]),
    other("gemini-2-5", Maker::Google, 65_536, Thinking::Budget),
    other("gemini-3", Maker::Google, 65_536, Thinking::Always),
    other("deepseek-v4", Maker::DeepSeek, 384_000, Thinking::Always),
    other("deepseek-reasoner", Maker::DeepSeek, 384_000, Thinking::Always),
    other("kimi-k2-5", Maker::Moonshot, 262_144, Thinking::Always),
    other("kimi-k2-6", Maker::Moonshot, 262_144, Thinking::Always),
    other("kimi-k2-thinking", Maker::Moonshot, 262_144, Thinking::Always),
];

impl Family {
    /// The family of the model with this id, in any spelling: `@slug/`, a vendor's or Bedrock's. `None` where the table
    /// does not know it, and then nothing is demanded of it.
    pub(crate) fn of(model: &str) -> Option<&'static Self> {
        let id = model.rsplit('/').next()?.to_ascii_lowercase().replace('.', "-");
        FAMILIES.iter().find(|family| match family.maker {
            Maker::OpenAi => {
                id.strip_prefix(family.name).is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric()))
            }
            _ => id.contains(family.name),
        })
    }

    /// Whether it thinks without being asked, or is asked to by `body`, in the provider's own form.
    pub(crate) fn is_thinking(&self, body: &serde_json::Value) -> bool {
        match (self.thinking, body["thinking"]["type"].as_str()) {
            (Thinking::None, _) | (_, Some("disabled")) => false,
            (Thinking::Always, _) => true,
            (_, asked) => asked.is_some(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_an_id() {
        for (id, name) in [
            ("@anthropic/claude-sonnet-4-5", "sonnet-4-5"),
            ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "sonnet-4-5"),
            ("anthropic/claude-sonnet-4.5", "sonnet-4-5"),
            ("claude-opus-4-20250514", "claude-opus-4"),
            ("claude-opus-4-1-20250805", "claude-opus-4"),
            ("claude-3-5-sonnet-latest", "claude-3-5"),
            ("gpt-5.1-codex", "gpt-5-1"),
            ("gpt-5-mini", "gpt-5"),
            ("@openai/o3", "o3"),
            ("moonshotai/kimi-k2.5", "kimi-k2-5"),
            ("deepseek-v4-pro", "deepseek-v4"),
        ] {
            assert_eq!(Family::of(id).map(|family| family.name), Some(name), "{id}");
        }
        for id in ["gpt", "openai-o1", "claude", "llama-3.3", "gpt-50"] {
            assert!(Family::of(id).is_none(), "{id}");
        }
    }
}
