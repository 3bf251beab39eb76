//! Bodies of the interactions interface. Names are the document's where it has them.

use assize_interactions::document::{
    AuditDocument, EngineEntry, EvidenceEntry, FindingEntry, JudgeEntry, RegulationEntry, RiskTerm, SafetyEntry,
    SpanEntry, ViolationEntry,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::error::Refusal;
use crate::app::{
    Checked, Findings, InteractionRecord, LedgerLine, OpenedInteraction, SubmissionId, id_of, status_name,
};

/// An interaction to be audited.
#[derive(Debug, Deserialize, ToSchema)]
#[expect(dead_code, reason = "describes what `Submission` reads by hand, for its documented refusals")]
pub(crate) struct InteractionRequest {
    /// Your unique user identifier.
    #[schema(example = "user_12345", max_length = 256)]
    user_id: String,
    /// Your organization's name.
    #[schema(example = "Example Corp", max_length = 256)]
    company_name: String,
    /// What your assistant is for.
    #[schema(example = "Customer Support", max_length = 256)]
    use_case: String,
    /// When the exchange took place, ISO 8601.
    #[schema(example = "2026-01-31T12:00:00Z")]
    timestamp: String,
    /// Your internal user: can be filtered by, and erased.
    #[schema(example = "internal_user_001", max_length = 256)]
    your_company_user_id: Option<String>,
    /// Your session.
    #[schema(example = "session_abc123", max_length = 256)]
    your_company_user_session_id: Option<String>,
    /// Version of your model.
    #[schema(example = "gpt-4-turbo", max_length = 256)]
    model_version: Option<String>,
    /// What the user sent.
    input: InteractionText,
    /// What the assistant answered.
    output: InteractionText,
}

/// One side of an interaction.
#[derive(Debug, Deserialize, ToSchema)]
#[expect(dead_code, reason = "see InteractionRequest")]
pub(crate) struct InteractionText {
    /// The raw text.
    #[schema(example = "How do I delete my account?")]
    value: String,
    /// `text` or `json`.
    #[schema(example = "text")]
    format: String,
    /// A country's English name, its ISO 3166-1 code, or `global`.
    #[schema(example = "Germany")]
    country: String,
}

/// An accepted submission.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SubmittedBody {
    /// Its id.
    #[schema(example = "VIRI-0001234Xabcde")]
    submission_id: String,
    /// A sentence.
    #[schema(example = "Success, entry undergoing audit.")]
    message: &'static str,
    /// Always `success`.
    #[schema(example = "success")]
    status: &'static str,
}

impl SubmittedBody {
    pub(super) fn new(id: &SubmissionId) -> Self {
        Self { submission_id: id.to_string(), message: "Success, entry undergoing audit.", status: "success" }
    }
}

/// A place in a text, as code points and as UTF-8 bytes, ends exclusive.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SpanBody {
    /// `input` or `output`.
    side: String,
    start: usize,
    end: usize,
    byte_start: usize,
    byte_end: usize,
}

/// Personal data, a credential, or a statement of a special category.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FindingBody {
    /// Names it inside this result.
    #[schema(example = "pii-1")]
    id: String,
    #[serde(rename = "type")]
    #[schema(example = "EMAIL")]
    kind: String,
    /// `input` or `output`.
    side: String,
    /// Unicode code points from the start of the text.
    start: usize,
    /// End in code points, exclusive.
    end: usize,
    byte_start: usize,
    byte_end: usize,
    /// 0 to 1.
    confidence: f64,
    /// 0 to 10.
    severity: u8,
    /// The value as it may be shown.
    masked: String,
    /// How it was found: `checksum`, `format`, `context` or `model`.
    evidence: String,
    /// The word near it that spoke for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    context_word: Option<String>,
    /// Other types that the same value may be.
    alternatives: Vec<String>,
    /// Where in the JSON, when the text is JSON (RFC 6901).
    #[serde(skip_serializing_if = "Option::is_none")]
    json_pointer: Option<String>,
    /// What it was hidden in, e.g. `base64`.
    #[serde(skip_serializing_if = "Option::is_none")]
    encoding: Option<String>,
    /// Whether the output merely repeats the input.
    echoed: bool,
}

/// A hazard.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SafetyBody {
    /// Code of the taxonomy: S1 to S14, A1 to A14.
    #[schema(example = "A7")]
    category: String,
    name: String,
    /// What reported it.
    label: String,
    side: String,
    /// 0 to 1.
    score: f64,
    severity: u8,
    spans: Vec<SpanBody>,
    /// Below the threshold, and here only because every score was asked for: it counts for nothing.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    unreported: bool,
}

