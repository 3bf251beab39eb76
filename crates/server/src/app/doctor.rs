//! `assize doctor`: everything that can be checked of an installation, one line a check, without changing anything of it.
//!
//! Each check stands by itself: a missing key does not keep the log from being verified. What cannot be looked at is
//! *not checked*, with the reason; an installation is healthy when nothing failed and everything was checked.

use std::io::Write as _;
use std::path::Path;

use assize_attestation::certificate::{self, VerifyOptions};
use assize_attestation::log::check::LogCheck;
use assize_attestation::log::{Hash, NodeId};
use assize_attestation::{Envelope, SignedCheckpoint, TrailHead, TrustedKeys};
use assize_fairness::{AuditInput, AuditSettings, Identity, Unwatched};
use assize_store::{CertificateId, Digest, OrganizationId, Store};
use assize_tables::{Cancel, Dataset, ReadOptions};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::audits::blocking;
use super::error::AppError;
use super::interactions::check_ledger;
use super::keyring::Keyring;
use super::random::Random;
use super::signing::{in_force, trusted_keys};
use super::vault::Vault;
use super::{App, store_settings};
use crate::clock::Clock;
use crate::config::Config;

/// How far the clock may lie behind the newest row before something is wrong with it.
pub(super) const CLOCK_BEHIND_MAX: SignedDuration = SignedDuration::from_mins(2);
/// Free space below which an upload or a commit may fail soon, bytes.
const FREE_BYTES_MIN: u64 = 256 << 20;
/// Rows looked at between two questions to the database.
const PAGE: u32 = 200;
/// Seconds and rows of the built-in audit's data: small enough to be done in moments.
const SELF_AUDIT_ROWS: u32 = 400;
/// SHA-256 of what the built-in audit measures, on every platform and any number of threads.
const SELF_AUDIT_SHA256: &str = include_str!("self-audit.sha256");

/// What a check found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DiagnosisOutcome {
    /// As it must be.
    Passed,
    /// Not as it must be.
    Failed,
    /// Could not be looked at.
    NotChecked,
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DiagnosisCheck {
    /// Its name.
    pub name: &'static str,
    /// What it found.
    pub outcome: DiagnosisOutcome,
    /// What was looked at, or what is wrong, in words.
    pub detail: String,
}

/// All checks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnosis {
    /// In the order in which they were made.
    pub checks: Vec<DiagnosisCheck>,
}

impl Diagnosis {
    /// Whether everything was looked at and is as it must be.
    #[must_use]
    pub fn healthy(&self) -> bool {
        self.checks.iter().all(|check| check.outcome == DiagnosisOutcome::Passed)
    }

    fn note(&mut self, name: &'static str, found: Result<String, String>) {
        let (outcome, detail) = match found {
            Ok(detail) => (DiagnosisOutcome::Passed, detail),
            Err(detail) => (DiagnosisOutcome::Failed, detail),
        };
        self.checks.push(DiagnosisCheck { name, outcome, detail });
    }

    fn skip(&mut self, names: &[&'static str], why: &str) {
        let skipped = |name: &&'static str| DiagnosisCheck {
            name,
            outcome: DiagnosisOutcome::NotChecked,
            detail: why.to_owned(),
        };
        self.checks.extend(names.iter().map(skipped));
    }
}

