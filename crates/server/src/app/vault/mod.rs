//! The vault: what customers hand in is sealed before it is kept, text and files alike.
//!
//! ```text
//! master key ──wraps──► data key of an organization ──seals──► texts, files
//! (file or setting)     (database, versioned)       └─wraps──► key of a subject ──seals──► texts
//! ```
//!
//! [`Vault::seal`] and [`Vault::open`] are for texts and other short bytes in a row; [`files`] is for uploads. The newest
//! data key seals, older ones still open. Destroying an organization's keys, or those of one subject (a person), makes
//! what they sealed unreadable for good, wherever copies of it lie: that is how something is erased from backups too.
//!
//! Invariants: nothing sealed is kept with the key that opens it; a wrapped key is read anew for each operation, so that
//! a key destroyed by another process is not used a moment longer; keys and opened texts are never in a log, an error
//! or an audit row.

mod batch;
mod envelope;
mod files;
mod master;
mod operations;
mod stream;

use std::sync::Arc;

use assize_store::data_keys::{DataKeyRecord, SubjectKeyRecord};
use assize_store::{OrganizationId, Store, Unit};
use zeroize::Zeroizing;

use super::error::AppError;
use super::random::Random;
use crate::clock::Clock;
use crate::config::Config;
use envelope::{Holder, TextHeader, unwrap, wrap};
use master::{Master, MasterKey};

pub(crate) use batch::BatchKeys;
pub use envelope::Place;
pub(crate) use envelope::{Key, open_held, seal_held};
pub(crate) use files::Fetched;

/// How often a key is looked for again when another process changed the keys meanwhile.
const TRIES: u32 = 5;

/// Data keys looked at between two questions to the database.
const PAGE_KEYS: u32 = 200;

/// What opens and seals.
pub struct Vault {
    store: Store,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    master: Master,
}

/// A key that seals for one organization or subject: for who seals many texts at once. A key is destroyed for the whole
/// installation when its row is; whoever keeps one of these in memory goes on sealing with it, so keep it for one batch.
pub struct Sealing {
    header: TextHeader,
    key: Key,
}

impl Sealing {
    /// Seals bytes for their place. The place must be of the organization and subject that the key was asked for.
    ///
    /// # Errors
    /// When there is no entropy.
    pub fn seal(&self, random: &dyn Random, place: &Place<'_>, bytes: &[u8]) -> Result<Vec<u8>, AppError> {
        envelope::seal_text(&self.key, self.header, place, bytes, random).map_err(AppError::internal)
    }
}

impl Vault {
    /// Finds the master key that the database says is in force; on a new installation makes one and makes it known.
    ///
    /// # Errors
    /// `Internal` when the key in force is not at hand; the text says which it is and where it was looked for.
    pub(super) async fn open(
        config: &Config,
        store: &Store,
        clock: &Arc<dyn Clock>,
        random: &Arc<dyn Random>,
    ) -> Result<Self, AppError> {
        let master = Master::new(&config.storage.home, &config.vault);
        let (store, clock, random) = (store.clone(), Arc::clone(clock), Arc::clone(random));
        let vault = Self { store, clock, random, master };
        if vault.store.data_keys().master_in_force().await?.is_none() {
            vault.begin().await?;
        }
        vault.master().await?;
        Ok(vault)
    }

    /// A vault to be looked at: it makes no key.
    pub(super) fn examine(config: &Config, store: &Store, clock: &Arc<dyn Clock>, random: &Arc<dyn Random>) -> Self {
        let master = Master::new(&config.storage.home, &config.vault);
        Self { store: store.clone(), clock: Arc::clone(clock), random: Arc::clone(random), master }
    }

