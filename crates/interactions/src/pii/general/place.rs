//! Coordinates precise enough to find a home: two decimal degrees with at least four decimals (about eleven metres).

use crate::pii::recognizer::{Category, Kind};

pub(crate) const GPS: Kind = Kind::new("GPS_COORDINATES", Category::Quasi, 4).of_hipaa();

/// The pair of coordinates whose first digit is at `start`: start (with its sign) and end.
pub(crate) fn coordinates(text: &[u8], start: usize) -> Option<(usize, usize)> {
    let (latitude, end) = degrees(text, start, 90)?;
    let mut at = end;
    let gap = text[at..].iter().take(4).take_while(|byte| matches!(byte, b',' | b' ' | b';')).count();
    if !text[at..at + gap].contains(&b',') && !text[at..at + gap].contains(&b';') {
        return None;
    }
    at += gap;
    at += usize::from(matches!(text.get(at), Some(b'-' | b'+')));
    let (longitude, end) = degrees(text, at, 180)?;
    let signed = start > 0 && matches!(text[start - 1], b'-' | b'+');
    (latitude >= 4 && longitude >= 4).then_some((start - usize::from(signed), end))
}

/// Decimals of the degrees at `start`, and their end.
fn degrees(text: &[u8], start: usize, most: u32) -> Option<(usize, usize)> {
    let whole = text.get(start..)?.iter().take(4).take_while(|byte| byte.is_ascii_digit()).count();
    if !(1..=3).contains(&whole) || text.get(start + whole) != Some(&b'.') {
        return None;
    }
    let value = text[start..start + whole].iter().fold(0u32, |sum, byte| sum * 10 + u32::from(byte - b'0'));
    let from = start + whole + 1;
    let decimals = text[from..].iter().take(16).take_while(|byte| byte.is_ascii_digit()).count();
    let end = from + decimals;
    let glued = text.get(end).is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'%');
    (value <= most && decimals > 0 && !glued).then_some((decimals, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn precise_pairs_only() {
        assert_eq!(coordinates(b"48.858370, 2.294481", 0), Some((0, 19)));
        assert_eq!(coordinates(b"-33.86785,151.20732", 1), Some((0, 19)));
        for text in ["48.85, 2.29", "1.2345 6.7891", "98.1234, 200.1234", "3.14159"] {
            assert_eq!(coordinates(text.as_bytes(), 0), None, "{text}");
        }
    }
}
