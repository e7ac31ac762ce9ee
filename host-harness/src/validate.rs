//! Whether a component and a manifest are what a host may load: checked on the built file, not promised.

use serde_json::Value;
use wasmtime::component::{Component, types::ComponentItem};

use crate::{engine::Engine, inline::is_bare_reference, plugin::Plugin, wit::onboarding::Descriptor};

/// The version of `openclaw:provider` that this host runs: any patch release of its minor version.
pub const WIT_VERSION: &str = "0.2.0";

/// What the world exports.
const EXPORTS: [&str; 4] = ["onboarding", "models", "chat", "images"];

/// All that a provider may ask of its host. Of anything else it may name types, but no function.
const IMPORTS: [&str; 5] =
    ["wasi:http/outgoing-handler", "wasi:http/types", "wasi:io/error", "wasi:io/poll", "wasi:io/streams"];

/// Most credentials that one provider may declare.
const CREDENTIALS: usize = 8;

/// The most services that a component may name: a user chooses one of them from a list.
const SERVICES: usize = 16;

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
    match wasm.get(..8) {
        Some([0, b'a', b's', b'm', _, _, 1, 0]) => {}
        Some([0, b'a', b's', b'm', ..]) => {
            found.findings.push("it is a core WebAssembly module, not a component: build it for wasm32-wasip2".into());
            return found;
        }
        _ => {
            found.findings.push("it is not a WebAssembly file".into());
            return found;
        }
    }
    let compiled = match engine.compile(wasm).await {
        Ok(compiled) => compiled,
        Err(error) => {
            found.findings.push(format!("it does not compile: {error}"));
            return found;
        }
    };
    found.interfaces(engine, &compiled.component);
    if found.findings.is_empty() {
        match Plugin::of(engine, compiled).await {
            Ok(plugin) => {
                let descriptor = plugin.descriptor();
                found.id = Some(descriptor.id.clone());
                found.findings = manifest.map(|manifest| manifest_findings(descriptor, manifest)).unwrap_or_default();
            }
            Err(error) => found.findings.push(format!("it does not load: {error}")),
        }
    }
    found
}

impl Validation {
    fn interfaces(&mut self, engine: &Engine, component: &Component) {
        let ty = component.component_type();
        let wasmtime = engine.wasmtime();
        for (name, item) in ty.imports(wasmtime) {
            self.imports.push(name.to_owned());
            let bare = name.split('@').next().unwrap_or(name);
            let types_only = match item.ty {
                ComponentItem::ComponentInstance(instance) => {
                    instance.exports(wasmtime).all(|(_, item)| matches!(item.ty, ComponentItem::Type(_)))
                }
                _ => false,
            };
            if !types_only && !IMPORTS.contains(&bare) {
                self.findings
                    .push(format!("it imports {name}: a provider gets wasi:http and wasi:io, and nothing else"));
            }
        }
        self.exports = ty.exports(wasmtime).map(|(name, _)| name.to_owned()).collect();
        for interface in EXPORTS {
            let prefix = format!("openclaw:provider/{interface}@");
            match self.exports.iter().find_map(|name| name.strip_prefix(&prefix)) {
                None => self.findings.push(format!("it does not export openclaw:provider/{interface}@{WIT_VERSION}")),
                Some(version) if minor(version) != minor(WIT_VERSION) => self
                    .findings
                    .push(format!("it exports openclaw:provider/{interface}@{version}; this host runs {WIT_VERSION}")),
                Some(_) => {}
            }
        }
    }
}

