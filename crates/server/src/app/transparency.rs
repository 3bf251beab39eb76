//! The transparency log: entries are appended under its lock, each append signs a new checkpoint, and anyone may ask
//! for entries and proofs.

use std::collections::BTreeMap;
use std::path::PathBuf;

use assize_attestation::certificate::LogProof;
use assize_attestation::log::check::LogCheck;
use assize_attestation::log::{self, Hash, NodeId};
use assize_attestation::{Checkpoint, Envelope, SigningKey, Statement, TrustedKeys};
use assize_store::Unit;
use assize_store::log::{Log, LogCheckpoint, LogEntry};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::json;

use super::caller::Caller;
use super::error::AppError;
use super::{App, installation_wide};

/// Log entries in one answer.
const ENTRIES_MAX: u32 = 1_000;

/// That an entry is in the log at a size.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InclusionProof {
    /// Index of the entry.
    pub leaf_index: u64,
    /// Size of the log that the proof leads to.
    pub tree_size: u64,
    /// Base64 of the entry's hash.
    pub leaf_hash: String,
    /// Base64 of the root at that size.
    pub root_hash: String,
    /// Base64 of the sibling hashes, lowest first (RFC 9162 section 2.1.3).
    pub proof: Vec<String>,
}

/// That the log at one size continues the log at a smaller one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConsistencyProof {
    /// The smaller size.
    pub from: u64,
    /// The larger size.
    pub to: u64,
    /// Base64 of the root at the smaller size.
    pub from_root_hash: String,
    /// Base64 of the root at the larger size.
    pub to_root_hash: String,
    /// Base64 of the hashes (RFC 9162 section 2.1.4).
    pub proof: Vec<String>,
}

/// An entry as the public reads it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LogEntryView {
    /// Its place, from 0.
    pub leaf_index: u64,
    /// Base64 of its hash.
    pub leaf_hash: String,
    /// The signed envelope that was logged.
    pub entry: serde_json::Value,
}

impl App {
    /// The newest signed checkpoint, a C2SP signed note; `None` while the log is empty.
    ///
    /// # Errors
    /// `Unavailable` when the database does not answer.
    pub async fn checkpoint(&self) -> Result<Option<String>, AppError> {
        Ok(self.store().log().latest_checkpoint().await?.map(|checkpoint| checkpoint.note))
    }

    /// Entries and size of the log.
    ///
    /// # Errors
    /// `Unavailable` when the database does not answer.
    pub async fn log_size(&self) -> Result<u64, AppError> {
        Ok(self.store().log().size().await?)
    }

    /// Proves that the entry at `index` is in the log of `size` entries; the present size when none is given.
    ///
    /// # Errors
    /// `Unprocessable` when the log has no such entry or size.
    pub async fn inclusion_proof(&self, index: u64, size: Option<u64>) -> Result<InclusionProof, AppError> {
        let size = self.known_size(size).await?;
        let mut wanted = log::nodes_needed_for_inclusion(index, size).map_err(|error| outside(&error))?;
        wanted.extend(log::nodes_needed_for_root(size));
        wanted.push(NodeId { level: 0, index });
        let nodes = read_nodes(&mut self.store().log(), &wanted).await?;
        let read = |id: NodeId| nodes.get(&id).copied();
        let proof = log::inclusion_proof(index, size, read).map_err(AppError::internal)?;
        let leaf =
            read(NodeId { level: 0, index }).ok_or_else(|| AppError::internal("a leaf of the log is missing"))?;
        Ok(InclusionProof {
            leaf_index: index,
            tree_size: size,
            leaf_hash: leaf.to_base64(),
            root_hash: log::root(size, read).map_err(AppError::internal)?.to_base64(),
            proof: proof.into_iter().map(Hash::to_base64).collect(),
        })
    }

