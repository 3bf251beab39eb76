//! Fresh databases and buckets for one test each.

use std::io::{Read, Write};
use std::net::TcpStream;

use assize_store::{Store, StoreSettings};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor};
use tempfile::TempDir;

use crate::harness::at;

/// The PostgreSQL to test on: `postgres://user@host:port/database`, whose user may create schemas and databases.
/// Without it the suite runs on SQLite alone.
#[expect(clippy::disallowed_methods, reason = "the one place where a test asks which database it may use")]
pub(crate) fn postgres_url() -> Option<String> {
    std::env::var("ASSIZE_TEST_POSTGRES_URL").ok().filter(|url| !url.is_empty())
}

/// The S3 server to test on, without TLS; without it the suite runs on folders alone.
#[expect(clippy::disallowed_methods, reason = "the one place where a test asks which object store it may use")]
pub(crate) fn s3_url() -> Option<String> {
    std::env::var("ASSIZE_TEST_S3_URL").ok().filter(|url| !url.is_empty())
}

pub(crate) fn sqlite_settings(dir: &TempDir) -> StoreSettings {
    StoreSettings {
        database_url: format!("sqlite://{}", dir.path().join("assize.db").display()),
        objects_url: format!("file://{}", dir.path().join("objects").display()),
        object_options: Vec::new(),
        migrate: true,
    }
}

/// Runs a case on SQLite in a folder of its own.
pub(crate) async fn on_sqlite<F: Future<Output = ()>>(case: impl FnOnce(Store) -> F) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&sqlite_settings(&dir), at(0)).await.unwrap();
    case(store.clone()).await;
    store.close().await;
}

/// A bucket of its own on the S3 server, if there is one to test on.
pub(crate) struct S3Settings {
    pub(crate) bucket: String,
}

#[expect(clippy::disallowed_methods, reason = "speaks to the test's own server on the loopback")]
pub(crate) fn s3_settings(name: &str) -> Option<S3Settings> {
    let url = s3_url()?;
    let bucket = format!("assize-{}-{}", name.replace('_', "-"), std::process::id());
    let mut connection = TcpStream::connect(url.trim_start_matches("http://")).unwrap();
    write!(connection, "PUT /{bucket} HTTP/1.1\r\nHost: s3\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    Some(S3Settings { bucket })
}

impl S3Settings {
    /// SQLite in a folder, objects under a prefix of the bucket.
    pub(crate) fn on(&self, dir: &TempDir) -> StoreSettings {
        let objects_url = format!("s3://{}/prefix", self.bucket);
        StoreSettings { objects_url, object_options: s3_options(), ..sqlite_settings(dir) }
    }
}

/// How to reach the S3 server.
pub(crate) fn s3_options() -> Vec<(String, String)> {
    let url = s3_url().unwrap();
    [
        ("aws_endpoint_url_s3", url.as_str()),
        ("aws_region", "us-east-1"),
        ("aws_access_key_id", "test"),
        ("aws_secret_access_key", "test"),
        ("aws_allow_http", "true"),
        ("aws_checksum_algorithm", "sha256"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

/// Runs a case on SQLite and S3, if there is a server to test on, in a bucket of its own.
pub(crate) async fn on_s3<F: Future<Output = ()>>(name: &str, case: impl FnOnce(Store) -> F) {
    let Some(settings) = s3_settings(name) else { return };
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&settings.on(&dir), at(0)).await.unwrap();
    case(store.clone()).await;
    store.close().await;
}

/// Runs a case on PostgreSQL, if there is one to test on, in a schema of its own.
pub(crate) async fn on_postgres<F: Future<Output = ()>>(name: &str, case: impl FnOnce(Store) -> F) {
    let Some(url) = postgres_url() else { return };
    let dir = tempfile::tempdir().unwrap();
    let schema = format!("{name}_{}", std::process::id());
    let mut admin = connect(&url).await;
    admin.execute(AssertSqlSafe(format!("CREATE SCHEMA {schema}"))).await.unwrap();
    let settings = StoreSettings {
        database_url: format!("{url}{}options[search_path]={schema}", if url.contains('?') { '&' } else { '?' }),
        objects_url: format!("file://{}", dir.path().join("objects").display()),
        object_options: Vec::new(),
        migrate: true,
    };
    let store = Store::open(&settings, at(0)).await.unwrap();
    case(store.clone()).await;
    store.close().await;
    admin.execute(AssertSqlSafe(format!("DROP SCHEMA {schema} CASCADE"))).await.unwrap();
    admin.close().await.unwrap();
}

pub(crate) async fn connect(url: &str) -> PgConnection {
    let options: PgConnectOptions = url.parse().unwrap();
    options.disable_statement_logging().connect().await.unwrap()
}
