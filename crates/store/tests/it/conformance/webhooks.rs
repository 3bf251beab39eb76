//! Webhooks and what they were to be told.

use assize_store::webhooks::{Attempt, DeliveryState, NewDelivery, Webhook};
use assize_store::{DeliveryId, Error, OrganizationId, Store, WebhookId};

use crate::harness::{at, job_id, other, public};

fn webhook(n: u8) -> Webhook {
    Webhook {
        id: WebhookId::new(at(i64::from(n)), [n; 10]),
        url: format!("https://example.org/{n}"),
        events: vec!["interaction.audited".to_owned(), "webhook.test".to_owned()],
        description: "ops".to_owned(),
        secret: b"sealed\0".to_vec(),
        old_secret: None,
        active: true,
        failing_since: None,
        paused_until: None,
        last_error: None,
        waiting: 0,
        job: None,
        created_by: "operator".to_owned(),
        created_at: at(0),
        updated_at: at(0),
    }
}

async fn insert(store: &Store, organization: &OrganizationId, webhook: &Webhook) {
    let mut unit = store.begin().await.unwrap();
    unit.webhook_writer().insert(organization, webhook).await.unwrap();
    unit.commit().await.unwrap();
}

fn new(n: u8) -> NewDelivery {
    let id = DeliveryId::new(at(0), [n; 10]);
    NewDelivery { id, event: "webhook.test".to_owned(), payload: vec![n, 0] }
}

async fn enqueue(store: &Store, id: &WebhookId, numbers: std::ops::Range<u8>) -> Webhook {
    let new: Vec<_> = numbers.map(new).collect();
    let mut unit = store.begin().await.unwrap();
    let webhook = unit.webhook_writer().enqueue(&public(), id, &new, at(5)).await.unwrap().unwrap();
    unit.commit().await.unwrap();
    webhook
}

async fn note(store: &Store, id: &WebhookId, number: u64, attempt: &Attempt, millis: i64) -> bool {
    let mut unit = store.begin().await.unwrap();
    unit.webhook_writer().lock(&public(), id).await.unwrap().unwrap();
    let noted = unit.webhook_writer().note_attempt(&public(), id, number, attempt, at(millis)).await.unwrap();
    unit.commit().await.unwrap();
    noted
}

fn failed(next_millis: i64) -> Attempt {
    Attempt {
        state: DeliveryState::Queued,
        next_at: at(next_millis),
        response_status: Some(503),
        response_head: Some(b"busy\0".to_vec()),
        error: Some("the answer has status 503".to_owned()),
        paused_until: Some(at(next_millis)),
    }
}

fn delivered() -> Attempt {
    Attempt {
        state: DeliveryState::Delivered,
        next_at: at(9),
        response_status: Some(204),
        response_head: None,
        error: None,
        paused_until: None,
    }
}

