//! Uploaded files at rest: sealed on their way into the object store, opened into the spool when they are read.
//!
//! A blob keeps the digest and length of its content as its name, so that evidence names what was read; what lies in the
//! object store is the sealed form. Files stored before there was a vault lie open and are read as they are. The copy
//! in the spool is for its owner's eyes only and goes when it is dropped; what a killed process left there goes at the
//! next start.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use assize_store::blobs::{Blob, Content};
use assize_store::{Digest, OrganizationId};
use bytes::{Bytes, BytesMut};
use futures::StreamExt as _;
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio_util::io::StreamReader;

use super::super::App;
use super::super::error::AppError;
use super::Vault;
use super::stream::{self, CHUNK_BYTES, HEADER_BYTES, Opener, SEALED_CHUNK_BYTES, Sealer};

/// A stored file, readable: the object itself, or an opened copy that goes when this is dropped.
pub(crate) struct Fetched {
    pub(crate) path: PathBuf,
    _copy: Option<tempfile::TempPath>,
}

impl App {
    /// Keeps a file sealed. Content that the organization has already is not written again.
    pub(in super::super) async fn keep_file(
        &self,
        organization: &OrganizationId,
        path: &Path,
        purpose: &str,
    ) -> Result<Blob, AppError> {
        let (digest, bytes) = assize_store::digest_file(path).await?;
        let sealed = self.vault().seal_file(organization, &digest, path).await?;
        let content = Content { digest, bytes, purpose: purpose.to_owned() };
        Ok(self.store().blobs().put_sealed(organization, &content, sealed, self.clock().now()).await?)
    }

    /// A stored file to be read in place or from the spool; `None` if there is none of this name.
    pub(crate) async fn fetch_file(
        &self,
        organization: &OrganizationId,
        digest: &Digest,
    ) -> Result<Option<Fetched>, AppError> {
        let Some(blob) = self.store().blobs().find(organization, digest).await? else { return Ok(None) };
        if !blob.sealed
            && let Some(path) = self.store().blobs().local_path(organization, digest).await?
        {
            return Ok(Some(Fetched { path, _copy: None }));
        }
        let unwritable = |error: io::Error| AppError::internal(format!("the spool cannot be written: {error}"));
        let copy = tempfile::Builder::new().prefix("job-").tempfile_in(self.spool()).map_err(unwritable)?;
        let (file, path) = copy.into_parts();
        let mut file = tokio::fs::File::from_std(file);
        let found = self.vault().open_file(organization, digest, &mut file).await?;
        file.flush().await.map_err(unwritable)?;
        Ok(found.then(|| Fetched { path: path.to_path_buf(), _copy: Some(path) }))
    }
}

impl Vault {
    /// The sealed form of a file, made as it is read.
    pub(super) async fn seal_file(
        &self,
        organization: &OrganizationId,
        digest: &Digest,
        path: &Path,
    ) -> Result<StreamReader<futures::stream::BoxStream<'static, io::Result<Bytes>>, Bytes>, AppError> {
        let (version, key) = self.newest(organization).await?;
        let sealer = Sealer::new(&key, version, organization, digest, self.random.as_ref());
        let file = tokio::fs::File::open(path).await.map_err(AppError::internal)?;
        let sealing = SealingFile {
            file,
            sealer: Some(sealer.map_err(AppError::internal)?),
            ahead: None,
            hasher: Sha256::new(),
            digest: *digest,
        };
        Ok(StreamReader::new(futures::stream::try_unfold(sealing, SealingFile::step).boxed()))
    }

    /// Opens a stored file into `sink`, checked to its last byte. `false` if there is none of this name.
    ///
    /// # Errors
    /// `Erased` when its key was destroyed; `Internal` naming the file when its bytes are not what was stored.
    pub async fn open_file(
        &self,
        organization: &OrganizationId,
        digest: &Digest,
        sink: &mut (impl AsyncWrite + Unpin),
    ) -> Result<bool, AppError> {
        let Some(blob) = self.store.blobs().find(organization, digest).await? else { return Ok(false) };
        let Some(mut parts) = self.store.blobs().stream(organization, digest).await? else { return Ok(false) };
        let mut opening = OpeningFile {
            vault: self,
            organization,
            digest,
            buffer: BytesMut::new(),
            opener: None,
            hasher: Sha256::new(),
            sealed: blob.sealed,
        };
        let unwritable = |error: io::Error| AppError::internal(format!("a stored file cannot be written out: {error}"));
        while let Some(part) = parts.next().await {
            opening.buffer.extend_from_slice(&part?);
            while let Some(content) = opening.take(false).await? {
                sink.write_all(&content).await.map_err(unwritable)?;
            }
        }
        let content = opening.take(true).await?.unwrap_or_default();
        sink.write_all(&content).await.map_err(unwritable)?;
        if opening.hasher.finalize()[..] != digest.0 {
            return Err(changed(organization, digest, "its content has another digest"));
        }
        Ok(true)
    }

    /// Checks a stored file without keeping its content. `false` if there is none of this name.
    pub async fn check_file(&self, organization: &OrganizationId, digest: &Digest) -> Result<bool, AppError> {
        self.open_file(organization, digest, &mut tokio::io::sink()).await
    }
}

