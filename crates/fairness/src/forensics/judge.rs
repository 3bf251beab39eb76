//! Layer 1 held against limits: one finding a test, points off for what was found.
//!
//! All limits here are choices of this project, named below; no law sets them.

use crate::audit::Frame;
use crate::document::{DataForensics, Estimate, Finding, Missingness, Representation, Severity, Thresholds, Verdict};
use crate::statistics::{Share, newcombe};
use crate::verdict::{self, Score, exact, percent, percent_with_interval};

use super::{columns, leakage};

const LAYER: &str = "data_forensics";
/// Cramer's V of one column with a protected attribute from which it is called a proxy: "strong" after Cohen 1988 (w).
const PROXY_MAX: f64 = 0.5;
/// AUC of all columns together from which the attribute can be read off them.
const JOINT_PROXY_MAX: f64 = 0.8;
/// Difference of label rates between groups that is noticeable.
const LABEL_GAP_MAX: f64 = 0.1;
/// Cramer's V of missing cells with a protected attribute: Cohen's "small".
const MISSING_MAX: f64 = 0.1;
/// Share of rows that may repeat an earlier one.
const DUPLICATES_MAX: f64 = 0.05;
/// Share of the rarer label under which learning and measuring it is hard.
const BALANCE_MIN: f64 = 0.05;
/// Share of a group, against its share in the reference population, under which it is under-represented.
const REPRESENTATION_MIN: f64 = 0.8;

/// Findings of the layer, worst first; fills in score, terms, status and warnings.
pub(crate) fn judge(
    layer: &mut DataForensics,
    frame: &Frame,
    thresholds: &Thresholds,
    confidence: f64,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut score = Score::default();
    for attribute in frame.groups.iter().map(|groups| groups.attribute.as_str()) {
        label_gap(layer, attribute, thresholds, confidence, &mut findings, &mut score);
        proxies(layer, attribute, &mut findings, &mut score);
        joint(layer, attribute, &mut findings, &mut score);
        representation(layer, attribute, thresholds, confidence, &mut findings, &mut score);
    }
    missing(layer, frame, &mut findings, &mut score);
    quality(layer, frame, &mut findings, &mut score);
    leaks(layer, frame, &mut findings, &mut score);
    notes(layer, frame, &mut findings, &mut score);
    verdict::sort(&mut findings);
    (layer.health_score, layer.score_terms) = score.finish();
    layer.status = verdict::status(&findings);
    layer.warnings = verdict::warnings(&findings);
    findings
}

fn own<'a>(layer: &'a DataForensics, attribute: &str, size_min: u64) -> Vec<&'a Representation> {
    let large = |people: &&Representation| people.attribute == attribute && people.base_rate.n >= size_min;
    layer.representation.iter().filter(large).collect()
}

/// The data's own outcome by group: what the model is taught.
fn label_gap(
    layer: &DataForensics,
    attribute: &str,
    thresholds: &Thresholds,
    confidence: f64,
    findings: &mut Vec<Finding>,
    score: &mut Score,
) {
    let groups = own(layer, attribute, thresholds.group_size_min);
    let rate = |people: &&&Representation| people.base_rate.value.unwrap_or(0.0);
    let by_rate = |a: &&&Representation, b: &&&Representation| rate(a).total_cmp(&rate(b));
    let (Some(low), Some(high)) = (groups.iter().min_by(by_rate), groups.iter().max_by(by_rate)) else { return };
    if low.group == high.group {
        return;
    }
    let gap = rate(&high) - rate(&low);
    let as_share = |people: &Representation| {
        let n = people.base_rate.n as f64;
        Share { hits: people.base_rate.value.unwrap_or(0.0) * n, n }
    };
    let estimate = Estimate {
        value: Some(gap),
        interval: newcombe(as_share(high), as_share(low), confidence),
        n: high.base_rate.n + low.base_rate.n,
        reason: None,
    };
    let message = format!(
        "The favourable label itself is unequal by {attribute}: {} of {}, {} of {}.",
        percent(rate(&low)),
        low.group,
        percent(rate(&high)),
        high.group
    );
    score.take(&format!("label rates by {attribute}"), 30.0 * gap, 10.0, message.clone());
    let verdict = verdict::at_most(&estimate, LABEL_GAP_MAX);
    findings.push(Finding {
        groups: vec![low.group.clone(), high.group.clone()],
        estimate,
        threshold: Some(LABEL_GAP_MAX),
        reference: "Kamiran, Calders 2012".to_owned(),
        ..verdict::finding(LAYER, "data.label_gap", Severity::Medium, verdict, attribute, message)
    });
}

