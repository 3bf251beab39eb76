//! Trains and measures the weights of the interaction audit: `train DATA [--evaluate] [tagger|safety]`.
//!
//! DATA is the folder of development texts that `data/interactions/README.md` describes. Without `--evaluate` the
//! weights are written to `data/interactions/`; with it nothing is written, and the scores of that file are printed:
//! five folds, split by group, each scored by weights that saw no line of its groups.
#![expect(clippy::print_stdout, reason = "a command prints its scores")]

mod data;
mod safety;
mod tagger;

use std::path::Path;

use anyhow::Context;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let folder = arguments.first().context("say where the data folder is")?;
    let has = |word: &str| arguments.iter().any(|argument| argument == word);
    let both = !has("tagger") && !has("safety");
    let out =
        Path::new(&std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it")).join("../../data/interactions");
    if both || has("tagger") {
        let corpus = tagger::Corpus::read(Path::new(folder), &out)?;
        if has("--evaluate") {
            tagger::evaluate(&corpus);
        } else {
            let bytes = tagger::train(&corpus, None);
            println!("tagger.bin: {} bytes", bytes.len());
            std::fs::write(out.join("tagger.bin"), bytes).context("writing tagger.bin")?;
        }
    }
    if both || has("safety") {
        let corpus = safety::Corpus::read(Path::new(folder), &out)?;
        if has("--evaluate") {
            safety::evaluate(&corpus);
        } else {
            let bytes = safety::train(&corpus, None);
            println!("safety.bin: {} bytes", bytes.len());
            std::fs::write(out.join("safety.bin"), bytes).context("writing safety.bin")?;
        }
    }
    Ok(())
}
