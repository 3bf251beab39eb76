//! Profiles a CSV or Parquet file and prints one line a column.
//!
//! `profile FILE [--load]`: with `--load` all columns are then read into memory.

#![expect(clippy::print_stdout, reason = "an example prints its result")]

use std::path::Path;

use assize_tables::{Cancel, Dataset, Error, ReadOptions};

fn main() -> Result<(), Error> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let path = arguments.first().map_or("", String::as_str);
    let dataset = Dataset::open(Path::new(path), &ReadOptions::default())?;
    let profile = dataset.profile(&Cancel::new())?;
    println!("{} rows, {} repeat another (exact: {})", profile.rows, profile.duplicates.rows, profile.duplicates.exact);
    for column in &profile.columns {
        let mean = column.numeric.as_ref().map_or_else(String::new, |numeric| format!(", mean {}", numeric.mean));
        println!("{}: {:?}, {} missing, {:?}{mean}", column.name, column.kind, column.missing, column.distinct);
    }
    if arguments.iter().any(|argument| argument == "--load") {
        let table = dataset.load(None, &profile, None, &Cancel::new())?;
        println!("loaded {} rows of {} columns", table.rows, table.columns.len());
    }
    Ok(())
}
