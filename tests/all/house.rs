//! The house stands as `docs/architecture.md` draws it: what a crate must not know it does not build, the library's folders know
//! those below them alone, and nothing includes another's source.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use regex_lite::Regex;

use crate::support::root;

/// The crates that `package` is built from, each version once, as `cargo tree` tells them.
fn crates(package: &str) -> BTreeSet<String> {
    let arguments =
        ["tree", "--offline", "--package", package, "--edges", "normal", "--prefix", "none", "--no-default-features"];
    let output = Command::new(env!("CARGO")).args(arguments).current_dir(root()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).unwrap();
    lines.lines().map(|line| line.trim_end_matches(" (*)").to_owned()).filter(|line| !line.is_empty()).collect()
}

#[test]
fn no_crate_is_built_from_what_it_must_not_know() {
    let io = ["wasmtime", "hyper", "hyper-util", "tokio", "rustls"];
    let program = ["clap", "rustyline", "indicatif", "keyring-core", "dbus", "axum"];
    let ours = ["host-harness-cli", "host-harness-check", "host-harness-stub", "portkey-provider"];
    // A name that nothing has would be missed by nobody.
    let lock = fs::read_to_string(root().join("Cargo.lock")).unwrap();
    for name in io.iter().chain(&program) {
        assert!(lock.contains(&format!("name = \"{name}\"\n")), "{name}");
    }
    for (package, unknown) in [
        ("host-harness-boundary", [&io[..], &program, &ours, &["host-harness"]].concat()),
        ("host-harness", [&program[..], &ours].concat()),
        ("host-harness-stub", [&["wasmtime", "host-harness"][..], &ours[..2], &ours[3..]].concat()),
        ("host-harness-check", vec!["clap", "host-harness-cli", "portkey-provider"]),
        ("host-harness-rig", [&program[..], &ours].concat()),
        ("host-harness-cli", vec!["portkey-provider", "rig-core"]),
        ("portkey-provider", [&io[..], &["host-harness", "host-harness-boundary"]].concat()),
    ] {
        for line in crates(package) {
            let name = line.split_whitespace().next().unwrap_or_default();
            assert!(name == package || !unknown.contains(&name), "{package} is built from {name}");
        }
    }
}

#[test]
fn the_readme_says_how_many_crates_an_embedder_compiles() {
    let count = crates("host-harness").len();
    assert!(count < 190, "{count}");
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    assert!(readme.contains(&format!("{count} crates")), "README.md says another number than {count}");
}

/// All files below a folder whose names end so, but for what is built or installed there.
pub fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        let name = entry.file_name().unwrap_or_default();
        if entry.is_dir() && !["target", "node_modules", ".git"].iter().any(|built| name == *built) {
            found.extend(files(&entry, extension));
        } else if entry.extension().is_some_and(|of| of == extension) {
            found.push(entry);
        }
    }
    found
}

#[test]
fn a_folder_of_the_library_knows_those_below_it_alone() {
    let layers = ["calls", "component", "network", "configuration"];
    let library = root().join("host-harness/src");
    let (list, path) = (
        Regex::new(r"use crate::\{((?s).*?)\};").unwrap(),
        Regex::new(r"\b(?:crate|super::super)::([a-z_]+)").unwrap(),
    );
    let item = Regex::new(r"(?:^|[,{\s])([a-z_]+)(?:::|,|\s*$)").unwrap();
    for (at, layer) in layers.iter().enumerate() {
        let mut seen = 0;
        for file in files(&library.join(layer), "rs") {
            let text = fs::read_to_string(&file).unwrap();
            let lists = list.captures_iter(&text).flat_map(|list| {
                item.captures_iter(list.get(1).unwrap().as_str()).map(|item| item[1].to_owned()).collect::<Vec<_>>()
            });
            let known: BTreeSet<_> = lists.chain(path.captures_iter(&text).map(|path| path[1].to_owned())).collect();
            seen += known.len();
            for above in &layers[..at] {
                assert!(!known.contains(*above), "{} knows {above}", file.display());
            }
        }
        assert!(seen > 0, "{layer}");
    }
}

/// The modules of a crate: each with its text, without comments and tests.
fn modules(source: &Path) -> BTreeMap<String, String> {
    let modules =
        files(source, "rs").into_iter().filter(|file| !file.ends_with("tests.rs") && !file.ends_with("lib.rs"));
    let module = |file: PathBuf| {
        let text = fs::read_to_string(&file).unwrap();
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        let code = code.lines().map(|line| line.split("//").next().unwrap()).collect::<Vec<_>>().join(" ");
        let path = file.strip_prefix(source).unwrap().with_extension("");
        let path = path.iter().map(|name| name.to_str().unwrap()).collect::<Vec<_>>().join("::");
        (path.trim_end_matches("::mod").to_owned(), code)
    };
    modules.map(module).collect()
}

/// The modules of a crate that one of them names: in `use`, by a path, or as its own part.
fn named(module: &str, code: &str, all: &BTreeMap<String, String>) -> BTreeSet<String> {
    let (list, used) = (Regex::new(r"([\w:]*)\{([^{}]*)\}").unwrap(), Regex::new(r"\buse ([^;]*);").unwrap());
    let path = Regex::new(r"\b(crate|super)((?:::\w+)+)|\bmod (\w+);").unwrap();
    let mut text = path.find_iter(code).map(|path| path.as_str().to_owned()).collect::<Vec<_>>().join(" ");
    for used in used.captures_iter(code) {
        let mut paths = used[1].to_owned();
        while let Some(found) = list.captures(&paths) {
            let each = found[2].split(',').map(|item| format!("{}{}", &found[1], item.trim())).collect::<Vec<_>>();
            paths = paths.replacen(&found[0], &each.join(", "), 1);
        }
        text += &format!(" {paths}");
    }
    let full = |path: regex_lite::Captures<'_>| match path.get(3) {
        Some(part) => format!("{module}::{}", part.as_str()),
        None if &path[1] == "crate" => path[2].trim_start_matches(':').to_owned(),
        None => {
            let above = module.rsplit_once("::").map_or("", |(above, _)| above);
            format!("{above}{}", &path[2]).trim_start_matches(':').to_owned()
        }
    };
    let owner = |full: String| {
        let is_it = |known: &&String| full == **known || full.starts_with(&format!("{known}::"));
        all.keys().filter(is_it).max_by_key(|known| known.len()).cloned()
    };
    path.captures_iter(&text).map(full).filter_map(owner).filter(|named| named != module).collect()
}

#[test]
fn no_two_files_of_the_plugin_know_each_other() {
    let all = modules(&root().join("plugin/src"));
    let mut left: BTreeMap<_, _> = all.iter().map(|(module, code)| (module, named(module, code, &all))).collect();
    assert!(left[&"wire".to_owned()].contains("wire::root") && left[&"request".to_owned()].contains("prompt"));
    let above = named("text", "use super::stream::X;", &all);
    assert!(above.contains("stream"), "{above:?}");
    while let Some(lowest) = left.iter().find(|(_, named)| named.is_empty()).map(|(module, _)| (*module).clone()) {
        left.remove(&lowest);
        left.values_mut().for_each(|named| _ = named.remove(&lowest));
    }
    assert!(left.is_empty(), "in a circle, or above one: {left:#?}");
}

#[test]
fn nothing_but_a_bench_includes_the_source_of_another() {
    let includes =
        |file: &PathBuf| fs::read_to_string(file).unwrap().lines().any(|line| line.trim_start().starts_with("#[path"));
    let found: Vec<_> = files(&root(), "rs").into_iter().filter(includes).collect();
    assert!(found.len() <= 2, "{found:?}");
}
