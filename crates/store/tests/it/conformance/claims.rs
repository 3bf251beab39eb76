//! Leases: who may work on a job, and what happens when a worker dies.

use std::collections::BTreeMap;

use assize_store::jobs::{JobState, NewJob};
use assize_store::queue::{Claim, HeldLease, Lease};
use assize_store::{Error, JobId, Store};
use jiff::Timestamp;
use serde_json::json;

use crate::harness::{LEASE, at, claim, claim_one, enqueue, error, job_id, new_certificate, new_job, public};

pub(crate) async fn eight_workers_claim_every_job_once(store: Store) {
    let mut unit = store.begin().await.unwrap();
    for n in 0..200_u8 {
        unit.jobs().enqueue(&public(), &new_job(n), at(0)).await.unwrap();
    }
    unit.commit().await.unwrap();
    let workers: Vec<_> = (0..8)
        .map(|worker| {
            let store = store.clone();
            tokio::spawn(async move {
                let mut done: Vec<JobId> = Vec::new();
                loop {
                    let claimed = claim(&store, &format!("w{worker}"), 7, at(1)).await;
                    // On PostgreSQL an empty claim may mean that others hold the last rows; they will finish them.
                    if claimed.is_empty() {
                        return done;
                    }
                    for one in claimed {
                        store.queue().complete(&one.lease, json!({ "worker": worker }), at(2)).await.unwrap();
                        done.push(one.job.id);
                    }
                }
            })
        })
        .collect();
    let mut times: BTreeMap<JobId, u32> = BTreeMap::new();
    for worker in workers {
        for id in worker.await.unwrap() {
            *times.entry(id).or_default() += 1;
        }
    }
    assert_eq!(times.len(), 200);
    assert!(times.values().all(|&n| n == 1));
    assert_eq!(store.queue().unfinished().await.unwrap(), 0);
}

pub(crate) async fn claims_follow_time_and_priority(store: Store) {
    let jobs = [(1, 0, 5), (2, 0, 3), (3, -1, 9), (4, 7, 0), (5, 0, 50)];
    for (n, priority, run_at) in jobs {
        enqueue(&store, &NewJob { priority, run_at: at(run_at), ..new_job(n) }).await;
    }
    enqueue(&store, &NewJob { kind: "report".to_owned(), ..new_job(6) }).await;
    let order: Vec<_> = claim(&store, "w", 3, at(10)).await.into_iter().map(|c| c.job.id).collect();
    assert_eq!(order, [job_id(0, 3), job_id(0, 2), job_id(0, 1)]);
    let order: Vec<_> = claim(&store, "w", 3, at(10)).await.into_iter().map(|c| c.job.id).collect();
    assert_eq!(order, [job_id(0, 4)]);
    let none = Claim { owner: "w", kinds: &[], lease: LEASE, jobs_max: 9 };
    assert!(store.queue().claim(&none, at(10)).await.unwrap().is_empty());
    let both = Claim { kinds: &["audit", "report"], ..none };
    let kinds: Vec<_> = store.queue().claim(&both, at(60)).await.unwrap().into_iter().map(|c| c.job.kind).collect();
    assert_eq!(kinds, ["report", "audit"]);
}

/// Takes back the one lease there is, as somebody does who saw it stand still for its time.
async fn take_back(store: &Store, now: Timestamp) -> JobState {
    let held = store.queue().held(None).await.unwrap();
    assert_eq!(held.len(), 1, "{held:?}");
    store.queue().take_back(&held[0], now).await.unwrap().expect("nobody moved it meanwhile")
}

