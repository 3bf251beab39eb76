//! Where the audited decisions come from: a column of the data, a model that was handed in, or a forest trained here.

use std::sync::Arc;

use assize_models::Predictor;
use assize_models::forest::{Binned, Binner, Forest, ForestOptions, Training, train_binned};
use assize_tables::cells::NONE;
use assize_tables::{Cancel, Table};

use super::asker::ask_model;
use super::frame::{Frame, select_rows};
use super::{Asker, AuditSettings, Error, ModelInput};
use crate::document::ModelSubject;
use crate::forensics::{auc, mix};

/// Trees of the forest that is trained when no model is handed in: as many as scikit-learn's default.
pub(crate) const TREES: u32 = 100;
/// Rows drawn for each of its trees, as a share of the training rows: as many as a full bootstrap has different ones. On
/// UCI Adult the forest ranks a little better for it (AUC 0.9157 instead of 0.9145 over six seeds, accuracy 0.8646
/// instead of 0.8644), and its trees are smaller.
const SAMPLE_SHARE: f64 = 0.632;
/// Share of the rows that are kept from training and judged.
const EVALUATION_SHARE: f64 = 0.3;
/// Columns that a message lists with their positions.
const POSITIONS_LISTED_MAX: usize = 40;
/// Rows of each label below which training and judging is a game of chance.
const ROWS_OF_LABEL_MIN: u64 = 10;

/// The decisions that are judged, row by row.
pub(crate) struct Decisions {
    /// Rows of the frame, ascending.
    pub(crate) rows: Vec<u32>,
    /// One a judged row.
    pub(crate) decisions: Vec<u8>,
    pub(crate) scores: Option<Vec<f64>>,
    pub(crate) source: Source,
}

/// Who decided.
pub(crate) enum Source {
    /// A column of the data.
    Column {
        /// Favourable value of the decision column, when there is one beside or instead of scores.
        favourable: Option<String>,
    },
    /// A model that was handed in; the index of its favourable class.
    Model { positive: usize },
    /// A forest trained on the other rows.
    Forest(Box<Trained>),
}

/// A forest with what it was trained on.
pub(crate) struct Trained {
    pub(crate) forest: Forest,
    /// All rows of the frame.
    pub(crate) binned: Binned,
    pub(crate) training_rows: Vec<u32>,
}

/// Labelled rows, 70 % to train on and 30 % to judge, the same share of each label. Which rows is decided by a hash of
/// seed and row number, so neither the order of the file nor a pattern in it matters.
pub(crate) fn split(frame: &Frame, seed: u64) -> Result<(Vec<u32>, Vec<u32>), Error> {
    let (mut training, mut evaluation) = (Vec::new(), Vec::new());
    for label in [0, 1] {
        let mut rows: Vec<u32> =
            (0..frame.table.rows as u32).filter(|row| frame.labels[*row as usize] == label).collect();
        if (rows.len() as u64) < ROWS_OF_LABEL_MIN {
            let text = if label == 1 { &frame.outcome.positive } else { &frame.outcome.negative };
            return Err(Error::TooFewRows { label: text.clone(), rows: rows.len() as u64, needed: ROWS_OF_LABEL_MIN });
        }
        rows.sort_unstable_by_key(|row| (mix(mix(seed) ^ u64::from(*row)), *row));
        let judged = ((rows.len() as f64 * EVALUATION_SHARE) as usize).max(1);
        evaluation.extend_from_slice(&rows[..judged]);
        training.extend_from_slice(&rows[judged..]);
    }
    training.sort_unstable();
    evaluation.sort_unstable();
    Ok((training, evaluation))
}

