//! `GradientBoostingClassifier` and `GradientBoostingRegressor`.

use assize_tables::Cancel;

use super::data::{Data, Matrix};
use super::estimator::{Answer, Classify, Estimator, Regress, Rule, of_class};
use super::forest::regress_tree;
use super::label::Label;
use super::numeric::{expit, softmax};
use super::source::Source;
use super::tree::{Asked, Inputs, Tree};
use crate::explain::against::{self, Asking};
use crate::explain::{Contributions, ExactMethod};
use crate::predictor::Error;

/// The raw score: where it starts, and trees in the order in which they add to it.
struct Stages {
    inputs: usize,
    start: Vec<f64>,
    /// Stage after stage, one tree for each score; their values are multiplied by the learning rate.
    trees: Vec<Tree>,
}

impl Stages {
    fn raw(&self, data: &Data, cancel: &Cancel) -> Result<Matrix, Error> {
        let inputs = Inputs::new(data, self.inputs, false)?;
        let width = self.start.len();
        let mut raw = Matrix::new(inputs.rows, width, self.start.repeat(inputs.rows));
        let mut leaves = Vec::new();
        for (at, tree) in self.trees.iter().enumerate() {
            cancel.check()?;
            if width == 1 {
                tree.add_to(&inputs, &mut leaves, raw.values.iter_mut());
            } else {
                tree.add_to(&inputs, &mut leaves, raw.values.iter_mut().skip(at % width).step_by(width));
            }
        }
        Ok(raw)
    }

    fn read(source: &Source<'_>, start: Vec<f64>) -> Result<Self, Error> {
        let inputs = source.inputs()?;
        let array = source.array("estimators_")?;
        let members = array.objects().filter(|_| array.shape.len() == 2 && array.shape[1] == start.len());
        let members = members.ok_or_else(|| source.refuse("estimators_ does not hold one tree a stage and score"))?;
        let learning_rate = source.number("learning_rate")?;
        let mut trees = Vec::with_capacity(members.len());
        for view in members {
            let member = source.inner(view)?;
            let known = view.class().is_some_and(|class| class.is("sklearn.tree._classes", "DecisionTreeRegressor"));
            if !known || member.inputs()? != inputs {
                return Err(source.refuse("its members are not all regression trees of its inputs"));
            }
            let mut tree = regress_tree(&member)?;
            tree.scale(learning_rate);
            trees.push(tree);
        }
        Ok(Self { inputs, start, trees })
    }
}

struct GradientBoosting {
    classes: Vec<Label>,
    stages: Stages,
    /// The exponential loss doubles the score inside the logistic function.
    exponential: bool,
    /// Since 1.4 a score of exactly zero is the second class.
    zero_is_positive: bool,
}

impl GradientBoosting {
    fn linked(&self, raw: &Matrix) -> Matrix {
        if raw.columns == 1 {
            let scale = if self.exponential { 2.0 } else { 1.0 };
            return raw.map_rows(2, |row, out| {
                let positive = expit(scale * row[0]);
                out.copy_from_slice(&[1.0 - positive, positive]);
            });
        }
        raw.map_rows(raw.columns, |row, out| {
            out.copy_from_slice(row);
            softmax(out);
        })
    }

    fn labelled(&self, raw: &Matrix) -> Vec<u32> {
        if raw.columns > 1 {
            return raw.argmax();
        }
        let positive = |value: &f64| *value > 0.0 || (self.zero_is_positive && *value == 0.0);
        raw.values.iter().map(|value| u32::from(positive(value))).collect()
    }
}

