//! The frames on the pipe: a length, a kind, a body; all numbers little-endian.
//!
//! A frame is `u32` bytes that follow, `u8` kind, body. After a frame of kind [`OPEN`] or [`SCAN`] the announced bytes
//! of the file follow outside of any frame.

use std::io::{self, Read, Write};

/// Requests.
pub(super) const CONFINE: u8 = 0x01;
pub(super) const OPEN: u8 = 0x02;
pub(super) const SCAN: u8 = 0x03;
pub(super) const PREDICT: u8 = 0x04;
pub(super) const VALUES: u8 = 0x05;
pub(super) const ANSWERS: u8 = 0x06;
pub(super) const EXPLAIN: u8 = 0x07;
/// Answers.
pub(super) const CONFINED: u8 = 0x81;
pub(super) const OPENED: u8 = 0x82;
pub(super) const SCANNED: u8 = 0x83;
pub(super) const PREDICTED: u8 = 0x84;
pub(super) const VALUED: u8 = 0x85;
pub(super) const ANSWERED: u8 = 0x86;
pub(super) const EXPLAINED: u8 = 0x87;
pub(super) const REFUSED: u8 = 0xff;

/// Longest request; rows go in batches below it.
pub(super) const REQUEST_BYTES_MAX: usize = 256 << 20;
/// Longest text in a message: a cell is at most as long as a line of a data file.
pub(super) const TEXT_BYTES_MAX: usize = 64 << 20;

/// Bytes that are no message of this protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct Malformed(pub(super) &'static str);

/// A received message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) kind: u8,
    pub(super) body: Vec<u8>,
}

impl Frame {
    /// Reads one, or `None` at the end of the stream. A body above `body_bytes_max` is refused unread.
    pub(super) fn read(input: &mut impl Read, body_bytes_max: usize) -> io::Result<Option<Self>> {
        let mut head = [0; 5];
        match input.read(&mut head[..1])? {
            0 => return Ok(None),
            _ => input.read_exact(&mut head[1..])?,
        }
        let length = u32::from_le_bytes([head[0], head[1], head[2], head[3]]) as usize;
        let body_bytes = length.checked_sub(1).filter(|bytes| *bytes <= body_bytes_max);
        let body_bytes =
            body_bytes.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "a message of that length"))?;
        let mut body = vec![0; body_bytes];
        input.read_exact(&mut body)?;
        Ok(Some(Self { kind: head[4], body }))
    }
}

/// Makes a message.
#[derive(Debug)]
pub(super) struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    pub(super) fn request(kind: u8) -> Self {
        Self { bytes: vec![0, 0, 0, 0, kind] }
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn u8(&mut self, value: u8) {
        self.bytes.push(value);
    }

    pub(super) fn u16(&mut self, value: u16) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    pub(super) fn u32(&mut self, value: u32) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    pub(super) fn u64(&mut self, value: u64) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    /// A count; nothing here is ever as long as 2^32, which batches and limits see to.
    pub(super) fn count(&mut self, value: usize) {
        self.u32(u32::try_from(value).expect("batches and limits keep counts under 2^32"));
    }

    pub(super) fn text(&mut self, value: &str) {
        self.count(value.len());
        self.bytes.extend_from_slice(value.as_bytes());
    }

    pub(super) fn raw(&mut self, value: &[u8]) {
        self.bytes.extend_from_slice(value);
    }

    pub(super) fn u32s(&mut self, values: impl Iterator<Item = u32>) {
        values.for_each(|value| self.u32(value));
    }

    pub(super) fn f64s(&mut self, values: &[f64]) {
        self.bytes.reserve(values.len() * 8);
        values.iter().for_each(|value| self.bytes.extend_from_slice(&value.to_le_bytes()));
    }

    /// The whole frame.
    pub(super) fn finish(mut self) -> Vec<u8> {
        let length = u32::try_from(self.bytes.len() - 4).expect("batches and limits keep messages under 4 GiB");
        self.bytes[..4].copy_from_slice(&length.to_le_bytes());
        self.bytes
    }

    pub(super) fn send(self, output: &mut impl Write) -> io::Result<()> {
        output.write_all(&self.finish())?;
        output.flush()
    }
}

