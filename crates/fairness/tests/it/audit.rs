//! Whole audits: real data, columns of predictions, model files, and what must not depend on anything.

use assize_fairness::document::{CertificateBody, CertificationStatus, ModelSubject, Status, Verdict};
use assize_fairness::{AuditSettings, Unwatched, check_request, prepare};
use assize_tables::{Dataset, ReadOptions};

use crate::audit_support::{
    Biased, DIGEST, adult, attribute, audit_csv, audit_file, audit_model, findings, group, identity, loans, quick,
    sample,
};

#[test]
fn adult_fails_for_sex_and_says_so() {
    let measured = adult();
    assert_eq!(measured.certification_status, CertificationStatus::NotCertified);
    assert_eq!(measured.layer_results.fairness_metrics.status, Status::Fail);
    let women = group(measured, "sex", "Female");
    let ratio = women.disparate_impact.value.unwrap();
    assert!((0.25..0.40).contains(&ratio), "disparate impact of women {ratio}");
    assert_eq!(women.disparate_impact_verdict, Verdict::Fail);
    assert!(measured.layer_results.gemini_governance.severity_summary.total_critical_warnings >= 1);
    assert_eq!(measured.parameters.positive_label, ">50K");
    assert_eq!(measured.parameters.positive_label_rule, "rarer");
    let ModelSubject::TrainedForest { training_rows, evaluation_rows, auc, accuracy, features, .. } =
        &measured.subject.model
    else {
        panic!("a forest was trained")
    };
    assert_eq!(training_rows + evaluation_rows, 32_561);
    assert!(auc.unwrap() > 0.90 && *accuracy > 0.85, "auc {auc:?}, accuracy {accuracy}");
    assert!(features.contains(&"sex".to_owned()) && !features.contains(&"income".to_owned()));
    assert_eq!(measured.layer_results.fairness_metrics.rows, *evaluation_rows);
}

#[test]
fn bands_of_age_follow_the_law_of_the_domain() {
    let bands = &adult().parameters.bands[0];
    assert_eq!((bands.rule.as_str(), bands.edges.as_slice()), ("law", [24.0, 39.0, 54.0, 64.0].as_slice()));
    assert!(attribute(adult(), "age").groups.iter().any(|group| group.group == "over 64"));
    let mut settings = quick("credit_risk", &["age"], "loan");
    settings.age_bins = Some(vec![30.0]);
    let measured = audit_file(&sample("german_credit.csv"), &settings).unwrap();
    assert_eq!(measured.parameters.bands[0].labels, ["up to 30", "over 30"]);
    assert_eq!(measured.parameters.domain_profile, "credit");
    assert!(measured.method.law.iter().any(|law| law.reference.contains("12 CFR 1002")));
}

#[test]
fn german_credit_takes_good_for_favourable_and_leaves_small_groups_unscored() {
    let measured =
        audit_file(&sample("german_credit.csv"), &quick("credit_risk", &["sex", "foreign_worker"], "loan")).unwrap();
    assert_eq!(
        (measured.parameters.positive_label.as_str(), measured.parameters.positive_label_rule.as_str()),
        ("good", "convention")
    );
    // Eleven of three hundred judged rows: neither pass nor fail.
    let foreign = attribute(&measured, "foreign_worker");
    assert!(foreign.rows_in_small_groups > 0);
    assert_eq!(foreign.demographic_parity_ratio.verdict, Verdict::NotEnoughData);
    assert_ne!(measured.certification_status, CertificationStatus::Certified, "an attribute was not conclusive");
}

