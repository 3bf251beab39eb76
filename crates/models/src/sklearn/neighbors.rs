//! Nearest neighbours, by number or by radius, of one target or several.

use std::sync::Arc;

use assize_tables::Cancel;

use super::data::{Data, Matrix};
use super::estimator::{Classify, Estimator, Regress, Rule};
use super::label::{self, Label};
use super::metric::Metric;
use super::multioutput::{self, One};
use super::numeric::normalize;
use super::source::Source;
use crate::pickle::View;
use crate::predictor::Error;

/// Distances closer than this, relative to the largest, may come in another order in the library.
const TIE: f64 = 1e-12;

/// The same, relative to the squared size of the rows, where the library multiplies matrices.
const PRODUCT_TIE: f64 = 1e-13;

/// Training rows and how near ones are found.
struct Rows {
    rows: Matrix,
    metric: Metric,
    by_distance: bool,
    /// The library multiplies matrices to find the nearest rows, which rounds by the size of the numbers.
    rounded: bool,
    name: String,
}

/// A near row: how far, and its position.
type Near = (f64, u32);

impl Rows {
    fn read(source: &Source<'_>) -> Result<Self, Error> {
        let inputs = source.inputs()?;
        let numbers = source.finite("_fit_X")?;
        let rows = match numbers.shape.as_slice() {
            [rows, columns] if *columns == inputs && *rows > 0 => Matrix::new(*rows, inputs, numbers.values),
            _ => return Err(source.refuse("_fit_X is not rows of its inputs")),
        };
        let parameters = source.attribute("effective_metric_params_")?;
        let metric = Metric::read(source, source.text("effective_metric_")?, Some(parameters), inputs)?;
        let by_distance = source.only("weights", &["uniform", "distance"])? == "distance";
        // It is no metric in the mathematical sense, so that a search tree may miss the nearest rows.
        if metric == Metric::BrayCurtis && source.text("_fit_method")? != "brute" {
            return Err(source.refuse("metric=\"braycurtis\" in a search tree is not evaluated"));
        }
        let rounded = source.text("_fit_method")? == "brute" && metric.is_product();
        if rounded && by_distance {
            return Err(source.refuse("weights=\"distance\" of distances that are rounded is not evaluated"));
        }
        Ok(Self { rows, metric, by_distance, rounded, name: source.name() })
    }

    fn distances(&self, row: &[f64], distances: &mut Vec<Near>) {
        distances.clear();
        distances.extend(self.rows.iter().enumerate().map(|(at, other)| (self.metric.distance(row, other), at as u32)));
    }

    /// How much a distance near `around` may differ in the library.
    fn slack(&self, row: &[f64], around: f64) -> f64 {
        let relative = TIE * around.abs();
        match self.metric {
            _ if !self.rounded => relative,
            Metric::Euclidean => {
                let size: f64 = row.iter().map(|value| value * value).sum();
                relative + if around > 0.0 { size * PRODUCT_TIE / around } else { (size * PRODUCT_TIE).sqrt() }
            }
            Metric::SquaredEuclidean => relative + row.iter().map(|value| value * value).sum::<f64>() * PRODUCT_TIE,
            _ => relative + PRODUCT_TIE * 10.0,
        }
    }

    /// The nearest `count` rows in their order. Which of equally far rows count depends on the search order of the
    /// library: `same` says whether two rows are as good as each other.
    fn nearest<'d>(
        &self,
        row: &[f64],
        count: usize,
        distances: &'d mut Vec<Near>,
        same: impl Fn(u32, u32) -> bool,
    ) -> Result<&'d [Near], Error> {
        self.distances(row, distances);
        let by_distance = |a: &Near, b: &Near| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1));
        let (_, last, _) = distances.select_nth_unstable_by(count - 1, by_distance);
        let last = last.0;
        let slack = self.slack(row, last);
        let is_near = |(distance, _): &&Near| (distance - last).abs() <= slack;
        if distances[count..].iter().any(|entry| is_near(&entry)) {
            let mut tied = distances.iter().filter(is_near);
            let first = tied.next().map_or(0, |entry| entry.1);
            // With weights the distance itself may count.
            if tied.any(|entry| !same(first, entry.1)) {
                return Err(Error::Unreadable(format!(
                    "{}: neighbours that answer differently are equally far, and which of them the library takes \
                     depends on its search order",
                    self.name
                )));
            }
        }
        let nearest = &mut distances[..count];
        nearest.sort_by(by_distance);
        Ok(nearest)
    }

    /// Rows within the radius, in the order of training.
    fn within<'d>(&self, row: &[f64], radius: f64, distances: &'d mut Vec<Near>) -> Result<&'d [Near], Error> {
        self.distances(row, distances);
        let slack = self.slack(row, radius);
        if distances.iter().any(|(distance, _)| (distance - radius).abs() <= slack) {
            return Err(Error::Unreadable(format!(
                "{}: a neighbour lies exactly on the radius, and rounding decides whether it counts",
                self.name
            )));
        }
        distances.retain(|(distance, _)| *distance <= radius);
        Ok(distances)
    }

    /// The weight of each near row.
    fn weights<'n>(&self, near: &'n [Near]) -> impl Iterator<Item = (f64, usize)> + 'n {
        let by_distance = self.by_distance;
        let coincides = near.iter().any(|(distance, _)| *distance == 0.0);
        near.iter().map(move |(distance, at)| {
            let weight = match (by_distance, coincides) {
                (false, _) => 1.0,
                (true, true) => f64::from(u8::from(*distance == 0.0)),
                (true, false) => 1.0 / distance,
            };
            (weight, *at as usize)
        })
    }
}

