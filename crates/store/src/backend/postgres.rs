//! PostgreSQL: one pool, bounded waits, and the listener that hears of what other processes commit.

use std::str::FromStr;
use std::time::Duration;

use sqlx::ConnectOptions;
use sqlx::postgres::{PgConnectOptions, PgListener, PgPool, PgPoolOptions};
use tokio::task::AbortHandle;

use super::dialect::channel;
use super::{ACQUIRE_TIME_MAX, Pools, Signal, Signals, errors};
use crate::error::Error;

/// Connections of one process. One of them listens, once somebody has subscribed to a signal.
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

/// Starts to carry other processes' signals into ours. Answers once the server is being listened to.
pub(super) async fn hear(pool: &PgPool, signals: Signals) -> Result<AbortHandle, Error> {
    let listener = listen(pool).await.map_err(errors::translate)?;
    Ok(tokio::spawn(forward(listener, pool.clone(), signals)).abort_handle())
}

async fn listen(pool: &PgPool) -> Result<PgListener, sqlx::Error> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen_all(Signal::ALL.map(channel)).await?;
    Ok(listener)
}

/// Runs until the pool closes. A lost connection counts as every signal, because some may have been lost with it.
async fn forward(mut listener: PgListener, pool: PgPool, signals: Signals) {
    loop {
        let heard = listener.try_recv().await;
        let on = heard.as_ref().ok().and_then(Option::as_ref).map(|notification| notification.channel().to_owned());
        for signal in Signal::ALL {
            if on.as_deref().is_none_or(|on| on == channel(signal)) {
                signals.send(signal);
            }
        }
        let Err(error) = heard else { continue };
        tracing::warn!(%error, "cannot hear of other processes' changes, will listen again");
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
