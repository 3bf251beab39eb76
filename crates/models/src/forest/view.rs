//! The forest as the explanations see it: trees over bins as numbers.

use super::Forest;
use super::binning::{Binned, MISSING_BIN};
use super::tree::{Tree, VALUE_ONE};
use crate::explain::{Ensemble, Node, Split};
use crate::predictor::Error;

impl Forest {
    /// The trees in the form that [`tree_shap`](crate::explain::tree_shap) takes; its rows are made by
    /// [`Binned::cells`]. The score is that of [`Forest::score`].
    ///
    /// # Errors
    /// [`Error::Input`] for a tree that is too deep to be explained, as [`Ensemble::new`] says.
    pub fn ensemble(&self) -> Result<Ensemble, Error> {
        let trees = self.trees.iter().map(nodes).collect();
        Ensemble::new(trees, self.binner.len(), 0.0, 1.0 / self.trees.len() as f64)
    }
}

impl Binned {
    /// Bins of these rows as numbers, row-major; NaN where missing.
    #[must_use]
    pub fn cells(&self, rows: &[u32]) -> Vec<f64> {
        let cell = |row: u32, feature: usize| match self.column(feature)[row as usize] {
            MISSING_BIN => f64::NAN,
            bin => f64::from(bin),
        };
        rows.iter().flat_map(|row| (0..self.binner().len()).map(move |feature| cell(*row, feature))).collect()
    }
}

fn nodes(tree: &Tree) -> Vec<Node> {
    (0..tree.node_count())
        .map(|index| {
            let node = tree.nodes[index];
            let split = (node.child as usize != index).then(|| Split {
                feature: usize::from(node.feature),
                threshold: f64::from(node.test.threshold) + f64::from(node.test.shift),
                missing_left: node.test.shift == 0,
                left: node.child,
                right: node.child + 1,
            });
            let value = f64::from(tree.values[index]) / f64::from(VALUE_ONE);
            Node { cover: f64::from(tree.covers[index]), value, split }
        })
        .collect()
}
