//! The [`Store`], its transactions ([`Unit`]), and the wait for changed jobs.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::watch;

use crate::api_keys::ApiKeys;
use crate::audit_trail::{AuditTrail, AuditWriter};
use crate::backend::query::sql;
use crate::backend::{Db, On, Signal, Tx, dialect, migrate, unavailable};
use crate::blobs::{BlobHolds, Blobs};
use crate::certificates::{CertificateNumbers, Certificates};
use crate::data_keys::{DataKeyWriter, DataKeys};
use crate::error::Error;
use crate::idempotency::{Idempotency, IdempotencyWriter};
use crate::interaction_accounts::{InteractionAccountWriter, InteractionAccounts};
use crate::interaction_queue::{InteractionQueue, InteractionQueueWriter};
use crate::interaction_usage::InteractionUsage;
use crate::interactions::{InteractionWriter, Interactions};
use crate::invitations::Invitations;
use crate::jobs::Jobs;
use crate::log::{Log, LogWriter};
use crate::objects::Objects;
use crate::organizations::Organizations;
use crate::queue::Queue;
use crate::rate_limits::RateLimits;
use crate::retention::Retention;
use crate::saved_views::SavedViews;
use crate::schedules::Schedules;
use crate::sessions::{Sessions, SignInFailures};
use crate::signing_keys::SigningKeys;
use crate::trail_checkpoints::TrailCheckpoints;
use crate::users::Users;
use crate::webhooks::{WebhookWriter, Webhooks};

/// Where things are kept.
#[derive(Clone, PartialEq, Eq)]
pub struct StoreSettings {
    /// `sqlite:///path/to/file` or `postgres://user:password@host/database`.
    pub database_url: String,
    /// A folder (`file:///path` or a plain path), `s3://bucket/prefix`, `gs://bucket/prefix` or `az://container/prefix`.
    pub objects_url: String,
    /// Settings of an object store over the network by object_store's names, e.g. `aws_endpoint`.
    pub object_options: Vec<(String, String)>,
    /// Whether opening brings the schema forward; otherwise an old schema is refused.
    pub migrate: bool,
}

/// Leaves out the URL and the options, which may hold a password.
impl fmt::Debug for StoreSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = self.database_url.split_once(':').map_or("", |(scheme, _)| scheme);
        f.debug_struct("StoreSettings").field("database", &scheme).field("migrate", &self.migrate).finish()
    }
}

/// Everything durable. Clones share the connections.
///
/// Accessors of a store run each statement by itself. What must happen together goes through a [`Unit`], and some
/// things (numbers, log appends, audit rows, holds) can only be done there.
#[derive(Clone)]
pub struct Store(Arc<Parts>);

struct Parts {
    db: Db,
    objects: Objects,
}

/// A transaction. Nothing of it is kept until [`Unit::commit`]; dropping it rolls back.
///
/// On SQLite a unit keeps every other writer waiting, so do the slow work first. While holding one, write through it
/// only: a write through the [`Store`] beside it would wait for the unit and then give up.
pub struct Unit {
    store: Store,
    tx: Tx,
}

/// The connections of a process to its database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolState {
    /// Open now.
    pub open: u32,
    /// Of these, waiting for work.
    pub idle: u32,
    /// The most that are opened.
    pub open_max: u32,
}

/// A subscription to changes of jobs: enqueued, taken back, cancelled, ended. Progress is not among them.
pub struct JobsChanged(watch::Receiver<u64>);

/// A subscription to submitted interactions.
pub struct InteractionsSubmitted(watch::Receiver<u64>);

impl Store {
    /// Connects, brings the schema forward if the settings say so, and refuses one that is not this program's.
    pub async fn open(settings: &StoreSettings, now: Timestamp) -> Result<Self, Error> {
        let objects = Objects::open(&settings.objects_url, &settings.object_options)?;
        let db = Db::connect(&settings.database_url).await?;
        let store = Self::from_parts(db, objects);
        if settings.migrate {
            store.migrate(now).await?;
        } else {
            migrate::check(&store.0.db).await?;
        }
        Ok(store)
    }

    /// Brings the schema to this program's version and makes sure that the public organization exists.
    pub async fn migrate(&self, now: Timestamp) -> Result<(), Error> {
        migrate::run(&self.0.db, now).await
    }

    /// The schema version of the database; also the cheapest way to ask whether it answers.
    pub async fn schema_version(&self) -> Result<u64, Error> {
        migrate::version(&mut self.on()).await
    }

    /// The schema version this program needs.
    #[must_use]
    pub fn schema_version_known() -> u64 {
        migrate::version_known()
    }

    /// Opens a transaction.
    pub async fn begin(&self) -> Result<Unit, Error> {
        Ok(Unit { tx: self.0.db.begin().await?, store: self.clone() })
    }

