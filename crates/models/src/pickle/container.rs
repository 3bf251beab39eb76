//! Compressed files: which container it is, and its bytes under a limit.

use std::borrow::Cow;
use std::io::Read;

use super::{Fault, FaultKind, Limits};

/// Decoder memory (dictionary, window) that a stream may ask for.
const WINDOW_KIB_MAX: u32 = 100 << 10;

/// How the bytes of a file are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Container {
    Plain,
    Zlib,
    Gzip,
    Bzip2,
    Xz,
    LzmaAlone,
    Lz4,
    Zstd,
}

impl Container {
    /// Recognises a container by its first bytes, as joblib does (`joblib/numpy_pickle_utils.py`, `_detect_compressor`).
    pub(crate) fn of(bytes: &[u8]) -> Self {
        match bytes {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [b'B', b'Z', b'h', ..] => Self::Bzip2,
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Self::Xz,
            [0x5d, 0, 0, ..] => Self::LzmaAlone,
            [0x04, 0x22, 0x4d, 0x18, ..] => Self::Lz4,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            // RFC 1950: deflate with a 32 KiB window or less, header divisible by 31.
            [head @ (0x08 | 0x18 | 0x28 | 0x38 | 0x48 | 0x58 | 0x68 | 0x78), flags, ..]
                if (u16::from(*head) * 256 + u16::from(*flags)).is_multiple_of(31) =>
            {
                Self::Zlib
            }
            _ => Self::Plain,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Zlib => "zlib",
            Self::Gzip => "gzip",
            Self::Bzip2 => "bzip2",
            Self::Xz => "xz",
            Self::LzmaAlone => "lzma",
            Self::Lz4 => "lz4",
            Self::Zstd => "zstd",
        }
    }
}

/// The bytes inside, borrowed when the file is not compressed.
pub(crate) fn unpack<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Cow<'a, [u8]>, Fault> {
    if bytes.len() > limits.file_bytes_max {
        let what = format!("the file has {} bytes, more than the limit of {}", bytes.len(), limits.file_bytes_max);
        return Err(Fault::new(0, FaultKind::Limit, what));
    }
    let container = Container::of(bytes);
    let malformed = |error: &dyn std::fmt::Display| {
        Fault::new(0, FaultKind::Malformed, format!("the {} stream cannot be unpacked: {error}", container.name()))
    };
    let limit = limits.allowance(bytes.len());
    let unpacked = match container {
        Container::Plain => return Ok(Cow::Borrowed(bytes)),
        Container::Zlib => drain(flate2::bufread::ZlibDecoder::new(bytes), limit),
        Container::Gzip => drain(flate2::bufread::MultiGzDecoder::new(bytes), limit),
        Container::Bzip2 => drain(bzip2::bufread::MultiBzDecoder::new(bytes), limit),
        Container::Xz => drain(lzma_rust2::XzReader::new_mem_limit(bytes, true, WINDOW_KIB_MAX), limit),
        Container::LzmaAlone => {
            let reader = lzma_rust2::LzmaReader::new_mem_limit(bytes, WINDOW_KIB_MAX, None);
            reader.and_then(|reader| drain(reader, limit))
        }
        Container::Lz4 => drain(lz4_flex::frame::FrameDecoder::new(bytes), limit),
        Container::Zstd => {
            let window = u64::from(WINDOW_KIB_MAX) * 1024;
            let reader = ruzstd::decoding::StreamingDecoder::new_with_max_window_size(bytes, window)
                .map_err(|error| malformed(&error))?;
            drain(reader, limit)
        }
    }
    .map_err(|error| malformed(&error))?;
    if unpacked.len() > limit {
        let what = format!("the {} stream unpacks to more than {limit} bytes from {}", container.name(), bytes.len());
        return Err(Fault::new(0, FaultKind::Limit, what));
    }
    Ok(Cow::Owned(unpacked))
}

impl Limits {
    /// How many bytes a stored file of this size may unpack to.
    pub(crate) fn allowance(&self, stored: usize) -> usize {
        stored.saturating_mul(self.unpacked_ratio_max).max(self.unpacked_bytes_free).min(self.unpacked_bytes_max)
    }
}

/// Reads to the end, but at most one byte beyond the limit.
fn drain(reader: impl Read, limit: usize) -> std::io::Result<Vec<u8>> {
    let mut unpacked = Vec::new();
    reader.take(limit as u64 + 1).read_to_end(&mut unpacked)?;
    Ok(unpacked)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn zlib(bytes: &[u8]) -> Vec<u8> {
        let mut writer = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        writer.write_all(bytes).unwrap();
        writer.finish().unwrap()
    }

    #[test]
    fn a_bomb_is_refused_at_the_limit() {
        let limits = Limits { unpacked_bytes_free: 10_000, unpacked_ratio_max: 2, ..Limits::default() };
        assert_eq!(unpack(&zlib(&[0; 10_000]), &limits).unwrap().len(), 10_000);
        assert_eq!(unpack(&zlib(&[0; 10_001]), &limits).unwrap_err().kind, FaultKind::Limit);
    }

    #[test]
    fn every_container_unpacks_within_its_limit() {
        let bytes = vec![7; 100_000];
        let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::best());
        bzip2.write_all(&bytes).unwrap();
        let mut lz4 = lz4_flex::frame::FrameEncoder::new(Vec::new());
        lz4.write_all(&bytes).unwrap();
        let zstd = ruzstd::encoding::compress_to_vec(bytes.as_slice(), ruzstd::encoding::CompressionLevel::Fastest);
        let packed = [zlib(&bytes), bzip2.finish().unwrap(), lz4.finish().unwrap(), zstd];
        let tight = Limits { unpacked_bytes_free: 99_999, unpacked_ratio_max: 2, ..Limits::default() };
        for packed in packed {
            assert_eq!(unpack(&packed, &Limits::default()).unwrap().as_ref(), bytes, "{:?}", Container::of(&packed));
            assert_eq!(unpack(&packed, &tight).unwrap_err().kind, FaultKind::Limit);
        }
    }

    #[test]
    fn a_window_larger_than_the_limit_is_refused() {
        // LZMA with a dictionary of 4 GiB and a declared size of 1 EiB.
        let lzma = [0x5d, 0, 0, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0];
        assert_eq!(unpack(&lzma, &Limits::default()).unwrap_err().kind, FaultKind::Malformed);
    }

    #[test]
    fn plain_bytes_stay_where_they_are() {
        assert!(matches!(unpack(b"\x80\x04N.", &Limits::default()), Ok(Cow::Borrowed(_))));
    }
}
