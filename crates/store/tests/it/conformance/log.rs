//! The transparency log's rows.

use assize_store::log::{LogCheckpoint, LogEntry, NodeId, PAGE_ENTRIES_MAX};
use assize_store::{Error, Store};

use crate::harness::at;

fn leaf(index: u64) -> LogEntry {
    let byte = u8::try_from(index % 251).unwrap();
    LogEntry { index, leaf_hash: [byte; 32], entry: vec![byte, 0, 255], created_at: at(1) }
}

async fn append(store: &Store) -> Result<u64, Error> {
    let mut unit = store.begin().await?;
    let index = unit.log_writer().lock().await?;
    tokio::task::yield_now().await;
    unit.log_writer().append(&leaf(index), &[((0, index), [1; 32])]).await?;
    unit.commit().await?;
    Ok(index)
}

pub(crate) async fn concurrent_appends_are_dense(store: Store) {
    let tasks: Vec<_> = (0..20)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { append(&store).await.unwrap() })
        })
        .collect();
    let mut indexes = Vec::new();
    for task in tasks {
        indexes.push(task.await.unwrap());
    }
    indexes.sort_unstable();
    assert_eq!(indexes, (0..20).collect::<Vec<_>>());
    assert_eq!(store.log().size().await.unwrap(), 20);
    let entries = store.log().entries(0, 100).await.unwrap();
    assert_eq!(entries, (0..20).map(leaf).collect::<Vec<_>>());
}

pub(crate) async fn wrong_index_is_refused(store: Store) {
    append(&store).await.unwrap();
    for wrong in [0, 2, u64::MAX] {
        let mut unit = store.begin().await.unwrap();
        let refused = unit.log_writer().append(&leaf(wrong), &[]).await;
        assert!(matches!(refused, Err(Error::Conflict { .. })), "{refused:?}");
    }
    // Nodes are complete subtrees: they never change.
    let mut unit = store.begin().await.unwrap();
    let refused = unit.log_writer().append(&leaf(1), &[((0, 0), [2; 32])]).await;
    assert!(matches!(refused, Err(Error::Conflict { .. })), "{refused:?}");
    drop(unit);
    assert_eq!(append(&store).await.unwrap(), 1);
}

pub(crate) async fn nodes_come_back_in_one_question(store: Store) {
    let nodes: Vec<(NodeId, [u8; 32])> =
        (0..1_100_u64).map(|i| (((i % 3) as u8, i), [u8::try_from(i % 256).unwrap(); 32])).collect();
    let mut unit = store.begin().await.unwrap();
    unit.log_writer().append(&leaf(0), &nodes).await.unwrap();
    let mut asked: Vec<NodeId> = nodes.iter().map(|(id, _)| *id).collect();
    asked.push((9, 9));
    assert_eq!(unit.log().nodes(&asked).await.unwrap(), nodes.iter().copied().collect());
    unit.commit().await.unwrap();
    assert_eq!(store.log().nodes(&asked[..1]).await.unwrap().len(), 1);
    assert!(store.log().nodes(&[]).await.unwrap().is_empty());
}

pub(crate) async fn pages_have_limits(store: Store) {
    let mut unit = store.begin().await.unwrap();
    for index in 0..u64::from(PAGE_ENTRIES_MAX) + 5 {
        unit.log_writer().append(&leaf(index), &[]).await.unwrap();
    }
    unit.commit().await.unwrap();
    assert_eq!(store.log().entries(0, u32::MAX).await.unwrap().len(), PAGE_ENTRIES_MAX as usize);
    let tail = store.log().entries(PAGE_ENTRIES_MAX.into(), 100).await.unwrap();
    assert_eq!(tail.iter().map(|e| e.index).collect::<Vec<_>>(), (1_000..1_005).collect::<Vec<_>>());
    assert!(store.log().entries(u64::MAX, 5).await.unwrap().is_empty());
    assert_eq!(store.log().entry(7).await.unwrap(), Some(leaf(7)));
    assert_eq!(store.log().entry(5_000).await.unwrap(), None);
    let hashes = store.log().leaf_hashes(3, 2).await.unwrap();
    assert_eq!(hashes, [leaf(3).leaf_hash, leaf(4).leaf_hash]);
    assert_eq!(store.log().leaf_hashes(0, u32::MAX).await.unwrap().len(), 1_005);
}

pub(crate) async fn checkpoints_are_replaced_per_size(store: Store) {
    assert_eq!(store.log().latest_checkpoint().await.unwrap(), None);
    let checkpoint = |size, note: &str, at| LogCheckpoint { size, note: note.to_owned(), created_at: at };
    let mut unit = store.begin().await.unwrap();
    for kept in [checkpoint(2, "two\nold key\n", at(1)), checkpoint(1, "one", at(2)), checkpoint(2, "two\n", at(3))] {
        unit.log_writer().put_checkpoint(&kept).await.unwrap();
    }
    unit.commit().await.unwrap();
    assert_eq!(store.log().latest_checkpoint().await.unwrap(), Some(checkpoint(2, "two\n", at(3))));
    assert_eq!(store.log().checkpoint(1).await.unwrap(), Some(checkpoint(1, "one", at(2))));
    assert_eq!(store.log().checkpoint(3).await.unwrap(), None);
}
