//! Rows that come as arrays of numpy: `.npy`, and `.npz`, a zip of them; and answers that go out as such ([`write_arrays`]).
//!
//! Format: `numpy/lib/format.py` (versions 1 to 3). An array of objects is a pickle and is refused; nothing is executed.

mod write;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Read;
use std::sync::LazyLock;

use assize_tables::{Column, ColumnData, Table};
use regex::bytes::Regex;

pub use write::{Cells, Written, write_arrays};

use crate::pickle::{Array, Dtype, Kind, Limits};
use crate::predictor::Error;
use crate::scan::archives::{Member, directory};

/// Arrays of one file.
const ARRAYS_MAX: usize = 256;
/// Numbers, and texts, of one array.
const NUMBERS_MAX: usize = 1 << 27;
const TEXTS_MAX: usize = 1 << 24;
/// Columns of a table made of an array.
const COLUMNS_MAX: usize = 1 << 20;

/// The header that numpy writes, of arrays without records.
static HEADER: LazyLock<Regex> = LazyLock::new(|| {
    let header = r"^\{'descr': '([^']{1,12})', 'fortran_order': (True|False), 'shape': \(([0-9, ]{0,100})\), \} *\n$";
    Regex::new(header).expect("the pattern is well-formed")
});

/// One array.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedArray {
    /// Its name in the `.npz`; empty for a `.npy`.
    pub name: String,
    /// Extent of each dimension; none for a single value.
    pub shape: Vec<usize>,
    /// Its elements in C order.
    pub elements: Elements,
}

/// Elements of an array.
#[derive(Debug, Clone, PartialEq)]
pub enum Elements {
    /// Truth values, integers and floats of any width.
    Numbers(Vec<f64>),
    /// Texts.
    Texts(Vec<String>),
}

/// Reads the arrays of a `.npy` or `.npz` file, in the order of the file.
///
/// At most 256 arrays of 2^27 numbers or 2^24 texts each; what the members of a zip unpack to is held to the limits of
/// a compressed model file.
///
/// # Errors
/// [`Error::Unreadable`] when the bytes are neither, are damaged or beyond a limit, or hold an array of objects, records,
/// times or complex numbers.
pub fn read_arrays(bytes: &[u8], limits: &Limits) -> Result<Vec<NamedArray>, Error> {
    if bytes.len() > limits.file_bytes_max {
        let most = limits.file_bytes_max;
        return Err(refusal(format!("the file has {} bytes, more than the limit of {most}", bytes.len())));
    }
    if bytes.starts_with(b"\x93NUMPY") {
        return Ok(vec![read_one(bytes, String::new())?]);
    }
    if !bytes.starts_with(b"PK") {
        return Err(refusal("it is neither an array of numpy nor a zip of arrays"));
    }
    let members = directory(bytes).ok_or_else(|| refusal("the directory of the zip cannot be read"))?;
    if members.len() > ARRAYS_MAX {
        return Err(refusal(format!("it has more than {ARRAYS_MAX} arrays")));
    }
    let mut left = limits.allowance(bytes.len());
    let mut arrays: Vec<NamedArray> = Vec::with_capacity(members.len());
    for member in &members {
        let Some(name) = member.name.strip_suffix(".npy") else {
            return Err(refusal(format!("its member {:?} is no array", member.name)));
        };
        if arrays.iter().any(|array| array.name == name) {
            return Err(refusal(format!("it has two arrays of the name {name:?}")));
        }
        let unpacked = unpack(bytes, member, left).map_err(|why| refusal(format!("the array {name:?} {why}")))?;
        left -= unpacked.len();
        arrays.push(read_one(&unpacked, name.to_owned())?);
    }
    Ok(arrays)
}

fn refusal(why: impl Into<String>) -> Error {
    Error::Unreadable(why.into())
}

