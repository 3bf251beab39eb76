//! Certificates: bytes, numbers, lists, revocation.

use std::collections::BTreeSet;

use assize_store::certificates::{PAGE_CERTIFICATES_MAX, Revocation};
use assize_store::{CertificateId, Error, Store};

use crate::harness::{at, new_certificate, other, public};

pub(crate) async fn documents_come_back_byte_for_byte(store: Store) {
    let mut new = new_certificate(1);
    new.commitment_leaf_index = Some(0);
    store.certificates().insert(&public(), &new).await.unwrap();
    let found = store.certificates().find(&new.id).await.unwrap().unwrap();
    assert_eq!((&found.body, found.sha256, found.schema_version), (&new.body, new.sha256, 1));
    assert_eq!((found.commitment_leaf_index, found.result_leaf_index), (Some(0), 1));
    assert_eq!((&found.summary.id, &found.summary.organization, &found.summary.job), (&new.id, &public(), &new.job));
    assert_eq!((found.summary.status.as_str(), found.summary.score), ("PASSED", Some(0.1 + 0.2)));
    assert_eq!(found.summary.model_name, new.model_name);
    assert_eq!(found.summary.organization_name, new.organization_name);
    assert_eq!((found.summary.domain.as_str(), found.revocation.is_none()), ("lending", true));
    assert_eq!((found.summary.issued_at, found.summary.expires_at), (at(1), at(2)));
    assert_eq!(store.certificates().find_by_job(&public(), &new.job).await.unwrap(), Some(found));
    assert_eq!(store.certificates().find(&CertificateId::new(2026, 2)).await.unwrap(), None);
    let other = other(&store).await;
    assert_eq!(store.certificates().find_by_job(&other, &new.job).await.unwrap(), None);
}

pub(crate) async fn numbers_are_gapless(store: Store) {
    for (commit, expected) in [(true, 1), (false, 2), (false, 2), (true, 2), (true, 3)] {
        let mut unit = store.begin().await.unwrap();
        assert_eq!(unit.certificate_numbers().next(2026).await.unwrap(), expected);
        if commit {
            unit.commit().await.unwrap();
        } else {
            unit.rollback().await.unwrap();
        }
    }
    let mut unit = store.begin().await.unwrap();
    assert_eq!(unit.certificate_numbers().next(2027).await.unwrap(), 1);
    assert_eq!(unit.certificate_numbers().next(2026).await.unwrap(), 4);
    assert_eq!(unit.certificate_numbers().next(2026).await.unwrap(), 5);
    unit.commit().await.unwrap();
}

pub(crate) async fn concurrent_units_number_without_gaps(store: Store) {
    let tasks: Vec<_> = (0..24)
        .map(|n| {
            let store = store.clone();
            tokio::spawn(async move {
                let mut unit = store.begin().await.unwrap();
                let number = unit.certificate_numbers().next(2026).await.unwrap();
                tokio::task::yield_now().await;
                if n % 3 == 0 {
                    unit.rollback().await.unwrap();
                    return None;
                }
                unit.certificates().insert(&public(), &new_certificate(number)).await.unwrap();
                unit.commit().await.unwrap();
                Some(number)
            })
        })
        .collect();
    let mut numbers = BTreeSet::new();
    for task in tasks {
        numbers.extend(task.await.unwrap());
    }
    assert_eq!(numbers, (1..=16).collect());
    assert_eq!(store.certificates().list_public(None, 99).await.unwrap().len(), 16);
}

pub(crate) async fn one_job_makes_one_certificate(store: Store) {
    let first = new_certificate(1);
    store.certificates().insert(&public(), &first).await.unwrap();
    let mut same_job = new_certificate(2);
    same_job.job = first.job.clone();
    let mut same_leaf = new_certificate(3);
    same_leaf.result_leaf_index = first.result_leaf_index;
    for refused in [&first, &same_job, &same_leaf] {
        let refused = store.certificates().insert(&public(), refused).await;
        assert!(matches!(refused, Err(Error::Conflict { .. })), "{refused:?}");
    }
    let mut no_score = new_certificate(4);
    no_score.score = None;
    store.certificates().insert(&public(), &no_score).await.unwrap();
    assert_eq!(store.certificates().find(&no_score.id).await.unwrap().unwrap().summary.score, None);
}

pub(crate) async fn lists_go_from_the_last_issued(store: Store) {
    let other = other(&store).await;
    for number in 1..=5 {
        let organization = if number == 4 { &other } else { &public() };
        store.certificates().insert(organization, &new_certificate(number)).await.unwrap();
    }
    let id = |n| CertificateId::new(2026, n);
    let all = store.certificates().list_public(None, PAGE_CERTIFICATES_MAX + 1).await.unwrap();
    assert_eq!(all.iter().map(|c| c.id.clone()).collect::<Vec<_>>(), [5, 4, 3, 2, 1].map(id));
    let page = store.certificates().list_public(Some(&id(4)), 2).await.unwrap();
    assert_eq!(page.iter().map(|c| c.id.clone()).collect::<Vec<_>>(), [3, 2].map(id));
    assert!(store.certificates().list_public(Some(&id(1)), 2).await.unwrap().is_empty());
    assert!(store.certificates().list_public(Some(&id(9)), 2).await.unwrap().is_empty());

    let own = store.certificates().list(&public(), None, 2).await.unwrap();
    assert_eq!(own.iter().map(|c| c.id.clone()).collect::<Vec<_>>(), [5, 3].map(id));
    let own = store.certificates().list(&public(), Some(&id(3)), 9).await.unwrap();
    assert_eq!(own.iter().map(|c| c.id.clone()).collect::<Vec<_>>(), [2, 1].map(id));
    // Another organization's certificate is no place to go on from.
    assert!(store.certificates().list(&public(), Some(&id(4)), 9).await.unwrap().is_empty());
}

pub(crate) async fn revocation_happens_once(store: Store) {
    let other = other(&store).await;
    store.certificates().insert(&public(), &new_certificate(1)).await.unwrap();
    let id = CertificateId::new(2026, 1);
    let revocation =
        Revocation { at: at(50), reason: "wrong data".to_owned(), envelope: b"{\xff}".to_vec(), leaf_index: 2 };
    let mut unit = store.begin().await.unwrap();
    assert!(!unit.certificates().revoke(&other, &id, &revocation).await.unwrap());
    assert!(!unit.certificates().revoke(&public(), &CertificateId::new(2026, 2), &revocation).await.unwrap());
    assert!(unit.certificates().revoke(&public(), &id, &revocation).await.unwrap());
    unit.commit().await.unwrap();
    let found = store.certificates().find(&id).await.unwrap().unwrap();
    assert_eq!((found.summary.revoked_at, found.revocation.as_ref()), (Some(at(50)), Some(&revocation)));
    let again = store.certificates().revoke(&public(), &id, &Revocation { leaf_index: 3, ..revocation }).await;
    assert!(matches!(again, Err(Error::Conflict { .. })), "{again:?}");
}
