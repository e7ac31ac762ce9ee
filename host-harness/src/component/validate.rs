//! Checks whether a host may load a component and its manifest, on the built file.

use serde_json::{Value, json};

use super::{descriptor, engine::Engine, interfaces::Interfaces, plugin::Plugin};
use crate::{
    configuration::{known_keys, setup::Setup},
    wit::onboarding::{Choices, Descriptor, Severity},
};

/// What was found in a component and its manifest.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Validation {
    /// The provider's id, where the component could say it.
    pub id: Option<String>,
    /// Names of what the component imports.
    pub imports: Vec<String>,
    /// Names of what the component exports.
    pub exports: Vec<String>,
    /// What is wrong, a sentence each. Empty: the component may be loaded.
    pub findings: Vec<String>,
}

/// Reads a component, and the manifest where there is one, and reports.
///
/// ```no_run
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let engine = host_harness::Engine::new(host_harness::Limits::default())?;
/// let wasm = std::fs::read("portkey_provider.wasm")?;
/// assert_eq!(host_harness::validate(&engine, &wasm, None).await.findings, Vec::<String>::new());
/// # Ok(()) }
/// ```
pub async fn validate(engine: &Engine, wasm: &[u8], manifest: Option<&Value>) -> Validation {
    let mut found = Validation::default();
    let compiled = match engine.compile(wasm).await {
        Ok(compiled) => compiled,
        Err(error) => {
            found.findings.push(error.to_string());
            return found;
        }
    };
    let Interfaces { imports, exports, findings } = Interfaces::of(&compiled.component);
    found = Validation { imports, exports, findings, ..found };
    if found.findings.is_empty() {
        match Plugin::of(engine, compiled).await {
            Ok(plugin) => {
                let descriptor = plugin.descriptor();
                found.id = Some(descriptor.id.clone());
                found.findings = descriptor::slips(descriptor);
                found.findings.extend(entry_findings(&plugin).await);
                if let Some(manifest) = manifest {
                    found.findings.extend(manifest_findings(&plugin, manifest));
                    found.findings.extend(option_findings(&plugin, manifest).await);
                }
            }
            Err(error) => found.findings.push(format!("it does not load: {error}")),
        }
    }
    found
}

/// Where what a manifest says beforehand is not what the component says itself, a sentence each.
pub fn manifest_findings(plugin: &Plugin, manifest: &Value) -> Vec<String> {
    differences(plugin.descriptor(), plugin.has_embeddings(), plugin.has_audio(), manifest)
}

