//! One streaming pass over a data file by all cores.
//!
//! A file is a sequence of *blocks* of whole records, whose bounds depend on the file alone. Threads take blocks in
//! order, split them into *batches* of some hundred rows and give these to a [`Sink`] of their own. At the end of a
//! block the sink hands over a *part*; parts are folded in block order. So a result made of order-free sums (in the sink)
//! and of folded parts is the same on any number of threads, and so is the error reported: blocks before the first
//! faulty one are always finished, and the fault that comes first in the file wins.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::Cancel;
use crate::error::{Error, Fault};

/// Rows of a batch at most.
pub(crate) const BATCH_ROWS: usize = 256;
/// Bytes that may be read behind the end of any span of a batch.
pub(crate) const SLACK: usize = 16;

/// Where a raw cell stands in [`Batch::data`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: u32,
    pub(crate) end: u32,
}

/// Some rows of the wanted columns.
pub(crate) struct Batch<'a> {
    /// Bytes the spans point into; at least [`SLACK`] more follow the last span.
    pub(crate) data: &'a [u8],
    /// Position of each row: byte offset (CSV) or row index (Parquet). Rising.
    pub(crate) at: &'a [u64],
    /// Raw cells, [`BATCH_ROWS`] places a wanted column; see [`Batch::column`].
    pub(crate) spans: &'a [Span],
}

impl Batch<'_> {
    /// The raw cells of the `index`-th wanted column, one a row.
    pub(crate) fn column(&self, index: usize) -> &[Span] {
        &self.spans[index * BATCH_ROWS..][..self.rows()]
    }

    /// The raw bytes of a cell.
    pub(crate) fn raw(&self, span: Span) -> &[u8] {
        &self.data[span.start as usize..span.end as usize]
    }

    /// Rows in the batch.
    pub(crate) fn rows(&self) -> usize {
        self.at.len()
    }
}

/// What one thread does with its rows.
pub(crate) trait Sink: Send {
    /// What a block leaves for the ordered fold.
    type Part: Send;
    /// Takes the next rows of a block.
    fn batch(&mut self, batch: &Batch<'_>) -> Result<(), Fault>;
    /// Ends a block.
    fn end_block(&mut self) -> Self::Part;
}

/// A file as blocks, taken in order by any number of threads.
pub(crate) trait Blocks: Sync {
    /// What a thread needs to read blocks: buffers.
    type Reader: Send;
    /// A reader for one thread.
    fn reader(&self) -> Self::Reader;
    /// Takes the next block; `None` at the end of the file. Called by one thread at a time.
    fn next(&self, reader: &mut Self::Reader) -> Result<Option<u64>, Fault>;
    /// Splits the block taken last into batches.
    fn split(
        &self,
        reader: &mut Self::Reader,
        each: &mut dyn FnMut(&Batch<'_>) -> Result<(), Fault>,
    ) -> Result<(), Fault>;
}

/// What a pass leaves.
pub(crate) struct Done<S> {
    /// The sinks, one a thread, in no meaningful order.
    pub(crate) sinks: Vec<S>,
    /// Rows read.
    pub(crate) rows: u64,
}

/// How a pass is run.
pub(crate) struct Pass<'a> {
    pub(crate) threads: usize,
    pub(crate) max_rows: Option<u64>,
    pub(crate) cancel: &'a Cancel,
}

/// Runs one sink a thread over all blocks. `fold` gets the parts in block order.
pub(crate) fn run<B: Blocks, S: Sink>(
    blocks: &B,
    pass: &Pass<'_>,
    sink: &(dyn Fn() -> S + Sync),
    fold: &mut (dyn FnMut(S::Part) -> Result<(), Fault> + Send),
) -> Result<Done<S>, Fault> {
    let stop = AtomicBool::new(false);
    let ordered = Mutex::new(Ordered { next: 0, waiting: BTreeMap::new(), rows: 0, max_rows: pass.max_rows, fold });
    let work = || -> Result<S, Fault> {
        let mut sink = sink();
        let result = work_blocks(blocks, &mut sink, &ordered, &stop, pass.cancel);
        if result.is_err() {
            stop.store(true, Ordering::Relaxed);
        }
        result.map(|()| sink)
    };
    let results: Vec<Result<S, Fault>> = if pass.threads <= 1 {
        vec![work()]
    } else {
        std::thread::scope(|scope| {
            let handles: Vec<_> = (0..pass.threads).map(|_| scope.spawn(work)).collect();
            let join = |panic| std::panic::resume_unwind(panic);
            handles.into_iter().map(|handle| handle.join().unwrap_or_else(join)).collect()
        })
    };
    let mut sinks = Vec::with_capacity(results.len());
    let mut first: Option<Fault> = None;
    for result in results {
        match result {
            Ok(sink) => sinks.push(sink),
            Err(fault) if first.as_ref().is_none_or(|first| fault.at < first.at) => first = Some(fault),
            Err(_) => {}
        }
    }
    let rows = ordered.into_inner().expect("folding does not panic").rows;
    first.map_or(Ok(Done { sinks, rows }), Err)
}

fn work_blocks<B: Blocks, S: Sink>(
    blocks: &B,
    sink: &mut S,
    ordered: &Mutex<Ordered<'_, S::Part>>,
    stop: &AtomicBool,
    cancel: &Cancel,
) -> Result<(), Fault> {
    let mut reader = blocks.reader();
    while !stop.load(Ordering::Relaxed) {
        cancel.check()?;
        let Some(index) = blocks.next(&mut reader)? else { break };
        let (mut rows, mut last) = (0, 0);
        blocks.split(&mut reader, &mut |batch| {
            cancel.check()?;
            rows += batch.rows() as u64;
            last = batch.at[batch.rows() - 1];
            sink.batch(batch)
        })?;
        let part = Part { rows, last, part: sink.end_block() };
        ordered.lock().expect("folding does not panic").push(index, part)?;
    }
    Ok(())
}

/// What a block left, and its size.
struct Part<P> {
    rows: u64,
    /// Position of its last row.
    last: u64,
    part: P,
}

/// Folds parts in the order of their blocks; those that come early wait. At most one a thread waits.
struct Ordered<'f, P> {
    next: u64,
    waiting: BTreeMap<u64, Part<P>>,
    rows: u64,
    max_rows: Option<u64>,
    fold: &'f mut (dyn FnMut(P) -> Result<(), Fault> + Send),
}

impl<P> Ordered<'_, P> {
    fn push(&mut self, index: u64, part: Part<P>) -> Result<(), Fault> {
        self.waiting.insert(index, part);
        while let Some(Part { rows, last, part }) = self.waiting.remove(&self.next) {
            self.next += 1;
            self.rows += rows;
            if let Some(limit) = self.max_rows.filter(|&limit| self.rows > limit) {
                return Err(Fault::new(last, move |_| Error::TooManyRows { limit }));
            }
            (self.fold)(part)?;
        }
        Ok(())
    }
}
