//! Two servers and two workers on one PostgreSQL and one folder of objects, with clocks two days apart.

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use assize_server::clock::{Clock, SystemClock};
use assize_server::config::{Rate, Secret};
use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use tempfile::TempDir;

use crate::harness::{Form, Start, TestApp, json, people};

/// Where the cluster is; without one there is nothing to test here.
#[expect(clippy::disallowed_methods, reason = "tests learn from the environment where their database is")]
fn cluster() -> Option<String> {
    std::env::var("ASSIZE_TEST_POSTGRES_URL").ok().filter(|url| !url.is_empty())
}

fn psql(url: &str, statement: &str) {
    let output = Command::new("psql")
        .args(["--quiet", "--no-psqlrc", "--set", "ON_ERROR_STOP=1", url, "--command", statement])
        .output()
        .expect("psql is installed: cargo xtask test installs it");
    assert!(output.status.success(), "{statement}: {}", String::from_utf8_lossy(&output.stderr));
}

/// The machine's clock, set wrong.
#[derive(Debug)]
struct WrongClock(SignedDuration);

impl Clock for WrongClock {
    fn now(&self) -> Timestamp {
        SystemClock.now() + self.0
    }

    fn steady(&self) -> Duration {
        SystemClock.steady()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        SystemClock.sleep(duration)
    }
}

/// A database of its own, with a folder for objects and the signing key.
struct Shared {
    cluster: String,
    name: String,
    folder: TempDir,
}

impl Shared {
    fn new(name: &str) -> Option<Self> {
        let cluster = cluster()?;
        let name = format!("assize_server_{name}_{}", std::process::id());
        psql(&cluster, &format!("CREATE DATABASE {name}"));
        Some(Self { cluster, name, folder: tempfile::tempdir().unwrap() })
    }

    /// A server on it whose clock is so far off.
    async fn server(
        &self,
        owner: &'static str,
        off: SignedDuration,
        worker: bool,
        change: impl FnOnce(&mut Start),
    ) -> TestApp {
        let (server, _) = self.cluster.rsplit_once('/').unwrap();
        let mut start = Start { clock: Arc::new(WrongClock(off)), worker, owner, ..Start::default() };
        start.config.storage.database_url = Some(Secret::new(format!("{server}/{}", self.name)));
        start.config.storage.objects_url = Some(format!("file://{}/objects", self.folder.path().display()));
        start.config.signing.key_file = Some(self.folder.path().join("signing.pem"));
        start.config.vault.master_key_file = Some(self.folder.path().join("master.key"));
        change(&mut start);
        start.start().await
    }

