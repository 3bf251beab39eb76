//! Remedies that are computed, not advised: what to set, what it mends, what it costs.
//!
//! Group thresholds and the best single threshold come from the score histograms and are measured on the rows they were
//! chosen on. Reweighing is stated with its weights; its effect is known only after training again, so `after` stays
//! empty until the caller has done that. Every remedy is deterministic: no decision is ever drawn by lot (fairlearn
//! #1402). A remedy is given where its metric is beyond the threshold, and only for single attributes.

mod reweighing;
mod thresholds;

use assize_tables::{Cancel, Cancelled, Cells};

pub use reweighing::{GroupWeight, reweighing_weights};

use crate::document::{Mitigation, NamedValue, SweepPoint};
use crate::metrics::tally::{Attribute, Rate};
use crate::metrics::{MeasureSettings, Present};

/// What remedies are computed from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ground<'a> {
    pub(crate) cells: &'a Cells,
    /// The single attributes, in key order.
    pub(crate) attributes: &'a [Attribute],
    pub(crate) sweep: &'a [SweepPoint],
    pub(crate) settings: &'a MeasureSettings<'a>,
    pub(crate) present: Present,
}

/// All remedies, by attribute; none without labels, for then no price can be told.
pub(crate) fn compute(ground: &Ground<'_>, cancel: &Cancel) -> Result<Vec<Mitigation>, Cancelled> {
    let mut mitigations = Vec::new();
    if !(ground.present.labels && ground.present.decisions) {
        return Ok(mitigations);
    }
    for (key, attribute) in ground.attributes.iter().enumerate() {
        cancel.check()?;
        if ground.present.scores {
            mitigations.extend(thresholds::by_group(ground, attribute, cancel)?);
            mitigations.extend(thresholds::single(ground, attribute, key));
        }
        mitigations.extend(reweighing(ground, attribute, key));
    }
    Ok(mitigations)
}

/// Max - min of a rate over the groups large enough; `None` for fewer than two.
pub(crate) fn range(attribute: &Attribute, rate: Rate, group_size_min: u64) -> Option<[f64; 2]> {
    let admitted = attribute.groups.iter().filter(|tally| tally.admits(rate, group_size_min));
    let rates: Vec<f64> = admitted.filter_map(|tally| tally.rate(rate)).collect();
    (rates.len() >= 2)
        .then(|| rates.iter().fold([f64::INFINITY, 0.0], |[l, h], &rate| [f64::min(l, rate), f64::max(h, rate)]))
}

/// Share of labelled decisions that are right, over all groups.
pub(crate) fn accuracy(attribute: &Attribute) -> Option<f64> {
    let (right, all) = attribute.groups.iter().fold((0.0, 0.0), |(right, all), tally| {
        let weights = &tally.weights;
        let correct = weights[0][0] + weights[1][1];
        (right + correct, all + correct + weights[0][1] + weights[1][0])
    });
    (all > 0.0).then(|| right / all)
}

/// Training weights, where selection rates differ by more than the threshold.
fn reweighing(ground: &Ground<'_>, attribute: &Attribute, key: usize) -> Option<Mitigation> {
    let limits = ground.settings.thresholds;
    let [low, high] = range(attribute, Rate::Selection, limits.group_size_min)?;
    if high - low <= limits.demographic_parity_difference_max {
        return None;
    }
    let settings = reweighing_weights(ground.cells, key).into_iter().map(|weight| NamedValue {
        name: format!("{}, {} label", weight.group, if weight.label == 1 { "favourable" } else { "unfavourable" }),
        value: Some(weight.weight),
    });
    Some(Mitigation {
        kind: "reweighing".to_owned(),
        attribute: attribute.name.clone(),
        goal: "demographic_parity".to_owned(),
        settings: settings.collect(),
        before: Some(high - low),
        after: None,
        accuracy_before: accuracy(attribute),
        accuracy_after: None,
        changed: Vec::new(),
        note: "Give each training row the weight P(group) P(label) / P(group, label) of its group and label (Kamiran and \
               Calders 2012) and train again; decisions stay blind to the attribute. The effect is known after training."
            .to_owned(),
    })
}
