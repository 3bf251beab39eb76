//! The score and the status of the layer.
//!
//! Score, version 1. Main tests of each single attribute: demographic parity difference and ratio, equal opportunity
//! difference, equalized odds difference. A test stands at 100 when all groups are equal, at 80 when its number is on the
//! threshold, at 0 from three times the tolerance on, linear between (tolerance: the threshold of a difference, 1 minus
//! the threshold of a ratio). A test that lacks data stands at 60; one whose inputs were not handed in is left out. An
//! attribute stands at the mean of its tests, the layer at half the mean of the attributes plus half the worst one, so
//! that one fair attribute cannot hide an unfair one. Groups under the minimum size take no part; nor do intersections,
//! which are judged by their findings.
//!
//! Status: FAIL when a finding of severity critical or high fails; WARN when any other fails, or a main test of a single
//! attribute lacks data; else PASS.

use crate::document::{AttributeMetrics, Finding, ScoreTerm, Severity, Status, Tested, Verdict};

/// Where a test stands that has not enough data: between a threshold met and a clear failure.
const STANDING_WITHOUT_DATA: f64 = 60.0;

/// Score, 0 to 100 with two decimals, and what was taken off. Without any main test the score is 0: nothing measured is
/// nothing shown to be fair.
pub(crate) fn score(attributes: &[AttributeMetrics]) -> (f64, Vec<ScoreTerm>) {
    let standings: Vec<Vec<Standing>> = attributes.iter().map(standings).filter(|tests| !tests.is_empty()).collect();
    if standings.is_empty() {
        let reason = "no main test could be measured".to_owned();
        return (0.0, vec![ScoreTerm { name: "nothing measured".to_owned(), points: 100.0, reason }]);
    }
    let means: Vec<f64> = standings
        .iter()
        .map(|tests| tests.iter().map(|test| test.standing).sum::<f64>() / tests.len() as f64)
        .collect();
    let worst = (0..means.len()).fold(0, |worst, next| if means[next] < means[worst] { next } else { worst });
    let mut terms = Vec::new();
    let mut taken = 0.0;
    for (index, tests) in standings.into_iter().enumerate() {
        let weight = 0.5 / means.len() as f64 + if index == worst { 0.5 } else { 0.0 };
        let weight = weight / tests.len() as f64;
        for test in tests {
            let points = weight * (100.0 - test.standing);
            taken += points;
            if points > 0.0 {
                terms.push(ScoreTerm { name: test.name, points: two_decimals(points), reason: test.reason });
            }
        }
    }
    terms.sort_by(|a, b| b.points.total_cmp(&a.points));
    (two_decimals((100.0 - taken).clamp(0.0, 100.0)), terms)
}

/// The status by the rule above.
pub(crate) fn status(findings: &[Finding], attributes: &[AttributeMetrics]) -> Status {
    let fails = |severe: bool| {
        findings
            .iter()
            .any(|finding| finding.verdict == Verdict::Fail && (finding.severity <= Severity::High) == severe)
    };
    let lacks_data = attributes
        .iter()
        .any(|metrics| main_tests(metrics).iter().any(|(_, tested, _)| tested.verdict == Verdict::NotEnoughData));
    if fails(true) {
        Status::Fail
    } else if fails(false) || lacks_data {
        Status::Warn
    } else {
        Status::Pass
    }
}

struct Standing {
    name: String,
    standing: f64,
    reason: String,
}

/// Name, test, whether small is bad.
fn main_tests(metrics: &AttributeMetrics) -> [(&'static str, &Tested, bool); 4] {
    [
        ("demographic parity difference", &metrics.demographic_parity_difference, false),
        ("demographic parity ratio", &metrics.demographic_parity_ratio, true),
        ("equal opportunity difference", &metrics.equal_opportunity_difference, false),
        ("equalized odds difference", &metrics.equalized_odds_difference, false),
    ]
}

fn standings(metrics: &AttributeMetrics) -> Vec<Standing> {
    let tests = main_tests(metrics).into_iter().filter(|(_, tested, _)| tested.verdict != Verdict::NotAssessed);
    tests
        .map(|(name, tested, ratio)| {
            let (standing, reason) = match tested.estimate.value {
                None => {
                    let reason = tested.estimate.reason.clone().unwrap_or_default();
                    (STANDING_WITHOUT_DATA, format!("not enough data: {reason}"))
                }
                Some(value) => {
                    let (gap, tolerance) =
                        if ratio { (1.0 - value, 1.0 - tested.threshold) } else { (value, tested.threshold) };
                    let reason = format!("{value:.3}, threshold {:.2}", tested.threshold);
                    (standing(gap, tolerance), reason)
                }
            };
            Standing { name: format!("{}: {name}", metrics.attribute), standing, reason }
        })
        .collect()
}

fn standing(gap: f64, tolerance: f64) -> f64 {
    if tolerance <= 0.0 {
        return if gap <= 0.0 { 100.0 } else { 0.0 };
    }
    let excess = gap / tolerance;
    if excess <= 1.0 { 100.0 - 20.0 * excess.max(0.0) } else { (80.0 - 40.0 * (excess - 1.0)).max(0.0) }
}

fn two_decimals(points: f64) -> f64 {
    libm::round(points * 100.0) / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_stands_at_80_on_its_threshold_and_at_0_from_three_times_it() {
        let cases = [(0.0, 100.0), (0.05, 90.0), (0.1, 80.0), (0.2, 40.0), (0.3, 0.0), (0.9, 0.0)];
        for (gap, expected) in cases {
            assert!((standing(gap, 0.1) - expected).abs() < 1e-9, "{gap}");
        }
    }

    #[test]
    fn without_any_test_nothing_is_shown_to_be_fair() {
        assert_eq!(score(&[]).0, 0.0);
    }
}
