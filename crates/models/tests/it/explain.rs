//! Explanations against their definition.

use assize_models::explain::{
    self, Attributions, Ensemble, KernelOptions, Node, Split, Value, kernel_shap, linear_shap, partial_dependence,
    permutation_importance, tree_shap,
};
use assize_models::forest::{self, Forest, ForestOptions};
use assize_models::{Error, Feature, Predictions, Predictor};
use assize_tables::{Cancel, ColumnData, Table};

use crate::support::{Numbers, categorical, names, numeric, table};

/// Shapley values by their definition: the mean over all coalitions of what the feature adds.
fn brute_force(features: usize, value: &dyn Fn(&[bool]) -> f64) -> Vec<f64> {
    let known = |set: usize| (0..features).map(|feature| set >> feature & 1 == 1).collect::<Vec<_>>();
    let values: Vec<f64> = (0..1 << features).map(|set| value(&known(set))).collect();
    let factorial = |n: usize| (1..=n).map(|k| k as f64).product::<f64>();
    (0..features)
        .map(|feature| {
            (0..1_usize << features)
                .filter(|set| set >> feature & 1 == 0)
                .map(|set| {
                    let size = set.count_ones() as usize;
                    let weight = factorial(size) * factorial(features - size - 1) / factorial(features);
                    weight * (values[set | 1 << feature] - values[set])
                })
                .sum()
        })
        .collect()
}

/// The mean value of a tree when only some features are known: both sides by cover where the feature is unknown.
fn expectation(tree: &[Node], node: usize, row: &[f64], known: &[bool]) -> f64 {
    let Some(split) = tree[node].split else { return tree[node].value };
    let [left, right] = [split.left as usize, split.right as usize];
    let cell = row[split.feature];
    let goes_left = if cell.is_nan() { split.missing_left } else { cell <= split.threshold };
    if known[split.feature] {
        return expectation(tree, if goes_left { left } else { right }, row, known);
    }
    let parts = [left, right].map(|child| tree[child].cover * expectation(tree, child, row, known));
    (parts[0] + parts[1]) / tree[node].cover
}

/// A random tree of up to `depth` levels, features possibly tested several times on a path.
fn random_tree(numbers: &mut Numbers, features: usize, depth: u32) -> Vec<Node> {
    let mut tree = vec![Node { cover: 100.0, value: 0.0, split: None }];
    let mut open = vec![(0, depth)];
    while let Some((index, depth)) = open.pop() {
        tree[index].value = numbers.unit() * 10.0 - 5.0;
        if depth == 0 || numbers.unit() < 0.15 {
            continue;
        }
        let left = tree.len() as u32;
        tree[index].split = Some(Split {
            feature: (numbers.next() % features as u64) as usize,
            threshold: numbers.unit(),
            missing_left: numbers.next().is_multiple_of(2),
            left,
            right: left + 1,
        });
        let share = numbers.unit() * 0.8 + 0.1;
        for (at, share) in [(left, share), (left + 1, 1.0 - share)] {
            tree.push(Node { cover: tree[index].cover * share, value: 0.0, split: None });
            open.push((at as usize, depth - 1));
        }
    }
    tree
}

fn assert_close(left: &[f64], right: &[f64], tolerance: f64) {
    assert_eq!(left.len(), right.len());
    let close = left.iter().zip(right).all(|(a, b)| (a - b).abs() < tolerance);
    assert!(close, "{left:?}\n{right:?}");
}

fn assert_adds_up(attributions: &Attributions, scores: &[f64], tolerance: f64) {
    let sums: Vec<f64> = attributions.rows().map(|row| attributions.base + row.iter().sum::<f64>()).collect();
    assert_close(&sums, scores, tolerance);
}

#[test]
fn tree_shap_is_the_definition() {
    let mut numbers = Numbers(1);
    for _ in 0..40 {
        let trees: Vec<Vec<Node>> = (0..3).map(|_| random_tree(&mut numbers, 5, 6)).collect();
        let ensemble = Ensemble::new(trees, 5, 0.25, 0.5).unwrap();
        let row: Vec<f64> = (0..5).map(|_| if numbers.unit() < 0.1 { f64::NAN } else { numbers.unit() }).collect();
        let value = |known: &[bool]| {
            let trees = ensemble.trees().iter();
            0.25 + 0.5 * trees.map(|tree| expectation(tree, 0, &row, known)).sum::<f64>()
        };
        let attributions = tree_shap(&ensemble, &row, 1, &Cancel::new()).unwrap();
        assert_close(&attributions.values, &brute_force(5, &value), 1e-10);
        assert!((attributions.base - value(&[false; 5])).abs() < 1e-10);
        assert_adds_up(&attributions, &[ensemble.score(&row)], 1e-10);
    }
}

