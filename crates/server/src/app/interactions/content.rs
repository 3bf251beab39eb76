//! What is sealed of an interaction: the two texts as they came, and what the audit found.

use assize_interactions::document::AuditDocument;
use assize_interactions::{Format, Text};
use serde::{Deserialize, Serialize};

use super::super::error::AppError;
use super::submission::Submission;

/// Names the column in the associated data of sealed texts.
pub(super) const CONTENT: &str = "interactions.content";
/// The same for results.
pub(super) const RESULT: &str = "interactions.result";

/// The texts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// What the user sent.
    pub input: Side,
    /// What the assistant answered.
    pub output: Side,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Side {
    /// The raw text.
    pub value: String,
    /// `text` or `json`.
    pub format: String,
    /// Country as typed.
    pub country: String,
}

/// What the audit found, and how long it took.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Findings {
    /// The document.
    pub document: AuditDocument,
    /// Time of the audit, microseconds.
    pub audit_us: u64,
}

impl Content {
    /// The texts of a submission.
    pub(super) fn of(submission: &Submission) -> Self {
        Self { input: Side::of(&submission.input), output: Side::of(&submission.output) }
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("texts serialise to JSON")
    }

    pub(super) fn read(bytes: &[u8]) -> Result<Self, AppError> {
        serde_json::from_slice(bytes).map_err(AppError::internal)
    }
}

impl Side {
    fn of(text: &Text) -> Self {
        let format = match text.format {
            Format::Text => "text",
            Format::Json => "json",
        };
        Self { value: text.value.clone(), format: format.to_owned(), country: text.country.clone() }
    }

    /// As the engine takes it.
    pub(super) fn text(&self) -> Text {
        let format = if self.format == "json" { Format::Json } else { Format::Text };
        Text { value: self.value.clone(), format, country: self.country.clone() }
    }
}
