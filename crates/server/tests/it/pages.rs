//! What people look at: the landing page, a certificate with all that hangs on it, the reference.

use assize_attestation::TrustedKeys;
use assize_attestation::certificate::{VerifyOptions, verify};
use assize_server::app::{Caller, OrganizationId};
use serde_json::json;

use crate::harness::{Start, TestApp, json};

/// A page refers to nothing outside the server: no style, script, image or font of others.
fn assert_self_contained(page: &str) {
    for reference in ["src=\"http", "src=\"//", "@import", "url(http", "<iframe"] {
        assert!(!page.contains(reference), "{reference} in {page}");
    }
    let links = page.match_indices("<link ").map(|(at, _)| &page[at..at + page[at..].find('>').unwrap()]);
    for link in links {
        assert!(link.contains("href=\"/"), "{link}");
    }
}

#[tokio::test]
async fn landing_page_of_a_new_server_says_what_to_do() {
    let app = TestApp::start().await;
    let response = app.browse("/").await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "text/html; charset=utf-8");
    let page = response.text().await.unwrap();
    assert!(page.contains("No certificate has been issued yet"));
    assert!(
        page.contains(&format!("curl &#39;{}/audit/full", app.url))
            || page.contains(&format!("curl '{}/audit/full", app.url))
    );
    assert!(page.contains("BEGIN PUBLIC KEY"));
    assert_self_contained(&page);
    app.finish().await;
}

#[tokio::test]
async fn landing_page_lists_certificates_escaped_and_by_pages() {
    let app = TestApp::start().await;
    let form = crate::harness::Form::complete().text("prediction_column", "decision");
    let form = form.text("model_name", "<script>alert(1)</script>");
    let certificate = json(app.post("/audit/full", &form).await).await;
    let id = certificate["certificate_id"].as_str().unwrap();
    let page = app.browse("/").await.text().await.unwrap();
    assert!(page.contains(&format!("/verify/{id}")));
    // For people in sentence case, as on the certificate page.
    let (first, rest) = certificate["certification_status"].as_str().unwrap().split_at(1);
    let status = format!("{first}{}", rest.to_lowercase());
    assert!(page.contains(&status), "{status} is not in {page}");
    assert!(!page.contains("<script>alert"));
    let earlier = app.browse(&format!("/?before={id}")).await.text().await.unwrap();
    assert!(earlier.contains("no earlier certificates"));
    app.finish().await;
}

#[tokio::test]
async fn certificate_is_a_page_for_browsers_and_a_document_for_programs() {
    let app = TestApp::start().await;
    let certificate = app.certified().await;
    let path = format!("/verify/{}", certificate["certificate_id"].as_str().unwrap());

    let page = app.browse(&path).await;
    assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8");
    assert!(page.headers()["vary"].to_str().unwrap().contains("accept"));
    let page = page.text().await.unwrap();
    assert!(page.contains(certificate["sha256_hash"].as_str().unwrap()));
    assert_self_contained(&page);

    let file = app.get(&format!("{path}/certificate.json")).await;
    assert!(file.headers()["content-disposition"].to_str().unwrap().contains(".json"));
    let file = file.bytes().await.unwrap();
    let keys = app.get("/.well-known/assize-keys.json").await.text().await.unwrap();
    let keys = TrustedKeys::parse(&keys).unwrap();
    let verification = verify(&file, &keys, app.app.clock().now(), &VerifyOptions::default());
    assert!(verification.valid, "{:?}", verification.checks);
    let served = app.get(&path).await.bytes().await.unwrap();
    assert!(verify(&served, &keys, app.app.clock().now(), &VerifyOptions::default()).valid);

    for sheet in ["", "?paper=letter"] {
        let pdf = app.get(&format!("{path}/certificate.pdf{sheet}")).await;
        assert_eq!(pdf.headers()["content-type"], "application/pdf");
        assert!(pdf.bytes().await.unwrap().starts_with(b"%PDF-"));
    }
    for image in ["badge.svg", "qr.svg"] {
        let svg = app.get(&format!("{path}/{image}")).await;
        assert_eq!(svg.headers()["content-type"], "image/svg+xml");
        assert_eq!(svg.headers()["access-control-allow-origin"], "*");
        assert!(svg.text().await.unwrap().starts_with("<svg"));
    }
    app.finish().await;
}

