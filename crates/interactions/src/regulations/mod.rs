//! Which laws an interaction may engage, and how: countries and use case decide relevance, facts decide the rest.
//!
//! All law is data: `data/catalogs` holds controls in our own words, the table of jurisdictions, and the triggers that tie
//! facts to controls. Rules of the catalogues kept here: country decides relevance only; a control of a state or city needs
//! the place; `confidence = low` raises a recommendation, never a violation; a control counts from its date; nothing is
//! shown as met. Results say "may engage": they are no legal verdict.

mod catalogue;
pub(crate) mod country;
mod iso3166;

use std::collections::{BTreeMap, BTreeSet};

pub use country::Country;

use crate::evidence::Evidence;
use crate::interaction::Side;
use catalogue::{CATALOGUES, Catalogue, Control};

/// A law, standard or framework that the countries, the use case or a finding make relevant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Regulation {
    /// Catalogue id, such as `GDPR`.
    pub id: &'static str,
    /// Its title.
    pub title: &'static str,
    /// Version of the text the catalogue was made from.
    pub version: &'static str,
    /// Law, standard, framework or guidance.
    pub kind: &'static str,
    /// Why it is relevant.
    pub because: String,
}

/// A control that a fact may engage.
#[derive(Debug, Clone, PartialEq)]
pub struct Violation {
    /// Catalogue id.
    pub regulation: &'static str,
    /// Title of the law.
    pub regulation_title: &'static str,
    /// Code of the control, unique over all catalogues.
    pub code: &'static str,
    /// Article or section.
    pub article: &'static str,
    /// Title of the control.
    pub title: &'static str,
    /// In plain words, "may engage …".
    pub why: String,
    /// How grave: by the finding's weight, or the catalogue's own where nothing was weighed.
    pub severity: Severity,
    /// What to do.
    pub remediation: &'static str,
    /// Facts that triggered it.
    pub facts: Vec<String>,
    /// Where: side and byte span.
    pub spans: Vec<(Side, usize, usize)>,
    /// A recommendation only: the catalogue is not sure of the rule.
    pub recommendation: bool,
}

/// Gravity of a violation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// Weight under 3.
    Low,
    /// 3 to 6.
    Medium,
    /// 6 and more.
    High,
    /// A floor of the risk score fired.
    Critical,
}

impl Severity {
    /// `critical`, `high`, `medium`, `low`.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Critical => "critical",
            Severity::High => "high",
            Severity::Medium => "medium",
            Severity::Low => "low",
        }
    }

    pub(crate) fn parse(name: &str) -> Self {
        match name {
            "critical" => Severity::Critical,
            "high" => Severity::High,
            "medium" => Severity::Medium,
            _ => Severity::Low,
        }
    }
}

/// What decides relevance.
pub(crate) struct Scene<'s> {
    pub(crate) user: &'s Country,
    pub(crate) business: &'s Country,
    pub(crate) domains: BTreeSet<&'static str>,
    pub(crate) date: &'s str,
    pub(crate) frameworks: &'s BTreeSet<String>,
    pub(crate) card: bool,
    pub(crate) child: bool,
}

/// Domains that a use case's words name.
pub(crate) fn domains(use_case: &str) -> BTreeSet<&'static str> {
    let folded = use_case.to_lowercase();
    let mut found = BTreeSet::new();
    for (id, words) in &CATALOGUES.domains {
        if words.iter().any(|word| contains_word(&folded, word)) {
            found.insert(*id);
        }
    }
    found
}

fn contains_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| {
        let before = text[..at].chars().next_back().is_none_or(|c| !c.is_alphanumeric());
        before && text[at + word.len()..].chars().next().is_none_or(|c| !c.is_alphanumeric())
    })
}

/// Domains in which decisions have legal or like effect (EU AI Act annex III, GDPR article 22).
pub(crate) fn covered(domains: &BTreeSet<&'static str>) -> bool {
    [
        "employment",
        "credit",
        "healthcare",
        "benefits",
        "education",
        "housing",
        "insurance",
        "law_enforcement",
        "migration",
        "justice",
    ]
    .iter()
    .any(|domain| domains.contains(domain))
}

/// The relevant catalogues, in the order of their ids.
pub(crate) fn relevant(scene: &Scene<'_>) -> Vec<(&'static Catalogue, Regulation)> {
    CATALOGUES
        .all
        .iter()
        .filter_map(|catalogue| {
            because(catalogue, scene).map(|because| {
                (
                    catalogue,
                    Regulation {
                        id: &catalogue.id,
                        title: &catalogue.title,
                        version: &catalogue.version,
                        kind: &catalogue.kind,
                        because,
                    },
                )
            })
        })
        .collect()
}

