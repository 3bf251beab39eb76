//! What a CSV's first bytes tell: that it is one, its encoding, line ends, delimiter and header.

use std::fs::File;

use crate::csv::blocks::read_full;
use crate::error::{Error, Place};
use crate::options::{Encoding, ReadOptions};
use crate::text::{CellText, Number};

/// Bytes and records looked at to find the delimiter.
const SNIFF_BYTES: usize = 64 << 10;
const SNIFF_RECORDS: usize = 100;
/// Candidates, most usual first.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// How a CSV is written.
#[derive(Debug, Clone)]
pub(crate) struct Dialect {
    pub(crate) delimiter: u8,
    /// `\n`, or `\r` in files that have no `\n` at all.
    pub(crate) terminator: u8,
    pub(crate) encoding: Encoding,
    /// Fields of the header.
    pub(crate) columns: usize,
    /// Where the first record after the header starts.
    pub(crate) data_offset: u64,
}

impl Dialect {
    /// Whether a byte is a blank: ignored around fields.
    pub(crate) fn is_blank(&self, byte: u8) -> bool {
        byte != self.delimiter && byte != self.terminator && matches!(byte, b' ' | b'\t' | b'\r')
    }
}

/// A CSV whose header is read.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) dialect: Dialect,
    pub(crate) names: Vec<String>,
    pub(crate) warnings: Vec<String>,
}

/// Reads the head of the file.
pub(crate) fn open(file: &File, size: u64, options: &ReadOptions) -> Result<Opened, Error> {
    let mut head = vec![0; SNIFF_BYTES.max(options.max_line_bytes.saturating_add(1))];
    let len = read_full(file, &mut head, 0)?;
    head.truncate(len);
    let whole = len as u64 == size;
    check_is_text(&head)?;
    let body = if head.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    let terminator = if memchr::memchr(b'\n', &head).is_none() && head.contains(&b'\r') { b'\r' } else { b'\n' };
    let encoding = options.encoding.unwrap_or_else(|| guess_encoding(&head));
    let (start, stated) = skip_preamble(&head, body, terminator);
    if start >= head.len() {
        return Err(Error::Empty);
    }
    check_is_no_document(&head[start..])?;
    let delimiter = options.delimiter.or(stated).unwrap_or_else(|| guess_delimiter(&head[start..], terminator, whole));
    let place = Place::Line(1 + memchr::memchr_iter(terminator, &head[..start]).count() as u64);
    let Some(header) = record(&head[start..], delimiter, terminator, whole) else {
        return Err(match whole {
            true => Error::UnclosedQuote { place },
            false => Error::LineTooLong { place, limit: options.max_line_bytes },
        });
    };
    let text = CellText::new(options, true, encoding, false);
    let names: Vec<String> =
        header.fields.iter().map(|field| text.text(&head[start..][field.clone()]).into_owned()).collect();
    let warnings = check_names(&names, options, &text)?;
    let data = start + header.end;
    if whole && head[data.min(len)..].trim_ascii().is_empty() {
        return Err(Error::NoRows);
    }
    let dialect = Dialect { delimiter, terminator, encoding, columns: names.len(), data_offset: data as u64 };
    if !whole && record(&head[data..], delimiter, terminator, false).is_none() {
        let place = Place::Line(1 + memchr::memchr_iter(terminator, &head[..data]).count() as u64);
        check_first_row_ends(file, &dialect, place, options.max_line_bytes)?;
    }
    Ok(Opened { dialect, names, warnings })
}

/// Refuses a first row that is longer than a row may be: what never ends need not be received and read to be refused.
fn check_first_row_ends(file: &File, dialect: &Dialect, place: Place, limit: usize) -> Result<(), Error> {
    let mut row = vec![0; limit.saturating_add(1)];
    let len = read_full(file, &mut row, dialect.data_offset)?;
    row.truncate(len);
    let ends = len <= limit || record(&row, dialect.delimiter, dialect.terminator, false).is_some();
    if ends { Ok(()) } else { Err(Error::LineTooLong { place, limit }) }
}

