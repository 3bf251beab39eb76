//! `[limits]`: sizes and rates.

use serde::{Deserialize, Serialize};

use super::Problems;

/// Bounds on what one client may send and ask.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Largest dataset file, bytes. It is streamed to disk, never held in memory.
    pub dataset_bytes_max: u64,
    /// Largest model file, bytes.
    pub model_bytes_max: u64,
    /// Largest text field of a form, bytes.
    pub field_bytes_max: u64,
    /// Seconds without a byte after which an upload is given up.
    pub upload_idle_s: u64,
    /// Uploads received at once, over all clients.
    pub uploads_max: usize,
    /// Audits waiting to be worked; more are refused with 503.
    pub queued_audits_max: u64,
    /// Hours for which the answer to a request with an `Idempotency-Key` is remembered.
    pub idempotency_hours: u32,
    /// Event streams open at once, over all clients.
    pub event_streams_max: usize,
    /// Submitted audits, per client address.
    pub audits: Rate,
    /// Other requests that change something, per client address.
    pub writes: Rate,
    /// All other requests, per client address.
    pub reads: Rate,
    /// The same for those who have a key or are signed in, per organization.
    pub organization: ClassRates,
}

/// A rate for each class of requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClassRates {
    /// Submitted audits.
    pub audits: Rate,
    /// Other requests that change something.
    pub writes: Rate,
    /// All other requests.
    pub reads: Rate,
}

impl Default for ClassRates {
    /// An organization has many clients.
    fn default() -> Self {
        Self {
            audits: Rate { per_minute: 600, burst: 300 },
            writes: Rate { per_minute: 6_000, burst: 1_000 },
            reads: Rate { per_minute: 30_000, burst: 3_000 },
        }
    }
}

/// A token bucket: `burst` requests at once, then `per_minute`, evenly spaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// Requests a minute in the long run.
    pub per_minute: u32,
    /// Requests at once.
    pub burst: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            dataset_bytes_max: 4 << 30,
            model_bytes_max: 512 << 20,
            field_bytes_max: 64 << 10,
            upload_idle_s: 30,
            uploads_max: 64,
            queued_audits_max: 1_000,
            idempotency_hours: 24,
            event_streams_max: 256,
            audits: Rate { per_minute: 120, burst: 120 },
            writes: Rate { per_minute: 600, burst: 300 },
            reads: Rate { per_minute: 6_000, burst: 1_000 },
            organization: ClassRates::default(),
        }
    }
}

impl Limits {
    pub(super) fn validate(&self, problems: &mut Problems) {
        problems.within(self.dataset_bytes_max, 1, 1 << 50, "limits.dataset_bytes_max");
        problems.within(self.model_bytes_max, 1, 1 << 40, "limits.model_bytes_max");
        problems.within(self.field_bytes_max, 1, 1 << 20, "limits.field_bytes_max");
        problems.within(self.upload_idle_s, 1, 3_600, "limits.upload_idle_s");
        problems.within(self.uploads_max as u64, 1, 65_536, "limits.uploads_max");
        problems.within(self.queued_audits_max, 1, 10_000_000, "limits.queued_audits_max");
        problems.within(u64::from(self.idempotency_hours), 1, 24 * 365, "limits.idempotency_hours");
        problems.within(self.event_streams_max as u64, 1, 65_536, "limits.event_streams_max");
        for (rate, key) in [
            (self.audits, "limits.audits"),
            (self.writes, "limits.writes"),
            (self.reads, "limits.reads"),
            (self.organization.audits, "limits.organization.audits"),
            (self.organization.writes, "limits.organization.writes"),
            (self.organization.reads, "limits.organization.reads"),
        ] {
            problems.within(u64::from(rate.per_minute), 1, 6_000_000, &format!("{key}.per_minute"));
            problems.within(u64::from(rate.burst), 1, 1_000_000, &format!("{key}.burst"));
        }
    }
}
