//! CatBoost: `CatBoostClassifier`, `CatBoostRegressor`, and files in its own binary form and in JSON.
//!
//! Flow: [`binary`] and [`json`] bring both forms to one [`Stored`]; [`ctr`] turns categories into the statistics of
//! their target; every tree asks for borders of numbers, equal categories and borders of statistics.
//!
//! Source: `catboost/libs/model` of CatBoost: its FlatBuffers schemas, `ctr_provider` and formula evaluator.

mod binary;
mod ctr;
mod json;

use std::collections::HashMap;

use assize_tables::{Cancel, MISSING};

use super::document::{self, Value};
use super::{Inputs, Library, Opened, city_hash};
use crate::explain::against::{self, Asking, Decides, Place};
use crate::explain::{Contributions, ExactMethod, ScoreKind};
use crate::pickle::Limits;
use crate::predictor::Error;
use crate::sklearn::data::{Cells, Data, Matrix};
use crate::sklearn::estimator::{Answer, Classify, Estimator, Regress, Rule, Said, Targets, of_class};
use crate::sklearn::label::Label;
use crate::sklearn::numeric::softmax;
use crate::sklearn::source::Source;
use ctr::Ctr;

const LIBRARY: Library = Library::CatBoost;

/// Inputs that a file may have.
const INPUTS_MAX: usize = 1 << 20;

/// Splits of a symmetric tree.
const DEPTH_MAX: usize = 24;

/// A number and the borders it is held against.
#[derive(Debug, Clone)]
struct Numeric {
    place: usize,
    name: String,
    borders: Vec<f32>,
    /// A missing number is above all borders rather than below.
    missing_above: bool,
}

/// A category, and the values (hashes) that trees ask for by themselves.
#[derive(Debug, Clone)]
struct Categorical {
    place: usize,
    name: String,
    values: Vec<i32>,
}

/// What a node of a tree asks.
#[derive(Debug, Clone, Copy)]
enum Ask {
    Above(usize, f32),
    Equal(usize, i32),
    Statistic(usize, f32),
}

#[derive(Debug, Clone)]
enum Tree {
    /// Each split sets one bit of the number of the leaf; where its leaves begin.
    Symmetric(Vec<Ask>, usize),
    /// Nodes, children after their parents.
    Free(Vec<Node>),
}

#[derive(Debug, Clone, Copy)]
enum Node {
    Split {
        ask: Ask,
        left: u32,
        right: u32,
    },
    /// Position of its first value.
    Leaf(usize),
}

/// A model in either form.
struct Stored {
    numeric: Vec<Numeric>,
    categorical: Vec<Categorical>,
    ctrs: Vec<Ctr>,
    trees: Vec<Tree>,
    values: Vec<f64>,
    dimension: usize,
    scale: f64,
    bias: Vec<f64>,
    /// `params` and `class_params` of the training, as documents.
    parameters: Option<Value>,
    classes: Option<Value>,
}

fn odd(what: &str) -> Error {
    LIBRARY.refuse(format!("{what} is not understood"))
}

impl Stored {
    /// What the numbered splits of the trees ask, in the order of the library: numbers, categories, statistics.
    fn asks(&self) -> Vec<Ask> {
        let numbers = self
            .numeric
            .iter()
            .enumerate()
            .flat_map(|(at, one)| one.borders.iter().map(move |border| Ask::Above(at, *border)));
        let equal = self
            .categorical
            .iter()
            .enumerate()
            .flat_map(|(at, one)| one.values.iter().map(move |value| Ask::Equal(at, *value)));
        let statistics = self
            .ctrs
            .iter()
            .enumerate()
            .flat_map(|(at, one)| one.borders.iter().map(move |border| Ask::Statistic(at, *border)));
        numbers.chain(equal).chain(statistics).collect()
    }

