//! Plain values from JSON (RFC 8259) and UBJSON (draft 12, as XGBoost writes it).

use std::collections::BTreeMap;

use super::Library;
use crate::pickle::Limits;
use crate::predictor::Error;

/// Objects and lists within each other; the trees of CatBoost are nested as deeply as they grow.
const DEPTH_MAX: usize = 128;

/// A value. A list of which every member is a number is stored as numbers.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    Numbers(Vec<f64>),
    List(Vec<Value>),
    Object(BTreeMap<String, Value>),
}

impl Value {
    pub(super) fn get(&self, key: &str) -> Option<&Value> {
        match self {
            Self::Object(members) => members.get(key),
            _ => None,
        }
    }

    /// Through objects within each other.
    pub(super) fn at(&self, keys: &[&str]) -> Option<&Value> {
        keys.iter().try_fold(self, |value, key| value.get(key))
    }

    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Bool(value) => Some(f64::from(u8::from(*value))),
            _ => None,
        }
    }

    /// A number, also one that is written as a text, as XGBoost does with parameters.
    pub(super) fn parameter(&self) -> Option<f64> {
        self.number().or_else(|| self.text()?.parse().ok())
    }

    pub(super) fn numbers(&self) -> Option<Vec<f64>> {
        match self {
            Self::Numbers(numbers) => Some(numbers.clone()),
            Self::List(members) => members.iter().map(Value::number).collect(),
            _ => None,
        }
    }

    pub(super) fn list(&self) -> Option<&[Value]> {
        match self {
            Self::List(members) => Some(members),
            Self::Numbers(numbers) if numbers.is_empty() => Some(&[]),
            _ => None,
        }
    }

    /// Texts of a list.
    pub(super) fn texts(&self) -> Option<Vec<String>> {
        self.list()?.iter().map(|text| text.text().map(str::to_owned)).collect()
    }
}

/// Positions, so that memory stays bounded by the bytes that are there.
struct Reader<'b> {
    library: Library,
    bytes: &'b [u8],
    at: usize,
    values_left: usize,
    numbers_left: usize,
}

/// Reads text or binary, whichever it is.
pub(super) fn read(library: Library, bytes: &[u8], limits: &Limits) -> Result<Value, Error> {
    let mut reader =
        Reader { library, bytes, at: 0, values_left: limits.nodes_max, numbers_left: limits.references_max };
    let binary = matches!(bytes, [b'{', b'i' | b'U' | b'I' | b'l' | b'L', ..]);
    let value = if binary {
        let marker = reader.byte()?;
        reader.binary(marker, 0)?
    } else {
        let value = reader.json(0)?;
        reader.space();
        value
    };
    // A serialised XGBoost model may end in zeros.
    if bytes[reader.at..].iter().any(|byte| *byte != 0) {
        return Err(reader.malformed("bytes follow its end"));
    }
    Ok(value)
}

impl<'b> Reader<'b> {
    fn malformed(&self, what: &str) -> Error {
        self.library.refuse(format!("the document is damaged: {what} (at byte {})", self.at))
    }

    fn spend(&mut self) -> Result<(), Error> {
        self.values_left = self.values_left.checked_sub(1).ok_or_else(|| self.malformed("it has too many values"))?;
        Ok(())
    }

    /// Numbers in lists of numbers take less room than other values.
    fn spend_numbers(&mut self, count: usize) -> Result<(), Error> {
        let left = self.numbers_left.checked_sub(count);
        self.numbers_left = left.ok_or_else(|| self.malformed("it has too many numbers"))?;
        Ok(())
    }

    fn byte(&mut self) -> Result<u8, Error> {
        let byte = self.bytes.get(self.at).copied().ok_or_else(|| self.malformed("it ends too early"))?;
        self.at += 1;
        Ok(byte)
    }

    fn take(&mut self, count: usize) -> Result<&'b [u8], Error> {
        let end = self.at.checked_add(count).filter(|end| *end <= self.bytes.len());
        let end = end.ok_or_else(|| self.malformed("more bytes are declared than are left"))?;
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    fn space(&mut self) {
        while self.bytes.get(self.at).is_some_and(|byte| b" \t\r\n".contains(byte)) {
            self.at += 1;
        }
    }

    fn depth(&self, depth: usize) -> Result<usize, Error> {
        if depth >= DEPTH_MAX { Err(self.malformed("it is nested too deeply")) } else { Ok(depth + 1) }
    }

    fn json(&mut self, depth: usize) -> Result<Value, Error> {
        self.space();
        self.spend()?;
        match self.byte()? {
            b'{' => self.json_object(self.depth(depth)?),
            b'[' => self.json_list(self.depth(depth)?),
            b'"' => self.json_text().map(Value::Text),
            b't' => self.word(b"rue", Value::Bool(true)),
            b'f' => self.word(b"alse", Value::Bool(false)),
            b'n' => self.word(b"ull", Value::Null),
            b'N' => self.word(b"aN", Value::Number(f64::NAN)),
            b'-' | b'0'..=b'9' => {
                self.at -= 1;
                self.json_number().map(Value::Number)
            }
            _ => Err(self.malformed("a value is not known")),
        }
    }