/// A fact that rules found.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EvidenceBody {
    /// Kind of evidence, as the catalogues name it.
    #[schema(example = "int.disclosure")]
    kind: String,
    fact: String,
    confidence: f64,
    spans: Vec<SpanBody>,
}

/// A law or framework that is relevant.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RegulationBody {
    #[schema(example = "GDPR")]
    id: String,
    title: String,
    version: String,
    kind: String,
    /// Why it is relevant.
    because: String,
}

/// What an interaction may engage.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ViolationBody {
    #[schema(example = "GDPR")]
    regulation: String,
    regulation_title: String,
    code: String,
    article: String,
    title: String,
    why: String,
    /// `low`, `medium`, `high` or `critical`.
    severity: String,
    remediation: String,
    spans: Vec<SpanBody>,
}

/// A term of the risk score.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RiskTermBody {
    what: String,
    side: String,
    severity: f64,
    confidence: f64,
    side_factor: f64,
    sensitivity: f64,
    repeat_factor: f64,
    x: f64,
}

/// What made the result.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EngineBody {
    version: String,
    rules_version: String,
    organization_rules: String,
    risk_formula: String,
}

/// Who else was asked about hazards.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JudgeBody {
    model: String,
    /// `answered` or `no_answer`.
    #[schema(example = "answered")]
    outcome: String,
}

/// The result of an audit.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ResultBody {
    /// `Fully Compliant`, `Review Needed` or `Non-Compliant`.
    #[schema(example = "Review Needed")]
    compliance_status: String,
    /// 0 (lowest) to 10, one decimal.
    #[schema(example = 2.3)]
    risk_score: f64,
    /// What the score is made of.
    risk_terms: Vec<RiskTermBody>,
    /// Why the score is not lower than it is, when a floor fired.
    risk_floor: Option<String>,
    /// What is relevant.
    regulations: Vec<RegulationBody>,
    /// What may be engaged. No legal verdict.
    regulation_violations: Vec<ViolationBody>,
    /// What voluntary frameworks recommend.
    recommendations: Vec<ViolationBody>,
    /// Personal data.
    pii: Vec<FindingBody>,
    /// Credentials.
    secrets: Vec<FindingBody>,
    /// Statements of special categories (GDPR articles 9 and 10).
    special_categories: Vec<FindingBody>,
    /// Hazards.
    safety_issues: Vec<SafetyBody>,
    /// Facts.
    evidence: Vec<EvidenceBody>,
    /// What to do.
    remediation_steps: Vec<String>,
    /// The input with placeholders for what was found.
    safe_input: String,
    /// The output with placeholders for what was found.
    safe_output: String,
    /// In words.
    explanation: String,
    /// What could not be looked at.
    warnings: Vec<String>,
    /// What made the result.
    engine: EngineBody,
    /// Who else was asked about hazards; `null` when nobody is configured.
    judge: Option<JudgeBody>,
    /// Time of the audit, milliseconds.
    audit_ms: f64,
}

fn all<A, B: From<A>>(list: Vec<A>) -> Vec<B> {
    list.into_iter().map(B::from).collect()
}

impl From<Findings> for ResultBody {
    fn from(findings: Findings) -> Self {
        let AuditDocument {
            schema_version: _,
            compliance_status,
            risk_score,
            risk_terms,
            risk_floor,
            regulations,
            regulation_violations,
            recommendations,
            pii,
            secrets,
            special_categories,
            safety_issues,
            evidence,
            remediation_steps,
            safe_input,
            safe_output,
            explanation,
            warnings,
            engine,
            judge,
        } = findings.document;
        let EngineEntry { version, rules_version, organization_rules, risk_formula } = engine;
        Self {
            compliance_status,
            risk_score,
            risk_terms: all(risk_terms),
            risk_floor,
            regulations: all(regulations),
            regulation_violations: all(regulation_violations),
            recommendations: all(recommendations),
            pii: all(pii),
            secrets: all(secrets),
            special_categories: all(special_categories),
            safety_issues: all(safety_issues),
            evidence: all(evidence),
            remediation_steps,
            safe_input,
            safe_output,
            explanation,
            warnings,
            judge: judge.map(|JudgeEntry { model, outcome }| JudgeBody { model, outcome }),
            engine: EngineBody { version, rules_version, organization_rules, risk_formula },
            audit_ms: findings.audit_us as f64 / 1_000.0,
        }
    }
}

impl From<SpanEntry> for SpanBody {
    fn from(span: SpanEntry) -> Self {
        let SpanEntry { side, start, end, byte_start, byte_end } = span;
        Self { side, start, end, byte_start, byte_end }
    }
}

