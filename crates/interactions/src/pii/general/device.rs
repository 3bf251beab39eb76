//! Devices and vehicles: IMEI, VIN.
//!
//! Sources: 3GPP TS 23.003 (IMEI, Luhn over 15 digits, reporting body in the first two); ISO 3779 and 49 CFR 565 (VIN; the
//! check digit is mandatory in North America only, so elsewhere a word must stand near).

use crate::pii::check::{digits, luhn, repeated};
use crate::pii::recognizer::{Category, Kind, Recognizer, Strength};

fn imei(n: &[u8]) -> bool {
    matches!(
        &n[..2],
        b"01"
            | b"35"
            | b"86"
            | b"98"
            | b"99"
            | b"33"
            | b"44"
            | b"45"
            | b"49"
            | b"50"
            | b"51"
            | b"52"
            | b"53"
            | b"54"
            | b"91"
    ) && (n.len() == 16 || luhn(n))
        && !repeated(n)
}

fn vin_form(n: &[u8]) -> bool {
    !n.iter().any(|byte| b"IOQ".contains(byte))
        && n.iter().any(u8::is_ascii_uppercase)
        && digits(&n[13..])
        && n.iter().filter(|byte| byte.is_ascii_digit()).count() >= 5
}

/// Letters have values 1-9; weights 8 7 6 5 4 3 2 10 0 9 8 7 6 5 4 3 2; modulo 11, 10 is X.
fn vin(n: &[u8]) -> bool {
    const WEIGHTS: [u32; 17] = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2];
    let value = |byte: u8| match byte {
        b'0'..=b'9' => u32::from(byte - b'0'),
        b'A'..=b'H' => u32::from(byte - b'A') + 1,
        b'J'..=b'R' => u32::from(byte - b'J') + 1,
        _ => u32::from(byte - b'S') + 2,
    };
    if !vin_form(n) {
        return false;
    }
    let sum: u32 = n.iter().zip(WEIGHTS).map(|(&byte, weight)| value(byte) * weight).sum();
    match sum % 11 {
        10 => n[8] == b'X',
        rest => n[8] == b'0' + rest as u8,
    }
}

const VIN: Kind = Kind::new("VIN", Category::Direct, 3);
const VIN_WORDS: &[&str] = &[
    "vin",
    "vehicle id*",
    "vehicle identification*",
    "chassis*",
    "fahrgestell*",
    "fin",
    "numéro de châssis",
    "bastidor",
    "telaio",
    "chassi",
    "vin number",
    "vin no*",
];
const IMEI_WORDS: &[&str] = &["imei*", "handset", "device", "phone id", "terminal"];
const IMEI: Kind = Kind::new("IMEI", Category::Direct, 3);

pub(crate) const RECOGNIZERS: &[Recognizer] = &[
    Recognizer {
        kind: IMEI,
        distinct: &["99-999999-999999-9"],
        bare: &["999999999999999", "99 999999 999999 9"],
        strength: Strength::Medium,
        check: imei,
        words: IMEI_WORDS,
        examples: &["354090247716130", "49-015420-323751-8"],
        refused: &["354090247716131"],
    },
    Recognizer {
        kind: VIN,
        distinct: &["XXXXXXXXXXXXXXXXX"],
        bare: &[],
        strength: Strength::Medium,
        check: vin,
        words: VIN_WORDS,
        examples: &["1M8GDM9AXKP042788", "W91ZB5WNXPPFF2592"],
        refused: &["1M8GDM9AYKP04278I"],
    },
    Recognizer {
        kind: VIN,
        distinct: &[],
        bare: &["XXXXXXXXXXXXXXXXX"],
        strength: Strength::Context,
        check: vin_form,
        words: VIN_WORDS,
        examples: &["WVWZZZ1JZXW000001"],
        refused: &["WVWZZZ1JZXW00000O"],
    },
];
