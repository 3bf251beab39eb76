//! The one question every model answers: these rows, which class, how sure.

use std::sync::atomic::{AtomicU64, Ordering};

use assize_tables::{Cancel, Cancelled, Table};

use crate::explain::Contributions;

/// Why a model could not be read, trained or asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The rows do not fit the inputs of the model.
    #[error("the model needs {expected}, the data has {found}")]
    Input {
        /// What the model needs.
        expected: String,
        /// What the data has.
        found: String,
    },
    /// The file cannot be read as a model.
    #[error("{0}")]
    Unreadable(String),
    /// Nothing can be learned from these rows.
    #[error("a model cannot be trained: {0}")]
    Untrainable(String),
    /// The process that held the model had to be ended, or ended itself: its memory, its time, a crash.
    #[error("{0}")]
    Stopped(String),
    /// No process that could hold a model can be started: a fault of the machine, not of the file.
    #[error("{0}")]
    Unavailable(String),
    /// Stopped from outside.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

/// One input column of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feature {
    /// Column name; `None` when the model knows only positions.
    pub name: Option<String>,
    /// What it holds.
    pub kind: FeatureKind,
}

/// What an input column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeatureKind {
    /// Numbers.
    Numeric,
    /// Texts.
    Categorical,
    /// Either: the model does not say.
    Any,
}

/// Answers for a batch of rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Predictions {
    /// Class names in the order of the probabilities.
    pub classes: Vec<String>,
    /// Index into `classes`, one a row.
    pub labels: Vec<u32>,
    /// Row-major `rows x classes`, as the library gives them: finite, and from 0 to 1 but for objectives of XGBoost
    /// that leave them raw; `None` when the model gives no probabilities.
    pub probabilities: Option<Vec<f64>>,
}

/// One of several things that a model says of each row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Class names; empty where the target is a number.
    pub classes: Vec<String>,
    /// As [`Predictor::classes_are_texts`].
    pub classes_are_texts: bool,
}

/// Answers about one target.
#[derive(Debug, Clone, PartialEq)]
pub enum TargetAnswer {
    /// Of a target with classes.
    Classes(Predictions),
    /// One number a row.
    Values(Vec<f64>),
}

/// A model that can be asked. Implementations are pure: the same rows give the same answer, on any thread.
pub trait Predictor: Send + Sync {
    /// Input columns, in order.
    fn features(&self) -> &[Feature];

    /// Class names; empty for a regressor.
    fn classes(&self) -> &[String];

    /// Whether the classes are texts: the text "1" and the number 1 have the same name.
    fn classes_are_texts(&self) -> bool {
        false
    }

    /// What it is, for people: library, class, version.
    fn description(&self) -> String;

    /// Answers for all rows. Columns are found by name, or by position when the model has no names.
    fn predict(&self, table: &Table, cancel: &Cancel) -> Result<Predictions, Error>;

    /// Values a regressor gives for all rows; `None` for a classifier.
    fn values(&self, _table: &Table, _cancel: &Cancel) -> Result<Option<Vec<f64>>, Error> {
        Ok(None)
    }

    /// The targets of a model that says several things of each row. It answers by [`Predictor::answers`] only; every
    /// other model has none here.
    fn targets(&self) -> &[Target] {
        &[]
    }

    /// Answers for all rows, one for each of [`Predictor::targets`].
    fn answers(&self, _table: &Table, _cancel: &Cancel) -> Result<Vec<TargetAnswer>, Error> {
        Err(Error::Unreadable(format!("{}: the model answers one target", self.description())))
    }

    /// What each column of `table` contributes to the score of a class in its first `explained` rows, exactly, against
    /// the rows after them (at most [`BACKGROUND_ROWS_MAX`](crate::explain::BACKGROUND_ROWS_MAX)); `None` from a model
    /// that can only be asked.
    ///
    /// # Errors
    /// As [`Predictor::predict`].
    fn contributions(
        &self,
        _table: &Table,
        _explained: usize,
        _class: usize,
        _cancel: &Cancel,
    ) -> Result<Option<Contributions>, Error> {
        Ok(None)
    }
}

/// Counts how many rows a model was asked.
#[derive(Debug)]
pub struct Counted<P> {
    inner: P,
    rows: AtomicU64,
}

impl<P: Predictor> Counted<P> {
    /// Wraps a model; the count starts at zero.
    pub fn new(inner: P) -> Self {
        Self { inner, rows: AtomicU64::new(0) }
    }

    /// Rows asked so far.
    pub fn queries(&self) -> u64 {
        self.rows.load(Ordering::Relaxed)
    }
}

impl<P: Predictor> Predictor for Counted<P> {
    fn features(&self) -> &[Feature] {
        self.inner.features()
    }

    fn classes(&self) -> &[String] {
        self.inner.classes()
    }

    fn classes_are_texts(&self) -> bool {
        self.inner.classes_are_texts()
    }

    fn description(&self) -> String {
        self.inner.description()
    }

    fn predict(&self, table: &Table, cancel: &Cancel) -> Result<Predictions, Error> {
        self.rows.fetch_add(table.rows as u64, Ordering::Relaxed);
        self.inner.predict(table, cancel)
    }

    fn values(&self, table: &Table, cancel: &Cancel) -> Result<Option<Vec<f64>>, Error> {
        self.rows.fetch_add(table.rows as u64, Ordering::Relaxed);
        self.inner.values(table, cancel)
    }

    fn targets(&self) -> &[Target] {
        self.inner.targets()
    }

    fn answers(&self, table: &Table, cancel: &Cancel) -> Result<Vec<TargetAnswer>, Error> {
        self.rows.fetch_add(table.rows as u64, Ordering::Relaxed);
        self.inner.answers(table, cancel)
    }

    fn contributions(
        &self,
        table: &Table,
        explained: usize,
        class: usize,
        cancel: &Cancel,
    ) -> Result<Option<Contributions>, Error> {
        self.rows.fetch_add(table.rows as u64, Ordering::Relaxed);
        self.inner.contributions(table, explained, class, cancel)
    }
}
