//! Values that are personal only because a label says so: `MRN: 739146`, `username = ada_l`, `CVV 123`.
//!
//! A label is a word of the table in [`super::labels`]; what joins it to its value (`:`, `is`, `no.`, quotes) is stepped over within
//! [`JOINT_BYTES_MAX`]; the value must have the shape that the label's kind has. Nothing here fires on format alone.

use super::check::repeated;
use super::labels::Shape;

/// Bytes between a label and its value.
const JOINT_BYTES_MAX: usize = 28;
/// Bytes of the longest value.
const VALUE_BYTES_MAX: usize = 48;

/// The value of a label that ends at `after`: its span.
pub(crate) fn value(text: &str, after: usize, shape: Shape) -> Option<(usize, usize)> {
    let (start, marked) = joint(text, after)?;
    let bytes = text.as_bytes();
    match shape {
        Shape::Code { min, max } => code(bytes, start, min, max, false),
        Shape::Digits { min, max } => code(bytes, start, min, max, true),
        Shape::Postcode => code(bytes, start, 3, 8, false).filter(|&(from, to)| digits_in(&bytes[from..to]) >= 2),
        Shape::Plate => code(bytes, start, 4, 10, false).or_else(|| plate(bytes, start)),
        Shape::Login if marked => login(bytes, start),
        Shape::Expiry => expiry(bytes, start),
        Shape::Amount => amount(text, start),
        Shape::Uuid => uuid(bytes, start),
        Shape::Sex if marked => sex(text, start),
        Shape::Words if marked => phrase(text, start),
        Shape::Login | Shape::Sex | Shape::Words => None,
    }
}

/// Words that join a label to its value.
const JOINERS: &[&str] = &[
    "is", "was", "no", "nr", "nb", "num", "number", "id", "es", "est", "ist", "lautet", "sono", "è", "é", "to", "är",
    "er", "on", "of", "the", "code", "nummer", "número", "numéro", "numero", "numer", "my", "n", "は", "是", "은",
    "는",
];

/// Where the value after a label begins, and whether a sign (`:`, `=`, "is") said that one follows.
fn joint(text: &str, after: usize) -> Option<(usize, bool)> {
    let bytes = text.as_bytes();
    let mut at = after;
    let mut marked = bytes[..after].last() == Some(&b':');
    let mut words = 0;
    loop {
        let skipped = bytes[at..]
            .iter()
            .take(8)
            .take_while(|byte| matches!(byte, b' ' | b'"' | b'\'' | b'#' | b'.' | b'(' | b'\t' | b'\\'))
            .count();
        at += skipped;
        match bytes.get(at)? {
            b':' | b'=' => {
                marked = true;
                at += 1;
            }
            0xef if text[at..].starts_with('：') => {
                marked = true;
                at += '：'.len_utf8();
            }
            0xc2 if text[at..].starts_with('º') || text[at..].starts_with('°') => at += 2,
            _ => {
                let rest = &text[at..];
                let joiner = JOINERS.iter().filter(|word| starts_with_word(rest, word)).max_by_key(|word| word.len());
                match joiner {
                    Some(word) if words < 3 => {
                        marked |= !matches!(
                            *word,
                            "no" | "nr" | "n" | "number" | "id" | "num" | "code" | "of" | "the" | "my" | "nummer"
                        );
                        words += 1;
                        at += word.len();
                    }
                    _ => break,
                }
            }
        }
        if at - after > JOINT_BYTES_MAX {
            return None;
        }
    }
    (at > after || text[..after].chars().next_back().is_some_and(crate::words::unspaced)).then_some((at, marked))
}

fn starts_with_word(text: &str, word: &str) -> bool {
    let Some(head) = text.get(..word.len()) else { return false };
    let whole = text[word.len()..].chars().next().is_none_or(|c| !c.is_alphanumeric());
    head.eq_ignore_ascii_case(word) && (whole || word.chars().all(crate::words::unspaced))
}

