//! XGBoost: `XGBClassifier`, `XGBRegressor` and their random forests, and files in JSON and UBJSON.
//!
//! Source: the model schema of XGBoost (`doc/model.schema`) and its CPU predictor. All sums are float32, from the base
//! score on, in the order of the trees; texts find their category by the names stored since 3.1.

mod nodes;

use std::borrow::Cow;

use assize_tables::Cancel;

use super::document::{self, Value};
use super::tree::{Asked as AskedGeneral, Tree as General};
use super::{Inputs, Library, Opened, Unseen, coded, single};
use crate::explain::against::{self, Asking, Decides, Place};
use crate::explain::{Contributions, ExactMethod, ScoreKind};
use crate::pickle::Limits;
use crate::predictor::Error;
use crate::sklearn::category::Categories;
use crate::sklearn::data::{Data, Matrix};
use crate::sklearn::estimator::{Answer, Classify, Estimator, Regress, Rule, Said, Targets, of_class};
use crate::sklearn::label::Label;
use crate::sklearn::source::Source;
use crate::sklearn::tree::{Asked as AskedFast, Inputs as Rows, Tree as Fast};
use nodes::{Arrays, broken, leaf_size, tree_of};

const LIBRARY: Library = Library::XGBoost;

/// Added below the fraction of the logistic function, as there; too small for a float32 to notice beside one.
const SIGMOID_EPSILON: f32 = 1e-16;

/// Categories are numbered below it (`kMaxCat`, of which float32 holds every one).
const CATEGORIES_MAX: f64 = 16_777_216.0;

/// Targets of a model.
const TARGETS_MAX: usize = 1024;

/// Largest exponent of the logistic function.
const SIGMOID_EXPONENT_MAX: f32 = 88.7;

enum Kind {
    Fast(Fast),
    General(General, Vec<f64>),
}

/// What turns a score into an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Link {
    Identity,
    Logistic,
    /// Scores stay, and above one half is the second class.
    LogisticRaw,
    Hinge,
    Exponential,
    Softmax,
}

impl Link {
    fn read(objective: &str) -> Result<Self, Error> {
        Ok(match objective {
            "reg:squarederror"
            | "reg:linear"
            | "reg:squaredlogerror"
            | "reg:absoluteerror"
            | "reg:quantileerror"
            | "reg:pseudohubererror" => Self::Identity,
            "binary:logistic" | "reg:logistic" => Self::Logistic,
            "binary:logitraw" => Self::LogisticRaw,
            "binary:hinge" => Self::Hinge,
            "count:poisson" | "reg:gamma" | "reg:tweedie" => Self::Exponential,
            "multi:softprob" => Self::Softmax,
            // Its wrapper makes probabilities by numpy's float32 powers, which differ from one processor to another.
            other => return Err(LIBRARY.refuse(format!("the objective {other:?} is not evaluated"))),
        })
    }

    /// The base score as the trees add to it.
    fn base(self, value: f32) -> f32 {
        match self {
            Self::Logistic => -(libm::log(f64::from(1.0 / value - 1.0)) as f32),
            Self::Exponential => libm::log(f64::from(value)) as f32,
            _ => value,
        }
    }

    fn apply(self, scores: &mut [f32]) {
        match self {
            Self::Identity | Self::LogisticRaw => {}
            Self::Logistic => scores.iter_mut().for_each(|score| {
                *score = 1.0 / (single::exp((-*score).min(SIGMOID_EXPONENT_MAX)) + 1.0 + SIGMOID_EPSILON);
            }),
            Self::Hinge => scores.iter_mut().for_each(|score| *score = f32::from(u8::from(*score > 0.0))),
            Self::Exponential => scores.iter_mut().for_each(|score| *score = single::exp(*score)),
            Self::Softmax => {
                let largest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                let mut sum = 0.0_f64;
                for score in scores.iter_mut() {
                    *score = single::exp(*score - largest);
                    sum += f64::from(*score);
                }
                scores.iter_mut().for_each(|score| *score /= sum as f32);
            }
        }
    }
}

