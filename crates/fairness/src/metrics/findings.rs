//! Every test as a finding: code, severity, one sentence with the numbers, reference.
//!
//! Severity says how much a failure would matter and is set whatever the verdict, so that two certificates compare:
//! 1. Tests of selection and of error rates (demographic parity, disparate impact, equal opportunity, equalized odds)
//!    are high; all others are medium.
//! 2. One step up when the number is beyond twice its tolerance (difference over 2 t, ratio under 1 - 2 (1 - t)).
//! 3. One step down for an intersection: its attributes are tested on their own, and the extremes of many groups are
//!    always wider.
//! 4. Low when the difference behind it is not significant after the correction over all tests; for a group against the
//!    reference also when the test that all groups are equal is not.

use super::groups::is_missing;
use super::{MeasureSettings, Skipped};
use crate::document::{AttributeMetrics, Estimate, Finding, GroupMetrics, Severity, Tested, Verdict};

/// The layer these findings belong to.
const LAYER: &str = "fairness_metrics";

/// How an aggregate becomes a finding.
struct Told {
    code: &'static str,
    /// What the number is, e.g. `the largest difference in selection rate`.
    what: &'static str,
    reference: &'static str,
    /// One of the four main tests.
    main: bool,
    /// Whether small is bad.
    ratio: bool,
    of: fn(&AttributeMetrics) -> &Tested,
}

/// The aggregates, in the order of the document.
const TOLD: [Told; 9] = [
    Told {
        code: "bias.demographic_parity_difference",
        what: "selection rates differ by",
        reference: "Dwork et al. 2012, Fairness Through Awareness",
        main: true,
        ratio: false,
        of: |metrics| &metrics.demographic_parity_difference,
    },
    Told {
        code: "bias.demographic_parity_ratio",
        what: "the lowest selection rate is to the highest as",
        reference: "29 CFR 1607.4(D)",
        main: true,
        ratio: true,
        of: |metrics| &metrics.demographic_parity_ratio,
    },
    Told {
        code: "bias.equal_opportunity_difference",
        what: "true positive rates differ by",
        reference: "Hardt et al. 2016, Equality of Opportunity in Supervised Learning",
        main: true,
        ratio: false,
        of: |metrics| &metrics.equal_opportunity_difference,
    },
    Told {
        code: "bias.equalized_odds_difference",
        what: "true or false positive rates differ by",
        reference: "Hardt et al. 2016, Equality of Opportunity in Supervised Learning",
        main: true,
        ratio: false,
        of: |metrics| &metrics.equalized_odds_difference,
    },
    Told {
        code: "bias.equalized_odds_ratio",
        what: "the lowest true or false positive rate is to the highest as",
        reference: "Hardt et al. 2016, Equality of Opportunity in Supervised Learning",
        main: false,
        ratio: true,
        of: |metrics| &metrics.equalized_odds_ratio,
    },
    Told {
        code: "bias.average_odds_difference",
        what: "true and false positive rates are away from the reference by a mean of",
        reference: "Bellamy et al. 2018, AI Fairness 360",
        main: false,
        ratio: false,
        of: |metrics| &metrics.average_odds_difference,
    },
    Told {
        code: "bias.predictive_parity_difference",
        what: "precision differs by",
        reference: "Chouldechova 2017, Fair Prediction with Disparate Impact",
        main: false,
        ratio: false,
        of: |metrics| &metrics.predictive_parity_difference,
    },
    Told {
        code: "bias.accuracy_difference",
        what: "accuracy differs by",
        reference: "Buolamwini and Gebru 2018, Gender Shades",
        main: false,
        ratio: false,
        of: |metrics| &metrics.accuracy_difference,
    },
    Told {
        code: "bias.calibration_error",
        what: "scores are away from observed rates by up to",
        reference: "Guo et al. 2017, On Calibration of Modern Neural Networks; Pleiss et al. 2017",
        main: false,
        ratio: false,
        of: |metrics| &metrics.calibration_error,
    },
];

/// The AUC test stands apart: it has no threshold of its own in [`crate::document::Thresholds`].
const AUC: Told = Told {
    code: "bias.auc_difference",
    what: "the area under the ROC curve differs by",
    reference: "Gardner et al. 2019, Evaluating the Fairness of Predictive Student Models",
    main: false,
    ratio: false,
    of: |metrics| &metrics.auc_difference,
};

