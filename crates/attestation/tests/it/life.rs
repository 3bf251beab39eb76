//! From commitment to revocation, under one key and over a rotation.

use assize_attestation::certificate::{self, KnownCheckpoint, Sealed, VerifyOptions};
use assize_attestation::log::check::{LogCheck, verify_log};
use assize_attestation::{
    Envelope, Error, Revocation, SignedCheckpoint, SigningKey, Statement, TrustedKey, TrustedKeys,
};
use serde_json::{Value, json};

use crate::sample::{DURING, ISSUED, ORIGIN, body, commitment, failures, issue, key, time, trusted, verify};

fn revocation_of(sealed: &Sealed, key: &SigningKey) -> Envelope {
    let revocation = Revocation {
        certificate_id: "MP-2026-000001".to_owned(),
        certificate_sha256: sealed.sha256_hash.clone(),
        reason: "the labels were wrong".to_owned(),
        revoked_at: time("2026-09-01T00:00:00Z"),
    };
    Envelope::sign(&Statement::revocation(&revocation), key).unwrap()
}

fn detail(verification: &certificate::Verification, name: &str) -> String {
    verification.check(name).unwrap().detail.clone()
}

#[test]
fn a_certificate_verifies_with_the_file_and_the_key_alone() {
    let issued = issue(&key(1));
    let verification = verify(&issued.document, &trusted(&key(1)));
    assert_eq!(failures(&verification), [""; 0], "{verification:#?}");
    assert!(verification.valid);
    assert_eq!(verification.certificate_id.as_deref(), Some("MP-2026-000001"));
    let names: Vec<&str> = verification.checks.iter().map(|check| check.name).collect();
    assert_eq!(names, certificate::check_names().collect::<Vec<_>>());
}

#[test]
fn sealing_is_deterministic_and_takes_apart_again() {
    let (issued, again) = (issue(&key(1)), issue(&key(1)));
    assert_eq!(issued.document, again.document);
    let (sealed, log) = Sealed::from_document(&issued.document).unwrap();
    assert_eq!(sealed, issued.sealed);
    assert_eq!(sealed.with_log(&log.unwrap()), issued.document);
}

#[test]
fn re_indented_files_verify_and_respelled_ones_do_not() {
    let issued = issue(&key(1));
    let value: Value = serde_json::from_slice(&issued.document).unwrap();
    let compact = String::from_utf8(issued.document.clone()).unwrap();
    for text in [format!("{compact}\n"), String::from_utf8(pretty(&issued.document)).unwrap()] {
        assert!(verify(text.as_bytes(), &trusted(&key(1))).valid);
    }
    assert!(value["overall_score"].is_f64());
    for (from, to) in [("71.5", "71.50"), ("71.5", "7.15e1"), ("71.5", "71.500000000000000001"), ("É", "\\u00c9")] {
        let text = compact.replacen(from, to, 1);
        assert_ne!(text, compact);
        assert_eq!(failures(&verify(text.as_bytes(), &trusted(&key(1)))), ["encoding"], "{from} as {to}");
    }
    let doubled =
        compact.replacen("{\"certificate_id\"", "{\"certificate_id\":\"MP-2026-000002\",\"certificate_id\"", 1);
    assert_ne!(doubled, compact);
    assert_eq!(failures(&verify(doubled.as_bytes(), &trusted(&key(1)))), ["encoding"]);
}

/// As `jq .` prints it.
fn pretty(compact: &[u8]) -> Vec<u8> {
    let value: Value = serde_json::from_slice(compact).unwrap();
    serde_json::to_vec_pretty(&value).unwrap()
}

#[test]
fn a_body_that_cannot_be_sealed_says_which_member() {
    let spoilt = |change: &dyn Fn(&mut Value)| {
        let mut value = Value::Object(body(4));
        change(&mut value);
        certificate::seal(value.as_object().unwrap(), &key(1)).unwrap_err().to_string()
    };
    let check =
        |change: &dyn Fn(&mut Value), expected: &str| assert!(spoilt(change).contains(expected), "{}", spoilt(change));
    check(&|body| body["expires_at"] = json!("2026-04-18T14:32:00Z"), "expires_at: it is not after issued_at");
    check(&|body| body["expires_at"] = json!("soon"), "expires_at: it is not an RFC 3339 time");
    check(&|body| body["overall_score"] = json!("71"), "overall_score");
    check(&|body| body["commitment_index"] = json!(-1), "commitment_index");
    check(&|body| body["subject"]["dataset"]["sha256"] = json!("AB".repeat(32)), "subject.dataset.sha256");
    check(&|body| body["subject"]["model"] = json!(null), "subject.model");
    check(&|body| body["parameters"]["seed"] = json!(u64::MAX), "/parameters/seed would lose digits");
    check(&|body| body["valid"] = json!(true), "no usable valid");
}

