//! SQLite: a file only its owner can read, write-ahead log, full synchronisation, one writer.

use std::fs::OpenOptions;
use std::future::ready;
use std::io::ErrorKind;
use std::path::Path;

use futures::FutureExt as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection as _};

use super::{ACQUIRE_TIME_MAX, Pools, unavailable};
use crate::error::Error;
use crate::folders::create_private;

/// Reading connections. Each is a thread that mostly waits.
const READERS_MAX: u32 = 4;

/// Opens or creates the database file named by `sqlite://path` (`sqlite:///absolute/path`).
pub(super) async fn connect(database_url: &str) -> Result<Pools, Error> {
    let path = database_url.trim_start_matches("sqlite:").trim_start_matches("//");
    if path.is_empty() || path.starts_with(":memory:") || path.contains('?') {
        return Err(Error::settings("a SQLite database URL is sqlite:// and a file path, without parameters"));
    }
    create(Path::new(path)).map_err(|e| unavailable("creating the database file", e))?;
    let options = SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        // FULL: a commit has reached the disk when it returns. Measured cost against NORMAL with batching: 15 %.
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        // A wrapped key that is destroyed, or a text that is deleted, is overwritten and not merely unlinked.
        .pragma("secure_delete", "ON")
        .busy_timeout(ACQUIRE_TIME_MAX)
        .disable_statement_logging();
    let pool = || {
        let options = SqlitePoolOptions::new().acquire_timeout(ACQUIRE_TIME_MAX).test_before_acquire(false);
        // When the disk is full SQLite rolls a transaction back by itself; the driver's rollback then finds none, and the
        // connection would count as inside one for ever. Such a one is closed.
        let options = options.idle_timeout(None).max_lifetime(None);
        options.before_acquire(|connection, _| ready(Ok(!connection.is_in_transaction())).boxed())
    };
    // The writer first: it sets the journal mode, which the readers then find.
    let writer = pool().max_connections(1).connect_with(options.clone()).await.map_err(super::errors::translate)?;
    let readers = pool().max_connections(READERS_MAX).connect_lazy_with(options.pragma("query_only", "ON"));
    Ok(Pools::Sqlite { readers, writer })
}

/// Creates the file for its owner alone before SQLite would create it for everybody; `-wal` and `-shm` inherit the mode.
fn create(path: &Path) -> Result<(), std::io::Error> {
    if let Some(parent) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
        create_private(parent)?;
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(e) if e.kind() != ErrorKind::AlreadyExists => Err(e),
        _ => Ok(()),
    }
}
