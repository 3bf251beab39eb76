//! Training and asking the forest.

use std::sync::Arc;

use assize_models::forest::{self, Binned, Binner, Change, Forest, ForestOptions, MISSING_BIN, NewBins, Training};
use assize_models::{Error, FeatureKind, Predictor};
use assize_tables::{Cancel, Column, ColumnData, Table};

use crate::support::{Numbers, auc, categorical, names, numeric, table};

fn options() -> ForestOptions {
    ForestOptions { trees: 30, seed: 7, ..ForestOptions::default() }
}

fn train(table: &Table, labels: &[u8], options: &ForestOptions) -> Forest {
    forest::train(table, &names(table), labels, None, options, &Cancel::new()).unwrap()
}

fn scores(forest: &Forest, table: &Table) -> Vec<f64> {
    forest.score(&forest.binner().apply(table).unwrap(), &Cancel::new()).unwrap()
}

fn bin(table: &Table, labels: &[u8]) -> Binned {
    let binner = Binner::fit(table, &names(table), &Training::new(labels), 255).unwrap();
    Arc::new(binner).apply(table).unwrap()
}

/// Numbers, texts, missing cells of both, a constant, and labels that depend on most of them.
fn mixed(rows: usize, seed: u64) -> (Table, Vec<u8>) {
    let mut numbers = Numbers(seed);
    let (mut a, mut b, mut text, mut labels) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rows {
        let (x, y, kind) = (numbers.unit(), numbers.unit(), numbers.next() % 4);
        a.push(if numbers.unit() < 0.1 { f64::NAN } else { x });
        b.push((y * 40.0).floor());
        text.push(["red", "green", "blue", ""][kind as usize]);
        let chance = 0.1 + 0.4 * x + if kind == 1 { 0.4 } else { 0.0 } - if y > 0.5 { 0.1 } else { 0.0 };
        labels.push(u8::from(numbers.unit() < chance));
    }
    let columns =
        vec![numeric("a", a), numeric("b", b), categorical("text", &text), numeric("constant", vec![1.0; rows])];
    (table(columns), labels)
}

#[test]
fn exclusive_or_is_learned() {
    let mut numbers = Numbers(1);
    let (a, b): (Vec<f64>, Vec<f64>) = (0..400).map(|_| (numbers.unit(), numbers.unit())).unzip();
    let labels: Vec<u8> = a.iter().zip(&b).map(|(a, b)| u8::from((*a > 0.5) != (*b > 0.5))).collect();
    let table = table(vec![numeric("a", a), numeric("b", b)]);
    let forest = train(&table, &labels, &ForestOptions { min_samples_leaf: 1, ..options() });
    let right = scores(&forest, &table).iter().zip(&labels).filter(|(s, l)| (**s > 0.5) == (**l == 1)).count();
    assert!(right >= 396, "{right} of 400");
}

#[test]
fn a_monotone_dependence_gives_monotone_scores() {
    let mut numbers = Numbers(2);
    let x: Vec<f64> = (0..4000).map(|_| numbers.unit()).collect();
    let labels: Vec<u8> = x.iter().map(|x| u8::from(numbers.unit() < *x)).collect();
    let training = table(vec![numeric("x", x)]);
    let forest = train(&training, &labels, &ForestOptions { min_samples_leaf: 200, ..options() });
    let probes = scores(&forest, &table(vec![numeric("x", vec![-5.0, 0.1, 0.3, 0.5, 0.7, 0.9, 5.0])]));
    assert!(probes.is_sorted(), "{probes:?}");
    assert!((probes[3] - 0.5).abs() < 0.1, "{probes:?}");
    assert_eq!(probes[0].to_bits(), scores(&forest, &table(vec![numeric("x", vec![0.0])]))[0].to_bits());
}

