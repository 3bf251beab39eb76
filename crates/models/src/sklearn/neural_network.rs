//! `MLPClassifier` and `MLPRegressor`.

use std::sync::Arc;

use assize_tables::Cancel;

use super::data::{Data, Matrix};
use super::estimator::{Answer, Classify, Estimator, Regress, Rule};
use super::label::Label;
use super::multioutput::{self, One};
use super::numeric::{expit, softmax};
use super::source::Source;
use crate::predictor::Error;

struct Network {
    /// `inputs x outputs` of each layer, as stored.
    layers: Vec<(Matrix, Vec<f64>)>,
    activation: fn(f64) -> f64,
}

impl Network {
    fn read(source: &Source<'_>) -> Result<Self, Error> {
        let activation: fn(f64) -> f64 = match source.only("activation", &["identity", "logistic", "tanh", "relu"])? {
            "identity" => |value| value,
            "logistic" => expit,
            "tanh" => libm::tanh,
            _ => |value| value.max(0.0),
        };
        let (weights, biases) = (source.list_of_numbers("coefs_")?, source.list_of_numbers("intercepts_")?);
        let mut width = source.inputs()?;
        if weights.len() != biases.len() || weights.is_empty() {
            return Err(source.refuse("coefs_ and intercepts_ are not as many"));
        }
        let mut layers = Vec::with_capacity(weights.len());
        for (weights, biases) in weights.into_iter().zip(biases) {
            let outputs = biases.values.len();
            let finite = weights.values.iter().chain(&biases.values).all(|value| value.is_finite());
            if weights.shape != [width, outputs] || !finite || outputs == 0 {
                return Err(source.refuse("the layers do not fit each other"));
            }
            layers.push((Matrix::new(width, outputs, weights.values), biases.values));
            width = outputs;
        }
        Ok(Self { layers, activation })
    }

    fn outputs(&self) -> usize {
        self.layers.last().map_or(0, |(_, biases)| biases.len())
    }

    /// The last layer before its own activation.
    fn forward(&self, data: &Data) -> Result<Matrix, Error> {
        let mut current = data.finite(self.layers[0].0.rows)?.into_owned();
        for (at, (weights, biases)) in self.layers.iter().enumerate() {
            let hidden = at + 1 < self.layers.len();
            current = current.map_rows(biases.len(), |row, out| {
                out.copy_from_slice(biases);
                for (input, weights) in row.iter().zip(weights.iter()) {
                    for (sum, weight) in out.iter_mut().zip(weights) {
                        *sum += input * weight;
                    }
                }
                if hidden {
                    out.iter_mut().for_each(|value| *value = (self.activation)(*value));
                }
            });
        }
        Ok(current)
    }
}

struct NetworkClassifier {
    classes: Vec<Label>,
    network: Network,
}

impl Classify for NetworkClassifier {
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

    fn probabilities(&self, data: &Data, _cancel: &Cancel) -> Result<Matrix, Error> {
        let mut scores = self.network.forward(data)?;
        if scores.columns == 1 {
            return Ok(scores.map_rows(2, |row, out| {
                let positive = expit(row[0]);
                out.copy_from_slice(&[1.0 - positive, positive]);
            }));
        }
        scores.values.chunks_exact_mut(self.classes.len()).for_each(softmax);
        Ok(scores)
    }

    fn labels(&self, data: &Data, cancel: &Cancel) -> Result<Vec<u32>, Error> {
        Ok(self.answer(data, cancel)?.labels)
    }

    fn answer(&self, data: &Data, cancel: &Cancel) -> Result<Answer, Error> {
        let probabilities = self.probabilities(data, cancel)?;
        let labels = if self.network.outputs() == 1 {
            probabilities.iter().map(|row| u32::from(row[1] > 0.5)).collect()
        } else {
            probabilities.argmax()
        };
        Ok(Answer { labels, probabilities: Some(probabilities) })
    }
}

/// One label of a network of several, each there or not.
struct NetworkLabel {
    classes: [Label; 2],
    network: Arc<Network>,
    output: usize,
}

impl Classify for NetworkLabel {
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

    fn probabilities(&self, data: &Data, _cancel: &Cancel) -> Result<Matrix, Error> {
        Ok(self.network.forward(data)?.map_rows(2, |row, out| {
            let there = expit(row[self.output]);
            out.copy_from_slice(&[1.0 - there, there]);
        }))
    }

    fn labels(&self, data: &Data, cancel: &Cancel) -> Result<Vec<u32>, Error> {
        Ok(self.answer(data, cancel)?.labels)
    }

    fn answer(&self, data: &Data, cancel: &Cancel) -> Result<Answer, Error> {
        let probabilities = self.probabilities(data, cancel)?;
        let labels = probabilities.iter().map(|row| u32::from(row[1] > 0.5)).collect();
        Ok(Answer { labels, probabilities: Some(probabilities) })
    }
}

/// A network fitted on a matrix of zeros and ones.
fn labels(source: &Source<'_>) -> Result<Estimator, Error> {
    let network = Network::read(source)?;
    let outputs = network.outputs();
    multioutput::check_count(source, outputs)?;
    if outputs < 2 || source.classes(2)?.len() != outputs || source.text("out_activation_")? != "logistic" {
        return Err(source.refuse("its output layer is not that of its labels"));
    }
    let network = Arc::new(network);
    let classes = [Label::Int(0), Label::Int(1)];
    let one =
        |output| One::Classifier(Box::new(NetworkLabel { classes: classes.clone(), network: network.clone(), output }));
    multioutput::of(source, (0..outputs).map(one).collect())
}

pub(super) fn classifier(source: &Source<'_>) -> Result<Estimator, Error> {
    let binarizer = source.child("_label_binarizer")?;
    if binarizer.only("y_type_", &["binary", "multiclass", "multilabel-indicator"])? == "multilabel-indicator" {
        return labels(source);
    }
    let classes = source.classes(2)?;
    let network = Network::read(source)?;
    let (outputs, last) = if classes.len() == 2 { (1, "logistic") } else { (classes.len(), "softmax") };
    if network.outputs() != outputs || source.text("out_activation_")? != last {
        return Err(source.refuse("its output layer is not that of its classes"));
    }
    Ok(Estimator::Classifier(Box::new(NetworkClassifier { classes, network })))
}

/// One output of a network.
struct NetworkRegressor {
    network: Arc<Network>,
    output: usize,
}

impl Regress for NetworkRegressor {
    fn values(&self, data: &Data, _cancel: &Cancel) -> Result<Vec<f64>, Error> {
        Ok(self.network.forward(data)?.column(self.output))
    }
}

pub(super) fn regressor(source: &Source<'_>) -> Result<Estimator, Error> {
    let network = Network::read(source)?;
    if source.text("out_activation_")? != "identity" {
        return Err(source.refuse("only the identity as output is evaluated"));
    }
    let (outputs, network) = (network.outputs(), Arc::new(network));
    multioutput::check_count(source, outputs)?;
    let one = |output| One::Regressor(Box::new(NetworkRegressor { network: network.clone(), output }));
    multioutput::of(source, (0..outputs).map(one).collect())
}
