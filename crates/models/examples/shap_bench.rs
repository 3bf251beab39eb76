//! Explains rows with an ensemble for `bench/tree_shap.py`, which times the `shap` package beside.
//!
//! `shap_bench ENSEMBLE ROWS REPEATS`: ENSEMBLE is JSON (`features`, `offset`, and for each tree lists of `left`,
//! `right`, `feature`, `threshold`, `value`, `cover`), ROWS a CSV of numbers; prints as JSON the median seconds on one
//! thread and the sum of every column of the attributions.

#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a benchmark program measures time and prints"
)]

use std::time::Instant;

use assize_models::explain::{Ensemble, Node, Split, tree_shap};
use assize_tables::Cancel;
use serde_json::Value;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [ensemble, rows, repeats] = arguments.as_slice() else { panic!("usage: shap_bench ENSEMBLE ROWS REPEATS") };
    let stored: Value = serde_json::from_slice(&std::fs::read(ensemble).unwrap()).unwrap();
    let trees = stored["trees"].as_array().unwrap().iter().map(tree).collect();
    let features = stored["features"].as_u64().unwrap() as usize;
    let ensemble = Ensemble::new(trees, features, stored["offset"].as_f64().unwrap(), 1.0).unwrap();
    let text = std::fs::read_to_string(rows).unwrap();
    let cells: Vec<f64> =
        text.lines().skip(1).flat_map(|line| line.split(',').map(|cell| cell.parse::<f64>().unwrap())).collect();
    let mut seconds = Vec::new();
    let mut sums = vec![0.0; features];
    for _ in 0..repeats.parse().unwrap() {
        let start = Instant::now();
        let attributions = tree_shap(&ensemble, &cells, 1, &Cancel::new()).unwrap();
        seconds.push(start.elapsed().as_secs_f64());
        sums.fill(0.0);
        for row in attributions.rows() {
            sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
        }
    }
    seconds.sort_by(f64::total_cmp);
    println!("{{\"seconds\": {}, \"sums\": {sums:?}}}", seconds[seconds.len() / 2]);
}

fn tree(tree: &Value) -> Vec<Node> {
    let numbers =
        |key: &str| -> Vec<f64> { tree[key].as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect() };
    let (left, right, feature) = (numbers("left"), numbers("right"), numbers("feature"));
    let (threshold, value, cover) = (numbers("threshold"), numbers("value"), numbers("cover"));
    (0..left.len())
        .map(|at| Node {
            cover: cover[at],
            value: value[at],
            split: (left[at] >= 0.0).then(|| Split {
                feature: feature[at] as usize,
                threshold: threshold[at],
                missing_left: false,
                left: left[at] as u32,
                right: right[at] as u32,
            }),
        })
        .collect()
}
