//! `[storage]`: where everything durable lives.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{Problems, Secret};

/// Database, objects, local files.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Storage {
    /// Folder of the embedded database, stored files, keys and the upload spool.
    pub home: PathBuf,
    /// `postgres://...` for a shared database; without it SQLite in the home.
    pub database_url: Option<Secret>,
    /// Where stored files go, e.g. `file:///srv/assize`; without it the home.
    pub objects_url: Option<String>,
}

impl Default for Storage {
    fn default() -> Self {
        Self { home: PathBuf::from("./assize-home"), database_url: None, objects_url: None }
    }
}

impl Storage {
    pub(super) fn validate(&self, problems: &mut Problems) {
        problems.require(!self.home.as_os_str().is_empty(), "storage.home", "must name a folder");
        if let Some(url) = &self.database_url {
            let known =
                ["postgres://", "postgresql://", "sqlite:"].iter().any(|scheme| url.expose().starts_with(scheme));
            problems.require(known, "storage.database_url", "must start with postgres:// or sqlite:");
        }
    }
}
