//! The whole database at one moment.

use assize_store::Store;

use crate::harness::{at, enqueue, new_job, public};

pub(crate) async fn snapshot_sees_one_moment(store: Store) {
    enqueue(&store, &new_job(1)).await;
    let blob = store.blobs().put_bytes(&public(), b"x".to_vec(), "test", at(1)).await.unwrap();
    let mut snapshot = store.snapshot().await.unwrap();
    assert_eq!(snapshot.rows("jobs", None).await.unwrap().len(), 1);
    enqueue(&store, &new_job(2)).await;
    claim_one_of(&store).await;
    let jobs = snapshot.rows("jobs", None).await.unwrap();
    assert_eq!(jobs.len(), 1, "what was committed later is not in it");
    assert!(snapshot.rows("jobs", Some(&jobs[0])).await.unwrap().is_empty());
    let tables = snapshot.tables();
    let place = |name: &str| tables.iter().position(|(table, _)| table == name).unwrap();
    for (child, parent) in [("jobs", "organizations"), ("blob_holds", "blobs"), ("subject_keys", "data_keys")] {
        assert!(place(parent) < place(child), "{parent} comes before {child}");
    }
    for (table, columns) in &tables {
        for row in snapshot.rows(table, None).await.unwrap() {
            assert_eq!(row.len(), columns.len(), "{table}");
        }
    }
    assert_eq!(snapshot.blobs(None, 9).await.unwrap()[0].1, blob);
    assert_eq!(snapshot.log().size().await.unwrap(), 0);
    assert_eq!(snapshot.schema_version().await.unwrap(), Store::schema_version_known());
    assert!(snapshot.rows("no_such_table", None).await.is_err());
    snapshot.close().await.unwrap();
}

async fn claim_one_of(store: &Store) {
    let claimed = crate::harness::claim(store, "w", 1, at(1)).await;
    assert_eq!(claimed.len(), 1);
}

pub(crate) async fn snapshot_pages_reach_every_row(store: Store) {
    let mut unit = store.begin().await.unwrap();
    for n in 0..200_u64 {
        let leaf = assize_store::log::LogEntry {
            index: n,
            leaf_hash: [u8::try_from(n % 251).unwrap(); 32],
            entry: vec![0, 255],
            created_at: at(1),
        };
        unit.log_writer().append(&leaf, &[((0, n), [1; 32]), ((9, n), [2; 32])]).await.unwrap();
    }
    unit.commit().await.unwrap();
    let mut snapshot = store.snapshot().await.unwrap();
    for (table, expected) in [("log_leaves", 200), ("log_nodes", 400)] {
        let (mut seen, mut after) = (0, None::<Vec<serde_json::Value>>);
        loop {
            let page = snapshot.rows(table, after.as_deref()).await.unwrap();
            let Some(last) = page.last() else { break };
            after = Some(last.clone());
            seen += page.len();
        }
        assert_eq!(seen, expected, "{table}");
    }
    snapshot.close().await.unwrap();
}

pub(crate) async fn the_newest_write_is_known(store: Store) {
    assert_eq!(store.last_written_at().await.unwrap(), None);
    enqueue(&store, &new_job(1)).await;
    assert_eq!(store.last_written_at().await.unwrap(), Some(at(0)));
}
