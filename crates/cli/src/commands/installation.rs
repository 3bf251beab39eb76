//! Opening the installation that a command works on.

use std::sync::Arc;

use assize_server::app::{App, SystemRandom};
use assize_server::clock::SystemClock;
use assize_server::config::Config;

use crate::outcome::BadInput;

/// A runtime for commands that end: two threads wait, the work runs on the blocking pool.
pub(crate) fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    // What the storage said stands in a warning: an answer to a client says less.
    crate::logging::warn();
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?)
}

/// Opens it with the real clock and the real randomness.
pub(crate) async fn open(config: Config) -> anyhow::Result<App> {
    Ok(App::open(config, Arc::new(SystemClock), Arc::new(SystemRandom)).await?)
}

/// A name for this process among the workers of a shared database; no two living ones share it.
pub(crate) fn worker_name() -> anyhow::Result<String> {
    let mut random = [0; 4];
    assize_server::app::Random::fill(&SystemRandom, &mut random)?;
    let host = std::fs::read_to_string("/etc/hostname").unwrap_or_default();
    Ok(format!("{}-{}-{:08x}", host.trim(), std::process::id(), u32::from_le_bytes(random)))
}

/// Makes sure that no other server works in this home; the lock ends with the process, however it ends.
pub(crate) fn lock(home: &std::path::Path) -> anyhow::Result<std::fs::File> {
    std::fs::create_dir_all(home)
        .map_err(|error| BadInput(format!("--home: {} cannot be made: {error}", home.display())))?;
    let path = home.join("serve.lock");
    let file = std::fs::File::create(&path)
        .map_err(|error| BadInput(format!("--home: {} cannot be written: {error}", path.display())))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => {
            Err(BadInput(format!("{} is served by another process already", home.display())).into())
        }
        Err(std::fs::TryLockError::Error(error)) => Err(error.into()),
    }
}
