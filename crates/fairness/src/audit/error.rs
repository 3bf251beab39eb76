//! Why an audit cannot be made. Every text says what was found and what to change: it is what a caller reads.

use assize_tables::Cancelled;

use crate::domains::ThresholdError;

/// Most values and columns that a message lists.
const LISTED_MAX: usize = 20;

/// What stops an audit. Everything but [`Error::Cancelled`] is in the caller's hands.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Columns that the request names are not in the data.
    #[error("the data has no {} {}; its columns are: {}", plural("column", absent.len()), quoted(absent), quoted(present))]
    ColumnsAbsent {
        /// All that are missing, in the order of the request.
        absent: Vec<String>,
        /// Columns of the data.
        present: Vec<String>,
    },
    /// No protected attribute was named.
    #[error("no protected attribute was given; name at least one column, e.g. {hint}")]
    NoProtectedAttributes {
        /// A column of the data that looks like one, or an example.
        hint: String,
    },
    /// One column in two roles that exclude each other.
    #[error("the column '{column}' cannot be both {first} and {second}")]
    ColumnInTwoRoles {
        /// Column.
        column: String,
        /// First role.
        first: &'static str,
        /// Second role.
        second: &'static str,
    },
    /// A setting out of its range.
    #[error("{name}: {message}")]
    Setting {
        /// Name of the setting.
        name: &'static str,
        /// What is allowed.
        message: String,
    },
    /// A threshold override that is none.
    #[error("thresholds: {0}")]
    Threshold(#[from] ThresholdError),
    /// The file has a header and nothing else.
    #[error("the data has no rows")]
    NoRows,
    /// The outcome (or decision) is missing everywhere.
    #[error("the column '{column}' is empty in all {rows} rows")]
    ColumnEmpty {
        /// Column.
        column: String,
        /// Rows of the data.
        rows: u64,
    },
    /// The outcome (or decision) has not exactly two values.
    #[error("the {role} column '{column}' must have exactly two values, it has {distinct}{}", counted(values))]
    NotBinary {
        /// `target` or `prediction`.
        role: &'static str,
        /// Column.
        column: String,
        /// Distinct values, as far as counted, e.g. `73` or `more than 1000`.
        distinct: String,
        /// Up to twenty of them with their rows, most frequent first.
        values: Vec<(String, u64)>,
    },
    /// The favourable value is none of the two.
    #[error("positive_label '{given}' is not a value of the target column '{column}', which has {}", quoted(values))]
    PositiveLabel {
        /// As given.
        given: String,
        /// Target column.
        column: String,
        /// The two values.
        values: Vec<String>,
    },
    /// Predictions are spelled unlike the outcome.
    #[error(
        "the prediction column '{column}' has the values {}, the target has {}; use the same two values in both, or '1' and '0'",
        quoted(found),
        quoted(wanted)
    )]
    PredictionValues {
        /// Prediction column.
        column: String,
        /// Its values.
        found: Vec<String>,
        /// Values of the target.
        wanted: Vec<String>,
    },
    /// Scores are no probabilities.
    #[error("the score column '{column}' must hold numbers from 0 to 1, {found}")]
    Score {
        /// Score column.
        column: String,
        /// What was seen.
        found: String,
    },
    /// Weights are no weights.
    #[error("the weight column '{column}' must hold numbers of at least 0, {found}")]
    Weight {
        /// Weight column.
        column: String,
        /// What was seen.
        found: String,
    },
    /// Nobody to compare with.
    #[error("the protected attribute '{attribute}' has one group only ('{group}'); at least two are needed to compare")]
    OneGroup {
        /// Attribute.
        attribute: String,
        /// Its group.
        group: String,
    },
    /// More groups than a comparison can carry.
    #[error(
        "the protected attribute '{attribute}' has {distinct} values, at most {limit} groups can be compared; \
         put them into fewer classes or bands, or leave the attribute out"
    )]
    TooManyGroups {
        /// Attribute.
        attribute: String,
        /// Values found, e.g. `4211` or `more than 1000`.
        distinct: String,
        /// Most that can be compared.
        limit: usize,
    },
    /// Reference group that does not occur.
    #[error("reference_group: '{attribute}' has no group '{group}'; its groups are: {}", quoted(groups))]
    ReferenceGroup {
        /// Attribute.
        attribute: String,
        /// As given.
        group: String,
        /// Groups of the attribute.
        groups: Vec<String>,
    },
    /// No columns are left to decide on.
    #[error(
        "no column is left to train a model on: besides the target, the data needs at least one column that is neither constant nor an identifier"
    )]
    NoFeatures,
    /// Too little to train and to measure.
    #[error(
        "the data has {rows} rows labelled '{label}'; training a model and measuring it on unseen rows needs at least {needed} \
         rows of each label. Give a prediction_column or a model to audit fewer rows"
    )]
    TooFewRows {
        /// The rarer label.
        label: String,
        /// Its rows.
        rows: u64,
        /// Rows needed of each label.
        needed: u64,
    },
    /// Inputs of the model that the data lacks.
    #[error("the model needs the {} {}, the data has: {}", plural("column", absent.len()), quoted(absent), quoted(present))]
    ModelColumns {
        /// Inputs that are missing.
        absent: Vec<String>,
        /// Columns it could use.
        present: Vec<String>,
    },
    /// Inputs of the model by position do not fit.
    #[error("the model has {needed} unnamed inputs, the data has {} columns besides target and weights: {}", present.len(), quoted(present))]
    ModelWidth {
        /// Inputs.
        needed: usize,
        /// Columns it could use.
        present: Vec<String>,
    },
    /// The model decides something else.
    #[error(
        "the model answers with {}, the target column '{column}' has {}; the audit needs a classifier of the same two classes",
        quoted(found),
        quoted(wanted)
    )]
    ModelClasses {
        /// Classes of the model; empty for a regressor.
        found: Vec<String>,
        /// Target column.
        column: String,
        /// Its values.
        wanted: Vec<String>,
    },
    /// The data file cannot be read.
    #[error("{0}")]
    Data(assize_tables::Error),
    /// The model cannot be asked or trained.
    #[error("{0}")]
    Model(assize_models::Error),
    /// Stopped from outside.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

