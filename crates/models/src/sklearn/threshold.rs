//! Classifiers that ask another one: with a cut-off of their own, by error-correcting codes, after a selection.

use assize_tables::Cancel;

use super::data::{Data, Matrix};
use super::estimator::{Answer, Classify, Estimator, Role, Rule, Transform};
use super::label::Label;
use super::multiclass::OneVersusRest;
use super::numeric::squared_distance;
use super::regression::Selected;
use super::source::Source;
use super::{features, registry};
use crate::explain::Contributions;
use crate::explain::against::Asking;
use crate::predictor::Error;

/// `FixedThresholdClassifier` and `TunedThresholdClassifierCV`.
struct CutOff {
    inner: Box<dyn Classify>,
    by_decision: bool,
    threshold: f64,
    /// The class that is said at or above the threshold.
    positive: u32,
}

impl CutOff {
    fn labelled(&self, scores: impl Iterator<Item = f64>) -> Vec<u32> {
        scores.map(|score| if score >= self.threshold { self.positive } else { 1 - self.positive }).collect()
    }
}

impl Classify for CutOff {
    fn classes(&self) -> &[Label] {
        self.inner.classes()
    }

    fn rule(&self) -> Rule {
        Rule::Decision
    }

    fn has_probabilities(&self) -> bool {
        self.inner.has_probabilities()
    }

    fn has_decision(&self) -> bool {
        self.inner.has_decision()
    }

    fn is_decision_unsure(&self) -> bool {
        self.inner.is_decision_unsure()
    }

    fn probabilities(&self, data: &Data, cancel: &Cancel) -> Result<Matrix, Error> {
        self.inner.probabilities(data, cancel)
    }

    fn decision(&self, data: &Data, cancel: &Cancel) -> Result<Matrix, Error> {
        self.inner.decision(data, cancel)
    }

    fn contributions(
        &self,
        data: &Data,
        asking: Asking<'_>,
        class: usize,
        cancel: &Cancel,
    ) -> Result<Option<Contributions>, Error> {
        self.inner.contributions(data, asking, class, cancel)
    }

    fn labels(&self, data: &Data, cancel: &Cancel) -> Result<Vec<u32>, Error> {
        if self.by_decision {
            let sign = if self.positive == 1 { 1.0 } else { -1.0 };
            return Ok(self.labelled(self.inner.decision(data, cancel)?.values.into_iter().map(|score| sign * score)));
        }
        Ok(self.labelled(self.inner.probabilities(data, cancel)?.column(self.positive as usize).into_iter()))
    }

    fn answer(&self, data: &Data, cancel: &Cancel) -> Result<Answer, Error> {
        let labels = self.labels(data, cancel)?;
        let probabilities = if self.has_probabilities() { Some(self.probabilities(data, cancel)?) } else { None };
        Ok(Answer { labels, probabilities })
    }
}

fn cut_off(source: &Source<'_>, positive: u32, threshold: Option<f64>) -> Result<Estimator, Error> {
    let attribute = if source.has("estimator_") { "estimator_" } else { "estimator" };
    let inner = source.child(attribute)?.classifier()?;
    let by_decision = match source.text("response_method")? {
        "auto" => !inner.has_probabilities(),
        "predict_proba" => false,
        "decision_function" => true,
        other => return Err(source.refuse(format!("response_method={other:?} is not evaluated"))),
    };
    let available = if by_decision { inner.has_decision() } else { inner.has_probabilities() };
    if inner.classes().len() != 2 || !available {
        return Err(source.refuse("its estimator has not the scores of two classes"));
    }
    let threshold = threshold.unwrap_or(if by_decision { 0.0 } else { 0.5 });
    Ok(Estimator::Classifier(Box::new(CutOff { inner, by_decision, threshold, positive })))
}

pub(super) fn fixed(source: &Source<'_>) -> Result<Estimator, Error> {
    let threshold = match source.attribute("threshold")?.text() {
        Some("auto") => None,
        _ => Some(source.number("threshold")?),
    };
    if source.has("pos_label") {
        return Err(source.refuse("pos_label is not evaluated"));
    }
    cut_off(source, 1, threshold)
}

pub(super) fn tuned(source: &Source<'_>) -> Result<Estimator, Error> {
    let threshold = source.number("best_threshold_")?;
    // A score may say which class is positive; its default is the class 1.
    let scorer = source.child("_curve_scorer")?;
    let says = scorer.view().attribute("_kwargs").is_some_and(|given| given.get("pos_label").is_some());
    let estimator = cut_off(source, 1, Some(threshold))?;
    let Estimator::Classifier(classifier) = &estimator else { return Ok(estimator) };
    let usual = matches!(classifier.classes()[1], Label::Int(1) | Label::Bool(true) | Label::Text(_));
    if says || !usual {
        return Err(source.refuse("a positive class that is not the second one is not evaluated"));
    }
    Ok(estimator)
}

