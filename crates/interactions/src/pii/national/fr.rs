//! France: social security (NIR), tax (SPI), company numbers.
//!
//! Sources: INSEE, structure of the NIR (key 97 − N mod 97; Corsica 2A = 19, 2B = 18); DGFiP numéro fiscal; INSEE
//! SIREN/SIRET (Luhn; La Poste's establishments sum to a multiple of five).

use super::prelude::*;

fn nir(n: &[u8]) -> bool {
    let mut body = [0u8; 13];
    body.copy_from_slice(&n[..13]);
    match &n[5..7] {
        b"2A" => body[5..7].copy_from_slice(b"19"),
        b"2B" => body[5..7].copy_from_slice(b"18"),
        _ => {}
    }
    // Months 20 and above mark births whose month is unknown.
    let month = number(&n[3..5]);
    digits(&body)
        && digits(&n[13..])
        && matches!(n[0], b'1'..=b'4' | b'7' | b'8')
        && (matches!(month, 1..=12) || month >= 20)
        && 97 - number(&body) % 97 == number(&n[13..])
}

fn spi(n: &[u8]) -> bool {
    n[0] <= b'3' && number(&n[..10]) % 511 == number(&n[10..])
}

fn siret(n: &[u8]) -> bool {
    let la_poste = n.starts_with(b"356000000") && n.iter().map(|&byte| digit(byte)).sum::<u32>().is_multiple_of(5);
    (luhn(n) && luhn(&n[..9]) || la_poste) && !repeated(n)
}

pub(super) const RECOGNIZERS: &[Recognizer] = &[
    Recognizer {
        kind: Kind::national("FR_NIR", "FR", 8),
        distinct: &[
            "9 99 99 99 999 999 99",
            "9 99 99 9A 999 999 99",
            "999999A99999999",
            "9-99-99-99-999-999-99",
            "9.99.99.99.999.999.99",
            "9 99 99 99 999 999 | 99",
            "9 99 99 99 999 999/99",
        ],
        bare: &["999999999999999", "9999999999999 99", "999999A999999 99"],
        strength: Strength::Strong,
        check: nir,
        words: &[
            "nir",
            "sécurité sociale",
            "securite sociale",
            "sécu",
            "insee",
            "n° insee",
            "numéro de sécu*",
            "numéro ss",
            "carte vitale",
            "social security*",
        ],
        examples: &["154026916179038", "1 63 04 13 676 444 05"],
        refused: &["154026916179039", "1 63 14 13 676 444 05"],
    },
    Recognizer {
        kind: Kind::national("FR_SPI", "FR", 7),
        distinct: &["99 99 999 999 999"],
        bare: &["9999999999999"],
        strength: Strength::Medium,
        check: spi,
        words: &["spi", "numéro fiscal*", "n° fiscal*", "référence fiscale", "identifiant fiscal*"],
        examples: &["3138313122490", "06 80 999 818 338"],
        refused: &["3138313122491"],
    },
    Recognizer {
        kind: Kind::company("FR_SIRET", "FR"),
        distinct: &["999 999 999 99999"],
        bare: &["99999999999999"],
        strength: Strength::Medium,
        check: siret,
        words: &["siret"],
        examples: &["92229443416114", "284 050 358 26121"],
        refused: &["92229443416115"],
    },
    Recognizer {
        kind: Kind::company("FR_SIREN", "FR"),
        distinct: &[],
        bare: &["999999999", "999 999 999"],
        strength: Strength::Weak,
        check: |n| luhn(n) && !repeated(n),
        words: &["siren", "rcs"],
        examples: &["824922959", "915 840 722"],
        refused: &["824922958"],
    },
];
