//! Times tagger and classifiers on one interaction of about 2,000 tokens: `time_models FILE` reads text from a file.
#![expect(clippy::print_stdout, clippy::disallowed_methods, reason = "a bench measures time and prints it")]

use std::time::Instant;

use assize_interactions::safety::Classifiers;
use assize_interactions::tagger::Tagger;
use assize_interactions::tokens::tokenize;

/// Bytes of running text that make about 2,000 tokens of the o200k vocabulary.
const BYTES: usize = 8_800;
const ROUNDS: usize = 300;

fn main() -> anyhow::Result<()> {
    let path = std::env::args().nth(1).ok_or_else(|| anyhow::anyhow!("say which file to read"))?;
    let mut text = std::fs::read_to_string(path)?;
    let mut end = BYTES.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    let (tagger, classifiers) = (Tagger::embedded(), Classifiers::embedded());
    let mut best = [f64::MAX; 3];
    let mut sums = [0.0; 3];
    for _ in 0..ROUNDS {
        let start = Instant::now();
        let tokens = tokenize(&text);
        let cut = Instant::now();
        let entities = tagger.tag(&text, &tokens);
        let tagged = Instant::now();
        let scores = classifiers.score(&text, &tokens);
        let scored = Instant::now();
        std::hint::black_box((entities, scores));
        for (at, (from, to)) in [(start, cut), (cut, tagged), (tagged, scored)].into_iter().enumerate() {
            let milliseconds = (to - from).as_secs_f64() * 1e3;
            best[at] = best[at].min(milliseconds);
            sums[at] += milliseconds;
        }
    }
    println!("{} bytes, {} tokens of ours, {ROUNDS} rounds", text.len(), tokenize(&text).len());
    for (name, (best, sum)) in ["tokenize", "tag", "score"].iter().zip(best.iter().zip(sums)) {
        println!("{name}: best {best:.3} ms, mean {:.3} ms", sum / ROUNDS as f64);
    }
    Ok(())
}
