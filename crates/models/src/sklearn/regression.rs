//! Regressors made of other regressors, and those that are simple.

use assize_tables::Cancel;

use super::data::{Data, Matrix};
use super::estimator::{Estimator, Regress, Transform};
use super::features;
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
    let features = source.list("estimators_features_")?;
    let mut members = members(source)?;
    if features.len() != members.len() {
        return Err(source.refuse("its members and their features are not as many"));
    }
    for (member, features) in members.iter_mut().zip(features) {
        let chosen = source.decode(features)?.integers().unwrap_or_default();
        let chosen: Option<Vec<usize>> =
            chosen.into_iter().map(|at| usize::try_from(at).ok().filter(|at| *at < inputs)).collect();
        let chosen = chosen.filter(|chosen| !chosen.is_empty());
        member.inputs = Some(chosen.ok_or_else(|| source.refuse("a member has no features"))?);
    }
    let weights = vec![1.0; members.len()];
    Ok(Estimator::Regressor(Box::new(Mean { inputs: Some(inputs), members, weights })))
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
enum Back {
    Function(fn(f64) -> f64),
    /// Of a `StandardScaler` or `MinMaxScaler`: factor first, then what is added.
    Affine(f64, f64),
}

impl Regress for Target {
    fn values(&self, data: &Data, cancel: &Cancel) -> Result<Vec<f64>, Error> {
        let mut values = self.regressor.values(data, cancel)?;
        for value in &mut values {
            *value = match self.back {
                Back::Function(function) => function(*value),
                Back::Affine(factor, added) => *value * factor + added,
            };
        }
        Ok(values)
    }
}

pub(super) fn transformed_target(source: &Source<'_>) -> Result<Estimator, Error> {
    let transformer = source.child("transformer_")?;
    let class = transformer.view().class();
    let is = |module: &str, name: &str| class.is_some_and(|class| class.is(module, name));
    let one = |name: &str| Ok::<f64, Error>(transformer.vector(name, 1)?[0]);
    let back = if is("sklearn.preprocessing._function_transformer", "FunctionTransformer") {
        if transformer.has("inv_kw_args")
            && transformer.attribute("inv_kw_args")?.pairs().is_none_or(|pairs| !pairs.is_empty())
        {
            return Err(source.refuse("arguments of its inverse are not evaluated"));
        }
        match transformer.has("inverse_func") {
            true => Back::Function(features::known_function(&transformer, "inverse_func")?),
            false => Back::Affine(1.0, 0.0),
        }
    } else if is("sklearn.preprocessing._data", "StandardScaler") {
        let factor = if transformer.boolean("with_std")? { one("scale_")? } else { 1.0 };
        Back::Affine(factor, if transformer.boolean("with_mean")? { one("mean_")? } else { 0.0 })
    } else {
        return Err(source.refuse(format!("the transformer {} is not evaluated here", transformer.name())));
    };
    let regressor = source.child("regressor_")?.regressor()?;
    Ok(Estimator::Regressor(Box::new(Target { regressor, back })))
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
