//! A request that names itself and is sent again does nothing twice and gets the same answer.

use std::time::Duration;

use assize_server::app::{Caller, KeyInterface, NewKey, OrganizationId, Role};
use assize_server::clock::MockClock;
use reqwest::{RequestBuilder, Response};
use serde_json::json;

use crate::harness::{Form, Start, TestApp, detail, json};

const KEY: &str = "8e03978e-40d5-43dd-bc93-6894a57f9324";

fn audit(app: &TestApp, query: &str, key: &str, form: &Form) -> RequestBuilder {
    let request = app.client.post(format!("{}/audit/full{query}", app.url)).header("idempotency-key", key);
    request.header("content-type", form.content_type()).body(form.body())
}

/// What makes two answers the same: status, the headers that belong to it, and the body.
async fn all_of(response: Response) -> (u16, Vec<Option<String>>, Vec<u8>) {
    let header = |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    let headers = ["content-type", "location", "preference-applied", "cache-control"].map(header).to_vec();
    (response.status().as_u16(), headers, response.bytes().await.unwrap().to_vec())
}

fn is_replay(response: &Response) -> bool {
    response.headers().get("idempotency-replayed").is_some_and(|value| value == "true")
}

#[tokio::test]
async fn the_same_submission_is_one_job_with_one_answer() {
    let app = Start::idle(&MockClock::default()).start().await;
    let first = audit(&app, "?async=true", KEY, &Form::complete()).send().await.unwrap();
    assert!(!is_replay(&first));
    let first = all_of(first).await;
    assert_eq!(first.0, 202);
    // A client that sends its form again separates the parts by another boundary, perhaps in another order.
    let form = Form::complete();
    let body = String::from_utf8(form.body()).unwrap().replace("assize-test-boundary", "another-boundary");
    let again = app.client.post(format!("{}/audit/full?async=true", app.url)).header("idempotency-key", KEY);
    let again = again.header("content-type", "multipart/form-data; boundary=another-boundary").body(body);
    let again = again.send().await.unwrap();
    assert!(is_replay(&again));
    assert_eq!(all_of(again).await, first);
    assert_eq!(app.jobs().await.len(), 1);
    app.stop().await;
}

#[tokio::test]
async fn the_same_key_for_something_else_is_422() {
    let app = Start::idle(&MockClock::default()).start().await;
    assert_eq!(audit(&app, "?async=true", KEY, &Form::complete()).send().await.unwrap().status(), 202);
    for (query, form) in [
        ("?async=true", Form::complete().text("domain", "loan")),
        ("?async=true", Form::complete().file("dataset_file", "other.csv", b"race,sex,age,income\n")),
        ("", Form::complete()),
    ] {
        let response = audit(&app, query, KEY, &form).send().await.unwrap();
        assert_eq!(response.status(), 422);
        assert!(detail(response).await.contains("Idempotency-Key"));
    }
    assert_eq!(app.jobs().await.len(), 1);
    app.stop().await;
}

#[tokio::test]
async fn a_certificate_comes_back_byte_for_byte() {
    let app = TestApp::start().await;
    let form = Form::complete().text("prediction_column", "decision");
    let first = all_of(audit(&app, "", KEY, &form).send().await.unwrap()).await;
    assert_eq!(first.0, 200);
    let again = audit(&app, "", KEY, &form).send().await.unwrap();
    assert!(is_replay(&again));
    assert_eq!(all_of(again).await, first);
    assert_eq!(app.jobs().await.len(), 1);
    app.finish().await;
}

#[tokio::test]
async fn six_at_once_are_one_audit() {
    let app = TestApp::start().await;
    let form = Form::complete().text("prediction_column", "decision");
    let asked = (0..6).map(|_| async { all_of(audit(&app, "", KEY, &form).send().await.unwrap()).await });
    let answers = futures::future::join_all(asked).await;
    assert_eq!(answers[0].0, 200, "{}", String::from_utf8_lossy(&answers[0].2));
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    assert_eq!(app.jobs().await.len(), 1);
    app.finish().await;
}

