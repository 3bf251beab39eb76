//! Token buckets. PostgreSQL goes by its own clock, so cases use buckets that fill within microseconds or not for days.

use std::time::Duration;

use assize_store::Store;
use assize_store::rate_limits::{BucketSize, Granted};

use crate::harness::at;

const HOUR_US: u64 = 3_600_000_000;

/// Three tokens, one an hour.
const SLOW: BucketSize = BucketSize { tokens_max: 3, token_us: HOUR_US };

async fn take(store: &Store, bucket: &str, size: BucketSize, tokens: u32) -> Granted {
    store.rate_limits().take(bucket, size, tokens, at(0)).await.unwrap()
}

/// Whether a bucket needs about so many hours to be full.
#[track_caller]
fn assert_hours(granted: Granted, hours: u64) {
    let expected = Duration::from_secs(hours * 3_600);
    let minute = Duration::from_secs(60);
    assert!(granted.full_in <= expected && granted.full_in + minute > expected, "{granted:?}, not {hours} h");
}

pub(crate) async fn bucket_grants_what_it_has(store: Store) {
    let first = take(&store, "a", SLOW, 1).await;
    assert_eq!(first.tokens, 1);
    assert_hours(first, 1);
    let second = take(&store, "a", SLOW, 5).await;
    assert_eq!(second.tokens, 2, "the rest");
    assert_hours(second, 3);
    let empty = take(&store, "a", SLOW, 1).await;
    assert_eq!(empty.tokens, 0);
    assert_hours(empty, 3);
    assert_eq!(take(&store, "new", SLOW, 9).await.tokens, 3, "a new one gives no more than it holds");
}

pub(crate) async fn tokens_come_back(store: Store) {
    let fast = BucketSize { tokens_max: 1, token_us: 1 };
    for micros in 0..5 {
        // On PostgreSQL more than a microsecond goes by between two statements.
        let granted = store.rate_limits().take("a", fast, 1, at(micros)).await.unwrap();
        assert_eq!(granted.tokens, 1);
    }
}

pub(crate) async fn buckets_do_not_share(store: Store) {
    assert_eq!(take(&store, "audits org_a", SLOW, 3).await.tokens, 3);
    assert_eq!(take(&store, "audits org_a", SLOW, 1).await.tokens, 0);
    assert_eq!(take(&store, "audits org_b", SLOW, 1).await.tokens, 1);
    assert_eq!(take(&store, "reads org_a", SLOW, 1).await.tokens, 1);
}

pub(crate) async fn concurrent_takes_never_exceed_the_bucket(store: Store) {
    let size = BucketSize { tokens_max: 10, token_us: HOUR_US };
    let takers: Vec<_> = (0..8)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move {
                let mut taken = 0;
                for _ in 0..5 {
                    taken += take(&store, "a", size, 1).await.tokens;
                }
                taken
            })
        })
        .collect();
    let mut taken = 0;
    for taker in takers {
        taken += taker.await.unwrap();
    }
    assert_eq!(taken, 10);
}

pub(crate) async fn bucket_is_never_further_from_full_than_empty(store: Store) {
    // What a clock leaves behind that is set back afterwards: full again only in thirty hours.
    let long = BucketSize { tokens_max: 30, token_us: HOUR_US };
    assert_hours(take(&store, "a", long, 30).await, 30);
    let refused = take(&store, "a", SLOW, 1).await;
    assert_eq!(refused.tokens, 0);
    assert_hours(refused, 3);
}

pub(crate) async fn full_buckets_are_forgotten(store: Store) {
    take(&store, "slow", SLOW, 3).await;
    take(&store, "fast", BucketSize { tokens_max: 1, token_us: 1 }, 1).await;
    assert_eq!(store.rate_limits().forget_full(at(1)).await.unwrap(), 1);
    assert_eq!(store.rate_limits().forget_full(at(1)).await.unwrap(), 0);
    assert_eq!(take(&store, "slow", SLOW, 1).await.tokens, 0);
}