    fn check(&self) -> Result<(), Error> {
        let sound = |node: &Node, at: usize, nodes: usize| match node {
            Node::Leaf(first) => first.checked_add(self.dimension).is_some_and(|end| end <= self.values.len()),
            Node::Split { left, right, .. } => {
                [left, right].iter().all(|child| **child as usize > at && (**child as usize) < nodes)
            }
        };
        let whole = |tree: &Tree| match tree {
            Tree::Symmetric(asks, first) => {
                let leaves =
                    if asks.len() <= DEPTH_MAX { (1_usize << asks.len()).checked_mul(self.dimension) } else { None };
                leaves.and_then(|leaves| first.checked_add(leaves)).is_some_and(|end| end <= self.values.len())
            }
            Tree::Free(nodes) => {
                !nodes.is_empty() && nodes.iter().enumerate().all(|(at, node)| sound(node, at, nodes.len()))
            }
        };
        let finite = self.values.iter().chain(&self.bias).chain([&self.scale]).all(|value| value.is_finite());
        if self.dimension == 0 || self.bias.len() != self.dimension || !finite || !self.trees.iter().all(whole) {
            return Err(LIBRARY.refuse("the trees do not fit their values"));
        }
        let places = self.numeric.iter().map(|one| one.place).chain(self.categorical.iter().map(|one| one.place));
        let mut seen = std::collections::BTreeSet::new();
        if places.into_iter().any(|place| place >= INPUTS_MAX || !seen.insert(place)) {
            return Err(odd("the order of its inputs"));
        }
        self.ctrs.iter().try_for_each(|ctr| ctr.check(self.categorical.len()))
    }

    fn inputs(&self) -> Inputs {
        let named: HashMap<usize, &str> = self
            .numeric
            .iter()
            .map(|one| (one.place, one.name.as_str()))
            .chain(self.categorical.iter().map(|one| (one.place, one.name.as_str())))
            .collect();
        let count = named.keys().max().map_or(0, |last| last + 1);
        let names: Option<Vec<String>> = (0..count).map(|at| named.get(&at).map(|name| (*name).to_owned())).collect();
        let are_names = |names: &Vec<String>| {
            names.iter().enumerate().any(|(at, name)| !name.is_empty() && *name != at.to_string())
        };
        let complete = |names: &Vec<String>| names.iter().all(|name| !name.is_empty());
        Inputs { count, names: names.filter(|names| are_names(names) && complete(names)) }
    }
}

/// What turns a score into an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Link {
    Identity,
    Logistic,
    Softmax,
    /// Each score by itself.
    OneVersusAll,
    Exponential,
}

struct Model {
    stored: Stored,
    inputs: Inputs,
    link: Link,
}

/// One block of rows in the terms of the model.
struct Rows {
    count: usize,
    /// One list for each numeric input.
    numbers: Vec<Vec<f32>>,
    /// One list for each categorical input.
    hashes: Vec<Vec<i32>>,
    /// One list for each statistic.
    statistics: Vec<Vec<f32>>,
}

impl Rows {
    fn says(&self, ask: Ask, row: usize) -> bool {
        match ask {
            Ask::Above(at, border) => self.numbers[at][row] > border,
            Ask::Equal(at, value) => self.hashes[at][row] == value,
            Ask::Statistic(at, border) => self.statistics[at][row] > border,
        }
    }
}

impl Model {
    fn rows(&self, data: &Data) -> Result<Rows, Error> {
        data.check_width(self.inputs.count)?;
        let columns = data.clone().into_columns();
        let numbers: Result<Vec<Vec<f32>>, Error> =
            self.stored.numeric.iter().map(|one| numbers(&columns[one.place], one)).collect();
        let hashes: Result<Vec<Vec<i32>>, Error> =
            self.stored.categorical.iter().map(|one| hashes(&columns[one.place], one.place)).collect();
        let hashes = hashes?;
        let statistics = self.stored.ctrs.iter().map(|ctr| ctr.of(&hashes, data.rows())).collect();
        Ok(Rows { count: data.rows(), numbers: numbers?, hashes, statistics })
    }

    /// Scores before the link.
    fn scores(&self, data: &Data, cancel: &Cancel) -> Result<Matrix, Error> {
        let rows = self.rows(data)?;
        let stored = &self.stored;
        let mut scores = Matrix::zeros(rows.count, stored.dimension);
        for tree in &stored.trees {
            cancel.check()?;
            for (row, scores) in scores.values.chunks_exact_mut(stored.dimension).enumerate() {
                let first = match tree {
                    Tree::Symmetric(asks, first) => {
                        let bit = |(level, ask): (usize, &Ask)| usize::from(rows.says(*ask, row)) << level;
                        first + asks.iter().enumerate().map(bit).sum::<usize>() * stored.dimension
                    }
                    Tree::Free(nodes) => leaf(nodes, &rows, row),
                };
                let values = &stored.values[first..first + stored.dimension];
                scores.iter_mut().zip(values).for_each(|(score, value)| *score += value);
            }
        }
        for scores in scores.values.chunks_exact_mut(stored.dimension) {
            scores.iter_mut().zip(&stored.bias).for_each(|(score, bias)| *score = stored.scale * *score + bias);
        }
        Ok(scores)
    }

