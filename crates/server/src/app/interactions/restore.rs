//! Undoing a safe version: its placeholders and the values that they stand for, sealed with a key that the caller holds.
//! Neither key nor blob is kept here, so nobody but the caller can put the values back.
//!
//! A blob is base64 of `ASZR`, a version byte, a nonce of 24 bytes and XChaCha20-Poly1305 of the pairs as JSON.

use assize_interactions::restore;
use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use secrecy::SecretBox;

use super::super::error::AppError;
use super::super::random::Random;
use super::super::vault::{Key, open_held, seal_held};

/// The first bytes of a blob: what it is, and the version of its form.
const HEAD: &[u8; 5] = b"ASZR\x01";
/// What is authenticated beside the values.
const PURPOSE: &[u8] = b"restore";

/// A key that a caller holds.
#[derive(Debug)]
pub struct RestoreKey(Key);

impl RestoreKey {
    /// Reads 32 bytes in base64 (RFC 4648), of either alphabet, padded or not.
    ///
    /// # Errors
    /// `Unprocessable` says what a key is.
    pub fn parse(text: &str) -> Result<Self, AppError> {
        let wrong = || AppError::Unprocessable("X-Restore-Key: must be 32 bytes in base64".to_owned());
        let bytes = zeroize::Zeroizing::new(decode(text).ok_or_else(wrong)?);
        let key: [u8; 32] = bytes.as_slice().try_into().map_err(|_| wrong())?;
        Ok(Self(SecretBox::new(Box::new(key))))
    }

    /// Seals the values that placeholders stand for.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn seal(&self, values: &[(String, String)], random: &dyn Random) -> Result<String, AppError> {
        let text = zeroize::Zeroizing::new(serde_json::to_vec(values).map_err(AppError::internal)?);
        let mut blob = HEAD.to_vec();
        blob.extend(seal_held(&self.0, &text, PURPOSE, random).map_err(AppError::internal)?);
        Ok(URL_SAFE_NO_PAD.encode(blob))
    }

    /// Puts the values of a blob back into a text.
    ///
    /// # Errors
    /// `Unprocessable` when the blob is none, was changed, or was sealed with another key.
    pub fn restore(&self, text: &str, blob: &str) -> Result<String, AppError> {
        let wrong = |what: &str| AppError::Unprocessable(format!("restore_blob: {what}"));
        let bytes = decode(blob).ok_or_else(|| wrong("must be base64, as it was answered"))?;
        let sealed = bytes.strip_prefix(HEAD).ok_or_else(|| wrong("is none, or of a later version"))?;
        let values = open_held(&self.0, sealed, PURPOSE)
            .map_err(|_| wrong("was changed, or sealed with another key than this X-Restore-Key"))?;
        let values: Vec<(String, String)> = serde_json::from_slice(&values).map_err(AppError::internal)?;
        Ok(restore(text, &values))
    }
}

fn decode(text: &str) -> Option<Vec<u8>> {
    let either = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let text = text.trim().replace('+', "-").replace('/', "_");
    GeneralPurpose::new(&URL_SAFE, either).decode(text).ok()
}

#[cfg(test)]
mod tests {
    use super::super::super::random::SystemRandom;
    use super::*;

    fn values() -> Vec<(String, String)> {
        vec![("[EMAIL_1]".to_owned(), "a@b.org".to_owned()), ("[PERSON_1]".to_owned(), "Ada \"L\"".to_owned())]
    }

    #[test]
    fn values_come_back_with_the_key_alone() {
        let key = RestoreKey::parse(&"A".repeat(43)).unwrap();
        let blob = key.seal(&values(), &SystemRandom).unwrap();
        assert!(!blob.contains("a@b.org") && blob != key.seal(&values(), &SystemRandom).unwrap());
        let safe = "Dear [PERSON_1], [EMAIL_1] [EMAIL_1] [EMAIL_2]";
        assert_eq!(key.restore(safe, &blob).unwrap(), "Dear Ada \"L\", a@b.org a@b.org [EMAIL_2]");
        let other = RestoreKey::parse("//////////////////////////////////////////8=").unwrap();
        assert!(other.restore(safe, &blob).unwrap_err().to_string().contains("another key"));
        for at in [0, 8, 40, blob.len() - 2] {
            let mut changed = blob.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            assert!(key.restore(safe, std::str::from_utf8(&changed).unwrap()).is_err(), "{at}");
        }
        assert!(key.restore(safe, "").is_err() && key.restore(safe, "%").is_err());
    }

    #[test]
    fn keys_are_read_in_every_spelling() {
        for text in ["//////////////////////////////////////////8=", " __________________________________________8 \n"]
        {
            assert!(RestoreKey::parse(text).is_ok(), "{text}");
        }
        for text in ["", "hello", "AAAA", "//////////////////////////////////////////8=8"] {
            let told = RestoreKey::parse(text).unwrap_err().to_string();
            assert!(told.contains("32 bytes in base64"), "{told}");
        }
    }
}
