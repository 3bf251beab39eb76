//! Verdicts: three values, never "fair" from an undefined number, small groups never judged.

use assize_fairness::document::{ReferenceGroup, Severity, Status, Verdict};
use assize_fairness::metrics::{MeasureInput, NumericHistogram, Strata, measure};
use assize_fairness::statistics::{Share, wilson};
use assize_tables::cells::{MISSING_GROUP, NONE};
use assize_tables::{Cancel, Cells};

use crate::metrics_support::{
    Row, adult_cells, attribute, cells, measure_with, measured, repeat, row, settings, thresholds,
};

/// `n` rows of a group, `selected` of them selected; labels follow the decision in two of three rows.
fn group(name: &'static str, n: usize, selected: usize) -> Vec<Row> {
    (0..n)
        .map(|index| {
            let prediction = u8::from(index < selected);
            let label = if index % 3 == 0 { 1 - prediction } else { prediction };
            row(&[name], label, prediction)
        })
        .collect()
}

fn two_groups(a: (usize, usize), b: (usize, usize)) -> Cells {
    cells(&[group("x", a.0, a.1), group("y", b.0, b.1)].concat())
}

#[test]
fn a_clear_disparity_fails_and_is_told_with_its_numbers() {
    let measured = measured(&two_groups((2000, 1000), (2000, 500)));
    let finding = measured.findings.iter().find(|finding| finding.code == "bias.disparate_impact").unwrap();
    assert_eq!(finding.verdict, Verdict::Fail);
    assert_eq!(finding.severity, Severity::Critical);
    assert_eq!(finding.groups, ["y", "x"]);
    assert_eq!(
        finding.message,
        "a = y is selected at 0.50 of the rate of a = x (95 % interval 0.46 to 0.55, four-fifths line 0.80): fails."
    );
    assert_eq!(measured.metrics.status, Status::Fail);
    assert!(measured.metrics.overall_fairness_score < 50.0);
    assert_eq!(measured.findings[0].verdict, Verdict::Fail);
    assert_eq!(measured.stability[0].agreement, 1.0);
    assert_eq!(measured.worst_subgroups[0].description, "a = y");
}

#[test]
fn equal_large_groups_pass() {
    let measured = measured(&two_groups((20_000, 8000), (20_000, 8000)));
    let metrics = &measured.metrics;
    assert_eq!(metrics.status, Status::Pass);
    assert_eq!(metrics.overall_fairness_score, 100.0);
    assert!(measured.findings.iter().all(|finding| finding.verdict != Verdict::Fail));
    assert_eq!(metrics.attributes[0].demographic_parity_difference.verdict, Verdict::Pass);
}

#[test]
fn an_interval_across_the_threshold_is_not_enough_data() {
    let measured = measured(&two_groups((60, 30), (60, 25)));
    let tested = &measured.metrics.attributes[0].demographic_parity_ratio;
    assert_eq!(tested.verdict, Verdict::NotEnoughData);
    assert!(tested.estimate.value.is_some() && tested.estimate.interval.is_some());
    assert_eq!(measured.metrics.status, Status::Warn);
}

/// Sixty groups that decide alike: the percentile interval of the range would lie far above the threshold.
#[test]
fn noise_over_many_equal_groups_fails_nobody() {
    let names: Vec<&'static str> = (0..60).map(|index| &*format!("g{index:02}").leak()).collect();
    // Counts of a binomial with p = 0.3 and n = 40, by a fixed pseudo-random walk.
    let mut state = 12_345_u64;
    let mut rows = Vec::new();
    for name in names {
        for _ in 0..40 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            rows.push(row(&[name], 0, u8::from((state >> 33) % 10 < 3)));
        }
    }
    let measured = measured(&cells(&rows));
    let tested = &measured.metrics.attributes[0].demographic_parity_difference;
    assert!(tested.estimate.value.unwrap() > 0.2);
    assert_eq!(tested.verdict, Verdict::NotEnoughData);
    assert_ne!(measured.metrics.status, Status::Fail);
}

