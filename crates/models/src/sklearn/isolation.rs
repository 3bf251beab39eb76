//! `IsolationForest`: rows that few random splits set apart are outliers. Labels are -1 and 1.
//!
//! Source: Liu, Ting and Zhou, "Isolation Forest" (2008).

use assize_tables::Cancel;

use super::data::{Data, Matrix};
use super::estimator::{Classify, Estimator, Rule};
use super::label::Label;
use super::source::Source;
use super::tree::{self, Inputs, Tree};
use crate::predictor::Error;

/// The constant of Euler and Mascheroni.
const EULER_GAMMA: f64 = 0.577_215_664_901_532_9;

struct Isolation {
    classes: Vec<Label>,
    /// Trees whose values are the lengths of paths, and the inputs each sees.
    trees: Vec<(Tree, Option<Vec<usize>>)>,
    inputs: usize,
    missing_allowed: bool,
    /// Length of all paths together in a sample without structure.
    expected: f64,
    offset: f64,
}

/// Mean length of an unsuccessful search among that many rows.
fn average_path_length(rows: f64) -> f64 {
    match rows {
        rows if rows <= 1.0 => 0.0,
        2.0 => 1.0,
        rows => 2.0 * (libm::log(rows - 1.0) + EULER_GAMMA) - 2.0 * (rows - 1.0) / rows,
    }
}

impl Classify for Isolation {
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
        true
    }

    fn decision(&self, data: &Data, cancel: &Cancel) -> Result<Matrix, Error> {
        data.check_width(self.inputs)?;
        let mut depths = Matrix::zeros(data.rows(), 1);
        let mut leaves = Vec::new();
        let all = Inputs::new(data, self.inputs, self.missing_allowed)?;
        for (tree, chosen) in &self.trees {
            cancel.check()?;
            let add = |row: usize, leaf: &[f64]| depths.values[row] += leaf[0];
            match chosen {
                None => tree.visit(&all, &mut leaves, add),
                Some(chosen) => {
                    let some = Inputs::new(&data.select(chosen), chosen.len(), self.missing_allowed)?;
                    tree.visit(&some, &mut leaves, add);
                }
            }
        }
        for depth in &mut depths.values {
            let share = if self.expected == 0.0 { 1.0 } else { *depth / self.expected };
            *depth = -libm::exp2(-share) - self.offset;
        }
        Ok(depths)
    }

    fn labels(&self, data: &Data, cancel: &Cancel) -> Result<Vec<u32>, Error> {
        // Zero is not yet an outlier.
        Ok(self.decision(data, cancel)?.values.into_iter().map(|value| u32::from(value >= 0.0)).collect())
    }
}

pub(super) fn forest(source: &Source<'_>) -> Result<Estimator, Error> {
    let inputs = source.inputs()?;
    let sources = source.children("estimators_")?;
    let features = source.list("estimators_features_")?;
    if sources.is_empty() || sources.len() != features.len() {
        return Err(source.refuse("its trees and their features are not as many"));
    }
    let mut trees = Vec::with_capacity(sources.len());
    for (member, features) in sources.iter().zip(features) {
        let known = member.view().class().is_some_and(|class| class.is("sklearn.tree._classes", "ExtraTreeRegressor"));
        let chosen = source.decode(features)?.integers().unwrap_or_default();
        let chosen: Option<Vec<usize>> =
            chosen.into_iter().map(|at| usize::try_from(at).ok().filter(|at| *at < inputs)).collect();
        let chosen = chosen.filter(|chosen| !chosen.is_empty() && known);
        let chosen = chosen.ok_or_else(|| source.refuse("a member is not a tree of its inputs"))?;
        let tree = tree::read_with(&member.child("tree_")?, chosen.len(), |depth, samples| {
            depth as f64 + average_path_length(samples as f64)
        })?;
        let all = chosen.len() == inputs && chosen.iter().enumerate().all(|(at, feature)| at == *feature);
        trees.push((tree, (!all).then_some(chosen)));
    }
    let samples =
        if source.has("_max_samples") { source.number("_max_samples")? } else { source.number("max_samples_")? };
    let expected = trees.len() as f64 * average_path_length(samples);
    let classes = vec![Label::Int(-1), Label::Int(1)];
    // Random splits see missing values since 1.6, and this forest allows them.
    let missing_allowed = source.version() >= (1, 6);
    let offset = source.number("offset_")?;
    Ok(Estimator::Classifier(Box::new(Isolation { classes, trees, inputs, missing_allowed, expected, offset })))
}