/// Why a catalogue is relevant, or `None`.
fn because(catalogue: &Catalogue, scene: &Scene<'_>) -> Option<String> {
    if catalogue.id == "PCI_DSS" {
        return if scene.card {
            Some("payment card data were found".to_owned())
        } else {
            scene.domains.contains("payments").then(|| "the use case takes payments".to_owned())
        };
    }
    // The whole world's frameworks are voluntary: only who chose them is held to them.
    if catalogue.kind == "framework" || catalogue.id == "ISO_42001" {
        return scene.frameworks.contains(&catalogue.id).then(|| "chosen in the rules".to_owned());
    }
    let country = [("user", scene.user), ("business", scene.business)].into_iter().find(|(_, country)| {
        country.code.as_deref().is_some_and(|code| catalogue.countries.iter().any(|known| known == code))
    })?;
    let (whose, place) = country;
    let name = place.code.as_deref().unwrap_or_default();
    let state_law = catalogue.jurisdiction.iter().all(|area| area.contains('-'));
    if state_law {
        let region = [scene.user, scene.business].into_iter().find_map(|country| country.region.as_deref())?;
        catalogue.jurisdiction.iter().find(|area| area.starts_with(region))?;
    }
    let child = catalogue.id == "US_COPPA" && scene.child;
    if !catalogue.domains.is_empty()
        && !child
        && !catalogue.domains.iter().any(|domain| scene.domains.contains(domain.as_str()))
    {
        return None;
    }
    Some(format!("the {whose} is in {name}"))
}

/// Confidence from which a fact may engage a control.
const FACT_CONFIDENCE_MIN: f32 = 0.65;

/// The controls that facts may engage. `weights` says how much risk stands behind a fact.
pub(crate) fn violations(
    regulations: &[(&'static Catalogue, Regulation)],
    facts: &[Evidence],
    weights: &BTreeMap<String, f64>,
    floor: bool,
    scene: &Scene<'_>,
) -> Vec<Violation> {
    let strong: Vec<&Evidence> = facts.iter().filter(|fact| fact.confidence >= FACT_CONFIDENCE_MIN).collect();
    let mut found = Vec::new();
    for (catalogue, _) in regulations {
        for control in &catalogue.controls {
            let later = control.from.as_deref().is_some_and(|from| !scene.date.is_empty() && scene.date < from);
            let region = control.region.as_deref().is_none_or(|region| {
                [scene.user, scene.business].iter().any(|country| country.region.as_deref() == Some(region))
            });
            if later || !region {
                continue;
            }
            let triggers = CATALOGUES.triggers.get(&control.code).map_or(&[][..], Vec::as_slice);
            let fired: Vec<&Evidence> = triggers.iter().filter_map(|when| all_of(when, &strong)).flatten().collect();
            if !fired.is_empty() {
                found.push(violation(catalogue, control, &fired, weights, floor));
            }
        }
    }
    // Gravest first; the catalogue's order within.
    found.sort_by_key(|violation| std::cmp::Reverse(violation.severity));
    found
}

/// The facts that satisfy every pattern, or `None`.
fn all_of<'f>(when: &[String], facts: &[&'f Evidence]) -> Option<Vec<&'f Evidence>> {
    let mut all = Vec::new();
    for pattern in when {
        let matched: Vec<&Evidence> = facts.iter().copied().filter(|fact| glob(pattern, &fact.fact)).collect();
        if matched.is_empty() {
            return None;
        }
        all.extend(matched);
    }
    Some(all)
}

/// `*` stands for any part of a fact's name.
fn glob(pattern: &str, fact: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == fact,
        Some((head, tail)) => fact.len() >= head.len() + tail.len() && fact.starts_with(head) && fact.ends_with(tail),
    }
}

/// Places shown with one violation.
const SPANS_MAX: usize = 8;

