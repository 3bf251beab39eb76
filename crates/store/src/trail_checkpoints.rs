//! Which heads of the audit trails are in the transparency log, and under which name: what binds a trail to the public
//! log without saying whose it is.
//!
//! A pseudonym is drawn once per organization, at random, by the caller. Who erases an organization forgets it, and
//! nobody can tell any more whose those leaves were.

use jiff::Timestamp;

use crate::backend::On;
use crate::backend::query::{Row, sql};
use crate::error::Error;
use crate::ids::{OrganizationId, stored};

/// Most heads or checkpoints in one page.
pub const PAGE_TRAIL_CHECKPOINTS_MAX: u32 = 500;

/// A head of an audit trail that is in the log, or is to go there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrailHeadRecord {
    /// Whose trail.
    pub organization: OrganizationId,
    /// The number of its last row.
    pub seq: u64,
    /// The hash of that row.
    pub hash: [u8; 32],
}

/// A head that is in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrailCheckpoint {
    /// The head.
    pub head: TrailHeadRecord,
    /// Where the log has it.
    pub leaf_index: u64,
    /// When it was logged.
    pub created_at: Timestamp,
}

/// The checkpoints of the audit trails.
pub struct TrailCheckpoints<'a> {
    on: On<'a>,
}

impl<'a> TrailCheckpoints<'a> {
    pub(crate) fn on(on: On<'a>) -> Self {
        Self { on }
    }

    /// The organization's name in the log; `None` before its first checkpoint.
    pub async fn pseudonym(&mut self, organization: &OrganizationId) -> Result<Option<String>, Error> {
        let select = sql("SELECT pseudonym FROM trail_pseudonyms WHERE organization_id = $1");
        self.on.read_one(select.bind(organization.as_str())).await?.map(|row| row.get("pseudonym")).transpose()
    }

    /// Gives the organization a name, unless it has one; answers the one it has.
    pub async fn ensure_pseudonym(&mut self, organization: &OrganizationId, fresh: &str) -> Result<String, Error> {
        // The update changes nothing; it makes the statement return the row that is there.
        let upsert = sql("INSERT INTO trail_pseudonyms (organization_id, pseudonym) VALUES ($1, $2)
             ON CONFLICT (organization_id) DO UPDATE SET organization_id = excluded.organization_id
             RETURNING pseudonym");
        let row = self.on.write_one(upsert.bind(organization.as_str()).bind(fresh)).await?;
        row.ok_or_else(|| Error::corrupt("a pseudonym was not returned"))?.get("pseudonym")
    }

    /// Heads that are not in the log yet, by organization, after the given one; at most `limit` and
    /// [`PAGE_TRAIL_CHECKPOINTS_MAX`].
    pub async fn heads_to_log(
        &mut self,
        after: Option<&OrganizationId>,
        limit: u32,
    ) -> Result<Vec<TrailHeadRecord>, Error> {
        let select = sql("SELECT organization_id, seq, hash FROM audit_heads WHERE organization_id > $1
             AND NOT EXISTS (SELECT trail_checkpoints.seq FROM trail_checkpoints
                 WHERE trail_checkpoints.organization_id = audit_heads.organization_id
                 AND trail_checkpoints.seq = audit_heads.seq)
             ORDER BY organization_id LIMIT $2");
        let select = select.bind(after.map_or("", OrganizationId::as_str)).bind(limit.min(PAGE_TRAIL_CHECKPOINTS_MAX));
        self.on.read(select).await?.iter().map(head).collect()
    }

    /// Notes that a head is in the log. One that is noted already is an [`Error::Conflict`].
    pub async fn insert(&mut self, checkpoint: &TrailCheckpoint) -> Result<(), Error> {
        let TrailCheckpoint { head, leaf_index, created_at } = checkpoint;
        let insert = sql("INSERT INTO trail_checkpoints (organization_id, seq, hash, leaf_index, created_at)
             VALUES ($1, $2, $3, $4, $5)")
        .bind(head.organization.as_str())
        .bind(head.seq)
        .bind(&head.hash[..])
        .bind(*leaf_index)
        .bind(*created_at);
        self.on.write(insert).await.map(drop)
    }

    /// The organization's checkpoints after row `after`, in order; at most `limit` and
    /// [`PAGE_TRAIL_CHECKPOINTS_MAX`].
    pub async fn list(
        &mut self,
        organization: &OrganizationId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<TrailCheckpoint>, Error> {
        let select = sql("SELECT organization_id, seq, hash, leaf_index, created_at FROM trail_checkpoints
             WHERE organization_id = $1 AND seq > $2 ORDER BY seq LIMIT $3");
        let select = select.bind(organization.as_str()).bind(after).bind(limit.min(PAGE_TRAIL_CHECKPOINTS_MAX));
        let rows = self.on.read(select).await?;
        rows.iter()
            .map(|row| {
                let (leaf_index, created_at) = (row.count("leaf_index")?, row.time("created_at")?);
                Ok(TrailCheckpoint { head: head(row)?, leaf_index, created_at })
            })
            .collect()
    }
}

fn head(row: &Row) -> Result<TrailHeadRecord, Error> {
    Ok(TrailHeadRecord {
        organization: stored(OrganizationId::parse, &row.get::<String>("organization_id")?)?,
        seq: row.count("seq")?,
        hash: row.hash("hash")?,
    })
}
