//! Brings the schema forward, and refuses to work on one that is not the program's.
//!
//! Migrations are embedded, forward only and never edited after a release: each applied one is recorded with the digest
//! of its text, and a text that changed since is refused. All pending ones run in one transaction.

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use super::query::sql;
use super::{Db, On, Tx, dialect};
use crate::error::Error;
use crate::ids::OrganizationId;

struct Migration {
    name: &'static str,
    text: &'static str,
}

/// In order; a migration's version is its place, from 1.
const MIGRATIONS: &[Migration] = &[
    Migration { name: "0001_first_line", text: include_str!("../../migrations/0001_first_line.sql") },
    Migration { name: "0002_final_log_size", text: include_str!("../../migrations/0002_final_log_size.sql") },
    Migration { name: "0003_identity", text: include_str!("../../migrations/0003_identity.sql") },
    Migration { name: "0004_limits", text: include_str!("../../migrations/0004_limits.sql") },
    Migration { name: "0005_vault", text: include_str!("../../migrations/0005_vault.sql") },
    Migration { name: "0006_interactions", text: include_str!("../../migrations/0006_interactions.sql") },
    Migration { name: "0007_webhooks", text: include_str!("../../migrations/0007_webhooks.sql") },
];

/// The version this program needs.
pub(crate) fn version_known() -> u64 {
    MIGRATIONS.len() as u64
}

/// The version the database has; 0 when it was never migrated.
pub(crate) async fn version(on: &mut On<'_>) -> Result<u64, Error> {
    let exists = dialect::table_exists(on.is_postgres()).bind("schema_migrations");
    if on.read_one(exists).await?.is_none() {
        return Ok(0);
    }
    let row = on.read_one(sql("SELECT COUNT(*) AS n FROM schema_migrations")).await?;
    row.ok_or_else(|| Error::corrupt("COUNT answered no row"))?.count("n")
}

/// Checks that the database has the version this program needs.
pub(crate) async fn check(db: &Db) -> Result<(), Error> {
    let (found, known) = (version(&mut On::Db(db)).await?, version_known());
    match found.cmp(&known) {
        std::cmp::Ordering::Less => Err(Error::SchemaTooOld { found, known }),
        std::cmp::Ordering::Equal => Ok(()),
        std::cmp::Ordering::Greater => Err(Error::SchemaTooNew { found, known }),
    }
}

/// Applies what is missing and makes sure that the public organization exists.
pub(crate) async fn run(db: &Db, now: Timestamp) -> Result<(), Error> {
    let mut tx = db.begin().await?;
    run_up_to(&mut tx, version_known(), now).await?;
    let public = OrganizationId::public();
    crate::organizations::Organizations::on(On::Tx(&mut tx)).ensure(&public, "Public", now).await?;
    tx.commit(db).await
}

/// Applies what is missing up to a version.
pub(crate) async fn run_up_to(tx: &mut Tx, wanted: u64, now: Timestamp) -> Result<(), Error> {
    if tx.is_postgres() {
        On::Tx(tx).read(dialect::lock_migrations()).await?;
    }
    let known = version_known();
    let found = version(&mut On::Tx(tx)).await?;
    if found.max(wanted) > known {
        return Err(Error::SchemaTooNew { found: found.max(wanted), known });
    }
    if found == 0 {
        tx.script(
            "CREATE TABLE schema_migrations (version BIGINT PRIMARY KEY, name TEXT NOT NULL, sha256 TEXT NOT NULL, \
             applied_at BIGINT NOT NULL)",
        )
        .await?;
    }
    check_applied(&mut On::Tx(tx)).await?;
    let missing = (1_u64..).zip(MIGRATIONS).filter(|(version, _)| *version > found && *version <= wanted);
    for (version, migration) in missing {
        apply(tx, version, migration, now).await?;
    }
    Ok(())
}

async fn check_applied(on: &mut On<'_>) -> Result<(), Error> {
    let rows = on.read(sql("SELECT name, sha256 FROM schema_migrations ORDER BY version")).await?;
    for (row, migration) in rows.iter().zip(MIGRATIONS) {
        let (name, sha256): (String, String) = (row.get("name")?, row.get("sha256")?);
        if name != migration.name || sha256 != digest(migration.text) {
            return Err(Error::corrupt(format!("migration {name} in the database is not this program's")));
        }
    }
    Ok(())
}

async fn apply(tx: &mut Tx, version: u64, migration: &Migration, now: Timestamp) -> Result<(), Error> {
    tx.script(migration.text).await?;
    let record = sql("INSERT INTO schema_migrations (version, name, sha256, applied_at) VALUES ($1, $2, $3, $4)");
    let record = record.bind(version).bind(migration.name).bind(digest(migration.text).as_str()).bind(now);
    On::Tx(tx).write(record).await.map(drop)
}

fn digest(text: &str) -> String {
    hex::encode(Sha256::digest(text))
}
