//! Layer 2 held against limits: one finding a test, points off for what was found.
//!
//! The limit of a flip is the domain's (`thresholds.flip_rate_max`); the others are choices of this project, named below.

use crate::document::{Estimate, Finding, Flip, Severity, StressTest, Thresholds, Verdict};
use crate::verdict::{self, Score, exact, percent, percent_with_interval};

const LAYER: &str = "stress_test";
/// Largest difference between groups in the share of decisions that small noise turns.
const NOISE_RANGE_MAX: f64 = 0.05;
/// Change of the overall selection rate by another mix of groups that is noticeable.
const SHIFT_MAX: f64 = 0.05;
/// Share of resamples that must agree on the side of the four-fifths line.
const AGREEMENT_MIN: f64 = 0.9;
/// Significance of a subgroup, after the correction over all that were searched.
const SIGNIFICANCE: f64 = 0.05;
/// Subgroups that get a finding; the search lists more.
const SUBGROUPS_JUDGED: usize = 3;

/// Findings of the layer, worst first; fills in score, terms and status. `selection_rate` is that of all judged rows.
pub(crate) fn judge(
    layer: &mut StressTest,
    selection_rate: f64,
    thresholds: &Thresholds,
    confidence: f64,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut score = Score::default();
    for flip in &layer.flips {
        judge_flip(flip, thresholds, confidence, &mut findings, &mut score);
    }
    if let Some(reason) = &layer.flips_reason {
        let message = format!("Counterfactual flips were not assessed: {reason}.");
        let estimate = Estimate { reason: Some(reason.clone()), ..Estimate::default() };
        findings.push(Finding {
            estimate,
            threshold: Some(thresholds.flip_rate_max),
            reference: "Kusner et al. 2017".to_owned(),
            ..verdict::finding(LAYER, "bias.flip_rate", Severity::High, Verdict::NotAssessed, "all attributes", message)
        });
    }
    noise(layer, &mut findings, &mut score);
    shifts(layer, selection_rate, &mut findings, &mut score);
    subgroups(layer, thresholds, &mut findings, &mut score);
    stability(layer, &mut findings, &mut score);
    verdict::sort(&mut findings);
    (layer.bias_score, layer.score_terms) = score.finish();
    layer.status = verdict::status(&findings);
    findings
}

/// Points of a flip rate: ten at the limit, all of `max` at three times the limit.
fn flip_points(rate: f64, limit: f64, max: f64) -> f64 {
    if rate == 0.0 { 0.0 } else { max * rate / (3.0 * limit.max(0.001)) }
}

fn judge_flip(flip: &Flip, thresholds: &Thresholds, confidence: f64, findings: &mut Vec<Finding>, score: &mut Score) {
    let pair = flip.attribute.contains(" x ");
    let verdict = verdict::at_most(&flip.flip_rate, thresholds.flip_rate_max);
    let rate = flip.flip_rate.value.unwrap_or(0.0);
    let most = flip.to_value.iter().max_by(|a, b| (a.gained + a.lost).total_cmp(&(b.gained + b.lost)));
    let direction = most.filter(|most| most.gained + most.lost > 0.0).map_or_else(String::new, |most| {
        format!("; set to {}, {} gain and {} lose the decision", most.group, percent(most.gained), percent(most.lost))
    });
    let message = match &flip.flip_rate.reason {
        Some(reason) => format!("Replacing {} alone changes no decision: {reason}.", flip.attribute),
        None => format!(
            "Replacing {} alone changes {} of the decisions{direction}.",
            flip.attribute,
            percent_with_interval(&flip.flip_rate, confidence)
        ),
    };
    let max = if pair { 4.0 } else { 12.0 };
    let name = format!("decisions that hang on {}", flip.attribute);
    score.take(&name, flip_points(rate, thresholds.flip_rate_max, max), max, message.clone());
    let severity = if pair { Severity::Medium } else { Severity::High };
    findings.push(Finding {
        groups: most.map(|most| vec![most.group.clone()]).unwrap_or_default(),
        estimate: flip.flip_rate.clone(),
        threshold: Some(thresholds.flip_rate_max),
        reference: "Kusner et al. 2017".to_owned(),
        ..verdict::finding(LAYER, "bias.flip_rate", severity, verdict, &flip.attribute, message)
    });
}

