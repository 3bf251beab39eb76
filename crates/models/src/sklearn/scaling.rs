//! Scalers and other transformers that look at one column or one row at a time.

use assize_tables::Cancel;

use super::data::{Data, Matrix};
use super::estimator::{Estimator, Transform, common_owner};
use super::source::Source;
use crate::predictor::Error;

/// `(x - shift) / divisor`, then `x * factor + offset`, then bounds: each part only where the library has it, because
/// a division is not exactly the product with the inverse.
struct Scaler {
    inputs: usize,
    shift: Option<Vec<f64>>,
    divisor: Option<Vec<f64>>,
    affine: Option<(Vec<f64>, Vec<f64>)>,
    bounds: Option<(f64, f64)>,
}

impl Transform for Scaler {
    fn transform(&self, data: &Data, _cancel: &Cancel) -> Result<Data, Error> {
        let mut matrix = data.with_missing(self.inputs)?.into_owned();
        for row in matrix.values.chunks_exact_mut(self.inputs.max(1)) {
            if let Some(shift) = &self.shift {
                row.iter_mut().zip(shift).for_each(|(value, shift)| *value -= shift);
            }
            if let Some(divisor) = &self.divisor {
                row.iter_mut().zip(divisor).for_each(|(value, divisor)| *value /= divisor);
            }
            if let Some((factor, offset)) = &self.affine {
                row.iter_mut().zip(factor).for_each(|(value, factor)| *value *= factor);
                row.iter_mut().zip(offset).for_each(|(value, offset)| *value += offset);
            }
            if let Some((low, high)) = self.bounds {
                row.iter_mut().for_each(|value| *value = if value.is_nan() { *value } else { value.clamp(low, high) });
            }
        }
        Ok(Data::Matrix(matrix))
    }

    fn owners(&self, owners: &[usize]) -> Option<Vec<usize>> {
        Some(owners.to_vec())
    }
}

/// A vector without a zero, to divide by.
fn divisor(source: &Source<'_>, attribute: &str, inputs: usize) -> Result<Vec<f64>, Error> {
    let values = source.vector(attribute, inputs)?;
    if values.contains(&0.0) {
        return Err(source.refuse(format!("{attribute} holds a zero")));
    }
    Ok(values)
}

fn scaler(scaler: Scaler) -> Estimator {
    Estimator::Transformer(Box::new(scaler))
}

pub(super) fn standard(source: &Source<'_>) -> Result<Estimator, Error> {
    let inputs = source.inputs()?;
    let shift = if source.boolean("with_mean")? { Some(source.vector("mean_", inputs)?) } else { None };
    let divisor = if source.boolean("with_std")? { Some(divisor(source, "scale_", inputs)?) } else { None };
    Ok(scaler(Scaler { inputs, shift, divisor, affine: None, bounds: None }))
}

pub(super) fn min_max(source: &Source<'_>) -> Result<Estimator, Error> {
    let inputs = source.inputs()?;
    let affine = Some((source.vector("scale_", inputs)?, source.vector("min_", inputs)?));
    let bounds = if source.boolean("clip")? {
        let range = source.list("feature_range")?;
        match range.iter().map(|end| end.number()).collect::<Option<Vec<f64>>>().as_deref() {
            Some([low, high]) if low <= high => Some((*low, *high)),
            _ => return Err(source.refuse("feature_range is not a pair of numbers")),
        }
    } else {
        None
    };
    Ok(scaler(Scaler { inputs, shift: None, divisor: None, affine, bounds }))
}

pub(super) fn max_abs(source: &Source<'_>) -> Result<Estimator, Error> {
    let inputs = source.inputs()?;
    let divisor = Some(divisor(source, "scale_", inputs)?);
    let clip = source.has("clip") && source.boolean("clip")?;
    Ok(scaler(Scaler { inputs, shift: None, divisor, affine: None, bounds: clip.then_some((-1.0, 1.0)) }))
}

