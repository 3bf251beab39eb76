//! Folders for data that is nobody else's business.

use std::fs::DirBuilder;
use std::path::Path;

/// Makes a folder and its missing parents for their owner alone. Folders that exist keep their mode.
pub(crate) fn create_private(path: &Path) -> std::io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}
