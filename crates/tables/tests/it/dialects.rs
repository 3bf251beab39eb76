//! Ways of writing CSV that must read right.

use assize_tables::{Column, ColumnData, Dataset, Encoding, ReadOptions};

use crate::{file, go, open, plan, small_blocks};

/// Reads bytes and compares columns: `name: cell cell cell`, missing cells as `_`, numbers bare, texts quoted.
#[track_caller]
fn check(bytes: &[u8], expect: &[&str]) {
    let dataset = open(bytes).unwrap();
    assert_eq!(shown(&dataset), expect, "{:?}", String::from_utf8_lossy(bytes));
}

fn shown(dataset: &Dataset) -> Vec<String> {
    let profile = dataset.profile(&go()).unwrap();
    dataset.load(None, &profile, None, &go()).unwrap().columns.iter().map(show).collect()
}

fn show(column: &Column) -> String {
    let cells: Vec<String> = match &column.data {
        ColumnData::Numeric(numbers) => {
            numbers.iter().map(|number| if number.is_nan() { "_".into() } else { number.to_string() }).collect()
        }
        ColumnData::Categorical { codes, levels } => {
            let level = |&code: &u32| levels.get(code as usize).map_or("_".into(), |level| format!("{level:?}"));
            codes.iter().map(level).collect()
        }
    };
    format!("{}: {}", column.name, cells.join(" "))
}

#[test]
fn delimiters() {
    for delimiter in [",", ";", "\t", "|"] {
        check(
            format!("a{delimiter}b c\n1{delimiter}x y\n2{delimiter}z\n").as_bytes(),
            &["a: 1 2", "b c: \"x y\" \"z\""],
        );
    }
    check(b"a\n1\n2\n", &["a: 1 2"]);
    check(b"a;b\n1,5;x,y\n2;z\n", &["a: 1.5 2", "b: \"x,y\" \"z\""]);
    check(b"a,b;c\n1,x;y\n2,z\n", &["a: 1 2", "b;c: \"x;y\" \"z\""]);
    check(b"sep=;\na;b\n1;2\n", &["a: 1", "b: 2"]);
    check(b"a\tb\n\t\n1\t2\n", &["a: _ 1", "b: _ 2"]);
    let forced = ReadOptions { delimiter: Some(b':'), ..small_blocks() };
    assert_eq!(shown(&Dataset::open(file(b"a:b\n1:2,3\n").path(), &forced).unwrap()), ["a: 1", "b: 2.3"]);
}

#[test]
fn line_ends() {
    for end in ["\n", "\r\n", "\r"] {
        check(format!("a,b{end}1,x{end}2,y{end}").as_bytes(), &["a: 1 2", "b: \"x\" \"y\""]);
        check(format!("a,b{end}1,x{end}{end}2,y{end}{end} {end}").as_bytes(), &["a: 1 2", "b: \"x\" \"y\""]);
        check(format!("{end}a,b{end}1,x{end}2,y").as_bytes(), &["a: 1 2", "b: \"x\" \"y\""]);
    }
}

#[test]
fn blanks_and_quotes() {
    check(b"a , b\n 1, x \n2 ,\ty\n", &["a: 1 2", "b: \"x\" \"y\""]);
    check(b"\"a\",\"b\"\n\"1\",\"x, y\"\n2, \"z\n\"\"w\"\"\" \n", &["a: 1 2", "b: \"x, y\" \"z\\n\\\"w\\\"\""]);
    check(b"a,b\n5\" disk,3'\n\"x\"tail,\"\"\n", &["a: \"5\\\" disk\" \"xtail\"", "b: \"3'\" _"]);
    check(b"a,b\n1,\"x\r\ny\"\r\n2,z\r\n", &["a: 1 2", "b: \"x\\r\\ny\" \"z\""]);
}

#[test]
fn encodings() {
    check(b"\xef\xbb\xbfa,b\n1,\xc3\xa9\n", &["a: 1", "b: \"é\""]);
    check(b"\xef\xbb\xbf\"a\",b\n1,x\n", &["a: 1", "b: \"x\""]);
    check(b"a,n\xe9\n1,caf\xe9\n2,\x80uro\n", &["a: 1 2", "né: \"café\" \"€uro\""]);
    let encoding = |bytes: &[u8]| open(bytes).unwrap().encoding().unwrap().to_owned();
    assert_eq!(encoding(b"a,b\n1,2\n"), "utf-8");
    assert_eq!(encoding(b"a,b\n1,caf\xe9\n"), "windows-1252");
    let forced = ReadOptions { encoding: Some(Encoding::Windows1252), ..small_blocks() };
    let dataset = Dataset::open(file("a,b\n1,é\n".as_bytes()).path(), &forced).unwrap();
    assert_eq!(shown(&dataset), ["a: 1", "b: \"Ã©\""]);
}

#[test]
fn kinds_and_missing_values() {
    check(
        b"a,b,c,d\n1,?,true,?\nNA,x,,?\n-3.5e2,n/a,false,?\n",
        &["a: 1 _ -350", "b: _ \"x\" _", "c: \"true\" _ \"false\"", "d: _ _ _"],
    );
    check(b"a;b\n1,5;1.5\n2,25;1,5\n", &["a: 1.5 2.25", "b: \"1.5\" \"1,5\""]);
    let own = ReadOptions { missing: vec!["unknown".into()], ..small_blocks() };
    assert_eq!(
        shown(&Dataset::open(file(b"a,b\nUnknown,?\n1,x\n").path(), &own).unwrap()),
        ["a: _ 1", "b: \"?\" \"x\""]
    );
}

#[test]
fn labels_are_compared_as_numbers_or_without_a_last_full_stop() {
    let positives = |bytes: &[u8], positive: &str| {
        let cells = open(bytes).unwrap().count(&plan("g", "y", positive), &go()).unwrap();
        cells.cells.iter().filter(|cell| cell.label == 1).map(|cell| cell.count).sum::<u64>()
    };
    assert_eq!(positives(b"g,y\na,1\na,1.0\na,0\na,0.0\n", "1"), 2);
    assert_eq!(positives(b"g,y\na,>50K.\na, >50K\na,<=50K.\n", ">50K"), 2);
    assert_eq!(positives(b"g,y\na,yes\na,\na,no\n", "yes"), 1);
    assert_eq!(positives(b"g,y\na,no\na,no\n", "yes"), 0);
}
