//! Score measures, the threshold sweep and the computed remedies.

use assize_fairness::document::{Mitigation, Verdict};
use assize_fairness::mitigation::reweighing_weights;
use assize_tables::Cells;
use serde_json::Value;

use crate::metrics_support::{Row, adult_cells, attribute, cells, measured, repeat, row};

fn scored(group: &'static str, label: u8, score: f64) -> Row {
    Row { score: Some(score), ..row(&[group], label, u8::from(score >= 0.5)) }
}

/// The score in the middle of a bin, so that nothing is lost to binning.
fn middle(bin: u16) -> f64 {
    (f64::from(bin) + 0.5) / 1024.0
}

#[test]
fn auc_with_ties_is_that_of_scikit_learn() {
    let reference: Value = serde_json::from_str(include_str!("../fixtures/statistics.json")).unwrap();
    let pairs = reference["labels"].as_array().unwrap().iter().zip(reference["bins"].as_array().unwrap());
    let rows: Vec<Row> = pairs
        .map(|(label, bin)| scored("x", label.as_u64().unwrap() as u8, middle(bin.as_u64().unwrap() as u16)))
        .collect();
    let measured = measured(&cells(&rows));
    let scores = measured.metrics.attributes[0].groups[0].scores.clone().unwrap();
    assert!((scores.auc.value.unwrap() - reference["auc"].as_f64().unwrap()).abs() < 1e-12);
    assert!(scores.auc.reason.unwrap().contains("under the minimum"));
}

/// A perfectly calibrated group: in the bin of each score s a share s of favourable labels.
fn calibrated(group: &'static str, shift: f64) -> Vec<Row> {
    let mut rows = Vec::new();
    for tenth in 1..10_u16 {
        let bin = tenth * 102;
        let positives = (middle(bin) * 1024.0).round() as usize;
        let shown = (middle(bin) + shift).clamp(0.0, 1.0);
        rows.extend(repeat(&[(positives, scored(group, 1, shown)), (1024 - positives, scored(group, 0, shown))]));
    }
    rows
}

#[test]
fn calibration_tells_a_true_score_from_a_shifted_one() {
    let measured = measured(&cells(&[calibrated("x", 0.0), calibrated("y", 0.2)].concat()));
    let metrics = &measured.metrics.attributes[0];
    let [x, y] = [0, 1].map(|group: usize| metrics.groups[group].scores.clone().unwrap());
    assert!(x.calibration_error.value.unwrap() < 1e-3);
    assert!((x.calibration_slope.unwrap() - 1.0).abs() < 0.01 && x.calibration_intercept.unwrap().abs() < 0.01);
    assert!(y.calibration_error.value.unwrap() > 0.15);
    assert!(y.calibration_intercept.unwrap() < -0.5);
    assert_eq!(metrics.calibration_error.groups, ["y"]);
    assert_eq!(metrics.calibration_error.verdict, Verdict::Fail);
    assert_eq!(x.bins.iter().map(|bin| bin.n).sum::<u64>(), 9 * 1024);
    assert!(x.brier.unwrap() < y.brier.unwrap());
    assert!((x.auc.value.unwrap() - y.auc.value.unwrap()).abs() < 0.01);
    assert!(metrics.abroca.value.unwrap() < 0.01);
}

/// Ranked right in one group and at random in the other.
#[test]
fn auc_and_abroca_see_a_group_that_is_not_ranked() {
    let mut rows = Vec::new();
    for bin in 0..1000_u16 {
        rows.push(scored("x", u8::from(bin >= 500), middle(bin)));
        rows.push(scored("y", u8::from(bin % 2 == 0), middle(bin)));
    }
    let measured = measured(&cells(&rows));
    let metrics = &measured.metrics.attributes[0];
    assert!((metrics.auc_difference.estimate.value.unwrap() - 0.5).abs() < 0.01);
    assert_eq!(metrics.auc_difference.verdict, Verdict::Fail);
    let abroca = &metrics.abroca;
    assert!((abroca.value.unwrap() - 0.5).abs() < 0.01);
    let [low, high] = abroca.interval.unwrap();
    assert!(low > 0.4 && high < 0.6);
}

#[test]
fn scoring_rate_counts_those_over_the_median_of_all() {
    let mut rows = repeat(&[(30, scored("x", 1, 0.9)), (10, scored("x", 0, 0.1))]);
    rows.extend(repeat(&[(15, scored("y", 1, 0.9)), (45, scored("y", 0, 0.1))]));
    let measured = measured(&cells(&rows));
    let table = &measured.metrics.attributes[0].ll144;
    assert_eq!((table[0].scoring_rate, table[1].scoring_rate), (Some(0.75), Some(0.25)));
    assert!((table[1].scoring_impact_ratio.unwrap() - 1.0 / 3.0).abs() < 1e-12);
}

#[test]
fn sweep_ends_select_everybody_and_its_best_reaches_four_fifths() {
    let measured = measured(&adult_cells(true));
    let sweep = &measured.metrics.threshold_sweep;
    assert_eq!((sweep[0].threshold, sweep[0].selection_rate), (0.0, 1.0));
    assert!(sweep.len() >= 101 && sweep.len() <= 202);
    assert!(sweep.windows(2).all(|pair| pair[0].threshold < pair[1].threshold));
    let best = sweep.iter().find(|point| point.best).unwrap();
    assert!(best.selection_rate_ratio.iter().all(|ratio| ratio.unwrap() >= 0.8));
    assert!(sweep.iter().any(|point| point.pareto));
}

