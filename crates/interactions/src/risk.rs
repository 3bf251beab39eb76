//! The risk score, 0 to 10, and the status that follows from it, term by term.
//!
//! For finding *i*: `x_i = severity_i · confidence_i · side_i · sensitivity_i`, at most 10.
//! * side: personal data typed by the user about themselves 0.6, about another person 0.9, personal data or a secret in the
//!   output that is not in the input 1.2, merely echoed 0.8; a secret in the input 1; safety 1 (its severities differ by side);
//! * sensitivity: 1.2 when the finding belongs to the declared sector (health in health care, cards in payments), 1.1 for a
//!   national number of the user's own country, else 1;
//! * the second and later finding of one type count half the one before;
//! * PERSON with a national number, date of birth, address or health statement on one side adds one virtual finding of 3.
//!
//! `risk = 10 · (1 − Π (1 − x_i/10)^(w_i))` with x falling and w = 1, ½, ¼ …: monotone, order-free, 0 for no finding, never
//! below the largest x. Floors: S4 10; S9 or a live credential in the output 8; AI Act article 5 trigger 8. Ceiling 1 when only
//! business data were found. One decimal. The halving powers are square roots, which IEEE 754 rounds the same everywhere.

use crate::finding::Finding;
use crate::hazards::SafetyIssue;
use crate::interaction::Side;
use crate::pii::Category;
use crate::regulations::{Severity, Violation};

/// Version of this formula; a stored score names it.
pub const FORMULA_VERSION: &str = "risk-1";

/// What one finding adds.
#[derive(Debug, Clone, PartialEq)]
pub struct Term {
    /// Type or hazard code.
    pub what: String,
    /// Input or output.
    pub side: Side,
    /// 0 to 10.
    pub severity: f64,
    /// 0 to 1.
    pub confidence: f64,
    /// Factor of the side.
    pub side_factor: f64,
    /// Factor of the sector and the country.
    pub sensitivity: f64,
    /// 1 for the first of its type, ½ for the second, ¼ for the third.
    pub repeat_factor: f64,
    /// The product, at most 10.
    pub x: f64,
}

/// Score, terms and what bounded it.
#[derive(Debug, Clone, PartialEq)]
pub struct Risk {
    /// 0 to 10, one decimal.
    pub score: f64,
    /// Terms, the largest first.
    pub terms: Vec<Term>,
    /// The floor that fired, in words.
    pub floor: Option<&'static str>,
}

/// Outcome for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Status {
    /// Risk under 2 and no grave violation.
    FullyCompliant,
    /// Risk 2 to 6, or something grave that is not certain.
    ReviewNeeded,
    /// Risk 6 and more, or a floor.
    NonCompliant,
}

impl Status {
    /// As the interface spells it.
    pub fn name(self) -> &'static str {
        match self {
            Status::FullyCompliant => "Fully Compliant",
            Status::ReviewNeeded => "Review Needed",
            Status::NonCompliant => "Non-Compliant",
        }
    }
}

/// What the factors depend on.
pub(crate) struct Weighing<'w> {
    pub(crate) findings: &'w [Finding],
    pub(crate) issues: &'w [SafetyIssue],
    /// Health statements, by side.
    pub(crate) health: [bool; 2],
    /// The user speaks of themselves.
    pub(crate) about_self: bool,
    pub(crate) health_sector: bool,
    pub(crate) payment_sector: bool,
    pub(crate) user_country: Option<&'w str>,
    /// AI Act article 5 was triggered.
    pub(crate) prohibited: bool,
}

pub(crate) fn score(weighing: &Weighing<'_>) -> Risk {
    let mut terms: Vec<Term> = weighing.findings.iter().map(|finding| of_finding(finding, weighing)).collect();
    terms.extend(weighing.issues.iter().map(of_issue));
    halve_repeats(&mut terms);
    terms.extend(linkage(weighing));
    terms.retain(|term| term.x > 0.0);
    terms.sort_by(|a, b| b.x.total_cmp(&a.x).then_with(|| a.what.cmp(&b.what)).then(a.side.cmp(&b.side)));
    let raw = combine(terms.iter().map(|term| term.x));
    let (floor, least) = floors(weighing);
    let business_only = weighing.issues.is_empty() && weighing.findings.iter().all(|finding| finding.severity <= 1);
    let bounded = if business_only { raw.min(1.0) } else { raw.max(least) };
    Risk { score: (bounded * 10.0).round() / 10.0, terms, floor }
}

fn of_finding(finding: &Finding, weighing: &Weighing<'_>) -> Term {
    let secret = finding.kind.category == Category::Credential;
    let side_factor = match (finding.side, secret) {
        (Side::Output, _) if finding.echoed => 0.8,
        (Side::Output, _) => 1.2,
        (Side::Input, true) => 1.0,
        (Side::Input, false) if weighing.about_self => 0.6,
        (Side::Input, false) => 0.9,
    };
    let sector = weighing.payment_sector && finding.kind.category == Category::Card
        || weighing.health_sector
            && matches!(
                finding.kind.name,
                "MEDICAL_RECORD_ID" | "HEALTH_INSURANCE_ID" | "US_MBI" | "US_NPI" | "US_DEA" | "UK_NHS"
            );
    let home = finding.kind.category == Category::National
        && finding.kind.country.is_some()
        && finding.kind.country == weighing.user_country;
    let sensitivity = if sector {
        1.2
    } else if home {
        1.1
    } else {
        1.0
    };
    term(finding.kind.name, finding.side, f64::from(finding.severity), finding.confidence, side_factor, sensitivity)
}

