//! `[vault]`: the key that seals stored texts and files.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{Problems, Secret};

/// Where the master key comes from.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Vault {
    /// File of the master key; without it one is made in the home at the first start.
    pub master_key_file: Option<PathBuf>,
    /// The master key itself, as `assize master-key generate` writes it; then no file is read.
    pub master_key: Option<Secret>,
}

impl Vault {
    pub(super) fn validate(&self, problems: &mut Problems) {
        problems.require(
            self.master_key.is_none() || self.master_key_file.is_none(),
            "vault.master_key",
            "set this or vault.master_key_file, not both",
        );
    }
}
