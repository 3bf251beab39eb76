//! Element types of numpy arrays.

use super::View;

/// Widest element, in bytes: the widest record of a known estimator has 64.
const ELEMENT_BYTES_MAX: usize = 1 << 16;

/// Records within records.
const NESTING_MAX: usize = 4;

/// The type of one array element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Dtype {
    pub(crate) kind: Kind,
    /// Bytes of an element; 0 for objects.
    pub(crate) size: usize,
    pub(crate) big_endian: bool,
}

/// What an element is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    Bool,
    Int,
    Uint,
    Float,
    /// Bytes padded with zeros.
    Bytes,
    /// UCS-4 code points padded with zeros.
    Text,
    Object,
    /// Named fields at byte offsets.
    Record(Vec<Field>),
}

/// One field of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) dtype: Dtype,
    pub(crate) offset: usize,
}

impl Dtype {
    /// A type from its short text, such as `<f8`, `i4`, `|b1`, `U12`, `O`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (big_endian, text) = match text.as_bytes().first()? {
            b'<' | b'|' | b'=' => (false, &text[1..]),
            b'>' => (true, &text[1..]),
            _ => (false, text),
        };
        let letter = *text.as_bytes().first()?;
        let digits = text.get(1..)?;
        let number: usize = match digits {
            "" => 0,
            digits => digits.parse().ok().filter(|size| *size <= ELEMENT_BYTES_MAX)?,
        };
        let (kind, size) = match (letter, number) {
            (b'b', 1) | (b'?', 0) => (Kind::Bool, 1),
            (b'i', 1 | 2 | 4 | 8) => (Kind::Int, number),
            (b'u', 1 | 2 | 4 | 8) => (Kind::Uint, number),
            (b'f', 2 | 4 | 8) => (Kind::Float, number),
            (b'S', _) => (Kind::Bytes, number),
            (b'U', _) => (Kind::Text, number * 4),
            (b'O', _) => (Kind::Object, 0),
            (b'V', _) => (Kind::Record(Vec::new()), number),
            _ => return None,
        };
        Some(Self { kind, size, big_endian })
    }

    /// A type from the inert `numpy.dtype(text, align, copy)` with its state.
    pub(crate) fn from_view(view: View<'_>) -> Option<Self> {
        Self::nested(view, 0)
    }

    fn nested(view: View<'_>, depth: usize) -> Option<Self> {
        if depth > NESTING_MAX {
            return None;
        }
        let (callable, arguments) = view.call()?;
        if !callable.is("numpy", "dtype") {
            return None;
        }
        let mut dtype = Self::parse(arguments.first()?.text()?)?;
        let Some(state) = view.state() else {
            return Some(dtype);
        };
        // (version, byte order, subarray, names, fields, size, alignment, flags[, metadata])
        let state = state.items()?;
        dtype.big_endian = match state.get(1)?.text()? {
            ">" => true,
            "<" | "|" | "=" => false,
            _ => return None,
        };
        if !state.get(2)?.is_none() {
            return None;
        }
        match dtype.kind {
            Kind::Record(_) => {
                let size = usize::try_from(state.get(5)?.integer()?).ok()?;
                if size != dtype.size {
                    return None;
                }
                dtype.kind = Kind::Record(fields(state.get(3)?, state.get(4)?, size, depth)?);
            }
            Kind::Text | Kind::Bytes => {
                let size = usize::try_from(state.get(5)?.integer()?).ok()?;
                if size > ELEMENT_BYTES_MAX {
                    return None;
                }
                dtype.size = size;
            }
            _ => {}
        }
        Some(dtype)
    }

    /// The field of that name.
    pub(crate) fn field(&self, name: &str) -> Option<&Field> {
        match &self.kind {
            Kind::Record(fields) => fields.iter().find(|field| field.name == name),
            _ => None,
        }
    }

    /// Reads a number; booleans are 0 and 1. `element` has [`Dtype::size`] bytes.
    pub(crate) fn number(&self, element: &[u8]) -> Option<f64> {
        if self.kind == Kind::Float {
            return float(element, self.big_endian);
        }
        // Beyond 2^53 the double is rounded, as numpy's own cast rounds it.
        match self.kind {
            Kind::Uint => Some(unsigned(element, self.big_endian)? as f64),
            _ => Some(self.integer(element)? as f64),
        }
    }

    /// Reads an integer or boolean.
    pub(crate) fn integer(&self, element: &[u8]) -> Option<i64> {
        let raw = unsigned(element, self.big_endian)?;
        match self.kind {
            Kind::Bool => Some(i64::from(raw != 0)),
            Kind::Uint => i64::try_from(raw).ok(),
            Kind::Int => {
                let unused = 64 - 8 * u32::try_from(self.size).ok()?;
                Some((raw << unused) as i64 >> unused)
            }
            _ => None,
        }
    }

    /// Reads a padded text.
    pub(crate) fn text(&self, element: &[u8]) -> Option<String> {
        match self.kind {
            Kind::Bytes => {
                let end = element.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
                Some(std::str::from_utf8(&element[..end]).ok()?.to_owned())
            }
            Kind::Text => {
                let mut text = String::new();
                for unit in element.chunks_exact(4) {
                    let code = unsigned(unit, self.big_endian)?;
                    text.push(char::from_u32(u32::try_from(code).ok()?)?);
                }
                text.truncate(text.trim_end_matches('\0').len());
                Some(text)
            }
            _ => None,
        }
    }
}

