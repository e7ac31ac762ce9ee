//! npm's lock files: what `npm ci` installs is pinned by digest, and comes from npm's own registry.

use std::{fs, process::Command};

use anyhow::{Context, ensure};
use serde_json::Value;

use crate::workspace::{Workspace, output};

const REGISTRY: &str = "https://registry.npmjs.org/";

/// Checks each lock file that git knows.
pub(crate) fn run(workspace: &Workspace) -> anyhow::Result<()> {
    let files = output(Command::new("git").current_dir(&workspace.root).args(["ls-files", "*package-lock.json"]))?;
    ensure!(!files.is_empty(), "git knows no package-lock.json");
    let mut findings = Vec::new();
    for file in files.lines() {
        let lock = serde_json::from_slice(&fs::read(workspace.root.join(file))?).with_context(|| file.to_owned())?;
        findings.extend(check(&lock).into_iter().map(|finding| format!("{file}: {finding}")));
    }
    ensure!(findings.is_empty(), "{}", findings.join("\n"));
    Ok(())
}

/// What is wrong with a lock file.
fn check(lock: &Value) -> Vec<String> {
    let Some(packages) = lock["packages"].as_object().filter(|packages| packages.len() > 1) else {
        return vec!["it locks no package: make it anew with `npm install --package-lock-only`".into()];
    };
    let mut findings = Vec::new();
    // The first, without a name, is the package itself. One in a bundle has the digest of what bundles it.
    for (path, package) in packages.iter().filter(|(path, package)| !path.is_empty() && package["inBundle"] != true) {
        if !package["integrity"].as_str().is_some_and(|digest| digest.starts_with("sha512-")) {
            findings.push(format!("{path} has no sha512 digest"));
        }
        match &package["resolved"] {
            Value::Null => {}
            Value::String(url) if url.starts_with(REGISTRY) => {}
            other => findings.push(format!("{path} comes from {other}, not {REGISTRY}")),
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_package_without_digest_or_from_elsewhere_is_found() {
        let good = json!({"version": "1.0.0", "resolved": "https://registry.npmjs.org/a/-/a-1.0.0.tgz", "integrity": "sha512-YQ=="});
        let lock = |key: &str, value: Value| {
            let mut package = good.clone();
            package[key] = value;
            json!({"packages": {"": {"name": "own"}, "node_modules/a": package}})
        };
        assert_eq!(check(&lock("license", json!("MIT"))), Vec::<String>::new());
        assert_eq!(check(&lock("resolved", Value::Null)), Vec::<String>::new());
        for (key, value) in [
            ("integrity", Value::Null),
            ("integrity", json!("sha1-YQ==")),
            ("resolved", json!("https://registry.npmjs.org.example.com/a/-/a-1.0.0.tgz")),
            ("resolved", json!("http://registry.npmjs.org/a/-/a-1.0.0.tgz")),
            ("resolved", json!("git+ssh://git@example.com/a.git")),
        ] {
            assert_eq!(check(&lock(key, value.clone())).len(), 1, "{key}: {value}");
        }
        assert_eq!(check(&json!({"packages": {"": {}}})).len(), 1);
    }
}
