//! Sweden, Denmark, Norway, Finland, Iceland: personal numbers built on the date of birth.
//!
//! Sources: Skatteverket SKV 704 (Luhn over ten digits, coordination number day + 60, `+` from the year of turning 100);
//! CPR-kontoret (modulus 11 not guaranteed since 2007); Folkeregisterforskriften § 2-2 (two modulus 11 digits, D-number
//! day + 40); Digi- ja väestötietovirasto (separators of 2023); Þjóðskrá (kennitala modulus 11).

use super::prelude::*;

fn personnummer(n: &[u8]) -> bool {
    // `+` stays in the compact form: it belongs to the number.
    let mut plain = [0u8; 12];
    let mut len = 0;
    for &byte in n.iter().filter(|byte| byte.is_ascii_digit()) {
        plain[len] = byte;
        len += 1;
    }
    let ten = match len {
        10 => &plain[..10],
        12 if matches!(number(&plain[..2]), 18..=20) => &plain[2..12],
        _ => return false,
    };
    let day = number(&ten[4..6]) as u32;
    let day = if day > 60 { day - 60 } else { day };
    day_of_month(day, number(&ten[2..4]) as u32) && luhn(ten)
}

fn cpr(n: &[u8]) -> bool {
    ddmm(n)
}

fn fnr(n: &[u8]) -> bool {
    let day = number(&n[..2]) as u32;
    let day = if day > 40 { day - 40 } else { day };
    let month = number(&n[2..4]) as u32;
    // Skatteetaten's synthetic people add 40 or 80 to the month.
    let month = if month > 80 {
        month - 80
    } else if month > 40 {
        month - 40
    } else {
        month
    };
    let first = (11 - weighted(n, &[3, 7, 6, 1, 8, 9, 4, 5, 2]) % 11) % 11;
    let second = (11 - weighted(n, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11) % 11;
    day_of_month(day, month) && first == digit(n[9]) && second == digit(n[10])
}

fn hetu(n: &[u8]) -> bool {
    // The century sign is a letter or `+`; `-` was dropped as a separator.
    let (date, rest) = n.split_at(6);
    let rest = match rest.len() {
        5 if b"+ABCDEFYXWVU".contains(&rest[0]) => &rest[1..],
        4 => rest,
        _ => return false,
    };
    if !digits(date) || !digits(&rest[..3]) || !ddmm(date) {
        return false;
    }
    let joined = number(date) * 1000 + number(&rest[..3]);
    b"0123456789ABCDEFHJKLMNPRSTUVWXY"[(joined % 31) as usize] == rest[3]
}

fn kennitala(n: &[u8]) -> bool {
    let sum = weighted(n, &[3, 2, 7, 6, 5, 4, 3, 2]);
    ddmm(n) && (11 - sum % 11) % 11 == digit(n[8]) && matches!(n[9], b'8' | b'9' | b'0')
}

pub(super) const RECOGNIZERS: &[Recognizer] = &[
    Recognizer {
        kind: Kind::national("SE_PERSONNUMMER", "SE", 8),
        distinct: &["999999-9999", "999999+9999", "99999999-9999", "99999999+9999"],
        bare: &["9999999999", "999999999999", "999999 9999", "99999999 9999"],
        strength: Strength::Medium,
        check: personnummer,
        words: &[
            "personnummer",
            "pers.nr*",
            "personnr*",
            "persnr*",
            "pers nr*",
            "samordningsnummer",
            "pnr",
            "swedish personal*",
            "personal identity number",
            "personal number",
        ],
        examples: &["19750109-3764", "510724-7750", "199109035437"],
        refused: &["510724-7751", "511324-7750"],
    },
    Recognizer {
        kind: Kind::national("DK_CPR", "DK", 7),
        distinct: &[],
        bare: &["999999-9999", "9999999999", "999999 9999"],
        strength: Strength::Format,
        check: cpr,
        words: &["cpr*", "cpr-nummer", "cpr nummer", "personnummer", "danish personal*"],
        examples: &["060661-5187", "111244-1362"],
        refused: &["320661-5187", "061361-5187"],
    },
    Recognizer {
        kind: Kind::national("NO_FNR", "NO", 7),
        distinct: &["999999 99999", "999999-99999"],
        bare: &["99999999999"],
        strength: Strength::Strong,
        check: fnr,
        words: &[
            "fødselsnummer*",
            "fodselsnummer*",
            "fødselsnr*",
            "personnummer",
            "d-nummer",
            "fnr",
            "national identity number",
            "norwegian id*",
        ],
        examples: &["26075445392", "030698 04909"],
        refused: &["26075445393", "26135445392"],
    },
    Recognizer {
        kind: Kind::national("FI_HETU", "FI", 7),
        distinct: &["999999-999X", "999999+999X", "999999A999X"],
        bare: &[],
        strength: Strength::Strong,
        check: hetu,
        words: &["hetu", "henkilötunnus*", "henkilötunnukse*", "sotu", "personbeteckning", "finnish personal*"],
        examples: &["160198-558D", "111150-777X"],
        refused: &["160198-558E", "161398-558D"],
    },
    Recognizer {
        kind: Kind::national("IS_KENNITALA", "IS", 7),
        distinct: &[],
        bare: &["999999-9999", "9999999999"],
        strength: Strength::Medium,
        check: kennitala,
        words: &["kennitala*", "kennitölu*", "kt."],
        examples: &["120174-3399"],
        refused: &["120174-3389"],
    },
];
