//! IBAN (ISO 13616: length per country, MOD 97-10 = 1) and BIC (ISO 9362).
//!
//! Source of the lengths: SWIFT IBAN registry.

use crate::pii::check::mod_97;
use crate::pii::recognizer::{Category, Kind, Recognizer, Strength};

/// Country and length of its IBAN.
const LENGTHS: &[(&[u8; 2], usize)] = &[
    (b"AD", 24),
    (b"AE", 23),
    (b"AL", 28),
    (b"AT", 20),
    (b"AZ", 28),
    (b"BA", 20),
    (b"BE", 16),
    (b"BG", 22),
    (b"BH", 22),
    (b"BI", 27),
    (b"BR", 29),
    (b"BY", 28),
    (b"CH", 21),
    (b"CR", 22),
    (b"CY", 28),
    (b"CZ", 24),
    (b"DE", 22),
    (b"DJ", 27),
    (b"DK", 18),
    (b"DO", 28),
    (b"EE", 20),
    (b"EG", 29),
    (b"ES", 24),
    (b"FI", 18),
    (b"FK", 18),
    (b"FO", 18),
    (b"FR", 27),
    (b"GB", 22),
    (b"GE", 22),
    (b"GI", 23),
    (b"GL", 18),
    (b"GR", 27),
    (b"GT", 28),
    (b"HR", 21),
    (b"HU", 28),
    (b"IE", 22),
    (b"IL", 23),
    (b"IQ", 23),
    (b"IS", 26),
    (b"IT", 27),
    (b"JO", 30),
    (b"KW", 30),
    (b"KZ", 20),
    (b"LB", 28),
    (b"LC", 32),
    (b"LI", 21),
    (b"LT", 20),
    (b"LU", 20),
    (b"LV", 21),
    (b"LY", 25),
    (b"MC", 27),
    (b"MD", 24),
    (b"ME", 22),
    (b"MK", 19),
    (b"MN", 20),
    (b"MR", 27),
    (b"MT", 31),
    (b"MU", 30),
    (b"NI", 28),
    (b"NL", 18),
    (b"NO", 15),
    (b"OM", 23),
    (b"PK", 24),
    (b"PL", 28),
    (b"PS", 29),
    (b"PT", 25),
    (b"QA", 29),
    (b"RO", 24),
    (b"RS", 22),
    (b"RU", 33),
    (b"SA", 24),
    (b"SC", 31),
    (b"SD", 18),
    (b"SE", 24),
    (b"SI", 19),
    (b"SK", 24),
    (b"SM", 27),
    (b"SO", 23),
    (b"ST", 25),
    (b"SV", 28),
    (b"TL", 23),
    (b"TN", 24),
    (b"TR", 26),
    (b"UA", 29),
    (b"VA", 22),
    (b"VG", 24),
    (b"XK", 20),
    (b"YE", 30),
];

pub(crate) const IBAN: Kind =
    Kind { name: "IBAN", category: Category::Direct, severity: 6, country: None, hipaa: true };

/// The end of the IBAN that begins at `start` (its first letter), in any grouping by single spaces or hyphens.
pub(crate) fn iban(text: &[u8], start: usize) -> Option<usize> {
    let country = [text.get(start)?.to_ascii_uppercase(), text.get(start + 1)?.to_ascii_uppercase()];
    if !text.get(start + 2)?.is_ascii_digit() && !matches!(text.get(start + 2)?, b' ' | b'-') {
        return None;
    }
    let length = LENGTHS.iter().find(|(code, _)| **code == country)?.1;
    let mut compact = [0u8; 34];
    let mut count = 0;
    let mut at = start;
    let mut separated = true;
    while count < length {
        let byte = *text.get(at)?;
        if byte.is_ascii_alphanumeric() {
            compact[count] = byte.to_ascii_uppercase();
            count += 1;
            separated = false;
        } else if matches!(byte, b' ' | b'-') && !separated {
            separated = true;
        } else {
            return None;
        }
        at += 1;
    }
    let compact = &compact[..length];
    if !compact[2..4].iter().all(u8::is_ascii_digit) || text.get(at).is_some_and(u8::is_ascii_alphanumeric) {
        return None;
    }
    let rearranged = compact[4..].iter().chain(&compact[..4]).copied();
    (mod_97(rearranged) == 1).then_some(at)
}

fn bic(n: &[u8]) -> bool {
    // Four letters of the institution, a country, two of a place, three of a branch. Names of words pass too, so a
    // context word is required by its strength.
    let country = [n[4], n[5]];
    n[..6].iter().all(u8::is_ascii_uppercase)
        && (LENGTHS.iter().any(|(code, _)| **code == country)
            || [b"US", b"CA", b"JP", b"CN", b"KR", b"IN", b"AU", b"SG", b"HK", b"MX", b"ZA"].contains(&&country))
}

pub(crate) const RECOGNIZERS: &[Recognizer] = &[Recognizer {
    kind: Kind { name: "BIC", category: Category::Quasi, severity: 1, country: None, hipaa: false },
    distinct: &[],
    bare: &["AAAAAAXX", "AAAAAAXXXXX"],
    strength: Strength::Context,
    check: bic,
    words: &["bic", "swift", "swift code", "swift-code", "bic/swift"],
    examples: &["DEUTDEFF", "BNPAFRPPXXX"],
    refused: &["DEUTQQFF"],
}];

/// Words that stand near an IBAN; it needs none.
pub(crate) const IBAN_WORDS: &[&str] =
    &["iban", "bank account", "kontonummer", "konto", "compte", "cuenta", "conto", "rekening*", "conta", "rachunek"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registry_examples_hold_in_any_grouping() {
        let good = [
            "DE89370400440532013000",
            "GB82 WEST 1234 5698 7654 32",
            "FR14-2004-1010-0505-0001-3M02-606",
            "NO93 8601 1117 947",
            "MT84MALT011000012345MTLCAST001S",
            "it60x0542811101000000123456",
        ];
        for value in good {
            assert_eq!(iban(value.as_bytes(), 0), Some(value.len()), "{value}");
        }
        let bad = [
            "DE89370400440532013001",
            "DE8937040044053201300",
            "XX82WEST12345698765432",
            "DE89  370400440532013000",
            "DE",
        ];
        for value in bad {
            assert_eq!(iban(value.as_bytes(), 0), None, "{value}");
        }
        assert_eq!(iban(b"NO9386011117947 and more", 0), Some(15));
        assert_eq!(iban(b"DE89370400440532013000X", 0), None);
    }
}
