//! One attempt at a job, whatever its kind: work while beating, stop when asked, end it.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use assize_store::jobs::{JobError, JobState};
use assize_store::queue::{Beat, Claimed};
use assize_store::{JobsChanged, Unit};
use futures::FutureExt;
use jiff::SignedDuration;
use serde_json::json;

use super::Worker;
use super::registry;
use super::work::{Done, Task, Work};
use crate::app::{AppError, Caller, JobProgress, Stopped};

/// How often progress is looked at.
const LOOK: Duration = Duration::from_millis(200);
/// How long work may take to notice that it was asked to stop; then it is left alone, without its lease.
const STOP_WITHIN: Duration = Duration::from_secs(30);

/// Works a claimed job and ends it.
pub(super) async fn run(worker: &Worker, claimed: &Claimed) {
    let Some(work) = registry::find(&claimed.job.kind) else {
        // Only known kinds are claimed; the lease stands still, and the job is taken back.
        return tracing::error!(job.id = claimed.job.id.as_str(), "a job of an unknown kind was claimed");
    };
    run_work(worker, claimed, work).await;
}

async fn run_work(worker: &Worker, claimed: &Claimed, work: &dyn Work) {
    let started = worker.app.clock().steady();
    let progress = Arc::new(JobProgress::default());
    let _running = worker.app.running().enter(&claimed.job.id, progress.cancel_flag());
    let task = Task { app: &worker.app, job: &claimed.job, lease: &claimed.lease, progress: Arc::clone(&progress) };
    let ended = supervise(worker, claimed, work, &task).await;
    let outcome = end(worker, claimed, work, ended).await.unwrap_or_else(|error| {
        // The lease stands still, and the job is taken up again.
        tracing::warn!(job.id = claimed.job.id.as_str(), "the end of a job could not be kept: {error}");
        "lost"
    });
    let took = worker.app.clock().steady().saturating_sub(started);
    worker.app.metrics().attempt(work.kind().name, outcome, took);
    if let Ok(Some(job)) = worker.app.store().jobs().find(&claimed.job.organization, &claimed.job.id).await
        && job.state.is_final()
    {
        work.clear_up(&worker.app, &job).await;
    }
}

/// Runs the work until it ends or is not worth waiting for.
async fn supervise(worker: &Worker, claimed: &Claimed, work: &dyn Work, task: &Task<'_>) -> Result<Done, Stopped> {
    let timed_out = AtomicBool::new(false);
    let working = AssertUnwindSafe(work.run(task)).catch_unwind();
    tokio::pin!(working);
    // Both are polled side by side: a heartbeat may have to wait for the unit that the work has open.
    let ended = tokio::select! {
        ended = &mut working => ended,
        () = tell(worker, claimed, work, &task.progress, &timed_out) => {
            match tokio::time::timeout(STOP_WITHIN, &mut working).await {
                Ok(ended) => ended,
                Err(_) => return Err(AppError::internal("the work did not stop when it was asked to").into()),
            }
        }
    };
    match ended {
        Ok(Err(Stopped::Cancelled)) if timed_out.load(Ordering::Relaxed) => {
            Err(AppError::TimedOut { seconds: work.kind().time_max.as_secs() }.into())
        }
        Ok(ended) => ended,
        Err(panic) => {
            let text = crate::middleware::text_of_panic(panic.as_ref());
            Err(AppError::internal(format!("the work panicked: {text}")).into())
        }
    }
}

/// Keeps the lease and tells the progress; sets the flag when the work has to stop. Returns when the lease is lost or
/// the work does not stop: nobody need wait long any more.
async fn tell(worker: &Worker, claimed: &Claimed, work: &dyn Work, progress: &JobProgress, timed_out: &AtomicBool) {
    let clock = worker.app.clock();
    let (started, mut stopping_since) = (clock.steady(), None);
    let (mut told, mut told_at) = ((String::new(), -1.0), started);
    // Another process that cancels this job changes it: the next beat then asks, instead of in a third of the lease.
    let mut changes = worker.app.store().subscribe_jobs().await.ok();
    loop {
        tokio::select! {
            () = worker.stopping.cancelled(), if !progress.cancel_flag().is_cancelled() => {}
            () = tokio::time::sleep(LOOK) => {}
        }
        let (now, at) = (progress.now(), clock.steady());
        if at.saturating_sub(started) >= work.kind().time_max && !progress.cancel_flag().is_cancelled() {
            timed_out.store(true, Ordering::Relaxed);
            progress.cancel_flag().cancel();
        }
        if worker.stopping.is_cancelled() {
            progress.cancel_flag().cancel();
        }
        if progress.cancel_flag().is_cancelled() && at.saturating_sub(*stopping_since.get_or_insert(at)) >= STOP_WITHIN
        {
            return;
        }
        let word = changes.as_mut().is_some_and(JobsChanged::take_changed);
        if now == told && at.saturating_sub(told_at) < worker.lease / 3 && !word {
            continue;
        }
        match worker.app.store().queue().heartbeat(&claimed.lease, now.1, &now.0).await {
            Ok(Beat::Continue) => (told, told_at) = (now, at),
            Ok(Beat::Cancel) => {
                (told, told_at) = (now, at);
                progress.cancel_flag().cancel();
            }
            Err(error) if error.is_transient() => {}
            Err(error) => {
                tracing::warn!(job.id = claimed.job.id.as_str(), "a job is no longer ours: {error}");
                progress.cancel_flag().cancel();
                return;
            }
        }
    }
}

