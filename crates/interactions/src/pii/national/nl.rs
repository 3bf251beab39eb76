//! The Netherlands: burgerservicenummer and VAT id.
//!
//! Source: Wet algemene bepalingen burgerservicenummer; the eleven-test with weight −1 for the last digit.

use super::prelude::*;

pub(super) fn bsn(n: &[u8]) -> bool {
    let sum = weighted(n, &[9, 8, 7, 6, 5, 4, 3, 2]);
    sum % 11 == digit(n[8]) && !repeated(n) && number(n) > 9_999_999
}

pub(super) const RECOGNIZERS: &[Recognizer] = &[
    Recognizer {
        kind: Kind::national("NL_BSN", "NL", 8),
        distinct: &[],
        bare: &["999999999", "9999.99.999", "9999 99 999", "999 999 999", "999.999.999"],
        strength: Strength::Weak,
        check: bsn,
        words: &[
            "bsn",
            "burgerservicenummer",
            "burger service nummer",
            "sofinummer",
            "sofi-nummer",
            "sofi nummer",
            "citizen service number",
        ],
        examples: &["921619121", "3192.60.227"],
        refused: &["921619122", "000000000"],
    },
    Recognizer {
        kind: Kind::company("NL_VAT", "NL"),
        distinct: &["AA999999999A99"],
        bare: &[],
        strength: Strength::Format,
        check: |n| &n[..2] == b"NL" && n[11] == b'B',
        words: &["btw*", "vat*"],
        examples: &["NL123456782B01"],
        refused: &["NL123456782C01", "BE123456782B01"],
    },
];
