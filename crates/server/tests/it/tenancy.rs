//! Another organization's things do not exist: every documented route that takes an id is asked for another
//! organization's and for one that never was, and the answers are the same bytes but for the id itself.

use assize_server::app::{Acceptance, Caller, OrganizationId, Role};
use assize_server::openapi;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Form, TestApp, json};
use crate::identity::key;

/// Routes whose ids are public or no organization's: certificates, log entries, files of pages, links by secret.
const PUBLIC: &[&str] = &["/verify/", "/log/", "/assets/", "/.well-known/", "/dashboard/invitations/"];

/// For every kind of id in a path that belongs to an organization: a real one, of somebody else's.
async fn foreign_ids(server: &TestApp) -> Vec<(&'static str, String, String)> {
    let theirs = key(&server.app, "theirs", Role::Owner).await;
    let made = async |path: &str, body: Value| json(server.ask(Method::POST, path, &theirs, Some(body)).await).await;
    let issued = made("/v1/keys", json!({ "name": "k", "interface": "governance", "role": "viewer" })).await;
    let invited = made("/v1/invitations", json!({ "email": "eve@example.org", "role": "viewer" })).await;
    let hook = json!({ "url": "https://93.184.215.14/hook", "events": ["webhook.test"] });
    let hook = made("/v1/webhooks", hook).await;
    let side = json!({ "value": "hello", "format": "text", "country": "global" });
    let said = json!({ "user_id": "u", "company_name": "c", "use_case": "s", "timestamp": "2026-11-21T10:00:00Z",
        "input": side, "output": side });
    let submitted = made("/v1/interactions", said).await;
    let organization = OrganizationId::parse("org_theirs").unwrap();
    let (user, _) = server.app.create_person(&organization, "ada@example.org", "Ada", Role::Viewer).await.unwrap();
    let form = Form::complete().text("prediction_column", "decision");
    let request = server.client.post(format!("{}/audit/full?async=true", server.url)).header("x-api-key", &theirs);
    let job = json(request.header("content-type", form.content_type()).body(form.body()).send().await.unwrap()).await;
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    vec![
        ("/v1/keys/{id}", text(&issued["key"]["id"]), format!("key_{}", "0".repeat(32))),
        ("/v1/invitations/{id}", text(&invited["invitation"]["id"]), format!("inv_{}", "0".repeat(32))),
        ("/v1/users/{id}", user.to_string(), format!("usr_{}", "0".repeat(32))),
        ("/audit/jobs/{id}", text(&job["job_id"]), format!("job_{}", "0".repeat(32))),
        ("/v1/webhooks/{id}", text(&hook["id"]), format!("wh_{}", "0".repeat(32))),
        ("/v1/interactions/{id}", text(&submitted["submission_id"]), "VIRI-0000001Xaaaaa".to_owned()),
        ("/v1/jobs/{id}", text(&job["job_id"]), format!("job_{}", "0".repeat(32))),
    ]
}

/// A body that would be taken if the thing were one's own.
fn body_of(method: &str, path: &str) -> Option<Value> {
    match (method, path) {
        ("patch", "/v1/users/{id}") => Some(json!({ "role": "viewer" })),
        ("patch", "/v1/webhooks/{id}") => Some(json!({ "active": false })),
        ("post", "/v1/keys/{id}/rotate") => Some(json!({ "overlap_hours": 0 })),
        _ => None,
    }
}

#[tokio::test]
async fn another_organizations_ids_answer_like_ids_that_never_were() {
    let server = TestApp::start().await;
    let foreign = foreign_ids(&server).await;
    let mine = key(&server.app, "mine", Role::Owner).await;
    let document = serde_json::to_value(openapi::document()).unwrap();
    let mut asked = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        let dashboard = path.starts_with("/dashboard");
        if !path.contains('{') || dashboard || PUBLIC.iter().any(|public| path.starts_with(public)) {
            continue;
        }
        let of = foreign.iter().filter(|(route, _, _)| path.starts_with(route)).max_by_key(|(route, _, _)| route.len());
        let (_, theirs, nobodys) = of.unwrap_or_else(|| panic!("{path}: say in foreign_ids how to make one"));
        for method in item.as_object().unwrap().keys() {
            let answer = async |id: &str| {
                let asked = path.replace("{id}", id);
                let body = body_of(method, path);
                let method: Method = method.to_uppercase().parse().unwrap();
                let response = server.ask(method, &asked, &mine, body).await;
                let status = response.status().as_u16();
                let kind = response.headers().get("content-type").cloned();
                (status, kind, response.text().await.unwrap().replace(id, "{id}"))
            };
            let (there, never) = (answer(theirs).await, answer(nobodys).await);
            assert_eq!(there, never, "{method} {path}");
            assert_eq!(there.0, 404, "{method} {path}: {}", there.2);
            asked += 1;
        }
    }
    assert!(asked >= 9, "only {asked} routes were asked");
    let caller = Caller::operator(OrganizationId::parse("org_theirs").unwrap());
    assert_eq!(server.app.people(&caller, "", 10).await.unwrap().len(), 1, "nothing of theirs has changed");
    server.stop().await;
}

#[tokio::test]
async fn an_invitation_does_not_tell_whether_there_is_an_account() {
    let server = TestApp::start().await;
    let owner = key(&server.app, "mine", Role::Owner).await;
    let theirs = OrganizationId::parse("org_theirs").unwrap();
    server.app.ensure_organization(&theirs, "Theirs").await.unwrap();
    server.app.create_person(&theirs, "ada@example.org", "Ada", Role::Viewer).await.unwrap();
    let mut shapes = Vec::new();
    for email in ["ada@example.org", "nobody@example.org"] {
        let invite = json!({ "email": email, "role": "viewer" });
        let issued = json(server.ask(Method::POST, "/v1/invitations", &owner, Some(invite)).await).await;
        let invitation = issued["invitation"].as_object().unwrap();
        shapes.push(invitation.keys().cloned().collect::<Vec<_>>());
        let token = issued["url"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
        let token = assize_server::app::Token::parse(&token).unwrap();
        let wrong = Acceptance { name: "", password: "", address: None };
        assert!(server.app.accept_invitation(&token, &wrong).await.is_err());
    }
    assert_eq!(shapes[0], shapes[1]);
    server.stop().await;
}
