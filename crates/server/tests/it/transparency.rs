//! The log as a stranger uses it: with the attestation library and nothing but what the server hands out.

use assize_attestation::log::{self, Hash};
use assize_attestation::{SignedCheckpoint, TrustedKeys, canonical};

use crate::harness::{TestApp, json};

fn hashes(list: &serde_json::Value) -> Vec<Hash> {
    list.as_array().unwrap().iter().map(|hash| Hash::from_base64(hash.as_str().unwrap()).unwrap()).collect()
}

#[tokio::test]
async fn empty_log_has_no_checkpoint() {
    let app = TestApp::start().await;
    let response = app.get("/log/checkpoint").await;
    assert_eq!(response.status(), 404);
    assert_eq!(json(response).await["code"], "not_found");
    assert_eq!(json(app.get("/log/entries").await).await, serde_json::json!({"entries": []}));
    app.finish().await;
}

#[tokio::test]
async fn entries_hash_to_the_signed_root_and_proofs_hold() {
    let app = TestApp::start().await;
    let (first, second) = (app.certified().await, app.certified().await);
    let response = app.get("/log/checkpoint").await;
    assert_eq!(response.headers()["content-type"], "text/plain; charset=utf-8");
    let checkpoint = SignedCheckpoint::parse(&response.text().await.unwrap()).unwrap();
    let keys = app.get("/.well-known/assize-keys.json").await.text().await.unwrap();
    let keys = TrustedKeys::parse(&keys).unwrap();
    let head = checkpoint.verify(&keys.keys()[0].key).unwrap();
    // A commitment and a result an audit.
    assert_eq!(head.size, 4);

    let page = json(app.get("/log/entries?start=1&count=3").await).await;
    let entries = page["entries"].as_array().unwrap();
    assert_eq!(entries.len(), 3);
    for entry in entries {
        let leaf = log::leaf_hash(&canonical::to_bytes(&entry["entry"]).unwrap());
        assert_eq!(leaf.to_base64(), entry["leaf_hash"].as_str().unwrap());
    }

    let index = second["log"]["leaf_index"].as_u64().unwrap();
    let proof = json(app.get(&format!("/log/proof/inclusion?index={index}&size=4")).await).await;
    assert_eq!(proof["root_hash"], head.root.to_base64());
    let leaf = Hash::from_base64(proof["leaf_hash"].as_str().unwrap()).unwrap();
    log::verify_inclusion(leaf, index, 4, &hashes(&proof["proof"]), head.root).unwrap();

    let old_size = first["log"]["tree_size"].as_u64().unwrap();
    let proof = json(app.get(&format!("/log/proof/consistency?from={old_size}&to=4")).await).await;
    let old_root = Hash::from_base64(proof["from_root_hash"].as_str().unwrap()).unwrap();
    log::verify_consistency(old_size, old_root, 4, head.root, &hashes(&proof["proof"])).unwrap();

    for path in [
        "/log/proof/inclusion?index=4&size=4",
        "/log/proof/inclusion?index=0&size=5",
        "/log/proof/consistency?from=3&to=2",
    ] {
        assert_eq!(app.get(path).await.status(), 422, "{path}");
    }
    app.finish().await;
}