#[test]
fn threads_change_no_bit() {
    let (table, labels) = mixed(3000, 3);
    let binned = bin(&table, &labels);
    let run = |threads| {
        let options = ForestOptions { threads, ..options() };
        let training = Training::new(&labels);
        let (forest, out_of_bag) = forest::train_with_oob(&binned, &training, &options, &Cancel::new()).unwrap();
        let bits = |values: &[f64]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
        let scores = forest.score(&binned, &Cancel::new()).unwrap();
        let out_of_bag: Vec<_> = out_of_bag.into_iter().map(|score| score.map(f64::to_bits)).collect();
        (bits(&scores), bits(forest.importance()), out_of_bag)
    };
    let alone = run(1);
    assert!(alone == run(2) && alone == run(5) && alone == run(0));
}

#[test]
fn seeds_change_the_forest() {
    let (table, labels) = mixed(500, 4);
    let run = |seed| scores(&train(&table, &labels, &ForestOptions { seed, ..options() }), &table);
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

#[test]
fn missing_cells_go_where_they_belong() {
    // Missing behaves like large values in `high` and like small ones in `low`; a cut has to send it either way.
    for (name, missing_label) in [("low", 0), ("high", 1)] {
        let values: Vec<f64> = (0..300).map(|row| if row % 3 == 0 { f64::NAN } else { f64::from(row) }).collect();
        let labels: Vec<u8> =
            values.iter().map(|v| if v.is_nan() { missing_label } else { u8::from(*v > 150.0) }).collect();
        let table = table(vec![numeric(name, values)]);
        let options = ForestOptions { max_depth: Some(1), sample_share: 1.0, ..options() };
        assert!(auc(&scores(&train(&table, &labels, &options), &table), &labels) > 0.99, "{name}");
    }
}

#[test]
fn missing_alone_can_decide() {
    let texts: Vec<&str> = (0..200).map(|row| if row % 5 == 0 { "" } else { ["x", "y"][row % 2] }).collect();
    let labels: Vec<u8> = texts.iter().map(|text| u8::from(text.is_empty())).collect();
    let table = table(vec![categorical("text", &texts)]);
    let answers = scores(&train(&table, &labels, &options()), &table);
    assert!(answers.iter().zip(&labels).all(|(score, label)| (score - f64::from(*label)).abs() < 1e-6));
}

#[test]
fn unknown_texts_count_as_missing() {
    let texts: Vec<&str> = (0..200).map(|row| ["", "a", "b", "c"][row % 4]).collect();
    let labels: Vec<u8> = (0..200).map(|row| u8::from(row % 4 == 0 || row % 8 == 1)).collect();
    let training = table(vec![categorical("text", &texts)]);
    let forest = train(&training, &labels, &options());
    let answers = scores(&forest, &table(vec![categorical("text", &["", "new", "c"])]));
    assert_eq!(answers[0].to_bits(), answers[1].to_bits());
    assert!(answers[0] > answers[2]);
    assert_eq!(forest.binner().bin_of_level(0, "new"), MISSING_BIN);
}

#[test]
fn levels_are_known_by_name_not_by_code() {
    let labels: Vec<u8> = (0..90).map(|row| u8::from(row % 3 == 2)).collect();
    let texts: Vec<&str> = (0..90).map(|row| ["a", "b", "c"][row % 3]).collect();
    let forest = train(&table(vec![categorical("text", &texts)]), &labels, &options());
    // "c" has code 2 in training and code 0 here.
    let answers = scores(&forest, &table(vec![categorical("text", &["c"])]));
    assert!(answers[0] > 0.99, "{answers:?}");
}

#[test]
fn constant_columns_give_the_base_rate() {
    let labels: Vec<u8> = (0..100).map(|row| u8::from(row < 30)).collect();
    let table =
        table(vec![numeric("a", vec![3.0; 100]), categorical("b", &["x"; 100]), numeric("c", vec![f64::NAN; 100])]);
    let forest = train(&table, &labels, &options());
    assert_eq!(forest.node_count(), 30);
    assert_eq!(forest.importance(), [0.0, 0.0, 0.0]);
    assert!(scores(&forest, &table).iter().all(|score| (score - 0.3).abs() < 0.05));
}

#[test]
fn what_cannot_be_learned_is_refused() {
    let (table, labels) = mixed(50, 5);
    let refused = |labels: &[u8], weights: Option<&[f64]>, options: &ForestOptions| {
        let result = forest::train(&table, &names(&table), labels, weights, options, &Cancel::new());
        assert!(matches!(result, Err(Error::Untrainable(_))), "{result:?}");
    };
    refused(&[0; 50], None, &options());
    refused(&[1; 50], None, &options());
    refused(&labels[1..], None, &options());
    refused(&[2; 50], None, &options());
    refused(&labels, Some(&[1.0; 49]), &options());
    refused(&labels, Some(&[0.0; 50]), &options());
    refused(&labels, Some(&[f64::NAN; 50]), &options());
    refused(&labels, None, &ForestOptions { trees: 0, ..options() });
    let nothing = forest::train(&table, &[], &labels, None, &options(), &Cancel::new());
    assert!(matches!(nothing, Err(Error::Untrainable(_))));
    let empty = Table { columns: vec![numeric("a", Vec::new())], rows: 0 };
    let nobody = forest::train(&empty, &["a"], &[], None, &options(), &Cancel::new());
    assert!(matches!(nobody, Err(Error::Untrainable(_))));
}

#[test]
fn absent_columns_and_wrong_kinds_are_named() {
    let (training, labels) = mixed(100, 6);
    let forest = train(&training, &labels, &options());
    let say = |table: &Table| forest.predict(table, &Cancel::new()).unwrap_err().to_string();
    let without = table(vec![numeric("a", vec![1.0])]);
    assert_eq!(say(&without), "the model needs a column `b`, the data has no such column");
    let texts = table(vec![categorical("a", &["x"])]);
    assert_eq!(say(&texts), "the model needs numbers in column `a`, the data has texts there");
    let unknown = forest::train(&training, &["nobody"], &labels, None, &options(), &Cancel::new());
    assert!(matches!(unknown, Err(Error::Input { .. })));
}

#[test]
fn weights_shift_the_answer() {
    // Nothing to split on: the score is the weighted share of positives.
    let labels: Vec<u8> = (0..1000).map(|row| u8::from(row % 2 == 0)).collect();
    let weights: Vec<f64> = labels.iter().map(|label| if *label == 1 { 0.9 } else { 0.1 }).collect();
    let table = table(vec![numeric("a", vec![0.0; 1000])]);
    let forest = forest::train(&table, &["a"], &labels, Some(&weights), &options(), &Cancel::new()).unwrap();
    assert!((scores(&forest, &table)[0] - 0.9).abs() < 0.01);
}

#[test]
fn one_heavy_row_is_counted_in_full() {
    // Nearly all of 2,000 draws hit row 0, far more than one record stands for.
    let labels: Vec<u8> = (0..2000).map(|row| u8::from(row == 0)).collect();
    let weights: Vec<f64> = (0..2000).map(|row| if row == 0 { 1e9 } else { 1.0 }).collect();
    let table = table(vec![numeric("a", (0..2000).map(f64::from).collect())]);
    let forest = forest::train(&table, &["a"], &labels, Some(&weights), &options(), &Cancel::new()).unwrap();
    assert!(scores(&forest, &table)[0] > 0.999);
}

#[test]
fn equal_weights_are_no_weights() {
    let (table, labels) = mixed(300, 7);
    let weighted =
        forest::train(&table, &names(&table), &labels, Some(&[2.5; 300]), &options(), &Cancel::new()).unwrap();
    assert_eq!(scores(&weighted, &table), scores(&train(&table, &labels, &options()), &table));
}

#[test]
fn a_cancelled_training_stops() {
    let (table, labels) = mixed(100, 8);
    let cancel = Cancel::new();
    cancel.cancel();
    let stopped = forest::train(&table, &names(&table), &labels, None, &options(), &cancel);
    assert!(matches!(stopped, Err(Error::Cancelled(_))));
    let forest = train(&table, &labels, &options());
    assert!(matches!(forest.predict(&table, &cancel), Err(Error::Cancelled(_))));
}

#[test]
fn changed_asks_equal_asks_of_changed_rows() {
    let (table, labels) = mixed(2500, 9);
    let binned = bin(&table, &labels);
    let forest = forest::train_binned(&binned, &Training::new(&labels), &options(), &Cancel::new()).unwrap();
    let green = forest.binner().bin_of_level(2, "green");
    let mut rotated = binned.column(0).to_vec();
    rotated.rotate_left(1);
    let both =
        [Change { feature: 2, bins: NewBins::Same(green) }, Change { feature: 0, bins: NewBins::Each(&rotated) }];
    let answers = forest.score_changes(&binned, &[&both[..1], &both[1..], &both, &[]], &Cancel::new()).unwrap();

    let changed = |text: bool, number: bool| {
        let mut table = table.clone();
        if text {
            table.columns[2] = categorical("text", &["green"; 2500]);
        }
        if number && let ColumnData::Numeric(values) = &mut table.columns[0].data {
            values.rotate_left(1);
        }
        scores(&forest, &table)
    };
    assert_eq!(answers[0], changed(false, false));
    assert_eq!(answers[1], changed(true, false));
    assert_eq!(answers[2], changed(false, true));
    assert_eq!(answers[3], changed(true, true));
    assert_eq!(answers[4], answers[0]);
    assert_eq!(forest.score_with(&binned, &both, &Cancel::new()).unwrap(), answers[3]);
}

#[test]
fn only_the_chosen_rows_and_features_are_learned() {
    let (table, labels) = mixed(1000, 10);
    let binned = bin(&table, &labels);
    let rows: Vec<u32> = (0..1000).filter(|row| row % 2 == 0).collect();
    let training = Training { rows: Some(&rows), features: Some(&[1, 2]), ..Training::new(&labels) };
    let (forest, out_of_bag) = forest::train_with_oob(&binned, &training, &options(), &Cancel::new()).unwrap();
    assert_eq!(out_of_bag.len(), 500);
    assert_eq!((forest.importance()[0], forest.importance()[3]), (0.0, 0.0));
    assert!((forest.importance().iter().sum::<f64>() - 1.0).abs() < 1e-12);
    // The same forest from a table that holds nothing but those rows.
    let own: Vec<u8> = rows.iter().map(|row| labels[*row as usize]).collect();
    let training = Training { features: Some(&[1, 2]), ..Training::new(&own) };
    let same = forest::train_binned(&binned.select(&rows), &training, &options(), &Cancel::new()).unwrap();
    assert_eq!(same.score(&binned, &Cancel::new()).unwrap(), forest.score(&binned, &Cancel::new()).unwrap());
    let beyond = Training { rows: Some(&[1000]), ..Training::new(&labels) };
    assert!(matches!(forest::train_binned(&binned, &beyond, &options(), &Cancel::new()), Err(Error::Untrainable(_))));
    let beyond = Training { features: Some(&[4]), ..Training::new(&labels) };
    assert!(matches!(forest::train_binned(&binned, &beyond, &options(), &Cancel::new()), Err(Error::Untrainable(_))));
}

#[test]
fn out_of_bag_scores_are_honest() {
    // Labels are noise: in the bag the forest shines, out of the bag it must not.
    let mut numbers = Numbers(11);
    let a: Vec<f64> = (0..2000).map(|_| numbers.unit()).collect();
    let labels: Vec<u8> = (0..2000).map(|_| (numbers.next() % 2) as u8).collect();
    let table = table(vec![numeric("a", a)]);
    let binned = bin(&table, &labels);
    let training = Training::new(&labels);
    let options = ForestOptions { trees: 50, min_samples_leaf: 1, ..options() };
    let (forest, out_of_bag) = forest::train_with_oob(&binned, &training, &options, &Cancel::new()).unwrap();
    let out_of_bag: Vec<f64> =
        out_of_bag.into_iter().map(|score| score.expect("50 trees leave every row out")).collect();
    assert!(auc(&out_of_bag, &labels) < 0.53);
    assert!(auc(&forest.score(&binned, &Cancel::new()).unwrap(), &labels) > 0.6);
}

#[test]
fn a_row_that_every_tree_drew_has_no_out_of_bag_score() {
    let labels = [0, 1, 0, 1, 0, 1];
    let table = table(vec![numeric("a", (0..6).map(f64::from).collect())]);
    let options = ForestOptions { trees: 1, ..options() };
    let training = Training::new(&labels);
    let (_, out_of_bag) = forest::train_with_oob(&bin(&table, &labels), &training, &options, &Cancel::new()).unwrap();
    assert!(out_of_bag.iter().any(Option::is_none));
}

#[test]
fn depth_and_leaf_size_are_kept() {
    let (table, labels) = mixed(1000, 12);
    let shallow = train(&table, &labels, &ForestOptions { max_depth: Some(2), ..options() });
    assert!(shallow.node_count() <= 30 * 7);
    let stump = train(&table, &labels, &ForestOptions { max_depth: Some(0), ..options() });
    assert_eq!(stump.node_count(), 30);
    let halves = train(&table, &labels, &ForestOptions { min_samples_leaf: 500, ..options() });
    assert!(halves.node_count() <= 30 * 3);
    let small = train(&table, &labels, &ForestOptions { sample_share: 0.1, min_samples_leaf: 1, ..options() });
    assert!(small.node_count() < 30 * 200);
}

#[test]
fn wide_tables_learn_too() {
    // Records of 16, 32 and 64 bytes, and rows looked up in the table.
    for features in [15, 16, 31, 40, 63, 64, 150] {
        let mut numbers = Numbers(13);
        let columns: Vec<Vec<f64>> = (0..features).map(|_| (0..600).map(|_| numbers.unit()).collect()).collect();
        let last = &columns[features - 1];
        let labels: Vec<u8> = last.iter().map(|value| u8::from(*value > 0.6)).collect();
        let columns: Vec<Column> =
            columns.into_iter().enumerate().map(|(at, values)| numeric(&format!("f{at}"), values)).collect();
        let table = table(columns);
        let options = ForestOptions { features_per_split: Some(40), ..options() };
        let forest = train(&table, &labels, &options);
        assert!(auc(&scores(&forest, &table), &labels) > 0.99, "{features} features");
        let best = forest.importance().iter().copied().fold(0.0, f64::max);
        assert_eq!(best, forest.importance()[features - 1], "{features} features");
    }
}

#[test]
fn bins_stay_within_a_byte() {
    let rows = 3000_u32;
    let texts: Vec<String> = (0..rows).map(|row| format!("level {:04}", row % 700)).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let labels: Vec<u8> = (0..rows).map(|row| u8::from(row % 700 < 100)).collect();
    let values: Vec<f64> = (0..rows).map(|row| f64::from(row).powi(3)).collect();
    let table = table(vec![categorical("texts", &texts), numeric("numbers", values)]);
    for max_bins in [0, 2, 16, 255, 1000] {
        let binner = Arc::new(Binner::fit(&table, &names(&table), &Training::new(&labels), max_bins).unwrap());
        let binned = binner.apply(&table).unwrap();
        for feature in 0..2 {
            let used: std::collections::BTreeSet<u8> = binned.column(feature).iter().copied().collect();
            let expected = usize::from(max_bins.clamp(2, 255));
            assert_eq!(used.len(), expected, "{max_bins} bins, feature {feature}");
            assert!(!used.contains(&MISSING_BIN) && binner.bins(feature) == expected + 1);
        }
    }
}

#[test]
fn numeric_bins_hold_about_equally_many_rows() {
    let mut numbers = Numbers(14);
    // Half of the rows share one value; the rest must not pay for it.
    let values: Vec<f64> = (0..10_000).map(|row| if row % 2 == 0 { 0.5 } else { numbers.unit() }).collect();
    let labels: Vec<u8> = (0..10_000).map(|row| (row / 2 % 2) as u8).collect();
    let binned = bin(&table(vec![numeric("a", values)]), &labels);
    let mut counts = [0; 256];
    binned.column(0).iter().for_each(|bin| counts[usize::from(*bin)] += 1);
    let common = binned.binner().bin_of_number(0, 0.5);
    let largest = (1..=255).filter(|bin| *bin != common).map(|bin| counts[usize::from(bin)]).max();
    assert!(largest < Some(60), "{counts:?}");
}

#[test]
fn the_predictor_face_describes_itself() {
    let (table, labels) = mixed(400, 15);
    let forest = train(&table, &labels, &options()).with_classes(["<=50K", ">50K"]);
    assert_eq!(forest.classes(), ["<=50K", ">50K"]);
    assert_eq!(forest.description(), "random forest of 30 trees");
    let kinds: Vec<FeatureKind> = forest.features().iter().map(|feature| feature.kind).collect();
    assert_eq!(kinds, [FeatureKind::Numeric, FeatureKind::Numeric, FeatureKind::Categorical, FeatureKind::Numeric]);
    let predictions = forest.predict(&table, &Cancel::new()).unwrap();
    let probabilities = predictions.probabilities.unwrap();
    assert_eq!((predictions.labels.len(), probabilities.len()), (400, 800));
    for (label, pair) in predictions.labels.iter().zip(probabilities.chunks(2)) {
        assert!((pair[0] + pair[1] - 1.0).abs() < 1e-12);
        assert_eq!(*label, u32::from(pair[1] > pair[0]));
    }
    let nobody = forest.predict(&Table { columns: table.columns.iter().map(empty).collect(), rows: 0 }, &Cancel::new());
    assert!(nobody.unwrap().labels.is_empty());
}

fn empty(column: &Column) -> Column {
    let data = match &column.data {
        ColumnData::Numeric(_) => ColumnData::Numeric(Vec::new()),
        ColumnData::Categorical { levels, .. } => ColumnData::Categorical { codes: Vec::new(), levels: levels.clone() },
    };
    Column { name: column.name.clone(), data }
}

#[test]
fn hostile_tables_never_panic() {
    let mut numbers = Numbers(16);
    for round in 0..60 {
        let rows = 2 + (numbers.next() % 40) as usize;
        let odd = [f64::NAN, 0.0, -0.0, f64::MAX, f64::MIN, f64::MIN_POSITIVE, f64::INFINITY, f64::NEG_INFINITY, 1.0];
        let pick = |numbers: &mut Numbers| odd[(numbers.next() % odd.len() as u64) as usize];
        let values: Vec<f64> = (0..rows).map(|_| pick(&mut numbers)).collect();
        let codes: Vec<u32> = (0..rows).map(|_| (numbers.next() % 5) as u32).collect();
        let levels = ["", "a", "b"].map(str::to_owned).to_vec();
        let mut labels: Vec<u8> = (0..rows).map(|_| (numbers.next() % 2) as u8).collect();
        (labels[0], labels[1]) = (0, 1);
        let text = Column { name: "text".to_owned(), data: ColumnData::Categorical { codes, levels } };
        let table = table(vec![numeric("a", values), text]);
        let options = ForestOptions { trees: 3, min_samples_leaf: round % 4, seed: u64::from(round), ..options() };
        let answers = scores(&train(&table, &labels, &options), &table);
        assert!(answers.iter().all(|score| (0.0..=1.0).contains(score)), "{answers:?}");
    }
}
