//! The rates of each group with their intervals, and its comparison with the reference group.

use assize_tables::cells::MISSING_GROUP;

use super::scores;
use super::tally::{Attribute, Rate, Tally};
use super::{MeasureSettings, Present};
use crate::document::{Estimate, GroupMetrics, ReferenceGroup, Verdict};
use crate::statistics::{katz, newcombe, two_proportions, wilson};

/// The name of the reference when no group is large enough to be one.
pub(crate) const NO_REFERENCE: &str = "(none)";

/// The group that others are compared with.
#[derive(Debug)]
pub(crate) struct Reference {
    /// Index of the group; `None` when no group is large enough.
    pub(crate) group: Option<usize>,
    /// For the certificate.
    pub(crate) named: ReferenceGroup,
}

/// The reference that was given, else the group with the highest selection rate among those large enough (29 CFR
/// 1607.4(D)); rows whose attribute is missing are nobody's reference unless nothing else is there.
pub(crate) fn choose_reference(attribute: &Attribute, settings: &MeasureSettings<'_>) -> Reference {
    let named = |group: Option<usize>, rule: String| Reference {
        group,
        named: ReferenceGroup {
            attribute: attribute.name.clone(),
            group: group.map_or_else(|| NO_REFERENCE.to_owned(), |group| attribute.groups[group].name.clone()),
            rule,
        },
    };
    let given = settings.reference_groups.iter().find(|given| given.attribute == attribute.name);
    if let Some(given) = given
        && let Some(group) = attribute.groups.iter().position(|tally| tally.name == given.group)
    {
        return named(Some(group), "given".to_owned());
    }
    let min = settings.thresholds.group_size_min;
    let highest = |missing: bool| {
        let candidates = attribute.groups.iter().enumerate();
        candidates
            .filter(|(_, tally)| tally.missing == missing && tally.admits(Rate::Selection, min))
            .filter_map(|(group, tally)| Some((group, tally.rate(Rate::Selection)?)))
            // Of equals the first.
            .fold(None, |best: Option<(usize, f64)>, (group, rate)| match best {
                Some((_, highest)) if highest >= rate => best,
                _ => Some((group, rate)),
            })
            .map(|(group, _)| group)
    };
    let rule = match given {
        Some(given) => format!("highest selection rate (`{}` was given and does not occur)", given.group),
        None => "highest selection rate".to_owned(),
    };
    named(highest(false).or_else(|| highest(true)), rule)
}

/// A rate with its Wilson interval.
pub(crate) fn estimate(tally: &Tally, rate: Rate, settings: &MeasureSettings<'_>) -> Estimate {
    let (share, n) = (tally.share(rate), tally.denominator(rate));
    let Some(value) = share.rate() else {
        return Estimate { n, reason: Some(format!("no {}", rate.denominator())), ..Estimate::default() };
    };
    Estimate {
        value: Some(value),
        interval: Some(wilson(share, settings.confidence)),
        n,
        reason: too_small(tally, rate, settings.thresholds.group_size_min),
    }
}

/// Why a rate of this group is not scored.
pub(crate) fn too_small(tally: &Tally, rate: Rate, group_size_min: u64) -> Option<String> {
    let n = tally.denominator(rate);
    (n < group_size_min)
        .then(|| format!("{n} {}, under the minimum of {group_size_min}: not scored", rate.denominator()))
}

/// All groups of an attribute.
pub(crate) fn measure_groups(
    attribute: &Attribute,
    reference: &Reference,
    settings: &MeasureSettings<'_>,
    present: Present,
) -> Vec<GroupMetrics> {
    let list_bins = attribute.columns.len() == 1;
    let groups = attribute.groups.iter().enumerate();
    groups
        .map(|(index, tally)| {
            let mut group = rates(tally, settings);
            compare(&mut group, attribute, reference, index, settings);
            if present.scores {
                let reference = reference.group.map(|group| &attribute.groups[group]);
                group.scores = scores::measure_group(tally, reference, settings, list_bins);
            }
            group
        })
        .collect()
}

