//! Keys, people, roles and sessions through the real router.

use std::time::Duration;

use assize_server::app::{Acceptance, App, AppError, Caller, KeyInterface, NewKey, OrganizationId, Role, Token};
use assize_server::clock::MockClock;
use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::harness::{Form, Start, TestApp, json};

const PASSWORD: &str = "a sentence nobody guesses";

fn organization(name: &str) -> OrganizationId {
    OrganizationId::parse(&format!("org_{name}")).unwrap()
}

/// A key of the organization, which is made when it is new.
pub(crate) async fn key(app: &App, name: &str, role: Role) -> String {
    let id = organization(name);
    app.ensure_organization(&id, name).await.unwrap();
    let new = NewKey { name: "test".to_owned(), interface: KeyInterface::Governance, role, expires_at: None };
    app.create_key(&Caller::operator(id), &new).await.unwrap().secret
}

impl TestApp {
    /// Asks with a key, and a JSON body when there is one.
    pub(crate) async fn ask(&self, method: Method, path: &str, key: &str, body: Option<Value>) -> Response {
        let request = self.client.request(method, format!("{}{path}", self.url)).header("x-api-key", key);
        match body {
            Some(body) => request.json(&body).send().await.unwrap(),
            None => request.send().await.unwrap(),
        }
    }
}

#[tokio::test]
async fn a_key_is_shown_once_used_rotated_and_revoked() {
    let server = TestApp::start().await;
    let admin = key(&server.app, "acme", Role::Admin).await;
    let body = json!({ "name": " build server ", "interface": "interactions", "role": "submitter" });
    let response = server.ask(Method::POST, "/v1/keys", &admin, Some(body)).await;
    assert_eq!(response.status(), 201);
    assert_eq!(response.headers()["cache-control"], "no-store");
    let issued = json(response).await;
    let secret = issued["secret"].as_str().unwrap();
    assert!(secret.starts_with("sk-viri-") && secret.len() >= 28, "{secret}");
    assert_eq!(issued["key"]["name"], "build server");
    assert!(secret.ends_with(issued["key"]["last_four"].as_str().unwrap()));

    let listed = server.ask(Method::GET, "/v1/keys?limit=1", &admin, None).await.text().await.unwrap();
    assert!(!listed.contains(secret) && listed.contains("\"next\":\"key_"), "{listed}");
    // A submitter sees nothing, not even itself.
    assert_eq!(server.ask(Method::GET, "/v1/organization", secret, None).await.status(), 403);

    let id = issued["key"]["id"].as_str().unwrap();
    let rotated =
        server.ask(Method::POST, &format!("/v1/keys/{id}/rotate"), &admin, Some(json!({ "overlap_hours": 1 }))).await;
    let rotated = json(rotated).await;
    let newer = rotated["secret"].as_str().unwrap();
    // Both work in the overlap: refused for the role, not for the key.
    for working in [secret, newer] {
        assert_eq!(server.ask(Method::GET, "/v1/organization", working, None).await.status(), 403);
    }
    let newer_id = rotated["key"]["id"].as_str().unwrap();
    let revoked = server.ask(Method::DELETE, &format!("/v1/keys/{newer_id}"), &admin, None).await;
    assert_eq!(json(revoked).await["state"], "revoked");
    assert_eq!(server.ask(Method::GET, "/v1/organization", newer, None).await.status(), 401);
    let again = server.ask(Method::POST, &format!("/v1/keys/{newer_id}/rotate"), &admin, Some(json!({}))).await;
    assert_eq!(again.status(), 409);
    server.finish().await;
}

#[tokio::test]
async fn keys_end_when_they_should_and_name_their_organization() {
    let clock = MockClock::default();
    let server = Start::idle(&clock).start().await;
    let admin = key(&server.app, "acme", Role::Admin).await;
    let ends =
        json!({ "name": "short", "interface": "governance", "role": "viewer", "expires_at": "2026-01-01T00:01:00Z" });
    let short = json(server.ask(Method::POST, "/v1/keys", &admin, Some(ends)).await).await;
    let short = short["secret"].as_str().unwrap();
    assert_eq!(server.ask(Method::GET, "/v1/organization", short, None).await.status(), 200);
    clock.advance(Duration::from_secs(60));
    assert_eq!(server.ask(Method::GET, "/v1/organization", short, None).await.status(), 401);

    for (named, status) in [("org_acme", 200), ("org_other", 401), ("", 401)] {
        let request = server.client.get(format!("{}/v1/organization", server.url)).header("x-api-key", &admin);
        let response = request.header("X-Organization-ID", named).send().await.unwrap();
        assert_eq!(response.status(), status, "{named}");
    }
    for (header, value) in [("authorization", format!("Bearer {admin}")), ("X-API-KEY", admin.clone())] {
        let request = server.client.get(format!("{}/v1/organization", server.url)).header(header, value);
        assert_eq!(request.send().await.unwrap().status(), 200, "{header}");
    }
    for bad in ["", "ak_live_", "ak_live_unknown", "hunter2", &"ak_live_x".repeat(100)] {
        assert_eq!(server.ask(Method::GET, "/v1/organization", bad, None).await.status(), 401, "{bad}");
    }
    server.finish().await;
}

