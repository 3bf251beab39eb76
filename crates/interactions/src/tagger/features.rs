//! What the tagger sees of each token, as hashes: the word, its ends, its shape, the lists it is in, its neighbours,
//! its line. Computed once per token and combined per position, so the cost is a fixed number of multiplications.

use super::names::{self, Names};
use crate::tokens::{Token, TokenKind};
use crate::weights::{hash_chars, mix, step};

/// Features of one position.
pub(crate) const FEATURES: usize = 26;
/// Shapes from here on are single characters of a script without spaces.
const IDEOGRAPH_SHAPE: u8 = 14;
/// Tokens after a colon that still count as the value of the key before it.
const KEY_REACH: usize = 10;

/// One token as the features see it.
#[derive(Clone, Copy, Default)]
pub(crate) struct Seen {
    /// Hash of the lower-case characters.
    pub(crate) word: u64,
    /// Hashes of the first three, last three and last four characters.
    ends: [u64; 3],
    /// Shape class.
    shape: u8,
    /// Flags of [`Names`].
    pub(crate) flags: u8,
    /// Bit 0: glued to the token before; bit 1: only symbols stand before it in its line.
    place: u8,
    /// Hash of the key the token stands under, 0 for none: `Name: Ann` or `"name": "Ann"`.
    key: u64,
    /// Hash of the first word of the line.
    line: u64,
}

/// Looks at every token of a text.
pub(crate) fn see(text: &str, tokens: &[Token], names: &Names) -> Vec<Seen> {
    let mut seen: Vec<Seen> = tokens.iter().map(|token| look(token, token.text(text), names)).collect();
    join_ideographs(tokens, &mut seen, names);
    let (mut key, mut key_at, mut line, mut last_word) = (0, 0, 0, 0);
    // A line's first word counts, whatever bullets and quotes stand before it.
    let mut fresh = true;
    for at in 0..seen.len() {
        if tokens[at].opens_line {
            (key, line, last_word, fresh) = (0, 0, 0, true);
        }
        seen[at].place |= u8::from(fresh) << 1;
        if fresh && tokens[at].kind != TokenKind::Symbol {
            (line, fresh) = (seen[at].word, false);
        }
        if at - key_at > KEY_REACH {
            key = 0;
        }
        seen[at].key = key;
        seen[at].line = line;
        match tokens[at].kind {
            TokenKind::Symbol if text.as_bytes()[tokens[at].start] == b':' || tokens[at].text(text) == "：" => {
                (key, key_at) = (last_word, at);
            }
            // In JSON and tables a comma ends a value.
            TokenKind::Symbol if matches!(text.as_bytes()[tokens[at].start], b'{' | b'}' | b';' | b'|') => key = 0,
            TokenKind::Symbol => {}
            _ => last_word = seen[at].word,
        }
    }
    seen
}

fn look(token: &Token, word: &str, names: &Names) -> Seen {
    let place = u8::from(token.glued);
    if word.len() == 1 && token.kind == TokenKind::Symbol {
        let hash = step(0x5bd1_e995, char::from(word.as_bytes()[0]));
        return Seen { word: hash, ends: [hash; 3], place, ..Seen::default() };
    }
    let mut hash = 0x5bd1_e995;
    // The last four characters, oldest first, and the hash after three characters.
    let (mut tail, mut head, mut length) = (['\0'; 4], 0, 0u32);
    for c in word.chars() {
        let lower = lower(c);
        hash = step(hash, lower);
        tail = [tail[1], tail[2], tail[3], lower];
        length += 1;
        if length == 3 {
            head = hash;
        }
    }
    if length < 3 {
        head = hash;
    }
    let last_three = hash_chars(tail[1..].iter().copied());
    let ends = [head, last_three, step(last_three, tail[0])];
    let flags = if matches!(token.kind, TokenKind::Word) { names.flags(hash) } else { 0 };
    Seen { word: hash, ends, shape: shape(token.kind, word, length), flags, place, key: 0, line: 0 }
}

/// Lower case of one character; the few that become two (İ) keep the first, which is the letter.
#[inline]
pub(crate) fn lower(c: char) -> char {
    if c.is_ascii() { c.to_ascii_lowercase() } else { c.to_lowercase().next().unwrap_or(c) }
}

/// Classes: 0 symbols; 1 lower, 2 Capitalised, 3 UPPER, 4 one capital, 5 mIxed, 6 letters without case; 7 to 12 numbers
/// by digits; 13 letters with digits; 14 Han, 15 Hiragana, 16 Katakana, 17 Hangul.
fn shape(kind: TokenKind, word: &str, length: u32) -> u8 {
    match kind {
        TokenKind::Symbol => 0,
        TokenKind::Number => 6 + length.min(6) as u8,
        TokenKind::Mixed => 13,
        TokenKind::Ideograph => match word.chars().next() {
            Some('\u{3041}'..='\u{309f}') => 15,
            Some('\u{30a0}'..='\u{30ff}' | '\u{31f0}'..='\u{31ff}' | '\u{ff66}'..='\u{ff9f}') => 16,
            Some(
                '\u{1100}'..='\u{11ff}' | '\u{3131}'..='\u{318e}' | '\u{a960}'..='\u{a97c}' | '\u{ac00}'..='\u{d7fb}',
            ) => 17,
            _ => 14,
        },
        TokenKind::Word => {
            let (mut upper, mut lower) = (0, 0);
            for c in word.chars() {
                upper += u32::from(c.is_uppercase());
                lower += u32::from(c.is_lowercase());
            }
            match (upper, lower) {
                (0, 0) => 6,
                (0, _) => 1,
                (1, 0) => 4,
                (_, 0) => 3,
                (1, _) if word.chars().next().is_some_and(char::is_uppercase) => 2,
                _ => 5,
            }
        }
    }
}

