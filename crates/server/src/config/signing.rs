//! `[signing]`: the key that signs certificates and log checkpoints.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::Problems;

/// The signing key and the name of the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Signing {
    /// PKCS #8 PEM file of an Ed25519 key; without it one is made in the home at the first start.
    pub key_file: Option<PathBuf>,
    /// First line of every log checkpoint: the log's name, a schema-less address (C2SP tlog-checkpoint).
    pub origin: String,
}

impl Default for Signing {
    fn default() -> Self {
        Self { key_file: None, origin: "assize.local/log".to_owned() }
    }
}

impl Signing {
    pub(super) fn validate(&self, problems: &mut Problems) {
        let good = !self.origin.is_empty()
            && self.origin.len() <= 200
            && self.origin.chars().all(|c| c.is_ascii_graphic() && c != '+');
        problems.require(good, "signing.origin", "must be 1 to 200 printable ASCII characters without spaces or plus");
    }
}
