//! The result of an audit as a versioned JSON document: what the wire answers and the store keeps.
//!
//! Domain types know nothing of JSON; this is their one written form. It never holds a found value, only its mask and the
//! places in the texts. A stored document names its schema, the engine, the rules and the formula that made it.

use serde::{Deserialize, Serialize};

use crate::audit::Audit;
use crate::evidence::Evidence;
use crate::finding::{Finding, Span};
use crate::hazards::{self, LabelScore, SafetyIssue};
use crate::interaction::{Interaction, Side};
use crate::regulations::Violation;
use crate::risk::{FORMULA_VERSION, Term};
use crate::rules::{ENGINE_VERSION, RULES_VERSION, Rules};

/// Version of this schema.
pub const SCHEMA_VERSION: u32 = 1;

/// The document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "names are those of the interface; docs of the domain types say what they mean")]
pub struct AuditDocument {
    pub schema_version: u32,
    pub compliance_status: String,
    pub risk_score: f64,
    pub risk_terms: Vec<RiskTerm>,
    pub risk_floor: Option<String>,
    pub regulations: Vec<RegulationEntry>,
    pub regulation_violations: Vec<ViolationEntry>,
    pub recommendations: Vec<ViolationEntry>,
    pub pii: Vec<FindingEntry>,
    pub secrets: Vec<FindingEntry>,
    pub special_categories: Vec<FindingEntry>,
    pub safety_issues: Vec<SafetyEntry>,
    pub evidence: Vec<EvidenceEntry>,
    pub remediation_steps: Vec<String>,
    pub safe_input: String,
    pub safe_output: String,
    pub explanation: String,
    pub warnings: Vec<String>,
    pub engine: EngineEntry,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub judge: Option<JudgeEntry>,
}

/// Who else was asked about hazards. Not part of an audit: whoever asks fills it in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "see AuditDocument")]
pub struct JudgeEntry {
    pub model: String,
    /// `answered` or `no_answer`; without an answer the engine's findings stand.
    pub outcome: String,
}

/// What made the document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "see AuditDocument")]
pub struct EngineEntry {
    pub version: String,
    pub rules_version: String,
    pub organization_rules: String,
    pub risk_formula: String,
}

/// Personal data, a credential or a special category.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "see AuditDocument")]
pub struct FindingEntry {
    pub id: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub side: String,
    pub start: usize,
    pub end: usize,
    pub byte_start: usize,
    pub byte_end: usize,
    pub confidence: f64,
    pub severity: u8,
    pub masked: String,
    pub evidence: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context_word: Option<String>,
    pub alternatives: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub json_pointer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
    pub echoed: bool,
}

/// A place in a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "see AuditDocument")]
pub struct SpanEntry {
    pub side: String,
    pub start: usize,
    pub end: usize,
    pub byte_start: usize,
    pub byte_end: usize,
}

/// A hazard.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "see AuditDocument")]
pub struct SafetyEntry {
    pub category: String,
    pub name: String,
    pub label: String,
    pub side: String,
    pub score: f64,
    pub severity: u8,
    pub spans: Vec<SpanEntry>,
    /// Below the threshold: here only because every score was asked for. Counts for nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unreported: bool,
}

/// A fact of a rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "see AuditDocument")]
pub struct EvidenceEntry {
    pub kind: String,
    pub fact: String,
    pub confidence: f64,
    pub spans: Vec<SpanEntry>,
}

/// A relevant law.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "see AuditDocument")]
pub struct RegulationEntry {
    pub id: String,
    pub title: String,
    pub version: String,
    pub kind: String,
    pub because: String,
}

/// A control that may be engaged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "see AuditDocument")]
pub struct ViolationEntry {
    pub regulation: String,
    pub regulation_title: String,
    pub code: String,
    pub article: String,
    pub title: String,
    pub why: String,
    pub severity: String,
    pub remediation: String,
    pub spans: Vec<SpanEntry>,
}

/// A term of the score.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "see AuditDocument")]
pub struct RiskTerm {
    pub what: String,
    pub side: String,
    pub severity: f64,
    pub confidence: f64,
    pub side_factor: f64,
    pub sensitivity: f64,
    pub repeat_factor: f64,
    pub x: f64,
}

impl AuditDocument {
    /// The document of an audit. `scores` asks for every label's score among the safety issues.
    pub fn new(audit: &Audit, interaction: &Interaction, rules: &Rules, scores: bool) -> Self {
        let places = Places { input: &interaction.input.value, output: &interaction.output.value };
        let violations = |recommended: bool| {
            audit
                .violations
                .iter()
                .filter(|violation| violation.recommendation == recommended)
                .map(|violation| places.violation(violation))
                .collect()
        };
        AuditDocument {
            schema_version: SCHEMA_VERSION,
            compliance_status: audit.status.name().to_owned(),
            risk_score: audit.risk.score,
            risk_terms: audit.risk.terms.iter().map(term).collect(),
            risk_floor: audit.risk.floor.map(str::to_owned),
            regulations: audit
                .regulations
                .iter()
                .map(|regulation| RegulationEntry {
                    id: regulation.id.to_owned(),
                    title: regulation.title.to_owned(),
                    version: regulation.version.to_owned(),
                    kind: regulation.kind.to_owned(),
                    because: regulation.because.clone(),
                })
                .collect(),
            regulation_violations: violations(false),
            recommendations: violations(true),
            pii: entries(&audit.pii, "pii"),
            secrets: entries(&audit.secrets, "secret"),
            special_categories: entries(&audit.special, "special"),
            safety_issues: issues(audit, scores),
            evidence: audit.evidence.iter().map(|fact| places.evidence(fact)).collect(),
            remediation_steps: audit.remediation.clone(),
            safe_input: audit.safe_input.clone(),
            safe_output: audit.safe_output.clone(),
            explanation: audit.explanation.clone(),
            warnings: audit.warnings.clone(),
            engine: EngineEntry {
                version: ENGINE_VERSION.to_owned(),
                rules_version: RULES_VERSION.to_owned(),
                organization_rules: rules.version.clone(),
                risk_formula: FORMULA_VERSION.to_owned(),
            },
            judge: None,
        }
    }
}

