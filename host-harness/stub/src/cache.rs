//! Accounts for a prompt's tokens as Anthropic documents it (docs.claude.com, "Prompt caching"): a prefix is written at
//! a marker, and read if a later request has a marker on it, or at most 20 blocks behind it.
//!
//! Also computes what could have been read: see [`Accounted::readable`].

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Duration;

use serde_json::{Value, json};

use super::computed::list;
use super::strict::family::Family;

/// A marker looks at this many blocks, its own among them.
const LOOKBACK: usize = 20;
/// Bytes of JSON that count as one token.
const BYTES_A_TOKEN: usize = 4;
const SHORT: Duration = Duration::from_secs(5 * 60);
const LONG: Duration = Duration::from_secs(60 * 60);

/// The prompt cache of one account.
#[derive(Debug, Default)]
pub struct PromptCache {
    /// By prefix: how long it lives without use, and until when.
    written: HashMap<u64, (Duration, Duration)>,
    /// By prefix: when it was last sent, marked or not.
    sent: HashMap<u64, Duration>,
}

/// Input tokens of one request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Accounted {
    /// Neither read nor written.
    pub uncached: u64,
    /// Read from the cache.
    pub read: u64,
    /// Written, to live for five minutes.
    pub written: u64,
    /// Written, to live for an hour.
    pub written_long: u64,
    /// The most that any markers in this request and those before it could have made readable: the longest prefix that it
    /// shares with a request no older than the lifetime.
    pub readable: u64,
}

impl Accounted {
    /// All of them.
    pub fn total(&self) -> u64 {
        self.uncached + self.read + self.written + self.written_long
    }

    /// Their price, in that of an uncached input token.
    pub fn price(&self) -> f64 {
        let tokens = |count: u64| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
        tokens(self.uncached) + 0.1 * tokens(self.read) + 1.25 * tokens(self.written) + 2.0 * tokens(self.written_long)
    }
}

impl std::ops::AddAssign for Accounted {
    fn add_assign(&mut self, other: Self) {
        self.uncached += other.uncached;
        self.read += other.read;
        self.written += other.written;
        self.written_long += other.written_long;
        self.readable += other.readable;
    }
}

/// A block of a prompt with all before it.
struct Prefix {
    hash: u64,
    tokens: u64,
    marker: Option<Duration>,
}

impl PromptCache {
    /// Accounts for a request to Anthropic's Messages API that is made at `now`, a time since any moment.
    pub fn account(&mut self, body: &Value, now: Duration) -> Accounted {
        let least = Family::of(body["model"].as_str().unwrap_or_default()).map_or(0, |family| family.cached_from);
        let prefixes = prefixes(body);
        let total = prefixes.last().map_or(0, |prefix| prefix.tokens);
        if least == 0 {
            return Accounted { uncached: total, ..Accounted::default() };
        }
        self.written.retain(|_, (_, until)| *until >= now);
        let marked: Vec<usize> =
            (0..prefixes.len()).filter(|at| prefixes.get(*at).is_some_and(|prefix| prefix.marker.is_some())).collect();

        let looked_at = marked.iter().flat_map(|at| (at + 1).saturating_sub(LOOKBACK)..=*at);
        let hits = looked_at.filter_map(|at| prefixes.get(at)).filter(|prefix| self.written.contains_key(&prefix.hash));
        let hit = hits.max_by_key(|prefix| prefix.tokens);
        if let Some((lifetime, until)) = hit.and_then(|hit| self.written.get_mut(&hit.hash)) {
            *until = now + *lifetime;
        }
        let read = hit.map_or(0, |hit| hit.tokens);
        let mut accounted = Accounted { read, ..Accounted::default() };
        let mut up_to = read;
        for prefix in marked.iter().filter_map(|at| prefixes.get(*at)).filter(|prefix| prefix.tokens >= least) {
            let lifetime = prefix.marker.unwrap_or(SHORT);
            self.written.insert(prefix.hash, (lifetime, now + lifetime));
            let new = prefix.tokens.saturating_sub(up_to);
            up_to += new;
            if lifetime == LONG { accounted.written_long += new } else { accounted.written += new }
        }
        accounted.uncached = total - up_to;

        let lifetime = prefixes.iter().filter_map(|prefix| prefix.marker).max().unwrap_or(SHORT);
        let is_alive = |prefix: &&Prefix| self.sent.get(&prefix.hash).is_some_and(|at| *at + lifetime >= now);
        accounted.readable = prefixes
            .iter()
            .filter(is_alive)
            .map(|prefix| prefix.tokens)
            .max()
            .filter(|tokens| *tokens >= least)
            .unwrap_or(0);
        self.sent.extend(prefixes.iter().map(|prefix| (prefix.hash, now)));
        accounted
    }
}