#[test]
fn a_wrong_key_or_none_fails_at_the_signer() {
    let issued = issue(&key(1));
    let verification = verify(&issued.document, &trusted(&key(2)));
    assert_eq!(failures(&verification), ["signer", "checkpoint"]);
    assert!(detail(&verification, "signer").contains("not among the 1 trusted keys"));
    let verification = verify(&issued.document, &TrustedKeys::default());
    assert_eq!(detail(&verification, "signer"), "no trusted public key was given");
    assert!(!verification.valid);
    // Somebody else's seal on the same body.
    let forged = issue(&key(2));
    assert_eq!(failures(&verify(&forged.document, &trusted(&key(1)))), ["signer", "checkpoint"]);
}

#[test]
fn expiry_and_the_future_fail_at_their_bounds() {
    let issued = issue(&key(1));
    let check = |now: &str, expected: &[&str]| {
        let verification =
            certificate::verify(&issued.document, &trusted(&key(1)), time(now), &VerifyOptions::default());
        assert_eq!(failures(&verification), expected, "{now}");
    };
    check("2027-04-18T14:31:59Z", &[]);
    check("2027-04-18T14:32:00Z", &["expiry"]);
    check("2026-04-18T14:27:00Z", &[]);
    check("2026-04-18T14:26:59Z", &["expiry"]);
}

#[test]
fn a_revoked_certificate_says_why() {
    let issued = issue(&key(1));
    let revocation = revocation_of(&issued.sealed, &key(1));
    let revocations = [revocation.clone()];
    let options = VerifyOptions { revocations: &revocations, ..VerifyOptions::default() };
    let verification = certificate::verify(&issued.document, &trusted(&key(1)), time(DURING), &options);
    assert_eq!(failures(&verification), ["revocation"]);
    assert_eq!(detail(&verification, "revocation"), "revoked at 2026-09-01T00:00:00Z: the labels were wrong");

    let (served, verification) =
        certificate::present(&issued.document, Some(&revocation), &trusted(&key(1)), time(DURING)).unwrap();
    assert!(!verification.valid);
    let members: Value = serde_json::from_slice(&served).unwrap();
    assert_eq!((&members["valid"], &members["revoked"]), (&json!(false), &json!(true)));
    assert_eq!(members["revocation"]["reason"], json!("the labels were wrong"));
    assert_eq!(failures(&verify(&served, &trusted(&key(1)))), ["revocation"]);

    // A revocation that is not the issuer's is reported, and not as a fact.
    let forged = [revocation_of(&issued.sealed, &key(2))];
    let options = VerifyOptions { revocations: &forged, ..VerifyOptions::default() };
    let verification = certificate::verify(&issued.document, &trusted(&key(1)), time(DURING), &options);
    assert!(detail(&verification, "revocation").contains("no trusted key signed it"));
    // Another certificate's is none of its business.
    let other = Revocation {
        certificate_id: "MP-2026-000002".to_owned(),
        certificate_sha256: "00".repeat(32),
        reason: String::new(),
        revoked_at: time(DURING),
    };
    let others = [Envelope::sign(&Statement::revocation(&other), &key(1)).unwrap()];
    assert!(certificate::present(&issued.document, Some(&others[0]), &trusted(&key(1)), time(DURING)).is_err());
    let options = VerifyOptions { revocations: &others, ..VerifyOptions::default() };
    assert!(certificate::verify(&issued.document, &trusted(&key(1)), time(DURING), &options).valid);
}

