//! Models of several targets, and models that explain themselves.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| assize_fuzz::ask(bytes));
