//! Nearest neighbours and nearest centroids.

use assize_tables::Cancel;

use super::data::{Data, Matrix};
use super::estimator::{Classify, Estimator, Rule};
use super::label::Label;
use super::numeric::squared_distance;
use super::source::Source;
use crate::predictor::Error;

/// Distances closer than this, relative to the largest, may come in another order in the library.
const TIE: f64 = 1e-12;

#[derive(Debug, Clone, Copy)]
enum Metric {
    Euclidean,
    Manhattan,
    Chebyshev,
    Minkowski(f64),
}

impl Metric {
    fn read(source: &Source<'_>, name: &str, power: Option<f64>) -> Result<Self, Error> {
        match (name, power) {
            ("euclidean" | "l2", _) => Ok(Self::Euclidean),
            ("manhattan" | "cityblock" | "l1", _) => Ok(Self::Manhattan),
            ("chebyshev" | "infinity", _) => Ok(Self::Chebyshev),
            ("minkowski", Some(1.0)) => Ok(Self::Manhattan),
            ("minkowski", Some(2.0)) => Ok(Self::Euclidean),
            ("minkowski", Some(power)) if power >= 1.0 && power.is_finite() => Ok(Self::Minkowski(power)),
            ("minkowski", Some(f64::INFINITY)) => Ok(Self::Chebyshev),
            _ => Err(source.refuse(format!("metric={name:?} is not evaluated"))),
        }
    }

    fn distance(self, a: &[f64], b: &[f64]) -> f64 {
        let differences = a.iter().zip(b).map(|(x, y)| (x - y).abs());
        match self {
            Self::Euclidean => squared_distance(a, b).sqrt(),
            Self::Manhattan => differences.sum(),
            Self::Chebyshev => differences.fold(0.0, f64::max),
            Self::Minkowski(power) => {
                libm::pow(differences.map(|difference| libm::pow(difference, power)).sum(), 1.0 / power)
            }
        }
    }
}

struct Neighbors {
    classes: Vec<Label>,
    rows: Matrix,
    labels: Vec<u32>,
    count: usize,
    metric: Metric,
    by_distance: bool,
    /// The library multiplies matrices to find the nearest rows, which rounds by the size of the numbers.
    rounded: bool,
}

impl Neighbors {
    /// Votes of the nearest rows for each class.
    fn vote(&self, row: &[f64], distances: &mut Vec<(f64, u32)>, votes: &mut [f64]) -> Result<(), Error> {
        distances.clear();
        distances.extend(self.rows.iter().enumerate().map(|(at, other)| (self.metric.distance(row, other), at as u32)));
        let by_distance = |a: &(f64, u32), b: &(f64, u32)| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1));
        let (_, last, _) = distances.select_nth_unstable_by(self.count - 1, by_distance);
        let last = last.0;
        let size: f64 = if self.rounded { row.iter().map(|value| value * value).sum::<f64>() } else { 0.0 };
        let slack = TIE * last + if last > 0.0 { size * 1e-13 / last } else { (size * 1e-13).sqrt() };
        let near = |(distance, _): &(f64, u32)| (distance - last).abs() <= slack;
        let outside = distances[self.count..].iter().find(|entry| near(entry));
        if outside.is_some() {
            // Which of the equally distant rows count is only without effect when they agree.
            let mut tied = distances.iter().filter(|entry| near(entry)).map(|entry| self.labels[entry.1 as usize]);
            let first = tied.next();
            if tied.any(|label| Some(label) != first) {
                return Err(Error::Unreadable(
                    "KNeighborsClassifier: neighbours of different classes are equally far, and which of them the \
                     library takes depends on its search order"
                        .to_owned(),
                ));
            }
        }
        let nearest = &mut distances[..self.count];
        nearest.sort_by(by_distance);
        let coincides = nearest.iter().any(|(distance, _)| *distance == 0.0);
        for (distance, at) in nearest.iter() {
            votes[self.labels[*at as usize] as usize] += match (self.by_distance, coincides) {
                (false, _) => 1.0,
                (true, true) => f64::from(u8::from(*distance == 0.0)),
                (true, false) => 1.0 / distance,
            };
        }
        Ok(())
    }
}

impl Classify for Neighbors {
    fn classes(&self) -> &[Label] {
        &self.classes
    }

    fn rule(&self) -> Rule {
        Rule::Probability
    }

    fn has_probabilities(&self) -> bool {
        true
    }

    fn has_decision(&self) -> bool {
        false
    }

    fn probabilities(&self, data: &Data, cancel: &Cancel) -> Result<Matrix, Error> {
        let input = data.finite(self.rows.columns)?;
        let width = self.classes.len();
        let mut votes = Matrix::zeros(input.rows, width);
        let mut distances = Vec::with_capacity(self.rows.rows);
        for (row, out) in input.iter().zip(votes.values.chunks_exact_mut(width)) {
            cancel.check()?;
            self.vote(row, &mut distances, out)?;
            super::numeric::normalize(out);
        }
        Ok(votes)
    }
}

