//! Every reason not to audit, with its text: the caller must know what to change.

use assize_fairness::{AuditSettings, Error, Unwatched, Watch, audit};
use assize_tables::{Dataset, ReadOptions};

use crate::audit_support::{Biased, DIGEST, audit_csv, audit_model, loans, quick, sample};

fn error(text: &str, settings: &AuditSettings) -> String {
    audit_csv(text, settings).expect_err("the audit is refused").to_string()
}

fn group_audit() -> AuditSettings {
    quick("paid", &["group"], "loan")
}

#[test]
fn all_absent_columns_are_named_together_with_those_there_are() {
    let settings = quick("income", &["race", "group", "sex"], "loan");
    assert_eq!(
        error(&loans(100, false), &settings),
        "the data has no columns 'income', 'race', 'sex'; its columns are: 'skill', 'region', 'group', 'paid'"
    );
}

#[test]
fn a_column_has_one_role() {
    assert_eq!(
        error(&loans(100, false), &quick("group", &["group"], "loan")),
        "the column 'group' cannot be both the target and a protected attribute"
    );
    assert!(error(&loans(100, false), &quick("paid", &["group", "group"], "loan")).contains("both"));
}

#[test]
fn an_attribute_must_be_named() {
    assert_eq!(
        error("sex,paid\nf,1\nm,0\n", &quick("paid", &[], "loan")),
        "no protected attribute was given; name at least one column, e.g. sex"
    );
}

#[test]
fn a_target_has_two_values() {
    assert_eq!(
        error(&loans(90, false), &quick("region", &["group"], "loan")),
        "the target column 'region' must have exactly two values, it has 3: 'north' (30 rows), 'south' (30 rows), \
         'west' (30 rows)"
    );
    let many = error(&loans(90, false), &quick("skill", &["group"], "loan"));
    assert!(many.contains("it has 90: ") && many.matches("row)").count() == 20, "{many}");
    let constant = "x,g,y\n".to_owned() + &"1,a,1\n2,b,1\n".repeat(50);
    assert!(error(&constant, &quick("y", &["g"], "loan")).ends_with("it has 1: '1' (100 rows)"));
}

#[test]
fn the_favourable_value_must_occur() {
    let settings = AuditSettings { positive_label: Some("yes".into()), ..group_audit() };
    assert_eq!(
        error(&loans(300, false), &settings),
        "positive_label 'yes' is not a value of the target column 'paid', which has '0', '1'"
    );
}

#[test]
fn one_group_cannot_be_compared_and_an_empty_column_not_at_all() {
    let one = "x,g,y\n".to_owned() + &"1,a,1\n2,a,0\n3,,0\n".repeat(40);
    assert_eq!(
        error(&one, &quick("y", &["g"], "loan")),
        "the protected attribute 'g' has one group only ('a'); at least two are needed to compare"
    );
    let empty = "x,g,y\n".to_owned() + &"1,,1\n2,,0\n".repeat(40);
    assert_eq!(error(&empty, &quick("y", &["g"], "loan")), "the column 'g' is empty in all 80 rows");
    let unlabelled = "x,g,y\n".to_owned() + &"1,a,\n2,b,\n".repeat(40);
    assert_eq!(error(&unlabelled, &quick("y", &["g"], "loan")), "the column 'y' is empty in all 80 rows");
}

#[test]
fn groups_beyond_counting_are_refused_with_advice() {
    let rows: String = (0..600).map(|row| format!("p{},{}\n", row % 300, row % 2)).collect();
    assert_eq!(
        error(&("g,y\n".to_owned() + &rows), &quick("y", &["g"], "loan")),
        "the protected attribute 'g' has 300 values, at most 255 groups can be compared; put them into fewer classes or \
         bands, or leave the attribute out"
    );
}

#[test]
fn too_few_rows_cannot_be_trained_and_judged_on() {
    let few = "x,g,y\n".to_owned() + &"1,a,0\n2,b,0\n".repeat(40) + "3,a,1\n4,b,1\n";
    let text = error(&few, &quick("y", &["g"], "loan"));
    assert!(text.starts_with("the data has 2 rows labelled '1'; training a model"), "{text}");
}

#[test]
fn predictions_scores_and_weights_are_checked() {
    let text = "s,p,w,g,y\n".to_owned() + &"0.5,yes,1,a,1\n2,no,-1,b,0\n".repeat(60);
    let with = |change: fn(&mut AuditSettings)| {
        let mut settings = quick("y", &["g"], "loan");
        change(&mut settings);
        error(&text, &settings)
    };
    assert_eq!(
        with(|s| s.prediction_column = Some("p".into())),
        "the prediction column 'p' has the values 'no', 'yes', the target has '1', '0'; use the same two values in both, or '1' and '0'"
    );
    assert_eq!(
        with(|s| s.score_column = Some("s".into())),
        "the score column 's' must hold numbers from 0 to 1, it holds numbers from 0.5 to 2"
    );
    assert_eq!(
        with(|s| s.weight_column = Some("w".into())),
        "the weight column 'w' must hold numbers of at least 0, one of its cells is negative"
    );
}

#[test]
fn settings_out_of_range_name_the_setting() {
    let with = |change: fn(&mut AuditSettings)| {
        let mut settings = group_audit();
        change(&mut settings);
        error(&loans(300, false), &settings)
    };
    assert!(with(|s| s.confidence = 1.5).starts_with("confidence: "));
    assert!(with(|s| s.resamples = 5).starts_with("resamples: "));
    assert!(with(|s| s.age_bins = Some(vec![40.0, 25.0])).starts_with("age_bins: "));
    assert!(with(|s| s.thresholds = [("x".to_owned(), 1.0)].into()).starts_with("thresholds: there is no threshold x"));
    assert_eq!(
        with(|s| s.reference_groups = [("group".to_owned(), "z".to_owned())].into()),
        "reference_group: 'group' has no group 'z'; its groups are: 'a', 'b'"
    );
}

#[test]
fn a_model_must_fit_the_columns_and_the_classes() {
    let fails = |model: &Biased| audit_model(&loans(300, false), &group_audit(), model).unwrap_err().to_string();
    assert_eq!(
        fails(&Biased::new(&["skill", "wealth", "group"], &["0", "1"])),
        "the model needs the column 'wealth', the data has: 'skill', 'region', 'group'"
    );
    assert_eq!(
        fails(&Biased::new(&["skill", "group"], &["cat", "dog"])),
        "the model answers with 'cat', 'dog', the target column 'paid' has '1', '0'; the audit needs a classifier of the \
         same two classes"
    );
    let mut unnamed = Biased::new(&["skill", "group"], &["0", "1"]);
    unnamed.features.iter_mut().for_each(|feature| feature.name = None);
    assert!(fails(&unnamed).starts_with("the model has 2 unnamed inputs, the data has 3 columns"));
}

#[test]
fn a_cancelled_audit_stops() {
    let dataset = Dataset::open(&sample("german_credit.csv"), &ReadOptions::default()).unwrap();
    let watch = Unwatched::default();
    watch.cancel().cancel();
    let input = assize_fairness::AuditInput { dataset: &dataset, dataset_sha256: DIGEST, model: None };
    let result = audit(&input, &quick("credit_risk", &["sex"], "loan"), &watch);
    assert!(matches!(result, Err(Error::Cancelled(_))));
}
