//! The weights: feature hashes to one signed byte per category and the feature's rarity, kept with a fingerprint so
//! that a feature training did not keep finds nothing.

use super::COUNT;
use crate::weights::{BUCKET_ROWS, Error, Filter, Reader, Table, place, position, put};

/// A rarity byte, then the categories' weights.
pub(crate) const ROW: usize = 1 + COUNT;
const BUCKET_BYTES: usize = BUCKET_ROWS * 2 + BUCKET_ROWS * ROW;
const BUCKETS_LOG2: std::ops::RangeInclusive<u32> = 2..=16;

/// Feature hashes to rows.
pub(crate) struct Rows {
    filter: Filter,
    buckets: Table,
    mask: usize,
}

impl Rows {
    /// Reads the table of a model.
    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Rows, Error> {
        let buckets = 1usize << reader.count("weight buckets", BUCKETS_LOG2)?;
        let mask = buckets - 1;
        let buckets = reader.table(buckets * BUCKET_BYTES)?;
        Ok(Rows { filter: Filter::of(&buckets, BUCKET_BYTES), buckets, mask })
    }

    /// Keeps of the features those that have a row, and puts its number in their place. Looking up many at once lets the
    /// memory answer them side by side: nothing here waits for what an earlier one found.
    pub(crate) fn find(&self, features: &mut Vec<u64>) {
        let mut count = 0;
        for at in 0..features.len() {
            let (bucket, fingerprint) = place(features[at], self.mask);
            features[count] = features[at];
            count += self.filter.may_hold(bucket, fingerprint);
        }
        features.truncate(count);
        count = 0;
        for at in 0..features.len() {
            let (bucket, fingerprint) = place(features[at], self.mask);
            let fingerprints = self.buckets.get(bucket * BUCKET_BYTES..).and_then(|bytes| bytes.first_chunk());
            let Some(fingerprints) = fingerprints else { continue };
            let hit = position(fingerprints, fingerprint);
            features[count] = (bucket * BUCKET_ROWS + hit) as u64;
            count += usize::from(hit < BUCKET_ROWS);
        }
        features.truncate(count);
    }

    /// The row of a number that [`Rows::find`] gave.
    #[inline]
    pub(crate) fn row(&self, number: u32) -> &[u8; ROW] {
        let (bucket, at) = (number as usize / BUCKET_ROWS, number as usize % BUCKET_ROWS);
        let first = bucket * BUCKET_BYTES + BUCKET_ROWS * 2 + at * ROW;
        self.buckets.get(first..).and_then(|bytes| bytes.first_chunk()).unwrap_or(&[0; ROW])
    }

    /// Packs rows in the order given, the most important first: what finds its bucket full is left out.
    pub(crate) fn pack(rows: impl Iterator<Item = (u64, [u8; ROW])>, log2: u32) -> Vec<u8> {
        assert!(BUCKETS_LOG2.contains(&log2), "{log2} is no bucket count");
        let mask = (1usize << log2) - 1;
        let mut bytes = vec![0u8; (mask + 1) * BUCKET_BYTES];
        for (feature, row) in rows {
            let (bucket, fingerprint) = place(feature, mask);
            put(&mut bytes[bucket * BUCKET_BYTES..(bucket + 1) * BUCKET_BYTES], fingerprint, &row);
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
