//! LightGBM: `LGBMClassifier`, `LGBMRegressor` and text files.
//!
//! Source: `src/io/tree.cpp`, `include/LightGBM/tree.h` and `src/boosting/gbdt_model_text.cpp` of LightGBM. Everything
//! is double precision. Categories of a data frame are stored as `pandas_categorical`; a text that is not among them
//! is missing.

use std::collections::HashMap;

use assize_tables::Cancel;

use super::document::{self, Value};
use super::tree::{Asked, Child, Missing, Split, Test, Tree};
use super::{Inputs, Library, Opened, Unseen, coded};
use crate::explain::against::{self, Asking};
use crate::explain::{Contributions, ExactMethod, ScoreKind};
use crate::pickle::{Limits, View};
use crate::predictor::Error;
use crate::sklearn::category::Categories;
use crate::sklearn::data::{Data, Matrix};
use crate::sklearn::estimator::{Classify, Estimator, Regress, Rule, of_class};
use crate::sklearn::label::{self, Label};
use crate::sklearn::numeric::softmax;
use crate::sklearn::source::Source;

const LIBRARY: Library = Library::LightGBM;

/// Inputs, scores and leaves of a file that are believed before its bytes are counted.
const SIZE_MAX: usize = 1 << 24;

/// Bits of `decision_type`.
const CATEGORICAL: i64 = 1;
const DEFAULT_LEFT: i64 = 2;

/// What turns a score into an answer (`ObjectiveFunction::ConvertOutput`).
#[derive(Debug, Clone, Copy, PartialEq)]
enum Link {
    Identity,
    Logistic(f64),
    /// Each score by itself.
    OneVersusAll(f64),
    Softmax,
    Exponential,
    SignedSquare,
}

impl Link {
    fn read(objective: &str) -> Result<Self, Error> {
        let mut words = objective.split(' ');
        let name = words.next().unwrap_or_default();
        let parameters: HashMap<&str, &str> = words.clone().filter_map(|word| word.split_once(':')).collect();
        let refused = || LIBRARY.refuse(format!("the objective {objective:?} is not evaluated"));
        let sigmoid = || {
            let text = parameters.get("sigmoid").copied().unwrap_or("1");
            text.parse().ok().filter(|sigmoid: &f64| *sigmoid > 0.0 && sigmoid.is_finite()).ok_or_else(refused)
        };
        Ok(match name {
            "binary" => Self::Logistic(sigmoid()?),
            "cross_entropy" => Self::Logistic(1.0),
            "multiclass" => Self::Softmax,
            "multiclassova" => Self::OneVersusAll(sigmoid()?),
            "poisson" | "gamma" | "tweedie" => Self::Exponential,
            "regression" if words.any(|word| word == "sqrt") => Self::SignedSquare,
            "regression" | "regression_l1" | "huber" | "fair" | "quantile" | "mape" => Self::Identity,
            _ => return Err(refused()),
        })
    }

    fn apply(self, scores: &mut [f64]) {
        match self {
            Self::Identity => {}
            Self::Logistic(sigmoid) | Self::OneVersusAll(sigmoid) => {
                scores.iter_mut().for_each(|score| *score = 1.0 / (1.0 + libm::exp(-sigmoid * *score)));
            }
            Self::Softmax => softmax(scores),
            Self::Exponential => scores.iter_mut().for_each(|score| *score = libm::exp(*score)),
            Self::SignedSquare => scores.iter_mut().for_each(|score| *score *= score.abs()),
        }
    }
}

/// What a leaf says: a number, or a line through some inputs.
struct Leaf {
    value: f64,
    line: Option<(f64, Vec<(u32, f64)>)>,
}

impl Leaf {
    fn of(&self, row: &[f64]) -> f64 {
        let Some((constant, terms)) = &self.line else { return self.value };
        if terms.iter().any(|(feature, _)| row[*feature as usize].is_nan()) {
            return self.value;
        }
        terms.iter().fold(*constant, |sum, (feature, weight)| sum + weight * row[*feature as usize])
    }
}

struct Model {
    inputs: Inputs,
    categories: Vec<Option<Categories>>,
    groups: usize,
    trees: Vec<(Tree, Vec<Leaf>)>,
    averaged: bool,
    link: Link,
}

impl Model {
    fn answers(&self, data: &Data, cancel: &Cancel) -> Result<Matrix, Error> {
        let input = coded(data, &self.categories, Unseen::Missing)?;
        let mut scores = Matrix::zeros(input.rows, self.groups);
        for (at, (tree, leaves)) in self.trees.iter().enumerate() {
            cancel.check()?;
            for (row, cells) in input.iter().enumerate() {
                scores.values[row * self.groups + at % self.groups] += leaves[tree.find(cells)].of(cells);
            }
        }
        let rounds = (self.trees.len() / self.groups).max(1) as f64;
        for scores in scores.values.chunks_exact_mut(self.groups) {
            if self.averaged {
                scores.iter_mut().for_each(|score| *score /= rounds);
            }
            self.link.apply(scores);
        }
        Ok(scores)
    }
}