#[tokio::test]
async fn everything_wrong_with_a_body_is_said_at_once() {
    let server = TestApp::start().await;
    let admin = key(&server.app, "acme", Role::Admin).await;
    let body = json!({ "name": 3, "interface": "telepathy", "expires_at": "tomorrow" });
    let response = server.ask(Method::POST, "/v1/keys", &admin, Some(body)).await;
    assert_eq!(response.status(), 422);
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    let problem = json(response).await;
    assert_eq!(problem["code"], "invalid_fields");
    let fields: Vec<_> = problem["errors"].as_array().unwrap().iter().map(|e| e["field"].as_str().unwrap()).collect();
    assert_eq!(fields, ["name", "interface", "role", "expires_at"]);
    // Nobody makes a key that may more than they do.
    let owner = json!({ "name": "x", "interface": "governance", "role": "owner" });
    assert_eq!(server.ask(Method::POST, "/v1/keys", &admin, Some(owner)).await.status(), 403);
    for (body, says) in [("[]", "must be a JSON object"), ("{", "not JSON"), ("\u{feff}", "not JSON")] {
        let request = server.client.post(format!("{}/v1/keys", server.url)).header("x-api-key", &admin).body(body);
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 422);
        assert!(json(response).await["detail"].as_str().unwrap().contains(says), "{body}");
    }
    server.finish().await;
}

#[tokio::test]
async fn people_join_by_a_link_that_works_once() {
    let server = TestApp::start().await;
    let owner = key(&server.app, "acme", Role::Owner).await;
    let invite = json!({ "email": "Ada@Example.org", "role": "admin" });
    let issued = json(server.ask(Method::POST, "/v1/invitations", &owner, Some(invite.clone())).await).await;
    let token = Token::parse(issued["url"].as_str().unwrap().rsplit('/').next().unwrap()).unwrap();
    let answer = |password| Acceptance { name: "Ada", password, address: None };
    let weak = server.app.accept_invitation(&token, &answer("short")).await.unwrap_err();
    assert!(matches!(weak, AppError::Fields(_)), "{weak:?}");
    assert_eq!(server.app.accept_invitation(&token, &answer(PASSWORD)).await.unwrap(), "ada@example.org");
    let used = server.app.accept_invitation(&token, &answer(PASSWORD)).await.unwrap_err();
    assert!(matches!(used, AppError::NotFound { .. }), "{used:?}");

    // Somebody with an account joins a second organization with the password they have, and with no other.
    let other = key(&server.app, "other", Role::Owner).await;
    let issued = json(server.ask(Method::POST, "/v1/invitations", &other, Some(invite)).await).await;
    let token = Token::parse(issued["url"].as_str().unwrap().rsplit('/').next().unwrap()).unwrap();
    let wrong = server.app.accept_invitation(&token, &answer("another long sentence")).await.unwrap_err();
    assert!(matches!(wrong, AppError::SignInRefused), "{wrong:?}");
    server.app.accept_invitation(&token, &answer(PASSWORD)).await.unwrap();
    let people = json(server.ask(Method::GET, "/v1/users", &other, None).await).await;
    assert_eq!(people["users"][0]["email"], "ada@example.org");
    let id = people["users"][0]["id"].as_str().unwrap();

    // The second organization did not bring the account into being, so it cannot reset its password.
    let link = format!("/v1/users/{id}/password-link");
    assert_eq!(server.ask(Method::POST, &link, &other, None).await.status(), 403);
    assert_eq!(server.ask(Method::POST, &link, &owner, None).await.status(), 201);

    // The only owner can neither leave nor step down.
    let role = |role: &str| Some(json!({ "role": role }));
    let person = format!("/v1/users/{id}");
    assert_eq!(server.ask(Method::PATCH, &person, &other, role("owner")).await.status(), 200);
    assert_eq!(server.ask(Method::PATCH, &person, &other, role("viewer")).await.status(), 409);
    assert_eq!(server.ask(Method::DELETE, &person, &other, None).await.status(), 409);
    assert_eq!(server.ask(Method::DELETE, &person, &owner, None).await.status(), 204);
    assert_eq!(server.ask(Method::GET, &person, &owner, None).await.status(), 404);
    server.finish().await;
}

