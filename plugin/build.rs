//! Linker arguments of the component. Native builds (tests, fuzzing, benches) need none.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_FAMILY").as_deref() != Ok("wasm") {
        return;
    }
    for argument in [
        // memcpy and its kin: without std nobody else asks for the C library.
        "-lc",
        // wit-bindgen leaves this symbol to wasi-libc on wasip2; ours is in src/runtime.rs.
        "--export=cabi_realloc",
        // The shadow stack. 8 KiB survive JSON nested 100,000 deep in every document, body and answer (nothing here
        // recurses over JSON but the check of a config's targets, 32 levels at most); 32 KiB leave room, and with
        // the data still fit in the one page that an instance starts with. An overflow traps: the stack lies first.
        "-zstack-size=32768",
    ] {
        println!("cargo:rustc-link-arg-cdylib={argument}");
    }
}
