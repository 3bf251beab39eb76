//! Scores the engine on the development texts: `score DATA [--held-out FOLD]...`.
//!
//! DATA is the folder of development texts that `data/interactions/README.md` describes. Rules learn nothing from lines, so
//! they are scored on all of them, and also by the worst template group; whatever a tagger has part in is scored only by
//! weights trained without the groups of the fold (`--held-out 0`, several allowed; each takes minutes to train). Printed:
//! every bar and the figure reached. Overlap scores: a marked span is found when a finding of its type overlaps it, a finding
//! is right when a marked span of its type does.
#![expect(clippy::print_stdout, reason = "a command prints its scores")]

#[path = "../train/data.rs"]
mod data;
mod measure;
#[path = "../train/tagger.rs"]
#[expect(dead_code, reason = "its training half is used here, its evaluation by `train`")]
mod tagger;

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;

use anyhow::Context as _;
use assize_interactions::tagger::Tagger;
use assize_interactions::{Engine, Interaction, Rules, Text};
use measure::{Counts, Marked, score};

/// Types that the tagger finds: not part of the bar of checksum and format types.
const NAMED: &[&str] = &["PERSON", "ADDRESS", "LOCATION", "ORGANIZATION"];

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let folder = Path::new(arguments.first().context("say where the data folder is")?);
    let rules_only = Engine::new(None, None);
    synthetic(folder, &rules_only)?;
    secrets(folder, &rules_only)?;
    redaction(folder)?;
    let folds = arguments.windows(2).filter(|pair| pair[0] == "--held-out").map(|pair| pair[1].parse::<u64>());
    for fold in folds {
        held_out(folder, fold.context("--held-out wants a fold's number")?)?;
    }
    Ok(())
}

fn synthetic(folder: &Path, engine: &Engine<'_>) -> anyhow::Result<()> {
    let lines = data::read(folder, "pii_synth.jsonl")?;
    let mut by_template: BTreeMap<&str, Counts> = BTreeMap::new();
    let mut all = Counts::default();
    for line in &lines {
        let marked: Vec<Marked<'_>> =
            line.spans.iter().map(|(start, end, kind)| (*start, *end, kind.as_str())).collect();
        let counts = score(engine, &line.text, &marked, &|kind| !NAMED.contains(&kind));
        by_template.entry(&line.group).or_default().add(&counts);
        all.add(&counts);
    }
    println!("synthetic personal data, checksum and format types, rules only ({} texts)", lines.len());
    all.print("F2 .90, precision .95");
    println!("  clean texts left quiet {:.3} of {} (bar .97)", all.quiet_rate(), all.clean);
    let worst =
        by_template.iter().filter(|(_, counts)| counts.marked() > 0).min_by(|a, b| a.1.f2().total_cmp(&b.1.f2()));
    if let Some((template, counts)) = worst {
        println!("  worst template group {template}: F2 {:.3}", counts.f2());
    }
    for (kind, recall) in all.recalls().into_iter().filter(|(kind, recall)| *recall < 0.95 && kind.contains('_')) {
        println!("  below the bar of .95: {kind} recall {recall:.3}");
    }
    Ok(())
}

fn secrets(folder: &Path, engine: &Engine<'_>) -> anyhow::Result<()> {
    let file = std::fs::File::open(folder.join("secrets.jsonl.gz")).context("reading secrets.jsonl.gz")?;
    let mut text = String::new();
    flate2::read::GzDecoder::new(file).read_to_string(&mut text)?;
    let (mut marked, mut found, mut alike, mut flagged) = (0usize, 0usize, 0usize, 0usize);
    for line in text.lines() {
        let line: serde_json::Value = serde_json::from_str(line)?;
        let text = line["text"].as_str().context("no text")?;
        let interaction = Interaction { input: Text::plain(text), ..Interaction::default() };
        let secrets = engine.audit(&interaction, &Rules::default()).secrets;
        let spans = line["spans"].as_array().context("no spans")?;
        if spans.is_empty() {
            alike += 1;
            flagged += usize::from(!secrets.is_empty());
        }
        for span in spans {
            let (start, end) = (span["start"].as_u64().context("no start")?, span["end"].as_u64().context("no end")?);
            marked += 1;
            found += usize::from(
                secrets.iter().any(|secret| (secret.span.start as u64) < end && (secret.span.end as u64) > start),
            );
        }
    }
    println!(
        "secrets: recall {:.3} of {marked} (bar .95), look-alikes flagged {:.3} of {alike} (bar .03)",
        found as f64 / marked as f64,
        flagged as f64 / alike as f64
    );
    Ok(())
}

/// Safe versions scanned again, and JSON after redaction, with the shipped tagger.
fn redaction(folder: &Path) -> anyhow::Result<()> {
    let engine = Engine::new(Some(Tagger::embedded()), None);
    let rules = Rules::default();
    let (mut texts, mut unclean, mut json, mut broken, mut moved) = (0, 0, 0, 0, 0);
    for name in ["pii_synth.jsonl", "pii_presidio.jsonl", "pii_meddocan.jsonl"] {
        for line in data::read(folder, name)? {
            let safe = engine.redact(&line.text, &rules);
            let again = engine.redact(&safe.text, &rules);
            texts += 1;
            unclean += usize::from(!safe.clean || !again.findings.is_empty());
            moved += usize::from(again.text != safe.text);
            if serde_json::from_str::<serde_json::Value>(&line.text).is_ok() {
                json += 1;
                broken += usize::from(serde_json::from_str::<serde_json::Value>(&safe.text).is_err());
            }
        }
    }
    println!(
        "redaction: {unclean} of {texts} safe versions show something when scanned again (bar 0); {moved} change when redacted again (bar 0); {broken} of {json} JSON texts are no JSON afterwards (bar 0)"
    );
    Ok(())
}

fn held_out(folder: &Path, fold: u64) -> anyhow::Result<()> {
    let own =
        Path::new(&std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it")).join("../../data/interactions");
    let corpus = tagger::Corpus::read(folder, &own)?;
    let weights = Tagger::decode(&tagger::train(&corpus, Some(fold))).context("fresh weights decode")?;
    let engine = Engine::new(Some(&weights), None);
    for (name, bar) in [
        ("pii_meddocan.jsonl", "overall .90"),
        ("pii_synth.jsonl", "PERSON F2 .88"),
        ("pii_presidio.jsonl", "PERSON F2 .85"),
    ] {
        let mut all = Counts::default();
        let mut texts = 0;
        for line in data::read(folder, name)?.iter().filter(|line| data::fold(&line.group) == fold) {
            let marked: Vec<Marked<'_>> =
                line.spans.iter().map(|(start, end, kind)| (*start, *end, kind.as_str())).collect();
            all.add(&score(&engine, &line.text, &marked, &|_| true));
            texts += 1;
        }
        println!("{name}, fold {fold} held out ({texts} texts), rules and tagger");
        all.print(bar);
        println!("    PERSON F2 {:.3}", all.f2_of("PERSON"));
        for (kind, recall) in all.recalls() {
            println!("    {kind} recall {recall:.3}");
        }
    }
    Ok(())
}
