//! The job that ends what has run out: sessions, invitations, counted sign-in failures. Running it twice ends nothing
//! more.

use futures::future::BoxFuture;
use serde_json::json;

use super::work::{Done, Task, Work};
use crate::app::Stopped;
use crate::app::kinds::{Kind, SWEEP_IDENTITY};

pub(super) struct SweepIdentity;

impl Work for SweepIdentity {
    fn kind(&self) -> &'static Kind {
        &SWEEP_IDENTITY
    }

    fn run<'a>(&'a self, task: &'a Task<'a>) -> BoxFuture<'a, Result<Done, Stopped>> {
        Box::pin(async { Ok(Done::Result(json!({ "ended": task.app.sweep_identity().await? }))) })
    }
}
