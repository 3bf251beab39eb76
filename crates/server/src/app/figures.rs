//! Numbers about the installation that monitoring asks for: jobs, the log, the connections. Of all organizations
//! together, and nothing of any of them.

use assize_store::PoolState;
use assize_store::queue::JobCount;
use jiff::Timestamp;

use super::App;
use super::error::AppError;
use crate::metrics::Metrics;

/// How the installation stands, as far as the database tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figures {
    /// Jobs by kind, state and whether they are dead letters.
    pub jobs: Vec<JobCount>,
    /// When the job became due that waits longest for a worker.
    pub oldest_due: Option<Timestamp>,
    /// Entries of the transparency log.
    pub log_entries: u64,
    /// Interactions that wait for their audit.
    pub interactions_pending: u64,
    /// When the interaction came that waits longest.
    pub oldest_interaction: Option<Timestamp>,
}

impl App {
    /// Asks the database how the installation stands.
    ///
    /// # Errors
    /// `Unavailable` when it does not answer.
    pub async fn figures(&self) -> Result<Figures, AppError> {
        let store = self.store();
        let waiting = store.interaction_queue().waiting().await?;
        Ok(Figures {
            jobs: store.queue().counts().await?,
            oldest_due: store.queue().oldest_due(self.clock().now()).await?,
            log_entries: store.log().size().await?,
            interactions_pending: waiting.count,
            oldest_interaction: waiting.oldest_at,
        })
    }

    /// The connections to the database.
    #[must_use]
    pub fn pool(&self) -> PoolState {
        self.store().pool()
    }

    /// What this process counts about itself.
    #[must_use]
    pub(crate) fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    /// When this process opened the installation.
    #[must_use]
    pub fn started_at(&self) -> Timestamp {
        self.0.started_at
    }
}
