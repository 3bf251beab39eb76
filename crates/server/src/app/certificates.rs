//! Certificates: issued once, shown to anyone, revoked in public.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use assize_attestation::certificate::{self, LogProof, Verification};
use assize_attestation::{Envelope, Revocation, Statement, TrustedKeys};
use assize_fairness::document::CertificateBody;
use assize_fairness::narrative::Narrative;
use assize_fairness::{Identity, Measured};
use assize_store::audit_trail::AuditEvent;
use assize_store::certificates::{Certificate, NewCertificate};
use assize_store::queue::Lease;
use assize_store::{CertificateId, Digest, JobId, OrganizationId};
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::App;
use super::audits::blocking;
use super::caller::{Caller, Permission};
use super::error::AppError;
use super::request::AuditRequest;

pub use assize_store::certificates::CertificateSummary;

/// Characters of the reason of a revocation.
const REASON_CHARS_MAX: usize = 500;
/// Checked certificates kept in memory; one has about a megabyte.
const CHECKED_KEPT_MAX: usize = 8;

/// A certificate as anyone may see it.
#[derive(Debug, Clone)]
pub struct PublicCertificate {
    /// The sealed document, byte for byte.
    pub document: Bytes,
    /// The document with what the checks say today, as `GET /verify/{id}` serves it.
    pub presented: Bytes,
    /// The measured part, typed.
    pub body: CertificateBody,
    /// Lowercase hex SHA-256 of the canonical body.
    pub sha256_hash: String,
    /// Id of the key that signed it.
    pub key_id: String,
    /// Where it stands in the log.
    pub log: LogProof,
    /// How it verifies at this moment.
    pub verification: Verification,
    /// How it was revoked, if it was.
    pub revocation: Option<Revocation>,
    /// The signed statement of that.
    pub revocation_envelope: Option<Envelope>,
}

/// What is issued, and for whom.
pub(super) struct Issue<'a> {
    pub(super) organization: &'a OrganizationId,
    pub(super) job: &'a JobId,
    /// Ends the job in the same transaction, when one runs.
    pub(super) lease: Option<&'a Lease>,
    pub(super) request: &'a AuditRequest,
    pub(super) measured: Measured,
    pub(super) narrative: Option<Narrative>,
    pub(super) commitment_index: u64,
}

impl App {
    /// The certificate with this id, whoever's it is, checked at this moment.
    ///
    /// # Errors
    /// `NotFound` for an id that is not one or is unknown.
    pub async fn certificate(&self, id: &str) -> Result<Arc<PublicCertificate>, AppError> {
        let not_found = || AppError::NotFound { what: "certificate", id: id.to_owned() };
        let parsed = CertificateId::parse(id).ok_or_else(not_found)?;
        let stored = self.store().certificates().find(&parsed).await?.ok_or_else(not_found)?;
        let trusted = self.public_keys().await?;
        let now = self.clock().now();
        let state = CheckedState {
            id: parsed,
            revoked: stored.revocation.is_some(),
            expired: now >= stored.summary.expires_at,
            trusted: trusted.clone(),
        };
        if let Some(checked) = self.0.checked.find(&state) {
            return Ok(checked);
        }
        let checked = blocking(move || checked(stored, &trusted, now)).await??;
        Ok(self.0.checked.keep(state, checked))
    }

    /// Everybody's certificates, the last issued first, issued before `before`.
    ///
    /// # Errors
    /// `Unavailable` when the database does not answer; `Unprocessable` when `before` is no certificate id.
    pub async fn certificates(&self, before: Option<&str>, limit: u32) -> Result<Vec<CertificateSummary>, AppError> {
        let before = before
            .map(|id| {
                CertificateId::parse(id)
                    .ok_or_else(|| AppError::Unprocessable(format!("before: {id:?} is no certificate id")))
            })
            .transpose()?;
        Ok(self.store().certificates().list_public(before.as_ref(), limit).await?)
    }

