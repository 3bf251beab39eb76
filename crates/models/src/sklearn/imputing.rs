//! `SimpleImputer` and `MissingIndicator`.

use std::sync::Arc;

use assize_tables::{Cancel, MISSING};

use super::data::{Cells, Data};
use super::estimator::{Estimator, Transform};
use super::label::{self, Label};
use super::source::Source;
use crate::predictor::Error;

/// What counts as missing.
enum Absent {
    Nan,
    Number(f64),
    Text(String),
}

impl Absent {
    fn read(source: &Source<'_>) -> Result<Self, Error> {
        match label::label(&source.attribute("missing_values")?) {
            Some(Label::Float(value)) if value.is_nan() => Ok(Self::Nan),
            Some(Label::Float(value)) => Ok(Self::Number(value)),
            Some(Label::Int(value)) => Ok(Self::Number(value as f64)),
            Some(Label::Text(text)) => Ok(Self::Text(text)),
            _ => Err(source.refuse("missing_values is neither NaN, a number nor a text")),
        }
    }

    /// Where a value is missing; another kind of missing value is an error, as in the library.
    fn mask(&self, cells: &Cells, column: usize) -> Result<Vec<bool>, Error> {
        let refused = || Error::Input {
            expected: format!("a value in every cell of input column {} of an imputer", column + 1),
            found: "a missing one that is not what the imputer looks for".to_owned(),
        };
        match (self, cells) {
            (Self::Nan, Cells::Numbers(values)) => Ok(values.iter().map(|value| value.is_nan()).collect()),
            (Self::Nan, Cells::Texts { codes, .. }) => Ok(codes.iter().map(|code| *code == MISSING).collect()),
            (_, Cells::Numbers(values)) if values.iter().any(|value| value.is_nan()) => Err(refused()),
            (_, Cells::Texts { codes, .. }) if codes.contains(&MISSING) => Err(refused()),
            (Self::Number(absent), Cells::Numbers(values)) => Ok(values.iter().map(|value| value == absent).collect()),
            (Self::Text(absent), Cells::Texts { codes, levels }) => {
                let absent = levels.iter().position(|level| level == absent).map(|at| at as u32);
                Ok(codes.iter().map(|code| Some(*code) == absent).collect())
            }
            (_, cells) => Ok(vec![false; cells.len()]),
        }
    }
}

/// What takes the place of a missing value.
enum Fill {
    Number(f64),
    Text(String),
    /// Nothing was observed: the column is left out.
    Dropped,
}

struct Imputer {
    absent: Absent,
    fills: Vec<Fill>,
    /// Columns whose missingness is added as columns of its own.
    indicated: Vec<usize>,
}

impl Transform for Imputer {
    fn transform(&self, data: &Data, _cancel: &Cancel) -> Result<Data, Error> {
        data.check_width(self.fills.len())?;
        let rows = data.rows();
        let mut columns = data.clone().into_columns();
        let masks: Result<Vec<Vec<bool>>, Error> =
            columns.iter().enumerate().map(|(at, cells)| self.absent.mask(cells, at)).collect();
        let masks = masks?;
        let mut filled = Vec::with_capacity(columns.len());
        for (at, (fill, mask)) in self.fills.iter().zip(&masks).enumerate() {
            let cells = std::mem::replace(&mut columns[at], Cells::Numbers(Vec::new()));
            if let Some(cells) = filled_column(cells, fill, mask, at)? {
                filled.push(cells);
            }
        }
        for column in &self.indicated {
            filled.push(Cells::Numbers(masks[*column].iter().map(|missing| f64::from(u8::from(*missing))).collect()));
        }
        Ok(Data::of_columns(rows, filled))
    }

    fn owners(&self, owners: &[usize]) -> Option<Vec<usize>> {
        if owners.len() != self.fills.len() {
            return None;
        }
        let kept = owners.iter().zip(&self.fills).filter(|(_, fill)| !matches!(fill, Fill::Dropped));
        let marked = self.indicated.iter().map(|column| owners[*column]);
        Some(kept.map(|(owner, _)| *owner).chain(marked).collect())
    }
}

