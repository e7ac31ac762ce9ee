//! Portkey's request headers: which option becomes which header, and which values a header may hold.
//!
//! `config` reads the options and headers; [`crate::lint`] checks their values.

use alloc::borrow::{Cow, ToOwned};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::json::{Json, last_of_each};
use crate::nearest::nearest;
use crate::portkey;

/// The value of one of a connection's headers, in any case: of several the last.
pub(crate) fn find<'h>(headers: &'h [(String, String)], wanted: &str) -> Option<&'h str> {
    let mut headers = headers.iter().rev();
    headers.find(|(name, _)| name.trim().eq_ignore_ascii_case(wanted)).map(|(_, value)| &**value)
}

/// A header that a configuration asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// In lower case.
    pub name: String,
    /// As configured; `wire_value` is what is sent.
    pub value: String,
    /// Where it was configured, for a finding.
    pub path: String,
}

impl Header {
    /// Whether the host fills in its value, because it holds `${NAME}`.
    pub fn is_reference(&self) -> bool {
        is_reference(&self.value)
    }

    /// Whether this component sends it: not the key's own, which the host attaches, nor one that the host fills in.
    pub(crate) fn is_ours(&self) -> bool {
        !self.is_reference() && !is_credential(&self.name)
    }

    /// Whether its value is JSON, and so may be escaped.
    pub(crate) fn is_json(&self) -> bool {
        match self.name.as_str() {
            "x-portkey-metadata" => true,
            "x-portkey-config" => self.value.trim_start().starts_with('{'),
            _ => false,
        }
    }

    /// Name and value as they go on the wire.
    pub(crate) fn on_wire(&self) -> (String, String) {
        (self.name.clone(), self.wire_value().into_owned())
    }

    /// The value as it goes on the wire.
    pub(crate) fn wire_value(&self) -> Cow<'_, str> {
        if self.is_json() { ascii(self.value.trim()).into() } else { self.value.trim().into() }
    }
}

/// The same JSON in ASCII on one line, as a header value must be.
///
/// The open-source gateway reads raw UTF-8 in a header as Latin-1 (gateway 1.15.2); escapes arrive right. In valid
/// JSON a character outside ASCII stands inside a string, and a line break outside of one.
fn ascii(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for character in json.chars() {
        match character {
            '\n' | '\r' | '\t' => out.push(' '),
            _ if character.is_ascii() && character != '\u{7f}' => out.push(character),
            _ => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    out.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
    }
    out
}

/// Whether `value` holds a reference `${NAME}`. Names are OpenClaw's: capitals, digits and `_`, no digit first.
pub(crate) fn is_reference(value: &str) -> bool {
    // Most hold no dollar at all, which is cheaper to see.
    value.contains('$')
        && value.split("${").skip(1).any(|rest| {
            rest.split_once('}').is_some_and(|(name, _)| {
                !name.is_empty()
                    && !name.starts_with(|first: char| first.is_ascii_digit())
                    && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
            })
        })
}

/// How an option becomes a header value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Text,
    /// A text, or an object that is sent as JSON.
    TextOrObject,
    Object,
    /// `true` or `false`.
    Flag,
    /// `true`, or no header: the open-source gateway takes any value for yes (gateway 1.15.2).
    OnlyTrue,
    Milliseconds,
    /// An array, or a text with commas. The bracketed form of the docs forwards nothing (gateway 1.15.2).
    List,
}

