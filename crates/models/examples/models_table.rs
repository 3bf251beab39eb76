//! Prints `docs/models.md`: which model files are read, from the fixtures of the tests.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    unused,
    reason = "a tool for developers that shares the harness of the tests"
)]

#[path = "../tests/it/sklearn_harness.rs"]
mod harness;
#[path = "../tests/it/reading_table.rs"]
mod reading_table;

fn main() {
    print!("{}", reading_table::render());
}
