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

pub(crate) use general::address::Street;
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

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(&'static str, &str)> {
        let request = Request { text, country: None, health: false, threshold: &|_| 0.5 };
        let found = find(&request, &crate::words::find(text), Vec::new());
        found.iter().map(|found| (REGISTRY.kind(found.kind).name, &text[found.start..found.end])).collect()
    }

    #[test]
    fn an_address_is_found_whole_and_a_date_is_none() {
        assert_eq!(
            found("send it to 12 Old Mill Road, Harbury, W4 0HJ."),
            [("ADDRESS", "12 Old Mill Road, Harbury, W4 0HJ")]
        );
        assert_eq!(found("wohnt in der Gartenstr. 9b in Ulm"), [("ADDRESS", "Gartenstr. 9b")]);
        for text in
            ["On January 12, 1998 Boston froze.", "3 May\n12345 Boxes", "In 2019, 12345 Boxes", "page 12, 4711 Cologne"]
        {
            assert_eq!(found(text), [], "{text}");
        }
    }

    #[test]
    fn a_wallet_without_a_digit_and_a_number_after_letters_are_looked_at() {
        assert_eq!(found("nino HW 79 62 94 A"), [("UK_NINO", "HW 79 62 94 A")]);
        assert_eq!(found("mac ab:cd:ef:ab:cd:ef"), [("MAC_ADDRESS", "ab:cd:ef:ab:cd:ef")]);
        assert_eq!(found("host fe80::1ff:fe23:4567:890a").len(), 1);
    }
}