/// `plugins.entries.portkey.config.*`: each option, its header, and what it holds. Source of the header names: Portkey docs,
/// "Headers".
const OPTIONS: [(&str, &str, Shape); 15] = [
    ("config", "x-portkey-config", Shape::TextOrObject),
    ("provider", "x-portkey-provider", Shape::Text),
    ("virtualKey", "x-portkey-virtual-key", Shape::Text),
    ("traceId", "x-portkey-trace-id", Shape::Text),
    ("spanId", "x-portkey-span-id", Shape::Text),
    ("parentSpanId", "x-portkey-parent-span-id", Shape::Text),
    ("spanName", "x-portkey-span-name", Shape::Text),
    ("metadata", "x-portkey-metadata", Shape::Object),
    ("cacheNamespace", "x-portkey-cache-namespace", Shape::Text),
    ("cacheForceRefresh", "x-portkey-cache-force-refresh", Shape::OnlyTrue),
    ("requestTimeoutMs", "x-portkey-request-timeout", Shape::Milliseconds),
    ("strictOpenAiCompliance", portkey::COMPLIANCE_HEADER, Shape::Flag),
    ("customHost", "x-portkey-custom-host", Shape::Text),
    ("forwardHeaders", "x-portkey-forward-headers", Shape::List),
    ("debug", "x-portkey-debug", Shape::Flag),
];

/// The header that was probably meant by one of Portkey's that does not exist. Those of a provider's own settings
/// (`x-portkey-aws-region`) are many, and none of them is near.
pub(crate) fn meant(name: &str) -> Option<&'static str> {
    const PREFIX: &str = "x-portkey-";
    let own = |header: &'static str| header.strip_prefix(PREFIX).unwrap_or_default();
    let known = OPTIONS.map(|(_, header, _)| own(header));
    let word = name.strip_prefix(PREFIX).filter(|word| !known.contains(word))?;
    let (_, near) = nearest(word, &known)?;
    OPTIONS.iter().map(|(_, header, _)| *header).find(|header| own(header) == near)
}

/// The names of the options that become headers.
pub(crate) fn options() -> impl Iterator<Item = &'static str> {
    OPTIONS.iter().map(|(name, ..)| *name)
}

/// The header that an option asks for. `None` where it is none of [`options`] or asks for no header; the error says
/// what the value should be.
pub(crate) fn from_option(name: &str, value: &Json<'_>, path: &str) -> Result<Option<Header>, &'static str> {
    let Some((_, header, shape)) = OPTIONS.iter().find(|(option, ..)| *option == name) else { return Ok(None) };
    if value.is_null() {
        return Ok(None);
    }
    let text = || Some(value.string()?.trim().to_owned());
    let object = || value.is_object().then(|| value.compact());
    let (header_value, what) = match shape {
        Shape::Text => (text(), "must be a text"),
        Shape::TextOrObject => (text().or_else(object), "must be a config id or a config object"),
        Shape::Object => {
            let text = text().filter(|text| text.starts_with('{') || is_reference(text));
            (text.or_else(object), "must be an object")
        }
        Shape::OnlyTrue if value.bool() == Some(false) => return Ok(None),
        Shape::Flag | Shape::OnlyTrue => (value.bool().map(|_| value.to_json()), "must be true or false"),
        Shape::Milliseconds => (value.whole().map(|_| value.to_json()), "must be a whole number of milliseconds"),
        Shape::List => (text().or_else(|| names(value)), "must be a list of header names"),
    };
    let value = header_value.ok_or(what)?;
    Ok(Some(value).filter(|value| !value.is_empty()).map(|value| Header {
        name: (*header).to_owned(),
        value,
        path: path.to_owned(),
    }))
}

fn names(list: &Json<'_>) -> Option<String> {
    let mut names = Vec::new();
    for name in list.list()? {
        names.push(name.string()?.into_owned());
    }
    Some(names.join(", "))
}

/// Headers that are not the configuration's to set, and why.
pub(crate) fn reserved(name: &str) -> Option<&'static str> {
    Some(match name {
        "host" => "is taken from the base URL",
        "content-length" | "content-type" => "is set for each request from its body",
        "accept" => "is set for each request from the answer it can read",
        "transfer-encoding" | "connection" | "keep-alive" | "te" | "trailer" | "upgrade" | "proxy-connection"
        | "expect" => "belongs to the connection, which is the host's",
        "proxy-authorization" | "proxy-authenticate" => "belongs to the proxy, which is the host's",
        _ => return None,
    })
}

/// Whether `name` is the key's own header, which the host attaches and this component never sends.
pub(crate) fn is_credential(name: &str) -> bool {
    name.eq_ignore_ascii_case(portkey::CREDENTIAL_HEADER)
}