impl From<assize_models::Error> for Error {
    fn from(error: assize_models::Error) -> Self {
        match error {
            assize_models::Error::Cancelled(cancelled) => Self::Cancelled(cancelled),
            other => Self::Model(other),
        }
    }
}

impl From<assize_tables::Error> for Error {
    fn from(error: assize_tables::Error) -> Self {
        match error {
            assize_tables::Error::Cancelled(cancelled) => Self::Cancelled(cancelled),
            other => Self::Data(other),
        }
    }
}

fn plural(noun: &str, count: usize) -> String {
    if count == 1 { noun.to_owned() } else { format!("{noun}s") }
}

/// `'a', 'b' and 3 more`.
fn quoted(names: &[String]) -> String {
    let mut text: Vec<String> = names.iter().take(LISTED_MAX).map(|name| format!("'{name}'")).collect();
    if names.len() > LISTED_MAX {
        text.push(format!("and {} more", names.len() - LISTED_MAX));
    }
    if text.is_empty() { "nothing".to_owned() } else { text.join(", ") }
}

/// `: 'a' (12 rows), 'b' (3 rows)`; nothing when there are too many to have been counted.
fn counted(values: &[(String, u64)]) -> String {
    let text = |(value, rows): &(String, u64)| format!("'{value}' ({rows} {})", plural("row", *rows as usize));
    let listed: Vec<String> = values.iter().take(LISTED_MAX).map(text).collect();
    if listed.is_empty() { String::new() } else { format!(": {}", listed.join(", ")) }
}
