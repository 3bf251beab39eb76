//! Jobs as their organization sees them: enqueue, look up, cancel, retry by hand.
//!
//! A job is a row, enqueued in the transaction of what it is about, so that there is never one without the other. The
//! worker's side is [`crate::queue`]; the states and what moves a job between them are drawn in `docs/data-model.md`.

use jiff::Timestamp;
use serde_json::{Value as Json, json};
use sqlx::AssertSqlSafe;

use crate::backend::On;
use crate::backend::query::{Row, sql};
use crate::error::Error;
use crate::ids::{JobId, OrganizationId, stored};

/// Most jobs in one page of a list.
pub const PAGE_JOBS_MAX: u32 = 100;

/// A job to be enqueued.
#[derive(Debug, Clone, PartialEq)]
pub struct NewJob {
    /// Its id, new.
    pub id: JobId,
    /// Which work it is, as the worker registers it.
    pub kind: String,
    /// What the work needs to know: a JSON object or array, never customers' data.
    pub args: Json,
    /// Lower numbers run first; 0 is usual.
    pub priority: i64,
    /// Not before this time.
    pub run_at: Timestamp,
    /// How often it may be started, at least 1.
    pub attempts_max: u32,
    /// Two jobs of one organization and kind never share a key: the second enqueue answers with the first job.
    pub unique_key: Option<String>,
}

/// What [`Jobs::enqueue`] did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enqueued {
    /// The new job, or the one that has the unique key.
    pub id: JobId,
    /// Whether it is new.
    pub created: bool,
}

/// Where a job is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum JobState {
    /// Waits for a worker, or for its time.
    Queued,
    /// A worker holds its lease.
    Running,
    /// Ended with a result.
    Succeeded,
    /// Ended with an error.
    Failed,
    /// Ended because somebody asked.
    Cancelled,
}

impl JobState {
    /// The state as stored and shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Reads a state; `None` if it is not one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Queued, Self::Running, Self::Succeeded, Self::Failed, Self::Cancelled]
            .into_iter()
            .find(|state| state.as_str() == text)
    }

    /// Whether the job has ended, unless an operator retries it.
    #[must_use]
    pub fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }
}

/// Why an attempt ended without a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobError {
    /// A stable word for programs.
    pub code: String,
    /// A sentence for people.
    pub detail: String,
}

impl JobError {
    pub(crate) fn to_json(&self) -> Json {
        json!({ "code": self.code, "detail": self.detail })
    }

    fn from_json(value: &Json) -> Result<Self, Error> {
        let member = |name: &str| value.get(name).and_then(Json::as_str).map(str::to_owned);
        match (member("code"), member("detail")) {
            (Some(code), Some(detail)) => Ok(Self { code, detail }),
            _ => Err(Error::corrupt("a job's error without code or detail")),
        }
    }
}

/// A job as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// Whose it is.
    pub organization: OrganizationId,
    /// Which work it is.
    pub kind: String,
    /// What the work needs to know.
    pub args: Json,
    /// Where it is in its life.
    pub state: JobState,
    /// Failed because its attempts were used up: nobody saw a reason, so an operator should look (the dead letters).
    pub dead: bool,
    /// Lower numbers run first.
    pub priority: i64,
    /// Not before this time.
    pub run_at: Timestamp,
    /// How often it was started.
    pub attempts: u32,
    /// How often it may be started.
    pub attempts_max: u32,
    /// How far the running attempt is, 0 to 1; 1 once succeeded.
    pub progress: f64,
    /// What the running attempt does now; empty before the first.
    pub step: String,
    /// Whether somebody asked to stop it.
    pub cancel_requested: bool,
    /// What it answered, once succeeded.
    pub result: Option<Json>,
    /// Why the last attempt ended without a result.
    pub error: Option<JobError>,
    /// When it was enqueued.
    pub created_at: Timestamp,
    /// When it was first started.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}

/// Which jobs to list; `None` is any.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JobFilter {
    /// Only this kind of work.
    pub kind: Option<String>,
    /// Only this state.
    pub state: Option<JobState>,
    /// Only dead letters, when set.
    pub dead_only: bool,
}

