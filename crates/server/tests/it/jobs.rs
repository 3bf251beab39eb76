//! `/v1/jobs`: an organization's jobs listed, followed, stopped and retried; dead workers; recurring work.

use std::time::Duration;

use assize_server::app::{Caller, Job, JobFilter, JobState, KeyInterface, NewKey, OrganizationId, Role};
use assize_server::clock::{Clock, MockClock};
use assize_store::jobs::{JobError, NewJob};
use assize_store::queue::{Claim, Claimed};
use assize_store::{Digest, JobId};
use jiff::SignedDuration;
use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::harness::{Form, Start, TestApp, json};

fn acme() -> OrganizationId {
    OrganizationId::parse("org_acme").unwrap()
}

async fn key_of(app: &TestApp, organization: &OrganizationId, role: Role) -> String {
    app.app.ensure_organization(organization, "Some").await.unwrap();
    let new = NewKey { name: "test".to_owned(), interface: KeyInterface::Governance, role, expires_at: None };
    app.app.create_key(&Caller::operator(organization.clone()), &new).await.unwrap().secret
}

async fn asked(app: &TestApp, method: Method, path: &str, key: &str) -> Response {
    app.client.request(method, format!("{}{path}", app.url)).header("x-api-key", key).send().await.unwrap()
}

async fn submitted(app: &TestApp, key: &str) -> String {
    let form = Form::complete().text("prediction_column", "decision");
    let request = app.client.post(format!("{}/audit/full?async=true", app.url)).header("x-api-key", key);
    let response = request.header("content-type", form.content_type()).body(form.body()).send().await.unwrap();
    assert_eq!(response.status(), 202);
    json(response).await["job_id"].as_str().unwrap().to_owned()
}

async fn claim(app: &TestApp, owner: &str) -> Claimed {
    let claim = Claim { owner, kinds: &["certify"], lease: SignedDuration::from_secs(30), jobs_max: 1 };
    app.store.queue().claim(&claim, app.app.clock().now()).await.unwrap().remove(0)
}

#[tokio::test]
async fn jobs_are_listed_page_by_page_and_by_state() {
    let clock = MockClock::default();
    let app = Start::idle(&clock).start().await;
    let key = key_of(&app, &acme(), Role::Auditor).await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        clock.advance(Duration::from_secs(1));
        ids.insert(0, submitted(&app, &key).await);
    }
    let cancelled = asked(&app, Method::POST, &format!("/v1/jobs/{}/cancel", ids[1]), &key).await;
    assert_eq!((cancelled.status().as_u16(), json(cancelled).await["state"].as_str()), (200, Some("cancelled")));
    let listed = async |query: &str| {
        let page = json(asked(&app, Method::GET, &format!("/v1/jobs{query}"), &key).await).await;
        let jobs = page["jobs"].as_array().unwrap().iter().map(|job| job["job_id"].as_str().unwrap().to_owned());
        (jobs.collect::<Vec<_>>(), page["next_before"].as_str().map(str::to_owned))
    };
    assert_eq!(listed("").await, (ids.clone(), None));
    assert_eq!(listed("?limit=2").await, (ids[..2].to_vec(), Some(ids[1].clone())));
    assert_eq!(listed(&format!("?limit=2&before={}", ids[1])).await, (ids[2..].to_vec(), None));
    assert_eq!(listed("?state=cancelled").await.0, [ids[1].clone()]);
    assert_eq!(listed("?kind=certify&state=queued").await.0, [ids[0].clone(), ids[2].clone()]);
    assert_eq!(listed("?kind=nothing").await.0, Vec::<String>::new());
    assert_eq!(listed("?dead=true").await.0, Vec::<String>::new());
    for bad in ["?state=done", "?before=yesterday", "?limit=many", "?dead=perhaps"] {
        assert_eq!(asked(&app, Method::GET, &format!("/v1/jobs{bad}"), &key).await.status(), 422, "{bad}");
    }
    app.stop().await;
}