pub(super) fn robust(source: &Source<'_>) -> Result<Estimator, Error> {
    let inputs = source.inputs()?;
    let shift = if source.boolean("with_centering")? { Some(source.vector("center_", inputs)?) } else { None };
    let divisor = if source.boolean("with_scaling")? { Some(divisor(source, "scale_", inputs)?) } else { None };
    Ok(scaler(Scaler { inputs, shift, divisor, affine: None, bounds: None }))
}

/// Changes one row in place.
type Function = Box<dyn Fn(&mut [f64]) + Send + Sync>;

/// A function of whole rows that needs no fitted state.
struct Rowwise {
    inputs: usize,
    /// Whether each column is changed by itself.
    by_column: bool,
    function: Function,
}

impl Transform for Rowwise {
    fn transform(&self, data: &Data, _cancel: &Cancel) -> Result<Data, Error> {
        let mut matrix = data.finite(self.inputs)?.into_owned();
        for row in matrix.values.chunks_exact_mut(self.inputs.max(1)) {
            (self.function)(row);
        }
        Ok(Data::Matrix(matrix))
    }

    fn owners(&self, owners: &[usize]) -> Option<Vec<usize>> {
        if self.by_column { Some(owners.to_vec()) } else { common_owner(owners, owners.len()) }
    }
}

fn rowwise(
    source: &Source<'_>,
    by_column: bool,
    function: impl Fn(&mut [f64]) + Send + Sync + 'static,
) -> Result<Estimator, Error> {
    let (inputs, function) = (source.inputs()?, Box::new(function));
    Ok(Estimator::Transformer(Box::new(Rowwise { inputs, by_column, function })))
}

pub(super) fn normalizer(source: &Source<'_>) -> Result<Estimator, Error> {
    let norm: fn(&[f64]) -> f64 = match source.only("norm", &["l1", "l2", "max"])? {
        "l1" => |row| row.iter().map(|value| value.abs()).sum(),
        "l2" => |row| row.iter().map(|value| value * value).sum::<f64>().sqrt(),
        _ => |row| row.iter().map(|value| value.abs()).fold(0.0, f64::max),
    };
    rowwise(source, false, move |row| {
        let norm = norm(row);
        if norm != 0.0 {
            row.iter_mut().for_each(|value| *value /= norm);
        }
    })
}

pub(super) fn binarizer(source: &Source<'_>) -> Result<Estimator, Error> {
    let threshold = source.number("threshold")?;
    rowwise(source, true, move |row| {
        row.iter_mut().for_each(|value| *value = f64::from(u8::from(*value > threshold)));
    })
}

/// Keeps chosen columns (`SelectKBest` and its like, `VarianceThreshold`, ...).
struct Selection {
    inputs: usize,
    kept: Vec<usize>,
    missing_allowed: bool,
}

impl Transform for Selection {
    fn transform(&self, data: &Data, _cancel: &Cancel) -> Result<Data, Error> {
        let matrix: Matrix = if self.missing_allowed {
            data.with_missing(self.inputs)?.into_owned()
        } else {
            data.finite(self.inputs)?.into_owned()
        };
        Ok(Data::Matrix(matrix).select(&self.kept))
    }

    fn owners(&self, owners: &[usize]) -> Option<Vec<usize>> {
        self.kept.iter().map(|at| owners.get(*at).copied()).collect()
    }
}

/// A transformer that keeps the columns of a mask.
pub(super) fn selection(source: &Source<'_>, mask: &[bool], missing_allowed: bool) -> Result<Estimator, Error> {
    let inputs = source.inputs()?;
    if mask.len() != inputs {
        return Err(source.refuse("what it keeps is not one decision for each input"));
    }
    Ok(kept(mask, missing_allowed))
}

/// The columns that a mask keeps.
pub(super) fn kept(mask: &[bool], missing_allowed: bool) -> Estimator {
    let kept = (0..mask.len()).filter(|at| mask[*at]).collect();
    Estimator::Transformer(Box::new(Selection { inputs: mask.len(), kept, missing_allowed }))
}
