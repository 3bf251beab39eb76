//! What the classifiers see of a sentence, as hashes: words, pairs of neighbouring words, the words it opens
//! with, and runs of two to five characters inside words, which survive misspelling.

use crate::tokens::{Token, TokenKind};
use crate::weights::{mix, step};

/// Characters of a word that are cut into runs; what follows in a longer word is left out.
const WORD_CHARS_MAX: usize = 24;
/// Shortest and longest run of characters.
const RUNS: std::ops::RangeInclusive<usize> = 2..=5;

/// Calls `visit` with every feature of one sentence, and whether it is made of whole words.
pub(crate) fn visit(text: &str, tokens: &[Token], mut visit: impl FnMut(u64, bool)) {
    let mut before = 0;
    let mut opening = 0;
    let mut opened = 0;
    for token in tokens {
        let word = token.text(text);
        let hash = match token.kind {
            TokenKind::Word | TokenKind::Mixed => letters(word, &mut visit),
            TokenKind::Number => mix(word.len().min(5) as u64, 0x006e_756d),
            TokenKind::Ideograph => word.chars().fold(0x63_6a6b, step),
            TokenKind::Symbol => {
                let mark = word.chars().next().map_or(0, |c| u64::from(u32::from(c)));
                visit(mix(mark, 0x73_796d), true);
                // Marks inside a sentence do not part what belongs together, except where it ends.
                continue;
            }
        };
        visit(mix(hash, 1), true);
        if before != 0 {
            visit(mix(mix(before, hash), 2), true);
        }
        if opened < 3 {
            opening = mix(opening, hash);
            opened += 1;
            visit(mix(opening, 16 + opened), true);
        }
        before = hash;
    }
}

/// Visits the runs of a word and returns the word's hash. Case is dropped, and a letter repeated more than twice counts
/// twice ("noooo").
fn letters(word: &str, visit: &mut impl FnMut(u64, bool)) -> u64 {
    let mut chars = ['\0'; WORD_CHARS_MAX + 2];
    chars[0] = '^';
    let (mut length, mut hash) = (1, 0x776f_7264);
    for c in word.chars() {
        let c = crate::tagger::features::lower(c);
        if length > 2 && length <= WORD_CHARS_MAX && chars[length - 1] == c && chars[length - 2] == c {
            continue;
        }
        hash = step(hash, c);
        if length <= WORD_CHARS_MAX {
            chars[length] = c;
            length += 1;
        }
    }
    chars[length] = '$';
    let chars = &chars[..=length];
    for start in 0..chars.len() {
        let mut run = 0x72_756e;
        for (count, &c) in chars[start..].iter().take(*RUNS.end()).enumerate() {
            run = step(run, c);
            if count + 1 >= *RUNS.start() {
                visit(mix(run, 32), false);
            }
        }
    }
    hash
}
