//! Payment cards: Luhn, and the issuer's prefix with the length that issuer uses.
//!
//! Sources: ISO/IEC 7812-1; issuer ranges as published by the networks (Visa 4; Mastercard 51-55, 2221-2720; American
//! Express 34, 37; Discover 6011, 644-649, 65; Diners 300-305, 3095, 36, 38, 39; JCB 3528-3589, 1800, 2131; UnionPay 62, 81;
//! Maestro 50, 56-58, 6; Mir 2200-2204; RuPay 60, 65, 81, 82, 508).

use crate::pii::check::{luhn, number, repeated};
use crate::pii::recognizer::{Category, Kind, Recognizer, Strength};

/// Whether an issuer uses this length for this prefix.
fn issued(n: &[u8]) -> bool {
    let len = n.len();
    let four = number(&n[..4]);
    let three = four / 10;
    let two = four / 100;
    match two {
        40..=49 => matches!(len, 13 | 16 | 19),
        51..=55 => len == 16,
        22..=27 if (2221..=2720).contains(&four) || (2200..=2204).contains(&four) => len == 16,
        34 | 37 => len == 15,
        30 if (300..=305).contains(&three) || four == 3095 => matches!(len, 14 | 16),
        36 | 38 | 39 => matches!(len, 14 | 16),
        35 if (3528..=3589).contains(&four) => len == 16,
        18 | 21 if four == 1800 || four == 2131 => len == 15,
        62 | 81 => (16..=19).contains(&len),
        60 | 64 | 65 | 82 => len == 16 || len == 19,
        50 | 56..=59 | 61 | 63 | 66..=69 => (12..=19).contains(&len),
        _ => false,
    }
}

fn card(n: &[u8]) -> bool {
    issued(n) && luhn(n) && !repeated(n)
}

/// Lengths below 14 and Maestro's many prefixes are too common among other numbers to speak for themselves.
fn maestro(n: &[u8]) -> bool {
    card(n)
}

const WORDS: &[&str] = &[
    "card",
    "credit card",
    "debit card",
    "card number",
    "card no*",
    "cc",
    "cc number",
    "cc no*",
    "ccnum*",
    "visa",
    "mastercard",
    "amex",
    "american express",
    "discover",
    "jcb",
    "diners*",
    "maestro",
    "pan",
    "kreditkart*",
    "kartennummer",
    "karte",
    "carte",
    "carte bancaire",
    "carte de crédit",
    "numéro de carte",
    "tarjeta*",
    "número de tarjeta",
    "carta di credito",
    "numero di carta",
    "carta",
    "creditcard*",
    "betaalkaart",
    "kaartnummer",
    "cartão*",
    "número do cartão",
    "karta",
    "karty",
    "numer karty",
    "kreditkort*",
    "kortnummer*",
    "kort",
    "信用卡",
    "卡号",
    "クレジットカード",
    "カード番号",
    "신용카드",
    "카드번호",
    "카드 번호",
];

pub(crate) const RECOGNIZERS: &[Recognizer] = &[
    Recognizer {
        kind: Kind { name: "CREDIT_CARD", category: Category::Card, severity: 8, country: None, hipaa: true },
        distinct: &[
            "9999999999999999",
            "9999 9999 9999 9999",
            "9999-9999-9999-9999",
            "9999.9999.9999.9999",
            "999999999999999",
            "9999 999999 99999",
            "9999-999999-99999",
            "9999 999999 9999",
            "9999-999999-9999",
            "99999999999999",
            "9999999999999999999",
            "9999 9999 9999 9999 999",
            "9999-9999-9999-9999-999",
            "999999999999999999",
            "99999999999999999",
            "9999 9999 9999 999",
            "999999 9999999999",
            "99999999 99999999",
        ],
        bare: &[],
        // Prefix, length and Luhn together let about one number in a hundred of card length through.
        strength: Strength::Medium,
        check: card,
        words: WORDS,
        examples: &["4111111111111111", "5455-3055-5043-2860", "3702 094073 02156", "2221 7229 4610 0789"],
        refused: &["4111111111111112", "0000000000000000", "1234567812345670", "4402221652936353"],
    },
    Recognizer {
        kind: Kind { name: "CREDIT_CARD", category: Category::Card, severity: 8, country: None, hipaa: true },
        distinct: &[],
        bare: &["9999999999999", "999999999999"],
        strength: Strength::Weak,
        check: maestro,
        words: WORDS,
        examples: &["4222222222222"],
        refused: &["4222222222223"],
    },
];

/// Track 2 of a magnetic stripe (ISO/IEC 7813): `;` number `=` expiry, service code, data `?`. Returns its end.
pub(crate) fn track(text: &[u8], start: usize) -> Option<usize> {
    let digits = |at: usize, most: usize| text[at..].iter().take(most).take_while(|byte| byte.is_ascii_digit()).count();
    let open = matches!(text.get(start)?, b';' | b'%');
    let first = if text[start] == b'%' { start + 2 } else { start + 1 };
    if !open || (text[start] == b'%' && !matches!(text.get(start + 1), Some(b'B' | b'b'))) || first > text.len() {
        return None;
    }
    let length = digits(first, 20);
    if !(12..=19).contains(&length) || !luhn(&text[first..first + length]) {
        return None;
    }
    let mut at = first + length;
    if text[start] == b'%' {
        // Track 1 has the holder's name between carets.
        let name = text.get(at..)?.iter().take(30).skip(1).position(|&byte| byte == b'^')?;
        at += name + 1;
    } else if *text.get(at)? != b'=' {
        return None;
    }
    let data = digits(at + 1, 30);
    (data >= 7).then(|| {
        let end = at + 1 + data;
        end + usize::from(text.get(end) == Some(&b'?'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stripes_are_recognised() {
        let text = b"x ;4111111111111111=25121011234567890? y";
        assert_eq!(track(text, 2), Some(38));
        assert!(track(b"%B4111111111111111^DOE/JANE^2512101123456?", 0).is_some());
        assert_eq!(track(b";4111111111111112=25121011234567890?", 0), None);
        assert_eq!(track(b";", 0), None);
        assert_eq!(track(b"%", 0), None);
    }

    #[test]
    fn an_imei_is_no_card() {
        assert!(!card(b"354090247716130"));
        assert!(!card(b"990000862471854"));
    }
}
