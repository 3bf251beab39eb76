//! Holds a folder of model files against what the library that stored them answers.
//!
//! The folder has the layout of `fixtures/joblib/make_fixtures.py`: `manifest.json`, rows in `x/`, and beside every
//! model its expected classes, labels and probabilities.

use std::collections::BTreeMap;
use std::path::Path;

use assize_models::{Error, Limits, Predictions, TargetAnswer, open};
use assize_tables::{Cancel, Column, ColumnData, MISSING, Table};
use serde_json::Value;

/// What came of one file.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Outcome {
    /// Every label equal, every probability within the tolerance.
    Right,
    /// Not read, with the message.
    Refused(String),
    /// A label or probability differs.
    Wrong(String),
}

/// One line of the manifest with its outcome.
#[derive(Debug)]
pub(crate) struct Checked {
    pub(crate) file: String,
    pub(crate) kind: String,
    pub(crate) version: String,
    pub(crate) storage: String,
    pub(crate) outcome: Outcome,
}

/// Checks every model of the manifest.
pub(crate) fn check_folder(folder: &Path) -> Vec<Checked> {
    let manifest: Value = serde_json::from_slice(&std::fs::read(folder.join("manifest.json")).unwrap()).unwrap();
    let mut tables = BTreeMap::new();
    let mut checked = Vec::new();
    for model in manifest["models"].as_array().unwrap() {
        let text = |key: &str| model[key].as_str().unwrap().to_owned();
        let table = tables.entry(text("x")).or_insert_with(|| read_csv(&folder.join(text("x"))));
        let bytes = std::fs::read(folder.join(text("file"))).unwrap();
        let expected = serde_json::from_slice(&std::fs::read(folder.join(text("expected"))).unwrap()).unwrap();
        checked.push(Checked {
            file: text("file"),
            kind: text("kind"),
            version: model["versions"]["sklearn"].as_str().unwrap().to_owned(),
            storage: storage(&model["store"]),
            outcome: check(&bytes, table, &expected),
        });
    }
    checked
}

/// How the file was stored: tool, compression, protocol.
fn storage(store: &Value) -> String {
    let compress = match &store["compress"] {
        Value::Array(parts) => parts[0].as_str().unwrap().to_owned(),
        _ if ["pickle", "joblib"].contains(&store["tool"].as_str().unwrap_or_default()) => "plain".to_owned(),
        _ => return store["tool"].as_str().unwrap().to_owned(),
    };
    let protocol = store["protocol"].as_u64().map_or(String::new(), |protocol| format!(" protocol {protocol}"));
    format!("{} {compress}{protocol}", store["tool"].as_str().unwrap())
}

/// Asks one model and compares.
pub(crate) fn check(bytes: &[u8], table: &Table, expected: &Value) -> Outcome {
    if let Some(targets) = expected["targets"].as_u64() {
        return check_targets(bytes, table, expected, targets as usize);
    }
    if expected["classes"].is_null() {
        return check_values(bytes, table, expected);
    }
    let answer = open(bytes, "model", &Limits::default()).and_then(|model| model.predict(table, &Cancel::new()));
    match answer {
        Err(error @ (Error::Unreadable(_) | Error::Input { .. })) => Outcome::Refused(error.to_string()),
        Err(error) => Outcome::Wrong(error.to_string()),
        Ok(predictions) => match difference(&predictions, expected) {
            Some(difference) => Outcome::Wrong(difference),
            None => Outcome::Right,
        },
    }
}

/// Asks a model of several targets and compares each. The library answers a row after the other; a chain gives only the
/// probability of the second class.
fn check_targets(bytes: &[u8], table: &Table, expected: &Value, targets: usize) -> Outcome {
    let answers = open(bytes, "model", &Limits::default()).and_then(|model| {
        assert_eq!(model.targets().len(), targets);
        assert!(model.predict(table, &Cancel::new()).is_err() && model.values(table, &Cancel::new()).is_err());
        model.answers(table, &Cancel::new())
    });
    let answers = match answers {
        Err(error) => return Outcome::Refused(error.to_string()),
        Ok(answers) => answers,
    };
    let said = expected["predict"].as_array().unwrap();
    for (target, answer) in answers.into_iter().enumerate() {
        let predict: Vec<&Value> = said.iter().skip(target).step_by(targets).collect();
        let difference = match answer {
            TargetAnswer::Values(found) => values_difference(&predict, &found),
            TargetAnswer::Classes(mut found) => {
                let probabilities = match &expected["predict_proba"][0][0] {
                    Value::Null => Value::Null,
                    Value::Array(_) => expected["predict_proba"][target].clone(),
                    _ => {
                        found.probabilities =
                            found.probabilities.map(|all| all[1..].iter().step_by(2).copied().collect());
                        let rows = expected["predict_proba"].as_array().unwrap();
                        rows.iter().map(|row| serde_json::json!([row[target]])).collect()
                    }
                };
                let classes = &expected["classes"][target];
                difference(
                    &found,
                    &serde_json::json!({"classes": classes, "predict": predict, "predict_proba": probabilities}),
                )
            }
        };
        if let Some(difference) = difference {
            return Outcome::Wrong(format!("target {target}: {difference}"));
        }
    }
    Outcome::Right
}

