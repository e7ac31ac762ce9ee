//! Secrets inside JSON, such as an inline configuration of the gateway, as an object or as a text. Owns how they are
//! found, hidden, resolved and written into a header; `view` knows where such JSON may be.

use std::{
    convert::Infallible,
    fmt::{self, Write},
};

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};

use crate::{
    excerpt::trimmed,
    mask::{decoded, escaped},
    references::{Piece, is_reference, names, pieces, references},
    secret_names::{self, SHORTEST_UNNAMED, names_a_secret},
};

/// Looks up the values of references. The host implements it, because it has an environment and files.
pub trait Resolver {
    /// Why it cannot: a name is set nowhere, or has a source that the host does not read.
    type Error;

    /// The text at `path` of the configuration, with each `${NAME}` in it replaced.
    fn resolve(&self, text: &str, path: &str) -> Result<SecretString, Self::Error>;

    /// The value of each `${NAME}` in the text, without the text around them.
    fn referred(&self, text: &str) -> Result<Vec<SecretString>, Self::Error>;

    /// The value of a reference that is an object, at `path` of the configuration.
    fn follow(&self, reference: &Value, path: &str) -> Result<SecretString, Self::Error>;
}

/// Resolves nothing: references stay as the user wrote them.
pub(crate) enum Unresolved {}

impl Resolver for Unresolved {
    type Error = Infallible;

    fn resolve(&self, _: &str, _: &str) -> Result<SecretString, Infallible> {
        match *self {}
    }

    fn referred(&self, _: &str) -> Result<Vec<SecretString>, Infallible> {
        match *self {}
    }

    fn follow(&self, _: &Value, _: &str) -> Result<SecretString, Infallible> {
        match *self {}
    }
}

/// The text as JSON, if it is an object or an array, in which no name stands twice: of two only the last would be looked at.
pub fn parse(text: &str) -> Option<Value> {
    // A number or a quoted text is as good as plain text, and need not be read as anything else.
    text.trim_start().starts_with(['{', '[']).then_some(())?;
    serde_json::from_str(text).ok().filter(|json| members(json) == colons(text))
}

fn members(json: &Value) -> usize {
    match json {
        Value::Object(all) => all.values().map(|value| 1 + members(value)).sum(),
        Value::Array(items) => items.iter().map(members).sum(),
        _ => 0,
    }
}

/// The colons outside of texts.
fn colons(json: &str) -> usize {
    let (mut count, mut is_text, mut is_escaped) = (0, false, false);
    for byte in json.bytes() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => is_text = !is_text,
            b':' if !is_text => count += 1,
            _ => {}
        }
    }
    count
}

/// Whether the text looks like JSON but cannot be parsed: a bracket comes before all letters and digits, whatever else does,
/// such as a quote of any kind or a byte order mark. A `$` begins a reference.
pub fn is_broken(text: &str) -> bool {
    let first = text.chars().find(|&sign| sign.is_alphanumeric() || "${['".contains(sign));
    first.is_some_and(|sign| "{['".contains(sign)) && parse(text).is_none()
}

/// What may be a secret in a text that [is broken](is_broken): what stands between quotes, or between any signs of JSON, at each
/// level of texts within texts. A short one only as the value of a name that names a secret.
pub(crate) fn pieces_of_broken(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut text = Some(text.to_owned());
    for _ in 0..LEVELS {
        let Some(level) = text.take() else { break };
        found.extend(texts_of_broken(&level));
        for signs in ["\"'`", "\"'`{}[]:, \t"] {
            let (mut name, mut from) = (0..0, 0);
            for piece in level.split(|sign| signs.contains(sign)) {
                let start = from;
                from += piece.len() + 1;
                if !piece.contains(char::is_alphanumeric) {
                    continue;
                }
                let is_value = level.get(name.start..start).is_some_and(|before| before.contains([':', '=']));
                let is_named = is_value && names_a_secret(level.get(name).unwrap_or_default());
                let lines = piece.lines().map(secret_names::without_scheme);
                found.extend(lines.filter(|line| line.len() >= SHORTEST_UNNAMED || is_named).map(str::to_owned));
                name = start..start + piece.len();
            }
        }
        text = level.contains('\\').then(|| unescaped(&level));
    }
    found
}

