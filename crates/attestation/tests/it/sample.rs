//! A small issuer in memory: two organisations' worth of log, one certificate.

use std::collections::BTreeMap;

use assize_attestation::certificate::{self, LogProof, Sealed, Verification, VerifyOptions};
use assize_attestation::log::{self, Hash, NodeId};
use assize_attestation::{Checkpoint, Commitment, Envelope, ResourceDescriptor, SigningKey, Statement, TrustedKeys};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

pub(crate) const ORIGIN: &str = "assize.example.org/log";
pub(crate) const ISSUED: &str = "2026-04-18T14:32:00Z";
pub(crate) const DURING: &str = "2026-10-01T00:00:00Z";

pub(crate) fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&[seed; 32])
}

pub(crate) fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A log with its entries, as a store would keep it.
#[derive(Default)]
pub(crate) struct Log {
    pub(crate) entries: Vec<Envelope>,
    nodes: BTreeMap<NodeId, Hash>,
}

impl Log {
    pub(crate) fn append(&mut self, entry: &Envelope) -> u64 {
        let size = self.entries.len() as u64;
        let appended = log::append(entry.leaf_hash(), size, |node| self.nodes.get(&node).copied()).unwrap();
        self.nodes.extend(appended.nodes);
        self.entries.push(entry.clone());
        appended.leaf_index
    }

    pub(crate) fn head(&self, size: u64) -> Checkpoint {
        let root = log::root(size, |node| self.nodes.get(&node).copied()).unwrap();
        Checkpoint { origin: ORIGIN.to_owned(), size, root, extensions: vec![] }
    }

    pub(crate) fn consistency(&self, from: u64, to: u64) -> Vec<Hash> {
        log::consistency_proof(from, to, |node| self.nodes.get(&node).copied()).unwrap()
    }

    pub(crate) fn prove(&self, leaf_index: u64, key: &SigningKey) -> LogProof {
        let tree_size = self.entries.len() as u64;
        LogProof {
            origin: ORIGIN.to_owned(),
            leaf_index,
            tree_size,
            inclusion_proof: log::inclusion_proof(leaf_index, tree_size, |node| self.nodes.get(&node).copied())
                .unwrap(),
            checkpoint: self.head(tree_size).sign(key).unwrap(),
        }
    }
}

/// A body with the members that the seal needs, and some that it only hashes.
pub(crate) fn body(commitment_index: u64) -> Map<String, Value> {
    let body = json!({
        "schema_version": 1,
        "certificate_id": "MP-2026-000001",
        "certification_status": "CONDITIONAL",
        "overall_score": 71.5,
        "model_name": "Étude \"7\"",
        "issued_at": ISSUED,
        "expires_at": "2027-04-18T14:32:00Z",
        "commitment_index": commitment_index,
        "remediation_checklist": ["Re-sample.", "Ask\nagain."],
        "subject": {
            "dataset": {"name": "adult.csv", "sha256": "11".repeat(32), "rows": 48842},
            "model": {"kind": "file", "name": "model.joblib", "sha256": "ab".repeat(32)},
        },
        "parameters": {
            "seed": 42,
            "thresholds": {"disparate_impact_min": 0.8, "flip_rate_max": 0.05, "group_size_min": 30},
            "target_column": "income",
            "bands": [],
        },
        "layer_results": {"stress_test": {"bias_score": 1e-7, "status": "WARN", "worst": null, "ok": true}},
    });
    match body {
        Value::Object(body) => body,
        _ => unreachable!(),
    }
}

pub(crate) fn commitment() -> Statement {
    Statement::commitment(&Commitment {
        subject: vec![
            ResourceDescriptor::sha256("adult.csv", &"11".repeat(32)),
            ResourceDescriptor::sha256("model.joblib", &"ab".repeat(32)),
        ],
        parameters: json!({
            "seed": 42,
            "thresholds": {"disparate_impact_min": 0.8, "flip_rate_max": 0.05, "group_size_min": 30},
        }),
        assize_version: "0.1.0".to_owned(),
        committed_at: time("2026-04-18T14:30:00Z"),
    })
}

/// A log in which other things happened, then a commitment, then its certificate, then more.
pub(crate) struct Issued {
    pub(crate) log: Log,
    pub(crate) sealed: Sealed,
    pub(crate) leaf_index: u64,
    pub(crate) document: Vec<u8>,
}

pub(crate) fn issue(key: &SigningKey) -> Issued {
    let mut log = Log::default();
    for noise in 0..4 {
        log.append(&Envelope::sign(&Statement::new(vec![], "https://example.org/noise", json!(noise)), key).unwrap());
    }
    let commitment_index = log.append(&Envelope::sign(&commitment(), key).unwrap());
    let sealed = certificate::seal(&body(commitment_index), key).unwrap();
    let leaf_index = log.append(&sealed.envelope);
    let document = sealed.with_log(&log.prove(leaf_index, key));
    Issued { log, sealed, leaf_index, document }
}

pub(crate) fn trusted(key: &SigningKey) -> TrustedKeys {
    TrustedKeys::single(key.public_key())
}

/// Verifies during the certificate's life without further knowledge.
pub(crate) fn verify(file: &[u8], trusted: &TrustedKeys) -> Verification {
    certificate::verify(file, trusted, time(DURING), &VerifyOptions::default())
}

/// Names of the checks that failed.
pub(crate) fn failures(verification: &Verification) -> Vec<&'static str> {
    assert_eq!(verification.valid, verification.checks.iter().all(|check| check.outcome.as_str() == "passed"));
    verification.failures().map(|check| check.name).collect()
}
