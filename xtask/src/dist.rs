//! Completes `dist/`, a release. `make package` has put the component, the manifest and the OpenClaw package there.
//! This adds the program, the component as an OCI layout, a bill of materials of each built file, and checksums.

use std::{env::consts::EXE_SUFFIX, fs, path::Path};

use anyhow::{Context, ensure};
use serde_json::Value;

use crate::{
    component,
    oci::{self, sha256},
    sbom::{self, File},
    workspace::{self, Workspace, cargo, rustc},
};

/// The packages that the gateway is composed of.
pub(crate) const GATEWAY: &[&str] = &[component::PACKAGE, "front", "credentials"];
/// It writes the JavaScript with which the OpenClaw package runs the component.
pub(crate) const JCO: &[&str] = &["@bytecodealliance/jco"];

/// Makes what is missing, and says what there is.
pub(crate) fn run(workspace: &Workspace) -> anyhow::Result<()> {
    let dist = workspace.root.join("dist");
    let version = &workspace.package(component::PACKAGE)?.version;
    let host = rustc("host")?;

    let program = format!("host-harness-{host}{EXE_SUFFIX}");
    let build = ["build", "--quiet", "--release", "--package", "host-harness-cli"];
    workspace::run(cargo().args(build).env("CARGO_ENCODED_RUSTFLAGS", workspace.remapped_paths()?))?;
    fs::copy(workspace.target.join("release").join(format!("host-harness{EXE_SUFFIX}")), dist.join(&program))?;

    let wasm = fs::read(dist.join("portkey-provider.wasm")).context("dist/ holds no component: run `make package`")?;
    let created = workspace.commit().map_or_else(|| "1970-01-01T00:00:00Z".to_owned(), |commit| commit.time);
    oci::write(&dist.join("oci"), &wasm, &created)?;

    // What a file is built of. A package of npm's that brings others along would need their bill too.
    let npm = format!("openclaw-portkey-provider-{version}.tgz");
    let manifest: Value = serde_json::from_slice(&fs::read(workspace.root.join("openclaw/package.json"))?)?;
    ensure!(manifest["dependencies"].is_null(), "the bill of {npm} does not list its dependencies of npm's yet");
    let lock: Value = serde_json::from_slice(&fs::read(workspace.root.join("openclaw/package-lock.json"))?)?;
    let mut files = vec!["openclaw.plugin.json".to_owned()];
    for (name, kind, packages, target, wrote) in [
        ("portkey-provider.wasm", "library", &[component::PACKAGE][..], "wasm32-wasip2", &[][..]),
        ("gateway.wasm", "application", GATEWAY, "wasm32-wasip2", &[]),
        (&npm, "library", &[component::PACKAGE], "wasm32-wasip2", JCO),
        (&program, "application", &["host-harness-cli"], &host, &[]),
    ] {
        let sha256 = sha256(&fs::read(dist.join(name)).with_context(|| format!("dist/{name}: run `make package`"))?);
        let bill = sbom::bill(&File { name, kind, sha256, packages, target, npm: (wrote, &lock) })?;
        let bill_name = format!("{name}.cdx.json");
        fs::write(dist.join(&bill_name), serde_json::to_string_pretty(&bill)?)?;
        files.extend([name.to_owned(), bill_name]);
    }
    fs::write(dist.join("SHA256SUMS"), checksums(&dist, &files)?)?;
    files.extend(["SHA256SUMS".to_owned(), format!("oci (tag {version})")]);
    for file in files {
        println!("dist/{file}");
    }
    Ok(())
}

/// A line for each file, as `sha256sum --check` reads them.
fn checksums(folder: &Path, files: &[String]) -> anyhow::Result<String> {
    let lines = files.iter().map(|name| Ok(format!("{}  {name}\n", sha256(&fs::read(folder.join(name))?))));
    lines.collect()
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn sha256sum_takes_the_checksums() {
        let folder = tempfile::tempdir().unwrap();
        let files = ["a", "b c"].map(str::to_owned);
        for name in &files {
            fs::write(folder.path().join(name), name).unwrap();
        }
        fs::write(folder.path().join("SHA256SUMS"), checksums(folder.path(), &files).unwrap()).unwrap();
        let check = || {
            let check = Command::new("sha256sum").args(["--check", "SHA256SUMS"]).current_dir(folder.path()).output();
            String::from_utf8(check.unwrap().stdout).unwrap()
        };
        assert_eq!(check(), "a: OK\nb c: OK\n");
        fs::write(folder.path().join("a"), "altered").unwrap();
        assert_eq!(check(), "a: FAILED\nb c: OK\n");
    }
}
