//! The audit trail: who changed what in an organization, readable by its auditors, exportable with everything needed to
//! check it elsewhere, and bound to the transparency log.
//!
//! A row is appended by the operation that makes the change, in its transaction. From time to time ([`App::log_trails`])
//! the newest row of each trail is put into the log as a signed statement under a pseudonym
//! ([`assize_attestation::TrailHead`]): from then on no row before it can be changed, removed or put in without the
//! public log showing it. Checkpoints are themselves no change, so they write no row.
//!
//! What concerns the whole installation (keys, backups, retention) stands in the trail of the public organization.

use assize_attestation::certificate::LogProof;
use assize_attestation::log::Hash;
use assize_attestation::{Envelope, Statement, TrailHead};
use assize_store::OrganizationId;
use assize_store::audit_trail::{AuditFilter, AuditRow, PAGE_AUDIT_ROWS_MAX};
use assize_store::trail_checkpoints::{TrailCheckpoint, TrailHeadRecord};
use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use serde_json::json;

use super::App;
use super::caller::{Actor, Caller, Permission};
use super::error::AppError;
use super::trail_file::{self, Line};

/// Trails whose heads are logged between two looks at the database.
const PAGE_HEADS: u32 = 100;

impl App {
    /// Rows of the caller's organization, the newest first, before row `before`.
    ///
    /// # Errors
    /// `Unauthorized` without a key or session, `Forbidden` below the role auditor.
    pub async fn audit_trail(
        &self,
        caller: &Caller,
        filter: &AuditFilter,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<AuditRow>, AppError> {
        may_read(caller)?;
        Ok(self.store().audit_trail().find(&caller.organization, filter, before, limit).await?)
    }

    /// The whole trail of the caller's organization as it is now, as lines of JSON that
    /// [`super::verify_trail_file`] checks without this installation: the rows, then the heads that are in the log, each
    /// with its proof.
    ///
    /// # Errors
    /// As [`App::audit_trail`]. An error later ends the stream, and the file then lacks its last line.
    pub async fn export_audit_trail(
        &self,
        caller: &Caller,
    ) -> Result<BoxStream<'static, Result<Bytes, AppError>>, AppError> {
        may_read(caller)?;
        let organization = caller.organization.clone();
        let head = self.store().audit_trail().head(&organization).await?;
        let first = Line::Head {
            format: trail_file::FORMAT.to_owned(),
            organization: organization.to_string(),
            pseudonym: self.store().trail_checkpoints().pseudonym(&organization).await?,
            exported_at: self.clock().now(),
        };
        let export = Export {
            app: self.clone(),
            organization,
            rows: head.map_or(0, |(seq, _)| seq),
            hash: head.map_or([0; 32], |(_, hash)| hash),
            at: 0,
            stage: Stage::Rows,
        };
        let first = Ok(first.to_bytes());
        Ok(futures::stream::iter([first]).chain(futures::stream::try_unfold(export, Export::step)).boxed())
    }

    /// Puts the head of every trail that has grown into the log. Answers how many. Run it by schedule, and before a
    /// backup.
    ///
    /// # Errors
    /// `Unavailable` when the database does not answer; what was logged until then stays logged.
    pub async fn log_trails(&self) -> Result<u64, AppError> {
        let (mut logged, mut after) = (0, None);
        loop {
            let heads = self.store().trail_checkpoints().heads_to_log(after.as_ref(), PAGE_HEADS).await?;
            let Some(last) = heads.last() else { return Ok(logged) };
            after = Some(last.organization.clone());
            for head in heads {
                match self.log_trail(head).await {
                    Ok(()) => logged += 1,
                    // Another process was faster.
                    Err(AppError::Conflict(_)) => {}
                    Err(error) => return Err(error),
                }
            }
        }
    }

