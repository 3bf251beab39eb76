//! Blobs: bytes and rows that agree.

use assize_store::blobs::Content;
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
    assert!(!store.blobs().copy_to(&public(), &Digest([0; 32]), &to).await.unwrap());
    assert!(store.blobs().stream(&public(), &Digest([0; 32])).await.unwrap().is_none());
    assert_eq!(store.blobs().local_path(&public(), &Digest([0; 32])).await.unwrap(), None);
    let no_file = store.blobs().put_file(&public(), &dir.path().join("none"), "dataset", at(1)).await;
    assert!(matches!(no_file, Err(Error::Unavailable { .. })), "{no_file:?}");

    // Bytes that rot are found when they are read. In a bucket nobody rots them from here: `it/s3.rs` does.
    let Some(here) = store.blobs().local_path(&public(), &blob.digest).await.unwrap() else { return };
    assert!(std::fs::read(&here).unwrap() == content);
    std::fs::write(&here, b"rotten").unwrap();
    let rotten = store.blobs().copy_to(&public(), &blob.digest, &to).await;
    assert!(matches!(rotten, Err(Error::Corrupt { .. })), "{rotten:?}");
    std::fs::remove_file(&here).unwrap();
    let missing = store.blobs().read(&public(), &blob.digest, u64::MAX).await;
    assert!(matches!(missing, Err(Error::Corrupt { .. })), "{missing:?}");
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
    let file = store.blobs().local_path(&public(), &free).await.unwrap();
    assert_eq!(store.blobs().collect_garbage(at(5 * HOUR_MS), HOUR).await.unwrap(), 1);
    assert!(file.is_none_or(|file| !file.exists()));
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
    store.blobs().check([7; 16]).await.unwrap();
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

pub(crate) async fn sealed_content_keeps_its_name(store: Store) {
    let digest = Digest([1; 32]);
    let content = Content { digest, bytes: 3, purpose: "dataset".to_owned() };
    let blob = store.blobs().put_sealed(&public(), &content, &b"sealed bytes"[..], at(1)).await.unwrap();
    assert_eq!((blob.digest, blob.bytes, blob.sealed), (digest, 3, true));
    // Content that is there already is not written again.
    store.blobs().put_sealed(&public(), &content, &b"other"[..], at(2)).await.unwrap();
    let mut parts = store.blobs().stream(&public(), &digest).await.unwrap().unwrap();
    assert_eq!(parts.next().await.unwrap().unwrap(), "sealed bytes");
    // Nobody takes the sealed bytes for the content.
    let dir = tempfile::tempdir().unwrap();
    for refused in [
        store.blobs().read(&public(), &digest, 99).await.map(drop),
        store.blobs().copy_to(&public(), &digest, &dir.path().join("copy")).await.map(drop),
    ] {
        assert!(matches!(refused, Err(Error::NotStorable { .. })), "{refused:?}");
    }
    let broken = source_that_breaks();
    let other = Content { digest: Digest([2; 32]), ..content };
    let failed = store.blobs().put_sealed(&public(), &other, broken, at(3)).await;
    assert!(matches!(failed, Err(Error::Unavailable { .. })), "{failed:?}");
    assert_eq!(store.blobs().find(&public(), &other.digest).await.unwrap(), None);
    assert!(!store.blobs().put_bytes(&public(), b"plain".to_vec(), "test", at(4)).await.unwrap().sealed);
}

/// A source that breaks off after a few bytes.
fn source_that_breaks() -> impl tokio::io::AsyncRead + Send + Unpin {
    let broken = futures::stream::iter([Ok(bytes::Bytes::from_static(b"half")), Err(std::io::Error::other("broken"))]);
    tokio_util::io::StreamReader::new(broken)
}

