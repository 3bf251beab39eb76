//! Both faces of an audit: waiting for it, and following it as a job; and every way to stop one.

use std::time::Duration;

use assize_server::app::JobState;
use assize_server::clock::MockClock;
use serde_json::Value;

use crate::harness::{Form, Start, TestApp, detail, json};

async fn submitted(app: &TestApp) -> Value {
    let form = Form::complete().text("prediction_column", "decision");
    let response = app.post("/audit/full?async=true", &form).await;
    assert_eq!(response.status(), 202);
    let location = response.headers()["location"].to_str().unwrap().to_owned();
    let job = json(response).await;
    assert_eq!(job["url"], location);
    assert_eq!(location, format!("/audit/jobs/{}", job["job_id"].as_str().unwrap()));
    job
}

#[tokio::test]
async fn asynchronous_audit_is_followed_to_its_certificate() {
    let app = TestApp::start().await;
    let job = submitted(&app).await;
    let url = job["url"].as_str().unwrap();
    let done = app
        .until("the end of the audit", async |app| {
            let job = json(app.get(url).await).await;
            (job["state"] != "queued" && job["state"] != "running").then_some(job)
        })
        .await;
    assert_eq!(done["state"], "succeeded", "{done}");
    assert_eq!(done["progress"], 1.0);
    assert_eq!(app.get(done["certificate_url"].as_str().unwrap()).await.status(), 200);
    app.finish().await;
}

#[tokio::test]
async fn prefer_respond_async_is_honoured() {
    let app = Start::idle(&MockClock::default()).start().await;
    let form = Form::complete();
    let request = app.client.post(format!("{}/audit/full", app.url)).header("prefer", "respond-async");
    let response = request.header("content-type", form.content_type()).body(form.body()).send().await.unwrap();
    assert_eq!(response.status(), 202);
    assert_eq!(response.headers()["preference-applied"], "respond-async");
    assert_eq!(json(response).await["state"], "queued");
    app.stop().await;
}

#[tokio::test]
async fn async_that_is_no_truth_value_is_422() {
    let app = TestApp::start().await;
    let response = app.post("/audit/full?async=perhaps", &Form::complete()).await;
    assert_eq!(response.status(), 422);
    assert!(detail(response).await.contains("async"));
    app.finish().await;
}

#[tokio::test]
async fn events_tell_progress_and_end_with_the_final_state() {
    let app = TestApp::start().await;
    let job = submitted(&app).await;
    let response = app.get(job["events_url"].as_str().unwrap()).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    // The stream ends by itself after the final event.
    let text = response.text().await.unwrap();
    let events: Vec<(&str, Value)> = text
        .split("\n\n")
        .filter_map(|event| {
            let name = event.lines().find_map(|line| line.strip_prefix("event: "))?;
            let data = event.lines().find_map(|line| line.strip_prefix("data: "))?;
            Some((name, serde_json::from_str(data).unwrap()))
        })
        .collect();
    let (last, before) = events.split_last().unwrap();
    assert_eq!(last.0, "succeeded", "{text}");
    assert!(last.1["certificate_id"].is_string());
    assert!(before.iter().all(|(name, _)| *name == "progress"), "{text}");
    let progress: Vec<f64> = events.iter().map(|(_, job)| job["progress"].as_f64().unwrap()).collect();
    assert!(progress.is_sorted(), "{progress:?}");
    app.finish().await;
}

#[tokio::test]
async fn failed_audit_says_why() {
    let app = TestApp::start().await;
    let form = Form::complete().text("target_column", "education");
    let response = app.post("/audit/full?async=true", &form).await;
    if response.status() == 422 {
        // Seen before the audit was accepted: as good.
        assert!(detail(response).await.contains("education"));
        return app.finish().await;
    }
    let url = json(response).await["url"].as_str().unwrap().to_owned();
    let done = app
        .until("the end of the audit", async |app| {
            let job = json(app.get(&url).await).await;
            (job["state"] == "failed").then_some(job)
        })
        .await;
    assert!(done["detail"].as_str().unwrap().contains("education"), "{done}");
    assert_eq!(done["certificate_id"], Value::Null);
    app.finish().await;
}

