//! Recurring work.

use assize_store::Store;
use assize_store::jobs::NewJob;
use assize_store::schedules::{NewSchedule, Recurrence, Turn};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::harness::{at, job_id, new_job, other, public};

const MINUTE: SignedDuration = SignedDuration::from_mins(1);

fn every_minute(name: &str) -> NewSchedule {
    NewSchedule {
        name: name.to_owned(),
        kind: "audit".to_owned(),
        args: json!({ "why": name }),
        recurrence: Recurrence::every(MINUTE).unwrap(),
    }
}

/// The first whole minute after the start of all cases.
fn minute(n: i64) -> Timestamp {
    let first = Recurrence::every(MINUTE).unwrap().next_after(at(0)).unwrap();
    first + MINUTE * i32::try_from(n).unwrap()
}

/// Takes what is due and enqueues it, as one of several workers does. Answers how many it enqueued.
async fn enqueue_due(store: &Store, worker: u8, now: Timestamp) -> u32 {
    let mut enqueued = 0;
    for due in store.schedules().due(now).await.unwrap() {
        let mut unit = store.begin().await.unwrap();
        if unit.schedules().take(&due, now).await.unwrap() == Turn::Ours {
            let id = job_id(now.as_millisecond() - at(0).as_millisecond(), worker);
            let job = NewJob { id, kind: due.kind, args: due.args, run_at: now, ..new_job(worker) };
            unit.jobs().enqueue(&due.organization, &job, now).await.unwrap();
            unit.commit().await.unwrap();
            enqueued += 1;
        } else {
            unit.commit().await.unwrap();
        }
    }
    enqueued
}

pub(crate) async fn due_time_is_enqueued_once(store: Store) {
    store.schedules().put(&public(), &every_minute("tidy"), at(0)).await.unwrap();
    assert_eq!(enqueue_due(&store, 0, at(1)).await, 0);
    for n in 0..3 {
        let workers: Vec<_> = (0..6)
            .map(|worker| {
                let store = store.clone();
                tokio::spawn(async move { enqueue_due(&store, worker, minute(n)).await })
            })
            .collect();
        let mut enqueued = 0;
        for worker in workers {
            enqueued += worker.await.unwrap();
        }
        assert_eq!(enqueued, 1, "minute {n}");
    }
    assert_eq!(store.queue().unfinished().await.unwrap(), 3);
    let kept = store.schedules().list(&public(), "").await.unwrap().remove(0);
    assert_eq!((kept.last_at, kept.next_at), (Some(minute(2)), minute(3)));
    assert_eq!((kept.kind.as_str(), kept.args), ("audit", json!({ "why": "tidy" })));
}

pub(crate) async fn missed_times_run_once(store: Store) {
    store.schedules().put(&public(), &every_minute("tidy"), at(0)).await.unwrap();
    // Nobody worked for an hour and a half.
    let late = minute(90) + SignedDuration::from_secs(7);
    assert_eq!(enqueue_due(&store, 0, late).await, 1);
    assert_eq!(enqueue_due(&store, 1, late).await, 0);
    assert_eq!(store.schedules().list(&public(), "").await.unwrap()[0].next_at, minute(91));
}

pub(crate) async fn definition_changes_keep_the_time(store: Store) {
    store.schedules().put(&public(), &every_minute("tidy"), at(0)).await.unwrap();
    let changed = NewSchedule { args: json!({ "more": true }), ..every_minute("tidy") };
    store.schedules().put(&public(), &changed, minute(5)).await.unwrap();
    let kept = store.schedules().list(&public(), "").await.unwrap().remove(0);
    assert_eq!((kept.next_at, kept.args), (minute(0), json!({ "more": true })));

    let seen = store.schedules().due(minute(5)).await.unwrap().remove(0);
    let hourly = Recurrence::every(SignedDuration::from_hours(1)).unwrap();
    store.schedules().put(&public(), &NewSchedule { recurrence: hourly, ..changed }, minute(5)).await.unwrap();
    let kept = store.schedules().list(&public(), "").await.unwrap().remove(0);
    assert_eq!((kept.next_at, kept.recurrence), (hourly.next_after(minute(5)).unwrap(), hourly));
    assert_eq!(store.schedules().take(&seen, minute(5)).await.unwrap(), Turn::Others, "seen before the change");

    assert!(store.schedules().remove(&public(), "tidy").await.unwrap());
    assert!(!store.schedules().remove(&public(), "tidy").await.unwrap());
    assert!(store.schedules().list(&public(), "").await.unwrap().is_empty());
}

pub(crate) async fn clock_set_back_holds_nothing_up(store: Store) {
    // Made while the clock was a day ahead.
    let ahead = at(86_400_000);
    store.schedules().put(&public(), &every_minute("tidy"), ahead).await.unwrap();
    let seen = store.schedules().due(at(0)).await.unwrap().remove(0);
    assert_eq!(store.schedules().take(&seen, at(0)).await.unwrap(), Turn::Realigned);
    assert_eq!(store.schedules().take(&seen, at(0)).await.unwrap(), Turn::Others);
    assert_eq!(enqueue_due(&store, 0, at(1)).await, 0, "nothing is due before its time");
    assert_eq!(enqueue_due(&store, 0, minute(0)).await, 1);
}

pub(crate) async fn other_organizations_schedules_are_theirs(store: Store) {
    let other = other(&store).await;
    for name in ["a", "b", "c"] {
        store.schedules().put(&public(), &every_minute(name), at(0)).await.unwrap();
    }
    assert!(store.schedules().list(&other, "").await.unwrap().is_empty());
    assert!(!store.schedules().remove(&other, "a").await.unwrap());
    store.schedules().put(&other, &every_minute("a"), at(0)).await.unwrap();
    let page = store.schedules().list(&public(), "a").await.unwrap();
    assert_eq!(page.iter().map(|s| s.name.as_str()).collect::<Vec<_>>(), ["b", "c"]);
    // Workers serve all organizations.
    assert_eq!(store.schedules().due(minute(0)).await.unwrap().len(), 4);
}

pub(crate) async fn time_is_shared(store: Store) {
    // A caller whose clock is far off is told the database's time where there are several callers.
    let far_off = at(0) + SignedDuration::from_hours(24 * 365 * 100);
    let told = store.shared_time(far_off).await.unwrap();
    assert_eq!(told == far_off, !store.is_shared());
}
