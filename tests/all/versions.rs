//! The one version, wherever it stands.

use host_harness::WIT_VERSION;

use crate::support::root;

#[test]
fn the_wit_the_packages_and_the_constant_say_the_same_version() {
    assert_eq!(env!("CARGO_PKG_VERSION"), WIT_VERSION);
    for file in ["types", "onboarding", "models", "chat", "images", "world"] {
        let text = std::fs::read_to_string(root().join(format!("wit/{file}.wit"))).unwrap();
        assert!(text.starts_with(&format!("package openclaw:provider@{WIT_VERSION};\n")), "wit/{file}.wit");
    }
    for file in ["openclaw.plugin.json", "openclaw/package.json"] {
        let json = crate::support::json_file(file);
        assert_eq!(json["version"], WIT_VERSION, "{file}");
    }
}

/// The vendored wasi text is one version throughout: a mixture links nowhere.
#[test]
fn the_vendored_wasi_is_one_version() {
    for package in ["http", "io", "clocks"] {
        for entry in std::fs::read_dir(root().join("wit/deps").join(package)).unwrap() {
            let path = entry.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            for (at, _) in text.match_indices('@').filter(|(at, _)| text[at + 1..].starts_with(char::is_numeric)) {
                assert!(text[at..].starts_with("@0.2.6"), "{}: {}", path.display(), &text[at..at + 8]);
            }
        }
    }
}
