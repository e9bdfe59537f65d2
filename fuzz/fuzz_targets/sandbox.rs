//! The target `sandbox`: its body and its promise are in `hotpair_fuzz`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| hotpair_fuzz::run("sandbox", bytes));