fn unpack<'b>(bytes: &'b [u8], member: &Member, most: usize) -> Result<Cow<'b, [u8]>, String> {
    if member.encrypted {
        return Err("is encrypted".to_owned());
    }
    let packed = member.packed(bytes).ok_or("lies outside the file")?;
    let unpacked = match member.method {
        0 => Cow::Borrowed(packed),
        8 => {
            let mut unpacked = Vec::new();
            let reader = flate2::bufread::DeflateDecoder::new(packed);
            let read = reader.take(most as u64 + 1).read_to_end(&mut unpacked);
            read.map_err(|error| format!("cannot be unpacked: {error}"))?;
            Cow::Owned(unpacked)
        }
        other => return Err(format!("is compressed in a way that is not known ({other})")),
    };
    if unpacked.len() > most { Err("unpacks to more than the limit".to_owned()) } else { Ok(unpacked) }
}

fn read_one(bytes: &[u8], name: String) -> Result<NamedArray, Error> {
    let odd = |why: &str| refusal(format!("the array {name:?}: {why}"));
    let cut = || odd("its header is cut off");
    let wide = match bytes.get(6).ok_or_else(cut)? {
        1 => false,
        2 | 3 => true,
        _ => return Err(odd("its version is not known")),
    };
    let start = if wide { 12 } else { 10 };
    let length = bytes.get(8..start).ok_or_else(cut)?;
    let length = length.iter().rev().fold(0_usize, |value, byte| value << 8 | usize::from(*byte));
    let header = bytes.get(start..).and_then(|rest| rest.get(..length)).ok_or_else(cut)?;
    let fields = HEADER.captures(header).ok_or_else(|| odd("its header is not one of numbers or texts"))?;
    let text = |at: usize| std::str::from_utf8(&fields[at]).map_err(|_| odd("its header is no text"));
    let dtype = Dtype::parse(text(1)?).ok_or_else(|| odd("its elements are of a kind that is not read"))?;
    let extents: Option<Vec<usize>> = text(3)?
        .split(',')
        .map(str::trim)
        .filter(|extent| !extent.is_empty())
        .map(|extent| extent.parse().ok())
        .collect();
    let shape = extents.ok_or_else(|| odd("its shape is not understood"))?;
    let is_text = matches!(dtype.kind, Kind::Text | Kind::Bytes);
    let data = Cow::Borrowed(&bytes[start + length..]);
    let array = match dtype.kind {
        Kind::Object => return Err(odd("objects are a pickle, and are not read")),
        Kind::Record(_) => return Err(odd("records are not read")),
        _ => Array::of_bytes(dtype, shape, text(2)? == "True", data),
    };
    let array = array.ok_or_else(|| odd("its shape does not fit its bytes"))?;
    if array.count() > if is_text { TEXTS_MAX } else { NUMBERS_MAX } {
        return Err(odd("it has too many elements"));
    }
    let elements = if is_text {
        array.texts().map(Elements::Texts)
    } else {
        array.numbers().map(|numbers| Elements::Numbers(numbers.values))
    };
    let elements = elements.ok_or_else(|| odd("an element is not understood"))?;
    Ok(NamedArray { name, shape: array.shape, elements })
}

impl NamedArray {
    /// The array as rows of a table. One dimension is one column, two are rows and columns. Columns have the names given,
    /// or their positions from zero.
    ///
    /// # Errors
    /// [`Error::Input`] for other dimensions, more than 2^20 columns, or names that are not as many as the columns.
    pub fn into_table(self, names: Option<&[String]>) -> Result<Table, Error> {
        let (rows, width) = match self.shape.as_slice() {
            [rows] => (*rows, 1),
            [rows, columns] if *columns <= COLUMNS_MAX => (*rows, *columns),
            shape => {
                let expected = format!("an array of rows and at most {COLUMNS_MAX} columns");
                return Err(Error::Input { expected, found: format!("one of the shape {shape:?}") });
            }
        };
        if names.is_some_and(|names| names.len() != width) {
            let expected = format!("{} columns", names.map_or(0, <[String]>::len));
            return Err(Error::Input { expected, found: width.to_string() });
        }
        let name = |at: usize| names.map_or_else(|| at.to_string(), |names| names[at].clone());
        let columns = (0..width).map(|at| Column {
            name: name(at),
            data: match &self.elements {
                Elements::Numbers(values) => {
                    ColumnData::Numeric(values.iter().skip(at).step_by(width).copied().collect())
                }
                Elements::Texts(texts) => categorical(texts.iter().skip(at).step_by(width)),
            },
        });
        Ok(Table { columns: columns.collect(), rows })
    }
}

