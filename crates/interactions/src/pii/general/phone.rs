//! Telephone numbers: a run of digit groups, judged by its shape and by the words near it.
//!
//! Sources: ITU-T E.164 (at most 15 digits, `+` country code); NANP (area and exchange begin 2-9, extensions `x123`);
//! national numbers begin with 0 in most other plans. A run of digits in no telephone shape is a number only next to a
//! word that says so.

use crate::pii::recognizer::{Category, Kind};

pub(crate) const PHONE: Kind = Kind::new("PHONE", Category::Direct, 3);
pub(crate) const FAX: Kind = Kind::new("FAX", Category::Direct, 3);

/// Digits of the longest international number (E.164).
const DIGITS_MAX: usize = 15;
const GROUPS_MAX: usize = 8;

pub(crate) const WORDS: &[&str] = &[
    "phone",
    "phone number",
    "phone no*",
    "phone:",
    "telephone*",
    "tel",
    "tel.",
    "tel:",
    "tlf*",
    "tfno*",
    "tfn.",
    "telef*",
    "mobile",
    "mobile number",
    "mob.",
    "cell",
    "cell phone",
    "cellphone",
    "cell number",
    "landline",
    "call me",
    "call us",
    "call him",
    "call her",
    "call back",
    "callback",
    "call",
    "calling",
    "ring",
    "ring me",
    "dial",
    "text me",
    "text us",
    "sms",
    "whatsapp",
    "reach me",
    "reach me at",
    "reach him",
    "reach her",
    "reach us",
    "contact number",
    "contact me",
    "contact no*",
    "contact",
    "hotline",
    "voicemail",
    "answering at",
    "my number is",
    "my number's",
    "office",
    "handy",
    "handynummer",
    "telefon*",
    "tel.-nr*",
    "telefonnummer*",
    "rufnummer*",
    "mobil*",
    "mobilnummer*",
    "erreichbar*",
    "anrufen",
    "rufen",
    "ruf",
    "téléphone*",
    "téléphonique*",
    "tél",
    "tél.",
    "portable",
    "appelez*",
    "appeler",
    "joindre",
    "joignable",
    "numéro de téléphone",
    "teléfono*",
    "móvil*",
    "celular*",
    "llama*",
    "llámeme",
    "cellulare*",
    "telefono*",
    "chiama*",
    "recapito*",
    "telefoon*",
    "telefoonnummer*",
    "bel",
    "bel me",
    "bel me op",
    "bellen",
    "bereikbaar",
    "mobiel*",
    "gsm",
    "telefone*",
    "telemóvel*",
    "ligue*",
    "ligar",
    "telefonu*",
    "komórk*",
    "zadzwoń*",
    "dzwonić",
    "numer telefonu",
    "ring mig",
    "ringa",
    "mobilnummer",
    "nås på",
    "telefonnr*",
    "puhelin*",
    "puh.",
    "puhelinnumero",
    "soita",
    "telefon numarası",
    "telefonum",
    "cep",
    "電話",
    "電話番号",
    "携帯",
    "携帯電話",
    "电话",
    "電话",
    "电话号码",
    "手机",
    "手机号",
    "手机号码",
    "联系电话",
    "전화",
    "전화번호",
    "휴대폰",
    "휴대전화",
    "연락처",
    "téléph*",
    "τηλ*",
    "телефон*",
    "звоните",
];

pub(crate) const FAX_WORDS: &[&str] =
    &["fax", "fax:", "telefax*", "fax number", "télécopie*", "faks*", "faxnummer*", "传真"];

/// A parsed run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Run {
    pub(crate) end: usize,
    pub(crate) digits: usize,
    /// Confidence by shape alone.
    pub(crate) alone: f32,
}

/// The telephone-like run that begins at `start` (a digit, `+` or `(`).
pub(crate) fn run(text: &[u8], start: usize) -> Option<Run> {
    let mut shape = Shape { plus: false, paren: false, groups: [0; GROUPS_MAX], count: 0, seps: 0 };
    let mut at = start;
    if text[at] == b'(' && text.get(at + 1) == Some(&b'+') {
        shape.paren = true;
        at += 1;
    }
    if text[at] == b'+' {
        shape.plus = true;
        at += 1;
    } else if text[at] == b'(' {
        shape.paren = true;
        at += 1;
    }
    if !text.get(at).is_some_and(u8::is_ascii_digit) {
        return None;
    }
    let first_digit = at;
    let mut digits = 0;
    let mut end = at;
    loop {
        let length = text[at..].iter().take(DIGITS_MAX + 1).take_while(|byte| byte.is_ascii_digit()).count();
        if digits + length > DIGITS_MAX || shape.count == GROUPS_MAX {
            break;
        }
        // A letter glued to the group: not part of a number, but an extension may be.
        let glued = text
            .get(at + length)
            .is_some_and(|byte| byte.is_ascii_alphabetic() && !matches!(byte, b'x' | b'X' | b'e' | b'E'));
        if glued {
            break;
        }
        shape.groups[shape.count] = length as u8;
        shape.count += 1;
        digits += length;
        at += length;
        end = at;
        match separator(text, at, &mut shape) {
            Some(next) => at = next,
            None => break,
        }
    }
    // "(2024)" is a remark.
    if text.get(end) == Some(&b')') && text[start] == b'(' && shape.count == 1 {
        return None;
    }
    if digits < 6 {
        return None;
    }
    let (end, extension) = extension(text, end);
    // What stands glued behind is part of something else.
    let next = text.get(end).copied().unwrap_or(b' ');
    let after = text.get(end + 1).copied().unwrap_or(b' ');
    if next.is_ascii_alphanumeric()
        || matches!(next, b'-' | b'/' | b':') && after.is_ascii_digit()
        || matches!(next, b'_' | b'@') && after.is_ascii_alphanumeric()
    {
        return None;
    }
    if matches!(next, b'.' | b',') && after.is_ascii_digit() || next == b'%' {
        return None;
    }
    let alone = alone(&shape, digits, &text[first_digit..end], extension);
    Some(Run { end, digits, alone })
}

