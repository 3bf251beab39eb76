//! Why a model answers as it does: how much each feature contributes to a row's score, and what a model rests on.
//!
//! Attributions are Shapley values (Lundberg and Lee 2017): for every row they add up to its score minus the base.
//! [`tree_shap`] is exact for tree ensembles, [`linear_shap`] for linear models, [`kernel_shap`] asks any
//! [`Predictor`](crate::Predictor) and is exact as long as all coalitions are asked. A model that was read from a file
//! takes its own score apart where it can ([`Predictor::contributions`](crate::Predictor::contributions)), against
//! background rows as kernel SHAP does. [`permutation_importance`] and [`partial_dependence`] describe the whole model.
//!
//! Invariants: everything is seeded, and threads change no bit; long work can be cancelled.

pub(crate) mod against;
mod ask;
mod dependence;
mod ensemble;
mod importance;
mod kernel;
mod linear;
mod tree_shap;

pub(crate) use ask::select;
pub use dependence::{Point, Value, partial_dependence};
pub use ensemble::{Ensemble, Node, Split};
pub use importance::{Importance, permutation_importance};
pub use kernel::{KernelOptions, kernel_shap};
pub use linear::linear_shap;
pub use tree_shap::tree_shap;

/// Contributions of features to the scores of rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Attributions {
    /// Score without knowledge of any feature: the mean over the background (or the training rows of a tree).
    pub base: f64,
    /// Features a row.
    pub features: usize,
    /// Row-major `rows x features`, in units of the score.
    pub values: Vec<f64>,
}

/// Most background rows of one explanation against rows.
pub const BACKGROUND_ROWS_MAX: usize = against::BACKGROUND_MAX;

/// What a model says of its own score.
#[derive(Debug, Clone, PartialEq)]
pub struct Contributions {
    /// How they were found; always exactly.
    pub method: ExactMethod,
    /// What the score is.
    pub score: ScoreKind,
    /// One value for each column of the table that was asked about.
    pub attributions: Attributions,
}

/// How an exact explanation was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExactMethod {
    /// By walking its trees.
    Trees,
    /// From its coefficients.
    Linear,
}

/// What an exact explanation adds up to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScoreKind {
    /// The probability of the class.
    Probability,
    /// The logarithm of the odds of the class, whose logistic function is its probability.
    LogOdds,
    /// The score of the class before it becomes a probability or a decision; the larger, the likelier.
    Raw,
}

impl Attributions {
    /// Contributions of each row.
    pub fn rows(&self) -> impl Iterator<Item = &[f64]> {
        self.values.chunks_exact(self.features.max(1))
    }

    /// Mean absolute contribution of each feature.
    #[must_use]
    pub fn mean_absolute(&self) -> Vec<f64> {
        let rows = self.values.len() / self.features.max(1);
        self.by_group(&vec![0; rows], 1).swap_remove(0)
    }

    /// Mean absolute contribution of each feature within each group: `groups x features`.
    ///
    /// `group_of_row` holds a number below `groups` for each row; rows of other numbers are left out, and a group
    /// without rows has zeros.
    #[must_use]
    pub fn by_group(&self, group_of_row: &[u32], groups: usize) -> Vec<Vec<f64>> {
        let mut sums = vec![vec![0.0; self.features]; groups];
        let mut counts = vec![0_u32; groups];
        for (row, group) in self.rows().zip(group_of_row) {
            let group = *group as usize;
            if group < groups {
                counts[group] += 1;
                sums[group].iter_mut().zip(row).for_each(|(sum, value)| *sum += value.abs());
            }
        }
        for (sums, count) in sums.iter_mut().zip(counts) {
            sums.iter_mut().for_each(|sum| *sum /= f64::from(count.max(1)));
        }
        sums
    }
}
