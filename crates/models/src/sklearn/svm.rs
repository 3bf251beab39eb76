//! `SVC` and `NuSVC`, as libsvm evaluates them.
//!
//! Source: Chang and Lin, "LIBSVM: a library for support vector machines" (2011), and its `svm.cpp`; the coupling of
//! pairwise probabilities is Wu, Lin and Weng (2004), method 2, stopped as there.

use assize_tables::Cancel;

use super::data::{Data, Matrix};
use super::estimator::{Answer, Classify, Estimator, Regress, Rule};
use super::kernel::Kernel;
use super::label::Label;
use super::numeric::dot;
use super::source::Source;
use crate::predictor::Error;

/// Bounds of a pairwise probability in libsvm.
const PAIR_PROBABILITY_MIN: f64 = 1e-7;

struct Machine {
    classes: Vec<Label>,
    kernel: Kernel,
    vectors: Matrix,
    /// First support vector of each class, and the end.
    starts: Vec<usize>,
    /// `classes - 1` rows of a coefficient for each support vector.
    coefficients: Matrix,
    intercepts: Vec<f64>,
    /// Slope and offset of each pair, when it was trained for probabilities.
    sigmoids: Option<Vec<(f64, f64)>>,
    break_ties: bool,
    one_versus_rest: bool,
}

impl Machine {
    /// Decision of each pair of classes; positive is the first of the two.
    fn pairs(&self, data: &Data, cancel: &Cancel) -> Result<Matrix, Error> {
        let input = data.finite(self.vectors.columns)?;
        let width = self.intercepts.len();
        let mut decisions = Matrix::zeros(input.rows, width);
        let mut similar = vec![0.0; self.vectors.rows];
        for (row, out) in input.iter().zip(decisions.values.chunks_exact_mut(width)) {
            cancel.check()?;
            for (value, vector) in similar.iter_mut().zip(self.vectors.iter()) {
                *value = self.kernel.of(row, vector);
            }
            let mut pair = 0;
            for first in 0..self.classes.len() {
                for second in first + 1..self.classes.len() {
                    out[pair] = self.part(second - 1, first, &similar)
                        + self.part(first, second, &similar)
                        + self.intercepts[pair];
                    pair += 1;
                }
            }
        }
        Ok(decisions)
    }

    fn part(&self, coefficients: usize, class: usize, similar: &[f64]) -> f64 {
        let (start, end) = (self.starts[class], self.starts[class + 1]);
        dot(&self.coefficients.row(coefficients)[start..end], &similar[start..end])
    }

    /// Votes of the pairs; the first class wins a tie unless ties are broken by confidence.
    fn labelled(&self, pairs: &Matrix) -> Vec<u32> {
        if self.break_ties && self.one_versus_rest && self.classes.len() > 2 {
            return self.one_versus_rest(pairs).argmax();
        }
        let votes = pairs.map_rows(self.classes.len(), |row, votes| {
            let mut pair = 0;
            for first in 0..votes.len() {
                for second in first + 1..votes.len() {
                    votes[if row[pair] > 0.0 { first } else { second }] += 1.0;
                    pair += 1;
                }
            }
        });
        votes.argmax()
    }

    /// `sklearn.utils.multiclass._ovr_decision_function`.
    fn one_versus_rest(&self, pairs: &Matrix) -> Matrix {
        pairs.map_rows(self.classes.len(), |row, out| {
            let mut confidence = vec![0.0; out.len()];
            let mut pair = 0;
            for first in 0..out.len() {
                for second in first + 1..out.len() {
                    confidence[first] += row[pair];
                    confidence[second] -= row[pair];
                    out[if row[pair] < 0.0 { second } else { first }] += 1.0;
                    pair += 1;
                }
            }
            for (votes, confidence) in out.iter_mut().zip(confidence) {
                *votes += confidence / (3.0 * (f64::abs(confidence) + 1.0));
            }
        })
    }

    fn coupled(&self, pairs: &Matrix, sigmoids: &[(f64, f64)]) -> Matrix {
        let classes = self.classes.len();
        pairs.map_rows(classes, |row, out| {
            let mut pairwise = Matrix::zeros(classes, classes);
            let mut pair = 0;
            for first in 0..classes {
                for second in first + 1..classes {
                    let (slope, offset) = sigmoids[pair];
                    let probability =
                        sigmoid(row[pair] * slope + offset).clamp(PAIR_PROBABILITY_MIN, 1.0 - PAIR_PROBABILITY_MIN);
                    pairwise.values[first * classes + second] = probability;
                    pairwise.values[second * classes + first] = 1.0 - probability;
                    pair += 1;
                }
            }
            couple(&pairwise, out);
        })
    }
}

/// `sigmoid_predict` of libsvm.
fn sigmoid(value: f64) -> f64 {
    if value >= 0.0 { libm::exp(-value) / (1.0 + libm::exp(-value)) } else { 1.0 / (1.0 + libm::exp(value)) }
}

/// `multiclass_probability` of libsvm, operation by operation: where it stops decides the last digits.
fn couple(r: &Matrix, p: &mut [f64]) {
    let k = p.len();
    let mut q = Matrix::zeros(k, k);
    p.fill(1.0 / k as f64);
    for t in 0..k {
        for j in (0..k).filter(|j| *j != t) {
            q.values[t * k + t] += r.row(j)[t] * r.row(j)[t];
            q.values[t * k + j] = if j < t { q.row(j)[t] } else { -r.row(j)[t] * r.row(t)[j] };
        }
    }
    let mut qp = vec![0.0; k];
    for _ in 0..k.max(100) {
        let mut pqp = 0.0;
        for t in 0..k {
            qp[t] = q.row(t).iter().zip(p.iter()).fold(0.0, |sum, (q, p)| sum + q * p);
            pqp += p[t] * qp[t];
        }
        let error = qp.iter().map(|value| f64::abs(value - pqp)).fold(0.0, f64::max);
        if error < 0.005 / k as f64 {
            break;
        }
        for t in 0..k {
            let step = (pqp - qp[t]) / q.row(t)[t];
            p[t] += step;
            pqp = (pqp + step * (step * q.row(t)[t] + 2.0 * qp[t])) / (1.0 + step) / (1.0 + step);
            for j in 0..k {
                qp[j] = (qp[j] + step * q.row(t)[j]) / (1.0 + step);
                p[j] /= 1.0 + step;
            }
        }
    }
}

