//! The same line on PostgreSQL: the same certificate body, and a log whose missing entry is found. The cluster is the
//! throwaway one of `cargo xtask test`, which names it in `ASSIZE_TEST_POSTGRES_URL`.

use std::process::Command;

use crate::audit_files::measured;
use crate::harness::{folder, run, said, sample};

/// Where the cluster is; without one there is nothing to test here.
#[expect(clippy::disallowed_methods, reason = "tests learn from the environment where their database is")]
fn cluster() -> Option<String> {
    std::env::var("ASSIZE_TEST_POSTGRES_URL").ok()
}

fn psql(url: &str, statement: &str) {
    let output = Command::new("psql")
        .args(["--quiet", "--no-psqlrc", "--set", "ON_ERROR_STOP=1", url, "--command", statement])
        .output()
        .expect("psql is installed: cargo xtask test installs it");
    assert!(output.status.success(), "{statement}: {}", said(&output));
}

#[test]
fn postgresql_gives_the_same_body_and_shows_a_removed_entry() {
    let Some(cluster) = cluster() else { return };
    let name = format!("assize_cli_{}", std::process::id());
    psql(&cluster, &format!("CREATE DATABASE {name}"));
    let (server, _) = cluster.rsplit_once('/').expect("the URL names a database");
    let database = format!("{server}/{name}");
    let home = folder();
    let data = sample("german_credit.csv");
    let audit = |out: &str, more: &[&str]| {
        let mut arguments = vec![
            "audit",
            data.to_str().unwrap(),
            "--target",
            "credit_risk",
            "--protected",
            "sex,age",
            "--domain",
            "loan",
            "--formats",
            "json",
            "--out",
            out,
        ];
        arguments.extend(more);
        let output = run(home.path(), &arguments);
        assert!(output.status.success(), "{}", said(&output));
        measured(&std::fs::read(home.path().join(out).join("certificate.json")).unwrap())
    };
    let on_sqlite = audit("sqlite", &[]);
    let on_postgres = audit("postgres", &["--database", &database, "--home", "other-home"]);
    assert_eq!(serde_json::to_string(&on_sqlite).unwrap(), serde_json::to_string(&on_postgres).unwrap());

    let document = std::fs::read(home.path().join("postgres/certificate.json")).unwrap();
    let document: serde_json::Value = serde_json::from_slice(&document).unwrap();
    let id = document["certificate_id"].as_str().unwrap();
    let verify = || run(home.path(), &["verify", id, "--database", &database, "--home", "other-home"]);
    let before = verify();
    assert_eq!(before.status.code(), Some(0), "{}", said(&before));
    psql(&database, "DELETE FROM log_leaves WHERE leaf_index = 0");
    let after = verify();
    assert_eq!(after.status.code(), Some(3), "{}", said(&after));
    assert!(said(&after).contains("log entry 0 is missing"), "{}", said(&after));
    psql(&cluster, &format!("DROP DATABASE {name} WITH (FORCE)"));
}
