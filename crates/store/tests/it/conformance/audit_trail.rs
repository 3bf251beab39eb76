//! The audit trail's chain.

use assize_store::Store;
use assize_store::audit_trail::AuditEvent;
use serde_json::json;

use crate::harness::{at, other, public};

fn event(subject: &str) -> AuditEvent {
    AuditEvent {
        at: at(7),
        actor: "key_1".to_owned(),
        action: "certificate.revoke".to_owned(),
        subject: subject.to_owned(),
        detail: json!({ "z": 1.0, "a": { "from": "203.0.113.9" } }),
        before_hash: None,
        after_hash: Some([3; 32]),
    }
}

pub(crate) async fn rows_chain_per_organization(store: Store) {
    let other = other(&store).await;
    assert_eq!(store.audit_trail().verify_chain(&public()).await.unwrap(), 0);
    let mut unit = store.begin().await.unwrap();
    let first = unit.audit_writer().append(&public(), &event("a")).await.unwrap();
    let foreign = unit.audit_writer().append(&other, &event("a")).await.unwrap();
    let second = unit.audit_writer().append(&public(), &event("b")).await.unwrap();
    assert_eq!(unit.audit_trail().verify_chain(&public()).await.unwrap(), 2);
    unit.commit().await.unwrap();
    assert_eq!((first.seq, foreign.seq, second.seq), (1, 1, 2));
    assert_eq!((first.prev_hash, second.prev_hash), ([0; 32], first.hash));
    assert_ne!(first.hash, foreign.hash);
    assert_eq!(store.audit_trail().list(&public(), 0, 9).await.unwrap(), [first, second.clone()]);
    assert_eq!(store.audit_trail().list(&public(), 1, 9).await.unwrap(), [second]);
    assert_eq!(store.audit_trail().list(&other, 0, 9).await.unwrap(), [foreign]);
    assert_eq!(store.audit_trail().verify_chain(&other).await.unwrap(), 1);
}

pub(crate) async fn concurrent_appends_make_one_chain(store: Store) {
    let tasks: Vec<_> = (0..16)
        .map(|n| {
            let store = store.clone();
            tokio::spawn(async move {
                let mut unit = store.begin().await.unwrap();
                unit.audit_writer().append(&public(), &event(&n.to_string())).await.unwrap();
                unit.commit().await.unwrap();
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(store.audit_trail().verify_chain(&public()).await.unwrap(), 16);
}

pub(crate) async fn rolled_back_rows_leave_no_gap(store: Store) {
    for commit in [true, false, true] {
        let mut unit = store.begin().await.unwrap();
        unit.audit_writer().append(&public(), &event("x")).await.unwrap();
        if commit {
            unit.commit().await.unwrap();
        } else {
            unit.rollback().await.unwrap();
        }
    }
    assert_eq!(store.audit_trail().verify_chain(&public()).await.unwrap(), 2);
}
