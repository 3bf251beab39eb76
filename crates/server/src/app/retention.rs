//! How long things are kept: a number of days per organization and kind of data, and the operation that enforces it.
//!
//! The default of each kind is the configuration's; an organization may set its own. [`App::enforce_retention`] is safe
//! to run at any time, by anybody, twice at once: what it deletes is due, and due things stay due. The audit trail, the
//! log and certificates are kept for good: they are what the installation vouches for.

use assize_store::{OrganizationId, Unit};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::json;

use super::App;
use super::caller::{Caller, Permission};
use super::error::AppError;

/// Longest time that can be set, days.
const DAYS_MAX: u32 = 36_500;
/// Organizations looked at between two questions to the database.
const PAGE_ORGANIZATIONS: u32 = 200;
/// How long deliveries to webhooks are kept after their end.
const DELIVERIES: SignedDuration = SignedDuration::from_hours(30 * 24);
/// Age of a stored file that nobody holds before it is collected; longer than any upload takes.
const UNUSED_FILES: SignedDuration = SignedDuration::from_hours(24);

/// A kind of data with its own time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RetentionKind {
    /// Uploaded data and models, after their audit.
    Uploads,
    /// Jobs, after their end.
    Jobs,
    /// Interactions, after they were received.
    Interactions,
}

impl RetentionKind {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Uploads, Self::Jobs, Self::Interactions];

    /// The kind as stored and shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Uploads => "uploads",
            Self::Jobs => "jobs",
            Self::Interactions => "interactions",
        }
    }

    /// Reads a kind; `None` if it is not one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// What an enforcement deleted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct RetentionReport {
    /// Stored files whose time was over.
    pub uploads: u64,
    /// Ended jobs whose time was over.
    pub jobs: u64,
    /// Interactions whose time was over.
    pub interactions: u64,
    /// Stored files that nobody held any more.
    pub unused_files: u64,
}

impl App {
    /// Days that the caller's organization keeps each kind.
    ///
    /// # Errors
    /// `Forbidden` below the role viewer.
    pub async fn retention(&self, caller: &Caller) -> Result<Vec<(RetentionKind, u32)>, AppError> {
        caller.require(Permission::Read)?;
        let mut days = Vec::new();
        for kind in RetentionKind::ALL {
            days.push((kind, self.retention_days(&caller.organization, kind).await?));
        }
        Ok(days)
    }

    /// Sets the days that the caller's organization keeps a kind; `None` goes back to the installation's default. Files
    /// of audits that have ended keep the time that was set when they ended.
    ///
    /// # Errors
    /// `Forbidden` below the role admin, `Unprocessable` for more than 36,500 days.
    pub async fn set_retention(&self, caller: &Caller, kind: RetentionKind, days: Option<u32>) -> Result<(), AppError> {
        caller.require(Permission::Manage)?;
        if days.is_some_and(|days| days > DAYS_MAX) {
            return Err(AppError::Unprocessable(format!("days: must be from 0 to {DAYS_MAX}")));
        }
        let before = self.retention_days(&caller.organization, kind).await?;
        let mut unit = self.store().begin().await?;
        unit.retention().set(&caller.organization, kind.as_str(), days).await?;
        let detail = json!({ "before": before, "after": days });
        let event = caller.event(self.clock().now(), "retention.set", kind.as_str(), detail);
        unit.audit_writer().append(&caller.organization, &event).await?;
        Ok(unit.commit().await?)
    }

