//! The binary form of CatBoost.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| assize_fuzz::ask(bytes));
