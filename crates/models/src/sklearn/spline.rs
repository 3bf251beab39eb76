//! `SplineTransformer`: the values of B-splines.
//!
//! Source: de Boor, "A Practical Guide to Splines" (1978), and how scipy and scikit-learn extend them beyond their
//! knots.

use assize_tables::Cancel;

use super::data::{Data, Matrix};
use super::estimator::{Estimator, Transform};
use super::source::Source;
use crate::predictor::Error;

/// Highest degree: the recursion is quadratic in it.
const DEGREE_MAX: usize = 16;

/// Knots and coefficients of the splines of one input.
struct Basis {
    knots: Vec<f64>,
    /// One row for each B-spline, one column for each output.
    coefficients: Matrix,
    degree: usize,
}

impl Basis {
    fn read(source: &Source<'_>, degree: usize) -> Result<Self, Error> {
        let class = source.view().class();
        let modules = ["scipy.interpolate._bsplines", "scipy.interpolate"];
        if !class.is_some_and(|class| modules.iter().any(|module| class.is(module, "BSpline"))) {
            return Err(source.refuse("a BSpline is needed in this place"));
        }
        let either = |name: &'static str, other: &'static str| if source.has(name) { name } else { other };
        let knots = source.finite(either("t", "_t"))?.values;
        let coefficients = source.finite(either("c", "_c"))?;
        let splines = knots.len().checked_sub(degree + 1).filter(|splines| *splines > degree);
        let odd = || source.refuse("its knots and coefficients do not fit its degree");
        let splines = splines.ok_or_else(odd)?;
        let outputs = match coefficients.shape.as_slice() {
            [rows, outputs] if *rows >= splines && *outputs > degree => *outputs,
            _ => return Err(odd()),
        };
        let rising = knots.windows(2).all(|pair| pair[0] <= pair[1]) && knots[degree] < knots[splines];
        if !rising || source.size("k")? != degree || source.integer("axis").unwrap_or(0) != 0 {
            return Err(odd());
        }
        let values = coefficients.values[..splines * outputs].to_vec();
        Ok(Self { knots, coefficients: Matrix::new(splines, outputs, values), degree })
    }

    fn edges(&self) -> (f64, f64) {
        (self.knots[self.degree], self.knots[self.coefficients.rows])
    }

    /// Position of the interval of knots, the first or last one beyond the edges.
    fn interval(&self, value: f64) -> usize {
        let last = self.coefficients.rows - 1;
        let mut at = self.degree;
        while at != last && value >= self.knots[at + 1] {
            at += 1;
        }
        at
    }

    /// Values of the `degree + 1` B-splines of that degree which are not zero in the interval.
    fn alive(&self, value: f64, interval: usize, degree: usize) -> Vec<f64> {
        let mut alive = vec![0.0; degree + 1];
        alive[0] = 1.0;
        for level in 1..=degree {
            let before = alive.clone();
            alive[0] = 0.0;
            for at in 1..=level {
                let (low, high) = (self.knots[interval + at - level], self.knots[interval + at]);
                if low == high {
                    alive[at] = 0.0;
                    continue;
                }
                let weight = before[at - 1] / (high - low);
                alive[at - 1] += weight * (high - value);
                alive[at] = weight * (value - low);
            }
        }
        alive
    }

    fn at(&self, value: f64, out: &mut [f64]) {
        let interval = self.interval(value);
        out.fill(0.0);
        for (place, weight) in self.alive(value, interval, self.degree).into_iter().enumerate() {
            let row = self.coefficients.row(interval - self.degree + place);
            out.iter_mut().zip(row).for_each(|(out, coefficient)| *out += weight * coefficient);
        }
    }

