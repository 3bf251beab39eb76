//! Two servers and two workers on one PostgreSQL and one S3 store, while they are killed and while the database is away:
//! nothing accepted is lost, nothing is done twice, and all comes back by itself.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::{Answer, assize, files_below, run, said, wait_for};
use crate::shared::{Installation, Random, Role, people, s3_put, s3_url};

/// Kills in one test.
const KILLS: usize = 20;
/// Seed of the order in which processes are killed; printed when the test fails.
const SEED: u64 = 20_261_121;

/// Seconds that PostgreSQL is away; `ASSIZE_TEST_OUTAGE_S` sets another number.
#[expect(clippy::disallowed_methods, reason = "a person may ask for a longer outage")]
fn outage() -> Duration {
    Duration::from_secs(std::env::var("ASSIZE_TEST_OUTAGE_S").ok().and_then(|text| text.parse().ok()).unwrap_or(8))
}

fn wait_until_done(installation: &Installation, server: usize, jobs: &[String]) {
    for id in jobs {
        wait_for(&format!("{id} to finish"), || installation.job(server, id)["state"] == "succeeded");
    }
}

/// One certificate a job, numbers and log without gaps, every certificate good on both servers and offline.
fn assert_consistent(installation: &Installation, accepted: &[String]) {
    assert!(
        installation.rows("SELECT job_id, state FROM jobs WHERE state <> 'succeeded' AND kind = 'certify'").is_empty()
    );
    let made_by = installation.rows("SELECT job_id FROM certificates ORDER BY certificate_id");
    let mut distinct = made_by.clone();
    distinct.sort();
    distinct.dedup();
    assert_eq!(distinct.len(), made_by.len(), "a job made two certificates");
    for id in accepted {
        assert!(distinct.contains(id), "{id} was accepted and has no certificate");
    }
    let ids = installation.rows("SELECT certificate_id FROM certificates ORDER BY certificate_id");
    for (index, id) in ids.iter().enumerate() {
        assert!(id.ends_with(&format!("{:06}", index + 1)), "numbers have no gap: {ids:?}");
        for server in [0, 1] {
            let shown = installation.ask(server, &format!("/verify/{id}"), &[]);
            assert_eq!(shown.json()["valid"], true, "{id}: {}", shown.json()["checks"]);
        }
    }
    let log = installation.rows("SELECT COUNT(*), COUNT(DISTINCT leaf_index), MAX(leaf_index) + 1 FROM log_leaves");
    let numbers: Vec<&str> = log[0].split('|').collect();
    assert!(numbers.iter().all(|number| *number == numbers[0]), "{log:?}");
    let results: Vec<u64> = installation
        .rows("SELECT result_leaf_index FROM certificates ORDER BY certificate_id")
        .iter()
        .map(|index| index.parse().unwrap())
        .collect();
    assert!(results.is_sorted_by(|earlier, later| earlier < later), "{results:?}");
    // Recomputes every entry of the log and holds it against the newest checkpoint.
    let (config, home) = (installation.config(), installation.home(0));
    let last = ids.last().expect("something was certified");
    let arguments = ["verify", last, "--config", config.to_str().unwrap(), "--home", home.to_str().unwrap()];
    let verified = run(installation.path(), &arguments);
    assert_eq!(verified.status.code(), Some(0), "{}", said(&verified));
}

/// Neither rows nor objects of uploads are left.
fn assert_nothing_left(installation: &Installation) {
    wait_for("uploads to be deleted", || installation.rows("SELECT sha256 FROM blob_holds").is_empty());
    for index in 0..installation.processes.len() {
        let left = files_below(&installation.home(index).join("spool"));
        assert!(left.is_empty(), "{left:?}");
    }
}

#[test]
fn killing_any_of_four_processes_loses_nothing_and_does_nothing_twice() {
    let Some(mut installation) = Installation::start("") else { return };
    let mut random = Random(SEED);
    let mut accepted = Vec::new();
    for round in 0..KILLS {
        // An audit is posted to one server, then one of the four dies at some moment of it.
        let seed = u32::try_from(round).unwrap();
        let answer = installation.submit(random.below(2), seed);
        assert_eq!(answer.status, 202, "{}", String::from_utf8_lossy(&answer.body));
        accepted.push(answer.json()["job_id"].as_str().unwrap().to_owned());
        std::thread::sleep(Duration::from_millis(random.below(900) as u64));
        let victim = random.below(installation.processes.len());
        installation.kill(victim);
        installation.spawn(victim);
    }
    wait_until_done(&installation, random.below(2), &accepted);
    assert_consistent(&installation, &accepted);
    assert_nothing_left(&installation);
}

