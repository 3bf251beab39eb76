//! What only PostgreSQL shows: several processes, and a server that goes away.

use assize_store::interaction_accounts::{Charge, Plan, PlanTerms};
use assize_store::interaction_queue::PendingPage;
use assize_store::{Store, StoreSettings};
use sqlx::{AssertSqlSafe, Connection, Executor};

use crate::databases::{connect, postgres_url};
use crate::harness::{at, enqueue, new_interaction, new_job, public};

/// Runs a case with two stores, as two processes have them, on a database of its own.
async fn on_own_database(name: &str, case: impl AsyncFnOnce([Store; 2], &str)) {
    let Some(url) = postgres_url() else { return };
    let dir = tempfile::tempdir().unwrap();
    let database = format!("{name}_{}", std::process::id());
    let mut admin = connect(&url).await;
    admin.execute(AssertSqlSafe(format!("CREATE DATABASE {database}"))).await.unwrap();
    let (server, _) = url.rsplit_once('/').unwrap();
    let settings = StoreSettings {
        database_url: format!("{server}/{database}"),
        objects_url: dir.path().join("objects").display().to_string(),
        object_options: Vec::new(),
        migrate: true,
    };
    // Both migrate at once: one does the work, the other waits for it.
    let (one, two) = tokio::join!(Store::open(&settings, at(0)), Store::open(&settings, at(0)));
    let stores = [one.unwrap(), two.unwrap()];
    case(stores.clone(), &database).await;
    for store in stores {
        store.close().await;
    }
    admin.execute(AssertSqlSafe(format!("DROP DATABASE {database} WITH (FORCE)"))).await.unwrap();
    admin.close().await.unwrap();
}

#[tokio::test]
async fn jobs_of_one_process_wake_another() {
    on_own_database("wake", async |[one, two], _| {
        let mut changes = two.subscribe_jobs().await.unwrap();
        enqueue(&one, &new_job(1)).await;
        changes.changed().await.unwrap();
        assert_eq!(two.queue().unfinished().await.unwrap(), 1);
    })
    .await;
}

#[tokio::test]
async fn store_recovers_when_the_server_comes_back() {
    on_own_database("outage", async |[store, _], database| {
        let mut changes = store.subscribe_jobs().await.unwrap();
        let mut unit = store.begin().await.unwrap();
        unit.jobs().enqueue(&crate::harness::public(), &new_job(1), at(0)).await.unwrap();

        let mut admin = connect(&postgres_url().unwrap()).await;
        let terminate = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = ";
        admin.execute(AssertSqlSafe(format!("{terminate}'{database}'"))).await.unwrap();
        let lost = unit.commit().await.err().unwrap();
        assert!(lost.is_transient(), "{lost:?}");
        assert_eq!(store.queue().unfinished().await.unwrap(), 0, "the broken unit left nothing");
        // The lost connection may have swallowed a change, so it counts as one; then listening goes on.
        changes.changed().await.unwrap();
        enqueue(&store, &new_job(2)).await;
        changes.changed().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn interactions_of_a_dead_worker_go_to_another() {
    on_own_database("workers", async |[one, two], database| {
        let mut submitted = two.subscribe_interactions().await.unwrap();
        let mut unit = one.begin().await.unwrap();
        let mut accounts = unit.interaction_account_writer();
        let terms = PlanTerms { plan: Plan::Unlimited, monthly_grant: 0 };
        accounts.open(&public(), &terms, at(1)).await.unwrap();
        let charge = Charge { submissions: 3, tokens: 30, actor: "key_1" };
        assert_eq!(accounts.charge(&public(), &charge, at(1)).await.unwrap(), 1);
        let new = [1, 2, 3].map(new_interaction);
        unit.interaction_writer().insert(&public(), 1, &new).await.unwrap();
        unit.commit().await.unwrap();
        submitted.submitted().await.unwrap();

        let numbers = async |unit: &mut assize_store::Unit, limit: u32| {
            let page = PendingPage { limit, ..PendingPage::default() };
            let pending = unit.interaction_queue().pending(&page).await.unwrap();
            pending.into_iter().map(|one| one.interaction.number).collect::<Vec<_>>()
        };
        let mut dying = one.begin().await.unwrap();
        assert_eq!(numbers(&mut dying, 2).await, [1, 2]);
        let mut living = two.begin().await.unwrap();
        assert_eq!(numbers(&mut living, 9).await, [3], "what another has is passed over");
        living.rollback().await.unwrap();

        let mut admin = connect(&postgres_url().unwrap()).await;
        let terminate = "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE query LIKE '%SKIP LOCKED%'
             AND state = 'idle in transaction' AND datname = ";
        admin.execute(AssertSqlSafe(format!("{terminate}'{database}'"))).await.unwrap();
        let mut living = two.begin().await.unwrap();
        assert_eq!(numbers(&mut living, 9).await, [1, 2, 3]);
        living.rollback().await.unwrap();
        assert!(dying.commit().await.is_err());
    })
    .await;
}