/// The largest range over the kinds of change, attribute by attribute.
fn noise(layer: &StressTest, findings: &mut Vec<Finding>, score: &mut Score) {
    let mut attributes: Vec<&str> = layer.perturbations.iter().map(|one| one.attribute.as_str()).collect();
    attributes.dedup();
    attributes.sort_unstable();
    attributes.dedup();
    for attribute in attributes {
        let own = layer.perturbations.iter().filter(|one| one.attribute == attribute);
        let worst = own.filter_map(|one| Some((one.range?, one))).max_by(|a, b| a.0.total_cmp(&b.0));
        let Some((range, worst)) = worst else { continue };
        let message = format!(
            "Small noise ({}) turns decisions unequally by {attribute}: the shares differ by {} between groups.",
            worst.change,
            percent(range)
        );
        score.take(&format!("noise by {attribute}"), 60.0 * range, 5.0, message.clone());
        let n = worst.by_group.iter().map(|group| group.share.n).sum();
        let estimate = exact(range, n);
        let verdict = verdict::at_most(&estimate, NOISE_RANGE_MAX);
        findings.push(Finding {
            estimate,
            threshold: Some(NOISE_RANGE_MAX),
            ..verdict::finding(LAYER, "stress.noise", Severity::Medium, verdict, attribute, message)
        });
    }
}

fn shifts(layer: &StressTest, selection_rate: f64, findings: &mut Vec<Finding>, score: &mut Score) {
    let change = |shift: &crate::document::Shift| (shift.selection_rate - selection_rate).abs();
    let Some(worst) = layer.shifts.iter().max_by(|a, b| change(a).total_cmp(&change(b))) else { return };
    let message = format!(
        "With {} ({}), the overall selection rate would be {} instead of {}.",
        worst.shift,
        worst.attribute,
        percent(worst.selection_rate),
        percent(selection_rate)
    );
    score.take("another population", 40.0 * change(worst), 4.0, message.clone());
    let estimate = exact(change(worst), 0);
    let verdict = verdict::at_most(&estimate, SHIFT_MAX);
    findings.push(Finding {
        estimate,
        threshold: Some(SHIFT_MAX),
        ..verdict::finding(LAYER, "stress.shift", Severity::Low, verdict, &worst.attribute, message)
    });
}

fn subgroups(layer: &StressTest, thresholds: &Thresholds, findings: &mut Vec<Finding>, score: &mut Score) {
    for (index, subgroup) in layer.worst_subgroups.iter().take(SUBGROUPS_JUDGED).enumerate() {
        let rate = subgroup.selection_rate.value.unwrap_or(0.0);
        let ratio = if subgroup.rest_selection_rate > 0.0 { rate / subgroup.rest_selection_rate } else { 1.0 };
        let message = format!(
            "{} ({} rows) is selected at {}, everybody else at {}.",
            subgroup.description,
            subgroup.n,
            percent(rate),
            percent(subgroup.rest_selection_rate)
        );
        let verdict = if subgroup.p_adjusted >= SIGNIFICANCE {
            Verdict::NotEnoughData
        } else if ratio < thresholds.disparate_impact_min {
            Verdict::Fail
        } else {
            Verdict::Pass
        };
        if verdict == Verdict::Fail && index == 0 {
            score.take("worst subgroup", 15.0 * (1.0 - ratio), 15.0, message.clone());
        }
        findings.push(Finding {
            estimate: Estimate { value: Some(ratio), n: subgroup.n, ..Estimate::default() },
            threshold: Some(thresholds.disparate_impact_min),
            p_adjusted: Some(subgroup.p_adjusted),
            reference: "29 CFR 1607.4(D)".to_owned(),
            ..verdict::finding(LAYER, "bias.worst_subgroup", Severity::Medium, verdict, &subgroup.description, message)
        });
    }
}

fn stability(layer: &StressTest, findings: &mut Vec<Finding>, score: &mut Score) {
    for stable in &layer.stability {
        let message = format!(
            "{} of the resamples agree on which side of the four-fifths line {} lies.",
            percent(stable.agreement),
            stable.attribute
        );
        if !stable.attribute.contains(" x ") {
            let name = format!("stability of {}", stable.attribute);
            score.take(&name, 10.0 * (1.0 - stable.agreement), 3.0, message.clone());
        }
        let verdict = if stable.agreement >= AGREEMENT_MIN { Verdict::Pass } else { Verdict::NotEnoughData };
        findings.push(Finding {
            estimate: exact(stable.agreement, 0),
            threshold: Some(AGREEMENT_MIN),
            ..verdict::finding(LAYER, "stress.stability", Severity::Low, verdict, &stable.attribute, message)
        });
    }
}
