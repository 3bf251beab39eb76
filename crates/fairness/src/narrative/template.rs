//! The deterministic narrative: some 200 words from the measured numbers.

use super::facts::worst;
use super::{Narrative, NarrativeStatus, TEMPLATE, check};
use crate::body::Measured;
use crate::document::{AttributeMetrics, CertificationStatus, Estimate, ModelSubject, Verdict};
use crate::verdict::{percent, percent_with_interval};

/// The narrative of a measurement, from its numbers alone.
#[must_use]
pub fn template(measured: &Measured) -> Narrative {
    let paragraphs = [verdict(measured), disparities(measured), causes(measured), doubts(measured)];
    let text = paragraphs.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join("\n\n");
    let numbers_checked = check(&text, measured).map_or(0, |checked| checked.numbers_checked);
    Narrative {
        text,
        checklist: measured.layer_results.gemini_governance.checklist.clone(),
        source: TEMPLATE.to_owned(),
        status: NarrativeStatus::Fallback,
        numbers_checked,
        note: None,
    }
}

fn verdict(measured: &Measured) -> String {
    let layers = &measured.layer_results;
    let source = match &measured.subject.model {
        ModelSubject::TrainedForest { training_rows, evaluation_rows, .. } => format!(
            "A random forest was trained on {} rows and judged on {} rows it had not seen.",
            grouped(*training_rows),
            grouped(*evaluation_rows)
        ),
        ModelSubject::PredictionColumn { column, .. } => {
            format!(
                "The decisions in column '{column}' were judged over {} rows.",
                grouped(layers.fairness_metrics.rows)
            )
        }
        ModelSubject::File { .. } => {
            format!(
                "The model was asked about {} rows and judged by its answers.",
                grouped(layers.fairness_metrics.rows)
            )
        }
    };
    let status = match measured.certification_status {
        CertificationStatus::Certified => "CERTIFIED",
        CertificationStatus::Conditional => "CONDITIONAL",
        CertificationStatus::NotCertified => "NOT CERTIFIED",
    };
    format!(
        "{source} The result is {status}, with an overall score of {:.2} of 100 points: data forensics {:.2}, stress test {:.2}, \
         fairness metrics {:.2}.",
        measured.overall_score,
        layers.data_forensics.health_score,
        layers.stress_test.bias_score,
        layers.fairness_metrics.overall_fairness_score
    )
}

fn disparities(measured: &Measured) -> String {
    let metrics = &measured.layer_results.fairness_metrics;
    let mut attributes: Vec<&AttributeMetrics> = metrics.attributes.iter().collect();
    attributes.sort_by(|a, b| worst(a).total_cmp(&worst(b)).then_with(|| a.attribute.cmp(&b.attribute)));
    let mut sentences: Vec<String> =
        attributes.iter().take(3).filter_map(|attribute| selection(attribute, measured)).collect();
    let judged = |one: &&AttributeMetrics| one.demographic_parity_ratio.estimate.value.is_some();
    let combined = metrics.intersections.iter().filter(judged).min_by(|a, b| worst(a).total_cmp(&worst(b)));
    if let Some(combined) = combined
        && let [low, high] = combined.demographic_parity_ratio.groups.as_slice()
    {
        sentences.push(format!(
            "Among combinations, {} is widest apart: {low} against {high}, a ratio of {:.2}.",
            combined.attribute,
            worst(combined)
        ));
    }
    let odds = attributes.iter().filter(|one| one.equal_opportunity_difference.verdict == Verdict::Fail);
    let value = |one: &AttributeMetrics| one.equal_opportunity_difference.estimate.value.unwrap_or(0.0);
    if let Some(worst) = odds.max_by(|a, b| value(a).total_cmp(&value(b))) {
        sentences.push(format!(
            "Among the qualified, true positive rates by {} differ by {} points.",
            worst.attribute,
            points(value(worst))
        ));
    }
    sentences.join(" ")
}

