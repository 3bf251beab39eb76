//! Boosters of other libraries: XGBoost, LightGBM and CatBoost, from the pickles of their wrappers and from their own
//! files.
//!
//! Flow: [`document`] reads JSON and UBJSON into plain values; one reader for each library checks nodes, features and
//! numbers, and makes an estimator; [`read_file`] recognises a file of their own by its first bytes.
//!
//! Invariants: sums are made in the precision and order of the library, so that its float32 answers are met to the
//! bit; a parameter, objective or kind of tree that is not understood is refused by name.

mod catboost;
mod city_hash;
mod document;
mod flat_buffer;
mod lightgbm;
mod single;
mod tree;
mod xgboost;

use assize_tables::MISSING;

use super::category::Categories;
use super::data::{Cells, Data, Matrix};
use super::estimator::Estimator;
use super::source::Source;
use crate::pickle::Limits;
use crate::predictor::Error;

/// What a library calls itself in messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Library {
    XGBoost,
    LightGBM,
    CatBoost,
}

impl std::fmt::Display for Library {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::XGBoost => "XGBoost",
            Self::LightGBM => "LightGBM",
            Self::CatBoost => "CatBoost",
        })
    }
}

impl Library {
    /// Whose own file it is.
    pub(crate) fn of(bytes: &[u8]) -> Option<Self> {
        if bytes.starts_with(b"CBM1") {
            return Some(Self::CatBoost);
        }
        if bytes.starts_with(b"tree\nversion=") {
            return Some(Self::LightGBM);
        }
        if bytes.starts_with(b"{L\0\0\0\0\0\0\0") {
            return Some(Self::XGBoost);
        }
        let text = bytes.trim_ascii_start();
        let key = text.strip_prefix(b"{")?.trim_ascii_start();
        if [b"\"learner\"".as_slice(), b"\"version\""].iter().any(|name| key.starts_with(name)) {
            return Some(Self::XGBoost);
        }
        let names =
            [b"\"ctr_data\"".as_slice(), b"\"features_info\"", b"\"model_info\"", b"\"oblivious_trees\"", b"\"trees\""];
        names.iter().any(|name| key.starts_with(name)).then_some(Self::CatBoost)
    }

    fn refuse(self, what: impl std::fmt::Display) -> Error {
        Error::Unreadable(format!("{self}: {what}"))
    }
}

/// A file of a booster's own, as far as it is known before rows come.
pub(super) struct Opened {
    pub(super) estimator: Estimator,
    pub(super) inputs: Inputs,
    pub(super) description: String,
}

/// Number and, where they are stored, names of the inputs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Inputs {
    pub(super) count: usize,
    pub(super) names: Option<Vec<String>>,
}

/// Reads a file of a booster's own.
pub(super) fn read_file(library: Library, bytes: &[u8], limits: &Limits) -> Result<Opened, Error> {
    match library {
        Library::XGBoost => xgboost::file(bytes, limits),
        Library::LightGBM => lightgbm::file(bytes, limits),
        Library::CatBoost => catboost::file(bytes, limits),
    }
}

pub(super) fn xgboost(source: &Source<'_>) -> Result<Estimator, Error> {
    xgboost::wrapper(source)
}

pub(super) fn lightgbm(source: &Source<'_>) -> Result<Estimator, Error> {
    lightgbm::wrapper(source)
}

pub(super) fn catboost(source: &Source<'_>) -> Result<Estimator, Error> {
    catboost::wrapper(source)
}

/// What becomes of a text that no category matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unseen {
    Missing,
    Refused,
}

/// The rows as numbers; texts become positions among the categories of their column.
fn coded(data: &Data, categories: &[Option<Categories>], unseen: Unseen) -> Result<Matrix, Error> {
    data.check_width(categories.len())?;
    if matches!(data, Data::Matrix(_)) && categories.iter().all(Option::is_none) {
        return Ok(data.matrix(categories.len())?.into_owned());
    }
    let mut matrix = Matrix::zeros(data.rows(), categories.len());
    let width = categories.len();
    for (at, (cells, categories)) in data.clone().into_columns().iter().zip(categories).enumerate() {
        let values: Vec<f64> = match (cells, categories) {
            (Cells::Numbers(values), None) => values.clone(),
            (Cells::Texts { codes, .. }, None) if codes.iter().all(|code| *code == MISSING) => {
                vec![f64::NAN; codes.len()]
            }
            (Cells::Texts { codes, levels }, None) => {
                let text = codes.iter().find(|code| **code != MISSING).map_or("", |code| &levels[*code as usize]);
                return Err(Error::Input {
                    expected: format!("numbers in column {} (the model stores no categories for it)", at + 1),
                    found: format!("the text {text:?} there"),
                });
            }
            (cells, Some(categories)) => {
                let found = categories.find(cells, at)?;
                let unknown = |row: usize| match cells {
                    Cells::Numbers(values) => !values[row].is_nan(),
                    Cells::Texts { codes, .. } => codes[row] != MISSING,
                };
                if unseen == Unseen::Refused && (0..found.len()).any(|row| found[row].is_none() && unknown(row)) {
                    return Err(Error::Input {
                        expected: format!("only categories of the training in column {}", at + 1),
                        found: "another one".to_owned(),
                    });
                }
                found.into_iter().map(|position| position.map_or(f64::NAN, f64::from)).collect()
            }
        };
        for (row, value) in values.into_iter().enumerate() {
            matrix.values[row * width + at] = value;
        }
    }
    Ok(matrix)
}
