//! `[passport]`: the certification interface.

use serde::{Deserialize, Serialize};

use super::Problems;

/// Audits and certificates.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Certification {
    /// Whether an audit needs an API key. Looking a certificate up never does.
    pub require_key: bool,
    /// Seconds a synchronous audit may take before it is stopped and answered with 504.
    pub audit_timeout_s: u64,
    /// Seed of an audit that names none.
    pub audit_seed: u64,
    /// Days a certificate is valid.
    pub validity_days: u32,
    /// Days that uploaded data and models are kept after their audit; 0 deletes them when it ends.
    pub retention_days: u32,
}

impl Default for Certification {
    fn default() -> Self {
        Self { require_key: false, audit_timeout_s: 300, audit_seed: 20_260_101, validity_days: 365, retention_days: 0 }
    }
}

impl Certification {
    pub(super) fn validate(&self, problems: &mut Problems) {
        problems.within(self.audit_timeout_s, 1, 86_400, "passport.audit_timeout_s");
        problems.within(u64::from(self.validity_days), 1, 3_650, "passport.validity_days");
        problems.within(u64::from(self.retention_days), 0, 36_500, "passport.retention_days");
        // Certificates are JSON, and JSON numbers are only exact up to 2^53 (RFC 8785 section 3.2.2.3).
        problems.within(self.audit_seed, 0, 1 << 53, "passport.audit_seed");
    }
}
