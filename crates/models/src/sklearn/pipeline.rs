//! Steps in sequence and side by side.

use assize_tables::Cancel;

use super::data::{Data, Matrix};
use super::estimator::{Answer, Classify, Estimator, Regress, Role, Rule, Said, Targets, Transform};
use super::label::Label;
use super::registry;
use super::source::Source;
use crate::explain::Contributions;
use crate::explain::against::Asking;
use crate::pickle::View;
use crate::predictor::Error;

/// Why a pipeline with a narrow step is refused.
const FLOAT32: &str = "a step makes float32, and what follows it would be computed in that precision";

/// Why XGBoost is refused behind a step that makes a sparse matrix.
const SPARSE: &str = "XGBoost takes the zeros of a sparse matrix for missing values, and whether a step makes one is decided by the rows";

/// Pipelines within each other that are looked through.
const NESTING_MAX: usize = 24;

/// Transformers in sequence.
struct Steps(Vec<Box<dyn Transform>>);

impl Transform for Steps {
    fn is_narrow(&self) -> bool {
        self.0.last().is_some_and(|last| last.is_narrow())
    }

    fn transform(&self, data: &Data, cancel: &Cancel) -> Result<Data, Error> {
        let Some((first, rest)) = self.0.split_first() else { return Ok(data.clone()) };
        let mut current = first.transform(data, cancel)?;
        for step in rest {
            cancel.check()?;
            current = step.transform(&current, cancel)?;
        }
        Ok(current)
    }

    fn owners(&self, owners: &[usize]) -> Option<Vec<usize>> {
        self.0.iter().try_fold(owners.to_vec(), |owners, step| step.owners(&owners))
    }
}

struct Classifying {
    steps: Steps,
    last: Box<dyn Classify>,
}

impl Classify for Classifying {
    fn classes(&self) -> &[Label] {
        self.last.classes()
    }

    fn rule(&self) -> Rule {
        self.last.rule()
    }

    fn has_probabilities(&self) -> bool {
        self.last.has_probabilities()
    }

    fn has_decision(&self) -> bool {
        self.last.has_decision()
    }

    fn is_single_precision(&self) -> bool {
        self.last.is_single_precision()
    }

    fn is_decision_unsure(&self) -> bool {
        self.last.is_decision_unsure()
    }

    fn probabilities(&self, data: &Data, cancel: &Cancel) -> Result<Matrix, Error> {
        self.last.probabilities(&self.steps.transform(data, cancel)?, cancel)
    }

    fn decision(&self, data: &Data, cancel: &Cancel) -> Result<Matrix, Error> {
        self.last.decision(&self.steps.transform(data, cancel)?, cancel)
    }

    fn contributions(
        &self,
        data: &Data,
        asking: Asking<'_>,
        class: usize,
        cancel: &Cancel,
    ) -> Result<Option<Contributions>, Error> {
        let Some(owners) = self.steps.owners(asking.owners) else { return Ok(None) };
        let asking = Asking { owners: &owners, ..asking };
        self.last.contributions(&self.steps.transform(data, cancel)?, asking, class, cancel)
    }

    fn labels(&self, data: &Data, cancel: &Cancel) -> Result<Vec<u32>, Error> {
        self.last.labels(&self.steps.transform(data, cancel)?, cancel)
    }

    fn answer(&self, data: &Data, cancel: &Cancel) -> Result<Answer, Error> {
        self.last.answer(&self.steps.transform(data, cancel)?, cancel)
    }
}

struct Regressing {
    steps: Steps,
    last: Box<dyn Regress>,
}

impl Regress for Regressing {
    fn is_single_precision(&self) -> bool {
        self.last.is_single_precision()
    }

    fn values(&self, data: &Data, cancel: &Cancel) -> Result<Vec<f64>, Error> {
        self.last.values(&self.steps.transform(data, cancel)?, cancel)
    }
}

struct Answering {
    steps: Steps,
    last: Box<dyn Targets>,
}

impl Targets for Answering {
    fn classes(&self) -> Vec<&[Label]> {
        self.last.classes()
    }

    fn answers(&self, data: &Data, cancel: &Cancel) -> Result<Vec<Said>, Error> {
        self.last.answers(&self.steps.transform(data, cancel)?, cancel)
    }
}

/// Whether a step is left out.
pub(super) fn is_passthrough(view: View<'_>) -> bool {
    view.is_none() || view.text() == Some("passthrough")
}