fn proxies(layer: &DataForensics, attribute: &str, findings: &mut Vec<Finding>, score: &mut Score) {
    let Some(strongest) = layer.proxies.iter().find(|proxy| proxy.attribute == attribute) else { return };
    let message = format!(
        "'{}' is the column closest to {attribute}: Cramer's V {:.2} of 1.",
        strongest.column, strongest.cramers_v
    );
    score.take(&format!("proxy of {attribute}"), 20.0 * strongest.cramers_v - 2.0, 10.0, message.clone());
    let estimate = exact(strongest.cramers_v, layer.rows_examined);
    let verdict = verdict::at_most(&estimate, PROXY_MAX);
    findings.push(Finding {
        groups: vec![strongest.column.clone()],
        estimate,
        threshold: Some(PROXY_MAX),
        reference: "Bergsma 2013; limit after Cohen 1988".to_owned(),
        ..verdict::finding(LAYER, "data.proxy", Severity::Medium, verdict, attribute, message)
    });
}

fn joint(layer: &DataForensics, attribute: &str, findings: &mut Vec<Finding>, score: &mut Score) {
    let Some(joint) = layer.joint_proxies.iter().find(|joint| joint.attribute == attribute) else { return };
    let (estimate, verdict, message) = match joint.auc {
        Some(auc) => {
            let estimate = exact(auc, layer.rows_examined);
            let verdict = verdict::at_most(&estimate, JOINT_PROXY_MAX);
            let carriers = joint.columns.join(", ");
            let message = format!(
                "All other columns together predict {attribute} with an AUC of {auc:.2} (0.50 is chance); closest: {carriers}."
            );
            score.take(&format!("joint proxy of {attribute}"), 20.0 * (auc - 0.6), 6.0, message.clone());
            (estimate, verdict, message)
        }
        None => {
            let reason = joint.reason.clone();
            let message = format!("Whether the other columns predict {attribute} could not be measured.");
            (Estimate { reason, ..Estimate::default() }, Verdict::NotEnoughData, message)
        }
    };
    findings.push(Finding {
        groups: joint.columns.clone(),
        estimate,
        threshold: Some(JOINT_PROXY_MAX),
        ..verdict::finding(LAYER, "data.joint_proxy", Severity::Medium, verdict, attribute, message)
    });
}

fn representation(
    layer: &DataForensics,
    attribute: &str,
    thresholds: &Thresholds,
    confidence: f64,
    findings: &mut Vec<Finding>,
    score: &mut Score,
) {
    let groups: Vec<&Representation> =
        layer.representation.iter().filter(|people| people.attribute == attribute).collect();
    let small: Vec<&&Representation> = groups.iter().filter(|people| people.n < thresholds.group_size_min).collect();
    if !small.is_empty() {
        let names: Vec<String> = small.iter().map(|people| format!("{} ({})", people.group, people.n)).collect();
        let message = format!(
            "Groups of {attribute} under {} rows, too few to judge: {}.",
            thresholds.group_size_min,
            names.join(", ")
        );
        score.take(&format!("small groups of {attribute}"), 2.0 * small.len() as f64, 6.0, message.clone());
        findings.push(Finding {
            groups: small.iter().map(|people| people.group.clone()).collect(),
            estimate: exact(small.len() as f64, groups.len() as u64),
            threshold: Some(thresholds.group_size_min as f64),
            ..verdict::finding(LAYER, "data.small_groups", Severity::Low, Verdict::NotEnoughData, attribute, message)
        });
    }
    for people in groups {
        let Some(expected) = people.reference_share.filter(|share| *share > 0.0) else { continue };
        let estimate = super::share(people.n, layer.rows_examined, confidence);
        let wanted = REPRESENTATION_MIN * expected;
        let verdict = match estimate.interval {
            Some([_, high]) if high < wanted => Verdict::Fail,
            Some([low, _]) if low >= wanted => Verdict::Pass,
            _ => Verdict::NotEnoughData,
        };
        let message = format!(
            "{} is {} of the rows, {} of the reference population.",
            people.group,
            percent_with_interval(&estimate, confidence),
            percent(expected)
        );
        if verdict == Verdict::Fail {
            let points = 10.0 * (1.0 - people.share / expected);
            score.take(&format!("representation of {}", people.group), points, 5.0, message.clone());
        }
        findings.push(Finding {
            groups: vec![people.group.clone()],
            estimate,
            threshold: Some(wanted),
            ..verdict::finding(LAYER, "data.representation", Severity::Medium, verdict, attribute, message)
        });
    }
}

fn missing(layer: &DataForensics, frame: &Frame, findings: &mut Vec<Finding>, score: &mut Score) {
    let unequal: Vec<&Missingness> =
        layer.missingness.iter().filter(|missing| missing.cramers_v > MISSING_MAX).collect();
    for missing in &unequal {
        let most = missing
            .by_group
            .iter()
            .max_by(|a, b| a.share.value.unwrap_or(0.0).total_cmp(&b.share.value.unwrap_or(0.0)));
        let Some(most) = most else { continue };
        let message = format!(
            "'{}' is missing unequally by {}: most for {}, {}.",
            missing.column,
            missing.attribute,
            most.group,
            percent(most.share.value.unwrap_or(0.0))
        );
        score.take(
            &format!("{} missing by {}", missing.column, missing.attribute),
            25.0 * missing.cramers_v,
            5.0,
            message.clone(),
        );
        findings.push(Finding {
            groups: vec![most.group.clone()],
            estimate: exact(missing.cramers_v, layer.rows_examined),
            threshold: Some(MISSING_MAX),
            reference: "Fernando et al. 2021".to_owned(),
            ..verdict::finding(
                LAYER,
                "data.missing_by_group",
                Severity::Medium,
                Verdict::Fail,
                &missing.column,
                message,
            )
        });
    }
    if unequal.is_empty() {
        let worst = layer.missingness.iter().map(|missing| missing.cramers_v).fold(0.0, f64::max);
        let columns = frame.table.columns.len();
        let message = format!("No column of {columns} is missing noticeably more often for one group.");
        findings.push(Finding {
            estimate: exact(worst, layer.rows_examined),
            threshold: Some(MISSING_MAX),
            ..verdict::finding(LAYER, "data.missing_by_group", Severity::Medium, Verdict::Pass, "all columns", message)
        });
    }
}

