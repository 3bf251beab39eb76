//! The job that works the queue of a webhook for a while. It ends itself, in the unit that enqueues the next one for what
//! is left.

use futures::future::BoxFuture;

use super::work::{Done, Task, Work};
use crate::app::kinds::{DELIVER_WEBHOOK, Kind};
use crate::app::{AppError, Stopped, WebhookWork};

pub(super) struct DeliverWebhook;

impl Work for DeliverWebhook {
    fn kind(&self) -> &'static Kind {
        &DELIVER_WEBHOOK
    }

    fn run<'a>(&'a self, task: &'a Task<'a>) -> BoxFuture<'a, Result<Done, Stopped>> {
        Box::pin(async {
            let work: WebhookWork = serde_json::from_value(task.job.args.clone()).map_err(AppError::internal)?;
            let (organization, cancel) = (&task.job.organization, task.progress.cancel_flag());
            task.app.work_webhook(organization, &work, task.lease, cancel).await?;
            Ok(Done::Completed)
        })
    }
}
