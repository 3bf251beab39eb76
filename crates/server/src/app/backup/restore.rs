//! The way back: an archive into an empty home or database.
//!
//! An embedded installation is built in a folder beside its place and moved there when it is whole. A shared database is
//! filled in one transaction; stored files are put in place before it is committed, so that no row lacks its file.

use std::io::Read;
use std::path::{Path, PathBuf};

use assize_attestation::SignedCheckpoint;
use assize_attestation::log::Hash;
use assize_attestation::log::check::LogCheck;
use assize_store::StoreSettings;
use assize_store::snapshot::Restore;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use tokio::runtime::Handle;

use super::super::audits::blocking;
use super::super::error::AppError;
use super::super::{App, prepare_home, store_settings};
use super::archive::{self, Checked, damaged};
use crate::clock::Clock;
use crate::config::Config;

/// Entries of the log read at once.
const PAGE_ENTRIES: u32 = 1_000;

/// An installation that was restored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RestoreReport {
    /// When the backup was taken.
    pub taken_at: Timestamp,
    /// Rows of the database.
    pub rows: u64,
    /// Stored files.
    pub files: u64,
    /// Stored files that the backup already lacked.
    pub damaged_files: Vec<String>,
    /// Entries of the log.
    pub log_size: u64,
    /// Base64 of the log's root, the same as when the backup was taken.
    pub log_root: Option<String>,
    /// Whether the keys came with it; if not, the key files must be put in place before the first start.
    pub keys_included: bool,
}

impl App {
    /// Puts a backup into the empty home or database that the configuration names.
    ///
    /// # Errors
    /// `Unprocessable` when the archive is damaged, naming the member, or of a later version; `Conflict` when the home
    /// or the database is not empty. Then nothing was changed.
    pub async fn restore(config: &Config, clock: &dyn Clock, archive: &Path) -> Result<RestoreReport, AppError> {
        let path = archive.to_path_buf();
        let checked = blocking(move || archive::check(&path)).await??;
        let embedded = config.storage.database_url.is_none();
        let home = config.storage.home.clone();
        if embedded && !is_empty(&home) {
            return Err(AppError::Conflict(format!(
                "the home {} is not empty: name another with --home, or move it away",
                home.display()
            )));
        }
        let built = if embedded { beside(&home) } else { home.clone() };
        let mut config = config.clone();
        config.storage.home = built.clone();
        if embedded && built.exists() {
            // Left by a restore that was killed.
            std::fs::remove_dir_all(&built).map_err(|error| unwritable(&built, &error))?;
        }
        prepare_home(&built).map_err(AppError::Internal)?;
        let settings = store_settings(&config, false)?;
        let filled = fill(checked, settings, built.clone(), clock.now()).await;
        let report = match filled {
            Ok(report) => report,
            Err(error) => {
                if embedded {
                    let _ = std::fs::remove_dir_all(&built);
                }
                return Err(error);
            }
        };
        if embedded {
            if home.exists() {
                std::fs::remove_dir(&home).map_err(|error| unwritable(&home, &error))?;
            }
            std::fs::rename(&built, &home).map_err(|error| unwritable(&home, &error))?;
        }
        Ok(report)
    }
}

fn unwritable(path: &Path, error: &std::io::Error) -> AppError {
    AppError::Unprocessable(format!("{} cannot be written: {error}", path.display()))
}

/// The folder in which an embedded installation is built.
fn beside(home: &Path) -> PathBuf {
    let mut name = home.as_os_str().to_owned();
    name.push(".restoring");
    PathBuf::from(name)
}

fn is_empty(home: &Path) -> bool {
    match std::fs::read_dir(home) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) => error.kind() == std::io::ErrorKind::NotFound,
    }
}

/// Fills database, stored files and keys; the database last.
async fn fill(
    checked: Checked,
    settings: StoreSettings,
    home: PathBuf,
    now: Timestamp,
) -> Result<RestoreReport, AppError> {
    let version = checked.header.schema_version;
    let restore = Restore::begin(&settings, version, now).await.map_err(|error| match error {
        assize_store::Error::SchemaTooNew { found, known } => AppError::Unprocessable(format!(
            "the backup has schema version {found}, this program knows up to {known}: restore with the newer program"
        )),
        error => error.into(),
    })?;
    let handle = Handle::current();
    let filling = blocking(move || {
        let mut filling = Filling { restore, handle: &handle, home: &home, keys: Vec::new() };
        checked.for_each(|name, reader| filling.take(name, reader))?;
        filling.write_keys()?;
        Ok::<_, AppError>((filling.restore, checked))
    });
    let (mut restore, checked) = filling.await??;
    let found = log_root(&mut restore).await?;
    let expected = checked.manifest.log.as_ref().map(|log| (log.size, log.root.clone()));
    if found != expected {
        return Err(AppError::internal(format!("the log was {expected:?} and is {found:?} after the restore")));
    }
    restore.finish(now).await?.close().await;
    let manifest = checked.manifest;
    Ok(RestoreReport {
        taken_at: checked.header.created_at,
        rows: manifest.rows,
        files: manifest.files,
        damaged_files: manifest.damaged_files,
        log_size: manifest.log.as_ref().map_or(0, |log| log.size),
        log_root: manifest.log.map(|log| log.root),
        keys_included: manifest.keys_included,
    })
}