struct Places<'t> {
    input: &'t str,
    output: &'t str,
}

impl Places<'_> {
    fn spans(&self, side: Side, bytes: &[(usize, usize)]) -> Vec<SpanEntry> {
        let text = if side == Side::Input { self.input } else { self.output };
        crate::finding::spans(text, bytes).into_iter().map(|span| place(side, span)).collect()
    }

    fn evidence(&self, fact: &Evidence) -> EvidenceEntry {
        EvidenceEntry {
            kind: fact.kind.to_owned(),
            fact: fact.fact.clone(),
            confidence: round(fact.confidence, 2),
            spans: self.spans(fact.side, &fact.spans),
        }
    }

    fn violation(&self, violation: &Violation) -> ViolationEntry {
        let of = |side| -> Vec<(usize, usize)> {
            violation.spans.iter().filter(|span| span.0 == side).map(|span| (span.1, span.2)).collect()
        };
        let mut spans = self.spans(Side::Input, &of(Side::Input));
        spans.extend(self.spans(Side::Output, &of(Side::Output)));
        ViolationEntry {
            regulation: violation.regulation.to_owned(),
            regulation_title: violation.regulation_title.to_owned(),
            code: violation.code.to_owned(),
            article: violation.article.to_owned(),
            title: violation.title.to_owned(),
            why: violation.why.clone(),
            severity: violation.severity.name().to_owned(),
            remediation: violation.remediation.to_owned(),
            spans,
        }
    }
}

fn place(side: Side, span: Span) -> SpanEntry {
    SpanEntry {
        side: side.name().to_owned(),
        start: span.start,
        end: span.end,
        byte_start: span.byte_start,
        byte_end: span.byte_end,
    }
}

fn entries(findings: &[Finding], prefix: &str) -> Vec<FindingEntry> {
    findings
        .iter()
        .enumerate()
        .map(|(nth, finding)| FindingEntry {
            id: format!("{prefix}-{}", nth + 1),
            kind: finding.kind.name.to_owned(),
            side: finding.side.name().to_owned(),
            start: finding.span.start,
            end: finding.span.end,
            byte_start: finding.span.byte_start,
            byte_end: finding.span.byte_end,
            confidence: round(finding.confidence, 2),
            severity: finding.severity,
            masked: finding.masked.clone(),
            evidence: finding.proof.name().to_owned(),
            context_word: finding.word.clone(),
            alternatives: finding.alternatives.iter().map(|name| (*name).to_owned()).collect(),
            json_pointer: finding.pointer.clone(),
            encoding: finding.encoding.map(str::to_owned),
            echoed: finding.echoed,
        })
        .collect()
}

fn safety(issue: &SafetyIssue) -> SafetyEntry {
    SafetyEntry {
        category: issue.hazard.code.to_owned(),
        name: issue.hazard.name.to_owned(),
        label: issue.label.clone(),
        side: issue.side.name().to_owned(),
        score: round(issue.score, 4),
        severity: issue.severity(),
        spans: issue.spans.iter().map(|span| place(issue.side, *span)).collect(),
        unreported: false,
    }
}

/// The issues, and behind them, if asked for, the labels that are none.
fn issues(audit: &Audit, scores: bool) -> Vec<SafetyEntry> {
    let mut issues: Vec<SafetyEntry> = audit.safety.iter().map(safety).collect();
    if scores {
        let reported = |score: &&LabelScore| {
            audit.safety.iter().any(|issue| issue.label == score.label && issue.side == score.side)
        };
        issues.extend(audit.scores.iter().filter(|score| !reported(score)).filter_map(unreported));
    }
    issues
}

fn unreported(score: &LabelScore) -> Option<SafetyEntry> {
    let hazard = hazards::of_label(score.label)?;
    let severity = if score.side == Side::Input { hazard.severity_input } else { hazard.severity_output };
    Some(SafetyEntry {
        category: hazard.code.to_owned(),
        name: hazard.name.to_owned(),
        label: score.label.to_owned(),
        side: score.side.name().to_owned(),
        score: round(score.score, 4),
        severity,
        spans: Vec::new(),
        unreported: true,
    })
}

fn term(term: &Term) -> RiskTerm {
    RiskTerm {
        what: term.what.clone(),
        side: term.side.name().to_owned(),
        severity: term.severity,
        confidence: term.confidence,
        side_factor: term.side_factor,
        sensitivity: term.sensitivity,
        repeat_factor: term.repeat_factor,
        x: (term.x * 1000.0).round() / 1000.0,
    }
}

/// Decimals that mean something: a stored score is the same text on every machine.
fn round(value: f32, decimals: i32) -> f64 {
    let scale = if decimals == 2 { 100.0 } else { 10_000.0 };
    (f64::from(value) * scale).round() / scale
}
