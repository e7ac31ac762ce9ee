//! Completes `dist/`, a release. `make package` has put the component, the manifest and the OpenClaw package there.
//! `cargo xtask program` adds the program for the system that it runs on, and `cargo xtask dist`, at the end, npm's package
//! that brings it, the component as an OCI layout, a bill of materials of each built file, and checksums.

use std::{env::consts::EXE_SUFFIX, fs, path::Path};

use anyhow::{Context, bail, ensure};
use serde_json::Value;

use crate::{
    component,
    npm::Release,
    oci::{self, sha256},
    sbom::{self, File},
    workspace::{self, Workspace, cargo, rustc},
};

/// The packages that the gateway is composed of.
pub(crate) const GATEWAY: &[&str] = &[component::PACKAGE, "front", "credentials"];
/// It writes the JavaScript with which the OpenClaw package runs the component.
pub(crate) const JCO: &[&str] = &["@bytecodealliance/jco"];

/// The files of the program are named by this and their target.
const PROGRAM: &str = "host-harness-";

/// Builds the program for this system, as a file and as npm's package.
pub(crate) fn program(workspace: &Workspace) -> anyhow::Result<()> {
    let dist = workspace.root.join("dist");
    let target = rustc("host")?;
    let build = ["build", "--quiet", "--release", "--package", "host-harness-cli"];
    workspace::run(cargo().args(build).env("CARGO_ENCODED_RUSTFLAGS", workspace.remapped_paths()?))?;
    let built = workspace.target.join("release").join(format!("host-harness{EXE_SUFFIX}"));
    let name = format!("{PROGRAM}{target}{EXE_SUFFIX}");
    fs::copy(&built, dist.join(&name))?;
    println!("dist/{name}\ndist/{}", release(workspace, &dist)?.program(&target, &built)?);
    Ok(())
}

fn release<'a>(workspace: &'a Workspace, dist: &'a Path) -> anyhow::Result<Release<'a>> {
    Ok(Release { root: &workspace.root, dist, version: &workspace.package(component::PACKAGE)?.version })
}

/// The names of what is in the folder, in order.
fn names(folder: &Path) -> anyhow::Result<Vec<String>> {
    let entries = fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    let mut names = entries
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<std::io::Result<Vec<_>>>()?;
    // They come from jobs that run others' code, and become lines of SHA256SUMS and arguments of the job that may write.
    let is_plain = |name: &&String| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    if let Some(odd) = names.iter().find(|name| !is_plain(name) || name.starts_with('-')) {
        bail!("dist/ holds a file of the name {odd:?}: letters, digits, `.`, `_` and `-` are all that may be in one");
    }
    names.sort();
    Ok(names)
}

/// Adds the rest, and says what there is.
pub(crate) fn run(workspace: &Workspace) -> anyhow::Result<()> {
    let dist = workspace.root.join("dist");
    let version = &workspace.package(component::PACKAGE)?.version;
    release(workspace, &dist)?.launcher()?;

    let wasm = fs::read(dist.join("portkey-provider.wasm")).context("dist/ holds no component: run `make package`")?;
    let created = workspace.commit().map_or_else(|| "1970-01-01T00:00:00Z".to_owned(), |commit| commit.time);
    oci::write(&dist.join("oci"), &wasm, &created)?;

    // What a file is built of. A package of npm's that brings others along would need their bill too.
    let npm = format!("openclaw-portkey-provider-{version}.tgz");
    let manifest: Value = serde_json::from_slice(&fs::read(workspace.root.join("openclaw/package.json"))?)?;
    ensure!(manifest["dependencies"].is_null(), "the bill of {npm} does not list its dependencies of npm's yet");
    let lock: Value = serde_json::from_slice(&fs::read(workspace.root.join("openclaw/package-lock.json"))?)?;
    let there = names(&dist)?;
    // What brings the program holds nothing that is not in the bill of the program itself.
    let mut files: Vec<String> =
        there.iter().filter(|name| name.starts_with("openclaw-host-harness-")).cloned().collect();
    files.push("openclaw.plugin.json".to_owned());
    let programs: Vec<_> = there.iter().filter(|name| name.starts_with(PROGRAM) && !name.ends_with(".json")).collect();
    ensure!(!programs.is_empty(), "dist/ holds no program: run `cargo xtask program`");
    let target = |program: &str| program.trim_start_matches(PROGRAM).trim_end_matches(".exe").to_owned();
    let programs: Vec<_> = programs.into_iter().map(|name| (name, target(name))).collect();
    let mut built = vec![
        ("portkey-provider.wasm", "library", &[component::PACKAGE][..], "wasm32-wasip2", &[][..]),
        ("gateway.wasm", "application", GATEWAY, "wasm32-wasip2", &[]),
        (&npm, "library", &[component::PACKAGE], "wasm32-wasip2", JCO),
    ];
    built.extend(
        programs
            .iter()
            .map(|(name, target)| (name.as_str(), "application", &["host-harness-cli"][..], target.as_str(), &[][..])),
    );
    for (name, kind, packages, target, wrote) in built {
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
    fn files_that_are_named_as_flags_labels_or_lines_are_not_published() {
        for odd in ["a b", "-x", "--draft", "program#label", "a\nb", "a\rb", "\u{202e}x", "$(id)"] {
            let folder = tempfile::tempdir().unwrap();
            fs::write(folder.path().join("host-harness-x86_64-unknown-linux-gnu"), "").unwrap();
            assert_eq!(names(folder.path()).unwrap().len(), 1);
            fs::write(folder.path().join(odd), "").unwrap();
            assert!(names(folder.path()).unwrap_err().to_string().contains("of the name"), "{odd:?}");
        }
    }

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