/// Refuses what is recognisably not text, each with its remedy.
fn check_is_text(head: &[u8]) -> Result<(), Error> {
    const EXPORT: &str = "open it and save the sheet as CSV";
    const UNPACK: &str = "unpack it and upload the file inside";
    const KNOWN: [(&[u8], &str, &str); 14] = [
        (b"PK\x03\x04", "a zip archive or an Excel workbook", "unpack it, or save the sheet as CSV"),
        (b"PK\x05\x06", "an empty zip archive", UNPACK),
        (b"\x1f\x8b", "gzip-compressed", UNPACK),
        (b"BZh", "bzip2-compressed", UNPACK),
        (b"\xfd7zXZ\0", "xz-compressed", UNPACK),
        (b"\x28\xb5\x2f\xfd", "zstd-compressed", UNPACK),
        (b"7z\xbc\xaf", "a 7-Zip archive", UNPACK),
        (b"\xd0\xcf\x11\xe0", "an old Excel or Office document", EXPORT),
        (b"%PDF", "a PDF document", "upload the table it was made from"),
        (b"SQLite format 3\0", "an SQLite database", "export the table as CSV"),
        (b"\x89HDF", "an HDF5 file", "export the table as CSV"),
        (b"ARROW1", "an Arrow or Feather file", "save it as Parquet or CSV"),
        (b"\x89PNG", "a PNG image", "upload a table"),
        (b"\x80\x04\x95", "a Python pickle", "upload models as the model file, and data as CSV"),
    ];
    if head.is_empty() {
        return Err(Error::Empty);
    }
    if let Some(&(_, found, remedy)) = KNOWN.iter().find(|(magic, ..)| head.starts_with(magic)) {
        return Err(Error::WrongFormat { found, remedy });
    }
    let marks: [(&[u8], &str); 4] =
        [(b"\xff\xfe\0\0", "UTF-32"), (b"\0\0\xfe\xff", "UTF-32"), (b"\xff\xfe", "UTF-16"), (b"\xfe\xff", "UTF-16")];
    if let Some(&(_, encoding)) = marks.iter().find(|(mark, _)| head.starts_with(mark)) {
        return Err(Error::WideEncoding { encoding });
    }
    let sample = &head[..head.len().min(SNIFF_BYTES)];
    let nuls = |parity: usize| sample.iter().skip(parity).step_by(2).filter(|&&byte| byte == 0).count();
    let (even, odd) = (nuls(0), nuls(1));
    if (even == 0) != (odd == 0) && even + odd > sample.len() / 4 {
        return Err(Error::WideEncoding { encoding: "UTF-16" });
    }
    let odd_controls = |byte: &&u8| matches!(**byte, 1..=8 | 14..=31 | 127) && **byte != 0x1a && **byte != 0x1b;
    if sample.iter().filter(odd_controls).count() > sample.len() / 20 {
        return Err(Error::WrongFormat { found: "binary data", remedy: "save the table as CSV (UTF-8) or Parquet" });
    }
    match memchr::memchr(0, head) {
        Some(nul) => {
            let lines = memchr::memchr_iter(b'\n', &head[..nul]).count() as u64;
            Err(Error::NulByte { place: Place::Line(1 + lines) })
        }
        None => Ok(()),
    }
}

/// Refuses markup and JSON, which are text but no tables.
fn check_is_no_document(text: &[u8]) -> Result<(), Error> {
    const REMEDY: &str = "export the table as CSV";
    let start: Vec<u8> =
        text.iter().filter(|byte| !byte.is_ascii_whitespace()).take(9).map(u8::to_ascii_lowercase).collect();
    let any = |marks: &[&[u8]]| marks.iter().any(|mark| start.starts_with(mark));
    if any(&[b"<!doctype", b"<html", b"<?xml"]) {
        return Err(Error::WrongFormat { found: "an HTML or XML page", remedy: REMEDY });
    }
    if any(&[b"{\"", b"[{", b"[["]) {
        return Err(Error::WrongFormat { found: "JSON", remedy: REMEDY });
    }
    Ok(())
}

fn guess_encoding(head: &[u8]) -> Encoding {
    match std::str::from_utf8(head) {
        Err(error) if error.error_len().is_some() => Encoding::Windows1252,
        _ => Encoding::Utf8,
    }
}

