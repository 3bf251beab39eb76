//! `[webhooks]`: where an organization may have itself told of what happens.

use serde::{Deserialize, Serialize};

use super::Problems;

/// Webhooks lead to public addresses over https; everything else is allowed here, host by host.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Webhooks {
    /// Hosts or addresses that webhooks may lead to although they are private, also over http.
    pub allow_private: Vec<String>,
}

impl Webhooks {
    pub(super) fn validate(&self, problems: &mut Problems) {
        let good = |host: &String| !host.is_empty() && !host.contains(['/', ' ', '*']);
        problems.require(
            self.allow_private.iter().all(good),
            "webhooks.allow_private",
            "must list host names or addresses as a URL writes them, e.g. [\"hooks.internal\", \"10.0.0.7\"]",
        );
    }
}
