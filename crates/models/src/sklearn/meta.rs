//! Classifiers made of other classifiers.

use assize_tables::Cancel;

use super::data::{Data, Matrix};
use super::estimator::{Answer, Classify, Estimator, Rule};
use super::label::Label;
use super::multioutput::{self, One};
use super::numeric::softmax;
use super::source::Source;
use crate::explain::against::Asking;
use crate::explain::{Attributions, Contributions, ScoreKind};
use crate::predictor::Error;

/// One member, the inputs it sees and where its classes are among those of the whole.
struct Member {
    classifier: Box<dyn Classify>,
    inputs: Option<Vec<usize>>,
    positions: Vec<usize>,
}

impl Member {
    /// A member that was trained on `0..classes`, as most ensembles do, or on the labels themselves.
    fn read(source: &Source<'_>, classes: &[Label]) -> Result<Self, Error> {
        let classifier = source.classifier()?;
        let encoded = |label: &Label| match label {
            Label::Int(value) => usize::try_from(*value).ok().filter(|at| *at < classes.len()),
            Label::Float(value) => (0..classes.len()).find(|at| *at as f64 == *value),
            _ => None,
        };
        let literal = |label: &Label| classes.iter().position(|class| class == label);
        let all = |position: &dyn Fn(&Label) -> Option<usize>| {
            classifier.classes().iter().map(position).collect::<Option<Vec<usize>>>()
        };
        // Labels that are 0, 1, ... mean the same in both readings; others decide which one it is.
        let positions = match (all(&encoded), all(&literal)) {
            (Some(encoded), Some(literal)) if encoded == literal => encoded,
            (Some(encoded), None) => encoded,
            (None, Some(literal)) => literal,
            _ => return Err(source.refuse("its classes are not those of the ensemble")),
        };
        Ok(Self { classifier, inputs: None, positions })
    }

    fn on<'d>(&self, data: &'d Data) -> std::borrow::Cow<'d, Data> {
        match &self.inputs {
            Some(inputs) => std::borrow::Cow::Owned(data.select(inputs)),
            None => std::borrow::Cow::Borrowed(data),
        }
    }

    /// `None` also for a class that it does not know.
    fn contributions(
        &self,
        data: &Data,
        asking: Asking<'_>,
        class: usize,
        cancel: &Cancel,
    ) -> Result<Option<Contributions>, Error> {
        let Some(own) = self.positions.iter().position(|position| *position == class) else { return Ok(None) };
        let owners: Vec<usize> = match &self.inputs {
            Some(inputs) => inputs.iter().map(|input| asking.owners[*input]).collect(),
            None => asking.owners.to_vec(),
        };
        let asking = Asking { owners: &owners, ..asking };
        self.classifier.contributions(&self.on(data), asking, own, cancel)
    }

    fn labels(&self, data: &Data, cancel: &Cancel) -> Result<Vec<usize>, Error> {
        let labels = self.classifier.labels(&self.on(data), cancel)?;
        Ok(labels.into_iter().map(|label| self.positions[label as usize]).collect())
    }

    /// Adds weighted probabilities, or votes of a member that gives none.
    fn add(&self, data: &Data, weight: f64, sums: &mut Matrix, cancel: &Cancel) -> Result<(), Error> {
        let width = sums.columns;
        if !self.classifier.has_probabilities() {
            for (row, label) in self.labels(data, cancel)?.into_iter().enumerate() {
                sums.values[row * width + label] += weight;
            }
            return Ok(());
        }
        let probabilities = self.classifier.probabilities(&self.on(data), cancel)?;
        for (row, values) in probabilities.iter().enumerate() {
            for (position, value) in self.positions.iter().zip(values) {
                sums.values[row * width + position] += weight * value;
            }
        }
        Ok(())
    }
}

/// A weighted mean of probabilities (bagging, soft voting) or of votes (hard voting).
struct Mean {
    classes: Vec<Label>,
    members: Vec<Member>,
    weights: Vec<f64>,
    hard: bool,
}

impl Classify for Mean {
    fn classes(&self) -> &[Label] {
        &self.classes
    }

    fn rule(&self) -> Rule {
        Rule::Probability
    }

