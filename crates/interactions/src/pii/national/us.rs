//! United States: social security and taxpayer numbers, health-care identifiers, bank routing.
//!
//! Sources: SSA POMS RM 10201.035 (areas and groups never assigned), IRS Publication 1915 (ITIN middle digits), IRS
//! EIN prefix list, 45 CFR 162.406 (NPI, Luhn with prefix 80840), 21 CFR 1301 (DEA), CMS MBI format, ABA key to routing
//! numbers.

use super::prelude::*;

/// Area 000, 666 and 900-999, group 00, serial 0000 are never issued; specimens of advertisements are not people.
fn ssn(n: &[u8]) -> bool {
    const SPECIMENS: [&[u8]; 4] = [b"078051120", b"219099999", b"457555462", b"123456789"];
    !matches!(&n[..3], b"000" | b"666")
        && n[0] != b'9'
        && &n[3..5] != b"00"
        && &n[5..] != b"0000"
        && !SPECIMENS.contains(&n)
        && !repeated(n)
}

fn itin(n: &[u8]) -> bool {
    let group = number(&n[3..5]);
    n[0] == b'9' && matches!(group, 50..=65 | 70..=88 | 90..=92 | 94..=99)
}

fn ein(n: &[u8]) -> bool {
    !matches!(number(&n[..2]), 0 | 7..=9 | 17..=19 | 28 | 29 | 49 | 69 | 70 | 78 | 79 | 89 | 96 | 97)
}

fn npi(n: &[u8]) -> bool {
    let mut prefixed = [0u8; 15];
    prefixed[..5].copy_from_slice(b"80840");
    prefixed[5..].copy_from_slice(n);
    matches!(n[0], b'1' | b'2') && luhn(&prefixed)
}

fn dea(n: &[u8]) -> bool {
    let d = &n[2..];
    let sum = weighted(d, &[1, 2, 1, 2, 1, 2]);
    b"ABCDEFGHJKLMPRSTUX".contains(&n[0]) && digits(d) && sum % 10 == digit(d[6])
}

/// Positions: C A AN N A AN N A A N N, letters without S L O I B Z.
fn mbi(n: &[u8]) -> bool {
    let letter = |byte: u8| byte.is_ascii_uppercase() && !b"SLOIBZ".contains(&byte);
    n.iter().zip(b"1AXNAXNAANN").all(|(&byte, want)| match want {
        b'1' => (b'1'..=b'9').contains(&byte),
        b'A' => letter(byte),
        b'X' => letter(byte) || byte.is_ascii_digit(),
        _ => byte.is_ascii_digit(),
    })
}

fn routing(n: &[u8]) -> bool {
    matches!(number(&n[..2]), 0..=12 | 21..=32 | 61..=72 | 80)
        && weighted(n, &[3, 7, 1, 3, 7, 1, 3, 7, 1]).is_multiple_of(10)
        && !repeated(n)
}

pub(super) const RECOGNIZERS: &[Recognizer] = &[
    Recognizer {
        kind: Kind::national("US_SSN", "US", 8),
        distinct: &["999-99-9999"],
        bare: &["999999999", "999 99 9999", "999.99.9999"],
        strength: Strength::Format,
        check: ssn,
        words: &["ssn", "social security*", "soc sec*", "social sec*", "seguro social"],
        examples: &["049-26-2965", "506 81 0050"],
        refused: &["000-12-3456", "666-12-3456", "912-01-3456", "078-05-1120", "123-00-4567", "123-45-0000"],
    },
    Recognizer {
        kind: Kind::national("US_ITIN", "US", 7),
        distinct: &["999-99-9999"],
        bare: &["999999999", "999 99 9999"],
        strength: Strength::Format,
        check: itin,
        words: &["itin", "taxpayer id*", "individual taxpayer*", "tax id*", "tin"],
        examples: &["923-55-9222", "987-98-4527"],
        refused: &["923-49-9222", "823-55-9222", "923-69-9222"],
    },
    Recognizer {
        kind: Kind::company("US_EIN", "US"),
        distinct: &[],
        bare: &["99-9999999", "999999999"],
        strength: Strength::Context,
        check: ein,
        words: &["ein", "employer id*", "federal tax id*", "fein"],
        examples: &["23-1061689", "15-1499658"],
        refused: &["07-1061689", "96-1061689"],
    },
    Recognizer {
        kind: Kind::national("US_NPI", "US", 7),
        distinct: &[],
        bare: &["9999999999"],
        strength: Strength::Weak,
        check: npi,
        words: &["npi", "national provider*", "provider id*", "provider number"],
        examples: &["1638363915", "2938282904"],
        refused: &["1638363916", "3638363915"],
    },
    Recognizer {
        kind: Kind::national("US_DEA", "US", 7),
        distinct: &["AA9999999"],
        bare: &["A99999999"],
        strength: Strength::Weak,
        check: dea,
        words: &["dea", "drug enforcement*"],
        examples: &["AQ3047633", "MK3324162"],
        refused: &["AQ3047634", "ZQ3047633"],
    },
    Recognizer {
        kind: Kind::national("US_MBI", "US", 7),
        distinct: &["9AX9AX9AA99", "9AX9-AX9-AA99"],
        bare: &[],
        strength: Strength::Format,
        check: mbi,
        words: &["mbi", "medicare*", "beneficiary*"],
        examples: &["7D48DU9WN55", "2YT2HJ5UR73"],
        refused: &["7S48DU9WN55", "0D48DU9WN55"],
    },
    Recognizer {
        kind: Kind {
            name: "US_ABA_ROUTING",
            category: Category::Quasi,
            severity: 2,
            country: Some("US"),
            hipaa: false,
        },
        distinct: &[],
        bare: &["999999999", "9999-9999-9"],
        strength: Strength::Weak,
        check: routing,
        words: &["aba", "routing*", "rtn", "transit number", "bank code"],
        examples: &["087539455", "278564802"],
        refused: &["087539456", "987539455"],
    },
    Recognizer {
        kind: Kind {
            name: "US_BANK_ACCOUNT",
            category: Category::Direct,
            severity: 5,
            country: Some("US"),
            hipaa: true,
        },
        distinct: &[],
        bare: &["99999999", "999999999", "9999999999", "99999999999", "999999999999"],
        strength: Strength::Context,
        check: |n| !repeated(n),
        words: &["bank account", "checking account", "savings account", "account number", "acct no", "acct #"],
        examples: &["0123456790"],
        refused: &["00000000"],
    },
];
