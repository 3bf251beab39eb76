//! Groups and their counts: the cells projected on one attribute or one intersection.
//!
//! Everything later reads these tallies. Rows and weights are both kept: row counts are reported and decide what is
//! large enough; point estimates come from weights; intervals and tests from *effective* counts, the weights scaled to
//! Kish's effective sample size (sum w)^2 / sum w^2. Cells hold no sum of squared weights, so sum w^2 is taken as if the
//! rows of one cell weighed the same: exact for weights that depend on group, label, decision and score, else a lower
//! bound (Cauchy-Schwarz), which makes intervals a little too narrow; the certificate's method says so.

use std::collections::BTreeMap;

use assize_tables::Cells;
use assize_tables::cells::{MISSING_GROUP, NO_SCORE, SCORE_BINS, WEIGHT_ONE};

use crate::statistics::Share;

/// Joins attribute names in the name of an intersection.
const ATTRIBUTE_JOIN: &str = " x ";
/// Joins level names in the name of a group of an intersection.
const GROUP_JOIN: &str = " | ";

/// Score bins as an index.
pub(crate) const BINS: usize = SCORE_BINS as usize;

/// Counts by `[label][decision]`; index 2 is "none".
pub(crate) type Table = [[f64; 3]; 3];

/// One protected attribute, or an intersection of several.
#[derive(Debug, Clone)]
pub(crate) struct Attribute {
    /// `race` or `race x sex`.
    pub(crate) name: String,
    /// The columns.
    pub(crate) columns: Vec<String>,
    /// Its place among all attributes and intersections: the random stream of its bootstrap.
    pub(crate) stream: u64,
    /// Groups in the order of their levels: names in byte order, bands in numeric order, missing last.
    pub(crate) groups: Vec<Tally>,
}

/// The counts of one group.
#[derive(Debug, Clone)]
pub(crate) struct Tally {
    /// Levels joined by ` | `.
    pub(crate) name: String,
    /// In words, e.g. `race = Black and sex = Female`.
    pub(crate) words: String,
    /// Whether a level of it is the missing value.
    pub(crate) missing: bool,
    /// Rows.
    pub(crate) rows: Table,
    /// Weights.
    pub(crate) weights: Table,
    /// Effective rows per unit of weight: 1 when unweighted.
    pub(crate) scale: f64,
    /// Scores; `None` when no row of the group has one.
    pub(crate) scores: Option<Histogram>,
}

/// The scored rows of a group by score bin.
#[derive(Debug, Clone)]
pub(crate) struct Histogram {
    /// Weights by label: unfavourable, favourable, none.
    pub(crate) weights: [Vec<f64>; 3],
    /// Rows with a label.
    pub(crate) labelled_rows: Vec<u64>,
    /// Rows by decision: rejected, selected.
    pub(crate) decided_rows: [Vec<u64>; 2],
    /// Weight of rows that were decided as labelled.
    pub(crate) correct: f64,
}

/// A rate of a group: a count over a count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rate {
    /// (TP+FN)/n.
    Base,
    /// (TP+FP)/n.
    Selection,
    /// TP/(TP+FN).
    Tpr,
    /// FP/(FP+TN).
    Fpr,
    /// TN/(FP+TN).
    Tnr,
    /// FN/(TP+FN).
    Fnr,
    /// TP/(TP+FP).
    Ppv,
    /// TN/(TN+FN).
    Npv,
    /// FP/(TP+FP).
    Fdr,
    /// FN/(TN+FN).
    For,
    /// (TP+TN)/n.
    Accuracy,
}

/// `[label, decision]` places in a [`Table`].
type Places = &'static [[usize; 2]];

