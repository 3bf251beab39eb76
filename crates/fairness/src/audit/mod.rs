//! One audit, from a data file and perhaps a model to everything a certificate holds but its identity.
//!
//! Flow of [`audit`]: the settings are checked against the header; one streaming pass profiles the file; the outcome
//! gets its favourable value ([`outcome`]) and the protected columns their groups ([`groups`]); rows are loaded, all of
//! them or a stated sample ([`frame`]); decisions come from a column, a model file or a forest trained here
//! ([`decisions`]); then the layers: data forensics, fairness metrics over the cells, stress test, computed remedies, and
//! the verdict over all of them.
//!
//! Invariants: the result is a pure function of data, model, settings and version, whatever the number of threads; a
//! model trained here is judged only on rows it has not seen; nothing of a row is in the result.

mod asker;
mod cells;
mod consistency;
mod decisions;
mod describe;
mod error;
mod frame;
mod groups;
mod outcome;
mod retrain;
mod run;
mod settings;

use assize_models::Predictor;
use assize_tables::{Cancel, Dataset};

pub use error::Error;
pub use run::{Prepared, audit, prepare};
pub use settings::{AuditSettings, check_model, check_request};

pub(crate) use asker::{Answers, Asker, NewValues, Replacement, ask_model};
pub(crate) use decisions::{Decisions, Source, Trained, model_table};
pub(crate) use frame::{Frame, QUARTILES, select_rows};
pub(crate) use groups::Groups;

/// What is audited.
#[derive(Clone, Copy)]
pub struct AuditInput<'a> {
    /// The data file, opened.
    pub dataset: &'a Dataset,
    /// SHA-256 of its bytes, lowercase hex ([`Dataset::sha256`]).
    pub dataset_sha256: &'a str,
    /// The model, when one was handed in.
    pub model: Option<&'a ModelInput<'a>>,
}

/// A model that was handed in.
#[derive(Clone, Copy)]
pub struct ModelInput<'a> {
    /// Answers for rows.
    pub predictor: &'a dyn Predictor,
    /// File name without folders.
    pub name: &'a str,
    /// SHA-256 of the file, lowercase hex.
    pub sha256: &'a str,
    /// The data file as the model reads it: opened with only the empty cell as missing ([`MODEL_MISSING`]), because
    /// "?" or "NA" is a category to many a model.
    pub rows: &'a Dataset,
}

/// Spellings of a missing cell in rows that a model is asked about.
pub const MODEL_MISSING: [&str; 1] = [""];

/// Who follows the run and may stop it.
pub trait Watch: Sync {
    /// A step begins; `fraction` of the work, 0 to 1, is done.
    fn step(&self, name: &str, fraction: f64);

    /// The flag that stops the run.
    fn cancel(&self) -> &Cancel;
}

/// Watches nothing: for tests, benches and command lines without progress.
#[derive(Debug, Clone, Default)]
pub struct Unwatched(Cancel);

impl Watch for Unwatched {
    fn step(&self, _name: &str, _fraction: f64) {}

    fn cancel(&self) -> &Cancel {
        &self.0
    }
}