impl From<FindingEntry> for FindingBody {
    fn from(finding: FindingEntry) -> Self {
        let FindingEntry {
            id,
            kind,
            side,
            start,
            end,
            byte_start,
            byte_end,
            confidence,
            severity,
            masked,
            evidence,
            context_word,
            alternatives,
            json_pointer,
            encoding,
            echoed,
        } = finding;
        Self {
            id,
            kind,
            side,
            start,
            end,
            byte_start,
            byte_end,
            confidence,
            severity,
            masked,
            evidence,
            context_word,
            alternatives,
            json_pointer,
            encoding,
            echoed,
        }
    }
}

impl From<SafetyEntry> for SafetyBody {
    fn from(issue: SafetyEntry) -> Self {
        let SafetyEntry { category, name, label, side, score, severity, spans, unreported } = issue;
        Self { category, name, label, side, score, severity, spans: all(spans), unreported }
    }
}

impl From<EvidenceEntry> for EvidenceBody {
    fn from(fact: EvidenceEntry) -> Self {
        let EvidenceEntry { kind, fact, confidence, spans } = fact;
        Self { kind, fact, confidence, spans: all(spans) }
    }
}

impl From<RegulationEntry> for RegulationBody {
    fn from(regulation: RegulationEntry) -> Self {
        let RegulationEntry { id, title, version, kind, because } = regulation;
        Self { id, title, version, kind, because }
    }
}

impl From<ViolationEntry> for ViolationBody {
    fn from(violation: ViolationEntry) -> Self {
        let ViolationEntry { regulation, regulation_title, code, article, title, why, severity, remediation, spans } =
            violation;
        Self { regulation, regulation_title, code, article, title, why, severity, remediation, spans: all(spans) }
    }
}

impl From<RiskTerm> for RiskTermBody {
    fn from(term: RiskTerm) -> Self {
        let RiskTerm { what, side, severity, confidence, side_factor, sensitivity, repeat_factor, x } = term;
        Self { what, side, severity, confidence, side_factor, sensitivity, repeat_factor, x }
    }
}

/// An interaction that was audited while its client waited.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CheckedBody {
    /// Its id in the log; `null` when it was not to be kept.
    #[schema(example = "VIRI-0001234Xabcde")]
    submission_id: Option<String>,
    /// Always `success`.
    #[schema(example = "success")]
    status: &'static str,
    /// Tokens charged.
    tokens: u32,
    /// What the placeholders stand for, sealed with the `X-Restore-Key` of the request; absent without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    restore_blob: Option<String>,
    #[serde(flatten)]
    result: ResultBody,
}

impl From<Checked> for CheckedBody {
    fn from(checked: Checked) -> Self {
        Self {
            submission_id: checked.accepted.map(|accepted| accepted.id.to_string()),
            status: "success",
            tokens: checked.tokens,
            restore_blob: checked.restore_blob,
            result: checked.findings.into(),
        }
    }
}

/// A text with placeholders.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RestoreRequest {
    /// The safe version, or what was made of it.
    #[schema(example = "Dear [PERSON_1], we have written to [EMAIL_1].")]
    pub(crate) text: String,
    /// As a check answered it.
    pub(crate) restore_blob: String,
}

/// A text with its values.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RestoredBody {
    /// Placeholders that the blob does not know stay.
    pub(crate) text: String,
    /// Always `success`.
    #[schema(example = "success")]
    pub(crate) status: &'static str,
}

/// A line of a batch's answer: the result, or why there is none.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BatchAnswer {
    /// As the line named itself.
    #[schema(value_type = Option<Value>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Value>,
    /// Why the line was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// The result.
    #[serde(flatten)]
    checked: Option<CheckedBody>,
}

impl BatchAnswer {
    pub(super) fn new(id: Option<Value>, checked: Result<Checked, Refusal>) -> Self {
        match checked {
            Ok(checked) => Self { id, error: None, checked: Some(checked.into()) },
            Err(refusal) => Self { id, error: Some(refusal.into_text()), checked: None },
        }
    }
}

