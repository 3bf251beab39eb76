//! How long things are kept, and what the trails have in the log.

use assize_store::Store;
use assize_store::audit_trail::{AuditEvent, AuditFilter};
use assize_store::trail_checkpoints::TrailCheckpoint;
use serde_json::json;

use crate::harness::{at, claim_one, enqueue, error, new_job, other, public};

pub(crate) async fn organizations_have_their_own_times(store: Store) {
    let other = other(&store).await;
    let mut times = store.retention();
    assert_eq!(times.days(&public(), "uploads").await.unwrap(), None);
    times.set(&public(), "uploads", Some(7)).await.unwrap();
    times.set(&public(), "uploads", Some(0)).await.unwrap();
    times.set(&public(), "jobs", Some(9)).await.unwrap();
    assert_eq!(times.days(&public(), "uploads").await.unwrap(), Some(0));
    assert_eq!(times.days(&other, "uploads").await.unwrap(), None);
    times.set(&public(), "uploads", None).await.unwrap();
    assert_eq!(times.days(&public(), "uploads").await.unwrap(), None);
    assert_eq!(times.days(&public(), "jobs").await.unwrap(), Some(9));
}

pub(crate) async fn only_ended_jobs_are_deleted(store: Store) {
    for n in 1..=4 {
        enqueue(&store, &new_job(n)).await;
    }
    let done = claim_one_at_a_time(&store).await;
    store.queue().complete(&done.lease, json!({}), at(5)).await.unwrap();
    let failed = claim_one_at_a_time(&store).await;
    store.queue().fail(&failed.lease, &error("bad"), at(10)).await.unwrap();
    let running = claim_one_at_a_time(&store).await;
    let other = other(&store).await;
    assert_eq!(store.retention().delete_jobs(&other, at(99)).await.unwrap(), 0);
    assert_eq!(store.retention().delete_jobs(&public(), at(4)).await.unwrap(), 0);
    assert_eq!(store.retention().delete_jobs(&public(), at(9)).await.unwrap(), 1);
    assert_eq!(store.retention().delete_jobs(&public(), at(99)).await.unwrap(), 1);
    let left = store.jobs().list(&public(), &Default::default(), None, 9).await.unwrap();
    assert_eq!(left.len(), 2);
    assert!(left.iter().any(|job| job.id == running.job.id));
}

async fn claim_one_at_a_time(store: &Store) -> assize_store::queue::Claimed {
    crate::harness::claim(store, "w", 1, at(1)).await.remove(0)
}

pub(crate) async fn dead_letters_stay(store: Store) {
    enqueue(&store, &new_job(1)).await;
    for attempt in 0..3 {
        let claimed = claim_one(&store, "w", at(attempt)).await;
        store.queue().retry(&claimed.lease, &error("outage"), at(attempt), at(attempt)).await.unwrap();
    }
    assert_eq!(store.retention().delete_jobs(&public(), at(99)).await.unwrap(), 0);
}

fn event(actor: &str, action: &str, subject: &str, millis: i64) -> AuditEvent {
    AuditEvent {
        at: at(millis),
        actor: actor.to_owned(),
        action: action.to_owned(),
        subject: subject.to_owned(),
        detail: json!({}),
        before_hash: None,
        after_hash: None,
    }
}

pub(crate) async fn rows_are_found_by_what_they_say(store: Store) {
    let mut unit = store.begin().await.unwrap();
    for event in [event("a", "x.do", "s1", 1), event("b", "x.do", "s2", 2), event("a", "y.do", "s1", 3)] {
        unit.audit_writer().append(&public(), &event).await.unwrap();
    }
    unit.commit().await.unwrap();
    let find = async |filter: AuditFilter, before: Option<u64>, limit: u32| -> Vec<u64> {
        let found = store.audit_trail().find(&public(), &filter, before, limit).await.unwrap();
        found.iter().map(|row| row.seq).collect()
    };
    let any = AuditFilter::default;
    assert_eq!(find(any(), None, 9).await, [3, 2, 1]);
    assert_eq!(find(any(), Some(3), 1).await, [2]);
    assert_eq!(find(AuditFilter { actor: Some("a".to_owned()), ..any() }, None, 9).await, [3, 1]);
    assert_eq!(find(AuditFilter { action: Some("x.do".to_owned()), ..any() }, None, 9).await, [2, 1]);
    assert_eq!(find(AuditFilter { subject: Some("s1".to_owned()), ..any() }, Some(3), 9).await, [1]);
    assert_eq!(find(AuditFilter { since: Some(at(2)), until: Some(at(3)), ..any() }, None, 9).await, [2]);
    let other = other(&store).await;
    assert!(store.audit_trail().find(&other, &any(), None, 9).await.unwrap().is_empty());
}

pub(crate) async fn heads_are_logged_once(store: Store) {
    let other = other(&store).await;
    let mut unit = store.begin().await.unwrap();
    for organization in [&public(), &other] {
        unit.audit_writer().append(organization, &event("a", "x.do", "s", 1)).await.unwrap();
    }
    unit.commit().await.unwrap();
    let mut trails = store.trail_checkpoints();
    assert_eq!(trails.pseudonym(&public()).await.unwrap(), None);
    assert_eq!(trails.ensure_pseudonym(&public(), "trail_1").await.unwrap(), "trail_1");
    assert_eq!(trails.ensure_pseudonym(&public(), "trail_2").await.unwrap(), "trail_1");
    assert_eq!(trails.pseudonym(&public()).await.unwrap().as_deref(), Some("trail_1"));
    let heads = trails.heads_to_log(None, 9).await.unwrap();
    assert_eq!(heads.iter().map(|head| head.organization.clone()).collect::<Vec<_>>(), [other.clone(), public()]);
    assert_eq!(trails.heads_to_log(Some(&other), 9).await.unwrap().len(), 1);
    let checkpoint = TrailCheckpoint { head: heads[1].clone(), leaf_index: 7, created_at: at(9) };
    trails.insert(&checkpoint).await.unwrap();
    assert!(trails.insert(&checkpoint).await.is_err());
    assert_eq!(trails.heads_to_log(None, 9).await.unwrap(), heads[..1]);
    assert_eq!(trails.list(&public(), 0, 9).await.unwrap(), [checkpoint]);
    assert!(trails.list(&public(), 1, 9).await.unwrap().is_empty());
    assert!(trails.list(&other, 0, 9).await.unwrap().is_empty());
}