#[tokio::test]
async fn waiting_audit_is_cancelled_by_delete_and_by_post() {
    let app = Start::idle(&MockClock::default()).start().await;
    for method in [reqwest::Method::DELETE, reqwest::Method::POST] {
        let url = submitted(&app).await["url"].as_str().unwrap().to_owned();
        let path = if method == reqwest::Method::POST { format!("{url}/cancel") } else { url.clone() };
        let response = app.client.request(method, format!("{}{path}", app.url)).send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(json(response).await["state"], "cancelled");
        assert_eq!(json(app.get(&url).await).await["state"], "cancelled");
        app.assert_clean().await;
    }
    app.finish().await;
}

#[tokio::test]
async fn unknown_jobs_are_404_on_every_route() {
    let app = TestApp::start().await;
    for id in ["job_00000000000000000000000000000000", "nonsense", "%F0%9F%98%80"] {
        for (method, tail) in [("GET", ""), ("DELETE", ""), ("GET", "/events"), ("POST", "/cancel")] {
            let url = format!("{}/audit/jobs/{id}{tail}", app.url);
            let response = app.client.request(method.parse().unwrap(), url).send().await.unwrap();
            assert_eq!(response.status(), 404, "{method} {id}{tail}");
            assert!(detail(response).await.starts_with("Job '"));
        }
    }
    app.finish().await;
}

#[tokio::test]
async fn audit_past_its_time_is_stopped_and_answered_with_the_documented_504() {
    let clock = MockClock::default();
    let app = Start::idle(&clock).start().await;
    let form = Form::complete();
    let time_passes = async {
        // The bound counts from the moment the job is there.
        app.until("the job", async |app| app.jobs().await.pop()).await;
        loop {
            clock.advance(Duration::from_secs(60));
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let response = tokio::select! {
        response = app.post("/audit/full", &form) => response,
        () = time_passes => unreachable!("time passes for ever"),
    };
    assert_eq!(response.status(), 504);
    assert_eq!(
        detail(response).await,
        "Timeout — audit pipeline exceeded 300 seconds. Try with a smaller dataset or fewer protected attributes."
    );
    assert_eq!(app.jobs().await[0].state, JobState::Cancelled);
    app.finish().await;
}

#[tokio::test]
async fn client_that_goes_away_cancels_its_audit() {
    let app = Start::idle(&MockClock::default()).start().await;
    let form = Form::complete();
    let asking = app.post("/audit/full", &form);
    tokio::select! {
        response = asking => panic!("nobody works the job, but it was answered with {}", response.status()),
        _ = app.until("the job", async |app| app.jobs().await.pop()) => {}
    }
    // The request was dropped, and its connection closed.
    app.until("the cancellation", async |app| {
        app.jobs().await.first().is_some_and(|job| job.state == JobState::Cancelled).then_some(())
    })
    .await;
    app.finish().await;
}

#[tokio::test]
async fn upload_that_breaks_off_leaves_nothing() {
    let app = TestApp::start().await;
    let form = Form::complete();
    let body = form.body();
    let half = body[..body.len() / 2].to_vec();
    // Half a form, and then an error instead of the rest: the client aborts the request.
    let pieces = [Ok(half), Err(std::io::Error::other("the cable was pulled"))];
    let body = reqwest::Body::wrap_stream(futures::stream::iter(pieces));
    let request = app.client.post(format!("{}/audit/full", app.url)).header("content-type", form.content_type());
    assert!(request.body(body).send().await.is_err());
    app.assert_clean().await;
    assert!(app.jobs().await.is_empty());
    app.finish().await;
}

#[tokio::test]
async fn same_data_and_seed_measure_the_same() {
    let app = TestApp::start().await;
    let (first, second) = (app.certified().await, app.certified().await);
    for member in ["overall_score", "layer_results", "findings", "mitigations", "parameters", "subject", "narrative"] {
        assert_eq!(first[member], second[member], "{member}");
    }
    assert_ne!(first["certificate_id"], second["certificate_id"]);
    app.finish().await;
}
