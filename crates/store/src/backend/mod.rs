//! The two databases behind one face.
//!
//! [`Db`] holds the pools, [`Tx`] one open transaction, [`On`] either of them: every accessor is an `On` and a family of
//! statements. SQLite has one writing connection, so that writers queue in memory instead of failing with "database is
//! locked", and a few reading ones beside it (WAL). PostgreSQL has one pool.
//!
//! What must hold: no statement waits for ever (every one runs under [`STATEMENT_TIME_MAX`], every connection is had
//! within [`ACQUIRE_TIME_MAX`] or not at all), and a transaction that is not committed leaves nothing.

pub(crate) mod dialect;
mod errors;
pub(crate) mod many_rows;
pub(crate) mod migrate;
mod postgres;
pub(crate) mod query;
pub(crate) mod schema;
mod sqlite;

use std::time::Duration;

use sqlx::{PgPool, Postgres, Sqlite, SqlitePool, Transaction};
use tokio::sync::{OnceCell, watch};
use tokio::task::AbortHandle;

use crate::error::Error;
use crate::store::PoolState;
pub(crate) use errors::unavailable;
use query::{Row, Sql};

/// Longest wait for a connection. A database that is down is reported after this time.
pub(crate) const ACQUIRE_TIME_MAX: Duration = Duration::from_secs(5);

/// Longest run of one statement, seen from here; covers a peer that vanished without closing the connection.
const STATEMENT_TIME_MAX: Duration = Duration::from_secs(30);

/// The pools of one database, and its signals.
pub(crate) struct Db {
    pools: Pools,
    signals: Signals,
    /// Carries them from other processes, once somebody has subscribed.
    listener: OnceCell<AbortHandle>,
}

/// Something that was committed and that somebody may be waiting for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signal {
    /// Jobs changed.
    Jobs,
    /// Interactions were submitted.
    Interactions,
}

/// Counts every signal: this process's own, and those that PostgreSQL carries from others.
#[derive(Clone, Default)]
struct Signals {
    jobs: watch::Sender<u64>,
    interactions: watch::Sender<u64>,
}

impl Signal {
    const ALL: [Self; 2] = [Self::Jobs, Self::Interactions];
}

impl Signals {
    fn of(&self, signal: Signal) -> &watch::Sender<u64> {
        match signal {
            Signal::Jobs => &self.jobs,
            Signal::Interactions => &self.interactions,
        }
    }

    fn send(&self, signal: Signal) {
        self.of(signal).send_modify(|n| *n = n.wrapping_add(1));
    }
}

/// The connections.
enum Pools {
    Sqlite { readers: SqlitePool, writer: SqlitePool },
    Postgres(PgPool),
}

/// An open transaction that may write. Dropping it rolls back.
pub(crate) struct Tx {
    inner: Inner,
    /// Sent at commit.
    signals: Vec<Signal>,
}

