//! Exact Shapley values of tree ensembles in polynomial time.
//!
//! The path-dependent form of Lundberg et al., "Consistent individualized feature attribution for tree ensembles"
//! (2018): a feature outside the coalition sends a row down both sides in proportion to their covers.
//!
//! Each leaf is looked at by itself. Its path asks d different features; a row meets the conditions of some of them
//! (the hot ones) and not of the others (the cold ones); z is the share of rows that go on along the path when the
//! feature is unknown. A coalition that holds a cold feature never arrives, so only sets S of hot features count, each
//! with the product of the z of everything outside. With p the coefficients of the product of (t + z) over the hot
//! features and w(s) = s! (d - 1 - s)! / d!, a cold feature is worth -sum p(s) w(s), and a hot one (1 - z) times the
//! same sum over p / (t + z): both times the z of all cold features and the value of the leaf. O(d + hot^2) a leaf and
//! row, against O(d^2) of the walk in the paper; where d is small the sums are made once for every set of hot features.

use assize_tables::{Cancel, Cancelled};

use super::Attributions;
use super::ensemble::{Ensemble, Node, Split};
use crate::parallel;

/// Rows that pass the leaves of a tree together.
const BLOCK_ROWS: usize = 2048;

/// Features of a path up to which all sets of hot ones may be worked out beforehand.
const TABLE_FEATURES_MAX: usize = 9;

/// Rows for each set from which on that pays.
const TABLE_ROWS: usize = 4;

/// Explains rows, row-major with [`Ensemble::features`] cells each (NaN is missing); `threads` 0 is all cores.
///
/// # Errors
/// [`Cancelled`].
///
/// # Panics
/// When `rows` is no multiple of the number of features.
pub fn tree_shap(
    ensemble: &Ensemble,
    rows: &[f64],
    threads: usize,
    cancel: &Cancel,
) -> Result<Attributions, Cancelled> {
    let features = ensemble.features();
    assert!(features > 0 && rows.len().is_multiple_of(features), "rows have {features} cells each");
    let blocks: Vec<&[f64]> = rows.chunks(BLOCK_ROWS * features).collect();
    let parts = parallel::map(blocks.len(), threads, cancel, Weights::default, |weights, block| {
        let rows = blocks[block];
        let mut values = vec![0.0; rows.len()];
        let count = rows.len() / features;
        // Neighbouring rows ask the same: all rows of one feature after the other.
        let columns: Vec<f64> =
            (0..features).flat_map(|feature| rows.chunks_exact(features).map(move |row| row[feature])).collect();
        let mut sets = vec![0_u16; count];
        for tree in ensemble.trees() {
            cancel.check()?;
            for leaf in leaves(tree, weights, count) {
                if !leaf.table.is_empty() {
                    leaf.add_all(&columns, &mut sets, &mut values, features);
                    continue;
                }
                for (row, values) in rows.chunks_exact(features).zip(values.chunks_exact_mut(features)) {
                    leaf.add(row, values, weights);
                }
            }
        }
        values.iter_mut().for_each(|value| *value *= ensemble.factor());
        Ok(values)
    })?;
    Ok(Attributions { base: ensemble.base(), features, values: parts.concat() })
}

/// Weights of coalitions, and room to work in.
#[derive(Debug, Default)]
struct Weights {
    /// `by_size[d][s]` is s! (d - 1 - s)! / d!.
    by_size: Vec<Vec<f64>>,
    /// Shares of the hot features, and their places on the path.
    hot: Vec<(f64, usize)>,
    polynomial: Vec<f64>,
    worth: Vec<f64>,
}

impl Weights {
    fn reach(&mut self, size: usize) {
        for d in self.by_size.len()..=size {
            let mut weight = 1.0 / d.max(1) as f64;
            let mut weights = Vec::with_capacity(d);
            for s in 0..d {
                weights.push(weight);
                weight *= (s as f64 + 1.0) / (d - 1 - s).max(1) as f64;
            }
            self.by_size.push(weights);
        }
    }
}

/// What the path to a leaf asks of one feature.
#[derive(Debug, Clone, Copy)]
struct Condition {
    feature: usize,
    /// Above it, and not above [`Condition::high`]; NaN where there is no bound, which even -inf is above.
    low: f64,
    high: f64,
    missing: bool,
    /// Share of rows that follow the path when the feature is unknown.
    zero: f64,
}

impl Condition {
    fn holds(&self, row: &[f64]) -> bool {
        let cell = row[self.feature];
        if cell.is_nan() { self.missing } else { (cell > self.low || self.low.is_nan()) && cell <= self.high }
    }
}

struct Leaf {
    value: f64,
    path: Vec<Condition>,
    /// Worth of each feature of the path, for every set of hot ones.
    table: Vec<f64>,
}

impl Leaf {
    fn add(&self, row: &[f64], values: &mut [f64], weights: &mut Weights) {
        weights.hot.clear();
        let holding = self.path.iter().enumerate().filter(|(_, condition)| condition.holds(row));
        weights.hot.extend(holding.map(|(at, condition)| (condition.zero, at)));
        if self.work_out(weights) {
            self.path.iter().zip(&weights.worth).for_each(|(condition, worth)| values[condition.feature] += worth);
        }
    }

