//! Backups taken while the server works, put back elsewhere, on both databases; and what a damaged one says.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use assize_server::app::{
    App, Caller, Diagnosis, DiagnosisOutcome, OrganizationId, Plan, PlanChange, Random, RetentionKind, SystemRandom,
    verify_trail_file,
};
use assize_server::clock::{Clock, SystemClock};
use assize_server::config::{Config, Secret};
use tempfile::TempDir;

use crate::harness::{Form, Start, TestApp};

fn operator() -> Caller {
    Caller::operator(OrganizationId::public())
}

fn config(home: &Path, database: Option<&str>) -> Config {
    let mut config = Config::default();
    config.storage.home = home.to_path_buf();
    config.storage.database_url = database.map(Secret::new);
    config
}

async fn doctor(config: &Config) -> Diagnosis {
    let (clock, random): (Arc<dyn Clock>, Arc<dyn Random>) = (Arc::new(SystemClock), Arc::new(SystemRandom));
    App::doctor(config, &clock, &random).await
}

/// The checks that did not pass.
fn complaints(diagnosis: &Diagnosis) -> Vec<(&'static str, String)> {
    let failed = diagnosis.checks.iter().filter(|check| check.outcome != DiagnosisOutcome::Passed);
    // A small machine may be short of space; that is no fault of the restore.
    failed.filter(|check| check.name != "disk").map(|check| (check.name, check.detail.clone())).collect()
}

async fn open(config: &Config) -> App {
    App::open(config.clone(), Arc::new(SystemClock), Arc::new(SystemRandom)).await.unwrap()
}

/// A database of its own on the test cluster, if there is one.
#[expect(clippy::disallowed_methods, reason = "tests learn from the environment where their database is")]
fn postgres(name: &str) -> Option<String> {
    let cluster = std::env::var("ASSIZE_TEST_POSTGRES_URL").ok().filter(|url| !url.is_empty())?;
    let database = format!("{name}_{}", std::process::id());
    psql(&cluster, &format!("CREATE DATABASE {database}"));
    let (server, _) = cluster.rsplit_once('/').unwrap();
    Some(format!("{server}/{database}"))
}

fn psql(url: &str, statement: &str) {
    let mut command = Command::new("psql");
    command.args(["--quiet", "--no-psqlrc", "--set", "ON_ERROR_STOP=1", url, "--command", statement]);
    assert!(command.status().unwrap().success(), "{statement}");
}

fn drop_database(url: &str) {
    let (server, database) = url.rsplit_once('/').unwrap();
    psql(&format!("{server}/postgres"), &format!("DROP DATABASE {database} WITH (FORCE)"));
}

