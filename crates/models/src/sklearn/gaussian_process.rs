//! Gaussian processes: classification by the Laplace approximation, and regression.
//!
//! Source: Rasmussen and Williams, "Gaussian Processes for Machine Learning" (2006), algorithms 2.1 and 3.2; kernels
//! as in `sklearn.gaussian_process.kernels`. The integral of logistic and normal is Williams and Barber (1998).

use std::sync::Arc;

use assize_tables::Cancel;

use super::data::{Data, Matrix};
use super::estimator::{Classify, Estimator, Regress, Rule};
use super::label::Label;
use super::multioutput::{self, One};
use super::numeric::{dot, squared_distance};
use super::source::Source;
use crate::predictor::Error;

/// Sums and products within each other.
const KERNEL_DEPTH_MAX: usize = 24;

/// Widths and weights of the error functions that together are nearly the logistic function.
const WIDTHS: [f64; 5] = [0.41, 0.4, 0.37, 0.44, 0.39];
const WEIGHTS: [f64; 5] = [-1854.8214151, 3516.89893646, 221.29346712, 128.12323805, -2010.49422654];

enum Covariance {
    Constant(f64),
    /// Nothing between different rows.
    White(f64),
    Radial(Vec<f64>),
    Matern(Smoothness, Vec<f64>),
    RationalQuadratic {
        alpha: f64,
        length: f64,
    },
    SineSquared {
        length: f64,
        period: f64,
    },
    DotProduct(f64),
    Sum(Box<Covariance>, Box<Covariance>),
    Product(Box<Covariance>, Box<Covariance>),
    Power(Box<Covariance>, f64),
}

#[derive(Debug, Clone, Copy)]
enum Smoothness {
    Half,
    ThreeHalves,
    FiveHalves,
    Infinite,
}

impl Covariance {
    fn read(source: &Source<'_>, inputs: usize, depth: usize) -> Result<Self, Error> {
        let class = source.view().class().filter(|class| class.module == "sklearn.gaussian_process.kernels");
        let refused = || source.refuse("this kernel is not evaluated");
        if depth > KERNEL_DEPTH_MAX {
            return Err(source.refuse("kernels are nested too deeply"));
        }
        let positive =
            |name: &str| source.number(name).and_then(|value| if value > 0.0 { Ok(value) } else { Err(refused()) });
        let lengths = || -> Result<Vec<f64>, Error> {
            let lengths = match source.attribute("length_scale")?.number() {
                Some(length) => vec![length; inputs],
                None => match source.finite("length_scale")?.values {
                    one if one.len() == 1 => vec![one[0]; inputs],
                    all => all,
                },
            };
            if lengths.len() == inputs && lengths.iter().all(|length| *length > 0.0) {
                Ok(lengths)
            } else {
                Err(refused())
            }
        };
        let inner = |name: &str| Ok::<_, Error>(Box::new(Self::read(&source.child(name)?, inputs, depth + 1)?));
        Ok(match class.ok_or_else(refused)?.name.as_ref() {
            "ConstantKernel" => Self::Constant(source.number("constant_value")?),
            "WhiteKernel" => Self::White(source.number("noise_level")?),
            "RBF" => Self::Radial(lengths()?),
            "Matern" => {
                let nu = source.attribute("nu")?.number().ok_or_else(refused)?;
                let smoothness = match nu {
                    0.5 => Smoothness::Half,
                    1.5 => Smoothness::ThreeHalves,
                    2.5 => Smoothness::FiveHalves,
                    f64::INFINITY => Smoothness::Infinite,
                    other => return Err(source.refuse(format!("nu={other} is not evaluated"))),
                };
                Self::Matern(smoothness, lengths()?)
            }
            "RationalQuadratic" => {
                Self::RationalQuadratic { alpha: positive("alpha")?, length: positive("length_scale")? }
            }
            "ExpSineSquared" => {
                Self::SineSquared { length: positive("length_scale")?, period: positive("periodicity")? }
            }
            "DotProduct" => Self::DotProduct(source.number("sigma_0")?),
            "Sum" => Self::Sum(inner("k1")?, inner("k2")?),
            "Product" => Self::Product(inner("k1")?, inner("k2")?),
            "Exponentiation" => Self::Power(inner("kernel")?, source.number("exponent")?),
            _ => return Err(refused()),
        })
    }

