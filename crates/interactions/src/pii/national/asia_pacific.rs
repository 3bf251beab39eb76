//! Australia, New Zealand, Singapore, Malaysia, Indonesia, Thailand, Hong Kong, Taiwan, Viet Nam.
//!
//! Sources: ATO (TFN weights 1 4 3 7 5 8 6 9 10; ABN modulo 89), Services Australia (Medicare), ASIC (ACN), IRD New
//! Zealand, ICA Singapore (NRIC and M series), JPN Malaysia, Kemendagri (NIK), DOPA Thailand, Immigration Department Hong
//! Kong, MOI Taiwan, Circular 07/2016/TT-BCA (CCCD).

use super::prelude::*;

fn tfn(n: &[u8]) -> bool {
    let weights: &[u32] = if n.len() == 9 { &[1, 4, 3, 7, 5, 8, 6, 9, 10] } else { &[10, 7, 8, 4, 6, 3, 5, 1] };
    weighted(n, weights).is_multiple_of(11) && !repeated(n)
}

fn medicare(n: &[u8]) -> bool {
    (b'2'..=b'6').contains(&n[0]) && weighted(n, &[1, 3, 7, 9, 1, 3, 7, 9]) % 10 == digit(n[8])
}

fn abn(n: &[u8]) -> bool {
    let sum = weighted(n, &[10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19]);
    n[0] != b'0' && sum >= 10 && (sum - 10).is_multiple_of(89)
}

fn acn(n: &[u8]) -> bool {
    (10 - weighted(n, &[8, 7, 6, 5, 4, 3, 2, 1]) % 10) % 10 == digit(n[8]) && !repeated(n)
}

fn ird(n: &[u8]) -> bool {
    let (check, body) = n.split_last().expect("a form has at least eight digits");
    let mut padded = [b'0'; 8];
    padded[8 - body.len()..].copy_from_slice(body);
    let remainder = |weights: &[u32]| (11 - weighted(&padded, weights) % 11) % 11;
    let first = remainder(&[3, 2, 7, 6, 5, 4, 3, 2]);
    let want = if first == 10 { remainder(&[7, 4, 3, 2, 5, 2, 7, 6]) } else { first };
    let value = number(n);
    (10_000_000..150_000_000).contains(&value) && want == digit(*check)
}

fn nric(n: &[u8]) -> bool {
    let (add, table): (u32, &[u8; 11]) = match n[0] {
        b'S' => (0, b"JZIHGFEDCBA"),
        b'T' => (4, b"JZIHGFEDCBA"),
        b'F' => (0, b"XWUTRQPNMLK"),
        b'G' => (4, b"XWUTRQPNMLK"),
        b'M' => (3, b"XWUTRQPNJLK"),
        _ => return false,
    };
    let sum = weighted(&n[1..8], &[2, 7, 6, 5, 4, 3, 2]) + add;
    // The M series counts its table from the other end.
    let place = if n[0] == b'M' { 10 - sum % 11 } else { sum % 11 };
    table[place as usize] == n[8]
}

fn my_nric(n: &[u8]) -> bool {
    yymmdd(n) && matches!(number(&n[6..8]), 1..=16 | 21..=59 | 60..=68 | 71 | 72 | 74..=79 | 82..=93 | 98 | 99)
}

fn nik(n: &[u8]) -> bool {
    let day = number(&n[6..8]) as u32;
    let day = if day > 40 { day - 40 } else { day };
    matches!(number(&n[..2]), 11..=21 | 31..=36 | 51..=53 | 61..=65 | 71..=76 | 81 | 82 | 91..=97)
        && day_of_month(day, number(&n[8..10]) as u32)
}

fn thai(n: &[u8]) -> bool {
    let sum = weighted(n, &[13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2]);
    matches!(n[0], b'1'..=b'8') && (11 - sum % 11) % 10 == digit(n[12])
}

fn hkid(n: &[u8]) -> bool {
    let letters = n.iter().take_while(|byte| byte.is_ascii_uppercase()).count();
    if letters == 0 || letters > 2 || n.len() != letters + 7 || !digits(&n[letters..letters + 6]) {
        return false;
    }
    let lead = if letters == 1 { 36 * 9 + base36(n[0]) * 8 } else { base36(n[0]) * 9 + base36(n[1]) * 8 };
    let sum = lead + weighted(&n[letters..letters + 6], &[7, 6, 5, 4, 3, 2]);
    let check = n[letters + 6];
    let value = if check == b'A' {
        10
    } else if check.is_ascii_digit() {
        digit(check)
    } else {
        return false;
    };
    (sum + value).is_multiple_of(11)
}

fn taiwan(n: &[u8]) -> bool {
    const ORDER: &[u8; 26] = b"ABCDEFGHJKLMNPQRSTUVXYWZIO";
    let Some(place) = ORDER.iter().position(|&letter| letter == n[0]) else { return false };
    let value = place as u32 + 10;
    let sum = value / 10 + value % 10 * 9 + weighted(&n[1..9], &[8, 7, 6, 5, 4, 3, 2, 1]);
    matches!(n[1], b'1' | b'2' | b'8' | b'9') && (10 - sum % 10) % 10 == digit(n[9])
}