impl Classify for GradientBoosting {
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
        true
    }

    fn probabilities(&self, data: &Data, cancel: &Cancel) -> Result<Matrix, Error> {
        Ok(self.linked(&self.stages.raw(data, cancel)?))
    }

    fn decision(&self, data: &Data, cancel: &Cancel) -> Result<Matrix, Error> {
        self.stages.raw(data, cancel)
    }

    fn labels(&self, data: &Data, cancel: &Cancel) -> Result<Vec<u32>, Error> {
        Ok(self.labelled(&self.stages.raw(data, cancel)?))
    }

    fn contributions(
        &self,
        data: &Data,
        asking: Asking<'_>,
        class: usize,
        cancel: &Cancel,
    ) -> Result<Option<Contributions>, Error> {
        let stages = &self.stages;
        let inputs = Inputs::new(data, stages.inputs, false)?;
        let width = stages.start.len();
        let (column, factor, score) = of_class(width, class);
        let factor = if self.exponential { 2.0 * factor } else { factor };
        let of_score = stages.trees.iter().skip(column).step_by(width);
        let trees: Vec<(Asked<'_>, f64)> = of_score.map(|tree| (tree.asked(&inputs, 0), factor)).collect();
        let found = against::trees(&trees, factor * stages.start[column], asking, cancel)?;
        Ok(found.map(|attributions| Contributions { method: ExactMethod::Trees, score, attributions }))
    }

    fn answer(&self, data: &Data, cancel: &Cancel) -> Result<Answer, Error> {
        let raw = self.stages.raw(data, cancel)?;
        Ok(Answer { labels: self.labelled(&raw), probabilities: Some(self.linked(&raw)) })
    }
}

pub(super) fn classifier(source: &Source<'_>) -> Result<Estimator, Error> {
    let classes = source.classes(2)?;
    let exponential = match source.only("loss", &["log_loss", "deviance", "exponential"])? {
        "exponential" if classes.len() == 2 => true,
        "exponential" => return Err(source.refuse("the exponential loss is for two classes")),
        _ => false,
    };
    let common_loss = source.version() >= (1, 4);
    let start = start(source, classes.len(), exponential, common_loss)?;
    let stages = Stages::read(source, start)?;
    let zero_is_positive = common_loss;
    Ok(Estimator::Classifier(Box::new(GradientBoosting { classes, stages, exponential, zero_is_positive })))
}

/// The raw score before the first tree: the link of the class frequencies, or zero.
fn start(source: &Source<'_>, classes: usize, exponential: bool, common_loss: bool) -> Result<Vec<f64>, Error> {
    let scores = if classes == 2 { 1 } else { classes };
    if source.attribute("init_")?.text() == Some("zero") {
        return Ok(vec![0.0; scores]);
    }
    let init = source.child("init_")?;
    let known = init.view().class().is_some_and(|class| class.is("sklearn.dummy", "DummyClassifier"));
    if !known || init.text("strategy")? != "prior" {
        return Err(source.refuse(format!("init={} is not evaluated", init.name())));
    }
    let prior = init.vector("class_prior_", classes)?;
    let epsilon = f64::from(f32::EPSILON);
    let clipped: Vec<f64> = prior.iter().map(|value| value.clamp(epsilon, 1.0 - epsilon)).collect();
    if scores == 1 {
        let odds = libm::log(clipped[1] / (1.0 - clipped[1]));
        return Ok(vec![if exponential { 0.5 * odds } else { odds }]);
    }
    let logs: Vec<f64> = clipped.iter().map(|value| libm::log(*value)).collect();
    // Since 1.4 the multinomial link is centred by the geometric mean.
    let centre = if common_loss { logs.iter().sum::<f64>() / classes as f64 } else { 0.0 };
    Ok(logs.iter().map(|value| value - centre).collect())
}

struct Regression(Stages);

impl Regress for Regression {
    fn values(&self, data: &Data, cancel: &Cancel) -> Result<Vec<f64>, Error> {
        Ok(self.0.raw(data, cancel)?.values)
    }
}

pub(super) fn regressor(source: &Source<'_>) -> Result<Estimator, Error> {
    source.only("loss", &["squared_error", "absolute_error", "huber", "quantile", "ls", "lad"])?;
    let start = if source.attribute("init_")?.text() == Some("zero") {
        0.0
    } else {
        let init = source.child("init_")?;
        if !init.view().class().is_some_and(|class| class.is("sklearn.dummy", "DummyRegressor")) {
            return Err(source.refuse(format!("init={} is not evaluated", init.name())));
        }
        match init.finite("constant_")?.values.as_slice() {
            [constant] => *constant,
            _ => return Err(source.refuse("several targets are not evaluated")),
        }
    };
    Ok(Estimator::Regressor(Box::new(Regression(Stages::read(source, vec![start])?))))
}
