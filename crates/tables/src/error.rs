//! What can be wrong with a data file, said so that its owner can mend it.
//!
//! The text of an [`Error`] is shown to users as it is. It names the line (CSV) or the row (Parquet), the column and
//! the remedy. Which error is reported never depends on threads: of several faults the first in the file wins.

use std::fmt;

use crate::Cancelled;

/// Where in the file: physical line of a CSV, row of a Parquet file; both start at 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Line of the file on which the record starts; the header is line 1.
    Line(u64),
    /// Data row.
    Row(u64),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(line) => write!(f, "line {line}"),
            Self::Row(row) => write!(f, "row {row}"),
        }
    }
}

/// Why a data file cannot be read, or cannot be used as asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused.
    #[error("reading the data file failed: {0}")]
    Io(#[from] std::io::Error),
    /// The work was asked to stop.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    /// No bytes, or only blanks.
    #[error("the file is empty")]
    Empty,
    /// A header without data.
    #[error("the file has a header line but no data rows")]
    NoRows,
    /// Recognised as something else than a table.
    #[error("the file is {found}, not a CSV or Parquet file: {remedy}")]
    WrongFormat {
        /// What it is.
        found: &'static str,
        /// What to do.
        remedy: &'static str,
    },
    /// UTF-16 or UTF-32.
    #[error("the file is encoded in {encoding}: save it again as UTF-8 (in a spreadsheet: \"CSV UTF-8\")")]
    WideEncoding {
        /// Name of the encoding.
        encoding: &'static str,
    },
    /// Zero bytes inside text.
    #[error("{place} holds a NUL byte: the file is damaged or not text; save it again as UTF-8 CSV")]
    NulByte {
        /// First line with one.
        place: Place,
    },
    /// A record longer than the limit.
    #[error(
        "{place} starts a record longer than {limit} bytes: check for a quotation mark that is never closed, or missing line ends"
    )]
    LineTooLong {
        /// Where it starts.
        place: Place,
        /// The limit, in bytes.
        limit: usize,
    },
    /// A quoted field that runs into the end of the file.
    #[error("{place} opens a quotation mark that is never closed")]
    UnclosedQuote {
        /// Where its record starts.
        place: Place,
    },
    /// More columns than allowed.
    #[error("the file has {found} columns; at most {limit} are accepted")]
    TooManyColumns {
        /// Columns found.
        found: usize,
        /// Columns allowed.
        limit: usize,
    },
    /// More rows than allowed.
    #[error("the file has more than {limit} rows, the most accepted")]
    TooManyRows {
        /// Rows allowed.
        limit: u64,
    },
    /// A column without a name.
    #[error("column {position} has no name in the header; give every column a name")]
    UnnamedColumn {
        /// Position, from 1.
        position: usize,
    },
    /// Two columns of one name.
    #[error("column name '{name}' occurs twice, at positions {first} and {second}; rename one of them")]
    DuplicateColumn {
        /// The name.
        name: String,
        /// Position of the first, from 1.
        first: usize,
        /// Position of the second, from 1.
        second: usize,
    },
    /// The first line cannot be a header.
    #[error("the first line looks like data, not like column names ({example}); add a header line")]
    NoHeader {
        /// What gave it away.
        example: String,
    },
    /// A record with another number of fields than the header.
    #[error("{place} has {found} field{} where the header has {expected}", if *.found == 1 { "" } else { "s" })]
    Ragged {
        /// Where the record starts.
        place: Place,
        /// Fields in the header.
        expected: usize,
        /// Fields found.
        found: usize,
    },
    /// An asked column is not there.
    #[error("there is no column '{name}'; the file has {}", list(.columns, 40))]
    NoColumn {
        /// The column asked for.
        name: String,
        /// Those there.
        columns: Vec<String>,
    },
    /// A cell that should be a number.
    #[error("{place}, column '{column}': '{value}' is not a number")]
    NotNumeric {
        /// Where.
        place: Place,
        /// Which column.
        column: String,
        /// The cell, shortened.
        value: String,
    },
    /// A numeric column with an infinite cell.
    #[error("{place}, column '{column}': '{value}' is infinite; leave the cell empty or give a finite number")]
    Infinite {
        /// Where.
        place: Place,
        /// Which column.
        column: String,
        /// The cell, shortened.
        value: String,
    },
    /// Scores outside [0, 1].
    #[error(
        "column '{column}' holds scores from {min} to {max}; scores must lie between 0 and 1 (probability of the favourable outcome)"
    )]
    ScoreRange {
        /// The score column.
        column: String,
        /// Smallest value.
        min: f64,
        /// Largest value.
        max: f64,
    },
    /// A weight that cannot be one.
    #[error("{place}, column '{column}': '{value}' is not a weight; weights are numbers from 0 to 1e9")]
    BadWeight {
        /// Where.
        place: Place,
        /// The weight column.
        column: String,
        /// The cell, shortened.
        value: String,
    },
    /// A column that should have two values has more.
    #[error("column '{column}' must have two values; it has {}{}", list(.values, 12), if *.more { " and more" } else { "" })]
    NotBinary {
        /// The column.
        column: String,
        /// The first values, in file order.
        values: Vec<String>,
        /// Whether there are others.
        more: bool,
    },
    /// A positive value that does not occur.
    #[error("column '{column}' never has the positive value '{positive}'; it has {}", list(.values, 12))]
    NoPositive {
        /// The column.
        column: String,
        /// The value asked for.
        positive: String,
        /// Those found.
        values: Vec<String>,
    },
    /// A grouping column with too many values.
    #[error(
        "column '{column}' has more than {limit} different values, too many for groups; use bands, or a coarser column"
    )]
    TooManyLevels {
        /// The column.
        column: String,
        /// The limit.
        limit: usize,
    },
    /// Too many combinations of protected values.
    #[error("the combinations of {} make more than {limit} groups; ask for fewer columns or coarser ones", list(.columns, 12))]
    TooManyGroups {
        /// The columns combined.
        columns: Vec<String>,
        /// The limit.
        limit: usize,
    },
    /// More grouping columns than a cell holds.
    #[error("{found} protected columns were asked for; at most {limit} can be combined")]
    TooManyKeys {
        /// Columns asked for.
        found: usize,
        /// The limit.
        limit: usize,
    },
    /// Bands that are not bands.
    #[error("the bands of column '{column}' are not usable: {reason}")]
    BadBands {
        /// The column.
        column: String,
        /// What is wrong.
        reason: &'static str,
    },
    /// A table too large to hold.
    #[error(
        "the columns asked for take about {needed} bytes in memory, more than the {limit} allowed; sample the rows or ask for fewer columns"
    )]
    TableTooLarge {
        /// Bytes needed, estimated.
        needed: u64,
        /// Bytes allowed.
        limit: u64,
    },
    /// The file is another one than was profiled.
    #[error("the file changed while it was being read")]
    Changed,
    /// A Parquet file that does not decode.
    #[error("the Parquet file cannot be read: {0}")]
    Parquet(String),
    /// A Parquet column of a kind that is no plain value.
    #[error(
        "Parquet column '{column}' is of type {kind}; only plain numbers, texts, booleans, dates and times can be audited"
    )]
    NestedColumn {
        /// The column.
        column: String,
        /// Its type.
        kind: String,
    },
    /// A source address that cannot be used.
    #[error("'{url}' cannot be read: {reason}")]
    Source {
        /// The address, without credentials.
        url: String,
        /// What is wrong.
        reason: String,
    },
    /// A file larger than allowed.
    #[error("the file is larger than {limit} bytes, the most accepted")]
    TooLarge {
        /// The limit.
        limit: u64,
    },
}

