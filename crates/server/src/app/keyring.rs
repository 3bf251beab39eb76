//! The private half of the signing key: one PEM file, made at the first start, replaced by a rotation.
//!
//! A rotation must survive being killed between its two effects (the new key on disk, the old one retired in the
//! database): the new key is first written beside the old one as `NAME.next`; when the database says that the key in
//! force is the one in `.next`, the file is moved into place, whoever looks first.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use assize_attestation::SigningKey;

use super::error::AppError;
use super::random::Random;

/// Bytes of a key file: a PKCS #8 PEM of Ed25519 has under 200.
const KEY_FILE_BYTES_MAX: u64 = 4096;

/// Where the private key lies.
#[derive(Debug, Clone)]
pub(crate) struct Keyring {
    path: PathBuf,
}

impl Keyring {
    /// The key file that the configuration names, or `keys/signing.pem` in the home.
    pub(crate) fn new(home: &Path, key_file: Option<&Path>) -> Self {
        Self { path: key_file.map_or_else(|| home.join("keys/signing.pem"), Path::to_path_buf) }
    }

    /// The key in the file; `None` when there is no file yet.
    pub(crate) fn load(&self) -> Result<Option<SigningKey>, AppError> {
        read(&self.path)
    }

    /// The key that is in force by the database: the one in the file, or the one that a killed rotation left in
    /// `.next`, which is then moved into place.
    pub(crate) fn load_in_force(&self, key_id: &str) -> Result<SigningKey, AppError> {
        if let Some(key) = self.load()?
            && key.public_key().key_id() == key_id
        {
            return Ok(key);
        }
        match read(&self.next())? {
            Some(key) if key.public_key().key_id() == key_id => {
                self.finish_rotation()?;
                Ok(key)
            }
            _ => Err(AppError::internal(format!(
                "the signing key in force is {key_id}, but {} holds another; restore it from the backup",
                self.path.display()
            ))),
        }
    }

    /// Makes a key and writes it to the file, which must not exist.
    pub(crate) fn create(&self, random: &dyn Random) -> Result<SigningKey, AppError> {
        let key = generate(random)?;
        write(&self.path, &key)?;
        Ok(key)
    }

    /// Makes the next key and writes it beside the one in force.
    pub(crate) fn prepare_rotation(&self, random: &dyn Random) -> Result<SigningKey, AppError> {
        let next = self.next();
        // Left by a rotation that was killed before the database knew of it: nobody trusts it, so it goes.
        if next.exists() {
            std::fs::remove_file(&next).map_err(|error| unusable(&next, &error))?;
        }
        let key = generate(random)?;
        write(&next, &key)?;
        Ok(key)
    }

    /// Moves the next key into place.
    pub(crate) fn finish_rotation(&self) -> Result<(), AppError> {
        std::fs::rename(self.next(), &self.path).map_err(|error| unusable(&self.path, &error))?;
        sync_folder(&self.path)
    }

    fn next(&self) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(".next");
        PathBuf::from(name)
    }
}

fn generate(random: &dyn Random) -> Result<SigningKey, AppError> {
    let mut seed = [0; 32];
    random.fill(&mut seed).map_err(AppError::internal)?;
    Ok(SigningKey::from_seed(&seed))
}

fn read(path: &Path) -> Result<Option<SigningKey>, AppError> {
    let size = match path.metadata() {
        Ok(metadata) => metadata.len(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unusable(path, &error)),
    };
    if size > KEY_FILE_BYTES_MAX {
        return Err(unusable(path, &"it is too large to be a key"));
    }
    let pem = std::fs::read_to_string(path).map_err(|error| unusable(path, &error))?;
    SigningKey::from_pkcs8_pem(&pem).map(Some).map_err(|error| unusable(path, &error))
}

/// Writes a key for the owner's eyes only, and makes sure that it is on disk before anybody trusts it.
fn write(path: &Path, key: &SigningKey) -> Result<(), AppError> {
    let write = || -> anyhow::Result<()> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        file.write_all(key.to_pkcs8_pem().as_bytes())?;
        file.sync_all()?;
        Ok(())
    };
    write()
        .with_context(|| format!("the signing key cannot be written to {}", path.display()))
        .map_err(AppError::Internal)?;
    sync_folder(path)
}

fn sync_folder(path: &Path) -> Result<(), AppError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(|error| unusable(folder, &error))
}

fn unusable(path: &Path, error: &dyn std::fmt::Display) -> AppError {
    AppError::Internal(anyhow::anyhow!("the signing key file {} cannot be used: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::super::random::SystemRandom;
    use super::*;

    #[test]
    fn a_key_is_made_once_and_read_again() {
        let home = tempfile::tempdir().unwrap();
        let keyring = Keyring::new(home.path(), None);
        assert!(keyring.load().unwrap().is_none());
        let key = keyring.create(&SystemRandom).unwrap();
        let mode = home.path().join("keys/signing.pem").metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(keyring.load().unwrap().unwrap().public_key(), key.public_key());
        assert!(keyring.create(&SystemRandom).is_err(), "a key is never overwritten");
    }

    #[test]
    fn a_rotation_killed_at_either_point_is_finished_or_forgotten() {
        let home = tempfile::tempdir().unwrap();
        let keyring = Keyring::new(home.path(), None);
        let old = keyring.create(&SystemRandom).unwrap().public_key().key_id();
        let forgotten = keyring.prepare_rotation(&SystemRandom).unwrap().public_key().key_id();
        assert_eq!(keyring.load_in_force(&old).unwrap().public_key().key_id(), old);
        let next = keyring.prepare_rotation(&SystemRandom).unwrap().public_key().key_id();
        assert_ne!(next, forgotten);
        // Killed after the database was told: whoever loads next moves the file.
        assert_eq!(keyring.load_in_force(&next).unwrap().public_key().key_id(), next);
        assert_eq!(keyring.load().unwrap().unwrap().public_key().key_id(), next);
        assert!(keyring.load_in_force(&old).is_err());
    }

    #[test]
    fn a_file_that_is_no_key_is_an_error_that_names_it() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("key.pem");
        std::fs::write(&path, "not a key").unwrap();
        let error = Keyring::new(home.path(), Some(&path)).load().unwrap_err();
        assert!(error.to_string().contains("key.pem"), "{error}");
    }
}
