//! The built file itself: what it imports, what it is, what validation says of it and of what is none.

use host_harness::{Engine, Limits, Plugin};

use crate::support::{Cli, component, json_file, root, validated};

/// No environment, files, sockets, randomness, stdio, and of the clocks at most a type.
#[tokio::test]
async fn the_component_imports_http_and_io_alone() {
    let found = validated(&std::fs::read(component()).unwrap(), Some(&json_file("openclaw.plugin.json"))).await;
    assert_eq!(found.findings, Vec::<String>::new());
    assert_eq!(found.id.as_deref(), Some("portkey"));
    for import in &found.imports {
        let allowed = ["wasi:http/", "wasi:io/", "wasi:clocks/monotonic-clock@", "openclaw:provider/types@"];
        assert!(allowed.iter().any(|prefix| import.starts_with(prefix)), "{import}");
    }
}

#[tokio::test]
async fn what_is_no_component_is_named_as_such() {
    let engine = Engine::new(Limits::default()).unwrap();
    for (bytes, expected) in [
        (&b""[..], "not a WebAssembly file"),
        (b"#!/bin/sh\n", "not a WebAssembly file"),
        (b"\0asm\x01\0\0\0", "a core WebAssembly module"),
        (b"\0asm\x0d\0\x01\0", "does not export openclaw:provider/chat@0.2.0"),
        (b"\0asm\x0d\0\x01\0\xff", "does not compile"),
    ] {
        let found = validated(bytes, None).await;
        assert!(found.findings.iter().any(|finding| finding.contains(expected)), "{expected}: {found:?}");
        // A host that loads it is told the same, and not what wasmtime's parser thinks of the first byte.
        let refused = Plugin::from_bytes(&engine, bytes).await.unwrap_err();
        assert!(refused.to_string().contains(expected), "{expected}: {refused}");
        assert!(refused.record().hint.is_some(), "{expected}: {refused:?}");
    }
    let whole = std::fs::read(component()).unwrap();
    let found = validated(&whole[..whole.len() / 2], None).await;
    assert!(!found.findings.is_empty(), "half a component");
}

#[test]
fn validate_reports_and_exits_for_ci() {
    let cli = Cli::new();
    let (manifest, built) = (root().join("openclaw.plugin.json"), component().to_str().unwrap());
    let good = cli.run(&["validate", "--json", "--manifest", manifest.to_str().unwrap(), built]).ok();
    assert_eq!(good.json()["valid"], true);

    cli.write("core.wasm", b"\0asm\x01\0\0\0");
    let bad = cli.run(&["validate", "core.wasm"]);
    assert_eq!(bad.code, 1, "{bad:?}");
    assert!(bad.out.starts_with("core.wasm: it is a core WebAssembly module"), "{bad:?}");

    cli.run(&["validate", "missing.wasm"]).failed(2, "missing.wasm");
}

/// The suite that authors of other providers run passes on our own component, every point of it.
#[test]
fn check_passes_on_the_component() {
    // On a busy machine a call may take longer than the ten seconds that it has by itself.
    let ran = Cli::new().run(&["check", component().to_str().unwrap(), "--timeout", "60"]).ok();
    assert!(ran.out.starts_with("TAP version 14\n"), "{ran:?}");
    assert!(!ran.out.contains("\nnot ok"), "{ran:?}");
    assert!(!ran.out.contains("exports no"), "{ran:?}");
    for point in ["A2", "A5", "A9", "M3", "O1", "O4", "O10", "O14", "I2", "I5", "I6", "I8", "E1", "E5", "V1", "V7"] {
        assert!(ran.out.contains(&format!("{point} ")), "{point} is not in {}", ran.out);
    }
}
