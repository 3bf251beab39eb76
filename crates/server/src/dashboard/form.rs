//! A form as a page shows it: empty, or with what was typed and what is wrong with it, at the field and summed on top.

use std::collections::BTreeMap;

use crate::app::{AppError, FieldProblem};

/// A form to be shown.
#[derive(Debug, Default)]
pub(super) struct FormView {
    values: BTreeMap<&'static str, String>,
    /// The fields' names for people, in the order of the page.
    labels: &'static [(&'static str, &'static str)],
    problems: Vec<FieldProblem>,
    /// Why the whole of it was refused; empty when it was not.
    refusal: String,
}

impl FormView {
    /// An empty form with these fields, as (name, label).
    pub(super) fn new(labels: &'static [(&'static str, &'static str)]) -> Self {
        Self { labels, ..Self::default() }
    }

    /// With a value in a field.
    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.values.insert(name, value.into());
        self
    }

    /// With what an operation found wrong; an error that is not about the form stays one.
    pub(super) fn refused(mut self, error: AppError) -> Result<Self, AppError> {
        match error {
            AppError::Fields(problems) => self.problems.extend(problems),
            AppError::Unprocessable(text) | AppError::Conflict(text) => self.refusal = text,
            AppError::SignInRefused
            | AppError::Forbidden
            | AppError::NoSubscription
            | AppError::InsufficientTokens
            | AppError::RateLimited { .. }
            | AppError::TooLarge { .. } => {
                self.refusal = error.to_string();
            }
            AppError::NotFound { .. }
            | AppError::TimedOut { .. }
            | AppError::Unauthorized
            | AppError::KeyReused
            | AppError::Repeated
            | AppError::Erased { .. }
            | AppError::Unavailable { .. }
            | AppError::Internal(_) => return Err(error),
        }
        Ok(self)
    }

    /// With a problem of a field.
    pub(super) fn problem(&mut self, field: &str, problem: impl Into<String>) {
        self.problems.push(FieldProblem { field: field.to_owned(), problem: problem.into() });
    }

    /// Whether anything is wrong.
    pub(super) fn is_refused(&self) -> bool {
        !self.problems.is_empty() || !self.refusal.is_empty()
    }

    /// What stands in a field.
    pub(super) fn value(&self, name: &str) -> &str {
        self.values.get(name).map_or("", String::as_str)
    }

    /// Whether a field holds this value.
    pub(super) fn is(&self, name: &str, value: &str) -> bool {
        self.value(name) == value
    }

    /// What is wrong with a field; empty when nothing is.
    pub(super) fn error(&self, name: &str) -> &str {
        self.problems.iter().find(|problem| problem.field == name).map_or("", |problem| &problem.problem)
    }

    /// Why the whole of it was refused; empty when it was not.
    pub(super) fn refusal(&self) -> &str {
        &self.refusal
    }

    /// What is wrong, as (field, its label, problem), in the order of the page; a field that the page does not have
    /// comes last.
    pub(super) fn summary(&self) -> Vec<(&str, &str, &str)> {
        let label = |field: &str| self.labels.iter().position(|(name, _)| *name == field);
        let mut problems: Vec<&FieldProblem> = self.problems.iter().collect();
        problems.sort_by_key(|problem| label(&problem.field).unwrap_or(usize::MAX));
        let line = |problem: &&'_ FieldProblem| label(&problem.field).map(|at| self.labels[at]);
        problems
            .iter()
            .map(|problem| {
                let (name, label) = line(problem).unwrap_or((&problem.field, &problem.field));
                (name, label, problem.problem.as_str())
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_stand_in_the_order_of_the_page() {
        let mut form = FormView::new(&[("name", "Name"), ("role", "Role")]).with("name", "build");
        form.problem("role", "is unknown");
        form.problem("other", "is odd");
        form.problem("name", "is taken");
        assert_eq!(
            form.summary(),
            [("name", "Name", "is taken"), ("role", "Role", "is unknown"), ("other", "other", "is odd")]
        );
        assert_eq!((form.value("name"), form.error("role"), form.error("none")), ("build", "is unknown", ""));
    }

    #[test]
    fn only_errors_about_the_form_stand_on_it() {
        let form = FormView::new(&[]).refused(AppError::Conflict("there are two".to_owned())).unwrap();
        assert!(form.is_refused());
        assert_eq!(form.refusal(), "there are two");
        assert!(FormView::new(&[]).refused(AppError::Unavailable { retry_after_s: 1 }).is_err());
    }
}