/// Ends the attempt: with its result, or by what stopped it. Answers how, in a word for the metrics.
async fn end(
    worker: &Worker,
    claimed: &Claimed,
    work: &dyn Work,
    ended: Result<Done, Stopped>,
) -> Result<&'static str, AppError> {
    let (app, now) = (&worker.app, worker.app.clock().now());
    let lease = &claimed.lease;
    if matches!(ended, Ok(Done::Completed)) {
        return Ok("succeeded");
    }
    let mut unit = app.store().begin().await?;
    let outcome = match ended {
        Ok(Done::Completed) => "succeeded",
        Ok(Done::Result(result)) => {
            release(&mut unit, claimed, worker).await?;
            unit.queue().complete(lease, result, now).await?;
            "succeeded"
        }
        Err(Stopped::Cancelled) if worker.stopping.is_cancelled() => {
            unit.queue().give_back(lease, now).await?;
            "given_back"
        }
        Err(Stopped::Cancelled) => {
            release(&mut unit, claimed, worker).await?;
            unit.queue().cancelled(lease, now).await?;
            "cancelled"
        }
        Err(Stopped::Failed(AppError::Unprocessable(detail))) => {
            release(&mut unit, claimed, worker).await?;
            let caller = Caller::system(claimed.job.organization.clone());
            let about = json!({ "kind": work.kind().name, "code": "unprocessable" });
            let event = caller.event(now, "job.fail", claimed.job.id.as_str(), about);
            unit.audit_writer().append(&claimed.job.organization, &event).await?;
            let error = JobError { code: "unprocessable".to_owned(), detail };
            unit.queue().fail(lease, &error, now).await?;
            "refused"
        }
        Err(Stopped::Failed(error @ AppError::Unavailable { retry_after_s })) => {
            // Not the job's fault: it waits for what is away as long as it takes.
            let wait = SignedDuration::from_secs(i64::try_from(retry_after_s).unwrap_or(i64::MAX));
            let run_at = now.checked_add(wait).map_err(AppError::internal)?;
            if unit.queue().postpone(lease, &told(&error), run_at, now).await? == JobState::Cancelled {
                release(&mut unit, claimed, worker).await?;
            }
            "postponed"
        }
        Err(Stopped::Failed(error)) => {
            let kind = work.kind();
            tracing::error!(job.id = claimed.job.id.as_str(), job.kind = kind.name, "a job failed: {error:#}");
            let wait = (kind.retry_after)(claimed.job.attempts);
            let run_at = now.checked_add(wait).map_err(AppError::internal)?;
            if unit.queue().retry(lease, &told(&error), run_at, now).await? == JobState::Cancelled {
                release(&mut unit, claimed, worker).await?;
            }
            "failed"
        }
    };
    unit.commit().await?;
    Ok(outcome)
}

/// What the job says about an error that may pass. Internal ones are in the log.
fn told(error: &AppError) -> JobError {
    let detail = match error {
        AppError::Internal(_) => "internal error".to_owned(),
        other => other.to_string(),
    };
    JobError { code: error.code().to_owned(), detail }
}

/// Lets go of the job's files.
async fn release(unit: &mut Unit, claimed: &Claimed, worker: &Worker) -> Result<(), AppError> {
    let now = worker.app.clock().now();
    worker.app.release_uploads(unit, &claimed.job.organization, &claimed.job.id, now).await
}

#[cfg(test)]
mod tests {
    use assize_store::jobs::Job;
    use assize_store::queue::Claim;
    use assize_store::{JobId, OrganizationId};
    use futures::future::BoxFuture;
    use tokio_util::sync::CancellationToken;
    use tokio_util::task::TaskTracker;

    use super::*;
    use crate::app::kinds::{Kind, Lane};
    use crate::app::{App, SystemRandom};
    use crate::clock::SystemClock;
    use crate::config::Config;

