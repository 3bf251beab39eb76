//! Jobs as their organization sees them.

use assize_store::jobs::{JobFilter, JobState, NewJob, PAGE_JOBS_MAX};
use assize_store::queue::{Beat, JobCount};
use assize_store::{Error, Store};
use serde_json::json;

use crate::harness::{at, claim, claim_one, enqueue, error, job_id, new_job, other, public};

pub(crate) async fn job_runs_and_succeeds(store: Store) {
    let new = NewJob { priority: -5, run_at: at(3), ..new_job(1) };
    enqueue(&store, &new).await;
    let queued = store.jobs().find(&public(), &new.id).await.unwrap().unwrap();
    assert_eq!((queued.kind.as_str(), &queued.args, queued.priority), ("audit", &new.args, -5));
    assert_eq!((queued.state, queued.attempts, queued.attempts_max), (JobState::Queued, 0, 3));
    assert_eq!((queued.run_at, queued.created_at, queued.started_at), (at(3), at(0), None));

    let claimed = claim_one(&store, "w", at(5)).await;
    assert_eq!((claimed.job.state, claimed.job.attempts), (JobState::Running, 1));
    let beat = store.queue().heartbeat(&claimed.lease, 0.25, "reading").await.unwrap();
    assert_eq!(beat, Beat::Continue);
    let running = store.jobs().find(&public(), &new.id).await.unwrap().unwrap();
    assert_eq!((running.progress, running.step.as_str(), running.started_at), (0.25, "reading", Some(at(5))));

    let result = json!({ "certificate_id": "MP-2026-000001", "parts": [1.5, -0.0, 1e-300, null] });
    let mut unit = store.begin().await.unwrap();
    unit.queue().complete(&claimed.lease, result.clone(), at(7)).await.unwrap();
    unit.commit().await.unwrap();
    let done = store.jobs().find(&public(), &new.id).await.unwrap().unwrap();
    assert_eq!((done.state, done.progress, done.result), (JobState::Succeeded, 1.0, Some(result)));
    assert_eq!((done.finished_at, done.error, done.dead), (Some(at(7)), None, false));
    let again = store.queue().complete(&claimed.lease, json!({}), at(8)).await;
    assert!(matches!(again, Err(Error::LostLease { .. })), "{again:?}");
    assert_eq!(store.queue().unfinished().await.unwrap(), 0);
}

pub(crate) async fn failed_job_is_retried_by_hand(store: Store) {
    enqueue(&store, &new_job(1)).await;
    let id = job_id(0, 1);
    let early = store.jobs().retry_by_hand(&public(), &id, at(1)).await;
    assert!(matches!(early, Err(Error::Conflict { .. })), "{early:?}");
    let claimed = claim_one(&store, "w", at(1)).await;
    store.queue().fail(&claimed.lease, &error("not_binary"), at(2)).await.unwrap();
    let failed = store.jobs().find(&public(), &id).await.unwrap().unwrap();
    assert_eq!((failed.state, failed.dead, failed.error), (JobState::Failed, false, Some(error("not_binary"))));
    assert_eq!(failed.finished_at, Some(at(2)));

    let counts = store.queue().counts().await.unwrap();
    let count = JobCount { kind: "audit".to_owned(), state: JobState::Failed, dead: false, count: 1 };
    assert_eq!(counts, [count]);

    let other = other(&store).await;
    assert_eq!(store.jobs().retry_by_hand(&other, &id, at(3)).await.unwrap(), None);
    let queued = store.jobs().retry_by_hand(&public(), &id, at(3)).await.unwrap().unwrap();
    assert_eq!((queued.state, queued.attempts, queued.error, queued.run_at), (JobState::Queued, 0, None, at(3)));
    assert_eq!(queued.finished_at, None);
    // The holder before the retry is fenced off although no other worker has the job.
    let late = store.queue().complete(&claimed.lease, json!({}), at(4)).await;
    assert!(matches!(late, Err(Error::LostLease { .. })), "{late:?}");
    let second = claim_one(&store, "w", at(5)).await;
    assert!(second.lease.token > claimed.lease.token);
    let late = store.queue().fail(&claimed.lease, &error("late"), at(6)).await;
    assert!(matches!(late, Err(Error::LostLease { .. })), "{late:?}");
}

pub(crate) async fn unique_key_answers_with_the_first_job(store: Store) {
    let keyed = |n: u8| NewJob { unique_key: Some("upload-1".to_owned()), ..new_job(n) };
    enqueue(&store, &keyed(1)).await;
    let second = store.jobs().enqueue(&public(), &keyed(2), at(1)).await.unwrap();
    assert_eq!((second.id, second.created), (job_id(0, 1), false));

    // A key is one organization's and one kind's; jobs without a key are all different.
    let other = other(&store).await;
    assert!(store.jobs().enqueue(&other, &keyed(3), at(1)).await.unwrap().created);
    let report = NewJob { kind: "report".to_owned(), ..keyed(4) };
    enqueue(&store, &report).await;
    enqueue(&store, &new_job(5)).await;
    enqueue(&store, &new_job(6)).await;

    // The key outlives the job's end.
    let claimed = claim(&store, "w", 1, at(2)).await.remove(0);
    store.queue().complete(&claimed.lease, json!({}), at(3)).await.unwrap();
    assert!(!store.jobs().enqueue(&public(), &keyed(7), at(4)).await.unwrap().created);
}