/// Which rows count.
#[derive(Debug, Clone, Copy)]
enum Reach {
    Nearest(usize),
    Within(f64),
}

impl Reach {
    fn nearest(source: &Source<'_>, rows: &Rows) -> Result<Self, Error> {
        match source.size("n_neighbors")? {
            count if count > 0 && count <= rows.rows.rows => Ok(Self::Nearest(count)),
            _ => Err(source.refuse("n_neighbors is more than its rows")),
        }
    }

    fn within(source: &Source<'_>) -> Result<Self, Error> {
        Ok(Self::Within(source.number("radius")?))
    }
}

struct Neighbors {
    classes: Vec<Label>,
    rows: Arc<Rows>,
    labels: Vec<u32>,
    reach: Reach,
    /// Votes of a row without neighbours, when the library answers for one.
    outlier: Option<Vec<f64>>,
}

impl Neighbors {
    fn near<'d>(&self, row: &[f64], distances: &'d mut Vec<Near>) -> Result<&'d [Near], Error> {
        match self.reach {
            Reach::Nearest(count) => {
                self.rows.nearest(row, count, distances, |a, b| self.labels[a as usize] == self.labels[b as usize])
            }
            Reach::Within(radius) => self.rows.within(row, radius, distances),
        }
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
        let input = data.finite(self.rows.rows.columns)?;
        let width = self.classes.len();
        let mut votes = Matrix::zeros(input.rows, width);
        let mut distances = Vec::with_capacity(self.rows.rows.rows);
        for (row, out) in input.iter().zip(votes.values.chunks_exact_mut(width)) {
            cancel.check()?;
            let near = self.near(row, &mut distances)?;
            for (weight, at) in self.rows.weights(near) {
                out[self.labels[at] as usize] += weight;
            }
            if near.is_empty() {
                let outlier = self.outlier.as_ref().ok_or_else(|| Error::Input {
                    expected: "rows with neighbours within the radius".to_owned(),
                    found: "one without, for which the model has no class".to_owned(),
                })?;
                out.copy_from_slice(outlier);
            }
            normalize(out);
        }
        Ok(votes)
    }
}

/// One target of a classifier: its classes, and the class of each row.
struct Labelled {
    classes: Vec<Label>,
    labels: Vec<u32>,
}

fn read_classifier(source: &Source<'_>) -> Result<(Arc<Rows>, Vec<Labelled>), Error> {
    let several = source.boolean("outputs_2d_")?;
    let classes = match several {
        true => source.classes_of_targets()?,
        false => vec![source.classes(1)?],
    };
    multioutput::check_count(source, classes.len())?;
    let rows = Rows::read(source)?;
    let stored = source.array("_y")?;
    let all = stored.integers().unwrap_or_default();
    let shaped = if several { stored.shape == [rows.rows.rows, classes.len()] } else { all.len() == rows.rows.rows };
    let odd = || source.refuse("_y is not one class for each row of _fit_X");
    if !shaped {
        return Err(odd());
    }
    let width = classes.len();
    let of = |(target, classes): (usize, Vec<Label>)| {
        let label = |label: &i64| u32::try_from(*label).ok().filter(|label| (*label as usize) < classes.len());
        let labels = all.iter().skip(target).step_by(width).map(label).collect::<Option<Vec<u32>>>();
        Ok(Labelled { labels: labels.ok_or_else(odd)?, classes })
    };
    let targets: Result<Vec<Labelled>, Error> = classes.into_iter().enumerate().map(of).collect();
    Ok((Arc::new(rows), targets?))
}

