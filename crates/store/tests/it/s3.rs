//! What only a store over the network shows: outages, wrong keys, bytes that change behind our back. The server is the
//! throwaway one of `cargo xtask test`.

use std::sync::Arc;

use assize_store::{Error, Store};
use bytes::Bytes;
use jiff::SignedDuration;
use object_store::aws::AmazonS3Builder;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};

use crate::databases::{s3_options, s3_settings, sqlite_settings};
use crate::harness::{at, public};

/// The bucket as somebody else sees it.
fn bucket(name: &str) -> Arc<dyn ObjectStore> {
    let mut builder = AmazonS3Builder::new().with_bucket_name(name);
    for (key, value) in s3_options() {
        builder = builder.with_config(key.parse().unwrap(), value);
    }
    Arc::new(builder.build().unwrap())
}

fn location(digest: &assize_store::Digest) -> Path {
    let hex = digest.to_string();
    Path::from(format!("prefix/org_public/sha256/{}/{}/{hex}", &hex[..2], &hex[2..4]))
}

#[tokio::test]
async fn bytes_that_change_or_vanish_are_found() {
    let Some(settings) = s3_settings("rotten") else { return };
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&settings.on(&dir), at(0)).await.unwrap();
    let blob = store.blobs().put_bytes(&public(), b"content".to_vec(), "test", at(1)).await.unwrap();
    assert_eq!(store.blobs().local_path(&public(), &blob.digest).await.unwrap(), None, "there is no file to read");
    let others = bucket(&settings.bucket);
    others.put(&location(&blob.digest), Bytes::from_static(b"rotten!").into()).await.unwrap();
    let rotten = store.blobs().copy_to(&public(), &blob.digest, &dir.path().join("copy")).await;
    assert!(matches!(rotten, Err(Error::Corrupt { .. })), "{rotten:?}");
    others.delete(&location(&blob.digest)).await.unwrap();
    let missing = store.blobs().read(&public(), &blob.digest, u64::MAX).await;
    assert!(matches!(missing, Err(Error::Corrupt { .. })), "{missing:?}");
}

#[tokio::test]
async fn large_files_go_in_parts_and_leave_none_behind() {
    let Some(settings) = s3_settings("parts") else { return };
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&settings.on(&dir), at(0)).await.unwrap();
    let (from, to) = (dir.path().join("from"), dir.path().join("to"));
    let content: Vec<u8> = (0..35_000_000_u32).map(|i| (i % 253) as u8).collect();
    std::fs::write(&from, &content).unwrap();
    let blob = store.blobs().put_file(&public(), &from, "dataset", at(1)).await.unwrap();
    let head = bucket(&settings.bucket).head(&location(&blob.digest)).await.unwrap();
    assert_eq!(head.size, 35_000_000);
    // S3 names an object that came in parts by the digest of its parts' digests and their number.
    assert!(head.e_tag.as_deref().unwrap().trim_matches('"').ends_with("-4"), "{head:?}");
    assert!(store.blobs().copy_to(&public(), &blob.digest, &to).await.unwrap());
    assert!(std::fs::read(&to).unwrap() == content);
    assert!(store.blobs().discard(&public(), &blob.digest, at(2)).await.unwrap());
    assert!(bucket(&settings.bucket).head(&location(&blob.digest)).await.is_err());
}

#[tokio::test]
async fn an_outage_is_told_within_seconds_and_ends_by_itself() {
    let Some(settings) = s3_settings("outage") else { return };
    let dir = tempfile::tempdir().unwrap();
    // A port where nobody listens any more.
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut away = settings.on(&dir);
    away.object_options.push(("aws_endpoint_url_s3".to_owned(), format!("http://{gone}")));
    let store = Store::open(&away, at(0)).await.unwrap();
    let put = store.blobs().put_bytes(&public(), b"content".to_vec(), "test", at(1)).await;
    assert!(put.as_ref().is_err_and(Error::is_transient), "{put:?}");
    let checked = store.blobs().check([1; 16]).await;
    assert!(checked.as_ref().is_err_and(Error::is_transient), "{checked:?}");
    store.close().await;
    // What the outage left pending is completed by the next attempt.
    let store = Store::open(&settings.on(&dir), at(0)).await.unwrap();
    let blob = store.blobs().put_bytes(&public(), b"content".to_vec(), "test", at(2)).await.unwrap();
    assert_eq!(store.blobs().read(&public(), &blob.digest, 99).await.unwrap(), Some(b"content".to_vec()));
}

#[tokio::test]
async fn a_bucket_that_is_not_there_is_an_outage_that_names_it() {
    let Some(settings) = s3_settings("there") else { return };
    let dir = tempfile::tempdir().unwrap();
    let mut elsewhere = settings.on(&dir);
    elsewhere.objects_url = "s3://assize-no-such-bucket".to_owned();
    let store = Store::open(&elsewhere, at(0)).await.unwrap();
    let Err(Error::Unavailable { source, .. }) = store.blobs().check([2; 16]).await else { panic!("it is not there") };
    assert!(source.to_string().contains("NoSuchBucket"), "{source}");
}

#[tokio::test]
async fn processes_check_the_same_bucket_at_once() {
    let Some(settings) = s3_settings("checks") else { return };
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let stores =
        [Store::open(&settings.on(&one), at(0)).await.unwrap(), Store::open(&settings.on(&two), at(0)).await.unwrap()];
    for round in 0..5 {
        let [left, right] = [0_u8, 1].map(|n| {
            let store = stores[usize::from(n)].clone();
            async move { store.blobs().check([2 * round + n; 16]).await }
        });
        let (left, right) = tokio::join!(left, right);
        left.unwrap();
        right.unwrap();
    }
    let left = bucket(&settings.bucket).list_with_delimiter(Some(&Path::from("prefix/checks"))).await.unwrap();
    assert!(left.objects.is_empty(), "{left:?}");
}

#[tokio::test]
async fn a_deletion_that_died_does_not_bar_its_content_for_ever() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&sqlite_settings(&dir), at(0)).await.unwrap();
    let digest = store.blobs().put_bytes(&public(), b"content".to_vec(), "test", at(0)).await.unwrap().digest;
    store.close().await;
    // What a process leaves that is killed between its two effects.
    let settings = sqlite_settings(&dir);
    let path = settings.database_url.trim_start_matches("sqlite://");
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
    let mut connection = sqlx::ConnectOptions::connect(&options).await.unwrap();
    sqlx::query("UPDATE blobs SET state = 'deleting'").execute(&mut connection).await.unwrap();
    sqlx::Connection::close(connection).await.unwrap();

    let store = Store::open(&settings, at(0)).await.unwrap();
    let put = async |minutes: i64| {
        store.blobs().put_bytes(&public(), b"content".to_vec(), "test", at(minutes * 60_000)).await
    };
    let refused = put(4).await;
    assert!(refused.as_ref().is_err_and(Error::is_transient), "{refused:?}");
    assert_eq!(put(5).await.unwrap().digest, digest);
    let hour = SignedDuration::from_hours(1);
    assert_eq!(store.blobs().collect_garbage(at(5 * 60_000), hour).await.unwrap(), 0);
    assert_eq!(store.blobs().read(&public(), &digest, 99).await.unwrap(), Some(b"content".to_vec()));
}
