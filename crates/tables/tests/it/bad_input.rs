//! Every kind of bad file gets an error that says where and what to change.

use std::io::{Seek, SeekFrom, Write};

use assize_tables::{CellPlan, Dataset, Error, KeySpec, ReadOptions};

use crate::{binary, categories, go, open, plan, small_blocks};

/// The error of opening, profiling or counting these bytes.
fn error(bytes: &[u8]) -> String {
    let result = open(bytes).and_then(|dataset| dataset.profile(&go()));
    result.map(|profile| panic!("read as {} rows", profile.rows)).unwrap_err().to_string()
}

#[track_caller]
fn check(bytes: &[u8], expect: &str) {
    let error = error(bytes);
    assert!(error.contains(expect), "{:?}: {error}", String::from_utf8_lossy(&bytes[..bytes.len().min(40)]));
}

#[test]
fn files_that_are_no_tables() {
    check(b"", "the file is empty");
    check(b" \n\r\n\n", "the file is empty");
    check(b"a,b\n", "no data rows");
    check(b"a,b", "no data rows");
    check(b"a,b\r\n \r\n", "no data rows");
    check(b"PK\x03\x04\x14\0\0\0", "zip archive or an Excel workbook");
    check(b"\x1f\x8b\x08\0abc", "gzip-compressed");
    check(b"%PDF-1.7\n", "PDF document");
    check(b"\xd0\xcf\x11\xe0\xa1\xb1", "old Excel");
    check(b"<!DOCTYPE html><html></html>", "HTML");
    check(b"{\"a\": 1}\n", "JSON");
    check(b"[{\"a\": 1}]\n", "JSON");
    check(&(0..400u32).map(|i| (i * 7 % 256) as u8).collect::<Vec<_>>(), "not a CSV or Parquet file");
}

#[test]
fn wide_encodings_and_nul_bytes() {
    let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    check(&[b"\xff\xfe".to_vec(), utf16("a,b\n1,2\n")].concat(), "UTF-16");
    check(&utf16("a,b\n1,2\n"), "UTF-16");
    check(b"\xfe\xff\0a\0,", "UTF-16");
    check(b"\xff\xfe\0\0a\0\0\0", "UTF-32");
    check(b"a,b\n1,2\n3,\0\n", "line 3 holds a NUL byte");
    let mut late = b"a,b\n".to_vec();
    late.extend(b"1,2\n".repeat(20_000));
    late.extend(b"3,\0\n");
    assert!(late.len() > 70_000);
    let options = ReadOptions { max_line_bytes: 1000, ..small_blocks() };
    let file = crate::file(&late);
    let error = Dataset::open(file.path(), &options).unwrap().profile(&go()).unwrap_err().to_string();
    assert!(error.starts_with("line 20002 holds a NUL byte"), "{error}");
}

#[test]
fn headers() {
    check(b"a,,c\n1,2,3\n", "column 2 has no name");
    check(b"a,b, a \n1,2,3\n", "column name 'a' occurs twice, at positions 1 and 3");
    check(b"39, 77516, 13, 0, 0\n50, 83311, 13, 0, 0\n", "looks like data");
    let wide = |count: usize| (0..count).map(|i| format!("c{i}")).collect::<Vec<_>>().join(",") + "\n";
    check(format!("{}{}", wide(10_000), wide(10_000)).as_bytes(), "10000 columns; at most 4096");
    let fits = format!("{}{}", wide(4096), wide(4096));
    assert_eq!(open(fits.as_bytes()).unwrap().profile(&go()).unwrap().columns.len(), 4096);
    let numbers = open(b"1,2\n3,4\n").unwrap();
    assert!(numbers.warnings()[0].contains("'1' is a number"), "{:?}", numbers.warnings());
}

#[test]
fn ragged_rows_are_named_by_line() {
    check(b"a,b\n1,2\n1,2,3\n", "line 3 has 3 fields where the header has 2");
    check(b"a,b\n1,2\n1\n", "line 3 has 1 field where the header has 2");
    check(b"a,b\r\n1,2\r\n\r\n1\r\n", "line 4 has 1 field");
    check(b"a,b\r1,2\r1\r", "line 3 has 1 field");
    check(b"a,b\n\"x\ny\n\",2\n1,\"2\n\n\"\n1\n", "line 8 has 1 field");
    let mut long = b"a,b\n".to_vec();
    long.extend(b"\"1\n\",2\n".repeat(5000));
    let line = 2 + 2 * 5000;
    long.extend(b"1,2,3\n1\n");
    check(&long, &format!("line {line} has 3 fields"));
}

