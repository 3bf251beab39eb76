//! Hashes of bytes and numbers: fixed for ever, for samples and estimates are functions of them.

/// Spreads a number over 64 bits (the finaliser of SplitMix64).
pub(crate) fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// Hash of a text: eight bytes at a time by multiply-and-fold, as wyhash does.
pub(super) fn hash(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let mut state = 0xa076_1d64_78bd_642f ^ bytes.len() as u64;
    for word in words {
        state = fold(state ^ u64::from_le_bytes(*word));
    }
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    mix(fold(state ^ u64::from_le_bytes(last)))
}

fn fold(value: u64) -> u64 {
    let product = u128::from(value) * 0xe703_7ed1_a0b4_28db;
    // Adding the value keeps a zero product from losing what came before.
    ((product >> 64) as u64 ^ product as u64).wrapping_add(value.rotate_left(23))
}