impl App {
    /// Examines the installation that a configuration names. Opens it for reading only; makes nothing.
    pub async fn doctor(
        config: &Config,
        clock: &std::sync::Arc<dyn Clock>,
        random: &std::sync::Arc<dyn Random>,
    ) -> Diagnosis {
        let mut diagnosis = Diagnosis { checks: Vec::new() };
        let opened = match exists(config) {
            Ok(()) => open(config, clock.now()).await,
            Err(why) => Err(why),
        };
        let store = match opened {
            Ok(store) => store,
            Err(why) => {
                diagnosis.note("database", Err(why));
                let rest = [
                    "clock",
                    "signing_key",
                    "master_key",
                    "log",
                    "certificates",
                    "audit_trail",
                    "objects",
                    "jobs",
                    "interactions",
                ];
                diagnosis.skip(&rest, "the database cannot be opened");
                diagnosis.note("disk", disk(&config.storage.home));
                diagnosis.note("self_audit", self_audit().await);
                return diagnosis;
            }
        };
        let kind = if store.is_shared() { "PostgreSQL" } else { "SQLite" };
        let version = Store::schema_version_known();
        diagnosis.note("database", Ok(format!("{kind} answers, with schema version {version}")));
        diagnosis.note("clock", clock_is_sane(&store, clock.now()).await);
        diagnosis.note("signing_key", signing_key(config, &store).await);
        let vault = Vault::examine(config, &store, clock, random);
        let master = vault.check_keys().await;
        let readable = master.is_ok();
        diagnosis.note("master_key", master.map_err(|error| format!("{error:#}")));
        match trusted_keys(&store, &config.signing.origin).await {
            Ok(trusted) => {
                diagnosis.note("log", log(&store, &trusted).await);
                diagnosis.note("certificates", certificates(&store, trusted.clone()).await);
                diagnosis.note("audit_trail", audit_trail(&store, &trusted).await);
            }
            Err(error) => diagnosis.skip(&["log", "certificates", "audit_trail"], &format!("{error:#}")),
        }
        if readable {
            diagnosis.note("objects", objects(&store, &vault).await);
        } else {
            diagnosis.skip(&["objects"], "stored files cannot be opened without the master key");
        }
        diagnosis.note("jobs", jobs(&store).await);
        diagnosis.note("interactions", interactions(&store).await);
        store.close().await;
        diagnosis.note("disk", disk(&config.storage.home));
        diagnosis.note("self_audit", self_audit().await);
        diagnosis
    }
}

/// An embedded database must be there: looking must not make one.
fn exists(config: &Config) -> Result<(), String> {
    let file = config.storage.home.join("assize.db");
    if config.storage.database_url.is_none() && !file.is_file() {
        return Err(format!("there is no installation: {} does not exist", file.display()));
    }
    Ok(())
}

