//! Bills of materials, in CycloneDX: which crates a built file is made of, and which packages of npm's have code in it.
//!
//! `cargo tree` gives the crates: those that are linked for one target, without those that only build them (macros,
//! build scripts) and without those that only other packages of the workspace need.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context;
use serde_json::{Value, json};

use crate::workspace::{cargo, output};

/// The crates that packages are linked of, themselves included, by their references in the bill.
type Crates = BTreeMap<String, Crate>;

#[derive(Debug, Default)]
struct Crate {
    name: String,
    version: String,
    license: String,
    repository: String,
    needs: BTreeSet<String>,
}

/// The file that a bill is of.
#[derive(Debug)]
pub(crate) struct File<'a> {
    pub(crate) name: &'a str,
    /// `library` or `application`.
    pub(crate) kind: &'a str,
    pub(crate) sha256: String,
    /// The packages that it is built of, the one that it is named for first, and the target it is built for.
    pub(crate) packages: &'a [&'a str],
    pub(crate) target: &'a str,
    /// Packages of npm's that wrote code into it, and the lock file that names their versions.
    pub(crate) npm: (&'a [&'a str], &'a Value),
}

/// The bill of one file.
pub(crate) fn bill(file: &File<'_>) -> anyhow::Result<Value> {
    let mut arguments = vec!["tree", "--locked", "--target", file.target];
    arguments.extend(file.packages.iter().flat_map(|package| ["--package", package]));
    arguments.extend(["--edges", "normal,no-proc-macro", "--prefix", "depth", "--format", "|{p}|{l}|{r}|"]);
    let (mut roots, mut crates) = parse(&output(cargo().args(arguments))?)?;
    let of = roots.iter().map(|root| &crates[root]).find(|of| file.packages.first() == Some(&of.name.as_str()));
    let (version, license) = of.map(|of| (of.version.clone(), of.license.clone())).context("a file of no package")?;
    let (names, lock) = file.npm;
    for name in names {
        let (reference, package) = npm(name, lock)?;
        roots.push(reference.clone());
        crates.insert(reference, package);
    }
    let components: Vec<Value> = crates.iter().map(|(reference, of)| component(reference, of)).collect();
    let mut dependencies = vec![json!({"ref": file.name, "dependsOn": roots})];
    dependencies.extend(crates.iter().map(|(reference, of)| json!({"ref": reference, "dependsOn": of.needs})));
    Ok(json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": file.kind,
                "bom-ref": file.name,
                "name": file.name,
                "version": version,
                "licenses": [{"expression": license}],
                "hashes": [{"alg": "SHA-256", "content": file.sha256}],
            },
        },
        "components": components,
        "dependencies": dependencies,
    }))
}

/// One crate in the bill.
fn component(reference: &str, of: &Crate) -> Value {
    let mut component = json!({
        "type": "library",
        "bom-ref": reference,
        "purl": reference,
        "name": of.name,
        "version": of.version,
        "licenses": [{"expression": of.license}],
    });
    if !of.repository.is_empty() {
        component["externalReferences"] = json!([{"type": "vcs", "url": of.repository}]);
    }
    component
}

/// A package of npm's, as the lock file has it.
fn npm(name: &str, lock: &Value) -> anyhow::Result<(String, Crate)> {
    let package = &lock["packages"][format!("node_modules/{name}")];
    let field =
        |field: &str| package[field].as_str().map(str::to_owned).with_context(|| format!("{name} is not locked"));
    let (version, license) = (field("version")?, field("license")?);
    let reference = format!("pkg:npm/{}@{version}", name.replace('@', "%40"));
    // An expression stands in no brackets there.
    let license = license.trim_matches(['(', ')']).to_owned();
    Ok((reference, Crate { name: name.to_owned(), version, license, ..Crate::default() }))
}

