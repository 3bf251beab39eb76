//! `[metrics]`: what monitoring may read at `/internal/metrics`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};

use super::{Network, Problems, Secret};

/// Shortest token, bytes: what 128 random bits have in hexadecimal.
const TOKEN_BYTES_MIN: usize = 32;

/// Who may read the metrics. They hold numbers and names of routes and kinds of jobs, nothing of any organization.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Metrics {
    /// Whether there is a `/internal/metrics`.
    pub enabled: bool,
    /// Networks whose direct connections may read. What a proxy passes on counts as the client behind it, and without
    /// `server.trusted_proxies` as nobody.
    pub allow: Vec<Network>,
    /// A token that opens it from anywhere: `Authorization: Bearer ...`.
    pub token: Option<Secret>,
}

impl Default for Metrics {
    fn default() -> Self {
        let loopback = [
            Network::new(IpAddr::V4(Ipv4Addr::new(127, 0, 0, 0)), 8),
            Network::new(IpAddr::V6(Ipv6Addr::LOCALHOST), 128),
        ];
        Self { enabled: true, allow: loopback.into(), token: None }
    }
}

impl Metrics {
    pub(super) fn validate(&self, problems: &mut Problems) {
        if let Some(token) = &self.token {
            let long = token.expose().len() >= TOKEN_BYTES_MIN && token.expose().bytes().all(|b| b.is_ascii_graphic());
            problems.require(
                long,
                "metrics.token",
                "must have 32 or more printable characters, e.g. of `openssl rand -hex 32`",
            );
        }
    }
}
