//! Accepting an audit and following it: the uploaded file becomes a blob, the request a job, in one transaction; then
//! the caller waits, watches or cancels.

use std::time::Duration;

use assize_store::jobs::{Job, JobState};
use assize_store::{JobId, OrganizationId, Unit};
use futures::{Stream, StreamExt};
use jiff::Timestamp;
use serde_json::json;
use tempfile::TempPath;

use super::App;
use super::caller::{Caller, Permission};
use super::certify::{CertifyArgs, WorkFile, check_before_accepting};
use super::error::AppError;
use super::jobs::unknown_job;
use super::kinds::CERTIFY;
use super::once::Once;
use super::progress::Running;
use super::request::AuditRequest;

/// How often a job is looked at when no word of a change comes.
const LOOK_AGAIN: Duration = Duration::from_millis(250);
/// How long a cancelled audit may take to notice, at most.
const STOP_WITHIN: Duration = Duration::from_secs(30);
/// How long a submission waits for the deletion of the same file by an audit that has just ended.
const FILE_FREE_WITHIN: Duration = Duration::from_secs(1);
/// How often it looks, and how many times.
const FILE_FREE_AGAIN: Duration = Duration::from_millis(50);
const FILE_TRIES_MAX: u32 = 20;
/// Seconds after which a refused submission may try again.
const RETRY_AFTER_FULL_S: u64 = 30;

/// A received file in the spool; deleted when dropped.
#[derive(Debug)]
pub struct Upload {
    /// Where it lies.
    pub path: TempPath,
    /// File name as sent, without folders.
    pub name: String,
    /// Its length.
    pub bytes: u64,
}

/// A request for an audit with its files.
#[derive(Debug)]
pub struct NewAudit {
    /// The data.
    pub dataset: Upload,
    /// The model, when one was sent.
    pub model: Option<Upload>,
    /// What to audit and how.
    pub request: AuditRequest,
}

/// A finished audit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditOutcome {
    /// The certificate that it ended in.
    pub certificate_id: String,
}

/// An audit job as its submitter sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct JobView {
    /// Its id.
    pub id: JobId,
    /// Queued, running, succeeded, failed or cancelled.
    pub state: JobState,
    /// 0 to 1.
    pub progress: f64,
    /// What is being done.
    pub step: String,
    /// The certificate, once it is issued.
    pub certificate_id: Option<String>,
    /// Why there is none, once it has failed.
    pub error: Option<String>,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When a worker took it first.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}

impl From<&Job> for JobView {
    fn from(job: &Job) -> Self {
        Self {
            id: job.id.clone(),
            state: job.state,
            progress: job.progress,
            step: job.step.clone(),
            certificate_id: certificate_id(job),
            error: job.error.as_ref().filter(|_| job.state.is_final()).map(|error| error.detail.clone()),
            created_at: job.created_at,
            started_at: job.started_at,
            finished_at: job.finished_at,
        }
    }
}

impl App {
    /// Accepts an audit: once this answers, the audit happens, whatever process dies.
    ///
    /// # Errors
    /// `Unprocessable` when the files or the request cannot be audited, as far as a look at them tells; `Unavailable`
    /// when too many audits wait already.
    pub async fn submit_audit(&self, caller: &Caller, new: NewAudit) -> Result<JobView, AppError> {
        self.submit_audit_once(caller, new, &Once::any_number_of_times()).await
    }

    /// Accepts an audit, for a request that may be sent again.
    ///
    /// # Errors
    /// As [`App::submit_audit`]; `Repeated` when the request was worked already.
    pub async fn submit_audit_once(
        &self,
        caller: &Caller,
        new: NewAudit,
        once: &Once<'_, JobView>,
    ) -> Result<JobView, AppError> {
        caller.require(Permission::Run)?;
        let organization = &caller.organization;
        if self.store().jobs().unfinished(organization).await? >= self.config().limits.queued_audits_max {
            return Err(AppError::Unavailable { retry_after_s: RETRY_AFTER_FULL_S });
        }
        let new = check_before_accepting(self, new).await?;
        let (started, mut tries) = (self.clock().steady(), 0);
        loop {
            tries += 1;
            match self.accept(caller, &new, once).await {
                // An audit of the same file has just ended and its file is being deleted: that takes a moment. An outage
                // takes longer, or longer to be noticed.
                Err(AppError::Unavailable { .. })
                    if tries < FILE_TRIES_MAX && self.clock().steady() - started < FILE_FREE_WITHIN =>
                {
                    tokio::time::sleep(FILE_FREE_AGAIN).await;
                }
                accepted => return accepted,
            }
        }
    }