enum Inner {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

/// Where an accessor's statements run: each by itself, or inside a transaction.
pub(crate) enum On<'a> {
    Db(&'a Db),
    Tx(&'a mut Tx),
}

impl Db {
    /// Connects to `sqlite://path` or `postgres://...`.
    pub(crate) async fn connect(database_url: &str) -> Result<Self, Error> {
        let pools = match database_url.split_once(':') {
            Some(("sqlite", _)) => sqlite::connect(database_url).await?,
            Some(("postgres" | "postgresql", _)) => postgres::connect(database_url).await?,
            _ => return Err(Error::settings("the database URL must start with sqlite:// or postgres://")),
        };
        Ok(Self { pools, signals: Signals::default(), listener: OnceCell::new() })
    }

    pub(crate) async fn subscribe(&self, signal: Signal) -> Result<watch::Receiver<u64>, Error> {
        let subscription = self.signals.of(signal).subscribe();
        if let Pools::Postgres(pool) = &self.pools {
            let listen = || postgres::hear(pool, self.signals.clone());
            self.listener.get_or_try_init(listen).await?;
        }
        Ok(subscription)
    }

    pub(crate) async fn begin(&self) -> Result<Tx, Error> {
        let inner = match &self.pools {
            // IMMEDIATE takes the write lock now: a transaction that read first could not upgrade later.
            Pools::Sqlite { writer, .. } => within(writer.begin_with("BEGIN IMMEDIATE")).await.map(Inner::Sqlite)?,
            Pools::Postgres(pool) => within(pool.begin()).await.map(Inner::Postgres)?,
        };
        Ok(Tx { inner, signals: Vec::new() })
    }

    /// A transaction that only reads, and sees what is committed now however long it lasts.
    pub(crate) async fn begin_snapshot(&self) -> Result<Tx, Error> {
        let inner = match &self.pools {
            // In WAL mode a deferred transaction reads from its first statement on what was committed then.
            Pools::Sqlite { readers, .. } => within(readers.begin()).await.map(Inner::Sqlite)?,
            Pools::Postgres(pool) => within(pool.begin_with(dialect::BEGIN_SNAPSHOT)).await.map(Inner::Postgres)?,
        };
        let mut tx = Tx { inner, signals: Vec::new() };
        if tx.is_postgres() {
            // Between two pages the archive is written, which may take its time.
            tx.script("SET LOCAL idle_in_transaction_session_timeout = 0").await?;
        }
        Ok(tx)
    }

    pub(crate) async fn close(&self) {
        match &self.pools {
            Pools::Sqlite { readers, writer } => {
                readers.close().await;
                writer.close().await;
            }
            Pools::Postgres(pool) => pool.close().await,
        }
    }

    pub(crate) async fn settle(&self) -> Result<(), Error> {
        if let Pools::Sqlite { .. } = &self.pools {
            // Answers a row that says whether readers kept it from emptying the log; the next fold does then.
            self.rows(query::sql("PRAGMA wal_checkpoint(TRUNCATE)"), true).await?;
        }
        Ok(())
    }

    pub(crate) fn pool(&self) -> PoolState {
        fn of<D: sqlx::Database>(pool: &sqlx::Pool<D>) -> PoolState {
            let idle = u32::try_from(pool.num_idle()).unwrap_or(u32::MAX);
            PoolState { open: pool.size(), idle, open_max: pool.options().get_max_connections() }
        }
        match &self.pools {
            Pools::Sqlite { readers, writer } => {
                let (readers, writer) = (of(readers), of(writer));
                PoolState {
                    open: readers.open + writer.open,
                    idle: readers.idle + writer.idle,
                    open_max: readers.open_max + writer.open_max,
                }
            }
            Pools::Postgres(pool) => of(pool),
        }
    }

    pub(crate) fn is_postgres(&self) -> bool {
        matches!(self.pools, Pools::Postgres(_))
    }

    async fn rows(&self, sql: Sql, writes: bool) -> Result<Vec<Row>, Error> {
        match &self.pools {
            Pools::Sqlite { readers, writer } => {
                let pool = if writes { writer } else { readers };
                Ok(within(sql.prepared()?.fetch_all(pool)).await?.into_iter().map(Row::Sqlite).collect())
            }
            Pools::Postgres(pool) => {
                Ok(within(sql.prepared()?.fetch_all(pool)).await?.into_iter().map(Row::Postgres).collect())
            }
        }
    }
}

impl Drop for Db {
    fn drop(&mut self) {
        if let Some(listener) = self.listener.get() {
            listener.abort();
        }
    }
}

impl Tx {
    /// Makes everything written durable, then wakes who waits for it.
    pub(crate) async fn commit(mut self, db: &Db) -> Result<(), Error> {
        let signals = std::mem::take(&mut self.signals);
        if db.is_postgres() {
            for signal in &signals {
                // Delivered by PostgreSQL at commit, and not at all after a rollback.
                self.rows(dialect::notify(*signal)).await?;
            }
        }
        match self.inner {
            Inner::Sqlite(tx) => within(tx.commit()).await?,
            Inner::Postgres(tx) => within(tx.commit()).await?,
        }
        signals.into_iter().for_each(|signal| db.signals.send(signal));
        Ok(())
    }

    pub(crate) async fn rollback(self) -> Result<(), Error> {
        match self.inner {
            Inner::Sqlite(tx) => within(tx.rollback()).await,
            Inner::Postgres(tx) => within(tx.rollback()).await,
        }
    }

    pub(crate) fn is_postgres(&self) -> bool {
        matches!(self.inner, Inner::Postgres(_))
    }

    /// Several statements without values, as a migration has them.
    async fn script(&mut self, text: &'static str) -> Result<(), Error> {
        let script = sqlx::raw_sql(text);
        match &mut self.inner {
            Inner::Sqlite(tx) => within(script.execute(&mut **tx)).await.map(drop),
            Inner::Postgres(tx) => within(script.execute(&mut **tx)).await.map(drop),
        }
    }

    async fn rows(&mut self, sql: Sql) -> Result<Vec<Row>, Error> {
        match &mut self.inner {
            Inner::Sqlite(tx) => {
                Ok(within(sql.prepared()?.fetch_all(&mut **tx)).await?.into_iter().map(Row::Sqlite).collect())
            }
            Inner::Postgres(tx) => {
                Ok(within(sql.prepared()?.fetch_all(&mut **tx)).await?.into_iter().map(Row::Postgres).collect())
            }
        }
    }
}

impl On<'_> {
    /// Runs a statement that only reads.
    pub(crate) async fn read(&mut self, sql: Sql) -> Result<Vec<Row>, Error> {
        match self {
            Self::Db(db) => db.rows(sql, false).await,
            Self::Tx(tx) => tx.rows(sql).await,
        }
    }

    /// Runs a statement that writes; the rows are those of its `RETURNING`.
    pub(crate) async fn write(&mut self, sql: Sql) -> Result<Vec<Row>, Error> {
        match self {
            Self::Db(db) => db.rows(sql, true).await,
            Self::Tx(tx) => tx.rows(sql).await,
        }
    }

    pub(crate) async fn read_one(&mut self, sql: Sql) -> Result<Option<Row>, Error> {
        Ok(self.read(sql).await?.into_iter().next())
    }

    pub(crate) async fn write_one(&mut self, sql: Sql) -> Result<Option<Row>, Error> {
        Ok(self.write(sql).await?.into_iter().next())
    }

    /// Returns once every transaction that was writing blobs has ended. SQLite has one writer, who has ended when
    /// another statement could write.
    pub(crate) async fn wait_for_blob_writers(&mut self) -> Result<(), Error> {
        let Self::Db(db) = self else { return Ok(()) };
        if db.is_postgres() {
            let mut tx = db.begin().await?;
            tx.script(dialect::LOCK_BLOBS).await?;
            tx.commit(db).await?;
        }
        Ok(())
    }

    pub(crate) fn is_postgres(&self) -> bool {
        match self {
            Self::Db(db) => db.is_postgres(),
            Self::Tx(tx) => tx.is_postgres(),
        }
    }

    /// Appended to a `SELECT` of rows that this unit is going to change: see [`dialect::skip_rows_taken_by_others`].
    /// Outside a unit nothing is kept from anybody.
    pub(crate) fn for_this_unit(&self) -> &'static str {
        dialect::skip_rows_taken_by_others(matches!(self, Self::Tx(tx) if tx.is_postgres()))
    }

