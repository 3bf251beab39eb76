//! Prints the engine's speed: `throughput TEXTS [rules|all] [scan|pairs]`, one text a line of JSON (`{"text": …}`), one
//! thread. With `scan` personal data and secrets are looked for and nothing else; with `pairs` each audit has one text as
//! its input and the next as its output.
//!
//! `bench/interactions.py` runs it beside a rival on the same texts. Time is CPU time of this thread (Linux
//! `/proc/thread-self/schedstat`), so that other work on the machine does not count; rounds repeat until there is enough.
#![expect(clippy::print_stdout, reason = "a command prints its figures")]

use anyhow::Context as _;
use assize_interactions::safety::Classifiers;
use assize_interactions::tagger::Tagger;
use assize_interactions::{Engine, Interaction, Rules, Text};

/// Seconds of measurement.
const SECONDS: f64 = 1.0;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let file = arguments.first().context("say which file of texts")?;
    let everything = arguments.get(1).is_some_and(|word| word == "all");
    let engine = if everything {
        Engine::new(Some(Tagger::embedded()), Some(Classifiers::embedded()))
    } else {
        Engine::new(None, None)
    };
    let mut texts = Vec::new();
    for line in std::fs::read_to_string(file).context("reading the texts")?.lines() {
        let line: serde_json::Value = serde_json::from_str(line)?;
        texts.push(line["text"].as_str().context("a line without text")?.to_owned());
    }
    let rules = Rules::default();
    let mode = arguments.get(2).map_or("", String::as_str);
    let pairs = if mode == "pairs" { 2 } else { 1 };
    let (mut bytes, mut count) = (0usize, 0usize);
    // The first text decodes weights and builds tables.
    let interaction = Interaction { input: Text::plain(texts[0].as_str()), ..Interaction::default() };
    std::hint::black_box(engine.audit(&interaction, &rules));
    let begin = cpu_seconds()?;
    while cpu_seconds()? - begin < SECONDS {
        for pair in texts.chunks(pairs) {
            if mode == "scan" {
                std::hint::black_box(engine.find(&pair[0], &rules));
            } else {
                let output = pair.get(1).map_or("", String::as_str);
                let (input, output) = (Text::plain(pair[0].as_str()), Text::plain(output));
                std::hint::black_box(engine.audit(&Interaction { input, output, ..Interaction::default() }, &rules));
            }
            bytes += pair.iter().map(String::len).sum::<usize>();
            count += 1;
        }
    }
    let seconds = cpu_seconds()? - begin;
    println!(
        "{{\"texts_per_second\": {:.0}, \"megabytes_per_second\": {:.2}, \"mean_ms\": {:.4}}}",
        count as f64 / seconds,
        bytes as f64 / seconds / 1e6,
        seconds * 1000.0 / count as f64,
    );
    Ok(())
}

/// Seconds this thread has run.
fn cpu_seconds() -> anyhow::Result<f64> {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").context("reading the thread's CPU time")?;
    let nanoseconds: u64 = stat.split(' ').next().context("an empty schedstat")?.parse()?;
    Ok(nanoseconds as f64 / 1e9)
}
