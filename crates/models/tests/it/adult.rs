//! The forest against scikit-learn's on the Adult data (UCI, CC BY 4.0; see data/samples/README.md).

use std::path::Path;
use std::sync::Arc;

use assize_models::forest::{self, Binner, ForestOptions, Training};
use assize_tables::{Cancel, Table};

use crate::support::{auc, categorical, numeric, table};

/// "AUC within 0.005" of scikit-learn's is the promise; both vary by about 0.0005 with the seed.
const AUC_TOLERANCE: f64 = 0.005;

/// Features and labels. No cell of this file is quoted or missing.
fn adult() -> (Table, Vec<u8>) {
    let path =
        Path::new(&std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it")).join("../../data/samples/adult.csv");
    let text = std::fs::read_to_string(path).unwrap();
    let mut lines = text.lines().map(|line| line.split(',').map(str::trim).collect::<Vec<_>>());
    let header = lines.next().unwrap();
    let rows: Vec<Vec<&str>> = lines.collect();
    let column = |at: usize| rows.iter().map(|row| row[at]).collect::<Vec<_>>();
    let labels = column(header.len() - 1).iter().map(|text| u8::from(*text == ">50K")).collect();
    let columns = (0..header.len() - 1).map(|at| {
        let texts = column(at);
        match texts.iter().map(|text| text.parse()).collect::<Result<Vec<f64>, _>>() {
            Ok(values) => numeric(header[at], values),
            Err(_) => categorical(header[at], &texts),
        }
    });
    (table(columns.collect()), labels)
}

#[test]
fn auc_on_adult_is_that_of_scikit_learn() {
    let expected: serde_json::Value = serde_json::from_str(include_str!("../fixtures/adult_forest.json")).unwrap();
    let (table, labels) = adult();
    let names: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
    let (train, test): (Vec<u32>, Vec<u32>) = (0..table.rows as u32).partition(|row| row % 10 < 7);
    assert_eq!(expected["test_rows"], test.len());
    let training = Training { rows: Some(&train), ..Training::new(&labels) };
    let binned = Arc::new(Binner::fit(&table, &names, &training, 255).unwrap()).apply(&table).unwrap();
    let test_labels: Vec<u8> = test.iter().map(|row| labels[*row as usize]).collect();
    for case in expected["cases"].as_array().unwrap() {
        let leaf = case["min_samples_leaf"].as_u64().unwrap() as u32;
        let options = ForestOptions { min_samples_leaf: leaf, seed: 1, ..ForestOptions::default() };
        let (forest, out_of_bag) = forest::train_with_oob(&binned, &training, &options, &Cancel::new()).unwrap();
        let scores = forest.score(&binned.select(&test), &Cancel::new()).unwrap();
        let (ours, theirs) = (auc(&scores, &test_labels), case["auc"].as_f64().unwrap());
        assert!((ours - theirs).abs() < AUC_TOLERANCE, "leaf {leaf}: {ours} against {theirs}");

        let seen: Vec<(f64, u8)> =
            out_of_bag.iter().zip(&train).filter_map(|(score, row)| Some(((*score)?, labels[*row as usize]))).collect();
        let (scores, labels): (Vec<f64>, Vec<u8>) = seen.into_iter().unzip();
        assert!((auc(&scores, &labels) - ours).abs() < 0.01, "out of bag, leaf {leaf}");
    }
}
