//! The object store behind blobs: where bytes lie, and how they get there and back. Knows no rows.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

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

pub(crate) struct Objects {
    store: Arc<dyn ObjectStore>,
    /// The folder, when the objects are local files.
    root: Option<PathBuf>,
}

impl Objects {
    /// Opens a folder, made if need be: `file:///folder` or a plain path.
    pub(crate) fn open(objects_url: &str) -> Result<Self, Error> {
        let folder = objects_url.strip_prefix("file://").unwrap_or(objects_url);
        if folder.is_empty() || folder.contains("://") {
            return Err(Error::settings(format!(
                "the objects URL {objects_url:?} is not served by this build: use file:// and a folder"
            )));
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
        self.put_stream(organization, digest, file).await
    }

    /// Streams bytes in; many of them in parts. What breaks off leaves no object.
    pub(crate) async fn put_stream(
        &self,
        organization: &OrganizationId,
        digest: &Digest,
        mut content: impl AsyncRead + Send + Unpin,
    ) -> Result<(), Error> {
        let mut writer = BufWriter::new(Arc::clone(&self.store), Self::location(organization, digest));
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
