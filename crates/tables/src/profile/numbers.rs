//! Sums and quantiles of a numeric column.

/// Count, mean and spread. A block's numbers are summed as distances from its first one, which keeps the variance of
/// numbers far from zero; blocks are joined by the formula of Chan, Golub and LeVeque (1979).
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Moments {
    count: u64,
    /// Number that distances are taken from.
    origin: f64,
    /// Sum of distances, and of their squares.
    sum: f64,
    squares: f64,
}

impl Moments {
    #[inline]
    pub(super) fn add(&mut self, value: f64) {
        if self.count == 0 {
            self.origin = value;
        }
        let distance = value - self.origin;
        self.count += 1;
        self.sum += distance;
        self.squares += distance * distance;
    }

    /// Joins a later block; the result is kept with its mean as origin.
    pub(super) fn merge(&mut self, other: &Self) {
        if other.count == 0 {
            return;
        }
        if self.count == 0 {
            *self = *other;
            return;
        }
        let (ours, theirs) = (self.count as f64, other.count as f64);
        let gap = other.mean() - self.mean();
        let spread = self.spread() + other.spread() + gap * gap * ours * theirs / (ours + theirs);
        let mean = self.mean() + gap * theirs / (ours + theirs);
        *self = Self { count: self.count + other.count, origin: mean, sum: 0.0, squares: spread };
    }

    pub(super) fn count(&self) -> u64 {
        self.count
    }

    pub(super) fn mean(&self) -> f64 {
        self.origin + self.sum / self.count as f64
    }

    /// Sum of squared distances from the mean.
    fn spread(&self) -> f64 {
        self.squares - self.sum * self.sum / self.count as f64
    }

    /// Standard deviation of the sample.
    pub(super) fn sd(&self) -> f64 {
        if self.count < 2 { 0.0 } else { (self.spread().max(0.0) / (self.count - 1) as f64).sqrt() }
    }
}

/// The values with the smallest draws: a uniform sample that does not depend on the order of arrival.
#[derive(Debug, Clone)]
pub(super) struct DrawnValues {
    most: usize,
    /// Draws at or above it are not among the smallest any more.
    limit: u64,
    values: Vec<(u64, f64)>,
    /// Whether any value was left out.
    partial: bool,
}

impl DrawnValues {
    pub(super) fn new(most: usize) -> Self {
        Self { most, limit: u64::MAX, values: Vec::new(), partial: false }
    }

    #[inline]
    pub(super) fn add(&mut self, draw: u64, value: f64) {
        if draw < self.limit {
            self.values.push((draw, value));
            if self.values.len() >= self.most * 2 {
                self.shrink();
            }
        }
    }

    fn shrink(&mut self) {
        if self.values.len() > self.most {
            self.partial = true;
            let (_, limit, _) = self.values.select_nth_unstable_by_key(self.most, |&(draw, _)| draw);
            self.limit = limit.0;
            self.values.truncate(self.most);
        }
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.partial |= other.partial;
        self.limit = self.limit.min(other.limit);
        self.values.extend(other.values);
    }

    /// The sampled values, sorted, and whether they are all.
    pub(super) fn finish(mut self) -> (Vec<f64>, bool) {
        self.shrink();
        let mut values: Vec<f64> = self.values.iter().map(|&(_, value)| value).collect();
        values.sort_unstable_by(f64::total_cmp);
        (values, !self.partial)
    }
}

/// Quantiles 0, 5, ..., 100 % of sorted values with their counts.
pub(super) fn quantiles(sorted: &[(f64, u64)]) -> Vec<f64> {
    let total: u64 = sorted.iter().map(|&(_, count)| count).sum();
    let mut quantiles = Vec::with_capacity(21);
    let (mut below, mut index) = (0, 0);
    for percent in (0..=100).step_by(5) {
        // The rank, from 1: smallest whole number of cells that is at least the share.
        let rank = (u128::from(total) * percent).div_ceil(100).max(1) as u64;
        while index < sorted.len() && below + sorted[index].1 < rank {
            below += sorted[index].1;
            index += 1;
        }
        quantiles.extend(sorted.get(index).map(|&(value, _)| value));
    }
    quantiles
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_of_numbers_far_from_zero() {
        let (mut moments, mut later) = (Moments::default(), Moments::default());
        [1e9 + 4.0, 1e9 + 7.0].iter().for_each(|&value| moments.add(value));
        [1e9 + 13.0, 1e9 + 16.0].iter().for_each(|&value| later.add(value));
        moments.merge(&later);
        assert_eq!(moments.mean(), 1e9 + 10.0);
        assert!((moments.sd() - 30f64.sqrt()).abs() < 1e-6, "{}", moments.sd());
    }

    #[test]
    fn quantiles_are_values_of_the_data() {
        let quantiles = quantiles(&[(1.0, 50), (2.0, 45), (9.0, 5)]);
        assert_eq!(quantiles.len(), 21);
        assert_eq!(
            (quantiles[0], quantiles[10], quantiles[11], quantiles[19], quantiles[20]),
            (1.0, 1.0, 2.0, 2.0, 9.0)
        );
    }

    #[test]
    fn drawn_values_do_not_depend_on_the_split() {
        let all: Vec<(u64, f64)> = (0..1000u64).map(|i| (crate::profile::mix(i), i as f64)).collect();
        let sample = |parts: usize| {
            let mut total = DrawnValues::new(64);
            for part in 0..parts {
                let mut one = DrawnValues::new(64);
                all.iter().skip(part).step_by(parts).for_each(|&(draw, value)| one.add(draw, value));
                total.merge(one);
            }
            total.finish()
        };
        assert_eq!(sample(1).0.len(), 64);
        assert!(!sample(1).1);
        assert_eq!(sample(1), sample(7));
    }
}
