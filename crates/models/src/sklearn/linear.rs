//! Classifiers whose decision is a weighted sum of the inputs.

use assize_tables::Cancel;

use super::data::{Data, Matrix};
use super::estimator::{Answer, Classify, Estimator, Regress, Rule, labels_from_decision, of_class};
use super::label::Label;
use super::multioutput::{self, One};
use super::numeric::{dot, expit, normalize, softmax};
use super::source::Source;
use crate::explain::against::{self, Asking};
use crate::explain::{Contributions, ExactMethod, ScoreKind};
use crate::predictor::Error;

/// How decisions become probabilities.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Link {
    /// There are none.
    None,
    /// Logistic function of each class, scaled to one (`LinearClassifierMixin._predict_proba_lr`).
    OneVersusRest,
    /// Softmax; of `[-d, d]` for two classes.
    Softmax,
    /// Softmax for more than two classes, logistic function for two (linear discriminant analysis).
    Discriminant,
    /// `SGDClassifier` with the modified Huber loss.
    ModifiedHuber,
}

struct LinearClassifier {
    classes: Vec<Label>,
    weights: Weights,
    link: Link,
}

/// One row of coefficients for each output.
pub(super) struct Weights {
    coefficients: Matrix,
    intercepts: Vec<f64>,
}

impl Weights {
    /// Reads `coef_` and `intercept_` for that many outputs.
    fn read(source: &Source<'_>, outputs: usize) -> Result<Self, Error> {
        let inputs = source.inputs()?;
        let numbers = source.finite("coef_")?;
        if numbers.values.len() != outputs * inputs || numbers.shape.last() != Some(&inputs) {
            return Err(source.refuse(format!("coef_ is not {outputs} x {inputs} numbers")));
        }
        let coefficients = Matrix::new(outputs, inputs, numbers.values);
        let view = source.attribute("intercept_")?;
        // Without an intercept the library stores a single 0.0.
        let intercepts = match view.number() {
            Some(value) if value.is_finite() && (value == 0.0 || outputs == 1) => vec![value; outputs],
            Some(_) => return Err(source.refuse("intercept_ is one number for several outputs")),
            None => {
                let values = source.finite("intercept_")?.values;
                match values.as_slice() {
                    [0.0] => vec![0.0; outputs],
                    _ if values.len() == outputs => values,
                    _ => return Err(source.refuse(format!("intercept_ is not {outputs} numbers"))),
                }
            }
        };
        Ok(Self { coefficients, intercepts })
    }

    pub(super) fn apply(&self, data: &Data) -> Result<Matrix, Error> {
        let input = data.finite(self.coefficients.columns)?;
        Ok(input.map_rows(self.coefficients.rows, |row, out| {
            for (at, value) in out.iter_mut().enumerate() {
                *value = dot(row, self.coefficients.row(at)) + self.intercepts[at];
            }
        }))
    }
}

impl LinearClassifier {
    fn linked(&self, decision: &Matrix) -> Matrix {
        if decision.columns == 1 {
            return decision.map_rows(2, |row, out| {
                let positive = match self.link {
                    // softmax([-d, d])
                    Link::Softmax => {
                        out.copy_from_slice(&[-row[0], row[0]]);
                        softmax(out);
                        return;
                    }
                    Link::ModifiedHuber => (row[0].clamp(-1.0, 1.0) + 1.0) / 2.0,
                    _ => expit(row[0]),
                };
                out.copy_from_slice(&[1.0 - positive, positive]);
            });
        }
        decision.map_rows(decision.columns, |row, out| {
            out.copy_from_slice(row);
            match self.link {
                Link::Softmax | Link::Discriminant => softmax(out),
                Link::ModifiedHuber => modified_huber(out),
                Link::OneVersusRest | Link::None => {
                    out.iter_mut().for_each(|value| *value = expit(*value));
                    normalize(out);
                }
            }
        })
    }
}

/// `SGDClassifier._predict_proba` for several classes: a row of zeros becomes uniform.
fn modified_huber(row: &mut [f64]) {
    row.iter_mut().for_each(|value| *value = (value.clamp(-1.0, 1.0) + 1.0) / 2.0);
    if row.iter().all(|value| *value == 0.0) {
        row.fill(1.0);
    }
    normalize(row);
}

impl Classify for LinearClassifier {
    fn classes(&self) -> &[Label] {
        &self.classes
    }