/// `sex: Female is selected at 8.1 %, Male at 25.4 %; the ratio of 0.32 ... fails the limit of 0.80.`
fn selection(attribute: &AttributeMetrics, measured: &Measured) -> Option<String> {
    let ratio = &attribute.demographic_parity_ratio;
    let [low, high] = ratio.groups.as_slice() else {
        return Some(format!("For {}, no two groups are large enough to compare.", attribute.attribute));
    };
    let rate = |name: &String| attribute.groups.iter().find(|group| group.group == *name)?.selection_rate.value;
    let value = ratio.estimate.value?;
    let interval = ratio.estimate.interval.map_or_else(String::new, |[from, to]| {
        format!(" ({:.0} % interval {from:.2} to {to:.2})", measured.parameters.confidence * 100.0)
    });
    let held = match ratio.verdict {
        Verdict::Fail => "fails",
        Verdict::Pass => "passes",
        Verdict::NotEnoughData | Verdict::NotAssessed => "is too uncertain to judge by",
    };
    Some(format!(
        "By {}, {low} is selected at {} and {high} at {}; the ratio of {value:.2}{interval} {held} the limit of {:.2}.",
        attribute.attribute,
        percent(rate(low)?),
        percent(rate(high)?),
        ratio.threshold
    ))
}

fn causes(measured: &Measured) -> String {
    let data = &measured.layer_results.data_forensics;
    let mut sentences = Vec::new();
    let gap =
        measured.findings.iter().filter(|finding| finding.code == "data.label_gap" && finding.verdict == Verdict::Fail);
    let value = |estimate: &Estimate| estimate.value.unwrap_or(0.0);
    if let Some(gap) = gap.max_by(|a, b| value(&a.estimate).total_cmp(&value(&b.estimate))) {
        sentences.push(format!("{} A model that learns these labels repeats them.", gap.message));
    }
    if let Some(proxy) = data.proxies.first() {
        sentences.push(format!(
            "The column '{}' stands closest to {}, with a Cramer's V of {:.2}.",
            proxy.column, proxy.attribute, proxy.cramers_v
        ));
    }
    if let Some(leak) = data.leakage.first() {
        sentences.push(format!("'{}' alone ranks the target with an AUC of {:.3}.", leak.column, leak.auc));
    }
    let single = |flip: &&crate::document::Flip| !flip.attribute.contains(" x ") && flip.flip_rate.value.is_some();
    let flips = measured.layer_results.stress_test.flips.iter().filter(single);
    if let Some(flip) = flips.max_by(|a, b| value(&a.flip_rate).total_cmp(&value(&b.flip_rate))) {
        sentences.push(format!(
            "Replacing {} alone changes {} of the decisions; the limit is {}.",
            flip.attribute,
            percent_with_interval(&flip.flip_rate, measured.parameters.confidence),
            percent(measured.parameters.thresholds.flip_rate_max)
        ));
    }
    sentences.join(" ")
}

fn doubts(measured: &Measured) -> String {
    let summary = &measured.layer_results.gemini_governance.severity_summary;
    let failed = summary.total_critical_warnings + summary.total_high_warnings + summary.total_medium_warnings;
    let mut sentences = Vec::new();
    if failed > 0 {
        sentences.push(format!(
            "Failed findings: {} critical, {} high and {} medium.",
            summary.total_critical_warnings, summary.total_high_warnings, summary.total_medium_warnings
        ));
    } else {
        sentences.push("No test of at least medium weight failed.".to_owned());
    }
    if summary.total_not_enough_data > 0 {
        sentences.push(format!(
            "For {} findings the data do not suffice; they neither pass nor fail.",
            summary.total_not_enough_data
        ));
    }
    if let Some(first) = measured.mitigations.iter().find(|remedy| {
        remedy.kind == "reweighing" && matches!((remedy.before, remedy.after), (Some(b), Some(a)) if a > b)
    }) && let (Some(before), Some(after)) = (first.before, first.after)
    {
        sentences.push(format!(
            "A computed remedy for {}, {}, moves the selection ratio from {before:.2} to {after:.2}.",
            first.attribute,
            first.kind.replace('_', " ")
        ));
    }
    if measured.parameters.domain_profile != "employment" {
        sentences.push(
            "The four-fifths line is a rule of thumb of US employment selection and only a flag in this domain."
                .to_owned(),
        );
    }
    sentences.join(" ")
}

/// `32,561`.
fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn points(share: f64) -> String {
    format!("{:.1}", share * 100.0)
}
