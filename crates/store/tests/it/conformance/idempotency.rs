//! Requests that are worked once.

use std::collections::BTreeMap;

use assize_store::idempotency::{ANSWER_BYTES_MAX, Answer, NewRequest};
use assize_store::{Digest, Error, Store};

use crate::harness::{at, enqueue, job_id, new_job, other, public};

fn request(slot: u8, fingerprint: u8) -> NewRequest {
    NewRequest {
        slot: Digest([slot; 32]),
        fingerprint: Digest([fingerprint; 32]),
        asked_at: at(0),
        expires_at: at(1_000),
    }
}

fn answer(body: Vec<u8>) -> Answer {
    let headers = [("location", "/audit/jobs/job_1"), ("content-type", "application/json")];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
    Answer { status: 202, headers: BTreeMap::from(headers), body }
}

/// Works a request as an operation does: claim, effect, commit. Answers whether it was this one's to work.
async fn work(store: &Store, request: &NewRequest, n: u8) -> bool {
    let mut unit = store.begin().await.unwrap();
    let job = new_job(n);
    if !unit.idempotency_writer().claim(&public(), request, job.id.as_str()).await.unwrap() {
        unit.rollback().await.unwrap();
        return false;
    }
    unit.jobs().enqueue(&public(), &job, at(0)).await.unwrap();
    unit.commit().await.unwrap();
    true
}

pub(crate) async fn request_is_claimed_once(store: Store) {
    let first = request(1, 1);
    assert_eq!(store.idempotency().find(&public(), &first.slot, at(0)).await.unwrap(), None);
    assert!(work(&store, &first, 1).await);
    assert!(!work(&store, &first, 2).await);
    assert!(!work(&store, &request(1, 9), 3).await, "the same key for something else");
    let known = store.idempotency().find(&public(), &first.slot, at(0)).await.unwrap().unwrap();
    assert_eq!((known.fingerprint, known.subject.as_str()), (first.fingerprint, job_id(0, 1).as_str()));
    assert_eq!(known.answer, None);
    assert_eq!(store.queue().unfinished().await.unwrap(), 1);

    // The key is one organization's.
    let other = other(&store).await;
    let mut unit = store.begin().await.unwrap();
    assert_eq!(unit.idempotency().find(&other, &first.slot, at(0)).await.unwrap(), None);
    assert!(unit.idempotency_writer().claim(&other, &first, "job_x").await.unwrap());
    unit.commit().await.unwrap();
}

pub(crate) async fn rolled_back_claim_leaves_nothing(store: Store) {
    let mut unit = store.begin().await.unwrap();
    assert!(unit.idempotency_writer().claim(&public(), &request(1, 1), "job_x").await.unwrap());
    unit.rollback().await.unwrap();
    assert_eq!(store.idempotency().find(&public(), &Digest([1; 32]), at(0)).await.unwrap(), None);
    assert!(work(&store, &request(1, 2), 1).await);
}

pub(crate) async fn concurrent_claims_have_one_winner(store: Store) {
    let workers: Vec<_> = (0..8)
        .map(|n| {
            let store = store.clone();
            tokio::spawn(async move { work(&store, &request(1, 1), n).await })
        })
        .collect();
    let mut won = 0;
    for worker in workers {
        won += u32::from(worker.await.unwrap());
    }
    assert_eq!(won, 1);
    assert_eq!(store.queue().unfinished().await.unwrap(), 1);
}

pub(crate) async fn answers_come_back_byte_for_byte(store: Store) {
    let (slot, kept) = (Digest([1; 32]), answer(b"\0\xff{\"job_id\": 1}\r\n".to_vec()));
    assert!(work(&store, &request(1, 1), 1).await);
    store.idempotency().keep_answer(&public(), &slot, &kept).await.unwrap();
    // A second answer to one request would be another answer to who asks again.
    store.idempotency().keep_answer(&public(), &slot, &answer(b"later".to_vec())).await.unwrap();
    let known = store.idempotency().find(&public(), &slot, at(999)).await.unwrap().unwrap();
    assert_eq!(known.answer, Some(kept.clone()));

    // With the effect, in one unit.
    let mut unit = store.begin().await.unwrap();
    assert!(unit.idempotency_writer().claim(&public(), &request(2, 2), "key_1").await.unwrap());
    unit.idempotency_writer().keep_answer(&public(), &Digest([2; 32]), &kept).await.unwrap();
    unit.commit().await.unwrap();
    let known = store.idempotency().find(&public(), &Digest([2; 32]), at(0)).await.unwrap().unwrap();
    assert_eq!((known.subject.as_str(), known.answer), ("key_1", Some(kept)));

    let largest = answer(vec![b'x'; ANSWER_BYTES_MAX]);
    assert!(work(&store, &request(3, 3), 3).await);
    store.idempotency().keep_answer(&public(), &Digest([3; 32]), &largest).await.unwrap();
    let refused = store.idempotency().keep_answer(&public(), &slot, &answer(vec![b'x'; ANSWER_BYTES_MAX + 1])).await;
    assert!(matches!(refused, Err(Error::NotStorable { .. })), "{refused:?}");
}

pub(crate) async fn expired_requests_are_forgotten(store: Store) {
    assert!(work(&store, &request(1, 1), 1).await);
    assert!(work(&store, &request(2, 2), 2).await);
    store.idempotency().keep_answer(&public(), &Digest([1; 32]), &answer(b"first".to_vec())).await.unwrap();
    assert!(store.idempotency().find(&public(), &Digest([1; 32]), at(999)).await.unwrap().is_some());
    assert_eq!(store.idempotency().find(&public(), &Digest([1; 32]), at(1_000)).await.unwrap(), None);
    // Before it is cleared away, its slot is free already.
    let again =
        NewRequest { fingerprint: Digest([7; 32]), asked_at: at(1_000), expires_at: at(2_000), ..request(1, 1) };
    let mut unit = store.begin().await.unwrap();
    assert!(unit.idempotency_writer().claim(&public(), &again, "job_y").await.unwrap());
    unit.commit().await.unwrap();
    let known = store.idempotency().find(&public(), &Digest([1; 32]), at(1_000)).await.unwrap().unwrap();
    assert_eq!((known.subject.as_str(), known.answer), ("job_y", None));
    assert_eq!(store.idempotency().forget_expired(at(999)).await.unwrap(), 0);
    assert_eq!(store.idempotency().forget_expired(at(1_000)).await.unwrap(), 1);
    assert_eq!(store.idempotency().forget_expired(at(2_000)).await.unwrap(), 1);
    enqueue(&store, &new_job(9)).await;
}
