//! Linker arguments of the component. Native builds (tests, fuzzing) need none.

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
        // References to functions and data take as many bytes as they need, not five.
        "--compress-relocations",
        // The shadow stack. An overflow traps: the stack lies first. Nothing in here recurses with the depth of what it
        // reads; half of this held every test.
        "-zstack-size=65536",
        // Room for the heap of all but large calls, which then need not grow it: see src/runtime.rs.
        "--initial-memory=524288",
        // As much as a call may use in our own host: OpenClaw's side has no other way to limit it.
        "--max-memory=536870912",
    ] {
        println!("cargo:rustc-link-arg={argument}");
    }
}