fn filled_column(cells: Cells, fill: &Fill, mask: &[bool], column: usize) -> Result<Option<Cells>, Error> {
    Ok(Some(match (cells, fill) {
        (_, Fill::Dropped) => return Ok(None),
        (Cells::Numbers(mut values), Fill::Number(fill)) => {
            for (value, _) in values.iter_mut().zip(mask).filter(|(_, missing)| **missing) {
                *value = *fill;
            }
            if values.iter().any(|value| value.is_infinite()) {
                return Err(Error::Input {
                    expected: "finite numbers".to_owned(),
                    found: "an infinite one".to_owned(),
                });
            }
            Cells::Numbers(values)
        }
        (Cells::Texts { mut codes, levels }, Fill::Text(fill)) => {
            let mut levels = levels;
            let code = levels.iter().position(|level| level == fill).unwrap_or_else(|| {
                levels = levels.iter().cloned().chain([fill.clone()]).collect();
                levels.len() - 1
            });
            for (at, _) in codes.iter_mut().zip(mask).filter(|(_, missing)| **missing) {
                *at = code as u32;
            }
            Cells::Texts { codes, levels }
        }
        // A column in which every cell is missing has lost its kind on the way.
        (Cells::Numbers(values), Fill::Text(fill)) if mask.iter().all(|missing| *missing) => {
            Cells::Texts { codes: vec![0; values.len()], levels: Arc::new([fill.clone()]) }
        }
        (Cells::Texts { codes, .. }, Fill::Number(fill)) if mask.iter().all(|missing| *missing) => {
            Cells::Numbers(vec![*fill; codes.len()])
        }
        (Cells::Numbers(_), Fill::Text(_)) => return Err(mismatch(column, "texts", "numbers")),
        (Cells::Texts { .. }, Fill::Number(_)) => return Err(mismatch(column, "numbers", "texts")),
    }))
}

fn mismatch(column: usize, expected: &str, found: &str) -> Error {
    Error::Input {
        expected: format!("{expected} in input column {} of an imputer", column + 1),
        found: found.to_owned(),
    }
}

pub(super) fn simple(source: &Source<'_>) -> Result<Estimator, Error> {
    let inputs = source.inputs()?;
    let keep = source.has("keep_empty_features") && source.boolean("keep_empty_features")?;
    // Until 1.7 a constant also fills columns in which nothing was observed.
    let keep = keep || (source.text("strategy")? == "constant" && source.version() < (1, 8));
    let array = source.array("statistics_")?;
    let statistics: Option<Vec<Option<Label>>> = match array.objects() {
        Some(objects) => {
            objects.iter().map(|view| if view.is_none() { Some(None) } else { label::label(view).map(Some) }).collect()
        }
        None => label::labels(&array).map(|all| all.into_iter().map(Some).collect()),
    };
    let statistics = statistics.filter(|statistics| statistics.len() == inputs && array.shape == [inputs]);
    let statistics = statistics.ok_or_else(|| source.refuse("statistics_ has not one value for each input"))?;
    let mut fills = Vec::with_capacity(inputs);
    for statistic in statistics {
        fills.push(match statistic {
            Some(Label::Float(value)) if value.is_nan() && !keep => Fill::Dropped,
            Some(Label::Float(value)) => Fill::Number(value),
            Some(Label::Int(value)) => Fill::Number(value as f64),
            Some(Label::Bool(value)) => Fill::Number(f64::from(u8::from(value))),
            Some(Label::Text(text)) => {
                source.notes_filled_texts(&text);
                Fill::Text(text)
            }
            None => return Err(source.refuse("a column is filled with None")),
        });
    }
    let indicated =
        if source.boolean("add_indicator")? { indicated(&source.child("indicator_")?, inputs)? } else { Vec::new() };
    Ok(Estimator::Transformer(Box::new(Imputer { absent: Absent::read(source)?, fills, indicated })))
}

/// `features_` of a `MissingIndicator`.
pub(super) fn indicated(source: &Source<'_>, inputs: usize) -> Result<Vec<usize>, Error> {
    let features = source.array("features_")?.integers().unwrap_or_default();
    let all_inside = features.iter().all(|feature| usize::try_from(*feature).is_ok_and(|feature| feature < inputs));
    if !all_inside || !source.view().class().is_some_and(|class| class.is("sklearn.impute._base", "MissingIndicator")) {
        return Err(source.refuse("the features it marks are not understood"));
    }
    Ok(features.into_iter().map(|feature| feature as usize).collect())
}

struct Indicator {
    absent: Absent,
    inputs: usize,
    features: Vec<usize>,
}

impl Transform for Indicator {
    fn transform(&self, data: &Data, _cancel: &Cancel) -> Result<Data, Error> {
        data.check_width(self.inputs)?;
        let columns = data.clone().into_columns();
        let mark = |column: &usize| {
            let mask = self.absent.mask(&columns[*column], *column)?;
            Ok(Cells::Numbers(mask.into_iter().map(|missing| f64::from(u8::from(missing))).collect()))
        };
        let marks: Result<Vec<Cells>, Error> = self.features.iter().map(mark).collect();
        Ok(Data::of_columns(data.rows(), marks?))
    }

    fn owners(&self, owners: &[usize]) -> Option<Vec<usize>> {
        self.features.iter().map(|column| owners.get(*column).copied()).collect()
    }
}

pub(super) fn indicator(source: &Source<'_>) -> Result<Estimator, Error> {
    if source.boolean("error_on_new")? && source.text("features")? == "missing-only" {
        return Err(source.refuse("error_on_new=True is not evaluated"));
    }
    let inputs = source.inputs()?;
    let features = indicated(source, inputs)?;
    Ok(Estimator::Transformer(Box::new(Indicator { absent: Absent::read(source)?, inputs, features })))
}
