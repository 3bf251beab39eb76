//! The jobs: claimed under a lease, worked, ended in the transaction of their effect; and what recurs.
//!
//! ```text
//! queued --claim--> running --complete--> succeeded
//!    ^                 |-- fail ---------> failed
//!    |                 |-- cancelled ----> cancelled
//!    +-- retry, lease dead, give back -----+
//! ```
//!
//! A new kind of work is a line in [`crate::app::kinds`] (name, attempts, back-off, time, slots), a file here that
//! implements [`work::Work`], and a line in [`registry`]. What runs it is the same for all ([`attempt`]): heartbeats,
//! cancellation, time-outs, panics and the end. [`leases`] takes back what dead workers left; [`schedule`] enqueues what
//! recurs. [`interactions`] works off what is too much for a job each.
//!
//! Any job may run twice and any process may stop between two statements: what a job does becomes real only together
//! with its end, and an end is refused to a worker whose lease is lost.

mod attempt;
mod certify;
mod deliver_webhook;
mod enforce_retention;
mod interactions;
mod leases;
mod log_trails;
mod registry;
mod schedule;
mod sweep_identity;
mod tidy_limits;
mod work;

use std::sync::Arc;
use std::time::Duration;

use assize_store::queue::{Claim, Claimed};
use jiff::SignedDuration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

use crate::app::kinds::{Lane, UPKEEP_JOBS_MAX};
use crate::app::{App, AppError};

/// Longest wait between two looks at the queue, should a word of a change get lost.
const LOOK_AGAIN: Duration = Duration::from_secs(5);
/// Wait after the queue could not be read.
const AFTER_FAILURE: Duration = Duration::from_secs(2);

/// Works jobs until `stopping`, then gives back what it holds and returns.
///
/// `owner` names this worker in leases. Leases left under the same name are taken over at once: a name must not be used
/// by two living workers.
pub async fn work(app: App, owner: String, stopping: CancellationToken) {
    if let Err(error) = app.store().queue().release_owner(&owner, app.clock().now()).await {
        tracing::warn!("leases of an earlier run could not be released: {error}");
    }
    let worker = Arc::new(Worker {
        tasks: TaskTracker::new(),
        lease: Duration::from_secs(app.config().worker.lease_s),
        owner,
        stopping,
        app,
    });
    let concurrency = worker.app.config().worker.concurrency;
    tokio::join!(
        worker.run(Lane::Work, concurrency),
        worker.run(Lane::Upkeep, UPKEEP_JOBS_MAX),
        interactions::audit(&worker),
        leases::watch(&worker),
        schedule::keep(&worker),
    );
    worker.tasks.close();
    worker.tasks.wait().await;
}

/// One worker process.
struct Worker {
    app: App,
    owner: String,
    lease: Duration,
    tasks: TaskTracker,
    stopping: CancellationToken,
}

impl Worker {
    /// Works the kinds of one lane, so many at once.
    async fn run(self: &Arc<Self>, lane: Lane, jobs_max: usize) {
        let slots = Arc::new(Semaphore::new(jobs_max));
        let kinds = registry::names(lane);
        loop {
            let slot = tokio::select! {
                () = self.stopping.cancelled() => return,
                slot = Arc::clone(&slots).acquire_owned() => slot,
            };
            let Ok(slot) = slot else { return };
            match self.claim(&kinds).await {
                Ok(Some(claimed)) => self.start(claimed, slot),
                Ok(None) => self.wait(&kinds).await,
                Err(error) => {
                    tracing::warn!("the queue cannot be read: {error}");
                    self.pause(AFTER_FAILURE).await;
                }
            }
        }
    }

    async fn claim(&self, kinds: &[&str]) -> Result<Option<Claimed>, AppError> {
        let lease = SignedDuration::try_from(self.lease).map_err(AppError::internal)?;
        let claim = Claim { owner: &self.owner, kinds, lease, jobs_max: 1 };
        Ok(self.app.store().queue().claim(&claim, self.app.clock().now()).await?.pop())
    }

    fn start(self: &Arc<Self>, claimed: Claimed, slot: OwnedSemaphorePermit) {
        let worker = Arc::clone(self);
        // What is logged while the job is worked stands in a span that names it.
        let span = tracing::info_span!("job", job.id = claimed.job.id.as_str(), job.kind = claimed.job.kind);
        let work = async move {
            attempt::run(&worker, &claimed).await;
            drop(slot);
        };
        self.tasks.spawn(work.instrument(span));
    }

    /// Waits for something to claim: a change of jobs, a job's time, or a lost word of either.
    async fn wait(&self, kinds: &[&str]) {
        let Ok(mut changes) = self.app.store().subscribe_jobs().await else {
            return self.pause(AFTER_FAILURE).await;
        };
        // A job that came between the empty claim and the subscription would not be heard.
        let next = self.app.store().queue().next_wake(kinds).await;
        let now = self.app.clock().now();
        let patience = match next {
            Ok(Some(at)) => Duration::try_from(at.duration_since(now)).unwrap_or(Duration::ZERO).min(LOOK_AGAIN),
            Ok(None) => LOOK_AGAIN,
            Err(_) => AFTER_FAILURE,
        };
        tokio::select! {
            () = self.stopping.cancelled() => {}
            _ = changes.changed() => {}
            () = tokio::time::sleep(patience) => {}
        }
    }

    async fn pause(&self, duration: Duration) {
        tokio::select! {
            () = self.stopping.cancelled() => {}
            () = tokio::time::sleep(duration) => {}
        }
    }
}
