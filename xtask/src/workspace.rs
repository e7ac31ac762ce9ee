//! Asks cargo, rustc and git about the workspace in the current directory.

use std::{
    collections::BTreeSet,
    ffi::OsString,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, bail, ensure};
use serde::Deserialize;

/// The workspace: the part of `cargo metadata` that is used here.
#[derive(Debug, Deserialize)]
pub(crate) struct Workspace {
    /// Its own packages, and all that they depend on.
    packages: Vec<Package>,
    #[serde(rename = "workspace_root")]
    pub(crate) root: PathBuf,
    #[serde(rename = "target_directory")]
    pub(crate) target: PathBuf,
}

/// One package, as its Cargo.toml says.
#[derive(Debug, Deserialize)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) description: Option<String>,
    pub(crate) license: Option<String>,
    pub(crate) repository: Option<String>,
    /// Where it comes from. None for the workspace's own.
    source: Option<String>,
    /// The registries that it may be published to. None for any; none of them for a package that stays here.
    publish: Option<Vec<String>>,
    manifest_path: PathBuf,
}

/// What is checked out.
#[derive(Debug, Clone)]
pub(crate) struct Commit {
    /// Its full hash.
    pub(crate) revision: String,
    /// When it was made, as `2026-01-31T12:00:00Z`.
    pub(crate) time: String,
}

impl Workspace {
    /// Asks cargo, which fetches the packages that are missing.
    pub(crate) fn read() -> anyhow::Result<Self> {
        let json = output(cargo().args(["metadata", "--format-version", "1"]))?;
        serde_json::from_str(&json).context("the answer of `cargo metadata` is not as expected")
    }

    /// The workspace's own package of this name.
    pub(crate) fn package(&self, name: &str) -> anyhow::Result<&Package> {
        let found = self.packages.iter().find(|package| package.source.is_none() && package.name == name);
        found.with_context(|| format!("the workspace has no package `{name}`"))
    }

    /// The workspace's own packages that are meant for others.
    pub(crate) fn published(&self) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(|package| package.source.is_none() && package.publish.is_none())
    }

    /// The commit that is checked out. None without a repository, and where a tracked file differs from the commit.
    pub(crate) fn commit(&self) -> Option<Commit> {
        let git = |arguments: &[&str]| {
            let mut git = Command::new("git");
            git.current_dir(&self.root).env("GIT_OPTIONAL_LOCKS", "0").env("TZ", "UTC");
            output(git.args(arguments)).ok()
        };
        if !git(&["status", "--porcelain", "--untracked-files=no"])?.is_empty() {
            return None;
        }
        let last = git(&["log", "-1", "--format=%H %cd", "--date=format-local:%Y-%m-%dT%H:%M:%SZ"])?;
        let (revision, time) = last.split_once(' ')?;
        Some(Commit { revision: revision.to_owned(), time: time.to_owned() })
    }

    /// Flags of rustc that keep this machine's paths out of what it builds, for `CARGO_ENCODED_RUSTFLAGS`: a source
    /// file is then named from the workspace, its crate or the standard library on. rustc takes the last flag that fits.
    pub(crate) fn remapped_paths(&self) -> anyhow::Result<OsString> {
        let sysroot = output(Command::new("rustc").args(["--print", "sysroot"]))?;
        let standard_library = format!("/rustc/{}", rustc("commit-hash")?);
        // A crate from elsewhere lies in a folder of its name and version, in that of its registry.
        let foreign = self.packages.iter().filter(|package| package.source.is_some());
        let registries: BTreeSet<_> = foreign.filter_map(|package| package.manifest_path.parent()?.parent()).collect();

        let mut paths = vec![(self.root.as_path(), ""), (self.target.as_path(), "target")];
        paths.extend(registries.into_iter().map(|registry| (registry, "")));
        let library = Path::new(&sysroot).join("lib/rustlib/src/rust");
        paths.push((&library, &standard_library));
        let flags = paths.into_iter().map(|(from, to)| {
            let mut flag = OsString::from("--remap-path-prefix=");
            flag.push(from);
            flag.push("=");
            flag.push(to);
            flag
        });
        Ok(flags.collect::<Vec<_>>().join("\x1f".as_ref()))
    }
}

/// The cargo that runs this.
pub(crate) fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Runs cargo, whose messages are the user's to see.
pub(crate) fn run(command: &mut Command) -> anyhow::Result<()> {
    let status = command.status().with_context(|| format!("cannot run {}", command.get_program().display()))?;
    ensure!(status.success(), "{command:?}: {status}");
    Ok(())
}

/// What a command prints, without the end of the last line. Fails where the command does.
pub(crate) fn output(command: &mut Command) -> anyhow::Result<String> {
    let output = command.output().with_context(|| format!("cannot run {}", command.get_program().display()))?;
    if !output.status.success() {
        bail!("{command:?}: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8(output.stdout)?.trim_end().to_owned())
}

/// One field of what `rustc --version --verbose` says, such as `host`.
pub(crate) fn rustc(field: &str) -> anyhow::Result<String> {
    let version = output(Command::new("rustc").args(["--version", "--verbose"]))?;
    let found = version.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(": "));
    Ok(found.with_context(|| format!("rustc does not say its {field}"))?.to_owned())
}
