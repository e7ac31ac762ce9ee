//! Reads the configuration and the environment: the secrets, the one place that is called, and which settings others may see.

use alloc::borrow::ToOwned;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use crate::origin::Origin;

/// Keys that start so are for the front, and hold no secret but the tokens of its own callers.
const PUBLIC: &str = "gateway-";
/// Keys that start so hold a secret; the rest is the name of its header.
const CREDENTIAL: &str = "credential-";
/// Where requests may go, and the secrets with them: the front's own setting, so that the two cannot disagree.
const BASE_URL: &str = "gateway-base-url";
/// Tells the front which headers are attached here.
const NAMES: &str = "gateway-credentials";

/// Headers of other secrets, which a provider may never set, whether there is a secret for them or not.
const SECRET: [&str; 8] = [
    "api-key", "authorization", "cookie", "proxy-authorization", "x-amz-security-token", "x-api-key", "x-goog-api-key",
    "x-portkey-api-key",
];

/// Nor those that say where a request ends and which way it goes.
const WAY: [&str; 8] = [
    "connection", "host", "http2-settings", "keep-alive", "proxy-authenticate", "proxy-connection",
    "transfer-encoding", "upgrade",
];

/// Headers that are left out of a request: an answer comes whole, and as it is. Half a secret in one answer and half in
/// another, or a packed one, nobody finds.
const OVERRULED: [&str; 3] = ["accept-encoding", "if-range", "range"];

/// Shorter words of a secret may be ordinary ones.
const SHORTEST: usize = 8;

/// The settings of one instance.
pub struct Settings {
    origin: Option<Origin>,
    /// Names in lower case, and values.
    secrets: Vec<(String, Vec<u8>)>,
    /// What to look for in answers: the values, and of `Bearer sk-1` what follows the scheme.
    telling: Vec<Vec<u8>>,
    public: BTreeMap<String, String>,
}

impl core::fmt::Debug for Settings {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.debug_struct("Settings").field("origin", &self.origin).finish_non_exhaustive()
    }
}

impl Settings {
    /// Of two pairs with one key the later wins; an empty value is none.
    pub fn read(pairs: Vec<(String, String)>) -> Self {
        let mut public = BTreeMap::new();
        let mut secrets = BTreeMap::new();
        for (key, value) in pairs {
            let key = canonical(&key);
            let value = value.trim();
            if value.is_empty() {
                continue;
            }
            if let Some(header) = key.strip_prefix(CREDENTIAL) {
                secrets.insert(header.to_owned(), value.as_bytes().to_vec());
            } else if key.starts_with(PUBLIC) {
                public.insert(key, value.to_owned());
            }
        }
        let origin = public.get(BASE_URL).and_then(|url| Origin::of_url(url));
        let secrets: Vec<(String, Vec<u8>)> = secrets.into_iter().collect();
        let names: Vec<&str> = secrets.iter().map(|(name, _)| name.as_str()).collect();
        public.insert(NAMES.to_owned(), names.join(" "));
        let words = |(_, value): &(String, Vec<u8>)| {
            let words = value.split(u8::is_ascii_whitespace).map(<[u8]>::to_vec);
            let all = [value.clone()].into_iter().chain(words);
            all.filter(|word| word.len() >= SHORTEST).collect::<Vec<_>>()
        };
        let telling = secrets.iter().flat_map(words).collect();
        Self { origin, secrets, telling, public }
    }

    /// What a request to this place carries. `None` where it is not the configured origin: nothing is sent there.
    pub fn secrets_for(&self, scheme: &str, authority: &str) -> Option<&[(String, Vec<u8>)]> {
        let target = Origin::new(scheme, authority)?;
        self.origin.as_ref().filter(|allowed| **allowed == target).map(|_| &*self.secrets)
    }

    /// Whether a header of this name is not the provider's to set, nor to see: also one that is no name at all, which a
    /// host might understand in its own way.
    pub fn is_reserved(&self, name: &str) -> bool {
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        let secret = self.secrets.iter().map(|(name, _)| name.as_str());
        name.is_empty()
            || !name.bytes().all(is_name)
            || secret.chain(SECRET).chain(WAY).any(|reserved| reserved.eq_ignore_ascii_case(name))
    }