/// Whether `name` is a header name: an HTTP token.
pub(crate) fn is_name(name: &str) -> bool {
    let is_mark = |byte| matches!(byte, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'^'..=b'`' | b'|' | b'~');
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || is_mark(byte))
}

/// Leaves one header of each name: the last, in the place of the first.
pub(crate) fn unify(headers: &mut Vec<Header>) {
    last_of_each(headers, |header| &header.name);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(option: &str, json: &str) -> Result<Option<(String, String)>, &'static str> {
        Ok(from_option(option, &Json::parse(json).unwrap(), "p")?.map(|header| header.on_wire()))
    }

    #[test]
    fn options_become_headers() {
        for (name, json, expected) in [
            ("config", r#"" pc-abc ""#, "x-portkey-config: pc-abc"),
            ("config", "{\"retry\":\n{\"attempts\":3}}", r#"x-portkey-config: {"retry":{"attempts":3}}"#),
            ("provider", r#""@openai""#, "x-portkey-provider: @openai"),
            ("virtualKey", r#""vk""#, "x-portkey-virtual-key: vk"),
            ("traceId", r#""t""#, "x-portkey-trace-id: t"),
            ("spanId", r#""s""#, "x-portkey-span-id: s"),
            ("parentSpanId", r#""p""#, "x-portkey-parent-span-id: p"),
            ("spanName", r#""n""#, "x-portkey-span-name: n"),
            ("metadata", r#"{"_user":"Zoë 😀"}"#, r#"x-portkey-metadata: {"_user":"Zo\u00eb \ud83d\ude00"}"#),
            ("cacheNamespace", r#""c""#, "x-portkey-cache-namespace: c"),
            ("cacheForceRefresh", "true", "x-portkey-cache-force-refresh: true"),
            ("requestTimeoutMs", "5000", "x-portkey-request-timeout: 5000"),
            ("strictOpenAiCompliance", "false", "x-portkey-strict-open-ai-compliance: false"),
            ("customHost", r#""http://h/v1""#, "x-portkey-custom-host: http://h/v1"),
            ("forwardHeaders", r#"["a","B"]"#, "x-portkey-forward-headers: a, B"),
            ("forwardHeaders", r#""a,b""#, "x-portkey-forward-headers: a,b"),
            ("debug", "false", "x-portkey-debug: false"),
        ] {
            let (header, value) = header(name, json).unwrap().unwrap();
            assert_eq!(format!("{header}: {value}"), expected);
        }
        for (name, json) in
            [("cacheForceRefresh", "false"), ("provider", "null"), ("provider", r#"" ""#), ("unknown", "1")]
        {
            assert_eq!(header(name, json), Ok(None), "{name}");
        }
        for (name, json) in [
            ("config", "[]"),
            ("provider", "1"),
            ("metadata", "[]"),
            ("metadata", r#""x""#),
            ("cacheForceRefresh", r#""yes""#),
            ("requestTimeoutMs", "1.5"),
            ("requestTimeoutMs", "-1"),
            ("debug", "0"),
            ("forwardHeaders", "[1]"),
            ("forwardHeaders", "{}"),
        ] {
            assert!(header(name, json).is_err(), "{name}: {json}");
        }
    }

    #[test]
    fn ascii_json_uses_surrogate_pairs() {
        assert_eq!(ascii("{\"é\":\n\"😀\u{7f}\"}"), "{\"\\u00e9\": \"\\ud83d\\ude00\\u007f\"}");
    }

    #[test]
    fn references_are_recognised_anywhere_in_a_value() {
        for value in ["${KEY}", "Bearer ${MY_KEY_2}", "a${_X}b"] {
            assert!(is_reference(value), "{value}");
        }
        for value in ["", "$KEY", "${}", "${1A}", "${a}", "${A B}", "${open", "{\"$eq\":\"x\"}"] {
            assert!(!is_reference(value), "{value}");
        }
    }
}