    fn word(&mut self, rest: &[u8], value: Value) -> Result<Value, Error> {
        if self.take(rest.len())? == rest { Ok(value) } else { Err(self.malformed("a word is not known")) }
    }

    fn json_number(&mut self) -> Result<f64, Error> {
        let start = self.at;
        while self.bytes.get(self.at).is_some_and(|byte| b"+-.eE0123456789".contains(byte)) {
            self.at += 1;
        }
        let text = std::str::from_utf8(&self.bytes[start..self.at]).ok();
        text.and_then(|text| text.parse().ok()).ok_or_else(|| self.malformed("a number cannot be read"))
    }

    fn json_object(&mut self, depth: usize) -> Result<Value, Error> {
        let mut members = BTreeMap::new();
        self.space();
        if self.bytes.get(self.at) == Some(&b'}') {
            self.at += 1;
            return Ok(Value::Object(members));
        }
        loop {
            self.space();
            if self.byte()? != b'"' {
                return Err(self.malformed("a key is not a text"));
            }
            let key = self.json_text()?;
            self.space();
            if self.byte()? != b':' {
                return Err(self.malformed("a key has no value"));
            }
            if members.insert(key, self.json(depth)?).is_some() {
                return Err(self.malformed("a key is there twice"));
            }
            self.space();
            match self.byte()? {
                b',' => {}
                b'}' => return Ok(Value::Object(members)),
                _ => return Err(self.malformed("an object does not end")),
            }
        }
    }

    fn json_list(&mut self, depth: usize) -> Result<Value, Error> {
        let mut numbers = Vec::new();
        self.space();
        if self.bytes.get(self.at) == Some(&b']') {
            self.at += 1;
            return Ok(Value::Numbers(numbers));
        }
        loop {
            self.space();
            if !self.bytes.get(self.at).is_some_and(|byte| *byte == b'-' || byte.is_ascii_digit()) {
                (0..numbers.len()).try_for_each(|_| self.spend())?;
                let members = numbers.into_iter().map(Value::Number).collect();
                return self.json_members(members, depth);
            }
            self.spend_numbers(1)?;
            numbers.push(self.json_number()?);
            self.space();
            match self.byte()? {
                b',' => {}
                b']' => return Ok(Value::Numbers(numbers)),
                _ => return Err(self.malformed("a list does not end")),
            }
        }
    }

    fn json_members(&mut self, mut members: Vec<Value>, depth: usize) -> Result<Value, Error> {
        loop {
            members.push(self.json(depth)?);
            self.space();
            match self.byte()? {
                b',' => {}
                b']' => return Ok(Value::List(members)),
                _ => return Err(self.malformed("a list does not end")),
            }
        }
    }

    fn json_text(&mut self) -> Result<String, Error> {
        let mut text = Vec::new();
        loop {
            match self.byte()? {
                b'"' => return String::from_utf8(text).map_err(|_| self.malformed("a text is not UTF-8")),
                b'\\' => {
                    let unit = self.escape()?;
                    text.extend(unit.encode_utf8(&mut [0; 4]).as_bytes());
                }
                byte => text.push(byte),
            }
        }
    }

    fn escape(&mut self) -> Result<char, Error> {
        Ok(match self.byte()? {
            b'n' => '\n',
            b't' => '\t',
            b'r' => '\r',
            b'b' => '\x08',
            b'f' => '\x0c',
            b'u' => {
                let high = self.hex()?;
                let code = match high {
                    0xd800..=0xdbff => {
                        if self.take(2)? != b"\\u" {
                            return Err(self.malformed("half of a character is missing"));
                        }
                        let low = self.hex()?;
                        0x10000 + ((high - 0xd800) << 10) + low.wrapping_sub(0xdc00)
                    }
                    code => code,
                };
                char::from_u32(code).ok_or_else(|| self.malformed("a character is not known"))?
            }
            same @ (b'"' | b'\\' | b'/') => char::from(same),
            _ => return Err(self.malformed("an escape is not known")),
        })
    }

    fn hex(&mut self) -> Result<u32, Error> {
        let digits = std::str::from_utf8(self.take(4)?).ok().filter(|digits| !digits.starts_with('+'));
        digits
            .and_then(|digits| u32::from_str_radix(digits, 16).ok())
            .ok_or_else(|| self.malformed("an escape is not known"))
    }

    fn binary(&mut self, marker: u8, depth: usize) -> Result<Value, Error> {
        self.spend()?;
        Ok(match marker {
            b'Z' => Value::Null,
            b'T' => Value::Bool(true),
            b'F' => Value::Bool(false),
            b'S' => Value::Text(self.binary_text()?),
            b'{' => {
                let depth = self.depth(depth)?;
                let mut members = BTreeMap::new();
                while self.bytes.get(self.at) != Some(&b'}') {
                    let key = self.binary_text()?;
                    let marker = self.byte()?;
                    if members.insert(key, self.binary(marker, depth)?).is_some() {
                        return Err(self.malformed("a key is there twice"));
                    }
                }
                self.at += 1;
                Value::Object(members)
            }
            b'[' => self.binary_list(self.depth(depth)?)?,
            marker => Value::Number(self.binary_number(marker)?),
        })
    }

