//! Belgium, Luxembourg, Austria, Switzerland, Ireland: registry and social security numbers.
//!
//! Sources: Rijksregister, royal decree of 3 April 1984 (97 − N mod 97, `2` in front for births from 2000); Dachverband der
//! österreichischen Sozialversicherungsträger (weights 3 7 9 · 5 8 4 2 1 6); BSV, AHV number as EAN-13 with prefix 756;
//! Irish Department of Social Protection (PPS, modulo 23).

use super::prelude::*;

fn nrn(n: &[u8]) -> bool {
    let body = number(&n[..9]);
    let check = number(&n[9..]);
    let month = number(&n[2..4]) as u32;
    // Months +20 or +40 mark a BIS number; a date that was not known is written 00.
    let month = if month >= 40 {
        month - 40
    } else if month >= 20 {
        month - 20
    } else {
        month
    };
    let day = number(&n[4..6]) as u32;
    let dated = month == 0 || day == 0 && month <= 12 || day_of_month(day, month);
    dated && (97 - body % 97 == check || 97 - (2_000_000_000 + body) % 97 == check)
}

fn svnr(n: &[u8]) -> bool {
    let sum = weighted(n, &[3, 7, 9, 0, 5, 8, 4, 2, 1, 6]);
    // Months 13 to 15 mark dates that ran out of serials.
    let month = number(&n[6..8]) as u32;
    let day = number(&n[4..6]) as u32;
    n[0] != b'0' && (13..=15).contains(&month) | day_of_month(day, month) && sum % 11 == digit(n[3])
}

fn ahv(n: &[u8]) -> bool {
    let sum: u32 = n.iter().zip([1, 3].iter().cycle()).map(|(&byte, weight)| digit(byte) * weight).sum();
    n.starts_with(b"756") && sum.is_multiple_of(10)
}

fn pps(n: &[u8]) -> bool {
    let second = match n.get(8) {
        None => 0,
        Some(b'W') => 0,
        Some(letter @ b'A'..=b'I') => u32::from(letter - b'A') + 1,
        Some(_) => return false,
    };
    let sum = weighted(n, &[8, 7, 6, 5, 4, 3, 2]) + 9 * second;
    digits(&n[..7]) && b"WABCDEFGHIJKLMNOPQRSTUV"[(sum % 23) as usize] == n[7]
}

pub(super) const RECOGNIZERS: &[Recognizer] = &[
    Recognizer {
        kind: Kind::national("BE_NRN", "BE", 7),
        distinct: &[
            "99.99.99-999.99",
            "99.99.99-999-99",
            "99 99 99 999 99",
            "99.99.99.999.99",
            "999999-999-99",
            "999999-999.99",
            "999999 999 99",
        ],
        bare: &["99999999999"],
        strength: Strength::Strong,
        check: nrn,
        words: &[
            "rijksregister*",
            "rijksregisternummer",
            "registre national",
            "numéro national",
            "nationalregister*",
            "niss",
            "insz",
            "national number",
            "bis-nummer",
        ],
        examples: &["67102093143", "48.06.06-479.03"],
        refused: &["67102093144", "67142093143"],
    },
    Recognizer {
        kind: Kind::national("AT_SVNR", "AT", 7),
        distinct: &["9999 999999", "9999-999999", "9999/999999"],
        bare: &["9999999999"],
        strength: Strength::Medium,
        check: svnr,
        words: &[
            "sozialversicherungsnummer",
            "sv-nummer",
            "sv-nr*",
            "svnr*",
            "sv nummer",
            "versicherungsnummer",
            "sozialversicherungs-nr*",
            "ecard",
            "e-card",
            "austrian social*",
        ],
        examples: &["4683230187", "3753 111091"],
        refused: &["4683230188", "4684230187"],
    },
    Recognizer {
        kind: Kind::national("CH_AHV", "CH", 7),
        distinct: &["999.9999.9999.99", "999 9999 9999 99"],
        bare: &["9999999999999"],
        strength: Strength::Strong,
        check: ahv,
        words: &["ahv*", "avs", "oasi", "sozialversicherungsnummer", "numéro avs", "numero avs"],
        examples: &["756.4986.7422.53", "7566600310008"],
        refused: &["756.4986.7422.54", "757.4986.7422.53"],
    },
    Recognizer {
        kind: Kind::national("IE_PPS", "IE", 7),
        distinct: &[],
        bare: &["9999999A", "9999999AA", "9999999 A"],
        strength: Strength::Weak,
        check: pps,
        words: &["pps*", "ppsn", "pps number", "pps no*", "personal public service*"],
        examples: &["3197581E", "1726351VA"],
        refused: &["3197581F", "1726351VZ"],
    },
];
