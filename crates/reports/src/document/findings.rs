//! Findings as rows, the tally over them, and the four layers as cards.

use assize_fairness::CERTIFIED_MIN;
use assize_fairness::document::{CertificateBody, CertificationStatus, Finding, ScoreTerm, Severity, Verdict};
use serde::Serialize;

use super::Layer;
use crate::charts::Medium;
use crate::format::{self, Scale, count, decimal};
use crate::words::{self, Tone};

/// One finding.
#[derive(Debug, Serialize)]
pub(crate) struct FindingRow {
    pub(crate) word: &'static str,
    pub(crate) tone: Tone,
    pub(crate) severity: &'static str,
    pub(crate) message: String,
    /// Layer, subject, value, interval, n, threshold, significance, source: the evidence in one line.
    pub(crate) evidence: String,
}

/// Findings of one verdict.
#[derive(Debug, Serialize)]
pub(crate) struct FindingGroup {
    pub(crate) word: &'static str,
    pub(crate) tone: Tone,
    pub(crate) count: usize,
    /// The first few, worst first.
    pub(crate) first: Vec<FindingRow>,
    /// The others by test, none left out.
    pub(crate) rest: Vec<Digest>,
    /// How many findings `rest` holds.
    pub(crate) rest_count: usize,
}

/// Findings of one verdict, severity and test, one line each: intersections alone can bring a hundred.
#[derive(Debug, Serialize)]
pub(crate) struct Digest {
    pub(crate) severity: &'static str,
    pub(crate) test: String,
    /// What they are held against, and the source of it.
    pub(crate) rule: String,
    pub(crate) lines: Vec<String>,
}

/// Failed findings that a reader sees at once; the others are one click away.
const FAILED_FIRST: usize = 8;
/// The same for findings without enough data and findings not assessed.
const UNDECIDED_FIRST: usize = 4;

/// Findings by verdict, in the order of the verdicts; within one in the document's order, which is worst first.
pub(super) fn groups(body: &CertificateBody) -> Vec<FindingGroup> {
    let verdicts = [
        (Verdict::Fail, FAILED_FIRST),
        (Verdict::NotEnoughData, UNDECIDED_FIRST),
        (Verdict::NotAssessed, UNDECIDED_FIRST),
        (Verdict::Pass, 0),
    ];
    let group = |(verdict, first): (Verdict, usize)| {
        let of_verdict = || body.findings.iter().filter(move |finding| finding.verdict == verdict);
        FindingGroup {
            word: words::verdict_word(verdict),
            tone: words::verdict_tone(verdict),
            count: of_verdict().count(),
            first: of_verdict().take(first).map(row).collect(),
            rest: digests(of_verdict().skip(first)),
            rest_count: of_verdict().count().saturating_sub(first),
        }
    };
    verdicts.into_iter().map(group).filter(|group| group.count > 0).collect()
}

fn row(finding: &Finding) -> FindingRow {
    FindingRow {
        word: words::verdict_word(finding.verdict),
        tone: words::verdict_tone(finding.verdict),
        severity: words::severity_word(finding.severity),
        message: finding.message.clone(),
        evidence: evidence(finding),
    }
}

/// Findings gathered by severity and test, in the order in which each test first comes.
fn digests<'a>(findings: impl Iterator<Item = &'a Finding>) -> Vec<Digest> {
    let mut gathered: Vec<((Severity, &str), Digest)> = Vec::new();
    for finding in findings {
        let key = (finding.severity, finding.code.as_str());
        let place = gathered.iter().position(|(other, _)| *other == key).unwrap_or_else(|| {
            gathered.push((key, digest(finding)));
            gathered.len() - 1
        });
        gathered[place].1.lines.push(line(finding));
    }
    gathered.into_iter().map(|(_, digest)| digest).collect()
}

fn digest(finding: &Finding) -> Digest {
    let test = finding.code.rsplit('.').next().unwrap_or(&finding.code);
    let threshold = finding.threshold.map(|threshold| format!("threshold {}", decimal(threshold, 3)));
    let rule: Vec<String> = threshold.into_iter().chain([finding.reference.clone()]).collect();
    Digest {
        severity: words::severity_word(finding.severity),
        test: words::sentence_case(test).replace("Auc", "AUC"),
        rule: rule.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · "),
        lines: Vec::new(),
    }
}

/// A comparison of two groups as its numbers, anything else in its own words.
fn line(finding: &Finding) -> String {
    match (finding.groups.as_slice(), finding.estimate.value) {
        ([group, other], Some(_)) if finding.layer == "fairness_metrics" => {
            let estimate = Scale::Number.estimate(&finding.estimate);
            format!("{}: {group} against {other} {estimate}, n {}", finding.about, count(finding.estimate.n))
        }
        ([_, _, _, ..], Some(_)) if finding.layer == "fairness_metrics" => {
            let (groups, n) = (finding.groups.len(), count(finding.estimate.n));
            format!("{}: {groups} groups, n {n}: {}", finding.about, finding.groups.join("; "))
        }
        _ => finding.message.trim_end_matches('.').to_owned(),
    }
}

fn evidence(finding: &Finding) -> String {
    let mut parts = vec![words::layer_name(&finding.layer).to_owned(), finding.about.clone()];
    parts.push(Scale::Number.estimate(&finding.estimate));
    if finding.estimate.n > 0 {
        parts.push(format!("n {}", count(finding.estimate.n)));
    }
    if let Some(threshold) = finding.threshold {
        parts.push(format!("threshold {}", decimal(threshold, 3)));
    }
    if let Some(p) = finding.p_adjusted {
        parts.push(format::p_value(p));
    }
    parts.push(finding.reference.clone());
    parts.retain(|part| !part.is_empty());
    parts.join(" · ")
}

/// Why the certification is what it is, when the score alone does not say it.
pub(super) fn beside_the_score(body: &CertificateBody) -> &'static str {
    let failed_critical =
        |finding: &Finding| finding.verdict == Verdict::Fail && finding.severity == Severity::Critical;
    match body.certification_status {
        CertificationStatus::NotCertified if body.findings.iter().any(failed_critical) => {
            "A failed critical test rules out a certificate at any score. "
        }
        CertificationStatus::Conditional if body.overall_score >= CERTIFIED_MIN => {
            "A failed layer keeps it from being certified. "
        }
        _ => "",
    }
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
pub(super) fn layers(body: &CertificateBody, medium: Medium) -> Vec<Layer> {
    let results = &body.layer_results;
    let (data, stress, metrics) = (&results.data_forensics, &results.stress_test, &results.fairness_metrics);
    let scored = |name, status, score: f64, terms: &[ScoreTerm], key: &str| Layer {
        name,
        word: words::status_word(status),
        tone: words::status_tone(status),
        score: decimal(score, 1),
        summary: tally_of_layer(&body.findings, key),
        terms: terms.iter().map(|taken| term(taken, medium)).collect(),
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

/// What was taken off and why; on paper the reasons stand among the findings alone.
fn term(term: &ScoreTerm, medium: Medium) -> String {
    let taken = format!("{} {}", decimal(-term.points, 1), words::sentence_case(&term.name));
    match medium {
        Medium::Screen => format!("{taken}: {}", term.reason),
        Medium::Print => taken,
    }
}

fn tally_of_layer(findings: &[Finding], layer: &str) -> String {
    let of_layer = || findings.iter().filter(|finding| finding.layer == layer);
    let failed = of_layer().filter(|finding| finding.verdict == Verdict::Fail).count();
    format!("{failed} of {} tests failed", of_layer().count())
}
