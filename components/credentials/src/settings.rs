//! What the configuration and the environment say: the secrets, where they may go, and what others may know.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

use crate::origin::Origin;

/// Keys that start so are for the front, and hold no secret but the tokens of its own callers.
const PUBLIC: &str = "gateway-";
/// Keys that start so hold a secret; the rest is the name of its header.
const CREDENTIAL: &str = "credential-";
/// Where the secrets may go: the front's own setting, so that the two cannot disagree.
const BASE_URL: &str = "gateway-base-url";
/// Tells the front which headers are attached here.
const NAMES: &str = "gateway-credentials";

/// Headers that a provider may never set, whether there is a secret for them or not.
const RESERVED: [&str; 7] =
    ["authorization", "proxy-authorization", "cookie", "api-key", "x-api-key", "x-goog-api-key", "x-portkey-api-key"];

/// The settings of one instance.
pub struct Settings {
    origin: Option<Origin>,
    /// Names in lower case, and values.
    secrets: Vec<(String, Vec<u8>)>,
    public: Vec<(String, String)>,
}

impl core::fmt::Debug for Settings {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.debug_struct("Settings").field("origin", &self.origin).finish_non_exhaustive()
    }
}

impl Settings {
    /// Of two pairs with one key the later wins; an empty value is none.
    pub fn read(pairs: Vec<(String, String)>) -> Self {
        let mut public: Vec<(String, String)> = Vec::new();
        let mut secrets: Vec<(String, Vec<u8>)> = Vec::new();
        for (key, value) in pairs {
            let key = canonical(&key);
            let value = value.trim();
            if value.is_empty() {
                continue;
            }
            if let Some(header) = key.strip_prefix(CREDENTIAL) {
                secrets.retain(|(name, _)| name != header);
                secrets.push((header.to_owned(), value.as_bytes().to_vec()));
            } else if key.starts_with(PUBLIC) {
                public.retain(|(name, _)| *name != key);
                public.push((key, value.to_owned()));
            }
        }
        let base_url = public.iter().find(|(key, _)| key == BASE_URL);
        let origin = base_url.and_then(|(_, url)| Origin::of_url(url));
        public.retain(|(key, _)| key != NAMES);
        let names: Vec<&str> = secrets.iter().map(|(name, _)| name.as_str()).collect();
        public.push((NAMES.to_owned(), names.join(" ")));
        Self { origin, secrets, public }
    }

    /// What a request to this place carries: nothing, unless it is the configured origin.
    pub fn secrets_for(&self, scheme: &str, authority: &str) -> &[(String, Vec<u8>)] {
        match (&self.origin, Origin::new(scheme, authority)) {
            (Some(allowed), Some(target)) if *allowed == target => &self.secrets,
            _ => &[],
        }
    }

    /// Whether a header of this name is not the provider's to set, nor to see.
    pub fn is_reserved(&self, name: &str) -> bool {
        let secret = self.secrets.iter().map(|(name, _)| name.as_str());
        secret.chain(RESERVED).any(|reserved| reserved.eq_ignore_ascii_case(name))
    }

    /// A value that others may know.
    pub fn public(&self, key: &str) -> Option<&str> {
        let key = canonical(key);
        self.public.iter().find(|(name, _)| *name == key).map(|(_, value)| value.as_str())
    }

    /// All that others may know.
    pub fn all_public(&self) -> &[(String, String)] {
        &self.public
    }
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
    fn secrets_go_to_the_configured_origin_alone() {
        let pairs = [("gateway.base-url", "https://gateway.example:8443/v1"), ("credential.authorization", "Bearer s")];
        let settings = settings(&pairs);
        assert_eq!(settings.secrets_for("https", "gateway.example:8443").len(), 1);
        assert_eq!(settings.secrets_for("HTTPS", "Gateway.Example:8443").len(), 1);
        for (scheme, authority) in [
            ("http", "gateway.example:8443"),
            ("https", "gateway.example"),
            ("https", "gateway.example:443"),
            ("https", "gateway.example:8443@evil.example"),
            ("https", "evil.example:8443"),
            ("https", "gateway.example.evil.example:8443"),
            ("https", "gateway.example.:8443"),
            ("https", ""),
            ("", "gateway.example:8443"),
        ] {
            assert!(settings.secrets_for(scheme, authority).is_empty(), "{scheme} {authority}");
        }
    }

    #[test]
    fn without_a_base_url_that_can_be_read_no_request_gets_a_secret() {
        for base_url in ["", "gateway.example/v1", "https://user@gateway.example/v1", "ftp://gateway.example"] {
            let settings = settings(&[("gateway.base-url", base_url), ("credential.authorization", "Bearer s")]);
            assert!(settings.secrets_for("https", "gateway.example").is_empty(), "{base_url}");
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
        let fixture = include_str!("../../../tests/fixtures/boundary/names.json");
        let fixture: serde_json::Value = serde_json::from_str(fixture).unwrap();
        let settings = settings(&[]);
        let names = |list: &str| fixture[list].as_array().unwrap().clone();
        for reserved in RESERVED {
            assert!(
                names("secret").iter().any(|name| reserved.eq_ignore_ascii_case(name.as_str().unwrap())),
                "{reserved}"
            );
        }
        for name in names("plain") {
            assert!(!settings.is_reserved(name.as_str().unwrap()), "{name}");
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
}
