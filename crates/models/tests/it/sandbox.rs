//! Model files in a child process: what comes through the pipe is what the reader says without one.

use std::fs::File;
use std::path::{Path, PathBuf};

use assize_models::sandbox::Sandbox;
use assize_models::{Limits, Predictor, open};
use assize_tables::Cancel;
use serde_json::Value;

use crate::sklearn_harness::read_csv;

fn fixtures(folder: &str) -> PathBuf {
    Path::new(&std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it")).join("tests/fixtures").join(folder)
}

/// Examples are built beside the tests.
pub(crate) fn sandbox() -> Sandbox {
    let tests = std::env::current_exe().unwrap();
    let program = tests.parent().unwrap().parent().unwrap().join("examples/sandbox_child");
    assert!(program.exists(), "{} is not built: cargo build -p assize-models --examples", program.display());
    Sandbox { program, arguments: Vec::new(), threads: 1 }
}

/// Every model of a manifest, whether its classes are texts, and what is said with and without a child.
fn same_through_the_child(folder: &str, texts: impl Fn(&str) -> Option<bool>) -> usize {
    let folder = fixtures(folder);
    let manifest: Value = serde_json::from_slice(&std::fs::read(folder.join("manifest.json")).unwrap()).unwrap();
    let models = manifest["models"].as_array().unwrap();
    for model in models {
        let path = folder.join(model["file"].as_str().unwrap());
        let rows = read_csv(&folder.join(model["x"].as_str().unwrap()));
        let (name, kind, cancel) = (path.display().to_string(), model["kind"].as_str().unwrap(), Cancel::new());
        let alone = open(&std::fs::read(&path).unwrap(), &name, &Limits::default()).unwrap();
        let child = sandbox().open(File::open(&path).unwrap(), &name, &cancel).unwrap();
        assert_eq!(child.description(), alone.description(), "{name}");
        assert_eq!(child.features(), alone.features(), "{name}");
        assert_eq!(child.classes(), alone.classes(), "{name}");
        assert_eq!(child.targets(), alone.targets(), "{name}");
        assert_eq!(child.classes_are_texts(), alone.classes_are_texts(), "{name}");
        if let Some(texts) = texts(kind) {
            assert_eq!(child.classes_are_texts(), texts, "{name}");
        }
        if !alone.targets().is_empty() {
            assert_eq!(child.answers(&rows, &cancel).unwrap(), alone.answers(&rows, &cancel).unwrap(), "{name}");
        } else if alone.classes().is_empty() {
            assert_eq!(child.values(&rows, &cancel).unwrap(), alone.values(&rows, &cancel).unwrap(), "{name}");
        } else {
            assert_eq!(child.predict(&rows, &cancel).unwrap(), alone.predict(&rows, &cancel).unwrap(), "{name}");
        }
    }
    models.len()
}

#[test]
fn boosters_answer_the_same_in_a_child() {
    // A text file of LightGBM does not hold what its wrapper called the classes.
    let texts = |kind: &str| match kind {
        "catboost_binary_str" => Some(true),
        "catboost_binary" | "lightgbm_binary" | "lightgbm_binary_str" | "xgboost_binary" => Some(false),
        _ => None,
    };
    assert_eq!(same_through_the_child("boosters/files", texts), 87);
}

#[test]
fn models_of_several_targets_answer_the_same_in_a_child() {
    assert_eq!(same_through_the_child("joblib/several", |_| None), 37);
}

#[test]
fn a_refusal_comes_through_with_its_reason() {
    let path = fixtures("joblib/bad/unknown_class.pkl");
    let error = sandbox().open(File::open(path).unwrap(), "bad.pkl", &Cancel::new()).unwrap_err();
    assert!(error.to_string().contains("acme_models.scoring.CreditScorer"), "{error}");
    let path = fixtures("joblib/several").join("manifest.json");
    assert!(sandbox().open(File::open(path).unwrap(), "manifest.json", &Cancel::new()).is_err());
}
