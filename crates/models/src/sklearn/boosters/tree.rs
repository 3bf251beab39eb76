//! Trees of which a node may ask anything a booster asks: below, at most, one of a set; with a way for missing values.

use crate::explain::against::{Decides, Place};
use crate::sklearn::data::Matrix;

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
        if self.is_left(row) { self.left } else { self.right }
    }

    fn is_left(&self, row: &[f64]) -> bool {
        let mut value = row[self.feature as usize];
        let is_missing = value.is_nan() || matches!(self.test, Test::AtMostNonZero(_)) && value.abs() <= ZERO;
        if is_missing {
            match self.missing {
                Missing::Left => return true,
                Missing::Right => return false,
                Missing::Zero => value = 0.0,
            }
        }
        match &self.test {
            Test::Below(threshold) => value < *threshold,
            Test::AtMost(threshold) | Test::AtMostNonZero(threshold) => value <= *threshold,
            Test::Among(bits) => contains(bits, value.trunc()),
            Test::NotAmong(categories) => {
                let category = value.trunc();
                categories.binary_search_by(|one| f64::from(*one).total_cmp(&(category + 0.0))).is_err()
            }
        }
    }
}

/// Set in a place that is the number of a leaf.
const LEAF: u32 = 1 << 31;

/// A tree with the rows that it is asked about and the values of its leaves.
pub(super) struct Asked<'a, V> {
    pub(super) tree: &'a Tree,
    pub(super) input: &'a Matrix,
    pub(super) value: V,
}

impl<V: Fn(usize) -> f64 + Sync> Decides for Asked<'_, V> {
    fn root(&self) -> u32 {
        if self.tree.splits.is_empty() { LEAF } else { 0 }
    }

    fn at(&self, place: u32) -> Place {
        if place >= LEAF {
            return Place::Leaf((self.value)((place & !LEAF) as usize));
        }
        let split = &self.tree.splits[place as usize];
        let number = |child| match child {
            Child::Node(node) => node,
            Child::Leaf(leaf) => leaf | LEAF,
        };
        Place::Test { feature: split.feature, left: number(split.left), right: number(split.right) }
    }

    fn is_right(&self, place: u32, row: usize) -> bool {
        !self.tree.splits[place as usize].is_left(self.input.row(row))
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
