//! No secret, no row of data and no text reaches a log, whatever happens: a full run of servers and workers, with an
//! outage and refusals, at the level at which developers read.

use serde_json::Value;

use crate::harness::{run, said, wait_for};
use crate::shared::{Installation, people};

/// Words that stand for secrets. Each occurs in the run, and in no log.
const DATABASE_PASSWORD: &str = "hunter2-database";
const S3_SECRET: &str = "hunter2-s3-secret";
const METRICS_TOKEN: &str = "hunter2-metrics-token-0123456789abcdef";
const API_KEY: &str = "hunter2-narrative-key";
const ROW: &str = "Hunter2-of-the-rows";
const TEXT: &str = "hunter2-in-a-field";
const SENT_KEY: &str = "ak_live_hunter2sentbyaclient0000";

#[test]
fn a_full_run_logs_no_secret_and_no_row() {
    // A language model that nobody reaches: its key is read and used all the same.
    let more = format!(
        "\n[metrics]\ntoken = \"{METRICS_TOKEN}\"\n\n[logging]\nlevel = \"debug\"\nformat = \"json\"\n\n\
         [narrative]\nprovider = \"openai\"\nmodel = \"m\"\nbase_url = \"http://127.0.0.1:9\"\napi_key = \"{API_KEY}\"\n\
         allow_private = [\"127.0.0.1\"]\ntimeout_s = 1\n"
    );
    let Some(mut installation) = Installation::start(&more) else { return };
    let data = installation.path().join("people.csv");
    let rows = people(5, 300).replacen(",Male,", &format!(",{ROW},"), 1);
    std::fs::write(&data, rows).unwrap();
    let keys = [format!("X-API-Key: {SENT_KEY}"), format!("Authorization: Bearer {METRICS_TOKEN}")];
    let headers = ["-H", keys[0].as_str(), "-H", keys[1].as_str()];

    let accepted = installation.submit_file(0, &data, &["prediction_column=decision"]);
    assert_eq!(accepted.status, 202, "{}", String::from_utf8_lossy(&accepted.body));
    let id = accepted.json()["job_id"].as_str().unwrap().to_owned();
    let request_id = header(&accepted.headers, "x-request-id");
    wait_for("the audit to end", || installation.job(1, &id)["state"] == "succeeded");
    let refused = installation.ask(0, "/audit/full", &["-F", &format!("domain={TEXT}")]);
    assert_eq!(refused.status, 422);
    assert_eq!(installation.submit_file(0, &data, &["prediction_column=none"]).status, 422);
    let unknown = installation.ask(0, "/v1/keys", &headers[..2]);
    assert_eq!(unknown.status, 401);
    let real = key(&installation);
    let sent = format!("X-API-Key: {real}");
    assert_eq!(installation.ask(1, "/v1/keys", &["-H", &sent]).status, 200);
    let metrics = installation.ask(1, "/internal/metrics", &headers);
    assert_eq!(metrics.status, 200);
    assert_eq!(installation.ask(1, &format!("/verify/none?key={SENT_KEY}"), &headers).status, 404);
    installation.cluster.stop().unwrap();
    assert_eq!(installation.ask(0, "/ready", &headers).status, 503);
    assert_eq!(installation.submit_file(0, &data, &["prediction_column=decision"]).status, 503);
    installation.cluster.resume().unwrap();
    wait_for("the server to be ready", || installation.ask(0, "/ready", &[]).status == 200);
    installation.kill(2);
    installation.spawn(2);

    let mut lines = Vec::new();
    for index in 0..installation.processes.len() {
        let log = std::fs::read_to_string(installation.log(index)).unwrap();
        for secret in
            [real.as_str(), DATABASE_PASSWORD, S3_SECRET, METRICS_TOKEN, API_KEY, ROW, TEXT, SENT_KEY, "PRIVATE KEY"]
        {
            let line = log.lines().find(|line| line.contains(secret));
            assert!(line.is_none(), "{secret} is in a log: {}", line.unwrap_or_default());
        }
        for line in log.lines() {
            lines.push(serde_json::from_str::<Value>(line).unwrap_or_else(|error| panic!("{error}: {line}")));
        }
    }
    // One line ties the request to the job, and every line of the job's work names the job.
    let accepted = lines.iter().find(|line| line["fields"]["message"] == "an audit was accepted").unwrap();
    assert_eq!(accepted["span"]["request.id"], request_id.as_str());
    assert_eq!(accepted["fields"]["job.id"], id.as_str());
    let certified = lines.iter().find(|line| line["fields"]["message"] == "an audit was certified").unwrap();
    assert_eq!(certified["span"]["job.id"], id.as_str());
    let answered: Vec<_> = lines.iter().filter(|line| line["fields"]["http.status"].is_number()).collect();
    assert!(answered.len() > 5, "{}", answered.len());
    for line in answered {
        assert!(line["span"]["request.id"].as_str().is_some_and(|id| !id.is_empty()), "{line}");
        assert!(!line["fields"]["http.path"].as_str().unwrap().contains('?'), "{line}");
    }
}

/// A key that works.
fn key(installation: &Installation) -> String {
    let (config, home) = (installation.config(), installation.path().join("operator"));
    let shared = ["--config", config.to_str().unwrap(), "--home", home.to_str().unwrap()];
    let create = ["key", "create", "--org", "acme", "--role", "owner", "--interface", "governance", "--json"];
    let output = run(installation.path(), &[&create[..], &shared[..]].concat());
    assert!(output.status.success(), "{}", said(&output));
    let created: Value = serde_json::from_slice(&output.stdout).unwrap();
    created["key"].as_str().expect("a key").to_owned()
}

fn header(headers: &str, name: &str) -> String {
    let line = headers.lines().find(|line| line.to_lowercase().starts_with(&format!("{name}: ")));
    line.unwrap_or_else(|| panic!("no {name} in {headers}")).split_once(": ").unwrap().1.trim().to_owned()
}
