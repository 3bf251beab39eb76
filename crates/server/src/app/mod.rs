//! Operations of the product, HTTP-agnostic: the faces under `api/`, the dashboard, the jobs and the command line call
//! these and nothing else. Here the domain crates meet: `fairness` measures, `attestation` seals, `store` keeps.
//!
//! Reading order: [`request`] parses what is asked; [`audits`] accepts and follows audits; [`certify`] runs one;
//! [`certificates`] issues, shows and revokes; [`kinds`] and [`jobs`] are the work of any kind; [`once`] keeps requests
//! from being worked twice; [`transparency`] is the log; [`signing`] and [`keyring`] hold the key; [`vault`] seals what customers hand in;
//! [`interactions`] accepts, audits and keeps what assistants say; [`trail`] shows who did what; [`backup`], [`doctor`] and [`retention`] are for who runs it.
//! [`webhooks`] tells others of what happens.
//! Who may: [`caller`] says what a role allows; [`identity`], [`people`], [`keys`] and [`organizations`] say who is who.
//!
//! Invariants: an effect and the end of the job that causes it are one transaction; nothing is signed but under the
//! lock of the log; nothing of an uploaded file outlives its audit.

mod audits;
mod backup;
mod caller;
mod certificates;
mod certify;
mod doctor;
mod error;
mod fields;
mod figures;
mod identity;
mod interactions;
mod jobs;
mod keyring;
mod keys;
pub mod kinds;
mod model_files;
mod once;
mod organizations;
mod passwords;
mod people;
mod private_file;
mod progress;
mod random;
mod request;
mod retention;
mod secrets;
mod signing;
mod spool;
mod trail;
mod trail_file;
mod transparency;
mod vault;
mod webhooks;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use assize_store::{Store, StoreSettings};
use jiff::Timestamp;

pub use assize_store::idempotency::{Answer, KnownRequest};
pub use assize_store::jobs::{Job, JobError, JobFilter, JobState};
pub use assize_store::{DeliveryId, JobId, KeyId, KeyInterface, OrganizationId, Role, UserId, WebhookId};
pub use audits::{AuditOutcome, JobView, NewAudit, Upload};
pub use backup::{BackupReport, RestoreReport};
pub use caller::{Actor, Caller, Permission};
pub use certificates::{CertificateSummary, PublicCertificate};
pub use certify::{AuditFiles, Certify, CertifyArgs, NamedFile, Stopped, WorkFile};
pub use doctor::{Diagnosis, DiagnosisCheck, DiagnosisOutcome};
pub use error::{AppError, FieldProblem};
pub use fields::{EMAIL_BYTES_MAX, NAME_CHARS_MAX};
pub(crate) use fields::{FieldProblems, email as parse_email, name as parse_name};
pub use figures::Figures;
pub use identity::{NewSession, SignedIn};
pub use interactions::{
    Accepted, AccountRecord, BatchLine, CheckOptions, Checked, ComplianceStatus, Content, Findings, InteractionFilter,
    InteractionRecord, InteractionState, InteractionTally, LABEL_CHARS_MAX, LedgerLine, LogPage, LogQuery, NamedLine,
    OpenedInteraction, Plan, PlanChange, RestoreKey, SavedView, Side, Submission, SubmissionId, UsageReport, UsageSums,
    country_code, id_of, status_name,
};
pub use keys::{IssuedKey, KeyRecord, NewKey, OVERLAP_HOURS_MAX};
pub use once::{NamedRequest, Once};
pub use organizations::{FirstStart, OrganizationRecord};
pub use people::{Acceptance, InvitationPurpose, InvitationRecord, IssuedInvitation, MemberRecord};
pub use progress::JobProgress;
pub use random::{Random, RandomUnavailable, SystemRandom};
pub use request::{AuditRequest, Fields, TEXT_FIELDS};
pub use retention::{RetentionKind, RetentionReport};
pub use secrets::Token;
pub use trail_file::{TrailFileError, TrailReport, verify_trail_file};
pub use transparency::{ConsistencyProof, InclusionProof, LogEntryView};
pub(crate) use vault::Fetched;
pub use vault::{Place, Sealing, Vault};
pub(crate) use webhooks::WebhookWork;
pub use webhooks::{
    DeliveryRecord, DeliveryState, IssuedWebhook, NewWebhook, WEBHOOKS_MAX, WebhookChange, WebhookEvent, WebhookRecord,
};

use crate::clock::Clock;
use crate::config::Config;
use crate::metrics::Metrics;
use crate::outgoing::narrative::Narrator;
use signing::Signing;
use spool::Spool;

/// Everything that operations need; a clone is a pointer.
#[derive(Clone)]
pub struct App(Arc<Inner>);

struct Inner {
    config: Config,
    store: Store,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    signing: Signing,
    vault: Arc<Vault>,
    spool: Spool,
    metrics: Metrics,
    started_at: Timestamp,
    narrator: Option<Narrator>,
    judge: Option<interactions::Judge>,
    running: progress::Running,
    checked: certificates::CheckedCertificates,
    remembered_keys: keys::RememberedKeys,
    password_work: passwords::PasswordWork,
    model_files: model_files::ModelFiles,
    interactions: interactions::Interactions,
}

