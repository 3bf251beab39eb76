//! Regressors made of other regressors, and those that are simple.

use assize_tables::Cancel;

use super::data::{Data, Matrix};
use super::estimator::{Estimator, Regress, Said, Targets, Transform};
use super::features;
use super::label::Label;
use super::multioutput::{self, One};
use super::source::Source;
use crate::predictor::Error;

/// A member and the inputs it sees.
struct Member {
    regressor: Box<dyn Regress>,
    inputs: Option<Vec<usize>>,
}

impl Member {
    fn values(&self, data: &Data, cancel: &Cancel) -> Result<Vec<f64>, Error> {
        match &self.inputs {
            Some(inputs) => self.regressor.values(&data.select(inputs), cancel),
            None => self.regressor.values(data, cancel),
        }
    }
}

/// A weighted mean (`BaggingRegressor`, `VotingRegressor`).
struct Mean {
    inputs: Option<usize>,
    members: Vec<Member>,
    weights: Vec<f64>,
}

impl Regress for Mean {
    fn values(&self, data: &Data, cancel: &Cancel) -> Result<Vec<f64>, Error> {
        if let Some(inputs) = self.inputs {
            data.check_width(inputs)?;
        }
        let mut sums = vec![0.0; data.rows()];
        for (member, weight) in self.members.iter().zip(&self.weights) {
            cancel.check()?;
            for (sum, value) in sums.iter_mut().zip(member.values(data, cancel)?) {
                *sum += weight * value;
            }
        }
        let total: f64 = self.weights.iter().sum();
        sums.iter_mut().for_each(|sum| *sum /= total);
        Ok(sums)
    }
}

/// Members of a list, each seeing all inputs.
fn members(source: &Source<'_>) -> Result<Vec<Member>, Error> {
    let read = |member: &Source<'_>| Ok(Member { regressor: member.regressor()?, inputs: None });
    let members: Result<Vec<Member>, Error> = source.children("estimators_")?.iter().map(read).collect();
    members.and_then(|members| if members.is_empty() { Err(source.refuse("it has no members")) } else { Ok(members) })
}

pub(super) fn bagging(source: &Source<'_>) -> Result<Estimator, Error> {
    let inputs = source.inputs()?;
    let mut features = Vec::new();
    for chosen in source.list("estimators_features_")? {
        let chosen = source.decode(chosen)?.integers().unwrap_or_default();
        let chosen: Option<Vec<usize>> =
            chosen.into_iter().map(|at| usize::try_from(at).ok().filter(|at| *at < inputs)).collect();
        let chosen = chosen.filter(|chosen| !chosen.is_empty());
        features.push(chosen.ok_or_else(|| source.refuse("a member has no features"))?);
    }
    let sources = source.children("estimators_")?;
    if features.len() != sources.len() {
        return Err(source.refuse("its members and their features are not as many"));
    }
    if let Some(first) = sources.first()
        && matches!(first.estimator()?, Estimator::Several(_))
    {
        return several_bagged(source, &sources, features);
    }
    let mut members = members(source)?;
    members.iter_mut().zip(features).for_each(|(member, chosen)| member.inputs = Some(chosen));
    let weights = vec![1.0; members.len()];
    Ok(Estimator::Regressor(Box::new(Mean { inputs: Some(inputs), members, weights })))
}

/// A mean of regressors of several targets.
struct SeveralMean {
    inputs: usize,
    members: Vec<(Box<dyn Targets>, Vec<usize>)>,
}

impl Targets for SeveralMean {
    fn classes(&self) -> Vec<&[Label]> {
        self.members.first().map_or_else(Vec::new, |(member, _)| member.classes())
    }

    fn answers(&self, data: &Data, cancel: &Cancel) -> Result<Vec<Said>, Error> {
        data.check_width(self.inputs)?;
        let mut sums = vec![vec![0.0; data.rows()]; self.classes().len()];
        for (member, chosen) in &self.members {
            cancel.check()?;
            for (sums, said) in sums.iter_mut().zip(member.answers(&data.select(chosen), cancel)?) {
                let Said::Values(values) = said else { return Err(Error::Unreadable(NO_VALUES.to_owned())) };
                sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
            }
        }
        let count = self.members.len() as f64;
        let mean = |sums: Vec<f64>| Said::Values(sums.into_iter().map(|sum| sum / count).collect());
        Ok(sums.into_iter().map(mean).collect())
    }
}

const NO_VALUES: &str = "a regressor of several targets gives classes";

