//! The job of an audit: fetch the files, run it. It ends its job itself, in the unit that issues the certificate.

use std::sync::Arc;

use assize_store::jobs::Job;
use futures::future::BoxFuture;

use super::work::{Done, Task, Work};
use crate::app::kinds::{CERTIFY, Kind};
use crate::app::{App, AppError, AuditFiles, CertifyArgs, Fetched, NamedFile, Stopped, WorkFile};

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
    let fetched = fetch(task.app, job, &args.dataset).await?;
    let dataset = NamedFile { path: fetched.path.clone(), name: args.dataset.name.clone() };
    let fetched_model = match &args.model {
        Some(file) => Some((fetch(task.app, job, file).await?, file.name.clone())),
        None => None,
    };
    let model = fetched_model.as_ref().map(|(file, name)| NamedFile { path: file.path.clone(), name: name.clone() });
    let certificate = task
        .app
        .certify(crate::app::Certify {
            organization: &job.organization,
            job: job.id.clone(),
            lease: Some(task.lease),
            request: args.request,
            files: AuditFiles { dataset, model },
            progress: Arc::clone(&task.progress),
        })
        .await?;
    tracing::info!(job.id = job.id.as_str(), certificate.id = certificate, "an audit was certified");
    Ok(Done::Completed)
}

async fn fetch(app: &App, job: &Job, file: &WorkFile) -> Result<Fetched, AppError> {
    let fetched = app.fetch_file(&job.organization, &file.digest()?).await?;
    fetched.ok_or_else(|| AppError::internal(format!("the file {} of job {} is gone", file.sha256, job.id)))
}