#[test]
fn labels_with_a_final_dot_are_the_same_labels() {
    let plain = std::fs::read_to_string(sample("adult_test.csv")).unwrap();
    let rows: Vec<&str> = plain.lines().take(3001).collect();
    let dotted: String =
        rows[0].to_owned() + "\n" + &rows[1..].iter().map(|row| format!("{row}.\n")).collect::<String>();
    let settings = AuditSettings { positive_label: Some(">50K".into()), ..quick("income", &["sex"], "hiring") };
    let with_dots = audit_csv(&dotted, &settings).unwrap();
    let without = audit_csv(&(rows.join("\n") + "\n"), &settings).unwrap();
    assert_eq!(with_dots.parameters.positive_label_rule, "given");
    assert_eq!(with_dots.layer_results.fairness_metrics, without.layer_results.fairness_metrics);
}

#[test]
fn a_prediction_column_is_judged_over_all_rows() {
    let mut settings = quick("paid", &["group"], "loan");
    settings.prediction_column = Some("decision".into());
    let measured = audit_csv(&loans(2_000, true), &settings).unwrap();
    assert!(matches!(&measured.subject.model, ModelSubject::PredictionColumn { column, .. } if column == "decision"));
    let (a, b) = (group(&measured, "group", "a"), group(&measured, "group", "b"));
    assert_eq!((a.n, b.n), (1_000, 1_000));
    assert_eq!(a.selection_rate.value, Some(0.49));
    assert_eq!(b.selection_rate.value, Some(0.09));
    assert_eq!(b.disparate_impact_verdict, Verdict::Fail);
    let stress = &measured.layer_results.stress_test;
    assert!(stress.flips.is_empty() && stress.flips_reason.is_some());
    assert_eq!(findings(&measured, "bias.flip_rate")[0].verdict, Verdict::NotAssessed);
}

#[test]
fn decisions_without_labels_get_selection_rates_and_no_error_rates() {
    let mut settings = quick("decision", &["group"], "hiring");
    settings.prediction_column = Some("decision".into());
    let measured = audit_csv(&loans(2_000, true), &settings).unwrap();
    let b = group(&measured, "group", "b");
    assert_eq!(b.selection_rate.value, Some(0.09));
    assert_eq!((b.tpr.value, b.base_rate.value), (None, None));
    assert!(measured.method.limits.iter().any(|limit| limit.contains("no labels")));
}

#[test]
fn a_score_column_is_cut_at_one_half() {
    let text: String = std::iter::once("score,group,paid\n".to_owned())
        .chain((0..600).map(|row| {
            let score = f64::from(row % 100) / 100.0;
            format!("{score},{},{}\n", ["a", "b"][row as usize / 100 % 2], u8::from(row % 100 > 40))
        }))
        .collect();
    let mut settings = quick("paid", &["group"], "loan");
    settings.score_column = Some("score".into());
    let measured = audit_csv(&text, &settings).unwrap();
    assert_eq!(group(&measured, "group", "a").selection_rate.value, Some(0.5));
    assert_eq!(measured.parameters.decision_threshold, Some(0.5));
    assert!(group(&measured, "group", "a").scores.is_some());
}

#[test]
fn rows_without_a_label_are_left_out_and_counted() {
    let mut text = loans(1_000, true);
    text.push_str("50,north,a,,1\n50,north,b,?,0\n");
    let mut settings = quick("paid", &["group"], "loan");
    settings.prediction_column = Some("decision".into());
    let measured = audit_csv(&text, &settings).unwrap();
    assert_eq!(measured.layer_results.data_forensics.rows_without_label, 2);
    assert_eq!(measured.layer_results.fairness_metrics.rows, 1_000);
}

#[test]
fn a_missing_protected_value_is_a_group_of_its_own() {
    let mut text = loans(1_000, true);
    for row in 0..40 {
        text.push_str(&format!("{row},north,?,0,0\n"));
    }
    let mut settings = quick("paid", &["group"], "loan");
    settings.prediction_column = Some("decision".into());
    let measured = audit_csv(&text, &settings).unwrap();
    assert_eq!(group(&measured, "group", "(missing)").n, 40);
}

