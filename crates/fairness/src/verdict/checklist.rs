//! What to do, in order: each sentence names the measured cause and, where a remedy was computed, its measured effect and
//! price.

use super::percent;
use crate::body::Measured;
use crate::document::{AttributeMetrics, Finding, Mitigation, ModelSubject, Verdict};

/// Most entries.
const ENTRIES_MAX: usize = 10;
/// Accuracy that a remedy may cost before nobody would take it.
const PRICE_MAX: f64 = 0.1;
/// What must be said of cut-offs by group.
const DIFFERENT_TREATMENT: &str = " (different treatment by group: take legal advice)";

/// The checklist of a measurement, most urgent first; never empty.
pub(crate) fn checklist(measured: &Measured) -> Vec<String> {
    let mut list = Vec::new();
    for attribute in &measured.layer_results.fairness_metrics.attributes {
        list.extend(unequal_selection(measured, attribute));
        list.extend(unequal_errors(measured, attribute));
    }
    list.extend(direct_use(measured));
    list.extend(data_causes(measured));
    list.extend(small_groups(measured));
    list.truncate(ENTRIES_MAX);
    if list.is_empty() {
        list.push("No test failed; measure again when the data, the model or the population changes.".to_owned());
    }
    list
}

fn failed<'a>(measured: &'a Measured, code: &'a str) -> impl Iterator<Item = &'a Finding> {
    measured.findings.iter().filter(move |finding| finding.verdict == Verdict::Fail && finding.code == code)
}

/// A remedy with its effect: `"raises the ratio from 0.32 to 0.81; accuracy 85.6 % becomes 84.2 %"`.
fn effect(remedy: &Mitigation, metric: &str) -> Option<String> {
    let (before, after) = (remedy.before?, remedy.after?);
    let price = match (remedy.accuracy_before, remedy.accuracy_after) {
        (Some(before), Some(after)) => format!("; accuracy {} becomes {}", percent(before), percent(after)),
        _ => String::new(),
    };
    Some(format!("moves the {metric} from {before:.2} to {after:.2}{price}"))
}

/// What a remedy is called in a sentence.
fn action(remedy: &Mitigation) -> String {
    match remedy.kind.as_str() {
        "group_thresholds" => format!("A cut-off of its own for each group of {}", remedy.attribute),
        "single_threshold" => "Another cut-off for everybody".to_owned(),
        "reweighing" => format!("Training with row weights that balance {} and label", remedy.attribute),
        "drop_proxy" => {
            let column = remedy.settings.first().map_or("the proxy", |setting| setting.name.as_str());
            format!("Training without {} and without '{column}'", remedy.attribute)
        }
        other => format!("The remedy '{other}' for {}", remedy.attribute),
    }
}

fn unequal_selection(measured: &Measured, attribute: &AttributeMetrics) -> Option<String> {
    let ratio = &attribute.demographic_parity_ratio;
    if ratio.verdict != Verdict::Fail {
        return None;
    }
    let [low, high] = ratio.groups.as_slice() else { return None };
    let rate = |name: &String| {
        let group = attribute.groups.iter().find(|group| group.group == *name)?;
        group.selection_rate.value
    };
    let cause = format!(
        "{}: {low} is selected at {}, {high} at {}.",
        attribute.attribute,
        percent(rate(low)?),
        percent(rate(high)?)
    );
    let told: Vec<String> = best_remedies(measured, attribute)
        .into_iter()
        .filter_map(|remedy| {
            let warning = if remedy.kind == "group_thresholds" { DIFFERENT_TREATMENT } else { "" };
            Some(format!("{} {}{warning}.", action(remedy), effect(remedy, "selection ratio")?))
        })
        .collect();
    if told.is_empty() {
        let source = match measured.subject.model {
            ModelSubject::PredictionColumn { .. } => "Hand in the model, so that remedies can be measured",
            _ => "No computed remedy raises the ratio; look at the labels and the inputs",
        };
        return Some(format!("{cause} {source}."));
    }
    Some(format!("{cause} {}", told.join(" ")))
}

