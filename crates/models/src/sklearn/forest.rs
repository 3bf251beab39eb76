//! Single trees, and forests that average them.

use assize_tables::Cancel;

use super::data::{Data, Matrix};
use super::estimator::{Classify, Estimator, Regress, Rule};
use super::label::Label;
use super::multioutput::{self, One};
use super::source::Source;
use super::tree::{self, Inputs, Tree};
use crate::explain::against::{self, Asking};
use crate::explain::{Contributions, ExactMethod, ScoreKind};
use crate::predictor::Error;

struct Trees {
    trees: Vec<Tree>,
    inputs: usize,
    missing_allowed: bool,
}

impl Trees {
    /// Mean over the trees, `rows x outputs`.
    fn mean(&self, data: &Data, cancel: &Cancel) -> Result<Matrix, Error> {
        let outputs = self.trees.first().map_or(1, Tree::outputs);
        let inputs = Inputs::new(data, self.inputs, self.missing_allowed)?;
        let mut sums = Matrix::zeros(inputs.rows, outputs);
        let mut leaves = Vec::with_capacity(inputs.rows);
        for tree in &self.trees {
            cancel.check()?;
            let values = &mut sums.values;
            match outputs {
                1 => tree.add_to(&inputs, &mut leaves, values.iter_mut()),
                2 => tree.visit(&inputs, &mut leaves, |row, leaf| {
                    values[2 * row] += leaf[0];
                    values[2 * row + 1] += leaf[1];
                }),
                _ => tree.visit(&inputs, &mut leaves, |row, leaf| {
                    for (sum, value) in values[row * outputs..(row + 1) * outputs].iter_mut().zip(leaf) {
                        *sum += value;
                    }
                }),
            }
        }
        let count = self.trees.len() as f64;
        sums.values.iter_mut().for_each(|value| *value /= count);
        Ok(sums)
    }
}

struct TreeClassifier {
    classes: Vec<Label>,
    trees: Trees,
}

impl Classify for TreeClassifier {
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
        self.trees.mean(data, cancel)
    }

    fn contributions(
        &self,
        data: &Data,
        asking: Asking<'_>,
        class: usize,
        cancel: &Cancel,
    ) -> Result<Option<Contributions>, Error> {
        let inputs = Inputs::new(data, self.trees.inputs, self.trees.missing_allowed)?;
        let share = 1.0 / self.trees.trees.len() as f64;
        let trees: Vec<(tree::Asked<'_>, f64)> =
            self.trees.trees.iter().map(|tree| (tree.asked(&inputs, class), share)).collect();
        let found = against::trees(&trees, 0.0, asking, cancel)?;
        let (method, score) = (ExactMethod::Trees, ScoreKind::Probability);
        Ok(found.map(|attributions| Contributions { method, score, attributions }))
    }
}

struct TreeRegressor(Trees);

impl Regress for TreeRegressor {
    fn values(&self, data: &Data, cancel: &Cancel) -> Result<Vec<f64>, Error> {
        Ok(self.0.mean(data, cancel)?.values)
    }
}

/// Since when missing values may be asked about: trees 1.3, random forests 1.4, random splits 1.6.
fn missing_allowed(source: &Source<'_>, forest: bool, random_splits: bool) -> Result<bool, Error> {
    let since = match (forest, random_splits) {
        (_, true) => (1, 6),
        (true, false) => (1, 4),
        (false, false) => (1, 3),
    };
    let criterion = source.text("criterion")?;
    Ok(source.version() >= since && !source.has("monotonic_cst") && criterion != "absolute_error")
}

/// The classes of each target.
fn read_classes(source: &Source<'_>) -> Result<Vec<Vec<Label>>, Error> {
    let targets = targets(source)?;
    if targets == 1 {
        let classes = source.classes(1)?;
        if source.size("n_classes_")? != classes.len() {
            return Err(source.refuse("n_classes_ is not the number of classes"));
        }
        return Ok(vec![classes]);
    }
    let classes = source.classes_of_targets()?;
    if classes.len() != targets {
        return Err(source.refuse("classes_ is not a list of labels for each target"));
    }
    Ok(classes)
}

fn targets(source: &Source<'_>) -> Result<usize, Error> {
    let targets = source.size("n_outputs_")?;
    multioutput::check_count(source, targets)?;
    Ok(targets)
}

/// A tree for each target. Leaf values are class counts up to 1.3 and fractions since.
fn classify_tree(source: &Source<'_>, classes: &[Vec<Label>]) -> Result<Vec<Tree>, Error> {
    let widths: Vec<usize> = classes.iter().map(Vec::len).collect();
    let mut trees = tree::read(&source.child("tree_")?, source.inputs()?, &widths)?;
    let fractions = source.version() >= (1, 4);
    let sound = |values: &[f64]| {
        let sum: f64 = values.iter().sum();
        values.iter().all(|value| *value >= 0.0) && if fractions { (sum - 1.0).abs() < 1e-6 } else { sum > 0.0 }
    };
    if !trees.iter().all(|tree| tree.all_values(sound)) {
        return Err(source.refuse("the values of the leaves are not those of the classes"));
    }
    if !fractions {
        trees.iter_mut().for_each(Tree::normalize);
    }
    Ok(trees)
}

