//! Layer 2 of the certificate: what the decisions do under change.

use serde::{Deserialize, Serialize};

use super::{Estimate, GroupShare, ScoreTerm, Status};

/// Layer 2: the decisions under change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StressTest {
    /// 0 to 100, two decimals; higher is less biased.
    pub bias_score: f64,
    /// Layer status.
    pub status: Status,
    /// What was taken off the score.
    pub score_terms: Vec<ScoreTerm>,
    /// Counterfactual flips; empty with the reason in `flips_reason` when no model could be asked.
    pub flips: Vec<Flip>,
    /// Why there are no flips.
    pub flips_reason: Option<String>,
    /// Decisions under small changes of the other columns, by group.
    pub perturbations: Vec<Perturbation>,
    /// Metrics when group shares are shifted by re-weighting.
    pub shifts: Vec<Shift>,
    /// The worst subgroups found by search to depth 3, worst first.
    pub worst_subgroups: Vec<Subgroup>,
    /// How stable the verdict is over resamples: share of resamples with the same disparate impact verdict.
    pub stability: Vec<Stability>,
}

/// What happens when only the protected value is replaced.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Flip {
    /// Protected attribute, or `race x sex` for a pair flipped together.
    pub attribute: String,
    /// Share of rows whose decision changes under at least one replacement.
    pub flip_rate: Estimate,
    /// Share that becomes favourable minus share that becomes unfavourable, per replacement value.
    pub to_value: Vec<FlipTo>,
    /// Mean over rows of the largest change of score.
    pub mean_max_score_change: Option<f64>,
}

/// One replacement value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FlipTo {
    /// Everybody set to this group.
    pub group: String,
    /// Share of rows that become favourable.
    pub gained: f64,
    /// Share of rows that become unfavourable.
    pub lost: f64,
}

/// Decisions under noise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Perturbation {
    /// Attribute.
    pub attribute: String,
    /// e.g. `numeric +-1 % of range`, `numeric +-5 % of range`, `one category swapped`.
    pub change: String,
    /// Share of changed decisions by group.
    pub by_group: Vec<GroupShare>,
    /// Largest minus smallest over groups large enough.
    pub range: Option<f64>,
}

/// Metrics under a shifted population.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Shift {
    /// Attribute whose shares are shifted.
    pub attribute: String,
    /// In words, e.g. `Female share doubled`.
    pub shift: String,
    /// Overall selection rate after.
    pub selection_rate: f64,
    /// Overall accuracy after; `None` without labels.
    pub accuracy: Option<f64>,
}

/// A subgroup in words.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Subgroup {
    /// e.g. `sex = Female and age = (25, 35]`.
    pub description: String,
    /// Rows.
    pub n: u64,
    /// Selection rate.
    pub selection_rate: Estimate,
    /// Selection rate of everybody else.
    pub rest_selection_rate: f64,
    /// After correction over all subgroups searched.
    pub p_adjusted: f64,
    /// How many subgroups were searched.
    pub searched: u64,
}

/// Agreement of a verdict over resamples.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stability {
    /// Attribute.
    pub attribute: String,
    /// Share of bootstrap resamples on the same side of the four-fifths line.
    pub agreement: f64,
}
