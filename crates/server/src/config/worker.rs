//! `[worker]`: the jobs.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use super::Problems;

/// How jobs are worked off.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Worker {
    /// Address on which `assize worker` answers `/health`, `/ready` and `/internal/metrics`; without it, it listens
    /// nowhere.
    pub listen: Option<SocketAddr>,
    /// Whether `assize serve` works jobs itself.
    pub enabled: bool,
    /// Jobs worked at once.
    pub concurrency: usize,
    /// Threads an audit may use; 0 takes all cores.
    pub threads: usize,
    /// Seconds after which a job whose worker has died is taken over.
    pub lease_s: u64,
}

impl Default for Worker {
    fn default() -> Self {
        Self { listen: None, enabled: true, concurrency: 2, threads: 0, lease_s: 30 }
    }
}

impl Worker {
    pub(super) fn validate(&self, problems: &mut Problems) {
        problems.within(self.concurrency as u64, 1, 1_024, "worker.concurrency");
        problems.within(self.threads as u64, 0, 1_024, "worker.threads");
        problems.within(self.lease_s, 5, 3_600, "worker.lease_s");
    }
}