fn several_bagged(source: &Source<'_>, sources: &[Source<'_>], features: Vec<Vec<usize>>) -> Result<Estimator, Error> {
    let mut members: Vec<(Box<dyn Targets>, Vec<usize>)> = Vec::with_capacity(sources.len());
    for (member, chosen) in sources.iter().zip(features) {
        let member = of_numbers(source, member)?;
        if members.first().is_some_and(|(first, _)| first.classes().len() != member.classes().len()) {
            return Err(source.refuse("its members have not as many targets"));
        }
        members.push((member, chosen));
    }
    Ok(Estimator::Several(Box::new(SeveralMean { inputs: source.inputs()?, members })))
}

/// An estimator of several targets that are all numbers.
fn of_numbers(source: &Source<'_>, member: &Source<'_>) -> Result<Box<dyn Targets>, Error> {
    match member.estimator()? {
        Estimator::Several(several) if several.classes().iter().all(|classes| classes.is_empty()) => Ok(several),
        _ => Err(source.refuse("its estimator is no regressor of several targets")),
    }
}

pub(super) fn voting(source: &Source<'_>) -> Result<Estimator, Error> {
    let members = members(source)?;
    let weights = super::meta::voting_weights(source)?.unwrap_or_else(|| vec![1.0; members.len()]);
    if weights.len() != members.len() || weights.iter().sum::<f64>() <= 0.0 {
        return Err(source.refuse("its weights are not those of its members"));
    }
    Ok(Estimator::Regressor(Box::new(Mean { inputs: None, members, weights })))
}

/// `StackingRegressor`.
struct Stacking {
    members: Vec<Member>,
    last: Box<dyn Regress>,
    passthrough: bool,
}

impl Regress for Stacking {
    fn values(&self, data: &Data, cancel: &Cancel) -> Result<Vec<f64>, Error> {
        let mut parts = Vec::with_capacity(self.members.len() + 1);
        for member in &self.members {
            cancel.check()?;
            parts.push(Data::Matrix(Matrix::new(data.rows(), 1, member.values(data, cancel)?)));
        }
        if self.passthrough {
            parts.push(data.clone());
        }
        self.last.values(&Data::beside(data.rows(), parts), cancel)
    }
}

pub(super) fn stacking(source: &Source<'_>) -> Result<Estimator, Error> {
    if source.list("stack_method_")?.iter().any(|method| method.text() != Some("predict")) {
        return Err(source.refuse("what a member passes on is not evaluated"));
    }
    let (members, last) = (members(source)?, source.child("final_estimator_")?.regressor()?);
    Ok(Estimator::Regressor(Box::new(Stacking { members, last, passthrough: source.boolean("passthrough")? })))
}

/// `AdaBoostRegressor`: the weighted median.
struct Median {
    members: Vec<Member>,
    weights: Vec<f64>,
}

impl Regress for Median {
    fn values(&self, data: &Data, cancel: &Cancel) -> Result<Vec<f64>, Error> {
        let mut answers = Vec::with_capacity(self.members.len());
        for member in &self.members {
            cancel.check()?;
            answers.push(member.values(data, cancel)?);
        }
        let half = 0.5 * self.weights.iter().sum::<f64>();
        let mut medians = Vec::with_capacity(data.rows());
        for row in 0..data.rows() {
            let mut votes: Vec<(f64, f64)> =
                answers.iter().zip(&self.weights).map(|(answers, weight)| (answers[row], *weight)).collect();
            votes.sort_by(|a, b| a.0.total_cmp(&b.0));
            let mut sum = 0.0;
            let median = votes.iter().find(|(_, weight)| {
                sum += weight;
                sum >= half
            });
            medians.push(median.or(votes.last()).map_or(f64::NAN, |vote| vote.0));
        }
        Ok(medians)
    }
}

pub(super) fn ada_boost(source: &Source<'_>) -> Result<Estimator, Error> {
    let members = members(source)?;
    let mut weights = source.finite("estimator_weights_")?.values;
    if weights.len() < members.len() || weights.iter().any(|weight| *weight < 0.0) {
        return Err(source.refuse("its weights are not those of its members"));
    }
    weights.truncate(members.len());
    Ok(Estimator::Regressor(Box::new(Median { members, weights })))
}

/// `DummyRegressor`.
struct Constant(f64);

impl Regress for Constant {
    fn values(&self, data: &Data, _cancel: &Cancel) -> Result<Vec<f64>, Error> {
        Ok(vec![self.0; data.rows()])
    }
}

pub(super) fn dummy(source: &Source<'_>) -> Result<Estimator, Error> {
    let constants = source.finite("constant_")?.values;
    multioutput::check_count(source, constants.len())?;
    let one = |constant| One::Regressor(Box::new(Constant(constant)));
    multioutput::of(source, constants.into_iter().map(one).collect())
}

