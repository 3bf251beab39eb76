//! Reading Parquet. A block is a row group; each thread decodes its own, page by page, only the wanted columns.
//!
//! Values become texts as a CSV would hold them ([`cells`]), so that one set of rules counts, types and profiles both
//! formats, and the same data give the same cells. Before anything is decoded the pages' declared sizes are held
//! against limits ([`pages`]); a decoder that panics on a damaged file is a damaged file, not a crash.

mod cells;
mod pages;

use std::fs::File;
use std::io::{BufReader, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ::parquet::arrow::ProjectionMask;
use ::parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use ::parquet::errors::ParquetError;
use ::parquet::file::reader::{ChunkReader, Length};
use arrow_array::RecordBatch;
use arrow_schema::DataType;
use bytes::Bytes;

use crate::csv::read_full;
use crate::error::{Error, Fault};
use crate::options::ReadOptions;
use crate::scan::{BATCH_ROWS, Batch, Blocks, SLACK, Span};

/// First and last four bytes of a Parquet file.
pub(crate) const MAGIC: &[u8] = b"PAR1";
/// Rows decoded at a time, at most.
const DECODE_ROWS: usize = 16 * BATCH_ROWS;
/// Bytes that the rows decoded at a time may take where one long value can stand in every row.
const SHARED_BYTES: u64 = 256 << 20;
/// Most row groups; each costs memory in the footer alone.
const ROW_GROUPS_MAX: usize = 100_000;

/// A Parquet file whose footer is read.
#[derive(Debug)]
pub(crate) struct ParquetFile {
    source: Source,
    metadata: ArrowReaderMetadata,
    /// Index of the first row of each row group, and at the end the number of rows.
    starts: Vec<u64>,
}

/// Reads the footer; returns the column names too.
pub(crate) fn open(file: &File, bytes: u64, options: &ReadOptions) -> Result<(ParquetFile, Vec<String>), Error> {
    let source = Source { file: Arc::new(file.try_clone()?), bytes };
    let metadata = guarded(|| ArrowReaderMetadata::load(&source, ArrowReaderOptions::new()))?;
    let mut names = Vec::new();
    for field in metadata.schema().fields() {
        let name = field.name().trim().to_owned();
        if !cells::is_plain(field.data_type()) {
            return Err(Error::NestedColumn { column: name, kind: kind_name(field.data_type()) });
        }
        names.push(name);
    }
    crate::names::check(&names, options)?;
    let groups = metadata.metadata().row_groups();
    if groups.len() > ROW_GROUPS_MAX {
        return Err(Error::Parquet(format!(
            "it has {} row groups; at most {ROW_GROUPS_MAX} are accepted",
            groups.len()
        )));
    }
    let mut starts = vec![0];
    for group in groups {
        let rows = u64::try_from(group.num_rows()).map_err(|_| damaged())?;
        let start = starts[starts.len() - 1];
        starts.push(rows.checked_add(start).ok_or_else(damaged)?);
    }
    if starts[starts.len() - 1] == 0 {
        return Err(Error::NoRows);
    }
    Ok((ParquetFile { source, metadata, starts }, names))
}

fn kind_name(kind: &DataType) -> String {
    match kind {
        DataType::Struct(_) => "struct".to_owned(),
        DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..) => "list".to_owned(),
        DataType::Map(..) => "map".to_owned(),
        other => other.to_string(),
    }
}

fn damaged() -> Error {
    Error::Parquet("it is damaged".to_owned())
}

/// Runs the decoder; its errors and panics become ours.
fn guarded<T>(decode: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, Error> {
    match catch_unwind(AssertUnwindSafe(decode)) {
        Ok(result) => result.map_err(|error| Error::Parquet(crate::error::shorten(&error.to_string()))),
        Err(_) => Err(damaged()),
    }
}

/// The file by absolute reads: clones of a file handle share one position, which threads would fight over.
#[derive(Debug, Clone)]
struct Source {
    file: Arc<File>,
    bytes: u64,
}

struct SourceReader {
    source: Source,
    offset: u64,
}

impl Read for SourceReader {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = read_full(&self.source.file, buffer, self.offset)?;
        self.offset += read as u64;
        Ok(read)
    }
}

