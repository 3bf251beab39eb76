//! Names of people, places, organizations and addresses in any text: a linear-chain tagger over hashed features.
//!
//! Tokens become features ([`features`]), features find integer weights ([`rows`]), and the best sequence of the nine
//! tags (outside; begin and inside of four kinds) is found by dynamic programming (Viterbi). Weights come from
//! conditional-random-field training ([`crate::training`]); their data, licences and scores are recorded in
//! `data/interactions/README.md`. All arithmetic up to the tags is on integers, so a text is tagged alike everywhere.
//! Time is linear in the tokens, memory is 24 bytes and the features of one token each.

pub(crate) mod features;
pub(crate) mod names;
pub(crate) mod rows;

use std::borrow::Cow;
use std::sync::LazyLock;

use self::names::Names;
use self::rows::{ROW, Rows};
use crate::tokens::Token;
use crate::weights::{Error, Reader, Table};

/// What a tagged span names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EntityKind {
    /// A person, by any part of the name, with its title where one stands before it.
    Person,
    /// A country, region, city or place.
    Location,
    /// A company, authority, hospital, club.
    Organization,
    /// A postal address or a part of one: street, number, postcode with its city.
    Address,
}

/// Kinds in the order of their tags.
pub(crate) const KINDS: [EntityKind; 4] =
    [EntityKind::Person, EntityKind::Location, EntityKind::Organization, EntityKind::Address];
/// Tag 0 is outside; kind `k` begins with tag `1 + 2k` and goes on with `2 + 2k`.
pub(crate) const TAGS: usize = 1 + ROW;
pub(crate) const MAGIC: &str = "ASZTAG01";

/// A tagged span: bytes `start..end` of the text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Entity {
    /// What it names.
    pub kind: EntityKind,
    /// First byte.
    pub start: usize,
    /// First byte after it.
    pub end: usize,
    /// Probability, 0 to 1, that the least certain token of the span is of this kind.
    pub confidence: f32,
}

/// A decoded model.
pub struct Tagger {
    names: Names,
    rows: Rows,
    /// `steps[a][b]`: added when tag `b` follows tag `a`; the text begins after "outside".
    steps: [[i32; TAGS]; TAGS],
    /// Score of one unit of log-odds.
    unit: f32,
}

impl Tagger {
    /// The model that ships with the product, decoded on first use.
    pub fn embedded() -> &'static Tagger {
        static TAGGER: LazyLock<Tagger> = LazyLock::new(|| {
            let bytes = Cow::Borrowed(include_bytes!("../../../data/interactions/tagger.bin").as_slice());
            Tagger::read(&bytes).expect("the shipped weights are read by a test")
        });
        &TAGGER
    }

    /// Decodes a model; any bytes but a model's are an error.
    pub fn decode(bytes: &[u8]) -> Result<Tagger, Error> {
        Tagger::read(&Cow::Owned(bytes.to_vec()))
    }

    fn read(bytes: &Table) -> Result<Tagger, Error> {
        let mut reader = Reader::open(bytes, MAGIC)?;
        let unit = reader.f32()?;
        let mut steps = [[0; TAGS]; TAGS];
        for step in steps.as_flattened_mut() {
            *step = (reader.u32()? as i32).clamp(-STEP_MAX, STEP_MAX);
        }
        let names = Names::read(&mut reader)?;
        let rows = Rows::read(&mut reader)?;
        reader.close()?;
        Ok(Tagger { names, rows, steps, unit: unit.max(1.0) })
    }

    /// The named spans of a text, in order, without overlap.
    pub fn tag(&self, text: &str, tokens: &[Token]) -> Vec<Entity> {
        self.tag_again(text, tokens, &mut Memo::default())
    }

    /// The same, for texts that share most of their words: what a token scores in surroundings met before is remembered.
    pub(crate) fn tag_again(&self, text: &str, tokens: &[Token], memo: &mut Memo) -> Vec<Entity> {
        let seen = features::see(text, tokens, &self.names);
        memo.open(tokens.len());
        let scores: Vec<[i16; ROW]> = (0..seen.len())
            .map(|at| memo.scores(features::surroundings(&seen, at), || self.rows.sum(&features::features(&seen, at))))
            .collect();
        let tags = self.best(&scores);
        self.spans(tokens, &scores, &tags)
    }

    /// The best sequence of tags.
    fn best(&self, scores: &[[i16; ROW]]) -> Vec<u8> {
        let mut came_from = Vec::with_capacity(scores.len());
        let mut total = [NEVER; TAGS];
        total[0] = 0;
        for emission in scores {
            let (mut next, mut from) = ([NEVER; TAGS], [0u8; TAGS]);
            for tag in 0..TAGS {
                let (mut best, mut best_from) = (NEVER, 0);
                for (before, reached) in total.iter().enumerate() {
                    let value = reached + self.steps[before][tag];
                    if value > best {
                        (best, best_from) = (value, before as u8);
                    }
                }
                next[tag] = best + if tag == 0 { 0 } else { i32::from(emission[tag - 1]) };
                from[tag] = best_from;
            }
            // Only differences count: kept near zero, the sums cannot leave their range on a text of any length.
            let top = next.iter().copied().max().unwrap_or(0);
            total = next.map(|value| (value - top).max(NEVER));
            came_from.push(from);
        }
        let mut tag = (0..TAGS).max_by_key(|&tag| (total[tag], std::cmp::Reverse(tag))).unwrap_or(0) as u8;
        let mut tags = vec![0; scores.len()];
        for at in (0..scores.len()).rev() {
            tags[at] = tag;
            tag = came_from[at][usize::from(tag)];
        }
        tags
    }

    /// Joins tags into spans.
    fn spans(&self, tokens: &[Token], scores: &[[i16; ROW]], tags: &[u8]) -> Vec<Entity> {
        let mut spans: Vec<Entity> = Vec::new();
        let mut open = false;
        for (at, &tag) in tags.iter().enumerate() {
            if tag == 0 {
                open = false;
                continue;
            }
            let kind = usize::from(tag - 1) / 2;
            let confidence = self.certainty(scores, tags, at, kind);
            match spans.last_mut() {
                Some(last) if open && tag % 2 == 0 && last.kind == KINDS[kind] => {
                    last.end = tokens[at].end;
                    last.confidence = last.confidence.min(confidence);
                }
                _ => spans.push(Entity { kind: KINDS[kind], start: tokens[at].start, end: tokens[at].end, confidence }),
            }
            open = true;
        }
        spans
    }

    /// Probability of a kind at a token, the tags on both sides taken as given.
    fn certainty(&self, scores: &[[i16; ROW]], tags: &[u8], at: usize, kind: usize) -> f32 {
        let before = if at == 0 { 0 } else { usize::from(tags[at - 1]) };
        let after = tags.get(at + 1).map(|&tag| usize::from(tag));
        let value = |tag: usize| {
            let emission = if tag == 0 { 0 } else { i32::from(scores[at][tag - 1]) };
            emission + self.steps[before][tag] + after.map_or(0, |after| self.steps[tag][after])
        };
        let top = (0..TAGS).map(value).max().unwrap_or(0);
        let (mut of_kind, mut all) = (0.0, 0.0);
        for tag in 0..TAGS {
            let weight = libm::expf((value(tag) - top) as f32 / self.unit);
            all += weight;
            if tag > 0 && (tag - 1) / 2 == kind {
                of_kind += weight;
            }
        }
        of_kind / all
    }
}