pub(crate) async fn dead_lease_goes_to_another_worker(store: Store) {
    enqueue(&store, &new_job(1)).await;
    let first = claim_one(&store, "dead", at(0)).await;
    let seen = store.queue().held(None).await.unwrap();
    let expected = HeldLease { lease: first.lease.clone(), beats: 0, lasts: LEASE };
    assert_eq!(seen, [expected]);
    // A heartbeat moves the lease, so what was seen before says nothing any more.
    store.queue().heartbeat(&first.lease, 0.9, "sealing").await.unwrap();
    assert_eq!(store.queue().take_back(&seen[0], at(15_000)).await.unwrap(), None);
    assert!(claim(&store, "next", 9, at(15_000)).await.is_empty());
    assert_eq!(store.queue().held(None).await.unwrap()[0].beats, 1);
    assert_eq!(take_back(&store, at(15_000)).await, JobState::Queued);
    assert!(store.queue().held(None).await.unwrap().is_empty());
    let second = claim_one(&store, "next", at(15_000)).await;
    assert_eq!((second.job.id.clone(), second.job.attempts, second.job.progress), (first.job.id, 2, 0.0));
    assert_eq!(second.job.error.unwrap().code, "worker_lost");

    let lost = store.queue().heartbeat(&first.lease, 1.0, "").await;
    assert!(matches!(lost, Err(Error::LostLease { .. })), "{lost:?}");
    let lost = store.queue().complete(&first.lease, json!({}), at(15_001)).await;
    assert!(matches!(lost, Err(Error::LostLease { .. })), "{lost:?}");
    for ended in [
        store.queue().cancelled(&first.lease, at(15_001)).await,
        store.queue().give_back(&first.lease, at(15_001)).await,
        store.queue().retry(&first.lease, &error("late"), at(0), at(15_001)).await.map(drop),
    ] {
        assert!(matches!(ended, Err(Error::LostLease { .. })), "{ended:?}");
    }
    store.queue().complete(&second.lease, json!({ "by": "next" }), at(15_002)).await.unwrap();
    let done = store.jobs().find(&public(), &second.job.id).await.unwrap().unwrap();
    assert_eq!((done.result, done.started_at), (Some(json!({ "by": "next" })), Some(at(0))));
}

pub(crate) async fn no_clock_judges_a_lease(store: Store) {
    enqueue(&store, &new_job(1)).await;
    let day = 86_400_000;
    let held = claim_one(&store, "living", at(0)).await;
    // Workers whose clocks are a day ahead or behind look for work: the living lease stays.
    for now in [at(day), at(-day)] {
        assert!(claim(&store, "skewed", 9, now).await.is_empty());
    }
    store.queue().heartbeat(&held.lease, 0.5, "measuring").await.unwrap();
    // A dead one is taken back, whatever the clock of who does it says.
    assert_eq!(take_back(&store, at(-day)).await, JobState::Queued);
    let again = claim_one(&store, "next", at(0)).await;
    store.queue().complete(&again.lease, json!({}), at(1)).await.unwrap();
}

pub(crate) async fn clocks_that_differ_hold_no_job_up(store: Store) {
    // Two servers enqueue work for now, one with a clock a day ahead, one a day behind.
    let day = 86_400_000;
    for (n, offset) in [(1, day), (2, -day)] {
        let job = NewJob { run_at: at(offset), ..new_job(n) };
        assert!(store.jobs().enqueue(&public(), &job, at(offset)).await.unwrap().created);
    }
    assert_eq!(claim(&store, "w", 9, at(0)).await.len(), 2);
    // A retry by a worker a day ahead would wait for a day by everybody else's clock.
    enqueue(&store, &new_job(3)).await;
    let ahead = claim_one(&store, "ahead", at(day)).await;
    store.queue().retry(&ahead.lease, &error("unavailable"), at(day + 5_000), at(day)).await.unwrap();
    let job = claim_one(&store, "w", at(2)).await;
    store.queue().retry(&job.lease, &error("unavailable"), at(5_000), at(2)).await.unwrap();
    assert!(claim(&store, "w", 9, at(4_999)).await.is_empty(), "among clocks that agree a retry waits");
    assert_eq!(claim(&store, "w", 9, at(5_000)).await.len(), 1);
}

/// The unit of one audit: number, the job's end, certificate.
async fn issue(store: &Store, lease: &Lease) -> Result<u64, Error> {
    let mut unit = store.begin().await?;
    let number = unit.certificate_numbers().next(2026).await?;
    let mut certificate = new_certificate(number);
    certificate.job = lease.job.clone();
    unit.queue().complete(lease, json!({ "certificate_id": certificate.id.as_str() }), at(1)).await?;
    unit.certificates().insert(&public(), &certificate).await?;
    unit.commit().await?;
    Ok(number)
}

pub(crate) async fn lost_lease_rolls_back_the_effect(store: Store) {
    for n in [1, 2] {
        enqueue(&store, &NewJob { id: job_id(i64::from(n), n), ..new_job(n) }).await;
    }
    let slow = claim(&store, "slow", 1, at(0)).await.remove(0);
    // The slow worker's lease is taken back; somebody else has the same job now, and another one.
    take_back(&store, at(10_000)).await;
    let claimed = claim(&store, "quick", 9, at(10_000)).await;
    assert_eq!(claimed[0].job.id, slow.job.id);
    let refused = issue(&store, &slow.lease).await;
    assert!(matches!(refused, Err(Error::LostLease { .. })), "{refused:?}");
    assert_eq!(issue(&store, &claimed[0].lease).await.unwrap(), 1, "numbers stay gapless");
    let refused = issue(&store, &slow.lease).await;
    assert!(matches!(refused, Err(Error::LostLease { .. })), "{refused:?}");
    assert_eq!(issue(&store, &claimed[1].lease).await.unwrap(), 2, "numbers stay gapless");
    assert_eq!(store.certificates().list_public(None, 9).await.unwrap().len(), 2);
}

