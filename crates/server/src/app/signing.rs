//! Which key signs now, and which signed before: the private half from the [`Keyring`], the public halves from the
//! database. The database decides: every signature is made inside a transaction that has read the list of keys, so
//! that a process that slept through a rotation never signs with a retired key.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use assize_attestation::{PublicKey, SigningKey, TrustedKey, TrustedKeys};
use assize_store::signing_keys::SigningKeyRecord;
use assize_store::{Store, Unit};
use jiff::Timestamp;

use super::error::AppError;
use super::keyring::Keyring;
use super::private_file::PrivateFile;
use super::random::Random;
use crate::clock::Clock;
use crate::config::Config;

/// The signing key of this installation.
pub(super) struct Signing {
    keyring: Keyring,
    current: Mutex<Arc<SigningKey>>,
    origin: String,
}

impl Signing {
    /// Loads the key in force; on a new installation makes one and makes it known.
    pub(super) async fn open(
        config: &Config,
        store: &Store,
        clock: &dyn Clock,
        random: &dyn Random,
    ) -> Result<Self, AppError> {
        let keyring = Keyring::new(&config.storage.home, config.signing.key_file.as_deref());
        let mut unit = store.begin().await?;
        // Two processes that start on an empty database must not both make a key.
        unit.log_writer().lock().await?;
        let records = unit.signing_keys().list().await?;
        let key = match in_force(&records) {
            Some(record) => keyring.load_in_force(&record.key_id)?,
            None => {
                let key = match keyring.load()? {
                    Some(key) => key,
                    None => keyring.create(random)?,
                };
                let public = key.public_key();
                let since = whole_second(clock.now());
                unit.signing_keys().put(&public.key_id(), &public.to_pem(), since).await?;
                key
            }
        };
        unit.commit().await?;
        Ok(Self { keyring, current: Mutex::new(Arc::new(key)), origin: config.signing.origin.clone() })
    }

    /// The file with the private key.
    pub(super) fn key_file(&self) -> &PrivateFile {
        self.keyring.file()
    }

    /// Name of the log, the first line of its checkpoints.
    pub(super) fn origin(&self) -> &str {
        &self.origin
    }

    /// The key to sign with inside `unit`, by the database's word, and the time to sign for: now in whole seconds, as
    /// documents say it, but never before the key was in force.
    pub(super) async fn key(
        &self,
        unit: &mut Unit,
        clock: &dyn Clock,
    ) -> Result<(Arc<SigningKey>, Timestamp), AppError> {
        let records = unit.signing_keys().list().await?;
        let record = in_force(&records).ok_or_else(|| AppError::internal("no signing key is in force"))?;
        let at = whole_second(clock.now()).max(record.valid_from);
        let current = self.current();
        if current.public_key().key_id() == record.key_id {
            return Ok((current, at));
        }
        let key = Arc::new(self.keyring.load_in_force(&record.key_id)?);
        *self.current.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Arc::clone(&key);
        Ok((key, at))
    }

    /// The next key, on disk beside the one in force.
    pub(super) fn prepare_rotation(&self, random: &dyn Random) -> Result<SigningKey, AppError> {
        self.keyring.prepare_rotation(random)
    }

    /// The next key as it was prepared before, and where its file lies.
    pub(super) fn prepared(&self) -> Result<(Option<SigningKey>, PathBuf), AppError> {
        Ok((self.keyring.prepared()?, self.keyring.next_path()))
    }

    /// Signs with the next key from now on: the database says so already.
    pub(super) fn finish_rotation(&self, next: SigningKey) {
        self.keyring.finish_rotation_if_possible();
        *self.current.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Arc::new(next);
    }

    /// The keys that a verifier of this installation's certificates trusts.
    pub(super) async fn trusted(&self, store: &Store) -> Result<TrustedKeys, AppError> {
        trusted_keys(store, &self.origin).await
    }

    fn current(&self) -> Arc<SigningKey> {
        Arc::clone(&self.current.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }
}

/// The keys of an installation, for whoever verifies what they signed.
pub(super) async fn trusted_keys(store: &Store, origin: &str) -> Result<TrustedKeys, AppError> {
    let records = store.signing_keys().list().await?;
    let keys = records
        .iter()
        .map(|record| {
            Ok(TrustedKey {
                key: PublicKey::from_pem(&record.public_pem)?,
                valid_from: Some(record.valid_from),
                retired_at: record.retired_at,
                final_log_size: record.final_log_size,
            })
        })
        .collect::<Result<Vec<_>, assize_attestation::Error>>()
        .map_err(AppError::internal)?;
    Ok(TrustedKeys::new(keys, Some(origin.to_owned())))
}

/// Times in documents have whole seconds.
fn whole_second(now: Timestamp) -> Timestamp {
    Timestamp::from_second(now.as_second()).expect("a timestamp's own second is in range")
}

/// The one key that is not retired.
pub(super) fn in_force(records: &[SigningKeyRecord]) -> Option<&SigningKeyRecord> {
    records.iter().rev().find(|record| record.retired_at.is_none())
}
