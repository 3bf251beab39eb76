//! Files of joblib, which hold arrays between the opcodes.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| assize_fuzz::ask(bytes));
