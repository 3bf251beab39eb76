//! Stopping: nothing that was accepted is lost, and nobody hangs.

#![expect(clippy::disallowed_methods, reason = "raw connections of the test's own, to loopback and nothing else")]

use assize_server::clock::MockClock;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::{Form, Start, TestApp, json};

#[tokio::test]
async fn event_stream_ends_and_the_job_stays_queued() {
    let app = Start::idle(&MockClock::default()).start().await;
    let job: Value = json(app.post("/audit/full?async=true", &Form::complete()).await).await;
    let mut events = app.get(job["events_url"].as_str().unwrap()).await;
    assert!(events.chunk().await.unwrap().is_some(), "the first event comes at once");
    app.stopping.cancel();
    while events.chunk().await.unwrap().is_some() {}
    assert!(!app.jobs().await[0].state.is_final());
    app.stop().await;
}

#[tokio::test]
async fn idle_connections_do_not_hold_the_server() {
    let app = TestApp::start().await;
    let address = app.url.trim_start_matches("http://").to_owned();
    let mut idle = TcpStream::connect(&address).await.unwrap();
    idle.write_all(b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    let mut answer = [0; 4_096];
    assert!(idle.read(&mut answer).await.unwrap() > 0);
    app.finish().await;
    assert_eq!(idle.read(&mut answer).await.unwrap(), 0, "the connection was closed");
    assert!(TcpStream::connect(&address).await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn slow_headers_are_given_up() {
    let mut start = Start::default();
    start.config.server.header_timeout_s = 1;
    let app = start.start().await;
    let mut slow = TcpStream::connect(app.url.trim_start_matches("http://")).await.unwrap();
    slow.write_all(b"GET /health HTTP/1.1\r\nHost: ").await.unwrap();
    let mut answer = Vec::new();
    // Ends when the server closes; the harness would wait for ever otherwise.
    slow.read_to_end(&mut answer).await.unwrap();
    assert!(!String::from_utf8_lossy(&answer).contains("200 OK"));
    app.finish().await;
}

#[tokio::test]
async fn connections_beyond_the_bound_wait_for_a_free_place() {
    let mut start = Start::default();
    start.config.server.connections_max = 1;
    let app = start.start().await;
    let address = app.url.trim_start_matches("http://").to_owned();
    let first = TcpStream::connect(&address).await.unwrap();
    let mut second = TcpStream::connect(&address).await.unwrap();
    second.write_all(b"GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await.unwrap();
    drop(first);
    let mut answer = String::new();
    second.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    app.finish().await;
}

#[tokio::test]
async fn upload_that_stands_still_is_given_up() {
    let mut start = Start::default();
    start.config.limits.upload_idle_s = 1;
    let app = start.start().await;
    let form = Form::complete();
    let body = form.body();
    let mut still = TcpStream::connect(app.url.trim_start_matches("http://")).await.unwrap();
    let head = format!(
        "POST /audit/full HTTP/1.1\r\nHost: a\r\nContent-Type: {}\r\nContent-Length: {}\r\n\r\n",
        form.content_type(),
        body.len()
    );
    still.write_all(head.as_bytes()).await.unwrap();
    still.write_all(&body[..body.len() / 2]).await.unwrap();
    let mut answer = String::new();
    // Refused while half of the form is still missing, and the connection closed.
    still.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 422"), "{answer}");
    assert!(answer.contains("stood still for 1 seconds"), "{answer}");
    app.finish().await;
}
