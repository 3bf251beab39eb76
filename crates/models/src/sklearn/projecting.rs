//! Estimators that are used for the columns they make: discriminants, independent components, distances to centres,
//! random Fourier features.

use super::data::Matrix;
use super::estimator::Estimator;
use super::features::{components, row_map};
use super::numeric::{dot, squared_distance};
use super::source::Source;
use crate::predictor::Error;

/// `LinearDiscriminantAnalysis` before another step.
pub(super) fn discriminants(source: &Source<'_>) -> Result<Estimator, Error> {
    let inputs = source.inputs()?;
    let centred = source.only("solver", &["svd", "eigen"])? == "svd";
    let centre = if centred { source.vector("xbar_", inputs)? } else { vec![0.0; inputs] };
    let numbers = source.finite("scalings_")?;
    let scalings = match numbers.shape.as_slice() {
        [rows, columns] if *rows == inputs => Matrix::new(inputs, *columns, numbers.values),
        _ => return Err(source.refuse("scalings_ is not one row for each input")),
    };
    let outputs = source.size("_max_components")?.min(scalings.columns);
    let directions: Vec<Vec<f64>> = (0..outputs).map(|at| scalings.column(at)).collect();
    Ok(row_map(inputs, outputs, false, move |row, out| {
        let moved: Vec<f64> = row.iter().zip(&centre).map(|(value, centre)| value - centre).collect();
        for (value, direction) in out.iter_mut().zip(&directions) {
            *value = dot(&moved, direction);
        }
    }))
}

/// `FastICA`.
pub(super) fn independent_components(source: &Source<'_>) -> Result<Estimator, Error> {
    let components = components(source)?;
    let (inputs, outputs) = (components.columns, components.rows);
    // `whiten=False` leaves no mean.
    let centre = if source.has("mean_") { source.vector("mean_", inputs)? } else { vec![0.0; inputs] };
    Ok(row_map(inputs, outputs, false, move |row, out| {
        let moved: Vec<f64> = row.iter().zip(&centre).map(|(value, centre)| value - centre).collect();
        for (at, value) in out.iter_mut().enumerate() {
            *value = dot(&moved, components.row(at));
        }
    }))
}

/// `KMeans` before another step: distances to the centres.
pub(super) fn distances_to_centres(source: &Source<'_>) -> Result<Estimator, Error> {
    let inputs = source.inputs()?;
    let numbers = source.finite("cluster_centers_")?;
    let centres = match numbers.shape.as_slice() {
        [rows, columns] if *columns == inputs => Matrix::new(*rows, inputs, numbers.values),
        _ => return Err(source.refuse("cluster_centers_ are not rows of its inputs")),
    };
    Ok(row_map(inputs, centres.rows, false, move |row, out| {
        for (value, centre) in out.iter_mut().zip(centres.iter()) {
            *value = squared_distance(row, centre).sqrt();
        }
    }))
}

/// `RBFSampler`: Rahimi and Recht (2007).
pub(super) fn fourier_features(source: &Source<'_>) -> Result<Estimator, Error> {
    let inputs = source.inputs()?;
    let offsets = source.finite("random_offset_")?.values;
    let weights = source.matrix("random_weights_", inputs, offsets.len())?;
    let scale = (2.0 / offsets.len() as f64).sqrt();
    let directions: Vec<Vec<f64>> = (0..offsets.len()).map(|at| weights.column(at)).collect();
    source.makes(offsets.len());
    Ok(row_map(inputs, offsets.len(), false, move |row, out| {
        for ((value, direction), offset) in out.iter_mut().zip(&directions).zip(&offsets) {
            *value = libm::cos(dot(row, direction) + offset) * scale;
        }
    }))
}