#[tokio::test]
async fn jobs_belong_to_their_organization_and_roles_to_their_words() {
    let app = Start::idle(&MockClock::default()).start().await;
    let auditor = key_of(&app, &acme(), Role::Auditor).await;
    let stranger = key_of(&app, &OrganizationId::parse("org_other").unwrap(), Role::Owner).await;
    let id = submitted(&app, &auditor).await;
    let unknown = JobId::new(app.app.clock().now(), [9; 10]);
    for (method, end) in
        [(Method::GET, ""), (Method::POST, "/cancel"), (Method::POST, "/retry"), (Method::GET, "/events")]
    {
        let foreign = asked(&app, method.clone(), &format!("/v1/jobs/{id}{end}"), &stranger).await;
        assert_eq!(foreign.status(), 404, "{method} {end}");
        let foreign = foreign.text().await.unwrap().replace(&id, "ID");
        let none = asked(&app, method.clone(), &format!("/v1/jobs/{unknown}{end}"), &stranger).await;
        assert_eq!(none.text().await.unwrap().replace(unknown.as_str(), "ID"), foreign, "{method} {end}");
        assert_eq!(
            app.client.request(method, format!("{}/v1/jobs/{id}{end}", app.url)).send().await.unwrap().status(),
            401
        );
    }
    let viewer = key_of(&app, &acme(), Role::Viewer).await;
    let submitter = key_of(&app, &acme(), Role::Submitter).await;
    assert_eq!(asked(&app, Method::GET, &format!("/v1/jobs/{id}"), &viewer).await.status(), 200);
    assert_eq!(asked(&app, Method::GET, "/v1/jobs", &submitter).await.status(), 403);
    assert_eq!(asked(&app, Method::GET, "/v1/jobs/events", &submitter).await.status(), 403);
    assert_eq!(asked(&app, Method::POST, &format!("/v1/jobs/{id}/cancel"), &viewer).await.status(), 403);
    assert_eq!(asked(&app, Method::POST, &format!("/v1/jobs/{id}/retry"), &auditor).await.status(), 403);
    app.stop().await;
}

#[tokio::test]
async fn dead_letters_are_found_and_retried_by_hand() {
    let app = Start::idle(&MockClock::default()).start().await;
    let admin = key_of(&app, &acme(), Role::Admin).await;
    let id = submitted(&app, &admin).await;
    let retry = format!("/v1/jobs/{id}/retry");
    assert_eq!(asked(&app, Method::POST, &retry, &admin).await.status(), 409, "it has not failed");
    for _ in 0..10 {
        let claimed = claim(&app, "breaks").await;
        let now = app.app.clock().now();
        let error = JobError { code: "internal".to_owned(), detail: "internal error".to_owned() };
        app.store.queue().retry(&claimed.lease, &error, now, now).await.unwrap();
    }
    let dead = json(asked(&app, Method::GET, "/v1/jobs?dead=true", &admin).await).await;
    let dead = &dead["jobs"][0];
    assert_eq!((&dead["job_id"], &dead["dead"], &dead["attempts"]), (&json!(id), &json!(true), &json!(10)));
    assert_eq!(dead["error"], json!({ "code": "internal", "detail": "internal error" }));
    let queued = json(asked(&app, Method::POST, &retry, &admin).await).await;
    assert_eq!((&queued["state"], &queued["attempts"], &queued["dead"]), (&json!("queued"), &json!(0), &json!(false)));
    let rows = app.store.audit_trail().list(&acme(), 0, 100).await.unwrap();
    assert!(rows.iter().any(|row| row.event.action == "job.retry" && row.event.subject == id));
    app.store.audit_trail().verify_chain(&acme()).await.unwrap();
    // Its files are there, so it can run now.
    let worker = tokio::spawn(assize_server::jobs::work(app.app.clone(), "late".to_owned(), app.stopping.clone()));
    let parsed = JobId::parse(&id).unwrap();
    let done = app
        .until("the retried audit", async |app| {
            let job = app.store.jobs().find(&acme(), &parsed).await.unwrap().unwrap();
            job.state.is_final().then_some(job)
        })
        .await;
    assert_eq!(done.state, JobState::Succeeded, "{done:?}");
    app.stop().await;
    worker.await.unwrap();
}

