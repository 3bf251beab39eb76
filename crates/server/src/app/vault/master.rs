//! The master key: 32 bytes that wrap every data key, from a file (made in the home at the first start, like the signing
//! key) or from the configuration. It is never in the database, which knows its id alone.
//!
//! The database says which master key is in force. A rotation survives being killed at any point: the new key lies
//! beside the old one as `NAME.next` before the database hears of it, and whoever finds that the key in force is the one
//! in `.next` moves it into place.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use assize_store::data_keys::MasterKeyRecord;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret as _, SecretBox};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::super::error::AppError;
use super::super::private_file::PrivateFile;
use super::super::random::Random;
use super::envelope::{self, KEY_BYTES, Key};
use crate::config;

/// What the text of a master key starts with, so that no other secret is taken for one.
const TEXT_PREFIX: &str = "assize-master-key-1:";

/// A master key with its id.
pub(super) struct MasterKey {
    pub(super) id: String,
    pub(super) key: Key,
}

impl MasterKey {
    fn new(key: Key) -> Self {
        let digest =
            Sha256::new().chain_update(b"assize master key id v1").chain_update(key.expose_secret()).finalize();
        // 64 bits name a key well enough; of 256 random bits they tell nothing.
        Self { id: format!("mk_{}", hex::encode(&digest[..8])), key }
    }

    pub(super) fn generate(random: &dyn Random) -> Result<Self, AppError> {
        Ok(Self::new(envelope::generate(random).map_err(AppError::internal)?))
    }

    /// Reads the text form: the prefix and 44 characters of base64.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let encoded = text.trim().strip_prefix(TEXT_PREFIX)?;
        let bytes = Zeroizing::new(STANDARD.decode(encoded).ok()?);
        let bytes: &[u8; KEY_BYTES] = bytes.as_slice().try_into().ok()?;
        Some(Self::new(SecretBox::new(Box::new(*bytes))))
    }

    pub(super) fn to_text(&self) -> Zeroizing<String> {
        let encoded = Zeroizing::new(STANDARD.encode(self.key.expose_secret()));
        Zeroizing::new(format!("{TEXT_PREFIX}{}\n", encoded.as_str()))
    }
}

/// Where the master key comes from.
#[derive(Debug, Clone)]
enum Source {
    File(PrivateFile),
    /// `vault.master_key`.
    Setting(config::Secret),
}

/// The master key of this installation, as far as this process has it.
pub(super) struct Master {
    source: Source,
    current: Mutex<Option<Arc<MasterKey>>>,
}

impl Master {
    /// The key that the configuration holds or names, or `keys/master.key` in the home.
    pub(super) fn new(home: &Path, settings: &config::Vault) -> Self {
        let source = match &settings.master_key {
            Some(secret) => Source::Setting(secret.clone()),
            None => {
                let path = settings.master_key_file.clone().unwrap_or_else(|| home.join("keys/master.key"));
                Source::File(PrivateFile::new("master key", path))
            }
        };
        Self { source, current: Mutex::new(None) }
    }

    /// What the key file holds, when the key comes from one.
    pub(super) fn file_text(&self) -> Result<Option<Zeroizing<String>>, AppError> {
        match &self.source {
            Source::File(file) => Ok(file.read()?.map(Zeroizing::new)),
            Source::Setting(_) => Ok(None),
        }
    }

    /// The key for a database that has none yet: the one that is there, or a new one.
    pub(super) fn first(&self, random: &dyn Random) -> Result<Arc<MasterKey>, AppError> {
        let key = match (self.read()?, &self.source) {
            (Some(key), _) => key,
            (None, Source::Setting(_)) => return Err(not_a_key()),
            (None, Source::File(file)) => {
                let key = MasterKey::generate(random)?;
                file.create(&key.to_text())?;
                key
            }
        };
        Ok(self.keep(key))
    }

