//! Decides by its name whether a value of a configuration is secret, and what to look for in answers after it was sent.
//! `openclaw/src/secrets.js` has the same rules, and both are tested with `tests/fixtures/boundary`.

use base64::{Engine, prelude::BASE64_STANDARD_NO_PAD};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use crate::secret_json::{is_broken, parse, passwords, pieces_of_broken};

/// Words that name a secret by themselves. Digits at the end of a word do not count.
const WORDS: [&str; 15] = [
    "auth", "authn", "authz", "bearer", "cred", "creds", "jwt", "key", "keys", "oauth", "pem", "pwd", "session",
    "sessions", "serviceaccount",
];

const STARTS: [&str; 7] = ["authentic", "authoriz", "cookie", "credential", "passphrase", "passw", "secret"];

const ENDS: [&str; 10] = [
    "secret", "secrets", "password", "passwords", "passwd", "passphrase", "cookie", "cookies", "credential",
    "credentials",
];

/// Words that make a following `key` a secret if both are written as one word (`apikey`, but not `monkey`).
const KEYS: [&str; 19] = [
    "access", "account", "admin", "api", "app", "auth", "client", "encryption", "function", "master", "private",
    "secret", "service", "shared", "signing", "ssh", "storage", "subscription", "virtual",
];

/// `max_tokens` is a number of tokens.
const COUNTS: [&str; 20] = [
    "budget", "cached", "completion", "context", "count", "input", "limit", "max", "maximum", "min", "output", "per",
    "prompt", "ratelimit", "reasoning", "remaining", "thinking", "total", "used", "usage",
];

/// Whether a header, an option or a member of JSON of this name holds a secret, by the words of the name.
///
/// ```
/// use boundary::secret_names::names_a_secret;
///
/// assert!(names_a_secret("clientSecret") && names_a_secret("x-portkey-virtual-key"));
/// assert!(!names_a_secret("x-portkey-trace-id") && !names_a_secret("max_tokens"));
/// ```
pub fn names_a_secret(name: &str) -> bool {
    let words = words(name);
    let is_count = words.iter().any(|word| COUNTS.contains(&&**word));
    let is_secret = |word: &str| {
        if word.ends_with("token") || word.ends_with("tokens") {
            return !is_count;
        }
        let singular = word.strip_suffix('s').unwrap_or(word);
        WORDS.contains(&word)
            || singular.strip_suffix("key").is_some_and(|kind| KEYS.contains(&kind))
            || STARTS.iter().any(|start| word.starts_with(start))
            || ENDS.iter().any(|end| word.ends_with(end))
    };
    let is_service_account = |pair: &[String]| matches!(pair, [one, other] if one == "service" && other == "account");
    words.iter().any(|word| is_secret(word)) || words.windows(2).any(is_service_account)
}

/// The words of `clientSecret`, `client_secret`, `X-Client-Secret` and `CLIENTSecret`, in lower case and without digits at
/// their ends.
fn words(name: &str) -> Vec<String> {
    let letters: Vec<char> = name.chars().collect();
    let mut words = vec![String::new()];
    for (at, &letter) in letters.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|at| letters.get(at)).copied().unwrap_or(' ');
        let after = letters.get(at + 1).copied().unwrap_or(' ');
        let starts_word = letter.is_ascii_uppercase()
            && (before.is_ascii_lowercase()
                || before.is_ascii_digit()
                || (before.is_ascii_uppercase() && after.is_ascii_lowercase()));
        if starts_word || !letter.is_ascii_alphanumeric() {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| letter.is_ascii_alphanumeric()) {
            word.push(letter.to_ascii_lowercase());
        }
    }
    let words = words.iter().map(|word| word.trim_end_matches(|letter: char| letter.is_ascii_digit()).to_owned());
    words.filter(|word| !word.is_empty()).collect()
}

/// The minimum length of a secret without a secret's name. A shorter value of a reference may be an ordinary word, such
/// as a team's name, and masking it would damage answers. It is a secret only if the header's name says so, or in JSON
/// its own name or one above it.
pub(crate) const SHORTEST_UNNAMED: usize = 16;

fn is_scheme(word: &str) -> bool {
    ["basic", "bearer", "digest", "negotiate", "token"].contains(&word.to_ascii_lowercase().as_str())
}

/// What stands behind the scheme in `Bearer sk-1`; of a text without one, all.
pub fn without_scheme(text: &str) -> &str {
    match text.split_once([' ', '\t']) {
        Some((scheme, rest)) if is_scheme(scheme) && !rest.trim().is_empty() => rest,
        _ => text,
    }
}