    /// Whether a header of an answer must not be shown because of its name, which cannot hold a mask.
    pub fn is_telling(&self, name: &str) -> bool {
        let spellings = [name.as_bytes().to_ascii_lowercase(), unescaped(name.as_bytes()).to_ascii_lowercase()];
        let holds = |name: &Vec<u8>, word: &Vec<u8>| position(name, &word.to_ascii_lowercase()).is_some();
        self.telling.iter().any(|word| spellings.iter().any(|name| holds(name, word)))
    }

    /// Blots out the secrets in the value of an answer's header, and says whether there was one. The mask is as long.
    pub fn mask(&self, value: &mut [u8]) -> bool {
        if self.telling.iter().all(|word| position(value, word).is_none()) {
            return false;
        }
        let seen = value.to_vec();
        for word in &self.telling {
            let mut from = 0;
            // In what came, whatever was blotted out of it: one secret may begin with another, or end as it begins.
            while let Some(at) = seen.get(from..).and_then(|rest| position(rest, word)) {
                from += at;
                if let Some(hidden) = value.get_mut(from..from + word.len()) {
                    hidden.fill(b'*');
                }
                from += 1;
            }
        }
        true
    }

    /// A text without the secrets.
    pub fn masked(&self, text: String) -> String {
        let mut bytes = text.into_bytes();
        self.mask(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The coding of an answer that was asked for as it is, without the secrets: it becomes an error, which callers see.
    pub fn coding<'h>(&self, headers: impl IntoIterator<Item = &'h (String, Vec<u8>)>) -> Option<String> {
        let values = headers.into_iter().filter(|(name, _)| name.eq_ignore_ascii_case("content-encoding"));
        let mut shown = values.map(|(_, value)| self.masked(String::from_utf8_lossy(value).into_owned()));
        shown.find_map(|value| {
            let mut codings = value.split(',').map(str::trim_ascii);
            let coding = codings.find(|coding| !coding.is_empty() && !coding.eq_ignore_ascii_case("identity"));
            coding.map(ToOwned::to_owned)
        })
    }

    /// A value that others may know.
    pub fn public(&self, key: &str) -> Option<&str> {
        self.public.get(&canonical(key)).map(String::as_str)
    }

    /// All that others may know.
    pub fn all_public(&self) -> Vec<(String, String)> {
        self.public.iter().map(|(key, value)| (key.clone(), value.clone())).collect()
    }
}

/// What is meant where letters are written as escapes of URLs, such as `%41`.
fn unescaped(mut text: &[u8]) -> Vec<u8> {
    let mut meant = Vec::with_capacity(text.len());
    while let [first, rest @ ..] = text {
        let escape = match text {
            [b'%', high, low, rest @ ..] => hex(*high).zip(hex(*low)).map(|(high, low)| (high * 16 + low, rest)),
            _ => None,
        };
        let (letter, rest) = escape.unwrap_or((*first, rest));
        meant.push(letter);
        text = rest;
    }
    meant
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// Whether a header of a request is left out, or said anew.
pub fn is_overruled(name: &str) -> bool {
    OVERRULED.iter().any(|overruled| overruled.eq_ignore_ascii_case(name))
}

/// Whether a value would end its header's line, or its text.
pub fn is_broken(value: &[u8]) -> bool {
    value.iter().any(|byte| b"\r\n\0".contains(byte))
}

/// Where `word` stands in `text`.
fn position(text: &[u8], word: &[u8]) -> Option<usize> {
    text.windows(word.len()).position(|window| window == word)
}

/// One spelling for `gateway.base-url` of a configuration and `GATEWAY_BASE_URL` of an environment.
fn canonical(key: &str) -> String {
    key.to_ascii_lowercase().replace(['_', '.'], "-")
}

#[cfg(test)]
mod tests;
