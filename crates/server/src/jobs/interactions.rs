//! The audits of interactions: no job each, for there are thousands a second. What waits lies in its own rows and is
//! worked off in batches, by as many processes as there are ([`crate::app::App::audit_pending`]).

use std::time::Duration;

use super::{AFTER_FAILURE, Worker};

/// Longest wait between two looks, should a word of an arrival get lost.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// Audits what arrives until the worker stops.
pub(super) async fn audit(worker: &Worker) {
    loop {
        if worker.stopping.is_cancelled() {
            return;
        }
        // Before the look: what arrives between an empty look and the wait is heard.
        let arrivals = worker.app.interactions_arrive().await;
        match worker.app.audit_pending().await {
            Ok(0) => {}
            Ok(_) => continue,
            Err(error) => {
                tracing::warn!("interactions cannot be audited now: {error}");
                worker.pause(AFTER_FAILURE).await;
                continue;
            }
        }
        let Ok(mut arrivals) = arrivals else {
            worker.pause(AFTER_FAILURE).await;
            continue;
        };
        tokio::select! {
            () = worker.stopping.cancelled() => return,
            _ = arrivals.submitted() => {}
            () = tokio::time::sleep(LOOK_AGAIN) => {}
        }
    }
}
