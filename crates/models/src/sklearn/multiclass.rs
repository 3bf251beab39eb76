//! Several classes by classifiers of two: one against the rest, and one against one.

use assize_tables::Cancel;

use super::data::{Data, Matrix};
use super::estimator::{Classify, Estimator, Rule};
use super::label::Label;
use super::multioutput::{self, One};
use super::numeric::normalize;
use super::source::Source;
use crate::predictor::Error;

/// One classifier for each class (`OneVsRestClassifier`).
pub(super) struct OneVersusRest {
    classes: Vec<Label>,
    members: Vec<Box<dyn Classify>>,
}

impl OneVersusRest {
    /// What a member is asked for: its decision, or else the probability of the positive class.
    pub(super) fn score(member: &dyn Classify, data: &Data, cancel: &Cancel) -> Result<(Vec<f64>, f64), Error> {
        if member.has_decision() {
            return Ok((member.decision(data, cancel)?.values, 0.0));
        }
        Ok((member.probabilities(data, cancel)?.column(1), 0.5))
    }
}

impl Classify for OneVersusRest {
    fn classes(&self) -> &[Label] {
        &self.classes
    }

    fn rule(&self) -> Rule {
        Rule::Decision
    }

    fn has_probabilities(&self) -> bool {
        self.members.iter().all(|member| member.has_probabilities())
    }

    fn has_decision(&self) -> bool {
        self.members.iter().all(|member| member.has_decision())
    }

    fn decision(&self, data: &Data, cancel: &Cancel) -> Result<Matrix, Error> {
        let mut scores = Matrix::zeros(data.rows(), self.members.len());
        for (at, member) in self.members.iter().enumerate() {
            let (column, _) = Self::score(member.as_ref(), data, cancel)?;
            for (row, value) in column.into_iter().enumerate() {
                scores.values[row * self.members.len() + at] = value;
            }
        }
        Ok(scores)
    }

    fn labels(&self, data: &Data, cancel: &Cancel) -> Result<Vec<u32>, Error> {
        if let [member] = self.members.as_slice() {
            let (scores, threshold) = Self::score(member.as_ref(), data, cancel)?;
            return Ok(scores.into_iter().map(|score| u32::from(score > threshold)).collect());
        }
        Ok(self.decision(data, cancel)?.argmax())
    }

    fn probabilities(&self, data: &Data, cancel: &Cancel) -> Result<Matrix, Error> {
        let width = self.members.len();
        if width == 1 {
            return Ok(self.members[0].probabilities(data, cancel)?.map_rows(2, |row, out| {
                out.copy_from_slice(&[1.0 - row[1], row[1]]);
                normalize(out);
            }));
        }
        let mut probabilities = Matrix::zeros(data.rows(), width);
        for (at, member) in self.members.iter().enumerate() {
            for (row, value) in member.probabilities(data, cancel)?.column(1).into_iter().enumerate() {
                probabilities.values[row * width + at] = value;
            }
        }
        probabilities.values.chunks_exact_mut(width).for_each(normalize);
        Ok(probabilities)
    }
}

/// One of several labels, each there or not.
struct Present {
    classes: [Label; 2],
    member: Box<dyn Classify>,
}

impl Classify for Present {
    fn classes(&self) -> &[Label] {
        &self.classes
    }

    fn rule(&self) -> Rule {
        Rule::Decision
    }

    fn has_probabilities(&self) -> bool {
        self.member.has_probabilities()
    }

    fn has_decision(&self) -> bool {
        false
    }

    fn labels(&self, data: &Data, cancel: &Cancel) -> Result<Vec<u32>, Error> {
        let (scores, threshold) = OneVersusRest::score(self.member.as_ref(), data, cancel)?;
        Ok(scores.into_iter().map(|score| u32::from(score > threshold)).collect())
    }

    fn probabilities(&self, data: &Data, cancel: &Cancel) -> Result<Matrix, Error> {
        self.member.probabilities(data, cancel)
    }
}

