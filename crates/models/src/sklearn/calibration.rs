//! `CalibratedClassifierCV`: scores of other classifiers turned into probabilities.

use assize_tables::Cancel;

use super::data::{Data, Matrix};
use super::estimator::{Classify, Estimator, Rule};
use super::label::Label;
use super::numeric::{expit, softmax};
use super::source::Source;
use crate::pickle::Kind;
use crate::predictor::Error;

enum Calibrator {
    /// Inverse temperature of a softmax over all classes.
    Temperature(f64),
    /// Platt: slope and offset.
    Sigmoid(f64, f64),
    /// Isotonic regression: thresholds and values, between which it is linear.
    Isotonic(Vec<f64>, Vec<f64>),
}

impl Calibrator {
    fn read(source: &Source<'_>) -> Result<Self, Error> {
        let class = source.view().class();
        if class.is_some_and(|class| class.is("sklearn.calibration", "_SigmoidCalibration")) {
            return Ok(Self::Sigmoid(source.number("a_")?, source.number("b_")?));
        }
        if class.is_some_and(|class| class.is("sklearn.calibration", "_TemperatureScaling")) {
            return Ok(Self::Temperature(source.number("beta_")?));
        }
        if !class.is_some_and(|class| class.is("sklearn.isotonic", "IsotonicRegression")) {
            return Err(source.refuse("a calibrator is needed in this place"));
        }
        source.only("out_of_bounds", &["clip"])?;
        let array = source.array("X_thresholds_")?;
        if array.dtype.kind != Kind::Float || array.dtype.size != 8 {
            return Err(source.refuse("thresholds of another type than double are not evaluated"));
        }
        let at = source.finite("X_thresholds_")?.values;
        let values = source.vector("y_thresholds_", at.len())?;
        if at.is_empty() || at.windows(2).any(|pair| pair[0] >= pair[1]) {
            return Err(source.refuse("its thresholds do not rise"));
        }
        Ok(Self::Isotonic(at, values))
    }

    fn probability(&self, score: f64) -> f64 {
        match self {
            // Of all classes at once, see `Calibrated::heated`.
            Self::Temperature(_) => f64::NAN,
            Self::Sigmoid(slope, offset) => expit(-(slope * score + offset)),
            Self::Isotonic(at, values) => {
                let score = score.clamp(at[0], at[at.len() - 1]);
                let above = at.partition_point(|threshold| *threshold < score).clamp(1, at.len().max(2) - 1);
                if at.len() == 1 {
                    return values[0];
                }
                let below = above - 1;
                let slope = (values[above] - values[below]) / (at[above] - at[below]);
                slope * (score - at[below]) + values[below]
            }
        }
    }
}

struct Calibrated {
    classifier: Box<dyn Classify>,
    calibrators: Vec<Calibrator>,
}

impl Calibrated {
    fn scores(&self, data: &Data, cancel: &Cancel) -> Result<Matrix, Error> {
        if self.classifier.has_decision() {
            return self.classifier.decision(data, cancel);
        }
        let probabilities = self.classifier.probabilities(data, cancel)?;
        if probabilities.columns == 2 {
            return Ok(probabilities.map_rows(1, |row, out| out[0] = row[1]));
        }
        Ok(probabilities)
    }

    /// Softmax of the scores, or of the logarithms of probabilities, times the inverse temperature.
    fn heated(&self, beta: f64, data: &Data, cancel: &Cancel) -> Result<Matrix, Error> {
        let width = self.classifier.classes().len();
        let logits = match self.classifier.has_decision() {
            true => {
                let scores = self.classifier.decision(data, cancel)?;
                match scores.columns {
                    1 => scores.map_rows(2, |row, out| out.copy_from_slice(&[-row[0], row[0]])),
                    _ => scores,
                }
            }
            false => self.classifier.probabilities(data, cancel)?.map_rows(width, |row, out| {
                out.iter_mut().zip(row).for_each(|(out, value)| *out = libm::log(value + 1e-12));
            }),
        };
        Ok(logits.map_rows(width, |row, out| {
            out.iter_mut().zip(row).for_each(|(out, value)| *out = beta * value);
            softmax(out);
        }))
    }

    fn add(&self, data: &Data, sums: &mut Matrix, cancel: &Cancel) -> Result<(), Error> {
        if let [Calibrator::Temperature(beta)] = self.calibrators.as_slice() {
            let heated = self.heated(*beta, data, cancel)?;
            sums.values.iter_mut().zip(heated.values).for_each(|(sum, value)| *sum += value);
            return Ok(());
        }
        let scores = self.scores(data, cancel)?;
        let width = sums.columns;
        let calibrated = scores.map_rows(width, |row, out| {
            if width == 2 {
                out[1] = self.calibrators[0].probability(row[0]);
                out[0] = 1.0 - out[1];
            } else {
                for ((value, score), calibrator) in out.iter_mut().zip(row).zip(&self.calibrators) {
                    *value = calibrator.probability(*score);
                }
                let sum: f64 = out.iter().sum();
                out.iter_mut().for_each(|value| *value = if sum == 0.0 { 1.0 / width as f64 } else { *value / sum });
            }
            for value in out {
                if *value > 1.0 && *value <= 1.0 + 1e-5 {
                    *value = 1.0;
                }
            }
        });
        sums.values.iter_mut().zip(calibrated.values).for_each(|(sum, value)| *sum += value);
        Ok(())
    }
}

struct Calibration {
    classes: Vec<Label>,
    members: Vec<Calibrated>,
}

impl Classify for Calibration {
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
        let mut sums = Matrix::zeros(data.rows(), self.classes.len());
        for member in &self.members {
            cancel.check()?;
            member.add(data, &mut sums, cancel)?;
        }
        let count = self.members.len() as f64;
        sums.values.iter_mut().for_each(|value| *value /= count);
        Ok(sums)
    }
}

pub(super) fn classifier(source: &Source<'_>) -> Result<Estimator, Error> {
    let classes = source.classes(2)?;
    let mut members = Vec::new();
    for member in source.children("calibrated_classifiers_")? {
        let method = member.only("method", &["sigmoid", "isotonic", "temperature"])?;
        // Named base_estimator up to 1.1.
        let attribute = if member.has("estimator") { "estimator" } else { "base_estimator" };
        let classifier = member.child(attribute)?.scorer()?;
        let attribute = if member.has("calibrators") { "calibrators" } else { "calibrators_" };
        let calibrators: Result<Vec<Calibrator>, Error> =
            member.children(attribute)?.iter().map(Calibrator::read).collect();
        let calibrators = calibrators?;
        let one = classes.len() == 2 || method == "temperature";
        let expected = if one { 1 } else { classes.len() };
        let heated = |calibrator: &Calibrator| matches!(calibrator, Calibrator::Temperature(_));
        if calibrators.iter().any(|calibrator| heated(calibrator) != (method == "temperature")) {
            return Err(member.refuse("its calibrators are not those of its method"));
        }
        if calibrators.len() != expected || classifier.classes() != classes.as_slice() {
            return Err(member.refuse("its calibrators are not those of its classes"));
        }
        members.push(Calibrated { classifier, calibrators });
    }
    if members.is_empty() {
        return Err(source.refuse("it has no members"));
    }
    Ok(Estimator::Classifier(Box::new(Calibration { classes, members })))
}