    fn between(&self, a: &[f64], b: &[f64]) -> f64 {
        match self {
            Self::Constant(value) => *value,
            Self::White(_) => 0.0,
            Self::Radial(lengths) => libm::exp(-0.5 * scaled_squared(a, b, lengths)),
            Self::Matern(smoothness, lengths) => {
                let distance = scaled_squared(a, b, lengths).sqrt();
                match smoothness {
                    Smoothness::Half => libm::exp(-distance),
                    Smoothness::ThreeHalves => {
                        let scaled = distance * 3.0_f64.sqrt();
                        (1.0 + scaled) * libm::exp(-scaled)
                    }
                    Smoothness::FiveHalves => {
                        let scaled = distance * 5.0_f64.sqrt();
                        (1.0 + scaled + scaled * scaled / 3.0) * libm::exp(-scaled)
                    }
                    Smoothness::Infinite => libm::exp(-distance * distance / 2.0),
                }
            }
            Self::RationalQuadratic { alpha, length } => {
                libm::pow(1.0 + squared_distance(a, b) / (2.0 * alpha * length * length), -alpha)
            }
            Self::SineSquared { length, period } => {
                let wave = libm::sin(std::f64::consts::PI / period * squared_distance(a, b).sqrt()) / length;
                libm::exp(-2.0 * wave * wave)
            }
            Self::DotProduct(offset) => dot(a, b) + offset * offset,
            Self::Sum(first, second) => first.between(a, b) + second.between(a, b),
            Self::Product(first, second) => first.between(a, b) * second.between(a, b),
            Self::Power(inner, exponent) => libm::pow(inner.between(a, b), *exponent),
        }
    }

    /// Of a row with itself.
    fn variance(&self, row: &[f64]) -> f64 {
        match self {
            Self::White(level) => *level,
            Self::Sum(first, second) => first.variance(row) + second.variance(row),
            Self::Product(first, second) => first.variance(row) * second.variance(row),
            Self::Power(inner, exponent) => libm::pow(inner.variance(row), *exponent),
            other => other.between(row, row),
        }
    }
}

fn scaled_squared(a: &[f64], b: &[f64], lengths: &[f64]) -> f64 {
    a.iter().zip(b).zip(lengths).map(|((x, y), length)| x / length - y / length).map(|part| part * part).sum()
}

fn training(source: &Source<'_>, inputs: usize) -> Result<Matrix, Error> {
    let numbers = source.finite("X_train_")?;
    match numbers.shape.as_slice() {
        [rows, columns] if *columns == inputs && *rows > 0 => Ok(Matrix::new(*rows, inputs, numbers.values)),
        _ => Err(source.refuse("X_train_ is not rows of its inputs")),
    }
}

struct Laplace {
    classes: Vec<Label>,
    covariance: Covariance,
    rows: Matrix,
    /// Targets less the probabilities at the mode.
    residuals: Vec<f64>,
    roots: Vec<f64>,
    /// Lower triangle.
    factor: Matrix,
}

impl Laplace {
    /// Mean of the latent function and the similarities it rests on.
    fn mean(&self, row: &[f64], similar: &mut [f64]) -> f64 {
        for (value, other) in similar.iter_mut().zip(self.rows.iter()) {
            *value = self.covariance.between(other, row);
        }
        dot(similar, &self.residuals)
    }

    fn variance(&self, row: &[f64], similar: &[f64]) -> f64 {
        let mut solved = vec![0.0; similar.len()];
        for at in 0..similar.len() {
            let line = self.factor.row(at);
            let known = dot(&line[..at], &solved[..at]);
            solved[at] = (self.roots[at] * similar[at] - known) / line[at];
        }
        self.covariance.variance(row) - dot(&solved, &solved)
    }
}

impl Classify for Laplace {
    fn classes(&self) -> &[Label] {
        &self.classes
    }

    fn rule(&self) -> Rule {
        Rule::Decision
    }

    fn has_probabilities(&self) -> bool {
        true
    }

    fn has_decision(&self) -> bool {
        false
    }

    fn probabilities(&self, data: &Data, cancel: &Cancel) -> Result<Matrix, Error> {
        let input = data.finite(self.rows.columns)?;
        let mut similar = vec![0.0; self.rows.rows];
        let mut probabilities = Matrix::zeros(input.rows, 2);
        for (row, out) in input.iter().zip(probabilities.values.chunks_exact_mut(2)) {
            cancel.check()?;
            let mean = self.mean(row, &mut similar);
            let variance = self.variance(row, &similar);
            let alpha = 1.0 / (2.0 * variance);
            let parts = WIDTHS.iter().zip(WEIGHTS).map(|(width, weight)| {
                let integral = (std::f64::consts::PI / alpha).sqrt()
                    * libm::erf(width * mean * (alpha / (alpha + width * width)).sqrt())
                    / (2.0 * (variance * 2.0 * std::f64::consts::PI).sqrt());
                weight * integral
            });
            let positive = parts.sum::<f64>() + 0.5 * WEIGHTS.iter().sum::<f64>();
            out.copy_from_slice(&[1.0 - positive, positive]);
        }
        Ok(probabilities)
    }

    fn labels(&self, data: &Data, cancel: &Cancel) -> Result<Vec<u32>, Error> {
        let input = data.finite(self.rows.columns)?;
        let mut similar = vec![0.0; self.rows.rows];
        let mut labels = Vec::with_capacity(input.rows);
        for row in input.iter() {
            cancel.check()?;
            labels.push(u32::from(self.mean(row, &mut similar) > 0.0));
        }
        Ok(labels)
    }
}

