//! Model files in, predictor out, never executing them; and a random forest of our own.
//!
//! Everything that can be asked for decisions implements [`Predictor`]: it takes a [`Table`](assize_tables::Table) and
//! answers with [`Predictions`]. Audits, attacks and assessments know nothing else of a model.

pub mod arrays;
pub mod explain;
pub mod forest;
mod open;
mod parallel;
mod pickle;
mod predictor;
mod random;
pub mod sandbox;
pub mod scan;
mod sklearn;

pub use open::open;
pub use pickle::Limits;
pub use predictor::{Counted, Error, Feature, FeatureKind, Predictions, Predictor, Target, TargetAnswer};
pub use scan::{Finding, Scan, Severity, scan};
