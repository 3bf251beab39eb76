//! Backup and restore: the whole installation in one file, taken while it serves, that can be put into an embedded or a
//! shared database alike.
//!
//! A backup logs the heads of the audit trails, freezes the stored files, reads the database in one transaction, then
//! copies the files as they lie (sealed), and thaws. Everything in the archive was committed at one moment. The signing
//! key and the master key are not in it unless asked for: without them nobody can sign as this installation or read its
//! texts and files, so keep them apart ([`archive`] says what stands where).
//!
//! A restore reads the archive twice: first every byte is held against its digest, then the rows go into an empty
//! database in one transaction, and the log must have the root it had. Whatever fails leaves nothing behind.

mod archive;
mod restore;

use std::io::Read;
use std::path::{Path, PathBuf};

use assize_attestation::SignedCheckpoint;
use assize_store::snapshot::Snapshot;
use assize_store::{Digest, OrganizationId};
use bytes::{Buf as _, Bytes};
use futures::StreamExt as _;
use futures::stream::BoxStream;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::json;
use tokio::runtime::Handle;

use super::audits::blocking;
use super::caller::Caller;
use super::error::AppError;
use super::{App, installation_wide};
use archive::{Header, LogHead, Manifest, Writer};

pub use restore::RestoreReport;

/// How long stored files stay in place for a backup that nobody ends.
const FREEZE: SignedDuration = SignedDuration::from_hours(24);
/// Bytes of rows after which a new member is begun.
const MEMBER_BYTES: usize = 4 << 20;
/// Files looked up at once.
const PAGE_FILES: u32 = 500;

/// A backup that was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BackupReport {
    /// The archive.
    pub path: PathBuf,
    /// Its length.
    pub bytes: u64,
    /// Lowercase hex SHA-256 of the archive.
    pub sha256: String,
    /// Rows of the database.
    pub rows: u64,
    /// Stored files.
    pub files: u64,
    /// Entries of the log.
    pub log_size: u64,
    /// Base64 of the log's root; `null` while the log is empty.
    pub log_root: Option<String>,
    /// Whether the keys are inside.
    pub keys_included: bool,
    /// Stored files that could not be read or are not what was stored; they are not in the archive.
    pub damaged_files: Vec<String>,
}

/// A stored file of the snapshot.
type StoredFile = (OrganizationId, Digest);

impl App {
    /// Writes a backup to `path`: a file that does not exist yet, or a folder, in which it gets a name of its own.
    ///
    /// # Errors
    /// `Forbidden` unless the caller commands the installation; `Unprocessable` when the file exists or cannot be
    /// written. A backup that fails leaves no file.
    pub async fn backup(&self, caller: &Caller, path: &Path, include_keys: bool) -> Result<BackupReport, AppError> {
        installation_wide(caller)?;
        self.log_trails().await?;
        let now = self.clock().now();
        let path = if path.is_dir() { path.join(file_name(now)) } else { path.to_path_buf() };
        let mut random = [0; 8];
        self.0.random.fill(&mut random).map_err(AppError::internal)?;
        let freeze = format!("backup_{}", hex::encode(random));
        let until = now.checked_add(FREEZE).map_err(AppError::internal)?;
        self.store().blobs().freeze(&freeze, until).await?;
        let taken = self.write_backup(path, include_keys, now).await;
        self.store().blobs().thaw(&freeze).await?;
        while self.store().blobs().discard_asked(self.clock().now()).await? > 0 {}
        let report = taken?;
        let detail = json!({ "bytes": report.bytes, "rows": report.rows, "files": report.files,
            "log_size": report.log_size, "keys_included": include_keys });
        let event = caller.event(self.clock().now(), "backup.create", &report.sha256, detail);
        let mut unit = self.store().begin().await?;
        unit.audit_writer().append(&caller.organization, &event).await?;
        unit.commit().await?;
        Ok(report)
    }

    async fn write_backup(&self, path: PathBuf, include_keys: bool, now: Timestamp) -> Result<BackupReport, AppError> {
        let (app, handle) = (self.clone(), Handle::current());
        blocking(move || {
            let taking = Taking { app: &app, handle: &handle };
            let writer = Writer::create(&path, now)?;
            taking.write(writer, include_keys, now)
        })
        .await?
    }
}

/// A backup being written, on a thread of its own.
struct Taking<'a> {
    app: &'a App,
    handle: &'a Handle,
}

