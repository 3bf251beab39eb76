//! The examples of the original documentation, run as printed: only the base URL and the path of the file differ.

use std::process::Command;

use serde_json::{Value, json};

use crate::harness::{Server, folder, sample};

/// The original's address, as its examples print it.
const ORIGINAL: &str = "https://modelpassport-666743556492.asia-south1.run.app";

/// As printed, line ends restored.
const CURL_EXAMPLE: &str = r#"curl -X POST https://modelpassport-666743556492.asia-south1.run.app/audit/full \
 -F "dataset_file=@/path/to/adult.csv" \
 -F "model_name=IncomeClassifier v1.0" \
 -F "organization=Research Institute" \
 -F "domain=employment" \
 -F "target_column=income" \
 -F "protected_attributes=race,sex,age""#;

/// As printed, line ends restored.
const PYTHON_EXAMPLE: &str = r#"import requests
with open("adult.csv", "rb") as f:
    response = requests.post(
        "https://modelpassport-666743556492.asia-south1.run.app/audit/full",
        data={
            "model_name": "IncomeClassifier v1.0",
            "organization": "Research Institute",
            "domain": "employment",
            "target_column": "income",
            "protected_attributes": "race,sex,age",
        },
        files={"dataset_file": f},
    )
certificate = response.json()
print(certificate["certificate_id"]) # MP-2026-000001
print(certificate["overall_score"]) # 57.23
print(certificate["certification_status"]) # NOT CERTIFIED
"#;

/// Every field of the reference's body is there and of the documented type.
pub(crate) fn assert_reference_body(certificate: &Value) {
    let text = |pointer: &str| {
        certificate
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_else(|| panic!("{pointer} is no text"))
            .to_owned()
    };
    let number = |pointer: &str| {
        certificate.pointer(pointer).and_then(Value::as_f64).unwrap_or_else(|| panic!("{pointer} is no number"))
    };
    let texts = |pointer: &str| {
        let list = certificate.pointer(pointer).and_then(Value::as_array);
        assert!(
            list.is_some_and(|list| !list.is_empty() && list.iter().all(Value::is_string)),
            "{pointer} is no list of texts"
        );
    };
    let id = text("/certificate_id");
    assert!(id.starts_with("MP-") && id.len() == 14, "{id}");
    assert!(["CERTIFIED", "CONDITIONAL", "NOT CERTIFIED"].contains(&text("/certification_status").as_str()));
    assert!((0.0..=100.0).contains(&number("/overall_score")));
    assert_eq!(text("/model_name"), "IncomeClassifier v1.0");
    assert_eq!(text("/organization"), "Research Institute");
    assert_eq!(text("/domain"), "employment");
    let issued_at = text("/issued_at");
    assert!(issued_at.len() == 20 && issued_at.ends_with('Z'), "{issued_at}");
    assert_eq!(text("/sha256_hash").len(), 64);
    assert!(text("/verify_url").ends_with(&format!("/verify/{id}")));
    assert!(!text("/narrative").is_empty());
    texts("/remediation_checklist");
    for (score, status) in [
        ("/layer_results/data_forensics/health_score", "/layer_results/data_forensics/status"),
        ("/layer_results/stress_test/bias_score", "/layer_results/stress_test/status"),
        ("/layer_results/fairness_metrics/overall_fairness_score", "/layer_results/fairness_metrics/status"),
    ] {
        assert!((0.0..=100.0).contains(&number(score)), "{score}");
        assert!(["PASS", "WARN", "FAIL"].contains(&text(status).as_str()), "{status}");
    }
    texts("/layer_results/data_forensics/warnings");
    let governance = "/layer_results/gemini_governance";
    assert!(["ok", "fallback", "disabled", "error"].contains(&text(&format!("{governance}/gemini_status")).as_str()));
    let level = text(&format!("{governance}/severity_summary/overall_risk_level"));
    assert!(["LOW", "MEDIUM", "HIGH", "CRITICAL"].contains(&level.as_str()), "{level}");
    let warnings = certificate.pointer(&format!("{governance}/severity_summary/total_critical_warnings"));
    assert!(warnings.is_some_and(Value::is_u64));
}

#[test]
fn the_curl_example_runs_as_printed() {
    let home = folder();
    let server = Server::start(home.path(), &[]);
    let example = CURL_EXAMPLE
        .replace(ORIGINAL, &server.url)
        .replace("/path/to/adult.csv", sample("adult.csv").to_str().unwrap());
    let output = Command::new("sh").args(["-c", &format!("{example} --silent")]).output().unwrap();
    assert!(output.status.success());
    let certificate: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_reference_body(&certificate);
    let id = certificate["certificate_id"].as_str().unwrap();
    let verified = server.curl(&format!("/verify/{id}"), &[]);
    assert_eq!(verified.status, 200);
    assert_eq!(verified.json()["valid"], json!(true));
    assert_eq!(verified.json()["revoked"], json!(false));
    assert_eq!(verified.json()["sha256_hash"], certificate["sha256_hash"]);
    assert_reference_body(&verified.json());
}

#[test]
fn the_python_example_runs_as_printed() {
    let home = folder();
    let server = Server::start(home.path(), &[]);
    let work = folder();
    std::os::unix::fs::symlink(sample("adult.csv"), work.path().join("adult.csv")).unwrap();
    let example = PYTHON_EXAMPLE.replace(ORIGINAL, &server.url);
    // Debian's interpreter: it is the one that python3-requests is installed for.
    let output =
        Command::new("/usr/bin/python3").args(["-c", &example]).current_dir(work.path()).output().expect("python3");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let printed = String::from_utf8(output.stdout).unwrap();
    let mut lines = printed.lines();
    assert!(lines.next().unwrap().starts_with("MP-"), "{printed}");
    assert!(lines.next().unwrap().parse::<f64>().is_ok(), "{printed}");
    assert_eq!(lines.next().unwrap(), "NOT CERTIFIED", "{printed}");
}

#[test]
fn an_unknown_certificate_and_health_answer_exactly_as_documented() {
    let home = folder();
    let server = Server::start(home.path(), &[]);
    let unknown = server.curl("/verify/MP-2026-999999", &[]);
    assert_eq!(unknown.status, 404);
    assert_eq!(unknown.json(), json!({"detail": "Certificate 'MP-2026-999999' not found."}));
    let health = server.curl("/health", &[]);
    for header in ["content-type: application/json", "x-request-id: ", "ratelimit-remaining: "] {
        assert!(health.headers.to_lowercase().contains(header), "{header} is not in {}", health.headers);
    }
    assert_eq!((health.status, health.json()), (200, json!({"status": "ok", "version": env!("CARGO_PKG_VERSION")})));
}
