//! Bad input of every kind: a 422 that says what to change, and nothing left behind.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::harness::{Server, files_below, folder};

struct Bench {
    server: Server,
    home: TempDir,
    work: TempDir,
}

impl Bench {
    fn new() -> Self {
        let home = folder();
        let server = Server::start(home.path(), &[]);
        Self { server, home, work: folder() }
    }

    fn file(&self, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.work.path().join("data.csv");
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// Submits the bytes and returns the refusal, after checking that nothing was kept.
    fn refuse(&self, bytes: impl AsRef<[u8]>, fields: &[(&str, &str)]) -> String {
        let path = self.file(bytes);
        self.refuse_file(&path, fields)
    }

    fn refuse_file(&self, path: &Path, fields: &[(&str, &str)]) -> String {
        let defaults = [("target_column", "y"), ("protected_attributes", "g")];
        let mut all: Vec<(&str, &str)> =
            defaults.into_iter().filter(|(name, _)| !fields.iter().any(|(field, _)| field == name)).collect();
        all.extend(fields);
        let answer = self.server.audit("/audit/full", path, &all);
        assert_eq!(answer.status, 422, "{}", String::from_utf8_lossy(&answer.body));
        for kept in ["spool", "objects"] {
            let files = files_below(&self.home.path().join(kept));
            assert!(files.is_empty(), "left behind: {files:?}");
        }
        answer.detail()
    }
}

fn assert_says(detail: &str, words: &[&str]) {
    for word in words {
        assert!(detail.contains(word), "{detail:?} does not say {word:?}");
    }
}

/// `n` rows of two groups and both outcomes.
fn good_rows(n: usize) -> String {
    let mut text = String::from("g,x,y\n");
    for row in 0..n {
        let group = if row % 2 == 0 { "a" } else { "b" };
        let _ = writeln!(text, "{group},{},{}", row % 17, u8::from(row % 3 == 0));
    }
    text
}

#[test]
fn missing_fields_and_columns_are_named() {
    let bench = Bench::new();
    let answer = bench.server.curl("/audit/full", &["-F", "model_name=x"]);
    assert_eq!(answer.status, 422);
    assert_says(&answer.detail(), &["dataset_file", "organization", "domain", "target_column", "protected_attributes"]);
    let detail = bench.refuse(good_rows(40), &[("protected_attributes", "race,g"), ("target_column", "income")]);
    assert_says(&detail, &["race", "income", "'g', 'x', 'y'"]);
}

#[test]
fn a_target_that_is_not_binary_or_is_protected_is_refused() {
    let bench = Bench::new();
    assert_says(&bench.refuse("g,y\na,1\nb,2\na,3\n", &[]), &["y", "1", "2", "3"]);
    assert_says(&bench.refuse("g,y\na,1\nb,1\na,1\n", &[]), &["y", "1"]);
    assert_says(&bench.refuse(good_rows(40), &[("target_column", "g")]), &["g", "protected"]);
}

#[test]
fn too_few_or_too_many_groups_are_refused() {
    let bench = Bench::new();
    let one = good_rows(60).replace("b,", "a,");
    assert_says(&bench.refuse(one, &[]), &["g", "one group"]);
    let mut many = String::from("g,y\n");
    for row in 0..50_000 {
        let _ = writeln!(many, "name{row},{}", row % 2);
    }
    assert_says(&bench.refuse(many, &[]), &["g", "values"]);
}

#[test]
fn files_that_are_no_table_are_refused() {
    let bench = Bench::new();
    assert_says(&bench.refuse("", &[]), &["empty"]);
    assert_says(&bench.refuse("g,y\n", &[]), &["rows"]);
    assert_says(&bench.refuse("g,x,y\na,1,1\nb,1\n", &[]), &["line 3"]);
    assert_says(&bench.refuse("g,y\na,1\nb\0,0\n", &[]), &["NUL", "line 3"]);
    let utf16: Vec<u8> = "\u{feff}g,y\na,1\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_says(&bench.refuse(utf16, &[]), &["UTF-16", "UTF-8"]);
    assert_says(&bench.refuse(b"PK\x03\x04\x14\0\0\0\x08\0", &[]), &["zip"]);
    assert_says(&bench.refuse("g,x,g,y\na,1,a,1\nb,2,b,0\n", &[]), &["g", "twice"]);
    let wide: Vec<String> = (0..10_000).map(|column| format!("c{column}")).collect();
    assert_says(&bench.refuse(format!("{}\n", wide.join(",")), &[]), &["10000", "columns"]);
    assert_says(&bench.refuse(good_rows(40).replacen(",7,", ",inf,", 1), &[]), &["x", "line", "inf"]);
}

#[test]
fn a_line_of_two_gigabytes_is_refused_without_being_held() {
    let bench = Bench::new();
    let path = bench.work.path().join("line.csv");
    // A sparse file: the bytes are zeros on disk, so the line holds letters only at its start; the reader gives up
    // long before it could tell.
    let mut file = std::fs::File::create(&path).unwrap();
    file.write_all(b"g,y\n").unwrap();
    let block = vec![b'a'; 1 << 20];
    for _ in 0..2048 {
        file.write_all(&block).unwrap();
    }
    drop(file);
    let detail = bench.refuse_file(&path, &[]);
    assert_says(&detail, &["line 2"]);
}
