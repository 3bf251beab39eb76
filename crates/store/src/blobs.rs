//! Blobs: uploaded files and rendered documents, named by their SHA-256, in the object store.
//!
//! Bytes and rows live in two systems that share no transaction, so each step leaves what the next can repair. A put
//! writes a row `pending`, then the object, then the row `ready`: a crash in between leaves a pending row, never bytes
//! that nothing names. Whoever needs a blob holds it, in the unit that makes the need ([`BlobHolds`]). What nobody holds
//! and nobody touched for a while is collected: the row goes to `deleting`, the object goes, the row goes.
//!
//! The while must be longer than any put or collection takes; hours are usual.
//!
//! What lies in the object store may be *sealed*: encrypted by whoever put it ([`Blobs::put_sealed`]). The name and the
//! length stay those of the content, and only who has the keys can read it back and check it ([`Blobs::stream`]).
//!
//! While a backup copies objects it *freezes* them ([`Blobs::freeze`]): what is to be discarded stays until the last
//! freeze has ended, and goes then ([`Blobs::discard_asked`]). A freeze whose owner died ends by its time.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use futures::StreamExt;
use futures::stream::BoxStream;
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncRead, AsyncWriteExt};

use crate::backend::query::{Row, Sql, sql};
use crate::backend::{On, unavailable};
use crate::error::Error;
use crate::ids::{Digest, OrganizationId, stored};
use crate::objects::{Objects, digest_file};

/// Most blobs deleted by one collection.
pub const COLLECT_BLOBS_MAX: u32 = 500;

/// Most blobs in one page.
pub const PAGE_BLOBS_MAX: u32 = 1_000;

/// No deletion takes longer, retries and statements included; one that began before has died with its process.
const DELETION_TIME_MAX: SignedDuration = SignedDuration::from_mins(5);

/// A stored blob.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blob {
    /// Its name.
    pub digest: Digest,
    /// Its length.
    pub bytes: u64,
    /// What it was stored for, for people.
    pub purpose: String,
    /// Whether the object is encrypted.
    pub sealed: bool,
    /// When it was stored.
    pub created_at: Timestamp,
}

/// What a sealed blob holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// Its digest, which becomes the blob's name.
    pub digest: Digest,
    /// Its length.
    pub bytes: u64,
    /// What it is stored for, for people.
    pub purpose: String,
}

/// The blobs of an organization.
pub struct Blobs<'a> {
    on: On<'a>,
    objects: &'a Objects,
}

impl<'a> Blobs<'a> {
    pub(crate) fn on(on: On<'a>, objects: &'a Objects) -> Self {
        Self { on, objects }
    }

    /// Stores a file's content. Content the organization has already is not written again.
    pub async fn put_file(
        &mut self,
        organization: &OrganizationId,
        path: &Path,
        purpose: &str,
        now: Timestamp,
    ) -> Result<Blob, Error> {
        let (digest, bytes) = digest_file(path).await?;
        if self.reserve(organization, &digest, bytes, purpose, false, now).await? {
            self.objects.put_file(organization, &digest, path).await?;
        }
        self.ready(organization, &digest, now).await
    }

    /// Stores bytes.
    pub async fn put_bytes(
        &mut self,
        organization: &OrganizationId,
        bytes: Vec<u8>,
        purpose: &str,
        now: Timestamp,
    ) -> Result<Blob, Error> {
        let digest = Digest(Sha256::digest(&bytes).into());
        if self.reserve(organization, &digest, bytes.len() as u64, purpose, false, now).await? {
            self.objects.put_bytes(organization, &digest, bytes).await?;
        }
        self.ready(organization, &digest, now).await
    }

    /// Stores content that its owner has sealed. `digest` and `bytes` are those of the content, `sealed` are the bytes
    /// to be kept. Content the organization has already is not written again.
    pub async fn put_sealed(
        &mut self,
        organization: &OrganizationId,
        content: &Content,
        sealed: impl AsyncRead + Send + Unpin,
        now: Timestamp,
    ) -> Result<Blob, Error> {
        let Content { digest, bytes, purpose } = content;
        if self.reserve(organization, digest, *bytes, purpose, true, now).await? {
            self.objects.put_stream(organization, digest, sealed, *bytes).await?;
        }
        self.ready(organization, digest, now).await
    }

