//! Rows as trees see them while they grow: small records that are moved, not looked up.
//!
//! A tree sorts its rows node by node. When the bins of a row travel with it, every pass over a node reads
//! consecutive memory and deep nodes live in the nearest cache; looking bins up by row index costs a cache miss a
//! cell on large tables. Tables with more features than fit into the largest record are looked up after all, because
//! a node reads few of their columns. Both forms hide behind [`Rows`].

use super::binning::Binned;

/// Most draws that one record can stand for; a row drawn more often becomes several records.
const DRAWS_MAX: u32 = 127;

/// A source of records.
pub(super) trait Rows: Sync {
    /// A row with its number of draws and its label.
    type Record: Copy + Send;

    /// Some record, to fill buffers with.
    const BLANK: Self::Record;

    /// The record of a row; `tag` is made by [`tag`].
    fn record(&self, row: u32, tag: u8) -> Self::Record;

    /// Bin of a feature.
    fn bin(&self, record: &Self::Record, feature: usize) -> u8;

    /// The tag it was made with.
    fn tag(record: &Self::Record) -> u8;
}

/// Bins inside the record, the tag in the last byte. `W` is a power of two above the number of features.
pub(super) struct Inline<const W: usize> {
    rows: Vec<[u8; W]>,
}

/// Bins in the table.
pub(super) struct Indexed<'a> {
    pub(super) binned: &'a Binned,
}

/// Draws and label in one byte.
pub(super) fn tag(draws: u32, label: u8) -> u8 {
    debug_assert!(draws <= DRAWS_MAX && label <= 1);
    (draws as u8) << 1 | label
}

/// Draws in the low half, draws with a positive label in the high half, for each tag: what a histogram adds up.
pub(super) const fn tag_counts() -> [u64; 256] {
    let mut counts = [0; 256];
    let mut tag = 0;
    while tag < 256 {
        let draws = tag as u64 >> 1;
        counts[tag] = draws | (draws * (tag as u64 & 1)) << 32;
        tag += 1;
    }
    counts
}

/// Fills `records` with the drawn ones of `rows`; `counts` holds the draws, one a row.
pub(super) fn fill<R: Rows>(source: &R, rows: &[u32], counts: &[u32], labels: &[u8], records: &mut Vec<R::Record>) {
    records.clear();
    records.resize(rows.len(), R::BLANK);
    let mut filled = 0;
    let mut often = Vec::new();
    for (row, count) in rows.iter().zip(counts) {
        // Written for good only when the row was drawn: a branch would be guessed wrong too often.
        records[filled] = source.record(*row, tag(DRAWS_MAX.min(*count), labels[*row as usize]));
        filled += usize::from(*count > 0);
        if *count > DRAWS_MAX {
            often.push((*row, *count - DRAWS_MAX));
        }
    }
    records.truncate(filled);
    for (row, mut left) in often {
        while left > 0 {
            let draws = left.min(DRAWS_MAX);
            records.push(source.record(row, tag(draws, labels[row as usize])));
            left -= draws;
        }
    }
}

impl<const W: usize> Inline<W> {
    pub(super) fn new(binned: &Binned) -> Self {
        assert!(W.is_power_of_two() && binned.binner().len() < W, "one byte is left for the tag");
        let mut rows = vec![[0; W]; binned.rows()];
        binned.transpose_into(0, W, rows.as_flattened_mut());
        Self { rows }
    }
}

impl<const W: usize> Rows for Inline<W> {
    type Record = [u8; W];

    const BLANK: [u8; W] = [0; W];

    fn record(&self, row: u32, tag: u8) -> [u8; W] {
        let mut record = self.rows[row as usize];
        record[W - 1] = tag;
        record
    }

    #[inline]
    fn bin(&self, record: &[u8; W], feature: usize) -> u8 {
        // The mask proves to the compiler what `new` asserts.
        record[feature & (W - 1)]
    }

    #[inline]
    fn tag(record: &[u8; W]) -> u8 {
        record[W - 1]
    }
}

impl Rows for Indexed<'_> {
    type Record = (u32, u8);

    const BLANK: (u32, u8) = (0, 0);

    fn record(&self, row: u32, tag: u8) -> (u32, u8) {
        (row, tag)
    }

    fn bin(&self, record: &(u32, u8), feature: usize) -> u8 {
        self.binned.column(feature)[record.0 as usize]
    }

    fn tag(record: &(u32, u8)) -> u8 {
        record.1
    }
}
