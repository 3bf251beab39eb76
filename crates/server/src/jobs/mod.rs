//! The jobs: claimed under a lease, worked on the blocking pool, ended in the transaction of their effect.
//!
//! ```text
//! queued --claim--> running --complete--> succeeded
//!    ^                 |-- fail ---------> failed
//!    |                 |-- cancelled ----> cancelled
//!    +-- retry, lease expired, give back --+
//! ```
//!
//! Any job may run twice and any process may stop between two statements: what a job does becomes real only together
//! with its end, and an end is refused to a worker whose lease is lost.

mod certify;

use std::sync::Arc;
use std::time::Duration;

use assize_store::queue::{Claim, Claimed};
use jiff::SignedDuration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::app::{App, AppError, CERTIFY_JOB};

/// Kinds that workers of this version can do.
const KINDS: &[&str] = &[CERTIFY_JOB];
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
        slots: Arc::new(Semaphore::new(app.config().worker.concurrency)),
        tasks: TaskTracker::new(),
        lease: SignedDuration::from_secs(i64::try_from(app.config().worker.lease_s).unwrap_or(30)),
        owner,
        stopping,
        app,
    });
    worker.run().await;
    worker.tasks.close();
    worker.tasks.wait().await;
}

/// One worker process.
pub(crate) struct Worker {
    app: App,
    owner: String,
    lease: SignedDuration,
    slots: Arc<Semaphore>,
    tasks: TaskTracker,
    stopping: CancellationToken,
}

impl Worker {
    async fn run(self: &Arc<Self>) {
        loop {
            let slot = tokio::select! {
                () = self.stopping.cancelled() => return,
                slot = Arc::clone(&self.slots).acquire_owned() => slot,
            };
            let Ok(slot) = slot else { return };
            match self.claim().await {
                Ok(Some(claimed)) => self.start(claimed, slot),
                Ok(None) => self.wait().await,
                Err(error) => {
                    tracing::warn!("the queue cannot be read: {error}");
                    self.pause(AFTER_FAILURE).await;
                }
            }
        }
    }

    async fn claim(&self) -> Result<Option<Claimed>, AppError> {
        let claim = Claim { owner: &self.owner, kinds: KINDS, lease: self.lease, jobs_max: 1 };
        Ok(self.app.store().queue().claim(&claim, self.app.clock().now()).await?.pop())
    }

    fn start(self: &Arc<Self>, claimed: Claimed, slot: OwnedSemaphorePermit) {
        let worker = Arc::clone(self);
        self.tasks.spawn(async move {
            certify::run(&worker, &claimed).await;
            drop(slot);
        });
    }

    /// Waits for something to claim: a change of jobs, a job's time, or a lost word of either.
    async fn wait(&self) {
        let Ok(mut changes) = self.app.store().subscribe_jobs().await else {
            return self.pause(AFTER_FAILURE).await;
        };
        // A job that came between the empty claim and the subscription would not be heard.
        let next = self.app.store().queue().next_wake(KINDS).await;
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