struct Shape {
    plus: bool,
    paren: bool,
    groups: [u8; GROUPS_MAX],
    count: usize,
    seps: usize,
}

/// Steps over what stands between two groups: at most three of space, hyphen, stop, slash, parentheses.
fn separator(text: &[u8], at: usize, shape: &mut Shape) -> Option<usize> {
    let mut next = at;
    let mut spaces = 0;
    while next < text.len() && next - at < 3 {
        match text[next] {
            b' ' => spaces += 1,
            b'-' | b'.' | b'/' => {}
            b'(' | b')' => shape.paren = true,
            _ => break,
        }
        next += 1;
    }
    if next == at || spaces > 1 || !text.get(next).is_some_and(u8::is_ascii_digit) {
        return None;
    }
    shape.seps += 1;
    Some(next)
}

/// ` x123`, ` ext. 123`.
fn extension(text: &[u8], end: usize) -> (usize, bool) {
    let mut at = end;
    if matches!(text.get(at), Some(b' ' | b',')) {
        at += 1;
    }
    if text.get(at) == Some(&b' ') {
        at += 1;
    }
    let word = [b"extension".as_slice(), b"ext.", b"ext", b"x"]
        .into_iter()
        .find(|word| text.get(at..at + word.len()).is_some_and(|found| found.eq_ignore_ascii_case(word)));
    let Some(word) = word else { return (end, false) };
    at += word.len();
    if matches!(text.get(at), Some(b' ' | b'.')) {
        at += 1;
    }
    let digits = text[at.min(text.len())..].iter().take(7).take_while(|byte| byte.is_ascii_digit()).count();
    if (1..=6).contains(&digits) { (at + digits, true) } else { (end, false) }
}

fn alone(shape: &Shape, digits: usize, spelled: &[u8], extension: bool) -> f32 {
    let groups = &shape.groups[..shape.count];
    if shape.plus {
        return if digits >= 8 { 0.85 } else { 0.4 };
    }
    let nth = |at: usize| spelled.iter().filter(|byte| byte.is_ascii_digit()).nth(at).copied().unwrap_or(b'0');
    let (nanp, lead) = match groups {
        [3, 3, 4] => (true, 0),
        [1, 3, 3, 4] if nth(0) == b'1' => (true, 1),
        [3, 3, 3, 4] if spelled.starts_with(b"001") => (true, 3),
        [3, 7] if shape.paren => (true, 0),
        _ => (false, 0),
    };
    if nanp {
        let valid = nth(lead) >= b'2' && nth(lead + 3) >= b'2';
        let spaces_only = !shape.paren && !spelled.contains(&b'-') && !spelled.contains(&b'.');
        return match (valid || extension, spaces_only) {
            (true, false) => 0.85,
            (true, true) => 0.55,
            _ => 0.45,
        };
    }
    if spelled.starts_with(b"00") && nth(2) != b'0' && (11..=15).contains(&digits) && shape.seps > 0 {
        return 0.6;
    }
    let first = groups.first().copied().unwrap_or(0);
    if nth(0) == b'0' && (9..=12).contains(&digits) && shape.seps > 0 && (2..=6).contains(&first) && shape.count <= 6 {
        return 0.6;
    }
    0.3
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Option<(usize, f32)> {
        run(text.as_bytes(), 0).map(|run| (run.end, run.alone))
    }

    #[test]
    fn shapes_of_many_plans_are_read_whole() {
        let sure = [
            "+46 (0)8 615 948 09",
            "+34 885 59 95 58",
            "(250)740-6458x422",
            "904.649.0422",
            "001-466-920-4210x7680",
            "04 65 51 15 84",
            "(+358) 059648155",
            "+3187-8843241",
            "(0147)-316142",
            "08-628 87 57",
            "1-702-891-9706 ext. 12",
        ];
        for text in sure {
            let (end, alone) = parsed(text).unwrap_or_else(|| panic!("{text}"));
            assert!(end == text.len() && alone >= 0.5, "{text} {end} {alone}");
        }
        for text in ["17 11 67 09", "1117663024", "63167847", "518 876 057", "77 2258-9089"] {
            let (end, alone) = parsed(text).unwrap_or_else(|| panic!("{text}"));
            assert!(end == text.len() && alone < 0.5, "{text} {end} {alone}");
        }
    }

    #[test]
    fn other_numbers_are_no_telephones() {
        for text in ["1,234,567,890", "12345", "978-0-8258-7121-4x", "4539578763621486"] {
            assert!(parsed(text).is_none_or(|(_, alone)| alone < 0.5), "{text}");
        }
    }
}
