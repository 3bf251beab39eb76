//! What a kind of work must say to be worked.

use std::sync::Arc;

use assize_store::jobs::Job;
use assize_store::queue::Lease;
use futures::future::BoxFuture;
use serde_json::Value as Json;

use crate::app::kinds::Kind;
use crate::app::{App, JobProgress, Stopped};

/// One kind of work. It may be run twice for one job, also at the same time: it is idempotent, or its effect is written
/// in one unit with the job's end.
pub(super) trait Work: Send + Sync {
    /// Its line in the table of kinds.
    fn kind(&self) -> &'static Kind;

    /// Works a job. Long loops look at the progress' cancel flag; what it leaves behind is bounded.
    fn run<'a>(&'a self, task: &'a Task<'a>) -> BoxFuture<'a, Result<Done, Stopped>>;

    /// Clears up once a job has ended for good.
    fn clear_up<'a>(&'a self, _app: &'a App, _job: &'a Job) -> BoxFuture<'a, ()> {
        Box::pin(async {})
    }
}

/// A job that is being worked.
pub(super) struct Task<'a> {
    /// The application.
    pub(super) app: &'a App,
    /// The job.
    pub(super) job: &'a Job,
    /// The right to end it, for work that ends it in the unit of its effect.
    pub(super) lease: &'a Lease,
    /// Tells how far it is, and when to stop.
    pub(super) progress: Arc<JobProgress>,
}

/// How work ended well.
#[derive(Debug)]
pub(super) enum Done {
    /// With this result (a JSON object or array); the job is still to be completed.
    Result(Json),
    /// The work has completed the job itself, in the unit of its effect.
    Completed,
}