#[test]
fn long_lines_and_open_quotes() {
    let options = ReadOptions { max_line_bytes: 100, ..small_blocks() };
    let read = |bytes: &[u8]| {
        let file = crate::file(bytes);
        Dataset::open(file.path(), &options).and_then(|dataset| dataset.profile(&go()).map(|profile| profile.rows))
    };
    let line = |bytes: usize| format!("a,b\n1,2\n{},2\n1,2\n", "x".repeat(bytes - 2));
    assert_eq!(read(line(100).as_bytes()).unwrap(), 3);
    let error = read(line(101).as_bytes()).unwrap_err().to_string();
    assert!(error.starts_with("line 3 starts a record longer than 100 bytes"), "{error}");
    let error = read(line(100_000).as_bytes()).unwrap_err().to_string();
    assert!(error.starts_with("line 3 starts a record longer than 100 bytes"), "{error}");
    check(b"a,b\n1,2\n\"1,2\n3,4\n", "line 3 opens a quotation mark that is never closed");
    check(b"\"a,b\n1,2\n", "line 1 opens a quotation mark");
}

#[test]
fn two_gigabytes_of_one_line_fail_at_once() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"a,b\n1,2\n").unwrap();
    file.write_all(&vec![b'x'; 3 << 20]).unwrap();
    // The rest is a hole in the file: it would be NUL bytes, if anybody read so far.
    file.seek(SeekFrom::Start(2 << 30)).unwrap();
    file.write_all(b"\n").unwrap();
    let dataset = Dataset::open(file.path(), &ReadOptions::default()).unwrap();
    let error = dataset.profile(&go()).unwrap_err();
    assert!(matches!(error, Error::LineTooLong { limit: 1_048_576, .. }), "{error}");
}

#[test]
fn a_first_row_that_never_ends_is_refused_before_anything_is_read() {
    let open = |rows: &[u8]| {
        let file = crate::file(&[b"\"a\nb\",c\n", rows].concat());
        Dataset::open(file.path(), &ReadOptions { max_line_bytes: 100_000, ..ReadOptions::default() })
    };
    let row = |bytes: usize| [&vec![b'x'; bytes - 2][..], b",2\n1,2\n"].concat();
    assert!(open(&row(100_000)).is_ok());
    let error = open(&row(100_001)).unwrap_err();
    assert!(error.to_string().starts_with("line 3 starts a record longer than 100000 bytes"), "{error}");
    let error = open(&vec![b'x'; 1 << 20]).unwrap_err();
    assert!(matches!(error, Error::LineTooLong { .. }), "{error}");
}

#[test]
fn columns_that_do_not_hold_what_was_asked() {
    let data = b"sex,ok,s,w,age\nf,yes,0.5,1,30\nm,no,1.5,-1,x\nf,yes,0.1,2,40\n";
    #[track_caller]
    fn refused(data: &[u8], plan: &CellPlan, expect: &str) {
        let error = open(data).unwrap().count(plan, &go()).unwrap_err().to_string();
        assert!(error.contains(expect), "{error}");
    }
    refused(data, &plan("gender", "ok", "yes"), "no column 'gender'; the file has 'sex', 'ok', 's', 'w', 'age'");
    refused(data, &plan("sex", "s", "0.5"), "column 's' must have two values; it has '0.5', '1.5', '0.1'");
    refused(data, &plan("sex", "ok", "maybe"), "never has the positive value 'maybe'; it has 'no', 'yes'");
    let with = |change: fn(&mut CellPlan)| {
        let mut plan = plan("sex", "ok", "yes");
        change(&mut plan);
        plan
    };
    refused(data, &with(|p| p.score = Some("s".into())), "column 's' holds scores from 0.1 to 1.5");
    refused(data, &with(|p| p.score = Some("age".into())), "line 3, column 'age': 'x' is not a number");
    refused(data, &with(|p| p.weight = Some("w".into())), "line 3, column 'w': '-1' is not a weight");
    refused(
        b"sex,w\nf,\n",
        &CellPlan { keys: vec![categories("sex")], weight: Some("w".into()), ..CellPlan::default() },
        "line 2, column 'w': '' is not a weight",
    );
    refused(data, &with(|p| p.prediction = binary("w", "1")), "column 'w' must have two values");
    let bands = |edges: &[f64], labels: &[&str]| KeySpec::Bands {
        column: "age".into(),
        edges: edges.to_vec(),
        labels: labels.iter().map(ToString::to_string).collect(),
    };
    let banded = |key| CellPlan { keys: vec![key], ..CellPlan::default() };
    refused(data, &banded(bands(&[35.0], &["young", "old"])), "line 3, column 'age': 'x' is not a number");
    refused(data, &banded(bands(&[35.0], &["young"])), "one label more than edges");
    refused(data, &banded(bands(&[35.0, 35.0], &["a", "b", "c"])), "rising numbers");
    let keys = vec![categories("sex"); 9];
    refused(data, &CellPlan { keys, ..CellPlan::default() }, "9 protected columns were asked for; at most 8");
    let many: String = (0..30).map(|i| format!("f,{i}\n")).collect();
    let listed = (0..12).map(|i| format!("'{i}'")).collect::<Vec<_>>().join(", ") + " and more";
    refused(format!("sex,y\n{many}").as_bytes(), &plan("sex", "y", "1"), &listed);
}