    fn drop_database(self) {
        psql(&self.cluster, &format!("DROP DATABASE {} WITH (FORCE)", self.name));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_of_two_workers_are_done_once_whatever_their_clocks_say() {
    let Some(shared) = Shared::new("jobs") else { return };
    let day = SignedDuration::from_hours(24);
    let ahead = shared.server("ahead", day, true, |_| {}).await;
    let behind = shared.server("behind", -day, true, |_| {}).await;
    for (n, app) in [&ahead, &behind, &ahead, &behind, &ahead, &behind].into_iter().enumerate() {
        let people = format!("{}{}", people(), "40,White,Male,40,9,>50K,Utopia,>50K\n".repeat(n));
        let form = Form::complete().file("dataset_file", "people.csv", people.as_bytes());
        let form = form.text("prediction_column", "decision");
        assert_eq!(app.post("/audit/full?async=true", &form).await.status(), 202);
    }
    let jobs = ahead
        .until("the end of all audits", async |app| {
            let jobs = app.jobs().await;
            jobs.iter().all(|job| job.state.is_final()).then_some(jobs)
        })
        .await;
    assert_eq!(jobs.len(), 6);
    let mut certificates: Vec<String> = jobs
        .iter()
        .map(|job| {
            assert_eq!((job.state.as_str(), job.attempts), ("succeeded", 1), "{job:?}");
            job.result.as_ref().unwrap()["certificate_id"].as_str().unwrap().to_owned()
        })
        .collect();
    certificates.sort();
    certificates.dedup();
    assert_eq!(certificates.len(), 6, "one certificate a job: {certificates:?}");
    let listed = json(behind.get("/log/certificates?limit=100").await).await;
    assert_eq!(listed["certificates"].as_array().unwrap().len(), 6, "and no other");
    // What one server took and any worker did, the other one shows.
    for id in &certificates {
        for app in [&ahead, &behind] {
            assert_eq!(app.get(&format!("/verify/{id}")).await.status(), 200);
        }
    }
    for app in [ahead, behind] {
        app.stop().await;
    }
    shared.drop_database();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_servers_share_a_bucket_whatever_their_clocks_say() {
    let Some(shared) = Shared::new("rates") else { return };
    let day = SignedDuration::from_hours(24);
    let slow = |start: &mut Start| start.config.limits.reads = Rate { per_minute: 1, burst: 4 };
    let one = shared.server("one", day, false, slow).await;
    let two = shared.server("two", -day, false, slow).await;
    let asked = async |app: &TestApp| {
        let response = app.get("/log/certificates").await;
        let number = |name: &str| response.headers()[name].to_str().unwrap().parse::<u64>().unwrap();
        (response.status().as_u16(), number("ratelimit-remaining"), number("ratelimit-reset"))
    };
    assert_eq!(asked(&one).await, (200, 3, 60));
    let (status, remaining, reset) = asked(&two).await;
    assert_eq!((status, remaining), (200, 2));
    assert!((118..=120).contains(&reset), "{reset}");
    assert_eq!(asked(&one).await.1, 1);
    assert_eq!(asked(&two).await.1, 0);
    for app in [&one, &two, &one] {
        let response = app.get("/log/certificates").await;
        assert_eq!(response.status(), 429);
        let wait: u64 = response.headers()["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((50..=60).contains(&wait), "{wait}");
    }
    for app in [one, two] {
        app.stop().await;
    }
    shared.drop_database();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_sent_again_to_another_server_is_the_same_request() {
    let Some(shared) = Shared::new("idempotency") else { return };
    let one = shared.server("one", SignedDuration::ZERO, false, |_| {}).await;
    let two = shared.server("two", SignedDuration::ZERO, false, |_| {}).await;
    let form = Form::complete();
    let asked = async |app: &TestApp| {
        let request = app.client.post(format!("{}/audit/full?async=true", app.url)).header("idempotency-key", "k-1");
        let request = request.header("content-type", form.content_type()).body(form.body());
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    };
    let answers = futures::future::join_all([&one, &two, &one, &two].map(&asked)).await;
    assert_eq!(answers[0].0, 202, "{}", answers[0].1);
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    assert_eq!(one.jobs().await.len(), 1);
    for app in [one, two] {
        app.stop().await;
    }
    shared.drop_database();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_database_a_server_still_counts_and_lives() {
    let Some(shared) = Shared::new("outage") else { return };
    let tight = |start: &mut Start| start.config.limits.reads = Rate { per_minute: 1, burst: 3 };
    let app = shared.server("one", SignedDuration::ZERO, false, tight).await;
    assert_eq!(app.get("/health").await.headers()["ratelimit-remaining"], "2");
    // Nobody may connect any more, and nobody is.
    let name = &shared.name;
    psql(&shared.cluster, &format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false"));
    psql(&shared.cluster, &format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"));
    let answers = [app.get("/docs").await, app.get("/docs").await, app.get("/docs").await];
    assert_eq!(answers.map(|answer| answer.status().as_u16()), [200, 200, 429]);
    psql(&shared.cluster, &format!("ALTER DATABASE {name} ALLOW_CONNECTIONS true"));
    app.stop().await;
    shared.drop_database();
}