#[tokio::test]
async fn a_job_whose_files_are_gone_is_not_retried() {
    let app = Start::idle(&MockClock::default()).start().await;
    let admin = key_of(&app, &acme(), Role::Admin).await;
    let id = submitted(&app, &admin).await;
    asked(&app, Method::POST, &format!("/v1/jobs/{id}/cancel"), &admin).await;
    let refused = asked(&app, Method::POST, &format!("/v1/jobs/{id}/retry"), &admin).await;
    assert_eq!(refused.status(), 409);
    assert!(json(refused).await["detail"].as_str().unwrap().contains("submit the audit again"));
    let job = json(asked(&app, Method::GET, &format!("/v1/jobs/{id}"), &admin).await).await;
    assert_eq!(job["state"], "cancelled", "a refused retry leaves it as it was");
    app.stop().await;
}

/// The events of a stream that has ended, or so many of one that goes on.
async fn events(mut response: Response, at_most: usize) -> Vec<(String, Value)> {
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let (mut text, mut events) = (String::new(), Vec::new());
    while events.len() < at_most
        && let Some(chunk) = response.chunk().await.unwrap()
    {
        text.push_str(std::str::from_utf8(&chunk).unwrap());
        while let Some((event, rest)) = text.split_once("\n\n").map(|(a, b)| (a.to_owned(), b.to_owned())) {
            text = rest;
            let line = |name: &str| event.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
            if let (Some(name), Some(data)) = (line("event: "), line("data: ")) {
                events.push((name, serde_json::from_str(&data).unwrap()));
            }
        }
    }
    events
}

#[tokio::test]
async fn events_follow_one_job_to_its_end() {
    let app = TestApp::start().await;
    let key = key_of(&app, &acme(), Role::Auditor).await;
    let id = submitted(&app, &key).await;
    let response = asked(&app, Method::GET, &format!("/v1/jobs/{id}/events"), &key).await;
    let events = events(response, usize::MAX).await;
    let (last, before) = events.split_last().unwrap();
    assert_eq!(
        (last.0.as_str(), &last.1["state"], &last.1["progress"]),
        ("succeeded", &json!("succeeded"), &json!(1.0))
    );
    assert!(last.1["result"]["certificate_id"].is_string());
    assert!(before.iter().all(|(name, _)| name == "progress"));
    app.finish().await;
}

#[tokio::test]
async fn events_of_all_jobs_begin_with_what_there_is_and_go_on() {
    let clock = MockClock::default();
    let app = Start::idle(&clock).start().await;
    let key = key_of(&app, &acme(), Role::Auditor).await;
    let first = submitted(&app, &key).await;
    let stranger = key_of(&app, &OrganizationId::parse("org_other").unwrap(), Role::Auditor).await;
    submitted(&app, &stranger).await;
    let response = asked(&app, Method::GET, "/v1/jobs/events", &key).await;
    let watching = tokio::spawn(events(response, 3));
    clock.advance(Duration::from_secs(1));
    let second = submitted(&app, &key).await;
    asked(&app, Method::POST, &format!("/v1/jobs/{first}/cancel"), &key).await;
    let mut seen: Vec<(Value, Value)> = watching
        .await
        .unwrap()
        .into_iter()
        .map(|(name, job)| {
            assert_eq!(name, "job");
            (job["job_id"].clone(), job["state"].clone())
        })
        .collect();
    assert_eq!(seen.remove(0), (json!(first), json!("queued")));
    assert!(seen.contains(&(json!(second), json!("queued"))), "{seen:?}");
    assert!(seen.contains(&(json!(first), json!("cancelled"))), "{seen:?}");
    app.stop().await;
}

#[tokio::test]
async fn event_streams_are_bounded() {
    let mut start = Start::idle(&MockClock::default());
    start.config.limits.event_streams_max = 1;
    let app = start.start().await;
    let key = key_of(&app, &acme(), Role::Auditor).await;
    let open = asked(&app, Method::GET, "/v1/jobs/events", &key).await;
    let refused = asked(&app, Method::GET, "/v1/jobs/events", &key).await;
    assert_eq!(refused.status(), 503);
    assert!(refused.headers().contains_key("retry-after"));
    drop(open);
    app.until("a free stream", async |app| {
        (asked(app, Method::GET, "/v1/jobs/events", &key).await.status() == 200).then_some(())
    })
    .await;
    app.stop().await;
}