#[test]
fn weights_change_rates_and_not_counts() {
    let text = loans(1_000, true);
    let weighted: String = text
        .lines()
        .enumerate()
        .map(|(index, line)| format!("{line},{}\n", if index == 0 { "weight".into() } else { (index % 3).to_string() }))
        .collect();
    let mut settings = quick("paid", &["group"], "loan");
    settings.prediction_column = Some("decision".into());
    settings.weight_column = Some("weight".into());
    let measured = audit_csv(&weighted, &settings).unwrap();
    assert_eq!(group(&measured, "group", "a").n, 500);
    assert!(measured.subject.dataset.columns.iter().any(|column| column.role == "weight"));
}

#[test]
fn a_model_that_was_handed_in_is_asked_and_its_bias_found_by_flips() {
    let model = Biased::new(&["skill", "group"], &["0", "1"]);
    let measured = audit_model(&loans(2_000, false), &quick("paid", &["group"], "loan"), &model).unwrap();
    assert!(matches!(&measured.subject.model, ModelSubject::File { name, .. } if name == "model.joblib"));
    assert_eq!(group(&measured, "group", "b").selection_rate.value, Some(0.09));
    let flip = &measured.layer_results.stress_test.flips[0];
    // Skills 51 to 90 are selected as "a" and not as "b".
    assert_eq!(flip.flip_rate.value, Some(0.4));
    assert_eq!(findings(&measured, "bias.flip_rate")[0].verdict, Verdict::Fail);
    let to_b = flip.to_value.iter().find(|to| to.group == "b").unwrap();
    assert_eq!((to_b.gained, to_b.lost), (0.0, 0.2));
}

#[test]
fn threads_do_not_change_a_byte() {
    let text = loans(3_000, false);
    let run = |threads| {
        let settings = AuditSettings { threads, ..quick("paid", &["group", "region"], "loan") };
        serde_json::to_string(&audit_csv(&text, &settings).unwrap()).unwrap()
    };
    let one = run(1);
    assert_eq!(one, run(2));
    assert_eq!(one, run(3));
}

#[test]
fn the_seed_changes_the_split_and_is_recorded() {
    let text = loans(3_000, false);
    let run = |seed| audit_csv(&text, &AuditSettings { seed, ..quick("paid", &["group"], "loan") }).unwrap();
    let (first, second) = (run(1), run(2));
    assert_eq!(second.parameters.seed, 2);
    assert_ne!(first.layer_results.fairness_metrics, second.layer_results.fairness_metrics);
}

#[test]
fn two_people_neither_pass_nor_fail() {
    let mut text = loans(2_000, true);
    text.push_str("99,east,b,1,0\n98,east,b,1,0\n");
    let mut settings = quick("paid", &["group", "region"], "loan");
    settings.prediction_column = Some("decision".into());
    let measured = audit_csv(&text, &settings).unwrap();
    let east = group(&measured, "group x region", "b | east");
    assert!(east.small && east.n == 2);
    assert_eq!(east.disparate_impact_verdict, Verdict::NotEnoughData);
    let ratio = attribute(&measured, "group x region").demographic_parity_ratio.estimate.value.unwrap();
    assert!(ratio > 0.0, "two people must not make the ratio 0");
    let failed = measured.findings.iter().filter(|finding| finding.verdict == Verdict::Fail);
    assert!(failed.flat_map(|finding| &finding.groups).all(|group| group != "b | east"));
}

#[test]
fn strata_and_reference_groups_are_used() {
    let mut settings = quick("paid", &["group"], "loan");
    settings.prediction_column = Some("decision".into());
    settings.strata = vec!["region".into()];
    settings.reference_groups.insert("group".into(), "b".into());
    let measured = audit_csv(&loans(2_000, true), &settings).unwrap();
    let own = attribute(&measured, "group");
    assert_eq!(own.reference_group, "b");
    assert!(own.conditional_demographic_disparity.iter().any(|one| one.stratum == "region"));
    assert_eq!(measured.parameters.reference_groups[0].rule, "given");
}

