//! This provider's settings, read out of the host's configuration document. It says what has the wrong type; what is
//! wrong with a value of the right type is [`crate::lint`]'s to say.

use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use serde_json::Value;

use crate::bindings::exports::openclaw::provider::onboarding::{Finding, Severity};
use crate::bindings::openclaw::provider::types::Error;
use crate::error::{self, Result};
use crate::headers::{self, Header};
use crate::portkey;
use crate::url::BaseUrl;
use crate::wire::{self, Object};

/// Where this provider stands in the document.
pub(crate) const PROVIDER: &str = "models.providers.portkey";
/// Where its options stand.
pub(crate) const OPTIONS: &str = "plugins.entries.portkey.config";

/// What the configuration says about this provider.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) base_url: Option<BaseUrl>,
    pub(crate) headers: Vec<Header>,
    pub(crate) timeout_ms: Option<u64>,
    /// Where each configured model id stands, and the id.
    pub(crate) models: Vec<(String, String)>,
    /// What could not be read.
    pub(crate) findings: Vec<Finding>,
}

/// The document, or where it breaks off being JSON.
pub(crate) fn parse(config: &str) -> Result<Object> {
    let what = match serde_json::from_str(config) {
        Ok(Value::Object(root)) => return Ok(root),
        Ok(_) => "The configuration is not a JSON object".to_owned(),
        Err(error) => format!("The configuration is not JSON: {error}"),
    };
    Err(error::invalid_config(&what, "Pass the whole document as plain JSON: no comments, no trailing commas."))
}

/// The value of a member, `null` being none.
pub(crate) fn present<'o>(object: &'o Object, name: &str) -> Option<&'o Value> {
    object.get(name).filter(|value| !value.is_null())
}

pub(crate) fn finding(severity: Severity, path: &str, message: &str) -> Finding {
    Finding { severity, path: path.to_owned(), message: message.to_owned() }
}

/// A value of the wrong type stands where an object belongs.
pub(crate) fn not_an_object(path: &str) -> Box<Error> {
    error::invalid_config(&format!("{path} is not an object"), "Mend the configuration there: nothing was changed.")
}

/// One entry under the provider's own id out of those that differ from it in case or white space. Of two values for
/// one setting that of the exact id wins; lists of models and tables of headers are joined.
pub(crate) fn fold(providers: &mut Object) -> Result<()> {
    let variants =
        providers.keys().filter(|name| name.trim().eq_ignore_ascii_case(portkey::ID) && *name != portkey::ID);
    let names: Vec<String> = core::iter::once(portkey::ID.to_owned()).chain(variants.cloned()).collect();
    let mut folded = Object::new();
    for name in names {
        match providers.shift_remove(&name) {
            None | Some(Value::Null) => {}
            Some(Value::Object(entry)) => join(&mut folded, entry),
            Some(_) => return Err(not_an_object(&format!("models.providers.{name}"))),
        }
    }
    if !folded.is_empty() {
        providers.insert(portkey::ID.to_owned(), Value::Object(folded));
    }
    Ok(())
}

fn join(into: &mut Object, entry: Object) {
    for (name, value) in entry {
        match (name.as_str(), into.get_mut(&name), value) {
            (_, None | Some(Value::Null), value) => drop(into.insert(name, value)),
            ("models", Some(Value::Array(all)), Value::Array(more)) => all.extend(more),
            ("headers", Some(Value::Object(all)), Value::Object(more)) => {
                for (name, value) in more {
                    all.entry(name).or_insert(value);
                }
            }
            _ => {}
        }
    }
}