/// Every certificate is there and verifies; the log ends where the backup says.
async fn assert_whole(config: &Config, certificates: &[String], root: Option<&str>) {
    assert_eq!(complaints(&doctor(config).await), []);
    let app = open(config).await;
    for id in certificates {
        assert!(app.certificate(id).await.unwrap().verification.valid, "{id}");
    }
    let size = app.log_size().await.unwrap();
    let proof = app.inclusion_proof(0, Some(size)).await.unwrap();
    assert_eq!(Some(proof.root_hash.as_str()), root);
    app.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn backup_under_load_is_whole_on_both_databases() {
    let app = TestApp::start().await;
    let mut ids = vec![app.certified().await["certificate_id"].as_str().unwrap().to_owned()];
    let target = tempfile::tempdir().unwrap();
    let posting = async {
        let mut more = Vec::new();
        for _ in 0..3 {
            more.push(app.certified().await["certificate_id"].as_str().unwrap().to_owned());
        }
        more
    };
    let operator = operator();
    let backing = app.app.backup(&operator, target.path(), true);
    let (more, taken) = tokio::join!(posting, backing);
    let taken = taken.unwrap();
    assert!(taken.damaged_files.is_empty() && taken.keys_included && taken.rows > 0, "{taken:?}");
    assert!(taken.path.starts_with(target.path()));
    use std::os::unix::fs::PermissionsExt as _;
    assert_eq!(taken.path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    app.finish().await;
    drop(more);

    let home = target.path().join("new home");
    let embedded = config(&home, None);
    let report = App::restore(&embedded, &SystemClock, &taken.path).await.unwrap();
    assert_eq!((report.log_size, &report.log_root), (taken.log_size, &taken.log_root));
    assert_whole(&embedded, &ids, taken.log_root.as_deref()).await;
    let refused = App::restore(&embedded, &SystemClock, &taken.path).await.unwrap_err().to_string();
    assert!(refused.contains("not empty"), "{refused}");

    let Some(url) = postgres("restored") else { return };
    let shared = config(&target.path().join("shared home"), Some(&url));
    App::restore(&shared, &SystemClock, &taken.path).await.unwrap();
    assert_whole(&shared, &ids, taken.log_root.as_deref()).await;
    let refused = App::restore(&shared, &SystemClock, &taken.path).await.unwrap_err().to_string();
    assert!(refused.contains("not empty"), "{refused}");
    // And back: from the shared database into an embedded one.
    let there = open(&shared).await;
    let again = there.backup(&operator, &target.path().join("again.tar"), true).await.unwrap();
    there.close().await;
    ids.truncate(1);
    let back = config(&target.path().join("back"), None);
    let report = App::restore(&back, &SystemClock, &again.path).await.unwrap();
    assert_eq!(report.log_root, again.log_root);
    assert_whole(&back, &ids, again.log_root.as_deref()).await;
    drop_database(&url);
}

/// An installation with a certificate, a kept upload and a backup of both.
async fn kept() -> (TestApp, TempDir, PathBuf) {
    kept_after(Duration::ZERO).await
}

/// The same with what the signing key signs so long after it was made.
async fn kept_after(pause: Duration) -> (TestApp, TempDir, PathBuf) {
    let mut start = Start::default();
    start.config.passport.retention_days = 30;
    let app = start.start().await;
    tokio::time::sleep(pause).await;
    app.certified().await;
    let organization = OrganizationId::public();
    for change in [PlanChange::Plan(Plan::Free, 500), PlanChange::Tokens(70)] {
        app.app.change_plan(&operator(), &organization, change).await.unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    let taken = app.app.backup(&operator(), &folder.path().join("backup.tar"), false).await.unwrap();
    assert_eq!(taken.files, 1);
    (app, folder, taken.path)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_archive_is_refused_and_the_member_named() {
    let (app, folder, path) = kept().await;
    let archive = std::fs::read(&path).unwrap();
    let home = folder.path().join("home");
    let restore = async |bytes: &[u8]| {
        let damaged = folder.path().join("damaged.tar");
        std::fs::write(&damaged, bytes).unwrap();
        let error = App::restore(&config(&home, None), &SystemClock, &damaged).await.unwrap_err().to_string();
        assert!(!home.exists() && !folder.path().join("home.restoring").exists(), "nothing is left: {error}");
        error
    };
    let place = |name: &[u8]| archive.windows(name.len()).position(|window| window == name).unwrap();
    let mut changed = archive.clone();
    changed[place(b"objects/org_public/") + 600] ^= 1;
    assert!(restore(&changed).await.contains("objects/org_public/"));
    let mut changed = archive.clone();
    changed[place(b"-certificates/000000.ndjson") + 700] ^= 1;
    assert!(restore(&changed).await.contains("-certificates/000000.ndjson has another content"));
    let error = restore(&archive[..archive.len() / 2]).await;
    assert!(error.contains("damaged"), "{error}");
    assert!(restore(b"not a tar file").await.contains("damaged"));
    assert!(restore(b"").await.contains("not a backup"));
    let refused = app.app.backup(&operator(), &path, false).await.unwrap_err().to_string();
    assert!(refused.contains("exists already"), "{refused}");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_are_left_out_unless_asked_for() {
    let (app, folder, path) = kept().await;
    let archive = std::fs::read(&path).unwrap();
    assert!(!archive.windows(11).any(|window| window == b"PRIVATE KEY"));
    assert!(!archive.windows(19).any(|window| window == b"assize-master-key-1"));
    let home = folder.path().join("home");
    let restored = config(&home, None);
    let report = App::restore(&restored, &SystemClock, &path).await.unwrap();
    assert!(!report.keys_included);
    let missing = complaints(&doctor(&restored).await);
    let names: Vec<&str> = missing.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["signing_key", "master_key", "objects"], "{missing:?}");
    // With the keys in place everything is there, the upload too.
    for key in ["signing.pem", "master.key"] {
        std::fs::create_dir_all(home.join("keys")).unwrap();
        std::fs::copy(app.app.config().storage.home.join("keys").join(key), home.join("keys").join(key)).unwrap();
    }
    assert_eq!(complaints(&doctor(&restored).await), []);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_file_is_named_by_doctor_and_left_out_of_backups() {
    let (app, folder, _) = kept().await;
    let file = app.files("objects").remove(0);
    let digest = file.file_name().unwrap().to_str().unwrap().to_owned();
    let mut bytes = std::fs::read(&file).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&file, bytes).unwrap();
    let found = complaints(&doctor(app.app.config()).await);
    assert!(matches!(&found[..], [("objects", detail)] if detail.contains(&digest)), "{found:?}");
    let taken = app.app.backup(&operator(), &folder.path().join("second.tar"), false).await.unwrap();
    assert_eq!((taken.files, taken.damaged_files), (0, vec![format!("org_public/{digest}")]));
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn doctor_finds_what_was_changed_behind_its_back() {
    let (app, folder, path) = kept().await;
    let keys = app.app.config().storage.home.join("keys");
    let cases = [
        ("UPDATE log_leaves SET entry = x'7b7d' WHERE leaf_index = 0", "log"),
        ("UPDATE log_nodes SET hash = zeroblob(32) WHERE level = 0 AND node_index = 1", "log"),
        ("DELETE FROM log_leaves WHERE leaf_index = 1", "log"),
        ("UPDATE audit_trail SET actor = 'nobody' WHERE seq = 1", "audit_trail"),
        ("UPDATE trail_checkpoints SET hash = zeroblob(32)", "audit_trail"),
        ("UPDATE certificates SET body = replace(body, 'IncomeClassifier', 'OutcomeClassifier')", "certificates"),
        ("UPDATE jobs SET dead = TRUE, state = 'failed'", "jobs"),
        ("UPDATE ledger_entries SET tokens = 71 WHERE kind = 'purchase'", "interactions"),
        ("DELETE FROM ledger_entries WHERE entry = 1", "interactions"),
        ("UPDATE interaction_accounts SET balance = balance + 1", "interactions"),
        ("UPDATE interaction_accounts SET used = 7", "interactions"),
        ("UPDATE interaction_accounts SET next_number = 2", "interactions"),
        ("UPDATE jobs SET created_at = created_at + 864000000", "clock"),
        ("UPDATE data_keys SET wrapped = zeroblob(73)", "master_key"),
        ("DELETE FROM schema_migrations WHERE version = 1", "database"),
    ];
    for (n, (statement, check)) in cases.into_iter().enumerate() {
        let home = folder.path().join(format!("home{n}"));
        let restored = config(&home, None);
        App::restore(&restored, &SystemClock, &path).await.unwrap();
        std::fs::create_dir_all(home.join("keys")).unwrap();
        for key in ["signing.pem", "master.key"] {
            std::fs::copy(keys.join(key), home.join("keys").join(key)).unwrap();
        }
        let mut sqlite = Command::new("sqlite3");
        assert!(sqlite.arg(home.join("assize.db")).arg(statement).status().unwrap().success());
        let found = complaints(&doctor(&restored).await);
        assert!(found.iter().any(|(name, _)| *name == check), "{statement}: {found:?}");
    }
    let nothing = complaints(&doctor(&config(&folder.path().join("nowhere"), None)).await);
    assert!(nothing[0].0 == "database" && nothing[0].1.contains("no installation"), "{nothing:?}");
    assert!(!folder.path().join("nowhere").exists(), "looking makes nothing");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn uploads_are_kept_as_long_as_set_and_no_longer() {
    let (app, _folder, _) = kept().await;
    let now = app.app.clock().now();
    let days = |n: i64| now.checked_add(jiff::SignedDuration::from_hours(24 * n)).unwrap();
    assert_eq!(app.app.enforce_retention(days(29)).await.unwrap().uploads, 0);
    assert_eq!(app.files("objects").len(), 1);
    let report = app.app.enforce_retention(days(31)).await.unwrap();
    assert_eq!((report.uploads, report.jobs), (1, 0));
    assert!(app.files("objects").is_empty());
    assert_eq!(app.jobs().await.len(), 1);
    app.app.set_retention(&operator(), RetentionKind::Jobs, Some(1)).await.unwrap();
    app.app.set_retention(&operator(), RetentionKind::Uploads, Some(0)).await.unwrap();
    let kept = [(RetentionKind::Uploads, 0), (RetentionKind::Jobs, 1), (RetentionKind::Interactions, 365)];
    assert_eq!(app.app.retention(&operator()).await.unwrap(), kept);
    let viewer = Caller { role: assize_server::app::Role::Viewer, ..operator() };
    assert!(app.app.set_retention(&viewer, RetentionKind::Jobs, None).await.is_err());
    assert_eq!(app.app.enforce_retention(days(2)).await.unwrap().jobs, 1);
    assert_eq!(app.app.enforce_retention(days(2)).await.unwrap(), Default::default());
    // An organization that keeps nothing keeps nothing.
    app.certified().await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_audit_keeps_its_rules_and_is_in_the_trail() {
    let app = TestApp::start().await;
    let form = Form::complete().text("prediction_column", "decision");
    let refused = app.post("/audit/full", &form.clone().text("positive_label", "no such value")).await;
    assert_eq!(refused.status(), 422);
    app.app.log_trails().await.unwrap();
    let mut export = Vec::new();
    let mut lines = app.app.export_audit_trail(&operator()).await.unwrap();
    while let Some(part) = futures::StreamExt::next(&mut lines).await {
        export.extend_from_slice(&part.unwrap());
    }
    let trusted = app.app.public_keys().await.unwrap();
    verify_trail_file(std::io::BufReader::new(&export[..]), &trusted).unwrap();
    app.finish().await;
}

/// A clock that was set back by a day.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_set_back_is_told_and_corrupts_nothing() {
    use assize_server::clock::MockClock;
    let now = SystemClock.now();
    let yesterday = now.checked_sub(jiff::SignedDuration::from_hours(24)).unwrap();
    let (app, folder, path) = kept_after(Duration::from_millis(2_100)).await;
    let home = folder.path().join("home");
    let restored = config(&home, None);
    App::restore(&restored, &SystemClock, &path).await.unwrap();
    std::fs::create_dir_all(home.join("keys")).unwrap();
    for key in ["signing.pem", "master.key"] {
        std::fs::copy(app.app.config().storage.home.join("keys").join(key), home.join("keys").join(key)).unwrap();
    }
    app.stop().await;
    let clock: Arc<dyn Clock> = Arc::new(MockClock::new(yesterday));
    let random: Arc<dyn Random> = Arc::new(SystemRandom);
    let there = App::open(restored.clone(), Arc::clone(&clock), Arc::clone(&random)).await.unwrap();
    there.rotate_data_key(&operator()).await.unwrap();
    there.rotate_signing_key(&operator(), false).await.unwrap();
    there.log_trails().await.unwrap();
    assert_eq!(there.enforce_retention(clock.now()).await.unwrap(), Default::default());
    there.close().await;
    let found = complaints(&App::doctor(&restored, &clock, &random).await);
    assert!(matches!(&found[..], [("clock", detail)] if detail.contains("set back")), "{found:?}");
    assert_eq!(complaints(&doctor(&restored).await), [], "under the right clock everything is as it must be");
}