/// The texts between double quotes, as JSON writes them, as far as they may be secrets: also those that hold other quotes, and
/// each of those below one name.
fn texts_of_broken(json: &str) -> Vec<String> {
    let (mut found, mut is_named, mut rest) = (Vec::new(), false, json);
    while let Some((_, inner)) = rest.split_once('"') {
        let mut is_escaped = false;
        let end = inner.bytes().position(|byte| {
            let is_end = byte == b'"' && !is_escaped;
            is_escaped = byte == b'\\' && !is_escaped;
            is_end
        });
        let Some((text, after)) = end.and_then(|end| inner.split_at_checked(end)) else { break };
        rest = after.get(1..).unwrap_or_default();
        let Ok(text) = serde_json::from_str::<String>(&format!("\"{text}\"")) else { continue };
        if rest.trim_start().starts_with(':') {
            is_named = names_a_secret(&text);
            continue;
        }
        found.extend(secret_names::within(&text));
        let lines = text.lines().map(secret_names::without_scheme);
        found.extend(
            lines.filter(|line| !line.is_empty() && (is_named || line.len() >= SHORTEST_UNNAMED)).map(str::to_owned),
        );
    }
    found
}

/// How many times JSON may stand as a text within JSON, to be looked into where it is broken.
const LEVELS: usize = 4;

/// The text with what is escaped as within a text of JSON, wherever that stands.
fn unescaped(text: &str) -> String {
    let (mut plain, mut rest) = (String::new(), text);
    while let Some((before, escaped)) = rest.split_once('\\') {
        let mut signs = escaped.chars();
        plain.push_str(before);
        match signs.next() {
            Some('n') => plain.push('\n'),
            Some('r') => plain.push('\r'),
            Some('t') => plain.push('\t'),
            Some('u') => {
                let code =
                    escaped.get(1..5).and_then(|code| u32::from_str_radix(code, 16).ok()).and_then(char::from_u32);
                plain.push(code.unwrap_or('u'));
                signs = escaped.get(if code.is_some() { 5.. } else { 1.. }).unwrap_or_default().chars();
            }
            other => plain.extend(other),
        }
        rest = signs.as_str();
    }
    plain + rest
}

/// Whether the text is a reference and nothing else: a user wrote no secret there.
pub fn is_bare_reference(text: &str) -> bool {
    let text = text.trim();
    references(text).first().is_some_and(|name| text.len() == name.len() + "${}".len())
}

/// Whether all of the text is, or may be, a secret; `named` says that it is under a secret's name.
pub fn is_secret(text: &str, named: bool) -> bool {
    named && !text.trim().is_empty() && !is_bare_reference(text) || holds_password(text)
}

/// Whether the text is a URL with a password in it.
fn holds_password(text: &str) -> bool {
    !passwords(text).is_empty()
}

/// The password in a URL: as a URL has it, as it is written, and what it means.
pub(crate) fn passwords(text: &str) -> Vec<String> {
    let Some((_, rest)) = text.split_once("://") else { return Vec::new() };
    let Ok(url) = url::Url::parse(text.trim()) else { return Vec::new() };
    let Some(password) = url.password() else { return Vec::new() };
    let place = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let written = place.rsplit_once('@').and_then(|(user, _)| user.split_once(':'));
    let written = written.map(|(_, password)| password.to_owned());
    [password.to_owned(), decoded(password)].into_iter().chain(written).collect()
}

/// A reference as an object: `{"source": "env", "provider": "default", "id": "NAME"}`.
pub(crate) fn object_reference(value: &Value) -> Option<(&str, &str)> {
    let (source, id) = (value.get("source")?.as_str()?, value.get("id")?.as_str()?);
    matches!(source, "env" | "file" | "exec" | "store").then_some((source, id))
}

/// The names of all references in `value`, including those in JSON written as text, and objects. Each with whether it stands
/// under a secret's name there.
pub fn all_references(value: &Value) -> Vec<(String, bool)> {
    let mut found = Vec::new();
    all(value, false, references, &mut found);
    found
}

