//! Linker arguments of the component. Native builds (tests, fuzzing) need none.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_FAMILY").as_deref() != Ok("wasm") {
        return;
    }
    for argument in [
        // References to functions and data take as many bytes as they need, not five.
        "--compress-relocations",
        // The shadow stack. An overflow traps: the stack lies first. Nothing in here recurses with the depth of what it
        // reads; half of this held every test.
        "-zstack-size=65536",
        // Room for the heap of all but large calls, which then need not grow it: see wit/guest/runtime.
        "--initial-memory=524288",
        // As much as a call may use in our own host: OpenClaw's side has no other way to limit it.
        "--max-memory=536870912",
    ] {
        println!("cargo:rustc-link-arg={argument}");
    }
}
