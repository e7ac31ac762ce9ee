//! Reads this provider's settings from the host's configuration. Reports values of the wrong type; [`crate::lint`]
//! reports wrong values of the right type.

use alloc::borrow::{Cow, ToOwned};
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::mem;

use crate::bindings::exports::openclaw::provider::onboarding::{Finding, Severity};
use crate::bindings::openclaw::provider::types::Error;
use crate::error::{self, Result};
use crate::headers::{self, Header};
use crate::json::{Json, Object, firsts};
use crate::model_traits;
use crate::nearest::nearest;
use crate::options;
use crate::portkey;
use crate::url::BaseUrl;

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
    /// What the calls need of the models and the options: `connection.options-json`.
    pub(crate) options_json: String,
    /// What could not be read.
    pub(crate) findings: Vec<Finding>,
}

/// The document, or where it breaks off being JSON.
pub(crate) fn parse(config: &str) -> Result<Object<'_>> {
    let what = match Json::parse(config) {
        Ok(json) => match json.object() {
            Some(root) => return Ok(root),
            None => "The configuration is not a JSON object".to_owned(),
        },
        Err(error) => format!("The configuration is not JSON: {error}"),
    };
    Err(error::invalid_config(&what, "Pass the whole document as plain JSON: no comments, no trailing commas."))
}

/// Adds an error.
fn wrong(findings: &mut Vec<Finding>, path: &str, message: &str) {
    findings.push(finding(Severity::Error, path, message));
}

pub(crate) fn finding(severity: Severity, path: &str, message: &str) -> Finding {
    Finding { severity, path: path.to_owned(), message: message.to_owned() }
}

/// The error for a value of another type where `kind` belongs.
pub(crate) fn is_not(path: &str, kind: &str) -> Box<Error> {
    error::invalid_config(&format!("{path} is not {kind}"), "Fix the configuration there: nothing was changed.")
}

/// Most entries for this provider that differ in case or white space.
const MAX_VARIANTS: usize = 16;

/// One entry under the provider's own id out of those that differ from it in case or white space. Of two values for
/// one setting that of the exact id wins; lists of models and tables of headers are joined.
pub(crate) fn fold(providers: &mut Object<'_>) -> Result<()> {
    let is_variant = |name: &str| name.trim().eq_ignore_ascii_case(portkey::ID) && name != portkey::ID;
    let mut names = alloc::vec![portkey::ID.to_owned()];
    names.extend(providers.iter().filter(|(name, _)| is_variant(name)).map(|(name, _)| name.clone().into_owned()));
    if names.len() > MAX_VARIANTS {
        return Err(error::invalid_config(
            &format!("models.providers has {} entries for portkey", names.len()),
            "Leave one of them, named portkey: nothing was changed.",
        ));
    }
    let mut folded = Object::default();
    for name in names {
        if let Some(entry) = providers.get(&name) {
            join(&mut folded, entry.object().ok_or_else(|| is_not(&format!("models.providers.{name}"), "an object"))?);
        }
        providers.remove(&name);
    }
    if !folded.is_empty() {
        providers.set(portkey::ID, folded);
    }
    Ok(())
}

/// Adds the members of `entry` that are missing.
fn join<'a>(into: &mut Object<'a>, mut entry: Object<'a>) {
    // Of two members of one name the last counts.
    entry.unify();
    if let (Some(mut all), Some(more)) = (opened(into, "models", Json::list), opened(&entry, "models", Json::list)) {
        all.extend(more);
        into.set("models", all);
    }
    if let (Some(all), Some(more)) = (opened(into, "headers", Json::object), opened(&entry, "headers", Json::object)) {
        // Of one in two letter cases the first entry's counts, wherever it comes to stand.
        let names: Vec<_> = all.iter().chain(more.iter()).map(|(name, _)| name.trim().to_ascii_lowercase()).collect();
        let firsts = firsts(&names.iter().map(String::as_str).collect::<Vec<_>>());
        let (own, mut joined) = (all.iter().count(), Object::default());
        for ((name, value), first) in more.into_iter().zip(firsts.into_iter().skip(own)) {
            if first >= own {
                joined.add(name, value);
            }
        }
        joined.extend(all);
        into.set("headers", joined);
    }
    // A `null` counts as missing.
    let mut all = into.extract_nulls();
    all.extend(entry);
    all.extend(mem::take(into));
    *into = all;
}

fn opened<'a, T>(entry: &Object<'a>, name: &str, open: fn(&Json<'a>) -> Option<T>) -> Option<T> {
    open(entry.get(name)?)
}

