//! Explanations: what a model rests on is found, overall and by group, and said the same way each time.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test, also in a helper")]

use assize_fairness::document::{ColumnContribution, Contribution, Explanation};
use assize_fairness::{AuditSettings, Measured};
use assize_models::explain::{Attributions, Contributions, ExactMethod, ScoreKind};
use assize_models::{Error as ModelError, Feature, Predictions, Predictor};
use assize_tables::{Cancel, ColumnData, Table};

use crate::audit_support::{Biased, audit_csv, audit_model, findings, loans, quick};

fn explained(rows: usize) -> Measured {
    let model = Biased::new(&["skill", "group"], &["0", "1"]);
    audit_model(&loans(rows, false), &quick("paid", &["group", "region"], "loan"), &model).unwrap()
}

fn column<'a>(explanation: &'a Explanation, name: &str) -> &'a ColumnContribution {
    explanation.columns.iter().find(|column| column.column == name).unwrap()
}

fn of_group<'a>(column: &'a ColumnContribution, attribute: &str, group: &str) -> &'a Contribution {
    let found = column.groups.iter().find(|one| (one.attribute.as_str(), one.group.as_str()) == (attribute, group));
    &found.unwrap().contribution
}

#[test]
fn a_model_file_is_explained_by_group_and_columns_it_does_not_read_are_absent() {
    let measured = explained(2_000);
    let explanation = measured.explanation.as_ref().unwrap();
    assert_eq!((explanation.method.as_str(), explanation.score.as_str()), ("kernel_shap", "decision"));
    let mut names: Vec<&str> = explanation.columns.iter().map(|column| column.column.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["group", "skill"]);
    assert_eq!(explanation.columns[0].column, "skill");
    // Two columns have two sets besides none and all: every one is asked, so the values are exact.
    assert_eq!(explanation.coalitions, Some(2));
    let group = column(explanation, "group");
    assert!(group.protected && !column(explanation, "skill").protected);
    let (a, b) = (of_group(group, "group", "a"), of_group(group, "group", "b"));
    assert!(a.mean.unwrap() > 0.0 && b.mean.unwrap() < 0.0, "{a:?} {b:?}");
    assert_eq!((a.n, b.n), (30, 30));
}

/// Says what its columns contribute: the skill, by how far it is from the mean.
struct Saying(Biased);

impl Predictor for Saying {
    fn features(&self) -> &[Feature] {
        self.0.features()
    }

    fn classes(&self) -> &[String] {
        self.0.classes()
    }

    fn description(&self) -> String {
        self.0.description()
    }

    fn predict(&self, table: &Table, cancel: &Cancel) -> Result<Predictions, ModelError> {
        self.0.predict(table, cancel)
    }

    fn contributions(
        &self,
        table: &Table,
        explained: usize,
        class: usize,
        _cancel: &Cancel,
    ) -> Result<Option<Contributions>, ModelError> {
        assert_eq!(class, 1);
        let at = table.columns.iter().position(|column| column.name == "skill").unwrap();
        let ColumnData::Numeric(skills) = &table.columns[at].data else { panic!("skills are numbers") };
        let (rows, background) = skills.split_at(explained);
        let base = background.iter().sum::<f64>() / background.len() as f64;
        let features = table.columns.len();
        let mut values = vec![0.0; explained * features];
        values.chunks_exact_mut(features).zip(rows).for_each(|(row, skill)| row[at] = skill - base);
        let attributions = Attributions { base, features, values };
        Ok(Some(Contributions { method: ExactMethod::Linear, score: ScoreKind::LogOdds, attributions }))
    }
}

#[test]
fn a_model_that_takes_its_own_score_apart_is_believed_and_the_document_says_so() {
    let model = Saying(Biased::new(&["skill", "group"], &["0", "1"]));
    let measured = audit_model(&loans(2_000, false), &quick("paid", &["group", "region"], "loan"), &model).unwrap();
    let explanation = measured.explanation.as_ref().unwrap();
    assert_eq!((explanation.method.as_str(), explanation.score.as_str()), ("linear_shap", "log_odds"));
    assert_eq!((explanation.background_rows, explanation.coalitions), (Some(120), None));
    assert!(explanation.method_note.contains("120 background rows") && explanation.method_note.contains("the odds"));
    // The background is everybody, so that everybody's mean contribution is none at all.
    let skill = column(explanation, "skill");
    assert!(skill.overall.mean.unwrap().abs() < 1e-9 && skill.overall.mean_absolute.unwrap() > 1.0);
    assert_eq!(column(explanation, "group").overall.mean_absolute, Some(0.0));
}

