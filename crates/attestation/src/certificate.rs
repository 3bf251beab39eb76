//! The certificate file: a body (any JSON object with the members below), its hash, its signature, its place in the log.
//!
//! ```text
//! { ...body...,
//!   "sha256_hash": SHA-256 over the RFC 8785 form of the body,
//!   "signature":   {"envelope": DSSE over an in-toto statement that repeats hash, verdict, thresholds, seed, times},
//!   "log":         {"origin", "leaf_index", "tree_size", "inclusion_proof", "checkpoint"},
//!   "valid", "revoked", "revocation", "checks":  only in the form that `GET /verify/{id}` serves }
//! ```
//!
//! Flow: [`seal`] hashes and signs a body; the caller appends [`Sealed::leaf_hash`] to the log; [`Sealed::with_log`]
//! makes the document; [`present`] adds what the public page says about it today; [`verify()`] checks either form.
//!
//! The body is everything but the seven members named above, so a renamed or added member changes the hash. From the
//! body the statement is *derived*: nobody can sign a verdict that the body does not show.

mod document;
mod verify;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

pub use verify::{Check, KnownCheckpoint, Outcome, Verification, VerifyOptions, check_names, verify};

use crate::log::Hash;
use crate::{Envelope, Error, SigningKey, TrustedKeys, canonical};
use document::{Facts, statement_of};

/// The members that [`seal`] and [`Sealed::with_log`] add to the body.
pub const SEAL_MEMBERS: [&str; 3] = ["sha256_hash", "signature", "log"];

/// The members that [`present`] adds for `GET /verify/{id}`.
pub const PRESENTATION_MEMBERS: [&str; 4] = ["valid", "revoked", "revocation", "checks"];

/// A hashed and signed body, ready for the log.
#[derive(Debug, Clone, PartialEq)]
pub struct Sealed {
    /// The body as the hash sees it.
    pub body: Map<String, Value>,
    /// Lowercase hex SHA-256 of the canonical body.
    pub sha256_hash: String,
    /// The signed statement; [`Envelope::leaf_bytes`] is the log entry.
    pub envelope: Envelope,
    /// Hash of that entry.
    pub leaf_hash: Hash,
}

/// Where a certificate stands in the log, with the proof.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogProof {
    /// Name of the log, as in the checkpoint.
    pub origin: String,
    /// Index of the certificate's entry.
    pub leaf_index: u64,
    /// Size of the log that the proof leads to, as in the checkpoint.
    pub tree_size: u64,
    /// [`crate::log::inclusion_proof`] of the entry at that size.
    pub inclusion_proof: Vec<Hash>,
    /// The signed checkpoint of that size ([`crate::Checkpoint::sign`]).
    pub checkpoint: String,
}

/// Hashes the body and signs its statement.
///
/// The body needs `certificate_id`, `certification_status`, `overall_score`, `issued_at`, `expires_at`,
/// `commitment_index`, `subject.dataset.name` and `.sha256`, `subject.model` (with `name` and `sha256` when a file was
/// audited), `parameters.seed` and `parameters.thresholds`.
///
/// # Errors
/// [`Error::Body`] when one of these is missing or of another type, or when the body holds a member that the seal adds;
/// [`Error::UnsafeInteger`] for an integer that canonical JSON would change (keep seeds to at most 2^53 - 1).
pub fn seal(body: &Map<String, Value>, key: &SigningKey) -> Result<Sealed, Error> {
    if let Some(member) = body.keys().find(|name| !document::is_body_member(name)) {
        return Err(Error::Body { member: member.clone(), reason: "it is added after the body is sealed".to_owned() });
    }
    let bytes = canonical::to_bytes(&Value::Object(body.clone()))?;
    let body = match canonical::parse(&bytes)? {
        Value::Object(body) => body,
        _ => return Err(Error::malformed("the certificate body", "not an object")),
    };
    let sha256_hash = canonical::sha256_hex(&bytes);
    let statement = statement_of(&Facts::read(&body)?, &sha256_hash);
    let envelope = Envelope::sign(&statement, key)?;
    Ok(Sealed { leaf_hash: envelope.leaf_hash(), body, sha256_hash, envelope })
}

