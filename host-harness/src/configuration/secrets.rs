//! Secrets as OpenClaw's configuration writes them: a text with `${NAME}` in it, `$NAME`, or an object that says where
//! the secret is: `{ source: "env" | "file" | "exec" | "store", provider, id }`. Owns which of these are followed, and
//! how. `exec` runs programs and `store` is OpenClaw's own database, so both are refused by name.

use std::{fs, path::Path};

use boundary::{
    references::{is_name, is_reference, references, shorthand},
    secret_json,
};
use secrecy::SecretString;
use serde_json::{Map, Value};

use super::{
    environment::References,
    locations::{home_folder, user_path},
};
use crate::{
    error::{Error, Result},
    file::read_file,
    types::ErrorKind,
};

/// The largest file that OpenClaw reads a secret from, unless the configuration says otherwise.
const MAX_FILE: u64 = 1 << 20;

/// A secret that was found, and where, in words for people.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) secret: SecretString,
    /// Nothing where the secret stands in the configuration itself.
    pub(crate) from: Option<String>,
}

/// The secret that stands at `path` of the configuration as `value`. `None` where there is none: `null`, an empty text.
///
/// # Errors
/// Where it refers to what is not there, or cannot be followed.
pub(crate) fn secret(value: &Value, path: &str, all: &References<'_>) -> Result<Option<Found>> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) if text.trim().is_empty() => Ok(None),
        Value::String(text) => match shorthand(text) {
            Some(name) => env(name, default_provider(all.config, "env"), path, all).map(Some),
            None if is_misspelt(text) => Err(Error::at(path, "looks like a reference, and is none")
                .hint("Write it as ${NAME}: the names of variables are capitals, digits and `_`.")),
            None => {
                let names = references(text);
                let from = names.iter().map(|name| all.whence(name)).collect::<Vec<_>>().join(" and ");
                let secret = all.resolve(text)?;
                Ok(Some(Found { secret, from: Some(from).filter(|from| !from.is_empty()) }))
            }
        },
        Value::Object(reference) => follow(reference, path, all).map(Some),
        _ => Err(Error::config(format!("`{path}` must be a text or a reference to a secret"))),
    }
}

/// Whether the whole text is written like a reference, and is none: `${name}`, `${NAME:-default}`. It would be sent as it is.
fn is_misspelt(text: &str) -> bool {
    let text = text.trim();
    text.starts_with("${") && text.ends_with('}') && !is_reference(text)
}

/// Of more that is wrong nobody reads, and each has its place beside it.
pub(super) const MOST_REFUSED: usize = 100;

/// Whether what stands at `path`, or in it, refers to secrets in a way that is followed here. Whether they are there is
/// for whoever needs them.
///
/// # Errors
/// Where it does not: with the place.
pub(crate) fn check_followed(value: &Value, path: &mut String, refused: &mut Vec<Error>) {
    match value {
        _ if refused.len() >= MOST_REFUSED => {}
        Value::Object(fields) if fields.contains_key("source") => match fields.get("source").and_then(Value::as_str) {
            Some("env" | "file") => refused.extend(parts(fields, path).err()),
            source => refused.push(not_followed(source.unwrap_or_default(), path)),
        },
        Value::Object(fields) => {
            // Not copied for each: a long name would be there once more for all below it.
            let length = path.len();
            for (name, value) in fields {
                path.extend([".", name]);
                check_followed(value, path, refused);
                path.truncate(length);
            }
        }
        _ => {}
    }
}

fn not_followed(source: &str, path: &str) -> Error {
    let why = match source {
        "exec" => "it runs a program",
        "store" => "it is OpenClaw's own store",
        _ => "it is unknown",
    };
    Error::at(path, format!("is a reference of the source `{source}`, which is not followed here: {why}"))
        .hint("Refer to an environment variable or a file, with the source `env` or `file`, or give it with a flag.")
}

fn follow(reference: &Map<String, Value>, path: &str, all: &References<'_>) -> Result<Found> {
    let Reference { source, provider, id } = parts(reference, path)?;
    match source {
        "env" => env(id, provider, path, all),
        "file" => file(id, provider, path, all),
        other => Err(not_followed(other, path)),
    }
}