    /// Keeps the files and enqueues the job.
    async fn accept(&self, caller: &Caller, new: &NewAudit, once: &Once<'_, JobView>) -> Result<JobView, AppError> {
        let organization = &caller.organization;
        let dataset = self.keep(organization, &new.dataset, "dataset").await?;
        let model = match &new.model {
            Some(model) => Some(self.keep(organization, model, "model").await?),
            None => None,
        };
        let args = CertifyArgs { request: new.request.clone(), dataset, model };
        let now = self.clock().now();
        let job = self.new_job(&CERTIFY, &args, now)?;
        let mut unit = self.store().begin().await?;
        for file in args.files() {
            if !unit.blob_holds().hold(organization, &file.digest()?, job.id.as_str(), now).await? {
                // Another audit of the same file ended between our keeping it and holding it.
                return Err(AppError::Unavailable { retry_after_s: 1 });
            }
        }
        unit.jobs().enqueue(organization, &job, now).await?;
        let detail = json!({ "dataset_sha256": args.dataset.sha256, "dataset_bytes": args.dataset.bytes });
        let event = caller.event(now, "audit.submit", job.id.as_str(), detail);
        unit.audit_writer().append(organization, &event).await?;
        let enqueued = unit.jobs().find(organization, &job.id).await?.ok_or_else(|| unknown_job(&job.id))?;
        let view = JobView::from(&enqueued);
        once.seal(&mut unit, caller, job.id.as_str(), &view).await?;
        unit.commit().await?;
        tracing::info!(job.id = job.id.as_str(), "an audit was accepted");
        Ok(view)
    }

    /// The audit job with this id.
    ///
    /// # Errors
    /// `NotFound` for an unknown id or another organization's.
    pub async fn audit_job(&self, caller: &Caller, id: &JobId) -> Result<JobView, AppError> {
        caller.require(Permission::Read)?;
        Ok(JobView::from(&self.find_job(&caller.organization, id).await?))
    }

    /// Waits for the certificate; past `patience` the audit is stopped, and this answers when it really has.
    ///
    /// # Errors
    /// What the audit ended with; `TimedOut` when it was stopped for its time, `Conflict` when somebody cancelled it.
    pub async fn wait_for_audit(
        &self,
        caller: &Caller,
        id: &JobId,
        patience: Duration,
    ) -> Result<AuditOutcome, AppError> {
        let organization = &caller.organization;
        let mut ended = self.wait_until_final(organization, id, patience).await?;
        let in_time = ended.is_some();
        if !in_time {
            self.cancel_audit(caller, id).await?;
            ended = self.wait_until_final(organization, id, STOP_WITHIN).await?;
        }
        let Some(job) = ended else {
            tracing::error!(job.id = id.as_str(), "an audit does not stop after its time");
            return Err(AppError::TimedOut { seconds: patience.as_secs() });
        };
        // The worker deletes the files too, but perhaps after our answer: who is answered finds nothing left behind.
        self.discard_files(organization, &job).await;
        if in_time || job.state == JobState::Succeeded {
            // Also when it was done in the very moment it was to be stopped: the certificate is out.
            return outcome(&job);
        }
        Err(AppError::TimedOut { seconds: patience.as_secs() })
    }

    /// Stops an audit: one that waits at once, one that runs within moments. One that has ended stays as it is.
    ///
    /// # Errors
    /// `NotFound` for an unknown id or another organization's.
    pub async fn cancel_audit(&self, caller: &Caller, id: &JobId) -> Result<JobView, AppError> {
        caller.require(Permission::Run)?;
        self.find_job(&caller.organization, id).await?;
        Ok(JobView::from(&self.stop_job(caller, id, "audit.cancel").await?))
    }