#[test]
fn too_many_groups() {
    let rows = |count: usize, row: fn(usize) -> String| (0..count).map(row).collect::<String>();
    let refused = |text: String, keys: &[&str]| {
        let keys = keys.iter().map(|key| categories(key)).collect();
        open(text.as_bytes()).unwrap().count(&CellPlan { keys, ..CellPlan::default() }, &go()).unwrap_err().to_string()
    };
    let values = "zip,y\n".to_owned() + &rows(50_000, |i| format!("v{i},1\n"));
    let error = refused(values, &["zip"]);
    assert!(error.contains("column 'zip' has more than 4096 different values"), "{error}");
    let pairs = "a,b\n".to_owned() + &rows(10_000, |i| format!("a{},b{}\n", i / 100, i % 100));
    let error = refused(pairs, &["a", "b"]);
    assert!(error.contains("combinations of 'a', 'b' make more than 4096 groups"), "{error}");
    let fits = "a,b\n".to_owned() + &rows(4096, |i| format!("a{i},b\n"));
    let plan = CellPlan { keys: vec![categories("a")], ..CellPlan::default() };
    assert_eq!(open(fits.as_bytes()).unwrap().count(&plan, &go()).unwrap().groups.len(), 4096);
}

#[test]
fn infinities_are_refused_where_numbers_stand() {
    for spelling in ["inf", "-Infinity", "1e999"] {
        check(format!("a,b\n1,x\n2,y\n{spelling},z\n").as_bytes(), "line 4, column 'a': '");
        check(format!("a,b\n1,x\n2,y\n{spelling},z\n").as_bytes(), "is infinite");
    }
    let text = open(b"a,b\n1,inf\n2,sup\n").unwrap().profile(&go()).unwrap();
    assert_eq!(text.column("b").unwrap().levels.as_ref().unwrap().len(), 2);
}

#[test]
fn row_limit() {
    let options = ReadOptions { max_rows: Some(10), ..small_blocks() };
    let read = |rows: usize| {
        let file = crate::file(&[b"a,b\n".to_vec(), b"1,2\n".repeat(rows)].concat());
        Dataset::open(file.path(), &options).unwrap().profile(&go())
    };
    assert_eq!(read(10).unwrap().rows, 10);
    assert_eq!(read(11).unwrap_err().to_string(), "the file has more than 10 rows, the most accepted");
}

#[test]
fn table_limit() {
    let file = crate::file(&[b"a,b\n".to_vec(), b"1,x\n".repeat(100)].concat());
    let load = |bytes: u64| {
        let dataset = Dataset::open(file.path(), &ReadOptions { max_table_bytes: bytes, ..small_blocks() }).unwrap();
        let profile = dataset.profile(&go()).unwrap();
        dataset.load(None, &profile, None, &go())
    };
    assert_eq!(load(1200).unwrap().rows, 100);
    assert!(load(1199).unwrap_err().to_string().contains("about 1200 bytes in memory, more than the 1199"));
}