struct Reference<'r> {
    source: &'r str,
    provider: &'r str,
    id: &'r str,
}

/// The parts of a reference: OpenClaw refuses the file for one that has others, or not all.
fn parts<'r>(reference: &'r Map<String, Value>, path: &str) -> Result<Reference<'r>> {
    let text = |name: &str| reference.get(name).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty());
    let wrong = |why: &str| {
        Error::at(path, why)
            .hint("Write it as { source: \"env\", provider: \"default\", id: \"NAME\" }, or as \"${NAME}\".")
    };
    let Some(source) = text("source") else { return Err(wrong("is an object that names no `source` of a secret")) };
    if let Some(other) = reference.keys().find(|name| !["source", "provider", "id"].contains(&name.as_str())) {
        return Err(wrong(&format!("holds `{other}`, which no reference to a secret has")));
    }
    let Some(id) = text("id") else { return Err(wrong("is a reference to a secret without an `id`")) };
    let Some(provider) = text("provider") else { return Err(wrong("is a reference to a secret without a `provider`")) };
    if !is_provider(provider) {
        return Err(wrong(&format!(
            "names the provider `{provider}`: such names are small letters, digits, `_` and `-`"
        )));
    }
    Ok(Reference { source, provider, id })
}

/// Whether `value` is no reference, or one that has all its parts.
///
/// # Errors
/// Where it has not.
pub(crate) fn check_parts(value: &Value, path: &str) -> Result<()> {
    value.as_object().map_or(Ok(()), |reference| parts(reference, path).map(drop))
}

/// OpenClaw takes no others: `^[a-z][a-z0-9_-]{0,63}$`.
fn is_provider(name: &str) -> bool {
    let is_rest =
        |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_' || letter == '-';
    name.starts_with(|first: char| first.is_ascii_lowercase()) && name.len() <= 64 && name.chars().all(is_rest)
}

/// The provider of a source that `$NAME` is for.
fn default_provider<'a>(config: &'a Value, source: &str) -> &'a str {
    let named = config.pointer("/secrets/defaults").and_then(|defaults| defaults.get(source)?.as_str());
    named.map(str::trim).filter(|name| !name.is_empty()).unwrap_or("default")
}

/// `secrets.providers.<provider>`, which must be of this source.
fn provider<'a>(config: &'a Value, name: &str, source: &str, path: &str) -> Result<Option<&'a Value>> {
    let found = config.pointer("/secrets/providers").and_then(|providers| providers.get(name));
    match found.and_then(|found| found.get("source")?.as_str()) {
        Some(configured) if configured == source => Ok(found),
        // Without an entry of its own, the default provider of the environment is built in.
        _ if source == "env" && name == default_provider(config, source) => Ok(None),
        Some(other) => Err(Error::config(format!(
            "`{path}` refers to the {source} provider `{name}`, but secrets.providers.{name} is of the source `{other}`"
        ))),
        None => {
            Err(Error::config(format!("`{path}` refers to the {source} provider `{name}`, which is not configured"))
                .hint(format!("Add it as secrets.providers.{name}, with the source `{source}`.")))
        }
    }
}

fn env(name: &str, alias: &str, path: &str, all: &References<'_>) -> Result<Found> {
    if !is_name(name) || name.starts_with('_') {
        return Err(Error::config(format!(
            "`{path}` refers to `{name}`, which is not the name of an environment variable"
        ))
        .hint("Such names are capitals, digits and `_`."));
    }
    let allowed = provider(all.config, alias, "env", path)?.and_then(|provider| provider.get("allowlist")?.as_array());
    if allowed.is_some_and(|allowed| !allowed.iter().any(|allowed| allowed == name)) {
        return Err(Error::config(format!(
            "`{path}` refers to {name}, which secrets.providers.{alias}.allowlist leaves out"
        )));
    }
    let from = all.whence(name);
    let secret = all.found(name)?.into();
    Ok(Found { secret, from: Some(from) })
}