/// The names alone, and those of escaped ones: a program that reads the text and writes it anew may leave out the escape.
pub(crate) fn all_names(value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    all(value, false, names, &mut found);
    found.into_iter().map(|(name, _)| name).collect()
}

fn all(value: &Value, named: bool, of: fn(&str) -> Vec<String>, found: &mut Vec<(String, bool)>) {
    match value {
        Value::String(text) => {
            let json = parse(text);
            // What stands under no secret's name within JSON is found there.
            found.extend(of(text).into_iter().map(|name| (name, named || json.is_some())));
            json.iter().for_each(|json| all(json, named, of, found));
        }
        Value::Array(items) => items.iter().for_each(|item| all(item, named, of, found)),
        Value::Object(members) => {
            found.extend(object_reference(value).map(|(_, id)| (id.to_owned(), named)));
            members.iter().for_each(|(name, member)| all(member, named || names_a_secret(name), of, found));
        }
        _ => {}
    }
}

/// Hides secrets in JSON behind texts that begin with a mark.
pub(crate) struct Concealer<'a> {
    pub(crate) mark: &'a str,
    /// The number of hidden secrets so far.
    pub(crate) count: usize,
    /// Whether references in texts are hidden too: then the host resolves them. Else they stay as the user wrote them. An
    /// object that stands for a text is always hidden, since a text is what the plugin expects there.
    pub(crate) references: bool,
}

impl Concealer<'_> {
    fn placeholder(&mut self) -> String {
        self.count += 1;
        format!("{}{}", self.mark, self.count)
    }

    /// Hides every secret in `value`; `named` says that it is under a secret's name. Returns whether there was one.
    fn conceal(&mut self, value: &mut Value, named: bool) -> bool {
        if object_reference(value).is_some() {
            *value = self.placeholder().into();
            return true;
        }
        match value {
            Value::String(text) => {
                let hidden = self.hides(text, named);
                if hidden {
                    *text = self.placeholder();
                }
                hidden
            }
            Value::Array(items) => items.iter_mut().fold(false, |found, item| self.conceal(item, named) | found),
            Value::Object(members) => members
                .iter_mut()
                .fold(false, |found, (name, member)| self.conceal(member, named || names_a_secret(name)) | found),
            _ => false,
        }
    }

    /// The same for a value that may be JSON as a text; the rest of it stays visible. A text that looks like JSON but
    /// cannot be parsed is hidden except its first character, so that a plugin can say what is wrong.
    pub(crate) fn conceal_inline(&mut self, value: &mut Value, named: bool) -> bool {
        let Value::String(text) = value else { return self.conceal(value, named) };
        if let Some(mut json) = parse(text) {
            let hidden = self.conceal(&mut json, named);
            if hidden {
                *text = json.to_string();
            }
            return hidden;
        }
        let first = trimmed(text).chars().next().filter(|_| is_broken(text) && !is_reference(text));
        let hidden = self.conceal(value, named);
        if let (Some(first), Value::String(hidden)) = (first, value) {
            hidden.insert(0, first);
        }
        hidden
    }

    /// Whether anything in `value` would be hidden.
    pub(crate) fn hides_in(&self, value: &Value, named: bool) -> bool {
        Concealer { count: 0, ..*self }.conceal_inline(&mut value.clone(), named)
    }

    /// Whether this text is hidden as a whole.
    fn hides(&self, text: &str, named: bool) -> bool {
        let within = || match parse(text) {
            Some(mut json) => Concealer { count: 0, ..*self }.conceal(&mut json, named),
            None => is_broken(text),
        };
        is_secret(text, named) || self.references && is_reference(text) || within()
    }
}

/// What `then` gives with a step more on the path, which is written on: copied for each value, a long name would be there once
/// more for all below it.
fn below<T>(path: &mut String, step: fmt::Arguments<'_>, then: impl FnOnce(&mut String) -> T) -> T {
    let length = path.len();
    let _ = path.write_fmt(step);
    let done = then(path);
    path.truncate(length);
    done
}

