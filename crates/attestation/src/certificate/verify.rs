//! Verification of a certificate file: a fixed list of checks, each with a name that stays and a sentence for people.
//!
//! Every check runs that can run; one damaged part does not hide what the others say. A certificate is valid when every
//! check passed, so "could not be checked" is never silently a pass.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::document::{Document, Facts, statement_of};
use crate::log::{self, Hash};
use crate::{Checkpoint, Envelope, Error, Revocation, SignedCheckpoint, TrustedKeys, canonical};

/// How far the issuer's clock may run ahead of the verifier's.
const CLOCK_SKEW_MAX: SignedDuration = SignedDuration::from_mins(5);

/// What is known beyond the file and the keys; empty by default.
#[derive(Debug, Clone, Copy, Default)]
pub struct VerifyOptions<'a> {
    /// Signed revocations to hold the certificate against (those of other certificates are left aside). A file cannot
    /// know that it was revoked after it was saved: who wants to know asks the issuer or the log, and hands in what
    /// they say.
    pub revocations: &'a [Envelope],
    /// The log the certificate must be in; `None`: the one that the trusted keys name, or any they sign.
    pub origin: Option<&'a str>,
    /// A checkpoint of the log that the verifier has seen before: finds a log that was rewritten since.
    pub known_checkpoint: Option<KnownCheckpoint<'a>>,
}

/// A head of the log from an independent source, with the proof that joins it to the one in the file.
#[derive(Debug, Clone, Copy)]
pub struct KnownCheckpoint<'a> {
    /// Size and root, already trusted.
    pub checkpoint: &'a Checkpoint,
    /// [`log::consistency_proof`] between the two sizes, whichever is larger.
    pub consistency_proof: &'a [Hash],
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verification {
    /// As the body says, when it can be read.
    pub certificate_id: Option<String>,
    /// In the order of [`check_names`].
    pub checks: Vec<Check>,
    /// Whether every check passed.
    pub valid: bool,
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// One of [`check_names`].
    pub name: &'static str,
    /// How it went.
    pub outcome: Outcome,
    /// One sentence, without a final stop.
    pub detail: String,
}

/// How a check went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It holds.
    Passed,
    /// It does not hold.
    Failed,
    /// It could not be made, because something before it failed.
    NotChecked,
}

type Checking = fn(&Context<'_>, &Document) -> Result<String, Refusal>;

/// The checks in order. `format` comes before them, `claims` after.
const CHECKS: [(&str, Checking); 9] = [
    ("encoding", check_encoding),
    ("hash", check_hash),
    ("signature", check_signature),
    ("signer", check_signer),
    ("statement", check_statement),
    ("inclusion", check_inclusion),
    ("checkpoint", check_checkpoint),
    ("expiry", check_expiry),
    ("revocation", check_revocation),
];

/// Why a check did not pass.
enum Refusal {
    Failed(String),
    NotChecked(String),
}

struct Context<'a> {
    file: &'a [u8],
    trusted: &'a TrustedKeys,
    now: Timestamp,
    options: &'a VerifyOptions<'a>,
}

/// Names of all checks, in order: `format`, `encoding`, `hash`, `signature`, `signer`, `statement`, `inclusion`,
/// `checkpoint`, `expiry`, `revocation`, `claims`.
pub fn check_names() -> impl Iterator<Item = &'static str> {
    ["format"].into_iter().chain(CHECKS.iter().map(|(name, _)| *name)).chain(["claims"])
}

/// Checks a certificate file, as sealed or as served. Never fails and never panics: whatever the bytes are, the answer
/// says which checks passed.
pub fn verify(file: &[u8], trusted: &TrustedKeys, now: Timestamp, options: &VerifyOptions<'_>) -> Verification {
    let context = Context { file, trusted, now, options };
    let document = Document::read(file);
    let mut checks = vec![Check::new("format", check_format(&document))];
    for (name, checking) in CHECKS {
        let result = match &document {
            Ok(document) => checking(&context, document),
            Err(_) => Err(Refusal::NotChecked("the file is not a certificate".to_owned())),
        };
        checks.push(Check::new(name, result));
    }
    let claims = check_claims(document.as_ref().ok(), &checks);
    checks.push(Check::new("claims", claims));
    let certificate_id = document.ok().and_then(|document| document.facts.ok()).map(|facts| facts.certificate_id);
    Verification { certificate_id, valid: checks.iter().all(|check| check.outcome == Outcome::Passed), checks }
}

