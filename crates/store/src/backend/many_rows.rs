//! Statements over many rows at once.
//!
//! Rows are cut into chunks whose lengths are powers of two, so that there are few texts, each prepared once per
//! connection: a hundred rows are statements of 64, 32 and 4.

use std::sync::{Arc, OnceLock};

use sqlx::AssertSqlSafe;

use super::query::{Sql, placeholders, sql};

/// Most rows of one statement. SQLite takes 32,766 values in one; the widest row has some twenty.
const ROWS_LOG2_MAX: usize = 7;

/// A statement with a list of rows in its middle: `before ($1, $2), ($3, $4) after`.
pub(crate) struct ManyRows {
    before: &'static str,
    /// Values of a row.
    width: usize,
    after: &'static str,
    /// The text for 1, 2, 4, ... rows, once it was asked for.
    texts: [OnceLock<Arc<str>>; ROWS_LOG2_MAX + 1],
}

impl ManyRows {
    pub(crate) const fn new(before: &'static str, width: usize, after: &'static str) -> Self {
        Self { before, width, after, texts: [const { OnceLock::new() }; ROWS_LOG2_MAX + 1] }
    }

    /// The statement for a chunk of that many rows, as [`chunks`] cuts them.
    pub(crate) fn sql(&self, rows: usize) -> Sql {
        let text = self.texts[rows.ilog2() as usize].get_or_init(|| {
            debug_assert!(rows.is_power_of_two(), "{rows} rows");
            let tuples: Vec<String> =
                (0..rows).map(|row| format!("({})", placeholders(row * self.width + 1, self.width))).collect();
            format!("{}{}{}", self.before, tuples.join(", "), self.after).into()
        });
        sql(AssertSqlSafe(text.clone()))
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
        assert_eq!(INSERT.sql(2).text(), "INSERT INTO t VALUES ($1, $2), ($3, $4) RETURNING x");
    }
}