#[test]
fn contributions_add_up_to_the_mean_score() {
    let measured = explained(2_000);
    let explanation = measured.explanation.as_ref().unwrap();
    let sum: f64 = explanation.columns.iter().map(|column| column.overall.mean.unwrap()).sum();
    let score = explanation.base.unwrap() + sum;
    // A mean of decisions over the drawn rows is a whole number of them.
    let n = explanation.columns[0].overall.n as f64;
    assert!((score * n - (score * n).round()).abs() < 1e-6, "{score}");
    assert!((0.1..0.6).contains(&score), "{score}");
}

#[test]
fn partial_dependence_follows_the_rule() {
    let measured = explained(2_000);
    let explanation = measured.explanation.as_ref().unwrap();
    let of = |name: &str| explanation.dependence.iter().find(|one| one.column == name).unwrap();
    let skill: Vec<f64> = of("skill").points.iter().map(|point| point.score).collect();
    assert!(skill.windows(2).all(|pair| pair[0] <= pair[1]), "{skill:?}");
    assert_eq!((skill[0], *skill.last().unwrap()), (0.0, 1.0));
    let group: Vec<(&str, f64)> = of("group").points.iter().map(|point| (point.value.as_str(), point.score)).collect();
    assert!(group[0].0 == "a" && group[0].1 > group[1].1, "{group:?}");
}

#[test]
fn a_group_that_is_too_small_has_a_reason_and_no_number() {
    let mut text = loans(2_000, false);
    for row in 0..12 {
        text.push_str(&format!("{},north,c,{}\n", row * 8, row % 2));
    }
    let model = Biased::new(&["skill", "group"], &["0", "1"]);
    let measured = audit_model(&text, &quick("paid", &["group"], "loan"), &model).unwrap();
    let small = of_group(column(measured.explanation.as_ref().unwrap(), "skill"), "group", "c");
    assert_eq!((small.mean, small.mean_absolute, small.n), (None, None, 0));
    assert!(small.reason.is_some());
}

#[test]
fn a_trained_forest_is_explained_and_a_column_of_decisions_is_not() {
    let run = |threads| {
        let settings = AuditSettings { threads, ..quick("paid", &["group"], "loan") };
        audit_csv(&loans(1_000, false), &settings).unwrap().explanation
    };
    let explanation = run(1).unwrap();
    assert_eq!(explanation.columns[0].column, "skill");
    assert_eq!(serde_json::to_string(&Some(explanation)).unwrap(), serde_json::to_string(&run(3)).unwrap());
    let settings = AuditSettings { prediction_column: Some("decision".into()), ..quick("paid", &["group"], "loan") };
    assert!(audit_csv(&loans(1_000, true), &settings).unwrap().explanation.is_none());
}

#[test]
fn overlap_with_training_rows_is_said_to_be_unknown() {
    let measured = explained(1_000);
    let [finding] = findings(&measured, "data.training_overlap")[..] else { panic!("one finding") };
    assert!(finding.message.contains("cannot be known"));
    assert!(measured.method.limits.iter().any(|limit| limit.contains("trained on the audited rows is unknown")));
}

#[test]
fn a_model_beside_a_column_of_decisions_is_refused() {
    let model = Biased::new(&["skill", "group"], &["0", "1"]);
    for name in ["prediction_column", "score_column"] {
        let mut settings = quick("paid", &["group"], "loan");
        let column = if name == "score_column" { &mut settings.score_column } else { &mut settings.prediction_column };
        *column = Some("decision".into());
        let error = audit_model(&loans(1_000, true), &settings, &model).unwrap_err().to_string();
        assert!(error.starts_with(name) && error.contains("beside a model"), "{error}");
    }
}

#[test]
fn only_an_empty_cell_is_missing_to_a_model() {
    // "?" is missing to the audit and a category to the model, which says no to it as it would to "a".
    let text = loans(2_000, false).replace(",a,", ",?,");
    let model = Biased::new(&["skill", "group"], &["0", "1"]);
    let measured = audit_model(&text, &quick("paid", &["region"], "loan"), &model).unwrap();
    let explanation = measured.explanation.as_ref().unwrap();
    let of = explanation.dependence.iter().find(|one| one.column == "group").unwrap();
    let values: Vec<&str> = of.points.iter().map(|point| point.value.as_str()).collect();
    assert_eq!(values, ["?", "b"]);
}