#[test]
fn the_served_form_verifies_and_may_not_claim_what_is_not_so() {
    let issued = issue(&key(1));
    let (served, verification) = certificate::present(&issued.document, None, &trusted(&key(1)), time(DURING)).unwrap();
    assert!(verification.valid);
    assert!(verify(&served, &trusted(&key(1))).valid);
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut value: Value = serde_json::from_slice(&served).unwrap();
        change(&mut value);
        failures(&verify(&assize_attestation::canonical::to_bytes(&value).unwrap(), &trusted(&key(1))))
    };
    assert_eq!(changed(&|value| value["valid"] = json!(false)), ["claims"]);
    assert_eq!(changed(&|value| value["valid"] = json!(1)), ["claims"]);
    assert_eq!(changed(&|value| value["checks"]["hash"] = json!("failed")), ["claims"]);
    assert_eq!(changed(&|value| value["checks"]["hush"] = json!("passed")), ["claims"]);
    assert_eq!(changed(&|value| value["checks"] = json!([])), ["claims"]);
    assert_eq!(changed(&|value| value["revoked"] = json!(true)), ["revocation"]);
    assert_eq!(changed(&|value| value["revocation"] = json!({})), ["revocation"]);
    assert_eq!(changed(&|value| value["revokes"] = json!(true)), ["hash"]);
    // Saved while it was in force, looked at after it expired: the expiry is what failed.
    let later =
        certificate::verify(&served, &trusted(&key(1)), time("2028-01-01T00:00:00Z"), &VerifyOptions::default());
    assert_eq!(failures(&later), ["expiry"]);
}

#[test]
fn certificates_survive_a_key_rotation_and_the_retired_key_signs_no_more() {
    let (old, new) = (key(1), key(2));
    let mut issued = issue(&old);
    let rotated_at = "2026-06-01T00:00:00Z";
    let rotation =
        Envelope::sign(&Statement::rotation(&old.public_key(), &new.public_key(), time(rotated_at)), &old).unwrap();
    let rotation_index = issued.log.append(&rotation);

    // A stranger who knew only the old key follows the log.
    let mut keys = trusted(&old);
    keys.follow_rotation(&rotation, rotation_index).unwrap();
    assert_eq!(keys.keys().len(), 2);
    assert_eq!(keys.keys()[0].retired_at, Some(time(rotated_at)));
    assert!(keys.follow_rotation(&rotation, rotation_index).is_err(), "a retired key names no successor");

    assert!(verify(&issued.document, &keys).valid, "the file as saved before the rotation");
    let refreshed = issued.sealed.with_log(&issued.log.prove(issued.leaf_index, &new));
    assert!(verify(&refreshed, &keys).valid, "with today's proof and checkpoint");
    assert_eq!(failures(&verify(&refreshed, &trusted(&old))), ["checkpoint"], "the new key is not trusted");

    // Issued after the retirement by the old key, or back-dated by it beyond the end of its log.
    let check = |issued_at: &str, signer: &SigningKey, expected: &[&str]| {
        let mut late = body(4);
        late.insert("issued_at".to_owned(), json!(issued_at));
        let sealed = certificate::seal(&late, signer).unwrap();
        let mut log = issue(&old).log;
        log.append(&rotation);
        let index = log.append(&sealed.envelope);
        let verification = verify(&sealed.with_log(&log.prove(index, &new)), &keys);
        assert_eq!(failures(&verification), expected, "{verification:#?}");
    };
    check("2026-06-01T00:00:00Z", &new, &[]);
    check("2026-05-31T00:00:00Z", &new, &["signer"]);
    check("2026-06-01T00:00:00Z", &old, &["signer"]);
    check(ISSUED, &old, &["signer"]);
}

#[test]
fn trusted_keys_are_read_from_json_and_pem() {
    let (old, new) = (key(1).public_key(), key(2).public_key());
    let retired = TrustedKey {
        key: old,
        valid_from: Some(time("2026-01-01T00:00:00Z")),
        retired_at: Some(time("2026-06-01T00:00:00Z")),
        final_log_size: Some(7),
    };
    let keys = TrustedKeys::new(vec![retired, TrustedKey::always(new)], Some(ORIGIN.to_owned()));
    let document = keys.to_json();
    assert_eq!(TrustedKeys::parse(&document.to_string()), Ok(keys));
    assert!(document["keys"][0]["verifier_key"].as_str().unwrap().starts_with("assize.example.org/log+"));
    let pems = format!("# ours\n{}\n{}", old.to_pem(), new.to_pem());
    let keys = TrustedKeys::parse(&pems).unwrap();
    assert_eq!(keys.keys(), [TrustedKey::always(old), TrustedKey::always(new)]);
    for bad in ["", "{}", "{\"keys\":[]}", "hello", "-----BEGIN PUBLIC KEY-----\nAAAA"] {
        assert!(matches!(TrustedKeys::parse(bad), Err(Error::Key(_))), "{bad:?}");
    }
    let swapped = document.to_string().replacen(&old.key_id(), &new.key_id(), 1);
    assert!(TrustedKeys::parse(&swapped).unwrap_err().to_string().contains("is not the id of its public_key"));
}

