//! Arrays on their way out: a `.npz` as `numpy.savez` writes it, a zip of arrays that are stored as they are.
//!
//! The same arrays make the same bytes: nothing in the file says when it was made.

use std::io::{self, Write};

/// An array to be written.
#[derive(Debug, Clone, PartialEq)]
pub struct Written {
    /// Its name, without `.npy`.
    pub name: String,
    /// Extent of each dimension.
    pub shape: Vec<usize>,
    /// Its elements in C order, as many as the shape says.
    pub cells: Cells,
}

/// Elements by type.
#[derive(Debug, Clone, PartialEq)]
pub enum Cells {
    /// `float64`.
    Floats(Vec<f64>),
    /// `int64`.
    Integers(Vec<i64>),
    /// `bool`.
    Truths(Vec<bool>),
    /// Texts, as wide as the longest of them.
    Texts(Vec<String>),
}

/// Where zip has room for sizes and places (appnote 4.4.8, 4.4.16).
const ZIP_BYTES_MAX: usize = u32::MAX as usize;
/// Midnight on 1 January 1980, where the time of zip begins.
const DATE: u16 = 0x21;

/// Writes a `.npz` of up to 65,535 arrays and 4 GiB.
///
/// # Errors
/// Those of `out`, and [`io::ErrorKind::FileTooLarge`] for more.
///
/// # Panics
/// When an array has not as many elements as its shape says.
pub fn write_arrays(arrays: &[Written], out: &mut impl Write) -> io::Result<()> {
    let too_large = || io::Error::from(io::ErrorKind::FileTooLarge);
    let size = |bytes: usize| u32::try_from(bytes).map_err(|_| too_large());
    let count = u16::try_from(arrays.len()).map_err(|_| too_large())?;
    let mut directory = Vec::new();
    let mut written = 0_usize;
    for array in arrays {
        let bytes = npy(array);
        let name = format!("{}.npy", array.name);
        let mut crc = flate2::Crc::new();
        crc.update(&bytes);
        // Version 2.0, no flags but that names are UTF-8, stored, time, checksum, both sizes, name, nothing more.
        let mut common = Vec::new();
        [20, 0x800, 0, 0, DATE].iter().for_each(|value: &u16| common.extend(value.to_le_bytes()));
        [crc.sum(), size(bytes.len())?, size(bytes.len())?].iter().for_each(|value| common.extend(value.to_le_bytes()));
        common.extend(u16::try_from(name.len()).map_err(|_| too_large())?.to_le_bytes());
        common.extend(0_u16.to_le_bytes());
        directory.extend([b"PK\x01\x02".as_slice(), &20_u16.to_le_bytes(), &common].concat());
        // No comment, the first disk, no attributes, where it lies.
        directory.extend([0; 10]);
        directory.extend(size(written)?.to_le_bytes());
        directory.extend(name.as_bytes());
        let head = [b"PK\x03\x04".as_slice(), &common, name.as_bytes()].concat();
        written += head.len() + bytes.len();
        if written > ZIP_BYTES_MAX {
            return Err(too_large());
        }
        out.write_all(&head)?;
        out.write_all(&bytes)?;
    }
    out.write_all(&directory)?;
    let mut end = b"PK\x05\x06\0\0\0\0".to_vec();
    [count, count].iter().for_each(|value| end.extend(value.to_le_bytes()));
    [size(directory.len())?, size(written)?].iter().for_each(|value| end.extend(value.to_le_bytes()));
    end.extend(0_u16.to_le_bytes());
    out.write_all(&end)?;
    out.flush()
}

/// An array in version 1 of the format.
fn npy(array: &Written) -> Vec<u8> {
    let width = |texts: &[String]| texts.iter().map(|text| text.chars().count()).max().unwrap_or(0).max(1);
    let (dtype, count) = match &array.cells {
        Cells::Floats(values) => ("<f8".to_owned(), values.len()),
        Cells::Integers(values) => ("<i8".to_owned(), values.len()),
        Cells::Truths(values) => ("|b1".to_owned(), values.len()),
        Cells::Texts(texts) => (format!("<U{}", width(texts)), texts.len()),
    };
    assert_eq!(array.shape.iter().product::<usize>(), count, "an array has as many elements as its shape says");
    let extents: Vec<String> = array.shape.iter().map(ToString::to_string).collect();
    let comma = if extents.len() == 1 { "," } else { "" };
    let mut header =
        format!("{{'descr': '{dtype}', 'fortran_order': False, 'shape': ({}{comma}), }}", extents.join(", "));
    // Magic, version and length of the header take ten bytes; the elements begin at a multiple of 64.
    let padding = (64 - (10 + header.len() + 1) % 64) % 64;
    header.extend(std::iter::repeat_n(' ', padding));
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    match &array.cells {
        Cells::Floats(values) => values.iter().for_each(|value| bytes.extend(value.to_le_bytes())),
        Cells::Integers(values) => values.iter().for_each(|value| bytes.extend(value.to_le_bytes())),
        Cells::Truths(values) => bytes.extend(values.iter().map(|value| u8::from(*value))),
        Cells::Texts(texts) => {
            let width = width(texts);
            for text in texts {
                let letters = text.chars().map(u32::from).chain(std::iter::repeat(0)).take(width);
                letters.for_each(|letter| bytes.extend(letter.to_le_bytes()));
            }
        }
    }
    bytes
}