    fn rule(&self) -> Rule {
        Rule::Decision
    }

    fn has_probabilities(&self) -> bool {
        self.link != Link::None
    }

    fn has_decision(&self) -> bool {
        true
    }

    fn probabilities(&self, data: &Data, _cancel: &Cancel) -> Result<Matrix, Error> {
        Ok(self.linked(&self.weights.apply(data)?))
    }

    fn decision(&self, data: &Data, _cancel: &Cancel) -> Result<Matrix, Error> {
        self.weights.apply(data)
    }

    fn contributions(
        &self,
        data: &Data,
        asking: Asking<'_>,
        class: usize,
        _cancel: &Cancel,
    ) -> Result<Option<Contributions>, Error> {
        let weights = &self.weights;
        let input = data.finite(weights.coefficients.columns)?;
        let (output, sign, kind) = of_class(weights.coefficients.rows, class);
        let (factor, score) = match self.link {
            // softmax([-d, d]) has the odds exp(2 d).
            Link::Softmax if weights.coefficients.rows == 1 => (2.0 * sign, kind),
            Link::OneVersusRest | Link::Softmax | Link::Discriminant => (sign, kind),
            Link::ModifiedHuber | Link::None => (sign, ScoreKind::Raw),
        };
        let coefficients: Vec<f64> = weights.coefficients.row(output).iter().map(|value| factor * value).collect();
        let found = against::linear(&coefficients, factor * weights.intercepts[output], &input.values, asking);
        Ok(found.map(|attributions| Contributions { method: ExactMethod::Linear, score, attributions }))
    }

    fn answer(&self, data: &Data, _cancel: &Cancel) -> Result<Answer, Error> {
        let decision = self.weights.apply(data)?;
        let probabilities = self.has_probabilities().then(|| self.linked(&decision));
        Ok(Answer { labels: labels_from_decision(&decision), probabilities })
    }
}

fn classifier(source: &Source<'_>, link: Link) -> Result<Estimator, Error> {
    with_classes(source, source.classes(2)?, link)
}

fn with_classes(source: &Source<'_>, classes: Vec<Label>, link: Link) -> Result<Estimator, Error> {
    let outputs = if classes.len() == 2 { 1 } else { classes.len() };
    let weights = Weights::read(source, outputs)?;
    Ok(Estimator::Classifier(Box::new(LinearClassifier { classes, weights, link })))
}

/// `LogisticRegression` and `LogisticRegressionCV`: `multi_class` went away in 1.8.
pub(super) fn logistic_regression(source: &Source<'_>) -> Result<Estimator, Error> {
    let two = source.classes(2)?.len() == 2;
    let multi_class = if source.has("multi_class") { source.text("multi_class")? } else { "auto" };
    let solver = source.text("solver")?;
    let one_versus_rest_solver =
        solver == "liblinear" || (solver == "newton-cholesky" && ((1, 2)..(1, 6)).contains(&source.version()));
    let link = match multi_class {
        "ovr" | "warn" => Link::OneVersusRest,
        "auto" | "deprecated" if two || one_versus_rest_solver => Link::OneVersusRest,
        "auto" | "deprecated" | "multinomial" => Link::Softmax,
        other => return Err(source.refuse(format!("multi_class={other:?} is not evaluated"))),
    };
    classifier(source, link)
}

/// Linear classifiers without probabilities.
pub(super) fn decision_only(source: &Source<'_>) -> Result<Estimator, Error> {
    classifier(source, Link::None)
}

/// `RidgeClassifier` and `RidgeClassifierCV`: the classes are those of its label binarizer.
pub(super) fn ridge_classifier(source: &Source<'_>) -> Result<Estimator, Error> {
    let binarizer = source.child("_label_binarizer")?;
    let kind = binarizer.only("y_type_", &["binary", "multiclass", "multilabel-indicator"])?;
    let classes = binarizer.classes(2)?;
    if kind != "multilabel-indicator" {
        return with_classes(source, classes, Link::None);
    }
    multioutput::check_count(source, classes.len())?;
    let Weights { coefficients, intercepts } = Weights::read(source, classes.len())?;
    let label = |(row, intercept): (&[f64], f64)| {
        let weights = Weights { coefficients: Matrix::new(1, row.len(), row.to_vec()), intercepts: vec![intercept] };
        let classes = vec![Label::Int(0), Label::Int(1)];
        One::Classifier(Box::new(LinearClassifier { classes, weights, link: Link::None }))
    };
    multioutput::of(source, coefficients.iter().zip(intercepts).map(label).collect())
}