    /// Writes the pending row. Answers whether the object must be written.
    async fn reserve(
        &mut self,
        organization: &OrganizationId,
        digest: &Digest,
        bytes: u64,
        purpose: &str,
        sealed: bool,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let upsert = || {
            let upsert =
                sql("INSERT INTO blobs (organization_id, sha256, bytes, purpose, state, created_at, touched_at,
                     sealed, discard_asked)
                 VALUES ($1, $2, $3, $4, 'pending', $5, $5, $6, FALSE)
                 ON CONFLICT (organization_id, sha256) DO UPDATE SET discard_asked = FALSE,
                     touched_at = CASE WHEN blobs.state = 'deleting' THEN blobs.touched_at ELSE excluded.touched_at END,
                     sealed = CASE WHEN blobs.state = 'pending' THEN excluded.sealed ELSE blobs.sealed END
                 RETURNING state");
            named(upsert, organization, digest).bind(bytes).bind(purpose).bind(now).bind(sealed)
        };
        loop {
            let row =
                self.on.write_one(upsert()).await?.ok_or_else(|| Error::corrupt("a blob's row was not returned"))?;
            match row.get::<String>("state")?.as_str() {
                "ready" => return Ok(false),
                "pending" => return Ok(true),
                _ if self.finish_deletion(organization, digest, now).await? => {}
                _ => return Err(unavailable("storing a blob that is being deleted", "try again")),
            }
        }
    }

