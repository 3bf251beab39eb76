//! One automaton over every word that means something to the engine: context words of recognisers in all languages, month
//! names, phrases of evidence, prefixes of secrets. A text is walked once; what was hit where is then asked from
//! [`Hits`].
//!
//! Invariants: words match whole (a letter or digit on either side refuses the hit, unless the entry says `*` on that
//! side or the script has no spaces); case does not matter; accents may be missing in words of six letters and more.
//! Asking for the context of a place looks at a bounded stretch before and after it.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, AhoCorasickKind, MatchKind};
use unicode_normalization::UnicodeNormalization;

/// What a word is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Tag {
    /// Stands near values of this entity type (index in `pii::registry::KINDS`).
    Near(u16),
    /// Stands near numbers that are nobody's: invoice, order, version.
    Refuse,
    /// Opens a labelled value (index in `pii::labelled::LABELS`).
    Label(u16),
    /// A month's name.
    Month(u8),
    /// After or before a number it is an age.
    Age(AgeWord),
    /// Word of medicine: where enough of them stand, a text is clinical.
    Clinical,
    /// A phrase of an evidence rule (index in `evidence::lexicon::PHRASES`).
    Phrase(u16),
    /// A secret's prefix or name (index in `secrets::providers::PROVIDERS`).
    Secret(u16),
    /// A name that secrets are assigned to.
    SecretName,
    /// A noun for a person by sex or kinship.
    Human(HumanWord),
    /// A word of instructions under ROT13: worth decoding.
    Rot13,
    /// `://`
    Scheme,
    /// `-----BEGIN`
    Armour,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum AgeWord {
    /// `72 años`: the unit follows the number.
    Unit,
    /// `aged 72`: the word comes first.
    Lead,
    /// `years old`: no doubt left.
    Sure,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum HumanWord {
    Gender,
    /// `sex:` and its like, before a value.
    GenderLabel,
    Family,
}

/// Characters before a value in which a word is its context (taxonomy section 1).
pub(crate) const CONTEXT_CHARS: usize = 40;
/// Characters after a value in which a word is its context: `… (SSN)`.
const AFTER_CHARS: usize = 8;

/// One occurrence of a word.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hit {
    pub(crate) start: usize,
    pub(crate) end: usize,
    word: u32,
}

struct Word {
    tags: Vec<Tag>,
    open_left: bool,
    open_right: bool,
}

struct Words {
    automaton: AhoCorasick,
    words: Vec<Word>,
}

static WORDS: LazyLock<Words> = LazyLock::new(build);

/// All occurrences in a text, by their end.
#[derive(Debug, Default)]
pub(crate) struct Hits {
    pub(crate) list: Vec<Hit>,
}

/// Finds every word of the text.
pub(crate) fn find(text: &str) -> Hits {
    let words = &*WORDS;
    let mut list = Vec::new();
    for found in words.automaton.find_overlapping_iter(text) {
        let word = &words.words[found.pattern().as_usize()];
        if whole(text, found.start(), found.end(), word) {
            list.push(Hit { start: found.start(), end: found.end(), word: found.pattern().as_u32() });
        }
    }
    Hits { list }
}

/// Builds the automaton now, so that the first audit does not.
pub(crate) fn prepare() {
    LazyLock::force(&WORDS);
}

impl Hit {
    pub(crate) fn tags(self) -> &'static [Tag] {
        &WORDS.words[self.word as usize].tags
    }
}

/// A word near a place, and how far from it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Near {
    pub(crate) hit: Hit,
    /// Characters between the word and the place.
    pub(crate) distance: usize,
}

impl Hits {
    /// The words that end before `at`, nearest first, within [`CONTEXT_CHARS`].
    pub(crate) fn before<'h>(&'h self, text: &'h str, at: usize) -> impl Iterator<Item = Near> + 'h {
        let last = self.list.partition_point(|hit| hit.end <= at);
        let mut distance = 0;
        let mut from = at;
        self.list[..last].iter().rev().map_while(move |&hit| {
            // Counted once over the whole walk: hits come in falling order of their ends.
            distance += text.as_bytes()[hit.end..from].iter().filter(|&&byte| byte & 0xc0 != 0x80).take(64).count();
            from = hit.end;
            (distance <= CONTEXT_CHARS).then_some(Near { hit, distance })
        })
    }

    /// The words that begin after `at` in the same line, within [`AFTER_CHARS`].
    pub(crate) fn after<'h>(&'h self, text: &'h str, at: usize) -> impl Iterator<Item = Near> + 'h {
        let first = self.list.partition_point(|hit| hit.end <= at);
        let gap = text[at..].char_indices().take(AFTER_CHARS + 1);
        let line = gap.take_while(|(_, c)| !matches!(c, '\n' | ';' | '.')).last().map_or(at, |(offset, _)| at + offset);
        // A word of at most 48 bytes that begins within the gap ends within 48 bytes of it.
        self.list[first..].iter().take_while(move |hit| hit.end <= line + 48).filter_map(move |&hit| {
            let near = hit.start >= at && hit.start <= line;
            near.then(|| Near { hit, distance: text[at..hit.start].chars().count() })
        })
    }

