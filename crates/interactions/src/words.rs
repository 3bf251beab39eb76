//! Every word that means something to the engine, found in one walk: context words of recognisers in all languages, month
//! names, phrases of evidence, prefixes of secrets. What was hit where is then asked from [`Hits`].
//!
//! Each place where a word may stand is looked up by a hash ([`Starts`]): a run of letters and digits whole, by its first
//! bytes where the word may go on, by its last where it may begin earlier; a sign or a character of a script without spaces
//! by the bytes that follow. One automaton over all words would be tens of megabytes, and a cache miss a byte.
//!
//! Invariants: words match whole (a letter or digit on either side refuses the hit, unless the entry says `*` on that
//! side or the script has no spaces); case does not matter; accents may be missing in words of six letters and more.
//! Asking for the context of a place looks at a bounded stretch before and after it.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization;

use crate::pii::Street;
use crate::weights::mix;

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
    /// A word for a street.
    Street(Street),
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
    spelling: Box<str>,
    tags: Vec<Tag>,
    open_left: bool,
    open_right: bool,
}

struct Words {
    starts: Starts,
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
    words.starts.find(text, &words.words, &mut list);
    list.sort_unstable_by_key(|hit| (hit.end, hit.start));
    Hits { list }
}

/// Builds the tables now, so that the first audit does not.
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
    let words: Vec<Word> = tags
        .into_iter()
        .map(|(spelling, (tags, open_left, open_right))| Word {
            spelling: spelling.into(),
            tags,
            open_left,
            open_right,
        })
        .collect();
    Words { starts: Starts::of(&words), words }
}

/// Words by the hash of the bytes that they are looked up by.
struct Starts {
    /// A bit for each hash that may be there: most words of a text end here.
    known: Vec<u64>,
    /// Where the entries of a bucket begin; the next bucket's begin is their end.
    buckets: Vec<u16>,
    entries: Vec<Entry>,
}

#[derive(Clone, Copy)]
struct Entry {
    /// The half of the hash that does not choose the bucket.
    tag: u32,
    word: u32,
    /// The word ends where the run does, else it begins there.
    tail: bool,
    /// The two bytes after the run, zero where there is none: many phrases open with one word.
    next: [u8; 2],
}

/// Bytes that a word is looked up by when its run may go on, where it has so many, and where it is short.
const HEAD_BYTES: usize = 4;
const SHORT_BYTES: usize = 2;
/// Bytes that a word is looked up by when it may begin inside a run: the last; and when it begins with a sign: the first.
const TAIL_BYTES: usize = 3;
const SIGN_BYTES: usize = 3;
const BUCKETS_LOG2: u32 = 14;
/// Log2 of the bits: 16 kB, which stay in the fastest cache, and one stranger in twenty.
const KNOWN_LOG2: u32 = 17;

impl Starts {
    fn of(words: &[Word]) -> Starts {
        let mut entries: Vec<(usize, Entry)> = Vec::new();
        let mut known = vec![0; 1 << (KNOWN_LOG2 - 6)];
        for (word, number) in words.iter().zip(0..) {
            let bytes = word.spelling.as_bytes();
            let run = run_end(&word.spelling, 0);
            let whole = run == bytes.len();
            let mut next = [0; 2];
            let hash = if run == 0 {
                assert!(
                    CLASS[usize::from(bytes[0])] >= SIGN,
                    "{} begins with a sign that is not looked at",
                    word.spelling
                );
                part(bytes, 0, SIGN_BYTES)
            } else if word.open_left {
                assert!(whole && !word.open_right && run >= TAIL_BYTES, "*{} is not a word's end", word.spelling);
                part(bytes, run - TAIL_BYTES, TAIL_BYTES + 8)
            } else if whole && word.open_right {
                part(bytes, 0, if run < HEAD_BYTES { SHORT_BYTES } else { HEAD_BYTES })
            } else {
                next = [run, run + 1].map(|at| bytes.get(at).copied().unwrap_or(0));
                key(bytes, 0, run)
            };
            let (index, bit) = known_bit(hash);
            known[index] |= bit;
            entries
                .push((bucket(hash), Entry { tag: hash as u32, word: number, tail: word.open_left && run > 0, next }));
        }
        entries.sort_by_key(|(bucket, entry)| (*bucket, entry.word));
        assert!(entries.len() <= usize::from(u16::MAX), "{} words are more than the table numbers", entries.len());
        let begin = |wanted: usize| entries.partition_point(|(bucket, _)| *bucket < wanted) as u16;
        let buckets = (0..=1 << BUCKETS_LOG2).map(begin).collect();
        Starts { known, buckets, entries: entries.into_iter().map(|(_, entry)| entry).collect() }
    }