/// All findings, worst first.
pub(crate) fn tell(attributes: &[AttributeMetrics], skipped: &Skipped, settings: &MeasureSettings<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for metrics in attributes {
        for told in TOLD.iter().chain([&AUC]) {
            findings.push(tell_aggregate(metrics, told, settings));
        }
        for group in &metrics.groups {
            let reference = group.group == metrics.reference_group;
            if !group.small && !reference && group.disparate_impact.value.is_some() {
                findings.push(tell_disparate_impact(metrics, group, settings));
            }
        }
        findings.extend(tell_small_groups(metrics, settings));
    }
    findings.extend(skipped.attributes.iter().map(|name| tell_skipped(name, skipped)));
    // Stable: within one verdict and severity in the order of the document.
    findings.sort_by_key(|finding| (finding.verdict, finding.severity));
    findings
}

fn tell_aggregate(metrics: &AttributeMetrics, told: &Told, settings: &MeasureSettings<'_>) -> Finding {
    let tested = (told.of)(metrics);
    let message = match tested.estimate.value {
        None => format!(
            "Over {}, {}: {}.",
            metrics.attribute,
            if tested.verdict == Verdict::NotAssessed { "not assessed" } else { "not enough data" },
            tested.estimate.reason.as_deref().unwrap_or("undefined"),
        ),
        Some(value) => {
            let who: Vec<String> = tested.groups.iter().map(|group| in_words(metrics, group)).collect();
            let who = if who.is_empty() { String::new() } else { format!(" ({})", who.join(" against ")) };
            format!(
                "Over {}, {} {value:.3}{who} ({}, {} {:.2}): {}.",
                metrics.attribute,
                told.what,
                interval_words(&tested.estimate, settings.confidence),
                if told.ratio { "at least" } else { "at most" },
                tested.threshold,
                verdict_words(tested.verdict),
            )
        }
    };
    let beyond = tested.estimate.value.is_some_and(|value| {
        if told.ratio { value < 1.0 - 2.0 * (1.0 - tested.threshold) } else { value > 2.0 * tested.threshold }
    });
    Finding {
        code: told.code.to_owned(),
        layer: LAYER.to_owned(),
        severity: severity(metrics, told.main, beyond, tested.p_adjusted, settings),
        verdict: tested.verdict,
        about: metrics.attribute.clone(),
        groups: tested.groups.clone(),
        estimate: tested.estimate.clone(),
        threshold: Some(tested.threshold),
        p_adjusted: tested.p_adjusted,
        message,
        reference: told.reference.to_owned(),
    }
}

/// `race = Black is selected at 0.47 of the rate of race = White (95 % interval 0.40 to 0.55, four-fifths line 0.80)`.
fn tell_disparate_impact(metrics: &AttributeMetrics, group: &GroupMetrics, settings: &MeasureSettings<'_>) -> Finding {
    let threshold = settings.thresholds.disparate_impact_min;
    let ratio = group.disparate_impact.value.unwrap_or(f64::NAN);
    let line = if threshold == 0.8 { "four-fifths line" } else { "line" };
    let p_adjusted = protected_p(metrics, group);
    let doubt = match p_adjusted {
        Some(p) if p > 1.0 - settings.confidence => ", not significant after correction",
        _ => "",
    };
    let message = format!(
        "{} is selected at {ratio:.2} of the rate of {} ({}, {line} {threshold:.2}): {}{doubt}.",
        in_words(metrics, &group.group),
        in_words(metrics, &metrics.reference_group),
        interval_words(&group.disparate_impact, settings.confidence),
        verdict_words(group.disparate_impact_verdict),
    );
    Finding {
        code: "bias.disparate_impact".to_owned(),
        layer: LAYER.to_owned(),
        severity: severity(metrics, true, ratio < 1.0 - 2.0 * (1.0 - threshold), p_adjusted, settings),
        verdict: group.disparate_impact_verdict,
        about: metrics.attribute.clone(),
        groups: vec![group.group.clone(), metrics.reference_group.clone()],
        estimate: group.disparate_impact.clone(),
        threshold: Some(threshold),
        p_adjusted: group.p_adjusted,
        message,
        reference: "29 CFR 1607.4(D)".to_owned(),
    }
}

