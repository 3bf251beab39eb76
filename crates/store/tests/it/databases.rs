//! Fresh databases for one test each.

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

pub(crate) fn sqlite_settings(dir: &TempDir) -> StoreSettings {
    StoreSettings {
        database_url: format!("sqlite://{}", dir.path().join("assize.db").display()),
        objects_url: format!("file://{}", dir.path().join("objects").display()),
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
