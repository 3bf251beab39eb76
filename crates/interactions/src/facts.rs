//! From findings to facts: the dotted names that the catalogues' triggers refer to, and how much risk stands behind each.

use crate::audit::Weights;
use crate::detect::Read;
use crate::evidence::{Evidence, special as lexicon};
use crate::finding::{Finding, Proof, mask, spans};
use crate::hazards::SafetyIssue;
use crate::interaction::Side;
use crate::pii::{Category, Kind};
use crate::regulations::Country;
use crate::risk::Risk;

/// Severity from which an identifier is sensitive (taxonomy: national, tax, health and card numbers).
const SENSITIVE_MIN: u8 = 6;

/// Kinds of special categories; severities of the taxonomy, section 1.1.
fn special_kind(name: &str) -> Kind {
    let (name, severity) = match name {
        "HEALTH" => ("HEALTH", 8),
        "BIOMETRIC" => ("BIOMETRIC", 9),
        "GENETIC" => ("GENETIC", 9),
        "CHILD" => ("CHILD", 7),
        other => (lexicon::TYPES.iter().map(|(_, name)| *name).find(|name| *name == other).unwrap_or("SPECIAL"), 7),
    };
    Kind { name, category: Category::Special, severity, country: None, hipaa: false }
}

/// Statements of special categories, and of childhood, as findings.
pub(crate) fn special(evidence: &[Evidence], input: &Read<'_>, output: &Read<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for fact in evidence {
        let name = match (fact.kind, fact.fact.strip_prefix("special.")) {
            ("int.special", Some(name)) => name.to_ascii_uppercase(),
            ("int.child", _) => "CHILD".to_owned(),
            _ => continue,
        };
        let text = if fact.side == Side::Input { input.original } else { output.original };
        let kind = special_kind(&name);
        for (span, &(start, end)) in spans(text, &fact.spans).into_iter().zip(&fact.spans) {
            found.push(Finding {
                kind,
                side: fact.side,
                span,
                confidence: fact.confidence,
                severity: kind.severity,
                proof: Proof::Context,
                word: None,
                masked: mask(kind.name, &text[start..end]),
                alternatives: Vec::new(),
                pointer: None,
                echoed: fact.side == Side::Output && input.original.contains(&text[start..end]),
                encoding: None,
            });
        }
    }
    found
}

fn places<'f>(findings: impl Iterator<Item = &'f Finding>) -> Vec<(usize, usize)> {
    const PLACES_MAX: usize = 32;
    findings.take(PLACES_MAX).map(|finding| (finding.span.byte_start, finding.span.byte_end)).collect()
}

/// Facts about what was found. `health_care` says that the use case is health care.
#[expect(clippy::too_many_arguments, reason = "the parts of one audit, used once")]
pub(crate) fn of_findings(
    pii: &[Finding],
    secrets: &[Finding],
    special: &[Finding],
    safety: &[SafetyIssue],
    user: &Country,
    business: &Country,
    health_care: bool,
    clean: bool,
) -> Vec<Evidence> {
    let mut facts = Vec::new();
    // Business data and bare quasi-identifiers are no reason to call on the law.
    let personal = |finding: &&Finding| finding.severity >= 2 && finding.kind.category != Category::Company;
    for side in [Side::Input, Side::Output] {
        let on = |finding: &&Finding| finding.side == side;
        let mut add = |kind, name: &str, list: Vec<(usize, usize)>, confidence| {
            if !list.is_empty() {
                facts.push(Evidence::new(kind, name, side, list, confidence));
            }
        };
        let name = side.name();
        add("int.pii", &format!("pii.{name}"), places(pii.iter().filter(on).filter(personal)), 0.9);
        let sensitive = |finding: &&Finding| finding.severity >= SENSITIVE_MIN && finding.confidence >= 0.7;
        add("int.pii", &format!("pii.{name}_sensitive"), places(pii.iter().filter(on).filter(sensitive)), 0.9);
        add("int.secret", &format!("secret.{name}"), places(secrets.iter().filter(on)), 0.9);
        let card = |finding: &&Finding| finding.kind.name == "CREDIT_CARD";
        add("int.pan", "pan.any", places(pii.iter().filter(on).filter(card)), 0.9);
        add("int.pan", &format!("pan.{name}"), places(pii.iter().filter(on).filter(card)), 0.9);
        let auth = |finding: &&Finding| matches!(finding.kind.name, "CARD_CVV" | "CARD_PIN" | "TRACK_DATA");
        add("int.pan", "pan.auth", places(pii.iter().filter(on).filter(auth)), 0.8);
        let category = |finding: &&Finding| finding.kind.name != "CHILD";
        add("int.special", "special.any", places(special.iter().filter(on).filter(category)), 0.75);
        add("int.special", &format!("special.{name}"), places(special.iter().filter(on).filter(category)), 0.75);
        let health = special.iter().any(|finding| finding.side == side && finding.kind.name == "HEALTH")
            || pii.iter().any(|finding| {
                finding.side == side && matches!(finding.kind.name, "MEDICAL_RECORD_ID" | "HEALTH_INSURANCE_ID")
            });
        // In health care a patient's number alone says that care is given (45 CFR 160.103, identifiable health information):
        // one that the assistant brings up was in a record.
        let of_record = |finding: &Finding| {
            let disclosed = finding.side == Side::Output && !finding.echoed;
            disclosed && finding.kind.hipaa && finding.severity >= SENSITIVE_MIN && finding.confidence >= 0.7
        };
        let health = health || side == Side::Output && health_care && pii.iter().any(of_record);
        let identifier = |finding: &&Finding| finding.kind.hipaa && finding.severity >= 2;
        if health {
            add("int.phi", "phi.any", places(pii.iter().filter(on).filter(identifier)), 0.8);
            add("int.phi", &format!("phi.{name}"), places(pii.iter().filter(on).filter(identifier)), 0.8);
        }
    }
    let new = |finding: &&Finding| finding.side == Side::Output && !finding.echoed && personal(finding);
    let fresh = places(pii.iter().filter(new));
    if !fresh.is_empty() {
        facts.push(Evidence::new("int.pii", "pii.output_new", Side::Output, fresh, 0.85));
    }
    let child = places(special.iter().filter(|finding| finding.kind.name == "CHILD"));
    let of_child = places(pii.iter().filter(personal).filter(|finding| finding.side == Side::Input));
    if !child.is_empty() && !of_child.is_empty() {
        facts.push(Evidence::new("int.child", "child.pii", Side::Input, of_child, 0.75));
    }
    transfer(pii, user, business, &mut facts);
    for issue in safety {
        let list = issue.spans.iter().map(|span| (span.byte_start, span.byte_end)).collect();
        let (kind, name) = match issue.hazard.code {
            "A7" => ("int.injection", "injection.direct".to_owned()),
            "A8" => ("int.injection", "injection.indirect".to_owned()),
            code => ("int.safety", format!("safety.{}.{code}", issue.side.name())),
        };
        facts.push(Evidence::new(kind, name, issue.side, list, issue.score));
    }
    let masking = if clean { "masking.clean" } else { "masking.incomplete" };
    facts.push(Evidence::new("int.masking", masking, Side::Output, Vec::new(), 1.0));
    facts
}

