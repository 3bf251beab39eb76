//! Reading the data folder: one JSON object a line, its licence, its group.

use std::path::Path;

use anyhow::Context;
use serde_json::Value;

/// One line of a data set.
pub(crate) struct Line {
    /// The set's name.
    pub(crate) set: String,
    /// ISO 639-1.
    pub(crate) lang: String,
    /// Lines of one group are never on both sides of a fold.
    pub(crate) group: String,
    /// May be trained on: MIT, Apache, CC0 or CC BY, never CC BY-SA.
    pub(crate) licensed: bool,
    /// The text.
    pub(crate) text: String,
    /// Marked spans in bytes.
    pub(crate) spans: Vec<(usize, usize, String)>,
    /// The line itself.
    pub(crate) json: Value,
}

/// Folds of the evaluation.
pub(crate) const FOLDS: u64 = 5;

/// Fold of a group.
pub(crate) fn fold(group: &str) -> u64 {
    let hash = group
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    ((hash ^ (hash >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) % FOLDS
}

/// Reads a file of lines.
pub(crate) fn read(folder: &Path, name: &str) -> anyhow::Result<Vec<Line>> {
    let text = std::fs::read_to_string(folder.join(name)).with_context(|| format!("reading {name}"))?;
    text.lines().map(|line| parse(line).with_context(|| format!("a line of {name}: {line}"))).collect()
}

fn parse(line: &str) -> anyhow::Result<Line> {
    let json: Value = serde_json::from_str(line)?;
    let word = |name: &str| json[name].as_str().map(str::to_owned).with_context(|| format!("no {name}"));
    let (set, text, licence) = (word("set")?, word("text")?, word("license")?);
    let meta = |name: &str| json["meta"][name].as_str();
    let group = meta("template")
        .or(meta("doc"))
        .map_or_else(|| text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase(), str::to_owned);
    let bytes: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
    let mut spans = Vec::new();
    for span in json["spans"].as_array().into_iter().flatten() {
        let at = |name: &str| {
            let place = span[name].as_u64().and_then(|at| bytes.get(at as usize));
            place.copied().with_context(|| format!("span without {name}"))
        };
        spans.push((at("start")?, at("end")?, span["type"].as_str().unwrap_or_default().to_owned()));
    }
    spans.sort();
    // The identities inside the presidio set are CC BY-SA; its sentences are MIT and are used with others (`refill`).
    let licensed = !licence.contains("BY-SA") || set.starts_with("presidio");
    Ok(Line { lang: word("lang")?, set, group, licensed, text, spans, json })
}

/// Rows of a tab-separated list, without its first line.
pub(crate) fn table(folder: &Path, name: &str) -> anyhow::Result<Vec<Vec<String>>> {
    let text =
        std::fs::read_to_string(folder.join("gazetteers").join(name)).with_context(|| format!("reading {name}"))?;
    Ok(text.lines().skip(1).map(|line| line.split('\t').map(str::to_owned).collect()).collect())
}