    /// The key that is in force by the database.
    pub(super) fn in_force(&self, record: &MasterKeyRecord) -> Result<Arc<MasterKey>, AppError> {
        let kept = self.current.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(key) = kept
            && key.id == record.id
        {
            return Ok(key);
        }
        let found = self.read()?;
        if let Some(key) = found.as_ref().filter(|key| key.id == record.id) {
            return Ok(
                self.keep(MasterKey { id: key.id.clone(), key: SecretBox::new(Box::new(*key.key.expose_secret())) })
            );
        }
        if let Source::File(file) = &self.source
            && let Some(next) = read(&file.next())?
            && next.id == record.id
        {
            file.replace_by_next()?;
            return Ok(self.keep(next));
        }
        Err(self.missing(&record.id, found.as_ref()))
    }

    /// The next key: the one in `new`, or a fresh one beside the one in force.
    pub(super) fn prepare_rotation(&self, new: Option<&Path>, random: &dyn Random) -> Result<MasterKey, AppError> {
        let named = new.map(|path| read(&PrivateFile::new("new master key", path.to_path_buf())));
        match (named.transpose()?, &self.source) {
            (Some(None), _) => Err(AppError::Unprocessable("the file of the new master key does not exist".to_owned())),
            (None, Source::Setting(_)) => Err(AppError::Unprocessable(
                "the master key is set by vault.master_key, which this program cannot change: make the next one with \
                 `assize master-key generate FILE`, rotate with `--new-key FILE`, then set vault.master_key to it"
                    .to_owned(),
            )),
            (Some(Some(key)), Source::Setting(_)) => Ok(key),
            (named, Source::File(file)) => {
                let key = match named.flatten() {
                    Some(key) => key,
                    None => MasterKey::generate(random)?,
                };
                // Left by a rotation that was killed before the database knew of it: it wraps nothing.
                file.next().remove()?;
                file.next().create(&key.to_text())?;
                Ok(key)
            }
        }
    }

    /// Wraps with the next key from now on.
    pub(super) fn finish_rotation(&self, next: MasterKey) -> Result<(), AppError> {
        if let Source::File(file) = &self.source {
            file.replace_by_next()?;
        }
        self.keep(next);
        Ok(())
    }

    fn keep(&self, key: MasterKey) -> Arc<MasterKey> {
        let key = Arc::new(key);
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&key));
        key
    }

    fn read(&self) -> Result<Option<MasterKey>, AppError> {
        match &self.source {
            Source::File(file) => read(file),
            Source::Setting(secret) => MasterKey::parse(secret.expose()).map(Some).ok_or_else(not_a_key),
        }
    }

    /// What to do when the key in force is not at hand.
    fn missing(&self, wanted: &str, found: Option<&MasterKey>) -> AppError {
        let here = match (&self.source, found) {
            (Source::File(file), None) => format!("{} does not exist", file.path().display()),
            (Source::File(file), Some(other)) => format!("{} holds {}", file.path().display(), other.id),
            (Source::Setting(_), other) => {
                format!("vault.master_key is {}", other.map_or("no key", |other| other.id.as_str()))
            }
        };
        AppError::Internal(anyhow::anyhow!(
            "the master key in force is {wanted}, but {here}; restore the file from its backup, or name it in \
             vault.master_key_file or vault.master_key. Without it, stored texts and files cannot be read"
        ))
    }
}

fn read(file: &PrivateFile) -> Result<Option<MasterKey>, AppError> {
    let Some(text) = file.read()?.map(Zeroizing::new) else { return Ok(None) };
    MasterKey::parse(&text).map(Some).ok_or_else(|| file.unusable(&"it holds no master key"))
}

fn not_a_key() -> AppError {
    AppError::Unprocessable(format!(
        "vault.master_key: must be {TEXT_PREFIX} and the base64 of 32 bytes, as `assize master-key generate` writes it"
    ))
}