enum Booster {
    /// Tree, the score it adds to, and the weight that dropping has left it.
    Trees(Vec<(Kind, usize, Option<f32>)>),
    /// Coefficients for each input and score, and the intercepts.
    Linear(Vec<f32>, Vec<f32>),
}

struct Model {
    inputs: Inputs,
    categories: Vec<Option<Categories>>,
    /// A value that counts as missing beside NaN.
    missing: Option<f32>,
    groups: usize,
    base: Vec<f32>,
    /// Whether trees of which some were dropped are asked with the base score.
    based: bool,
    link: Link,
    booster: Booster,
}

/// A tree of either form with the rows that it is asked about.
enum Asked<'a, V> {
    Fast(AskedFast<'a>),
    General(AskedGeneral<'a, V>),
}

impl<V: Fn(usize) -> f64 + Sync> Decides for Asked<'_, V> {
    fn root(&self) -> u32 {
        match self {
            Self::Fast(tree) => tree.root(),
            Self::General(tree) => tree.root(),
        }
    }

    fn at(&self, place: u32) -> Place {
        match self {
            Self::Fast(tree) => tree.at(place),
            Self::General(tree) => tree.at(place),
        }
    }

    fn is_right(&self, place: u32, row: usize) -> bool {
        match self {
            Self::Fast(tree) => tree.is_right(place, row),
            Self::General(tree) => tree.is_right(place, row),
        }
    }
}

impl Model {
    /// The rows as the trees compare them.
    fn input(&self, data: &Data) -> Result<Matrix, Error> {
        let mut input = coded(data, &self.categories, Unseen::Refused)?;
        if let Some(missing) = self.missing {
            input.values.iter_mut().filter(|value| **value as f32 == missing).for_each(|value| *value = f64::NAN);
        }
        Ok(input)
    }

    /// The parts of the score of a class before the link, which the library sums in float32.
    fn contributions(
        &self,
        data: &Data,
        asking: Asking<'_>,
        class: usize,
        cancel: &Cancel,
    ) -> Result<Option<Contributions>, Error> {
        let input = self.input(data)?;
        let (group, sign, kind) = of_class(self.groups, class);
        let score = if self.link == Link::Logistic { kind } else { ScoreKind::Raw };
        let offset = sign * f64::from(self.base[group]);
        let stored = match &self.booster {
            Booster::Trees(trees) => trees,
            Booster::Linear(weights, intercepts) => {
                let weights: Vec<f64> =
                    weights.iter().skip(group).step_by(self.groups).map(|weight| sign * f64::from(*weight)).collect();
                let input = input.map_rows(input.columns, |row, out| {
                    let cells = row.iter().map(|value| if value.is_nan() { 0.0 } else { f64::from(*value as f32) });
                    out.iter_mut().zip(cells).for_each(|(out, cell)| *out = cell);
                });
                let intercept = offset + sign * f64::from(intercepts[group]);
                let found = against::linear(&weights, intercept, &input.values, asking);
                let method = ExactMethod::Linear;
                return Ok(found.map(|attributions| Contributions { method, score, attributions }));
            }
        };
        let data = Data::Matrix(input);
        let rows = Rows::new(&data, self.inputs.count, true)?;
        let single = data.matrix(self.inputs.count)?.map_rows(self.inputs.count, |row, out| {
            out.iter_mut().zip(row).for_each(|(out, value)| *out = f64::from(*value as f32));
        });
        let of_group = stored.iter().filter(|(_, of, _)| *of == group);
        let trees: Vec<_> = of_group
            .map(|(kind, _, weight)| {
                let asked = match kind {
                    Kind::Fast(tree) => Asked::Fast(tree.asked(&rows, 0)),
                    Kind::General(tree, values) => {
                        let value = move |leaf: usize| f64::from(values[leaf] as f32);
                        Asked::General(AskedGeneral { tree, input: &single, value })
                    }
                };
                (asked, sign * weight.map_or(1.0, f64::from))
            })
            .collect();
        let found = against::trees(&trees, offset, asking, cancel)?;
        Ok(found.map(|attributions| Contributions { method: ExactMethod::Trees, score, attributions }))
    }

