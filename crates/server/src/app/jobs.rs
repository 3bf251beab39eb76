//! The jobs of an organization, of any kind: list them, follow them, stop them, retry what failed.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use assize_store::jobs::{Job, JobFilter, JobState, PAGE_JOBS_MAX};
use assize_store::{JobId, JobsChanged, OrganizationId, Unit};
use futures::Stream;
use serde_json::json;

use super::caller::{Caller, Permission};
use super::error::AppError;
use super::{App, kinds};

/// How often a followed job is looked at when no word of a change comes: progress makes none.
const LOOK_AGAIN: Duration = Duration::from_millis(250);
/// How often all jobs of an organization are looked at when no word of a change comes.
const LOOK_AT_ALL_AGAIN: Duration = Duration::from_secs(1);
/// How long changes are gathered before a look at all jobs: a busy queue changes hundreds of times a second.
const GATHER: Duration = Duration::from_millis(100);

impl App {
    /// Jobs, newest first, older than `before`, at most `limit` and 100.
    ///
    /// # Errors
    /// `Forbidden` when the caller may not read.
    pub async fn jobs(
        &self,
        caller: &Caller,
        filter: &JobFilter,
        before: Option<&JobId>,
        limit: u32,
    ) -> Result<Vec<Job>, AppError> {
        caller.require(Permission::Read)?;
        Ok(self.store().jobs().list(&caller.organization, filter, before, limit).await?)
    }

    /// The job with this id.
    ///
    /// # Errors
    /// `NotFound` for an unknown id or another organization's, `Forbidden` when the caller may not read.
    pub async fn job(&self, caller: &Caller, id: &JobId) -> Result<Job, AppError> {
        caller.require(Permission::Read)?;
        self.store().jobs().find(&caller.organization, id).await?.ok_or_else(|| unknown_job(id))
    }

    /// Stops a job: one that waits at once, one that runs within moments. One that has ended stays as it is.
    ///
    /// # Errors
    /// `NotFound` for an unknown id or another organization's, `Forbidden` when the caller may not run jobs.
    pub async fn cancel_job(&self, caller: &Caller, id: &JobId) -> Result<Job, AppError> {
        caller.require(Permission::Run)?;
        self.stop_job(caller, id, "job.cancel").await
    }

    /// Queues a failed or cancelled job again with all its attempts.
    ///
    /// # Errors
    /// `NotFound` for an unknown id or another organization's, `Forbidden` when the caller may not manage jobs,
    /// `Conflict` when the job has not failed or what it needs was deleted since.
    pub async fn retry_job(&self, caller: &Caller, id: &JobId) -> Result<Job, AppError> {
        caller.require(Permission::Manage)?;
        let now = self.clock().now();
        let mut unit = self.store().begin().await?;
        let job = unit.jobs().retry_by_hand(&caller.organization, id, now).await?.ok_or_else(|| unknown_job(id))?;
        if job.kind == kinds::CERTIFY.name && !self.hold_files_again(&mut unit, &job).await? {
            return Err(AppError::Conflict(format!(
                "the files of job '{id}' were deleted when it ended; submit the audit again"
            )));
        }
        let event = caller.event(now, "job.retry", id.as_str(), json!({ "kind": job.kind }));
        unit.audit_writer().append(&caller.organization, &event).await?;
        unit.commit().await?;
        Ok(job)
    }

    /// The job each time it changes; ends after its last state, or when it cannot be read any more.
    ///
    /// # Errors
    /// As [`App::job`].
    pub async fn watch_job(
        &self,
        caller: &Caller,
        id: &JobId,
    ) -> Result<impl Stream<Item = Job> + Send + use<>, AppError> {
        self.job(caller, id).await?;
        Ok(self.follow(&caller.organization, id))
    }

    /// The organization's newest jobs (100, and what else runs), then each one of them that changes; ends when they
    /// cannot be read any more.
    ///
    /// # Errors
    /// `Forbidden` when the caller may not read.
    pub async fn watch_jobs(&self, caller: &Caller) -> Result<impl Stream<Item = Job> + Send + use<>, AppError> {
        caller.require(Permission::Read)?;
        let changes = self.store().subscribe_jobs().await?;
        let watched = Watched {
            app: self.clone(),
            organization: caller.organization.clone(),
            changes,
            known: BTreeMap::new(),
            pending: VecDeque::new(),
        };
        Ok(futures::stream::unfold((watched, true), |(mut watched, first)| async move {
            let job = watched.next(first).await?;
            Some((job, (watched, false)))
        }))
    }

