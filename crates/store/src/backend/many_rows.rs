//! Statements over many rows at once.
//!
//! Rows are cut into chunks whose lengths are powers of two, so that there are few texts, each prepared once per
//! connection: a hundred rows are statements of 64, 32 and 4. Values are `$1`, `$2`, ... for PostgreSQL and `?` for
//! SQLite, which keeps a list of the former's names and searches it from its start for every value that is bound: with a
//! thousand values, that took a third of all time.

use std::sync::{Arc, OnceLock};

use sqlx::AssertSqlSafe;

use super::On;
use super::query::{Sql, placeholders, sql};

/// Most rows of one statement. SQLite takes 32,766 values in one; the widest row has some twenty.
const ROWS_LOG2_MAX: usize = 7;

/// A statement with a list of rows in its middle: `before ($1, $2), ($3, $4) after`. All its values are in the list.
pub(crate) struct ManyRows {
    before: &'static str,
    /// Values of a row.
    width: usize,
    after: &'static str,
    sqlite: Texts,
    postgres: Texts,
}

/// The texts for 1, 2, 4, ... rows, once they were asked for.
type Texts = [OnceLock<Arc<str>>; ROWS_LOG2_MAX + 1];

impl ManyRows {
    pub(crate) const fn new(before: &'static str, width: usize, after: &'static str) -> Self {
        Self { before, width, after, sqlite: [const { OnceLock::new() }; _], postgres: [const { OnceLock::new() }; _] }
    }

    /// The statement for a chunk of that many rows, as [`chunks`] cuts them.
    pub(crate) fn sql(&self, on: &On<'_>, rows: usize) -> Sql {
        let postgres = on.is_postgres();
        let texts = if postgres { &self.postgres } else { &self.sqlite };
        let text = texts[rows.ilog2() as usize].get_or_init(|| self.text(postgres, rows).into());
        sql(AssertSqlSafe(text.clone()))
    }

    fn text(&self, postgres: bool, rows: usize) -> String {
        let tuple = |row: usize| match postgres {
            true => format!("({})", placeholders(row * self.width + 1, self.width)),
            false => format!("({})", vec!["?"; self.width].join(", ")),
        };
        let tuples: Vec<String> = (0..rows).map(tuple).collect();
        format!("{}{}{}", self.before, tuples.join(", "), self.after)
    }
}

/// Cuts rows into chunks of 128, then 64, 32, ... 1.
pub(crate) fn chunks<T>(mut rows: &[T]) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let log2 = rows.len().checked_ilog2()?.min(ROWS_LOG2_MAX as u32);
        let (chunk, rest) = rows.split_at(1 << log2);
        rows = rest;
        Some(chunk)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_powers_of_two_and_lose_nothing() {
        for count in [0, 1, 2, 3, 100, 127, 128, 129, 300] {
            let rows: Vec<usize> = (0..count).collect();
            let cut: Vec<&[usize]> = chunks(&rows).collect();
            assert!(cut.iter().all(|chunk| chunk.len().is_power_of_two() && chunk.len() <= 128));
            assert_eq!(cut.concat(), rows);
        }
    }

    #[test]
    fn values_are_numbered_through() {
        static INSERT: ManyRows = ManyRows::new("INSERT INTO t VALUES ", 2, " RETURNING x");
        assert_eq!(INSERT.text(true, 2), "INSERT INTO t VALUES ($1, $2), ($3, $4) RETURNING x");
        assert_eq!(INSERT.text(false, 2), "INSERT INTO t VALUES (?, ?), (?, ?) RETURNING x");
    }
}
