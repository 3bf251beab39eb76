//! What the audit of an interaction found, in words: as pages and printed reports show it.

use std::collections::BTreeMap;

use assize_interactions::document::{AuditDocument, FindingEntry, SafetyEntry, ViolationEntry};
use assize_reports::charts::{Chart, Medium, RiskTermView, risk_terms};

use crate::app::{ComplianceStatus, InteractionRecord, InteractionState, status_name};

/// Rows of a table of findings; the exports hold all.
const ROWS_MAX: usize = 100;

/// A row of what was found.
pub(crate) struct FoundRow {
    pub(crate) kind: String,
    pub(crate) side: String,
    /// The value as it may be shown.
    pub(crate) masked: String,
    /// How it was found, in words.
    pub(crate) how: String,
    pub(crate) confidence: String,
    pub(crate) severity: u8,
    /// Where, as characters from 1.
    pub(crate) place: String,
    /// What else it may be, and what it was hidden in.
    pub(crate) note: String,
}

/// A hazard.
pub(crate) struct HazardRow {
    /// What was looked for, as the model or the rule names it.
    pub(crate) label: String,
    pub(crate) code: String,
    pub(crate) name: String,
    pub(crate) side: String,
    pub(crate) score: String,
    pub(crate) severity: u8,
}

/// What one law or framework may be engaged by.
pub(crate) struct LawView {
    pub(crate) id: String,
    pub(crate) title: String,
    /// Why it is relevant at all; empty when the audit does not say.
    pub(crate) because: String,
    pub(crate) rows: Vec<LawRow>,
}

/// One article of it.
pub(crate) struct LawRow {
    pub(crate) article: String,
    pub(crate) title: String,
    pub(crate) why: String,
    pub(crate) tone: &'static str,
    pub(crate) severity: String,
    pub(crate) remediation: String,
}

/// A fact that rules found.
pub(crate) struct FactRow {
    pub(crate) kind: String,
    pub(crate) fact: String,
    pub(crate) confidence: String,
    pub(crate) places: String,
}

/// A law that was looked at and is not engaged by anything.
pub(crate) struct QuietLaw {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) because: String,
}

/// Everything.
pub(crate) struct FindingsView {
    pub(crate) tone: &'static str,
    pub(crate) status: String,
    /// One sentence: what was found, and what it may engage.
    pub(crate) summary: String,
    pub(crate) explanation: String,
    pub(crate) chart: Chart,
    pub(crate) found: Vec<FoundRow>,
    pub(crate) found_count: usize,
    pub(crate) hazards: Vec<HazardRow>,
    /// Scores below their threshold, when they were asked for.
    pub(crate) scores: Vec<HazardRow>,
    pub(crate) laws: Vec<LawView>,
    pub(crate) recommended: Vec<LawView>,
    pub(crate) quiet: Vec<QuietLaw>,
    pub(crate) steps: Vec<String>,
    pub(crate) facts: Vec<FactRow>,
    pub(crate) warnings: Vec<String>,
    pub(crate) engine: String,
    pub(crate) rules: String,
    pub(crate) organization_rules: String,
    pub(crate) formula: String,
}

impl FindingsView {
    pub(crate) fn new(document: &AuditDocument) -> Self {
        let terms = terms(document);
        let found: Vec<&FindingEntry> =
            document.secrets.iter().chain(&document.pii).chain(&document.special_categories).collect();
        let laws = laws(document, &document.regulation_violations);
        let recommended = laws_of(document, &document.recommendations);
        let spoken: Vec<&str> = laws.iter().chain(&recommended).map(|law| law.id.as_str()).collect();
        let quiet = document.regulations.iter().filter(|law| !spoken.contains(&law.id.as_str())).map(|law| QuietLaw {
            id: law.id.clone(),
            title: law.title.clone(),
            because: law.because.clone(),
        });
        Self {
            tone: tone_of(&document.compliance_status),
            status: document.compliance_status.clone(),
            summary: summary(document, &laws),
            explanation: document.explanation.clone(),
            chart: risk_terms(document.risk_score, &terms, document.risk_floor.as_deref(), Medium::Screen),
            found_count: found.len(),
            found: found.into_iter().take(ROWS_MAX).map(found_row).collect(),
            hazards: document
                .safety_issues
                .iter()
                .filter(|one| !one.unreported)
                .take(ROWS_MAX)
                .map(hazard_row)
                .collect(),
            scores: document.safety_issues.iter().filter(|one| one.unreported).take(ROWS_MAX).map(hazard_row).collect(),
            quiet: quiet.collect(),
            laws,
            recommended,
            steps: document.remediation_steps.clone(),
            facts: document.evidence.iter().take(ROWS_MAX).map(fact_row).collect(),
            warnings: document.warnings.clone(),
            engine: document.engine.version.clone(),
            rules: document.engine.rules_version.clone(),
            organization_rules: document.engine.organization_rules.clone(),
            formula: document.engine.risk_formula.clone(),
        }
    }
}

