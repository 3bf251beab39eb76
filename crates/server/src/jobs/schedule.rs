//! What recurs: the schedules that every installation has, and the loop that enqueues what is due, of these and of those
//! that organizations made.
//!
//! Every worker runs the loop. Taking a due schedule and enqueuing its job are one unit, and only one unit can take it;
//! the job's unique key names the due time, so that not even a clock that was set back enqueues one twice.

use std::time::Duration;

use assize_store::OrganizationId;
use assize_store::schedules::{NewSchedule, Recurrence, Schedule, Turn};
use jiff::SignedDuration;
use serde_json::json;

use super::{Worker, registry};
use crate::app::kinds::{ENFORCE_RETENTION, Kind, LOG_TRAILS, SWEEP_IDENTITY, TIDY_LIMITS};
use crate::app::{App, AppError};

/// Time between two looks for what is due.
const LOOK: Duration = Duration::from_secs(5);

/// What every installation has. Its jobs are the public organization's, which always exists.
const BUILT_IN: &[BuiltIn] = &[
    BuiltIn { kind: &TIDY_LIMITS, every: SignedDuration::from_hours(1), offset: SignedDuration::from_mins(7) },
    BuiltIn { kind: &ENFORCE_RETENTION, every: SignedDuration::from_hours(1), offset: SignedDuration::from_mins(23) },
    BuiltIn { kind: &SWEEP_IDENTITY, every: SignedDuration::from_hours(1), offset: SignedDuration::from_mins(31) },
    BuiltIn { kind: &LOG_TRAILS, every: SignedDuration::from_hours(24), offset: SignedDuration::from_mins(41) },
];

/// A schedule that is part of the program, named like its kind.
struct BuiltIn {
    kind: &'static Kind,
    every: SignedDuration,
    offset: SignedDuration,
}

/// Enqueues what is due until the worker stops.
pub(super) async fn keep(worker: &Worker) {
    let mut known = false;
    loop {
        let enqueued = async {
            if !known {
                put_built_in(&worker.app).await?;
                known = true;
            }
            enqueue_due(&worker.app).await
        };
        if let Err(error) = enqueued.await {
            tracing::warn!("schedules cannot be looked at: {error}");
        }
        tokio::select! {
            () = worker.stopping.cancelled() => return,
            () = worker.app.clock().sleep(LOOK) => {}
        }
    }
}

async fn put_built_in(app: &App) -> Result<(), AppError> {
    let now = app.store().shared_time(app.clock().now()).await?;
    for built_in in BUILT_IN {
        let schedule = NewSchedule {
            name: built_in.kind.name.to_owned(),
            kind: built_in.kind.name.to_owned(),
            args: json!({}),
            recurrence: Recurrence::new(built_in.every, built_in.offset)?,
        };
        app.store().schedules().put(&OrganizationId::public(), &schedule, now).await?;
    }
    Ok(())
}

/// Enqueues what is due now.
async fn enqueue_due(app: &App) -> Result<(), AppError> {
    let now = app.store().shared_time(app.clock().now()).await?;
    for due in app.store().schedules().due(now).await? {
        // What this version does not know is for workers that do.
        let Some(work) = registry::find(&due.kind) else { continue };
        let mut unit = app.store().begin().await?;
        match unit.schedules().take(&due, now).await? {
            Turn::Ours => {
                let mut job = app.new_job(work.kind(), &due.args, app.clock().now())?;
                job.unique_key = Some(unique_key(&due));
                unit.jobs().enqueue(&due.organization, &job, job.run_at).await?;
                unit.commit().await?;
            }
            Turn::Realigned => {
                tracing::warn!(schedule = due.name, "the clock was set back: the schedule waits for its next time");
                unit.commit().await?;
            }
            Turn::Others => unit.rollback().await?,
        }
    }
    Ok(())
}

fn unique_key(due: &Schedule) -> String {
    format!("{} at {}", due.name, due.next_at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_in_schedules_name_known_work_and_can_be_kept() {
        for built_in in BUILT_IN {
            assert!(registry::find(built_in.kind.name).is_some(), "{}", built_in.kind.name);
            assert!(Recurrence::new(built_in.every, built_in.offset).is_ok(), "{}", built_in.kind.name);
        }
    }
}
