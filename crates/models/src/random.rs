//! Random numbers that belong to a seed and a stream (a tree, a repetition, an explained row) and to nothing else.

use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// The random numbers of one stream of a seed.
pub(crate) fn stream(seed: u64, index: u64) -> Xoshiro256PlusPlus {
    Xoshiro256PlusPlus::seed_from_u64(scramble(scramble(seed) ^ index))
}

/// A number below `bound`, which must not be 0. The bias is below `bound / 2^64`.
pub(crate) fn below(random: &mut Xoshiro256PlusPlus, bound: usize) -> usize {
    scale(random.next_u64(), bound).0
}

/// `number / 2^64 * bound` as whole part and fraction (of 2^64).
pub(crate) fn scale(number: u64, bound: usize) -> (usize, u64) {
    let product = u128::from(number) * bound as u128;
    ((product >> 64) as usize, product as u64)
}

/// Puts items into a random order (Fisher and Yates).
pub(crate) fn shuffle<T>(random: &mut Xoshiro256PlusPlus, items: &mut [T]) {
    for at in (1..items.len()).rev() {
        items.swap(at, below(random, at + 1));
    }
}

/// The finaliser of SplitMix64 (Steele et al. 2014): neighbouring inputs give unrelated outputs.
fn scramble(value: u64) -> u64 {
    let value = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_of_neighbours_differ() {
        let first = |seed, index| stream(seed, index).next_u64();
        assert_ne!(first(0, 0), first(0, 1));
        assert_ne!(first(0, 1), first(1, 0));
        assert_eq!(first(3, 4), first(3, 4));
    }

    #[test]
    fn shuffled_items_are_the_same_items() {
        let mut items: Vec<u32> = (0..100).collect();
        shuffle(&mut stream(1, 2), &mut items);
        assert!(!items.is_sorted());
        items.sort_unstable();
        assert!(items.into_iter().eq(0..100));
    }
}