impl App {
    /// Opens the home (made when it is new), the database (brought to this version's schema), the signing key and
    /// the master key (made at the first start).
    ///
    /// # Errors
    /// When one of them cannot be used; the text says which and what to change.
    pub async fn open(config: Config, clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Result<Self, AppError> {
        let home = config.storage.home.clone();
        prepare_home(&home).map_err(AppError::Internal)?;
        let spool = Spool::open(&home, random.as_ref()).map_err(AppError::Internal)?;
        let store = Store::open(&store_settings(&config, true)?, clock.now()).await?;
        warn_of_a_clock_set_back(&store, clock.as_ref()).await?;
        let signing = Signing::open(&config, &store, clock.as_ref(), random.as_ref()).await?;
        let vault = Arc::new(Vault::open(&config, &store, &clock, &random).await?);
        let narrator = Narrator::from_config(&config.narrative);
        let judge = interactions::Judge::from_config(&config.judge);
        let (metrics, started_at) = (Metrics::default(), clock.now());
        let model_files = model_files::ModelFiles::new(config.worker.concurrency);
        Ok(Self(Arc::new(Inner {
            config,
            store,
            clock,
            random,
            signing,
            vault,
            spool,
            metrics,
            started_at,
            narrator,
            judge,
            running: progress::Running::default(),
            checked: certificates::CheckedCertificates::default(),
            remembered_keys: keys::RememberedKeys::default(),
            password_work: passwords::PasswordWork::default(),
            model_files,
            interactions: interactions::Interactions::default(),
        })))
    }

    /// Brings the database to this version's schema and answers the version.
    ///
    /// # Errors
    /// When the database does not answer or was migrated by a later version.
    pub async fn migrate(config: &Config, clock: &dyn Clock) -> Result<u64, AppError> {
        prepare_home(&config.storage.home).map_err(AppError::Internal)?;
        let store = Store::open(&store_settings(config, true)?, clock.now()).await?;
        Ok(store.schema_version().await?)
    }

    /// The configuration it was opened with.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.0.config
    }

    /// The clock it was opened with.
    #[must_use]
    pub fn clock(&self) -> &dyn Clock {
        self.0.clock.as_ref()
    }

    /// Folder of this process for files that are being received or read.
    #[must_use]
    pub fn spool(&self) -> PathBuf {
        self.0.spool.folder().to_path_buf()
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// `Unavailable` when it does not.
    pub async fn check_database(&self) -> Result<(), AppError> {
        self.0.store.schema_version().await?;
        Ok(())
    }

    /// Whether objects can be written, read and deleted.
    ///
    /// # Errors
    /// `Unavailable` when they cannot.
    pub async fn check_objects(&self) -> Result<(), AppError> {
        let mut nonce = [0; 16];
        self.0.random.fill(&mut nonce).map_err(AppError::internal)?;
        Ok(self.0.store.blobs().check(nonce).await?)
    }

    /// Closes the database once what runs on it has ended.
    pub async fn close(&self) {
        self.0.store.close().await;
    }

    pub(crate) fn store(&self) -> &Store {
        &self.0.store
    }

    fn new_job_id(&self) -> Result<JobId, AppError> {
        Ok(JobId::new(self.0.clock.now(), self.id_bytes()?))
    }
}

/// Work goes on under a clock that was set back: nothing that was written is touched, signatures are never dated before
/// their key. But leases and retention follow the clock, so somebody should look.
async fn warn_of_a_clock_set_back(store: &Store, clock: &dyn Clock) -> Result<(), AppError> {
    let now = clock.now();
    if let Some(newest) = store.last_written_at().await?
        && newest.duration_since(now) > doctor::CLOCK_BEHIND_MAX
    {
        tracing::warn!("the clock says {now}, but something was written at {newest}: was it set back?");
    }
    Ok(())
}

/// Refuses whoever does not command the whole installation. What concerns the installation as a whole stands in the
/// audit trail of the public organization, which belongs to whoever runs it.
fn installation_wide(caller: &Caller) -> Result<(), AppError> {
    caller.require(Permission::Own)?;
    if caller.organization == OrganizationId::public() { Ok(()) } else { Err(AppError::Forbidden) }
}

/// Makes the folder of a home, for the owner's eyes only.
fn prepare_home(home: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    let make = |folder: &Path| {
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .with_context(|| format!("the folder {} cannot be made; choose another with --home", folder.display()))
    };
    make(home)
}

fn store_settings(config: &Config, migrate: bool) -> Result<StoreSettings, AppError> {
    let home = std::path::absolute(&config.storage.home).map_err(AppError::internal)?;
    let home = home
        .to_str()
        .ok_or_else(|| AppError::Unprocessable("storage.home: the path is not UTF-8; choose another".to_owned()))?;
    let database_url = match &config.storage.database_url {
        Some(url) => url.expose().to_owned(),
        None => format!("sqlite://{home}/assize.db"),
    };
    let objects_url = config.storage.objects_url.clone().unwrap_or_else(|| format!("file://{home}/objects"));
    Ok(StoreSettings { database_url, objects_url, object_options: config.storage.object_options(), migrate })
}
