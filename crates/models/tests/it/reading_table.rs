//! `docs/models.md`: what is read, from what the files of the fixtures were found to answer.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use crate::harness::{Checked, Outcome, check_folder};

/// Folders of the fixtures.
const FOLDERS: [&str; 5] = ["joblib", "joblib/more", "joblib/wide", "joblib/several", "boosters/files"];

const HEAD: &str = "\
# Model files that are read

A model file is read as data: nothing in it is imported, called or executed. A class is recognised by its exact module and name, its fitted
attributes are checked, and its answers are computed natively; labels are equal to the library's and probabilities within 1e-9. What is not
known to be answered so is refused by the name of the class or of the parameter.

| what | which |
|---|---|
| pickle | protocols 0 to 5 |
| joblib | arrays between the opcodes, with and without padding; plain, or in zlib, gzip, bzip2, xz, lzma, lz4, zstd |
| numpy | spellings of 1 and 2; C and Fortran order, big-endian, texts, objects, records |
| scikit-learn | 1.0 to 1.9 |
| XGBoost | JSON and UBJSON of 1.7 to 3.2, and pickles of its wrappers |
| LightGBM | text files of 3.3 to 4.7, and pickles of its wrappers |
| CatBoost | cbm and JSON of 1.2, and pickles of its wrappers |

Rows come as a data frame: columns are found by name when the model stores names, by position otherwise. A cell is missing when it is empty;
read rows for a model with the single spelling \"\" of a missing value, because \"?\" is a category to many models.

Refused on purpose, because the answer of the library depends on more than the file: neighbours that are equally far but answer differently
(its search order decides), `multi:softmax` of XGBoost (its probabilities are powers that differ between processors), categories of XGBoost
before 3.1 given as texts (it stores only their positions), XGBoost behind a step that makes a sparse matrix (it takes the zeros of one for
missing values), answers of XGBoost that another estimator goes on with (float32), LightGBM where its decision function would be asked (it has
one since 4.7 only, and no file says which version stored it). Kernels and functions of one's own are refused too.

Several targets are read of `MultiOutputClassifier`, `MultiOutputRegressor`, `ClassifierChain` and `RegressorChain` (over whatever is read of one
target, but a chain not over classes that are texts, which the library cannot answer either), of trees, forests, linear and ridge models,
kernel ridge, Gaussian processes, partial least squares, neighbours and dummies, of `MLPRegressor`, bagging and transformed targets over
them, and of XGBoost and CatBoost. Labels that are each there or
not are read of `MLPClassifier`, `RidgeClassifier`, `OneVsRestClassifier`, XGBoost and CatBoost, as one target of 0 and 1 each. An audit
asks about one target: it refuses a model of several.

Certificates explain a model exactly where it takes its own score apart: trees and forests, gradient boosting of every library here, linear
models, bagging and soft voting over trees; behind any step of a pipeline that makes each column of one column (scalers, encoders, imputers,
bins, splines, selections, texts), but not behind one that mixes columns. The score is the probability of a forest, the log-odds of a booster or
a logistic model of two classes, and otherwise the raw score of the class. Everything else is asked by kernel SHAP, which estimates.

The tables below are generated from the tests: each file of `crates/models/tests/fixtures` was asked, and a cell names the ways of storing
whose answers were right. `cargo run -p assize-models --example models_table > docs/models.md` makes this page anew.
";

/// The page.
pub(crate) fn render() -> String {
    let mut page = HEAD.to_owned();
    let checked: Vec<Checked> = FOLDERS
        .iter()
        .flat_map(|folder| {
            check_folder(
                &Path::new(&std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"))
                    .join("tests/fixtures")
                    .join(folder),
            )
        })
        .collect();
    let right: Vec<&Checked> = checked.iter().filter(|one| one.outcome == Outcome::Right).collect();
    let kinds = right.iter().map(|one| one.kind.as_str()).collect::<BTreeSet<&str>>().len();
    let _ =
        writeln!(page, "\n{} files of {kinds} kinds are right, {} are not.", right.len(), checked.len() - right.len());
    let of = |one: &Checked| {
        one.version.split(' ').next().filter(|word| !word.contains('.')).unwrap_or("scikit-learn").to_owned()
    };
    let libraries: BTreeSet<String> = right.iter().map(|one| of(one)).collect();
    for library in libraries {
        let mut table: BTreeMap<&str, BTreeMap<&str, BTreeSet<&str>>> = BTreeMap::new();
        for one in right.iter().filter(|one| of(one) == library) {
            let version = one.version.rsplit(' ').next().unwrap_or_default();
            table.entry(&one.kind).or_default().entry(version).or_default().insert(&one.storage);
        }
        let _ = writeln!(page, "\n## {library}\n\n| kind | version: stored as |\n|---|---|");
        for (kind, versions) in table {
            let cells: Vec<String> = versions
                .into_iter()
                .map(|(version, storages)| {
                    format!("{version}: {}", storages.into_iter().collect::<Vec<&str>>().join(", "))
                })
                .collect();
            let _ = writeln!(page, "| {kind} | {} |", cells.join("; "));
        }
    }
    page
}