#[test]
fn sides_without_rows_do_no_harm() {
    let split = |feature, left| Some(Split { feature, threshold: 0.5, missing_left: true, left, right: left + 1 });
    let node = |cover, value, split| Node { cover, value, split };
    // Feature 0 is tested again where no training row with a large value went.
    let tree = vec![
        node(10.0, 0.0, split(0, 1)),
        node(10.0, 0.0, split(1, 3)),
        node(0.0, 9.0, None),
        node(10.0, 0.0, split(0, 5)),
        node(0.0, 4.0, None),
        node(10.0, 1.0, None),
        node(0.0, 7.0, None),
    ];
    let ensemble = Ensemble::new(vec![tree], 2, 0.0, 1.0).unwrap();
    for row in [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]] {
        let attributions = tree_shap(&ensemble, &row, 1, &Cancel::new()).unwrap();
        assert_adds_up(&attributions, &[ensemble.score(&row)], 1e-12);
    }
}

/// A forest on numbers, texts and missing cells.
fn forest() -> (Forest, Table) {
    let mut numbers = Numbers(2);
    let a: Vec<f64> = (0..500).map(|row| if row % 9 == 0 { f64::NAN } else { numbers.unit() }).collect();
    let b: Vec<f64> = (0..500).map(|_| numbers.unit()).collect();
    let text: Vec<&str> = (0..500).map(|_| ["x", "y", "", "z"][(numbers.next() % 4) as usize]).collect();
    let labels: Vec<u8> = (0..500)
        .map(|row| u8::from(numbers.unit() < b[row] * 0.6 + if text[row] == "x" { 0.3 } else { 0.0 }))
        .collect();
    let table = table(vec![numeric("a", a), numeric("b", b), categorical("text", &text)]);
    let options = ForestOptions { trees: 20, seed: 3, ..ForestOptions::default() };
    let forest = forest::train(&table, &names(&table), &labels, None, &options, &Cancel::new()).unwrap();
    (forest, table)
}

#[test]
fn forest_attributions_add_up_to_its_scores() {
    let (forest, table) = forest();
    let binned = forest.binner().apply(&table).unwrap();
    let scores = forest.score(&binned, &Cancel::new()).unwrap();
    let rows: Vec<u32> = (0..table.rows as u32).collect();
    let ensemble = forest.ensemble().unwrap();
    let cells = binned.cells(&rows);
    let attributions = tree_shap(&ensemble, &cells, 1, &Cancel::new()).unwrap();
    assert_adds_up(&attributions, &scores, 1e-9);
    let bits = |attributions: &Attributions| attributions.values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
    for threads in [2, 5] {
        assert_eq!(bits(&attributions), bits(&tree_shap(&ensemble, &cells, threads, &Cancel::new()).unwrap()));
    }
    let mean = attributions.mean_absolute();
    assert!(mean[1] > mean[0], "b decides more than a: {mean:?}");
}

#[test]
fn broken_trees_are_refused() {
    let leaf = Node { cover: 1.0, value: 1.0, split: None };
    let split = |feature, left, right| {
        let split = Split { feature, threshold: 0.0, missing_left: false, left, right };
        Node { cover: 1.0, value: 0.0, split: Some(split) }
    };
    let refused = |tree: Vec<Node>| assert!(matches!(Ensemble::new(vec![tree], 2, 0.0, 1.0), Err(Error::Input { .. })));
    refused(Vec::new());
    refused(vec![split(0, 0, 1), leaf]);
    refused(vec![split(0, 1, 1), leaf]);
    refused(vec![split(0, 1, 3), leaf, leaf]);
    refused(vec![split(2, 1, 2), leaf, leaf]);
    refused(vec![Node { value: f64::NAN, ..leaf }]);
    refused(vec![Node { cover: -1.0, ..leaf }]);
    let mut deep: Vec<Node> = (0..2002).map(|at| split(0, 2 * at + 1, 2 * at + 2)).collect();
    deep.extend(vec![leaf; 2003]);
    assert!(Ensemble::new(vec![deep], 2, 0.0, 1.0).is_ok(), "wide is fine");
    let mut chain = Vec::new();
    for at in 0..1001 {
        chain.extend([split(0, 2 * at + 1, 2 * at + 2), leaf]);
    }
    chain.swap(0, 1);
    refused(chain);
}

