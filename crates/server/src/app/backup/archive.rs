//! The archive: a tar file, so that it can be looked into with any tool.
//!
//! | member | what |
//! |---|---|
//! | `assize-backup.json` | the form's name, the version of the schema, when and by which version it was made |
//! | `database/NN-TABLE/NNNNNN.ndjson` | the columns' names on the first line, then a row a line; bytes in hexadecimal |
//! | `objects/ORGANIZATION/SHA256` | a stored file as it lies, sealed |
//! | `keys/signing.pem`, `keys/master.key` | only with `--include-keys` |
//! | `manifest.json` | the length and SHA-256 of every member, the log's size and root; always last |
//!
//! Invariant: nothing of an archive is used before the whole of it was held against the manifest.

use std::fs::{File, OpenOptions};
use std::io::{BufReader, BufWriter, Read, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use assize_store::{Digest, OrganizationId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::super::error::AppError;

pub(super) const HEADER: &str = "assize-backup.json";
pub(super) const MANIFEST: &str = "manifest.json";
pub(super) const SIGNING_KEY: &str = "keys/signing.pem";
pub(super) const MASTER_KEY: &str = "keys/master.key";
/// Name of the form, with its version.
const FORMAT: &str = "assize-backup/1";
/// Bytes of a member that is read whole: rows come in parts of some megabytes, the manifest has a line a member.
pub(super) const MEMBER_BYTES_MAX: u64 = 512 << 20;

/// What the archive is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Header {
    format: String,
    pub(super) assize_version: String,
    pub(super) schema_version: u64,
    pub(super) created_at: Timestamp,
    pub(super) database: String,
}

/// What must be in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Manifest {
    pub(super) rows: u64,
    pub(super) files: u64,
    pub(super) damaged_files: Vec<String>,
    pub(super) log: Option<LogHead>,
    pub(super) keys_included: bool,
    pub(super) members: Vec<Member>,
}

/// Where the log ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LogHead {
    pub(super) size: u64,
    pub(super) root: String,
}

/// A member with its digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Member {
    pub(super) name: String,
    pub(super) bytes: u64,
    pub(super) sha256: String,
}

impl Header {
    pub(super) fn new(schema_version: u64, postgres: bool, created_at: Timestamp) -> Self {
        Self {
            format: FORMAT.to_owned(),
            assize_version: env!("CARGO_PKG_VERSION").to_owned(),
            schema_version,
            created_at,
            database: if postgres { "postgresql" } else { "sqlite" }.to_owned(),
        }
    }
}

pub(super) fn table_member(place: usize, table: &str, part: u32) -> String {
    format!("database/{place:02}-{table}/{part:06}.ndjson")
}

/// The table of a member of the database.
pub(super) fn table_of(member: &str) -> Option<&str> {
    let (folder, _) = member.strip_prefix("database/")?.split_once('/')?;
    Some(folder.split_once('-')?.1)
}

pub(super) fn file_member(organization: &OrganizationId, digest: &Digest) -> String {
    format!("objects/{organization}/{digest}")
}

/// Whose stored file a member is, and its name.
pub(super) fn file_of(member: &str) -> Option<(OrganizationId, Digest)> {
    let (organization, digest) = member.strip_prefix("objects/")?.split_once('/')?;
    Some((OrganizationId::parse(organization)?, Digest::parse(digest)?))
}

/// JSON with a line's end.
pub(super) fn line(value: &serde_json::Value) -> Vec<u8> {
    let mut bytes = value.to_string().into_bytes();
    bytes.push(b'\n');
    bytes
}

/// An archive being written beside its place, for its owner's eyes only; gone unless it is finished.
pub(super) struct Writer {
    tar: tar::Builder<Hashing<BufWriter<File>>>,
    partial: tempfile::TempPath,
    path: PathBuf,
    now: Timestamp,
    members: Vec<Member>,
}

impl Writer {
    pub(super) fn create(path: &Path, now: Timestamp) -> Result<Self, AppError> {
        let unwritable = |error: &dyn std::fmt::Display| {
            AppError::Unprocessable(format!("{} cannot be written: {error}", path.display()))
        };
        if path.exists() {
            return Err(unwritable(&"it exists already"));
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        // Made for the owner alone, and deleted when it is dropped.
        let file = tempfile::Builder::new().prefix(".assize-backup-").tempfile_in(folder);
        let (file, partial) = file.map_err(|error| unwritable(&error))?.into_parts();
        let tar = tar::Builder::new(Hashing { inner: BufWriter::new(file), hasher: Sha256::new(), bytes: 0 });
        Ok(Self { tar, partial, path: path.to_path_buf(), now, members: Vec::new() })
    }

    pub(super) fn members(&self) -> &[Member] {
        &self.members
    }

    pub(super) fn json(&mut self, name: &str, value: &impl Serialize) -> Result<(), AppError> {
        let mut bytes = serde_json::to_vec_pretty(value).map_err(AppError::internal)?;
        bytes.push(b'\n');
        self.bytes(name, &bytes)
    }

    pub(super) fn bytes(&mut self, name: &str, bytes: &[u8]) -> Result<(), AppError> {
        self.stream(name, bytes.len() as u64, bytes)
    }

    pub(super) fn stream(&mut self, name: &str, bytes: u64, reader: impl Read) -> Result<(), AppError> {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes);
        header.set_mode(0o600);
        header.set_mtime(u64::try_from(self.now.as_second()).unwrap_or(0));
        header.set_cksum();
        let mut reader = Hashing { inner: reader, hasher: Sha256::new(), bytes: 0 };
        let written = self.tar.append_data(&mut header, name, &mut reader);
        written.map_err(|error| AppError::internal(format!("the backup cannot be written: {error}")))?;
        if reader.bytes != bytes {
            return Err(AppError::internal(format!("{name} has {} bytes, not {bytes}", reader.bytes)));
        }
        let sha256 = hex::encode(reader.hasher.finalize());
        self.members.push(Member { name: name.to_owned(), bytes, sha256 });
        Ok(())
    }