impl Length for Source {
    fn len(&self) -> u64 {
        self.bytes
    }
}

impl ChunkReader for Source {
    type T = BufReader<SourceReader>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        Ok(BufReader::new(SourceReader { source: self.clone(), offset: start }))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        if start.checked_add(length as u64).is_none_or(|end| end > self.bytes) {
            return Err(ParquetError::EOF("a page lies beyond the end of the file".to_owned()));
        }
        let mut buffer = vec![0; length];
        let read = read_full(&self.file, &mut buffer, start)?;
        if read < length {
            return Err(ParquetError::EOF("the file is shorter than it was".to_owned()));
        }
        Ok(buffer.into())
    }
}

/// A Parquet file as blocks.
pub(crate) struct ParquetBlocks<'f> {
    file: &'f ParquetFile,
    wanted: &'f [usize],
    names: &'f [String],
    next: AtomicUsize,
}

/// One thread's buffers.
pub(crate) struct ParquetReader {
    group: usize,
    data: Vec<u8>,
    spans: Vec<Span>,
    at: Vec<u64>,
}

impl<'f> ParquetBlocks<'f> {
    pub(crate) fn new(file: &'f ParquetFile, wanted: &'f [usize], names: &'f [String]) -> Self {
        Self { file, wanted, names, next: AtomicUsize::new(0) }
    }

    fn decode(&self, group: usize) -> Result<impl Iterator<Item = Result<RecordBatch, Error>> + use<>, Error> {
        let ParquetFile { source, metadata, .. } = self.file;
        let mut shared = 1;
        for &column in self.wanted {
            let chunk = metadata.metadata().row_group(group).column(column);
            let value_bytes = pages::check(&source.file, source.bytes, chunk)
                .map_err(|reason| Error::Parquet(format!("column '{}': {reason}", self.names[column])))?;
            shared = value_bytes.max(shared);
        }
        let rows = usize::try_from(SHARED_BYTES / shared).map_or(DECODE_ROWS, |rows| rows.clamp(1, DECODE_ROWS));
        let mask = ProjectionMask::roots(metadata.parquet_schema(), self.wanted.iter().copied());
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(source.clone(), metadata.clone())
            .with_row_groups(vec![group])
            .with_projection(mask)
            .with_batch_size(rows);
        let mut reader = guarded(|| builder.build())?;
        Ok(std::iter::from_fn(move || guarded(|| reader.next().transpose().map_err(ParquetError::from)).transpose()))
    }
}

impl Blocks for ParquetBlocks<'_> {
    type Reader = ParquetReader;

    fn reader(&self) -> ParquetReader {
        let spans = vec![Span::default(); self.wanted.len() * BATCH_ROWS];
        ParquetReader { group: 0, data: Vec::new(), spans, at: Vec::new() }
    }

    fn next(&self, reader: &mut ParquetReader) -> Result<Option<u64>, Fault> {
        reader.group = self.next.fetch_add(1, Ordering::Relaxed);
        Ok((reader.group + 1 < self.file.starts.len()).then_some(reader.group as u64))
    }

    fn split(
        &self,
        reader: &mut ParquetReader,
        each: &mut dyn FnMut(&Batch<'_>) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let start = self.file.starts[reader.group];
        let fault = |error: Error| Fault::new(start, move |_| error);
        let mut row = start;
        for batch in self.decode(reader.group).map_err(fault)? {
            let batch = batch.map_err(fault)?;
            for from in (0..batch.num_rows()).step_by(BATCH_ROWS) {
                let part = batch.slice(from, BATCH_ROWS.min(batch.num_rows() - from));
                reader.data.clear();
                for (index, column) in part.columns().iter().enumerate() {
                    let spans = &mut reader.spans[index * BATCH_ROWS..][..part.num_rows()];
                    cells::write(column, &mut reader.data, spans).map_err(fault)?;
                }
                reader.data.extend([0; SLACK]);
                reader.at.clear();
                reader.at.extend(row..row + part.num_rows() as u64);
                row += part.num_rows() as u64;
                each(&Batch { data: &reader.data, at: &reader.at, spans: &reader.spans })?;
            }
        }
        if row == self.file.starts[reader.group + 1] { Ok(()) } else { Err(fault(damaged())) }
    }
}
