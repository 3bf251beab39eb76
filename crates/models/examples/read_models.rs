//! `read_models FOLDER`: asks every model of a folder made by `make_fixtures.py` and prints a table, kind by version,
//! of how many files answer as the library does; then what was refused and what was wrong.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a tool for developers")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use harness::{Outcome, check_folder};

#[path = "../tests/it/sklearn_harness.rs"]
mod harness;

fn main() {
    let folder = PathBuf::from(std::env::args().nth(1).expect("usage: read_models FOLDER"));
    let checked = check_folder(&folder);
    let versions: BTreeSet<&str> = checked.iter().map(|checked| checked.version.as_str()).collect();
    let storages: BTreeSet<&str> = checked.iter().map(|checked| checked.storage.as_str()).collect();
    for (title, columns) in [("version", &versions), ("storage", &storages)] {
        let mut table: BTreeMap<&str, BTreeMap<&str, (usize, usize)>> = BTreeMap::new();
        for one in &checked {
            let column = if title == "version" { &one.version } else { &one.storage };
            let cell = table.entry(&one.kind).or_default().entry(column).or_default();
            cell.0 += usize::from(one.outcome == Outcome::Right);
            cell.1 += 1;
        }
        println!("\n| kind by {title} | {} |", columns.iter().copied().collect::<Vec<_>>().join(" | "));
        println!("|---|{}", "---|".repeat(columns.len()));
        for (kind, cells) in &table {
            let cell =
                |column: &&&str| cells.get(**column).map_or(String::new(), |(right, all)| format!("{right}/{all}"));
            println!(
                "| {kind} | {} |",
                columns.iter().collect::<Vec<_>>().iter().map(cell).collect::<Vec<_>>().join(" | ")
            );
        }
    }
    let count = |test: fn(&Outcome) -> bool| checked.iter().filter(|checked| test(&checked.outcome)).count();
    println!(
        "\n{} files: {} right, {} refused, {} wrong",
        checked.len(),
        count(|outcome| *outcome == Outcome::Right),
        count(|outcome| matches!(outcome, Outcome::Refused(_))),
        count(|outcome| matches!(outcome, Outcome::Wrong(_)))
    );
    for one in checked.iter().filter(|checked| checked.outcome != Outcome::Right) {
        println!("{} {}: {:?}", one.file, one.storage, one.outcome);
    }
}