/// Writes a fresh master key to a new file and answers its id.
pub(super) fn generate_file(path: &Path, random: &dyn Random) -> Result<String, AppError> {
    let key = MasterKey::generate(random)?;
    PrivateFile::new("master key", path.to_path_buf()).create(&key.to_text())?;
    Ok(key.id)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use jiff::Timestamp;

    use super::super::super::random::SystemRandom;
    use super::*;

    fn record(key: &MasterKey) -> MasterKeyRecord {
        MasterKeyRecord { id: key.id.clone(), created_at: Timestamp::UNIX_EPOCH, retired_at: None }
    }

    #[test]
    fn a_key_is_made_once_for_its_owner_and_read_again() {
        let home = tempfile::tempdir().unwrap();
        let settings = config::Vault::default();
        let made = Master::new(home.path(), &settings).first(&SystemRandom).unwrap();
        let mode = home.path().join("keys/master.key").metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(Master::new(home.path(), &settings).first(&SystemRandom).unwrap().id, made.id);
        assert_eq!(Master::new(home.path(), &settings).in_force(&record(&made)).unwrap().id, made.id);
    }

    #[test]
    fn a_missing_or_another_key_is_an_error_that_says_what_to_do() {
        let home = tempfile::tempdir().unwrap();
        let wanted = record(&MasterKey::generate(&SystemRandom).unwrap());
        let settings = config::Vault::default();
        let missing = Master::new(home.path(), &settings).in_force(&wanted).err().unwrap().to_string();
        assert!(missing.contains(&wanted.id) && missing.contains("does not exist"), "{missing}");
        let other = Master::new(home.path(), &settings).first(&SystemRandom).unwrap();
        let mismatch = Master::new(home.path(), &settings).in_force(&wanted).err().unwrap().to_string();
        assert!(mismatch.contains(&wanted.id) && mismatch.contains(&other.id), "{mismatch}");
        std::fs::write(home.path().join("keys/master.key"), "not a key").unwrap();
        let broken = Master::new(home.path(), &settings).in_force(&wanted).err().unwrap().to_string();
        assert!(broken.contains("master.key") && broken.contains("no master key"), "{broken}");
    }

    #[test]
    fn a_rotation_killed_at_either_point_is_finished_or_forgotten() {
        let home = tempfile::tempdir().unwrap();
        let settings = config::Vault::default();
        let master = Master::new(home.path(), &settings);
        let old = record(&master.first(&SystemRandom).unwrap());
        let forgotten = record(&master.prepare_rotation(None, &SystemRandom).unwrap());
        assert_eq!(Master::new(home.path(), &settings).in_force(&old).unwrap().id, old.id);
        let next = record(&master.prepare_rotation(None, &SystemRandom).unwrap());
        assert_ne!(next.id, forgotten.id);
        // Killed after the database was told: whoever asks next moves the file.
        assert_eq!(Master::new(home.path(), &settings).in_force(&next).unwrap().id, next.id);
        assert!(!home.path().join("keys/master.key.next").exists());
        assert!(Master::new(home.path(), &settings).in_force(&old).is_err());
    }

    #[test]
    fn a_key_may_come_from_the_configuration() {
        let home = tempfile::tempdir().unwrap();
        let key = MasterKey::generate(&SystemRandom).unwrap();
        let secret = Some(config::Secret::new(key.to_text().as_str()));
        let settings = config::Vault { master_key: secret, ..config::Vault::default() };
        let master = Master::new(home.path(), &settings);
        assert_eq!(master.first(&SystemRandom).unwrap().id, key.id);
        assert!(!home.path().join("keys").exists(), "nothing is written");
        let refused = master.prepare_rotation(None, &SystemRandom).err().unwrap().to_string();
        assert!(refused.contains("vault.master_key"), "{refused}");
        let file = home.path().join("next.key");
        let id = generate_file(&file, &SystemRandom).unwrap();
        assert_eq!(master.prepare_rotation(Some(&file), &SystemRandom).unwrap().id, id);
    }
}
