//! Where in a text something was found, for the marks of its page.

use assize_interactions::document::{AuditDocument, FindingEntry, SpanEntry};

use super::text::{Mark, Place};
use crate::documents::findings::how;

/// Where something was found on one side, with its name and the reason.
pub(crate) fn places(document: &AuditDocument, side: &str) -> Vec<Place> {
    let found = |entries: &[FindingEntry], mark: Mark| -> Vec<Place> {
        let place = |entry: &FindingEntry| Place {
            start: entry.start,
            end: entry.end,
            mark,
            name: entry.kind.clone(),
            why: format!("{}: {}, confidence {:.2}", entry.kind, how(entry), entry.confidence),
        };
        entries.iter().filter(|entry| entry.side == side).map(place).collect()
    };
    let mut places = found(&document.secrets, Mark::Secret);
    places.extend(found(&document.pii, Mark::Personal));
    places.extend(found(&document.special_categories, Mark::Special));
    for issue in document.safety_issues.iter().filter(|issue| issue.side == side) {
        let place = |span: &SpanEntry| Place {
            start: span.start,
            end: span.end,
            mark: Mark::Hazard,
            name: issue.category.clone(),
            why: format!("{} {}, score {:.2}", issue.category, issue.name, issue.score),
        };
        places.extend(issue.spans.iter().filter(|span| span.side == side).map(place));
    }
    places
}
