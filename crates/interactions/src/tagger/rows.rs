//! The weights: feature hashes to eight signed bytes, kept with a fingerprint so that a feature training never kept
//! finds nothing instead of a stranger's weights.
//!
//! A bucket is one cache line and a bit: eight 16-bit fingerprints, then eight rows of eight bytes.

use crate::weights::{BUCKET_ROWS, Error, Filter, Reader, Table, place, position, put};

/// Weights of a row: begin and inside of four kinds.
pub(crate) const ROW: usize = 8;
const BUCKET_BYTES: usize = BUCKET_ROWS * 2 + BUCKET_ROWS * ROW;
const BUCKETS_LOG2: std::ops::RangeInclusive<u32> = 2..=18;

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

    /// Adds up the weights of the features that have any. Without a branch on what is found, so that the memory answers
    /// the features side by side.
    #[inline]
    pub(crate) fn sum<const N: usize>(&self, features: &[u64; N]) -> [i16; ROW] {
        let (mut kept, mut count) = ([(0, [0; 2]); N], 0);
        for &feature in features {
            let (bucket, fingerprint) = place(feature, self.mask);
            kept[count] = (bucket, fingerprint);
            count += self.filter.may_hold(bucket, fingerprint);
        }
        let mut scores = [0; ROW];
        for &(bucket, fingerprint) in &kept[..count] {
            self.add(bucket, fingerprint, &mut scores);
        }
        scores
    }

    #[inline]
    fn add(&self, bucket: usize, fingerprint: [u8; 2], scores: &mut [i16; ROW]) {
        let bytes = self.buckets.get(bucket * BUCKET_BYTES..).and_then(|bytes| bytes.first_chunk::<BUCKET_BYTES>());
        let Some(bytes) = bytes else { return };
        let Some((fingerprints, rows)) = bytes.split_first_chunk() else { return };
        let hit = position(fingerprints, fingerprint);
        let held = -i16::from(hit < BUCKET_ROWS);
        let row = &rows.as_chunks::<ROW>().0[hit % BUCKET_ROWS];
        for (score, weight) in scores.iter_mut().zip(row) {
            *score += i16::from(*weight as i8) & held;
        }
    }

    /// Packs rows, the heaviest first: where a bucket is full, the lightest of its rows are left out.
    pub(crate) fn pack(rows: &[(u64, [i8; ROW])], log2: u32) -> Vec<u8> {
        assert!(BUCKETS_LOG2.contains(&log2), "{log2} is no bucket count");
        let mask = (1usize << log2) - 1;
        let mut order: Vec<&(u64, [i8; ROW])> = rows.iter().collect();
        order.sort_by_key(|(hash, row)| (std::cmp::Reverse(row.iter().map(|w| w.unsigned_abs()).max()), *hash));
        let mut bytes = vec![0u8; (mask + 1) * BUCKET_BYTES];
        for (hash, row) in order {
            let (bucket, fingerprint) = place(*hash, mask);
            let row = row.map(|weight| weight as u8);
            put(&mut bytes[bucket * BUCKET_BYTES..(bucket + 1) * BUCKET_BYTES], fingerprint, &row);
        }
        let mut table = log2.to_le_bytes().to_vec();
        table.append(&mut bytes);
        table
    }
}
