//! United Kingdom: National Insurance, NHS, taxpayer reference, bank details.
//!
//! Sources: HMRC NIM39110 (prefixes), NHS Data Dictionary "NHS NUMBER" (modulus 11), HMRC UTR check digit, Vocalink sort
//! codes (no public check used here).

use super::prelude::*;

fn nino(n: &[u8]) -> bool {
    const NEVER: [&[u8]; 7] = [b"BG", b"GB", b"KN", b"NK", b"NT", b"TN", b"ZZ"];
    !b"DFIQUV".contains(&n[0])
        && !b"DFIQUVO".contains(&n[1])
        && !NEVER.contains(&&n[..2])
        && digits(&n[2..8])
        && n.get(8).is_none_or(|suffix| (b'A'..=b'D').contains(suffix))
}

fn nhs(n: &[u8]) -> bool {
    let check = 11 - weighted(n, &[10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11;
    check != 10 && check % 11 == digit(n[9]) && !repeated(n)
}

fn utr(n: &[u8]) -> bool {
    let sum = weighted(&n[1..], &[6, 7, 8, 9, 10, 5, 4, 3, 2]);
    b"21987654321"[(sum % 11) as usize] == n[0]
}

pub(super) const RECOGNIZERS: &[Recognizer] = &[
    Recognizer {
        kind: Kind::national("UK_NINO", "GB", 7),
        distinct: &["AA999999A", "AA 99 99 99 A", "AA-99-99-99-A", "AA 999999 A"],
        bare: &["AA999999", "AA 99 99 99"],
        strength: Strength::Format,
        check: nino,
        words: &["nino", "ni number", "ni no*", "national insurance*", "nat ins*"],
        examples: &["TP660424C", "PA 16 40 16 D"],
        refused: &["DP660424C", "GB660424C", "TP660424E", "TO660424C"],
    },
    Recognizer {
        kind: Kind::national("UK_NHS", "GB", 7),
        distinct: &[],
        bare: &["999 999 9999", "999-999-9999", "9999999999"],
        strength: Strength::Weak,
        check: nhs,
        words: &["nhs", "nhs no*", "nhs number", "health service number"],
        examples: &["0427402557", "947 547 0328"],
        refused: &["0427402558", "0000000000"],
    },
    Recognizer {
        kind: Kind::national("UK_UTR", "GB", 7),
        distinct: &[],
        bare: &["9999999999", "99999 99999"],
        strength: Strength::Weak,
        check: utr,
        words: &["utr", "unique taxpayer*", "tax reference", "self assessment"],
        examples: &["1177774121", "64628 89751"],
        refused: &["1177774122"],
    },
    Recognizer {
        kind: Kind {
            name: "UK_BANK_ACCOUNT",
            category: Category::Direct,
            severity: 5,
            country: Some("GB"),
            hipaa: true,
        },
        distinct: &[],
        bare: &["99-99-99", "99-99-99 99999999", "99 99 99 99999999", "999999 99999999"],
        strength: Strength::Context,
        check: |n| !repeated(n),
        words: &["sort code", "sort-code", "sortcode", "sc/acc"],
        examples: &["20-32-06 12345678", "40-47-84"],
        refused: &["00-00-00"],
    },
];
