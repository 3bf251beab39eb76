//! Blobs: bytes and rows that agree.

use assize_store::{Digest, Error, Store};
use futures::StreamExt;
use jiff::SignedDuration;

use crate::harness::{at, other, public};

const HOUR: SignedDuration = SignedDuration::from_hours(1);
const HOUR_MS: i64 = 3_600_000;

async fn put(store: &Store, content: &str, millis: i64) -> Digest {
    store.blobs().put_bytes(&public(), content.into(), "test", at(millis)).await.unwrap().digest
}

pub(crate) async fn content_comes_back(store: Store) {
    let blob = store.blobs().put_bytes(&public(), b"abc".to_vec(), "report", at(1)).await.unwrap();
    // FIPS 180-2, appendix B.1.
    let name = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!((blob.digest.to_string().as_str(), blob.bytes, blob.purpose.as_str()), (name, 3, "report"));
    assert_eq!(store.blobs().find(&public(), &blob.digest).await.unwrap(), Some(blob.clone()));
    assert_eq!(store.blobs().read(&public(), &blob.digest, 3).await.unwrap(), Some(b"abc".to_vec()));
    let refused = store.blobs().read(&public(), &blob.digest, 2).await;
    assert!(matches!(refused, Err(Error::NotStorable { .. })), "{refused:?}");
    let again = store.blobs().put_bytes(&public(), b"abc".to_vec(), "other", at(2)).await.unwrap();
    assert_eq!(again, blob);
    assert_eq!(store.blobs().read(&public(), &Digest([0; 32]), 3).await.unwrap(), None);
}

pub(crate) async fn files_come_back(store: Store) {
    let dir = tempfile::tempdir().unwrap();
    let (from, to) = (dir.path().join("from"), dir.path().join("to"));
    // More than one part of a multi-part upload.
    let content: Vec<u8> = (0..25_000_000_u32).map(|i| (i % 251) as u8).collect();
    std::fs::write(&from, &content).unwrap();
    let blob = store.blobs().put_file(&public(), &from, "dataset", at(1)).await.unwrap();
    assert_eq!(blob.bytes, 25_000_000);
    assert!(store.blobs().copy_to(&public(), &blob.digest, &to).await.unwrap());
    assert!(std::fs::read(&to).unwrap() == content);
    let mut parts = store.blobs().stream(&public(), &blob.digest).await.unwrap().unwrap();
    let mut streamed = 0;
    while let Some(part) = parts.next().await {
        streamed += part.unwrap().len();
    }
    assert_eq!(streamed, content.len());
    let here = store.blobs().local_path(&public(), &blob.digest).await.unwrap().unwrap();
    assert!(std::fs::read(&here).unwrap() == content);
    assert!(!store.blobs().copy_to(&public(), &Digest([0; 32]), &to).await.unwrap());
    assert!(store.blobs().stream(&public(), &Digest([0; 32])).await.unwrap().is_none());
    assert_eq!(store.blobs().local_path(&public(), &Digest([0; 32])).await.unwrap(), None);

    // Bytes that rot are found when they are read.
    std::fs::write(&here, b"rotten").unwrap();
    let rotten = store.blobs().copy_to(&public(), &blob.digest, &to).await;
    assert!(matches!(rotten, Err(Error::Corrupt { .. })), "{rotten:?}");
    std::fs::remove_file(&here).unwrap();
    let missing = store.blobs().read(&public(), &blob.digest, u64::MAX).await;
    assert!(matches!(missing, Err(Error::Corrupt { .. })), "{missing:?}");
    let no_file = store.blobs().put_file(&public(), &dir.path().join("none"), "dataset", at(1)).await;
    assert!(matches!(no_file, Err(Error::Unavailable { .. })), "{no_file:?}");
}

pub(crate) async fn organizations_share_nothing(store: Store) {
    let other = other(&store).await;
    let digest = put(&store, "secret", 1).await;
    assert_eq!(store.blobs().find(&other, &digest).await.unwrap(), None);
    assert_eq!(store.blobs().read(&other, &digest, 99).await.unwrap(), None);
    let mut unit = store.begin().await.unwrap();
    assert!(!unit.blob_holds().hold(&other, &digest, "job_1", at(1)).await.unwrap());
    unit.commit().await.unwrap();

    store.blobs().put_bytes(&other, b"secret".to_vec(), "test", at(2 * HOUR_MS)).await.unwrap();
    assert_eq!(store.blobs().collect_garbage(at(2 * HOUR_MS), HOUR).await.unwrap(), 1);
    assert_eq!(store.blobs().read(&public(), &digest, 99).await.unwrap(), None);
    assert_eq!(store.blobs().read(&other, &digest, 99).await.unwrap(), Some(b"secret".to_vec()));
}