#[test]
fn a_server_that_dies_while_it_receives_leaves_no_half_audit() {
    let Some(mut installation) = Installation::start("") else { return };
    let data = installation.path().join("large.csv");
    std::fs::write(&data, people(1, 200_000)).unwrap();
    let (url, path) = (installation.processes[0].url.clone(), data.display().to_string());
    let sending = std::thread::spawn(move || {
        std::process::Command::new("curl")
            .args(["--silent", "--limit-rate", "2M", "-F", &format!("dataset_file=@{path}"), "-F", "model_name=Model"])
            .args(["-F", "organization=Org", "-F", "domain=employment", "-F", "target_column=income"])
            .args(["-F", "protected_attributes=sex", "-F", "prediction_column=decision"])
            .arg(format!("{url}/audit/full?async=true"))
            .output()
            .expect("curl runs")
    });
    let spool = installation.home(0).join("spool");
    wait_for("the upload to arrive", || {
        files_below(&spool).iter().any(|file| file.metadata().is_ok_and(|m| m.len() > 0))
    });
    installation.kill(0);
    assert!(!sending.join().unwrap().status.success(), "nobody told the client that it was accepted");
    assert!(!files_below(&spool).is_empty(), "the rows of people lie there still");
    installation.spawn(0);
    assert!(files_below(&spool).is_empty(), "they went with the next start");
    assert!(installation.rows("SELECT job_id FROM jobs").is_empty());
}

#[test]
#[expect(clippy::disallowed_methods, reason = "bounds how long a real outage is looked at")]
fn an_audit_that_runs_elsewhere_is_cancelled_within_moments() {
    let Some(installation) = Installation::start("") else { return };
    let data = installation.path().join("large.csv");
    std::fs::write(&data, people(1, 60_000)).unwrap();
    let answer = installation.submit_file(0, &data, &[]);
    assert_eq!(answer.status, 202, "{}", String::from_utf8_lossy(&answer.body));
    let id = answer.json()["job_id"].as_str().unwrap().to_owned();
    wait_for("a worker to take it", || installation.job(1, &id)["state"] == "running");
    let asked = Instant::now();
    let cancelled = installation.ask(1, &format!("/audit/jobs/{id}"), &["-X", "DELETE"]);
    assert!([200, 202].contains(&cancelled.status), "{}", cancelled.status);
    wait_for("it to stop", || installation.job(0, &id)["state"] != "running");
    assert_eq!(installation.job(0, &id)["state"], "cancelled");
    // A third of the lease is what a worker that hears nothing would need at the least to ask by itself.
    assert!(asked.elapsed() < Duration::from_secs(30), "{:?}", asked.elapsed());
    assert_nothing_left(&installation);
}

#[test]
#[expect(clippy::disallowed_methods, reason = "bounds how long a real outage is looked at")]
fn while_postgresql_is_away_answers_are_clear_and_afterwards_all_goes_on() {
    let Some(installation) = Installation::start("") else { return };
    let mut accepted = Vec::new();
    let submit = |server: usize, seed: u32| {
        let answer = installation.submit(server, seed);
        assert_eq!(answer.status, 202, "{}", String::from_utf8_lossy(&answer.body));
        answer.json()["job_id"].as_str().unwrap().to_owned()
    };
    for seed in 0..4 {
        accepted.push(submit(seed as usize % 2, seed));
    }
    let header = format!("X-API-Key: {}", interactions_key(&installation));
    let say = |server: usize| installation.ask(server, "/", &["-H", &header, "-d", &interaction().to_string()]);
    let mut heard: Vec<String> = (0..4).map(|n| submission(&say(n % 2))).collect();
    installation.cluster.stop().unwrap();
    let gone = Instant::now();
    let mut asked = 0;
    while gone.elapsed() < outage() || asked < 1 {
        for server in [0, 1] {
            for path in ["/log/checkpoint", "/verify/MP-2026-000001"] {
                let answer = installation.ask(server, path, &[]);
                assert_eq!(answer.status, 503, "{path}: {}", String::from_utf8_lossy(&answer.body));
                assert!(answer.headers.to_lowercase().contains("\r\nretry-after: "), "{}", answer.headers);
                let told = String::from_utf8_lossy(&answer.body).to_lowercase();
                assert!(!told.contains("postgres") && !told.contains("sql"), "{told}");
            }
            assert_eq!(installation.submit(server, 99).status, 503);
            let refused = say(server);
            assert_eq!((refused.status, &refused.json()["status"]), (503, &json!("error")));
            assert!(refused.headers.to_lowercase().contains("\r\nretry-after: "), "{}", refused.headers);
            let ready = installation.ask(server, "/ready", &[]);
            assert_eq!((ready.status, &ready.json()["database"]), (503, &json!("failed")));
            assert_eq!(installation.ask(server, "/health", &[]).status, 200, "the process itself is well");
        }
        asked += 1;
    }
    installation.cluster.resume().unwrap();
    for server in [0, 1] {
        wait_for("the server to be ready", || installation.ask(server, "/ready", &[]).status == 200);
        accepted.push(submit(server, 10 + server as u32));
        heard.push(submission(&say(server)));
    }
    wait_until_done(&installation, 0, &accepted);
    assert_consistent(&installation, &accepted);
    assert_nothing_left(&installation);
    let mut kept = Vec::new();
    wait_for("the interactions to be audited", || {
        let page = installation.ask(1, "/v1/interactions", &["-H", &header]).json();
        let rows = page["interactions"].as_array().unwrap();
        kept = rows.iter().map(|row| row["submission_id"].as_str().unwrap().to_owned()).collect();
        rows.iter().all(|row| row["state"] == "audited")
    });
    kept.sort();
    heard.sort();
    assert_eq!(kept, heard, "every submission that was answered is there once, and no other");
}