/// What to look for in answers: for `Bearer sk-1` the text after the scheme, for `Basic` also the password, for cookies
/// each value, for JSON its texts, for what only looks like JSON what its texts may be, for a URL its password.
pub fn secrets_in(value: &SecretString) -> Vec<SecretString> {
    found_in(value, true)
}

/// The same. Short words only where they are `named` as a secret.
pub(crate) fn found_in(value: &SecretString, named: bool) -> Vec<SecretString> {
    let value = value.expose_secret();
    if let Some(json) = parse(value) {
        return lines_in(&json, false).into_iter().map(SecretString::from).collect();
    }
    let mut found = Vec::new();
    for word in value.split_ascii_whitespace().filter(|word| !is_scheme(word)) {
        found.push(word.trim_end_matches([';', ',']));
        for part in word.split([';', ',']) {
            found.push(part);
            found.extend(part.split_once('=').map(|(_, value)| {
                let value = value.strip_prefix('"').unwrap_or(value);
                value.strip_suffix('"').unwrap_or(value)
            }));
        }
    }
    found.retain(|word| named || word.len() >= SHORTEST_UNNAMED);
    let pieces = if is_broken(value) { pieces_of_broken(value) } else { Vec::new() };
    let found = found.into_iter().map(str::to_owned).chain(pieces).chain(within(value));
    found.filter(|text| !text.bytes().all(|byte| byte == b'=')).map(SecretString::from).collect()
}

/// What a text holds that is a secret by its form: the password of a URL, and what `Basic` hides.
pub(crate) fn within(text: &str) -> Vec<String> {
    let basic = basic(text).into_iter().flatten().map(|secret| secret.expose_secret().to_owned());
    passwords(text).into_iter().chain(basic).collect()
}

/// The user and password of `Basic dXNlcjpwYXNzd29yZA==`, and the password.
fn basic(value: &str) -> Option<[SecretString; 2]> {
    let (scheme, code) = value.trim().split_once([' ', '\t'])?;
    let code = code.trim().trim_end_matches('=');
    let plain = scheme.eq_ignore_ascii_case("basic").then(|| BASE64_STANDARD_NO_PAD.decode(code).ok())??;
    let plain = String::from_utf8(plain).ok()?;
    // `echo` adds a line end, which is none of theirs: for a secret with one, each line of a stream would be held back.
    let plain = plain.trim_end_matches(['\r', '\n']);
    let password = plain.split_once(':').map_or(plain, |(_, password)| password);
    Some([password.into(), plain.into()])
}

/// The lines of the texts in `json`: a private key has many. Short ones only by their name, or one above it.
fn lines_in(json: &Value, named: bool) -> Vec<String> {
    match json {
        Value::String(text) => {
            let lines = text.lines().map(|line| without_scheme(line).trim_start_matches([' ', '\t']));
            let lines =
                lines.filter(|line| !line.is_empty() && (named || line.len() >= SHORTEST_UNNAMED)).map(str::to_owned);
            let within = match parse(text) {
                Some(json) => lines_in(&json, named),
                None if is_broken(text) => pieces_of_broken(text),
                None => Vec::new(),
            };
            lines.chain(within).chain(self::within(text)).collect()
        }
        Value::Array(items) => items.iter().flat_map(|item| lines_in(item, named)).collect(),
        Value::Object(members) => {
            let all = members.iter();
            all.flat_map(|(name, member)| lines_in(member, named || names_a_secret(name))).collect()
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fixture(text: &str, name: &str) -> Vec<Value> {
        let fixture: Value = serde_json::from_str(text).unwrap();
        fixture[name].as_array().unwrap().clone()
    }

    #[test]
    fn what_is_secret_is_known_by_its_name() {
        let names = include_str!("../../../tests/fixtures/boundary/names.json");
        for (list, secret) in [("secret", true), ("plain", false)] {
            for name in fixture(names, list) {
                assert_eq!(names_a_secret(name.as_str().unwrap()), secret, "{name}");
            }
        }
    }

    #[test]
    fn what_is_looked_for_in_answers() {
        let values = include_str!("../../../tests/fixtures/boundary/values.json");
        let found = |case: &Value| -> Vec<String> {
            let found = secrets_in(&case["value"].as_str().unwrap().into());
            found.iter().map(|secret| secret.expose_secret().to_owned()).collect()
        };
        for (list, names, expected) in [("cases", "secrets", true), ("ordinary", "not", false)] {
            for case in fixture(values, list) {
                let found = found(&case);
                for secret in case[names].as_array().unwrap() {
                    let secret = secret.as_str().unwrap();
                    assert_eq!(found.iter().any(|found| found == secret), expected, "{secret} in {found:?}, of {case}");
                }
            }
        }
    }
}
