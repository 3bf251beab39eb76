//! Short words for what cases say often.

use assize_store::certificates::NewCertificate;
use assize_store::interactions::NewInteraction;
use assize_store::jobs::{JobError, NewJob};
use assize_store::queue::{Claim, Claimed};
use assize_store::{CertificateId, Digest, JobId, OrganizationId, Store};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

/// Milliseconds after an arbitrary start.
pub(crate) fn at(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(1_790_000_000_000 + millis).unwrap()
}

pub(crate) fn public() -> OrganizationId {
    OrganizationId::public()
}

/// A second organization, made if need be.
pub(crate) async fn other(store: &Store) -> OrganizationId {
    let other = OrganizationId::parse("org_other").unwrap();
    store.organizations().ensure(&other, "Other", at(0)).await.unwrap();
    other
}

/// The job id made at `millis`, distinguished by `n`.
pub(crate) fn job_id(millis: i64, n: u8) -> JobId {
    JobId::new(at(millis), [n; 10])
}

/// A job of kind `audit` that may be started three times, due and made at 0.
pub(crate) fn new_job(n: u8) -> NewJob {
    NewJob {
        id: job_id(0, n),
        kind: "audit".to_owned(),
        args: json!({ "dataset": n }),
        priority: 0,
        run_at: at(0),
        attempts_max: 3,
        unique_key: None,
    }
}

pub(crate) async fn enqueue(store: &Store, job: &NewJob) {
    assert!(store.jobs().enqueue(&public(), job, at(0)).await.unwrap().created);
}

pub(crate) const LEASE: SignedDuration = SignedDuration::from_secs(10);

/// Claims up to `jobs_max` jobs of kind `audit` for ten seconds.
pub(crate) async fn claim(store: &Store, owner: &str, jobs_max: u32, now: Timestamp) -> Vec<Claimed> {
    let claim = Claim { owner, kinds: &["audit"], lease: LEASE, jobs_max };
    store.queue().claim(&claim, now).await.unwrap()
}

/// Claims the one job that is due.
pub(crate) async fn claim_one(store: &Store, owner: &str, now: Timestamp) -> Claimed {
    let mut claimed = claim(store, owner, 10, now).await;
    assert_eq!(claimed.len(), 1);
    claimed.remove(0)
}

pub(crate) fn error(code: &str) -> JobError {
    JobError { code: code.to_owned(), detail: format!("it was {code}") }
}

/// Certificate `number` of 2026, made by job `number`, at leaf `number`.
pub(crate) fn new_certificate(number: u64) -> NewCertificate {
    NewCertificate {
        id: CertificateId::new(2026, number),
        job: job_id(i64::try_from(number).unwrap(), 0),
        schema_version: 1,
        body: format!("{{\"number\":{number}}}\r\n\0\u{fffd}").into_bytes(),
        sha256: Digest([7; 32]),
        status: "PASSED".to_owned(),
        score: Some(0.1 + 0.2),
        model_name: "crédit \"v2\"".to_owned(),
        organization_name: "Société Générale d'Essai".to_owned(),
        domain: "lending".to_owned(),
        issued_at: at(1),
        expires_at: at(2),
        commitment_leaf_index: None,
        result_leaf_index: number,
    }
}

/// A submission that came at `millis`, of ten tokens and nobody in particular.
pub(crate) fn new_interaction(millis: i64) -> NewInteraction {
    NewInteraction {
        letters: "abcde".to_owned(),
        received_at: at(millis),
        occurred_at: at(millis - 9),
        subject: None,
        session: None,
        client_user: "user_1".to_owned(),
        company: "Société d'Essai".to_owned(),
        use_case: "Customer Support".to_owned(),
        model_version: None,
        input_country: "DE".to_owned(),
        output_country: "global".to_owned(),
        tokens: 10,
        content: b"sealed\0".to_vec(),
    }
}
