//! From the raw bytes of a cell to its text and number.
//!
//! A raw cell is what stands between two separators. Its text is trimmed (UCI files put blanks after commas), unquoted
//! if it is quoted, decoded and trimmed again. Both quoted and bare cells are trimmed, so that `"a "` and `a` are one group.

use std::borrow::Cow;

use crate::options::{Encoding, ReadOptions};

/// Rules that turn raw cells into texts; one per file.
#[derive(Debug, Clone)]
pub(crate) struct CellText {
    /// Whether quotation marks mean anything (CSV) or are part of the value (Parquet).
    pub(crate) quoted: bool,
    pub(crate) encoding: Encoding,
    /// Whether `1,5` may be a number: only where the comma does not separate fields.
    pub(crate) decimal_comma: bool,
    missing: Vec<String>,
    missing_bytes_max: usize,
}

impl CellText {
    pub(crate) fn new(options: &ReadOptions, quoted: bool, encoding: Encoding, decimal_comma: bool) -> Self {
        let missing: Vec<String> = options.missing.iter().map(|text| text.trim().to_ascii_lowercase()).collect();
        let missing_bytes_max = missing.iter().map(String::len).max().unwrap_or(0);
        Self { quoted, encoding, decimal_comma, missing, missing_bytes_max }
    }

    /// The text of a raw cell.
    pub(crate) fn text<'a>(&self, raw: &'a [u8]) -> Cow<'a, str> {
        let raw = raw.trim_ascii();
        if self.quoted && raw.first() == Some(&b'"') {
            return Cow::Owned(self.decode(&unquote(raw)).trim().to_owned());
        }
        match self.decode(raw) {
            Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
            Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
        }
    }

    /// The text of a raw cell, or `None` where it is a spelling of "no value".
    pub(crate) fn value<'a>(&self, raw: &'a [u8]) -> Option<Cow<'a, str>> {
        let text = self.text(raw);
        if self.is_missing(&text) { None } else { Some(text) }
    }

    /// Whether a trimmed text is a spelling of "no value".
    pub(crate) fn is_missing(&self, text: &str) -> bool {
        text.len() <= self.missing_bytes_max && self.missing.iter().any(|spelling| spelling.eq_ignore_ascii_case(text))
    }

    /// The number a text stands for.
    pub(crate) fn number(&self, text: &str) -> Number {
        parse_number(text.as_bytes(), self.decimal_comma)
    }

    fn decode<'a>(&self, raw: &'a [u8]) -> Cow<'a, str> {
        match (self.encoding, std::str::from_utf8(raw)) {
            (Encoding::Utf8, Ok(text)) => Cow::Borrowed(text),
            _ if raw.is_ascii() => String::from_utf8_lossy(raw),
            _ => Cow::Owned(raw.iter().map(|&byte| windows_1252(byte)).collect()),
        }
    }
}

/// Content of a quoted cell: quotes doubled inside stand for one; what follows the closing quote is kept.
fn unquote(raw: &[u8]) -> Vec<u8> {
    let mut content = Vec::with_capacity(raw.len());
    let mut rest = &raw[1..];
    while let Some(quote) = memchr::memchr(b'"', rest) {
        content.extend_from_slice(&rest[..quote]);
        rest = &rest[quote + 1..];
        if rest.first() != Some(&b'"') {
            break;
        }
        content.push(b'"');
        rest = &rest[1..];
    }
    content.extend_from_slice(rest);
    content
}

/// Code page 1252; its five unassigned bytes map to the C1 control of the same number, as browsers do.
fn windows_1252(byte: u8) -> char {
    const HIGH: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}', '‘',
        '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
    ];
    match byte {
        0x80..=0x9f => HIGH[usize::from(byte - 0x80)],
        _ => char::from(byte),
    }
}

/// What a text is as a number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Number {
    Finite(f64),
    /// Spelled infinite (`inf`, `-Infinity`) or too large for a double.
    Infinite,
    None,
}

/// Powers of ten that a double holds exactly.
const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
];

