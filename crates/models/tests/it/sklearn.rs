//! Every model file of the fixtures answers as the library that stored it.

use std::path::Path;

use assize_models::{Error, Limits, open};
use assize_tables::Cancel;

use crate::sklearn_harness::{Outcome, check_folder, read_csv};

fn all_right(folder: &str) {
    let folder =
        Path::new(&std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it")).join("tests/fixtures").join(folder);
    let failed: Vec<String> = check_folder(&folder)
        .into_iter()
        .filter(|checked| checked.outcome != Outcome::Right)
        .map(|checked| {
            format!(
                "{} ({}, {}, {}): {:?}",
                checked.file, checked.kind, checked.version, checked.storage, checked.outcome
            )
        })
        .collect();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn fixtures_answer_as_the_library_does() {
    all_right("joblib");
}

#[test]
fn every_kind_version_and_storage_answers_as_the_library_does() {
    all_right("joblib/more");
}

#[test]
fn the_page_of_what_is_read_is_up_to_date() {
    let committed = include_str!("../../../../docs/models.md");
    assert!(
        committed == crate::reading_table::render(),
        "run `cargo run -p assize-models --example models_table > docs/models.md`"
    );
}

#[test]
fn a_missing_column_is_named_and_a_further_one_is_ignored() {
    let folder =
        Path::new(&std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it")).join("tests/fixtures/joblib");
    let bytes = std::fs::read(folder.join("sk1.7.2/pipe_ohe_logreg.p4.pkl")).unwrap();
    let model = open(&bytes, "m", &Limits::default()).unwrap();
    let mut rows = read_csv(&folder.join("x/mixed.csv"));
    let whole = model.predict(&rows, &Cancel::new()).unwrap();
    rows.columns.reverse();
    rows.columns.push(assize_tables::Column { name: "other".to_owned(), ..rows.columns[0].clone() });
    assert_eq!(model.predict(&rows, &Cancel::new()).unwrap(), whole);
    rows.columns.retain(|column| column.name != "occupation");
    let error = model.predict(&rows, &Cancel::new()).unwrap_err();
    assert!(matches!(&error, Error::Input { expected, .. } if expected.contains("occupation")), "{error}");
}

#[test]
fn a_cancelled_question_has_no_answer() {
    let folder =
        Path::new(&std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it")).join("tests/fixtures/joblib");
    let model = open(&std::fs::read(folder.join("sk1.7.2/forest.joblib.z")).unwrap(), "m", &Limits::default()).unwrap();
    let cancel = Cancel::new();
    cancel.cancel();
    let answer = model.predict(&read_csv(&folder.join("x/ord14.csv")), &cancel);
    assert!(matches!(answer, Err(Error::Cancelled(_))));
}

#[test]
fn further_kinds_answer_as_the_library_does() {
    all_right("joblib/wide");
}

#[test]
fn several_targets_are_answered_as_the_library_does() {
    all_right("joblib/several");
}

#[test]
fn one_answer_of_a_model_of_several_targets_is_refused() {
    let folder = Path::new(&std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"))
        .join("tests/fixtures/joblib/several");
    let manifest: serde_json::Value =
        serde_json::from_slice(&std::fs::read(folder.join("manifest.json")).unwrap()).unwrap();
    let model = manifest["models"].as_array().unwrap().iter().find(|model| model["kind"] == "multi_out_str").unwrap();
    let bytes = std::fs::read(folder.join(model["file"].as_str().unwrap())).unwrap();
    let rows = read_csv(&folder.join(model["x"].as_str().unwrap()));
    let model = open(&bytes, "m", &Limits::default()).unwrap();
    assert!(model.classes().is_empty() && !model.classes_are_texts());
    assert_eq!(model.targets()[1].classes, ["married", "never", "other"]);
    assert!(model.targets()[1].classes_are_texts);
    for error in [model.predict(&rows, &Cancel::new()).err(), model.values(&rows, &Cancel::new()).err()] {
        assert!(error.unwrap().to_string().ends_with("the model answers 2 targets; one is needed here"));
    }
    let one =
        open(&std::fs::read(folder.join("../sk1.7.2/forest.joblib.z")).unwrap(), "m", &Limits::default()).unwrap();
    assert!(one.targets().is_empty());
    assert!(one.answers(&rows, &Cancel::new()).is_err());
}

#[test]
fn boosters_answer_as_their_libraries_do() {
    all_right("boosters/files");
}