/// `2 a - b + a b`, squeezed into 0..1 by a quarter; texts count by code.
struct Product {
    classes: Vec<String>,
}

impl Product {
    fn new() -> Self {
        Self { classes: vec!["no".to_owned(), "yes".to_owned()] }
    }
}

impl Predictor for Product {
    fn features(&self) -> &[Feature] {
        &[]
    }

    fn classes(&self) -> &[String] {
        &self.classes
    }

    fn description(&self) -> String {
        "a product".to_owned()
    }

    fn predict(&self, table: &Table, _: &Cancel) -> Result<Predictions, Error> {
        let cells = |at: usize| match &table.columns[at].data {
            ColumnData::Numeric(values) => values.clone(),
            ColumnData::Categorical { codes, .. } => codes.iter().map(|code| f64::from(*code)).collect(),
        };
        let scores: Vec<f64> = cells(0).iter().zip(cells(1)).map(|(a, b)| (2.0 * a - b + a * b) / 4.0).collect();
        Ok(Predictions {
            classes: self.classes.clone(),
            labels: scores.iter().map(|score| u32::from(*score > 0.2)).collect(),
            probabilities: Some(scores.iter().flat_map(|score| [1.0 - score, *score]).collect()),
        })
    }
}

/// Columns a and text decide, c does not.
fn three_columns() -> Table {
    let mut numbers = Numbers(4);
    let a: Vec<f64> = (0..60).map(|_| numbers.unit()).collect();
    let text: Vec<&str> = (0..60).map(|_| ["p", "q"][(numbers.next() % 2) as usize]).collect();
    let c: Vec<f64> = (0..60).map(|_| numbers.unit()).collect();
    table(vec![numeric("a", a), categorical("text", &text), numeric("c", c)])
}

#[test]
fn kernel_shap_is_the_definition_when_all_coalitions_are_asked() {
    let table = three_columns();
    let (ColumnData::Numeric(a), ColumnData::Categorical { codes, .. }) =
        (&table.columns[0].data, &table.columns[1].data)
    else {
        unreachable!("built that way")
    };
    let background: Vec<u32> = (30..60).collect();
    let options = KernelOptions::default();
    let model = Product::new();
    let attributions = kernel_shap(&model, &table, &[3, 5], &background, &options, &Cancel::new()).unwrap();
    for (row, values) in [3_usize, 5].into_iter().zip(attributions.rows()) {
        let value = |known: &[bool]| {
            let scores = background.iter().map(|other| {
                let a = a[if known[0] { row } else { *other as usize }];
                let b = f64::from(codes[if known[1] { row } else { *other as usize }]);
                (2.0 * a - b + a * b) / 4.0
            });
            scores.sum::<f64>() / 30.0
        };
        assert_close(values, &brute_force(3, &value), 1e-10);
    }
}

#[test]
fn drawn_coalitions_come_close_and_add_up() {
    // A linear score of 14 features: 16,382 coalitions, of which 1,000 are asked.
    let mut numbers = Numbers(5);
    let columns = (0..14).map(|at| numeric(&format!("f{at}"), (0..40).map(|_| numbers.unit()).collect()));
    let table = table(columns.collect());
    let model = Product::new();
    let options = KernelOptions { coalitions_max: 1000, seed: 9, ..KernelOptions::default() };
    let background: Vec<u32> = (20..40).collect();
    let explain = |seed| {
        let options = KernelOptions { seed, ..options.clone() };
        kernel_shap(&model, &table, &[0], &background, &options, &Cancel::new()).unwrap()
    };
    let drawn = explain(9);
    assert_eq!(drawn, explain(9));
    assert_ne!(drawn, explain(10));
    let score = model.predict(&table, &Cancel::new()).unwrap().probabilities.unwrap()[1];
    assert_adds_up(&drawn, &[score], 1e-9);
    assert!(drawn.values[2..].iter().all(|value| value.abs() < 0.02), "{:?}", drawn.values);
    assert!(drawn.values[0].abs() + drawn.values[1].abs() > 0.02, "{:?}", drawn.values);
}

