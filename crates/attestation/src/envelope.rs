//! DSSE envelopes (secure-systems-lab/dsse, protocol v1.0.2) over in-toto statements.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::log::{self, Hash};
use crate::{Error, PublicKey, SigningKey, Statement, canonical};

/// `payloadType` of an in-toto statement in an envelope.
pub const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";

/// A signed statement. Equal envelopes have equal bytes: base64 is the padded standard alphabet, nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Envelope {
    /// The canonical JSON of the statement, in base64.
    pub payload: String,
    /// [`PAYLOAD_TYPE`].
    #[serde(rename = "payloadType")]
    pub payload_type: String,
    /// Signatures over the pre-authentication encoding of type and payload.
    pub signatures: Vec<EnvelopeSignature>,
}

/// One signature of an envelope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnvelopeSignature {
    /// [`PublicKey::key_id`] of the signer.
    pub keyid: String,
    /// The 64 signature bytes, in base64.
    pub sig: String,
}

impl Envelope {
    /// Signs a statement.
    ///
    /// # Errors
    /// [`Error::UnsafeInteger`] when the predicate holds a number that canonical JSON would change.
    pub fn sign(statement: &Statement, key: &SigningKey) -> Result<Envelope, Error> {
        let payload = statement.to_bytes()?;
        let signature = key.sign(&pre_authentication_encoding(PAYLOAD_TYPE, &payload));
        Ok(Envelope {
            payload: STANDARD.encode(payload),
            payload_type: PAYLOAD_TYPE.to_owned(),
            signatures: vec![EnvelopeSignature { keyid: key.public_key().key_id(), sig: STANDARD.encode(signature) }],
        })
    }

    /// Reads an envelope from canonical JSON (a log entry or a file).
    ///
    /// # Errors
    /// As [`canonical::parse`]; [`Error::Malformed`] when members are missing or unknown.
    pub fn parse(bytes: &[u8]) -> Result<Envelope, Error> {
        serde_json::from_value(canonical::parse(bytes)?).map_err(|error| Error::malformed("the envelope", error))
    }

    /// The bytes that are the leaf of this entry in the log: its canonical JSON.
    pub fn leaf_bytes(&self) -> Vec<u8> {
        let value = serde_json::to_value(self).expect("an envelope holds only strings");
        canonical::to_bytes(&value).expect("an envelope holds only strings")
    }

    /// RFC 6962 hash of [`Envelope::leaf_bytes`].
    pub fn leaf_hash(&self) -> Hash {
        log::leaf_hash(&self.leaf_bytes())
    }

    /// The `keyid` of the one signature.
    ///
    /// # Errors
    /// [`Error::Malformed`] when there is not exactly one signature: a second one that nobody checks could be changed
    /// unnoticed.
    pub fn key_id(&self) -> Result<&str, Error> {
        match self.signatures.as_slice() {
            [signature] => Ok(&signature.keyid),
            others => Err(Error::malformed("the envelope", format!("expected one signature, found {}", others.len()))),
        }
    }

    /// The statement inside, *without* looking at the signature.
    ///
    /// # Errors
    /// [`Error::Malformed`] when payload type, base64 or statement are not as they must be.
    pub fn statement_unverified(&self) -> Result<Statement, Error> {
        if self.payload_type != PAYLOAD_TYPE {
            return Err(Error::malformed("the envelope", format!("payloadType is not {PAYLOAD_TYPE}")));
        }
        Statement::parse(&self.payload_bytes()?)
    }

    /// Checks the signature with `key` and gives the statement inside.
    ///
    /// # Errors
    /// [`Error::Signature`] when it is not this key's signature over this payload, or names another key.
    pub fn verify(&self, key: &PublicKey) -> Result<Statement, Error> {
        let key_id = key.key_id();
        if self.key_id()? != key_id || !self.signature_is_of(key)? {
            return Err(Error::Signature { key_id });
        }
        self.statement_unverified()
    }

    /// Whether the signature bytes are `key`'s, whatever `keyid` says.
    pub(crate) fn signature_is_of(&self, key: &PublicKey) -> Result<bool, Error> {
        self.key_id()?;
        let signature = decode("the signature", &self.signatures[0].sig)?;
        let signature: [u8; 64] = signature
            .try_into()
            .map_err(|bytes: Vec<u8>| Error::malformed("the signature", format!("{} bytes, not 64", bytes.len())))?;
        Ok(key.verifies(&pre_authentication_encoding(&self.payload_type, &self.payload_bytes()?), &signature))
    }

    fn payload_bytes(&self) -> Result<Vec<u8>, Error> {
        decode("the payload", &self.payload)
    }
}

/// PAE of the DSSE protocol: `DSSEv1 <type length> <type> <body length> <body>`, lengths in decimal bytes.
pub(crate) fn pre_authentication_encoding(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let head = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len());
    [head.as_bytes(), payload].concat()
}

/// Strict base64: padded, no stray trailing bits, so each byte string has one spelling.
pub(crate) fn decode(what: &'static str, text: &str) -> Result<Vec<u8>, Error> {
    STANDARD.decode(text).map_err(|error| Error::malformed(what, format!("not base64: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pae_equals_the_vectors_of_the_dsse_protocol() {
        let check = |kind: &str, body: &[u8], expected: &[u8]| {
            assert_eq!(pre_authentication_encoding(kind, body), expected);
        };
        // secure-systems-lab/dsse, protocol.md, "Test vectors".
        check(
            "http://example.com/HelloWorld",
            b"hello world",
            b"DSSEv1 29 http://example.com/HelloWorld 11 hello world",
        );
        check("", b"", b"DSSEv1 0  0 ");
        check("\u{c4}", b"\xff\x00", b"DSSEv1 2 \xc3\x84 2 \xff\x00");
    }

    fn sample(key: &SigningKey) -> Envelope {
        Envelope::sign(&Statement::new(vec![], "https://example.org/x", serde_json::json!({"a": 1})), key).unwrap()
    }

    #[test]
    fn an_envelope_verifies_with_its_key_only_and_names_it() {
        let (key, other) = (SigningKey::from_seed(&[1; 32]), SigningKey::from_seed(&[2; 32]));
        let envelope = sample(&key);
        assert_eq!(envelope.key_id().unwrap(), key.public_key().key_id());
        assert_eq!(envelope.verify(&key.public_key()), envelope.statement_unverified());
        assert!(matches!(envelope.verify(&other.public_key()), Err(Error::Signature { .. })));
        let mut renamed = envelope.clone();
        renamed.signatures[0].keyid = other.public_key().key_id();
        assert!(renamed.verify(&key.public_key()).is_err());
        assert!(renamed.verify(&other.public_key()).is_err());
        let mut retyped = envelope;
        retyped.payload_type = "application/json".to_owned();
        assert!(retyped.verify(&key.public_key()).is_err());
    }

    #[test]
    fn the_leaf_parses_back_and_has_one_spelling() {
        let envelope = sample(&SigningKey::from_seed(&[1; 32]));
        let bytes = envelope.leaf_bytes();
        assert_eq!(Envelope::parse(&bytes), Ok(envelope.clone()));
        assert_eq!(envelope.leaf_hash(), log::leaf_hash(&bytes));
        let text = String::from_utf8(bytes).unwrap();
        assert!(Envelope::parse(text.replacen("{", "{\"a\":1,", 1).as_bytes()).is_err());
        // Base64 that decodes alike in lenient readers: stray trailing bits, no padding, the other alphabet.
        for sig in ["AB==", "AA", "A_8="] {
            assert!(decode("the signature", sig).is_err(), "{sig}");
        }
    }
}
