//! The job that deletes what is kept longer than it may be. Running it twice deletes nothing more.

use futures::future::BoxFuture;
use serde_json::json;

use super::work::{Done, Task, Work};
use crate::app::Stopped;
use crate::app::kinds::{ENFORCE_RETENTION, Kind};

pub(super) struct EnforceRetention;

impl Work for EnforceRetention {
    fn kind(&self) -> &'static Kind {
        &ENFORCE_RETENTION
    }

    fn run<'a>(&'a self, task: &'a Task<'a>) -> BoxFuture<'a, Result<Done, Stopped>> {
        Box::pin(async {
            let report = task.app.enforce_retention(task.app.clock().now()).await?;
            Ok(Done::Result(json!(report)))
        })
    }
}
