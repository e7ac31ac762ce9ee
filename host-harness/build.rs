//! Generates `src/wit.rs`'s types and calls from the WIT, with the generator of wasmtime's `bindgen!`, for one reason: its
//! debug prints name a record's fields as the WIT does, `tool-choice`, and ours as Rust does.
//!
//! The generator says that it is internal to wasmtime. It has wasmtime's own version, so Cargo.lock moves both at once.

use std::{env, fs, path::Path};

use anyhow::{Context, Result};
use wasmtime_internal_wit_bindgen::{FunctionConfig, FunctionFilter, FunctionFlags, Opts};
use wit_parser::Resolve;

/// Only the exports: the imports, `wasi:http` and `wasi:io`, have their own implementations.
const EXPORTS: &str = "
    package host:harness;
    world interfaces {
        export openclaw:provider/onboarding@0.2.0;
        export openclaw:provider/models@0.2.0;
        export openclaw:provider/chat@0.2.0;
        export openclaw:provider/images@0.2.0;
        export openclaw:provider/embeddings@0.2.0;
        export openclaw:provider/audio@0.2.0;
        export openclaw:provider/prices@0.2.0;
    }
";

fn main() -> Result<()> {
    println!("cargo::rerun-if-changed=wit");
    let mut resolve = Resolve::default();
    resolve.push_path("wit")?;
    let package = resolve.push_str("build.rs", EXPORTS)?;
    let world = resolve.select_world(&[package], None)?;
    let mut exports = FunctionConfig::new();
    exports.push(FunctionFilter::Default, FunctionFlags::ASYNC);
    let generator = Opts {
        only_interfaces: true,
        with: [("openclaw:provider/types@0.2.0".to_owned(), "crate::types".to_owned())].into(),
        additional_derive_attributes: vec!["PartialEq".to_owned()],
        exports,
        ..Opts::default()
    };
    let generated = generator.generate(&mut resolve, world)?;
    let out = env::var_os("OUT_DIR").context("cargo sets it")?;
    fs::write(Path::new(&out).join("wit.rs"), in_rusts_spelling(&generated))?;
    Ok(())
}

/// `.field("tool-choice", ..)` with an underscore, and `debug_tuple("Part::Text")` without the type, as a derived `Debug`
/// has them.
fn in_rusts_spelling(generated: &str) -> String {
    let mut written = String::with_capacity(generated.len());
    let mut pieces = generated.split('"');
    written.extend(pieces.next());
    for piece in pieces {
        let name = if written.ends_with(".field(") {
            piece.replace('-', "_")
        } else if written.ends_with("f.debug_tuple(") {
            piece.rsplit(':').next().unwrap_or(piece).to_owned()
        } else {
            piece.to_owned()
        };
        written.push('"');
        written.push_str(&name);
    }
    written
}
