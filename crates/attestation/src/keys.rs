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
