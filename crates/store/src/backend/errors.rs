//! From a driver's error to the store's: what may pass by itself, what a rule of the data forbids, what nobody expected.

use sqlx::error::DatabaseError;

use crate::error::{Cause, Error};

/// An [`Error::Unavailable`] with its cause.
pub(crate) fn unavailable(doing: &'static str, source: impl Into<Cause>) -> Error {
    Error::Unavailable { doing, source: source.into() }
}

/// Exhaustive about meaning, not about variants: whatever is about the connection is an outage.
pub(super) fn translate(error: sqlx::Error) -> Error {
    match error {
        sqlx::Error::Configuration(e) => Error::settings(format!("the database URL cannot be used: {e}")),
        sqlx::Error::Database(e) => translate_database(e),
        sqlx::Error::RowNotFound
        | sqlx::Error::TypeNotFound { .. }
        | sqlx::Error::ColumnIndexOutOfBounds { .. }
        | sqlx::Error::ColumnNotFound(_)
        | sqlx::Error::ColumnDecode { .. }
        | sqlx::Error::Encode(_)
        | sqlx::Error::Decode(_) => Error::corrupt(error.to_string()),
        other => unavailable("talking to the database", other),
    }
}

fn translate_database(error: Box<dyn DatabaseError>) -> Error {
    if error.is_unique_violation() || error.is_foreign_key_violation() || error.is_check_violation() {
        return Error::conflict(error.constraint().unwrap_or_else(|| error.message()));
    }
    let code = error.code().unwrap_or_default().into_owned();
    let passing = match error.try_downcast_ref::<sqlx::postgres::PgDatabaseError>() {
        Some(_) => postgres_code_passes(&code),
        None => sqlite_code_passes(&code),
    };
    if passing {
        unavailable("talking to the database", sqlx::Error::Database(error))
    } else {
        Error::corrupt(format!("the database refused a statement: {} ({code})", error.message()))
    }
}

/// SQLSTATE classes: 08 connection, 25 transaction ended, 40 serialisation and deadlock, 53 resources, 55 object in use,
/// 57 operator intervention, 58 system error; 3D and 28 while the server is being set up. 55P03 is a lock time-out.
/// <https://www.postgresql.org/docs/current/errcodes-appendix.html>
fn postgres_code_passes(code: &str) -> bool {
    code.get(..2).is_some_and(|class| matches!(class, "08" | "25" | "28" | "3D" | "40" | "53" | "55" | "57" | "58"))
}

/// Primary result codes (the low byte): 5 busy, 6 locked, 7 no memory, 8 read-only, 9 interrupted, 10 input/output,
/// 13 full, 14 cannot open, 15 locking protocol. <https://www.sqlite.org/rescode.html>
fn sqlite_code_passes(code: &str) -> bool {
    code.parse::<u32>().is_ok_and(|code| matches!(code & 0xff, 5..=10 | 13..=15))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outages_pass_and_mistakes_do_not() {
        for code in ["08006", "40P01", "55P03", "57P01", "53300"] {
            assert!(postgres_code_passes(code), "{code}");
        }
        for code in ["42P01", "22021", "", "2"] {
            assert!(!postgres_code_passes(code), "{code}");
        }
        for code in ["5", "517", "13", "10"] {
            assert!(sqlite_code_passes(code), "{code}");
        }
        for code in ["1", "11", "26", "x", ""] {
            assert!(!sqlite_code_passes(code), "{code}");
        }
    }

    #[test]
    fn a_pool_without_connections_is_an_outage() {
        assert!(translate(sqlx::Error::PoolTimedOut).is_transient());
        assert!(!translate(sqlx::Error::RowNotFound).is_transient());
    }
}
