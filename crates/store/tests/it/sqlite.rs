//! What only SQLite shows: the file, its versions, a crash, a chain that was tampered with.

use std::path::PathBuf;

use assize_store::audit_trail::AuditEvent;
use assize_store::interactions::ComplianceStatus;
use assize_store::jobs::JobState;
use assize_store::webhooks::{Delivery, Webhook};
use assize_store::{Error, Store, StoreSettings, UserId};
use serde_json::{Value, json};
use sha2::Digest as _;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor};
use tempfile::TempDir;

use crate::databases::sqlite_settings;
use crate::harness::{at, claim_one, enqueue, job_id, new_certificate, new_job, public};

/// Changes the database behind the store's back.
async fn tamper(dir: &TempDir, statement: &str) {
    let options = SqliteConnectOptions::new().filename(dir.path().join("assize.db")).foreign_keys(false);
    let mut connection = options.connect().await.unwrap();
    connection.execute(AssertSqlSafe(statement.to_owned())).await.unwrap();
    connection.close().await.unwrap();
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_can_read_the_files() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&sqlite_settings(&dir), at(0)).await.unwrap();
    enqueue(&store, &new_job(1)).await;
    for file in ["assize.db", "assize.db-wal", "assize.db-shm"] {
        let mode = std::fs::metadata(dir.path().join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    // What lies below is as private as the folder.
    let mode = std::fs::metadata(dir.path().join("objects")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[tokio::test]
async fn schema_of_another_program_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let migrating = sqlite_settings(&dir);
    let settled = StoreSettings { migrate: false, ..migrating.clone() };
    let old = Store::open(&settled, at(0)).await.err().unwrap();
    let needed = Store::schema_version_known();
    assert_eq!(
        old.to_string(),
        format!("the database has schema version 0, this program needs {needed}: run `assize migrate`")
    );
    Store::open(&migrating, at(0)).await.unwrap().close().await;
    Store::open(&settled, at(0)).await.unwrap().close().await;

    let later = needed + 1;
    tamper(&dir, &format!("INSERT INTO schema_migrations VALUES ({later}, 'later', 'x', 0)")).await;
    for settings in [&migrating, &settled] {
        let new = Store::open(settings, at(0)).await.err().unwrap();
        assert!(matches!(new, Error::SchemaTooNew { found, known } if (found, known) == (later, needed)), "{new:?}");
    }
    tamper(&dir, &format!("DELETE FROM schema_migrations WHERE version = {later}")).await;
    tamper(&dir, "UPDATE schema_migrations SET sha256 = 'edited'").await;
    let edited = Store::open(&migrating, at(0)).await.err().unwrap();
    assert!(matches!(edited, Error::Corrupt { .. }), "{edited:?}");
}

/// A database as version 1 left it, with a row of each kind: `fixtures/README.md` says how it was made.
#[tokio::test]
async fn database_of_every_version_keeps_loading() {
    let fixtures = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it")).join("tests/fixtures");
    for version in 1..=Store::schema_version_known() {
        let dir = tempfile::tempdir().unwrap();
        let script = std::fs::read_to_string(fixtures.join(format!("v{version}.sql"))).unwrap();
        let expected = std::fs::read_to_string(fixtures.join(format!("v{version}.expected.json"))).unwrap();
        let options = SqliteConnectOptions::new()
            .filename(dir.path().join("assize.db"))
            .create_if_missing(true)
            .foreign_keys(false);
        let mut connection = options.connect().await.unwrap();
        connection.execute(AssertSqlSafe(script)).await.unwrap();
        connection.close().await.unwrap();

        let store = Store::open(&sqlite_settings(&dir), at(0)).await.unwrap();
        assert_eq!(store.schema_version().await.unwrap(), Store::schema_version_known());
        let expected: Value = serde_json::from_str(&expected).unwrap();
        assert_eq!(summary_of(&store).await, expected, "version {version}");
    }
}

/// What the fixture holds, through the accessors.
async fn summary_of(store: &Store) -> Value {
    let org = public();
    let job = store.jobs().list(&org, &Default::default(), None, 9).await.unwrap().remove(0);
    let listed = store.certificates().list(&org, None, 9).await.unwrap().remove(0);
    let certificate = store.certificates().find(&listed.id).await.unwrap().unwrap();
    let checkpoint = store.log().latest_checkpoint().await.unwrap().unwrap();
    let blob = assize_store::Digest(sha2::Sha256::digest(b"age,income\r\n").into());
    let mut summary = json!({
        "job": { "id": job.id.as_str(), "state": job.state.as_str(), "args": job.args, "result": job.result,
            "error": job.error.map(|e| e.code), "finished_at": job.finished_at.map(|t| t.as_millisecond()) },
        "certificate": { "id": listed.id.as_str(), "score": listed.score,
            "body": String::from_utf8(certificate.body).unwrap(),
            "revocation": certificate.revocation.map(|r| r.reason) },
        "log": { "size": store.log().size().await.unwrap(), "note": checkpoint.note,
            "entry": String::from_utf8(store.log().entry(0).await.unwrap().unwrap().entry).unwrap(),
            "nodes": store.log().nodes(&[(0, 0), (0, 1), (1, 0)]).await.unwrap().len() },
        "keys": store.signing_keys().list().await.unwrap().into_iter()
            .map(|k| json!({ "id": k.key_id, "final_log_size": k.final_log_size })).collect::<Vec<_>>(),
        "blob_bytes": store.blobs().find(&org, &blob).await.unwrap().map(|b| b.bytes),
        "audit_rows": store.audit_trail().verify_chain(&org).await.unwrap(),
    });
    // What came with later versions is not in the older fixtures.
    if let Some(schedule) = store.schedules().list(&org, "").await.unwrap().pop() {
        summary["schedule"] = json!({ "name": schedule.name, "next_at": schedule.next_at.as_millisecond() });
    }
    let slot = assize_store::Digest([1; 32]);
    if let Some(known) = store.idempotency().find(&org, &slot, at(0)).await.unwrap() {
        let answer = known.answer.unwrap();
        summary["request"] = json!({ "subject": known.subject, "status": answer.status, "headers": answer.headers,
            "body": String::from_utf8(answer.body).unwrap() });
    }
    if let Some(ada) = store.users().find_by_email("ada@example.org").await.unwrap() {
        summary["people"] = people_summary(store, &ada.id).await;
    }
    if let Some(account) = store.interaction_accounts().find(&org).await.unwrap() {
        summary["interactions"] = interactions_summary(store, account.balance).await;
    }
    if let Some(webhook) = store.webhooks().list(&org, None, 9).await.unwrap().pop() {
        summary["webhooks"] = webhooks_summary(store, webhook).await;
    }
    summary
}

async fn people_summary(store: &Store, ada: &UserId) -> Value {
    let org = public();
    let users = store.users().list("", 9).await.unwrap();
    let invitation = store.invitations().find_by_token(&[10; 32], at(0)).await.unwrap().unwrap();
    json!({
        "users": users.into_iter().map(|user| user.email).collect::<Vec<_>>(),
        "role": store.users().member(&org, ada).await.unwrap().unwrap().role.as_str(),
        "invitation": invitation.email,
        "session_ends": store.sessions().find(&[11; 32], at(0)).await.unwrap().unwrap().expires_at.as_millisecond(),
        "key": store.api_keys().find_by_secret(&[12; 32]).await.unwrap().unwrap().id.as_str(),
        "failures": store.sign_in_failures().find(&[13; 32], at(0)).await.unwrap().unwrap().count,
    })
}

async fn interactions_summary(store: &Store, balance: u64) -> Value {
    let org = public();
    let audited = store.interactions().find(&org, 1).await.unwrap().unwrap();
    let failed = store.interactions().find(&org, 2).await.unwrap().unwrap();
    let day = assize_store::interaction_usage::day_of(at(1));
    let usage = store.interaction_usage().by_day(&org, day..=day).await.unwrap().remove(0).1;
    let ada = store.users().find_by_email("ada@example.org").await.unwrap().unwrap();
    let views = store.saved_views().list(&org, &ada.id).await.unwrap();
    json!({
        "letters": audited.letters, "subject": audited.subject, "risk": audited.risk, "entities": audited.entities,
        "status": audited.status.map(ComplianceStatus::as_str),
        "content": audited.content.map(hex::encode), "result": audited.result.map(hex::encode),
        "failure": failed.failure, "balance": balance, "tokens": usage.tokens,
        "entries": store.interaction_accounts().entries(&org, None, 9).await.unwrap().len(),
        "views": views.into_iter().map(|view| view.name).collect::<Vec<_>>(),
    })
}

async fn webhooks_summary(store: &Store, webhook: Webhook) -> Value {
    let deliveries = store.webhooks().deliveries(&public(), &webhook.id, None, 9).await.unwrap();
    let delivery = |one: Delivery| {
        json!([one.event, one.state.as_str(), one.attempts, hex::encode(one.payload), one.response_status])
    };
    let (old_secret, until) = webhook.old_secret.unwrap();
    json!({
        "url": webhook.url, "events": webhook.events, "secret": hex::encode(webhook.secret),
        "old_secret": hex::encode(old_secret), "old_secret_until": until.as_millisecond(), "active": webhook.active,
        "failing_since": webhook.failing_since.map(|at| at.as_millisecond()), "waiting": webhook.waiting,
        "deliveries": deliveries.into_iter().map(delivery).collect::<Vec<_>>(),
    })
}

/// `kill -9` leaves the files as they are at some moment: copies of them, taken while a unit is open, are that moment.
#[tokio::test]
async fn crash_loses_what_was_not_committed_and_nothing_else() {
    let (dir, after) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = Store::open(&sqlite_settings(&dir), at(0)).await.unwrap();
    enqueue(&store, &new_job(1)).await;
    let before = claim_one(&store, "embedded", at(1)).await;
    let mut unit = store.begin().await.unwrap();
    let number = unit.certificate_numbers().next(2026).await.unwrap();
    unit.certificates().insert(&public(), &new_certificate(number)).await.unwrap();
    unit.queue().complete(&before.lease, json!({}), at(2)).await.unwrap();
    for file in ["assize.db", "assize.db-wal"] {
        std::fs::copy(dir.path().join(file), after.path().join(file)).unwrap();
    }
    drop(unit);

    let restarted = Store::open(&sqlite_settings(&after), at(3)).await.unwrap();
    assert_eq!(restarted.jobs().find(&public(), &job_id(0, 1)).await.unwrap().unwrap().state, JobState::Running);
    assert!(restarted.certificates().list_public(None, 9).await.unwrap().is_empty());
    restarted.queue().release_owner("embedded", at(3)).await.unwrap();
    let again = claim_one(&restarted, "embedded", at(3)).await;
    let mut unit = restarted.begin().await.unwrap();
    assert_eq!(unit.certificate_numbers().next(2026).await.unwrap(), 1);
    unit.certificates().insert(&public(), &new_certificate(1)).await.unwrap();
    unit.queue().complete(&again.lease, json!({}), at(4)).await.unwrap();
    unit.commit().await.unwrap();
    assert_eq!(restarted.queue().unfinished().await.unwrap(), 0);
    assert_eq!(restarted.certificates().list_public(None, 9).await.unwrap().len(), 1);
}

#[tokio::test]
async fn tampering_with_the_audit_trail_is_found() {
    let tamperings = [
        "UPDATE audit_trail SET actor = 'nobody' WHERE seq = 2",
        "UPDATE audit_trail SET detail = '{\"k\": 1}' WHERE seq = 1",
        "DELETE FROM audit_trail WHERE seq = 1",
        "DELETE FROM audit_trail WHERE seq = 3",
        "UPDATE audit_trail SET organization_id = 'org_x', seq = 9 WHERE seq = 2",
        "DELETE FROM audit_heads",
    ];
    for tampering in tamperings {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&sqlite_settings(&dir), at(0)).await.unwrap();
        let mut unit = store.begin().await.unwrap();
        for subject in ["a", "b", "c"] {
            let event = AuditEvent {
                at: at(1),
                actor: "system".to_owned(),
                action: "model.register".to_owned(),
                subject: subject.to_owned(),
                detail: json!({ "k": 1 }),
                before_hash: None,
                after_hash: None,
            };
            unit.audit_writer().append(&public(), &event).await.unwrap();
        }
        unit.commit().await.unwrap();
        assert_eq!(store.audit_trail().verify_chain(&public()).await.unwrap(), 3);
        tamper(&dir, tampering).await;
        let found = store.audit_trail().verify_chain(&public()).await;
        assert!(matches!(found, Err(Error::Corrupt { .. })), "{tampering}: {found:?}");
    }
}

#[tokio::test]
async fn rows_that_cannot_be_ours_are_corrupt() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&sqlite_settings(&dir), at(0)).await.unwrap();
    enqueue(&store, &new_job(1)).await;
    store.certificates().insert(&public(), &new_certificate(1)).await.unwrap();
    tamper(&dir, "UPDATE jobs SET error = '{\"code\": 5}'").await;
    tamper(&dir, "UPDATE certificates SET revoked_at = 5").await;
    let job = store.jobs().find(&public(), &job_id(0, 1)).await;
    assert!(matches!(job, Err(Error::Corrupt { .. })), "{job:?}");
    let certificate = store.certificates().find(&new_certificate(1).id).await;
    assert!(matches!(certificate, Err(Error::Corrupt { .. })), "{certificate:?}");
    tamper(&dir, "DROP TABLE signing_keys").await;
    let keys = store.signing_keys().list().await;
    assert!(matches!(keys, Err(Error::Corrupt { .. })), "{keys:?}");
}

