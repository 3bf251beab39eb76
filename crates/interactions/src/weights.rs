//! The container of a trained model: a magic word, counts, tables, a checksum at the end. Little-endian throughout.
//!
//! Weights ship inside the program, yet they are read like any file: every length is checked against what is there
//! before anything is taken, and a changed byte is found by the checksum. Nothing here can panic on any bytes.

use std::borrow::Cow;

/// Why weights could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The first bytes are another file's, or another version's.
    #[error("weights do not start with the magic word {expected}")]
    Magic {
        /// The magic word of the model that was asked for.
        expected: &'static str,
    },
    /// Fewer or more bytes than the counts announce.
    #[error("weights end at byte {at}, which their counts do not announce")]
    Length {
        /// Where reading stopped.
        at: usize,
    },
    /// The bytes are not those that were written.
    #[error("weights do not match their checksum")]
    Checksum,
    /// A count is outside of its range.
    #[error("weights announce {count} {what}")]
    Count {
        /// What is counted.
        what: &'static str,
        /// The count found.
        count: u32,
    },
}

/// Bytes of a table: borrowed from the program, or owned by a model that was just trained.
pub(crate) type Table = Cow<'static, [u8]>;

/// Reads a container front to back.
pub(crate) struct Reader<'b> {
    bytes: &'b Table,
    at: usize,
    end: usize,
}

impl<'b> Reader<'b> {
    /// Checks magic word and checksum.
    pub(crate) fn open(bytes: &'b Table, magic: &'static str) -> Result<Reader<'b>, Error> {
        if !bytes.starts_with(magic.as_bytes()) {
            return Err(Error::Magic { expected: magic });
        }
        let Some((body, sum)) = bytes.split_last_chunk::<8>() else {
            return Err(Error::Length { at: bytes.len() });
        };
        if body.len() < magic.len() {
            return Err(Error::Length { at: bytes.len() });
        }
        if checksum(body) != u64::from_le_bytes(*sum) {
            return Err(Error::Checksum);
        }
        Ok(Reader { bytes, at: magic.len(), end: body.len() })
    }

    /// One number.
    pub(crate) fn u32(&mut self) -> Result<u32, Error> {
        let bytes = self.bytes[self.at..self.end].first_chunk::<4>().ok_or(Error::Length { at: self.at })?;
        self.at += 4;
        Ok(u32::from_le_bytes(*bytes))
    }

    /// One number that must lie in a range.
    pub(crate) fn count(&mut self, what: &'static str, range: std::ops::RangeInclusive<u32>) -> Result<usize, Error> {
        let count = self.u32()?;
        if range.contains(&count) { Ok(count as usize) } else { Err(Error::Count { what, count }) }
    }

    /// One floating point number; anything but a finite one is an error.
    pub(crate) fn f32(&mut self) -> Result<f32, Error> {
        let bits = self.u32()?;
        let value = f32::from_bits(bits);
        if value.is_finite() { Ok(value) } else { Err(Error::Count { what: "as a number", count: bits }) }
    }

    /// The next bytes, borrowed where the container is.
    pub(crate) fn table(&mut self, length: usize) -> Result<Table, Error> {
        if length > self.end - self.at {
            return Err(Error::Length { at: self.at });
        }
        let range = self.at..self.at + length;
        self.at = range.end;
        Ok(match self.bytes {
            Cow::Borrowed(bytes) => Cow::Borrowed(&bytes[range]),
            Cow::Owned(bytes) => Cow::Owned(bytes[range].to_vec()),
        })
    }

    /// Nothing may be left.
    pub(crate) fn close(self) -> Result<(), Error> {
        if self.at == self.end { Ok(()) } else { Err(Error::Length { at: self.at }) }
    }
}

/// Appends the checksum that [`Reader::open`] asks for.
pub(crate) fn seal(mut body: Vec<u8>) -> Vec<u8> {
    let sum = checksum(&body);
    body.extend_from_slice(&sum.to_le_bytes());
    body
}

/// A multiply-and-rotate sum over eight bytes at a time: finds changed bytes, is no signature.
fn checksum(bytes: &[u8]) -> u64 {
    let mut sum = bytes.len() as u64;
    for chunk in bytes.chunks(8) {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        sum = mix(sum, u64::from_le_bytes(word));
    }
    sum
}

/// One bit for each row of a table, to turn away most features that have none without asking the table itself: the bits
/// stay in a near cache, the table does not.
pub(crate) struct Filter {
    bits: Vec<u64>,
    mask: usize,
}

impl Filter {
    /// Bits a place of the table: one stranger in eight passes.
    const BITS: usize = 8;

    /// For a table of buckets that begin with eight fingerprints, zero where free.
    pub(crate) fn of(buckets: &[u8], bucket_bytes: usize) -> Filter {
        let count = (buckets.len() / bucket_bytes * 8 * Filter::BITS).next_power_of_two().max(64);
        let mut filter = Filter { bits: vec![0; count / 64], mask: count - 1 };
        for (bucket, bytes) in buckets.chunks_exact(bucket_bytes).enumerate() {
            for fingerprint in bytes[..16].as_chunks::<2>().0.iter().filter(|bytes| **bytes != [0, 0]) {
                let at = filter.place(bucket, *fingerprint);
                filter.bits[at / 64] |= 1 << (at % 64);
            }
        }
        filter
    }

