//! The interface against the one that was released last, of which `snapshot.wit` keeps the shape: how far the version
//! must rise for what has changed since. `wit/README.md`, "How it changes", has the rule in words.
//!
//! A host refuses a component whose interface differs from its own in any way, so a change within an interface breaks,
//! be it an addition. So does another import or export of the world `provider`. A whole interface, a world and an export
//! of another world can be added.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, helpers included"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use wit_component::WitPrinter;
use wit_parser::{PackageId, Resolve, WorldId, WorldItem};

/// The world that every provider has.
const REQUIRED: &str = "provider";

/// What the package holds, without comments.
#[derive(Debug)]
struct Shape {
    version: (u64, u64, u64),
    /// The text of each interface, with its types and functions in the order of their names.
    interfaces: BTreeMap<String, String>,
    /// The names of what each world imports, and of what it exports.
    worlds: BTreeMap<String, [BTreeSet<String>; 2]>,
}

impl Shape {
    fn of(resolve: &mut Resolve, package: PackageId) -> Self {
        let own = resolve.packages[package].clone();
        let print = |(name, id): (&String, &_)| {
            resolve.interfaces[*id].functions.sort_keys();
            resolve.interfaces[*id].types.sort_keys();
            let mut printer = WitPrinter::default();
            printer.emit_docs(false).print_interface(resolve, *id).unwrap();
            (name.clone(), printer.output.to_string())
        };
        let interfaces = own.interfaces.iter().map(print).collect();
        let version = own.name.version.as_ref().unwrap();
        Self {
            version: (version.major, version.minor, version.patch),
            interfaces,
            worlds: own.worlds.iter().map(|(name, id)| (name.clone(), world(resolve, *id))).collect(),
        }
    }

    fn parse(text: &str) -> Self {
        let mut resolve = Resolve::new();
        let package = resolve.push_str("snapshot.wit", text).unwrap();
        Self::of(&mut resolve, package)
    }
}

fn world(resolve: &Resolve, id: WorldId) -> [BTreeSet<String>; 2] {
    let world = &resolve.worlds[id];
    // It would make each name another whenever it rises. That of wasi is another number.
    let own_version = &*format!("@{}", resolve.packages[world.package.unwrap()].name.version.as_ref().unwrap());
    [&world.imports, &world.exports].map(|items| {
        let name = |(key, item)| {
            assert!(matches!(item, &WorldItem::Interface { .. }), "this test compares interfaces, and no {item:?}");
            resolve.name_world_key(key).trim_end_matches(own_version).to_owned()
        };
        items.iter().map(name).collect()
    })
}

/// What has changed: what breaks a component or a host of the older interface, and what does not.
#[derive(Debug, Default, PartialEq)]
struct Changes {
    breaking: Vec<String>,
    additions: Vec<String>,
}

impl Changes {
    fn between(old: &Shape, new: &Shape) -> Self {
        let mut changes = Self::default();
        for (name, text) in &old.interfaces {
            match new.interfaces.get(name) {
                None => changes.breaking.push(format!("interface {name} is gone")),
                Some(now) if now != text => {
                    changes.breaking.push(format!("interface {name} is another:{}", differences(text, now)));
                }
                Some(_) => {}
            }
        }
        for name in new.interfaces.keys().filter(|name| !old.interfaces.contains_key(*name)) {
            changes.additions.push(format!("interface {name} is new"));
        }
        for (name, [imports, exports]) in &old.worlds {
            let Some([imports_now, exports_now]) = new.worlds.get(name) else {
                changes.breaking.push(format!("world {name} is gone"));
                continue;
            };
            for (what, before, now) in [("imports", imports, imports_now), ("exports", exports, exports_now)] {
                changes.breaking.extend(before.difference(now).map(|of| format!("world {name} no longer {what} {of}")));
                let optional = what == "exports" && name != REQUIRED;
                let added = if optional { &mut changes.additions } else { &mut changes.breaking };
                added.extend(now.difference(before).map(|of| format!("world {name} {what} {of} too")));
            }
        }
        for name in new.worlds.keys().filter(|name| !old.worlds.contains_key(*name)) {
            changes.additions.push(format!("world {name} is new"));
        }
        changes
    }

    /// The version that the changed interface must have at least. Before 1.0 the second number is what the first is
    /// afterwards: cargo reads versions so too.
    fn least_version(&self, (major, minor, patch): (u64, u64, u64)) -> (u64, u64, u64) {
        match (major, self.breaking.is_empty(), self.additions.is_empty()) {
            (_, true, true) => (major, minor, patch),
            (0, true, false) => (0, minor, patch + 1),
            (0, false, _) => (0, minor + 1, 0),
            (_, true, false) => (major, minor + 1, 0),
            (_, false, _) => (major + 1, 0, 0),
        }
    }
}

