//! Check-digit arithmetic shared by the numbers of many countries. Every function takes the compact form (upper-case
//! letters and digits, no separators) and answers whether the check holds; none allocates.
//!
//! Sources: ISO/IEC 7812-1 (Luhn), ISO/IEC 7064 (MOD 11-2, MOD 11-10, MOD 97-10), J. Verhoeff 1969 (dihedral group),
//! ICAO 9303-3 (weights 7 3 1).

/// Value of one digit; the caller has checked that it is one.
pub(super) fn digit(byte: u8) -> u32 {
    u32::from(byte.wrapping_sub(b'0'))
}

/// A=10 … Z=35, digits as they are (ISO 13616, ICAO 9303).
pub(super) fn base36(byte: u8) -> u32 {
    if byte.is_ascii_digit() { digit(byte) } else { u32::from(byte.to_ascii_uppercase().wrapping_sub(b'A')) + 10 }
}

/// All bytes are ASCII digits.
pub(super) fn digits(compact: &[u8]) -> bool {
    compact.iter().all(u8::is_ascii_digit)
}

/// The number that a run of at most 18 digits spells.
pub(super) fn number(compact: &[u8]) -> u64 {
    compact.iter().fold(0, |sum, &byte| sum * 10 + u64::from(digit(byte)))
}

/// Every byte is the same: `000000000`, which passes most sums and is never issued.
pub(super) fn repeated(compact: &[u8]) -> bool {
    compact.windows(2).all(|pair| pair[0] == pair[1])
}

/// Luhn: every second digit from the right doubled, digit sums, a multiple of ten.
pub(super) fn luhn(compact: &[u8]) -> bool {
    let sum: u32 = compact
        .iter()
        .rev()
        .enumerate()
        .map(
            |(at, &byte)| {
                if at % 2 == 1 { [0, 2, 4, 6, 8, 1, 3, 5, 7, 9][digit(byte) as usize % 10] } else { digit(byte) }
            },
        )
        .sum();
    !compact.is_empty() && sum.is_multiple_of(10)
}

/// Sum of digits times weights, over the shorter of the two.
pub(super) fn weighted(compact: &[u8], weights: &[u32]) -> u32 {
    compact.iter().zip(weights).map(|(&byte, weight)| digit(byte) * weight).sum()
}

/// ISO/IEC 7064 MOD 11,10 with the check digit last.
pub(super) fn mod_11_10(compact: &[u8]) -> bool {
    let (last, body) = match compact.split_last() {
        Some(parts) => parts,
        None => return false,
    };
    let mut product = 10;
    for &byte in body {
        let sum = (digit(byte) + product) % 10;
        product = (if sum == 0 { 10 } else { sum } * 2) % 11;
    }
    (product + digit(*last)) % 10 == 1
}

/// ISO/IEC 7064 MOD 11-2 with the check character (0-9 or X) last.
pub(super) fn mod_11_2(compact: &[u8]) -> bool {
    let (last, body) = match compact.split_last() {
        Some(parts) => parts,
        None => return false,
    };
    let sum = body.iter().fold(0, |sum, &byte| (sum + digit(byte)) * 2 % 11);
    let check = (12 - sum) % 11;
    if check == 10 { *last == b'X' } else { digit(*last) == check }
}

/// Remainder by 97 of the number that letters (A=10 …) and digits spell.
pub(super) fn mod_97(compact: impl Iterator<Item = u8>) -> u32 {
    compact.fold(0, |sum, byte| {
        let value = base36(byte);
        (if value > 9 { sum * 100 } else { sum * 10 } + value) % 97
    })
}

/// Weights 7 3 1 over the body, check digit last (ICAO 9303-3 section 4.9).
pub(super) fn icao(compact: &[u8]) -> bool {
    let (last, body) = match compact.split_last() {
        Some(parts) => parts,
        None => return false,
    };
    let sum: u32 = body
        .iter()
        .zip([7, 3, 1].iter().cycle())
        .map(|(&byte, weight)| if byte == b'<' { 0 } else { base36(byte) * weight })
        .sum();
    last.is_ascii_digit() && sum % 10 == digit(*last)
}