impl Sealed {
    /// The finished document, in canonical bytes: what is stored and handed out as the certificate file.
    pub fn with_log(&self, proof: &LogProof) -> Vec<u8> {
        let mut document = self.body.clone();
        document.insert("sha256_hash".to_owned(), json!(self.sha256_hash));
        document.insert("signature".to_owned(), json!({"envelope": self.envelope}));
        document.insert("log".to_owned(), json!(proof));
        canonical::to_bytes(&Value::Object(document)).expect("the body was canonical and proofs hold small integers")
    }

    /// Takes a document apart again, e.g. to give it a proof at the present size of the log. Checks nothing.
    ///
    /// # Errors
    /// When it is not JSON or has no hash or signature.
    pub fn from_document(document: &[u8]) -> Result<(Sealed, Option<LogProof>), Error> {
        let parts = document::Document::read(document)?;
        let missing = |what: &str| Error::malformed("the certificate", format!("it has no readable {what}"));
        let envelope = parts.envelope.map_err(|_| missing("signature"))?;
        let sha256_hash = parts.sha256_hash.map_err(|_| missing("sha256_hash"))?;
        let sealed = Sealed { leaf_hash: envelope.leaf_hash(), body: parts.body, sha256_hash, envelope };
        Ok((sealed, parts.log.ok()))
    }
}

/// The form that `GET /verify/{id}` serves: the document with `valid`, `revoked`, `revocation` (reason, time and signed
/// envelope, or null) and `checks` (name to outcome), in canonical bytes, and the verification behind them.
///
/// `checks` holds names and outcomes only: sentences belong to a version of the program, and [`verify()`] insists that
/// what a file claims is what it finds.
///
/// # Errors
/// When the document is not canonical JSON or `revocation` is not a revocation of this certificate.
pub fn present(
    document: &[u8],
    revocation: Option<&Envelope>,
    trusted: &TrustedKeys,
    now: jiff::Timestamp,
) -> Result<(Vec<u8>, Verification), Error> {
    let revocations: Vec<Envelope> = revocation.cloned().into_iter().collect();
    let options = VerifyOptions { revocations: &revocations, ..VerifyOptions::default() };
    let verification = verify(document, trusted, now, &options);
    let Value::Object(mut members) = canonical::parse(document)? else {
        return Err(Error::malformed("the certificate", "not an object"));
    };
    let revocation = match revocation {
        Some(_) if verification.check("revocation").is_some_and(|check| check.outcome == Outcome::Passed) => {
            return Err(Error::malformed("the revocation", "it is of another certificate"));
        }
        Some(envelope) => {
            let said = envelope.statement_unverified()?.as_revocation()?;
            json!({"reason": said.reason, "revoked_at": said.revoked_at, "envelope": envelope})
        }
        None => Value::Null,
    };
    members.insert("valid".to_owned(), json!(verification.valid));
    members.insert("revoked".to_owned(), json!(!revocation.is_null()));
    members.insert("revocation".to_owned(), revocation);
    members.insert("checks".to_owned(), verification.outcomes());
    Ok((canonical::to_bytes(&Value::Object(members))?, verification))
}

/// Checks that a certificate keeps what was committed to before its run: the entry at the body's `commitment_index` is
/// this envelope, signed by a trusted key no later than the issue, over the same files, and every member of its
/// `parameters` equals the member of that name in the body's `parameters`.
///
/// # Errors
/// [`Error::Body`] naming the member that differs; errors of the signature.
pub fn verify_commitment(
    body: &Map<String, Value>,
    commitment: &Envelope,
    index: u64,
    trusted: &TrustedKeys,
) -> Result<(), Error> {
    let facts = Facts::read(body)?;
    let differs = |member: &str| {
        Err(Error::Body { member: member.to_owned(), reason: "it differs from what was committed to".to_owned() })
    };
    let signer = trusted.find(commitment.key_id()?).ok_or_else(|| trusted.untrusted(commitment))?;
    let said = commitment.verify(&signer.key)?.as_commitment()?;
    signer.check_in_force(said.committed_at, Some(index))?;
    if facts.commitment_index != index {
        return differs("commitment_index");
    }
    if said.committed_at > facts.issued_at {
        return differs("issued_at");
    }
    if said.subject != facts.subject {
        return differs("subject");
    }
    let parameters = body.get("parameters");
    let committed = said.parameters.as_object().ok_or_else(|| Error::malformed("the commitment", "no parameters"))?;
    match committed.iter().find(|(name, value)| parameters.and_then(|own| own.get(name)) != Some(value)) {
        Some((name, _)) => differs(&format!("parameters.{name}")),
        None => Ok(()),
    }
}
