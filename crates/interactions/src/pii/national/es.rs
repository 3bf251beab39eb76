//! Spain: identity card, foreigners' number, company number, social security.
//!
//! Sources: Ministerio del Interior, letter of the NIF (modulo 23 over TRWAGMYFPDXBNJZSQVHLCKE); Orden EHA/451/2008
//! (CIF); Seguridad Social (first ten digits modulo 97).

use super::prelude::*;

const LETTERS: &[u8; 23] = b"TRWAGMYFPDXBNJZSQVHLCKE";

fn dni(n: &[u8]) -> bool {
    digits(&n[..8]) && LETTERS[(number(&n[..8]) % 23) as usize] == n[8] && !repeated(&n[..8])
}

fn nie(n: &[u8]) -> bool {
    let first = match n[0] {
        b'X' => 0,
        b'Y' => 1,
        b'Z' => 2,
        _ => return false,
    };
    LETTERS[((first * 10_000_000 + number(&n[1..8])) % 23) as usize] == n[8]
}

fn cif(n: &[u8]) -> bool {
    let sum: u32 = n[1..8]
        .iter()
        .enumerate()
        .map(|(at, &byte)| if at % 2 == 0 { digit(byte) * 2 / 10 + digit(byte) * 2 % 10 } else { digit(byte) })
        .sum();
    let check = (10 - sum % 10) % 10;
    b"ABCDEFGHJNPQRSUVW".contains(&n[0])
        && (digit(n[8]) == check && n[8].is_ascii_digit() || n[8] == b"JABCDEFGHI"[check as usize])
}

fn nuss(n: &[u8]) -> bool {
    // A serial below ten million is joined to the province without its leading zeros.
    let (province, serial) = (number(&n[..2]), number(&n[2..10]));
    let joined = if serial < 10_000_000 { serial + province * 10_000_000 } else { number(&n[..10]) };
    (1..=66).contains(&province) && joined % 97 == number(&n[10..])
}

pub(super) const RECOGNIZERS: &[Recognizer] = &[
    Recognizer {
        kind: Kind::national("ES_DNI", "ES", 7),
        distinct: &["99999999A", "99999999-A", "99.999.999-A", "99.999.999A", "99 999 999 A"],
        bare: &["99999999 A"],
        strength: Strength::Medium,
        check: dni,
        words: &["dni", "nif", "documento nacional*", "documento de identidad", "d.n.i*", "n.i.f*", "identidad"],
        examples: &["72575298V", "17663995-H", "94.148.807-D"],
        refused: &["72575298W", "00000000T"],
    },
    Recognizer {
        kind: Kind::national("ES_NIE", "ES", 7),
        distinct: &["A9999999A", "A-9999999-A", "A9999999-A", "A-9999999A", "A 9999999 A"],
        bare: &[],
        strength: Strength::Medium,
        check: nie,
        words: &["nie", "extranjero*", "n.i.e*", "número de identidad*"],
        examples: &["Z1787979X", "Y-9973771-L"],
        refused: &["Z1787979W", "A1787979X"],
    },
    Recognizer {
        kind: Kind::company("ES_CIF", "ES"),
        distinct: &["A9999999X", "A-9999999X", "A-99999999"],
        bare: &[],
        strength: Strength::Weak,
        check: cif,
        words: &["cif", "c.i.f*", "nif", "empresa"],
        examples: &["U03867850", "N10914562"],
        refused: &["U03867851"],
    },
    Recognizer {
        kind: Kind::national("ES_NUSS", "ES", 7),
        distinct: &["99/99999999/99"],
        bare: &["999999999999", "99 99999999 99"],
        strength: Strength::Medium,
        check: nuss,
        words: &["nuss", "naf", "seguridad social", "número de afiliación"],
        examples: &["032824943173", "32 39123494 69"],
        refused: &["032824943174"],
    },
];