fn interactions_key(installation: &Installation) -> String {
    let arguments = ["key", "create", "--org", "acme", "--role", "owner", "--interface", "interactions", "--json"];
    let mut command = assize();
    command.args(arguments).arg("--config").arg(installation.config()).arg("--home").arg(installation.home(0));
    let made = command.output().expect("the binary runs");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    serde_json::from_slice::<Value>(&made.stdout).unwrap()["key"].as_str().unwrap().to_owned()
}

/// An interaction to be audited.
fn interaction() -> Value {
    json!({
        "user_id": "u", "company_name": "Acme", "use_case": "Support", "timestamp": "2026-11-21T10:00:00Z",
        "input": { "value": "Where is my parcel?", "format": "text", "country": "DE" },
        "output": { "value": "It arrives tomorrow.", "format": "text", "country": "DE" },
    })
}

fn submission(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    answer.json()["submission_id"].as_str().unwrap().to_owned()
}

#[test]
fn an_audit_posted_to_one_server_is_worked_elsewhere_and_verified_on_the_other() {
    let Some(installation) = Installation::start("") else { return };
    let data = installation.path().join("people.csv");
    std::fs::write(&data, people(7, 300)).unwrap();
    let form = [
        format!("dataset_file=@{}", data.display()),
        "model_name=Model".to_owned(),
        "organization=Org".to_owned(),
        "domain=employment".to_owned(),
        "target_column=income".to_owned(),
        "protected_attributes=sex".to_owned(),
        "prediction_column=decision".to_owned(),
    ];
    let arguments: Vec<&str> = form.iter().flat_map(|part| ["-F", part]).collect();
    let certificate = installation.ask(0, "/audit/full", &arguments);
    assert_eq!(certificate.status, 200, "{}", String::from_utf8_lossy(&certificate.body));
    let id = certificate.json()["certificate_id"].as_str().unwrap().to_owned();
    assert_eq!(certificate.json()["verify_url"], format!("https://assize.test/verify/{id}"));
    let owner = installation.rows("SELECT lease_token FROM jobs WHERE state = 'succeeded'");
    assert_eq!(owner, ["1"], "one worker took it, once");
    let shown = installation.ask(1, &format!("/verify/{id}"), &[]);
    assert_eq!(shown.json()["valid"], true);
    let keys: Vec<Vec<u8>> =
        [0, 1].map(|server| installation.ask(server, "/.well-known/assize-keys.json", &[]).body).into();
    assert_eq!(keys[0], keys[1]);

    // The key is rotated by a command; servers and workers that have the old one in memory sign with the new one.
    let (config, home) = (installation.config(), installation.path().join("operator"));
    let rotate = ["signing-key", "rotate", "--config", config.to_str().unwrap(), "--home", home.to_str().unwrap()];
    let rotated = run(installation.path(), &rotate);
    assert!(rotated.status.success(), "{}", said(&rotated));
    let next = installation.submit(1, 8);
    let job = next.json()["job_id"].as_str().unwrap().to_owned();
    wait_until_done(&installation, 0, &[job]);
    assert_consistent(&installation, &[]);
    let servers = installation.processes.iter().filter(|process| process.role == Role::Server).count();
    assert_eq!(servers, 2);
}

#[test]
fn data_in_a_bucket_is_audited_from_the_command_line() {
    let Some(s3) = s3_url() else { return };
    let folder = crate::harness::folder();
    let bucket = format!("assize-cli-source-{}", std::process::id());
    s3_put(&s3, &format!("/{bucket}"), b"");
    s3_put(&s3, &format!("/{bucket}/data/people.csv"), people(3, 300).as_bytes());
    let audit = |address: &str| {
        crate::harness::assize()
            .current_dir(folder.path())
            .args(["audit", address, "--target", "income", "--protected", "sex", "--prediction", "decision", "--json"])
            .env("AWS_ENDPOINT_URL", &s3)
            .env("AWS_REGION", "us-east-1")
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "hunter2")
            .env("AWS_ALLOW_HTTP", "true")
            .output()
            .expect("the binary runs")
    };
    let audited = audit(&format!("s3://{bucket}/data/people.csv"));
    assert!(audited.status.success(), "{}", said(&audited));
    let certificate: serde_json::Value = serde_json::from_slice(&audited.stdout).unwrap();
    assert_eq!(certificate["model_name"], "people.csv");
    let missing = audit(&format!("s3://{bucket}/data/none.csv"));
    assert_eq!(missing.status.code(), Some(2), "{}", said(&missing));
    assert!(
        said(&missing).contains("there is no such file") && !said(&missing).contains("hunter2"),
        "{}",
        said(&missing)
    );
}
