//! What every estimator can do once it is read, and what reading one needs.

use assize_tables::Cancel;

use super::boosters::Inputs;
use super::data::{Data, Matrix};
use super::label::Label;
use crate::explain::against::Asking;
use crate::explain::{Contributions, ScoreKind};
use crate::predictor::Error;

/// What a classifier takes the largest of when it is asked for a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    /// The first largest probability.
    Probability,
    /// For two classes a positive decision, otherwise the first largest.
    Decision,
}

/// Labels and, when the estimator has them, probabilities.
pub(super) struct Answer {
    pub(super) labels: Vec<u32>,
    pub(super) probabilities: Option<Matrix>,
}

/// A fitted classifier.
pub(super) trait Classify: Send + Sync {
    /// Classes in the order of the columns of its answers.
    fn classes(&self) -> &[Label];

    fn rule(&self) -> Rule;

    /// Whether [`Classify::probabilities`] answers.
    fn has_probabilities(&self) -> bool;

    /// Whether [`Classify::decision`] answers.
    fn has_decision(&self) -> bool;

    /// `rows x classes`.
    fn probabilities(&self, _data: &Data, _cancel: &Cancel) -> Result<Matrix, Error> {
        Err(Error::Unreadable("this classifier gives no probabilities".to_owned()))
    }

    /// `rows x 1` for two classes, otherwise `rows x classes`.
    fn decision(&self, _data: &Data, _cancel: &Cancel) -> Result<Matrix, Error> {
        Err(Error::Unreadable("this classifier has no decision function".to_owned()))
    }

    /// What it knows of its inputs beyond what its file says in the usual place.
    fn inputs(&self) -> Option<Inputs> {
        None
    }

    /// Whether its scores are float32, so that what follows would be computed in that precision.
    fn is_single_precision(&self) -> bool {
        false
    }

    /// Whether it has a decision function in some versions of its library, and the file does not say which stored it.
    fn is_decision_unsure(&self) -> bool {
        false
    }

    fn labels(&self, data: &Data, cancel: &Cancel) -> Result<Vec<u32>, Error> {
        match self.rule() {
            Rule::Probability => Ok(self.probabilities(data, cancel)?.argmax()),
            Rule::Decision => Ok(labels_from_decision(&self.decision(data, cancel)?)),
        }
    }

    /// What the columns that `asking` names contribute to the score of a class; `None` where it can only be asked.
    fn contributions(
        &self,
        _data: &Data,
        _asking: Asking<'_>,
        _class: usize,
        _cancel: &Cancel,
    ) -> Result<Option<Contributions>, Error> {
        Ok(None)
    }

    /// Labels and probabilities of the same rows, computed together where that is cheaper.
    fn answer(&self, data: &Data, cancel: &Cancel) -> Result<Answer, Error> {
        let probabilities = if self.has_probabilities() { Some(self.probabilities(data, cancel)?) } else { None };
        let labels = match (&probabilities, self.rule()) {
            (Some(probabilities), Rule::Probability) => probabilities.argmax(),
            _ => self.labels(data, cancel)?,
        };
        Ok(Answer { labels, probabilities })
    }
}

/// A fitted regressor of one target.
pub(super) trait Regress: Send + Sync {
    fn values(&self, data: &Data, cancel: &Cancel) -> Result<Vec<f64>, Error>;

    /// What it knows of its inputs beyond what its file says in the usual place.
    fn inputs(&self) -> Option<Inputs> {
        None
    }

    /// Whether its values are float32, so that what follows would be computed in that precision.
    fn is_single_precision(&self) -> bool {
        false
    }
}

/// What an estimator says of one target.
pub(super) enum Said {
    Classes(Answer),
    Values(Vec<f64>),
}

/// A fitted estimator of several targets.
pub(super) trait Targets: Send + Sync {
    /// Classes of each target; none where the target is a number.
    fn classes(&self) -> Vec<&[Label]>;

    /// What it knows of its inputs beyond what its file says in the usual place.
    fn inputs(&self) -> Option<Inputs> {
        None
    }

    /// What it says of each target, in their order.
    fn answers(&self, data: &Data, cancel: &Cancel) -> Result<Vec<Said>, Error>;
}

/// A fitted transformer.
pub(super) trait Transform: Send + Sync {
    /// Whether the library's output is float32, so that what follows would be computed in that precision.
    fn is_narrow(&self) -> bool {
        false
    }

    fn transform(&self, data: &Data, cancel: &Cancel) -> Result<Data, Error>;

    /// The column of the input that each column it makes is made of, where `owners` says it for those that come in;
    /// `None` when a column is made of several.
    fn owners(&self, _owners: &[usize]) -> Option<Vec<usize>> {
        None
    }
}

/// The owners of `width` columns that are made of all columns together: known only where those have one owner.
pub(super) fn common_owner(owners: &[usize], width: usize) -> Option<Vec<usize>> {
    let first = *owners.first()?;
    owners.iter().all(|owner| *owner == first).then(|| vec![first; width])
}

/// Which of `scores` raw scores speaks for a class, with which sign, and what it is: of two classes one score is the
/// logarithm of the odds of the second.
pub(super) fn of_class(scores: usize, class: usize) -> (usize, f64, ScoreKind) {
    match (scores, class) {
        (1, 0) => (0, -1.0, ScoreKind::LogOdds),
        (1, _) => (0, 1.0, ScoreKind::LogOdds),
        _ => (class, 1.0, ScoreKind::Raw),
    }
}

/// What an estimator is needed for: some answer and transform.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Answers,
    Transforms,
}

/// Anything a file can hold.
pub(super) enum Estimator {
    Classifier(Box<dyn Classify>),
    Regressor(Box<dyn Regress>),
    Several(Box<dyn Targets>),
    Transformer(Box<dyn Transform>),
}

/// Labels of the sign of one column, or of the largest of several.
pub(super) fn labels_from_decision(decision: &Matrix) -> Vec<u32> {
    if decision.columns == 1 {
        return decision.values.iter().map(|value| u32::from(*value > 0.0)).collect();
    }
    decision.argmax()
}
