//! How a file is to be read, where its own signs are not enough, and the limits it is held to.

/// Text encodings of a CSV.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8, with or without byte order mark. A field that is not valid UTF-8 is read as Windows-1252.
    Utf8,
    /// Windows-1252, which contains every printable character of Latin-1.
    Windows1252,
}

impl Encoding {
    /// Its name in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "utf-8",
            Self::Windows1252 => "windows-1252",
        }
    }
}

/// Spellings of "no value", compared without regard to ASCII case and after trimming.
pub const MISSING_SPELLINGS: [&str; 13] =
    ["", "?", "na", "n/a", "#n/a", "<na>", "nan", "null", "none", "nil", "-", "--", "."];

/// Reading options and limits.
#[derive(Debug, Clone)]
pub struct ReadOptions {
    /// Longest record (line, with its quoted line ends) in bytes; 1 GiB at most.
    pub max_line_bytes: usize,
    /// Most columns.
    pub max_columns: usize,
    /// Most data rows, if bounded.
    pub max_rows: Option<u64>,
    /// Most bytes a loaded [`crate::Table`] may take.
    pub max_table_bytes: u64,
    /// Field separator; found out when absent.
    pub delimiter: Option<u8>,
    /// Encoding; found out when absent.
    pub encoding: Option<Encoding>,
    /// Spellings of "no value" (see [`MISSING_SPELLINGS`], the default).
    pub missing: Vec<String>,
    /// Threads that read; results do not depend on it.
    pub threads: usize,
    /// Bytes read at a time by each thread; 64 MiB at most.
    pub block_bytes: usize,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self {
            max_line_bytes: 1 << 20,
            max_columns: 4096,
            max_rows: None,
            max_table_bytes: 2 << 30,
            delimiter: None,
            encoding: None,
            missing: MISSING_SPELLINGS.iter().map(ToString::to_string).collect(),
            threads: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            block_bytes: 256 << 10,
        }
    }
}