pub(crate) async fn cancelling_depends_on_the_state(store: Store) {
    enqueue(&store, &new_job(1)).await;
    let queued = store.jobs().cancel(&public(), &job_id(0, 1), at(1)).await.unwrap().unwrap();
    assert_eq!((queued.state, queued.finished_at, queued.cancel_requested), (JobState::Cancelled, Some(at(1)), true));
    assert!(claim(&store, "w", 10, at(2)).await.is_empty());

    enqueue(&store, &new_job(2)).await;
    let claimed = claim_one(&store, "w", at(2)).await;
    let running = store.jobs().cancel(&public(), &job_id(0, 2), at(3)).await.unwrap().unwrap();
    assert_eq!((running.state, running.finished_at, running.cancel_requested), (JobState::Running, None, true));
    let beat = store.queue().heartbeat(&claimed.lease, 0.5, "measuring").await.unwrap();
    assert_eq!(beat, Beat::Cancel);
    store.queue().cancelled(&claimed.lease, at(5)).await.unwrap();
    let ended = store.jobs().cancel(&public(), &job_id(0, 2), at(6)).await.unwrap().unwrap();
    assert_eq!((ended.state, ended.finished_at), (JobState::Cancelled, Some(at(5))));

    assert_eq!(store.jobs().cancel(&public(), &job_id(0, 9), at(6)).await.unwrap(), None);
    let again = store.jobs().retry_by_hand(&public(), &job_id(0, 2), at(7)).await.unwrap().unwrap();
    assert_eq!((again.state, again.cancel_requested), (JobState::Queued, false));
}

pub(crate) async fn lists_filter_and_page(store: Store) {
    for n in 1..=5 {
        let kind = if n % 2 == 0 { "report" } else { "audit" };
        let job = NewJob { id: job_id(i64::from(n), n), kind: kind.to_owned(), attempts_max: 1, ..new_job(n) };
        enqueue(&store, &job).await;
    }
    let claimed = claim(&store, "w", 1, at(9)).await.remove(0);
    store.queue().retry(&claimed.lease, &error("broken"), at(9), at(9)).await.unwrap();
    let ids = async |filter: JobFilter, before: Option<u8>, limit: u32| {
        let before = before.map(|n| job_id(n.into(), n));
        let page = store.jobs().list(&public(), &filter, before.as_ref(), limit).await.unwrap();
        page.iter().map(|job| job.args["dataset"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    let any = JobFilter::default();
    assert_eq!(ids(any.clone(), None, PAGE_JOBS_MAX + 1).await, [5, 4, 3, 2, 1]);
    assert_eq!(ids(any.clone(), None, 2).await, [5, 4]);
    assert_eq!(ids(any.clone(), Some(4), 2).await, [3, 2]);
    assert_eq!(ids(JobFilter { kind: Some("report".to_owned()), ..any.clone() }, None, 9).await, [4, 2]);
    assert_eq!(ids(JobFilter { state: Some(JobState::Queued), ..any.clone() }, None, 9).await, [5, 4, 3, 2]);
    assert_eq!(ids(JobFilter { dead_only: true, ..any }, None, 9).await, [1]);
    assert_eq!(store.jobs().unfinished(&public()).await.unwrap(), 4);
}

pub(crate) async fn other_organizations_see_nothing(store: Store) {
    let other = other(&store).await;
    enqueue(&store, &new_job(1)).await;
    let id = job_id(0, 1);
    assert_eq!(store.jobs().find(&other, &id).await.unwrap(), None);
    assert_eq!(store.jobs().cancel(&other, &id, at(1)).await.unwrap(), None);
    assert!(store.jobs().list(&other, &JobFilter::default(), None, 9).await.unwrap().is_empty());
    assert_eq!(store.jobs().unfinished(&other).await.unwrap(), 0);
    assert_eq!(store.jobs().find(&public(), &id).await.unwrap().unwrap().state, JobState::Queued);
}

pub(crate) async fn changes_wake_subscribers_at_commit(store: Store) {
    let mut changes = store.subscribe_jobs().await.unwrap();
    let mut unit = store.begin().await.unwrap();
    unit.jobs().enqueue(&public(), &new_job(1), at(0)).await.unwrap();
    unit.commit().await.unwrap();
    changes.changed().await.unwrap();
    assert_eq!(store.queue().unfinished().await.unwrap(), 1);

    let mut unit = store.begin().await.unwrap();
    unit.jobs().enqueue(&public(), &new_job(2), at(0)).await.unwrap();
    unit.rollback().await.unwrap();
    let mut waiting = Box::pin(changes.changed());
    let woken = tokio::time::timeout(std::time::Duration::from_millis(50), &mut waiting).await;
    // PostgreSQL's channel is shared by everybody on the server, so there only the positive half can be asked.
    assert!(woken.is_err() || crate::databases::postgres_url().is_some(), "a rolled back job woke a subscriber");
    drop(waiting);
    store.jobs().cancel(&public(), &job_id(0, 1), at(1)).await.unwrap();
    changes.changed().await.unwrap();
}

pub(crate) async fn what_one_database_would_refuse_both_refuse(store: Store) {
    for args in [json!({ "name": "a\0b" }), json!({ "a\0b": [] }), json!(5)] {
        let refused = store.jobs().enqueue(&public(), &NewJob { args, ..new_job(1) }, at(0)).await;
        assert!(matches!(refused, Err(Error::NotStorable { .. })), "{refused:?}");
    }
    let args = json!({ "big": 1.797e308, "text": "\u{1F600}\u{7f}\n\"\\", "deep": [[[[{}]]]], "max": u64::MAX });
    enqueue(&store, &NewJob { args: args.clone(), ..new_job(1) }).await;
    assert_eq!(store.jobs().find(&public(), &job_id(0, 1)).await.unwrap().unwrap().args, args);
    let claimed = claim_one(&store, "w", at(1)).await;
    let refused = store.queue().heartbeat(&claimed.lease, f64::NAN, "").await;
    assert!(matches!(refused, Err(Error::NotStorable { .. })), "{refused:?}");
}
