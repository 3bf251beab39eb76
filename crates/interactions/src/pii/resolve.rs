//! Of candidates that overlap one is reported: the one with the highest rank (check digits and context first, then the
//! longer, then the order of the registry). Types that also hold for the same place become its alternatives.

use std::collections::BTreeMap;

use super::registry::KindId;
use super::scan::{Candidate, Proof, Request};

/// An entity of a text (bytes of the view).
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Found {
    pub(crate) kind: KindId,
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) confidence: f32,
    pub(crate) proof: Proof,
    pub(crate) word: Option<(usize, usize)>,
    pub(crate) alternatives: Vec<KindId>,
}

/// Confidence from which a type that lost is worth naming.
const ALTERNATIVE_CONFIDENCE_MIN: f32 = 0.3;

pub(crate) fn resolve(request: &Request<'_>, mut candidates: Vec<Candidate>) -> Vec<Found> {
    candidates.sort_by(|a, b| {
        b.rank.total_cmp(&a.rank).then(a.start.cmp(&b.start)).then(b.end.cmp(&a.end)).then(a.kind.cmp(&b.kind))
    });
    let mut kept: BTreeMap<usize, Found> = BTreeMap::new();
    for candidate in candidates {
        let reported = candidate.confidence >= (request.threshold)(candidate.kind);
        let overlapped = overlapping(&kept, candidate.start, candidate.end);
        match overlapped {
            None if reported => {
                kept.insert(
                    candidate.start,
                    Found {
                        kind: candidate.kind,
                        start: candidate.start,
                        end: candidate.end,
                        confidence: candidate.confidence,
                        proof: candidate.proof,
                        word: candidate.word,
                        alternatives: Vec::new(),
                    },
                );
            }
            Some(start) if candidate.proof == Proof::Checksum && candidate.confidence >= ALTERNATIVE_CONFIDENCE_MIN => {
                let winner = kept.get_mut(&start).expect("the key was just found");
                let same = winner.kind == candidate.kind || winner.alternatives.contains(&candidate.kind);
                if !same && candidate.end - candidate.start >= winner.end - winner.start {
                    winner.alternatives.push(candidate.kind);
                }
            }
            _ => {}
        }
    }
    kept.into_values().collect()
}

/// The kept entity that overlaps `start..end`, by its key.
fn overlapping(kept: &BTreeMap<usize, Found>, start: usize, end: usize) -> Option<usize> {
    kept.range(..end).next_back().filter(|(_, found)| found.end > start).map(|(&key, _)| key)
}