/// Size and root of the log, computed anew from its entries.
async fn log_root(restore: &mut Restore) -> Result<Option<(u64, String)>, AppError> {
    let Some(newest) = restore.log().latest_checkpoint().await? else { return Ok(None) };
    let head = SignedCheckpoint::parse(&newest.note).map_err(AppError::internal)?.checkpoint;
    let mut check = LogCheck::default();
    loop {
        let entries = restore.log().entries(check.size(), PAGE_ENTRIES).await?;
        if entries.is_empty() {
            break;
        }
        for entry in entries {
            let stored = Some(Hash::from_bytes(entry.leaf_hash));
            check.push(entry.index, &entry.entry, stored).map_err(AppError::internal)?;
        }
    }
    check.agrees_with(&head).map_err(AppError::internal)?;
    Ok(Some((check.size(), check.root().to_base64())))
}

/// An installation being filled, on a thread of its own.
struct Filling<'a> {
    restore: Restore,
    handle: &'a Handle,
    home: &'a Path,
    keys: Vec<(PathBuf, Vec<u8>)>,
}

impl Filling<'_> {
    fn take(&mut self, name: &str, reader: &mut dyn Read) -> Result<(), AppError> {
        if let Some(table) = archive::table_of(name) {
            return self.rows(name, table, reader);
        }
        if let Some((organization, digest)) = archive::file_of(name) {
            // One part at a time through memory: the store reads asynchronously, the archive does not.
            let (sender, receiver) = tokio::sync::mpsc::channel::<std::io::Result<bytes::Bytes>>(4);
            let parts = futures::stream::unfold(receiver, |mut receiver| async move {
                receiver.recv().await.map(|part| (part, receiver))
            });
            let content = tokio_util::io::StreamReader::new(Box::pin(parts));
            let restore = &self.restore;
            return std::thread::scope(|scope| {
                let handle = self.handle;
                let putting = scope.spawn(move || handle.block_on(restore.put_object(&organization, &digest, content)));
                send_parts(reader, &sender);
                drop(sender);
                let put = putting.join().map_err(|_| AppError::internal("storing a file panicked"))?;
                Ok(put?)
            });
        }
        if name == archive::SIGNING_KEY || name == archive::MASTER_KEY {
            let bytes = whole(name, reader)?;
            self.keys.push((self.home.join(name), bytes));
        }
        Ok(())
    }

    fn rows(&mut self, name: &str, table: &str, reader: &mut dyn Read) -> Result<(), AppError> {
        let malformed = |error: &dyn std::fmt::Display| damaged(Path::new(name), &error.to_string());
        let bytes = whole(name, reader)?;
        let mut lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let head = lines.next().ok_or_else(|| malformed(&"it is empty"))?;
        let columns: Vec<String> = serde_json::from_slice(head).map_err(|error| malformed(&error))?;
        let rows = lines.map(serde_json::from_slice::<Vec<Value>>).collect::<Result<Vec<_>, _>>();
        let rows = rows.map_err(|error| malformed(&error))?;
        Ok(self.handle.block_on(self.restore.load(table, &columns, &rows))?)
    }

    fn write_keys(&self) -> Result<(), AppError> {
        for (path, bytes) in &self.keys {
            archive::write_private(path, bytes).map_err(|error| unwritable(path, &error))?;
        }
        Ok(())
    }
}

fn send_parts(reader: &mut dyn Read, sender: &tokio::sync::mpsc::Sender<std::io::Result<bytes::Bytes>>) {
    loop {
        let mut part = vec![0; 1 << 18];
        let sent = match reader.read(&mut part) {
            Ok(0) => return,
            Ok(bytes) => {
                part.truncate(bytes);
                sender.blocking_send(Ok(part.into()))
            }
            Err(error) => sender.blocking_send(Err(error)),
        };
        if sent.is_err() {
            return;
        }
    }
}

fn whole(name: &str, reader: &mut dyn Read) -> Result<Vec<u8>, AppError> {
    let mut bytes = Vec::new();
    let read = reader.take(archive::MEMBER_BYTES_MAX).read_to_end(&mut bytes);
    read.map_err(|error| damaged(Path::new(name), &error.to_string()))?;
    if bytes.len() as u64 == archive::MEMBER_BYTES_MAX {
        return Err(damaged(Path::new(name), "it is too large"));
    }
    Ok(bytes)
}
