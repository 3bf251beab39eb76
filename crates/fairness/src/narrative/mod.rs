//! The measured results told to people: by a template, or by a language model whose every number is checked.
//!
//! Flow: [`template`] always works and is what a certificate holds when nothing else is configured. [`prompt`] is what a
//! language model may be handed: numbers, and names of columns and groups, never a row. [`check`] reads its answer: each
//! number must be one that was measured, near a name that it belongs to; otherwise the answer is rejected with the
//! number, and the template is used.

mod check;
mod facts;
mod numbers;
mod prompt;
mod template;

use serde::Serialize;

pub use check::{CheckedNarrative, Rejection, check};
pub use prompt::prompt;
pub use template::template;

/// `narrative_source` of the deterministic text.
pub const TEMPLATE: &str = "template";

/// A narrative, ready for the certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Narrative {
    /// The text.
    pub text: String,
    /// What to do, one sentence an entry.
    pub checklist: Vec<String>,
    /// [`TEMPLATE`] or the model's name.
    pub source: String,
    /// How it came about.
    pub status: NarrativeStatus,
    /// Numbers in the text that were checked against the measurement.
    pub numbers_checked: u32,
    /// Why an answer of a model was not used.
    pub note: Option<String>,
}

/// How a narrative came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NarrativeStatus {
    /// A language model's answer, checked.
    Ok,
    /// The template: no language model is configured.
    Fallback,
    /// The template: switched off for this audit.
    Disabled,
    /// The template: the language model could not be asked or its answer was rejected.
    Error,
}

impl NarrativeStatus {
    /// As the document spells it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Fallback => "fallback",
            Self::Disabled => "disabled",
            Self::Error => "error",
        }
    }
}

impl Narrative {
    /// The same text, said to have come about in this way, e.g. the template after a rejected answer.
    #[must_use]
    pub fn with_status(mut self, status: NarrativeStatus, note: Option<String>) -> Self {
        self.status = status;
        self.note = note;
        self
    }
}