async fn open(config: &Config, now: Timestamp) -> Result<Store, String> {
    let settings = store_settings(config, false).map_err(|error| format!("{error:#}"))?;
    Store::open(&settings, now).await.map_err(|error| chain(&error))
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

fn said(error: impl Into<AppError>) -> String {
    match error.into() {
        AppError::Internal(error) => format!("{error:#}"),
        error => error.to_string(),
    }
}

async fn clock_is_sane(store: &Store, now: Timestamp) -> Result<String, String> {
    let Some(newest) = store.last_written_at().await.map_err(said)? else {
        return Ok(format!("it is {now}; nothing was written yet"));
    };
    let behind = newest.duration_since(now);
    if behind > CLOCK_BEHIND_MAX {
        return Err(format!("it is {now}, but something was written at {newest}: the clock was set back"));
    }
    Ok(format!("it is {now}, after everything that was written"))
}

async fn signing_key(config: &Config, store: &Store) -> Result<String, String> {
    let records = store.signing_keys().list().await.map_err(said)?;
    let record = in_force(&records).ok_or("the database names no signing key")?;
    let keyring = Keyring::new(&config.storage.home, config.signing.key_file.as_deref());
    let file = keyring.file().path().display().to_string();
    match keyring.load().map_err(said)? {
        Some(key) if key.public_key().key_id() == record.key_id => {
            Ok(format!("{file} holds {}, which is in force; {} keys were retired", record.key_id, records.len() - 1))
        }
        Some(_) => Err(format!("{file} holds another key than {}, which is in force", record.key_id)),
        None => Err(format!("{file} does not exist; {} is in force: restore it from its backup", record.key_id)),
    }
}

/// Every leaf and node recomputed, every signed head held against them.
async fn log(store: &Store, trusted: &TrustedKeys) -> Result<String, String> {
    let (mut check, mut heads) = (LogCheck::default(), 0_u64);
    let size = store.log().size().await.map_err(said)?;
    loop {
        let entries = store.log().entries(check.size(), PAGE).await.map_err(said)?;
        if entries.is_empty() {
            break;
        }
        for entry in entries {
            let stored = Some(Hash::from_bytes(entry.leaf_hash));
            let nodes = check.push(entry.index, &entry.entry, stored).map_err(|error| error.to_string())?;
            let ids: Vec<_> = nodes.iter().map(|(NodeId { level, index }, _)| (*level, *index)).collect();
            let kept = store.log().nodes(&ids).await.map_err(said)?;
            for (id, hash) in nodes {
                if kept.get(&(id.level, id.index)) != Some(hash.as_bytes()) {
                    return Err(format!(
                        "the tree's node {} on level {} is not the hash of what is below",
                        id.index, id.level
                    ));
                }
            }
            if let Some(head) = store.log().checkpoint(check.size()).await.map_err(said)? {
                check_head(&check, &head.note, trusted)?;
                heads += 1;
            }
        }
    }
    if check.size() != size {
        return Err(format!("log entry {} is missing: the log has {size} entries", check.size()));
    }
    Ok(format!("{size} entries lead to the roots of {heads} signed checkpoints"))
}

fn check_head(check: &LogCheck, note: &str, trusted: &TrustedKeys) -> Result<(), String> {
    let signed = SignedCheckpoint::parse(note).map_err(|error| error.to_string())?;
    let verified = trusted.keys().iter().find_map(|trusted| signed.verify(&trusted.key).ok());
    let head = verified.ok_or_else(|| format!("the checkpoint of size {} has no good signature", check.size()))?;
    check.agrees_with(head).map_err(|error| error.to_string())
}

/// Every certificate as it was on the day of its issue, and that the log has it where it says.
async fn certificates(store: &Store, trusted: TrustedKeys) -> Result<String, String> {
    let (mut count, mut before) = (0_u64, None::<CertificateId>);
    loop {
        let page = store.certificates().list_public(before.as_ref(), 100).await.map_err(said)?;
        let Some(last) = page.last() else { return Ok(format!("{count} verify")) };
        before = Some(last.id.clone());
        for summary in page {
            let missing = || format!("certificate {} is missing", summary.id);
            let found = store.certificates().find(&summary.id).await.map_err(said)?.ok_or_else(missing)?;
            let (trusted, body, at) = (trusted.clone(), found.body, summary.issued_at);
            let checking = move || {
                let verification = certificate::verify(&body, &trusted, at, &VerifyOptions::default());
                let failures: Vec<String> =
                    verification.failures().map(|check| format!("{}: {}", check.name, check.detail)).collect();
                let leaf = certificate::Sealed::from_document(&body).map(|(sealed, _)| sealed.leaf_hash);
                (failures, leaf)
            };
            let (failures, leaf) = blocking(checking).await.map_err(said)?;
            if !failures.is_empty() {
                return Err(format!("certificate {}: {}", summary.id, failures.join("; ")));
            }
            let entry = store.log().entry(found.result_leaf_index).await.map_err(said)?;
            if entry.map(|entry| entry.leaf_hash) != leaf.ok().map(|hash| *hash.as_bytes()) {
                return Err(format!("certificate {} is not log entry {}", summary.id, found.result_leaf_index));
            }
            count += 1;
        }
    }
}

/// Every organization's chain, and that its checkpoints are its rows and are in the log.
async fn audit_trail(store: &Store, trusted: &TrustedKeys) -> Result<String, String> {
    let (mut rows, mut logged, mut after) = (0_u64, 0_u64, String::new());
    loop {
        let page = store.organizations().list(&after, PAGE).await.map_err(said)?;
        let Some(last) = page.last() else { break };
        after = last.id.to_string();
        for organization in page {
            rows += store.audit_trail().verify_chain(&organization.id).await.map_err(said)?;
            logged += trail_checkpoints(store, &organization.id, trusted).await?;
        }
    }
    Ok(format!("{rows} rows in unbroken chains; {logged} heads are in the log"))
}

async fn trail_checkpoints(store: &Store, of: &OrganizationId, trusted: &TrustedKeys) -> Result<u64, String> {
    let pseudonym = store.trail_checkpoints().pseudonym(of).await.map_err(said)?.unwrap_or_default();
    let (mut count, mut after) = (0, 0);
    loop {
        let page = store.trail_checkpoints().list(of, after, PAGE).await.map_err(said)?;
        let Some(last) = page.last() else { return Ok(count) };
        after = last.head.seq;
        for checkpoint in page {
            let (seq, index) = (checkpoint.head.seq, checkpoint.leaf_index);
            let wrong = |what: &str| format!("the checkpoint of {of} at row {seq}: {what}");
            let row = store.audit_trail().list(of, seq - 1, 1).await.map_err(said)?;
            if row.first().is_none_or(|row| row.seq != seq || row.hash != checkpoint.head.hash) {
                return Err(wrong("the trail has another row there"));
            }
            let entry = store.log().entry(index).await.map_err(said)?.ok_or_else(|| wrong("the log lacks it"))?;
            let expected = TrailHead { pseudonym: pseudonym.clone(), seq, hash: hex::encode(checkpoint.head.hash) };
            let said_there = Envelope::parse(&entry.entry).and_then(|envelope| {
                let trusted = trusted.find(envelope.key_id()?);
                let key = trusted.map(|trusted| envelope.verify(&trusted.key)).transpose()?;
                key.map(|statement| statement.as_trail_head()).transpose()
            });
            match said_there {
                Ok(Some(head)) if head == expected => count += 1,
                Ok(_) => return Err(wrong(&format!("log entry {index} says something else"))),
                Err(error) => return Err(wrong(&error.to_string())),
            }
        }
    }
}

/// Every stored file is there and has the content that its name says.
async fn objects(store: &Store, vault: &Vault) -> Result<String, String> {
    let (mut whole, mut erased, mut damaged) = (0_u64, 0_u64, Vec::new());
    let mut after: Option<(OrganizationId, Digest)> = None;
    loop {
        let position = after.as_ref().map(|(organization, digest)| (organization, digest));
        let page = store.blobs().all(position, PAGE).await.map_err(said)?;
        let Some((of, last)) = page.last() else { break };
        after = Some((of.clone(), last.digest));
        for (organization, blob) in page {
            match vault.check_file(&organization, &blob.digest).await {
                Ok(true) => whole += 1,
                // Discarded since the page was read: its audit has ended.
                Ok(false) => {}
                Err(AppError::Erased { .. }) => erased += 1,
                Err(error) => {
                    if store.blobs().find(&organization, &blob.digest).await.map_err(said)?.is_some() {
                        damaged.push(said(error));
                    }
                }
            }
        }
    }
    if damaged.is_empty() {
        Ok(format!("{whole} stored files have the content that their names say; {erased} are erased"))
    } else {
        Err(damaged.join("; "))
    }
}

/// No dead letter waits for a person. Dead leases are taken back by any worker that runs.
async fn jobs(store: &Store) -> Result<String, String> {
    let counts = store.queue().counts().await.map_err(said)?;
    let dead: u64 = counts.iter().filter(|count| count.dead).map(|count| count.count).sum();
    let unfinished = store.queue().unfinished().await.map_err(said)?;
    let text = format!("{unfinished} wait or run; {dead} are dead letters");
    if dead > 0 { Err(format!("{text}: look at them and retry or forget them")) } else { Ok(text) }
}

/// Every ledger adds up to its account.
async fn interactions(store: &Store) -> Result<String, String> {
    let (mut after, mut accounts, mut entries) = (String::new(), 0_u64, 0);
    loop {
        let page = store.organizations().list(&after, PAGE).await.map_err(said)?;
        for organization in &page {
            let Some(checked) = check_ledger(store, &organization.id).await? else { continue };
            accounts += 1;
            entries += checked;
        }
        match page.last() {
            Some(last) if page.len() == PAGE as usize => after = last.id.as_str().to_owned(),
            _ => break,
        }
    }
    let waiting = store.interaction_queue().waiting().await.map_err(said)?.count;
    Ok(format!("{entries} ledger entries add up to {accounts} accounts; {waiting} interactions wait for their audit"))
}

fn disk(home: &Path) -> Result<String, String> {
    let space = rustix::fs::statvfs(home).map_err(|error| format!("{}: {error}", home.display()))?;
    let free = space.f_bavail.saturating_mul(space.f_frsize);
    let text = format!("{} MiB are free for {}", free >> 20, home.display());
    if free < FREE_BYTES_MIN { Err(format!("{text}: uploads and commits may fail")) } else { Ok(text) }
}

/// Measures built-in data and holds what comes out against what this version must measure, byte for byte.
async fn self_audit() -> Result<String, String> {
    let measured = blocking(measure_built_in_data).await.map_err(said)??;
    let expected = SELF_AUDIT_SHA256.trim();
    if measured != expected {
        return Err(format!(
            "a built-in audit measured {measured} instead of {expected}: this machine computes otherwise"
        ));
    }
    Ok(format!("a built-in audit of {SELF_AUDIT_ROWS} rows measured the same bytes as ever"))
}

/// SHA-256 of the certificate body of the built-in data.
fn measure_built_in_data() -> Result<String, String> {
    let text = |error: &dyn std::fmt::Display| format!("the built-in audit failed: {error}");
    let mut file = tempfile::NamedTempFile::new().map_err(|error| text(&error))?;
    file.write_all(built_in_data().as_bytes()).map_err(|error| text(&error))?;
    let dataset = Dataset::open(file.path(), &ReadOptions { threads: 1, ..ReadOptions::default() });
    let dataset = dataset.map_err(|error| text(&error))?.with_name("self-audit.csv");
    let sha256 = dataset.sha256(&Cancel::default()).map_err(|error| text(&error))?;
    let settings = AuditSettings {
        prediction_column: Some("decision".to_owned()),
        seed: 1,
        resamples: 200,
        assize_version: "self-audit".to_owned(),
        ..AuditSettings::new("outcome", &["group", "age"], "hiring")
    };
    let input = AuditInput { dataset: &dataset, dataset_sha256: &sha256, model: None };
    let measured = assize_fairness::audit(&input, &settings, &Unwatched::default()).map_err(|error| text(&error))?;
    let body = measured.into_body(
        Identity {
            certificate_id: "MP-0001-000001".to_owned(),
            model_name: "self-audit".to_owned(),
            organization: "self-audit".to_owned(),
            issued_at: "2026-01-01T00:00:00Z".to_owned(),
            expires_at: "2027-01-01T00:00:00Z".to_owned(),
            verify_url: "http://localhost/verify/MP-0001-000001".to_owned(),
            commitment_index: 0,
        },
        None,
    );
    let body = serde_json::to_value(&body).map_err(|error| text(&error))?;
    let bytes = assize_attestation::canonical::to_bytes(&body).map_err(|error| text(&error))?;
    Ok(assize_attestation::canonical::sha256_hex(&bytes))
}

/// People whose outcome favours group A a little; the same every time.
fn built_in_data() -> String {
    let mut csv = String::from("group,age,skill,decision,outcome\n");
    let mut state = 2_463_534_242_u32;
    let mut draw = |below: u32| {
        // Marsaglia's xorshift32: enough for data that only has to be the same.
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state % below
    };
    for _ in 0..SELF_AUDIT_ROWS {
        let (group, age, skill) = (["A", "B"][draw(2) as usize], 18 + draw(50), draw(100));
        let merit = skill + if group == "A" { 12 } else { 0 };
        let (decision, outcome) = (u32::from(merit + draw(30) > 70), u32::from(merit + draw(40) > 75));
        csv.push_str(&format!("{group},{age},{skill},{decision},{outcome}\n"));
    }
    csv
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_audit_measures_the_same_bytes_as_ever() {
        let measured = measure_built_in_data().unwrap();
        assert_eq!(
            measured,
            SELF_AUDIT_SHA256.trim(),
            "what audits measure has changed: if that was meant, put the new digest into app/self-audit.sha256"
        );
    }
}