/// The same of a component that describes itself so.
fn differences(descriptor: &Descriptor, has_embeddings: bool, has_audio: bool, manifest: &Value) -> Vec<String> {
    let mut findings = Vec::new();
    let id = &descriptor.id;
    let lists = |pointer: &str, wanted: &str| {
        manifest.pointer(pointer).and_then(Value::as_array).is_some_and(|items| items.iter().any(|item| item == wanted))
    };
    if manifest.get("id").and_then(Value::as_str) != Some(id) {
        findings.push(format!("the manifest's `id` is not `{id}`, the component's"));
    }
    if !lists("/providers", id) {
        findings.push(format!("the manifest's `providers` does not list `{id}`"));
    }
    if !manifest.get("configSchema").is_some_and(Value::is_object) {
        findings.push("the manifest has no `configSchema`, which OpenClaw requires".into());
    }
    for (contract, holds, does, does_not) in [
        ("imageGenerationProviders", descriptor.images.is_some(), "makes images", "makes no images"),
        ("embeddingProviders", has_embeddings, "exports `embeddings`", "does not export `embeddings`"),
        ("speechProviders", has_audio, "exports `audio`", "does not export `audio`"),
        ("mediaUnderstandingProviders", has_audio, "exports `audio`", "does not export `audio`"),
    ] {
        if lists(&format!("/contracts/{contract}"), id) != holds {
            let (does, verb, place) = if holds { (does, "put", "into") } else { (does_not, "take", "out of") };
            findings.push(format!(
                "the component {does}: {verb} `{id}` {place} the manifest's list `contracts.{contract}`"
            ));
        }
    }
    let rows = |pointer: &str| manifest.pointer(pointer).and_then(Value::as_array).into_iter().flatten();
    let is_of = |row: &Value, name: &str| row.get(name).and_then(Value::as_str) == Some(id);
    let variables: Vec<&str> = rows("/setup/providers")
        .filter(|provider| is_of(provider, "id"))
        .filter_map(|provider| provider.get("envVars")?.as_array())
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let flags: Vec<&str> = rows("/providerAuthChoices")
        .filter(|choice| is_of(choice, "provider"))
        .filter_map(|choice| choice.get("cliFlag")?.as_str())
        .collect();
    for credential in &descriptor.credentials {
        for name in credential.env_vars.iter().filter(|name| !variables.contains(&name.as_str())) {
            findings.push(format!("the manifest's `setup.providers` does not list {name} in `envVars` of `{id}`"));
        }
        if let Some(flag) = credential.cli_flag.as_ref().filter(|flag| !flags.contains(&flag.as_str())) {
            findings.push(format!(
                "the manifest's `providerAuthChoices` has no choice of the provider `{id}` with `cliFlag` {flag}"
            ));
        }
    }
    for name in variables {
        if !descriptor.credentials.iter().any(|credential| credential.env_vars.iter().any(|known| known == name)) {
            findings.push(format!(
                "the manifest's `setup.providers[].envVars` lists {name:.128}, which no credential names"
            ));
        }
    }
    for flag in flags {
        if !descriptor.credentials.iter().any(|credential| credential.cli_flag.as_deref() == Some(flag)) {
            findings.push(format!(
                "the manifest's `providerAuthChoices` has the `cliFlag` {flag:.128}, which no credential names"
            ));
        }
    }
    let schema = |pointer: &str| manifest.pointer(pointer).and_then(Value::as_object);
    if schema("/configSchema").is_some_and(|schema| schema.get("type").is_none_or(|kind| kind != "object")) {
        findings.push("the manifest's `configSchema` is not of the `type` object, which options are".into());
    }
    for name in schema("/uiHints").into_iter().flatten().map(|(name, _)| name) {
        if schema("/configSchema/properties").is_none_or(|options| !options.contains_key(name)) {
            findings
                .push(format!("the manifest's `uiHints` has `{name:.64}`, which is no option of its `configSchema`"));
        }
    }
    findings
}

/// What is wrong with the entry that it writes into an empty configuration.
async fn entry_findings(plugin: &Plugin) -> Vec<String> {
    let path = format!("models.providers.{}", plugin.descriptor().id);
    let chosen = Choices { base_url: None, model: None, api_key_reference: None };
    let config = match plugin.apply_config(&json!({}), &chosen).await {
        Ok(config) => config,
        Err(error) => return vec![format!("its apply-config fails on an empty configuration: {error}")],
    };
    match config.pointer(&format!("/{}", path.replace('.', "/"))) {
        None => vec![format!("its apply-config writes no `{path}` into an empty configuration")],
        Some(written) => slips_in(written, &path),
    }
}

/// The same of an entry that was written at `path`.
fn slips_in(entry: &Value, path: &str) -> Vec<String> {
    // In which form it asks is the descriptor's to say.
    let refused = known_keys::check(entry, path, "").refused.into_iter();
    let refused = refused.map(|error| format!("what its apply-config writes is refused: {error}"));
    // OpenClaw refuses a file without the last two, and needs the first to know how to ask.
    let lacking = ["api", "baseUrl", "models"].into_iter().filter(|key| entry.get(key).is_none_or(Value::is_null));
    refused.chain(lacking.map(|key| format!("its apply-config writes no `{path}.{key}`"))).collect()
}

