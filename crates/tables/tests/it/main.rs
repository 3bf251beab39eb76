//! Behaviour of the crate from outside: files in, tables and cells out.

#![expect(clippy::unwrap_used, reason = "a test whose files cannot be made or read has failed")]

mod bad_input;
mod dialects;
mod parquet_files;
mod reference;
mod samples;
mod sources;

use std::io::Write;

use assize_tables::{BinarySpec, Cancel, CellPlan, Dataset, Error, KeySpec, ReadOptions};
use tempfile::NamedTempFile;

/// A file with these bytes.
fn file(bytes: &[u8]) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    file
}

/// Small blocks and several threads, so that small files show what large ones do.
fn small_blocks() -> ReadOptions {
    ReadOptions { threads: 3, block_bytes: 64, ..ReadOptions::default() }
}

/// Opens bytes as a data set.
fn open(bytes: &[u8]) -> Result<Dataset, Error> {
    Dataset::open(file(bytes).path(), &small_blocks())
}

fn categories(column: &str) -> KeySpec {
    KeySpec::Categories { column: column.into() }
}

fn binary(column: &str, positive: &str) -> Option<BinarySpec> {
    Some(BinarySpec { column: column.into(), positive: positive.into() })
}

/// A plan with one categorical key and a label.
fn plan(key: &str, label: &str, positive: &str) -> CellPlan {
    CellPlan { keys: vec![categories(key)], label: binary(label, positive), ..CellPlan::default() }
}

fn go() -> Cancel {
    Cancel::new()
}
