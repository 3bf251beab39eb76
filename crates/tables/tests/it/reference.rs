//! The block reader against a reader so plain that it is surely right, on random files, block sizes and threads.

use std::collections::BTreeMap;

use assize_tables::{BinarySpec, Cancel, CellPlan, Cells, Dataset, ReadOptions};
use proptest::prelude::*;

use crate::{binary, categories, file};

/// One character at a time, everything in memory. Only for well-formed files with `,` and `\n`.
fn reference(text: &str) -> Vec<Vec<String>> {
    let mut records = Vec::new();
    let mut record: Vec<String> = Vec::new();
    let mut field = String::new();
    let (mut inside, mut quoted) = (false, false);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if inside && chars.peek() == Some(&'"') => {
                chars.next();
                field.push('"');
            }
            '"' if inside => inside = false,
            '"' if !quoted && field.trim().is_empty() => {
                (inside, quoted) = (true, true);
                field.clear();
            }
            ',' | '\n' if !inside => {
                record.push(std::mem::take(&mut field).trim().to_owned());
                quoted = false;
                if c == '\n' {
                    records.push(std::mem::take(&mut record));
                }
            }
            _ => field.push(c),
        }
    }
    records
}

fn written(value: &str, style: u8) -> String {
    let bare = !value.contains(['"', ',', '\n', '\r']);
    match style {
        0 if bare => value.to_owned(),
        1 if bare => format!(" {value} "),
        2 => format!(" \"{}\"", value.replace('"', "\"\"")),
        _ => format!("\"{}\"", value.replace('"', "\"\"")),
    }
}

fn cell() -> impl Strategy<Value = (String, u8)> {
    let text = prop_oneof![
        4 => "[a-c]",
        2 => "[a-zé \",\n\r]{0,12}",
        1 => "[a-d]{30,90}",
        1 => Just("5\" disk".to_owned()),
        1 => Just("?".to_owned()),
    ];
    (text, 0u8..6)
}

fn row() -> impl Strategy<Value = String> {
    let label = (prop_oneof![Just("1"), Just("0"), Just("")], Just(0u8));
    (cell(), label, cell(), "[0-9]{1,3}", prop::bool::weighted(0.05)).prop_map(|(a, label, b, number, blank)| {
        let cells = [written(&a.0, a.1), written(label.0, label.1), written(&b.0, b.1), number];
        cells.join(",") + if blank { "\n  \n" } else { "\n" }
    })
}

fn cells(text: &str, threads: usize, block_bytes: usize) -> Cells {
    let file = file(text.as_bytes());
    let dataset = Dataset::open(file.path(), &ReadOptions { threads, block_bytes, ..ReadOptions::default() }).unwrap();
    let plan =
        CellPlan { keys: vec![categories("b"), categories("a")], label: binary("y", "1"), ..CellPlan::default() };
    dataset.count(&plan, &Cancel::new()).unwrap()
}

/// What the documentation says is no value; the cells here have no capitals.
const MISSING: [&str; 13] = ["", "?", "na", "n/a", "#n/a", "<na>", "nan", "null", "none", "nil", "-", "--", "."];

fn reference_counts(text: &str) -> BTreeMap<(String, String, u8), u64> {
    let mut counts = BTreeMap::new();
    for record in reference(text).into_iter().skip(1).filter(|record| record.len() > 1) {
        let group = |value: &str| if MISSING.contains(&value) { "(missing)".to_owned() } else { value.to_owned() };
        let label = match record[1].as_str() {
            "1" => 1,
            "0" => 0,
            _ => 2,
        };
        *counts.entry((group(&record[2]), group(&record[0]), label)).or_insert(0) += 1;
    }
    counts
}

fn counts(cells: &Cells) -> BTreeMap<(String, String, u8), u64> {
    let level = |key: usize, group: u32| cells.keys[key].levels[usize::from(cells.groups[group as usize][key])].clone();
    cells.cells.iter().map(|cell| ((level(0, cell.group), level(1, cell.group), cell.label), cell.count)).collect()
}

proptest! {
    #[test]
    fn blocks_and_threads_do_not_show(rows in prop::collection::vec(row(), 1..60), block in 1usize..300, threads in 1usize..8) {
        let text = format!("a,y,b,n\n{}", rows.concat());
        let got = cells(&text, threads, block);
        prop_assert_eq!(counts(&got), reference_counts(&text), "{}", text);
        prop_assert_eq!(got, cells(&text, 1, 1 << 20));
    }

    #[test]
    fn any_bytes_read_or_fail_without_panic(bytes in prop::collection::vec(prop_oneof![Just(b','), Just(b'\n'), Just(b'"'), Just(b'a'), Just(b' '), any::<u8>()], 0..300), block in 1usize..100) {
        let file = file(&bytes);
        let read = |threads| {
            let options = ReadOptions { threads, block_bytes: block, max_line_bytes: 200, ..ReadOptions::default() };
            Dataset::open(file.path(), &options).and_then(|dataset| dataset.profile(&Cancel::new())).map_err(|e| e.to_string())
        };
        prop_assert_eq!(read(1), read(4));
    }
}

#[test]
fn threads_do_not_show_on_a_large_file() {
    let mut text = String::from("g,y,s,w,x\n");
    let mut state = 1u64;
    for row in 0..40_000 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let draw = state >> 40;
        let score = (draw % 1001) as f64 / 1000.0;
        let group = ["north", "south", " a rather long name of a group", "?"][(draw % 4) as usize];
        text += &format!("{group},{},{score},{},{}\n", draw % 2, draw % 7, f64::from(row) * 0.37);
    }
    let file = file(text.as_bytes());
    let plan = CellPlan {
        keys: vec![categories("g")],
        label: Some(BinarySpec { column: "y".into(), positive: "1".into() }),
        score: Some("s".into()),
        weight: Some("w".into()),
        decision_threshold: Some(0.5),
        ..CellPlan::default()
    };
    let read = |threads| {
        let options = ReadOptions { threads, block_bytes: 4096, ..ReadOptions::default() };
        let dataset = Dataset::open(file.path(), &options).unwrap();
        let profile = dataset.profile(&Cancel::new()).unwrap();
        let table = dataset.load(None, &profile, None, &Cancel::new()).unwrap();
        (dataset.count(&plan, &Cancel::new()).unwrap(), profile, format!("{table:?}"))
    };
    let one = read(1);
    assert_eq!(one.0.rows(), 40_000);
    assert!(one.0.cells.iter().all(|cell| (cell.prediction == 1) == (cell.bin >= 512)));
    assert_eq!(one.1.column("x").unwrap().numeric.as_ref().unwrap().quantiles.len(), 21);
    for threads in [2, 7] {
        assert_eq!(read(threads), one);
    }
}
