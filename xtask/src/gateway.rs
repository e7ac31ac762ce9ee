//! The provider as a service: the provider as it is shipped, `components/front` and `components/credentials`, composed
//! into one component as `components/gateway.wac` says. Nothing is fetched, and nothing is pushed anywhere.

#![allow(clippy::indexing_slicing, reason = "an arena is indexed by the ids that it gave")]

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, anyhow, bail};
use indexmap::IndexMap;
use wac_graph::EncodeOptions;
use wac_graph::types::{BorrowedPackageKey, ItemKind, Package, Type, Types, WorldId, validate_target};
use wac_parser::Document;
use wit_parser::Resolve;

use crate::{component, workspace::Workspace};

/// What a provider may import, and what it must export.
const PROVIDER: &str = "openclaw:provider/provider@0.2.0";
/// What it may export beside that. Where it does not, the filler takes the place.
const OPTIONAL: [&str; 2] = ["openclaw:provider/embeddings@0.2.0", "openclaw:provider/audio@0.2.0"];
/// The same of what comes of it.
const GATEWAY: &str = "openclaw:gateway/gateway@0.1.0";

/// A file of the project.
fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name(path)
}

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The provider component; by default the project's own, as `make component` built it
    #[arg(long, value_name = "FILE")]
    provider: Option<PathBuf>,
    /// Leave the credentials out: something else between the component and the network must add them
    #[arg(long)]
    without_credentials: bool,
    /// Where to write it; by default dist/gateway.wasm
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(crate) fn run(workspace: &Workspace, args: &Args) -> anyhow::Result<()> {
    let own = || workspace.target.join("wasm32-wasip2/component/portkey_provider.wasm");
    let provider_file = args.provider.clone().unwrap_or_else(own);
    let provider = read(&provider_file)?;
    check_target(&provider, PROVIDER).with_context(|| format!("{} may not be composed", provider_file.display()))?;
    let left_out = left_out(&provider)?;
    let mut parts = vec![("provider-component", provider), ("front", read(&component::build(workspace, "front")?)?)];
    if !left_out.is_empty() {
        println!("the provider leaves out {}: each call of it is answered with `unsupported`", left_out.join(" and "));
        parts.push(("filler", read(&component::build(workspace, "filler")?)?));
    }
    let document = if args.without_credentials {
        "gateway-without-credentials.wac"
    } else {
        parts.push(("credentials", read(&component::build(workspace, "credentials")?)?));
        "gateway.wac"
    };
    let composed = compose(document, &left_out, parts)?;
    check_target(&composed, GATEWAY).context("what came of it is no gateway")?;
    let out = args.out.clone().unwrap_or_else(|| file("dist/gateway.wasm"));
    if let Some(folder) = out.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(&out, &composed).with_context(|| format!("cannot write {}", out.display()))?;
    println!("{} bytes  {}", composed.len(), out.display());
    Ok(())
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}: `make component` builds the provider", path.display()))
}

/// The optional interfaces that a provider does not export.
fn left_out(provider: &[u8]) -> anyhow::Result<Vec<&'static str>> {
    let mut types = Types::default();
    let found = Package::from_bytes("component", None, provider, &mut types).context("this is no component")?;
    let exports = &types[found.ty()].exports;
    Ok(OPTIONAL.into_iter().filter(|interface| !exports.contains_key(*interface)).collect())
}

/// The document, where the filler stands in for the interfaces that are left out.
fn filled(source: &str, left_out: &[&str]) -> String {
    if left_out.is_empty() {
        return source.to_owned();
    }
    let source = left_out.iter().fold(source.to_owned(), |source, interface| {
        source.replace(&format!("provider[\"{interface}\"]"), &format!("filler[\"{interface}\"]"))
    });
    source.replace("let front = ", "let filler = new openclaw:filler { ... };\n\nlet front = ")
}

/// Composes the parts, each named as the document names it after `openclaw:`.
fn compose(document: &str, left_out: &[&str], parts: Vec<(&str, Vec<u8>)>) -> anyhow::Result<Vec<u8>> {
    let source = filled(&fs::read_to_string(file("components").join(document))?, left_out);
    let names = parts.iter().map(|(name, _)| format!("openclaw:{name}")).collect::<Vec<_>>();
    let bytes = parts.into_iter().map(|(_, bytes)| bytes);
    let keys = names.iter().map(|name| BorrowedPackageKey::from_name_and_version(name, None));
    let packages: IndexMap<_, _> = keys.zip(bytes).collect();
    let wrong = |error: &dyn std::error::Error| anyhow!("{document}: {}", chain(error));
    let parsed = Document::parse(&source).map_err(|error| wrong(&error))?;
    let resolved = parsed.resolve(packages).map_err(|error| wrong(&error))?;
    resolved.encode(EncodeOptions::default()).map_err(|error| wrong(&error))
}