pub(super) fn one_versus_rest(source: &Source<'_>) -> Result<Estimator, Error> {
    let binarizer = source.child("label_binarizer_")?;
    let kind = binarizer.only("y_type_", &["binary", "multiclass", "multilabel-indicator"])?;
    let classes = binarizer.classes(2)?;
    let members: Result<Vec<Box<dyn Classify>>, Error> =
        source.children("estimators_")?.iter().map(Source::scorer).collect();
    let members = members?;
    if kind == "multilabel-indicator" {
        multioutput::check_count(source, members.len())?;
        if members.len() != classes.len() || members.iter().any(|member| member.classes().len() != 2) {
            return Err(source.refuse("it has not one classifier for each label"));
        }
        let label = |member| {
            let classes = [Label::Int(0), Label::Int(1)];
            One::Classifier(Box::new(Present { classes, member }))
        };
        return multioutput::of(source, members.into_iter().map(label).collect());
    }
    let expected = if classes.len() == 2 { 1 } else { classes.len() };
    if members.len() != expected || members.iter().any(|member| member.classes().len() != 2) {
        return Err(source.refuse("it has not one classifier for each class"));
    }
    Ok(Estimator::Classifier(Box::new(OneVersusRest { classes, members })))
}

/// One classifier for each pair of classes (`OneVsOneClassifier`).
struct OneVersusOne {
    classes: Vec<Label>,
    members: Vec<Box<dyn Classify>>,
}

impl Classify for OneVersusOne {
    fn classes(&self) -> &[Label] {
        &self.classes
    }

    fn rule(&self) -> Rule {
        Rule::Decision
    }

    fn has_probabilities(&self) -> bool {
        false
    }

    fn has_decision(&self) -> bool {
        self.classes.len() > 2
    }

    /// `sklearn.utils.multiclass._ovr_decision_function`: votes, with ties broken by confidence.
    fn decision(&self, data: &Data, cancel: &Cancel) -> Result<Matrix, Error> {
        let width = self.classes.len();
        let (mut votes, mut confidence) = (Matrix::zeros(data.rows(), width), Matrix::zeros(data.rows(), width));
        let mut members = self.members.iter();
        for first in 0..width {
            for second in first + 1..width {
                let member = members.next().expect("there is one member for each pair");
                let labels = member.labels(data, cancel)?;
                let (scores, _) = OneVersusRest::score(member.as_ref(), data, cancel)?;
                for (row, (label, score)) in labels.into_iter().zip(scores).enumerate() {
                    votes.values[row * width + if label == 0 { first } else { second }] += 1.0;
                    confidence.values[row * width + first] -= score;
                    confidence.values[row * width + second] += score;
                }
            }
        }
        for (votes, confidence) in votes.values.iter_mut().zip(confidence.values) {
            *votes += confidence / (3.0 * (confidence.abs() + 1.0));
        }
        Ok(votes)
    }

    fn labels(&self, data: &Data, cancel: &Cancel) -> Result<Vec<u32>, Error> {
        match self.members.as_slice() {
            [member] => member.labels(data, cancel),
            _ => Ok(self.decision(data, cancel)?.argmax()),
        }
    }
}

pub(super) fn one_versus_one(source: &Source<'_>) -> Result<Estimator, Error> {
    let classes = source.classes(2)?;
    if source.has("pairwise_indices_") {
        return Err(source.refuse("members that see different rows are not evaluated"));
    }
    let members: Result<Vec<Box<dyn Classify>>, Error> =
        source.children("estimators_")?.iter().map(Source::scorer).collect();
    let members = members?;
    let pairs = classes.len() * (classes.len() - 1) / 2;
    if members.len() != pairs || members.iter().any(|member| member.classes().len() != 2) {
        return Err(source.refuse("it has not one classifier for each pair of classes"));
    }
    Ok(Estimator::Classifier(Box::new(OneVersusOne { classes, members })))
}