/// Scores of tokens by a hash of all that their features look at: each hash has one slot, which the newer takes.
#[derive(Default)]
pub(crate) struct Memo {
    slots: Vec<(u64, [i16; ROW])>,
}

impl Memo {
    /// Slots of the largest table, 400 kB.
    const SLOTS_MAX: usize = 1 << 14;

    /// Makes the table at its first use, with room for a safe version and the other side.
    fn open(&mut self, tokens: usize) {
        if self.slots.is_empty() {
            self.slots = vec![(0, [0; ROW]); (tokens * 4).next_power_of_two().clamp(64, Memo::SLOTS_MAX)];
        }
    }

    #[inline]
    fn scores(&mut self, surroundings: u64, compute: impl FnOnce() -> [i16; ROW]) -> [i16; ROW] {
        let at = surroundings as usize >> 8 & (self.slots.len() - 1);
        let slot = &mut self.slots[at];
        if slot.0 != surroundings {
            *slot = (surroundings, compute());
        }
        slot.1
    }
}

/// A step of this weight is never taken; far from the ends of `i32`, so that sums stay in range.
pub(crate) const STEP_MAX: i32 = 1 << 20;
const NEVER: i32 = -(1 << 28);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokens::tokenize;

    fn tagged(text: &str) -> Vec<(EntityKind, &str)> {
        let found = Tagger::embedded().tag(text, &tokenize(text));
        found.iter().map(|entity| (entity.kind, &text[entity.start..entity.end])).collect()
    }

    #[test]
    fn people_places_and_organizations_are_found_in_plain_sentences() {
        use EntityKind::{Location, Person};
        assert_eq!(
            tagged("My name is Katarzyna Nowak and I live in Madrid."),
            [(Person, "Katarzyna Nowak"), (Location, "Madrid")]
        );
        assert_eq!(tagged("Paciente: Javier Ortega Ruiz, 46 años."), [(Person, "Javier Ortega Ruiz")]);
        assert_eq!(tagged("我叫王建国，电话是13900000000。"), [(Person, "王建国")]);
    }

    #[test]
    fn a_text_that_names_nobody_stays_quiet() {
        for text in ["", "How do I reset my router?", "12345 {} ;;; ---", "Order A-77421 was shipped on 2024-03-01."] {
            assert_eq!(tagged(text), [], "{text}");
        }
    }

    #[test]
    fn spans_are_on_character_boundaries_and_in_order_on_any_text() {
        let hostile =
            ["ÅÄ\u{301}".repeat(500), "Ann ".repeat(3000), "王".repeat(3000), "!?".repeat(3000), ":".repeat(9000)];
        for text in hostile {
            let mut last = 0;
            for entity in Tagger::embedded().tag(&text, &tokenize(&text)) {
                assert!(
                    entity.start >= last && entity.end > entity.start && text.get(entity.start..entity.end).is_some()
                );
                assert!((0.0..=1.0).contains(&entity.confidence));
                last = entity.end;
            }
        }
    }

    #[test]
    fn changed_weights_are_an_error() {
        let whole = include_bytes!("../../../data/interactions/tagger.bin");
        assert!(Tagger::decode(whole).is_ok());
        for at in [0, 9, 400, whole.len() / 2, whole.len() - 1] {
            let mut changed = whole.to_vec();
            changed[at] ^= 1;
            assert!(Tagger::decode(&changed).is_err(), "byte {at}");
        }
        assert!(Tagger::decode(&whole[..whole.len() - 9]).is_err());
        assert!(Tagger::decode(b"").is_err());
    }
}