/// Texts by their levels, in the order in which they come.
fn categorical<'t>(texts: impl Iterator<Item = &'t String>) -> ColumnData {
    let mut places: BTreeMap<&str, u32> = BTreeMap::new();
    let mut levels = Vec::new();
    let codes = texts.map(|text| {
        *places.entry(text).or_insert_with(|| {
            levels.push(text.clone());
            levels.len() as u32 - 1
        })
    });
    ColumnData::Categorical { codes: codes.collect(), levels }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn npy(descr: &str, fortran: &str, shape: &str, data: &[u8]) -> Vec<u8> {
        let header = format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': ({shape}), }}\n");
        let length = (header.len() as u16).to_le_bytes();
        [b"\x93NUMPY\x01\x00".as_slice(), &length, header.as_bytes(), data].concat()
    }

    fn numbers(bytes: &[u8]) -> Result<(Vec<usize>, Vec<f64>), String> {
        let array = read_arrays(bytes, &Limits::default()).map_err(|error| error.to_string())?.remove(0);
        match array.elements {
            Elements::Numbers(values) => Ok((array.shape, values)),
            Elements::Texts(_) => Err("texts".to_owned()),
        }
    }

    #[test]
    fn numbers_of_any_width_and_order_are_read() {
        let expected = Ok((vec![2, 2], vec![1.0, 2.0, 3.0, 4.0]));
        assert_eq!(numbers(&npy("|u1", "False", "2, 2", &[1, 2, 3, 4])), expected);
        assert_eq!(numbers(&npy("|u1", "True", "2, 2", &[1, 3, 2, 4])), expected);
        assert_eq!(numbers(&npy(">i2", "False", "2, 2", &[0, 1, 0, 2, 0, 3, 0, 4])), expected);
        let single = [1.5_f32, -2.0].map(f32::to_le_bytes).concat();
        assert_eq!(numbers(&npy("<f4", "False", "2,", &single)), Ok((vec![2], vec![1.5, -2.0])));
    }

    #[test]
    fn what_is_no_array_of_numbers_or_texts_is_refused() {
        for (bytes, word) in [
            (npy("|O", "False", "1,", b"cos\nsystem\n."), "pickle"),
            (npy("<M8[s]", "False", "1,", &[0; 8]), "kind"),
            (npy("<c16", "False", "1,", &[0; 16]), "kind"),
            (npy("<f8", "False", "2,", &[0; 8]), "shape"),
            (npy("<f8", "False", "99999999999, 99999999999", &[0; 8]), "shape"),
            (npy("<f8", "Maybe", "1,", &[0; 8]), "header"),
            (b"\x93NUMPY\x02\x00\xff\xff\xff\xff".to_vec(), "cut off"),
            (b"\x93NUMPY\x09\x00".to_vec(), "version"),
            (b"a,b\n1,2\n".to_vec(), "neither"),
            (b"PK\x03\x04".to_vec(), "directory"),
        ] {
            let error = numbers(&bytes).unwrap_err();
            assert!(error.contains(word), "{error:?} does not contain {word:?}");
        }
    }

    #[test]
    fn rows_become_a_table() {
        let array = |bytes: &[u8]| read_arrays(bytes, &Limits::default()).unwrap().remove(0);
        let names = ["a".to_owned(), "b".to_owned()];
        let table = array(&npy("|u1", "False", "2, 2", &[1, 2, 3, 4])).into_table(Some(&names)).unwrap();
        assert_eq!((table.rows, table.columns[1].name.as_str()), (2, "b"));
        assert_eq!(table.columns[1].data, ColumnData::Numeric(vec![2.0, 4.0]));
        let texts = array(&npy("|S1", "False", "3,", b"yny")).into_table(None).unwrap();
        let expected = ColumnData::Categorical { codes: vec![0, 1, 0], levels: vec!["y".into(), "n".into()] };
        assert_eq!((texts.columns[0].name.as_str(), &texts.columns[0].data), ("0", &expected));
        assert!(array(&npy("|u1", "False", "1, 1, 1", &[1])).into_table(None).is_err());
        assert!(array(&npy("|u1", "False", "2, 2", &[1, 2, 3, 4])).into_table(Some(&names[..1])).is_err());
    }
}
