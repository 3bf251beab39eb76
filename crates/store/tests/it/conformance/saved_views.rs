//! Filters under a name.

use assize_store::saved_views::{SAVED_VIEWS_MAX, SavedView};
use assize_store::users::User;
use assize_store::{Error, Store, UserId};

use crate::harness::{at, other, public};

async fn user(store: &Store, n: u8) -> UserId {
    let user = User {
        id: UserId::new(at(0), [n; 10]),
        email: format!("{n}@example.org"),
        name: format!("Person {n}"),
        password_hash: None,
        managed_by: None,
        created_at: at(0),
        disabled_at: None,
    };
    store.users().insert(&user).await.unwrap();
    user.id
}

fn view(name: &str, query: &str, millis: i64) -> SavedView {
    SavedView { name: name.to_owned(), query: query.to_owned(), updated_at: at(millis) }
}

pub(crate) async fn views_belong_to_one_person(store: Store) {
    let (ada, bob, other) = (user(&store, 1).await, user(&store, 2).await, other(&store).await);
    let mut views = store.saved_views();
    assert!(views.put(&public(), &ada, &view("risky", "risk_min=7", 1)).await.unwrap());
    assert!(views.put(&public(), &ada, &view("mine", "state=failed", 1)).await.unwrap());
    assert!(views.put(&public(), &ada, &view("risky", "risk_min=9", 2)).await.unwrap());
    assert_eq!(
        views.list(&public(), &ada).await.unwrap(),
        [view("mine", "state=failed", 1), view("risky", "risk_min=9", 2)]
    );
    assert!(views.list(&public(), &bob).await.unwrap().is_empty());
    assert!(views.list(&other, &ada).await.unwrap().is_empty());
    assert!(!views.delete(&public(), &bob, "mine").await.unwrap());
    assert!(!views.delete(&other, &ada, "mine").await.unwrap());
    assert!(views.delete(&public(), &ada, "mine").await.unwrap());
    assert!(!views.delete(&public(), &ada, "mine").await.unwrap());
    let nobody = views.put(&public(), &UserId::new(at(0), [9; 10]), &view("v", "", 1)).await;
    assert!(matches!(nobody, Err(Error::Conflict { .. })), "{nobody:?}");
}

pub(crate) async fn people_keep_so_many_views(store: Store) {
    let ada = user(&store, 1).await;
    let mut unit = store.begin().await.unwrap();
    let mut views = unit.saved_views();
    for n in 0..SAVED_VIEWS_MAX {
        assert!(views.put(&public(), &ada, &view(&format!("{n:03}"), "", 1)).await.unwrap());
    }
    assert!(!views.put(&public(), &ada, &view("one more", "", 1)).await.unwrap());
    assert!(views.put(&public(), &ada, &view("000", "changed", 2)).await.unwrap());
    assert_eq!(views.list(&public(), &ada).await.unwrap().len(), SAVED_VIEWS_MAX as usize);
    unit.commit().await.unwrap();
}

pub(crate) async fn views_are_found_by_a_field(store: Store) {
    let (ada, bob, other) = (user(&store, 1).await, user(&store, 2).await, other(&store).await);
    let mut views = store.saved_views();
    for (place, who, query) in [
        (&public(), &ada, "risk_min=7&user_id=a"),
        (&public(), &bob, "your_company_user_id=a"),
        (&other, &bob, "user_id=a"),
    ] {
        assert!(views.put(place, who, &view("v", query, 1)).await.unwrap());
    }
    assert!(views.put(&public(), &bob, &view("w", "use_case=user_id", 1)).await.unwrap());
    let found = views.with_field(&public(), "user_id").await.unwrap();
    let found: Vec<_> = found.iter().map(|(user, view)| (user, view.query.as_str())).collect();
    assert_eq!(found, [(&ada, "risk_min=7&user_id=a"), (&bob, "your_company_user_id=a")]);
}
