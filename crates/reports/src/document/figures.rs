//! Which charts a certificate shows, under which headings, and the remedies beside them.

use assize_fairness::document::{AttributeMetrics, CertificateBody, Mitigation, NamedValue};

use super::facts::Fact;
use super::{FigureSection, Remedy};
use crate::charts::{self, Chart, Medium};
use crate::format::{decimal, percent, ratio};
use crate::words::sentence_case;

/// Intersections that get charts of their own; all are in the impact ratios and in the tables.
const INTERSECTIONS_MAX: usize = 2;

/// The figures by question, empty sections left out.
pub(super) fn sections(body: &CertificateBody, medium: Medium) -> Vec<FigureSection> {
    let results = &body.layer_results;
    let metrics = &results.fairness_metrics;
    let thresholds = &body.parameters.thresholds;
    let shown: Vec<&AttributeMetrics> =
        metrics.attributes.iter().chain(metrics.intersections.iter().take(INTERSECTIONS_MAX)).collect();
    let each = |draw: &dyn Fn(&AttributeMetrics, usize) -> Option<Chart>| -> Vec<Chart> {
        shown.iter().enumerate().filter_map(|(index, attribute)| draw(attribute, index)).collect()
    };

    let mut selection = vec![charts::impact_ratios(metrics, thresholds, medium)];
    selection.extend(each(&|attribute, index| Some(charts::selection_rates(attribute, thresholds, index, medium))));
    let errors = each(&|attribute, index| charts::error_rates(attribute, index, medium));
    let scores = each(&|attribute, index| {
        (index < metrics.attributes.len()).then(|| charts::calibration(attribute, index, medium)).flatten()
    });
    let sweep = charts::threshold_sweep(&metrics.threshold_sweep, &body.parameters, medium);
    let flips = charts::flips(&results.stress_test.flips, thresholds, medium);
    let data = &results.data_forensics;
    let proxies = charts::proxies(&data.proxies, &data.joint_proxies, medium);
    let missing = charts::missingness(&data.missingness, medium);
    let remedies = charts::mitigations(&body.mitigations, thresholds, medium);

    let all = [
        (
            "Who is selected",
            "The share of each group that gets the favourable decision, and how it compares with the group selected \
             most.",
            selection,
        ),
        (
            "Who is judged rightly",
            "How often the decision is right for those who deserve it and for those who do not.",
            errors,
        ),
        ("What a score means", "Whether the same score means the same chance in every group.", scores),
        (
            "What if it were otherwise",
            "Other cut-offs, and the same people with another protected value.",
            sweep.into_iter().chain(flips).collect(),
        ),
        (
            "What the data carries",
            "Columns that stand for a protected attribute, and whose data is incomplete.",
            proxies.into_iter().chain(missing).collect(),
        ),
        (
            "What would help",
            "Remedies that were computed on the same rows, with their price.",
            remedies.into_iter().collect(),
        ),
    ];
    all.into_iter()
        .filter(|(_, _, charts)| !charts.is_empty())
        .map(|(title, lead, charts)| FigureSection { title: title.to_owned(), lead: lead.to_owned(), charts })
        .collect()
}

/// The computed remedies in words.
pub(super) fn remedies(body: &CertificateBody) -> Vec<Remedy> {
    body.mitigations.iter().map(remedy).collect()
}

fn remedy(mitigation: &Mitigation) -> Remedy {
    let optional = |value: Option<f64>| value.map_or_else(|| "undefined".to_owned(), ratio);
    let metric = sentence_case(&mitigation.goal);
    let price = match (mitigation.accuracy_before, mitigation.accuracy_after) {
        (Some(before), Some(after)) => {
            format!("Accuracy {} instead of {} ({})", percent(after), percent(before), charts::price(mitigation))
        }
        _ => "Price in accuracy unknown".to_owned(),
    };
    Remedy {
        title: format!("{} for {}: {}", sentence_case(&mitigation.kind), mitigation.attribute, metric.to_lowercase()),
        effect: format!("{metric}: {} instead of {}", optional(mitigation.after), optional(mitigation.before)),
        price,
        settings: named(&mitigation.settings, |value| decimal(value, 3)),
        changed: named(&mitigation.changed, |value| decimal(value, 0)),
        note: mitigation.note.clone(),
    }
}

fn named(values: &[NamedValue], write: fn(f64) -> String) -> Vec<Fact> {
    let written = |value: &NamedValue| value.value.map_or_else(|| "undefined".to_owned(), write);
    values.iter().map(|value| Fact::new(&value.name, written(value))).collect()
}
