//! Settings, small data sets and the counted sample data for the tests of the metrics.

use std::path::PathBuf;

use assize_fairness::document::{AttributeMetrics, Thresholds};
use assize_fairness::metrics::{MeasureInput, MeasureSettings, MeasuredMetrics, measure};
use assize_fairness::statistics::Correction;
use assize_tables::cells::{Key, MISSING_GROUP, NO_SCORE, WEIGHT_ONE, score_bin};
use assize_tables::{BinarySpec, Cancel, CellBuilder, CellPlan, Cells, Dataset, KeySpec, ReadOptions};

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

/// The sample file of UCI Adult.
pub(crate) fn adult() -> Dataset {
    let path = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"))
        .join("../../data/samples/adult.csv");
    Dataset::open(&path, &ReadOptions::default()).expect("the sample data is in the repository")
}

/// Adult counted by these keys, with the income as label.
pub(crate) fn count_adult(keys: Vec<KeySpec>) -> Cells {
    let label = BinarySpec { column: "income".to_owned(), positive: ">50K".to_owned() };
    let plan = CellPlan { keys, label: Some(label), ..CellPlan::default() };
    adult().count(&plan, &Cancel::new()).expect("Adult is well formed")
}

/// Adult by race, sex and age band, with the rule `education-num >= 11` as decision and, when asked, education-num / 16
/// as score. The rule is no column of the file: education is counted as a fourth key and folded into the decision.
pub(crate) fn adult_cells(scored: bool) -> Cells {
    let categories = |column: &str| KeySpec::Categories { column: column.to_owned() };
    let bands = |column: &str, edges: &[f64], labels: Vec<String>| KeySpec::Bands {
        column: column.to_owned(),
        edges: edges.to_vec(),
        labels,
    };
    let ages = ["(0, 25]", "(25, 35]", "(35, 45]", "(45, 55]", "(55, 65]", "(65, 200]"].map(str::to_owned);
    let years: Vec<f64> = (1..16).map(f64::from).collect();
    let counted = count_adult(vec![
        categories("race"),
        categories("sex"),
        bands("age", &[25.0, 35.0, 45.0, 55.0, 65.0], ages.to_vec()),
        bands("education-num", &years, (1..17).map(|year| year.to_string()).collect()),
    ]);
    let mut keys = counted.keys[..3].to_vec();
    keys[2].column = "band".to_owned();
    let mut builder = CellBuilder::new(keys);
    for cell in &counted.cells {
        let levels = &counted.groups[cell.group as usize];
        let education: u8 = counted.keys[3].levels[usize::from(levels[3])].parse().expect("a year");
        let bin = if scored { score_bin(f64::from(education) / 16.0) } else { NO_SCORE };
        let decision = u8::from(education >= 11);
        builder.add_many(&levels[..3], cell.label, decision, bin, (cell.count, cell.weight));
    }
    builder.finish()
}