    /// Proves that the log of `to` entries continues the log of `from` entries.
    ///
    /// # Errors
    /// `Unprocessable` when `from` is larger than `to` or the log never had that size.
    pub async fn consistency_proof(&self, from: u64, to: Option<u64>) -> Result<ConsistencyProof, AppError> {
        let to = self.known_size(to).await?;
        let mut wanted = log::nodes_needed_for_consistency(from, to).map_err(|error| outside(&error))?;
        wanted.extend(log::nodes_needed_for_root(from));
        wanted.extend(log::nodes_needed_for_root(to));
        let nodes = read_nodes(&mut self.store().log(), &wanted).await?;
        let read = |id: NodeId| nodes.get(&id).copied();
        let proof = log::consistency_proof(from, to, read).map_err(AppError::internal)?;
        Ok(ConsistencyProof {
            from,
            to,
            from_root_hash: log::root(from, read).map_err(AppError::internal)?.to_base64(),
            to_root_hash: log::root(to, read).map_err(AppError::internal)?.to_base64(),
            proof: proof.into_iter().map(Hash::to_base64).collect(),
        })
    }

    /// Entries from `start`, in order, at most `count` and [`ENTRIES_MAX`].
    ///
    /// # Errors
    /// `Unavailable` when the database does not answer.
    pub async fn log_entries(&self, start: u64, count: u32) -> Result<Vec<LogEntryView>, AppError> {
        let entries = self.store().log().entries(start, count.min(ENTRIES_MAX)).await?;
        entries
            .into_iter()
            .map(|entry| {
                Ok(LogEntryView {
                    leaf_index: entry.index,
                    leaf_hash: Hash::from_bytes(entry.leaf_hash).to_base64(),
                    entry: serde_json::from_slice(&entry.entry).map_err(AppError::internal)?,
                })
            })
            .collect()
    }

    /// The keys that a verifier of this installation's certificates trusts, oldest first.
    ///
    /// # Errors
    /// `Unavailable` when the database does not answer.
    pub async fn public_keys(&self) -> Result<TrustedKeys, AppError> {
        self.0.signing.trusted(self.store()).await
    }

    /// Recomputes the whole log from its entries and holds it against its newest checkpoint. Answers its size.
    ///
    /// # Errors
    /// `Internal` naming the first entry that is not what was logged.
    pub async fn check_log(&self) -> Result<u64, AppError> {
        let Some(newest) = self.store().log().latest_checkpoint().await? else { return Ok(0) };
        let head = assize_attestation::SignedCheckpoint::parse(&newest.note).map_err(AppError::internal)?.checkpoint;
        let mut check = LogCheck::default();
        while check.size() < head.size {
            let entries = self.store().log().entries(check.size(), ENTRIES_MAX).await?;
            if entries.is_empty() {
                break;
            }
            for entry in entries {
                let stored = Some(Hash::from_bytes(entry.leaf_hash));
                check.push(entry.index, &entry.entry, stored).map_err(AppError::internal)?;
            }
        }
        check.agrees_with(&head).map_err(AppError::internal)?;
        Ok(head.size)
    }

