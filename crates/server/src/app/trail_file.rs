//! An exported audit trail as a file: lines of JSON, and the check of such a file by whoever has it and the public keys
//! of the installation, without its database.
//!
//! ```text
//! {"line":"head","format":"assize-audit-trail/1","organization":"org_acme","pseudonym":"trail_...","exported_at":"..."}
//! {"line":"row","seq":1,"at":"...","actor":"...","action":"...","subject":"...","detail":"{...}",...,"hash":"..."}
//! {"line":"checkpoint","seq":1,"envelope":{...},"log":{...}}
//! {"line":"end","rows":1,"hash":"..."}
//! ```
//!
//! `detail` is a text that holds JSON, because its exact bytes are hashed. Times are hashed in milliseconds.

use std::io::BufRead;

use assize_attestation::certificate::LogProof;
use assize_attestation::log::verify_inclusion;
use assize_attestation::{Envelope, SignedCheckpoint, TrailHead, TrustedKey, TrustedKeys};
use assize_store::OrganizationId;
use assize_store::audit_trail::{AuditEvent, AuditRow, Chain};
use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Name of the form, with its version.
pub(super) const FORMAT: &str = "assize-audit-trail/1";
/// Bytes of one line: a row's detail is small, a proof has some dozens of hashes.
const LINE_BYTES_MAX: u64 = 1 << 20;

/// One line of the file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "line", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Line {
    Head { format: String, organization: String, pseudonym: Option<String>, exported_at: Timestamp },
    Row(RowLine),
    Checkpoint { seq: u64, envelope: Value, log: LogProof },
    End { rows: u64, hash: String },
}

/// A row as a line; digests in lowercase hex.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct RowLine {
    seq: u64,
    at: Timestamp,
    actor: String,
    action: String,
    subject: String,
    detail: String,
    before_hash: Option<String>,
    after_hash: Option<String>,
    prev_hash: String,
    hash: String,
}

/// What a file turned out to hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TrailReport {
    /// Whose trail it says it is.
    pub organization: String,
    /// Rows, an unbroken chain.
    pub rows: u64,
    /// Lowercase hex of the last row's hash.
    pub hash: String,
    /// Heads that are proven to be in the transparency log.
    pub checkpoints: u64,
    /// The last row that such a head covers: up to here the public log vouches for the trail.
    pub logged_rows: u64,
}

/// Why a file is not an unbroken trail.
#[derive(Debug, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct TrailFileError {
    /// Number of the line, from 1.
    pub line: u64,
    /// What is wrong with it.
    pub what: String,
}

impl Line {
    pub(super) fn row(row: &AuditRow) -> Self {
        let digest = |hash: &Option<[u8; 32]>| hash.map(hex::encode);
        Self::Row(RowLine {
            seq: row.seq,
            at: row.event.at,
            actor: row.event.actor.clone(),
            action: row.event.action.clone(),
            subject: row.event.subject.clone(),
            detail: row.detail_text.clone(),
            before_hash: digest(&row.event.before_hash),
            after_hash: digest(&row.event.after_hash),
            prev_hash: hex::encode(row.prev_hash),
            hash: hex::encode(row.hash),
        })
    }

    /// The line with its end.
    pub(super) fn to_bytes(&self) -> Bytes {
        let mut bytes = serde_json::to_vec(self).expect("texts and numbers become JSON");
        bytes.push(b'\n');
        bytes.into()
    }
}

impl RowLine {
    fn into_row(self) -> Option<AuditRow> {
        let digest = |text: Option<String>| -> Option<Option<[u8; 32]>> {
            text.map(|text| hash(&text)).map_or(Some(None), |hash| hash.map(Some))
        };
        Some(AuditRow {
            seq: self.seq,
            prev_hash: hash(&self.prev_hash)?,
            hash: hash(&self.hash)?,
            event: AuditEvent {
                at: self.at,
                actor: self.actor,
                action: self.action,
                subject: self.subject,
                detail: serde_json::from_str(&self.detail).ok()?,
                before_hash: digest(self.before_hash)?,
                after_hash: digest(self.after_hash)?,
            },
            detail_text: self.detail,
        })
    }
}

fn hash(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    hex::decode_to_slice(text, &mut bytes).ok()?;
    Some(bytes)
}

