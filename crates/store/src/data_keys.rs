//! The keys that seal texts and files at rest, wrapped: nothing here can open anything without the master key, which
//! is never in the database.
//!
//! An organization has data keys, versioned from 1: the newest seals, older ones still open what they sealed. A person
//! or other subject of an organization may have a key of its own, wrapped by one of the organization's, so that it can
//! be destroyed by itself. Destroying overwrites the wrapped bytes and keeps the row, so that what was sealed under it
//! is known to be gone for good and not merely unreadable. Rotating the master key wraps every data key anew.
//!
//! Which master key is in force is said by `master_keys`: one row that is not retired. A data key is only taken in
//! while the master key that wraps it is in force ([`DataKeyWriter::insert`]); its row is locked for that, so that a
//! rotation beside it misses none.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::backend::On;
use crate::backend::many_rows::{ManyRows, chunks};
use crate::backend::query::{Row, Sql, sql};
use crate::error::Error;
use crate::ids::{OrganizationId, stored};

/// Most data keys in one page.
pub const PAGE_DATA_KEYS_MAX: u32 = 500;

/// A master key that wraps or once wrapped: its id only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MasterKeyRecord {
    /// Its id, a digest of the key.
    pub id: String,
    /// Since when it wraps.
    pub created_at: Timestamp,
    /// When another took its place.
    pub retired_at: Option<Timestamp>,
}

/// An organization's data key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataKeyRecord {
    /// Whose.
    pub organization: OrganizationId,
    /// From 1, dense per organization.
    pub version: u32,
    /// What wraps it.
    pub master_key_id: String,
    /// The wrapped key; `None` once destroyed.
    pub wrapped: Option<Vec<u8>>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was destroyed.
    pub destroyed_at: Option<Timestamp>,
}

/// A subject's key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubjectKeyRecord {
    /// From 1, dense per subject.
    pub version: u32,
    /// The version of the organization's data key that wraps it.
    pub data_key_version: u32,
    /// The wrapped key; `None` once destroyed.
    pub wrapped: Option<Vec<u8>>,
    /// When it was destroyed.
    pub destroyed_at: Option<Timestamp>,
}

const DATA_KEY: &str = "organization_id, version, master_key_id, wrapped, created_at, destroyed_at";
const SUBJECT_KEY: &str = "version, data_key_version, wrapped, destroyed_at";

// The organization comes with each subject, so that all values stand in the list of rows.
static NEWEST_OF_SUBJECTS: ManyRows = ManyRows::new(
    "SELECT subject, version, data_key_version, wrapped, destroyed_at FROM subject_keys
     WHERE (organization_id, subject) IN (VALUES ",
    2,
    ") ORDER BY version",
);

static INSERT_OF_SUBJECTS: ManyRows = ManyRows::new(
    "INSERT INTO subject_keys (organization_id, subject, version, data_key_version, wrapped, created_at) VALUES ",
    6,
    " ON CONFLICT (organization_id, subject, version) DO NOTHING RETURNING subject",
);

/// The wrapped keys, to be read.
pub struct DataKeys<'a> {
    on: On<'a>,
}

impl<'a> DataKeys<'a> {
    pub(crate) fn on(on: On<'a>) -> Self {
        Self { on }
    }