/// The lines that only one of two texts has.
fn differences(old: &str, new: &str) -> String {
    let lines = |text: &str| text.lines().map(str::trim).map(str::to_owned).collect::<BTreeSet<_>>();
    let (old, new) = (lines(old), lines(new));
    let gone = old.difference(&new).map(|line| format!("\n    - {line}"));
    gone.chain(new.difference(&old).map(|line| format!("\n    + {line}"))).collect()
}

#[test]
fn the_version_rises_with_the_interface() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let snapshot = here.join("tests/snapshot.wit");
    let mut resolve = Resolve::new();
    let (package, _) = resolve.push_dir(here.with_file_name("wit")).unwrap();
    if std::env::var_os("UPDATE_WIT").is_some() {
        let others: Vec<_> = resolve.packages.iter().map(|(id, _)| id).filter(|id| *id != package).collect();
        let mut printer = WitPrinter::default();
        printer.emit_docs(false).print(&resolve, package, &others).unwrap();
        fs::write(&snapshot, printer.output.to_string()).unwrap();
    }
    let old = Shape::parse(&fs::read_to_string(&snapshot).unwrap());
    let new = Shape::of(&mut resolve, package);
    let changes = Changes::between(&old, &new);
    let least = changes.least_version(old.version);
    let risen = new.version >= least;
    let [was, is, least] =
        [old.version, new.version, least].map(|(major, minor, patch)| format!("{major}.{minor}.{patch}"));
    assert!(
        risen,
        "wit/ has changed since {was}, and its version is {is}: raise it to {least} in Cargo.toml, wit/ and where \
         tests/all/versions.rs says. Once that is released, or if {was} has not been, keep the new shape: \
         `UPDATE_WIT=1 cargo test -p xtask --test wit`.\n{changes:#?}"
    );
}

/// A crate's package holds what is in the crate's folder alone.
#[test]
fn the_copy_of_the_host_is_the_same() {
    fn texts(folder: &Path, name: &str, all: &mut BTreeMap<String, String>) {
        for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap()) {
            let name = format!("{name}/{}", entry.file_name().display());
            if name.ends_with(".wit") {
                all.insert(name, fs::read_to_string(entry.path()).unwrap());
            } else if name.starts_with("/deps") {
                texts(&entry.path(), &name, all);
            }
        }
    }
    let [own, copy] = ["wit", "host-harness/wit"].map(|folder| {
        let mut all = BTreeMap::new();
        texts(&Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name(folder), "", &mut all);
        all
    });
    assert!(own.len() > 10, "{:?}", own.keys());
    assert!(own == copy, "make host-harness/wit the same as wit: cp -r wit/*.wit wit/deps host-harness/wit");
}

#[test]
fn each_kind_of_change_has_its_version() {
    let old = "package a:b@0.2.3;
        interface one { record r { x: u8 } enum e { y, z } f: func(a: r) -> e; g: func(); }
        world provider { export one; }
        world full { include provider; }";
    let now = |from: &str, to: &str| {
        assert!(old.contains(from), "{from}");
        Changes::between(&Shape::parse(old), &Shape::parse(&old.replace(from, to)))
    };
    for (from, to) in [
        ("g: func();", ""),
        ("g: func();", "g: func(); h: func();"),
        ("g: func();", "g: func() -> u8;"),
        ("x: u8", "x: u16"),
        ("x: u8", "x: u8, w: option<u8>"),
        ("y, z", "y, z, w"),
        ("y, z", "z, y"),
        ("a: r", "b: r"),
        ("{ export one; }", "{ export one; import two: interface { i: func(); } }"),
        ("{ export one; }", "{ }"),
    ] {
        let changes = now(from, to);
        assert!(!changes.breaking.is_empty(), "{from} to {to}");
        assert_eq!(changes.least_version((0, 2, 3)), (0, 3, 0), "{changes:?}");
        assert_eq!(changes.least_version((1, 2, 3)), (2, 0, 0), "{changes:?}");
    }
    let two = "interface two { i: func(); } world full { export two; ";
    for (from, to) in [("interface one", "interface two { i: func(); } interface one"), ("world full {", two)] {
        let changes = now(from, to);
        assert!(changes.breaking.is_empty() && !changes.additions.is_empty(), "{changes:?}");
        assert_eq!(changes.least_version((0, 2, 3)), (0, 2, 4));
        assert_eq!(changes.least_version((1, 2, 3)), (1, 3, 0));
    }
    // In the world that every provider has, it is no addition.
    assert!(!now("world provider {", "interface two { i: func(); } world provider { export two; ").breaking.is_empty());
    for (from, to) in
        [("g: func();", "/// More.\n g: func();"), ("f: func(a: r) -> e; g: func();", "g: func(); f: func(a: r) -> e;")]
    {
        assert_eq!(now(from, to), Changes::default(), "{to}");
    }
    // The package's own version is in no name that is compared.
    assert_eq!(now("0.2.3", "0.9.0"), Changes::default());
}