/// Groups of letters and digits joined by one space, hyphen, slash or stop. A group after a space must hold a digit, and
/// no lower-case letter: a word of the sentence is not part of the code.
fn code(text: &[u8], start: usize, min: usize, max: usize, digits_only: bool) -> Option<(usize, usize)> {
    let mut at = start;
    let mut count = 0;
    let mut end = start;
    let group = |at: usize| {
        text[at..]
            .iter()
            .take(VALUE_BYTES_MAX)
            .take_while(|byte| if digits_only { byte.is_ascii_digit() } else { byte.is_ascii_alphanumeric() })
            .count()
    };
    loop {
        let length = group(at);
        let body = &text[at..at + length];
        let spaced = at > start && text[at - 1] == b' ';
        let word = !body.iter().any(u8::is_ascii_digit)
            && (spaced && body.len() > 2 || body.iter().any(u8::is_ascii_lowercase) && body.len() > 5)
            || spaced && body.iter().any(u8::is_ascii_lowercase);
        if length == 0 || word || count + length > max {
            break;
        }
        count += length;
        at += length;
        end = at;
        match text.get(at) {
            Some(b' ' | b'-' | b'/' | b'.') if text.get(at + 1).is_some_and(u8::is_ascii_alphanumeric) => at += 1,
            _ => break,
        }
    }
    let value = &text[start..end];
    let glued =
        text.get(end).is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'@') || text.get(end) == Some(&b'%');
    let digits = digits_in(value);
    let compact: Vec<u8> = value.iter().copied().filter(u8::is_ascii_alphanumeric).collect();
    (count >= min && digits > 0 && (digits * 3 >= count || count <= 8) && !glued && !(count > 3 && repeated(&compact)))
        .then_some((start, end))
}

fn digits_in(value: &[u8]) -> usize {
    value.iter().filter(|byte| byte.is_ascii_digit()).count()
}

/// `B-AB 1234`, `AB12 CDE`, `123 ABC`: upper-case letters and digits in up to three groups.
fn plate(text: &[u8], start: usize) -> Option<(usize, usize)> {
    let length = text[start..]
        .iter()
        .take(11)
        .take_while(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || matches!(byte, b' ' | b'-'))
        .count();
    let value = text[start..start + length].trim_ascii_end();
    let letters = value.iter().filter(|byte| byte.is_ascii_uppercase()).count();
    let count = letters + digits_in(value);
    ((4..=9).contains(&count) && letters > 0 && digits_in(value) > 0).then_some((start, start + value.len()))
}

fn login(text: &[u8], start: usize) -> Option<(usize, usize)> {
    let length = text[start..]
        .iter()
        .take(VALUE_BYTES_MAX)
        .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'@'))
        .count();
    let value = text[start..start + length].trim_ascii_end();
    let end = start + value.len() - usize::from(value.ends_with(b".") || value.ends_with(b"-"));
    let value = &text[start..end];
    // A plain word after "login is" is prose; a name with a digit, a stop or an underscore is a login.
    let telling = value.iter().any(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'_' | b'-'));
    ((3..=32).contains(&value.len()) && telling && value.iter().any(u8::is_ascii_alphabetic)).then_some((start, end))
}

fn expiry(text: &[u8], start: usize) -> Option<(usize, usize)> {
    let month = text.get(start..start + 2)?;
    let value = u32::from(month[0].wrapping_sub(b'0')) * 10 + u32::from(month[1].wrapping_sub(b'0'));
    let sep = matches!(text.get(start + 2), Some(b'/' | b'-'));
    let digits = text.get(start + 3..)?.iter().take(5).take_while(|byte| byte.is_ascii_digit()).count();
    let end = start + 3 + digits;
    let glued = matches!(text.get(end), Some(b'/' | b'-')) || text.get(end).is_some_and(u8::is_ascii_alphanumeric);
    (sep && (1..=12).contains(&value) && matches!(digits, 2 | 4) && !glued).then_some((start, end))
}

fn amount(text: &str, start: usize) -> Option<(usize, usize)> {
    const SIGNS: &[&str] =
        &["$", "€", "£", "¥", "₹", "zł", "kr", "R$", "US$", "EUR", "USD", "GBP", "CHF", "SEK", "PLN"];
    let rest = &text[start..];
    let sign = SIGNS.iter().find(|sign| rest.starts_with(**sign)).map_or(0, |sign| sign.len());
    let after = &rest[sign..];
    let gap = usize::from(after.starts_with(' '));
    let figures =
        after[gap..].bytes().take(20).take_while(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b',')).count();
    let end = sign + gap + figures;
    let tail = &rest[end..];
    let follows = SIGNS.iter().find(|sign| tail.trim_start_matches(' ').starts_with(**sign));
    let digits = rest[sign + gap..end].bytes().filter(u8::is_ascii_digit).count();
    let end = match (sign, follows) {
        (0, Some(sign)) => end + (tail.len() - tail.trim_start_matches(' ').len()) + sign.len(),
        (0, None) => return None,
        _ => end,
    };
    (digits >= 3).then_some((start, start + end))
}

