//! The keys of one organization and of many of its subjects, for one batch: read with a few questions to the database
//! instead of some for each text. Drop it with its batch: whoever keeps keys goes on using them after they are destroyed.

use std::collections::BTreeMap;

use assize_store::data_keys::SubjectKeyRecord;
use assize_store::{OrganizationId, Unit};
use jiff::Timestamp;
use secrecy::ExposeSecret as _;
use sha2::{Digest as _, Sha256};

use super::super::error::AppError;
use super::super::random::Random;
use super::envelope::{self, Holder, Key, Place, TextHeader};
use super::{Vault, subject_erased, unwrap_subject_key, wrap_subject_key};

/// The newest keys.
pub(crate) struct BatchKeys {
    organization: OrganizationId,
    own: (u32, Key),
    subjects: BTreeMap<String, (u32, Key)>,
}

impl Vault {
    /// The newest key of an organization, made when there is none; not to be called while a unit is open.
    pub(crate) async fn batch_keys(&self, organization: &OrganizationId) -> Result<BatchKeys, AppError> {
        let own = self.newest(organization).await?;
        Ok(BatchKeys { organization: organization.clone(), own, subjects: BTreeMap::new() })
    }

    /// Adds the newest keys of subjects that have one.
    pub(crate) async fn add_subjects(&self, keys: &mut BatchKeys, subjects: &[&str]) -> Result<(), AppError> {
        let records = self.store.data_keys().newest_of_subjects(&keys.organization, subjects).await?;
        for (subject, record) in records {
            if record.destroyed_at.is_none() {
                let key = self.unwrap_of_batch(keys, &subject, &record).await?;
                keys.subjects.insert(subject, (record.version, key));
            }
        }
        Ok(())
    }

    /// Makes keys, in `unit`, for subjects that have none. `false` when another process was faster: drop the unit and
    /// begin anew.
    pub(crate) async fn make_subjects(
        &self,
        unit: &mut Unit,
        keys: &mut BatchKeys,
        subjects: &[&str],
        now: Timestamp,
    ) -> Result<bool, AppError> {
        let missing: Vec<&str> =
            subjects.iter().filter(|subject| !keys.subjects.contains_key(**subject)).copied().collect();
        if missing.is_empty() {
            return Ok(true);
        }
        let known = unit.data_keys().newest_of_subjects(&keys.organization, &missing).await?;
        let mut records = Vec::with_capacity(missing.len());
        for subject in missing {
            let version = known.get(subject).map_or(1, |record| record.version + 1);
            let key = envelope::generate(self.random.as_ref()).map_err(AppError::internal)?;
            let own = (keys.own.0, &keys.own.1);
            let named = (subject, version);
            let record = wrap_subject_key(own, &keys.organization, named, &key, self.random.as_ref())?;
            records.push((subject, record));
            keys.subjects.insert(subject.to_owned(), (version, key));
        }
        let made = unit.data_key_writer().insert_of_subjects(&keys.organization, &records, now).await?;
        Ok(made.len() == records.len())
    }

    async fn unwrap_of_batch(
        &self,
        keys: &BatchKeys,
        subject: &str,
        record: &SubjectKeyRecord,
    ) -> Result<Key, AppError> {
        if record.data_key_version != keys.own.0 {
            return self.unwrap_subject_key(&keys.organization, subject, record).await;
        }
        unwrap_subject_key(&keys.own.1, &keys.organization, subject, record)
    }

    /// Opens a text with the keys of a batch or, when it was sealed with an older one, as [`Vault::open_sealed`].
    ///
    /// # Errors
    /// As [`Vault::open_sealed`].
    pub(crate) async fn open_of_batch(
        &self,
        keys: &BatchKeys,
        place: &Place<'_>,
        sealed: &[u8],
    ) -> Result<Vec<u8>, AppError> {
        let header = TextHeader::read(sealed);
        let key = header.and_then(|header| match (header.holder, place.subject) {
            (Holder::Organization, _) => (keys.own.0 == header.version).then_some(&keys.own.1),
            (Holder::Subject, Some(subject)) => {
                keys.subjects.get(subject).filter(|(version, _)| *version == header.version).map(|(_, key)| key)
            }
            (Holder::Subject, None) => None,
        });
        match key.map(|key| envelope::open_text(key, place, sealed)) {
            Some(Ok(text)) => Ok(text),
            // Says what is wrong.
            Some(Err(_)) | None => self.open_sealed(place, sealed).await,
        }
    }

    /// Secret bytes of an organization for another purpose than sealing, the same until its oldest key is destroyed.
    ///
    /// # Errors
    /// `Unavailable` when the database does not answer; `Internal` when the master key is not at hand.
    pub(crate) async fn derived(&self, keys: &BatchKeys, purpose: &str) -> Result<[u8; 32], AppError> {
        let (newest, key) = &keys.own;
        for version in 1..*newest {
            let record = self.store.data_keys().find(&keys.organization, version).await?;
            if let Some(record) = record.filter(|record| record.destroyed_at.is_none()) {
                return Ok(derive(&self.unwrap(&record).await?, purpose));
            }
        }
        Ok(derive(key, purpose))
    }
}

impl BatchKeys {
    /// Seals a text for its place, with the subject's key when the place names one.
    ///
    /// # Errors
    /// `Internal` when there is no entropy, or the subject's key is not among these.
    pub(crate) fn seal(&self, random: &dyn Random, place: &Place<'_>, text: &[u8]) -> Result<Vec<u8>, AppError> {
        let (holder, (version, key)) = match place.subject {
            None => (Holder::Organization, &self.own),
            Some(subject) => {
                let key = self.subjects.get(subject);
                (Holder::Subject, key.ok_or_else(subject_erased)?)
            }
        };
        let header = TextHeader { holder, version: *version };
        envelope::seal_text(key, header, place, text, random).map_err(AppError::internal)
    }
}

fn derive(key: &Key, purpose: &str) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(envelope::associated(b"assize derived key v1", &[purpose.as_bytes(), key.expose_secret()]));
    hasher.finalize().into()
}
