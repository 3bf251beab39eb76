//! Wrapped keys: their versions, their master key, their end.

use assize_store::data_keys::SubjectKeyRecord;
use assize_store::{Error, Store};

use crate::harness::{at, other, public};

async fn put_master(store: &Store, id: &str, millis: i64) {
    let mut unit = store.begin().await.unwrap();
    unit.data_key_writer().put_master(id, at(millis)).await.unwrap();
    unit.commit().await.unwrap();
}

pub(crate) async fn versions_are_dense_and_need_a_master_key_in_force(store: Store) {
    assert_eq!(store.data_keys().master_in_force().await.unwrap(), None);
    put_master(&store, "mk_1", 1).await;
    put_master(&store, "mk_1", 2).await;
    assert_eq!(store.data_keys().master_in_force().await.unwrap().unwrap().created_at, at(1));
    let other = other(&store).await;
    let mut unit = store.begin().await.unwrap();
    let mut keys = unit.data_key_writer();
    assert!(keys.insert(&public(), 1, "mk_1", b"w1", at(3)).await.unwrap());
    assert!(!keys.insert(&public(), 1, "mk_1", b"other", at(3)).await.unwrap(), "the version is taken");
    assert!(!keys.insert(&public(), 2, "mk_2", b"w2", at(3)).await.unwrap(), "an unknown master key");
    assert!(keys.insert(&public(), 2, "mk_1", b"w2", at(4)).await.unwrap());
    assert!(keys.insert(&other, 1, "mk_1", b"o1", at(4)).await.unwrap());
    assert_eq!(unit.data_keys().newest(&public()).await.unwrap().unwrap().version, 2);
    unit.commit().await.unwrap();
    let mut keys = store.data_keys();
    let current = keys.current(&public()).await.unwrap().unwrap();
    assert_eq!((current.version, current.wrapped.as_deref()), (2, Some(&b"w2"[..])));
    assert_eq!(keys.find(&public(), 1).await.unwrap().unwrap().wrapped.as_deref(), Some(&b"w1"[..]));
    assert_eq!(keys.find(&public(), 3).await.unwrap(), None);
    assert_eq!(keys.find(&other, 2).await.unwrap(), None);
    let all: Vec<_> =
        keys.all(None, 9).await.unwrap().iter().map(|k| (k.organization.to_string(), k.version)).collect();
    assert_eq!(all, [("org_other".to_owned(), 1), ("org_public".to_owned(), 1), ("org_public".to_owned(), 2)]);
    assert_eq!(keys.all(Some((&public(), 1)), 9).await.unwrap().len(), 1);
    assert_eq!(keys.all(None, 2).await.unwrap().len(), 2);
}

pub(crate) async fn keys_are_wrapped_anew_under_the_next_master_key(store: Store) {
    put_master(&store, "mk_1", 1).await;
    let mut unit = store.begin().await.unwrap();
    assert!(unit.data_key_writer().insert(&public(), 1, "mk_1", b"w1", at(2)).await.unwrap());
    assert!(unit.data_key_writer().retire_master("mk_1", at(3)).await.unwrap());
    assert!(!unit.data_key_writer().retire_master("mk_1", at(4)).await.unwrap());
    unit.data_key_writer().put_master("mk_2", at(3)).await.unwrap();
    assert!(unit.data_key_writer().rewrap(&public(), 1, "mk_2", b"w1'").await.unwrap());
    assert!(!unit.data_key_writer().rewrap(&public(), 9, "mk_2", b"x").await.unwrap());
    assert!(!unit.data_key_writer().insert(&public(), 2, "mk_1", b"w2", at(5)).await.unwrap(), "a retired master key");
    unit.commit().await.unwrap();
    let key = store.data_keys().find(&public(), 1).await.unwrap().unwrap();
    assert_eq!(
        (key.master_key_id.as_str(), key.wrapped.as_deref(), key.created_at),
        ("mk_2", Some(&b"w1'"[..]), at(2))
    );
    let masters = store.data_keys().masters().await.unwrap();
    let seen: Vec<_> = masters.iter().map(|key| (key.id.as_str(), key.retired_at)).collect();
    assert_eq!(seen, [("mk_1", Some(at(3))), ("mk_2", None)]);
    assert_eq!(store.data_keys().master_in_force().await.unwrap().unwrap().id, "mk_2");
}

