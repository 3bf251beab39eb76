//! Reading the attributes of one estimator, with errors that name it.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;

use super::data::Matrix;
use super::estimator::{Classify, Estimator, Regress, Role, Transform};
use super::label::{self, Label};
use super::{registry, sparse};
use crate::pickle::{Array, Limits, Numbers, View};
use crate::predictor::Error;

/// Bytes that may be decoded from any file, and for each byte of it: shared arrays must not multiply without end.
const DECODED_BYTES_FREE: usize = 16 << 20;
const DECODED_BYTES_RATIO: usize = 12;

/// A version of scikit-learn: major and minor.
pub(super) type Version = (u32, u32);

/// What is left of the limits while a file is read.
#[derive(Debug)]
pub(super) struct Budget<'l> {
    limits: &'l Limits,
    estimators: Cell<usize>,
    decoded: Cell<usize>,
    made_columns: Cell<usize>,
    spelled_missing: Cell<bool>,
    filled_texts: RefCell<BTreeSet<String>>,
}

impl<'l> Budget<'l> {
    pub(super) fn new(limits: &'l Limits, file_bytes: usize) -> Self {
        let decoded = DECODED_BYTES_FREE.saturating_add(file_bytes.saturating_mul(DECODED_BYTES_RATIO));
        Self {
            limits,
            estimators: Cell::new(limits.estimators_max),
            decoded: Cell::new(decoded),
            made_columns: Cell::new(0),
            spelled_missing: Cell::new(false),
            filled_texts: RefCell::new(BTreeSet::new()),
        }
    }

    /// Columns that all transformers together make of one row.
    pub(super) fn made_columns(&self) -> usize {
        self.made_columns.get()
    }

    /// Whether a missing text could be a category of its own to an encoder and yet be filled by an imputer before it.
    pub(super) fn missing_texts_are_unclear(&self) -> bool {
        self.spelled_missing.get() && !self.filled_texts.borrow().is_empty()
    }

    fn spend(counter: &Cell<usize>, amount: usize, what: &str) -> Result<(), Error> {
        let left = counter.get().checked_sub(amount);
        counter.set(left.ok_or_else(|| Error::Unreadable(format!("the file repeats too many {what}")))?);
        Ok(())
    }
}

/// One estimator of the file.
#[derive(Clone, Copy)]
pub(super) struct Source<'p> {
    view: View<'p>,
    budget: &'p Budget<'p>,
    version: Version,
    depth: usize,
}

impl<'p> Source<'p> {
    pub(super) fn root(view: View<'p>, budget: &'p Budget<'p>) -> Result<Self, Error> {
        let mut source = Self { view, budget, version: (0, 0), depth: 0 };
        source.version = source.read_version();
        Ok(source)
    }

    /// Another object of the file, one level further in.
    pub(super) fn inner(&self, view: View<'p>) -> Result<Self, Error> {
        if self.depth >= self.budget.limits.nesting_max {
            return Err(Error::Unreadable("estimators are nested too deeply".to_owned()));
        }
        Budget::spend(&self.budget.estimators, 1, "estimators")?;
        let mut inner = Self { view, depth: self.depth + 1, ..*self };
        if view.attribute("_sklearn_version").is_some() {
            inner.version = inner.read_version();
        }
        Ok(inner)
    }

    fn read_version(&self) -> Version {
        let text = self.view.attribute("_sklearn_version").and_then(|view| view.text());
        let mut parts = text.unwrap_or_default().split('.').map(|part| part.parse().unwrap_or(0));
        (parts.next().unwrap_or(0), parts.next().unwrap_or(0))
    }

    pub(super) fn version(&self) -> Version {
        self.version
    }