/// Countries differ; grave when the destination is not recorded as adequate.
fn transfer(pii: &[Finding], user: &Country, business: &Country, facts: &mut Vec<Evidence>) {
    let (Some(from), Some(to)) = (&user.code, &business.code) else { return };
    let moved = places(pii.iter().filter(|finding| finding.side == Side::Input && finding.severity >= 2));
    if from == to || moved.is_empty() {
        return;
    }
    if user.in_eea() && business.in_eea() {
        return;
    }
    facts.push(Evidence::new("int.transfer", "transfer.any", Side::Input, moved.clone(), 0.8));
    if user.in_eea() && !business.adequate() {
        facts.push(Evidence::new("int.transfer", "transfer.pii", Side::Input, moved, 0.8));
    }
}

/// The largest term of the score behind each fact; facts of rules without a term have none.
pub(crate) fn weights(facts: &[Evidence], risk: &Risk, findings: &[Finding]) -> Weights {
    let mut weights = Weights::new();
    let category =
        |name: &str| findings.iter().find(|finding| finding.kind.name == name).map(|finding| finding.kind.category);
    for fact in facts {
        let head = fact.fact.split('.').next().unwrap_or_default();
        let behind = |what: &str| match head {
            "pii" | "transfer" | "child" => {
                category(what).is_some_and(|category| !matches!(category, Category::Credential | Category::Special))
            }
            "secret" => category(what) == Some(Category::Credential),
            "special" => category(what) == Some(Category::Special),
            "phi" => what == "HEALTH" || what == "MEDICAL_RECORD_ID" || what == "HEALTH_INSURANCE_ID",
            "pan" => category(what) == Some(Category::Card),
            "injection" => matches!(what, "A7" | "A8"),
            "hidden" => what == "A13",
            "leak" => what == "A9",
            "discrimination" => what == "A6",
            "disclosure" => what == "A11",
            "human_route" => what == "A12",
            "crisis" => what == "S11",
            "advice" => what == "S6",
            "safety" => {
                fact.fact.ends_with(what)
                    && fact.fact.len() > what.len()
                    && fact.fact.as_bytes()[fact.fact.len() - what.len() - 1] == b'.'
            }
            _ => false,
        };
        // Sides matter where the fact names one; a transfer moves what the input holds.
        let sided = fact.fact != "special.any" && fact.fact != "phi.any" && fact.fact != "pan.any";
        let largest = risk
            .terms
            .iter()
            .filter(|term| behind(&term.what) && (!sided || term.side == fact.side))
            .map(|term| term.x)
            .fold(None, |best: Option<f64>, x| Some(best.map_or(x, |best| best.max(x))));
        if let Some(x) = largest {
            let entry = weights.entry(fact.fact.clone()).or_insert(x);
            *entry = entry.max(x);
        }
    }
    weights
}