/// Everything that needs this group alone.
fn rates(tally: &Tally, settings: &MeasureSettings<'_>) -> GroupMetrics {
    let rate = |rate: Rate| estimate(tally, rate, settings);
    let count = |label: usize, decision: usize| tally.rows[label][decision] as u64;
    let weight = |label: usize, decision: usize| tally.weights[label][decision];
    let (tp, fp, fn_) = (weight(1, 1), weight(0, 1), weight(1, 0));
    let balanced = tally.rate(Rate::Tpr).zip(tally.rate(Rate::Tnr));
    GroupMetrics {
        group: tally.name.clone(),
        n: tally.n(),
        tp: count(1, 1),
        fp: count(0, 1),
        fn_: count(1, 0),
        tn: count(0, 0),
        small: !tally.admits(Rate::Selection, settings.thresholds.group_size_min),
        base_rate: rate(Rate::Base),
        selection_rate: rate(Rate::Selection),
        tpr: rate(Rate::Tpr),
        fpr: rate(Rate::Fpr),
        tnr: rate(Rate::Tnr),
        fnr: rate(Rate::Fnr),
        ppv: rate(Rate::Ppv),
        npv: rate(Rate::Npv),
        fdr: rate(Rate::Fdr),
        for_: rate(Rate::For),
        accuracy: rate(Rate::Accuracy),
        balanced_accuracy: balanced.map(|(tpr, tnr)| f64::midpoint(tpr, tnr)),
        f1: quotient(2.0 * tp, 2.0 * tp + fp + fn_),
        treatment_equality: quotient(fn_, fp),
        disparate_impact: Estimate::default(),
        selection_rate_difference: Estimate::default(),
        disparate_impact_verdict: Verdict::NotEnoughData,
        p_value: None,
        p_adjusted: None,
        scores: None,
    }
}

/// Fills what compares the group with the reference.
fn compare(
    group: &mut GroupMetrics,
    attribute: &Attribute,
    reference: &Reference,
    index: usize,
    settings: &MeasureSettings<'_>,
) {
    let tally = &attribute.groups[index];
    let min = settings.thresholds.group_size_min;
    let n = tally.denominator(Rate::Selection);
    let undefined = |reason: &str| Estimate { n, reason: Some(reason.to_owned()), ..Estimate::default() };
    let Some(reference) = reference.group else {
        group.disparate_impact = undefined("no group is large enough to compare with");
        group.selection_rate_difference = group.disparate_impact.clone();
        return;
    };
    if reference == index {
        let itself = |value: f64| Estimate { value: Some(value), ..undefined("the reference group itself") };
        let selected = tally.rate(Rate::Selection).is_some_and(|rate| rate > 0.0);
        group.disparate_impact = if selected { itself(1.0) } else { undefined("nobody of the reference is selected") };
        group.selection_rate_difference = itself(0.0);
        group.disparate_impact_verdict = if selected && !group.small { Verdict::Pass } else { Verdict::NotEnoughData };
        return;
    }
    let other = &attribute.groups[reference];
    let (here, there) = (tally.share(Rate::Selection), other.share(Rate::Selection));
    let Some((rate, other_rate)) = here.rate().zip(there.rate()) else {
        group.disparate_impact = undefined("no rows with a decision");
        group.selection_rate_difference = group.disparate_impact.clone();
        return;
    };
    let reason = too_small(tally, Rate::Selection, min)
        .or_else(|| too_small(other, Rate::Selection, min).map(|reason| format!("the reference has {reason}")));
    group.selection_rate_difference = Estimate {
        value: Some(rate - other_rate),
        interval: newcombe(here, there, settings.confidence),
        n,
        reason: reason.clone(),
    };
    group.disparate_impact = match katz(here, there, settings.confidence) {
        Some(interval) => {
            Estimate { value: Some(rate / other_rate), interval: Some(interval), n, reason: reason.clone() }
        }
        None => undefined("nobody of the reference is selected"),
    };
    group.p_value = two_proportions(here, there);
    if let (None, Some(interval)) = (reason, group.disparate_impact.interval) {
        group.disparate_impact_verdict = at_least(interval, settings.thresholds.disparate_impact_min);
    }
}

/// Verdict of something that must not be under the threshold.
pub(crate) fn at_least([low, high]: [f64; 2], threshold: f64) -> Verdict {
    if low >= threshold {
        Verdict::Pass
    } else if high < threshold {
        Verdict::Fail
    } else {
        Verdict::NotEnoughData
    }
}

/// Verdict of something that must not be over the threshold.
pub(crate) fn at_most([low, high]: [f64; 2], threshold: f64) -> Verdict {
    if high <= threshold {
        Verdict::Pass
    } else if low > threshold {
        Verdict::Fail
    } else {
        Verdict::NotEnoughData
    }
}

/// a / b; `None` for b = 0.
pub(crate) fn quotient(a: f64, b: f64) -> Option<f64> {
    (b > 0.0).then(|| a / b)
}

/// Whether any level of a group name is missing; for names that come from elsewhere.
pub(crate) fn is_missing(group: &str) -> bool {
    group.split(" | ").any(|level| level == MISSING_GROUP)
}
