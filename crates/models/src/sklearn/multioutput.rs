//! Several targets: one estimator for each of them, by itself or in a chain.

use assize_tables::Cancel;

use super::data::{Data, Matrix};
use super::estimator::{Answer, Classify, Estimator, Regress, Said, Targets};
use super::label::Label;
use super::source::Source;
use crate::predictor::Error;

/// Targets of a model.
const TARGETS_MAX: usize = 1024;

/// What answers one target.
pub(super) enum One {
    Classifier(Box<dyn Classify>),
    Regressor(Box<dyn Regress>),
}

impl One {
    fn classes(&self) -> &[Label] {
        match self {
            Self::Classifier(classifier) => classifier.classes(),
            Self::Regressor(_) => &[],
        }
    }

    fn answer(&self, data: &Data, cancel: &Cancel) -> Result<Said, Error> {
        Ok(match self {
            Self::Classifier(classifier) => Said::Classes(classifier.answer(data, cancel)?),
            Self::Regressor(regressor) => Said::Values(regressor.values(data, cancel)?),
        })
    }
}

/// An estimator of one target as it is, others as one of several.
pub(super) fn of(source: &Source<'_>, mut targets: Vec<One>) -> Result<Estimator, Error> {
    if targets.len() != 1 {
        return separate(source, targets);
    }
    Ok(match targets.remove(0) {
        One::Classifier(classifier) => Estimator::Classifier(classifier),
        One::Regressor(regressor) => Estimator::Regressor(regressor),
    })
}

/// Refuses a number of targets that no honest model has.
pub(super) fn check_count(source: &Source<'_>, targets: usize) -> Result<(), Error> {
    if targets == 0 || targets > TARGETS_MAX {
        return Err(source.refuse(format!("1 to {TARGETS_MAX} targets are evaluated, not {targets}")));
    }
    Ok(())
}

/// Each target by itself.
struct Separate(Vec<One>);

impl Targets for Separate {
    fn classes(&self) -> Vec<&[Label]> {
        self.0.iter().map(One::classes).collect()
    }

    fn answers(&self, data: &Data, cancel: &Cancel) -> Result<Vec<Said>, Error> {
        let mut answers = Vec::with_capacity(self.0.len());
        for target in &self.0 {
            cancel.check()?;
            answers.push(target.answer(data, cancel)?);
        }
        Ok(answers)
    }
}

fn classifiers(source: &Source<'_>) -> Result<Vec<One>, Error> {
    source.children("estimators_")?.iter().map(|member| member.classifier().map(One::Classifier)).collect()
}

fn regressors(source: &Source<'_>) -> Result<Vec<One>, Error> {
    source.children("estimators_")?.iter().map(|member| member.regressor().map(One::Regressor)).collect()
}

/// Even of one target the library answers a matrix.
fn separate(source: &Source<'_>, targets: Vec<One>) -> Result<Estimator, Error> {
    check_count(source, targets.len())?;
    Ok(Estimator::Several(Box::new(Separate(targets))))
}

pub(super) fn classifier(source: &Source<'_>) -> Result<Estimator, Error> {
    separate(source, classifiers(source)?)
}

pub(super) fn regressor(source: &Source<'_>) -> Result<Estimator, Error> {
    separate(source, regressors(source)?)
}

/// Each target from the inputs and what was said of the targets before it.
struct Chain {
    members: Vec<One>,
    /// The target of each member.
    order: Vec<usize>,
}

impl Targets for Chain {
    fn classes(&self) -> Vec<&[Label]> {
        let mut classes: Vec<&[Label]> = vec![&[]; self.members.len()];
        for (member, target) in self.members.iter().zip(&self.order) {
            classes[*target] = member.classes();
        }
        classes
    }

    fn answers(&self, data: &Data, cancel: &Cancel) -> Result<Vec<Said>, Error> {
        let rows = data.rows();
        let mut said = Vec::with_capacity(self.members.len());
        let mut inputs = data.clone();
        for member in &self.members {
            cancel.check()?;
            let answer = member.answer(&inputs, cancel)?;
            let column = match &answer {
                Said::Values(values) => values.clone(),
                Said::Classes(Answer { labels, .. }) => {
                    let numbers: Vec<f64> = member.classes().iter().map(|class| number(class).unwrap_or(0.0)).collect();
                    labels.iter().map(|label| numbers[*label as usize]).collect()
                }
            };
            inputs = Data::beside(rows, vec![inputs, Data::Matrix(Matrix::new(rows, 1, column))]);
            said.push(answer);
        }
        let mut by_target: Vec<(usize, Said)> = self.order.iter().copied().zip(said).collect();
        by_target.sort_by_key(|(target, _)| *target);
        Ok(by_target.into_iter().map(|(_, said)| said).collect())
    }
}

/// What a label is to the next member; `None` for a text.
fn number(label: &Label) -> Option<f64> {
    match label {
        Label::Int(value) => Some(*value as f64),
        Label::Float(value) => Some(*value),
        Label::Bool(value) => Some(f64::from(u8::from(*value))),
        Label::Text(_) => None,
    }
}

fn chain(source: &Source<'_>, members: Vec<One>) -> Result<Estimator, Error> {
    if source.has("chain_method_") {
        source.only("chain_method_", &["predict"])?;
    }
    check_count(source, members.len())?;
    if members.iter().any(|member| member.classes().iter().any(|class| number(class).is_none())) {
        return Err(source.refuse("classes that are texts are not evaluated in a chain"));
    }
    let order: Option<Vec<i64>> = match source.attribute("order_")?.items() {
        Some(items) => items.iter().map(|item| item.integer()).collect(),
        None => source.array("order_")?.integers(),
    };
    let order: Vec<usize> = order.unwrap_or_default().iter().filter_map(|at| usize::try_from(*at).ok()).collect();
    let mut sorted = order.clone();
    sorted.sort_unstable();
    if !sorted.into_iter().eq(0..members.len()) {
        return Err(source.refuse("order_ does not name each of its targets once"));
    }
    Ok(Estimator::Several(Box::new(Chain { members, order })))
}

pub(super) fn classifier_chain(source: &Source<'_>) -> Result<Estimator, Error> {
    chain(source, classifiers(source)?)
}

pub(super) fn regressor_chain(source: &Source<'_>) -> Result<Estimator, Error> {
    chain(source, regressors(source)?)
}
