//! The audit trail: who changed what, when; append-only, one hash chain per organization.
//!
//! A row's hash covers its fields and the hash of the row before, so a row that is changed, removed or put between
//! others is found by [`AuditTrail::verify_chain`]. Rows are appended in the unit of the change they tell of. Whoever has
//! the rows can check them without this program's database: [`Chain`] takes them one by one.
//!
//! Heads are put into the transparency log now and then ([`crate::trail_checkpoints`]), so that not even who commands
//! the database can write the past anew.

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
    /// The event's detail as the text that is hashed.
    pub detail_text: String,
    /// The hash of the row before; zeros for the first.
    pub prev_hash: [u8; 32],
    /// The hash of this row.
    pub hash: [u8; 32],
}

/// Which rows to find; `None` is any. Times compare with the row's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Only by this actor.
    pub actor: Option<String>,
    /// Only this action.
    pub action: Option<String>,
    /// Only to this subject.
    pub subject: Option<String>,
    /// Not before this time.
    pub since: Option<Timestamp>,
    /// Before this time.
    pub until: Option<Timestamp>,
}

/// A chain being checked from its first row on. Holds one hash, whatever its length.
#[derive(Debug, Clone)]
pub struct Chain {
    organization: OrganizationId,
    seq: u64,
    hash: [u8; 32],
}

impl Chain {
    /// The chain of an organization, before its first row.
    #[must_use]
    pub fn new(organization: OrganizationId) -> Self {
        Self { organization, seq: 0, hash: GENESIS }
    }

    /// Takes the next row.
    ///
    /// # Errors
    /// [`Error::Corrupt`] naming the row that is not as it was written, or is missing.
    pub fn push(&mut self, row: &AuditRow) -> Result<(), Error> {
        let (of, next) = (&self.organization, self.seq + 1);
        if row.seq != next {
            return Err(Error::corrupt(format!("audit row {next} of {of} is missing: row {} stands there", row.seq)));
        }
        let hash = row_hash(of, row.seq, &row.event, &row.detail_text, &row.prev_hash);
        if row.prev_hash != self.hash || row.hash != hash {
            return Err(Error::corrupt(format!("audit row {next} of {of} is not as written")));
        }
        (self.seq, self.hash) = (row.seq, row.hash);
        Ok(())
    }

    /// The rows so far, and the hash of the last.
    #[must_use]
    pub fn head(&self) -> (u64, [u8; 32]) {
        (self.seq, self.hash)
    }
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
        let select = sql("SELECT seq, at, actor, action, subject, detail, before_hash, after_hash, prev_hash, hash
             FROM audit_trail WHERE organization_id = $1 AND seq > $2 ORDER BY seq LIMIT $3")
        .bind(organization.as_str())
        .bind(after)
        .bind(limit.min(PAGE_AUDIT_ROWS_MAX));
        self.on.read(select).await?.iter().map(audit_row).collect()
    }

    /// Rows that the filter lets through, the newest first, before row `before`; at most `limit` and
    /// [`PAGE_AUDIT_ROWS_MAX`].
    pub async fn find(
        &mut self,
        organization: &OrganizationId,
        filter: &AuditFilter,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<AuditRow>, Error> {
        let select = sql("SELECT seq, at, actor, action, subject, detail, before_hash, after_hash, prev_hash, hash
             FROM audit_trail WHERE organization_id = $1 AND ($2 IS NULL OR actor = $2)
                 AND ($3 IS NULL OR action = $3) AND ($4 IS NULL OR subject = $4) AND ($5 IS NULL OR at >= $5)
                 AND ($6 IS NULL OR at < $6) AND ($7 IS NULL OR seq < $7)
             ORDER BY seq DESC LIMIT $8")
        .bind(organization.as_str())
        .bind(filter.actor.as_deref())
        .bind(filter.action.as_deref())
        .bind(filter.subject.as_deref())
        .bind(filter.since)
        .bind(filter.until)
        .bind(before)
        .bind(limit.min(PAGE_AUDIT_ROWS_MAX));
        self.on.read(select).await?.iter().map(audit_row).collect()
    }

    /// Reads the whole chain and checks every hash. Answers how many rows there are; a broken chain is
    /// [`Error::Corrupt`] and names the row.
    pub async fn verify_chain(&mut self, organization: &OrganizationId) -> Result<u64, Error> {
        let mut chain = Chain::new(organization.clone());
        loop {
            let page = self.list(organization, chain.head().0, PAGE_AUDIT_ROWS_MAX).await?;
            if page.is_empty() {
                break;
            }
            for row in &page {
                chain.push(row)?;
            }
        }
        let (seq, hash) = chain.head();
        match self.head(organization).await? {
            Some(head) if head != (seq, hash) => {
                Err(Error::corrupt(format!("the audit trail of {organization} ends after row {seq}")))
            }
            None if seq > 0 => Err(Error::corrupt(format!("the audit trail of {organization} has no head"))),
            _ => Ok(seq),
        }
    }

    /// The number and the hash of the last row; `None` before the first.
    pub async fn head(&mut self, organization: &OrganizationId) -> Result<Option<(u64, [u8; 32])>, Error> {
        let select = sql("SELECT seq, hash FROM audit_heads WHERE organization_id = $1");
        let row = self.on.read_one(select.bind(organization.as_str())).await?;
        row.map(|row| Ok((row.count("seq")?, row.hash("hash")?))).transpose()
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
        Ok(AuditRow { seq, event: event.clone(), detail_text: detail, prev_hash, hash })
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

fn audit_row(row: &Row) -> Result<AuditRow, Error> {
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
    Ok(AuditRow { seq: row.count("seq")?, event, detail_text: detail, prev_hash, hash })
}
