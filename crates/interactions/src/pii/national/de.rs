//! Germany: tax id, identity card and passport, pension and health insurance, VAT id.
//!
//! Sources: Bundeszentralamt für Steuern, IdNr check digit (ISO 7064 MOD 11,10) and its rule of repeated digits; ICAO
//! 9303-3 for the card; Deutsche Rentenversicherung VKVV § 4; GKV-Spitzenverband Krankenversichertennummer.

use super::prelude::*;

/// One of the first ten digits occurs twice or three times, the others at most once; the first is not 0.
fn tax_id(n: &[u8]) -> bool {
    let mut counts = [0u8; 10];
    for &byte in &n[..10] {
        counts[digit(byte) as usize % 10] += 1;
    }
    let repeated = counts.iter().filter(|&&count| count > 1).count();
    n[0] != b'0' && repeated == 1 && counts.iter().all(|&count| count <= 3) && mod_11_10(n)
}

fn card(n: &[u8]) -> bool {
    n[..9].iter().all(|byte| b"CFGHJKLMNPRTVWXYZ0123456789".contains(byte))
        && n[0].is_ascii_uppercase()
        && icao(&n[..10])
}

fn passport(n: &[u8]) -> bool {
    b"CFGHJK".contains(&n[0])
        && n.iter().all(|byte| b"CFGHJKLMNPRTVWXYZ0123456789".contains(byte))
        && n.iter().filter(|byte| byte.is_ascii_digit()).count() >= 3
}

fn digit_sums(spelled: &[u8], weights: &[u32]) -> u32 {
    spelled.iter().zip(weights).map(|(&byte, weight)| digit(byte) * weight).map(|p| p / 10 + p % 10).sum()
}

fn two_digits(letter: u8) -> [u8; 2] {
    let value = letter - b'A' + 1;
    [b'0' + value / 10, b'0' + value % 10]
}

fn pension(n: &[u8]) -> bool {
    let [tens, ones] = two_digits(n[8]);
    let spelled = [n[0], n[1], n[2], n[3], n[4], n[5], n[6], n[7], tens, ones, n[9], n[10]];
    // From 1 to 31, plus 30 where numbers ran out.
    let day = number(&n[2..4]);
    (1..=61).contains(&day)
        && (1..=12).contains(&number(&n[4..6]))
        && digit_sums(&spelled, &[2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1]) % 10 == digit(n[11])
}

fn health(n: &[u8]) -> bool {
    let [tens, ones] = two_digits(n[0]);
    let spelled = [tens, ones, n[1], n[2], n[3], n[4], n[5], n[6], n[7], n[8]];
    digits(&n[1..]) && digit_sums(&spelled, &[1, 2, 1, 2, 1, 2, 1, 2, 1, 2]) % 10 == digit(n[9])
}

pub(super) const RECOGNIZERS: &[Recognizer] = &[
    Recognizer {
        kind: Kind::national("DE_TAX_ID", "DE", 7),
        distinct: &["99 999 999 999"],
        bare: &["99999999999", "99/999/999/999", "999 999 999 99", "9999999999 9"],
        strength: Strength::Medium,
        check: tax_id,
        words: &[
            "steuer-id*",
            "steuer id*",
            "steuerid*",
            "idnr*",
            "steueridentifikationsnummer",
            "steuerliche id*",
            "steuer-identifikationsnummer",
            "steuernummer",
            "tin",
            "german tax*",
            "tax id*",
        ],
        examples: &["14836927454", "74 821 765 033"],
        refused: &["14836927455", "04836927454", "12345678901"],
    },
    Recognizer {
        kind: Kind::national("DE_ID_CARD", "DE", 7),
        distinct: &[],
        bare: &["XXXXXXXXXX", "XXXXXXXXX 9", "XXXXXXXXX9A"],
        strength: Strength::Weak,
        check: card,
        words: &[
            "personalausweis*",
            "ausweis-nr*",
            "ausweisnummer*",
            "ausweis nr*",
            "ausweisnr*",
            "perso-nr*",
            "perso nr*",
            "ausweis",
            "id card*",
            "identity card*",
        ],
        examples: &["L5PJ6CG6T9", "W2316ZL941"],
        refused: &["L5PJ6CG6T8", "A5PJ6CG6T9"],
    },
    Recognizer {
        kind: Kind { name: "DE_PASSPORT", category: Category::National, severity: 7, country: Some("DE"), hipaa: true },
        distinct: &[],
        bare: &["XXXXXXXXX"],
        strength: Strength::Context,
        check: passport,
        words: &["reisepass*", "passnummer*", "pass-nr*", "passnr*", "german passport"],
        examples: &["C01X00T47"],
        refused: &["A01X00T47"],
    },
    Recognizer {
        kind: Kind::national("DE_SOCIAL_SECURITY", "DE", 7),
        distinct: &["99999999A999", "99 999999 A 999", "99 99 99 99 A 999"],
        bare: &[],
        strength: Strength::Medium,
        check: pension,
        words: &["sozialversicherung*", "rentenversicherung*", "rvnr*", "sv-nummer", "sv-nr*", "versicherungsnummer*"],
        examples: &["09190958M775", "17 211054 A 604"],
        refused: &["09190958M776", "09190058M775"],
    },
    Recognizer {
        kind: Kind::national("DE_KVNR", "DE", 7),
        distinct: &[],
        bare: &["A999999999", "A999 999 999"],
        strength: Strength::Weak,
        check: health,
        words: &["kvnr*", "krankenversicher*", "versichertennummer*", "versicherten-nr*", "krankenkasse*"],
        examples: &["R762328601", "V129040473"],
        refused: &["R762328602"],
    },
    Recognizer {
        kind: Kind::company("DE_VAT", "DE"),
        distinct: &["AA999999999", "AA 999999999", "AA 999 999 999"],
        bare: &[],
        strength: Strength::Weak,
        check: |n| &n[..2] == b"DE" && n[2] != b'0' && mod_11_10(&n[2..]),
        words: &["ust-id*", "ustid*", "umsatzsteuer*", "vat*", "mwst*"],
        examples: &["DE877677484"],
        refused: &["DE877677485", "DK877677484"],
    },
];
