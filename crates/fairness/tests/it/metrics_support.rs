//! Settings, small data sets and a reader of the sample data for the tests of the metrics.

use std::path::PathBuf;

use assize_fairness::document::{AttributeMetrics, Thresholds};
use assize_fairness::metrics::{MeasureInput, MeasureSettings, MeasuredMetrics, measure};
use assize_fairness::statistics::Correction;
use assize_tables::cells::{Key, MISSING_GROUP, NO_SCORE, WEIGHT_ONE, score_bin};
use assize_tables::{Cancel, CellBuilder, Cells};

/// The limits of the default domain, but for the group size.
pub(crate) fn thresholds(group_size_min: u64) -> Thresholds {
    Thresholds {
        disparate_impact_min: 0.8,
        demographic_parity_difference_max: 0.1,
        equal_opportunity_difference_max: 0.1,
        equalized_odds_difference_max: 0.1,
        predictive_parity_difference_max: 0.1,
        accuracy_difference_max: 0.1,
        calibration_error_max: 0.1,
        flip_rate_max: 0.05,
        group_size_min,
        group_share_min: 0.02,
    }
}

pub(crate) fn settings(thresholds: &Thresholds) -> MeasureSettings<'_> {
    MeasureSettings {
        thresholds,
        confidence: 0.95,
        resamples: 500,
        seed: 7,
        correction: Correction::Holm,
        reference_groups: &[],
        intersection_depth: 3,
        domain: "employment",
        should_hold: "",
    }
}

/// Measures with the default limits.
pub(crate) fn measured(cells: &Cells) -> MeasuredMetrics {
    let thresholds = thresholds(30);
    measure_with(cells, &settings(&thresholds))
}

pub(crate) fn measure_with(cells: &Cells, settings: &MeasureSettings<'_>) -> MeasuredMetrics {
    let input = MeasureInput { cells, strata: &[], numeric: &[] };
    measure(&input, settings, &Cancel::new()).expect("nobody cancels")
}

pub(crate) fn attribute<'a>(measured: &'a MeasuredMetrics, name: &str) -> &'a AttributeMetrics {
    let metrics = &measured.metrics;
    let mut all = metrics.attributes.iter().chain(&metrics.intersections);
    all.find(|attribute| attribute.attribute == name).expect("the attribute is measured")
}

/// One row of a test data set.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) groups: Vec<&'static str>,
    pub(crate) label: u8,
    pub(crate) prediction: u8,
    pub(crate) score: Option<f64>,
    pub(crate) weight: f64,
}

pub(crate) fn row(groups: &[&'static str], label: u8, prediction: u8) -> Row {
    Row { groups: groups.to_vec(), label, prediction, score: None, weight: 1.0 }
}

/// Cells of rows; columns are named `a`, `b`, ... and levels sorted with the missing one last.
pub(crate) fn cells(rows: &[Row]) -> Cells {
    let width = rows.first().map_or(0, |row| row.groups.len());
    let keys: Vec<Key> = (0..width)
        .map(|column| {
            let mut levels: Vec<String> = rows.iter().map(|row| row.groups[column].to_owned()).collect();
            levels.sort_by_key(|level| (level == MISSING_GROUP, level.clone()));
            levels.dedup();
            Key { column: ["a", "b", "c"][column].to_owned(), levels }
        })
        .collect();
    let mut builder = CellBuilder::new(keys.clone());
    for row in rows {
        let place = |(key, group): (&Key, &&str)| {
            key.levels.iter().position(|level| level == group).expect("levels come from the rows") as u16
        };
        let levels: Vec<u16> = keys.iter().zip(&row.groups).map(place).collect();
        let bin = row.score.map_or(NO_SCORE, score_bin);
        builder.add(&levels, row.label, row.prediction, bin, (row.weight * WEIGHT_ONE as f64) as i64);
    }
    builder.finish()
}

/// `n` copies of each of these rows.
pub(crate) fn repeat(rows: &[(usize, Row)]) -> Vec<Row> {
    rows.iter().flat_map(|(n, row)| std::iter::repeat_n(row.clone(), *n)).collect()
}

/// UCI Adult as a header and rows of fields: the file has neither quotes nor blank lines.
pub(crate) fn adult() -> (Vec<String>, Vec<Vec<String>>) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../data/samples/adult.csv");
    let text = std::fs::read_to_string(path).expect("the sample data is in the repository");
    let split = |line: &str| line.split(',').map(str::to_owned).collect::<Vec<_>>();
    let mut lines = text.lines().map(split);
    let header = lines.next().expect("a header row");
    (header, lines.collect())
}

/// Adult by race, sex and age band, with the rule `education-num >= 11` as decision and, when asked, education-num / 16
/// as score.
pub(crate) fn adult_cells(scored: bool) -> Cells {
    const BANDS: [(&str, u32); 6] =
        [("(0, 25]", 25), ("(25, 35]", 35), ("(35, 45]", 45), ("(45, 55]", 55), ("(55, 65]", 65), ("(65, 200]", 200)];
    let (header, rows) = adult();
    let column = |name: &str| header.iter().position(|column| column == name).expect("a column of Adult");
    let (race, sex, age) = (column("race"), column("sex"), column("age"));
    let (education, income) = (column("education-num"), column("income"));
    let levels = |place: usize| {
        let mut levels: Vec<String> = rows.iter().map(|row| row[place].clone()).collect();
        levels.sort();
        levels.dedup();
        levels
    };
    let keys = vec![
        Key { column: "race".to_owned(), levels: levels(race) },
        Key { column: "sex".to_owned(), levels: levels(sex) },
        Key { column: "band".to_owned(), levels: BANDS.iter().map(|(name, _)| (*name).to_owned()).collect() },
    ];
    let mut builder = CellBuilder::new(keys.clone());
    for row in &rows {
        let level =
            |key: usize, value: &str| keys[key].levels.iter().position(|level| level == value).expect("a level") as u16;
        let years: u32 = row[age].parse().expect("an age");
        let band = BANDS.iter().position(|(_, edge)| years <= *edge).expect("an age under 200") as u16;
        let education: u8 = row[education].parse().expect("a number of years");
        let bin = if scored { score_bin(f64::from(education) / 16.0) } else { NO_SCORE };
        let label = u8::from(row[income] == ">50K");
        let levels = [level(0, &row[race]), level(1, &row[sex]), band];
        builder.add(&levels, label, u8::from(education >= 11), bin, WEIGHT_ONE);
    }
    builder.finish()
}
