//! Builds the components. The shipped one has the same bytes wherever a commit is built, and labels that say what it
//! is.

use std::{fs, path::PathBuf};

use wasm_metadata::{AddMetadata, AddMetadataField};

use crate::short_names;
use crate::workspace::{self, Package, Workspace, cargo};

/// The package that the component is built of.
pub(crate) const PACKAGE: &str = "portkey-provider";

/// Builds and labels it where cargo puts it, and the tests, the harness and the OpenClaw package look for it.
pub(crate) fn run(workspace: &Workspace) -> anyhow::Result<()> {
    let path = build(workspace, PACKAGE)?;
    let revision = workspace.commit().map(|commit| commit.revision);
    let built = fs::read(&path)?;
    let labelled = label(workspace.package(PACKAGE)?, revision, &short_names::of(&built)?)?;
    // Written through cargo's own link to the file: otherwise each build would put the one without label back for a while.
    if labelled != built {
        fs::write(&path, labelled)?;
    }
    println!("{}", path.display());
    Ok(())
}

/// Has cargo build the component of a package, without a path of this machine in it, and says where it is.
pub(crate) fn build(workspace: &Workspace, package: &str) -> anyhow::Result<PathBuf> {
    // Only as a cdylib is it optimised as a whole: Cargo.toml says more.
    let crate_type = ["rustc", "--quiet", "--package", package, "--crate-type", "cdylib"];
    let arguments = ["--target", "wasm32-wasip2", "--profile", "component"];
    // Each engine of today has SIMD: texts are searched, and base64 is read, 16 bytes at a time.
    let mut flags = workspace.remapped_paths()?;
    flags.push("\x1f-Ctarget-feature=+simd128");
    // For wasm32-wasip2 rustc links as for a shared library: each address is looked up and added to. A component is loaded
    // at one place.
    flags.push("\x1f-Crelocation-model=static");
    // LLVM copies code to where a value may be known already (PRE), and gives a loop a pointer for each place that it looks
    // at (LSR): here both make the code larger, and no faster.
    flags.push("\x1f-Cllvm-args=-enable-pre=false -disable-lsr");
    workspace::run(cargo().args(crate_type).args(arguments).env("CARGO_ENCODED_RUSTFLAGS", flags))?;
    Ok(workspace.target.join("wasm32-wasip2/component").join(package.replace('-', "_")).with_extension("wasm"))
}

/// The component with what its package says of itself, and the revision, in the custom sections that registries and
/// `wasm-tools metadata show` read.
fn label(package: &Package, revision: Option<String>, component: &[u8]) -> anyhow::Result<Vec<u8>> {
    // An older label goes first: a section that is set is added to one that is there. And with it the names of the
    // component's parts, which are for debugging, like those of functions, which `strip` leaves out.
    let mut none = AddMetadata::default();
    none.name = AddMetadataField::Clear;
    none.version = AddMetadataField::Clear;
    none.description = AddMetadataField::Clear;
    none.licenses = AddMetadataField::Clear;
    none.source = AddMetadataField::Clear;
    none.revision = AddMetadataField::Clear;

    let mut label = AddMetadata::default();
    label.name = AddMetadataField::Set(package.name.clone());
    label.version = AddMetadataField::Set(package.version.parse()?);
    if let Some(description) = &package.description {
        label.description = AddMetadataField::Set(description.parse()?);
    }
    if let Some(license) = &package.license {
        label.licenses = AddMetadataField::Set(license.parse()?);
    }
    if let Some(repository) = &package.repository {
        label.source = AddMetadataField::Set(repository.parse()?);
    }
    if let Some(revision) = revision {
        label.revision = AddMetadataField::Set(revision.parse()?);
    }
    label.to_wasm(&none.to_wasm(component)?)
}