/// Reads the settings; fails only where the document is no JSON object.
pub(crate) fn read(config: &str) -> Result<Settings> {
    let root = parse(config)?;
    let mut findings = Vec::new();
    let mut providers = section(&root, "models.providers", &mut findings).cloned().unwrap_or_default();
    if let Err(error) = fold(&mut providers) {
        findings.push(finding(Severity::Error, PROVIDER, &error.message));
    }
    let empty = Object::new();
    let provider = providers.get(portkey::ID).and_then(Value::as_object).unwrap_or(&empty);
    let options = section(&root, OPTIONS, &mut findings).unwrap_or(&empty);
    let base_url = base_url(provider, &mut findings);
    let timeout_ms = timeout(provider, &mut findings);
    let headers = configured_headers(provider, options, &mut findings);
    let models = models(&root, provider);
    Ok(Settings { base_url, headers, timeout_ms, models, findings })
}

/// The object at a dotted path; none where it or one above it is absent.
fn section<'o>(root: &'o Object, path: &str, findings: &mut Vec<Finding>) -> Option<&'o Object> {
    let mut object = root;
    let mut at = String::new();
    for name in path.split('.') {
        at.push_str(if at.is_empty() { "" } else { "." });
        at.push_str(name);
        let Some(next) = present(object, name)?.as_object() else {
            findings.push(finding(Severity::Error, &at, "This must be an object."));
            return None;
        };
        object = next;
    }
    Some(object)
}

fn base_url(provider: &Object, findings: &mut Vec<Finding>) -> Option<BaseUrl> {
    let path = format!("{PROVIDER}.baseUrl");
    let text = match present(provider, "baseUrl") {
        None => "",
        Some(Value::String(text)) => text,
        Some(_) => {
            findings.push(finding(Severity::Error, &path, "The base URL must be a text."));
            return None;
        }
    };
    let text = if text.trim().is_empty() { portkey::BASE_URL } else { text };
    match BaseUrl::parse(text) {
        Ok(url) => Some(url),
        Err(reason) => {
            findings.push(finding(Severity::Error, &path, &format!("This is no base URL: {reason}.")));
            None
        }
    }
}

fn timeout(provider: &Object, findings: &mut Vec<Finding>) -> Option<u64> {
    let seconds = present(provider, "timeoutSeconds")?.as_u64().filter(|&seconds| seconds > 0);
    if seconds.is_none() {
        let path = format!("{PROVIDER}.timeoutSeconds");
        findings.push(finding(Severity::Error, &path, "The time limit must be a whole number of seconds, at least 1."));
    }
    seconds.map(|seconds| seconds.saturating_mul(1000))
}

/// The headers of the options, and over them those of `headers`.
fn configured_headers(provider: &Object, options: &Object, findings: &mut Vec<Finding>) -> Vec<Header> {
    let mut all = Vec::new();
    for (name, value) in options {
        let path = format!("{OPTIONS}.{name}");
        match headers::from_option(name, value, &path) {
            Ok(header) => header.into_iter().for_each(|header| headers::put(&mut all, header)),
            Err(what) => findings.push(finding(Severity::Error, &path, &format!("This option {what}."))),
        }
    }
    let path = format!("{PROVIDER}.headers");
    let table = match present(provider, "headers") {
        None => return all,
        Some(Value::Object(table)) => table,
        Some(_) => {
            findings.push(finding(Severity::Error, &path, "The headers must be an object of names and values."));
            return all;
        }
    };
    for (name, value) in table {
        let path = format!("{path}.{name}");
        let value = match value {
            Value::Null => continue,
            Value::String(text) => text.clone(),
            // YAML and JSON5 writers leave the quotes off; the meaning is plain.
            Value::Number(_) | Value::Bool(_) => wire::json(value),
            Value::Object(_) | Value::Array(_) => {
                findings.push(finding(
                    Severity::Error,
                    &path,
                    "The value of a header must be a text: write JSON as a quoted text.",
                ));
                continue;
            }
        };
        headers::put(&mut all, Header { name: name.trim().to_ascii_lowercase(), value, path });
    }
    all
}

