//! What can go wrong when something is kept or looked up. A missing row is not an error: lookups answer `None`.

use crate::ids::JobId;

/// The boxed cause of an [`Error::Unavailable`]: a database's, an object store's or the file system's own error.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why the store could not do as asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A rule of the data forbids it: a key is taken, a parent row is missing, a row is in another state.
    #[error("conflict with what is stored: {what}")]
    Conflict {
        /// The constraint, or the rule, in words.
        what: String,
    },
    /// What is stored cannot be what this program wrote. An operator must look.
    #[error("stored data is corrupt: {what}")]
    Corrupt {
        /// What was read and why it cannot be.
        what: String,
    },
    /// The database or the object store does not answer now. The same call may succeed later.
    #[error("storage is unavailable while {doing}")]
    Unavailable {
        /// What the store was doing.
        doing: &'static str,
        /// What the other side said.
        #[source]
        source: Cause,
    },
    /// The job is no longer this worker's: its lease ran out and was taken over, or it was ended by hand. Roll back.
    #[error("the lease on job {job} is lost, leave the job alone")]
    LostLease {
        /// The job.
        job: JobId,
    },
    /// The value cannot be kept on every back-end.
    #[error("cannot store {what}")]
    NotStorable {
        /// The value and the reason.
        what: String,
    },
    /// The database was migrated by a later version of this program.
    #[error("the database has schema version {found}, this program knows up to {known}: run the newer program")]
    SchemaTooNew {
        /// The version in the database.
        found: u64,
        /// The newest version this program has a migration for.
        known: u64,
    },
    /// The database was not migrated yet.
    #[error("the database has schema version {found}, this program needs {known}: run `assize migrate`")]
    SchemaTooOld {
        /// The version in the database, 0 for an empty one.
        found: u64,
        /// The version this program needs.
        known: u64,
    },
    /// A setting does not name a place to keep things.
    #[error("{what}")]
    Settings {
        /// Which setting, and what it should look like.
        what: String,
    },
}

impl Error {
    pub(crate) fn conflict(what: impl Into<String>) -> Self {
        Self::Conflict { what: what.into() }
    }

    pub(crate) fn corrupt(what: impl Into<String>) -> Self {
        Self::Corrupt { what: what.into() }
    }

    pub(crate) fn settings(what: impl Into<String>) -> Self {
        Self::Settings { what: what.into() }
    }

    /// Whether the same call may succeed later without anybody changing anything.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }
}
