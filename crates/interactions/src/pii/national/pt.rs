//! Portugal: taxpayer number and citizen card.
//!
//! Sources: Decreto-Lei 14/2013 (NIF, weights 9…2); Autoridade Tributária first digits; Cartão de Cidadão check (Luhn
//! over letters and digits).

use super::prelude::*;

fn nif(n: &[u8]) -> bool {
    let check = 11 - weighted(n, &[9, 8, 7, 6, 5, 4, 3, 2]) % 11;
    let first = matches!(n[0], b'1' | b'2' | b'3' | b'5' | b'6' | b'7' | b'8' | b'9') || n.starts_with(b"45");
    first && (if check >= 10 { 0 } else { check }) == digit(n[8])
}

fn card(n: &[u8]) -> bool {
    let sum: u32 = n
        .iter()
        .rev()
        .enumerate()
        .map(|(at, &byte)| {
            let value = base36(byte);
            if at % 2 == 0 {
                value
            } else if value * 2 > 9 {
                value * 2 - 9
            } else {
                value * 2
            }
        })
        .sum();
    sum.is_multiple_of(10)
}

pub(super) const RECOGNIZERS: &[Recognizer] = &[
    Recognizer {
        kind: Kind::national("PT_NIF", "PT", 7),
        distinct: &[],
        bare: &["999999999", "999 999 999", "999.999.999"],
        strength: Strength::Weak,
        check: nif,
        words: &[
            "nif",
            "contribuinte",
            "número de identificação fiscal",
            "identificação fiscal",
            "nipc",
            "n.º fiscal",
            "número fiscal",
        ],
        examples: &["284767964", "142 157 309"],
        refused: &["284767965", "484767964"],
    },
    Recognizer {
        kind: Kind::national("PT_CITIZEN_CARD", "PT", 7),
        distinct: &["99999999 9 AA9", "99999999 9AA9"],
        bare: &["999999999AA9"],
        strength: Strength::Weak,
        check: card,
        words: &["cartão de cidadão", "cartao de cidadao", "cartão do cidadão", "cc n.º", "bilhete de identidade"],
        examples: &["00000000 0 ZZ4"],
        refused: &["00000000 0 ZZ5"],
    },
];