    /// Finishes a deletion whose process has died: one that began so long ago that it cannot be under way any more,
    /// and so cannot delete what is stored next. Answers whether there was one.
    async fn finish_deletion(
        &mut self,
        organization: &OrganizationId,
        digest: &Digest,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let cutoff = now.checked_sub(DELETION_TIME_MAX).map_err(|e| Error::NotStorable { what: e.to_string() })?;
        let update = sql("UPDATE blobs SET touched_at = $3
             WHERE organization_id = $1 AND sha256 = $2 AND state = 'deleting' AND touched_at <= $4 RETURNING sha256");
        if self.on.write_one(named(update, organization, digest).bind(now).bind(cutoff)).await?.is_none() {
            return Ok(false);
        }
        self.remove(organization, digest).await?;
        Ok(true)
    }

    async fn ready(&mut self, organization: &OrganizationId, digest: &Digest, now: Timestamp) -> Result<Blob, Error> {
        let update = sql("UPDATE blobs SET state = 'ready', touched_at = $3
             WHERE organization_id = $1 AND sha256 = $2 AND state <> 'deleting'
             RETURNING sha256, bytes, purpose, sealed, created_at");
        match self.on.write_one(named(update, organization, digest).bind(now)).await? {
            Some(row) => blob(&row),
            None => Err(unavailable("storing a blob that was collected meanwhile", "try again")),
        }
    }

    /// The blob with this name.
    pub async fn find(&mut self, organization: &OrganizationId, digest: &Digest) -> Result<Option<Blob>, Error> {
        let select = sql("SELECT sha256, bytes, purpose, sealed, created_at FROM blobs
             WHERE organization_id = $1 AND sha256 = $2 AND state = 'ready'");
        self.on.read_one(named(select, organization, digest)).await?.as_ref().map(blob).transpose()
    }

    /// Blobs of all organizations in order, after the given one, at most `limit` and [`PAGE_BLOBS_MAX`]: for whoever
    /// checks or copies them.
    pub async fn all(
        &mut self,
        after: Option<(&OrganizationId, &Digest)>,
        limit: u32,
    ) -> Result<Vec<(OrganizationId, Blob)>, Error> {
        let select = sql("SELECT organization_id, sha256, bytes, purpose, sealed, created_at FROM blobs
             WHERE state = 'ready' AND (organization_id, sha256) > ($1, $2)
             ORDER BY organization_id, sha256 LIMIT $3");
        let (organization, digest) =
            after.map_or((String::new(), String::new()), |(of, digest)| (of.to_string(), digest.to_string()));
        let select = select.bind(organization.as_str()).bind(digest.as_str()).bind(limit.min(PAGE_BLOBS_MAX));
        let rows = self.on.read(select).await?;
        rows.iter()
            .map(|row| Ok((stored(OrganizationId::parse, &row.get::<String>("organization_id")?)?, blob(row)?)))
            .collect()
    }

    /// The file that holds the blob, when objects are local files: to be read in place, never to be changed.
    pub async fn local_path(
        &mut self,
        organization: &OrganizationId,
        digest: &Digest,
    ) -> Result<Option<PathBuf>, Error> {
        let found = self.find(organization, digest).await?;
        Ok(found.and_then(|_| self.objects.local_path(organization, digest)))
    }

    /// The object's bytes as they come; not checked against the name, and sealed when the blob is.
    pub async fn stream(
        &mut self,
        organization: &OrganizationId,
        digest: &Digest,
    ) -> Result<Option<BoxStream<'static, Result<Bytes, Error>>>, Error> {
        match self.find(organization, digest).await? {
            Some(_) => self.objects.stream(organization, digest).await.map(Some),
            None => Ok(None),
        }
    }

    /// The object's length and bytes as they lie there, for a copy.
    pub async fn object(
        &mut self,
        organization: &OrganizationId,
        digest: &Digest,
    ) -> Result<(u64, BoxStream<'static, Result<Bytes, Error>>), Error> {
        self.objects.get(organization, digest).await
    }

    /// The blob's bytes, checked. A blob longer than `bytes_max` is [`Error::NotStorable`] in memory.
    pub async fn read(
        &mut self,
        organization: &OrganizationId,
        digest: &Digest,
        bytes_max: u64,
    ) -> Result<Option<Vec<u8>>, Error> {
        let Some(found) = self.find(organization, digest).await? else { return Ok(None) };
        refuse_sealed(&found)?;
        if found.bytes > bytes_max {
            return Err(Error::NotStorable { what: format!("{} bytes in memory, limit {bytes_max}", found.bytes) });
        }
        let mut parts = self.objects.stream(organization, digest).await?;
        let mut bytes = Vec::new();
        while let Some(part) = parts.next().await {
            bytes.extend_from_slice(&part?);
        }
        check(digest, Sha256::digest(&bytes).into())?;
        Ok(Some(bytes))
    }

    /// Writes the blob's bytes to a file, checked. `false` if there is no such blob.
    pub async fn copy_to(
        &mut self,
        organization: &OrganizationId,
        digest: &Digest,
        path: &Path,
    ) -> Result<bool, Error> {
        let Some(found) = self.find(organization, digest).await? else { return Ok(false) };
        refuse_sealed(&found)?;
        let mut parts = self.objects.stream(organization, digest).await?;
        let failed = |e: std::io::Error| unavailable("writing a blob to a file", e);
        let mut file = tokio::fs::File::create(path).await.map_err(failed)?;
        let mut hasher = Sha256::new();
        while let Some(part) = parts.next().await {
            let part = part?;
            hasher.update(&part);
            file.write_all(&part).await.map_err(failed)?;
        }
        file.flush().await.map_err(failed)?;
        check(digest, hasher.finalize().into())?;
        Ok(true)
    }

    /// Deletes a blob that nobody holds, now rather than at the next collection. Answers whether it went. One that
    /// somebody else is deleting is gone too when this answers. While objects are frozen it stays, marked, and goes when
    /// the freeze ends.
    ///
    /// Who has just put the same content and not held it yet finds it gone: [`BlobHolds::hold`] answers `false`.
    pub async fn discard(
        &mut self,
        organization: &OrganizationId,
        digest: &Digest,
        now: Timestamp,
    ) -> Result<bool, Error> {
        // The freeze is looked for in the statement that marks: whoever freezes afterwards sees the mark.
        let update = sql("UPDATE blobs SET
                 state = CASE WHEN EXISTS (SELECT freeze_id FROM object_freezes WHERE until_at > $3) THEN state
                     ELSE 'deleting' END,
                 discard_asked = TRUE, touched_at = $3
             WHERE organization_id = $1 AND sha256 = $2 AND state IN ('ready', 'deleting') AND NOT EXISTS (
                 SELECT holder FROM blob_holds WHERE organization_id = $1 AND sha256 = $2)
             RETURNING state");
        let row = self.on.write_one(named(update, organization, digest).bind(now)).await?;
        match row.map(|row| row.get::<String>("state")).transpose()?.as_deref() {
            Some("deleting") => {}
            _ => return Ok(false),
        }
        // On PostgreSQL the statement may have waited for a hold that was being taken, and looked for holds before it
        // was there. Now it is seen, and no further one can be taken of a blob that is being deleted.
        let spare = sql("UPDATE blobs SET state = 'ready', discard_asked = FALSE
             WHERE organization_id = $1 AND sha256 = $2 AND state = 'deleting' AND EXISTS (
                 SELECT holder FROM blob_holds WHERE organization_id = $1 AND sha256 = $2)
             RETURNING sha256");
        if self.on.write_one(named(spare, organization, digest)).await?.is_some() {
            return Ok(false);
        }
        self.remove(organization, digest).await?;
        Ok(true)
    }

    /// Keeps every object in place until [`Blobs::thaw`], or until `until` when nobody comes back to thaw. Once this
    /// answers, the object of every blob that a transaction begun afterwards sees as `ready` stays readable.
    pub async fn freeze(&mut self, freeze_id: &str, until: Timestamp) -> Result<(), Error> {
        let upsert = sql("INSERT INTO object_freezes (freeze_id, until_at) VALUES ($1, $2)
             ON CONFLICT (freeze_id) DO UPDATE SET until_at = excluded.until_at");
        self.on.write(upsert.bind(freeze_id).bind(until)).await?;
        self.on.wait_for_blob_writers().await
    }

    /// Ends a freeze. Call [`Blobs::discard_asked`] afterwards.
    pub async fn thaw(&mut self, freeze_id: &str) -> Result<(), Error> {
        let delete = sql("DELETE FROM object_freezes WHERE freeze_id = $1");
        self.on.write(delete.bind(freeze_id)).await.map(drop)
    }

    /// Deletes what was to be discarded while objects were frozen, of all organizations, at most
    /// [`COLLECT_BLOBS_MAX`]. Answers how many went.
    pub async fn discard_asked(&mut self, now: Timestamp) -> Result<u32, Error> {
        let forget = sql("DELETE FROM object_freezes WHERE until_at <= $1");
        self.on.write(forget.bind(now)).await?;
        let select = sql("SELECT organization_id, sha256 FROM blobs WHERE discard_asked
             ORDER BY organization_id, sha256 LIMIT $1");
        let asked = self.on.read(select.bind(COLLECT_BLOBS_MAX)).await?;
        let mut gone = 0;
        for row in &asked {
            let (organization, digest) = name(row)?;
            gone += u32::from(self.discard(&organization, &digest, now).await?);
        }
        Ok(gone)
    }

    /// Whether objects can be written, read and deleted. Sixteen random bytes keep checks of several processes apart.
    pub async fn check(&mut self, nonce: [u8; 16]) -> Result<(), Error> {
        self.objects.check(nonce).await
    }

    /// Deletes the object, then the row that is `deleting`.
    async fn remove(&mut self, organization: &OrganizationId, digest: &Digest) -> Result<(), Error> {
        self.objects.delete(organization, digest).await?;
        let delete = sql("DELETE FROM blobs WHERE organization_id = $1 AND sha256 = $2 AND state = 'deleting'");
        self.on.write(named(delete, organization, digest)).await.map(drop)
    }

    /// Deletes what nobody holds and nobody touched for `unused_for`, of all organizations, at most
    /// [`COLLECT_BLOBS_MAX`]. Answers how many went; call again while that is the maximum.
    pub async fn collect_garbage(&mut self, now: Timestamp, unused_for: SignedDuration) -> Result<u32, Error> {
        let cutoff =
            now.checked_sub(unused_for).map_err(|e| Error::NotStorable { what: format!("{unused_for}: {e}") })?;
        // The age is asked again outside: a hold taken meanwhile has touched the row. Rows left `deleting` by a crash
        // come up again once they are old.
        let update = sql("UPDATE blobs SET state = 'deleting', touched_at = $1
             WHERE touched_at <= $2 AND NOT EXISTS (SELECT freeze_id FROM object_freezes WHERE until_at > $1)
                 AND (organization_id, sha256) IN (
                 SELECT organization_id, sha256 FROM blobs WHERE touched_at <= $2 AND NOT EXISTS (
                     SELECT holder FROM blob_holds WHERE blob_holds.organization_id = blobs.organization_id
                         AND blob_holds.sha256 = blobs.sha256)
                 ORDER BY touched_at LIMIT $3)
             RETURNING organization_id, sha256");
        let marked = self.on.write(update.bind(now).bind(cutoff).bind(COLLECT_BLOBS_MAX)).await?;
        let mut deleted = 0;
        for row in marked {
            let (organization, digest) = name(&row)?;
            self.remove(&organization, &digest).await?;
            deleted += 1;
        }
        Ok(deleted)
    }
}

/// Who needs which blob; only to be had inside a unit, so that a need and its hold come together.
pub struct BlobHolds<'a> {
    on: On<'a>,
}

impl<'a> BlobHolds<'a> {
    pub(crate) fn on(on: On<'a>) -> Self {
        Self { on }
    }

    /// Keeps a blob from being collected until `holder` (a job's id, say) releases it. `false` if there is none.
    pub async fn hold(
        &mut self,
        organization: &OrganizationId,
        digest: &Digest,
        holder: &str,
        now: Timestamp,
    ) -> Result<bool, Error> {
        // Touching locks the row against a collection that has seen it unheld.
        let touch = sql("UPDATE blobs SET touched_at = $3, discard_asked = FALSE
             WHERE organization_id = $1 AND sha256 = $2 AND state = 'ready' RETURNING sha256");
        if self.on.write_one(named(touch, organization, digest).bind(now)).await?.is_none() {
            return Ok(false);
        }
        let insert = sql("INSERT INTO blob_holds (organization_id, sha256, holder) VALUES ($1, $2, $3)
             ON CONFLICT (organization_id, sha256, holder) DO UPDATE SET until_at = NULL");
        self.on.write(named(insert, organization, digest).bind(holder)).await?;
        Ok(true)
    }

    /// Lets go of everything `holder` holds at `until`, by itself ([`BlobHolds::release_ended`]). Answers how many
    /// blobs.
    pub async fn release_at(
        &mut self,
        organization: &OrganizationId,
        holder: &str,
        until: Timestamp,
    ) -> Result<u64, Error> {
        let update = sql("UPDATE blob_holds SET until_at = $3 WHERE organization_id = $1 AND holder = $2
             RETURNING sha256");
        let update = update.bind(organization.as_str()).bind(holder).bind(until);
        Ok(self.on.write(update).await?.len() as u64)
    }

    /// Lets go of what was held until now at most, of one organization, at most [`COLLECT_BLOBS_MAX`]. Answers the
    /// blobs; discard them.
    pub async fn release_ended(&mut self, organization: &OrganizationId, now: Timestamp) -> Result<Vec<Digest>, Error> {
        let delete = sql("DELETE FROM blob_holds WHERE (organization_id, sha256, holder) IN (
                 SELECT organization_id, sha256, holder FROM blob_holds
                 WHERE organization_id = $1 AND until_at <= $2 ORDER BY until_at LIMIT $3)
             RETURNING sha256");
        let delete = delete.bind(organization.as_str()).bind(now).bind(COLLECT_BLOBS_MAX);
        let rows = self.on.write(delete).await?;
        rows.iter().map(|row| stored(Digest::parse, &row.get::<String>("sha256")?)).collect()
    }

    /// Lets go of everything `holder` holds. Answers how many blobs.
    pub async fn release(&mut self, organization: &OrganizationId, holder: &str, now: Timestamp) -> Result<u64, Error> {
        let touch = sql("UPDATE blobs SET touched_at = $3 WHERE organization_id = $1 AND sha256 IN (
                 SELECT sha256 FROM blob_holds WHERE organization_id = $1 AND holder = $2)");
        self.on.write(touch.bind(organization.as_str()).bind(holder).bind(now)).await?;
        let delete = sql("DELETE FROM blob_holds WHERE organization_id = $1 AND holder = $2 RETURNING sha256");
        Ok(self.on.write(delete.bind(organization.as_str()).bind(holder)).await?.len() as u64)
    }
}

/// Binds `$1` and `$2`: whose blob, and its name.
fn named(statement: Sql, organization: &OrganizationId, digest: &Digest) -> Sql {
    statement.bind(organization.as_str()).bind(digest.to_string().as_str())
}

fn name(row: &Row) -> Result<(OrganizationId, Digest), Error> {
    let organization = stored(OrganizationId::parse, &row.get::<String>("organization_id")?)?;
    Ok((organization, stored(Digest::parse, &row.get::<String>("sha256")?)?))
}

/// What is sealed cannot be checked here, and must not be mistaken for its content.
fn refuse_sealed(blob: &Blob) -> Result<(), Error> {
    if blob.sealed {
        return Err(Error::NotStorable { what: format!("the content of blob {}: it is sealed", blob.digest) });
    }
    Ok(())
}

fn blob(row: &Row) -> Result<Blob, Error> {
    Ok(Blob {
        digest: stored(Digest::parse, &row.get::<String>("sha256")?)?,
        bytes: row.count("bytes")?,
        purpose: row.get("purpose")?,
        sealed: row.get("sealed")?,
        created_at: row.time("created_at")?,
    })
}

fn check(digest: &Digest, found: [u8; 32]) -> Result<(), Error> {
    if digest.0 == found {
        Ok(())
    } else {
        Err(Error::corrupt(format!("blob {digest} holds bytes with digest {}", Digest(found))))
    }
}