    fn has_probabilities(&self) -> bool {
        !self.hard
    }

    fn has_decision(&self) -> bool {
        false
    }

    fn probabilities(&self, data: &Data, cancel: &Cancel) -> Result<Matrix, Error> {
        let mut sums = Matrix::zeros(data.rows(), self.classes.len());
        for (member, weight) in self.members.iter().zip(&self.weights) {
            cancel.check()?;
            member.add(data, *weight, &mut sums, cancel)?;
        }
        let total: f64 = self.weights.iter().sum();
        sums.values.iter_mut().for_each(|value| *value /= total);
        Ok(sums)
    }

    /// A mean of probabilities is explained by the mean of what explains them.
    fn contributions(
        &self,
        data: &Data,
        asking: Asking<'_>,
        class: usize,
        cancel: &Cancel,
    ) -> Result<Option<Contributions>, Error> {
        let total: f64 = self.weights.iter().sum();
        let mut whole: Option<Contributions> = None;
        for (member, weight) in self.members.iter().zip(&self.weights) {
            cancel.check()?;
            let Some(found) = member.contributions(data, asking, class, cancel)? else { return Ok(None) };
            if self.hard || found.score != ScoreKind::Probability {
                return Ok(None);
            }
            let Attributions { base, features, values } = found.attributions;
            let sum = whole.get_or_insert_with(|| Contributions {
                attributions: Attributions { base: 0.0, features, values: vec![0.0; values.len()] },
                ..found
            });
            sum.attributions.base += weight / total * base;
            sum.attributions.values.iter_mut().zip(values).for_each(|(sum, value)| *sum += weight / total * value);
        }
        Ok(whole)
    }

    fn labels(&self, data: &Data, cancel: &Cancel) -> Result<Vec<u32>, Error> {
        if !self.hard {
            return Ok(self.probabilities(data, cancel)?.argmax());
        }
        let mut votes = Matrix::zeros(data.rows(), self.classes.len());
        for (member, weight) in self.members.iter().zip(&self.weights) {
            for (row, label) in member.labels(data, cancel)?.into_iter().enumerate() {
                votes.values[row * self.classes.len() + label] += weight;
            }
        }
        Ok(votes.argmax())
    }
}

pub(super) fn bagging(source: &Source<'_>) -> Result<Estimator, Error> {
    let (classes, inputs) = (source.classes(1)?, source.inputs()?);
    let features = source.list("estimators_features_")?;
    let sources = source.children("estimators_")?;
    if features.len() != sources.len() || sources.is_empty() || source.size("n_estimators")? != sources.len() {
        return Err(source.refuse("its members and their features are not as many"));
    }
    let mut members = Vec::with_capacity(sources.len());
    for (member, features) in sources.iter().zip(features) {
        let mut member = Member::read(member, &classes)?;
        let chosen = source.decode(features)?.integers().unwrap_or_default();
        let chosen: Vec<usize> =
            chosen.into_iter().filter_map(|at| usize::try_from(at).ok().filter(|at| *at < inputs)).collect();
        if chosen.is_empty() {
            return Err(source.refuse("a member has no features"));
        }
        let all = chosen.len() == inputs && chosen.iter().enumerate().all(|(at, feature)| at == *feature);
        member.inputs = (!all).then_some(chosen);
        members.push(member);
    }
    let weights = vec![1.0; members.len()];
    Ok(Estimator::Classifier(Box::new(Mean { classes, members, weights, hard: false })))
}

pub(super) fn voting(source: &Source<'_>) -> Result<Estimator, Error> {
    let classes = source.classes(2)?;
    let hard = source.only("voting", &["hard", "soft"])? == "hard";
    let members: Result<Vec<Member>, Error> =
        source.children("estimators_")?.iter().map(|member| Member::read(member, &classes)).collect();
    let members = members?;
    if !hard && members.iter().any(|member| !member.classifier.has_probabilities()) {
        return Err(source.refuse("a member gives no probabilities"));
    }
    let weights = voting_weights(source)?.unwrap_or_else(|| vec![1.0; members.len()]);
    if weights.len() != members.len() || weights.iter().sum::<f64>() <= 0.0 {
        return Err(source.refuse("its weights are not those of its members"));
    }
    Ok(Estimator::Classifier(Box::new(Mean { classes, members, weights, hard })))
}