/// Reads the settings; fails only where the document is no JSON object.
pub(crate) fn read(config: &str) -> Result<Settings> {
    let root = parse(config)?;
    let mut findings = Vec::new();
    let mut providers = section(&root, "models.providers", &mut findings).unwrap_or_default();
    if let Err(error) = fold(&mut providers) {
        wrong(&mut findings, PROVIDER, &error.message);
    }
    let provider = providers.object(portkey::ID);
    let options = section(&root, OPTIONS, &mut findings).unwrap_or_default();
    let base_url = base_url(&provider, &mut findings);
    let timeout_ms = timeout(&provider, &mut findings);
    let headers = configured_headers(&provider, &options, &mut findings);
    let models = models(&root, &provider);
    let options_json = options_json(&provider, &options, &mut findings);
    Ok(Settings { base_url, headers, timeout_ms, models, options_json, findings })
}

/// The object at a dotted path; none where it or one above it is absent.
fn section<'a>(root: &Object<'a>, path: &str, findings: &mut Vec<Finding>) -> Option<Object<'a>> {
    let mut object = root.clone();
    let mut at = String::new();
    for name in path.split('.') {
        at.push_str(if at.is_empty() { "" } else { "." });
        at.push_str(name);
        let Some(next) = object.get(name)?.object() else {
            wrong(findings, &at, "This must be an object.");
            return None;
        };
        object = next;
    }
    Some(object)
}

fn base_url(provider: &Object<'_>, findings: &mut Vec<Finding>) -> Option<BaseUrl> {
    let path = format!("{PROVIDER}.baseUrl");
    let Some(text) = provider.get("baseUrl").map_or(Some(Cow::default()), Json::string) else {
        wrong(findings, &path, "The base URL must be a text.");
        return None;
    };
    match BaseUrl::parse(if text.trim().is_empty() { portkey::BASE_URL } else { &text }) {
        Ok(url) => Some(url),
        Err(reason) => {
            wrong(findings, &path, &format!("This is no base URL: {reason}."));
            None
        }
    }
}

fn timeout(provider: &Object<'_>, findings: &mut Vec<Finding>) -> Option<u64> {
    let seconds = provider.get("timeoutSeconds")?.whole().filter(|&seconds| seconds > 0);
    if seconds.is_none() {
        let path = format!("{PROVIDER}.timeoutSeconds");
        wrong(findings, &path, "The time limit must be a whole number of seconds, at least 1.");
    }
    seconds.map(|seconds| seconds.saturating_mul(1000))
}

/// The headers of the options, and over them those of `headers`.
fn configured_headers(provider: &Object<'_>, options: &Object<'_>, findings: &mut Vec<Finding>) -> Vec<Header> {
    let (mut all, known) = (Vec::new(), known_options());
    for (name, value) in options.iter() {
        let path = format!("{OPTIONS}.{name}");
        if !known.contains(&&**name) {
            wrong(findings, &path, &no_such_option(name, &known));
            continue;
        }
        match headers::from_option(name, value, &path) {
            Ok(header) => all.extend(header),
            Err(what) => wrong(findings, &path, &format!("This option {what}.")),
        }
    }
    let path = format!("{PROVIDER}.headers");
    let table = provider.get("headers").map_or(Some(Object::default()), Json::object);
    if table.is_none() {
        wrong(findings, &path, "The headers must be an object of names and values.");
    }
    for (name, value) in table.unwrap_or_default().iter().filter(|(_, value)| !value.is_null()) {
        // What is around it would stand in each finding.
        let path = format!("{path}.{}", name.trim());
        if value.is_nested() {
            wrong(findings, &path, "The value of a header must be a text: write JSON as a quoted text.");
            continue;
        }
        // YAML and JSON5 writers leave the quotes off numbers; the meaning is plain.
        let value = value.text().into_owned();
        all.push(Header { name: name.trim().to_ascii_lowercase(), value, path });
    }
    headers::unify(&mut all);
    all
}

/// `connection.options-json`, made of the provider's entry and the plugin's options.
fn options_json(provider: &Object<'_>, options: &Object<'_>, findings: &mut Vec<Finding>) -> String {
    let mut shown = Object::default();
    let mut refuse = |name: &str, message: &str| wrong(findings, &format!("{OPTIONS}.{name}"), message);
    match options.get("promptCache") {
        Some(word) if word.string().is_none_or(|word| options::prompt_cache(&word).is_none()) => {
            refuse("promptCache", "This option must be none, short or long.");
        }
        word => shown.set_some("promptCache", word.cloned()),
    }
    match options.get("protocol") {
        Some(word) if options::protocol(word).is_none() => refuse("protocol", "This option must be chat or responses."),
        word => shown.set_some("protocol", word.cloned()),
    }
    if options.get("attribution").is_some_and(|is_on| is_on.bool().is_none()) {
        refuse("attribution", "This option must be true or false.");
    }
    if let Some(families) = options.get("modelFamilies") {
        for (id, model) in families.members().iter() {
            if model.string().and_then(|model| model_traits::of(&model)).is_none() {
                let message =
                    format!("{id} must stand for the id of a model that is known, such as claude-sonnet-4-5.");
                refuse("modelFamilies", &message);
            }
        }
        if !families.is_object() {
            refuse("modelFamilies", "This option must be an object of model ids.");
        }
        shown.set("modelFamilies", families.clone());
    }
    shown.set_some("maxTokens", provider.get("maxTokens").cloned());
    let mut models: Vec<Json<'_>> = Vec::new();
    for entry in provider.list("models") {
        let (Some(id), Some(mut entry)) = (model_id(&entry), entry.into_object()) else { continue };
        entry.retain(&|name| matches!(name, "maxTokens" | "compat"));
        entry.extract_nulls();
        if !entry.is_empty() {
            entry.set("id", id);
            models.push(entry.into());
        }
    }
    if !models.is_empty() {
        shown.set("models", models);
    }
    shown.to_json()
}