fn violation(
    catalogue: &'static Catalogue,
    control: &'static Control,
    fired: &[&Evidence],
    weights: &BTreeMap<String, f64>,
    floor: bool,
) -> Violation {
    let mut facts: Vec<String> = fired.iter().map(|fact| fact.fact.clone()).collect();
    facts.sort();
    facts.dedup();
    let mut spans: Vec<(Side, usize, usize)> =
        fired.iter().flat_map(|fact| fact.spans.iter().map(|&(start, end)| (fact.side, start, end))).collect();
    spans.sort_unstable();
    spans.dedup();
    spans.truncate(SPANS_MAX);
    let weight = facts
        .iter()
        .filter_map(|fact| weights.get(fact))
        .copied()
        .fold(None, |best: Option<f64>, weight| Some(best.map_or(weight, |best| best.max(weight))));
    let severity = match weight {
        Some(weight) if weight >= 6.0 && floor => Severity::Critical,
        Some(weight) if weight >= 6.0 => Severity::High,
        Some(weight) if weight >= 3.0 => Severity::Medium,
        Some(_) => Severity::Low,
        None => Severity::parse(&control.severity).min(Severity::High),
    };
    let says: Vec<&str> = facts.iter().map(|fact| CATALOGUES.says(fact)).collect();
    let mut says_once: Vec<&str> = Vec::new();
    for phrase in says {
        if !says_once.contains(&phrase) {
            says_once.push(phrase);
        }
    }
    Violation {
        regulation: &catalogue.id,
        regulation_title: &catalogue.title,
        code: &control.code,
        article: &control.reference,
        title: &control.title,
        why: format!("May engage {} ({}): {}.", control.reference, control.title, says_once.join("; ")),
        severity,
        remediation: &control.remediation,
        facts,
        spans,
        recommendation: control.confidence.as_deref() == Some("low"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scene<'s>(
        user: &'s Country,
        business: &'s Country,
        use_case: &str,
        frameworks: &'s BTreeSet<String>,
    ) -> Scene<'s> {
        Scene { user, business, domains: domains(use_case), date: "2026-11-21", frameworks, card: false, child: false }
    }

    fn ids(user: &str, business: &str, use_case: &str) -> Vec<&'static str> {
        let (user, business) = (Country::parse(user), Country::parse(business));
        relevant(&scene(&user, &business, use_case, &BTreeSet::new()))
            .into_iter()
            .map(|(_, regulation)| regulation.id)
            .collect()
    }

    #[test]
    fn countries_and_use_case_decide_what_is_relevant() {
        assert_eq!(ids("Germany", "global", "Customer Support"), ["EU_AI_ACT", "GDPR"]);
        assert_eq!(ids("UK", "Japan", "chat"), ["JP_AI_ACT", "UK_GDPR"]);
        assert_eq!(ids("USA", "USA", "Hospital triage"), ["HIPAA"]);
        assert!(ids("California, USA", "US", "hiring assistant").starts_with(&["US_CA_CCPA", "US_CA_FEHA_ADS"]));
        assert!(!ids("USA", "USA", "hiring").contains(&"US_CA_CCPA"));
        assert_eq!(ids("global", "", "payments"), ["PCI_DSS"]);
        assert!(ids("", "global", "chat").is_empty());
    }

    #[test]
    fn every_trigger_names_a_control_and_known_facts() {
        let codes: BTreeSet<&str> = CATALOGUES
            .all
            .iter()
            .flat_map(|catalogue| &catalogue.controls)
            .map(|control| control.code.as_str())
            .collect();
        for (code, triggers) in &CATALOGUES.triggers {
            assert!(codes.contains(code.as_str()), "{code}");
            for fact in triggers.iter().flatten() {
                assert!(CATALOGUES.facts.iter().any(|(known, _)| known == fact), "{fact}");
            }
        }
        assert!(CATALOGUES.triggers.len() >= 110, "{}", CATALOGUES.triggers.len());
    }

    #[test]
    fn a_refused_deletion_may_engage_article_17_from_its_date_on() {
        let (user, business) = (Country::parse("DE"), Country::parse("global"));
        let none = BTreeSet::new();
        let mut scene = scene(&user, &business, "chat", &none);
        let fact = Evidence::new("int.rights", "rights.erasure.refused", Side::Output, vec![(0, 4)], 0.75);
        let found = violations(&relevant(&scene), std::slice::from_ref(&fact), &BTreeMap::new(), false, &scene);
        let article = found.iter().find(|violation| violation.code == "GDPR-17").expect("article 17 is triggered");
        assert!(article.why.starts_with("May engage Art. 17"), "{}", article.why);
        assert_eq!(article.spans, [(Side::Output, 0, 4)]);
        let denied = Evidence::new("int.disclosure", "disclosure.denied", Side::Output, vec![(0, 4)], 0.9);
        scene.date = "2026-01-01";
        let found = violations(&relevant(&scene), &[denied], &BTreeMap::new(), false, &scene);
        assert!(found.iter().all(|violation| violation.code != "AIA-50.1"), "applies from August 2026");
    }
}