/// Where what a manifest says beforehand is not what the component says itself, a sentence each.
pub fn manifest_findings(descriptor: &Descriptor, manifest: &Value) -> Vec<String> {
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
    if lists("/contracts/imageGenerationProviders", id) != descriptor.images.is_some() {
        let makes = if descriptor.images.is_some() { "makes images" } else { "makes no images" };
        findings
            .push(format!("the component {makes}, the manifest's `contracts.imageGenerationProviders` says otherwise"));
    }
    let rows = |pointer: &str| manifest.pointer(pointer).and_then(Value::as_array).into_iter().flatten();
    for credential in &descriptor.credentials {
        for name in &credential.env_vars {
            let listed = rows("/setup/providers")
                .filter(|provider| provider.get("id").and_then(Value::as_str) == Some(id))
                .filter_map(|provider| provider.get("envVars")?.as_array())
                .any(|names| names.iter().any(|listed| listed == name.as_str()));
            if !listed {
                findings.push(format!("the manifest's `setup.providers[].envVars` does not list {name}"));
            }
        }
        let flagged = |flag: &String| {
            rows("/providerAuthChoices").any(|choice| {
                choice.get("provider").and_then(Value::as_str) == Some(id)
                    && choice.get("cliFlag").and_then(Value::as_str) == Some(flag)
            })
        };
        if let Some(flag) = credential.cli_flag.as_ref().filter(|flag| !flagged(flag)) {
            findings.push(format!("the manifest's `providerAuthChoices` has no choice with `cliFlag` {flag}"));
        }
    }
    findings
}

/// What is wrong with what a component says of itself: the host takes names from it, for its configuration and for
/// requests.
pub(crate) fn descriptor(descriptor: &Descriptor) -> Vec<String> {
    let mut findings = Vec::new();
    let id = &descriptor.id;
    let of_id = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if !(1..=64).contains(&id.len()) || !id.bytes().all(of_id) {
        findings.push(format!("its id `{id:.64}` is not made of up to 64 lower-case letters, digits and dashes"));
    }
    if let Err(error) = descriptor.default_base_url.parse::<crate::Origin>() {
        findings.push(format!("its default base URL cannot be used: {:.256}", error.to_string()));
    }
    if descriptor.services.len() > SERVICES {
        findings.push(format!("it names more than {SERVICES} services"));
    } else if descriptor.services.iter().any(|service| service.base_url.parse::<crate::Origin>().is_err()) {
        findings.push("the base URL of one of its services cannot be used".into());
    }
    if descriptor.credentials.len() > CREDENTIALS {
        findings.push(format!("it declares more than {CREDENTIALS} credentials"));
        return findings;
    }
    let mut headers = Vec::new();
    for credential in &descriptor.credentials {
        let name = http::HeaderName::try_from(&credential.header);
        let name = name.ok().filter(|name| !is_the_hosts(name) && !headers.contains(name));
        if name.is_none() || http::HeaderValue::try_from(&credential.prefix).is_err() {
            findings.push(format!("its credential `{:.64}` names no usable header, or another's", credential.id));
        }
        headers.extend(name);
        // Shells read completions that are made of these.
        let is_flag = |flag: &String| {
            let name = flag.strip_prefix("--").unwrap_or_default();
            !name.is_empty() && name.len() <= 64 && name.bytes().all(of_id)
        };
        let is_variable = |name: &String| name.len() <= 128 && is_bare_reference(&format!("${{{name}}}"));
        if !credential.cli_flag.iter().all(is_flag) || !credential.env_vars.iter().all(is_variable) {
            let id = &credential.id;
            findings.push(format!("its credential `{id:.64}` names a flag or a variable that can be none"));
        }
    }
    let labels = descriptor.credentials.iter().map(|credential| &credential.label).chain([&descriptor.label]);
    if labels.into_iter().any(|label| label.chars().any(char::is_control)) {
        findings.push("a label of its holds control characters".into());
    }
    findings
}

/// Whether the host, or the protocol, writes this header.
fn is_the_hosts(name: &http::HeaderName) -> bool {
    use http::header::{ACCEPT_ENCODING, CONTENT_LENGTH};
    wasmtime_wasi_http::DEFAULT_FORBIDDEN_HEADERS.contains(name) || [ACCEPT_ENCODING, CONTENT_LENGTH].contains(name)
}

/// `0.1` of `0.1.7`: what must agree before 1.0.
fn minor(version: &str) -> &str {
    version.rsplit_once('.').map_or(version, |(minor, _)| minor)
}
