//! Nearest centroids.

use assize_tables::Cancel;

use super::data::{Data, Matrix};
use super::estimator::{Classify, Estimator, Rule};
use super::label::Label;
use super::metric::Metric;
use super::source::Source;
use crate::predictor::Error;

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

pub(super) fn classifier(source: &Source<'_>) -> Result<Estimator, Error> {
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
    let metric = Metric::read(source, source.only("metric", &["euclidean", "manhattan"])?, None, inputs)?;
    let centroids = source.matrix("centroids_", classes.len(), inputs)?;
    Ok(Estimator::Classifier(Box::new(Centroids { classes, centroids, metric, prior })))
}
