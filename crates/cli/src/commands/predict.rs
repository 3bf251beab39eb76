//! `assize predict`: one answer a line, so that a user can hold our reading of a model against the library's.

use std::fs::File;
use std::io::{self, BufWriter, Write};

use anyhow::Context as _;
use assize_models::{Predictions, Predictor};
use assize_tables::{Cancel, Dataset, ReadOptions, Table};
use serde_json::{Value, json};

use super::model_file;
use crate::arguments::PredictOptions;
use crate::outcome::{BadInput, Outcome};

/// Asks and prints.
pub(crate) fn run(options: &PredictOptions) -> anyhow::Result<Outcome> {
    let sandbox = model_file::sandbox(options.threads)?;
    let cancel = Cancel::new();
    let file = model_file::open(&options.model)?;
    let model = sandbox.open(file, &model_file::name(&options.model), &cancel).map_err(model_file::blame)?;
    let table = rows(options, &cancel)?;
    let answers = if model.classes().is_empty() {
        let values = model.values(&table, &cancel).map_err(model_file::blame)?;
        let values = values.with_context(|| format!("{} gives no values", options.model.display()))?;
        Answers::Values(values)
    } else {
        let labels = labels(&model);
        Answers::Classes(model.predict(&table, &cancel).map_err(model_file::blame)?, labels)
    };
    match &options.out {
        None => match print(&answers, options.proba, &mut BufWriter::new(io::stdout().lock())) {
            // Whoever reads has seen enough.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
            printed => printed?,
        },
        Some(path) => {
            let written = File::create(path).and_then(|file| print(&answers, options.proba, &mut BufWriter::new(file)));
            written.map_err(|error| BadInput(format!("--out: {} cannot be written: {error}", path.display())))?;
        }
    }
    Ok(Outcome::Done)
}

/// Only an empty cell is missing: "?" and "NA" are categories to many a model.
fn rows(options: &PredictOptions, cancel: &Cancel) -> anyhow::Result<Table> {
    let path = &options.data;
    let bad = |error: assize_tables::Error| BadInput(format!("--data: {}: {error}", path.display()));
    let arrays = path.extension().is_some_and(|extension| extension == "npz" || extension == "npy");
    if arrays {
        let message = "arrays cannot be read by this version; give the rows as CSV or Parquet, columns by header";
        return Err(BadInput(format!("--data: {}: {message}", path.display())).into());
    }
    drop(model_file::open(path).context("--data")?);
    let read = ReadOptions { missing: vec![String::new()], ..ReadOptions::default() };
    let dataset = Dataset::open(path, &read).map_err(bad)?;
    let profile = dataset.profile(cancel).map_err(bad)?;
    Ok(dataset.load(None, &profile, None, cancel).map_err(bad)?)
}

enum Answers {
    Values(Vec<f64>),
    /// With the classes as JSON.
    Classes(Predictions, Vec<Value>),
}

/// Classes as the library has them: texts, truth values or numbers.
fn labels(model: &dyn Predictor) -> Vec<Value> {
    let typed = |class: &String| match class.as_str() {
        text if model.classes_are_texts() => json!(text),
        "True" => json!(true),
        "False" => json!(false),
        text => serde_json::from_str::<serde_json::Number>(text).map_or_else(|_| json!(text), Value::Number),
    };
    model.classes().iter().map(typed).collect()
}

fn print(answers: &Answers, proba: bool, out: &mut impl Write) -> io::Result<()> {
    match answers {
        Answers::Values(values) => {
            for value in values {
                writeln!(out, "{}", json!({ "label": value }))?;
            }
        }
        Answers::Classes(predictions, labels) => {
            for (row, label) in predictions.labels.iter().enumerate() {
                let label = &labels[*label as usize];
                if proba {
                    let classes = labels.len();
                    let row = predictions.probabilities.as_ref().map(|all| &all[row * classes..(row + 1) * classes]);
                    writeln!(out, "{}", json!({ "label": label, "proba": row }))?;
                } else {
                    writeln!(out, "{}", json!({ "label": label }))?;
                }
            }
        }
    }
    out.flush()
}
