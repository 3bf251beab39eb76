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

use flips::Flips;
pub(crate) use judge::judge;
use noise::Noise;

/// A model with the rows it is asked about, and their groups.
pub(crate) struct Asked<'a> {
    pub(crate) asker: Asker<'a>,
    pub(crate) groups: Vec<Groups>,
}

/// What the layer is made from.
pub(crate) struct StressInput<'a> {
    /// For single attributes and noise; `None` when the decisions are a column.
    pub(crate) asked: Option<Asked<'a>>,
    /// For pairs of attributes, whose values multiply: fewer rows.
    pub(crate) asked_in_pairs: Option<Asked<'a>>,
    pub(crate) metrics: &'a FairnessMetrics,
    pub(crate) worst_subgroups: Vec<Subgroup>,
    pub(crate) stability: Vec<Stability>,
    pub(crate) thresholds: &'a Thresholds,
    pub(crate) confidence: f64,
    pub(crate) seed: u64,
}

/// Measures the layer; score and status are left to [`judge`].
pub(crate) fn examine(input: StressInput<'_>, cancel: &Cancel) -> Result<StressTest, Error> {
    let (mut flips, mut perturbations) = (Vec::new(), Vec::new());
    if let Some(asked) = &input.asked {
        let (single, noise) = (Flips::single(asked), Noise::new(asked, input.seed));
        let mut asks = single.asks();
        let noisy = 1 + asks.len();
        asks.extend(noise.asks());
        let answers = asked.asker.ask(&asks, cancel)?;
        flips = single.compare(&answers[0], &answers[1..noisy], input.confidence);
        let group_size_min = input.thresholds.group_size_min;
        perturbations = noise.compare(asked, &answers[0], &answers[noisy..], group_size_min, input.confidence);
    }
    if let Some(asked) = &input.asked_in_pairs {
        let pairs = Flips::in_pairs(asked);
        let answers = asked.asker.ask(&pairs.asks(), cancel)?;
        flips.extend(pairs.compare(&answers[0], &answers[1..], input.confidence));
    }
    let flips_reason = input.asked.is_none().then(|| {
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
