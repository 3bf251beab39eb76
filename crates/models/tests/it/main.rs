//! What the crate promises, seen from outside.

#![expect(clippy::unwrap_used, reason = "tests may unwrap")]

mod adult;
mod arrays;
mod contributions;
mod explain;
mod forest;
mod hostile;
mod reading_table;
mod sandbox;
mod sarif;
mod sklearn;
mod sklearn_harness;
mod support;

use sklearn_harness as harness;