/// Takes a message apart; every length is held against the bytes that are left.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn new(body: &'a [u8]) -> Self {
        Self { rest: body }
    }

    fn take(&mut self, bytes: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.rest.split_at_checked(bytes).ok_or(Malformed("a message is shorter than it says"))?;
        self.rest = rest;
        Ok(taken)
    }

    pub(super) fn u8(&mut self) -> Result<u8, Malformed> {
        Ok(self.take(1)?[0])
    }

    pub(super) fn u16(&mut self) -> Result<u16, Malformed> {
        Ok(u16::from_le_bytes(self.take(2)?.try_into().expect("two bytes were taken")))
    }

    pub(super) fn u32(&mut self) -> Result<u32, Malformed> {
        Ok(u32::from_le_bytes(self.take(4)?.try_into().expect("four bytes were taken")))
    }

    pub(super) fn u64(&mut self) -> Result<u64, Malformed> {
        Ok(u64::from_le_bytes(self.take(8)?.try_into().expect("eight bytes were taken")))
    }

    /// A count of things of at least `bytes_each` bytes, so no more than the message can hold.
    pub(super) fn count(&mut self, bytes_each: usize) -> Result<usize, Malformed> {
        let count = self.u32()? as usize;
        if count.saturating_mul(bytes_each.max(1)) > self.rest.len() {
            return Err(Malformed("a message announces more than it holds"));
        }
        Ok(count)
    }

    pub(super) fn text(&mut self, bytes_max: usize) -> Result<&'a str, Malformed> {
        let bytes = self.u32()? as usize;
        if bytes > bytes_max {
            return Err(Malformed("a text is longer than it may be"));
        }
        std::str::from_utf8(self.take(bytes)?).map_err(|_| Malformed("a text is not UTF-8"))
    }

    pub(super) fn u32s(&mut self, count: usize) -> Result<Vec<u32>, Malformed> {
        let bytes = self.take(count.checked_mul(4).ok_or(Malformed("a count is too large"))?)?;
        Ok(bytes.as_chunks::<4>().0.iter().map(|bytes| u32::from_le_bytes(*bytes)).collect())
    }

    pub(super) fn f64s(&mut self, count: usize) -> Result<Vec<f64>, Malformed> {
        let bytes = self.take(count.checked_mul(8).ok_or(Malformed("a count is too large"))?)?;
        Ok(bytes.as_chunks::<8>().0.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect())
    }

    /// Nothing may be left.
    pub(super) fn end(self) -> Result<(), Malformed> {
        if self.rest.is_empty() { Ok(()) } else { Err(Malformed("a message is longer than it says")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_comes_back_as_it_went() {
        let mut writer = Writer::request(OPEN);
        writer.u8(7);
        writer.u64(1 << 40);
        writer.text("é");
        writer.f64s(&[1.5, f64::INFINITY]);
        writer.u32s([1, 2, 3].into_iter());
        let bytes = writer.finish();
        let frame = Frame::read(&mut bytes.as_slice(), 100).unwrap().unwrap();
        assert_eq!(frame.kind, OPEN);
        let mut reader = Reader::new(&frame.body);
        assert_eq!((reader.u8(), reader.u64(), reader.text(9)), (Ok(7), Ok(1 << 40), Ok("é")));
        assert_eq!(reader.f64s(2).unwrap(), [1.5, f64::INFINITY]);
        assert_eq!(reader.u32s(3).unwrap(), [1, 2, 3]);
        reader.end().unwrap();
    }

    #[test]
    fn what_is_announced_is_held_against_what_is_there() {
        assert!(Frame::read(&mut [0xff, 0xff, 0xff, 0xff, OPEN].as_slice(), 1 << 20).is_err());
        assert!(Frame::read(&mut [0, 0, 0, 0, OPEN].as_slice(), 10).is_err());
        assert!(Frame::read(&mut [9, 0].as_slice(), 10).is_err());
        assert!(Frame::read(&mut [].as_slice(), 10).unwrap().is_none());
        // A body at the limit passes, one above it does not.
        assert!(Frame::read(&mut [3, 0, 0, 0, OPEN, 1, 2].as_slice(), 2).unwrap().is_some());
        assert!(Frame::read(&mut [3, 0, 0, 0, OPEN, 1, 2].as_slice(), 1).is_err());
        assert!(Reader::new(&[255, 255, 255, 255]).count(1).is_err());
        assert!(Reader::new(&[2, 0, 0, 0, 1, 1]).text(1).is_err());
        assert!(Reader::new(&[1, 0, 0, 0, 0xff]).text(1).is_err());
        assert!(Reader::new(&[1]).f64s(usize::MAX).is_err());
        assert!(Reader::new(&[1]).end().is_err());
    }
}