impl Verification {
    /// The check of this name.
    pub fn check(&self, name: &str) -> Option<&Check> {
        self.checks.iter().find(|check| check.name == name)
    }

    /// The checks that failed.
    pub fn failures(&self) -> impl Iterator<Item = &Check> {
        self.checks.iter().filter(|check| check.outcome == Outcome::Failed)
    }

    /// Name to outcome: the `checks` member of the served form.
    pub fn outcomes(&self) -> Value {
        let outcomes = self.checks.iter().map(|check| (check.name.to_owned(), Value::from(check.outcome.as_str())));
        Value::Object(outcomes.collect())
    }
}

impl Check {
    fn new(name: &'static str, result: Result<String, Refusal>) -> Check {
        match result {
            Ok(detail) => Check { name, outcome: Outcome::Passed, detail },
            Err(Refusal::Failed(detail)) => Check { name, outcome: Outcome::Failed, detail },
            Err(Refusal::NotChecked(detail)) => Check { name, outcome: Outcome::NotChecked, detail },
        }
    }
}

impl Outcome {
    /// `passed`, `failed` or `not_checked`.
    pub fn as_str(self) -> &'static str {
        match self {
            Outcome::Passed => "passed",
            Outcome::Failed => "failed",
            Outcome::NotChecked => "not_checked",
        }
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Refusal {
        Refusal::Failed(error.to_string())
    }
}

fn failed<T>(detail: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal::Failed(detail.into()))
}

/// A part of the file that a check needs; where it is unreadable, `format` has said so.
fn need<'a, T>(part: &'a Result<T, Error>, what: &str) -> Result<&'a T, Refusal> {
    part.as_ref().map_err(|_| Refusal::NotChecked(format!("the file has no readable {what}")))
}

fn check_format(document: &Result<Document, Error>) -> Result<String, Refusal> {
    match document {
        Err(error) => failed(error.to_string()),
        Ok(document) => match document.problem() {
            Some(error) => failed(error.to_string()),
            None => Ok("a certificate with all its parts".to_owned()),
        },
    }
}

fn check_encoding(context: &Context<'_>, _: &Document) -> Result<String, Refusal> {
    canonical::parse(context.file)?;
    Ok("canonical JSON (RFC 8785)".to_owned())
}

fn check_hash(_: &Context<'_>, document: &Document) -> Result<String, Refusal> {
    let stated = need(&document.sha256_hash, "sha256_hash")?;
    let found = canonical::sha256_hex(&canonical::to_bytes(&Value::Object(document.body.clone()))?);
    if *stated != found {
        return failed(format!("the content was changed: its SHA-256 is {found}, the certificate says {stated}"));
    }
    Ok(format!("the content has the SHA-256 {found}"))
}

fn check_signature(context: &Context<'_>, document: &Document) -> Result<String, Refusal> {
    let envelope = need(&document.envelope, "signature")?;
    let key_id = envelope.key_id()?;
    let keys = context.trusted;
    if let Some(signer) = keys.find(key_id) {
        return match envelope.signature_is_of(&signer.key)? {
            true => Ok(format!("signed by the key {key_id}")),
            false => Err(Error::Signature { key_id: key_id.to_owned() }.into()),
        };
    }
    for other in keys.keys() {
        if envelope.signature_is_of(&other.key)? {
            return failed(format!("names the key {key_id}, but was made with {}", other.key.key_id()));
        }
    }
    Err(Refusal::NotChecked(format!("the public key {key_id} is not at hand")))
}

fn check_signer(context: &Context<'_>, document: &Document) -> Result<String, Refusal> {
    if context.trusted.is_empty() {
        return failed("no trusted public key was given");
    }
    let envelope = need(&document.envelope, "signature")?;
    let signer = context.trusted.find(envelope.key_id()?).ok_or_else(|| context.trusted.untrusted(envelope))?;
    let facts = need(&document.facts, "time of issue")?;
    let position = document.log.as_ref().ok().map(|log| log.leaf_index);
    signer.check_in_force(facts.issued_at, position)?;
    Ok("the signing key is trusted and was in force at the time of issue".to_owned())
}