/// Where the options that a manifest allows are not those that the component takes.
async fn option_findings(plugin: &Plugin, manifest: &Value) -> Vec<String> {
    let mut findings = Vec::new();
    let id = &plugin.descriptor().id;
    let Some(schema) = manifest.get("configSchema") else { return findings };
    let options = schema.get("properties").and_then(Value::as_object);
    for (name, option) in options.into_iter().flatten() {
        for sample in samples(option) {
            let config = json!({"plugins": {"entries": {(id): {"config": {(name): sample}}}}});
            let path = format!("plugins.entries.{id}.config.{name}");
            let found = match plugin.lint(&config).await {
                Ok(found) => found,
                Err(error) => {
                    findings.push(format!("its lint fails on the option {name:.64}: {error}"));
                    return findings;
                }
            };
            let refused = found.iter().find(|found| found.severity == Severity::Error && found.path.starts_with(&path));
            if let Some(refused) = refused {
                findings.push(format!(
                    "the manifest's `configSchema` allows {name:.64}: {sample}, which the component refuses: {:.256}",
                    refused.message
                ));
            }
        }
    }
    // What a host lets a user set for one call: see the WIT's README.
    if schema.get("additionalProperties") == Some(&Value::Bool(false)) {
        for (name, sample) in [("traceId", json!("trace-1")), ("metadata", json!({"team": "a"}))] {
            let is_allowed = options.is_some_and(|options| options.contains_key(name));
            let takes = plugin.headers_of(&Setup::new(json!({})).option(name, sample), plugin.clock(None)).await;
            if !is_allowed && takes.is_ok_and(|headers| !headers.is_empty()) {
                findings.push(format!(
                    "the component takes the option `{name}`, which the manifest's `configSchema` does not allow"
                ));
            }
        }
    }
    findings
}

/// The values that the schema of an option names outright, and those of a switch.
fn samples(schema: &Value) -> Vec<Value> {
    let list = |name: &str| schema.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    let one = |name: &str| schema.get(name).cloned();
    let switch = schema.get("type").is_some_and(|kind| kind == "boolean").then(|| [true.into(), false.into()]);
    let named = [list("enum"), list("examples")].concat();
    named.into_iter().chain(one("default")).chain(one("const")).chain(switch.into_iter().flatten()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::configuration::credentials::tests::descriptor as sound;

    #[test]
    fn a_manifest_that_says_more_is_found_out() {
        let mut said = sound();
        said.credentials[0].cli_flag = Some("--acme-key".into());
        let credential = &said.credentials[0];
        let manifest = || {
            json!({
                "id": said.id,
                "providers": [said.id],
                "setup": {"providers": [{"id": said.id, "envVars": credential.env_vars}]},
                "providerAuthChoices": [{"provider": said.id, "cliFlag": credential.cli_flag}],
                "configSchema": {"type": "object", "properties": {"a": {"type": "string"}}},
                "uiHints": {"a": {"label": "A"}},
                "contracts": {},
            })
        };
        assert_eq!(differences(&said, false, false, &manifest()), Vec::<String>::new());
        for (pointer, value, expected) in [
            ("/id", json!("other"), "`id` is not `acme`"),
            ("/providers", json!([]), "`providers` does not list"),
            ("/configSchema", json!(null), "no `configSchema`"),
            ("/setup/providers/0/envVars", json!(["OTHER"]), "does not list ACME_KEY"),
            ("/setup/providers/0/envVars", json!(["ACME_KEY", "OTHER"]), "lists OTHER"),
            ("/providerAuthChoices/0/cliFlag", json!("--other"), "`cliFlag` --acme-key"),
            ("/providerAuthChoices/0/cliFlag", json!("--other"), "`cliFlag` --other"),
            ("/configSchema", json!({"type": "array"}), "not of the `type` object"),
            ("/uiHints", json!({"b": {}}), "`b`, which is no option"),
            ("/contracts", json!({"imageGenerationProviders": [said.id]}), "makes no images: take"),
            ("/contracts", json!({"speechProviders": [said.id]}), "does not export `audio`: take"),
        ] {
            let mut manifest = manifest();
            *manifest.pointer_mut(pointer).unwrap() = value;
            let found = differences(&said, false, false, &manifest);
            assert!(found.iter().any(|finding| finding.contains(expected)), "{pointer}: {found:?}");
        }
    }

    #[test]
    fn an_entry_that_openclaw_can_do_nothing_with_is_found_out() {
        let sound = json!({"api": "openai-completions", "baseUrl": "https://acme.example/v1", "models": []});
        assert_eq!(slips_in(&sound, "p"), Vec::<String>::new());
        for key in ["api", "baseUrl", "models"] {
            let mut entry = sound.clone();
            entry.as_object_mut().unwrap().remove(key);
            assert_eq!(slips_in(&entry, "p"), [format!("its apply-config writes no `p.{key}`")]);
        }
    }
}
