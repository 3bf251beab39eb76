//! Japan, Korea, China.
//!
//! Sources: Ordinance 85 of 2014 of the Japanese Ministry of Internal Affairs (Individual Number check digit); Korean
//! Resident Registration Act rules (numbers issued since October 2020 carry no valid check, so date and seventh digit
//! decide in the hyphen form); GB 11643-1999 (ISO 7064 MOD 11-2).

use super::prelude::*;

fn my_number(n: &[u8]) -> bool {
    let rest = weighted(n, &[6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11;
    (if rest <= 1 { 0 } else { 11 - rest }) == digit(n[11]) && !repeated(n)
}

fn rrn(n: &[u8]) -> bool {
    yymmdd(n) && (b'1'..=b'8').contains(&n[6])
}

fn ric(n: &[u8]) -> bool {
    let year = number(&n[6..10]);
    digits(&n[..17])
        && matches!(number(&n[..2]), 11..=15 | 21..=23 | 31..=37 | 41..=46 | 50..=54 | 61..=65 | 71 | 81 | 82 | 83)
        && (1900..=2100).contains(&year)
        && day_of_month(number(&n[12..14]) as u32, number(&n[10..12]) as u32)
        && mod_11_2(n)
}

pub(super) const RECOGNIZERS: &[Recognizer] = &[
    Recognizer {
        kind: Kind::national("JP_MY_NUMBER", "JP", 7),
        distinct: &[],
        bare: &["999999999999", "9999 9999 9999", "9999-9999-9999"],
        strength: Strength::Weak,
        check: my_number,
        words: &["マイナンバー", "個人番号", "my number", "my-number", "mynumber", "individual number"],
        examples: &["745500948308", "2912 8320 0943"],
        refused: &["745500948309"],
    },
    Recognizer {
        kind: Kind::national("JP_PASSPORT", "JP", 7),
        distinct: &[],
        bare: &["AA9999999"],
        strength: Strength::Context,
        check: |n| n[0].is_ascii_uppercase(),
        words: &["パスポート番号", "旅券番号", "japanese passport"],
        examples: &["TK1234567"],
        refused: &[],
    },
    Recognizer {
        kind: Kind::national("KR_RRN", "KR", 8),
        distinct: &["999999-9999999"],
        bare: &["9999999999999"],
        strength: Strength::Format,
        check: rrn,
        words: &["주민등록번호", "주민번호", "외국인등록번호", "주민등록", "resident registration*", "rrn"],
        examples: &["650619-1253052", "920119-1204840"],
        refused: &["651319-1253052", "650619-9253052"],
    },
    Recognizer {
        kind: Kind::national("CN_RIC", "CN", 8),
        distinct: &[],
        bare: &["999999999999999999", "99999999999999999A", "999999 99999999 999X"],
        strength: Strength::Strong,
        check: ric,
        words: &["身份证*", "身份證*", "居民身份证", "公民身份号码", "resident identity*", "chinese id*"],
        examples: &["330106199912143436", "31011519680425973X"],
        refused: &["330106199912143437", "330106199913143436"],
    },
];