#[tokio::test]
async fn jobs_of_a_dead_worker_go_on_whatever_the_hour_is() {
    let clock = MockClock::default();
    let mut start = Start::idle(&clock);
    start.worker = true;
    let app = start.start().await;
    // A worker elsewhere holds a job, beats once more and dies. Its clock was a day ahead.
    let day = Duration::from_secs(86_400);
    let now = app.app.clock().now();
    let job = NewJob {
        id: JobId::new(now, [1; 10]),
        kind: "tidy_limits".to_owned(),
        args: json!({}),
        priority: 0,
        run_at: now + SignedDuration::from_secs(35),
        attempts_max: 3,
        unique_key: None,
    };
    let public = OrganizationId::public();
    app.store.jobs().enqueue(&public, &job, now).await.unwrap();
    let claim = Claim { owner: "dead", kinds: &["tidy_limits"], lease: SignedDuration::from_secs(30), jobs_max: 1 };
    let held = app.store.queue().claim(&claim, now + day).await.unwrap().remove(0);
    app.store.queue().heartbeat(&held.lease, 0.5, "half").await.unwrap();
    // The hour is set back and forth: the lease is not old because of it.
    clock.set(now + day + day);
    clock.advance(Duration::from_secs(5));
    clock.set(now);
    let find = async |app: &TestApp| app.store.jobs().find(&public, &job.id).await.unwrap().unwrap();
    assert_eq!(find(&app).await.state, JobState::Running);
    let done: Job = app
        .until("the job of the dead worker", async |app| {
            clock.advance(Duration::from_secs(2));
            let job = find(app).await;
            job.state.is_final().then_some(job)
        })
        .await;
    assert_eq!((done.state, done.attempts), (JobState::Succeeded, 2));
    let late = app.store.queue().complete(&held.lease, json!({}), clock.now()).await;
    assert!(matches!(late, Err(assize_store::Error::LostLease { .. })), "{late:?}");
    app.stop().await;
}

#[tokio::test]
async fn recurring_work_clears_away_what_the_limits_left() {
    let clock = MockClock::default();
    let mut start = Start::idle(&clock);
    start.worker = true;
    let app = start.start().await;
    let public = OrganizationId::public();
    let request = assize_store::idempotency::NewRequest {
        slot: Digest([1; 32]),
        fingerprint: Digest([2; 32]),
        asked_at: clock.now(),
        expires_at: clock.now() + SignedDuration::from_mins(5),
    };
    let mut unit = app.store.begin().await.unwrap();
    assert!(unit.idempotency_writer().claim(&public, &request, "job_x").await.unwrap());
    unit.commit().await.unwrap();
    let tidied = JobFilter { kind: Some("tidy_limits".to_owned()), ..JobFilter::default() };
    let jobs = async |app: &TestApp| app.store.jobs().list(&public, &tidied, None, 9).await.unwrap();
    assert!(jobs(&app).await.is_empty());
    // Three hours and a half go by in one leap, as in a suspended machine: what was missed is made up for once.
    app.until("the schedule", async |app| {
        (!app.store.schedules().list(&public, "").await.unwrap().is_empty()).then_some(())
    })
    .await;
    clock.advance(Duration::from_secs(12_600));
    let done = app
        .until("the recurring job", async |app| {
            // The leap may have come just before the loop went to sleep.
            clock.advance(Duration::from_secs(1));
            jobs(app).await.into_iter().find(|job| job.state == JobState::Succeeded)
        })
        .await;
    assert_eq!(done.result, Some(json!({ "idempotency_keys": 1, "rate_limits": 0 })));
    clock.advance(Duration::from_secs(10));
    assert_eq!(jobs(&app).await.len(), 1);
    app.stop().await;
}

#[tokio::test]
async fn what_recurs_is_done_within_a_day() {
    let clock = MockClock::default();
    let app = Start { worker: true, ..Start::idle(&clock) }.start().await;
    let public = OrganizationId::public();
    let all = ["enforce_retention", "log_trails", "sweep_identity", "tidy_limits"];
    app.until("every recurring job", async |app| {
        clock.advance(Duration::from_mins(30));
        let filter = JobFilter { state: Some(JobState::Succeeded), ..JobFilter::default() };
        let done = app.store.jobs().list(&public, &filter, None, 100).await.unwrap();
        let named = |kind: &&str| done.iter().any(|job| job.kind == **kind);
        all.iter().all(named).then_some(())
    })
    .await;
    app.stop().await;
}
