//! `assize audit`: the whole line on files, and the same bytes as the server's.

use serde_json::Value;

use crate::harness::{Server, folder, run, said, sample};

/// The body without what says who issued it when.
pub(crate) fn measured(document: &[u8]) -> Value {
    let mut value: Value = serde_json::from_slice(document).unwrap();
    let object = value.as_object_mut().unwrap();
    for identity in [
        "certificate_id",
        "issued_at",
        "expires_at",
        "verify_url",
        "commitment_index",
        "sha256_hash",
        "signature",
        "log",
    ] {
        object.remove(identity).unwrap_or_else(|| panic!("{identity} is in the certificate"));
    }
    value
}

#[test]
fn server_and_command_line_and_any_thread_count_give_the_same_body() {
    let home = folder();
    let data = sample("adult.csv");
    let mut bodies = Vec::new();
    for threads in ["1", "2"] {
        let output = run(
            home.path(),
            &[
                "audit",
                data.to_str().unwrap(),
                "--target",
                "income",
                "--protected",
                "race,sex,age",
                "--domain",
                "employment",
                "--name",
                "IncomeClassifier v1.0",
                "--organization",
                "Research Institute",
                "--threads",
                threads,
                "--formats",
                "json",
                "--out",
                threads,
            ],
        );
        assert!(output.status.success(), "{}", said(&output));
        bodies.push(measured(&std::fs::read(home.path().join(threads).join("certificate.json")).unwrap()));
    }
    let server_home = folder();
    let server = Server::start(server_home.path(), &[]);
    let answer = server.audit("/audit/full", &data, &[]);
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    bodies.push(measured(&answer.body));
    assert_eq!(serde_json::to_string(&bodies[0]).unwrap(), serde_json::to_string(&bodies[1]).unwrap());
    assert_eq!(serde_json::to_string(&bodies[0]).unwrap(), serde_json::to_string(&bodies[2]).unwrap());
}

#[test]
fn exit_codes_say_how_it_ended() {
    let home = folder();
    let data = sample("german_credit.csv");
    let data = data.to_str().unwrap();
    let audit = |extra: &[&str]| {
        let mut arguments = vec!["audit", data, "--protected", "sex", "--domain", "loan"];
        arguments.extend(extra);
        run(home.path(), &arguments)
    };
    let passed = audit(&["--target", "credit_risk", "--fail-under", "0", "--json"]);
    assert_eq!(passed.status.code(), Some(0), "{}", said(&passed));
    let certificate: Value = serde_json::from_slice(&passed.stdout).unwrap();
    assert!(certificate["overall_score"].is_number());
    let failed = audit(&["--target", "credit_risk", "--fail-under", "100.1"]);
    assert_eq!(failed.status.code(), Some(3), "{}", said(&failed));
    let bad = audit(&["--target", "no_such_column"]);
    assert_eq!(bad.status.code(), Some(2), "{}", said(&bad));
    assert!(said(&bad).contains("credit_amount"), "the columns there are listed: {}", said(&bad));
    let usage = run(home.path(), &["audit"]);
    assert_eq!(usage.status.code(), Some(2));
}

#[test]
fn small_groups_are_listed_and_never_judged() {
    let home = folder();
    let mut text = String::from("sex,race,x,hired\n");
    for row in 0..800_u32 {
        let sex = if row % 2 == 0 { "f" } else { "m" };
        let race = if row < 2 { "rare" } else { "common" };
        text.push_str(&format!("{sex},{race},{},{}\n", row % 13, u8::from(row % 5 < 2)));
    }
    let data = home.path().join("small.csv");
    std::fs::write(&data, text).unwrap();
    let output = run(
        home.path(),
        &["audit", "small.csv", "--target", "hired", "--protected", "sex,race", "--prediction", "hired", "--json"],
    );
    // The decisions are the labels here: what matters is the size of the groups.
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let certificate: Value = serde_json::from_slice(&output.stdout).unwrap();
    let metrics = &certificate["layer_results"]["fairness_metrics"];
    let intersection = metrics["intersections"].as_array().unwrap().first().expect("sex x race");
    let rare: Vec<&Value> = intersection["groups"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|group| group["group"].as_str().unwrap().contains("rare"))
        .collect();
    assert_eq!(rare.len(), 2, "the small groups are listed");
    for group in rare {
        assert_eq!(group["small"], true);
        assert_eq!(group["disparate_impact_verdict"], "not_enough_data");
    }
    for finding in certificate["findings"].as_array().unwrap() {
        let about_rare =
            finding["groups"].as_array().unwrap().iter().any(|group| group.as_str().unwrap().contains("rare"));
        let judged = ["pass", "fail"].contains(&finding["verdict"].as_str().unwrap());
        assert!(!(about_rare && judged && finding["layer"] == "fairness_metrics"), "{finding}");
    }
}