/// `value`, from `path` of the configuration, with every reference in it resolved.
///
/// # Errors
/// If a reference is set nowhere, or has a source that this host does not read: with its place.
fn resolved<R: Resolver>(value: &Value, path: &mut String, resolver: &R) -> Result<Value, R::Error> {
    if object_reference(value).is_some() {
        return Ok(resolver.follow(value, path)?.expose_secret().into());
    }
    Ok(match value {
        Value::String(text) => match parse(text) {
            // Read before it is resolved, so that a quote in a secret ends no string.
            Some(json) if !all_names(&json).is_empty() => resolved(&json, path, resolver)?.to_string().into(),
            Some(_) => value.clone(),
            // Some read it as JSON all the same: there, too, a quote in a secret ends no text.
            None if is_broken(text) && text.contains(['"', '\'']) => {
                let (mut open, mut is_escaped) = (None, false);
                let piece = |piece| match piece {
                    Piece::Text(text) | Piece::Escaped(text) => {
                        for byte in text.bytes() {
                            open = match open {
                                None if matches!(byte, b'"' | b'\'') => Some(byte),
                                Some(quote) if byte == quote && !is_escaped => None,
                                open => open,
                            };
                            is_escaped = byte == b'\\' && !is_escaped;
                        }
                        Ok(text.to_owned())
                    }
                    Piece::Reference(name) => {
                        let found = resolver.resolve(&format!("${{{name}}}"), path)?;
                        // What stands between texts is JSON itself.
                        if open.is_none() {
                            return Ok(found.expose_secret().to_owned());
                        }
                        let quoted = Value::from(found.expose_secret()).to_string();
                        Ok(quoted.get(1..quoted.len() - 1).unwrap_or_default().to_owned())
                    }
                };
                pieces(text).into_iter().map(piece).collect::<Result<String, _>>()?.into()
            }
            None => resolver.resolve(text, path)?.expose_secret().into(),
        },
        Value::Array(items) => {
            let item = |(at, item)| below(path, format_args!("[{at}]"), |path| resolved(item, path, resolver));
            items.iter().enumerate().map(item).collect::<Result<_, _>>()?
        }
        Value::Object(members) => {
            let member = |(name, value): (&String, &Value)| {
                Ok((name.clone(), below(path, format_args!(".{name}"), |path| resolved(value, path, resolver))?))
            };
            Value::Object(members.iter().map(member).collect::<Result<Map<_, _>, _>>()?)
        }
        other => other.clone(),
    })
}

/// How a value's place shows that it is a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named {
    /// By the name of the header or member itself.
    Secret,
    /// By a name further out.
    Within,
    /// Not at all.
    No,
}

impl Named {
    fn member(self, name: &str) -> Self {
        match (names_a_secret(name), self) {
            (true, _) => Self::Secret,
            (false, Self::No) => Self::No,
            (false, _) => Self::Within,
        }
    }
}

/// What to look for in answers to a request that carries `value`.
pub fn secrets<R: Resolver>(
    value: &Value,
    named: Named,
    path: &str,
    resolver: &R,
) -> Result<Vec<SecretString>, R::Error> {
    let mut found = Vec::new();
    find_secrets(value, named, &mut path.to_owned(), resolver, &mut found)?;
    Ok(found)
}

fn find_secrets<R: Resolver>(
    value: &Value,
    named: Named,
    path: &mut String,
    resolver: &R,
    found: &mut Vec<SecretString>,
) -> Result<(), R::Error> {
    if object_reference(value).is_some() {
        found.extend(secret_names::found_in(&resolver.follow(value, path)?, named == Named::Secret));
        return Ok(());
    }
    match value {
        Value::String(text) => {
            if let Some(json) = parse(text) {
                return find_secrets(&json, named, path, resolver, found);
            }
            for text in resolver.referred(text)? {
                found.extend(secret_names::found_in(&text, named == Named::Secret));
            }
            if named != Named::No || is_broken(text) {
                found.extend(secret_names::found_in(&resolver.resolve(text, path)?, named == Named::Secret));
            }
            found.extend(passwords(text).into_iter().map(SecretString::from));
        }
        Value::Array(items) => {
            for item in items {
                find_secrets(item, named, path, resolver, found)?;
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                find_secrets(member, named.member(name), path, resolver, found)?;
            }
        }
        _ => {}
    }
    Ok(())
}

