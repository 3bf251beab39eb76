//! Certificates: the sealed document byte for byte, what lists show of it, and its revocation.
//!
//! The document is never changed and never re-encoded: its bytes are what was signed. What the other columns say is
//! taken from it once, at issue, to find and list it. Numbers are gapless per year, because they are given out inside
//! the transaction that inserts the certificate, under the lock of the year's counter.

use jiff::Timestamp;
use sqlx::AssertSqlSafe;

use crate::backend::On;
use crate::backend::query::{Row, sql};
use crate::error::Error;
use crate::ids::{CertificateId, Digest, JobId, OrganizationId, stored};

/// Most certificates in one page of a list.
pub const PAGE_CERTIFICATES_MAX: u32 = 100;

/// What lists show of a certificate.
#[derive(Debug, Clone, PartialEq)]
pub struct CertificateSummary {
    /// Its number.
    pub id: CertificateId,
    /// Whose it is.
    pub organization: OrganizationId,
    /// The job that made it; no two certificates share one.
    pub job: JobId,
    /// The verdict, in the document's word.
    pub status: String,
    /// The document's score, if it has one.
    pub score: Option<f64>,
    /// The audited model's name.
    pub model_name: String,
    /// The organization's name as the document gives it.
    pub organization_name: String,
    /// The domain of use.
    pub domain: String,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// When it ceases to be valid.
    pub expires_at: Timestamp,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

/// A certificate.
#[derive(Debug, Clone, PartialEq)]
pub struct Certificate {
    /// What lists show of it.
    pub summary: CertificateSummary,
    /// The version of the document's schema.
    pub schema_version: u32,
    /// The canonical bytes, exactly as sealed.
    pub body: Vec<u8>,
    /// The digest the document states.
    pub sha256: Digest,
    /// Where the log keeps the commitment made before the run, if one was made.
    pub commitment_leaf_index: Option<u64>,
    /// Where the log keeps the result.
    pub result_leaf_index: u64,
    /// How it was revoked, if it was.
    pub revocation: Option<Revocation>,
}

/// A certificate to insert.
#[derive(Debug, Clone, PartialEq)]
pub struct NewCertificate {
    /// Its number, from [`CertificateNumbers::next`] in the same unit.
    pub id: CertificateId,
    /// The job that made it.
    pub job: JobId,
    /// The version of the document's schema.
    pub schema_version: u32,
    /// The canonical bytes, exactly as sealed.
    pub body: Vec<u8>,
    /// The digest the document states.
    pub sha256: Digest,
    /// The verdict, in the document's word.
    pub status: String,
    /// The document's score, if it has one.
    pub score: Option<f64>,
    /// The audited model's name.
    pub model_name: String,
    /// The organization's name as the document gives it.
    pub organization_name: String,
    /// The domain of use.
    pub domain: String,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// When it ceases to be valid.
    pub expires_at: Timestamp,
    /// Where the log keeps the commitment made before the run, if one was made.
    pub commitment_leaf_index: Option<u64>,
    /// Where the log keeps the result.
    pub result_leaf_index: u64,
}

/// The end of a certificate before its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocation {
    /// When.
    pub at: Timestamp,
    /// Why, for the public.
    pub reason: String,
    /// The signed statement, byte for byte.
    pub envelope: Vec<u8>,
    /// Where the log keeps it.
    pub leaf_index: u64,
}

const SUMMARY: &str = "certificate_id, organization_id, job_id, status, score, model_name, organization_name, domain, \
    issued_at, expires_at, revoked_at";
const DETAIL: &str = "schema_version, body, sha256, commitment_leaf_index, result_leaf_index, revocation_reason, \
    revocation_envelope, revocation_leaf_index";

/// The certificates.
pub struct Certificates<'a> {
    on: On<'a>,
}

impl<'a> Certificates<'a> {
    pub(crate) fn on(on: On<'a>) -> Self {
        Self { on }
    }