fn changed(organization: &OrganizationId, digest: &Digest, how: &str) -> AppError {
    AppError::internal(format!("the stored file {digest} of {organization} is damaged: {how}"))
}

/// A file on its way to its sealed form: always one chunk ahead, because the last one is sealed as such.
struct SealingFile {
    file: tokio::fs::File,
    sealer: Option<Sealer>,
    ahead: Option<Vec<u8>>,
    hasher: Sha256,
    digest: Digest,
}

impl SealingFile {
    async fn step(mut self) -> io::Result<Option<(Bytes, Self)>> {
        let Some(mut sealer) = self.sealer.take() else { return Ok(None) };
        let Some(chunk) = self.ahead.take() else {
            self.ahead = Some(self.read_chunk().await?);
            let header = Bytes::copy_from_slice(&sealer.header());
            self.sealer = Some(sealer);
            return Ok(Some((header, self)));
        };
        self.hasher.update(&chunk);
        let next = if chunk.len() == CHUNK_BYTES { self.read_chunk().await? } else { Vec::new() };
        if next.is_empty() {
            if std::mem::take(&mut self.hasher).finalize()[..] != self.digest.0 {
                return Err(io::Error::other("the file changed while it was stored"));
            }
            return Ok(Some((sealer.last(&chunk).into(), self)));
        }
        let sealed = sealer.next(&chunk).into();
        (self.ahead, self.sealer) = (Some(next), Some(sealer));
        Ok(Some((sealed, self)))
    }

    /// Up to a whole chunk; fewer bytes only at the end of the file.
    async fn read_chunk(&mut self) -> io::Result<Vec<u8>> {
        let mut chunk = Vec::with_capacity(CHUNK_BYTES);
        (&mut self.file).take(CHUNK_BYTES as u64).read_to_end(&mut chunk).await?;
        Ok(chunk)
    }
}

/// A stored file on its way to its content.
struct OpeningFile<'a> {
    vault: &'a Vault,
    organization: &'a OrganizationId,
    digest: &'a Digest,
    buffer: BytesMut,
    opener: Option<Opener>,
    hasher: Sha256,
    sealed: bool,
}

impl OpeningFile<'_> {
    /// The next content that the buffer holds whole; with `end`, what is left of it.
    async fn take(&mut self, end: bool) -> Result<Option<Vec<u8>>, AppError> {
        if !self.sealed {
            let content = self.buffer.split().to_vec();
            self.hasher.update(&content);
            return Ok((!content.is_empty()).then_some(content));
        }
        if self.opener.is_none() {
            if self.buffer.len() < HEADER_BYTES {
                return if end { Err(self.changed("it is cut short")) } else { Ok(None) };
            }
            let header = self.buffer.split_to(HEADER_BYTES);
            let header: &[u8; HEADER_BYTES] = header[..].try_into().expect("split to this length");
            let version = stream::key_version(header).ok_or_else(|| self.changed("it has no header"))?;
            let key = self.vault.data_key(self.organization, version).await?;
            self.opener = Some(Opener::new(&key, header, self.organization, self.digest));
        }
        let damaged = |_| changed(self.organization, self.digest, "a chunk does not open");
        let content = if self.buffer.len() > SEALED_CHUNK_BYTES {
            let chunk = self.buffer.split_to(SEALED_CHUNK_BYTES);
            match &mut self.opener {
                Some(opener) => opener.next(&chunk).map_err(damaged)?,
                None => return Ok(None),
            }
        } else if end && let Some(opener) = self.opener.take() {
            opener.last(&self.buffer).map_err(damaged)?
        } else {
            return Ok(None);
        };
        self.hasher.update(&content);
        Ok(Some(content))
    }

    fn changed(&self, how: &str) -> AppError {
        changed(self.organization, self.digest, how)
    }
}

/// Where a vault's parts are shared with their application.
impl App {
    /// What seals and opens the texts and files of organizations.
    #[must_use]
    pub fn vault(&self) -> &Arc<Vault> {
        &self.0.vault
    }
}
