//! The job that puts the heads of the audit trails into the transparency log. Running it twice logs nothing more.

use futures::future::BoxFuture;
use serde_json::json;

use super::work::{Done, Task, Work};
use crate::app::Stopped;
use crate::app::kinds::{Kind, LOG_TRAILS};

pub(super) struct LogTrails;

impl Work for LogTrails {
    fn kind(&self) -> &'static Kind {
        &LOG_TRAILS
    }

    fn run<'a>(&'a self, task: &'a Task<'a>) -> BoxFuture<'a, Result<Done, Stopped>> {
        Box::pin(async {
            let logged = task.app.log_trails().await?;
            Ok(Done::Result(json!({ "trails": logged })))
        })
    }
}
