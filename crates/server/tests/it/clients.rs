//! What every answer carries, and what one client may ask.

use std::time::Duration;

use assize_server::clock::MockClock;
use assize_server::config::Rate;

use crate::harness::{Form, Start, TestApp, detail, json};

#[tokio::test]
async fn request_ids_are_taken_over_or_made() {
    let app = TestApp::start().await;
    let made = app.get("/health").await.headers()["x-request-id"].to_str().unwrap().to_owned();
    assert_eq!(made.len(), 36, "{made}");
    for (sent, kept) in
        [("trace-42.a:b_c", true), ("with space", false), ("<script>", false), (&"x".repeat(129), false)]
    {
        let request = app.client.get(format!("{}/nothing", app.url)).header("x-request-id", sent);
        let response = request.send().await.unwrap();
        assert_eq!(response.headers()["x-request-id"] == sent, kept, "{sent}");
    }
    app.finish().await;
}

#[tokio::test]
async fn every_answer_keeps_the_browser_safe() {
    let app = TestApp::start().await;
    for path in ["/", "/docs", "/health", "/nothing", "/verify/MP-2026-000001", "/openapi.json"] {
        let response = app.browse(path).await;
        let headers = response.headers();
        let csp = headers["content-security-policy"].to_str().unwrap();
        assert!(csp.contains("default-src 'none'") && csp.contains("frame-ancestors 'none'"), "{path}: {csp}");
        assert!(csp.contains("script-src 'self';"), "{path}: no inline scripts: {csp}");
        assert_eq!(headers["x-content-type-options"], "nosniff", "{path}");
        assert_eq!(headers["referrer-policy"], "no-referrer", "{path}");
        assert!(!headers.contains_key("strict-transport-security"), "{path}: there is no TLS here");
        assert!(headers.contains_key("ratelimit-remaining"), "{path}");
        assert!(headers.contains_key("x-request-id"), "{path}");
    }
    app.finish().await;
}

#[tokio::test]
async fn transport_security_is_promised_behind_tls_only() {
    let mut start = Start::default();
    start.config.server.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
    let app = start.start().await;
    for (proto, promised) in [("https", true), ("http", false)] {
        let request = app.client.get(format!("{}/health", app.url)).header("x-forwarded-proto", proto);
        assert_eq!(request.send().await.unwrap().headers().contains_key("strict-transport-security"), promised);
    }
    app.finish().await;
}

#[tokio::test]
async fn reads_beyond_the_rate_are_429_on_the_face_of_the_path() {
    let clock = MockClock::default();
    let mut start = Start::idle(&clock);
    start.config.limits.reads = Rate { per_minute: 60, burst: 2 };
    let app = start.start().await;
    let first = app.get("/health").await;
    assert_eq!(first.headers()["ratelimit-limit"], "2");
    assert_eq!(first.headers()["ratelimit-remaining"], "1");
    assert_eq!(first.headers()["ratelimit-reset"], "1");
    assert_eq!(app.get("/health").await.status(), 200);
    let refused = app.get("/health").await;
    assert_eq!(refused.status(), 429);
    assert_eq!(refused.headers()["retry-after"], "1");
    assert!(detail(refused).await.contains("too many requests"));
    let refused = app.get("/ready").await;
    assert_eq!(refused.headers()["content-type"], "application/problem+json");
    let problem = json(refused).await;
    assert_eq!((&problem["status"], &problem["code"]), (&429.into(), &"rate_limited".into()));
    clock.advance(Duration::from_secs(1));
    assert_eq!(app.get("/health").await.status(), 200);
    app.finish().await;
}

#[tokio::test]
async fn audits_have_a_rate_of_their_own_and_clients_do_not_share() {
    let mut start = Start::idle(&MockClock::default());
    start.config.limits.audits = Rate { per_minute: 1, burst: 1 };
    start.config.server.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    let app = start.start().await;
    let asked = async |client: &str| {
        let form = Form::default();
        let request = app.client.post(format!("{}/audit/full", app.url)).header("x-forwarded-for", client);
        request.header("content-type", form.content_type()).body(form.body()).send().await.unwrap().status()
    };
    assert_eq!(asked("198.51.100.1").await, 422);
    assert_eq!(asked("198.51.100.1").await, 429);
    assert_eq!(asked("198.51.100.2").await, 422);
    assert_eq!(app.get("/health").await.status(), 200);
    app.finish().await;
}

#[tokio::test]
async fn unknown_paths_and_methods_wear_the_face_of_their_path() {
    let app = TestApp::start().await;
    for path in ["/nothing", "/v1/comply/models", "/audit", "/audit/full/x", "/verify", "/assets/none.css"] {
        let response = app.get(path).await;
        assert_eq!(response.status(), 404, "{path}");
        let body = json(response).await;
        assert_eq!(
            body.get("code").is_none(),
            path.starts_with("/audit") || path.starts_with("/verify"),
            "{path}: {body}"
        );
    }
    for (method, path, allowed) in
        [("GET", "/audit/full", "POST"), ("DELETE", "/health", "GET"), ("POST", "/log", "GET")]
    {
        let url = format!("{}{path}", app.url);
        let response = app.client.request(method.parse().unwrap(), url).send().await.unwrap();
        assert_eq!(response.status(), 405, "{method} {path}");
        assert!(response.headers()["allow"].to_str().unwrap().contains(allowed), "{method} {path}");
        let body = json(response).await;
        let text = body.get("detail").and_then(|detail| detail.as_str()).unwrap();
        assert!(text.contains(method), "{method} {path}: {body}");
    }
    app.finish().await;
}

#[tokio::test]
async fn head_is_get_without_a_body() {
    let app = TestApp::start().await;
    for path in ["/health", "/", "/docs", "/openapi.json"] {
        let response = app.client.head(format!("{}{path}", app.url)).send().await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        assert!(response.bytes().await.unwrap().is_empty());
    }
    app.finish().await;
}

#[tokio::test]
async fn pages_are_compressed_for_who_takes_it() {
    let app = TestApp::start().await;
    let request = app.client.get(format!("{}/docs", app.url)).header("accept-encoding", "gzip");
    let response = request.send().await.unwrap();
    assert_eq!(response.headers()["content-encoding"], "gzip");
    let squeezed = response.bytes().await.unwrap().len();
    let plain = app.get("/docs").await.bytes().await.unwrap().len();
    assert!(squeezed * 3 < plain, "{squeezed} of {plain}");
    app.finish().await;
}

#[tokio::test]
async fn malformed_queries_are_422_on_the_face_of_the_path() {
    let app = TestApp::start().await;
    for path in
        ["/log/proof/inclusion", "/log/proof/inclusion?index=-1", "/log/entries?count=0", "/log/entries?count=1001"]
    {
        let response = app.get(path).await;
        assert_eq!(response.status(), 422, "{path}");
        assert_eq!(json(response).await["code"], "unprocessable", "{path}");
    }
    assert_eq!(app.get("/verify/MP-2026-000001/certificate.pdf?paper=a5").await.status(), 422);
    assert_eq!(app.get("/verify/%FF").await.status(), 422);
    assert_eq!(app.get(&format!("/verify/{}", "9".repeat(201))).await.status(), 422);
    assert_eq!(app.get("/?before=nonsense").await.status(), 422);
    app.finish().await;
}
