//! Files that hold a key: read with a bound, written once for the owner's eyes only, replaced in one step.
//!
//! Invariant: a key file is on the disk, and its folder knows it, before anybody trusts the key.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::error::AppError;

/// Bytes of a key file: a PKCS #8 PEM of Ed25519 has under 200.
const KEY_FILE_BYTES_MAX: u64 = 4096;

/// A file with one key in it.
#[derive(Debug, Clone)]
pub(super) struct PrivateFile {
    /// Which key, for messages: `signing key`.
    what: &'static str,
    path: PathBuf,
}

impl PrivateFile {
    /// The file of `what` at `path`, which need not be there yet.
    pub(super) fn new(what: &'static str, path: PathBuf) -> Self {
        Self { what, path }
    }

    /// Where it lies.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The file in which the next key waits for its turn.
    pub(super) fn next(&self) -> Self {
        let mut name = self.path.clone().into_os_string();
        name.push(".next");
        Self { what: self.what, path: PathBuf::from(name) }
    }

    /// The text in the file; `None` when there is no file.
    pub(super) fn read(&self) -> Result<Option<String>, AppError> {
        let size = match self.path.metadata() {
            Ok(metadata) => metadata.len(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.unusable(&error)),
        };
        if size > KEY_FILE_BYTES_MAX {
            return Err(self.unusable(&"it is too large to be a key"));
        }
        std::fs::read_to_string(&self.path).map(Some).map_err(|error| self.unusable(&error))
    }

    /// Writes the file, which must not exist, for the owner's eyes only.
    pub(super) fn create(&self, text: &str) -> Result<(), AppError> {
        let write = || -> anyhow::Result<()> {
            if let Some(folder) = self.path.parent() {
                std::fs::create_dir_all(folder)?;
            }
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&self.path)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            Ok(())
        };
        write()
            .with_context(|| format!("the {} cannot be written to {}", self.what, self.path.display()))
            .map_err(AppError::Internal)?;
        self.sync_folder()
    }

    /// Deletes the file if it is there.
    pub(super) fn remove(&self) -> Result<(), AppError> {
        match std::fs::remove_file(&self.path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(self.unusable(&error)),
            _ => Ok(()),
        }
    }

    /// Puts [`PrivateFile::next`] in the place of this file.
    pub(super) fn replace_by_next(&self) -> Result<(), AppError> {
        std::fs::rename(&self.next().path, &self.path).map_err(|error| self.unusable(&error))?;
        self.sync_folder()
    }

    /// That the file cannot be used, and why.
    pub(super) fn unusable(&self, error: &dyn std::fmt::Display) -> AppError {
        AppError::Internal(anyhow::anyhow!("the {} file {} cannot be used: {error}", self.what, self.path.display()))
    }

    fn sync_folder(&self) -> Result<(), AppError> {
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(|error| self.unusable(&error))
    }
}