/// The larger of the corrected p of this group and of the test that all groups are equal: the reference is the highest
/// of all groups, so a comparison with it counts only where the groups differ at all (Fisher's protected comparison).
fn protected_p(metrics: &AttributeMetrics, group: &GroupMetrics) -> Option<f64> {
    let all = metrics.demographic_parity_difference.p_adjusted;
    group.p_adjusted.map(|p| all.map_or(p, |all| p.max(all)))
}

/// One finding for all groups under the minimum size: they are listed, with the people in them, and never judged.
fn tell_small_groups(metrics: &AttributeMetrics, settings: &MeasureSettings<'_>) -> Option<Finding> {
    if metrics.small_groups.is_empty() {
        return None;
    }
    let names: Vec<String> = metrics.small_groups.iter().map(|group| in_words(metrics, group)).collect();
    Some(Finding {
        code: "bias.small_groups".to_owned(),
        layer: LAYER.to_owned(),
        severity: Severity::Low,
        verdict: Verdict::NotEnoughData,
        about: metrics.attribute.clone(),
        groups: metrics.small_groups.clone(),
        estimate: Estimate { value: Some(names.len() as f64), n: metrics.rows_in_small_groups, ..Estimate::default() },
        threshold: Some(settings.thresholds.group_size_min as f64),
        p_adjusted: None,
        message: format!(
            "Over {}, {} {} under the minimum of {} rows and {} not judged ({} rows in all): {}.",
            metrics.attribute,
            names.len(),
            if names.len() == 1 { "group is" } else { "groups are" },
            settings.thresholds.group_size_min,
            if names.len() == 1 { "is" } else { "are" },
            metrics.rows_in_small_groups,
            names.join("; "),
        ),
        reference: "29 CFR 1607.4(D)".to_owned(),
    })
}

fn tell_skipped(name: &str, skipped: &Skipped) -> Finding {
    Finding {
        code: "bias.intersection_not_assessed".to_owned(),
        layer: LAYER.to_owned(),
        severity: Severity::Low,
        verdict: Verdict::NotAssessed,
        about: name.to_owned(),
        groups: Vec::new(),
        estimate: Estimate::default(),
        threshold: None,
        p_adjusted: None,
        message: format!(
            "The intersection {name} has more than {} groups and was not assessed; use coarser bands or fewer categories.",
            skipped.groups_max
        ),
        reference: String::new(),
    }
}

fn severity(
    metrics: &AttributeMetrics,
    main: bool,
    beyond: bool,
    p_adjusted: Option<f64>,
    settings: &MeasureSettings<'_>,
) -> Severity {
    if p_adjusted.is_some_and(|p| p > 1.0 - settings.confidence) {
        return Severity::Low;
    }
    const STEPS: [Severity; 4] = [Severity::Low, Severity::Medium, Severity::High, Severity::Critical];
    let step = 1 + usize::from(main) + usize::from(beyond);
    STEPS[step - usize::from(metrics.columns.len() > 1)]
}

/// `race = Black and sex = Female`.
fn in_words(metrics: &AttributeMetrics, group: &str) -> String {
    let levels: Vec<&str> = if metrics.columns.len() == 1 { vec![group] } else { group.split(" | ").collect() };
    if levels.len() != metrics.columns.len() {
        // A level with the separator in its own name: say it whole.
        return format!("{} = {group}", metrics.attribute);
    }
    let parts = metrics.columns.iter().zip(&levels).map(|(column, level)| match is_missing(level) {
        true => format!("{column} missing"),
        false => format!("{column} = {level}"),
    });
    parts.collect::<Vec<_>>().join(" and ")
}

fn interval_words(estimate: &Estimate, confidence: f64) -> String {
    match estimate.interval {
        Some([low, high]) => format!("{} % interval {low:.2} to {high:.2}", percent(confidence)),
        None => "no interval".to_owned(),
    }
}

/// `95`, `99.5`.
fn percent(share: f64) -> String {
    let rounded = libm::round(share * 1e4) / 1e2;
    format!("{rounded}")
}

fn verdict_words(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Fail => "fails",
        Verdict::Pass => "passes",
        Verdict::NotEnoughData => "not enough data to say",
        Verdict::NotAssessed => "not assessed",
    }
}