    /// Scores after the link, `rows x groups`.
    fn answers(&self, data: &Data, cancel: &Cancel) -> Result<Vec<f32>, Error> {
        let input = self.input(data)?;
        let mut scores = self.base.repeat(input.rows);
        let data = Data::Matrix(input);
        let rows = Rows::new(&data, self.inputs.count, true)?;
        match &self.booster {
            Booster::Trees(trees) => self.add_trees(trees, &data, &rows, &mut scores, cancel)?,
            Booster::Linear(weights, intercepts) => {
                let input = data.matrix(self.inputs.count)?;
                for (row, scores) in input.iter().zip(scores.chunks_exact_mut(self.groups)) {
                    for (group, score) in scores.iter_mut().enumerate() {
                        *score += intercepts[group];
                        for (value, weights) in row.iter().zip(weights.chunks_exact(self.groups)) {
                            if !value.is_nan() {
                                *score += *value as f32 * weights[group];
                            }
                        }
                    }
                }
            }
        }
        scores.chunks_exact_mut(self.groups).for_each(|scores| self.link.apply(scores));
        Ok(scores)
    }

    fn add_trees(
        &self,
        trees: &[(Kind, usize, Option<f32>)],
        data: &Data,
        rows: &Rows,
        scores: &mut [f32],
        cancel: &Cancel,
    ) -> Result<(), Error> {
        let general = trees.iter().any(|(kind, ..)| matches!(kind, Kind::General(..)));
        let single: Cow<'_, Matrix> = match general {
            true => Cow::Owned(data.matrix(self.inputs.count)?.map_rows(self.inputs.count, |row, out| {
                out.iter_mut().zip(row).for_each(|(out, value)| *out = f64::from(*value as f32));
            })),
            false => data.matrix(self.inputs.count)?,
        };
        let mut leaves = Vec::new();
        for (kind, group, weight) in trees {
            cancel.check()?;
            let mut add = |row: usize, value: f64| {
                let value = value as f32;
                let score = &mut scores[row * self.groups + group];
                *score += match weight {
                    None => value,
                    // Since 2.0 a dropped tree is asked with the base score, which is taken off again.
                    Some(weight) if self.based => ((self.base[*group] + value) - self.base[*group]) * weight,
                    Some(weight) => value * weight,
                };
            };
            match kind {
                Kind::Fast(tree) => tree.visit(rows, &mut leaves, |row, leaf| add(row, leaf[0])),
                Kind::General(tree, values) => {
                    single.iter().enumerate().for_each(|(row, cells)| add(row, values[tree.find(cells)]));
                }
            }
        }
        Ok(())
    }
}

struct Classifier {
    classes: Vec<Label>,
    model: Model,
}

impl Classifier {
    fn probabilities_of(&self, answers: &[f32], rows: usize) -> Matrix {
        if self.model.groups > 1 {
            return Matrix::new(rows, self.model.groups, answers.iter().map(|value| f64::from(*value)).collect());
        }
        let both = answers.iter().flat_map(|value| [f64::from(1.0 - value), f64::from(*value)]);
        Matrix::new(rows, 2, both.collect())
    }

    fn labelled(&self, answers: &[f32], rows: usize) -> Vec<u32> {
        if self.model.groups > 1 {
            return self.probabilities_of(answers, rows).argmax();
        }
        answers.iter().map(|value| u32::from(*value > 0.5)).collect()
    }
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

    fn is_single_precision(&self) -> bool {
        true
    }

    fn inputs(&self) -> Option<Inputs> {
        Some(self.model.inputs.clone())
    }

