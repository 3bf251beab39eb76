//! Trees of any origin in one form, as the explanation needs them: tests, leaf values and covers.

use crate::predictor::Error;

/// Deepest tree that is explained; the walk is recursive.
const DEPTH_MAX: u32 = 1000;

/// A sum of trees: the score of a row is `offset + factor * (sum of the values of its leaves)`.
#[derive(Debug, Clone, PartialEq)]
pub struct Ensemble {
    trees: Vec<Vec<Node>>,
    features: usize,
    offset: f64,
    factor: f64,
}

/// A node of a tree. Node 0 is the root; children come after their parents.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Node {
    /// Training rows (or their weight) that reached the node.
    pub cover: f64,
    /// What a leaf adds to the score; of no meaning where there is a split.
    pub value: f64,
    /// `None` in a leaf.
    pub split: Option<Split>,
}

/// A test of one feature.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Split {
    /// Column of the rows.
    pub feature: usize,
    /// A cell up to it, inclusive, goes left.
    pub threshold: f64,
    /// Whether a missing cell (NaN) goes left.
    pub missing_left: bool,
    /// Left child.
    pub left: u32,
    /// Right child.
    pub right: u32,
}

impl Split {
    /// The child to which a row goes, and the other one.
    pub(super) fn children(&self, row: &[f64]) -> (usize, usize) {
        let cell = row[self.feature];
        let goes_left = if cell.is_nan() { self.missing_left } else { cell <= self.threshold };
        let (left, right) = (self.left as usize, self.right as usize);
        if goes_left { (left, right) } else { (right, left) }
    }
}

impl Ensemble {
    /// An ensemble over rows of `features` cells.
    ///
    /// # Errors
    /// [`Error::Input`] when a tree is empty, a child does not follow its parent or is shared, a feature is beyond
    /// `features`, a number is not finite, a cover is negative, a split node has no cover, or a tree is deeper than
    /// 1,000 levels.
    pub fn new(trees: Vec<Vec<Node>>, features: usize, offset: f64, factor: f64) -> Result<Self, Error> {
        for (index, tree) in trees.iter().enumerate() {
            check(tree, features).map_err(|found| Error::Input {
                expected: "trees whose nodes, features and numbers hold together".to_owned(),
                found: format!("{found} in tree {index}"),
            })?;
        }
        Ok(Self { trees, features, offset, factor })
    }

    /// Cells a row.
    #[must_use]
    pub fn features(&self) -> usize {
        self.features
    }

    /// The trees.
    #[must_use]
    pub fn trees(&self) -> &[Vec<Node>] {
        &self.trees
    }

    /// What the sum of leaf values is multiplied with.
    pub(super) fn factor(&self) -> f64 {
        self.factor
    }

    /// The score of a row of [`Self::features`] cells.
    #[must_use]
    pub fn score(&self, row: &[f64]) -> f64 {
        let leaf_value = |tree: &Vec<Node>| {
            let mut node = &tree[0];
            while let Some(split) = &node.split {
                node = &tree[split.children(row).0];
            }
            node.value
        };
        self.offset + self.factor * self.trees.iter().map(leaf_value).sum::<f64>()
    }

    /// The mean score of the rows that the covers count.
    #[must_use]
    pub fn base(&self) -> f64 {
        let mean_value = |tree: &Vec<Node>| {
            let total: f64 = leaves(tree).map(|leaf| leaf.cover).sum();
            let sum: f64 = leaves(tree).map(|leaf| leaf.cover * leaf.value).sum();
            if total > 0.0 { sum / total } else { tree[0].value }
        };
        self.offset + self.factor * self.trees.iter().map(mean_value).sum::<f64>()
    }
}

fn leaves(tree: &[Node]) -> impl Iterator<Item = &Node> {
    tree.iter().filter(|node| node.split.is_none())
}

fn check(tree: &[Node], features: usize) -> Result<(), String> {
    if tree.is_empty() {
        return Err("no node".to_owned());
    }
    let mut depth = vec![0_u32; tree.len()];
    let mut has_parent = vec![false; tree.len()];
    for (index, node) in tree.iter().enumerate() {
        if !(node.cover.is_finite() && node.cover >= 0.0) || (node.split.is_none() && !node.value.is_finite()) {
            return Err(format!("a number that is not finite or a negative cover at node {index}"));
        }
        let Some(split) = &node.split else { continue };
        if split.feature >= features || split.threshold.is_nan() || node.cover == 0.0 {
            return Err(format!("feature {}, threshold {} at node {index}", split.feature, split.threshold));
        }
        for child in [split.left as usize, split.right as usize] {
            if child <= index || child >= tree.len() || has_parent[child] {
                return Err(format!("child {child} of node {index}"));
            }
            has_parent[child] = true;
            depth[child] = depth[index] + 1;
            if depth[child] > DEPTH_MAX {
                return Err(format!("a depth above {DEPTH_MAX}"));
            }
        }
    }
    Ok(())
}