/// Model ids of this provider: its own list, and the default model of the agents.
fn models(root: &Object, provider: &Object) -> Vec<(String, String)> {
    let mut models = Vec::new();
    let own = provider.get("models").and_then(Value::as_array).into_iter().flatten();
    for (at, model) in own.enumerate() {
        if let Some(id) = model_id(model) {
            models.push((format!("{PROVIDER}.models[{at}]"), id.to_owned()));
        }
    }
    let model = section(root, "agents.defaults", &mut Vec::new()).and_then(|defaults| defaults.get("model"));
    let primary = model.and_then(|model| model.as_str().or_else(|| model.get("primary")?.as_str()));
    if let Some(id) = primary.and_then(|model| model.trim().strip_prefix("portkey/"))
        && !models.iter().any(|(_, known)| known == id)
    {
        models.push(("agents.defaults.model".to_owned(), id.to_owned()));
    }
    models
}

/// The id of an entry in a list of models.
pub(crate) fn model_id(model: &Value) -> Option<&str> {
    model.as_str().or_else(|| model.get("id")?.as_str()).map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header<'s>(settings: &'s Settings, name: &str) -> Option<&'s str> {
        settings.headers.iter().find(|header| header.name == name).map(|header| header.value.as_str())
    }

    #[test]
    fn an_empty_document_gives_the_defaults() {
        let settings = read("{}").unwrap();
        assert_eq!(settings.base_url.unwrap().text(), portkey::BASE_URL);
        assert!(settings.headers.is_empty() && settings.findings.is_empty() && settings.timeout_ms.is_none());
    }

    #[test]
    fn a_header_wins_over_the_option_of_its_name_in_any_case() {
        let settings = read(
            r#"{"models":{"providers":{"portkey":{"headers":{"X-Portkey-Trace-ID":"h","x-n":1,"x-null":null}}}},
                "plugins":{"entries":{"portkey":{"config":{"traceId":"o","spanId":"s"}}}}}"#,
        )
        .unwrap();
        assert_eq!(header(&settings, "x-portkey-trace-id"), Some("h"));
        assert_eq!(header(&settings, "x-portkey-span-id"), Some("s"));
        assert_eq!(header(&settings, "x-n"), Some("1"));
        assert_eq!(settings.headers.len(), 3);
    }

    #[test]
    fn wrong_types_are_found_and_named() {
        for (config, path) in [
            (r#"{"models":[]}"#, "models"),
            (r#"{"models":{"providers":3}}"#, "models.providers"),
            (r#"{"models":{"providers":{"portkey":[]}}}"#, PROVIDER),
            (r#"{"models":{"providers":{"portkey":{"baseUrl":1}}}}"#, "models.providers.portkey.baseUrl"),
            (
                r#"{"models":{"providers":{"portkey":{"timeoutSeconds":"1"}}}}"#,
                "models.providers.portkey.timeoutSeconds",
            ),
            (r#"{"models":{"providers":{"portkey":{"timeoutSeconds":0}}}}"#, "models.providers.portkey.timeoutSeconds"),
            (r#"{"models":{"providers":{"portkey":{"headers":[]}}}}"#, "models.providers.portkey.headers"),
            (r#"{"models":{"providers":{"portkey":{"headers":{"a":{}}}}}}"#, "models.providers.portkey.headers.a"),
            (r#"{"plugins":{"entries":{"portkey":{"config":7}}}}"#, OPTIONS),
            (
                r#"{"plugins":{"entries":{"portkey":{"config":{"debug":"on"}}}}}"#,
                "plugins.entries.portkey.config.debug",
            ),
        ] {
            let findings = read(config).unwrap().findings;
            assert_eq!(findings.iter().map(|finding| finding.path.as_str()).collect::<Vec<_>>(), [path], "{config}");
        }
    }

    #[test]
    fn malformed_json_names_line_and_column() {
        let error = read("{\n  \"a\": }").unwrap_err();
        assert!(error.message.contains("line 2 column 8"), "{}", error.message);
        assert!(read("[]").unwrap_err().message.contains("not a JSON object"));
    }

    #[test]
    fn the_time_limit_is_in_seconds() {
        let settings = read(r#"{"models":{"providers":{" PortKey ":{"timeoutSeconds":30}}}}"#).unwrap();
        assert_eq!(settings.timeout_ms, Some(30_000));
    }
}
