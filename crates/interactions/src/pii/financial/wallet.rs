//! Cryptocurrency addresses: Base58Check (Bitcoin, Litecoin, Dogecoin, Tron), Bech32 and Bech32m (BIP 173, BIP 350), and
//! Ethereum's 20 bytes in hex (EIP-55: mixed case carries a checksum, one case carries none).

use sha2::{Digest as _, Sha256};
use sha3::Keccak256;

use crate::pii::recognizer::{Category, Kind};

pub(crate) const WALLET: Kind =
    Kind { name: "CRYPTO_WALLET", category: Category::Direct, severity: 4, country: None, hipaa: true };

/// Words that stand near a wallet; a checked one needs none.
pub(crate) const WORDS: &[&str] =
    &["wallet", "btc", "bitcoin", "eth", "ethereum", "crypto*", "usdt", "ltc", "litecoin"];

/// Longest address taken: BIP 173 allows 90 characters.
const ADDRESS_BYTES_MAX: usize = 90;

/// What an atom of letters and digits is as an address: `Some(true)` with a checksum, `Some(false)` by its form alone.
pub(crate) fn wallet(atom: &[u8]) -> Option<bool> {
    match atom.len() {
        42 if atom.starts_with(b"0x") => ethereum(&atom[2..]),
        26..=35 if matches!(atom[0], b'1' | b'3' | b'L' | b'M' | b'D' | b'T') => base58check(atom).then_some(true),
        14..=ADDRESS_BYTES_MAX if starts_bech32(atom) => bech32(atom).then_some(true),
        _ => None,
    }
}

fn ethereum(hex: &[u8]) -> Option<bool> {
    if !hex.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let upper = hex.iter().any(|byte| (b'A'..=b'F').contains(byte));
    let lower = hex.iter().any(|byte| (b'a'..=b'f').contains(byte));
    if !(upper && lower) {
        return Some(false);
    }
    let hash = Keccak256::digest(hex.to_ascii_lowercase());
    let cased = hex.iter().enumerate().all(|(at, &byte)| {
        let nibble = if at % 2 == 0 { hash[at / 2] >> 4 } else { hash[at / 2] & 15 };
        byte.is_ascii_digit() || byte.is_ascii_uppercase() == (nibble >= 8)
    });
    cased.then_some(true)
}

fn base58check(atom: &[u8]) -> bool {
    const ALPHABET: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    // 25 bytes, most significant first.
    let mut number = [0u8; 25];
    for &byte in atom {
        let Some(value) = ALPHABET.iter().position(|&letter| letter == byte) else { return false };
        let mut carry = value as u32;
        for place in number.iter_mut().rev() {
            carry += u32::from(*place) * 58;
            *place = (carry & 0xff) as u8;
            carry >>= 8;
        }
        if carry != 0 {
            return false;
        }
    }
    let known = matches!(number[0], 0x00 | 0x05 | 0x30 | 0x32 | 0x1e | 0x16 | 0x41);
    known && Sha256::digest(Sha256::digest(&number[..21]))[..4] == number[21..]
}

fn starts_bech32(atom: &[u8]) -> bool {
    [b"bc1".as_slice(), b"tb1", b"ltc1", b"BC1"].iter().any(|prefix| atom.starts_with(prefix))
}

fn bech32(atom: &[u8]) -> bool {
    const ALPHABET: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
    let lower = atom.to_ascii_lowercase();
    if atom != lower.as_slice() && atom.iter().any(u8::is_ascii_lowercase) {
        return false;
    }
    let Some(split) = lower.iter().rposition(|&byte| byte == b'1') else { return false };
    let (prefix, data) = (&lower[..split], &lower[split + 1..]);
    let mut values: Vec<u8> = prefix.iter().map(|byte| byte >> 5).collect();
    values.push(0);
    values.extend(prefix.iter().map(|byte| byte & 31));
    for &byte in data {
        let Some(value) = ALPHABET.iter().position(|&letter| letter == byte) else { return false };
        values.push(value as u8);
    }
    // Bech32 ends at 1, Bech32m at its own constant.
    data.len() >= 6 && matches!(polymod(&values), 1 | 0x2bc8_30a3)
}

fn polymod(values: &[u8]) -> u32 {
    const GENERATOR: [u32; 5] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];
    values.iter().fold(1, |sum: u32, &value| {
        let top = sum >> 25;
        let next = (sum & 0x01ff_ffff) << 5 ^ u32::from(value);
        GENERATOR.iter().enumerate().filter(|(bit, _)| top >> bit & 1 == 1).fold(next, |sum, (_, term)| sum ^ term)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_the_standards_hold_and_one_changed_letter_does_not() {
        let checked: [&[u8]; 5] = [
            b"1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",         // the first block's
            b"3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy",         // BIP 16
            b"bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", // BIP 173
            b"bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcr", // BIP 350
            b"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", // EIP-55
        ];
        for address in checked {
            assert_eq!(wallet(address), Some(true), "{}", String::from_utf8_lossy(address));
            let mut other = address.to_vec();
            let last = other.len() - 1;
            other[last] = if other[last] == b'a' { b'e' } else { b'a' };
            assert_ne!(wallet(&other), Some(true), "{}", String::from_utf8_lossy(&other));
        }
        assert_eq!(wallet(b"0x6f2e19fd28a932f3a06a4e566a257163e0023ec5"), Some(false));
        assert_eq!(wallet(b"0x6f2e19fd28a932f3a06a4e566a257163e0023ecg"), None);
        assert_eq!(wallet(b"1"), None);
    }
}