/// `_BinaryGaussianProcessClassifierLaplace`.
pub(super) fn binary(source: &Source<'_>) -> Result<Estimator, Error> {
    let classes = source.classes(2)?;
    let numbers = source.finite("X_train_")?;
    let inputs = numbers.shape.get(1).copied().filter(|inputs| *inputs > 0);
    let inputs = inputs.ok_or_else(|| source.refuse("X_train_ is not rows"))?;
    let rows = training(source, inputs)?;
    let count = rows.rows;
    let targets = source.vector("y_train_", count)?;
    let residuals = targets.iter().zip(source.vector("pi_", count)?).map(|(target, mode)| target - mode).collect();
    let roots = source.vector("W_sr_", count)?;
    let factor = source.matrix("L_", count, count)?;
    let triangular =
        (0..count).all(|at| factor.row(at)[at] != 0.0 && factor.row(at)[at + 1..].iter().all(|cell| *cell == 0.0));
    if classes.len() != 2 || !triangular {
        return Err(source.refuse("L_ is not a lower triangle, or it has not two classes"));
    }
    let covariance = Covariance::read(&source.child("kernel_")?, inputs, 0)?;
    Ok(Estimator::Classifier(Box::new(Laplace { classes, covariance, rows, residuals, roots, factor })))
}

/// The several classes of a `GaussianProcessClassifier` over the binary ones of its members.
struct Process {
    classes: Vec<Label>,
    inner: Box<dyn Classify>,
    inputs: usize,
}

impl Classify for Process {
    fn classes(&self) -> &[Label] {
        &self.classes
    }

    fn rule(&self) -> Rule {
        self.inner.rule()
    }

    fn has_probabilities(&self) -> bool {
        self.inner.has_probabilities()
    }

    fn has_decision(&self) -> bool {
        false
    }

    fn probabilities(&self, data: &Data, cancel: &Cancel) -> Result<Matrix, Error> {
        data.check_width(self.inputs)?;
        self.inner.probabilities(data, cancel)
    }

    fn labels(&self, data: &Data, cancel: &Cancel) -> Result<Vec<u32>, Error> {
        data.check_width(self.inputs)?;
        self.inner.labels(data, cancel)
    }
}

pub(super) fn classifier(source: &Source<'_>) -> Result<Estimator, Error> {
    let classes = source.classes(2)?;
    let inner = source.child("base_estimator_")?.classifier()?;
    if inner.classes().len() != classes.len() {
        return Err(source.refuse("its members do not know all of its classes"));
    }
    Ok(Estimator::Classifier(Box::new(Process { classes, inner, inputs: source.inputs()? })))
}

struct ProcessRegressor {
    covariance: Arc<Covariance>,
    rows: Arc<Matrix>,
    weights: Vec<f64>,
    mean: f64,
    scale: f64,
}

impl Regress for ProcessRegressor {
    fn values(&self, data: &Data, cancel: &Cancel) -> Result<Vec<f64>, Error> {
        let input = data.finite(self.rows.columns)?;
        let mut values = Vec::with_capacity(input.rows);
        for row in input.iter() {
            cancel.check()?;
            let similar: Vec<f64> = self.rows.iter().map(|other| self.covariance.between(row, other)).collect();
            values.push(self.scale * dot(&similar, &self.weights) + self.mean);
        }
        Ok(values)
    }
}

/// `GaussianProcessRegressor`, of one target or several.
pub(super) fn regressor(source: &Source<'_>) -> Result<Estimator, Error> {
    let inputs = source.inputs()?;
    let rows = training(source, inputs)?;
    let stored = source.finite("alpha_")?;
    let targets = match stored.shape.as_slice() {
        [count] if *count == rows.rows => 1,
        [count, targets] if *count == rows.rows => *targets,
        _ => return Err(source.refuse("alpha_ is not the weights of its rows")),
    };
    multioutput::check_count(source, targets)?;
    let all = |name: &str| match source.attribute(name)?.number() {
        Some(value) if value.is_finite() => Ok(vec![value; targets]),
        _ => match source.finite(name)?.values {
            one if one.len() == 1 => Ok(one.repeat(targets)),
            values if values.len() == targets => Ok(values),
            _ => Err(source.refuse(format!("{name} is not one number for each target"))),
        },
    };
    let (means, scales) = (all("_y_train_mean")?, all("_y_train_std")?);
    let covariance = Arc::new(Covariance::read(&source.child("kernel_")?, inputs, 0)?);
    let rows = Arc::new(rows);
    let one = |target: usize| {
        One::Regressor(Box::new(ProcessRegressor {
            covariance: covariance.clone(),
            rows: rows.clone(),
            weights: stored.values.iter().skip(target).step_by(targets).copied().collect(),
            mean: means[target],
            scale: scales[target],
        }))
    };
    multioutput::of(source, (0..targets).map(one).collect())
}