/// What was found, the gravest first, and which laws that may engage.
fn summary(document: &AuditDocument, laws: &[LawView]) -> String {
    let data = document.secrets.iter().chain(&document.pii).chain(&document.special_categories);
    let data = data.map(|entry| (entry.severity, entry.kind.clone()));
    let hazards = document.safety_issues.iter().filter(|issue| !issue.unreported);
    let mut found: Vec<(u8, String)> =
        data.chain(hazards.map(|issue| (issue.severity, format!("{} ({})", issue.name, issue.category)))).collect();
    found.sort_by(|(a, first), (b, second)| b.cmp(a).then_with(|| first.cmp(second)));
    let mut names: Vec<String> = found.into_iter().map(|(_, name)| name).collect();
    let mut seen = std::collections::BTreeSet::new();
    names.retain(|name| seen.insert(name.clone()));
    if names.is_empty() {
        return "Nothing was found.".to_owned();
    }
    let laws: Vec<String> = laws.iter().map(|law| law.id.clone()).collect();
    let engaged = match laws.len() {
        0 => String::new(),
        _ => format!(" {} may be engaged.", listed(&laws)),
    };
    format!("Found {}.{engaged}", listed(&names))
}

/// The first of some words as a list.
fn listed(words: &[String]) -> String {
    const LISTED_MAX: usize = 4;
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] if words.len() <= LISTED_MAX => format!("{} and {last}", first.join(", ")),
        _ => format!("{} and {} more", words[..LISTED_MAX].join(", "), words.len() - LISTED_MAX),
    }
}

/// The colour of a status as the interface spells it.
pub(crate) fn tone_of(status: &str) -> &'static str {
    let known = ComplianceStatus::ALL.into_iter().find(|known| status_name(*known) == status);
    known.map_or("silent", tone)
}

/// What the risk is made of, the largest first.
pub(crate) fn terms(document: &AuditDocument) -> Vec<RiskTermView> {
    document.risk_terms.iter().map(term).collect()
}

fn term(term: &assize_interactions::document::RiskTerm) -> RiskTermView {
    let mut made_of = format!("severity {} × confidence {:.2}", term.severity, term.confidence);
    for (name, factor) in
        [("side", term.side_factor), ("sensitivity", term.sensitivity), ("repeated", term.repeat_factor)]
    {
        if (factor - 1.0).abs() > f64::EPSILON {
            made_of.push_str(&format!(" × {name} {factor}"));
        }
    }
    RiskTermView { name: format!("{} in the {}", term.what, term.side), made_of, x: term.x }
}

fn found_row(entry: &FindingEntry) -> FoundRow {
    let mut notes = Vec::new();
    if let Some(encoding) = &entry.encoding {
        notes.push(format!("hidden in {encoding}"));
    }
    if let Some(pointer) = &entry.json_pointer {
        notes.push(format!("at {pointer}"));
    }
    if entry.echoed {
        notes.push("repeats the input".to_owned());
    }
    if !entry.alternatives.is_empty() {
        notes.push(format!("or {}", entry.alternatives.join(", ")));
    }
    FoundRow {
        kind: entry.kind.clone(),
        side: entry.side.clone(),
        masked: entry.masked.clone(),
        how: how(entry),
        confidence: format!("{:.2}", entry.confidence),
        severity: entry.severity,
        place: range(entry.start, entry.end),
        note: notes.join("; "),
    }
}

/// How something was found, in words.
pub(crate) fn how(entry: &FindingEntry) -> String {
    let how = match entry.evidence.as_str() {
        "checksum" => "its check digits are right",
        "format" => "its form is",
        "context" => "words near it say so",
        "model" => "the tagger says so",
        other => other,
    };
    match &entry.context_word {
        Some(word) => format!("{how} (“{word}”)"),
        None => how.to_owned(),
    }
}

fn hazard_row(issue: &SafetyEntry) -> HazardRow {
    HazardRow {
        label: issue.label.clone(),
        code: issue.category.clone(),
        name: issue.name.clone(),
        side: issue.side.clone(),
        score: format!("{:.2}", issue.score),
        severity: issue.severity,
    }
}

fn fact_row(fact: &assize_interactions::document::EvidenceEntry) -> FactRow {
    const SHOWN: usize = 5;
    let mut places: Vec<String> =
        fact.spans.iter().take(SHOWN).map(|span| format!("{} {}", span.side, range(span.start, span.end))).collect();
    if fact.spans.len() > SHOWN {
        places.push(format!("{} more", fact.spans.len() - SHOWN));
    }
    FactRow {
        kind: fact.kind.clone(),
        fact: fact.fact.clone(),
        confidence: format!("{:.2}", fact.confidence),
        places: places.join(", "),
    }
}

