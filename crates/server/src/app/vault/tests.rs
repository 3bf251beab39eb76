//! The vault over a real store: keys are made, rotated, destroyed; what is at rest shows nothing.

use assize_store::{Digest, Store, StoreSettings};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use super::super::App;
use super::super::caller::Caller;
use super::super::random::SystemRandom;
use super::*;
use crate::clock::MockClock;

/// An installation in a folder of its own.
async fn installation(home: &TempDir, change: impl FnOnce(&mut Config)) -> Result<App, AppError> {
    let mut config = Config::default();
    config.storage.home = home.path().to_owned();
    change(&mut config);
    App::open(config, Arc::new(MockClock::default()), Arc::new(SystemRandom)).await
}

async fn other(app: &App) -> OrganizationId {
    let other = OrganizationId::parse("org_other").unwrap();
    app.store().organizations().ensure(&other, "Other", app.clock().now()).await.unwrap();
    other
}

fn place<'a>(organization: &'a OrganizationId, subject: Option<&'a str>) -> Place<'a> {
    Place { organization, purpose: "interactions.input", id: "VIRI-1", subject }
}

fn erased<T>(result: &Result<T, AppError>) -> bool {
    matches!(result, Err(AppError::Erased { .. }))
}

#[tokio::test]
async fn texts_open_for_their_place_only() {
    let home = tempfile::tempdir().unwrap();
    let app = installation(&home, |_| {}).await.unwrap();
    let (public, other) = (OrganizationId::public(), other(&app).await);
    let sealed = app.vault().seal(&place(&public, None), b"hello").await.unwrap();
    assert_eq!(app.vault().open_sealed(&place(&public, None), &sealed).await.unwrap(), b"hello");
    app.vault().seal(&place(&other, None), b"hello").await.unwrap();
    assert!(app.vault().open_sealed(&place(&other, None), &sealed).await.is_err());
    let elsewhere = Place { id: "VIRI-2", ..place(&public, None) };
    assert!(app.vault().open_sealed(&elsewhere, &sealed).await.is_err());
    for bytes in
        [&b""[..], b"\x01", b"\x03\0\0\0\x01aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", b"\x01\0\0\0\x63nothing"]
    {
        let error = app.vault().open_sealed(&place(&public, None), bytes).await.unwrap_err();
        assert!(matches!(error, AppError::Internal(_)), "{error}");
    }
    app.close().await;
}

#[tokio::test]
async fn old_keys_open_after_rotations_of_both_kinds() {
    let home = tempfile::tempdir().unwrap();
    let app = installation(&home, |_| {}).await.unwrap();
    let public = OrganizationId::public();
    let operator = Caller::operator(public.clone());
    let first = app.vault().seal(&place(&public, None), b"one").await.unwrap();
    let of_person = app.vault().seal(&place(&public, Some("p1")), b"person").await.unwrap();
    assert_eq!(app.rotate_data_key(&operator).await.unwrap(), 2);
    let second = app.vault().seal(&place(&public, None), b"two").await.unwrap();
    assert_eq!((first[4], second[4]), (1, 2), "the version stands in the header");
    let old_file = std::fs::read_to_string(home.path().join("keys/master.key")).unwrap();
    let new_id = app.rotate_master_key(&operator, None).await.unwrap();
    assert_ne!(std::fs::read_to_string(home.path().join("keys/master.key")).unwrap(), old_file);
    let all_open = async |app: &App| {
        assert_eq!(app.vault().open_sealed(&place(&public, None), &first).await.unwrap(), b"one");
        assert_eq!(app.vault().open_sealed(&place(&public, None), &second).await.unwrap(), b"two");
        assert_eq!(app.vault().open_sealed(&place(&public, Some("p1")), &of_person).await.unwrap(), b"person");
    };
    all_open(&app).await;
    app.close().await;
    let again = installation(&home, |_| {}).await.unwrap();
    all_open(&again).await;
    assert_eq!(again.store().data_keys().master_in_force().await.unwrap().unwrap().id, new_id);
    let actions: Vec<String> = again
        .store()
        .audit_trail()
        .list(&public, 0, 100)
        .await
        .unwrap()
        .into_iter()
        .map(|row| row.event.action)
        .collect();
    assert_eq!(actions, ["data_key.rotate", "master_key.rotate"]);
    again.close().await;

    // With the old file back in place, nothing starts, and the text says why.
    std::fs::write(home.path().join("keys/master.key"), old_file).unwrap();
    let refused = installation(&home, |_| {}).await.err().unwrap().to_string();
    assert!(refused.contains(&new_id) && refused.contains("master.key holds mk_"), "{refused}");
    std::fs::remove_file(home.path().join("keys/master.key")).unwrap();
    let refused = installation(&home, |_| {}).await.err().unwrap().to_string();
    assert!(refused.contains("does not exist") && refused.contains("vault.master_key"), "{refused}");
}