pub(super) fn pipeline(source: &Source<'_>, role: Role) -> Result<Estimator, Error> {
    let odd = || source.refuse("the steps are not pairs of a name and an estimator");
    let mut members = Vec::new();
    for step in source.list("steps")? {
        let pair = step.items().filter(|pair| pair.len() == 2 && pair[0].text().is_some()).ok_or_else(odd)?;
        members.push(pair[1]);
    }
    let last = members.pop().ok_or_else(odd)?;
    let mut steps = Vec::with_capacity(members.len());
    for member in members.into_iter().filter(|member| !is_passthrough(*member)) {
        steps.push(source.inner(member)?.transformer()?);
    }
    let narrow_before = |steps: &[Box<dyn Transform>]| steps.iter().any(|step| step.is_narrow());
    if is_passthrough(last) {
        let before = steps.len().saturating_sub(1);
        if narrow_before(&steps[..before]) {
            return Err(source.refuse(FLOAT32));
        }
        return Ok(Estimator::Transformer(Box::new(Steps(steps))));
    }
    if narrow_before(&steps) {
        return Err(source.refuse(FLOAT32));
    }
    let last = source.inner(last)?;
    if ends_in_xgboost(last.view()) && source.list("steps")?.iter().any(|step| step_may_be_sparse(*step)) {
        return Err(source.refuse(SPARSE));
    }
    Ok(match registry::build(&last, role)? {
        Estimator::Classifier(last) => Estimator::Classifier(Box::new(Classifying { steps: Steps(steps), last })),
        Estimator::Regressor(last) => Estimator::Regressor(Box::new(Regressing { steps: Steps(steps), last })),
        Estimator::Several(last) => Estimator::Several(Box::new(Answering { steps: Steps(steps), last })),
        Estimator::Transformer(last) => {
            steps.push(last);
            Estimator::Transformer(Box::new(Steps(steps)))
        }
    })
}

/// Whether what answers in the end is XGBoost.
fn ends_in_xgboost(view: View<'_>) -> bool {
    let mut current = view;
    for _ in 0..NESTING_MAX {
        if current.class().is_some_and(|class| class.module == "xgboost.sklearn") {
            return true;
        }
        let last = current.attribute("steps").and_then(|steps| steps.items()?.last()?.items()?.get(1).copied());
        match last {
            Some(last) => current = last,
            None => return false,
        }
    }
    false
}

/// Whether a named step can make a sparse matrix.
fn step_may_be_sparse(step: View<'_>) -> bool {
    step.items().and_then(|pair| pair.get(1).copied()).is_some_and(|member| may_be_sparse(member, 0))
}

fn may_be_sparse(view: View<'_>, depth: usize) -> bool {
    let Some(class) = view.class() else { return false };
    let says = |attribute: &str| view.attribute(attribute).and_then(|value| value.boolean());
    let inner = |list: &str| {
        let members = view.attribute(list).and_then(|members| members.items()).unwrap_or_default();
        members.iter().filter_map(|entry| entry.items()?.get(1).copied()).any(|member| may_be_sparse(member, depth + 1))
    };
    match class.name.as_ref() {
        _ if depth > NESTING_MAX => true,
        "ColumnTransformer" => says("sparse_output_").unwrap_or(true),
        "FeatureUnion" => inner("transformer_list"),
        "Pipeline" => inner("steps"),
        "OneHotEncoder" => says("sparse_output").or(says("sparse")).unwrap_or(true),
        "SplineTransformer" => says("sparse_output").unwrap_or(false),
        "MissingIndicator" => view.attribute("sparse").is_none_or(|sparse| sparse.boolean() != Some(false)),
        "KBinsDiscretizer" => view.attribute("encode").and_then(|encode| encode.text()) == Some("onehot"),
        "CountVectorizer" | "TfidfVectorizer" | "HashingVectorizer" | "TfidfTransformer" => true,
        _ => false,
    }
}

/// The source in which the first step of nested pipelines stands: it knows names and number of the inputs.
pub(super) fn first_step<'p>(source: &Source<'p>) -> Option<Source<'p>> {
    let steps = source.list("steps").ok()?;
    let step =
        steps.into_iter().filter_map(|step| step.items()?.get(1).copied()).find(|step| !is_passthrough(*step))?;
    source.inner(step).ok()
}

/// One branch: which columns, what is done to them, and the weight of the result.
struct Branch {
    /// `None` for all.
    columns: Option<Vec<usize>>,
    /// `None` passes them on.
    transformer: Option<Box<dyn Transform>>,
    weight: f64,
}

struct Branches {
    branches: Vec<Branch>,
    /// Columns that come in, when that is known.
    inputs: Option<usize>,
}

