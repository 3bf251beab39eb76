//! The kinds that workers of this version can do. A kind that is not here stays queued for a worker that knows it.

use super::certify::Certify;
use super::deliver_webhook::DeliverWebhook;
use super::enforce_retention::EnforceRetention;
use super::log_trails::LogTrails;
use super::sweep_identity::SweepIdentity;
use super::tidy_limits::TidyLimits;
use super::work::Work;
use crate::app::kinds::Lane;

/// All kinds.
const WORKS: &[&dyn Work] = &[&Certify, &DeliverWebhook, &EnforceRetention, &LogTrails, &SweepIdentity, &TidyLimits];

/// The work of this name.
pub(super) fn find(name: &str) -> Option<&'static dyn Work> {
    WORKS.iter().copied().find(|work| work.kind().name == name)
}

/// The names of a lane's kinds.
pub(super) fn names(lane: Lane) -> Vec<&'static str> {
    WORKS.iter().map(|work| work.kind()).filter(|kind| kind.lane == lane).map(|kind| kind.name).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_kind_is_found_by_its_own_name() {
        let all: BTreeSet<_> = WORKS.iter().map(|work| work.kind().name).collect();
        assert_eq!(all.len(), WORKS.len(), "two kinds share a name");
        for name in all {
            let kind = find(name).unwrap().kind();
            assert_eq!(kind.name, name);
            assert!(kind.attempts_max >= 1 && !kind.time_max.is_zero(), "{kind:?}");
            assert!((kind.retry_after)(1).is_positive(), "{kind:?}");
        }
        assert!(find("nothing").is_none());
    }
}
