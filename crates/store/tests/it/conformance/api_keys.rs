//! API keys.

use assize_store::api_keys::ApiKey;
use assize_store::{KeyId, KeyInterface, Role, Store};

use crate::harness::{at, other, public};

fn key(n: u8) -> ApiKey {
    ApiKey {
        id: KeyId::new(at(i64::from(n)), [n; 10]),
        organization: public(),
        interface: KeyInterface::Interactions,
        name: format!("key {n}"),
        role: Role::Submitter,
        last_four: "abcd".to_owned(),
        created_by: "operator".to_owned(),
        created_at: at(0),
        expires_at: None,
        revoked_at: None,
        last_used_at: None,
    }
}

pub(crate) async fn keys_are_found_by_the_digest_of_their_secret(store: Store) {
    store.api_keys().insert(&key(1), &[1; 32]).await.unwrap();
    assert_eq!(store.api_keys().find_by_secret(&[1; 32]).await.unwrap(), Some(key(1)));
    assert_eq!(store.api_keys().find_by_secret(&[2; 32]).await.unwrap(), None);
    store.api_keys().touch(&public(), &key(1).id, at(7)).await.unwrap();
    let used = store.api_keys().find(&public(), &key(1).id).await.unwrap().unwrap();
    assert_eq!(used.last_used_at, Some(at(7)));
}

pub(crate) async fn other_organizations_keys_do_not_exist(store: Store) {
    let elsewhere = other(&store).await;
    for n in 1..=3 {
        store.api_keys().insert(&key(n), &[n; 32]).await.unwrap();
    }
    let listed = store.api_keys().list(&public(), None, 2).await.unwrap();
    assert_eq!(listed, [key(3), key(2)]);
    assert_eq!(store.api_keys().list(&public(), Some(&key(2).id), 9).await.unwrap(), [key(1)]);
    assert!(store.api_keys().list(&elsewhere, None, 9).await.unwrap().is_empty());
    assert_eq!(store.api_keys().find(&elsewhere, &key(1).id).await.unwrap(), None);
    assert_eq!(store.api_keys().revoke(&elsewhere, &key(1).id, at(9)).await.unwrap(), None);
    assert!(!store.api_keys().expire(&elsewhere, &key(1).id, at(9)).await.unwrap());
    store.api_keys().touch(&elsewhere, &key(1).id, at(9)).await.unwrap();
    assert_eq!(store.api_keys().find(&public(), &key(1).id).await.unwrap(), Some(key(1)));
}

pub(crate) async fn keys_end(store: Store) {
    store.api_keys().insert(&key(1), &[1; 32]).await.unwrap();
    assert!(key(1).is_valid(at(1_000)));
    assert!(store.api_keys().expire(&public(), &key(1).id, at(50)).await.unwrap());
    assert!(store.api_keys().expire(&public(), &key(1).id, at(90)).await.unwrap());
    let expiring = store.api_keys().find(&public(), &key(1).id).await.unwrap().unwrap();
    assert_eq!(expiring.expires_at, Some(at(50)));
    assert!(expiring.is_valid(at(49)) && !expiring.is_valid(at(50)));
    let revoked = store.api_keys().revoke(&public(), &key(1).id, at(10)).await.unwrap().unwrap();
    assert!(!revoked.is_valid(at(11)));
    let again = store.api_keys().revoke(&public(), &key(1).id, at(20)).await.unwrap().unwrap();
    assert_eq!(again.revoked_at, Some(at(10)));
}
