//! The private half of the signing key: one PEM file, made at the first start, replaced by a rotation.
//!
//! A rotation must survive being killed between its two effects (the new key on disk, the old one retired in the
//! database): the new key is first written beside the old one as `NAME.next`; when the database says that the key in
//! force is the one in `.next`, the file is moved into place, whoever looks first.

use std::path::{Path, PathBuf};

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
        if let Some(key) = read(&self.file.next())?
            && key.public_key().key_id() == key_id
        {
            self.finish_rotation_if_possible();
            return Ok(key);
        }
        // Another process may have moved the file between the two looks.
        let (path, found) = (self.file.path().display(), self.load()?);
        match found {
            Some(key) if key.public_key().key_id() == key_id => Ok(key),
            Some(_) => Err(AppError::internal(format!(
                "the signing key in force is {key_id}, but {path} holds another; bring the file of the process that \
                 made it, or restore it from the backup"
            ))),
            None => Err(AppError::internal(format!(
                "the signing key in force is {key_id}, but there is no file {path}; processes that share a database share \
                 the key: copy the file of the first one, or name a common one in signing.key_file"
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

    /// The key that was prepared beside the one in force, e.g. to be brought to every machine before it counts.
    pub(crate) fn prepared(&self) -> Result<Option<SigningKey>, AppError> {
        read(&self.file.next())
    }

    /// Where the next key lies until it is in force.
    pub(crate) fn next_path(&self) -> PathBuf {
        self.file.next().path().to_path_buf()
    }

    /// Moves the next key into place. That another process does so first, or that only the operator may write here, is
    /// no failure: the key is read from beside as long as it is in force.
    pub(crate) fn finish_rotation_if_possible(&self) {
        if let Err(error) = self.finish_rotation()
            && self.next_path().exists()
        {
            tracing::warn!("the signing key is used from {}: {error}", self.next_path().display());
        }
    }

    /// Moves the next key into place.
    fn finish_rotation(&self) -> Result<(), AppError> {
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
    fn every_process_finds_a_prepared_key_once_it_is_in_force() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shared.pem");
        let [one, two] = [(); 2].map(|()| Keyring::new(folder.path(), Some(&path)));
        one.create(&SystemRandom).unwrap();
        let next = one.prepare_rotation(&SystemRandom).unwrap().public_key().key_id();
        assert_eq!(two.prepared().unwrap().unwrap().public_key().key_id(), next);
        for keyring in [&two, &one] {
            assert_eq!(keyring.load_in_force(&next).unwrap().public_key().key_id(), next);
        }
        assert!(one.prepared().unwrap().is_none(), "it was moved into place");
        // Whoever loses the race for the move has the key all the same.
        one.finish_rotation_if_possible();
    }

    #[test]
    fn a_process_without_the_key_is_told_to_share_it() {
        let home = tempfile::tempdir().unwrap();
        let error = Keyring::new(home.path(), None).load_in_force("ed25519:other").unwrap_err();
        assert!(error.to_string().contains("signing.key_file"), "{error}");
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