/// An error and what caused it, on one line.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// Refuses a component that lacks an export of this world, or imports more than it allows.
///
/// For a provider this is what keeps the key from it: in the composition it would be given whatever else it asks its
/// host for, the configuration too.
fn check_target(component: &[u8], world: &str) -> anyhow::Result<()> {
    let mut resolve = Resolve::default();
    resolve.push_dir(file("wit")).context("wit/ cannot be read")?;
    let (ours, _) = resolve.push_dir(file("components/wit")).context("components/wit/ cannot be read")?;
    let world_id = resolve.select_world(&[ours], Some(world))?;
    let package = resolve.worlds[world_id].package.context("the world stands in no package")?;

    let mut types = Types::default();
    let wit = Package::from_bytes("wit", None, wit_component::encode(&resolve, package, false)?, &mut types)?;
    let expected = target(&wit, &resolve.worlds[world_id].name)?;
    let found = Package::from_bytes("component", None, component, &mut types).context("this is no component")?;
    match validate_target(&types, expected, found.ty()) {
        Ok(()) => Ok(()),
        Err(report) => bail!("it does not fit the world {world}. {}", report.to_string().trim_end()),
    }
}

/// The world of this name in an encoded WIT package.
fn target(wit: &Package, name: &str) -> anyhow::Result<WorldId> {
    match wit.definitions().get(name) {
        Some(ItemKind::Type(Type::World(world))) => Ok(*world),
        _ => bail!("the WIT has no world `{name}`"),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use wit_component::{ComponentEncoder, StringEncoding, dummy_module, embed_component_metadata};
    use wit_parser::{LiftLowerAbi, ManglingAndAbi};

    /// A component of the world that `wit` adds to the provider's.
    pub(crate) fn component(wit: &str) -> Vec<u8> {
        let mut resolve = Resolve::default();
        resolve.push_dir(file("wit")).unwrap();
        resolve.push_dir(file("components/wit")).unwrap();
        let package = resolve.push_str("test.wit", &format!("package test:test; world test {{ {wit} }}")).unwrap();
        let world = resolve.select_world(&[package], None).unwrap();
        let mut module = dummy_module(&resolve, world, ManglingAndAbi::Legacy(LiftLowerAbi::Sync));
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false).unwrap();
        ComponentEncoder::default().module(&module).unwrap().encode().unwrap()
    }

    fn composed(provider: &str) -> anyhow::Result<Vec<u8>> {
        let provider = component(provider);
        let left_out = left_out(&provider)?;
        let of = |world: &str| component(&format!("include openclaw:gateway/{world}@0.1.0;"));
        let mut parts =
            vec![("provider-component", provider), ("front", of("front")), ("credentials", of("credentials"))];
        if !left_out.is_empty() {
            parts.push(("filler", of("filler")));
        }
        compose("gateway.wac", &left_out, parts)
    }

    #[test]
    fn a_provider_is_composed_with_what_it_leaves_out() {
        for (provider, needs) in [
            ("include openclaw:provider/full-provider@0.2.0;", 0),
            ("include openclaw:provider/provider@0.2.0;", 2),
            ("include openclaw:provider/provider@0.2.0; export openclaw:provider/audio@0.2.0;", 1),
        ] {
            assert_eq!(left_out(&component(provider)).unwrap().len(), needs, "{provider}");
            check_target(&composed(provider).unwrap(), GATEWAY).unwrap();
        }
    }

    #[test]
    fn without_the_filler_half_a_provider_is_no_gateway() {
        let of = |world: &str| component(&format!("include openclaw:{world};"));
        let parts = vec![
            ("provider-component", of("provider/provider@0.2.0")),
            ("front", of("gateway/front@0.1.0")),
            ("credentials", of("gateway/credentials@0.1.0")),
        ];
        let refusal = compose("gateway.wac", &[], parts).unwrap_err().to_string();
        assert!(refusal.contains("openclaw:provider/embeddings@0.2.0"), "{refusal}");
    }

    #[test]
    fn what_does_not_fit_its_world_is_refused_with_what_is_wrong() {
        const BARE: &str = "include openclaw:provider/provider@0.2.0;";
        for (wit, world, wrong) in [
            // In the composition its store would be the host's, with the key in it.
            (&format!("{BARE} import wasi:config/store@0.2.0-rc.1;")[..], PROVIDER, "- wasi:config/store@0.2.0-rc.1"),
            (&format!("{BARE} import wasi:cli/environment@0.2.6;"), PROVIDER, "- wasi:cli/environment@0.2.6"),
            ("export openclaw:provider/models@0.2.0;", PROVIDER, "openclaw:provider/chat@0.2.0"),
            ("include openclaw:gateway/front@0.1.0;", GATEWAY, "- openclaw:provider/chat@0.2.0"),
        ] {
            let refusal = check_target(&component(wit), world).unwrap_err().to_string();
            assert!(refusal.contains(wrong), "{wit}: {refusal}");
        }
        check_target(&component(BARE), PROVIDER).unwrap();
        assert!(check_target(b"\0asm\x01\0\0\0", PROVIDER).is_err());
    }
}