#[test]
fn the_commitment_names_what_will_be_measured() {
    let dataset = Dataset::open(&sample("german_credit.csv"), &ReadOptions::default()).unwrap();
    let input = assize_fairness::AuditInput { dataset: &dataset, dataset_sha256: DIGEST, model: None };
    let mut settings = quick("credit_risk", &["sex"], "loan");
    settings.thresholds.insert("disparate_impact_min".into(), 0.9);
    let promised = prepare(&input, &settings, &Unwatched::default()).unwrap().commitment();
    assert_eq!(promised["thresholds"]["disparate_impact_min"], 0.9);
    assert_eq!((&promised["target_column"], &promised["domain_profile"]), (&"credit_risk".into(), &"credit".into()));
    assert_eq!(prepare(&input, &settings, &Unwatched::default()).unwrap().commitment(), promised);
}

#[test]
fn a_request_is_refused_by_the_header_alone() {
    let dataset = Dataset::open(&sample("german_credit.csv"), &ReadOptions::default()).unwrap();
    let settings = quick("credit_risk", &["sex"], "loan");
    check_request(&dataset, &settings).unwrap();
    let absent = AuditSettings { target_column: "nothing".into(), ..settings.clone() };
    assert!(check_request(&dataset, &absent).unwrap_err().to_string().contains("nothing"));
    let few = AuditSettings { resamples: 1, ..settings };
    assert!(check_request(&dataset, &few).unwrap_err().to_string().contains("resamples"));
}

#[test]
fn a_body_has_every_field_of_the_interface_with_its_type() {
    let body = serde_json::to_value(adult().clone().into_body(identity(), None)).unwrap();
    for field in [
        "certificate_id",
        "certification_status",
        "model_name",
        "organization",
        "domain",
        "issued_at",
        "verify_url",
        "narrative",
    ] {
        assert!(body[field].is_string(), "{field}");
    }
    assert!(body["overall_score"].is_number());
    assert!(body["remediation_checklist"].as_array().unwrap().iter().all(serde_json::Value::is_string));
    let layers = &body["layer_results"];
    for (layer, score) in [
        ("data_forensics", "health_score"),
        ("stress_test", "bias_score"),
        ("fairness_metrics", "overall_fairness_score"),
    ] {
        assert!(layers[layer][score].is_number(), "{layer}.{score}");
        assert!(["PASS", "WARN", "FAIL"].contains(&layers[layer]["status"].as_str().unwrap()), "{layer}");
    }
    assert!(layers["data_forensics"]["warnings"].as_array().unwrap().iter().all(serde_json::Value::is_string));
    let governance = &layers["gemini_governance"];
    assert_eq!(governance["gemini_status"], "fallback");
    assert!(governance["severity_summary"]["overall_risk_level"].is_string());
    assert!(governance["severity_summary"]["total_critical_warnings"].is_u64());
}

#[test]
fn the_first_certificate_ever_written_still_loads() {
    let text = include_str!("../fixtures/certificate_v1.json");
    let body: CertificateBody = serde_json::from_str(text).unwrap();
    assert_eq!((body.schema_version, body.certificate_id.as_str()), (1, "MP-2026-000001"));
    let again: CertificateBody = serde_json::from_str(&serde_json::to_string(&body).unwrap()).unwrap();
    assert_eq!(again, body);
}

#[test]
fn a_large_file_is_examined_by_a_sample_and_counted_in_full() {
    let mut settings = quick("paid", &["group"], "loan");
    settings.prediction_column = Some("decision".into());
    let measured = audit_csv(&loans(250_000, true), &settings).unwrap();
    assert_eq!(measured.layer_results.data_forensics.rows_examined, 200_000);
    assert_eq!(measured.layer_results.fairness_metrics.rows, 250_000);
    assert!(measured.method.steps.iter().any(|step| step.contains("200000")));
}
