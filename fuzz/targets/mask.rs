#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| fuzz::cost::bounded(properties::host::mask, input));
