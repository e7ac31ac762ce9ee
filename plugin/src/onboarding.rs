//! Sets this provider up: merges its entry into the host's configuration, and reads the connection from it.
//!
//! The merge changes only what it must, and keeps everything else, unknown fields too.

use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::bindings::exports::openclaw::provider::onboarding::{Choices, Severity};
use crate::bindings::openclaw::provider::types::{Connection, Error};
use crate::config::{self, PROVIDER, is_not};
use crate::error::{self, Result};
use crate::headers::Header;
use crate::json::{Json, Object, firsts};
use crate::lint;
use crate::model_traits;
use crate::portkey;
use crate::prompt;
use crate::text::filled;
use crate::url::BaseUrl;

/// The document with this provider merged in; with `primary`, also as the default model where none is chosen.
pub fn apply(document: &str, choices: &Choices, primary: bool) -> Result<String> {
    let mut root = config::parse(document)?;
    let chosen = filled(choices.model.as_deref()).map(|model| model.strip_prefix("portkey/").unwrap_or(model));
    let candidate = filled(chosen).unwrap_or(portkey::MODEL);
    let mut models = open(&root, "models", "models")?;
    if models.get("mode").is_none() {
        models.set("mode", "merge");
    }
    let mut providers = open(&models, "providers", "models.providers")?;
    config::fold(&mut providers)?;
    let provider = open(&providers, portkey::ID, PROVIDER)?;
    providers.set(portkey::ID, merged(provider, choices, candidate)?);
    models.set("providers", providers);
    root.set("models", models);

    let mut agents = open(&root, "agents", "agents")?;
    let mut defaults = open(&agents, "defaults", "agents.defaults")?;
    let reference = format!("{}/{candidate}", portkey::ID);
    let mut models = open(&defaults, "models", "agents.defaults.models")?;
    merge_alias(&mut models, &reference)?;
    defaults.set("models", models);
    if primary {
        merge_primary(&mut defaults, &reference)?;
    }
    agents.set("defaults", defaults);
    root.set("agents", agents);
    Ok(root.to_json())
}

/// The object under `name`, a new one where there is none or `null`.
fn open<'a>(object: &Object<'a>, name: &str, path: &str) -> Result<Object<'a>> {
    object.get(name).map_or_else(|| Some(Object::default()), Json::object).ok_or_else(|| is_not(path, "an object"))
}

/// The text of a member, trimmed; none where it is empty.
fn text(object: &Object<'_>, name: &str) -> Option<String> {
    filled(Some(&object.get(name)?.string()?)).map(ToOwned::to_owned)
}

/// `models.providers.portkey`.
fn merged<'a>(mut provider: Object<'a>, choices: &Choices, candidate: &'a str) -> Result<Object<'a>> {
    let base_url = match filled(choices.base_url.as_deref()) {
        Some(chosen) => BaseUrl::parse(chosen).map(|url| url.text()).map_err(|reason| {
            error::invalid_config(
                &format!("This is no base URL: {reason}"),
                "Give it in full, such as https://api.portkey.ai/v1 or http://localhost:8787/v1.",
            )
        })?,
        None => text(&provider, "baseUrl").unwrap_or_else(|| portkey::BASE_URL.to_owned()),
    };
    provider.set("baseUrl", base_url);
    match text(&provider, "apiKey").or_else(|| filled(choices.api_key_reference.as_deref()).map(ToOwned::to_owned)) {
        Some(key) => provider.set("apiKey", key),
        None => provider.remove("apiKey"),
    }
    provider.set("api", portkey::API);

    let existing = provider.get("models").map_or_else(|| Some(Vec::new()), Json::list);
    let models = existing.ok_or_else(|| is_not(&format!("{PROVIDER}.models"), "a list"))?;
    let ids: Vec<_> = models.iter().map(|model| config::model_id(model).unwrap_or_default()).collect();
    let firsts = firsts(&ids.iter().map(String::as_str).collect::<Vec<_>>());
    let mut rows: Vec<_> = ids.iter().map(|_| Vec::new()).collect();
    for ((at, model), first) in models.into_iter().enumerate().zip(firsts) {
        let has_id = ids.get(at).is_some_and(|id| !id.is_empty());
        if let Some(rows) = rows.get_mut(if has_id { first } else { at }) {
            rows.push(model);
        }
    }
    let mut models: Vec<_> = rows.into_iter().filter_map(as_one).collect();
    // OpenClaw takes `portkey/m` for `m` there.
    if !ids.iter().any(|id| id == candidate || config::own_id(id) == Some(candidate)) {
        models.push(model_entry(candidate));
    }
    provider.set("models", models);
    Ok(provider)
}