#[tokio::test]
async fn destroyed_keys_take_everything_with_them_and_nothing_else() {
    let home = tempfile::tempdir().unwrap();
    let app = installation(&home, |_| {}).await.unwrap();
    let (public, other) = (OrganizationId::public(), other(&app).await);
    let owner = Caller::operator(public.clone());
    let vault = app.vault();
    let (one, two) = (place(&public, Some("p1")), place(&public, Some("p2")));
    let (of_one, of_two) = (vault.seal(&one, b"1").await.unwrap(), vault.seal(&two, b"2").await.unwrap());
    let own = vault.seal(&place(&public, None), b"own").await.unwrap();
    let foreign = vault.seal(&place(&other, None), b"foreign").await.unwrap();

    assert_eq!(app.erase_subject_data(&owner, "p1").await.unwrap(), 1);
    assert_eq!(app.erase_subject_data(&owner, "p1").await.unwrap(), 0);
    assert!(erased(&vault.open_sealed(&one, &of_one).await));
    assert_eq!(vault.open_sealed(&two, &of_two).await.unwrap(), b"2");
    // The same person may come again; what was erased stays so.
    let again = vault.seal(&one, b"again").await.unwrap();
    assert_eq!(vault.open_sealed(&one, &again).await.unwrap(), b"again");
    assert!(erased(&vault.open_sealed(&one, &of_one).await));

    let data = home.path().join("data");
    std::fs::write(&data, b"age,income\r\n").unwrap();
    let blob = app.keep_file(&public, &data, "dataset").await.unwrap();
    assert_eq!(app.erase_organization_data(&owner).await.unwrap(), 1);
    assert!(erased(&vault.open_sealed(&two, &of_two).await));
    assert!(erased(&vault.open_sealed(&place(&public, None), &own).await));
    assert!(erased(&app.fetch_file(&public, &blob.digest).await.map(drop)));
    assert_eq!(vault.open_sealed(&place(&other, None), &foreign).await.unwrap(), b"foreign");
    app.rotate_data_key(&owner).await.unwrap();
    assert!(erased(&vault.open_sealed(&two, &of_two).await), "new keys open nothing old");

    let admin = Caller { role: assize_store::Role::Admin, ..owner.clone() };
    assert!(matches!(app.erase_organization_data(&admin).await, Err(AppError::Forbidden)));
    let elsewhere = Caller::operator(other);
    assert!(matches!(app.rotate_master_key(&elsewhere, None).await, Err(AppError::Forbidden)));
    app.close().await;
}

#[tokio::test]
async fn a_destroyed_key_is_gone_from_the_database_file() {
    let home = tempfile::tempdir().unwrap();
    let app = installation(&home, |_| {}).await.unwrap();
    let public = OrganizationId::public();
    app.vault().seal(&place(&public, None), b"x").await.unwrap();
    let wrapped = app.store().data_keys().find(&public, 1).await.unwrap().unwrap().wrapped.unwrap();
    let holds = |file: &str| {
        let bytes = std::fs::read(home.path().join(file)).unwrap_or_default();
        bytes.windows(wrapped.len()).any(|window| window == wrapped)
    };
    assert!(holds("assize.db") || holds("assize.db-wal"));
    app.erase_organization_data(&Caller::operator(public)).await.unwrap();
    assert!(!holds("assize.db") && !holds("assize.db-wal"));
    app.close().await;
}

#[tokio::test]
async fn files_lie_sealed_and_are_read_from_the_spool() {
    let home = tempfile::tempdir().unwrap();
    let app = installation(&home, |_| {}).await.unwrap();
    let public = OrganizationId::public();
    let (path, secret) = (home.path().join("data.csv"), "Ada Lovelace,1815,");
    for length in [0, 5, 3 * stream::CHUNK_BYTES, 3 * stream::CHUNK_BYTES + 1] {
        let content: Vec<u8> = secret.bytes().cycle().take(length).collect();
        std::fs::write(&path, &content).unwrap();
        let digest = Digest(Sha256::digest(&content).into());
        let blob = app.keep_file(&public, &path, "dataset").await.unwrap();
        assert_eq!((blob.digest, blob.bytes, blob.sealed), (digest, length as u64, true));
        let stored = app.store().blobs().local_path(&public, &digest).await.unwrap().unwrap();
        let at_rest = std::fs::read(&stored).unwrap();
        assert!(!at_rest.windows(18).any(|window| window == secret.as_bytes()));
        let fetched = app.fetch_file(&public, &digest).await.unwrap().unwrap();
        assert!(fetched.path.starts_with(app.spool()));
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fetched.path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert!(std::fs::read(&fetched.path).unwrap() == content);
        drop(fetched);
        assert_eq!(std::fs::read_dir(app.spool()).unwrap().count(), 0);

        // A changed byte is found, and the file is named.
        let mut damaged = at_rest.clone();
        *damaged.last_mut().unwrap() ^= 1;
        std::fs::write(&stored, &damaged).unwrap();
        let error = app.fetch_file(&public, &digest).await.err().unwrap().to_string();
        assert!(error.contains(&digest.to_string()), "{error}");
        std::fs::write(&stored, &at_rest[..10]).unwrap();
        assert!(app.fetch_file(&public, &digest).await.is_err());
    }
    assert!(app.fetch_file(&public, &Digest([9; 32])).await.unwrap().is_none());
    app.close().await;
}