    /// Occurrences that carry a tag the caller wants.
    pub(crate) fn tagged<'h, T: 'h>(
        &'h self,
        pick: impl Fn(Tag) -> Option<T> + 'h,
    ) -> impl Iterator<Item = (Hit, T)> + 'h {
        self.list.iter().filter_map(move |&hit| hit.tags().iter().find_map(|&tag| pick(tag)).map(|value| (hit, value)))
    }
}

fn whole(text: &str, start: usize, end: usize, word: &Word) -> bool {
    (word.open_left || text[..start].chars().next_back().is_none_or(boundary))
        && (word.open_right || text[end..].chars().next().is_none_or(boundary))
}

/// A character that does not continue a word; scripts without spaces never do.
fn boundary(c: char) -> bool {
    !c.is_alphanumeric() || unspaced(c)
}

/// Han, Kana, Hangul, Thai: words are not set apart by spaces (Korean particles follow without one).
pub(crate) fn unspaced(c: char) -> bool {
    matches!(c, '\u{e00}'..='\u{e7f}' | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}')
}

fn build() -> Words {
    let mut tags: BTreeMap<String, (Vec<Tag>, bool, bool)> = BTreeMap::new();
    for (entry, tag) in entries() {
        let open_left = entry.starts_with('*');
        let open_right = entry.ends_with('*');
        let plain = entry.trim_matches('*').nfkc().collect::<String>();
        let unspaced_left = plain.chars().next().is_some_and(unspaced);
        let unspaced_right = plain.chars().next_back().is_some_and(unspaced);
        let symbol_left = plain.chars().next().is_some_and(|c| !c.is_alphanumeric());
        let symbol_right = plain.chars().next_back().is_some_and(|c| !c.is_alphanumeric());
        for spelling in spellings(&plain) {
            let word = tags.entry(spelling).or_default();
            if !word.0.contains(&tag) {
                word.0.push(tag);
            }
            word.1 |= open_left || unspaced_left || symbol_left;
            word.2 |= open_right || unspaced_right || symbol_right;
        }
    }
    let patterns: Vec<&str> = tags.keys().map(String::as_str).collect();
    let automaton = AhoCorasickBuilder::new()
        .match_kind(MatchKind::Standard)
        .ascii_case_insensitive(true)
        .kind(Some(AhoCorasickKind::DFA))
        .build(&patterns)
        .expect("the lexicon is a few thousand short words, far under the limits of the automaton");
    let words = tags.into_values().map(|(tags, open_left, open_right)| Word { tags, open_left, open_right }).collect();
    Words { automaton, words }
}

/// Lower, capitalised and upper spellings where the case of other than ASCII letters differs, and without accents where
/// the word is long enough not to become another.
fn spellings(word: &str) -> Vec<String> {
    let lower = word.to_lowercase();
    let mut all = vec![lower.clone()];
    if !word.is_ascii() {
        let mut letters = lower.chars();
        let capital: String = letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect();
        all.extend([lower.to_uppercase(), capital]);
        let bare: String = lower.nfd().filter(|c| !('\u{300}'..='\u{36f}').contains(c)).nfc().collect();
        if lower.chars().count() >= 6 && bare.is_ascii() {
            all.push(bare);
        }
    }
    // The automaton folds the case of ASCII letters: such spellings would be listed twice.
    for spelling in &mut all {
        *spelling = spelling.chars().map(|c| c.to_ascii_lowercase()).collect();
    }
    all.sort();
    all.dedup();
    all
}

fn entries() -> Vec<(&'static str, Tag)> {
    let mut all = Vec::new();
    crate::pii::words(&mut all);
    crate::secrets::words(&mut all);
    crate::evidence::words(&mut all);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_match_whole_in_any_case_and_without_accents() {
        let near =
            |text: &str| find(text).list.iter().any(|hit| hit.tags().iter().any(|tag| matches!(tag, Tag::Near(_))));
        assert!(near("My SSN is") && near("my ssn: ") && near("SÉCURITÉ SOCIALE") && near("securite sociale"));
        assert!(!near("the classname") && !near("ssnx"));
        assert!(near("マイナンバーは") && near("我的身份证号码是"));
    }

    #[test]
    fn the_nearest_word_comes_first_and_far_words_do_not_count() {
        let text = format!("ssn {} order itin 123", "x".repeat(60));
        let hits = find(&text);
        let near: Vec<_> = hits.before(&text, text.len() - 3).map(|near| near.distance).collect();
        assert!(near.len() >= 2 && near.windows(2).all(|pair| pair[0] <= pair[1]) && near[0] == 1);
        assert!(near.iter().all(|&distance| distance <= CONTEXT_CHARS));
    }
}