fn values_difference(expected: &[&Value], found: &[f64]) -> Option<String> {
    let expected: Vec<f64> = expected.iter().map(|cell| cell.as_f64().unwrap()).collect();
    let off = expected.iter().zip(found).map(|(a, b)| (a - b).abs() / a.abs().max(1.0)).fold(0.0, f64::max);
    (expected.len() != found.len() || off.is_nan() || off > 1e-9).then(|| format!("values differ by {off}"))
}

/// Asks one regressor and compares; large values by their size.
fn check_values(bytes: &[u8], table: &Table, expected: &Value) -> Outcome {
    let answer = open(bytes, "model", &Limits::default()).and_then(|model| model.values(table, &Cancel::new()));
    let found = match answer {
        Err(error) => return Outcome::Refused(error.to_string()),
        Ok(found) => found.unwrap(),
    };
    let expected: Vec<&Value> = expected["predict"].as_array().unwrap().iter().collect();
    values_difference(&expected, &found).map_or(Outcome::Right, Outcome::Wrong)
}

/// Python prints a whole float with its point; the classes here do not.
fn class_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Number(number) => number.as_f64().unwrap().to_string(),
        other => other.to_string(),
    }
}

fn difference(found: &Predictions, expected: &Value) -> Option<String> {
    let classes: Vec<String> = expected["classes"].as_array().unwrap().iter().map(class_text).collect();
    if classes != found.classes {
        return Some(format!("classes {:?} instead of {classes:?}", found.classes));
    }
    let labels: Vec<String> = expected["predict"].as_array().unwrap().iter().map(class_text).collect();
    for (row, (expected, found)) in labels.iter().zip(&found.labels).enumerate() {
        if *expected != classes[*found as usize] {
            return Some(format!("row {row} is {} instead of {expected}", classes[*found as usize]));
        }
    }
    match (expected["predict_proba"].as_array(), &found.probabilities) {
        (None, None) => None,
        (Some(expected), Some(found)) => {
            let expected: Vec<f64> =
                expected.iter().flat_map(|row| row.as_array().unwrap()).map(|cell| cell.as_f64().unwrap()).collect();
            let largest = expected.iter().zip(found).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            let same = expected.len() == found.len() && largest <= 1e-9;
            (!same).then(|| format!("probabilities differ by {largest}"))
        }
        (expected, found) => Some(format!("probabilities: expected {}, found {}", expected.is_some(), found.is_some())),
    }
}

/// A small CSV without quotes: a column is numeric when every cell that is not empty is a number.
pub(crate) fn read_csv(path: &Path) -> Table {
    let text = std::fs::read_to_string(path).unwrap();
    let mut lines = text.lines();
    let names: Vec<&str> = lines.next().unwrap().split(',').collect();
    let cells: Vec<Vec<&str>> = lines.map(|line| line.split(',').collect()).collect();
    let columns = names.iter().enumerate().map(|(at, name)| {
        let texts: Vec<&str> = cells.iter().map(|row| row[at]).collect();
        Column { name: (*name).to_owned(), data: column(&texts) }
    });
    Table { columns: columns.collect(), rows: cells.len() }
}

fn column(texts: &[&str]) -> ColumnData {
    let number = |text: &&str| if text.is_empty() { Some(f64::NAN) } else { text.parse().ok() };
    if let Some(values) = texts.iter().map(number).collect() {
        return ColumnData::Numeric(values);
    }
    let mut levels: Vec<String> = texts.iter().filter(|text| !text.is_empty()).map(ToString::to_string).collect();
    levels.sort();
    levels.dedup();
    let code = |text: &&str| levels.binary_search_by(|level| level.as_str().cmp(text)).map_or(MISSING, |at| at as u32);
    ColumnData::Categorical { codes: texts.iter().map(code).collect(), levels }
}