struct Classifier {
    classes: Vec<Label>,
    model: Model,
}

impl Classify for Classifier {
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

    fn is_decision_unsure(&self) -> bool {
        true
    }

    fn inputs(&self) -> Option<Inputs> {
        Some(self.model.inputs.clone())
    }

    fn probabilities(&self, data: &Data, cancel: &Cancel) -> Result<Matrix, Error> {
        let answers = self.model.answers(data, cancel)?;
        if answers.columns > 1 {
            return Ok(answers);
        }
        Ok(answers.map_rows(2, |row, out| out.copy_from_slice(&[1.0 - row[0], row[0]])))
    }

    fn contributions(
        &self,
        data: &Data,
        asking: Asking<'_>,
        class: usize,
        cancel: &Cancel,
    ) -> Result<Option<Contributions>, Error> {
        let model = &self.model;
        if model.trees.iter().any(|(_, leaves)| leaves.iter().any(|leaf| leaf.line.is_some())) {
            return Ok(None);
        }
        let input = coded(data, &model.categories, Unseen::Missing)?;
        let (group, sign, kind) = of_class(model.groups, class);
        // Each score of one against all is the logarithm of the odds of its class before they are scaled.
        let (factor, score) = match model.link {
            Link::Logistic(sigmoid) => (sign * sigmoid, kind),
            Link::OneVersusAll(sigmoid) => (sign * sigmoid, ScoreKind::LogOdds),
            _ => (sign, kind),
        };
        let rounds = (model.trees.len() / model.groups).max(1) as f64;
        let factor = if model.averaged { factor / rounds } else { factor };
        let of_group = model.trees.iter().skip(group).step_by(model.groups);
        let asked = |(tree, leaves)| Asked { tree, input: &input, value: move |leaf: usize| value_of(leaves, leaf) };
        let trees: Vec<_> = of_group.map(|(tree, leaves)| (asked((tree, leaves)), factor)).collect();
        let found = against::trees(&trees, 0.0, asking, cancel)?;
        Ok(found.map(|attributions| Contributions { method: ExactMethod::Trees, score, attributions }))
    }
}

fn value_of(leaves: &[Leaf], leaf: usize) -> f64 {
    leaves[leaf].value
}

struct Regressor(Model);

impl Regress for Regressor {
    fn inputs(&self) -> Option<Inputs> {
        Some(self.0.inputs.clone())
    }

    fn values(&self, data: &Data, cancel: &Cancel) -> Result<Vec<f64>, Error> {
        Ok(self.0.answers(data, cancel)?.values)
    }
}

fn odd(what: &str) -> Error {
    LIBRARY.refuse(format!("{what} is not understood"))
}

/// A file of its own: classes are numbered.
pub(super) fn file(bytes: &[u8], limits: &Limits) -> Result<Opened, Error> {
    let text = std::str::from_utf8(bytes).map_err(|_| odd("a file that is not UTF-8"))?;
    let stored = text.lines().rev().find_map(|line| line.strip_prefix("pandas_categorical:"));
    let stored = match stored {
        None | Some("null") => None,
        Some(stored) => Some(document::read(LIBRARY, stored.as_bytes(), limits)?),
    };
    let lists = stored.as_ref().map(stored_lists).transpose()?.unwrap_or_default();
    let model = model(text, lists, None)?;
    let inputs = model.inputs.clone();
    let version = text.lines().nth(1).and_then(|line| line.strip_prefix("version=")).unwrap_or("unknown");
    let description = format!("LightGBM, format {version}");
    let estimator = match model.link {
        Link::Logistic(_) | Link::Softmax | Link::OneVersusAll(_) => {
            let classes = (0..model.groups.max(2) as i64).map(Label::Int).collect();
            Estimator::Classifier(Box::new(Classifier { classes, model }))
        }
        _ => Estimator::Regressor(Box::new(Regressor(model))),
    };
    Ok(Opened { estimator, inputs, description })
}

fn stored_lists(stored: &Value) -> Result<Vec<Option<Vec<String>>>, Error> {
    let lists = stored.list().ok_or_else(|| odd("its categories"))?;
    Ok(lists.iter().map(Value::texts).collect())
}