pub(crate) async fn collection_spares_what_is_held(store: Store) {
    let (held, free) = (put(&store, "held", 0).await, put(&store, "free", 0).await);
    let mut unit = store.begin().await.unwrap();
    for holder in ["job_1", "job_1", "job_2"] {
        assert!(unit.blob_holds().hold(&public(), &held, holder, at(1)).await.unwrap());
    }
    unit.commit().await.unwrap();
    let file = store.blobs().local_path(&public(), &free).await.unwrap().unwrap();
    assert_eq!(store.blobs().collect_garbage(at(5 * HOUR_MS), HOUR).await.unwrap(), 1);
    assert!(!file.exists());
    assert_eq!(store.blobs().find(&public(), &free).await.unwrap(), None);

    let release = async |holder: &str, hours: i64| {
        let mut unit = store.begin().await.unwrap();
        let released = unit.blob_holds().release(&public(), holder, at(hours * HOUR_MS)).await.unwrap();
        unit.commit().await.unwrap();
        released
    };
    assert_eq!(release("job_1", 6).await, 1);
    assert_eq!(release("job_1", 6).await, 0);
    assert_eq!(store.blobs().collect_garbage(at(9 * HOUR_MS), HOUR).await.unwrap(), 0);
    assert_eq!(release("job_2", 9).await, 1);
    assert_eq!(store.blobs().collect_garbage(at(9 * HOUR_MS + 1), HOUR).await.unwrap(), 0, "released just now");
    assert_eq!(store.blobs().collect_garbage(at(10 * HOUR_MS), HOUR).await.unwrap(), 1);
    // What was collected can be stored again.
    assert_eq!(put(&store, "held", 11 * HOUR_MS).await, held);
    assert_eq!(store.blobs().read(&public(), &held, 99).await.unwrap(), Some(b"held".to_vec()));
}

pub(crate) async fn collection_spares_what_is_young(store: Store) {
    let digest = put(&store, "again", 0).await;
    put(&store, "again", 2 * HOUR_MS).await;
    assert_eq!(store.blobs().collect_garbage(at(3 * HOUR_MS - 1), HOUR).await.unwrap(), 0);
    assert_eq!(store.blobs().collect_garbage(at(3 * HOUR_MS), HOUR).await.unwrap(), 1);
    assert_eq!(store.blobs().find(&public(), &digest).await.unwrap(), None);
}

pub(crate) async fn discarding_spares_what_is_held(store: Store) {
    let digest = put(&store, "once", 0).await;
    let mut unit = store.begin().await.unwrap();
    assert!(unit.blob_holds().hold(&public(), &digest, "job_1", at(1)).await.unwrap());
    unit.commit().await.unwrap();
    assert!(!store.blobs().discard(&public(), &digest, at(2)).await.unwrap());
    assert_eq!(store.blobs().read(&public(), &digest, 99).await.unwrap(), Some(b"once".to_vec()));
    let mut unit = store.begin().await.unwrap();
    unit.blob_holds().release(&public(), "job_1", at(3)).await.unwrap();
    unit.commit().await.unwrap();
    assert!(store.blobs().discard(&public(), &digest, at(3)).await.unwrap());
    assert!(!store.blobs().discard(&public(), &digest, at(4)).await.unwrap());
    assert_eq!(store.blobs().find(&public(), &digest).await.unwrap(), None);
    let mut unit = store.begin().await.unwrap();
    assert!(!unit.blob_holds().hold(&public(), &digest, "job_2", at(5)).await.unwrap());
    store.blobs().check().await.unwrap();
}

pub(crate) async fn holds_need_a_blob(store: Store) {
    let mut unit = store.begin().await.unwrap();
    assert!(!unit.blob_holds().hold(&public(), &Digest([0; 32]), "job_1", at(0)).await.unwrap());
    assert_eq!(unit.blob_holds().release(&public(), "job_1", at(0)).await.unwrap(), 0);
}

pub(crate) async fn discarding_sees_a_hold_that_was_being_taken(store: Store) {
    let blob = store.blobs().put_bytes(&public(), b"shared".to_vec(), "test", at(0)).await.unwrap();
    let mut unit = store.begin().await.unwrap();
    assert!(unit.blob_holds().hold(&public(), &blob.digest, "job_2", at(1)).await.unwrap());
    // The last job before this one ends now and discards its file: that waits for the unit.
    let (discarding, digest) = (store.clone(), blob.digest);
    let discarded = tokio::spawn(async move { discarding.blobs().discard(&public(), &digest, at(1)).await.unwrap() });
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    unit.commit().await.unwrap();
    assert!(!discarded.await.unwrap());
    assert_eq!(store.blobs().read(&public(), &blob.digest, 100).await.unwrap().unwrap(), b"shared");
}
