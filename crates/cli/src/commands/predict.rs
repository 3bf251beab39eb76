//! `assize predict`: one answer a line, so that a user can hold our reading of a model against the library's.

use std::fs::File;
use std::io::{self, BufWriter, Write};

use anyhow::Context as _;
use assize_models::arrays::{Cells, Written, read_arrays, write_arrays};
use assize_models::{Limits, Predictions, Predictor, TargetAnswer};
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
    let table = rows(options, &model, &cancel)?;
    let answers = if !model.targets().is_empty() {
        let targets = model.targets().iter().map(|target| labels(&target.classes, target.classes_are_texts)).collect();
        Answers::Several(model.answers(&table, &cancel).map_err(model_file::blame)?, targets)
    } else if model.classes().is_empty() {
        let values = model.values(&table, &cancel).map_err(model_file::blame)?;
        let values = values.with_context(|| format!("{} gives no values", options.model.display()))?;
        Answers::Values(values)
    } else {
        let labels = labels(model.classes(), model.classes_are_texts());
        Answers::Classes(model.predict(&table, &cancel).map_err(model_file::blame)?, labels)
    };
    match &options.out {
        None => match print(&answers, options.proba, &mut BufWriter::new(io::stdout().lock())) {
            // Whoever reads has seen enough.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
            printed => printed?,
        },
        Some(path) => {
            let as_arrays = path.extension().is_some_and(|extension| extension == "npz");
            let written = File::create(path).map(BufWriter::new).and_then(|mut file| match as_arrays {
                true => write_arrays(&arrays(&answers, options.proba), &mut file),
                false => print(&answers, options.proba, &mut file),
            });
            written.map_err(|error| BadInput(format!("--out: {} cannot be written: {error}", path.display())))?;
        }
    }
    Ok(Outcome::Done)
}

/// Of a CSV or Parquet only an empty cell is missing: "?" and "NA" are categories to many a model. The columns of an
/// array are the model's, in its order.
fn rows(options: &PredictOptions, model: &dyn Predictor, cancel: &Cancel) -> anyhow::Result<Table> {
    let path = &options.data;
    let bad = |error: assize_tables::Error| BadInput(format!("--data: {}: {error}", path.display()));
    if path.extension().is_some_and(|extension| extension == "npz" || extension == "npy") {
        return array_rows(options, model);
    }
    drop(model_file::open(path).context("--data")?);
    let read = ReadOptions { missing: vec![String::new()], ..ReadOptions::default() };
    let dataset = Dataset::open(path, &read).map_err(bad)?;
    let profile = dataset.profile(cancel).map_err(bad)?;
    Ok(dataset.load(None, &profile, None, cancel).map_err(bad)?)
}

/// The rows of a `.npy`, or of the one array that a `.npz` holds.
fn array_rows(options: &PredictOptions, model: &dyn Predictor) -> anyhow::Result<Table> {
    let path = &options.data;
    let blame = |error: String| BadInput(format!("--data: {}: {error}", path.display()));
    let bytes = std::fs::read(path).map_err(|error| blame(error.to_string()))?;
    let mut arrays = read_arrays(&bytes, &Limits::default()).map_err(|error| blame(error.to_string()))?;
    if arrays.len() != 1 {
        let names: Vec<&str> = arrays.iter().map(|array| array.name.as_str()).collect();
        let text = format!("holds {} arrays ({}), and the model takes one", arrays.len(), names.join(", "));
        return Err(blame(text).into());
    }
    let names: Option<Vec<String>> = model.features().iter().map(|feature| feature.name.clone()).collect();
    let table = arrays.remove(0).into_table(names.as_deref()).map_err(|error| blame(error.to_string()))?;
    Ok(table)
}

enum Answers {
    Values(Vec<f64>),
    /// With the classes as JSON.
    Classes(Predictions, Vec<Value>),
    /// Of a model with several targets, with the classes of each.
    Several(Vec<TargetAnswer>, Vec<Vec<Value>>),
}

/// Classes as the library has them: texts, truth values or numbers.
fn labels(classes: &[String], are_texts: bool) -> Vec<Value> {
    let typed = |class: &String| match class.as_str() {
        text if are_texts => json!(text),
        "True" => json!(true),
        "False" => json!(false),
        text => serde_json::from_str::<serde_json::Number>(text).map_or_else(|_| json!(text), Value::Number),
    };
    classes.iter().map(typed).collect()
}

