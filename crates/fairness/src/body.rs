//! From a measurement to a certificate body: who issued it when, and the narrative, are all that is added.

use serde::{Deserialize, Serialize};

use crate::document::{
    CertificateBody, CertificationStatus, Explanation, Finding, LayerResults, Method, Mitigation, Parameters,
    SCHEMA_VERSION, Subject,
};
use crate::narrative::{self, Narrative};

/// Everything of a [`CertificateBody`] but its identity: a pure function of data, model, settings and version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// CERTIFIED, CONDITIONAL or NOT CERTIFIED.
    pub certification_status: CertificationStatus,
    /// Weighted mean of the layer scores, 0 to 100.
    pub overall_score: f64,
    /// Domain as submitted.
    pub domain: String,
    /// What was audited.
    pub subject: Subject,
    /// Everything that repeats the run.
    pub parameters: Parameters,
    /// The four layers; the fourth holds the deterministic narrative's particulars.
    pub layer_results: LayerResults,
    /// Every test, worst first.
    pub findings: Vec<Finding>,
    /// Computed remedies.
    pub mitigations: Vec<Mitigation>,
    /// What the decisions rest on, by group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub explanation: Option<Explanation>,
    /// Method, limits and law.
    pub method: Method,
}

/// What the issuer adds: numbers and times from outside the measurement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// `MP-YYYY-NNNNNN`.
    pub certificate_id: String,
    /// As submitted.
    pub model_name: String,
    /// As submitted.
    pub organization: String,
    /// RFC 3339, seconds, UTC.
    pub issued_at: String,
    /// RFC 3339, seconds, UTC.
    pub expires_at: String,
    /// Absolute address of the public page.
    pub verify_url: String,
    /// Index of the commitment in the transparency log.
    pub commitment_index: u64,
}

impl Measured {
    /// The body of the certificate. Without a narrative the deterministic one is used.
    #[must_use]
    pub fn into_body(mut self, identity: Identity, narrative: Option<Narrative>) -> CertificateBody {
        let narrative = narrative.unwrap_or_else(|| narrative::template(&self));
        let governance = &mut self.layer_results.gemini_governance;
        governance.gemini_status = narrative.status.as_str().to_owned();
        governance.narrative_source = narrative.source;
        governance.numbers_checked = narrative.numbers_checked;
        governance.note = narrative.note;
        governance.checklist.clone_from(&narrative.checklist);
        CertificateBody {
            schema_version: SCHEMA_VERSION,
            certificate_id: identity.certificate_id,
            certification_status: self.certification_status,
            overall_score: self.overall_score,
            model_name: identity.model_name,
            organization: identity.organization,
            domain: self.domain,
            issued_at: identity.issued_at,
            expires_at: identity.expires_at,
            verify_url: identity.verify_url,
            commitment_index: identity.commitment_index,
            narrative: narrative.text,
            remediation_checklist: narrative.checklist,
            subject: self.subject,
            parameters: self.parameters,
            layer_results: self.layer_results,
            findings: self.findings,
            mitigations: self.mitigations,
            explanation: self.explanation,
            method: self.method,
        }
    }
}
