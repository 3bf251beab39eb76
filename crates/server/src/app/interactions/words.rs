//! Search over texts that are sealed at rest: each interaction keeps a signature of the words of its safe versions, and a
//! search reads the signatures, then opens only what may match.
//!
//! A signature is a Bloom filter (Bloom, CACM 13, 1970) of keyed hashes: without the organization's key it says nothing
//! of the words. It has ten bits a word and seven hashes: one text in a hundred is opened in vain for each word looked
//! for, and none that matches is missed.

use sha2::{Digest as _, Sha256};

/// Bits of a signature a word has.
const BITS_A_WORD: usize = 10;
/// Bits that a word sets.
const HASHES: u64 = 7;
/// Words of a text that are signed; what a token limit of some thousand lets through is far below.
const WORDS_MAX: usize = 20_000;
/// Longest word that is looked at, characters; the rest of a longer one does not count.
const WORD_CHARS_MAX: usize = 40;
/// Words of a question.
const ASKED_MAX: usize = 16;

/// The key under which an organization's words are hashed.
#[derive(Clone)]
pub(super) struct WordKey([u8; 32]);

impl WordKey {
    /// From secret bytes that belong to the organization alone.
    pub(super) fn new(secret: [u8; 32]) -> Self {
        Self(secret)
    }

    /// Two numbers of a word, from which all its bits follow (Kirsch and Mitzenmacher, ESA 2006).
    fn hashes(&self, word: &str) -> (u64, u64) {
        let mut hasher = Sha256::new();
        hasher.update(self.0);
        hasher.update(word.as_bytes());
        let digest = hasher.finalize();
        let number = |from: usize| u64::from_le_bytes(digest[from..from + 8].try_into().expect("eight bytes"));
        (number(0), number(8) | 1)
    }

    /// The signature of the words of some texts.
    pub(super) fn sign(&self, texts: &[&str]) -> Vec<u8> {
        let words = words(texts, WORDS_MAX);
        let bytes = (words.len() * BITS_A_WORD).div_ceil(8).max(1);
        let mut signature = vec![0; bytes];
        for word in &words {
            for bit in bits(self.hashes(word), bytes) {
                signature[bit / 8] |= 1 << (bit % 8);
            }
        }
        signature
    }
}

/// A question for words, all of which must be there.
pub(super) struct Question {
    words: Vec<String>,
    hashes: Vec<(u64, u64)>,
}

impl Question {
    /// Words to look for; `None` when the text holds none.
    pub(super) fn new(key: &WordKey, text: &str) -> Option<Self> {
        let words = words(&[text], ASKED_MAX);
        let hashes = words.iter().map(|word| key.hashes(word)).collect();
        (!words.is_empty()).then_some(Self { words, hashes })
    }

    /// Whether a text with this signature may match.
    pub(super) fn may_match(&self, signature: &[u8]) -> bool {
        let set = |bit: usize| signature[bit / 8] & (1 << (bit % 8)) != 0;
        !signature.is_empty() && self.hashes.iter().all(|hash| bits(*hash, signature.len()).all(set))
    }

    /// Whether these texts do.
    pub(super) fn matches(&self, texts: &[&str]) -> bool {
        let there = words(texts, WORDS_MAX);
        self.words.iter().all(|word| there.binary_search(word).is_ok())
    }
}

fn bits((first, second): (u64, u64), bytes: usize) -> impl Iterator<Item = usize> {
    let count = bytes as u64 * 8;
    (0..HASHES).map(move |nth| (first.wrapping_add(nth.wrapping_mul(second)) % count) as usize)
}

/// The distinct words of some texts in lower case, sorted. A character of a script without spaces is a word by itself.
fn words(texts: &[&str], words_max: usize) -> Vec<String> {
    let mut words = Vec::new();
    for text in texts {
        let mut word = String::new();
        let mut chars = 0;
        for char in text.chars().flat_map(char::to_lowercase).chain([' ']) {
            let alone = is_ideograph(char);
            if char.is_alphanumeric() && !alone {
                if chars < WORD_CHARS_MAX {
                    word.push(char);
                }
                chars += 1;
                continue;
            }
            if !word.is_empty() {
                words.push(std::mem::take(&mut word));
            }
            chars = 0;
            if alone {
                words.push(char.to_string());
            }
            if words.len() >= words_max {
                break;
            }
        }
    }
    words.sort_unstable();
    words.dedup();
    words
}

/// Han, Kana and Hangul.
fn is_ideograph(char: char) -> bool {
    matches!(u32::from(char), 0x3040..=0x30ff | 0x3400..=0x4dbf | 0x4e00..=0x9fff | 0xac00..=0xd7af | 0xf900..=0xfaff
        | 0x20000..=0x323af)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_found() {
        let key = WordKey::new([7; 32]);
        let texts = ["How do I delete my account, [PERSON_1]?", "Größe 退款 bitte"];
        let signature = key.sign(&texts);
        for asked in ["delete", "ACCOUNT delete", "person 1", "größe", "退款", "款 how"] {
            let question = Question::new(&key, asked).unwrap();
            assert!(question.may_match(&signature) && question.matches(&texts), "{asked}");
        }
        for asked in ["refund", "delete refund", "accoun"] {
            assert!(!Question::new(&key, asked).unwrap().matches(&texts), "{asked}");
        }
        assert!(Question::new(&key, " ?! ").is_none());
        assert!(!Question::new(&key, "delete").unwrap().may_match(&[]));
    }

    #[test]
    fn one_in_a_hundred_is_opened_in_vain() {
        let key = WordKey::new([1; 32]);
        let text: String = (0..60).map(|word| format!("word{word} ")).collect();
        let signature = key.sign(&[&text]);
        let vain = (0..10_000).filter(|n| Question::new(&key, &format!("other{n}")).unwrap().may_match(&signature));
        assert!(vain.count() < 200);
    }

    #[test]
    fn signatures_say_nothing_without_the_key() {
        let (ours, theirs) = (WordKey::new([1; 32]), WordKey::new([2; 32]));
        let text: String = (0..60).map(|word| format!("word{word} ")).collect();
        assert_ne!(ours.sign(&[&text]), theirs.sign(&[&text]));
        let found =
            (0..60).filter(|n| Question::new(&theirs, &format!("word{n}")).unwrap().may_match(&ours.sign(&[&text])));
        assert!(found.count() < 10);
    }

    #[test]
    fn hostile_texts_are_bounded() {
        let key = WordKey::new([1; 32]);
        let long = "a".repeat(1 << 20);
        assert_eq!(key.sign(&[&long]).len(), 2);
        let many: String = (0..100_000).map(|word| format!("w{word} ")).collect();
        assert!(key.sign(&[&many]).len() <= WORDS_MAX * BITS_A_WORD / 8);
    }
}