pub(crate) async fn webhooks_belong_to_one_organization(store: Store) {
    let (mine, theirs, off) = (webhook(1), webhook(2), Webhook { active: false, ..webhook(3) });
    let other = other(&store).await;
    insert(&store, &public(), &mine).await;
    insert(&store, &public(), &off).await;
    insert(&store, &other, &theirs).await;
    let mut webhooks = store.webhooks();
    assert_eq!(webhooks.find(&public(), &mine.id).await.unwrap(), Some(mine.clone()));
    assert_eq!(webhooks.find(&public(), &theirs.id).await.unwrap(), None);
    assert_eq!(webhooks.list(&public(), None, 9).await.unwrap(), [off.clone(), mine.clone()]);
    assert_eq!(webhooks.list(&public(), Some(&off.id), 9).await.unwrap(), std::slice::from_ref(&mine));
    assert_eq!((webhooks.count(&public()).await.unwrap(), webhooks.count(&other).await.unwrap()), (2, 1));
    assert_eq!(webhooks.subscribed(&public(), "webhook.test").await.unwrap(), std::slice::from_ref(&mine.id));
    assert!(webhooks.subscribed(&public(), "model.registered").await.unwrap().is_empty());

    let changed = Webhook {
        url: "https://example.org/new".to_owned(),
        events: vec!["model.registered".to_owned()],
        old_secret: Some((b"before".to_vec(), at(9))),
        secret: b"after".to_vec(),
        failing_since: Some(at(1)),
        last_error: Some("it failed".to_owned()),
        updated_at: at(3),
        ..mine.clone()
    };
    let mut unit = store.begin().await.unwrap();
    assert!(unit.webhook_writer().update(&public(), &changed).await.unwrap());
    assert!(!unit.webhook_writer().update(&other, &changed).await.unwrap());
    assert_eq!(unit.webhook_writer().lock(&other, &mine.id).await.unwrap(), None);
    assert!(!unit.webhook_writer().delete(&other, &mine.id).await.unwrap());
    assert_eq!(unit.webhooks().find(&public(), &mine.id).await.unwrap(), Some(changed));
    assert!(unit.webhook_writer().delete(&public(), &off.id).await.unwrap());
    unit.commit().await.unwrap();
    assert_eq!(store.webhooks().count(&public()).await.unwrap(), 1);
    let mut unit = store.begin().await.unwrap();
    let nobodys = OrganizationId::parse("org_nobody").unwrap();
    let refused = unit.webhook_writer().insert(&nobodys, &webhook(9)).await;
    assert!(matches!(refused, Err(Error::Conflict { .. })), "{refused:?}");
}

pub(crate) async fn deliveries_queue_in_order_and_end(store: Store) {
    let id = webhook(1).id;
    insert(&store, &public(), &webhook(1)).await;
    assert_eq!(enqueue(&store, &id, 0..3).await.waiting, 3);
    assert_eq!(enqueue(&store, &id, 3..5).await.waiting, 5);
    let all = store.webhooks().deliveries(&public(), &id, None, 9).await.unwrap();
    assert_eq!(all.iter().map(|one| one.number).collect::<Vec<_>>(), [5, 4, 3, 2, 1]);
    assert_eq!(all.iter().map(|one| one.payload[0]).collect::<Vec<_>>(), [4, 3, 2, 1, 0]);
    let page = store.webhooks().deliveries(&public(), &id, Some(3), 1).await.unwrap();
    assert_eq!(page, all[3..4]);

    let next =
        async |millis| store.webhooks().next_due(&public(), &id, at(millis)).await.unwrap().map(|one| one.number);
    assert_eq!((next(4).await, next(5).await), (None, Some(1)));
    assert!(note(&store, &id, 1, &failed(50), 6).await);
    assert_eq!((next(6).await, next(50).await), (Some(2), Some(1)));
    let failing = store.webhooks().find(&public(), &id).await.unwrap().unwrap();
    assert_eq!((failing.failing_since, failing.paused_until, failing.waiting), (Some(at(6)), Some(at(50)), 5));
    assert!(note(&store, &id, 1, &failed(60), 50).await);
    let failing = store.webhooks().find(&public(), &id).await.unwrap().unwrap();
    assert_eq!((failing.failing_since, failing.last_error.is_some()), (Some(at(6)), true));
    assert!(note(&store, &id, 1, &delivered(), 60).await);
    assert!(!note(&store, &id, 1, &delivered(), 61).await, "it has ended");
    let first = store.webhooks().delivery(&public(), &id, &new(0).id).await.unwrap().unwrap();
    assert_eq!((first.attempts, first.first_tried_at, first.ended_at), (3, Some(at(6)), Some(at(60))));
    assert_eq!((first.state, first.response_status, first.last_error), (DeliveryState::Delivered, Some(204), None));
    let well = store.webhooks().find(&public(), &id).await.unwrap().unwrap();
    assert_eq!((well.failing_since, well.paused_until, well.last_error, well.waiting), (None, None, None, 4));
    assert_eq!(store.webhooks().next_time(&public(), &id).await.unwrap(), Some(at(5)));
    let other = other(&store).await;
    assert_eq!(store.webhooks().delivery(&other, &id, &new(0).id).await.unwrap(), None);
    assert!(store.webhooks().deliveries(&other, &id, None, 9).await.unwrap().is_empty());
    let mut unit = store.begin().await.unwrap();
    assert_eq!(unit.webhook_writer().enqueue(&other, &id, &[new(9)], at(5)).await.unwrap(), None);
}