    /// Subscribes to changes of jobs, in this process and, on PostgreSQL, in all others. All subscriptions of a process
    /// share one connection.
    pub async fn subscribe_jobs(&self) -> Result<JobsChanged, Error> {
        self.0.db.subscribe(Signal::Jobs).await.map(JobsChanged)
    }

    /// Subscribes to submitted interactions, in this process and, on PostgreSQL, in all others.
    pub async fn subscribe_interactions(&self) -> Result<InteractionsSubmitted, Error> {
        self.0.db.subscribe(Signal::Interactions).await.map(InteractionsSubmitted)
    }

    /// Whether several processes may work on this database at once.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.0.db.is_postgres()
    }

    /// The time that all processes of this database agree on: the server's on PostgreSQL, elsewhere the caller's own.
    pub async fn shared_time(&self, own: Timestamp) -> Result<Timestamp, Error> {
        if !self.is_shared() {
            return Ok(own);
        }
        let row = self.on().read_one(dialect::time_of_the_server()).await?;
        row.ok_or_else(|| Error::corrupt("the database told no time"))?.time("at")
    }

    /// Makes what was overwritten or deleted go from the files of an embedded database too: its log is folded in and
    /// emptied. On PostgreSQL that is the server's business.
    pub async fn settle(&self) -> Result<(), Error> {
        self.0.db.settle().await
    }

    /// How the connections stand.
    #[must_use]
    pub fn pool(&self) -> PoolState {
        self.0.db.pool()
    }

    /// Closes all connections, once what runs on them has ended.
    pub async fn close(&self) {
        self.0.db.close().await;
    }

    fn on(&self) -> On<'_> {
        On::Db(&self.0.db)
    }

    pub(crate) fn from_parts(db: Db, objects: Objects) -> Self {
        Self(Arc::new(Parts { db, objects }))
    }

    pub(crate) fn db(&self) -> &Db {
        &self.0.db
    }

    pub(crate) fn objects(&self) -> &Objects {
        &self.0.objects
    }

    /// The organizations.
    #[must_use]
    pub fn organizations(&self) -> Organizations<'_> {
        Organizations::on(self.on())
    }

    /// The people.
    #[must_use]
    pub fn users(&self) -> Users<'_> {
        Users::on(self.on())
    }

    /// The open invitations.
    #[must_use]
    pub fn invitations(&self) -> Invitations<'_> {
        Invitations::on(self.on())
    }

    /// The sessions of signed-in people.
    #[must_use]
    pub fn sessions(&self) -> Sessions<'_> {
        Sessions::on(self.on())
    }

    /// What was tried in vain at sign-in.
    #[must_use]
    pub fn sign_in_failures(&self) -> SignInFailures<'_> {
        SignInFailures::on(self.on())
    }

    /// The API keys.
    #[must_use]
    pub fn api_keys(&self) -> ApiKeys<'_> {
        ApiKeys::on(self.on())
    }

    /// Jobs as their organization sees them.
    #[must_use]
    pub fn jobs(&self) -> Jobs<'_> {
        Jobs::on(self.on())
    }

    /// Jobs as workers see them.
    #[must_use]
    pub fn queue(&self) -> Queue<'_> {
        Queue::on(self.on())
    }

    /// Plans, balances and the ledger of interactions.
    #[must_use]
    pub fn interaction_accounts(&self) -> InteractionAccounts<'_> {
        InteractionAccounts::on(self.on())
    }

    /// Interactions as their organization sees them.
    #[must_use]
    pub fn interactions(&self) -> Interactions<'_> {
        Interactions::on(self.on())
    }

    /// Interactions as workers see them, to be read without taking them.
    #[must_use]
    pub fn interaction_queue(&self) -> InteractionQueue<'_> {
        InteractionQueue::on(self.on())
    }

    /// What of interactions is counted.
    #[must_use]
    pub fn interaction_usage(&self) -> InteractionUsage<'_> {
        InteractionUsage::on(self.on())
    }

    /// Filters that people keep under a name.
    #[must_use]
    pub fn saved_views(&self) -> SavedViews<'_> {
        SavedViews::on(self.on())
    }

    /// Recurring work.
    #[must_use]
    pub fn schedules(&self) -> Schedules<'_> {
        Schedules::on(self.on())
    }

    /// How much everybody has asked lately.
    #[must_use]
    pub fn rate_limits(&self) -> RateLimits<'_> {
        RateLimits::on(self.on())
    }

    /// Requests that were answered once and are not worked again.
    #[must_use]
    pub fn idempotency(&self) -> Idempotency<'_> {
        Idempotency::on(self.on())
    }

    /// Uploaded files and rendered documents.
    #[must_use]
    pub fn blobs(&self) -> Blobs<'_> {
        Blobs::on(self.on(), &self.0.objects)
    }

    /// The certificates.
    #[must_use]
    pub fn certificates(&self) -> Certificates<'_> {
        Certificates::on(self.on())
    }

    /// The transparency log, to be read.
    #[must_use]
    pub fn log(&self) -> Log<'_> {
        Log::on(self.on())
    }

    /// The public halves of the signing keys.
    #[must_use]
    pub fn signing_keys(&self) -> SigningKeys<'_> {
        SigningKeys::on(self.on())
    }

    /// How long organizations keep what.
    #[must_use]
    pub fn retention(&self) -> Retention<'_> {
        Retention::on(self.on())
    }

    /// When the newest job, log entry, audit row or charge was written, by the clock of then.
    pub async fn last_written_at(&self) -> Result<Option<Timestamp>, Error> {
        let select = sql("SELECT MAX(at) AS at FROM (
                 SELECT MAX(created_at) AS at FROM log_leaves UNION ALL SELECT MAX(created_at) AS at FROM jobs
                 UNION ALL SELECT MAX(at) AS at FROM audit_trail
                 UNION ALL SELECT MAX(updated_at) AS at FROM interaction_accounts) AS times");
        let row = self.on().read_one(select).await?;
        row.map_or(Ok(None), |row| row.time_or_none("at"))
    }

    /// Which heads of the audit trails are in the log.
    #[must_use]
    pub fn trail_checkpoints(&self) -> TrailCheckpoints<'_> {
        TrailCheckpoints::on(self.on())
    }

    /// The wrapped keys of data at rest, to be read.
    #[must_use]
    pub fn data_keys(&self) -> DataKeys<'_> {
        DataKeys::on(self.on())
    }

    /// Webhooks and their deliveries, to be read.
    #[must_use]
    pub fn webhooks(&self) -> Webhooks<'_> {
        Webhooks::on(self.on())
    }

    /// The audit trail, to be read.
    #[must_use]
    pub fn audit_trail(&self) -> AuditTrail<'_> {
        AuditTrail::on(self.on())
    }
}