pub(super) const RECOGNIZERS: &[Recognizer] = &[
    Recognizer {
        kind: Kind::national("AU_TFN", "AU", 7),
        distinct: &[],
        bare: &["999999999", "999 999 999", "999-999-999", "99999999", "99 999 999"],
        strength: Strength::Weak,
        check: tfn,
        words: &["tfn", "tax file*"],
        examples: &["615234723", "165 266 567"],
        refused: &["615234724"],
    },
    Recognizer {
        kind: Kind::national("AU_MEDICARE", "AU", 7),
        distinct: &["9999 99999 9", "9999-99999-9", "9999 99999 9-9", "9999 99999 9/9"],
        bare: &["9999999999", "99999999999"],
        strength: Strength::Weak,
        check: medicare,
        words: &["medicare*"],
        examples: &["3997992151", "2488 89122 3"],
        refused: &["3997992251", "7997992151"],
    },
    Recognizer {
        kind: Kind::company("AU_ABN", "AU"),
        distinct: &["99 999 999 999"],
        bare: &["99999999999"],
        strength: Strength::Medium,
        check: abn,
        words: &["abn", "australian business*"],
        examples: &["53 622 649 612", "36050952879"],
        refused: &["53 622 649 613"],
    },
    Recognizer {
        kind: Kind::company("AU_ACN", "AU"),
        distinct: &[],
        bare: &["999 999 999", "999999999"],
        strength: Strength::Weak,
        check: acn,
        words: &["acn", "australian company*"],
        examples: &["566 941 553", "788622079"],
        refused: &["566 941 554"],
    },
    Recognizer {
        kind: Kind::national("NZ_IRD", "NZ", 7),
        distinct: &[],
        bare: &["99-999-999", "999-999-999", "99999999", "999999999"],
        strength: Strength::Weak,
        check: ird,
        words: &["ird", "inland revenue*"],
        examples: &["49-091-850", "093-497-295"],
        refused: &["49-091-851"],
    },
    Recognizer {
        kind: Kind::national("SG_NRIC", "SG", 7),
        distinct: &["A9999999A"],
        bare: &[],
        strength: Strength::Medium,
        check: nric,
        words: &["nric", "fin", "nric no*", "identity card*", "foreign identification*"],
        examples: &["F7210211T", "G6008025P", "T0803026F"],
        refused: &["F7210211U", "A7210211T"],
    },
    Recognizer {
        kind: Kind::national("MY_NRIC", "MY", 7),
        distinct: &["999999-99-9999"],
        bare: &["999999999999"],
        strength: Strength::Format,
        check: my_nric,
        words: &["mykad", "nric", "kad pengenalan", "no. kp", "ic number", "ic no*"],
        examples: &["760227-08-4249", "770627018696"],
        refused: &["761327-08-4249", "760227-00-4249"],
    },
    Recognizer {
        kind: Kind::national("ID_NIK", "ID", 7),
        distinct: &[],
        bare: &["9999999999999999"],
        strength: Strength::Medium,
        check: nik,
        words: &["nik", "nomor induk*", "ktp"],
        examples: &["3171011708450001"],
        refused: &["3171013213450001", "0171011708450001"],
    },
    Recognizer {
        kind: Kind::national("TH_ID", "TH", 7),
        distinct: &["9-9999-99999-99-9", "9 9999 99999 99 9"],
        bare: &["9999999999999"],
        strength: Strength::Weak,
        check: thai,
        words: &["thai id*", "บัตรประชาชน", "เลขประจำตัวประชาชน", "citizen id*"],
        examples: &["2-3703-25284-66-4", "7442698311146"],
        refused: &["2-3703-25284-66-5"],
    },
    Recognizer {
        kind: Kind::national("HK_ID", "HK", 7),
        distinct: &["A999999(X)", "AA999999(X)"],
        bare: &["A999999X", "AA999999X"],
        strength: Strength::Medium,
        check: hkid,
        words: &["hkid*", "hong kong id*", "香港身份證", "香港身份证", "身份證號碼"],
        examples: &["V468695(0)", "K969350(5)"],
        refused: &["V468695(1)"],
    },
    Recognizer {
        kind: Kind::national("TW_ID", "TW", 7),
        distinct: &["A999999999"],
        bare: &[],
        strength: Strength::Weak,
        check: taiwan,
        words: &["taiwan id*", "身分證*", "身份證字號", "統一證號", "身分證字號"],
        examples: &["U139441175", "X215162045"],
        refused: &["U139441176"],
    },
    Recognizer {
        kind: Kind::national("VN_CCCD", "VN", 7),
        distinct: &[],
        bare: &["999999999999"],
        strength: Strength::Context,
        check: |n| (1..=96).contains(&number(&n[..3])) && n[3] <= b'9',
        words: &["cccd", "căn cước*", "can cuoc*"],
        examples: &["001099012345"],
        refused: &["999099012345"],
    },
];