/// A put that crashed leaves a pending row and perhaps an object; a collection that crashed leaves a deleting row.
#[tokio::test]
async fn crashed_puts_and_collections_are_repaired() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&sqlite_settings(&dir), at(0)).await.unwrap();
    let hour = jiff::SignedDuration::from_hours(1);
    let blob = store.blobs().put_bytes(&public(), b"x".to_vec(), "test", at(0)).await.unwrap();
    tamper(&dir, "UPDATE blobs SET state = 'pending'").await;
    assert_eq!(store.blobs().find(&public(), &blob.digest).await.unwrap(), None);
    store.blobs().put_bytes(&public(), b"x".to_vec(), "test", at(1)).await.unwrap();
    assert!(store.blobs().find(&public(), &blob.digest).await.unwrap().is_some());

    for state in ["pending", "deleting"] {
        tamper(&dir, &format!("UPDATE blobs SET state = '{state}'")).await;
        if state == "deleting" {
            let busy = store.blobs().put_bytes(&public(), b"x".to_vec(), "test", at(2)).await.err().unwrap();
            assert!(busy.is_transient(), "{busy:?}");
        }
        assert_eq!(store.blobs().collect_garbage(at(3_600_001), hour).await.unwrap(), 1);
        store.blobs().put_bytes(&public(), b"x".to_vec(), "test", at(0)).await.unwrap();
    }
}

