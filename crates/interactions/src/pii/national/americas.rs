//! Canada, Brazil, Mexico, Argentina, Chile, Colombia.
//!
//! Sources: ESDC (SIN, Luhn); Receita Federal (CPF, CNPJ; alphanumeric CNPJ from July 2026, IN RFB 2229/2024: byte − 48 in
//! the same sums); DOF 18 October 1996 (CURP); SAT (RFC homoclave and check); AFIP, SII, DIAN (modulo 11).

use super::prelude::*;

fn sin(n: &[u8]) -> bool {
    !matches!(n[0], b'0' | b'8') && luhn(n) && !repeated(n)
}

/// `(11 − sum mod 11)`, 10 and 11 as 0, over `byte − 48` (letters too, for the CNPJ of 2026).
fn brazil(body: &[u8], weights: &[u32], check: u8) -> bool {
    let sum: u32 = body.iter().zip(weights).map(|(&byte, weight)| u32::from(byte - b'0') * weight).sum();
    let rest = sum % 11;
    (if rest < 2 { 0 } else { 11 - rest }) == digit(check)
}

fn cpf(n: &[u8]) -> bool {
    !repeated(n)
        && brazil(&n[..9], &[10, 9, 8, 7, 6, 5, 4, 3, 2], n[9])
        && brazil(&n[..10], &[11, 10, 9, 8, 7, 6, 5, 4, 3, 2], n[10])
}

fn cnpj(n: &[u8]) -> bool {
    !repeated(n)
        && digits(&n[12..])
        && n[..12].iter().any(u8::is_ascii_digit)
        && brazil(&n[..12], &[5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2], n[12])
        && brazil(&n[..13], &[6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2], n[13])
}

/// Place of a character in 0-9 A-N Ñ O-Z.
fn mexican(byte: u8) -> u32 {
    match byte {
        b'0'..=b'9' => digit(byte),
        b'A'..=b'N' => u32::from(byte - b'A') + 10,
        b'O'..=b'Z' => u32::from(byte - b'O') + 25,
        _ => 37,
    }
}

fn curp(n: &[u8]) -> bool {
    let form = n.iter().zip(b"AAAA999999SAAAAAX9").all(|(&byte, want)| match want {
        b'A' => byte.is_ascii_uppercase(),
        b'9' => byte.is_ascii_digit(),
        b'S' => matches!(byte, b'H' | b'M' | b'X'),
        _ => true,
    });
    let sum: u32 = n[..17].iter().enumerate().map(|(at, &byte)| mexican(byte) * (18 - at as u32)).sum();
    form && yymmdd(&n[4..10]) && (10 - sum % 10) % 10 == digit(n[17])
}

/// A company's RFC has three letters; the sum reads a space (37) before them.
fn rfc(n: &[u8]) -> bool {
    let letters = n.len() - 9;
    let lead = if letters == 3 { 37 * 13 } else { 0 };
    let body = &n[..n.len() - 1];
    let start = if letters == 3 { 12 } else { 13 };
    let sum: u32 = lead + body.iter().enumerate().map(|(at, &byte)| mexican(byte) * (start - at as u32)).sum::<u32>();
    let check = match 11 - sum % 11 {
        11 => b'0',
        10 => b'A',
        value => b'0' + value as u8,
    };
    n[..letters].iter().all(u8::is_ascii_uppercase)
        && digits(&n[letters..letters + 6])
        && yymmdd(&n[letters..letters + 6])
        && check == n[n.len() - 1]
}