/// Compares the signed statement with the one that the body calls for, naming what differs.
fn check_statement(_: &Context<'_>, document: &Document) -> Result<String, Refusal> {
    let said = need(&document.envelope, "signature")?.statement_unverified()?;
    let facts = need(&document.facts, "content")?;
    let expected = statement_of(facts, need(&document.sha256_hash, "sha256_hash")?);
    if said.predicate_type != expected.predicate_type {
        return failed(format!("the signed statement is no certificate but {}", said.predicate_type));
    }
    if said.subject != expected.subject {
        return failed("the signed statement is about other data or another model than the certificate shows");
    }
    if said.predicate != expected.predicate {
        let none = Map::new();
        let said = said.predicate.as_object().unwrap_or(&none);
        let wanted = expected.predicate.as_object().unwrap_or(&none);
        let differing = wanted.keys().chain(said.keys()).find(|name| said.get(*name) != wanted.get(*name));
        let differing = differing.map_or("predicate", String::as_str);
        return failed(format!("the signed statement has another {differing} than the certificate shows"));
    }
    Ok("verdict, times, thresholds, seed and file digests are the signed ones".to_owned())
}

fn check_inclusion(_: &Context<'_>, document: &Document) -> Result<String, Refusal> {
    let place = need(&document.log, "log")?;
    let envelope = need(&document.envelope, "signature")?;
    let facts = need(&document.facts, "content")?;
    let head = SignedCheckpoint::parse(&place.checkpoint)
        .map_err(|_| Refusal::NotChecked("the checkpoint in the file cannot be read".to_owned()))?
        .checkpoint;
    if place.tree_size != head.size {
        return failed(format!("tree_size is {}, the checkpoint has {} entries", place.tree_size, head.size));
    }
    log::verify_inclusion(envelope.leaf_hash(), place.leaf_index, head.size, &place.inclusion_proof, head.root)?;
    if facts.commitment_index >= place.leaf_index {
        return failed(format!(
            "the commitment (entry {}) is not before the certificate (entry {})",
            facts.commitment_index, place.leaf_index
        ));
    }
    Ok(format!("entry {} of a log of {} entries", place.leaf_index, head.size))
}

fn check_checkpoint(context: &Context<'_>, document: &Document) -> Result<String, Refusal> {
    let place = need(&document.log, "log")?;
    let signed = SignedCheckpoint::parse(&place.checkpoint)?;
    let head = &signed.checkpoint;
    if place.origin != head.origin {
        return failed(format!("log.origin is {}, the checkpoint is of {}", place.origin, head.origin));
    }
    if let Some(origin) = context.options.origin.or(context.trusted.origin()).filter(|origin| *origin != head.origin) {
        return failed(format!("the certificate is in the log {}, not in {origin}", head.origin));
    }
    check_checkpoint_signature(context.trusted, &signed)?;
    if let Some(known) = &context.options.known_checkpoint {
        check_known(head, known)?;
    }
    Ok(format!("signed head of {} at {} entries", head.origin, head.size))
}

/// One signature line, by a trusted key. In a file, further lines are refused rather than left aside: nobody would
/// notice a change in them.
fn check_checkpoint_signature(trusted: &TrustedKeys, signed: &SignedCheckpoint) -> Result<(), Refusal> {
    let [line] = signed.signatures.as_slice() else {
        return failed("the checkpoint in a certificate must have exactly one signature line");
    };
    let signer = trusted.keys().iter().find(|trusted| signed.signature_of(&trusted.key).is_some());
    let Some(signer) = signer else {
        let untrusted = Error::UntrustedKey { key_id: signed.signer_names(), trusted: trusted.keys().len() };
        return Err(untrusted.into());
    };
    if !signed.holds(line, &signer.key) {
        return Err(Error::Signature { key_id: signer.key.key_id() }.into());
    }
    match signer.final_log_size {
        Some(size) if signed.checkpoint.size > size => failed(format!(
            "the key of the checkpoint was retired at {size} entries, the checkpoint has {}",
            signed.checkpoint.size
        )),
        _ => Ok(()),
    }
}

