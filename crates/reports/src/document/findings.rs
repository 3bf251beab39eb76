//! Findings as rows, the tally over them, and the four layers as cards.

use assize_fairness::document::{CertificateBody, Finding, ScoreTerm, Verdict};
use serde::Serialize;

use super::Layer;
use crate::format::{self, Scale, count, decimal};
use crate::words::{self, Tone};

/// One finding.
#[derive(Debug, Serialize)]
pub(crate) struct FindingRow {
    pub(crate) word: &'static str,
    pub(crate) tone: Tone,
    pub(crate) severity: &'static str,
    pub(crate) layer: String,
    pub(crate) about: String,
    pub(crate) message: String,
    /// Value, interval, n, threshold, significance: the evidence in one line.
    pub(crate) evidence: String,
    pub(crate) reference: String,
    pub(crate) code: String,
}

/// Findings in the document's order: worst first.
pub(super) fn rows(body: &CertificateBody) -> Vec<FindingRow> {
    body.findings.iter().map(row).collect()
}

fn row(finding: &Finding) -> FindingRow {
    FindingRow {
        word: words::verdict_word(finding.verdict),
        tone: words::verdict_tone(finding.verdict),
        severity: words::severity_word(finding.severity),
        layer: words::layer_name(&finding.layer).to_owned(),
        about: finding.about.clone(),
        message: finding.message.clone(),
        evidence: evidence(finding),
        reference: finding.reference.clone(),
        code: finding.code.clone(),
    }
}

fn evidence(finding: &Finding) -> String {
    let mut parts = vec![Scale::Number.estimate(&finding.estimate)];
    if finding.estimate.n > 0 {
        parts.push(format!("n {}", count(finding.estimate.n)));
    }
    if let Some(threshold) = finding.threshold {
        parts.push(format!("threshold {}", decimal(threshold, 3)));
    }
    if let Some(p) = finding.p_adjusted {
        parts.push(format::p_value(p));
    }
    parts.join(" · ")
}

/// How many tests ended how, in one sentence.
pub(super) fn tally(findings: &[Finding]) -> String {
    let number = |verdict: Verdict| findings.iter().filter(|finding| finding.verdict == verdict).count();
    let outcomes = [
        (number(Verdict::Fail), "failed"),
        (number(Verdict::NotEnoughData), "had not enough data"),
        (number(Verdict::NotAssessed), "could not be assessed"),
        (number(Verdict::Pass), "passed"),
    ];
    let mut parts: Vec<String> =
        outcomes.iter().filter(|(number, _)| *number > 0).map(|(number, what)| format!("{number} {what}")).collect();
    match parts.pop() {
        None => "No test was made.".to_owned(),
        Some(last) if parts.is_empty() => format!("Of {} tests, {last}.", findings.len()),
        Some(last) => format!("Of {} tests, {} and {last}.", findings.len(), parts.join(", ")),
    }
}

/// The four layers with what was taken off their scores.
pub(super) fn layers(body: &CertificateBody) -> Vec<Layer> {
    let results = &body.layer_results;
    let (data, stress, metrics) = (&results.data_forensics, &results.stress_test, &results.fairness_metrics);
    let scored = |name, status, score: f64, terms: &[ScoreTerm], key: &str| Layer {
        name,
        word: words::status_word(status),
        tone: words::status_tone(status),
        score: decimal(score, 1),
        summary: tally_of_layer(&body.findings, key),
        terms: terms.iter().map(term).collect(),
    };
    vec![
        scored("Data", data.status, data.health_score, &data.score_terms, "data_forensics"),
        scored("Stress test", stress.status, stress.bias_score, &stress.score_terms, "stress_test"),
        scored(
            "Fairness metrics",
            metrics.status,
            metrics.overall_fairness_score,
            &metrics.score_terms,
            "fairness_metrics",
        ),
        governance(body),
    ]
}

fn governance(body: &CertificateBody) -> Layer {
    let severity = &body.layer_results.gemini_governance.severity_summary;
    let (tone, word) = match severity.overall_risk_level.as_str() {
        "LOW" => (Tone::Pass, "Low risk"),
        "MEDIUM" => (Tone::Unsure, "Medium risk"),
        "HIGH" => (Tone::Fail, "High risk"),
        _ => (Tone::Fail, "Critical risk"),
    };
    let summary = format!(
        "{} critical, {} high, {} medium; {} without enough data",
        severity.total_critical_warnings,
        severity.total_high_warnings,
        severity.total_medium_warnings,
        severity.total_not_enough_data
    );
    Layer { name: "Governance", word, tone, score: String::new(), summary, terms: Vec::new() }
}

fn term(term: &ScoreTerm) -> String {
    format!("{} {}: {}", decimal(-term.points, 1), words::sentence_case(&term.name), term.reason)
}

fn tally_of_layer(findings: &[Finding], layer: &str) -> String {
    let of_layer = || findings.iter().filter(|finding| finding.layer == layer);
    let failed = of_layer().filter(|finding| finding.verdict == Verdict::Fail).count();
    format!("{failed} of {} tests failed", of_layer().count())
}