#[test]
fn a_group_of_two_is_listed_and_neither_passes_nor_fails() {
    let mut rows = [group("x", 500, 250), group("y", 500, 250)].concat();
    rows.extend(repeat(&[(2, row(&["z"], 1, 0))]));
    let measured = measured(&cells(&rows));
    let metrics = &measured.metrics.attributes[0];
    let small = metrics.groups.iter().find(|group| group.group == "z").unwrap();
    assert!(small.small);
    assert_eq!(small.disparate_impact_verdict, Verdict::NotEnoughData);
    assert_eq!((metrics.small_groups.as_slice(), metrics.rows_in_small_groups), (&["z".to_owned()][..], 2));
    assert_eq!(metrics.demographic_parity_difference.estimate.value, Some(0.0));
    let told = measured.findings.iter().find(|finding| finding.code == "bias.small_groups").unwrap();
    assert_eq!(told.verdict, Verdict::NotEnoughData);
    assert!(told.message.contains("a = z") && told.message.contains("2 rows"), "{}", told.message);
}

/// The denominator decides: 40 rows are enough for a selection rate, their 5 favourable labels not for a TPR.
#[test]
fn each_rate_has_its_own_minimum() {
    let mut rows = repeat(&[(200, row(&["x"], 1, 1)), (200, row(&["x"], 0, 0))]);
    rows.extend(repeat(&[(5, row(&["y"], 1, 0)), (20, row(&["y"], 0, 1)), (15, row(&["y"], 0, 0))]));
    let measured = measured(&cells(&rows));
    let metrics = &measured.metrics.attributes[0];
    assert!(metrics.small_groups.is_empty());
    assert_eq!(metrics.demographic_parity_difference.estimate.value, Some(0.0));
    let tested = &metrics.equalized_odds_difference;
    assert_eq!((tested.estimate.value, tested.verdict), (None, Verdict::NotEnoughData));
    let reason = tested.estimate.reason.as_deref().unwrap();
    assert_eq!(reason, "fewer than two groups have 30 rows with a favourable label");
    let tpr = &metrics.groups[1].tpr;
    assert_eq!(tpr.value, Some(0.0));
    assert!(tpr.reason.as_deref().unwrap().contains("under the minimum of 30"));
}

#[test]
fn one_group_is_not_fair_but_unknown() {
    let measured = measured(&cells(&group("x", 300, 100)));
    let tested = &measured.metrics.attributes[0].demographic_parity_difference;
    assert_eq!((tested.estimate.value, tested.verdict), (None, Verdict::NotEnoughData));
    assert_eq!(measured.metrics.status, Status::Warn);
    assert!(measured.metrics.overall_fairness_score < 80.0);
}

#[test]
fn no_rows_at_all_are_measured_as_unknown() {
    let measured = measured(&Cells::default());
    assert_eq!(measured.metrics.overall_fairness_score, 0.0);
}

#[test]
fn nobody_selected_leaves_ratios_undefined() {
    let measured = measured(&two_groups((300, 0), (300, 0)));
    let metrics = &measured.metrics.attributes[0];
    assert_eq!(metrics.demographic_parity_ratio.estimate.value, None);
    assert_eq!(metrics.demographic_parity_ratio.verdict, Verdict::NotEnoughData);
    assert_eq!(metrics.groups[1].disparate_impact.value, None);
}

#[test]
fn without_labels_selection_is_still_measured() {
    let rows: Vec<Row> = [group("x", 2000, 1000), group("y", 2000, 600)]
        .concat()
        .into_iter()
        .map(|row| Row { label: NONE, ..row })
        .collect();
    let measured = measured(&cells(&rows));
    let metrics = &measured.metrics.attributes[0];
    assert_eq!(metrics.demographic_parity_ratio.verdict, Verdict::Fail);
    assert_eq!(metrics.equal_opportunity_difference.verdict, Verdict::NotAssessed);
    assert_eq!(metrics.ll144[1].impact_ratio, Some(0.6));
    assert!(measured.mitigations.is_empty());
    assert_eq!(measured.metrics.inequality.theil, None);
}

