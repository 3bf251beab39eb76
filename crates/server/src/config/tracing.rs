//! `[tracing]`: OpenTelemetry traces, of builds with the feature `otlp`.

use serde::{Deserialize, Serialize};

use super::Problems;

/// Where traces go. A request and a job are a span each.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Tracing {
    /// Address of a collector that speaks OTLP over HTTP, without a path; without it nothing is traced.
    pub endpoint: Option<String>,
    /// So many of a hundred traces are kept.
    pub sample_percent: u8,
}

impl Default for Tracing {
    fn default() -> Self {
        Self { endpoint: None, sample_percent: 100 }
    }
}

impl Tracing {
    pub(super) fn validate(&self, problems: &mut Problems) {
        if let Some(endpoint) = &self.endpoint {
            problems.http_url(endpoint, "tracing.endpoint");
        }
        problems.within(u64::from(self.sample_percent), 0, 100, "tracing.sample_percent");
    }
}