    pub(super) fn limits(&self) -> &'p Limits {
        self.budget.limits
    }

    pub(super) fn view(&self) -> View<'p> {
        self.view
    }

    /// `module.Class`, or what stands in its place.
    pub(super) fn name(&self) -> String {
        match self.view.class() {
            Some(class) => class.to_string(),
            None => "an object that is not a class".to_owned(),
        }
    }

    /// Notes how many columns a transformer makes, so that blocks of rows can be kept small enough.
    pub(super) fn makes(&self, columns: usize) {
        let made = &self.budget.made_columns;
        made.set(made.get().saturating_add(columns));
    }

    /// Notes that an encoder knows a category that reads as missing in a data file, unless an imputer made it.
    pub(super) fn notes_spelled_missing(&self, category: &str) {
        if !self.budget.filled_texts.borrow().contains(category) {
            self.budget.spelled_missing.set(true);
        }
    }

    /// Notes what an imputer fills missing texts with.
    pub(super) fn notes_filled_texts(&self, fill: &str) {
        self.budget.filled_texts.borrow_mut().insert(fill.to_owned());
    }

    /// A refusal that names this estimator.
    pub(super) fn refuse(&self, what: impl std::fmt::Display) -> Error {
        Error::Unreadable(format!("{}: {what}", self.name()))
    }

    fn missing(&self, attribute: &str, what: &str) -> Error {
        if self.view.attribute(attribute).is_none() {
            return self.refuse(format!("the attribute {attribute} is missing; is the estimator fitted?"));
        }
        self.refuse(format!("the attribute {attribute} is not {what}"))
    }

    pub(super) fn has(&self, attribute: &str) -> bool {
        self.view.attribute(attribute).is_some_and(|view| !view.is_none())
    }

    pub(super) fn attribute(&self, attribute: &str) -> Result<View<'p>, Error> {
        self.view.attribute(attribute).ok_or_else(|| self.missing(attribute, "there"))
    }

    pub(super) fn text(&self, attribute: &str) -> Result<&'p str, Error> {
        self.attribute(attribute)?.text().ok_or_else(|| self.missing(attribute, "a text"))
    }

    pub(super) fn boolean(&self, attribute: &str) -> Result<bool, Error> {
        let view = self.attribute(attribute)?;
        view.boolean()
            .or_else(|| view.integer().and_then(|value| (value == 0 || value == 1).then_some(value == 1)))
            .ok_or_else(|| self.missing(attribute, "true or false"))
    }

    pub(super) fn integer(&self, attribute: &str) -> Result<i64, Error> {
        self.attribute(attribute)?.integer().ok_or_else(|| self.missing(attribute, "an integer"))
    }

    pub(super) fn size(&self, attribute: &str) -> Result<usize, Error> {
        usize::try_from(self.integer(attribute)?).map_err(|_| self.missing(attribute, "a size"))
    }

    pub(super) fn number(&self, attribute: &str) -> Result<f64, Error> {
        let number = self.attribute(attribute)?.number();
        number.filter(|value| value.is_finite()).ok_or_else(|| self.missing(attribute, "a finite number"))
    }

    /// Number of input columns.
    pub(super) fn inputs(&self) -> Result<usize, Error> {
        self.size("n_features_in_")
    }

    /// Names of the input columns, when it was fitted on named ones.
    pub(super) fn input_names(&self) -> Result<Option<Vec<String>>, Error> {
        if !self.has("feature_names_in_") {
            return Ok(None);
        }
        let names = self.array("feature_names_in_")?.texts();
        names.map(Some).ok_or_else(|| self.missing("feature_names_in_", "an array of texts"))
    }

    pub(super) fn array(&self, attribute: &str) -> Result<Array<'p>, Error> {
        self.decode(self.attribute(attribute)?).map_err(|_| self.missing(attribute, "an array that can be read"))
    }

    /// An array that stands anywhere.
    pub(super) fn decode<'v>(&self, view: View<'v>) -> Result<Array<'v>, Error> {
        let array = view.array().ok_or_else(|| self.refuse("an array cannot be read"))?;
        Budget::spend(&self.budget.decoded, array.count().saturating_mul(8).saturating_add(64), "arrays")?;
        Ok(array)
    }

    /// Numbers of any shape, possibly not finite.
    pub(super) fn numbers(&self, attribute: &str) -> Result<Numbers, Error> {
        let reserve = |cells: usize| Budget::spend(&self.budget.decoded, cells.saturating_mul(8), "sparse cells");
        if let Some(numbers) = sparse::numbers(self, self.attribute(attribute)?, reserve)? {
            return Ok(numbers);
        }
        self.array(attribute)?.numbers().ok_or_else(|| self.missing(attribute, "an array of numbers"))
    }

    /// Finite numbers of any shape.
    pub(super) fn finite(&self, attribute: &str) -> Result<Numbers, Error> {
        let numbers = self.numbers(attribute)?;
        if numbers.values.iter().all(|value| value.is_finite()) {
            return Ok(numbers);
        }
        Err(self.missing(attribute, "finite everywhere"))
    }

    /// A list of finite numbers of that length.
    pub(super) fn vector(&self, attribute: &str, length: usize) -> Result<Vec<f64>, Error> {
        let numbers = self.finite(attribute)?;
        if numbers.shape == [length] {
            return Ok(numbers.values);
        }
        Err(self.missing(attribute, &format!("an array of {length} numbers")))
    }

    /// A matrix of finite numbers of that shape.
    pub(super) fn matrix(&self, attribute: &str, rows: usize, columns: usize) -> Result<Matrix, Error> {
        let numbers = self.finite(attribute)?;
        if numbers.shape == [rows, columns] {
            return Ok(Matrix::new(rows, columns, numbers.values));
        }
        Err(self.missing(attribute, &format!("an array of {rows} x {columns} numbers")))
    }

    /// A list, tuple or one-dimensional object array.
    pub(super) fn list(&self, attribute: &str) -> Result<Vec<View<'p>>, Error> {
        let view = self.attribute(attribute)?;
        match view.items() {
            Some(items) => Ok(items),
            None => self.array(attribute)?.objects().ok_or_else(|| self.missing(attribute, "a list")),
        }
    }

    /// Arrays of numbers in a list.
    pub(super) fn list_of_numbers(&self, attribute: &str) -> Result<Vec<Numbers>, Error> {
        let items = self.list(attribute)?;
        let read = |view: View<'p>| {
            let numbers = self.decode(view)?.numbers();
            numbers.ok_or_else(|| self.missing(attribute, "a list of arrays of numbers"))
        };
        items.into_iter().map(read).collect()
    }

    /// `classes_` of several targets: a list of labels for each.
    pub(super) fn classes_of_targets(&self) -> Result<Vec<Vec<Label>>, Error> {
        let odd = || self.refuse("classes_ is not a list of labels for each target");
        let read = |view| label::labels(&self.decode(view)?).filter(|classes| !classes.is_empty()).ok_or_else(odd);
        self.list("classes_")?.into_iter().map(read).collect()
    }

    /// The classes, at least `least` of them and all different.
    pub(super) fn classes(&self, least: usize) -> Result<Vec<Label>, Error> {
        let classes = label::labels(&self.array("classes_")?);
        let classes = classes.ok_or_else(|| self.missing("classes_", "a list of labels"))?;
        let repeated = classes.iter().enumerate().any(|(at, class)| at < 2_000 && classes[..at].contains(class));
        if classes.len() < least || repeated {
            return Err(self.missing("classes_", "a list of different labels"));
        }
        Ok(classes)
    }

    /// The estimator in an attribute.
    pub(super) fn child(&self, attribute: &str) -> Result<Source<'p>, Error> {
        self.inner(self.attribute(attribute)?)
    }

    /// The estimators in a list.
    pub(super) fn children(&self, attribute: &str) -> Result<Vec<Source<'p>>, Error> {
        self.list(attribute)?.into_iter().map(|view| self.inner(view)).collect()
    }

    /// What is asked for answers.
    pub(super) fn estimator(&self) -> Result<Estimator, Error> {
        registry::build(self, Role::Answers)
    }

    pub(super) fn classifier(&self) -> Result<Box<dyn Classify>, Error> {
        match self.estimator()? {
            Estimator::Classifier(inner) if inner.is_single_precision() => Err(self.single_precision()),
            Estimator::Classifier(classifier) => Ok(classifier),
            _ => Err(self.refuse("a classifier is needed in this place")),
        }
    }

    /// A classifier whose decision function is asked where it has one.
    pub(super) fn scorer(&self) -> Result<Box<dyn Classify>, Error> {
        let classifier = self.classifier()?;
        if classifier.is_decision_unsure() {
            return Err(self
                .refuse("whether its version has a decision function is not stored, and this estimator would ask it"));
        }
        Ok(classifier)
    }

    pub(super) fn regressor(&self) -> Result<Box<dyn Regress>, Error> {
        match self.estimator()? {
            Estimator::Regressor(inner) if inner.is_single_precision() => Err(self.single_precision()),
            Estimator::Regressor(regressor) => Ok(regressor),
            _ => Err(self.refuse("a regressor is needed in this place")),
        }
    }

    /// Other estimators would go on in float32 with what this one says.
    fn single_precision(&self) -> Error {
        self.refuse("its answers are float32, and what another estimator makes of them is not evaluated")
    }

    pub(super) fn transformer(&self) -> Result<Box<dyn Transform>, Error> {
        match registry::build(self, Role::Transforms)? {
            Estimator::Transformer(transformer) => Ok(transformer),
            _ => Err(self.refuse("a transformer is needed in this place")),
        }
    }

    /// Refuses a parameter that changes answers in a way that is not evaluated.
    pub(super) fn only(&self, parameter: &str, known: &[&str]) -> Result<&'p str, Error> {
        let value = self.text(parameter)?;
        if known.contains(&value) {
            return Ok(value);
        }
        Err(self.refuse(format!("{parameter}={value:?} is not evaluated")))
    }
}
