//! The weights: feature hashes to one signed byte per category and the feature's rarity, kept with a fingerprint so
//! that a feature training did not keep finds nothing.

use super::COUNT;
use crate::weights::{Error, Reader, Table};

const BUCKET_ROWS: usize = 8;
/// A rarity byte, then the categories' weights.
pub(crate) const ROW: usize = 1 + COUNT;
const BUCKET_BYTES: usize = BUCKET_ROWS * 2 + BUCKET_ROWS * ROW;
const BUCKETS_LOG2: std::ops::RangeInclusive<u32> = 2..=16;

/// Feature hashes to rows.
pub(crate) struct Rows {
    buckets: Table,
    mask: usize,
}

impl Rows {
    /// Reads the table of a model.
    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Rows, Error> {
        let buckets = 1usize << reader.count("weight buckets", BUCKETS_LOG2)?;
        Ok(Rows { buckets: reader.table(buckets * BUCKET_BYTES)?, mask: buckets - 1 })
    }

    /// Number of rows, free ones included; a feature's number is below it.
    pub(crate) fn len(&self) -> usize {
        (self.mask + 1) * BUCKET_ROWS
    }

    /// A feature's number and row.
    #[inline]
    pub(crate) fn find(&self, feature: u64) -> Option<(usize, &[u8; ROW])> {
        let (bucket, fingerprint) = place(feature, self.mask);
        let bytes = self.buckets.get(bucket * BUCKET_BYTES..(bucket + 1) * BUCKET_BYTES)?;
        let (fingerprints, rows) = bytes.split_at(BUCKET_ROWS * 2);
        let mut hit = BUCKET_ROWS;
        for (at, found) in fingerprints.as_chunks::<2>().0.iter().enumerate() {
            if *found == fingerprint {
                hit = at;
            }
        }
        rows.as_chunks::<ROW>().0.get(hit).map(|row| (bucket * BUCKET_ROWS + hit, row))
    }

    /// Packs rows in the order given, the most important first: what finds its bucket full is left out.
    pub(crate) fn pack(rows: impl Iterator<Item = (u64, [u8; ROW])>, log2: u32) -> Vec<u8> {
        assert!(BUCKETS_LOG2.contains(&log2), "{log2} is no bucket count");
        let mask = (1usize << log2) - 1;
        let mut bytes = vec![0u8; (mask + 1) * BUCKET_BYTES];
        for (feature, row) in rows {
            let (bucket, fingerprint) = place(feature, mask);
            let bucket = &mut bytes[bucket * BUCKET_BYTES..(bucket + 1) * BUCKET_BYTES];
            let free =
                (0..BUCKET_ROWS).find(|at| matches!(&bucket[at * 2..at * 2 + 2], f if f == [0, 0] || f == fingerprint));
            if let Some(at) = free.filter(|at| bucket[at * 2..at * 2 + 2] == [0, 0]) {
                bucket[at * 2..at * 2 + 2].copy_from_slice(&fingerprint);
                let first = BUCKET_ROWS * 2 + at * ROW;
                bucket[first..first + ROW].copy_from_slice(&row);
            }
        }
        let mut table = log2.to_le_bytes().to_vec();
        table.append(&mut bytes);
        table
    }

    /// Which features a table of this size keeps, the most important first.
    pub(crate) fn keep(features: &[u64], log2: u32) -> Vec<bool> {
        let mask = (1usize << log2) - 1;
        let mut used = vec![0usize; mask + 1];
        let mut fits = |feature: &u64| {
            let (bucket, _) = place(*feature, mask);
            used[bucket] += 1;
            used[bucket] <= BUCKET_ROWS
        };
        features.iter().map(&mut fits).collect()
    }
}

/// Bucket and fingerprint of a feature; a fingerprint is never zero, which marks a free place.
#[inline]
fn place(feature: u64, mask: usize) -> (usize, [u8; 2]) {
    ((feature >> 40) as usize & mask, ((feature as u16).max(1)).to_le_bytes())
}
