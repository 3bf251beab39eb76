//! Cutting a CSV into blocks of whole records.
//!
//! The cut is made by one thread at a time under a lock: it reads, looks whether there are quotation marks or NUL bytes,
//! and finds the last record end. That is a few per cent of the work; splitting fields, the rest, runs outside the lock.
//! Quotes are followed exactly, never guessed, so a quoted line end is never taken for a record end.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::Mutex;

use crate::csv::dialect::Dialect;
use crate::csv::split;
use crate::error::{Error, Fault};
use crate::scan::{BATCH_ROWS, Batch, Blocks, Span};

/// Bytes kept readable behind a block's end, so that the splitter can look at whole words.
pub(crate) const TAIL: usize = 64;

/// A CSV file as blocks.
pub(crate) struct CsvBlocks<'f> {
    file: &'f File,
    pub(crate) dialect: &'f Dialect,
    /// File columns wanted, rising.
    pub(crate) wanted: Vec<usize>,
    pub(crate) max_line_bytes: usize,
    block_bytes: usize,
    state: Mutex<State>,
}

struct State {
    /// Next byte of the file to read.
    offset: u64,
    /// Bytes read already that belong to the next block: the start of a record.
    carry: Vec<u8>,
    index: u64,
    ended: bool,
}

/// One thread's buffers.
pub(crate) struct CsvReader {
    /// Block bytes, then [`TAIL`] arbitrary ones.
    pub(crate) data: Vec<u8>,
    /// Length of the block.
    pub(crate) len: usize,
    /// Offset of the block in the file.
    pub(crate) offset: u64,
    /// Whether the block holds quotation marks.
    pub(crate) quotes: bool,
    /// Positions of the rows of the batch being made.
    pub(crate) at: Vec<u64>,
    /// Their cells; see [`Batch::spans`].
    pub(crate) spans: Vec<Span>,
}

impl<'f> CsvBlocks<'f> {
    /// The records after the header.
    pub(crate) fn new(file: &'f File, dialect: &'f Dialect, wanted: Vec<usize>, options: &crate::ReadOptions) -> Self {
        debug_assert!(wanted.is_sorted_by(|a, b| a < b));
        let state = State { offset: dialect.data_offset, carry: Vec::new(), index: 0, ended: false };
        Self {
            file,
            dialect,
            wanted,
            max_line_bytes: options.max_line_bytes,
            block_bytes: options.block_bytes,
            state: Mutex::new(state),
        }
    }

    /// Reads until the buffer holds a record end, the file ends or the longest record is exceeded.
    fn fill(&self, state: &mut State, reader: &mut CsvReader) -> Result<(), Fault> {
        let start = state.offset - state.carry.len() as u64;
        let mut len = state.carry.len();
        reader.offset = start;
        grow(&mut reader.data, len + self.block_bytes + TAIL);
        reader.data[..len].copy_from_slice(&state.carry);
        let mut step = self.block_bytes;
        loop {
            grow(&mut reader.data, len + step + TAIL);
            let read = read_full(self.file, &mut reader.data[len..len + step], state.offset)?;
            state.offset += read as u64;
            if let Some(nul) = memchr::memchr(0, &reader.data[len..len + read]) {
                return Err(Fault::new(start + (len + nul) as u64, |place| Error::NulByte { place }));
            }
            len += read;
            state.ended = read < step;
            let cut = last_record_end(&reader.data[..len], self.dialect);
            reader.quotes = cut.quotes;
            if state.ended {
                self.check_last(reader.offset, len, &cut)?;
                reader.len = len;
                if len > 0 && reader.data[len - 1] != self.dialect.terminator {
                    reader.data[len] = self.dialect.terminator;
                    reader.len += 1;
                }
                state.carry.clear();
                return Ok(());
            }
            if let Some(end) = cut.end {
                reader.len = end;
                state.carry.clear();
                state.carry.extend_from_slice(&reader.data[end..len]);
                return Ok(());
            }
            if len > self.max_line_bytes {
                return Err(self.too_long(start));
            }
            step = len.max(self.block_bytes);
        }
    }

