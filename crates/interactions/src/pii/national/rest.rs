//! India, South Africa, Türkiye, Israel, the Gulf, Nigeria, the Philippines.
//!
//! Sources: UIDAI (Aadhaar, Verhoeff, never 0 or 1 first); Income Tax Department (PAN, fourth letter); GSTN (modulo 36);
//! South African Identification Act 68 of 1997 (Luhn); NVİ (T.C. kimlik); Israeli Population Registry (Luhn); ICP (784…);
//! Absher (Luhn); NIMC.

use super::prelude::*;

fn aadhaar(n: &[u8]) -> bool {
    n[0] >= b'2' && verhoeff(n) && !repeated(n)
}

fn pan(n: &[u8]) -> bool {
    n.iter().zip(b"AAAAA9999A").all(|(b, want)| if *want == b'A' { b.is_ascii_uppercase() } else { b.is_ascii_digit() })
        && b"PCHFATBLJG".contains(&n[3])
}

fn gstin(n: &[u8]) -> bool {
    const CODES: &[u8; 36] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    let sum: u32 = n[..14]
        .iter()
        .enumerate()
        .map(|(at, &byte)| {
            let product = base36(byte) * if at % 2 == 0 { 1 } else { 2 };
            product / 36 + product % 36
        })
        .sum();
    digits(&n[..2]) && pan(&n[2..12]) && CODES[((36 - sum % 36) % 36) as usize] == n[14]
}

fn za_id(n: &[u8]) -> bool {
    yymmdd(n) && matches!(n[10], b'0' | b'1' | b'2') && luhn(n)
}

fn tckn(n: &[u8]) -> bool {
    let odd: u32 = [0, 2, 4, 6, 8].iter().map(|&at| digit(n[at])).sum();
    let even: u32 = [1, 3, 5, 7].iter().map(|&at| digit(n[at])).sum();
    let all: u32 = n[..10].iter().map(|&byte| digit(byte)).sum();
    n[0] != b'0' && (7 * odd + 100 - even) % 10 == digit(n[9]) && all % 10 == digit(n[10]) && !repeated(n)
}

pub(super) const RECOGNIZERS: &[Recognizer] = &[
    Recognizer {
        kind: Kind::national("IN_AADHAAR", "IN", 8),
        distinct: &[],
        bare: &["999999999999", "9999 9999 9999", "9999-9999-9999"],
        strength: Strength::Weak,
        check: aadhaar,
        words: &["aadhaar*", "aadhar*", "adhaar*", "uidai*", "uid number", "आधार"],
        examples: &["9371 3090 6320", "471201548801"],
        refused: &["9371 3090 6321", "137130906320"],
    },
    Recognizer {
        kind: Kind::national("IN_PAN", "IN", 7),
        distinct: &[],
        bare: &["AAAAA9999A"],
        strength: Strength::Format,
        check: pan,
        words: &["pan", "pan card", "pan no*", "permanent account*"],
        examples: &["IFZPG1800I", "RGQPE7741A"],
        refused: &["IFZXG1800I"],
    },
    Recognizer {
        kind: Kind::company("IN_GSTIN", "IN"),
        distinct: &["99AAAAA9999AXXX"],
        bare: &[],
        strength: Strength::Medium,
        check: gstin,
        words: &["gstin", "gst*"],
        examples: &["27YACCU4091X1ZM", "27WKKTY3284I1ZL"],
        refused: &["27YACCU4091X1ZN"],
    },
    Recognizer {
        kind: Kind::national("ZA_ID", "ZA", 7),
        distinct: &["999999 9999 999", "999999 9999 99 9"],
        bare: &["9999999999999"],
        strength: Strength::Strong,
        check: za_id,
        words: &["sa id*", "id number", "identity number", "south african id*", "rsa id*", "id no*"],
        examples: &["5902128791086", "7307267259184"],
        refused: &["5902128791087", "5913128791086"],
    },
    Recognizer {
        kind: Kind::national("TR_TCKN", "TR", 7),
        distinct: &[],
        bare: &["99999999999"],
        strength: Strength::Medium,
        check: tckn,
        words: &[
            "t.c. kimlik*",
            "tc kimlik*",
            "tckn",
            "kimlik no*",
            "kimlik numara*",
            "turkish id*",
            "turkish identi*",
            "t.c. no*",
        ],
        examples: &["81129028854", "35438859678"],
        refused: &["81129028855", "01129028854"],
    },
    Recognizer {
        kind: Kind::national("IL_ID", "IL", 7),
        distinct: &[],
        bare: &["999999999", "99999999-9"],
        strength: Strength::Weak,
        check: |n| luhn(n) && !repeated(n),
        words: &["teudat zehut", "תעודת זהות", "ת.ז*", "israeli id*", "מספר זהות"],
        examples: &["908822232", "988150710"],
        refused: &["908822233"],
    },
    Recognizer {
        kind: Kind::national("AE_EID", "AE", 7),
        distinct: &["999-9999-9999999-9"],
        bare: &["999999999999999"],
        strength: Strength::Medium,
        check: |n| n.starts_with(b"784") && luhn(n),
        words: &["emirates id*", "eid", "الهوية الإماراتية", "رقم الهوية"],
        examples: &["784-1985-0123456-5"],
        refused: &["784-1985-0123456-6", "785-1985-0123456-5"],
    },
    Recognizer {
        kind: Kind::national("SA_ID", "SA", 7),
        distinct: &[],
        bare: &["9999999999"],
        strength: Strength::Weak,
        check: |n| matches!(n[0], b'1' | b'2') && luhn(n),
        words: &["saudi id*", "iqama", "الهوية الوطنية", "الإقامة", "رقم الإقامة"],
        examples: &["1012345672", "2345678904"],
        refused: &["1012345673"],
    },
    Recognizer {
        kind: Kind::national("NG_NIN", "NG", 7),
        distinct: &[],
        bare: &["99999999999"],
        strength: Strength::Context,
        check: |n| !repeated(n),
        words: &["nin", "national identification number", "nimc"],
        examples: &["12345678902"],
        refused: &["11111111111"],
    },
    Recognizer {
        kind: Kind::national("PH_PHILSYS", "PH", 7),
        distinct: &[],
        bare: &["9999-9999-9999-9999", "9999999999999999", "9999-9999999-9", "99-9999999-9"],
        strength: Strength::Context,
        check: |n| !repeated(n),
        words: &["philsys*", "umid", "philippine id*", "sss number", "sss no*"],
        examples: &["1234-5678-9012-3456", "34-1234567-8"],
        refused: &["1111-1111-1111-1111"],
    },
];