/// The header value for `value`, from `path`, resolved: JSON in ASCII on one line, any other text as it is.
pub fn header<R: Resolver>(value: &Value, path: &str, resolver: &R) -> Result<SecretString, R::Error> {
    Ok(match resolved(value, &mut path.to_owned(), resolver)? {
        Value::String(text) => match parse(&text) {
            Some(json) => ascii(&json),
            None => text.trim().to_owned(),
        },
        json => ascii(&json),
    }
    .into())
}

/// JSON as a header takes it: on one line, in ASCII. The open-source gateway reads UTF-8 in a header as Latin-1.
pub(crate) fn ascii(json: &Value) -> String {
    escaped(&json.to_string(), |letter| !letter.is_ascii() || letter == '\u{7f}', false)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn secrets_are_hidden_wherever_json_stands() {
        for (value, hidden, shown) in [
            (json!({"provider": "openai", "api_key": "sk-1"}), 1, json!({"provider": "openai", "api_key": "SEALED_1"})),
            (
                json!({"targets": [{"apiKey": "a"}, {"api_key": "b"}]}),
                2,
                json!({"targets": [{"apiKey": "SEALED_1"}, {"api_key": "SEALED_2"}]}),
            ),
            (json!({"credentials": {"user": ["a"]}}), 1, json!({"credentials": {"user": ["SEALED_1"]}})),
            (json!({"inner": "{\"api_key\": \"sk-1\"}"}), 1, json!({"inner": "SEALED_1"})),
            (json!({"custom_host": "https://user:pw@host/v1"}), 1, json!({"custom_host": "SEALED_1"})),
            (json!({"a": "${A}", "key": {"source": "env", "id": "B"}}), 2, json!({"a": "SEALED_1", "key": "SEALED_2"})),
            (json!("{\"api_key\": \"sk-1\"}"), 1, json!("{\"api_key\":\"SEALED_1\"}")),
            (json!("{'api_key': 'sk-1'}"), 1, json!("{SEALED_1")),
            (json!("'{\"api_key\": \"sk-1\"}'"), 1, json!("'SEALED_1")),
            (json!(" \"{\\\"api_key\\\": \\\"sk-1\\\"}\""), 1, json!("\"SEALED_1")),
            (json!("\"pc-abc\""), 0, json!("\"pc-abc\"")),
            (json!("pc-abc"), 0, json!("pc-abc")),
            (
                json!({"max_tokens": 7, "token": true, "cache": {"mode": "simple"}, "key": " "}),
                0,
                json!({"max_tokens": 7, "token": true, "cache": {"mode": "simple"}, "key": " "}),
            ),
        ] {
            let mut seen = value.clone();
            let mut concealer = Concealer { mark: "SEALED_", count: 0, references: true };
            assert_eq!(concealer.conceal_inline(&mut seen, false), hidden > 0, "{value}");
            assert_eq!((concealer.count, seen), (hidden, shown), "{value}");
        }
    }

    /// Each reference stands for itself.
    struct Itself;

    impl Resolver for Itself {
        type Error = Infallible;

        fn resolve(&self, text: &str, _: &str) -> Result<SecretString, Infallible> {
            Ok(text.into())
        }

        fn referred(&self, text: &str) -> Result<Vec<SecretString>, Infallible> {
            Ok(vec![text.into()])
        }

        fn follow(&self, _: &Value, _: &str) -> Result<SecretString, Infallible> {
            Ok("".into())
        }
    }

    /// Where the way to each value is written out, this takes minutes.
    #[test]
    fn what_is_below_a_long_name_is_read_once() {
        let members = (0..50_000).map(|number| (format!("a{number}"), json!("${NAME_OF_A_SECRET}")));
        let long = json!({"x".repeat(4 << 20): Value::Object(members.collect())});
        let Ok(text) = header(&long, "p", &Itself);
        assert!(text.expose_secret().ends_with("\"a49999\":\"${NAME_OF_A_SECRET}\"}}"));
        let Ok(found) = secrets(&long, Named::Within, "p", &Itself);
        assert!(found.len() >= 50_000);
    }
}