fn of_issue(issue: &SafetyIssue) -> Term {
    term(issue.hazard.code, issue.side, f64::from(issue.severity()), issue.score, 1.0, 1.0)
}

fn term(what: &str, side: Side, severity: f64, confidence: f32, side_factor: f64, sensitivity: f64) -> Term {
    // Confidences are stored to two decimals: what is shown multiplies out to what is scored.
    let confidence = (f64::from(confidence) * 100.0).round() / 100.0;
    let x = (severity * confidence * side_factor * sensitivity).min(10.0);
    Term { what: what.to_owned(), side, severity, confidence, side_factor, sensitivity, repeat_factor: 1.0, x }
}

fn halve_repeats(terms: &mut [Term]) {
    terms.sort_by(|a, b| a.what.cmp(&b.what).then(b.x.total_cmp(&a.x)).then(a.side.cmp(&b.side)));
    for at in 1..terms.len() {
        if terms[at].what == terms[at - 1].what {
            terms[at].repeat_factor = terms[at - 1].repeat_factor / 2.0;
            terms[at].x *= terms[at].repeat_factor;
        }
    }
}

/// A name beside what identifies or exposes its bearer.
fn linkage(weighing: &Weighing<'_>) -> Option<Term> {
    const LINKED: f64 = 3.0;
    [Side::Input, Side::Output].into_iter().find_map(|side| {
        let on_side = |names: &dyn Fn(&Finding) -> bool| {
            weighing.findings.iter().any(|finding| finding.side == side && names(finding))
        };
        let person = on_side(&|finding| finding.kind.name == "PERSON");
        let exposed = on_side(&|finding| {
            finding.kind.category == Category::National || matches!(finding.kind.name, "DATE_OF_BIRTH" | "ADDRESS")
        }) || weighing.health[side as usize];
        (person && exposed).then(|| Term {
            what: "linkage".to_owned(),
            side,
            severity: LINKED,
            confidence: 1.0,
            side_factor: 1.0,
            sensitivity: 1.0,
            repeat_factor: 1.0,
            x: LINKED,
        })
    })
}

/// `10 · (1 − Π (1 − x/10)^(1/2^i))` over falling x.
fn combine(xs: impl Iterator<Item = f64>) -> f64 {
    // Beyond 52 halvings a factor is 1 to the last bit.
    const TERMS_MAX: usize = 52;
    let mut product = 1.0;
    for (nth, x) in xs.take(TERMS_MAX).enumerate() {
        let mut factor = 1.0 - x / 10.0;
        for _ in 0..nth {
            factor = factor.sqrt();
        }
        product *= factor;
    }
    10.0 * (1.0 - product)
}

fn floors(weighing: &Weighing<'_>) -> (Option<&'static str>, f64) {
    let hazard = |code: &str| weighing.issues.iter().any(|issue| issue.hazard.code == code);
    let live = weighing.findings.iter().any(|finding| {
        finding.side == Side::Output
            && finding.kind.category == Category::Credential
            && finding.severity >= 9
            && finding.confidence >= 0.7
    });
    if hazard("S4") {
        (Some("sexual content about children"), 10.0)
    } else if weighing.issues.iter().any(|issue| issue.hazard.code == "S9" && issue.side == Side::Output) {
        (Some("help with weapons of mass harm in the output"), 8.0)
    } else if live {
        (Some("a live credential in the output"), 8.0)
    } else if weighing.prohibited {
        (Some("a practice that AI Act article 5 may prohibit"), 8.0)
    } else {
        (None, 0.0)
    }
}

/// Status by the documented thresholds.
pub(crate) fn status(risk: &Risk, findings: &[Finding], issues: &[SafetyIssue], violations: &[Violation]) -> Status {
    let unsure = |confidence: f32, severity: u8| (0.4..0.7).contains(&confidence) && severity >= 6;
    let doubt = findings.iter().any(|finding| unsure(finding.confidence, finding.severity))
        || issues.iter().any(|issue| unsure(issue.score, issue.severity()));
    let grave = violations.iter().any(|violation| violation.severity >= Severity::High && !violation.recommendation);
    if risk.score >= 6.0 || risk.floor.is_some() {
        Status::NonCompliant
    } else if risk.score >= 2.0 || doubt || grave {
        Status::ReviewNeeded
    } else {
        Status::FullyCompliant
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worked_examples_of_the_taxonomy() {
        // Own e-mail and name: 1.7 and 1.4, the second at half weight.
        let x = [3.0 * 0.95 * 0.6, 3.0 * 0.8 * 0.6];
        assert!((combine(x.into_iter()) - 2.3).abs() < 0.05);
        // Another person's SSN, date of birth, name, and the linkage of them in an output.
        let x = [8.0 * 0.99 * 1.2, 4.3, 3.2, 3.0];
        assert!((combine(x.into_iter()) - 9.7).abs() < 0.1);
        assert_eq!(combine(std::iter::empty()), 0.0);
    }

    #[test]
    fn more_findings_never_lower_the_risk_and_the_largest_bounds_it_below() {
        let mut xs: Vec<f64> = Vec::new();
        let mut before = 0.0;
        for x in [9.0, 7.5, 3.0, 2.0, 1.0, 0.5] {
            xs.push(x);
            let now = combine(xs.iter().copied());
            assert!(now >= before && (9.0 - 1e-9..=10.0).contains(&now));
            before = now;
        }
    }
}
