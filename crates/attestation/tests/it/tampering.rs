//! One changed byte anywhere is noticed; and each way to spoil a certificate fails at the check that is about it.

use assize_attestation::certificate::{self, LogProof, Verification, VerifyOptions};
use assize_attestation::log::Hash;
use assize_attestation::{Envelope, Revocation, Statement, canonical};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::sample::{DURING, Issued, failures, issue, key, time, trusted, verify};

/// Changed bits (letter case is bit 5) and bytes that mean something in JSON, base64 and hex.
const THOROUGH: fn(u8) -> Vec<u8> = |byte| {
    let bits = [0, 1, 5].map(|bit| byte ^ (1 << bit));
    [bits.as_slice(), b" \"}0"].concat().into_iter().filter(|other| *other != byte).collect()
};

/// A neighbour and the other case: for the layouts of what [`THOROUGH`] has seen.
const QUICK: fn(u8) -> Vec<u8> = |byte| vec![byte ^ 1, byte ^ 0x20];

/// Verifies every one-byte change of `file`.
fn assert_every_change_is_noticed(file: &[u8], replacements: fn(u8) -> Vec<u8>) {
    let keys = trusted(&key(1));
    let mut changed = file.to_vec();
    for at in 0..file.len() {
        for byte in replacements(file[at]) {
            changed[at] = byte;
            let verification = verify(&changed, &keys);
            assert!(!verification.valid, "byte {at} as {:?}: {}", byte as char, String::from_utf8_lossy(&changed));
            assert!(verification.failures().next().is_some(), "a check says which");
        }
        changed[at] = file[at];
    }
}

fn served(issued: &Issued) -> Vec<u8> {
    certificate::present(&issued.document, None, &trusted(&key(1)), time(DURING)).unwrap().0
}

fn indented(compact: &[u8]) -> Vec<u8> {
    let value: Value = serde_json::from_slice(compact).unwrap();
    let mut text = serde_json::to_vec_pretty(&value).unwrap();
    text.push(b'\n');
    text
}

#[test]
fn every_changed_byte_of_the_file_is_noticed() {
    assert_every_change_is_noticed(&issue(&key(1)).document, QUICK);
}

#[test]
fn every_changed_byte_of_the_served_form_is_noticed() {
    assert_every_change_is_noticed(&served(&issue(&key(1))), THOROUGH);
}

#[test]
fn every_changed_byte_of_the_indented_served_form_is_noticed() {
    let text = indented(&served(&issue(&key(1))));
    assert!(verify(&text, &trusted(&key(1))).valid);
    assert_every_change_is_noticed(&text, QUICK);
}

#[test]
fn no_changed_byte_makes_a_revoked_certificate_valid() {
    let issued = issue(&key(1));
    let revocation = Statement::revocation(&Revocation {
        certificate_id: "MP-2026-000001".to_owned(),
        certificate_sha256: issued.sealed.sha256_hash.clone(),
        reason: "wrong".to_owned(),
        revoked_at: time(DURING),
    });
    let revocation = Envelope::sign(&revocation, &key(1)).unwrap();
    let served = certificate::present(&issued.document, Some(&revocation), &trusted(&key(1)), time(DURING)).unwrap().0;
    assert_every_change_is_noticed(&served, QUICK);
}

#[test]
fn cuts_and_left_out_bytes_are_noticed() {
    let file = served(&issue(&key(1)));
    for at in (0..file.len()).step_by(3) {
        assert!(!verify(&file[..at], &trusted(&key(1))).valid, "cut at {at}");
        let left_out = [&file[..at], &file[at + 1..]].concat();
        assert!(!verify(&left_out, &trusted(&key(1))).valid, "without byte {at}");
    }
}

/// Changes the value of a document and verifies it in canonical form.
fn spoilt(change: impl FnOnce(&mut Value)) -> Verification {
    let mut value: Value = serde_json::from_slice(&issue(&key(1)).document).unwrap();
    change(&mut value);
    verify(&canonical::to_bytes(&value).unwrap(), &trusted(&key(1)))
}

/// As [`spoilt`], with the hash made right again: what someone would do who knows how it is made.
fn rehashed(change: impl FnOnce(&mut Value)) -> Verification {
    spoilt(|value| {
        change(value);
        let mut body = value.as_object().unwrap().clone();
        for member in certificate::SEAL_MEMBERS {
            body.remove(member);
        }
        value["sha256_hash"] = json!(canonical::sha256_hex(&canonical::to_bytes(&Value::Object(body)).unwrap()));
    })
}

