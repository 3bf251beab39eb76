//! The object store behind blobs: where bytes lie, and how they get there and back. Knows no rows.
//!
//! A folder or, in [`remote`], a store over the network. Readers of whole files get a path only from a folder
//! ([`Objects::local_path`]); of a remote object they make a copy.

mod remote;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::BoxStream;
use object_store::buffered::BufWriter;
use object_store::local::LocalFileSystem;
use object_store::path::Path as Location;
use object_store::{ObjectStore, ObjectStoreExt};
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncRead, AsyncWriteExt};

use crate::backend::unavailable;
use crate::error::Error;
use crate::folders::create_private;
use crate::ids::{Digest, OrganizationId};

/// Bytes read from a file at a time while it is hashed.
const HASH_CHUNK_BYTES: usize = 1 << 18;

/// Longest check of the store. Whoever asks for readiness waits that long.
const CHECK_TIME_MAX: Duration = Duration::from_secs(10);
/// Length of one part of a large upload, bytes; S3 takes 5 MiB to 5 GiB.
const PART_BYTES: usize = 10 << 20;
/// Parts of one upload; S3 takes 10,000.
const PARTS_MAX: u64 = 9_000;
/// Parts of one upload on the way at once: memory is bounded by it, times the uploads that the server takes.
const PARTS_IN_FLIGHT_MAX: usize = 3;

pub(crate) struct Objects {
    store: Arc<dyn ObjectStore>,
    /// The folder, when the objects are local files.
    root: Option<PathBuf>,
}

impl Objects {
    /// Opens a folder, made if need be (`file:///folder` or a plain path), or a store over the network.
    pub(crate) fn open(objects_url: &str, options: &[(String, String)]) -> Result<Self, Error> {
        let folder = objects_url.strip_prefix("file://").unwrap_or(objects_url);
        if folder.contains("://") {
            return Ok(Self { store: remote::open(objects_url, options)?, root: None });
        }
        if folder.is_empty() {
            return Err(Error::settings("the objects URL is empty: name a folder or a bucket"));
        }
        let open = || -> Result<_, crate::error::Cause> {
            create_private(Path::new(folder))?;
            let root = fs::canonicalize(folder)?;
            // Content comes back after a power cut: a blob is ready only once its bytes are on the disk.
            let store = LocalFileSystem::new_with_prefix(&root)?.with_fsync(true);
            Ok((store, root))
        };
        let (store, root) = open().map_err(|e| unavailable("opening the objects folder", e))?;
        Ok(Self { store: Arc::new(store), root: Some(root) })
    }

    /// Whether objects can be written, read and deleted: does so with one that only this call knows.
    pub(crate) async fn check(&self, nonce: [u8; 16]) -> Result<(), Error> {
        let name = hex::encode(nonce);
        let location = Location::from(format!("checks/{name}"));
        let all = async {
            self.store.put(&location, name.clone().into_bytes().into()).await?;
            let read = self.store.get(&location).await?.bytes().await?;
            self.store.delete(&location).await?;
            Ok::<_, object_store::Error>(read)
        };
        let read = tokio::time::timeout(CHECK_TIME_MAX, all)
            .await
            .map_err(|e| unavailable("checking the object store", e))?
            .map_err(|e| unavailable("checking the object store", e))?;
        if read == name.as_bytes() { Ok(()) } else { Err(Error::corrupt("the object store gave back other bytes")) }
    }

    /// Where a blob of an organization lies. Organizations share nothing, so that neither the time a put takes nor a
    /// deletion tells one what another has.
    fn location(organization: &OrganizationId, digest: &Digest) -> Location {
        let hex = digest.to_string();
        Location::from(format!("{organization}/sha256/{}/{}/{hex}", &hex[..2], &hex[2..4]))
    }

    /// The file of a blob, when objects are local files.
    pub(crate) fn local_path(&self, organization: &OrganizationId, digest: &Digest) -> Option<PathBuf> {
        self.root.as_ref().map(|root| root.join(Self::location(organization, digest).as_ref()))
    }

