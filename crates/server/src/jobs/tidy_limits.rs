//! The job that clears away what the limits leave behind: idempotency keys whose time is over and buckets that are full.
//! Running it twice deletes nothing more.

use assize_store::idempotency::FORGET_KEYS_MAX;
use assize_store::rate_limits::FORGET_BUCKETS_MAX;
use futures::future::BoxFuture;
use serde_json::json;

use super::work::{Done, Task, Work};
use crate::app::Stopped;
use crate::app::kinds::{Kind, TIDY_LIMITS};

pub(super) struct TidyLimits;

impl Work for TidyLimits {
    fn kind(&self) -> &'static Kind {
        &TIDY_LIMITS
    }

    fn run<'a>(&'a self, task: &'a Task<'a>) -> BoxFuture<'a, Result<Done, Stopped>> {
        Box::pin(async {
            let (store, now) = (task.app.store(), task.app.clock().now());
            let (mut keys, mut buckets) = (0_u64, 0_u64);
            loop {
                let forgotten = store.idempotency().forget_expired(now).await.map_err(crate::app::AppError::from)?;
                keys += u64::from(forgotten);
                if forgotten < FORGET_KEYS_MAX || task.progress.cancel_flag().is_cancelled() {
                    break;
                }
            }
            loop {
                let forgotten = store.rate_limits().forget_full(now).await.map_err(crate::app::AppError::from)?;
                buckets += u64::from(forgotten);
                if forgotten < FORGET_BUCKETS_MAX || task.progress.cancel_flag().is_cancelled() {
                    break;
                }
            }
            Ok(Done::Result(json!({ "idempotency_keys": keys, "rate_limits": buckets })))
        })
    }
}
