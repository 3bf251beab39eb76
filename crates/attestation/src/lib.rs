//! Attestation: what makes an Assize certificate checkable by a stranger who has only the program, the file and a
//! public key.
//!
//! How a certificate comes to be: the run's inputs are committed to the log before it starts ([`Statement::commitment`]
//! signed into an [`Envelope`], appended with [`log::append`]); the finished body is [`certificate::seal`]ed (RFC 8785
//! hash, in-toto statement, DSSE signature); the envelope becomes the next leaf; inclusion proof and signed
//! [`Checkpoint`] join the document. [`certificate::verify`] walks the same way back and says which step fails.
//!
//! What must always hold:
//! - Pure: no I/O, no clock, no randomness. Keys come from seed bytes, times from the caller.
//! - No bytes panic. Everything that parses is strict: one spelling for each value, unknown members refused, so that
//!   no changed byte of a certificate file goes unnoticed.
//! - The leaf of an entry is the canonical JSON of its envelope, so the log commits to the signature too.

pub mod canonical;
pub mod certificate;
mod envelope;
mod error;
mod keys;
pub mod log;
mod note;
mod statement;
mod trust;

pub use envelope::{Envelope, EnvelopeSignature, PAYLOAD_TYPE};
pub use error::Error;
pub use keys::{PublicKey, SigningKey};
pub use note::{Checkpoint, NoteSignature, SignedCheckpoint, verifier_key_from_string, verifier_key_to_string};
pub use statement::{Commitment, ResourceDescriptor, Revocation, Rotation, Statement, TrailHead, predicate_type};
pub use trust::{TrustedKey, TrustedKeys};
