//! What models from files say of their own scores: it adds up to the score, is what kernel SHAP says when it asks every
//! coalition, and does not depend on threads or on the pipe to a child.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use assize_models::explain::{Contributions, ExactMethod, KernelOptions, ScoreKind, kernel_shap};
use assize_models::{Error, Feature, Limits, Predictions, Predictor, open};
use assize_tables::{Cancel, Column, ColumnData, Table};
use serde_json::Value;

use crate::sandbox::sandbox;
use crate::sklearn_harness::read_csv;

const FOLDERS: [&str; 4] = ["joblib", "joblib/more", "joblib/wide", "boosters/files"];

struct Stored {
    kind: String,
    path: PathBuf,
    rows: Table,
}

impl Stored {
    fn open(&self) -> Box<dyn Predictor> {
        open(&std::fs::read(&self.path).unwrap(), "m", &Limits::default()).unwrap()
    }
}

/// The first model of each kind.
fn stored() -> Vec<Stored> {
    let mut kinds: BTreeMap<String, Stored> = BTreeMap::new();
    let fixtures = Path::new(&std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it")).join("tests/fixtures");
    for folder in FOLDERS.map(|folder| fixtures.join(folder)) {
        let manifest: Value = serde_json::from_slice(&std::fs::read(folder.join("manifest.json")).unwrap()).unwrap();
        for model in manifest["models"].as_array().unwrap() {
            let text = |key: &str| model[key].as_str().unwrap().to_owned();
            kinds.entry(text("kind")).or_insert_with(|| Stored {
                kind: text("kind"),
                path: folder.join(text("file")),
                rows: read_csv(&folder.join(text("x"))),
            });
        }
    }
    kinds.into_values().collect()
}

/// Some rows of a table.
fn rows_of(table: &Table, rows: &[usize]) -> Table {
    let of = |column: &Column| {
        let data = match &column.data {
            ColumnData::Numeric(values) => ColumnData::Numeric(rows.iter().map(|row| values[*row]).collect()),
            ColumnData::Categorical { codes, levels } => {
                ColumnData::Categorical { codes: rows.iter().map(|row| codes[*row]).collect(), levels: levels.clone() }
            }
        };
        Column { name: column.name.clone(), data }
    };
    Table { columns: table.columns.iter().map(of).collect(), rows: rows.len() }
}

fn head(table: &Table, rows: usize) -> Table {
    rows_of(table, &(0..rows).collect::<Vec<usize>>())
}

fn probabilities(model: &dyn Predictor, table: &Table) -> Option<Vec<Vec<f64>>> {
    let answers = model.predict(table, &Cancel::new()).unwrap();
    let width = answers.classes.len();
    answers.probabilities.map(|all| all.chunks(width).map(<[f64]>::to_vec).collect())
}

/// What the contributions of each explained row add up to.
fn sums(found: &Contributions) -> Vec<f64> {
    found.attributions.rows().map(|row| found.attributions.base + row.iter().sum::<f64>()).collect()
}

const EXPLAINED: usize = 6;
const ROWS: usize = 18;

/// XGBoost sums in float32.
fn tolerance(kind: &str) -> f64 {
    if kind.starts_with("xgboost") { 2e-5 } else { 1e-9 }
}

#[test]
fn contributions_add_up_to_the_score_of_every_model_that_gives_them() {
    let mut methods: BTreeMap<String, Option<(ExactMethod, ScoreKind)>> = BTreeMap::new();
    for one in stored() {
        let model = one.open();
        let classes = model.classes().len();
        if classes < 2 {
            continue;
        }
        let table = head(&one.rows, ROWS);
        let found: Vec<Option<Contributions>> =
            (0..classes).map(|class| model.contributions(&table, EXPLAINED, class, &Cancel::new()).unwrap()).collect();
        methods.insert(one.kind.clone(), found[0].as_ref().map(|found| (found.method, found.score)));
        let Some(found) = found.into_iter().collect::<Option<Vec<Contributions>>>() else { continue };
        assert_eq!(found[0].attributions.features, table.columns.len(), "{}", one.kind);
        assert_eq!(found[0].attributions.values.len(), table.columns.len() * EXPLAINED, "{}", one.kind);
        let said: Vec<Vec<f64>> = found.iter().map(sums).collect();
        let Some(probabilities) = probabilities(model.as_ref(), &table) else { continue };
        for (row, probabilities) in probabilities[..EXPLAINED].iter().enumerate() {
            for class in 0..classes {
                let p = probabilities[class];
                // One class against the next: what scales all scores alike falls out. Each score is by itself, or
                // becomes a probability by itself before they are scaled.
                let other = (class + 1) % classes;
                let (own, next) = (said[class][row], said[other][row]);
                let logistic = |score: f64| 1.0 / (1.0 + (-score).exp());
                let (possible, expected) = match found[class].score {
                    ScoreKind::Probability => (vec![own], p),
                    ScoreKind::LogOdds if classes == 2 => (vec![own], (p / (1.0 - p)).ln()),
                    _ if classes > 2 && !one.kind.starts_with("sgd_huber") => {
                        let apart = (logistic(own) / logistic(next)).ln();
                        (vec![own - next, apart], (p / probabilities[other]).ln())
                    }
                    _ => continue,
                };
                let near = |found: &f64| (found - expected).abs() <= tolerance(&one.kind) * expected.abs().max(1.0);
                // A probability near its ends says little of the odds.
                let blunt = |found: &f64| found.abs() > 12.0 && found.signum() == expected.signum();
                let fits = possible.iter().any(|found| near(found) || blunt(found));
                assert!(fits, "{} row {row} class {class}: {possible:?} instead of {expected}", one.kind);
            }
        }
    }
    let trees = |score| Some((ExactMethod::Trees, score));
    let linear = |score| Some((ExactMethod::Linear, score));
    for (kind, expected) in [
        ("forest", trees(ScoreKind::Probability)),
        ("forest_multi", trees(ScoreKind::Probability)),
        ("extra_trees_nan", trees(ScoreKind::Probability)),
        ("tree", trees(ScoreKind::Probability)),
        ("bagging", trees(ScoreKind::Probability)),
        ("gradboost", trees(ScoreKind::LogOdds)),
        ("gradboost_exp", trees(ScoreKind::LogOdds)),
        ("gradboost_multi", trees(ScoreKind::Raw)),
        ("histgb", trees(ScoreKind::LogOdds)),
        ("histgb_cat", trees(ScoreKind::LogOdds)),
        ("histgb_cat_df", trees(ScoreKind::LogOdds)),
        ("histgb_multi", trees(ScoreKind::Raw)),
        ("pipe_ord_forest", trees(ScoreKind::Probability)),
        ("forest_ohe", trees(ScoreKind::Probability)),
        ("text_forest", trees(ScoreKind::Probability)),
        ("xgboost_binary", trees(ScoreKind::LogOdds)),
        ("xgboost_categories", trees(ScoreKind::LogOdds)),
        ("xgboost_dart", trees(ScoreKind::LogOdds)),
        ("xgboost_multi", trees(ScoreKind::Raw)),
        ("xgboost_linear", linear(ScoreKind::LogOdds)),
        ("lightgbm_binary", trees(ScoreKind::LogOdds)),
        ("lightgbm_categories", trees(ScoreKind::LogOdds)),
        ("lightgbm_forest", trees(ScoreKind::LogOdds)),
        ("lightgbm_linear", None),
        ("lightgbm_multi", trees(ScoreKind::Raw)),
        ("catboost_binary", trees(ScoreKind::LogOdds)),
        ("catboost_depthwise", trees(ScoreKind::Raw)),
        ("catboost_multi", trees(ScoreKind::Raw)),
        ("logreg", linear(ScoreKind::LogOdds)),
        ("pipe_ohe_logreg", linear(ScoreKind::LogOdds)),
        ("pipe_imp_ohe", trees(ScoreKind::Probability)),
        ("pipe_spline", linear(ScoreKind::LogOdds)),
        ("linearsvc", linear(ScoreKind::Raw)),
        ("lda", linear(ScoreKind::LogOdds)),
        ("search", methods["search"]),
        // Columns that are made of several, and scores that are no sum, can only be asked about.
        ("pipe_pca", None),
        ("pipe_poly", None),
        ("knn", None),
        ("svc", None),
        ("mlp", None),
        ("calibrated_forest", None),
    ] {
        assert_eq!(methods.get(kind), Some(&expected), "{kind}");
    }
    let exact = methods.values().flatten().count();
    assert!(exact > 100, "{exact} of {} kinds", methods.len());
}

/// A model whose score is the logarithm of the odds of its classes, for kernel SHAP to ask.
struct LogOdds(Box<dyn Predictor>);

impl Predictor for LogOdds {
    fn features(&self) -> &[Feature] {
        self.0.features()
    }

    fn classes(&self) -> &[String] {
        self.0.classes()
    }

    fn description(&self) -> String {
        self.0.description()
    }

    fn predict(&self, table: &Table, cancel: &Cancel) -> Result<Predictions, Error> {
        let mut answers = self.0.predict(table, cancel)?;
        for pair in answers.probabilities.iter_mut().flat_map(|all| all.chunks_exact_mut(2)) {
            let odds = (pair[1] / pair[0]).ln();
            pair.copy_from_slice(&[-odds, odds]);
        }
        Ok(answers)
    }
}

#[test]
fn contributions_are_those_of_kernel_shap_with_every_coalition() {
    let kinds = [
        "forest",
        "tree_entropy_nan",
        "pipe_ord_forest",
        "forest_ohe",
        "gradboost",
        "histgb_cat_df",
        "xgboost_binary",
        "xgboost_categories",
        "lightgbm_categories",
        "catboost_binary",
        "catboost_lossguide",
        "catboost_onehot",
        "pipe_ohe_logreg",
        "pipe_imp_ohe",
        "lda",
    ];
    let mut compared = 0;
    for one in stored().into_iter().filter(|one| kinds.contains(&one.kind.as_str())) {
        let model = one.open();
        // Two explained rows, then the background; every coalition of up to 14 columns.
        let table = head(&one.rows, 5);
        let found = model.contributions(&table, 2, 1, &Cancel::new()).unwrap().unwrap();
        let model: Box<dyn Predictor> = match found.score {
            ScoreKind::Probability => model,
            ScoreKind::LogOdds => Box::new(LogOdds(model)),
            ScoreKind::Raw => panic!("{}", one.kind),
        };
        let options = KernelOptions { class: 1, coalitions_max: 1 << 14, seed: 0 };
        let asked = kernel_shap(model.as_ref(), &table, &[0, 1], &[2, 3, 4], &options, &Cancel::new()).unwrap();
        // The regression of kernel SHAP keeps some ten digits.
        let near = tolerance(&one.kind).max(1e-8);
        assert!((found.attributions.base - asked.base).abs() < near, "{}", one.kind);
        for (at, (exact, asked)) in found.attributions.values.iter().zip(&asked.values).enumerate() {
            assert!((exact - asked).abs() < near, "{} at {at}: {exact} and {asked}", one.kind);
        }
        compared += 1;
    }
    assert_eq!(compared, kinds.len());
}

#[test]
fn neither_threads_nor_the_child_change_a_bit() {
    for one in stored() {
        if !["forest", "pipe_ohe_logreg", "lightgbm_categories", "knn"].contains(&one.kind.as_str()) {
            continue;
        }
        let (model, table) = (one.open(), head(&one.rows, 100));
        let with = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| model.contributions(&table, 80, 1, &Cancel::new()).unwrap())
        };
        let alone = with(1);
        assert_eq!(alone, with(3), "{}", one.kind);
        // More rows than go in one message, and a column that the model does not read where it knows names.
        let mut wider = table.clone();
        let named = model.features().iter().all(|feature| feature.name.is_some());
        if named {
            let data = ColumnData::Numeric(vec![0.0; table.rows]);
            wider.columns.insert(0, Column { name: "unread".to_owned(), data });
        }
        let child = sandbox().open(File::open(&one.path).unwrap(), "m", &Cancel::new()).unwrap();
        let found = child.contributions(&wider, 80, 1, &Cancel::new()).unwrap();
        let Some(mut alone) = alone else {
            assert_eq!(found, None, "{}", one.kind);
            continue;
        };
        if named {
            let width = table.columns.len();
            let spread = |row: &[f64]| std::iter::once(0.0).chain(row.iter().copied()).collect::<Vec<f64>>();
            alone.attributions.values = alone.attributions.values.chunks(width).flat_map(spread).collect();
            alone.attributions.features = width + 1;
        }
        assert_eq!(found, Some(alone), "{}", one.kind);
    }
}

#[test]
fn what_is_beyond_the_limits_is_left_to_asking() {
    let one = stored().into_iter().find(|one| one.kind == "forest").unwrap();
    let (model, cancel) = (one.open(), Cancel::new());
    let table = |rows: usize| rows_of(&one.rows, &(0..rows).map(|row| row % one.rows.rows).collect::<Vec<usize>>());
    let is_exact =
        |rows, explained, class| model.contributions(&table(rows), explained, class, &cancel).unwrap().is_some();
    assert!(is_exact(130, 2, 1) && !is_exact(131, 2, 1));
    assert!(!is_exact(4, 4, 1) && !is_exact(4, 2, 2));
    cancel.cancel();
    assert!(model.contributions(&table(4), 2, 1, &cancel).is_err());
}