#[tokio::test]
async fn unchanged_certificate_is_not_sent_twice() {
    let app = TestApp::start().await;
    let certificate = app.certified().await;
    let path = format!("/verify/{}", certificate["certificate_id"].as_str().unwrap());
    for tail in ["", "/badge.svg", "/certificate.json", "/certificate.pdf"] {
        let first = app.get(&format!("{path}{tail}")).await;
        let tag = first.headers()["etag"].clone();
        let request = app.client.get(format!("{}{path}{tail}", app.url)).header("if-none-match", tag);
        let second = request.send().await.unwrap();
        assert_eq!(second.status(), 304, "{tail}");
        assert!(second.bytes().await.unwrap().is_empty());
    }
    app.finish().await;
}

#[tokio::test]
async fn revoked_certificate_says_so_everywhere() {
    let app = TestApp::start().await;
    let certificate = app.certified().await;
    let id = certificate["certificate_id"].as_str().unwrap();
    let path = format!("/verify/{id}");
    let before = app.browse(&path).await.text().await.unwrap();
    app.app
        .revoke_certificate(&Caller::operator(OrganizationId::public()), id, "The data was not ours.")
        .await
        .unwrap();

    let served = json(app.get(&path).await).await;
    assert_eq!((&served["valid"], &served["revoked"]), (&json!(false), &json!(true)));
    assert_eq!(served["revocation"]["reason"], "The data was not ours.");
    let page = app.browse(&path).await.text().await.unwrap();
    assert_ne!(page, before);
    assert!(page.contains("The data was not ours."));
    let badge = app.get(&format!("{path}/badge.svg")).await.text().await.unwrap();
    assert!(badge.contains("revoked") && !badge.contains("certified"), "{badge}");
    assert!(app.browse("/").await.text().await.unwrap().contains("Revoked"));
    app.finish().await;
}

#[tokio::test]
async fn unknown_certificate_is_a_page_for_browsers_with_the_id_escaped() {
    let app = TestApp::start().await;
    let response = app.browse("/verify/%3Cimg%20src=x%3E").await;
    assert_eq!(response.status(), 404);
    let page = response.text().await.unwrap();
    assert!(page.contains("&lt;img") || page.contains("&#60;img"), "{page}");
    assert!(!page.contains("<img src=x"));
    assert_self_contained(&page);
    app.finish().await;
}

#[tokio::test]
async fn assets_of_a_page_are_there_and_never_change() {
    let app = TestApp::start().await;
    let page = app.browse("/").await.text().await.unwrap();
    let paths: Vec<&str> =
        page.match_indices("\"/assets/").map(|(at, _)| page[at + 1..].split('"').next().unwrap()).collect();
    assert!(paths.len() >= 2, "{paths:?}");
    for path in paths {
        let asset = app.get(path).await;
        assert_eq!(asset.status(), 200, "{path}");
        assert!(asset.headers()["cache-control"].to_str().unwrap().contains("immutable"));
    }
    app.finish().await;
}

#[tokio::test]
async fn reference_page_shows_every_operation_with_a_command() {
    let mut start = Start::default();
    start.config.server.public_url = Some("https://assize.example.org/".to_owned());
    let app = start.start().await;
    let page = app.browse("/docs").await.text().await.unwrap();
    let document = json(app.get("/openapi.json").await).await;
    for path in document["paths"].as_object().unwrap().keys() {
        assert!(page.contains(path.as_str()), "{path} is not on the page");
    }
    assert!(page.contains("https://assize.example.org/verify/MP-2026-000001"));
    assert_self_contained(&page);
    app.finish().await;
}
