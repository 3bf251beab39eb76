//! Killing the process at any moment loses nothing accepted and does nothing twice.

use serde_json::Value;

use crate::harness::{Server, folder, sample, wait_for};

fn ids(server: &Server) -> Vec<String> {
    let answer = server.curl("/log/certificates?limit=100", &[]);
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    let mut ids: Vec<String> = answer.json()["certificates"]
        .as_array()
        .unwrap()
        .iter()
        .map(|certificate| certificate["certificate_id"].as_str().unwrap().to_owned())
        .collect();
    ids.sort();
    ids
}

fn submit(server: &Server) -> String {
    let answer = server.audit("/audit/full?async=true", &sample("adult.csv"), &[]);
    assert_eq!(answer.status, 202, "{}", String::from_utf8_lossy(&answer.body));
    answer.json()["job_id"].as_str().expect("a job id").to_owned()
}

fn job(server: &Server, id: &str) -> Value {
    server.curl(&format!("/audit/jobs/{id}"), &[]).json()
}

#[test]
fn killed_during_an_audit_it_finishes_once_after_restart() {
    let home = folder();
    let mut accepted = Vec::new();
    for round in 0..4_u64 {
        let server = Server::start(home.path(), &[]);
        accepted.push(submit(&server));
        // Different moments of the audit, one of them before it starts.
        std::thread::sleep(std::time::Duration::from_millis(150 * round));
        server.kill();
    }
    let stray = home.path().join("spool/upload-of-a-killed-process");
    std::fs::write(&stray, "rows of people").unwrap();
    let server = Server::start(home.path(), &[]);
    assert!(!stray.exists(), "an upload outlived its process");
    for id in &accepted {
        wait_for("the job to finish", || job(&server, id)["state"] == "succeeded");
    }
    let ids = ids(&server);
    assert_eq!(ids.len(), accepted.len(), "one certificate a job: {ids:?}");
    for (index, id) in ids.iter().enumerate() {
        assert!(id.ends_with(&format!("{:06}", index + 1)), "numbers have no gap: {ids:?}");
        assert_eq!(server.curl(&format!("/verify/{id}"), &[]).json()["valid"], true);
    }
}

#[test]
fn an_audit_past_its_time_is_stopped_and_answered_with_504() {
    let home = folder();
    let config = home.path().join("assize.toml");
    std::fs::write(&config, "[passport]\naudit_timeout_s = 1\n").unwrap();
    let server = Server::start(&home.path().join("home"), &["--config", config.to_str().unwrap()]);
    // A file that takes several seconds: Adult forty times over.
    let text = std::fs::read_to_string(sample("adult.csv")).unwrap();
    let (header, rows) = text.split_once('\n').unwrap();
    let large = home.path().join("large.csv");
    std::fs::write(&large, format!("{header}\n{}", rows.repeat(40))).unwrap();
    let answer = server.audit("/audit/full", &large, &[]);
    assert_eq!(answer.status, 504, "{}", String::from_utf8_lossy(&answer.body));
    assert!(answer.detail().contains("1 seconds"), "{}", answer.detail());
    assert!(ids(&server).is_empty());
    let before = server.cpu_seconds();
    std::thread::sleep(std::time::Duration::from_secs(2));
    assert!(server.cpu_seconds() - before < 0.5, "the audit goes on after its answer");
}

#[test]
fn a_cancelled_job_ends_without_a_certificate() {
    let home = folder();
    let server = Server::start(home.path(), &[]);
    let id = submit(&server);
    let answer = server.curl(&format!("/audit/jobs/{id}"), &["-X", "DELETE"]);
    assert!([200, 202].contains(&answer.status), "{}", answer.status);
    wait_for("the job to end", || ["cancelled", "succeeded"].contains(&job(&server, &id)["state"].as_str().unwrap()));
    let issued = usize::from(job(&server, &id)["state"] == "succeeded");
    assert_eq!(ids(&server).len(), issued);
}