pub(crate) async fn job_that_kills_its_workers_is_dead(store: Store) {
    enqueue(&store, &NewJob { attempts_max: 2, ..new_job(1) }).await;
    claim_one(&store, "w", at(0)).await;
    assert_eq!(take_back(&store, at(10_000)).await, JobState::Queued);
    claim_one(&store, "w", at(10_000)).await;
    assert_eq!(take_back(&store, at(20_000)).await, JobState::Failed);
    assert!(claim(&store, "w", 9, at(20_000)).await.is_empty());
    let dead = store.jobs().find(&public(), &job_id(0, 1)).await.unwrap().unwrap();
    assert_eq!((dead.state, dead.dead, dead.attempts), (JobState::Failed, true, 2));
    assert_eq!((dead.error.unwrap().code.as_str(), dead.finished_at), ("worker_lost", Some(at(20_000))));
    let counts = store.queue().counts().await.unwrap();
    assert!(counts.len() == 1 && counts[0].dead && counts[0].count == 1, "{counts:?}");

    let again = store.jobs().retry_by_hand(&public(), &job_id(0, 1), at(30_000)).await.unwrap().unwrap();
    assert_eq!((again.state, again.dead, again.attempts), (JobState::Queued, false, 0));
}

pub(crate) async fn retries_wait_then_die(store: Store) {
    enqueue(&store, &NewJob { attempts_max: 2, ..new_job(1) }).await;
    let first = claim_one(&store, "w", at(0)).await;
    let state = store.queue().retry(&first.lease, &error("unavailable"), at(500), at(1)).await.unwrap();
    assert_eq!(state, JobState::Queued);
    let waiting = store.jobs().find(&public(), &job_id(0, 1)).await.unwrap().unwrap();
    assert_eq!((waiting.run_at, waiting.error, waiting.finished_at), (at(500), Some(error("unavailable")), None));
    assert!(claim(&store, "w", 9, at(499)).await.is_empty());
    let second = claim_one(&store, "w", at(500)).await;
    let state = store.queue().retry(&second.lease, &error("unavailable"), at(900), at(501)).await.unwrap();
    assert_eq!(state, JobState::Failed);
    let dead = store.jobs().find(&public(), &job_id(0, 1)).await.unwrap().unwrap();
    assert_eq!((dead.dead, dead.finished_at), (true, Some(at(501))));

    // A retry of a job that somebody cancelled meanwhile is its end.
    enqueue(&store, &new_job(2)).await;
    let third = claim_one(&store, "w", at(600)).await;
    store.jobs().cancel(&public(), &job_id(0, 2), at(601)).await.unwrap();
    let state = store.queue().retry(&third.lease, &error("unavailable"), at(900), at(602)).await.unwrap();
    assert_eq!(state, JobState::Cancelled);
    let cancelled = store.jobs().find(&public(), &job_id(0, 2)).await.unwrap().unwrap();
    assert_eq!((cancelled.dead, cancelled.finished_at), (false, Some(at(602))));
}

pub(crate) async fn oldest_due_job_is_told(store: Store) {
    assert_eq!(store.queue().oldest_due(at(0)).await.unwrap(), None);
    enqueue(&store, &NewJob { run_at: at(50), ..new_job(1) }).await;
    enqueue(&store, &NewJob { run_at: at(70), ..new_job(2) }).await;
    assert_eq!(store.queue().oldest_due(at(49)).await.unwrap(), None, "nothing is due yet");
    assert_eq!(store.queue().oldest_due(at(99)).await.unwrap(), Some(at(50)));
    claim(&store, "w", 1, at(99)).await;
    assert_eq!(store.queue().oldest_due(at(99)).await.unwrap(), Some(at(70)), "one is being worked");
    let pool = store.pool();
    assert!(pool.idle <= pool.open && pool.open <= pool.open_max && pool.open > 0, "{pool:?}");
}