    /// Makes the next signing key beside the one in force, without using it, and answers its id and its file: to be
    /// brought to every machine before [`App::rotate_signing_key`] puts it in force.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn prepare_signing_key(&self) -> Result<(String, PathBuf), AppError> {
        let next = self.0.signing.prepare_rotation(self.0.random.as_ref())?;
        let (_, path) = self.0.signing.prepared()?;
        Ok((next.public_key().key_id(), path))
    }

    /// Retires the signing key and puts the next in force: the one that was `prepared`, or a new one. The rotation is
    /// logged, signed by the retiring key; certificates issued before still verify.
    ///
    /// # Errors
    /// `Forbidden` unless the caller commands the installation. When the key file cannot be written or the database does
    /// not answer, the old key stays in force.
    pub async fn rotate_signing_key(&self, caller: &Caller, prepared: bool) -> Result<TrustedKeys, AppError> {
        installation_wide(caller)?;
        let signing = &self.0.signing;
        let next = if prepared {
            let (next, path) = signing.prepared()?;
            let missing = || format!("there is no prepared key {}: run `assize signing-key prepare`", path.display());
            next.ok_or_else(|| AppError::Unprocessable(missing()))?
        } else {
            signing.prepare_rotation(self.0.random.as_ref())?
        };
        let mut unit = self.store().begin().await?;
        let (retiring, signed_until) = signing.key(&mut unit, self.clock()).await?;
        unit.log_writer().lock().await?;
        let newest = unit.log().latest_checkpoint().await?.map(|checkpoint| checkpoint.created_at);
        // Documents say whole seconds: what the retiring key signed in this one must still count, and so must what it
        // signed before the clock was set back.
        let signed_until = newest.map_or(signed_until, |newest| signed_until.max(newest));
        let now = signed_until.checked_add(SignedDuration::from_secs(1)).map_err(AppError::internal)?;
        let statement = Statement::rotation(&retiring.public_key(), &next.public_key(), now);
        let envelope = Envelope::sign(&statement, &retiring).map_err(AppError::internal)?;
        let logged = self.append(&mut unit, &retiring, &envelope, now).await?;
        let retired_id = retiring.public_key().key_id();
        unit.signing_keys().retire(&retired_id, now, logged.tree_size).await?;
        unit.signing_keys().put(&next.public_key().key_id(), &next.public_key().to_pem(), now).await?;
        let detail = json!({ "retired": retired_id, "leaf_index": logged.leaf_index });
        let event = caller.event(now, "signing_key.rotate", &next.public_key().key_id(), detail);
        unit.audit_writer().append(&caller.organization, &event).await?;
        unit.commit().await?;
        signing.finish_rotation(next);
        tracing::info!(key.id = retired_id, "the signing key was rotated");
        self.public_keys().await
    }

    /// Appends an envelope inside `unit`, signs the checkpoint of the new size, and answers the proof.
    pub(super) async fn append(
        &self,
        unit: &mut Unit,
        key: &SigningKey,
        envelope: &Envelope,
        now: Timestamp,
    ) -> Result<LogProof, AppError> {
        let size = unit.log_writer().lock().await?;
        let wanted = log::nodes_needed_for_append(size);
        let mut nodes = read_nodes(&mut unit.log(), &wanted).await?;
        let leaf = envelope.leaf_hash();
        let append = log::append(leaf, size, |id| nodes.get(&id).copied()).map_err(AppError::internal)?;
        nodes.extend(append.nodes.iter().copied());
        let proof = log::inclusion_proof(append.leaf_index, append.size, |id| nodes.get(&id).copied())
            .map_err(AppError::internal)?;
        let entry =
            LogEntry { index: size, leaf_hash: *leaf.as_bytes(), entry: envelope.leaf_bytes(), created_at: now };
        let new_nodes: Vec<_> =
            append.nodes.iter().map(|(id, hash)| ((id.level, id.index), *hash.as_bytes())).collect();
        unit.log_writer().append(&entry, &new_nodes).await?;
        let origin = self.0.signing.origin().to_owned();
        let checkpoint =
            Checkpoint { origin: origin.clone(), size: append.size, root: append.root, extensions: Vec::new() };
        let note = checkpoint.sign(key).map_err(AppError::internal)?;
        let stored = LogCheckpoint { size: append.size, note: note.clone(), created_at: now };
        unit.log_writer().put_checkpoint(&stored).await?;
        Ok(LogProof {
            origin,
            leaf_index: append.leaf_index,
            tree_size: append.size,
            inclusion_proof: proof,
            checkpoint: note,
        })
    }

    async fn known_size(&self, asked: Option<u64>) -> Result<u64, AppError> {
        let size = self.log_size().await?;
        match asked {
            Some(asked) if asked > size => {
                Err(AppError::Unprocessable(format!("the log has {size} entries, not {asked}")))
            }
            Some(asked) => Ok(asked),
            None => Ok(size),
        }
    }
}

async fn read_nodes(log: &mut Log<'_>, wanted: &[NodeId]) -> Result<BTreeMap<NodeId, Hash>, AppError> {
    let ids: Vec<_> = wanted.iter().map(|id| (id.level, id.index)).collect();
    let found = log.nodes(&ids).await?;
    Ok(found.into_iter().map(|((level, index), hash)| (NodeId { level, index }, Hash::from_bytes(hash))).collect())
}

fn outside(error: &assize_attestation::Error) -> AppError {
    AppError::Unprocessable(error.to_string())
}
