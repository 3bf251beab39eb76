//! Running one audit: read and check, commit to the run in the log, measure, tell, issue.
//!
//! The commitment is made between the checks and the measurement: a request that is refused leaves nothing in the log,
//! and nothing has been measured when the choices are fixed in public.

use std::path::{Path, PathBuf};

use assize_attestation::{Commitment, Envelope, ResourceDescriptor, Statement};
use assize_fairness::narrative::{Narrative, NarrativeStatus};
use assize_fairness::{AuditInput, AuditSettings, MODEL_MISSING, Measured, ModelInput, Watch, narrative};
use assize_store::queue::Lease;
use assize_store::{Digest, JobId, OrganizationId};
use assize_tables::{Dataset, ReadOptions};
use serde::{Deserialize, Serialize};

use super::App;
use super::audits::{NewAudit, blocking, threads};
use super::certificates::Issue;
use super::error::AppError;
use super::model_files::{self, look_at, open_model};
use super::progress::JobProgress;
use super::request::AuditRequest;

/// What the job of an audit is told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CertifyArgs {
    /// What to audit and how.
    pub request: AuditRequest,
    /// The data.
    pub dataset: WorkFile,
    /// The model, when one was sent.
    pub model: Option<WorkFile>,
}

/// A kept file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkFile {
    /// Its name among the blobs.
    pub sha256: String,
    /// File name as sent.
    pub name: String,
    /// Its length.
    pub bytes: u64,
}

impl WorkFile {
    /// Its name among the blobs.
    pub(crate) fn digest(&self) -> Result<Digest, AppError> {
        Digest::parse(&self.sha256).ok_or_else(|| AppError::internal(format!("{:?} is no digest", self.sha256)))
    }
}

impl CertifyArgs {
    /// The data and the model.
    pub(super) fn files(&self) -> impl Iterator<Item = &WorkFile> {
        std::iter::once(&self.dataset).chain(&self.model)
    }
}

/// Why work ended without a result.
#[derive(Debug, thiserror::Error)]
pub enum Stopped {
    /// It was asked to stop.
    #[error("the work was cancelled")]
    Cancelled,
    /// It could not go on.
    #[error(transparent)]
    Failed(#[from] AppError),
}

/// A file to read, under the name that the certificate gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedFile {
    /// Where it lies.
    pub path: PathBuf,
    /// Its name without folders.
    pub name: String,
}

/// The files of an audit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditFiles {
    /// The data.
    pub dataset: NamedFile,
    /// The model, when one was handed in.
    pub model: Option<NamedFile>,
}

/// One audit to run.
pub struct Certify<'a> {
    /// For whom.
    pub organization: &'a OrganizationId,
    /// The job, or an id of its own for an audit without a queue.
    pub job: JobId,
    /// The right to end the job.
    pub lease: Option<&'a Lease>,
    /// What to audit and how.
    pub request: AuditRequest,
    /// The data and the model.
    pub files: AuditFiles,
    /// Shared with who tells about it.
    pub progress: std::sync::Arc<JobProgress>,
}

/// What was measured under which commitment.
struct Run {
    measured: Measured,
    commitment_index: u64,
}

impl App {
    /// Runs an audit to its certificate and answers the id.
    ///
    /// # Errors
    /// [`Stopped`]: cancelled, or what could not be done.
    pub async fn certify(&self, audit: Certify<'_>) -> Result<String, Stopped> {
        let settings = settings(self, &audit.request);
        let (app, files) = (self.clone(), audit.files);
        let progress = std::sync::Arc::clone(&audit.progress);
        let handle = tokio::runtime::Handle::current();
        let run = blocking(move || measure(&app, &handle, &files, &settings, progress.as_ref())).await??;
        audit.progress.step("narrative", 0.97);
        let narrative = self.narrate(&run.measured).await;
        audit.progress.step("issue", 0.99);
        if audit.progress.cancel_flag().is_cancelled() {
            return Err(Stopped::Cancelled);
        }
        let issue = Issue {
            organization: audit.organization,
            job: &audit.job,
            lease: audit.lease,
            request: &audit.request,
            measured: run.measured,
            narrative,
            commitment_index: run.commitment_index,
        };
        Ok(self.issue_certificate(issue).await?)
    }

    /// An id for an audit that runs without a queue.
    ///
    /// # Errors
    /// When there is no entropy.
    pub fn unqueued_job_id(&self) -> Result<JobId, AppError> {
        self.new_job_id()
    }

    /// Puts the promise of a run into the log.
    async fn commit_to(
        &self,
        subject: Vec<ResourceDescriptor>,
        parameters: serde_json::Value,
    ) -> Result<u64, AppError> {
        let mut unit = self.store().begin().await?;
        let (key, now) = self.0.signing.key(&mut unit, self.clock()).await?;
        let statement = Statement::commitment(&Commitment {
            subject,
            parameters,
            assize_version: env!("CARGO_PKG_VERSION").to_owned(),
            committed_at: now,
        });
        let envelope = Envelope::sign(&statement, &key).map_err(AppError::internal)?;
        let logged = self.append(&mut unit, &key, &envelope, now).await?;
        unit.commit().await?;
        Ok(logged.leaf_index)
    }