/// The references of the crates asked for, and all crates, of lines such as `2|memchr v2.8.3|Unlicense/MIT|https://...| (*)`: the
/// number is the crate's depth below such a one, and the star says that what it needs was listed before.
fn parse(tree: &str) -> anyhow::Result<(Vec<String>, Crates)> {
    let mut roots = Vec::new();
    let mut crates = Crates::new();
    let mut path: Vec<String> = Vec::new();
    // Between two trees stands an empty line.
    for line in tree.lines().filter(|line| !line.is_empty()) {
        let mut fields = line.split('|');
        let mut field = || fields.next().with_context(|| format!("`cargo tree` says something unexpected: {line}"));
        let (depth, package, license, repository) = (field()?.parse()?, field()?, field()?, field()?);
        let (name, version) = package.split_once(" v").with_context(|| package.to_owned())?;
        // After the version may stand where the package lies on this machine.
        let version = version.split(' ').next().unwrap_or(version);
        let reference = format!("pkg:cargo/{name}@{version}");
        path.truncate(depth);
        if let Some(needing) = path.last().and_then(|needing| crates.get_mut(needing)) {
            needing.needs.insert(reference.clone());
        }
        if depth == 0 {
            roots.push(reference.clone());
        }
        path.push(reference.clone());
        crates.entry(reference).or_insert_with(|| Crate {
            name: name.to_owned(),
            version: version.to_owned(),
            // Cargo's older way to write a choice.
            license: license.replace('/', " OR "),
            repository: repository.to_owned(),
            needs: BTreeSet::new(),
        });
    }
    Ok((roots, crates))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dist::{GATEWAY, JCO};

    #[test]
    fn a_tree_is_read_with_its_edges() {
        let tree = "0|own v0.1.0 (/home/user/own)|Apache-2.0||\n\
                    1|first v1.0.0|MIT/Apache-2.0|https://example.com/first|\n\
                    2|shared v2.0.0|Zlib|https://example.com/shared|\n\
                    1|second v1.0.0|MIT|https://example.com/second|\n\
                    2|shared v2.0.0|Zlib|https://example.com/shared| (*)\n\n\
                    0|other v0.1.0 (/home/user/other)|Apache-2.0||\n\
                    1|second v1.0.0|MIT|https://example.com/second| (*)";
        let (roots, crates) = parse(tree).unwrap();
        assert_eq!(roots, ["pkg:cargo/own@0.1.0", "pkg:cargo/other@0.1.0"]);
        let [root, other] = &roots[..] else { unreachable!() };
        let needs = |name: &str| crates[name].needs.iter().map(String::as_str).collect::<Vec<_>>();
        assert_eq!(needs(root), ["pkg:cargo/first@1.0.0", "pkg:cargo/second@1.0.0"]);
        assert_eq!(needs("pkg:cargo/first@1.0.0"), ["pkg:cargo/shared@2.0.0"]);
        assert_eq!(needs("pkg:cargo/second@1.0.0"), ["pkg:cargo/shared@2.0.0"]);
        assert_eq!(crates["pkg:cargo/first@1.0.0"].license, "MIT OR Apache-2.0");
        assert_eq!(needs(other), ["pkg:cargo/second@1.0.0"]);
        assert_eq!(crates.len(), 5);
    }

    fn names(packages: &[&str], npm: (&[&str], &Value)) -> Vec<String> {
        let sha256 = "00".repeat(32);
        let bill = bill(&File { name: "x", kind: "library", sha256, packages, target: "wasm32-wasip2", npm }).unwrap();
        assert!(!bill.to_string().contains(env!("CARGO_MANIFEST_DIR").trim_end_matches("/xtask")), "{bill}");
        let components = bill["components"].as_array().unwrap();
        for component in components {
            let license = component["licenses"][0]["expression"].as_str().unwrap();
            assert!(!license.is_empty(), "{component}");
        }
        let own = bill["dependencies"][0]["dependsOn"].as_array().unwrap();
        assert_eq!(own.len(), packages.len() + npm.0.len(), "{own:?}");
        components.iter().map(|component| component["name"].as_str().unwrap().to_owned()).collect()
    }

    /// A bill lists what is linked into a file, with licences, and nothing that only builds it.
    #[test]
    fn a_bill_lists_what_is_in_a_file() {
        let lock: Value = serde_json::from_str(include_str!("../../openclaw/package-lock.json")).unwrap();
        let none = (&[][..], &Value::Null);
        for (packages, npm, inside) in [
            (&["portkey-provider"][..], none, &["portkey-provider", "serde_json", "dlmalloc", "wit-bindgen"][..]),
            (&["portkey-provider"], (JCO, &lock), &["portkey-provider", "@bytecodealliance/jco"]),
            (GATEWAY, none, &["portkey-provider", "front", "credentials", "subtle", "nostd-multipart"]),
        ] {
            let names = names(packages, npm);
            for inside in inside {
                assert!(names.iter().any(|name| name == inside), "{inside} is not in {names:?}");
            }
            for outside in ["serde_derive", "syn", "wit-bindgen-rust-macro", "wasmtime"] {
                assert!(!names.iter().any(|name| name == outside), "{outside} is in {names:?}");
            }
        }
    }
}
