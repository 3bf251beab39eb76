//! Columns as bytes: what trees are grown on and asked with.
//!
//! A [`Binner`] is fitted on the training rows once: a numeric column gets at most 255 bins of about equal row counts,
//! a text column one bin a level, ordered by the share of positive labels so that a cut of the order is a good split
//! into two sets of levels (Fisher 1958; Breiman et al. 1984, section 4.2.2). The binner then turns any table with
//! those columns into a [`Binned`], column-major, one byte a cell.
//!
//! Invariants: bin [`MISSING_BIN`] holds missing cells and texts that no training row had; bins 1 to 255 ascend with
//! the value (or the level's rank); the same training rows give the same bins.

use std::sync::Arc;

use assize_tables::{Column, ColumnData, Table};

use super::Training;
use crate::predictor::Error;

/// Bin of a missing cell, and of a text that the training rows did not have.
pub const MISSING_BIN: u8 = 0;
/// Most bins a column can have besides [`MISSING_BIN`].
pub const BINS_MAX: u16 = 255;
/// Rows looked at to place the cuts of a numeric column; more only cost time (scikit-learn's histogram boosting takes
/// as many).
const CUT_SAMPLE_ROWS_MAX: usize = 200_000;
/// Rows of the overall label share mixed into each level's share before levels are ordered, so that a level of two
/// rows does not land at an end by chance.
const ORDER_PRIOR_ROWS: f64 = 10.0;

/// How the cells of each feature become bins.
#[derive(Debug, Clone, PartialEq)]
pub struct Binner {
    features: Vec<FeatureBins>,
}

#[derive(Debug, Clone, PartialEq)]
struct FeatureBins {
    name: String,
    bins: Bins,
}

#[derive(Debug, Clone, PartialEq)]
enum Bins {
    /// Bin `1 + k` holds values above `cuts[k - 1]` and up to `cuts[k]`, inclusive.
    Numeric { cuts: Vec<f64> },
    /// Bin of each level that a training row had, in byte order of the level.
    Categorical { levels: Vec<(String, u8)> },
}

/// A table as bins of one [`Binner`].
#[derive(Debug, Clone)]
pub struct Binned {
    binner: Arc<Binner>,
    rows: usize,
    columns: Vec<Vec<u8>>,
}

impl Binner {
    /// Places the bins of `features` by the training rows of `table`.
    ///
    /// `max_bins` is clamped to 2..=[`BINS_MAX`]. A text column with more levels keeps the most frequent ones; the
    /// others share one bin.
    ///
    /// # Errors
    /// [`Error::Input`] for a feature that the table lacks, [`Error::Untrainable`] for a training set that does not
    /// fit the table.
    pub fn fit(table: &Table, features: &[&str], training: &Training<'_>, max_bins: u16) -> Result<Self, Error> {
        let rows = training.checked_rows(table.rows)?;
        let max_bins = usize::from(max_bins.clamp(2, BINS_MAX));
        let features = features
            .iter()
            .map(|name| {
                let column = table.column(name).ok_or_else(|| missing_column(name))?;
                let bins = match &column.data {
                    ColumnData::Numeric(values) => Bins::Numeric { cuts: numeric_cuts(values, &rows, max_bins) },
                    ColumnData::Categorical { codes, levels } => {
                        let levels = ordered_levels(codes, levels, &rows, training.labels, max_bins);
                        Bins::Categorical { levels }
                    }
                };
                Ok(FeatureBins { name: (*name).to_owned(), bins })
            })
            .collect::<Result<_, Error>>()?;
        Ok(Self { features })
    }

    /// Bins of all rows of a table that has this binner's columns (found by name).
    ///
    /// # Errors
    /// [`Error::Input`] for a column that is absent, or holds texts instead of numbers or the reverse.
    pub fn apply(self: &Arc<Self>, table: &Table) -> Result<Binned, Error> {
        let columns = self
            .features
            .iter()
            .map(|feature| {
                let column = table.column(&feature.name).ok_or_else(|| missing_column(&feature.name))?;
                feature.apply(column)
            })
            .collect::<Result<_, Error>>()?;
        Ok(Binned { binner: Arc::clone(self), rows: table.rows, columns })
    }

