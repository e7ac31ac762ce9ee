//! Reads a component's imports and exports, and compares them with what this host provides and needs.

use wasmtime::component::{Component, types::ComponentItem};

/// The version of `openclaw:provider` that this host runs: any patch release of its minor version.
pub const WIT_VERSION: &str = "0.2.0";

/// What the world exports.
const EXPORTS: [&str; 4] = ["onboarding", "models", CHAT, "images"];
pub(super) const CHAT: &str = "chat";

/// What it may export beside that.
const OPTIONAL: [&str; 3] = [EMBEDDINGS, AUDIO, PRICES];
pub(super) const EMBEDDINGS: &str = "embeddings";
pub(super) const AUDIO: &str = "audio";
pub(super) const PRICES: &str = "prices";

/// All that a provider may ask of its host. Of anything else it may name types, but no function.
const IMPORTS: [&str; 5] =
    ["wasi:http/outgoing-handler", "wasi:http/types", "wasi:io/error", "wasi:io/poll", "wasi:io/streams"];

/// The interfaces of a component.
#[derive(Debug, Default)]
pub(super) struct Interfaces {
    /// Names of what it imports.
    pub(super) imports: Vec<String>,
    /// Names of what it exports.
    pub(super) exports: Vec<String>,
    /// Why it cannot be linked, a sentence each.
    pub(super) findings: Vec<String>,
}

impl Interfaces {
    /// Those of `component`.
    pub(super) fn of(component: &Component) -> Self {
        let mut found = Self::default();
        let ty = component.component_type();
        let wasmtime = component.engine();
        for (name, item) in ty.imports(wasmtime) {
            found.imports.push(name.to_owned());
            let bare = name.split('@').next().unwrap_or(name);
            let types_only = match item.ty {
                ComponentItem::ComponentInstance(instance) => {
                    instance.exports(wasmtime).all(|(_, item)| matches!(item.ty, ComponentItem::Type(_)))
                }
                _ => false,
            };
            if !types_only && !IMPORTS.contains(&bare) {
                found
                    .findings
                    .push(format!("it imports {name}: a provider gets wasi:http and wasi:io, and nothing else"));
            }
        }
        found.exports = ty.exports(wasmtime).map(|(name, _)| name.to_owned()).collect();
        for interface in EXPORTS.into_iter().chain(OPTIONAL) {
            let prefix = format!("openclaw:provider/{interface}@");
            match found.exports.iter().find_map(|name| name.strip_prefix(&prefix)) {
                None if OPTIONAL.contains(&interface) => {}
                None => found.findings.push(format!("it does not export {}", full_name(interface))),
                Some(version) if minor(version) != minor(WIT_VERSION) => found
                    .findings
                    .push(format!("it exports openclaw:provider/{interface}@{version}; this host runs {WIT_VERSION}")),
                Some(_) => {}
            }
        }
        found
    }
}

/// An interface as a component of this host's version exports it.
pub(super) fn full_name(interface: &str) -> String {
    format!("openclaw:provider/{interface}@{WIT_VERSION}")
}

/// `0.1` of `0.1.7`: what must agree before 1.0.
fn minor(version: &str) -> &str {
    version.rsplit_once('.').map_or(version, |(minor, _)| minor)
}