/// `RANSACRegressor` answers as the regressor fitted on the rows it kept.
pub(super) fn consensus(source: &Source<'_>) -> Result<Estimator, Error> {
    let estimator = source.child("estimator_")?;
    match estimator.estimator()? {
        several @ Estimator::Several(_) => Ok(several),
        _ => Ok(Estimator::Regressor(estimator.regressor()?)),
    }
}

/// `TransformedTargetRegressor`.
struct Target {
    regressor: Box<dyn Regress>,
    back: Back,
}

/// From the transformed target to the target.
#[derive(Clone, Copy)]
enum Back {
    Function(fn(f64) -> f64),
    /// Of a `StandardScaler` or `MinMaxScaler`: factor first, then what is added.
    Affine(f64, f64),
}

impl Regress for Target {
    fn values(&self, data: &Data, cancel: &Cancel) -> Result<Vec<f64>, Error> {
        Ok(self.back.of(self.regressor.values(data, cancel)?))
    }
}

impl Back {
    fn of(self, mut values: Vec<f64>) -> Vec<f64> {
        for value in &mut values {
            *value = match self {
                Self::Function(function) => function(*value),
                Self::Affine(factor, added) => *value * factor + added,
            };
        }
        values
    }
}

/// The same for several targets, each with its own way back.
struct SeveralBack {
    several: Box<dyn Targets>,
    backs: Vec<Back>,
}

impl Targets for SeveralBack {
    fn classes(&self) -> Vec<&[Label]> {
        self.several.classes()
    }

    fn answers(&self, data: &Data, cancel: &Cancel) -> Result<Vec<Said>, Error> {
        let back = |(said, back): (Said, &Back)| match said {
            Said::Values(values) => Ok(Said::Values(back.of(values))),
            Said::Classes(_) => Err(Error::Unreadable(NO_VALUES.to_owned())),
        };
        self.several.answers(data, cancel)?.into_iter().zip(&self.backs).map(back).collect()
    }
}

pub(super) fn transformed_target(source: &Source<'_>) -> Result<Estimator, Error> {
    let transformer = source.child("transformer_")?;
    let class = transformer.view().class();
    let is = |module: &str, name: &str| class.is_some_and(|class| class.is(module, name));
    let regressor = source.child("regressor_")?;
    let several = match regressor.estimator()? {
        Estimator::Several(_) => Some(of_numbers(source, &regressor)?),
        _ => None,
    };
    let targets = several.as_ref().map_or(1, |several| several.classes().len());
    let all = |name: &str, without: f64, used: &str| match transformer.boolean(used)? {
        true => transformer.vector(name, targets),
        false => Ok(vec![without; targets]),
    };
    let backs: Vec<Back> = if is("sklearn.preprocessing._function_transformer", "FunctionTransformer") {
        if transformer.has("inv_kw_args")
            && transformer.attribute("inv_kw_args")?.pairs().is_none_or(|pairs| !pairs.is_empty())
        {
            return Err(source.refuse("arguments of its inverse are not evaluated"));
        }
        match transformer.has("inverse_func") {
            true => vec![Back::Function(features::known_function(&transformer, "inverse_func")?); targets],
            false => vec![Back::Affine(1.0, 0.0); targets],
        }
    } else if is("sklearn.preprocessing._data", "StandardScaler") {
        let (factors, added) = (all("scale_", 1.0, "with_std")?, all("mean_", 0.0, "with_mean")?);
        factors.into_iter().zip(added).map(|(factor, added)| Back::Affine(factor, added)).collect()
    } else {
        return Err(source.refuse(format!("the transformer {} is not evaluated here", transformer.name())));
    };
    match several {
        Some(several) => Ok(Estimator::Several(Box::new(SeveralBack { several, backs }))),
        None => {
            let [back] = backs.as_slice() else { return Err(source.refuse("it has no target")) };
            Ok(Estimator::Regressor(Box::new(Target { regressor: regressor.regressor()?, back: *back })))
        }
    }
}

/// What a recursive elimination or another selection does before its estimator is asked.
pub(super) struct Selected {
    pub(super) transformer: Box<dyn Transform>,
    pub(super) regressor: Box<dyn Regress>,
}

impl Regress for Selected {
    fn is_single_precision(&self) -> bool {
        self.regressor.is_single_precision()
    }

    fn values(&self, data: &Data, cancel: &Cancel) -> Result<Vec<f64>, Error> {
        self.regressor.values(&self.transformer.transform(data, cancel)?, cancel)
    }
}