pub(crate) const COLUMNS: &str = "job_id, organization_id, kind, args, state, dead, priority, run_at, attempts, \
    attempts_max, progress, step, cancel_requested, result, error, created_at, started_at, finished_at";

/// The jobs of an organization.
pub struct Jobs<'a> {
    on: On<'a>,
}

impl<'a> Jobs<'a> {
    pub(crate) fn on(on: On<'a>) -> Self {
        Self { on }
    }

    /// Enqueues a job, or answers with the one that already has its unique key, whatever became of that.
    pub async fn enqueue(
        &mut self,
        organization: &OrganizationId,
        job: &NewJob,
        now: Timestamp,
    ) -> Result<Enqueued, Error> {
        // The update changes nothing; it makes the statement return the row that is there.
        let insert = sql("INSERT INTO jobs (job_id, organization_id, kind, unique_key, args, state, dead, priority,
                 run_at, attempts, attempts_max, lease_token, progress, step, cancel_requested, created_at, queued_at)
             VALUES ($1, $2, $3, $4, $5, 'queued', FALSE, $6, $7, 0, $8, 0, 0.0, '', FALSE, $9, $9)
             ON CONFLICT (organization_id, kind, unique_key) DO UPDATE SET unique_key = excluded.unique_key
             RETURNING job_id")
        .bind(job.id.as_str())
        .bind(organization.as_str())
        .bind(job.kind.as_str())
        .bind(job.unique_key.as_deref())
        .bind(job.args.clone())
        .bind(job.priority)
        .bind(job.run_at)
        .bind(job.attempts_max)
        .bind(now);
        let row = self.on.write_one(insert).await?.ok_or_else(|| Error::corrupt("an inserted job was not returned"))?;
        let id = stored(JobId::parse, &row.get::<String>("job_id")?)?;
        let created = id == job.id;
        if created {
            self.on.jobs_changed().await?;
        }
        Ok(Enqueued { id, created })
    }

    /// The job with this id.
    pub async fn find(&mut self, organization: &OrganizationId, id: &JobId) -> Result<Option<Job>, Error> {
        let select =
            sql(AssertSqlSafe(format!("SELECT {COLUMNS} FROM jobs WHERE organization_id = $1 AND job_id = $2")));
        let row = self.on.read_one(select.bind(organization.as_str()).bind(id.as_str())).await?;
        row.as_ref().map(job).transpose()
    }

