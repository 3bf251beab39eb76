//! The keys a verifier trusts, and from when to when: one signing now, the retired ones before it.
//!
//! A certificate signed by a retired key still verifies when it was issued, and logged, before the retirement. The time
//! of issue is the signer's own word, so the position in the log is bounded too ([`TrustedKey::final_log_size`]): who
//! steals a retired key cannot add to the log that the next key has signed. He could still sign another history of the
//! same length; a verifier who holds any later checkpoint finds that with
//! [`crate::certificate::VerifyOptions::known_checkpoint`].

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Envelope, Error, PublicKey, canonical, note};

const PEM_BEGIN: &str = "-----BEGIN PUBLIC KEY-----";
const PEM_END: &str = "-----END PUBLIC KEY-----";

/// Keys that a verifier trusts. Order is kept: oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedKeys {
    keys: Vec<TrustedKey>,
    origin: Option<String>,
}

/// A key with its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedKey {
    /// The key.
    pub key: PublicKey,
    /// First moment it signs for; `None`: since ever.
    pub valid_from: Option<Timestamp>,
    /// Moment from which it no longer signs; `None`: it is in use.
    pub retired_at: Option<Timestamp>,
    /// Size of the log at its retirement: it signed no entry and no checkpoint beyond.
    pub final_log_size: Option<u64>,
}

#[derive(Serialize, Deserialize)]
struct KeysDocument {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    origin: Option<String>,
    keys: Vec<KeyDocument>,
}

#[derive(Serialize, Deserialize)]
struct KeyDocument {
    key_id: String,
    algorithm: String,
    public_key: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    verifier_key: Option<String>,
    valid_from: Option<Timestamp>,
    retired_at: Option<Timestamp>,
    final_log_size: Option<u64>,
}

impl TrustedKey {
    /// A key without time limits, as a bare PEM file gives it.
    pub fn always(key: PublicKey) -> TrustedKey {
        TrustedKey { key, valid_from: None, retired_at: None, final_log_size: None }
    }

    /// Whether it may have signed something at `time`, at `log_position` (index of an entry) when known.
    ///
    /// # Errors
    /// [`Error::KeyNotInForce`] saying since or until when it may.
    pub fn check_in_force(&self, time: Timestamp, log_position: Option<u64>) -> Result<(), Error> {
        let refuse = |reason: String| Err(Error::KeyNotInForce { key_id: self.key.key_id(), reason });
        if let Some(valid_from) = self.valid_from.filter(|valid_from| time < *valid_from) {
            return refuse(format!("is valid only from {valid_from}, after {time}"));
        }
        if let Some(retired_at) = self.retired_at.filter(|retired_at| time >= *retired_at) {
            return refuse(format!("was retired at {retired_at}, before {time}"));
        }
        match (self.final_log_size, log_position) {
            (Some(size), Some(position)) if position >= size => {
                refuse(format!("was retired when the log had {size} entries, before entry {position}"))
            }
            _ => Ok(()),
        }
    }
}

impl TrustedKeys {
    /// From a list, oldest first, with the name of the log that they sign when it is known.
    pub fn new(keys: Vec<TrustedKey>, origin: Option<String>) -> TrustedKeys {
        TrustedKeys { keys, origin }
    }

    /// Trusts one key without time limits.
    pub fn single(key: PublicKey) -> TrustedKeys {
        TrustedKeys::new(vec![TrustedKey::always(key)], None)
    }

    /// Reads what a user hands in: the JSON document of [`TrustedKeys::to_json`], or one or more public keys in PEM.
    ///
    /// # Errors
    /// [`Error::Key`] saying what is wrong, also when there is no key in it or a stated key id is another key's.
    pub fn parse(text: &str) -> Result<TrustedKeys, Error> {
        let keys = if text.trim_start().starts_with('{') { TrustedKeys::parse_json(text)? } else { parse_pems(text)? };
        if keys.is_empty() {
            return Err(Error::Key("no public key in it".to_owned()));
        }
        Ok(keys)
    }