fn fields(names: &View<'_>, fields: &View<'_>, size: usize, depth: usize) -> Option<Vec<Field>> {
    let mut found = Vec::new();
    for name in names.items()? {
        let name = name.text()?;
        // (type, offset[, title])
        let entry = fields.get(name)?.items()?;
        let dtype = Dtype::nested(*entry.first()?, depth + 1)?;
        let offset = usize::try_from(entry.get(1)?.integer()?).ok()?;
        if offset.checked_add(dtype.size)? > size || dtype.kind == Kind::Object {
            return None;
        }
        found.push(Field { name: name.to_owned(), dtype, offset });
    }
    Some(found)
}

fn unsigned(element: &[u8], big_endian: bool) -> Option<u64> {
    if element.is_empty() || element.len() > 8 {
        return None;
    }
    let mut raw = [0; 8];
    for (place, byte) in element.iter().enumerate() {
        let place = if big_endian { element.len() - 1 - place } else { place };
        raw[place] = *byte;
    }
    Some(u64::from_le_bytes(raw))
}

fn float(element: &[u8], big_endian: bool) -> Option<f64> {
    let raw = unsigned(element, big_endian)?;
    match element.len() {
        8 => Some(f64::from_bits(raw)),
        4 => Some(f64::from(f32::from_bits(raw as u32))),
        2 => Some(half(raw as u16)),
        _ => None,
    }
}

/// IEEE 754 binary16.
fn half(raw: u16) -> f64 {
    let sign = if raw & 0x8000 == 0 { 1.0 } else { -1.0 };
    let (exponent, fraction) = (i32::from(raw >> 10 & 0x1f), f64::from(raw & 0x3ff) / 1024.0);
    sign * match exponent {
        0 => fraction * f64::powi(2.0, -14),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        exponent => (1.0 + fraction) * f64::powi(2.0, exponent - 15),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_every_width_and_order_are_read() {
        let number = |text: &str, bytes: &[u8]| Dtype::parse(text).unwrap().number(bytes).unwrap();
        assert_eq!(number("<i2", &[0xfe, 0xff]), -2.0);
        assert_eq!(number(">i2", &[0xff, 0xfe]), -2.0);
        assert_eq!(number("|u1", &[200]), 200.0);
        assert_eq!(number("|b1", &[1]), 1.0);
        assert_eq!(number(">f4", &1.5_f32.to_be_bytes()), 1.5);
        assert_eq!(number("<f8", &(-0.1_f64).to_le_bytes()), -0.1);
        assert_eq!(number("<f2", &0x3e00_u16.to_le_bytes()), 1.5);
        assert_eq!(number("<i8", &i64::MIN.to_le_bytes()), -(2_f64.powi(63)));
    }

    #[test]
    fn texts_lose_their_padding() {
        let text = |kind: &str, bytes: &[u8]| Dtype::parse(kind).unwrap().text(bytes).unwrap();
        assert_eq!(text("<U2", &[0x65, 0, 0, 0, 0, 0, 0, 0]), "e");
        assert_eq!(text("|S3", b"ab\0"), "ab");
    }

    #[test]
    fn odd_types_are_not_types() {
        for text in ["", "<", "f16", "i3", "M8[ns]", "c16", "U99999999999", "é"] {
            assert_eq!(Dtype::parse(text), None, "{text}");
        }
    }
}