fn check_known(head: &Checkpoint, known: &KnownCheckpoint<'_>) -> Result<(), Refusal> {
    if known.checkpoint.origin != head.origin {
        return failed(format!("the known checkpoint is of another log, {}", known.checkpoint.origin));
    }
    let (old, new) =
        if known.checkpoint.size <= head.size { (known.checkpoint, head) } else { (head, known.checkpoint) };
    log::verify_consistency(old.size, old.root, new.size, new.root, known.consistency_proof).map_err(|_| {
        Refusal::Failed(format!(
            "the log was rewritten: its heads at {} and {} entries are not of one history",
            old.size, new.size
        ))
    })
}

fn check_expiry(context: &Context<'_>, document: &Document) -> Result<String, Refusal> {
    let Facts { issued_at, expires_at, .. } = need(&document.facts, "times")?;
    if context.now >= *expires_at {
        return failed(format!("expired at {expires_at}"));
    }
    if issued_at.duration_since(context.now) > CLOCK_SKEW_MAX {
        return failed(format!("issued at {issued_at}, which is in the future"));
    }
    Ok(format!("in force from {issued_at} until {expires_at}"))
}

fn check_revocation(context: &Context<'_>, document: &Document) -> Result<String, Refusal> {
    let facts = need(&document.facts, "certificate_id")?;
    let hash = need(&document.sha256_hash, "sha256_hash")?;
    let concerns = |said: &Revocation| said.certificate_id == facts.certificate_id || said.certificate_sha256 == *hash;
    let mut revocations: Vec<Envelope> = Vec::new();
    match document.claims.get("revocation") {
        None | Some(Value::Null) => {}
        Some(member) => match member.get("envelope").map(Envelope::deserialize) {
            Some(Ok(envelope)) => revocations.push(envelope),
            _ => return failed("the file carries a revocation that cannot be read"),
        },
    }
    let carried = revocations.len();
    revocations.extend_from_slice(context.options.revocations);
    for (at, envelope) in revocations.iter().enumerate() {
        let said = envelope.statement_unverified().and_then(|statement| statement.as_revocation());
        match said {
            Ok(said) if concerns(&said) => return failed(revoked(context.trusted, envelope, &said)),
            _ if at < carried => return failed("the file carries a revocation that is not of this certificate"),
            _ => {}
        }
    }
    match document.claims.get("revoked") {
        None | Some(Value::Bool(false)) => Ok("no revocation is in the file or was given".to_owned()),
        Some(_) => failed("the file says that it is revoked, without proof"),
    }
}

/// The sentence for a revocation of this certificate. One that is not properly signed counts too (whoever holds it has
/// reason to ask the issuer), but is not called a fact.
fn revoked(trusted: &TrustedKeys, envelope: &Envelope, said: &Revocation) -> String {
    let signer = envelope.key_id().ok().and_then(|key_id| trusted.find(key_id));
    let proven = signer.is_some_and(|signer| {
        envelope.verify(&signer.key).is_ok() && signer.check_in_force(said.revoked_at, None).is_ok()
    });
    if proven {
        format!("revoked at {}: {}", said.revoked_at, said.reason)
    } else {
        format!("a revocation of {} is there, but no trusted key signed it: ask the issuer", said.certificate_id)
    }
}

/// Whether what a served file says about itself is what was found. Comes last: with a failure above there is nothing
/// left to claim.
fn check_claims(document: Option<&Document>, checks: &[Check]) -> Result<String, Refusal> {
    let Some(document) = document else {
        return Err(Refusal::NotChecked("the file is not a certificate".to_owned()));
    };
    if checks.iter().any(|check| check.outcome != Outcome::Passed) {
        return Err(Refusal::NotChecked("another check did not pass".to_owned()));
    }
    if document.claims.get("valid").is_some_and(|valid| *valid != Value::Bool(true)) {
        return failed("the file says that it is not valid");
    }
    // A file served by an older version may hold fewer checks, never unknown ones or other outcomes.
    match document.claims.get("checks") {
        None => {}
        Some(Value::Object(claimed)) => {
            let passed = |name: &str, outcome: &Value| check_names().any(|own| own == name) && outcome == "passed";
            if let Some((name, _)) = claimed.iter().find(|(name, outcome)| !passed(name, outcome)) {
                return failed(format!("the file says of the check {name} what was not found"));
            }
        }
        Some(_) => return failed("the checks in the file cannot be read"),
    }
    Ok("the file says nothing about itself that was not found".to_owned())
}
