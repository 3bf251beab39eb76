//! Tables that no chart carries: disparity by attribute, worst subgroups, noise, representation, the table of New York
//! City, columns as read. Empty ones are left out.

use assize_fairness::document::{AttributeMetrics, CertificateBody, Tested};

use super::NamedTable;
use crate::charts::DataTable;
use crate::format::{Scale, count, p_value, percent, ratio};
use crate::words::verdict_word;

/// All tables in reading order.
pub(super) fn all(body: &CertificateBody) -> Vec<NamedTable> {
    let tables = [
        disparity(body),
        subgroups(body),
        dependence(body),
        perturbations(body),
        shifts(body),
        representation(body),
        local_law_144(body),
        columns(body),
    ];
    tables.into_iter().filter(|table| !table.table.rows.is_empty()).collect()
}

fn named(title: &str, lead: &str, table: DataTable) -> NamedTable {
    NamedTable { title: title.to_owned(), lead: lead.to_owned(), table, printed: true }
}

fn disparity(body: &CertificateBody) -> NamedTable {
    let metrics = &body.layer_results.fairness_metrics;
    let mut table =
        DataTable::new(&["Attribute", "Measure", "#Value", "#Threshold", "#p adjusted", "Between", "Verdict"]);
    for attribute in &metrics.attributes {
        for (name, tested) in measures(attribute) {
            table.rows.push(vec![
                attribute.attribute.clone(),
                name.to_owned(),
                Scale::Number.estimate(&tested.estimate),
                ratio(tested.threshold),
                tested.p_adjusted.map_or_else(String::new, p_value),
                tested.groups.join(" / "),
                verdict_word(tested.verdict).to_owned(),
            ]);
        }
    }
    named(
        "Disparity by attribute",
        "Every aggregate over the groups of an attribute, held against its threshold. Intersections are among the \
         findings.",
        table,
    )
}