    fn find(&self, text: &str, words: &[Word], list: &mut Vec<Hit>) {
        let bytes = text.as_bytes();
        let mut at = 0;
        while let Some(gap) = bytes[at..].iter().position(|&byte| CLASS[usize::from(byte)] != GAP) {
            at += gap;
            let end = run_end(text, at);
            let mut look_up = |hash: u64| {
                if self.knows(hash) {
                    self.look_up(hash, text, at..end, words, list);
                }
            };
            if end == at {
                look_up(part(bytes, at, SIGN_BYTES));
                at += text[at..].chars().next().map_or(1, char::len_utf8);
                continue;
            }
            look_up(key(bytes, at, end));
            look_up(part(bytes, at, SHORT_BYTES));
            if end - at >= TAIL_BYTES {
                look_up(part(bytes, end - TAIL_BYTES, TAIL_BYTES + 8));
            }
            if end - at >= HEAD_BYTES {
                look_up(part(bytes, at, HEAD_BYTES));
            }
            at = end;
        }
    }

    #[inline]
    fn knows(&self, hash: u64) -> bool {
        let (index, bit) = known_bit(hash);
        self.known[index] & bit != 0
    }

    fn look_up(&self, hash: u64, text: &str, run: Range<usize>, words: &[Word], list: &mut Vec<Hit>) {
        let bucket = bucket(hash);
        for entry in &self.entries[usize::from(self.buckets[bucket])..usize::from(self.buckets[bucket + 1])] {
            if entry.tag == hash as u32 {
                list.extend(entry.stands(text, run.start, run.end, words));
            }
        }
    }
}

impl Entry {
    /// The hit, where the entry's word stands at `start`; the text's run there ends at `run`.
    fn stands(&self, text: &str, start: usize, run: usize, words: &[Word]) -> Option<Hit> {
        let bytes = text.as_bytes();
        for (want, at) in self.next.into_iter().zip(run..) {
            if want != 0 && bytes.get(at).is_none_or(|byte| byte.to_ascii_lowercase() != want) {
                return None;
            }
        }
        let word = &words[self.word as usize];
        let start = if self.tail { run.checked_sub(word.spelling.len())? } else { start };
        let end = start + word.spelling.len();
        let said = bytes.get(start..end)?.eq_ignore_ascii_case(word.spelling.as_bytes());
        // A whole spelling ends at the end of a character.
        (said && whole(text, start, end, word)).then_some(Hit { start, end, word: self.word })
    }
}

/// What a byte is to a run of letters and digits.
const CLASS: [u8; 256] = {
    let mut table = [GAP; 256];
    let mut byte = 0;
    while byte < 256 {
        if byte >= 0x80 {
            table[byte] = BEYOND_ASCII;
        } else if (byte as u8).is_ascii_alphanumeric() {
            table[byte] = ALPHANUMERIC;
        } else if matches!(byte as u8, b'#' | b'-' | b'<' | b'_' | b':' | b'[') {
            table[byte] = SIGN;
        }
        byte += 1;
    }
    table
};
const GAP: u8 = 0;
const ALPHANUMERIC: u8 = 1;
/// A sign that words begin with.
const SIGN: u8 = 2;
const BEYOND_ASCII: u8 = 3;

/// The end of the run of letters and digits that begins at `at`: what [`boundary`] does not end.
#[inline]
fn run_end(text: &str, mut at: usize) -> usize {
    let bytes = text.as_bytes();
    loop {
        at += bytes[at..].iter().position(|&byte| CLASS[usize::from(byte)] != ALPHANUMERIC).unwrap_or(bytes.len() - at);
        if bytes.get(at).is_none_or(u8::is_ascii) {
            return at;
        }
        match text[at..].chars().next() {
            Some(c) if !boundary(c) => at += c.len_utf8(),
            _ => return at,
        }
    }
}

/// Hash of a run: its length, its first and its last eight bytes, small and capital letters alike. What it mixes up, the
/// comparison tells apart.
#[inline]
fn key(bytes: &[u8], start: usize, end: usize) -> u64 {
    let length = end - start;
    let first = eight(bytes, start, length.min(8));
    let last = if length > 8 { eight(bytes, end - 8, 8) } else { 0 };
    mix(first ^ length as u64, last)
}

/// Hash of some bytes from `start`; eight more than so many stand for a run's last bytes, which are others than its first.
#[inline]
fn part(bytes: &[u8], start: usize, kind: usize) -> u64 {
    mix(eight(bytes, start, kind % 8), kind as u64)
}

/// Up to eight bytes as one number, with the bit set that tells small letters from capital ones.
#[inline]
fn eight(bytes: &[u8], start: usize, length: usize) -> u64 {
    let word = match bytes[start..].first_chunk::<8>() {
        Some(chunk) => u64::from_le_bytes(*chunk),
        None => bytes[start..].iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte)),
    };
    (word | 0x2020_2020_2020_2020) & (u64::MAX >> (64 - 8 * length))
}

#[inline]
fn known_bit(hash: u64) -> (usize, u64) {
    let at = (hash >> (64 - KNOWN_LOG2)) as usize;
    (at / 64, 1 << (at % 64))
}

#[inline]
fn bucket(hash: u64) -> usize {
    (hash >> (64 - BUCKETS_LOG2)) as usize
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