/// Reads a decimal number, correctly rounded: `-12`, `+.5`, `1.`, `1e-3`; with `comma` also `1,5`.
///
/// Fast path after Clinger 1990: a mantissa below 2^53 and a power of ten up to 22 are both exact doubles, so one
/// division rounds correctly. Anything else goes to the standard library.
pub(crate) fn parse_number(text: &[u8], comma: bool) -> Number {
    let (negative, digits) = match text.first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    let mut mantissa = 0u64;
    let mut point = None;
    for (index, &byte) in digits.iter().enumerate() {
        match byte {
            b'0'..=b'9' => mantissa = mantissa.wrapping_mul(10).wrapping_add(u64::from(byte - b'0')),
            b'.' if point.is_none() => point = Some(index),
            b',' if comma && point.is_none() => point = Some(index),
            _ => return parse_slow(text, digits, comma),
        }
    }
    let count = digits.len() - usize::from(point.is_some());
    if count == 0 {
        return Number::None;
    }
    if count > 18 || mantissa > (1 << 53) {
        return parse_slow(text, digits, comma);
    }
    let fraction = point.map_or(0, |point| digits.len() - point - 1);
    let value = mantissa as f64 / POWERS[fraction];
    Number::Finite(if negative { -value } else { value })
}

#[cold]
fn parse_slow(text: &[u8], unsigned: &[u8], comma: bool) -> Number {
    let spelled = |word: &str| unsigned.eq_ignore_ascii_case(word.as_bytes());
    if spelled("inf") || spelled("infinity") {
        return Number::Infinite;
    }
    let plausible = unsigned.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b',' | b'e' | b'E' | b'+' | b'-'));
    if !plausible || unsigned.is_empty() || (unsigned.contains(&b',') && (!comma || unsigned.contains(&b'.'))) {
        return Number::None;
    }
    let Ok(text) = std::str::from_utf8(text) else { return Number::None };
    match text.replace(',', ".").parse::<f64>() {
        Ok(value) if value.is_finite() => Number::Finite(value),
        Ok(_) => Number::Infinite,
        Err(_) => Number::None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cells() -> CellText {
        CellText::new(&ReadOptions::default(), true, Encoding::Utf8, false)
    }

    #[test]
    fn cells_are_trimmed_unquoted_and_decoded() {
        let check = |raw: &[u8], text: &str| assert_eq!(cells().text(raw), text, "{raw:?}");
        check(b" Private", "Private");
        check(b"Private\r", "Private");
        check(b" \" a, \"\"b\"\"\n\" ", "a, \"b\"");
        check(b"\"a\" tail", "a tail");
        check(b"5\" disk", "5\" disk");
        check(b"\"open", "open");
        check(b"caf\xe9", "café");
        check("café".as_bytes(), "café");
        check(b"\x80uro", "€uro");
        check("\u{a0}x\u{a0}".as_bytes(), "x");
    }

    #[test]
    fn missing_spellings() {
        for text in ["", "?", "NA", "n/a", "NaN", "null", "None", "nil", "-", ".", "#N/A", "<NA>", " ? ", "\"\""] {
            assert_eq!(cells().value(text.as_bytes()), None, "{text:?}");
        }
        for text in ["0", "no", "unknown", "N", "-1", "nano"] {
            assert!(cells().value(text.as_bytes()).is_some(), "{text:?}");
        }
    }

    #[test]
    fn numbers() {
        let check = |text: &str, comma, want| assert_eq!(parse_number(text.as_bytes(), comma), want, "{text}");
        for (text, value) in [("0", 0.0), ("-12", -12.0), ("+.5", 0.5), ("1.", 1.0), ("1e3", 1000.0), ("0.1", 0.1)] {
            check(text, false, Number::Finite(value));
        }
        check("9007199254740993", false, Number::Finite(9_007_199_254_740_992.0));
        check("1,5", true, Number::Finite(1.5));
        check("-1,5e2", true, Number::Finite(-150.0));
        for text in ["1,5", "", "-", ".", "1.2.3", "0x10", "1_000", "12a", "e5", "1e", "--1", "+-1", "infant"] {
            check(text, false, Number::None);
        }
        check("1.234,5", true, Number::None);
        for text in ["inf", "-Infinity", "+INF", "1e999"] {
            check(text, false, Number::Infinite);
        }
    }

    proptest! {
        #[test]
        fn numbers_are_read_as_by_the_standard_library(value: f64, mantissa in -1_000_000_000i64..1_000_000_000, digits in 0usize..12) {
            prop_assume!(value.is_finite());
            let short = format!("{:.*}", digits, mantissa as f64 / 1000.0);
            for text in [value.to_string(), format!("{value:e}"), short] {
                prop_assert_eq!(parse_number(text.as_bytes(), false), Number::Finite(text.parse().unwrap()));
            }
        }
    }
}
