//! PostgreSQL: one pool, bounded waits, and the listener that hears of jobs other processes enqueue.

use std::str::FromStr;

use sqlx::ConnectOptions;
use sqlx::postgres::{PgConnectOptions, PgListener, PgPool, PgPoolOptions};

use super::dialect::JOBS_CHANGED_CHANNEL;
use super::{ACQUIRE_TIME_MAX, Pools, errors};
use crate::error::Error;

/// Connections of one process. One more is held by each subscription to job changes.
const CONNECTIONS_MAX: u32 = 16;

/// Bounds kept by the server, in milliseconds: below the client's own bound, so that the server's clearer error wins.
const SERVER_LIMITS: [(&str, &str); 3] =
    [("statement_timeout", "25000"), ("lock_timeout", "5000"), ("idle_in_transaction_session_timeout", "60000")];

pub(super) async fn connect(database_url: &str) -> Result<Pools, Error> {
    let options = PgConnectOptions::from_str(database_url)
        .map_err(|e| Error::settings(format!("the database URL cannot be used: {e}")))?
        .application_name("assize")
        .options(SERVER_LIMITS)
        .disable_statement_logging();
    let pool = PgPoolOptions::new().max_connections(CONNECTIONS_MAX).acquire_timeout(ACQUIRE_TIME_MAX);
    Ok(Pools::Postgres(pool.connect_with(options).await.map_err(errors::translate)?))
}

/// A connection that hears [`JOBS_CHANGED_CHANNEL`].
pub(crate) async fn listen(pool: &PgPool) -> Result<PgListener, Error> {
    let mut listener = PgListener::connect_with(pool).await.map_err(errors::translate)?;
    listener.listen(JOBS_CHANGED_CHANNEL).await.map_err(errors::translate)?;
    Ok(listener)
}

/// Waits for a notification. A lost connection counts as one, because notifications may have been lost with it; the
/// next call connects again.
pub(crate) async fn heard(listener: &mut PgListener) -> Result<(), Error> {
    listener.try_recv().await.map(drop).map_err(errors::translate)
}
