//! Personal data in a text: one pass over its bytes proposes candidates, checks and the words near them decide, overlaps
//! are settled, the rest is reported.
//!
//! How it flows: [`scan`] walks the view once and asks, at every run of letters and digits, the forms of the registry, the
//! telephone and date readers and the like; around `@`, `://`, labels and month names it asks the readers of those.
//! [`resolve`] keeps the best candidate of each place and lists the other types that also hold as its alternatives.
//!
//! Invariants: time is linear in the text (each reader looks at a bounded stretch); the result depends on nothing but the
//! text, the country and the thresholds; spans never overlap.

mod check;
mod financial;
mod general;
mod labelled;
mod labels;
mod national;
mod recognizer;
pub(crate) mod registry;
mod resolve;
mod scan;

pub use recognizer::{Category, Kind};
pub(crate) use registry::{KindId, REGISTRY};
pub(crate) use resolve::Found;
pub(crate) use scan::{Candidate, Proof, Request};

use crate::words::{Hits, Tag};

/// What this module asks the automaton for.
pub(crate) fn words(all: &mut Vec<(&'static str, Tag)>) {
    registry::words(all);
}

/// Every type of personal data that can be found.
pub(crate) fn kinds() -> &'static [Kind] {
    &REGISTRY.kinds
}

/// Values that the documentation shows for a type.
pub(crate) fn examples(name: &str) -> Vec<&'static str> {
    REGISTRY
        .recognizers
        .iter()
        .filter(|(recognizer, _)| recognizer.kind.name == name)
        .flat_map(|(recognizer, _)| recognizer.examples)
        .copied()
        .collect()
}

/// The personal data of a text. `named` are entities of the tagger, which take part in settling overlaps.
pub(crate) fn find(request: &Request<'_>, hits: &Hits, named: Vec<Candidate>) -> Vec<Found> {
    let mut candidates = scan::candidates(request, hits);
    candidates.extend(named);
    resolve::resolve(request, candidates)
}