    /// Whether the master key in force is at hand and opens every data key; answers what was looked at.
    pub(super) async fn check_keys(&self) -> Result<String, AppError> {
        let master = self.master().await?;
        let (mut opened, mut destroyed, mut after) = (0_u64, 0_u64, None::<(OrganizationId, u32)>);
        loop {
            let position = after.as_ref().map(|(organization, version)| (organization, *version));
            let page = self.store.data_keys().all(position, PAGE_KEYS).await?;
            let Some(last) = page.last() else { break };
            after = Some((last.organization.clone(), last.version));
            for record in &page {
                match unwrap_data_key(&master, record) {
                    Ok(_) => opened += 1,
                    Err(AppError::Erased { .. }) => destroyed += 1,
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(format!("{} is in force and opens {opened} data keys; {destroyed} are destroyed", master.id))
    }

    /// The first master key.
    async fn begin(&self) -> Result<(), AppError> {
        let mut unit = self.store.begin().await?;
        // Two processes that start on an empty database must not both make a key.
        unit.log_writer().lock().await?;
        if unit.data_keys().master_in_force().await?.is_none() {
            let key = self.master.first(self.random.as_ref())?;
            unit.data_key_writer().put_master(&key.id, self.clock.now()).await?;
        }
        Ok(unit.commit().await?)
    }

    /// The master key as its file holds it; `None` when it comes from the configuration.
    pub(super) fn master_text(&self) -> Result<Option<Zeroizing<String>>, AppError> {
        self.master.file_text()
    }

    /// Seals bytes for their place, with the newest key of the organization or, when the place names one, the subject.
    ///
    /// # Errors
    /// `Unavailable` when the database does not answer; `Internal` when the master key is not at hand.
    pub async fn seal(&self, place: &Place<'_>, bytes: &[u8]) -> Result<Vec<u8>, AppError> {
        let sealing = self.sealing(place.organization, place.subject).await?;
        sealing.seal(self.random.as_ref(), place, bytes)
    }

    /// The newest key of an organization or of a subject of it; made when there is none.
    ///
    /// # Errors
    /// As [`Vault::seal`].
    pub async fn sealing(&self, organization: &OrganizationId, subject: Option<&str>) -> Result<Sealing, AppError> {
        let (holder, (version, key)) = match subject {
            None => (Holder::Organization, self.newest(organization).await?),
            Some(subject) => (Holder::Subject, self.newest_of(organization, subject).await?),
        };
        Ok(Sealing { header: TextHeader { holder, version }, key })
    }

    /// The newest key of an organization, read in a unit; `None` when there is none or it was destroyed. For who seals
    /// in the middle of a unit, where no key can be made.
    pub(crate) async fn sealing_in(
        &self,
        unit: &mut Unit,
        organization: &OrganizationId,
    ) -> Result<Option<Sealing>, AppError> {
        let Some(record) = unit.data_keys().current(organization).await? else { return Ok(None) };
        let master = unit.data_keys().master_in_force().await?;
        let master = master.ok_or_else(|| AppError::internal("the database names no master key"))?;
        let key = unwrap_data_key(self.master.in_force(&master)?.as_ref(), &record)?;
        Ok(Some(Sealing { header: TextHeader { holder: Holder::Organization, version: record.version }, key }))
    }

    /// Opens what was sealed for this place.
    ///
    /// # Errors
    /// `Erased` when the key that sealed it was destroyed; `Internal` when the bytes were changed, belong to another
    /// place, or the master key is not at hand.
    pub async fn open_sealed(&self, place: &Place<'_>, sealed: &[u8]) -> Result<Vec<u8>, AppError> {
        let named = || format!("{} {} of {}", place.purpose, place.id, place.organization);
        let header = TextHeader::read(sealed);
        let header = header.ok_or_else(|| AppError::internal(format!("{} is not a sealed text", named())))?;
        let key = match (header.holder, place.subject) {
            (Holder::Organization, _) => self.data_key(place.organization, header.version).await?,
            (Holder::Subject, Some(subject)) => self.subject_key(place.organization, subject, header.version).await?,
            (Holder::Subject, None) => {
                return Err(AppError::internal(format!("{} is sealed with a subject's key", named())));
            }
        };
        envelope::open_text(&key, place, sealed).map_err(|_| {
            AppError::internal(format!("{} does not open: its bytes were changed or belong elsewhere", named()))
        })
    }

    /// The master key in force.
    async fn master(&self) -> Result<Arc<MasterKey>, AppError> {
        let record = self.store.data_keys().master_in_force().await?;
        let record = record.ok_or_else(|| AppError::internal("the database names no master key"))?;
        self.master.in_force(&record)
    }

    /// The newest data key of an organization with its version; made when there is none or all were destroyed.
    async fn newest(&self, organization: &OrganizationId) -> Result<(u32, Key), AppError> {
        for _ in 0..TRIES {
            let newest = self.store.data_keys().newest(organization).await?;
            match newest.as_ref().filter(|record| record.destroyed_at.is_none()) {
                Some(record) => match self.unwrap(record).await {
                    Ok(key) => return Ok((record.version, key)),
                    // Destroyed or wrapped anew between the two looks.
                    Err(AppError::Erased { .. }) => {}
                    Err(error) => return Err(error),
                },
                None => drop(self.add_version(organization, newest.map_or(0, |newest| newest.version)).await?),
            }
        }
        Err(AppError::Unavailable { retry_after_s: 1 })
    }

    /// The data key of a version.
    async fn data_key(&self, organization: &OrganizationId, version: u32) -> Result<Key, AppError> {
        let record = self.store.data_keys().find(organization, version).await?;
        match record {
            Some(record) => self.unwrap(&record).await,
            None => Err(AppError::internal(format!("{organization} has no data key of version {version}"))),
        }
    }

    async fn unwrap(&self, record: &DataKeyRecord) -> Result<Key, AppError> {
        let master = self.master().await?;
        unwrap_data_key(&master, record)
    }

    /// Makes the version after `newest` of an organization's data key. `false` when another was faster.
    async fn add_version(&self, organization: &OrganizationId, newest: u32) -> Result<bool, AppError> {
        let master = self.master().await?;
        let key = envelope::generate(self.random.as_ref()).map_err(AppError::internal)?;
        let version = newest + 1;
        let mut unit = self.store.begin().await?;
        let wrapped = wrap_data_key(&master, organization, version, &key, self.random.as_ref())?;
        let now = self.clock.now();
        let made = unit.data_key_writer().insert(organization, version, &master.id, &wrapped, now).await?;
        unit.commit().await?;
        Ok(made)
    }

    /// The newest key of a subject with its version; made when there is none or all were destroyed.
    async fn newest_of(&self, organization: &OrganizationId, subject: &str) -> Result<(u32, Key), AppError> {
        for _ in 0..TRIES {
            let newest = self.store.data_keys().newest_of_subject(organization, subject).await?;
            if let Some(record) = newest.as_ref().filter(|record| record.destroyed_at.is_none()) {
                let key = self.unwrap_subject_key(organization, subject, record).await?;
                return Ok((record.version, key));
            }
            let (data_key_version, data_key) = self.newest(organization).await?;
            let key = envelope::generate(self.random.as_ref()).map_err(AppError::internal)?;
            let version = newest.map_or(1, |newest| newest.version + 1);
            let data_key = (data_key_version, &data_key);
            let record = wrap_subject_key(data_key, organization, (subject, version), &key, self.random.as_ref())?;
            let mut unit = self.store.begin().await?;
            let now = self.clock.now();
            let made = unit.data_key_writer().insert_of_subject(organization, subject, &record, now).await?;
            unit.commit().await?;
            if made {
                return Ok((version, key));
            }
        }
        Err(AppError::Unavailable { retry_after_s: 1 })
    }

    /// The key of a subject of a version.
    async fn subject_key(&self, organization: &OrganizationId, subject: &str, version: u32) -> Result<Key, AppError> {
        let record = self.store.data_keys().find_of_subject(organization, subject, version).await?;
        match record {
            Some(record) => self.unwrap_subject_key(organization, subject, &record).await,
            None => Err(AppError::internal(format!("a subject of {organization} has no key of version {version}"))),
        }
    }

    async fn unwrap_subject_key(
        &self,
        organization: &OrganizationId,
        subject: &str,
        record: &SubjectKeyRecord,
    ) -> Result<Key, AppError> {
        // The data key may be destroyed too: then the subject's own key is what is gone.
        if record.wrapped.is_none() {
            return Err(subject_erased());
        }
        let data_key = self.data_key(organization, record.data_key_version).await?;
        unwrap_subject_key(&data_key, organization, subject, record)
    }
}

/// Wraps a data key for its organization and version.
fn wrap_data_key(
    master: &MasterKey,
    organization: &OrganizationId,
    version: u32,
    key: &Key,
    random: &dyn Random,
) -> Result<Vec<u8>, AppError> {
    let version = version.to_be_bytes();
    wrap(&master.key, key, &[b"data key", organization.as_str().as_bytes(), &version], random)
        .map_err(AppError::internal)
}

/// Opens a data key with the master key that wraps it.
fn unwrap_data_key(master: &MasterKey, record: &DataKeyRecord) -> Result<Key, AppError> {
    let DataKeyRecord { organization, version, .. } = record;
    let wrapped = record.wrapped.as_deref().ok_or(AppError::Erased { what: "the organization's data" })?;
    let fields: [&[u8]; 3] = [b"data key", organization.as_str().as_bytes(), &version.to_be_bytes()];
    unwrap(&master.key, wrapped, &fields).map_err(|_| {
        AppError::internal(format!(
            "data key {version} of {organization} does not open with master key {}: it is wrapped with {}",
            master.id, record.master_key_id
        ))
    })
}

/// Wraps a version of a subject's key with a version of its organization's.
fn wrap_subject_key(
    (data_key_version, data_key): (u32, &Key),
    organization: &OrganizationId,
    (subject, version): (&str, u32),
    key: &Key,
    random: &dyn Random,
) -> Result<SubjectKeyRecord, AppError> {
    let number = version.to_be_bytes();
    let wrapped = wrap(data_key, key, &subject_fields(organization, subject, &number), random);
    let wrapped = Some(wrapped.map_err(AppError::internal)?);
    Ok(SubjectKeyRecord { version, data_key_version, wrapped, destroyed_at: None })
}

/// Opens a subject's key with the data key that wraps it.
fn unwrap_subject_key(
    data_key: &Key,
    organization: &OrganizationId,
    subject: &str,
    record: &SubjectKeyRecord,
) -> Result<Key, AppError> {
    let wrapped = record.wrapped.as_deref().ok_or_else(subject_erased)?;
    let number = record.version.to_be_bytes();
    unwrap(data_key, wrapped, &subject_fields(organization, subject, &number))
        .map_err(|_| AppError::internal(format!("the key of a subject of {organization} does not open")))
}

fn subject_erased() -> AppError {
    AppError::Erased { what: "this person's data" }
}

fn subject_fields<'a>(organization: &'a OrganizationId, subject: &'a str, version: &'a [u8; 4]) -> [&'a [u8]; 4] {
    [b"subject key", organization.as_str().as_bytes(), subject.as_bytes(), version]
}

#[cfg(test)]
mod tests;