/// Weights of the members that were not dropped.
pub(super) fn voting_weights(source: &Source<'_>) -> Result<Option<Vec<f64>>, Error> {
    if !source.has("weights") {
        return Ok(None);
    }
    let odd = || source.refuse("its weights are not understood");
    let weights: Option<Vec<f64>> = match source.attribute("weights")?.items() {
        Some(items) => items.iter().map(|item| item.number()).collect(),
        None => source.array("weights")?.numbers().map(|numbers| numbers.values),
    };
    let mut kept = Vec::new();
    let estimators = source.list("estimators")?;
    let weights = weights.filter(|weights| weights.len() == estimators.len()).ok_or_else(odd)?;
    for (entry, weight) in estimators.iter().zip(weights) {
        let estimator = entry.items().and_then(|pair| pair.get(1).copied()).ok_or_else(odd)?;
        if estimator.text() != Some("drop") {
            kept.push(weight);
        }
    }
    Ok(Some(kept))
}

struct AdaBoost {
    classes: Vec<Label>,
    members: Vec<Member>,
    weights: Vec<f64>,
    /// SAMME.R: real-valued votes from probabilities.
    real: bool,
}

impl AdaBoost {
    /// `_samme_proba`: logarithms of the probabilities, centred.
    fn real_votes(&self, member: &Member, data: &Data, cancel: &Cancel) -> Result<Matrix, Error> {
        let classes = self.classes.len() as f64;
        let probabilities = member.classifier.probabilities(data, cancel)?;
        Ok(probabilities.map_rows(self.classes.len(), |row, out| {
            for (log, probability) in out.iter_mut().zip(row) {
                *log = libm::log(probability.max(f64::EPSILON));
            }
            let mean = 1.0 / classes * out.iter().sum::<f64>();
            out.iter_mut().for_each(|log| *log = (classes - 1.0) * (*log - mean));
        }))
    }

    /// One score for each class.
    fn scores(&self, data: &Data, cancel: &Cancel) -> Result<Matrix, Error> {
        let width = self.classes.len();
        let mut scores = Matrix::zeros(data.rows(), width);
        for (member, weight) in self.members.iter().zip(&self.weights) {
            cancel.check()?;
            if self.real {
                let votes = self.real_votes(member, data, cancel)?;
                scores.values.iter_mut().zip(&votes.values).for_each(|(score, vote)| *score += vote);
                continue;
            }
            let against = -1.0 / (width as f64 - 1.0) * weight;
            for (row, label) in member.labels(data, cancel)?.into_iter().enumerate() {
                for class in 0..width {
                    scores.values[row * width + class] += if class == label { *weight } else { against };
                }
            }
        }
        let total: f64 = self.weights.iter().sum();
        scores.values.iter_mut().for_each(|value| *value /= total);
        Ok(scores)
    }
}

impl Classify for AdaBoost {
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

    fn decision(&self, data: &Data, cancel: &Cancel) -> Result<Matrix, Error> {
        let scores = self.scores(data, cancel)?;
        if scores.columns == 2 {
            return Ok(scores.map_rows(1, |row, out| out[0] = -row[0] + row[1]));
        }
        Ok(scores)
    }

    fn probabilities(&self, data: &Data, cancel: &Cancel) -> Result<Matrix, Error> {
        let decision = self.decision(data, cancel)?;
        let width = self.classes.len();
        Ok(decision.map_rows(width, |row, out| {
            match row {
                [decision] => out.copy_from_slice(&[-decision / 2.0, decision / 2.0]),
                row => out.iter_mut().zip(row).for_each(|(out, value)| *out = value / (width as f64 - 1.0)),
            }
            softmax(out);
        }))
    }
}