#[test]
fn one_feature_takes_all() {
    let table = table(vec![numeric("a", vec![0.1, 0.9]), numeric("b", vec![0.0, 0.0])]);
    let model = Product::new();
    let both = kernel_shap(&model, &table, &[1], &[0], &KernelOptions::default(), &Cancel::new()).unwrap();
    assert_close(&both.values, &[0.4, 0.0], 1e-12);
    let nobody = kernel_shap(&model, &table, &[1], &[], &KernelOptions::default(), &Cancel::new());
    assert!(matches!(nobody, Err(Error::Input { .. })));
    let third = KernelOptions { class: 2, ..KernelOptions::default() };
    assert!(matches!(kernel_shap(&model, &table, &[1], &[0], &third, &Cancel::new()), Err(Error::Input { .. })));
}

#[test]
fn linear_shap_matches_the_definition() {
    let (coefficients, means) = ([2.0, -1.0, 0.5], [1.0, 2.0, 3.0]);
    let row = [4.0, 4.0, 3.0];
    let attributions = linear_shap(&coefficients, 0.5, &means, &row);
    let value = |known: &[bool]| {
        let cells = (0..3).map(|at| coefficients[at] * if known[at] { row[at] } else { means[at] });
        0.5 + cells.sum::<f64>()
    };
    assert_close(&attributions.values, &brute_force(3, &value), 1e-12);
    assert!((attributions.base - value(&[false; 3])).abs() < 1e-12);
}

#[test]
fn shuffling_hurts_where_the_model_looks() {
    let table = three_columns();
    let model = Product::new();
    let labels = model.predict(&table, &Cancel::new()).unwrap().labels;
    let accuracy = |predictions: &Predictions| {
        let right = predictions.labels.iter().zip(&labels).filter(|(a, b)| a == b).count();
        right as f64 / labels.len() as f64
    };
    let run = |seed| permutation_importance(&model, &table, &accuracy, 5, seed, &Cancel::new()).unwrap();
    let importances = run(1);
    assert_eq!(importances, run(1));
    assert!(importances[0].mean > 0.1, "{importances:?}");
    assert!(importances[2].losses.iter().all(|loss| *loss == 0.0), "{importances:?}");
}

#[test]
fn partial_dependence_follows_the_score() {
    let table = three_columns();
    let model = Product::new();
    let points = partial_dependence(&model, &table, "a", 1, 5, &Cancel::new()).unwrap();
    assert_eq!(points.len(), 5);
    assert!(points.is_sorted_by(|a, b| a.score < b.score), "{points:?}");
    let texts = partial_dependence(&model, &table, "text", 1, 5, &Cancel::new()).unwrap();
    let values: Vec<&Value> = texts.iter().map(|point| &point.value).collect();
    assert_eq!(values, [&Value::Text("p".to_owned()), &Value::Text("q".to_owned())]);
    assert!(texts[0].score > texts[1].score);
    let absent = partial_dependence(&model, &table, "nobody", 1, 5, &Cancel::new());
    assert!(matches!(absent, Err(Error::Input { .. })));
}

#[test]
fn groups_have_their_own_means() {
    let attributions = Attributions { base: 0.0, features: 2, values: vec![1.0, -2.0, 3.0, 0.0, -5.0, 4.0] };
    assert_eq!(attributions.by_group(&[0, 0, 2], 3), [[2.0, 1.0], [0.0, 0.0], [5.0, 4.0]]);
    assert_eq!(attributions.mean_absolute(), [3.0, 2.0]);
    assert_eq!(explain::Attributions { values: Vec::new(), ..attributions }.mean_absolute(), [0.0, 0.0]);
}

#[test]
fn explanations_can_be_cancelled() {
    let (forest, table) = forest();
    let cancel = Cancel::new();
    cancel.cancel();
    let cells = forest.binner().apply(&table).unwrap().cells(&[0]);
    assert!(tree_shap(&forest.ensemble().unwrap(), &cells, 1, &cancel).is_err());
    let model = Product::new();
    let table = three_columns();
    assert!(kernel_shap(&model, &table, &[0], &[1], &KernelOptions::default(), &cancel).is_err());
    assert!(permutation_importance(&model, &table, &|_| 0.0, 1, 0, &cancel).is_err());
    assert!(partial_dependence(&model, &table, "a", 1, 5, &cancel).is_err());
}