    /// Number of features.
    #[must_use]
    pub fn len(&self) -> usize {
        self.features.len()
    }

    /// Whether there is no feature at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.features.is_empty()
    }

    /// Feature names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.features.iter().map(|feature| feature.name.as_str())
    }

    /// Position of a feature.
    #[must_use]
    pub fn index(&self, name: &str) -> Option<usize> {
        self.features.iter().position(|feature| feature.name == name)
    }

    /// Whether the feature holds texts.
    #[must_use]
    pub fn is_categorical(&self, feature: usize) -> bool {
        matches!(self.features[feature].bins, Bins::Categorical { .. })
    }

    /// Number of bins of a feature, [`MISSING_BIN`] included: all its bins are below.
    #[must_use]
    pub fn bins(&self, feature: usize) -> usize {
        match &self.features[feature].bins {
            Bins::Numeric { cuts } => cuts.len() + 2,
            Bins::Categorical { levels } => levels.iter().map(|(_, bin)| usize::from(*bin)).max().unwrap_or(0) + 1,
        }
    }

    /// Bin of a number in a numeric feature; [`MISSING_BIN`] for NaN and in a text feature.
    #[must_use]
    pub fn bin_of_number(&self, feature: usize, value: f64) -> u8 {
        match &self.features[feature].bins {
            Bins::Numeric { cuts } => numeric_bin(cuts, value),
            Bins::Categorical { .. } => MISSING_BIN,
        }
    }

    /// Bin of a text in a text feature; [`MISSING_BIN`] for a text unseen in training and in a numeric feature.
    #[must_use]
    pub fn bin_of_level(&self, feature: usize, level: &str) -> u8 {
        match &self.features[feature].bins {
            Bins::Numeric { .. } => MISSING_BIN,
            Bins::Categorical { levels } => level_bin(levels, level),
        }
    }
}

impl FeatureBins {
    fn apply(&self, column: &Column) -> Result<Vec<u8>, Error> {
        match (&self.bins, &column.data) {
            (Bins::Numeric { cuts }, ColumnData::Numeric(values)) => {
                Ok(values.iter().map(|value| numeric_bin(cuts, *value)).collect())
            }
            (Bins::Categorical { levels }, ColumnData::Categorical { codes, levels: texts }) => {
                let bin_of_code: Vec<u8> = texts.iter().map(|text| level_bin(levels, text)).collect();
                Ok(codes.iter().map(|code| *bin_of_code.get(*code as usize).unwrap_or(&MISSING_BIN)).collect())
            }
            (Bins::Numeric { .. }, ColumnData::Categorical { .. }) => Err(Error::Input {
                expected: format!("numbers in column `{}`", self.name),
                found: "texts there".to_owned(),
            }),
            (Bins::Categorical { .. }, ColumnData::Numeric(_)) => Err(Error::Input {
                expected: format!("texts in column `{}`", self.name),
                found: "numbers there".to_owned(),
            }),
        }
    }
}

impl Binned {
    /// Number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The binner that made it.
    #[must_use]
    pub fn binner(&self) -> &Arc<Binner> {
        &self.binner
    }

    /// Bins of a feature, one a row.
    #[must_use]
    pub fn column(&self, feature: usize) -> &[u8] {
        &self.columns[feature]
    }

    /// The given rows, in the given order; a row may occur several times.
    #[must_use]
    pub fn select(&self, rows: &[u32]) -> Self {
        let columns =
            self.columns.iter().map(|column| rows.iter().map(|row| column[*row as usize]).collect()).collect();
        Self { binner: Arc::clone(&self.binner), rows: rows.len(), columns }
    }

    /// Copies rows `start..start + block.len() / stride` into `block`, row-major with `stride` bytes a row.
    pub(super) fn transpose_into(&self, start: usize, stride: usize, block: &mut [u8]) {
        let rows = block.len() / stride;
        for (feature, column) in self.columns.iter().enumerate() {
            for (row, bin) in column[start..start + rows].iter().enumerate() {
                block[row * stride + feature] = *bin;
            }
        }
    }
}

