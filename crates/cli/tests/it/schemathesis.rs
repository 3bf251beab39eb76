//! Every operation of the OpenAPI document, asked with what it allows and with what it does not: no 5xx, no status, type
//! or header that is not documented, no body that is not as documented. The tool is schemathesis, in the Python
//! environment of `cargo xtask test`.

use std::path::PathBuf;
use std::process::Command;

use crate::harness::{Server, folder, run, said, sample};

/// Cases of one operation in each phase.
const CASES: &str = "12";
/// Seconds for all of it; with more operations each gets fewer cases.
const SECONDS_MAX: &str = "75";
/// The same cases every time.
const SEED: &str = "20261121";
/// What is checked of every answer.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                      response_headers_conformance,response_schema_conformance,unsupported_method,\
                      allow_header_conformance";

/// Where the tests' Python programs are; without them there is nothing to ask with.
#[expect(clippy::disallowed_methods, reason = "tests learn from the environment where their tools are")]
fn programs() -> Option<PathBuf> {
    std::env::var("ASSIZE_TEST_PYTHON").ok().filter(|folder| !folder.is_empty()).map(PathBuf::from)
}

#[test]
fn every_operation_answers_as_its_document_says() {
    let Some(programs) = programs() else { return };
    let home = folder();
    // Generated questions come faster than any client's.
    let config = home.path().join("assize.toml");
    let limits =
        "[limits.reads]\nper_minute = 1000000\nburst = 100000\n[limits.audits]\nper_minute = 100000\nburst = 10000\n";
    std::fs::write(&config, limits).unwrap();
    let server = Server::start(&home.path().join("home"), &["--config", config.to_str().unwrap()]);
    // Owner of an organization: every operation can be reached.
    let create = ["key", "create", "--org", "acme", "--role", "owner", "--interface", "governance", "--json"];
    let created = run(home.path(), &[&create[..], &["--home", "home"]].concat());
    assert!(created.status.success(), "{}", said(&created));
    let created: serde_json::Value = serde_json::from_slice(&created.stdout).unwrap();
    let key = format!("X-API-Key: {}", created["key"].as_str().unwrap());
    // Something to ask about: a certificate of that organization, and the job that made it.
    let data = format!("dataset_file=@{}", sample("german_credit.csv").display());
    let mut form = vec!["-H", key.as_str(), "-F", data.as_str()];
    for field in [
        "model_name=Model",
        "organization=Org",
        "domain=loan",
        "target_column=credit_risk",
        "protected_attributes=sex,age",
    ] {
        form.extend(["-F", field]);
    }
    let accepted = server.curl("/audit/full?async=true", &form);
    assert_eq!(accepted.status, 202, "{}", String::from_utf8_lossy(&accepted.body));
    let job = accepted.json()["job_id"].as_str().unwrap().to_owned();
    let state = || server.curl(&format!("/audit/jobs/{job}"), &["-H", &key]).json();
    crate::harness::wait_for("the audit to end", || state()["state"] == "succeeded");
    let certificate = state()["certificate_id"].as_str().expect("it was certified").to_owned();
    let settings = home.path().join("schemathesis.toml");
    let known = [("^/verify/", &certificate), ("^/audit/jobs/", &job)];
    let known: String = known
        .iter()
        .map(|(path, id)| {
            format!("[[operations]]\ninclude-path-regex = \"{path}\"\nparameters = {{ id = \"{id}\" }}\n\n")
        })
        .collect();
    std::fs::write(&settings, known).unwrap();
    let output = Command::new(programs.join("schemathesis"))
        .args(["--config-file", settings.to_str().unwrap(), "run", &format!("{}/openapi.json", server.url)])
        .args(["--checks", CHECKS, "--phases", "examples,coverage,fuzzing", "--max-examples", CASES])
        .args(["--max-time", SECONDS_MAX, "--seed", SEED, "--workers", "2", "--continue-on-failure"])
        .args(["--suppress-health-check", "all", "--warnings", "off", "--no-color", "--header", &key])
        .current_dir(home.path())
        .output()
        .expect("schemathesis runs");
    assert!(output.status.success(), "{}", said(&output));
    // An audit still works, and what was certified still holds.
    assert_eq!(server.curl(&format!("/verify/{certificate}"), &[]).json()["valid"], true);
}