#[tokio::test]
async fn sessions_begin_end_and_run_out() {
    let clock = MockClock::default();
    let server = Start::idle(&clock).start().await;
    let app = &server.app;
    let acme = organization("acme");
    app.ensure_organization(&acme, "Acme").await.unwrap();
    let (_, password) = app.create_person(&acme, "ada@example.org", "Ada", Role::Owner).await.unwrap();
    let password = password.unwrap();
    let token = app.sign_in(" ADA@example.org", &password, None).await.unwrap().token;
    let signed_in = app.session(&token, None).await.unwrap().unwrap();
    assert_eq!((signed_in.caller.role, signed_in.organization_name.as_str()), (Role::Owner, "Acme"));

    let idle = Duration::from_secs(60 * u64::from(app.config().identity.session_idle_minutes));
    clock.advance(idle - Duration::from_secs(1));
    assert!(app.session(&token, None).await.unwrap().is_some());
    clock.advance(idle);
    assert!(app.session(&token, None).await.unwrap().is_none());

    let [first, second] = [
        app.sign_in("ada@example.org", &password, None).await.unwrap().token,
        app.sign_in("ada@example.org", &password, None).await.unwrap().token,
    ];
    let signed_in = app.session(&first, None).await.unwrap().unwrap();
    app.change_password(&signed_in, &password, PASSWORD).await.unwrap();
    assert!(app.session(&second, None).await.unwrap().is_none(), "other sessions end with the password");
    app.sign_out(&signed_in).await.unwrap();
    assert!(app.session(&first, None).await.unwrap().is_none());
    let third = app.sign_in("ada@example.org", PASSWORD, None).await.unwrap().token;
    app.lock_account("ada@example.org", true).await.unwrap();
    assert!(app.session(&third, None).await.unwrap().is_none());
    assert!(matches!(app.sign_in("ada@example.org", PASSWORD, None).await, Err(AppError::SignInRefused)));
    server.finish().await;
}

#[tokio::test]
async fn guessing_is_slowed_down_and_does_not_lock_others_out() {
    let clock = MockClock::default();
    let server = Start::idle(&clock).start().await;
    let app = &server.app;
    app.ensure_organization(&organization("acme"), "Acme").await.unwrap();
    let (_, password) = app.create_person(&organization("acme"), "ada@example.org", "Ada", Role::Owner).await.unwrap();
    let password = password.unwrap();
    let (guesser, ada) = (Some("192.0.2.1".parse().unwrap()), Some("198.51.100.1".parse().unwrap()));
    for _ in 0..5 {
        let refused = app.sign_in("ada@example.org", "wrong", guesser).await.unwrap_err();
        assert!(matches!(refused, AppError::SignInRefused), "{refused:?}");
    }
    let slowed = app.sign_in("ada@example.org", &password, guesser).await.unwrap_err();
    assert!(matches!(slowed, AppError::RateLimited { retry_after_s: 1 }), "{slowed:?}");
    app.sign_in("ada@example.org", &password, ada).await.unwrap();
    clock.advance(Duration::from_secs(1));
    app.sign_in("ada@example.org", &password, guesser).await.unwrap();
    // An account that does not exist is slowed down just the same.
    for _ in 0..5 {
        assert!(app.sign_in("bob@example.org", "wrong", guesser).await.is_err());
    }
    assert!(matches!(app.sign_in("bob@example.org", "x", guesser).await, Err(AppError::RateLimited { .. })));
    server.finish().await;
}

#[tokio::test]
async fn the_first_start_happens_once() {
    let server = TestApp::start().await;
    let (one, two) = tokio::join!(server.app.first_start(), server.app.first_start());
    let made: Vec<_> = [one.unwrap(), two.unwrap()].into_iter().flatten().collect();
    assert_eq!(made.len(), 1);
    assert!(server.app.first_start().await.unwrap().is_none());
    let first = &made[0];
    assert_eq!(first.keys.len(), 3);
    server.app.sign_in(&first.email, &first.password, None).await.unwrap();
    for issued in &first.keys {
        assert_eq!(server.ask(Method::GET, "/v1/organization", &issued.secret, None).await.status(), 200);
    }
    server.finish().await;
}

#[tokio::test]
async fn audits_belong_to_whoever_asks_for_them() {
    let server = TestApp::start().await;
    let (acme, other) = (key(&server.app, "acme", Role::Auditor).await, key(&server.app, "other", Role::Owner).await);
    let viewer = key(&server.app, "acme", Role::Viewer).await;
    let form = Form::complete().text("prediction_column", "decision");
    let post = async |key: &str| {
        let request = server.client.post(format!("{}/audit/full?async=true", server.url)).header("x-api-key", key);
        request.header("content-type", form.content_type()).body(form.body()).send().await.unwrap()
    };
    assert_eq!(post(&viewer).await.status(), 403);
    assert_eq!(post("ak_live_unknown").await.status(), 401);
    let accepted = post(&acme).await;
    assert_eq!(accepted.status(), 202);
    let url = accepted.headers()["location"].to_str().unwrap().to_owned();
    let path = &url[url.find("/audit/").unwrap()..];
    assert_eq!(server.ask(Method::GET, path, &viewer, None).await.status(), 200);
    for stranger in [&other, &key(&server.app, "third", Role::Owner).await] {
        assert_eq!(server.ask(Method::GET, path, stranger, None).await.status(), 404);
        assert_eq!(server.ask(Method::DELETE, path, stranger, None).await.status(), 404);
    }
    assert_eq!(server.get(path).await.status(), 404, "nor is it the public organization's");
    server
        .until("the end of the audit", async |server| {
            let job = json(server.ask(Method::GET, path, &viewer, None).await).await;
            (job["state"] == "succeeded").then_some(())
        })
        .await;
    server.finish().await;
}
