//! In-toto statements (v1): what the signed envelopes say. In the order of a certificate's life: what will be run
//! ([`Commitment`]), what came out (built from the body by [`crate::certificate::seal`]), that it no longer stands
//! ([`Revocation`]); and of the installation: which key signs from now on ([`Rotation`]), where an audit trail ends
//! ([`TrailHead`]).

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Error, PublicKey, canonical};

/// `_type` of every statement.
const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";

/// The predicate types that Assize signs.
pub mod predicate_type {
    /// Before a run: what will be audited, and how ([`super::Commitment`]).
    pub const COMMITMENT: &str = "https://assize.dev/attestation/bias-audit-commitment/v1";
    /// After a run: the certificate.
    pub const CERTIFICATE: &str = "https://assize.dev/attestation/bias-audit/v1";
    /// A certificate no longer stands ([`super::Revocation`]).
    pub const REVOCATION: &str = "https://assize.dev/attestation/revocation/v1";
    /// The next signing key ([`super::Rotation`]).
    pub const KEY_ROTATION: &str = "https://assize.dev/attestation/key-rotation/v1";
    /// Where an audit trail ends ([`super::TrailHead`]).
    pub const TRAIL_HEAD: &str = "https://assize.dev/attestation/audit-trail-head/v1";
}

/// An in-toto statement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    #[serde(rename = "_type")]
    statement_type: String,
    /// What it is about, by digest.
    pub subject: Vec<ResourceDescriptor>,
    /// One of [`predicate_type`].
    #[serde(rename = "predicateType")]
    pub predicate_type: String,
    /// What it says; the shape belongs to the type.
    pub predicate: Value,
}

/// A named artefact with its digests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResourceDescriptor {
    /// File name or other name.
    pub name: String,
    /// Algorithm to lowercase hex digest.
    pub digest: BTreeMap<String, String>,
}

/// What is fixed, publicly, before an audit runs, so that neither thresholds nor seed can be picked after the result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Commitment {
    /// The data file and, when one was handed in, the model file.
    #[serde(skip)]
    pub subject: Vec<ResourceDescriptor>,
    /// Parameters of the run with `thresholds` and `seed` inside.
    pub parameters: Value,
    /// Version of the measuring code.
    pub assize_version: String,
    /// When it was made, before the run.
    pub committed_at: Timestamp,
}

/// That a certificate no longer stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revocation {
    /// `MP-YYYY-NNNNNN`.
    pub certificate_id: String,
    /// The certificate's `sha256_hash`.
    pub certificate_sha256: String,
    /// Why, for the public.
    pub reason: String,
    /// Since when.
    pub revoked_at: Timestamp,
}

/// The next signing key, said by the one before it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rotation {
    /// Key id of the retiring key, which signs this.
    pub retired_key_id: String,
    /// Key id of the next key.
    pub new_key_id: String,
    /// SPKI PEM of the next key.
    pub new_public_key: String,
    /// Since when the next key signs and the old one does not.
    pub rotated_at: Timestamp,
}

/// Where the audit trail of an organization ends, so that no row before can be changed or removed later without notice.
/// It tells the public nothing but that somebody's trail has so many rows: the pseudonym is random, and who it belongs
/// to is known to the organization (which finds it in every export of its trail) and to the installation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrailHead {
    /// The trail's name in public: `trail_` and 32 hexadecimal digits, drawn at random.
    pub pseudonym: String,
    /// The number of its last row, from 1.
    pub seq: u64,
    /// Lowercase hex of that row's hash, which covers all rows before.
    pub hash: String,
}

impl Statement {
    /// A statement of any predicate type.
    pub fn new(subject: Vec<ResourceDescriptor>, predicate_type: &str, predicate: Value) -> Statement {
        Statement {
            statement_type: STATEMENT_TYPE.to_owned(),
            subject,
            predicate_type: predicate_type.to_owned(),
            predicate,
        }
    }

    /// The statement that goes into the log before a run.
    pub fn commitment(commitment: &Commitment) -> Statement {
        Statement::new(commitment.subject.clone(), predicate_type::COMMITMENT, to_value(commitment))
    }

    /// The statement that revokes a certificate.
    pub fn revocation(revocation: &Revocation) -> Statement {
        let subject = ResourceDescriptor::sha256(&revocation.certificate_id, &revocation.certificate_sha256);
        Statement::new(vec![subject], predicate_type::REVOCATION, to_value(revocation))
    }

    /// The statement that names the next key; to be signed with the retiring one.
    pub fn rotation(retired: &PublicKey, new: &PublicKey, rotated_at: Timestamp) -> Statement {
        let rotation = Rotation {
            retired_key_id: retired.key_id(),
            new_key_id: new.key_id(),
            new_public_key: new.to_pem(),
            rotated_at,
        };
        let subject = ResourceDescriptor::sha256("public-key", &rotation.new_key_id);
        Statement::new(vec![subject], predicate_type::KEY_ROTATION, to_value(&rotation))
    }

    /// The statement that an audit trail ends here.
    pub fn trail_head(head: &TrailHead) -> Statement {
        let subject = ResourceDescriptor::sha256(&head.pseudonym, &head.hash);
        Statement::new(vec![subject], predicate_type::TRAIL_HEAD, to_value(head))
    }

    /// Reads the bytes of a payload, which must be canonical JSON.
    ///
    /// # Errors
    /// As [`canonical::parse`]; [`Error::Malformed`] when it is no in-toto v1 statement.
    pub fn parse(bytes: &[u8]) -> Result<Statement, Error> {
        let statement: Statement = serde_json::from_value(canonical::parse(bytes)?)
            .map_err(|error| Error::malformed("the statement", error))?;
        if statement.statement_type != STATEMENT_TYPE {
            return Err(Error::malformed("the statement", format!("_type is not {STATEMENT_TYPE}")));
        }
        Ok(statement)
    }