    fn linked(&self, mut scores: Matrix) -> Matrix {
        let logistic = |score: &mut f64| *score = 1.0 / (1.0 + libm::exp(-*score));
        match self.link {
            Link::Identity => {}
            Link::Logistic | Link::OneVersusAll => scores.values.iter_mut().for_each(logistic),
            Link::Exponential => scores.values.iter_mut().for_each(|score| *score = libm::exp(*score)),
            Link::Softmax => scores.values.chunks_exact_mut(scores.columns).for_each(softmax),
        }
        scores
    }
}

/// A tree with the rows that it is asked about. A place in a symmetric tree is its number in a complete one whose root
/// is 1, in a free one its position.
struct Asked<'a> {
    stored: &'a Stored,
    tree: &'a Tree,
    rows: &'a Rows,
    /// Input that each number, category and statistic is made of.
    made_of: &'a MadeOf,
    /// Which score.
    group: usize,
}

/// Places of the inputs behind what a tree asks.
struct MadeOf {
    numbers: Vec<u32>,
    categories: Vec<u32>,
    statistics: Vec<u32>,
}

impl MadeOf {
    /// `None` when a statistic that a tree asks is made of several inputs.
    fn read(stored: &Stored) -> Option<Self> {
        let place = |place: usize| u32::try_from(place).ok();
        let categories: Vec<u32> = stored.categorical.iter().map(|one| place(one.place)).collect::<Option<_>>()?;
        let of_ctr = |ctr: &Ctr| ctr.only_input().map(|at| categories[at]);
        Some(Self {
            numbers: stored.numeric.iter().map(|one| place(one.place)).collect::<Option<_>>()?,
            statistics: stored.ctrs.iter().map(of_ctr).collect::<Option<_>>()?,
            categories,
        })
    }

    fn of(&self, ask: Ask) -> u32 {
        match ask {
            Ask::Above(at, _) => self.numbers[at],
            Ask::Equal(at, _) => self.categories[at],
            Ask::Statistic(at, _) => self.statistics[at],
        }
    }
}

impl Asked<'_> {
    fn value(&self, first: usize) -> f64 {
        self.stored.values[first + self.group]
    }
}

impl Decides for Asked<'_> {
    fn root(&self) -> u32 {
        match self.tree {
            Tree::Symmetric(..) => 1,
            Tree::Free(_) => 0,
        }
    }

    fn at(&self, place: u32) -> Place {
        match self.tree {
            Tree::Symmetric(asks, first) => {
                let level = place.ilog2() as usize;
                match asks.get(level) {
                    Some(ask) => Place::Test { feature: self.made_of.of(*ask), left: 2 * place, right: 2 * place + 1 },
                    None => {
                        // The first answer is the lowest bit of the leaf's number and the highest of the place.
                        let answers = place - (1 << level);
                        let bit = |at: usize| ((answers >> (level - 1 - at) & 1) as usize) << at;
                        let leaf: usize = (0..level).map(bit).sum();
                        Place::Leaf(self.value(first + leaf * self.stored.dimension))
                    }
                }
            }
            Tree::Free(nodes) => match nodes[place as usize] {
                Node::Leaf(first) => Place::Leaf(self.value(first)),
                Node::Split { ask, left, right } => Place::Test { feature: self.made_of.of(ask), left, right },
            },
        }
    }

    fn is_right(&self, place: u32, row: usize) -> bool {
        let ask = match self.tree {
            Tree::Symmetric(asks, _) => asks[place.ilog2() as usize],
            Tree::Free(nodes) => match nodes[place as usize] {
                Node::Split { ask, .. } => ask,
                Node::Leaf(_) => return false,
            },
        };
        self.rows.says(ask, row)
    }
}

fn leaf(nodes: &[Node], rows: &Rows, row: usize) -> usize {
    let mut at = 0;
    loop {
        match nodes[at] {
            Node::Leaf(first) => return first,
            Node::Split { ask, left, right } => at = if rows.says(ask, row) { right } else { left } as usize,
        }
    }
}

fn numbers(cells: &Cells, one: &Numeric) -> Result<Vec<f32>, Error> {
    let missing = if one.missing_above { f32::INFINITY } else { f32::NEG_INFINITY };
    let single = |value: f64| if value.is_nan() { missing } else { value as f32 };
    match cells {
        Cells::Numbers(values) => Ok(values.iter().map(|value| single(*value)).collect()),
        Cells::Texts { codes, .. } if codes.iter().all(|code| *code == MISSING) => Ok(vec![missing; codes.len()]),
        Cells::Texts { .. } => {
            Err(Error::Input { expected: format!("numbers in column {}", one.place + 1), found: "texts".to_owned() })
        }
    }
}

