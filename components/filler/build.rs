//! Linker arguments of the component, as for `plugin/build.rs`, where each is explained.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_FAMILY").as_deref() == Ok("wasm") {
        for argument in ["-lc", "--export=cabi_realloc", "-zstack-size=65536"] {
            println!("cargo:rustc-link-arg-cdylib={argument}");
        }
    }
}
