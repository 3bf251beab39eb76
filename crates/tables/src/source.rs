//! Where data files come from: uploads, local paths and object stores; all are spooled to a local file first.
//!
//! Readers need random access and two passes, and an object in a store may change in between; so bytes go to a temporary
//! file, with a limit on their number and their SHA-256 taken on the way. The file is deleted when the [`Spooled`]
//! (or an unfinished [`Spool`]) is dropped, whatever happened. `http(s)` is not read here: only the server's guarded
//! client may follow addresses that users give.

use std::path::{Path, PathBuf};

use futures::StreamExt;
use object_store::{ObjectStore, ObjectStoreExt};
use sha2::{Digest, Sha256};
use tempfile::TempPath;
use tokio::io::AsyncWriteExt;

use crate::error::Error;

/// Bytes hashed and written between two chances for other tasks to run.
const STEP_BYTES: usize = 64 << 10;

/// What sources may be read, and how much of them.
#[derive(Debug, Clone, Default)]
pub struct SourceSettings {
    /// Most bytes of a file.
    pub bytes_max: u64,
    /// Folder that plain paths and `file://` must lie in; without it they are refused.
    pub local_root: Option<PathBuf>,
    /// Settings of object stores by object_store's names (`aws_access_key_id`, `aws_endpoint`, `google_service_account`,
    /// `azure_storage_account_name`, ...).
    pub store_options: Vec<(String, String)>,
}

/// A spooled file, deleted on drop.
#[derive(Debug)]
pub struct Spooled {
    path: TempPath,
    /// Name of the original: the last part of its path.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// SHA-256 of its bytes, in lower-case hexadecimal.
    pub sha256: String,
}

impl Spooled {
    /// Where the bytes are.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Hands the file over as one that is deleted on drop, without the rest.
    #[must_use]
    pub fn into_path(self) -> TempPath {
        self.path
    }
}

/// Takes a stream of bytes into a temporary file.
#[derive(Debug)]
pub struct Spool {
    file: tokio::fs::File,
    path: TempPath,
    digest: Sha256,
    bytes: u64,
    bytes_max: u64,
}

impl Spool {
    /// An empty spool in folder `into` for at most `bytes_max` bytes.
    ///
    /// # Errors
    /// If no file can be made there.
    pub async fn new(into: &Path, bytes_max: u64) -> Result<Self, Error> {
        let into = into.to_owned();
        let made = tokio::task::spawn_blocking(move || tempfile::Builder::new().prefix("spool-").tempfile_in(into));
        let (file, path) = made.await.map_err(std::io::Error::other)??.into_parts();
        Ok(Self { file: file.into(), path, digest: Sha256::new(), bytes: 0, bytes_max })
    }

