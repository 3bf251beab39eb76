//! Every model file of the fixtures answers as the library that stored it.

use std::path::Path;

use crate::sklearn_harness::{Outcome, check_folder};

#[test]
fn fixtures_answer_as_the_library_does() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/joblib");
    let failed: Vec<String> = check_folder(&folder)
        .into_iter()
        .filter(|checked| checked.outcome != Outcome::Right)
        .map(|checked| format!("{}: {:?}", checked.file, checked.outcome))
        .collect();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