#[test]
fn a_missing_value_is_a_group_and_nobodys_reference() {
    let mut rows = [group("x", 400, 100), group("y", 400, 80)].concat();
    rows.extend(group(MISSING_GROUP, 100, 60));
    let measured = measured(&cells(&rows));
    let metrics = &measured.metrics.attributes[0];
    assert_eq!(metrics.reference_group, "x");
    assert_eq!(metrics.groups.last().unwrap().group, MISSING_GROUP);
    let unknown = metrics.ll144.last().unwrap();
    assert!(unknown.left_out && unknown.impact_ratio.is_none() && unknown.n == 100);
    assert_eq!(metrics.ll144[1].impact_ratio, Some(0.8));
}

#[test]
fn groups_under_two_percent_are_left_out_of_the_new_york_table() {
    let mut rows = [group("x", 1000, 500), group("y", 1000, 400)].concat();
    rows.extend(group("z", 40, 40));
    let measured = measured(&cells(&rows));
    let table = &measured.metrics.attributes[0].ll144;
    assert!(table[2].left_out && table[2].selection_rate == Some(1.0) && table[2].impact_ratio.is_none());
    assert_eq!((table[0].impact_ratio, table[1].impact_ratio), (Some(1.0), Some(0.8)));
}

#[test]
fn a_given_reference_is_used_and_an_unknown_one_said() {
    let cells = two_groups((1000, 500), (1000, 250));
    let thresholds = thresholds(30);
    let given = |group: &str| {
        vec![ReferenceGroup { attribute: "a".to_owned(), group: group.to_owned(), rule: "given".to_owned() }]
    };
    let references = given("y");
    let measured = measure_with(
        &cells,
        &assize_fairness::metrics::MeasureSettings { reference_groups: &references, ..settings(&thresholds) },
    );
    assert_eq!(measured.metrics.attributes[0].groups[0].disparate_impact.value, Some(2.0));
    assert_eq!(measured.reference_groups[0].rule, "given");
    let references = given("nobody");
    let measured = measure_with(
        &cells,
        &assize_fairness::metrics::MeasureSettings { reference_groups: &references, ..settings(&thresholds) },
    );
    assert_eq!(measured.reference_groups[0].group, "x");
    assert!(measured.reference_groups[0].rule.contains("`nobody` was given"));
}

#[test]
fn without_resamples_there_is_no_interval_and_no_verdict() {
    let thresholds = thresholds(30);
    let settings = assize_fairness::metrics::MeasureSettings { resamples: 0, ..settings(&thresholds) };
    let measured = measure_with(&two_groups((1000, 500), (1000, 250)), &settings);
    let tested = &measured.metrics.attributes[0].demographic_parity_difference;
    assert_eq!((tested.estimate.value, tested.estimate.interval), (Some(0.25), None));
    assert_eq!(tested.verdict, Verdict::NotEnoughData);
}

#[test]
fn a_cancelled_measurement_stops() {
    let thresholds = thresholds(30);
    let cancel = Cancel::new();
    cancel.cancel();
    let cells = two_groups((100, 50), (100, 50));
    let input = MeasureInput { cells: &cells, strata: &[], numeric: &[] };
    assert!(measure(&input, &settings(&thresholds), &cancel).is_err());
}

#[test]
fn threads_do_not_change_a_bit() {
    let cells = adult_cells(true);
    let thresholds = thresholds(30);
    let with_threads = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| measure_with(&cells, &settings(&thresholds)))
    };
    assert_eq!(with_threads(1), with_threads(3));
}

/// Two departments, each fair, with unlike shares of the groups: the disparity vanishes within strata.
#[test]
fn conditional_disparity_is_zero_where_each_stratum_is_fair() {
    let easy = cells(&[group("x", 100, 80), group("y", 400, 320)].concat());
    let hard = cells(&[group("x", 400, 80), group("y", 100, 20)].concat());
    let all = cells(&[group("x", 500, 160), group("y", 500, 340)].concat());
    let thresholds = thresholds(30);
    let strata = [Strata { column: "department".to_owned(), cells: vec![easy, hard] }];
    let input = MeasureInput { cells: &all, strata: &strata, numeric: &[] };
    let measured = measure(&input, &settings(&thresholds), &Cancel::new()).unwrap();
    let metrics = attribute(&measured, "a");
    assert!(metrics.demographic_parity_difference.verdict == Verdict::Fail);
    for disparity in &metrics.conditional_demographic_disparity {
        assert!(disparity.value.abs() < 1e-12, "{disparity:?}");
    }
    assert_eq!(metrics.conditional_demographic_disparity.len(), 2);
}