    fn probabilities(&self, data: &Data, cancel: &Cancel) -> Result<Matrix, Error> {
        Ok(self.probabilities_of(&self.model.answers(data, cancel)?, data.rows()))
    }

    fn labels(&self, data: &Data, cancel: &Cancel) -> Result<Vec<u32>, Error> {
        Ok(self.labelled(&self.model.answers(data, cancel)?, data.rows()))
    }

    fn contributions(
        &self,
        data: &Data,
        asking: Asking<'_>,
        class: usize,
        cancel: &Cancel,
    ) -> Result<Option<Contributions>, Error> {
        self.model.contributions(data, asking, class, cancel)
    }

    fn answer(&self, data: &Data, cancel: &Cancel) -> Result<Answer, Error> {
        let answers = self.model.answers(data, cancel)?;
        let labels = self.labelled(&answers, data.rows());
        Ok(Answer { labels, probabilities: Some(self.probabilities_of(&answers, data.rows())) })
    }
}

struct Regressor(Model);

impl Regress for Regressor {
    fn inputs(&self) -> Option<Inputs> {
        Some(self.0.inputs.clone())
    }

    fn is_single_precision(&self) -> bool {
        true
    }

    fn values(&self, data: &Data, cancel: &Cancel) -> Result<Vec<f64>, Error> {
        Ok(self.0.answers(data, cancel)?.into_iter().map(f64::from).collect())
    }
}

/// Several targets, each with trees of its own; labels are there or not.
struct SeveralTargets {
    model: Model,
    classifies: bool,
}

const LABELS: [Label; 2] = [Label::Int(0), Label::Int(1)];

impl Targets for SeveralTargets {
    fn classes(&self) -> Vec<&[Label]> {
        vec![if self.classifies { &LABELS } else { &[] }; self.model.groups]
    }

    fn inputs(&self) -> Option<Inputs> {
        Some(self.model.inputs.clone())
    }

    fn answers(&self, data: &Data, cancel: &Cancel) -> Result<Vec<Said>, Error> {
        let all = self.model.answers(data, cancel)?;
        let groups = self.model.groups;
        let of = |target: usize| {
            let values: Vec<f32> = all.iter().skip(target).step_by(groups).copied().collect();
            if !self.classifies {
                return Said::Values(values.into_iter().map(f64::from).collect());
            }
            let labels = values.iter().map(|value| u32::from(*value > 0.5)).collect();
            let both = values.iter().flat_map(|value| [f64::from(1.0 - value), f64::from(*value)]);
            Said::Classes(Answer { labels, probabilities: Some(Matrix::new(values.len(), 2, both.collect())) })
        };
        Ok((0..groups).map(of).collect())
    }
}

/// What a wrapper adds to its booster.
#[derive(Clone, Copy, Default)]
struct Wrapped {
    missing: Option<f32>,
    /// Whether the wrapper says that it classifies; a file says so itself.
    classifies: Option<bool>,
}

fn odd(what: &str) -> Error {
    LIBRARY.refuse(format!("{what} is not understood"))
}

/// A file of its own.
pub(super) fn file(bytes: &[u8], limits: &Limits) -> Result<Opened, Error> {
    let document = document::read(LIBRARY, bytes, limits)?;
    let version = document.get("version").and_then(Value::numbers).unwrap_or_default();
    let version = version.iter().map(ToString::to_string).collect::<Vec<String>>().join(".");
    let estimator = estimator(&document, Wrapped::default())?;
    let inputs = match &estimator {
        Estimator::Classifier(classifier) => classifier.inputs(),
        Estimator::Regressor(regressor) => regressor.inputs(),
        Estimator::Several(several) => several.inputs(),
        Estimator::Transformer(_) => None,
    };
    let inputs = inputs.ok_or_else(|| odd("the number of its inputs"))?;
    Ok(Opened { estimator, inputs, description: format!("XGBoost {version}") })
}

