//! `[logging]`: what the process says about itself, on standard error.

use serde::{Deserialize, Serialize};

use super::Problems;

/// Format and level of the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Logging {
    /// `auto` writes text to a terminal and JSON elsewhere.
    pub format: LogFormat,
    /// A level, or directives such as `info,assize_server=debug`.
    pub level: String,
}

/// How a log line is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Text on a terminal, JSON elsewhere.
    #[default]
    Auto,
    /// One JSON object a line.
    Json,
    /// For people.
    Text,
}

impl Default for Logging {
    fn default() -> Self {
        Self { format: LogFormat::Auto, level: "info".to_owned() }
    }
}

impl Logging {
    pub(super) fn validate(&self, problems: &mut Problems) {
        problems.require(!self.level.trim().is_empty(), "logging.level", "must be a level, e.g. info");
    }
}
