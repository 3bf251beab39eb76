//! The audit trail from outside: who may read it, what the filters find, and that an export is checked without the
//! server that made it.

use std::io::BufReader;

use assize_server::app::{Caller, KeyInterface, NewKey, OrganizationId, Role, verify_trail_file};
use serde_json::Value;

use crate::harness::{Form, TestApp, json};

/// A key of the public organization with a role.
async fn key(app: &TestApp, role: Role) -> String {
    let operator = Caller::operator(OrganizationId::public());
    let new = NewKey { name: role.as_str().to_owned(), interface: KeyInterface::Governance, role, expires_at: None };
    app.app.create_key(&operator, &new).await.unwrap().secret
}

async fn get(app: &TestApp, key: &str, path: &str) -> reqwest::Response {
    app.client.get(format!("{}{path}", app.url)).header("x-api-key", key).send().await.unwrap()
}

fn actions(page: &Value) -> Vec<String> {
    page["rows"].as_array().unwrap().iter().map(|row| row["action"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn auditors_read_it_and_nobody_below() {
    let app = TestApp::start().await;
    for path in ["/v1/audit-trail", "/v1/audit-trail/export"] {
        assert_eq!(app.get(path).await.status(), 401, "{path}");
        for (role, status) in [(Role::Viewer, 403), (Role::Submitter, 403), (Role::Auditor, 200), (Role::Owner, 200)] {
            let key = key(&app, role).await;
            assert_eq!(get(&app, &key, path).await.status(), status, "{path} {role:?}");
        }
    }
    app.finish().await;
}

#[tokio::test]
async fn filters_and_pages_find_rows() {
    let app = TestApp::start().await;
    let id = app.certified().await["certificate_id"].as_str().unwrap().to_owned();
    let refused = app.post("/audit/full?async=true", &Form::complete().text("prediction_column", "decision")).await;
    assert_eq!(refused.status(), 202);
    let auditor = key(&app, Role::Auditor).await;
    let all = json(get(&app, &auditor, "/v1/audit-trail").await).await;
    assert!(all["next"].is_null());
    for action in ["audit.submit", "certificate.issue", "key.create"] {
        assert!(actions(&all).contains(&action.to_owned()), "{all}");
    }
    let of_certificate = json(get(&app, &auditor, &format!("/v1/audit-trail?subject={id}")).await).await;
    assert_eq!(actions(&of_certificate), ["certificate.issue"]);
    assert_eq!(of_certificate["rows"][0]["actor"], "system");
    let by_operator = json(get(&app, &auditor, "/v1/audit-trail?actor=operator").await).await;
    assert_eq!(actions(&by_operator), ["key.create"]);
    let submitted = json(get(&app, &auditor, "/v1/audit-trail?action=audit.submit&limit=1").await).await;
    assert_eq!(actions(&submitted), ["audit.submit"]);
    let cursor = submitted["next"].as_str().unwrap();
    let rest = json(get(&app, &auditor, &format!("/v1/audit-trail?action=audit.submit&cursor={cursor}")).await).await;
    assert_eq!(actions(&rest), ["audit.submit"]);
    assert!(rest["next"].is_null());
    let never = json(get(&app, &auditor, "/v1/audit-trail?until=2001-01-01T00:00:00Z").await).await;
    assert_eq!(actions(&never), Vec::<String>::new());
    let later = json(get(&app, &auditor, "/v1/audit-trail?since=2001-01-01T00:00:00Z").await).await;
    assert!(actions(&later).len() >= 4);
    for bad in ["since=yesterday", "cursor=x", "limit=many", "actor=a%00b"] {
        assert_eq!(get(&app, &auditor, &format!("/v1/audit-trail?{bad}")).await.status(), 422, "{bad}");
    }
    app.finish().await;
}

#[tokio::test]
async fn an_export_is_checked_without_the_server() {
    let app = TestApp::start().await;
    app.certified().await;
    let auditor = key(&app, Role::Auditor).await;
    assert_eq!(app.app.log_trails().await.unwrap(), 1);
    assert_eq!(app.app.log_trails().await.unwrap(), 0, "nothing has changed");
    app.certified().await;
    let response = get(&app, &auditor, "/v1/audit-trail/export").await;
    assert_eq!(response.headers()["content-type"], "application/x-ndjson");
    let text = response.text().await.unwrap();
    let trusted = app.app.public_keys().await.unwrap();
    let report = verify_trail_file(BufReader::new(text.as_bytes()), &trusted).unwrap();
    assert_eq!((report.organization.as_str(), report.checkpoints), ("org_public", 1));
    assert!(report.logged_rows > 0 && report.logged_rows < report.rows, "{report:?}");

    // The log shows nothing of the organization.
    let entries = json(app.get("/log/entries?start=0&count=100").await).await;
    assert!(!entries.to_string().contains("org_public"));

    let nobody = assize_attestation::TrustedKeys::default();
    let lines: Vec<&str> = text.lines().collect();
    let without = |skipped: usize| {
        let kept: Vec<&str> = lines.iter().enumerate().filter(|(n, _)| *n != skipped).map(|(_, line)| *line).collect();
        format!("{}\n", kept.join("\n"))
    };
    let checkpoint = lines.iter().position(|line| line.contains("\"checkpoint\"")).unwrap();
    let changes = [
        (text.replacen("certificate.issue", "certificate.Issue", 1), "not as written"),
        (text.replacen("\"actor\":\"system\"", "\"actor\":\"nobody\"", 1), "not as written"),
        (without(2), "is missing"),
        (without(0), "the head is missing"),
        (without(lines.len() - 1), "cut short"),
        (format!("{text}{}\n", lines[1]), "follows the end"),
        (text.replacen("\"pseudonym\":\"trail_", "\"pseudonym\":\"trail_0", 1), "is not row"),
        (text.replacen("\"line\":\"end\",\"rows\":", "\"line\":\"end\",\"rows\":1", 1), "the file ends after"),
    ];
    for (changed, expected) in changes {
        let error = verify_trail_file(BufReader::new(changed.as_bytes()), &trusted).unwrap_err().to_string();
        assert!(error.contains(expected), "{expected}: {error}");
    }
    assert!(verify_trail_file(BufReader::new(without(checkpoint).as_bytes()), &trusted).is_ok(), "rows stand alone");
    let error = verify_trail_file(BufReader::new(text.as_bytes()), &nobody).unwrap_err();
    assert!(error.to_string().contains("not trusted"), "{error}");
    app.finish().await;
}
