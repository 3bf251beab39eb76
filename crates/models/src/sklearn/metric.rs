//! Distances between rows, as `sklearn.metrics._dist_metrics` and scipy compute them.

use super::data::Matrix;
use super::numeric::{dot, squared_distance};
use super::source::Source;
use crate::pickle::View;
use crate::predictor::Error;

/// A distance.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Metric {
    Euclidean,
    SquaredEuclidean,
    Manhattan,
    Chebyshev,
    Minkowski(f64),
    /// Power and weights: the weight multiplies the power of the difference.
    WeightedMinkowski(f64, Vec<f64>),
    /// Variances of the inputs.
    StandardizedEuclidean(Vec<f64>),
    /// Inverse of the covariance.
    Mahalanobis(Matrix),
    Canberra,
    BrayCurtis,
    Hamming,
    Cosine,
    Correlation,
}

impl Metric {
    /// By the name the library stores. `parameters` is a dictionary, or nothing.
    pub(super) fn read(
        source: &Source<'_>,
        name: &str,
        parameters: Option<View<'_>>,
        inputs: usize,
    ) -> Result<Self, Error> {
        let given = parameters.and_then(|parameters| parameters.pairs()).unwrap_or_default();
        let names: Vec<&str> =
            given.iter().filter(|(_, value)| !value.is_none()).filter_map(|(key, _)| key.text()).collect();
        let refused = || source.refuse(format!("metric={name:?} with the parameters {names:?} is not evaluated"));
        let parameter =
            |key: &str| parameters.and_then(|parameters| parameters.get(key)).filter(|view| !view.is_none());
        let vector = |view: View<'_>| -> Result<Vec<f64>, Error> {
            let values = source.decode(view)?.numbers().ok_or_else(refused)?.values;
            let sound = values.len() == inputs && values.iter().all(|value| value.is_finite() && *value > 0.0);
            if sound { Ok(values) } else { Err(refused()) }
        };
        let power = parameter("p").and_then(|power| power.number());
        let known: &[&str] = match name {
            "minkowski" => &["p", "w"],
            "seuclidean" => &["V"],
            "mahalanobis" => &["VI"],
            // What is left of the default metric when another one is chosen.
            _ => &["p"],
        };
        if names.iter().any(|name| !known.contains(name)) {
            return Err(refused());
        }
        Ok(match (name, power) {
            ("minkowski", Some(power)) if parameter("w").is_some() => match parameter("w") {
                Some(weights) if power >= 1.0 && power.is_finite() => Self::WeightedMinkowski(power, vector(weights)?),
                _ => return Err(refused()),
            },
            ("euclidean" | "l2", _) | ("minkowski", Some(2.0)) => Self::Euclidean,
            ("sqeuclidean", _) => Self::SquaredEuclidean,
            ("manhattan" | "cityblock" | "l1", _) | ("minkowski", Some(1.0)) => Self::Manhattan,
            ("chebyshev" | "infinity", _) | ("minkowski", Some(f64::INFINITY)) => Self::Chebyshev,
            ("minkowski", Some(power)) if power >= 1.0 && power.is_finite() => Self::Minkowski(power),
            ("seuclidean", _) => Self::StandardizedEuclidean(vector(parameter("V").ok_or_else(refused)?)?),
            ("mahalanobis", _) => {
                let numbers = source.decode(parameter("VI").ok_or_else(refused)?)?.numbers().ok_or_else(refused)?;
                if numbers.shape != [inputs, inputs] || numbers.values.iter().any(|value| !value.is_finite()) {
                    return Err(refused());
                }
                Self::Mahalanobis(Matrix::new(inputs, inputs, numbers.values))
            }
            ("canberra", _) => Self::Canberra,
            ("braycurtis", _) => Self::BrayCurtis,
            ("hamming", _) => Self::Hamming,
            ("cosine", _) => Self::Cosine,
            ("correlation", _) => Self::Correlation,
            _ => return Err(refused()),
        })
    }

    pub(super) fn distance(&self, a: &[f64], b: &[f64]) -> f64 {
        let pairs = || a.iter().zip(b);
        let differences = || pairs().map(|(x, y)| (x - y).abs());
        match self {
            Self::Euclidean => squared_distance(a, b).sqrt(),
            Self::SquaredEuclidean => squared_distance(a, b),
            Self::Manhattan => differences().sum(),
            Self::Chebyshev => differences().fold(0.0, f64::max),
            Self::Minkowski(power) => {
                libm::pow(differences().map(|difference| libm::pow(difference, *power)).sum(), 1.0 / power)
            }
            Self::WeightedMinkowski(power, weights) => {
                let sum = differences().zip(weights).map(|(difference, weight)| weight * libm::pow(difference, *power));
                libm::pow(sum.sum(), 1.0 / power)
            }
            Self::StandardizedEuclidean(variances) => {
                let sum: f64 =
                    differences().zip(variances).map(|(difference, variance)| difference * difference / variance).sum();
                sum.sqrt()
            }
            Self::Mahalanobis(inverse) => {
                let difference: Vec<f64> = pairs().map(|(x, y)| x - y).collect();
                let sum: f64 = inverse.iter().zip(&difference).map(|(row, value)| value * dot(row, &difference)).sum();
                sum.max(0.0).sqrt()
            }
            Self::Canberra => {
                pairs().map(|(x, y)| (x - y).abs() / (x.abs() + y.abs())).filter(|part| !part.is_nan()).sum()
            }
            Self::BrayCurtis => {
                let below: f64 = pairs().map(|(x, y)| (x + y).abs()).sum();
                let above: f64 = differences().sum();
                // Two rows of zeros are not apart.
                if above == 0.0 { 0.0 } else { above / below }
            }
            Self::Hamming => pairs().filter(|(x, y)| x != y).count() as f64 / a.len() as f64,
            Self::Cosine => cosine(a, b),
            Self::Correlation => {
                let centred = |row: &[f64]| {
                    let mean = row.iter().sum::<f64>() / row.len() as f64;
                    row.iter().map(|value| value - mean).collect::<Vec<f64>>()
                };
                cosine(&centred(a), &centred(b))
            }
        }
    }

    /// Whether the library multiplies matrices here, which rounds by the size of the numbers instead of their distance.
    pub(super) fn is_product(&self) -> bool {
        matches!(self, Self::Euclidean | Self::SquaredEuclidean | Self::Cosine | Self::Correlation)
    }
}

/// One minus the cosine of the angle; a row of zeros is at right angles to everything.
fn cosine(a: &[f64], b: &[f64]) -> f64 {
    let (length_a, length_b) = (dot(a, a).sqrt(), dot(b, b).sqrt());
    if length_a == 0.0 || length_b == 0.0 {
        return 1.0;
    }
    (1.0 - dot(a, b) / (length_a * length_b)).max(0.0)
}