    /// The same for all rows at once, from the table.
    fn add_all(&self, columns: &[f64], sets: &mut [u16], values: &mut [f64], features: usize) {
        sets.fill(0);
        for (at, condition) in self.path.iter().enumerate() {
            let column = &columns[condition.feature * sets.len()..][..sets.len()];
            let (low, high) = (condition.low, condition.high);
            let (unbounded, missing) = (low.is_nan(), condition.missing);
            for (set, cell) in sets.iter_mut().zip(column) {
                let inside = ((*cell > low) | unbounded) & (*cell <= high);
                *set |= u16::from(inside | (cell.is_nan() & missing)) << at;
            }
        }
        let size = self.path.len();
        for (set, values) in sets.iter().zip(values.chunks_exact_mut(features)) {
            let worth = &self.table[usize::from(*set) * size..][..size];
            self.path.iter().zip(worth).for_each(|(condition, worth)| values[condition.feature] += worth);
        }
    }

    /// Fills `weights.worth` for the hot features in it; `false` when no row gets here, whatever is known.
    fn work_out(&self, weights: &mut Weights) -> bool {
        let Weights { by_size, hot, polynomial, worth } = weights;
        let size = self.path.len();
        // The product of the cold shares: the hot ones come in order, so the rest is what lies between them.
        let mut next = hot.iter().map(|(_, at)| *at).peekable();
        let cold = self.path.iter().enumerate().filter(|(at, _)| next.next_if_eq(at).is_none());
        let scale = self.value * cold.fold(1.0, |product, (_, condition)| product * condition.zero);
        if scale == 0.0 {
            return false;
        }
        polynomial.clear();
        polynomial.push(1.0);
        for (zero, _) in hot.iter() {
            polynomial.push(1.0);
            for at in (1..polynomial.len() - 1).rev() {
                polynomial[at] = polynomial[at - 1] + zero * polynomial[at];
            }
            polynomial[0] *= zero;
        }
        let by_size = &by_size[size];
        worth.clear();
        let absent: f64 = polynomial.iter().zip(by_size).map(|(p, weight)| p * weight).sum();
        worth.resize(size, -absent * scale);
        for (zero, at) in hot.iter() {
            // Division by (t + z), from the highest power down: errors shrink, because z is at most one.
            let (mut quotient, mut sum) = (0.0, 0.0);
            for power in (1..polynomial.len()).rev() {
                quotient = polynomial[power] - zero * quotient;
                sum += quotient * by_size[power - 1];
            }
            worth[*at] = (1.0 - zero) * sum * scale;
        }
        true
    }

    fn tabulate(&mut self, weights: &mut Weights) {
        let size = self.path.len();
        let mut table = Vec::with_capacity(size << size);
        for set in 0..1_usize << size {
            weights.hot.clear();
            let hot = self.path.iter().enumerate().filter(|(at, _)| set >> at & 1 == 1);
            weights.hot.extend(hot.map(|(at, condition)| (condition.zero, at)));
            if self.work_out(weights) {
                table.extend(&weights.worth);
            } else {
                table.resize(table.len() + size, 0.0);
            }
        }
        self.table = table;
    }
}

/// The leaves of a tree with what their paths ask, a feature once.
fn leaves(tree: &[Node], weights: &mut Weights, rows: usize) -> Vec<Leaf> {
    let mut leaves = Vec::new();
    let mut open: Vec<(usize, Vec<Condition>)> = vec![(0, Vec::new())];
    while let Some((at, path)) = open.pop() {
        let node = &tree[at];
        let Some(split) = &node.split else {
            weights.reach(path.len());
            let mut leaf = Leaf { value: node.value, path, table: Vec::new() };
            let size = leaf.path.len();
            if size > 0 && size <= TABLE_FEATURES_MAX && rows >= TABLE_ROWS << size {
                leaf.tabulate(weights);
            }
            // A tree of one leaf says the same about everything.
            if !leaf.path.is_empty() {
                leaves.push(leaf);
            }
            continue;
        };
        let left = narrowed(&path, split, true, tree[split.left as usize].cover / node.cover);
        let right = narrowed(&path, split, false, tree[split.right as usize].cover / node.cover);
        open.push((split.right as usize, right));
        open.push((split.left as usize, left));
    }
    leaves
}

/// The path with one more test.
fn narrowed(path: &[Condition], split: &Split, left: bool, share: f64) -> Vec<Condition> {
    let mut path = path.to_vec();
    let at = path.iter().position(|condition| condition.feature == split.feature).unwrap_or_else(|| {
        let (low, high) = (f64::NAN, f64::INFINITY);
        path.push(Condition { feature: split.feature, low, high, missing: true, zero: 1.0 });
        path.len() - 1
    });
    let condition = &mut path[at];
    if left {
        condition.high = condition.high.min(split.threshold);
    } else {
        condition.low = condition.low.max(split.threshold);
    }
    condition.missing &= split.missing_left == left;
    condition.zero *= share;
    path
}
