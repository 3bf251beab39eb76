//! The audit trail: who changed what, when; append-only, one hash chain per organization.
//!
//! A row's hash covers its fields and the hash of the row before, so a row that is changed, removed or put between
//! others is found by [`AuditTrail::verify_chain`]. Rows are appended in the unit of the change they tell of.

use jiff::Timestamp;
use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};

use crate::backend::On;
use crate::backend::query::{Row, sql};
use crate::error::Error;
use crate::ids::{OrganizationId, stored};

/// Most rows in one page.
pub const PAGE_AUDIT_ROWS_MAX: u32 = 500;

/// What precedes the first row.
const GENESIS: [u8; 32] = [0; 32];

/// Names the encoding that is hashed; a later one gets another name.
const HASH_DOMAIN: &[u8] = b"assize audit row v1";

/// A state change to be recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditEvent {
    /// When.
    pub at: Timestamp,
    /// Who: a key's or person's id, `system`, or `anonymous`.
    pub actor: String,
    /// What was done, in the words `noun.verb`: `certificate.revoke`.
    pub action: String,
    /// To what: an id.
    pub subject: String,
    /// Anything else that matters, from where for instance; no customers' data.
    pub detail: Json,
    /// The digest of the subject before.
    pub before_hash: Option<[u8; 32]>,
    /// The digest of the subject after.
    pub after_hash: Option<[u8; 32]>,
}

/// A recorded state change.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditRow {
    /// Its place in the organization's chain, from 1.
    pub seq: u64,
    /// What happened.
    pub event: AuditEvent,
    /// The hash of the row before; zeros for the first.
    pub prev_hash: [u8; 32],
    /// The hash of this row.
    pub hash: [u8; 32],
}

/// The audit trail, to be read.
pub struct AuditTrail<'a> {
    on: On<'a>,
}

impl<'a> AuditTrail<'a> {
    pub(crate) fn on(on: On<'a>) -> Self {
        Self { on }
    }