/// A pickled wrapper: the booster is serialised within.
pub(super) fn wrapper(source: &Source<'_>) -> Result<Estimator, Error> {
    let booster = source.child("_Booster")?;
    if !booster.view().class().is_some_and(|class| class.is("xgboost.core", "Booster")) {
        return Err(source.refuse("its booster is not one"));
    }
    let bytes =
        booster.attribute("handle")?.bytes().ok_or_else(|| source.refuse("its booster is not stored as bytes"))?;
    let document = document::read(LIBRARY, &bytes, source.limits())?;
    let document = document.get("Model").unwrap_or(&document);
    // Before 1.6 it encoded labels itself.
    let numbered = match source.has("classes_") {
        true => source.classes(2)?.iter().enumerate().all(|(at, class)| *class == Label::Int(at as i64)),
        false => true,
    };
    if source.has("_le") || !numbered {
        return Err(source.refuse("labels that are not 0, 1, ... are not evaluated"));
    }
    let missing = source.view().attribute("missing").and_then(|missing| missing.number());
    let name = source.view().class().map_or("", |class| class.name.as_ref());
    let wrapped = Wrapped {
        missing: missing.filter(|missing| !missing.is_nan()).map(|missing| missing as f32),
        classifies: Some(name.ends_with("Classifier")),
    };
    estimator(document, wrapped)
}

fn estimator(document: &Value, wrapped: Wrapped) -> Result<Estimator, Error> {
    let learner = document.get("learner").ok_or_else(|| odd("a model without a learner"))?;
    let parameter = |name: &str| learner.at(&["learner_model_param", name]).and_then(Value::parameter);
    let size = |name: &str| parameter(name).filter(|value| (0.0..1e6).contains(value)).map(|value| value as usize);
    let count = size("num_feature").filter(|count| *count > 0).ok_or_else(|| odd("the number of its inputs"))?;
    let classes = size("num_class").unwrap_or(0);
    let targets = size("num_target").unwrap_or(1).max(1);
    if targets > TARGETS_MAX || (targets > 1 && classes > 1) {
        return Err(LIBRARY.refuse("so many targets are not evaluated"));
    }
    let objective = learner.at(&["objective", "name"]).and_then(Value::text).ok_or_else(|| odd("its objective"))?;
    let link = Link::read(objective)?;
    if (link == Link::Softmax) != (classes > 1) {
        return Err(odd("a number of classes that does not fit its objective"));
    }
    let groups = classes.max(targets);
    let base = base(learner, groups)?.into_iter().map(|value| link.base(value)).collect::<Vec<f32>>();
    if base.iter().any(|value| !value.is_finite()) {
        return Err(odd("its base score"));
    }
    let says = learner.at(&["attributes", "scikit_learn"]).and_then(Value::text).unwrap_or_default();
    let discrete = matches!(link, Link::Hinge | Link::LogisticRaw | Link::Softmax) || objective == "binary:logistic";
    let classifies = wrapped.classifies.unwrap_or(discrete && !says.contains("regressor"));
    let booster =
        booster(learner, &Shape { count, groups, by_wrapper: wrapped.classifies.is_some() || !says.is_empty() })?;
    let inputs = Inputs { count, names: names(learner, count)? };
    let categories = categories(learner, count)?;
    let major = document.get("version").and_then(Value::numbers).and_then(|version| version.first().copied());
    let based = major.ok_or_else(|| odd("a model without a version"))? >= 2.0;
    let missing = wrapped.missing.or_else(|| stored_missing(says));
    // Which of several base scores a linear booster adds to which score was not compared.
    if matches!(booster, Booster::Linear(..)) && base.windows(2).any(|pair| pair[0] != pair[1]) {
        return Err(LIBRARY.refuse("gblinear with a base score for each of several scores is not evaluated"));
    }
    let model = Model { inputs, categories, missing, groups, base, based, link, booster };
    if targets > 1 {
        // A hinge of several labels, and raw margins of them, were not compared.
        if classifies && link != Link::Logistic {
            return Err(LIBRARY.refuse(format!("a classifier of several labels by {objective:?} is not evaluated")));
        }
        return Ok(Estimator::Several(Box::new(SeveralTargets { model, classifies })));
    }
    if !classifies {
        if groups > 1 {
            return Err(LIBRARY.refuse("a regressor of several scores is not evaluated"));
        }
        return Ok(Estimator::Regressor(Box::new(Regressor(model))));
    }
    if matches!(link, Link::Identity | Link::Exponential) {
        return Err(LIBRARY.refuse(format!("a classifier of the objective {objective:?} is not evaluated")));
    }
    let classes = (0..groups.max(2) as i64).map(Label::Int).collect();
    Ok(Estimator::Classifier(Box::new(Classifier { classes, model })))
}