    /// Jobs, newest first, older than `before`, at most `limit` and [`PAGE_JOBS_MAX`].
    pub async fn list(
        &mut self,
        organization: &OrganizationId,
        filter: &JobFilter,
        before: Option<&JobId>,
        limit: u32,
    ) -> Result<Vec<Job>, Error> {
        let select = sql(AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM jobs WHERE organization_id = $1 AND ($2 IS NULL OR kind = $2)
                 AND ($3 IS NULL OR state = $3) AND (dead OR NOT $4) AND ($5 IS NULL OR job_id < $5)
             ORDER BY job_id DESC LIMIT $6"
        )))
        .bind(organization.as_str())
        .bind(filter.kind.as_deref())
        .bind(filter.state.map(JobState::as_str))
        .bind(filter.dead_only)
        .bind(before.map(JobId::as_str))
        .bind(limit.min(PAGE_JOBS_MAX));
        self.on.read(select).await?.iter().map(job).collect()
    }

    /// Cancels a queued job at once and asks a running one to stop; a job that has ended stays as it is. Answers the
    /// job as it is now, `None` if there is none.
    pub async fn cancel(
        &mut self,
        organization: &OrganizationId,
        id: &JobId,
        now: Timestamp,
    ) -> Result<Option<Job>, Error> {
        let update = sql(AssertSqlSafe(format!(
            "UPDATE jobs SET cancel_requested = TRUE,
                 finished_at = CASE WHEN state = 'queued' THEN $3 ELSE finished_at END,
                 state = CASE WHEN state = 'queued' THEN 'cancelled' ELSE state END
             WHERE organization_id = $1 AND job_id = $2 AND state IN ('queued', 'running') RETURNING {COLUMNS}"
        )));
        let row = self.on.write_one(update.bind(organization.as_str()).bind(id.as_str()).bind(now)).await?;
        match row {
            Some(row) => {
                self.on.jobs_changed().await?;
                job(&row).map(Some)
            }
            None => self.find(organization, id).await,
        }
    }

    /// Queues a failed or cancelled job again with all its attempts. Answers the job as it is now, `None` if there is
    /// none; a job in another state is an [`Error::Conflict`].
    pub async fn retry_by_hand(
        &mut self,
        organization: &OrganizationId,
        id: &JobId,
        now: Timestamp,
    ) -> Result<Option<Job>, Error> {
        let update = sql(AssertSqlSafe(format!(
            "UPDATE jobs SET state = 'queued', dead = FALSE, run_at = $3, queued_at = $3, attempts = 0, progress = 0.0,
                 step = '', cancel_requested = FALSE, error = NULL, finished_at = NULL
             WHERE organization_id = $1 AND job_id = $2 AND state IN ('failed', 'cancelled') RETURNING {COLUMNS}"
        )));
        let row = self.on.write_one(update.bind(organization.as_str()).bind(id.as_str()).bind(now)).await?;
        if let Some(row) = row {
            self.on.jobs_changed().await?;
            return job(&row).map(Some);
        }
        match self.find(organization, id).await? {
            Some(job) => Err(Error::conflict(format!("job {id} is {} and cannot be retried", job.state.as_str()))),
            None => Ok(None),
        }
    }

    /// How many jobs are queued or running.
    pub async fn unfinished(&mut self, organization: &OrganizationId) -> Result<u64, Error> {
        let select =
            sql("SELECT COUNT(*) AS n FROM jobs WHERE organization_id = $1 AND state IN ('queued', 'running')");
        let row = self.on.read_one(select.bind(organization.as_str())).await?;
        row.map_or(Ok(0), |row| row.count("n"))
    }
}

pub(crate) fn job(row: &Row) -> Result<Job, Error> {
    let number = |column: &str| {
        let count = row.count(column)?;
        u32::try_from(count).map_err(|_| Error::corrupt(format!("column {column}: {count}")))
    };
    Ok(Job {
        id: stored(JobId::parse, &row.get::<String>("job_id")?)?,
        organization: stored(OrganizationId::parse, &row.get::<String>("organization_id")?)?,
        kind: row.get("kind")?,
        args: row.get("args")?,
        state: stored(JobState::parse, &row.get::<String>("state")?)?,
        dead: row.get("dead")?,
        priority: row.get("priority")?,
        run_at: row.time("run_at")?,
        attempts: number("attempts")?,
        attempts_max: number("attempts_max")?,
        progress: row.get("progress")?,
        step: row.get("step")?,
        cancel_requested: row.get("cancel_requested")?,
        result: row.get("result")?,
        error: row.get::<Option<Json>>("error")?.as_ref().map(JobError::from_json).transpose()?,
        created_at: row.time("created_at")?,
        started_at: row.time_or_none("started_at")?,
        finished_at: row.time_or_none("finished_at")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_parse_as_they_print() {
        for state in ["queued", "running", "succeeded", "failed", "cancelled"] {
            assert_eq!(JobState::parse(state).unwrap().as_str(), state);
        }
        assert_eq!(JobState::parse("done"), None);
        assert!(JobState::Cancelled.is_final() && !JobState::Running.is_final());
    }

    #[test]
    fn errors_come_back_as_they_were_kept() {
        let error = JobError { code: "not_binary".to_owned(), detail: "column income".to_owned() };
        assert_eq!(JobError::from_json(&error.to_json()).unwrap(), error);
        assert!(matches!(JobError::from_json(&json!({ "code": 1 })), Err(Error::Corrupt { .. })));
    }
}