impl Transform for Branches {
    /// Beside a wider branch a narrow one is widened.
    fn is_narrow(&self) -> bool {
        let narrow = |branch: &Branch| branch.transformer.as_ref().is_some_and(|transformer| transformer.is_narrow());
        !self.branches.is_empty() && self.branches.iter().all(narrow)
    }

    fn transform(&self, data: &Data, cancel: &Cancel) -> Result<Data, Error> {
        if let Some(inputs) = self.inputs {
            data.check_width(inputs)?;
        }
        let mut parts = Vec::with_capacity(self.branches.len());
        for branch in &self.branches {
            cancel.check()?;
            let chosen = match &branch.columns {
                Some(columns) => data.select(columns),
                None => data.clone(),
            };
            let mut part = match &branch.transformer {
                Some(transformer) => transformer.transform(&chosen, cancel)?,
                None => chosen,
            };
            if branch.weight != 1.0 {
                let mut matrix = part.matrix(part.width())?.into_owned();
                matrix.values.iter_mut().for_each(|value| *value *= branch.weight);
                part = Data::Matrix(matrix);
            }
            parts.push(part);
        }
        Ok(Data::beside(data.rows(), parts))
    }

    fn owners(&self, owners: &[usize]) -> Option<Vec<usize>> {
        let mut made = Vec::new();
        for branch in &self.branches {
            let chosen = match &branch.columns {
                Some(columns) => columns.iter().map(|column| owners.get(*column).copied()).collect::<Option<_>>()?,
                None => owners.to_vec(),
            };
            match &branch.transformer {
                Some(transformer) => made.extend(transformer.owners(&chosen)?),
                None => made.extend(chosen),
            }
        }
        Some(made)
    }
}

/// The weight a dictionary gives to a name; 1 without one.
fn weight(source: &Source<'_>, name: &str) -> Result<f64, Error> {
    if !source.has("transformer_weights") {
        return Ok(1.0);
    }
    match source.attribute("transformer_weights")?.get(name) {
        None => Ok(1.0),
        Some(weight) => weight
            .number()
            .filter(|weight| weight.is_finite())
            .ok_or_else(|| source.refuse(format!("the weight of {name:?} is not a number"))),
    }
}

pub(super) fn feature_union(source: &Source<'_>) -> Result<Estimator, Error> {
    let mut branches = Vec::new();
    for entry in source.list("transformer_list")? {
        let pair = entry.items().filter(|pair| pair.len() == 2);
        let pair = pair.ok_or_else(|| source.refuse("a branch is not a pair of a name and a transformer"))?;
        let name = pair[0].text().ok_or_else(|| source.refuse("a branch has no name"))?;
        if pair[1].text() == Some("drop") || pair[1].is_none() {
            continue;
        }
        let transformer = if is_passthrough(pair[1]) { None } else { Some(source.inner(pair[1])?.transformer()?) };
        branches.push(Branch { columns: None, transformer, weight: weight(source, name)? });
    }
    Ok(Estimator::Transformer(Box::new(Branches { branches, inputs: None })))
}

pub(super) fn column_transformer(source: &Source<'_>) -> Result<Estimator, Error> {
    let inputs = source.inputs()?;
    let indices = source.attribute("_transformer_to_input_indices")?;
    let mut branches = Vec::new();
    for entry in source.list("transformers_")? {
        let parts = entry.items().filter(|parts| parts.len() == 3);
        let parts = parts.ok_or_else(|| source.refuse("a branch is not a name, a transformer and columns"))?;
        let name = parts[0].text().ok_or_else(|| source.refuse("a branch has no name"))?;
        if parts[1].text() == Some("drop") {
            continue;
        }
        let columns = indices.get(name).and_then(|view| positions(source, view));
        let columns = columns.filter(|columns| columns.iter().all(|column| *column < inputs));
        let columns = columns.ok_or_else(|| source.refuse(format!("the columns of {name:?} are not known")))?;
        // The library skips a branch without columns.
        if columns.is_empty() {
            continue;
        }
        let transformer = if is_passthrough(parts[1]) { None } else { Some(source.inner(parts[1])?.transformer()?) };
        branches.push(Branch { columns: Some(columns), transformer, weight: weight(source, name)? });
    }
    Ok(Estimator::Transformer(Box::new(Branches { branches, inputs: Some(inputs) })))
}

/// Resolved positions: a list of integers or an array of them.
fn positions(source: &Source<'_>, view: View<'_>) -> Option<Vec<usize>> {
    let integers: Vec<i64> = match view.items() {
        Some(items) => items.iter().map(View::integer).collect::<Option<_>>()?,
        None => source.decode(view).ok()?.integers()?,
    };
    integers.into_iter().map(|position| usize::try_from(position).ok()).collect()
}