/// Checks a file from its first line to its last: the chain of hashes, its end, and that every checkpoint is a row of
/// the chain, signed with a trusted key, and in the log.
///
/// # Errors
/// The first line that is not as it was exported.
pub fn verify_trail_file(mut file: impl BufRead, trusted: &TrustedKeys) -> Result<TrailReport, TrailFileError> {
    let (mut number, mut text, mut check) = (0, String::new(), Check::default());
    loop {
        text.clear();
        number += 1;
        let wrong = |what: String| TrailFileError { line: number, what };
        let mut line = std::io::Read::take(&mut file, LINE_BYTES_MAX);
        let read = line.read_line(&mut text).map_err(|error| wrong(error.to_string()))?;
        if read == 0 {
            return check.finish().map_err(wrong);
        }
        if read as u64 == LINE_BYTES_MAX {
            return Err(wrong(format!("longer than {LINE_BYTES_MAX} bytes")));
        }
        let line = serde_json::from_str(&text).map_err(|error| wrong(format!("not a line of a trail: {error}")))?;
        check.take(line, trusted).map_err(wrong)?;
    }
}

/// A file being checked.
#[derive(Default)]
struct Check {
    chain: Option<(Chain, Option<String>)>,
    /// Hashes of the rows that checkpoints may name; a trail has one row a change, 32 bytes each.
    hashes: Vec<[u8; 32]>,
    report: Option<TrailReport>,
    organization: String,
    checkpoints: u64,
    logged_rows: u64,
}

impl Check {
    fn take(&mut self, line: Line, trusted: &TrustedKeys) -> Result<(), String> {
        if self.report.is_some() {
            return Err("something follows the end".to_owned());
        }
        match (line, &mut self.chain) {
            (Line::Head { format, organization, pseudonym, .. }, None) => {
                let id = OrganizationId::parse(&organization).filter(|_| format == FORMAT);
                let id = id.ok_or_else(|| format!("not the head of an {FORMAT} file"))?;
                self.organization = organization;
                self.chain = Some((Chain::new(id), pseudonym));
                Ok(())
            }
            (Line::Row(row), Some((chain, _))) => {
                let row = row.into_row().ok_or("a digest or the detail cannot be read")?;
                chain.push(&row).map_err(|error| error.to_string())?;
                self.hashes.push(row.hash);
                Ok(())
            }
            (Line::Checkpoint { seq, envelope, log }, Some((_, pseudonym))) => {
                let index = usize::try_from(seq).ok().and_then(|seq| seq.checked_sub(1));
                let row = index.and_then(|index| self.hashes.get(index));
                let row = row.ok_or_else(|| format!("the trail has no row {seq}"))?;
                let head = TrailHead { pseudonym: pseudonym.clone().unwrap_or_default(), seq, hash: hex::encode(row) };
                check_logged(&head, &envelope, &log, trusted)?;
                (self.checkpoints, self.logged_rows) = (self.checkpoints + 1, self.logged_rows.max(seq));
                Ok(())
            }
            (Line::End { rows, hash }, Some((chain, _))) => {
                let (seq, last) = chain.head();
                if (rows, hash.as_str()) != (seq, hex::encode(last).as_str()) {
                    return Err(format!("the file ends after row {seq}, the trail after row {rows}"));
                }
                let (organization, checkpoints, logged_rows) =
                    (self.organization.clone(), self.checkpoints, self.logged_rows);
                self.report = Some(TrailReport { organization, rows, hash, checkpoints, logged_rows });
                Ok(())
            }
            (Line::Head { .. }, Some(_)) => Err("a second head".to_owned()),
            (_, None) => Err("the head is missing".to_owned()),
        }
    }

    fn finish(self) -> Result<TrailReport, String> {
        self.report.ok_or_else(|| "the file is cut short: its end is missing".to_owned())
    }
}

/// That this very head was signed by a trusted key and is in the log.
fn check_logged(head: &TrailHead, envelope: &Value, log: &LogProof, trusted: &TrustedKeys) -> Result<(), String> {
    let text = |error: assize_attestation::Error| error.to_string();
    let bytes = serde_json::to_vec(envelope).map_err(|error| error.to_string())?;
    let envelope = Envelope::parse(&bytes).map_err(text)?;
    let signer = trusted.find(envelope.key_id().map_err(text)?).ok_or("signed with a key that is not trusted")?;
    let statement = envelope.verify(&signer.key).map_err(text)?;
    if statement.as_trail_head().map_err(text)? != *head {
        return Err(format!("the signed head is not row {} of this trail", head.seq));
    }
    if signer.final_log_size.is_some_and(|size| log.leaf_index >= size) {
        return Err("signed with a key that was retired before".to_owned());
    }
    let note = SignedCheckpoint::parse(&log.checkpoint).map_err(text)?;
    let verified = trusted.keys().iter().find_map(|TrustedKey { key, .. }| note.verify(key).ok());
    let checkpoint = verified.ok_or("the log's checkpoint is not signed with a trusted key")?;
    if checkpoint.size != log.tree_size || checkpoint.origin != log.origin {
        return Err("the proof is for another checkpoint".to_owned());
    }
    verify_inclusion(envelope.leaf_hash(), log.leaf_index, log.tree_size, &log.inclusion_proof, checkpoint.root)
        .map_err(text)
}
