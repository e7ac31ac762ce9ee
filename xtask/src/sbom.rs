//! Bills of materials, in CycloneDX: which crates a built file is made of.
//!
//! The list is `cargo tree`'s: what one package is linked of for one target, and neither what builds it (macros, build
//! scripts) nor what other packages of the workspace ask for.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context;
use serde_json::{Value, json};

use crate::workspace::{cargo, output};

/// The crates that a package is linked of, itself included, by their references in the bill.
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
    /// The package that it is built of, and the target it is built for.
    pub(crate) package: &'a str,
    pub(crate) target: &'a str,
}

/// The bill of one file.
pub(crate) fn bill(file: &File<'_>) -> anyhow::Result<Value> {
    let mut arguments = vec!["tree", "--package", file.package, "--target", file.target];
    arguments.extend(["--edges", "normal,no-proc-macro", "--prefix", "depth", "--format", "|{p}|{l}|{r}|"]);
    let (root, crates) = parse(&output(cargo().args(arguments))?)?;
    let of = &crates[&root];
    let components: Vec<Value> = crates.iter().map(|(reference, of)| component(reference, of)).collect();
    let mut dependencies = vec![json!({"ref": file.name, "dependsOn": [root]})];
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
                "version": of.version,
                "licenses": [{"expression": of.license}],
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

/// The first crate's reference, and all crates, of lines such as `2|memchr v2.8.3|Unlicense/MIT|https://...| (*)`: the
/// number is the crate's depth below the first, and the star says that what it needs was listed before.
fn parse(tree: &str) -> anyhow::Result<(String, Crates)> {
    let mut crates = Crates::new();
    let mut path: Vec<String> = Vec::new();
    for line in tree.lines() {
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
    Ok((path.into_iter().next().context("`cargo tree` says nothing")?, crates))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_is_read_with_its_edges() {
        let tree = "0|own v0.1.0 (/home/user/own)|Apache-2.0||\n\
                    1|first v1.0.0|MIT/Apache-2.0|https://example.com/first|\n\
                    2|shared v2.0.0|Zlib|https://example.com/shared|\n\
                    1|second v1.0.0|MIT|https://example.com/second|\n\
                    2|shared v2.0.0|Zlib|https://example.com/shared| (*)";
        let (root, crates) = parse(tree).unwrap();
        assert_eq!(root, "pkg:cargo/own@0.1.0");
        let needs = |name: &str| crates[name].needs.iter().map(String::as_str).collect::<Vec<_>>();
        assert_eq!(needs(&root), ["pkg:cargo/first@1.0.0", "pkg:cargo/second@1.0.0"]);
        assert_eq!(needs("pkg:cargo/first@1.0.0"), ["pkg:cargo/shared@2.0.0"]);
        assert_eq!(needs("pkg:cargo/second@1.0.0"), ["pkg:cargo/shared@2.0.0"]);
        assert_eq!(crates["pkg:cargo/first@1.0.0"].license, "MIT OR Apache-2.0");
        assert_eq!(crates.len(), 4);
    }

    /// The component's bill lists what is linked into it, with licences, and nothing that only builds it.
    #[test]
    fn the_components_bill_lists_what_is_in_it() {
        let sha256 = "00".repeat(32);
        let file =
            File { name: "x.wasm", kind: "library", sha256, package: "portkey-provider", target: "wasm32-wasip2" };
        let bill = bill(&file).unwrap();
        let components = bill["components"].as_array().unwrap();
        let names: Vec<&str> = components.iter().map(|component| component["name"].as_str().unwrap()).collect();
        for inside in ["portkey-provider", "serde_json", "dlmalloc", "wit-bindgen"] {
            assert!(names.contains(&inside), "{inside} is not in {names:?}");
        }
        for outside in ["serde_derive", "syn", "wit-bindgen-rust-macro", "wasmtime"] {
            assert!(!names.contains(&outside), "{outside} is in {names:?}");
        }
        for component in components {
            let license = component["licenses"][0]["expression"].as_str().unwrap();
            assert!(!license.is_empty(), "{component}");
        }
        assert!(!bill.to_string().contains(env!("CARGO_MANIFEST_DIR").trim_end_matches("/xtask")), "{bill}");
    }
}
