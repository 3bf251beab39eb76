//! The worker's side of jobs: claim under a lease, beat, end, take back what a dead worker left.
//!
//! A claim gives a [`Lease`]: the job is this worker's as long as its heartbeats go on. No clock judges that. Each
//! heartbeat counts up; every worker looks at the counts ([`Queue::held`]) and measures with its own stopwatch how long
//! one stands still. A lease that stood still for as long as its holder said is dead, and [`Queue::take_back`] ends the
//! attempt, provided that the count still stands where it was seen. So it does not matter whose clock is a day ahead or
//! was set back an hour ago: a living lease beats, and a dead one does not.
//!
//! Every ending names its lease's token, which grows with every claim, and is refused ([`Error::LostLease`]) when it is
//! not the current one. So a worker that was only slow cannot finish a job a second time: it ends the job inside the
//! [`crate::Unit`] that writes the job's effect, the ending fails, and the effect is rolled back with it.
//!
//! Waiting for a job's time needs a clock, and those of several machines differ. A job that was due when it was queued
//! is due everywhere; one that was queued more than [`CLOCK_DIFFERENCE_MAX`] in the future was queued by a clock that
//! cannot be compared with this one, and is due as well: too early is better than a day too late.
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

/// Most jobs taken by one claim.
pub const CLAIM_JOBS_MAX: u32 = 100;

/// Most leases in one page of [`Queue::held`].
pub const PAGE_LEASES_MAX: u32 = 1_000;

/// How far the clocks of two machines that work on one database may differ, for a job's time to mean the same to both.
pub const CLOCK_DIFFERENCE_MAX: SignedDuration = SignedDuration::from_mins(1);

/// The right to work on a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The job.
    pub job: JobId,
    /// Grows with every claim of the job; the fence.
    pub token: u64,
}

