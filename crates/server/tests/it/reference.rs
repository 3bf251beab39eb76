//! The examples of the ModelPassport document, replayed: same paths, same field names, same types, same errors.

use serde_json::{Value, json};

use crate::harness::{Form, TestApp, detail, json};

/// The document's example answer, shortened to one entry a list.
fn example() -> Value {
    json!({
        "certificate_id": "MP-2026-000001",
        "certification_status": "NOT CERTIFIED",
        "overall_score": 57.23,
        "model_name": "IncomeClassifier v1.0",
        "organization": "Research Institute",
        "domain": "employment",
        "issued_at": "2026-04-18T14:32:00Z",
        "sha256_hash": "a3f9b2c1...",
        "verify_url": "https://example.org/verify/MP-2026-000001",
        "narrative": "The model exhibits significant disparate impact...",
        "remediation_checklist": ["Re-sample training data to improve minority representation."],
        "layer_results": {
            "data_forensics": {"health_score": 62.5, "status": "WARN", "warnings": ["Underrepresentation detected in 'race' column."]},
            "stress_test": {"bias_score": 44.1, "status": "FAIL"},
            "fairness_metrics": {"overall_fairness_score": 58.7, "status": "WARN"},
            "gemini_governance": {
                "gemini_status": "ok",
                "severity_summary": {"overall_risk_level": "HIGH", "total_critical_warnings": 2},
            },
        },
    })
}

/// Every member of the example is there with its type, at every depth.
fn assert_shape(path: &str, example: &Value, found: &Value) {
    match (example, found) {
        (Value::Object(example), Value::Object(found)) => {
            for (name, value) in example {
                let member = found.get(name).unwrap_or_else(|| panic!("{path}.{name} is missing"));
                assert_shape(&format!("{path}.{name}"), value, member);
            }
        }
        (Value::Array(example), Value::Array(found)) => {
            found.iter().for_each(|found| assert_shape(&format!("{path}[]"), &example[0], found));
        }
        (Value::String(_), Value::String(_)) | (Value::Number(_), Value::Number(_)) => {}
        _ => panic!("{path}: expected the type of {example}, found {found}"),
    }
}

#[tokio::test]
async fn documented_audit_answers_the_documented_certificate() {
    let app = TestApp::start().await;
    let response = app.post("/audit/full", &Form::complete()).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "application/json");
    let certificate = json(response).await;
    assert_shape("certificate", &example(), &certificate);
    let id = certificate["certificate_id"].as_str().unwrap();
    assert!(id.starts_with("MP-20") && id.ends_with("-000001"), "{id}");
    let status = certificate["certification_status"].as_str().unwrap();
    assert!(["CERTIFIED", "CONDITIONAL", "NOT CERTIFIED"].contains(&status), "{status}");
    assert_eq!(certificate["sha256_hash"].as_str().unwrap().len(), 64);
    assert_eq!(certificate["verify_url"], format!("{}/verify/{id}", app.url));
    assert_eq!(certificate["model_name"], "IncomeClassifier v1.0");

    let verified = json(app.get(&format!("/verify/{id}")).await).await;
    assert_shape("verified", &example(), &verified);
    assert_eq!((&verified["valid"], &verified["revoked"]), (&json!(true), &json!(false)));
    assert_eq!(verified["sha256_hash"], certificate["sha256_hash"]);
    app.finish().await;
}

#[tokio::test]
async fn unknown_certificate_is_the_documented_404() {
    let app = TestApp::start().await;
    let response = app.get("/verify/MP-2026-999999").await;
    assert_eq!(response.status(), 404);
    assert_eq!(detail(response).await, "Certificate 'MP-2026-999999' not found.");
    assert_eq!(detail(app.get("/verify/not%20an%20id").await).await, "Certificate 'not an id' not found.");
    app.finish().await;
}

#[tokio::test]
async fn health_is_exactly_status_and_version() {
    let app = TestApp::start().await;
    let response = app.get("/health").await;
    assert_eq!(response.status(), 200);
    assert_eq!(json(response).await, json!({"status": "ok", "version": env!("CARGO_PKG_VERSION")}));
    app.finish().await;
}

#[tokio::test]
async fn ready_names_its_parts() {
    let app = TestApp::start().await;
    let response = app.get("/ready").await;
    assert_eq!(response.status(), 200);
    assert_eq!(json(response).await, json!({"status": "ready", "database": "ok", "objects": "ok"}));
    app.finish().await;
}
