//! Trains and asks a forest for `bench/forest_bench.py`, which compares it with scikit-learn.
//!
//! `forest_bench TRAIN TEST SCORES TREES LEAF THREADS REPEATS`: both tables are files of columns as the script writes
//! them; scores of the test rows go to SCORES (little-endian f64); CPU seconds of one training (binning included), one
//! asking, and one asking with flips (everybody gets the same value: for three features and their pairs) are printed
//! as JSON.

#![expect(clippy::print_stdout, reason = "the result of a benchmark program goes to its caller")]

use std::error::Error;
use std::fs;
use std::sync::Arc;

use assize_models::forest::{self, Binned, Binner, Change, ForestOptions, NewBins, Training};
use assize_tables::{Cancel, Column, ColumnData, Table};

/// Ticks of the process CPU clock in a second (`USER_HZ`, fixed on Linux).
const TICKS_PER_SECOND: f64 = 100.0;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [train, test, scores, trees, leaf, threads, repeats] = arguments.as_slice() else {
        return Err("usage: forest_bench TRAIN TEST SCORES TREES LEAF THREADS REPEATS".into());
    };
    let ((train, labels), (test, _)) = (read(train)?, read(test)?);
    let options = ForestOptions {
        trees: trees.parse()?,
        min_samples_leaf: leaf.parse()?,
        threads: threads.parse()?,
        ..ForestOptions::default()
    };
    let repeats: u32 = repeats.parse()?;
    let features: Vec<&str> = train.columns.iter().map(|column| column.name.as_str()).collect();
    let training = Training::new(&labels);
    let cancel = Cancel::new();

    let (binned, binning) = measured(repeats, || {
        let binner = Arc::new(Binner::fit(&train, &features, &training, options.max_bins)?);
        Ok(binner.apply(&train)?)
    })?;
    let (forest, growing) = measured(repeats, || Ok(forest::train_binned(&binned, &training, &options, &cancel)?))?;
    let (rows, binning_test) = measured(repeats, || Ok(forest.binner().apply(&test)?))?;
    let (result, asking) = measured(repeats, || Ok(forest.score(&rows, &cancel)?))?;
    let flips = flips(&rows);
    let asks: Vec<&[Change<'_>]> = flips.iter().map(Vec::as_slice).collect();
    let (_, flipping) = measured(repeats, || Ok(forest.score_changes(&rows, &asks, &cancel)?))?;

    fs::write(scores, result.iter().flat_map(|score| score.to_le_bytes()).collect::<Vec<u8>>())?;
    println!(
        "{{\"binning\": {binning:.4}, \"growing\": {growing:.4}, \"binning_test\": {binning_test:.4}, \
         \"asking\": {asking:.4}, \"asking_with_flips\": {flipping:.4}, \"flips\": {}, \"nodes\": {}}}",
        flips.len(),
        forest.node_count()
    );
    Ok(())
}

/// Up to six values of three features (`race`, `sex` and `age` if there) and of their pairs.
fn flips(rows: &Binned) -> Vec<Vec<Change<'static>>> {
    let binner = rows.binner();
    let features = ["race", "sex", "age"].map(|name| binner.index(name));
    let features: Vec<usize> = (0..3).map(|at| features[at].unwrap_or(at)).collect();
    let singles: Vec<Vec<Change<'static>>> = features
        .iter()
        .map(|feature| {
            let step = (binner.bins(*feature) / 6).max(1);
            let bins = (1..binner.bins(*feature)).step_by(step).take(6);
            bins.map(|bin| Change { feature: *feature, bins: NewBins::Same(bin as u8) }).collect()
        })
        .collect();
    let mut flips: Vec<Vec<Change<'static>>> = singles.iter().flatten().map(|change| vec![*change]).collect();
    for (first, second) in [(0, 1), (0, 2), (1, 2)] {
        flips.extend(singles[first].iter().flat_map(|a| singles[second].iter().map(move |b| vec![*a, *b])));
    }
    flips
}

/// Runs some work several times; the last result and the mean CPU seconds of the process.
fn measured<T>(repeats: u32, mut work: impl FnMut() -> Result<T, Box<dyn Error>>) -> Result<(T, f64), Box<dyn Error>> {
    let before = cpu_seconds()?;
    let mut result = work()?;
    for _ in 1..repeats {
        result = work()?;
    }
    Ok((result, (cpu_seconds()? - before) / f64::from(repeats)))
}

/// User and system time of this process, ended threads included (proc(5), fields 14 and 15 of `stat`).
fn cpu_seconds() -> Result<f64, Box<dyn Error>> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let (_, fields) = stat.rsplit_once(')').ok_or("no process name in /proc/self/stat")?;
    let ticks: Result<Vec<f64>, _> = fields.split_whitespace().skip(11).take(2).map(str::parse).collect();
    Ok(ticks?.iter().sum::<f64>() / TICKS_PER_SECOND)
}

/// A table and its labels. The file: a line of JSON `{"rows", "columns": [{"name", "levels"}]}`, then for each column
/// its cells as little-endian f32 (`levels` null) or i32 codes (-1 missing), then the labels as bytes.
fn read(path: &str) -> Result<(Table, Vec<u8>), Box<dyn Error>> {
    let bytes = fs::read(path)?;
    let end = bytes.iter().position(|byte| *byte == b'\n').ok_or("no header line")?;
    let header: serde_json::Value = serde_json::from_slice(&bytes[..end])?;
    let rows = usize::try_from(header["rows"].as_u64().ok_or("no row count")?)?;
    let mut cells = bytes[end + 1..].chunks_exact(4 * rows);
    let mut columns = Vec::new();
    for column in header["columns"].as_array().ok_or("no columns")? {
        let words = cells.next().ok_or("too short")?.as_chunks::<4>().0;
        let data = match column["levels"].as_array() {
            None => ColumnData::Numeric(words.iter().map(|word| f64::from(f32::from_le_bytes(*word))).collect()),
            Some(levels) => ColumnData::Categorical {
                codes: words.iter().map(|word| u32::from_le_bytes(*word)).collect(),
                levels: levels.iter().filter_map(|level| level.as_str()).map(str::to_owned).collect(),
            },
        };
        columns.push(Column { name: column["name"].as_str().ok_or("no column name")?.to_owned(), data });
    }
    let labels = bytes[bytes.len() - rows..].to_vec();
    Ok((Table { columns, rows }, labels))
}
