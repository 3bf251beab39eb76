//! The kinds of work that jobs do: a name, how often and how long, as data. What a kind does is registered in
//! [`crate::jobs`]; who enqueues one needs only its line here.

use std::time::Duration;

use assize_store::jobs::NewJob;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::App;
use super::error::AppError;

/// One kind of work.
#[derive(Debug)]
pub struct Kind {
    /// Its name in the table of jobs.
    pub name: &'static str,
    /// How often a job may be started before it is a dead letter. A worker that is killed uses a start up.
    pub attempts_max: u32,
    /// How long to wait after attempt n (from 1) failed for a reason that may pass.
    pub retry_after: fn(u32) -> SignedDuration,
    /// How long an attempt may take; then it is stopped and counts as failed.
    pub time_max: Duration,
    /// Which slots it uses.
    pub lane: Lane,
}

/// Slots of a worker. Kinds that take seconds must not wait behind those that take hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// Long work that computes: `worker.concurrency` at once.
    Work,
    /// Short work that mostly waits: [`UPKEEP_JOBS_MAX`] at once.
    Upkeep,
}

/// Jobs of [`Lane::Upkeep`] worked at once by one worker.
pub(crate) const UPKEEP_JOBS_MAX: usize = 4;

/// Runs an audit and issues its certificate.
pub const CERTIFY: Kind = Kind {
    name: "certify",
    // Enough for a machine that is restarted again and again while one audit runs.
    attempts_max: 10,
    retry_after: |attempt| doubling(2, 300, attempt),
    // Asynchronous audits have no documented bound; this one only ends what hangs.
    time_max: Duration::from_secs(24 * 3_600),
    lane: Lane::Work,
};

/// Clears away what the limits leave behind: idempotency keys whose time is over, buckets that are full.
pub const TIDY_LIMITS: Kind = Kind {
    name: "tidy_limits",
    attempts_max: 5,
    retry_after: |attempt| doubling(10, 600, attempt),
    time_max: Duration::from_secs(300),
    lane: Lane::Upkeep,
};

/// Deletes what is kept longer than it may be.
pub const ENFORCE_RETENTION: Kind = Kind {
    name: "enforce_retention",
    attempts_max: 5,
    retry_after: |attempt| doubling(60, 3_600, attempt),
    time_max: Duration::from_secs(3_600),
    lane: Lane::Upkeep,
};

/// Ends what has run out: sessions, invitations, counted sign-in failures.
pub const SWEEP_IDENTITY: Kind = Kind {
    name: "sweep_identity",
    attempts_max: 5,
    retry_after: |attempt| doubling(60, 3_600, attempt),
    time_max: Duration::from_secs(300),
    lane: Lane::Upkeep,
};

/// Puts the heads of the audit trails into the transparency log.
pub const LOG_TRAILS: Kind = Kind {
    name: "log_trails",
    attempts_max: 5,
    retry_after: |attempt| doubling(60, 3_600, attempt),
    time_max: Duration::from_secs(3_600),
    lane: Lane::Upkeep,
};

/// Works the queue of a webhook. Deliveries have a schedule of their own; these attempts are for mistakes of ours.
pub const DELIVER_WEBHOOK: Kind = Kind {
    name: "deliver_webhook",
    attempts_max: 20,
    retry_after: |attempt| doubling(10, 3_600, attempt),
    time_max: Duration::from_secs(300),
    lane: Lane::Upkeep,
};

/// `first_s` seconds after the first attempt, twice as long after each further one, at most `max_s`.
pub(crate) fn doubling(first_s: i64, max_s: i64, attempt: u32) -> SignedDuration {
    let doublings = attempt.saturating_sub(1).min(30);
    SignedDuration::from_secs(first_s.saturating_mul(1 << doublings).min(max_s))
}

impl App {
    /// A job of this kind, to be enqueued in the unit of what it is about; it may start at once.
    pub(crate) fn new_job(&self, kind: &Kind, args: &impl Serialize, now: Timestamp) -> Result<NewJob, AppError> {
        Ok(NewJob {
            id: self.new_job_id()?,
            kind: kind.name.to_owned(),
            args: serde_json::to_value(args).map_err(AppError::internal)?,
            priority: 0,
            run_at: now,
            attempts_max: kind.attempts_max,
            unique_key: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_their_bound() {
        let waits: Vec<i64> = (1..=9).map(|attempt| doubling(2, 300, attempt).as_secs()).collect();
        assert_eq!(waits, [2, 4, 8, 16, 32, 64, 128, 256, 300]);
        assert_eq!(doubling(2, 300, u32::MAX).as_secs(), 300);
    }
}