    /// Appends bytes.
    ///
    /// # Errors
    /// If the limit is exceeded or the disk is full.
    pub async fn write(&mut self, chunk: &[u8]) -> Result<(), Error> {
        for step in chunk.chunks(STEP_BYTES) {
            self.bytes += step.len() as u64;
            if self.bytes > self.bytes_max {
                return Err(Error::TooLarge { limit: self.bytes_max });
            }
            self.digest.update(step);
            self.file.write_all(step).await?;
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    /// The finished file, under the name of its original.
    ///
    /// # Errors
    /// If the last bytes cannot be written.
    pub async fn finish(mut self, name: &str) -> Result<Spooled, Error> {
        self.file.flush().await?;
        let name = name.rsplit(['/', '\\']).next().unwrap_or_default().to_owned();
        Ok(Spooled { path: self.path, name, bytes: self.bytes, sha256: crate::dataset::hex(&self.digest.finalize()) })
    }
}

/// Fetches a file into folder `into`: a path, or a `file`, `s3`, `gs` or `az` address.
///
/// # Errors
/// If the address is not one of these, is not allowed, does not exist, or the file exceeds the limit.
pub async fn fetch(url: &str, into: &Path, settings: &SourceSettings) -> Result<Spooled, Error> {
    if let Some(path) = local_path(url) {
        return fetch_local(url, &path, into, settings).await;
    }
    let parsed = url::Url::parse(url).map_err(|error| refused(url, error.to_string()))?;
    if !matches!(parsed.scheme(), "s3" | "gs" | "az") {
        let reason = "the address must be a path or start with file, s3, gs or az".to_owned();
        return Err(refused(url, reason));
    }
    // The client cannot be made without a TLS provider; an error says that there is one, which is what is needed.
    #[cfg(feature = "cloud")]
    let _ = rustls::crypto::ring::default_provider().install_default();
    let options = settings.store_options.iter().map(|(name, value)| (name.as_str(), value.clone()));
    let failed = |error: object_store::Error| refused(url, first_line(&error));
    let (store, path) = object_store::parse_url_opts(&parsed, options).map_err(failed)?;
    spool_object(store.as_ref(), &path, into, settings.bytes_max).await.map_err(|error| match error {
        FetchError::Store(error) => failed(error),
        FetchError::Spool(error) => error,
    })
}

enum FetchError {
    Store(object_store::Error),
    Spool(Error),
}

impl From<object_store::Error> for FetchError {
    fn from(error: object_store::Error) -> Self {
        Self::Store(error)
    }
}

impl From<Error> for FetchError {
    fn from(error: Error) -> Self {
        Self::Spool(error)
    }
}

async fn spool_object(
    store: &dyn ObjectStore,
    path: &object_store::path::Path,
    into: &Path,
    bytes_max: u64,
) -> Result<Spooled, FetchError> {
    let object = store.get(path).await?;
    if object.meta.size > bytes_max {
        return Err(Error::TooLarge { limit: bytes_max }.into());
    }
    let mut spool = Spool::new(into, bytes_max).await?;
    let mut stream = object.into_stream();
    while let Some(chunk) = stream.next().await {
        spool.write(&chunk?).await?;
    }
    Ok(spool.finish(path.filename().unwrap_or_default()).await?)
}

/// The path of a plain path or `file` address.
fn local_path(url: &str) -> Option<PathBuf> {
    match url.split_once("://") {
        None => Some(PathBuf::from(url)),
        Some(("file", _)) => url::Url::parse(url).ok()?.to_file_path().ok(),
        Some(_) => None,
    }
}

async fn fetch_local(url: &str, path: &Path, into: &Path, settings: &SourceSettings) -> Result<Spooled, Error> {
    let Some(root) = &settings.local_root else {
        return Err(refused(url, "local files are not allowed as sources here".to_owned()));
    };
    let absent = |error: std::io::Error| refused(url, error.to_string());
    let root = tokio::fs::canonicalize(root).await.map_err(absent)?;
    // Links are followed before the comparison, so that none leads out of the folder.
    let path = tokio::fs::canonicalize(root.join(path)).await.map_err(absent)?;
    if !path.starts_with(&root) {
        return Err(refused(url, "it lies outside the folder for local sources".to_owned()));
    }
    let store =
        object_store::local::LocalFileSystem::new_with_prefix(&root).map_err(|e| refused(url, first_line(&e)))?;
    let inner = path.strip_prefix(&root).expect("the path starts with the root").to_string_lossy().into_owned();
    let inner = object_store::path::Path::parse(inner).map_err(|error| refused(url, error.to_string()))?;
    spool_object(&store, &inner, into, settings.bytes_max).await.map_err(|error| match error {
        FetchError::Store(error) => refused(url, first_line(&error)),
        FetchError::Spool(error) => error,
    })
}

/// The error of an address, with credentials and query taken out.
fn refused(url: &str, reason: String) -> Error {
    let shown = match url::Url::parse(url) {
        Ok(mut parsed) if parsed.has_host() => {
            // A host allows both; failing to clear what is not there is no loss.
            let _ = parsed.set_username("");
            let _ = parsed.set_password(None);
            parsed.set_query(None);
            parsed.to_string()
        }
        _ => url.to_owned(),
    };
    Error::Source { url: crate::error::shorten(&shown), reason }
}

fn first_line(error: &object_store::Error) -> String {
    match error {
        object_store::Error::NotFound { .. } => "there is no such file".to_owned(),
        other => crate::error::shorten(other.to_string().lines().next().unwrap_or_default()),
    }
}