/// Trains a forest on one part of the rows and decides the other.
pub(crate) fn train_and_decide(frame: &Frame, settings: &AuditSettings, cancel: &Cancel) -> Result<Decisions, Error> {
    if frame.features.is_empty() {
        return Err(Error::NoFeatures);
    }
    let (training_rows, rows) = split(frame, settings.seed)?;
    let features: Vec<&str> = frame.features.iter().map(String::as_str).collect();
    let training = Training {
        labels: &frame.labels,
        weights: frame.weights.as_deref(),
        rows: Some(&training_rows),
        features: None,
    };
    let options = ForestOptions { sample_share: SAMPLE_SHARE, ..forest_options(settings, TREES) };
    let binner = Arc::new(Binner::fit(&frame.table, &features, &training, options.max_bins)?);
    let binned = binner.apply(&frame.table)?;
    let forest = train_binned(&binned, &training, &options, cancel)?;
    let scores = forest.score(&binned.select(&rows), cancel)?;
    let decisions = scores.iter().map(|score| u8::from(*score >= super::asker::DECISION_THRESHOLD)).collect();
    let trained = Trained { forest, binned, training_rows };
    Ok(Decisions { rows, decisions, scores: Some(scores), source: Source::Forest(Box::new(trained)) })
}

/// How forests of an audit are grown.
pub(crate) fn forest_options(settings: &AuditSettings, trees: u32) -> ForestOptions {
    ForestOptions { trees, seed: settings.seed, threads: settings.threads, ..ForestOptions::default() }
}

/// Asks a model that was handed in about every labelled row.
pub(crate) fn ask(frame: &Frame, model: &ModelInput<'_>, cancel: &Cancel) -> Result<Decisions, Error> {
    check_inputs(&frame.input_names(), model.predictor)?;
    let positive = positive_class(frame, model)?;
    let table = model_table(frame, &labelled(frame));
    let answers =
        ask_model(model.predictor, &table, positive, cancel).map_err(|error| with_columns(error, model, &table))?;
    Ok(Decisions {
        rows: labelled(frame),
        decisions: answers.decisions,
        scores: answers.scores,
        source: Source::Model { positive },
    })
}

fn labelled(frame: &Frame) -> Vec<u32> {
    (0..frame.table.rows as u32).filter(|row| frame.labels[*row as usize] != NONE).collect()
}

/// Holds the inputs of a model against the columns it could read.
pub(crate) fn check_inputs(present: &[String], model: &dyn Predictor) -> Result<(), Error> {
    let wanted = model.features();
    let named: Vec<&String> = wanted.iter().filter_map(|feature| feature.name.as_ref()).collect();
    if named.is_empty() && wanted.len() != present.len() {
        return Err(Error::ModelWidth { needed: wanted.len(), present: present.to_vec() });
    }
    let absent: Vec<String> = named.into_iter().filter(|name| !present.contains(name)).cloned().collect();
    if absent.is_empty() { Ok(()) } else { Err(Error::ModelColumns { absent, present: present.to_vec() }) }
}

/// A model that stores no names speaks of positions: which column stands where is added.
fn with_columns(error: Error, model: &ModelInput<'_>, table: &Table) -> Error {
    let named = model.predictor.features().iter().any(|feature| feature.name.is_some());
    match error {
        Error::Model(assize_models::Error::Input { expected, found }) if !named => {
            let columns = table.columns.iter().enumerate().take(POSITIONS_LISTED_MAX);
            let places: Vec<String> = columns.map(|(at, column)| format!("{} '{}'", at + 1, column.name)).collect();
            let found = format!("{found} (its inputs have no names; the columns stand as {})", places.join(", "));
            Error::Model(assize_models::Error::Input { expected, found })
        }
        other => other,
    }
}

/// The given rows as the model reads them.
pub(crate) fn model_table(frame: &Frame, rows: &[u32]) -> Table {
    let table = frame.model_rows.as_ref().expect("rows were read for the model that was handed in");
    select_rows(table, rows)
}

