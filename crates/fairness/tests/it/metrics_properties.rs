//! What must hold for any data: order and names do not matter, cells add up, probabilities are probabilities.

use assize_fairness::document::{AttributeMetrics, Estimate};
use assize_fairness::metrics::MeasureSettings;
use assize_tables::Cells;
use proptest::prelude::*;

use crate::metrics_support::{Row, cells, measure_with, settings, thresholds};

const GROUPS: [&str; 4] = ["p", "q", "r", "(missing)"];
const OTHERS: [&str; 2] = ["u", "v"];

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let row = (0..4_usize, 0..2_usize, 0..3_u8, 0..2_u8, proptest::option::of(0..1024_u32), 1..4_u32);
    let row = row.prop_map(|(group, other, label, prediction, bin, weight)| Row {
        groups: vec![GROUPS[group], OTHERS[other]],
        label,
        prediction,
        score: bin.map(|bin| (f64::from(bin) + 0.5) / 1024.0),
        weight: f64::from(weight),
    });
    proptest::collection::vec(row, 1..200)
}

/// Few resamples and a low minimum, so that small data reaches every branch.
fn measure(cells: &Cells) -> assize_fairness::metrics::MeasuredMetrics {
    let thresholds = thresholds(3);
    measure_with(cells, &MeasureSettings { resamples: 40, ..settings(&thresholds) })
}

fn check_estimate(name: &str, estimate: &Estimate, high: f64) {
    match estimate.value {
        None => assert!(estimate.reason.is_some(), "{name}: undefined without a reason"),
        Some(value) => {
            assert!((0.0..=high).contains(&value), "{name}: {value}");
            if let Some([l, h]) = estimate.interval {
                assert!(l <= value + 1e-12 && value <= h + 1e-12, "{name}: {value} outside {l}..{h}");
                assert!(l >= 0.0 && h <= high + 1e-12, "{name}: {l}..{h}");
            }
        }
    }
}

fn check_attribute(metrics: &AttributeMetrics) {
    for tested in [
        &metrics.demographic_parity_difference,
        &metrics.demographic_parity_ratio,
        &metrics.equal_opportunity_difference,
        &metrics.equalized_odds_difference,
        &metrics.equalized_odds_ratio,
        &metrics.average_odds_difference,
        &metrics.predictive_parity_difference,
        &metrics.accuracy_difference,
        &metrics.calibration_error,
        &metrics.auc_difference,
    ] {
        check_estimate("aggregate", &tested.estimate, 1.0);
        for p in [tested.p_value, tested.p_adjusted].into_iter().flatten() {
            assert!((0.0..=1.0).contains(&p));
        }
    }
    check_estimate("abroca", &metrics.abroca, 1.0);
    for group in &metrics.groups {
        for estimate in [
            &group.base_rate,
            &group.selection_rate,
            &group.tpr,
            &group.fpr,
            &group.tnr,
            &group.fnr,
            &group.ppv,
            &group.npv,
            &group.fdr,
            &group.for_,
            &group.accuracy,
        ] {
            check_estimate(&group.group, estimate, 1.0);
        }
        check_estimate("disparate impact", &group.disparate_impact, f64::INFINITY);
        if let Some(scores) = &group.scores {
            check_estimate("auc", &scores.auc, 1.0);
            check_estimate("calibration", &scores.calibration_error, 1.0);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn numbers_are_in_range_and_intervals_hold_their_point(rows in rows()) {
        let measured = measure(&cells(&rows));
        let metrics = &measured.metrics;
        metrics.attributes.iter().chain(&metrics.intersections).for_each(check_attribute);
        prop_assert!((0.0..=100.0).contains(&metrics.overall_fairness_score));
    }

    #[test]
    fn the_order_of_rows_does_not_matter(rows in rows(), turn in 0..200_usize) {
        let mut turned = rows.clone();
        turned.reverse();
        let by = turn % rows.len();
        turned.rotate_left(by);
        prop_assert_eq!(measure(&cells(&rows)), measure(&cells(&turned)));
    }

    /// Group names only name: with names in another order the point estimates stay.
    #[test]
    fn the_names_of_groups_do_not_matter(rows in rows()) {
        let renamed: Vec<Row> = rows.iter().map(|row| {
            let name = match row.groups[0] { "p" => "z", "q" => "y", "r" => "x", other => other };
            Row { groups: vec![name, row.groups[1]], ..row.clone() }
        }).collect();
        let (one, other) = (measure(&cells(&rows)), measure(&cells(&renamed)));
        for (one, other) in one.metrics.attributes.iter().zip(&other.metrics.attributes) {
            for of in [
                |metrics: &AttributeMetrics| metrics.demographic_parity_difference.estimate.value,
                |metrics: &AttributeMetrics| metrics.demographic_parity_ratio.estimate.value,
                |metrics: &AttributeMetrics| metrics.equalized_odds_difference.estimate.value,
                |metrics: &AttributeMetrics| metrics.predictive_parity_difference.estimate.value,
                |metrics: &AttributeMetrics| metrics.calibration_error.estimate.value,
                |metrics: &AttributeMetrics| metrics.auc_difference.estimate.value,
                |metrics: &AttributeMetrics| metrics.abroca.value,
                |metrics: &AttributeMetrics| metrics.differential_fairness.epsilon,
            ] {
                match (of(one), of(other)) {
                    (Some(a), Some(b)) => prop_assert!((a - b).abs() < 1e-12, "{a} {b}"),
                    (a, b) => prop_assert_eq!(a, b),
                }
            }
        }
    }

    /// Each row twice is the same population: every point estimate stays.
    #[test]
    fn the_union_of_equal_parts_has_the_rates_of_the_parts(rows in rows()) {
        let twice = [rows.clone(), rows.clone()].concat();
        let (one, two) = (measure(&cells(&rows)), measure(&cells(&twice)));
        for (one, two) in one.metrics.attributes.iter().zip(&two.metrics.attributes) {
            for (one, two) in one.groups.iter().zip(&two.groups) {
                prop_assert_eq!(2 * one.n, two.n);
                match (one.selection_rate.value, two.selection_rate.value) {
                    (Some(a), Some(b)) => prop_assert!((a - b).abs() < 1e-12),
                    (a, b) => prop_assert_eq!(a, b),
                }
            }
        }
    }

    /// Files and machines add up: measuring merged cells is measuring all rows.
    #[test]
    fn merged_cells_are_measured_like_their_union(rows in rows(), cut in 1..199_usize) {
        let (one, other) = rows.split_at(cut.min(rows.len() - 1).max(1).min(rows.len()));
        let merged = if other.is_empty() { cells(one) } else { cells(one).merge(&cells(other)) };
        prop_assert_eq!(measure(&merged), measure(&cells(&rows)));
    }
}
