//! Evidence of rules: what the words of an interaction say about rights, disclosure, crisis, advice, decisions, conduct and
//! special categories, as the `int.*` kinds of the catalogues.
//!
//! One file per family: its phrases in many languages, and the rule that turns them into facts. A fact is a dotted name
//! (`rights.erasure.refused`) that the catalogues' triggers refer to. Rules read phrases only from [`SideText`], so that
//! each text is searched once.

mod advice;
mod conduct;
mod crisis;
mod decision;
mod disclosure;
pub(crate) mod lexicon;
mod rights;
pub(crate) mod special;

pub(crate) use lexicon::{Says, words};

use crate::interaction::Side;
use crate::text::View;
use crate::words::{Hit, Hits, Tag};

/// A fact about an interaction.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    /// Kind of the catalogues' vocabulary, such as `int.rights`.
    pub kind: &'static str,
    /// What was found, such as `rights.erasure.refused`.
    pub fact: String,
    /// Where.
    pub side: Side,
    /// Byte spans in that side's original text.
    pub spans: Vec<(usize, usize)>,
    /// 0 to 1.
    pub confidence: f32,
}

impl Evidence {
    pub(crate) fn new(
        kind: &'static str,
        fact: impl Into<String>,
        side: Side,
        spans: Vec<(usize, usize)>,
        confidence: f32,
    ) -> Self {
        Evidence { kind, fact: fact.into(), side, spans, confidence }
    }
}

/// One side, read once.
pub(crate) struct SideText<'s> {
    pub(crate) side: Side,
    pub(crate) view: &'s View<'s>,
    pub(crate) hits: &'s Hits,
    /// Phrases by what they say, in order (bytes of the view).
    said: Vec<Vec<(usize, usize)>>,
}

/// Both sides, and what the use case says.
pub(crate) struct Sides<'s> {
    pub(crate) input: SideText<'s>,
    pub(crate) output: SideText<'s>,
    /// Hiring, credit, insurance and the like: decisions there have legal effect.
    pub(crate) covered_domain: bool,
}

/// Spans kept of one fact.
const SPANS_MAX: usize = 16;

impl<'s> SideText<'s> {
    pub(crate) fn new(side: Side, view: &'s View<'s>, hits: &'s Hits) -> Self {
        let mut said: Vec<Vec<(usize, usize)>> = vec![Vec::new(); lexicon::SAYS];
        for hit in &hits.list {
            for tag in hit.tags() {
                let Tag::Phrase(says) = *tag else { continue };
                let spans = &mut said[usize::from(says)];
                let full = spans.len() == SPANS_MAX;
                match spans.last_mut() {
                    // A phrase inside a longer one is one place.
                    Some(last) if hit.start < last.1 => *last = (last.0.min(hit.start), last.1.max(hit.end)),
                    _ if full => {}
                    _ => spans.push((hit.start, hit.end)),
                }
            }
        }
        SideText { side, view, hits, said }
    }
}

impl SideText<'_> {
    pub(crate) fn text(&self) -> &str {
        &self.view.text
    }

    pub(crate) fn original(&self, start: usize, end: usize) -> (usize, usize) {
        self.view.original(start, end)
    }

    fn is_empty(&self) -> bool {
        self.text().trim().is_empty()
    }

    pub(crate) fn carries(hit: Hit, says: Says) -> bool {
        hit.tags().contains(&Tag::Phrase(says as u16))
    }

    pub(crate) fn says(&self, says: Says) -> bool {
        !self.said[says as usize].is_empty()
    }

    fn view_spans(&self, says: Says) -> &[(usize, usize)] {
        &self.said[says as usize]
    }

    /// Where a phrase stands in the original.
    pub(crate) fn spans(&self, says: Says) -> Vec<(usize, usize)> {
        self.view_spans(says).iter().map(|&(start, end)| self.original(start, end)).collect()
    }

    fn same_sentence(&self, from: usize, to: usize) -> bool {
        !self.text()[from..to].contains(['.', '!', '?', '\n', ';', '。'])
    }

    /// "I am 11 years old": ages of a child said of the speaker or their child.
    fn young_ages(&self) -> Vec<(usize, usize)> {
        let text = self.text().as_bytes();
        let mut spans = Vec::new();
        for &hit in self.hits.list.iter().filter(|&&hit| Self::carries(hit, Says::ChildAge)).take(64) {
            let gap = text[hit.end..].iter().take(3).take_while(|byte| **byte == b' ').count();
            let start = hit.end + gap;
            let digits = text[start..].iter().take(3).take_while(|byte| byte.is_ascii_digit()).count();
            let value = text[start..start + digits].iter().fold(0, |sum, byte| sum * 10 + u32::from(byte - b'0'));
            let age = (1..=2).contains(&digits) && (3..=conduct::CHILD_AGE_MAX).contains(&value);
            if age && self.age_follows(start + digits) {
                spans.push(self.original(hit.start, start + digits));
            }
        }
        spans
    }

    /// After an age: its unit, or the end of the clause. "I am 5 minutes late" goes on.
    fn age_follows(&self, at: usize) -> bool {
        let rest = self.text()[at..].trim_start_matches([' ', '-']);
        let unit =
            ["year", "yr", "y/o", "yo ", "jahre", "ans", "años", "anni", "jaar", "lat", "anos", "år", "岁", "歳", "살"]
                .iter()
                .any(|unit| rest.get(..unit.len()).is_some_and(|head| head.eq_ignore_ascii_case(unit)));
        unit || rest.is_empty()
            || rest.starts_with(['.', ',', '!', '?']) && !rest[1..].starts_with(|c: char| c.is_ascii_digit())
            || rest.starts_with("and ")
    }
}

/// All facts of an interaction, in the order of the families.
pub(crate) fn find(sides: &Sides<'_>) -> Vec<Evidence> {
    let mut found = Vec::new();
    rights::find(sides, &mut found);
    disclosure::find(sides, &mut found);
    crisis::find(sides, &mut found);
    advice::find(sides, &mut found);
    decision::find(sides, &mut found);
    conduct::find(sides, &mut found);
    special::find(sides, &mut found);
    found
}