    /// Inserts a certificate. A taken number, job or leaf index is an [`Error::Conflict`].
    pub async fn insert(&mut self, organization: &OrganizationId, new: &NewCertificate) -> Result<(), Error> {
        let insert = sql("INSERT INTO certificates (certificate_id, organization_id, job_id, schema_version, body,
                 sha256, status, score, model_name, organization_name, domain, issued_at, expires_at,
                 commitment_leaf_index, result_leaf_index)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)")
        .bind(new.id.as_str())
        .bind(organization.as_str())
        .bind(new.job.as_str())
        .bind(new.schema_version)
        .bind(new.body.as_slice())
        .bind(new.sha256.to_string().as_str())
        .bind(new.status.as_str())
        .bind(new.score)
        .bind(new.model_name.as_str())
        .bind(new.organization_name.as_str())
        .bind(new.domain.as_str())
        .bind(new.issued_at)
        .bind(new.expires_at)
        .bind(new.commitment_leaf_index)
        .bind(new.result_leaf_index);
        self.on.write(insert).await.map(drop)
    }

    /// The certificate with this number, whoever's it is: certificates are public.
    pub async fn find(&mut self, id: &CertificateId) -> Result<Option<Certificate>, Error> {
        let select =
            sql(AssertSqlSafe(format!("SELECT {SUMMARY}, {DETAIL} FROM certificates WHERE certificate_id = $1")));
        self.on.read_one(select.bind(id.as_str())).await?.as_ref().map(certificate).transpose()
    }

    /// The certificate that a job made.
    pub async fn find_by_job(
        &mut self,
        organization: &OrganizationId,
        job: &JobId,
    ) -> Result<Option<Certificate>, Error> {
        let select = sql(AssertSqlSafe(format!(
            "SELECT {SUMMARY}, {DETAIL} FROM certificates WHERE organization_id = $1 AND job_id = $2"
        )));
        let row = self.on.read_one(select.bind(organization.as_str()).bind(job.as_str())).await?;
        row.as_ref().map(certificate).transpose()
    }

    /// Everybody's certificates, the last issued first, issued before `before`; at most `limit` and
    /// [`PAGE_CERTIFICATES_MAX`]. An unknown `before` has nothing before it.
    pub async fn list_public(
        &mut self,
        before: Option<&CertificateId>,
        limit: u32,
    ) -> Result<Vec<CertificateSummary>, Error> {
        let select = sql(AssertSqlSafe(format!(
            "SELECT {SUMMARY} FROM certificates WHERE ($1 IS NULL OR result_leaf_index <
                 (SELECT result_leaf_index FROM certificates WHERE certificate_id = $1))
             ORDER BY result_leaf_index DESC LIMIT $2"
        )));
        let select = select.bind(before.map(CertificateId::as_str)).bind(limit.min(PAGE_CERTIFICATES_MAX));
        self.on.read(select).await?.iter().map(summary).collect()
    }

    /// An organization's certificates, in the same order and pages.
    pub async fn list(
        &mut self,
        organization: &OrganizationId,
        before: Option<&CertificateId>,
        limit: u32,
    ) -> Result<Vec<CertificateSummary>, Error> {
        let select = sql(AssertSqlSafe(format!(
            "SELECT {SUMMARY} FROM certificates WHERE organization_id = $1 AND ($2 IS NULL OR result_leaf_index <
                 (SELECT result_leaf_index FROM certificates WHERE certificate_id = $2 AND organization_id = $1))
             ORDER BY result_leaf_index DESC LIMIT $3"
        )))
        .bind(organization.as_str())
        .bind(before.map(CertificateId::as_str))
        .bind(limit.min(PAGE_CERTIFICATES_MAX));
        self.on.read(select).await?.iter().map(summary).collect()
    }

    /// Revokes a certificate. `false` if the organization has none with this number; an [`Error::Conflict`] if it is
    /// revoked already.
    pub async fn revoke(
        &mut self,
        organization: &OrganizationId,
        id: &CertificateId,
        revocation: &Revocation,
    ) -> Result<bool, Error> {
        let update = sql("UPDATE certificates SET revoked_at = $3, revocation_reason = $4, revocation_envelope = $5,
                 revocation_leaf_index = $6
             WHERE organization_id = $1 AND certificate_id = $2 AND revoked_at IS NULL RETURNING certificate_id")
        .bind(organization.as_str())
        .bind(id.as_str())
        .bind(revocation.at)
        .bind(revocation.reason.as_str())
        .bind(revocation.envelope.as_slice())
        .bind(revocation.leaf_index);
        if self.on.write_one(update).await?.is_some() {
            return Ok(true);
        }
        match self.find(id).await? {
            Some(found) if found.summary.organization == *organization => {
                Err(Error::conflict(format!("certificate {id} is revoked already")))
            }
            _ => Ok(false),
        }
    }
}

/// The counters that number certificates, only to be had inside a unit.
pub struct CertificateNumbers<'a> {
    on: On<'a>,
}

impl<'a> CertificateNumbers<'a> {
    pub(crate) fn on(on: On<'a>) -> Self {
        Self { on }
    }

    /// The year's next number, from 1. Other units that ask wait until this one ends; a rollback gives it back.
    pub async fn next(&mut self, year: u16) -> Result<u64, Error> {
        let upsert = sql("INSERT INTO certificate_numbers (year, last_number) VALUES ($1, 1)
             ON CONFLICT (year) DO UPDATE SET last_number = certificate_numbers.last_number + 1
             RETURNING last_number");
        let row = self.on.write_one(upsert.bind(u32::from(year))).await?;
        row.ok_or_else(|| Error::corrupt("a counter did not answer"))?.count("last_number")
    }
}

fn summary(row: &Row) -> Result<CertificateSummary, Error> {
    Ok(CertificateSummary {
        id: stored(CertificateId::parse, &row.get::<String>("certificate_id")?)?,
        organization: stored(OrganizationId::parse, &row.get::<String>("organization_id")?)?,
        job: stored(JobId::parse, &row.get::<String>("job_id")?)?,
        status: row.get("status")?,
        score: row.get("score")?,
        model_name: row.get("model_name")?,
        organization_name: row.get("organization_name")?,
        domain: row.get("domain")?,
        issued_at: row.time("issued_at")?,
        expires_at: row.time("expires_at")?,
        revoked_at: row.time_or_none("revoked_at")?,
    })
}

fn certificate(row: &Row) -> Result<Certificate, Error> {
    let summary = summary(row)?;
    let (reason, envelope): (Option<String>, Option<Vec<u8>>) =
        (row.get("revocation_reason")?, row.get("revocation_envelope")?);
    let revocation = match (summary.revoked_at, reason, envelope, row.count_or_none("revocation_leaf_index")?) {
        (Some(at), Some(reason), Some(envelope), Some(leaf_index)) => {
            Some(Revocation { at, reason, envelope, leaf_index })
        }
        (None, None, None, None) => None,
        _ => return Err(Error::corrupt(format!("certificate {} is half revoked", summary.id))),
    };
    Ok(Certificate {
        schema_version: u32::try_from(row.count("schema_version")?)
            .map_err(|e| Error::corrupt(format!("column schema_version: {e}")))?,
        body: row.get("body")?,
        sha256: stored(Digest::parse, &row.get::<String>("sha256")?)?,
        commitment_leaf_index: row.count_or_none("commitment_leaf_index")?,
        result_leaf_index: row.count("result_leaf_index")?,
        revocation,
        summary,
    })
}
