//! Page sizes are checked before anything is decoded: the decoder allocates what a page header declares, and with some
//! codecs whatever the page unpacks to, so a file of some kilobytes could ask for gigabytes.
//!
//! Headers are Thrift structs in the compact protocol (Apache Thrift, thrift-compact-protocol.md); only the page type
//! and the two sizes are read (`PageHeader` in parquet.thrift: fields 1 to 3), the rest is skipped.

use std::fs::File;

use ::parquet::basic::{Compression, Encoding};
use ::parquet::file::metadata::ColumnChunkMetaData;

use crate::csv::read_full;

/// Largest page, unpacked. Writers make pages of about 1 MiB; one page a column chunk is the largest seen.
const PAGE_BYTES_MAX: u64 = 256 << 20;
/// Largest packed page of a codec whose decoder does not stop at the declared size (gzip packs up to 1,032 : 1).
const UNBOUNDED_BYTES_MAX: u64 = 2 << 20;
/// Largest page whose values may be repeated without taking space: a dictionary, or texts that share beginnings.
const SHARED_BYTES_MAX: u64 = 16 << 20;
/// Longest page header: statistics may hold two values of the column.
const HEADER_BYTES_MAX: usize = 64 << 10;
/// Deepest nesting of a header.
const DEPTH_MAX: u32 = 8;

/// Checks all pages of a column chunk. Returns how many bytes one of its values may take: the size of the largest page
/// whose values need no space of their own, 0 without such pages.
pub(super) fn check(file: &File, file_bytes: u64, chunk: &ColumnChunkMetaData) -> Result<u64, String> {
    let damaged = || "the file is damaged".to_owned();
    // The decoder panics on negative offsets, so these are looked at by hand.
    let start = chunk.dictionary_page_offset().filter(|&start| start > 0).unwrap_or(chunk.data_page_offset());
    let (start, length) = (u64::try_from(start), u64::try_from(chunk.compressed_size()));
    let (Ok(start), Ok(length)) = (start, length) else { return Err(damaged()) };
    let end = start.checked_add(length).filter(|&end| end <= file_bytes).ok_or_else(damaged)?;
    let unbounded = matches!(chunk.compression(), Compression::GZIP(_) | Compression::LZ4 | Compression::BROTLI(_));
    let front_coded = chunk.encodings().any(|encoding| encoding == Encoding::DELTA_BYTE_ARRAY);
    let mut shared = 0;
    let mut buffer = vec![0; 256];
    let mut offset = start;
    while offset < end {
        let header = loop {
            let most = buffer.len().min(usize::try_from(end - offset).unwrap_or(usize::MAX));
            let read = read_full(file, &mut buffer[..most], offset).map_err(|error| error.to_string())?;
            match Header::read(&buffer[..read]) {
                Some(header) => break header,
                None if read < buffer.len() || read >= HEADER_BYTES_MAX => return Err(damaged()),
                None => buffer.resize(buffer.len() * 4, 0),
            }
        };
        let sharing = header.kind == DICTIONARY_PAGE || front_coded;
        if header.unpacked > if sharing { SHARED_BYTES_MAX } else { PAGE_BYTES_MAX }
            || unbounded && header.packed > UNBOUNDED_BYTES_MAX
        {
            return Err(format!(
                "a page unpacks from {} to {} bytes, more than accepted; write the file again with smaller pages",
                header.packed, header.unpacked
            ));
        }
        shared = if sharing { header.unpacked.max(shared) } else { shared };
        offset += header.length as u64 + header.packed;
    }
    if offset == end { Ok(shared) } else { Err(damaged()) }
}

/// `PageType::DICTIONARY_PAGE` in parquet.thrift.
const DICTIONARY_PAGE: i64 = 2;

/// Sizes of a page.
struct Header {
    kind: i64,
    unpacked: u64,
    packed: u64,
    /// Of the header itself.
    length: usize,
}

impl Header {
    fn read(bytes: &[u8]) -> Option<Self> {
        let mut thrift = Thrift { bytes, at: 0 };
        let (mut kind_of_page, mut unpacked, mut packed, mut field) = (None, None, None, 0);
        while let Some(kind) = thrift.field(&mut field)? {
            match (field, kind) {
                (1, I32) => kind_of_page = Some(thrift.integer()?),
                (2, I32) => unpacked = Some(thrift.integer()?),
                (3, I32) => packed = Some(thrift.integer()?),
                _ => thrift.skip(kind, 0)?,
            }
        }
        let size = |size: Option<i64>| u64::try_from(size?).ok();
        Some(Self { kind: kind_of_page?, unpacked: size(unpacked)?, packed: size(packed)?, length: thrift.at })
    }
}

const I32: u8 = 5;

struct Thrift<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Thrift<'_> {
    fn byte(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..70).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f).checked_shl(shift)?;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn integer(&mut self) -> Option<i64> {
        let value = self.varint()?;
        Some((value >> 1).cast_signed() ^ -((value & 1).cast_signed()))
    }

    /// The type of the next field and its number in `field`; the inner `None` at the end of the struct.
    fn field(&mut self, field: &mut i64) -> Option<Option<u8>> {
        let byte = self.byte()?;
        if byte == 0 {
            return Some(None);
        }
        *field = if byte >> 4 == 0 { self.integer()? } else { *field + i64::from(byte >> 4) };
        Some(Some(byte & 0xf))
    }

    fn skip(&mut self, kind: u8, depth: u32) -> Option<()> {
        if depth > DEPTH_MAX {
            return None;
        }
        match kind {
            1 | 2 => {}
            3 => self.skip_bytes(1)?,
            4..=6 => drop(self.varint()?),
            7 => self.skip_bytes(8)?,
            8 => {
                let length = usize::try_from(self.varint()?).ok()?;
                self.skip_bytes(length)?;
            }
            12 => {
                let mut field = 0;
                while let Some(kind) = self.field(&mut field)? {
                    self.skip(kind, depth + 1)?;
                }
            }
            // Lists, sets and maps do not occur in page headers.
            _ => return None,
        }
        Some(())
    }

    fn skip_bytes(&mut self, count: usize) -> Option<()> {
        self.at = self.at.checked_add(count).filter(|&at| at <= self.bytes.len())?;
        Some(())
    }
}