/// What the cut-offs do to the rows, counted from the cells themselves.
fn apply(cells: &Cells, key: usize, mitigation: &Mitigation) -> (Vec<[f64; 2]>, f64, f64) {
    let levels = &cells.keys[key].levels;
    let cut = |level: usize| {
        let named = mitigation.settings.iter().find(|named| named.name == levels[level]);
        named.map(|named| named.value.expect("a cut-off has a value"))
    };
    let mut selected = vec![[0.0, 0.0]; levels.len()];
    let (mut right, mut all, mut changed) = (0.0, 0.0, 0.0);
    for cell in &cells.cells {
        let level = usize::from(cells.groups[cell.group as usize][key]);
        let n = cell.count as f64;
        let decision = match cut(level) {
            Some(cut) => u8::from(f64::from(cell.bin) / 1024.0 >= cut),
            None => cell.prediction,
        };
        selected[level][0] += n * f64::from(decision);
        selected[level][1] += n;
        right += if decision == cell.label { n } else { 0.0 };
        changed += if decision == cell.prediction { 0.0 } else { n };
        all += n;
    }
    (selected, right / all, changed)
}

#[test]
fn group_thresholds_reach_parity_at_the_price_they_state() {
    let cells = adult_cells(true);
    let measured = measured(&cells);
    let mitigation = measured
        .mitigations
        .iter()
        .find(|m| m.kind == "group_thresholds" && m.goal == "demographic_parity" && m.attribute == "race")
        .unwrap();
    let (selected, accuracy, changed) = apply(&cells, 0, mitigation);
    let rates: Vec<f64> = selected.iter().map(|[hits, n]| hits / n).collect();
    let range = rates.iter().copied().fold(0.0, f64::max) - rates.iter().copied().fold(1.0, f64::min);
    assert!(range <= 0.1 && mitigation.before.unwrap() > 0.3);
    assert!((mitigation.after.unwrap() - range).abs() < 1e-12);
    assert!((mitigation.accuracy_after.unwrap() - accuracy).abs() < 1e-12);
    assert_eq!(mitigation.changed.iter().map(|named| named.value.unwrap()).sum::<f64>(), changed);
    assert!(mitigation.note.contains("42 USC 2000e-2(l)"));
}

#[test]
fn every_group_threshold_remedy_reaches_its_goal() {
    let measured = measured(&adult_cells(true));
    let goals: Vec<&Mitigation> = measured.mitigations.iter().filter(|m| m.kind == "group_thresholds").collect();
    assert!(goals.len() >= 6, "{}", goals.len());
    for mitigation in goals {
        let (before, after) = (mitigation.before.unwrap(), mitigation.after.unwrap());
        if mitigation.goal == "disparate_impact" {
            assert!(before < 0.8 && after >= 0.8, "{mitigation:?}");
        } else {
            assert!(before > 0.1 && after <= 0.1, "{mitigation:?}");
        }
    }
}

#[test]
fn reweighing_makes_label_and_group_independent() {
    let cells = adult_cells(false);
    let weights = reweighing_weights(&cells, 1);
    let mut table = [[0.0; 2]; 2];
    for cell in &cells.cells {
        let level = usize::from(cells.groups[cell.group as usize][1]);
        let name = &cells.keys[1].levels[level];
        let weight = weights.iter().find(|weight| weight.group == *name && weight.label == cell.label).unwrap();
        table[level][usize::from(cell.label)] += cell.count as f64 * weight.weight;
    }
    let rates = table.map(|[negative, positive]| positive / (negative + positive));
    assert!((rates[0] - rates[1]).abs() < 1e-12, "{rates:?}");
}

#[test]
fn inequality_is_that_of_speicher() {
    // Benefits 2, 1, 1, 0: mean 1, Theil ln(2) / 2, generalized entropy ((4 + 1 + 1) / 4 - 1) / 2.
    let rows = [row(&["x"], 0, 1), row(&["x"], 1, 1), row(&["y"], 0, 0), row(&["y"], 1, 0)];
    let inequality = measured(&cells(&rows)).metrics.inequality;
    assert!((inequality.theil.unwrap() - std::f64::consts::LN_2 / 2.0).abs() < 1e-15);
    assert!((inequality.generalized_entropy.unwrap() - 0.25).abs() < 1e-15);
    // Group means 1.5 and 0.5: ((2.25 + 0.25) / 2 - 1) / 2 = 0.125, half of it.
    assert!((inequality.between_group_share[0].value.unwrap() - 0.5).abs() < 1e-15);
}

#[test]
fn scores_of_an_intersection_are_measured_without_their_bins() {
    let measured = measured(&adult_cells(true));
    let metrics = attribute(&measured, "race x sex");
    let scores = metrics.groups.last().unwrap().scores.as_ref().unwrap();
    assert!(scores.bins.is_empty() && scores.auc.value.is_some() && scores.xauc.is_some());
}
