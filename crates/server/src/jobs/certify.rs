//! The job of an audit: fetch the files, run it. It ends its job itself, in the unit that issues the certificate.

use std::path::PathBuf;
use std::sync::Arc;

use assize_store::jobs::Job;
use futures::future::BoxFuture;

use super::work::{Done, Task, Work};
use crate::app::kinds::{CERTIFY, Kind};
use crate::app::{App, AppError, AuditFiles, CertifyArgs, NamedFile, Stopped, WorkFile};

pub(super) struct Certify;

impl Work for Certify {
    fn kind(&self) -> &'static Kind {
        &CERTIFY
    }

    fn run<'a>(&'a self, task: &'a Task<'a>) -> BoxFuture<'a, Result<Done, Stopped>> {
        Box::pin(certify(task))
    }

    fn clear_up<'a>(&'a self, app: &'a App, job: &'a Job) -> BoxFuture<'a, ()> {
        Box::pin(app.discard_files(&job.organization, job))
    }
}

async fn certify(task: &Task<'_>) -> Result<Done, Stopped> {
    let job = task.job;
    let args: CertifyArgs = serde_json::from_value(job.args.clone()).map_err(AppError::internal)?;
    let dataset = fetch(task.app, job, &args.dataset).await?;
    let model = match &args.model {
        Some(file) => Some(fetch(task.app, job, file).await?),
        None => None,
    };
    let certificate = task
        .app
        .certify(crate::app::Certify {
            organization: &job.organization,
            job: job.id.clone(),
            lease: Some(task.lease),
            request: args.request,
            files: AuditFiles { dataset: dataset.named(), model: model.as_ref().map(Fetched::named) },
            progress: Arc::clone(&task.progress),
        })
        .await?;
    tracing::info!(job.id = job.id.as_str(), certificate.id = certificate, "an audit was certified");
    Ok(Done::Completed)
}

/// A file to read: the object itself, or a copy that goes when this is dropped.
struct Fetched {
    path: PathBuf,
    name: String,
    _copy: Option<tempfile::TempPath>,
}

impl Fetched {
    fn named(&self) -> NamedFile {
        NamedFile { path: self.path.clone(), name: self.name.clone() }
    }
}

async fn fetch(app: &App, job: &Job, file: &WorkFile) -> Result<Fetched, AppError> {
    let (organization, digest) = (&job.organization, file.digest()?);
    let missing = || AppError::internal(format!("the file {} of job {} is gone", file.sha256, job.id));
    if let Some(path) = app.store().blobs().local_path(organization, &digest).await? {
        return Ok(Fetched { path, name: file.name.clone(), _copy: None });
    }
    let copy = tempfile::Builder::new().prefix("job-").tempfile_in(app.spool()).map_err(AppError::internal)?;
    let copy = copy.into_temp_path();
    if !app.store().blobs().copy_to(organization, &digest, &copy).await? {
        return Err(missing());
    }
    Ok(Fetched { path: copy.to_path_buf(), name: file.name.clone(), _copy: Some(copy) })
}
