//! `SelectFromModel`: features that matter enough to another estimator.

use super::estimator::Estimator;
use super::scaling;
use super::source::Source;
use super::tree;
use crate::predictor::Error;

/// Importances this near to the threshold may lie on either side of it in the library.
const SLACK: f64 = 1e-12;

/// Below it a coefficient of an estimator with an l1 penalty counts as zero.
const SPARSE_THRESHOLD: f64 = 1e-5;

pub(super) fn select(source: &Source<'_>) -> Result<Estimator, Error> {
    source.only("importance_getter", &["auto"])?;
    if source.number("norm_order")? != 1.0 {
        return Err(source.refuse("a norm_order other than 1 is not evaluated"));
    }
    let attribute = if source.has("estimator_") { "estimator_" } else { "estimator" };
    let estimator = source.child(attribute)?;
    let scores = importances(&estimator)?;
    let threshold = threshold(source, &estimator, &scores)?;
    let near = |score: &f64| {
        threshold.is_finite() && (score - threshold).abs() <= SLACK * threshold.abs() && *score != threshold
    };
    if scores.iter().any(near) {
        return Err(source.refuse("an importance is too near to the threshold to be sure"));
    }
    let mut mask = vec![true; scores.len()];
    if source.has("max_features") {
        let attribute = if source.has("max_features_") { "max_features_" } else { "max_features" };
        let most = source.size(attribute)?;
        let mut order: Vec<usize> = (0..scores.len()).collect();
        order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]));
        order.iter().skip(most).for_each(|at| mask[*at] = false);
    }
    for (kept, score) in mask.iter_mut().zip(&scores) {
        *kept &= *score >= threshold;
    }
    Ok(scaling::kept(&mask, true))
}

/// Sums of absolute coefficients, or importances of trees.
fn importances(estimator: &Source<'_>) -> Result<Vec<f64>, Error> {
    if estimator.has("coef_") {
        let inputs = estimator.inputs()?;
        let numbers = estimator.finite("coef_")?;
        if inputs == 0 || numbers.shape.last() != Some(&inputs) {
            return Err(estimator.refuse("coef_ is not one row of its inputs for each output"));
        }
        let mut sums = vec![0.0; inputs];
        for row in numbers.values.chunks_exact(inputs) {
            sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += f64::abs(*value));
        }
        return Ok(sums);
    }
    let class = estimator.view().class();
    let is = |module: &str, names: &[&str]| class.is_some_and(|class| names.iter().any(|name| class.is(module, name)));
    let inputs = estimator.inputs()?;
    let single = ["DecisionTreeClassifier", "DecisionTreeRegressor", "ExtraTreeClassifier", "ExtraTreeRegressor"];
    let forests = ["RandomForestClassifier", "RandomForestRegressor", "ExtraTreesClassifier", "ExtraTreesRegressor"];
    if is("sklearn.tree._classes", &single) {
        return Ok(scaled(tree::importances(&estimator.child("tree_")?, inputs)?));
    }
    let (members, normalize) = if is("sklearn.ensemble._forest", &forests) {
        (estimator.children("estimators_")?, true)
    } else if is("sklearn.ensemble._gb", &["GradientBoostingClassifier", "GradientBoostingRegressor"]) {
        (estimator.children("estimators_")?, false)
    } else {
        return Err(estimator.refuse("its importances are not evaluated"));
    };
    let mut sums = vec![0.0; inputs];
    let mut count = 0.0;
    for member in members {
        let tree = member.child("tree_")?;
        if tree.size("node_count")? <= 1 {
            continue;
        }
        count += 1.0;
        let one = tree::importances(&tree, inputs)?;
        let one = if normalize { scaled(one) } else { one };
        sums.iter_mut().zip(one).for_each(|(sum, value)| *sum += value);
    }
    if count > 0.0 {
        sums.iter_mut().for_each(|sum| *sum /= count);
    }
    Ok(scaled(sums))
}

fn scaled(mut values: Vec<f64>) -> Vec<f64> {
    let sum: f64 = values.iter().sum();
    if sum > 0.0 {
        values.iter_mut().for_each(|value| *value /= sum);
    }
    values
}

fn threshold(source: &Source<'_>, estimator: &Source<'_>, scores: &[f64]) -> Result<f64, Error> {
    let view = source.attribute("threshold")?;
    if let Some(number) = view.number() {
        return if number.is_nan() { Err(source.refuse("its threshold is not a number")) } else { Ok(number) };
    }
    let text = match view.text() {
        Some(text) => text,
        None if view.is_none() && is_sparse(estimator)? => return Ok(SPARSE_THRESHOLD),
        None if view.is_none() => "mean",
        None => return Err(source.refuse("its threshold is not understood")),
    };
    let (factor, reference) = match text.split_once('*') {
        Some((factor, reference)) => (factor.trim().parse().ok(), reference.trim()),
        None => (Some(1.0), text),
    };
    let odd = || source.refuse(format!("threshold={text:?} is not evaluated"));
    let factor: f64 = factor.filter(|factor: &f64| factor.is_finite()).ok_or_else(odd)?;
    let reference = match reference {
        "mean" => scores.iter().sum::<f64>() / scores.len() as f64,
        "median" => median(scores),
        _ => return Err(odd()),
    };
    Ok(factor * reference)
}

/// Whether the estimator was fitted with an l1 penalty, so that zero is the natural threshold.
fn is_sparse(estimator: &Source<'_>) -> Result<bool, Error> {
    let name = estimator.view().class().map_or("", |class| class.name.as_ref());
    let is_one = |attribute: &str| {
        estimator.has(attribute) && estimator.number(attribute).is_ok_and(|ratio| (ratio - 1.0).abs() <= 1e-5)
    };
    if ["LogisticRegressionCV", "ElasticNetCV", "ElasticNet"].contains(&name) {
        return Err(estimator.refuse("the default threshold for it is not evaluated"));
    }
    let penalized = estimator.has("penalty") && estimator.attribute("penalty")?.text() == Some("l1");
    let logistic = name == "LogisticRegression" && estimator.version() >= (1, 8) && is_one("l1_ratio");
    Ok(penalized || name.contains("Lasso") || logistic)
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[middle] } else { (sorted[middle - 1] + sorted[middle]) / 2.0 }
}