pub(super) fn sgd_classifier(source: &Source<'_>) -> Result<Estimator, Error> {
    let link = match source.text("loss")? {
        "log_loss" | "log" => Link::OneVersusRest,
        "modified_huber" => Link::ModifiedHuber,
        _ => Link::None,
    };
    classifier(source, link)
}

pub(super) fn linear_discriminant(source: &Source<'_>) -> Result<Estimator, Error> {
    classifier(source, Link::Discriminant)
}

/// `TweedieRegressor`: powers above zero have the logarithm as link unless another is chosen.
pub(super) fn tweedie_regressor(source: &Source<'_>) -> Result<Estimator, Error> {
    let exponential = match source.only("link", &["auto", "identity", "log"])? {
        "auto" => source.number("power")? > 0.0,
        link => link == "log",
    };
    Ok(Estimator::Regressor(Box::new(LinearRegressor { weights: Weights::read(source, 1)?, exponential })))
}

struct LinearRegressor {
    weights: Weights,
    /// Inverse of the link of generalised linear models.
    exponential: bool,
}

impl Regress for LinearRegressor {
    fn values(&self, data: &Data, _cancel: &Cancel) -> Result<Vec<f64>, Error> {
        let mut values = self.weights.apply(data)?.values;
        if self.exponential {
            values.iter_mut().for_each(|value| *value = libm::exp(*value));
        }
        Ok(values)
    }
}

/// Linear regressors, of one target or several.
pub(super) fn regressor(source: &Source<'_>) -> Result<Estimator, Error> {
    let targets = match source.finite("coef_")?.shape.as_slice() {
        [targets, _] => *targets,
        _ => 1,
    };
    multioutput::check_count(source, targets)?;
    let Weights { coefficients, intercepts } = Weights::read(source, targets)?;
    let one = |(row, intercept): (&[f64], f64)| {
        let weights = Weights { coefficients: Matrix::new(1, row.len(), row.to_vec()), intercepts: vec![intercept] };
        One::Regressor(Box::new(LinearRegressor { weights, exponential: false }))
    };
    multioutput::of(source, coefficients.iter().zip(intercepts).map(one).collect())
}

/// `PLSRegression`: the inputs are centred, and before 1.5 scaled, before the coefficients.
pub(super) fn partial_least_squares(source: &Source<'_>) -> Result<Estimator, Error> {
    let inputs = source.inputs()?;
    let stored = source.finite(if source.has("_coef_") { "_coef_" } else { "coef_" })?;
    // A row for each target since 1.1, a row for each input before.
    let (targets, by_target) = match stored.shape.as_slice() {
        [targets, columns] if source.version() >= (1, 1) && *columns == inputs => (*targets, true),
        [rows, targets] if source.version() < (1, 1) && *rows == inputs => (*targets, false),
        _ => return Err(source.refuse("its coefficients are not those of its inputs")),
    };
    multioutput::check_count(source, targets)?;
    let mean = source.vector("_x_mean", inputs)?;
    let scale = if source.version() < (1, 5) { source.vector("_x_std", inputs)? } else { vec![1.0; inputs] };
    let added = source.vector(if source.has("intercept_") { "intercept_" } else { "_y_mean" }, targets)?;
    if scale.contains(&0.0) {
        return Err(source.refuse("_x_std holds a zero"));
    }
    let one = |target: usize| {
        let place = |input: usize| if by_target { target * inputs + input } else { input * targets + target };
        let row: Vec<f64> = (0..inputs).map(|input| stored.values[place(input)] / scale[input]).collect();
        let intercepts = vec![added[target] - dot(&mean, &row)];
        let weights = Weights { coefficients: Matrix::new(1, inputs, row), intercepts };
        One::Regressor(Box::new(LinearRegressor { weights, exponential: false }))
    };
    multioutput::of(source, (0..targets).map(one).collect())
}

/// Poisson and gamma regression: the link is the logarithm.
pub(super) fn log_regressor(source: &Source<'_>) -> Result<Estimator, Error> {
    Ok(Estimator::Regressor(Box::new(LinearRegressor { weights: Weights::read(source, 1)?, exponential: true })))
}
