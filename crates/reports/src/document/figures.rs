//! Which charts a certificate shows, under which headings, and the remedies beside them.

use assize_fairness::document::{AttributeMetrics, CertificateBody, Mitigation, NamedValue};

use super::{FigureSection, Remedies};
use crate::charts::{self, Chart, DataTable, Medium};
use crate::format::{count, decimal, percent, ratio};
use crate::words::sentence_case;

/// Intersections that get a chart of their own on a page; on paper they stand in the impact ratios alone.
const INTERSECTIONS_MAX: usize = 1;

/// The figures by question, empty sections left out.
pub(super) fn sections(body: &CertificateBody, medium: Medium) -> Vec<FigureSection> {
    let results = &body.layer_results;
    let metrics = &results.fairness_metrics;
    let thresholds = &body.parameters.thresholds;
    let intersections = if medium == Medium::Screen { INTERSECTIONS_MAX } else { 0 };
    let selected = metrics.attributes.iter().chain(metrics.intersections.iter().take(intersections)).enumerate();
    let each = |draw: fn(&AttributeMetrics, usize, Medium) -> Option<Chart>| -> Vec<Chart> {
        metrics.attributes.iter().enumerate().filter_map(|(index, of)| draw(of, index, medium)).collect()
    };

    let mut selection = vec![charts::impact_ratios(metrics, thresholds, medium)];
    selection.extend(selected.map(|(index, of)| charts::selection_rates(of, thresholds, index, medium)));
    let errors = each(charts::error_rates);
    let scores = each(charts::calibration);
    let sweep = charts::threshold_sweep(&metrics.threshold_sweep, &body.parameters, medium);
    let flips = charts::flips(&results.stress_test.flips, thresholds, medium);
    let rests_on = explanation(body, medium);
    let rests_on_lead = format!(
        "How far each column moves the score, for everybody and within each group. A column that moves it says what the \
         model looks at, not that it may. {}",
        body.explanation.as_ref().map_or("", |explanation| explanation.method_note.as_str())
    );
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
        ("What the decisions rest on", &rests_on_lead, rests_on),
        (
            "What the data carries",
            "Columns that stand for a protected attribute, and whose data is incomplete.",
            proxies.into_iter().chain(missing).collect(),
        ),
        (
            "What would help",
            "Remedies that were computed on the same rows, with their price.",
            // On paper the table of remedies says the same.
            remedies.into_iter().filter(|_| medium == Medium::Screen).collect(),
        ),
    ];
    all.into_iter()
        .filter(|(_, _, charts)| !charts.is_empty())
        .map(|(title, lead, charts)| FigureSection { title: title.to_owned(), lead: lead.to_owned(), charts })
        .collect()
}

/// What the decisions rest on: the columns, then each protected attribute.
fn explanation(body: &CertificateBody, medium: Medium) -> Vec<Chart> {
    let Some(explanation) = &body.explanation else { return Vec::new() };
    let attributes = body.parameters.protected_attributes.iter().enumerate();
    let by_group =
        attributes.filter_map(|(index, attribute)| charts::group_contributions(explanation, attribute, index, medium));
    charts::contributions(explanation, medium).into_iter().chain(by_group).collect()
}

/// The computed remedies: one row each, and what is said of several of them once.
pub(super) fn remedies(body: &CertificateBody) -> Remedies {
    let mut table = DataTable::new(&["Remedy", "Brings", "Accuracy", "Set", "Decisions changed", "#Note"]);
    let mut notes: Vec<String> = Vec::new();
    for mitigation in &body.mitigations {
        let place = notes.iter().position(|note| *note == mitigation.note).unwrap_or_else(|| {
            notes.push(mitigation.note.clone());
            notes.len() - 1
        });
        table.rows.push(remedy(mitigation, place + 1));
    }
    Remedies { table, notes }
}

fn remedy(mitigation: &Mitigation, note: usize) -> Vec<String> {
    let optional = |value: Option<f64>| value.map_or_else(|| "undefined".to_owned(), ratio);
    let price = match (mitigation.accuracy_before, mitigation.accuracy_after) {
        (Some(before), Some(after)) => {
            format!("{} from {} ({})", percent(after), percent(before), charts::price(mitigation))
        }
        _ => "unknown".to_owned(),
    };
    let (after, before) = (optional(mitigation.after), optional(mitigation.before));
    vec![
        format!("{} for {}", sentence_case(&mitigation.kind), mitigation.attribute),
        format!("{} {after} from {before}", sentence_case(&mitigation.goal)),
        price,
        named(&mitigation.settings, |value| decimal(value, 3)),
        named(&mitigation.changed, |value| count(value.max(0.0) as u64)),
        note.to_string(),
    ]
}

fn named(values: &[NamedValue], write: fn(f64) -> String) -> String {
    let written =
        |value: &NamedValue| format!("{} {}", value.name, value.value.map_or_else(|| "undefined".to_owned(), write));
    values.iter().map(written).collect::<Vec<_>>().join(", ")
}
