//! People, their places, invitations, sessions, and what slows guessing down.

use assize_store::invitations::{Invitation, Purpose};
use assize_store::sessions::{Failures, Session};
use assize_store::users::User;
use assize_store::{Error, Role, Store, UserId};

use crate::harness::{at, other, public};

fn user_id(n: u8) -> UserId {
    UserId::new(at(0), [n; 10])
}

fn user(n: u8, email: &str) -> User {
    User {
        id: user_id(n),
        email: email.to_owned(),
        name: format!("Person {n}"),
        password_hash: None,
        managed_by: Some(public()),
        created_at: at(0),
        disabled_at: None,
    }
}

pub(crate) async fn accounts_come_back(store: Store) {
    let ada = user(1, "ada@example.org");
    assert_eq!(store.users().count().await.unwrap(), 0);
    store.users().insert(&ada).await.unwrap();
    let taken = store.users().insert(&user(2, "ada@example.org")).await.unwrap_err();
    assert!(matches!(taken, Error::Conflict { .. }), "{taken:?}");
    store.users().insert(&User { managed_by: None, ..user(3, "bob@example.org") }).await.unwrap();
    assert_eq!(store.users().count().await.unwrap(), 2);
    assert_eq!(store.users().find(&ada.id).await.unwrap(), Some(ada.clone()));
    assert_eq!(store.users().find_by_email("ada@example.org").await.unwrap(), Some(ada.clone()));
    assert_eq!(store.users().find(&user_id(9)).await.unwrap(), None);

    assert!(store.users().set_password(&ada.id, "$argon2id$x").await.unwrap());
    assert!(store.users().rename(&ada.id, "Ada L.").await.unwrap());
    assert!(store.users().set_disabled(&ada.id, Some(at(5))).await.unwrap());
    assert!(!store.users().set_password(&user_id(9), "x").await.unwrap());
    assert!(!store.users().rename(&user_id(9), "x").await.unwrap());
    assert!(!store.users().set_disabled(&user_id(9), None).await.unwrap());
    let changed = store.users().find(&ada.id).await.unwrap().unwrap();
    assert_eq!(changed.password_hash.as_deref(), Some("$argon2id$x"));
    assert_eq!((changed.name.as_str(), changed.disabled_at), ("Ada L.", Some(at(5))));
    assert!(!format!("{changed:?}").contains("argon2"));

    let emails = |users: Vec<User>| users.into_iter().map(|user| user.email).collect::<Vec<_>>();
    assert_eq!(emails(store.users().list("", 1).await.unwrap()), ["ada@example.org"]);
    assert_eq!(emails(store.users().list("ada@example.org", 9).await.unwrap()), ["bob@example.org"]);
}

pub(crate) async fn places_belong_to_one_organization(store: Store) {
    let elsewhere = other(&store).await;
    for (n, email) in [(1, "a@example.org"), (2, "b@example.org")] {
        store.users().insert(&user(n, email)).await.unwrap();
    }
    store.users().put_member(&public(), &user_id(1), Role::Owner, at(1)).await.unwrap();
    store.users().put_member(&elsewhere, &user_id(1), Role::Viewer, at(2)).await.unwrap();
    store.users().put_member(&elsewhere, &user_id(2), Role::Owner, at(3)).await.unwrap();
    store.users().put_member(&elsewhere, &user_id(2), Role::Admin, at(4)).await.unwrap();

    let members = store.users().members(&elsewhere, "", 10).await.unwrap();
    let seen: Vec<_> = members.iter().map(|m| (m.user.email.as_str(), m.role, m.since)).collect();
    assert_eq!(seen, [("a@example.org", Role::Viewer, at(2)), ("b@example.org", Role::Admin, at(3))]);
    assert_eq!(store.users().members(&elsewhere, "a@example.org", 10).await.unwrap().len(), 1);
    assert_eq!(store.users().member(&public(), &user_id(2)).await.unwrap(), None);
    assert_eq!(store.users().member(&public(), &user_id(1)).await.unwrap().unwrap().role, Role::Owner);

    let places = store.users().places(&user_id(1)).await.unwrap();
    let names: Vec<_> = places.iter().map(|p| (p.organization_name.as_str(), p.role)).collect();
    assert_eq!(names, [("Other", Role::Viewer), ("Public", Role::Owner)]);
    assert_eq!(store.users().owners(&elsewhere).await.unwrap(), 0);
    assert_eq!(store.users().owners(&public()).await.unwrap(), 1);
    assert!(store.users().remove_member(&elsewhere, &user_id(1)).await.unwrap());
    assert!(!store.users().remove_member(&elsewhere, &user_id(1)).await.unwrap());
    assert_eq!(store.users().places(&user_id(1)).await.unwrap().len(), 1);
}

pub(crate) async fn organizations_are_made_once(store: Store) {
    let elsewhere = other(&store).await;
    assert!(!store.organizations().insert(&elsewhere, "Again", at(1)).await.unwrap());
    assert!(store.organizations().rename(&elsewhere, "Renamed").await.unwrap());
    let names: Vec<_> =
        store.organizations().list("", 9).await.unwrap().into_iter().map(|organization| organization.name).collect();
    assert_eq!(names, ["Renamed", "Public"]);
    assert_eq!(store.organizations().list("org_other", 9).await.unwrap().len(), 1);
    let mut unit = store.begin().await.unwrap();
    assert!(unit.organizations().lock(&elsewhere).await.unwrap());
    let unknown = assize_store::OrganizationId::parse("org_none").unwrap();
    assert!(!unit.organizations().lock(&unknown).await.unwrap());
    assert!(!unit.organizations().rename(&unknown, "x").await.unwrap());
}

