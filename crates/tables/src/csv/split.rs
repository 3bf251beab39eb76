//! Splitting a block into records and raw cells.
//!
//! 64 bytes at a time are turned into a bit mask of the bytes that matter (delimiter, line end, and quotation mark where
//! the block has any); the loop then runs over set bits only. Cells nobody asked for are counted, never looked at.

use crate::csv::blocks::{CsvBlocks, CsvReader};
use crate::error::{Error, Fault};
use crate::scan::{BATCH_ROWS, Batch, Span};

const WORD: usize = 64;

/// Splits the block the reader holds and hands its rows over in batches.
pub(crate) fn split(
    blocks: &CsvBlocks<'_>,
    reader: &mut CsvReader,
    each: &mut dyn FnMut(&Batch<'_>) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let CsvReader { data, len, offset, quotes, at, spans } = reader;
    let splitter = Splitter { blocks, data, len: *len, offset: *offset, at, spans, rows: 0 };
    if *quotes { splitter.run::<true>(each) } else { splitter.run::<false>(each) }
}

struct Splitter<'a> {
    blocks: &'a CsvBlocks<'a>,
    data: &'a [u8],
    len: usize,
    offset: u64,
    at: &'a mut [u64],
    spans: &'a mut [Span],
    /// Rows in the batch being made.
    rows: usize,
}

impl Splitter<'_> {
    fn run<const QUOTES: bool>(mut self, each: &mut dyn FnMut(&Batch<'_>) -> Result<(), Fault>) -> Result<(), Fault> {
        let dialect = self.blocks.dialect;
        let wanted: Vec<usize> = self.blocks.wanted.iter().copied().chain([usize::MAX]).collect();
        let signs = [dialect.delimiter, dialect.terminator, if QUOTES { b'"' } else { dialect.terminator }];
        let (mut record, mut field) = (0, 0);
        let (mut column, mut found) = (0, 0);
        let mut quoted = Quoted::default();
        for base in (0..self.len).step_by(WORD) {
            let word = self.data[base..base + WORD].try_into().expect("a word is 64 bytes");
            let mut mask = sign_mask(word, signs);
            if self.len - base < WORD {
                mask &= (1 << (self.len - base)) - 1;
            }
            while mask != 0 {
                let sign = base + mask.trailing_zeros() as usize;
                mask &= mask - 1;
                let byte = self.data[sign];
                if QUOTES && quoted.swallows(self.data, field, sign, byte, dialect) {
                    continue;
                }
                if column == wanted[found] {
                    self.spans[found * BATCH_ROWS + self.rows] = Span { start: field as u32, end: sign as u32 };
                    found += 1;
                }
                column += 1;
                field = sign + 1;
                if byte == dialect.terminator {
                    if column == dialect.columns && column > 1 && sign - record <= self.blocks.max_line_bytes
                        || self.check_record(record, sign, column)?
                    {
                        self.end_row(record, each)?;
                    }
                    (column, found, record) = (0, 0, field);
                }
            }
        }
        self.flush(each)
    }

    /// Whether an unusual record counts: `false` for a blank line, a fault for one of the wrong shape.
    #[cold]
    fn check_record(&self, start: usize, end: usize, found: usize) -> Result<bool, Fault> {
        let dialect = self.blocks.dialect;
        let at = self.offset + start as u64;
        if end - start > self.blocks.max_line_bytes {
            return Err(self.blocks.too_long(at));
        }
        if self.data[start..end].iter().all(|&byte| dialect.is_blank(byte)) {
            return Ok(false);
        }
        if found != dialect.columns {
            let expected = dialect.columns;
            return Err(Fault::new(at, move |place| Error::Ragged { place, expected, found }));
        }
        Ok(true)
    }

    fn end_row(&mut self, record: usize, each: &mut dyn FnMut(&Batch<'_>) -> Result<(), Fault>) -> Result<(), Fault> {
        self.at[self.rows] = self.offset + record as u64;
        self.rows += 1;
        if self.rows == BATCH_ROWS { self.flush(each) } else { Ok(()) }
    }

    fn flush(&mut self, each: &mut dyn FnMut(&Batch<'_>) -> Result<(), Fault>) -> Result<(), Fault> {
        if self.rows > 0 {
            each(&Batch { data: self.data, at: &self.at[..self.rows], spans: self.spans })?;
            self.rows = 0;
        }
        Ok(())
    }
}

/// Follows quoted fields: which signs are content.
#[derive(Default)]
struct Quoted {
    inside: bool,
    /// The second of two quotation marks that stand for one.
    doubled: usize,
}

impl Quoted {
    /// Whether the sign at `sign` ends no field.
    fn swallows(&mut self, data: &[u8], field: usize, sign: usize, byte: u8, dialect: &crate::csv::Dialect) -> bool {
        if byte != b'"' {
            return self.inside;
        }
        if !self.inside {
            self.inside = data[field..sign].iter().all(|&byte| dialect.is_blank(byte));
        } else if self.doubled == sign && sign > 0 {
            self.doubled = 0;
        } else if data[sign + 1] == b'"' {
            self.doubled = sign + 1;
        } else {
            self.inside = false;
        }
        true
    }
}

/// Bit `i` is set where `word[i]` is one of the three signs.
///
/// Written so that the compiler makes vector compares of the first half, on any processor; a multiplication then gathers
/// the lowest bits of eight bytes.
#[inline]
fn sign_mask(word: &[u8; WORD], [a, b, c]: [u8; 3]) -> u64 {
    const GATHER: u64 = 0x0102_0408_1020_4080;
    let mut equal = [0; WORD];
    for (equal, &byte) in equal.iter_mut().zip(word) {
        *equal = u8::from((byte == a) | (byte == b) | (byte == c));
    }
    let (parts, _) = equal.as_chunks::<8>();
    parts.iter().rev().fold(0, |mask, part| mask << 8 | (u64::from_le_bytes(*part).wrapping_mul(GATHER) >> 56))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_find_every_sign_at_every_place() {
        for place in 0..WORD {
            for byte in 0..=u8::MAX {
                let mut word = [b'x'; WORD];
                word[place] = byte;
                word[WORD - 1 - place] = b';';
                let want = (0..WORD).filter(|&i| b";\n\"".contains(&word[i])).map(|i| 1u64 << i).sum::<u64>();
                assert_eq!(sign_mask(&word, *b";\n\""), want);
            }
        }
    }
}