#[tokio::test]
async fn files_from_before_the_vault_are_read_as_they_lie() {
    let home = tempfile::tempdir().unwrap();
    let app = installation(&home, |_| {}).await.unwrap();
    let public = OrganizationId::public();
    let blob = app.store().blobs().put_bytes(&public, b"old".to_vec(), "dataset", app.clock().now()).await.unwrap();
    let fetched = app.fetch_file(&public, &blob.digest).await.unwrap().unwrap();
    assert_eq!(std::fs::read(&fetched.path).unwrap(), b"old");
    assert!(app.vault().check_file(&public, &blob.digest).await.unwrap());
    std::fs::write(&fetched.path, b"bad").unwrap();
    assert!(app.vault().check_file(&public, &blob.digest).await.is_err());
    app.close().await;
}

#[tokio::test]
async fn many_at_once_make_one_first_key() {
    let home = tempfile::tempdir().unwrap();
    let app = installation(&home, |_| {}).await.unwrap();
    let public = OrganizationId::public();
    let tasks: Vec<_> = (0..16)
        .map(|_| {
            let (app, public) = (app.clone(), public.clone());
            tokio::spawn(async move { app.vault().seal(&place(&public, Some("p")), b"x").await.unwrap() })
        })
        .collect();
    for task in tasks {
        let sealed = task.await.unwrap();
        assert_eq!(app.vault().open_sealed(&place(&public, Some("p")), &sealed).await.unwrap(), b"x");
    }
    assert_eq!(app.store().data_keys().newest(&public).await.unwrap().unwrap().version, 1);
    app.close().await;
}

#[tokio::test]
async fn a_key_from_the_configuration_is_enough() {
    let home = tempfile::tempdir().unwrap();
    let (file, next) = (home.path().join("k1"), home.path().join("k2"));
    App::generate_master_key(&file, &SystemRandom).unwrap();
    let next_id = App::generate_master_key(&next, &SystemRandom).unwrap();
    assert!(App::generate_master_key(&next, &SystemRandom).is_err(), "a key is never overwritten");
    let set = |path: &std::path::Path| {
        let secret = crate::config::Secret::new(std::fs::read_to_string(path).unwrap());
        move |config: &mut Config| config.vault.master_key = Some(secret)
    };
    let app = installation(&home, set(&file)).await.unwrap();
    let public = OrganizationId::public();
    let sealed = app.vault().seal(&place(&public, None), b"x").await.unwrap();
    assert!(!home.path().join("keys/master.key").exists());
    assert_eq!(app.rotate_master_key(&Caller::operator(public.clone()), Some(&next)).await.unwrap(), next_id);
    app.close().await;
    assert!(installation(&home, set(&file)).await.is_err());
    let app = installation(&home, set(&next)).await.unwrap();
    assert_eq!(app.vault().open_sealed(&place(&public, None), &sealed).await.unwrap(), b"x");
    app.close().await;
    let wrong = installation(&home, |config| config.vault.master_key = Some(crate::config::Secret::new("hunter2")));
    let error = wrong.await.err().unwrap().to_string();
    assert!(error.contains("vault.master_key") && !error.contains("hunter2"), "{error}");
}

/// Another process on the same database: it finds the key that a rotation put in force.
#[tokio::test]
async fn a_process_that_slept_through_a_rotation_goes_on() {
    let home = tempfile::tempdir().unwrap();
    let (one, two) = (installation(&home, |_| {}).await.unwrap(), installation(&home, |_| {}).await.unwrap());
    let public = OrganizationId::public();
    let sealed = two.vault().seal(&place(&public, None), b"x").await.unwrap();
    one.rotate_master_key(&Caller::operator(public.clone()), None).await.unwrap();
    assert_eq!(two.vault().open_sealed(&place(&public, None), &sealed).await.unwrap(), b"x");
    two.rotate_data_key(&Caller::operator(public.clone())).await.unwrap();
    let settings = StoreSettings {
        database_url: format!("sqlite://{}/assize.db", home.path().display()),
        objects_url: format!("{}/objects", home.path().display()),
        object_options: Vec::new(),
        migrate: false,
    };
    let store = Store::open(&settings, one.clock().now()).await.unwrap();
    let masters = store.data_keys().masters().await.unwrap();
    assert_eq!(masters.iter().filter(|key| key.retired_at.is_none()).count(), 1);
    one.close().await;
    two.close().await;
}