    pub(crate) async fn put_bytes(
        &self,
        organization: &OrganizationId,
        digest: &Digest,
        bytes: Vec<u8>,
    ) -> Result<(), Error> {
        let done = self.store.put(&Self::location(organization, digest), bytes.into()).await;
        done.map(drop).map_err(|e| unavailable("writing an object", e))
    }

    /// Streams a file in; large ones in parts.
    pub(crate) async fn put_file(
        &self,
        organization: &OrganizationId,
        digest: &Digest,
        path: &Path,
    ) -> Result<(), Error> {
        let file = tokio::fs::File::open(path).await.map_err(|e| unavailable("writing an object", e))?;
        let bytes = file.metadata().await.map_err(|e| unavailable("writing an object", e))?.len();
        self.put_stream(organization, digest, file, bytes).await
    }

    /// Streams about so many bytes in; many of them in parts. What breaks off leaves no object.
    pub(crate) async fn put_stream(
        &self,
        organization: &OrganizationId,
        digest: &Digest,
        mut content: impl AsyncRead + Send + Unpin,
        bytes_about: u64,
    ) -> Result<(), Error> {
        let part = PART_BYTES.max(usize::try_from(bytes_about / PARTS_MAX).unwrap_or(usize::MAX));
        let writer = BufWriter::with_capacity(Arc::clone(&self.store), Self::location(organization, digest), part);
        let mut writer = writer.with_max_concurrency(PARTS_IN_FLIGHT_MAX);
        let copied = match tokio::io::copy(&mut content, &mut writer).await {
            Ok(_) => writer.shutdown().await,
            Err(e) => {
                writer.abort().await.map_err(|e| unavailable("writing an object", e))?;
                Err(e)
            }
        };
        copied.map_err(|e| unavailable("writing an object", e))
    }

    pub(crate) async fn stream(
        &self,
        organization: &OrganizationId,
        digest: &Digest,
    ) -> Result<BoxStream<'static, Result<bytes::Bytes, Error>>, Error> {
        Ok(self.get(organization, digest).await?.1)
    }

    /// An object's length and bytes.
    pub(crate) async fn get(
        &self,
        organization: &OrganizationId,
        digest: &Digest,
    ) -> Result<(u64, BoxStream<'static, Result<bytes::Bytes, Error>>), Error> {
        match self.store.get(&Self::location(organization, digest)).await {
            Ok(got) => {
                let bytes = got.meta.size;
                let parts = got.into_stream().map(|part| part.map_err(|e| unavailable("reading an object", e)));
                Ok((bytes, parts.boxed()))
            }
            Err(object_store::Error::NotFound { .. }) => {
                Err(Error::corrupt(format!("the object of blob {digest} of {organization} is missing")))
            }
            Err(e) => Err(unavailable("reading an object", e)),
        }
    }

    /// Deletes an object; one that is gone already is deleted.
    pub(crate) async fn delete(&self, organization: &OrganizationId, digest: &Digest) -> Result<(), Error> {
        match self.store.delete(&Self::location(organization, digest)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(e) => Err(unavailable("deleting an object", e)),
        }
    }
}

/// The digest and length of a file, computed off the async threads.
///
/// # Errors
/// `Unavailable` when the file cannot be read.
pub async fn digest_file(path: &Path) -> Result<(Digest, u64), Error> {
    let path = path.to_owned();
    let hashed = tokio::task::spawn_blocking(move || -> std::io::Result<(Digest, u64)> {
        let mut file = fs::File::open(path)?;
        let (mut hasher, mut bytes, mut chunk) = (Sha256::new(), 0, vec![0; HASH_CHUNK_BYTES]);
        loop {
            match std::io::Read::read(&mut file, &mut chunk)? {
                0 => return Ok((Digest(hasher.finalize().into()), bytes)),
                n => {
                    hasher.update(&chunk[..n]);
                    bytes += n as u64;
                }
            }
        }
    });
    match hashed.await {
        Ok(result) => result.map_err(|e| unavailable("reading the file to be stored", e)),
        Err(e) => Err(unavailable("hashing the file to be stored", e)),
    }
}
