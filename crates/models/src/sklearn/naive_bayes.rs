//! Naive Bayes classifiers and quadratic discriminant analysis: one log likelihood for each class.

use assize_tables::Cancel;

use super::data::{Data, Matrix};
use super::estimator::{Answer, Classify, Estimator, Rule};
use super::label::Label;
use super::numeric::dot;
use super::source::Source;
use crate::predictor::Error;

/// Log likelihoods up to a constant, `rows x classes`.
type Likelihood = Box<dyn Fn(&Data) -> Result<Matrix, Error> + Send + Sync>;

struct Generative {
    classes: Vec<Label>,
    likelihood: Likelihood,
}

impl Classify for Generative {
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

    fn probabilities(&self, data: &Data, _cancel: &Cancel) -> Result<Matrix, Error> {
        let mut posterior = (self.likelihood)(data)?;
        posterior.values.chunks_exact_mut(self.classes.len()).for_each(super::numeric::softmax);
        Ok(posterior)
    }

    fn labels(&self, data: &Data, _cancel: &Cancel) -> Result<Vec<u32>, Error> {
        Ok((self.likelihood)(data)?.argmax())
    }

    fn answer(&self, data: &Data, _cancel: &Cancel) -> Result<Answer, Error> {
        let mut posterior = (self.likelihood)(data)?;
        let labels = posterior.argmax();
        posterior.values.chunks_exact_mut(self.classes.len()).for_each(super::numeric::softmax);
        Ok(Answer { labels, probabilities: Some(posterior) })
    }
}

fn generative(classes: Vec<Label>, likelihood: Likelihood) -> Estimator {
    Estimator::Classifier(Box::new(Generative { classes, likelihood }))
}

/// Logarithms of numbers that must be positive.
fn logs(source: &Source<'_>, attribute: &str, values: &[f64]) -> Result<Vec<f64>, Error> {
    if values.iter().any(|value| *value <= 0.0) {
        return Err(source.refuse(format!("{attribute} holds a number that is not positive")));
    }
    Ok(values.iter().map(|value| libm::log(*value)).collect())
}

pub(super) fn gaussian(source: &Source<'_>) -> Result<Estimator, Error> {
    let (classes, inputs) = (source.classes(1)?, source.inputs()?);
    let means = source.matrix("theta_", classes.len(), inputs)?;
    let variances = source.matrix("var_", classes.len(), inputs)?;
    logs(source, "var_", &variances.values)?;
    let priors = logs(source, "class_prior_", &source.vector("class_prior_", classes.len())?)?;
    let constants: Vec<f64> = variances
        .iter()
        .zip(priors)
        .map(|(row, prior)| {
            let spread: f64 = row.iter().map(|variance| libm::log(2.0 * std::f64::consts::PI * variance)).sum();
            prior - 0.5 * spread
        })
        .collect();
    let likelihood = move |data: &Data| {
        Ok(data.finite(inputs)?.map_rows(constants.len(), |row, out| {
            for (class, value) in out.iter_mut().enumerate() {
                let moments = means.row(class).iter().zip(variances.row(class));
                let distance: f64 =
                    row.iter().zip(moments).map(|(x, (mean, variance))| (x - mean) * (x - mean) / variance).sum();
                *value = constants[class] - 0.5 * distance;
            }
        }))
    };
    Ok(generative(classes, Box::new(likelihood)))
}

/// A weighted sum of the inputs and a constant for each class.
fn weighted(
    classes: Vec<Label>,
    weights: Matrix,
    constants: Vec<f64>,
    prepare: fn(f64, f64) -> f64,
    at: f64,
) -> Estimator {
    let likelihood = move |data: &Data| {
        let mut input = data.finite(weights.columns)?.into_owned();
        for value in &mut input.values {
            *value = prepare(*value, at);
            if *value < 0.0 {
                return Err(Error::Input {
                    expected: "numbers that are not negative".to_owned(),
                    found: "a negative one".to_owned(),
                });
            }
        }
        Ok(input.map_rows(constants.len(), |row, out| {
            for (class, value) in out.iter_mut().enumerate() {
                *value = dot(row, weights.row(class)) + constants[class];
            }
        }))
    };
    generative(classes, Box::new(likelihood))
}

fn as_it_is(value: f64, _: f64) -> f64 {
    value
}

fn above(value: f64, threshold: f64) -> f64 {
    f64::from(u8::from(value > threshold))
}

pub(super) fn multinomial(source: &Source<'_>) -> Result<Estimator, Error> {
    let (classes, inputs) = (source.classes(1)?, source.inputs()?);
    let weights = source.matrix("feature_log_prob_", classes.len(), inputs)?;
    let priors = source.vector("class_log_prior_", classes.len())?;
    Ok(weighted(classes, weights, priors, as_it_is, 0.0))
}