    /// Revokes a certificate, for good and in public: a signed statement in the log.
    ///
    /// # Errors
    /// `Forbidden` below the role admin, `NotFound` when the organization has no such certificate, `Conflict` when it is revoked already.
    pub async fn revoke_certificate(&self, caller: &Caller, id: &str, reason: &str) -> Result<(), AppError> {
        caller.require(Permission::Manage)?;
        let organization = &caller.organization;
        let reason = reason.trim();
        if reason.is_empty() || reason.chars().count() > REASON_CHARS_MAX || reason.chars().any(char::is_control) {
            return Err(AppError::Unprocessable(format!(
                "reason: say why in one line of 1 to {REASON_CHARS_MAX} characters; everybody can read it"
            )));
        }
        let not_found = || AppError::NotFound { what: "certificate", id: id.to_owned() };
        let parsed = CertificateId::parse(id).ok_or_else(not_found)?;
        let mut unit = self.store().begin().await?;
        let (key, now) = self.0.signing.key(&mut unit, self.clock()).await?;
        let stored = unit.certificates().find(&parsed).await?;
        let stored = stored.filter(|stored| stored.summary.organization == *organization).ok_or_else(not_found)?;
        if stored.revocation.is_some() {
            return Err(AppError::Conflict(format!("certificate '{id}' is revoked already")));
        }
        let statement = Statement::revocation(&Revocation {
            certificate_id: id.to_owned(),
            certificate_sha256: stored.sha256.to_string(),
            reason: reason.to_owned(),
            revoked_at: now,
        });
        let envelope = Envelope::sign(&statement, &key).map_err(AppError::internal)?;
        let logged = self.append(&mut unit, &key, &envelope, now).await?;
        let revocation = assize_store::certificates::Revocation {
            at: now,
            reason: reason.to_owned(),
            envelope: envelope.leaf_bytes(),
            leaf_index: logged.leaf_index,
        };
        unit.certificates().revoke(organization, &parsed, &revocation).await?;
        let detail = json!({ "reason": reason, "leaf_index": logged.leaf_index });
        let event =
            AuditEvent { before_hash: Some(stored.sha256.0), ..caller.event(now, "certificate.revoke", id, detail) };
        unit.audit_writer().append(organization, &event).await?;
        unit.commit().await?;
        Ok(())
    }

    /// Numbers, seals, logs and keeps a certificate, and ends its job, in one transaction: a killed process leaves all
    /// of it or nothing, and no number is lost.
    pub(super) async fn issue_certificate(&self, issue: Issue<'_>) -> Result<String, AppError> {
        let mut unit = self.store().begin().await?;
        let (key, now) = self.0.signing.key(&mut unit, self.clock()).await?;
        let validity = SignedDuration::from_hours(24 * i64::from(self.config().passport.validity_days));
        let expires_at = now.checked_add(validity).map_err(AppError::internal)?;
        let year = u16::try_from(now.to_zoned(jiff::tz::TimeZone::UTC).year()).map_err(AppError::internal)?;
        let id = CertificateId::new(year, unit.certificate_numbers().next(year).await?);
        let identity = Identity {
            certificate_id: id.to_string(),
            model_name: issue.request.model_name.clone(),
            organization: issue.request.organization.clone(),
            issued_at: now.to_string(),
            expires_at: expires_at.to_string(),
            verify_url: format!("{}/verify/{id}", self.config().public_url()),
            commitment_index: issue.commitment_index,
        };
        let body = issue.measured.into_body(identity, issue.narrative);
        let Value::Object(members) = serde_json::to_value(&body).map_err(AppError::internal)? else {
            return Err(AppError::internal("a certificate body is an object"));
        };
        let sealed = certificate::seal(&members, &key).map_err(AppError::internal)?;
        let logged = self.append(&mut unit, &key, &sealed.envelope, now).await?;
        let sha256 = Digest::parse(&sealed.sha256_hash).ok_or_else(|| AppError::internal("a digest is 64 digits"))?;
        let new = NewCertificate {
            id: id.clone(),
            job: issue.job.clone(),
            schema_version: body.schema_version,
            body: sealed.with_log(&logged),
            sha256,
            status: status_text(&members),
            score: Some(body.overall_score),
            model_name: body.model_name,
            organization_name: body.organization,
            domain: body.domain,
            issued_at: now,
            expires_at,
            commitment_leaf_index: Some(issue.commitment_index),
            result_leaf_index: logged.leaf_index,
        };
        unit.certificates().insert(issue.organization, &new).await?;
        let detail = json!({ "job": issue.job.as_str(), "leaf_index": logged.leaf_index });
        let event = AuditEvent {
            after_hash: Some(sha256.0),
            ..Caller::system(issue.organization.clone()).event(now, "certificate.issue", id.as_str(), detail)
        };
        unit.audit_writer().append(issue.organization, &event).await?;
        if let Some(lease) = issue.lease {
            self.release_uploads(&mut unit, issue.organization, issue.job, now).await?;
            unit.queue().complete(lease, json!({ "certificate_id": id.to_string() }), now).await?;
        }
        unit.commit().await?;
        Ok(id.to_string())
    }
}