pub(crate) async fn postponed_job_waits_without_losing_an_attempt(store: Store) {
    enqueue(&store, &NewJob { attempts_max: 1, ..new_job(1) }).await;
    for round in 0..3 {
        let claimed = claim_one(&store, "w", at(round * 100)).await;
        let (now, run_at) = (at(round * 100 + 1), at(round * 100 + 100));
        let state = store.queue().postpone(&claimed.lease, &error("unavailable"), run_at, now).await.unwrap();
        assert_eq!(state, JobState::Queued);
        let waiting = store.jobs().find(&public(), &job_id(0, 1)).await.unwrap().unwrap();
        assert_eq!((waiting.attempts, waiting.run_at, waiting.finished_at), (0, run_at, None));
        assert!(claim(&store, "w", 9, at(round * 100 + 99)).await.is_empty());
        let lost = store.queue().postpone(&claimed.lease, &error("unavailable"), run_at, now).await;
        assert!(matches!(lost, Err(Error::LostLease { .. })), "{lost:?}");
    }
    // One that somebody cancelled meanwhile has ended.
    let last = claim_one(&store, "w", at(300)).await;
    store.jobs().cancel(&public(), &job_id(0, 1), at(301)).await.unwrap();
    let state = store.queue().postpone(&last.lease, &error("unavailable"), at(900), at(302)).await.unwrap();
    assert_eq!(state, JobState::Cancelled);
    let cancelled = store.jobs().find(&public(), &job_id(0, 1)).await.unwrap().unwrap();
    assert_eq!((cancelled.dead, cancelled.finished_at), (false, Some(at(302))));
}

pub(crate) async fn restart_takes_over_at_once(store: Store) {
    enqueue(&store, &new_job(1)).await;
    enqueue(&store, &new_job(2)).await;
    let before = claim(&store, "embedded", 1, at(0)).await.remove(0);
    let elsewhere = claim(&store, "elsewhere", 1, at(0)).await.remove(0);
    // The process dies and starts again one second later, long before its lease stood still for its time.
    assert_eq!(store.queue().release_owner("embedded", at(1_000)).await.unwrap(), 1);
    assert_eq!(store.queue().release_owner("embedded", at(1_000)).await.unwrap(), 0);
    let after = claim_one(&store, "embedded", at(1_000)).await;
    assert_eq!(after.job.id, before.job.id);
    store.queue().complete(&after.lease, json!({}), at(1_001)).await.unwrap();
    let lost = store.queue().complete(&before.lease, json!({}), at(1_002)).await;
    assert!(matches!(lost, Err(Error::LostLease { .. })), "{lost:?}");
    store.queue().complete(&elsewhere.lease, json!({}), at(1_003)).await.unwrap();
}

pub(crate) async fn given_back_job_keeps_its_attempts(store: Store) {
    enqueue(&store, &NewJob { attempts_max: 1, ..new_job(1) }).await;
    for round in 0..3 {
        let claimed = claim_one(&store, "w", at(round)).await;
        assert_eq!(claimed.job.attempts, 1);
        store.queue().give_back(&claimed.lease, at(round)).await.unwrap();
    }
    let claimed = claim_one(&store, "w", at(10)).await;
    store.jobs().cancel(&public(), &job_id(0, 1), at(11)).await.unwrap();
    store.queue().give_back(&claimed.lease, at(12)).await.unwrap();
    let job = store.jobs().find(&public(), &job_id(0, 1)).await.unwrap().unwrap();
    assert_eq!((job.state, job.finished_at), (JobState::Cancelled, Some(at(12))));
}

pub(crate) async fn cancelled_worker_that_dies_stays_cancelled(store: Store) {
    enqueue(&store, &new_job(1)).await;
    claim_one(&store, "w", at(0)).await;
    store.jobs().cancel(&public(), &job_id(0, 1), at(1)).await.unwrap();
    assert_eq!(take_back(&store, at(10_000)).await, JobState::Cancelled);
    assert!(claim(&store, "w", 9, at(10_000)).await.is_empty());
    let job = store.jobs().find(&public(), &job_id(0, 1)).await.unwrap().unwrap();
    assert_eq!((job.state, job.dead, job.finished_at), (JobState::Cancelled, false, Some(at(10_000))));
}

pub(crate) async fn wake_is_the_next_thing_to_do(store: Store) {
    let wake = async || store.queue().next_wake(&["audit", "report"]).await.unwrap();
    assert_eq!(wake().await, None);
    enqueue(&store, &NewJob { run_at: at(700), ..new_job(1) }).await;
    enqueue(&store, &NewJob { run_at: at(900), ..new_job(2) }).await;
    assert_eq!(wake().await, Some(at(700)));
    assert_eq!(store.queue().next_wake(&["webhook"]).await.unwrap(), None);
    assert_eq!(store.queue().next_wake(&[]).await.unwrap(), None);
    claim_one(&store, "w", at(700)).await;
    assert_eq!(wake().await, Some(at(900)));
}