pub(crate) async fn frozen_objects_stay_until_the_thaw(store: Store) {
    let (kept, again) = (put(&store, "kept", 0).await, put(&store, "again", 0).await);
    store.blobs().freeze("backup_1", at(HOUR_MS)).await.unwrap();
    store.blobs().freeze("backup_2", at(HOUR_MS)).await.unwrap();
    for digest in [&kept, &again] {
        assert!(!store.blobs().discard(&public(), digest, at(1)).await.unwrap());
    }
    assert_eq!(store.blobs().collect_garbage(at(2), jiff::SignedDuration::ZERO).await.unwrap(), 0);
    assert_eq!(store.blobs().read(&public(), &kept, 99).await.unwrap(), Some(b"kept".to_vec()));
    store.blobs().thaw("backup_1").await.unwrap();
    assert_eq!(store.blobs().discard_asked(at(3)).await.unwrap(), 0, "another freeze holds on");
    // What is put again meanwhile is wanted again.
    put(&store, "again", 4).await;
    store.blobs().thaw("backup_2").await.unwrap();
    assert_eq!(store.blobs().discard_asked(at(5)).await.unwrap(), 1);
    assert_eq!(store.blobs().find(&public(), &kept).await.unwrap(), None);
    assert!(store.blobs().find(&public(), &again).await.unwrap().is_some());

    // A freeze whose owner died ends by its time.
    store.blobs().freeze("backup_3", at(10)).await.unwrap();
    assert!(!store.blobs().discard(&public(), &again, at(9)).await.unwrap());
    assert_eq!(store.blobs().discard_asked(at(10)).await.unwrap(), 1);
    // What was asked to go and then needed again stays.
    let needed = put(&store, "needed", 20).await;
    store.blobs().freeze("backup_4", at(30)).await.unwrap();
    assert!(!store.blobs().discard(&public(), &needed, at(21)).await.unwrap());
    let mut unit = store.begin().await.unwrap();
    assert!(unit.blob_holds().hold(&public(), &needed, "job_1", at(22)).await.unwrap());
    unit.commit().await.unwrap();
    assert_eq!(store.blobs().discard_asked(at(40)).await.unwrap(), 0);
    assert!(store.blobs().find(&public(), &needed).await.unwrap().is_some());
}

pub(crate) async fn holds_end_by_their_time(store: Store) {
    let digest = put(&store, "kept for a while", 0).await;
    let mut unit = store.begin().await.unwrap();
    assert!(unit.blob_holds().hold(&public(), &digest, "job_1", at(1)).await.unwrap());
    assert!(unit.blob_holds().hold(&public(), &digest, "job_2", at(1)).await.unwrap());
    assert_eq!(unit.blob_holds().release_at(&public(), "job_1", at(100)).await.unwrap(), 1);
    assert_eq!(unit.blob_holds().release_at(&public(), "job_3", at(100)).await.unwrap(), 0);
    assert!(unit.blob_holds().release_ended(&public(), at(99)).await.unwrap().is_empty());
    assert_eq!(unit.blob_holds().release_ended(&public(), at(100)).await.unwrap(), [digest]);
    unit.commit().await.unwrap();
    assert!(!store.blobs().discard(&public(), &digest, at(101)).await.unwrap(), "job_2 holds it without an end");
}

pub(crate) async fn all_blobs_come_in_order(store: Store) {
    let other = other(&store).await;
    for (organization, content) in [(&public(), "b"), (&public(), "a"), (&other, "a")] {
        store.blobs().put_bytes(organization, content.into(), "test", at(1)).await.unwrap();
    }
    let all = store.blobs().all(None, 9).await.unwrap();
    let names: Vec<_> = all.iter().map(|(of, blob)| (of.clone(), blob.digest)).collect();
    assert!(names.is_sorted() && names.len() == 3, "{names:?}");
    let (of, digest) = &names[0];
    assert_eq!(store.blobs().all(Some((of, digest)), 1).await.unwrap(), all[1..2]);
    assert!(store.blobs().all(Some((&names[2].0, &names[2].1)), 9).await.unwrap().is_empty());
}
