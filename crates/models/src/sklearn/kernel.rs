//! Kernels: of support vector machines, of `sklearn.metrics.pairwise`, and the maps that rest on them.

use std::sync::Arc;

use assize_tables::Cancel;

use super::data::{Data, Matrix};
use super::estimator::{Estimator, Regress, Transform};
use super::multioutput::{self, One};
use super::numeric::{dot, squared_distance};
use super::source::Source;
use crate::predictor::Error;

/// A similarity of two rows.
#[derive(Debug, Clone)]
pub(super) enum Kernel {
    Linear,
    Polynomial { gamma: f64, coef0: f64, degree: f64 },
    Radial { gamma: f64 },
    Sigmoid { gamma: f64, coef0: f64 },
    Laplacian { gamma: f64 },
    Cosine,
}

impl Kernel {
    /// Of `SVC` and its like: the scale is in `_gamma`.
    pub(super) fn of_machine(source: &Source<'_>) -> Result<Self, Error> {
        let gamma = source.number("_gamma");
        Ok(match source.only("kernel", &["linear", "poly", "rbf", "sigmoid"])? {
            "linear" => Self::Linear,
            "poly" => {
                let degree =
                    i32::try_from(source.integer("degree")?).map_err(|_| source.refuse("the degree is too large"))?;
                Self::Polynomial { gamma: gamma?, coef0: source.number("coef0")?, degree: f64::from(degree) }
            }
            "rbf" => Self::Radial { gamma: gamma? },
            _ => Self::Sigmoid { gamma: gamma?, coef0: source.number("coef0")? },
        })
    }

    /// Of `pairwise_kernels`: parameters that are not given have its defaults.
    fn pairwise(source: &Source<'_>, inputs: usize) -> Result<Self, Error> {
        if source.has("kernel_params") {
            return Err(source.refuse("kernel_params are not evaluated"));
        }
        let or = |name: &str, default: f64| if source.has(name) { source.number(name) } else { Ok(default) };
        let gamma = match source.has("gamma_") {
            true => source.number("gamma_")?,
            false => or("gamma", 1.0 / inputs as f64)?,
        };
        let (coef0, degree) = (or("coef0", 1.0)?, or("degree", 3.0)?);
        Ok(match source.only("kernel", &["linear", "poly", "polynomial", "rbf", "sigmoid", "laplacian", "cosine"])? {
            "linear" => Self::Linear,
            "poly" | "polynomial" => Self::Polynomial { gamma, coef0, degree },
            "rbf" => Self::Radial { gamma },
            "sigmoid" => Self::Sigmoid { gamma, coef0 },
            "laplacian" => Self::Laplacian { gamma },
            _ => Self::Cosine,
        })
    }

    pub(super) fn of(&self, a: &[f64], b: &[f64]) -> f64 {
        match self {
            Self::Linear => dot(a, b),
            Self::Polynomial { gamma, coef0, degree } => {
                let base = gamma * dot(a, b) + coef0;
                if degree.fract() == 0.0 && degree.abs() < 1e6 {
                    base.powi(*degree as i32)
                } else {
                    libm::pow(base, *degree)
                }
            }
            Self::Radial { gamma } => libm::exp(-gamma * squared_distance(a, b)),
            Self::Sigmoid { gamma, coef0 } => libm::tanh(gamma * dot(a, b) + coef0),
            Self::Laplacian { gamma } => libm::exp(-gamma * a.iter().zip(b).map(|(x, y)| (x - y).abs()).sum::<f64>()),
            Self::Cosine => {
                let size = (dot(a, a) * dot(b, b)).sqrt();
                if size == 0.0 { 0.0 } else { dot(a, b) / size }
            }
        }
    }
}

/// Rows of training with the similarity to each.
struct Similar {
    kernel: Kernel,
    rows: Matrix,
}

impl Similar {
    fn read(source: &Source<'_>, attribute: &str) -> Result<Self, Error> {
        let inputs = source.inputs()?;
        let numbers = source.finite(attribute)?;
        let rows = match numbers.shape.as_slice() {
            [rows, columns] if *columns == inputs && *rows > 0 => Matrix::new(*rows, inputs, numbers.values),
            _ => return Err(source.refuse(format!("{attribute} is not rows of its inputs"))),
        };
        Ok(Self { kernel: Kernel::pairwise(source, inputs)?, rows })
    }

