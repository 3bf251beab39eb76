//! Poland: PESEL, NIP, REGON, identity card.
//!
//! Sources: Act of 24 September 2010 on population records (PESEL; months +20/40/60/80 by century); Ministry of Finance
//! (NIP); GUS (REGON); ICAO-like weights 7 3 1 of the identity card.

use super::prelude::*;

fn pesel(n: &[u8]) -> bool {
    let sum = weighted(n, &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3]);
    let month = number(&n[2..4]) as u32 % 20;
    day_of_month(number(&n[4..6]) as u32, month) && (10 - sum % 10) % 10 == digit(n[10])
}

fn nip(n: &[u8]) -> bool {
    weighted(n, &[6, 5, 7, 2, 3, 4, 5, 6, 7]) % 11 == digit(n[9]) && !repeated(n)
}

fn regon(n: &[u8]) -> bool {
    weighted(n, &[8, 9, 2, 3, 4, 5, 6, 7]) % 11 % 10 == digit(n[8]) && !repeated(n)
}

/// Three letters, a check digit, five digits: weights 7 3 1 and 7 3 1 7 3 over all but the check digit, which has 9.
fn id_card(n: &[u8]) -> bool {
    let sum: u32 = n.iter().zip([7, 3, 1, 9, 7, 3, 1, 7, 3]).map(|(&byte, weight)| base36(byte) * weight).sum();
    sum.is_multiple_of(10)
}

pub(super) const RECOGNIZERS: &[Recognizer] = &[
    Recognizer {
        kind: Kind::national("PL_PESEL", "PL", 8),
        distinct: &[],
        bare: &["99999999999", "999999 99999"],
        strength: Strength::Medium,
        check: pesel,
        words: &["pesel", "numer ewidencyjny"],
        examples: &["65050592633", "50090613408"],
        refused: &["65050592634", "65133292633"],
    },
    Recognizer {
        kind: Kind::company("PL_NIP", "PL"),
        distinct: &["999-999-99-99", "999-99-99-999"],
        bare: &["9999999999", "AA9999999999"],
        strength: Strength::Weak,
        check: |n| {
            let body = n.strip_prefix(b"PL").unwrap_or(n);
            body.len() == 10 && digits(body) && nip(body)
        },
        words: &["nip", "numer identyfikacji podatkowej"],
        examples: &["9603541695", "950-267-63-30"],
        refused: &["9603541696"],
    },
    Recognizer {
        kind: Kind::company("PL_REGON", "PL"),
        distinct: &[],
        bare: &["999999999"],
        strength: Strength::Weak,
        check: regon,
        words: &["regon"],
        examples: &["693497328", "218027786"],
        refused: &["693497329"],
    },
    Recognizer {
        kind: Kind::national("PL_ID_CARD", "PL", 7),
        distinct: &[],
        bare: &["AAA999999", "AAA 999999"],
        strength: Strength::Weak,
        check: id_card,
        words: &["dowód osobisty", "dowodu osobistego", "numer dowodu", "seria i numer"],
        examples: &["ABA300000"],
        refused: &["ABA400000"],
    },
];
