//! A linker argument, as for `plugin/build.rs`.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_FAMILY").as_deref() == Ok("wasm") {
        // In bytes, as the plugin's own is: a host in JavaScript has no other limit.
        println!("cargo:rustc-link-arg-cdylib=--max-memory=67108864");
    }
}