pub(super) fn classifier(source: &Source<'_>) -> Result<Estimator, Error> {
    let (rows, targets) = read_classifier(source)?;
    let reach = Reach::nearest(source, &rows)?;
    let one = |Labelled { classes, labels }| {
        One::Classifier(Box::new(Neighbors { classes, rows: rows.clone(), labels, reach, outlier: None }))
    };
    multioutput::of(source, targets.into_iter().map(one).collect())
}

pub(super) fn radius_classifier(source: &Source<'_>) -> Result<Estimator, Error> {
    let (rows, targets) = read_classifier(source)?;
    let outliers: Vec<Option<Label>> = match source.list("outlier_label_") {
        Ok(views) => {
            let label = |view: &View<'_>| if view.is_none() { Some(None) } else { label::label(view).map(Some) };
            let odd = || source.refuse("its outlier labels are not labels");
            views.iter().map(label).collect::<Option<_>>().ok_or_else(odd)?
        }
        Err(_) => vec![None; targets.len()],
    };
    if outliers.len() != targets.len() {
        return Err(source.refuse("its outlier labels are not one for each target"));
    }
    let reach = Reach::within(source)?;
    let mut members = Vec::with_capacity(targets.len());
    for (Labelled { classes, labels }, outlier) in targets.into_iter().zip(outliers) {
        let outlier = match outlier {
            None => None,
            Some(label) => {
                let at = classes.iter().position(|class| *class == label);
                let at = at
                    .ok_or_else(|| source.refuse("an outlier label that is not one of its classes is not evaluated"))?;
                Some((0..classes.len()).map(|class| f64::from(u8::from(class == at))).collect())
            }
        };
        members.push(One::Classifier(Box::new(Neighbors { classes, rows: rows.clone(), labels, reach, outlier })));
    }
    multioutput::of(source, members)
}

struct NeighborsRegressor {
    rows: Arc<Rows>,
    values: Vec<f64>,
    reach: Reach,
}

impl Regress for NeighborsRegressor {
    fn values(&self, data: &Data, cancel: &Cancel) -> Result<Vec<f64>, Error> {
        let input = data.finite(self.rows.rows.columns)?;
        let mut distances = Vec::with_capacity(self.rows.rows.rows);
        let mut values = Vec::with_capacity(input.rows);
        for row in input.iter() {
            cancel.check()?;
            let near = match self.reach {
                Reach::Nearest(count) => {
                    let same = |a: u32, b: u32| self.values[a as usize] == self.values[b as usize];
                    self.rows.nearest(row, count, &mut distances, same)?
                }
                Reach::Within(radius) => self.rows.within(row, radius, &mut distances)?,
            };
            if near.is_empty() {
                return Err(Error::Input {
                    expected: "rows with neighbours within the radius".to_owned(),
                    found: "one without".to_owned(),
                });
            }
            let (sum, total) = self
                .rows
                .weights(near)
                .fold((0.0, 0.0), |(sum, total), (weight, at)| (sum + weight * self.values[at], total + weight));
            values.push(sum / total);
        }
        Ok(values)
    }
}

/// The values of each target.
fn read_regressor(source: &Source<'_>) -> Result<(Arc<Rows>, Vec<Vec<f64>>), Error> {
    let rows = Rows::read(source)?;
    let stored = source.finite("_y")?;
    let targets = match stored.shape.as_slice() {
        [count] if *count == rows.rows.rows => 1,
        [count, targets] if *count == rows.rows.rows => *targets,
        _ => return Err(source.refuse("_y is not the targets of each row of _fit_X")),
    };
    multioutput::check_count(source, targets)?;
    let of = |target| stored.values.iter().skip(target).step_by(targets).copied().collect();
    Ok((Arc::new(rows), (0..targets).map(of).collect()))
}

fn regressors(source: &Source<'_>, rows: &Arc<Rows>, targets: Vec<Vec<f64>>, reach: Reach) -> Result<Estimator, Error> {
    let one = |values| One::Regressor(Box::new(NeighborsRegressor { rows: rows.clone(), values, reach }));
    multioutput::of(source, targets.into_iter().map(one).collect())
}

pub(super) fn regressor(source: &Source<'_>) -> Result<Estimator, Error> {
    let (rows, targets) = read_regressor(source)?;
    let reach = Reach::nearest(source, &rows)?;
    regressors(source, &rows, targets, reach)
}

pub(super) fn radius_regressor(source: &Source<'_>) -> Result<Estimator, Error> {
    let (rows, targets) = read_regressor(source)?;
    regressors(source, &rows, targets, Reach::within(source)?)
}
