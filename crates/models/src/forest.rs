//! A random forest for two classes (Breiman 2001) over binned columns.
//!
//! Flow: [`Binner`] turns columns into bytes once; every tree draws its rows with replacement (`bootstrap`), grows on
//! compact row records (`record`, `grow`, `split`) and ends as a flat list of nodes (`tree`); scores are means of
//! leaf fractions (`score`). Split criterion is the Gini impurity, candidates are a random subset of the features at
//! each node, as in scikit-learn's `RandomForestClassifier`.
//!
//! Invariants: a tree depends on the seed, its own index and the rows, never on threads; counts are integers and leaf
//! fractions fixed point, so sums do not depend on their order; missing cells go to whichever side is better for the
//! training rows.

mod binning;
mod bootstrap;
mod grow;
mod record;
mod region;
mod score;
mod split;
mod tree;
mod view;

use std::borrow::Cow;
use std::sync::Arc;

use assize_tables::{Cancel, Table};

use crate::predictor::{Error, Feature, FeatureKind, Predictions, Predictor};
pub use binning::{BINS_MAX, Binned, Binner, MISSING_BIN};
pub use score::{Change, NewBins};
use tree::Tree;

/// How a forest is grown.
#[derive(Debug, Clone, PartialEq)]
pub struct ForestOptions {
    /// Number of trees.
    pub trees: u32,
    /// Splits between root and deepest leaf; `None` grows until leaves are pure or too small.
    pub max_depth: Option<u32>,
    /// Least number of drawn rows (a row drawn twice counts twice) in a leaf.
    pub min_samples_leaf: u32,
    /// Features tried at a node; `None` is the square root of their number.
    pub features_per_split: Option<u32>,
    /// Rows drawn for a tree, as a share of the training rows; 1.0 is the classical bootstrap.
    pub sample_share: f64,
    /// Most bins of a column, 2 to [`BINS_MAX`]; used by [`train`], which fits the binner itself.
    pub max_bins: u16,
    /// Seed of all draws.
    pub seed: u64,
    /// Threads to grow and ask with; 0 is all cores. Never changes a result.
    pub threads: usize,
}

impl Default for ForestOptions {
    fn default() -> Self {
        Self {
            trees: 100,
            max_depth: None,
            min_samples_leaf: 5,
            features_per_split: None,
            sample_share: 1.0,
            max_bins: BINS_MAX,
            seed: 0,
            threads: 0,
        }
    }
}

/// What to learn, from which rows and features of a table.
#[derive(Debug, Clone, Copy)]
pub struct Training<'a> {
    /// 1 (positive) or 0, one a row of the table.
    pub labels: &'a [u8],
    /// Weights, one a row of the table, finite and not negative; rows are drawn in proportion to them.
    pub weights: Option<&'a [f64]>,
    /// Rows to learn from; `None` is all.
    pub rows: Option<&'a [u32]>,
    /// Features to learn from, as positions in the binner; `None` is all.
    pub features: Option<&'a [usize]>,
}

/// A trained forest.
#[derive(Debug, Clone)]
pub struct Forest {
    binner: Arc<Binner>,
    trees: Vec<Tree>,
    features: Vec<Feature>,
    classes: Vec<String>,
    importance: Vec<f64>,
    threads: usize,
}

/// Bins the features of `table` and trains on all its rows. `labels` and `weights` are as in [`Training`].
///
/// # Errors
/// As [`Binner::fit`] and [`train_binned`].
pub fn train(
    table: &Table,
    features: &[&str],
    labels: &[u8],
    weights: Option<&[f64]>,
    options: &ForestOptions,
    cancel: &Cancel,
) -> Result<Forest, Error> {
    let training = Training { labels, weights, rows: None, features: None };
    let binner = Arc::new(Binner::fit(table, features, &training, options.max_bins)?);
    train_binned(&binner.apply(table)?, &training, options, cancel)
}

/// Trains on rows that are binned already.
///
/// # Errors
/// [`Error::Untrainable`] when lengths do not fit, a label is neither 0 nor 1, all labels are alike, or no feature or
/// tree is asked for; [`Error::Cancelled`].
pub fn train_binned(
    binned: &Binned,
    training: &Training<'_>,
    options: &ForestOptions,
    cancel: &Cancel,
) -> Result<Forest, Error> {
    Ok(grow_forest(binned, training, options, false, cancel)?.0)
}

/// Trains, and also scores each training row by the trees that did not draw it (out-of-bag, Breiman 2001).
///
/// The scores are in the order of `training.rows` (or of the table): `None` for a row that every tree drew.
///
/// # Errors
/// As [`train_binned`].
pub fn train_with_oob(
    binned: &Binned,
    training: &Training<'_>,
    options: &ForestOptions,
    cancel: &Cancel,
) -> Result<(Forest, Vec<Option<f64>>), Error> {
    grow_forest(binned, training, options, true, cancel)
}

impl<'a> Training<'a> {
    /// All rows and features, unweighted.
    #[must_use]
    pub fn new(labels: &'a [u8]) -> Self {
        Self { labels, weights: None, rows: None, features: None }
    }