#[test]
fn another_log_or_a_rewritten_one_fails_at_the_checkpoint() {
    let mut issued = issue(&key(1));
    let keys = trusted(&key(1));
    let check = |options: VerifyOptions<'_>, expected: &[&str]| {
        assert_eq!(failures(&certificate::verify(&issued.document, &keys, time(DURING), &options)), expected);
    };
    check(VerifyOptions { origin: Some(ORIGIN), ..VerifyOptions::default() }, &[]);
    check(VerifyOptions { origin: Some("other.example.org/log"), ..VerifyOptions::default() }, &["checkpoint"]);
    let named = TrustedKeys::new(keys.keys().to_vec(), Some("other.example.org/log".to_owned()));
    assert_eq!(failures(&verify(&issued.document, &named)), ["checkpoint"]);

    let then = issued.log.head(3);
    let size = issued.log.entries.len() as u64;
    let proof = issued.log.consistency(3, size);
    let known = |checkpoint, consistency_proof| VerifyOptions {
        known_checkpoint: Some(KnownCheckpoint { checkpoint, consistency_proof }),
        ..VerifyOptions::default()
    };
    check(known(&then, &proof), &[]);
    let other = issue(&key(3)).log.head(3);
    check(known(&other, &proof), &["checkpoint"]);
    let entry = issued.log.entries[0].clone();
    issued.log.append(&entry);
    let (later, proof) = (issued.log.head(size + 1), issued.log.consistency(size, size + 1));
    let options = known(&later, &proof);
    assert!(certificate::verify(&issued.document, &keys, time(DURING), &options).valid, "a head from later");
}

#[test]
fn the_log_recomputes_from_its_entries() {
    let issued = issue(&key(1));
    let note = issued.log.head(6).sign(&key(1)).unwrap();
    let signed = SignedCheckpoint::parse(&note).unwrap();
    let head = signed.verify(&key(1).public_key()).unwrap();
    let mut check = LogCheck::default();
    for (index, entry) in (0..).zip(&issued.log.entries) {
        check.push(index, &entry.leaf_bytes(), Some(entry.leaf_hash())).unwrap();
    }
    assert_eq!(check.agrees_with(head), Ok(()));
    let leaves = (0..).zip(issued.log.entries.iter().skip(1).map(Envelope::leaf_hash));
    assert!(verify_log(leaves, head).unwrap_err().to_string().starts_with("log entry 5 is missing"));
}

#[test]
fn a_commitment_binds_thresholds_seed_and_files() {
    let issued = issue(&key(1));
    let keys = trusted(&key(1));
    let envelope = &issued.log.entries[4];
    assert_eq!(certificate::verify_commitment(&issued.sealed.body, envelope, 4, &keys), Ok(()));
    let read = envelope.verify(&key(1).public_key()).unwrap();
    assert_eq!(read, commitment());
    let check = |change: &dyn Fn(&mut Value), expected: &str| {
        let mut body = Value::Object(issued.sealed.body.clone());
        change(&mut body);
        let error = certificate::verify_commitment(body.as_object().unwrap(), envelope, 4, &keys).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    };
    check(&|body| body["parameters"]["seed"] = json!(43), "parameters.seed");
    check(&|body| body["parameters"]["thresholds"]["flip_rate_max"] = json!(0.5), "parameters.thresholds");
    check(&|body| body["subject"]["dataset"]["sha256"] = json!("22".repeat(32)), "subject");
    check(&|body| body["issued_at"] = json!("2026-04-18T14:29:00Z"), "issued_at");
    assert!(certificate::verify_commitment(&issued.sealed.body, envelope, 3, &keys).is_err());
    assert!(certificate::verify_commitment(&issued.sealed.body, envelope, 4, &trusted(&key(2))).is_err());
}