    /// The document served at `/.well-known/assize-keys.json`.
    pub fn to_json(&self) -> serde_json::Value {
        let verifier_key =
            |key: &PublicKey| self.origin.as_deref().and_then(|origin| note::verifier_key_to_string(origin, key).ok());
        let keys = self.keys.iter().map(|trusted| KeyDocument {
            key_id: trusted.key.key_id(),
            algorithm: "Ed25519".to_owned(),
            public_key: trusted.key.to_pem(),
            verifier_key: verifier_key(&trusted.key),
            valid_from: trusted.valid_from,
            retired_at: trusted.retired_at,
            final_log_size: trusted.final_log_size,
        });
        let document = KeysDocument { origin: self.origin.clone(), keys: keys.collect() };
        serde_json::to_value(document).expect("plain structs with string keys always become JSON")
    }

    /// Adds what a [`crate::Rotation`] in the log says: the signer retires, the named key follows. `log_index` is the
    /// entry's index, whose inclusion the caller has checked.
    ///
    /// # Errors
    /// When the envelope is no rotation, its signer is not trusted, is retired already, or is not the key it retires.
    pub fn follow_rotation(&mut self, envelope: &Envelope, log_index: u64) -> Result<(), Error> {
        let signer = self.find(envelope.key_id()?).ok_or_else(|| self.untrusted(envelope))?.clone();
        let rotation = envelope.verify(&signer.key)?.as_rotation()?;
        signer.check_in_force(rotation.rotated_at, Some(log_index))?;
        let new = PublicKey::from_pem(&rotation.new_public_key)?;
        if rotation.retired_key_id != signer.key.key_id() || rotation.new_key_id != new.key_id() {
            return Err(Error::Key("the rotation names key ids that are not its keys'".to_owned()));
        }
        if self.find(&rotation.new_key_id).is_some() {
            return Err(Error::Key("the rotation names a key that is in the list already".to_owned()));
        }
        for trusted in self.keys.iter_mut().filter(|trusted| trusted.key == signer.key) {
            trusted.retired_at = Some(rotation.rotated_at);
            trusted.final_log_size = Some(log_index + 1);
        }
        self.keys.push(TrustedKey { valid_from: Some(rotation.rotated_at), ..TrustedKey::always(new) });
        Ok(())
    }

    /// The key with this id.
    pub fn find(&self, key_id: &str) -> Option<&TrustedKey> {
        self.keys.iter().find(|trusted| trusted.key.key_id() == key_id)
    }

    /// All, oldest first.
    pub fn keys(&self) -> &[TrustedKey] {
        &self.keys
    }

    /// Name of the log that they sign, when known.
    pub fn origin(&self) -> Option<&str> {
        self.origin.as_deref()
    }

    /// Whether no key is trusted.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    pub(crate) fn untrusted(&self, envelope: &Envelope) -> Error {
        let key_id = envelope.key_id().unwrap_or("(none)").to_owned();
        Error::UntrustedKey { key_id, trusted: self.keys.len() }
    }

    fn parse_json(text: &str) -> Result<TrustedKeys, Error> {
        let value = canonical::parse_any(text.as_bytes())?;
        let document: KeysDocument = serde_json::from_value(value).map_err(|error| Error::Key(error.to_string()))?;
        let read = |key: KeyDocument| {
            let public = PublicKey::from_pem(&key.public_key)?;
            if public.key_id() != key.key_id {
                return Err(Error::Key(format!("key_id {} is not the id of its public_key", key.key_id)));
            }
            let KeyDocument { valid_from, retired_at, final_log_size, .. } = key;
            Ok(TrustedKey { key: public, valid_from, retired_at, final_log_size })
        };
        let keys = document.keys.into_iter().map(read).collect::<Result<Vec<_>, Error>>()?;
        Ok(TrustedKeys::new(keys, document.origin))
    }
}

fn parse_pems(text: &str) -> Result<TrustedKeys, Error> {
    let mut keys = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find(PEM_BEGIN) {
        let block = &rest[start..];
        let end = block.find(PEM_END).ok_or_else(|| Error::Key(format!("no {PEM_END} line")))? + PEM_END.len();
        keys.push(TrustedKey::always(PublicKey::from_pem(&block[..end])?));
        rest = &block[end..];
    }
    Ok(TrustedKeys::new(keys, None))
}