fn cuit(n: &[u8]) -> bool {
    let check = match 11 - weighted(n, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11 {
        11 => 0,
        10 => 9,
        value => value,
    };
    matches!(number(&n[..2]), 20 | 23 | 24 | 27 | 30 | 33 | 34) && check == digit(n[10])
}

fn rut(n: &[u8]) -> bool {
    let (check, body) = n.split_last().expect("a form has at least eight characters");
    let sum: u32 = body.iter().rev().zip([2, 3, 4, 5, 6, 7].iter().cycle()).map(|(&b, w)| digit(b) * w).sum();
    let want = match 11 - sum % 11 {
        11 => b'0',
        10 => b'K',
        value => b'0' + value as u8,
    };
    digits(body) && !repeated(body) && want == *check
}

fn nit(n: &[u8]) -> bool {
    let (check, body) = n.split_last().expect("a form has at least nine characters");
    let sum: u32 =
        body.iter().rev().zip([3, 7, 13, 17, 19, 23, 29, 37, 41, 43]).map(|(&byte, weight)| digit(byte) * weight).sum();
    let rest = sum % 11;
    (if rest > 1 { 11 - rest } else { rest }) == digit(*check)
}

pub(super) const RECOGNIZERS: &[Recognizer] = &[
    Recognizer {
        kind: Kind::national("CA_SIN", "CA", 8),
        distinct: &["999-999-999"],
        bare: &["999999999", "999 999 999"],
        strength: Strength::Weak,
        check: sin,
        words: &["sin", "social insurance*", "sin number", "sin #", "nas", "assurance sociale"],
        examples: &["796 971 661", "256-730-417", "427916796"],
        refused: &["796 971 662", "046 454 286", "846454286"],
    },
    Recognizer {
        kind: Kind::national("BR_CPF", "BR", 8),
        distinct: &["999.999.999-99", "999999999-99"],
        bare: &["99999999999", "999 999 999 99"],
        strength: Strength::Medium,
        check: cpf,
        words: &["cpf", "cadastro de pessoa*", "cadastro cpf"],
        examples: &["50256090033", "697.928.306-50"],
        refused: &["50256090034", "111.111.111-11"],
    },
    Recognizer {
        kind: Kind::company("BR_CNPJ", "BR"),
        distinct: &["99.999.999/9999-99", "XX.XXX.XXX/XXXX-99"],
        bare: &["99999999999999", "XXXXXXXXXXXX99"],
        strength: Strength::Medium,
        check: cnpj,
        words: &["cnpj", "cadastro nacional da pessoa*"],
        examples: &["25.740.090/0001-88", "27861839000170", "12.ABC.345/01DE-35"],
        refused: &["25.740.090/0001-89", "00000000000000"],
    },
    Recognizer {
        kind: Kind::national("MX_CURP", "MX", 7),
        distinct: &["AAAA999999AAAAAAX9"],
        bare: &[],
        strength: Strength::Strong,
        check: curp,
        words: &["curp", "clave única*", "clave unica*"],
        examples: &["HUCR821010MJCCTD05", "FALE660221HJCGRZ00"],
        refused: &["HUCR821010MJCCTD06", "HUCR821310MJCCTD05"],
    },
    Recognizer {
        kind: Kind::national("MX_RFC", "MX", 7),
        distinct: &["AAAA999999XXX", "AAA999999XXX", "AAAA-999999-XXX", "AAA-999999-XXX"],
        bare: &[],
        strength: Strength::Medium,
        check: rfc,
        words: &["rfc", "registro federal*"],
        examples: &["HUDH980218FBA", "ROSA7206172A8"],
        refused: &["HUDH980218FB1", "HUDH981318FBA"],
    },
    Recognizer {
        kind: Kind::national("AR_CUIT", "AR", 7),
        distinct: &["99-99999999-9"],
        bare: &["99999999999"],
        strength: Strength::Medium,
        check: cuit,
        words: &["cuit", "cuil", "clave única de identificación*"],
        examples: &["27-13385639-6", "20085727010"],
        refused: &["27-13385639-7"],
    },
    Recognizer {
        kind: Kind::national("CL_RUT", "CL", 7),
        distinct: &["99.999.999-X", "99999999-X", "9.999.999-X", "9999999-X"],
        bare: &["999999999", "99999999A"],
        strength: Strength::Weak,
        check: rut,
        words: &["rut", "run", "rol único*", "rol unico*"],
        examples: &["79.928.301-8", "11190192-9"],
        refused: &["79.928.301-9"],
    },
    Recognizer {
        kind: Kind::national("CO_NIT", "CO", 7),
        distinct: &[],
        bare: &["999999999-9", "999.999.999-9", "9999999999", "999999999"],
        strength: Strength::Weak,
        check: nit,
        words: &["nit"],
        examples: &["720268911-8", "238.476.656-8"],
        refused: &["720268911-9"],
    },
];