fn file(id: &str, alias: &str, path: &str, all: &References<'_>) -> Result<Found> {
    let place = format!("secrets.providers.{alias}");
    let provider = provider(all.config, alias, "file", path)?.unwrap_or(&Value::Null);
    let text = |name: &str| provider.get(name).and_then(Value::as_str);
    let named = text("path").filter(|path| !path.trim().is_empty());
    // Shown as it is written: what it refers to may be a secret.
    let named = named.ok_or_else(|| Error::config(format!("`{place}.path` must name a file")))?;
    let file = user_path(secrecy::ExposeSecret::expose_secret(&all.resolve(named)?), &home_folder(all.environment));
    let most = provider.get("maxBytes").and_then(Value::as_u64).unwrap_or(MAX_FILE);
    let unreadable = |why: String| {
        Error::host(ErrorKind::MissingCredential, format!("`{path}` refers to the file `{named}`, which {why}"))
            .hint(format!("Fix the file, or `{place}`."))
    };
    check_private(&file).map_err(&unreadable)?;
    let bytes = read_file(&file, most).map_err(|error| unreadable(format!("cannot be read: {error}")))?;
    let held = String::from_utf8(bytes).map_err(|_| unreadable("is not UTF-8 text".into()))?;
    let held = held.trim_start_matches('\u{feff}');
    let (secret, from) = match text("mode").unwrap_or("json") {
        "singleValue" if id == "value" => {
            let line = held.strip_suffix('\n').map_or(held, |held| held.strip_suffix('\r').unwrap_or(held));
            (line.to_owned(), named.to_owned())
        }
        "singleValue" => return Err(unreadable(format!("is a single value, whose id is `value` and not `{id}`"))),
        "json" => {
            let json = serde_json::from_str::<Value>(held).ok().filter(Value::is_object);
            let json = json.ok_or_else(|| unreadable("holds no JSON object".into()))?;
            let value = Some(id).filter(|id| id.starts_with('/')).and_then(|id| json.pointer(id)?.as_str());
            let value = value.ok_or_else(|| unreadable(format!("holds no text at `{id}`")))?;
            (value.to_owned(), format!("{named}, {id}"))
        }
        other => return Err(Error::config(format!("`{place}.mode` is `{other}`: it must be `json` or `singleValue`"))),
    };
    if secret.trim().is_empty() {
        return Err(unreadable("holds an empty secret".into()));
    }
    Ok(Found { secret: secret.into(), from: Some(from) })
}

/// As OpenClaw wants it: a file of the user's own, under one name, that nobody else can read or write.
fn check_private(file: &Path) -> Result<(), String> {
    let found = fs::symlink_metadata(file).map_err(|error| format!("cannot be read: {error}"))?;
    if found.is_symlink() {
        return Err("is a link, which OpenClaw does not take".into());
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        if found.nlink() > 1 && found.is_file() {
            return Err("has a second name (a hard link), which OpenClaw does not take".into());
        }
        if found.mode() & 0o077 != 0 {
            return Err("others can read or write: take their rights away with chmod 600".into());
        }
    }
    Ok(())
}

