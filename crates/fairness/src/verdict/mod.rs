//! From measurements to a verdict: layer statuses, the overall score, the certification status, and what to do.
//!
//! Every number here is a pure function of the layers; the formula is printed on the certificate ([`SCORE_FORMULA`]).

mod checklist;
mod method;

use crate::document::{CertificationStatus, Estimate, Finding, ScoreTerm, Severity, SeveritySummary, Status, Verdict};

pub(crate) use checklist::checklist;
pub(crate) use method::method;

/// Weights of the layers in the overall score. Ours: the decisions weigh more than the data they came from.
const WEIGHTS: [f64; 3] = [0.25, 0.30, 0.45];
/// Score from which a certificate can be CERTIFIED.
pub const CERTIFIED_MIN: f64 = 80.0;
/// Score from which a certificate can be CONDITIONAL.
pub const CONDITIONAL_MIN: f64 = 60.0;

/// The formula, as printed on every certificate.
pub(crate) const SCORE_FORMULA: &str = "overall_score = 0.25 data_forensics.health_score + 0.30 stress_test.bias_score + 0.45 \
     fairness_metrics.overall_fairness_score, each 100 less its score_terms. CERTIFIED: overall_score of at least 80, no layer \
     FAIL, and every protected attribute with a conclusive disparate impact. CONDITIONAL: overall_score of at least 60 and no \
     critical finding failed. Otherwise NOT CERTIFIED. Weights and points are a choice of this project, not of a law.";

/// The three measured layers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Layer {
    pub(crate) score: f64,
    pub(crate) status: Status,
}

/// Weighted mean of the layer scores, two decimals.
pub(crate) fn overall_score(layers: &[Layer; 3]) -> f64 {
    round2(layers.iter().zip(WEIGHTS).map(|(layer, weight)| layer.score * weight).sum())
}

/// The verdict over the audit; see [`SCORE_FORMULA`]. `conclusive`: every attribute has a pass or a fail for its
/// disparate impact.
pub(crate) fn certification(
    score: f64,
    layers: &[Layer; 3],
    findings: &[Finding],
    conclusive: bool,
) -> CertificationStatus {
    let failed_layer = layers.iter().any(|layer| layer.status == Status::Fail);
    let failed_critical =
        findings.iter().any(|finding| finding.verdict == Verdict::Fail && finding.severity == Severity::Critical);
    if score >= CERTIFIED_MIN && !failed_layer && !failed_critical && conclusive {
        CertificationStatus::Certified
    } else if score >= CONDITIONAL_MIN && !failed_critical {
        CertificationStatus::Conditional
    } else {
        CertificationStatus::NotCertified
    }
}

/// Status of a layer: FAIL with a failed finding of severity high or critical, WARN with any other failed or doubtful
/// one, else PASS.
pub(crate) fn status(findings: &[Finding]) -> Status {
    let failed = |finding: &&Finding| finding.verdict == Verdict::Fail;
    if findings.iter().filter(failed).any(|finding| finding.severity <= Severity::High) {
        return Status::Fail;
    }
    let doubtful = findings.iter().any(|finding| finding.verdict != Verdict::Pass);
    if doubtful { Status::Warn } else { Status::Pass }
}

/// Failed and doubtful findings as sentences, in their order.
pub(crate) fn warnings(findings: &[Finding]) -> Vec<String> {
    findings.iter().filter(|finding| finding.verdict != Verdict::Pass).map(|finding| finding.message.clone()).collect()
}

/// Worst first: failed before doubtful before passed, then by severity, then by code and subject.
pub(crate) fn sort(findings: &mut [Finding]) {
    findings.sort_by(|a, b| {
        (a.verdict, a.severity, &a.code, &a.about, &a.groups)
            .cmp(&(b.verdict, b.severity, &b.code, &b.about, &b.groups))
    });
}

/// Counts by severity and the overall level.
pub(crate) fn severity_summary(findings: &[Finding]) -> SeveritySummary {
    let failed = |severity: Severity| {
        let is = |finding: &&Finding| finding.verdict == Verdict::Fail && finding.severity == severity;
        findings.iter().filter(is).count() as u32
    };
    let (critical, high, medium) = (failed(Severity::Critical), failed(Severity::High), failed(Severity::Medium));
    let doubtful = findings.iter().filter(|finding| finding.verdict == Verdict::NotEnoughData).count() as u32;
    let level = match (critical, high, medium) {
        (1.., ..) => "CRITICAL",
        (_, 1.., _) => "HIGH",
        (_, _, 1..) => "MEDIUM",
        _ => "LOW",
    };
    SeveritySummary {
        overall_risk_level: level.to_owned(),
        total_critical_warnings: critical,
        total_high_warnings: high,
        total_medium_warnings: medium,
        total_not_enough_data: doubtful,
    }
}

/// Verdict of a number that must not exceed `max`, by its whole interval.
pub(crate) fn at_most(estimate: &Estimate, max: f64) -> Verdict {
    match (estimate.value, estimate.interval) {
        (Some(_), Some([low, _])) if low > max => Verdict::Fail,
        (Some(_), Some([_, high])) if high <= max => Verdict::Pass,
        (Some(value), None) => {
            if value > max {
                Verdict::Fail
            } else {
                Verdict::Pass
            }
        }
        _ => Verdict::NotEnoughData,
    }
}

