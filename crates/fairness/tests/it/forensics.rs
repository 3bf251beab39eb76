//! Layer 1 on data whose faults are known.

use std::fmt::Write;

use assize_fairness::document::{Status, Verdict};

use crate::audit_support::{adult, audit_csv, findings, loans, quick};

fn proxy(attribute: &str, column: &str) -> (f64, f64) {
    let proxies = &adult().layer_results.data_forensics.proxies;
    let found = proxies
        .iter()
        .find(|proxy| proxy.attribute == attribute && proxy.column == column)
        .expect("every column is compared");
    (found.cramers_v, found.cramers_v_uncorrected)
}

#[test]
fn proxies_of_adult_are_those_of_the_golden_file() {
    let golden: serde_json::Value = serde_json::from_str(include_str!("../fixtures/golden_adult_rule.json")).unwrap();
    for (attribute, column) in [
        ("sex", "relationship"),
        ("sex", "marital-status"),
        ("sex", "occupation"),
        ("sex", "workclass"),
        ("race", "native-country"),
        ("race", "education"),
    ] {
        let expected = golden["cramers_v"][format!("{attribute}|{column}")].as_f64().unwrap();
        let (corrected, uncorrected) = proxy(attribute, column);
        assert!((uncorrected - expected).abs() < 1e-12, "{attribute}|{column}: {uncorrected} for {expected}");
        assert!(corrected <= uncorrected && uncorrected - corrected < 0.01, "{attribute}|{column}: {corrected}");
    }
    assert!((proxy("sex", "relationship").0 - 0.649).abs() < 0.0005);
}

#[test]
fn the_data_of_adult_are_described() {
    let data = &adult().layer_results.data_forensics;
    assert_eq!(data.status, Status::Warn);
    assert_eq!(data.rows_without_label, 0);
    assert_eq!(data.duplicate_rows, 24);
    assert!((data.base_rate - 7_841.0 / 32_561.0).abs() < 1e-12);
    let women = data.representation.iter().find(|people| people.group == "Female").unwrap();
    assert_eq!(women.n, 10_771);
    assert_eq!(women.base_rate.value, Some(1_179.0 / 10_771.0));
    let sex = data.joint_proxies.iter().find(|joint| joint.attribute == "sex").unwrap();
    assert!(sex.auc.unwrap() > 0.85, "all columns together give the sex away: {:?}", sex.auc);
    assert_eq!(sex.columns[0], "relationship");
    let missing = data.missingness.iter().find(|one| one.column == "occupation" && one.attribute == "sex").unwrap();
    let rows: f64 = missing.by_group.iter().map(|group| group.share.value.unwrap() * group.share.n as f64).sum();
    assert!((rows - 1_843.0).abs() < 1e-6);
    assert!(data.leakage.is_empty());
}

#[test]
fn columns_that_should_not_be_there_are_found() {
    let mut text = String::from("applicant_id,contact,constant,skill,group,copy,y\n");
    for row in 0..400 {
        let y = u8::from(row * 7 % 10 > 5);
        let (skill, group) = (row * 37 % 100, ["a", "b"][row % 2]);
        writeln!(text, "{},p{row}@example.org,1,{skill},{group},{},{y}", 5000 + row, f64::from(y) * 3.5).unwrap();
    }
    let measured = audit_csv(&text, &quick("y", &["group"], "loan")).unwrap();
    let data = &measured.layer_results.data_forensics;
    let notes: Vec<(&str, &str)> = data.column_notes.iter().map(|n| (n.column.as_str(), n.kind.as_str())).collect();
    for expected in [
        ("applicant_id", "identifier"),
        ("contact", "identifier"),
        ("contact", "personal_data"),
        ("constant", "constant"),
    ] {
        assert!(notes.contains(&expected), "{expected:?} in {notes:?}");
    }
    assert_eq!(data.leakage[0].column, "copy");
    assert_eq!(data.status, Status::Fail, "leakage is serious");
    let roles: Vec<&str> = measured.subject.dataset.columns.iter().map(|column| column.role.as_str()).collect();
    assert_eq!(roles, ["left_out", "left_out", "left_out", "feature", "protected", "feature", "target"]);
    let document = serde_json::to_string(&measured).unwrap();
    assert!(!document.contains("example.org"), "no value of a row is in the document");
}

#[test]
fn expected_shares_are_held_against_the_rows() {
    let mut settings = quick("paid", &["group"], "loan");
    let shares = [("a".to_owned(), 0.9), ("b".to_owned(), 0.1)].into();
    settings.reference_shares.insert("group".into(), shares);
    let measured = audit_csv(&loans(2_000, false), &settings).unwrap();
    let found = findings(&measured, "data.representation");
    assert_eq!(found.len(), 2);
    assert_eq!(found[0].verdict, Verdict::Fail);
    assert_eq!(found[0].groups, ["a"]);
    assert_eq!(found[1].verdict, Verdict::Pass);
}

#[test]
fn a_target_named_for_a_harm_is_asked_about() {
    let text = loans(1_000, false).replacen("paid", "loan_default", 1);
    let measured = audit_csv(&text, &quick("loan_default", &["group"], "loan")).unwrap();
    assert_eq!(findings(&measured, "data.favourable_label")[0].verdict, Verdict::NotEnoughData);
    let mut settings = quick("loan_default", &["group"], "loan");
    settings.positive_label = Some("0".into());
    assert!(findings(&audit_csv(&text, &settings).unwrap(), "data.favourable_label").is_empty());
}
