//! Asks a stored model many times for `bench/sklearn_predict.py`, which times the library that stored it beside.
//!
//! `predict_bench MODEL ROWS REPEATS`: ROWS is a CSV without quotes; prints as JSON the seconds of opening and the
//! fewest seconds of asking all rows, on one thread.

#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::unwrap_used,
    unused,
    reason = "a benchmark program measures time, prints, and shares the reader of the tests"
)]

use std::path::Path;
use std::time::Instant;

use assize_models::{Limits, open};
use assize_tables::Cancel;

#[path = "../tests/it/sklearn_harness.rs"]
mod harness;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, rows, repeats] = arguments.as_slice() else { panic!("usage: predict_bench MODEL ROWS REPEATS") };
    let table = harness::read_csv(Path::new(rows));
    let bytes = std::fs::read(model).unwrap();
    let start = Instant::now();
    let model = open(&bytes, model, &Limits::default()).unwrap();
    let opening = start.elapsed().as_secs_f64();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let seconds = (0..repeats.parse().unwrap()).map(|_| {
        let start = Instant::now();
        pool.install(|| model.predict(&table, &Cancel::new())).unwrap();
        start.elapsed().as_secs_f64()
    });
    let seconds = seconds.fold(f64::INFINITY, f64::min);
    println!("{{\"open\": {opening}, \"predict\": {seconds}}}");
}