fn invitation(n: u8, token: u8, expires_in_ms: i64) -> Invitation {
    Invitation {
        id: format!("inv_{n}"),
        organization: public(),
        token_sha256: [token; 32],
        purpose: Purpose::Join,
        email: "new@example.org".to_owned(),
        role: Role::Auditor,
        created_by: "operator".to_owned(),
        created_at: at(0),
        expires_at: at(expires_in_ms),
    }
}

pub(crate) async fn invitations_are_used_once(store: Store) {
    let elsewhere = other(&store).await;
    for n in 1..=3 {
        store.invitations().insert(&invitation(n, n, 100)).await.unwrap();
    }
    let listed = store.invitations().list(&public(), None, 2).await.unwrap();
    assert_eq!(listed.iter().map(|i| i.id.as_str()).collect::<Vec<_>>(), ["inv_3", "inv_2"]);
    assert_eq!(store.invitations().list(&public(), Some("inv_2"), 9).await.unwrap(), [invitation(1, 1, 100)]);
    assert!(store.invitations().list(&elsewhere, None, 9).await.unwrap().is_empty());

    assert_eq!(store.invitations().find_by_token(&[1; 32], at(99)).await.unwrap(), Some(invitation(1, 1, 100)));
    assert_eq!(store.invitations().find_by_token(&[1; 32], at(100)).await.unwrap(), None);
    assert!(store.invitations().take(&[1; 32]).await.unwrap());
    assert!(!store.invitations().take(&[1; 32]).await.unwrap());
    assert_eq!(store.invitations().withdraw(&elsewhere, "inv_2").await.unwrap(), None);
    assert_eq!(store.invitations().withdraw(&public(), "inv_2").await.unwrap(), Some(invitation(2, 2, 100)));
    assert_eq!(store.invitations().delete_expired(at(99)).await.unwrap(), 0);
    assert_eq!(store.invitations().delete_expired(at(100)).await.unwrap(), 1);
}

fn session(token: u8, user: u8) -> Session {
    Session {
        token_sha256: [token; 32],
        user: user_id(user),
        organization: public(),
        created_at: at(0),
        last_seen_at: at(0),
        expires_at: at(1_000),
    }
}

pub(crate) async fn sessions_end(store: Store) {
    let elsewhere = other(&store).await;
    for n in [1, 2] {
        store.users().insert(&user(n, &format!("{n}@example.org"))).await.unwrap();
    }
    for (token, user) in [(1, 1), (2, 1), (3, 1), (4, 2)] {
        store.sessions().insert(&session(token, user)).await.unwrap();
    }
    assert_eq!(store.sessions().find(&[1; 32], at(999)).await.unwrap(), Some(session(1, 1)));
    assert_eq!(store.sessions().find(&[1; 32], at(1_000)).await.unwrap(), None);
    store.sessions().touch(&[1; 32], at(500)).await.unwrap();
    assert!(store.sessions().switch(&[1; 32], &elsewhere).await.unwrap());
    assert!(!store.sessions().switch(&[9; 32], &elsewhere).await.unwrap());
    let seen = store.sessions().find(&[1; 32], at(501)).await.unwrap().unwrap();
    assert_eq!((seen.last_seen_at, seen.organization), (at(500), elsewhere));

    assert!(store.sessions().end(&[2; 32]).await.unwrap());
    assert!(!store.sessions().end(&[2; 32]).await.unwrap());
    assert_eq!(store.sessions().end_of_user(&user_id(1), Some(&[1; 32])).await.unwrap(), 1);
    assert!(store.sessions().find(&[1; 32], at(501)).await.unwrap().is_some());
    assert_eq!(store.sessions().end_of_user(&user_id(1), None).await.unwrap(), 1);
    assert_eq!(store.sessions().delete_expired(at(10), at(0)).await.unwrap(), 0);
    assert_eq!(store.sessions().delete_expired(at(10), at(1)).await.unwrap(), 1);
}

pub(crate) async fn failures_count_and_are_forgotten(store: Store) {
    let (subject, other) = ([1; 32], [2; 32]);
    for ms in [10, 20] {
        store.sign_in_failures().add(&subject, at(ms), at(0)).await.unwrap();
    }
    store.sign_in_failures().add(&other, at(5), at(0)).await.unwrap();
    let found = store.sign_in_failures().find(&subject, at(0)).await.unwrap();
    assert_eq!(found, Some(Failures { count: 2, last_at: at(20) }));
    assert_eq!(store.sign_in_failures().find(&subject, at(21)).await.unwrap(), None);
    store.sign_in_failures().add(&subject, at(100), at(50)).await.unwrap();
    assert_eq!(store.sign_in_failures().find(&subject, at(0)).await.unwrap().unwrap().count, 1);
    store.sign_in_failures().clear(&subject).await.unwrap();
    assert_eq!(store.sign_in_failures().find(&subject, at(0)).await.unwrap(), None);
    assert_eq!(store.sign_in_failures().delete_old(at(6)).await.unwrap(), 1);
}