/// Members with a tree for each target become a forest for each target.
fn by_target(source: &Source<'_>, members: Vec<Vec<Tree>>, missing_allowed: bool) -> Result<Vec<Trees>, Error> {
    let inputs = source.inputs()?;
    let mut forests: Vec<Trees> = Vec::new();
    for member in members {
        forests.resize_with(member.len(), || Trees { trees: Vec::new(), inputs, missing_allowed });
        forests.iter_mut().zip(member).for_each(|(forest, tree)| forest.trees.push(tree));
    }
    Ok(forests)
}

fn classifiers(source: &Source<'_>, classes: Vec<Vec<Label>>, forests: Vec<Trees>) -> Result<Estimator, Error> {
    let one = |(classes, trees)| One::Classifier(Box::new(TreeClassifier { classes, trees }));
    multioutput::of(source, classes.into_iter().zip(forests).map(one).collect())
}

fn regressors(source: &Source<'_>, forests: Vec<Trees>) -> Result<Estimator, Error> {
    multioutput::of(source, forests.into_iter().map(|trees| One::Regressor(Box::new(TreeRegressor(trees)))).collect())
}

pub(super) fn tree_classifier(source: &Source<'_>) -> Result<Estimator, Error> {
    let classes = read_classes(source)?;
    let trees = vec![classify_tree(source, &classes)?];
    let missing_allowed = missing_allowed(source, false, source.text("splitter")? == "random")?;
    classifiers(source, classes, by_target(source, trees, missing_allowed)?)
}

pub(super) fn tree_regressor(source: &Source<'_>) -> Result<Estimator, Error> {
    let trees = vec![regress_trees(source, targets(source)?)?];
    let missing_allowed = missing_allowed(source, false, source.text("splitter")? == "random")?;
    regressors(source, by_target(source, trees, missing_allowed)?)
}

/// The trees of a fitted tree regressor, one for each target.
fn regress_trees(source: &Source<'_>, targets: usize) -> Result<Vec<Tree>, Error> {
    tree::read(&source.child("tree_")?, source.inputs()?, &vec![1; targets])
}

/// The tree of a fitted tree regressor of one target.
pub(super) fn regress_tree(source: &Source<'_>) -> Result<Tree, Error> {
    Ok(regress_trees(source, 1)?.remove(0))
}

fn members<'p>(source: &Source<'p>, class: &str) -> Result<Vec<Source<'p>>, Error> {
    let inputs = source.inputs()?;
    let members = source.children("estimators_")?;
    for member in &members {
        let known = member.view().class().is_some_and(|found| found.is("sklearn.tree._classes", class));
        if !known || member.inputs()? != inputs {
            return Err(source.refuse(format!("its members are not all {class} of {inputs} inputs")));
        }
    }
    if members.is_empty() {
        return Err(source.refuse("it has no trees"));
    }
    Ok(members)
}

fn forest_classifier(source: &Source<'_>, member: &str, random_splits: bool) -> Result<Estimator, Error> {
    let classes = read_classes(source)?;
    let trees: Result<Vec<Vec<Tree>>, Error> =
        members(source, member)?.iter().map(|tree| classify_tree(tree, &classes)).collect();
    let missing_allowed = missing_allowed(source, true, random_splits)?;
    classifiers(source, classes, by_target(source, trees?, missing_allowed)?)
}

fn forest_regressor(source: &Source<'_>, member: &str, random_splits: bool) -> Result<Estimator, Error> {
    let targets = targets(source)?;
    let trees: Result<Vec<Vec<Tree>>, Error> =
        members(source, member)?.iter().map(|tree| regress_trees(tree, targets)).collect();
    let missing_allowed = missing_allowed(source, true, random_splits)?;
    regressors(source, by_target(source, trees?, missing_allowed)?)
}

pub(super) fn random_forest_classifier(source: &Source<'_>) -> Result<Estimator, Error> {
    forest_classifier(source, "DecisionTreeClassifier", false)
}

pub(super) fn extra_trees_classifier(source: &Source<'_>) -> Result<Estimator, Error> {
    forest_classifier(source, "ExtraTreeClassifier", true)
}

pub(super) fn random_forest_regressor(source: &Source<'_>) -> Result<Estimator, Error> {
    forest_regressor(source, "DecisionTreeRegressor", false)
}

pub(super) fn extra_trees_regressor(source: &Source<'_>) -> Result<Estimator, Error> {
    forest_regressor(source, "ExtraTreeRegressor", true)
}