#[tokio::test]
async fn settings_that_name_no_place_say_so() {
    let dir = tempfile::tempdir().unwrap();
    let good = sqlite_settings(&dir);
    for (database_url, objects_url) in [
        ("mysql://root@localhost/x", good.objects_url.as_str()),
        ("sqlite::memory:", good.objects_url.as_str()),
        ("sqlite://", good.objects_url.as_str()),
        ("", good.objects_url.as_str()),
        (good.database_url.as_str(), "ftp://bucket"),
        (good.database_url.as_str(), ""),
    ] {
        let mut settings = good.clone();
        (settings.database_url, settings.objects_url) = (database_url.to_owned(), objects_url.to_owned());
        let refused = Store::open(&settings, at(0)).await.err().unwrap();
        assert!(matches!(refused, Error::Settings { .. }), "{database_url} {objects_url}: {refused:?}");
    }
    let secret = StoreSettings { database_url: "postgres://u:hunter2@h/d".to_owned(), ..good };
    assert!(!format!("{secret:?}").contains("hunter2"));
}

#[tokio::test]
async fn database_that_is_no_database_is_corrupt() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("assize.db"), vec![b'x'; 4096]).unwrap();
    let refused = Store::open(&sqlite_settings(&dir), at(0)).await.err().unwrap();
    assert!(matches!(refused, Error::Corrupt { .. }), "{refused:?}");
}
