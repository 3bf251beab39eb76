//! Rows as `.npy` and `.npz`.

#![no_main]

use assize_models::Limits;
use assize_models::arrays::read_arrays;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let limits = Limits { unpacked_bytes_max: 16 << 20, unpacked_bytes_free: 4 << 20, ..Limits::default() };
    for array in read_arrays(bytes, &limits).unwrap_or_default() {
        let _ = array.into_table(None);
    }
});