    /// Asks the configured language model, if there is one, and keeps its text only when every number in it was
    /// measured. `None` leaves the deterministic text.
    async fn narrate(&self, measured: &Measured) -> Option<Narrative> {
        let narrator = self.0.narrator.as_ref()?;
        let failed = |note: String| {
            tracing::warn!("the narrative service was of no use: {note}");
            Some(narrative::template(measured).with_status(NarrativeStatus::Error, Some(note)))
        };
        let answer = match narrator.narrate(&narrative::prompt(measured)).await {
            Ok(answer) => answer,
            Err(error) => return failed(error.to_string()),
        };
        match narrative::check(&answer, measured) {
            Ok(checked) => Some(checked.into_narrative(narrator.model(), measured)),
            Err(rejection) => failed(rejection.to_string()),
        }
    }
}

/// Looks at the files before the audit is accepted: what a header tells, and whether the model can be opened, need not
/// wait for a worker.
pub(super) async fn check_before_accepting(app: &App, new: NewAudit) -> Result<NewAudit, AppError> {
    let settings = settings(app, &new.request);
    let look = match &new.model {
        Some(_) => Some(app.0.model_files.look().await?),
        None => None,
    };
    let app = app.clone();
    blocking(move || {
        let dataset = open(&new.dataset.path, &new.dataset.name, settings.threads, Missing::Usual)?;
        assize_fairness::check_request(&dataset, &settings).map_err(|error| unprocessable(&error))?;
        if let Some(upload) = &new.model {
            let opened = look_at(&app, upload)?;
            let fits = assize_fairness::check_model(&dataset, &settings, &opened.model);
            fits.map_err(|error| unprocessable(&error))?;
        }
        drop(look);
        Ok(new)
    })
    .await?
}

/// Reads, checks, commits and measures; on the blocking pool.
fn measure(
    app: &App,
    handle: &tokio::runtime::Handle,
    files: &AuditFiles,
    settings: &AuditSettings,
    watch: &JobProgress,
) -> Result<Run, Stopped> {
    watch.step("reading", 0.0);
    let dataset = open(&files.dataset.path, &files.dataset.name, settings.threads, Missing::Usual)?;
    let sha256 = dataset.sha256(watch.cancel()).map_err(refused)?;
    let mut subject = vec![ResourceDescriptor::sha256(dataset.name(), &sha256)];
    let opened = match &files.model {
        Some(file) => {
            let rows = open(&files.dataset.path, &files.dataset.name, settings.threads, Missing::Empty)?;
            Some((open_model(app, &file.path, &file.name, watch.cancel())?, rows))
        }
        None => None,
    };
    let model = opened.as_ref().map(|(opened, rows)| {
        subject.push(ResourceDescriptor::sha256(&opened.name, &opened.sha256));
        ModelInput { predictor: &opened.model, name: &opened.name, sha256: &opened.sha256, rows }
    });
    let input = AuditInput { dataset: &dataset, dataset_sha256: &sha256, model: model.as_ref() };
    let prepared = assize_fairness::prepare(&input, settings, watch).map_err(stopped)?;
    let commitment_index = handle.block_on(app.commit_to(subject, prepared.commitment()))?;
    let measured = prepared.measure(watch).map_err(stopped)?;
    Ok(Run { measured, commitment_index })
}

/// Which cells of the data count as missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Missing {
    /// Empty ones and the usual spellings.
    Usual,
    /// Empty ones only, as for rows that a model is asked about.
    Empty,
}

fn open(path: &Path, name: &str, threads: usize, missing: Missing) -> Result<Dataset, AppError> {
    let mut options = ReadOptions { threads, ..ReadOptions::default() };
    if missing == Missing::Empty {
        options.missing = MODEL_MISSING.map(str::to_owned).to_vec();
    }
    let dataset = Dataset::open(path, &options).map_err(|error| AppError::Unprocessable(error.to_string()))?;
    Ok(dataset.with_name(name))
}

fn settings(app: &App, request: &AuditRequest) -> AuditSettings {
    let protected: Vec<&str> = request.protected_attributes.iter().map(String::as_str).collect();
    AuditSettings {
        positive_label: request.positive_label.clone(),
        prediction_column: request.prediction_column.clone(),
        score_column: request.score_column.clone(),
        weight_column: request.sample_weight.clone(),
        age_bins: request.age_bins.clone(),
        reference_groups: request.reference_group.clone(),
        thresholds: request.thresholds.clone(),
        strata: request.strata.clone(),
        seed: request.seed.unwrap_or(app.config().passport.audit_seed),
        threads: threads(app),
        assize_version: env!("CARGO_PKG_VERSION").to_owned(),
        ..AuditSettings::new(&request.target_column, &protected, &request.domain)
    }
}

/// What is wrong with the data or the request is for the user to mend.
fn unprocessable(error: &assize_fairness::Error) -> AppError {
    AppError::Unprocessable(error.to_string())
}

fn stopped(error: assize_fairness::Error) -> Stopped {
    match error {
        assize_fairness::Error::Cancelled(_) => Stopped::Cancelled,
        assize_fairness::Error::Model(error) => model_files::refused(error),
        error => Stopped::Failed(unprocessable(&error)),
    }
}

fn refused(error: assize_tables::Error) -> Stopped {
    stopped(assize_fairness::Error::from(error))
}
