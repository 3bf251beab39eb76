//! The worker's side of jobs: claim under a lease, beat, end.
//!
//! A claim gives a [`Lease`]: until its deadline the job is this worker's, and each heartbeat moves the deadline. A
//! worker that dies stops beating; after the deadline the next claim takes the job back and gives it to somebody else
//! with a higher token. Every ending names its token and is refused ([`Error::LostLease`]) when it is not the current
//! one. So a worker that was only slow cannot finish a job a second time: it ends the job inside the [`crate::Unit`]
//! that writes the job's effect, the ending fails, and the effect is rolled back with it.
//!
//! These calls cross organizations on purpose: workers serve all of them, and only workers call them.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value as Json;
use sqlx::AssertSqlSafe;

use crate::backend::query::{Sql, placeholders, sql};
use crate::backend::{On, dialect};
use crate::error::Error;
use crate::ids::{JobId, stored};
use crate::jobs::{COLUMNS, Job, JobError, JobState, job};

/// Most jobs taken by one claim, and most expired leases taken back by one.
pub const CLAIM_JOBS_MAX: u32 = 100;

/// The right to work on a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The job.
    pub job: JobId,
    /// Grows with every claim of the job; the fence.
    pub token: u64,
}

/// A job with the right to work on it.
#[derive(Debug, Clone, PartialEq)]
pub struct Claimed {
    /// The job, already running.
    pub job: Job,
    /// The right to work on it.
    pub lease: Lease,
}

/// Which jobs to claim, for whom, and for how long.
#[derive(Debug, Clone, Copy)]
pub struct Claim<'a> {
    /// The worker; only for [`Queue::release_owner`] and people.
    pub owner: &'a str,
    /// The kinds of work it can do.
    pub kinds: &'a [&'a str],
    /// How long the lease lasts without a heartbeat.
    pub lease: SignedDuration,
    /// At most so many, and [`CLAIM_JOBS_MAX`].
    pub jobs_max: u32,
}

/// What a heartbeat tells the worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beat {
    /// Work on.
    Continue,
    /// Somebody asked to stop: stop, then call [`Queue::cancelled`].
    Cancel,
}

/// How many jobs of one kind are in one state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobCount {
    /// The kind of work.
    pub kind: String,
    /// The state.
    pub state: JobState,
    /// Whether these are dead letters.
    pub dead: bool,
    /// How many.
    pub count: u64,
}

/// The queue of all organizations, for workers.
pub struct Queue<'a> {
    on: On<'a>,
}

impl<'a> Queue<'a> {
    pub(crate) fn on(on: On<'a>) -> Self {
        Self { on }
    }