impl secret_json::Resolver for References<'_> {
    type Error = Error;

    fn resolve(&self, text: &str, path: &str) -> Result<SecretString> {
        References::resolve(self, text).map_err(|error| error.placed_at(path))
    }

    fn referred(&self, text: &str) -> Result<Vec<SecretString>> {
        references(text).iter().map(|name| self.found(name).map(SecretString::from)).collect()
    }

    fn follow(&self, reference: &Value, path: &str) -> Result<SecretString> {
        let found = secret(reference, path, self)?;
        Ok(found.map(|found| found.secret).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;
    use serde_json::json;

    use super::{super::environment::Environment, *};

    fn private(folder: &tempfile::TempDir, name: &str, text: &str) -> String {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        #[cfg(unix)]
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        path.to_str().unwrap().to_owned()
    }

    #[test]
    fn a_secret_is_found_wherever_openclaw_finds_it_or_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let json_file = private(&folder, "s.json", "\u{feff}{\"a/b\": {\"~k\": \"from-json\"}, \"n\": 1}");
        let single = private(&folder, "s.txt", "from-file\r\n");
        let open = private(&folder, "open.txt", "x");
        #[cfg(unix)]
        fs::set_permissions(&open, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
        let config = json!({"secrets": {"providers": {
            "json": {"source": "file", "path": json_file},
            "single": {"source": "file", "path": single, "mode": "singleValue"},
            "small": {"source": "file", "path": single, "mode": "singleValue", "maxBytes": 3},
            "open": {"source": "file", "path": open, "mode": "singleValue"},
            "some": {"source": "env", "allowlist": ["A"]},
            "secret-path": {"source": "file", "path": "/none/${A}"},
            "vault": {"source": "exec", "command": "/bin/true"},
        }, "defaults": {"file": "single"}}, "env": {"vars": {"B": "from-block"}}});
        let environment = Environment::from_iter([("A", "from-environment")]);
        for (value, expected) in [
            (json!("plain"), Ok("plain")),
            (json!("${A}"), Ok("from-environment")),
            (json!("x-${A}-${B}"), Ok("x-from-environment-from-block")),
            (json!("$${A}"), Ok("${A}")),
            (json!(" $A "), Ok("from-environment")),
            (json!("$a"), Ok("$a")),
            (json!("${a}"), Err("looks like a reference, and is none")),
            (json!(" ${A:-plain} "), Err("looks like a reference")),
            (json!({"source": "env", "provider": "default", "id": "A"}), Ok("from-environment")),
            (json!({"source": "env", "id": "B"}), Err("without a `provider`")),
            (json!({"source": "env", "provider": "Mine", "id": "B"}), Err("the provider `Mine`")),
            (json!({"source": "env", "provider": "some", "id": "A"}), Ok("from-environment")),
            (json!({"source": "env", "provider": "some", "id": "B"}), Err("allowlist")),
            (json!({"source": "env", "provider": "other", "id": "A"}), Err("`other`, which is not configured")),
            (json!({"source": "env", "provider": "json", "id": "A"}), Err("is of the source `file`")),
            (
                json!({"source": "env", "provider": "default", "id": "lower"}),
                Err("not the name of an environment variable"),
            ),
            (json!({"source": "env", "provider": "default", "id": "C"}), Err("${C}, which is not set")),
            (json!({"source": "file", "provider": "json", "id": "/a~1b/~0k"}), Ok("from-json")),
            (json!({"source": "file", "provider": "json", "id": "/no"}), Err("no text at `/no`")),
            (json!({"source": "file", "provider": "json", "id": "/n"}), Err("no text at `/n`")),
            (json!({"source": "file", "provider": "single", "id": "value"}), Ok("from-file")),
            (json!({"source": "file", "id": "value"}), Err("without a `provider`")),
            (json!({"source": "file", "provider": "single", "id": "/x"}), Err("`value` and not `/x`")),
            (json!({"source": "file", "provider": "small", "id": "value"}), Err("larger than 3 bytes")),
            #[cfg(unix)]
            (json!({"source": "file", "provider": "open", "id": "value"}), Err("chmod 600")),
            (json!({"source": "file", "provider": "secret-path", "id": "/k"}), Err("file `/none/${A}`, which cannot")),
            (
                json!({"source": "file", "provider": "nowhere", "id": "value"}),
                Err("`nowhere`, which is not configured"),
            ),
            (json!({"source": "exec", "provider": "vault", "id": "x"}), Err("`exec`, which is not followed here")),
            (json!({"source": "store", "provider": "default", "id": "X"}), Err("`store`, which is not followed here")),
            (json!({"source": "vault", "provider": "default", "id": "x"}), Err("`vault`, which is not followed here")),
            (json!({"source": "env", "provider": "default", "id": "A", "extra": 1}), Err("`extra`")),
            (json!({"source": "env"}), Err("without an `id`")),
            (json!({"key": "x"}), Err("names no `source`")),
            (json!(7), Err("must be a text")),
        ] {
            let found = secret(&value, "a.b", &References::new(&environment, &config));
            match (found, expected) {
                (Ok(Some(found)), Ok(expected)) => assert_eq!(found.secret.expose_secret(), expected, "{value}"),
                (Err(error), Err(why)) => assert!(error.to_string().contains(why), "{value}: {error}"),
                (found, _) => panic!("{value}: {found:?}"),
            }
        }
        assert!(secret(&json!("  "), "a", &References::new(&environment, &config)).unwrap().is_none());
    }

    #[test]
    fn a_header_is_json_in_ascii_whatever_the_secret_is() {
        let environment = Environment::from_iter([
            ("QUOTED", "a\"b\\c"),
            ("UMLAUT", "ü\u{1f600}"),
            ("JSON", "{\"api_key\":\n \"ü\"}"),
            ("LIST", "[{\"k\":\"v\"}]"),
        ]);
        let config = json!({});
        let resolver = References::new(&environment, &config);
        for (value, sent) in [
            (json!({"api_key": "${QUOTED}"}), r#"{"api_key":"a\"b\\c"}"#),
            (json!(r#" {"api_key": "${QUOTED}${UMLAUT}"} "#), r#"{"api_key":"a\"b\\c\u00fc\ud83d\ude00"}"#),
            (json!({"inner": r#"{"k": "${QUOTED}"}"#}), r#"{"inner":"{\"k\":\"a\\\"b\\\\c\"}"}"#),
            (
                json!({"key": {"source": "env", "provider": "default", "id": "UMLAUT"}}),
                r#"{"key":"\u00fc\ud83d\ude00"}"#,
            ),
            (json!("${JSON}"), r#"{"api_key":"\u00fc"}"#),
            (json!(" pc-${QUOTED} "), r#"pc-a"b\c"#),
            (json!("[pc] ${QUOTED}"), r#"[pc] a"b\c"#),
            (json!(r#"{"a": 1, "k": "${QUOTED}", "a": "$${A}"}"#), r#"{"a": 1, "k": "a\"b\\c", "a": "${A}"}"#),
            (json!(r#"{"a": {"b": 1}, "targets": ${LIST}}"#), r#"{"a":{"b":1},"targets":[{"k":"v"}]}"#),
            (json!(r#"[svc "a"] ${QUOTED}"#), r#"[svc "a"] a"b\c"#),
            (json!(r#"{'k': '${QUOTED}',}"#), r#"{'k': 'a\"b\\c',}"#),
            (json!({"o": r#"{"k": "${QUOTED}",}"#}), r#"{"o":"{\"k\": \"a\\\"b\\\\c\",}"}"#),
        ] {
            assert_eq!(secret_json::header(&value, "p", &resolver).unwrap().expose_secret(), sent, "{value}");
        }
        for (value, why) in [
            (json!({"a": ["", "${NOWHERE}"]}), "p.a[1]: the configuration refers to ${NOWHERE}"),
            (json!({"key": {"source": "env", "provider": "default", "id": "NOWHERE"}}), "${NOWHERE}"),
            (json!({"key": {"source": "env", "provider": "default", "id": "lower"}}), "`p.key` refers to `lower`"),
            (
                json!({"key": {"source": "exec", "provider": "default", "id": "vault"}}),
                "`p.key` is a reference of the source `exec`",
            ),
            (
                json!({"key": {"source": "store", "provider": "default", "id": "X"}}),
                "`p.key` is a reference of the source `store`",
            ),
            (
                json!({"key": {"source": "file", "provider": "default", "id": "/x"}}),
                "`p.key` refers to the file provider `default`",
            ),
        ] {
            let error = secret_json::header(&value, "p", &resolver).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
    }

    /// Where the way to each value is written out, this takes minutes.
    #[test]
    fn what_is_below_a_long_name_is_looked_at_once() {
        let refused_in = |reference: Value| {
            let members = (0..100_000).map(|number| (format!("a{number}"), reference.clone()));
            let mut members: serde_json::Map<_, _> = members.collect();
            members.insert("last".into(), json!({"source": "exec"}));
            let mut refused = Vec::new();
            check_followed(&json!({"x".repeat(4 << 20): members}), &mut "p".to_owned(), &mut refused);
            refused
        };
        let good = refused_in(json!({"source": "env", "provider": "default", "id": "A"}));
        let [error] = &good[..] else { panic!("{}", good.len()) };
        assert!(error.to_string().contains("xx.last` is a reference"), "{error}");
        assert_eq!(refused_in(json!({"source": "env"})).len(), MOST_REFUSED);
    }
}
