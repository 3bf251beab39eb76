//! Layer 2, the decisions under change: another protected value, small noise, another population, the worst subgroup.
//!
//! Flow: [`examine`] asks the model about changed rows (when there is a model to ask) and shifts the measured groups;
//! [`judge`] holds the result against limits and takes points off a score of 100.

mod flips;
mod judge;
mod noise;
mod shift;

use assize_tables::Cancel;

use crate::audit::{Asker, Error, Groups};
use crate::document::{FairnessMetrics, Stability, Status, StressTest, Subgroup, Thresholds};

pub(crate) use judge::judge;

/// What the layer is made from.
pub(crate) struct StressInput<'a> {
    /// The model with the rows it is asked about; `None` when the decisions are a column.
    pub(crate) asker: Option<&'a Asker<'a>>,
    /// Groups of those rows.
    pub(crate) groups: &'a [Groups],
    pub(crate) metrics: &'a FairnessMetrics,
    pub(crate) worst_subgroups: Vec<Subgroup>,
    pub(crate) stability: Vec<Stability>,
    pub(crate) thresholds: &'a Thresholds,
    pub(crate) confidence: f64,
    pub(crate) seed: u64,
}

/// Measures the layer; score and status are left to [`judge`].
pub(crate) fn examine(input: StressInput<'_>, cancel: &Cancel) -> Result<StressTest, Error> {
    let (flips, perturbations) = match input.asker {
        Some(asker) => (
            flips::flips(asker, input.groups, input.confidence, cancel)?,
            noise::perturbations(
                asker,
                input.groups,
                input.thresholds.group_size_min,
                input.confidence,
                input.seed,
                cancel,
            )?,
        ),
        None => (Vec::new(), Vec::new()),
    };
    let flips_reason = input.asker.is_none().then(|| {
        "the decisions are a column of the data: there is no model that could be asked about changed rows".to_owned()
    });
    Ok(StressTest {
        bias_score: 0.0,
        status: Status::Pass,
        score_terms: Vec::new(),
        flips,
        flips_reason,
        perturbations,
        shifts: shift::shifts(&input.metrics.attributes),
        worst_subgroups: input.worst_subgroups,
        stability: input.stability,
    })
}