/// Slope and p from statsmodels' OLS of [0,0,1,0,1,1] on [1..6] (normal instead of t for the p).
#[test]
fn numeric_attribute_has_the_slope_of_least_squares() {
    let values = vec![(1.0, 0, 1), (2.0, 0, 1), (3.0, 1, 0), (4.0, 0, 1), (5.0, 1, 0), (6.0, 1, 0), (f64::NAN, 1, 1)];
    let cells = two_groups((100, 50), (100, 50));
    let thresholds = thresholds(30);
    let numeric = [NumericHistogram { column: "age".to_owned(), values }];
    let input = MeasureInput { cells: &cells, strata: &[], numeric: &numeric };
    let measured = measure(&input, &settings(&thresholds), &Cancel::new()).unwrap();
    let age = &measured.metrics.numeric_attributes[0];
    assert!((age.selection_slope.unwrap() - 0.2).abs() < 1e-12);
    // slope / sqrt(rss / (n - 2) / sxx) with rss = 1.5 - 0.2 * 3.5 = 0.8 and sxx = 17.5.
    let z = 0.2 / (0.8_f64 / 4.0 / 17.5).sqrt();
    assert!((age.p_value.unwrap() - assize_fairness::statistics::two_sided_p(z)).abs() < 1e-12);
    assert!((age.ks.unwrap() - 2.0 / 3.0).abs() < 1e-12);
}

#[test]
fn adult_by_race_and_sex_leaves_two_woman_groups_unjudged_and_names_the_worst() {
    let measured = measured(&adult_cells(false));
    let metrics = attribute(&measured, "race x sex");
    // Golden odds difference without a size rule is 0.5; its ends have fewer than 30 favourable labels.
    assert!(metrics.equalized_odds_difference.estimate.value.unwrap() < 0.4);
    let worst = &measured.worst_subgroups[0];
    assert_eq!(worst.description, "band = (0, 25]");
    assert!(worst.p_adjusted < 1e-10 && worst.searched > 50);
    assert!(measured.metrics.impossibility.is_some());
}

/// A weight of two for each row of a group says no more about it than a weight of one.
#[test]
fn equal_weights_change_neither_rates_nor_intervals() {
    let rows = [group("x", 500, 250), group("y", 500, 150)].concat();
    let doubled: Vec<Row> = rows.iter().cloned().map(|row| Row { weight: 2.0, ..row }).collect();
    let (plain, weighted) = (measured(&cells(&rows)), measured(&cells(&doubled)));
    for (one, other) in plain.metrics.attributes[0].groups.iter().zip(&weighted.metrics.attributes[0].groups) {
        assert_eq!(one.selection_rate, other.selection_rate);
        assert_eq!(one.disparate_impact, other.disparate_impact);
        assert_eq!((one.n, one.tp), (other.n, other.tp));
    }
}

/// Selected rows weigh 3, the others 1: the rate is 3 * 100 / (3 * 100 + 300), and the interval is that of Kish's
/// effective (300 + 300)^2 / (9 * 100 + 300) = 300 rows.
#[test]
fn unequal_weights_move_the_rate_and_widen_its_interval() {
    let rows: Vec<Row> = [group("x", 400, 100), group("y", 400, 100)]
        .concat()
        .into_iter()
        .map(|row| Row { weight: if row.prediction == 1 { 3.0 } else { 1.0 }, ..row })
        .collect();
    let measured = measured(&cells(&rows));
    let rate = &measured.metrics.attributes[0].groups[0].selection_rate;
    assert!((rate.value.unwrap() - 0.5).abs() < 1e-12);
    let expected = wilson(Share { hits: 150.0, n: 300.0 }, 0.95);
    assert!(rate.interval.unwrap().iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12));
    assert_eq!(rate.n, 400);
}