    /// At the end of the file an open quote is a fault.
    fn check_last(&self, offset: u64, len: usize, cut: &Cut) -> Result<(), Fault> {
        if !cut.open_quote {
            return Ok(());
        }
        let start = cut.end.unwrap_or(0);
        let at = offset + start as u64;
        if len - start > self.max_line_bytes {
            return Err(self.too_long(at));
        }
        Err(Fault::new(at, |place| Error::UnclosedQuote { place }))
    }

    pub(crate) fn too_long(&self, at: u64) -> Fault {
        let limit = self.max_line_bytes;
        Fault::new(at, move |place| Error::LineTooLong { place, limit })
    }
}

impl Blocks for CsvBlocks<'_> {
    type Reader = CsvReader;

    fn reader(&self) -> CsvReader {
        let spans = vec![Span::default(); self.wanted.len() * BATCH_ROWS];
        CsvReader { data: Vec::new(), len: 0, offset: 0, quotes: false, at: vec![0; BATCH_ROWS], spans }
    }

    fn next(&self, reader: &mut CsvReader) -> Result<Option<u64>, Fault> {
        let mut state = self.state.lock().expect("cutting blocks does not panic");
        if state.ended {
            return Ok(None);
        }
        let result = self.fill(&mut state, reader);
        if result.is_err() {
            state.ended = true;
        }
        result?;
        state.index += 1;
        Ok(Some(state.index - 1))
    }

    fn split(
        &self,
        reader: &mut CsvReader,
        each: &mut dyn FnMut(&Batch<'_>) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        split::split(self, reader, each)
    }
}

/// Where a buffer that starts with a record can be cut.
pub(crate) struct Cut {
    /// Behind the last record end.
    pub(crate) end: Option<usize>,
    /// Whether there is any quotation mark.
    pub(crate) quotes: bool,
    /// Whether the buffer ends inside a quoted field.
    pub(crate) open_quote: bool,
}

/// Finds the last record end outside quoted fields.
pub(crate) fn last_record_end(data: &[u8], dialect: &Dialect) -> Cut {
    let Some(first) = memchr::memchr(b'"', data) else {
        let end = memchr::memrchr(dialect.terminator, data).map(|end| end + 1);
        return Cut { end, quotes: false, open_quote: false };
    };
    let mut end = None;
    let mut outside = 0;
    let mut next = Some(first);
    while let Some(open) = next {
        if !opens_field(data, outside, open, dialect) {
            next = memchr::memchr(b'"', &data[open + 1..]).map(|quote| open + 1 + quote);
            continue;
        }
        if let Some(last) = memchr::memrchr(dialect.terminator, &data[outside..open]) {
            end = Some(outside + last + 1);
        }
        let Some(close) = closing_quote(data, open + 1) else {
            return Cut { end, quotes: true, open_quote: true };
        };
        outside = close + 1;
        next = memchr::memchr(b'"', &data[outside..]).map(|quote| outside + quote);
    }
    if let Some(last) = memchr::memrchr(dialect.terminator, &data[outside..]) {
        end = Some(outside + last + 1);
    }
    Cut { end, quotes: true, open_quote: false }
}

/// Whether the quotation mark at `quote` stands at the start of a field; `outside` is where the last quoted one closed.
fn opens_field(data: &[u8], outside: usize, quote: usize, dialect: &Dialect) -> bool {
    let before = data[outside..quote].iter().rposition(|&byte| !dialect.is_blank(byte));
    match before {
        Some(index) => {
            let byte = data[outside + index];
            byte == dialect.delimiter || byte == dialect.terminator
        }
        None => outside == 0,
    }
}

/// The mark that closes a quoted field whose content starts at `from`.
fn closing_quote(data: &[u8], from: usize) -> Option<usize> {
    let mut from = from;
    loop {
        let quote = from + memchr::memchr(b'"', data.get(from..)?)?;
        if data.get(quote + 1) != Some(&b'"') {
            return Some(quote);
        }
        from = quote + 2;
    }
}

fn grow(buffer: &mut Vec<u8>, len: usize) {
    if buffer.len() < len {
        buffer.resize(len, 0);
    }
}

/// Fills `buffer` from `offset` on; fewer bytes only at the end of the file.
pub(crate) fn read_full(file: &File, buffer: &mut [u8], offset: u64) -> std::io::Result<usize> {
    let mut read = 0;
    while read < buffer.len() {
        match file.read_at(&mut buffer[read..], offset + read as u64) {
            Ok(0) => break,
            Ok(count) => read += count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(read)
}
