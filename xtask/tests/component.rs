//! The built component: the same bytes from anywhere, and what it says of itself.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, helpers included"
)]

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use serde_json::Value;
use wasm_metadata::Payload;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

/// `cargo xtask component` in a workspace, with this cargo home.
fn build(workspace: &Path, cargo_home: &Path) -> Vec<u8> {
    let mut xtask = Command::new(env!("CARGO_BIN_EXE_xtask"));
    xtask.arg("component").current_dir(workspace).env("CARGO_HOME", cargo_home);
    if workspace != root() {
        xtask.env_remove("CARGO_TARGET_DIR");
    }
    let output = xtask.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    fs::read(String::from_utf8(output.stdout).unwrap().trim_end()).unwrap()
}

/// The component of this workspace, built once.
fn component() -> &'static [u8] {
    static COMPONENT: OnceLock<Vec<u8>> = OnceLock::new();
    COMPONENT.get_or_init(|| build(&root(), &cargo_home()))
}

fn cargo_home() -> PathBuf {
    std::env::var_os("CARGO_HOME").map_or_else(|| std::env::home_dir().unwrap().join(".cargo"), PathBuf::from)
}

/// The sources as they are, without what was built of them, and with the same commit checked out.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (name, to) = (entry.file_name(), to.join(entry.file_name()));
        match name.to_str().unwrap() {
            "target" | "node_modules" | "dist" | "__pycache__" => {}
            ".git" => symlink(entry.path(), to).unwrap(),
            _ if entry.file_type().unwrap().is_dir() => copy(&entry.path(), &to),
            _ => drop(fs::copy(entry.path(), to).unwrap()),
        }
    }
}

#[test]
fn it_is_the_same_from_another_folder_and_another_cargo_home() {
    let elsewhere = tempfile::tempdir().unwrap();
    let home = elsewhere.path().join("home");
    fs::create_dir(&home).unwrap();
    for entry in fs::read_dir(cargo_home()).unwrap() {
        let entry = entry.unwrap();
        symlink(entry.path(), home.join(entry.file_name())).unwrap();
    }
    let workspace = elsewhere.path().join("a workspace");
    copy(&root(), &workspace);

    let (here, there) = (component(), build(&workspace, &home));
    assert!(here == there, "{} bytes here, {} bytes there", here.len(), there.len());
}

#[test]
fn no_path_of_this_machine_is_in_it() {
    let wasm = component();
    for path in [root(), cargo_home(), std::env::home_dir().unwrap()] {
        // With what is below it: the plugin has a `wire/root.rs` of its own.
        let path = format!("{}/", path.display());
        assert!(!wasm.windows(path.len()).any(|window| window == path.as_bytes()), "{path}");
    }
}

#[test]
fn it_says_what_its_package_says() {
    let said = Payload::from_binary(component()).unwrap();
    let said = serde_json::to_value(said.metadata()).unwrap();

    let cargo = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .current_dir(root())
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&cargo.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let package = packages.iter().find(|package| package["name"] == "portkey-provider").unwrap();
    for (key, key_of_cargo) in [
        ("name", "name"),
        ("version", "version"),
        ("description", "description"),
        ("licenses", "license"),
        ("source", "repository"),
    ] {
        assert_eq!(said[key], package[key_of_cargo], "{key}");
    }

    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).current_dir(root()).output().ok()?;
        output.status.success().then(|| String::from_utf8(output.stdout).unwrap().trim_end().to_owned())
    };
    let clean = git(&["status", "--porcelain", "--untracked-files=no"]).is_some_and(|changed| changed.is_empty());
    let revision = clean.then(|| git(&["rev-parse", "HEAD"]).unwrap());
    assert_eq!(said["revision"].as_str(), revision.as_deref());
}
