//! Files that mean harm, through the real binary: each ends in an error, soon and in little memory; nothing runs, no file
//! is made, and the server goes on.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::harness::{Server, files_below, folder, run, said, sample};

/// What the product promises for one bad file.
const CPU_S_MAX: f64 = 2.0;
const PEAK_KIB_MAX: f64 = 300_000_000.0 / 1024.0;

fn script() -> PathBuf {
    Path::new(&std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it")).join("tests/assets/hostile/hostile.py")
}

/// Makes the files and answers their paths, the reader's own bad fixtures among them.
fn make(work: &Path, marker: &Path) -> Vec<PathBuf> {
    let files = work.join("files");
    std::fs::create_dir(&files).unwrap();
    let made = Command::new("python3").arg(script()).arg("make").args([&files, marker]).status().unwrap();
    assert!(made.success());
    let bad = Path::new(&std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"))
        .join("../models/tests/fixtures/joblib/bad");
    let mut paths: Vec<PathBuf> = files_below(&files).into_iter().chain(files_below(&bad)).collect();
    paths.sort();
    assert!(paths.len() > 100, "{} files", paths.len());
    paths
}

/// Runs the binary on each file; one report a file.
fn measure(work: &Path, files: &[PathBuf], arguments: &[&str]) -> Vec<Value> {
    let mut child = Command::new("python3")
        .arg(script())
        .arg("measure")
        .arg(env!("CARGO_BIN_EXE_assize"))
        .args(arguments)
        .current_dir(work)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let list: String = files.iter().map(|file| format!("{}\n", file.display())).collect();
    child.stdin.take().unwrap().write_all(list.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let reports: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(reports.len(), files.len());
    reports
}

fn within_bounds(report: &Value) {
    assert!(report["cpu_s"].as_f64().unwrap() < CPU_S_MAX, "{report}");
    assert!(report["peak_kib"].as_f64().unwrap() < PEAK_KIB_MAX, "{report}");
}

#[test]
fn every_hostile_file_is_an_error_within_two_seconds_and_300_megabytes() {
    let work = folder();
    let marker = work.path().join("marker");
    let files = make(work.path(), &marker);
    let rows = Path::new(&std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"))
        .join("../models/tests/fixtures/joblib/x/num6.csv");
    for report in measure(work.path(), &files, &["predict", "{}", "--data", rows.to_str().unwrap()]) {
        assert_eq!(report["code"], 2, "{report}");
        within_bounds(&report);
    }
    for report in measure(work.path(), &files, &["scan", "{}"]) {
        assert!(report["code"] == 0 || report["code"] == 3, "{report}");
        within_bounds(&report);
        let file = report["file"].as_str().unwrap();
        assert!(!file.contains("/call") || report["code"] == 3, "a call passes the scan: {report}");
    }
    assert!(!marker.exists(), "something was executed");
    assert_eq!(files_below(work.path()).len(), files.len() - 4, "a file was made");
}

#[test]
fn the_server_refuses_hostile_models_and_goes_on() {
    let work = folder();
    let marker = work.path().join("marker");
    let files = make(work.path(), &marker);
    let home = folder();
    let server = Server::start(home.path(), &["--no-worker"]);
    assert_eq!(server.curl("/health", &[]).status, 200);
    for file in files.iter().filter(|file| file.metadata().unwrap().len() > 0) {
        let upload = format!("@{}", file.display());
        let answer = server.audit(
            "/audit/full",
            &sample("german_credit.csv"),
            &[("target_column", "credit_risk"), ("protected_attributes", "sex"), ("model_file", &upload)],
        );
        assert_eq!(answer.status, 422, "{}: {}", file.display(), String::from_utf8_lossy(&answer.body));
        assert!(answer.detail().contains("model_file"), "{}", answer.detail());
    }
    assert_eq!(server.curl("/health", &[]).status, 200);
    assert!(!marker.exists(), "something was executed");
    for kept in ["spool", "objects"] {
        assert!(files_below(&home.path().join(kept)).is_empty(), "something was kept in {kept}");
    }
}

#[test]
fn a_scan_prints_json_and_sarif_and_passes_honest_models() {
    let work = folder();
    let fixtures = Path::new(&std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"))
        .join("../models/tests/fixtures/joblib");
    let honest = fixtures.join("sk1.7.2/forest.joblib.z").display().to_string();
    let bad = fixtures.join("bad/reduce_os_system.joblib").display().to_string();
    let passed = run(work.path(), &["scan", &honest]);
    assert!(passed.status.success(), "{}", said(&passed));
    let json = run(work.path(), &["scan", &honest, &bad, "--json"]);
    assert_eq!(json.status.code(), Some(3));
    let found: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(found["files"][0]["worst"], Value::Null);
    assert_eq!(found["files"][1]["findings"][0]["name"], "posix.system");
    let sarif = run(work.path(), &["scan", &bad, "--sarif", "--fail-on", "critical"]);
    let log: Value = serde_json::from_slice(&sarif.stdout).unwrap();
    assert_eq!((&log["version"], &log["runs"][0]["results"][0]["level"]), (&"2.1.0".into(), &"error".into()));
}
