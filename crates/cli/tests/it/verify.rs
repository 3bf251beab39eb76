//! A stranger with the binary, the file and the public key.

use std::path::Path;

use serde_json::Value;

use crate::harness::{Server, folder, run, said, sample};

/// A small audit that ends in `out/`.
fn certify(folder: &Path) -> Vec<u8> {
    let data = sample("german_credit.csv");
    let output = run(
        folder,
        &[
            "audit",
            data.to_str().unwrap(),
            "--target",
            "credit_risk",
            "--positive",
            "good",
            "--protected",
            "sex,age",
            "--domain",
            "loan",
            "--out",
            "out",
        ],
    );
    assert!(output.status.success(), "{}", said(&output));
    std::fs::read(folder.join("out/certificate.json")).unwrap()
}

fn verify(folder: &Path, arguments: &[&str]) -> (i32, String) {
    let mut all = vec!["verify"];
    all.extend(arguments);
    let output = run(folder, &all);
    (output.status.code().unwrap(), said(&output))
}

#[test]
fn a_stranger_verifies_with_the_file_and_the_key_alone() {
    let home = folder();
    certify(home.path());
    for file in ["certificate.json", "certificate.html", "certificate.pdf", "public-key.pem"] {
        assert!(home.path().join("out").join(file).is_file(), "{file}");
    }
    let stranger = folder();
    for file in ["certificate.json", "public-key.pem"] {
        std::fs::copy(home.path().join("out").join(file), stranger.path().join(file)).unwrap();
    }
    let (code, text) = verify(stranger.path(), &["certificate.json", "--public-key", "public-key.pem"]);
    assert_eq!(code, 0, "{text}");
    for check in ["hash", "signature", "inclusion", "checkpoint", "expiry"] {
        assert!(text.contains(check), "{text}");
    }
    assert!(!stranger.path().join("assize-home").exists(), "verifying made a home");
    let (code, text) = verify(stranger.path(), &["certificate.json"]);
    assert_eq!(code, 3, "without a key nobody is trusted: {text}");
    let later = ["certificate.json", "--public-key", "public-key.pem", "--at", "2099-01-01T00:00:00Z"];
    let (code, text) = verify(stranger.path(), &later);
    assert_eq!(code, 3);
    assert!(text.contains("expir"), "{text}");
}

#[test]
fn a_changed_byte_a_wrong_key_and_a_removed_leaf_are_found() {
    let home = folder();
    let document = certify(home.path());
    let key = home.path().join("out/public-key.pem");
    let key = key.to_str().unwrap();
    let file = home.path().join("changed.json");
    // Every byte is tried in the tests of the attestation crate; here a spread over the file, through the binary.
    for position in (0..document.len()).step_by(document.len() / 23) {
        let mut changed = document.clone();
        changed[position] ^= 1;
        std::fs::write(&file, &changed).unwrap();
        let (code, text) = verify(home.path(), &["changed.json", "--public-key", key]);
        assert_eq!(code, 3, "byte {position}: {text}");
        assert!(text.contains("failed"), "byte {position}: {text}");
    }
    let other = folder();
    certify(other.path());
    let wrong = other.path().join("out/public-key.pem");
    let (code, text) = verify(home.path(), &["out/certificate.json", "--public-key", wrong.to_str().unwrap()]);
    assert_eq!(code, 3);
    assert!(text.contains("signer"), "{text}");
    let mut parsed: Value = serde_json::from_slice(&document).unwrap();
    parsed["log"]["inclusion_proof"].as_array_mut().unwrap().pop().expect("the commitment comes before the result");
    std::fs::write(&file, serde_json::to_vec(&parsed).unwrap()).unwrap();
    let (code, text) = verify(home.path(), &["changed.json", "--public-key", key]);
    assert_eq!(code, 3);
    assert!(text.contains("inclusion"), "{text}");
}

#[test]
fn revocation_and_rotation_are_public() {
    let home = folder();
    let document = certify(home.path());
    let id = serde_json::from_slice::<Value>(&document).unwrap()["certificate_id"].as_str().unwrap().to_owned();
    assert_eq!(verify(home.path(), &[&id]).0, 0);
    let rotated = run(home.path(), &["signing-key", "rotate"]);
    assert!(rotated.status.success(), "{}", said(&rotated));
    let (code, text) = verify(home.path(), &[&id]);
    assert_eq!(code, 0, "an old certificate verifies after rotation: {text}");
    let before = certify(home.path());
    assert_ne!(document, before);
    let revoked = run(home.path(), &["certificate", "revoke", &id, "--reason", "trained on mislabelled data"]);
    assert!(revoked.status.success(), "{}", said(&revoked));
    let (code, text) = verify(home.path(), &[&id]);
    assert_eq!(code, 3);
    assert!(text.contains("mislabelled"), "{text}");
    let server = Server::start(&home.path().join("assize-home"), &[]);
    let answer = server.curl(&format!("/verify/{id}"), &[]);
    assert_eq!(answer.json()["valid"], false);
    assert_eq!(answer.json()["revoked"], true);
    let (code, text) = verify(home.path(), &[&format!("{}/verify/{id}", server.url)]);
    assert_eq!(code, 3, "{text}");
}
