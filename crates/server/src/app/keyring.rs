//! The private half of the signing key: one PEM file, made at the first start, replaced by a rotation.
//!
//! A rotation must survive being killed between its two effects (the new key on disk, the old one retired in the
//! database): the new key is first written beside the old one as `NAME.next`; when the database says that the key in
//! force is the one in `.next`, the file is moved into place, whoever looks first.

use std::path::Path;

use assize_attestation::SigningKey;

use super::error::AppError;
use super::private_file::PrivateFile;
use super::random::Random;

/// Where the private key lies.
#[derive(Debug, Clone)]
pub(crate) struct Keyring {
    file: PrivateFile,
}

impl Keyring {
    /// The key file that the configuration names, or `keys/signing.pem` in the home.
    pub(crate) fn new(home: &Path, key_file: Option<&Path>) -> Self {
        let path = key_file.map_or_else(|| home.join("keys/signing.pem"), Path::to_path_buf);
        Self { file: PrivateFile::new("signing key", path) }
    }

    /// The key file itself.
    pub(super) fn file(&self) -> &PrivateFile {
        &self.file
    }

    /// The key in the file; `None` when there is no file yet.
    pub(crate) fn load(&self) -> Result<Option<SigningKey>, AppError> {
        read(&self.file)
    }

    /// The key that is in force by the database: the one in the file, or the one that a killed rotation left in
    /// `.next`, which is then moved into place.
    pub(crate) fn load_in_force(&self, key_id: &str) -> Result<SigningKey, AppError> {
        if let Some(key) = self.load()?
            && key.public_key().key_id() == key_id
        {
            return Ok(key);
        }
        match read(&self.file.next())? {
            Some(key) if key.public_key().key_id() == key_id => {
                self.finish_rotation()?;
                Ok(key)
            }
            _ => Err(AppError::internal(format!(
                "the signing key in force is {key_id}, but {} holds another; restore it from the backup",
                self.file.path().display()
            ))),
        }
    }

    /// Makes a key and writes it to the file, which must not exist.
    pub(crate) fn create(&self, random: &dyn Random) -> Result<SigningKey, AppError> {
        let key = generate(random)?;
        self.file.create(&key.to_pkcs8_pem())?;
        Ok(key)
    }

    /// Makes the next key and writes it beside the one in force.
    pub(crate) fn prepare_rotation(&self, random: &dyn Random) -> Result<SigningKey, AppError> {
        let next = self.file.next();
        // Left by a rotation that was killed before the database knew of it: nobody trusts it, so it goes.
        next.remove()?;
        let key = generate(random)?;
        next.create(&key.to_pkcs8_pem())?;
        Ok(key)
    }

    /// Moves the next key into place.
    pub(crate) fn finish_rotation(&self) -> Result<(), AppError> {
        self.file.replace_by_next()
    }
}

fn generate(random: &dyn Random) -> Result<SigningKey, AppError> {
    let mut seed = [0; 32];
    random.fill(&mut seed).map_err(AppError::internal)?;
    Ok(SigningKey::from_seed(&seed))
}

fn read(file: &PrivateFile) -> Result<Option<SigningKey>, AppError> {
    let Some(pem) = file.read()? else { return Ok(None) };
    SigningKey::from_pkcs8_pem(&pem).map(Some).map_err(|error| file.unusable(&error))
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