/// Checks a stored certificate at a moment; some 100 ms of computing for a large one.
fn checked(stored: Certificate, trusted: &TrustedKeys, now: Timestamp) -> Result<PublicCertificate, AppError> {
    let envelope = stored.revocation.as_ref().map(|revocation| Envelope::parse(&revocation.envelope)).transpose();
    let envelope = envelope.map_err(AppError::internal)?;
    let (presented, verification) =
        certificate::present(&stored.body, envelope.as_ref(), trusted, now).map_err(AppError::internal)?;
    let (sealed, log) = certificate::Sealed::from_document(&stored.body).map_err(AppError::internal)?;
    let revocation = envelope.as_ref().map(|envelope| envelope.statement_unverified()?.as_revocation()).transpose();
    Ok(PublicCertificate {
        body: serde_json::from_value(Value::Object(sealed.body)).map_err(AppError::internal)?,
        sha256_hash: sealed.sha256_hash,
        key_id: sealed.envelope.key_id().map_err(AppError::internal)?.to_owned(),
        log: log.ok_or_else(|| AppError::internal("a stored certificate has no log proof"))?,
        document: stored.body.into(),
        presented: presented.into(),
        verification,
        revocation: revocation.map_err(AppError::internal)?,
        revocation_envelope: envelope,
    })
}

/// Everything that what the checks say depends on, beside the document, which never changes.
#[derive(Debug, PartialEq)]
struct CheckedState {
    id: CertificateId,
    revoked: bool,
    expired: bool,
    trusted: TrustedKeys,
}

/// The certificates that were asked for last, with what the checks said.
#[derive(Debug, Default)]
pub(super) struct CheckedCertificates(Mutex<VecDeque<(CheckedState, Arc<PublicCertificate>)>>);

impl CheckedCertificates {
    fn find(&self, state: &CheckedState) -> Option<Arc<PublicCertificate>> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let position = kept.iter().position(|(other, _)| other == state)?;
        let entry = kept.remove(position)?;
        let certificate = Arc::clone(&entry.1);
        kept.push_back(entry);
        Some(certificate)
    }

    fn keep(&self, state: CheckedState, certificate: PublicCertificate) -> Arc<PublicCertificate> {
        let certificate = Arc::new(certificate);
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|(other, _)| other.id != state.id);
        if kept.len() >= CHECKED_KEPT_MAX {
            kept.pop_front();
        }
        kept.push_back((state, Arc::clone(&certificate)));
        certificate
    }
}

/// The status as the document spells it.
fn status_text(members: &serde_json::Map<String, Value>) -> String {
    members.get("certification_status").and_then(Value::as_str).unwrap_or_default().to_owned()
}