/// Categories by the hash of their text; whole numbers are texts without a point.
fn hashes(cells: &Cells, place: usize) -> Result<Vec<i32>, Error> {
    let refused = |found: &str| Error::Input {
        expected: format!("a text or a whole number in every cell of column {}", place + 1),
        found: found.to_owned(),
    };
    let of = |text: &str| city_hash::hash(text.as_bytes()) as u32 as i32;
    match cells {
        Cells::Numbers(values) => values
            .iter()
            .map(|value| match value {
                value if value.fract() == 0.0 && value.abs() < 9e15 => Ok(of(&(*value as i64).to_string())),
                _ => Err(refused("a fraction or a missing value")),
            })
            .collect(),
        Cells::Texts { codes, levels } => {
            let levels: Vec<i32> = levels.iter().map(|level| of(level)).collect();
            let code = |code: &u32| levels.get(*code as usize).copied().ok_or_else(|| refused("a missing value"));
            codes.iter().map(code).collect()
        }
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
        Rule::Decision
    }

    fn has_probabilities(&self) -> bool {
        true
    }

    fn has_decision(&self) -> bool {
        false
    }

    fn inputs(&self) -> Option<Inputs> {
        Some(self.model.inputs.clone())
    }

    fn probabilities(&self, data: &Data, cancel: &Cancel) -> Result<Matrix, Error> {
        let linked = self.model.linked(self.model.scores(data, cancel)?);
        if linked.columns > 1 {
            return Ok(linked);
        }
        Ok(linked.map_rows(2, |row, out| out.copy_from_slice(&[1.0 - row[0], row[0]])))
    }

    fn contributions(
        &self,
        data: &Data,
        asking: Asking<'_>,
        class: usize,
        cancel: &Cancel,
    ) -> Result<Option<Contributions>, Error> {
        let (model, stored) = (&self.model, &self.model.stored);
        let Some(made_of) = MadeOf::read(stored) else { return Ok(None) };
        let rows = model.rows(data)?;
        let (group, sign, kind) = of_class(stored.dimension, class);
        let score = if model.link == Link::OneVersusAll { ScoreKind::LogOdds } else { kind };
        let asked = |tree| Asked { stored, tree, rows: &rows, made_of: &made_of, group };
        let trees: Vec<(Asked<'_>, f64)> = stored.trees.iter().map(|tree| (asked(tree), sign * stored.scale)).collect();
        let found = against::trees(&trees, sign * stored.bias[group], asking, cancel)?;
        Ok(found.map(|attributions| Contributions { method: ExactMethod::Trees, score, attributions }))
    }

    fn labels(&self, data: &Data, cancel: &Cancel) -> Result<Vec<u32>, Error> {
        Ok(crate::sklearn::estimator::labels_from_decision(&self.model.scores(data, cancel)?))
    }

    fn answer(&self, data: &Data, cancel: &Cancel) -> Result<Answer, Error> {
        let labels = self.labels(data, cancel)?;
        Ok(Answer { labels, probabilities: Some(self.probabilities(data, cancel)?) })
    }
}

struct Regressor(Model);

impl Regress for Regressor {
    fn inputs(&self) -> Option<Inputs> {
        Some(self.0.inputs.clone())
    }

    fn values(&self, data: &Data, cancel: &Cancel) -> Result<Vec<f64>, Error> {
        Ok(self.0.linked(self.0.scores(data, cancel)?).values)
    }
}

/// Several targets, each with values of its own in every leaf; labels are there or not.
struct SeveralTargets {
    model: Model,
    classifies: bool,
}

const LABELS: [Label; 2] = [Label::Int(0), Label::Int(1)];

impl Targets for SeveralTargets {
    fn classes(&self) -> Vec<&[Label]> {
        vec![if self.classifies { &LABELS } else { &[] }; self.model.stored.dimension]
    }

    fn inputs(&self) -> Option<Inputs> {
        Some(self.model.inputs.clone())
    }

    fn answers(&self, data: &Data, cancel: &Cancel) -> Result<Vec<Said>, Error> {
        let scores = self.model.scores(data, cancel)?;
        let linked = self.model.linked(scores.clone());
        let of = |target: usize| {
            let values = linked.column(target);
            if !self.classifies {
                return Said::Values(values);
            }
            let labels = scores.column(target).iter().map(|score| u32::from(*score > 0.0)).collect();
            let both = values.iter().flat_map(|value| [1.0 - value, *value]);
            Said::Classes(Answer { labels, probabilities: Some(Matrix::new(values.len(), 2, both.collect())) })
        };
        Ok((0..linked.columns).map(of).collect())
    }
}

/// A file of its own.
pub(super) fn file(bytes: &[u8], limits: &Limits) -> Result<Opened, Error> {
    let (stored, form) = if bytes.starts_with(b"CBM1") {
        (binary::read(bytes, limits)?, "binary")
    } else {
        (json::read(&document::read(LIBRARY, bytes, limits)?)?, "JSON")
    };
    let inputs = stored.inputs();
    Ok(Opened { estimator: estimator(stored, None)?, inputs, description: format!("CatBoost, {form} form") })
}

/// A pickled wrapper, which holds the binary form.
pub(super) fn wrapper(source: &Source<'_>) -> Result<Estimator, Error> {
    let bytes =
        source.attribute("__model")?.bytes().ok_or_else(|| source.refuse("its model is not stored as bytes"))?;
    let stored = binary::read(&bytes, source.limits())?;
    let name = source.view().class().map_or("", |class| class.name.as_ref());
    estimator(stored, Some(name == "CatBoostClassifier"))
}

fn estimator(stored: Stored, classifies: Option<bool>) -> Result<Estimator, Error> {
    stored.check()?;
    let loss = stored
        .parameters
        .as_ref()
        .and_then(|parameters| parameters.at(&["loss_function", "type"]))
        .and_then(Value::text);
    let loss = loss.ok_or_else(|| odd("the loss of its training"))?;
    let link = match loss {
        "Logloss" | "CrossEntropy" => Link::Logistic,
        "MultiClass" => Link::Softmax,
        "MultiClassOneVsAll" => Link::OneVersusAll,
        "MultiLogloss" | "MultiCrossEntropy" => Link::OneVersusAll,
        "MultiRMSE" => Link::Identity,
        "RMSE" | "MAE" | "Quantile" | "MAPE" | "Huber" | "LogCosh" | "Lq" | "Expectile" => Link::Identity,
        "Poisson" | "Tweedie" => Link::Exponential,
        other => return Err(LIBRARY.refuse(format!("the loss {other:?} is not evaluated"))),
    };
    let (inputs, dimension) = (stored.inputs(), stored.dimension);
    let is_classifier = !matches!(link, Link::Identity | Link::Exponential);
    let targets = matches!(loss, "MultiLogloss" | "MultiCrossEntropy" | "MultiRMSE");
    let several = targets || matches!(link, Link::Softmax | Link::OneVersusAll);
    if classifies.is_some_and(|classifies| classifies != is_classifier) || several != (dimension > 1) {
        return Err(odd("a loss that does not fit its scores"));
    }
    if targets {
        let model = Model { stored, inputs, link };
        return Ok(Estimator::Several(Box::new(SeveralTargets { model, classifies: is_classifier })));
    }
    let classes = classes(&stored, dimension)?;
    let model = Model { stored, inputs, link };
    if !is_classifier {
        return Ok(Estimator::Regressor(Box::new(Regressor(model))));
    }
    Ok(Estimator::Classifier(Box::new(Classifier { classes, model })))
}

fn classes(stored: &Stored, dimension: usize) -> Result<Vec<Label>, Error> {
    let count = dimension.max(2);
    let numbered = || (0..count as i64).map(Label::Int).collect::<Vec<Label>>();
    let Some(names) = stored.classes.as_ref().and_then(|classes| classes.get("class_names")) else {
        return Ok(numbered());
    };
    let kind = stored.classes.as_ref().and_then(|classes| classes.get("class_label_type")).and_then(Value::text);
    let labels: Option<Vec<Label>> = match (kind, names) {
        (Some("Integer"), names) => {
            names.numbers().map(|all| all.into_iter().map(|value| Label::Int(value as i64)).collect())
        }
        (Some("Float"), names) => names.numbers().map(|all| all.into_iter().map(Label::Float).collect()),
        (Some("String"), names) => names.texts().map(|all| all.into_iter().map(Label::Text).collect()),
        _ => None,
    };
    match labels.ok_or_else(|| odd("the classes"))? {
        labels if labels.is_empty() => Ok(numbered()),
        labels if labels.len() == count => Ok(labels),
        _ => Err(odd("the number of its classes")),
    }
}
