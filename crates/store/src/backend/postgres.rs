//! PostgreSQL: one pool, bounded waits, and the listener that hears of jobs other processes enqueue.

use std::str::FromStr;
use std::time::Duration;

use sqlx::ConnectOptions;
use sqlx::postgres::{PgConnectOptions, PgListener, PgPool, PgPoolOptions};
use tokio::sync::watch;
use tokio::task::AbortHandle;

use super::dialect::JOBS_CHANGED_CHANNEL;
use super::{ACQUIRE_TIME_MAX, Pools, errors};
use crate::error::Error;

/// Connections of one process. One of them listens, once somebody has subscribed to changes of jobs.
const CONNECTIONS_MAX: u32 = 16;

/// Pause before listening again to a server that is down.
const LISTEN_AGAIN_AFTER: Duration = Duration::from_secs(1);

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

/// Starts to carry other processes' changes of jobs into `changed`. Answers once the server is being listened to.
pub(super) async fn hear_jobs_changed(pool: &PgPool, changed: watch::Sender<u64>) -> Result<AbortHandle, Error> {
    let listener = listen(pool).await.map_err(errors::translate)?;
    Ok(tokio::spawn(forward(listener, pool.clone(), changed)).abort_handle())
}

async fn listen(pool: &PgPool) -> Result<PgListener, sqlx::Error> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen(JOBS_CHANGED_CHANNEL).await?;
    Ok(listener)
}

/// Runs until the pool closes. A lost connection counts as a change, because changes may have been lost with it.
async fn forward(mut listener: PgListener, pool: PgPool, changed: watch::Sender<u64>) {
    loop {
        let heard = listener.try_recv().await;
        changed.send_modify(|n| *n = n.wrapping_add(1));
        let Err(error) = heard else { continue };
        tracing::warn!(%error, "cannot hear of changed jobs, will listen again");
        loop {
            if pool.is_closed() {
                return;
            }
            tokio::time::sleep(LISTEN_AGAIN_AFTER).await;
            if let Ok(again) = listen(&pool).await {
                listener = again;
                break;
            }
        }
    }
}
