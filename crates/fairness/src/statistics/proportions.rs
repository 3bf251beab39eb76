//! Intervals and tests for one and two proportions.

use libm::{exp, sqrt};

use super::normal::{normal_quantile, two_sided_p};

/// Low and high end.
pub type Interval = [f64; 2];

/// `hits` out of `n`. Weighted shares have fractional effective counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Share {
    /// Favourable ones, at most `n`.
    pub hits: f64,
    /// All.
    pub n: f64,
}

impl Share {
    /// hits / n; `None` when n is 0.
    #[must_use]
    pub fn rate(self) -> Option<f64> {
        (self.n > 0.0).then(|| self.hits / self.n)
    }
}

/// Wilson (1927) score interval of a proportion; [0, 1] when n is 0.
#[must_use]
pub fn wilson(share: Share, confidence: f64) -> Interval {
    let Some(p) = share.rate() else { return [0.0, 1.0] };
    let (n, z) = (share.n, critical(confidence));
    let z2 = z * z;
    let centre = p + z2 / (2.0 * n);
    let half = z * sqrt(p * (1.0 - p) / n + z2 / (4.0 * n * n));
    let scale = 1.0 + z2 / n;
    // Rounding may push an end past the point itself at 0 and 1.
    [((centre - half) / scale).clamp(0.0, p), ((centre + half) / scale).clamp(p, 1.0)]
}

/// Newcombe (1998) method 10: hybrid score interval of `a` - `b`; `None` when either is empty.
#[must_use]
pub fn newcombe(a: Share, b: Share, confidence: f64) -> Option<Interval> {
    let (p, q) = (a.rate()?, b.rate()?);
    let ([l1, u1], [l2, u2]) = (wilson(a, confidence), wilson(b, confidence));
    let difference = p - q;
    let low = difference - sqrt((p - l1) * (p - l1) + (u2 - q) * (u2 - q));
    let high = difference + sqrt((u1 - p) * (u1 - p) + (q - l2) * (q - l2));
    Some([low.max(-1.0), high.min(1.0)])
}

/// Katz (1978) log interval of the ratio `a` / `b`; with 0.5 added to the counts of both where `a` has no hit.
/// `None` when either is empty or `b` has no hit, for then the ratio itself is undefined.
#[must_use]
pub fn katz(a: Share, b: Share, confidence: f64) -> Option<Interval> {
    let (p, q) = (a.rate()?, b.rate()?);
    if q == 0.0 {
        return None;
    }
    let ratio = p / q;
    let (add_hits, add_n) = match (p, q) {
        (0.0, _) => (0.5, 0.5),
        // Nobody rejected on either side: without this the interval would be the single point 1.
        (1.0, 1.0) => (0.5, 1.0),
        _ => (0.0, 0.0),
    };
    let (k1, n1) = (a.hits + add_hits, a.n + add_n);
    let (k2, n2) = (b.hits + add_hits, b.n + add_n);
    let error = sqrt(((1.0 - k1 / n1) / k1 + (1.0 - k2 / n2) / k2).max(0.0));
    let centre = (k1 / n1) / (k2 / n2);
    let factor = exp(critical(confidence) * error);
    Some([(centre / factor).min(ratio), (centre * factor).max(ratio)])
}

/// Pooled two-proportion z; `None` when a share is empty or nobody or everybody is a hit.
#[must_use]
pub fn two_proportions_z(a: Share, b: Share) -> Option<f64> {
    let (p, q) = (a.rate()?, b.rate()?);
    let pooled = (a.hits + b.hits) / (a.n + b.n);
    let variance = pooled * (1.0 - pooled) * (1.0 / a.n + 1.0 / b.n);
    (variance > 0.0).then(|| (p - q) / sqrt(variance))
}

/// Two-sided p of equal proportions: the z test, or Fisher's exact test when an expected count is under 5.
#[must_use]
pub fn two_proportions(a: Share, b: Share) -> Option<f64> {
    if a.n <= 0.0 || b.n <= 0.0 {
        return None;
    }
    let total = a.n + b.n;
    let hits = a.hits + b.hits;
    let expected_min = a.n.min(b.n) * hits.min(total - hits) / total;
    if expected_min < 5.0 {
        let whole = |x: f64| libm::round(x.max(0.0)) as u64;
        return Some(fisher_exact([[whole(a.hits), whole(a.n - a.hits)], [whole(b.hits), whole(b.n - b.hits)]]));
    }
    two_proportions_z(a, b).map(two_sided_p)
}

/// Fisher's exact test of a 2 x 2 table, two-sided: the sum of all tables with the same margins that are at most as
/// likely as the one seen (with a relative slack of 1e-7 for rounding, as R and scipy have).
#[must_use]
pub fn fisher_exact(table: [[u64; 2]; 2]) -> f64 {
    let [[a, b], [c, d]] = table;
    let (row, other, column) = (a + b, c + d, a + c);
    let low = column.saturating_sub(other);
    let high = row.min(column);
    // Likelihoods relative to the one at the mode, outwards by the ratio of neighbours: no large logarithms cancel.
    let total = row + other;
    let mode = ((row as f64 + 1.0) * (column as f64 + 1.0) / (total as f64 + 2.0)) as u64;
    let mode = mode.clamp(low, high);
    let up = |x: u64| ((row - x) as f64 * (column - x) as f64) / ((x + 1) as f64 * (other + x + 1 - column) as f64);
    let above = std::iter::successors(Some((mode, 1.0)), |&(x, likelihood): &(u64, f64)| {
        (x < high && likelihood > 0.0).then(|| (x + 1, likelihood * up(x)))
    });
    let below = std::iter::successors(Some((mode, 1.0)), |&(x, likelihood): &(u64, f64)| {
        (x > low && likelihood > 0.0).then(|| (x - 1, likelihood / up(x - 1)))
    });
    let likelihoods: Vec<(u64, f64)> = above.chain(below.skip(1)).collect();
    let seen = likelihoods.iter().find(|(x, _)| *x == a).map_or(0.0, |(_, likelihood)| *likelihood);
    // Small terms first, so that rounding does not eat them.
    let mut sorted: Vec<f64> = likelihoods.iter().map(|(_, likelihood)| *likelihood).collect();
    sorted.sort_by(f64::total_cmp);
    let tail: f64 = sorted.iter().take_while(|&&likelihood| likelihood <= seen * (1.0 + 1e-7)).sum();
    let all: f64 = sorted.iter().sum();
    (tail / all).min(1.0)
}

/// z of a two-sided interval.
fn critical(confidence: f64) -> f64 {
    normal_quantile(0.5 + confidence / 2.0)
}