/// A pickled wrapper: the text of the booster and the labels of its encoder.
pub(super) fn wrapper(source: &Source<'_>) -> Result<Estimator, Error> {
    let booster = source.child("_Booster")?;
    if !booster.view().class().is_some_and(|class| class.is("lightgbm.basic", "Booster")) {
        return Err(source.refuse("its booster is not one"));
    }
    let handle = if booster.has("_handle") { "_handle" } else { "handle" };
    let text = booster.text(handle)?;
    let list =
        |view: &View<'_>| -> Option<Vec<String>> { view.items()?.iter().map(|item| item.owned_text()).collect() };
    let lists: Vec<Option<Vec<String>>> = match booster.has("pandas_categorical") {
        true => booster.list("pandas_categorical")?.iter().map(list).collect(),
        false => Vec::new(),
    };
    let best = booster.view().attribute("best_iteration").and_then(|best| best.integer()).filter(|best| *best > 0);
    let model = model(text, lists, best.map(|best| best as usize))?;
    let name = source.view().class().map_or("", |class| class.name.as_ref());
    if name == "LGBMRegressor" {
        if model.groups > 1 {
            return Err(source.refuse("a regressor of several scores is not evaluated"));
        }
        return Ok(Estimator::Regressor(Box::new(Regressor(model))));
    }
    let classes = label::labels(&source.child("_le")?.array("classes_")?)
        .ok_or_else(|| source.refuse("its classes are not labels"))?;
    let probable = !matches!(model.link, Link::Identity | Link::Exponential | Link::SignedSquare);
    if classes.len() != model.groups.max(2) || !probable {
        return Err(source.refuse("its classes are not those of its objective"));
    }
    Ok(Estimator::Classifier(Box::new(Classifier { classes, model })))
}

fn model(text: &str, lists: Vec<Option<Vec<String>>>, best: Option<usize>) -> Result<Model, Error> {
    let (head, rest) = text.split_once("\nTree=").unwrap_or((text, ""));
    let head = Section::read(head);
    if !head.lines.contains_key("tree") && !text.starts_with("tree") {
        return Err(odd("a file without trees"));
    }
    let size = |key: &str| head.size(key).filter(|size| *size < SIZE_MAX);
    let count = size("max_feature_idx").map(|last| last + 1).ok_or_else(|| odd("the number of its inputs"))?;
    let groups =
        size("num_tree_per_iteration").filter(|groups| *groups > 0).ok_or_else(|| odd("the number of its scores"))?;
    let link = Link::read(
        head.lines
            .get("objective")
            .copied()
            .ok_or_else(|| LIBRARY.refuse("an objective of one's own is not evaluated"))?,
    )?;
    let several = matches!(link, Link::Softmax | Link::OneVersusAll(_));
    if several != (groups > 1) {
        return Err(odd("a number of scores that does not fit its objective"));
    }
    let names: Vec<String> = head.lines.get("feature_names").unwrap_or(&"").split(' ').map(str::to_owned).collect();
    let infos: Vec<&str> = head.lines.get("feature_infos").unwrap_or(&"").split(' ').collect();
    if names.len() != count || infos.len() != count {
        return Err(odd("the names of its inputs"));
    }
    let numbered = names.iter().enumerate().all(|(at, name)| *name == format!("Column_{at}"));
    let body = rest.split("\nend of trees").next().unwrap_or_default();
    let mut trees = Vec::new();
    for part in body.split("\nTree=").filter(|part| !part.is_empty()) {
        trees.push(tree(&Section::read(part), count)?);
    }
    if let Some(best) = best {
        trees.truncate(best.saturating_mul(groups));
    }
    if trees.len() % groups != 0 || (groups > 1 && trees.is_empty()) {
        return Err(odd("a number of trees that does not fit its scores"));
    }
    let categories = categories(&infos, lists)?;
    let averaged = head.lines.contains_key("average_output");
    let inputs = Inputs { count, names: (!numbered).then_some(names) };
    Ok(Model { inputs, categories, groups, trees, averaged, link })
}

/// Which inputs have categories, in the order in which their texts are stored.
fn categories(infos: &[&str], lists: Vec<Option<Vec<String>>>) -> Result<Vec<Option<Categories>>, Error> {
    // A range in brackets is a number's, numbers with colons are categories', "none" is a constant's.
    let categorical = |info: &&str| !info.starts_with('[') && *info != "none";
    let mut categories: Vec<Option<Categories>> = infos.iter().map(|_| None).collect();
    if lists.is_empty() {
        return Ok(categories);
    }
    let places: Vec<usize> = (0..infos.len()).filter(|at| categorical(&infos[*at])).collect();
    if places.len() != lists.len() {
        return Err(LIBRARY.refuse("which of its inputs have the stored categories is not certain"));
    }
    for (place, texts) in places.into_iter().zip(lists) {
        let texts = texts.ok_or_else(|| LIBRARY.refuse("categories that are not texts are not evaluated"))?;
        categories[place] = Some(Categories::of_texts(texts)?);
    }
    Ok(categories)
}