/// Up to 1.7 a file repeats the parameters of its wrapper, of which one says what is missing.
fn stored_missing(says: &str) -> Option<f32> {
    let stored = document::read(LIBRARY, says.as_bytes(), &Limits::default()).ok()?;
    stored.get("missing").and_then(Value::number).filter(|missing| !missing.is_nan()).map(|missing| missing as f32)
}

/// `base_score`: one number for all scores, or since 3.1 one for each in brackets.
fn base(learner: &Value, groups: usize) -> Result<Vec<f32>, Error> {
    let text = learner
        .at(&["learner_model_param", "base_score"])
        .and_then(Value::text)
        .ok_or_else(|| odd("its base score"))?;
    let inner = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let values: Option<Vec<f32>> = inner.split(',').map(|part| part.trim().parse().ok()).collect();
    match values.ok_or_else(|| odd("its base score"))? {
        one if one.len() == 1 => Ok(one.repeat(groups)),
        all if all.len() == groups => Ok(all),
        _ => Err(odd("its base score")),
    }
}

fn names(learner: &Value, count: usize) -> Result<Option<Vec<String>>, Error> {
    match learner.get("feature_names").and_then(Value::texts) {
        Some(names) if names.is_empty() => Ok(None),
        Some(names) if names.len() == count => Ok(Some(names)),
        None if learner.get("feature_names").is_none() => Ok(None),
        _ => Err(odd("the names of its inputs")),
    }
}

/// Categories by input: texts since 3.1; without them only their positions are understood.
fn categories(learner: &Value, count: usize) -> Result<Vec<Option<Categories>>, Error> {
    let none = || (0..count).map(|_| None).collect();
    let model =
        learner.at(&["gradient_booster", "model"]).or_else(|| learner.at(&["gradient_booster", "gbtree", "model"]));
    let Some(stored) = model.and_then(|model| model.at(&["cats", "enc"])).and_then(Value::list) else {
        return Ok(none());
    };
    if stored.is_empty() {
        return Ok(none());
    }
    if stored.len() != count {
        return Err(odd("the categories of its inputs"));
    }
    let mut categories = Vec::with_capacity(count);
    for one in stored {
        let numbers = |key: &str| one.get(key).and_then(Value::numbers);
        let Some(offsets) = numbers("offsets") else {
            return Err(LIBRARY.refuse("categories that are not texts are not evaluated"));
        };
        if offsets.is_empty() {
            categories.push(None);
            continue;
        }
        let bytes: Vec<u8> = numbers("values").unwrap_or_default().iter().map(|value| *value as i64 as u8).collect();
        let texts: Option<Vec<String>> = offsets
            .windows(2)
            .map(|pair| String::from_utf8(bytes.get(pair[0] as usize..pair[1] as usize)?.to_vec()).ok())
            .collect();
        categories.push(Some(Categories::of_texts(texts.ok_or_else(|| odd("the categories of its inputs"))?)?));
    }
    Ok(categories)
}

/// What trees are held against.
struct Shape {
    count: usize,
    groups: usize,
    /// Asked through a wrapper, which stops at the best iteration.
    by_wrapper: bool,
}

