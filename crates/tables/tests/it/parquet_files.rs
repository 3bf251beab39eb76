//! Parquet gives what CSV of the same data gives.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ::parquet::arrow::ArrowWriter;
use ::parquet::basic::{Compression, GzipLevel};
use ::parquet::file::properties::WriterProperties;
use arrow_array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array, ListArray, RecordBatch,
    StringArray, TimestampMillisecondArray, types::Int32Type,
};
use assize_tables::{CellPlan, Cells, ColumnKind, Dataset, Error, KeySpec, ReadOptions, Sample, Table};
use tempfile::NamedTempFile;

use crate::{binary, categories, go, small_blocks};

fn fixture(name: &str) -> PathBuf {
    Path::new(&std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it")).join("tests/fixtures").join(name)
}

fn written(columns: Vec<(&str, ArrayRef)>, compression: Compression, rows: usize) -> NamedTempFile {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let properties =
        WriterProperties::builder().set_compression(compression).set_max_row_group_row_count(Some(rows)).build();
    let file = NamedTempFile::new().unwrap();
    let mut writer = ArrowWriter::try_new(file.reopen().unwrap(), batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    file
}

fn plan() -> CellPlan {
    CellPlan {
        keys: vec![
            categories("race"),
            categories("workclass"),
            KeySpec::Bands { column: "age".into(), edges: vec![40.0], labels: vec!["young".into(), "old".into()] },
        ],
        label: binary("income", ">50K"),
        ..CellPlan::default()
    }
}

fn read(path: &Path) -> (Cells, Table) {
    let dataset = Dataset::open(path, &small_blocks()).unwrap();
    let profile = dataset.profile(&go()).unwrap();
    assert_eq!(profile.rows, 300);
    (dataset.count(&plan(), &go()).unwrap(), dataset.load(None, &profile, None, &go()).unwrap())
}

#[test]
fn the_same_data_give_the_same_cells_and_table() {
    let (csv_cells, csv_table) = read(&fixture("adult_300.csv"));
    let (parquet_cells, parquet_table) = read(&fixture("adult_300.parquet"));
    assert_eq!(csv_cells, parquet_cells);
    assert_eq!(format!("{csv_table:?}"), format!("{parquet_table:?}"));
    let dataset = Dataset::open(&fixture("adult_300.parquet"), &small_blocks()).unwrap();
    assert_eq!((dataset.format(), dataset.encoding(), dataset.delimiter()), ("parquet", None, None));
    let profile = dataset.profile(&go()).unwrap();
    let sample = Some(Sample { rows: 50, seed: 1 });
    assert_eq!(dataset.load(Some(&["age"]), &profile, sample, &go()).unwrap().rows, 50);
}

#[test]
fn types_become_texts_and_numbers() {
    let columns = || -> Vec<(&str, ArrayRef)> {
        vec![
            ("flag", Arc::new(BooleanArray::from(vec![Some(true), None, Some(false)]))),
            ("number", Arc::new(Float64Array::from(vec![1.5, f64::NAN, -2.0]))),
            ("whole", Arc::new(Int64Array::from(vec![i64::MAX, 0, -1]))),
            ("text", Arc::new(StringArray::from(vec!["\"quoted\"", " a,b\n", "?"]))),
            ("day", Arc::new(Date32Array::from(vec![0, 19_782, 1]))),
            ("time", Arc::new(TimestampMillisecondArray::from(vec![0, 1500, 86_400_000]))),
            ("price", Arc::new(Decimal128Array::from(vec![150, -1, 0]).with_precision_and_scale(10, 2).unwrap())),
        ]
    };
    let codecs =
        [Compression::UNCOMPRESSED, Compression::SNAPPY, Compression::LZ4_RAW, Compression::GZIP(GzipLevel::default())];
    for codec in codecs {
        let dataset = Dataset::open(written(columns(), codec, 2).path(), &ReadOptions::default()).unwrap();
        let profile = dataset.profile(&go()).unwrap();
        let levels = |name: &str| {
            let levels = profile.column(name).unwrap().levels.as_ref().unwrap();
            levels.iter().map(|(level, _)| level.clone()).collect::<Vec<_>>()
        };
        assert_eq!(levels("flag"), ["false", "true"]);
        assert_eq!(levels("text"), ["\"quoted\"", "a,b"]);
        assert_eq!(levels("day"), ["1970-01-01", "1970-01-02", "2024-02-29"]);
        assert_eq!(levels("time"), ["1970-01-01T00:00:00", "1970-01-01T00:00:01.500", "1970-01-02T00:00:00"]);
        assert_eq!(levels("price"), ["-0.01", "0.00", "1.50"]);
        for (name, kind, missing) in [
            ("number", ColumnKind::Numeric, 1),
            ("whole", ColumnKind::Numeric, 0),
            ("price", ColumnKind::Numeric, 0),
            ("flag", ColumnKind::Categorical, 1),
        ] {
            let column = profile.column(name).unwrap();
            assert_eq!((column.kind, column.missing), (kind, missing), "{name}");
        }
    }
}

fn error(path: &Path) -> String {
    let opened = Dataset::open(path, &ReadOptions::default());
    opened.and_then(|dataset| dataset.profile(&go())).unwrap_err().to_string()
}

#[test]
fn what_cannot_be_read_is_refused() {
    let lists = ListArray::from_iter_primitive::<Int32Type, _, _>(vec![Some(vec![Some(1)])]);
    let nested = written(vec![("tags", Arc::new(lists))], Compression::SNAPPY, 10);
    assert!(error(nested.path()).contains("column 'tags' is of type list"), "{}", error(nested.path()));
    let infinite = written(vec![("x", Arc::new(Float64Array::from(vec![1.0, f64::INFINITY])))], Compression::SNAPPY, 1);
    assert_eq!(
        error(infinite.path()),
        "row 2, column 'x': 'inf' is infinite; leave the cell empty or give a finite number"
    );
    let empty = written(vec![("x", Arc::new(Float64Array::from(Vec::<f64>::new())))], Compression::SNAPPY, 1);
    assert!(matches!(Dataset::open(empty.path(), &ReadOptions::default()), Err(Error::NoRows)));
    assert!(error(crate::file(b"PAR1 and so on").path()).contains("the Parquet file cannot be read"));
}

#[test]
fn a_page_that_unpacks_to_gigabytes_is_refused_unread() {
    let zeros = written(vec![("x", Arc::new(StringArray::from(vec!["0".repeat(300 << 20)])))], Compression::SNAPPY, 1);
    assert!(
        error(zeros.path()).contains("more than accepted; write the file again with smaller pages"),
        "{}",
        error(zeros.path())
    );
}

#[test]
fn one_long_value_in_every_row_is_read_in_small_steps() {
    let long = "x".repeat(600 << 10);
    let values = StringArray::from_iter_values(std::iter::repeat_n(long.as_str(), 2000));
    let file = written(vec![("x", Arc::new(values))], Compression::SNAPPY, 2000);
    assert!(file.as_file().metadata().unwrap().len() < 1 << 20);
    let profile = Dataset::open(file.path(), &ReadOptions::default()).unwrap().profile(&go()).unwrap();
    assert_eq!((profile.rows, profile.columns[0].distinct.count()), (2000, 1));
}

#[test]
fn damaged_files_fail_without_panic() {
    let whole = std::fs::read(fixture("adult_300.parquet")).unwrap();
    let mut state = 1u64;
    for _ in 0..300 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let mut bytes = whole.clone();
        let place = (state >> 33) as usize % bytes.len();
        bytes[place] ^= 1 << (state >> 20 & 7);
        if state >> 60 == 0 {
            bytes.truncate(place);
        }
        let file = crate::file(&bytes);
        // Many flips go unseen in values; none may panic or hang.
        let _ = Dataset::open(file.path(), &ReadOptions::default()).and_then(|dataset| dataset.profile(&go()));
    }
}