impl Taking<'_> {
    fn write(&self, mut writer: Writer, include_keys: bool, now: Timestamp) -> Result<BackupReport, AppError> {
        let mut snapshot = self.handle.block_on(self.app.store().snapshot())?;
        let schema_version = self.handle.block_on(snapshot.schema_version())?;
        writer.json(archive::HEADER, &Header::new(schema_version, self.app.store().is_shared(), now))?;
        let rows = self.tables(&mut snapshot, &mut writer)?;
        let log = self.log_head(&mut snapshot)?;
        let files = self.stored_files(&mut snapshot)?;
        // The files are frozen; the database need not be held any longer.
        self.handle.block_on(snapshot.close())?;
        let damaged = self.files(&files, &mut writer)?;
        if include_keys {
            self.keys(&mut writer)?;
        }
        let manifest = Manifest {
            members: writer.members().to_vec(),
            rows,
            files: (files.len() - damaged.len()) as u64,
            damaged_files: damaged.clone(),
            log: log.clone(),
            keys_included: include_keys,
        };
        let (path, bytes, sha256) = writer.finish(&manifest)?;
        Ok(BackupReport {
            path,
            bytes,
            sha256,
            rows,
            files: manifest.files,
            log_size: log.as_ref().map_or(0, |log| log.size),
            log_root: log.map(|log| log.root),
            keys_included: include_keys,
            damaged_files: damaged,
        })
    }

    /// Every row of every table, in members of bounded size.
    fn tables(&self, snapshot: &mut Snapshot, writer: &mut Writer) -> Result<u64, AppError> {
        let mut rows = 0;
        for (place, (table, columns)) in snapshot.tables().into_iter().enumerate() {
            let head = archive::line(&json!(columns));
            let (mut member, mut part, mut after) = (head.clone(), 0, None::<Vec<serde_json::Value>>);
            loop {
                let page = self.handle.block_on(snapshot.rows(&table, after.as_deref()))?;
                for row in &page {
                    member.extend_from_slice(&archive::line(&json!(row)));
                }
                rows += page.len() as u64;
                let done = page.is_empty();
                after = page.into_iter().next_back();
                if done || member.len() >= MEMBER_BYTES {
                    writer.bytes(&archive::table_member(place, &table, part), &member)?;
                    (member, part) = (head.clone(), part + 1);
                }
                if done {
                    break;
                }
            }
        }
        Ok(rows)
    }

    fn log_head(&self, snapshot: &mut Snapshot) -> Result<Option<LogHead>, AppError> {
        let Some(newest) = self.handle.block_on(snapshot.log().latest_checkpoint())? else { return Ok(None) };
        let checkpoint = SignedCheckpoint::parse(&newest.note).map_err(AppError::internal)?.checkpoint;
        Ok(Some(LogHead { size: checkpoint.size, root: checkpoint.root.to_base64() }))
    }

    fn stored_files(&self, snapshot: &mut Snapshot) -> Result<Vec<StoredFile>, AppError> {
        let mut files: Vec<StoredFile> = Vec::new();
        loop {
            let after = files.last().map(|(organization, digest)| (organization, digest));
            let page = self.handle.block_on(snapshot.blobs(after, PAGE_FILES))?;
            if page.is_empty() {
                return Ok(files);
            }
            files.extend(page.into_iter().map(|(organization, blob)| (organization, blob.digest)));
        }
    }

    /// Copies files as they lie. Answers those that are not what was stored.
    fn files(&self, files: &[StoredFile], writer: &mut Writer) -> Result<Vec<String>, AppError> {
        let mut damaged = Vec::new();
        for (organization, digest) in files {
            let checked = self.handle.block_on(self.app.vault().check_file(organization, digest));
            match checked {
                // What was erased cannot be checked, but is copied like the rest.
                Ok(_) | Err(AppError::Erased { .. }) => {
                    let mut blobs = self.app.store().blobs();
                    let (bytes, parts) = self.handle.block_on(blobs.object(organization, digest))?;
                    let reader = Parts { handle: self.handle, parts, part: Bytes::new() };
                    writer.stream(&archive::file_member(organization, digest), bytes, reader)?;
                }
                Err(error @ (AppError::Unavailable { .. } | AppError::Unauthorized)) => return Err(error),
                Err(error) => {
                    tracing::error!("a stored file is left out of the backup: {error}");
                    damaged.push(format!("{organization}/{digest}"));
                }
            }
        }
        Ok(damaged)
    }

    fn keys(&self, writer: &mut Writer) -> Result<(), AppError> {
        let signing = self.app.0.signing.key_file().read()?;
        let signing = signing.ok_or_else(|| AppError::internal("the signing key file is gone"))?;
        writer.bytes(archive::SIGNING_KEY, signing.as_bytes())?;
        if let Some(master) = self.app.vault().master_text()? {
            writer.bytes(archive::MASTER_KEY, master.as_bytes())?;
        }
        Ok(())
    }
}

/// A stored file's parts, read like a file.
struct Parts<'a> {
    handle: &'a Handle,
    parts: BoxStream<'static, Result<Bytes, assize_store::Error>>,
    part: Bytes,
}

impl Read for Parts<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        while !self.part.has_remaining() {
            match self.handle.block_on(self.parts.next()) {
                Some(part) => self.part = part.map_err(std::io::Error::other)?,
                None => return Ok(0),
            }
        }
        let bytes = self.part.len().min(buffer.len());
        self.part.copy_to_slice(&mut buffer[..bytes]);
        Ok(bytes)
    }
}

/// A name that sorts by time.
fn file_name(now: Timestamp) -> String {
    format!("assize-backup-{}.tar", now.strftime("%Y%m%dT%H%M%SZ"))
}