fn booster(learner: &Value, shape: &Shape) -> Result<Booster, Error> {
    let stored = learner.get("gradient_booster").ok_or_else(|| odd("its booster"))?;
    let best = learner.at(&["attributes", "best_iteration"]).and_then(Value::parameter);
    match stored.get("name").and_then(Value::text) {
        Some("gbtree") => {
            let model = stored.get("model").ok_or_else(|| odd("its booster"))?;
            Ok(Booster::Trees(trees(model, None, best, shape)?))
        }
        Some("dart") => {
            let model = stored.at(&["gbtree", "model"]).ok_or_else(|| odd("its booster"))?;
            let weights =
                stored.get("weight_drop").and_then(Value::numbers).ok_or_else(|| odd("the weights of its trees"))?;
            Ok(Booster::Trees(trees(model, Some(&weights), best, shape)?))
        }
        Some("gblinear") => {
            let weights = stored.at(&["model", "weights"]).and_then(Value::numbers).unwrap_or_default();
            let mut weights: Vec<f32> = weights.into_iter().map(|weight| weight as f32).collect();
            if weights.len() != (shape.count + 1) * shape.groups || weights.iter().any(|weight| !weight.is_finite()) {
                return Err(odd("its coefficients"));
            }
            let intercepts = weights.split_off(shape.count * shape.groups);
            Ok(Booster::Linear(weights, intercepts))
        }
        other => Err(LIBRARY.refuse(format!("the booster {:?} is not evaluated", other.unwrap_or("without a name")))),
    }
}

fn trees(
    model: &Value,
    weights: Option<&[f64]>,
    best: Option<f64>,
    shape: &Shape,
) -> Result<Vec<(Kind, usize, Option<f32>)>, Error> {
    let stored = model.get("trees").and_then(Value::list).ok_or_else(|| odd("its trees"))?;
    let groups = model.get("tree_info").and_then(Value::numbers).ok_or_else(|| odd("the order of its trees"))?;
    if groups.len() != stored.len() || weights.is_some_and(|weights| weights.len() != stored.len()) {
        return Err(odd("the order of its trees"));
    }
    let parallel =
        model.at(&["gbtree_model_param", "num_parallel_tree"]).and_then(Value::parameter).unwrap_or(1.0).max(1.0);
    let vector = stored.first().map_or(1, leaf_size);
    // A tree of several values in a leaf speaks for all scores.
    let round = (parallel as usize).saturating_mul(if vector > 1 { 1 } else { shape.groups });
    if vector > 1 && (vector != shape.groups || weights.is_some()) {
        return Err(odd("the number of values in a leaf"));
    }
    let mut kept = stored.len();
    if let Some(best) = best.filter(|best| *best >= 0.0) {
        let until = (best as usize).saturating_add(1).saturating_mul(round);
        if until < kept && !shape.by_wrapper {
            return Err(LIBRARY.refuse("it was stopped early, and whether later trees count is not stored"));
        }
        kept = kept.min(until);
    }
    let mut trees = Vec::with_capacity(kept);
    for (at, tree) in stored[..kept].iter().enumerate() {
        let group = groups[at] as usize;
        if group >= shape.groups {
            return Err(odd("the order of its trees"));
        }
        if leaf_size(tree) != vector {
            return Err(odd("the number of values in a leaf"));
        }
        if vector > 1 {
            let arrays = Arrays::read(tree).ok_or_else(broken)?;
            for group in 0..vector {
                let arrays = arrays.of_group(tree, group, vector).ok_or_else(broken)?;
                trees.push((tree_of(tree, &arrays, shape.count)?, group, None));
            }
            continue;
        }
        let arrays = Arrays::read(tree).ok_or_else(broken)?;
        trees.push((tree_of(tree, &arrays, shape.count)?, group, weights.map(|weights| weights[at] as f32)));
    }
    Ok(trees)
}
