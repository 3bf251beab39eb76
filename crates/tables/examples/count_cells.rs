//! Counts the cells of a CSV or Parquet file by race x sex x age band, and prints them. Used by `bench/tables_cells.py`.
//!
//! `count_cells FILE [--score] [--threads N]`

#![expect(clippy::print_stdout, reason = "an example prints its result")]

use std::path::Path;

use assize_tables::{BinarySpec, Cancel, CellPlan, Dataset, Error, KeySpec, ReadOptions};

fn main() -> Result<(), Error> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut options = ReadOptions::default();
    if let Some(place) = arguments.iter().position(|argument| argument == "--threads") {
        options.threads = arguments.get(place + 1).and_then(|text| text.parse().ok()).unwrap_or(options.threads);
    }
    let path = arguments.first().map_or("", String::as_str);
    let cells = Dataset::open(Path::new(path), &options)?
        .count(&plan(arguments.iter().any(|argument| argument == "--score")), &Cancel::new())?;
    for cell in &cells.cells {
        let levels = cells.groups[cell.group as usize].iter().zip(&cells.keys);
        let group: Vec<&str> = levels.map(|(&level, key)| key.levels[usize::from(level)].as_str()).collect();
        println!("{}\t{}\t{}\t{}\t{}", group.join("\t"), cell.label, cell.prediction, cell.bin, cell.count);
    }
    Ok(())
}

fn plan(score: bool) -> CellPlan {
    let categories = |column: &str| KeySpec::Categories { column: column.to_owned() };
    let bands = KeySpec::Bands {
        column: "age".to_owned(),
        edges: vec![25.0, 35.0, 45.0, 55.0, 65.0],
        labels: ["..25", "26..35", "36..45", "46..55", "56..65", "66.."].map(str::to_owned).to_vec(),
    };
    let binary = |column: &str, positive: &str| Some(BinarySpec { column: column.into(), positive: positive.into() });
    CellPlan {
        keys: vec![categories("race"), categories("sex"), bands],
        label: binary("income", ">50K"),
        prediction: binary("prediction", "1"),
        score: score.then(|| "score".to_owned()),
        ..CellPlan::default()
    }
}
