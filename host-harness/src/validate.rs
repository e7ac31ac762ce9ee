//! Whether a component and a manifest are what a host may load: checked on the built file, not promised.

use serde_json::{Value, json};
use wasmtime::component::{Component, types::ComponentItem};

use crate::{
    engine::Engine,
    inline::is_bare_reference,
    plugin::Plugin,
    setup::Setup,
    wit::onboarding::{Credential, Descriptor, Severity},
};

/// The version of `openclaw:provider` that this host runs: any patch release of its minor version.
pub const WIT_VERSION: &str = "0.2.0";

/// What the world exports.
const EXPORTS: [&str; 4] = ["onboarding", "models", "chat", "images"];

/// What it may export beside that.
const OPTIONAL: [&str; 2] = ["embeddings", "audio"];

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
                found.findings = slips(descriptor);
                if let Some(manifest) = manifest {
                    found.findings.extend(manifest_findings(descriptor, manifest));
                    found.findings.extend(contract_findings(&plugin, manifest));
                    found.findings.extend(option_findings(&plugin, manifest).await);
                }
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
        for interface in EXPORTS.into_iter().chain(OPTIONAL) {
            let prefix = format!("openclaw:provider/{interface}@");
            match self.exports.iter().find_map(|name| name.strip_prefix(&prefix)) {
                None if OPTIONAL.contains(&interface) => {}
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
            findings.push(format!("the manifest's `setup.providers[].envVars` does not list {name}"));
        }
        if let Some(flag) = credential.cli_flag.as_ref().filter(|flag| !flags.contains(&flag.as_str())) {
            findings.push(format!("the manifest's `providerAuthChoices` has no choice with `cliFlag` {flag}"));
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

/// Where a manifest promises what the component does not export, or does not promise what it does.
fn contract_findings(plugin: &Plugin, manifest: &Value) -> Vec<String> {
    let id = &plugin.descriptor().id;
    let lists = |contract: &str| {
        let listed = manifest.pointer(&format!("/contracts/{contract}")).and_then(Value::as_array);
        listed.is_some_and(|items| items.iter().any(|item| item == id))
    };
    let exported = [
        ("embeddings", plugin.has_embeddings(), "embeddingProviders"),
        ("audio", plugin.has_audio(), "speechProviders"),
        ("audio", plugin.has_audio(), "mediaUnderstandingProviders"),
    ];
    let differs = |(_, is_exported, contract): &(&str, bool, &str)| *is_exported != lists(contract);
    let finding = |(interface, is_exported, contract): (&str, bool, &str)| {
        let exports = if is_exported { "exports" } else { "does not export" };
        format!("the component {exports} `{interface}`, the manifest's `contracts.{contract}` says otherwise")
    };
    exported.into_iter().filter(differs).map(finding).collect()
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
            let Ok(found) = plugin.lint(&config).await else { continue };
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
            let takes = plugin.headers_of(&Setup::new(json!({})).option(name, sample)).await;
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

/// What a host can live with, and the WIT asks for otherwise, a sentence each.
fn slips(descriptor: &Descriptor) -> Vec<String> {
    let mut findings = Vec::new();
    let credentials = &descriptor.credentials;
    for (number, Credential { id, label, env_vars, cli_flag, header, prefix, .. }) in credentials.iter().enumerate() {
        let before = credentials.iter().take(number);
        if id.trim().is_empty() {
            findings.push("a credential of its has no id: a host names it in errors, and stores its key by it".into());
        } else if before.clone().any(|other| other.id == *id) {
            findings.push(format!("two of its credentials have the id `{id:.64}`"));
        }
        if label.trim().is_empty() {
            findings.push(format!("its credential `{id:.64}` has no label: a person is asked for it by that"));
        }
        let lower = header.to_ascii_lowercase();
        if *header != lower {
            findings.push(format!(
                "its credential `{id:.64}` names the header {header:.64}: write it in lower case, {lower:.64}"
            ));
        }
        let is_scheme = !prefix.is_empty() && prefix.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if lower == "authorization" && prefix.is_empty() {
            findings.push(format!(
                "its credential `{id:.64}` goes into authorization without a scheme: a `prefix` such as `Bearer `"
            ));
        } else if lower == "authorization" && is_scheme {
            findings.push(format!(
                "its credential `{id:.64}` would be sent as `{prefix:.64}KEY`: end the `prefix` with a space"
            ));
        }
        let same = |one: &Credential| {
            one.env_vars.iter().any(|name| env_vars.contains(name))
                || one.cli_flag.is_some() && one.cli_flag == *cli_flag
        };
        if before.clone().any(same) {
            findings.push(format!("its credential `{id:.64}` names the variable or the flag of another one"));
        }
    }
    let services = descriptor.services.iter().map(|service| &service.base_url);
    for url in services.clone().chain([&descriptor.default_base_url]).filter(|url| url.ends_with('/')) {
        findings.push(format!("its base URL {url:.256} ends with a slash: leave that out"));
    }
    if services.clone().next().is_some_and(|first| *first != descriptor.default_base_url) {
        findings.push("the first of its services is not the one at its default base URL".into());
    }
    if descriptor.label.trim().is_empty() {
        findings.push("it has no label: a person chooses it by that".into());
    }
    if descriptor.api.trim().is_empty() {
        findings.push("it names no `api`, which OpenClaw's configuration needs, such as openai-completions".into());
    }
    let model = &descriptor.default_model.id;
    if model.trim().is_empty() || model.trim() != model {
        findings.push(format!("its default model's id `{model:.64}` is empty, or has white space around it"));
    }
    if let Some(images) = &descriptor.images {
        if images.default_model.trim().is_empty() || images.max_count == 0 {
            findings.push("it makes images, and names no default model for them or allows none".into());
        }
        let is_size = |size: &str| {
            let (width, height) = size.split_once('x').unwrap_or_default();
            [width, height].iter().all(|side| side.parse::<u32>().is_ok_and(|side| side > 0))
        };
        for size in images.sizes.iter().filter(|size| !is_size(size)) {
            findings.push(format!("its image size `{size:.64}` is not WIDTHxHEIGHT"));
        }
        for format in images.output_formats.iter().filter(|format| !["png", "jpeg", "webp"].contains(&&***format)) {
            findings.push(format!("its image format `{format:.64}` is none of png, jpeg and webp"));
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
        let (id, name) = (&credential.id, http::HeaderName::try_from(&credential.header).ok());
        let wrong = match &name {
            None => Some("names as its header what can be none:"),
            Some(name) if is_the_hosts(name) => Some("names a header that the host or the protocol writes:"),
            Some(name) if headers.contains(name) => Some("names the header of another one:"),
            Some(_) => None,
        };
        if let Some(wrong) = wrong {
            let header = credential.header.escape_default();
            findings.push(format!("its credential `{id:.64}` {wrong} {:.64}", header.to_string()));
        }
        if http::HeaderValue::try_from(&credential.prefix).is_err() {
            findings.push(format!("its credential `{id:.64}` has a prefix that no header can hold"));
        }
        headers.extend(name);
        // Shells read completions that are made of these.
        let is_flag = |flag: &String| {
            let name = flag.strip_prefix("--").unwrap_or_default();
            !name.is_empty() && name.len() <= 64 && name.bytes().all(of_id)
        };
        let is_variable = |name: &String| name.len() <= 128 && is_bare_reference(&format!("${{{name}}}"));
        if let Some(flag) = credential.cli_flag.as_ref().filter(|flag| !is_flag(flag)) {
            let flag = flag.escape_default().to_string();
            findings.push(format!(
                "its credential `{id:.64}` names a flag that can be none: {flag:.64}; one is --in-small-letters"
            ));
        }
        if let Some(name) = credential.env_vars.iter().find(|name| !is_variable(name)) {
            let name = name.escape_default().to_string();
            findings.push(format!(
                "its credential `{id:.64}` names a variable that can be none: {name:.64}; one is IN_CAPITALS"
            ));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        credentials::tests::descriptor as sound,
        wit::onboarding::{ImageCapabilities, Service},
    };

    #[test]
    fn what_a_component_says_otherwise_than_the_wit_asks_is_found() {
        assert_eq!([slips(&sound()), descriptor(&sound())].concat(), Vec::<String>::new());
        let images = || ImageCapabilities {
            default_model: "m".into(),
            max_count: 1,
            max_input_images: 0,
            sizes: vec!["1024x1024".into()],
            qualities: Vec::new(),
            backgrounds: Vec::new(),
            output_formats: vec!["png".into()],
        };
        let service = |url: &str| Service { label: "x".into(), base_url: url.into(), keys_from: String::new() };
        type Spoil<'a> = &'a dyn Fn(&mut Descriptor);
        let cases: &[(&str, Spoil<'_>)] = &[
            ("header X-Acme-Key: write it in lower case, x-acme-key", &|it| {
                it.credentials[0].header = "X-Acme-Key".into()
            }),
            ("without a scheme", &|it| {
                (it.credentials[0].header, it.credentials[0].prefix) = ("authorization".into(), String::new())
            }),
            ("`BearerKEY`", &|it| {
                (it.credentials[0].header, it.credentials[0].prefix) = ("authorization".into(), "Bearer".into())
            }),
            ("can be none: acme_key; one is IN_CAPITALS", &|it| it.credentials[0].env_vars = vec!["acme_key".into()]),
            ("can be none: -k", &|it| it.credentials[0].cli_flag = Some("-k".into())),
            ("has no label", &|it| it.credentials[0].label = " ".into()),
            ("has no id", &|it| it.credentials[0].id.clear()),
            ("have the id", &|it| {
                let other = it.credentials[0].clone();
                it.credentials.push(Credential {
                    header: "x-other".into(),
                    env_vars: Vec::new(),
                    cli_flag: None,
                    ..other
                });
            }),
            ("the variable or the flag of another", &|it| {
                let other = it.credentials[0].clone();
                it.credentials.push(Credential { id: "other".into(), header: "x-other".into(), ..other });
            }),
            ("ends with a slash", &|it| it.default_base_url.push('/')),
            ("not the one at its default base URL", &|it| it.services = vec![service("https://other.example/v1")]),
            ("names no `api`", &|it| it.api.clear()),
            ("it has no label", &|it| it.label.clear()),
            ("white space around it", &|it| it.default_model.id = " m".into()),
            ("allows none", &|it| it.images = Some(ImageCapabilities { max_count: 0, ..images() })),
            ("`large` is not WIDTHxHEIGHT", &|it| {
                it.images = Some(ImageCapabilities { sizes: vec!["large".into()], ..images() })
            }),
            ("`jpg` is none of", &|it| {
                it.images = Some(ImageCapabilities { output_formats: vec!["jpg".into()], ..images() })
            }),
            ("can be none: no header", &|it| it.credentials[0].header = "no header".into()),
            ("host or the protocol writes: host", &|it| it.credentials[0].header = "host".into()),
            ("no header can hold", &|it| it.credentials[0].prefix = "a\r\nb".into()),
        ];
        for (expected, spoil) in cases {
            let mut said = sound();
            spoil(&mut said);
            let found = [slips(&said), descriptor(&said)].concat();
            assert!(found.len() == 1 && found[0].contains(expected), "{expected}: {found:?}");
        }
    }

    #[test]
    fn a_manifest_that_says_more_is_found_out() {
        let said = sound();
        let credential = &said.credentials[0];
        let manifest = || {
            json!({
                "id": said.id,
                "providers": [said.id],
                "setup": {"providers": [{"id": said.id, "envVars": credential.env_vars}]},
                "providerAuthChoices": [{"provider": said.id, "cliFlag": credential.cli_flag}],
                "configSchema": {"type": "object", "properties": {"a": {"type": "string"}}},
                "uiHints": {"a": {"label": "A"}},
            })
        };
        assert_eq!(manifest_findings(&said, &manifest()), Vec::<String>::new());
        for (pointer, value, expected) in [
            (
                "/setup/providers/0/envVars",
                json!([credential.env_vars.clone(), vec!["OTHER".to_owned()]].concat()),
                "lists OTHER",
            ),
            ("/providerAuthChoices/0/cliFlag", json!("--other"), "`cliFlag` --other"),
            ("/configSchema", json!({"type": "array"}), "not of the `type` object"),
            ("/uiHints", json!({"b": {}}), "`b`, which is no option"),
        ] {
            let mut manifest = manifest();
            *manifest.pointer_mut(pointer).unwrap() = value;
            let found = manifest_findings(&said, &manifest);
            assert!(found.iter().any(|finding| finding.contains(expected)), "{pointer}: {found:?}");
        }
    }
}