/// `SelfTrainingClassifier` answers as its last estimator.
pub(super) fn self_training(source: &Source<'_>) -> Result<Estimator, Error> {
    let attribute = if source.has("estimator_") { "estimator_" } else { "base_estimator_" };
    Ok(Estimator::Classifier(source.child(attribute)?.classifier()?))
}

/// `OutputCodeClassifier`: the class whose code is nearest to what the members say.
struct Codes {
    classes: Vec<Label>,
    members: Vec<Box<dyn Classify>>,
    codes: Matrix,
}

impl Classify for Codes {
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
        false
    }

    fn labels(&self, data: &Data, cancel: &Cancel) -> Result<Vec<u32>, Error> {
        let mut said = Matrix::zeros(data.rows(), self.members.len());
        for (at, member) in self.members.iter().enumerate() {
            let (scores, _) = OneVersusRest::score(member.as_ref(), data, cancel)?;
            for (row, score) in scores.into_iter().enumerate() {
                said.values[row * self.members.len() + at] = score;
            }
        }
        let nearness = said.map_rows(self.classes.len(), |row, out| {
            for (value, code) in out.iter_mut().zip(self.codes.iter()) {
                *value = -squared_distance(row, code);
            }
        });
        Ok(nearness.argmax())
    }
}

pub(super) fn output_code(source: &Source<'_>) -> Result<Estimator, Error> {
    let classes = source.classes(2)?;
    let members: Result<Vec<Box<dyn Classify>>, Error> =
        source.children("estimators_")?.iter().map(Source::scorer).collect();
    let members = members?;
    if members.iter().any(|member| member.classes().len() != 2) {
        return Err(source.refuse("a member has not two classes"));
    }
    let codes = source.matrix("code_book_", classes.len(), members.len())?;
    Ok(Estimator::Classifier(Box::new(Codes { classes, members, codes })))
}

/// A classifier that sees what a transformer leaves.
struct After {
    transformer: Box<dyn Transform>,
    inner: Box<dyn Classify>,
}

impl Classify for After {
    fn classes(&self) -> &[Label] {
        self.inner.classes()
    }

    fn rule(&self) -> Rule {
        self.inner.rule()
    }

    fn has_probabilities(&self) -> bool {
        self.inner.has_probabilities()
    }

    fn has_decision(&self) -> bool {
        self.inner.has_decision()
    }

    fn is_single_precision(&self) -> bool {
        self.inner.is_single_precision()
    }

    fn is_decision_unsure(&self) -> bool {
        self.inner.is_decision_unsure()
    }

    fn probabilities(&self, data: &Data, cancel: &Cancel) -> Result<Matrix, Error> {
        self.inner.probabilities(&self.transformer.transform(data, cancel)?, cancel)
    }

    fn decision(&self, data: &Data, cancel: &Cancel) -> Result<Matrix, Error> {
        self.inner.decision(&self.transformer.transform(data, cancel)?, cancel)
    }

    fn contributions(
        &self,
        data: &Data,
        asking: Asking<'_>,
        class: usize,
        cancel: &Cancel,
    ) -> Result<Option<Contributions>, Error> {
        let Some(owners) = self.transformer.owners(asking.owners) else { return Ok(None) };
        let asking = Asking { owners: &owners, ..asking };
        self.inner.contributions(&self.transformer.transform(data, cancel)?, asking, class, cancel)
    }

    fn labels(&self, data: &Data, cancel: &Cancel) -> Result<Vec<u32>, Error> {
        self.inner.labels(&self.transformer.transform(data, cancel)?, cancel)
    }

    fn answer(&self, data: &Data, cancel: &Cancel) -> Result<Answer, Error> {
        self.inner.answer(&self.transformer.transform(data, cancel)?, cancel)
    }
}

/// `RFE` and `RFECV` at the end of a pipeline: the estimator on the features that are left.
pub(super) fn eliminated(source: &Source<'_>) -> Result<Estimator, Error> {
    let Estimator::Transformer(transformer) = features::supported(source)? else {
        return Err(source.refuse("it does not select"));
    };
    match registry::build(&source.child("estimator_")?, Role::Answers)? {
        Estimator::Classifier(inner) => Ok(Estimator::Classifier(Box::new(After { transformer, inner }))),
        Estimator::Regressor(regressor) => Ok(Estimator::Regressor(Box::new(Selected { transformer, regressor }))),
        Estimator::Several(_) => Err(source.refuse("several targets are not evaluated")),
        Estimator::Transformer(_) => Err(source.refuse("its estimator gives no answers")),
    }
}