/// Skips what may stand before the header: blank lines, spreadsheets' `sep=;`, and comment lines that start with `|`
/// (`adult.test` of UCI). Returns where the header starts and the delimiter if one was stated.
fn skip_preamble(head: &[u8], body: usize, terminator: u8) -> (usize, Option<u8>) {
    let (mut start, mut delimiter) = (body, None);
    while start < head.len() {
        let end = memchr::memchr(terminator, &head[start..]).map_or(head.len(), |end| start + end);
        let line = head[start..end].trim_ascii();
        match line {
            [] => {}
            [b'|', rest @ ..] if !rest.contains(&b'|') => {}
            [b's' | b'S', b'e' | b'E', b'p' | b'P', b'=', sign] if delimiter.is_none() => delimiter = Some(*sign),
            _ => break,
        }
        start = end + 1;
    }
    (start.min(head.len()), delimiter)
}

/// The delimiter that splits the first records most alike: one that gives every record the same number of fields,
/// and more than one; among such the one that gives the most.
fn guess_delimiter(text: &[u8], terminator: u8, whole: bool) -> u8 {
    let whole = whole && text.len() <= SNIFF_BYTES;
    let text = &text[..text.len().min(SNIFF_BYTES)];
    let score = |delimiter: u8| {
        let mut counts = Vec::new();
        let mut rest = text;
        while counts.len() < SNIFF_RECORDS
            && let Some(record) = record(rest, delimiter, terminator, whole)
        {
            if !rest[..record.end].trim_ascii().is_empty() {
                counts.push(record.fields.len());
            }
            rest = &rest[record.end..];
        }
        let first = counts.first().copied().unwrap_or(1);
        let alike = counts.iter().filter(|&&count| count == first).count();
        // Whole share of like records in per mille; then fields.
        (first > 1, alike * 1000 / counts.len().max(1), first)
    };
    let scores = DELIMITERS.map(score);
    let best = scores.iter().max().expect("there are candidates");
    let index = scores.iter().position(|score| score == best).expect("the maximum is among them");
    DELIMITERS[index]
}

/// One record at the start of a text.
struct Record {
    fields: Vec<std::ops::Range<usize>>,
    /// Behind its line end.
    end: usize,
}

/// Splits the first record; `None` if its end is not in the text.
fn record(text: &[u8], delimiter: u8, terminator: u8, whole: bool) -> Option<Record> {
    if text.is_empty() {
        return None;
    }
    let blank = |byte: &u8| *byte != delimiter && matches!(byte, b' ' | b'\t' | b'\r');
    let (mut fields, mut field, mut at, mut inside) = (Vec::new(), 0, 0, false);
    while let Some(&byte) = text.get(at) {
        if inside {
            if byte == b'"' {
                if text.get(at + 1) == Some(&b'"') {
                    at += 1;
                } else {
                    inside = false;
                }
            }
        } else if byte == delimiter || byte == terminator {
            fields.push(field..at);
            field = at + 1;
            if byte == terminator {
                return Some(Record { fields, end: field });
            }
        } else if byte == b'"' {
            inside = text[field..at].iter().all(blank);
        }
        at += 1;
    }
    if inside || !whole {
        return None;
    }
    fields.push(field..at);
    Some(Record { fields, end: at })
}

/// Checks the header; returns warnings. Names that are numbers hint at a file without header.
fn check_names(names: &[String], options: &ReadOptions, text: &CellText) -> Result<Vec<String>, Error> {
    let number = names.iter().find(|name| text.number(name) != Number::None);
    match (crate::names::check(names, options), number) {
        (Err(Error::UnnamedColumn { .. } | Error::DuplicateColumn { .. }), Some(name)) => {
            Err(Error::NoHeader { example: format!("'{}' is a number", crate::error::shorten(name)) })
        }
        (Err(error), _) => Err(error),
        (Ok(()), number) => {
            let warning = |name| format!("the column name '{name}' is a number: the file may lack a header line");
            Ok(number.map(warning).into_iter().collect())
        }
    }
}