pub(super) fn classifier(source: &Source<'_>) -> Result<Estimator, Error> {
    let classes = source.classes(1)?;
    let inputs = source.inputs()?;
    if source.boolean("outputs_2d_")? {
        return Err(source.refuse("several targets are not evaluated"));
    }
    let parameters = source.attribute("effective_metric_params_")?;
    if parameters.pairs().is_none_or(|pairs| pairs.iter().any(|(key, _)| key.text() != Some("p"))) {
        return Err(source.refuse("the parameters of its metric are not evaluated"));
    }
    let power = parameters.get("p").and_then(|power| power.number());
    let metric = Metric::read(source, source.text("effective_metric_")?, power)?;
    let by_distance = source.only("weights", &["uniform", "distance"])? == "distance";
    let numbers = source.finite("_fit_X")?;
    let rows = match numbers.shape.as_slice() {
        [rows, columns] if *columns == inputs && *rows > 0 => Matrix::new(*rows, inputs, numbers.values),
        _ => return Err(source.refuse("_fit_X is not rows of its inputs")),
    };
    let labels: Vec<u32> = source
        .array("_y")?
        .integers()
        .unwrap_or_default()
        .into_iter()
        .filter_map(|label| u32::try_from(label).ok().filter(|label| (*label as usize) < classes.len()))
        .collect();
    let count = source.size("n_neighbors")?;
    if labels.len() != rows.rows || count == 0 || count > rows.rows {
        return Err(source.refuse("_y is not one class for each row of _fit_X"));
    }
    let rounded = source.text("_fit_method")? == "brute";
    Ok(Estimator::Classifier(Box::new(Neighbors { classes, rows, labels, count, metric, by_distance, rounded })))
}

struct Centroids {
    classes: Vec<Label>,
    centroids: Matrix,
    metric: Metric,
    /// Since 1.6.
    prior: Option<Prior>,
}

/// What turns distances to centroids into a discriminant.
struct Prior {
    logs: Vec<f64>,
    /// With equal priors a label is the plain nearest centroid.
    uniform: bool,
    /// Spread of each input within the classes; zero where there is none.
    spread: Vec<f64>,
}

impl Centroids {
    /// `NearestCentroid._decision_function`: squared distances in units of the spread, and the prior.
    fn scores(&self, data: &Data, prior: &Prior) -> Result<Matrix, Error> {
        let scaled = |row: &[f64]| -> Vec<f64> {
            row.iter()
                .zip(&prior.spread)
                .map(|(value, spread)| if *spread == 0.0 { *value } else { value / spread })
                .collect()
        };
        let centroids: Vec<Vec<f64>> = self.centroids.iter().map(scaled).collect();
        Ok(data.finite(self.centroids.columns)?.map_rows(self.classes.len(), |row, out| {
            let row = scaled(row);
            for ((value, centroid), log) in out.iter_mut().zip(&centroids).zip(&prior.logs) {
                let distance = self.metric.distance(&row, centroid);
                *value = 2.0 * log - distance * distance;
            }
        }))
    }
}

impl Classify for Centroids {
    fn classes(&self) -> &[Label] {
        &self.classes
    }

    fn rule(&self) -> Rule {
        Rule::Decision
    }

    fn has_probabilities(&self) -> bool {
        self.prior.is_some() && matches!(self.metric, Metric::Euclidean)
    }

    fn has_decision(&self) -> bool {
        false
    }

    fn probabilities(&self, data: &Data, _cancel: &Cancel) -> Result<Matrix, Error> {
        let prior =
            self.prior.as_ref().ok_or_else(|| Error::Unreadable("NearestCentroid: it has no priors".to_owned()))?;
        let mut scores = self.scores(data, prior)?;
        scores.values.chunks_exact_mut(self.classes.len()).for_each(super::numeric::softmax);
        Ok(scores)
    }

    fn labels(&self, data: &Data, _cancel: &Cancel) -> Result<Vec<u32>, Error> {
        if let Some(prior) = self.prior.as_ref().filter(|prior| !prior.uniform) {
            return Ok(self.scores(data, prior)?.argmax());
        }
        let input = data.finite(self.centroids.columns)?;
        let nearness = input.map_rows(self.classes.len(), |row, out| {
            for (class, value) in out.iter_mut().enumerate() {
                *value = -self.metric.distance(row, self.centroids.row(class));
            }
        });
        Ok(nearness.argmax())
    }
}

pub(super) fn centroid(source: &Source<'_>) -> Result<Estimator, Error> {
    let (classes, inputs) = (source.classes(2)?, source.inputs()?);
    let prior = if source.version() >= (1, 6) {
        let priors = source.vector("class_prior_", classes.len())?;
        let spread = source.vector("within_class_std_dev_", inputs)?;
        let even = 1.0 / classes.len() as f64;
        // numpy.isclose with its defaults.
        let uniform = priors.iter().all(|prior| (prior - even).abs() <= 1e-8 + 1e-5 * even);
        if priors.iter().any(|prior| *prior <= 0.0) {
            return Err(source.refuse("a class prior is not positive"));
        }
        Some(Prior { logs: priors.iter().map(|prior| libm::log(*prior)).collect(), uniform, spread })
    } else {
        None
    };
    let metric = Metric::read(source, source.text("metric")?, None)?;
    let centroids = source.matrix("centroids_", classes.len(), inputs)?;
    Ok(Estimator::Classifier(Box::new(Centroids { classes, centroids, metric, prior })))
}