pub(crate) async fn destroyed_keys_leave_their_rows_and_nothing_else(store: Store) {
    put_master(&store, "mk_1", 1).await;
    let other = other(&store).await;
    let of_subject =
        |version| SubjectKeyRecord { version, data_key_version: 1, wrapped: Some(b"s".to_vec()), destroyed_at: None };
    let mut unit = store.begin().await.unwrap();
    let mut keys = unit.data_key_writer();
    for organization in [&public(), &other] {
        assert!(keys.insert(organization, 1, "mk_1", b"w", at(2)).await.unwrap());
        for subject in ["p1", "p2"] {
            assert!(keys.insert_of_subject(organization, subject, &of_subject(1), at(2)).await.unwrap());
            assert!(!keys.insert_of_subject(organization, subject, &of_subject(1), at(2)).await.unwrap());
        }
    }
    assert_eq!(keys.destroy_subject(&public(), "p1", at(5)).await.unwrap(), 1);
    assert_eq!(keys.destroy_subject(&public(), "p1", at(6)).await.unwrap(), 0);
    assert!(keys.insert_of_subject(&public(), "p1", &of_subject(2), at(7)).await.unwrap());
    unit.commit().await.unwrap();
    let gone = store.data_keys().find_of_subject(&public(), "p1", 1).await.unwrap().unwrap();
    assert_eq!((gone.wrapped, gone.destroyed_at), (None, Some(at(5))));
    assert_eq!(store.data_keys().newest_of_subject(&public(), "p1").await.unwrap().unwrap().version, 2);
    assert_eq!(store.data_keys().newest_of_subject(&public(), "p3").await.unwrap(), None);

    let mut unit = store.begin().await.unwrap();
    assert_eq!(unit.data_key_writer().destroy_all(&public(), at(8)).await.unwrap(), 1);
    assert_eq!(unit.data_key_writer().destroy_all(&public(), at(9)).await.unwrap(), 0);
    assert!(!unit.data_key_writer().rewrap(&public(), 1, "mk_1", b"back").await.unwrap());
    unit.commit().await.unwrap();
    let mut keys = store.data_keys();
    assert_eq!(keys.current(&public()).await.unwrap(), None);
    let newest = keys.newest(&public()).await.unwrap().unwrap();
    assert_eq!((newest.wrapped, newest.destroyed_at), (None, Some(at(8))));
    assert_eq!(keys.find_of_subject(&public(), "p2", 1).await.unwrap().unwrap().wrapped, None);
    assert!(keys.current(&other).await.unwrap().is_some());
    assert!(keys.find_of_subject(&other, "p1", 1).await.unwrap().unwrap().wrapped.is_some());
    store.settle().await.unwrap();
}

pub(crate) async fn subject_keys_need_a_data_key(store: Store) {
    let mut unit = store.begin().await.unwrap();
    let record = SubjectKeyRecord { version: 1, data_key_version: 1, wrapped: Some(vec![1]), destroyed_at: None };
    let refused = unit.data_key_writer().insert_of_subject(&public(), "p", &record, at(1)).await;
    assert!(matches!(refused, Err(Error::Conflict { .. })), "{refused:?}");
}

pub(crate) async fn subjects_keys_come_and_go_in_bulk(store: Store) {
    put_master(&store, "mk_1", 1).await;
    let other = other(&store).await;
    let record = |version, byte| SubjectKeyRecord {
        version,
        data_key_version: 1,
        wrapped: Some(vec![byte]),
        destroyed_at: None,
    };
    let names: Vec<String> = (0..5).map(|n| format!("p{n}")).collect();
    let all: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut unit = store.begin().await.unwrap();
    let mut keys = unit.data_key_writer();
    for organization in [&public(), &other] {
        assert!(keys.insert(organization, 1, "mk_1", b"w", at(2)).await.unwrap());
    }
    assert!(keys.insert_of_subjects(&public(), &[], at(3)).await.unwrap().is_empty());
    let taken_in =
        keys.insert_of_subjects(&public(), &[("p3", record(1, 3)), ("p1", record(1, 1))], at(3)).await.unwrap();
    assert_eq!(taken_in.into_iter().collect::<Vec<_>>(), ["p1", "p3"]);
    let again: Vec<_> = all.iter().map(|subject| (*subject, record(1, 9))).collect();
    let taken_in = keys.insert_of_subjects(&public(), &again, at(4)).await.unwrap();
    assert_eq!(taken_in.into_iter().collect::<Vec<_>>(), ["p0", "p2", "p4"], "a version is taken in once");
    keys.destroy_subject(&public(), "p2", at(5)).await.unwrap();
    keys.insert_of_subjects(&public(), &[("p2", record(2, 22))], at(6)).await.unwrap();
    unit.commit().await.unwrap();
    let newest = store.data_keys().newest_of_subjects(&public(), &all).await.unwrap();
    let seen: Vec<_> =
        newest.iter().map(|(subject, key)| (subject.as_str(), key.version, key.wrapped.as_deref())).collect();
    let expected: [(&str, u32, Option<&[u8]>); 5] = [
        ("p0", 1, Some(&[9])),
        ("p1", 1, Some(&[1])),
        ("p2", 2, Some(&[22])),
        ("p3", 1, Some(&[3])),
        ("p4", 1, Some(&[9])),
    ];
    assert_eq!(seen, expected);
    assert_eq!(store.data_keys().newest_of_subjects(&public(), &["p1", "nobody"]).await.unwrap().len(), 1);
    assert!(store.data_keys().newest_of_subjects(&other, &all).await.unwrap().is_empty());
}