fn known_options() -> Vec<&'static str> {
    headers::options().chain(options::NAMES).collect()
}

/// What is said of an option that is none.
fn no_such_option(name: &str, known: &[&str]) -> String {
    if let Some((_, meant)) = nearest(name, known) {
        return format!("There is no such option. Did you mean {meant}?");
    }
    let names = known.join(", ");
    format!(
        "There is no such option. There are {names}; a field of a request, such as temperature, goes into the params of a model."
    )
}

/// Model ids of this provider: its own list, and the default model of the agents.
fn models(root: &Object<'_>, provider: &Object<'_>) -> Vec<(String, String)> {
    let mut models = Vec::new();
    let own = provider.list("models");
    for (at, model) in own.iter().enumerate() {
        if let Some(id) = model_id(model) {
            models.push((format!("{PROVIDER}.models[{at}]"), id));
        }
    }
    let defaults = section(root, "agents.defaults", &mut Vec::new()).unwrap_or_default();
    let primary =
        defaults.get("model").and_then(|model| model.string().or_else(|| model.object()?.get("primary")?.string()));
    if let Some(id) = primary.as_deref().and_then(own_id)
        && !models.iter().any(|(_, known)| known == id)
    {
        models.push(("agents.defaults.model".to_owned(), id.to_owned()));
    }
    models
}

/// The model in a reference to one of this provider, whose name hosts take in any case and with spaces.
pub(crate) fn own_id(reference: &str) -> Option<&str> {
    let (provider, id) = reference.split_once('/')?;
    provider.trim().eq_ignore_ascii_case(portkey::ID).then_some(id.trim())
}

/// The id of an entry in a list of models.
pub(crate) fn model_id(model: &Json<'_>) -> Option<String> {
    let id = model.string().or_else(|| model.object()?.get("id")?.string())?;
    Some(id.trim().to_owned())
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

    /// Each finding about one header names its place.
    #[test]
    fn what_is_around_a_headers_name_is_in_no_finding() {
        let (blank, values) = (" ".repeat(10_000), [r#""a":1"#; 100].join(","));
        let header = format!(r#"{{"{blank}x-portkey-metadata":"{{{}}}"}}"#, values.replace('"', "\\\""));
        let config = format!(r#"{{"models":{{"providers":{{"portkey":{{"headers":{header}}}}}}}}}"#);
        let findings = crate::lint::document(&config);
        let of_values =
            findings.iter().filter(|finding| finding.path == "models.providers.portkey.headers.x-portkey-metadata");
        assert_eq!(of_values.count(), 100, "{:?}", findings.first());
    }

    #[test]
    fn an_option_that_is_none_is_refused_by_name() {
        let schema: serde_json::Value = serde_json::from_str(include_str!("../../openclaw.plugin.json")).unwrap();
        let known = schema["configSchema"]["properties"].as_object().unwrap().keys().map(String::as_str);
        assert_eq!(known_options().into_iter().collect::<std::collections::BTreeSet<_>>(), known.collect());
        let settings = read(r#"{"plugins":{"entries":{"portkey":{"config":{"confg":"pc-a","debug":true}}}}}"#).unwrap();
        let [finding] = &settings.findings[..] else { panic!("{:?}", settings.findings) };
        assert_eq!(finding.path, "plugins.entries.portkey.config.confg");
        assert!(finding.message.contains("Did you mean config?"), "{}", finding.message);
        let field = no_such_option("temperature", &known_options());
        assert!(field.contains("config, provider, virtualKey"), "{field}");
        assert!(field.contains("the params of a model") && !field.contains("Did you mean"), "{field}");
        assert_eq!(header(&settings, "x-portkey-debug"), Some("true"));
    }

    #[test]
    fn the_primary_model_is_found_in_any_case() {
        for (primary, id) in
            [("portkey/m", Some("m")), (" PortKey / @a/m ", Some("@a/m")), ("openai/m", None), ("m", None)]
        {
            assert_eq!(own_id(primary), id, "{primary}");
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