/// Lines of `key=value`.
struct Section<'t> {
    lines: HashMap<&'t str, &'t str>,
}

impl<'t> Section<'t> {
    fn read(text: &'t str) -> Self {
        Self { lines: text.lines().map(|line| line.split_once('=').unwrap_or((line, ""))).collect() }
    }

    fn size(&self, key: &str) -> Option<usize> {
        self.lines.get(key)?.trim().parse().ok()
    }

    /// Numbers with a space between them.
    fn list<T: std::str::FromStr>(&self, key: &str) -> Option<Vec<T>> {
        self.lines.get(key)?.split_ascii_whitespace().map(|word| word.parse().ok()).collect()
    }
}

fn tree(section: &Section<'_>, inputs: usize) -> Result<(Tree, Vec<Leaf>), Error> {
    let broken = || LIBRARY.refuse("the nodes do not form a tree: a child, a feature or a number is out of range");
    let leaves = read_leaves(section, inputs).ok_or_else(broken)?;
    let splits = if leaves.len() > 1 { read_splits(section, leaves.len()).ok_or_else(broken)? } else { Vec::new() };
    let tree = Tree::new(splits, leaves.len(), inputs).ok_or_else(broken)?;
    Ok((tree, leaves))
}

fn read_leaves(section: &Section<'_>, inputs: usize) -> Option<Vec<Leaf>> {
    let values: Vec<f64> = section.list("leaf_value")?;
    let count = section.size("num_leaves")?;
    if values.len() != count || values.iter().any(|value| !value.is_finite()) {
        return None;
    }
    let mut leaves: Vec<Leaf> = values.into_iter().map(|value| Leaf { value, line: None }).collect();
    if section.size("is_linear") != Some(1) {
        return Some(leaves);
    }
    let constants: Vec<f64> = section.list("leaf_const")?;
    let counts: Vec<usize> = section.list("num_features")?;
    let features: Vec<u32> = section.list("leaf_features")?;
    let weights: Vec<f64> = section.list("leaf_coeff")?;
    let numbers = constants.iter().chain(&weights).all(|value| value.is_finite());
    if constants.len() != count || counts.len() != count || features.len() != weights.len() || !numbers {
        return None;
    }
    let mut terms = features.into_iter().zip(weights);
    for ((leaf, constant), count) in leaves.iter_mut().zip(constants).zip(counts) {
        let line: Vec<(u32, f64)> = terms.by_ref().take(count).collect();
        if line.len() != count || line.iter().any(|(feature, _)| *feature as usize >= inputs) {
            return None;
        }
        leaf.line = Some((constant, line));
    }
    Some(leaves)
}

fn read_splits(section: &Section<'_>, leaves: usize) -> Option<Vec<Split>> {
    let features: Vec<u32> = section.list("split_feature")?;
    let thresholds: Vec<f64> = section.list("threshold")?;
    let kinds: Vec<i64> = section.list("decision_type")?;
    let (left, right): (Vec<i64>, Vec<i64>) = (section.list("left_child")?, section.list("right_child")?);
    let bounds: Vec<usize> = section.list("cat_boundaries").unwrap_or_default();
    let words: Vec<u32> = section.list("cat_threshold").unwrap_or_default();
    let count = leaves - 1;
    if [features.len(), thresholds.len(), kinds.len(), left.len(), right.len()].iter().any(|length| *length != count) {
        return None;
    }
    // A negative child is the complement of a leaf's number.
    let child = |child: i64| match u32::try_from(child) {
        Ok(node) => Some(Child::Node(node)),
        Err(_) => u32::try_from(!child).ok().map(Child::Leaf),
    };
    let mut splits = Vec::with_capacity(count);
    for at in 0..count {
        let (kind, threshold) = (kinds[at], thresholds[at]);
        let way = if kind & DEFAULT_LEFT != 0 { Missing::Left } else { Missing::Right };
        let (test, missing) = if kind & CATEGORICAL != 0 {
            let set = if threshold >= 0.0 && threshold.fract() == 0.0 { threshold as usize } else { return None };
            let bits = words.get(*bounds.get(set)?..*bounds.get(set + 1)?)?;
            (Test::Among(bits.to_vec()), Missing::Right)
        } else {
            match kind >> 2 & 3 {
                0 => (Test::AtMost(threshold), Missing::Zero),
                1 => (Test::AtMostNonZero(threshold), way),
                2 => (Test::AtMost(threshold), way),
                _ => return None,
            }
        };
        splits.push(Split { feature: features[at], test, missing, left: child(left[at])?, right: child(right[at])? });
    }
    Some(splits)
}