/// The remedy at training, or the single cut-off, that helps most, then cut-offs by group: these are different treatment
/// and so come last.
fn best_remedies<'a>(measured: &'a Measured, attribute: &AttributeMetrics) -> Vec<&'a Mitigation> {
    let gain = |remedy: &Mitigation| match (remedy.before, remedy.after) {
        (Some(before), Some(after)) => after - before,
        _ => 0.0,
    };
    let price = |remedy: &Mitigation| match (remedy.accuracy_before, remedy.accuracy_after) {
        (Some(before), Some(after)) => before - after,
        _ => 0.0,
    };
    let helps = |remedy: &&Mitigation| {
        remedy.attribute == attribute.attribute
            && remedy.goal == "disparate_impact"
            && gain(remedy) > 0.0
            && price(remedy) < PRICE_MAX
    };
    let (by_group, others): (Vec<&Mitigation>, Vec<&Mitigation>) =
        measured.mitigations.iter().filter(helps).partition(|remedy| remedy.kind == "group_thresholds");
    let best = others.into_iter().max_by(|a, b| gain(a).total_cmp(&gain(b)));
    best.into_iter().chain(by_group.into_iter().next()).collect()
}

fn unequal_errors(measured: &Measured, attribute: &AttributeMetrics) -> Option<String> {
    let opportunity = &attribute.equal_opportunity_difference;
    let odds = &attribute.equalized_odds_difference;
    let (tested, what, goal) = if opportunity.verdict == Verdict::Fail {
        (opportunity, "the true positive rate", "equal_opportunity")
    } else if odds.verdict == Verdict::Fail {
        (odds, "an error rate", "equalized_odds")
    } else {
        return None;
    };
    let value = tested.estimate.value?;
    let groups = tested.groups.join(" and ");
    let cause = format!("{}: {what} differs by {} points between {groups}.", attribute.attribute, points(value));
    let is = |remedy: &&Mitigation| remedy.attribute == attribute.attribute && remedy.goal == goal;
    let told = measured.mitigations.iter().find(is).and_then(|remedy| {
        Some(format!(" {} {}{DIFFERENT_TREATMENT}.", action(remedy), effect(remedy, "difference")?))
    });
    let fallback =
        " Look at the rows that are wrongly refused in the worse group, and at columns that mean less for it.";
    Some(cause + told.as_deref().unwrap_or(fallback))
}

fn points(share: f64) -> String {
    format!("{:.1}", share * 100.0)
}

/// Decisions that hang on the protected value itself.
fn direct_use(measured: &Measured) -> Vec<String> {
    failed(measured, "bias.flip_rate")
        .filter(|finding| !finding.about.contains(" x "))
        .filter_map(|finding| {
            let rate = finding.estimate.value?;
            Some(format!(
                "Take {} out of the inputs: replacing it alone turns {} of the decisions, the limit is {}.",
                finding.about,
                percent(rate),
                percent(finding.threshold?)
            ))
        })
        .collect()
}

fn data_causes(measured: &Measured) -> Vec<String> {
    let mut list = Vec::new();
    for finding in failed(measured, "data.leakage") {
        list.push(format!("{} Leave it out, or show that it is known before the decision.", finding.message));
    }
    for finding in failed(measured, "data.proxy") {
        list.push(format!(
            "{} Justify it as a cause of the outcome or train without it; the effect of leaving it out is measured above where a \
             forest was trained.",
            finding.message
        ));
    }
    for finding in failed(measured, "data.label_gap") {
        list.push(format!(
            "{} Have the labels of the lower group reviewed: a model that learns them repeats the gap.",
            finding.message
        ));
    }
    for finding in failed(measured, "data.missing_by_group") {
        list.push(format!("{} Collect the value for this group or leave the column out.", finding.message));
    }
    for finding in failed(measured, "data.personal_data") {
        list.push(format!("{} Remove the column from data that are handed on.", finding.message));
    }
    list
}

fn small_groups(measured: &Measured) -> Option<String> {
    let size = measured.parameters.thresholds.group_size_min;
    let mut names = Vec::new();
    for attribute in &measured.layer_results.fairness_metrics.attributes {
        for group in attribute.groups.iter().filter(|group| group.small) {
            names.push(format!("{} {} ({} rows)", attribute.attribute, group.group, group.n));
        }
    }
    names.truncate(5);
    (!names.is_empty()).then(|| {
        format!("Collect at least {size} judged rows of each small group, which are not scored: {}.", names.join(", "))
    })
}