/// What the rows of a model say, as OpenClaw reads them: what the first does not say the others do, also of its price.
fn as_one(rows: Vec<Json<'_>>) -> Option<Json<'_>> {
    let mut all = Object::default();
    let mut costs = Vec::new();
    if rows.len() > 1 {
        for mut row in rows.iter().rev().filter_map(Json::object) {
            row.unify();
            row.extract_nulls();
            costs.extend(row.get("cost").cloned());
            row.into_iter().for_each(|(name, value)| all.add(name, value));
        }
        all.unify();
        costs.reverse();
        if let Some(cost) = as_one(costs) {
            all.set("cost", cost);
        }
    }
    if all.is_empty() { rows.into_iter().next() } else { Some(all.into()) }
}

/// An entry for a model. What is not known of one is left out, for the host to default.
fn model_entry(id: &str) -> Json<'_> {
    let known = model_traits::shown(id);
    let mut input = alloc::vec!["text".into()];
    // A model that takes no images says so itself, while a host that thinks so would drop them in silence.
    if known.image_input != Some(false) {
        input.push("image".into());
    }
    let mut entry = Object::from([
        ("id", id.into()),
        ("name", if id == portkey::MODEL { portkey::MODEL_NAME } else { id }.into()),
        ("reasoning", known.reasoning.unwrap_or(false).into()),
        ("input", input.into()),
        ("cost", ["input", "output", "cacheRead", "cacheWrite"].map(|kind| (kind, 0u32.into())).into()),
    ]);
    entry.set_some("contextWindow", known.context_tokens);
    entry.set_some("maxTokens", known.max_output_tokens);
    entry.into()
}

/// `agents.defaults.models.<reference>.alias`. Another model that goes by that name already keeps it to itself.
fn merge_alias(models: &mut Object<'_>, reference: &str) -> Result<()> {
    let is_alias = |name: &str| name.trim().eq_ignore_ascii_case(portkey::ALIAS);
    let has_alias = |entry: &Json<'_>| Some(is_alias(&entry.object()?.get("alias")?.string()?));
    let goes_by_it = |name: &str, entry| is_alias(prompt::bare(name)) || has_alias(entry) == Some(true);
    let is_taken = models.iter().any(|(name, entry)| goes_by_it(name, entry));
    // Of two spellings of a model OpenClaw takes the last.
    let meant = |name: &str| config::own_id(name).map(|id| config::own_id(id).unwrap_or(id).to_owned());
    let known = models.iter().map(|(name, _)| &**name).find(|name| meant(name) == meant(reference));
    let reference = &known.unwrap_or(reference).to_owned();
    let mut entry = open(models, reference, &format!("agents.defaults.models.{reference}"))?;
    if !is_taken && entry.get("alias").is_none() {
        entry.set("alias", portkey::ALIAS);
    }
    models.set(reference.to_owned(), entry);
    Ok(())
}

/// `agents.defaults.model`: a text, or an object with `primary` and `fallbacks`.
fn merge_primary(defaults: &mut Object<'_>, reference: &str) -> Result<()> {
    if let Some(model) = defaults.get("model").and_then(Json::string) {
        if !model.trim().is_empty() {
            return Ok(());
        }
        defaults.remove("model");
    }
    let mut model = open(defaults, "model", "agents.defaults.model")?;
    if text(&model, "primary").is_none() {
        model.set("primary", reference.to_owned());
    }
    defaults.set("model", model);
    Ok(())
}

/// The connection that the document describes.
pub fn resolve(document: &str, held: &[String]) -> Result<Connection> {
    let settings = config::read(document)?;
    let findings = lint::settings_findings(&settings);
    if let Some(finding) = findings.into_iter().find(|finding| finding.severity == Severity::Error) {
        return Err(refusal(&finding.path, &finding.message));
    }
    if !held.iter().any(|id| id == portkey::CREDENTIAL) {
        return Err(error::missing_credential());
    }
    let own = settings.headers.iter().filter(|header| header.is_ours());
    let mut headers: Vec<_> = own.map(Header::on_wire).collect();
    // As Portkey's own SDKs send it: with `true`, its default, reasoning is paid for and thrown away.
    if !settings.headers.iter().any(|header| header.name == portkey::COMPLIANCE_HEADER) {
        headers.push((portkey::COMPLIANCE_HEADER.to_owned(), "false".to_owned()));
    }
    Ok(Connection {
        base_url: settings.base_url.map_or_else(|| portkey::BASE_URL.to_owned(), |url| url.text()),
        headers,
        credentials: alloc::vec![portkey::CREDENTIAL.to_owned()],
        connect_timeout_ms: None,
        first_byte_timeout_ms: settings.timeout_ms,
        idle_timeout_ms: settings.timeout_ms,
        options_json: settings.options_json,
    })
}

/// A finding as the error of a call.
pub(crate) fn refusal(path: &str, message: &str) -> Box<Error> {
    error::invalid_config(
        &format!("{path}: {message}"),
        "Fix the configuration there; linting it shows everything that is wrong.",
    )
}

#[cfg(test)]
mod tests;
