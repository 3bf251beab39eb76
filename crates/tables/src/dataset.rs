//! An opened data file: header read, dialect known, nothing else.

use std::fs::File;
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::Cancel;
use crate::csv::{self, CsvBlocks, Dialect};
use crate::error::{Error, Fault, Place};
use crate::options::{Encoding, ReadOptions};
use crate::parquet::{self, ParquetBlocks, ParquetFile};
use crate::scan::{self, Done, Pass, Sink};
use crate::text::CellText;

/// A data file, opened.
#[derive(Debug)]
pub struct Dataset {
    name: String,
    file: File,
    bytes: u64,
    columns: Vec<String>,
    warnings: Vec<String>,
    body: Body,
    options: ReadOptions,
}

#[derive(Debug)]
enum Body {
    Csv(Dialect),
    Parquet(ParquetFile),
}

impl Dataset {
    /// Opens a CSV or Parquet file, told apart by content. Reads the header only.
    ///
    /// # Errors
    /// If the file is neither, has no usable header, or breaks a limit that shows in its first bytes.
    pub fn open(path: &Path, options: &ReadOptions) -> Result<Self, Error> {
        let file = File::open(path)?;
        let bytes = file.metadata()?.len();
        let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let options = ReadOptions {
            // Positions inside a block are 32-bit numbers.
            max_line_bytes: options.max_line_bytes.min(1 << 30),
            block_bytes: options.block_bytes.clamp(1, 1 << 26),
            threads: options.threads.max(1),
            ..options.clone()
        };
        let mut magic = [0; parquet::MAGIC.len()];
        csv::read_full(&file, &mut magic, 0)?;
        let (body, columns, warnings) = if magic == parquet::MAGIC {
            let (body, columns) = parquet::open(&file, bytes, &options)?;
            (Body::Parquet(body), columns, Vec::new())
        } else {
            let opened = csv::open(&file, bytes, &options)?;
            (Body::Csv(opened.dialect), opened.names, opened.warnings)
        };
        Ok(Self { name, file, bytes, columns, warnings, body, options })
    }

    /// The same data under another name: that of an uploaded file rather than of its spool.
    #[must_use]
    pub fn with_name(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// The file's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// `csv` or `parquet`.
    #[must_use]
    pub fn format(&self) -> &str {
        match self.body {
            Body::Csv(_) => "csv",
            Body::Parquet(_) => "parquet",
        }
    }

    /// Encoding of a CSV: `utf-8` or `windows-1252`.
    #[must_use]
    pub fn encoding(&self) -> Option<&str> {
        match &self.body {
            Body::Csv(dialect) => Some(dialect.encoding.name()),
            Body::Parquet(_) => None,
        }
    }

    /// Delimiter of a CSV.
    #[must_use]
    pub fn delimiter(&self) -> Option<&str> {
        match &self.body {
            Body::Csv(dialect) => std::str::from_utf8(std::slice::from_ref(&dialect.delimiter)).ok(),
            Body::Parquet(_) => None,
        }
    }

    /// Size of the file.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Names of the columns, in file order.
    #[must_use]
    pub fn column_names(&self) -> &[String] {
        &self.columns
    }

    /// What was odd about the header, in sentences for people.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// SHA-256 of the file's bytes, in lower-case hexadecimal.
    ///
    /// # Errors
    /// If the file cannot be read, or the work is cancelled.
    pub fn sha256(&self, cancel: &Cancel) -> Result<String, Error> {
        let mut digest = Sha256::new();
        let mut buffer = vec![0; 1 << 20];
        let mut offset = 0;
        loop {
            cancel.check()?;
            let read = csv::read_full(&self.file, &mut buffer, offset)?;
            digest.update(&buffer[..read]);
            offset += read as u64;
            if read < buffer.len() {
                break;
            }
        }
        Ok(hex(&digest.finalize()))
    }

    /// The rules for cells of this file.
    pub(crate) fn cell_text(&self) -> CellText {
        match &self.body {
            Body::Csv(dialect) => CellText::new(&self.options, true, dialect.encoding, dialect.delimiter != b','),
            Body::Parquet(_) => CellText::new(&self.options, false, Encoding::Utf8, false),
        }
    }

    /// The options it was opened with.
    pub(crate) fn options(&self) -> &ReadOptions {
        &self.options
    }

    /// Index of the column of that name.
    pub(crate) fn column_index(&self, name: &str) -> Result<usize, Error> {
        let index = self.columns.iter().position(|column| column == name);
        index.ok_or_else(|| Error::NoColumn { name: name.to_owned(), columns: self.columns.clone() })
    }

    /// One pass over the wanted columns (rising file indexes); see [`scan::run`].
    pub(crate) fn scan<S: Sink>(
        &self,
        wanted: &[usize],
        cancel: &Cancel,
        sink: &(dyn Fn() -> S + Sync),
        fold: &mut (dyn FnMut(S::Part) -> Result<(), Fault> + Send),
    ) -> Result<Done<S>, Error> {
        self.scan_with(wanted, self.options.threads, cancel, sink, fold)
    }

    /// As [`Dataset::scan`] on a given number of threads.
    pub(crate) fn scan_with<S: Sink>(
        &self,
        wanted: &[usize],
        threads: usize,
        cancel: &Cancel,
        sink: &(dyn Fn() -> S + Sync),
        fold: &mut (dyn FnMut(S::Part) -> Result<(), Fault> + Send),
    ) -> Result<Done<S>, Error> {
        let pass = Pass { threads, max_rows: self.options.max_rows, cancel };
        let result = match &self.body {
            Body::Csv(dialect) => {
                let blocks = CsvBlocks::new(&self.file, dialect, wanted.to_vec(), &self.options);
                scan::run(&blocks, &pass, sink, fold)
            }
            Body::Parquet(file) => scan::run(&ParquetBlocks::new(file, wanted, &self.columns), &pass, sink, fold),
        };
        let done = result.or_else(|fault| Err((fault.make)(self.place(fault.at, cancel)?)))?;
        if done.rows == 0 { Err(Error::NoRows) } else { Ok(done) }
    }

    /// Line or row of a position.
    pub(crate) fn place(&self, at: u64, cancel: &Cancel) -> Result<Place, Error> {
        match &self.body {
            Body::Csv(dialect) => {
                let mut buffer = vec![0; 1 << 20];
                let (mut offset, mut lines) = (0, 0);
                while offset < at {
                    cancel.check()?;
                    let most = buffer.len().min(usize::try_from(at - offset).unwrap_or(usize::MAX));
                    let read = csv::read_full(&self.file, &mut buffer[..most], offset)?;
                    if read == 0 {
                        break;
                    }
                    lines += memchr::memchr_iter(dialect.terminator, &buffer[..read]).count() as u64;
                    offset += read as u64;
                }
                Ok(Place::Line(lines + 1))
            }
            Body::Parquet(_) => Ok(Place::Row(at + 1)),
        }
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a string succeeds");
        text
    })
}