impl Classify for Machine {
    fn classes(&self) -> &[Label] {
        &self.classes
    }

    fn rule(&self) -> Rule {
        Rule::Decision
    }

    fn has_probabilities(&self) -> bool {
        self.sigmoids.is_some()
    }

    fn has_decision(&self) -> bool {
        self.classes.len() == 2 || self.one_versus_rest
    }

    fn probabilities(&self, data: &Data, cancel: &Cancel) -> Result<Matrix, Error> {
        let pairs = self.pairs(data, cancel)?;
        Ok(self.coupled(&pairs, self.sigmoids.as_deref().unwrap_or_default()))
    }

    fn decision(&self, data: &Data, cancel: &Cancel) -> Result<Matrix, Error> {
        let mut pairs = self.pairs(data, cancel)?;
        if self.classes.len() == 2 {
            pairs.values.iter_mut().for_each(|value| *value = -*value);
            return Ok(pairs);
        }
        Ok(self.one_versus_rest(&pairs))
    }

    fn labels(&self, data: &Data, cancel: &Cancel) -> Result<Vec<u32>, Error> {
        Ok(self.labelled(&self.pairs(data, cancel)?))
    }

    fn answer(&self, data: &Data, cancel: &Cancel) -> Result<Answer, Error> {
        let pairs = self.pairs(data, cancel)?;
        let probabilities = self.sigmoids.as_ref().map(|sigmoids| self.coupled(&pairs, sigmoids));
        Ok(Answer { labels: self.labelled(&pairs), probabilities })
    }
}

pub(super) fn classifier(source: &Source<'_>) -> Result<Estimator, Error> {
    let kernel = Kernel::of_machine(source)?;
    let classes = source.classes(2)?;
    let inputs = source.inputs()?;
    let numbers = source.finite("support_vectors_")?;
    let vectors = match numbers.shape.as_slice() {
        [rows, columns] if *columns == inputs => Matrix::new(*rows, inputs, numbers.values),
        _ => return Err(source.refuse("support_vectors_ are not rows of its inputs")),
    };
    let mut starts = vec![0];
    for count in source.array("_n_support")?.integers().unwrap_or_default() {
        let count = usize::try_from(count).map_err(|_| source.refuse("a class has a negative number of vectors"))?;
        starts.push(starts.last().map_or(0, |last: &usize| last.saturating_add(count)));
    }
    if starts.len() != classes.len() + 1 || starts.last() != Some(&vectors.rows) {
        return Err(source.refuse("the support vectors are not those of its classes"));
    }
    let pairs = classes.len() * (classes.len() - 1) / 2;
    let coefficients = source.matrix("_dual_coef_", classes.len() - 1, vectors.rows)?;
    let intercepts = source.vector("_intercept_", pairs)?;
    // "deprecated" is the default, and means no, since 1.9.
    let probability = source.attribute("probability")?.text() != Some("deprecated") && source.boolean("probability")?;
    let sigmoids = if probability {
        let (slopes, offsets) = (source.vector("_probA", pairs)?, source.vector("_probB", pairs)?);
        Some(slopes.into_iter().zip(offsets).collect())
    } else {
        None
    };
    let one_versus_rest = source.only("decision_function_shape", &["ovr", "ovo"])? == "ovr";
    let break_ties = source.boolean("break_ties")?;
    Ok(Estimator::Classifier(Box::new(Machine {
        classes,
        kernel,
        vectors,
        starts,
        coefficients,
        intercepts,
        sigmoids,
        break_ties,
        one_versus_rest,
    })))
}

/// `SVR` and `NuSVR`.
struct MachineRegressor {
    kernel: Kernel,
    vectors: Matrix,
    coefficients: Vec<f64>,
    intercept: f64,
}

impl Regress for MachineRegressor {
    fn values(&self, data: &Data, cancel: &Cancel) -> Result<Vec<f64>, Error> {
        let input = data.finite(self.vectors.columns)?;
        let mut values = Vec::with_capacity(input.rows);
        for row in input.iter() {
            cancel.check()?;
            let parts = self
                .vectors
                .iter()
                .zip(&self.coefficients)
                .map(|(vector, weight)| weight * self.kernel.of(row, vector));
            values.push(parts.sum::<f64>() + self.intercept);
        }
        Ok(values)
    }
}

pub(super) fn regressor(source: &Source<'_>) -> Result<Estimator, Error> {
    let kernel = Kernel::of_machine(source)?;
    let inputs = source.inputs()?;
    let numbers = source.finite("support_vectors_")?;
    let vectors = match numbers.shape.as_slice() {
        [rows, columns] if *columns == inputs => Matrix::new(*rows, inputs, numbers.values),
        _ => return Err(source.refuse("support_vectors_ are not rows of its inputs")),
    };
    let coefficients = source.matrix("_dual_coef_", 1, vectors.rows)?.values;
    let intercept = source.vector("_intercept_", 1)?[0];
    Ok(Estimator::Regressor(Box::new(MachineRegressor { kernel, vectors, coefficients, intercept })))
}
