//! Estimators of scikit-learn, evaluated natively from what their files hold.
//!
//! Flow: [`read`] takes the inert objects of a pickle; [`registry`] recognises a class by its exact module and name;
//! its reader takes the fitted attributes, checks their shapes, ranges and the parameters that change answers, and
//! makes a [`Classify`](estimator::Classify), [`Regress`](estimator::Regress) or
//! [`Transform`](estimator::Transform). [`Model`] then asks it, a block of rows at a time.
//!
//! Invariants: `predict` gives the label the library gives and probabilities within 1e-9, or the file is refused with
//! the name of the class; a parameter that is not understood is refused, never ignored; the answer does not depend on
//! the number of threads.

mod boosters;
mod calibration;
mod category;
mod centroid;
mod data;
mod encoding;
mod estimator;
mod features;
mod forest;
mod from_model;
mod gaussian_process;
mod gradient_boosting;
mod hist_gradient_boosting;
mod imputing;
mod isolation;
mod kernel;
mod label;
mod linear;
mod meta;
mod metric;
mod multiclass;
mod multioutput;
mod naive_bayes;
mod nearest_imputing;
mod neighbors;
mod neural_network;
mod numeric;
mod pipeline;
mod projecting;
mod registry;
mod regression;
mod scaling;
mod source;
mod sparse;
mod spline;
mod svm;
mod text;
mod threshold;
mod tree;

use std::sync::Arc;

use assize_tables::{Cancel, Column, ColumnData, MISSING, Table};
use rayon::prelude::*;

use crate::explain::against::Asking;
use crate::explain::{Attributions, Contributions};
use crate::pickle::{Limits, Pickle};
use crate::predictor::{Error, Feature, FeatureKind, Predictions, Predictor, Target, TargetAnswer};
pub(crate) use boosters::Library;
use data::Data;
use estimator::{Answer, Classify, Estimator, Regress, Said, Targets};
use label::Label;
use source::{Budget, Source};

/// Most and least rows that pass the whole pipeline together.
const BLOCK_ROWS_MAX: usize = 4096;
const BLOCK_ROWS_MIN: usize = 1;

/// Inputs of a model.
const INPUTS_MAX: usize = 1 << 20;

/// Numbers that the transformers of a pipeline may make of one block.
const BLOCK_CELLS_MAX: usize = 8 << 20;

/// What is asked.
enum Asked {
    Classifier(Box<dyn Classify>),
    Regressor(Box<dyn Regress>),
    Several(Box<dyn Targets>),
}

/// A model of scikit-learn with what it says of its inputs.
struct Model {
    asked: Asked,
    /// Number of inputs; 0 when the file does not say.
    inputs: usize,
    block_rows: usize,
    /// A missing text could be what an imputer fills or a category such as "?" of the encoder behind it.
    missing_texts_unclear: bool,
    features: Vec<Feature>,
    classes: Vec<String>,
    /// Of a model of several.
    targets: Vec<Target>,
    description: String,
}

/// Reads the estimator of a file.
pub(crate) fn read(pickle: &Pickle<'_>, limits: &Limits) -> Result<Box<dyn Predictor>, Error> {
    let budget = Budget::new(limits, pickle.bytes);
    let source = Source::root(pickle.root(), &budget)?;
    let description = description(&source);
    let asked = Asked::of(source.estimator()?)
        .ok_or_else(|| source.refuse("it is a transformer; decisions need a classifier"))?;
    let missing_texts_unclear = budget.missing_texts_are_unclear();
    let (inputs, names) = match (inputs(&source)?, asked.inputs()) {
        ((0, None), Some(known)) => (known.count, known.names),
        (found, _) => found,
    };
    if inputs > INPUTS_MAX {
        return Err(source.refuse(format!("more than {INPUTS_MAX} inputs are not evaluated")));
    }
    Ok(Box::new(Model::new(asked, (inputs, names), budget.made_columns(), missing_texts_unclear, description)))
}