pub(crate) async fn deliveries_are_tried_again_by_hand(store: Store) {
    let id = webhook(1).id;
    insert(&store, &public(), &webhook(1)).await;
    enqueue(&store, &id, 0..2).await;
    assert!(note(&store, &id, 1, &delivered(), 6).await);
    assert!(note(&store, &id, 2, &failed(70), 7).await);
    let mut unit = store.begin().await.unwrap();
    let mut writer = unit.webhook_writer();
    assert!(writer.requeue(&public(), &id, &new(0).id, at(8)).await.unwrap());
    assert!(!writer.requeue(&public(), &id, &new(0).id, at(8)).await.unwrap(), "it is queued");
    writer.resume(&public(), &id, at(8)).await.unwrap();
    writer.set_job(&public(), &id, &job_id(0, 1)).await.unwrap();
    unit.commit().await.unwrap();
    let found = store.webhooks().find(&public(), &id).await.unwrap().unwrap();
    assert_eq!((found.waiting, found.paused_until, found.job), (2, None, Some(job_id(0, 1))));
    let again = store.webhooks().next_due(&public(), &id, at(8)).await.unwrap().unwrap();
    assert_eq!((again.number, again.attempts, again.first_tried_at, again.ended_at), (1, 0, None, None));
    let second = store.webhooks().delivery(&public(), &id, &new(1).id).await.unwrap().unwrap();
    assert_eq!((second.next_at, second.attempts), (at(8), 1));
}

pub(crate) async fn ended_deliveries_are_deleted(store: Store) {
    let id = webhook(1).id;
    insert(&store, &public(), &webhook(1)).await;
    enqueue(&store, &id, 0..3).await;
    assert!(note(&store, &id, 1, &delivered(), 10).await);
    assert!(note(&store, &id, 2, &delivered(), 20).await);
    let mut unit = store.begin().await.unwrap();
    assert_eq!(unit.webhook_writer().delete_ended(&public(), at(20)).await.unwrap(), 1);
    assert_eq!(unit.webhook_writer().delete_ended(&public(), at(99)).await.unwrap(), 1);
    assert_eq!(unit.webhook_writer().delete_ended(&public(), at(99)).await.unwrap(), 0);
    unit.commit().await.unwrap();
    assert_eq!(store.webhooks().deliveries(&public(), &id, None, 9).await.unwrap().len(), 1);
    let mut unit = store.begin().await.unwrap();
    assert!(unit.webhook_writer().delete(&public(), &id).await.unwrap());
    unit.commit().await.unwrap();
    assert!(store.webhooks().deliveries(&public(), &id, None, 9).await.unwrap().is_empty());
}

pub(crate) async fn concurrent_units_number_deliveries_densely(store: Store) {
    let id = webhook(1).id;
    insert(&store, &public(), &webhook(1)).await;
    let adding = (0..8).map(|n| enqueue(&store, &id, n * 4..n * 4 + 4));
    futures::future::join_all(adding).await;
    let all = store.webhooks().deliveries(&public(), &id, None, 99).await.unwrap();
    assert_eq!(all.iter().map(|one| one.number).collect::<Vec<_>>(), (1..=32).rev().collect::<Vec<u64>>());
    assert_eq!(store.webhooks().find(&public(), &id).await.unwrap().unwrap().waiting, 32);
}
