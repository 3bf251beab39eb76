//! Real files: figures known from elsewhere.

use std::path::Path;

use assize_tables::{BinarySpec, Cells, ColumnData, ColumnKind, Dataset, Distinct, KeySpec, ReadOptions, Sample};

use crate::{categories, go, plan};

fn sample(name: &str) -> Dataset {
    let path = Path::new(&std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"))
        .join("../../data/samples")
        .join(name);
    Dataset::open(&path, &ReadOptions { threads: 2, ..ReadOptions::default() }).unwrap()
}

fn fixture(name: &str) -> Dataset {
    let path =
        Path::new(&std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it")).join("tests/fixtures").join(name);
    Dataset::open(&path, &ReadOptions::default()).unwrap()
}

/// (level, label 1, label 0) of the first key.
fn by_level(cells: &Cells) -> Vec<(String, u64, u64)> {
    let mut counts: Vec<(String, u64, u64)> = cells.keys[0].levels.iter().map(|level| (level.clone(), 0, 0)).collect();
    for cell in &cells.cells {
        let entry = &mut counts[usize::from(cells.groups[cell.group as usize][0])];
        if cell.label == 1 { entry.1 += cell.count } else { entry.2 += cell.count }
    }
    counts
}

#[test]
fn adult_counts_are_those_of_the_literature() {
    let adult = sample("adult.csv");
    assert_eq!((adult.format(), adult.delimiter(), adult.encoding()), ("csv", Some(","), Some("utf-8")));
    let cells = adult.count(&plan("sex", "income", ">50K"), &go()).unwrap();
    assert_eq!(by_level(&cells), [("Female".into(), 1179, 9592), ("Male".into(), 6662, 15128)]);
    let mut by_race = plan("race", "income", ">50K");
    by_race.keys.push(categories("sex"));
    let cells = adult.count(&by_race, &go()).unwrap();
    assert_eq!(cells.groups.len(), 10);
    assert_eq!(cells.rows(), 32_561);
}

#[test]
fn adult_ages_fall_into_bands_closed_on_the_right() {
    let edges = vec![25.0, 35.0, 45.0, 55.0, 65.0];
    let labels = ["(0,25]", "(25,35]", "(35,45]", "(45,55]", "(55,65]", "(65,200]"].map(String::from).to_vec();
    let mut by_age = plan("sex", "income", ">50K");
    by_age.keys = vec![KeySpec::Bands { column: "age".into(), edges, labels }];
    let counts = by_level(&sample("adult.csv").count(&by_age, &go()).unwrap());
    // awk over the same file.
    assert_eq!(counts.iter().map(|c| c.1 + c.2).collect::<Vec<_>>(), [6411, 8514, 8009, 5538, 2931, 1158]);
}

#[test]
fn adult_profile() {
    let profile = sample("adult.csv").profile(&go()).unwrap();
    assert_eq!(profile.rows, 32_561);
    assert_eq!((profile.duplicates.rows, profile.duplicates.exact), (24, true));
    let missing = |name| profile.column(name).unwrap().missing;
    assert_eq!((missing("workclass"), missing("occupation"), missing("native-country")), (1836, 1843, 583));
    let age = profile.column("age").unwrap();
    assert_eq!((age.kind, age.distinct), (ColumnKind::Numeric, Distinct::Exact(73)));
    let numeric = age.numeric.as_ref().unwrap();
    assert_eq!((numeric.min, numeric.max, numeric.integer), (17.0, 90.0, true));
    assert!((numeric.mean - 38.581_646_755_320_78).abs() < 1e-12);
    assert!((numeric.sd - 13.640_432_553_581_4).abs() < 1e-9);
    assert_eq!(numeric.quantiles[10], 37.0);
    let fnlwgt = profile.column("fnlwgt").unwrap();
    let Distinct::About(distinct) = fnlwgt.distinct else { panic!("more than 10,000 levels") };
    assert!((distinct as f64 / 21_648.0 - 1.0).abs() < 0.05, "{distinct}");
    assert!(!fnlwgt.looks_like_id);
    let income = profile.column("income").unwrap();
    assert_eq!(income.levels.as_ref().unwrap()[..], [("<=50K".into(), 24_720), (">50K".into(), 7841)]);
}

#[test]
fn loaded_table_holds_the_file() {
    let adult = sample("adult.csv");
    let profile = adult.profile(&go()).unwrap();
    let table = adult.load(Some(&["income", "age", "workclass"]), &profile, None, &go()).unwrap();
    assert_eq!(table.columns.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(), ["age", "workclass", "income"]);
    let ColumnData::Numeric(ages) = &table.columns[0].data else { panic!() };
    assert_eq!((&ages[..4], ages.iter().sum::<f64>()), (&[39.0, 50.0, 38.0, 53.0][..], 1_256_257.0));
    let ColumnData::Categorical { codes, levels } = &table.columns[1].data else { panic!() };
    assert_eq!(levels[codes[0] as usize], "State-gov");
    assert_eq!(codes.iter().filter(|&&code| code == u32::MAX).count(), 1836);
    let sampled = adult.load(None, &profile, Some(Sample { rows: 1000, seed: 7 }), &go()).unwrap();
    assert_eq!((sampled.rows, sampled.columns.len()), (1000, 15));
    let again = adult.load(None, &profile, Some(Sample { rows: 1000, seed: 7 }), &go()).unwrap();
    assert_eq!(sampled, again);
    let other = adult.load(None, &profile, Some(Sample { rows: 1000, seed: 8 }), &go()).unwrap();
    assert_ne!(sampled, other);
}

#[test]
fn german_credit_reads_right() {
    let german = sample("german_credit.csv");
    let profile = german.profile(&go()).unwrap();
    assert_eq!((profile.rows, profile.columns.len()), (1000, 22));
    let counts = by_level(&german.count(&plan("sex", "credit_risk", "good"), &go()).unwrap());
    assert_eq!(counts, [("female".into(), 201, 109), ("male".into(), 499, 191)]);
}

#[test]
fn adult_test_as_uci_writes_it_reads_right() {
    let uci = fixture("adult_test_uci.csv");
    assert_eq!(uci.column_names()[14], "income");
    let counts = by_level(&uci.count(&plan("sex", "income", ">50K"), &go()).unwrap());
    let clean = sample("adult_test.csv");
    let text = std::fs::read_to_string(
        Path::new(&std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"))
            .join("../../data/samples/adult_test.csv"),
    )
    .unwrap();
    assert_eq!(clean.column_names(), uci.column_names());
    let rows = || text.lines().skip(1).take(200);
    let count = |sex: &str, label: &str| rows().filter(|r| r.contains(sex) && r.ends_with(label)).count() as u64;
    assert_eq!(
        counts,
        [
            ("Female".into(), count(",Female,", ">50K"), count(",Female,", "<=50K")),
            ("Male".into(), count(",Male,", ">50K"), count(",Male,", "<=50K")),
        ]
    );
    let spec = |positive: &str| BinarySpec { column: "income".into(), positive: positive.into() };
    let mut dotted = plan("sex", "income", ">50K.");
    assert_eq!(by_level(&uci.count(&dotted, &go()).unwrap()), counts);
    dotted.label = Some(spec("more"));
    assert!(uci.count(&dotted, &go()).unwrap_err().to_string().contains("never has the positive value 'more'"));
}

#[test]
fn sha256_is_of_the_bytes() {
    let file = crate::file(b"a,b\n1,2\n");
    let dataset = Dataset::open(file.path(), &ReadOptions::default()).unwrap();
    let want = "492d5ea496056f1a6a6592241032fab764c321596317930b4fa0e1e8bc3b7470";
    assert_eq!(dataset.sha256(&go()).unwrap(), want);
    let cancel = go();
    cancel.cancel();
    assert!(dataset.sha256(&cancel).is_err());
    assert!(dataset.profile(&cancel).is_err());
}
