//! What comes through the pipe between the server and the process that holds a model, in both directions.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| assize_models::sandbox::read_any(bytes));
