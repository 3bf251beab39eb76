//! Counting tokens as the documented service bills them: by a public byte-pair vocabulary (tiktoken's tables), input and
//! output by themselves and added up.
//!
//! The vocabulary is decoded at the first count (some 0.3 s) and never for who counts nothing.

use std::sync::atomic::{AtomicBool, Ordering};

use tiktoken_rs::{CoreBPE, cl100k_base_singleton, o200k_base_singleton};

use crate::config::Vocabulary;

/// Bytes of the longest token of any vocabulary here: a text longer than this many times the limit is over it.
const TOKEN_BYTES_MAX: usize = 128;
/// Bytes that are counted within some milliseconds, whatever they are.
const QUICK_BYTES_MAX: usize = 16 << 10;

static DECODED: AtomicBool = AtomicBool::new(false);

/// Whether texts of so many bytes are counted in a moment; otherwise count them on the blocking pool.
pub(super) fn is_quick(bytes: usize) -> bool {
    bytes <= QUICK_BYTES_MAX && DECODED.load(Ordering::Acquire)
}

/// How many tokens two texts have together; `None` when they are more than `tokens_max`.
pub(super) fn count(vocabulary: Vocabulary, input: &str, output: &str, tokens_max: u32) -> Option<u32> {
    let max = tokens_max as usize;
    if input.len() + output.len() > max.saturating_mul(TOKEN_BYTES_MAX) {
        return None;
    }
    let encoder = encoder(vocabulary);
    let tokens = encoder.count_ordinary(input) + encoder.count_ordinary(output);
    DECODED.store(true, Ordering::Release);
    u32::try_from(tokens).ok().filter(|tokens| *tokens <= tokens_max)
}

fn encoder(vocabulary: Vocabulary) -> &'static CoreBPE {
    match vocabulary {
        Vocabulary::O200kBase => o200k_base_singleton(),
        Vocabulary::Cl100kBase => cl100k_base_singleton(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_exact() {
        let words = |count: usize| " one".repeat(count);
        let o200k = |input: &str, output: &str| count(Vocabulary::O200kBase, input, output, 2_000);
        assert_eq!(o200k(&words(1_500), &words(500)), Some(2_000));
        assert_eq!(o200k(&words(1_500), &words(501)), None);
        assert_eq!(o200k("", ""), Some(0));
    }

    #[test]
    fn counts_are_those_of_the_public_tables() {
        // tiktoken 0.12: len(encoding.encode(text)).
        let text = "How do I delete my account? Löschen Sie es bitte. 删除我的账户 👩‍👩‍👧";
        assert_eq!(count(Vocabulary::O200kBase, text, "", 2_000), Some(24));
        assert_eq!(count(Vocabulary::Cl100kBase, text, "", 2_000), Some(29));
    }

    #[test]
    fn no_token_is_longer_than_the_shortcut_says() {
        for (encoder, tokens) in [(o200k_base_singleton(), 199_998_u32), (cl100k_base_singleton(), 100_256)] {
            let longest =
                (0..tokens).filter_map(|token| encoder.decode_bytes(&[token]).ok()).map(|bytes| bytes.len()).max();
            assert!(longest.is_some_and(|bytes| bytes <= TOKEN_BYTES_MAX), "{longest:?}");
        }
    }

    #[test]
    fn the_worst_texts_that_are_counted_at_all_end_in_a_count() {
        let worst = 2_000 * TOKEN_BYTES_MAX;
        for unit in ["a", " ", "\n", " \n", "\u{3000}", "a ", "0", "!", "\u{e9}", "👩‍👩‍👧", "'s", "e\u{301}"]
        {
            let text = unit.repeat(worst / unit.len());
            for vocabulary in [Vocabulary::O200kBase, Vocabulary::Cl100kBase] {
                count(vocabulary, &text, "", 2_000);
                count(vocabulary, &format!("{}x", &text[..text.len() - unit.len()]), "", 2_000);
            }
        }
        assert_eq!(count(Vocabulary::O200kBase, &"a".repeat(10_000_000), "", 2_000), None);
        assert!(count(Vocabulary::O200kBase, &" ".repeat(100_000), "", 2_000).is_some());
    }
}