    /// Rows after `after` (0 for the first), in order, at most `limit` and [`PAGE_AUDIT_ROWS_MAX`].
    pub async fn list(
        &mut self,
        organization: &OrganizationId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<AuditRow>, Error> {
        Ok(self.page(organization, after, limit).await?.into_iter().map(|(row, _)| row).collect())
    }

    /// Reads the whole chain and checks every hash. Answers how many rows there are; a broken chain is
    /// [`Error::Corrupt`] and names the row.
    pub async fn verify_chain(&mut self, organization: &OrganizationId) -> Result<u64, Error> {
        let (mut seq, mut hash) = (0, GENESIS);
        loop {
            let page = self.page(organization, seq, PAGE_AUDIT_ROWS_MAX).await?;
            if page.is_empty() {
                break;
            }
            for (row, detail) in page {
                let sound = row.seq == seq + 1
                    && row.prev_hash == hash
                    && row.hash == row_hash(organization, row.seq, &row.event, &detail, &row.prev_hash);
                if !sound {
                    return Err(Error::corrupt(format!("audit row {} of {organization} is not as written", row.seq)));
                }
                (seq, hash) = (row.seq, row.hash);
            }
        }
        match self.head(organization).await? {
            Some(head) if head != (seq, hash) => {
                Err(Error::corrupt(format!("the audit trail of {organization} ends after row {seq}")))
            }
            None if seq > 0 => Err(Error::corrupt(format!("the audit trail of {organization} has no head"))),
            _ => Ok(seq),
        }
    }

    async fn head(&mut self, organization: &OrganizationId) -> Result<Option<(u64, [u8; 32])>, Error> {
        let select = sql("SELECT seq, hash FROM audit_heads WHERE organization_id = $1");
        let row = self.on.read_one(select.bind(organization.as_str())).await?;
        row.map(|row| Ok((row.count("seq")?, row.hash("hash")?))).transpose()
    }

    /// Rows, each with its detail as the text that was hashed.
    async fn page(
        &mut self,
        organization: &OrganizationId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<(AuditRow, String)>, Error> {
        let select = sql("SELECT seq, at, actor, action, subject, detail, before_hash, after_hash, prev_hash, hash
             FROM audit_trail WHERE organization_id = $1 AND seq > $2 ORDER BY seq LIMIT $3")
        .bind(organization.as_str())
        .bind(after)
        .bind(limit.min(PAGE_AUDIT_ROWS_MAX));
        self.on.read(select).await?.iter().map(audit_row).collect()
    }
}

/// The audit trail, to be written; only to be had inside a unit.
pub struct AuditWriter<'a> {
    on: On<'a>,
}

impl<'a> AuditWriter<'a> {
    pub(crate) fn on(on: On<'a>) -> Self {
        Self { on }
    }

    /// Appends a row. Other units that append for the organization wait until this one ends.
    pub async fn append(&mut self, organization: &OrganizationId, event: &AuditEvent) -> Result<AuditRow, Error> {
        // Counting up takes the head's lock; the hash it answers is the last row's.
        let count_up = sql("INSERT INTO audit_heads (organization_id, seq, hash) VALUES ($1, 1, $2)
             ON CONFLICT (organization_id) DO UPDATE SET seq = audit_heads.seq + 1 RETURNING seq, hash");
        let head = self.on.write_one(count_up.bind(organization.as_str()).bind(&GENESIS[..])).await?;
        let head = head.ok_or_else(|| Error::corrupt("an audit head was not returned"))?;
        let (seq, prev_hash) = (head.count("seq")?, head.hash("hash")?);
        let detail = event.detail.to_string();
        let hash = row_hash(organization, seq, event, &detail, &prev_hash);
        let insert = sql("INSERT INTO audit_trail (organization_id, seq, at, actor, action, subject, detail,
                 before_hash, after_hash, prev_hash, hash)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)")
        .bind(organization.as_str())
        .bind(seq)
        .bind(event.at)
        .bind(event.actor.as_str())
        .bind(event.action.as_str())
        .bind(event.subject.as_str())
        .bind(detail.as_str())
        .bind(event.before_hash.as_ref().map(|h| &h[..]))
        .bind(event.after_hash.as_ref().map(|h| &h[..]))
        .bind(&prev_hash[..])
        .bind(&hash[..]);
        self.on.write(insert).await?;
        let keep = sql("UPDATE audit_heads SET hash = $2 WHERE organization_id = $1");
        self.on.write(keep.bind(organization.as_str()).bind(&hash[..])).await?;
        Ok(AuditRow { seq, event: event.clone(), prev_hash, hash })
    }
}

/// SHA-256 over the domain and every field, each behind its length (8 bytes, big-endian); a missing digest is empty.
/// `detail` is hashed as the text that is stored, because databases re-order JSON.
fn row_hash(
    organization: &OrganizationId,
    seq: u64,
    event: &AuditEvent,
    detail: &str,
    prev_hash: &[u8; 32],
) -> [u8; 32] {
    let (seq, at) = (seq.to_be_bytes(), event.at.as_millisecond().to_be_bytes());
    let digest = |hash: &'_ Option<[u8; 32]>| hash.map(|h| h.to_vec()).unwrap_or_default();
    let (before, after) = (digest(&event.before_hash), digest(&event.after_hash));
    let fields: [&[u8]; 11] = [
        HASH_DOMAIN,
        organization.as_str().as_bytes(),
        &seq,
        &at,
        event.actor.as_bytes(),
        event.action.as_bytes(),
        event.subject.as_bytes(),
        detail.as_bytes(),
        &before,
        &after,
        prev_hash,
    ];
    let mut hasher = Sha256::new();
    for field in fields {
        hasher.update((field.len() as u64).to_be_bytes());
        hasher.update(field);
    }
    hasher.finalize().into()
}

fn audit_row(row: &Row) -> Result<(AuditRow, String), Error> {
    let detail: String = row.get("detail")?;
    let event = AuditEvent {
        at: row.time("at")?,
        actor: row.get("actor")?,
        action: row.get("action")?,
        subject: row.get("subject")?,
        detail: stored(|text| serde_json::from_str(text).ok(), &detail)?,
        before_hash: row.hash_or_none("before_hash")?,
        after_hash: row.hash_or_none("after_hash")?,
    };
    let (prev_hash, hash) = (row.hash("prev_hash")?, row.hash("hash")?);
    Ok((AuditRow { seq: row.count("seq")?, event, prev_hash, hash }, detail))
}
