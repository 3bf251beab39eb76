//! Counting tokens as the documented service bills them: by a public byte-pair vocabulary (tiktoken's tables), input and
//! output by themselves and added up.
//!
//! The vocabulary is decoded at the first count (some 0.2 s) and never for who counts nothing. Counting is linear in the
//! text, whatever it holds.

use std::sync::atomic::{AtomicBool, Ordering};

use bpe_openai::Tokenizer;

use crate::config::Vocabulary;

/// Bytes of the longest token of any vocabulary here: a text longer than this many times the limit is over it.
const TOKEN_BYTES_MAX: usize = 128;

static DECODED: AtomicBool = AtomicBool::new(false);

/// Whether a vocabulary was decoded already.
pub(super) fn is_decoded() -> bool {
    DECODED.load(Ordering::Acquire)
}

/// Decodes a vocabulary; on the blocking pool.
pub(super) fn decode(vocabulary: Vocabulary) {
    tokenizer(vocabulary).count(" ");
    DECODED.store(true, Ordering::Release);
}

/// How many tokens two texts have together; `None` when they are more than `tokens_max`.
pub(super) fn count(vocabulary: Vocabulary, input: &str, output: &str, tokens_max: u32) -> Option<u32> {
    let max = tokens_max as usize;
    if input.len() + output.len() > max.saturating_mul(TOKEN_BYTES_MAX) {
        return None;
    }
    let tokenizer = tokenizer(vocabulary);
    let first = tokenizer.count_till_limit(&tokenizer.normalize(input), max)?;
    let both = first + tokenizer.count_till_limit(&tokenizer.normalize(output), max - first)?;
    u32::try_from(both).ok()
}

fn tokenizer(vocabulary: Vocabulary) -> &'static Tokenizer {
    match vocabulary {
        Vocabulary::O200kBase => bpe_openai::o200k_base(),
        Vocabulary::Cl100kBase => bpe_openai::cl100k_base(),
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
        for (tokenizer, tokens) in [(bpe_openai::o200k_base(), 199_998), (bpe_openai::cl100k_base(), 100_256)] {
            let longest = (0..tokens).map(|token| tokenizer.bpe.token_len(token)).max();
            assert!(longest.is_some_and(|bytes| bytes <= TOKEN_BYTES_MAX), "{longest:?}");
        }
    }

    #[test]
    fn long_runs_take_no_longer_than_their_length() {
        assert_eq!(count(Vocabulary::O200kBase, &"a".repeat(10_000_000), "", 2_000), None);
        assert!(count(Vocabulary::O200kBase, &"a".repeat(200_000), "", 2_000).is_none());
        assert!(count(Vocabulary::O200kBase, &" ".repeat(100_000), "", 2_000).is_some());
    }
}