pub(super) fn complement(source: &Source<'_>) -> Result<Estimator, Error> {
    let (classes, inputs) = (source.classes(2)?, source.inputs()?);
    let weights = source.matrix("feature_log_prob_", classes.len(), inputs)?;
    let constants = vec![0.0; classes.len()];
    Ok(weighted(classes, weights, constants, as_it_is, 0.0))
}

pub(super) fn bernoulli(source: &Source<'_>) -> Result<Estimator, Error> {
    let (classes, inputs) = (source.classes(1)?, source.inputs()?);
    let mut weights = source.matrix("feature_log_prob_", classes.len(), inputs)?;
    let mut constants = source.vector("class_log_prior_", classes.len())?;
    for (class, constant) in constants.iter_mut().enumerate() {
        for weight in &mut weights.values[class * inputs..(class + 1) * inputs] {
            let absent = libm::log(1.0 - libm::exp(*weight));
            if !absent.is_finite() {
                return Err(source.refuse("feature_log_prob_ is not the logarithm of probabilities"));
            }
            *constant += absent;
            *weight -= absent;
        }
    }
    let (prepare, at): (fn(f64, f64) -> f64, f64) = match source.has("binarize") {
        true => (above, source.number("binarize")?),
        false => (as_it_is, 0.0),
    };
    Ok(weighted(classes, weights, constants, prepare, at))
}

pub(super) fn categorical(source: &Source<'_>) -> Result<Estimator, Error> {
    let (classes, inputs) = (source.classes(1)?, source.inputs()?);
    let priors = source.vector("class_log_prior_", classes.len())?;
    let tables = source.list_of_numbers("feature_log_prob_")?;
    let sound = tables.iter().all(|table| {
        table.shape.len() == 2 && table.shape[0] == priors.len() && table.values.iter().all(|value| value.is_finite())
    });
    if tables.len() != inputs || !sound {
        return Err(source.refuse("feature_log_prob_ is not one table for each input"));
    }
    let likelihood = move |data: &Data| {
        let input = data.finite(inputs)?;
        let mut joint = Matrix::new(input.rows, priors.len(), priors.repeat(input.rows));
        for (row, values) in input.iter().enumerate() {
            for (column, (value, table)) in values.iter().zip(&tables).enumerate() {
                let categories = table.shape[1];
                // The library casts to an integer, which cuts off.
                if *value <= -1.0 || *value >= categories as f64 {
                    return Err(Error::Input {
                        expected: format!("categories 0 to {} in input column {}", categories - 1, column + 1),
                        found: value.to_string(),
                    });
                }
                for class in 0..priors.len() {
                    joint.values[row * priors.len() + class] += table.values[class * categories + *value as usize];
                }
            }
        }
        Ok(joint)
    };
    Ok(generative(classes, Box::new(likelihood)))
}

pub(super) fn quadratic_discriminant(source: &Source<'_>) -> Result<Estimator, Error> {
    let (classes, inputs) = (source.classes(2)?, source.inputs()?);
    let means = source.matrix("means_", classes.len(), inputs)?;
    let priors = logs(source, "priors_", &source.vector("priors_", classes.len())?)?;
    let (scalings, rotations) = (source.list_of_numbers("scalings_")?, source.list_of_numbers("rotations_")?);
    if scalings.len() != classes.len() || rotations.len() != classes.len() {
        return Err(source.refuse("scalings_ and rotations_ are not one for each class"));
    }
    let (mut axes, mut constants) = (Vec::new(), Vec::new());
    for ((scaling, rotation), prior) in scalings.iter().zip(&rotations).zip(&priors) {
        let rank = scaling.values.len();
        let finite = rotation.values.iter().all(|value| value.is_finite());
        if rotation.shape != [inputs, rank] || !finite {
            return Err(source.refuse("a rotation does not fit its scaling"));
        }
        constants.push(prior - 0.5 * logs(source, "scalings_", &scaling.values)?.iter().sum::<f64>());
        let mut scaled = Matrix::zeros(rank, inputs);
        for axis in 0..rank {
            for input in 0..inputs {
                scaled.values[axis * inputs + input] =
                    rotation.values[input * rank + axis] * libm::pow(scaling.values[axis], -0.5);
            }
        }
        axes.push(scaled);
    }
    let likelihood = move |data: &Data| {
        let mut centred = vec![0.0; inputs];
        Ok(data.finite(inputs)?.map_rows(constants.len(), |row, out| {
            for (class, value) in out.iter_mut().enumerate() {
                for (to, (x, mean)) in centred.iter_mut().zip(row.iter().zip(means.row(class))) {
                    *to = x - mean;
                }
                let norm: f64 = axes[class].iter().map(|axis| dot(&centred, axis)).map(|length| length * length).sum();
                *value = constants[class] - 0.5 * norm;
            }
        }))
    };
    Ok(generative(classes, Box::new(likelihood)))
}