    /// The rows to learn from, after checking that everything fits a table of `table_rows` rows.
    fn checked_rows(&self, table_rows: usize) -> Result<Cow<'a, [u32]>, Error> {
        let untrainable = |why: String| Err(Error::Untrainable(why));
        let Ok(row_count) = u32::try_from(table_rows) else {
            return untrainable(format!("{table_rows} rows are more than 4,294,967,295"));
        };
        if self.labels.len() != table_rows {
            return untrainable(format!("{} labels for {table_rows} rows", self.labels.len()));
        }
        if let Some(weights) = self.weights
            && weights.len() != table_rows
        {
            return untrainable(format!("{} weights for {table_rows} rows", weights.len()));
        }
        let rows = match self.rows {
            Some(rows) => Cow::Borrowed(rows),
            None => Cow::Owned((0..row_count).collect()),
        };
        if let Some(row) = rows.iter().find(|row| **row >= row_count) {
            return untrainable(format!("training row {row} is beyond the {table_rows} rows"));
        }
        if let Some(row) = rows.iter().find(|row| self.labels[**row as usize] > 1) {
            return untrainable(format!("the label of row {row} is neither 0 nor 1"));
        }
        Ok(rows)
    }
}

fn grow_forest(
    binned: &Binned,
    training: &Training<'_>,
    options: &ForestOptions,
    out_of_bag: bool,
    cancel: &Cancel,
) -> Result<(Forest, Vec<Option<f64>>), Error> {
    let rows = training.checked_rows(binned.rows())?;
    let feature_count = binned.binner().len();
    let features: Vec<usize> = training.features.map_or_else(|| (0..feature_count).collect(), <[usize]>::to_vec);
    if let Some(feature) = features.iter().find(|feature| **feature >= feature_count) {
        return Err(Error::Untrainable(format!("feature {feature} is beyond the {feature_count} features")));
    }
    if features.is_empty() || options.trees == 0 {
        return Err(Error::Untrainable("at least one feature and one tree are needed".to_owned()));
    }
    let positives = rows.iter().filter(|row| training.labels[**row as usize] == 1).count();
    if positives == 0 || positives == rows.len() {
        return Err(Error::Untrainable(format!("all {} training rows have the same label", rows.len())));
    }
    let grown = grow::grow_trees(binned, training, &rows, &features, options, out_of_bag, cancel)?;
    let importance = normalised(&grown.impurity_decreases, feature_count);
    let forest = Forest {
        binner: Arc::clone(binned.binner()),
        trees: grown.trees,
        features: describe_features(binned.binner()),
        classes: vec!["0".to_owned(), "1".to_owned()],
        importance,
        threads: options.threads,
    };
    Ok((forest, grown.out_of_bag))
}

/// Sums the decreases of all trees, in tree order, and scales them to a sum of 1.
fn normalised(decreases: &[Vec<f64>], features: usize) -> Vec<f64> {
    let mut sums = vec![0.0; features];
    for tree in decreases {
        for (sum, decrease) in sums.iter_mut().zip(tree) {
            *sum += decrease;
        }
    }
    let total: f64 = sums.iter().sum();
    if total > 0.0 {
        sums.iter_mut().for_each(|sum| *sum /= total);
    }
    sums
}

fn describe_features(binner: &Binner) -> Vec<Feature> {
    let kind = |feature| if binner.is_categorical(feature) { FeatureKind::Categorical } else { FeatureKind::Numeric };
    binner
        .names()
        .enumerate()
        .map(|(feature, name)| Feature { name: Some(name.to_owned()), kind: kind(feature) })
        .collect()
}

impl Forest {
    /// Names the classes of label 0 and label 1.
    #[must_use]
    pub fn with_classes(mut self, names: [&str; 2]) -> Self {
        self.classes = names.map(str::to_owned).to_vec();
        self
    }

    /// The binner whose [`Binned`] it can be asked with.
    #[must_use]
    pub fn binner(&self) -> &Arc<Binner> {
        &self.binner
    }

    /// Mean decrease in impurity of each feature, in feature order, scaled to a sum of 1 (all 0 when no tree has a
    /// split). Favours features of many values (Strobl et al. 2007): a hint where to look, not a measurement.
    #[must_use]
    pub fn importance(&self) -> &[f64] {
        &self.importance
    }

    /// Nodes of all trees.
    #[must_use]
    pub fn node_count(&self) -> usize {
        self.trees.iter().map(Tree::node_count).sum()
    }
}

impl Predictor for Forest {
    fn features(&self) -> &[Feature] {
        &self.features
    }

    fn classes(&self) -> &[String] {
        &self.classes
    }

    fn description(&self) -> String {
        format!("random forest of {} trees", self.trees.len())
    }

    /// The positive class is answered when its score is above one half.
    fn predict(&self, table: &Table, cancel: &Cancel) -> Result<Predictions, Error> {
        let scores = self.score(&self.binner.apply(table)?, cancel)?;
        Ok(Predictions {
            classes: self.classes.clone(),
            labels: scores.iter().map(|score| u32::from(*score > 0.5)).collect(),
            probabilities: Some(scores.iter().flat_map(|score| [1.0 - score, *score]).collect()),
        })
    }
}