fn measures(attribute: &AttributeMetrics) -> [(&'static str, &Tested); 10] {
    [
        ("Selection rate ratio", &attribute.demographic_parity_ratio),
        ("Demographic parity difference", &attribute.demographic_parity_difference),
        ("Equal opportunity difference", &attribute.equal_opportunity_difference),
        ("Equalized odds difference", &attribute.equalized_odds_difference),
        ("Equalized odds ratio", &attribute.equalized_odds_ratio),
        ("Average odds difference", &attribute.average_odds_difference),
        ("Predictive parity difference", &attribute.predictive_parity_difference),
        ("Accuracy difference", &attribute.accuracy_difference),
        ("Calibration error", &attribute.calibration_error),
        ("AUC difference", &attribute.auc_difference),
    ]
}

fn subgroups(body: &CertificateBody) -> NamedTable {
    let mut table = DataTable::new(&["Subgroup", "#n", "#Selection rate", "#Everybody else", "#p adjusted"]);
    for subgroup in &body.layer_results.stress_test.worst_subgroups {
        table.rows.push(vec![
            subgroup.description.clone(),
            count(subgroup.n),
            Scale::Share.estimate(&subgroup.selection_rate),
            percent(subgroup.rest_selection_rate),
            p_value(subgroup.p_adjusted),
        ]);
    }
    let searched = body.layer_results.stress_test.worst_subgroups.first().map_or(0, |subgroup| subgroup.searched);
    let lead =
        format!("Found by search over {} subgroups; significance is corrected for all of them.", count(searched));
    named("Worst subgroups", &lead, table)
}

fn dependence(body: &CertificateBody) -> NamedTable {
    let mut table = DataTable::new(&["Column", "#Value in every row", "#Mean score", "#Rows"]);
    for dependence in body.explanation.iter().flat_map(|explanation| &explanation.dependence) {
        for point in &dependence.points {
            table.rows.push(vec![
                dependence.column.clone(),
                point.value.clone(),
                ratio(point.score),
                count(dependence.n),
            ]);
        }
    }
    let lead = "The mean probability of the favourable outcome, or the share of favourable decisions of a model without \
                probabilities, when a column has one value in every row (partial dependence, Friedman 2001).";
    NamedTable { printed: false, ..named("Score over the strongest columns", lead, table) }
}

fn perturbations(body: &CertificateBody) -> NamedTable {
    let mut table = DataTable::new(&["Attribute", "Change", "Group", "#n", "#Decisions changed"]);
    for perturbation in &body.layer_results.stress_test.perturbations {
        for group in &perturbation.by_group {
            table.rows.push(vec![
                perturbation.attribute.clone(),
                perturbation.change.clone(),
                group.group.clone(),
                count(group.share.n),
                Scale::Share.estimate(&group.share),
            ]);
        }
    }
    let lead = "How many decisions change when other columns change a little, by group.";
    NamedTable { printed: false, ..named("Decisions under noise", lead, table) }
}

fn shifts(body: &CertificateBody) -> NamedTable {
    let mut table = DataTable::new(&["Attribute", "Shift", "#Selection rate", "#Accuracy"]);
    for shift in &body.layer_results.stress_test.shifts {
        table.rows.push(vec![
            shift.attribute.clone(),
            shift.shift.clone(),
            percent(shift.selection_rate),
            shift.accuracy.map_or_else(|| "no labels".to_owned(), percent),
        ]);
    }
    named("Other populations", "The same decisions when group shares are shifted by re-weighting.", table)
}

fn representation(body: &CertificateBody) -> NamedTable {
    let mut table = DataTable::new(&["Attribute", "Group", "#n", "#Share", "#Expected share", "#Favourable labels"]);
    for group in &body.layer_results.data_forensics.representation {
        table.rows.push(vec![
            group.attribute.clone(),
            group.group.clone(),
            count(group.n),
            percent(group.share),
            group.reference_share.map_or_else(|| "not given".to_owned(), percent),
            Scale::Share.estimate(&group.base_rate),
        ]);
    }
    named("Who is in the data", "Size and label rate of every group.", table)
}

fn local_law_144(body: &CertificateBody) -> NamedTable {
    let metrics = &body.layer_results.fairness_metrics;
    let mut table = DataTable::new(&["Category", "Group", "#Applicants", "#Share", "#Selection rate", "#Impact ratio"]);
    if body.parameters.domain_profile == "employment" {
        for attribute in metrics.attributes.iter().chain(&metrics.intersections) {
            for row in attribute.ll144.iter().filter(|row| !row.left_out) {
                table.rows.push(vec![
                    attribute.attribute.clone(),
                    row.group.clone(),
                    count(row.n),
                    percent(row.share),
                    row.selection_rate.map_or_else(|| "undefined".to_owned(), percent),
                    row.impact_ratio.map_or_else(|| "undefined".to_owned(), ratio),
                ]);
            }
            let left_out = || attribute.ll144.iter().filter(|row| row.left_out);
            if left_out().next().is_some() {
                table.rows.push(vec![
                    attribute.attribute.clone(),
                    format!("{} groups under 2%, left out", left_out().count()),
                    count(left_out().map(|row| row.n).sum()),
                    percent(left_out().map(|row| row.share).sum()),
                    String::new(),
                    String::new(),
                ]);
            }
        }
    }
    named(
        "Impact ratios as New York City asks for them",
        "Local Law 144 of 2021, 6 RCNY 5-301. Size and rate of each group left out stand in the data of the first \
         figure.",
        table,
    )
}

fn columns(body: &CertificateBody) -> NamedTable {
    let notes = &body.layer_results.data_forensics.column_notes;
    let mut table = DataTable::new(&["Column", "Role", "Kind", "#Missing", "#Distinct", "Note"]);
    for column in &body.subject.dataset.columns {
        let notes: Vec<&str> =
            notes.iter().filter(|note| note.column == column.name).map(|note| note.note.as_str()).collect();
        table.rows.push(vec![
            column.name.clone(),
            column.role.replace('_', " "),
            column.kind.clone(),
            count(column.missing),
            column.distinct.map_or_else(|| "many".to_owned(), count),
            notes.join("; "),
        ]);
    }
    let lead = "What the data file holds and how each column was used.";
    NamedTable { printed: false, ..named("Columns as read", lead, table) }
}
