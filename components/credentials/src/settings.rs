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
        let name = name.to_ascii_lowercase();
        let has = |word: &Vec<u8>| position(name.as_bytes(), &word.to_ascii_lowercase()).is_some();
        self.telling.iter().any(has)
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
mod tests {
    use super::*;
    use std::format;

    fn settings(pairs: &[(&str, &str)]) -> Settings {
        Settings::read(pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn a_key_has_two_spellings_and_the_later_pair_wins() {
        let settings = settings(&[
            ("CREDENTIAL_X_PORTKEY_API_KEY", "from-environment"),
            ("GATEWAY_BASE_URL", "http://old/v1"),
            ("gateway.base-url", "https://api.portkey.ai/v1"),
            ("credential.x-portkey-api-key", " from-store\n"),
            ("credential.authorization", "  "),
        ]);
        assert_eq!(settings.secrets, [("x-portkey-api-key".to_owned(), b"from-store".to_vec())]);
        assert_eq!(settings.public("gateway.base-url"), Some("https://api.portkey.ai/v1"));
        assert_eq!(settings.public("GATEWAY_CREDENTIALS"), Some("x-portkey-api-key"));
    }

    #[test]
    fn no_origin_but_the_configured_one_is_called() {
        let pairs = [("gateway.base-url", "https://gateway.example:8443/v1"), ("credential.authorization", "Bearer s")];
        let settings = settings(&pairs);
        assert_eq!(settings.secrets_for("https", "gateway.example:8443").unwrap().len(), 1);
        assert_eq!(settings.secrets_for("HTTPS", "Gateway.Example:8443").unwrap().len(), 1);
        for (scheme, authority) in [
            ("http", "gateway.example:8443"),
            ("https", "gateway.example"),
            ("https", "gateway.example:443"),
            ("https", "gateway.example:8443@evil.example"),
            ("https", "evil.example:8443"),
            ("https", "gateway.example.evil.example:8443"),
            ("https", "gateway.example.:8443"),
            ("https", "169.254.169.254"),
            ("http", "127.0.0.1:8443"),
            ("https", ""),
            ("", "gateway.example:8443"),
        ] {
            assert!(settings.secrets_for(scheme, authority).is_none(), "{scheme} {authority}");
        }
    }

    #[test]
    fn without_a_base_url_that_can_be_read_nobody_is_called() {
        for base_url in ["", "gateway.example/v1", "https://user@gateway.example/v1", "ftp://gateway.example"] {
            let settings = settings(&[("gateway.base-url", base_url), ("credential.authorization", "Bearer s")]);
            assert!(settings.secrets_for("https", "gateway.example").is_none(), "{base_url}");
        }
    }

    #[test]
    fn nothing_but_the_gateways_own_keys_is_public() {
        let settings = settings(&[
            ("gateway.token", "callers"),
            ("credential.x-portkey-api-key", "pk-secret"),
            ("CREDENTIAL_AUTHORIZATION", "Bearer pk-secret"),
            ("secret.key", "pk-secret"),
            ("PORTKEY_API_KEY", "pk-secret"),
            ("gateway.credentials", "a lie"),
        ]);
        let public = settings.all_public();
        assert_eq!(public.len(), 2, "{public:?}");
        assert!(public.iter().all(|(_, value)| !value.contains("pk-secret") && value != "a lie"), "{public:?}");
        for key in ["credential.x-portkey-api-key", "CREDENTIAL_AUTHORIZATION", "secret.key", "PORTKEY_API_KEY"] {
            assert_eq!(settings.public(key), None);
        }
        assert!(!format!("{settings:?}").contains("pk-secret"));
    }

    /// The hosts' own fixture: each of these names a secret there too.
    #[test]
    fn what_is_reserved_is_secret_in_every_host() {
        let fixture = fixture(include_str!("../../../tests/fixtures/boundary/names.json"));
        let settings = settings(&[]);
        for reserved in SECRET {
            assert!(texts(&fixture["secret"]).any(|name| reserved.eq_ignore_ascii_case(name)), "{reserved}");
        }
        // Members of JSON are among them, and not all of those could be headers.
        let is_header = |name: &&str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic());
        for name in texts(&fixture["plain"]).filter(is_header) {
            assert!(WAY.contains(&name) || !settings.is_reserved(name), "{name}");
        }
    }

    #[test]
    fn headers_that_are_not_the_providers() {
        let settings = settings(&[("credential.x-custom-key", "s")]);
        for name in ["X-Custom-Key", "Authorization", "x-portkey-api-key", "Cookie"] {
            assert!(settings.is_reserved(name), "{name}");
        }
        assert!(!settings.is_reserved("x-portkey-config"));
    }

    #[test]
    fn what_an_answer_says_of_a_secret() {
        let settings = settings(&[("credential.authorization", "Bearer Sk-Secret-1"), ("credential.x-key", "short")]);
        for (name, is_telling) in [
            ("x-sk-secret-1", true),
            ("X-SK-SECRET-1-y", true),
            ("x-sk-secret", false),
            ("x-short", false),
            ("bearer", false),
        ] {
            assert_eq!(settings.is_telling(name), is_telling, "{name}");
        }
        for (value, masked) in [
            ("Sk-Secret-1", "***********"),
            ("a Sk-Secret-1Sk-Secret-1, Bearer Sk-Secret-1", "a **********************, ******************"),
            ("sk-secret-1 Sk-Secret", "sk-secret-1 Sk-Secret"),
            ("short", "short"),
            ("", ""),
        ] {
            let mut bytes = value.as_bytes().to_vec();
            assert_eq!(settings.mask(&mut bytes), value != masked);
            assert_eq!(bytes, masked.as_bytes());
        }
    }

    #[test]
    fn secrets_that_overlap_are_masked_whole() {
        let settings = settings(&[
            ("credential.a", "Sk-Secret"),
            ("credential.b", "Sk-Secret-and-more"),
            ("credential.c", "more-Sk-Se"),
            ("credential.d", "abababab"),
        ]);
        for (value, masked) in [
            ("Sk-Secret-and-more", "******************"),
            ("x Sk-Secret-and-more-Sk-Secret y", "x **************************** y"),
            ("xabababababy", "x**********y"),
        ] {
            assert_eq!(settings.masked(value.to_owned()), masked);
        }
    }

    /// What parsers of URLs, resolvers and systems take for the configured place, or might.
    #[test]
    fn an_authority_in_other_letters_is_the_same_or_none() {
        let settings = settings(&[("gateway.base-url", "http://127.0.0.1:8787/v1"), ("credential.a", "secret-value")]);
        for authority in [
            "127.1:8787",
            "2130706433:8787",
            "0x7f000001:8787",
            "0177.0.0.1:8787",
            "127.0.0.1.:8787",
            "127.0.0.1:8787/",
            "127.0.0.1:8787#",
            "127.0.0.1:8787?x",
            "127.0.0.1:8787\\@evil.example",
            "127.0.0.1:8787\t",
            " 127.0.0.1:8787",
            "127.0.0.1\0:8787",
            "127.0.0.1:8787,evil.example",
            "127.0.0.1:+8787",
            "127.0.0.1:74323",
            "127.0.0.1:",
            ":8787",
            "127.0.0.1:87:87",
            "[::ffff:127.0.0.1]:8787",
            "[::1]:8787",
            "[127.0.0.1]:8787",
            "[::1%25lo]:8787",
            "127%2e0.0.1:8787",
            "１27.0.0.1:8787",
            "127。0.0.1:8787",
            "localhost:8787",
            "x@127.0.0.1:8787",
            "127.0.0.1:8787\r\nhost: evil.example",
        ] {
            assert!(settings.secrets_for("http", authority).is_none(), "{authority:?}");
        }
        for scheme in ["http:", "http ", "\u{ff48}ttp", "ws", "http\0", "unix"] {
            assert!(settings.secrets_for(scheme, "127.0.0.1:8787").is_none(), "{scheme:?}");
        }
        assert!(settings.secrets_for("http", "127.0.0.1:08787").is_some(), "the same number");
    }

    #[test]
    fn answers_that_are_packed() {
        let settings =
            settings(&[("credential.authorization", "Bearer Sk-Secret-1"), ("credential.x-key", "a,Secret-2")]);
        for (headers, expected) in [
            (&[][..], None),
            (&[("content-type", "a")], None),
            (&[("Content-Encoding", "identity")], None),
            (&[("content-encoding", "")], None),
            (&[("Content-Encoding", "GZIP")], Some("GZIP")),
            (&[("content-encoding", "identity, br")], Some("br")),
            (&[("content-encoding", "identity"), ("content-encoding", "zstd")], Some("zstd")),
            (&[("content-encoding", "Sk-Secret-1")], Some("***********")),
            (&[("content-encoding", "identity, x-Sk-Secret-1-y")], Some("x-***********-y")),
            (&[("content-encoding", "a,Secret-2")], Some("**********")),
        ] {
            let headers: Vec<_> =
                headers.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())).collect();
            assert_eq!(settings.coding(&headers).as_deref(), expected, "{headers:?}");
        }
    }

    fn fixture(text: &str) -> serde_json::Value {
        serde_json::from_str(text).unwrap()
    }

    fn texts(list: &serde_json::Value) -> impl Iterator<Item = &str> {
        list.as_array().unwrap().iter().map(|text| text.as_str().unwrap())
    }

    /// What both hosts' tests read too. What is refused there is left out here.
    #[test]
    fn headers_of_a_provider() {
        let fixture = fixture(include_str!("../../../tests/fixtures/boundary/headers.json"));
        let settings = settings(&[("credential.x-hostile-key", "secret-value")]);
        for name in texts(&fixture["set"]) {
            assert!(!settings.is_reserved(name) && !is_overruled(name), "{name:?}");
        }
        for name in texts(&fixture["refused"]) {
            assert!(settings.is_reserved(name) || is_overruled(name), "{name:?}");
        }
        for name in texts(&fixture["overruled"]) {
            assert!(is_overruled(name), "{name:?}");
        }
        for value in texts(&fixture["refused_values"]) {
            assert!(is_broken(value.as_bytes()), "{value:?}");
        }
    }

    #[test]
    fn names_of_headers_in_answers() {
        let fixture = fixture(include_str!("../../../tests/fixtures/boundary/masks.json"));
        for case in fixture["header_names"].as_array().unwrap() {
            let secrets = texts(&case["secrets"]).map(|secret| ("credential.x-key", secret));
            let settings = settings(&secrets.collect::<Vec<_>>());
            assert_eq!(settings.is_telling(case["name"].as_str().unwrap()), case["kept"] == false, "{case}");
        }
    }
}
