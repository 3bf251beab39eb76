//! One AI interaction in, findings out: personal data, secrets, safety, regulations, redaction, risk. Pure: no clock,
//! no files, no network; the same interaction and rules give the same audit.
//!
//! How an audit goes: each side is read once (`detect`: what a person would see, with every byte mapped back; one automaton
//! over all words that matter; encoded runs decoded), personal data and secrets are proposed, checked and settled (`pii`,
//! `secrets`), names come from the [`tagger`], hazards from the classifiers in [`safety`] and from rules (`hazards`,
//! `evidence`), facts are held against the catalogues of law (`regulations`), the findings are weighed (`risk`), and safe
//! versions are made and scanned again until nothing shows (`redact`).
//!
//! What must always hold:
//! - Time and memory are linear in the texts, whatever they hold. No text panics.
//! - Spans are given in UTF-8 bytes and in code points of the original, never overlap within one list, and lie on character
//!   boundaries.
//! - Results are no verdicts: a law "may be engaged"; nothing is shown as met.
//! - A finding by check digits never depends on a learned model.

mod audit;
mod detect;
pub mod document;
mod evidence;
mod explain;
mod facts;
mod finding;
mod hazards;
mod interaction;
mod names;
mod opinion;
mod pii;
mod redact;
mod regulations;
mod risk;
mod rules;
pub mod safety;
mod secrets;
pub mod tagger;
mod text;
pub mod tokens;
pub mod training;
pub mod weights;
mod words;

pub use audit::{Audit, Engine, Redacted};
pub use evidence::Evidence;
pub use finding::{Finding, Proof, Span};
pub use hazards::{HAZARDS, Hazard, LabelScore, SafetyIssue};
pub use interaction::{Format, Interaction, Side, Text};
pub use opinion::Opinion;
pub use pii::{Category, Kind};
pub use redact::restore;
pub use regulations::{Country, Regulation, Severity, Violation};
pub use risk::{FORMULA_VERSION, Risk, Status, Term};
pub use rules::{ENGINE_VERSION, RULES_VERSION, Rules};

/// Every entity type that can be reported: personal data, then credentials.
pub fn kinds() -> Vec<Kind> {
    let mut kinds = pii::kinds().to_vec();
    kinds.extend(secrets::kinds());
    kinds
}

/// Values of a type, made up, that the engine recognises: for documentation.
pub fn examples(kind: &str) -> Vec<&'static str> {
    pii::examples(kind)
}