/// Characters from 1, both ends meant.
fn range(start: usize, end: usize) -> String {
    if end <= start + 1 { format!("{}", start + 1) } else { format!("{}–{end}", start + 1) }
}

/// Violations by law, the gravest law first.
fn laws(document: &AuditDocument, violations: &[ViolationEntry]) -> Vec<LawView> {
    let mut laws = laws_of(document, violations);
    let gravest = |law: &LawView| law.rows.iter().map(|row| rank(&row.severity)).max().unwrap_or_default();
    laws.sort_by_key(|law| std::cmp::Reverse(gravest(law)));
    laws
}

fn laws_of(document: &AuditDocument, violations: &[ViolationEntry]) -> Vec<LawView> {
    let mut laws: BTreeMap<&str, LawView> = BTreeMap::new();
    for violation in violations {
        let because = document.regulations.iter().find(|law| law.id == violation.regulation);
        let law = laws.entry(&violation.regulation).or_insert_with(|| LawView {
            id: violation.regulation.clone(),
            title: violation.regulation_title.clone(),
            because: because.map(|law| law.because.clone()).unwrap_or_default(),
            rows: Vec::new(),
        });
        law.rows.push(LawRow {
            article: violation.article.clone(),
            title: violation.title.clone(),
            why: violation.why.clone(),
            tone: tone_of_severity(&violation.severity),
            severity: word(&violation.severity),
            remediation: violation.remediation.clone(),
        });
    }
    let mut laws: Vec<LawView> = laws.into_values().collect();
    for law in &mut laws {
        law.rows.sort_by_key(|row| std::cmp::Reverse(rank(&row.severity)));
    }
    laws
}

/// How grave a severity is, whatever its first letter.
fn rank(severity: &str) -> u8 {
    match severity.to_lowercase().as_str() {
        "critical" => 4,
        "high" => 3,
        "medium" => 2,
        "low" => 1,
        _ => 0,
    }
}

fn tone_of_severity(severity: &str) -> &'static str {
    match rank(severity) {
        3 | 4 => "fail",
        2 => "unsure",
        _ => "silent",
    }
}

/// With a capital.
fn word(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// How an interaction stands: the colour and the word.
pub(crate) fn state_of(record: &InteractionRecord) -> (&'static str, &'static str) {
    match (record.state, record.status) {
        (InteractionState::Pending, _) => ("busy", "Audit pending"),
        (InteractionState::Failed, _) => ("fail", "Failed"),
        (InteractionState::Erased, _) => ("silent", "Erased"),
        (InteractionState::Audited, Some(status)) => (tone(status), status_name(status)),
        (InteractionState::Audited, None) => ("silent", "Audited"),
    }
}

/// The colour of a status.
pub(crate) fn tone(status: ComplianceStatus) -> &'static str {
    match status {
        ComplianceStatus::Compliant => "pass",
        ComplianceStatus::Review => "unsure",
        ComplianceStatus::NonCompliant => "fail",
    }
}

/// Why an audit failed, as a sentence; its tokens are always given back.
pub(crate) fn failure_words(failure: &str) -> String {
    format!("{}; its tokens were refunded", failure.replace('_', " "))
}

/// What there is to say of an interaction that has no result.
pub(crate) fn without_result(record: &InteractionRecord) -> &'static str {
    match record.state {
        InteractionState::Pending => "It was accepted and charged, and waits for its audit.",
        InteractionState::Failed => "It could not be audited. Its tokens went back to the account.",
        InteractionState::Erased | InteractionState::Audited => {
            "Everything that was said was erased: the key that it was sealed with is destroyed."
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_said_as_people_count() {
        assert_eq!((range(0, 1).as_str(), range(4, 9).as_str()), ("1", "5–9"));
    }

    #[test]
    fn lists_are_short() {
        let words = |count: usize| (1..=count).map(|nth| format!("T{nth}")).collect::<Vec<_>>();
        let lists: Vec<String> = [1, 2, 4, 6].into_iter().map(|count| listed(&words(count))).collect();
        assert_eq!(lists, ["T1", "T1 and T2", "T1, T2, T3 and T4", "T1, T2, T3, T4 and 2 more"]);
    }

    #[test]
    fn grave_things_come_first() {
        assert!(rank("Critical") > rank("high") && rank("high") > rank("medium") && rank("odd") == 0);
        assert_eq!((tone_of_severity("high"), tone_of_severity("Low")), ("fail", "silent"));
        assert_eq!((tone_of("Non-Compliant"), tone_of("?")), ("fail", "silent"));
        assert_eq!(word("medium"), "Medium");
    }
}