    /// Takes due jobs, the lowest priority number and the longest due first. Expired leases are taken back before.
    pub async fn claim(&mut self, claim: &Claim<'_>, now: Timestamp) -> Result<Vec<Claimed>, Error> {
        self.take_back(now).await?;
        if claim.kinds.is_empty() {
            return Ok(Vec::new());
        }
        let (kinds, skip) =
            (placeholders(5, claim.kinds.len()), dialect::skip_jobs_taken_by_others(self.on.is_postgres()));
        // MATERIALIZED: the choice is made once, so that the limit holds.
        let update = sql(AssertSqlSafe(format!(
            "WITH due AS MATERIALIZED (
                 SELECT job_id FROM jobs WHERE state = 'queued' AND run_at <= $1 AND kind IN ({kinds})
                 ORDER BY priority, run_at, job_id LIMIT $2{skip})
             UPDATE jobs SET state = 'running', attempts = attempts + 1, lease_owner = $3, lease_until = $4,
                 lease_token = lease_token + 1, progress = 0.0, step = '', started_at = COALESCE(started_at, $1)
             WHERE job_id IN (SELECT job_id FROM due) RETURNING {COLUMNS}, lease_token"
        )))
        .bind(now)
        .bind(claim.jobs_max.min(CLAIM_JOBS_MAX))
        .bind(claim.owner)
        .bind(deadline(now, claim.lease)?)
        .bind_all(claim.kinds.iter().copied());
        let rows = self.on.write(update).await?;
        let mut claimed = rows
            .iter()
            .map(|row| {
                let job = job(row)?;
                let lease = Lease { job: job.id.clone(), token: row.count("lease_token")? };
                Ok(Claimed { job, lease })
            })
            .collect::<Result<Vec<_>, Error>>()?;
        // The order in which RETURNING answers is nobody's promise.
        claimed
            .sort_by(|a, b| (a.job.priority, a.job.run_at, &a.job.id).cmp(&(b.job.priority, b.job.run_at, &b.job.id)));
        Ok(claimed)
    }

    /// Ends what expired leases left: a cancelled job is cancelled, one without attempts left is dead, others queue.
    async fn take_back(&mut self, now: Timestamp) -> Result<(), Error> {
        let skip = dialect::skip_jobs_taken_by_others(self.on.is_postgres());
        let error = JobError {
            code: "worker_lost".to_owned(),
            detail: "the worker stopped answering during the last attempt".to_owned(),
        };
        let update = sql(AssertSqlSafe(format!(
            "WITH expired AS MATERIALIZED (
                 SELECT job_id FROM jobs WHERE state = 'running' AND lease_until <= $1
                 ORDER BY lease_until LIMIT $2{skip})
             UPDATE jobs SET {AFTER_ATTEMPT}, error = $3, finished_at = {FINISHED_AFTER_ATTEMPT}
             WHERE job_id IN (SELECT job_id FROM expired) RETURNING job_id"
        )));
        let taken = self.on.write(update.bind(now).bind(CLAIM_JOBS_MAX).bind(error.to_json())).await?;
        if taken.is_empty() { Ok(()) } else { self.on.jobs_changed().await }
    }

    /// Says that the work goes on, and how far it is (0 to 1). The lease then lasts `lease` from now.
    pub async fn heartbeat(
        &mut self,
        lease: &Lease,
        progress: f64,
        step: &str,
        extend: SignedDuration,
        now: Timestamp,
    ) -> Result<Beat, Error> {
        let update = sql("UPDATE jobs SET lease_until = $3, progress = $4, step = $5
             WHERE job_id = $1 AND lease_token = $2 AND state = 'running' RETURNING cancel_requested");
        let update = holding(update, lease).bind(deadline(now, extend)?).bind(progress.clamp(0.0, 1.0)).bind(step);
        let row = self.on.write_one(update).await?.ok_or_else(|| Error::LostLease { job: lease.job.clone() })?;
        Ok(if row.get("cancel_requested")? { Beat::Cancel } else { Beat::Continue })
    }

    /// Ends the job with a result (a JSON object or array). Call it in the unit that writes the job's effect.
    pub async fn complete(&mut self, lease: &Lease, result: Json, now: Timestamp) -> Result<(), Error> {
        let update = sql("UPDATE jobs SET state = 'succeeded', progress = 1.0, result = $3, error = NULL,
                 finished_at = $4, lease_owner = NULL, lease_until = NULL
             WHERE job_id = $1 AND lease_token = $2 AND state = 'running' RETURNING state");
        self.end(lease, holding(update, lease).bind(result).bind(now)).await.map(drop)
    }

    /// Ends the job with an error that trying again would not mend.
    pub async fn fail(&mut self, lease: &Lease, error: &JobError, now: Timestamp) -> Result<(), Error> {
        let update = sql("UPDATE jobs SET state = 'failed', error = $3, finished_at = $4, lease_owner = NULL,
                 lease_until = NULL
             WHERE job_id = $1 AND lease_token = $2 AND state = 'running' RETURNING state");
        self.end(lease, holding(update, lease).bind(error.to_json()).bind(now)).await.map(drop)
    }

    /// Ends the attempt with an error that may pass: the job queues until `run_at`, is dead when its attempts are used
    /// up, and is cancelled when that was asked. Answers the new state.
    pub async fn retry(
        &mut self,
        lease: &Lease,
        error: &JobError,
        run_at: Timestamp,
        now: Timestamp,
    ) -> Result<JobState, Error> {
        let update = sql(AssertSqlSafe(format!(
            "UPDATE jobs SET {AFTER_ATTEMPT}, error = $3, run_at = $4,
                 finished_at = CASE WHEN cancel_requested OR attempts >= attempts_max THEN $5 END
             WHERE job_id = $1 AND lease_token = $2 AND state = 'running' RETURNING state"
        )));
        self.end(lease, holding(update, lease).bind(error.to_json()).bind(run_at).bind(now)).await
    }

    /// Ends a job that stopped because it was asked to.
    pub async fn cancelled(&mut self, lease: &Lease, now: Timestamp) -> Result<(), Error> {
        let update =
            sql("UPDATE jobs SET state = 'cancelled', finished_at = $3, lease_owner = NULL, lease_until = NULL
             WHERE job_id = $1 AND lease_token = $2 AND state = 'running' RETURNING state");
        self.end(lease, holding(update, lease).bind(now)).await.map(drop)
    }

    /// Gives the job back unworked, because the worker shuts down: it queues at once and the attempt does not count.
    pub async fn give_back(&mut self, lease: &Lease, now: Timestamp) -> Result<(), Error> {
        let update = sql("UPDATE jobs SET state = CASE WHEN cancel_requested THEN 'cancelled' ELSE 'queued' END,
                 finished_at = CASE WHEN cancel_requested THEN $3 END, attempts = attempts - 1, run_at = $3,
                 progress = 0.0, step = '', lease_owner = NULL, lease_until = NULL
             WHERE job_id = $1 AND lease_token = $2 AND state = 'running' RETURNING state");
        self.end(lease, holding(update, lease).bind(now)).await.map(drop)
    }

    async fn end(&mut self, lease: &Lease, update: Sql) -> Result<JobState, Error> {
        let row = self.on.write_one(update).await?.ok_or_else(|| Error::LostLease { job: lease.job.clone() })?;
        self.on.jobs_changed().await?;
        stored(JobState::parse, &row.get::<String>("state")?)
    }

    /// Lets all leases of an owner expire now, because that owner is known to be dead: an embedded worker calls it at
    /// start with its own name. The next claim takes the jobs back. Answers how many there were.
    pub async fn release_owner(&mut self, owner: &str, now: Timestamp) -> Result<u64, Error> {
        let update = sql("UPDATE jobs SET lease_until = $2
             WHERE state = 'running' AND lease_owner = $1 AND lease_until > $2 RETURNING job_id");
        let released = self.on.write(update.bind(owner).bind(now)).await?.len() as u64;
        if released > 0 {
            self.on.jobs_changed().await?;
        }
        Ok(released)
    }

    /// When there is next something to claim: a queued job's time or a lease's end. `None` with nothing unfinished.
    pub async fn next_wake(&mut self, kinds: &[&str]) -> Result<Option<Timestamp>, Error> {
        if kinds.is_empty() {
            return Ok(None);
        }
        let kinds_list = placeholders(1, kinds.len());
        let select = sql(AssertSqlSafe(format!(
            "SELECT MIN(at) AS at FROM (
                 SELECT MIN(run_at) AS at FROM jobs WHERE state = 'queued' AND kind IN ({kinds_list})
                 UNION ALL
                 SELECT MIN(lease_until) AS at FROM jobs WHERE state = 'running') AS wakes"
        )));
        let row = self.on.read_one(select.bind_all(kinds.iter().copied())).await?;
        row.map_or(Ok(None), |row| row.time_or_none("at"))
    }

    /// How many jobs there are by kind and state, over all organizations; for metrics.
    pub async fn counts(&mut self) -> Result<Vec<JobCount>, Error> {
        let select = sql("SELECT kind, state, dead, COUNT(*) AS n FROM jobs GROUP BY kind, state, dead
             ORDER BY kind, state, dead");
        let rows = self.on.read(select).await?;
        rows.iter()
            .map(|row| {
                let state = stored(JobState::parse, &row.get::<String>("state")?)?;
                Ok(JobCount { kind: row.get("kind")?, state, dead: row.get("dead")?, count: row.count("n")? })
            })
            .collect()
    }

    /// How many jobs are queued or running, over all organizations.
    pub async fn unfinished(&mut self) -> Result<u64, Error> {
        let select = sql("SELECT COUNT(*) AS n FROM jobs WHERE state IN ('queued', 'running')");
        self.on.read_one(select).await?.map_or(Ok(0), |row| row.count("n"))
    }
}

/// What becomes of a job whose attempt ended without a result. Right-hand sides see the row as it was.
const AFTER_ATTEMPT: &str = "state = CASE WHEN cancel_requested THEN 'cancelled'
        WHEN attempts >= attempts_max THEN 'failed' ELSE 'queued' END,
    dead = (attempts >= attempts_max AND NOT cancel_requested), lease_owner = NULL, lease_until = NULL";

/// The time of that end, when it is one; `$1` is now.
const FINISHED_AFTER_ATTEMPT: &str = "CASE WHEN cancel_requested OR attempts >= attempts_max THEN $1 END";

/// Binds `$1` and `$2`: the job and the token that must be current.
fn holding(update: Sql, lease: &Lease) -> Sql {
    update.bind(lease.job.as_str()).bind(lease.token)
}

fn deadline(now: Timestamp, lease: SignedDuration) -> Result<Timestamp, Error> {
    now.checked_add(lease).map_err(|e| Error::NotStorable { what: format!("a lease of {lease}: {e}") })
}