/// Reads a booster from a file of its own.
pub(crate) fn read_booster(library: Library, bytes: &[u8], limits: &Limits) -> Result<Box<dyn Predictor>, Error> {
    let opened = boosters::read_file(library, bytes, limits)?;
    let asked = Asked::of(opened.estimator)
        .ok_or_else(|| Error::Unreadable(format!("{library}: decisions need a classifier or a regressor")))?;
    let inputs = (opened.inputs.count, opened.inputs.names);
    Ok(Box::new(Model::new(asked, inputs, 0, false, opened.description)))
}

impl Asked {
    /// `None` for what only transforms.
    fn of(estimator: Estimator) -> Option<Self> {
        match estimator {
            Estimator::Classifier(classifier) => Some(Self::Classifier(classifier)),
            Estimator::Regressor(regressor) => Some(Self::Regressor(regressor)),
            Estimator::Several(several) => Some(Self::Several(several)),
            Estimator::Transformer(_) => None,
        }
    }

    fn inputs(&self) -> Option<boosters::Inputs> {
        match self {
            Self::Classifier(classifier) => classifier.inputs(),
            Self::Regressor(regressor) => regressor.inputs(),
            Self::Several(several) => several.inputs(),
        }
    }
}

impl Model {
    fn new(
        asked: Asked,
        (inputs, names): (usize, Option<Vec<String>>),
        made_columns: usize,
        missing_texts_unclear: bool,
        description: String,
    ) -> Self {
        let features = match names {
            Some(names) => names.into_iter().map(|name| Feature { name: Some(name), kind: FeatureKind::Any }).collect(),
            None => vec![Feature { name: None, kind: FeatureKind::Any }; inputs],
        };
        let classes = match &asked {
            Asked::Classifier(classifier) => names_of(classifier.classes()),
            Asked::Regressor(_) | Asked::Several(_) => Vec::new(),
        };
        let targets: Vec<Target> = match &asked {
            Asked::Several(several) => several.classes().into_iter().map(target).collect(),
            Asked::Classifier(_) | Asked::Regressor(_) => Vec::new(),
        };
        // Whatever is widest decides how many rows go together.
        let answered = targets.iter().map(|target| target.classes.len().max(1)).sum::<usize>().max(classes.len());
        let widest = made_columns.max(inputs).max(answered).max(1);
        let block_rows = (BLOCK_CELLS_MAX / widest).clamp(BLOCK_ROWS_MIN, BLOCK_ROWS_MAX);
        Self { asked, inputs, block_rows, missing_texts_unclear, features, classes, targets, description }
    }
}

fn names_of(classes: &[Label]) -> Vec<String> {
    classes.iter().map(ToString::to_string).collect()
}

fn are_texts(classes: &[Label]) -> bool {
    classes.iter().any(|class| matches!(class, Label::Text(_)))
}

fn target(classes: &[Label]) -> Target {
    Target { classes: names_of(classes), classes_are_texts: are_texts(classes) }
}

/// Whether a class is one of those that are evaluated.
pub(crate) fn is_known(module: &str, name: &str) -> bool {
    registry::KNOWN.iter().any(|(known_module, known_name, _)| *known_module == module && *known_name == name)
}

/// Number and names of the inputs, from the estimator or from the first step of its pipelines.
fn inputs(source: &Source<'_>) -> Result<(usize, Option<Vec<String>>), Error> {
    let mut current = *source;
    loop {
        if current.has("n_features_in_") {
            let inputs = current.inputs()?;
            let names = current.input_names()?;
            if names.as_ref().is_some_and(|names| names.len() != inputs) {
                return Err(current.refuse("feature_names_in_ has not one name for each input"));
            }
            return Ok((inputs, names));
        }
        match pipeline::first_step(&current) {
            Some(step) => current = step,
            None => return Ok((0, None)),
        }
    }
}