    /// One where the table may hold the fingerprint in that bucket, else zero.
    #[inline]
    pub(crate) fn may_hold(&self, bucket: usize, fingerprint: [u8; 2]) -> usize {
        let at = self.place(bucket, fingerprint);
        (self.bits[at / 64] >> (at % 64) & 1) as usize
    }

    #[inline]
    fn place(&self, bucket: usize, fingerprint: [u8; 2]) -> usize {
        let joined = (bucket as u64) << 16 | u64::from(u16::from_le_bytes(fingerprint));
        (joined.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize & self.mask
    }
}

/// Rows of a bucket.
pub(crate) const BUCKET_ROWS: usize = 8;

/// Bucket and fingerprint of a feature; a fingerprint is never zero, which marks a free place.
#[inline]
pub(crate) fn place(feature: u64, mask: usize) -> (usize, [u8; 2]) {
    ((feature >> 40) as usize & mask, ((feature as u16).max(1)).to_le_bytes())
}

/// Puts a row into the first free place of a bucket: eight fingerprints, then eight rows. One whose fingerprint is there
/// already, and one that finds no place, is left out.
pub(crate) fn put(bucket: &mut [u8], fingerprint: [u8; 2], row: &[u8]) {
    let held = |at: &usize| matches!(&bucket[at * 2..at * 2 + 2], f if f == [0, 0] || f == fingerprint);
    let Some(at) = (0..BUCKET_ROWS).find(held).filter(|at| bucket[at * 2..at * 2 + 2] == [0, 0]) else { return };
    bucket[at * 2..at * 2 + 2].copy_from_slice(&fingerprint);
    let first = BUCKET_ROWS * 2 + at * row.len();
    bucket[first..first + row.len()].copy_from_slice(row);
}

/// The place of a 16-bit fingerprint among eight, or eight where it is not. All eight are compared at once and without a
/// branch (the zero test of Mycroft, 1987: exact for the lowest lane that is zero).
#[inline]
pub(crate) fn position(fingerprints: &[u8; 16], fingerprint: [u8; 2]) -> usize {
    const ONES: u64 = 0x0001_0001_0001_0001;
    let wanted = u64::from(u16::from_le_bytes(fingerprint)) * ONES;
    let zero = |four: &[u8]| {
        let lanes = four.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes)) ^ wanted;
        lanes.wrapping_sub(ONES) & !lanes & (ONES << 15)
    };
    let (low, high) = (zero(&fingerprints[..8]), zero(&fingerprints[8..]));
    let (lanes, first) = if low == 0 { (high, 4) } else { (low, 0) };
    first + lanes.trailing_zeros() as usize / 16
}

/// Joins two hashes into one, order-sensitive (the finalizer of SplitMix64, Steele, Lea and Flood 2014, in one round).
#[inline]
pub(crate) fn mix(a: u64, b: u64) -> u64 {
    let joined = (a.rotate_left(23) ^ b).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (joined ^ (joined >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9)
}

/// Hash of a text's characters.
#[inline]
pub(crate) fn hash_chars(chars: impl Iterator<Item = char>) -> u64 {
    chars.fold(0x5bd1_e995, step)
}

/// One more character of a running hash.
#[inline]
pub(crate) fn step(hash: u64, c: char) -> u64 {
    let joined = (hash ^ u64::from(u32::from(c))).wrapping_mul(0x2127_599b_f432_5c37);
    joined ^ (joined >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Vec<u8> {
        let mut body = b"MAGIC1".to_vec();
        body.extend_from_slice(&7u32.to_le_bytes());
        body.extend_from_slice(b"table");
        seal(body)
    }

    fn read(bytes: Vec<u8>) -> Result<(usize, Vec<u8>), Error> {
        let bytes = Cow::Owned(bytes);
        let mut reader = Reader::open(&bytes, "MAGIC1")?;
        let count = reader.count("things", 1..=7)?;
        let table = reader.table(5)?.into_owned();
        reader.close()?;
        Ok((count, table))
    }

    #[test]
    fn what_was_sealed_is_read_back() {
        assert_eq!(read(sample()), Ok((7, b"table".to_vec())));
    }

    #[test]
    fn any_changed_byte_and_any_other_length_is_an_error() {
        let sealed = sample();
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 0x10;
            assert!(read(changed).is_err(), "byte {at}");
            assert!(read(sealed[..at].to_vec()).is_err(), "{at} bytes");
        }
        assert!(read([sealed, vec![0]].concat()).is_err());
    }

    #[test]
    fn a_fingerprint_is_found_in_each_place_and_nowhere_else() {
        let bytes: [u8; 16] = std::array::from_fn(|at| if at % 2 == 0 { at as u8 / 2 } else { 0x80 });
        for place in 0..8 {
            assert_eq!(position(&bytes, [place as u8, 0x80]), place);
        }
        assert_eq!(position(&bytes, [8, 0x80]), 8);
        assert_eq!(position(&bytes, [1, 0x7f]), 8);
    }

    #[test]
    fn counts_outside_of_their_range_are_named() {
        let mut body = b"MAGIC1".to_vec();
        body.extend_from_slice(&8u32.to_le_bytes());
        assert_eq!(read(seal(body)), Err(Error::Count { what: "things", count: 8 }));
    }
}