impl Rate {
    /// Numerator and denominator.
    pub(crate) fn places(self) -> (Places, Places) {
        const POSITIVES: Places = &[[1, 0], [1, 1]];
        const NEGATIVES: Places = &[[0, 0], [0, 1]];
        const SELECTED: Places = &[[0, 1], [1, 1]];
        const REJECTED: Places = &[[0, 0], [1, 0]];
        match self {
            Self::Base => (&[[1, 0], [1, 1], [1, 2]], &[[0, 0], [0, 1], [0, 2], [1, 0], [1, 1], [1, 2]]),
            Self::Selection => (&[[0, 1], [1, 1], [2, 1]], &[[0, 0], [1, 0], [2, 0], [0, 1], [1, 1], [2, 1]]),
            Self::Tpr => (&[[1, 1]], POSITIVES),
            Self::Fnr => (&[[1, 0]], POSITIVES),
            Self::Fpr => (&[[0, 1]], NEGATIVES),
            Self::Tnr => (&[[0, 0]], NEGATIVES),
            Self::Ppv => (&[[1, 1]], SELECTED),
            Self::Fdr => (&[[0, 1]], SELECTED),
            Self::Npv => (&[[0, 0]], REJECTED),
            Self::For => (&[[1, 0]], REJECTED),
            Self::Accuracy => (&[[0, 0], [1, 1]], &[[0, 0], [0, 1], [1, 0], [1, 1]]),
        }
    }

    /// What the denominator counts, for reasons.
    pub(crate) fn denominator(self) -> &'static str {
        match self {
            Self::Base => "rows with a label",
            Self::Selection => "rows with a decision",
            Self::Tpr | Self::Fnr => "rows with a favourable label",
            Self::Fpr | Self::Tnr => "rows with an unfavourable label",
            Self::Ppv | Self::Fdr => "rows with a favourable decision",
            Self::Npv | Self::For => "rows with an unfavourable decision",
            Self::Accuracy => "rows with a label and a decision",
        }
    }
}

/// Sum over places of a table.
pub(crate) fn sum(table: &Table, places: Places) -> f64 {
    places.iter().map(|&[label, decision]| table[label][decision]).sum()
}

impl Tally {
    fn new(names: &[(&str, &str)], scored: bool) -> Self {
        let levels: Vec<&str> = names.iter().map(|(_, level)| *level).collect();
        let words: Vec<String> = names.iter().map(|(column, level)| format!("{column} = {level}")).collect();
        Self {
            name: levels.join(GROUP_JOIN),
            words: words.join(" and "),
            missing: levels.contains(&MISSING_GROUP),
            rows: Table::default(),
            weights: Table::default(),
            scale: 1.0,
            scores: scored.then(Histogram::empty),
        }
    }

    /// All rows.
    pub(crate) fn n(&self) -> u64 {
        self.rows.iter().flatten().sum::<f64>() as u64
    }

    /// Rows in the denominator of a rate.
    pub(crate) fn denominator(&self, rate: Rate) -> u64 {
        sum(&self.rows, rate.places().1) as u64
    }

    /// The rate in effective counts. Its quotient is the weighted rate.
    pub(crate) fn share(&self, rate: Rate) -> Share {
        let (hits, all) = rate.places();
        let n = sum(&self.weights, all) * self.scale;
        // Sums in another order may differ in the last bit.
        Share { hits: (sum(&self.weights, hits) * self.scale).min(n), n }
    }

    /// The rate; `None` when its denominator is empty.
    pub(crate) fn rate(&self, rate: Rate) -> Option<f64> {
        self.share(rate).rate()
    }

    /// Whether the denominator of the rate reaches the minimum.
    pub(crate) fn admits(&self, rate: Rate, group_size_min: u64) -> bool {
        self.denominator(rate) >= group_size_min.max(1) && self.share(rate).n > 0.0
    }
}

impl Histogram {
    pub(crate) fn empty() -> Self {
        Self {
            weights: [vec![0.0; BINS], vec![0.0; BINS], vec![0.0; BINS]],
            labelled_rows: vec![0; BINS],
            decided_rows: [vec![0; BINS], vec![0; BINS]],
            correct: 0.0,
        }
    }

    /// Weight of a bin over all labels.
    pub(crate) fn total(&self, bin: usize) -> f64 {
        self.weights.iter().map(|weights| weights[bin]).sum()
    }
}

/// All single attributes, then all intersections up to `depth` keys that stay under `groups_max` groups; with the names
/// of those that do not.
pub(crate) fn project(cells: &Cells, depth: usize, groups_max: usize) -> (Vec<Attribute>, Vec<String>) {
    let mut attributes = Vec::new();
    let mut skipped = Vec::new();
    for (stream, keys) in combinations(cells.keys.len(), depth.max(1)).into_iter().enumerate() {
        match project_one(cells, &keys, stream as u64, groups_max) {
            Some(attribute) => attributes.push(attribute),
            None => skipped.push(attribute_name(cells, &keys)),
        }
    }
    (attributes, skipped)
}