#[test]
fn each_spoilt_part_fails_at_its_check() {
    let check = |verification: Verification, expected: &[&str]| {
        assert_eq!(failures(&verification), expected, "{verification:#?}");
    };
    check(spoilt(|_| {}), &[]);
    check(spoilt(|value| value["model_name"] = json!("other")), &["hash"]);
    check(spoilt(|value| value["overall_score"] = json!(99)), &["hash", "statement"]);
    check(spoilt(|value| value["sha256_hash"] = json!("00".repeat(32))), &["hash", "statement"]);
    check(spoilt(|value| value["sha256_hash"] = json!("AB".repeat(32))), &["format"]);
    check(spoilt(|value| value["added"] = json!(null)), &["hash"]);
    check(spoilt(|value| value["signature"]["added"] = json!(null)), &["format"]);
    check(spoilt(|value| value["signature"]["envelope"]["added"] = json!(null)), &["format"]);
    check(spoilt(|value| value["log"]["added"] = json!(null)), &["format"]);
    check(spoilt(|value| value["log"]["leaf_index"] = json!(4)), &["inclusion"]);
    check(spoilt(|value| value["log"]["tree_size"] = json!(7)), &["inclusion"]);
    check(spoilt(|value| value["log"]["inclusion_proof"] = json!([])), &["inclusion"]);
    check(spoilt(|value| value["log"]["origin"] = json!("x")), &["checkpoint"]);
    let repeated = |value: &mut Value| {
        let hash = value["log"]["inclusion_proof"][0].clone();
        value["log"]["inclusion_proof"].as_array_mut().unwrap().push(hash);
    };
    check(spoilt(repeated), &["inclusion"]);
    check(
        spoilt(|value| {
            value.as_object_mut().unwrap().remove("log");
        }),
        &["format"],
    );
    check(
        spoilt(|value| {
            value.as_object_mut().unwrap().remove("signature");
        }),
        &["format"],
    );
    check(rehashed(|value| value["model_name"] = json!("other")), &["statement"]);
    check(rehashed(|value| value["parameters"]["seed"] = json!(43)), &["statement"]);
    check(rehashed(|value| value["subject"]["dataset"]["sha256"] = json!("22".repeat(32))), &["statement"]);
    check(rehashed(|value| value["expires_at"] = json!("2099-01-01T00:00:00Z")), &["statement"]);
    let sentence = |verification: Verification| verification.check("statement").unwrap().detail.clone();
    assert!(sentence(rehashed(|value| value["expires_at"] = json!("2099-01-01T00:00:00Z"))).contains("another"));
    let second = |value: &mut Value| {
        let signature = value["signature"]["envelope"]["signatures"][0].clone();
        value["signature"]["envelope"]["signatures"].as_array_mut().unwrap().push(signature);
    };
    assert!(failures(&spoilt(second)).contains(&"signature"));
    let witness = |value: &mut Value| {
        let note = value["log"]["checkpoint"].as_str().unwrap().to_owned();
        value["log"]["checkpoint"] = json!(format!("{note}\u{2014} witness AAAAAAAA\n"));
    };
    check(spoilt(witness), &["checkpoint"]);
}

#[test]
fn a_leaf_taken_out_of_the_log_fails_at_the_inclusion() {
    let issued = issue(&key(1));
    let mut without = crate::sample::Log::default();
    issued.log.entries[..5].iter().for_each(|entry| {
        without.append(entry);
    });
    without.append(&issued.log.entries[0]);
    let proof = without.prove(issued.leaf_index, &key(1));
    let verification = verify(&issued.sealed.with_log(&proof), &trusted(&key(1)));
    assert_eq!(failures(&verification), ["inclusion"]);
}

#[test]
fn a_commitment_after_its_certificate_fails_at_the_inclusion() {
    let sealed = certificate::seal(&crate::sample::body(0), &key(1)).unwrap();
    let mut log = crate::sample::Log::default();
    let index = log.append(&sealed.envelope);
    let verification = verify(&sealed.with_log(&log.prove(index, &key(1))), &trusted(&key(1)));
    assert_eq!(failures(&verification), ["inclusion"]);
}

#[test]
fn a_statement_of_another_kind_signed_by_the_same_key_is_no_certificate() {
    let issued = issue(&key(1));
    let said = issued.sealed.envelope.statement_unverified().unwrap();
    let other = Statement::new(said.subject, "https://example.org/other", said.predicate);
    let mut sealed = issued.sealed.clone();
    sealed.envelope = Envelope::sign(&other, &key(1)).unwrap();
    let mut log = issued.log;
    let index = log.append(&sealed.envelope);
    let verification = verify(&sealed.with_log(&log.prove(index, &key(1))), &trusted(&key(1)));
    assert_eq!(failures(&verification), ["statement"]);
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_answered_and_never_valid(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let verification = certificate::verify(&bytes, &trusted(&key(1)), time(DURING), &VerifyOptions::default());
        prop_assert!(!verification.valid);
        prop_assert_eq!(failures(&verification), ["format"]);
    }

    #[test]
    fn arbitrary_members_are_answered_and_never_valid(
        member in prop::sample::select(vec!["signature", "log", "sha256_hash", "subject", "issued_at", "parameters", "revocation", "checks"]),
        replacement in prop_oneof![
            Just(json!(null)), Just(json!({})), Just(json!([])), Just(json!(0)), Just(json!({"envelope": {}})),
            ".{0,20}".prop_map(|text| json!(text)),
            (any::<u32>(), any::<u32>(), prop::collection::vec(any::<[u8; 32]>(), 0..9), ".{0,90}").prop_map(|(index, size, proof, note)| json!(LogProof {
                origin: "a".to_owned(), leaf_index: index.into(), tree_size: size.into(),
                inclusion_proof: proof.into_iter().map(Hash::from_bytes).collect(), checkpoint: note,
            })),
        ]
    ) {
        let harmless = replacement.is_null() && member == "revocation" || replacement == json!({}) && member == "checks";
        let verification = spoilt(|value| value[member] = replacement);
        prop_assert_eq!(verification.valid, harmless);
    }
}
