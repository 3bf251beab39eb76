//! Romania, Czechia and Slovakia, Bulgaria, Croatia, Slovenia, Greece, Estonia, Lithuania, Hungary, Ukraine.
//!
//! Sources: Legea 105/1996 (CNP, key 279146358279); Act 133/2000 Sb. (rodné číslo, divisible by 11); GRAO (EGN weights
//! 2 4 8 5 10 9 7 3 6); Croatian tax administration (OIB, MOD 11,10); AMKA (Luhn); AFM (powers of two); Estonian standard
//! EVS 585 (two rounds of weights); Ukrainian tax service (RNTRC).

use super::prelude::*;

fn cnp(n: &[u8]) -> bool {
    let check = weighted(n, &[2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9]) % 11;
    n[0] != b'0' && yymmdd(&n[1..]) && (if check == 10 { 1 } else { check }) == digit(n[12])
}

fn rodne_cislo(n: &[u8]) -> bool {
    let month = number(&n[2..4]) as u32;
    // Women +50; +20 where serials ran out.
    let month = if month > 70 {
        month - 70
    } else if month > 50 {
        month - 50
    } else if month > 20 {
        month - 20
    } else {
        month
    };
    day_of_month(number(&n[4..6]) as u32, month) && number(n).is_multiple_of(11)
}

fn egn(n: &[u8]) -> bool {
    let month = number(&n[2..4]) as u32;
    let month = if month > 40 {
        month - 40
    } else if month > 20 {
        month - 20
    } else {
        month
    };
    day_of_month(number(&n[4..6]) as u32, month) && weighted(n, &[2, 4, 8, 5, 10, 9, 7, 3, 6]) % 11 % 10 == digit(n[9])
}

fn afm(n: &[u8]) -> bool {
    weighted(n, &[256, 128, 64, 32, 16, 8, 4, 2]) % 11 % 10 == digit(n[8]) && !repeated(n)
}

fn baltic(n: &[u8]) -> bool {
    let first = weighted(n, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 1]) % 11;
    let check = if first == 10 { weighted(n, &[3, 4, 5, 6, 7, 8, 9, 1, 2, 3]) % 11 % 10 } else { first };
    matches!(n[0], b'1'..=b'8') && yymmdd(&n[1..]) && check == digit(n[10])
}

fn emso(n: &[u8]) -> bool {
    let check = (11 - weighted(n, &[7, 6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11) % 11;
    ddmm(n) && matches!(n[4], b'0' | b'9') && check == digit(n[12])
}

fn rntrc(n: &[u8]) -> bool {
    let sum = n[..9].iter().zip([-1i32, 5, 7, 9, 4, 6, 10, 5, 7]).map(|(&b, w)| digit(b) as i32 * w).sum::<i32>();
    sum.rem_euclid(11) as u32 % 10 == digit(n[9]) && !repeated(n)
}

pub(super) const RECOGNIZERS: &[Recognizer] = &[
    Recognizer {
        kind: Kind::national("RO_CNP", "RO", 7),
        distinct: &[],
        bare: &["9999999999999"],
        strength: Strength::Strong,
        check: cnp,
        words: &["cnp", "cod numeric personal"],
        examples: &["5720709060418", "2810103054666"],
        refused: &["5720709060419"],
    },
    Recognizer {
        kind: Kind::national("CZ_RODNE_CISLO", "CZ", 7),
        distinct: &["999999/9999"],
        bare: &["9999999999"],
        strength: Strength::Medium,
        check: rodne_cislo,
        words: &["rodné číslo", "rodne cislo", "rodného čísla", "r.č*"],
        examples: &["820505/3978", "9208183171"],
        refused: &["820505/3979"],
    },
    Recognizer {
        kind: Kind::national("BG_EGN", "BG", 7),
        distinct: &[],
        bare: &["9999999999"],
        strength: Strength::Medium,
        check: egn,
        words: &["егн", "egn", "единен граждански номер"],
        examples: &["7908289533", "9002182359"],
        refused: &["7908289534"],
    },
    Recognizer {
        kind: Kind::national("HR_OIB", "HR", 7),
        distinct: &[],
        bare: &["99999999999"],
        strength: Strength::Weak,
        check: |n| mod_11_10(n) && !repeated(n),
        words: &["oib", "osobni identifikacijski broj"],
        examples: &["25130063050", "61128782020"],
        refused: &["25130063051"],
    },
    Recognizer {
        kind: Kind::national("SI_EMSO", "SI", 7),
        distinct: &[],
        bare: &["9999999999999"],
        strength: Strength::Strong,
        check: emso,
        words: &["emšo", "emso", "jmbg"],
        examples: &["1405983508190"],
        refused: &["1405983508191"],
    },
    Recognizer {
        kind: Kind::national("GR_AMKA", "GR", 7),
        distinct: &[],
        bare: &["99999999999"],
        strength: Strength::Medium,
        check: |n| ddmm(n) && luhn(n),
        words: &["αμκα", "amka"],
        examples: &["02046790032", "21097094680"],
        refused: &["02046790033"],
    },
    Recognizer {
        kind: Kind::national("GR_AFM", "GR", 7),
        distinct: &[],
        bare: &["999999999"],
        strength: Strength::Weak,
        check: afm,
        words: &["αφμ", "afm"],
        examples: &["094259216"],
        refused: &["094259217"],
    },
    Recognizer {
        kind: Kind::national("EE_ISIKUKOOD", "EE", 7),
        distinct: &[],
        bare: &["99999999999"],
        strength: Strength::Medium,
        check: baltic,
        words: &["isikukood*"],
        examples: &["47901181936", "48312080284"],
        refused: &["47901181937"],
    },
    Recognizer {
        kind: Kind::national("LT_ASMENS_KODAS", "LT", 7),
        distinct: &[],
        bare: &["99999999999"],
        strength: Strength::Medium,
        check: baltic,
        words: &["asmens kod*"],
        examples: &["49704190371", "38511261486"],
        refused: &["49704190372"],
    },
    Recognizer {
        kind: Kind::national("UA_RNTRC", "UA", 7),
        distinct: &[],
        bare: &["9999999999"],
        strength: Strength::Weak,
        check: rntrc,
        words: &["рнокпп", "ідентифікаційний номер", "іпн", "rnokpp"],
        examples: &["1759013776"],
        refused: &["1759013770"],
    },
];
