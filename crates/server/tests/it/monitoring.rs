//! The metrics: who may read them, what they count, and what is not in them.

use assize_server::config::Secret;

use crate::harness::{Form, Start, TestApp, people};

const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// The value of a sample, by its name and labels as written.
fn sample(text: &str, name: &str) -> f64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("{name} is not in\n{text}")).parse().unwrap()
}

#[tokio::test]
async fn requests_jobs_and_the_log_are_counted_and_nobody_is_named() {
    let app = TestApp::start().await;
    let certificate = app.certified().await;
    let id = certificate["certificate_id"].as_str().unwrap();
    assert_eq!(app.get(&format!("/verify/{id}")).await.status(), 200);
    assert_eq!(app.get("/no/such/path").await.status(), 404);
    let refused = Form::complete().file("dataset_file", "people.csv", people().replace(">50K", "x").as_bytes());
    app.post("/audit/full", &refused).await;
    let response = app.get("/internal/metrics").await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    assert_eq!(response.headers()["cache-control"], "no-store");
    let text = response.text().await.unwrap();
    for (name, least) in [
        ("assize_http_requests_total{route=\"/audit/full\",method=\"POST\",status=\"200\"}", 1.0),
        ("assize_http_requests_total{route=\"/verify/{id}\",method=\"GET\",status=\"200\"}", 1.0),
        ("assize_http_requests_total{route=\"unmatched\",method=\"GET\",status=\"404\"}", 1.0),
        ("assize_http_request_duration_seconds_count{route=\"/audit/full\"}", 2.0),
        ("assize_job_attempts_total{kind=\"certify\",outcome=\"succeeded\"}", 1.0),
        ("assize_jobs{kind=\"certify\",state=\"succeeded\"}", 1.0),
        ("assize_queue_age_seconds", 0.0),
        ("assize_interactions_pending", 0.0),
        ("assize_interactions_age_seconds", 0.0),
        ("assize_log_entries", 2.0),
        ("assize_database_up", 1.0),
        ("assize_database_connections_max", 1.0),
        ("process_resident_memory_bytes", 1e6),
    ] {
        assert!(sample(&text, name) >= least, "{name}: {}", sample(&text, name));
    }
    for word in [id, "IncomeClassifier", "Research Institute", "org_", "/no/such/path"] {
        assert!(!text.contains(word), "{word} is in\n{text}");
    }
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (_, value) = line.rsplit_once(' ').unwrap();
        assert!(value.parse::<f64>().is_ok(), "{line}");
    }
    app.finish().await;
}

#[tokio::test]
async fn who_may_not_read_finds_nothing_there() {
    let mut start = Start::default();
    start.config.metrics.allow = Vec::new();
    start.config.metrics.token = Some(Secret::new(TOKEN));
    let app = start.start().await;
    let ask = |authorization: Option<String>| {
        let mut request = app.client.get(format!("{}/internal/metrics", app.url));
        if let Some(authorization) = authorization {
            request = request.header("authorization", authorization);
        }
        request.send()
    };
    for wrong in [None, Some("Bearer x".to_owned()), Some(TOKEN.to_owned()), Some(format!("Basic {TOKEN}"))] {
        let response = ask(wrong.clone()).await.unwrap();
        assert_eq!(response.status(), 404, "{wrong:?}");
        let nothing = app.get("/internal/nothing").await.text().await.unwrap();
        assert_eq!(response.text().await.unwrap(), nothing.replace("/internal/nothing", "/internal/metrics"));
    }
    assert_eq!(ask(Some(format!("bearer {TOKEN}"))).await.unwrap().status(), 200);
    app.finish().await;
}

#[tokio::test]
async fn what_a_proxy_passes_on_is_nobodys_direct_connection() {
    let app = TestApp::start().await;
    for header in ["x-forwarded-for", "forwarded"] {
        let request = app.client.get(format!("{}/internal/metrics", app.url)).header(header, "for=127.0.0.1");
        assert_eq!(request.send().await.unwrap().status(), 404, "{header}");
    }
    app.finish().await;
    // A declared proxy's client is who it says: somebody of the world, or the machine's own monitoring.
    let mut start = Start::default();
    start.config.server.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
    let app = start.start().await;
    for (client, status) in [("203.0.113.9", 404), ("127.0.0.5", 200)] {
        let request = app.client.get(format!("{}/internal/metrics", app.url)).header("x-forwarded-for", client);
        assert_eq!(request.send().await.unwrap().status(), status, "{client}");
    }
    app.finish().await;
    let mut start = Start::default();
    start.config.metrics.enabled = false;
    let app = start.start().await;
    assert_eq!(app.get("/internal/metrics").await.status(), 404);
    app.finish().await;
}