    static PATIENT: Kind = Kind {
        name: "test",
        attempts_max: 2,
        retry_after: |_| SignedDuration::from_secs(60),
        time_max: Duration::from_secs(3_600),
        lane: Lane::Upkeep,
    };
    static IMPATIENT: Kind = Kind { time_max: Duration::from_millis(1), ..PATIENT };

    /// Work that does as it is told.
    struct Told(fn(&Task<'_>) -> BoxFuture<'static, Result<Done, Stopped>>, &'static Kind);

    impl Work for Told {
        fn kind(&self) -> &'static Kind {
            self.1
        }

        fn run<'a>(&'a self, task: &'a Task<'a>) -> BoxFuture<'a, Result<Done, Stopped>> {
            (self.0)(task)
        }
    }

    /// Waits until it is asked to stop.
    fn endless(task: &Task<'_>) -> BoxFuture<'static, Result<Done, Stopped>> {
        let progress = Arc::clone(&task.progress);
        Box::pin(async move {
            while !progress.cancel_flag().is_cancelled() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            Err(Stopped::Cancelled)
        })
    }

    /// What one attempt leaves of a job, with a worker that is stopping or not.
    async fn after(work: Told, cancelled: bool, stopping: bool) -> Job {
        let home = tempfile::tempdir().unwrap();
        let mut config = Config::default();
        config.storage.home = home.path().to_owned();
        let app = App::open(config, Arc::new(SystemClock), Arc::new(SystemRandom)).await.unwrap();
        let (now, public) = (app.clock().now(), OrganizationId::public());
        let job = app.new_job(&PATIENT, &json!({}), now).unwrap();
        app.store().jobs().enqueue(&public, &job, now).await.unwrap();
        let claim = Claim { owner: "test", kinds: &["test"], lease: SignedDuration::from_secs(30), jobs_max: 1 };
        let claimed = app.store().queue().claim(&claim, now).await.unwrap().remove(0);
        if cancelled {
            app.store().jobs().cancel(&public, &job.id, now).await.unwrap();
        }
        let token = CancellationToken::new();
        if stopping {
            token.cancel();
        }
        let worker = Worker {
            app: app.clone(),
            owner: "test".to_owned(),
            lease: Duration::from_secs(30),
            tasks: TaskTracker::new(),
            stopping: token,
        };
        run_work(&worker, &claimed, &work).await;
        let id: JobId = job.id;
        app.store().jobs().find(&public, &id).await.unwrap().unwrap()
    }

    #[tokio::test]
    async fn results_are_kept() {
        let job =
            after(Told(|_| Box::pin(async { Ok(Done::Result(json!({ "n": 1 }))) }), &PATIENT), false, false).await;
        assert_eq!((job.state, job.result, job.progress), (JobState::Succeeded, Some(json!({ "n": 1 })), 1.0));
    }

    #[tokio::test]
    async fn panics_and_our_own_mistakes_are_tried_again_and_tell_nothing() {
        for work in [
            Told(|_| Box::pin(async { panic!("the password is hunter2") }), &PATIENT),
            Told(|_| Box::pin(async { Err(AppError::internal("hunter2 at /srv").into()) }), &PATIENT),
        ] {
            let job = after(work, false, false).await;
            let error = job.error.unwrap();
            assert_eq!(
                (job.state, error.code.as_str(), error.detail.as_str()),
                (JobState::Queued, "internal", "internal error")
            );
            assert!(job.run_at > job.created_at, "after a wait");
        }
    }

    #[tokio::test]
    async fn what_another_attempt_would_not_mend_fails_at_once() {
        let job = after(
            Told(|_| Box::pin(async { Err(AppError::Unprocessable("bad file".to_owned()).into()) }), &PATIENT),
            false,
            false,
        )
        .await;
        assert_eq!((job.state, job.dead, job.error.unwrap().detail.as_str()), (JobState::Failed, false, "bad file"));
    }

    #[tokio::test]
    async fn work_past_its_time_is_stopped() {
        let job = after(Told(endless, &IMPATIENT), false, false).await;
        assert_eq!((job.state, job.error.unwrap().code.as_str()), (JobState::Queued, "timed_out"));
    }

    #[tokio::test]
    async fn cancelled_work_ends_and_work_of_a_stopping_worker_is_given_back() {
        let cancelled = after(Told(endless, &PATIENT), true, false).await;
        assert_eq!((cancelled.state, cancelled.error), (JobState::Cancelled, None));
        let given_back = after(Told(endless, &PATIENT), false, true).await;
        assert_eq!((given_back.state, given_back.attempts, given_back.error), (JobState::Queued, 0, None));
    }
}