fn uuid(text: &[u8], start: usize) -> Option<(usize, usize)> {
    let value = text.get(start..start + 36)?;
    let form = value
        .iter()
        .enumerate()
        .all(|(at, byte)| if matches!(at, 8 | 13 | 18 | 23) { *byte == b'-' } else { byte.is_ascii_hexdigit() });
    (form && !text.get(start + 36).is_some_and(u8::is_ascii_alphanumeric)).then_some((start, start + 36))
}

fn sex(text: &str, start: usize) -> Option<(usize, usize)> {
    const WORDS: &[&str] = &[
        "male",
        "female",
        "m",
        "f",
        "h",
        "v",
        "w",
        "mujer",
        "hombre",
        "varón",
        "varon",
        "männlich",
        "weiblich",
        "divers",
        "homme",
        "femme",
        "masculin",
        "féminin",
        "maschio",
        "femmina",
        "man",
        "vrouw",
        "mężczyzna",
        "kobieta",
        "kvinna",
        "masculino",
        "feminino",
        "femenino",
        "non-binary",
        "nonbinary",
        "other",
        "男",
        "女",
        "남",
        "여",
        "男性",
        "女性",
        "남성",
        "여성",
    ];
    let rest = &text[start..];
    let word = WORDS.iter().filter(|word| starts_with_word(rest, word)).max_by_key(|word| word.len())?;
    Some((start, start + word.len()))
}

fn phrase(text: &str, start: usize) -> Option<(usize, usize)> {
    let length: usize = text[start..]
        .chars()
        .take(40)
        .take_while(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '\''))
        .map(char::len_utf8)
        .sum();
    let value = text[start..start + length].trim_end();
    (value.chars().count() >= 3 && value.chars().any(char::is_alphabetic)).then_some((start, start + value.len()))
}

#[cfg(test)]
mod tests {
    use super::super::labels::LABELS;
    use super::*;
    use crate::words::Tag;

    fn found(label: &str, text: &str) -> Option<String> {
        let label = LABELS.iter().find(|entry| entry.kind.name == label).unwrap();
        let hits = crate::words::find(text);
        let hit = hits.list.iter().rfind(|hit| {
            hit.tags().iter().any(|tag| matches!(tag, Tag::Label(at) if LABELS[*at as usize].kind == label.kind))
        })?;
        value(text, hit.end, label.shape).map(|(start, end)| text[start..end].to_owned())
    }

    #[test]
    fn labels_find_their_values() {
        let cases = [
            ("MEDICAL_RECORD_ID", "NHC: 739146.", "739146"),
            ("MEDICAL_RECORD_ID", "the MRN is 00-12-34", "00-12-34"),
            ("HEALTH_INSURANCE_ID", "NASS: 71 33043712 35.", "71 33043712 35"),
            ("PROFESSIONAL_ID", "Médico: X NoCol: 50 50 98653.", "50 50 98653"),
            ("CARD_CVV", "cvv 123", "123"),
            ("CARD_EXPIRY", "exp 09/27", "09/27"),
            ("USERNAME", "username: ada_l99,", "ada_l99"),
            ("PASSPORT", "passport number C01X00T47", "C01X00T47"),
            ("LICENCE_PLATE", "number plate B-AB 1234", "B-AB 1234"),
            ("SALARY", "my salary is €54,000 a year", "€54,000"),
            ("ADVERTISING_ID", "idfa=3b0ff74b-4ef6-6f1e-5e67-67a28b888aa7", "3b0ff74b-4ef6-6f1e-5e67-67a28b888aa7"),
            ("GENDER", "Sexo: H.", "H"),
            ("POSTCODE", "postcode SW1A 1AA", "SW1A 1AA"),
            ("EMPLOYMENT", "Occupation: nurse, Leeds", "nurse"),
        ];
        for (kind, text, value) in cases {
            assert_eq!(found(kind, text).as_deref(), Some(value), "{text}");
        }
    }

    #[test]
    fn prose_about_labels_holds_no_value() {
        let cases = [
            ("USERNAME", "the login page is broken"),
            ("ACCOUNT_NUMBER", "what is an account number made of"),
            ("CARD_CVV", "never store the CVV after authorisation"),
            ("CARD_EXPIRY", "it expires 01/02/2026"),
            ("PASSPORT", "my passport expired last week"),
            ("SALARY", "the salary is paid monthly"),
        ];
        for (kind, text) in cases {
            assert_eq!(found(kind, text), None, "{text}");
        }
    }
}