/// Names in scripts without spaces cover several tokens: each of their characters gets the flags of the longest listed
/// run of up to four that starts at it, or of the run before it that reaches it.
fn join_ideographs(tokens: &[Token], seen: &mut [Seen], names: &Names) {
    let mut at = 0;
    while at < tokens.len() {
        if tokens[at].kind != TokenKind::Ideograph {
            at += 1;
            continue;
        }
        let (mut longest, mut flags) = (1, names.flags(seen[at].word));
        let mut run = seen[at].word;
        for reach in 2..=4 {
            match tokens.get(at + reach - 1) {
                Some(token) if token.kind == TokenKind::Ideograph && token.glued => {
                    run = join(run, seen[at + reach - 1].word);
                    let found = names.flags(run);
                    if found != 0 {
                        (longest, flags) = (reach, found);
                    }
                }
                _ => break,
            }
        }
        // Which character of the run it is matters as much as the list: the flag of commonness says "not the first".
        for (offset, one) in seen[at..at + longest].iter_mut().enumerate() {
            one.flags = flags & !names::COMMON | if offset > 0 && flags != 0 { names::COMMON } else { 0 };
        }
        at += longest;
    }
}

/// Hash of a run of ideographs, from the hash of the run and that of the next one.
pub(crate) fn join(run: u64, next: u64) -> u64 {
    mix(run, next)
}

/// A hash of all that the features of position `at` are made from, never zero.
#[inline]
pub(crate) fn surroundings(seen: &[Seen], at: usize) -> u64 {
    // A word's ends follow from the word.
    let own = |at: usize| {
        seen.get(at).map_or(1, |one| {
            mix(one.word, u64::from(one.shape) | u64::from(one.flags) << 8 | u64::from(one.place) << 16)
        })
    };
    let here = mix(seen[at].key, seen[at].line);
    [at.wrapping_sub(2), at.wrapping_sub(1), at, at + 1, at + 2].into_iter().map(own).fold(here, mix) | 1
}

/// The features of position `at`.
#[inline]
pub(crate) fn features(seen: &[Seen], at: usize) -> [u64; FEATURES] {
    const OUTSIDE: Seen = Seen { word: 1, ends: [1; 3], shape: 31, flags: 0, place: 2, key: 0, line: 0 };
    let get = |at: usize| seen.get(at).copied().unwrap_or(OUTSIDE);
    let (two_back, back) = (get(at.wrapping_sub(2)), get(at.wrapping_sub(1)));
    let (here, next, after) = (seen[at], get(at + 1), get(at + 2));
    let class = |one: &Seen| u64::from(one.shape) | u64::from(one.flags) << 5;
    let (here_class, back_class, next_class) = (class(&here), class(&back), class(&next));
    let shapes = |a: &Seen, b: &Seen, c: &Seen| {
        u64::from(a.shape) | u64::from(b.shape) << 5 | u64::from(c.shape) << 10 | u64::from(b.place) << 15
    };
    let glue = u64::from(here.place) | u64::from(next.place) << 2;
    let mut out = [0; FEATURES];
    let mut raw = [
        here.word,
        back.word,
        next.word,
        two_back.word,
        after.word,
        mix(back.word, here.word),
        mix(here.word, next.word),
        mix(two_back.word, back.word),
        mix(next.word, after.word),
        mix(here.ends[0], u64::from(here.shape)),
        mix(here.ends[1], u64::from(here.shape)),
        mix(here.ends[2], u64::from(here.shape)),
        here_class | glue << 20,
        shapes(&back, &here, &next),
        shapes(&two_back, &back, &here) | u64::from(here.flags) << 20,
        shapes(&here, &next, &after) | u64::from(here.flags) << 20,
        here_class | back_class << 16 | next_class << 32,
        mix(back.word, here_class),
        mix(next.word, here_class),
        mix(mix(two_back.word, back.word), u64::from(here.shape)),
        mix(here.key, here_class),
        mix(here.key, mix(back.word, u64::from(here.shape))),
        mix(here.line, here_class | glue << 20),
        mix(mix(back.word, next.word), here_class),
        // Members of a list: what stands two to the left and two to the right, over the comma.
        mix(here_class | class(&two_back) << 16, if back.shape == 0 { back.word } else { 0 }),
        mix(here_class | class(&after) << 16, if next.shape == 0 { next.word } else { 0 }),
    ];
    if here.shape >= IDEOGRAPH_SHAPE {
        // One character has no ends: its runs of three say more.
        raw[9] = mix(mix(back.word, here.word), next.word);
        raw[10] = mix(mix(here.word, next.word), after.word);
        raw[11] = mix(mix(two_back.word, back.word), here.word);
    }
    for (number, (slot, value)) in out.iter_mut().zip(raw).enumerate() {
        *slot = mix(value, 0x1_0001 * (number as u64 + 1));
    }
    out
}