    /// The job each time it changes, for who may see it.
    pub(super) fn follow(&self, organization: &OrganizationId, id: &JobId) -> impl Stream<Item = Job> + Send + use<> {
        let start = (self.clone(), organization.clone(), id.clone(), None::<Job>);
        futures::stream::unfold(start, |(app, organization, id, last)| async move {
            if last.as_ref().is_some_and(|job: &Job| job.state.is_final()) {
                return None;
            }
            loop {
                let job = app.store().jobs().find(&organization, &id).await.ok()??;
                if last.as_ref() != Some(&job) {
                    return Some((job.clone(), (app, organization, id, Some(job))));
                }
                app.clock().sleep(LOOK_AGAIN).await;
            }
        })
    }

    /// Stops a job for who may; `action` is what the audit trail calls it.
    pub(super) async fn stop_job(&self, caller: &Caller, id: &JobId, action: &str) -> Result<Job, AppError> {
        let (organization, now) = (&caller.organization, self.clock().now());
        let mut unit = self.store().begin().await?;
        let before = unit.jobs().find(organization, id).await?.ok_or_else(|| unknown_job(id))?;
        if before.state.is_final() || before.cancel_requested {
            unit.rollback().await?;
            return Ok(before);
        }
        let job = unit.jobs().cancel(organization, id, now).await?.ok_or_else(|| unknown_job(id))?;
        let ended_unworked = job.state == JobState::Cancelled;
        if ended_unworked {
            self.release_uploads(&mut unit, organization, id, now).await?;
        }
        let event = caller.event(now, action, id.as_str(), json!({ "kind": job.kind }));
        unit.audit_writer().append(organization, &event).await?;
        unit.commit().await?;
        self.running().cancel(id);
        if ended_unworked {
            self.discard_files(organization, &job).await;
        }
        Ok(job)
    }

    /// Holds the files of a job that is queued again. `false` when one of them is gone.
    async fn hold_files_again(&self, unit: &mut Unit, job: &Job) -> Result<bool, AppError> {
        let args: super::CertifyArgs = serde_json::from_value(job.args.clone()).map_err(AppError::internal)?;
        for file in args.files() {
            let held = unit.blob_holds().hold(&job.organization, &file.digest()?, job.id.as_str(), job.run_at).await?;
            if !held {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// An organization's jobs as somebody watches them.
struct Watched {
    app: App,
    organization: OrganizationId,
    changes: JobsChanged,
    known: BTreeMap<JobId, Job>,
    pending: VecDeque<Job>,
}

impl Watched {
    /// The next job that changed; the first look shows all. `None` when they cannot be read.
    async fn next(&mut self, first: bool) -> Option<Job> {
        if first {
            self.look().await?;
        }
        loop {
            if let Some(job) = self.pending.pop_front() {
                return Some(job);
            }
            tokio::select! {
                changed = self.changes.changed() => {
                    changed.ok()?;
                    tokio::time::sleep(GATHER).await;
                }
                () = tokio::time::sleep(LOOK_AT_ALL_AGAIN) => {}
            }
            self.look().await?;
        }
    }

    async fn look(&mut self) -> Option<()> {
        let mut found = BTreeMap::new();
        let running = JobFilter { state: Some(JobState::Running), ..JobFilter::default() };
        for filter in [JobFilter::default(), running] {
            let page = self.app.store().jobs().list(&self.organization, &filter, None, PAGE_JOBS_MAX).await.ok()?;
            found.extend(page.into_iter().map(|job| (job.id.clone(), job)));
        }
        // One that ran and is not among the newest any more has ended between two looks.
        for id in self.known.keys().filter(|id| !found.contains_key(id)).cloned().collect::<Vec<_>>() {
            if self.known.get(&id).is_some_and(|job| !job.state.is_final()) {
                let job = self.app.store().jobs().find(&self.organization, &id).await.ok()?;
                found.extend(job.map(|job| (id, job)));
            }
        }
        let changed = found.iter().filter(|(id, job)| self.known.get(id) != Some(job));
        self.pending.extend(changed.map(|(_, job)| job.clone()));
        self.known = found;
        Some(())
    }
}

pub(super) fn unknown_job(id: &JobId) -> AppError {
    AppError::NotFound { what: "job", id: id.to_string() }
}
