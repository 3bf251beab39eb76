//! The spool: where files lie while they are received or read. Each process has a folder of its own in the home, holds
//! a lock on it, and removes it when it ends. The rows of people in it must not outlive a process that was killed, so
//! whoever opens a spool first removes the folders whose lock nobody holds any more.

use std::fs::{DirBuilder, File, TryLockError};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::random::Random;

/// The folder of this process; removed when dropped.
#[derive(Debug)]
pub(super) struct Spool {
    folder: PathBuf,
    /// Held as long as the process lives, however it ends.
    _lock: File,
}

impl Spool {
    /// A new folder in `spool/` of the home, after what dead processes left there is gone.
    pub(super) fn open(home: &Path, random: &dyn Random) -> anyhow::Result<Self> {
        let parent = home.join("spool");
        let opened = || -> anyhow::Result<Self> {
            make(&parent)?;
            // Nobody looks for dead folders while another has made its own and not locked it yet.
            let guard = File::open(&parent)?;
            guard.lock()?;
            sweep(&parent)?;
            let mut name = [0; 8];
            random.fill(&mut name)?;
            let folder = parent.join(hex::encode(name));
            make(&folder)?;
            let lock = File::open(&folder)?;
            lock.lock()?;
            Ok(Self { folder, _lock: lock })
        };
        opened()
            .with_context(|| format!("the spool {} cannot be used; choose another home with --home", parent.display()))
    }

    /// Where it is.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.folder) {
            tracing::warn!("the spool {} was not removed: {error}", self.folder.display());
        }
    }
}

/// Removes folders that no living process holds, and loose files.
fn sweep(parent: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(parent)? {
        let entry = entry?;
        if !entry.file_type()?.is_dir() {
            std::fs::remove_file(entry.path())?;
            continue;
        }
        match File::open(entry.path())?.try_lock() {
            Ok(()) => std::fs::remove_dir_all(entry.path())?,
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
    Ok(())
}

/// A folder for the owner's eyes only.
fn make(folder: &Path) -> std::io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(test)]
mod tests {
    use super::super::random::SystemRandom;
    use super::*;

    #[test]
    fn what_dead_processes_left_goes_and_what_living_ones_hold_stays() {
        let home = tempfile::tempdir().unwrap();
        let living = Spool::open(home.path(), &SystemRandom).unwrap();
        std::fs::write(living.folder().join("upload"), "rows").unwrap();
        let dead = home.path().join("spool/dead");
        std::fs::create_dir(&dead).unwrap();
        std::fs::write(dead.join("upload"), "rows").unwrap();
        std::fs::write(home.path().join("spool/loose"), "rows").unwrap();
        let next = Spool::open(home.path(), &SystemRandom).unwrap();
        assert!(living.folder().join("upload").exists());
        assert!(!dead.exists() && !home.path().join("spool/loose").exists());
        assert_ne!(next.folder(), living.folder());
        drop((living, next));
        assert_eq!(std::fs::read_dir(home.path().join("spool")).unwrap().count(), 0);
    }
}
