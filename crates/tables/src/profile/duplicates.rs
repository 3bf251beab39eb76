//! How many rows repeat another: counts of row hashes, of all rows while they fit, else of a share of hash space.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// Different rows held.
const ROWS_MAX: usize = 1 << 20;

/// Hashes of rows with their counts. At `level` L only hashes with L leading zero bits are held: each different row
/// is in or out with all its copies, so the share of repeats among those held estimates that of the file.
#[derive(Debug, Clone, Default)]
pub(super) struct RowHashes {
    level: u32,
    counts: HashMap<u64, u64, BuildHasherDefault<Ready>>,
    most: usize,
}

/// A hasher of what is a hash already.
#[derive(Debug, Clone, Copy, Default)]
struct Ready(u64);

impl Hasher for Ready {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, _: &[u8]) {
        unreachable!("only 64-bit hashes are keys");
    }
    fn write_u64(&mut self, hash: u64) {
        self.0 = hash.rotate_left(32);
    }
}

impl RowHashes {
    pub(super) fn new() -> Self {
        Self { most: ROWS_MAX, ..Self::default() }
    }

    #[inline]
    pub(super) fn add(&mut self, hash: u64) {
        if hash.leading_zeros() >= self.level {
            *self.counts.entry(hash).or_insert(0) += 1;
            self.shrink();
        }
    }

    fn shrink(&mut self) {
        while self.counts.len() > self.most {
            self.level += 1;
            let level = self.level;
            self.counts.retain(|hash, _| hash.leading_zeros() >= level);
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.level = self.level.max(other.level);
        let level = self.level;
        self.counts.retain(|hash, _| hash.leading_zeros() >= level);
        // Sums do not depend on the order of the map.
        for (&hash, &count) in other.counts.iter().filter(|(hash, _)| hash.leading_zeros() >= level) {
            *self.counts.entry(hash).or_insert(0) += count;
        }
        self.shrink();
    }

    /// Repeats among `rows` rows.
    pub(super) fn finish(self, rows: u64) -> super::Duplicates {
        let held: u64 = self.counts.values().sum();
        let repeats = held - self.counts.len() as u64;
        let estimate = (u128::from(repeats) << self.level).min(u128::from(rows)) as u64;
        super::Duplicates { rows: estimate, exact: self.level == 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::mix;

    #[test]
    fn repeats_are_counted_and_beyond_the_bound_estimated_alike_on_any_split() {
        let count = |parts: u64, most: usize| {
            let new = || RowHashes { most, ..RowHashes::default() };
            let mut total = new();
            for part in 0..parts {
                let mut one = new();
                // 10,000 different rows, every tenth of them twice.
                (part..11_000)
                    .step_by(parts as usize)
                    .for_each(|row| one.add(mix(if row < 10_000 { row } else { (row - 10_000) * 10 })));
                total.merge(&one);
            }
            total.finish(11_000)
        };
        assert_eq!(count(1, 1 << 20), super::super::Duplicates { rows: 1000, exact: true });
        let estimate = count(1, 2000);
        assert!(!estimate.exact && (800..1200).contains(&estimate.rows), "{estimate:?}");
        assert_eq!(count(7, 2000), estimate);
    }
}
