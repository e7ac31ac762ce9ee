//! The inputs that the repository holds, for the tests that need no fuzzer.

use std::{fs, path::Path};

/// Puts each input that the repository holds for a target through its property.
pub fn replay(target: &str, property: fn(&[u8])) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    let inputs: Vec<_> = fs::read_dir(corpus).expect("a corpus").map(|entry| entry.expect("an input").path()).collect();
    assert!(!inputs.is_empty());
    for input in inputs {
        // Shown where the property fails.
        println!("{}", input.display());
        property(&fs::read(input).expect("an input"));
    }
}
