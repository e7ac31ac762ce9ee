//! Linker arguments of a component without std. `plugin/build.rs` explains each.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_FAMILY").as_deref() == Ok("wasm") {
        for argument in ["-lc", "--export=cabi_realloc", "--compress-relocations", "-zstack-size=131072"] {
            println!("cargo:rustc-link-arg={argument}");
        }
    }
}
