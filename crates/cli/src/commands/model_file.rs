//! Model files on the command line: opened behind walls, and what can go wrong with them.

use std::fs::File;
use std::path::Path;

use assize_models::Error;
use assize_models::sandbox::Sandbox;

use crate::outcome::BadInput;

/// Starts children of this program.
pub(crate) fn sandbox(threads: Option<usize>) -> anyhow::Result<Sandbox> {
    let threads = threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, std::num::NonZero::get));
    Ok(Sandbox::of_this_program(threads)?)
}

/// A regular file, opened; a pipe would keep us waiting for ever.
pub(crate) fn open(path: &Path) -> anyhow::Result<File> {
    let unreadable = |error| BadInput(format!("{} cannot be read: {error}", path.display()));
    if !path.metadata().map_err(unreadable)?.is_file() {
        return Err(BadInput(format!("{} is not a file", path.display())).into());
    }
    Ok(File::open(path).map_err(unreadable)?)
}

/// The name that messages use.
pub(crate) fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// What the file or the rows are to blame for is bad input; what the machine is to blame for is a failure.
pub(crate) fn blame(error: Error) -> anyhow::Error {
    match error {
        Error::Unavailable(_) | Error::Cancelled(_) => error.into(),
        other => BadInput(other.to_string()).into(),
    }
}