    /// For each row its similarities, `rows x training rows`.
    fn to(&self, data: &Data, cancel: &Cancel) -> Result<Matrix, Error> {
        let input = data.finite(self.rows.columns)?;
        let mut similar = Matrix::zeros(input.rows, self.rows.rows);
        for (row, out) in input.iter().zip(similar.values.chunks_exact_mut(self.rows.rows)) {
            cancel.check()?;
            for (value, other) in out.iter_mut().zip(self.rows.iter()) {
                *value = self.kernel.of(row, other);
            }
        }
        Ok(similar)
    }
}

struct KernelRidge {
    similar: Arc<Similar>,
    coefficients: Vec<f64>,
}

impl Regress for KernelRidge {
    fn values(&self, data: &Data, cancel: &Cancel) -> Result<Vec<f64>, Error> {
        Ok(self.similar.to(data, cancel)?.iter().map(|row| dot(row, &self.coefficients)).collect())
    }
}

/// `KernelRidge`.
pub(super) fn ridge(source: &Source<'_>) -> Result<Estimator, Error> {
    let similar = Arc::new(Similar::read(source, "X_fit_")?);
    let stored = source.finite("dual_coef_")?;
    let targets = match stored.shape.as_slice() {
        [rows] if *rows == similar.rows.rows => 1,
        [rows, targets] if *rows == similar.rows.rows => *targets,
        _ => return Err(source.refuse("dual_coef_ is not the coefficients of its rows")),
    };
    multioutput::check_count(source, targets)?;
    let one = |target: usize| {
        let coefficients = stored.values.iter().skip(target).step_by(targets).copied().collect();
        One::Regressor(Box::new(KernelRidge { similar: similar.clone(), coefficients }))
    };
    multioutput::of(source, (0..targets).map(one).collect())
}

struct Projection {
    similar: Similar,
    /// Means of the columns and of all of the kernel of training; nothing when it is not centred.
    centre: Option<(Vec<f64>, f64)>,
    /// One row for each output.
    rows: Matrix,
}

impl Transform for Projection {
    fn transform(&self, data: &Data, cancel: &Cancel) -> Result<Data, Error> {
        let mut similar = self.similar.to(data, cancel)?;
        if let Some((columns, all)) = &self.centre {
            for row in similar.values.chunks_exact_mut(columns.len()) {
                let mean = row.iter().sum::<f64>() / columns.len() as f64;
                for (value, column) in row.iter_mut().zip(columns) {
                    *value = *value - column - mean + all;
                }
            }
        }
        Ok(Data::Matrix(similar.map_rows(self.rows.rows, |row, out| {
            for (value, weights) in out.iter_mut().zip(self.rows.iter()) {
                *value = dot(row, weights);
            }
        })))
    }
}

/// `Nystroem`.
pub(super) fn nystroem(source: &Source<'_>) -> Result<Estimator, Error> {
    let similar = Similar::read(source, "components_")?;
    let rows = source.matrix("normalization_", similar.rows.rows, similar.rows.rows)?;
    source.makes(rows.rows);
    Ok(Estimator::Transformer(Box::new(Projection { similar, centre: None, rows })))
}

/// `KernelPCA`.
pub(super) fn principal_components(source: &Source<'_>) -> Result<Estimator, Error> {
    let similar = Similar::read(source, "X_fit_")?;
    let count = similar.rows.rows;
    let values = source.finite("eigenvalues_")?.values;
    let vectors = source.matrix("eigenvectors_", count, values.len())?;
    let mut rows = Matrix::zeros(values.len(), count);
    for (at, value) in values.iter().enumerate().filter(|(_, value)| **value != 0.0) {
        for (cell, vector) in rows.values[at * count..(at + 1) * count].iter_mut().zip(vectors.column(at)) {
            *cell = vector / value.sqrt();
        }
    }
    let centerer = source.child("_centerer")?;
    let centre = Some((centerer.vector("K_fit_rows_", count)?, centerer.number("K_fit_all_")?));
    Ok(Estimator::Transformer(Box::new(Projection { similar, centre, rows })))
}
