//! Takes back what dead workers left. A lease is dead when its heartbeats stand still, by this process's stopwatch, for
//! as long as its holder said ([`assize_store::queue`]).
//!
//! Time in which nobody could have seen a heartbeat does not count: after the database was away, or this process was
//! suspended, the watch starts anew.

use std::collections::BTreeMap;
use std::time::Duration;

use assize_store::JobId;
use assize_store::queue::{HeldLease, PAGE_LEASES_MAX};

use super::Worker;
use crate::app::AppError;

/// Looks at the leases at least so often.
const LOOK_MAX: Duration = Duration::from_secs(5);

/// Watches the leases until the worker stops.
pub(super) async fn watch(worker: &Worker) {
    let look = (worker.lease / 3).min(LOOK_MAX);
    let mut standstill = Standstill::new(look * 3);
    loop {
        let clock = worker.app.clock();
        match look_once(worker, &mut standstill).await {
            Ok(()) => {}
            Err(error) => {
                tracing::warn!("leases cannot be watched: {error}");
                standstill.forget();
            }
        }
        tokio::select! {
            () = worker.stopping.cancelled() => return,
            () = clock.sleep(look) => {}
        }
    }
}

async fn look_once(worker: &Worker, standstill: &mut Standstill) -> Result<(), AppError> {
    let (store, clock) = (worker.app.store(), worker.app.clock());
    let mut held: Vec<HeldLease> = Vec::new();
    loop {
        let page = store.queue().held(held.last().map(|last| &last.lease.job)).await?;
        let full = page.len() == PAGE_LEASES_MAX as usize;
        held.extend(page);
        if !full {
            break;
        }
    }
    for dead in standstill.look(held, clock.steady()) {
        if let Some(state) = store.queue().take_back(&dead, clock.now()).await? {
            let id = dead.lease.job.as_str();
            tracing::warn!(job.id = id, "the worker of a job died; it is {} now", state.as_str());
        }
    }
    Ok(())
}

/// How long each lease has stood still.
struct Standstill {
    /// A longer pause between two looks says nothing about anybody but us.
    pause_max: Duration,
    looked_at: Option<Duration>,
    seen: BTreeMap<JobId, (HeldLease, Duration)>,
}

impl Standstill {
    fn new(pause_max: Duration) -> Self {
        Self { pause_max, looked_at: None, seen: BTreeMap::new() }
    }

    fn forget(&mut self) {
        self.seen.clear();
    }

    /// Notes the leases there are now and answers the dead ones.
    fn look(&mut self, held: Vec<HeldLease>, now: Duration) -> Vec<HeldLease> {
        if self.looked_at.is_some_and(|before| now.saturating_sub(before) > self.pause_max) {
            self.forget();
        }
        self.looked_at = Some(now);
        let mut seen = BTreeMap::new();
        let mut dead = Vec::new();
        for lease in held {
            let since = match self.seen.get(&lease.lease.job) {
                Some((before, since)) if *before == lease => *since,
                _ => now,
            };
            if now.saturating_sub(since) >= lease.lasts.unsigned_abs() {
                dead.push(lease);
            } else {
                seen.insert(lease.lease.job.clone(), (lease, since));
            }
        }
        self.seen = seen;
        dead
    }
}

#[cfg(test)]
mod tests {
    use assize_store::queue::Lease;
    use jiff::{SignedDuration, Timestamp};

    use super::*;

    fn lease(n: u8, token: u64, beats: u64) -> HeldLease {
        let job = JobId::new(Timestamp::UNIX_EPOCH, [n; 10]);
        HeldLease { lease: Lease { job, token }, beats, lasts: SignedDuration::from_secs(30) }
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_lease_is_dead_once_it_stood_still_for_its_time() {
        let mut standstill = Standstill::new(seconds(15));
        for at in (0..30).step_by(5) {
            assert_eq!(standstill.look(vec![lease(1, 1, 4), lease(2, 1, at)], seconds(at)), []);
        }
        assert_eq!(standstill.look(vec![lease(1, 1, 4), lease(2, 1, 30)], seconds(30)), [lease(1, 1, 4)]);
    }

    #[test]
    fn a_new_claim_of_the_same_job_starts_anew() {
        let mut standstill = Standstill::new(seconds(60));
        assert_eq!(standstill.look(vec![lease(1, 1, 0)], seconds(0)), []);
        assert_eq!(standstill.look(vec![lease(1, 2, 0)], seconds(29)), []);
        assert_eq!(standstill.look(vec![lease(1, 2, 0)], seconds(58)), []);
        assert_eq!(standstill.look(vec![lease(1, 2, 0)], seconds(59)), [lease(1, 2, 0)]);
    }

    #[test]
    fn time_in_which_nobody_looked_does_not_count() {
        let mut standstill = Standstill::new(seconds(15));
        assert_eq!(standstill.look(vec![lease(1, 1, 0)], seconds(0)), []);
        // The process was suspended for an hour.
        assert_eq!(standstill.look(vec![lease(1, 1, 0)], seconds(3_600)), []);
        standstill.forget();
        assert_eq!(standstill.look(vec![lease(1, 1, 0)], seconds(3_610)), []);
        assert_eq!(standstill.look(vec![lease(1, 1, 0)], seconds(3_625)), []);
        assert_eq!(standstill.look(vec![lease(1, 1, 0)], seconds(3_640)), [lease(1, 1, 0)]);
    }
}
