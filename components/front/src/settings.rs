//! The configuration: what each key means is in `../../README.md`.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::{Map, Value, json};

use crate::bindings::openclaw::provider::onboarding::Descriptor;

/// Largest body of a request, in MiB, where the configuration names no other.
const MAX_REQUEST_MIB: usize = 32;

/// The settings of one instance.
#[derive(Clone, PartialEq)]
pub struct Settings {
    /// Where the provider's service is.
    pub base_url: String,
    /// Headers for each of the provider's requests. No secret is among them.
    pub headers: Map<String, Value>,
    /// The provider's own options.
    pub options: Map<String, Value>,
    /// The provider's time limit, in seconds.
    pub timeout_seconds: Option<u64>,
    /// Any of these lets a caller in.
    pub tokens: Vec<String>,
    /// Whether callers on this machine need no token.
    pub allows_loopback: bool,
    /// Largest body of a request, in bytes.
    pub max_request: usize,
    /// Names of the headers that are attached outside of here, in lower case.
    pub credentials: Vec<String>,
}

impl core::fmt::Debug for Settings {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.debug_struct("Settings").field("base_url", &self.base_url).finish_non_exhaustive()
    }
}

impl Settings {
    /// Reads the settings; the error says in a sentence what is wrong. Keys that are not known are somebody else's.
    pub fn read(pairs: &[(String, String)]) -> Result<Self, String> {
        let find = |key: &str| {
            let value = pairs.iter().rev().find(|(name, _)| canonical(name) == key).map(|(_, value)| value.trim());
            value.filter(|value| !value.is_empty())
        };
        let words = |key: &str| find(key).unwrap_or_default().split_whitespace().map(ToOwned::to_owned).collect();
        let object = |key: &str, name: &str| match find(key).map(serde_json::from_str) {
            None => Ok(Map::new()),
            Some(Ok(Value::Object(object))) => Ok(object),
            Some(_) => Err(format!("{name} is not a JSON object")),
        };
        let number = |key: &str, name: &str| {
            let number = find(key).map(|text| text.parse::<u64>().ok().filter(|number| *number > 0));
            number.map(|number| number.ok_or_else(|| format!("{name} is not a whole number above 0"))).transpose()
        };
        let allows_loopback = match find("gateway-anonymous") {
            None => false,
            Some("loopback") => true,
            Some(_) => return Err("gateway.anonymous can only be `loopback`".to_owned()),
        };
        let tokens: Vec<String> = words("gateway-token");
        if tokens.is_empty() && !allows_loopback {
            return Err(
                "this gateway would serve anybody: set gateway.token (GATEWAY_TOKEN), which callers then send \
                as their API key, or gateway.anonymous=loopback (GATEWAY_ANONYMOUS) where it listens on 127.0.0.1 alone"
                    .to_owned(),
            );
        }
        let max_mib = number("gateway-max-request-mib", "gateway.max-request-mib")?;
        Ok(Self {
            base_url: find("gateway-base-url").ok_or("gateway.base-url (GATEWAY_BASE_URL) is not set")?.to_owned(),
            headers: object("gateway-headers", "gateway.headers")?,
            options: object("gateway-options", "gateway.options")?,
            timeout_seconds: number("gateway-timeout-seconds", "gateway.timeout-seconds")?,
            tokens,
            allows_loopback,
            max_request: max_mib.and_then(|mib| usize::try_from(mib).ok()).unwrap_or(MAX_REQUEST_MIB) << 20,
            credentials: words("gateway-credentials"),
        })
    }

    /// The configuration document that the provider reads its connection out of.
    pub fn document(&self, provider: &str) -> String {
        let mut entry = json!({"baseUrl": self.base_url, "headers": self.headers});
        if let (Some(seconds), Some(entry)) = (self.timeout_seconds, entry.as_object_mut()) {
            entry.insert("timeoutSeconds".to_owned(), seconds.into());
        }
        json!({
            "models": {"providers": {provider: entry}},
            "plugins": {"entries": {provider: {"config": self.options}}},
        })
        .to_string()
    }

    /// Ids of the provider's credentials whose headers are attached outside of here.
    pub fn held(&self, descriptor: &Descriptor) -> Vec<String> {
        let is_held = |header: &str| self.credentials.iter().any(|name| name.eq_ignore_ascii_case(header));
        let held = descriptor.credentials.iter().filter(|credential| is_held(&credential.header));
        held.map(|credential| credential.id.clone()).collect()
    }
}

/// One spelling for `gateway.base-url` of a configuration and `GATEWAY_BASE_URL` of an environment.
fn canonical(key: &str) -> String {
    key.to_ascii_lowercase().replace(['_', '.'], "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(pairs: &[(&str, &str)]) -> Result<Settings, String> {
        let pairs: Vec<_> = pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        Settings::read(&pairs)
    }

    const BASE: (&str, &str) = ("gateway.base-url", "http://127.0.0.1:8787/v1");
    const TOKEN: (&str, &str) = ("GATEWAY_TOKEN", "one two");

    #[test]
    fn both_spellings_and_all_keys() {
        let settings = settings(&[
            BASE,
            TOKEN,
            ("GATEWAY_HEADERS", r#"{"x-portkey-config":"pc-1"}"#),
            ("gateway.options", r#"{"debug":true}"#),
            ("gateway.timeout-seconds", "9"),
            ("gateway.max-request-mib", "1"),
            ("gateway.credentials", "x-portkey-api-key authorization"),
            ("GATEWAY_PORT", "tcp://10.0.0.1:80"),
        ])
        .unwrap();
        assert_eq!(settings.tokens, ["one", "two"]);
        assert_eq!((settings.max_request, settings.allows_loopback), (1 << 20, false));
        let document: Value = serde_json::from_str(&settings.document("portkey")).unwrap();
        assert_eq!(
            document,
            json!({
                "models": {"providers": {"portkey": {
                    "baseUrl": "http://127.0.0.1:8787/v1", "headers": {"x-portkey-config": "pc-1"}, "timeoutSeconds": 9,
                }}},
                "plugins": {"entries": {"portkey": {"config": {"debug": true}}}},
            })
        );
    }

    #[test]
    fn without_a_token_it_serves_nobody_unless_told_to() {
        let error = settings(&[BASE]).unwrap_err();
        assert!(error.contains("GATEWAY_TOKEN") && error.contains("gateway.anonymous=loopback"), "{error}");
        assert!(settings(&[BASE, ("gateway.token", "  ")]).is_err());
        assert!(settings(&[BASE, ("gateway.anonymous", "yes")]).is_err());
        assert!(settings(&[BASE, ("gateway.anonymous", "loopback")]).unwrap().allows_loopback);
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert!(settings(&[TOKEN]).unwrap_err().contains("gateway.base-url"));
        for (key, value) in [
            ("gateway.headers", "[]"),
            ("gateway.options", "{"),
            ("gateway.timeout-seconds", "0"),
            ("gateway.max-request-mib", "many"),
        ] {
            assert!(settings(&[BASE, TOKEN, (key, value)]).unwrap_err().starts_with(key), "{key}");
        }
    }
}