/// The cells projected on these keys; `None` when there are more than `groups_max` groups and more than one key.
pub(crate) fn project_one(cells: &Cells, keys: &[usize], stream: u64, groups_max: usize) -> Option<Attribute> {
    let scored = cells.cells.iter().any(|cell| cell.bin != NO_SCORE);
    let projected: Vec<Vec<u16>> =
        cells.groups.iter().map(|levels| keys.iter().map(|&key| levels[key]).collect()).collect();
    let mut places: BTreeMap<&[u16], usize> = projected.iter().map(|levels| (levels.as_slice(), 0)).collect();
    if keys.len() > 1 && places.len() > groups_max {
        return None;
    }
    let mut groups = Vec::with_capacity(places.len());
    for (levels, place) in &mut places {
        *place = groups.len();
        let names: Vec<(&str, &str)> = keys
            .iter()
            .zip(*levels)
            .map(|(&key, &level)| {
                let key = &cells.keys[key];
                (key.column.as_str(), key.levels[usize::from(level)].as_str())
            })
            .collect();
        groups.push(Tally::new(&names, scored));
    }
    let place_of: Vec<usize> = projected.iter().map(|levels| places[levels.as_slice()]).collect();
    fill(cells, &place_of, &mut groups);
    Some(Attribute {
        name: attribute_name(cells, keys),
        columns: keys.iter().map(|&key| cells.keys[key].column.clone()).collect(),
        stream,
        groups,
    })
}

fn fill(cells: &Cells, place_of: &[usize], groups: &mut [Tally]) {
    let mut squares = vec![0.0; groups.len()];
    let mut weighted = false;
    for cell in &cells.cells {
        let place = place_of[cell.group as usize];
        let tally = &mut groups[place];
        let rows = cell.count as f64;
        // Readers refuse negative weights; should one come through it weighs nothing.
        let weight = cell.weight.max(0) as f64 / WEIGHT_ONE as f64;
        weighted |= weight != rows;
        squares[place] += weight * weight / rows.max(1.0);
        let (label, decision) = (usize::from(cell.label.min(2)), usize::from(cell.prediction.min(2)));
        tally.rows[label][decision] += rows;
        tally.weights[label][decision] += weight;
        let bin = usize::from(cell.bin);
        if let (Some(histogram), true) = (&mut tally.scores, bin < BINS) {
            histogram.weights[label][bin] += weight;
            histogram.labelled_rows[bin] += if label < 2 { cell.count } else { 0 };
            if decision < 2 {
                histogram.decided_rows[decision][bin] += cell.count;
                histogram.correct += if label == decision { weight } else { 0.0 };
            }
        }
    }
    for (tally, squares) in groups.iter_mut().zip(squares) {
        let total: f64 = tally.weights.iter().flatten().sum();
        if weighted && squares > 0.0 {
            tally.scale = total / squares;
        }
        if tally.scores.as_ref().is_some_and(|histogram| (0..BINS).all(|bin| histogram.total(bin) == 0.0)) {
            tally.scores = None;
        }
    }
}

fn attribute_name(cells: &Cells, keys: &[usize]) -> String {
    let columns: Vec<&str> = keys.iter().map(|&key| cells.keys[key].column.as_str()).collect();
    columns.join(ATTRIBUTE_JOIN)
}

/// Index sets of size 1, then 2, up to `depth`, each in lexicographic order.
fn combinations(keys: usize, depth: usize) -> Vec<Vec<usize>> {
    let mut all: Vec<Vec<usize>> = (0..keys).map(|key| vec![key]).collect();
    let mut from = 0;
    for _ in 1..depth {
        let to = all.len();
        for index in from..to {
            let last = *all[index].last().expect("a combination has at least one key");
            for next in last + 1..keys {
                let mut longer = all[index].clone();
                longer.push(next);
                all.push(longer);
            }
        }
        from = to;
    }
    all
}