fn missing_column(name: &str) -> Error {
    Error::Input { expected: format!("a column `{name}`"), found: "no such column".to_owned() }
}

fn numeric_bin(cuts: &[f64], value: f64) -> u8 {
    if value.is_nan() {
        return MISSING_BIN;
    }
    let above = cuts.partition_point(|cut| *cut < value);
    u8::try_from(above + 1).expect("a feature has at most 255 bins")
}

fn level_bin(levels: &[(String, u8)], level: &str) -> u8 {
    levels.binary_search_by(|(known, _)| known.as_str().cmp(level)).map_or(MISSING_BIN, |at| levels[at].1)
}

/// Cuts between bins of about equal row counts; one bin a value when the values are few enough.
fn numeric_cuts(values: &[f64], rows: &[u32], max_bins: usize) -> Vec<f64> {
    let step = rows.len().div_ceil(CUT_SAMPLE_ROWS_MAX).max(1);
    let mut sorted: Vec<f64> =
        rows.iter().step_by(step).map(|row| values[*row as usize]).filter(|value| !value.is_nan()).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let distinct = 1 + sorted.windows(2).filter(|pair| pair[0] < pair[1]).count();
    let mut cuts = Vec::new();
    let (mut in_bin, mut left) = (0_usize, sorted.len());
    for pair in sorted.windows(2) {
        in_bin += 1;
        let bins_left = max_bins - cuts.len();
        if pair[0] < pair[1] && bins_left > 1 && (distinct <= max_bins || in_bin * bins_left >= left) {
            cuts.push(midpoint(pair[0], pair[1]));
            left -= in_bin;
            in_bin = 0;
        }
    }
    cuts
}

/// A cut with `low <= cut < high`.
fn midpoint(low: f64, high: f64) -> f64 {
    let middle = low + (high - low) / 2.0;
    if middle < high { middle } else { low }
}

/// Levels that training rows had, with their bins, in byte order of the level.
fn ordered_levels(codes: &[u32], levels: &[String], rows: &[u32], labels: &[u8], max_bins: usize) -> Vec<(String, u8)> {
    let mut counts = vec![(0_u32, 0_u32); levels.len()];
    for row in rows {
        // The code of a missing cell is beyond every level.
        if let Some((count, positives)) = counts.get_mut(codes[*row as usize] as usize) {
            *count += 1;
            *positives += u32::from(labels[*row as usize]);
        }
    }
    let total = counts.iter().fold((0.0, 0.0), |sum, (n, p)| (sum.0 + f64::from(*n), sum.1 + f64::from(*p)));
    let prior = if total.0 > 0.0 { total.1 / total.0 * ORDER_PRIOR_ROWS } else { 0.0 };
    let mut present: Vec<usize> = (0..levels.len()).filter(|code| counts[*code].0 > 0).collect();
    // Most frequent first, then those beyond the limit form one group with a common rate.
    present.sort_by_key(|code| (std::cmp::Reverse(counts[*code].0), *code));
    let own = if present.len() > max_bins { max_bins - 1 } else { present.len() };
    let mut groups: Vec<Vec<usize>> = present[..own].iter().map(|code| vec![*code]).collect();
    if own < present.len() {
        groups.push(present[own..].to_vec());
    }
    let rate = |group: &Vec<usize>| {
        let (n, p) = group
            .iter()
            .fold((0.0, 0.0), |sum, code| (sum.0 + f64::from(counts[*code].0), sum.1 + f64::from(counts[*code].1)));
        (p + prior) / (n + ORDER_PRIOR_ROWS)
    };
    groups.sort_by(|a, b| rate(a).total_cmp(&rate(b)).then_with(|| a[0].cmp(&b[0])));
    let mut bins: Vec<(String, u8)> = Vec::with_capacity(present.len());
    for (rank, group) in groups.iter().enumerate() {
        let bin = u8::try_from(rank + 1).expect("a feature has at most 255 bins");
        bins.extend(group.iter().map(|code| (levels[*code].clone(), bin)));
    }
    bins.sort();
    bins
}