    /// The canonical JSON, the payload of an envelope.
    ///
    /// # Errors
    /// [`Error::UnsafeInteger`] when the predicate holds a number that canonical JSON would change.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        canonical::to_bytes(&to_value(self))
    }

    /// The commitment it says, if it is one.
    ///
    /// # Errors
    /// [`Error::Malformed`] when it is another kind of statement.
    pub fn as_commitment(&self) -> Result<Commitment, Error> {
        let commitment: Commitment = self.read(predicate_type::COMMITMENT, "the commitment")?;
        Ok(Commitment { subject: self.subject.clone(), ..commitment })
    }

    /// The revocation it says, if it is one.
    ///
    /// # Errors
    /// [`Error::Malformed`] when it is another kind of statement.
    pub fn as_revocation(&self) -> Result<Revocation, Error> {
        self.read(predicate_type::REVOCATION, "the revocation")
    }

    /// The key rotation it says, if it is one.
    ///
    /// # Errors
    /// [`Error::Malformed`] when it is another kind of statement.
    pub fn as_rotation(&self) -> Result<Rotation, Error> {
        self.read(predicate_type::KEY_ROTATION, "the key rotation")
    }

    /// The end of an audit trail that it says, if it is one.
    ///
    /// # Errors
    /// [`Error::Malformed`] when it is another kind of statement.
    pub fn as_trail_head(&self) -> Result<TrailHead, Error> {
        self.read(predicate_type::TRAIL_HEAD, "the audit trail's head")
    }

    fn read<T: serde::de::DeserializeOwned>(&self, predicate_type: &str, what: &'static str) -> Result<T, Error> {
        if self.predicate_type != predicate_type {
            return Err(Error::malformed(what, format!("predicateType is {}", self.predicate_type)));
        }
        T::deserialize(&self.predicate).map_err(|error| Error::malformed(what, error))
    }
}

impl ResourceDescriptor {
    /// With its lowercase hex SHA-256.
    pub fn sha256(name: &str, sha256: &str) -> ResourceDescriptor {
        ResourceDescriptor { name: name.to_owned(), digest: BTreeMap::from([("sha256".to_owned(), sha256.to_owned())]) }
    }
}

fn to_value(value: &impl Serialize) -> Value {
    serde_json::to_value(value).expect("plain structs with string keys always become JSON")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_revocation_is_an_in_toto_statement_in_canonical_json() {
        let revocation = Revocation {
            certificate_id: "MP-2026-000001".to_owned(),
            certificate_sha256: "ab".repeat(32),
            reason: "wrong labels".to_owned(),
            revoked_at: "2026-09-01T00:00:00Z".parse().unwrap(),
        };
        let statement = Statement::revocation(&revocation);
        let bytes = statement.to_bytes().unwrap();
        let expected = format!(
            concat!(
                r#"{{"_type":"https://in-toto.io/Statement/v1","predicate":{{"certificate_id":"MP-2026-000001","#,
                r#""certificate_sha256":"{0}","reason":"wrong labels","revoked_at":"2026-09-01T00:00:00Z"}},"#,
                r#""predicateType":"https://assize.dev/attestation/revocation/v1","#,
                r#""subject":[{{"digest":{{"sha256":"{0}"}},"name":"MP-2026-000001"}}]}}"#
            ),
            "ab".repeat(32)
        );
        assert_eq!(String::from_utf8(bytes.clone()).unwrap(), expected);
        let read = Statement::parse(&bytes).unwrap();
        assert_eq!(read, statement);
        assert_eq!(read.as_revocation(), Ok(revocation));
        assert!(matches!(read.as_rotation(), Err(Error::Malformed { .. })));
        assert!(matches!(read.as_commitment(), Err(Error::Malformed { .. })));
    }

    #[test]
    fn an_audit_trails_head_shows_nothing_but_its_end() {
        let head = TrailHead { pseudonym: format!("trail_{}", "0f".repeat(16)), seq: 7, hash: "cd".repeat(32) };
        let statement = Statement::trail_head(&head);
        let expected = format!(
            concat!(
                r#"{{"_type":"https://in-toto.io/Statement/v1","predicate":{{"hash":"{1}","pseudonym":"{0}","seq":7}},"#,
                r#""predicateType":"https://assize.dev/attestation/audit-trail-head/v1","#,
                r#""subject":[{{"digest":{{"sha256":"{1}"}},"name":"{0}"}}]}}"#
            ),
            head.pseudonym, head.hash
        );
        let bytes = statement.to_bytes().unwrap();
        assert_eq!(String::from_utf8(bytes.clone()).unwrap(), expected);
        assert_eq!(Statement::parse(&bytes).unwrap().as_trail_head(), Ok(head));
        assert!(statement.as_revocation().is_err());
    }

    #[test]
    fn other_versions_and_unknown_members_are_refused() {
        let statement = |change: &dyn Fn(&mut Value)| {
            let mut value = to_value(&Statement::new(vec![], "https://example.org/x", json!({})));
            change(&mut value);
            Statement::parse(&canonical::to_bytes(&value).unwrap())
        };
        assert!(statement(&|_| {}).is_ok());
        assert!(statement(&|value| value["_type"] = json!("https://in-toto.io/Statement/v0.1")).is_err());
        assert!(statement(&|value| value["added"] = json!(1)).is_err());
    }
}
