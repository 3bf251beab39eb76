//! Asking the audited model again about changed rows: one interface over our own forest and a model file.
//!
//! The forest answers from binned columns and walks again only the trees that a change concerns; a model file is asked
//! with changed copies of the table.

use assize_models::forest::{Binned, Change, Forest, NewBins};
use assize_models::{Feature, Predictor};
use assize_tables::{Cancel, Column, ColumnData, Table};

use super::Error;

/// What one column becomes.
#[derive(Debug, Clone)]
pub(crate) enum NewValues {
    /// The same text in every row.
    Text(String),
    /// One number a row.
    Numbers(Vec<f64>),
    /// One code a row, into the levels of the column.
    Codes(Vec<u32>),
}

/// A change of one column.
#[derive(Debug, Clone)]
pub(crate) struct Replacement {
    pub(crate) column: String,
    pub(crate) values: NewValues,
}

/// Decisions, and scores when the model gives them.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answers {
    pub(crate) decisions: Vec<u8>,
    pub(crate) scores: Option<Vec<f64>>,
}

/// A model with the rows it is asked about.
pub(crate) enum Asker<'a> {
    /// Our forest.
    Forest { forest: &'a Forest, rows: Binned, table: Table },
    /// A model that was handed in; `positive` is the index of the favourable class.
    Model { model: &'a dyn Predictor, table: Table, positive: usize },
}

/// A score at which the decision is favourable.
pub(crate) const DECISION_THRESHOLD: f64 = 0.5;

impl Asker<'_> {
    /// The rows asked about.
    pub(crate) fn table(&self) -> &Table {
        match self {
            Self::Forest { table, .. } | Self::Model { table, .. } => table,
        }
    }

    /// Whether the model reads a column.
    pub(crate) fn reads(&self, column: &str) -> bool {
        match self {
            Self::Forest { rows, .. } => rows.binner().index(column).is_some(),
            Self::Model { model, .. } => {
                let named = |feature: &Feature| feature.name.as_deref() == Some(column);
                model.features().iter().all(|feature| feature.name.is_none()) || model.features().iter().any(named)
            }
        }
    }

    /// Answers for the rows as they are, then for each set of changes.
    pub(crate) fn ask(&self, changes: &[Vec<Replacement>], cancel: &Cancel) -> Result<Vec<Answers>, Error> {
        match self {
            Self::Forest { forest, rows, table } => ask_forest(forest, rows, table, changes, cancel),
            Self::Model { model, table, positive } => {
                let mut answers = vec![ask_model(*model, table, *positive, cancel)?];
                for replacements in changes {
                    cancel.check()?;
                    let changed = replaced(table, replacements);
                    answers.push(ask_model(*model, &changed, *positive, cancel)?);
                }
                Ok(answers)
            }
        }
    }
}

fn ask_forest(
    forest: &Forest,
    rows: &Binned,
    table: &Table,
    changes: &[Vec<Replacement>],
    cancel: &Cancel,
) -> Result<Vec<Answers>, Error> {
    let binned: Vec<Vec<(usize, BinnedValues)>> = changes
        .iter()
        .map(|replacements| {
            let bins = |replacement: &Replacement| {
                let feature = rows.binner().index(&replacement.column)?;
                Some((feature, BinnedValues::of(rows, feature, table, replacement)))
            };
            replacements.iter().filter_map(bins).collect()
        })
        .collect();
    let borrowed: Vec<Vec<Change<'_>>> = binned
        .iter()
        .map(|values| values.iter().map(|(feature, bins)| Change { feature: *feature, bins: bins.borrow() }).collect())
        .collect();
    let asks: Vec<&[Change<'_>]> = borrowed.iter().map(Vec::as_slice).collect();
    let scores = forest.score_changes(rows, &asks, cancel)?;
    Ok(scores.into_iter().map(answers_of_scores).collect())
}

fn answers_of_scores(scores: Vec<f64>) -> Answers {
    let decisions = scores.iter().map(|score| u8::from(*score >= DECISION_THRESHOLD)).collect();
    Answers { decisions, scores: Some(scores) }
}

enum BinnedValues {
    Same(u8),
    Each(Vec<u8>),
}

impl BinnedValues {
    fn of(rows: &Binned, feature: usize, table: &Table, replacement: &Replacement) -> Self {
        let binner = rows.binner();
        match &replacement.values {
            NewValues::Text(text) => Self::Same(binner.bin_of_level(feature, text)),
            NewValues::Numbers(values) => {
                Self::Each(values.iter().map(|value| binner.bin_of_number(feature, *value)).collect())
            }
            NewValues::Codes(codes) => {
                let levels = match table.column(&replacement.column).map(|column| &column.data) {
                    Some(ColumnData::Categorical { levels, .. }) => levels.as_slice(),
                    _ => &[],
                };
                let bins: Vec<u8> = levels.iter().map(|level| binner.bin_of_level(feature, level)).collect();
                let missing = assize_models::forest::MISSING_BIN;
                Self::Each(codes.iter().map(|code| bins.get(*code as usize).copied().unwrap_or(missing)).collect())
            }
        }
    }

    fn borrow(&self) -> NewBins<'_> {
        match self {
            Self::Same(bin) => NewBins::Same(*bin),
            Self::Each(bins) => NewBins::Each(bins),
        }
    }
}

/// Asks a model and reads its answer as favourable or not.
pub(crate) fn ask_model(
    model: &dyn Predictor,
    table: &Table,
    positive: usize,
    cancel: &Cancel,
) -> Result<Answers, Error> {
    let predictions = model.predict(table, cancel)?;
    let decisions = predictions.labels.iter().map(|label| u8::from(*label as usize == positive)).collect();
    let classes = predictions.classes.len();
    let scores = predictions
        .probabilities
        .map(|probabilities| probabilities.chunks_exact(classes).map(|row| row[positive].clamp(0.0, 1.0)).collect());
    Ok(Answers { decisions, scores })
}

/// A copy of the table with the columns replaced; a column that the table lacks is ignored.
fn replaced(table: &Table, replacements: &[Replacement]) -> Table {
    let change = |column: &Column| {
        let Some(replacement) = replacements.iter().find(|replacement| replacement.column == column.name) else {
            return column.clone();
        };
        Column { name: column.name.clone(), data: new_data(&column.data, &replacement.values) }
    };
    Table { columns: table.columns.iter().map(change).collect(), rows: table.rows }
}

fn new_data(old: &ColumnData, values: &NewValues) -> ColumnData {
    match (old, values) {
        (_, NewValues::Numbers(values)) => ColumnData::Numeric(values.clone()),
        // The column holds this text in every row, known to the data or not.
        (ColumnData::Categorical { codes, .. }, NewValues::Text(text)) => {
            ColumnData::Categorical { codes: vec![0; codes.len()], levels: vec![text.clone()] }
        }
        (ColumnData::Numeric(old), NewValues::Text(text)) => {
            ColumnData::Numeric(vec![text.parse().unwrap_or(f64::NAN); old.len()])
        }
        (ColumnData::Categorical { levels, .. }, NewValues::Codes(codes)) => {
            ColumnData::Categorical { codes: codes.clone(), levels: levels.clone() }
        }
        (ColumnData::Numeric(old), NewValues::Codes(_)) => ColumnData::Numeric(old.clone()),
    }
}
