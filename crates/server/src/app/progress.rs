//! Where a job stands, and the flag that stops it; shared between who works and who tells.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use assize_fairness::Watch;
use assize_store::JobId;
use assize_tables::Cancel;

/// Where a job stands, and the flag that stops it.
#[derive(Debug, Default)]
pub struct JobProgress {
    cancel: Cancel,
    at: Mutex<(String, f64)>,
}

impl JobProgress {
    /// Step and fraction, 0 to 1.
    #[must_use]
    pub fn now(&self) -> (String, f64) {
        self.at.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The flag that stops the job.
    #[must_use]
    pub fn cancel_flag(&self) -> &Cancel {
        &self.cancel
    }
}

impl Watch for JobProgress {
    fn step(&self, name: &str, fraction: f64) {
        *self.at.lock().unwrap_or_else(PoisonError::into_inner) = (name.to_owned(), fraction);
    }

    fn cancel(&self) -> &Cancel {
        &self.cancel
    }
}

/// The jobs that run in this process, so that a cancellation need not wait for the next heartbeat.
#[derive(Debug, Default)]
pub(crate) struct Running(Mutex<BTreeMap<JobId, Cancel>>);

impl Running {
    /// Notes a running job until the guard is dropped.
    pub(crate) fn enter(&self, job: &JobId, cancel: &Cancel) -> RunningGuard<'_> {
        self.lock().insert(job.clone(), cancel.clone());
        RunningGuard { running: self, job: job.clone() }
    }

    pub(super) fn cancel(&self, job: &JobId) {
        if let Some(cancel) = self.lock().get(job) {
            cancel.cancel();
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<JobId, Cancel>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Forgets the job when dropped.
pub(crate) struct RunningGuard<'a> {
    running: &'a Running,
    job: JobId,
}

impl Drop for RunningGuard<'_> {
    fn drop(&mut self) {
        self.running.lock().remove(&self.job);
    }
}