#[tokio::test]
async fn an_audit_goes_on_when_its_client_means_to_come_back() {
    let app = Start { worker: false, ..Start::default() }.start().await;
    let form = Form::complete().text("prediction_column", "decision");
    // The connection breaks while the client waits for the certificate.
    let waiting = audit(&app, "", KEY, &form).timeout(Duration::from_millis(1_500)).send().await;
    assert!(waiting.is_err_and(|error| error.is_timeout()));
    app.until("the accepted audit", async |app| (app.jobs().await.len() == 1).then_some(())).await;
    let worker = tokio::spawn(assize_server::jobs::work(app.app.clone(), "late".to_owned(), app.stopping.clone()));
    let answer = audit(&app, "", KEY, &form).send().await.unwrap();
    assert!(is_replay(&answer));
    assert_eq!(answer.status(), 200);
    assert_eq!(app.jobs().await.len(), 1);
    app.finish().await;
    worker.await.unwrap();
}

#[tokio::test]
async fn what_had_no_effect_may_be_sent_again() {
    let app = Start::idle(&MockClock::default()).start().await;
    let refused = audit(&app, "?async=true", KEY, &Form::complete().without("domain")).send().await.unwrap();
    assert_eq!(refused.status(), 422);
    let corrected = audit(&app, "?async=true", KEY, &Form::complete()).send().await.unwrap();
    assert_eq!(corrected.status(), 202);
    app.stop().await;
}

#[tokio::test]
async fn keys_of_other_networks_are_other_keys_and_end_after_a_day() {
    let clock = MockClock::default();
    let mut start = Start::idle(&clock);
    start.config.server.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    let app = start.start().await;
    let asked = async |client: &str| {
        let request = audit(&app, "?async=true", KEY, &Form::complete()).header("x-forwarded-for", client);
        is_replay(&request.send().await.unwrap())
    };
    assert!(!asked("198.51.100.1").await);
    assert!(!asked("198.51.100.2").await);
    assert!(asked("198.51.100.1").await);
    clock.advance(Duration::from_secs(24 * 3_600));
    assert!(!asked("198.51.100.1").await);
    assert_eq!(app.jobs().await.len(), 3);
    app.stop().await;
}

#[tokio::test]
async fn keys_that_are_none_are_422() {
    let app = Start::idle(&MockClock::default()).start().await;
    for key in ["", "two words", &"k".repeat(256)] {
        let response = audit(&app, "", key, &Form::complete()).send().await.unwrap();
        assert_eq!(response.status(), 422, "{key}");
        assert!(detail(response).await.starts_with("Idempotency-Key"));
    }
    app.finish().await;
}

#[tokio::test]
async fn a_secret_shown_once_is_shown_again_to_who_knows_the_key_and_is_kept_nowhere() {
    let app = Start::idle(&MockClock::default()).start().await;
    let organization = OrganizationId::parse("org_acme").unwrap();
    app.app.ensure_organization(&organization, "Acme").await.unwrap();
    let admin =
        NewKey { name: "admin".to_owned(), interface: KeyInterface::Governance, role: Role::Admin, expires_at: None };
    let admin = app.app.create_key(&Caller::operator(organization.clone()), &admin).await.unwrap().secret;
    let asked = async |path: &str, key: &str, body: serde_json::Value| {
        let request = app.client.post(format!("{}{path}", app.url)).header("x-api-key", &admin);
        request.header("idempotency-key", key).json(&body).send().await.unwrap()
    };
    let body = json!({ "name": "ci", "interface": "governance", "role": "viewer" });
    let first = all_of(asked("/v1/keys", KEY, body.clone()).await).await;
    assert_eq!(first.0, 201, "{}", String::from_utf8_lossy(&first.2));
    let again = asked("/v1/keys", KEY, body.clone()).await;
    assert!(is_replay(&again));
    assert_eq!(all_of(again).await, first);
    let other = asked("/v1/keys", KEY, json!({ "name": "x", "interface": "governance", "role": "viewer" })).await;
    assert_eq!(other.status(), 422);
    assert_eq!(json(other).await["code"], "idempotency_key_reused");
    assert_eq!(app.app.keys(&Caller::operator(organization), None, 9).await.unwrap().len(), 2);

    let secret: serde_json::Value = serde_json::from_slice(&first.2).unwrap();
    let secret = secret["secret"].as_str().unwrap().as_bytes();
    for file in app.files("") {
        let kept = std::fs::read(&file).unwrap();
        assert!(!kept.windows(secret.len()).any(|part| part == secret), "{} holds a secret", file.display());
    }
    // The same on routes with an id or without a body.
    let invite = json!({ "email": "ada@example.org", "role": "viewer" });
    let first = all_of(asked("/v1/invitations", "another", invite.clone()).await).await;
    assert_eq!((first.0, all_of(asked("/v1/invitations", "another", invite).await).await == first), (201, true));
    app.stop().await;
}
