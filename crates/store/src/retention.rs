//! How long an organization keeps each kind of data, where it differs from the installation's default; and the deletion
//! of jobs that are kept no longer. Kinds are words of the application.

use jiff::Timestamp;

use crate::backend::On;
use crate::backend::query::sql;
use crate::error::Error;
use crate::ids::OrganizationId;

/// Most jobs deleted at once.
pub const DELETE_JOBS_MAX: u32 = 1_000;

/// An organization's own times.
pub struct Retention<'a> {
    on: On<'a>,
}

impl<'a> Retention<'a> {
    pub(crate) fn on(on: On<'a>) -> Self {
        Self { on }
    }

    /// The days that the organization keeps a kind; `None` when it has not said.
    pub async fn days(&mut self, organization: &OrganizationId, kind: &str) -> Result<Option<u32>, Error> {
        let select = sql("SELECT days FROM retention_settings WHERE organization_id = $1 AND kind = $2");
        let row = self.on.read_one(select.bind(organization.as_str()).bind(kind)).await?;
        row.map(|row| {
            let days = row.count("days")?;
            u32::try_from(days).map_err(|_| Error::corrupt(format!("column days: {days}")))
        })
        .transpose()
    }

    /// Sets or forgets the days of a kind.
    pub async fn set(&mut self, organization: &OrganizationId, kind: &str, days: Option<u32>) -> Result<(), Error> {
        let change = match days {
            Some(days) => sql("INSERT INTO retention_settings (organization_id, kind, days) VALUES ($1, $2, $3)
                 ON CONFLICT (organization_id, kind) DO UPDATE SET days = excluded.days")
            .bind(organization.as_str())
            .bind(kind)
            .bind(days),
            None => sql("DELETE FROM retention_settings WHERE organization_id = $1 AND kind = $2")
                .bind(organization.as_str())
                .bind(kind),
        };
        self.on.write(change).await.map(drop)
    }

    /// Deletes jobs that ended at or before `cutoff`, at most [`DELETE_JOBS_MAX`]. Dead letters stay: nobody has looked
    /// at them yet. Answers how many went; call again while that is the maximum.
    pub async fn delete_jobs(&mut self, organization: &OrganizationId, cutoff: Timestamp) -> Result<u64, Error> {
        let delete = sql("DELETE FROM jobs WHERE job_id IN (
                 SELECT job_id FROM jobs WHERE organization_id = $1 AND finished_at <= $2 AND NOT dead
                     AND state IN ('succeeded', 'failed', 'cancelled') ORDER BY finished_at LIMIT $3)
             RETURNING job_id");
        let delete = delete.bind(organization.as_str()).bind(cutoff).bind(DELETE_JOBS_MAX);
        Ok(self.on.write(delete).await?.len() as u64)
    }
}