    /// Lets the rest of the transaction be planned by what tables hold now: see [`dialect::PLAN_AGAIN`].
    pub(crate) async fn plan_again(&mut self) -> Result<(), Error> {
        match self {
            Self::Tx(tx) if tx.is_postgres() => tx.script(dialect::PLAN_AGAIN).await,
            Self::Tx(_) | Self::Db(_) => Ok(()),
        }
    }

    /// Wakes who waits for jobs: at once, or when the transaction commits.
    pub(crate) async fn jobs_changed(&mut self) -> Result<(), Error> {
        self.signal(Signal::Jobs).await
    }

    /// Wakes who waits for something: at once, or when the transaction commits.
    pub(crate) async fn signal(&mut self, signal: Signal) -> Result<(), Error> {
        match self {
            Self::Db(db) => {
                if db.is_postgres() {
                    db.rows(dialect::notify(signal), true).await?;
                }
                db.signals.send(signal);
            }
            Self::Tx(tx) if tx.signals.contains(&signal) => {}
            Self::Tx(tx) => tx.signals.push(signal),
        }
        Ok(())
    }
}

/// Waits for the driver, but not for ever, and translates its errors.
async fn within<T>(work: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, Error> {
    match tokio::time::timeout(STATEMENT_TIME_MAX, work).await {
        Ok(done) => done.map_err(errors::translate),
        Err(elapsed) => Err(unavailable("waiting for the database", elapsed)),
    }
}
