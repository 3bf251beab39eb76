//! Column names must be there, and be different, whatever the format.

use std::collections::HashMap;

use crate::error::Error;
use crate::options::ReadOptions;

/// Checks the names of a file's columns.
pub(crate) fn check(names: &[String], options: &ReadOptions) -> Result<(), Error> {
    if names.len() > options.max_columns {
        return Err(Error::TooManyColumns { found: names.len(), limit: options.max_columns });
    }
    let mut seen = HashMap::new();
    for (index, name) in names.iter().enumerate() {
        if name.is_empty() {
            return Err(Error::UnnamedColumn { position: index + 1 });
        }
        if let Some(first) = seen.insert(name, index) {
            return Err(Error::DuplicateColumn { name: name.clone(), first: first + 1, second: index + 1 });
        }
    }
    Ok(())
}