pub(super) fn ada_boost(source: &Source<'_>) -> Result<Estimator, Error> {
    let classes = source.classes(2)?;
    let algorithm = if source.has("algorithm") { source.text("algorithm")? } else { "SAMME" };
    let real = match algorithm {
        "SAMME.R" => true,
        "SAMME" | "deprecated" => false,
        other => return Err(source.refuse(format!("algorithm={other:?} is not evaluated"))),
    };
    let members: Result<Vec<Member>, Error> =
        source.children("estimators_")?.iter().map(|member| Member::read(member, &classes)).collect();
    let members = members?;
    let mut weights = source.finite("estimator_weights_")?.values;
    // Stopped early, the array keeps zeros for the members that were never trained.
    let sum_of_rest: f64 = weights.iter().skip(members.len()).sum();
    let complete = |member: &Member| {
        member.positions.iter().enumerate().all(|(at, position)| at == *position)
            && member.positions.len() == classes.len()
            && (!real || member.classifier.has_probabilities())
    };
    if members.is_empty() || weights.len() < members.len() || !members.iter().all(complete) {
        return Err(source.refuse("its members do not know all of its classes"));
    }
    if real && sum_of_rest != 0.0 {
        return Err(source.refuse("it has more weights than members"));
    }
    weights.truncate(members.len());
    Ok(Estimator::Classifier(Box::new(AdaBoost { classes, members, weights, real })))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Method {
    Probabilities,
    Decision,
    Labels,
}

struct Stacking {
    classes: Vec<Label>,
    members: Vec<(Member, Method)>,
    last: Member,
    passthrough: bool,
}

impl Stacking {
    fn meta(&self, data: &Data, cancel: &Cancel) -> Result<Data, Error> {
        let mut parts = Vec::with_capacity(self.members.len() + 1);
        for (member, method) in &self.members {
            cancel.check()?;
            parts.push(Data::Matrix(match method {
                Method::Decision => member.classifier.decision(data, cancel)?,
                Method::Labels => {
                    let labels = member.labels(data, cancel)?;
                    Matrix::new(labels.len(), 1, labels.into_iter().map(|label| label as f64).collect())
                }
                Method::Probabilities => {
                    let all = member.classifier.probabilities(data, cancel)?;
                    // Of two classes the first says the same as the second.
                    if self.classes.len() == 2 { all.map_rows(1, |row, out| out[0] = row[1]) } else { all }
                }
            }));
        }
        if self.passthrough {
            parts.push(data.clone());
        }
        Ok(Data::beside(data.rows(), parts))
    }
}

impl Classify for Stacking {
    fn classes(&self) -> &[Label] {
        &self.classes
    }

    fn rule(&self) -> Rule {
        self.last.classifier.rule()
    }

    fn has_probabilities(&self) -> bool {
        self.last.classifier.has_probabilities()
    }

    fn has_decision(&self) -> bool {
        self.last.classifier.has_decision()
    }

    fn probabilities(&self, data: &Data, cancel: &Cancel) -> Result<Matrix, Error> {
        self.last.classifier.probabilities(&self.meta(data, cancel)?, cancel)
    }

    fn decision(&self, data: &Data, cancel: &Cancel) -> Result<Matrix, Error> {
        self.last.classifier.decision(&self.meta(data, cancel)?, cancel)
    }

    fn labels(&self, data: &Data, cancel: &Cancel) -> Result<Vec<u32>, Error> {
        self.last.classifier.labels(&self.meta(data, cancel)?, cancel)
    }

    fn answer(&self, data: &Data, cancel: &Cancel) -> Result<Answer, Error> {
        self.last.classifier.answer(&self.meta(data, cancel)?, cancel)
    }
}

pub(super) fn stacking(source: &Source<'_>) -> Result<Estimator, Error> {
    let classes = source.classes(2)?;
    let in_order = |member: &Member| {
        member.positions.len() == classes.len()
            && member.positions.iter().enumerate().all(|(at, position)| at == *position)
    };
    let methods = source.list("stack_method_")?;
    let sources = source.children("estimators_")?;
    if methods.len() != sources.len() {
        return Err(source.refuse("its members and their methods are not as many"));
    }
    let mut members = Vec::with_capacity(sources.len());
    for (member, method) in sources.iter().zip(methods) {
        let member = Member::read(member, &classes)?;
        let method = match method.text() {
            Some("predict_proba") if member.classifier.has_probabilities() && in_order(&member) => {
                Method::Probabilities
            }
            Some("decision_function") if member.classifier.has_decision() => Method::Decision,
            // Only numbers can be stacked: the labels must be the codes themselves.
            Some("predict")
                if member
                    .classifier
                    .classes()
                    .iter()
                    .enumerate()
                    .all(|(at, class)| *class == Label::Int(at as i64)) =>
            {
                Method::Labels
            }
            _ => return Err(source.refuse("what a member passes on is not evaluated")),
        };
        members.push((member, method));
    }
    let last = Member::read(&source.child("final_estimator_")?, &classes)?;
    if !in_order(&last) {
        return Err(source.refuse("its last estimator does not know all of its classes"));
    }
    let passthrough = source.boolean("passthrough")?;
    Ok(Estimator::Classifier(Box::new(Stacking { classes, members, last, passthrough })))
}

/// The best estimator of a search, or one that was frozen.
pub(super) fn best_of_search(source: &Source<'_>) -> Result<Estimator, Error> {
    source.child("best_estimator_")?.estimator()
}

pub(super) fn frozen(source: &Source<'_>) -> Result<Estimator, Error> {
    source.child("estimator")?.estimator()
}

/// The same answer for every row (`DummyClassifier`).
struct Constant {
    classes: Vec<Label>,
    probabilities: Vec<f64>,
}

impl Classify for Constant {
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

    fn probabilities(&self, data: &Data, _cancel: &Cancel) -> Result<Matrix, Error> {
        Ok(Matrix::new(data.rows(), self.classes.len(), self.probabilities.repeat(data.rows())))
    }
}

pub(super) fn dummy(source: &Source<'_>) -> Result<Estimator, Error> {
    let targets = source.size("n_outputs_")?;
    multioutput::check_count(source, targets)?;
    if targets == 1 {
        let classes = source.classes(1)?;
        let prior = source.vector("class_prior_", classes.len())?;
        return Ok(Estimator::Classifier(Box::new(constant(source, classes, prior, None)?)));
    }
    let (classes, priors) = (source.classes_of_targets()?, source.list_of_numbers("class_prior_")?);
    if classes.len() != targets || priors.len() != targets {
        return Err(source.refuse("its classes are not those of its targets"));
    }
    let mut members = Vec::with_capacity(targets);
    for (target, (classes, prior)) in classes.into_iter().zip(priors).enumerate() {
        if prior.values.len() != classes.len() {
            return Err(source.refuse("class_prior_ is not one number for each class"));
        }
        let member = constant(source, classes, prior.values, Some((target, targets)))?;
        members.push(One::Classifier(Box::new(member)));
    }
    multioutput::of(source, members)
}

/// What is said of one target; `place` is its number among how many.
fn constant(
    source: &Source<'_>,
    classes: Vec<Label>,
    prior: Vec<f64>,
    place: Option<(usize, usize)>,
) -> Result<Constant, Error> {
    let mut certain = vec![0.0; classes.len()];
    let probabilities = match source.only("strategy", &["prior", "most_frequent", "constant"])? {
        "prior" => prior,
        "most_frequent" => {
            let most = Matrix::new(1, prior.len(), prior).argmax();
            certain[most[0] as usize] = 1.0;
            certain
        }
        _ => {
            let view = source.attribute("constant")?;
            let (target, targets) = place.unwrap_or((0, 1));
            let labels = match (super::label::label(&view), view.items()) {
                (Some(label), _) => Some(vec![label]),
                (None, Some(items)) => items.iter().map(super::label::label).collect(),
                (None, None) => super::label::labels(&source.array("constant")?),
            };
            let labels = labels.filter(|labels| labels.len() == targets);
            let mut labels = labels.ok_or_else(|| source.refuse("its constant is not a label for each target"))?;
            let constant = labels.swap_remove(target);
            let at = classes.iter().position(|class| class.to_string() == constant.to_string());
            certain[at.ok_or_else(|| source.refuse("its constant is not one of its classes"))?] = 1.0;
            certain
        }
    };
    Ok(Constant { classes, probabilities })
}
