//! The crates that are meant for others, packed as `cargo publish` packs them. Nothing is published: the packages are
//! unpacked away from their sources, and compiled there. So each file that one needs is in it.

use std::{fs, process::Command};

use crate::workspace::{self, Workspace, cargo};

/// Leaves the packages in `target/package`.
pub(crate) fn run(workspace: &Workspace) -> anyhow::Result<()> {
    let packages: Vec<_> = workspace.published().collect();
    let mut package = cargo();
    // Compiled by cargo, each would have its dependencies compiled again, with the features that it alone asks for.
    package.args(["package", "--quiet", "--no-verify", "--allow-dirty", "--exclude-lockfile"]);
    workspace::run(package.args(packages.iter().flat_map(|package| ["--package", &package.name])))?;

    let packed = workspace.target.join("package");
    let apart = packed.join("apart");
    if apart.exists() {
        fs::remove_dir_all(&apart)?;
    }
    fs::create_dir(&apart)?;
    let (mut members, mut patches) = (Vec::new(), String::new());
    for package in &packages {
        let folder = format!("{}-{}", package.name, package.version);
        let file = packed.join(format!("{folder}.crate"));
        // Files of today: by the date that is in the package, cargo would take one that has changed for compiled.
        workspace::run(Command::new("tar").arg("-xzmf").arg(&file).arg("-C").arg(&apart))?;
        println!("{}", file.display());
        patches.push_str(&format!("{} = {{ path = \"{folder}\" }}\n", package.name));
        members.push(folder);
    }
    let manifest = format!("[workspace]\nresolver = \"3\"\nmembers = {members:?}\n\n[patch.crates-io]\n{patches}");
    fs::write(apart.join("Cargo.toml"), manifest)?;
    // The versions that are tested, in the profile of the workspace, whose file is read as settings: much is compiled then.
    fs::copy(workspace.root.join("Cargo.lock"), apart.join("Cargo.lock"))?;
    let mut check = cargo();
    check.args(["check", "--quiet", "--workspace", "--config"]).arg(workspace.root.join("Cargo.toml"));
    workspace::run(check.arg("--target-dir").arg(&workspace.target).current_dir(&apart))
}