/// Tools, system text and messages, in this order, block by block.
fn prefixes(body: &Value) -> Vec<Prefix> {
    let mut hasher = DefaultHasher::new();
    body["model"].as_str().hash(&mut hasher);
    let (mut tokens, mut all) = (0, Vec::new());
    let mut add = |place: &str, block: &Value| {
        let (text, marker) = unmarked(block);
        (place, &text).hash(&mut hasher);
        tokens += text.len().div_ceil(BYTES_A_TOKEN) as u64;
        all.push(Prefix { hash: hasher.finish(), tokens, marker });
    };
    let mut each = |place: &str, blocks: &Value| match blocks {
        Value::Array(blocks) => blocks.iter().for_each(|block| add(place, block)),
        Value::Null => {}
        text => add(place, text),
    };
    each("tools", &body["tools"]);
    each("system", &body["system"]);
    // A change of these leaves what was cached of the messages unread.
    let settings = format!("{} {}", body["tool_choice"], body["thinking"]);
    for message in list(&body["messages"]) {
        each(&format!("{settings} {}", message["role"]), &message["content"]);
    }
    all
}

/// A block without the markers on and in it, and the lifetime that they ask for. A text in the place of blocks is one.
fn unmarked(block: &Value) -> (String, Option<Duration>) {
    let lifetime = |block: &Value| {
        let marker = block.get("cache_control").filter(|marker| !marker.is_null())?;
        Some(if marker["ttl"] == "1h" { LONG } else { SHORT })
    };
    let mut marker = lifetime(block);
    let mut plain = if block.is_string() { json!({"type": "text", "text": block}) } else { block.clone() };
    if let Some(fields) = plain.as_object_mut() {
        fields.remove("cache_control");
        if let Some(content) = fields.get_mut("content") {
            if content.is_string() {
                *content = json!([{"type": "text", "text": content}]);
            }
            for inner in content.as_array_mut().into_iter().flatten() {
                marker = marker.or_else(|| lifetime(inner));
                if let Some(fields) = inner.as_object_mut() {
                    fields.remove("cache_control");
                }
            }
        }
    }
    (plain.to_string(), marker)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(words: usize, marked: bool) -> Value {
        let mut block = json!({"type": "text", "text": "word".repeat(words)});
        if marked {
            block["cache_control"] = json!({"type": "ephemeral"});
        }
        block
    }

    fn request(system: &[Value], blocks: &[Value]) -> Value {
        json!({"model": "claude-sonnet-4-5", "system": system, "messages": [{"role": "user", "content": blocks}]})
    }

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn a_prefix_is_written_read_and_forgotten() {
        let mut cache = PromptCache::default();
        let body = request(&[text(2000, true), text(10, false)], &[text(3, false)]);
        let first = cache.account(&body, Duration::ZERO);
        assert!(first.written > 2000 && first.read == 0 && first.readable == 0, "{first:?}");
        let second = cache.account(&body, 4 * MINUTE);
        assert_eq!((second.read, second.written, second.uncached), (first.written, 0, first.uncached));
        assert_eq!(second.readable, second.total(), "all of it was sent before");
        // Its use has kept it alive.
        assert_eq!(cache.account(&body, 8 * MINUTE).read, first.written);
        assert_eq!(cache.account(&body, 14 * MINUTE).read, 0);
        assert!((second.price() - (second.uncached as f64 + 0.1 * second.read as f64)).abs() < 1e-9);
    }

    #[test]
    fn what_is_too_short_or_unmarked_is_not_cached() {
        let mut cache = PromptCache::default();
        for body in [request(&[text(900, true)], &[]), request(&[text(9000, false)], &[])] {
            cache.account(&body, Duration::ZERO);
            let again = cache.account(&body, Duration::ZERO);
            assert_eq!((again.read, again.written), (0, 0), "{again:?}");
        }
    }

    #[test]
    fn a_marker_looks_at_twenty_blocks() {
        for (more, found) in [(19, true), (20, false)] {
            let mut cache = PromptCache::default();
            let mut blocks = vec![text(2000, true)];
            cache.account(&request(&[], &blocks), Duration::ZERO);
            blocks[0] = text(2000, false);
            blocks.extend((0..more).map(|at| text(1, at + 1 == more)));
            let accounted = cache.account(&request(&[], &blocks), Duration::ZERO);
            assert_eq!(accounted.read > 0, found, "{more}: {accounted:?}");
            assert!(accounted.readable > 2000);
        }
    }

    #[test]
    fn a_text_is_one_block() {
        let mut cache = PromptCache::default();
        let words = text(3000, true);
        cache.account(&request(&[], std::slice::from_ref(&words)), Duration::ZERO);
        let mut later = request(&[], &[]);
        later["messages"] = json!([
            {"role": "user", "content": words["text"]}, {"role": "user", "content": [text(1, true)]},
        ]);
        assert!(cache.account(&later, Duration::ZERO).read > 3000);
    }

    #[test]
    fn a_marker_in_a_tool_result_is_one_of_the_result() {
        let mut cache = PromptCache::default();
        let result = |marked| json!({"type": "tool_result", "tool_use_id": "1", "content": [text(3000, marked)]});
        cache.account(&request(&[], &[result(true)]), Duration::ZERO);
        assert!(cache.account(&request(&[], &[result(false), text(1, true)]), Duration::ZERO).read > 3000);
    }
}