/// A lease as those see it who do not hold it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldLease {
    /// The job and the token.
    pub lease: Lease,
    /// Heartbeats so far.
    pub beats: u64,
    /// It is dead when it stands still for so long.
    pub lasts: SignedDuration,
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
    /// How long the lease may stand still without a heartbeat.
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

    /// Takes due jobs, the lowest priority number and the longest due first.
    pub async fn claim(&mut self, claim: &Claim<'_>, now: Timestamp) -> Result<Vec<Claimed>, Error> {
        if claim.kinds.is_empty() {
            return Ok(Vec::new());
        }
        let (kinds, skip) =
            (placeholders(6, claim.kinds.len()), dialect::skip_rows_taken_by_others(self.on.is_postgres()));
        // MATERIALIZED: the choice is made once, so that the limit holds.
        let update = sql(AssertSqlSafe(format!(
            "WITH due AS MATERIALIZED (
                 SELECT job_id FROM jobs WHERE state = 'queued' AND kind IN ({kinds})
                     AND (run_at <= $1 OR run_at <= queued_at OR queued_at > $5)
                 ORDER BY priority, run_at, job_id LIMIT $2{skip})
             UPDATE jobs SET state = 'running', attempts = attempts + 1, lease_owner = $3, lease_ms = $4,
                 lease_beats = 0, lease_token = lease_token + 1, progress = 0.0, step = '',
                 started_at = COALESCE(started_at, $1)
             WHERE job_id IN (SELECT job_id FROM due) RETURNING {COLUMNS}, lease_token"
        )))
        .bind(now)
        .bind(claim.jobs_max.min(CLAIM_JOBS_MAX))
        .bind(claim.owner)
        .bind(millis(claim.lease)?)
        .bind(later(now, CLOCK_DIFFERENCE_MAX)?)
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

    /// All leases, by job, those after `after`, at most [`PAGE_LEASES_MAX`].
    pub async fn held(&mut self, after: Option<&JobId>) -> Result<Vec<HeldLease>, Error> {
        let select = sql("SELECT job_id, lease_token, lease_beats, lease_ms FROM jobs
             WHERE state = 'running' AND ($1 IS NULL OR job_id > $1) ORDER BY job_id LIMIT $2");
        let rows = self.on.read(select.bind(after.map(JobId::as_str)).bind(PAGE_LEASES_MAX)).await?;
        rows.iter()
            .map(|row| {
                let job = stored(JobId::parse, &row.get::<String>("job_id")?)?;
                Ok(HeldLease {
                    lease: Lease { job, token: row.count("lease_token")? },
                    beats: row.count("lease_beats")?,
                    lasts: SignedDuration::from_millis(row.get("lease_ms")?),
                })
            })
            .collect()
    }

    /// Ends the attempt of a worker that is dead, provided that its lease stands where it was seen: a cancelled job is
    /// cancelled, one without attempts left is a dead letter, others queue. Answers the new state; `None` when the
    /// lease has moved on.
    pub async fn take_back(&mut self, dead: &HeldLease, now: Timestamp) -> Result<Option<JobState>, Error> {
        let update = sql(AssertSqlSafe(format!(
            "UPDATE jobs SET {AFTER_ATTEMPT}, error = $3, queued_at = $4,
                 finished_at = CASE WHEN {LAST_ATTEMPT} THEN $4 END
             WHERE job_id = $1 AND lease_token = $2 AND state = 'running' AND lease_beats = $5 RETURNING state"
        )));
        let update = holding(update, &dead.lease).bind(worker_lost().to_json()).bind(now).bind(dead.beats);
        let Some(row) = self.on.write_one(update).await? else { return Ok(None) };
        self.on.jobs_changed().await?;
        stored(JobState::parse, &row.get::<String>("state")?).map(Some)
    }

    /// Says that the work goes on, and how far it is (0 to 1).
    pub async fn heartbeat(&mut self, lease: &Lease, progress: f64, step: &str) -> Result<Beat, Error> {
        let update = sql("UPDATE jobs SET lease_beats = lease_beats + 1, progress = $3, step = $4
             WHERE job_id = $1 AND lease_token = $2 AND state = 'running' RETURNING cancel_requested");
        let update = holding(update, lease).bind(progress.clamp(0.0, 1.0)).bind(step);
        let row = self.on.write_one(update).await?.ok_or_else(|| Error::LostLease { job: lease.job.clone() })?;
        Ok(if row.get("cancel_requested")? { Beat::Cancel } else { Beat::Continue })
    }

    /// Ends the job with a result (a JSON object or array). Call it in the unit that writes the job's effect.
    pub async fn complete(&mut self, lease: &Lease, result: Json, now: Timestamp) -> Result<(), Error> {
        let update = sql("UPDATE jobs SET state = 'succeeded', progress = 1.0, result = $3, error = NULL,
                 finished_at = $4, lease_owner = NULL
             WHERE job_id = $1 AND lease_token = $2 AND state = 'running' RETURNING state");
        self.end(lease, holding(update, lease).bind(result).bind(now)).await.map(drop)
    }

    /// Ends the job with an error that trying again would not mend.
    pub async fn fail(&mut self, lease: &Lease, error: &JobError, now: Timestamp) -> Result<(), Error> {
        let update = sql("UPDATE jobs SET state = 'failed', error = $3, finished_at = $4, lease_owner = NULL
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
            "UPDATE jobs SET {AFTER_ATTEMPT}, error = $3, run_at = $4, queued_at = $5,
                 finished_at = CASE WHEN {LAST_ATTEMPT} THEN $5 END
             WHERE job_id = $1 AND lease_token = $2 AND state = 'running' RETURNING state"
        )));
        self.end(lease, holding(update, lease).bind(error.to_json()).bind(run_at).bind(now)).await
    }

    /// Ends the attempt because something that the job needs is away: the job queues until `run_at`, the attempt does
    /// not count, and it is cancelled when that was asked. Answers the new state.
    pub async fn postpone(
        &mut self,
        lease: &Lease,
        error: &JobError,
        run_at: Timestamp,
        now: Timestamp,
    ) -> Result<JobState, Error> {
        let update = sql("UPDATE jobs SET state = CASE WHEN cancel_requested THEN 'cancelled' ELSE 'queued' END,
                 finished_at = CASE WHEN cancel_requested THEN $5 END, attempts = attempts - 1, error = $3, run_at = $4,
                 queued_at = $5, progress = 0.0, step = '', lease_owner = NULL
             WHERE job_id = $1 AND lease_token = $2 AND state = 'running' RETURNING state");
        self.end(lease, holding(update, lease).bind(error.to_json()).bind(run_at).bind(now)).await
    }

    /// Ends a job that stopped because it was asked to.
    pub async fn cancelled(&mut self, lease: &Lease, now: Timestamp) -> Result<(), Error> {
        let update = sql("UPDATE jobs SET state = 'cancelled', finished_at = $3, lease_owner = NULL
             WHERE job_id = $1 AND lease_token = $2 AND state = 'running' RETURNING state");
        self.end(lease, holding(update, lease).bind(now)).await.map(drop)
    }

    /// Gives the job back unworked, because the worker shuts down: it queues at once and the attempt does not count.
    pub async fn give_back(&mut self, lease: &Lease, now: Timestamp) -> Result<(), Error> {
        let update = sql("UPDATE jobs SET state = CASE WHEN cancel_requested THEN 'cancelled' ELSE 'queued' END,
                 finished_at = CASE WHEN cancel_requested THEN $3 END, attempts = attempts - 1, run_at = $3,
                 queued_at = $3, progress = 0.0, step = '', lease_owner = NULL
             WHERE job_id = $1 AND lease_token = $2 AND state = 'running' RETURNING state");
        self.end(lease, holding(update, lease).bind(now)).await.map(drop)
    }

    async fn end(&mut self, lease: &Lease, update: Sql) -> Result<JobState, Error> {
        let row = self.on.write_one(update).await?.ok_or_else(|| Error::LostLease { job: lease.job.clone() })?;
        self.on.jobs_changed().await?;
        stored(JobState::parse, &row.get::<String>("state")?)
    }

    /// Takes back all jobs of an owner that is known to be dead: an embedded worker calls it at start with its own name,
    /// and need not wait until its former self's leases have stood still. Answers how many there were.
    pub async fn release_owner(&mut self, owner: &str, now: Timestamp) -> Result<u64, Error> {
        let update = sql(AssertSqlSafe(format!(
            "UPDATE jobs SET {AFTER_ATTEMPT}, error = $3, queued_at = $2,
                 finished_at = CASE WHEN {LAST_ATTEMPT} THEN $2 END
             WHERE state = 'running' AND lease_owner = $1 RETURNING job_id"
        )));
        let update = update.bind(owner).bind(now).bind(worker_lost().to_json());
        let released = self.on.write(update).await?.len() as u64;
        if released > 0 {
            self.on.jobs_changed().await?;
        }
        Ok(released)
    }

    /// When the next job of these kinds is due. `None` with none queued.
    pub async fn next_wake(&mut self, kinds: &[&str]) -> Result<Option<Timestamp>, Error> {
        if kinds.is_empty() {
            return Ok(None);
        }
        let kinds_list = placeholders(1, kinds.len());
        let select = sql(AssertSqlSafe(format!(
            "SELECT MIN(run_at) AS at FROM jobs WHERE state = 'queued' AND kind IN ({kinds_list})"
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

    /// When the job became due that waits longest for a worker, over all organizations; for metrics.
    pub async fn oldest_due(&mut self, now: Timestamp) -> Result<Option<Timestamp>, Error> {
        let select = sql("SELECT MIN(run_at) AS at FROM jobs WHERE state = 'queued' AND run_at <= $1");
        let row = self.on.read_one(select.bind(now)).await?;
        row.map_or(Ok(None), |row| row.time_or_none("at"))
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
    dead = (attempts >= attempts_max AND NOT cancel_requested), lease_owner = NULL";

/// Whether that is its end.
const LAST_ATTEMPT: &str = "cancel_requested OR attempts >= attempts_max";

fn worker_lost() -> JobError {
    JobError {
        code: "worker_lost".to_owned(),
        detail: "the worker stopped answering during the last attempt".to_owned(),
    }
}

/// Binds `$1` and `$2`: the job and the token that must be current.
fn holding(update: Sql, lease: &Lease) -> Sql {
    update.bind(lease.job.as_str()).bind(lease.token)
}

fn later(now: Timestamp, by: SignedDuration) -> Result<Timestamp, Error> {
    now.checked_add(by).map_err(|e| Error::NotStorable { what: format!("a time {by} from now: {e}") })
}

fn millis(lease: SignedDuration) -> Result<i64, Error> {
    i64::try_from(lease.as_millis()).map_err(|e| Error::NotStorable { what: format!("a lease of {lease}: {e}") })
}
