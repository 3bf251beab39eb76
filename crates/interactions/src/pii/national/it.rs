//! Italy: codice fiscale and partita IVA.
//!
//! Sources: D.M. 23 December 1976 (odd and even tables, omocodia letters LMNPQRSTUV for digits); D.P.R. 633/1972 (Luhn).

use super::prelude::*;

const ODD: [u32; 36] = [
    1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10,
    22, 25, 24, 23,
];

fn codice_fiscale(n: &[u8]) -> bool {
    // Omocodia: when two people would share a code, digits are replaced by letters from the right.
    let plain = |byte: u8| byte.is_ascii_digit() || b"LMNPQRSTUV".contains(&byte);
    let form = n.iter().zip(b"AAAAAA99M99A999A").all(|(&byte, want)| match want {
        b'A' => byte.is_ascii_uppercase(),
        b'M' => b"ABCDEHLMPRST".contains(&byte),
        _ => plain(byte),
    });
    let sum: u32 = n[..15]
        .iter()
        .enumerate()
        .map(|(at, &byte)| {
            let value = base36(byte);
            if at % 2 == 0 {
                ODD[value as usize % 36]
            } else if value > 9 {
                value - 10
            } else {
                value
            }
        })
        .sum();
    form && b'A' + (sum % 26) as u8 == n[15]
}

pub(super) const RECOGNIZERS: &[Recognizer] = &[
    Recognizer {
        kind: Kind::national("IT_CODICE_FISCALE", "IT", 7),
        distinct: &["AAAAAAXXAXXAXXXA", "AAA AAA XXAXX AXXXA", "AAA AAA XXA XXA XXXA", "AAAAAA XXAXX AXXXA"],
        bare: &[],
        strength: Strength::Strong,
        check: codice_fiscale,
        words: &["codice fiscale", "c.f*", "cod. fisc*", "cf"],
        examples: &["FZRPVN00D14F205V", "LRRRZM48L26A662P"],
        refused: &["FZRPVN00D14F205W", "FZRPVN00Z14F205V"],
    },
    Recognizer {
        kind: Kind::company("IT_VAT", "IT"),
        distinct: &["AA99999999999"],
        bare: &["99999999999"],
        strength: Strength::Weak,
        check: |n| {
            let body = n.strip_prefix(b"IT").unwrap_or(n);
            // The office that issued it: a province, or one of four special codes.
            let office = body.get(7..10).map_or(0, number);
            body.len() == 11
                && digits(body)
                && luhn(body)
                && matches!(office, 1..=100 | 120 | 121 | 888 | 999)
                && !repeated(body)
        },
        words: &["partita iva", "p.iva*", "p. iva", "piva", "vat*"],
        examples: &["61533770626", "IT39205881202"],
        refused: &["61533770627"],
    },
];