/// The label of a row and its probabilities, if there are any.
fn answer_of(predictions: &Predictions, labels: &[Value], row: usize) -> (Value, Value) {
    let classes = labels.len();
    let probabilities = predictions.probabilities.as_ref().map(|all| &all[row * classes..(row + 1) * classes]);
    (labels[predictions.labels[row] as usize].clone(), json!(probabilities))
}

/// The answers as arrays: what is said of each row, the classes in the order of their probabilities, and those.
fn arrays(answers: &Answers, proba: bool) -> Vec<Written> {
    match answers {
        Answers::Values(values) => vec![floats("out_label", values)],
        Answers::Classes(predictions, labels) => of_classes(predictions, labels, proba, ""),
        Answers::Several(answers, classes) => {
            let of_target = |(target, (answer, classes)): (usize, (&TargetAnswer, &Vec<Value>))| match answer {
                TargetAnswer::Values(values) => vec![floats(&format!("out_label_{target}"), values)],
                TargetAnswer::Classes(predictions) => of_classes(predictions, classes, proba, &format!("_{target}")),
            };
            answers.iter().zip(classes).enumerate().flat_map(of_target).collect()
        }
    }
}

fn floats(name: &str, values: &[f64]) -> Written {
    Written { name: name.to_owned(), shape: vec![values.len()], cells: Cells::Floats(values.to_vec()) }
}

fn of_classes(predictions: &Predictions, labels: &[Value], proba: bool, ending: &str) -> Vec<Written> {
    let said: Vec<&Value> = predictions.labels.iter().map(|label| &labels[*label as usize]).collect();
    let array = |name: &str, values: Vec<&Value>| Written {
        name: format!("{name}{ending}"),
        shape: vec![values.len()],
        cells: cells(labels, &values),
    };
    let mut arrays = vec![array("out_label", said), array("out_classes", labels.iter().collect())];
    if let Some(probabilities) = predictions.probabilities.as_ref().filter(|_| proba) {
        let shape = vec![predictions.labels.len(), labels.len()];
        let cells = Cells::Floats(probabilities.clone());
        arrays.push(Written { name: format!("out_proba{ending}"), shape, cells });
    }
    arrays
}

/// Values of the narrowest type that holds all classes.
fn cells(classes: &[Value], values: &[&Value]) -> Cells {
    if classes.iter().all(Value::is_boolean) {
        return Cells::Truths(values.iter().filter_map(|value| value.as_bool()).collect());
    }
    if classes.iter().all(Value::is_i64) {
        return Cells::Integers(values.iter().filter_map(|value| value.as_i64()).collect());
    }
    if classes.iter().all(Value::is_number) {
        return Cells::Floats(values.iter().filter_map(|value| value.as_f64()).collect());
    }
    let text = |value: &&Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    Cells::Texts(values.iter().map(text).collect())
}

fn print(answers: &Answers, proba: bool, out: &mut impl Write) -> io::Result<()> {
    match answers {
        Answers::Values(values) => {
            for value in values {
                writeln!(out, "{}", json!({ "label": value }))?;
            }
        }
        Answers::Classes(predictions, labels) => {
            for row in 0..predictions.labels.len() {
                let (label, probabilities) = answer_of(predictions, labels, row);
                let line =
                    if proba { json!({ "label": label, "proba": probabilities }) } else { json!({ "label": label }) };
                writeln!(out, "{line}")?;
            }
        }
        Answers::Several(answers, classes) => {
            let rows = answers.first().map_or(0, |answer| match answer {
                TargetAnswer::Values(values) => values.len(),
                TargetAnswer::Classes(predictions) => predictions.labels.len(),
            });
            for row in 0..rows {
                let of_target = |(answer, classes): (&TargetAnswer, &Vec<Value>)| match answer {
                    TargetAnswer::Values(values) => (json!(values[row]), Value::Null),
                    TargetAnswer::Classes(predictions) => answer_of(predictions, classes, row),
                };
                let (labels, probabilities): (Vec<Value>, Vec<Value>) =
                    answers.iter().zip(classes).map(of_target).unzip();
                let line =
                    if proba { json!({ "label": labels, "proba": probabilities }) } else { json!({ "label": labels }) };
                writeln!(out, "{line}")?;
            }
        }
    }
    out.flush()
}