    /// Writes the manifest and puts the archive in its place. Answers its path, length and digest.
    pub(super) fn finish(mut self, manifest: &Manifest) -> Result<(PathBuf, u64, String), AppError> {
        self.json(MANIFEST, manifest)?;
        let unwritable = |error: std::io::Error| AppError::internal(format!("the backup cannot be written: {error}"));
        let hashing = self.tar.into_inner().map_err(unwritable)?;
        let (bytes, sha256) = (hashing.bytes, hex::encode(hashing.hasher.finalize()));
        let file = hashing.inner.into_inner().map_err(|error| unwritable(error.into_error()))?;
        file.sync_all().map_err(unwritable)?;
        self.partial.persist_noclobber(&self.path).map_err(|error| unwritable(error.error))?;
        Ok((self.path, bytes, sha256))
    }
}

/// What goes through is hashed and counted.
struct Hashing<T> {
    inner: T,
    hasher: Sha256,
    bytes: u64,
}

impl<T: std::io::Write> std::io::Write for Hashing<T> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.inner.flush()
    }
}

impl<T: Read> Read for Hashing<T> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.hasher.update(&buffer[..read]);
        self.bytes += read as u64;
        Ok(read)
    }
}

/// An archive whose every byte was checked.
pub(super) struct Checked {
    path: PathBuf,
    pub(super) header: Header,
    pub(super) manifest: Manifest,
}

/// Holds every member against the manifest.
///
/// # Errors
/// `Unprocessable` naming the member that is damaged, missing or too many.
pub(super) fn check(path: &Path) -> Result<Checked, AppError> {
    let (mut seen, mut header, mut manifest) = (Vec::<Member>::new(), None::<Header>, None::<Manifest>);
    for_each_member(path, |name, reader| {
        if manifest.is_some() {
            return Err(damaged(path, &format!("{name} follows the manifest")));
        }
        let mut reader = Hashing { inner: reader, hasher: Sha256::new(), bytes: 0 };
        let unreadable = |error: std::io::Error| damaged(path, &format!("{name} cannot be read: {error}"));
        match name {
            HEADER | MANIFEST => {
                let mut bytes = Vec::new();
                (&mut reader).take(MEMBER_BYTES_MAX).read_to_end(&mut bytes).map_err(unreadable)?;
                let malformed = |error: serde_json::Error| damaged(path, &format!("{name} is malformed: {error}"));
                if name == HEADER {
                    header = Some(serde_json::from_slice(&bytes).map_err(malformed)?);
                } else {
                    manifest = Some(serde_json::from_slice(&bytes).map_err(malformed)?);
                    return Ok(());
                }
            }
            _ => drop(std::io::copy(&mut reader, &mut std::io::sink()).map_err(unreadable)?),
        }
        let sha256 = hex::encode(reader.hasher.finalize());
        seen.push(Member { name: name.to_owned(), bytes: reader.bytes, sha256 });
        Ok(())
    })?;
    let header = header.filter(|header| header.format == FORMAT).ok_or_else(|| {
        AppError::Unprocessable(format!("{} is not a backup that this version reads", path.display()))
    })?;
    let manifest = manifest.ok_or_else(|| damaged(path, "it is cut short: the manifest at its end is missing"))?;
    for (found, expected) in seen.iter().zip(&manifest.members) {
        if found.name != expected.name {
            return Err(damaged(path, &format!("{} is missing: {} stands there", expected.name, found.name)));
        }
        if found != expected {
            return Err(damaged(path, &format!("{} has another content than when it was written", found.name)));
        }
    }
    if let Some(missing) = manifest.members.get(seen.len()) {
        return Err(damaged(path, &format!("{} is missing", missing.name)));
    }
    match seen.get(manifest.members.len()) {
        Some(more) => Err(damaged(path, &format!("{} was added", more.name))),
        None => Ok(Checked { path: path.to_path_buf(), header, manifest }),
    }
}

impl Checked {
    /// Reads the members again, in order.
    pub(super) fn for_each(
        &self,
        take: impl FnMut(&str, &mut dyn Read) -> Result<(), AppError>,
    ) -> Result<(), AppError> {
        for_each_member(&self.path, take)
    }
}

fn for_each_member(
    path: &Path,
    mut take: impl FnMut(&str, &mut dyn Read) -> Result<(), AppError>,
) -> Result<(), AppError> {
    let file = File::open(path)
        .map_err(|error| AppError::Unprocessable(format!("{} cannot be read: {error}", path.display())))?;
    let mut archive = tar::Archive::new(BufReader::new(file));
    let broken = |error: std::io::Error| damaged(path, &format!("it is no whole tar file: {error}"));
    for entry in archive.entries().map_err(broken)? {
        let mut entry = entry.map_err(broken)?;
        let name = entry.path().map_err(broken)?.to_str().map(str::to_owned);
        let name = name.ok_or_else(|| damaged(path, "a member's name is not text"))?;
        take(&name, &mut entry)?;
    }
    Ok(())
}

pub(super) fn damaged(path: &Path, how: &str) -> AppError {
    AppError::Unprocessable(format!("the backup {} is damaged: {how}", path.display()))
}

/// Writes a private file that must not exist, of a key in the archive.
pub(super) fn write_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}
