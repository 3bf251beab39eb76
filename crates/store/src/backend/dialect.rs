//! Where the two databases must be told different things: one function per purpose.

use super::Signal;
use super::query::{Sql, sql};

/// The channel on which PostgreSQL carries a signal between processes.
pub(crate) fn channel(signal: Signal) -> &'static str {
    match signal {
        Signal::Jobs => "assize_jobs_changed",
        Signal::Interactions => "assize_interactions_submitted",
    }
}

/// Appended to a `SELECT` of rows to be changed: rows another worker is changing are passed over instead of waited for.
/// SQLite has one writer, so there is nobody to wait for.
pub(crate) fn skip_rows_taken_by_others(postgres: bool) -> &'static str {
    if postgres { " FOR UPDATE SKIP LOCKED" } else { "" }
}

/// Appended to a `SELECT` of one row: keeps it from other transactions until this one ends, but lets them insert rows that
/// refer to it. On SQLite a transaction that
/// writes has kept out all others from its beginning.
pub(crate) fn keep_row_from_others(postgres: bool) -> &'static str {
    if postgres { " FOR NO KEY UPDATE" } else { "" }
}

/// Lets the server plan the statements of this transaction by the size that tables have now. A plan that was made when
/// the table was new reads all of it, for every statement, until the server happens to look at its size again.
pub(crate) const PLAN_AGAIN: &str = "SET LOCAL plan_cache_mode = force_custom_plan";

/// PostgreSQL's half of a signal; inside a transaction it is sent at commit.
pub(crate) fn notify(signal: Signal) -> Sql {
    sql("SELECT pg_notify($1, '')").bind(channel(signal))
}

/// The present time in microseconds since 1970 as an SQL expression; `given` is the parameter that holds the caller's.
/// PostgreSQL goes by its own clock, because the processes that share it do not share theirs.
pub(crate) fn time_us(postgres: bool, given: &str) -> String {
    if postgres {
        // The cast mentions the parameter, so that both databases are given the same ones.
        format!("COALESCE((EXTRACT(EPOCH FROM statement_timestamp()) * 1000000)::BIGINT, {given}::BIGINT)")
    } else {
        given.to_owned()
    }
}

/// PostgreSQL's own time as `at`, milliseconds since 1970.
pub(crate) fn time_of_the_server() -> Sql {
    sql("SELECT (EXTRACT(EPOCH FROM statement_timestamp()) * 1000)::BIGINT AS at")
}

/// One moment for all statements of a transaction that only reads.
pub(crate) const BEGIN_SNAPSHOT: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// Conflicts with every writer of the table: taken once they have ended, kept until the transaction ends.
pub(crate) const LOCK_BLOBS: &str = "LOCK TABLE blobs IN SHARE MODE";

/// Lets one process migrate at a time. SQLite's `BEGIN IMMEDIATE` has done so already. The number is arbitrary.
pub(crate) fn lock_migrations() -> Sql {
    sql("SELECT pg_advisory_xact_lock($1)").bind(0x000A_5512_E000_0001_i64)
}

/// Names one row if the table exists where unqualified names are looked up. `$1` is the table.
pub(crate) fn table_exists(postgres: bool) -> Sql {
    if postgres {
        sql("SELECT tablename AS name FROM pg_tables WHERE schemaname = current_schema() AND tablename = $1")
    } else {
        sql("SELECT name FROM sqlite_schema WHERE type = 'table' AND name = $1")
    }
}
