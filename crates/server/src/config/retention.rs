//! `[retention]`: how long things are kept, unless an organization says otherwise.

use serde::{Deserialize, Serialize};

use super::Problems;

/// Days per kind of data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Retention {
    /// Days that ended jobs stay listed.
    pub jobs_days: u32,
    /// Days that interactions are kept.
    pub interactions_days: u32,
}

impl Default for Retention {
    fn default() -> Self {
        Self { jobs_days: 90, interactions_days: 365 }
    }
}

impl Retention {
    pub(super) fn validate(&self, problems: &mut Problems) {
        problems.within(u64::from(self.jobs_days), 0, 36_500, "retention.jobs_days");
        problems.within(u64::from(self.interactions_days), 0, 36_500, "retention.interactions_days");
    }
}
