//! The job of an audit: fetch the files, run it while beating, end it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use assize_store::Unit;
use assize_store::jobs::JobError;
use assize_store::queue::{Beat, Claimed};
use jiff::SignedDuration;

use super::Worker;
use crate::app::{App, AppError, Certify, CertifyArgs, CertifyProgress, Stopped, WorkFile};

/// How often progress is looked at.
const LOOK: Duration = Duration::from_millis(200);
/// First wait before another attempt; doubled each time.
const RETRY_AFTER_S: i64 = 2;

/// Runs a claimed audit and ends its job.
pub(super) async fn run(worker: &Worker, claimed: &Claimed) {
    let progress = Arc::new(CertifyProgress::default());
    let _running = worker.app.running().enter(&claimed.job.id, progress.cancel_flag());
    let beating = beat(worker, claimed, &progress);
    let working = certify(worker, claimed, Arc::clone(&progress));
    tokio::pin!(working);
    let ended = tokio::select! {
        ended = &mut working => ended,
        () = beating => {
            // Cancelled, shut down or lost: the flag is set, the run notices within milliseconds.
            working.await
        }
    };
    if let Err(stopped) = ended
        && let Err(error) = end(worker, claimed, stopped).await
    {
        // The lease runs out, and the job is taken up again.
        tracing::warn!(job.id = claimed.job.id.as_str(), "the end of an audit could not be kept: {error}");
    }
    if let Ok(Some(job)) = worker.app.store().jobs().find(&claimed.job.organization, &claimed.job.id).await
        && job.state.is_final()
    {
        worker.app.discard_files(&claimed.job.organization, &job).await;
    }
}

async fn certify(worker: &Worker, claimed: &Claimed, progress: Arc<CertifyProgress>) -> Result<String, Stopped> {
    let job = &claimed.job;
    let args: CertifyArgs = serde_json::from_value(job.args.clone()).map_err(AppError::internal)?;
    let file = fetch(&worker.app, claimed, &args.dataset).await?;
    let certificate = worker
        .app
        .certify(Certify {
            organization: &job.organization,
            job: job.id.clone(),
            lease: Some(&claimed.lease),
            request: args.request,
            dataset: file.path.clone(),
            dataset_name: args.dataset.name,
            progress,
        })
        .await?;
    tracing::info!(job.id = job.id.as_str(), certificate.id = certificate, "an audit was certified");
    Ok(certificate)
}

/// A file to read: the object itself, or a copy that goes when this is dropped.
struct Fetched {
    path: PathBuf,
    _copy: Option<tempfile::TempPath>,
}

async fn fetch(app: &App, claimed: &Claimed, file: &WorkFile) -> Result<Fetched, AppError> {
    let (organization, digest) = (&claimed.job.organization, file.digest()?);
    let missing = || AppError::internal(format!("the file {} of job {} is gone", file.sha256, claimed.job.id));
    if let Some(path) = app.store().blobs().local_path(organization, &digest).await? {
        return Ok(Fetched { path, _copy: None });
    }
    let copy = tempfile::Builder::new().prefix("job-").tempfile_in(app.spool()).map_err(AppError::internal)?;
    let copy = copy.into_temp_path();
    if !app.store().blobs().copy_to(organization, &digest, &copy).await? {
        return Err(missing());
    }
    Ok(Fetched { path: copy.to_path_buf(), _copy: Some(copy) })
}

/// Keeps the lease and tells the progress; returns once the run has to stop, with its flag set.
async fn beat(worker: &Worker, claimed: &Claimed, progress: &CertifyProgress) {
    let lease = Duration::try_from(worker.lease).unwrap_or(Duration::from_secs(30));
    let mut told = (String::new(), -1.0);
    let mut since = Duration::ZERO;
    loop {
        tokio::select! {
            () = worker.stopping.cancelled() => break,
            () = tokio::time::sleep(LOOK) => since += LOOK,
        }
        let now = progress.now();
        if now == told && since < lease / 3 {
            continue;
        }
        let beat = worker
            .app
            .store()
            .queue()
            .heartbeat(&claimed.lease, now.1, &now.0, worker.lease, worker.app.clock().now())
            .await;
        match beat {
            Ok(Beat::Continue) => (told, since) = (now, Duration::ZERO),
            Ok(Beat::Cancel) => break,
            Err(error) if error.is_transient() => {}
            Err(error) => {
                tracing::warn!(job.id = claimed.job.id.as_str(), "an audit is no longer ours: {error}");
                break;
            }
        }
    }
    progress.cancel_flag().cancel();
}

/// Ends the job without a certificate.
async fn end(worker: &Worker, claimed: &Claimed, stopped: Stopped) -> Result<(), AppError> {
    let (app, now) = (&worker.app, worker.app.clock().now());
    let mut unit = app.store().begin().await?;
    match stopped {
        Stopped::Cancelled if worker.stopping.is_cancelled() => unit.queue().give_back(&claimed.lease, now).await?,
        Stopped::Cancelled => {
            release(&mut unit, claimed, app).await?;
            unit.queue().cancelled(&claimed.lease, now).await?;
        }
        Stopped::Failed(AppError::Unprocessable(detail)) => {
            release(&mut unit, claimed, app).await?;
            let error = JobError { code: "unprocessable".to_owned(), detail };
            unit.queue().fail(&claimed.lease, &error, now).await?;
        }
        Stopped::Failed(error) => {
            tracing::error!(job.id = claimed.job.id.as_str(), "an audit failed: {error:#}");
            let told = JobError { code: error.code().to_owned(), detail: "internal error".to_owned() };
            let wait = SignedDuration::from_secs(RETRY_AFTER_S << claimed.job.attempts.min(6));
            let run_at = now.checked_add(wait).map_err(AppError::internal)?;
            unit.queue().retry(&claimed.lease, &told, run_at, now).await?;
        }
    }
    Ok(unit.commit().await?)
}

async fn release(unit: &mut Unit, claimed: &Claimed, app: &App) -> Result<(), AppError> {
    let now = app.clock().now();
    unit.blob_holds().release(&claimed.job.organization, claimed.job.id.as_str(), now).await?;
    Ok(())
}