const VERHOEFF_PRODUCT: [[u8; 10]; 10] = [
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
    [1, 2, 3, 4, 0, 6, 7, 8, 9, 5],
    [2, 3, 4, 0, 1, 7, 8, 9, 5, 6],
    [3, 4, 0, 1, 2, 8, 9, 5, 6, 7],
    [4, 0, 1, 2, 3, 9, 5, 6, 7, 8],
    [5, 9, 8, 7, 6, 0, 4, 3, 2, 1],
    [6, 5, 9, 8, 7, 1, 0, 4, 3, 2],
    [7, 6, 5, 9, 8, 2, 1, 0, 4, 3],
    [8, 7, 6, 5, 9, 3, 2, 1, 0, 4],
    [9, 8, 7, 6, 5, 4, 3, 2, 1, 0],
];
const VERHOEFF_PERMUTATION: [[u8; 10]; 8] = [
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
    [1, 5, 7, 6, 2, 8, 3, 0, 9, 4],
    [5, 8, 0, 3, 7, 9, 6, 1, 4, 2],
    [8, 9, 1, 6, 0, 4, 3, 5, 2, 7],
    [9, 4, 5, 3, 1, 2, 6, 8, 7, 0],
    [4, 2, 8, 6, 5, 7, 3, 9, 0, 1],
    [2, 7, 9, 3, 8, 0, 6, 4, 1, 5],
    [7, 0, 4, 6, 9, 1, 3, 2, 5, 8],
];

/// Verhoeff's scheme with the check digit last.
pub(super) fn verhoeff(compact: &[u8]) -> bool {
    compact.iter().rev().enumerate().fold(0u8, |sum, (at, &byte)| {
        let permuted = VERHOEFF_PERMUTATION[at % 8][digit(byte) as usize % 10];
        VERHOEFF_PRODUCT[usize::from(sum)][usize::from(permuted)]
    }) == 0
}

/// A day of the calendar (any year's February has 29).
pub(super) fn day_of_month(day: u32, month: u32) -> bool {
    (1..=12).contains(&month) && day >= 1 && day <= [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month as usize - 1]
}

/// `DDMM` at the start of the compact form is a day of the calendar.
pub(super) fn ddmm(compact: &[u8]) -> bool {
    day_of_month(number(&compact[..2]) as u32, number(&compact[2..4]) as u32)
}

/// `YYMMDD` at the start of the compact form is a day of the calendar.
pub(super) fn yymmdd(compact: &[u8]) -> bool {
    day_of_month(number(&compact[4..6]) as u32, number(&compact[2..4]) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_examples_hold_and_their_neighbours_fail() {
        assert!(luhn(b"79927398713") && !luhn(b"79927398710")); // ISO/IEC 7812-1 annex example
        assert!(verhoeff(b"2363") && !verhoeff(b"2364")); // Verhoeff's own example
        assert!(mod_11_2(b"07940") && !mod_11_2(b"07941")); // ISO/IEC 7064 example
        assert!(mod_11_10(b"36574261809") && !mod_11_10(b"36574261808")); // German tax office's example
        assert!(icao(b"L898902C36") && !icao(b"L898902C35")); // ICAO 9303-4 specimen
        assert_eq!(mod_97(b"3214282912345698765432161182".iter().copied()), 1); // ISO 13616 example
        assert!(repeated(b"1111") && !repeated(b"1112"));
        assert!(day_of_month(29, 2) && !day_of_month(31, 4) && !day_of_month(1, 13) && !day_of_month(0, 1));
    }

    #[test]
    fn any_single_wrong_digit_is_caught() {
        type Check = fn(&[u8]) -> bool;
        let checks: [(Check, &[u8]); 4] =
            [(luhn, b"79927398713"), (verhoeff, b"2363"), (mod_11_10, b"36574261809"), (mod_11_2, b"07940")];
        for (check, good) in checks {
            for at in 0..good.len() {
                for other in b'0'..=b'9' {
                    let mut bad = good.to_vec();
                    bad[at] = other;
                    assert_eq!(check(&bad), other == good[at], "{}", String::from_utf8_lossy(&bad));
                }
            }
        }
    }
}