    async fn log_trail(&self, head: TrailHeadRecord) -> Result<(), AppError> {
        let mut random = [0; 16];
        self.0.random.fill(&mut random).map_err(AppError::internal)?;
        let mut unit = self.store().begin().await?;
        let (key, now) = self.0.signing.key(&mut unit, self.clock()).await?;
        let fresh = format!("trail_{}", hex::encode(random));
        let pseudonym = unit.trail_checkpoints().ensure_pseudonym(&head.organization, &fresh).await?;
        let statement = Statement::trail_head(&TrailHead { pseudonym, seq: head.seq, hash: hex::encode(head.hash) });
        let envelope = Envelope::sign(&statement, &key).map_err(AppError::internal)?;
        let logged = self.append(&mut unit, &key, &envelope, now).await?;
        let checkpoint = TrailCheckpoint { head, leaf_index: logged.leaf_index, created_at: now };
        unit.trail_checkpoints().insert(&checkpoint).await?;
        Ok(unit.commit().await?)
    }

    /// A logged head with the proof that it is in the log as it is now.
    pub(super) async fn proven_head(&self, checkpoint: &TrailCheckpoint) -> Result<(Envelope, LogProof), AppError> {
        let missing = || AppError::internal(format!("the log lacks its entry {}", checkpoint.leaf_index));
        let entry = self.store().log().entry(checkpoint.leaf_index).await?.ok_or_else(missing)?;
        let envelope = Envelope::parse(&entry.entry).map_err(AppError::internal)?;
        let newest = self.store().log().latest_checkpoint().await?.ok_or_else(missing)?;
        let proof = self.inclusion_proof(checkpoint.leaf_index, Some(newest.size)).await?;
        let hashes = proof.proof.iter().map(|hash| Hash::from_base64(hash)).collect::<Result<_, _>>();
        let log = LogProof {
            origin: self.0.signing.origin().to_owned(),
            leaf_index: proof.leaf_index,
            tree_size: proof.tree_size,
            inclusion_proof: hashes.map_err(AppError::internal)?,
            checkpoint: newest.note,
        };
        Ok((envelope, log))
    }
}

/// Auditors and above read the trail; whoever asks without a key is nobody's auditor.
fn may_read(caller: &Caller) -> Result<(), AppError> {
    if caller.actor == Actor::Anonymous {
        return Err(AppError::Unauthorized);
    }
    caller.require(Permission::Run)
}

/// An export under way: rows up to the head it began with, then checkpoints, then the end.
struct Export {
    app: App,
    organization: OrganizationId,
    rows: u64,
    hash: [u8; 32],
    /// The last row, or the last checkpoint, that was given out.
    at: u64,
    stage: Stage,
}

#[derive(Clone, Copy)]
enum Stage {
    Rows,
    Checkpoints,
    Done,
}

impl Export {
    async fn step(mut self) -> Result<Option<(Bytes, Self)>, AppError> {
        match self.stage {
            Stage::Rows => {
                let page =
                    self.app.store().audit_trail().list(&self.organization, self.at, PAGE_AUDIT_ROWS_MAX).await?;
                let page: Vec<AuditRow> = page.into_iter().filter(|row| row.seq <= self.rows).collect();
                match page.last() {
                    Some(last) => self.at = last.seq,
                    None => (self.at, self.stage) = (0, Stage::Checkpoints),
                }
                let lines: Vec<u8> = page.iter().flat_map(|row| Line::row(row).to_bytes()).collect();
                Ok(Some((lines.into(), self)))
            }
            Stage::Checkpoints => {
                let page = self.app.store().trail_checkpoints().list(&self.organization, self.at, PAGE_HEADS).await?;
                let mut lines = Vec::new();
                for checkpoint in page.iter().filter(|checkpoint| checkpoint.head.seq <= self.rows) {
                    let (envelope, log) = self.app.proven_head(checkpoint).await?;
                    let line = Line::Checkpoint { seq: checkpoint.head.seq, envelope: json!(envelope), log };
                    lines.extend_from_slice(&line.to_bytes());
                }
                match page.last() {
                    Some(last) => self.at = last.head.seq,
                    None => {
                        let end = Line::End { rows: self.rows, hash: hex::encode(self.hash) };
                        lines.extend_from_slice(&end.to_bytes());
                        self.stage = Stage::Done;
                    }
                }
                Ok(Some((lines.into(), self)))
            }
            Stage::Done => Ok(None),
        }
    }
}