    /// The master key that wraps now; `None` before the first.
    pub async fn master_in_force(&mut self) -> Result<Option<MasterKeyRecord>, Error> {
        let select = sql("SELECT master_key_id, created_at, retired_at FROM master_keys WHERE retired_at IS NULL
             ORDER BY created_at DESC, master_key_id LIMIT 1");
        self.on.read_one(select).await?.as_ref().map(master_key).transpose()
    }

    /// All master keys there ever were, oldest first.
    pub async fn masters(&mut self) -> Result<Vec<MasterKeyRecord>, Error> {
        let select = sql("SELECT master_key_id, created_at, retired_at FROM master_keys
             ORDER BY created_at, master_key_id");
        self.on.read(select).await?.iter().map(master_key).collect()
    }

    /// The organization's key that seals now: its newest, unless that was destroyed.
    pub async fn current(&mut self, organization: &OrganizationId) -> Result<Option<DataKeyRecord>, Error> {
        Ok(self.newest(organization).await?.filter(|key| key.destroyed_at.is_none()))
    }

    /// The organization's key of the highest version, destroyed or not.
    pub async fn newest(&mut self, organization: &OrganizationId) -> Result<Option<DataKeyRecord>, Error> {
        let select = sql(sqlx::AssertSqlSafe(format!(
            "SELECT {DATA_KEY} FROM data_keys WHERE organization_id = $1 ORDER BY version DESC LIMIT 1"
        )));
        self.on.read_one(select.bind(organization.as_str())).await?.as_ref().map(data_key).transpose()
    }

    /// The organization's key of this version.
    pub async fn find(&mut self, organization: &OrganizationId, version: u32) -> Result<Option<DataKeyRecord>, Error> {
        let select = sql(sqlx::AssertSqlSafe(format!(
            "SELECT {DATA_KEY} FROM data_keys WHERE organization_id = $1 AND version = $2"
        )));
        let row = self.on.read_one(select.bind(organization.as_str()).bind(version)).await?;
        row.as_ref().map(data_key).transpose()
    }

    /// Keys of all organizations in order, after the given one, at most `limit` and [`PAGE_DATA_KEYS_MAX`]: for whoever
    /// wraps them anew or checks them.
    pub async fn all(
        &mut self,
        after: Option<(&OrganizationId, u32)>,
        limit: u32,
    ) -> Result<Vec<DataKeyRecord>, Error> {
        let select = sql(sqlx::AssertSqlSafe(format!(
            "SELECT {DATA_KEY} FROM data_keys WHERE (organization_id, version) > ($1, $2)
             ORDER BY organization_id, version LIMIT $3"
        )));
        let (organization, version) = after.map_or(("", 0), |(organization, version)| (organization.as_str(), version));
        let select = select.bind(organization).bind(version).bind(limit.min(PAGE_DATA_KEYS_MAX));
        self.on.read(select).await?.iter().map(data_key).collect()
    }

    /// The subject's key of the highest version, destroyed or not.
    pub async fn newest_of_subject(
        &mut self,
        organization: &OrganizationId,
        subject: &str,
    ) -> Result<Option<SubjectKeyRecord>, Error> {
        let select = sql(sqlx::AssertSqlSafe(format!(
            "SELECT {SUBJECT_KEY} FROM subject_keys WHERE organization_id = $1 AND subject = $2
             ORDER BY version DESC LIMIT 1"
        )));
        let row = self.on.read_one(select.bind(organization.as_str()).bind(subject)).await?;
        row.as_ref().map(subject_key).transpose()
    }

    /// As [`Self::newest_of_subject`] for many subjects; those without a key are not in the answer.
    pub async fn newest_of_subjects(
        &mut self,
        organization: &OrganizationId,
        subjects: &[&str],
    ) -> Result<BTreeMap<String, SubjectKeyRecord>, Error> {
        let mut newest = BTreeMap::new();
        for chunk in chunks(subjects) {
            let select = chunk.iter().fold(NEWEST_OF_SUBJECTS.sql(&self.on, chunk.len()), |sql: Sql, subject| {
                sql.bind(organization.as_str()).bind(*subject)
            });
            for row in self.on.read(select).await? {
                // They come by version, so the last one is the newest.
                newest.insert(row.get("subject")?, subject_key(&row)?);
            }
        }
        Ok(newest)
    }

    /// The subject's key of this version.
    pub async fn find_of_subject(
        &mut self,
        organization: &OrganizationId,
        subject: &str,
        version: u32,
    ) -> Result<Option<SubjectKeyRecord>, Error> {
        let select = sql(sqlx::AssertSqlSafe(format!(
            "SELECT {SUBJECT_KEY} FROM subject_keys WHERE organization_id = $1 AND subject = $2 AND version = $3"
        )));
        let row = self.on.read_one(select.bind(organization.as_str()).bind(subject).bind(version)).await?;
        row.as_ref().map(subject_key).transpose()
    }
}

/// The wrapped keys, to be written; only to be had inside a unit.
pub struct DataKeyWriter<'a> {
    on: On<'a>,
}

impl<'a> DataKeyWriter<'a> {
    pub(crate) fn on(on: On<'a>) -> Self {
        Self { on }
    }

