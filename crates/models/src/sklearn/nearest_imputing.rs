//! `KNNImputer`: a missing number is the mean of those of the nearest rows that have it.

use assize_tables::Cancel;

use super::data::{Data, Matrix};
use super::estimator::{Estimator, Transform};
use super::imputing;
use super::source::Source;
use crate::predictor::Error;

/// Distances closer than this, relative to the squared size of the rows, may come in another order in the library,
/// which multiplies matrices to find them.
const TIE: f64 = 1e-13;

struct Imputer {
    rows: Matrix,
    count: usize,
    /// Columns in which anything was observed.
    valid: Vec<bool>,
    keep_empty: bool,
    indicated: Vec<usize>,
}

/// Squared distance over the columns that both rows have, as if all were; `None` without a common column.
fn squared_distance(a: &[f64], b: &[f64]) -> Option<f64> {
    let (mut sum, mut present) = (0.0, 0_usize);
    for (x, y) in a.iter().zip(b).filter(|(x, y)| !x.is_nan() && !y.is_nan()) {
        sum += (x - y) * (x - y);
        present += 1;
    }
    (present > 0).then(|| sum / present as f64 * a.len() as f64)
}

impl Imputer {
    /// The mean of the nearest rows that have the column. `distances` are those of all rows.
    fn fill(&self, column: usize, distances: &[Option<f64>], size: f64) -> Result<f64, Error> {
        let donors = || (0..self.rows.rows).filter(|at| !self.rows.row(*at)[column].is_nan());
        let mut near: Vec<(f64, f64)> =
            donors().filter_map(|at| Some((distances[at]?, self.rows.row(at)[column]))).collect();
        if near.is_empty() {
            let (sum, count) =
                donors().fold((0.0, 0.0), |(sum, count), at| (sum + self.rows.row(at)[column], count + 1.0));
            return Ok(sum / count);
        }
        near.sort_by(|a, b| a.0.total_cmp(&b.0));
        let count = self.count.min(near.len());
        let last = near[count - 1].0;
        let slack = TIE * size + 1e-12 * last;
        let is_near = |(distance, _): &&(f64, f64)| (distance - last).abs() <= slack;
        if near[count..].iter().any(|entry| is_near(&entry)) {
            let mut tied = near.iter().filter(is_near);
            let first = tied.next().map_or(f64::NAN, |entry| entry.1);
            if tied.any(|entry| entry.1 != first) {
                return Err(Error::Unreadable(
                    "KNNImputer: rows with different values are equally far, and which of them the library takes \
                     depends on its search order"
                        .to_owned(),
                ));
            }
        }
        Ok(near[..count].iter().map(|entry| entry.1).sum::<f64>() / count as f64)
    }
}

impl Transform for Imputer {
    fn transform(&self, data: &Data, cancel: &Cancel) -> Result<Data, Error> {
        let input = data.with_missing(self.valid.len())?;
        let kept: Vec<usize> = (0..self.valid.len()).filter(|at| self.valid[*at] || self.keep_empty).collect();
        let width = kept.len() + self.indicated.len();
        let mut filled = Matrix::zeros(input.rows, width);
        for (row, out) in input.iter().zip(filled.values.chunks_exact_mut(width.max(1))) {
            cancel.check()?;
            let incomplete = row.iter().zip(&self.valid).any(|(value, valid)| *valid && value.is_nan());
            let distances: Vec<Option<f64>> = match incomplete {
                true => self.rows.iter().map(|other| squared_distance(row, other)).collect(),
                false => Vec::new(),
            };
            let squares =
                |values: &[f64]| values.iter().filter(|value| !value.is_nan()).map(|value| value * value).sum::<f64>();
            for (place, column) in kept.iter().enumerate() {
                out[place] = match (self.valid[*column], row[*column].is_nan()) {
                    (false, _) => 0.0,
                    (true, false) => row[*column],
                    (true, true) => self.fill(*column, &distances, squares(row) * row.len() as f64)?,
                };
            }
            for (place, column) in self.indicated.iter().enumerate() {
                out[kept.len() + place] = f64::from(u8::from(row[*column].is_nan()));
            }
        }
        Ok(Data::Matrix(filled))
    }
}

pub(super) fn imputer(source: &Source<'_>) -> Result<Estimator, Error> {
    source.only("weights", &["uniform"])?;
    source.only("metric", &["nan_euclidean"])?;
    if !source.attribute("missing_values")?.number().is_some_and(f64::is_nan) {
        return Err(source.refuse("missing_values other than NaN are not evaluated"));
    }
    let inputs = source.inputs()?;
    let numbers = source.numbers("_fit_X")?;
    let rows = match numbers.shape.as_slice() {
        [rows, columns] if *columns == inputs && *rows > 0 && inputs > 0 => Matrix::new(*rows, inputs, numbers.values),
        _ => return Err(source.refuse("_fit_X is not rows of its inputs")),
    };
    let valid = (0..inputs).map(|column| rows.iter().any(|row| !row[column].is_nan())).collect();
    let keep_empty = source.has("keep_empty_features") && source.boolean("keep_empty_features")?;
    let indicated = if source.boolean("add_indicator")? {
        imputing::indicated(&source.child("indicator_")?, inputs)?
    } else {
        Vec::new()
    };
    let count = source.size("n_neighbors")?.max(1);
    Ok(Estimator::Transformer(Box::new(Imputer { rows, count, valid, keep_empty, indicated })))
}
