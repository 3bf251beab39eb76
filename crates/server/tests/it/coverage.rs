//! What is served is documented, what is documented is served, and the committed documents are up to date.

use assize_server::app::AppError;
use assize_server::openapi;
use serde_json::Value;

use crate::harness::TestApp;

/// The source that adds all routes.
const ROUTER: &str = include_str!("../../src/router.rs");

fn operations(document: &Value) -> Vec<(String, String, &Value)> {
    let paths = document["paths"].as_object().unwrap();
    paths
        .iter()
        .flat_map(|(path, item)| {
            item.as_object().unwrap().iter().map(|(method, operation)| (path.clone(), method.to_uppercase(), operation))
        })
        .collect()
}

#[test]
fn every_route_is_added_with_its_documentation() {
    assert!(!ROUTER.contains(".route("), "a route without documentation: add it by routes!");
    assert!(!ROUTER.contains(".nest_service(") && !ROUTER.contains(".merge("));
    let document = serde_json::to_value(openapi::document()).unwrap();
    let added: usize =
        ROUTER.split("routes!(").skip(1).map(|rest| rest[..rest.find(')').unwrap()].matches("::").count()).sum();
    assert_eq!(added, operations(&document).len());
}

#[tokio::test]
async fn every_documented_operation_is_served() {
    let app = TestApp::start().await;
    let document = serde_json::to_value(openapi::document()).unwrap();
    for (path, method, _) in operations(&document) {
        let asked = path.replace("{id}", "MP-2026-000001").replace(['{', '}'], "");
        let response = app.client.request(method.parse().unwrap(), format!("{}{asked}", app.url)).send().await.unwrap();
        assert_ne!(response.status(), 405, "{method} {path}");
        let body = response.text().await.unwrap();
        assert!(!body.contains("Nothing is served"), "{method} {path}: {body}");
    }
    app.finish().await;
}

#[test]
fn every_answer_is_described() {
    let document = serde_json::to_value(openapi::document()).unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    assert_eq!(document["info"]["license"]["identifier"], "Apache-2.0");
    for (path, method, operation) in operations(&document) {
        assert!(operation["operationId"].is_string(), "{method} {path} has no operationId");
        assert!(!operation["summary"].as_str().unwrap_or_default().is_empty(), "{method} {path} has no summary");
        let tag = &operation["tags"][0];
        assert!(
            document["tags"].as_array().unwrap().iter().any(|known| known["name"] == *tag),
            "{method} {path}: tag {tag}"
        );
        for (status, response) in operation["responses"].as_object().unwrap() {
            let description = response["description"].as_str().unwrap_or_default();
            assert!(!description.is_empty(), "{method} {path} {status} has no description");
        }
    }
}

#[test]
fn every_post_that_creates_takes_an_idempotency_key() {
    let document = serde_json::to_value(openapi::document()).unwrap();
    // Forms of the dashboard are sent by browsers, which know no such header: each leads away from itself when it is
    // done, so that loading again asks for the next page and sends nothing.
    let posts: Vec<_> = operations(&document)
        .into_iter()
        .filter(|(path, method, _)| method == "POST" && !path.starts_with("/dashboard"))
        .collect();
    for (path, _, operation) in &posts {
        let lists = [openapi::CREATING, openapi::REPEATABLE, openapi::ANSWERING];
        let listed = lists.iter().filter(|list| list.contains(&path.as_str())).count();
        assert_eq!(listed, 1, "POST {path}: list it once in api/idempotency.rs, as what it is");
        let creates = openapi::CREATING.contains(&path.as_str());
        let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
        let takes_key = parameters.iter().any(|one| one["in"] == "header" && one["name"] == "Idempotency-Key");
        assert_eq!(takes_key, creates, "POST {path}");
        for status in ["409", "422"] {
            assert!(!creates || operation["responses"][status].is_object(), "POST {path} does not describe {status}");
        }
    }
    for path in openapi::CREATING.iter().chain(openapi::REPEATABLE).chain(openapi::ANSWERING) {
        assert!(posts.iter().any(|(served, _, _)| served == path), "POST {path} is listed and not served");
    }
}

#[test]
fn committed_openapi_document_is_up_to_date() {
    let committed = include_str!("../../../../docs/openapi/openapi.json");
    assert!(
        committed == openapi::document_json(),
        "run `cargo run -p assize-server --example openapi > docs/openapi/openapi.json`"
    );
}

#[test]
fn every_error_code_is_documented() {
    let documented = include_str!("../../../../docs/errors.md");
    for code in AppError::CODES {
        assert!(documented.contains(&format!("| `{code}` |")), "docs/errors.md does not list {code}");
    }
}