/// Library, class and version; of a pipeline also the class of its last step.
fn description(source: &Source<'_>) -> String {
    let class = |source: &Source<'_>| source.view().class().map_or_else(String::new, |class| class.name.to_string());
    let mut text = class(source);
    if let Some(last) = source.list("steps").ok().and_then(|steps| steps.last()?.items()?.get(1).copied())
        && let Some(last) = last.class()
    {
        text = format!("{text} ending in {}", last.name);
    }
    let version = source.view().attribute("_sklearn_version").and_then(|version| version.text()).unwrap_or("unknown");
    format!("scikit-learn {version} {text}")
}

impl Model {
    /// Positions of the inputs in the table.
    fn columns(&self, table: &Table) -> Result<Vec<usize>, Error> {
        if self.features.iter().any(|feature| feature.name.is_some()) {
            let position = |feature: &Feature| {
                let name = feature.name.as_deref().unwrap_or_default();
                table.columns.iter().position(|column| column.name == name).ok_or_else(|| Error::Input {
                    expected: format!("the column {name:?}"),
                    found: format!("no column of that name among {}", table.columns.len()),
                })
            };
            return self.features.iter().map(position).collect();
        }
        if self.inputs != 0 && table.columns.len() != self.inputs {
            return Err(Error::Input {
                expected: format!("{} columns in the order of its training (it stores no names)", self.inputs),
                found: table.columns.len().to_string(),
            });
        }
        Ok((0..table.columns.len()).collect())
    }
}

impl Model {
    fn check_no_missing_texts(&self, table: &Table, columns: &[usize]) -> Result<(), Error> {
        for column in columns.iter().map(|column| &table.columns[*column]) {
            if matches!(&column.data, ColumnData::Categorical { codes, .. } if codes.contains(&MISSING)) {
                return Err(Error::Input {
                    expected: format!("a text in every cell of the column {:?}", column.name),
                    found: "a missing value, which could be a category of this model or one that it fills".to_owned(),
                });
            }
        }
        Ok(())
    }

    /// The levels of the columns that are read.
    fn levels(table: &Table, columns: &[usize]) -> Vec<Option<Arc<[String]>>> {
        let of = |(at, column): (usize, &Column)| match &column.data {
            ColumnData::Categorical { levels, .. } if columns.contains(&at) => Some(levels.as_slice().into()),
            _ => None,
        };
        table.columns.iter().enumerate().map(of).collect()
    }

    /// Asks about one block of rows after the other, on all threads; the answers are in the order of the rows.
    fn blocks<T: Send>(
        &self,
        table: &Table,
        cancel: &Cancel,
        ask: impl Fn(&Data) -> Result<T, Error> + Send + Sync,
    ) -> Result<Vec<T>, Error> {
        let columns = self.columns(table)?;
        if self.missing_texts_unclear {
            self.check_no_missing_texts(table, &columns)?;
        }
        let levels = Self::levels(table, &columns);
        let starts: Vec<usize> = (0..table.rows).step_by(self.block_rows).collect();
        starts
            .into_par_iter()
            .map(|start| {
                cancel.check()?;
                let end = table.rows.min(start + self.block_rows);
                ask(&Data::from_table(table, &columns, &levels, start, end))
            })
            .collect()
    }
}

impl Model {
    fn unfit(&self, why: &str) -> Error {
        Error::Unreadable(format!("{}: {why}", self.description))
    }

    fn several(&self) -> Error {
        self.unfit(&format!("the model answers {} targets; one is needed here", self.targets.len()))
    }

    /// The blocks of one target, one after the other; `sure` when they come with probabilities.
    fn joined_labels(&self, classes: &[String], sure: bool, blocks: Vec<Answer>) -> Result<Predictions, Error> {
        let mut labels = Vec::new();
        let mut probabilities = sure.then(Vec::new);
        for block in blocks {
            labels.extend(block.labels);
            match (&mut probabilities, block.probabilities) {
                (Some(all), Some(block)) => all.extend(block.values),
                _ => probabilities = None,
            }
        }
        if probabilities.iter().flatten().any(|value: &f64| !value.is_finite()) {
            return Err(self.unfit("a probability is not a finite number"));
        }
        Ok(Predictions { classes: classes.to_vec(), labels, probabilities })
    }