    /// Deletes what is kept longer than it may be, of every organization, and collects files that nobody holds.
    ///
    /// # Errors
    /// `Unavailable` when the database or the stored files do not answer; what was deleted until then stays deleted.
    pub async fn enforce_retention(&self, now: Timestamp) -> Result<RetentionReport, AppError> {
        let (mut report, mut after) = (RetentionReport::default(), String::new());
        loop {
            let page = self.store().organizations().list(&after, PAGE_ORGANIZATIONS).await?;
            let Some(last) = page.last() else { break };
            after = last.id.to_string();
            for organization in page {
                report.uploads += self.delete_due_uploads(&organization.id, now).await?;
                report.jobs += self.delete_due_jobs(&organization.id, now).await?;
                report.interactions += self.delete_due_interactions(&organization.id, now).await?;
                self.delete_due_deliveries(&organization.id, now).await?;
            }
        }
        report.unused_files += u64::from(self.store().blobs().discard_asked(now).await?);
        loop {
            let gone = self.store().blobs().collect_garbage(now, UNUSED_FILES).await?;
            report.unused_files += u64::from(gone);
            if gone < assize_store::blobs::COLLECT_BLOBS_MAX {
                return Ok(report);
            }
        }
    }

    /// Until when the files of an audit that ends now are kept; `None` when they go at once.
    pub(super) async fn keep_uploads_until(
        &self,
        unit: &mut Unit,
        organization: &OrganizationId,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, AppError> {
        // Through the unit: a question beside it would wait for it on a small pool.
        let own = unit.retention().days(organization, RetentionKind::Uploads.as_str()).await?;
        match own.unwrap_or(self.config().passport.retention_days) {
            0 => Ok(None),
            days => Ok(Some(now.checked_add(days_long(days)).map_err(AppError::internal)?)),
        }
    }

    async fn retention_days(&self, organization: &OrganizationId, kind: RetentionKind) -> Result<u32, AppError> {
        let own = self.store().retention().days(organization, kind.as_str()).await?;
        Ok(own.unwrap_or(match kind {
            RetentionKind::Uploads => self.config().passport.retention_days,
            RetentionKind::Jobs => self.config().retention.jobs_days,
            RetentionKind::Interactions => self.config().retention.interactions_days,
        }))
    }

    async fn delete_due_uploads(&self, organization: &OrganizationId, now: Timestamp) -> Result<u64, AppError> {
        let mut gone = 0;
        loop {
            let mut unit = self.store().begin().await?;
            let ended = unit.blob_holds().release_ended(organization, now).await?;
            unit.commit().await?;
            if ended.is_empty() {
                return Ok(gone);
            }
            for digest in ended {
                gone += u64::from(self.store().blobs().discard(organization, &digest, now).await?);
            }
        }
    }

    async fn delete_due_jobs(&self, organization: &OrganizationId, now: Timestamp) -> Result<u64, AppError> {
        let days = self.retention_days(organization, RetentionKind::Jobs).await?;
        let Ok(cutoff) = now.checked_sub(days_long(days)) else { return Ok(0) };
        let mut gone = 0;
        loop {
            let deleted = self.store().retention().delete_jobs(organization, cutoff).await?;
            gone += deleted;
            if deleted < u64::from(assize_store::retention::DELETE_JOBS_MAX) {
                return Ok(gone);
            }
        }
    }
}

impl App {
    async fn delete_due_interactions(&self, organization: &OrganizationId, now: Timestamp) -> Result<u64, AppError> {
        let days = self.retention_days(organization, RetentionKind::Interactions).await?;
        let Ok(cutoff) = now.checked_sub(days_long(days)) else { return Ok(0) };
        let (mut gone, at_once) = (0, assize_store::interactions::ERASE_INTERACTIONS_MAX);
        loop {
            let deleted = self.store().interactions().delete_older_than(organization, cutoff, at_once).await?;
            gone += deleted;
            if deleted < u64::from(at_once) {
                return Ok(gone);
            }
        }
    }
}

impl App {
    async fn delete_due_deliveries(&self, organization: &OrganizationId, now: Timestamp) -> Result<(), AppError> {
        let Ok(cutoff) = now.checked_sub(DELIVERIES) else { return Ok(()) };
        loop {
            let mut unit = self.store().begin().await?;
            let deleted = unit.webhook_writer().delete_ended(organization, cutoff).await?;
            unit.commit().await?;
            if deleted < u64::from(assize_store::webhooks::DELETE_DELIVERIES_MAX) {
                return Ok(());
            }
        }
    }
}

fn days_long(days: u32) -> SignedDuration {
    SignedDuration::from_hours(24 * i64::from(days))
}