    /// The job each time it changes, for who may see it; ends after its last state, or when it cannot be read any more.
    pub fn watch_audit(&self, caller: &Caller, id: &JobId) -> impl Stream<Item = JobView> + Send + use<> {
        let visible = if caller.may(Permission::Read) { usize::MAX } else { 0 };
        self.follow(&caller.organization, id).take(visible).map(|job| JobView::from(&job))
    }

    /// Lets go of the files of an audit that ends in `unit`: at once, or when their time is over.
    pub(crate) async fn release_uploads(
        &self,
        unit: &mut Unit,
        organization: &OrganizationId,
        job: &JobId,
        now: Timestamp,
    ) -> Result<(), AppError> {
        match self.keep_uploads_until(unit, organization, now).await? {
            Some(until) => unit.blob_holds().release_at(organization, job.as_str(), until).await?,
            None => unit.blob_holds().release(organization, job.as_str(), now).await?,
        };
        Ok(())
    }

    pub(crate) fn running(&self) -> &Running {
        &self.0.running
    }

    /// Deletes the files of an ended job, unless another job needs the same ones. A failure is only logged: what is
    /// left is collected later.
    pub(crate) async fn discard_files(&self, organization: &OrganizationId, job: &Job) {
        let Ok(args) = serde_json::from_value::<CertifyArgs>(job.args.clone()) else { return };
        for file in args.files() {
            let Ok(digest) = file.digest() else { continue };
            if let Err(error) = self.store().blobs().discard(organization, &digest, self.clock().now()).await {
                tracing::warn!(job.id = job.id.as_str(), "an uploaded file was not deleted yet: {error}");
            }
        }
    }

    async fn keep(&self, organization: &OrganizationId, upload: &Upload, purpose: &str) -> Result<WorkFile, AppError> {
        let blob = self.keep_file(organization, &upload.path, purpose).await?;
        Ok(WorkFile { sha256: blob.digest.to_string(), name: upload.name.clone(), bytes: blob.bytes })
    }

    async fn find_job(&self, organization: &OrganizationId, id: &JobId) -> Result<Job, AppError> {
        let job = self.store().jobs().find(organization, id).await?;
        job.filter(|job| job.kind == CERTIFY.name).ok_or_else(|| unknown_job(id))
    }

    /// The job in its last state; `None` when it has none within `patience`.
    async fn wait_until_final(
        &self,
        organization: &OrganizationId,
        id: &JobId,
        patience: Duration,
    ) -> Result<Option<Job>, AppError> {
        let mut changes = self.store().subscribe_jobs().await?;
        let mut deadline = self.clock().sleep(patience);
        loop {
            let job = self.find_job(organization, id).await?;
            if job.state.is_final() {
                return Ok(Some(job));
            }
            tokio::select! {
                () = &mut deadline => return Ok(None),
                changed = changes.changed() => changed?,
                () = tokio::time::sleep(LOOK_AGAIN) => {}
            }
        }
    }
}

/// What a job in its last state means for who waited for it.
fn outcome(job: &Job) -> Result<AuditOutcome, AppError> {
    if let Some(certificate_id) = certificate_id(job) {
        return Ok(AuditOutcome { certificate_id });
    }
    match (job.state, &job.error) {
        (JobState::Cancelled, _) => Err(AppError::Conflict("the audit was cancelled".to_owned())),
        (_, Some(error)) if error.code == "unprocessable" => Err(AppError::Unprocessable(error.detail.clone())),
        (_, Some(error)) => Err(AppError::internal(format!("audit {}: {}", job.id, error.detail))),
        _ => Err(AppError::internal(format!("audit {} ended without a word", job.id))),
    }
}

fn certificate_id(job: &Job) -> Option<String> {
    job.result.as_ref()?.get("certificate_id")?.as_str().map(str::to_owned)
}

/// The configuration's number of threads, or all cores.
pub(super) fn threads(app: &App) -> usize {
    match app.config().worker.threads {
        0 => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        threads => threads,
    }
}

/// What runs on the blocking pool may outlive the request; it owns its application.
pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, AppError> {
    // What is logged there belongs to the same request or job.
    let span = tracing::Span::current();
    tokio::task::spawn_blocking(move || span.in_scope(work)).await.map_err(AppError::internal)
}