    fn joined_values(&self, blocks: &[Vec<f64>]) -> Result<Vec<f64>, Error> {
        let values = blocks.concat();
        if values.iter().any(|value| !value.is_finite()) {
            return Err(self.unfit("a value is not a finite number"));
        }
        Ok(values)
    }
}

impl Predictor for Model {
    fn features(&self) -> &[Feature] {
        &self.features
    }

    fn classes(&self) -> &[String] {
        &self.classes
    }

    fn classes_are_texts(&self) -> bool {
        let Asked::Classifier(classifier) = &self.asked else { return false };
        are_texts(classifier.classes())
    }

    fn description(&self) -> String {
        self.description.clone()
    }

    fn predict(&self, table: &Table, cancel: &Cancel) -> Result<Predictions, Error> {
        let classifier = match &self.asked {
            Asked::Classifier(classifier) => classifier,
            Asked::Regressor(_) => {
                return Err(self.unfit("it is a regressor; decisions need a classifier"));
            }
            Asked::Several(_) => return Err(self.several()),
        };
        let answers: Vec<Answer> = self.blocks(table, cancel, |data| classifier.answer(data, cancel))?;
        self.joined_labels(&self.classes, classifier.has_probabilities(), answers)
    }

    fn values(&self, table: &Table, cancel: &Cancel) -> Result<Option<Vec<f64>>, Error> {
        let regressor = match &self.asked {
            Asked::Classifier(_) => return Ok(None),
            Asked::Regressor(regressor) => regressor,
            Asked::Several(_) => return Err(self.several()),
        };
        self.joined_values(&self.blocks(table, cancel, |data| regressor.values(data, cancel))?).map(Some)
    }

    fn targets(&self) -> &[Target] {
        &self.targets
    }

    fn contributions(
        &self,
        table: &Table,
        explained: usize,
        class: usize,
        cancel: &Cancel,
    ) -> Result<Option<Contributions>, Error> {
        let Asked::Classifier(classifier) = &self.asked else { return Ok(None) };
        if class >= self.classes.len() || explained >= table.rows || table.rows > self.block_rows {
            return Ok(None);
        }
        let columns = self.columns(table)?;
        if self.missing_texts_unclear {
            self.check_no_missing_texts(table, &columns)?;
        }
        let data = Data::from_table(table, &columns, &Self::levels(table, &columns), 0, table.rows);
        let asking = Asking { explained, rows: table.rows, owners: &columns, players: table.columns.len() };
        let found = classifier.contributions(&data, asking, class, cancel)?;
        let finite =
            |found: &Attributions| found.base.is_finite() && found.values.iter().all(|value| value.is_finite());
        Ok(found.filter(|found| finite(&found.attributions)))
    }

    fn answers(&self, table: &Table, cancel: &Cancel) -> Result<Vec<TargetAnswer>, Error> {
        let Asked::Several(several) = &self.asked else { return Err(self.unfit("the model answers one target")) };
        let mut labels: Vec<Vec<Answer>> = self.targets.iter().map(|_| Vec::new()).collect();
        let mut values: Vec<Vec<Vec<f64>>> = self.targets.iter().map(|_| Vec::new()).collect();
        for block in self.blocks(table, cancel, |data| several.answers(data, cancel))? {
            for (at, said) in block.into_iter().enumerate() {
                match said {
                    Said::Classes(answer) => labels[at].push(answer),
                    Said::Values(block) => values[at].push(block),
                }
            }
        }
        let joined = self.targets.iter().zip(labels).zip(values).map(|((target, labels), values)| {
            if target.classes.is_empty() {
                return self.joined_values(&values).map(TargetAnswer::Values);
            }
            self.joined_labels(&target.classes, true, labels).map(TargetAnswer::Classes)
        });
        joined.collect()
    }
}