/// Index of the class that stands for the favourable outcome: spelled as in the data, or 1 of 0 and 1.
fn positive_class(frame: &Frame, model: &ModelInput<'_>) -> Result<usize, Error> {
    let classes = model.predictor.classes();
    let labels: Vec<Option<u8>> = classes.iter().map(|class| frame.outcome.label_of(class)).collect();
    match labels.as_slice() {
        [Some(0), Some(1)] => return Ok(1),
        [Some(1), Some(0)] => return Ok(0),
        _ => {}
    }
    let is = |class: &String, words: [&str; 3]| words.iter().any(|word| class.eq_ignore_ascii_case(word));
    match classes {
        [no, yes] if is(no, ["0", "0.0", "false"]) && is(yes, ["1", "1.0", "true"]) => Ok(1),
        _ => Err(Error::ModelClasses {
            found: classes.to_vec(),
            column: frame.outcome.column.clone(),
            wanted: vec![frame.outcome.positive.clone(), frame.outcome.negative.clone()],
        }),
    }
}

impl Decisions {
    /// Labels of the judged rows.
    pub(crate) fn labels(&self, frame: &Frame) -> Vec<u8> {
        self.rows.iter().map(|row| frame.labels[*row as usize]).collect()
    }

    /// A model that can be asked again about `rows` of the frame; `None` when the decisions are a column.
    pub(crate) fn asker<'a>(
        &'a self,
        frame: &Frame,
        model: Option<&ModelInput<'a>>,
        rows: &[u32],
    ) -> Result<Option<Asker<'a>>, Error> {
        match (&self.source, model) {
            (Source::Forest(trained), _) => Ok(Some(Asker::Forest {
                forest: &trained.forest,
                rows: trained.binned.select(rows),
                table: select_rows(&frame.table, rows),
            })),
            (Source::Model { positive }, Some(model)) => {
                Ok(Some(Asker::Model { model: model.predictor, table: model_table(frame, rows), positive: *positive }))
            }
            _ => Ok(None),
        }
    }

    /// Who decided, for the certificate.
    pub(crate) fn subject(
        &self,
        frame: &Frame,
        settings: &AuditSettings,
        model: Option<&ModelInput<'_>>,
    ) -> ModelSubject {
        match (&self.source, model) {
            (Source::Forest(trained), _) => ModelSubject::TrainedForest {
                training_rows: trained.training_rows.len() as u64,
                evaluation_rows: self.rows.len() as u64,
                trees: TREES,
                auc: self.auc(frame),
                accuracy: self.accuracy(frame),
                features: frame.features.clone(),
            },
            (Source::Model { .. }, Some(model)) => ModelSubject::File {
                name: model.name.to_owned(),
                sha256: model.sha256.to_owned(),
                description: model.predictor.description(),
                features: feature_names(frame, model),
                training_overlap:
                    "unknown: the file does not say which rows it was trained on; on its own training rows a \
                                   model looks better than it is"
                        .to_owned(),
            },
            _ => ModelSubject::PredictionColumn {
                column: settings
                    .prediction_column
                    .clone()
                    .or_else(|| settings.score_column.clone())
                    .unwrap_or_default(),
                score_column: settings.score_column.clone(),
                favourable: match &self.source {
                    Source::Column { favourable } => favourable.clone(),
                    _ => None,
                },
            },
        }
    }

    fn accuracy(&self, frame: &Frame) -> f64 {
        let right =
            self.labels(frame).iter().zip(&self.decisions).filter(|(label, decision)| label == decision).count();
        right as f64 / self.rows.len().max(1) as f64
    }

    fn auc(&self, frame: &Frame) -> Option<f64> {
        let scores = self.scores.as_ref()?;
        let counts = |label: u8| if label == 1 { [0, 1] } else { [1, 0] };
        let mut ranked: Vec<(f64, [u64; 2])> =
            scores.iter().zip(self.labels(frame)).map(|(score, label)| (*score, counts(label))).collect();
        ranked.sort_by(|a, b| a.0.total_cmp(&b.0));
        auc(&ranked)
    }
}

fn feature_names(frame: &Frame, model: &ModelInput<'_>) -> Vec<String> {
    let named: Vec<String> = model.predictor.features().iter().filter_map(|feature| feature.name.clone()).collect();
    if named.is_empty() { frame.input_names() } else { named }
}
