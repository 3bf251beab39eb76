//! Which rows a tree sees, and how often: draws with replacement.
//!
//! Weighted rows are drawn in proportion to their weights, so a tree handles nothing but small counts and a weight of
//! any size or fraction is exact in expectation. Draws come from a stream of random numbers that belongs to the seed
//! and the tree alone.

use rand_core::Rng;
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::predictor::Error;
use crate::random::{below, scale};

/// Draws row positions of a training set.
#[derive(Debug)]
pub(super) struct Sampler {
    rows: usize,
    draws: usize,
    /// `None` when all rows are alike.
    alias: Option<Vec<AliasEntry>>,
}

/// One column of Walker's alias table (Vose 1991): itself when the fraction is below `keep`, else `other`.
#[derive(Debug, Clone, Copy)]
struct AliasEntry {
    keep: u64,
    other: u32,
}

impl Sampler {
    /// Draws `draws` of `rows` rows; `weights`, when given, holds one weight a row.
    pub(super) fn new(rows: usize, draws: usize, weights: Option<&[f64]>) -> Result<Self, Error> {
        let alias = match weights {
            Some(weights) if weights.windows(2).any(|pair| pair[0] != pair[1]) => Some(alias_table(weights)?),
            Some([first, ..]) if !usable(*first) || *first == 0.0 => return Err(unusable_weights()),
            _ => None,
        };
        Ok(Self { rows, draws, alias })
    }

    /// Adds up in `counts` how often each row is drawn.
    pub(super) fn draw(&self, random: &mut Xoshiro256PlusPlus, counts: &mut [u32]) {
        counts.fill(0);
        match &self.alias {
            None => {
                for _ in 0..self.draws {
                    counts[below(random, self.rows)] += 1;
                }
            }
            Some(table) => {
                for _ in 0..self.draws {
                    let (row, fraction) = scale(random.next_u64(), self.rows);
                    let entry = table[row];
                    counts[if fraction < entry.keep { row } else { entry.other as usize }] += 1;
                }
            }
        }
    }
}

fn usable(weight: f64) -> bool {
    weight.is_finite() && weight >= 0.0
}

fn unusable_weights() -> Error {
    Error::Untrainable("weights must be finite, not negative, and not all zero".to_owned())
}

fn alias_table(weights: &[f64]) -> Result<Vec<AliasEntry>, Error> {
    let largest = weights.iter().copied().fold(0.0, f64::max);
    if !weights.iter().all(|weight| usable(*weight)) || largest == 0.0 {
        return Err(unusable_weights());
    }
    // Relative to the largest, so that the sum cannot overflow.
    let total: f64 = weights.iter().map(|weight| weight / largest).sum();
    let scale = weights.len() as f64 / total;
    let mut shares: Vec<f64> = weights.iter().map(|weight| weight / largest * scale).collect();
    let (mut small, mut large) = (Vec::new(), Vec::new());
    for (row, share) in shares.iter().enumerate() {
        if *share < 1.0 { small.push(row) } else { large.push(row) }
    }
    let mut table = vec![AliasEntry { keep: u64::MAX, other: 0 }; weights.len()];
    for (row, entry) in table.iter_mut().enumerate() {
        entry.other = u32::try_from(row).expect("training rows are counted in u32");
    }
    while let (Some(low), Some(&high)) = (small.pop(), large.last()) {
        table[low].keep = (shares[low] * 18_446_744_073_709_551_616.0) as u64;
        table[low].other = u32::try_from(high).expect("training rows are counted in u32");
        shares[high] -= 1.0 - shares[low];
        if shares[high] < 1.0 {
            large.pop();
            small.push(high);
        }
    }
    Ok(table)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::stream;

    #[test]
    fn weighted_draws_follow_the_weights() {
        let weights = [0.0, 1.0, 2.0, 0.5, 6.5];
        let sampler = Sampler::new(5, 1_000_000, Some(&weights)).unwrap();
        let mut counts = [0; 5];
        sampler.draw(&mut stream(7, 0), &mut counts);
        assert_eq!(counts[0], 0);
        for (count, weight) in counts.iter().zip(weights) {
            assert!((f64::from(*count) - weight * 100_000.0).abs() < 2_000.0, "{counts:?}");
        }
    }

    #[test]
    fn unusable_weights_are_refused() {
        for weights in [[0.0, 0.0], [f64::NAN, 1.0], [1.0, -1.0], [f64::INFINITY, 1.0], [f64::NAN, f64::NAN]] {
            assert!(Sampler::new(2, 2, Some(&weights)).is_err(), "{weights:?}");
        }
    }
}
