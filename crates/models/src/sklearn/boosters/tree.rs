//! Trees of which a node may ask anything a booster asks: below, at most, one of a set; with a way for missing values.

/// What a node asks of a value that is there.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Test {
    /// Left when smaller.
    Below(f64),
    /// Left when not larger.
    AtMost(f64),
    /// Left when not larger, where zero counts as missing (LightGBM's `zero_as_missing`).
    AtMostNonZero(f64),
    /// Left when its bit is set.
    Among(Vec<u32>),
    /// Left when it is none of these categories, which rise.
    NotAmong(Vec<u32>),
}

/// Where a missing value goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Missing {
    Left,
    Right,
    /// It is taken for zero.
    Zero,
}

/// A child: another node, or a leaf.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Child {
    Node(u32),
    Leaf(u32),
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Split {
    pub(super) feature: u32,
    pub(super) test: Test,
    pub(super) missing: Missing,
    pub(super) left: Child,
    pub(super) right: Child,
}

/// Nodes, of which the first is the root, unless the tree is one leaf.
#[derive(Debug)]
pub(super) struct Tree {
    splits: Vec<Split>,
}

/// The largest number LightGBM takes for zero (`kZeroThreshold`, a float32).
const ZERO: f64 = 1e-35_f32 as f64;

fn contains(bits: &[u32], category: f64) -> bool {
    if !(0.0..=f64::from(i32::MAX)).contains(&category) {
        return false;
    }
    let category = category as usize;
    bits.get(category / 32).is_some_and(|word| word >> (category % 32) & 1 == 1)
}

impl Split {
    fn child(&self, row: &[f64]) -> Child {
        let mut value = row[self.feature as usize];
        let is_missing = value.is_nan() || matches!(self.test, Test::AtMostNonZero(_)) && value.abs() <= ZERO;
        if is_missing {
            match self.missing {
                Missing::Left => return self.left,
                Missing::Right => return self.right,
                Missing::Zero => value = 0.0,
            }
        }
        let left = match &self.test {
            Test::Below(threshold) => value < *threshold,
            Test::AtMost(threshold) | Test::AtMostNonZero(threshold) => value <= *threshold,
            Test::Among(bits) => contains(bits, value.trunc()),
            Test::NotAmong(categories) => {
                let category = value.trunc();
                categories.binary_search_by(|one| f64::from(*one).total_cmp(&(category + 0.0))).is_err()
            }
        };
        if left { self.left } else { self.right }
    }
}

impl Tree {
    /// `None` unless every node but the first and every leaf has exactly one parent, which comes before it.
    pub(super) fn new(splits: Vec<Split>, leaves: usize, inputs: usize) -> Option<Self> {
        let mut nodes = vec![false; splits.len()];
        let mut seen = vec![false; leaves];
        for (at, split) in splits.iter().enumerate() {
            if split.feature as usize >= inputs
                || matches!(split.test, Test::Below(t) | Test::AtMost(t) | Test::AtMostNonZero(t) if t.is_nan())
            {
                return None;
            }
            for child in [split.left, split.right] {
                let taken = match child {
                    Child::Node(node) if node as usize > at => nodes.get_mut(node as usize)?,
                    Child::Node(_) => return None,
                    Child::Leaf(leaf) => seen.get_mut(leaf as usize)?,
                };
                if std::mem::replace(taken, true) {
                    return None;
                }
            }
        }
        let whole = if splits.is_empty() { leaves == 1 } else { nodes.iter().skip(1).chain(&seen).all(|taken| *taken) };
        whole.then_some(Self { splits })
    }

    /// The leaf of a row.
    pub(super) fn find(&self, row: &[f64]) -> usize {
        let mut at = if self.splits.is_empty() { Child::Leaf(0) } else { Child::Node(0) };
        loop {
            match at {
                Child::Node(node) => at = self.splits[node as usize].child(row),
                Child::Leaf(leaf) => return leaf as usize,
            }
        }
    }
}