    /// First derivatives.
    fn slope(&self, value: f64, out: &mut [f64]) {
        out.fill(0.0);
        let Some(lower) = self.degree.checked_sub(1) else { return };
        let interval = self.interval(value);
        let alive = self.alive(value, interval, lower);
        for (place, weight) in alive.into_iter().enumerate() {
            // The derivative of a spline has the differences of its coefficients.
            let at = interval - lower + place;
            let width = self.knots[at + self.degree] - self.knots[at];
            if width == 0.0 {
                continue;
            }
            let (this, before) = (self.coefficients.row(at), self.coefficients.row(at - 1));
            for ((out, this), before) in out.iter_mut().zip(this).zip(before) {
                *out += weight * self.degree as f64 * (this - before) / width;
            }
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Beyond {
    Refused,
    Constant,
    Linear,
    Continued,
    Periodic,
}

struct Splines {
    bases: Vec<Basis>,
    beyond: Beyond,
    bias: bool,
}

impl Splines {
    fn fill(&self, basis: &Basis, value: f64, out: &mut [f64], slope: &mut [f64]) -> Result<(), Error> {
        let (low, high) = basis.edges();
        let inside = (low..=high).contains(&value);
        match self.beyond {
            Beyond::Periodic => {
                let length = high - low;
                let rest = (value - low) % length;
                basis.at(low + if rest < 0.0 { rest + length } else { rest }, out);
            }
            Beyond::Continued => basis.at(value, out),
            _ if inside => basis.at(value, out),
            Beyond::Refused => {
                return Err(Error::Input {
                    expected: format!("numbers between {low} and {high}"),
                    found: "one beyond the knots of the splines".to_owned(),
                });
            }
            beyond => {
                let (edge, below) = if value < low { (low, true) } else { (high, false) };
                // Of a constant spline, and of a straight one, one more is drawn on.
                let count = basis.degree + usize::from(beyond == Beyond::Linear && basis.degree <= 1);
                let outputs = out.len();
                let mut ends = vec![0.0; outputs];
                basis.at(edge, &mut ends);
                basis.slope(edge, slope);
                out.fill(0.0);
                for step in 0..count.min(outputs) {
                    let at = if below { step } else { outputs - 1 - step };
                    out[at] = ends[at];
                    if beyond == Beyond::Linear {
                        out[at] += (value - edge) * slope[at];
                    }
                }
            }
        }
        Ok(())
    }
}

impl Transform for Splines {
    fn transform(&self, data: &Data, cancel: &Cancel) -> Result<Data, Error> {
        let input = data.finite(self.bases.len())?;
        let width = |basis: &Basis| basis.coefficients.columns - usize::from(!self.bias);
        let columns: usize = self.bases.iter().map(width).sum();
        let mut made = Matrix::zeros(input.rows, columns);
        let most = self.bases.iter().map(|basis| basis.coefficients.columns).max().unwrap_or(0);
        let (mut out, mut slope) = (vec![0.0; most], vec![0.0; most]);
        for (row, cells) in input.iter().zip(made.values.chunks_exact_mut(columns.max(1))) {
            cancel.check()?;
            let mut at = 0;
            for (value, basis) in row.iter().zip(&self.bases) {
                let outputs = basis.coefficients.columns;
                self.fill(basis, *value, &mut out[..outputs], &mut slope[..outputs])?;
                let kept = width(basis);
                cells[at..at + kept].copy_from_slice(&out[..kept]);
                at += kept;
            }
        }
        Ok(Data::Matrix(made))
    }

    fn owners(&self, owners: &[usize]) -> Option<Vec<usize>> {
        if owners.len() != self.bases.len() {
            return None;
        }
        let made = self.bases.iter().map(|basis| basis.coefficients.columns - usize::from(!self.bias));
        Some(owners.iter().zip(made).flat_map(|(owner, made)| std::iter::repeat_n(*owner, made)).collect())
    }
}

pub(super) fn splines(source: &Source<'_>) -> Result<Estimator, Error> {
    if source.has("handle_missing") {
        source.only("handle_missing", &["error"])?;
    }
    let degree = source.size("degree")?;
    if degree > DEGREE_MAX {
        return Err(source.refuse(format!("a degree beyond {DEGREE_MAX} is not evaluated")));
    }
    let beyond = match source.only("extrapolation", &["error", "constant", "linear", "continue", "periodic"])? {
        "error" => Beyond::Refused,
        "constant" => Beyond::Constant,
        "linear" => Beyond::Linear,
        "continue" => Beyond::Continued,
        _ => Beyond::Periodic,
    };
    let bases: Result<Vec<Basis>, Error> =
        source.children("bsplines_")?.iter().map(|basis| Basis::read(basis, degree)).collect();
    let bases = bases?;
    if bases.len() != source.inputs()? {
        return Err(source.refuse("bsplines_ is not one for each input"));
    }
    let bias = source.boolean("include_bias")?;
    source.makes(bases.iter().map(|basis| basis.coefficients.columns).sum());
    Ok(Estimator::Transformer(Box::new(Splines { bases, beyond, bias })))
}
