//! The whole database as it is at one moment, read out table by table, and read into an empty database of either kind.
//!
//! A [`Snapshot`] is one transaction that sees what was committed when it began, while others go on writing: WAL on
//! SQLite, `REPEATABLE READ` on PostgreSQL. Rows come out as JSON, one array each, with bytes in hexadecimal: the same
//! on both databases, so that what came out of one goes into the other. Which tables there are is asked of the database
//! itself; none can be forgotten.
//!
//! A [`Restore`] takes them in: one transaction, from an empty database through the migrations up to the version the
//! rows are of, then the rows, then the later migrations. Until [`Restore::finish`] nothing is there.

use jiff::Timestamp;
use serde_json::Value as Json;

use crate::backend::query::sql;
use crate::backend::schema::{self, Table};
use crate::backend::{Db, On, Tx, migrate};
use crate::blobs::{Blob, Blobs};
use crate::error::Error;
use crate::ids::{Digest, OrganizationId};
use crate::log::Log;
use crate::objects::Objects;
use crate::store::{Store, StoreSettings};

/// Rows of one page; a certificate has up to a megabyte.
pub const PAGE_SNAPSHOT_ROWS: u32 = 64;
/// Values in one statement; SQLite takes 32,766, PostgreSQL 65,535.
const VALUES_PER_STATEMENT: usize = 8_000;
/// Tables whose rows mean something to the running installation only.
const PASSING_TABLES: [&str; 1] = ["object_freezes"];

/// Everything that was committed at one moment.
pub struct Snapshot {
    store: Store,
    tx: Tx,
    tables: Vec<Table>,
}

impl Store {
    /// Begins a snapshot.
    pub async fn snapshot(&self) -> Result<Snapshot, Error> {
        let mut tx = self.db().begin_snapshot().await?;
        let tables = schema::tables(&mut On::Tx(&mut tx)).await?;
        Ok(Snapshot { store: self.clone(), tx, tables })
    }
}

impl Snapshot {
    /// The version of the schema.
    pub async fn schema_version(&mut self) -> Result<u64, Error> {
        migrate::version(&mut On::Tx(&mut self.tx)).await
    }

    /// The tables with the names of their columns, parents before their children.
    #[must_use]
    pub fn tables(&self) -> Vec<(String, Vec<String>)> {
        let columns = |table: &Table| table.columns.iter().map(|column| column.name.clone()).collect();
        self.tables.iter().map(|table| (table.name.clone(), columns(table))).collect()
    }

    /// Rows of a table in the order of its key, after the given row, at most [`PAGE_SNAPSHOT_ROWS`].
    pub async fn rows(&mut self, table: &str, after: Option<&[Json]>) -> Result<Vec<Vec<Json>>, Error> {
        let unknown = || Error::corrupt(format!("there is no table {table}"));
        let table = self.tables.iter().find(|known| known.name == table).ok_or_else(unknown)?;
        if PASSING_TABLES.contains(&table.name.as_str()) {
            return Ok(Vec::new());
        }
        let after: Option<Vec<Json>> =
            after.map(|row| table.key.iter().filter_map(|&place| row.get(place).cloned()).collect());
        let page = table.page(after.as_deref(), PAGE_SNAPSHOT_ROWS)?;
        let rows = On::Tx(&mut self.tx).read(page).await?;
        rows.iter()
            .map(|row| table.columns.iter().map(|column| column.kind.read(row, &column.name)).collect())
            .collect()
    }

    /// The blobs, as [`Blobs::all`].
    pub async fn blobs(
        &mut self,
        after: Option<(&OrganizationId, &Digest)>,
        limit: u32,
    ) -> Result<Vec<(OrganizationId, Blob)>, Error> {
        Blobs::on(On::Tx(&mut self.tx), self.store.objects()).all(after, limit).await
    }

    /// The transparency log at that moment.
    #[must_use]
    pub fn log(&mut self) -> Log<'_> {
        Log::on(On::Tx(&mut self.tx))
    }

    /// Ends it.
    pub async fn close(self) -> Result<(), Error> {
        self.tx.rollback().await
    }
}

/// A database being filled.
pub struct Restore {
    store: Store,
    tx: Tx,
    tables: Vec<Table>,
}

impl Restore {
    /// Opens an empty database and brings it to a version of the schema.
    ///
    /// # Errors
    /// [`Error::Conflict`] when the database is not empty; [`Error::SchemaTooNew`] when this program does not know the
    /// version.
    pub async fn begin(settings: &StoreSettings, schema_version: u64, now: Timestamp) -> Result<Self, Error> {
        let objects = Objects::open(&settings.objects_url, &settings.object_options)?;
        let db = Db::connect(&settings.database_url).await?;
        let store = Store::from_parts(db, objects);
        let mut tx = store.db().begin().await?;
        let found = schema::tables(&mut On::Tx(&mut tx)).await?;
        if !found.is_empty() || migrate::version(&mut On::Tx(&mut tx)).await? > 0 {
            return Err(Error::conflict("the database is not empty: restore into a new one"));
        }
        migrate::run_up_to(&mut tx, schema_version, now).await?;
        let tables = schema::tables(&mut On::Tx(&mut tx)).await?;
        // What migrations put in themselves is in the rows to come.
        for table in tables.iter().rev() {
            let delete = format!("DELETE FROM \"{}\"", table.name);
            On::Tx(&mut tx).write(sql(sqlx::AssertSqlSafe(delete))).await?;
        }
        Ok(Self { store, tx, tables })
    }

    /// Takes rows in. `columns` are the names that came with them.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when the table or its columns are others; [`Error::Conflict`] when a row's parent is missing.
    pub async fn load(&mut self, table: &str, columns: &[String], rows: &[Vec<Json>]) -> Result<(), Error> {
        let known = self.tables.iter().find(|known| known.name == table);
        let known = known.ok_or_else(|| Error::corrupt(format!("there is no table {table}")))?;
        if !known.columns.iter().map(|column| &column.name).eq(columns) {
            return Err(Error::corrupt(format!("table {table} has other columns than {}", columns.join(", "))));
        }
        for chunk in rows.chunks((VALUES_PER_STATEMENT / columns.len().max(1)).max(1)) {
            On::Tx(&mut self.tx).write(known.insert(chunk)?).await?;
        }
        Ok(())
    }

    /// The names of the tables to be filled.
    #[must_use]
    pub fn tables(&self) -> Vec<String> {
        self.tables.iter().map(|table| table.name.clone()).collect()
    }

    /// Puts an object in place, byte for byte as it was.
    pub async fn put_object(
        &self,
        organization: &OrganizationId,
        digest: &Digest,
        content: impl tokio::io::AsyncRead + Send + Unpin,
    ) -> Result<(), Error> {
        // How long it is only the archive knows; parts of the usual length are enough for 90 GB.
        self.store.objects().put_stream(organization, digest, content, 0).await
    }

    /// The transparency log as it was taken in.
    #[must_use]
    pub fn log(&mut self) -> Log<'_> {
        Log::on(On::Tx(&mut self.tx))
    }

    /// Brings the schema to this program's version and makes all of it durable.
    pub async fn finish(mut self, now: Timestamp) -> Result<Store, Error> {
        // Rows of files that were just coming or going: their objects are not part of a snapshot.
        On::Tx(&mut self.tx).write(sql("DELETE FROM blobs WHERE state <> 'ready'")).await?;
        migrate::run_up_to(&mut self.tx, migrate::version_known(), now).await?;
        self.tx.commit(self.store.db()).await?;
        self.store.settle().await?;
        Ok(self.store)
    }
}
