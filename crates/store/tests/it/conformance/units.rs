//! Transactions, organizations and keys.

use assize_store::{Error, OrganizationId, Store};

use crate::harness::{at, enqueue, job_id, new_certificate, new_job, public};

pub(crate) async fn dropped_unit_leaves_nothing(store: Store) {
    {
        let mut unit = store.begin().await.unwrap();
        unit.jobs().enqueue(&public(), &new_job(1), at(0)).await.unwrap();
        assert_eq!(unit.certificate_numbers().next(2026).await.unwrap(), 1);
        unit.log_writer().lock().await.unwrap();
        unit.certificates().insert(&public(), &new_certificate(1)).await.unwrap();
    }
    // The next unit has to wait for the rollback, so by now it has happened.
    let mut unit = store.begin().await.unwrap();
    assert_eq!(unit.certificate_numbers().next(2026).await.unwrap(), 1);
    unit.rollback().await.unwrap();
    assert_eq!(store.jobs().find(&public(), &job_id(0, 1)).await.unwrap(), None);
    assert_eq!(store.certificates().find(&new_certificate(1).id).await.unwrap(), None);
}

pub(crate) async fn units_see_their_own_writes_and_others_do_not(store: Store) {
    let mut unit = store.begin().await.unwrap();
    unit.jobs().enqueue(&public(), &new_job(1), at(0)).await.unwrap();
    assert_eq!(unit.queue().unfinished().await.unwrap(), 1);
    assert_eq!(store.queue().unfinished().await.unwrap(), 0);
    unit.commit().await.unwrap();
    assert_eq!(store.queue().unfinished().await.unwrap(), 1);
}

pub(crate) async fn public_organization_exists(store: Store) {
    let found = store.organizations().find(&public()).await.unwrap().unwrap();
    assert_eq!((found.name.as_str(), found.created_at), ("Public", at(0)));
    let mut unit = store.begin().await.unwrap();
    unit.organizations().ensure(&public(), "Renamed", at(5)).await.unwrap();
    assert_eq!(unit.organizations().find(&public()).await.unwrap(), Some(found));
    assert_eq!(unit.organizations().find(&OrganizationId::parse("org_x").unwrap()).await.unwrap(), None);
    unit.commit().await.unwrap();

    store.migrate(at(9)).await.unwrap();
    assert_eq!(store.schema_version().await.unwrap(), Store::schema_version_known());
}

pub(crate) async fn unknown_organization_is_a_conflict(store: Store) {
    let nobody = OrganizationId::parse("org_nobody").unwrap();
    let refused = store.jobs().enqueue(&nobody, &new_job(1), at(0)).await;
    assert!(matches!(refused, Err(Error::Conflict { .. })), "{refused:?}");
    enqueue(&store, &new_job(1)).await;
    let refused = store.jobs().enqueue(&public(), &new_job(1), at(0)).await;
    assert!(matches!(refused, Err(Error::Conflict { .. })), "{refused:?}");
}

pub(crate) async fn signing_keys_outlive_their_use(store: Store) {
    let mut keys = store.signing_keys();
    keys.put("k2", "PEM 2", at(20)).await.unwrap();
    keys.put("k1", "PEM 1", at(10)).await.unwrap();
    keys.put("k1", "PEM 1", at(30)).await.unwrap();
    let taken = keys.put("k1", "PEM 3", at(30)).await;
    assert!(matches!(taken, Err(Error::Conflict { .. })), "{taken:?}");
    assert!(keys.retire("k1", at(20), 7).await.unwrap());
    assert!(!keys.retire("k1", at(21), 8).await.unwrap());
    assert!(!keys.retire("k9", at(21), 8).await.unwrap());

    let mut unit = store.begin().await.unwrap();
    let kept = unit.signing_keys().list().await.unwrap();
    let seen: Vec<_> = kept.iter().map(|k| (k.key_id.as_str(), k.valid_from, k.retired_at, k.final_log_size)).collect();
    assert_eq!(seen, [("k1", at(10), Some(at(20)), Some(7)), ("k2", at(20), None, None)]);
    assert_eq!(kept[0].public_pem, "PEM 1");
}
