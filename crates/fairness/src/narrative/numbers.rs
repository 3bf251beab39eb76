//! Numbers in a text, as people write them.

/// A number found in a text.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Number {
    /// As written, for messages.
    pub(crate) text: String,
    pub(crate) value: f64,
    /// Digits after the decimal point.
    pub(crate) decimals: u32,
    /// Followed by a percent sign, `percent` or `points`.
    pub(crate) percent: bool,
}

/// Counting words that stand for a number. `one` and `two` point more often than they count.
const WORDS: [(&str, f64); 12] = [
    ("three", 3.0),
    ("four", 4.0),
    ("five", 5.0),
    ("six", 6.0),
    ("seven", 7.0),
    ("eight", 8.0),
    ("nine", 9.0),
    ("ten", 10.0),
    ("eleven", 11.0),
    ("twelve", 12.0),
    ("hundred", 100.0),
    ("thousand", 1000.0),
];
/// Quantities in words that cannot be checked.
pub(crate) const VAGUE: [&str; 9] =
    ["half", "twice", "double", "triple", "thrice", "third", "quarter", "million", "dozen"];

/// All numbers of a text, in order: digits and counting words.
pub(crate) fn numbers(text: &str) -> Vec<Number> {
    let mut found = Vec::new();
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at].is_ascii_digit() {
            let end = end_of_number(text, at);
            found.extend(read(text, at, end));
            at = end;
        } else if bytes[at].is_ascii_alphabetic() {
            let end = at + bytes[at..].iter().take_while(|byte| byte.is_ascii_alphabetic() || **byte == b'-').count();
            let word = text[at..end].to_lowercase();
            if let Some((_, value)) = WORDS.iter().find(|(name, _)| *name == word) {
                found.push(Number {
                    text: word,
                    value: *value,
                    decimals: 0,
                    percent: followed_by_percent(&text[end..]),
                });
            }
            at = end;
        } else {
            at += 1;
        }
    }
    found
}

/// Quantities in words that no measurement can be held against.
pub(crate) fn vague_quantity(text: &str) -> Option<String> {
    text.split(|c: char| !c.is_alphabetic()).map(str::to_lowercase).find(|word| VAGUE.contains(&word.as_str()))
}

/// Digits, thousands marks between groups of three digits, one decimal point.
fn end_of_number(text: &str, start: usize) -> usize {
    let digits = |from: usize| text[from..].bytes().take_while(u8::is_ascii_digit).count();
    let mut end = start + digits(start);
    if end - start <= 3 {
        // 32,561 or 32 561, also with a narrow or fixed blank.
        while let Some(mark) = text[end..].chars().next().filter(|mark| ",' \u{a0}\u{202f}\u{2009}".contains(*mark)) {
            let next = end + mark.len_utf8();
            if digits(next) != 3 {
                break;
            }
            end = next + 3;
        }
    }
    if text[end..].starts_with('.') && digits(end + 1) > 0 {
        end += 1 + digits(end + 1);
    }
    end
}

fn read(text: &str, start: usize, end: usize) -> Option<Number> {
    let written = &text[start..end];
    let plain: String = written.chars().filter(|c| c.is_ascii_digit() || *c == '.').collect();
    let decimals = plain.split_once('.').map_or(0, |(_, decimals)| decimals.len() as u32);
    let value = plain.parse().ok()?;
    Some(Number { text: written.to_owned(), value, decimals, percent: followed_by_percent(&text[end..]) })
}

fn followed_by_percent(rest: &str) -> bool {
    let rest = rest.trim_start_matches([' ', '\u{a0}', '\u{202f}', '\u{2009}']);
    ["%", "percent", "per cent", "points", "pp"].iter().any(|sign| rest.starts_with(sign))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_people_write_them() {
        for (text, expected) in [
            ("a ratio of 0.31", vec![(0.31, 2, false)]),
            ("25.4 % against 8 percent", vec![(25.4, 1, true), (8.0, 0, true)]),
            ("32,561 rows, 9 769 rows, 1200 rows", vec![(32_561.0, 0, false), (9_769.0, 0, false), (1200.0, 0, false)]),
            ("in 2, 3 and 4.", vec![(2.0, 0, false), (3.0, 0, false), (4.0, 0, false)]),
            ("three of the five groups", vec![(3.0, 0, false), (5.0, 0, false)]),
            ("the four-fifths line", vec![]),
            ("12.5 points", vec![(12.5, 1, true)]),
            ("nothing", vec![]),
        ] {
            let found: Vec<_> = numbers(text).into_iter().map(|n| (n.value, n.decimals, n.percent)).collect();
            assert_eq!(found, expected, "{text}");
        }
    }
}