/// A finding with nothing but what every finding has.
pub(crate) fn finding(
    layer: &str,
    code: &str,
    severity: Severity,
    verdict: Verdict,
    about: &str,
    message: String,
) -> Finding {
    Finding {
        code: code.to_owned(),
        layer: layer.to_owned(),
        severity,
        verdict,
        about: about.to_owned(),
        groups: Vec::new(),
        estimate: Estimate::default(),
        threshold: None,
        p_adjusted: None,
        message,
        reference: String::new(),
    }
}

/// A measured number without an interval.
pub(crate) fn exact(value: f64, n: u64) -> Estimate {
    Estimate { value: Some(value), interval: None, n, reason: None }
}

/// Terms of a layer score; a term of no points is left out.
#[derive(Debug, Default)]
pub(crate) struct Score {
    terms: Vec<ScoreTerm>,
}

impl Score {
    /// Takes `points`, at most `max`, off the score.
    pub(crate) fn take(&mut self, name: &str, points: f64, max: f64, reason: String) {
        let points = round2(points.clamp(0.0, max));
        if points > 0.0 {
            self.terms.push(ScoreTerm { name: name.to_owned(), points, reason });
        }
    }

    /// The score, 0 to 100 with two decimals, and its terms, largest first.
    pub(crate) fn finish(mut self) -> (f64, Vec<ScoreTerm>) {
        let taken: f64 = self.terms.iter().map(|term| term.points).sum();
        self.terms.sort_by(|a, b| b.points.total_cmp(&a.points).then_with(|| a.name.cmp(&b.name)));
        (round2((100.0 - taken).max(0.0)), self.terms)
    }
}

/// Two decimals, half away from zero.
pub(crate) fn round2(value: f64) -> f64 {
    libm::round(value * 100.0) / 100.0
}

/// A share as text: `12.3 %`.
pub(crate) fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// An estimate of a share as text: `12.3 % (95 % interval 11.0 % to 13.7 %)`.
pub(crate) fn percent_with_interval(estimate: &Estimate, confidence: f64) -> String {
    let Some(value) = estimate.value else { return "undefined".to_owned() };
    let Some([low, high]) = estimate.interval else { return percent(value) };
    format!("{} ({:.0} % interval {} to {})", percent(value), confidence * 100.0, percent(low), percent(high))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(verdict: Verdict, severity: Severity) -> Finding {
        finding("stress_test", "x", severity, verdict, "sex", String::new())
    }

    #[test]
    fn a_layer_fails_by_a_serious_finding_and_warns_by_any_other() {
        for (findings, expected) in [
            (vec![], Status::Pass),
            (vec![of(Verdict::Pass, Severity::Critical)], Status::Pass),
            (vec![of(Verdict::NotEnoughData, Severity::Critical)], Status::Warn),
            (vec![of(Verdict::Fail, Severity::Medium)], Status::Warn),
            (vec![of(Verdict::Fail, Severity::Medium), of(Verdict::Fail, Severity::High)], Status::Fail),
        ] {
            assert_eq!(status(&findings), expected, "{findings:?}");
        }
    }

    #[test]
    fn the_verdict_follows_score_layers_and_critical_findings() {
        let layers = |status| [Layer { score: 90.0, status }; 3];
        let critical = [of(Verdict::Fail, Severity::Critical)];
        for (score, status, findings, conclusive, expected) in [
            (80.0, Status::Warn, &[][..], true, CertificationStatus::Certified),
            (79.99, Status::Pass, &[], true, CertificationStatus::Conditional),
            (95.0, Status::Fail, &[], true, CertificationStatus::Conditional),
            (95.0, Status::Pass, &[], false, CertificationStatus::Conditional),
            (95.0, Status::Pass, &critical, true, CertificationStatus::NotCertified),
            (59.99, Status::Pass, &[], true, CertificationStatus::NotCertified),
        ] {
            assert_eq!(certification(score, &layers(status), findings, conclusive), expected, "{score} {status:?}");
        }
        assert_eq!(overall_score(&layers(Status::Pass)), 90.0);
    }

    #[test]
    fn an_interval_across_the_limit_is_no_verdict() {
        let estimate = |low, high| Estimate { value: Some(0.1), interval: Some([low, high]), n: 9, reason: None };
        assert_eq!(at_most(&estimate(0.06, 0.2), 0.05), Verdict::Fail);
        assert_eq!(at_most(&estimate(0.04, 0.2), 0.05), Verdict::NotEnoughData);
        assert_eq!(at_most(&estimate(0.0, 0.05), 0.05), Verdict::Pass);
        assert_eq!(at_most(&Estimate::default(), 0.05), Verdict::NotEnoughData);
    }

    #[test]
    fn a_score_never_falls_under_zero() {
        let mut score = Score::default();
        for name in ["a", "b", "c"] {
            score.take(name, 70.0, 40.0, String::new());
        }
        let (points, terms) = score.finish();
        assert_eq!((points, terms.len()), (0.0, 3));
    }
}