    fn binary_text(&mut self) -> Result<String, Error> {
        let length = self.length()?;
        let text = std::str::from_utf8(self.take(length)?).map(str::to_owned);
        text.map_err(|_| self.malformed("a text is not UTF-8"))
    }

    fn length(&mut self) -> Result<usize, Error> {
        let marker = self.byte()?;
        let length = if b"iUIlL".contains(&marker) { self.binary_number(marker)? } else { -1.0 };
        if !(0.0..=self.bytes.len() as f64).contains(&length) {
            return Err(self.malformed("a length is not one, or more than what is left"));
        }
        Ok(length as usize)
    }

    /// Numbers have the most significant byte first.
    fn binary_number(&mut self, marker: u8) -> Result<f64, Error> {
        let size = size(marker).ok_or_else(|| self.malformed("a kind of value is not known"))?;
        let bytes = self.take(size)?;
        Ok(number(marker, bytes))
    }

    fn binary_list(&mut self, depth: usize) -> Result<Value, Error> {
        if self.bytes.get(self.at) == Some(&b'$') {
            self.at += 1;
            let marker = self.byte()?;
            let size = size(marker).filter(|_| self.bytes.get(self.at) == Some(&b'#'));
            let size = size.ok_or_else(|| self.malformed("a kind of list is not known"))?;
            self.at += 1;
            let count = self.length()?;
            let bytes = count.checked_mul(size).ok_or_else(|| self.malformed("a list is too long"))?;
            let bytes = self.take(bytes)?;
            self.spend_numbers(count)?;
            return Ok(Value::Numbers(bytes.chunks_exact(size).map(|bytes| number(marker, bytes)).collect()));
        }
        let count = match self.bytes.get(self.at) {
            Some(b'#') => {
                self.at += 1;
                Some(self.length()?)
            }
            _ => None,
        };
        let mut members = Vec::new();
        while count.map_or_else(|| self.bytes.get(self.at) != Some(&b']'), |count| members.len() < count) {
            let marker = self.byte()?;
            members.push(self.binary(marker, depth)?);
        }
        if count.is_none() {
            self.at += 1;
        }
        Ok(Value::List(members))
    }
}

/// Bytes of a number of that kind.
fn size(marker: u8) -> Option<usize> {
    match marker {
        b'i' | b'U' => Some(1),
        b'I' => Some(2),
        b'l' | b'd' => Some(4),
        b'L' | b'D' => Some(8),
        _ => None,
    }
}

fn number(marker: u8, bytes: &[u8]) -> f64 {
    let raw = bytes.iter().fold(0_u64, |raw, byte| raw << 8 | u64::from(*byte));
    match marker {
        b'i' => f64::from(raw as u8 as i8),
        b'U' => raw as f64,
        b'I' => f64::from(raw as u16 as i16),
        b'l' => f64::from(raw as u32 as i32),
        b'L' => raw as i64 as f64,
        b'd' => f64::from(f32::from_bits(raw as u32)),
        _ => f64::from_bits(raw),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(bytes: &[u8]) -> Result<Value, Error> {
        read(Library::XGBoost, bytes, &Limits::default())
    }

    #[test]
    fn json_is_read() {
        let value = parsed(br#"{"a":[1,-2.5E1],"b":["x\u00e9\ud83d\ude00",true,null],"c":{}} "#).unwrap();
        assert_eq!(value.get("a").unwrap().numbers().unwrap(), [1.0, -25.0]);
        assert_eq!(value.get("b").unwrap().list().unwrap()[0].text(), Some("xé😀"));
        for bad in ["{", "[1", "[1,]", "{\"a\":1,\"a\":2}", "[1]x", "\"\\ud800\"", "\"\\q\"", "tru", "[01e]", "-"] {
            assert!(parsed(bad.as_bytes()).is_err(), "{bad}");
        }
        assert!(parsed("[".repeat(DEPTH_MAX + 1).as_bytes()).unwrap_err().to_string().contains("too deeply"));
    }

    #[test]
    fn ubjson_is_read_within_its_bytes() {
        let value = parsed(b"{i\x01a[$d#L\0\0\0\0\0\0\0\x01\x3f\x80\0\0i\x01bSi\x01x}").unwrap();
        assert_eq!(value.get("a").unwrap().numbers().unwrap(), [1.0]);
        assert_eq!(value.get("b").unwrap().text(), Some("x"));
        for bad in [
            b"{i\x01a[$d#L\x7f\xff\xff\xff\xff\xff\xff\xff}".as_slice(),
            b"{i\xffa",
            b"{i\x01a[$Z#i\x05}",
            b"{i\x01a[#i\x05}",
        ] {
            assert!(parsed(bad).is_err());
        }
    }
}