    /// Puts a master key in force, unless it is known.
    pub async fn put_master(&mut self, id: &str, now: Timestamp) -> Result<(), Error> {
        let insert = sql("INSERT INTO master_keys (master_key_id, created_at) VALUES ($1, $2)
             ON CONFLICT (master_key_id) DO NOTHING");
        self.on.write(insert.bind(id).bind(now)).await.map(drop)
    }

    /// Takes a master key out of force. `false` if it was not in force.
    pub async fn retire_master(&mut self, id: &str, now: Timestamp) -> Result<bool, Error> {
        let update = sql("UPDATE master_keys SET retired_at = $2 WHERE master_key_id = $1 AND retired_at IS NULL
             RETURNING master_key_id");
        Ok(self.on.write_one(update.bind(id).bind(now)).await?.is_some())
    }

    /// Takes in a new data key. `false` if there is one of this version already, or if its master key is not in force:
    /// look again and wrap again.
    pub async fn insert(
        &mut self,
        organization: &OrganizationId,
        version: u32,
        master_key_id: &str,
        wrapped: &[u8],
        now: Timestamp,
    ) -> Result<bool, Error> {
        // Touching locks the master key's row against a rotation that has not seen the new key.
        let touch = sql("UPDATE master_keys SET created_at = created_at WHERE master_key_id = $1
             AND retired_at IS NULL RETURNING master_key_id");
        if self.on.write_one(touch.bind(master_key_id)).await?.is_none() {
            return Ok(false);
        }
        let insert = sql("INSERT INTO data_keys (organization_id, version, master_key_id, wrapped, created_at)
             VALUES ($1, $2, $3, $4, $5) ON CONFLICT (organization_id, version) DO NOTHING RETURNING version");
        let insert = insert.bind(organization.as_str()).bind(version).bind(master_key_id).bind(wrapped).bind(now);
        Ok(self.on.write_one(insert).await?.is_some())
    }

    /// Puts the same key, wrapped by another master key, in the place of what is there. `false` if it was destroyed.
    pub async fn rewrap(
        &mut self,
        organization: &OrganizationId,
        version: u32,
        master_key_id: &str,
        wrapped: &[u8],
    ) -> Result<bool, Error> {
        let update = sql("UPDATE data_keys SET master_key_id = $3, wrapped = $4
             WHERE organization_id = $1 AND version = $2 AND destroyed_at IS NULL RETURNING version");
        let update = update.bind(organization.as_str()).bind(version).bind(master_key_id).bind(wrapped);
        Ok(self.on.write_one(update).await?.is_some())
    }

    /// Takes in a new key of a subject. `false` if there is one of this version already.
    pub async fn insert_of_subject(
        &mut self,
        organization: &OrganizationId,
        subject: &str,
        new: &SubjectKeyRecord,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let insert = sql("INSERT INTO subject_keys (organization_id, subject, version, data_key_version, wrapped,
                 created_at)
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (organization_id, subject, version) DO NOTHING
             RETURNING version")
        .bind(organization.as_str())
        .bind(subject)
        .bind(new.version)
        .bind(new.data_key_version)
        .bind(new.wrapped.as_deref())
        .bind(now);
        Ok(self.on.write_one(insert).await?.is_some())
    }

    /// As [`Self::insert_of_subject`] for many subjects, each once. Answers for which of them the key was taken in.
    pub async fn insert_of_subjects(
        &mut self,
        organization: &OrganizationId,
        new: &[(&str, SubjectKeyRecord)],
        now: Timestamp,
    ) -> Result<BTreeSet<String>, Error> {
        // In one order, so that no two units wait for each other.
        let mut new: Vec<_> = new.iter().collect();
        new.sort_unstable_by_key(|(subject, record)| (*subject, record.version));
        let mut taken_in = BTreeSet::new();
        for chunk in chunks(&new) {
            let insert =
                chunk.iter().fold(INSERT_OF_SUBJECTS.sql(&self.on, chunk.len()), |sql: Sql, (subject, record)| {
                    sql.bind(organization.as_str())
                        .bind(*subject)
                        .bind(record.version)
                        .bind(record.data_key_version)
                        .bind(record.wrapped.as_deref())
                        .bind(now)
                });
            for row in self.on.write(insert).await? {
                taken_in.insert(row.get("subject")?);
            }
        }
        Ok(taken_in)
    }

    /// Destroys every key of the organization and of its subjects. Answers how many of the organization's went.
    pub async fn destroy_all(&mut self, organization: &OrganizationId, now: Timestamp) -> Result<u64, Error> {
        let subjects = sql("UPDATE subject_keys SET wrapped = NULL, destroyed_at = $2
             WHERE organization_id = $1 AND destroyed_at IS NULL");
        self.on.write(subjects.bind(organization.as_str()).bind(now)).await?;
        let keys = sql("UPDATE data_keys SET wrapped = NULL, destroyed_at = $2
             WHERE organization_id = $1 AND destroyed_at IS NULL RETURNING version");
        Ok(self.on.write(keys.bind(organization.as_str()).bind(now)).await?.len() as u64)
    }

    /// Destroys every key of one subject. Answers how many went.
    pub async fn destroy_subject(
        &mut self,
        organization: &OrganizationId,
        subject: &str,
        now: Timestamp,
    ) -> Result<u64, Error> {
        let keys = sql("UPDATE subject_keys SET wrapped = NULL, destroyed_at = $3
             WHERE organization_id = $1 AND subject = $2 AND destroyed_at IS NULL RETURNING version");
        Ok(self.on.write(keys.bind(organization.as_str()).bind(subject).bind(now)).await?.len() as u64)
    }
}

fn version(row: &Row, column: &str) -> Result<u32, Error> {
    let found = row.count(column)?;
    u32::try_from(found).map_err(|_| Error::corrupt(format!("column {column}: {found}")))
}

fn master_key(row: &Row) -> Result<MasterKeyRecord, Error> {
    Ok(MasterKeyRecord {
        id: row.get("master_key_id")?,
        created_at: row.time("created_at")?,
        retired_at: row.time_or_none("retired_at")?,
    })
}

fn data_key(row: &Row) -> Result<DataKeyRecord, Error> {
    Ok(DataKeyRecord {
        organization: stored(OrganizationId::parse, &row.get::<String>("organization_id")?)?,
        version: version(row, "version")?,
        master_key_id: row.get("master_key_id")?,
        wrapped: row.get("wrapped")?,
        created_at: row.time("created_at")?,
        destroyed_at: row.time_or_none("destroyed_at")?,
    })
}

fn subject_key(row: &Row) -> Result<SubjectKeyRecord, Error> {
    Ok(SubjectKeyRecord {
        version: version(row, "version")?,
        data_key_version: version(row, "data_key_version")?,
        wrapped: row.get("wrapped")?,
        destroyed_at: row.time_or_none("destroyed_at")?,
    })
}