/// An interaction of the log.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct InteractionRow {
    #[schema(example = "VIRI-0001234Xabcde")]
    submission_id: String,
    /// `pending`, `audited`, `failed` (its tokens went back) or `erased`.
    #[schema(example = "audited")]
    state: &'static str,
    /// When it was received.
    #[schema(value_type = String, format = DateTime)]
    received_at: Timestamp,
    /// When it was audited.
    #[schema(value_type = Option<String>, format = DateTime)]
    audited_at: Option<Timestamp>,
    /// When it took place, as handed in.
    #[schema(value_type = String, format = DateTime)]
    timestamp: Timestamp,
    user_id: Option<String>,
    company_name: String,
    use_case: String,
    your_company_user_id: Option<String>,
    your_company_user_session_id: Option<String>,
    model_version: Option<String>,
    input_country: String,
    output_country: String,
    /// Tokens charged.
    tokens: u64,
    compliance_status: Option<&'static str>,
    risk_score: Option<f64>,
    /// Types of what was found.
    entities: Vec<String>,
    /// What may be engaged.
    regulations: Vec<String>,
    /// Why it failed.
    failure: Option<String>,
}

impl From<InteractionRecord> for InteractionRow {
    fn from(record: InteractionRecord) -> Self {
        Self {
            submission_id: id_of(&record).to_string(),
            state: record.state.as_str(),
            received_at: record.received_at,
            audited_at: record.audited_at,
            timestamp: record.occurred_at,
            user_id: record.client_user,
            company_name: record.company,
            use_case: record.use_case,
            your_company_user_id: record.subject,
            your_company_user_session_id: record.session,
            model_version: record.model_version,
            input_country: record.input_country,
            output_country: record.output_country,
            tokens: record.tokens,
            compliance_status: record.status.map(status_name),
            risk_score: record.risk.map(|risk| f64::from(risk) / 10.0),
            entities: record.entities,
            regulations: record.regulations,
            failure: record.failure,
        }
    }
}

impl InteractionRow {
    /// Its members as text, in their order.
    pub(super) fn fields(&self) -> [String; 19] {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        [
            self.submission_id.clone(),
            self.state.to_owned(),
            self.received_at.to_string(),
            self.audited_at.map(|at| at.to_string()).unwrap_or_default(),
            self.timestamp.to_string(),
            text(&self.user_id),
            self.company_name.clone(),
            self.use_case.clone(),
            text(&self.your_company_user_id),
            text(&self.your_company_user_session_id),
            text(&self.model_version),
            self.input_country.clone(),
            self.output_country.clone(),
            self.tokens.to_string(),
            self.compliance_status.unwrap_or_default().to_owned(),
            self.risk_score.map(|risk| format!("{risk:.1}")).unwrap_or_default(),
            self.entities.join(" "),
            self.regulations.join(" "),
            text(&self.failure),
        ]
    }
}

/// A page of the log, the newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct InteractionPage {
    pub(super) interactions: Vec<InteractionRow>,
    /// Value of `cursor` for the next page; `null` on the last one.
    pub(super) next: Option<String>,
    /// How far back a search for words looked when it ended before its page was full; ask for the next one.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(super) searched_to: Option<Timestamp>,
}

/// An interaction with its result.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct InteractionBody {
    #[serde(flatten)]
    row: InteractionRow,
    /// The result; `null` before the audit, when it failed, and once erased.
    result: Option<ResultBody>,
}

impl From<OpenedInteraction> for InteractionBody {
    fn from(opened: OpenedInteraction) -> Self {
        Self { row: opened.record.into(), result: opened.findings.map(ResultBody::from) }
    }
}

/// Whose data to erase.
#[derive(Debug, Deserialize, ToSchema)]
#[expect(dead_code, reason = "describes what `Members` reads")]
pub(crate) struct EraseRequest {
    /// Your internal user, as handed in with the interactions.
    #[schema(example = "internal_user_001")]
    your_company_user_id: String,
}

/// What was erased.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ErasedBody {
    /// Interactions.
    pub(super) erased: u64,
}

/// A line of the account.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LedgerRow {
    /// Its number, from 1, without gaps.
    entry: u64,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// `grant`, `charge`, `refund`, `purchase` or `plan`.
    kind: &'static str,
    /// Tokens that came, or with a minus sign went.
    tokens: i64,
    /// The balance after it.
    balance: u64,
    /// First submission that it is about, by number.
    first_submission: Option<u64>,
    /// Last submission that it is about.
    last_submission: Option<u64>,
    /// Who.
    actor: String,
    note: String,
}

impl From<LedgerLine> for LedgerRow {
    fn from(line: LedgerLine) -> Self {
        Self {
            entry: line.entry,
            at: line.at,
            kind: line.kind.as_str(),
            tokens: line.tokens,
            balance: line.balance,
            first_submission: line.submissions.map(|(first, _)| first),
            last_submission: line.submissions.map(|(_, last)| last),
            actor: line.actor,
            note: line.note,
        }
    }
}