impl Unit {
    /// Makes everything written through this unit durable, at once.
    pub async fn commit(self) -> Result<(), Error> {
        self.tx.commit(&self.store.0.db).await
    }

    /// Undoes everything, and waits until it is undone. Dropping does the same without waiting.
    pub async fn rollback(self) -> Result<(), Error> {
        self.tx.rollback().await
    }

    fn on(&mut self) -> On<'_> {
        On::Tx(&mut self.tx)
    }

    /// The organizations.
    #[must_use]
    pub fn organizations(&mut self) -> Organizations<'_> {
        Organizations::on(self.on())
    }

    /// The people.
    #[must_use]
    pub fn users(&mut self) -> Users<'_> {
        Users::on(self.on())
    }

    /// The open invitations.
    #[must_use]
    pub fn invitations(&mut self) -> Invitations<'_> {
        Invitations::on(self.on())
    }

    /// The sessions of signed-in people.
    #[must_use]
    pub fn sessions(&mut self) -> Sessions<'_> {
        Sessions::on(self.on())
    }

    /// What was tried in vain at sign-in.
    #[must_use]
    pub fn sign_in_failures(&mut self) -> SignInFailures<'_> {
        SignInFailures::on(self.on())
    }

    /// The API keys.
    #[must_use]
    pub fn api_keys(&mut self) -> ApiKeys<'_> {
        ApiKeys::on(self.on())
    }

    /// Jobs as their organization sees them.
    #[must_use]
    pub fn jobs(&mut self) -> Jobs<'_> {
        Jobs::on(self.on())
    }

    /// Jobs as workers see them.
    #[must_use]
    pub fn queue(&mut self) -> Queue<'_> {
        Queue::on(self.on())
    }

    /// Plans, balances and the ledger of interactions, to be read.
    #[must_use]
    pub fn interaction_accounts(&mut self) -> InteractionAccounts<'_> {
        InteractionAccounts::on(self.on())
    }

    /// Plans, balances and the ledger of interactions, to be changed.
    #[must_use]
    pub fn interaction_account_writer(&mut self) -> InteractionAccountWriter<'_> {
        InteractionAccountWriter::on(self.on())
    }

    /// Interactions as their organization sees them.
    #[must_use]
    pub fn interactions(&mut self) -> Interactions<'_> {
        Interactions::on(self.on())
    }

    /// New interactions.
    #[must_use]
    pub fn interaction_writer(&mut self) -> InteractionWriter<'_> {
        InteractionWriter::on(self.on())
    }

    /// Interactions as workers see them; what is read here is this unit's to finish.
    #[must_use]
    pub fn interaction_queue(&mut self) -> InteractionQueue<'_> {
        InteractionQueue::on(self.on())
    }

    /// How audits of interactions go and end.
    #[must_use]
    pub fn interaction_queue_writer(&mut self) -> InteractionQueueWriter<'_> {
        InteractionQueueWriter::on(self.on())
    }

    /// What of interactions is counted.
    #[must_use]
    pub fn interaction_usage(&mut self) -> InteractionUsage<'_> {
        InteractionUsage::on(self.on())
    }

    /// Filters that people keep under a name.
    #[must_use]
    pub fn saved_views(&mut self) -> SavedViews<'_> {
        SavedViews::on(self.on())
    }

    /// Recurring work.
    #[must_use]
    pub fn schedules(&mut self) -> Schedules<'_> {
        Schedules::on(self.on())
    }

    /// Requests that were answered once, to be looked up.
    #[must_use]
    pub fn idempotency(&mut self) -> Idempotency<'_> {
        Idempotency::on(self.on())
    }

    /// Requests that are being worked, to be claimed in the transaction of their effect.
    #[must_use]
    pub fn idempotency_writer(&mut self) -> IdempotencyWriter<'_> {
        IdempotencyWriter::on(self.on())
    }

    /// Who needs which blob.
    #[must_use]
    pub fn blob_holds(&mut self) -> BlobHolds<'_> {
        BlobHolds::on(self.on())
    }

    /// The certificates.
    #[must_use]
    pub fn certificates(&mut self) -> Certificates<'_> {
        Certificates::on(self.on())
    }

    /// The counters that number certificates.
    #[must_use]
    pub fn certificate_numbers(&mut self) -> CertificateNumbers<'_> {
        CertificateNumbers::on(self.on())
    }

    /// The transparency log, to be read.
    #[must_use]
    pub fn log(&mut self) -> Log<'_> {
        Log::on(self.on())
    }

    /// The transparency log, to be written.
    #[must_use]
    pub fn log_writer(&mut self) -> LogWriter<'_> {
        LogWriter::on(self.on())
    }

    /// The public halves of the signing keys.
    #[must_use]
    pub fn signing_keys(&mut self) -> SigningKeys<'_> {
        SigningKeys::on(self.on())
    }

    /// How long organizations keep what.
    #[must_use]
    pub fn retention(&mut self) -> Retention<'_> {
        Retention::on(self.on())
    }

    /// Which heads of the audit trails are in the log.
    #[must_use]
    pub fn trail_checkpoints(&mut self) -> TrailCheckpoints<'_> {
        TrailCheckpoints::on(self.on())
    }

    /// The wrapped keys of data at rest, to be read.
    #[must_use]
    pub fn data_keys(&mut self) -> DataKeys<'_> {
        DataKeys::on(self.on())
    }

    /// The wrapped keys of data at rest, to be written.
    #[must_use]
    pub fn data_key_writer(&mut self) -> DataKeyWriter<'_> {
        DataKeyWriter::on(self.on())
    }

    /// Webhooks and their deliveries, to be read.
    #[must_use]
    pub fn webhooks(&mut self) -> Webhooks<'_> {
        Webhooks::on(self.on())
    }

    /// Webhooks and their deliveries, to be written.
    #[must_use]
    pub fn webhook_writer(&mut self) -> WebhookWriter<'_> {
        WebhookWriter::on(self.on())
    }

    /// The audit trail, to be read.
    #[must_use]
    pub fn audit_trail(&mut self) -> AuditTrail<'_> {
        AuditTrail::on(self.on())
    }

    /// The audit trail, to be written.
    #[must_use]
    pub fn audit_writer(&mut self) -> AuditWriter<'_> {
        AuditWriter::on(self.on())
    }
}

impl JobsChanged {
    /// Whether there was a change since the subscription or the last word of one; does not wait.
    pub fn take_changed(&mut self) -> bool {
        let changed = self.0.has_changed().unwrap_or(false);
        if changed {
            self.0.mark_unchanged();
        }
        changed
    }

    /// Waits for a change since the subscription or the last call. May return without one, after a lost connection; and
    /// what other processes change while the connection is lost wakes nobody, so look again after some seconds anyway.
    /// An error says that the store is gone.
    pub async fn changed(&mut self) -> Result<(), Error> {
        self.0.changed().await.map_err(|closed| unavailable("waiting for jobs to change", closed))
    }
}

impl InteractionsSubmitted {
    /// Waits until interactions were submitted since the subscription or the last call. May return without any, and may
    /// miss some while a connection is lost, so look again after some seconds anyway. An error says that the store is
    /// gone.
    pub async fn submitted(&mut self) -> Result<(), Error> {
        self.0.changed().await.map_err(|closed| unavailable("waiting for interactions", closed))
    }
}