/// `'a', 'b' and 3 more`.
fn list(values: &[String], most: usize) -> String {
    let mut text = String::new();
    for (index, value) in values.iter().take(most).enumerate() {
        if index > 0 {
            text.push_str(", ");
        }
        text.push('\'');
        text.push_str(&shorten(value));
        text.push('\'');
    }
    if values.len() > most {
        text.push_str(&format!(" and {} more", values.len() - most));
    }
    text
}

/// At most 60 characters of a cell, without control characters: errors must not carry a whole file, nor terminal codes.
pub(crate) fn shorten(value: &str) -> String {
    const CHARS_MAX: usize = 60;
    let mut text: String = value.chars().take(CHARS_MAX).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if value.chars().nth(CHARS_MAX).is_some() {
        text.push_str("...");
    }
    text
}

/// An error found at a byte (CSV) or row (Parquet), before its line number is known.
pub(crate) struct Fault {
    /// Byte offset of the record, or zero-based row; orders faults.
    pub(crate) at: u64,
    /// Makes the error once the place is known.
    pub(crate) make: Box<dyn FnOnce(Place) -> Error + Send>,
}

impl Fault {
    /// A fault at `at`.
    pub(crate) fn new(at: u64, make: impl FnOnce(Place) -> Error + Send + 'static) -> Self {
        Self { at, make: Box::new(make) }
    }

    /// An error that has no place, and comes before all that have.
    pub(crate) fn anywhere(error: Error) -> Self {
        Self::new(0, move |_| error)
    }
}

impl From<Cancelled> for Fault {
    fn from(cancelled: Cancelled) -> Self {
        Self::anywhere(cancelled.into())
    }
}

impl From<std::io::Error> for Fault {
    fn from(error: std::io::Error) -> Self {
        Self::anywhere(error.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lists_and_long_values_are_shortened() {
        let columns: Vec<String> = (0..50).map(|i| format!("c{i}")).collect();
        let text = Error::NoColumn { name: "x".into(), columns }.to_string();
        assert!(text.ends_with("'c39' and 10 more"), "{text}");
        assert_eq!(shorten(&"x".repeat(100)).len(), 63);
        assert_eq!(shorten("a\u{1b}b"), "a b");
    }
}
