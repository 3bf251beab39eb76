//! Taking a certificate file apart: body and added members, each readable or not on its own, so that one damaged
//! member leaves the other checks possible.

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::{LogProof, PRESENTATION_MEMBERS, SEAL_MEMBERS};
use crate::{Envelope, Error, ResourceDescriptor, Statement, canonical, predicate_type};

/// A certificate file in parts; a part that cannot be read says why.
pub(super) struct Document {
    pub(super) body: Map<String, Value>,
    pub(super) sha256_hash: Result<String, Error>,
    pub(super) envelope: Result<Envelope, Error>,
    pub(super) log: Result<LogProof, Error>,
    pub(super) facts: Result<Facts, Error>,
    /// The members of the served form that are there.
    pub(super) claims: Map<String, Value>,
}

/// What the other checks need from the body.
pub(super) struct Facts {
    pub(super) certificate_id: String,
    pub(super) issued_at: Timestamp,
    pub(super) expires_at: Timestamp,
    pub(super) commitment_index: u64,
    pub(super) subject: Vec<ResourceDescriptor>,
    /// Members that go into the signed statement as they are.
    signed: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SignatureMember {
    envelope: Envelope,
}

impl Document {
    /// Reads JSON in any spelling; whether it is canonical is a check of its own.
    pub(super) fn read(bytes: &[u8]) -> Result<Document, Error> {
        let Value::Object(mut members) = canonical::parse_any(bytes)? else {
            return Err(Error::malformed("the certificate", "not a JSON object"));
        };
        let claims = PRESENTATION_MEMBERS.iter().filter_map(|name| members.remove_entry(*name)).collect();
        let sha256_hash = take(&mut members, "sha256_hash").and_then(|hash: String| {
            let plain = is_sha256_hex(&hash);
            if plain { Ok(hash) } else { Err(unusable("sha256_hash", "it is not 64 lowercase hex digits")) }
        });
        let envelope = take(&mut members, "signature").map(|member: SignatureMember| member.envelope);
        let log = take(&mut members, "log");
        Ok(Document { facts: Facts::read(&members), body: members, sha256_hash, envelope, log, claims })
    }

    /// The first part that cannot be read.
    pub(super) fn problem(&self) -> Option<&Error> {
        let problems = [
            self.facts.as_ref().err(),
            self.sha256_hash.as_ref().err(),
            self.envelope.as_ref().err(),
            self.log.as_ref().err(),
        ];
        problems.into_iter().flatten().next()
    }
}

impl Facts {
    pub(super) fn read(body: &Map<String, Value>) -> Result<Facts, Error> {
        let issued_at = timestamp(body, "issued_at")?;
        let expires_at = timestamp(body, "expires_at")?;
        if expires_at <= issued_at {
            return Err(unusable("expires_at", "it is not after issued_at"));
        }
        let commitment_index = member(body, "commitment_index")?;
        let commitment_index =
            commitment_index.as_u64().ok_or_else(|| unusable("commitment_index", "it is not an index"))?;
        if !member(body, "overall_score")?.is_number() {
            return Err(unusable("overall_score", "it is not a number"));
        }
        if !member(body, "parameters.seed")?.is_u64() {
            return Err(unusable("parameters.seed", "it is not a whole number of 0 or more"));
        }
        text(body, "certification_status")?;
        let mut signed = Map::new();
        for name in
            ["certificate_id", "certification_status", "overall_score", "issued_at", "expires_at", "commitment_index"]
        {
            signed.insert(name.to_owned(), member(body, name)?.clone());
        }
        let parameters = json!({
            "seed": member(body, "parameters.seed")?,
            "thresholds": member(body, "parameters.thresholds")?,
        });
        signed.insert("parameters".to_owned(), parameters);
        Ok(Facts {
            certificate_id: text(body, "certificate_id")?.to_owned(),
            issued_at,
            expires_at,
            commitment_index,
            subject: subject(body)?,
            signed,
        })
    }
}

/// The statement that a body calls for.
pub(super) fn statement_of(facts: &Facts, sha256_hash: &str) -> Statement {
    let mut predicate = facts.signed.clone();
    predicate.insert("certificate_sha256".to_owned(), json!(sha256_hash));
    Statement::new(facts.subject.clone(), predicate_type::CERTIFICATE, Value::Object(predicate))
}

/// Whether a top-level member belongs to the hashed body.
pub(super) fn is_body_member(name: &str) -> bool {
    !SEAL_MEMBERS.contains(&name) && !PRESENTATION_MEMBERS.contains(&name)
}

/// The data file, and the model file when there is one.
fn subject(body: &Map<String, Value>) -> Result<Vec<ResourceDescriptor>, Error> {
    let described = |part: &str| {
        let digest = text(body, &format!("{part}.sha256"))?;
        if !is_sha256_hex(digest) {
            return Err(unusable(&format!("{part}.sha256"), "it is not 64 lowercase hex digits"));
        }
        Ok(ResourceDescriptor::sha256(text(body, &format!("{part}.name"))?, digest))
    };
    let mut subject = vec![described("subject.dataset")?];
    let model = member(body, "subject.model")?;
    if !model.is_object() {
        return Err(unusable("subject.model", "it is not an object"));
    }
    if model.get("sha256").is_some() {
        subject.push(described("subject.model")?);
    }
    Ok(subject)
}

fn member<'a>(body: &'a Map<String, Value>, path: &str) -> Result<&'a Value, Error> {
    let mut names = path.split('.');
    let first = names.next().and_then(|name| body.get(name));
    names.fold(first, |value, name| value?.get(name)).ok_or_else(|| unusable(path, "it is missing"))
}

fn text<'a>(body: &'a Map<String, Value>, path: &str) -> Result<&'a str, Error> {
    member(body, path)?.as_str().ok_or_else(|| unusable(path, "it is not a text"))
}

fn timestamp(body: &Map<String, Value>, path: &str) -> Result<Timestamp, Error> {
    text(body, path)?.parse().map_err(|_| unusable(path, "it is not an RFC 3339 time"))
}

fn take<T: DeserializeOwned>(members: &mut Map<String, Value>, name: &str) -> Result<T, Error> {
    let value = members.remove(name).ok_or_else(|| unusable(name, "it is missing"))?;
    serde_json::from_value(value).map_err(|error| unusable(name, &error.to_string()))
}

fn is_sha256_hex(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn unusable(member: &str, reason: &str) -> Error {
    Error::Body { member: member.to_owned(), reason: reason.to_owned() }
}