fn quality(layer: &DataForensics, frame: &Frame, findings: &mut Vec<Finding>, score: &mut Score) {
    let share = layer.duplicate_rows as f64 / frame.rows_total as f64;
    let message =
        format!("{} of {} rows repeat an earlier row in every column.", layer.duplicate_rows, frame.rows_total);
    score.take("duplicate rows", 50.0 * share, 8.0, message.clone());
    let verdict = if share > DUPLICATES_MAX { Verdict::Fail } else { Verdict::Pass };
    findings.push(Finding {
        estimate: exact(share, frame.rows_total),
        threshold: Some(DUPLICATES_MAX),
        ..verdict::finding(LAYER, "data.duplicates", Severity::Low, verdict, "all columns", message)
    });
    let rarer = layer.base_rate.min(1.0 - layer.base_rate);
    let message = format!("The favourable label is {} of the labelled rows.", percent(layer.base_rate));
    score.take("class balance", 100.0 * (BALANCE_MIN - rarer), 5.0, message.clone());
    let verdict = if rarer < BALANCE_MIN { Verdict::Fail } else { Verdict::Pass };
    findings.push(Finding {
        estimate: exact(layer.base_rate, frame.label_counts().0),
        threshold: Some(BALANCE_MIN),
        ..verdict::finding(LAYER, "data.class_balance", Severity::Medium, verdict, &frame.outcome.column, message)
    });
    if frame.outcome.may_be_harmful() {
        let message = format!(
            "'{}' was taken as the favourable value of '{}', whose name suggests a harm; if so, give the other value as positive_label.",
            frame.outcome.positive, frame.outcome.column
        );
        findings.push(verdict::finding(
            LAYER,
            "data.favourable_label",
            Severity::Medium,
            Verdict::NotEnoughData,
            &frame.outcome.column,
            message,
        ));
    }
}

fn leaks(layer: &DataForensics, frame: &Frame, findings: &mut Vec<Finding>, score: &mut Score) {
    for leak in &layer.leakage {
        let message = format!("'{}' gives the target away: {}.", leak.column, leak.note);
        score.take(&format!("leakage by {}", leak.column), 20.0, 20.0, message.clone());
        findings.push(Finding {
            estimate: exact(leak.auc, layer.rows_examined),
            threshold: Some(leakage::AUC_MAX),
            reference: "Kaufman et al. 2012".to_owned(),
            ..verdict::finding(LAYER, "data.leakage", Severity::High, Verdict::Fail, &leak.column, message)
        });
    }
    if layer.leakage.is_empty() {
        let message = format!("No single column ranks the target with an AUC over {:.2}.", leakage::AUC_MAX);
        findings.push(Finding {
            threshold: Some(leakage::AUC_MAX),
            reference: "Kaufman et al. 2012".to_owned(),
            ..verdict::finding(LAYER, "data.leakage", Severity::High, Verdict::Pass, &frame.outcome.column, message)
        });
    }
}

fn notes(layer: &DataForensics, frame: &Frame, findings: &mut Vec<Finding>, score: &mut Score) {
    for (kind, code, severity, points, max) in [
        (columns::PERSONAL_DATA, "data.personal_data", Severity::Medium, 4.0, 12.0),
        (columns::IDENTIFIER, "data.identifier_column", Severity::Low, 1.0, 3.0),
        (columns::CONSTANT, "data.constant_column", Severity::Low, 0.5, 2.0),
        (columns::MOSTLY_MISSING, "data.mostly_missing", Severity::Low, 1.0, 4.0),
        (columns::OUTLIERS, "data.outliers", Severity::Low, 0.25, 1.0),
    ] {
        let of_kind = layer.column_notes.iter().filter(|note| note.kind == kind && note.column != frame.outcome.column);
        let messages: Vec<(&str, String)> =
            of_kind.map(|note| (note.column.as_str(), format!("'{}': {}.", note.column, note.note))).collect();
        let Some((_, first)) = messages.first() else { continue };
        let reason = match messages.len() {
            1 => first.clone(),
            more => format!("{more} columns, the first: {first}"),
        };
        score.take(&format!("columns: {}", kind.replace('_', " ")), points * messages.len() as f64, max, reason);
        for (column, message) in messages {
            findings.push(verdict::finding(LAYER, code, severity, Verdict::Fail, column, message));
        }
    }
}
