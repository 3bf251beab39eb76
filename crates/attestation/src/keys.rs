//! Ed25519 keys: signing keys from seed bytes or PKCS#8 PEM, public keys as SPKI PEM (RFC 8410).
//!
//! Verification is strict (no small-order keys, no malleable signatures): a signature has exactly one valid spelling.

use std::fmt;

use ed25519_dalek::ed25519::pkcs8::{DecodePrivateKey, DecodePublicKey, EncodePublicKey, KeypairBytes};
use ed25519_dalek::pkcs8::EncodePrivateKey;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::spki::der::zeroize::Zeroizing;
use ed25519_dalek::{Signature, Signer};

use crate::{Error, canonical};

/// DER of a SubjectPublicKeyInfo for Ed25519 up to the 32 key bytes (RFC 8410 section 4).
const SPKI_PREFIX: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// A private key. Wiped from memory when dropped; never printed.
#[derive(Clone)]
pub struct SigningKey(ed25519_dalek::SigningKey);

impl SigningKey {
    /// From the 32 secret bytes of RFC 8032; the caller draws them from the operating system.
    pub fn from_seed(seed: &[u8; 32]) -> SigningKey {
        SigningKey(ed25519_dalek::SigningKey::from_bytes(seed))
    }

    /// From `-----BEGIN PRIVATE KEY-----` (PKCS#8 v1 or v2).
    ///
    /// # Errors
    /// [`Error::Key`] when it is not an Ed25519 private key.
    pub fn from_pkcs8_pem(pem: &str) -> Result<SigningKey, Error> {
        ed25519_dalek::SigningKey::from_pkcs8_pem(pem.trim())
            .map(SigningKey)
            .map_err(|error| Error::Key(format!("expected an Ed25519 private key in PKCS#8 PEM: {error}")))
    }

    /// As PKCS#8 v1 PEM, which every version of OpenSSL reads.
    pub fn to_pkcs8_pem(&self) -> Zeroizing<String> {
        let bytes = KeypairBytes { secret_key: self.0.to_bytes(), public_key: None };
        bytes.to_pkcs8_pem(LineEnding::LF).expect("32 bytes always encode as PKCS#8")
    }

    /// The public half.
    pub fn public_key(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    /// Signs; Ed25519 needs no randomness, so the same message gives the same 64 bytes.
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey(secret of {})", self.public_key().key_id())
    }
}

/// A public key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(ed25519_dalek::VerifyingKey);

impl PublicKey {
    /// From the 32 bytes of RFC 8032.
    ///
    /// # Errors
    /// [`Error::Key`] when they are no point of the curve, or one of small order.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<PublicKey, Error> {
        let key = ed25519_dalek::VerifyingKey::from_bytes(bytes)
            .map_err(|_| Error::Key("the 32 bytes are not an Ed25519 public key".to_owned()))?;
        if key.is_weak() {
            return Err(Error::Key("the Ed25519 public key is weak (small order)".to_owned()));
        }
        Ok(PublicKey(key))
    }

    /// The 32 bytes of RFC 8032.
    pub fn to_bytes(&self) -> [u8; 32] {
        self.0.to_bytes()
    }

    /// From `-----BEGIN PUBLIC KEY-----`.
    ///
    /// # Errors
    /// [`Error::Key`] when it is not an Ed25519 public key.
    pub fn from_pem(pem: &str) -> Result<PublicKey, Error> {
        let key = ed25519_dalek::VerifyingKey::from_public_key_pem(pem.trim())
            .map_err(|error| Error::Key(format!("expected an Ed25519 public key in PEM: {error}")))?;
        PublicKey::from_bytes(&key.to_bytes())
    }

    /// As SubjectPublicKeyInfo PEM, with a final line feed.
    pub fn to_pem(&self) -> String {
        self.0.to_public_key_pem(LineEnding::LF).expect("32 bytes always encode as SPKI")
    }

    /// Lowercase hex SHA-256 of the SubjectPublicKeyInfo DER: the `keyid` of signatures.
    /// Same as `openssl pkey -pubin -in key.pem -outform der | sha256sum`.
    pub fn key_id(&self) -> String {
        canonical::sha256_hex(&[SPKI_PREFIX.as_slice(), &self.to_bytes()].concat())
    }

    /// Whether `signature` over `message` is this key's (strict: RFC 8032 with small-order checks).
    pub fn verifies(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        self.0.verify_strict(message, &Signature::from_bytes(signature)).is_ok()
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.key_id())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_as_rfc_8032_section_7_1_test_3() {
        let seed = "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7";
        let key = SigningKey::from_seed(&hex::decode(seed).unwrap().try_into().unwrap());
        let public = "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025";
        assert_eq!(hex::encode(key.public_key().to_bytes()), public);
        let expected = "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a";
        assert_eq!(hex::encode(key.sign(&[0xaf, 0x82])), expected);
        assert!(key.public_key().verifies(&[0xaf, 0x82], &key.sign(&[0xaf, 0x82])));
        assert!(!key.public_key().verifies(&[0xaf, 0x83], &key.sign(&[0xaf, 0x82])));
    }

    #[test]
    fn reads_and_writes_the_keys_of_rfc_8410() {
        // Section 10.1 and 10.3: the same key pair, public in SPKI, private in PKCS#8 v1.
        let public = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n";
        let private = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n";
        let key = SigningKey::from_pkcs8_pem(private).unwrap();
        assert_eq!(key.public_key(), PublicKey::from_pem(public).unwrap());
        assert_eq!(key.public_key().to_pem(), public);
        assert_eq!(key.to_pkcs8_pem().as_str(), private);
        assert!(!format!("{key:?}").contains("1O5y"), "the secret is not printed");
    }

    #[test]
    fn refuses_what_is_no_key() {
        assert!(matches!(PublicKey::from_pem("hello"), Err(Error::Key(_))));
        assert!(matches!(SigningKey::from_pkcs8_pem("hello"), Err(Error::Key(_))));
        let small_order =
            [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        assert!(PublicKey::from_bytes(&small_order).is_err());
    }
}
